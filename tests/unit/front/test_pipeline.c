/* pipeline: ROUTER with real DEALER clients: envelopes, order, peers that go, limits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "rig.h"

static void send_enveloped(void *dealer, const char *id)
{
    rig_send(dealer, "", 0, true);
    rig_send_ping(dealer, id);
}

static void expect_empty(struct rig *rig, void *dealer)
{
    size_t length;
    bool more;

    free(rig_receive(rig, dealer, &length, &more));
    assert_int_equal(length, 0);
    assert_true(more);
}

/* Answers that come in another order carry the ids they belong to. The order is a permutation by a step that
 * has no common factor with the count. */
static void test_many_in_flight_answered_in_another_order(void **state)
{
    enum { COUNT = 1000, STEP = 389 };
    struct rig rig;
    void *dealer;
    char id[32];
    int i;

    (void)state;
    rig_init(&rig, 0);
    dealer = rig_connect(&rig, ZMQ_DEALER, front_pipeline_endpoint(rig.front));
    for (i = 0; i < COUNT; i++) {
        snprintf(id, sizeof id, "r%d", i);
        send_enveloped(dealer, id);
    }
    rig_wait_requests(&rig, COUNT);
    for (i = 0; i < COUNT; i++) {
        snprintf(id, sizeof id, "r%d", i);
        assert_string_equal(rig.requests[i].id, id);
    }
    for (i = 0; i < COUNT; i++)
        rig_answer(&rig, (size_t)i * STEP % COUNT);
    for (i = 0; i < COUNT; i++) {
        snprintf(id, sizeof id, "r%d", i * STEP % COUNT);
        expect_empty(&rig, dealer);
        rig_expect_reply(&rig, dealer, id, ZMESOS__V1__CODE__OK);
    }
    assert_int_equal(front_counts(rig.front).replies_lost, 0);
    zmq_close(dealer);
    rig_clear(&rig);
}

/* Sends `extra` frames, the empty one and a ping, and expects them back with the reply. */
static void send_long_envelope(void *dealer, unsigned extra, size_t frame_size, const char *id)
{
    uint8_t *frame = alloc_bytes(frame_size);
    unsigned i;

    for (i = 0; i < extra; i++) {
        memset(frame, 'a' + (int)i, frame_size);
        rig_send(dealer, frame, frame_size, true);
    }
    free(frame);
    send_enveloped(dealer, id);
}

static void expect_long_envelope(
        struct rig *rig, void *dealer, unsigned extra, size_t frame_size, const char *id)
{
    unsigned i;

    for (i = 0; i < extra; i++) {
        size_t length;
        bool more;
        uint8_t *frame = rig_receive(rig, dealer, &length, &more);

        assert_true(more);
        assert_int_equal(length, frame_size);
        assert_int_equal(frame[0], 'a' + (int)i);
        assert_int_equal(frame[length - 1], 'a' + (int)i);
        free(frame);
    }
    expect_empty(rig, dealer);
    rig_expect_reply(rig, dealer, id, ZMESOS__V1__CODE__OK);
}

static void test_envelopes_have_a_limit_of_frames(void **state)
{
    const unsigned most = FRONT_ENVELOPE_FRAMES_MAX - 2; /* without routing id and empty frame */
    struct rig rig;
    void *dealer;

    (void)state;
    rig_init(&rig, 0);
    rig.answer = true;
    dealer = rig_connect(&rig, ZMQ_DEALER, front_pipeline_endpoint(rig.front));
    send_long_envelope(dealer, most, 9, "most");
    expect_long_envelope(&rig, dealer, most, 9, "most");
    send_long_envelope(dealer, most + 1, 9, "too many");
    send_long_envelope(dealer, 100, 9, "far too many");
    send_long_envelope(dealer, 1, 9, "after");
    expect_long_envelope(&rig, dealer, 1, 9, "after");
    assert_int_equal(front_counts(rig.front).without_envelope, 2);
    assert_int_equal(rig.count, 2);
    zmq_close(dealer);
    rig_clear(&rig);
}

