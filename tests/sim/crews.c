/* Groups: launched together or not at all, on one agent, by one executor. It ends the others when one has
 * failed or was killed, and with its last task. */
#include "crews.h"

#include <string.h>

#include "sim.h"

/* ---- what clients want ---- */

static void join(struct wish *wish, const struct wish *first, const char *group)
{
    wish->group = group;
    wish->placer = false;
    wish->role = first->role;
    wish->priority = first->priority;
    wish->submitter = first->submitter;
    wish->despite = first->despite;
    wish->policy = (struct policy){.max_attempts = 1, .backoff_max_ms = first->policy.backoff_max_ms};
    wish->want = (struct want){.cpus = wish->want.cpus,
            .cpus_from = FROM(ANY),
            .cpus_revocable = REVOCABLE(NO),
            .bolts_from = FROM(ANY),
            .mem = wish->want.mem};
    if (wish != first)
        wish->rule_count = 0;
    else if (wish->rule_count > 1)
        wish->rule_count = 1;
}

void crews_group(struct sim *sim, struct request *request)
{
    if (!sim->features[FEATURE_GROUPS] || request->count < 2 || random_below(&sim->random, 2))
        return;
    const char *group = arena_format(&sim->arena, "g%zu", sim->request_count);
    for (size_t i = 0; i < request->count; i++) {
        join(request->wishes[i], request->wishes[0], group);
        request->wishes[i]->spec = client_pack_spec(sim, request->wishes[i], false);
    }
}

size_t crews_members(const struct sim *sim, const struct wish *wish)
{
    size_t count = 0;
    for (size_t i = 0; i < sim->wish_count; i++)
        count += sim->wishes[i].group == wish->group;
    return wish->group ? count : 1;
}

bool crew_fits(const struct sim *sim, const struct wish *wish, const struct stuff *left)
{
    struct want sum = {.cpus = 100, .cpus_from = FROM(ANY), .cpus_revocable = REVOCABLE(NO), .mem = 64000};
    sum.bolts_from = FROM(ANY);
    for (size_t i = 0; i < sim->wish_count; i++) {
        if (sim->wishes[i].group != wish->group)
            continue;
        sum.cpus += sim->wishes[i].want.cpus;
        sum.mem += sim->wishes[i].want.mem;
    }
    return left->scalars[DISK] >= 64000 && want_fits(&sum, wish->role, left);
}

bool crew_waits(const struct sim *sim, const struct wish *wish)
{
    for (size_t i = 0; i < sim->wish_count; i++) {
        if (sim->wishes[i].group != wish->group)
            continue;
        const struct kept_task *task = decided_task(sim, sim->wishes[i].id);
        if (!task || !hand_waits(sim, task))
            return false;
    }
    return true;
}

int crew_rules(struct sim *sim, const struct wish *wish, const struct agent *agent)
{
    enum judged all = HOLDS;
    for (size_t i = 0; i < sim->wish_count && all == HOLDS; i++) {
        if (sim->wishes[i].group == wish->group)
            all = rules_may_open(&sim->wishes[i]) ? NOT_SURE : rules_hold(sim, &sim->wishes[i], agent);
    }
    return (int)all;
}

/* ---- what our daemon sends ---- */

/* Where one member is launched all are, in a row. */
void check_crew(struct sim *sim, const struct core_launch *launches, size_t count, size_t at)
{
    const struct wish *wish = client_wish_of_life(sim, launches[at].task_id);
    if (!wish || !wish->group)
        return;
    size_t first = at;
    while (first > 0 && launches[first].group == 0)
        first--;
    size_t size = launches[first].group;
    if (size != crews_members(sim, wish) || first + size > count || at >= first + size) {
        violation(sim, "%s is launched without its group", wish->id);
        return;
    }
    for (size_t i = first; i < first + size; i++) {
        const struct wish *other = client_wish_of_life(sim, launches[i].task_id);
        if (!other || other->group != wish->group || (i != at && other == wish))
            violation(sim, "%s is launched with %s", wish->id, launches[i].task_id);
    }
}

