/* Publications. See events.h. */
#include "events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/slice.h"
#include "mesos/v1/scheduler/scheduler.pb-c.h"
#include "wire/check.h"

#define HWM 1000000 /* messages kept when the terminal is slower than the cluster */

int events_open(struct events *events, const struct settings *settings, struct error *err)
{
    int hwm = HWM, rc = connection_open(&events->connection, ZMQ_SUB, err);

    if (rc < 0)
        return rc;
    if (zmq_setsockopt(events->connection.socket, ZMQ_RCVHWM, &hwm, sizeof hwm) != 0)
        rc = error_set(err, ERR_IO, "cannot prepare a ZeroMQ socket: %s", zmq_strerror(errno));
    else
        rc = connection_connect(&events->connection, settings->events, "--events", err);
    if (rc < 0)
        events_close(events);
    return rc;
}

void events_close(struct events *events)
{
    connection_close(&events->connection);
}

int events_subscribe(struct events *events, const char *prefix, struct error *err)
{
    if (zmq_setsockopt(events->connection.socket, ZMQ_SUBSCRIBE, prefix, strlen(prefix)) == 0)
        return 0;
    return error_set(err, ERR_IO, "cannot subscribe to '%s': %s", prefix, zmq_strerror(errno));
}

static struct slice frame_slice(zmq_msg_t *frame)
{
    return slice_of(zmq_msg_data(frame), zmq_msg_size(frame));
}

static ProtobufCMessage *unpack(const ProtobufCMessageDescriptor *type, zmq_msg_t *frame)
{
    ProtobufCMessage *message;

    return check_unpack(type, frame_slice(frame), &check_limits_event, &message, NULL) < 0 ? NULL : message;
}

/* Reads the frames of one message: the first three are kept. Returns how many there were. */
static size_t receive_frames(void *socket, zmq_msg_t frames[3])
{
    size_t count = 0;
    zmq_msg_t other;
    bool more = true;

    zmq_msg_init(&other);
    while (more) {
        zmq_msg_t *frame = count < 3 ? &frames[count] : &other;

        if (zmq_msg_recv(frame, socket, ZMQ_DONTWAIT) < 0)
            break;
        count++;
        more = zmq_msg_more(frame);
    }
    zmq_msg_close(&other);
    return count;
}

int events_receive(struct events *events, struct event *event, struct error *err)
{
    zmq_msg_t frames[3];
    Zmesos__V1__EventHeader *header = NULL;
    size_t count, i;
    int rc;

    for (i = 0; i < 3; i++)
        zmq_msg_init(&frames[i]);
    count = receive_frames(events->connection.socket, frames);
    if (count == 0) {
        rc = 0;
        goto out;
    }
    if (count == 3)
        header = (Zmesos__V1__EventHeader *)unpack(&zmesos__v1__event_header__descriptor, &frames[1]);
    if (!header) {
        rc = error_set(err, ERR_MALFORMED, "a publication that is not zmesosd's: %zu frames", count);
        goto out;
    }
    event->topic = alloc_string_n(zmq_msg_data(&frames[0]), zmq_msg_size(&frames[0]));
    event->header = header;
    zmq_msg_init(&event->body);
    zmq_msg_move(&event->body, &frames[2]);
    rc = 1;
out:
    for (i = 0; i < 3; i++)
        zmq_msg_close(&frames[i]);
    return rc;
}

void event_clear(struct event *event)
{
    free(event->topic);
    zmesos__v1__event_header__free_unpacked(event->header, NULL);
    zmq_msg_close(&event->body);
}

Zmesos__V1__Task *event_task(struct event *event)
{
    if (strncmp(event->topic, "task/", 5) != 0)
        return NULL;
    return (Zmesos__V1__Task *)unpack(&zmesos__v1__task__descriptor, &event->body);
}

ProtobufCMessage *event_body(struct event *event)
{
    if (strncmp(event->topic, "task/", 5) == 0)
        return unpack(&zmesos__v1__task__descriptor, &event->body);
    if (strncmp(event->topic, EVENTS_ORPHAN, sizeof EVENTS_ORPHAN - 1) == 0)
        return unpack(&zmesos__v1__orphan__descriptor, &event->body);
    if (strncmp(event->topic, EVENTS_WHY, sizeof EVENTS_WHY - 1) == 0)
        return unpack(&zmesos__v1__explanation__descriptor, &event->body);
    if (strncmp(event->topic, "zmesos/", 7) == 0)
        return unpack(&zmesos__v1__daemon_status__descriptor, &event->body);
    if (strncmp(event->topic, "mesos/", 6) == 0)
        return unpack(&mesos__v1__scheduler__event__descriptor, &event->body);
    return NULL;
}