static void test_envelopes_have_a_limit_of_bytes(void **state)
{
    const size_t routing_id = 5; /* libzmq's own choice for a client that sets none */
    const size_t most = FRONT_ENVELOPE_BYTES_MAX - routing_id;
    struct rig rig;
    void *dealer;

    (void)state;
    rig_init(&rig, 0);
    rig.answer = true;
    dealer = rig_connect(&rig, ZMQ_DEALER, front_pipeline_endpoint(rig.front));
    send_long_envelope(dealer, 1, most, "most");
    expect_long_envelope(&rig, dealer, 1, most, "most");
    send_long_envelope(dealer, 1, most + 1, "too long");
    send_long_envelope(dealer, 1, 100000, "far too long");
    send_long_envelope(dealer, 2, most / 2, "two");
    expect_long_envelope(&rig, dealer, 2, most / 2, "two");
    assert_int_equal(front_counts(rig.front).without_envelope, 2);
    zmq_close(dealer);
    rig_clear(&rig);
}

static void test_messages_without_envelope_are_dropped(void **state)
{
    struct rig rig;
    void *dealer;

    (void)state;
    rig_init(&rig, 0);
    rig.answer = true;
    dealer = rig_connect(&rig, ZMQ_DEALER, front_pipeline_endpoint(rig.front));
    rig_send_ping(dealer, "no empty frame");
    rig_send(dealer, "a", 1, true);
    rig_send(dealer, "b", 1, false);
    rig_send(dealer, "", 0, false);
    rig_send(dealer, "a", 1, true);
    rig_send(dealer, "", 0, false);
    send_enveloped(dealer, "good");
    expect_empty(&rig, dealer);
    rig_expect_reply(&rig, dealer, "good", ZMESOS__V1__CODE__OK);
    assert_int_equal(front_counts(rig.front).without_envelope, 4);
    assert_int_equal(rig.count, 1);
    zmq_close(dealer);
    rig_clear(&rig);
}

/* Waits until libzmq has told the front that the peer is gone: replies are lost one after the other from then
 * on. */
static void test_a_peer_that_went_is_forgotten(void **state)
{
    struct rig rig;
    void *dealer, *stays;
    int64_t end = clock_read().mono_ms + RIG_PATIENCE_MS;
    size_t at = 0;

    (void)state;
    rig_init(&rig, 0);
    dealer = rig_connect(&rig, ZMQ_DEALER, front_pipeline_endpoint(rig.front));
    stays = rig_connect(&rig, ZMQ_DEALER, front_pipeline_endpoint(rig.front));
    for (int i = 0; i < 500; i++)
        send_enveloped(dealer, "gone");
    rig_wait_requests(&rig, 500);
    zmq_close(dealer);
    while (front_counts(rig.front).replies_lost == 0 && at < 500) {
        rig_turn(&rig, true);
        rig_answer(&rig, at++);
        assert_true(clock_read().mono_ms < end);
    }
    assert_true(front_counts(rig.front).replies_lost > 0);
    while (at < 500)
        rig_answer(&rig, at++);
    send_enveloped(stays, "stays");
    rig_wait_requests(&rig, 501);
    rig_answer(&rig, 500);
    expect_empty(&rig, stays);
    rig_expect_reply(&rig, stays, "stays", ZMESOS__V1__CODE__OK);
    zmq_close(stays);
    rig_clear(&rig);
}

/* A slot is used again with another generation: a late answer to the old request reaches nobody. */
static void test_an_answer_counts_once(void **state)
{
    struct rig rig;
    void *dealer;

    (void)state;
    rig_init(&rig, 0);
    dealer = rig_connect(&rig, ZMQ_DEALER, front_pipeline_endpoint(rig.front));
    send_enveloped(dealer, "first");
    rig_wait_requests(&rig, 1);
    rig_answer(&rig, 0);
    rig_answer(&rig, 0);
    expect_empty(&rig, dealer);
    rig_expect_reply(&rig, dealer, "first", ZMESOS__V1__CODE__OK);
    send_enveloped(dealer, "second");
    rig_wait_requests(&rig, 2);
    assert_true(rig.requests[0].token != rig.requests[1].token);
    assert_int_equal((uint32_t)rig.requests[0].token, (uint32_t)rig.requests[1].token);
    rig_answer(&rig, 0);
    rig_answer(&rig, 1);
    expect_empty(&rig, dealer);
    rig_expect_reply(&rig, dealer, "second", ZMESOS__V1__CODE__OK);
    zmq_close(dealer);
    rig_clear(&rig);
}

