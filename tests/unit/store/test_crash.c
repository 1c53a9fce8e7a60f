/* Ends without a goodbye: kill -9 at any moment, and a disk that fails. What was reported committed is there
 * after it, groups are whole, and after an error nothing more is reported. */
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../seed.h"
#include "faults.h"
#include "support.h"

/* A group is a task whose key is the group's place in the history, and as many attempts as the task says. */
static uint32_t attempts_of(int64_t key)
{
    return (uint32_t)(1 + key * 7 % 31);
}

static void add_group(struct store *store, int64_t key, struct blob *spec)
{
    struct record task = {
            .kind = RECORD_TASK, .task = {.key = key, .spec = spec, .attempts = attempts_of(key)}};
    store_add(store, &task);
    for (uint32_t number = 1; number <= attempts_of(key); number++) {
        struct record attempt = {.kind = RECORD_ATTEMPT, .attempt = {.task_key = key, .number = number}};
        store_add(store, &attempt);
    }
}

/* In the child: waits for the commit of what was added; false when nothing came. */
static bool commit_in_child(struct store *store)
{
    store_flush(store);
    while (store_committed(store) < store_group(store)) {
        struct pollfd readable = {.fd = store_fd(store), .events = POLLIN};
        if (poll(&readable, 1, TEST_WAIT_MS) != 1)
            return false;
        store_handle(store);
    }
    return true;
}

static void report(int fd, int64_t key)
{
    if (write(fd, &key, sizeof key) != sizeof key)
        _exit(98);
}

/* Writes groups from `key` on until it is killed. */
static _Noreturn void write_groups(const struct fixture *fixture, int64_t key, int reports)
{
    struct store *store = NULL;
    if (store_open(fixture->directory, &store, NULL) < 0 || store_start(store, NULL) < 0)
        _exit(97);
    struct blob *small = blob_create("spec", 4);
    struct blob *large = blob_take(calloc(1, 100000), 100000); /* so that the log is moved often */
    for (;; key++) {
        add_group(store, key, key % 4 ? small : large);
        if (!commit_in_child(store))
            _exit(96);
        report(reports, key);
    }
}

struct found {
    int64_t tasks; /* whole ones, without a gap from 1 */
    int64_t task;  /* whose attempts are being read */
    uint32_t attempts[100000];
};

static int count_row(void *context, const struct record *record, struct error *err)
{
    struct found *found = context;
    if (record->kind == RECORD_TASK) {
        if (record->task.key != found->tasks + 1 || record->task.attempts != attempts_of(record->task.key))
            return error_set(
                    err, ERR_CONFLICT, "task %" PRId64 " after %" PRId64, record->task.key, found->tasks);
        found->tasks++;
    } else if (record->kind == RECORD_ATTEMPT) {
        if (record->attempt.task_key > found->tasks)
            return error_set(err, ERR_CONFLICT, "an attempt of task %" PRId64, record->attempt.task_key);
        found->attempts[record->attempt.task_key]++;
    }
    return 0;
}

/* How many groups are there; fails unless each one is whole. */
static int64_t count_groups(const struct fixture *fixture)
{
    struct found *found = calloc(1, sizeof *found);
    struct store *store = open_store(fixture);
    struct error err = {0};
    int code = store_load(store, count_row, found, &err);
    store_destroy(store);
    int64_t torn = 0, tasks = found->tasks;
    for (int64_t key = 1; key <= tasks && !torn; key++)
        if (found->attempts[key] != attempts_of(key))
            torn = key;
    free(found);
    if (code < 0)
        fail_msg("%s", err.text);
    if (torn)
        fail_msg("group %" PRId64 " is torn", torn);
    return tasks;
}

