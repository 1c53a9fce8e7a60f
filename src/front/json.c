/* Requests in JSON become packed requests, and from there on nothing knows of it but the way back: a reply to
 * one is turned into JSON when it leaves. Events are turned likewise for the endpoint that has them as JSON.
 *
 * No packed request begins as JSON does. '{' is field 15 as a group, and groups are malformed; a line feed, a
 * tab and a carriage return are field 1 as another type than its own; a blank is field 4, which Request
 * reserves for that reason. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "front_private.h"
#include "mesos/v1/scheduler/scheduler.pb-c.h"
#include "wire/json.h"

/* Of ours, and of what has passed the limits of events: only nesting is limited, and JSON by its own size. */
static const struct check_limits limits_of_ours = {.bytes = SIZE_MAX,
        .depth = CHECK_DEPTH_MAX,
        .elements = SIZE_MAX,
        .memory = SIZE_MAX,
        .strict = false};

bool front_is_json(struct slice bytes)
{
    size_t blank = 0;

    while (blank < bytes.length && memchr(" \t\r\n", bytes.data[blank], 4))
        blank++;
    return blank < bytes.length && bytes.data[blank] == '{';
}

/* A broken text may be long. */
static struct slice outline_of(struct slice text)
{
    return slice_of(text.data, text.length < FRONT_REQUEST_MAX ? text.length : FRONT_REQUEST_MAX);
}

char *front_json_id(struct slice text)
{
    return json_find_text(outline_of(text), "id");
}

bool front_json_version(struct slice text, uint64_t *version)
{
    return json_find_integer(outline_of(text), "version", version);
}

/* Whether a field that is none is where an operation should be. */
static bool lacks_operation(struct slice text, const struct error *err)
{
    const ProtobufCMessageDescriptor *type = &zmesos__v1__request__descriptor;

    if (!err->field[0] || strchr(err->field, '.') ||
            protobuf_c_message_descriptor_get_field_by_name(type, err->field))
        return false;
    return !json_has_choice(text, type);
}

int front_json_request(struct slice text, struct buf *packed, struct error *err)
{
    int rc = json_to_packed(&zmesos__v1__request__descriptor, text, &check_limits_request, packed, err);

    if (rc == ERR_INVALID && lacks_operation(text, err)) {
        char field[ERROR_FIELD_MAX];

        memcpy(field, err->field, sizeof field);
        return error_set_field(
                err, ERR_NOT_FOUND, field, "there is no operation this daemon knows, but a field %s", field);
    }
    return rc;
}

/* What the bodies of a class are; NULL for one of another version. */
static const ProtobufCMessageDescriptor *body_type(Zmesos__V1__EventClass class)
{
    switch (class) {
    case ZMESOS__V1__EVENT_CLASS__TASK:
        return &zmesos__v1__task__descriptor;
    case ZMESOS__V1__EVENT_CLASS__ORPHAN:
        return &zmesos__v1__orphan__descriptor;
    case ZMESOS__V1__EVENT_CLASS__OPERATION:
        return &zmesos__v1__operation__descriptor;
    case ZMESOS__V1__EVENT_CLASS__UNCONFIRMED:
        return &zmesos__v1__unconfirmed_update__descriptor;
    case ZMESOS__V1__EVENT_CLASS__DAEMON:
        return &zmesos__v1__daemon_status__descriptor;
    case ZMESOS__V1__EVENT_CLASS__WHY:
        return &zmesos__v1__explanation__descriptor;
    case ZMESOS__V1__EVENT_CLASS__LEASE:
        return &zmesos__v1__lease_change__descriptor;
    case ZMESOS__V1__EVENT_CLASS__UPDATE:
    case ZMESOS__V1__EVENT_CLASS__OPERATION_UPDATE:
    case ZMESOS__V1__EVENT_CLASS__MESSAGE:
    case ZMESOS__V1__EVENT_CLASS__FAILURE:
    case ZMESOS__V1__EVENT_CLASS__MESOS_ERROR:
    case ZMESOS__V1__EVENT_CLASS__UNKNOWN_EVENT:
    case ZMESOS__V1__EVENT_CLASS__OFFERS:
    case ZMESOS__V1__EVENT_CLASS__RESCIND:
    case ZMESOS__V1__EVENT_CLASS__INVERSE_OFFERS:
    case ZMESOS__V1__EVENT_CLASS__MESOS_HEARTBEAT:
    case ZMESOS__V1__EVENT_CLASS__MESOS_SUBSCRIBED:
        return &mesos__v1__scheduler__event__descriptor;
    case _ZMESOS__V1__EVENT_CLASS_IS_INT_SIZE:
        break;
    }
    return NULL;
}

