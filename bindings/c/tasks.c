/* The plain things, on top of zmesos_call(): one task, one request. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "internal.h"

#define SAME(name)                                                                                           \
    _Static_assert((int)ZMESOS_##name == (int)ZMESOS__V1__TASK_STATE__##name, "one number for both")
SAME(QUEUED);
SAME(LAUNCHING);
SAME(STAGING);
SAME(STARTING);
SAME(RUNNING);
SAME(KILLING);
SAME(UNREACHABLE);
SAME(UNKNOWN);
SAME(FINISHED);
SAME(FAILED);
SAME(KILLED);
SAME(ERROR);
SAME(GONE);
SAME(LOST);

bool zmesos_is_over(enum zmesos_state state)
{
    return state >= ZMESOS_FINISHED;
}

const char *zmesos_state_name(enum zmesos_state state)
{
    const ProtobufCEnumValue *value =
            protobuf_c_enum_descriptor_get_value(&zmesos__v1__task_state__descriptor, (int)state);

    return value ? value->name : "";
}

/* Cut where it is too long, at a character's end. */
static void copy_text(char *to, size_t size, const char *from)
{
    size_t length = from ? strlen(from) : 0;

    if (length >= size) {
        length = size - 1;
        while (length > 0 && ((unsigned char)from[length] & 0xc0) == 0x80)
            length--;
    }
    memcpy(to, from ? from : "", length);
    to[length] = '\0';
}

void task_copy(const Zmesos__V1__Task *from, struct zmesos_task *to)
{
    copy_text(to->id, sizeof to->id, from->id);
    to->state = (enum zmesos_state)from->state;
    to->revision = from->revision;
    copy_text(to->message, sizeof to->message, from->message);
}

static int code_of(Zmesos__V1__Code code)
{
    switch (code) {
    case ZMESOS__V1__CODE__OK:
        return ZMESOS_OK;
    case ZMESOS__V1__CODE__MALFORMED:
        return ZMESOS_MALFORMED;
    case ZMESOS__V1__CODE__TOO_LARGE:
        return ZMESOS_TOO_LARGE;
    case ZMESOS__V1__CODE__NOT_FOUND:
        return ZMESOS_NOT_FOUND;
    case ZMESOS__V1__CODE__CONFLICT:
        return ZMESOS_CONFLICT;
    case ZMESOS__V1__CODE__UNAVAILABLE:
        return ZMESOS_UNAVAILABLE;
    default:
        return ZMESOS_INVALID;
    }
}

static int refused(struct zmesos_error *error, Zmesos__V1__Code code, const char *message, const char *field)
{
    if (error) {
        copy_text(error->text, sizeof error->text, message ? message : "zmesosd does not say why");
        copy_text(error->field, sizeof error->field, field);
    }
    return code_of(code);
}

/* Sends it and waits. 0 with a reply of that kind, which the caller frees. */
static int ask(struct zmesos_client *client, Zmesos__V1__Request *request, Zmesos__V1__Reply__ResultCase kind,
        Zmesos__V1__Reply **out, struct zmesos_error *error)
{
    const void *bytes = NULL;
    size_t length = 0, size;
    Zmesos__V1__Reply *reply;
    struct error err;
    uint8_t *packed;
    int rc;

    request->has_version = 1;
    request->version = 1;
    size = zmesos__v1__request__get_packed_size(request);
    packed = alloc_bytes(size + 1);
    zmesos__v1__request__pack(request, packed);
    rc = zmesos_call(client, packed, size, &bytes, &length, error);
    free(packed);
    if (rc < 0)
        return rc;
    reply = (Zmesos__V1__Reply *)unpack(&zmesos__v1__reply__descriptor, slice_of(bytes, length), &err);
    if (!reply)
        return fail_with(error, ZMESOS_MALFORMED, "the answer is none of zmesosd's: %s", err.text);
    if (reply->result_case == kind) {
        *out = reply;
        return 0;
    }
    rc = reply->has_code && reply->code != ZMESOS__V1__CODE__OK
                 ? refused(error, reply->code, reply->message, reply->field)
                 : fail_with(error, ZMESOS_MALFORMED, "the answer is one to something else");
    zmesos__v1__reply__free_unpacked(reply, NULL);
    return rc;
}

/* For a request about one task: what became of it. */
static int ask_item(struct zmesos_client *client, Zmesos__V1__Request *request, struct zmesos_error *error)
{
    Zmesos__V1__Reply *reply;
    int rc = ask(client, request, ZMESOS__V1__REPLY__RESULT_ITEMS, &reply, error);

    if (rc < 0)
        return rc;
    if (reply->items->n_items != 1 || !reply->items->items[0]->has_code)
        rc = fail_with(error, ZMESOS_MALFORMED, "the answer does not say what became of the one task");
    else if (reply->items->items[0]->code != ZMESOS__V1__CODE__OK)
        rc = refused(error, reply->items->items[0]->code, reply->items->items[0]->message,
                reply->items->items[0]->field);
    zmesos__v1__reply__free_unpacked(reply, NULL);
    return rc;
}

int zmesos_launch(struct zmesos_client *client, const char *id, const char *command, double cpus, double mem,
        struct zmesos_error *error)
{
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__Launch launch = ZMESOS__V1__LAUNCH__INIT;
    Zmesos__V1__TaskSpec spec = ZMESOS__V1__TASK_SPEC__INIT, *specs[] = {&spec};
    Mesos__V1__CommandInfo info = MESOS__V1__COMMAND_INFO__INIT;

    info.value = (char *)(uintptr_t)command;
    spec.id = (char *)(uintptr_t)id;
    spec.command = &info;
    spec.has_cpus = spec.has_mem = 1;
    spec.cpus = cpus;
    spec.mem = mem;
    launch.n_tasks = 1;
    launch.tasks = specs;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_LAUNCH;
    request.launch = &launch;
    return ask_item(client, &request, error);
}

int zmesos_kill(struct zmesos_client *client, const char *id, struct zmesos_error *error)
{
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__Kill kill = ZMESOS__V1__KILL__INIT;
    char *ids[] = {(char *)(uintptr_t)id};

    kill.n_task_ids = 1;
    kill.task_ids = ids;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_KILL;
    request.kill = &kill;
    return ask_item(client, &request, error);
}

int zmesos_get(
        struct zmesos_client *client, const char *id, struct zmesos_task *task, struct zmesos_error *error)
{
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__Get get = ZMESOS__V1__GET__INIT;
    Zmesos__V1__Reply *reply;
    char *ids[] = {(char *)(uintptr_t)id};
    int rc;

    get.n_task_ids = 1;
    get.task_ids = ids;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_GET;
    request.get = &get;
    rc = ask(client, &request, ZMESOS__V1__REPLY__RESULT_TASKS, &reply, error);
    if (rc < 0)
        return rc;
    if (reply->tasks->n_tasks == 1)
        task_copy(reply->tasks->tasks[0], task);
    else
        rc = fail_with(error, ZMESOS_NOT_FOUND, "there is no task %s", id);
    zmesos__v1__reply__free_unpacked(reply, NULL);
    return rc;
}
