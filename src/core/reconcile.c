/* RECONCILE (PROTOCOL "Reconciling"): what the master says of our tasks. One list of tasks that want an
 * answer; it is sent whole, again with backoff until it is empty, then one implicit RECONCILE for tasks we do
 * not know. */
#include "internal.h"

static void ask_at(struct core *core, int64_t at)
{
    if (core->asked.count > 0 && at < core->ask_at_ms)
        core->ask_at_ms = at;
}

static void want_answer(struct core *core, struct task *task)
{
    if (!list_linked(&task->ask_link))
        list_append(&core->asked, &task->ask_link);
}

void reconcile_all(struct core *core)
{
    for (size_t i = 0; i < core->task_count; i++) {
        if (state_may_live(core->tasks[i]->state))
            want_answer(core, core->tasks[i]);
    }
    core->ask_backoff_ms = core->config.ask_min_ms;
    core->ask_at_ms = core->now.mono_ms;
    core->round_at_ms = core->now.mono_ms + core->config.reconcile_ms;
    core->implicit_due = true;
    core->implicit_at_ms = core->now.mono_ms + core->config.ask_max_ms;
}

void reconcile_task(struct core *core, struct task *task)
{
    want_answer(core, task);
    core->ask_backoff_ms = core->config.ask_min_ms;
    ask_at(core, core->now.mono_ms);
}

/* An agent that makes an offer is there: ask at once about what it was cut off with. */
void reconcile_agent(struct core *core, const char *agent_id)
{
    struct agent *agent = map_get_string(&core->agents, agent_id);
    if (!agent ||
            (agent->asked_ms != INT64_MIN && core->now.mono_ms - agent->asked_ms < core->config.ask_min_ms))
        return;
    for (struct list_link *link = list_first(&agent->tasks); link; link = list_next(&agent->tasks, link)) {
        struct task *task = list_item(link, struct task, agent_link);
        if (task->state == STATE(UNREACHABLE) || task->state == STATE(UNKNOWN) ||
                task->state == STATE(LOST)) {
            agent->asked_ms = core->now.mono_ms;
            reconcile_task(core, task);
        }
    }
}

void reconcile_answered(struct core *core, struct task *task)
{
    list_remove(&core->asked, &task->ask_link);
}

static void fill_task(struct core *core, Mesos__V1__Scheduler__Call__Reconcile *reconcile, struct task *task)
{
    struct arena *arena = &core->out->arena;
    struct attempt *attempt = task_current(task);
    Mesos__V1__Scheduler__Call__Reconcile__Task *item = arena_alloc(arena, sizeof *item);
    mesos__v1__scheduler__call__reconcile__task__init(item);
    item->task_id = arena_alloc(arena, sizeof *item->task_id);
    mesos__v1__task_id__init(item->task_id);
    item->task_id->value = task_mesos_id(arena, task, attempt->number);
    if (attempt->agent_id) {
        item->agent_id = arena_alloc(arena, sizeof *item->agent_id);
        mesos__v1__agent_id__init(item->agent_id);
        item->agent_id->value = arena_string(arena, attempt->agent_id);
    }
    attempt->asked = core->subscription;
    reconcile->tasks[reconcile->n_tasks++] = item;
}

static Mesos__V1__Scheduler__Call__Reconcile *send_reconcile(struct core *core, size_t room)
{
    struct core_call *out = output_call(core, MESOS__V1__SCHEDULER__CALL__TYPE__RECONCILE, true);
    Mesos__V1__Scheduler__Call__Reconcile *reconcile = arena_alloc(&core->out->arena, sizeof *reconcile);
    mesos__v1__scheduler__call__reconcile__init(reconcile);
    reconcile->tasks = arena_array(&core->out->arena, room, sizeof *reconcile->tasks);
    out->call->reconcile = reconcile;
    return reconcile;
}

static void send_explicit(struct core *core)
{
    Mesos__V1__Scheduler__Call__Reconcile *reconcile = NULL;
    for (struct list_link *link = list_first(&core->asked); link; link = list_next(&core->asked, link)) {
        if (!reconcile || reconcile->n_tasks == CORE_RECONCILE_MAX)
            reconcile = send_reconcile(core, CORE_RECONCILE_MAX);
        fill_task(core, reconcile, list_item(link, struct task, ask_link));
    }
    core->ask_at_ms = core->now.mono_ms + core->ask_backoff_ms;
    core->ask_backoff_ms *= 2;
    if (core->ask_backoff_ms > core->config.ask_max_ms)
        core->ask_backoff_ms = core->config.ask_max_ms;
}

void reconcile_tick(struct core *core)
{
    if (core->subscription == 0)
        return;
    if (core->now.mono_ms >= core->round_at_ms)
        reconcile_all(core);
    if (core->asked.count > 0 && core->now.mono_ms >= core->ask_at_ms)
        send_explicit(core);
    if (core->implicit_due && (core->asked.count == 0 || core->now.mono_ms >= core->implicit_at_ms)) {
        core->implicit_due = false;
        (void)send_reconcile(core, 0);
    }
}

int64_t reconcile_deadline(const struct core *core)
{
    int64_t at = INT64_MAX;
    if (core->subscription == 0)
        return at;
    at = core->round_at_ms;
    if (core->asked.count > 0 && core->ask_at_ms < at)
        at = core->ask_at_ms;
    if (core->implicit_due && core->implicit_at_ms < at)
        at = core->implicit_at_ms;
    return at;
}
