/* What tasks wait for by themselves: the end of a backoff, of a launch timeout, of the patience with an
 * attempt that is out of sight, the next KILL. One timer a task; which it is follows from the task's state.
 */
#include "internal.h"

void task_timer_set(struct task *task, struct heap *heap, int64_t key)
{
    if (task->timer_heap != heap)
        task_timer_clear(task);
    task->timer_heap = heap;
    heap_set(heap, &task->timer, key);
}

void task_timer_clear(struct task *task)
{
    if (task->timer_heap)
        heap_remove(task->timer_heap, &task->timer);
    task->timer_heap = NULL;
}

int64_t backoff_take(int64_t *backoff_ms, int64_t most_ms)
{
    int64_t now = *backoff_ms, next = 2 * now;
    *backoff_ms = next < most_ms ? next : most_ms;
    return now;
}

int64_t span_left_ms(const struct core *core, int64_t since_ns, int64_t span_ms)
{
    int64_t passed = (core->now.wall_ns - since_ns) / 1000000;
    return passed < 0 ? span_ms : passed >= span_ms ? 0 : span_ms - passed;
}

static int64_t backoff_left_ms(const struct core *core, const struct task *task)
{
    int64_t longest = core->config.relaunch_max_ms;
    if (task->policy && task->policy->backoff_max_ms > longest)
        longest = task->policy->backoff_max_ms;
    /* The row was written when the backoff began, or later. */
    int64_t span = (task->not_before_ns - task->changed_ns) / 1000000;
    int64_t left = (task->not_before_ns - core->now.wall_ns) / 1000000;
    longest = span < longest ? span : longest;
    left = left > longest ? longest : left;
    return task->not_before_ns == 0 || left < 0 ? 0 : left;
}

/* When a silence that began at a wall time is too long; monotonic ms. */
static int64_t patience_at_ms(const struct core *core, int64_t since_ns, int64_t span_ms)
{
    int64_t at = core->now.mono_ms + span_left_ms(core, since_ns, span_ms);
    return at > core->patient_until_ms ? at : core->patient_until_ms;
}

/* Monotonic ms at which the task is given up or killed for its silence; INT64_MAX: never. */
static int64_t silence_ends_ms(const struct core *core, const struct task *task)
{
    const struct attempt *attempt = task_current(task);
    switch (task->state) {
    case STATE(LAUNCHING):
    case STATE(STAGING):
        if (launch_timeout_ms(core, task) == 0)
            return INT64_MAX;
        return patience_at_ms(core, attempt->launched_ns, launch_timeout_ms(core, task));
    case STATE(UNREACHABLE):
    case STATE(UNKNOWN):
        if (!retry_replaces(task, attempt->state))
            return INT64_MAX;
        return patience_at_ms(core, attempt->changed_ns, task->policy->replace_after_ms);
    default:
        return INT64_MAX;
    }
}

/* A KILL does not reach what is out of sight, and what comes back gets another one: patience counts, where it
 * has an end. */
static bool waits_for_return(const struct task *task)
{
    return (task->state == STATE(UNREACHABLE) || task->state == STATE(UNKNOWN)) &&
           retry_replaces(task, task_current(task)->state);
}

void task_arm(struct core *core, struct task *task)
{
    if (state_is_over(task->state))
        return;
    if (task->state == STATE(QUEUED)) {
        int64_t left = backoff_left_ms(core, task);
        task_timer_clear(task);
        if (task->flags & TASK_HELD)
            return;
        if (left > 0)
            task_timer_set(task, &core->timers, core->now.mono_ms + left);
        else if (task->queue_node.place == 0)
            queue_add(core, task);
        return;
    }
    if (task_waits_for_group(task)) {
        task_timer_clear(task);
        return;
    }
    if (kill_wanted(task) && !waits_for_return(task))
        return;
    int64_t at = silence_ends_ms(core, task);
    if (at == INT64_MAX)
        task_timer_clear(task);
    else
        task_timer_set(task, &core->timers, at);
}

/* The span has passed by the monotonic clock, whatever the wall clock says by now. */
static void handle_timer(struct core *core, struct task *task)
{
    if (task->state == STATE(QUEUED)) {
        queue_add(core, task);
        return;
    }
    if (!state_wants_answer(task->state) || core->subscription == 0)
        return; /* armed again with the next subscription */
    if (kill_wanted(task) && !waits_for_return(task))
        kill_send(core, task);
    else if (core->now.mono_ms < core->patient_until_ms)
        task_arm(core, task); /* there was a new subscription meanwhile */
    else if (task->state == STATE(UNREACHABLE) || task->state == STATE(UNKNOWN))
        retry_replace(core, task);
    else
        retry_launch_timeout(core, task);
}

void timers_run(struct core *core)
{
    struct heap_node *node;
    while ((node = heap_first(&core->timers)) && node->key <= core->now.mono_ms) {
        struct task *task = list_item(node, struct task, timer);
        task_timer_clear(task);
        handle_timer(core, task);
    }
    strays_tick(core);
}

int64_t timers_deadline(const struct core *core)
{
    const struct heap_node *timer = heap_first(&core->timers), *stray = heap_first(&core->stray_timers);
    int64_t at = timer ? timer->key : INT64_MAX;
    return stray && core->subscription != 0 && stray->key < at ? stray->key : at;
}
