/* PROTOCOL "STAGING for too long | perhaps | KILL, then when over": an attempt that is not STARTING or
 * RUNNING in time is killed until it is over, which is an outcome of its own. */
#include "rig.h"

#include <string.h>

#define TIMEOUT 120000

static void two_minutes(struct core_config *config)
{
    config->launch_timeout_ms = TIMEOUT;
}

static void no_timeout(struct core_config *config)
{
    config->launch_timeout_ms = 0;
}

/* The task `a`, launched a minute after the subscription; `news` of it or NULL. Shows calls. */
static struct rig *launched(void **state, const char *spec, const char *news)
{
    struct rig *rig = rig_up(state, two_minutes);
    in_launch(rig, spec);
    expect(place(rig, "A1", ""), "a.1.1");
    rig_show(rig, SHOW_CALLS);
    if (news)
        in_update(rig, words(rig, "a.1.1 %s", news));
    return rig;
}

#define KILL_A "CALL KILL a.1.1 A1"

/* No KILL goes before `ms`; the first one goes then. */
static void expect_kill_at(struct rig *rig, int64_t ms)
{
    assert_false(has_line(in_wait(rig, ms - 1), KILL_A));
    assert_true(has_line(in_wait(rig, 1), KILL_A));
}

static struct rig *timed_out(void **state, const char *spec)
{
    struct rig *rig = launched(state, spec, NULL);
    expect_kill_at(rig, TIMEOUT);
    return rig;
}

static void launching_and_staging(void **state)
{
    static const char *const news[] = {NULL, "STAGING by MASTER", "STAGING by MASTER because RECONCILIATION"};
    for (size_t i = 0; i < 3; i++) {
        struct rig *rig = launched(state, "a", news[i]);
        expect_kill_at(rig, TIMEOUT);
        expect_state(rig, "a", news[i] ? "STAGING" : "LAUNCHING"); /* until it is over */
        rig_destroy(rig);
    }
    /* Counted from the launch, not from the last news. */
    struct rig *rig = launched(state, "a", NULL);
    in_wait(rig, 100000);
    in_update(rig, "a.1.1 STAGING by MASTER");
    expect_kill_at(rig, TIMEOUT - 100000);
}

static void the_kill_is_repeated(void **state)
{
    struct rig *rig = timed_out(state, "a");
    const char *text = in_wait(rig, 80000);
    assert_int_equal(count_lines(text, KILL_A), 4); /* after 5, 10, 20 and 40 s */
    in_update(rig, "a.1.1 KILLED by EXECUTOR uuid u");
    assert_false(has_line(in_wait(rig, 600000), KILL_A));
}

static void the_tasks_own(void **state)
{
    expect_kill_at(launched(state, "a timeout 5000", NULL), 5000);
    rig_destroy(*state);
    expect_kill_at(launched(state, "a timeout 3600000", NULL), 3600000);
    rig_destroy(*state);
    struct rig *rig = launched(state, "a timeout 0", "STAGING by MASTER"); /* none */
    assert_false(has_line(in_wait(rig, 86400000), KILL_A));
}

static void without_a_default(void **state)
{
    struct rig *rig = rig_up(state, no_timeout);
    in_launch(rig, "a | b timeout 30000");
    expect(place(rig, "A1", ""), "a.1.1 b.2.1");
    rig_show(rig, SHOW_CALLS);
    const char *text = in_wait(rig, 86400000);
    assert_false(has_line(text, KILL_A));
    assert_true(has_line(text, "CALL KILL b.2.1 A1"));
}

/* Thirty days, the longest there is: no clock of ours runs over. */
static void the_longest(void **state)
{
    expect_kill_at(launched(state, "a timeout 2592000000", NULL), 2592000000);
}

static void starting_or_running_is_in_time(void **state)
{
    static const char *const news[] = {"STARTING by AGENT uuid u", "RUNNING by AGENT uuid u"};
    for (size_t i = 0; i < 2; i++) {
        struct rig *rig = launched(state, "a", NULL);
        in_wait(rig, TIMEOUT - 1);
        in_update(rig, words(rig, "a.1.1 %s", news[i]));
        assert_false(has_line(in_wait(rig, 3600000), KILL_A));
        rig_destroy(rig);
    }
    *state = NULL;
}

/* Cut off is another matter; once it is back it is late. */
static void unreachable_is_not_late(void **state)
{
    struct rig *rig = launched(state, "a", "UNREACHABLE by MASTER");
    assert_false(has_line(in_wait(rig, 3600000), KILL_A));
    const char *text = words(rig, "%s", in_update(rig, "a.1.1 STAGING by MASTER because RECONCILIATION"));
    text = words(rig, "%s%s", text, in_wait(rig, 60000));
    assert_true(has_line(text, KILL_A));
}

/* ---- the subscription -------------------------------------------------------------------------------- */

