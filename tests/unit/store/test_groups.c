/* Groups: which number an output waits for, when groups are handed over, what is told when. The layer of
 * faults.h holds syncs up, so that "while a sync runs" is a state and not a race. */
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "faults.h"
#include "support.h"

static int setup(void **state)
{
    faults_install();
    return fixture_setup(state);
}

static int teardown(void **state)
{
    faults_release();
    faults_remove();
    return fixture_teardown(state);
}

static bool readable(const struct store *store)
{
    struct pollfd fd = {.fd = store_fd(store), .events = POLLIN};
    return poll(&fd, 1, 0) == 1;
}

static void add_event(struct store *store, uint64_t number)
{
    struct record event = event_record(1, number, "t");
    store_add(store, &event);
}

static struct store *start_store(const struct fixture *fixture)
{
    struct store *store = open_store(fixture);
    assert_int_equal(store_start(store, NULL), 0);
    return store;
}

static void test_numbers_before_anything_was_added(void **state)
{
    struct store *store = start_store(*state);
    assert_int_equal(store_group(store), 0);
    assert_int_equal(store_committed(store), 0);
    assert_int_equal(store_waiting_bytes(store), 0);
    store_flush(store); /* nothing to hand over */
    assert_int_equal(store_group(store), 0);
    assert_false(readable(store));
    store_handle(store); /* nothing to empty */
    store_destroy(store);
}

static void test_a_group_from_filling_to_committed(void **state)
{
    struct store *store = start_store(*state);
    add_event(store, 1);
    assert_int_equal(store_group(store), 1); /* filling */
    assert_int_equal(store_committed(store), 0);
    size_t bytes = store_waiting_bytes(store);
    assert_true(bytes > 0);
    add_event(store, 2);
    assert_int_equal(store_group(store), 1); /* the same group */
    assert_int_equal(store_waiting_bytes(store), 2 * bytes);

    faults_hold();
    store_flush(store);
    assert_true(faults_wait_until_held());
    assert_int_equal(store_group(store), 1); /* in flight, nothing newer */
    assert_int_equal(store_committed(store), 0);
    assert_int_equal(store_waiting_bytes(store), 2 * bytes);
    assert_false(readable(store));

    faults_release();
    wait_for_group(store, 1);
    assert_int_equal(store_committed(store), 1);
    assert_int_equal(store_group(store), 1);
    assert_int_equal(store_waiting_bytes(store), 0);
    store_destroy(store);
}

static void test_what_comes_during_a_sync_is_the_next_group(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = start_store(fixture);
    add_event(store, 1);
    faults_hold();
    store_flush(store);
    assert_true(faults_wait_until_held());
    assert_int_equal(store_group(store), 1);

    size_t in_flight = store_waiting_bytes(store);
    for (uint64_t number = 2; number <= 5; number++) {
        add_event(store, number);
        assert_int_equal(store_group(store), 2);
        store_flush(store); /* the thread is busy: the group goes on filling, and nobody waits */
        assert_int_equal(store_group(store), 2);
        assert_int_equal(store_waiting_bytes(store), in_flight * number);
    }
    assert_int_equal(store_committed(store), 0);
    int syncs = faults_syncs();

    faults_release();
    wait_for_group(store, 1);
    assert_int_equal(store_committed(store), 1);
    assert_int_equal(store_group(store), 2); /* still filling: nobody handed it over */
    assert_int_equal(store_waiting_bytes(store), 4 * in_flight);
    store_flush(store);
    wait_for_group(store, 2);
    assert_int_equal(store_committed(store), 2);
    assert_int_equal(faults_syncs() - syncs, 2); /* one for each group, whatever it holds */
    store_destroy(store);
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM event"), 5);
}

static void test_the_descriptor_tells_of_each_commit(void **state)
{
    struct store *store = start_store(*state);
    for (uint64_t number = 1; number <= 50; number++) {
        add_event(store, number);
        assert_int_equal(store_group(store), number);
        store_flush(store);
        struct pollfd fd = {.fd = store_fd(store), .events = POLLIN};
        assert_int_equal(poll(&fd, 1, TEST_WAIT_MS), 1);
        assert_int_equal(store_committed(store), number); /* known before it is told */
        store_handle(store);
        assert_false(readable(store));
    }
    store_destroy(store);
}

