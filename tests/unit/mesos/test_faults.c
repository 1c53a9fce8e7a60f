/* The subscription when things go wrong: refusals, masters that are none, broken streams, silence, retries.
 */
#include "harness.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"

static void test_refusals(void **state)
{
    static const struct {
        int status;
        const char *headers, *body, *down, *words;
    } rows[] = {
            {400, "", "'framework_id' differs", "down 0 REFUSED", "'framework_id' differs"},
            {401, "WWW-Authenticate: Basic realm=\"mesos-master-scheduler\"\r\n", "", "down 0 UNAUTHORIZED",
                    "401"},
            {403, "", "no", "down 0 REFUSED", "no"},
            {404, "", "", "down 0 NOT_MESOS", "404"},
            {405, "Allow: GET\r\n", "", "down 0 NOT_MESOS", "405"},
            {415, "", "", "down 0 NOT_MESOS", "415"},
            {500, "", "oh", "down 0 LOST", "500: oh"},
            {503, "", "No leader", "down 0 LOST", "503: No leader"},
            {307, "", "", "down 0 NOT_MESOS", "Location"},
            {307, "Location: /elsewhere\r\n", "", "down 0 NOT_MESOS", "/elsewhere"},
            {200, "Content-Type: text/html\r\n", "<html>hello</html>", "down 0 NOT_MESOS", "x-protobuf"},
            {200, "Content-Type: application/x-protobuf\r\n", "abc", "down 0 NOT_MESOS", "Mesos-Stream-Id"},
            {200, "Content-Type: application/json\r\nMesos-Stream-Id: x\r\n", "{}", "down 0 NOT_MESOS",
                    "x-protobuf"},
            {200, "", "", "down 0 NOT_MESOS", "x-protobuf"},
            {204, "", "", "down 0 NOT_MESOS", "204"},
    };
    struct harness *h = *state;
    char address[64];

    harness_open(h, "%1");
    snprintf(address, sizeof address, "127.0.0.1:%u: ", fake_master_port(h->fake));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        const char *text;

        harness_answer(h->fake, harness_request(h, h->fake), rows[i].status, rows[i].headers, rows[i].body);
        text = harness_expect(h, rows[i].down);
        assert_non_null(strstr(text, rows[i].words));
        /* Whose words they are: the master's own, or ours about it. */
        assert_int_equal(
                strncmp(text, address, strlen(address)) == 0, strstr(rows[i].down, "REFUSED") == NULL);
    }
    harness_subscribe(h);
}

static void test_no_http(void **state)
{
    static const struct {
        const char *bytes, *down;
    } rows[] = {
            {"SSH-2.0-OpenSSH_9.2p1\r\n", "down 0 NOT_MESOS"},
            {"\x15\x03\x01\x02\x02\x16", "down 0 NOT_MESOS"}, /* a TLS alert */
            {"220 mail.example ESMTP\r\n", "down 0 NOT_MESOS"},
            {"<html></html>", "down 0 NOT_MESOS"},
            {"HTTP/1.1 abc\r\n\r\n", "down 0 NOT_MESOS"},
            {"", "down 0 LOST"},
    };
    struct harness *h = *state;

    harness_open(h, "%1");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        const struct fake_request *request = harness_request(h, h->fake);

        fake_master_say(h->fake, request->connection, rows[i].bytes);
        fake_master_close(h->fake, request->connection);
        harness_expect(h, rows[i].down);
    }
    harness_subscribe(h);
}

/* Takes the next SUBSCRIBE, opens the stream and sends these bytes in it. */
static int stream_of(struct harness *h, const void *bytes, size_t length)
{
    const struct fake_request *request = harness_request(h, h->fake);

    harness_say_ok(h, h->fake, request->connection);
    harness_chunk(h->fake, request->connection, bytes, length);
    return request->connection;
}

