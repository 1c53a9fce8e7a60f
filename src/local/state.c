/* GET /local/state: what tests look at. Counts of calls and events since the start, the last calls in order,
 * and what the master and the agents know. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/decimal.h"
#include "wire/json.h"

#include "parts.h"

#define CALLS_KEPT 10000
#define JSON_KEPT ((size_t)32 << 20) /* bytes of the calls kept whole; the oldest go first */
#define TYPES 32

/* One call as it came. */
struct call_record {
    uint64_t number; /* from 1 */
    int type;
    unsigned status; /* 0: not answered */
    char *framework;
    char *subject; /* the task, the first offer, the roles */
    char *json;    /* the whole call; NULL for ACKNOWLEDGE and an ACCEPT that launches, of which there are too
                    * many, SUBSCRIBE, whose info the framework has taken, and what is past JSON_KEPT */
};

struct state_log {
    uint64_t calls[TYPES];
    uint64_t events[TYPES];
    uint64_t next;  /* the number of the next call, less one */
    uint64_t whole; /* likewise, of the oldest that may still have its json */
    size_t json_bytes;
    struct call_record ring[CALLS_KEPT];
};

struct state_log *state_log_create(void)
{
    return alloc_zeroed(1, sizeof(struct state_log));
}

void state_log_destroy(struct state_log *log)
{
    for (size_t i = 0; log != NULL && i < CALLS_KEPT; i++) {
        free(log->ring[i].framework);
        free(log->ring[i].subject);
        free(log->ring[i].json);
    }
    free(log);
}

static const char *first_task(const Mesos__V1__Scheduler__Call__Accept *accept)
{
    for (size_t i = 0; i < accept->n_operations; i++) {
        const Operation *operation = accept->operations[i];
        if (operation->launch != NULL && operation->launch->n_task_infos > 0 &&
                operation->launch->task_infos[0] != NULL)
            return operation->launch->task_infos[0]->task_id->value;
    }
    return accept->n_offer_ids > 0 ? accept->offer_ids[0]->value : NULL;
}

static const char *subject_of(const Call *call)
{
    switch (call->type) {
    case CALL(ACCEPT):
        return call->accept == NULL ? NULL : first_task(call->accept);
    case CALL(DECLINE):
        return call->decline == NULL || call->decline->n_offer_ids == 0 ? NULL
                                                                        : call->decline->offer_ids[0]->value;
    case CALL(KILL):
        return call->kill == NULL ? NULL : call->kill->task_id->value;
    case CALL(ACKNOWLEDGE):
        return call->acknowledge == NULL ? NULL : call->acknowledge->task_id->value;
    case CALL(RECONCILE):
        return call->reconcile == NULL || call->reconcile->n_tasks == 0
                       ? NULL
                       : call->reconcile->tasks[0]->task_id->value;
    default:
        return NULL;
    }
}

/* NULL where it cannot be written. */
static char *write_message(const ProtobufCMessage *message)
{
    struct buf text;
    struct error err;
    buf_init(&text, 0);
    if (json_write(message, &text, &err) != 0 || buf_append(&text, "", 1) != 0)
        buf_clear(&text);
    return (char *)text.data;
}

static bool launches(const Mesos__V1__Scheduler__Call__Accept *accept)
{
    for (size_t i = 0; accept && i < accept->n_operations; i++) {
        int type = (int)accept->operations[i]->type;
        if (type == OPERATION(LAUNCH) || type == OPERATION(LAUNCH_GROUP))
            return true;
    }
    return false;
}

static char *write_call(const Call *call)
{
    if ((call->type == CALL(ACCEPT) && launches(call->accept)) || call->type == CALL(ACKNOWLEDGE) ||
            call->type == CALL(SUBSCRIBE))
        return NULL;
    return write_message(&call->base);
}

static json_t *json_or_null(const char *text)
{
    json_t *value = text == NULL ? NULL : json_loads(text, 0, NULL);
    return value == NULL ? json_null() : value;
}

