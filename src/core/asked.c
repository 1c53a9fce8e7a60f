/* Calls that a request asks for and that change nothing here: MESSAGE, SHUTDOWN, REQUEST,
 * RECONCILE_OPERATIONS. The reply waits for the master's answer to the call, so that OK means that the master
 * has it; what becomes of it behind the master nobody tells. Such a call is not on disk: when we end before
 * its answer, there is none. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define CALL(name) MESOS__V1__SCHEDULER__CALL__TYPE__##name
#define EXECUTOR_ID_MAX 255

/* ---- sending and answering ---- */

int asked_may(const struct core *core, struct error *err)
{
    if (core->subscription == 0)
        return error_set(err, ERR_UNAVAILABLE, "there is no subscription");
    if (core->asked_call_count == CORE_ASKED_MAX)
        return error_set(err, ERR_UNAVAILABLE, "%d such calls wait for the master's answer", CORE_ASKED_MAX);
    return 0;
}

/* The call is sent, and its answer is the reply's. */
Mesos__V1__Scheduler__Call *asked_send(
        struct core *core, const struct core_input *input, Mesos__V1__Scheduler__Call__Type type)
{
    struct core_call *out = output_call(core, type, true);
    const char *id = input->request.request->id;
    core->asked_calls[core->asked_call_count++] = (struct asked_call){.number = out->number,
            .token = input->request.token,
            .update = type == CALL(UPDATE_FRAMEWORK),
            .request_id = id ? alloc_string(id) : NULL};
    return out->call;
}

static void fill_reply(struct core *core, Zmesos__V1__Reply *reply, enum core_answer answer, const char *text)
{
    struct arena *arena = &core->out->arena;
    switch (answer) {
    case CORE_ACCEPTED:
        return;
    case CORE_REFUSED:
        reply->code = CODE(INVALID);
        reply->message = arena_format(arena, "the master refused it: %s", clean_words(core, text));
        break;
    case CORE_NOT_DONE:
        reply->code = CODE(UNAVAILABLE);
        reply->message = arena_format(arena, "it was not sent: %s", clean_words(core, text));
        break;
    case CORE_UNANSWERED:
        reply->code = CODE(UNAVAILABLE);
        reply->message = arena_format(
                arena, "it was sent, and the master did not answer: %s", clean_words(core, text));
        break;
    }
    reply->has_retry = true;
    reply->retry = answer == CORE_NOT_DONE; /* what may have been done is not done again by itself */
}

bool asked_answered(struct core *core, uint64_t call, enum core_answer answer, const char *text)
{
    size_t at = 0;
    while (at < core->asked_call_count && core->asked_calls[at].number != call)
        at++;
    if (at == core->asked_call_count)
        return false;
    struct asked_call asked = core->asked_calls[at];
    core->asked_calls[at] = core->asked_calls[--core->asked_call_count];
    if (asked.update)
        framework_updated(core, answer == CORE_ACCEPTED);
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    request.id = asked.request_id;
    Zmesos__V1__Reply *reply = reply_new(core, &request);
    fill_reply(core, reply, answer, text);
    reply_send(core, asked.token, reply, NULL);
    free(asked.request_id);
    return true;
}

void asked_clear(struct core *core)
{
    for (size_t i = 0; i < core->asked_call_count; i++)
        free(core->asked_calls[i].request_id);
    core->asked_call_count = 0;
}

/* ---- an executor ---- */

struct place {
    const char *executor_id, *agent_id;
};

static int refuse(struct error *err, int code, const char *name, const char *field, const char *words)
{
    char path[64];
    snprintf(path, sizeof path, "%s.executor%s", name, field);
    return error_set_field(err, code, path, "%s", words);
}

/* A command's executor has the attempt's own id. */
const char *task_executor_id(struct core *core, const struct task *task, const struct attempt *attempt)
{
    const struct demand *demand = task->shape->demand;
    if (task->task_group)
        return task_group_executor_id(&core->out->arena, task->task_group, attempt->number);
    return demand && demand->executor_id ? demand->executor_id
                                         : task_mesos_id(&core->out->arena, task, attempt->number);
}

