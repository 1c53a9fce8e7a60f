/* The file does not grow without end: tasks come and are forgotten, the journal is pruned, and after the
 * first cycles the file has all the pages it will ever have. */
#include <string.h>

#include "base/alloc.h"
#include "support.h"

#define TASKS 150 /* that come in a cycle, and stay for the next one */
#define EVENTS_KEPT 400

static struct blob *bytes_of(int64_t key)
{
    size_t length = (size_t)(50 + key * 37 % 3000);
    return blob_take(alloc_zeroed(1, length), length);
}

/* Each task is launched, changes, and is over; four events tell of it. */
static void live(struct store *store, int64_t key)
{
    struct blob *bytes = bytes_of(key);
    struct record task = {
            .kind = RECORD_TASK, .task = {.key = key, .id = "a-task-of-the-test", .spec = bytes}};
    struct record attempt = {
            .kind = RECORD_ATTEMPT, .attempt = {.task_key = key, .number = 1, .agent_id = "S1"}};
    for (int change = 0; change < 4; change++) {
        struct record event =
                event_record(1 + change % 2, (uint64_t)(2 * key + change / 2), "task/a-task/STATE");
        event.event.body = bytes;
        store_add(store, &task);
        store_add(store, &attempt);
        store_add(store, &event);
        task.task.spec = NULL;
        task.task.message = attempt.attempt.message = "words that make the row longer than it was before";
    }
    blob_unref(bytes);
}

static void forget(struct store *store, int64_t key)
{
    struct record record = {.kind = RECORD_FORGET, .forget = {.task_key = key}};
    store_add(store, &record);
}

/* One run of the store. */
static void run_cycle(const struct fixture *fixture, int cycle)
{
    struct store *store = open_store(fixture);
    store_keep_events(store, EVENTS_KEPT);
    assert_int_equal(store_start(store, NULL), 0);
    for (int i = 1; i <= TASKS; i++) {
        int64_t key = (int64_t)cycle * TASKS + i;
        live(store, key);
        if (key > TASKS)
            forget(store, key - TASKS);
        if (i % 10 == 0)
            commit_group(store);
    }
    store_destroy(store);
}

static void test_the_file_stops_growing(void **state)
{
    struct fixture *fixture = *state;
    int64_t highest = 0, before = 0;
    for (int cycle = 0; cycle < 40; cycle++) {
        run_cycle(fixture, cycle);
        int64_t pages = run_sql(fixture, "PRAGMA page_count");
        if (pages > highest)
            highest = pages;
        if (cycle == 9)
            before = highest;
    }
    print_message("%d pages after 10 cycles, %d after 40\n", (int)before, (int)highest);
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM task"), TASKS);
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM spec"), TASKS);
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM attempt"), TASKS);
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM event"), 2 * EVENTS_KEPT);
    assert_true(highest <= before + before / 10);
    assert_int_equal(file_size(fixture->file), run_sql(fixture, "PRAGMA page_count") * 4096);
}

/* The same without a pause: the thread is never idle. The log is moved when it has 8,192 pages, and the group
 * that is written then may be a large one. */
static void test_the_log_stops_growing_under_load(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = open_store(fixture);
    store_keep_events(store, EVENTS_KEPT);
    assert_int_equal(store_start(store, NULL), 0);
    size_t largest = 0, first = 0;
    for (int64_t group = 0; group < 500; group++) {
        for (int64_t i = 1; i <= 40; i++) {
            int64_t key = group * 40 + i;
            live(store, key);
            if (key > TASKS)
                forget(store, key - TASKS);
        }
        commit_group(store);
        size_t size = file_size(fixture->log);
        if (size > largest)
            largest = size;
        if (group == 0)
            first = size;
    }
    store_destroy(store);
    print_message("the log had %zu bytes at most, %zu in a group\n", largest, first);
    assert_true(500 * first > (size_t)2 * 8192 * 4096); /* enough was written to make it longer */
    assert_in_range(largest, 1, (8192 + 1024) * (4096 + 24));
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM task"), TASKS);
    assert_true(run_sql(fixture, "PRAGMA page_count") < 8192);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(test_the_file_stops_growing),
            TEST(test_the_log_stops_growing_under_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
