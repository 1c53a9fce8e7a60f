/* Executors of the framework's own: one for all tasks of its id that an agent runs. One kind ends with its
 * last task, the other lingers. When one ends its tasks do too. Its resources are taken while the master
 * knows it. */
#include "sim.h"

#include <stdio.h>

struct stuff executor_stuff(const struct sim *sim)
{
    struct stuff stuff = {.scalars = {[CPUS] = 100}};
    if (sim->features[FEATURE_RESOURCES])
        stuff.scalars[MEM] = 32000;
    return stuff;
}

const char *executor_name(int executor)
{
    static const char *const names[EXECUTORS + 1] = {"", "x1", "x2"};
    return names[executor];
}

int executor_of(const char *name)
{
    int executor = 0;
    char rest;
    return sscanf(name, "x%d%c", &executor, &rest) == 1 && executor >= 1 && executor <= EXECUTORS ? executor
                                                                                                  : 0;
}

struct stuff executors_stuff(const struct sim *sim, const struct agent *agent)
{
    struct stuff one = executor_stuff(sim), all = {0};
    for (int i = 1; i <= EXECUTORS; i++) {
        if (agent->executors[i].known)
            stuff_add(&all, &one);
    }
    return all;
}

static bool holds_task(const struct sim *sim, const struct agent *agent, int executor)
{
    for (size_t i = 0; i < sim->life_count; i++) {
        const struct life *life = sim->lives[i];
        if (life->agent == agent && life->executor == executor &&
                (life->place == PLACE_ALIVE || life->place == PLACE_PENDING))
            return true;
    }
    return false;
}

void executor_begin(struct sim *sim, struct agent *agent, int executor)
{
    if (executor == 0 || agent->executors[executor].up)
        return;
    agent->executors[executor].up = true;
    trace(sim, "agent", "%s starts executor %s", agent->id, executor_name(executor));
}

void executor_end_command(struct sim *sim, struct life *life)
{
    bool pending = life->place == PLACE_PENDING;
    if (!pending && life->place != PLACE_ALIVE)
        return;
    life->place = PLACE_OVER;
    life->timer++;
    life_report(sim, life,
            pending                         ? TASK(DROPPED)
            : random_below(&sim->random, 2) ? TASK(GONE)
                                            : TASK(FAILED),
            (int)REASON(EXECUTOR_TERMINATED));
}

static void end_tasks(struct sim *sim, struct agent *agent, int executor)
{
    for (size_t i = 0; i < sim->life_count; i++) {
        struct life *life = sim->lives[i];
        if (life->agent == agent && life->executor == executor)
            executor_end_command(sim, life);
    }
}

void executor_end(struct sim *sim, struct agent *agent, int executor)
{
    if (executor == 0 || !agent->executors[executor].up)
        return;
    trace(sim, "agent", "%s: executor %s ends", agent->id, executor_name(executor));
    agent->executors[executor].up = false;
    end_tasks(sim, agent, executor);
    agent_tell_exited(sim, agent, executor);
}

void executor_task_over(struct sim *sim, struct life *life)
{
    if (life->crew) {
        crew_task_over(sim, life);
        return;
    }
    if (life->executor == 2 || holds_task(sim, life->agent, life->executor))
        return; /* that one lingers */
    executor_end(sim, life->agent, life->executor);
}
