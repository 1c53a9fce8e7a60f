/* Agents: they run tasks, keep updates until they are acknowledged, and lose and find the master. What
 * befalls them is in agent_faults.c. */
#include "sim.h"

#include <string.h>

#define RETRY_MIN (10 * SECOND)

struct letter {
    struct agent *agent;
    uint64_t link;
    enum order order;
    struct life *life, **lives;
    size_t count;
    struct update *update;
    uint64_t uuid;
    mesos_state latest;
    uint32_t executors;
    int executor;
    struct crew *crew;
};

bool state_is_terminal(mesos_state state)
{
    switch (state) {
    case TASK(FINISHED):
    case TASK(FAILED):
    case TASK(KILLED):
    case TASK(ERROR):
    case TASK(DROPPED):
    case TASK(GONE):
        return true;
    default:
        return false;
    }
}

/* ---- to the master ----------------------------------------------------------------------------------------
 */

static void post(struct sim *sim, struct letter *letter, event_fn *deliver)
{
    struct agent *agent = letter->agent;
    int64_t at_us = sim->now_us + net_latency(sim);
    if (at_us <= agent->to_master_us)
        at_us = agent->to_master_us + 1;
    agent->to_master_us = at_us;
    letter->link = agent->link;
    world_after(sim, at_us - sim->now_us, deliver, letter, 0);
}

static void deliver_update(struct sim *sim, void *context, uint64_t number)
{
    (void)number;
    struct letter *letter = context;
    if (letter->link == letter->agent->link)
        master_handle_update(sim, letter->update, letter->latest);
}

void life_send_update(struct sim *sim, struct life *life)
{
    struct agent *agent = life->agent;
    if (!life->updates || !agent->up || !agent->registered || agent->cut_off)
        return;
    struct letter *letter = NEW(sim, struct letter);
    *letter = (struct letter){.agent = agent, .update = life->updates, .latest = life->state};
    post(sim, letter, deliver_update);
}

static void repeat(struct sim *sim, void *context, uint64_t repeat_number)
{
    struct life *life = context;
    if (life->repeat != repeat_number || !life->updates)
        return;
    life_send_update(sim, life);
    world_after(sim, life->retry_us, repeat, life, repeat_number);
    life->retry_us =
            life->retry_us * 2 < sim->weather.retry_max_us ? life->retry_us * 2 : sim->weather.retry_max_us;
}

static void begin_repeating(struct sim *sim, struct life *life)
{
    life->retry_us = RETRY_MIN;
    repeat(sim, life, ++life->repeat);
}

void life_report(struct sim *sim, struct life *life, mesos_state state, int reason)
{
    if (sim->update_count == sim->update_capacity) {
        size_t capacity = sim->update_capacity ? 2 * sim->update_capacity : 64;
        struct update **updates = arena_array(&sim->arena, capacity, sizeof(struct update *));
        if (sim->update_count)
            memcpy(updates, sim->updates, sim->update_count * sizeof(struct update *));
        sim->updates = updates;
        sim->update_capacity = capacity;
    }
    struct update *update = NEW(sim, struct update);
    sim->updates[sim->update_count++] = update;
    *update = (struct update){.uuid = sim->update_count,
            .life = life,
            .state = state,
            .reason = reason,
            .healthy = state == TASK(RUNNING) ? life->healthy : 0};
    life->state = state;
    weather_aim(sim);
    trace(sim, "agent", "%s %s: %s", life->agent->id, life->id, state_name(state));
    if (life->updates) {
        life->last_update->next = update;
        life->last_update = update;
        return;
    }
    life->updates = life->last_update = update;
    begin_repeating(sim, life);
}

/* ---- registering ------------------------------------------------------------------------------------------
 */

static bool holds(const struct agent *agent, const struct life *life)
{
    return life->agent == agent &&
           (life->place == PLACE_PENDING || life->place == PLACE_ALIVE || life->updates);
}

