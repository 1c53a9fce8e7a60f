/* Taking a task's resources out of an offer. Amounts are thousandths (PROTOCOL "Offers"); what is taken keeps
 * the reservations and the allocation_info it was offered with. First version: plain scalars and ports.
 * Volumes, disks with a source, shared and revocable resources and those of resource providers are left
 * alone. */
#include "internal.h"

#include <string.h>

#include "base/decimal.h"

static bool usable(const Mesos__V1__Resource *resource)
{
    return !resource->revocable && !resource->shared && !resource->disk && !resource->provider_id;
}

static bool is_scalar(const Mesos__V1__Resource *resource, const char *name)
{
    return resource->type == MESOS__V1__VALUE__TYPE__SCALAR && resource->scalar &&
           strcmp(resource->name, name) == 0 && usable(resource);
}

static bool is_ports(const Mesos__V1__Resource *resource)
{
    return resource->type == MESOS__V1__VALUE__TYPE__RANGES && resource->ranges &&
           strcmp(resource->name, "ports") == 0 && usable(resource);
}

static bool reserved(const Mesos__V1__Resource *resource)
{
    return resource->n_reservations > 0 || resource->reservation;
}

static milli_t amount(const Mesos__V1__Resource *resource)
{
    milli_t milli;
    return milli_from_double(resource->scalar->value, &milli) || milli < 0 ? 0 : milli;
}

static uint64_t range_size(const Mesos__V1__Value__Range *range)
{
    return range->end >= range->begin && range->end <= UINT16_MAX ? range->end - range->begin + 1 : 0;
}

void offer_measure(struct offer *offer)
{
    memset(offer->total, 0, sizeof offer->total);
    offer->total_ports = 0;
    for (size_t i = 0; i < offer->offer->n_resources; i++) {
        const Mesos__V1__Resource *resource = offer->offer->resources[i];
        for (int s = 0; s < SCALAR_COUNT; s++) {
            if (is_scalar(resource, scalar_names[s]))
                offer->total[s] += amount(resource);
        }
        for (size_t r = 0; is_ports(resource) && r < resource->ranges->n_range; r++)
            offer->total_ports += range_size(resource->ranges->range[r]);
    }
}

static Mesos__V1__Resource *part_of(struct arena *arena, const Mesos__V1__Resource *resource)
{
    /* Shallow: the parts that are not replaced live as long as the offer, which outlives its ACCEPT's
     * encoding. */
    return arena_copy(arena, resource, sizeof *resource);
}

static void add_part(struct core_launch *launch, Mesos__V1__Resource *part)
{
    launch->resources[launch->resource_count++] = part;
}

static void take_scalar(struct offer *offer, enum scalar s, milli_t wanted, bool from_reserved,
        milli_t *taken, struct arena *arena, struct core_launch *launch)
{
    for (size_t i = 0; i < offer->offer->n_resources && *taken < wanted; i++) {
        Mesos__V1__Resource *resource = offer->offer->resources[i];
        if (!is_scalar(resource, scalar_names[s]) || reserved(resource) != from_reserved)
            continue;
        milli_t left = amount(resource), part = left < wanted - *taken ? left : wanted - *taken;
        if (part == 0)
            continue;
        Mesos__V1__Resource *copy = part_of(arena, resource);
        copy->scalar = arena_copy(arena, resource->scalar, sizeof *resource->scalar);
        copy->scalar->value = milli_to_double(part);
        add_part(launch, copy);
        resource->scalar->value = milli_to_double(left - part);
        *taken += part;
    }
}

/* Takes up to `wanted` ports from the front of one resource's ranges. */
static uint32_t take_ports_of(Mesos__V1__Resource *resource, uint32_t wanted, struct arena *arena,
        struct core_launch *launch, uint32_t *ports)
{
    Mesos__V1__Value__Ranges *from = resource->ranges;
    Mesos__V1__Value__Ranges *ranges = arena_alloc(arena, sizeof *ranges);
    mesos__v1__value__ranges__init(ranges);
    ranges->range = arena_array(arena, from->n_range, sizeof *ranges->range);
    uint32_t taken = 0;
    while (taken < wanted && from->n_range > 0) {
        Mesos__V1__Value__Range *first = from->range[0];
        uint64_t size = range_size(first);
        if (size > 0) {
            uint64_t part = size < wanted - taken ? size : wanted - taken;
            Mesos__V1__Value__Range *range = arena_alloc(arena, sizeof *range);
            mesos__v1__value__range__init(range);
            range->begin = first->begin;
            range->end = first->begin + part - 1;
            ranges->range[ranges->n_range++] = range;
            for (uint64_t p = 0; p < part; p++)
                ports[taken++] = (uint32_t)(first->begin + p);
            first->begin += part;
        }
        if (first->begin > first->end || size == 0) {
            from->range++;
            from->n_range--;
        }
    }
    if (taken > 0) {
        Mesos__V1__Resource *copy = part_of(arena, resource);
        copy->ranges = ranges;
        add_part(launch, copy);
    }
    return taken;
}

static void take_ports(struct offer *offer, uint32_t wanted, struct arena *arena, struct core_launch *launch)
{
    uint32_t *ports = arena_array(arena, wanted, sizeof *ports), taken = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < offer->offer->n_resources && taken < wanted; i++) {
            Mesos__V1__Resource *resource = offer->offer->resources[i];
            if (is_ports(resource) && reserved(resource) == (pass == 0))
                taken += take_ports_of(resource, wanted - taken, arena, launch, ports + taken);
        }
    }
    launch->ports = ports;
    launch->port_count = taken;
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
    /* Each kind can be in as many parts as the offer has resources. */
    launch->resources = arena_array(arena, offer->offer->n_resources, sizeof(Mesos__V1__Resource *));
    launch->resource_count = 0;
    for (int s = 0; s < SCALAR_COUNT; s++) {
        milli_t taken = 0;
        take_scalar(offer, (enum scalar)s, shape->scalars[s], true, &taken, arena, launch);
        take_scalar(offer, (enum scalar)s, shape->scalars[s], false, &taken, arena, launch);
        offer->total[s] -= taken;
    }
    if (shape->ports > 0) {
        take_ports(offer, shape->ports, arena, launch);
        offer->total_ports -= shape->ports;
    }
    return true;
}
