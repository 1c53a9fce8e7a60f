/* Requests and their replies: a REQ with RELAXED and CORRELATE, so that a request can be sent again when no
 * reply comes, and a late reply to an earlier one is never taken for the present one's. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "connection.h"
#include "internal.h"
#include "wire/check.h"

#define RESENDS 4         /* within the timeout */
#define RESEND_MIN_MS 500 /* but not more often */
#define TRY_AGAIN_MS 200  /* after UNAVAILABLE, first; doubled */

/* Field numbers of zmesos.v1.Reply. */
#define REPLY_CODE 3
#define REPLY_RETRY 6

#define SAME(ours, theirs) _Static_assert((int)(ours) == (int)(theirs), "one number for both")
SAME(ZMESOS_INVALID, ERR_INVALID);
SAME(ZMESOS_MALFORMED, ERR_MALFORMED);
SAME(ZMESOS_TOO_LARGE, ERR_TOO_LARGE);
SAME(ZMESOS_NOT_FOUND, ERR_NOT_FOUND);
SAME(ZMESOS_CONFLICT, ERR_CONFLICT);
SAME(ZMESOS_UNAVAILABLE, ERR_UNAVAILABLE);
SAME(ZMESOS_IO, ERR_IO);

struct zmesos_client {
    struct connection connection;
    struct buf request; /* the last one */
    zmq_msg_t reply;    /* the last one; an initialised message */
    int64_t timeout_ms;
    char *endpoint;
};

const char *zmesos_version(void)
{
    return ZMESOS_VERSION;
}

int fail(struct zmesos_error *error, int code, const struct error *why)
{
    if (error) {
        snprintf(error->text, sizeof error->text, "%s", why->text);
        snprintf(error->field, sizeof error->field, "%s", why->field);
    }
    return code;
}

int fail_with(struct zmesos_error *error, int code, const char *format, ...)
{
    va_list arguments;

    if (!error)
        return code;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    error->field[0] = '\0';
    return code;
}

ProtobufCMessage *unpack(const ProtobufCMessageDescriptor *type, struct slice bytes, struct error *err)
{
    ProtobufCMessage *message;

    return check_unpack(type, bytes, &check_limits_event, &message, err) < 0 ? NULL : message;
}

int zmesos_client_create(const char *endpoint, struct zmesos_client **out, struct zmesos_error *error)
{
    struct zmesos_client *client = alloc_zeroed(1, sizeof *client);
    struct error err;
    int rc = connection_open(&client->connection, ZMQ_REQ, &err), one = 1;

    buf_init(&client->request, 0);
    zmq_msg_init(&client->reply);
    client->timeout_ms = ZMESOS_TIMEOUT_MS;
    client->endpoint = alloc_string(endpoint ? endpoint : ZMESOS_CONTROL);
    if (rc == 0 &&
            (zmq_setsockopt(client->connection.socket, ZMQ_REQ_RELAXED, &one, sizeof one) != 0 ||
                    zmq_setsockopt(client->connection.socket, ZMQ_REQ_CORRELATE, &one, sizeof one) != 0))
        rc = error_set(&err, ERR_IO, "cannot prepare a ZeroMQ socket: %s", zmq_strerror(errno));
    if (rc == 0)
        rc = connection_connect(&client->connection, client->endpoint, &err);
    if (rc < 0) {
        zmesos_client_destroy(client);
        return fail(error, rc, &err);
    }
    *out = client;
    return 0;
}

void zmesos_client_destroy(struct zmesos_client *client)
{
    if (!client)
        return;
    zmq_msg_close(&client->reply);
    connection_close(&client->connection);
    buf_clear(&client->request);
    free(client->endpoint);
    free(client);
}

void zmesos_client_set_timeout(struct zmesos_client *client, int64_t timeout_ms)
{
    client->timeout_ms = timeout_ms > 0 ? timeout_ms : 1;
}

void *zmesos_client_socket(struct zmesos_client *client)
{
    return client->connection.socket;
}

static enum zmesos_link link_of(struct connection *connection)
{
    connection_update(connection);
    if (connection->went_down)
        return ZMESOS_LINK_LOST;
    return connection->was_up ? ZMESOS_LINK_UP : ZMESOS_LINK_NEVER;
}

enum zmesos_link zmesos_client_link(struct zmesos_client *client)
{
    return link_of(&client->connection);
}

int zmesos_resend(struct zmesos_client *client, struct zmesos_error *error)
{
    int rc;

    connection_update(&client->connection); /* else reports would heap up while nobody asks */

    do /* a signal came: nothing was sent */
        rc = zmq_send(client->connection.socket, client->request.data, client->request.length, ZMQ_DONTWAIT);
    while (rc < 0 && errno == EINTR);
    /* EAGAIN: not connected yet and no room to keep it; the next try is due soon */
    if (rc >= 0 || errno == EAGAIN)
        return 0;
    return fail_with(error, ERR_IO, "cannot send a request: %s", zmq_strerror(errno));
}

