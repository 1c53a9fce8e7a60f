/* Arithmetic of resources. Entries are found by scanning: an agent has a handful of kinds. */
#include "resources.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void resources_init(struct resources *resources)
{
    *resources = (struct resources){0};
}

static void clear_one(struct resource *resource)
{
    free(resource->ranges);
    for (size_t i = 0; i < resource->item_count; i++)
        free(resource->items[i]);
    free(resource->items);
}

void resources_clear(struct resources *resources)
{
    for (size_t i = 0; i < resources->count; i++)
        clear_one(&resources->items[i]);
    free(resources->items);
    resources_init(resources);
}

static struct resource *find(const struct resources *resources, const struct resource_kind *kind)
{
    for (size_t i = 0; i < resources->count; i++)
        if (resources->items[i].kind == kind)
            return &resources->items[i];
    return NULL;
}

static struct resource *append(struct resources *resources, const struct resource_kind *kind)
{
    if (resources->count == resources->capacity) {
        resources->capacity = resources->capacity == 0 ? 4 : resources->capacity * 2;
        resources->items = alloc_resize(resources->items, resources->capacity, sizeof(struct resource));
    }
    struct resource *resource = &resources->items[resources->count++];
    *resource = (struct resource){.kind = kind};
    return resource;
}

static bool is_empty(const struct resource *resource)
{
    return resource->scalar == 0 && resource->range_count == 0 && resource->item_count == 0;
}

/* Where `item` is in a sorted set, or where it belongs. */
static bool set_find(const struct resource *resource, const char *item, size_t *at)
{
    size_t i = 0;
    int order = 1;
    while (i < resource->item_count && (order = strcmp(resource->items[i], item)) < 0)
        i++;
    *at = i;
    return i < resource->item_count && order == 0;
}

static void add_one(struct resource *to, const struct resource *what)
{
    if (to->kind != NULL && to->kind->shared)
        to->scalar = what->scalar > to->scalar ? what->scalar : to->scalar;
    else
        to->scalar += what->scalar;
    for (size_t i = 0; i < what->range_count; i++)
        ranges_add(&to->ranges, &to->range_count, what->ranges[i]);
    for (size_t i = 0; i < what->item_count; i++) {
        size_t at;
        if (set_find(to, what->items[i], &at))
            continue;
        to->items = alloc_resize(to->items, to->item_count + 1, sizeof(char *));
        memmove(to->items + at + 1, to->items + at, (to->item_count - at) * sizeof(char *));
        to->items[at] = alloc_string(what->items[i]);
        to->item_count++;
    }
}

static void subtract_one(struct resource *from, const struct resource *what)
{
    from->scalar -= what->scalar;
    for (size_t i = 0; i < what->range_count; i++)
        ranges_subtract(&from->ranges, &from->range_count, what->ranges[i]);
    for (size_t i = 0; i < what->item_count; i++) {
        size_t at;
        if (!set_find(from, what->items[i], &at))
            continue;
        free(from->items[at]);
        memmove(from->items + at, from->items + at + 1, (from->item_count - at - 1) * sizeof(char *));
        from->item_count--;
    }
}

static bool contains_one(const struct resource *all, const struct resource *part)
{
    if (part->scalar > all->scalar || (all->kind->whole && part->scalar != all->scalar))
        return false;
    for (size_t i = 0; i < part->range_count; i++)
        if (!ranges_contain(all->ranges, all->range_count, part->ranges[i]))
            return false;
    for (size_t i = 0; i < part->item_count; i++) {
        size_t at;
        if (!set_find(all, part->items[i], &at))
            return false;
    }
    return true;
}

void resources_add(struct resources *to, const struct resources *what)
{
    for (size_t i = 0; i < what->count; i++) {
        struct resource *entry = find(to, what->items[i].kind);
        if (entry == NULL)
            entry = append(to, what->items[i].kind);
        add_one(entry, &what->items[i]);
    }
}

void resources_copy(struct resources *to, const struct resources *from)
{
    resources_clear(to);
    resources_add(to, from);
}

void resources_subtract(struct resources *from, const struct resources *what)
{
    for (size_t i = 0; i < what->count; i++) {
        struct resource *entry = find(from, what->items[i].kind);
        if (entry != NULL && (entry->kind == NULL || !entry->kind->shared))
            subtract_one(entry, &what->items[i]);
    }
}

static void empty_one(struct resource *resource)
{
    clear_one(resource);
    *resource = (struct resource){.kind = resource->kind};
}

void resources_discard(struct resources *from, const struct resources *what)
{
    for (size_t i = 0; i < what->count; i++) {
        struct resource *entry = find(from, what->items[i].kind);
        if (entry != NULL)
            empty_one(entry);
    }
}

void resources_intersect(struct resources *of, const struct resources *with)
{
    for (size_t i = 0; i < of->count; i++) {
        struct resource *one = &of->items[i];
        const struct resource *other = find(with, one->kind);
        if (other == NULL) {
            empty_one(one);
            continue;
        }
        struct resource extra = {.kind = one->kind};
        add_one(&extra, one);
        subtract_one(&extra, other);
        extra.scalar = one->scalar > other->scalar ? one->scalar - other->scalar : 0;
        subtract_one(one, &extra);
        clear_one(&extra);
    }
}

void resources_discard_shared(struct resources *from)
{
    for (size_t i = 0; i < from->count; i++)
        if (from->items[i].kind != NULL && from->items[i].kind->shared)
            empty_one(&from->items[i]);
}

bool resources_contains(const struct resources *all, const struct resources *part)
{
    for (size_t i = 0; i < part->count; i++) {
        if (is_empty(&part->items[i]))
            continue;
        const struct resource *entry = part->items[i].kind == NULL ? NULL : find(all, part->items[i].kind);
        if (entry == NULL || !contains_one(entry, &part->items[i]))
            return false;
    }
    return true;
}

bool resources_is_empty(const struct resources *resources)
{
    for (size_t i = 0; i < resources->count; i++)
        if (!is_empty(&resources->items[i]))
            return false;
    return true;
}

milli_t resources_scalar(const struct resources *resources, const char *name)
{
    milli_t sum = 0;
    for (size_t i = 0; i < resources->count; i++)
        if (resources->items[i].kind != NULL && strcmp(resources->items[i].kind->shape->name, name) == 0)
            sum += resources->items[i].scalar;
    return sum;
}

/* Whether `role` is `above` or below it in the tree of roles. */
static bool role_is_below(const char *role, const char *above)
{
    size_t length = strlen(above);
    return strncmp(role, above, length) == 0 && (role[length] == '\0' || role[length] == '/');
}

void resources_for_role(struct resources *to, const struct resources *from, const char *role, bool refined)
{
    resources_clear(to);
    for (size_t i = 0; i < from->count; i++) {
        const struct resource_kind *kind = from->items[i].kind;
        if (is_empty(&from->items[i]) || (kind->role != NULL && !role_is_below(role, kind->role)))
            continue;
        if (kind->shape->n_reservations > 1 && !refined)
            continue;
        add_one(append(to, kind), &from->items[i]);
    }
}
