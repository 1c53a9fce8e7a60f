/* A client's socket. libzmq connects by itself and again and says nothing about it; its monitor does. */
#include "connection.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"

#define MESSAGE_MAX ((int64_t)64 << 20)
#define KEEPALIVE_S 10
#define RECONNECT_MAX_MS 1000
#define MONITOR "inproc://monitor"

static int set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value);
}

/* No heartbeats of ZeroMQ: libzmq 4.3.4 ends the process where a socket that has them has stopped reading
 * (all that may wait does), and loses its connection. TCP's own signs of life do. */
static bool set_signs_of_life(void *socket)
{
    return set_int(socket, ZMQ_TCP_KEEPALIVE, 1) == 0 &&
           set_int(socket, ZMQ_TCP_KEEPALIVE_IDLE, KEEPALIVE_S) == 0 &&
           set_int(socket, ZMQ_TCP_KEEPALIVE_INTVL, KEEPALIVE_S) == 0 &&
           set_int(socket, ZMQ_TCP_KEEPALIVE_CNT, 3) == 0;
}

/* There is no limit to the reports that wait: past it libzmq's own thread stops until one is read, and with
 * it all that this socket sends and receives, and zmq_close(). */
int connection_open(struct connection *connection, int type, struct error *err)
{
    int64_t max = MESSAGE_MAX;

    *connection = (struct connection){.context = zmq_ctx_new()};
    if (connection->context && (connection->socket = zmq_socket(connection->context, type)) &&
            (connection->monitor = zmq_socket(connection->context, ZMQ_PAIR)) &&
            set_int(connection->socket, ZMQ_LINGER, 0) == 0 &&
            set_int(connection->monitor, ZMQ_LINGER, 0) == 0 &&
            set_int(connection->monitor, ZMQ_RCVHWM, 0) == 0 && set_signs_of_life(connection->socket) &&
            set_int(connection->socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS) == 0 &&
            zmq_setsockopt(connection->socket, ZMQ_MAXMSGSIZE, &max, sizeof max) == 0 &&
            zmq_socket_monitor(connection->socket, MONITOR,
                    ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED) == 0 &&
            zmq_connect(connection->monitor, MONITOR) == 0)
        return 0;
    error_set(err, ERR_IO, "cannot prepare a ZeroMQ socket: %s", zmq_strerror(errno));
    connection_close(connection);
    return ERR_IO;
}

int connection_connect(struct connection *connection, const char *endpoint, struct error *err)
{
    set_int(connection->socket, ZMQ_IPV6, strchr(endpoint, '[') != NULL);
    if (zmq_connect(connection->socket, endpoint) == 0)
        return 0;
    return error_set(err, ERR_INVALID, "%s: %s; expected an endpoint such as tcp://127.0.0.1:5560", endpoint,
            zmq_strerror(errno));
}

int connection_receive(void *socket, zmq_msg_t *frame)
{
    int rc;

    do
        rc = zmq_msg_recv(frame, socket, ZMQ_DONTWAIT);
    while (rc < 0 && errno == EINTR);
    return rc;
}

/* A report is two frames: the event's number, and the endpoint. */
static bool next_report(void *monitor, uint16_t *event)
{
    zmq_msg_t frame;
    bool got = false;

    zmq_msg_init(&frame);
    if (connection_receive(monitor, &frame) >= 0) {
        got = zmq_msg_size(&frame) >= sizeof *event;
        if (got)
            memcpy(event, zmq_msg_data(&frame), sizeof *event);
        while (zmq_msg_more(&frame) && connection_receive(monitor, &frame) >= 0)
            ;
    }
    zmq_msg_close(&frame);
    return got;
}

void connection_update(struct connection *connection)
{
    uint16_t event;

    while (next_report(connection->monitor, &event)) {
        if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
            connection->up = connection->was_up = true;
        } else if (event == ZMQ_EVENT_DISCONNECTED) {
            connection->went_down = connection->went_down || connection->up;
            connection->up = false;
        }
    }
}

int64_t connection_deadline(int64_t timeout_ms)
{
    int64_t now = clock_read().mono_ms;

    return timeout_ms > INT64_MAX - now ? INT64_MAX : now + timeout_ms;
}

void connection_close(struct connection *connection)
{
    if (connection->socket) {
        zmq_socket_monitor(connection->socket, NULL, 0);
        zmq_close(connection->socket);
    }
    if (connection->monitor)
        zmq_close(connection->monitor);
    while (connection->context && zmq_ctx_term(connection->context) != 0 && errno == EINTR)
        ;
    *connection = (struct connection){.context = NULL};
}
