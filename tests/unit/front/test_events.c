/* events: XPUB with real SUB clients. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "rig.h"

static void subscribe(void *subscriber, const char *prefix)
{
    assert_int_equal(zmq_setsockopt(subscriber, ZMQ_SUBSCRIBE, prefix, strlen(prefix)), 0);
}

static void publish(struct rig *rig, const char *topic, const char *header, const char *body)
{
    struct blob *header_blob = blob_create(header, strlen(header));
    struct blob *body_blob = blob_create(body, strlen(body));

    front_publish(rig->front, topic, header_blob, body_blob);
    blob_unref(header_blob);
    blob_unref(body_blob);
}

static void expect(struct rig *rig, void *subscriber, const char *topic, const char *header, const char *body)
{
    const char *frames[3] = {topic, header, body};
    int i;

    for (i = 0; i < 3; i++) {
        size_t length;
        bool more;
        uint8_t *frame = rig_receive(rig, subscriber, &length, &more);

        assert_string_equal((char *)frame, frames[i]);
        assert_int_equal(length, strlen(frames[i]));
        assert_int_equal(more, i < 2);
        free(frame);
    }
}

/* Publishes `topic` until the subscriber has it: the subscription is in effect then. What came meanwhile is
 * read. */
static void wait_subscribed(struct rig *rig, void *subscriber, const char *topic)
{
    static unsigned number;
    int64_t end = clock_read().mono_ms + RIG_PATIENCE_MS;
    zmq_pollitem_t item = {.socket = subscriber, .events = ZMQ_POLLIN};
    char last[32];
    bool found = false;

    while (zmq_poll(&item, 1, 0) == 0) {
        rig_turn(rig, true);
        publish(rig, topic, "", "");
        assert_true(clock_read().mono_ms < end);
    }
    snprintf(last, sizeof last, "last %u", ++number);
    publish(rig, topic, last, "");
    while (!found) {
        size_t length;
        bool more;
        uint8_t *frame;

        free(rig_receive(rig, subscriber, &length, &more));
        frame = rig_receive(rig, subscriber, &length, &more);
        found = strcmp((char *)frame, last) == 0;
        free(frame);
        free(rig_receive(rig, subscriber, &length, &more));
        assert_false(more);
    }
}

static void test_a_prefix_gets_exactly_its_topics(void **state)
{
    struct rig rig;
    void *one, *all;
    char long_text[5000];

    (void)state;
    memset(long_text, 'l', sizeof long_text);
    long_text[sizeof long_text - 1] = 0;
    rig_init(&rig, 0);
    one = rig_connect(&rig, ZMQ_SUB, front_events_endpoint(rig.front));
    all = rig_connect(&rig, ZMQ_SUB, front_events_endpoint(rig.front));
    subscribe(one, "task/job1/");
    subscribe(all, "");
    wait_subscribed(&rig, one, "task/job1/");
    wait_subscribed(&rig, all, "all");
    publish(&rig, "task/job1/QUEUED", "h1", "b1");
    publish(&rig, "task/job10/QUEUED", "h2", "b2");
    publish(&rig, "task/job1", "h3", "b3");
    publish(&rig, "mesos/UPDATE/job1/1", "h4", "b4");
    publish(&rig, "task/job1/RUNNING", long_text, "");
    publish(&rig, "task/job1/FINISHED", "0123456789012345678901234567890123",
            "012345678901234567890123456789012");
    expect(&rig, one, "task/job1/QUEUED", "h1", "b1");
    expect(&rig, one, "task/job1/RUNNING", long_text, "");
    expect(&rig, one, "task/job1/FINISHED", "0123456789012345678901234567890123",
            "012345678901234567890123456789012");
    expect(&rig, all, "task/job1/QUEUED", "h1", "b1");
    expect(&rig, all, "task/job10/QUEUED", "h2", "b2");
    expect(&rig, all, "task/job1", "h3", "b3");
    expect(&rig, all, "mesos/UPDATE/job1/1", "h4", "b4");
    expect(&rig, all, "task/job1/RUNNING", long_text, "");
    expect(&rig, all, "task/job1/FINISHED", "0123456789012345678901234567890123",
            "012345678901234567890123456789012");
    zmq_close(one);
    zmq_close(all);
    rig_clear(&rig);
}

/* A blob is shared with libzmq's threads and outlives our reference. */
static void test_blobs_are_shared_with_many_subscribers(void **state)
{
    enum { SUBSCRIBERS = 4, MESSAGES = 200, SIZE = 20000 };
    struct rig rig;
    void *subscribers[SUBSCRIBERS];
    uint8_t *bytes = alloc_bytes(SIZE);
    int i, j;

    (void)state;
    rig_init(&rig, 0);
    for (i = 0; i < SUBSCRIBERS; i++) {
        subscribers[i] = rig_connect(&rig, ZMQ_SUB, front_events_endpoint(rig.front));
        subscribe(subscribers[i], "t");
        wait_subscribed(&rig, subscribers[i], "t");
        /* others saw these too */
        for (j = 0; j < i; j++)
            while (zmq_recv(subscribers[j], bytes, SIZE, ZMQ_DONTWAIT) >= 0)
                ;
    }
    for (i = 0; i < MESSAGES; i++) {
        struct blob *blob;

        memset(bytes, i, SIZE);
        blob = blob_create(bytes, SIZE);
        front_publish(rig.front, "t", blob, blob);
        blob_unref(blob);
    }
    for (j = 0; j < SUBSCRIBERS; j++) {
        for (i = 0; i < MESSAGES;) {
            size_t length;
            bool more;
            uint8_t *frame;

            free(rig_receive(&rig, subscribers[j], &length, &more));
            frame = rig_receive(&rig, subscribers[j], &length, &more);
            if (length == SIZE) {
                assert_int_equal(frame[0], (uint8_t)i);
                assert_int_equal(frame[SIZE - 1], (uint8_t)i);
                i++;
            }
            free(frame);
            free(rig_receive(&rig, subscribers[j], &length, &more));
            assert_false(more);
        }
    }
    for (j = 0; j < SUBSCRIBERS; j++)
        zmq_close(subscribers[j]);
    free(bytes);
    rig_clear(&rig);
}

