/* The front as a whole, and control: REP with real REQ and DEALER clients. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "front_private.h"
#include "rig.h"

static struct front *try_create(
        const char *control, const char *pipeline, int hwm, int *rc, struct error *err)
{
    struct front_callbacks callbacks = {.context = NULL};
    struct front_config config;
    struct front *front = NULL;

    front_config_init(&config);
    config.control = control;
    config.pipeline = pipeline;
    config.events = "tcp://127.0.0.1:*";
    config.events_hwm = hwm;
    *rc = front_create(&config, &callbacks, &front, err);
    return front;
}

static void test_create_says_what_cannot_be_bound(void **state)
{
    struct rig rig;
    struct error err;
    int rc;

    (void)state;
    rig_init(&rig, 0);
    assert_null(try_create("tcp://127.0.0.1:*", front_control_endpoint(rig.front), 1, &rc, &err));
    assert_int_equal(rc, ERR_CONFLICT);
    assert_non_null(strstr(err.text, front_control_endpoint(rig.front)));
    assert_string_equal(err.field, "pipeline");

    assert_null(try_create("nonsense", "tcp://127.0.0.1:*", 1, &rc, &err));
    assert_int_equal(rc, ERR_INVALID);
    assert_non_null(strstr(err.text, "nonsense"));
    assert_string_equal(err.field, "control");

    assert_null(try_create("bogus://127.0.0.1:1", "tcp://127.0.0.1:*", 1, &rc, NULL));
    assert_int_equal(rc, ERR_INVALID);

    assert_null(try_create("tcp://127.0.0.1:*", "tcp://127.0.0.1:*", 0, &rc, &err));
    assert_int_equal(rc, ERR_INVALID);
    assert_string_equal(err.field, "events_hwm");
    rig_clear(&rig);
}

static int option_of(void *socket, int option)
{
    int value = -2;
    size_t size = sizeof value;

    assert_int_equal(zmq_getsockopt(socket, option, &value, &size), 0);
    return value;
}

/* Heartbeats of ZeroMQ end the process: when a socket reads no more, since the disk is behind, and one of its
 * peers, of which more is waiting than it keeps, is reset, the next heartbeat finds no connection and asserts
 * that there is one. */
static void test_peers_are_watched_by_tcp_and_not_by_heartbeats(void **state)
{
    struct rig rig;
    void *sockets[4];

    (void)state;
    rig_init_json(&rig);
    sockets[0] = rig.front->control;
    sockets[1] = rig.front->pipeline;
    sockets[2] = rig.front->events;
    sockets[3] = rig.front->events_json;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(option_of(sockets[i], ZMQ_HEARTBEAT_IVL), 0);
        assert_int_equal(option_of(sockets[i], ZMQ_TCP_KEEPALIVE), 1);
        assert_int_equal(option_of(sockets[i], ZMQ_TCP_KEEPALIVE_IDLE), 30);
    }
    rig_clear(&rig);
}

static void test_defaults_are_those_of_the_protocol(void **state)
{
    struct front_config config;

    (void)state;
    front_config_init(&config);
    assert_string_equal(config.control, "tcp://127.0.0.1:5560");
    assert_string_equal(config.pipeline, "tcp://127.0.0.1:5561");
    assert_string_equal(config.events, "tcp://127.0.0.1:5562");
    assert_null(config.events_json);
    assert_int_equal(config.events_hwm, 100000);
}

static void test_endpoints_have_their_ports(void **state)
{
    struct rig rig;
    zmq_pollitem_t items[FRONT_POLL_ITEMS];

    (void)state;
    rig_init(&rig, 0);
    assert_null(strchr(front_control_endpoint(rig.front), '*'));
    assert_null(strchr(front_pipeline_endpoint(rig.front), '*'));
    assert_null(strchr(front_events_endpoint(rig.front), '*'));
    assert_int_equal(front_poll_items(rig.front, true, items), 3);
    assert_int_equal(front_poll_items(rig.front, false, items), 1);
    assert_null(front_events_json_endpoint(rig.front));
    rig_clear(&rig);
    rig_init_json(&rig);
    assert_null(strchr(front_events_json_endpoint(rig.front), '*'));
    assert_int_equal(front_poll_items(rig.front, true, items), 4);
    assert_int_equal(front_poll_items(rig.front, false, items), 2);
    rig_clear(&rig);
}

