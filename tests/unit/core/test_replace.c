/* An attempt that is LOST, UNREACHABLE or UNKNOWN for long, of a task that says what is to follow. What
 * becomes of the attempt that was given up is in test_strays.c. */
#include "rig.h"

#include <string.h>

/* The task `a` with that policy RUNNING on A1, then the news of it. */
static struct rig *cut_off(void **state, const char *policy, const char *news)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, words(rig, "a backoff 0 %s", policy));
    expect(place(rig, "A1", ""), "a.1.1");
    in_update(rig, "a.1.1 RUNNING by AGENT uuid u");
    in_update(rig, words(rig, "a.1.1 %s by MASTER", news));
    return rig;
}

/* What the master says, the outcome it is, and what the task is while it waits. */
static const struct {
    const char *news, *outcome, *waits, *otherwise;
} ways[] = {
        {"LOST", "LOST", "UNKNOWN", "LOST"},
        {"GONE_BY_OPERATOR", "LOST", "UNKNOWN", "LOST"},
        {"UNREACHABLE", "UNREACHABLE", "UNREACHABLE", "UNREACHABLE"},
        {"UNKNOWN", "UNKNOWN", "UNKNOWN", "UNKNOWN"},
};
#define WAYS (sizeof ways / sizeof *ways)

static void replaced_after_its_time(void **state)
{
    for (size_t i = 0; i < WAYS; i++) {
        char policy[64];
        stpcpy(stpcpy(policy, "tries 2 replace 90000 on "), ways[i].outcome);
        struct rig *rig = cut_off(state, policy, ways[i].news);
        expect_state(rig, "a", ways[i].waits);
        expect(place_after(rig, 90000, "A2"), "a.1.2");
        assert_true(look(rig, "a")->attempts[0]->replaced);
        assert_false(look(rig, "a")->attempts[1]->replaced);
        rig_destroy(rig);
    }
    *state = NULL;
}

static void its_message_and_story(void **state)
{
    for (size_t i = 0; i < WAYS; i++) {
        struct rig *rig = cut_off(state, "tries 2 on LOST,UNREACHABLE,UNKNOWN replace 60000", ways[i].news);
        story_begin(rig);
        in_wait(rig, 60000);
        expect_words(rig, "a", "attempt 1", ways[i].outcome);
        place(rig, "A2", "");
        in_update(rig, "a.1.2 RUNNING by AGENT uuid u on A2");
        expect_story(rig, "a:QUEUED/1 a:LAUNCHING/2 a:RUNNING/2 ");
        rig_destroy(rig);
    }
    *state = NULL;
}

static void after_ten_minutes_where_nothing_is_said(void **state)
{
    expect(place_after(cut_off(state, "tries 2 on LOST", "LOST"), 600000, "A2"), "a.1.2");
    rig_destroy(*state);
    expect(place(cut_off(state, "tries 2 on LOST replace 0", "LOST"), "A2", ""), "a.1.2");
    rig_destroy(*state);
    expect(place_after(cut_off(state, "tries 2 on LOST replace 2592000000", "LOST"), 2592000000, "A2"),
            "a.1.2");
}

static void the_backoff_comes_after_it(void **state)
{
    struct rig *rig = cut_off(state, "tries 2 on LOST replace 60000 backoff 5000", "LOST");
    in_wait(rig, 60000);
    expect_state(rig, "a", "QUEUED");
    expect(place_after(rig, 5000, "A2"), "a.1.2");
}

static void only_where_it_is_named(void **state)
{
    static const char *const policies[] = {"tries 9 on FAILED,FINISHED,KILLED,LAUNCH_TIMEOUT,GONE", "tries 9",
            "tries 1 on LOST,UNREACHABLE,UNKNOWN replace 1000", "replace 1000"};
    for (size_t i = 0; i < WAYS; i++) {
        for (size_t j = 0; j < sizeof policies / sizeof *policies; j++) {
            struct rig *rig = cut_off(state, policies[j], ways[i].news);
            in_wait(rig, 3600000);
            expect_state(rig, "a", ways[i].otherwise);
            expect(place(rig, "A2", ""), "");
            rig_destroy(rig);
        }
    }
    *state = NULL;
}

static void one_is_not_the_other(void **state)
{
    static const char *const policies[] = {"tries 9 replace 1000 on LOST",
            "tries 9 replace 1000 on UNREACHABLE", "tries 9 replace 1000 on UNKNOWN"};
    static const char *const news[] = {"LOST", "UNREACHABLE", "UNKNOWN"};
    for (size_t i = 0; i < 9; i++) {
        struct rig *rig = cut_off(state, policies[i / 3], news[i % 3]);
        in_wait(rig, 3600000);
        expect(place(rig, "A2", ""), i / 3 == i % 3 ? "a.1.2" : "");
        rig_destroy(rig);
    }
    *state = NULL;
}

