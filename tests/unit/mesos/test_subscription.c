/* The subscription when all goes well or as it should: the request, the stream however it is cut, redirects,
 * pauses, heartbeats, resubscribing and stopping. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/recordio.h"

static void test_request(void **state)
{
    struct harness *h = *state;
    const struct fake_request *request;
    struct buf event = event_heartbeat();
    char value[128] = "", expected[64];

    harness_open(h, "%1");
    request = harness_request(h, h->fake);
    assert_int_equal(strncmp(request->head, "POST /api/v1/scheduler HTTP/1.1\r\n", 33), 0);
    assert_int_equal(fake_request_header(request, "Content-Type", value, sizeof value), 1);
    assert_string_equal(value, "application/x-protobuf");
    assert_int_equal(fake_request_header(request, "Accept", value, sizeof value), 1);
    assert_string_equal(value, "application/x-protobuf");
    assert_int_equal(fake_request_header(request, "Host", value, sizeof value), 1);
    snprintf(expected, sizeof expected, "127.0.0.1:%u", fake_master_port(h->fake));
    assert_string_equal(value, expected);
    assert_int_equal(fake_request_header(request, "Expect", NULL, 0), 0);
    assert_int_equal(fake_request_header(request, "Mesos-Stream-Id", NULL, 0), 0);
    assert_int_equal(fake_request_header(request, "Authorization", NULL, 0), 0);
    assert_int_equal(fake_request_header(request, "Transfer-Encoding", NULL, 0), 0);
    assert_int_equal(request->length, strlen(SUBSCRIBE_BODY));
    assert_memory_equal(request->body, SUBSCRIBE_BODY, request->length);

    /* 200 alone is no subscription. */
    harness_say_ok(h, h->fake, request->connection);
    harness_expect_nothing(h);
    harness_record(h->fake, request->connection, &(struct buf[]){event_subscribed()}[0]);
    harness_expect(h, "up 1");
    assert_string_equal(h->leader, expected);
    harness_expect(h, "record 1 SUBSCRIBED");
    harness_record(h->fake, request->connection, &event);
    harness_expect(h, "record 1 HEARTBEAT");
    harness_expect_nothing(h);
}

static void test_authentication(void **state)
{
    struct harness *h = *state;
    const struct fake_request *request;
    char value[128];

    h->config.principal = "zmesos";
    h->config.secret = "s3cret:x";
    harness_open(h, "%1");
    request = harness_request(h, h->fake);
    assert_int_equal(fake_request_header(request, "Authorization", value, sizeof value), 1);
    assert_string_equal(value, "Basic em1lc29zOnMzY3JldDp4"); /* zmesos:s3cret:x */
    harness_say_ok(h, h->fake, request->connection);
    harness_record(h->fake, request->connection, &(struct buf[]){event_subscribed()}[0]);
    harness_expect(h, "up 1");
    harness_send(h, 1, true, "ordered");
    harness_send(h, 2, false, "loose");
    for (int i = 0; i < 2; ++i) {
        request = harness_request(h, h->fake);
        assert_int_equal(fake_request_header(request, "Authorization", value, sizeof value), 1);
        assert_string_equal(value, "Basic em1lc29zOnMzY3JldDp4");
    }
}

static int forget_proxies(void **state)
{
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    return harness_teardown(state);
}

static void test_environment_does_not_divert(void **state)
{
    struct harness *h = *state;
    char proxy[64];

    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%u", fake_master_port(h->fakes[1]));
    setenv("http_proxy", proxy, 1);
    setenv("all_proxy", proxy, 1);
    harness_open(h, "%1");
    harness_subscribe(h);
    harness_send(h, 1, true, "call");
    harness_request(h, h->fake);
    assert_false(fake_master_is_open(h->fakes[1], 0));
}

