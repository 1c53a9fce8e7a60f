/* When all is quiet: every task is over or runs, or waits for a reason that has a name; and nothing runs that
 * no task has. */
#include "sim.h"

#include <string.h>

#include "peek.h"

bool reachable(const struct agent *agent)
{
    return !agent->dead && agent->standing == STANDING_REGISTERED;
}

static bool runs(const struct life *life)
{
    return reachable(life->agent) && (life->place == PLACE_ALIVE || life->place == PLACE_PENDING);
}

static bool has_ended_on(const struct kept_task *task, const struct agent *agent)
{
    for (size_t i = 0; i < task->attempt_count; i++) {
        if (strcmp(task->attempts[i].agent_id, agent->id) == 0)
            return true;
    }
    return false;
}

/* An agent on which it would surely fit now, all that is offered included. */
static const struct agent *room_for(struct sim *sim, const struct wish *wish, const struct kept_task *task)
{
    for (int i = 0; i < sim->agent_count; i++) {
        struct agent *agent = &sim->agents[i];
        struct stuff left = agent->stuff, executors = executors_stuff(sim, agent), one = executor_stuff(sim);
        struct stuff crews = crews_stuff(sim, agent);
        stuff_subtract(&left, &crews);
        stuff_subtract(&left, &executors);
        for (size_t j = 0; j < sim->life_count; j++) {
            const struct life *life = sim->lives[j];
            if (life->agent == agent && life->known && !state_is_terminal(life->latest))
                stuff_subtract(&left, &life->stuff);
        }
        if (!reachable(agent) || !agent->connected || (agent->window.set && !wish->despite) ||
                decided_stopped(sim, wish->role) || !decided_role(sim, wish->role) ||
                (wish->policy.elsewhere && has_ended_on(task, agent)) ||
                (wish->want.executor && !stuff_contains(&left, &one)))
            continue;
        if (wish->want.executor)
            stuff_subtract(&left, &one);
        left = stuff_for(&left, wish->role);
        if (wish->group) {
            if (crew_waits(sim, wish) && crew_fits(sim, wish, &left) && crew_rules(sim, wish, agent) == HOLDS)
                return agent;
            continue;
        }
        if (want_fits(&wish->want, wish->role, &left) && rules_hold(sim, wish, agent) == HOLDS)
            return agent;
    }
    return NULL;
}

/* ---- tasks ------------------------------------------------------------------------------------------------
 */

static void check_queued(struct sim *sim, const struct kept_task *task, const struct wish *wish)
{
    if (wish && wish->placer && !(task->row.flags & peek_held))
        return; /* for its placer */
    int64_t backoff_ms = (task->row.not_before_ns - world_now(sim).wall_ns) / 1000000;
    const struct agent *room = wish ? room_for(sim, wish, task) : NULL;
    if (task->row.flags & peek_held) {
        if (!wish || !wish->held)
            violation(sim, "%s is held, and was released", task->row.id);
    } else if (task->row.not_before_ns && backoff_ms > 0) {
        if (backoff_ms > wish->policy.backoff_max_ms && backoff_ms > sim->daemon.config.relaunch_max_ms &&
                !sim->weather.faults[FAULT_WALL_JUMP])
            violation(sim, "%s waits for %lld ms", task->row.id, (long long)backoff_ms);
    } else if (room) {
        violation(sim, "%s waits though %s has room", task->row.id, room->id);
    }
}

static unsigned outcome_of(int state)
{
    return state == (int)VIEW(LOST)          ? OUTCOME(LOST)
           : state == (int)VIEW(UNREACHABLE) ? OUTCOME(UNREACHABLE)
                                             : OUTCOME(UNKNOWN);
}

static void check_out_of_sight(struct sim *sim, const struct kept_task *task, const struct wish *wish)
{
    const struct attempt_row *attempt = &task->attempts[task->attempt_count - 1];
    const struct agent *agent = sim_agent(sim, attempt->agent_id);
    enum standing standing =
            agent->dead && agent->standing == STANDING_REGISTERED ? STANDING_UNREACHABLE : agent->standing;
    unsigned attempts = 0;
    for (size_t i = 0; i < task->attempt_count; i++)
        attempts += !(task->attempts[i].flags & peek_never_ran);
    if (wish && wish->policy.on & outcome_of(attempt->state) && attempts < wish->policy.max_attempts &&
            !task->row.kill_requested && !(task->row.flags & (peek_held | peek_adopted)))
        violation(sim, "%s stays %s and is not replaced (flags %u, %u)", task->row.id,
                view_name(attempt->state), task->row.flags, attempt->flags);
    if (attempt->state == (int)VIEW(LOST)) {
        violation(sim, "%s stays %s, and its attempt is LOST", task->row.id, view_name(task->row.state));
        return;
    }
    if (standing != (attempt->state == (int)VIEW(UNKNOWN) ? STANDING_NONE : STANDING_UNREACHABLE))
        violation(sim, "%s stays %s though its agent %s is not", task->row.id, view_name(task->row.state),
                agent->id);
}

static const struct life *life_of(const struct sim *sim, const struct kept_task *task)
{
    const struct attempt_row *last = &task->attempts[task->attempt_count - 1];
    const struct kept_task *found;
    for (size_t i = 0; i < sim->life_count; i++) {
        if (runs(sim->lives[i]) && store_attempt(sim, sim->lives[i]->id, &found) == last)
            return sim->lives[i];
    }
    return NULL;
}