static void test_control_answers_at_once_and_many_times(void **state)
{
    struct rig rig;
    void *client;
    int i;

    (void)state;
    rig_init(&rig, 0);
    rig.answer = true;
    client = rig_connect(&rig, ZMQ_REQ, front_control_endpoint(rig.front));
    for (i = 0; i < 200; i++) {
        rig_send_ping(client, "again");
        rig_expect_reply(&rig, client, "again", ZMESOS__V1__CODE__OK);
    }
    assert_int_equal(front_counts(rig.front).requests, 200);
    zmq_close(client);
    rig_clear(&rig);
}

static void test_control_waits_while_a_reply_is_deferred(void **state)
{
    struct rig rig;
    void *first, *second, *other;
    FILE *log = tmpfile();
    int saved = dup(STDERR_FILENO);

    (void)state;
    rig_init(&rig, 0);
    first = rig_connect(&rig, ZMQ_REQ, front_control_endpoint(rig.front));
    second = rig_connect(&rig, ZMQ_REQ, front_control_endpoint(rig.front));
    other = rig_connect(&rig, ZMQ_REQ, front_pipeline_endpoint(rig.front));
    rig_send_ping(first, "first");
    rig_wait_requests(&rig, 1);
    /* reading now is an error of the socket, which the log would show */
    assert_non_null(log);
    assert_true(dup2(fileno(log), STDERR_FILENO) >= 0);
    rig_send_ping(second, "second");
    /* pipeline goes on meanwhile, and shows that turns are taken */
    rig_send_ping(other, "other");
    rig_wait_requests(&rig, 2);
    assert_string_equal(rig.requests[1].id, "other");
    rig_turn(&rig, true);
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    assert_int_equal(lseek(fileno(log), 0, SEEK_END), 0);
    assert_int_equal(rig.count, 2);

    rig_answer(&rig, 0);
    rig_expect_reply(&rig, first, "first", ZMESOS__V1__CODE__OK);
    rig_wait_requests(&rig, 3);
    assert_string_equal(rig.requests[2].id, "second");
    /* an answer to the first again is nobody's */
    rig_answer(&rig, 0);
    rig_answer(&rig, 2);
    rig_expect_reply(&rig, second, "second", ZMESOS__V1__CODE__OK);
    close(saved);
    fclose(log);
    zmq_close(first);
    zmq_close(second);
    zmq_close(other);
    rig_clear(&rig);
}

static void expect_refusal(
        struct rig *rig, void *client, const char *id, Zmesos__V1__Code code, const char *word)
{
    Zmesos__V1__Reply *reply = rig_receive_reply(rig, client, id, code);

    assert_non_null(reply->message);
    if (!strstr(reply->message, word))
        fail_msg("\"%s\" does not say \"%s\"", reply->message, word);
    assert_true(reply->has_version);
    assert_int_equal(reply->version, 1);
    assert_true(reply->has_retry);
    assert_false(reply->retry);
    zmesos__v1__reply__free_unpacked(reply, NULL);
}