static void test_first_record(void **state)
{
    struct harness *h = *state;
    struct buf stream;
    struct buf event;

    harness_open(h, "%1");

    buf_init(&stream, 0);
    harness_frame(&stream, &(struct buf[]){event_heartbeat()}[0]);
    stream_of(h, stream.data, stream.length);
    harness_expect(h, "down 0 NOT_MESOS");
    buf_clear(&stream);

    stream_of(h, "3\nabc", 5);
    harness_expect(h, "down 0 NOT_MESOS");
    stream_of(h, "0\n", 2);
    harness_expect(h, "down 0 NOT_MESOS");

    /* SUBSCRIBED by its type, with nothing inside. */
    stream_of(h, "2\n\x08\x01", 4);
    harness_expect(h, "down 0 NOT_MESOS");

    event = event_error("Framework has been removed");
    harness_frame(&stream, &event);
    stream_of(h, stream.data, stream.length);
    harness_expect(h, "record 0 ERROR");
    assert_string_equal(harness_expect(h, "down 0 ERROR"), "Framework has been removed");
    buf_clear(&stream);
    harness_subscribe(h);
}

static void test_error_later(void **state)
{
    struct harness *h = *state;
    struct buf stream;

    harness_open(h, "%1");
    harness_subscribe(h);
    harness_send(h, 1, true, "call");
    harness_request(h, h->fake);
    buf_init(&stream, 0);
    harness_frame(&stream, &(struct buf[]){event_error("Framework failed over")}[0]);
    harness_frame(&stream, &(struct buf[]){event_heartbeat()}[0]);
    harness_chunk(h->fake, h->stream, stream.data, stream.length);
    harness_expect(h, "record 1 ERROR");
    harness_expect(h, "answered 1 UNANSWERED");
    assert_string_equal(harness_expect(h, "down 1 ERROR"), "Framework failed over");
    harness_subscribe(h);
    harness_expect_nothing(h);
    buf_clear(&stream);
}

/* The type may stand anywhere, in more bytes than it needs, and twice. */
static void test_error_in_disguise(void **state)
{
    static const char disguised[] = "\x12\x00\x08\x01\x08\x87\x80\x00";
    struct harness *h = *state;

    harness_open(h, "%1");
    harness_subscribe(h);
    harness_chunk(h->fake, h->stream, "8\n", 2);
    harness_chunk(h->fake, h->stream, disguised, 8);
    assert_int_equal(strncmp(harness_line(h), "record 1 ", 9), 0);
    h->line_next++;
    harness_expect(h, "down 1 ERROR");
}

static void test_unknown_and_broken_records_pass(void **state)
{
    struct harness *h = *state;

    harness_open(h, "%1");
    harness_subscribe(h);
    /* Type 99, an empty record, and bytes that are no message: the caller is to judge. */
    harness_chunk(h->fake, h->stream,
            "2\n\x08\x63"
            "0\n"
            "3\nabc",
            11);
    harness_expect(h, "record 1 ?");
    harness_expect(h, "record 1 UNKNOWN");
    harness_expect(h, "record 1 that is no event");
    harness_expect_nothing(h);
}

static void test_broken_recordio(void **state)
{
    static const char *const streams[] = {
            "x\n", "-1\n", "12a\n", "\n", " 5\n", "99999999999999999999999999", "1048577\n"};
    struct harness *h = *state;

    h->config.record_max = 1048576;
    harness_open(h, "%1");
    for (size_t i = 0; i < sizeof streams / sizeof *streams; ++i) {
        char line[64];

        stream_of(h, streams[i], strlen(streams[i])); /* at once */
        harness_expect(h, "down 0 LOST");
        harness_subscribe(h); /* and later */
        harness_chunk(h->fake, h->stream, streams[i], strlen(streams[i]));
        snprintf(line, sizeof line, "down %zu LOST", i + 1);
        harness_expect(h, line);
    }
    harness_subscribe(h);
}