static void test_waiting_requests_have_a_limit(void **state)
{
    struct rig rig;
    void *dealer;
    Zmesos__V1__Reply *reply;
    int i;

    (void)state;
    rig_init(&rig, 0);
    dealer = rig_connect(&rig, ZMQ_DEALER, front_pipeline_endpoint(rig.front));
    for (i = 0; i < FRONT_WAITING_MAX; i++) {
        send_enveloped(dealer, "waits");
        if (i % 500 == 0)
            rig_wait_requests(&rig, (size_t)i);
    }
    rig_wait_requests(&rig, FRONT_WAITING_MAX);
    send_enveloped(dealer, "one more");
    expect_empty(&rig, dealer);
    reply = rig_receive_reply(&rig, dealer, "one more", ZMESOS__V1__CODE__UNAVAILABLE);
    assert_true(reply->retry);
    zmesos__v1__reply__free_unpacked(reply, NULL);
    assert_int_equal(rig.count, FRONT_WAITING_MAX);

    rig_answer(&rig, 77);
    expect_empty(&rig, dealer);
    rig_expect_reply(&rig, dealer, "waits", ZMESOS__V1__CODE__OK);
    send_enveloped(dealer, "fits");
    rig_wait_requests(&rig, FRONT_WAITING_MAX + 1);
    assert_string_equal(rig.requests[FRONT_WAITING_MAX].id, "fits");
    zmq_close(dealer);
    rig_clear(&rig);
}

/* A peer that asks and never reads loses replies, and nobody waits for it. */
static void test_a_peer_that_does_not_read_stops_nobody(void **state)
{
    struct rig rig;
    void *deaf, *client;
    uint8_t *bytes = alloc_zeroed(1, 4096);
    int one = 1, i;

    (void)state;
    rig_init(&rig, 0);
    deaf = zmq_socket(rig.context, ZMQ_DEALER);
    assert_int_equal(zmq_setsockopt(deaf, ZMQ_RCVHWM, &one, sizeof one), 0);
    assert_int_equal(zmq_setsockopt(deaf, ZMQ_LINGER, &(int){0}, sizeof(int)), 0);
    assert_int_equal(zmq_connect(deaf, front_pipeline_endpoint(rig.front)), 0);
    for (i = 0; front_counts(rig.front).replies_lost == 0 && i < 20 * FRONT_REPLIES_HWM; i++) {
        send_enveloped(deaf, "deaf");
        rig_wait_requests(&rig, rig.count + 1);
        front_reply(rig.front, rig.requests[rig.count - 1].token, slice_of(bytes, 4096));
    }
    assert_true(front_counts(rig.front).replies_lost > 0);
    assert_true(i >= FRONT_REPLIES_HWM);
    client = rig_connect(&rig, ZMQ_REQ, front_pipeline_endpoint(rig.front));
    rig.answer = true;
    rig_send_ping(client, "other");
    rig_expect_reply(&rig, client, "other", ZMESOS__V1__CODE__OK);
    zmq_close(deaf);
    zmq_close(client);
    free(bytes);
    rig_clear(&rig);
}

/* One turn takes at most 64 messages, and says that more may be there. */
static void test_a_turn_is_bounded(void **state)
{
    struct rig rig;
    void *dealer;
    zmq_pollitem_t items[FRONT_POLL_ITEMS];
    bool more;
    int i;

    (void)state;
    rig_init(&rig, 0);
    dealer = rig_connect(&rig, ZMQ_DEALER, front_pipeline_endpoint(rig.front));
    for (i = 0; i < 300; i++)
        send_enveloped(dealer, "x");
    for (i = 0; rig.count < 300; i++) {
        size_t before = rig.count;

        int polled = front_poll_items(rig.front, true, items);

        assert_true(zmq_poll(items, polled, RIG_PATIENCE_MS) > 0);
        more = front_handle(rig.front, true);
        assert_true(rig.count - before <= 64);
        assert_int_equal(more, rig.count - before == 64);
    }
    assert_true(i >= 5);
    zmq_close(dealer);
    rig_clear(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_many_in_flight_answered_in_another_order),
            cmocka_unit_test(test_envelopes_have_a_limit_of_frames),
            cmocka_unit_test(test_envelopes_have_a_limit_of_bytes),
            cmocka_unit_test(test_messages_without_envelope_are_dropped),
            cmocka_unit_test(test_a_peer_that_went_is_forgotten),
            cmocka_unit_test(test_an_answer_counts_once),
            cmocka_unit_test(test_waiting_requests_have_a_limit),
            cmocka_unit_test(test_a_peer_that_does_not_read_stops_nobody),
            cmocka_unit_test(test_a_turn_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
