/* How a daemon begins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "internal.h"

#define SLOW_MS 50

static int64_t locked_ms; /* when the state directory was locked */

/* In place of the system's: a store that takes its time. */
int flock(int fd, int operation)
{
    usleep(SLOW_MS * 1000);
    locked_ms = clock_read().mono_ms;
    return (int)syscall(SYS_flock, fd, operation);
}

/* The first SUBSCRIBE has its 20 s from then on, however long the store was read. */
static void test_it_begins_with_the_time_after_the_store_was_read(void **state)
{
    char directory[] = "/tmp/zmesos-unit-XXXXXX", path[64], file[96];
    const char *const flags[] = {"zmesosd", "--state", path, "--control", "tcp://127.0.0.1:*", "--pipeline",
            "tcp://127.0.0.1:*", "--events", "tcp://127.0.0.1:*", "--user", "u", NULL};
    struct options options;
    enum options_what what;
    struct daemon *daemon = NULL;
    struct error err;

    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/state", directory);
    snprintf(file, sizeof file, "%s/" STORE_FILE, path);
    assert_int_equal(options_read(11, (char **)(uintptr_t)flags, &options, &what, &err), 0);
    assert_int_equal(daemon_create(&options, &daemon, &err), 0);
    int64_t now_ms = daemon->now.mono_ms;
    daemon_destroy(daemon);
    options_clear(&options);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(directory), 0);
    assert_true(locked_ms > 0);
    assert_true(now_ms >= locked_ms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_it_begins_with_the_time_after_the_store_was_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
