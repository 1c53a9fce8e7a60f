/* Arithmetic of values: scalars, ranges, sets. Ranges reach to 2^64-1, where `end + 1` is 0: beware. */
#include "resource.h"

#include <string.h>

/* ---- ranges ---- */

static void add_ranges(struct arena *arena, struct resource_value *to, const struct resource_value *what)
{
    struct resource_range *all = arena_array(arena, to->count + what->count, sizeof *all);
    if (to->count > 0)
        memcpy(all, to->ranges, to->count * sizeof *all);
    memcpy(all + to->count, what->ranges, what->count * sizeof *all);
    to->count += what->count;
    to->ranges = all;
    resource_value_tidy(arena, to);
}

/* A hole divides a range, so there can be as many more as there are holes. */
static void subtract_ranges(
        struct arena *arena, struct resource_value *from, const struct resource_value *what)
{
    struct resource_range *left = arena_array(arena, from->count + what->count, sizeof *left);
    size_t count = 0, hole = 0;
    for (size_t i = 0; i < from->count; i++) {
        uint64_t begin = from->ranges[i].begin, end = from->ranges[i].end;
        bool rest = true;
        while (hole < what->count && what->ranges[hole].end < begin)
            hole++;
        /* The last hole may reach into the next range: it is looked at again. */
        for (size_t h = hole; rest && h < what->count && what->ranges[h].begin <= end; h++) {
            if (what->ranges[h].begin > begin)
                left[count++] = (struct resource_range){begin, what->ranges[h].begin - 1};
            rest = what->ranges[h].end < end;
            begin = rest ? what->ranges[h].end + 1 : begin;
        }
        if (rest)
            left[count++] = (struct resource_range){begin, end};
    }
    from->ranges = left;
    from->count = count;
}

static bool contains_ranges(const struct resource_value *all, const struct resource_value *part)
{
    size_t at = 0;
    for (size_t i = 0; i < part->count; i++) {
        while (at < all->count && all->ranges[at].end < part->ranges[i].begin)
            at++;
        if (at == all->count || all->ranges[at].begin > part->ranges[i].begin ||
                all->ranges[at].end < part->ranges[i].end)
            return false;
    }
    return true;
}

/* ---- sets ---- */

static void add_items(struct arena *arena, struct resource_value *to, const struct resource_value *what)
{
    const char **all = arena_array(arena, to->count + what->count, sizeof *all);
    if (to->count > 0)
        memcpy(all, to->items, to->count * sizeof *all);
    memcpy(all + to->count, what->items, what->count * sizeof *all);
    to->count += what->count;
    to->items = all;
    resource_value_tidy(arena, to);
}

/* Walks both in order; keeps what is not in `what`, or only counts. */
static size_t items_without(
        const struct resource_value *from, const struct resource_value *what, const char **kept)
{
    size_t count = 0, at = 0;
    for (size_t i = 0; i < from->count; i++) {
        int order = -1;
        while (at < what->count && (order = strcmp(from->items[i], what->items[at])) > 0)
            at++;
        if (at < what->count && order == 0)
            continue;
        if (kept)
            kept[count] = from->items[i];
        count++;
    }
    return count;
}

static void subtract_items(
        struct arena *arena, struct resource_value *from, const struct resource_value *what)
{
    const char **kept = arena_array(arena, from->count, sizeof *kept);
    from->count = items_without(from, what, kept);
    from->items = kept;
}

/* ---- arithmetic ---- */

uint64_t resource_value_amount(const struct resource_value *value)
{
    if (value->type == RESOURCE_SCALAR)
        return (uint64_t)value->scalar;
    if (value->type == RESOURCE_ITEMS)
        return value->count;
    uint64_t sum = 0;
    for (size_t i = 0; i < value->count; i++) {
        uint64_t more = value->ranges[i].end - value->ranges[i].begin;
        if (more == UINT64_MAX || sum > UINT64_MAX - more - 1)
            return UINT64_MAX;
        sum += more + 1;
    }
    return sum;
}

void resource_value_add(struct arena *arena, struct resource_value *to, const struct resource_value *what)
{
    if (to->type == RESOURCE_SCALAR)
        to->scalar += what->scalar;
    else if (what->count == 0)
        return;
    else if (to->type == RESOURCE_RANGES)
        add_ranges(arena, to, what);
    else
        add_items(arena, to, what);
}

void resource_value_subtract(
        struct arena *arena, struct resource_value *from, const struct resource_value *what)
{
    if (from->type == RESOURCE_SCALAR)
        from->scalar -= what->scalar < from->scalar ? what->scalar : from->scalar;
    else if (from->count == 0 || what->count == 0)
        return;
    else if (from->type == RESOURCE_RANGES)
        subtract_ranges(arena, from, what);
    else
        subtract_items(arena, from, what);
}

bool resource_value_contains(const struct resource_value *all, const struct resource_value *part)
{
    if (all->type == RESOURCE_SCALAR)
        return part->scalar <= all->scalar;
    return all->type == RESOURCE_RANGES ? contains_ranges(all, part) : items_without(part, all, NULL) == 0;
}

bool resource_value_equal(const struct resource_value *a, const struct resource_value *b)
{
    return a->type == b->type && resource_value_contains(a, b) && resource_value_contains(b, a);
}

struct resource_value resource_value_copy(struct arena *arena, const struct resource_value *value)
{
    struct resource_value copy = *value;
    if (value->type == RESOURCE_RANGES)
        copy.ranges = arena_copy(arena, value->ranges, value->count * sizeof *value->ranges);
    else if (value->type == RESOURCE_ITEMS)
        copy.items = arena_copy(arena, value->items, value->count * sizeof *value->items);
    return copy;
}

static void take_ranges(
        struct arena *arena, struct resource_value *from, uint64_t amount, struct resource_value *taken)
{
    size_t most = from->count < amount ? from->count : (size_t)amount;
    taken->ranges = arena_array(arena, most, sizeof *taken->ranges);
    while (amount > 0 && from->count > 0) {
        struct resource_range *first = &from->ranges[0];
        uint64_t more = first->end - first->begin; /* besides the first number */
        struct resource_range *part = &taken->ranges[taken->count++];
        *part = *first;
        if (more >= amount) {
            part->end = first->begin + amount - 1;
            first->begin += amount;
            return;
        }
        amount -= more + 1;
        from->ranges++;
        from->count--;
    }
}

struct resource_value resource_value_take(struct arena *arena, struct resource_value *from, uint64_t amount)
{
    struct resource_value taken = {.type = from->type};
    if (from->type == RESOURCE_SCALAR) {
        taken.scalar = amount < (uint64_t)from->scalar ? (milli_t)amount : from->scalar;
        from->scalar -= taken.scalar;
    } else if (from->type == RESOURCE_RANGES) {
        take_ranges(arena, from, amount, &taken);
    } else {
        taken.count = amount < from->count ? (size_t)amount : from->count;
        taken.items = from->items;
        from->items += taken.count;
        from->count -= taken.count;
    }
    return taken;
}
