/* Requests and replies. See client.h. */
#include "client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "connection.h"
#include "wire/check.h"

#define PROTOCOL_VERSION 1
#define REQUEST_MAX ((size_t)1 << 20)
#define RESENDS 4         /* within the timeout */
#define RESEND_MIN_MS 500 /* but not more often */
#define TRY_AGAIN_MS 200  /* after UNAVAILABLE, first; doubled */
#define ID_MAX 48

struct client {
    struct connection connection;
    struct buf request; /* the last one, packed */
    char id[ID_MAX];    /* of it */
    uint64_t number;
    int64_t timeout_ms;
    const char *endpoint; /* borrowed from the settings */
};

int client_create(const struct settings *settings, struct client **out, struct error *err)
{
    struct client *client = alloc_zeroed(1, sizeof *client);
    int rc = connection_open(&client->connection, ZMQ_REQ, err), one = 1;

    buf_init(&client->request, 0);
    client->timeout_ms = settings->timeout_ms;
    client->endpoint = settings->control;
    if (rc < 0)
        goto out;
    if (zmq_setsockopt(client->connection.socket, ZMQ_REQ_RELAXED, &one, sizeof one) != 0 ||
            zmq_setsockopt(client->connection.socket, ZMQ_REQ_CORRELATE, &one, sizeof one) != 0) {
        rc = error_set(err, ERR_IO, "cannot prepare a ZeroMQ socket: %s", zmq_strerror(errno));
        goto out;
    }
    rc = connection_connect(&client->connection, settings->control, "--control", err);
    if (rc < 0)
        goto out;
    *out = client;
    client = NULL;
out:
    client_destroy(client);
    return rc;
}

void client_destroy(struct client *client)
{
    if (!client)
        return;
    connection_close(&client->connection);
    buf_clear(&client->request);
    free(client);
}

void *client_socket(struct client *client)
{
    return client->connection.socket;
}

enum client_link client_link(struct client *client)
{
    connection_update(&client->connection);
    if (client->connection.went_down)
        return CLIENT_LOST;
    return client->connection.was_up ? CLIENT_UP : CLIENT_NEVER;
}

int client_resend(struct client *client, struct error *err)
{
    if (zmq_send(client->connection.socket, client->request.data, client->request.length, ZMQ_DONTWAIT) >= 0)
        return 0;
    /* EAGAIN: not connected yet and no room to keep it; the next try is due soon */
    if (errno == EAGAIN || errno == EINTR)
        return 0;
    return error_set(err, ERR_IO, "cannot send a request: %s", zmq_strerror(errno));
}

int client_send(struct client *client, Zmesos__V1__Request *request, struct error *err)
{
    size_t size;
    uint8_t *packed;
    int rc;

    snprintf(client->id, sizeof client->id, "zmesos-%ld-%" PRIu64, (long)getpid(), ++client->number);
    request->has_version = 1;
    request->version = PROTOCOL_VERSION;
    request->id = client->id;
    size = zmesos__v1__request__get_packed_size(request);
    if (size > REQUEST_MAX)
        return error_set(
                err, ERR_TOO_LARGE, "the request has %zu bytes; at most %zu are allowed", size, REQUEST_MAX);
    packed = alloc_bytes(size);
    zmesos__v1__request__pack(request, packed);
    buf_clear(&client->request);
    rc = buf_append(&client->request, packed, size);
    free(packed);
    return rc < 0 ? rc : client_resend(client, err);
}

static int read_reply(struct client *client, zmq_msg_t *frame, Zmesos__V1__Reply **out, struct error *err)
{
    ProtobufCMessage *message;
    Zmesos__V1__Reply *reply;
    struct error inner;

    if (check_unpack(&zmesos__v1__reply__descriptor, slice_of(zmq_msg_data(frame), zmq_msg_size(frame)),
                &check_limits_event, &message, &inner) < 0)
        return error_set(
                err, ERR_MALFORMED, "%s does not answer as zmesosd does: %s", client->endpoint, inner.text);
    reply = (Zmesos__V1__Reply *)message;
    /* a refusal may be without id where the daemon could not read it */
    if (reply->id && strcmp(reply->id, client->id) != 0) {
        zmesos__v1__reply__free_unpacked(reply, NULL);
        return error_set(err, ERR_MALFORMED, "%s answered another request", client->endpoint);
    }
    *out = reply;
    return 1;
}

