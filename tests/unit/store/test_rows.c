/* Rows: what is written comes back, all of it, in order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

static struct record full_task(int64_t key, const char *id, struct blob *spec, struct blob *policy)
{
    return (struct record){.kind = RECORD_TASK,
            .task = {.key = key,
                    .id = id,
                    .spec = spec,
                    .state = INT32_MIN,
                    .revision = UINT64_MAX,
                    .attempts = UINT32_MAX,
                    .kill_requested = true,
                    .kill_policy = policy,
                    .created_ns = INT64_MAX,
                    .changed_ns = INT64_MIN,
                    .not_before_ns = 1763812345678901234,
                    .flags = 0xdeadbeef,
                    .message = "it's a \"message\"; DROP TABLE task",
                    .reason = "REASON_\xc3\xa9"}};
}

static struct record attempt_with(int64_t task_key, uint32_t number, struct blob *event)
{
    return (struct record){.kind = RECORD_ATTEMPT,
            .attempt = {.task_key = task_key,
                    .number = number,
                    .state = -7,
                    .flags = 0xdeadbeef,
                    .agent_id = "8a4a2c5e-S1",
                    .hostname = "host.example",
                    .ports = "31000 31005",
                    .unique = "rack=r1",
                    .launched_ns = 11,
                    .changed_ns = 12,
                    .message = "m",
                    .reason = "r",
                    .mesos_id = "job.1.1-r1",
                    .agent_url = "http://10.0.0.7:5051/slave(1)",
                    .healthy = -1,
                    .check_status = INT64_MAX,
                    .pending = -1,
                    .pending_uuid = "00112233445566778899aabbccddeeff",
                    .pending_before = "before",
                    .pending_state = INT32_MIN,
                    .pending_ns = INT64_MIN,
                    .pending_number = UINT64_MAX,
                    .pending_event = event}};
}

static struct record full_attempt(int64_t task_key, uint32_t number)
{
    return attempt_with(task_key, number, NULL);
}

static struct record full_operation(int64_t key, const char *id, struct blob *spec, struct blob *status)
{
    return (struct record){.kind = RECORD_OPERATION,
            .operation = {.key = key,
                    .id = id,
                    .spec = spec,
                    .state = INT32_MIN,
                    .revision = UINT64_MAX,
                    .flags = 0xdeadbeef,
                    .sent = UINT32_MAX,
                    .mesos_id = "reserve.7.1",
                    .agent_id = "8a4a2c5e-S1",
                    .hostname = "host.example",
                    .provider_id = "p-1",
                    .created_ns = 11,
                    .changed_ns = INT64_MIN,
                    .message = "m",
                    .status = status}};
}

/* Commits the records as one group, stops, and starts again: the reopened store. */
static struct store *write_and_reopen(
        const struct fixture *fixture, struct store *store, const struct record *records, size_t count)
{
    assert_int_equal(store_start(store, NULL), 0);
    for (size_t i = 0; i < count; i++)
        store_add(store, &records[i]);
    commit_group(store);
    store_destroy(store);
    return open_store(fixture);
}

/* The texts of the records, one after the other. */
static const char *texts_of(struct fixture *fixture, const struct record *records, size_t count)
{
    const char *text = "";
    for (size_t i = 0; i < count; i++)
        text = arena_format(&fixture->arena, "%s%s", text, record_text(fixture, &records[i]));
    return text;
}

static void test_every_field_comes_back(void **state)
{
    struct fixture *fixture = *state;
    struct blob *bytes = blob_create("\0bytes\xff", 7);
    struct blob *empty = blob_create("", 0);
    struct record records[] = {
            meta_record(META_FRAMEWORK_ID, "f-1"),
            full_task(INT64_MAX, "job", bytes, empty),
            full_attempt(INT64_MAX, UINT32_MAX),
            full_operation(INT64_MAX, "reserve", bytes, empty),
            {.kind = RECORD_EVENT,
                    .event = {.class = INT32_MAX,
                            .number = INT64_MAX,
                            .time_ns = -1,
                            .topic = "mesos/UPDATE/job/1",
                            .header = bytes,
                            .body = empty}},
    };
    struct store *store = write_and_reopen(fixture, open_store(fixture), records, 5);
    assert_string_equal(load_text(fixture, store), texts_of(fixture, records, 5));
    store_destroy(store);
    blob_unref(bytes);
    blob_unref(empty);
}

