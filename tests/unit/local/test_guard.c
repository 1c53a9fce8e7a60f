/* The guard's two processes, each test in processes of its own: guard_split() changes signals for good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "guard.h"

#define LIMIT_S 60

/* A worker that cannot begin is over before the guard waits for it. */
static void guard_of_a_quick_worker(void)
{
    siginfo_t info;
    pid_t worker = guard_split();
    if (worker == 0)
        _exit(7);
    alarm(LIMIT_S);
    if (worker < 0 || waitid(P_PID, (id_t)worker, &info, WEXITED | WNOWAIT) != 0)
        _exit(1);
    _exit(guard_wait(worker));
}

static void a_worker_that_is_over_already_is_waited_for(void **state)
{
    (void)state;
    int status;
    pid_t guard = fork();
    if (guard == 0)
        guard_of_a_quick_worker();
    assert_true(guard > 0);
    assert_int_equal(waitpid(guard, &status, 0), guard);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 7)
        fail_msg("the guard ended with status %#x, the worker with 7", (unsigned)status);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_worker_that_is_over_already_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
