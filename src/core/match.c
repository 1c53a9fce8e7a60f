/* Which task goes where. A round takes the oldest task of the highest priority and gives it the first offer,
 * in the order they came, that has room and meets its constraints; a shape that found none is not tried again
 * in this round, and an offer that had no room for a shape has none for it later, for a round only takes.
 * Tasks that are spread or stand near others are the exception: for them a round may open places as well, so
 * each of them looks at all offers. Tasks with preferences look at the first PREFER_AMONG offers that would
 * do. */
#include "internal.h"

#include <string.h>

#include "base/alloc.h"

#define PREFER_AMONG 64
#define AGENT_URL_MAX 1000

static struct offer *offer_of(const struct list_link *link)
{
    return list_item(link, struct offer, link);
}

/* Where the agent's own HTTP API is: what is longer than anything sensible is left out. */
static const char *agent_url(struct arena *arena, const Mesos__V1__URL *url)
{
    const char *host = !url ? NULL : url->address->ip ? url->address->ip : url->address->hostname;
    if (!host || url->address->port <= 0 || url->address->port > UINT16_MAX)
        return "";
    bool v6 = strchr(host, ':') != NULL;
    const char *text = arena_format(arena, "%s://%s%s%s:%d%s", url->scheme, v6 ? "[" : "", host,
            v6 ? "]" : "", (int)url->address->port, url->path ? url->path : "");
    return strlen(text) <= AGENT_URL_MAX ? text : "";
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
            .agent_url = agent_url(arena, offer->offer->url),
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

static bool full(const struct offer *offer, size_t bytes)
{
    return offer->placement_count == CORE_ACCEPT_MAX ||
           (offer->placement_count > 0 && offer->placement_bytes + bytes > CORE_ACCEPT_BYTES_MAX);
}

static int misfit(struct core *core, const struct task *task, const struct offer *offer)
{
    const struct shape *shape = task->shape;
    if (offer->role != shape->role)
        return MISFIT_ROLE;
    int found = offer_misfit(offer, shape);
    if (found != MISFIT_NONE)
        return offer->placement_count > 0 ? (int)MISFIT_TAKEN : found;
    if (!shape->despite_maintenance && maintenance_is_near(core, offer->offer->agent_id->value))
        return MISFIT_MAINTENANCE;
    if (full(offer, blob_slice(task->spec).length))
        return MISFIT_TAKEN;
    return constraints_misfit(core, shape, task, offer->offer);
}

static bool place(struct core *core, struct task *task, struct offer *offer)
{
    struct arena *arena = &core->out->arena;
    struct shape *shape = task->shape;
    struct placement *placement = arena_alloc(arena, sizeof *placement);
    if (!offer_take(offer, shape, arena, &placement->launch))
        return false;
    placement->task = task;
    placement->unique = group_lines(arena, shape, offer->offer);
    placement->next = offer->placements;
    offer->placements = placement;
    offer->placement_count++;
    offer->placement_bytes += blob_slice(task->spec).length;
    write_intent(core, task, offer, placement);
    placement->launch.task_id = task_mesos_id(arena, task, task->attempt_count);
    placement->launch.agent_id = arena_string(arena, offer->offer->agent_id->value);
    placement->launch.spec = task->spec;
    return true;
}

static struct list_link *first_place(struct core *core, struct shape *shape)
{
    if (shape->cursor_round != core->round || shape->unsteady) {
        shape->cursor_round = core->round;
        return list_first(&core->offers);
    }
    return &shape->cursor->link;
}

/* Among the first offers that would do, the one at which most of what is preferred holds. */
static bool place_preferred(struct core *core, struct task *task, struct list_link *link)
{
    struct offer *best = NULL;
    unsigned most = 0, seen = 0;
    for (; link && seen < PREFER_AMONG; link = list_next(&core->offers, link)) {
        struct offer *offer = offer_of(link);
        int found = misfit(core, task, offer);
        if (found != MISFIT_NONE) {
            tally_add(task->shape, offer, found);
            continue;
        }
        unsigned count = constraints_preferred(core, task->shape, task, offer->offer);
        if (!best || count > most) {
            best = offer;
            most = count;
        }
        seen++;
    }
    return best && place(core, task, best);
}

static bool place_oldest(struct core *core, struct shape *shape)
{
    struct task *task = list_item(list_first(&shape->queue), struct task, queue_link);
    struct list_link *link = first_place(core, shape);
    if (shape->preferring) {
        shape->cursor = offer_of(link);
        return place_preferred(core, task, link);
    }
    for (; link; link = list_next(&core->offers, link)) {
        shape->cursor = offer_of(link);
        int found = misfit(core, task, shape->cursor);
        if (found == MISFIT_NONE && place(core, task, shape->cursor))
            return true;
        tally_add(shape, shape->cursor, found == MISFIT_NONE ? (int)MISFIT_TAKEN : found);
    }
    return false;
}

static void match_role(struct core *core, struct role *role)
{
    struct list aside;
    list_init(&aside);
    struct shape *shape;
    bool placed = false, unsteady = false;
    while ((shape = queue_first(role))) {
        if (place_oldest(core, shape)) {
            placed = true;
        } else {
            unsteady |= shape->unsteady;
            why_tell(core, shape);
            queue_set_aside(shape, &aside);
        }
    }
    queue_restore(&aside);
    core->match_wanted |= placed && unsteady; /* what was placed may have opened a place */
}

void match_run(struct core *core)
{
    core->match_wanted = false;
    if (core->subscription == 0 || list_first(&core->offers) == NULL || core->teardown.wanted)
        return;
    core->round++;
    for (size_t i = 0; i < core->role_count; i++) {
        struct role *role = &core->roles[i];
        bool again = core->match_wanted;
        if (role->offers > 0 && !role->stopped)
            match_role(core, role);
        role->fresh_work &= role->waiting > 0;
        role->fresh_work |= core->match_wanted && !again; /* offers that were declined are wanted once more */
    }
    for (struct list_link *link = list_first(&core->offers), *next; link; link = next) {
        next = list_next(&core->offers, link);
        if (offer_of(link)->placement_count > 0)
            accept_send(core, offer_of(link));
    }
}
