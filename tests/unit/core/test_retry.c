/* Retry policies: which ends of an attempt make another one, how many, and after what pause. */
#include "rig.h"

#include <stdio.h>
#include <string.h>

#define ALL "FAILED,FINISHED,KILLED,LAUNCH_TIMEOUT,GONE,LOST,UNREACHABLE,UNKNOWN"

/* The task `a` with that policy, a format, RUNNING on A1. */
PRINTF_LIKE(2, 3) static struct rig *running(void **state, const char *policy, ...)
{
    char text[400];
    va_list args;
    va_start(args, policy);
    vsnprintf(text, sizeof text, policy, args);
    va_end(args);
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, words(rig, "a %s", text));
    expect(place(rig, "A1", ""), "a.1.1");
    in_update(rig, "a.1.1 RUNNING by AGENT uuid u");
    return rig;
}

static const char *fails(struct rig *rig, unsigned attempt)
{
    return in_update(rig,
            words(rig, "a.1.%u FAILED by EXECUTOR uuid u : Command exited with status %u", attempt, attempt));
}

static void without_a_policy_there_is_one_attempt(void **state)
{
    static const char *const policies[] = {"", "tries 1", "on FAILED", "elsewhere no", "tries 1 on FAILED"};
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
        struct rig *rig = running(state, "%s", policies[i]);
        fails(rig, 1);
        expect(look_states(rig, "a"), "FAILED | FAILED");
        rig_destroy(rig);
    }
    *state = NULL;
}

/* What the master says, which outcome it is, and what the task is where that is not named. */
static const struct {
    const char *news, *outcome, *over;
} ends[] = {
        {"FAILED by EXECUTOR uuid u", "FAILED", "FAILED"},
        {"FAILED by MASTER because RECONCILIATION", "FAILED", "FAILED"},
        {"FINISHED by EXECUTOR uuid u", "FINISHED", "FINISHED"},
        {"KILLED by EXECUTOR uuid u", "KILLED", "KILLED"},
        {"GONE by AGENT uuid u", "GONE", "GONE"},
        {"GONE by MASTER because RECONCILIATION", "GONE", "GONE"},
        {"DROPPED by AGENT uuid u because RECONCILIATION", "GONE", "GONE"},
};
#define ENDS (sizeof ends / sizeof *ends)

/* All outcomes but that one. */
static const char *others(const char *outcome)
{
    static char text[200];
    static const char *const names[] = {
            "FAILED", "FINISHED", "KILLED", "LAUNCH_TIMEOUT", "GONE", "LOST", "UNREACHABLE", "UNKNOWN"};
    char *at = text;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], outcome) != 0)
            at += sprintf(at, "%s%s", at == text ? "" : ",", names[i]);
    }
    return text;
}

static void an_outcome_that_is_named(void **state)
{
    for (size_t i = 0; i < ENDS; i++) {
        struct rig *rig = running(state, "tries 2 on %s", ends[i].outcome);
        in_update(rig, words(rig, "a.1.1 %s", ends[i].news));
        expect(look_states(rig, "a"), words(rig, "QUEUED | %s", ends[i].over));
        in_wait(rig, 1000);
        expect(place(rig, "A1", ""), "a.1.2");
        rig_destroy(rig);
    }
    *state = NULL;
}

static void an_outcome_that_is_not_named(void **state)
{
    for (size_t i = 0; i < ENDS; i++) {
        struct rig *rig = running(state, "tries 9 on %s", others(ends[i].outcome));
        in_update(rig, words(rig, "a.1.1 %s", ends[i].news));
        expect(look_states(rig, "a"), words(rig, "%s | %s", ends[i].over, ends[i].over));
        rig_destroy(rig);
    }
    *state = NULL;
}

static void none_named_is_failed_and_gone(void **state)
{
    for (size_t i = 0; i < ENDS; i++) {
        bool named = strcmp(ends[i].outcome, "FAILED") == 0 || strcmp(ends[i].outcome, "GONE") == 0;
        struct rig *rig = running(state, "tries 2");
        in_update(rig, words(rig, "a.1.1 %s", ends[i].news));
        expect_state(rig, "a", named ? "QUEUED" : ends[i].over);
        rig_destroy(rig);
    }
    *state = NULL;
}

