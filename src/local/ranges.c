/* Sorted lists of ranges that do not touch. Lists are short: an agent's ports in pieces. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "resources.h"

/* The first range that ends at or after `value`. */
static size_t find(const struct range *ranges, size_t count, uint64_t value)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ranges[middle].end < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Replaces `removed` entries at `at` with the given ones. */
static void splice(struct range **ranges, size_t *count, size_t at, size_t removed, const struct range *added,
        size_t added_count)
{
    size_t rest = *count - at - removed;
    if (added_count > removed)
        *ranges = alloc_resize(*ranges, *count + added_count - removed, sizeof(struct range));
    if (rest != 0)
        memmove(*ranges + at + added_count, *ranges + at + removed, rest * sizeof(struct range));
    if (added_count != 0)
        memcpy(*ranges + at, added, added_count * sizeof(struct range));
    *count = at + added_count + rest;
}

void ranges_add(struct range **ranges, size_t *count, struct range what)
{
    /* One below, so that a neighbour is joined. */
    size_t at = find(*ranges, *count, what.begin == 0 ? 0 : what.begin - 1);
    size_t end = at;
    while (end < *count && (what.end == UINT64_MAX || (*ranges)[end].begin <= what.end + 1)) {
        if ((*ranges)[end].begin < what.begin)
            what.begin = (*ranges)[end].begin;
        if ((*ranges)[end].end > what.end)
            what.end = (*ranges)[end].end;
        end++;
    }
    splice(ranges, count, at, end - at, &what, 1);
}

void ranges_subtract(struct range **ranges, size_t *count, struct range what)
{
    size_t at = find(*ranges, *count, what.begin);
    struct range left[2];
    size_t left_count = 0;
    size_t end = at;
    while (end < *count && (*ranges)[end].begin <= what.end) {
        struct range old = (*ranges)[end++];
        if (old.begin < what.begin)
            left[left_count++] = (struct range){old.begin, what.begin - 1};
        if (old.end > what.end)
            left[left_count++] = (struct range){what.end + 1, old.end};
    }
    if (end != at)
        splice(ranges, count, at, end - at, left, left_count);
}

bool ranges_contain(const struct range *ranges, size_t count, struct range what)
{
    size_t at = find(ranges, count, what.begin);
    return at < count && ranges[at].begin <= what.begin && what.end <= ranges[at].end;
}