static void forget_json(struct state_log *log, struct call_record *record)
{
    log->json_bytes -= record->json == NULL ? 0 : strlen(record->json);
    free(record->json);
    record->json = NULL;
}

void state_log_call(struct local *local, const Call *call, unsigned status)
{
    struct state_log *log = local->calls;
    if (!call->has_type)
        return;
    if ((unsigned)call->type < TYPES)
        log->calls[call->type]++;
    struct call_record *record = &log->ring[log->next % CALLS_KEPT];
    free(record->framework);
    free(record->subject);
    forget_json(log, record);
    *record = (struct call_record){
            .number = ++log->next,
            .type = (int)call->type,
            .status = status,
            .framework = call->framework_id == NULL ? NULL : alloc_string(call->framework_id->value),
            .subject = alloc_string(subject_of(call)),
            .json = write_call(call),
    };
    log->json_bytes += record->json == NULL ? 0 : strlen(record->json);
    if (log->next - log->whole > CALLS_KEPT)
        log->whole = log->next - CALLS_KEPT;
    for (; log->json_bytes > JSON_KEPT; log->whole++)
        forget_json(log, &log->ring[log->whole % CALLS_KEPT]);
}

void state_log_event(struct local *local, int type)
{
    if ((unsigned)type < TYPES)
        local->calls->events[type]++;
}

static json_t *text_or_null(const char *text)
{
    return text == NULL ? json_null() : json_string(text);
}

static json_t *write_counts(const uint64_t counts[TYPES], const ProtobufCEnumDescriptor *names)
{
    json_t *object = json_object();
    for (unsigned i = 0; i < TYPES; i++) {
        const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(names, (int)i);
        if (counts[i] > 0 && value != NULL)
            json_object_set_new(object, value->name, json_integer((json_int_t)counts[i]));
    }
    return object;
}

static json_t *write_calls(const struct state_log *log, uint64_t count)
{
    json_t *array = json_array();
    uint64_t first = log->next > count ? log->next - count : 0;
    for (uint64_t i = first; i < log->next; i++) {
        const struct call_record *record = &log->ring[i % CALLS_KEPT];
        json_array_append_new(
                array, json_pack("{s:I,s:s,s:I,s:o,s:o,s:o}", "number", (json_int_t)record->number, "type",
                               call_type_name((CallType)record->type), "status", (json_int_t)record->status,
                               "framework", text_or_null(record->framework), "subject",
                               text_or_null(record->subject), "call", json_or_null(record->json)));
    }
    return array;
}

static const char *framework_state_name(enum framework_state state)
{
    static const char *const names[] = {"subscribed", "disconnected", "recovered", "forgotten", "removed"};
    return names[state];
}

static json_t *write_frameworks(struct local *local)
{
    json_t *array = json_array();
    struct framework *framework;
    size_t at = 0;
    while ((framework = map_next(&local->frameworks, &at)) != NULL) {
        json_t *roles = json_array();
        json_t *offers = json_array();
        char *info = write_message(&framework->info->base);
        char *constraints =
                framework->constraints == NULL ? NULL : write_message(&framework->constraints->base);
        for (size_t i = 0; i < framework->role_count; i++)
            json_array_append_new(roles, json_pack("{s:s,s:b}", "name", framework->roles[i]->name,
                                                 "suppressed", (int)framework->roles[i]->suppressed));
        for (struct list_link *link = list_first(&framework->offers); link != NULL;
                link = list_next(&framework->offers, link))
            json_array_append_new(offers, json_string(list_item(link, struct offer, in_framework)->id));
        json_array_append_new(
                array, json_pack("{s:s,s:s,s:s,s:s,s:o,s:o,s:I,s:o,s:o}", "id", framework->id, "name",
                               framework->info->name, "state", framework_state_name(framework->state),
                               "stream_id", framework->stream_id, "roles", roles, "offers", offers, "tasks",
                               (json_int_t)framework->tasks.count, "framework_info", json_or_null(info),
                               "offer_constraints", json_or_null(constraints)));
        free(info);
        free(constraints);
    }
    return array;
}

