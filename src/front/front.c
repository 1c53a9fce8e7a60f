/* The sockets: made, bound, polled, closed.
 *
 * One libzmq context belongs to the front. Linger is set on every socket, so that ending the context cannot
 * wait for a peer that does not read. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "front_private.h"

/* Peers that went without a word are found by TCP, after a minute: a socket that reads no more, as ours when
 * the disk is behind, must have no heartbeats of ZeroMQ (libzmq 4.3.4: when such a peer is reset, the next
 * heartbeat of its connection ends the process with an assertion). */
#define KEEPALIVE_IDLE_S 30
#define KEEPALIVE_INTERVAL_S 10
#define KEEPALIVE_COUNT 3
#define REPLY_LINGER_MS 1000
/* Not 0: libzmq 4.3.4 ends the process with a failed assertion when a subscriber goes in the moment in which
 * a socket without linger is closed, with a message of several frames half on its way. */
#define EVENTS_LINGER_MS 100

void front_config_init(struct front_config *config)
{
    *config = (struct front_config){
            .control = "tcp://127.0.0.1:5560",
            .pipeline = "tcp://127.0.0.1:5561",
            .events = "tcp://127.0.0.1:5562",
            .events_hwm = 100000,
    };
}

static int set_int(void *socket, int option, int value, struct error *err)
{
    if (zmq_setsockopt(socket, option, &value, sizeof value) == 0)
        return 0;
    return error_set(err, ERR_IO, "cannot set option %d of a ZeroMQ socket: %s", option, zmq_strerror(errno));
}

static int bind_failed(const char *what, const char *endpoint, struct error *err)
{
    int code = ERR_IO;

    switch (errno) {
    case EADDRINUSE:
        code = ERR_CONFLICT;
        break;
    case EINVAL:
    case EPROTONOSUPPORT:
    case ENOCOMPATPROTO:
    case ENODEV:
    case EADDRNOTAVAIL:
    case ENAMETOOLONG:
        code = ERR_INVALID;
        break;
    default:
        break;
    }
    return error_set_field(
            err, code, what, "cannot bind the %s socket to %s: %s", what, endpoint, zmq_strerror(errno));
}

/* Makes a socket with what all have in common. What must be set before the bind is in `special`. */
static int open_socket(struct front *front, int type, const char *what, const char *endpoint,
        int (*special)(void *socket, const struct front_config *config, struct error *err),
        const struct front_config *config, void **out, char **bound, struct error *err)
{
    char last[512];
    size_t size = sizeof last;
    int rc;
    void *socket = zmq_socket(front->context, type);

    if (!socket)
        return error_set(err, ERR_IO, "cannot make a ZeroMQ socket: %s", zmq_strerror(errno));
    if ((rc = set_int(socket, ZMQ_TCP_KEEPALIVE, 1, err)) < 0 ||
            (rc = set_int(socket, ZMQ_TCP_KEEPALIVE_IDLE, KEEPALIVE_IDLE_S, err)) < 0 ||
            (rc = set_int(socket, ZMQ_TCP_KEEPALIVE_INTVL, KEEPALIVE_INTERVAL_S, err)) < 0 ||
            (rc = set_int(socket, ZMQ_TCP_KEEPALIVE_CNT, KEEPALIVE_COUNT, err)) < 0 ||
            (rc = set_int(socket, ZMQ_IPV6, strchr(endpoint, '[') != NULL, err)) < 0 ||
            (rc = special(socket, config, err)) < 0)
        goto out;
    if (zmq_bind(socket, endpoint) != 0) {
        rc = bind_failed(what, endpoint, err);
        goto out;
    }
    if (zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, last, &size) != 0) {
        rc = error_set(
                err, ERR_IO, "cannot read the endpoint of the %s socket: %s", what, zmq_strerror(errno));
        goto out;
    }
    *bound = alloc_string(last);
    *out = socket;
    socket = NULL;
out:
    if (socket)
        zmq_close(socket);
    return rc;
}