static void test_record_at_the_limit(void **state)
{
    struct harness *h = *state;
    size_t payload = 200000;
    char *data = alloc_zeroed(1, payload + 1);
    struct buf event;
    char line[64];

    memset(data, 'd', payload + 1);
    event = event_message(data, payload);
    h->config.record_max = event.length;
    harness_open(h, "%1");
    harness_subscribe(h);
    harness_record(h->fake, h->stream, &event);
    snprintf(line, sizeof line, "record 1 MESSAGE dddddddd (%zu)", payload);
    harness_expect(h, line);
    event = event_message(data, payload + 1);
    assert_int_equal(event.length, h->config.record_max + 1);
    harness_record(h->fake, h->stream, &event);
    harness_expect(h, "down 1 LOST");
    free(data);
}

static void test_subscribe_timeout(void **state)
{
    struct harness *h = *state;
    const struct fake_request *request;

    harness_open(h, "%1");
    request = harness_request(h, h->fake);
    harness_advance(h, 19000);
    harness_expect_nothing(h);
    harness_advance(h, 1000);
    assert_non_null(strstr(harness_expect(h, "down 0 LOST"), "no SUBSCRIBED within 20000 ms"));

    /* The same after the 200. */
    request = harness_request(h, h->fake);
    harness_say_ok(h, h->fake, request->connection);
    harness_settle(h);
    harness_advance(h, 19000);
    harness_expect_nothing(h);
    harness_advance(h, 1000);
    harness_expect(h, "down 0 LOST");
    harness_subscribe(h);
}

static void test_stream_ends(void **state)
{
    struct harness *h = *state;

    harness_open(h, "%1");
    harness_subscribe(h);
    fake_master_say(h->fake, h->stream, "0\r\n\r\n"); /* properly */
    assert_non_null(strstr(harness_expect(h, "down 1 LOST"), "closed the event stream"));
    harness_subscribe(h);
    fake_master_reset(h->fake, h->stream);
    harness_expect(h, "down 2 LOST");
    harness_subscribe(h);
    harness_chunk(h->fake, h->stream, "100\nabc", 7); /* in the middle of a record */
    fake_master_close(h->fake, h->stream);
    harness_expect(h, "down 3 LOST");
    harness_subscribe(h);
}

/* Attempts grow apart, up to the longest, and never more; a subscription that lasts begins anew. */
static void test_backoff(void **state)
{
    struct harness *h = *state;
    int64_t ceiling = 1000;
    int64_t longest = 0;

    print_message("seed 42\n");
    h->config.backoff_min_ms = 1000;
    h->config.backoff_max_ms = 15000;
    harness_open(h, "%1");
    for (int i = 0; i < 20; ++i) {
        int64_t wait;

        harness_answer(h->fake, harness_request(h, h->fake), 503, "", "");
        harness_expect(h, "down 0 LOST");
        wait = master_deadline(h->master) - harness_now(h);
        assert_true(wait <= ceiling);
        longest = wait > longest ? wait : longest;
        ceiling = ceiling * 2 > 15000 ? 15000 : ceiling * 2;
        harness_advance(h, wait > 0 ? wait : 0);
    }
    assert_true(longest > 10000);

    /* Lost at once: still the slow pace. Lost after a while: the fast one. */
    harness_subscribe(h);
    fake_master_close(h->fake, h->stream);
    harness_expect(h, "down 1 LOST");
    longest = 0;
    for (int i = 0; i < 10; ++i) {
        int64_t wait = master_deadline(h->master) - harness_now(h);

        longest = wait > longest ? wait : longest;
        harness_advance(h, wait > 0 ? wait : 0);
        harness_subscribe(h);
        fake_master_close(h->fake, h->stream);
        assert_int_equal(strncmp(harness_line(h), "down ", 5), 0);
        h->line_next++;
    }
    assert_true(longest > 2000);
    harness_advance(h, 15000);
    harness_subscribe(h);
    harness_advance(h, 15000);
    fake_master_close(h->fake, h->stream);
    assert_int_equal(strncmp(harness_line(h), "down ", 5), 0);
    assert_true(master_deadline(h->master) - harness_now(h) <= 1000);
}