static void test_absent_blobs_stay_absent_and_absent_text_is_empty(void **state)
{
    struct fixture *fixture = *state;
    struct blob *spec = blob_create("", 0);
    struct record given[] = {
            {.kind = RECORD_TASK, .task = {.key = 1, .spec = spec}},
            {.kind = RECORD_ATTEMPT, .attempt = {.task_key = 1, .number = 1}},
            {.kind = RECORD_EVENT, .event = {.class = 1, .number = 1}},
    };
    struct record expected[] = {
            {.kind = RECORD_TASK, .task = {.key = 1, .id = "", .spec = spec, .message = "", .reason = ""}},
            {.kind = RECORD_ATTEMPT,
                    .attempt = {.task_key = 1,
                            .number = 1,
                            .agent_id = "",
                            .hostname = "",
                            .ports = "",
                            .unique = "",
                            .message = "",
                            .reason = "",
                            .mesos_id = ""}},
            {.kind = RECORD_EVENT, .event = {.class = 1, .number = 1, .topic = ""}},
    };
    struct store *store = write_and_reopen(fixture, open_store(fixture), given, 3);
    assert_string_equal(load_text(fixture, store), texts_of(fixture, expected, 3));
    store_destroy(store);
    blob_unref(spec);
}

/* Larger than a page, and than SQLite copies in one piece. */
static void test_large_blobs(void **state)
{
    struct fixture *fixture = *state;
    size_t length = 1 << 20;
    uint8_t *data = malloc(length);
    assert_non_null(data);
    for (size_t i = 0; i < length; i++)
        data[i] = (uint8_t)(i * 7 + i / 4096);
    struct blob *blob = blob_take(data, length);
    struct record records[] = {full_task(1, "large", blob, NULL), event_record(1, 1, "t")};
    records[1].event.body = blob;
    struct store *store = write_and_reopen(fixture, open_store(fixture), records, 2);
    assert_string_equal(load_text(fixture, store), texts_of(fixture, records, 2));
    store_destroy(store);
    blob_unref(blob);
}

static void test_order_of_loading(void **state)
{
    struct fixture *fixture = *state;
    struct blob *spec = blob_create("spec", 4);
    struct record sorted[] = {
            meta_record("a", "1"),
            meta_record("b", "2"),
            full_task(2, "z", spec, NULL),
            full_task(10, "y", spec, NULL),
            full_attempt(2, 1),
            full_attempt(2, 2),
            full_attempt(10, 1),
            event_record(1, 3, "one"),
            event_record(2, 1, "two"),
    };
    size_t count = sizeof sorted / sizeof *sorted;
    struct record reversed[sizeof sorted / sizeof *sorted];
    for (size_t i = 0; i < count; i++)
        reversed[i] = sorted[count - 1 - i];
    struct store *store = write_and_reopen(fixture, open_store(fixture), reversed, count);
    assert_string_equal(load_text(fixture, store), texts_of(fixture, sorted, count));
    store_destroy(store);
    blob_unref(spec);
}

static void test_rows_are_replaced(void **state)
{
    struct fixture *fixture = *state;
    struct blob *spec = blob_create("spec", 4), *other = blob_create("other", 5);
    struct record before[] = {meta_record("name", "before"), full_task(1, "job", spec, spec),
            full_attempt(1, 1), event_record(1, 1, "before")};
    struct record after[] = {meta_record("name", "after"), full_task(1, "job", other, NULL),
            full_attempt(1, 1), event_record(1, 1, "after")};
    after[1].task.state = 5;
    after[1].task.revision = 6;
    after[1].task.attempts = 7;
    after[1].task.kill_requested = false;
    after[1].task.created_ns = 8;
    after[1].task.changed_ns = 9;
    after[1].task.not_before_ns = 10;
    after[1].task.flags = 11;
    after[1].task.message = "";
    after[1].task.reason = "other";
    after[2].attempt = (struct attempt_row){
            .task_key = 1,
            .number = 1,
            .state = 2,
            .flags = 3,
            .agent_id = "a",
            .hostname = "h",
            .ports = "p",
            .unique = "u",
            .launched_ns = 4,
            .changed_ns = 5,
            .message = "m2",
            .reason = "r2",
            .mesos_id = "i",
    };
    after[3].event.header = spec;
    after[3].event.body = other;
    after[3].event.time_ns = 99;

    struct store *store = write_and_reopen(fixture, open_store(fixture), before, 4);
    assert_string_equal(load_text(fixture, store), texts_of(fixture, before, 4));
    store = write_and_reopen(fixture, store, after, 4);
    assert_string_equal(load_text(fixture, store), texts_of(fixture, after, 4));
    store_destroy(store);
    blob_unref(spec);
    blob_unref(other);
}

