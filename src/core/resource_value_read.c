/* Values out of messages: sorted, joined, each once. */
#include "resource.h"

#include <string.h>

/* ---- sorting, without recursion and in n log n: a master decides on the order ---- */

typedef int (*compare)(const void *a, const void *b);

static int compare_ranges(const void *a, const void *b)
{
    const struct resource_range *x = a, *y = b;
    return (x->begin > y->begin) - (x->begin < y->begin);
}

static int compare_items(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_sorted(const char *items, size_t count, size_t size, compare order)
{
    for (size_t i = 1; i < count; i++) {
        if (order(items + (i - 1) * size, items + i * size) > 0)
            return false;
    }
    return true;
}

/* Merges from[low..middle) and from[middle..high) into the same place of `to`. */
static void merge(
        char *to, const char *from, size_t low, size_t middle, size_t high, size_t size, compare order)
{
    size_t left = low, right = middle;
    for (size_t i = low; i < high; i++) {
        bool first = right == high || (left < middle && order(from + left * size, from + right * size) <= 0);
        memcpy(to + i * size, from + (first ? left++ : right++) * size, size);
    }
}

static void sort(struct arena *arena, void *items, size_t count, size_t size, compare order)
{
    if (is_sorted(items, count, size, order))
        return;
    char *from = items, *to = arena_array(arena, count, size);
    for (size_t run = 1; run < count; run *= 2) {
        for (size_t low = 0; low < count; low += 2 * run) {
            size_t middle = low + run < count ? low + run : count;
            size_t high = low + 2 * run < count ? low + 2 * run : count;
            merge(to, from, low, middle, high, size, order);
        }
        char *other = from;
        from = to;
        to = other;
    }
    if (from != items)
        memcpy(items, from, count * size);
}

/* ---- tidying ---- */

/* Joins sorted ranges that overlap or touch; returns how many are left. */
static size_t join_ranges(struct resource_range *ranges, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        struct resource_range *last = kept > 0 ? &ranges[kept - 1] : NULL;
        if (last && (ranges[i].begin <= last->end || ranges[i].begin - 1 == last->end)) {
            if (ranges[i].end > last->end)
                last->end = ranges[i].end;
        } else {
            ranges[kept++] = ranges[i];
        }
    }
    return kept;
}

static size_t drop_repeated(const char **items, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || strcmp(items[kept - 1], items[i]) != 0)
            items[kept++] = items[i];
    }
    return kept;
}

static void sort_value(struct arena *arena, struct resource_value *value)
{
    if (value->type == RESOURCE_RANGES)
        sort(arena, value->ranges, value->count, sizeof *value->ranges, compare_ranges);
    else
        sort(arena, value->items, value->count, sizeof *value->items, compare_items);
}

void resource_value_tidy(struct arena *arena, struct resource_value *value)
{
    sort_value(arena, value);
    value->count = value->type == RESOURCE_RANGES ? join_ranges(value->ranges, value->count)
                                                  : drop_repeated(value->items, value->count);
}

/* ---- reading ---- */

static int read_scalar(
        const Mesos__V1__Value__Scalar *scalar, struct resource_value *value, struct error *err)
{
    if (!scalar)
        return error_set(err, ERR_INVALID, "a scalar has no value");
    milli_t milli;
    if (milli_from_double(scalar->value, &milli))
        return error_set(err, ERR_INVALID, "a scalar must be a number up to 10^12");
    if (milli < 0)
        return error_set(err, ERR_INVALID, "a scalar must not be negative");
    value->scalar = milli;
    return 0;
}

static int fill_ranges(struct arena *arena, const Mesos__V1__Value__Ranges *ranges,
        struct resource_value *value, struct error *err)
{
    if (!ranges)
        return error_set(err, ERR_INVALID, "ranges have no value");
    if (ranges->n_range > RESOURCE_VALUES_MAX)
        return error_set(err, ERR_TOO_LARGE, "a resource has at most %d ranges", RESOURCE_VALUES_MAX);
    value->ranges = arena_array(arena, ranges->n_range, sizeof *value->ranges);
    for (size_t i = 0; i < ranges->n_range; i++) {
        const Mesos__V1__Value__Range *range = ranges->range[i];
        if (range->begin <= range->end)
            value->ranges[value->count++] = (struct resource_range){range->begin, range->end};
    }
    return 0;
}

static int fill_items(struct arena *arena, const Mesos__V1__Value__Set *set, struct resource_value *value,
        struct error *err)
{
    if (!set)
        return error_set(err, ERR_INVALID, "a set has no value");
    if (set->n_item > RESOURCE_VALUES_MAX)
        return error_set(err, ERR_TOO_LARGE, "a resource has at most %d items", RESOURCE_VALUES_MAX);
    value->items = arena_array(arena, set->n_item, sizeof *value->items);
    for (size_t i = 0; i < set->n_item; i++)
        value->items[value->count++] = set->item[i];
    return 0;
}

/* As listed. */
static int fill(struct arena *arena, const Mesos__V1__Resource *message, struct resource_value *value,
        struct error *err)
{
    struct resource_value read = {.type = message->type};
    int rc;
    switch (message->type) {
    case RESOURCE_SCALAR:
        rc = read_scalar(message->scalar, &read, err);
        break;
    case RESOURCE_RANGES:
        rc = fill_ranges(arena, message->ranges, &read, err);
        break;
    case RESOURCE_ITEMS:
        rc = fill_items(arena, message->set, &read, err);
        break;
    default:
        rc = error_set(err, ERR_INVALID, "a resource is a scalar, ranges or a set, not of type %d",
                (int)message->type);
    }
    if (rc == 0)
        *value = read;
    return rc;
}

int resource_value_read(struct arena *arena, const Mesos__V1__Resource *message, struct resource_value *value,
        struct error *err)
{
    struct resource_value read;
    int rc = fill(arena, message, &read, err);
    if (rc)
        return rc;
    if (read.type != RESOURCE_SCALAR)
        resource_value_tidy(arena, &read);
    *value = read;
    return 0;
}

bool resource_value_is_apart(struct arena *arena, const Mesos__V1__Resource *message)
{
    struct resource_value value;
    if (fill(arena, message, &value, NULL) || value.type == RESOURCE_SCALAR)
        return true;
    sort_value(arena, &value);
    for (size_t i = 1; i < value.count; i++) {
        if (value.type == RESOURCE_RANGES ? value.ranges[i].begin <= value.ranges[i - 1].end
                                          : strcmp(value.items[i - 1], value.items[i]) == 0)
            return false;
    }
    return true;
}
