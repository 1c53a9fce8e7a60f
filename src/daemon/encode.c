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

Zmesos__V1__TaskSpec *encode_read_spec(struct slice bytes)
{
    ProtobufCMessage *message = NULL;
    struct error err;
    if (check_unpack(&zmesos__v1__task_spec__descriptor, bytes, &check_limits_kept, &message, &err)) {
        log_error("daemon", "a kept specification cannot be read: %s", err.text);
        return NULL;
    }
    return (Zmesos__V1__TaskSpec *)message;
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

static struct blob *encode_accept(const struct core_call *call)
{
    struct arena arena;
    arena_init(&arena);
    Zmesos__V1__TaskSpec **specs = arena_array(&arena, call->launch_count, sizeof(Zmesos__V1__TaskSpec *));
    Mesos__V1__Scheduler__Call__Accept *accept = call->call->accept;
    accept->operations = arena_array(&arena, call->launch_count, sizeof(Mesos__V1__Offer__Operation *));
    accept->n_operations = 0;
    struct blob *blob = NULL;
    size_t read = 0;
    for (; read < call->launch_count; read++) {
        specs[read] = encode_read_spec(blob_slice(call->launches[read].spec));
        if (!specs[read])
            goto out;
        accept->operations[accept->n_operations++] =
                launch_operation(&arena, task_info(&arena, specs[read], &call->launches[read]));
    }
    blob = encode_message(&call->call->base);
out:
    for (size_t i = 0; i < read; i++)
        zmesos__v1__task_spec__free_unpacked(specs[i], NULL);
    accept->operations = NULL;
    accept->n_operations = 0;
    arena_clear(&arena);
    return blob;
}

static struct blob *encode_kill(const struct core_call *call)
{
    ProtobufCMessage *policy = NULL;
    struct error err;
    if (check_unpack(&mesos__v1__kill_policy__descriptor, blob_slice(call->kill_policy), &check_limits_kept,
                &policy, &err)) {
        log_error("daemon", "a kept kill policy cannot be read: %s", err.text);
        return NULL;
    }
    call->call->kill->kill_policy = (Mesos__V1__KillPolicy *)policy;
    struct blob *blob = encode_message(&call->call->base);
    call->call->kill->kill_policy = NULL;
    protobuf_c_message_free_unpacked(policy, NULL);
    return blob;
}

struct blob *encode_call(const struct core_call *call)
{
    if (call->launch_count > 0)
        return encode_accept(call);
    if (call->kill_policy)
        return encode_kill(call);
    return encode_message(&call->call->base);
}

struct blob *encode_reply(const struct core_reply *reply)
{
    Zmesos__V1__Task **tasks = NULL;
    size_t count = 0, read = 0;
    if (reply->reply->result_case == ZMESOS__V1__REPLY__RESULT_TASKS) {
        tasks = reply->reply->tasks->tasks;
        count = reply->reply->tasks->n_tasks;
    } else if (reply->reply->result_case == ZMESOS__V1__REPLY__RESULT_SNAPSHOT) {
        tasks = reply->reply->snapshot->tasks;
        count = reply->reply->snapshot->n_tasks;
    }
    struct blob *blob = NULL;
    for (; reply->specs && read < count; read++) {
        tasks[read]->spec = encode_read_spec(blob_slice(reply->specs[read]));
        if (!tasks[read]->spec)
            goto out;
    }
    blob = encode_message(&reply->reply->base);
out:
    for (size_t i = 0; i < read; i++)
        zmesos__v1__task_spec__free_unpacked(tasks[i]->spec, NULL);
    return blob;
}

bool encode_same_spec(struct slice a, struct slice b)
{
    Zmesos__V1__TaskSpec *left = encode_read_spec(a), *right = encode_read_spec(b);
    bool same = false;
    if (left && right) {
        canonical_sort_maps(&left->base);
        canonical_sort_maps(&right->base);
        struct blob *x = encode_message(&left->base), *y = encode_message(&right->base);
        same = slice_equal(blob_slice(x), blob_slice(y));
        blob_unref(x);
        blob_unref(y);
    }
    zmesos__v1__task_spec__free_unpacked(left, NULL);
    zmesos__v1__task_spec__free_unpacked(right, NULL);
    return same;
}