/* Past the high-water mark a subscriber that does not read loses messages; the publisher never waits, and a
 * subscriber that reads has them all. */
static void test_a_stalled_subscriber_stops_nobody(void **state)
{
    enum { HWM = 100, MESSAGES = 3000, SIZE = 10000 };
    struct rig rig;
    void *stalled, *healthy;
    struct blob *blob;
    uint8_t *bytes = alloc_zeroed(1, SIZE);
    int one = 1, i, got;

    (void)state;
    rig_init(&rig, HWM);
    healthy = rig_connect(&rig, ZMQ_SUB, front_events_endpoint(rig.front));
    stalled = zmq_socket(rig.context, ZMQ_SUB);
    assert_int_equal(zmq_setsockopt(stalled, ZMQ_RCVHWM, &one, sizeof one), 0);
    assert_int_equal(zmq_connect(stalled, front_events_endpoint(rig.front)), 0);
    subscribe(healthy, "");
    subscribe(stalled, "s");
    wait_subscribed(&rig, stalled, "s");
    wait_subscribed(&rig, healthy, "h");
    blob = blob_create(bytes, SIZE);
    for (i = 0; i < MESSAGES; i++) {
        front_publish(rig.front, "s", blob, blob);
        /* the healthy one is a message behind at most */
        for (got = 0; got < 3;) {
            size_t length;
            bool more;

            free(rig_receive(&rig, healthy, &length, &more));
            got++;
        }
    }
    for (got = 0; zmq_recv(stalled, bytes, SIZE, ZMQ_DONTWAIT) >= 0;)
        got++;
    assert_true(got < 3 * MESSAGES);
    assert_int_equal(got % 3, 0);
    blob_unref(blob);
    free(bytes);
    zmq_close(stalled);
    zmq_close(healthy);
    rig_clear(&rig);
}

/* They come up as messages; 64 a turn are read, and none is left in the end. While none is read they come in:
 * the last one is in effect when all of them wait. */
static void test_subscriptions_are_drained(void **state)
{
    enum { COUNT = 500 };
    struct rig rig;
    void *subscriber;
    zmq_pollitem_t items[FRONT_POLL_ITEMS];
    int64_t end = clock_read().mono_ms + RIG_PATIENCE_MS;
    char prefix[32];
    int i, full = 0;

    (void)state;
    rig_init(&rig, 0);
    subscriber = rig_connect(&rig, ZMQ_SUB, front_events_endpoint(rig.front));
    for (i = 0; i < COUNT; i++) {
        snprintf(prefix, sizeof prefix, "prefix/%d/", i);
        subscribe(subscriber, prefix);
    }
    subscribe(subscriber, "last");
    while (zmq_poll(&(zmq_pollitem_t){.socket = subscriber, .events = ZMQ_POLLIN}, 1, 20) == 0) {
        publish(&rig, "last", "", "");
        assert_true(clock_read().mono_ms < end);
    }
    while (rig_turn(&rig, false))
        full++;
    assert_int_equal(full, COUNT / 64);
    assert_int_equal(front_poll_items(rig.front, false, items), 1);
    assert_int_equal(zmq_poll(items, 1, 0), 0);
    zmq_close(subscriber);
    rig_clear(&rig);
}

static void test_long_subscriptions_are_cut(void **state)
{
    /* libzmq puts a command's name of ten bytes before the prefix, or a single byte for older peers */
    const size_t fits = (size_t)FRONT_SUBSCRIPTION_MAX - 10, does_not = (size_t)FRONT_SUBSCRIPTION_MAX;
    struct rig rig;
    void *subscriber, *monitor;
    char *prefix = alloc_zeroed(1, does_not + 1);

    (void)state;
    memset(prefix, 'p', fits);
    rig_init(&rig, 0);
    subscriber = rig_connect(&rig, ZMQ_SUB, front_events_endpoint(rig.front));
    subscribe(subscriber, prefix);
    wait_subscribed(&rig, subscriber, prefix);
    monitor = rig_monitor(&rig, subscriber, ZMQ_EVENT_DISCONNECTED);
    memset(prefix, 'p', does_not);
    subscribe(subscriber, prefix);
    rig_wait_event(&rig, monitor, ZMQ_EVENT_DISCONNECTED);
    zmq_close(subscriber);
    zmq_close(monitor);
    free(prefix);
    rig_clear(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_a_prefix_gets_exactly_its_topics),
            cmocka_unit_test(test_blobs_are_shared_with_many_subscribers),
            cmocka_unit_test(test_a_stalled_subscriber_stops_nobody),
            cmocka_unit_test(test_subscriptions_are_drained),
            cmocka_unit_test(test_long_subscriptions_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