static void test_flush_before_the_start_hands_nothing_over(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = open_store(fixture);
    add_event(store, 1);
    store_flush(store);
    assert_int_equal(store_group(store), 1);
    assert_int_equal(store_committed(store), 0);
    assert_int_equal(store_start(store, NULL), 0);
    commit_group(store);
    assert_int_equal(store_committed(store), 1);
    store_destroy(store);
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM event"), 1);
}

/* One group is in flight, one fills, and neither was flushed to the end. */
static void test_destroy_commits_what_is_left(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = start_store(fixture);
    for (uint64_t number = 1; number <= 1000; number++)
        add_event(store, number);
    store_flush(store);
    for (uint64_t number = 1001; number <= 2000; number++)
        add_event(store, number);
    store_destroy(store);
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM event"), 2000);
}

static void test_destroy_commits_what_was_never_started(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = open_store(fixture);
    add_event(store, 1);
    store_destroy(store);
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM event"), 1);
}

/* Blobs are shared with the thread by reference and given back; the bytes of one are not copied. */
static void test_blobs_are_shared(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = start_store(fixture);
    struct blob *body = blob_create("shared", 6);
    for (uint64_t number = 1; number <= 1000; number++) {
        struct record event = event_record(1, number, "t");
        event.event.header = event.event.body = body;
        store_add(store, &event);
        store_flush(store);
    }
    blob_unref(body);
    store_destroy(store);
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM event WHERE body=CAST('shared' AS BLOB)"), 1000);
}

static volatile sig_atomic_t caught;

static void catch (int number)
{
    caught = number;
}

/* The loop blocks signals and reads them from a descriptor; the thread must not take them away. */
static void test_the_thread_takes_no_signals(void **state)
{
    struct store *store = start_store(*state);
    struct sigaction action = {.sa_handler = catch}, action_before;
    sigset_t signals, signals_before;
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    assert_int_equal(sigaction(SIGUSR1, &action, &action_before), 0);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &signals, &signals_before), 0);
    assert_int_equal(kill(getpid(), SIGUSR1), 0);
    add_event(store, 1);
    commit_group(store); /* the thread has run since */
    struct timespec at_once = {0};
    int taken = sigtimedwait(&signals, NULL, &at_once);
    pthread_sigmask(SIG_SETMASK, &signals_before, NULL);
    sigaction(SIGUSR1, &action_before, NULL);
    assert_int_equal(caught, 0);
    assert_int_equal(taken, SIGUSR1);
    store_destroy(store);
}

/* A log that grows without a pause is moved into the database all the same, and used again from its start. */
static void test_the_log_is_bounded_under_load(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = start_store(fixture);
    struct blob *body = blob_take(alloc_zeroed(1, 1 << 20), 1 << 20);
    for (uint64_t number = 1; number <= 150; number++) {
        struct record event = event_record(1, number, "t");
        event.event.body = body;
        store_add(store, &event);
        commit_group(store);
    }
    blob_unref(body);
    size_t log = file_size(fixture->log);
    print_message("the log has %zu bytes after 150 MiB\n", log);
    assert_in_range(log, 1, 40 << 20);
    store_destroy(store);
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM event"), 150);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(test_numbers_before_anything_was_added),
            TEST(test_a_group_from_filling_to_committed),
            TEST(test_what_comes_during_a_sync_is_the_next_group),
            TEST(test_the_descriptor_tells_of_each_commit),
            TEST(test_flush_before_the_start_hands_nothing_over),
            TEST(test_destroy_commits_what_is_left),
            TEST(test_destroy_commits_what_was_never_started),
            TEST(test_blobs_are_shared),
            TEST(test_the_thread_takes_no_signals),
            TEST(test_the_log_is_bounded_under_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
