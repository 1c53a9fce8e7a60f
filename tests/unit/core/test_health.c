/* What health checks and checks say, and a task that runs for too long. */
#include "rig.h"

#include <string.h>

/* What the last attempt of `a` shows. */
static const Zmesos__V1__Attempt *shown(struct rig *rig)
{
    const Zmesos__V1__Task *task = look(rig, "a");
    assert_non_null(task);
    return task->attempts[task->n_attempts - 1];
}

static struct rig *running(void **state, const char *policy)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, words(rig, "a %s", policy));
    expect(place(rig, "A1", ""), "a.1.1");
    in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid u");
    return rig;
}

static void nothing_is_known_before_a_check_has_spoken(void **state)
{
    struct rig *rig = running(state, "");
    assert_false(shown(rig)->has_healthy);
    assert_null(shown(rig)->check_status);
}

static void health_is_shown_and_published(void **state)
{
    struct rig *rig = running(state, "");
    rig_show(rig, SHOW_EVENTS);
    uint64_t revision = look(rig, "a")->revision;
    const char *text = in_update(
            rig, "a.1.1 RUNNING by EXECUTOR uuid v because TASK_HEALTH_CHECK_STATUS_UPDATED healthy yes");
    assert_non_null(strstr(text, "task/a/RUNNING"));
    assert_true(shown(rig)->has_healthy && shown(rig)->healthy);
    assert_int_equal(look(rig, "a")->revision, revision + 1);
    /* Said again it is no news. */
    text = in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid w healthy yes");
    assert_null(strstr(text, "task/a/"));
    assert_int_equal(look(rig, "a")->revision, revision + 1);
    in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid x healthy no");
    assert_true(shown(rig)->has_healthy && !shown(rig)->healthy);
    /* A status that says nothing of it leaves it. */
    in_update(rig, "a.1.1 KILLING by EXECUTOR uuid y");
    assert_true(shown(rig)->has_healthy && !shown(rig)->healthy);
    rig_restart(rig);
    assert_true(shown(rig)->has_healthy && !shown(rig)->healthy);
}

/* With the state that it came with there is one event, which has both. */
static void health_that_comes_with_a_state(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "a");
    place(rig, "A1", "");
    uint64_t revision = look(rig, "a")->revision;
    in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid v healthy no check TCP:0");
    assert_int_equal(look(rig, "a")->revision, revision + 1);
    assert_true(shown(rig)->has_healthy && !shown(rig)->healthy);
    assert_false(shown(rig)->check_status->tcp->succeeded);
    in_update(rig, "a.1.1 FAILED by EXECUTOR uuid w healthy no");
    expect_state(rig, "a", "FAILED");
    /* A repetition of what came before its end changes nothing. */
    in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid v healthy yes");
    assert_false(shown(rig)->healthy);
    assert_int_equal(look(rig, "a")->revision, revision + 2);
}

static void results_of_checks(void **state)
{
    struct rig *rig = running(state, "");
    in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid 1 check COMMAND");
    assert_int_equal(shown(rig)->check_status->type, MESOS__V1__CHECK_INFO__TYPE__COMMAND);
    assert_false(shown(rig)->check_status->command->has_exit_code); /* no result yet */
    static const int codes[] = {0, 1, 255, -1, INT32_MIN, INT32_MAX};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        in_update(rig, words(rig, "a.1.1 RUNNING by EXECUTOR uuid u%zu check COMMAND:%d", i, codes[i]));
        assert_true(shown(rig)->check_status->command->has_exit_code);
        assert_int_equal(shown(rig)->check_status->command->exit_code, codes[i]);
        assert_null(shown(rig)->check_status->http);
    }
    in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid 2 check HTTP:503");
    assert_int_equal(shown(rig)->check_status->http->status_code, 503);
    in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid 3 check HTTP");
    assert_false(shown(rig)->check_status->http->has_status_code);
    in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid 4 check TCP:1");
    assert_true(shown(rig)->check_status->tcp->succeeded);
    in_update(
            rig, "a.1.1 RUNNING by EXECUTOR uuid 5 check UNKNOWN"); /* of a type we do not know: as before */
    assert_true(shown(rig)->check_status->tcp->succeeded);
    rig_restart(rig);
    assert_true(shown(rig)->check_status->tcp->succeeded);
}

static void an_attempt_begins_without(void **state)
{
    struct rig *rig = running(state, "tries 2 backoff 0");
    in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid 1 healthy no check TCP:0");
    in_update(rig, "a.1.1 FAILED by EXECUTOR uuid 2");
    expect(place(rig, "A1", ""), "a.1.2");
    assert_false(shown(rig)->has_healthy);
    assert_null(shown(rig)->check_status);
    assert_true(look(rig, "a")->attempts[0]->has_healthy);
}

/* ---- max_completion_time ---- */

#define TOO_LONG "a.1.1 FAILED by EXECUTOR uuid v because MAX_COMPLETION_TIME_REACHED"

static void too_long_is_an_outcome_of_its_own(void **state)
{
    static const struct {
        const char *policy, *then;
    } cases[] = {
            {"", "FAILED | FAILED"},
            {"tries 3", "FAILED | FAILED"}, /* it would be too long again */
            {"tries 3 on FAILED", "FAILED | FAILED"},
            {"tries 3 on MAX_COMPLETION_TIME", "QUEUED | FAILED"},
            {"tries 3 on FAILED,MAX_COMPLETION_TIME", "QUEUED | FAILED"},
            {"tries 1 on MAX_COMPLETION_TIME", "FAILED | FAILED"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig *rig = running(state, cases[i].policy);
        in_update(rig, TOO_LONG);
        expect(look_states(rig, "a"), cases[i].then);
        rig_destroy(rig);
    }
    *state = NULL;
}

static void another_failure_is_not_too_long(void **state)
{
    struct rig *rig = running(state, "tries 3 on MAX_COMPLETION_TIME");
    in_update(rig, "a.1.1 FAILED by EXECUTOR uuid v because COMMAND_EXECUTOR_FAILED");
    expect_state(rig, "a", "FAILED");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(nothing_is_known_before_a_check_has_spoken),
            TEST(health_is_shown_and_published),
            TEST(health_that_comes_with_a_state),
            TEST(results_of_checks),
            TEST(an_attempt_begins_without),
            TEST(too_long_is_an_outcome_of_its_own),
            TEST(another_failure_is_not_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
