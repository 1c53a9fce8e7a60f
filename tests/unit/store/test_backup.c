/* Backups: what is in the copy, that groups go on meanwhile, and that every failure of the copy is told and
 * leaves nothing behind. */
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../crash/crash_vfs.h"
#include "base/alloc.h"
#include "faults.h"
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

/* A store whose database is so large. Its log is empty: the thread has no upkeep to do. */
static struct store *start_large_store(const struct fixture *fixture, int mebibytes)
{
    struct store *store = start_store(fixture);
    struct blob *body = blob_take(alloc_zeroed(1, 1 << 20), 1 << 20);
    for (uint64_t number = 1; number <= (uint64_t)mebibytes; number++) {
        struct record event = event_record(99, number, "t");
        event.event.body = body;
        store_add(store, &event);
        commit_group(store);
    }
    blob_unref(body);
    store_destroy(store);
    return start_store(fixture);
}

/* Group `key` is a task and 1 to 7 attempts. */
static uint32_t attempts_of(int64_t key)
{
    return (uint32_t)(1 + key % 7);
}

static void add_group(struct store *store, int64_t key, struct blob *spec)
{
    struct record task = {.kind = RECORD_TASK, .task = {.key = key, .id = "job", .spec = spec}};
    store_add(store, &task);
    for (uint32_t number = 1; number <= attempts_of(key); number++) {
        struct record attempt = {.kind = RECORD_ATTEMPT, .attempt = {.task_key = key, .number = number}};
        store_add(store, &attempt);
    }
}

/* How many groups a database has; fails unless they are whole and without a gap. */
static int64_t count_groups(const struct fixture *fixture)
{
    int64_t tasks = run_sql(fixture, "SELECT count(*) FROM task");
    assert_int_equal(run_sql(fixture, "SELECT coalesce(max(key), 0) FROM task"), tasks);
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM spec"), tasks);
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM attempt"),
            run_sql(fixture, "SELECT coalesce(sum(1 + key % 7), 0) FROM task"));
    assert_int_equal(run_sql(fixture, "SELECT count(*) FROM (SELECT 1 FROM task JOIN attempt ON task_key=key"
                                      " GROUP BY key HAVING count(*)<>1 + key % 7)"),
            0);
    return tasks;
}

/* Much is written while a large database is copied, more in a group than a step copies, and enough for the
 * log to be moved meanwhile. The copy is held up in its first step until there is something to write. */
static void test_groups_go_on_during_a_backup(void **state)
{
    struct fixture *fixture = *state;
    struct fixture other;
    const char *copy = arena_format(&fixture->arena, "%s/copy", fixture->top);
    struct blob *spec = blob_take(alloc_zeroed(1, 1 << 20), 1 << 20), *small = blob_create("small", 5);
    struct store *store = start_large_store(fixture, 48);
    int64_t before = 0, during = 0;
    for (; before < 5; before++)
        add_group(store, before + 1, spec);
    commit_group(store);
    faults_hold();
    begin_backup(store, copy);
    bool held = faults_wait_until_held();
    add_group(store, before + ++during, spec);
    store_flush(store);
    faults_release();
    assert_true(held);
    wait_for_group(store, store_group(store));
    struct error err = {0};
    uint64_t bytes = 0;
    int code = 1;
    while (!store_backup_ended(store, &code, &bytes, &err)) {
        during++;
        add_group(store, before + during, during % 8 ? spec : small);
        commit_group(store);
    }
    if (code < 0)
        fail_msg("the backup ended with %d: %s", code, err.text);
    assert_int_equal(bytes, file_size(copy));
    store_destroy(store);

    assert_int_equal(count_groups(fixture), before + during);
    adopt_copy(fixture, &other, copy);
    store_destroy(open_store(&other));
    assert_int_equal(run_sql(&other, "SELECT count(*) FROM event WHERE length(body)=1048576"), 48);
    int64_t copied = count_groups(&other);
    print_message("%d groups during the backup, %d of them in it\n", (int)during, (int)(copied - before));
    assert_in_range(copied, before, before + during);
    blob_unref(spec);
    blob_unref(small);
}

