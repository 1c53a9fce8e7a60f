/* ACCEPT: written once, its answer told apart. While one is in flight its attempts and operations carry its
 * number. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static struct accept_call *remember(struct core *core, uint64_t number, const struct offer *offer,
        struct offer *const *members, size_t member_count)
{
    size_t tasks = offer->placement_count * sizeof(struct accept_task), names = 0;
    size_t operations = offer->operation_count * sizeof(int64_t);
    for (size_t i = 0; i < member_count; i++)
        names += strlen(members[i]->offer->id->value) + 1;
    struct accept_call *call = alloc_bytes(sizeof *call + tasks + operations + names);
    call->number = number;
    call->subscription = core->subscription;
    call->count = offer->placement_count;
    call->operations = (int64_t *)(call->tasks + call->count);
    call->operation_count = 0;
    call->offer_count = member_count;
    char *at = (char *)call->operations + operations;
    call->offer_ids = at;
    for (size_t i = 0; i < member_count; i++)
        at = stpcpy(at, members[i]->offer->id->value) + 1;
    if (core->call_count == core->call_capacity) {
        core->call_capacity = core->call_capacity ? core->call_capacity * 2 : 64;
        core->calls = alloc_resize(core->calls, core->call_capacity, sizeof *core->calls);
    }
    core->calls[core->call_count++] = call;
    return call;
}

/* Takes the ACCEPT of that number out of those in flight; NULL when it is none. */
static struct accept_call *recall(struct core *core, uint64_t number)
{
    for (size_t i = 0; i < core->call_count; i++) {
        struct accept_call *call = core->calls[i];
        if (call->number != number)
            continue;
        memmove(core->calls + i, core->calls + i + 1, (core->call_count - i - 1) * sizeof *core->calls);
        core->call_count--;
        return call;
    }
    return NULL;
}

/* What is left of the offer is given back without a filter: it is offered again at the next allocation, and
 * held a moment for more work. */
static Mesos__V1__Scheduler__Call__Accept *accept_of(
        struct core *core, struct offer *const *members, size_t count)
{
    struct arena *arena = &core->out->arena;
    Mesos__V1__Scheduler__Call__Accept *accept = arena_alloc(arena, sizeof *accept);
    mesos__v1__scheduler__call__accept__init(accept);
    accept->offer_ids = arena_array(arena, count, sizeof *accept->offer_ids);
    for (size_t i = 0; i < count; i++)
        accept->offer_ids[accept->n_offer_ids++] = message_copy(arena, members[i]->offer->id);
    accept->filters = arena_alloc(arena, sizeof *accept->filters);
    mesos__v1__filters__init(accept->filters);
    accept->filters->has_refuse_seconds = true;
    accept->filters->refuse_seconds = 0;
    return accept;
}

/* Before the launches, which may be of what they make. */
static void put_operations(
        struct core *core, const struct offer *offer, struct core_call *out, struct accept_call *call)
{
    out->operations = arena_array(&core->out->arena, offer->operation_count, sizeof *out->operations);
    for (const struct operation_placement *p = offer->operations; p; p = p->next) {
        struct operation *operation = p->operation;
        out->operations[out->operation_count++] = (struct core_operation){
                arena_string(&core->out->arena, operation->mesos_id), operation->spec};
        call->operations[call->operation_count++] = operation->key;
        operation->call = out->number;
    }
}

void accept_send(struct core *core, struct offer *offer, struct offer *const *members, size_t member_count)
{
    struct arena *arena = &core->out->arena;
    struct core_call *out = output_call(core, MESOS__V1__SCHEDULER__CALL__TYPE__ACCEPT, true);
    out->call->accept = accept_of(core, members, member_count);
    out->launches = arena_array(arena, offer->placement_count, sizeof *out->launches);
    out->launch_count = offer->placement_count;
    struct accept_call *call = remember(core, out->number, offer, members, member_count);
    put_operations(core, offer, out, call);
    size_t at = offer->placement_count;
    for (struct placement *p = offer->placements; p; p = p->next) {
        at--;
        out->launches[at] = p->launch;
        struct core_launch *launch = &out->launches[at];
        for (size_t i = 0; i < launch->resource_count; i++)
            launch->resources[i] = message_copy(arena, launch->resources[i]);
        for (size_t i = 0; i < launch->executor_resource_count; i++)
            launch->executor_resources[i] = message_copy(arena, launch->executor_resources[i]);
        call->tasks[at].key = p->task->key;
        call->tasks[at].attempt = p->task->attempt_count;
        task_current(p->task)->call = out->number;
    }
    for (size_t i = 0; i < member_count; i++)
        offer_drop(core, members[i]);
}

void handle_answer(struct core *core, uint64_t number, enum core_answer answer, const char *text)
{
    if (asked_answered(core, number, answer, text) || limits_answered(core, number, answer))
        return;
    struct accept_call *call = recall(core, number);
    /* The subscription is over, and its offers with it; that it is down comes later. */
    if (call && answer == CORE_NOT_DONE && call->subscription == core->subscription)
        offers_drop_all(core);
    for (size_t i = 0; call && i < call->count; i++) {
        struct task *task = task_by_key(core, call->tasks[i].key);
        struct attempt *attempt = task ? task_current(task) : NULL;
        if (!attempt || attempt->number != call->tasks[i].attempt)
            continue;
        attempt->call = 0;
        bool heard = attempt->state != STATE(LAUNCHING); /* an update overtook the answer */
        if (answer == CORE_NOT_DONE && !heard)
            attempt_never_ran(core, task, "the ACCEPT was not sent", "", true);
        else if (answer == CORE_REFUSED && !heard)
            attempt_move(core, task, STATE(ERROR), 0, clean_words(core, text), "");
    }
    for (size_t i = 0; call && i < call->operation_count; i++) {
        struct operation *operation = operation_by_key(core, call->operations[i]);
        if (operation)
            operation_answered(core, operation, number, answer, text);
    }
    /* What is wrong with the ACCEPT says nothing of its offer: that is still ours to answer. */
    if (call && answer == CORE_REFUSED && call->subscription == core->subscription) {
        const char *id = call->offer_ids;
        for (size_t i = 0; i < call->offer_count; i++, id += strlen(id) + 1)
            offer_give_back(core, id);
    }
    free(call);
}
