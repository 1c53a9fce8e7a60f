/* Calls: their order, their headers, what is answered to each, and above all that none is written twice. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static size_t copies(struct harness *h, const char *body)
{
    size_t count = 0;

    for (size_t i = 0; i < HARNESS_MASTERS; ++i) {
        count += fake_master_copies(h->fakes[i], body, strlen(body));
    }
    return count;
}

/* The next request, which must have this body. */
static const struct fake_request *call(struct harness *h, const char *body)
{
    const struct fake_request *request = harness_request(h, h->fake);

    assert_int_equal(request->length, strlen(body));
    assert_memory_equal(request->body, body, request->length);
    return request;
}

static void accept_call(struct harness *h, const char *body)
{
    harness_answer(h->fake, call(h, body), 202, "", "");
}

static void test_order(void **state)
{
    struct harness *h = *state;
    int connection = -1;

    harness_open(h, "%1");
    harness_subscribe(h);
    for (unsigned i = 0; i < 50; ++i) {
        char body[32];

        snprintf(body, sizeof body, "call %u", i);
        harness_send(h, i, true, body);
    }
    assert_int_equal(master_waiting_calls(h->master), 50);
    for (unsigned i = 0; i < 50; ++i) {
        const struct fake_request *request;
        char text[64], value[200];

        snprintf(text, sizeof text, "call %u", i);
        request = call(h, text);
        assert_int_not_equal(request->connection, h->stream);
        if (i == 0) {
            connection = request->connection;
        }
        assert_int_equal(request->connection, connection);
        assert_int_equal(strncmp(request->head, "POST /api/v1/scheduler HTTP/1.1\r\n", 33), 0);
        assert_int_equal(fake_request_header(request, "Mesos-Stream-Id", value, sizeof value), 1);
        assert_string_equal(value, "2c9fc9a6-0b1e-4a55-8d2e-5f7e0e1b1111");
        assert_int_equal(fake_request_header(request, "Content-Type", value, sizeof value), 1);
        assert_string_equal(value, "application/x-protobuf");
        assert_int_equal(fake_request_header(request, "Expect", NULL, 0), 0);
        if (i % 10 == 0) {
            harness_expect_nothing(h);
            assert_null(fake_master_next(h->fake));
        }
        harness_answer(h->fake, request, 202, "", "");
        snprintf(text, sizeof text, "answered %u ACCEPTED", i);
        harness_expect(h, text);
    }
    assert_int_equal(master_waiting_calls(h->master), 0);
}

static void test_acknowledgements(void **state)
{
    struct harness *h = *state;
    const struct fake_request *requests[5];
    char text[64];

    harness_open(h, "%1");
    harness_subscribe(h);
    for (unsigned i = 1; i <= 10; ++i) {
        snprintf(text, sizeof text, "ack %u", i);
        harness_send(h, i, false, text);
    }
    harness_send(h, 11, true, "ordered");
    for (size_t i = 0; i < 5; ++i) {
        requests[i] = harness_request(h, h->fake);
        for (size_t j = 0; j < i; ++j) {
            assert_int_not_equal(requests[i]->connection, requests[j]->connection);
        }
    }
    harness_settle(h);
    assert_null(fake_master_next(h->fake));

    /* Answered from the last to the first; the ordered one does not wait for the others. */
    for (size_t i = 5; i-- > 0;) {
        const struct fake_request *request = requests[i];
        bool ordered = request->length == strlen("ordered");

        harness_answer(h->fake, request, 202, "", "");
        snprintf(text, sizeof text, "answered %u ACCEPTED",
                ordered ? 11 : (unsigned)(request->body[request->length - 1] - '0'));
        harness_expect(h, text);
    }
    for (int i = 0; i < 6; ++i) {
        harness_answer(h->fake, harness_request(h, h->fake), 202, "", "");
    }
    for (int i = 0; i < 6; ++i) {
        assert_int_equal(strncmp(harness_line(h), "answered ", 9), 0);
        h->line_next++;
    }
    assert_int_equal(master_waiting_calls(h->master), 0);
    for (unsigned i = 1; i <= 10; ++i) {
        snprintf(text, sizeof text, "ack %u", i);
        assert_int_equal(copies(h, text), 1);
    }
}

/* A connection that dies after a call was read leaves open whether it was acted upon. It must not be written
 * again, and nothing may follow it in this subscription. libcurl by itself would repeat it, as it does here
 * with the acknowledgement: the same fault, and harmless there. */