static const char *task_state_name(TaskState state)
{
    const ProtobufCEnumValue *value =
            protobuf_c_enum_descriptor_get_value(&mesos__v1__task_state__descriptor, (int)state);
    return value == NULL ? "?" : value->name;
}

static json_t *write_resources(const struct resources *resources)
{
    struct buf text;
    buf_init(&text, 0);
    resources_format(resources, NULL, &text);
    json_t *string = json_stringn((const char *)text.data, text.length);
    buf_clear(&text);
    return string == NULL ? json_string("") : string;
}

static void write_operations(const struct agent *agent, json_t *operations)
{
    for (struct list_link *link = list_first(&agent->operations); link != NULL;
            link = list_next(&agent->operations, link)) {
        const struct operation *operation = list_item(link, struct operation, link);
        const ProtobufCEnumValue *state = protobuf_c_enum_descriptor_get_value(
                &mesos__v1__operation_state__descriptor, (int)operation->state);
        json_array_append_new(
                operations, json_pack("{s:s,s:s,s:s,s:s,s:b}", "id", operation->id, "framework",
                                    operation->framework->id, "agent", agent->id, "state",
                                    state == NULL ? "?" : state->name, "known", (int)operation->known));
    }
}

static void write_agent(const struct agent *agent, json_t *agents, json_t *tasks)
{
    struct task *task;
    size_t at = 0;
    while ((task = map_next(&agent->tasks, &at)) != NULL)
        json_array_append_new(tasks,
                json_pack("{s:s,s:s,s:s,s:s,s:s,s:b,s:I,s:I}", "id", task->id, "framework",
                        task->framework->id, "agent", agent->id, "state", task_state_name(task->state),
                        "master_state", task_state_name(task->master_state), "known", (int)task->known, "pid",
                        (json_int_t)task->pid, "unacknowledged", (json_int_t)task->updates.count));
    json_array_append_new(
            agents, json_pack("{s:s,s:s,s:s,s:o,s:o,s:I}", "id", agent->id, "hostname", agent->hostname,
                            "state", agent_state_name(agent->state), "total", write_resources(&agent->total),
                            "free", write_resources(&agent->free), "tasks", (json_int_t)agent->tasks.count));
}

/* `calls=N` in the query: the last N of them alone. */
static uint64_t calls_wanted(const struct http_request *request)
{
    int64_t count = CALLS_KEPT;
    const char *text = request->connection == NULL ? NULL
                                                   : MHD_lookup_connection_value(request->connection,
                                                             MHD_GET_ARGUMENT_KIND, "calls");
    if (text == NULL || integer_parse(text, 0, CALLS_KEPT, &count) != 0)
        count = CALLS_KEPT;
    return (uint64_t)count;
}

void handle_state(struct local *local, struct http_request *request)
{
    json_t *agents = json_array();
    json_t *tasks = json_array();
    json_t *operations = json_array();
    for (size_t i = 0; i < local->agent_count; i++) {
        write_agent(local->agents[i], agents, tasks);
        write_operations(local->agents[i], operations);
    }
    json_t *state = json_pack("{s:s,s:s,s:o,s:o,s:o,s:o,s:{s:o,s:o},s:I,s:o}", "master", local->master_id,
            "work_dir", local->work_dir, "frameworks", write_frameworks(local), "agents", agents, "tasks",
            tasks, "operations", operations, "counts", "calls",
            write_counts(local->calls->calls, &mesos__v1__scheduler__call__type__descriptor), "events",
            write_counts(local->calls->events, &mesos__v1__scheduler__event__type__descriptor), "held",
            (json_int_t)faults_held(local), "calls", write_calls(local->calls, calls_wanted(request)));
    char *text = state == NULL ? NULL : json_dumps(state, JSON_COMPACT);
    if (text == NULL)
        api_error(request, MHD_HTTP_INTERNAL_SERVER_ERROR, "The state is no text");
    else
        http_reply(request, MHD_HTTP_OK, "application/json", text, strlen(text), NULL);
    free(text);
    json_decref(state);
}
