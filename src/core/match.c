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
/* In steps, see core_config.turn_steps. */
#define PLACE_COST 500
#define ASIDE_COST 200
#define AGENT_URL_MAX 1000

/* Where the agent's own HTTP API is: what is longer than anything sensible is left out. */
const char *agent_url(struct arena *arena, const Mesos__V1__URL *url)
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

/* A group is no larger than an ACCEPT may be: all of it came in one request. */
static bool full(const struct offer *offer, const struct task *task)
{
    const struct task_group *group = task->task_group;
    size_t count = group ? group->count : 1, bytes = group ? group->bytes : blob_slice(task->spec).length;
    return offer->placement_count > 0 && (offer->placement_count + count > CORE_ACCEPT_MAX ||
                                                 offer->placement_bytes + bytes > CORE_ACCEPT_BYTES_MAX);
}

static bool has_all(struct core *core, const struct task *task, const struct offer *offer)
{
    const struct shape *shape = task_placed_shape(task);
    if (task->task_group)
        return !shape->particular || offer_has_group(core, offer, task->task_group);
    return !shape->demand || offer_has_demand(core, offer, shape);
}

int match_misfit(struct core *core, const struct task *task, const struct offer *offer)
{
    const struct shape *shape = task_placed_shape(task);
    if (!shape->despite_maintenance && maintenance_is_near(core, offer->offer->agent_id->value))
        return MISFIT_MAINTENANCE;
    if (full(offer, task))
        return MISFIT_TAKEN;
    if (!has_all(core, task, offer))
        return offer->placement_count > 0 ? MISFIT_TAKEN : MISFIT_RESOURCES;
    return constraints_misfit(core, shape, offer->offer);
}

static void spend(struct core *core, size_t steps)
{
    core->match_left -= core->match_left < steps ? core->match_left : steps;
}

static void add_placement(
        struct core *core, struct task *task, struct offer *offer, const struct core_launch *launch)
{
    struct arena *arena = &core->out->arena;
    struct placement *placement = arena_alloc(arena, sizeof *placement);
    placement->task = task;
    placement->launch = *launch;
    placement->unique = group_lines(arena, task->shape, offer->offer);
    placement->next = offer->placements;
    offer->placements = placement;
    offer->placement_count++;
    offer->placement_bytes += blob_slice(task->spec).length;
    write_intent(core, task, offer, placement);
    placement->launch.task_id = task_mesos_id(arena, task, task->attempt_count);
    placement->launch.agent_id = arena_string(arena, offer->offer->agent_id->value);
    placement->launch.spec = task->spec;
    if (launch->group > 0 && !task->task_group->executor)
        placement->launch.executor_id = task_group_executor_id(arena, task->task_group, task->attempt_count);
}

/* All of a group, or nothing. */
bool match_place(struct core *core, struct task *task, struct offer *offer)
{
    struct arena *arena = &core->out->arena;
    const struct task_group *group = task->task_group;
    size_t count = group ? group->count : 1;
    struct core_launch *launches = arena_array(arena, count, sizeof *launches);
    if (group ? !offer_take_group(core, offer, group, arena, launches)
              : !offer_take(core, offer, task->shape, arena, launches))
        return false;
    for (size_t i = 0; i < count; i++)
        add_placement(core, group ? group->members[i] : task, offer, &launches[i]);
    core->placements++;
    return true;
}

static bool place(struct core *core, struct task *task, struct offer *offer)
{
    if (!match_place(core, task, offer))
        return false;
    index_update(&offer->role->index, offer);
    heap_set(&core->placed, &offer->placed, (int64_t)offer->number);
    spend(core, PLACE_COST * (task->task_group ? task->task_group->count : 1));
    return true;
}

/* Where the shape goes on looking, in this round. */
static uint64_t first_place(struct core *core, struct shape *shape)
{
    uint64_t opened = constraints_opened(core, shape);
    if (shape->cursor_round != core->round || shape->opened != opened)
        shape->cursor = 0;
    shape->cursor_round = core->round;
    shape->opened = opened;
    return shape->cursor;
}

/* The next offer that would do, of that number or a later one; NULL: none, or the turn is over. The cursor
 * follows, and what was passed over is counted for why the task waits. */
static struct offer *next_offer(
        struct core *core, struct shape *shape, const struct task *task, uint64_t number)
{
    struct skipped skipped;
    struct offer *offer;
    do {
        offer = values_find(core, shape, number, &skipped);
        spend(core, skipped.steps + shape->look_cost);
        tally_skipped(shape, &skipped);
        shape->cursor = offer ? offer->number : UINT64_MAX;
        if (!offer)
            return NULL;
        int found = match_misfit(core, task, offer);
        if (found == MISFIT_NONE)
            return offer;
        tally_add(shape, offer, found);
        shape->cursor = number = offer->number + 1;
    } while (core->match_left > 0);
    return NULL;
}

