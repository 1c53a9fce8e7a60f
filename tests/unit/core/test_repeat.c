/* PROTOCOL "When may a launch be repeated by itself?", line by line. Each test is one line of that table,
 * under P and, where it matters, with each part of P missing. */
#include "rig.h"

#include <string.h>

#define AGAIN "QUEUED" /* the task waits, to be launched again */

/* The task `a` is LAUNCHING on A1; the ACCEPT is not answered yet. */
static struct rig *with_launch(void (*change)(struct core_config *config))
{
    struct rig *rig = rig_create(change);
    in_up(rig);
    in_launch(rig, "a");
    in_offers(rig, "o1 A1 cpus 1");
    return rig;
}

/* As above with the ACCEPT answered 202. */
static struct rig *launched(void)
{
    struct rig *rig = with_launch(NULL);
    in_answer(rig, "o1", CORE_ACCEPTED, "");
    return rig;
}

#define ABSENT "a.1.1 GONE by MASTER because RECONCILIATION"

static void intent_written_accept_certainly_not(void **state)
{
    struct rig *rig = *state = with_launch(NULL);
    expect(in_answer(rig, "o1", CORE_NOT_DONE, ""),
            "RECORD attempt 1.1 GONE on A1 \"the ACCEPT was not sent\"\n"
            "RECORD task a QUEUED rev 3 \"the ACCEPT was not sent\"\n"
            "EVENT task/a/QUEUED #3 rev 3\n");
    rig_show(rig, SHOW_CALLS); /* at once, as another attempt */
    expect(in_offers(rig, "o2 A1 cpus 1"), "CALL ACCEPT o2 [a.1.2 cpus 1]\n");
}

static void dropped_by_the_master(void **state)
{
    static const char *const reasons[] = {"INVALID_OFFERS", "AGENT_REMOVED", "AGENT_DISCONNECTED"};
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        struct rig *rig = *state = launched();
        rig_show(rig, SHOW_RECORDS);
        expect(in_update(rig, words(rig, "a.1.1 DROPPED by MASTER because %s", reasons[i])),
                words(rig, "RECORD attempt 1.1 LAUNCHING on A1 REASON_%s\n", reasons[i]));
        rig_show(rig, SHOW_RECORDS); /* the same again is no news */
        expect(in_update(rig, words(rig, "a.1.1 DROPPED by MASTER because %s", reasons[i])), "");
        expect_state(rig, "a", "LAUNCHING"); /* not yet: RECONCILE must say GONE */
        rig_show(rig, SHOW_CALLS);
        assert_non_null(strstr(in_wait(rig, 1000), "CALL RECONCILE a.1.1@A1\n"));
        in_update(rig, ABSENT);
        expect_state(rig, "a", AGAIN);
        rig_show(rig, SHOW_CALLS);
        in_wait(rig, 2000);
        expect(in_offers(rig, "o2 A1 cpus 1"), "CALL ACCEPT o2 [a.1.2 cpus 1]\n");
        rig_destroy(rig);
    }
    *state = NULL;
}

static void dropped_by_the_master_of_a_task_that_ran(void **state)
{
    struct rig *rig = *state = launched();
    in_update(rig, "a.1.1 RUNNING by AGENT uuid u");
    in_update(rig, "a.1.1 DROPPED by MASTER because INVALID_OFFERS");
    expect_state(rig, "a", "RUNNING");
    in_wait(rig, 1000);
    in_update(rig, ABSENT);
    expect_state(rig, "a", "GONE");
}

static void dropped_by_the_agent_before_anything_started(void **state)
{
    static const char *const reasons[] = {"INVALID_OFFERS", "RESOURCES_UNKNOWN", "GC_ERROR", "AGENT_DRAINING",
            "AGENT_RESTARTED", "EXECUTOR_TERMINATED"};
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        struct rig *rig = *state = launched();
        in_update(rig, words(rig, "a.1.1 DROPPED by AGENT uuid u because %s", reasons[i]));
        expect_state(rig, "a", AGAIN);
        rig_destroy(rig);
        rig = *state = launched();
        in_kill(rig, "a"); /* not after our KILL */
        in_update(rig, words(rig, "a.1.1 DROPPED by AGENT uuid u because %s", reasons[i]));
        expect_state(rig, "a", "KILLED");
        rig_destroy(rig);
    }
    *state = NULL;
}

