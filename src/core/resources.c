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

/* How much is left. */
static void measure(struct offer *offer)
{
    const char *role = offer->role->name;
    for (int s = 0; s < SCALAR_COUNT; s++) {
        struct resource_want all = want_scalar((enum scalar)s, INT64_MAX);
        offer->total[s] = (int64_t)resource_available(&offer->left, role, &all);
    }
    struct resource_want all = want_ports(UINT64_MAX);
    offer->total_ports = resource_available(&offer->left, role, &all);
}

void offer_changed(struct offer *offer)
{
    measure(offer);
}

/* What makes no sense is in no task. */
void offer_measure(struct offer *offer)
{
    resource_set_init(&offer->left, &offer->arena);
    for (size_t i = 0; i < offer->offer->n_resources; i++) {
        struct resource resource;
        if (resource_read(&offer->arena, offer->offer->resources[i], &resource, NULL))
            continue;
        keep_ports(&resource);
        if (resource_set_append(&offer->left, &resource, NULL))
            break;
    }
    measure(offer);
}

/* Writes the ports where `ports` is not NULL. Returns how many there are. */
static size_t list_ports(const struct resource_set *taken, uint32_t *ports)
{
    size_t count = 0;
    for (size_t i = 0; i < taken->count; i++) {
        const struct resource_value *value = &taken->items[i].value;
        bool named = value->type == RESOURCE_RANGES && strcmp(taken->items[i].kind->name, "ports") == 0;
        for (size_t r = 0; named && r < value->count; r++) {
            for (uint64_t port = value->ranges[r].begin; port <= value->ranges[r].end; port++, count++) {
                if (ports)
                    ports[count] = (uint32_t)port;
            }
        }
    }
    return count;
}

/* All that the shape wants, out of `left`. What is particular comes first. */
static bool take(const struct core *core, const struct offer *offer, const struct shape *shape,
        struct resource_set *left, struct resource_set *taken)
{
    const struct demand *demand = shape->demand;
    struct resource_want amounts[SCALAR_COUNT + 1], *wants = amounts;
    struct resource_request request = {0};
    if (demand) {
        wants = arena_array(taken->arena, SCALAR_COUNT + 1 + demand->want_count, sizeof *wants);
        for (; request.want_count < demand->want_count; request.want_count++)
            wants[request.want_count] = demand->wants[request.want_count];
        request.disks = demand->disks;
        request.disk_count = demand->disk_count;
        if (!demand_take(core, offer, demand, left, taken))
            return false;
    }
    request.wants = wants;
    for (int s = 0; s < SCALAR_COUNT; s++) {
        if (shape->scalars[s] > 0)
            wants[request.want_count++] = want_scalar((enum scalar)s, (uint64_t)shape->scalars[s]);
    }
    if (shape->ports > 0)
        wants[request.want_count++] = want_ports(shape->ports);
    return resource_find(left, offer->role->name, &request, taken, NULL);
}

/* ---- groups ---- */

#define EXECUTOR_CPUS 100 /* thousandths; docs/protocol.md "Groups" says them too */
#define EXECUTOR_MEM 64000
#define EXECUTOR_DISK 64000

void own_executor_amounts(int64_t amounts[SCALAR_COUNT])
{
    amounts[SCALAR_CPUS] = EXECUTOR_CPUS;
    amounts[SCALAR_MEM] = EXECUTOR_MEM;
    amounts[SCALAR_DISK] = EXECUTOR_DISK;
}

static bool take_own_executor(
        const struct offer *offer, struct resource_set *left, struct resource_set *taken)
{
    int64_t amounts[SCALAR_COUNT] = {0};
    struct resource_want wants[SCALAR_COUNT];
    struct resource_request request = {.wants = wants};
    own_executor_amounts(amounts);
    for (int s = 0; s < SCALAR_COUNT; s++) {
        if (amounts[s] > 0)
            wants[request.want_count++] = want_scalar((enum scalar)s, (uint64_t)amounts[s]);
    }
    return resource_find(left, offer->role->name, &request, taken, NULL);
}

/* What each member wants into its part of `taken`, what zmesosd's own executor wants into the last. What is
 * particular comes first. */
