/* How things read. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "format.h"

static const struct {
    const char *message;
    int code; /* -1: says nothing of an exit */
} exits[] = {
        {"Command exited with status 0", 0},
        {"Command exited with status 1", 1},
        {"Command exited with status 255", 255},
        {"Command exited with status 256", -1},
        {"Command exited with status 99999999999999999999", -1},
        {"Command exited with status -1", -1},
        {"Command exited with status ", -1},
        {"Command exited with status x", -1},
        {"Command terminated with signal Killed", 137},
        {"Command terminated with signal Terminated", 143},
        {"Command terminated with signal Interrupt", 130},
        {"Command terminated with signal Segmentation fault", 139},
        {"Command terminated with signal Segmentation fault (core dumped)", 139},
        {"Command terminated with signal SIGKILL", 137},
        {"Command terminated with signal TERM", 143},
        {"Command terminated with signal 9", 137},
        {"Command terminated with signal 0", -1},
        {"Command terminated with signal 65", -1},
        {"Command terminated with signal Kill", -1},
        {"Command terminated with signal Killedx", -1},
        {"Command terminated with signal ", -1},
        {"Failed to fetch: exited with status 3", -1},
        {"", -1},
        {NULL, -1},
};

static void test_exit_codes(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < sizeof exits / sizeof *exits; i++) {
        int code = -1;
        bool found = format_exit_code(exits[i].message, &code);

        if (found != (exits[i].code >= 0) || code != exits[i].code)
            fail_msg("\"%s\": %d, not %d", exits[i].message ? exits[i].message : "(none)", code,
                    exits[i].code);
    }
}

static void test_times(void **state)
{
    char out[FORMAT_TIME_MAX];

    (void)state;
    assert_string_equal(format_time(0, out), "-");
    assert_string_equal(format_time(1000000, out), "1970-01-01T00:00:00.001Z");
    assert_string_equal(format_time(INT64_C(1795347600123456789), out), "2026-11-22T11:40:00.123Z");
    assert_string_equal(format_time(INT64_MAX, out), "2262-04-11T23:47:16.854Z");
}

static void test_how_long_ago(void **state)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {{-5, "0s"}, {0, "0s"}, {1, "1s"}, {119, "119s"}, {120, "2m"}, {7199, "119m"}, {7200, "2h"},
            {172799, "47h"}, {172800, "2d"}, {86400 * 400, "400d"}};
    const int64_t now = INT64_C(1795347600000000000);
    char out[FORMAT_TIME_MAX];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(format_ago(now - cases[i].seconds * 1000000000, now, out), cases[i].text);
    assert_string_equal(format_ago(0, now, out), "-");
}

