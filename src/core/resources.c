/* Taking a task's resources out of an offer: the thin layer between shapes and resource.h. A task asks for
 * cpus, mem, disk, gpus and ports; it gets what is plain, what is reserved most specifically for the offer's
 * role first. What is taken keeps the reservations and the allocation_info it was offered with. */
#include "internal.h"

#include <string.h>

static struct resource_want want_scalar(enum scalar scalar, uint64_t amount)
{
    return (struct resource_want){.name = scalar_names[scalar], .type = RESOURCE_SCALAR, .amount = amount};
}

static struct resource_want want_ports(uint64_t amount)
{
    return (struct resource_want){.name = "ports", .type = RESOURCE_RANGES, .amount = amount};
}

/* Ranges of numbers that are no ports are left out. */
static void keep_ports(struct resource *resource)
{
    struct resource_value *value = &resource->value;
    if (value->type != RESOURCE_RANGES || strcmp(resource->kind->name, "ports") != 0)
        return;
    size_t kept = 0;
    for (size_t i = 0; i < value->count; i++) {
        if (value->ranges[i].end <= UINT16_MAX)
            value->ranges[kept++] = value->ranges[i];
    }
    value->count = kept;
}

/* What makes no sense is in no task. */
void offer_measure(struct offer *offer)
{
    const char *role = offer->role->name;
    resource_set_init(&offer->left, &offer->arena);
    for (size_t i = 0; i < offer->offer->n_resources; i++) {
        struct resource resource;
        if (resource_read(&offer->arena, offer->offer->resources[i], &resource, NULL))
            continue;
        keep_ports(&resource);
        if (resource_set_append(&offer->left, &resource, NULL))
            break;
    }
    for (int s = 0; s < SCALAR_COUNT; s++) {
        struct resource_want all = want_scalar((enum scalar)s, INT64_MAX);
        offer->total[s] = (int64_t)resource_available(&offer->left, role, &all);
    }
    struct resource_want all = want_ports(UINT64_MAX);
    offer->total_ports = resource_available(&offer->left, role, &all);
}

static void list_ports(const struct resource_set *taken, uint32_t *ports)
{
    for (size_t i = 0; i < taken->count; i++) {
        const struct resource_value *value = &taken->items[i].value;
        for (size_t r = 0; value->type == RESOURCE_RANGES && r < value->count; r++) {
            for (uint64_t port = value->ranges[r].begin; port <= value->ranges[r].end; port++)
                *ports++ = (uint32_t)port;
        }
    }
}

int offer_misfit(const struct offer *offer, const struct shape *shape)
{
    for (int s = 0; s < SCALAR_COUNT; s++) {
        if (offer->total[s] < shape->scalars[s])
            return s;
    }
    return offer->total_ports < shape->ports ? (int)MISFIT_PORTS : MISFIT_NONE;
}

bool offer_take(
        struct offer *offer, const struct shape *shape, struct arena *arena, struct core_launch *launch)
{
    if (offer_misfit(offer, shape) != MISFIT_NONE)
        return false;
    struct resource_want wants[SCALAR_COUNT + 1];
    struct resource_request request = {.wants = wants};
    for (int s = 0; s < SCALAR_COUNT; s++) {
        if (shape->scalars[s] > 0)
            wants[request.want_count++] = want_scalar((enum scalar)s, (uint64_t)shape->scalars[s]);
    }
    if (shape->ports > 0)
        wants[request.want_count++] = want_ports(shape->ports);
    struct resource_set taken;
    resource_set_init(&taken, arena);
    if (!resource_find(&offer->left, offer->role->name, &request, &taken, NULL))
        return false;
    launch->resource_count = resource_set_write(&taken, arena, &launch->resources);
    uint32_t *ports = arena_array(arena, shape->ports, sizeof *ports);
    list_ports(&taken, ports);
    launch->ports = ports;
    launch->port_count = shape->ports;
    for (int s = 0; s < SCALAR_COUNT; s++)
        offer->total[s] -= shape->scalars[s];
    offer->total_ports -= shape->ports;
    return true;
}