static void test_a_task_without_specification_keeps_the_one_it_has(void **state)
{
    struct fixture *fixture = *state;
    struct blob *spec = blob_create("spec", 4);
    struct record launched = full_task(1, "job", spec, NULL), running = full_task(1, "job", NULL, spec);
    running.task.state = 5;
    struct record expected = running;
    expected.task.spec = spec;

    /* In one group, and in a later run. */
    struct record both[] = {launched, running};
    struct store *store = write_and_reopen(fixture, open_store(fixture), both, 2);
    assert_string_equal(load_text(fixture, store), record_text(fixture, &expected));
    running.task.state = expected.task.state = 6;
    store = write_and_reopen(fixture, store, &running, 1);
    assert_string_equal(load_text(fixture, store), record_text(fixture, &expected));
    store_destroy(store);
    blob_unref(spec);
}

static void test_a_forgotten_task_is_gone_with_its_attempts(void **state)
{
    struct fixture *fixture = *state;
    struct blob *spec = blob_create("spec", 4);
    struct record records[] = {
            full_task(1, "before", spec, NULL),
            full_task(2, "job", spec, spec),
            full_task(3, "after", spec, NULL),
            full_attempt(1, 1),
            full_attempt(2, 1),
            full_attempt(2, 2),
            full_attempt(3, 1),
    };
    struct record left[] = {records[0], records[2], records[3], records[6]};
    struct record forget = {.kind = RECORD_FORGET, .forget = {.task_key = 2}};
    struct record unknown = {.kind = RECORD_FORGET, .forget = {.task_key = 99}};

    /* One that is on disk; then one that was made in the same group. */
    struct store *store = write_and_reopen(fixture, open_store(fixture), records, 7);
    store = write_and_reopen(fixture, store, &forget, 1);
    assert_string_equal(load_text(fixture, store), texts_of(fixture, left, 4));
    struct record both[] = {records[1], records[4], forget, unknown};
    store = write_and_reopen(fixture, store, both, 4);
    assert_string_equal(load_text(fixture, store), texts_of(fixture, left, 4));
    store_destroy(store);
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM spec"), 2);
    blob_unref(spec);
}

static void test_an_operation_keeps_its_specification_until_it_is_forgotten(void **state)
{
    struct fixture *fixture = *state;
    struct blob *spec = blob_create("spec", 4);
    struct record records[] = {full_operation(1, "a", spec, NULL), full_operation(2, "b", spec, spec)};
    struct record again = full_operation(1, "another", NULL, spec),
                  expected = full_operation(1, "a", spec, spec);
    struct record forget = {.kind = RECORD_FORGET_OPERATION, .forget_operation = {.key = 2}};
    again.operation.state = expected.operation.state = 16;
    struct record all[] = {records[0], records[1], again};
    struct store *store = write_and_reopen(fixture, open_store(fixture), all, 3);
    struct record both[] = {expected, records[1]};
    assert_string_equal(load_text(fixture, store), texts_of(fixture, both, 2));
    again.operation.state = both[0].operation.state = 17;
    struct record more[] = {again, forget};
    store = write_and_reopen(fixture, store, more, 2);
    assert_string_equal(load_text(fixture, store), texts_of(fixture, both, 1));
    store_destroy(store);
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM operation"), 1);
    blob_unref(spec);
}