/* A name is looked up beside the loop. */
static void test_name(void **state)
{
    struct harness *h = *state;
    char list[64];

    snprintf(list, sizeof list, "localhost:%u", fake_master_port(h->fake));
    harness_open(h, list);
    harness_subscribe(h);
    assert_string_equal(h->leader, list);
}

/* What a real master sent, from SUBSCRIBED to the ERROR at the end, comes out record by record. */
static void test_recording(void **state)
{
    struct harness *h = *state;
    const char *shared = getenv("ZMESOS_SHARED");
    const struct fake_request *request;
    struct recordio recordio;
    struct slice rest;
    struct error err;
    struct buf stream;
    uint8_t bytes[4096], *record;
    char path[512];
    size_t count, length, records = 0;
    FILE *file;

    snprintf(path, sizeof path, "%s/mesos-v1/recordings/lifecycle.protobuf.recordio",
            shared == NULL ? "../shared" : shared);
    file = fopen(path, "rb");
    if (file == NULL) {
        print_message("skipped: there is no %s\n", path);
        skip();
    }
    buf_init(&stream, 0);
    while ((count = fread(bytes, 1, sizeof bytes, file)) > 0) {
        assert_int_equal(buf_append(&stream, bytes, count), 0);
    }
    fclose(file);
    recordio_init(&recordio, stream.length);
    rest = slice_of(stream.data, stream.length);
    while (recordio_next(&recordio, &rest, &record, &length, &err) == 1) {
        free(record);
        records++;
    }
    recordio_clear(&recordio);
    assert_true(records > 2);

    harness_open(h, "%1");
    request = harness_request(h, h->fake);
    harness_say_ok(h, h->fake, request->connection);
    for (size_t at = 0; at < stream.length; at += 1000) {
        harness_chunk(h->fake, request->connection, stream.data + at,
                stream.length - at < 1000 ? stream.length - at : 1000);
    }
    buf_clear(&stream);
    harness_expect(h, "up 1");
    harness_expect(h, "record 1 SUBSCRIBED");
    for (size_t i = 1; i + 1 < records; ++i) {
        assert_int_equal(strncmp(harness_line(h), "record 1 ", 9), 0);
        assert_null(strstr(harness_line(h), "no event"));
        h->line_next++;
    }
    harness_expect(h, "record 1 ERROR");
    assert_string_equal(harness_expect(h, "down 1 ERROR"), "Framework failed over");
}

static struct buf three_events(void)
{
    struct buf stream;

    buf_init(&stream, 0);
    harness_frame(&stream, &(struct buf[]){event_subscribed()}[0]);
    harness_frame(&stream, &(struct buf[]){event_heartbeat()}[0]);
    harness_frame(&stream, &(struct buf[]){event_message("payload", 7)}[0]);
    return stream;
}

static void expect_three_events(struct harness *h, unsigned subscription)
{
    static const char *const records[] = {"SUBSCRIBED", "HEARTBEAT", "MESSAGE payload (7)"};
    char line[64];

    snprintf(line, sizeof line, "up %u", subscription);
    harness_expect(h, line);
    for (size_t i = 0; i < 3; ++i) {
        snprintf(line, sizeof line, "record %u %s", subscription, records[i]);
        harness_expect(h, line);
    }
}

/* The stream cut into two chunks at every byte, and into chunks of one byte. */
static void test_every_split(void **state)
{
    struct harness *h = *state;
    struct buf stream = three_events();
    unsigned subscription = 0;

    harness_open(h, "%1");
    for (size_t split = 0; split <= stream.length; ++split) {
        const struct fake_request *request = harness_request(h, h->fake);
        char line[64];

        harness_say_ok(h, h->fake, request->connection);
        if (split == 0) {
            for (size_t i = 0; i < stream.length; ++i) {
                harness_chunk(h->fake, request->connection, stream.data + i, 1);
            }
        } else {
            harness_chunk(h->fake, request->connection, stream.data, split);
            if (split < stream.length) {
                harness_step(h);
                harness_chunk(h->fake, request->connection, stream.data + split, stream.length - split);
            }
        }
        expect_three_events(h, ++subscription);
        master_resubscribe(h->master, harness_now(h), 0, "next split");
        snprintf(line, sizeof line, "down %u LOST", subscription);
        harness_expect(h, line);
    }
    buf_clear(&stream);
}

