/* The subscription when all goes well or as it should: the request, the stream however it is cut, redirects,
 * heartbeats. */
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

static void set_secret(struct harness *h, const char *line)
{
    if (strcmp(line, "down 0 UNAUTHORIZED") == 0) {
        assert_false(master_set_secret(h->master, "old"));
        assert_true(master_set_secret(h->master, "new"));
    }
}

/* Of the SUBSCRIBE and of each call. */
static void test_another_secret(void **state)
{
    struct harness *h = *state;
    const struct fake_request *request;
    char value[128];

    h->config.principal = "zmesos";
    h->config.secret = "old";
    h->hook = set_secret;
    harness_open(h, "%1");
    request = harness_request(h, h->fake);
    assert_int_equal(fake_request_header(request, "Authorization", value, sizeof value), 1);
    assert_string_equal(value, "Basic em1lc29zOm9sZA=="); /* zmesos:old */
    harness_answer(h->fake, request, 401, "", "");
    harness_expect(h, "down 0 UNAUTHORIZED");
    harness_subscribe(h);
    harness_send(h, 1, true, "ordered");
    harness_send(h, 2, false, "loose");
    for (int i = 0; i < 2; ++i) {
        request = harness_request(h, h->fake);
        assert_int_equal(fake_request_header(request, "Authorization", value, sizeof value), 1);
        assert_string_equal(value, "Basic em1lc29zOm5ldw=="); /* zmesos:new */
    }
}

static void test_no_secret_without_a_principal(void **state)
{
    struct harness *h = *state;

    harness_open(h, "%1");
    assert_false(master_set_secret(h->master, "new"));
    assert_int_equal(fake_request_header(harness_request(h, h->fake), "Authorization", NULL, 0), 0);
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

    /* So does one that is told nonsense; and no interval is longer than a day. */
    harness_subscribe(h);
    master_set_heartbeat(h->master, 1);
    master_set_heartbeat(h->master, -5);
    harness_advance(h, 70000);
    harness_expect_nothing(h);
    master_set_heartbeat(h->master, INT64_MAX);
    harness_advance(h, INT64_C(5) * 86400 * 1000);
    harness_expect(h, "down 3 LOST");
}

#define test(function) cmocka_unit_test_setup_teardown(function, harness_setup, harness_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            test(test_request),
            test(test_authentication),
            test(test_another_secret),
            test(test_no_secret_without_a_principal),
            cmocka_unit_test_setup_teardown(test_environment_does_not_divert, harness_setup, forget_proxies),
            test(test_name),
            test(test_recording),
            test(test_every_split),
            test(test_redirect),
            test(test_redirects_have_an_end),
            test(test_dead_master_first),
            test(test_silence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
