/* What runs: no task twice by our doing. And how much the daemon holds. */
#include "sim.h"

#include "peek.h"

#define PARCELS_AT_ONCE 600 /* that one input and one turn can add */

/* The allowance of a task that was released to run after a restore is an operator's: what the backup did not
 * know of may have run. */
static bool by_operator(const struct wish *wish)
{
    return wish->released;
}

static bool ended(const struct life *life)
{
    return life->place == PLACE_OVER || life->place == PLACE_NONE;
}

static bool same_task(const struct life *a, const struct life *b)
{
    return a->wish == b->wish && a->key == b->key && a->history == b->history;
}

/* Both are lives of one wish. */
static void check_pair(struct sim *sim, const struct life *started, const struct life *other)
{
    const struct wish *wish = started->wish;
    if (!same_task(other, started)) {
        if (wish->forgets_kept == 0 && sim->restores == 0)
            violation(sim, "%s and %s are of one task", other->id, started->id);
        return;
    }
    if (!ended(other) && !policy_replaces(&wish->policy) && !by_operator(wish))
        violation(sim, "%s starts while %s is %s", started->id, other->id,
                other->place == PLACE_ALIVE ? "alive" : "pending");
}

void check_started(struct sim *sim, const struct life *started)
{
    const struct wish *wish = started->wish;
    const struct kept_task *task;
    const struct attempt_row *row = store_attempt(sim, started->id, &task);
    unsigned starts = 0;
    if (row && row->flags & peek_never_ran)
        violation(sim, "%s starts, which is said never to have run", started->id);
    for (size_t i = 0; i < sim->life_count; i++) {
        const struct life *life = sim->lives[i];
        if (life->wish != wish)
            continue;
        starts += life->started && same_task(life, started);
        if (life != started && life->written > 0)
            check_pair(sim, started, life);
    }
    if (starts > wish->policy.max_attempts && !by_operator(wish))
        violation(sim, "%s is started %u times, now as %s", wish->id, starts, started->id);
}

void check_sizes(struct sim *sim)
{
    struct peek peek;
    if (!sim->daemon.up)
        return;
    peek_core(sim->daemon.core, world_now(sim), &peek);
    /* Offers that were rescinded or answered may be on their way, once for each allocation. */
    if (peek.offers > (size_t)sim->agent_count * 64)
        violation(sim, "%zu offers are held", peek.offers);
    bool was_frozen = sim->now_us < sim->daemon.frozen_until_us + SECOND;
    if (peek.oldest_offer_ms > sim->daemon.config.offer_hold_ms + 1000 && !was_frozen)
        violation(sim, "an offer is held for %lld ms", (long long)peek.oldest_offer_ms);
    if (peek.tasks > WISHES_MAX || peek.asked > peek.tasks || peek.strays > sim->life_count ||
            peek.timers > peek.tasks + peek.strays || peek.agents > (size_t)sim->agent_count)
        violation(sim, "%zu tasks, %zu of them asked about, %zu strays, %zu timers, %zu agents", peek.tasks,
                peek.asked, peek.strays, peek.timers, peek.agents);
    if (peek.calls > sim->life_count + sim->operation_count)
        violation(sim, "%zu ACCEPTs are in flight", peek.calls);
    if (sim->daemon.waiting > sim->weather.waiting_max + PARCELS_AT_ONCE)
        violation(sim, "%zu outputs wait", sim->daemon.waiting);
}
