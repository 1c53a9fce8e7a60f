/* See rig.h. */
#include "rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"

static void handle_request(
        void *context, front_token token, const Zmesos__V1__Request *request, struct slice bytes)
{
    struct rig *rig = context;
    struct rig_request *entry;

    assert_true(bytes.length > 0);
    assert_true(token != 0);
    if (rig->count == rig->capacity) {
        rig->capacity = rig->capacity ? 2 * rig->capacity : 64;
        rig->requests = alloc_resize(rig->requests, rig->capacity, sizeof *rig->requests);
    }
    entry = &rig->requests[rig->count++];
    entry->token = token;
    snprintf(entry->id, sizeof entry->id, "%s", request->id ? request->id : "");
    if (rig->answer)
        rig_answer(rig, rig->count - 1);
}

static void start(struct rig *rig, int events_hwm, const char *events_json)
{
    struct front_callbacks callbacks = {.context = rig, .request = handle_request};
    struct front_config config;
    struct error err;

    memset(rig, 0, sizeof *rig);
    front_config_init(&config);
    config.control = config.pipeline = config.events = "tcp://127.0.0.1:*";
    config.events_json = events_json;
    if (events_hwm)
        config.events_hwm = events_hwm;
    assert_int_equal(front_create(&config, &callbacks, &rig->front, &err), 0);
    rig->context = zmq_ctx_new();
    assert_non_null(rig->context);
}

void rig_init(struct rig *rig, int events_hwm)
{
    start(rig, events_hwm, NULL);
}

void rig_init_json(struct rig *rig)
{
    start(rig, 0, "tcp://127.0.0.1:*");
}

void rig_clear(struct rig *rig)
{
    front_destroy(rig->front);
    assert_int_equal(zmq_ctx_term(rig->context), 0);
    free(rig->requests);
}

void *rig_connect(struct rig *rig, int type, const char *endpoint)
{
    int zero = 0;
    void *client = zmq_socket(rig->context, type);

    assert_non_null(client);
    assert_int_equal(zmq_setsockopt(client, ZMQ_LINGER, &zero, sizeof zero), 0);
    assert_int_equal(zmq_connect(client, endpoint), 0);
    return client;
}

bool rig_turn(struct rig *rig, bool reading)
{
    zmq_pollitem_t items[FRONT_POLL_ITEMS];
    int count = front_poll_items(rig->front, reading, items);

    assert_true(zmq_poll(items, count, 20) >= 0);
    return front_handle(rig->front, reading);
}

static int64_t patience(void)
{
    return clock_read().mono_ms + RIG_PATIENCE_MS;
}

void rig_wait_requests(struct rig *rig, size_t requests)
{
    int64_t end = patience();

    while (rig->count < requests) {
        rig_turn(rig, true);
        if (clock_read().mono_ms > end)
            fail_msg("%zu requests came, not %zu", rig->count, requests);
    }
}

void rig_wait_readable(struct rig *rig, void *client)
{
    int64_t end = patience();
    zmq_pollitem_t items[FRONT_POLL_ITEMS + 1];

    for (;;) {
        int count = front_poll_items(rig->front, true, items);

        items[count] = (zmq_pollitem_t){.socket = client, .events = ZMQ_POLLIN};
        assert_true(zmq_poll(items, count + 1, 1000) >= 0);
        if (items[count].revents)
            return;
        front_handle(rig->front, true);
        if (clock_read().mono_ms > end)
            fail_msg("nothing came to the client");
    }
}

void rig_answer(struct rig *rig, size_t request)
{
    Zmesos__V1__Reply reply = ZMESOS__V1__REPLY__INIT;
    uint8_t packed[256];

    assert_true(request < rig->count);
    reply.id = rig->requests[request].id;
    reply.has_code = 1;
    reply.code = ZMESOS__V1__CODE__OK;
    front_reply(rig->front, rig->requests[request].token,
            slice_of(packed, zmesos__v1__reply__pack(&reply, packed)));
}

size_t rig_ping(const char *id, uint8_t *out, size_t capacity)
{
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__Ping ping = ZMESOS__V1__PING__INIT;
    char text[200];

    request.has_version = 1;
    request.version = 1;
    if (id) {
        snprintf(text, sizeof text, "%s", id);
        request.id = text;
    }
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_PING;
    request.ping = &ping;
    assert_true(zmesos__v1__request__get_packed_size(&request) <= capacity);
    return zmesos__v1__request__pack(&request, out);
}

void rig_send(void *client, const void *data, size_t length, bool more)
{
    assert_int_equal(zmq_send(client, data, length, more ? ZMQ_SNDMORE : 0), (int)length);
}

void rig_send_ping(void *client, const char *id)
{
    uint8_t packed[256];
    size_t length = rig_ping(id, packed, sizeof packed);

    rig_send(client, packed, length, false);
}

uint8_t *rig_receive(struct rig *rig, void *client, size_t *length, bool *more)
{
    zmq_msg_t frame;
    uint8_t *out;

    zmq_msg_init(&frame);
    /* a correlated REQ wakes the poll for answers that it then throws away */
    do {
        rig_wait_readable(rig, client);
    } while (zmq_msg_recv(&frame, client, ZMQ_DONTWAIT) < 0 && zmq_errno() == EAGAIN);
    *length = zmq_msg_size(&frame);
    *more = zmq_msg_more(&frame);
    out = (uint8_t *)alloc_string_n(zmq_msg_data(&frame), *length);
    zmq_msg_close(&frame);
    return out;
}

Zmesos__V1__Reply *rig_receive_reply(struct rig *rig, void *client, const char *id, Zmesos__V1__Code code)
{
    size_t length;
    bool more;
    uint8_t *bytes = rig_receive(rig, client, &length, &more);
    Zmesos__V1__Reply *reply = zmesos__v1__reply__unpack(NULL, length, bytes);

    free(bytes);
    assert_false(more);
    assert_non_null(reply);
    assert_int_equal(reply->code, code);
    if (id) {
        assert_non_null(reply->id);
        assert_string_equal(reply->id, id);
    } else {
        assert_null(reply->id);
    }
    return reply;
}

void rig_expect_reply(struct rig *rig, void *client, const char *id, Zmesos__V1__Code code)
{
    zmesos__v1__reply__free_unpacked(rig_receive_reply(rig, client, id, code), NULL);
}

void *rig_monitor(struct rig *rig, void *client, int events)
{
    static unsigned number;
    char endpoint[64];
    int zero = 0;
    void *monitor = zmq_socket(rig->context, ZMQ_PAIR);

    assert_non_null(monitor);
    snprintf(endpoint, sizeof endpoint, "inproc://monitor-%u", ++number);
    assert_int_equal(zmq_socket_monitor(client, endpoint, events), 0);
    assert_int_equal(zmq_setsockopt(monitor, ZMQ_LINGER, &zero, sizeof zero), 0);
    assert_int_equal(zmq_connect(monitor, endpoint), 0);
    return monitor;
}

void rig_wait_event(struct rig *rig, void *monitor, int event)
{
    for (;;) {
        uint16_t got;
        size_t length;
        bool more;
        uint8_t *bytes = rig_receive(rig, monitor, &length, &more);

        assert_true(more);
        assert_true(length >= sizeof got);
        memcpy(&got, bytes, sizeof got);
        free(bytes);
        free(rig_receive(rig, monitor, &length, &more));
        assert_false(more);
        if (got == event)
            return;
    }
}
