/* Groups of offer constraints as one text: each with its length in front, sorted by their bytes, each once.
 * Empty: there are none, and no limit. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define TEXT_MOST ((size_t)64 << 10) /* bytes of a role's groups */

void limit_text_set(struct slice *place, struct slice text)
{
    uint8_t *copy = text.length > 0 ? memcpy(alloc_bytes(text.length), text.data, text.length) : NULL;
    free((void *)(uintptr_t)place->data);
    *place = slice_of(copy, text.length);
}

bool limit_text_next(struct slice *rest, struct slice *group)
{
    uint32_t length;
    if (rest->length == 0)
        return false;
    memcpy(&length, rest->data, sizeof length);
    *group = slice_of(rest->data + sizeof length, length);
    *rest = slice_of(group->data + length, rest->length - sizeof length - length);
    return true;
}

static void add_group(struct buf *text, struct slice group)
{
    uint32_t length = (uint32_t)group.length;
    if (buf_append(text, &length, sizeof length) || buf_append(text, group.data, group.length))
        abort(); /* it has no limit */
}

static int compare(struct slice a, struct slice b)
{
    size_t length = a.length < b.length ? a.length : b.length;
    int order = memcmp(a.data, b.data, length);
    return order ? order : (a.length > b.length) - (a.length < b.length);
}

/* Sorted, each once. */
size_t limit_insert(struct slice *groups, size_t count, struct slice group)
{
    size_t at = count;
    while (at > 0 && compare(groups[at - 1], group) > 0)
        at--;
    if (at > 0 && slice_equal(groups[at - 1], group))
        return count;
    memmove(groups + at + 1, groups + at, (count - at) * sizeof *groups);
    groups[at] = group;
    return count + 1;
}

/* Empty where they are too many. */
void limit_text_write(struct slice *place, const struct slice *groups, size_t count)
{
    struct buf text;
    buf_init(&text, 0);
    for (size_t i = 0; i < count && count <= LIMIT_GROUPS_MOST; i++)
        add_group(&text, groups[i]);
    limit_text_set(place, text.length <= TEXT_MOST ? slice_of(text.data, text.length) : slice_of(NULL, 0));
    buf_clear(&text);
}

size_t limit_text_read(struct slice *groups, size_t count, struct slice text)
{
    struct slice group;
    while (limit_text_next(&text, &group))
        count = limit_insert(groups, count, group);
    return count;
}

/* Whether the master offers agents of the groups `part` where it goes by those of `text`. */
bool limit_text_covers(struct slice text, struct slice part)
{
    struct slice wanted, told, rest;
    if (text.length == 0)
        return true;
    bool all = part.length > 0;
    while (all && limit_text_next(&part, &wanted)) {
        bool found = false;
        rest = text;
        while (!found && limit_text_next(&rest, &told))
            found = limit_is_within(wanted, told);
        all = found;
    }
    return all;
}

/* Whether all groups of `part` are in `text`. */
bool limit_text_has(struct slice text, struct slice part)
{
    struct slice groups[4 * LIMIT_GROUPS_MOST];
    size_t count = limit_text_read(groups, 0, text);
    return limit_text_read(groups, count, part) == count;
}
