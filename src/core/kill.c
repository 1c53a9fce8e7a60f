/* KILL: delivered at most once by the network, so it is repeated until the task is over (PROTOCOL "Killing").
 */
#include "internal.h"

void kill_fill(
        struct core *core, struct core_call *out, const struct task *task, const struct attempt *attempt)
{
    struct arena *arena = &core->out->arena;
    Mesos__V1__Scheduler__Call__Kill *kill = arena_alloc(arena, sizeof *kill);
    mesos__v1__scheduler__call__kill__init(kill);
    kill->task_id = arena_alloc(arena, sizeof *kill->task_id);
    mesos__v1__task_id__init(kill->task_id);
    kill->task_id->value = task_mesos_id(arena, task, attempt->number);
    kill->agent_id = arena_alloc(arena, sizeof *kill->agent_id);
    mesos__v1__agent_id__init(kill->agent_id);
    kill->agent_id->value = arena_string(arena, attempt->agent_id ? attempt->agent_id : "");
    out->call->kill = kill;
    out->kill_policy = task->kill_policy;
}

/* An unknown task is answered as RECONCILE would, so a KILL asks as well. */
void kill_send(struct core *core, struct task *task)
{
    if (core->subscription == 0)
        return; /* it goes with the next subscription */
    struct attempt *attempt = task_current(task);
    struct core_call *out = output_call(core, MESOS__V1__SCHEDULER__CALL__TYPE__KILL, true);
    kill_fill(core, out, task, attempt);
    attempt->asked = core->subscription;
    if (!task->kill_requested)
        return; /* a task that was given up and came back: each sign of life brings one KILL */
    if (task->kill_backoff_ms < core->config.kill_min_ms)
        task->kill_backoff_ms = core->config.kill_min_ms;
    heap_set(&core->timers, &task->timer, core->now.mono_ms + task->kill_backoff_ms);
    task->kill_backoff_ms *= 2;
    if (task->kill_backoff_ms > core->config.kill_max_ms)
        task->kill_backoff_ms = core->config.kill_max_ms;
}

void kill_task(struct core *core, struct task *task, struct blob *policy)
{
    struct task_row row = task_row_of(task);
    row.kill_requested = true;
    if (policy)
        row.kill_policy = policy;
    if (task->state == STATE(QUEUED)) {
        row.state = (int32_t)STATE(KILLED);
        row.not_before_ns = 0;
        row.message = "killed before it was launched";
        row.reason = "";
        heap_remove(&core->timers, &task->timer);
        task_write(core, &row, NULL);
        return;
    }
    bool repeated = task->kill_requested && !policy;
    if (!repeated)
        task_write(core, &row, NULL);
    if (!repeated || !task->timer.place) {
        task->kill_backoff_ms = core->config.kill_min_ms;
        kill_send(core, task);
    }
}