static void closed_after_reading(struct harness *h, void (*end)(struct fake_master *fake, int connection))
{
    const struct fake_request *first, *second;

    harness_open(h, "%1");
    harness_subscribe(h);

    harness_send(h, 1, true, "first");
    first = call(h, "first");
    harness_answer(h->fake, first, 202, "", "");
    harness_expect(h, "answered 1 ACCEPTED");
    harness_send(h, 2, true, "second");
    harness_send(h, 3, true, "third");
    second = call(h, "second");
    assert_int_equal(second->connection, first->connection);
    end(h->fake, second->connection);
    harness_expect(h, "answered 2 UNANSWERED");
    harness_expect(h, "answered 3 NOT_DONE");
    harness_expect(h, "down 1 LOST");
    harness_subscribe(h);
    harness_send(h, 4, true, "fourth");
    accept_call(h, "fourth");
    harness_expect(h, "answered 4 ACCEPTED");
    assert_int_equal(copies(h, "second"), 1);
    assert_int_equal(copies(h, "third"), 0);

    harness_send(h, 5, false, "ack 1");
    first = call(h, "ack 1");
    harness_answer(h->fake, first, 202, "", "");
    harness_expect(h, "answered 5 ACCEPTED");
    harness_send(h, 6, false, "ack 2");
    second = call(h, "ack 2");
    assert_int_equal(second->connection, first->connection);
    end(h->fake, second->connection);
    accept_call(h, "ack 2");
    harness_expect(h, "answered 6 ACCEPTED");
    assert_int_equal(copies(h, "ack 2"), 2);
    harness_expect_nothing(h);
}

static void test_closed_after_reading(void **state)
{
    closed_after_reading(*state, fake_master_close);
}

static void test_reset_after_reading(void **state)
{
    closed_after_reading(*state, fake_master_reset);
}

/* The same on a connection that was not used before. */
static void test_first_call_closed_after_reading(void **state)
{
    struct harness *h = *state;

    harness_open(h, "%1");
    harness_subscribe(h);
    harness_send(h, 1, true, "first");
    fake_master_close(h->fake, call(h, "first")->connection);
    harness_expect(h, "answered 1 UNANSWERED");
    harness_expect(h, "down 1 LOST");
    harness_subscribe(h);
    assert_int_equal(copies(h, "first"), 1);

    /* An acknowledgement is no reason to end anything. */
    harness_send(h, 2, false, "ack");
    fake_master_close(h->fake, call(h, "ack")->connection);
    harness_expect(h, "answered 2 UNANSWERED");
    harness_expect_nothing(h);
}

/* An idle connection may close at any time: the next call goes over a new one. */
static void test_closed_while_idle(void **state)
{
    struct harness *h = *state;
    const struct fake_request *request;

    harness_open(h, "%1");
    harness_subscribe(h);
    harness_send(h, 1, true, "first");
    request = call(h, "first");
    harness_answer(h->fake, request, 202, "", "");
    harness_expect(h, "answered 1 ACCEPTED");
    fake_master_close(h->fake, request->connection);
    harness_send(h, 2, true, "second");
    accept_call(h, "second");
    harness_expect(h, "answered 2 ACCEPTED");
    assert_int_equal(copies(h, "second"), 1);
    harness_expect_nothing(h);
}

static void test_timeout(void **state)
{
    struct harness *h = *state;

    harness_open(h, "%1");
    harness_subscribe(h);
    harness_send(h, 1, true, "first");
    harness_send(h, 2, true, "second");
    harness_send(h, 3, true, "third");
    call(h, "first");
    harness_advance(h, 14000);
    harness_expect_nothing(h);
    harness_send(h, 4, false, "ack");
    call(h, "ack");
    harness_advance(h, 1000);
    harness_expect(h, "answered 1 UNANSWERED");
    harness_expect(h, "answered 4 UNANSWERED"); /* written, and its subscription is over */
    harness_expect(h, "answered 2 NOT_DONE");
    harness_expect(h, "answered 3 NOT_DONE");
    harness_expect(h, "down 1 LOST");
    harness_subscribe(h);
    assert_int_equal(copies(h, "first"), 1);
    assert_int_equal(copies(h, "second"), 0);

    /* An acknowledgement's silence ends nothing. */
    harness_send(h, 5, false, "ack");
    call(h, "ack");
    harness_advance(h, 15000);
    harness_expect(h, "answered 5 UNANSWERED");
    harness_expect_nothing(h);
}