static void deliver_register(struct sim *sim, void *context, uint64_t number)
{
    (void)number;
    struct letter *letter = context;
    if (letter->link == letter->agent->link)
        master_handle_register(sim, letter->agent, letter->lives, letter->count, letter->executors);
}

/* Until the master answers. What was sent over the connection before is lost. */
static void try_register(struct sim *sim, void *context, uint64_t registering)
{
    struct agent *agent = context;
    if (agent->registering != registering || agent->registered || !agent->up || agent->cut_off || agent->dead)
        return;
    world_after(sim, 2 * SECOND, try_register, agent, registering);
    if (!sim->master.up)
        return;
    agent->link++;
    struct letter *letter = NEW(sim, struct letter);
    *letter = (struct letter){
            .agent = agent, .lives = arena_array(&sim->arena, sim->life_count + 1, sizeof(struct life *))};
    for (size_t i = 0; i < sim->life_count; i++) {
        if (holds(agent, sim->lives[i]))
            letter->lives[letter->count++] = sim->lives[i];
    }
    for (int i = 1; i <= EXECUTORS; i++)
        letter->executors |= agent->executors[i].up ? 1u << i : 0;
    post(sim, letter, deliver_register);
}

static void deliver_exited(struct sim *sim, void *context, uint64_t number)
{
    (void)number;
    struct letter *letter = context;
    if (letter->link == letter->agent->link)
        master_handle_exited(sim, letter->agent, letter->executor);
}

void agent_tell_exited(struct sim *sim, struct agent *agent, int executor)
{
    if (!agent->up || !agent->registered || agent->cut_off)
        return; /* it is not among those it registers with */
    struct letter *letter = NEW(sim, struct letter);
    *letter = (struct letter){.agent = agent, .executor = executor};
    post(sim, letter, deliver_exited);
}

static void deliver_crew(struct sim *sim, void *context, uint64_t number)
{
    (void)number;
    struct letter *letter = context;
    if (letter->link == letter->agent->link)
        master_handle_crew_exited(sim, letter->crew);
}

void agent_tell_crew(struct sim *sim, struct crew *crew)
{
    struct agent *agent = crew->agent;
    if (!agent->up || !agent->registered || agent->cut_off)
        return;
    struct letter *letter = NEW(sim, struct letter);
    *letter = (struct letter){.agent = agent, .crew = crew};
    post(sim, letter, deliver_crew);
}

void agent_find_master(struct sim *sim, struct agent *agent, int64_t after_us)
{
    agent->registered = false;
    world_after(sim, after_us, try_register, agent, ++agent->registering);
}

void agent_start(struct sim *sim, struct agent *agent)
{
    agent->up = true;
    agent_find_master(sim, agent, random_between(&sim->random, 0, SECOND));
}

void agent_lose_master(struct sim *sim, struct agent *agent, int64_t back_after_us)
{
    agent->link++;
    agent->registered = false;
    if (agent->up && !agent->cut_off)
        agent_find_master(sim, agent, back_after_us);
}

/* ---- tasks ------------------------------------------------------------------------------------------------
 */

void life_plan(struct sim *sim, struct life *life, int64_t us, event_fn *fn)
{
    world_after(sim, us, fn, life, ++life->timer);
}

void life_finish(struct sim *sim, void *context, uint64_t timer)
{
    struct life *life = context;
    if (life->timer != timer || life->place != PLACE_ALIVE)
        return;
    life->place = PLACE_OVER;
    life_report(sim, life,
            life->wish && random_chance(&sim->random, life->wish->fails) ? TASK(FAILED) : TASK(FINISHED), -1);
    executor_task_over(sim, life);
}

/* What its check says changes now and then. */
static void check_health(struct sim *sim, void *context, uint64_t left)
{
    struct life *life = context;
    if (life->place != PLACE_ALIVE || life->state != TASK(RUNNING) || left == 0 || !life->agent->up)
        return;
    life->healthy = life->healthy > 0 ? -1 : 1;
    life_report(sim, life, TASK(RUNNING), -1);
    world_after(sim, random_spread(&sim->random, 10 * MS, MINUTE), check_health, life, left - 1);
}

