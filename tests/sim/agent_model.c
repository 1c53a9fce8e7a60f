/* Agents: they run tasks, keep updates until they are acknowledged, and lose and find the master. What is
 * checkpointed survives a restart: every task that was started, and its updates. A launch that was not is
 * lost, and never ran. Beware: an agent never loses a task that ran without a word but under FAULT_VANISH,
 * and then only one of which our store says that it may have run: PROTOCOL's P counts on it. */
#include "sim.h"

#include <string.h>

#define MAY_HAVE_RUN (1u | 8u | 16u) /* ATTEMPT_SEEN, _OUTLIVED, _DOUBTED of src/core/internal.h */
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

static void send_update(struct sim *sim, struct life *life)
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
    send_update(sim, life);
    world_after(sim, life->retry_us, repeat, life, repeat_number);
    life->retry_us =
            life->retry_us * 2 < sim->weather.retry_max_us ? life->retry_us * 2 : sim->weather.retry_max_us;
}

static void begin_repeating(struct sim *sim, struct life *life)
{
    life->retry_us = RETRY_MIN;
    repeat(sim, life, ++life->repeat);
}

static void update(struct sim *sim, struct life *life, mesos_state state, int reason)
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
    *update = (struct update){.uuid = sim->update_count, .life = life, .state = state, .reason = reason};
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
        master_handle_register(sim, letter->agent, letter->lives, letter->count);
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
    post(sim, letter, deliver_register);
}

static void find_master(struct sim *sim, struct agent *agent, int64_t after_us)
{
    agent->registered = false;
    world_after(sim, after_us, try_register, agent, ++agent->registering);
}

void agent_start(struct sim *sim, struct agent *agent)
{
    agent->up = true;
    find_master(sim, agent, random_between(&sim->random, 0, SECOND));
}

void agent_lose_master(struct sim *sim, struct agent *agent, int64_t back_after_us)
{
    agent->link++;
    agent->registered = false;
    if (agent->up && !agent->cut_off)
        find_master(sim, agent, back_after_us);
}

/* ---- tasks ------------------------------------------------------------------------------------------------
 */

static void plan(struct sim *sim, struct life *life, int64_t us, event_fn *fn)
{
    world_after(sim, us, fn, life, ++life->timer);
}

static void finish(struct sim *sim, void *context, uint64_t timer)
{
    struct life *life = context;
    if (life->timer != timer || life->place != PLACE_ALIVE)
        return;
    life->place = PLACE_OVER;
    update(sim, life, life->wish->fails ? TASK(FAILED) : TASK(FINISHED), -1);
}

static void run(struct sim *sim, void *context, uint64_t timer)
{
    struct life *life = context;
    if (life->timer != timer || life->place != PLACE_ALIVE)
        return;
    update(sim, life, TASK(RUNNING), -1);
    if (life->wish->runs_us != INT64_MAX)
        plan(sim, life, life->wish->runs_us, finish);
}

static void start(struct sim *sim, void *context, uint64_t timer)
{
    struct life *life = context;
    if (life->timer != timer || life->place != PLACE_PENDING)
        return;
    life->place = PLACE_ALIVE;
    life->started = true;
    life->wish->starts++;
    trace(sim, "agent", "%s starts %s", life->agent->id, life->id);
    check_started(sim, life);
    weather_aim(sim);
    if (random_below(&sim->random, 2))
        update(sim, life, TASK(STARTING), -1);
    plan(sim, life, random_spread(&sim->random, MS, 5 * SECOND), run);
}

static void die(struct sim *sim, void *context, uint64_t timer)
{
    struct life *life = context;
    if (life->timer != timer || life->place != PLACE_ALIVE)
        return;
    life->place = PLACE_OVER;
    update(sim, life, TASK(KILLED), -1);
}

static void drop_launch(struct sim *sim, struct life *life)
{
    static const int reasons[] = {REASON(INVALID_OFFERS), REASON(RESOURCES_UNKNOWN), REASON(GC_ERROR),
            REASON(AGENT_DRAINING), REASON(AGENT_RESTARTED), REASON(EXECUTOR_TERMINATED)};
    life->place = PLACE_OVER;
    update(sim, life, TASK(DROPPED), reasons[random_below(&sim->random, sizeof reasons / sizeof *reasons)]);
}

static void handle_run(struct sim *sim, struct life *life)
{
    if (life->place != PLACE_NONE || life->started) {
        trace(sim, "agent", "%s had %s before", life->agent->id, life->id);
        return;
    }
    life->state = TASK(STAGING);
    life->place = PLACE_PENDING;
    if (weather_chance(sim, sim->weather.drop_launch))
        drop_launch(sim, life);
    else
        plan(sim, life, random_spread(&sim->random, MS, MINUTE), start);
}