/* Counted, with backoff: 1, 2, 4 ... 60 s. */
static void again_with_backoff(void **state)
{
    static const int64_t pauses[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    struct rig *rig = *state = launched();
    for (uint32_t i = 0; i < sizeof pauses / sizeof *pauses; i++) {
        in_update(rig, words(rig, "a.1.%u DROPPED by AGENT uuid u because GC_ERROR", i + 1));
        expect_state(rig, "a", AGAIN);
        in_wait(rig, pauses[i] - 1);
        rig_show(rig, SHOW_RECORDS);
        expect(in_offers(rig, words(rig, "x%u A1 cpus 1", i)), ""); /* declined */
        in_wait(rig, 1);
        rig_show(rig, SHOW_CALLS);
        expect(in_offers(rig, words(rig, "y%u A1 cpus 1", i)),
                words(rig, "CALL ACCEPT y%u [a.1.%u cpus 1]\n", i, i + 2));
    }
}

static void a_backoff_outlives_a_restart(void **state)
{
    struct rig *rig = *state = launched();
    in_update(rig, "a.1.1 DROPPED by AGENT uuid u because GC_ERROR");
    rig_restart(rig);
    in_up(rig);
    rig_show(rig, SHOW_RECORDS);
    in_wait(rig, 999);
    expect(in_offers(rig, "o2 A1 cpus 1"), "");
    in_wait(rig, 1);
    rig_show(rig, SHOW_CALLS);
    expect(in_offers(rig, "o3 A1 cpus 1"), "CALL ACCEPT o3 [a.1.2 cpus 1]\n");
}

/* The wall clock jumped back over the restart: the pause is still at most the longest. */
static void a_backoff_does_not_wait_for_a_clock(void **state)
{
    struct rig *rig = *state = launched();
    in_update(rig, "a.1.1 DROPPED by AGENT uuid u because GC_ERROR");
    rig->now.wall_ns -= (int64_t)30 * 24 * 3600 * 1000000000;
    rig_restart(rig);
    in_up(rig);
    in_wait(rig, 60000);
    expect(place(rig, "A1", ""), "a.1.2");
}

/* ---- GONE; RECONCILIATION; master -------------------------------------------------------------------- */

static void gone_under_p(void **state)
{
    struct rig *rig = *state = launched();
    in_ask(rig);
    in_update(rig, ABSENT);
    expect_state(rig, "a", AGAIN);
}

static void gone_under_p_when_staging_was_seen(void **state)
{
    struct rig *rig = *state = launched();
    in_update(rig, "a.1.1 STAGING by MASTER because RECONCILIATION");
    in_ask(rig);
    in_update(rig, ABSENT);
    expect_state(rig, "a", AGAIN);
}

/* P: the 202 did not come, but a later SUBSCRIBED did, and the RECONCILE went after that. */
static void gone_under_p_after_an_accept_that_was_not_answered(void **state)
{
    struct rig *rig = *state = with_launch(NULL);
    in_answer(rig, "o1", CORE_UNANSWERED, "");
    expect_state(rig, "a", "LAUNCHING");
    in_down(rig, "fenced");
    rig_show(rig, SHOW_CALLS);
    expect(in_up(rig), "CALL RECONCILE a.1.1@A1\n");
    in_update(rig, ABSENT);
    expect_state(rig, "a", AGAIN);
}

static void gone_under_p_after_a_restart(void **state)
{
    struct rig *rig = *state = with_launch(NULL);
    rig_restart(rig);
    expect_state(rig, "a", "LAUNCHING");
    rig_show(rig, SHOW_CALLS);
    expect(in_up(rig), "CALL RECONCILE a.1.1@A1\n");
    in_update(rig, ABSENT);
    expect_state(rig, "a", AGAIN);
}

/* Not P: nobody asked since the ACCEPT. The answer may be to a question from before. */
static void gone_without_a_question(void **state)
{
    struct rig *rig = *state = launched();
    in_update(rig, ABSENT);
    expect_state(rig, "a", "GONE");
}

/* Not P yet: the ACCEPT is on its way. Asked again once it was answered. */
/* The master knows the task, as one that its agent called gone: it may have run. */
static void gone_as_the_latest_state(void **state)
{
    struct rig *rig = *state = launched();
    in_ask(rig);
    in_update(rig, ABSENT " : Reconciliation: Latest task state");
    expect_state(rig, "a", "GONE");
}

static void gone_before_the_accept_was_answered(void **state)
{
    struct rig *rig = *state = with_launch(NULL);
    in_ask(rig);
    in_update(rig, ABSENT);
    expect_state(rig, "a", "LAUNCHING");
    in_answer(rig, "o1", CORE_ACCEPTED, "");
    in_wait(rig, 10000);
    in_update(rig, ABSENT);
    expect_state(rig, "a", AGAIN);
}

static void gone_after_any_news_but_staging(void **state)
{
    static const char *const news[] = {"STARTING by AGENT uuid u", "RUNNING by AGENT uuid u",
            "KILLING by AGENT uuid u", "UNREACHABLE by MASTER", "UNKNOWN by MASTER because RECONCILIATION",
            "LOST by MASTER", "GONE_BY_OPERATOR by MASTER",
            "ERROR by MASTER because TASK_INVALID : Task has duplicate ID"};
    for (size_t i = 0; i < sizeof news / sizeof *news; i++) {
        struct rig *rig = *state = launched();
        in_update(rig, words(rig, "a.1.1 %s", news[i]));
        in_ask(rig);
        in_update(rig, ABSENT);
        expect_state(rig, "a", "GONE");
        rig_destroy(rig);
        /* What was heard is known after a restart too. */
        rig = *state = launched();
        in_update(rig, words(rig, "a.1.1 %s", news[i]));
        rig_restart(rig);
        in_up(rig);
        in_update(rig, "a.1.1 STAGING by MASTER because RECONCILIATION");
        in_ask(rig);
        in_update(rig, ABSENT);
        expect_state(rig, "a", "GONE");
        rig_destroy(rig);
    }
    *state = NULL;
}

/* DROPPED by the master counts as no news of a run: its line says so. */
static void unreachable_then_dropped_by_the_agent(void **state)
{
    struct rig *rig = *state = launched();
    in_update(rig, "a.1.1 UNREACHABLE by MASTER");
    in_update(rig, "a.1.1 DROPPED by AGENT uuid u because AGENT_RESTARTED");
    expect_state(rig, "a", AGAIN); /* the agent's own word that nothing was started */
}

static void no_checkpoint(struct core_config *config)
{
    config->checkpoint = false;
}

static void gone_without_checkpoint(void **state)
{
    struct rig *rig = *state = with_launch(no_checkpoint);
    in_answer(rig, "o1", CORE_ACCEPTED, "");
    in_ask(rig);
    in_update(rig, ABSENT);
    expect_state(rig, "a", "GONE");
}

static void ten_minutes(struct core_config *config)
{
    config->failover_timeout_ms = 600000;
}

static void gone_after_we_were_away_for_too_long(void **state)
{
    /* Away for as long as allowed, the last word's way of 75 s at most taken off: P holds. */
    struct rig *rig = *state = with_launch(ten_minutes);
    in_answer(rig, "o1", CORE_ACCEPTED, "");
    in_down(rig, "gone");
    in_wait(rig, 525000);
    in_up(rig);
    in_update(rig, ABSENT);
    expect_state(rig, "a", AGAIN);
    rig_destroy(rig);
    /* A millisecond more: it does not, and a restart does not make one forget it. */
    rig = *state = with_launch(ten_minutes);
    in_answer(rig, "o1", CORE_ACCEPTED, "");
    in_down(rig, "gone");
    in_wait(rig, 525001);
    rig_show(rig, SHOW_RECORDS);
    expect(in_up(rig), "RECORD attempt 1.1 LAUNCHING on A1\nRECORD alive_ns\n");
    in_down(rig, "gone");
    in_wait(rig, 525001);
    expect(in_up(rig), "RECORD alive_ns\n"); /* it is written once */
    rig_restart(rig);
    in_up(rig);
    in_update(rig, ABSENT);
    expect_state(rig, "a", "GONE");
}

/* The master may have been gone for long when we notice: the time away counts from its last word. */
static void gone_after_a_long_silence(void **state)
{
    struct rig *rig = *state = with_launch(ten_minutes);
    in_answer(rig, "o1", CORE_ACCEPTED, "");
    in_wait(rig, 525001);
    in_down(rig, "silent");
    in_up(rig);
    in_update(rig, ABSENT);
    expect_state(rig, "a", "GONE");
}

/* The process died: the time away counts from the last time written, which is at most a minute old. */
static void gone_after_the_process_was_away_for_too_long(void **state)
{
    struct rig *rig = *state = with_launch(ten_minutes);
    in_answer(rig, "o1", CORE_ACCEPTED, "");
    in_wait(rig, 59000);
    in_offers(rig, "o9 A9 cpus 1");
    rig->now.mono_ms += 600001;
    rig->now.wall_ns += (int64_t)600001 * 1000000;
    rig_restart(rig);
    in_up(rig);
    in_update(rig, ABSENT);
    expect_state(rig, "a", "GONE");
}

/* A clock that went back proves nothing. */
static void gone_after_the_clock_went_back(void **state)
{
    struct rig *rig = *state = launched();
    in_down(rig, "gone");
    rig->now.wall_ns -= 1000000000;
    in_up(rig);
    in_update(rig, ABSENT);
    expect_state(rig, "a", "GONE");
}

/* ---- the other lines --------------------------------------------------------------------------------- */

static void dropped_because_of_reconciliation_by_the_agent(void **state)
{
    struct rig *rig = *state = launched();
    in_update(rig, "a.1.1 DROPPED by AGENT uuid u because RECONCILIATION");
    expect_state(rig, "a", "GONE"); /* it may have run */
}

static void gone_from_the_agent_and_failed(void **state)
{
    struct rig *rig = *state = launched();
    in_update(rig, "a.1.1 GONE by AGENT uuid u");
    expect_state(rig, "a", "GONE");
    rig_destroy(rig);
    rig = *state = launched();
    in_update(rig, "a.1.1 FAILED by EXECUTOR uuid u");
    expect_state(rig, "a", "FAILED");
}

static void error_ends_it_with_the_masters_words(void **state)
{
    struct rig *rig = *state = launched();
    expect(in_update(rig, "a.1.1 ERROR by MASTER because TASK_INVALID : Task uses more than offered"),
            "RECORD attempt 1.1 ERROR on A1 \"Task uses more than offered\" REASON_TASK_INVALID\n"
            "RECORD task a ERROR rev 3 \"Task uses more than offered\" REASON_TASK_INVALID\n"
            "EVENT task/a/ERROR #3 rev 3\n"
            "EVENT mesos/UPDATE/a/1 #1 rev 3\n");
}

static void error_about_a_duplicate_id_means_reconcile(void **state)
{
    static const char *const says[] = {"Task has duplicate ID: a.1.1", "Task reuses the ID of a.1.1"};
    for (size_t i = 0; i < 2; i++) {
        struct rig *rig = *state = launched();
        in_wait(rig, 3000);
        in_update(rig, words(rig, "a.1.1 ERROR by MASTER because TASK_INVALID : %s", says[i]));
        expect_state(rig, "a", "LAUNCHING");
        assert_int_equal(rig->call_counts[MESOS__V1__SCHEDULER__CALL__TYPE__RECONCILE], 1); /* implicit */
        in_wait(rig, 1000);
        assert_int_equal(rig->call_counts[MESOS__V1__SCHEDULER__CALL__TYPE__RECONCILE], 2);
        rig_destroy(rig);
    }
    *state = NULL;
}

static void lost_and_gone_by_operator(void **state)
{
    static const char *const news[] = {"LOST", "GONE_BY_OPERATOR"};
    for (size_t i = 0; i < 2; i++) {
        struct rig *rig = *state = launched();
        in_update(rig, words(rig, "a.1.1 %s by MASTER", news[i]));
        expect_state(rig, "a", "LOST");
        in_wait(rig, 3600000);
        expect_state(rig, "a", "LOST");
        rig_destroy(rig);
    }
    *state = NULL;
}

static void unreachable_and_unknown(void **state)
{
    static const char *const news[] = {"UNREACHABLE", "UNKNOWN"};
    for (size_t i = 0; i < 2; i++) {
        struct rig *rig = *state = launched();
        in_update(rig, words(rig, "a.1.1 %s by MASTER because RECONCILIATION", news[i]));
        expect_state(rig, "a", news[i]);
        in_wait(rig, 3600000); /* asked about again, never launched again */
        expect_state(rig, "a", news[i]);
        rig_destroy(rig);
    }
    *state = NULL;
}

static void no_answer(void **state)
{
    struct rig *rig = *state = launched();
    in_ask(rig);
    in_wait(rig, 3600000);
    expect_state(rig, "a", "LAUNCHING");
    assert_int_equal(rig->call_counts[MESOS__V1__SCHEDULER__CALL__TYPE__ACCEPT], 1);
    assert_true(rig->call_counts[MESOS__V1__SCHEDULER__CALL__TYPE__RECONCILE] >= 60);
}

static void staging_to_running_is_ours(void **state)
{
    struct rig *rig = *state = with_launch(NULL);
    rig_restart(rig);
    in_up(rig);
    in_update(rig, "a.1.1 RUNNING by MASTER because RECONCILIATION");
    expect_state(rig, "a", "RUNNING");
}

static void over_is_ignored_and_what_returns_alive_is_killed(void **state)
{
    static const char *const ends[] = {"ERROR by MASTER", "GONE by AGENT uuid u"};
    for (size_t i = 0; i < 2; i++) {
        struct rig *rig = *state = launched();
        in_update(rig, words(rig, "a.1.1 %s", ends[i]));
        rig_show(rig, SHOW_RECORDS | SHOW_CALLS);
        expect(in_update(rig, "a.1.1 UNREACHABLE by MASTER"), "");
        expect(in_update(rig, "a.1.1 RUNNING by MASTER"), "CALL KILL a.1.1 A1\n");
        expect(in_update(rig, "a.1.1 RUNNING by MASTER"), ""); /* repeated until it is over, no faster */
        assert_true(has_line(in_wait(rig, 5000), "CALL KILL a.1.1 A1"));
        expect(in_update(rig, "a.1.1 FINISHED by AGENT uuid v"), "CALL ACKNOWLEDGE a.1.1 A1 v\n");
        rig_destroy(rig);
    }
    *state = NULL;
}

/* A held-back older update of a task whose end was heard of first is no return. */
static void old_news_of_a_finished_task_is_ignored(void **state)
{
    struct rig *rig = *state = launched();
    in_update(rig, "a.1.1 FINISHED by MASTER because RECONCILIATION");
    rig_show(rig, SHOW_RECORDS | SHOW_CALLS);
    expect(in_update(rig, "a.1.1 RUNNING by AGENT uuid u"), "CALL ACKNOWLEDGE a.1.1 A1 u\n");
    expect(in_update(rig, "a.1.1 FINISHED by AGENT uuid v"), "CALL ACKNOWLEDGE a.1.1 A1 v\n");
}

/* An attempt that was given up for another one, alive after all. */
static void an_older_attempt_that_is_alive_is_killed(void **state)
{
    struct rig *rig = *state = launched();
    in_update(rig, "a.1.1 DROPPED by AGENT uuid u because GC_ERROR");
    in_wait(rig, 1000);
    in_offers(rig, "o2 A2 cpus 1");
    rig_show(rig, SHOW_RECORDS | SHOW_CALLS);
    expect(in_update(rig, "a.1.1 RUNNING by AGENT uuid v"),
            "CALL KILL a.1.1 A1\nCALL ACKNOWLEDGE a.1.1 A1 v\n");
    expect(in_update(rig, "a.1.1 KILLED by AGENT uuid w"), "CALL ACKNOWLEDGE a.1.1 A1 w\n");
    expect_state(rig, "a", "LAUNCHING");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(intent_written_accept_certainly_not),
            TEST(dropped_by_the_master),
            TEST(dropped_by_the_master_of_a_task_that_ran),
            TEST(dropped_by_the_agent_before_anything_started),
            TEST(again_with_backoff),
            TEST(a_backoff_outlives_a_restart),
            TEST(a_backoff_does_not_wait_for_a_clock),
            TEST(gone_under_p),
            TEST(gone_under_p_when_staging_was_seen),
            TEST(gone_under_p_after_an_accept_that_was_not_answered),
            TEST(gone_under_p_after_a_restart),
            TEST(gone_without_a_question),
            TEST(gone_as_the_latest_state),
            TEST(gone_before_the_accept_was_answered),
            TEST(gone_after_any_news_but_staging),
            TEST(unreachable_then_dropped_by_the_agent),
            TEST(gone_without_checkpoint),
            TEST(gone_after_we_were_away_for_too_long),
            TEST(gone_after_a_long_silence),
            TEST(gone_after_the_process_was_away_for_too_long),
            TEST(gone_after_the_clock_went_back),
            TEST(dropped_because_of_reconciliation_by_the_agent),
            TEST(gone_from_the_agent_and_failed),
            TEST(error_ends_it_with_the_masters_words),
            TEST(error_about_a_duplicate_id_means_reconcile),
            TEST(lost_and_gone_by_operator),
            TEST(unreachable_and_unknown),
            TEST(no_answer),
            TEST(staging_to_running_is_ours),
            TEST(over_is_ignored_and_what_returns_alive_is_killed),
            TEST(old_news_of_a_finished_task_is_ignored),
            TEST(an_older_attempt_that_is_alive_is_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