static int set_size_max(void *socket, int64_t bytes, struct error *err)
{
    if (zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &bytes, sizeof bytes) == 0)
        return 0;
    return error_set(
            err, ERR_IO, "cannot limit ZeroMQ messages to %" PRId64 " bytes: %s", bytes, zmq_strerror(errno));
}

static int prepare_control(void *socket, const struct front_config *config, struct error *err)
{
    int rc = set_int(socket, ZMQ_LINGER, REPLY_LINGER_MS, err);

    (void)config;
    return rc < 0 ? rc : set_size_max(socket, FRONT_MESSAGE_MAX, err);
}

static int prepare_pipeline(void *socket, const struct front_config *config, struct error *err)
{
    int rc;

    (void)config;
    if ((rc = set_int(socket, ZMQ_LINGER, REPLY_LINGER_MS, err)) < 0 ||
            (rc = set_int(socket, ZMQ_ROUTER_MANDATORY, 1, err)) < 0 ||
            (rc = set_int(socket, ZMQ_SNDHWM, FRONT_REPLIES_HWM, err)) < 0)
        return rc;
    return set_size_max(socket, FRONT_MESSAGE_MAX, err);
}

static int prepare_events(void *socket, const struct front_config *config, struct error *err)
{
    int rc;

    if ((rc = set_int(socket, ZMQ_LINGER, EVENTS_LINGER_MS, err)) < 0 ||
            (rc = set_int(socket, ZMQ_SNDHWM, config->events_hwm, err)) < 0)
        return rc;
    return set_size_max(socket, FRONT_SUBSCRIPTION_MAX, err);
}

int front_create(const struct front_config *config, const struct front_callbacks *callbacks,
        struct front **out, struct error *err)
{
    struct front *front;
    int rc;

    if (config->events_hwm < 1)
        return error_set_field(err, ERR_INVALID, "events_hwm", "events_hwm is %d and must be at least 1",
                config->events_hwm);
    front = alloc_zeroed(1, sizeof *front);
    front->callbacks = *callbacks;
    front_init_pipeline(front);
    front->context = zmq_ctx_new();
    if (!front->context) {
        rc = error_set(err, ERR_IO, "cannot start ZeroMQ: %s", zmq_strerror(errno));
        goto out;
    }
    if ((rc = open_socket(front, ZMQ_REP, "control", config->control, prepare_control, config,
                 &front->control, &front->control_endpoint, err)) < 0 ||
            (rc = open_socket(front, ZMQ_ROUTER, "pipeline", config->pipeline, prepare_pipeline, config,
                     &front->pipeline, &front->pipeline_endpoint, err)) < 0 ||
            (rc = open_socket(front, ZMQ_XPUB, "events", config->events, prepare_events, config,
                     &front->events, &front->events_endpoint, err)) < 0)
        goto out;
    if (config->events_json &&
            (rc = open_socket(front, ZMQ_XPUB, "events-json", config->events_json, prepare_events, config,
                     &front->events_json, &front->events_json_endpoint, err)) < 0)
        goto out;
    *out = front;
    front = NULL;
    rc = 0;
out:
    front_destroy(front);
    return rc;
}

void front_destroy(struct front *front)
{
    if (!front)
        return;
    if (front->control)
        zmq_close(front->control);
    if (front->pipeline)
        zmq_close(front->pipeline);
    if (front->events)
        zmq_close(front->events);
    if (front->events_json)
        zmq_close(front->events_json);
    while (front->context && zmq_ctx_term(front->context) != 0 && errno == EINTR)
        ;
    front_clear_pipeline(front);
    free(front->control_endpoint);
    free(front->pipeline_endpoint);
    free(front->events_endpoint);
    free(front->events_json_endpoint);
    free(front);
}

const char *front_control_endpoint(const struct front *front)
{
    return front->control_endpoint;
}

const char *front_pipeline_endpoint(const struct front *front)
{
    return front->pipeline_endpoint;
}

const char *front_events_endpoint(const struct front *front)
{
    return front->events_endpoint;
}

const char *front_events_json_endpoint(const struct front *front)
{
    return front->events_json_endpoint;
}

struct front_counts front_counts(const struct front *front)
{
    return front->counts;
}