/* Room for it came late: it has had no time to start. */
static bool was_just_launched(const struct sim *sim, const struct kept_task *task)
{
    const struct attempt_row *last = task->attempt_count ? &task->attempts[task->attempt_count - 1] : NULL;
    return last &&
           (last->state == (int)VIEW(LAUNCHING) || last->state == (int)VIEW(STAGING) ||
                   last->state == (int)VIEW(STARTING)) &&
           world_now(sim).wall_ns - last->launched_ns < 2 * MINUTE * 1000;
}

static void check_task(struct sim *sim, const struct kept_task *task)
{
    const struct wish *wish = client_wish(sim, task->row.id, strlen(task->row.id));
    int state = task->row.state;
    if (is_over(state) || consumers_wait(task) || was_just_launched(sim, task))
        return;
    if (state == (int)VIEW(QUEUED))
        check_queued(sim, task, wish);
    else if (state == (int)VIEW(UNREACHABLE) || state == (int)VIEW(UNKNOWN))
        check_out_of_sight(sim, task, wish);
    else if (!life_of(sim, task))
        violation(sim, "%s stays %s and does not run", task->row.id, view_name(state));
    else if (task->row.kill_requested)
        violation(sim, "%s stays %s though it was killed", task->row.id, view_name(state));
    else if (state != (int)VIEW(RUNNING))
        violation(sim, "%s stays %s (flags %u, %u)", task->row.id, view_name(state), task->row.flags,
                task->attempts[task->attempt_count - 1].flags);
}

/* ---- lives ------------------------------------------------------------------------------------------------
 */

/* For a consumer that is there no more, or that has just confirmed or is about to. */
static bool may_wait(const struct sim *sim, const struct update *update)
{
    const struct wish *wish = consumers_keep(sim, update);
    int64_t since_us = sim->now_us - (update->confirmed_us ? update->confirmed_us : update->heard_us);
    return wish && ((wish->consumer_waits && !sim->consumer_stays &&
                            (!update->confirm_answered || sim->restores > 0)) ||
                           since_us < 5 * MINUTE + sim->weather.retry_max_us);
}

static void check_life(struct sim *sim, const struct life *life)
{
    const struct kept_task *task = NULL;
    const struct attempt_row *row = store_attempt(sim, life->id, &task);
    if (reachable(life->agent) && life->updates && !may_wait(sim, life->updates))
        violation(sim, "%s %s is not acknowledged", life->id, state_name(life->updates->state));
    if (!runs(life) || (task && consumers_wait(task)))
        return;
    if (!row)
        violation(sim, "%s runs, and is no task's", life->id);
    else if (row->number != task->attempt_count)
        violation(sim, "%s runs, and was given up", life->id);
    else if (row->healthy != life->healthy && life->state == TASK(RUNNING))
        violation(sim, "%s is %s, and its row does not say so", life->id,
                life->healthy > 0 ? "healthy" : "not healthy");
    else if (task->row.state != (int)VIEW(RUNNING) && !was_just_launched(sim, task))
        violation(sim, "%s runs, and its task is %s", life->id, view_name(task->row.state));
}

/* A group is forgotten as a whole. */
static bool has_group(const struct sim *sim, const struct kept_task *task)
{
    const struct wish *wish = client_wish(sim, task->row.id, strlen(task->row.id));
    return wish && wish->group;
}

static void check_memory(struct sim *sim, const struct peek *peek)
{
    const struct disk *disk = &sim->store.disk;
    size_t over = 0, held = 0;
    for (size_t i = 0; i < disk->task_count; i++) {
        bool final = is_final(disk->tasks[i].row.state);
        over += final && !consumers_wait(&disk->tasks[i]) && !has_group(sim, &disk->tasks[i]);
        held += !final && disk->tasks[i].row.flags & peek_held;
    }
    if (held != peek->held)
        violation(sim, "%zu tasks are held, and %zu are counted", held, peek->held);
    if (over > sim->daemon.config.keep_tasks)
        violation(sim, "%zu tasks that are over are kept", over);
    for (size_t i = 0; i < sim->operation_count; i++) {
        const struct operation *operation = sim->operations[i];
        if (operation->uuid && !operation->acknowledged && reachable(operation->agent))
            violation(sim, "%s is not acknowledged", operation->id);
    }
}

void check_settled(struct sim *sim)
{
    const struct disk *disk = &sim->store.disk;
    struct peek peek;
    if (!sim->daemon.up) {
        violation(sim, "our daemon is not up");
        return;
    }
    peek_core(sim->daemon.core, world_now(sim), &peek);
    if (!peek.subscribed)
        violation(sim, "there is no subscription");
    if (sim->daemon.paused)
        violation(sim, "our daemon reads nothing");
    check_recovered(sim);
    check_memory(sim, &peek);
    for (size_t i = 0; i < disk->task_count && !sim->violated; i++)
        check_task(sim, &disk->tasks[i]);
    check_deeds_settled(sim);
    for (size_t i = 0; i < sim->life_count && !sim->violated; i++)
        check_life(sim, sim->lives[i]);
}