static void redirect(struct harness *h, struct fake_master *from, const char *scheme, struct fake_master *to)
{
    const struct fake_request *request = harness_request(h, from);
    char location[128];

    snprintf(location, sizeof location, "Location: %s//127.0.0.1:%u/api/v1/scheduler\r\n", scheme,
            fake_master_port(to));
    harness_answer(from, request, 307, location, "");
}

static void test_redirect(void **state)
{
    struct harness *h = *state;
    char expected[64];

    harness_open(h, "%1");
    redirect(h, h->fakes[0], "", h->fakes[1]);
    redirect(h, h->fakes[1], "http:", h->fakes[2]);
    harness_subscribe_at(h, h->fakes[2]);
    snprintf(expected, sizeof expected, "127.0.0.1:%u", fake_master_port(h->fakes[2]));
    assert_string_equal(h->leader, expected);

    /* Calls go to the leader; when it is lost, the list is asked again. */
    harness_send(h, 1, true, "call");
    harness_answer(h->fakes[2], harness_request(h, h->fakes[2]), 202, "", "");
    harness_expect(h, "answered 1 ACCEPTED");
    fake_master_close(h->fakes[2], h->stream);
    harness_expect(h, "down 1 LOST");
    harness_subscribe(h);
}

static void test_redirects_have_an_end(void **state)
{
    struct harness *h = *state;

    harness_open(h, "%1");
    for (int i = 0; i < 3; ++i) {
        redirect(h, h->fakes[0], "", h->fakes[1]);
        redirect(h, h->fakes[1], "", h->fakes[0]);
    }
    assert_non_null(strstr(harness_expect(h, "down 0 LOST"), "redirected more than 5 times"));
    /* The sixth named fake 1 again; after the backoff it is asked because it is on the list. */
    harness_subscribe(h);
}

static void test_dead_master_first(void **state)
{
    struct harness *h = *state;

    fake_master_stop_listening(h->fakes[1]);
    harness_open(h, "%2,%1");
    harness_expect(h, "down 0 LOST");
    harness_subscribe(h);
}

static void test_silence(void **state)
{
    struct harness *h = *state;

    harness_open(h, "%1");
    harness_subscribe(h);
    harness_settle(h);
    master_set_heartbeat(h->master, 1000);
    for (int i = 0; i < 3; ++i) {
        harness_advance(h, 4000);
        harness_expect_nothing(h);
        harness_record(h->fake, h->stream, &(struct buf[]){event_heartbeat()}[0]);
        harness_expect(h, "record 1 HEARTBEAT");
    }
    harness_advance(h, 4000);
    harness_expect_nothing(h);
    harness_advance(h, 1000);
    assert_non_null(strstr(harness_expect(h, "down 1 LOST"), "silent"));
    harness_subscribe(h);

    /* A new subscription begins with the usual 15 s. */
    harness_advance(h, 70000);
    harness_expect_nothing(h);
    harness_advance(h, 5000);
    harness_expect(h, "down 2 LOST");
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
            test(test_request),
            test(test_authentication),
            cmocka_unit_test_setup_teardown(test_environment_does_not_divert, harness_setup, forget_proxies),
            test(test_name),
            test(test_recording),
            test(test_every_split),
            test(test_redirect),
            test(test_redirects_have_an_end),
            test(test_dead_master_first),
            test(test_silence),
            test(test_pause),
            test(test_pause_suspends_the_watch),
            test(test_pause_then_end),
            test(test_pause_before_the_first_record),
            test(test_resubscribe),
            test(test_stop_and_start),
            test(test_inside_callbacks),
            test(test_no_subscribe_to_send),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