static int find_by_task(struct core *core, const Zmesos__V1__Executor *executor, const char *name,
        struct place *place, struct error *err)
{
    const struct task *task = task_find(core, executor->task_id);
    if (executor->agent_id)
        return refuse(err, ERR_INVALID, name, ".agent_id", "the task says on which agent");
    if (!task)
        return refuse(err, ERR_NOT_FOUND, name, ".task_id", "no such task");
    const struct attempt *attempt = task_current(task);
    if (!attempt || !attempt->agent_id || !attempt_may_live(attempt))
        return refuse(err, ERR_UNAVAILABLE, name, ".task_id", "it runs nowhere now");
    place->agent_id = attempt->agent_id;
    if (!place->executor_id)
        place->executor_id = task_executor_id(core, task, attempt);
    return 0;
}

static int find_executor(struct core *core, const Zmesos__V1__Executor *executor, const char *name,
        struct place *place, struct error *err)
{
    if (!executor)
        return refuse(err, ERR_INVALID, name, "", "an executor is named");
    *place = (struct place){.executor_id = executor->executor_id, .agent_id = executor->agent_id};
    if (executor->executor_id && (!*executor->executor_id || strlen(executor->executor_id) > EXECUTOR_ID_MAX))
        return refuse(err, ERR_INVALID, name, ".executor_id", "an executor's id has 1 to 255 bytes");
    if (executor->task_id)
        return find_by_task(core, executor, name, place, err);
    if (!executor->executor_id)
        return refuse(err, ERR_INVALID, name, "", "a task is named, or an executor and its agent");
    if (!executor->agent_id || !*executor->agent_id)
        return refuse(err, ERR_INVALID, name, ".agent_id", "its agent is named, or a task");
    return 0;
}

static Mesos__V1__ExecutorID *executor_id(struct core *core, const char *value)
{
    Mesos__V1__ExecutorID *id = arena_alloc(&core->out->arena, sizeof *id);
    mesos__v1__executor_id__init(id);
    id->value = arena_string(&core->out->arena, value);
    return id;
}

static Mesos__V1__AgentID *agent_id(struct core *core, const char *value)
{
    Mesos__V1__AgentID *id = arena_alloc(&core->out->arena, sizeof *id);
    mesos__v1__agent_id__init(id);
    id->value = arena_string(&core->out->arena, value);
    return id;
}

void handle_shutdown_executor(struct core *core, const struct core_input *input)
{
    const Zmesos__V1__ShutdownExecutor *request = input->request.request->shutdown_executor;
    struct place place = {0};
    struct error err;
    int code = find_executor(core, request->executor, "shutdown_executor", &place, &err);
    code = code ? code : asked_may(core, &err);
    if (code) {
        reply_refuse(core, input, code, &err);
        return;
    }
    Mesos__V1__Scheduler__Call__Shutdown *shutdown = arena_alloc(&core->out->arena, sizeof *shutdown);
    mesos__v1__scheduler__call__shutdown__init(shutdown);
    shutdown->executor_id = executor_id(core, place.executor_id);
    shutdown->agent_id = agent_id(core, place.agent_id);
    asked_send(core, input, CALL(SHUTDOWN))->shutdown = shutdown;
}

void handle_send_message(struct core *core, const struct core_input *input)
{
    const Zmesos__V1__SendMessage *request = input->request.request->message;
    struct place place = {0};
    struct error err;
    int code = find_executor(core, request->executor, "message", &place, &err);
    if (code == 0 && !request->has_data)
        code = error_set_field(&err, ERR_INVALID, "message.data", "a message has data");
    if (code == 0 && request->data.len > CORE_MESSAGE_MAX)
        code = error_set_field(&err, ERR_TOO_LARGE, "message.data",
                "a message has at most %zu bytes, and this one has %zu", CORE_MESSAGE_MAX, request->data.len);
    code = code ? code : asked_may(core, &err);
    if (code) {
        reply_refuse(core, input, code, &err);
        return;
    }
    struct arena *arena = &core->out->arena;
    Mesos__V1__Scheduler__Call__Message *message = arena_alloc(arena, sizeof *message);
    mesos__v1__scheduler__call__message__init(message);
    message->executor_id = executor_id(core, place.executor_id);
    message->agent_id = agent_id(core, place.agent_id);
    message->data.len = request->data.len;
    message->data.data = arena_copy(arena, request->data.data, request->data.len);
    asked_send(core, input, CALL(MESSAGE))->message = message;
}

