/* Faults: each seed has some of them, at its own rate, until it is calm. What makes which of the things that
 * go wrong: */
/* clang-format off
   messages lost                        FAULT_BREAK_*, FAULT_SILENCE (net.c), lost_ack, links of agents
   late                                 late, FAULT_STALL; the end of a connection too
   doubled                              doubled (updates, calls but ACCEPT), FAULT_REPEAT; clients repeat requests
   reordered, never within a connection connections and agents' links have delays of their own
   acted on, the answer lost            FAULT_BREAK_CALLS, FAULT_SILENCE, odd_answer
   acted on after it was abandoned      what was written before net_close() arrives; subscribe() in master_calls.c
   an update before its ACCEPT's 202    they come over two connections
   RESCIND while an ACCEPT is under way FAULT_RESCIND, and agents that leave, aimed at that moment
   offers after SUPPRESS                what was on its way
   repeats, also for forgotten tasks    lost_ack; keep_tasks and keep_tasks_ms in daemon_model.c
   old streams, 400s of older ones      connections outlive their subscription
   400, 307, 401, 403, 503, nonsense    refuse, turned_away, FAULT_NOT_LEADING, _UNAUTHORIZED, _BUSY, odd_answer
   failover, agents late or never       FAULT_FAILOVER, FAULT_AGENT_* meanwhile
   unreachable, back with or without    FAULT_PARTITION, FAULT_VANISH, FAULT_AGENT_REBOOT
   LOST or UNKNOWN, then RUNNING        FAULT_LOST_WORD; FAULT_FAILOVER forgets some agents
   DROPPED after RUNNING                FAULT_VANISH
   gone by an operator's word           FAULT_AGENT_GONE, FAULT_AGENT_DIES
   our crash at any step                crash_points (daemon_point()), FAULT_CRASH; FAULT_ABSENCE for long
   unsynced writes lost or torn         store_crash(): the group in flight is there whole or not at all
   a failing sync, a full disk          sync_fails, FAULT_FULL_DISK
   a slow disk                          sync_slow, waiting_max: more waits than is held
   a jumping clock, a frozen process    FAULT_WALL_JUMP, FAULT_FREEZE
   launches dropped, or never started   drop_launch, stuck
   what we do not know of               FAULT_STRANGER, FAULT_OPERATION, FAULT_ODD_WORD
   the framework removed                FAULT_ABSENCE with a short failover timeout; we stop, or begin again
   a restored backup                    FAULT_RESTORE
   clang-format on */
#include "sim.h"

bool weather_chance(struct sim *sim, unsigned permille)
{
    return !sim->calm && random_chance(&sim->random, permille);
}

/* A rate that most seeds do not have. */
static unsigned rate(struct sim *sim, int64_t low, int64_t high)
{
    return random_below(&sim->random, 3) ? 0 : (unsigned)random_spread(&sim->random, low, high);
}

void weather_init(struct sim *sim)
{
    struct weather *weather = &sim->weather;
    struct random *random = &sim->random;
    for (int i = 0; i < FAULT_COUNT; i++)
        weather->faults[i] = random_below(random, 3) == 0;
    weather->faults[FAULT_RESTORE] &= random_below(random, 2) == 0; /* it weakens what can be said */
    if (sim->features[FEATURE_TEARDOWN])
        weather->faults[FAULT_RESTORE] = false; /* a backup does not know of it */
    weather->pause_us = random_spread(random, 500 * MS, 30 * SECOND);
    weather->aimed = rate(sim, 10, 500);
    weather->late = rate(sim, 1, 200);
    weather->late_us = random_spread(random, 100 * MS, 40 * SECOND);
    weather->doubled = rate(sim, 5, 300);
    weather->lost_ack = rate(sim, 10, 500);
    weather->drop_launch = rate(sim, 10, 300);
    weather->stuck = rate(sim, 10, 500);
    weather->refuse = rate(sim, 1, 50);
    weather->turned_away = rate(sim, 1, 30);
    weather->odd_answer = rate(sim, 1, 30);
    weather->no_connection = rate(sim, 5, 300);
    weather->sync_fails = rate(sim, 1, 20);
    weather->sync_slow = rate(sim, 1, 200);
    weather->waiting_max = random_below(random, 3) ? 10000 : (size_t)random_spread(random, 4, 200);
    weather->crash_points = rate(sim, 20, 5000);
    weather->ping_timeout_us = random_between(random, 5, 75) * SECOND;
    weather->reregister_us = random_between(random, 10, 120) * SECOND;
    weather->retry_max_us = random_between(random, 20, 120) * SECOND;
    weather->failover_timeout_us = random_below(random, 3) > (weather->faults[FAULT_ABSENCE] ? 1u : 0u)
                                           ? 7 * 24 * 60 * MINUTE
                                           : random_spread(random, 10 * SECOND, 5 * MINUTE);
    weather->calm_at_us = random_spread(random, 20 * SECOND, 5 * MINUTE);
}