static void as_many_attempts_as_asked_for(void **state)
{
    struct rig *rig = running(state, "tries 3 backoff 0");
    fails(rig, 1);
    expect(place(rig, "A1", ""), "a.1.2"); /* a backoff of 0 is none */
    fails(rig, 2);
    rig_restart(rig); /* they are counted from the rows */
    in_up(rig);
    expect(place(rig, "A2", ""), "a.1.3");
    in_update(rig, "a.1.3 RUNNING by AGENT uuid u on A2");
    in_update(rig, "a.1.3 FAILED by AGENT uuid u on A2 : the last");
    expect(look_states(rig, "a"), "FAILED | FAILED | FAILED | FAILED");
    expect_words(rig, "a", "the last", "");
    in_wait(rig, 600000);
    expect(place(rig, "A1", ""), "");
}

static void a_hundred_attempts(void **state)
{
    struct rig *rig = running(state, "tries 100 backoff 0");
    for (unsigned i = 1; i < 100; i++) {
        fails(rig, i);
        expect(place(rig, "A1", ""), words(rig, "a.1.%u", i + 1));
    }
    fails(rig, 100);
    expect_state(rig, "a", "FAILED");
}

/* Runs through the pauses and sees that each is just as long. */
static void expect_pauses(struct rig *rig, const int64_t *pauses, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        fails(rig, i + 1);
        assert_true(look(rig, "a")->has_retry_ns);
        assert_int_equal(look(rig, "a")->retry_ns, rig->now.wall_ns + pauses[i] * 1000000);
        expect(place_after(rig, pauses[i], "A1"), words(rig, "a.1.%u", i + 2));
        assert_false(look(rig, "a")->has_retry_ns);
    }
}

static void the_backoff_doubles_up_to_its_maximum(void **state)
{
    expect_pauses(running(state, "tries 100 backoff 2000 most 5000"), (int64_t[]){2000, 4000, 5000, 5000}, 4);
    rig_destroy(*state);
    expect_pauses(running(state, "tries 100"),
            (int64_t[]){1000, 2000, 4000, 8000, 16000, 32000, 64000, 128000, 256000, 300000, 300000}, 11);
    rig_destroy(*state);
    expect_pauses(running(state, "tries 9 backoff 600000"), (int64_t[]){300000, 300000}, 2);
    rig_destroy(*state);
    expect_pauses(
            running(state, "tries 9 backoff 86400000 most 86400000"), (int64_t[]){86400000, 86400000}, 2);
}

static void attempts_that_never_ran_do_not_count(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "a tries 2 backoff 3000");
    expect(place(rig, "A1", ""), "a.1.1");
    in_update(rig, "a.1.1 DROPPED by AGENT uuid u because GC_ERROR");
    in_wait(rig, 1000);
    expect(place(rig, "A1", ""), "a.1.2");
    fails(rig, 2);
    expect_state(rig, "a", "QUEUED"); /* the first that ran; the pause is that of the first */
    expect(place_after(rig, 3000, "A1"), "a.1.3");
    in_ask(rig);
    in_update(rig, "a.1.3 GONE by MASTER because RECONCILIATION");
    expect_state(rig, "a", "QUEUED"); /* proved: made again in any case */
    rig_restart(rig);
    in_up(rig);
    in_wait(rig, 60000);
    expect(place(rig, "A1", ""), "a.1.4");
    fails(rig, 4);
    expect(look_states(rig, "a"), "FAILED | GONE | FAILED | GONE | FAILED");
}

static void a_kill_in_the_backoff_ends_it_at_once(void **state)
{
    struct rig *rig = running(state, "tries 9 on " ALL);
    fails(rig, 1);
    rig_show(rig, SHOW_CALLS);
    expect(in_kill(rig, "a"), "");
    expect(look_states(rig, "a"), "KILLED kill | FAILED");
    assert_false(look(rig, "a")->has_retry_ns);
    in_wait(rig, 600000);
    expect(place(rig, "A1", ""), "");
}

