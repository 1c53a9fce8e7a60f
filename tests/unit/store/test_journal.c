/* The journal's limit: the newest rows of each class stay. */
#include <poll.h>

#include "base/clock.h"
#include "faults.h"
#include "support.h"

static int setup(void **state)
{
    faults_install();
    return fixture_setup(state);
}

static int teardown(void **state)
{
    faults_remove();
    return fixture_teardown(state);
}

static struct store *start_store(const struct fixture *fixture, uint64_t kept)
{
    struct store *store = open_store(fixture);
    store_keep_events(store, kept);
    assert_int_equal(store_start(store, NULL), 0);
    return store;
}

static void add_events(struct store *store, int32_t class, uint64_t first, uint64_t last)
{
    for (uint64_t number = first; number <= last; number++) {
        struct record event = event_record(class, number, "t");
        store_add(store, &event);
    }
}

static void test_at_the_limit_nothing_goes_and_past_it_the_oldest(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = start_store(fixture, 10);
    add_events(store, 1, 1, 10);
    store_destroy(store);
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM event"), 10);

    store = start_store(fixture, 10);
    add_events(store, 1, 11, 11);
    store_destroy(store);
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM event"), 10);
    assert_int_equal(run_sql(fixture, "SELECT min(number) FROM event"), 2);
    assert_int_equal(run_sql(fixture, "SELECT max(number) FROM event"), 11);
}

/* Each class has the limit for itself, and each commit leaves no more than it. */
static void test_classes_are_apart(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = start_store(fixture, 10);
    add_events(store, 2, 1, 3);
    for (uint64_t number = 1; number <= 200; number += 5) {
        add_events(store, 1, number, number + 4);
        add_events(store, 7, number, number + 4);
        commit_group(store);
    }
    store_destroy(store);
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM event WHERE class=2"), 3);
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM event WHERE class=1"), 10);
    assert_int_equal(run_sql(fixture, "SELECT min(number) FROM event WHERE class=1"), 191);
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM event WHERE class=7"), 10);
    assert_int_equal(run_sql(fixture, "SELECT min(number) FROM event WHERE class=7"), 191);
}

static void test_a_limit_of_none_keeps_the_last(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = start_store(fixture, 0);
    add_events(store, 1, 1, 4);
    store_destroy(store);
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM event"), 1);
    assert_int_equal(run_sql(fixture, "SELECT number FROM event"), 4);
}

/* 4,500 rows above a new limit go while nothing else happens, at most 1,000 in a transaction: five of them.
 */
static void test_an_idle_store_prunes_in_steps(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = start_store(fixture, 1000000);
    add_events(store, 1, 1, 2010);
    add_events(store, 2, 1, 2510);
    store_destroy(store);
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM event"), 4520);

    int before = faults_syncs();
    store = start_store(fixture, 10);
    assert_true(faults_wait_for_syncs(before + 6));
    store_destroy(store);
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM event WHERE class=1"), 10);
    assert_int_equal(run_sql(fixture, "SELECT min(number) FROM event WHERE class=1"), 2001);
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM event WHERE class=2"), 10);
    assert_int_equal(run_sql(fixture, "SELECT min(number) FROM event WHERE class=2"), 2501);
}

/* Under load the rows above the limit become fewer with each group, two for one that comes. */
static void test_a_busy_store_prunes_too(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = start_store(fixture, 1000000);
    add_events(store, 1, 1, 100);
    store_destroy(store);

    struct error err;
    store = open_store(fixture);
    store_keep_events(store, 10);
    for (uint64_t number = 101; number <= 110; number++) {
        struct record event = event_record(1, number, "t");
        assert_int_equal(store_write_now(store, &event, &err), 0);
    }
    store_destroy(store);
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM event"), 90);
    assert_int_equal(run_sql(fixture, "SELECT min(number) FROM event"), 21);
}

/* Numbers have holes only in a database that something else wrote into; that must not make work without end.
 */
static void test_holes_are_skipped(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = start_store(fixture, 10);
    add_events(store, 1, 1, 5);
    add_events(store, 1, 1000000000001, 1000000000010);
    commit_group(store);
    store_destroy(store);
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM event"), 10);
    assert_int_equal(run_sql(fixture, "SELECT min(number) FROM event"), 1000000000001);
}

/* The caller lets its body go. */
static struct record old_event(int32_t class, uint64_t number, int64_t age_s, size_t size)
{
    static const uint8_t bytes[4096];

    return (struct record){.kind = RECORD_EVENT,
            .event = {.class = class,
                    .number = number,
                    .time_ns = clock_read().wall_ns - age_s * 1000000000,
                    .topic = "t",
                    .body = blob_create(bytes, size)}};
}