static void turn_away(struct sim *sim, int status, int64_t us)
{
    sim->weather.busy_until_us = sim->now_us + us;
    sim->weather.busy_status = status;
    trace(sim, "world", "the master answers %d", status);
}

int weather_status(struct sim *sim)
{
    static const int statuses[] = {307, 401, 403, 503};
    if (sim->now_us < sim->weather.busy_until_us)
        return sim->weather.busy_status;
    return weather_chance(sim, sim->weather.turned_away) ? statuses[random_below(&sim->random, 4)] : 0;
}

static struct agent *any_agent(struct sim *sim)
{
    return &sim->agents[random_below(&sim->random, (uint64_t)sim->agent_count)];
}

/* Our daemon is away, perhaps for longer than the failover timeout. */
static void be_absent(struct sim *sim)
{
    if (!sim->daemon.up || sim->weather.failover_timeout_us > 10 * MINUTE)
        return;
    daemon_end(sim, random_between(&sim->random, 1, 2 * sim->weather.failover_timeout_us));
}

static void jump(struct sim *sim)
{
    int64_t by_ns = random_spread(&sim->random, 1000 * MS, 24 * 60 * MINUTE) * 1000;
    /* Backwards over an absence nobody could tell how long it was. */
    bool forward = sim->weather.failover_timeout_us <= 10 * MINUTE || random_below(&sim->random, 2);
    sim->wall_offset_ns += forward ? by_ns : -by_ns;
    trace(sim, "world", "the wall clock jumps by %lld s", (long long)(by_ns / 1000000000));
}

static void strike(struct sim *sim, enum fault fault)
{
    struct agent *agent = any_agent(sim);
    struct conn *calls = sim->mesos.lanes[random_below(&sim->random, 3) ? 0 : 1].conn;
    struct conn *either = random_below(&sim->random, 2) ? calls : sim->mesos.stream;
    int64_t a_while_us = random_spread(&sim->random, 10 * MS, 2 * MINUTE);
    switch (fault) {
    case FAULT_BREAK_STREAM:
        net_break(sim, sim->mesos.stream);
        break;
    case FAULT_BREAK_CALLS:
        net_break(sim, calls);
        break;
    case FAULT_SILENCE:
        net_silence(sim, either);
        break;
    case FAULT_STALL:
        net_stall(sim, either);
        break;
    case FAULT_CRASH:
        daemon_crash(sim);
        break;
    case FAULT_FAILOVER:
        if (sim->master.up)
            master_failover(sim);
        break;
    case FAULT_PARTITION:
        agent_cut_off(sim, agent, a_while_us);
        break;
    case FAULT_AGENT_RESTART:
        agent_restart(sim, agent, a_while_us, false);
        break;
    case FAULT_AGENT_REBOOT:
        agent_restart(sim, agent, a_while_us, true);
        break;
    case FAULT_AGENT_DIES:
        if (random_below(&sim->random, 3) == 0)
            agent_die(sim, agent);
        break;
    case FAULT_AGENT_GONE:
        if (random_below(&sim->random, 3) == 0)
            master_mark_gone(sim, agent);
        break;
    case FAULT_VANISH:
        agent_vanish(sim, agent);
        break;
    case FAULT_RESCIND:
        master_rescind(sim);
        break;
    case FAULT_LOST_WORD:
        master_say_lost(sim, agent);
        break;
    case FAULT_WALL_JUMP:
        jump(sim);
        break;
    case FAULT_BUSY:
        turn_away(sim, 503, a_while_us / 4);
        break;
    case FAULT_UNAUTHORIZED:
        turn_away(sim, 401, a_while_us / 4);
        break;
    case FAULT_NOT_LEADING:
        turn_away(sim, 307, a_while_us / 4);
        break;
    case FAULT_REPEAT:
        agent_repeat(sim, agent);
        break;
    case FAULT_FREEZE:
        if (sim->daemon.up && sim->daemon.frozen_until_us < sim->now_us) /* what was put off stays so */
            sim->daemon.frozen_until_us = sim->now_us + a_while_us;
        break;
    case FAULT_ODD_WORD:
        master_say_odd(sim);
        break;
    case FAULT_STRANGER:
        agent_strange(sim, agent);
        break;
    case FAULT_ABSENCE:
        be_absent(sim);
        break;
    case FAULT_OPERATION:
        operation_begin(sim, agent);
        break;
    case FAULT_FULL_DISK:
        sim->weather.full_until_us = sim->now_us + a_while_us;
        trace(sim, "world", "the disk is full");
        break;
    case FAULT_RESTORE:
        if (random_below(&sim->random, 4))
            store_take_backup(sim);
        else
            daemon_restore(sim);
        break;
    case FAULT_COUNT:
        break;
    }
}