int client_receive(struct client *client, Zmesos__V1__Reply **reply, struct error *err)
{
    zmq_msg_t frame, other;
    int rc;

    zmq_msg_init(&frame);
    if (zmq_msg_recv(&frame, client->connection.socket, ZMQ_DONTWAIT) < 0) {
        /* EFSM: nothing was sent, because there was no room for it */
        rc = errno == EAGAIN || errno == EINTR || errno == EFSM
                     ? 0
                     : error_set(err, ERR_IO, "cannot receive a reply: %s", zmq_strerror(errno));
        goto out;
    }
    if (!zmq_msg_more(&frame)) {
        rc = read_reply(client, &frame, reply, err);
        goto out;
    }
    rc = error_set(err, ERR_MALFORMED, "%s answers with several frames; zmesosd does not", client->endpoint);
    zmq_msg_init(&other);
    while (zmq_msg_recv(&other, client->connection.socket, ZMQ_DONTWAIT) >= 0 && zmq_msg_more(&other))
        ;
    zmq_msg_close(&other);
out:
    zmq_msg_close(&frame);
    return rc;
}

/* Waits for a reply to what was sent last until `end`. 0 when none came. */
static int wait_reply(struct client *client, int64_t end, Zmesos__V1__Reply **reply, struct error *err)
{
    zmq_pollitem_t item = {.socket = client->connection.socket, .events = ZMQ_POLLIN};
    int rc;

    for (;;) {
        int64_t left = end - clock_read().mono_ms;

        rc = client_receive(client, reply, err);
        if (rc || left <= 0)
            return rc;
        if (zmq_poll(&item, 1, left) < 0 && errno != EINTR)
            return error_set(err, ERR_IO, "cannot wait for a reply: %s", zmq_strerror(errno));
    }
}

static int no_answer(struct client *client, struct error *err)
{
    double seconds = (double)client->timeout_ms / 1000;

    if (client_link(client) != CLIENT_NEVER)
        return error_set(
                err, ERR_UNAVAILABLE, "%s is there, and gave no answer in %g s", client->endpoint, seconds);
    return error_set(err, ERR_UNAVAILABLE, "cannot connect to zmesosd at %s in %g s; is it running?",
            client->endpoint, seconds);
}

static bool try_again(const Zmesos__V1__Reply *reply)
{
    return reply->has_code && reply->code == ZMESOS__V1__CODE__UNAVAILABLE && reply->retry;
}

int client_call(
        struct client *client, Zmesos__V1__Request *request, Zmesos__V1__Reply **out, struct error *err)
{
    int64_t now = clock_read().mono_ms, end = now + client->timeout_ms;
    int64_t interval = client->timeout_ms / RESENDS, pause = TRY_AGAIN_MS;
    Zmesos__V1__Reply *reply;
    int rc = client_send(client, request, err);

    if (interval < RESEND_MIN_MS)
        interval = RESEND_MIN_MS;
    while (rc == 0) {
        now = clock_read().mono_ms;
        rc = wait_reply(client, end - now < interval ? end : now + interval, &reply, err);
        if (rc < 0)
            return rc;
        now = clock_read().mono_ms;
        if (rc == 1) {
            if (!try_again(reply) || now + pause >= end) {
                *out = reply;
                return 0;
            }
            zmesos__v1__reply__free_unpacked(reply, NULL);
            usleep((useconds_t)pause * 1000);
            pause *= 2;
        } else if (now >= end) {
            return no_answer(client, err);
        }
        rc = client_resend(client, err);
    }
    return rc;
}

int client_call_once(
        struct client *client, Zmesos__V1__Request *request, Zmesos__V1__Reply **out, struct error *err)
{
    int64_t end = clock_read().mono_ms + client->timeout_ms;
    int rc = client_send(client, request, err);

    if (rc == 0)
        rc = wait_reply(client, end, out, err);
    if (rc < 0)
        return rc;
    return rc == 1 ? 0 : no_answer(client, err);
}
