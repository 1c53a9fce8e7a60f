/* Sets of resources. Entries are found by scanning: an agent offers a handful of kinds, and RESOURCE_SET_MAX
 * of them at most. A set owns the arrays of its values, so that find can take from their front; kinds are
 * shared. */
#include "resource.h"

#include <stdio.h>
#include <string.h>

void resource_set_init(struct resource_set *set, struct arena *arena)
{
    *set = (struct resource_set){.arena = arena};
}

static bool is_shared(const struct resource *resource)
{
    return resource->kind->shared != NULL;
}

static bool is_empty(const struct resource *resource)
{
    return resource->copies == 0 || resource_value_amount(&resource->value) == 0;
}

static struct resource own(struct arena *arena, const struct resource *resource)
{
    struct resource copy = *resource;
    copy.value = resource_value_copy(arena, &resource->value);
    return copy;
}

void resource_set_copy(struct resource_set *to, const struct resource_set *from)
{
    to->items = arena_array(to->arena, from->count, sizeof *to->items);
    to->count = to->capacity = from->count;
    for (size_t i = 0; i < from->count; i++)
        to->items[i] = own(to->arena, &from->items[i]);
}

int resource_set_append(struct resource_set *set, const struct resource *resource, struct error *err)
{
    if (set->count >= RESOURCE_SET_MAX)
        return error_set(err, ERR_TOO_LARGE, "there are at most %d resources", RESOURCE_SET_MAX);
    if (set->count == set->capacity) {
        size_t capacity = set->capacity > 0 ? 2 * set->capacity : 4;
        struct resource *items = arena_array(set->arena, capacity, sizeof *items);
        if (set->count > 0)
            memcpy(items, set->items, set->count * sizeof *items);
        set->items = items;
        set->capacity = capacity;
    }
    set->items[set->count++] = own(set->arena, resource);
    return 0;
}

/* Where it can be added to, or NULL. */
static struct resource *find_partner(struct resource_set *set, const struct resource *resource)
{
    if (resource->whole && !is_shared(resource))
        return NULL;
    for (size_t i = 0; i < set->count; i++) {
        if (resource_same(&set->items[i], resource))
            return &set->items[i];
    }
    return NULL;
}

int resource_set_add_one(struct resource_set *set, const struct resource *resource, struct error *err)
{
    if (is_empty(resource))
        return 0;
    struct resource *partner = find_partner(set, resource);
    if (!partner)
        return resource_set_append(set, resource, err);
    if (is_shared(resource)) {
        if (partner->copies + resource->copies > RESOURCE_SET_MAX)
            return error_set(err, ERR_TOO_LARGE, "a shared resource has at most %d copies", RESOURCE_SET_MAX);
        partner->copies += resource->copies;
        return 0;
    }
    if (resource->value.type == RESOURCE_SCALAR && partner->value.scalar > MILLI_MAX - resource->value.scalar)
        return error_set(err, ERR_TOO_LARGE, "%s would be more than 10^12", resource->kind->name);
    resource_value_add(set->arena, &partner->value, &resource->value);
    return 0;
}

int resource_set_add(struct resource_set *to, const struct resource_set *what, struct error *err)
{
    struct resource_set sum;
    resource_set_init(&sum, to->arena);
    resource_set_copy(&sum, to);
    for (size_t i = 0; i < what->count; i++) {
        int rc = resource_set_add_one(&sum, &what->items[i], err);
        if (rc)
            return rc;
    }
    *to = sum;
    return 0;
}

int resource_set_add_messages(struct resource_set *set, Mesos__V1__Resource *const *messages, size_t count,
        const char *path, struct error *err)
{
    struct resource_set sum;
    resource_set_init(&sum, set->arena);
    resource_set_copy(&sum, set);
    for (size_t i = 0; i < count; i++) {
        struct resource resource;
        int rc = resource_read(set->arena, messages[i], &resource, err);
        if (rc == 0)
            rc = resource_set_add_one(&sum, &resource, err);
        if (rc) {
            if (err)
                snprintf(err->field, sizeof err->field, "%s[%zu]", path, i);
            return rc;
        }
    }
    *set = sum;
    return 0;
}

/* ---- containing ----------------------------------------------------------------------------------------
 * What is the same may be in several entries of either set, so amounts are compared over all of them. */

/* A scalar's sum, or the number of whole ones, or of copies. */
static int64_t total(const struct resource_set *set, const struct resource *like)
{
    int64_t sum = 0;
    for (size_t i = 0; i < set->count; i++) {
        const struct resource *item = &set->items[i];
        if (!resource_same(item, like))
            continue;
        sum += like->whole ? (int64_t)item->copies : item->value.scalar;
    }
    return sum;
}

