/* What is on disk: each row may follow the one before it, and what was promised is there after a crash. */
#include "sim.h"

#include <string.h>

#include "peek.h"

/* ---- rows -------------------------------------------------------------------------------------------------
 */

static unsigned counted(const struct kept_task *task)
{
    unsigned count = 0;
    for (size_t i = 0; i < task->attempt_count; i++)
        count += !(task->attempts[i].flags & peek_never_ran);
    return count;
}

/* The outcomes as which the end of this attempt counts. */
static unsigned outcomes_of(const struct attempt_row *attempt)
{
    unsigned drained = attempt->flags & peek_drained ? OUTCOME(DRAINED) : 0;
    unsigned late = attempt->flags & peek_timed_out ? OUTCOME(LAUNCH_TIMEOUT) : 0;
    switch (attempt->state) {
    case (int)VIEW(FINISHED):
        return OUTCOME(FINISHED);
    case (int)VIEW(FAILED):
        return late ? late : drained ? drained | OUTCOME(KILLED) : OUTCOME(FAILED);
    case (int)VIEW(KILLED):
        return late ? late : drained | OUTCOME(KILLED);
    case (int)VIEW(GONE):
        return late ? late : drained ? drained | OUTCOME(KILLED) : OUTCOME(GONE);
    default:
        break;
    }
    if (!(attempt->flags & peek_replaced))
        return 0;
    switch (attempt->state) {
    case (int)VIEW(LOST):
        return OUTCOME(LOST);
    case (int)VIEW(UNREACHABLE):
        return OUTCOME(UNREACHABLE);
    case (int)VIEW(UNKNOWN):
        return OUTCOME(UNKNOWN);
    default:
        return 0;
    }
}

/* The policy's backoff: doubled for each attempt after the second. */
static void check_backoff(
        struct sim *sim, const struct task_row *row, const struct policy *policy, unsigned attempts)
{
    int64_t backoff_ms = policy->backoff_ms;
    for (unsigned i = 1; i < attempts && backoff_ms < policy->backoff_max_ms; i++)
        backoff_ms *= 2;
    if (backoff_ms > policy->backoff_max_ms)
        backoff_ms = policy->backoff_max_ms;
    int64_t waits_ms = row->not_before_ns ? (row->not_before_ns - row->changed_ns) / 1000000 : 0;
    if (waits_ms != backoff_ms)
        violation(sim, "%s waits for %lld ms after %u attempts, and not %lld", row->id, (long long)waits_ms,
                attempts, (long long)backoff_ms);
}

/* A task waits again only after an attempt that never ran, or as its policy says. */
static void check_waits_again(struct sim *sim, const struct task_row *row, const struct kept_task *task)
{
    const struct wish *wish = client_wish(sim, row->id, strlen(row->id));
    const struct attempt_row *last = task->attempt_count ? &task->attempts[task->attempt_count - 1] : NULL;
    if (!wish || wish->found || !last || row->flags & peek_adopted) {
        violation(sim, "%s waits again, and there was nothing to wait for", row->id);
        return;
    }
    if (task->row.state == (int)VIEW(LOST))
        violation(sim, "%s waits again after it was over", row->id);
    if (row->kill_requested)
        violation(sim, "%s waits again though it is to be killed", row->id);
    if (last->flags & peek_never_ran)
        return;
    if (!(outcomes_of(last) & wish->policy.on))
        violation(sim, "%s waits again after attempt %u, which is %s", row->id, last->number,
                view_name(last->state));
    if (counted(task) >= wish->policy.max_attempts)
        violation(sim, "%s waits again after %u attempts of %u", row->id, counted(task),
                wish->policy.max_attempts);
    check_backoff(sim, row, &wish->policy, counted(task));
}

static void check_task_row(struct sim *sim, const struct task_row *row, const struct kept_task *before)
{
    if (!before) {
        if (!row->spec)
            violation(sim, "%s has no specification", row->id);
        if (store_task(sim, row->id))
            violation(sim, "%s is there twice", row->id);
        return;
    }
    int from = before->row.state;
    if (strcmp(before->row.id, row->id) != 0 || row->revision <= before->row.revision)
        violation(sim, "%s revision %llu replaces %s revision %llu", row->id,
                (unsigned long long)row->revision, before->row.id, (unsigned long long)before->row.revision);
    if (!may_follow(from, row->state))
        violation(sim, "%s goes from %s to %s", row->id, view_name(from), view_name(row->state));
    if (before->row.kill_requested && !row->kill_requested)
        violation(sim, "the kill of %s is forgotten", row->id);
    if (from != (int)VIEW(QUEUED) && row->state == (int)VIEW(QUEUED))
        check_waits_again(sim, row, before);
}

