/* A client's socket with the context it lives in, and what is known of its connection. */
#ifndef LIBZMESOS_CONNECTION_H
#define LIBZMESOS_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>
#include <zmq.h>

#include "base/error.h"

struct connection {
    void *context, *socket, *monitor;
    bool up;        /* there is a connection now */
    bool was_up;    /* there was one since the start */
    bool went_down; /* there was one that ended; the reader clears it */
};

/* Makes the socket, with all that must be set before it connects but what is special to its kind. On failure
 * there is nothing to close. */
int connection_open(struct connection *connection, int type, struct error *err) MUST_CHECK;

/* ERR_INVALID for an endpoint that libzmq refuses. Waits for nobody. */
int connection_connect(struct connection *connection, const char *endpoint, struct error *err) MUST_CHECK;

/* Brings the three flags up to date. The monitor can be polled for reading. */
void connection_update(struct connection *connection);

/* The next frame of a socket, without waiting, as zmq_msg_recv(); never EINTR, for half of a message would be
 * left where that comes between two frames. */
int connection_receive(void *socket, zmq_msg_t *frame);

/* So long from now, in milliseconds of the monotonic clock; the last one there is where that is later. */
int64_t connection_deadline(int64_t timeout_ms);

void connection_close(struct connection *connection); /* also one that is all zero */

#endif