static void not_within_a_minute_of_subscribing(void **state)
{
    struct rig *rig = *state = rig_create(two_minutes);
    in_up(rig);
    in_launch(rig, "a timeout 5000");
    expect(place(rig, "A1", ""), "a.1.1");
    rig_show(rig, SHOW_CALLS);
    in_wait(rig, 30000);
    in_down(rig, "gone");
    in_up(rig);
    expect_kill_at(rig, 60000);
}

static void not_while_disconnected(void **state)
{
    struct rig *rig = launched(state, "a", NULL);
    in_down(rig, "gone");
    rig_show(rig, SHOW_ALL);
    expect(in_wait(rig, 3600000), ""); /* and nothing is marked */
    rig_show(rig, SHOW_CALLS);
    assert_false(has_line(in_up(rig), KILL_A));
    in_update(rig, "a.1.1 RUNNING by MASTER because RECONCILIATION");
    assert_false(has_line(in_wait(rig, 3600000), KILL_A));
}

static void a_long_absence_counts(void **state)
{
    struct rig *rig = launched(state, "a", NULL);
    in_down(rig, "gone");
    in_wait(rig, 3600000);
    in_up(rig);
    expect_kill_at(rig, 60000);
}

static void a_restart_before_it(void **state)
{
    struct rig *rig = launched(state, "a", NULL);
    in_wait(rig, 10000);
    rig_restart(rig);
    in_up(rig);
    expect_kill_at(rig, TIMEOUT - 10000);
}

/* Over a restart the wall clock went back: never longer than the time. Forward: a minute for the master to
 * speak. */
static void a_clock_that_jumped(void **state)
{
    struct rig *rig = launched(state, "a", NULL);
    in_wait(rig, 10000);
    rig->now.wall_ns -= (int64_t)30 * 24 * 3600 * 1000000000;
    rig_restart(rig);
    in_up(rig);
    expect_kill_at(rig, TIMEOUT);
    rig_destroy(rig);
    rig = launched(state, "a", NULL);
    rig->now.wall_ns += (int64_t)30 * 24 * 3600 * 1000000000;
    rig_restart(rig);
    in_up(rig);
    expect_kill_at(rig, 60000);
}

/* ---- how it ends ------------------------------------------------------------------------------------- */

static void over_it_has_failed(void **state)
{
    static const char *const ends[] = {"KILLED by EXECUTOR uuid u", "FAILED by AGENT uuid u",
            "GONE by AGENT uuid u", "KILLED by MASTER because RECONCILIATION"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct rig *rig = timed_out(state, "a");
        in_update(rig, words(rig, "a.1.1 %s", ends[i]));
        expect_state(rig, "a", "FAILED");
        expect_words(rig, "a", "launch", "");
        assert_false(look(rig, "a")->kill_requested); /* nobody asked for it */
        rig_destroy(rig);
    }
    *state = NULL;
}

/* It was quicker than the KILL, or was refused: no end of ours. */
static void over_by_itself(void **state)
{
    struct rig *rig = timed_out(state, "a tries 2");
    in_update(rig, "a.1.1 FINISHED by EXECUTOR uuid u");
    expect_state(rig, "a", "FINISHED");
    rig_destroy(rig);
    rig = timed_out(state, "a tries 2");
    in_update(rig, "a.1.1 ERROR by MASTER because TASK_INVALID : no");
    expect_state(rig, "a", "ERROR");
}

/* Nobody knows whether it is over: it is not, and the KILL is kept for its return. */
static void lost_after_it(void **state)
{
    struct rig *rig = timed_out(state, "a tries 9");
    in_update(rig, "a.1.1 LOST by MASTER");
    expect_state(rig, "a", "LOST");
    in_wait(rig, 3600000);
    expect(place(rig, "A2", ""), "");
    rig_restart(rig);
    in_up(rig);
    assert_true(has_line(in_update(rig, "a.1.1 RUNNING by MASTER"), KILL_A));
    in_update(rig, "a.1.1 KILLED by AGENT uuid u");
    expect_state(rig, "a", "QUEUED"); /* it had returned */
}

/* It came up all the same: the KILL is on its way to it, and repeated. */
static void alive_it_is_killed_all_the_same(void **state)
{
    struct rig *rig = timed_out(state, "a tries 2 backoff 0");
    in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid u");
    assert_true(has_line(in_wait(rig, 60000), KILL_A));
    in_update(rig, "a.1.1 KILLED by EXECUTOR uuid u");
    expect_state(rig, "a", "QUEUED");
}

/* Killed before it was up it may say FAILED as well. */
static void failed_after_it(void **state)
{
    struct rig *rig = timed_out(state, "a tries 2 backoff 0 on LAUNCH_TIMEOUT");
    in_update(rig,
            "a.1.1 FAILED by AGENT uuid u because CONTAINER_LAUNCH_FAILED : destroyed while provisioning");
    expect_state(rig, "a", "QUEUED");
    expect_words(rig, "a", "attempt 1", "");
}

