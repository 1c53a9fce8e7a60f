/* Packing. A specification is kept as the client sent it and read again when its task is placed. */
#include "encode.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/log.h"
#include "wire/canonical.h"
#include "wire/check.h"

struct blob *encode_message(const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = alloc_bytes(size);
    protobuf_c_message_pack(message, bytes);
    return blob_take(bytes, size);
}

static ProtobufCMessage *read_kept(const ProtobufCMessageDescriptor *type, struct slice bytes,
        const struct check_limits *limits, const char *what)
{
    ProtobufCMessage *message = NULL;
    struct error err;
    if (check_unpack(type, bytes, limits, &message, &err)) {
        log_error("daemon", "a kept %s cannot be read: %s", what, err.text);
        return NULL;
    }
    return message;
}

Zmesos__V1__TaskSpec *encode_read_spec(struct slice bytes)
{
    return (Zmesos__V1__TaskSpec *)read_kept(
            &zmesos__v1__task_spec__descriptor, bytes, &check_limits_kept, "specification");
}

Zmesos__V1__OperationSpec *encode_read_operation(struct slice bytes)
{
    return (Zmesos__V1__OperationSpec *)read_kept(
            &zmesos__v1__operation_spec__descriptor, bytes, &check_limits_kept, "operation");
}

/* The port numbers as the task reads them: PORT0, PORT1, ... and PORTS with commas. */
static Mesos__V1__Environment__Variable *variable(struct arena *arena, char *name, char *value)
{
    Mesos__V1__Environment__Variable *variable = arena_alloc(arena, sizeof *variable);
    mesos__v1__environment__variable__init(variable);
    variable->name = name;
    variable->value = value;
    return variable;
}

static void add_ports(struct arena *arena, Mesos__V1__CommandInfo *command, const struct core_launch *launch)
{
    if (launch->port_count == 0)
        return;
    Mesos__V1__Environment *environment = arena_alloc(arena, sizeof *environment);
    if (command->environment)
        *environment = *command->environment;
    else
        mesos__v1__environment__init(environment);
    size_t count = environment->n_variables;
    Mesos__V1__Environment__Variable **variables =
            arena_array(arena, count + launch->port_count + 1, sizeof(Mesos__V1__Environment__Variable *));
    for (size_t i = 0; i < count; i++)
        variables[i] = environment->variables[i];
    char *all = arena_string(arena, "");
    for (size_t i = 0; i < launch->port_count; i++) {
        all = arena_format(arena, "%s%s%u", all, i ? "," : "", launch->ports[i]);
        variables[count++] = variable(
                arena, arena_format(arena, "PORT%zu", i), arena_format(arena, "%u", launch->ports[i]));
    }
    variables[count++] = variable(arena, arena_string(arena, "PORTS"), all);
    environment->variables = variables;
    environment->n_variables = count;
    command->environment = environment;
}

static Mesos__V1__TaskInfo *task_info(
        struct arena *arena, const Zmesos__V1__TaskSpec *spec, const struct core_launch *launch)
{
    Mesos__V1__TaskInfo *info = arena_alloc(arena, sizeof *info);
    mesos__v1__task_info__init(info);
    info->name = spec->name ? spec->name : spec->id;
    info->task_id = arena_alloc(arena, sizeof *info->task_id);
    mesos__v1__task_id__init(info->task_id);
    info->task_id->value = arena_string(arena, launch->task_id);
    info->agent_id = arena_alloc(arena, sizeof *info->agent_id);
    mesos__v1__agent_id__init(info->agent_id);
    info->agent_id->value = arena_string(arena, launch->agent_id);
    info->resources = launch->resources;
    info->n_resources = launch->resource_count;
    if (spec->command) { /* an adopted task has none, and is not launched */
        info->command = arena_copy(arena, spec->command, sizeof *spec->command);
        add_ports(arena, info->command, launch);
    }
    info->executor = spec->executor;
    info->container = spec->container;
    info->health_check = spec->health_check;
    info->check = spec->check;
    info->kill_policy = spec->kill_policy;
    info->labels = spec->labels;
    info->discovery = spec->discovery;
    info->max_completion_time = spec->max_completion_time;
    info->has_data = spec->has_data;
    info->data = spec->data;
    info->limits = spec->limits;
    info->n_limits = spec->n_limits;
    return info;
}

