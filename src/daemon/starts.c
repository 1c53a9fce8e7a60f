/* When this store was started lately. A run that was ended without warning may have left a SUBSCRIBE on its
 * way, which takes our place when it arrives: as many of those are ours as there were runs in the time a
 * SUBSCRIBE can take. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/decimal.h"
#include "starts.h"

#define RECENT_NS ((int64_t)15 * 60 * 1000000000) /* as src/mesos, after which none is waited for */

unsigned starts_add(const char *before, int64_t now_ns, char after[STARTS_TEXT_MAX])
{
    int64_t kept[STARTS_MAX];
    unsigned count = 0;
    char *text = alloc_string(before ? before : ""), *rest = NULL;
    for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        int64_t at;
        /* One that lies ahead, by a clock that was set back, counts as lately. */
        if (integer_parse(word, 0, INT64_MAX, &at) || (at <= now_ns && now_ns - at > RECENT_NS))
            continue;
        if (count == STARTS_MAX)
            memmove(kept, kept + 1, --count * sizeof *kept);
        kept[count++] = at;
    }
    free(text);
    char *to = after, *end = after + STARTS_TEXT_MAX;
    for (unsigned i = count == STARTS_MAX; i < count; i++)
        to += snprintf(to, (size_t)(end - to), "%" PRId64 " ", kept[i]);
    snprintf(to, (size_t)(end - to), "%" PRId64, now_ns);
    return count;
}
