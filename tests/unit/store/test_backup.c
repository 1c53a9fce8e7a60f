/* Backups: what is in the copy, that groups go on meanwhile, and that every failure of the copy is told and
 * leaves nothing behind. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"

static struct store *start_store(const struct fixture *fixture)
{
    struct store *store = open_store(fixture);
    assert_int_equal(store_start(store, NULL), 0);
    return store;
}

static void begin_backup(struct store *store, const char *path)
{
    struct error err = {0};
    int code = store_backup(store, path, &err);
    if (code < 0)
        fail_msg("store_backup gave %d: %s", code, err.text);
}

/* Waits by the store's descriptor for the end of the backup. */
static int wait_for_backup(struct store *store, uint64_t *bytes, struct error *err)
{
    int code = 1;
    while (!store_backup_ended(store, &code, bytes, err)) {
        struct pollfd readable = {.fd = store_fd(store), .events = POLLIN};
        assert_int_equal(poll(&readable, 1, TEST_WAIT_MS), 1);
        store_handle(store);
    }
    assert_true(code <= 0);
    return code;
}

static void wait_for_success(struct store *store, const char *path)
{
    struct error err = {0};
    uint64_t bytes = 0;
    int code = wait_for_backup(store, &bytes, &err);
    if (code < 0)
        fail_msg("the backup ended with %d: %s", code, err.text);
    assert_int_equal(bytes, file_size(path));
}

/* A second state directory whose database is the copy. */
static void adopt_copy(struct fixture *fixture, struct fixture *other, const char *copy)
{
    *other = *fixture;
    snprintf(other->directory, sizeof other->directory, "%s/other", fixture->top);
    snprintf(other->file, sizeof other->file, "%s/" STORE_FILE, other->directory);
    snprintf(other->log, sizeof other->log, "%s-wal", other->file);
    assert_int_equal(mkdir(other->directory, 0700), 0);
    assert_int_equal(rename(copy, other->file), 0);
}

static void test_a_backup_is_all_that_was_written(void **state)
{
    struct fixture *fixture = *state;
    struct fixture other;
    const char *copy = arena_format(&fixture->arena, "%s/copy", fixture->top);
    struct blob *spec = blob_create("spec", 4);
    struct record records[] = {meta_record("a", "1"), meta_record("z", "2"),
            {.kind = RECORD_TASK, .task = {.key = 1, .id = "job", .spec = spec}},
            {.kind = RECORD_ATTEMPT, .attempt = {.task_key = 1, .number = 1}}, event_record(1, 1, "t")};
    struct store *store = start_store(fixture);
    for (size_t i = 0; i < 5; i++)
        store_add(store, &records[i]);
    store_flush(store); /* not waited for */
    begin_backup(store, copy);
    wait_for_success(store, copy);
    assert_int_equal(count_entries(fixture->top), 2);
    store_destroy(store);
    store = open_store(fixture);
    const char *written = load_text(fixture, store);
    store_destroy(store);
    assert_memory_equal(written, "meta a='1'\n", 11);

    struct stat about;
    assert_int_equal(stat(copy, &about), 0);
    assert_int_equal(about.st_mode & 07777, 0600);
    adopt_copy(fixture, &other, copy);
    /* One file is enough: it says that it needs no log. */
    struct slice bytes = read_whole_file(fixture, other.file);
    assert_int_equal(bytes.data[18], 1);
    assert_int_equal(bytes.data[19], 1);
    store = open_store(&other);
    const char *expected =
            arena_format(&fixture->arena, "meta a='1'\nmeta " META_BACKUP "='1'\n%s", written + 11);
    assert_string_equal(load_text(fixture, store), expected);
    store_destroy(store);
    blob_unref(spec);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(test_a_backup_is_all_that_was_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
