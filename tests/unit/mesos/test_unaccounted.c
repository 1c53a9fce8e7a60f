/* Which SUBSCRIBEs count as unaccounted for (master.h): those that may still come after they were given up,
 * and no others. */
#include "harness.h"

#include <stdio.h>
#include <string.h>

/* Takes all that are counted, and compares their number. */
static void expect_unaccounted(struct harness *h, unsigned expected)
{
    unsigned count = 0;

    while (master_take_unaccounted(h->master)) {
        ++count;
    }
    assert_int_equal(count, expected);
    assert_false(master_take_unaccounted(h->master));
}

static void lose(struct harness *h)
{
    char line[64];

    snprintf(line, sizeof line, "down %llu LOST", (unsigned long long)h->subscription);
    fake_master_close(h->fake, h->stream);
    harness_expect(h, line);
}

static void test_none_when_all_goes_well(void **state)
{
    struct harness *h = *state;

    harness_open(h, "%1");
    harness_subscribe(h);
    lose(h);
    harness_subscribe(h);
    harness_record(h->fake, h->stream, &(struct buf[]){event_error("Framework failed over")}[0]);
    harness_expect(h, "record 2 ERROR");
    assert_string_equal(harness_expect(h, "down 2 ERROR"), "Framework failed over");
    expect_unaccounted(h, 0);
}

/* Nothing was written where no connection was made. */
static void test_not_those_that_were_never_written(void **state)
{
    struct harness *h = *state;

    fake_master_stop_listening(h->fake);
    harness_open(h, "%1");
    for (int i = 0; i < 3; ++i) {
        harness_expect(h, "down 0 LOST");
    }
    expect_unaccounted(h, 0);
}

static void test_each_that_got_no_answer_in_time(void **state)
{
    struct harness *h = *state;

    harness_open(h, "%1");
    for (int i = 0; i < 2; ++i) {
        harness_request(h, h->fake);
        harness_advance(h, h->config.subscribe_timeout_ms);
        assert_non_null(strstr(harness_expect(h, "down 0 LOST"), "no SUBSCRIBED within"));
    }
    harness_subscribe(h);
    expect_unaccounted(h, 2);
}

static void test_those_whose_connection_broke(void **state)
{
    struct harness *h = *state;

    harness_open(h, "%1");
    fake_master_reset(h->fake, harness_request(h, h->fake)->connection);
    harness_expect(h, "down 0 LOST");
    fake_master_close(h->fake, harness_request(h, h->fake)->connection);
    harness_expect(h, "down 0 LOST");
    harness_request(h, h->fake);
    expect_unaccounted(h, 2);
}

/* The 200 comes before the subscription is made. */
static void test_a_200_without_a_record(void **state)
{
    struct harness *h = *state;
    int connection;

    harness_open(h, "%1");
    connection = harness_request(h, h->fake)->connection;
    harness_say_ok(h, h->fake, connection);
    harness_settle(h);
    fake_master_close(h->fake, connection);
    harness_expect(h, "down 0 LOST");
    expect_unaccounted(h, 1);
}

static void test_one_that_we_gave_up_ourselves(void **state)
{
    struct harness *h = *state;

    harness_open(h, "%1");
    harness_request(h, h->fake);
    master_resubscribe(h->master, harness_now(h), 0, "because");
    harness_expect(h, "down 0 LOST");
    expect_unaccounted(h, 1);
}

static void resubscribe_once(struct harness *h, const char *line)
{
    (void)line;
    h->hook = NULL;
    master_resubscribe(h->master, harness_now(h), 60000, "because");
}

/* The caller does not want it any more in the very turn that begins it: what the one before had written does
 * not count for it. */
static void test_not_one_that_was_not_begun(void **state)
{
    struct harness *h = *state;

    harness_open(h, "%1");
    harness_answer(h->fake, harness_request(h, h->fake), 503, "", "");
    harness_expect(h, "down 0 LOST");
    harness_send(h, 7, true, "a call of no subscription");
    h->hook = resubscribe_once;
    harness_advance(h, 1000);
    harness_expect(h, "answered 7 NOT_DONE");
    expect_unaccounted(h, 0);
}

/* A master that says no has done with it; what else answers may be a proxy, which knows nothing. */
static void test_an_answer_settles_if_a_master_gave_it(void **state)
{
    static const struct {
        int status;
        const char *headers, *line;
        unsigned count;
    } cases[] = {
            {400, "", "down 0 REFUSED", 0},
            {401, "WWW-Authenticate: Basic realm=\"mesos-master-scheduler\"\r\n", "down 0 UNAUTHORIZED", 0},
            {403, "", "down 0 REFUSED", 0},
            {404, "", "down 0 NOT_MESOS", 0},
            {503, "", "down 0 LOST", 0},
            {500, "", "down 0 LOST", 1},
            {502, "", "down 0 LOST", 1},
            {504, "", "down 0 LOST", 1},
    };
    struct harness *h = *state;

    harness_open(h, "%1");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        harness_answer(h->fake, harness_request(h, h->fake), cases[i].status, cases[i].headers, "because\n");
        harness_expect(h, cases[i].line);
        expect_unaccounted(h, cases[i].count);
    }
}

static void test_not_one_that_was_redirected(void **state)
{
    struct harness *h = *state;
    char location[128];

    snprintf(location, sizeof location, "Location: //127.0.0.1:%u/api/v1/scheduler\r\n",
            fake_master_port(h->fakes[1]));
    harness_open(h, "%1");
    harness_answer(h->fake, harness_request(h, h->fake), 307, location, "");
    harness_subscribe_at(h, h->fakes[1]);
    expect_unaccounted(h, 0);
}

static void test_not_one_that_an_error_turned_away(void **state)
{
    struct harness *h = *state;
    int connection;

    harness_open(h, "%1");
    connection = harness_request(h, h->fake)->connection;
    harness_say_ok(h, h->fake, connection);
    harness_record(h->fake, connection, &(struct buf[]){event_error("Framework has been removed")}[0]);
    harness_expect(h, "record 0 ERROR");
    assert_string_equal(harness_expect(h, "down 0 ERROR"), "Framework has been removed");
    expect_unaccounted(h, 0);
}

static void stand_for(struct harness *h, int64_t ms)
{
    harness_subscribe(h);
    master_set_heartbeat(h->master, MASTER_LATE_MS);
    harness_settle(h);
    harness_advance(h, ms);
    lose(h);
}

/* Time makes sure of it, but only while a subscription stands. */
static void test_none_is_left_after_a_long_subscription(void **state)
{
    struct harness *h = *state;

    harness_open(h, "%1");
    master_set_unaccounted(h->master, 1);
    stand_for(h, MASTER_LATE_MS / 2);
    stand_for(h, MASTER_LATE_MS / 2);
    assert_true(master_take_unaccounted(h->master));
    master_set_unaccounted(h->master, 2);
    stand_for(h, MASTER_LATE_MS);
    expect_unaccounted(h, 0);
}

#define test(function) cmocka_unit_test_setup_teardown(function, harness_setup, harness_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            test(test_none_when_all_goes_well),
            test(test_not_those_that_were_never_written),
            test(test_each_that_got_no_answer_in_time),
            test(test_those_whose_connection_broke),
            test(test_a_200_without_a_record),
            test(test_one_that_we_gave_up_ourselves),
            test(test_not_one_that_was_not_begun),
            test(test_an_answer_settles_if_a_master_gave_it),
            test(test_not_one_that_was_redirected),
            test(test_not_one_that_an_error_turned_away),
            test(test_none_is_left_after_a_long_subscription),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
