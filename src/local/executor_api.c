/* The executors' API of the agents: POST /slave(N)/api/v1/executor, and /api/v1/executor, which is that of
 * the agent that has the executor. In Mesos's words; a status is acknowledged to the executor when the agent
 * has it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "mesos/v1/executor/executor.pb-c.h"

#include "parts.h"
#include "run.h"

typedef Mesos__V1__Executor__Call ExecutorCall;

#define EXECUTOR_CALL(name) MESOS__V1__EXECUTOR__CALL__TYPE__##name

/* 0: not such a path; else the agent's number, or -1 for any. */
static int agent_of_path(const char *path)
{
    unsigned number = 0;
    int end = 0;
    if (strcmp(path, "/api/v1/executor") == 0)
        return -1;
    if (sscanf(path, "/slave(%6u)/api/v1/executor%n", &number, &end) != 1 || end == 0 || path[end] != '\0')
        return 0;
    return (int)number;
}

static struct executor *find(struct local *local, int number, const ExecutorCall *call)
{
    for (size_t i = 0; i < local->agent_count; i++) {
        if (number > 0 && (size_t)number != i + 1)
            continue;
        struct executor *executor =
                executor_find(local->agents[i], call->framework_id->value, call->executor_id->value);
        if (executor != NULL && executor->custom)
            return executor;
    }
    return NULL;
}

static int check_status(const ExecutorCall *call, const TaskStatus *status, struct error *err)
{
    const char *id = call->executor_id->value;
    if (!status->has_uuid)
        return error_set(err, ERR_INVALID, "Expecting 'uuid' to be present");
    if (status->uuid.len != 16)
        return error_set(err, ERR_INVALID, "Not a valid UUID");
    if (status->executor_id != NULL && strcmp(status->executor_id->value, id) != 0)
        return error_set(err, ERR_INVALID,
                "ExecutorID in Call: %.150s does not match ExecutorID in TaskStatus: %.150s", id,
                status->executor_id->value);
    if (!status->has_source || status->source != SOURCE(EXECUTOR))
        return error_set(err, ERR_INVALID,
                "Received Call from executor %.150s of framework %.150s with invalid source, expecting "
                "'SOURCE_EXECUTOR'",
                id, call->framework_id->value);
    if (status->state == TASK(STAGING))
        return error_set(err, ERR_INVALID,
                "Received TASK_STAGING from executor %.150s of framework %.150s which is not allowed", id,
                call->framework_id->value);
    return 0;
}

static int check_call(const ExecutorCall *call, struct error *err)
{
    const char *missing = !call->has_type                                                     ? "type"
                          : call->type == EXECUTOR_CALL(SUBSCRIBE) && call->subscribe == NULL ? "subscribe"
                          : call->type == EXECUTOR_CALL(UPDATE) && call->update == NULL       ? "update"
                          : call->type == EXECUTOR_CALL(MESSAGE) && call->message == NULL     ? "message"
                                                                                              : NULL;
    if (missing != NULL)
        return error_set(err, ERR_INVALID, "Expecting '%s' to be present", missing);
    return call->type == EXECUTOR_CALL(UPDATE) ? check_status(call, call->update->status, err) : 0;
}

/* Takes the status. One that the agent has already is acknowledged again, and that is all. */
static void take_status(struct executor *executor, TaskStatus *status)
{
    struct task *task = task_on_agent(executor->agent, executor->framework->id, status->task_id->value);
    char *id = alloc_string(status->task_id->value);
    uint8_t bytes[16];
    memcpy(bytes, status->uuid.data, sizeof(bytes));
    if (task != NULL && task->executor == executor && !update_is_known(task, bytes))
        task_reported(task, status);
    else
        mesos__v1__task_status__free_unpacked(status, NULL);
    send_executor_acknowledged(executor, id, (ProtobufCBinaryData){.len = sizeof(bytes), .data = bytes});
    free(id);
}

static void stream_closed(void *owner)
{
    ((struct executor *)owner)->stream = NULL;
}

static void subscribe(struct executor *executor, struct http_request *request, ExecutorCall *call)
{
    struct error err;
    bool json = api_accepts(request->accept, "application/json");
    if (!json && !api_accepts(request->accept, "application/x-protobuf")) {
        api_error(request, MHD_HTTP_NOT_ACCEPTABLE,
                "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'");
        return;
    }
    struct http_header headers[] = {
            {"Content-Type", json ? "application/json" : "application/x-protobuf"}, {NULL, NULL}};
    if (executor->stream != NULL)
        http_stream_end(executor->stream, false);
    executor->stream = http_stream_open(request, headers, stream_closed, executor);
    executor->encoding = json ? ENCODING_JSON : ENCODING_PROTOBUF;
    if (!executor->ending)
        loop_stop_timer(&executor->agent->local->loop, &executor->patience);
    send_executor_subscribed(executor);
    for (size_t i = 0; i < call->subscribe->n_unacknowledged_updates; i++) {
        Mesos__V1__Executor__Call__Update *update = call->subscribe->unacknowledged_updates[i];
        if (check_status(call, update->status, &err) != 0)
            continue;
        TaskStatus *status = update->status;
        update->status = NULL;
        take_status(executor, status);
    }
    if (executor->ending)
        send_executor_shutdown(executor);
    else
        executor_deliver(executor);
}

static void handle(struct local *local, int number, struct http_request *request, ExecutorCall *call)
{
    struct framework *framework = map_get_string(&local->frameworks, call->framework_id->value);
    struct executor *executor = find(local, number, call);
    if (call->type == EXECUTOR_CALL(HEARTBEAT)) {
        http_reply_empty(request, MHD_HTTP_ACCEPTED);
    } else if (executor == NULL) {
        api_error(request, MHD_HTTP_BAD_REQUEST,
                framework == NULL ? "Framework cannot be found" : "Executor cannot be found");
    } else if (call->type == EXECUTOR_CALL(SUBSCRIBE)) {
        subscribe(executor, request, call);
    } else if (executor->stream == NULL) {
        api_error(request, MHD_HTTP_FORBIDDEN, "Executor is not subscribed");
    } else if (call->type == EXECUTOR_CALL(UPDATE)) {
        TaskStatus *status = call->update->status;
        call->update->status = NULL;
        take_status(executor, status);
        http_reply_empty(request, MHD_HTTP_ACCEPTED);
    } else if (call->type == EXECUTOR_CALL(MESSAGE)) {
        if (executor->agent->state == AGENT_REGISTERED)
            send_message(executor->framework, executor->agent->id, executor->id, call->message->data);
        http_reply_empty(request, MHD_HTTP_ACCEPTED);
    } else {
        api_error(request, MHD_HTTP_NOT_IMPLEMENTED, "Unknown call");
    }
}

bool executor_api_handle(struct local *local, struct http_request *request)
{
    int number = agent_of_path(request->path);
    ProtobufCMessage *message = NULL;
    struct error err;
    char text[ERROR_TEXT_MAX + 64];
    if (number == 0)
        return false;
    if (!api_read(request, &mesos__v1__executor__call__descriptor, &message))
        return true;
    ExecutorCall *call = (ExecutorCall *)message;
    if (check_call(call, &err) != 0) {
        snprintf(text, sizeof(text), "Failed to validate Executor::Call: %s", err.text);
        api_error(request, MHD_HTTP_BAD_REQUEST, text);
    } else {
        handle(local, number, request, call);
    }
    protobuf_c_message_free_unpacked(message, NULL);
    return true;
}