/* What cannot be written, for its size, is an empty object: its number is not lost. */
static void append_event(
        const char *topic, const ProtobufCMessageDescriptor *type, struct slice packed, struct buf *text)
{
    struct error err;

    if (json_from_packed(type, packed, &limits_of_ours, text, &err) == 0)
        return;
    log_warn("front", "%s is told as JSON without its body: %s", topic, err.text);
    buf_clear(text);
    if (buf_append_string(text, "{}") < 0)
        abort(); /* the limit is larger */
}

/* A page of a replay has its bodies packed, and whoever asks in JSON could not read them. */
static void replace_body(Zmesos__V1__Publication *event)
{
    const ProtobufCMessageDescriptor *type = event->header ? body_type(event->header->class_) : NULL;
    struct buf text;

    if (!type || !event->has_body)
        return;
    buf_init(&text, FRONT_JSON_EVENT_MAX);
    append_event(event->topic, type, slice_of(event->body.data, event->body.len), &text);
    if (event->json)
        free(event->json);
    event->json = alloc_string_n((const char *)text.data, text.length);
    buf_clear(&text);
    free(event->body.data);
    event->body = (ProtobufCBinaryData){0};
    event->has_body = false;
}

static int write_reply(struct slice packed, struct buf *text, struct error *err)
{
    ProtobufCMessage *message = NULL;
    int rc = check_unpack(&zmesos__v1__reply__descriptor, packed, &limits_of_ours, &message, err);
    Zmesos__V1__Reply *reply = (Zmesos__V1__Reply *)message;

    if (rc < 0)
        return rc;
    if (reply->result_case == ZMESOS__V1__REPLY__RESULT_REPLAY) {
        for (size_t i = 0; i < reply->replay->n_events; i++)
            replace_body(reply->replay->events[i]);
    }
    rc = json_write_foreign(message, text, err);
    protobuf_c_message_free_unpacked(message, NULL);
    return rc;
}

void front_json_reply(struct slice reply, struct buf *text)
{
    static const char apology[] = "{\"version\":1,\"code\":\"UNAVAILABLE\","
                                  "\"message\":\"the reply cannot be written as JSON\",\"retry\":false}";
    struct error err;

    if (write_reply(reply, text, &err) == 0)
        return;
    log_error("front", "a reply cannot be written as JSON: %s", err.text);
    buf_clear(text);
    if (buf_append_string(text, apology) < 0)
        buf_clear(text);
}

static struct blob *json_blob(
        const char *topic, const ProtobufCMessageDescriptor *type, const struct blob *packed)
{
    struct buf text;
    size_t length;

    buf_init(&text, FRONT_JSON_EVENT_MAX);
    append_event(topic, type, blob_slice(packed), &text);
    length = text.length;
    return blob_take(buf_release(&text), length);
}

void front_publish_json(struct front *front, const char *topic, struct blob *header, struct blob *body,
        const ProtobufCMessageDescriptor *type)
{
    struct blob *header_text, *body_text;

    if (!front->events_json)
        return;
    header_text = json_blob(topic, &zmesos__v1__event_header__descriptor, header);
    body_text = json_blob(topic, type, body);
    front_publish_on(front->events_json, topic, header_text, body_text);
    blob_unref(header_text);
    blob_unref(body_text);
}