/* zmesosd's own where the client named none: only its size is said. The master fills in nothing of it. */
static Mesos__V1__ExecutorInfo *group_executor(struct arena *arena, const struct core_call *call,
        const Zmesos__V1__TaskSpec *spec, const struct core_launch *first)
{
    Mesos__V1__ExecutorInfo *executor = arena_alloc(arena, sizeof *executor);
    if (spec->executor) {
        *executor = *spec->executor;
    } else {
        mesos__v1__executor_info__init(executor);
        executor->has_type = true;
        executor->type = MESOS__V1__EXECUTOR_INFO__TYPE__DEFAULT;
        executor->executor_id = arena_alloc(arena, sizeof *executor->executor_id);
        mesos__v1__executor_id__init(executor->executor_id);
        executor->executor_id->value = arena_string(arena, first->executor_id);
        executor->resources = first->executor_resources;
        executor->n_resources = first->executor_resource_count;
    }
    executor->framework_id = call->call->framework_id;
    return executor;
}

/* The tasks of a group follow one another. */
static Mesos__V1__Offer__Operation *group_operation(struct arena *arena, const struct core_call *call,
        Zmesos__V1__TaskSpec *const *specs, const struct core_launch *first)
{
    Mesos__V1__Offer__Operation *operation = arena_alloc(arena, sizeof *operation);
    Mesos__V1__Offer__Operation__LaunchGroup *launch = arena_alloc(arena, sizeof *launch);
    mesos__v1__offer__operation__init(operation);
    mesos__v1__offer__operation__launch_group__init(launch);
    operation->has_type = true;
    operation->type = MESOS__V1__OFFER__OPERATION__TYPE__LAUNCH_GROUP;
    operation->launch_group = launch;
    launch->executor = group_executor(arena, call, specs[0], first);
    launch->task_group = arena_alloc(arena, sizeof *launch->task_group);
    mesos__v1__task_group_info__init(launch->task_group);
    launch->task_group->tasks = arena_array(arena, first->group, sizeof(Mesos__V1__TaskInfo *));
    launch->task_group->n_tasks = first->group;
    for (size_t i = 0; i < first->group; i++) {
        launch->task_group->tasks[i] = task_info(arena, specs[i], &first[i]);
        launch->task_group->tasks[i]->executor = NULL; /* the group's */
    }
    return operation;
}

/* One task a LAUNCH operation: a bad one then fails alone (PROTOCOL "Launching"). */
static Mesos__V1__Offer__Operation *launch_operation(struct arena *arena, Mesos__V1__TaskInfo *info)
{
    Mesos__V1__Offer__Operation *operation = arena_alloc(arena, sizeof *operation);
    mesos__v1__offer__operation__init(operation);
    operation->has_type = true;
    operation->type = MESOS__V1__OFFER__OPERATION__TYPE__LAUNCH;
    operation->launch = arena_alloc(arena, sizeof *operation->launch);
    mesos__v1__offer__operation__launch__init(operation->launch);
    operation->launch->task_infos = arena_array(arena, 1, sizeof(Mesos__V1__TaskInfo *));
    operation->launch->task_infos[0] = info;
    operation->launch->n_task_infos = 1;
    return operation;
}

/* What was read for one message and goes when that is packed. */
struct readings {
    ProtobufCMessage **items;
    size_t count;
};

static void readings_clear(struct readings *readings)
{
    for (size_t i = 0; i < readings->count; i++)
        protobuf_c_message_free_unpacked(readings->items[i], NULL);
    free(readings->items);
}