static void test_refused_connection(void **state)
{
    struct harness *h = *state;

    harness_open(h, "%1,%2");
    harness_subscribe(h);
    fake_master_stop_listening(h->fake);
    harness_send(h, 1, false, "ack");
    harness_expect(h, "answered 1 NOT_DONE");
    harness_expect_nothing(h);
    harness_send(h, 2, true, "first");
    harness_send(h, 3, true, "second");
    harness_expect(h, "answered 2 NOT_DONE");
    harness_expect(h, "answered 3 NOT_DONE");
    harness_expect(h, "down 1 LOST");
    harness_subscribe_at(h, h->fakes[1]);
    assert_int_equal(copies(h, "first"), 0);
}

static void test_stream_lost_meanwhile(void **state)
{
    struct harness *h = *state;

    harness_open(h, "%1");
    harness_subscribe(h);
    harness_send(h, 1, true, "first");
    harness_send(h, 2, true, "second");
    harness_send(h, 3, false, "ack");
    harness_request(h, h->fake);
    harness_request(h, h->fake);
    fake_master_close(h->fake, h->stream);
    harness_expect(h, "answered 1 UNANSWERED");
    harness_expect(h, "answered 3 UNANSWERED");
    harness_expect(h, "answered 2 NOT_DONE");
    harness_expect(h, "down 1 LOST");
    harness_subscribe(h);
    harness_expect_nothing(h);
}

static void test_older_subscription(void **state)
{
    struct harness *h = *state;
    struct blob *body = blob_create("stale", 5);

    harness_open(h, "%1");
    master_send(h->master, 1, 1, true, body); /* before there is any */
    harness_expect(h, "answered 1 NOT_DONE");
    harness_subscribe(h);
    master_resubscribe(h->master, harness_now(h), 0, "again");
    harness_expect(h, "down 1 LOST");
    harness_subscribe(h);
    master_send(h->master, 2, 1, true, body);
    master_send(h->master, 3, 1, false, body);
    master_send(h->master, 4, 3, true, body); /* not yet */
    harness_send(h, 5, true, "current");
    accept_call(h, "current");
    harness_expect(h, "answered 2 NOT_DONE");
    harness_expect(h, "answered 4 NOT_DONE");
    harness_expect(h, "answered 3 NOT_DONE");
    harness_expect(h, "answered 5 ACCEPTED");
    assert_int_equal(copies(h, "stale"), 0);
    blob_unref(body);
}

/* Answers to an ordered call, through HTTP; the table itself is in test_answers. */
static void test_answers(void **state)
{
    static const struct {
        int status;
        const char *body, *answered, *down;
    } rows[] = {
            {200, "", "ACCEPTED", NULL},
            {400, "Failed to parse body into Call protobuf", "REFUSED", NULL},
            {400, "Framework cannot be found", "NOT_DONE", "LOST"},
            {403, "Framework is not subscribed", "NOT_DONE", "LOST"},
            {401, "", "NOT_DONE", "UNAUTHORIZED"},
            {503, "", "NOT_DONE", "LOST"},
            {500, "", "UNANSWERED", "LOST"},
    };
    struct harness *h = *state;

    harness_open(h, "%1");
    harness_subscribe(h);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        for (int ordered = 1; ordered >= 0; --ordered) {
            char line[64];
            bool down = rows[i].down != NULL && (ordered || rows[i].status != 500);

            harness_send(h, i, ordered, "call");
            harness_answer(h->fake, call(h, "call"), rows[i].status, "", rows[i].body);
            snprintf(line, sizeof line, "answered %zu %s", i, rows[i].answered);
            if (rows[i].status == 400 && !down) {
                assert_string_equal(harness_expect(h, line), rows[i].body);
            } else {
                harness_expect(h, line);
            }
            if (down) {
                snprintf(
                        line, sizeof line, "down %llu %s", (unsigned long long)h->subscription, rows[i].down);
                harness_expect(h, line);
                harness_subscribe(h);
            }
            harness_expect_nothing(h);
        }
    }
}

static void test_redirected_call(void **state)
{
    struct harness *h = *state;
    char location[128];

    harness_open(h, "%1");
    harness_subscribe(h);
    harness_send(h, 1, true, "first");
    snprintf(location, sizeof location, "Location: //127.0.0.1:%u/api/v1/scheduler\r\n",
            fake_master_port(h->fakes[1]));
    harness_answer(h->fake, call(h, "first"), 307, location, "");
    harness_expect(h, "answered 1 NOT_DONE");
    harness_expect(h, "down 1 LOST");
    harness_subscribe_at(h, h->fakes[1]);
    assert_int_equal(copies(h, "first"), 1);
}

