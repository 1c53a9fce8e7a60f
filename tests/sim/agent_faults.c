/* What befalls agents. What is checkpointed survives a restart: every task that was started, and its updates.
 * A launch that was not is lost, and never ran. Beware: an agent never loses a task that ran without a word
 * but under FAULT_VANISH, and then only one of which our store says that it may have run: PROTOCOL's P counts
 * on it. */
#include "sim.h"

#include <string.h>

#include "peek.h"

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
    agent_find_master(sim, agent, 0);
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
    for (int i = 1; i <= EXECUTORS && reboot; i++)
        agent->executors[i].up = false;
    for (size_t i = 0; i < sim->life_count; i++) {
        struct life *life = sim->lives[i];
        if (life->agent != agent)
            continue;
        bool kept = life->crew && crew_has_started(life->crew) && !reboot;
        if (life->place == PLACE_PENDING && kept)
            continue; /* its executor has it */
        if (life->place == PLACE_PENDING)
            life->place = PLACE_NONE;
        else if (life->place != PLACE_ALIVE || !reboot)
            continue;
        life->timer++;
        if (life->place == PLACE_ALIVE) {
            life->place = PLACE_OVER;
            life_report(sim, life, random_below(&sim->random, 2) ? TASK(GONE) : TASK(FAILED),
                    (int)REASON(EXECUTOR_TERMINATED));
        }
    }
    for (struct crew *crew = sim->crews; crew; crew = crew->next)
        crew->up &= crew->agent != agent || (!reboot && crew_has_started(crew));
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
        agent_kill_all(sim, agent, UINT64_MAX);
}

void agent_vanish(struct sim *sim, struct agent *agent)
{
    for (size_t i = 0; i < sim->life_count; i++) {
        struct life *life = sim->lives[i];
        const struct kept_task *task;
        if (life->agent != agent || life->place != PLACE_ALIVE)
            continue;
        const struct attempt_row *row = store_attempt(sim, life->id, &task);
        if (!row || !(row->flags & peek_may_have_run))
            continue;
        trace(sim, "agent", "%s vanishes from %s", life->id, agent->id);
        life_end_silently(life);
    }
    agent_restart(sim, agent, random_spread(&sim->random, MS, SECOND), false);
}

/* Started by an earlier life of this framework, whose state directory was lost. */
void agent_strange(struct sim *sim, struct agent *agent)
{
    static const char *const names[] = {"ghost", "ghost.1.1", "t1.77.1", "t1.1.99", "t1..1", "1.1"};
    const char *id = names[random_below(&sim->random, sizeof names / sizeof *names)];
    if (!sim->master.known || !agent->registered || agent->standing != STANDING_REGISTERED ||
            sim_life(sim, id))
        return;
    struct life *life = sim_new_life(sim, arena_string(&sim->arena, id));
    life->agent = agent;
    life->framework = sim->master.framework;
    life->place = PLACE_ALIVE;
    life->known = true;
    life->latest = TASK(RUNNING);
    life_report(sim, life, TASK(RUNNING), -1);
    if (random_below(&sim->random, 2))
        life_plan(sim, life, random_spread(&sim->random, SECOND, MINUTE), life_finish);
}

void agent_repeat(struct sim *sim, struct agent *agent)
{
    for (size_t i = 0; i < sim->life_count; i++) {
        if (sim->lives[i]->agent == agent)
            life_send_update(sim, sim->lives[i]);
    }
}

void agent_calm(struct sim *sim, struct agent *agent)
{
    if (agent->dead || (agent->registered && !agent->cut_off && agent->up))
        return;
    agent->registering++;
    heal(sim, agent, agent->registering);
}
