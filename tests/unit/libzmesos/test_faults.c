/* libzmesos where signals come, where timeouts are the longest there are, and where connections end as soon
 * as they begin. The other side is libzmq alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
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
    assert_int_equal(zmq_poll(&item, 1, TIMEOUT_MS), 1);
    zmesos_client_destroy(client);
    peer_end(&peer);
}

static void *answer_one(void *context)
{
    const struct peer *peer = context;
    char request[1];

    if (zmq_recv(peer->socket, request, sizeof request, 0) >= 0)
        zmq_send(peer->socket, "y", 1, 0);
    return NULL;
}

static void the_longest_timeout_there_is(void **state)
{
    struct peer publisher = peer_of(ZMQ_PUB), daemon = peer_of(ZMQ_REP);
    struct zmesos_events *events = subscription_to(&publisher);
    struct zmesos_client *client = NULL;
    struct zmesos_event event;
    struct zmesos_error error;
    const void *reply = NULL;
    size_t size = 0;
    pthread_t thread;

    (void)state;
    publish(&publisher, "one");
    assert_int_equal(zmesos_events_receive(events, INT64_MAX, &event, &error), 1);
    assert_int_equal(zmesos_client_create(daemon.endpoint, &client, &error), ZMESOS_OK);
    zmesos_client_set_timeout(client, INT64_MAX);
    for (int once = 0; once < 2; once++) {
        assert_int_equal(pthread_create(&thread, NULL, answer_one, &daemon), 0);
        assert_int_equal(once ? zmesos_call_once(client, "x", 1, &reply, &size, &error)
                              : zmesos_call(client, "x", 1, &reply, &size, &error),
                ZMESOS_OK);
        pthread_join(thread, NULL);
        assert_int_equal(size, 1);
    }
    zmesos_client_destroy(client);
    zmesos_events_destroy(events);
    peer_end(&publisher);
    peer_end(&daemon);
}

/* ---- connections that end as soon as they begin: a tunnel behind which nobody is ---- */

#define ENDS 2500       /* more than libzmq keeps reports of, if it is let */
#define CONNECTIONS 200 /* at a time: each is made again after a tenth of a second */
#define SILENCE_S 20

struct tunnel {
    int listener, port;
    char endpoint[ENDPOINT_MAX];
    atomic_int ends;
    pthread_t thread;
};

static void *end_all(void *context)
{
    struct tunnel *tunnel = context;
    int connection;

    while ((connection = accept(tunnel->listener, NULL, NULL)) >= 0) {
        close(connection);
        atomic_fetch_add(&tunnel->ends, 1);
    }
    return NULL;
}

static void tunnel_begin(struct tunnel *tunnel)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;

    tunnel->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(tunnel->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(tunnel->listener, CONNECTIONS), 0);
    assert_int_equal(getsockname(tunnel->listener, (struct sockaddr *)&address, &size), 0);
    tunnel->port = ntohs(address.sin_port);
    snprintf(tunnel->endpoint, sizeof tunnel->endpoint, "tcp://127.0.0.1:%d", tunnel->port);
    atomic_init(&tunnel->ends, 0);
    assert_int_equal(pthread_create(&tunnel->thread, NULL, end_all, tunnel), 0);
}

static void tunnel_end(struct tunnel *tunnel)
{
    shutdown(tunnel->listener, SHUT_RDWR);
    pthread_join(tunnel->thread, NULL);
    close(tunnel->listener);
}

/* It is to try again for ever, whether or not anybody asks how the connection is. */
static void any_number_of_connections_end(void **state)
{
    struct zmesos_events *events = NULL;
    struct zmesos_error error;
    struct tunnel tunnel;
    char endpoint[ENDPOINT_MAX];
    int ends = 0, silent = 0;

    (void)state;
    tunnel_begin(&tunnel);
    assert_int_equal(zmesos_events_create(tunnel.endpoint, &events, &error), ZMESOS_OK);
    for (int i = 1; i < CONNECTIONS;
            i++) { /* each from an address of its own: libzmq takes no endpoint twice */
        snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.%d:0;127.0.0.1:%d", i, tunnel.port);
        assert_int_equal(zmq_connect(zmesos_events_socket(events), endpoint), 0);
    }
    while (ends < ENDS) {
        int before = ends;

        sleep(1);
        ends = atomic_load(&tunnel.ends);
        silent = ends == before ? silent + 1 : 0;
        if (silent == SILENCE_S)
            fail_msg("after %d connections there is no other", ends);
    }
    zmesos_events_destroy(events); /* and this comes to its end */
    tunnel_end(&tunnel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(an_event_is_whole_whenever_a_signal_comes),
            cmocka_unit_test(a_request_leaves_when_a_signal_comes),
            cmocka_unit_test(the_longest_timeout_there_is),
            cmocka_unit_test(any_number_of_connections_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
