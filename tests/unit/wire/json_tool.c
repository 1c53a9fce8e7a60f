/* Turns messages into JSON and back for test_json_referee.py: reads lines, answers each with one line.
 *
 *   list                      the full names of all message types it knows, with spaces between
 *   <type> <base64>           a packed message: its JSON
 *   <type> {...}              JSON: the packed message in base64
 *   foreign <type> <base64>   a packed message that others made: its JSON
 *
 * What fails is answered with "! " and the words. The types are found by walking from a few roots. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "wire/base64.h"
#include "kinds.pb-c.h"
#include "mesos/v1/executor/executor.pb-c.h"
#include "mesos/v1/scheduler/scheduler.pb-c.h"
#include "wire/check.h"
#include "wire/json.h"
#include "zmesos/v1/zmesos.pb-c.h"

#define TYPES_MAX 1000
#define FOREIGN "foreign "

static const ProtobufCMessageDescriptor *types[TYPES_MAX];
static size_t type_count;

static const ProtobufCMessageDescriptor *const roots[] = {
        &mesos__v1__scheduler__call__descriptor,
        &mesos__v1__scheduler__event__descriptor,
        &mesos__v1__scheduler__response__descriptor,
        &mesos__v1__executor__call__descriptor,
        &mesos__v1__executor__event__descriptor,
        &zmesos__v1__request__descriptor,
        &zmesos__v1__reply__descriptor,
        &zmesos__v1__event_header__descriptor,
        &zmesos__v1__orphan__descriptor,
        &zmesos__v1__lease_change__descriptor,
        /* What no call or event holds: the operator's part of mesos.v1, and types that only group others. */
        &mesos__v1__agent_info__capability__descriptor,
        &mesos__v1__cgroup_info__blkio__descriptor,
        &mesos__v1__cgroup_info__blkio__cfq__descriptor,
        &mesos__v1__cgroup_info__blkio__throttling__descriptor,
        &mesos__v1__credentials__descriptor,
        &mesos__v1__device_whitelist__descriptor,
        &mesos__v1__drain_info__descriptor,
        &mesos__v1__file_info__descriptor,
        &mesos__v1__flag__descriptor,
        &mesos__v1__machine_info__descriptor,
        &mesos__v1__metric__descriptor,
        &mesos__v1__operation__descriptor,
        &mesos__v1__rate_limits__descriptor,
        &mesos__v1__resource_provider_info__descriptor,
        &mesos__v1__resource_usage__descriptor,
        &mesos__v1__role__descriptor,
        &mesos__v1__task__descriptor,
        &mesos__v1__value__descriptor,
        &mesos__v1__version_info__descriptor,
        &mesos__v1__weight_info__descriptor,
        &mesos__v1__scheduler__apiresult__descriptor,
        &kinds__single__descriptor,
        &kinds__defaults__descriptor,
        &kinds__needs_and_defaults__descriptor,
        &kinds__one_of__descriptor,
        &kinds__maps__descriptor,
        &kinds__names__descriptor,
        &kinds__roots__descriptor,
};

static const ProtobufCMessageDescriptor *find_type(const char *name)
{
    for (size_t i = 0; i < type_count; i++) {
        if (strcmp(types[i]->name, name) == 0)
            return types[i];
    }
    return NULL;
}

static void add_type(const ProtobufCMessageDescriptor *type)
{
    if (find_type(type->name))
        return;
    if (type_count == TYPES_MAX) {
        fprintf(stderr, "more than %d types\n", TYPES_MAX);
        exit(1);
    }
    types[type_count++] = type;
    for (unsigned i = 0; i < type->n_fields; i++) {
        if (type->fields[i].type == PROTOBUF_C_TYPE_MESSAGE)
            add_type(type->fields[i].descriptor);
    }
}

static void answer_list(void)
{
    for (size_t i = 0; i < type_count; i++)
        printf("%s%s", i ? " " : "", types[i]->name);
    printf("\n");
}

static void answer_json(const ProtobufCMessageDescriptor *type, const char *text, bool foreign)
{
    size_t length = strlen(text), size;
    uint8_t *bytes = alloc_bytes(base64_decoded_max(length));
    struct buf json = {0};
    struct error err = {.text = "not base64"};
    ProtobufCMessage *message = NULL;
    bool decoded = base64_decode(text, length, bytes, &size);
    if (foreign && decoded &&
            json_from_packed(type, slice_of(bytes, size), &check_limits_event, &json, &err) == 0)
        printf("%.*s\n", (int)json.length, (char *)json.data);
    else if (foreign || !decoded ||
             check_unpack(type, slice_of(bytes, size), &check_limits_request, &message, &err) ||
             json_write(message, &json, &err))
        printf("! %s\n", err.text);
    else
        printf("%.*s\n", (int)json.length, (char *)json.data);
    if (message)
        protobuf_c_message_free_unpacked(message, NULL);
    buf_clear(&json);
    free(bytes);
}

static void answer_bytes(const ProtobufCMessageDescriptor *type, const char *text)
{
    ProtobufCMessage *message;
    struct error err;
    if (json_read(type, text, strlen(text), false, &message, &err)) {
        printf("! %s\n", err.text);
        return;
    }
    size_t size = protobuf_c_message_get_packed_size(message), length = base64_encoded_size(size);
    uint8_t *bytes = alloc_bytes(size);
    char *encoded = alloc_bytes(length);
    protobuf_c_message_pack(message, bytes);
    base64_encode(slice_of(bytes, size), encoded);
    printf("%.*s\n", (int)length, encoded);
    protobuf_c_message_free_unpacked(message, NULL);
    free(encoded);
    free(bytes);
}

int main(void)
{
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
        add_type(roots[i]);

    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    while ((length = getline(&line, &room, stdin)) > 0) {
        line[length - 1] = '\0';
        if (strcmp(line, "list") == 0) {
            answer_list();
            continue;
        }
        bool foreign = strncmp(line, FOREIGN, strlen(FOREIGN)) == 0;
        char *name = line + (foreign ? strlen(FOREIGN) : 0), *text = strchr(name, ' ');
        if (text)
            *text++ = '\0';
        const ProtobufCMessageDescriptor *type = find_type(name);
        if (!text || !type)
            printf("! no such type: %s\n", name);
        else if (*text == '{')
            answer_bytes(type, text);
        else
            answer_json(type, text, foreign);
    }
    free(line);
    return 0;
}