static void run(struct sim *sim, void *context, uint64_t timer)
{
    struct life *life = context;
    if (life->timer != timer || life->place != PLACE_ALIVE)
        return;
    life_report(sim, life, TASK(RUNNING), -1);
    if (sim->features[FEATURE_HEALTH])
        world_after(sim, random_spread(&sim->random, MS, 10 * SECOND), check_health, life,
                random_below(&sim->random, 5));
    if (life->wish->runs_us != INT64_MAX)
        life_plan(sim, life, life->wish->runs_us, life_finish);
}

static void start(struct sim *sim, void *context, uint64_t timer)
{
    struct life *life = context;
    if (life->timer != timer || life->place != PLACE_PENDING)
        return;
    life->place = PLACE_ALIVE;
    life->started = true;
    trace(sim, "agent", "%s starts %s", life->agent->id, life->id);
    check_started(sim, life);
    weather_aim(sim);
    if (random_below(&sim->random, 2))
        life_report(sim, life, TASK(STARTING), -1);
    life_plan(sim, life, random_spread(&sim->random, MS, 5 * SECOND), run);
}

static void die(struct sim *sim, void *context, uint64_t timer)
{
    struct life *life = context;
    if (life->timer != timer || life->place != PLACE_ALIVE)
        return;
    life->place = PLACE_OVER;
    life_report(sim, life, TASK(KILLED), -1);
    executor_task_over(sim, life);
}

static void drop_launch(struct sim *sim, struct life *life)
{
    static const int reasons[] = {REASON(INVALID_OFFERS), REASON(RESOURCES_UNKNOWN), REASON(GC_ERROR),
            REASON(AGENT_DRAINING), REASON(AGENT_RESTARTED), REASON(EXECUTOR_TERMINATED)};
    life->place = PLACE_OVER;
    life_report(
            sim, life, TASK(DROPPED), reasons[random_below(&sim->random, sizeof reasons / sizeof *reasons)]);
    executor_task_over(sim, life);
}

static void handle_run(struct sim *sim, struct life *life)
{
    bool had = life->place != PLACE_NONE || life->started;
    agent_begin(sim, life, !had && weather_chance(sim, sim->weather.drop_launch));
}

void agent_begin(struct sim *sim, struct life *life, bool dropped)
{
    if (life->place != PLACE_NONE || life->started) {
        trace(sim, "agent", "%s had %s before", life->agent->id, life->id);
        return;
    }
    life->state = TASK(STAGING);
    life->place = PLACE_PENDING;
    executor_begin(sim, life->agent, life->executor);
    if (dropped)
        drop_launch(sim, life);
    else if (weather_chance(sim, sim->weather.stuck))
        life_plan(sim, life,
                random_below(&sim->random, 2) ? INT64_MAX : random_spread(&sim->random, SECOND, 60 * MINUTE),
                start);
    else
        life_plan(sim, life, random_spread(&sim->random, MS, MINUTE), start);
}

static void handle_kill(struct sim *sim, struct life *life, int64_t grace_s)
{
    int64_t grace_us = (grace_s ? grace_s : 5) * SECOND;
    if (life->place == PLACE_PENDING) {
        life->place = PLACE_OVER;
        life->timer++;
        life_report(sim, life, TASK(KILLED), -1);
        executor_task_over(sim, life);
    } else if (life->place == PLACE_ALIVE && life->state != TASK(KILLING)) {
        life_report(sim, life, TASK(KILLING), -1);
        life_plan(sim, life, random_spread(&sim->random, MS, grace_us), die);
    }
}

static void handle_ack(struct sim *sim, struct life *life, uint64_t uuid)
{
    if (!life || !life->updates || life->updates->uuid != uuid)
        return;
    life->updates = life->updates->next;
    life->repeat++;
    if (life->updates)
        begin_repeating(sim, life);
}