static void test_only_the_last_event_of_each_class_is_loaded(void **state)
{
    struct fixture *fixture = *state;
    struct record records[60];
    size_t count = 0;
    for (uint64_t number = 1; number <= 20; number++)
        for (int32_t class = 1; class <= 7; class += 3)
            records[count++] = event_record(class, number + (uint64_t) class, "t");
    struct record last[] = {event_record(1, 21, "t"), event_record(4, 24, "t"), event_record(7, 27, "t")};
    struct store *store = write_and_reopen(fixture, open_store(fixture), records, count);
    assert_string_equal(load_text(fixture, store), texts_of(fixture, last, 3));
    store_destroy(store);
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM event"), 60);
}

static void test_what_was_given_may_change_after_store_add(void **state)
{
    struct fixture *fixture = *state;
    char texts[15][16];
    for (size_t i = 0; i < 15; i++)
        snprintf(texts[i], sizeof texts[i], "text %zu", i);
    struct blob *blob = blob_create("bytes", 5);
    struct record records[] = {
            meta_record(texts[0], texts[1]),
            full_task(1, texts[2], blob, blob),
            attempt_with(1, 1, blob),
            event_record(1, 1, texts[11]),
    };
    records[1].task.message = texts[3];
    records[1].task.reason = texts[4];
    records[2].attempt.agent_id = texts[5];
    records[2].attempt.hostname = texts[6];
    records[2].attempt.ports = texts[7];
    records[2].attempt.unique = texts[8];
    records[2].attempt.message = texts[9];
    records[2].attempt.reason = texts[10];
    records[2].attempt.mesos_id = texts[12];
    records[2].attempt.pending_uuid = texts[13];
    records[2].attempt.pending_before = texts[14];
    records[3].event.header = records[3].event.body = blob;
    const char *expected = texts_of(fixture, records, 4);

    struct store *store = open_store(fixture);
    assert_int_equal(store_start(store, NULL), 0);
    for (size_t i = 0; i < 4; i++)
        store_add(store, &records[i]);
    memset(texts, 'x', sizeof texts);
    memset(records, 0, sizeof records);
    blob_unref(blob);
    store_destroy(store);
    store = open_store(fixture);
    assert_string_equal(load_text(fixture, store), expected);
    store_destroy(store);
}

static int stop_at_second(void *context, const struct record *record, struct error *err)
{
    (void)record;
    if (++*(int *)context == 2)
        return error_set(err, ERR_TOO_LARGE, "enough");
    return 0;
}

static void test_loading_stops_when_told(void **state)
{
    struct fixture *fixture = *state;
    struct record records[] = {meta_record("a", ""), meta_record("b", ""), meta_record("c", "")};
    struct store *store = write_and_reopen(fixture, open_store(fixture), records, 3);
    int calls = 0;
    struct error err;
    assert_int_equal(store_load(store, stop_at_second, &calls, &err), ERR_TOO_LARGE);
    assert_int_equal(calls, 2);
    assert_string_equal(err.text, "enough");
    store_destroy(store);
}

static void test_write_now_is_durable_before_the_start(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = open_store(fixture);
    struct record run = meta_record(META_RUN, "1"), id = meta_record(META_STORE_ID, "s");
    assert_int_equal(store_write_now(store, &run, NULL), 0);
    run = meta_record(META_RUN, "2");
    assert_int_equal(store_write_now(store, &run, NULL), 0);
    assert_string_equal(load_text(fixture, store), "meta run='2'\n");
    store = write_and_reopen(fixture, store, &id, 1);
    assert_string_equal(load_text(fixture, store), "meta run='2'\nmeta store_id='s'\n");
    store_destroy(store);
}

static void test_a_new_store_is_empty(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = open_store(fixture);
    assert_string_equal(load_text(fixture, store), "");
    store_destroy(store);
    store_destroy(NULL);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(test_a_new_store_is_empty),
            TEST(test_every_field_comes_back),
            TEST(test_absent_blobs_stay_absent_and_absent_text_is_empty),
            TEST(test_large_blobs),
            TEST(test_order_of_loading),
            TEST(test_rows_are_replaced),
            TEST(test_a_task_without_specification_keeps_the_one_it_has),
            TEST(test_a_forgotten_task_is_gone_with_its_attempts),
            TEST(test_an_operation_keeps_its_specification_until_it_is_forgotten),
            TEST(test_only_the_last_event_of_each_class_is_loaded),
            TEST(test_what_was_given_may_change_after_store_add),
            TEST(test_loading_stops_when_told),
            TEST(test_write_now_is_durable_before_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
