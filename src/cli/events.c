/* Publications as messages, over libzmesos. See events.h. */
#include "events.h"

#include <string.h>

#include "mesos/v1/scheduler/scheduler.pb-c.h"
#include "wire/check.h"

int events_open(struct events *events, const struct settings *settings, struct error *err)
{
    struct zmesos_error error;

    *events = (struct events){.library = NULL};
    return library_error(
            err, zmesos_events_create(settings->events, &events->library, &error), "--events ", &error);
}

void events_close(struct events *events)
{
    zmesos_events_destroy(events->library);
    events->library = NULL;
}

int events_subscribe(struct events *events, const char *prefix, struct error *err)
{
    struct zmesos_error error;

    return library_error(err, zmesos_events_subscribe(events->library, prefix, &error), "", &error);
}

static ProtobufCMessage *unpack(const ProtobufCMessageDescriptor *type, struct slice bytes)
{
    ProtobufCMessage *message;

    return check_unpack(type, bytes, &check_limits_event, &message, NULL) < 0 ? NULL : message;
}

int events_receive(struct events *events, struct event *event, struct error *err)
{
    struct zmesos_error error;
    struct zmesos_event came;
    int rc = zmesos_events_receive(events->library, 0, &came, &error);

    if (rc < 1)
        return library_error(err, rc, "", &error);
    event->topic = came.topic;
    event->body = slice_of(came.body, came.body_size);
    event->header = (Zmesos__V1__EventHeader *)unpack(
            &zmesos__v1__event_header__descriptor, slice_of(came.header, came.header_size));
    return event->header ? 1 : error_set(err, ERR_MALFORMED, "a publication that is not zmesosd's");
}

void event_clear(struct event *event)
{
    zmesos__v1__event_header__free_unpacked(event->header, NULL);
}

static bool is_below(const struct event *event, const char *prefix)
{
    return strncmp(event->topic, prefix, strlen(prefix)) == 0;
}

Zmesos__V1__Task *event_task(const struct event *event)
{
    return is_below(event, "task/") ? (Zmesos__V1__Task *)unpack(&zmesos__v1__task__descriptor, event->body)
                                    : NULL;
}

ProtobufCMessage *event_body(const struct event *event)
{
    if (is_below(event, "task/"))
        return unpack(&zmesos__v1__task__descriptor, event->body);
    if (is_below(event, "operation/"))
        return unpack(&zmesos__v1__operation__descriptor, event->body);
    if (is_below(event, EVENTS_ORPHAN))
        return unpack(&zmesos__v1__orphan__descriptor, event->body);
    if (is_below(event, EVENTS_UNCONFIRMED))
        return unpack(&zmesos__v1__unconfirmed_update__descriptor, event->body);
    if (is_below(event, EVENTS_WHY))
        return unpack(&zmesos__v1__explanation__descriptor, event->body);
    if (is_below(event, EVENTS_LEASE))
        return unpack(&zmesos__v1__lease_change__descriptor, event->body);
    if (is_below(event, "zmesos/"))
        return unpack(&zmesos__v1__daemon_status__descriptor, event->body);
    if (is_below(event, "mesos/"))
        return unpack(&mesos__v1__scheduler__event__descriptor, event->body);
    return NULL;
}
