/* Which task goes where. A round takes the oldest task of the highest priority and gives it the first offer,
 * in the order they came, that has room and meets its constraints; a shape that found none is not tried again
 * in this round, and an offer that had no room for a shape has none for it later, for a round only takes. */
#include "internal.h"

#include "base/alloc.h"

static struct offer *offer_of(const struct list_link *link)
{
    return list_item(link, struct offer, link);
}

/* The intent: on disk before the ACCEPT leaves (docs/architecture.md "Intent first"). */
static void write_intent(
        struct core *core, struct task *task, const struct offer *offer, const struct placement *placement)
{
    struct arena *arena = &core->out->arena;
    char *ports = arena_string(arena, "");
    for (size_t i = 0; i < placement->launch.port_count; i++)
        ports = arena_format(arena, "%s%s%u", ports, i ? " " : "", placement->launch.ports[i]);
    struct attempt_row attempt = {
            .task_key = task->key,
            .number = task->attempt_count + 1,
            .state = (int32_t)STATE(LAUNCHING),
            .agent_id = offer->offer->agent_id->value,
            .hostname = offer->offer->hostname,
            .ports = ports,
            .unique = placement->unique,
            .launched_ns = core->now.wall_ns,
            .message = "",
            .reason = "",
            .mesos_id = restored_mesos_id(core, task, task->attempt_count + 1),
    };
    attempt_write(core, &attempt);
    task_current(task)->subscription = core->subscription;
    struct task_row row = task_row_of(task);
    row.state = (int32_t)STATE(LAUNCHING);
    row.not_before_ns = 0;
    row.message = row.reason = "";
    task_write(core, &row, NULL);
    task_arm(core, task);
}

static bool place(struct core *core, struct task *task, struct offer *offer)
{
    struct arena *arena = &core->out->arena;
    struct shape *shape = task->shape;
    size_t bytes = blob_slice(task->spec).length;
    bool full = offer->placement_count == CORE_ACCEPT_MAX ||
                (offer->placement_count > 0 && offer->placement_bytes + bytes > CORE_ACCEPT_BYTES_MAX);
    if (offer->role != shape->role || full || !constraints_hold(core, shape, task, offer->offer))
        return false;
    struct placement *placement = arena_alloc(arena, sizeof *placement);
    if (!offer_take(offer, shape, arena, &placement->launch))
        return false;
    placement->task = task;
    placement->unique = unique_values(arena, shape, offer->offer);
    placement->next = offer->placements;
    offer->placements = placement;
    offer->placement_count++;
    offer->placement_bytes += bytes;
    write_intent(core, task, offer, placement);
    placement->launch.task_id = task_mesos_id(arena, task, task->attempt_count);
    placement->launch.agent_id = arena_string(arena, offer->offer->agent_id->value);
    placement->launch.spec = task->spec;
    return true;
}

static struct list_link *first_place(struct core *core, struct shape *shape)
{
    if (shape->cursor_round != core->round) {
        shape->cursor_round = core->round;
        return list_first(&core->offers);
    }
    return &shape->cursor->link;
}

static bool place_oldest(struct core *core, struct shape *shape)
{
    struct task *task = list_item(list_first(&shape->queue), struct task, queue_link);
    for (struct list_link *link = first_place(core, shape); link; link = list_next(&core->offers, link)) {
        shape->cursor = offer_of(link);
        if (place(core, task, shape->cursor))
            return true;
    }
    return false;
}

static void match_role(struct core *core, const struct role *role)
{
    struct list aside;
    list_init(&aside);
    struct shape *shape;
    while ((shape = queue_first(role))) {
        if (!place_oldest(core, shape))
            queue_set_aside(shape, &aside);
    }
    queue_restore(&aside);
}

void match_run(struct core *core)
{
    core->match_wanted = false;
    if (core->subscription == 0 || list_first(&core->offers) == NULL)
        return;
    core->round++;
    for (size_t i = 0; i < core->role_count; i++) {
        struct role *role = &core->roles[i];
        if (role->offers > 0)
            match_role(core, role);
        role->fresh_work &= role->waiting > 0;
    }
    for (struct list_link *link = list_first(&core->offers), *next; link; link = next) {
        next = list_next(&core->offers, link);
        if (offer_of(link)->placement_count > 0)
            accept_send(core, offer_of(link));
    }
}