static bool is_counted(const struct resource *resource)
{
    return resource->whole || resource->value.type == RESOURCE_SCALAR;
}

/* Takes away from `rest` what is the same in the set; ranges and items. */
static void remove_same(struct arena *arena, const struct resource_set *set, struct resource *rest)
{
    for (size_t i = 0; i < set->count; i++) {
        if (resource_same(&set->items[i], rest))
            resource_value_subtract(arena, &rest->value, &set->items[i].value);
    }
}

static bool contains_one(
        const struct resource_set *all, const struct resource_set *part, const struct resource *one)
{
    if (is_empty(one))
        return true;
    if (is_counted(one))
        return total(part, one) <= total(all, one);
    for (size_t i = 0; i < all->count; i++) { /* mostly one entry has them all */
        if (resource_same(&all->items[i], one) && resource_value_contains(&all->items[i].value, &one->value))
            return true;
    }
    struct arena arena;
    arena_init(&arena);
    struct resource rest = *one;
    remove_same(&arena, all, &rest);
    bool contained = is_empty(&rest);
    arena_clear(&arena);
    return contained;
}

bool resource_set_contains(const struct resource_set *all, const struct resource_set *part)
{
    for (size_t i = 0; i < part->count; i++) {
        if (!contains_one(all, part, &part->items[i]))
            return false;
    }
    return true;
}

bool resource_set_equal(const struct resource_set *a, const struct resource_set *b)
{
    return resource_set_contains(a, b) && resource_set_contains(b, a);
}

bool resource_set_is_empty(const struct resource_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        if (!is_empty(&set->items[i]))
            return false;
    }
    return true;
}

/* ---- subtracting ---- */

/* Takes copies, or a part of a scalar, from the entry; what is still to be taken is left in `what`. */
static void subtract_counted(struct resource *item, struct resource *what)
{
    if (what->whole) {
        uint32_t copies = item->copies < what->copies ? item->copies : what->copies;
        item->copies -= copies;
        what->copies -= copies;
    } else {
        milli_t part = item->value.scalar < what->value.scalar ? item->value.scalar : what->value.scalar;
        item->value.scalar -= part;
        what->value.scalar -= part;
    }
}

static void subtract_one(struct resource_set *from, struct resource what)
{
    for (size_t i = 0; i < from->count; i++) {
        struct resource *item = &from->items[i];
        if (!resource_same(item, &what))
            continue;
        if (is_counted(&what))
            subtract_counted(item, &what);
        else
            resource_value_subtract(from->arena, &item->value, &what.value);
    }
}

static void drop_empty(struct resource_set *set)
{
    size_t kept = 0;
    for (size_t i = 0; i < set->count; i++) {
        if (!is_empty(&set->items[i]))
            set->items[kept++] = set->items[i];
    }
    set->count = kept;
}

int resource_set_subtract(struct resource_set *from, const struct resource_set *what, struct error *err)
{
    for (size_t i = 0; i < what->count; i++) {
        if (!contains_one(from, what, &what->items[i]))
            return error_set(err, ERR_NOT_FOUND, "there is no such %s, or not as much of it",
                    what->items[i].kind->name);
    }
    for (size_t i = 0; i < what->count; i++)
        subtract_one(from, what->items[i]);
    drop_empty(from);
    return 0;
}

/* ---- amounts and messages ---- */

milli_t resource_set_scalar(const struct resource_set *set, const char *name)
{
    milli_t sum = 0;
    for (size_t i = 0; i < set->count; i++) {
        const struct resource *item = &set->items[i];
        if (item->copies > 0 && item->value.type == RESOURCE_SCALAR && strcmp(item->kind->name, name) == 0)
            sum += item->value.scalar;
    }
    return sum;
}

uint64_t resource_set_values(const struct resource_set *set, const char *name)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < set->count; i++) {
        const struct resource *item = &set->items[i];
        if (item->value.type == RESOURCE_SCALAR || strcmp(item->kind->name, name) != 0)
            continue;
        uint64_t more = resource_value_amount(&item->value);
        sum = more > UINT64_MAX - sum ? UINT64_MAX : sum + more;
    }
    return sum;
}

size_t resource_set_write(
        const struct resource_set *set, struct arena *arena, Mesos__V1__Resource ***messages)
{
    size_t room = 0, count = 0;
    for (size_t i = 0; i < set->count; i++)
        room += set->items[i].copies;
    Mesos__V1__Resource **all = arena_array(arena, room, sizeof *all);
    for (size_t i = 0; i < set->count; i++) {
        if (is_empty(&set->items[i]))
            continue;
        Mesos__V1__Resource *message = resource_write(arena, &set->items[i]);
        for (uint32_t copy = 0; copy < set->items[i].copies; copy++)
            all[count++] = message;
    }
    *messages = all;
    return count;
}
