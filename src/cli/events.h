/* Publications: a SUB on the events socket. */
#ifndef CLI_EVENTS_H
#define CLI_EVENTS_H

#include <zmq.h>

#include "base/slice.h"
#include "library.h"
#include "settings.h"

#define EVENTS_HEARTBEAT "zmesos/HEARTBEAT"      /* the daemon's, each second */
#define EVENTS_WHY "zmesos/WHY/"                 /* and the task's id */
#define EVENTS_UNCONFIRMED "zmesos/UNCONFIRMED/" /* and the task's id, and the attempt */
#define EVENTS_ORPHAN "zmesos/ORPHAN/"           /* and the task's id in Mesos */
#define EVENTS_LEASE "zmesos/LEASE/"             /* and the lease's id */

struct events {
    struct zmesos_events *library;
};

struct event {
    const char *topic; /* this and the body are borrowed, until the next one is received */
    Zmesos__V1__EventHeader *header;
    struct slice body;
};

/* Connects, which waits for nobody. ERR_INVALID for an endpoint libzmq refuses. */
int events_open(struct events *events, const struct settings *settings, struct error *err) MUST_CHECK;
void events_close(struct events *events); /* also one that is all zero */

int events_subscribe(struct events *events, const char *prefix, struct error *err) MUST_CHECK;

/* 1 with an event, which the caller clears; 0 when none is there; a negative code. What is not three frames
 * with a header is ERR_MALFORMED, and the next call goes on behind it. */
int events_receive(struct events *events, struct event *event, struct error *err) MUST_CHECK;
void event_clear(struct event *event);

/* The body of a task/... event, or NULL for anything else. The caller frees it with
 * zmesos__v1__task__free_unpacked(). */
Zmesos__V1__Task *event_task(const struct event *event);

/* The body as the message its topic says: Task, Orphan, UnconfirmedUpdate, LeaseChange, DaemonStatus, or
 * Mesos's Event. NULL when it is none. The caller frees it with protobuf_c_message_free_unpacked(). */
ProtobufCMessage *event_body(const struct event *event);

#endif