static void it_is_tried_again_where_that_is_named(void **state)
{
    static const struct {
        const char *spec, *state;
    } cases[] = {{"a tries 2", "QUEUED"}, {"a tries 2 on LAUNCH_TIMEOUT", "QUEUED"}, {"a tries 1", "FAILED"},
            {"a tries 2 on FAILED,KILLED,FINISHED,GONE,LOST,UNREACHABLE,UNKNOWN", "FAILED"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig *rig = timed_out(state, cases[i].spec);
        in_update(rig, "a.1.1 KILLED by EXECUTOR uuid u");
        expect_state(rig, "a", cases[i].state);
        rig_destroy(rig);
    }
    struct rig *rig = timed_out(state, "a tries 2 backoff 3000");
    in_update(rig, "a.1.1 KILLED by EXECUTOR uuid u");
    expect_words(rig, "a", "attempt 1", "");
    expect(place_after(rig, 3000, "A2"), "a.1.2");
    assert_true(has_line(in_wait(rig, TIMEOUT), "CALL KILL a.1.2 A2")); /* each has its own time */
    in_update(rig, "a.1.2 KILLED by EXECUTOR uuid u on A2");
    expect_state(rig, "a", "FAILED");
}

/* The answer to a KILL proves that it never ran: it is made again and does not count. */
static void it_never_ran(void **state)
{
    struct rig *rig = timed_out(state, "a");
    in_update(rig, "a.1.1 GONE by MASTER because RECONCILIATION");
    expect_state(rig, "a", "QUEUED");
    in_wait(rig, 60000);
    expect(place(rig, "A1", ""), "a.1.2");
    in_update(rig, "a.1.2 RUNNING by AGENT uuid u");
    expect_state(rig, "a", "RUNNING");
    assert_false(has_line(in_wait(rig, 3600000), "CALL KILL a.1.2 A1"));
}

static void a_restart_keeps_the_mark(void **state)
{
    struct rig *rig = timed_out(state, "a");
    rig_restart(rig);
    const char *text = words(rig, "%s", in_up(rig));
    text = words(rig, "%s%s", text, in_wait(rig, 59999));
    assert_true(has_line(text, KILL_A)); /* it is known already */
    rig_restart(rig);
    in_up(rig);
    in_update(rig, "a.1.1 KILLED by EXECUTOR uuid u");
    expect_state(rig, "a", "FAILED");
    expect_words(rig, "a", "launch", "");
}

static void a_kill_that_was_asked_for_after_it(void **state)
{
    static const char *const specs[] = {"a", "a tries 9"};
    for (size_t i = 0; i < 2; i++) {
        struct rig *rig = timed_out(state, specs[i]);
        in_kill(rig, "a");
        in_update(rig, "a.1.1 KILLED by EXECUTOR uuid u");
        expect_state(rig, "a", "KILLED");
        rig_destroy(rig);
        rig = timed_out(state, specs[i]);
        in_kill(rig, "a");
        in_update(rig, "a.1.1 GONE by MASTER because RECONCILIATION");
        expect_state(rig, "a", "KILLED");
        rig_destroy(rig);
    }
    *state = NULL;
}

static void a_kill_that_was_asked_for_before_it(void **state)
{
    struct rig *rig = launched(state, "a tries 9", NULL);
    in_kill(rig, "a");
    in_wait(rig, TIMEOUT * 2);
    in_update(rig, "a.1.1 KILLED by EXECUTOR uuid u");
    expect_state(rig, "a", "KILLED");
}

/* The mark does not stand in the way of a replacement. */
static void cut_off_it_is_replaced(void **state)
{
    static const char *const news[] = {"UNREACHABLE", "UNKNOWN", "LOST"};
    for (size_t i = 0; i < 3; i++) {
        struct rig *rig = timed_out(state, "a tries 2 backoff 0 on LOST,UNREACHABLE,UNKNOWN replace 300000");
        in_update(rig, words(rig, "a.1.1 %s by MASTER", news[i]));
        in_wait(rig, 299999);
        expect(place(rig, "A2", ""), "");
        in_wait(rig, 1);
        expect(place(rig, "A2", ""), "a.1.2");
        rig_destroy(rig);
    }
    *state = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(launching_and_staging),
            TEST(the_kill_is_repeated),
            TEST(the_tasks_own),
            TEST(without_a_default),
            TEST(the_longest),
            TEST(starting_or_running_is_in_time),
            TEST(unreachable_is_not_late),
            TEST(not_within_a_minute_of_subscribing),
            TEST(not_while_disconnected),
            TEST(a_long_absence_counts),
            TEST(a_restart_before_it),
            TEST(a_clock_that_jumped),
            TEST(over_it_has_failed),
            TEST(over_by_itself),
            TEST(lost_after_it),
            TEST(alive_it_is_killed_all_the_same),
            TEST(failed_after_it),
            TEST(it_is_tried_again_where_that_is_named),
            TEST(it_never_ran),
            TEST(a_restart_keeps_the_mark),
            TEST(cut_off_it_is_replaced),
            TEST(a_kill_that_was_asked_for_after_it),
            TEST(a_kill_that_was_asked_for_before_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
