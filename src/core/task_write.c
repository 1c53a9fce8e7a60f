/* Writing a task or an attempt: its row is applied, and becomes an output for the store. */
#include "internal.h"

#include <stdlib.h>

struct task_row task_row_of(const struct task *task)
{
    return (struct task_row){
            .key = task->key,
            .id = task->id,
            .state = (int32_t)task->state,
            .revision = task->revision,
            .attempts = task->attempt_count,
            .kill_requested = task->kill_requested,
            .kill_policy = task->kill_policy,
            .created_ns = task->created_ns,
            .changed_ns = task->changed_ns,
            .not_before_ns = task->not_before_ns,
            .flags = task->flags,
            .message = row_text(task->message),
            .reason = row_text(task->reason),
    };
}

struct attempt_row attempt_row_of(const struct task *task, const struct attempt *attempt)
{
    struct attempt_row row = {
            .task_key = task->key,
            .number = attempt->number,
            .state = (int32_t)attempt->state,
            .flags = attempt->flags,
            .agent_id = row_text(attempt->agent_id),
            .hostname = row_text(attempt->hostname),
            .ports = row_text(attempt->ports),
            .unique = row_text(attempt->unique),
            .launched_ns = attempt->launched_ns,
            .changed_ns = attempt->changed_ns,
            .message = row_text(attempt->message),
            .reason = row_text(attempt->reason),
            .mesos_id = row_text(attempt->mesos_id),
            .agent_url = row_text(attempt->agent_url),
            .healthy = attempt->healthy,
            .check_status = attempt->check_status,
    };
    pending_row_of(attempt, &row);
    return row;
}

/* A row of ours always fits: one that does not is a fault in the core, and going on would write nonsense. */
static void must_apply(int rc)
{
    if (rc)
        abort();
}

struct task *task_write_quietly(
        struct core *core, const struct task_row *row, const Zmesos__V1__TaskSpec *spec)
{
    struct arena *arena = &core->out->arena;
    struct core_output *item = output_add(core, CORE_OUT_RECORD);
    item->record.kind = RECORD_TASK;
    item->record.task = *row;
    struct task_row *copy = &item->record.task;
    copy->id = arena_string(arena, row->id);
    copy->message = arena_string(arena, row->message);
    copy->reason = arena_string(arena, row->reason);
    copy->changed_ns = core->now.wall_ns;
    copy->revision++;
    struct task_row applied = *copy;
    must_apply(task_apply(core, &applied, spec, NULL));
    return task_by_key(core, row->key);
}

void task_write(struct core *core, const struct task_row *row, const Zmesos__V1__TaskSpec *spec)
{
    const struct task *before = task_by_key(core, row->key);
    task_state from = before ? before->state : 0;
    const struct task *task = task_write_quietly(core, row, spec);
    if (task->state != from)
        output_task_event(core, task);
}

void attempt_write(struct core *core, const struct attempt_row *row)
{
    struct attempt_row changed = *row;
    changed.changed_ns = core->now.wall_ns;
    attempt_write_unchanged(core, &changed);
}

void attempt_write_unchanged(struct core *core, const struct attempt_row *row)
{
    struct arena *arena = &core->out->arena;
    struct core_output *item = output_add(core, CORE_OUT_RECORD);
    item->record.kind = RECORD_ATTEMPT;
    item->record.attempt = *row;
    struct attempt_row *copy = &item->record.attempt;
    copy->agent_id = arena_string(arena, row->agent_id);
    copy->hostname = arena_string(arena, row->hostname);
    copy->ports = arena_string(arena, row->ports);
    copy->unique = arena_string(arena, row->unique);
    copy->message = arena_string(arena, row->message);
    copy->reason = arena_string(arena, row->reason);
    copy->mesos_id = arena_string(arena, row_text(row->mesos_id));
    copy->agent_url = arena_string(arena, row_text(row->agent_url));
    copy->pending_uuid = arena_string(arena, row_text(row->pending_uuid));
    copy->pending_before = arena_string(arena, row_text(row->pending_before));
    struct attempt_row applied = *copy;
    must_apply(attempt_apply(core, &applied, NULL));
}