int front_poll_items(struct front *front, bool reading, zmq_pollitem_t items[FRONT_POLL_ITEMS])
{
    int count = 0;

    items[count++] = (zmq_pollitem_t){.socket = front->events, .events = ZMQ_POLLIN};
    if (front->events_json)
        items[count++] = (zmq_pollitem_t){.socket = front->events_json, .events = ZMQ_POLLIN};
    if (reading) {
        items[count++] = (zmq_pollitem_t){.socket = front->control, .events = ZMQ_POLLIN};
        items[count++] = (zmq_pollitem_t){.socket = front->pipeline, .events = ZMQ_POLLIN};
    }
    return count;
}

bool front_handle(struct front *front, bool reading)
{
    bool more = front_handle_events(front->events);

    if (front->events_json)
        more |= front_handle_events(front->events_json);
    if (reading) {
        more |= front_handle_control(front);
        more |= front_handle_pipeline(front);
    }
    return more;
}

void front_handle_body(struct front *front, front_token token, zmq_msg_t *body, size_t parts)
{
    struct slice bytes = slice_of(zmq_msg_data(body), zmq_msg_size(body));
    struct buf packed, refusal;
    Zmesos__V1__Request *request;

    buf_init(&packed, 0);
    buf_init(&refusal, 0);
    if (front_is_json(bytes)) {
        request = front_decode_json(bytes, parts, &packed, &refusal);
        bytes = slice_of(packed.data, packed.length);
    } else {
        request = front_decode(bytes, parts, &refusal);
    }
    if (request) {
        front->counts.requests++;
        front->callbacks.request(front->callbacks.context, token, request, bytes);
        zmesos__v1__request__free_unpacked(request, NULL);
    } else {
        front->counts.refused++;
        front_reply(front, token, slice_of(refusal.data, refusal.length));
    }
    buf_clear(&refusal);
    buf_clear(&packed);
}

static bool wants_json(const struct front *front, uint32_t place)
{
    if (place == FRONT_PLACE_CONTROL)
        return front->control_json;
    return place <= front->slot_count && front->slots[place - 1].json;
}

void front_reply(struct front *front, front_token token, struct slice reply)
{
    uint32_t generation = (uint32_t)(token >> 32);
    uint32_t place = (uint32_t)token;
    struct buf text;

    buf_init(&text, 0);
    if (wants_json(front, place)) {
        front_json_reply(reply, &text);
        reply = slice_of(text.data, text.length);
    }
    if (place == FRONT_PLACE_CONTROL)
        front_reply_control(front, generation, reply);
    else
        front_reply_pipeline(front, generation, place, reply);
    buf_clear(&text);
}

bool front_receive(void *socket, zmq_msg_t *frame)
{
    while (zmq_msg_recv(frame, socket, ZMQ_DONTWAIT) < 0) {
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            log_error("front", "cannot receive from a ZeroMQ socket: %s", zmq_strerror(errno));
        return false;
    }
    return true;
}

size_t front_receive_body(void *socket, zmq_msg_t *body)
{
    size_t parts = 0;
    zmq_msg_t other;

    if (!front_receive(socket, body))
        return 0;
    parts = 1;
    if (!zmq_msg_more(body))
        return parts;
    zmq_msg_init(&other);
    while (front_receive(socket, &other)) {
        parts++;
        if (!zmq_msg_more(&other))
            break;
    }
    zmq_msg_close(&other);
    return parts;
}

int front_send(void *socket, zmq_msg_t *frame, bool more)
{
    int flags = ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0);

    while (zmq_msg_send(frame, socket, flags) < 0) {
        int errnum = errno;

        if (errnum == EINTR)
            continue;
        zmq_msg_close(frame);
        return errnum;
    }
    return 0;
}

int front_send_copy(void *socket, struct slice bytes, bool more)
{
    zmq_msg_t frame;

    if (zmq_msg_init_size(&frame, bytes.length) != 0)
        return errno;
    if (bytes.length)
        memcpy(zmq_msg_data(&frame), bytes.data, bytes.length);
    return front_send(socket, &frame, more);
}
