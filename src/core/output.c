/* Building outputs. Numbers of events are given here and nowhere else. */
#include "internal.h"

#include <stdlib.h>

#include "base/alloc.h"

void core_outputs_init(struct core_outputs *outputs)
{
    *outputs = (struct core_outputs){0};
    arena_init(&outputs->arena);
}

void core_outputs_reset(struct core_outputs *outputs)
{
    outputs->count = 0;
    arena_reset(&outputs->arena);
}

void core_outputs_clear(struct core_outputs *outputs)
{
    free(outputs->items);
    arena_clear(&outputs->arena);
    core_outputs_init(outputs);
}

struct core_output *output_add(struct core *core, enum core_output_kind kind)
{
    struct core_outputs *out = core->out;
    if (out->count == out->capacity) {
        out->capacity = out->capacity ? out->capacity * 2 : 64;
        out->items = alloc_resize(out->items, out->capacity, sizeof *out->items);
    }
    struct core_output *item = &out->items[out->count++];
    *item = (struct core_output){.kind = kind};
    return item;
}

void output_meta(struct core *core, const char *name, const char *value)
{
    struct core_output *item = output_add(core, CORE_OUT_RECORD);
    item->record.kind = RECORD_META;
    item->record.meta = (struct meta_row){.name = name, .value = value};
}

void output_meta_number(struct core *core, const char *name, int64_t number)
{
    output_meta(core, name, arena_format(&core->out->arena, "%lld", (long long)number));
}

static struct core_event *event_add(struct core *core, Zmesos__V1__EventClass class, const char *topic)
{
    struct core_event *event = &output_add(core, CORE_OUT_EVENT)->event;
    event->class = class;
    event->journaled = class < CLASS(OFFERS);
    event->number = ++core->numbers[class];
    event->topic = topic;
    return event;
}

void output_event(struct core *core, Zmesos__V1__EventClass class, uint64_t revision, const char *topic,
        struct blob *bytes)
{
    struct core_event *event = event_add(core, class, topic);
    event->revision = revision;
    event->bytes = bytes;
}

void output_task_event(struct core *core, const struct task *task)
{
    struct arena *arena = &core->out->arena;
    const char *state = enum_name(&zmesos__v1__task_state__descriptor, task->state);
    struct core_event *event =
            event_add(core, CLASS(TASK), arena_format(arena, "task/%s/%s", task->id, state));
    event->revision = task->revision;
    event->task = view_task(core, task, false);
}

void output_status_event(struct core *core, const char *topic)
{
    struct core_event *event = event_add(core, CLASS(DAEMON), topic);
    event->status = view_status(core);
}

void output_why_event(struct core *core, const Zmesos__V1__Explanation *explanation)
{
    struct core_event *event = event_add(
            core, CLASS(WHY), arena_format(&core->out->arena, "zmesos/WHY/%s", explanation->task_id));
    event->explanation = explanation;
}

void output_lease_event(struct core *core, const Zmesos__V1__LeaseChange *change)
{
    struct core_event *event = event_add(
            core, CLASS(LEASE), arena_format(&core->out->arena, "zmesos/LEASE/%s", change->lease_id));
    event->lease = change;
}

void output_orphan_event(struct core *core, const Zmesos__V1__Orphan *orphan)
{
    struct core_event *event = event_add(
            core, CLASS(ORPHAN), arena_format(&core->out->arena, "zmesos/ORPHAN/%s", orphan->mesos_task_id));
    event->orphan = orphan;
}

void output_unconfirmed_event(struct core *core, const Zmesos__V1__UnconfirmedUpdate *update)
{
    const char *topic =
            arena_format(&core->out->arena, "zmesos/UNCONFIRMED/%s/%u", update->task_id, update->attempt);
    event_add(core, CLASS(UNCONFIRMED), topic)->unconfirmed = update;
}

void output_operation_event(struct core *core, const struct operation *operation)
{
    struct arena *arena = &core->out->arena;
    const char *state = enum_name(&zmesos__v1__operation__state__descriptor, operation->state);
    struct core_event *event =
            event_add(core, CLASS(OPERATION), arena_format(arena, "operation/%s/%s", operation->id, state));
    event->revision = operation->revision;
    event->operation = operation_view(core, operation);
    event->status_bytes = operation->status;
}

struct core_call *output_call(struct core *core, Mesos__V1__Scheduler__Call__Type type, bool ordered)
{
    Mesos__V1__Scheduler__Call *call = arena_alloc(&core->out->arena, sizeof *call);
    mesos__v1__scheduler__call__init(call);
    call->framework_id = &core->framework_id;
    call->has_type = true;
    call->type = type;
    struct core_call *out = &output_add(core, CORE_OUT_CALL)->call;
    out->number = ++core->next_call;
    out->subscription = core->subscription;
    out->ordered = ordered;
    out->call = call;
    return out;
}