static void a_task_that_is_to_be_killed_is_never_tried_again(void **state)
{
    static const char *const over[] = {
            "FAILED", "FAILED", "FINISHED", "KILLED", "KILLED", "KILLED", "KILLED"}; /* GONE reads KILLED */
    for (size_t i = 0; i < ENDS; i++) {
        struct rig *rig = running(state, "tries 9 on " ALL);
        in_kill(rig, "a");
        rig_restart(rig);
        in_up(rig);
        in_update(rig, words(rig, "a.1.1 %s", ends[i].news));
        expect_state(rig, "a", over[i]);
        in_wait(rig, 600000);
        expect(place(rig, "A1", ""), "");
        rig_destroy(rig);
    }
    *state = NULL;
}

static void an_error_is_never_tried_again(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "a tries 9 on " ALL " | b tries 9 on " ALL);
    expect(place(rig, "A1", ""), "a.1.1 b.2.1");
    in_update(rig, "a.1.1 ERROR by MASTER because TASK_INVALID : too much");
    expect(look_states(rig, "a"), "ERROR | ERROR");
    rig_destroy(rig);
    rig = rig_up(state, NULL);
    in_launch(rig, "a tries 9 on " ALL);
    in_offers(rig, "o1 A1 cpus 1");
    in_answer(rig, "o1", CORE_REFUSED, "no such field");
    expect(look_states(rig, "a"), "ERROR | ERROR");
}

/* ---- a restart in the backoff ------------------------------------------------------------------------ */

#define MINUTE ((int64_t)60000)
#define HOUR (60 * MINUTE)

/* An hour's backoff, restarted after ten minutes with the wall clock moved. */
static struct rig *restarted(void **state, int64_t jump_ms)
{
    struct rig *rig = running(state, "tries 9 backoff 3600000 most 3600000");
    fails(rig, 1);
    in_wait(rig, 10 * MINUTE);
    rig->now.wall_ns += jump_ms * 1000000;
    rig_restart(rig);
    in_up(rig);
    return rig;
}

static void a_restart_in_the_backoff(void **state)
{
    expect(place_after(restarted(state, 0), 50 * MINUTE, "A1"), "a.1.2");
}

/* The clock went back: never longer than the backoff. */
static void a_restart_with_a_clock_that_went_back(void **state)
{
    struct rig *rig = restarted(state, -30 * 24 * HOUR);
    expect(place(rig, "A1", ""), "");
    in_wait(rig, HOUR);
    expect(place(rig, "A1", ""), "a.1.2");
    rig_destroy(rig);
    rig = running(state, "tries 9 backoff 2000 most 3600000");
    fails(rig, 1);
    rig->now.wall_ns -= 30 * 24 * HOUR * 1000000;
    rig_restart(rig);
    in_up(rig);
    in_wait(rig, 2000);
    expect(place(rig, "A1", ""), "a.1.2");
}

static void a_restart_with_a_clock_that_went_forward(void **state)
{
    expect(place_after(restarted(state, 30 * MINUTE), 20 * MINUTE, "A1"), "a.1.2");
    rig_destroy(*state);
    expect(place(restarted(state, 30 * 24 * HOUR), "A1", ""), "a.1.2");
}

/* Without a restart the wall clock does not matter. */
static void a_clock_that_jumps_in_the_backoff(void **state)
{
    struct rig *rig = running(state, "tries 9 backoff 60000");
    fails(rig, 1);
    rig->now.wall_ns -= 30 * 24 * HOUR * 1000000;
    in_tick(rig);
    rig->now.wall_ns += 60 * 24 * HOUR * 1000000;
    in_tick(rig);
    expect(place_after(rig, MINUTE, "A1"), "a.1.2");
}

/* ---- what clients see -------------------------------------------------------------------------------- */