/* ---- it comes to something else first ---------------------------------------------------------------- */

static void it_returns_before(void **state)
{
    for (size_t i = 0; i < WAYS; i++) {
        struct rig *rig = cut_off(state, "tries 9 on LOST,UNREACHABLE,UNKNOWN replace 60000", ways[i].news);
        in_wait(rig, 59999);
        in_update(rig, "a.1.1 RUNNING by MASTER because RECONCILIATION");
        rig_show(rig, SHOW_CALLS);
        assert_int_equal(count_lines(in_wait(rig, 600000), "CALL KILL a.1.1 A1"), 0);
        expect(look_states(rig, "a"), "RUNNING | RUNNING");
        in_update(rig, words(rig, "a.1.1 %s by MASTER", ways[i].news)); /* the time begins anew */
        expect(place_after(rig, 60000, "A2"), "a.1.2");
        rig_destroy(rig);
    }
    *state = NULL;
}

static void it_ends_before(void **state)
{
    static const struct {
        const char *news, *state;
    } ends[] = {{"FINISHED by AGENT uuid v", "FINISHED"}, {"FAILED by AGENT uuid v", "FAILED"},
            {"KILLED by AGENT uuid v", "KILLED"}, {"GONE by MASTER because RECONCILIATION", "GONE"}};
    for (size_t i = 0; i < WAYS * 4; i++) {
        struct rig *rig =
                cut_off(state, "tries 9 on LOST,UNREACHABLE,UNKNOWN replace 60000", ways[i / 4].news);
        in_update(rig, words(rig, "a.1.1 %s", ends[i % 4].news));
        expect_state(rig, "a", ends[i % 4].state);
        in_wait(rig, 600000);
        expect(place(rig, "A2", ""), "");
        rig_destroy(rig);
    }
    *state = NULL;
}

/* It does not run any more, which is an outcome of its own. */
static void gone_for_certain_is_tried_again_at_once(void **state)
{
    struct rig *rig = cut_off(state, "tries 2 on LOST,GONE replace 600000", "LOST");
    in_update(rig, "a.1.1 GONE by MASTER because RECONCILIATION");
    expect(look_states(rig, "a"), "QUEUED | GONE");
    expect(place(rig, "A2", ""), "a.1.2");
}

/* LOST, and not to be replaced: over for those who waited for it. It may return, and is never queued again.
 */
static void over_it_is_not_tried_again(void **state)
{
    static const char *const ends[] = {"GONE by MASTER because RECONCILIATION", "FAILED by AGENT uuid v"};
    for (size_t i = 0; i < 2; i++) {
        struct rig *rig = cut_off(state, "tries 9 on FAILED,GONE", "LOST");
        in_update(rig, words(rig, "a.1.1 %s", ends[i]));
        expect_state(rig, "a", i ? "FAILED" : "GONE");
        rig_destroy(rig);
        rig = cut_off(state, "tries 9 on FAILED,GONE", "LOST");
        in_update(rig, "a.1.1 RUNNING by MASTER"); /* returned, it is as any other */
        in_update(rig, words(rig, "a.1.1 %s", ends[i]));
        expect_state(rig, "a", "QUEUED");
        rig_destroy(rig);
    }
    *state = NULL;
}

static void a_kill_before(void **state)
{
    for (size_t i = 0; i < WAYS; i++) {
        struct rig *rig = cut_off(state, "tries 9 on LOST,UNREACHABLE,UNKNOWN replace 60000", ways[i].news);
        in_kill(rig, "a");
        in_wait(rig, 3600000);
        expect_state(rig, "a", ways[i].otherwise); /* the wish is kept */
        expect(place(rig, "A2", ""), "");
        rig_show(rig, SHOW_CALLS);
        assert_true(has_line(in_update(rig, "a.1.1 RUNNING by MASTER"), "CALL KILL a.1.1 A1"));
        in_update(rig, "a.1.1 KILLED by AGENT uuid v");
        expect_state(rig, "a", "KILLED");
        rig_destroy(rig);
    }
    *state = NULL;
}

/* ---- the subscription, the process ------------------------------------------------------------------- */

static void not_while_disconnected(void **state)
{
    for (size_t i = 0; i < WAYS; i++) {
        struct rig *rig = cut_off(state, "tries 9 on LOST,UNREACHABLE,UNKNOWN replace 90000", ways[i].news);
        in_down(rig, "gone");
        rig_show(rig, SHOW_RECORDS | SHOW_EVENTS);
        expect(in_wait(rig, 3600000), "");
        rig_show(rig, SHOW_ALL);
        in_up(rig);
        in_wait(rig, 59999); /* the master has a minute to speak */
        expect_state(rig, "a", ways[i].waits);
        in_wait(rig, 30001);
        expect(place(rig, "A2", ""), "a.1.2");
        rig_destroy(rig);
    }
    *state = NULL;
}