/* The copy is held up in its first step: the group that comes then is on disk before its second. */
static void test_a_group_waits_for_a_step_alone(void **state)
{
    struct fixture *fixture = *state;
    const char *copy = arena_format(&fixture->arena, "%s/copy", fixture->top);
    struct store *store = start_large_store(fixture, 8);
    size_t before = strlen(faults_order());
    faults_hold();
    begin_backup(store, copy);
    bool held = faults_wait_until_held();
    struct record event = event_record(1, 1, "t");
    store_add(store, &event);
    store_flush(store);
    faults_release();
    assert_true(held);
    wait_for_success(store, copy);
    store_destroy(store);
    assert_memory_equal(faults_order() + before, "cl", 2);
}

/* What the read below waits for, in the store's thread. */
struct crowd {
    struct store *store;
    _Atomic uint64_t handed;
    atomic_bool inside;
};

/* Takes until the next group has been handed over. */
static bool wait_for_the_next(const void *context, const char *topic)
{
    struct crowd *crowd = (struct crowd *)(uintptr_t)context;
    (void)topic;
    atomic_store(&crowd->inside, true);
    while (atomic_load(&crowd->handed) <= store_committed(crowd->store))
        poll(NULL, 0, 1);
    return false;
}

/* Whenever the thread has committed a group the next one is there, and a read is under way: a backup begins,
 * and goes on, all the same. */
static void test_it_begins_however_busy_the_store_is(void **state)
{
    struct fixture *fixture = *state;
    const char *copy = arena_format(&fixture->arena, "%s/copy", fixture->top);
    struct store *store = start_store(fixture);
    for (uint64_t number = 1; number <= 10000; number++) {
        struct record event = event_record(1, number, "t");
        store_add(store, &event);
    }
    commit_group(store);
    struct crowd crowd = {.store = store};
    struct store_read read = {.class = 1,
            .from = 1,
            .until = 10000,
            .wanted = wait_for_the_next,
            .context = &crowd,
            .rows_max = 1,
            .bytes_max = 1,
            .look_max = 10000};
    store_read_begin(store, &read);
    while (!atomic_load(&crowd.inside))
        poll(NULL, 0, 1);
    begin_backup(store, copy);
    for (int i = 0; i < 8; i++) {
        struct record group = meta_record("a", "1");
        store_add(store, &group);
        uint64_t number = store_group(store);
        store_flush(store);
        atomic_store(&crowd.handed, number);
        wait_for_group(store, number);
    }
    int code = 1;
    uint64_t bytes = 0;
    bool ended = store_backup_ended(store, &code, &bytes, NULL);
    atomic_store(&crowd.handed, UINT64_MAX);
    store_destroy(store);
    store_read_clear(&read);
    assert_true(ended);
    assert_int_equal(code, 0);
    assert_int_equal(bytes, file_size(copy));
}

static void test_one_at_a_time(void **state)
{
    struct fixture *fixture = *state;
    const char *copy = arena_format(&fixture->arena, "%s/copy", fixture->top);
    const char *second = arena_format(&fixture->arena, "%s/second", fixture->top);
    struct error err = {0};
    int code = 1;
    uint64_t bytes = 7;
    struct store *store = open_store(fixture);
    assert_int_equal(store_backup(store, copy, &err), ERR_UNAVAILABLE); /* not started */
    assert_false(store_backup_ended(store, &code, &bytes, &err));
    assert_int_equal(store_start(store, NULL), 0);
    assert_false(store_backup_ended(store, &code, &bytes, &err));
    assert_int_equal(code, 1);
    assert_int_equal(bytes, 7);

    faults_hold();
    begin_backup(store, copy);
    bool held = faults_wait_until_held();
    int during = store_backup(store, second, &err);
    faults_release();
    assert_true(held);
    assert_int_equal(during, ERR_UNAVAILABLE);
    assert_string_equal(err.text, "a backup is under way already");
    wait_for_success(store, copy);
    assert_false(store_backup_ended(store, &code, &bytes, &err)); /* told once */
    begin_backup(store, second);
    wait_for_success(store, second);
    store_destroy(store);
    assert_int_equal(count_entries(fixture->top), 3);
}