struct crew *crew_of(struct sim *sim, const char *executor_id)
{
    struct crew *crew = sim->crews;
    while (crew && strcmp(crew->id, executor_id) != 0)
        crew = crew->next;
    return crew;
}

struct crew *crew_of_call(struct sim *sim, const struct core_launch *launches, struct life **lives)
{
    struct crew *crew = launches->executor_id ? crew_of(sim, launches->executor_id) : NULL;
    if (!launches->executor_id || (crew && crew->lives[0]->written > 0)) {
        violation(sim, "the executor of %s is used a second time", launches->task_id);
        return NULL;
    }
    bool again = crew; /* decided before a crash, and it never left */
    if (!crew)
        crew = NEW(sim, struct crew);
    crew->count = 0;
    crew->id = arena_string(&sim->arena, launches->executor_id);
    crew->agent = lives[0]->agent;
    crew->stuff = stuff_read(sim, crew->id, launches->executor_resources, launches->executor_resource_count,
            lives[0]->wish ? lives[0]->wish->role : 0);
    for (; crew->count < launches->group && crew->count < CREW_MAX; crew->count++) {
        crew->lives[crew->count] = lives[crew->count];
        lives[crew->count]->crew = crew;
    }
    if (!again) {
        crew->next = sim->crews;
        sim->crews = crew;
    }
    return crew;
}

struct stuff crews_stuff(const struct sim *sim, const struct agent *agent)
{
    struct stuff all = {0};
    for (const struct crew *crew = sim->crews; crew; crew = crew->next) {
        if (crew->known && crew->agent == agent)
            stuff_add(&all, &crew->stuff);
    }
    return all;
}

/* ---- on an agent ---- */

static bool lives_still(const struct life *life)
{
    return life->place == PLACE_ALIVE || life->place == PLACE_PENDING;
}

bool crew_has_started(const struct crew *crew)
{
    for (size_t i = 0; i < crew->count; i++) {
        if (crew->lives[i]->started)
            return true;
    }
    return false;
}

void crew_run(struct sim *sim, struct crew *crew)
{
    crew->up = true;
    bool dropped = weather_chance(sim, sim->weather.drop_launch);
    trace(sim, "agent", "%s runs %s, of %zu", crew->agent->id, crew->id, crew->count);
    for (size_t i = 0; i < crew->count; i++)
        agent_begin(sim, crew->lives[i], dropped);
    if (dropped)
        crew_end(sim, crew);
}

static void end_others(struct sim *sim, void *context, uint64_t number)
{
    (void)number;
    struct crew *crew = context;
    if (!crew->agent->up && !crew->agent->dead) {
        world_after(sim, SECOND, end_others, crew, 0);
        return;
    }
    for (size_t i = 0; i < crew->count; i++) {
        struct life *life = crew->lives[i];
        if (!lives_still(life))
            continue;
        life->place = PLACE_OVER;
        life->timer++;
        life_report(sim, life, TASK(KILLED), -1);
    }
    crew_end(sim, crew);
}

/* With its last one the executor ends. */
void crew_task_over(struct sim *sim, struct life *life)
{
    struct crew *crew = life->crew;
    bool any = false;
    for (size_t i = 0; crew && i < crew->count; i++)
        any |= lives_still(crew->lives[i]);
    if (crew && !any)
        crew_end(sim, crew);
    else if (crew && life->state != TASK(FINISHED) && !crew->ending) {
        crew->ending = true;
        world_after(sim, random_spread(&sim->random, MS, 5 * SECOND), end_others, crew, 0);
    }
}

void crew_end(struct sim *sim, struct crew *crew)
{
    if (!crew->up)
        return;
    crew->up = false;
    trace(sim, "agent", "%s: %s ends", crew->agent->id, crew->id);
    for (size_t i = 0; i < crew->count; i++) {
        if (lives_still(crew->lives[i]))
            executor_end_command(sim, crew->lives[i]);
    }
    agent_tell_crew(sim, crew);
}