static void add_old_event(struct store *store, int32_t class, uint64_t number, int64_t age_s, size_t size)
{
    struct record event = old_event(class, number, age_s, size);

    store_add(store, &event);
    blob_unref(event.event.body);
}

/* Rows of 1,000 bytes: a limit of 5,000 keeps five of them. */
static void test_bytes_have_a_limit(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = open_store(fixture);
    store_keep_events_bytes(store, 5000);
    assert_int_equal(store_start(store, NULL), 0);
    for (uint64_t number = 1; number <= 5; number++)
        add_old_event(store, 1, number, 0, 999);
    commit_group(store);
    for (uint64_t number = 1; number <= 3; number++)
        add_old_event(store, 2, number, 0, 10);
    store_destroy(store);
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM event"), 8);

    /* The older ones are counted when it is idle, and then go. Written before the start, since the thread may
     * be idle and count before any group comes. */
    store = open_store(fixture);
    store_keep_events_bytes(store, 5000);
    int before = faults_syncs();
    struct record sixth = old_event(1, 6, 0, 1000);
    assert_int_equal(store_write_now(store, &sixth, NULL), 0);
    blob_unref(sixth.event.body);
    assert_int_equal(store_start(store, NULL), 0);
    assert_true(faults_wait_for_syncs(before + 3));
    store_destroy(store);
    assert_int_equal(run_sql(fixture, "SELECT min(number) FROM event WHERE class=1"), 3);
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM event WHERE class=1"), 4);
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM event WHERE class=2"), 3);
}

static void test_one_row_is_kept_whatever_its_size(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = open_store(fixture);
    store_keep_events_bytes(store, 100);
    assert_int_equal(store_start(store, NULL), 0);
    for (uint64_t number = 1; number <= 20; number++) {
        add_old_event(store, 1, number, 0, 1000);
        commit_group(store);
    }
    store_destroy(store);
    assert_int_equal(run_sql(fixture, "SELECT number FROM event"), 20);
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM event"), 1);
}

/* 2,500 rows from before the start: counted in steps, the newest first, until it is clear what goes. */
static void test_rows_from_before_the_start_are_counted(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = start_store(fixture, 1000000);
    for (uint64_t number = 1; number <= 2500; number++)
        add_old_event(store, 1, number, 0, 99);
    store_destroy(store);
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM event"), 2500);
    int before = faults_syncs();
    store = open_store(fixture);
    store_keep_events_bytes(store, 120000);
    assert_int_equal(store_start(store, NULL), 0);
    assert_true(faults_wait_for_syncs(before + 3)); /* 1,000 in a transaction */
    store_destroy(store);
    assert_int_equal(run_sql(fixture, "SELECT min(number) FROM event"), 1301);
    assert_int_equal(run_sql(fixture, "SELECT max(number) FROM event"), 2500);
}

static void check_size(struct store *store, uint64_t rows, bool known, uint64_t bytes)
{
    struct store_figures figures;
    store_figures(store, &figures);
    assert_int_equal(figures.journal_rows, rows);
    assert_int_equal(figures.bytes_known, known);
    if (known)
        assert_int_equal(figures.journal_bytes, bytes);
}

/* What the table says in the end. */
static void check_table(const struct fixture *fixture, uint64_t rows, uint64_t bytes)
{
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM event"), (int64_t)rows);
    assert_int_equal(
            run_sql(fixture, "SELECT sum(length(CAST(topic AS BLOB))+ifnull(length(header),0)+length(body))"
                             " FROM event"),
            (int64_t)bytes);
}

static void test_its_size_is_known(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = open_store(fixture);
    store_keep_events(store, 10);
    check_size(store, 0, true, 0);
    assert_int_equal(store_start(store, NULL), 0);
    check_size(store, 0, true, 0);
    for (uint64_t number = 1; number <= 9; number++)
        add_old_event(store, 1, number, 0, 99);
    add_old_event(store, 2, 1, 0, 1999);
    commit_group(store);
    check_size(store, 10, true, 9 * 100 + 2000);
    for (uint64_t number = 10; number <= 12; number++) /* two of class 1 go for them */
        add_old_event(store, 1, number, 0, 199);
    commit_group(store);
    check_size(store, 11, true, 7 * 100 + 3 * 200 + 2000);
    store_destroy(store);
    check_table(fixture, 11, 7 * 100 + 3 * 200 + 2000);

    /* From before the start: the rows at once, the bytes where they matter, once they were counted. */
    store = open_store(fixture);
    check_size(store, 11, false, 0);
    assert_int_equal(store_start(store, NULL), 0);
    add_old_event(store, 2, 2, 0, 99);
    commit_group(store);
    check_size(store, 12, false, 0);
    store_destroy(store);
    store = open_store(fixture);
    store_keep_events_bytes(store, 1000000);
    assert_int_equal(store_start(store, NULL), 0);
    struct store_figures figures;
    for (store_figures(store, &figures); !figures.bytes_known; store_figures(store, &figures))
        poll(NULL, 0, 1); /* it is idle, and counts */
    check_size(store, 12, true, 7 * 100 + 3 * 200 + 2100);
    store_destroy(store);
    check_table(fixture, 12, 7 * 100 + 3 * 200 + 2100);
}