static void test_how_much_of_how_much(void **state)
{
    static const struct {
        double used, of;
        const char *text;
    } cases[] = {{1.5, 4, "1.5/4"}, {0, 0, "0/0"}, {0.1 + 0.2, 0.3, "0.3/0.3"},
            {5000, 1e12, "5000/1000000000000"}, {(double)NAN, 1, "?/1"}, {1, (double)INFINITY, "1/?"},
            {1e300, -1e300, "?/?"}};
    char out[FORMAT_USE_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(format_use(cases[i].used, &cases[i].of, out), cases[i].text);
    assert_string_equal(format_use(0.25, NULL, out), "0.25/?");
}

static void test_how_long_until(void **state)
{
    static const struct {
        int64_t ns;
        const char *text;
    } cases[] = {{-1, "now"}, {0, "now"}, {1, "in 1s"}, {1000000000, "in 1s"}, {1000000001, "in 2s"},
            {INT64_C(119000000000), "in 119s"}, {INT64_C(120000000000), "in 2m"},
            {INT64_C(172800000000000), "in 2d"}};
    const int64_t now = INT64_C(1795347600000000000);
    char out[FORMAT_TIME_MAX];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(format_until(now + cases[i].ns, now, out), cases[i].text);
    assert_string_equal(format_until(INT64_MAX, 1, out), "in 106751d");
}

static void test_what_is_unusual_about_a_task(void **state)
{
    const int64_t now = INT64_C(1795347600000000000);
    Zmesos__V1__Attempt attempt = ZMESOS__V1__ATTEMPT__INIT, *attempts[] = {&attempt};
    Zmesos__V1__Task task = ZMESOS__V1__TASK__INIT;
    char out[FORMAT_NOTE_MAX], host[] = "node1";

    (void)state;
    assert_string_equal(format_note(&task, now, out), "");
    assert_string_equal(format_host(&task), "");
    attempt.hostname = host;
    task.n_attempts = 1;
    task.attempts = attempts;
    task.has_state = 1;
    task.state = ZMESOS__V1__TASK_STATE__QUEUED;
    task.retry_ns = now + 5 * INT64_C(1000000000);
    assert_string_equal(format_note(&task, now, out), "next try in 5s");
    assert_string_equal(format_host(&task), ""); /* it is not where it was */
    task.state = ZMESOS__V1__TASK_STATE__RUNNING;
    assert_string_equal(format_note(&task, now, out), "");
    assert_string_equal(format_host(&task), "node1");
    task.held = 1;
    assert_string_equal(format_note(&task, now, out), "held");
    task.adopted = 1;
    task.state = ZMESOS__V1__TASK_STATE__QUEUED;
    assert_string_equal(format_note(&task, now, out), "adopted, held, next try in 5s");
    attempt.hostname = NULL;
    task.state = ZMESOS__V1__TASK_STATE__LAUNCHING;
    assert_string_equal(format_host(&task), "");
}

static void test_texts_of_others_are_harmless(void **state)
{
    char out[16];

    (void)state;
    assert_string_equal(format_clean("plain \xc3\xa9", out, sizeof out), "plain \xc3\xa9");
    assert_string_equal(format_clean("a\x1b[2Jb\n", out, sizeof out), "a\\x1b[2Jb\\x0a");
    assert_string_equal(format_clean("\x7f", out, sizeof out), "\\x7f");
    assert_string_equal(format_clean("0123456789abcdefgh", out, sizeof out), "0123456789abcde");
    assert_string_equal(format_clean("0123456789ab\n", out, sizeof out), "0123456789ab");
    assert_string_equal(format_clean("0123456789a\n", out, sizeof out), "0123456789a\\x0a");
    assert_int_equal(format_width("\xc3\xa9t\xc3\xa9"), 3);
}

static void test_states(void **state)
{
    Zmesos__V1__TaskState got = ZMESOS__V1__TASK_STATE__LOST;

    (void)state;
    assert_int_equal(format_read_state("running", &got), 0);
    assert_int_equal(got, ZMESOS__V1__TASK_STATE__RUNNING);
    assert_int_equal(format_read_state("Failed", &got), 0);
    assert_int_equal(got, ZMESOS__V1__TASK_STATE__FAILED);
    assert_int_equal(format_read_state("", &got), ERR_INVALID);
    assert_int_equal(format_read_state("runnin", &got), ERR_INVALID);
    assert_int_equal(format_read_state("a-state-name-longer-than-any-that-there-is", &got), ERR_INVALID);
    assert_int_equal(got, ZMESOS__V1__TASK_STATE__FAILED);
    assert_string_equal(format_state(true, ZMESOS__V1__TASK_STATE__KILLING), "KILLING");
    assert_string_equal(format_state(true, (Zmesos__V1__TaskState)99), "99");
    assert_string_equal(format_state(false, ZMESOS__V1__TASK_STATE__KILLING), "-");
    assert_false(format_state_over(ZMESOS__V1__TASK_STATE__UNKNOWN));
    assert_true(format_state_over(ZMESOS__V1__TASK_STATE__FINISHED));
    assert_true(format_state_over(ZMESOS__V1__TASK_STATE__LOST));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_exit_codes),
            cmocka_unit_test(test_times),
            cmocka_unit_test(test_how_long_ago),
            cmocka_unit_test(test_how_much_of_how_much),
            cmocka_unit_test(test_how_long_until),
            cmocka_unit_test(test_what_is_unusual_about_a_task),
            cmocka_unit_test(test_texts_of_others_are_harmless),
            cmocka_unit_test(test_states),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
