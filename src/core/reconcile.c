/* RECONCILE (PROTOCOL "Reconciling"): what the master says of our tasks. Tasks of which something is to be
 * known are gathered for a moment and asked about once; then they are in the list of those that were not
 * answered, which is sent whole with backoff until it is empty. Then one implicit RECONCILE for tasks we do
 * not know. Beware: each question about N tasks costs N answers, all of them published. */
#include "internal.h"

/* A thousand updates in a row make one question, not a thousand. */
#define GATHER_MS 100

void reconcile_answered(struct core *core, struct task *task)
{
    list_remove(task->in_to_ask ? &core->to_ask : &core->asked, &task->ask_link);
}

static void move_task(struct core *core, struct task *task, bool to_ask)
{
    if (list_linked(&task->ask_link) && task->in_to_ask == to_ask)
        return;
    reconcile_answered(core, task);
    task->in_to_ask = to_ask;
    list_append(to_ask ? &core->to_ask : &core->asked, &task->ask_link);
}

void reconcile_all(struct core *core)
{
    for (size_t i = 0; i < core->task_count; i++) {
        if (state_may_live(core->tasks[i]->state) && attempt_may_live(task_current(core->tasks[i])))
            move_task(core, core->tasks[i], false);
    }
    strays_ask(core, NULL);
    operations_ask_all(core);
    core->ask_backoff_ms = core->config.ask_min_ms;
    core->ask_at_ms = core->now.mono_ms;
    core->round_at_ms = core->now.mono_ms + core->config.reconcile_ms;
    core->implicit_due = true;
    core->implicit_at_ms = core->now.mono_ms + core->config.ask_max_ms;
}

void reconcile_task(struct core *core, struct task *task)
{
    if (core->to_ask.count == 0)
        core->to_ask_at_ms = core->now.mono_ms + GATHER_MS;
    move_task(core, task, true);
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
    if (agent->strays.count > 0) {
        agent->asked_ms = core->now.mono_ms;
        strays_ask(core, agent);
    }
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

static void send_explicit(struct core *core, const struct list *tasks)
{
    Mesos__V1__Scheduler__Call__Reconcile *reconcile = NULL;
    for (struct list_link *link = list_first(tasks); link; link = list_next(tasks, link)) {
        if (!reconcile || reconcile->n_tasks == CORE_RECONCILE_MAX)
            reconcile = send_reconcile(core, CORE_RECONCILE_MAX);
        fill_task(core, reconcile, list_item(link, struct task, ask_link));
    }
}

static void wait_for_answers(struct core *core)
{
    core->ask_at_ms = core->now.mono_ms + backoff_take(&core->ask_backoff_ms, core->config.ask_max_ms);
}

/* Those that were just asked about wait with the others; the first ones begin the backoff. */
static void ask_first(struct core *core)
{
    send_explicit(core, &core->to_ask);
    if (core->asked.count == 0) {
        core->ask_backoff_ms = core->config.ask_min_ms;
        wait_for_answers(core);
    }
    struct list_link *link;
    while ((link = list_first(&core->to_ask)))
        move_task(core, list_item(link, struct task, ask_link), false);
}

static void ask_again(struct core *core)
{
    send_explicit(core, &core->asked);
    wait_for_answers(core);
}

void reconcile_tick(struct core *core)
{
    if (core->subscription == 0)
        return;
    if (core->now.mono_ms >= core->round_at_ms)
        reconcile_all(core);
    if (core->asked.count > 0 && core->now.mono_ms >= core->ask_at_ms)
        ask_again(core);
    if (core->to_ask.count > 0 && core->now.mono_ms >= core->to_ask_at_ms)
        ask_first(core);
    bool answered = core->asked.count == 0 && core->to_ask.count == 0;
    if (core->implicit_due && (answered || core->now.mono_ms >= core->implicit_at_ms)) {
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
    if (core->to_ask.count > 0 && core->to_ask_at_ms < at)
        at = core->to_ask_at_ms;
    if (core->implicit_due && core->implicit_at_ms < at)
        at = core->implicit_at_ms;
    return at;
}
