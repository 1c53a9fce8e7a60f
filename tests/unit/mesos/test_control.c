/* What the caller asks of the client, from outside and from inside its callbacks: pausing, subscribing again,
 * stopping and starting. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct buf three_events(void)
{
    struct buf stream;

    buf_init(&stream, 0);
    harness_frame(&stream, &(struct buf[]){event_subscribed()}[0]);
    harness_frame(&stream, &(struct buf[]){event_heartbeat()}[0]);
    harness_frame(&stream, &(struct buf[]){event_message("payload", 7)}[0]);
    return stream;
}

static void pause_in_callback(struct harness *h, const char *line)
{
    (void)line;
    master_pause(h->master, true, harness_now(h));
}

/* Paused inside each record, in the middle of chunks: all come, in order, one at a time. */
static void test_pause(void **state)
{
    struct harness *h = *state;
    struct buf stream;
    char payload[3000];

    memset(payload, 'p', sizeof payload);
    harness_open(h, "%1");
    harness_subscribe(h);
    h->hook = pause_in_callback;
    buf_init(&stream, 0);
    for (int i = 0; i < 100; ++i) {
        char number[16];

        snprintf(number, sizeof number, "%08d", i);
        memcpy(payload, number, 8);
        harness_frame(&stream, &(struct buf[]){event_message(payload, sizeof payload)}[0]);
    }
    harness_chunk(h->fake, h->stream, stream.data, stream.length);
    for (int i = 0; i < 100; ++i) {
        char line[64];

        snprintf(line, sizeof line, "record 1 MESSAGE %08d (3000)", i);
        harness_expect(h, line);
        if (i % 10 == 0) {
            harness_expect_nothing(h);
        }
        master_pause(h->master, false, harness_now(h));
    }
    h->hook = NULL;
    harness_expect_nothing(h);
    buf_clear(&stream);
}

static void test_pause_suspends_the_watch(void **state)
{
    struct harness *h = *state;

    harness_open(h, "%1");
    harness_subscribe(h);
    master_pause(h->master, true, harness_now(h));
    harness_advance(h, 600000);
    harness_record(h->fake, h->stream, &(struct buf[]){event_heartbeat()}[0]);
    harness_expect_nothing(h);
    master_pause(h->master, false, harness_now(h));
    harness_expect(h, "record 1 HEARTBEAT");
    harness_advance(h, 74000);
    harness_expect_nothing(h);
    harness_advance(h, 2000);
    harness_expect(h, "down 1 LOST");
}

/* Half of each minute in a pause: the other halves are silence all the same. */
static void test_short_pauses_do_not_hide_silence(void **state)
{
    struct harness *h = *state;

    harness_open(h, "%1");
    harness_subscribe(h);
    master_set_heartbeat(h->master, 60000);
    for (int i = 0; i < 9; ++i) {
        master_pause(h->master, true, harness_now(h));
        harness_advance(h, 30000);
        master_pause(h->master, false, harness_now(h));
        harness_advance(h, 30000);
        harness_expect_nothing(h);
    }
    master_pause(h->master, true, harness_now(h));
    harness_advance(h, 30000);
    master_pause(h->master, false, harness_now(h));
    harness_advance(h, 36000);
    assert_non_null(strstr(harness_expect(h, "down 1 LOST"), "silent"));
}

/* What of a pause lies before a SUBSCRIBE is no part of its time. */
static void test_a_subscription_that_begins_late_in_a_pause(void **state)
{
    struct harness *h = *state;

    harness_open(h, "%1");
    harness_subscribe(h);
    master_pause(h->master, true, harness_now(h));
    harness_advance(h, 600000);
    fake_master_close(h->fake, h->stream);
    harness_expect(h, "down 1 LOST");
    harness_request(h, h->fake);
    master_pause(h->master, false, harness_now(h));
    harness_advance(h, h->config.subscribe_timeout_ms);
    assert_non_null(strstr(harness_expect(h, "down 0 LOST"), "no SUBSCRIBED within"));
}

/* The stream ends while records wait behind a pause: they come first, the end after them. */
static void test_pause_then_end(void **state)
{
    struct harness *h = *state;
    struct buf stream;

    harness_open(h, "%1");
    harness_subscribe(h);
    h->hook = pause_in_callback;
    buf_init(&stream, 0);
    harness_frame(&stream, &(struct buf[]){event_message("first", 5)}[0]);
    harness_frame(&stream, &(struct buf[]){event_message("second", 6)}[0]);
    harness_frame(&stream, &(struct buf[]){event_error("over")}[0]);
    harness_chunk(h->fake, h->stream, stream.data, stream.length);
    fake_master_say(h->fake, h->stream, "0\r\n\r\n");
    fake_master_close(h->fake, h->stream);
    harness_expect(h, "record 1 MESSAGE first (5)");
    harness_expect_nothing(h);
    master_pause(h->master, false, harness_now(h));
    harness_expect(h, "record 1 MESSAGE second (6)");
    harness_expect_nothing(h);
    master_pause(h->master, false, harness_now(h));
    harness_expect(h, "record 1 ERROR");
    h->hook = NULL;
    assert_string_equal(harness_expect(h, "down 1 ERROR"), "over");
    buf_clear(&stream);
}