/* What is said to be certain is true. */
static void check_never_ran(struct sim *sim, const struct attempt_row *row, const struct kept_task *task)
{
    for (size_t i = 0; i < sim->life_count; i++) {
        const struct life *life = sim->lives[i];
        const struct kept_task *found;
        if (life->attempt != row->number || life->key != row->task_key || life->written == 0)
            continue;
        if (store_attempt(sim, life->id, &found) == row && (life->started || life->place == PLACE_PENDING))
            violation(sim, "%s of %s is said never to have run, and it %s", life->id, task->row.id,
                    life->started ? "did" : "will");
    }
}

static void check_replaced(struct sim *sim, const struct attempt_row *row, const struct kept_task *task)
{
    const struct wish *wish = client_wish(sim, task->row.id, strlen(task->row.id));
    int64_t passed_ms = (world_now(sim).wall_ns - row->changed_ns) / 1000000;
    if (row->number < task->attempt_count && task->attempts[row->number].flags & peek_found)
        return; /* by the history that made the next one */
    if (!wish || !policy_replaces(&wish->policy))
        violation(sim, "attempt %u of %s is given up, and its policy says nothing of it", row->number,
                task->row.id);
    else if (passed_ms + 1 < wish->policy.replace_after_ms && !sim->weather.faults[FAULT_WALL_JUMP])
        violation(sim, "attempt %u of %s is given up after %lld ms", row->number, task->row.id,
                (long long)passed_ms);
}

static void check_attempt_row(struct sim *sim, const struct attempt_row *row, const struct kept_task *task)
{
    if (!task || row->number == 0 || row->number > task->attempt_count + 1) {
        violation(sim, "attempt %u of key %lld fits nothing", row->number, (long long)row->task_key);
        return;
    }
    if (row->number > task->attempt_count)
        return;
    const struct attempt_row *before = &task->attempts[row->number - 1];
    if (!may_follow(before->state, row->state))
        violation(sim, "attempt %u of %s goes from %s to %s", row->number, task->row.id,
                view_name(before->state), view_name(row->state));
    if (before->flags & ~row->flags)
        violation(sim, "attempt %u of %s forgets what it had seen", row->number, task->row.id);
    if (row->flags & ~before->flags & peek_never_ran)
        check_never_ran(sim, before, task);
    if (row->flags & ~before->flags & peek_replaced)
        check_replaced(sim, before, task);
    if (strcmp(before->mesos_id, row->mesos_id) != 0)
        violation(sim, "attempt %u of %s is %s, and was %s", row->number, task->row.id, row->mesos_id,
                before->mesos_id);
}

static size_t over_count(const struct sim *sim)
{
    const struct disk *disk = &sim->store.disk;
    size_t over = 0;
    for (size_t i = 0; i < disk->task_count; i++)
        over += is_final(disk->tasks[i].row.state);
    return over;
}

/* Only what is over is forgotten: for its age, or where too many are. */
static void check_forget_row(struct sim *sim, const struct kept_task *task)
{
    if (!task) {
        violation(sim, "what is not there is forgotten");
        return;
    }
    if (consumers_wait(task))
        violation(sim, "%s is forgotten, and an update of it waits for its consumer", task->row.id);
    const struct core_config *config = &sim->daemon.config;
    int64_t age_ms = (world_now(sim).wall_ns - task->row.changed_ns) / 1000000;
    bool old = age_ms >= config->keep_tasks_ms || sim->weather.faults[FAULT_WALL_JUMP];
    bool many = over_count(sim) > config->keep_tasks && task->row.state != (int)VIEW(LOST);
    const struct wish *grouped = client_wish(sim, task->row.id, strlen(task->row.id));
    many |= grouped && grouped->group; /* goes as a whole */
    if (!is_over(task->row.state) || (!old && !many))
        violation(sim, "%s is forgotten: it is %s for %lld ms", task->row.id, view_name(task->row.state),
                (long long)age_ms);
    struct wish *wish = client_wish(sim, task->row.id, strlen(task->row.id));
    if (!wish)
        return;
    wish->forgets_kept++;
    wish->promised = wish->kill_promised = false;
    wish->held = false;
    wish->grace_promised_s = 0;
    wish->read_revision = 0;
}