static void check_bad_bodies(struct rig *rig, void *client)
{
    uint8_t ping[64];
    size_t length = rig_ping("mine", ping, sizeof ping);
    uint8_t *large = alloc_zeroed(1, FRONT_REQUEST_MAX + 1);

    rig_send(client, "", 0, false);
    expect_refusal(rig, client, NULL, ZMESOS__V1__CODE__MALFORMED, "empty");
    rig_send(client, ping, length, true);
    rig_send(client, "more", 4, false);
    expect_refusal(rig, client, "mine", ZMESOS__V1__CODE__MALFORMED, "2 came");
    rig_send(client, "", 0, true);
    rig_send(client, "", 0, true);
    rig_send(client, ping, length, false);
    expect_refusal(rig, client, NULL, ZMESOS__V1__CODE__MALFORMED, "3 came");
    rig_send(client, "\xff\xff\xff", 3, false);
    expect_refusal(rig, client, NULL, ZMESOS__V1__CODE__MALFORMED, "");
    /* at the limit it is read (and malformed: zeros are no fields); one past it is too large */
    memcpy(large, ping, length);
    rig_send(client, large, FRONT_REQUEST_MAX, false);
    expect_refusal(rig, client, "mine", ZMESOS__V1__CODE__MALFORMED, "");
    rig_send(client, large, FRONT_REQUEST_MAX + 1, false);
    expect_refusal(rig, client, "mine", ZMESOS__V1__CODE__TOO_LARGE, "1048577");
    free(large);
}

static void test_control_refuses_bad_bodies(void **state)
{
    struct rig rig;
    void *client;

    (void)state;
    rig_init(&rig, 0);
    client = rig_connect(&rig, ZMQ_REQ, front_control_endpoint(rig.front));
    check_bad_bodies(&rig, client);
    assert_int_equal(rig.count, 0);
    assert_int_equal(front_counts(rig.front).refused, 6);
    zmq_close(client);
    rig_clear(&rig);
}

static void test_pipeline_refuses_bad_bodies(void **state)
{
    struct rig rig;
    void *client;

    (void)state;
    rig_init(&rig, 0);
    client = rig_connect(&rig, ZMQ_REQ, front_pipeline_endpoint(rig.front));
    check_bad_bodies(&rig, client);
    assert_int_equal(rig.count, 0);
    assert_int_equal(front_counts(rig.front).refused, 6);
    zmq_close(client);
    rig_clear(&rig);
}

/* REP wakes the poll for this and throws it away: a receive that waits would hang here for ever. */
static void test_control_survives_frames_without_delimiter(void **state)
{
    struct rig rig;
    void *dealer, *client;
    int i;

    (void)state;
    rig_init(&rig, 0);
    rig.answer = true;
    dealer = rig_connect(&rig, ZMQ_DEALER, front_control_endpoint(rig.front));
    for (i = 0; i < 10; i++) {
        rig_send_ping(dealer, "no delimiter");
        rig_send(dealer, "a", 1, true);
        rig_send(dealer, "b", 1, false);
        rig_send(dealer, "", 0, false);
    }
    /* behind these on the same connection */
    rig_send(dealer, "", 0, true);
    rig_send_ping(dealer, "with one");
    rig_wait_requests(&rig, 1);
    assert_string_equal(rig.requests[0].id, "with one");
    client = rig_connect(&rig, ZMQ_REQ, front_control_endpoint(rig.front));
    rig_send_ping(client, "after");
    rig_expect_reply(&rig, client, "after", ZMESOS__V1__CODE__OK);
    zmq_close(dealer);
    zmq_close(client);
    rig_clear(&rig);
}

/* Past ZMQ_MAXMSGSIZE libzmq cuts the connection; others do not notice. */
static void check_cut_above_message_max(const char *(*endpoint_of)(const struct front *))
{
    struct rig rig;
    void *client, *monitor, *other;
    uint8_t *large = alloc_zeroed(1, (size_t)FRONT_MESSAGE_MAX + 1);

    rig_init(&rig, 0);
    rig.answer = true;
    client = rig_connect(&rig, ZMQ_REQ, endpoint_of(rig.front));
    monitor = rig_monitor(&rig, client, ZMQ_EVENT_DISCONNECTED);
    rig_send(client, large, (size_t)FRONT_MESSAGE_MAX, false);
    rig_expect_reply(&rig, client, NULL, ZMESOS__V1__CODE__TOO_LARGE);
    rig_send(client, large, (size_t)FRONT_MESSAGE_MAX + 1, false);
    rig_wait_event(&rig, monitor, ZMQ_EVENT_DISCONNECTED);
    other = rig_connect(&rig, ZMQ_REQ, endpoint_of(rig.front));
    rig_send_ping(other, "other");
    rig_expect_reply(&rig, other, "other", ZMESOS__V1__CODE__OK);
    zmq_close(client);
    zmq_close(monitor);
    zmq_close(other);
    free(large);
    rig_clear(&rig);
}