int zmesos_send(struct zmesos_client *client, const void *request, size_t size, struct zmesos_error *error)
{
    int rc;

    if (size > ZMESOS_REQUEST_MAX)
        return fail_with(error, ERR_TOO_LARGE, "the request has %zu bytes; at most %d are allowed", size,
                ZMESOS_REQUEST_MAX);
    buf_clear(&client->request);
    rc = buf_append(&client->request, request, size);
    return rc < 0 ? fail_with(error, rc, "the request cannot be kept") : zmesos_resend(client, error);
}

int zmesos_receive(
        struct zmesos_client *client, const void **reply, size_t *reply_size, struct zmesos_error *error)
{
    zmq_msg_t other;

    if (connection_receive(client->connection.socket, &client->reply) < 0) {
        /* EFSM: nothing was sent, because there was no room for it */
        if (errno == EAGAIN || errno == EFSM)
            return 0;
        return fail_with(error, ERR_IO, "cannot receive a reply: %s", zmq_strerror(errno));
    }
    if (!zmq_msg_more(&client->reply)) {
        *reply = zmq_msg_data(&client->reply);
        *reply_size = zmq_msg_size(&client->reply);
        return 1;
    }
    zmq_msg_init(&other);
    while (connection_receive(client->connection.socket, &other) >= 0 && zmq_msg_more(&other))
        ;
    zmq_msg_close(&other);
    return fail_with(
            error, ERR_MALFORMED, "%s answers with several frames; zmesosd does not", client->endpoint);
}

/* Waits for a reply to what was sent last until `end`. 0 when none came. */
static int wait_reply(struct zmesos_client *client, int64_t end, const void **reply, size_t *reply_size,
        struct zmesos_error *error)
{
    zmq_pollitem_t item = {.socket = client->connection.socket, .events = ZMQ_POLLIN};

    for (;;) {
        int64_t left = end - clock_read().mono_ms;
        int rc = zmesos_receive(client, reply, reply_size, error);

        if (rc || left <= 0)
            return rc;
        if (zmq_poll(&item, 1, left) < 0 && errno != EINTR)
            return fail_with(error, ERR_IO, "cannot wait for a reply: %s", zmq_strerror(errno));
    }
}

static int no_answer(struct zmesos_client *client, struct zmesos_error *error)
{
    double seconds = (double)client->timeout_ms / 1000;

    if (zmesos_client_link(client) != ZMESOS_LINK_NEVER)
        return fail_with(
                error, ERR_UNAVAILABLE, "%s is there, and gave no answer in %g s", client->endpoint, seconds);
    return fail_with(error, ERR_UNAVAILABLE, "cannot connect to zmesosd at %s in %g s; is it running?",
            client->endpoint, seconds);
}

/* Whether the reply says that the same request may succeed later. One in JSON is taken as it is. It is not
 * decoded for this: it may be large, and the caller will decode it. */
static bool try_again(struct zmesos_client *client)
{
    struct field_cursor cursor = {slice_of(zmq_msg_data(&client->reply), zmq_msg_size(&client->reply))};
    struct field field;
    bool unavailable = false, retry = false;

    /* JSON begins as a group does, which ends this at once */
    while (field_next(&cursor, &field) == 1) {
        if (field.number == REPLY_CODE && field.wire_type == 0)
            unavailable = field_varint(&field) == ZMESOS__V1__CODE__UNAVAILABLE;
        else if (field.number == REPLY_RETRY && field.wire_type == 0)
            retry = field_varint(&field) != 0;
    }
    return unavailable && retry;
}

static void rest(int64_t ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

int zmesos_call(struct zmesos_client *client, const void *request, size_t size, const void **reply,
        size_t *reply_size, struct zmesos_error *error)
{
    int64_t now, end = connection_deadline(client->timeout_ms);
    int64_t interval = client->timeout_ms / RESENDS, pause = TRY_AGAIN_MS;
    int rc = zmesos_send(client, request, size, error);

    if (interval < RESEND_MIN_MS)
        interval = RESEND_MIN_MS;
    while (rc == 0) {
        now = clock_read().mono_ms;
        rc = wait_reply(client, end - now < interval ? end : now + interval, reply, reply_size, error);
        if (rc < 0)
            return rc;
        now = clock_read().mono_ms;
        if (rc == 1) {
            if (now + pause >= end || !try_again(client))
                return 0;
            rest(pause);
            pause *= 2;
        } else if (now >= end) {
            return no_answer(client, error);
        }
        rc = zmesos_resend(client, error);
    }
    return rc;
}

int zmesos_call_once(struct zmesos_client *client, const void *request, size_t size, const void **reply,
        size_t *reply_size, struct zmesos_error *error)
{
    int64_t end = connection_deadline(client->timeout_ms);
    int rc = zmesos_send(client, request, size, error);

    if (rc == 0)
        rc = wait_reply(client, end, reply, reply_size, error);
    if (rc < 0)
        return rc;
    return rc == 1 ? 0 : no_answer(client, error);
}
