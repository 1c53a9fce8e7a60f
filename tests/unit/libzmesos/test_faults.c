/* libzmesos where signals come. The other side is libzmq alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <zmq.h>

#include "zmesos.h"

#define TIMEOUT_MS 60000 /* of what is to come */
#define ENDPOINT_MAX 128

/* ---- signals ----
 * The library's calls of these two come here first. One that a signal interrupts has done nothing, and says
 * so: libzmq looks for commands of its own now and then, also between the frames of one message. */

static _Thread_local int interrupted; /* the call, counted from 1, that is interrupted; 0: none */

static bool is_interrupted(void)
{
    if (interrupted == 0 || --interrupted > 0)
        return false;
    errno = EINTR;
    return true;
}

int zmq_msg_recv(zmq_msg_t *frame, void *socket, int flags)
{
    int (*next)(zmq_msg_t *, void *, int);
    *(void **)&next = dlsym(RTLD_NEXT, "zmq_msg_recv");
    return is_interrupted() ? -1 : next(frame, socket, flags);
}

int zmq_send(void *socket, const void *bytes, size_t size, int flags)
{
    int (*next)(void *, const void *, size_t, int);
    *(void **)&next = dlsym(RTLD_NEXT, "zmq_send");
    return is_interrupted() ? -1 : next(socket, bytes, size, flags);
}

/* ---- the other side ---- */

struct peer {
    void *context, *socket;
    char endpoint[ENDPOINT_MAX];
};

static struct peer peer_of(int type)
{
    struct peer peer = {.context = zmq_ctx_new()};
    size_t size = sizeof peer.endpoint;
    int linger = 0;

    peer.socket = zmq_socket(peer.context, type);
    assert_int_equal(zmq_setsockopt(peer.socket, ZMQ_LINGER, &linger, sizeof linger), 0);
    assert_int_equal(zmq_bind(peer.socket, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(zmq_getsockopt(peer.socket, ZMQ_LAST_ENDPOINT, peer.endpoint, &size), 0);
    return peer;
}

static void peer_end(struct peer *peer)
{
    zmq_close(peer->socket);
    zmq_ctx_term(peer->context);
}

/* Without a store, a class or a number. */
static void publish(const struct peer *peer, const char *topic)
{
    assert_true(zmq_send(peer->socket, topic, strlen(topic), ZMQ_SNDMORE) >= 0);
    assert_true(zmq_send(peer->socket, "", 0, ZMQ_SNDMORE) >= 0);
    assert_true(zmq_send(peer->socket, "", 0, 0) >= 0);
}

/* One that the peer has heard of. */
static struct zmesos_events *subscription_to(const struct peer *peer)
{
    struct zmesos_events *events = NULL;
    struct zmesos_event event;
    struct zmesos_error error;

    assert_int_equal(zmesos_events_create(peer->endpoint, &events, &error), ZMESOS_OK);
    assert_int_equal(zmesos_events_subscribe(events, "", &error), ZMESOS_OK);
    do
        publish(peer, "first");
    while (zmesos_events_receive(events, 10, &event, &error) == 0);
    publish(peer, "last of them");
    do
        assert_int_equal(zmesos_events_receive(events, TIMEOUT_MS, &event, &error), 1);
    while (strcmp(event.topic, "first") == 0);
    return events;
}

/* ---- the tests ---- */

static void an_event_is_whole_whenever_a_signal_comes(void **state)
{
    struct peer peer = peer_of(ZMQ_PUB);
    struct zmesos_events *events = subscription_to(&peer);
    struct zmesos_event event;
    struct zmesos_error error;

    (void)state;
    for (int frame = 1; frame <= 3; frame++) {
        zmq_pollitem_t item = {.socket = zmesos_events_socket(events), .events = ZMQ_POLLIN};

        publish(&peer, "one");
        publish(&peer, "another");
        assert_int_equal(zmq_poll(&item, 1, TIMEOUT_MS), 1);
        interrupted = frame;
        assert_int_equal(zmesos_events_receive(events, TIMEOUT_MS, &event, &error), 1);
        assert_int_equal(interrupted, 0);
        assert_string_equal(event.topic, "one");
        assert_int_equal(zmesos_events_receive(events, TIMEOUT_MS, &event, &error), 1);
        assert_string_equal(event.topic, "another");
    }
    zmesos_events_destroy(events);
    peer_end(&peer);
}

static void a_request_leaves_when_a_signal_comes(void **state)
{
    struct peer peer = peer_of(ZMQ_ROUTER);
    struct zmesos_client *client = NULL;
    struct zmesos_error error;
    zmq_pollitem_t item = {.socket = peer.socket, .events = ZMQ_POLLIN};

    (void)state;
    assert_int_equal(zmesos_client_create(peer.endpoint, &client, &error), ZMESOS_OK);
    interrupted = 1;
    assert_int_equal(zmesos_send(client, "x", 1, &error), ZMESOS_OK);
    assert_int_equal(interrupted, 0);
    assert_int_equal(zmq_poll(&item, 1, 5000), 1);
    zmesos_client_destroy(client);
    peer_end(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(an_event_is_whole_whenever_a_signal_comes),
            cmocka_unit_test(a_request_leaves_when_a_signal_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