static void test_paths_that_are_refused_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct error err = {0};
    struct store *store = start_store(fixture);
    assert_int_equal(store_backup(store, "copy", &err), ERR_INVALID);
    assert_string_equal(err.text, "copy is not an absolute path");
    assert_int_equal(store_backup(store, "", &err), ERR_INVALID);
    assert_int_equal(store_backup(store, fixture->file, &err), ERR_CONFLICT);
    assert_string_equal(err.text, arena_format(&fixture->arena, "%s exists already", fixture->file));
    const char *dangling = arena_format(&fixture->arena, "%s/dangling", fixture->top);
    assert_int_equal(symlink("/nowhere/at/all", dangling), 0);
    assert_int_equal(store_backup(store, dangling, &err), ERR_CONFLICT);
    store_destroy(store);
}

/* The store goes on, and makes a good copy elsewhere; of the bad one nothing stays. */
static void assert_backup_fails(
        struct fixture *fixture, struct store *store, const char *path, const char *words)
{
    size_t entries = count_entries(fixture->top);
    begin_backup(store, path);
    struct error err = {0};
    uint64_t bytes = 7;
    assert_int_equal(wait_for_backup(store, &bytes, &err), ERR_IO);
    assert_int_equal(bytes, 7);
    assert_string_equal(err.text, words);
    assert_int_equal(count_entries(fixture->top), entries);

    struct record event = event_record(1, 1, "t");
    store_add(store, &event);
    commit_group(store);
    const char *good = arena_format(&fixture->arena, "%s/good", fixture->top);
    begin_backup(store, good);
    wait_for_success(store, good);
    assert_int_equal(unlink(good), 0);
}

static void test_places_that_cannot_take_a_copy(void **state)
{
    struct fixture *fixture = *state;
    struct arena *arena = &fixture->arena;
    struct store *store = start_store(fixture);
    const char *copy = arena_format(arena, "%s/no/such/copy", fixture->top);
    assert_backup_fails(fixture, store, copy,
            arena_format(arena, "cannot make the backup %s: %s", copy, strerror(ENOENT)));
    copy = arena_format(arena, "%s/copy", fixture->file);
    assert_backup_fails(fixture, store, copy,
            arena_format(arena, "cannot make the backup %s: %s", copy, strerror(ENOTDIR)));
    /* A name with which the temporary one is too long. */
    copy = arena_format(arena, "%s/%0250d", fixture->top, 1);
    assert_backup_fails(fixture, store, copy,
            arena_format(arena, "cannot make the backup %s: %s", copy, strerror(ENAMETOOLONG)));
    store_destroy(store);
}

/* In a child: the exit status says what went wrong. */
static _Noreturn void back_up_as_nobody(const struct fixture *fixture, const char *directory)
{
    char copy[256], words[512];
    snprintf(copy, sizeof copy, "%s/copy", directory);
    snprintf(words, sizeof words, "cannot make the backup %s: %s", copy, strerror(EACCES));
    /* Root may write everywhere, so a child that is root becomes nobody first. */
    if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setgid(65534) < 0 || setuid(65534) < 0))
        _exit(99);
    struct store *store = NULL;
    struct error err = {0};
    int code = 1;
    uint64_t bytes = 0;
    if (mkdir(directory, 0555) < 0 || store_open(fixture->directory, &store, NULL) < 0 ||
            store_start(store, NULL) < 0 || store_backup(store, copy, NULL) < 0)
        _exit(1);
    while (!store_backup_ended(store, &code, &bytes, &err)) {
        struct pollfd readable = {.fd = store_fd(store), .events = POLLIN};
        if (poll(&readable, 1, TEST_WAIT_MS) != 1)
            _exit(2);
        store_handle(store);
    }
    store_destroy(store);
    _exit(code != ERR_IO ? 3 : strcmp(err.text, words) != 0 ? 4 : 0);
}

static void test_a_directory_that_is_not_writable(void **state)
{
    struct fixture *fixture = *state;
    const char *closed = arena_format(&fixture->arena, "%s/closed", fixture->top);
    assert_int_equal(chmod(fixture->top, 0777), 0);
    pid_t child = fork();
    if (child == 0)
        back_up_as_nobody(fixture, closed);
    int status = exit_status(child);
    if (status == 99)
        skip(); /* no other user to become */
    assert_int_equal(status, 0);
    assert_int_equal(count_entries(closed), 0);
}