/* The task ends, and nobody is told. */
void life_end_silently(struct life *life)
{
    life->place = PLACE_OVER;
    life->timer++;
    life->repeat++;
    life->updates = NULL;
}

void agent_kill_all(struct sim *sim, struct agent *agent, uint64_t framework)
{
    for (struct crew *crew = sim->crews; crew; crew = crew->next)
        crew->up &= crew->agent != agent || crew->lives[0]->framework > framework;
    for (int i = 1; i <= EXECUTORS && framework >= sim->master.framework; i++)
        agent->executors[i].up = false;
    for (size_t i = 0; i < sim->life_count; i++) {
        if (holds(agent, sim->lives[i]) && sim->lives[i]->framework <= framework)
            life_end_silently(sim->lives[i]);
    }
}

/* ---- from the master --------------------------------------------------------------------------------------
 */

static void handle_registered(struct sim *sim, struct agent *agent)
{
    agent->registered = true;
    for (size_t i = 0; i < sim->life_count; i++) {
        if (sim->lives[i]->agent == agent && sim->lives[i]->updates)
            begin_repeating(sim, sim->lives[i]);
    }
    operations_registered(sim, agent);
}

static void deliver_order(struct sim *sim, void *context, uint64_t number)
{
    (void)number;
    struct letter *letter = context;
    struct agent *agent = letter->agent;
    if (letter->link != agent->link || !agent->up || agent->cut_off || agent->dead)
        return;
    switch (letter->order) {
    case ORDER_RUN:
        handle_run(sim, letter->life);
        break;
    case ORDER_RUN_CREW:
        crew_run(sim, letter->life->crew);
        break;
    case ORDER_KILL:
        handle_kill(sim, letter->life, (int64_t)letter->uuid);
        break;
    case ORDER_ACK:
        handle_ack(sim, letter->life, letter->uuid);
        break;
    case ORDER_DO_YOU_HAVE:
        if (!holds(agent, letter->life))
            life_report(sim, letter->life, TASK(DROPPED), (int)REASON(RECONCILIATION));
        break;
    case ORDER_SHUTDOWN:
        agent_kill_all(sim, agent, UINT64_MAX);
        agent->dead = true;
        break;
    case ORDER_KILL_ALL:
        agent_kill_all(sim, agent, UINT64_MAX);
        break;
    case ORDER_KILL_REMOVED:
        agent_kill_all(sim, agent, letter->uuid);
        break;
    case ORDER_FLUSH:
        for (size_t i = 0; i < sim->life_count; i++) {
            if (sim->lives[i]->agent == agent)
                life_send_update(sim, sim->lives[i]);
        }
        break;
    case ORDER_REGISTERED:
        handle_registered(sim, agent);
        break;
    case ORDER_OPERATE:
        operation_run(sim, sim->operations[letter->uuid - 1]);
        break;
    case ORDER_HAVE_OPERATION:
        operation_answer(sim, sim->operations[letter->uuid - 1]);
        break;
    case ORDER_END_EXECUTOR:
        if (letter->life && letter->life->crew)
            crew_end(sim, letter->life->crew);
        else if (letter->life)
            executor_end_command(sim, letter->life);
        else
            executor_end(sim, agent, (int)letter->uuid);
        break;
    }
}

void agent_order(struct sim *sim, struct agent *agent, enum order order, struct life *life, uint64_t uuid)
{
    struct letter *letter = NEW(sim, struct letter);
    *letter =
            (struct letter){.agent = agent, .link = agent->link, .order = order, .life = life, .uuid = uuid};
    int64_t at_us = sim->now_us + net_latency(sim);
    if (at_us <= agent->to_agent_us)
        at_us = agent->to_agent_us + 1;
    agent->to_agent_us = at_us;
    world_after(sim, at_us - sim->now_us, deliver_order, letter, 0);
}