void check_row_kept(struct sim *sim, const struct record *record, const struct kept_task *before)
{
    switch (record->kind) {
    case RECORD_META:
        break;
    case RECORD_TASK:
        check_task_row(sim, &record->task, before);
        break;
    case RECORD_ATTEMPT:
        check_attempt_row(sim, &record->attempt, before);
        break;
    case RECORD_OPERATION: /* its clients ask for none */
    case RECORD_FORGET_OPERATION:
        break;
    case RECORD_FORGET:
        check_forget_row(sim, before);
        break;
    case RECORD_EVENT: {
        uint64_t last = sim->store.disk.numbers[record->event.class];
        if (record->event.number != last + 1)
            violation(sim, "event %d/%llu is kept after %llu", (int)record->event.class,
                    (unsigned long long)record->event.number, (unsigned long long)last);
        break;
    }
    }
}

/* ---- after a crash ----------------------------------------------------------------------------------------
 */

static bool comparable(const struct sim *sim, const struct wish *wish)
{
    const struct kept_task *kept = store_task(sim, wish->id);
    return wish->forgets_kept == 0 && !(kept && kept->row.flags & peek_adopted);
}

/* A request that was not answered is there whole, or not at all. */
static void check_whole(struct sim *sim, const struct request *request)
{
    const struct wish *first = request->wishes[0];
    for (size_t i = 1; i < request->count; i++) {
        const struct wish *wish = request->wishes[i];
        if (first->role == ROLE_ADDED || wish->role == ROLE_ADDED)
            continue; /* such are refused by themselves */
        if (sim->restores > 0 || !comparable(sim, first) || !comparable(sim, wish))
            return;
        if (!store_task(sim, wish->id) != !store_task(sim, first->id))
            violation(
                    sim, "of a launch %s is kept, and %s is not or the other way round", wish->id, first->id);
    }
}

void check_recovered(struct sim *sim)
{
    for (size_t i = 0; i < sim->wish_count; i++) {
        struct wish *wish = &sim->wishes[i];
        const struct kept_task *kept = store_task(sim, wish->id);
        wish->forgets_decided = wish->forgets_kept;
        if (wish->promised && !kept)
            violation(sim, "%s was promised and is lost", wish->id);
        if (kept && !(kept->row.flags & peek_adopted) && !slice_equal(blob_slice(kept->row.spec), wish->spec))
            violation(sim, "%s is kept with another specification", wish->id);
        if (wish->kill_promised && (!kept || (!kept->row.kill_requested && !is_final(kept->row.state))))
            violation(sim, "the kill of %s was promised and is lost", wish->id);
        if (wish->request)
            check_whole(sim, wish->request);
    }
}

static void set_back(struct wish *wish, const struct kept_task *kept, unsigned restores)
{
    if (!kept)
        wish->history = restores;
    wish->forgets_decided = wish->forgets_kept;
    wish->seen_forgets = wish->forgets_kept;
    wish->promised &= kept != NULL;
    wish->kill_promised &= kept && (kept->row.kill_requested || is_final(kept->row.state));
    wish->grace_promised_s = 0;
    wish->seen = kept ? (view_state)kept->row.state : 0;
    wish->seen_revision = wish->read_revision = kept ? kept->row.revision : 0;
    wish->held = kept && !is_final(kept->row.state);
}

void check_restored(struct sim *sim)
{
    const struct disk *disk = &sim->store.disk;
    for (size_t i = 0; i < sim->wish_count; i++)
        set_back(&sim->wishes[i], store_task(sim, sim->wishes[i].id), sim->restores);
    deeds_restored(sim);
    memcpy(sim->published, disk->numbers, sizeof sim->published);
    for (size_t i = 0; i < sim->update_count; i++) {
        if (sim->updates[i]->durable_us > disk->taken_us)
            sim->updates[i]->durable_us = 0;
    }
    for (size_t i = 0; i < sim->operation_count; i++) {
        if (sim->operations[i]->durable_us > disk->taken_us)
            sim->operations[i]->durable_us = 0;
    }
}