static void test_a_disk_that_fails_the_copy(void **state)
{
    struct fixture *fixture = *state;
    struct arena *arena = &fixture->arena;
    const char *copy = arena_format(arena, "%s/copy", fixture->top);
    struct store *store = start_large_store(fixture, 4);
    faults_arm(FAULT_COPY_WRITE);
    assert_backup_fails(fixture, store, copy,
            arena_format(arena, "cannot write the backup %s: database or disk is full", copy));
    faults_arm(FAULT_COPY_SYNC);
    assert_backup_fails(
            fixture, store, copy, arena_format(arena, "cannot write the backup %s: disk I/O error", copy));
    store_destroy(store);
}

/* The name was free when the backup was asked for. */
static void test_a_file_that_appears_meanwhile_is_not_overwritten(void **state)
{
    struct fixture *fixture = *state;
    const char *copy = arena_format(&fixture->arena, "%s/copy", fixture->top);
    struct store *store = start_store(fixture);
    faults_hold();
    begin_backup(store, copy);
    bool held = faults_wait_until_held();
    write_file(copy, "mine", 4);
    faults_release();
    assert_true(held);
    struct error err = {0};
    uint64_t bytes = 0;
    assert_int_equal(wait_for_backup(store, &bytes, &err), ERR_CONFLICT);
    assert_string_equal(err.text, arena_format(&fixture->arena, "%s exists already", copy));
    store_destroy(store);
    assert_int_equal(file_size(copy), 4);
    assert_int_equal(count_entries(fixture->top), 2);
}

/* Given up in its first step: what was told of it stays true, also where groups come after it. */
static void test_one_that_is_given_up_is_not_made(void **state)
{
    struct fixture *fixture = *state;
    const char *copy = arena_format(&fixture->arena, "%s/copy", fixture->top);
    struct error err = {0};
    uint64_t bytes = 0;
    struct store *store = start_large_store(fixture, 2);
    faults_hold();
    begin_backup(store, copy);
    bool held = faults_wait_until_held();
    store_give_up_backup(store);
    faults_release();
    assert_true(held);
    assert_int_equal(wait_for_backup(store, &bytes, &err), ERR_UNAVAILABLE);
    assert_string_equal(err.text, "zmesosd is stopping, the backup is not made");
    assert_int_equal(count_entries(fixture->top), 1);
    begin_backup(store, copy); /* nor is another one */
    assert_int_equal(wait_for_backup(store, &bytes, &err), ERR_UNAVAILABLE);
    struct record group = meta_record("a", "1");
    store_add(store, &group);
    store_destroy(store);
    assert_int_equal(count_entries(fixture->top), 1);
}

static void test_one_that_is_complete_is_not_given_up(void **state)
{
    struct fixture *fixture = *state;
    const char *copy = arena_format(&fixture->arena, "%s/copy", fixture->top);
    struct store *store = start_store(fixture);
    begin_backup(store, copy);
    struct pollfd readable = {.fd = store_fd(store), .events = POLLIN};
    assert_int_equal(poll(&readable, 1, TEST_WAIT_MS), 1);
    store_give_up_backup(store);
    wait_for_success(store, copy);
    store_destroy(store);
    assert_int_equal(count_entries(fixture->top), 2);
}

/* Whether it was complete by then or not. */
static void test_destroy_leaves_no_temporary_file(void **state)
{
    struct fixture *fixture = *state;
    const char *copy = arena_format(&fixture->arena, "%s/copy", fixture->top);
    struct store *store = start_large_store(fixture, 32);
    faults_hold();
    begin_backup(store, copy);
    bool held = faults_wait_until_held();
    size_t during = count_entries(fixture->top);
    faults_release();
    store_destroy(store);
    assert_true(held);
    assert_int_equal(during, 2);
    bool complete = access(copy, F_OK) == 0;
    print_message("the backup was %s\n", complete ? "complete" : "given up");
    assert_int_equal(count_entries(fixture->top), complete ? 2 : 1);

    /* One that was asked for and perhaps never begun. */
    store = start_store(fixture);
    const char *second = arena_format(&fixture->arena, "%s/second", fixture->top);
    begin_backup(store, second);
    store_destroy(store);
    assert_int_equal(count_entries(fixture->top), 1 + (size_t)complete + (access(second, F_OK) == 0));
}

