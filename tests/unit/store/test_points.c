/* Every operation of a store's life, from opening to closing: the machine fails there, or the operation does.
 * What was reported committed is there in the next life, groups are whole, and an error ends the process. The
 * lives follow each other on one directory, so each one opens what the one before left. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../crash/crash_vfs.h"
#include "../seed.h"
#include "support.h"

#define GROUPS 8      /* in a life */
#define TASKS_KEPT 12 /* older ones are forgotten */
#define EVENTS_KEPT 15

#define STATUS_CANNOT_OPEN 97
#define STATUS_NO_ANSWER 96

/* Group g: task g with its attempts, events 2g-1 and 2g, the number g, and an end to an older task. */
static uint32_t attempts_of(int64_t group)
{
    return (uint32_t)(1 + group * 7 % 9);
}

static void add_group(struct store *store, int64_t group, struct blob *spec)
{
    char number[24];
    snprintf(number, sizeof number, "%lld", (long long)group);
    struct record task = {.kind = RECORD_TASK,
            .task = {.key = group, .id = "job", .spec = spec, .attempts = attempts_of(group)}};
    struct record meta = meta_record("group", number);
    struct record forget = {.kind = RECORD_FORGET, .forget = {.task_key = group - TASKS_KEPT}};
    store_add(store, &task);
    for (uint32_t i = 1; i <= attempts_of(group); i++) {
        struct record attempt = {.kind = RECORD_ATTEMPT, .attempt = {.task_key = group, .number = i}};
        store_add(store, &attempt);
    }
    for (uint64_t i = 0; i < 2; i++) {
        struct record event = event_record(1, 2 * (uint64_t)group - 1 + i, "t");
        event.event.body = spec;
        store_add(store, &event);
    }
    store_add(store, &meta);
    store_add(store, &forget);
}

/* In the child. */
static void report(int fd, int64_t group)
{
    if (write(fd, &group, sizeof group) != sizeof group)
        _exit(98);
}

static _Noreturn void live(
        const struct fixture *fixture, const struct crash_plan *plan, int64_t group, int reports)
{
    crash_vfs_install(plan);
    struct store *store = NULL;
    if (store_open(fixture->directory, &store, NULL) < 0 || store_start(store, NULL) < 0)
        _exit(STATUS_CANNOT_OPEN);
    struct blob *spec = blob_create("a specification", 15), *large = blob_take(calloc(1, 20000), 20000);
    for (int i = 0; i < GROUPS; i++, group++) {
        add_group(store, group, i == 5 ? large : spec);
        store_flush(store);
        while (store_committed(store) < store_group(store)) {
            struct pollfd readable = {.fd = store_fd(store), .events = POLLIN};
            if (poll(&readable, 1, TEST_WAIT_MS) != 1)
                _exit(STATUS_NO_ANSWER);
            store_handle(store);
        }
        report(reports, group);
    }
    store_destroy(store);
    _exit(0);
}

struct found {
    int64_t group, first_task, tasks, attempts, expected_attempts;
    uint64_t last_event;
};

static int look(void *context, const struct record *record, struct error *err)
{
    struct found *found = context;
    switch (record->kind) {
    case RECORD_META:
        found->group = strtoll(record->meta.value, NULL, 10);
        break;
    case RECORD_TASK:
        if (found->tasks && record->task.key != found->first_task + found->tasks)
            return error_set(err, ERR_CONFLICT, "a gap before task %lld", (long long)record->task.key);
        if (!found->tasks)
            found->first_task = record->task.key;
        found->tasks++;
        found->expected_attempts += attempts_of(record->task.key);
        break;
    case RECORD_ATTEMPT:
        found->attempts++;
        break;
    case RECORD_EVENT:
        found->last_event = record->event.number;
        break;
    case RECORD_FORGET:
    case RECORD_OPERATION:
    case RECORD_FORGET_OPERATION:
        break;
    }
    return 0;
}