/* Among the first offers that would do, the one at which most of what is preferred holds. */
static struct offer *preferred_offer(
        struct core *core, struct shape *shape, const struct task *task, struct offer *first)
{
    struct offer *best = first, *offer;
    struct skipped skipped;
    uint64_t number = first->number + 1;
    unsigned most = constraints_preferred(core, shape, first->offer), all = 0, seen = 1;
    for (size_t i = 0; i < shape->constraint_count; i++)
        all += shape->constraints[i].preferred;
    for (; most < all && seen < PREFER_AMONG && core->match_left > 0; number = offer->number + 1) {
        offer = values_find(core, shape, number, &skipped);
        spend(core, skipped.steps + shape->look_cost);
        if (!offer)
            break;
        if (match_misfit(core, task, offer) != MISFIT_NONE)
            continue;
        unsigned count = constraints_preferred(core, shape, offer->offer);
        seen++;
        if (count > most) {
            best = offer;
            most = count;
        }
    }
    return best;
}

/* One member of a group at most has constraints that look at tasks of the same name. */
static const struct task *whose_name_counts(const struct task *task)
{
    const struct task_group *group = task->task_group;
    for (size_t i = 0; group && i < group->count; i++) {
        if (group->members[i]->shape->grouped)
            return group->members[i];
    }
    return task;
}

static bool place_oldest(struct core *core, struct shape *shape)
{
    struct task *task = queue_oldest(shape);
    constraints_begin(core, shape, whose_name_counts(task));
    uint64_t number = first_place(core, shape);
    struct offer *offer;
    while ((offer = next_offer(core, shape, task, number))) {
        struct offer *best = shape->preferring ? preferred_offer(core, shape, task, offer) : offer;
        if (place(core, task, best) || (best != offer && place(core, task, offer))) {
            return true;
        }
        /* There is enough of each amount, in parts that do not make what is wanted. */
        tally_add(shape, offer, MISFIT_TAKEN);
        shape->cursor = number = offer->number + 1;
    }
    return false;
}

/* False: the turn is over before the role is. */
static bool match_role(struct core *core, struct role *role)
{
    struct shape *shape;
    while ((shape = queue_first(core, role))) {
        if (core->match_left == 0)
            return false;
        if (place_oldest(core, shape)) {
            core->match_placed = true;
            shares_served(core, shape);
            continue;
        }
        if (shape->cursor != UINT64_MAX)
            return false; /* it goes on from there */
        core->match_unsteady |= shape->unsteady;
        spend(core, ASIDE_COST);
        shares_refused(core, shape);
        why_tell(core, shape);
        queue_set_aside(core, shape);
    }
    return true;
}

static void end_role(struct core *core, struct role *role)
{
    queue_restore(core);
    bool again = core->match_placed && core->match_unsteady; /* what was placed may have opened a place */
    core->match_placed = core->match_unsteady = false;
    core->match_wanted |= again;
    role->fresh_work &= role->waiting > 0 || role->wanting > 0;
    role->fresh_work |= again; /* offers that were declined are wanted once more */
}

static void send_placed(struct core *core)
{
    struct heap_node *node;
    while ((node = heap_first(&core->placed))) {
        struct offer *offer = list_item(node, struct offer, placed);
        accept_send(core, offer, &offer, 1);
    }
}

static void begin_round(struct core *core)
{
    core->match_wanted = core->match_at_once = false;
    core->match_going = true;
    core->match_role = 0;
    core->round++;
    shares_begin(core);
}

static void stop_round(struct core *core)
{
    queue_restore(core);
    core->match_wanted = core->match_going = core->match_at_once = false;
    core->match_placed = core->match_unsteady = false;
}

void match_run(struct core *core)
{
    task_groups_settle(core);
    if (!core->match_wanted && !core->match_going)
        return;
    if (core->subscription == 0 || list_first(&core->offers) == NULL || core->teardown.wanted) {
        stop_round(core);
        return;
    }
    bool goes_on = core->match_going;
    if (!goes_on)
        begin_round(core);
    core->match_left = core->config.turn_steps > 0 ? core->config.turn_steps : 1;
    for (; core->match_role < core->role_count; core->match_role++) {
        struct role *role = &core->roles[core->match_role];
        if (role->offers > 0 && !role->stopped && (!operations_match(core, role) || !match_role(core, role)))
            break;
        end_role(core, role);
    }
    core->match_going = core->match_role < core->role_count;
    if (!core->match_going) {
        core->rounds_done = core->round;
        core->match_at_once = goes_on && core->match_wanted;
    }
    send_placed(core);
}

bool match_is_due(const struct core *core)
{
    return core->match_going || core->match_at_once;
}