static void strike_aimed(struct sim *sim, void *context, uint64_t fault)
{
    (void)context;
    if (!sim->calm)
        strike(sim, (enum fault)fault);
}

void weather_aim(struct sim *sim)
{
    if (!weather_chance(sim, sim->weather.aimed))
        return;
    uint64_t fault = random_below(&sim->random, FAULT_COUNT);
    if (sim->weather.faults[fault])
        world_after(sim, random_spread(&sim->random, 1, 50 * MS), strike_aimed, NULL, fault);
}

static void blow(struct sim *sim, void *context, uint64_t number)
{
    (void)context;
    (void)number;
    if (sim->calm)
        return;
    enum fault fault = (enum fault)random_below(&sim->random, FAULT_COUNT);
    if (sim->weather.faults[fault])
        strike(sim, fault);
    world_after(sim, random_between(&sim->random, 0, 2 * sim->weather.pause_us / 6), blow, NULL, 0);
}

/* What healed by then stays so: the master answers, agents that live find it, our daemon runs. A framework
 * that was removed is forgotten with the master that removed it. */
static void calm_down(struct sim *sim, void *context, uint64_t number)
{
    (void)context;
    (void)number;
    trace(sim, "world", "calm");
    sim->calm = true;
    sim->weather.busy_until_us = sim->weather.full_until_us = 0;
    if (sim->master.removed && sim->master.up && !sim->daemon.begins_again)
        master_failover(sim);
    for (int i = 0; i < sim->agent_count; i++)
        agent_calm(sim, &sim->agents[i]);
    world_after(sim, 0, daemon_start, NULL, 0);
}

/* Removed after it became calm: the timer of an absence before. */
static void restore(struct sim *sim, void *context, uint64_t number)
{
    (void)context;
    (void)number;
    if (sim->master.removed && sim->master.up && !sim->daemon.begins_again)
        master_failover(sim);
    world_after(sim, 0, daemon_start, NULL, 0);
}

void weather_start(struct sim *sim)
{
    struct weather *weather = &sim->weather;
    world_after(sim, weather->pause_us, blow, NULL, 0);
    world_after(sim, weather->calm_at_us, calm_down, NULL, 0);
    windows_start(sim);
    world_after(sim, weather->calm_at_us + 3 * MINUTE, restore, NULL, 0);
    /* Two rounds of reconciliation after the last agent is back and the last update was repeated. */
    weather->end_at_us = weather->calm_at_us + 15 * MINUTE + 2 * sim->daemon.config.reconcile_ms * MS +
                         3 * weather->reregister_us + 3 * weather->retry_max_us;
}