/* The machine fails at each operation of a life with a backup: the database is whole, and the copy is
 * complete or not there. Temporary files may stay. */
static _Noreturn void back_up_and_crash(
        const struct fixture *fixture, const char *copy, const struct crash_plan *plan)
{
    crash_vfs_install(plan);
    struct store *store = NULL;
    struct record group = event_record(1, 2, "t");
    int code = 1;
    uint64_t bytes = 0;
    if (store_open(fixture->directory, &store, NULL) < 0 || store_start(store, NULL) < 0 ||
            store_backup(store, copy, NULL) < 0)
        _exit(1);
    store_add(store, &group);
    store_flush(store);
    while (!store_backup_ended(store, &code, &bytes, NULL)) {
        struct pollfd readable = {.fd = store_fd(store), .events = POLLIN};
        if (poll(&readable, 1, TEST_WAIT_MS) != 1)
            _exit(2);
        store_handle(store);
    }
    store_destroy(store);
    _exit(code == 0 ? 0 : 3);
}

static void test_a_crash_at_any_operation_of_a_backup(void **state)
{
    struct fixture *fixture = *state;
    const char *copy = arena_format(&fixture->arena, "%s/copy", fixture->top);
    struct store *store = start_store(fixture);
    struct record event = event_record(1, 1, "t");
    store_add(store, &event);
    store_destroy(store);
    struct slice before = read_whole_file(fixture, fixture->file);
    int points = 0, copies = 0;
    for (int how = CRASH_LOSE; how <= CRASH_TORN; how++) {
        for (uint64_t at = 1;; at += POINT_STRIDE) {
            write_file(fixture->file, before.data, before.length);
            unlink(fixture->log);
            struct crash_plan plan = {.at = at, .how = (enum crash_how)how, .seed = at, .fast_syncs = true};
            pid_t child = fork();
            if (child == 0)
                back_up_and_crash(fixture, copy, &plan);
            int status = exit_status(child);
            if (status != CRASH_STATUS && status != 0)
                fail_msg("operation %d, %d: status %d", (int)at, how, status);
            store_destroy(open_store(fixture));
            assert_in_range(run_sql(fixture, "SELECT count(*) FROM event"), 1, 2);
            if (access(copy, F_OK) == 0) {
                struct fixture other;
                adopt_copy(fixture, &other, copy);
                store_destroy(open_store(&other));
                assert_in_range(run_sql(&other, "SELECT count(*) FROM event"), 1, 2);
                assert_int_equal(run_sql(&other, "SELECT value FROM meta WHERE name='" META_BACKUP "'"), 1);
                assert_int_equal(unlink(other.file), 0);
                assert_int_equal(rmdir(other.directory), 0);
                copies++;
            } else {
                assert_int_not_equal(status, 0);
            }
            if (status == 0)
                break;
            points++;
        }
    }
    print_message("%d points, %d copies\n", points, copies);
    assert_true(points > 3 * 20 / POINT_STRIDE);
}

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

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(test_a_backup_is_all_that_was_written),
            TEST(test_groups_go_on_during_a_backup),
            TEST(test_a_group_waits_for_a_step_alone),
            TEST(test_it_begins_however_busy_the_store_is),
            TEST(test_one_at_a_time),
            TEST(test_paths_that_are_refused_at_once),
            TEST(test_places_that_cannot_take_a_copy),
            TEST(test_a_directory_that_is_not_writable),
            TEST(test_a_disk_that_fails_the_copy),
            TEST(test_a_file_that_appears_meanwhile_is_not_overwritten),
            TEST(test_one_that_is_given_up_is_not_made),
            TEST(test_one_that_is_complete_is_not_given_up),
            TEST(test_destroy_leaves_no_temporary_file),
            TEST(test_a_crash_at_any_operation_of_a_backup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