static void test_pause_before_the_first_record(void **state)
{
    struct harness *h = *state;
    const struct fake_request *request;

    harness_open(h, "%1");
    master_pause(h->master, true, harness_now(h));
    request = harness_request(h, h->fake);
    harness_say_ok(h, h->fake, request->connection);
    harness_record(h->fake, request->connection, &(struct buf[]){event_subscribed()}[0]);
    harness_advance(h, 60000);
    harness_expect_nothing(h);
    master_pause(h->master, false, harness_now(h));
    harness_expect(h, "up 1");
    harness_expect(h, "record 1 SUBSCRIBED");
}

static void test_resubscribe(void **state)
{
    struct harness *h = *state;
    int old;

    /* With the second on the list, going there would show that the leader was not asked again. */
    harness_open(h, "%1,%2");
    harness_subscribe(h);
    old = h->stream;
    master_resubscribe(h->master, harness_now(h), 0, "because");
    assert_string_equal(harness_expect(h, "down 1 LOST"), "because");
    harness_subscribe(h);
    assert_false(fake_master_is_open(h->fake, old));

    master_resubscribe(h->master, harness_now(h), 60000, "later");
    harness_expect(h, "down 2 LOST");
    harness_expect_nothing(h);
    harness_advance(h, 58000);
    harness_settle(h);
    assert_null(fake_master_next(h->fake));
    harness_advance(h, 2000);
    harness_subscribe(h);

    /* An attempt under way is given up as well. */
    master_resubscribe(h->master, harness_now(h), 0, "x");
    harness_expect(h, "down 3 LOST");
    harness_request(h, h->fake);
    master_resubscribe(h->master, harness_now(h), 0, "y");
    assert_string_equal(harness_expect(h, "down 0 LOST"), "y");
    harness_subscribe(h);
}

static void test_stop_and_start(void **state)
{
    struct harness *h = *state;

    harness_open(h, "%1");
    harness_subscribe(h);
    master_stop(h->master);
    harness_expect(h, "down 1 LOST");
    harness_expect_nothing(h);
    assert_true(master_deadline(h->master) == INT64_MAX);
    master_resubscribe(h->master, harness_now(h), 0, "no");
    master_stop(h->master);
    harness_expect_nothing(h);
    assert_null(fake_master_next(h->fake));
    master_stop(h->master);
    master_start(h->master, harness_now(h));
    harness_subscribe(h);

    /* Stopped and started in one go: a new subscription. */
    master_stop(h->master);
    master_start(h->master, harness_now(h));
    harness_expect(h, "down 2 LOST");
    harness_subscribe(h);

    /* While waiting for the next attempt there is nothing to tell. */
    master_resubscribe(h->master, harness_now(h), 60000, "later");
    harness_expect(h, "down 3 LOST");
    master_stop(h->master);
    harness_expect_nothing(h);
    assert_true(master_deadline(h->master) == INT64_MAX);
}

static void stop_in_callback(struct harness *h, const char *line)
{
    if (strncmp(line, "down", 4) != 0) {
        h->hook_count++;
        master_stop(h->master);
        master_handle(h->master, harness_now(h)); /* does nothing here */
    }
}

static void stop_in_down(struct harness *h, const char *line)
{
    if (strncmp(line, "down", 4) == 0) {
        master_stop(h->master);
    }
}

static void restart_in_down(struct harness *h, const char *line)
{
    if (strncmp(line, "down", 4) == 0) {
        h->hook = NULL;
        master_start(h->master, harness_now(h));
    }
}

static void resubscribe_in_record(struct harness *h, const char *line)
{
    if (strncmp(line, "record", 6) == 0) {
        h->hook = NULL;
        master_resubscribe(h->master, harness_now(h), 0, "in a callback");
    }
}