static void test_kill_9_at_any_moment(void **state)
{
    struct fixture *fixture = *state;
    unsigned seed = seed_of("test_kill_9_at_any_moment");

    int64_t there = 0;
    for (int round = 0; round < 25; round++) {
        int reports[2];
        assert_int_equal(pipe(reports), 0);
        pid_t child = fork();
        if (child == 0) {
            close(reports[0]);
            write_groups(fixture, there + 1, reports[1]);
        }
        close(reports[1]);
        /* Some reports, then a moment within the next commits. */
        int64_t reported = 0;
        bool complete = true;
        for (int left = 1 + rand_r(&seed) % 60; left > 0 && complete; left--)
            complete = read(reports[0], &reported, sizeof reported) == sizeof reported;
        struct timespec moment = {.tv_nsec = rand_r(&seed) % 3000000};
        nanosleep(&moment, NULL);
        kill(child, SIGKILL);
        while (read(reports[0], &reported, sizeof reported) == sizeof reported)
            continue;
        close(reports[0]);
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        if (!complete || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
            fail_msg("the child ended by itself, status %x", (unsigned)status);

        there = count_groups(fixture);
        if (there < reported || there > reported + 1)
            fail_msg("round %d: %" PRId64 " groups were reported, %" PRId64 " are there", round, reported,
                    there);
    }
    print_message("%" PRId64 " groups in 25 lives\n", there);
}

/* A life of a store that meets a fault after one good group. Its log goes to `words`. */
struct life {
    int status;       /* how it exited */
    int64_t reported; /* the last group it reported */
    char words[4096];
};

static _Noreturn void meet_fault(const struct fixture *fixture, enum fault fault, int reports)
{
    faults_install();
    struct store *store = NULL;
    if (store_open(fixture->directory, &store, NULL) < 0 || store_start(store, NULL) < 0)
        _exit(97);
    struct blob *spec = blob_create("spec", 4);
    add_group(store, 1, spec);
    if (!commit_in_child(store))
        _exit(96);
    report(reports, 1);
    faults_arm(fault);
    /* The fault happens once: a store that tried again would go on and be seen. */
    for (int64_t key = 2; key <= 5; key++) {
        add_group(store, key, spec);
        if (!commit_in_child(store))
            _exit(96);
        report(reports, key);
    }
    store_destroy(store);
    report(reports, 6);
    _exit(0);
}

static struct life run_life(const struct fixture *fixture, enum fault fault)
{
    struct life life = {0};
    int reports[2], words[2];
    assert_int_equal(pipe(reports), 0);
    assert_int_equal(pipe(words), 0);
    pid_t child = fork();
    if (child == 0) {
        close(reports[0]);
        dup2(words[1], STDERR_FILENO);
        meet_fault(fixture, fault, reports[1]);
    }
    close(reports[1]);
    close(words[1]);
    int64_t key;
    while (read(reports[0], &key, sizeof key) == sizeof key)
        life.reported = key;
    size_t length = 0;
    ssize_t got;
    while ((got = read(words[0], life.words + length, sizeof life.words - 1 - length)) > 0)
        length += (size_t)got;
    close(reports[0]);
    close(words[0]);
    life.status = exit_status(child);
    return life;
}

static void assert_one_line_with(const char *words, const char *part)
{
    const char *end = strchr(words, '\n');
    if (!end || end[1] != '\0' || !strstr(words, part))
        fail_msg("expected one line with '%s', got '%s'", part, words);
}

static void test_without_a_fault_all_is_reported(void **state)
{
    struct fixture *fixture = *state;
    struct life life = run_life(fixture, FAULT_NONE);
    assert_int_equal(life.status, 0);
    assert_int_equal(life.reported, 6);
    assert_string_equal(life.words, "");
    assert_int_equal(count_groups(fixture), 5);
}

static void test_a_sync_that_fails_ends_the_process(void **state)
{
    struct fixture *fixture = *state;
    struct life life = run_life(fixture, FAULT_LOG_SYNC);
    assert_int_equal(life.status, STORE_EXIT_STATUS);
    assert_int_equal(life.reported, 1);
    assert_one_line_with(life.words, "error store: cannot write");
    assert_one_line_with(life.words, "disk I/O error");
    /* What was in the log stays there: the group whose sync failed may have made it or not. */
    assert_in_range(count_groups(fixture), 1, 2);
}

static void test_a_full_disk_ends_the_process(void **state)
{
    struct fixture *fixture = *state;
    struct life life = run_life(fixture, FAULT_LOG_WRITE);
    assert_int_equal(life.status, STORE_EXIT_STATUS);
    assert_int_equal(life.reported, 1);
    assert_one_line_with(life.words, "database or disk is full");
    assert_int_equal(count_groups(fixture), 1);
}

/* The database file itself is synced when the log is moved into it, here at the end. */
static void test_a_last_checkpoint_that_fails_ends_the_process_and_keeps_the_log(void **state)
{
    struct fixture *fixture = *state;
    struct life life = run_life(fixture, FAULT_DATABASE_SYNC);
    assert_int_equal(life.status, STORE_EXIT_STATUS);
    assert_int_equal(life.reported, 5);
    assert_one_line_with(life.words, "cannot checkpoint");
    assert_true(file_size(fixture->log) > 0);
    assert_int_equal(count_groups(fixture), 5);
}

/* Before the start an error is returned; closing then must not throw away the log. */
static void test_write_now_that_fails_leaves_the_log(void **state)
{
    struct fixture *fixture = *state;
    faults_install();
    struct store *store = open_store(fixture);
    struct record first = meta_record("name", "first"), second = meta_record("name", "second");
    int good = store_write_now(store, &first, NULL);
    faults_arm(FAULT_LOG_SYNC);
    struct error err = {0};
    int bad = store_write_now(store, &second, &err);
    store_destroy(store);
    faults_remove();
    assert_int_equal(good, 0);
    assert_int_equal(bad, ERR_IO);
    assert_non_null(strstr(err.text, "disk I/O error"));
    assert_true(file_size(fixture->log) > 0);
    store = open_store(fixture);
    const char *text = load_text(fixture, store);
    store_destroy(store);
    if (strcmp(text, "meta name='first'\n") != 0)
        assert_string_equal(text, "meta name='second'\n");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(test_kill_9_at_any_moment),
            TEST(test_without_a_fault_all_is_reported),
            TEST(test_a_sync_that_fails_ends_the_process),
            TEST(test_a_full_disk_ends_the_process),
            TEST(test_a_last_checkpoint_that_fails_ends_the_process_and_keeps_the_log),
            TEST(test_write_now_that_fails_leaves_the_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