static void handle_kill(struct sim *sim, struct life *life)
{
    if (life->place == PLACE_PENDING) {
        life->place = PLACE_OVER;
        life->timer++;
        update(sim, life, TASK(KILLED), -1);
    } else if (life->place == PLACE_ALIVE && life->state != TASK(KILLING) && life->wish) {
        update(sim, life, TASK(KILLING), -1);
        plan(sim, life, random_spread(&sim->random, MS, 5 * SECOND), die);
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
static void end_silently(struct life *life)
{
    life->place = PLACE_OVER;
    life->timer++;
    life->repeat++;
    life->updates = NULL;
}

static void kill_all(struct sim *sim, struct agent *agent)
{
    for (size_t i = 0; i < sim->life_count; i++) {
        if (holds(agent, sim->lives[i]))
            end_silently(sim->lives[i]);
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
    case ORDER_KILL:
        handle_kill(sim, letter->life);
        break;
    case ORDER_ACK:
        handle_ack(sim, letter->life, letter->uuid);
        break;
    case ORDER_DO_YOU_HAVE:
        if (!holds(agent, letter->life))
            update(sim, letter->life, TASK(DROPPED), (int)REASON(RECONCILIATION));
        break;
    case ORDER_SHUTDOWN:
        kill_all(sim, agent);
        agent->dead = true;
        break;
    case ORDER_KILL_ALL:
        kill_all(sim, agent);
        break;
    case ORDER_FLUSH:
        for (size_t i = 0; i < sim->life_count; i++) {
            if (sim->lives[i]->agent == agent)
                send_update(sim, sim->lives[i]);
        }
        break;
    case ORDER_REGISTERED:
        handle_registered(sim, agent);
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

/* ---- faults -----------------------------------------------------------------------------------------------
 */

static void link_seen_broken(struct sim *sim, void *context, uint64_t link)
{
    struct agent *agent = context;
    if (agent->link == link)
        master_handle_agent_link(sim, agent);
}

static void break_link(struct sim *sim, struct agent *agent)
{
    agent->link++;
    agent->registered = false;
    agent->registering++;
    world_after(sim, random_spread(&sim->random, MS, SECOND), link_seen_broken, agent, agent->link);
}

static void heal(struct sim *sim, void *context, uint64_t registering)
{
    struct agent *agent = context;
    if (agent->registering != registering || agent->dead)
        return;
    agent->cut_off = false;
    agent->up = true;
    find_master(sim, agent, 0);
}

void agent_cut_off(struct sim *sim, struct agent *agent, int64_t us)
{
    if (agent->dead || !agent->up)
        return;
    trace(sim, "agent", "%s is cut off", agent->id);
    break_link(sim, agent);
    agent->cut_off = true;
    world_after(sim, us, heal, agent, agent->registering);
}

void agent_restart(struct sim *sim, struct agent *agent, int64_t us, bool reboot)
{
    if (agent->dead || !agent->up || agent->cut_off)
        return;
    trace(sim, "agent", "%s %s", agent->id, reboot ? "reboots" : "restarts");
    break_link(sim, agent);
    agent->up = false;
    for (size_t i = 0; i < sim->life_count; i++) {
        struct life *life = sim->lives[i];
        if (life->agent != agent)
            continue;
        if (life->place == PLACE_PENDING)
            life->place = PLACE_NONE;
        else if (life->place != PLACE_ALIVE || !reboot)
            continue;
        life->timer++;
        if (life->place == PLACE_ALIVE) {
            life->place = PLACE_OVER;
            update(sim, life, random_below(&sim->random, 2) ? TASK(GONE) : TASK(FAILED),
                    (int)REASON(EXECUTOR_TERMINATED));
        }
    }
    world_after(sim, us, heal, agent, agent->registering);
}

/* For ever: its tasks die with it, or live on where nobody sees them. */
void agent_die(struct sim *sim, struct agent *agent)
{
    if (agent->dead)
        return;
    trace(sim, "agent", "%s is seen no more", agent->id);
    break_link(sim, agent);
    agent->dead = true;
    if (random_below(&sim->random, 2))
        kill_all(sim, agent);
}

void agent_vanish(struct sim *sim, struct agent *agent)
{
    for (size_t i = 0; i < sim->life_count; i++) {
        struct life *life = sim->lives[i];
        const struct kept_task *kept = life->wish ? store_task(sim, life->wish->id) : NULL;
        if (life->agent != agent || life->place != PLACE_ALIVE || !kept ||
                life->attempt > kept->attempt_count ||
                !(kept->attempts[life->attempt - 1].flags & MAY_HAVE_RUN))
            continue;
        trace(sim, "agent", "%s vanishes from %s", life->id, agent->id);
        end_silently(life);
    }
    agent_restart(sim, agent, random_spread(&sim->random, MS, SECOND), false);
}

static void leave(struct sim *sim, void *context, uint64_t timer)
{
    struct life *life = context;
    if (life->timer != timer || life->place != PLACE_ALIVE)
        return;
    life->place = PLACE_OVER;
    update(sim, life, TASK(FINISHED), -1);
}

/* Started by an earlier life of this framework, whose state directory was lost. Its updates are acknowledged
 * all the same. */
void agent_strange(struct sim *sim, struct agent *agent)
{
    static const char *const names[] = {"ghost", "ghost.1.1", "t1.77.1", "t1.1.99", "t1..1", "1.1"};
    const char *id = names[random_below(&sim->random, sizeof names / sizeof *names)];
    if (!agent->registered || agent->standing != STANDING_REGISTERED || sim_life(sim, id))
        return;
    struct life *life = sim_new_life(sim, arena_string(&sim->arena, id));
    life->agent = agent;
    life->place = PLACE_ALIVE;
    life->known = true;
    life->latest = TASK(RUNNING);
    update(sim, life, TASK(RUNNING), -1);
    plan(sim, life, random_spread(&sim->random, SECOND, MINUTE), leave);
}

void agent_repeat(struct sim *sim, struct agent *agent)
{
    for (size_t i = 0; i < sim->life_count; i++) {
        if (sim->lives[i]->agent == agent)
            send_update(sim, sim->lives[i]);
    }
}

void agent_calm(struct sim *sim, struct agent *agent)
{
    if (agent->dead || (agent->registered && !agent->cut_off && agent->up))
        return;
    agent->registering++;
    heal(sim, agent, agent->registering);
}
