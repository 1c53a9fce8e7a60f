/* Publications: a SUB on the events socket. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "connection.h"
#include "internal.h"

#define HWM 1000000 /* messages kept when the reader is slower than the cluster */

struct zmesos_events {
    struct connection connection;
    zmq_msg_t header, body; /* of the last event; initialised messages */
    char *topic;
    char store[64];
};

int zmesos_events_create(const char *endpoint, struct zmesos_events **out, struct zmesos_error *error)
{
    struct zmesos_events *events = alloc_zeroed(1, sizeof *events);
    struct error err;
    int hwm = HWM, rc = connection_open(&events->connection, ZMQ_SUB, &err);

    zmq_msg_init(&events->header);
    zmq_msg_init(&events->body);
    if (rc == 0 && zmq_setsockopt(events->connection.socket, ZMQ_RCVHWM, &hwm, sizeof hwm) != 0)
        rc = error_set(&err, ERR_IO, "cannot prepare a ZeroMQ socket: %s", zmq_strerror(errno));
    if (rc == 0)
        rc = connection_connect(&events->connection, endpoint ? endpoint : ZMESOS_EVENTS, &err);
    if (rc < 0) {
        zmesos_events_destroy(events);
        return fail(error, rc, &err);
    }
    *out = events;
    return 0;
}

void zmesos_events_destroy(struct zmesos_events *events)
{
    if (!events)
        return;
    zmq_msg_close(&events->header);
    zmq_msg_close(&events->body);
    connection_close(&events->connection);
    free(events->topic);
    free(events);
}

int zmesos_events_subscribe(struct zmesos_events *events, const char *prefix, struct zmesos_error *error)
{
    if (zmq_setsockopt(events->connection.socket, ZMQ_SUBSCRIBE, prefix, strlen(prefix)) == 0)
        return 0;
    return fail_with(error, ERR_IO, "cannot subscribe to '%s': %s", prefix, zmq_strerror(errno));
}

enum zmesos_link zmesos_events_link(struct zmesos_events *events)
{
    struct connection *connection = &events->connection;

    connection_update(connection);
    if (connection->went_down) {
        connection->went_down = false;
        return ZMESOS_LINK_LOST;
    }
    return connection->was_up ? ZMESOS_LINK_UP : ZMESOS_LINK_NEVER;
}

void *zmesos_events_socket(struct zmesos_events *events)
{
    return events->connection.socket;
}

void *zmesos_events_monitor(struct zmesos_events *events)
{
    return events->connection.monitor;
}

/* Reads the frames of one message: the first three are kept. Returns how many there were. */
static size_t receive_frames(void *socket, zmq_msg_t *frames[3])
{
    size_t count = 0;
    zmq_msg_t other;
    bool more = true;

    zmq_msg_init(&other);
    while (more) {
        zmq_msg_t *frame = count < 3 ? frames[count] : &other;

        if (connection_receive(socket, frame) < 0)
            break;
        count++;
        more = zmq_msg_more(frame);
    }
    zmq_msg_close(&other);
    return count;
}

static void read_header(
        struct zmesos_events *events, const Zmesos__V1__EventHeader *header, struct zmesos_event *event)
{
    const char *store = header->store ? header->store : "";

    events->store[0] = '\0';
    if (strlen(store) < sizeof events->store)
        memcpy(events->store, store, strlen(store) + 1);
    event->store = events->store;
    event->run = header->run;
    event->event_class = header->has_class_ ? (int)header->class_ : 0;
    event->number = header->number;
    event->revision = header->revision;
    event->time_ns = header->time_ns;
}

/* 1 with an event, 0 when none is there. */
static int look(struct zmesos_events *events, struct zmesos_event *event, struct zmesos_error *error)
{
    zmq_msg_t topic, *frames[3] = {&topic, &events->header, &events->body};
    Zmesos__V1__EventHeader *header = NULL;
    size_t count;
    int rc = 1;

    zmq_msg_init(&topic);
    count = receive_frames(events->connection.socket, frames);
    if (count == 3)
        header = (Zmesos__V1__EventHeader *)unpack(&zmesos__v1__event_header__descriptor,
                slice_of(zmq_msg_data(&events->header), zmq_msg_size(&events->header)), NULL);
    if (!header) {
        rc = count ? fail_with(error, ERR_MALFORMED, "a publication that is not zmesosd's: %zu frames", count)
                   : 0;
        goto out;
    }
    free(events->topic);
    events->topic = alloc_string_n(zmq_msg_data(&topic), zmq_msg_size(&topic));
    *event = (struct zmesos_event){.topic = events->topic,
            .header = zmq_msg_data(&events->header),
            .header_size = zmq_msg_size(&events->header),
            .body = zmq_msg_data(&events->body),
            .body_size = zmq_msg_size(&events->body)};
    read_header(events, header, event);
    zmesos__v1__event_header__free_unpacked(header, NULL);
out:
    zmq_msg_close(&topic);
    return rc;
}

int zmesos_events_receive(struct zmesos_events *events, int64_t timeout_ms, struct zmesos_event *event,
        struct zmesos_error *error)
{
    int64_t end = connection_deadline(timeout_ms);
    zmq_pollitem_t items[] = {{.socket = events->connection.socket, .events = ZMQ_POLLIN},
            {.socket = events->connection.monitor, .events = ZMQ_POLLIN}};

    for (;;) {
        int rc = look(events, event, error);
        int64_t left = timeout_ms < 0 ? -1 : end - clock_read().mono_ms;

        if (rc || timeout_ms == 0 || (timeout_ms > 0 && left <= 0))
            return rc;
        if (zmq_poll(items, 2, left) < 0 && errno != EINTR)
            return fail_with(error, ERR_IO, "cannot wait for an event: %s", zmq_strerror(errno));
        connection_update(&events->connection); /* else reports would heap up while nobody asks */
    }
}

int zmesos_event_task(const struct zmesos_event *event, struct zmesos_task *task, struct zmesos_error *error)
{
    struct error err;
    Zmesos__V1__Task *body;

    if (strncmp(event->topic, "task/", 5) != 0)
        return fail_with(error, ERR_INVALID, "%s is no event of a task", event->topic);
    body = (Zmesos__V1__Task *)unpack(
            &zmesos__v1__task__descriptor, slice_of(event->body, event->body_size), &err);
    if (!body)
        return fail_with(error, ERR_MALFORMED, "the body of %s is no task: %s", event->topic, err.text);
    task_copy(body, task);
    zmesos__v1__task__free_unpacked(body, NULL);
    return 0;
}