static void test_control_cuts_above_message_max(void **state)
{
    (void)state;
    check_cut_above_message_max(front_control_endpoint);
}

static void test_pipeline_cuts_above_message_max(void **state)
{
    (void)state;
    check_cut_above_message_max(front_pipeline_endpoint);
}

/* A client that gave up on its first request and asked again takes the second answer, not the late first one.
 */
static void check_relaxed(struct rig *rig, const char *endpoint, bool in_one_line)
{
    int one = 1;
    void *client = zmq_socket(rig->context, ZMQ_REQ);
    size_t before = rig->count;

    assert_int_equal(zmq_setsockopt(client, ZMQ_REQ_RELAXED, &one, sizeof one), 0);
    assert_int_equal(zmq_setsockopt(client, ZMQ_REQ_CORRELATE, &one, sizeof one), 0);
    assert_int_equal(zmq_setsockopt(client, ZMQ_LINGER, &one, sizeof one), 0);
    assert_int_equal(zmq_connect(client, endpoint), 0);
    rig_send_ping(client, "lost");
    rig_wait_requests(rig, before + 1);
    rig_send_ping(client, "again");
    if (in_one_line)
        rig_answer(rig, before);
    rig_wait_requests(rig, before + 2);
    if (!in_one_line)
        rig_answer(rig, before);
    rig_answer(rig, before + 1);
    rig_expect_reply(rig, client, "again", ZMESOS__V1__CODE__OK);
    zmq_close(client);
}

static void test_relaxed_and_correlated_clients_are_served(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig, 0);
    check_relaxed(&rig, front_control_endpoint(rig.front), true);
    check_relaxed(&rig, front_pipeline_endpoint(rig.front), false);
    rig_clear(&rig);
}

static void test_control_forgets_a_peer_that_went(void **state)
{
    struct rig rig;
    void *client, *monitor, *next;

    (void)state;
    rig_init(&rig, 0);
    client = rig_connect(&rig, ZMQ_REQ, front_control_endpoint(rig.front));
    rig_send_ping(client, "gone");
    rig_wait_requests(&rig, 1);
    monitor = rig_monitor(&rig, client, ZMQ_EVENT_MONITOR_STOPPED);
    zmq_close(client);
    rig_wait_event(&rig, monitor, ZMQ_EVENT_MONITOR_STOPPED);
    zmq_close(monitor);
    rig_answer(&rig, 0);
    next = rig_connect(&rig, ZMQ_REQ, front_control_endpoint(rig.front));
    rig_send_ping(next, "next");
    rig_wait_requests(&rig, 2);
    rig_answer(&rig, 1);
    rig_expect_reply(&rig, next, "next", ZMESOS__V1__CODE__OK);
    zmq_close(next);
    rig_clear(&rig);
}

static void test_requests_are_left_alone_when_not_reading(void **state)
{
    struct rig rig;
    void *control, *pipeline;
    zmq_pollitem_t items[FRONT_POLL_ITEMS];
    int i;

    (void)state;
    rig_init(&rig, 0);
    rig.answer = true;
    control = rig_connect(&rig, ZMQ_REQ, front_control_endpoint(rig.front));
    pipeline = rig_connect(&rig, ZMQ_REQ, front_pipeline_endpoint(rig.front));
    rig_send_ping(control, "a");
    rig_send_ping(pipeline, "b");
    /* both have arrived: the sockets are readable, and stay so */
    assert_int_equal(front_poll_items(rig.front, true, items), 3);
    assert_true(zmq_poll(&items[1], 1, RIG_PATIENCE_MS) == 1);
    assert_true(zmq_poll(&items[2], 1, RIG_PATIENCE_MS) == 1);
    for (i = 0; i < 5; i++)
        assert_false(rig_turn(&rig, false));
    assert_int_equal(rig.count, 0);
    assert_true(zmq_poll(&items[1], 1, 0) == 1);
    assert_true(zmq_poll(&items[2], 1, 0) == 1);
    rig_expect_reply(&rig, control, "a", ZMESOS__V1__CODE__OK);
    rig_expect_reply(&rig, pipeline, "b", ZMESOS__V1__CODE__OK);
    zmq_close(control);
    zmq_close(pipeline);
    rig_clear(&rig);
}

