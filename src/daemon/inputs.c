/* What comes in, from the master and from clients, as inputs of the core. */
#include "internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "wire/check.h"

#define BAD_EVENT_PAUSE_MS 1000

#define REQUEST_LAUNCH 10 /* field numbers of zmesos.v1.Request, Launch, Operate and Kill */
#define REQUEST_KILL 11
#define REQUEST_OPERATE 21
#define LAUNCH_TASKS 1 /* and OPERATE_OPERATIONS */
#define KILL_POLICY 3

void daemon_input(struct daemon *daemon, const struct core_input *input)
{
    core_handle(daemon->core, input, daemon->now, &daemon->outputs);
    daemon_outputs(daemon);
}

/* ---- clients ---- */

/* The payload of the last field of that number, which the checks found well formed and single. */
static struct slice find_field(struct slice message, uint32_t number)
{
    struct field_cursor cursor = {.rest = message};
    struct field field;
    struct slice found = {0};
    while (field_next(&cursor, &field) == 1) {
        if (field.number == number)
            found = field.bytes;
    }
    return found;
}

static struct slice *find_specs(struct slice request, uint32_t operation, size_t count)
{
    struct slice *specs = alloc_zeroed(count, sizeof *specs);
    struct field_cursor cursor = {.rest = find_field(request, operation)};
    struct field field;
    size_t found = 0;
    while (found < count && field_next(&cursor, &field) == 1) {
        if (field.number == LAUNCH_TASKS)
            specs[found++] = field.bytes;
    }
    return specs;
}

struct slice *daemon_find_specs(struct slice bytes, const Zmesos__V1__Request *request)
{
    if (request->operation_case == ZMESOS__V1__REQUEST__OPERATION_LAUNCH)
        return find_specs(bytes, REQUEST_LAUNCH, request->launch->n_tasks);
    if (request->operation_case == ZMESOS__V1__REQUEST__OPERATION_OPERATE)
        return find_specs(bytes, REQUEST_OPERATE, request->operate->n_operations);
    return NULL;
}

void daemon_on_request(
        void *context, front_token token, const Zmesos__V1__Request *request, struct slice bytes)
{
    struct daemon *daemon = context;
    if (request->operation_case == ZMESOS__V1__REQUEST__OPERATION_BACKUP) {
        daemon_handle_backup(daemon, token, request);
        return;
    }
    if (request->operation_case == ZMESOS__V1__REQUEST__OPERATION_REPLAY) {
        daemon_handle_replay(daemon, token, request);
        return;
    }
    if (request->operation_case == ZMESOS__V1__REQUEST__OPERATION_TAIL) {
        daemon_handle_tail(daemon, token, request);
        return;
    }
    struct core_input input = {.kind = CORE_IN_REQUEST};
    input.request.token = token;
    input.request.request = request;
    struct slice *specs = daemon_find_specs(bytes, request);
    input.request.specs = specs;
    if (request->operation_case == ZMESOS__V1__REQUEST__OPERATION_KILL)
        input.request.kill_policy = find_field(find_field(bytes, REQUEST_KILL), KILL_POLICY);
    daemon_input(daemon, &input);
    free(specs);
}

/* ---- the master ---- */

/* From now on the master goes by this run's failover timeout. */
static void keep_failover(struct daemon *daemon)
{
    char number[24];
    snprintf(number, sizeof number, "%" PRId64,
            core_failover_ms(daemon->core, daemon->options->failover_timeout_ms));
    struct record record = {.kind = RECORD_META, .meta = {.name = META_FAILOVER_MS, .value = number}};
    store_add(daemon->store, &record);
}

void daemon_on_up(void *context, uint64_t subscription, const char *master)
{
    struct daemon *daemon = context;
    log_info("mesos", "subscribed at %s (subscription %" PRIu64 ")", master, subscription);
    daemon->up_ms = daemon->now.mono_ms;
    keep_failover(daemon);
    struct core_input input = {.kind = CORE_IN_UP, .up = {.subscription = subscription, .master = master}};
    daemon_input(daemon, &input);
}

static void check_subscribed(struct daemon *daemon, const Mesos__V1__Scheduler__Event__Subscribed *subscribed)
{
    if (subscribed->has_heartbeat_interval_seconds && subscribed->heartbeat_interval_seconds > 0 &&
            subscribed->heartbeat_interval_seconds < 86400)
        master_set_heartbeat(daemon->master, (int64_t)(subscribed->heartbeat_interval_seconds * 1000));
    if (strcmp(subscribed->framework_id->value, daemon->framework_id) != 0) {
        log_error("mesos", "the master calls this framework %s, we are %s: stopping",
                subscribed->framework_id->value, daemon->framework_id);
        daemon->exit_status = DAEMON_EXIT_REFUSED;
        daemon->stopping = true;
    }
}

void daemon_on_record(void *context, uint64_t subscription, struct blob *record)
{
    struct daemon *daemon = context;
    ProtobufCMessage *message = NULL;
    struct error err;
    if (check_unpack(&mesos__v1__scheduler__event__descriptor, blob_slice(record), &check_limits_event,
                &message, &err)) {
        log_error("mesos", "an event of subscription %" PRIu64 " cannot be read, subscribing again: %s%s%s",
                subscription, err.field, err.field[0] ? ": " : "", err.text);
        master_resubscribe(
                daemon->master, daemon->now.mono_ms, BAD_EVENT_PAUSE_MS, "an event cannot be read");
        blob_unref(record);
        return;
    }
    const Mesos__V1__Scheduler__Event *event = (const Mesos__V1__Scheduler__Event *)message;
    if (event->subscribed)
        check_subscribed(daemon, event->subscribed);
    struct core_input input = {.kind = CORE_IN_EVENT, .event = {.event = event, .bytes = record}};
    daemon_input(daemon, &input);
    protobuf_c_message_free_unpacked(message, NULL);
    blob_unref(record);
}

void daemon_on_down(void *context, uint64_t subscription, enum master_down why, const char *text)
{
    struct daemon *daemon = context;
    daemon_log_down(daemon, subscription, why, text);
    struct core_input input = {
            .kind = CORE_IN_DOWN, .down = {.refused = why != MASTER_DOWN_LOST, .text = text}};
    daemon_input(daemon, &input);
    if (why == MASTER_DOWN_UNAUTHORIZED)
        daemon_read_secret(daemon);
    if (why == MASTER_DOWN_ERROR)
        daemon_judge_error(daemon, text);
}

void daemon_on_answered(void *context, uint64_t call, enum master_answer answer, const char *text)
{
    static const enum core_answer answers[] = {[MASTER_ACCEPTED] = CORE_ACCEPTED,
            [MASTER_REFUSED] = CORE_REFUSED,
            [MASTER_NOT_DONE] = CORE_NOT_DONE,
            [MASTER_UNANSWERED] = CORE_UNANSWERED};
    struct daemon *daemon = context;
    if (answer == MASTER_REFUSED)
        log_warn("mesos", "the master refused a call: %s", text);
    struct core_input input = {
            .kind = CORE_IN_ANSWER, .answer = {.call = call, .answer = answers[answer], .text = text}};
    daemon_input(daemon, &input);
}