static void a_restart_before(void **state)
{
    for (size_t i = 0; i < WAYS; i++) {
        struct rig *rig = cut_off(state, "tries 9 on LOST,UNREACHABLE,UNKNOWN replace 300000", ways[i].news);
        in_wait(rig, 100000);
        rig_restart(rig);
        expect_state(rig, "a", ways[i].waits);
        in_up(rig);
        expect(place_after(rig, 200000, "A2"), "a.1.2");
        rig_restart(rig);
        expect(look_states(rig, "a"), words(rig, "LAUNCHING | %s replaced | LAUNCHING", ways[i].otherwise));
        rig_destroy(rig);
    }
    *state = NULL;
}

/* The clock went back over a restart: never longer than the time. */
static void a_clock_that_went_back(void **state)
{
    struct rig *rig = cut_off(state, "tries 9 on LOST replace 300000", "LOST");
    for (int i = 0; i < 2; i++) { /* the first time it is marked as well, for how long we were away */
        in_wait(rig, 100000);
        rig->now.wall_ns -= (int64_t)30 * 24 * 3600 * 1000000000;
        rig_restart(rig);
        in_up(rig);
    }
    in_wait(rig, 300000);
    expect(place(rig, "A2", ""), "a.1.2");
}

/* ---- what is held -------------------------------------------------------------------------------------- */

/* A value counts for each task that holds it, and for none once all is over. */
static void unique_values(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "a name w tries 2 on LOST backoff 0 replace 60000 where rack UNIQUE");
    in_launch(rig, "b name w where rack UNIQUE");
    expect(place(rig, "A1", "@rack=x"), "a.1.1");
    in_update(rig, "a.1.1 LOST by MASTER");
    expect(place(rig, "A2", "@rack=x"), ""); /* it may return */
    in_wait(rig, 60000);
    expect(place(rig, "A2", "@rack=y"), "a.1.2");
    expect(place(rig, "A3", "@rack=y"), "");
    in_update(rig, "a.1.1 GONE by MASTER because RECONCILIATION");
    expect(place(rig, "A3", "@rack=y"), ""); /* the end of the first is not the end of the second */
    expect(place(rig, "A3", "@rack=x"), "b.2.1");
    in_launch(rig, "c name w where rack UNIQUE");
    in_update(rig, "a.1.2 FINISHED by AGENT uuid u on A2");
    expect(place(rig, "A3", "@rack=x"), "");
    expect(place(rig, "A3", "@rack=y"), "c.3.1");
}

/* One that was given up stands in the way of no other, its own task's next one included. */
static void the_values_of_one_that_was_given_up(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "a name w tries 2 on LOST backoff 0 replace 60000 where rack UNIQUE");
    expect(place(rig, "A1", "@rack=x"), "a.1.1");
    in_update(rig, "a.1.1 LOST by MASTER");
    in_wait(rig, 60000);
    rig_restart(rig);
    in_up(rig);
    expect(place(rig, "A2", "@rack=x"), "a.1.2");
    in_launch(rig, "b name w where rack UNIQUE");
    expect(place(rig, "A3", "@rack=x"), "");
    in_update(rig, "a.1.2 FINISHED by AGENT uuid u on A2");
    expect(place(rig, "A3", "@rack=x"), "b.2.1");
}

/* Where it was given up counts as where it has ended. */
static void elsewhere(void **state)
{
    for (size_t i = 0; i < WAYS; i++) {
        struct rig *rig = cut_off(
                state, "tries 3 on LOST,UNREACHABLE,UNKNOWN replace 60000 elsewhere yes", ways[i].news);
        in_wait(rig, 60000);
        expect(place(rig, "A1", ""), "");
        rig_restart(rig);
        in_up(rig);
        expect(place(rig, "A1", ""), "");
        expect(place(rig, "A2", ""), "a.1.2");
        rig_destroy(rig);
    }
    *state = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(replaced_after_its_time),
            TEST(its_message_and_story),
            TEST(after_ten_minutes_where_nothing_is_said),
            TEST(the_backoff_comes_after_it),
            TEST(only_where_it_is_named),
            TEST(one_is_not_the_other),
            TEST(it_returns_before),
            TEST(it_ends_before),
            TEST(gone_for_certain_is_tried_again_at_once),
            TEST(over_it_is_not_tried_again),
            TEST(a_kill_before),
            TEST(not_while_disconnected),
            TEST(a_restart_before),
            TEST(a_clock_that_went_back),
            TEST(unique_values),
            TEST(the_values_of_one_that_was_given_up),
            TEST(elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