/* Topics have the ids of tasks, in any script: what is taken off for a row that goes is what was added. */
static void test_its_size_is_in_bytes(void **state)
{
    struct fixture *fixture = *state;
    struct blob *body = blob_create("body", 4);
    struct store *store = open_store(fixture);
    store_keep_events(store, 10);
    store_keep_events_bytes(store, 1000);
    assert_int_equal(store_start(store, NULL), 0);
    for (uint64_t number = 1; number <= 300; number++) {
        struct record event = event_record(1, number, "task/\u4efb\u52a1/RUNNING"); /* 19 bytes */
        event.event.body = body;
        store_add(store, &event);
        commit_group(store);
    }
    check_size(store, 10, true, 230);
    store_destroy(store);
    check_table(fixture, 10, 230);

    /* From before the start too. */
    store = open_store(fixture);
    store_keep_events_bytes(store, 1000);
    assert_int_equal(store_start(store, NULL), 0);
    struct store_figures figures;
    for (store_figures(store, &figures); !figures.bytes_known; store_figures(store, &figures))
        poll(NULL, 0, 1);
    check_size(store, 10, true, 230);
    store_destroy(store);
    blob_unref(body);
}

static void test_commits_are_counted_and_timed(void **state)
{
    struct fixture *fixture = *state;
    struct store_figures before, after;
    struct store *store = start_store(fixture, 10);
    store_figures(store, &before);
    assert_int_equal(before.commits + before.commits_us + before.longest_commit_us, 0);
    for (uint64_t number = 1; number <= 5; number++) {
        add_events(store, 1, number, number);
        commit_group(store);
        store_figures(store, &after);
        assert_int_equal(after.commits, number);
        assert_true(after.commits_us >= before.commits_us && after.longest_commit_us <= after.commits_us);
        assert_true(after.longest_commit_us >= before.longest_commit_us);
        before = after;
    }

    /* A sync that waits for so long is told. */
    faults_hold();
    add_events(store, 1, 6, 6);
    store_flush(store);
    assert_true(faults_wait_until_held());
    for (int64_t held_ms = clock_read().mono_ms; clock_read().mono_ms < held_ms + 50;)
        poll(NULL, 0, 1);
    store_figures(store, &after);
    assert_int_equal(after.commits, 5); /* and nobody waits for the disk to be told so */
    faults_release();
    commit_group(store);
    store_figures(store, &after);
    assert_int_equal(after.commits, 6);
    assert_true(after.longest_commit_us >= 49000);
    assert_true(after.commits_us >= before.commits_us + 49000);
    store_destroy(store);
}

static void test_age_has_a_limit(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = open_store(fixture);
    store_keep_events_for(store, (int64_t)3600 * 1000000000);
    assert_int_equal(store_start(store, NULL), 0);
    for (uint64_t number = 1; number <= 4; number++)
        add_old_event(store, 1, number, 3700 - (int64_t)number, 10);
    for (uint64_t number = 5; number <= 8; number++)
        add_old_event(store, 1, number, 1000, 10);
    add_old_event(store, 2, 1, 9000, 10); /* the last of its class */
    commit_group(store);
    store_destroy(store);
    assert_int_equal(run_sql(fixture, "SELECT min(number) FROM event WHERE class=1"), 5);
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM event WHERE class=1"), 4);
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM event WHERE class=2"), 1);

    /* After a start too: the age of the first row is known. */
    int before = faults_syncs();
    store = open_store(fixture);
    store_keep_events_for(store, (int64_t)900 * 1000000000);
    assert_int_equal(store_start(store, NULL), 0);
    assert_true(faults_wait_for_syncs(before + 2));
    store_destroy(store);
    assert_int_equal(run_sql(fixture, "SELECT number FROM event WHERE class=1"), 8);
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM event WHERE class=1"), 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(test_at_the_limit_nothing_goes_and_past_it_the_oldest),
            TEST(test_classes_are_apart),
            TEST(test_a_limit_of_none_keeps_the_last),
            TEST(test_an_idle_store_prunes_in_steps),
            TEST(test_a_busy_store_prunes_too),
            TEST(test_holes_are_skipped),
            TEST(test_bytes_have_a_limit),
            TEST(test_one_row_is_kept_whatever_its_size),
            TEST(test_rows_from_before_the_start_are_counted),
            TEST(test_its_size_is_known),
            TEST(test_its_size_is_in_bytes),
            TEST(test_commits_are_counted_and_timed),
            TEST(test_age_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
