/* Faults of what goes out on event streams. */
#include "fault_handlers.h"

#include <string.h>

#include "wire/json.h"

#include "fault_fields.h"
#include "faults.h"
#include "parts.h"

int fault_split_streams(struct local *local, json_t *body, struct error *err)
{
    struct framework *framework;
    size_t at = 0;
    int code = field_flag(body, "on", true, &local->faults->split, err);
    if (code != 0)
        return code;
    while ((framework = map_next(&local->frameworks, &at)) != NULL)
        if (framework->stream != NULL)
            http_stream_split(framework->stream, local->faults->split);
    return 0;
}

int fault_silence_heartbeats(struct local *local, json_t *body, struct error *err)
{
    return field_flag(body, "on", true, &local->faults->silent, err);
}

/* An event of a later Mesos: a type and a field that nobody knows yet. */
int fault_unknown_event(struct local *local, json_t *body, struct error *err)
{
    static const char json[] = "{\"type\":\"NOVELTY\",\"novelty\":{\"text\":\"new\"}}";
    /* type = 99; field 99 with a message of one text */
    static const uint8_t packed[] = {0x08, 99, 0x9a, 0x06, 5, 0x0a, 3, 'n', 'e', 'w'};
    struct framework **frameworks = NULL;
    size_t count = 0;
    int code = field_frameworks(local, body, &frameworks, &count, err);
    if (code != 0)
        return code;
    for (size_t i = 0; i < count; i++) {
        if (frameworks[i]->encoding == ENCODING_JSON)
            events_send_raw(frameworks[i], json, sizeof(json) - 1);
        else
            events_send_raw(frameworks[i], packed, sizeof(packed));
    }
    free(frameworks);
    return 0;
}

/* Any event that Mesos has, as its JSON. */
int fault_send_event(struct local *local, json_t *body, struct error *err)
{
    struct framework **frameworks = NULL;
    size_t count = 0;
    ProtobufCMessage *event = NULL;
    json_t *value = json_object_get(body, "event");
    char *text = value == NULL ? NULL : json_dumps(value, JSON_COMPACT);
    int64_t repeat = 1;
    int code = text == NULL ? error_set(err, ERR_INVALID, "'event' wants an object")
                            : json_read(&mesos__v1__scheduler__event__descriptor, text, strlen(text), false,
                                      &event, err);
    free(text);
    if (code == 0)
        code = field_integer(body, "repeat", 1, 1, &repeat, err);
    if (code == 0)
        code = field_frameworks(local, body, &frameworks, &count, err);
    if (code == 0) {
        for (size_t i = 0; i < count * (size_t)repeat; i++)
            events_send(frameworks[i % count], (const Event *)event);
        free(frameworks);
    }
    if (event != NULL)
        protobuf_c_message_free_unpacked(event, NULL);
    return code;
}

int fault_stall(struct local *local, json_t *body, struct error *err)
{
    static const char *const whats[] = {"both", "calls", "streams"};
    size_t only = 0;
    int64_t ms = 0;
    int code = field_integer(body, "ms", 1, 1000, &ms, err);
    if (code == 0)
        code = field_word(body, "only", whats, 3, &only, err);
    if (code != 0)
        return code;
    if (only != 2)
        faults_stall_calls(local->faults, ms);
    if (only != 1)
        faults_stall_streams(local->faults, ms);
    return 0;
}