/* Takes the message; false where it is NULL. */
static bool readings_add(struct readings *readings, ProtobufCMessage *message)
{
    if (!message)
        return false;
    readings->items = alloc_resize(readings->items, readings->count + 1, sizeof(ProtobufCMessage *));
    readings->items[readings->count++] = message;
    return true;
}

/* As it came, with the id that its status will have. */
static Mesos__V1__Offer__Operation *other_operation(
        struct arena *arena, const Zmesos__V1__OperationSpec *spec, const struct core_operation *from)
{
    Mesos__V1__Offer__Operation *operation = arena_copy(arena, spec->operation, sizeof *operation);
    operation->id = arena_alloc(arena, sizeof *operation->id);
    mesos__v1__operation_id__init(operation->id);
    operation->id->value = arena_string(arena, from->operation_id);
    return operation;
}

static bool add_operations(struct arena *arena, struct readings *readings, const struct core_call *call,
        Mesos__V1__Scheduler__Call__Accept *accept)
{
    for (size_t i = 0; i < call->operation_count; i++) {
        Zmesos__V1__OperationSpec *spec = encode_read_operation(blob_slice(call->operations[i].spec));
        if (!readings_add(readings, spec ? &spec->base : NULL))
            return false;
        accept->operations[accept->n_operations++] = other_operation(arena, spec, &call->operations[i]);
    }
    return true;
}

static bool add_launches(struct arena *arena, struct readings *readings, const struct core_call *call,
        Mesos__V1__Scheduler__Call__Accept *accept)
{
    Zmesos__V1__TaskSpec **specs = arena_array(arena, call->launch_count, sizeof(Zmesos__V1__TaskSpec *));
    for (size_t i = 0; i < call->launch_count; i++) {
        specs[i] = encode_read_spec(blob_slice(call->launches[i].spec));
        if (!readings_add(readings, specs[i] ? &specs[i]->base : NULL))
            return false;
    }
    for (size_t i = 0; i < call->launch_count;) {
        const struct core_launch *launch = &call->launches[i];
        accept->operations[accept->n_operations++] =
                launch->group ? group_operation(arena, call, specs + i, launch)
                              : launch_operation(arena, task_info(arena, specs[i], launch));
        i += launch->group ? launch->group : 1;
    }
    return true;
}

static struct blob *encode_accept(const struct core_call *call)
{
    struct arena arena;
    arena_init(&arena);
    struct readings readings = {0};
    Mesos__V1__Scheduler__Call__Accept *accept = call->call->accept;
    accept->operations = arena_array(
            &arena, call->operation_count + call->launch_count, sizeof(Mesos__V1__Offer__Operation *));
    accept->n_operations = 0;
    struct blob *blob = NULL;
    if (add_operations(&arena, &readings, call, accept) && add_launches(&arena, &readings, call, accept))
        blob = encode_message(&call->call->base);
    accept->operations = NULL;
    accept->n_operations = 0;
    readings_clear(&readings);
    arena_clear(&arena);
    return blob;
}

static struct blob *encode_kill(const struct core_call *call)
{
    ProtobufCMessage *policy = read_kept(&mesos__v1__kill_policy__descriptor, blob_slice(call->kill_policy),
            &check_limits_kept, "kill policy");
    if (!policy)
        return NULL;
    call->call->kill->kill_policy = (Mesos__V1__KillPolicy *)policy;
    struct blob *blob = encode_message(&call->call->base);
    call->call->kill->kill_policy = NULL;
    protobuf_c_message_free_unpacked(policy, NULL);
    return blob;
}

struct blob *encode_call(const struct core_call *call)
{
    if (call->launch_count + call->operation_count > 0)
        return encode_accept(call);
    if (call->kill_policy)
        return encode_kill(call);
    return encode_message(&call->call->base);
}