static void the_message_names_the_attempt_and_its_end(void **state)
{
    for (size_t i = 0; i < ENDS; i++) {
        struct rig *rig = running(state, "tries 9 backoff 0 on " ALL);
        in_update(rig, words(rig, "a.1.1 %s : the words of the task", ends[i].news));
        expect_words(rig, "a", "attempt 1", ends[i].outcome);
        place(rig, "A1", "");
        fails(rig, 2);
        expect_words(rig, "a", "attempt 2", "FAILED");
        const Zmesos__V1__Task *task = look(rig, "a");
        assert_string_equal(task->attempts[0]->message, "the words of the task");
        assert_string_equal(task->attempts[1]->message, "Command exited with status 2");
        rig_destroy(rig);
    }
    *state = NULL;
}

static void one_task_with_its_states_in_order(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    story_begin(rig);
    in_launch(rig, "a tries 2 backoff 0");
    place(rig, "A1", "");
    in_update(rig, "a.1.1 STARTING by AGENT uuid u");
    in_update(rig, "a.1.1 RUNNING by AGENT uuid u");
    fails(rig, 1);
    place(rig, "A1", "");
    in_update(rig, "a.1.2 RUNNING by AGENT uuid u");
    fails(rig, 2);
    expect_story(rig,
            "a:QUEUED/- a:LAUNCHING/1 a:STARTING/1 a:RUNNING/1 a:QUEUED/1 a:LAUNCHING/2 a:RUNNING/2 "
            "a:FAILED/2 ");
    const Zmesos__V1__Task *task = look(rig, "a");
    assert_int_equal(task->n_attempts, 2);
    assert_string_equal(task->attempts[0]->mesos_task_id, "a.1.1");
    assert_string_equal(task->attempts[1]->mesos_task_id, "a.1.2");
    assert_int_equal(task->revision, 8);
}

/* What the attempt held is free for the next one, and for others meanwhile. */
static void unique_values_are_given_back(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "a name w tries 2 backoff 1000 where rack UNIQUE");
    expect(place(rig, "A1", "@rack=x"), "a.1.1");
    in_launch(rig, "b name w where rack UNIQUE");
    expect(place(rig, "A1", "@rack=x"), "");
    fails(rig, 1);
    expect(place(rig, "A1", "@rack=x"), "b.2.1");
    in_wait(rig, 1000);
    expect(place(rig, "A1", "@rack=x"), "");
    in_update(rig, "b.2.1 FINISHED by AGENT uuid u");
    expect(place(rig, "A1", "@rack=x"), "a.1.2");
}

/* An update of an attempt before the last one that comes again changes nothing. */
static void a_repeated_end_is_acknowledged_only(void **state)
{
    struct rig *rig = running(state, "tries 3 backoff 0");
    fails(rig, 1);
    rig_show(rig, SHOW_RECORDS | SHOW_CALLS);
    expect(fails(rig, 1), "CALL ACKNOWLEDGE a.1.1 A1 u\n");
    place(rig, "A1", "");
    expect(fails(rig, 1), "CALL ACKNOWLEDGE a.1.1 A1 u\n");
    expect(look_states(rig, "a"), "LAUNCHING | FAILED | LAUNCHING");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(without_a_policy_there_is_one_attempt),
            TEST(an_outcome_that_is_named),
            TEST(an_outcome_that_is_not_named),
            TEST(none_named_is_failed_and_gone),
            TEST(as_many_attempts_as_asked_for),
            TEST(a_hundred_attempts),
            TEST(the_backoff_doubles_up_to_its_maximum),
            TEST(attempts_that_never_ran_do_not_count),
            TEST(a_kill_in_the_backoff_ends_it_at_once),
            TEST(a_task_that_is_to_be_killed_is_never_tried_again),
            TEST(an_error_is_never_tried_again),
            TEST(a_restart_in_the_backoff),
            TEST(a_restart_with_a_clock_that_went_back),
            TEST(a_restart_with_a_clock_that_went_forward),
            TEST(a_clock_that_jumps_in_the_backoff),
            TEST(the_message_names_the_attempt_and_its_end),
            TEST(one_task_with_its_states_in_order),
            TEST(unique_values_are_given_back),
            TEST(a_repeated_end_is_acknowledged_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