static bool take_group(const struct core *core, const struct offer *offer, const struct task_group *group,
        struct resource_set *left, struct resource_set *taken)
{
    struct resource_set *last = &taken[group->count];
    if (group->executor && !demand_take(core, offer, group->executor, left, last))
        return false;
    for (int plain = 0; plain < 2; plain++) {
        for (size_t i = 0; i < group->count; i++) {
            const struct shape *shape = group->members[i]->shape;
            if ((shape->demand == NULL) == plain && !take(core, offer, shape, left, &taken[i]))
                return false;
        }
    }
    return group->executor || take_own_executor(offer, left, last);
}

static struct resource_set *parts(struct arena *arena, size_t count)
{
    struct resource_set *sets = arena_array(arena, count, sizeof *sets);
    for (size_t i = 0; i < count; i++)
        resource_set_init(&sets[i], arena);
    return sets;
}

bool offer_has_group(const struct core *core, const struct offer *offer, const struct task_group *group)
{
    struct arena arena;
    struct resource_set left;
    arena_init(&arena);
    resource_set_init(&left, &arena);
    resource_set_copy(&left, &offer->left);
    bool has = take_group(core, offer, group, &left, parts(&arena, group->count + 1));
    arena_clear(&arena);
    return has;
}

static void write_launch(struct arena *arena, const struct resource_set *taken, struct core_launch *launch)
{
    launch->resource_count = resource_set_write(taken, arena, &launch->resources);
    uint32_t *ports = arena_array(arena, list_ports(taken, NULL), sizeof *ports);
    launch->port_count = list_ports(taken, ports);
    launch->ports = ports;
}

bool offer_take_group(const struct core *core, struct offer *offer, const struct task_group *group,
        struct arena *arena, struct core_launch *launches)
{
    struct resource_set *taken = parts(arena, group->count + 1);
    if (offer_misfit(offer, group->shape) != MISFIT_NONE || !offer_has_group(core, offer, group) ||
            !take_group(core, offer, group, &offer->left, taken))
        return false;
    for (size_t i = 0; i < group->count; i++)
        write_launch(arena, &taken[i], &launches[i]);
    launches[0].group = group->count;
    if (!group->executor)
        launches[0].executor_resource_count =
                resource_set_write(&taken[group->count], arena, &launches[0].executor_resources);
    measure(offer);
    return true;
}

/* ---- one task ---- */

int offer_misfit(const struct offer *offer, const struct shape *shape)
{
    for (int s = 0; s < SCALAR_COUNT; s++) {
        if (offer->total[s] < shape->scalars[s])
            return s;
    }
    return offer->total_ports < shape->ports ? (int)MISFIT_PORTS : MISFIT_NONE;
}

/* On a copy: finding all of a demand may fail half way. */
bool offer_has_demand(const struct core *core, const struct offer *offer, const struct shape *shape)
{
    struct arena arena;
    struct resource_set left, taken;
    arena_init(&arena);
    resource_set_init(&left, &arena);
    resource_set_init(&taken, &arena);
    resource_set_copy(&left, &offer->left);
    bool has = take(core, offer, shape, &left, &taken);
    arena_clear(&arena);
    return has;
}

/* Reservations, disks and the like stay apart by their kind, as in an offer. */
int offer_merge(struct offer *merged, struct offer *const *members, size_t count, struct arena *arena,
        struct error *err)
{
    *merged = (struct offer){.offer = members[0]->offer, .role = members[0]->role};
    merged->operations_end = &merged->operations;
    resource_set_init(&merged->left, arena);
    for (size_t i = 0; i < count; i++) {
        int rc = resource_set_add(&merged->left, &members[i]->left, err);
        if (rc)
            return rc;
    }
    measure(merged);
    return 0;
}

bool offer_take(const struct core *core, struct offer *offer, const struct shape *shape, struct arena *arena,
        struct core_launch *launch)
{
    struct resource_set taken;
    resource_set_init(&taken, arena);
    if (offer_misfit(offer, shape) != MISFIT_NONE ||
            (shape->demand && !offer_has_demand(core, offer, shape)) ||
            !take(core, offer, shape, &offer->left, &taken))
        return false;
    write_launch(arena, &taken, launch);
    for (int i = 0; i < SCALAR_COUNT; i++)
        offer->total[i] -= shape->scalars[i];
    offer->total_ports -= shape->ports;
    if (shape->demand) /* other things of the same names may have gone too */
        measure(offer);
    return true;
}