/* Half an answer: "received" is in the status, other words must be whole. */
static void test_cut_answers(void **state)
{
    struct harness *h = *state;
    const struct fake_request *request;

    harness_open(h, "%1");
    harness_subscribe(h);
    harness_send(h, 1, true, "first");
    request = call(h, "first");
    fake_master_say(h->fake, request->connection, "HTTP/1.1 202 Accepted\r\nContent-Length: 10\r\n\r\nx");
    fake_master_close(h->fake, request->connection);
    harness_expect(h, "answered 1 ACCEPTED");
    harness_send(h, 2, true, "second");
    request = call(h, "second");
    fake_master_say(h->fake, request->connection, "HTTP/1.1 400 Bad\r\nContent-Length: 25\r\n\r\nFramework");
    fake_master_close(h->fake, request->connection);
    harness_expect(h, "answered 2 UNANSWERED");
    harness_expect(h, "down 1 LOST");
}

static void test_large(void **state)
{
    struct harness *h = *state;
    size_t length = 3 * 1024 * 1024;
    char *body = alloc_bytes(length + 1);

    for (size_t i = 0; i < length; ++i) {
        body[i] = (char)('a' + i % 23);
    }
    body[length] = '\0';
    harness_open(h, "%1");
    harness_subscribe(h);
    for (int ordered = 1; ordered >= 0; --ordered) {
        const struct fake_request *request;

        harness_send(h, 1, ordered, body);
        request = call(h, body);
        assert_int_equal(fake_request_header(request, "Expect", NULL, 0), 0);
        /* An endless refusal: a line of it is kept. */
        harness_answer(h->fake, request, 400, "", body);
        assert_int_equal(strlen(harness_expect(h, "answered 1 REFUSED")), 511);
    }
    free(body);
}

static void send_in_callback(struct harness *h, const char *line)
{
    if (strncmp(line, "answered", 8) == 0 && h->hook_count < 300) {
        h->hook_count++;
        harness_send(h, h->hook_count + 1, h->hook_count % 2 == 0, "next");
    }
}

/* Who sends in `answered` is served, also when all that is sent is too late. */
static void test_sent_in_callback(void **state)
{
    struct harness *h = *state;
    int downs = 0;

    harness_open(h, "%1");
    harness_subscribe(h);
    h->hook = send_in_callback;
    harness_send(h, 1, true, "next");
    for (unsigned i = 1; i <= 100; ++i) {
        char line[64];

        accept_call(h, "next");
        snprintf(line, sizeof line, "answered %u ACCEPTED", i);
        harness_expect(h, line);
    }
    call(h, "next");
    master_stop(h->master);
    harness_expect(h, "answered 101 UNANSWERED");
    for (unsigned i = 102; i <= 301; ++i) {
        char line[64];

        if (strcmp(harness_line(h), "down 1 LOST") == 0) {
            h->line_next++;
            downs++;
        }
        snprintf(line, sizeof line, "answered %u NOT_DONE", i);
        harness_expect(h, line);
    }
    harness_expect_nothing(h);
    assert_int_equal(downs, 1);
}

static void test_destroy_in_flight(void **state)
{
    struct harness *h = *state;
    size_t lines;

    harness_open(h, "%1");
    harness_subscribe(h);
    for (unsigned i = 0; i < 20; ++i) {
        harness_send(h, i, i % 2, "call");
    }
    for (int i = 0; i < 5; ++i) {
        harness_request(h, h->fake);
    }
    assert_int_equal(master_waiting_calls(h->master), 20);
    lines = h->line_count;
    master_destroy(h->master);
    h->master = NULL;
    assert_int_equal(h->line_count, lines);
}

#define test(function) cmocka_unit_test_setup_teardown(function, harness_setup, harness_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            test(test_order),
            test(test_acknowledgements),
            test(test_closed_after_reading),
            test(test_reset_after_reading),
            test(test_first_call_closed_after_reading),
            test(test_closed_while_idle),
            test(test_timeout),
            test(test_refused_connection),
            test(test_stream_lost_meanwhile),
            test(test_older_subscription),
            test(test_answers),
            test(test_redirected_call),
            test(test_cut_answers),
            test(test_large),
            test(test_sent_in_callback),
            test(test_destroy_in_flight),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