/* A listening socket whose queue is full answers no SYN. It is alone on the list, since the time is libcurl's
 * own: another master might be too slow for it as well. */
static void test_connect_timeout(void **state)
{
    struct harness *h = *state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int sockets[5];
    char list[64];
    const char *text;

    for (size_t i = 0; i < 5; ++i) {
        sockets[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        assert_true(sockets[i] >= 0);
        if (i == 0) {
            assert_int_equal(bind(sockets[0], (struct sockaddr *)&address, length), 0);
            assert_int_equal(listen(sockets[0], 0), 0);
            assert_int_equal(getsockname(sockets[0], (struct sockaddr *)&address, &length), 0);
        } else {
            (void)connect(sockets[i], (struct sockaddr *)&address, length);
        }
    }
    h->config.connect_timeout_ms = 50;
    h->config.subscribe_timeout_ms = 3600000;
    snprintf(list, sizeof list, "127.0.0.1:%u", ntohs(address.sin_port));
    harness_open(h, list);
    for (size_t i = 0; i < 2; ++i) {
        text = harness_expect(h, "down 0 LOST");
        assert_non_null(strcasestr(text, "time")); /* "Timeout was reached", "Connection timed out" */
    }
    for (size_t i = 0; i < 5; ++i) {
        close(sockets[i]);
    }
}

static void test_bad_configuration(void **state)
{
    struct harness *h = *state;
    struct master_callbacks callbacks = {.context = h};
    struct master_config good = h->config;
    struct master *master = NULL;
    struct error err;

    good.masters = "localhost";
    for (int i = 0; i < 10; ++i) {
        struct master_config config = good;

        config.masters = i == 0 ? NULL : i == 1 ? "zk://a/mesos" : config.masters;
        config.connect_timeout_ms = i == 2 ? 0 : config.connect_timeout_ms;
        config.call_timeout_ms = i == 3 ? -1 : config.call_timeout_ms;
        config.subscribe_timeout_ms = i == 4 ? INT64_MAX : config.subscribe_timeout_ms;
        config.backoff_min_ms = i == 5 ? 9 : config.backoff_min_ms;
        config.missed_heartbeats = i == 6 ? 0 : config.missed_heartbeats;
        config.record_max = i == 7 ? 0 : config.record_max;
        config.principal = i == 8 ? "a:b" : NULL;
        config.secret = "s";
        if (i == 9) {
            assert_int_equal(master_create(&config, &callbacks, &master, &err), 0);
            assert_true(master_deadline(master) == INT64_MAX);
            master_handle(master, 0);
            master_stop(master);
            master_destroy(master);
        } else {
            assert_int_equal(master_create(&config, &callbacks, &master, &err), ERR_INVALID);
            assert_null(master);
        }
    }
    master_destroy(NULL);
}

static void test_no_descriptors(void **state)
{
    struct harness *h = *state;
    struct master_callbacks callbacks = {.context = h};
    struct master_config config = h->config;
    struct master *master = NULL;
    struct rlimit before, none;
    struct error err;
    int result;

    config.masters = "localhost";
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    result = master_create(&config, &callbacks, &master, &err);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_true(result == ERR_IO || result == ERR_UNAVAILABLE);
    assert_null(master);
}

#define test(function) cmocka_unit_test_setup_teardown(function, harness_setup, harness_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            test(test_refusals),
            test(test_no_http),
            test(test_first_record),
            test(test_error_later),
            test(test_error_in_disguise),
            test(test_unknown_and_broken_records_pass),
            test(test_broken_recordio),
            test(test_record_at_the_limit),
            test(test_subscribe_timeout),
            test(test_stream_ends),
            test(test_backoff),
            test(test_connect_timeout),
            test(test_bad_configuration),
            test(test_no_descriptors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
