/* Who goes first: by priority, then by fair shares of submitters, then by age. Judged without knowing how
 * large the cluster is: who holds less of each resource has the smaller share. */
#include "fairness.h"

#include <string.h>

#include "peek.h"
#include "sim.h"

#define COUNTED 2 /* cpus and mem */

/* What a submitter's attempts hold, in thousandths over its weight; of those of which nobody knows whether
 * they live, it may hold them. */
struct holding {
    double surely[COUNTED], perhaps[COUNTED];
};

const char *const submitters[SUBMITTERS] = {NULL, "small", "large"};

int64_t fairness_weight(const struct sim *sim, int submitter)
{
    return submitter == 2 && sim->weight > 0 ? sim->weight : 1000;
}

static void add(double to[COUNTED], const struct want *want, int64_t weight)
{
    to[0] += (double)want->cpus / (double)weight;
    to[1] += (double)want->mem / (double)weight;
}

static void hold(const struct sim *sim, int submitter, struct holding *holding)
{
    const struct disk *ahead = &sim->store.ahead;
    int64_t weight = fairness_weight(sim, submitter);
    *holding = (struct holding){0};
    for (size_t i = 0; i < ahead->task_count; i++) {
        const struct kept_task *task = &ahead->tasks[i];
        const struct wish *wish = client_wish(sim, task->row.id, strlen(task->row.id));
        const struct attempt_row *last =
                task->attempt_count ? &task->attempts[task->attempt_count - 1] : NULL;
        if (!wish || wish->found || !last || wish->submitter != submitter || is_final(last->state) ||
                task->row.flags & peek_adopted)
            continue;
        add(holding->perhaps, &wish->want, weight);
        if (!is_over(last->state) && !(last->flags & (peek_replaced | peek_removed)))
            add(holding->surely, &wish->want, weight);
    }
}

static bool holds_less(const struct holding *a, const struct holding *b)
{
    bool any = false;
    for (int i = 0; i < COUNTED; i++) {
        if (a->perhaps[i] > 0 && a->perhaps[i] * (1 + 1e-6) >= b->surely[i])
            return false; /* or about the same */
        any |= b->surely[i] > 0;
    }
    return any;
}

static bool comes_first(struct sim *sim, const struct kept_task *task, const struct wish *wish,
        const struct kept_task *other, const struct wish *its)
{
    struct holding holding, its_holding;
    if (wish->priority != its->priority)
        return its->priority > wish->priority;
    if (wish->submitter == its->submitter)
        return other->row.key < task->row.key;
    hold(sim, wish->submitter, &holding);
    hold(sim, its->submitter, &its_holding);
    return holds_less(&its_holding, &holding);
}

void check_turn(struct sim *sim, const struct kept_task *task, const struct wish *wish)
{
    const struct disk *ahead = &sim->store.ahead;
    for (size_t i = 0; i < ahead->task_count && !sim->features[FEATURE_SHORT_TURNS]; i++) {
        const struct kept_task *other = &ahead->tasks[i];
        const struct wish *its =
                other == task ? NULL : client_wish(sim, other->row.id, strlen(other->row.id));
        if (!its || its->found || its->role != wish->role || its->group || wish->group ||
                rules_may_open(its) || !hand_waits(sim, other) || !comes_first(sim, task, wish, other, its))
            continue;
        const struct offer *offer = hand_fits(sim, other, its);
        if (offer)
            violation(sim, "%s is placed, and it was the turn of %s by its %s, which fits %s", wish->id,
                    its->id,
                    wish->priority != its->priority     ? "priority"
                    : wish->submitter == its->submitter ? "age"
                                                        : "submitter's share",
                    offer->id);
    }
}
