/* KILL: delivered at most once by the network, so it is repeated until the task is over (PROTOCOL "Killing").
 */
#include "internal.h"

struct core_call *kill_call(struct core *core, const char *mesos_id, const char *agent_id)
{
    struct arena *arena = &core->out->arena;
    struct core_call *out = output_call(core, MESOS__V1__SCHEDULER__CALL__TYPE__KILL, true);
    Mesos__V1__Scheduler__Call__Kill *kill = arena_alloc(arena, sizeof *kill);
    mesos__v1__scheduler__call__kill__init(kill);
    kill->task_id = arena_alloc(arena, sizeof *kill->task_id);
    mesos__v1__task_id__init(kill->task_id);
    kill->task_id->value = arena_string(arena, mesos_id);
    if (agent_id && *agent_id) {
        kill->agent_id = arena_alloc(arena, sizeof *kill->agent_id);
        mesos__v1__agent_id__init(kill->agent_id);
        kill->agent_id->value = arena_string(arena, agent_id);
    }
    out->call->kill = kill;
    return out;
}

int64_t kill_pause_ms(const struct core *core, int64_t *backoff_ms)
{
    if (*backoff_ms < core->config.kill_min_ms)
        *backoff_ms = core->config.kill_min_ms;
    return backoff_take(backoff_ms, core->config.kill_max_ms);
}

bool kill_wanted(const struct task *task)
{
    const struct attempt *attempt = task_current(task);
    return task->kill_requested || (task->task_group && task->task_group->apart) ||
           (attempt && attempt->flags & (ATTEMPT_TIMED_OUT | ATTEMPT_DRAINED));
}

/* An unknown task is answered as RECONCILE would, so a KILL asks as well. */
void kill_send(struct core *core, struct task *task)
{
    if (core->subscription == 0 || task_current(task)->flags & ATTEMPT_REMOVED)
        return; /* it goes with the next subscription */
    struct attempt *attempt = task_current(task);
    kill_call(core, task_mesos_id(&core->out->arena, task, attempt->number), attempt->agent_id)->kill_policy =
            task->kill_policy;
    attempt->asked = core->subscription;
    if (state_is_over(task->state))
        return; /* LOST: once more when it returns */
    task_timer_set(task, &core->timers, core->now.mono_ms + kill_pause_ms(core, &task->kill_backoff_ms));
    task_arm(core, task); /* another timer where patience counts */
}

static void kill_one(struct core *core, struct task *task, struct blob *policy)
{
    struct task_row row = task_row_of(task);
    row.kill_requested = true;
    if (policy)
        row.kill_policy = policy;
    if (task->state == STATE(QUEUED) || task_waits_for_group(task)) {
        row.state = (int32_t)STATE(KILLED);
        row.not_before_ns = 0;
        row.message =
                task->attempt_count ? "killed before it was launched again" : "killed before it was launched";
        row.reason = "";
        task_write(core, &row, NULL);
        return;
    }
    if (task_current(task)->state == STATE(LOST))
        row.state = (int32_t)STATE(LOST); /* it was to be replaced, and is not any more */
    bool repeated = task->kill_requested && !policy;
    if (!repeated)
        task_write(core, &row, NULL);
    if (!repeated || task->timer_heap != &core->timers) {
        task->kill_backoff_ms = core->config.kill_min_ms;
        kill_send(core, task);
    }
}

/* Mesos ends a group with the first of it that is killed, and gives the others a fixed grace period then: a
 * KILL for each lets each have its own. */
void kill_task(struct core *core, struct task *task, struct blob *policy)
{
    struct task_group *group = task->task_group;
    if (!group) {
        kill_one(core, task, policy);
        return;
    }
    if (group->killed == core->inputs)
        return; /* another member was named before */
    group->killed = core->inputs;
    for (size_t i = 0; i < group->count; i++) {
        if (!task_is_final(group->members[i]))
            kill_one(core, group->members[i], policy);
    }
}