static void test_tokens_of_nobody_are_ignored(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig, 0);
    front_reply(rig.front, 0, slice_of("x", 1));
    front_reply(rig.front, 1, slice_of("x", 1));
    front_reply(rig.front, UINT64_MAX, slice_of("x", 1));
    front_reply(rig.front, (front_token)1 << 32, slice_of("x", 1));
    assert_int_equal(front_counts(rig.front).replies_lost, 0);
    rig_clear(&rig);
}

/* Requests nobody read, replies nobody takes, publications nobody reads: the end comes all the same. */
static void test_ends_with_messages_unread(void **state)
{
    struct rig rig;
    void *control, *pipeline, *subscriber;
    struct blob *large;
    zmq_pollitem_t items[FRONT_POLL_ITEMS];
    uint8_t *bytes = alloc_zeroed(1, 1 << 20);
    int i;

    (void)state;
    rig_init(&rig, 0);
    control = rig_connect(&rig, ZMQ_REQ, front_control_endpoint(rig.front));
    pipeline = rig_connect(&rig, ZMQ_DEALER, front_pipeline_endpoint(rig.front));
    subscriber = rig_connect(&rig, ZMQ_SUB, front_events_endpoint(rig.front));
    assert_int_equal(zmq_setsockopt(subscriber, ZMQ_SUBSCRIBE, "", 0), 0);
    rig_send_ping(control, "unanswered");
    for (i = 0; i < 100; i++) {
        rig_send(pipeline, "", 0, true);
        rig_send_ping(pipeline, "many");
    }
    rig_wait_requests(&rig, 20);
    front_poll_items(rig.front, true, items);
    large = blob_create(bytes, 1 << 20);
    for (i = 0; i < 50; i++) {
        if (i % 2)
            front_reply(rig.front, rig.requests[i % 20].token, blob_slice(large));
        front_publish(rig.front, "topic", large, large);
    }
    blob_unref(large);
    free(bytes);
    front_destroy(rig.front);
    rig.front = NULL;
    zmq_close(control);
    zmq_close(pipeline);
    zmq_close(subscriber);
    rig_clear(&rig);
    front_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_create_says_what_cannot_be_bound),
            cmocka_unit_test(test_defaults_are_those_of_the_protocol),
            cmocka_unit_test(test_peers_are_watched_by_tcp_and_not_by_heartbeats),
            cmocka_unit_test(test_endpoints_have_their_ports),
            cmocka_unit_test(test_control_answers_at_once_and_many_times),
            cmocka_unit_test(test_control_waits_while_a_reply_is_deferred),
            cmocka_unit_test(test_control_refuses_bad_bodies),
            cmocka_unit_test(test_pipeline_refuses_bad_bodies),
            cmocka_unit_test(test_control_survives_frames_without_delimiter),
            cmocka_unit_test(test_control_cuts_above_message_max),
            cmocka_unit_test(test_pipeline_cuts_above_message_max),
            cmocka_unit_test(test_relaxed_and_correlated_clients_are_served),
            cmocka_unit_test(test_control_forgets_a_peer_that_went),
            cmocka_unit_test(test_requests_are_left_alone_when_not_reading),
            cmocka_unit_test(test_tokens_of_nobody_are_ignored),
            cmocka_unit_test(test_ends_with_messages_unread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