/* The number of groups on disk, all of them whole. */
static int64_t count_groups(const struct fixture *fixture)
{
    struct found found = {0};
    struct error err = {0};
    struct store *store = open_store(fixture);
    store_keep_events(store, EVENTS_KEPT);
    int code = store_load(store, look, &found, &err);
    store_destroy(store);
    if (code < 0)
        fail_msg("%s", err.text);
    assert_int_equal(found.tasks, found.group < TASKS_KEPT ? found.group : TASKS_KEPT);
    if (found.tasks)
        assert_int_equal(found.first_task + found.tasks - 1, found.group);
    assert_int_equal(found.attempts, found.expected_attempts);
    assert_int_equal(found.last_event, 2 * found.group);
    return found.group;
}

/* The status of a life; *group is the newest one before and after it. */
static int run_life(
        const struct fixture *fixture, const struct crash_plan *plan, int64_t *group, const char *what)
{
    int reports[2];
    assert_int_equal(pipe(reports), 0);
    pid_t child = fork();
    if (child == 0) {
        close(reports[0]);
        if (!freopen("/dev/null", "w", stderr)) /* its last words are known */
            _exit(95);
        live(fixture, plan, *group + 1, reports[1]);
    }
    close(reports[1]);
    int64_t reported = *group, next;
    while (read(reports[0], &next, sizeof next) == sizeof next)
        reported = next;
    close(reports[0]);
    int status = exit_status(child);
    int64_t there = count_groups(fixture);
    if (there < reported || there > reported + 1)
        fail_msg("%s: group %lld was reported, %lld are there", what, (long long)reported, (long long)there);
    *group = there;
    return status;
}

/* `status` is how a life ends that meets its point. Every `step`-th one is visited. */
static void visit_all(const struct fixture *fixture, uint64_t *number, unsigned step, struct crash_plan *plan,
        int status, const char *name, int least)
{
    int64_t group = count_groups(fixture);
    unsigned seed = seed_of("visit_all");
    int points = 0;
    for (*number = 1 + (unsigned)rand_r(&seed) % step;; *number += step * POINT_STRIDE, points++) {
        char what[64];
        plan->how = (enum crash_how)(rand_r(&seed) % (CRASH_TORN + 1));
        plan->seed = (uint64_t)rand_r(&seed);
        snprintf(what, sizeof what, "%s %d, %d", name, (int)*number, plan->how);
        int found = run_life(fixture, plan, &group, what);
        if (found == 0)
            break;
        if (found != status && !(found == STATUS_CANNOT_OPEN && status != CRASH_STATUS))
            fail_msg("%s: status %d", what, found);
    }
    print_message("%d times %s, %lld groups\n", points, name, (long long)group);
    assert_true(points >= least / POINT_STRIDE);
}

static void test_a_crash_at_each_operation(void **state)
{
    struct crash_plan plan = {.fast_syncs = true};
    visit_all(*state, &plan.at, 1, &plan, CRASH_STATUS, "operation", 100);
}

static void test_writes_fail(void **state)
{
    struct crash_plan plan = {.fast_syncs = true};
    visit_all(*state, &plan.fail_write, 4, &plan, STORE_EXIT_STATUS, "write", 20);
}

static void test_each_sync_fails(void **state)
{
    struct crash_plan plan = {.fast_syncs = true};
    visit_all(*state, &plan.fail_sync, 1, &plan, STORE_EXIT_STATUS, "sync", GROUPS);
}

static void test_each_truncation_fails(void **state)
{
    struct crash_plan plan = {.fast_syncs = true};
    visit_all(*state, &plan.fail_truncate, 1, &plan, STORE_EXIT_STATUS, "truncation", 1);
}

static void test_the_disk_is_full_from_some_write_on(void **state)
{
    struct crash_plan plan = {.fast_syncs = true};
    visit_all(*state, &plan.full_at_write, 4, &plan, STORE_EXIT_STATUS, "full at write", 20);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(test_a_crash_at_each_operation),
            TEST(test_writes_fail),
            TEST(test_each_sync_fails),
            TEST(test_each_truncation_fails),
            TEST(test_the_disk_is_full_from_some_write_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