static bool add_task_specs(
        const struct core_reply *reply, Zmesos__V1__Task **tasks, size_t count, struct readings *readings)
{
    for (size_t i = 0; reply->specs && i < count; i++) {
        Zmesos__V1__TaskSpec *spec = encode_read_spec(blob_slice(reply->specs[i]));
        if (!readings_add(readings, spec ? &spec->base : NULL))
            return false;
        tasks[i]->spec = spec;
    }
    return true;
}

/* `status` is the Event that said what the operation made, or NULL. */
static bool add_converted(Zmesos__V1__Operation *operation, struct blob *status, struct readings *readings)
{
    if (!status)
        return true;
    ProtobufCMessage *message = read_kept(&mesos__v1__scheduler__event__descriptor, blob_slice(status),
            &check_limits_event, "operation's status");
    if (!readings_add(readings, message))
        return false;
    const Mesos__V1__Scheduler__Event *event = (const Mesos__V1__Scheduler__Event *)message;
    if (event->update_operation_status) {
        operation->converted_resources = event->update_operation_status->status->converted_resources;
        operation->n_converted_resources = event->update_operation_status->status->n_converted_resources;
    }
    return true;
}

static bool add_operation_parts(const struct core_reply *reply, struct readings *readings)
{
    const Zmesos__V1__Operations *list = reply->reply->operations;
    for (size_t i = 0; i < list->n_operations; i++) {
        if (reply->statuses && !add_converted(list->operations[i], reply->statuses[i], readings))
            return false;
        if (!reply->specs)
            continue;
        Zmesos__V1__OperationSpec *spec = encode_read_operation(blob_slice(reply->specs[i]));
        if (!readings_add(readings, spec ? &spec->base : NULL))
            return false;
        list->operations[i]->spec = spec;
    }
    return true;
}

struct blob *encode_reply(const struct core_reply *reply)
{
    struct readings readings = {0};
    bool whole = true;
    if (reply->reply->result_case == ZMESOS__V1__REPLY__RESULT_TASKS)
        whole = add_task_specs(reply, reply->reply->tasks->tasks, reply->reply->tasks->n_tasks, &readings);
    else if (reply->reply->result_case == ZMESOS__V1__REPLY__RESULT_SNAPSHOT)
        whole = add_task_specs(
                reply, reply->reply->snapshot->tasks, reply->reply->snapshot->n_tasks, &readings);
    else if (reply->reply->result_case == ZMESOS__V1__REPLY__RESULT_OPERATIONS)
        whole = add_operation_parts(reply, &readings);
    struct blob *blob = whole ? encode_message(&reply->reply->base) : NULL;
    readings_clear(&readings);
    return blob;
}

struct blob *encode_operation(const struct core_event *event)
{
    struct readings readings = {0};
    Zmesos__V1__Operation operation = *event->operation;
    struct blob *blob = NULL;
    if (add_converted(&operation, event->status_bytes, &readings))
        blob = encode_message(&operation.base);
    readings_clear(&readings);
    return blob;
}

/* Takes both. */
static bool same(ProtobufCMessage *left, ProtobufCMessage *right)
{
    bool same = false;
    if (left && right) {
        canonical_sort_maps(left);
        canonical_sort_maps(right);
        struct blob *x = encode_message(left), *y = encode_message(right);
        same = slice_equal(blob_slice(x), blob_slice(y));
        blob_unref(x);
        blob_unref(y);
    }
    protobuf_c_message_free_unpacked(left, NULL);
    protobuf_c_message_free_unpacked(right, NULL);
    return same;
}

bool encode_same_spec(struct slice a, struct slice b)
{
    return same((ProtobufCMessage *)encode_read_spec(a), (ProtobufCMessage *)encode_read_spec(b));
}

bool encode_same_operation(struct slice a, struct slice b)
{
    return same((ProtobufCMessage *)encode_read_operation(a), (ProtobufCMessage *)encode_read_operation(b));
}