/* ---- resources and operations ---- */

void handle_request_resources(struct core *core, const struct core_input *input)
{
    const Zmesos__V1__RequestResources *request = input->request.request->request_resources;
    struct arena *arena = &core->out->arena;
    struct error err;
    int code = 0;
    if (request->n_requests == 0 || request->n_requests > CORE_ASKED_MAX)
        code = error_set_field(&err, request->n_requests ? ERR_TOO_LARGE : ERR_INVALID,
                "request_resources.requests", "there are 1 to %d of them", CORE_ASKED_MAX);
    code = code ? code : asked_may(core, &err);
    if (code) {
        reply_refuse(core, input, code, &err);
        return;
    }
    Mesos__V1__Scheduler__Call__Request *wish = arena_alloc(arena, sizeof *wish);
    mesos__v1__scheduler__call__request__init(wish);
    wish->requests = arena_array(arena, request->n_requests, sizeof *wish->requests);
    for (size_t i = 0; i < request->n_requests; i++)
        wish->requests[wish->n_requests++] = message_copy(arena, request->requests[i]);
    asked_send(core, input, CALL(REQUEST))->request = wish;
}

Mesos__V1__Scheduler__Call__ReconcileOperations__Operation *reconcile_operation(
        struct core *core, const char *mesos_id, const char *agent, const char *provider_id)
{
    struct arena *arena = &core->out->arena;
    Mesos__V1__Scheduler__Call__ReconcileOperations__Operation *to = arena_alloc(arena, sizeof *to);
    mesos__v1__scheduler__call__reconcile_operations__operation__init(to);
    to->operation_id = arena_alloc(arena, sizeof *to->operation_id);
    mesos__v1__operation_id__init(to->operation_id);
    to->operation_id->value = arena_string(arena, mesos_id);
    if (agent)
        to->agent_id = agent_id(core, agent);
    if (provider_id) {
        to->resource_provider_id = arena_alloc(arena, sizeof *to->resource_provider_id);
        mesos__v1__resource_provider_id__init(to->resource_provider_id);
        to->resource_provider_id->value = arena_string(arena, provider_id);
    }
    return to;
}

static int check_operations(const Zmesos__V1__ReconcileOperations *request, struct error *err)
{
    if (request->n_operations > CORE_ASKED_MAX)
        return error_set_field(err, ERR_TOO_LARGE, "reconcile_operations.operations",
                "there are at most %d of them", CORE_ASKED_MAX);
    for (size_t i = 0; i < request->n_operations; i++) {
        char field[80];
        snprintf(field, sizeof field, "reconcile_operations.operations[%zu].operation_id", i);
        if (!request->operations[i]->operation_id || !*request->operations[i]->operation_id)
            return error_set_field(err, ERR_INVALID, field, "an operation is named");
    }
    return 0;
}

void handle_reconcile_operations(struct core *core, const struct core_input *input)
{
    const Zmesos__V1__ReconcileOperations *request = input->request.request->reconcile_operations;
    struct arena *arena = &core->out->arena;
    struct error err;
    int code = check_operations(request, &err);
    code = code ? code : asked_may(core, &err);
    if (code) {
        reply_refuse(core, input, code, &err);
        return;
    }
    Mesos__V1__Scheduler__Call__ReconcileOperations *ask = arena_alloc(arena, sizeof *ask);
    mesos__v1__scheduler__call__reconcile_operations__init(ask);
    ask->operations = arena_array(arena, request->n_operations, sizeof *ask->operations);
    for (size_t i = 0; i < request->n_operations; i++) {
        const Zmesos__V1__ReconcileOperations__Operation *one = request->operations[i];
        ask->operations[ask->n_operations++] =
                reconcile_operation(core, one->operation_id, one->agent_id, one->resource_provider_id);
    }
    asked_send(core, input, CALL(RECONCILE_OPERATIONS))->reconcile_operations = ask;
}