static void test_inside_callbacks(void **state)
{
    struct harness *h = *state;
    const struct fake_request *request;
    struct buf stream = three_events();

    /* In up: not even the first record follows. */
    harness_open(h, "%1");
    request = harness_request(h, h->fake);
    h->hook = stop_in_callback;
    harness_say_ok(h, h->fake, request->connection);
    harness_chunk(h->fake, request->connection, stream.data, stream.length);
    harness_expect(h, "up 1");
    harness_expect(h, "down 1 LOST");
    harness_expect_nothing(h);
    h->hook = NULL;

    /* In record. */
    master_start(h->master, harness_now(h));
    harness_subscribe(h);
    h->hook = stop_in_callback;
    harness_chunk(h->fake, h->stream, stream.data, stream.length);
    harness_expect(h, "record 2 SUBSCRIBED");
    harness_expect(h, "down 2 LOST");
    harness_expect_nothing(h);
    assert_int_equal(h->hook_count, 2);
    h->hook = NULL;

    /* In answered. */
    master_start(h->master, harness_now(h));
    harness_subscribe(h);
    harness_send(h, 1, true, "one");
    harness_send(h, 2, true, "two");
    h->hook = stop_in_callback;
    harness_answer(h->fake, harness_request(h, h->fake), 202, "", "");
    harness_expect(h, "answered 1 ACCEPTED");
    harness_expect(h, "answered 2 NOT_DONE");
    harness_expect(h, "down 3 LOST");
    harness_expect_nothing(h);
    h->hook = NULL;

    /* In down. */
    master_start(h->master, harness_now(h));
    harness_subscribe(h);
    h->hook = stop_in_down;
    fake_master_close(h->fake, h->stream);
    harness_expect(h, "down 4 LOST");
    harness_expect_nothing(h);
    assert_true(master_deadline(h->master) == INT64_MAX);
    h->hook = NULL;

    /* Start in the down of a stop. */
    master_start(h->master, harness_now(h));
    harness_subscribe(h);
    h->hook = restart_in_down;
    master_stop(h->master);
    harness_expect(h, "down 5 LOST");
    harness_subscribe(h);

    h->hook = resubscribe_in_record;
    harness_chunk(h->fake, h->stream, stream.data, stream.length);
    harness_expect(h, "record 6 SUBSCRIBED");
    assert_string_equal(harness_expect(h, "down 6 LOST"), "in a callback");
    harness_subscribe(h);
    buf_clear(&stream);
}

static void postpone_in_down(struct harness *h, const char *line)
{
    if (strncmp(line, "down", 4) == 0) {
        h->hook = NULL;
        master_resubscribe(h->master, harness_now(h), 60000, "not now");
    }
}

/* Who knows better than the backoff when to try again says so in `down`, or later. */
static void test_postpone(void **state)
{
    struct harness *h = *state;

    harness_open(h, "%1");
    harness_subscribe(h);
    h->hook = postpone_in_down;
    fake_master_close(h->fake, h->stream);
    harness_expect(h, "down 1 LOST");
    harness_advance(h, 58000);
    harness_expect_nothing(h);
    assert_null(fake_master_next(h->fake));
    master_resubscribe(h->master, harness_now(h), 10000, "later still");
    harness_advance(h, 9000);
    harness_settle(h);
    assert_null(fake_master_next(h->fake));
    master_resubscribe(h->master, harness_now(h), 0, "now");
    harness_subscribe(h);
}

static void stop_in_hook(struct harness *h, const char *line)
{
    if (strcmp(line, "subscribe") == 0) {
        master_stop(h->master);
    }
}

static void test_stop_in_subscribe(void **state)
{
    struct harness *h = *state;

    h->tell_subscribe = true;
    h->hook = stop_in_hook;
    harness_open(h, "%1");
    harness_expect(h, "subscribe");
    harness_expect_nothing(h);
    assert_null(fake_master_next(h->fake));
    assert_false(fake_master_is_open(h->fake, 0));
    h->hook = NULL;
    master_start(h->master, harness_now(h));
    harness_expect(h, "subscribe");
    harness_subscribe(h);
}

/* A stream that ends without a word, while its last record waits behind a pause. */
static void test_pause_then_silent_end(void **state)
{
    struct harness *h = *state;
    struct buf stream;

    harness_open(h, "%1");
    harness_subscribe(h);
    h->hook = pause_in_callback;
    buf_init(&stream, 0);
    harness_frame(&stream, &(struct buf[]){event_message("first", 5)}[0]);
    harness_frame(&stream, &(struct buf[]){event_message("second", 6)}[0]);
    harness_chunk(h->fake, h->stream, stream.data, stream.length);
    fake_master_close(h->fake, h->stream);
    harness_expect(h, "record 1 MESSAGE first (5)");
    h->hook = NULL;
    harness_advance(h, 600000);
    harness_expect_nothing(h);
    master_pause(h->master, false, harness_now(h));
    harness_expect(h, "record 1 MESSAGE second (6)");
    harness_expect(h, "down 1 LOST");
    harness_subscribe(h);
    buf_clear(&stream);
}

static void test_no_subscribe_to_send(void **state)
{
    struct harness *h = *state;

    h->no_subscribe = true;
    harness_open(h, "%1");
    harness_expect(h, "no subscribe");
    harness_expect(h, "no subscribe");
    h->no_subscribe = false;
    while (h->line_next < h->line_count) {
        harness_expect(h, "no subscribe");
    }
    harness_subscribe(h);
}

#define test(function) cmocka_unit_test_setup_teardown(function, harness_setup, harness_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            test(test_pause),
            test(test_pause_suspends_the_watch),
            test(test_short_pauses_do_not_hide_silence),
            test(test_a_subscription_that_begins_late_in_a_pause),
            test(test_pause_then_end),
            test(test_pause_before_the_first_record),
            test(test_resubscribe),
            test(test_stop_and_start),
            test(test_inside_callbacks),
            test(test_postpone),
            test(test_stop_in_subscribe),
            test(test_pause_then_silent_end),
            test(test_no_subscribe_to_send),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
