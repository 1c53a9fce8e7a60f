/* Prefixes in alphabetical order, none of which begins with another one: then the last one that is not past a
 * topic is the only one that it can begin with. */
#include "prefixes.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct prefixes {
    size_t count;
    char **texts;
};

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

struct prefixes *prefixes_create(char *const *texts, size_t count, const char *root)
{
    for (size_t i = 0; i < count; i++) {
        if (begins_with(root, texts[i]))
            return NULL;
    }
    if (count == 0)
        return NULL;
    struct prefixes *prefixes = alloc_zeroed(1, sizeof *prefixes);
    char **sorted = alloc_zeroed(count, sizeof *sorted);
    memcpy(sorted, texts, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare);
    prefixes->texts = sorted;
    for (size_t i = 0; i < count; i++) {
        if (prefixes->count == 0 || !begins_with(sorted[i], sorted[prefixes->count - 1]))
            sorted[prefixes->count++] = alloc_string(sorted[i]);
    }
    return prefixes;
}

void prefixes_destroy(struct prefixes *prefixes)
{
    if (!prefixes)
        return;
    for (size_t i = 0; i < prefixes->count; i++)
        free(prefixes->texts[i]);
    free(prefixes->texts);
    free(prefixes);
}

bool prefixes_match(const struct prefixes *prefixes, const char *topic)
{
    size_t low = 0, high = prefixes->count; /* all below `low` are not past the topic, all from `high` are */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(prefixes->texts[middle], topic) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && begins_with(topic, prefixes->texts[low - 1]);
}
