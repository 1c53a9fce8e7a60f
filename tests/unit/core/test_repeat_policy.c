/* PROTOCOL "When may a launch be repeated by itself?", line by line, of tasks that have a retry policy. Where
 * a line says "yes", the attempt is made again whatever the policy says, and does not count; where it says
 * "by policy", only an outcome that is named brings another attempt, and it counts. test_repeat.c has the
 * lines without a policy. */
#include "rig.h"

#include <string.h>

#define ALL "FAILED,FINISHED,KILLED,LAUNCH_TIMEOUT,GONE,LOST,UNREACHABLE,UNKNOWN"

/* The task `a` LAUNCHING on A1; its ACCEPT, of offer o1, is not answered. */
static struct rig *with_launch(void **state, void (*change)(struct core_config *config), const char *policy)
{
    struct rig *rig = rig_up(state, change);
    in_launch(rig, words(rig, "a backoff 0 %s", policy));
    in_offers(rig, "o1 A1 cpus 1");
    return rig;
}

static struct rig *launched(void **state, const char *policy)
{
    struct rig *rig = with_launch(state, NULL, policy);
    in_answer(rig, "o1", CORE_ACCEPTED, "");
    return rig;
}

/* The attempt was made again and did not count: with a policy of one attempt there is another one, and that
 * one, when it fails, is the last. */
static void expect_made_again(struct rig *rig)
{
    expect_state(rig, "a", "QUEUED");
    in_wait(rig, 60000);
    expect(place(rig, "A1", ""), "a.1.2");
    in_update(rig, "a.1.2 RUNNING by AGENT uuid u");
    in_update(rig, "a.1.2 FAILED by AGENT uuid v");
    expect(look_states(rig, "a"), "FAILED | GONE | FAILED");
}

static const char *const lone[] = {"", "tries 1 on " ALL};
#define LONE (sizeof lone / sizeof *lone)

/* The attempt counted: there is one more, and no third. */
static void expect_counted(struct rig *rig, const char *first)
{
    expect(look_states(rig, "a"), words(rig, "QUEUED | %s", first));
    expect(place(rig, "A1", ""), "a.1.2");
    in_update(rig, "a.1.2 RUNNING by AGENT uuid u");
    in_update(rig, "a.1.2 GONE by AGENT uuid v");
    expect(look_states(rig, "a"), words(rig, "GONE | %s | GONE", first));
    in_wait(rig, 3600000);
    expect(place(rig, "A1", ""), "");
}

#define ABSENT "a.1.1 GONE by MASTER because RECONCILIATION"

/* ---- yes --------------------------------------------------------------------------------------------- */

static void intent_written_accept_certainly_not(void **state)
{
    for (size_t i = 0; i < LONE; i++) {
        struct rig *rig = with_launch(state, NULL, lone[i]);
        in_answer(rig, "o1", CORE_NOT_DONE, "");
        expect_made_again(rig);
        rig_destroy(rig);
    }
    *state = NULL;
}

static void dropped_by_the_master(void **state)
{
    static const char *const reasons[] = {"INVALID_OFFERS", "AGENT_REMOVED", "AGENT_DISCONNECTED"};
    for (size_t r = 0; r < 3; r++) {
        for (size_t i = 0; i < LONE; i++) {
            struct rig *rig = launched(state, lone[i]);
            in_update(rig, words(rig, "a.1.1 DROPPED by MASTER because %s", reasons[r]));
            expect_state(rig, "a", "LAUNCHING");
            in_wait(rig, 1000);
            in_update(rig, ABSENT);
            expect_made_again(rig);
            rig_destroy(rig);
        }
        /* Without P it is over, and the policy says what follows. */
        struct rig *rig = launched(state, "tries 2 on GONE");
        in_update(rig, "a.1.1 UNREACHABLE by MASTER");
        in_update(rig, words(rig, "a.1.1 DROPPED by MASTER because %s", reasons[r]));
        in_wait(rig, 1000);
        in_update(rig, ABSENT);
        expect_counted(rig, "GONE");
        rig_destroy(rig);
    }
    *state = NULL;
}

static void dropped_by_the_agent_before_anything_started(void **state)
{
    static const char *const reasons[] = {"INVALID_OFFERS", "RESOURCES_UNKNOWN", "GC_ERROR", "AGENT_DRAINING",
            "AGENT_RESTARTED", "EXECUTOR_TERMINATED"};
    for (size_t r = 0; r < sizeof reasons / sizeof *reasons; r++) {
        for (size_t i = 0; i < LONE; i++) {
            struct rig *rig = launched(state, lone[i]);
            in_update(rig, words(rig, "a.1.1 DROPPED by AGENT uuid u because %s", reasons[r]));
            expect_made_again(rig);
            rig_destroy(rig);
        }
        struct rig *rig = launched(state, "tries 9 on " ALL); /* not after our KILL */
        in_kill(rig, "a");
        in_update(rig, words(rig, "a.1.1 DROPPED by AGENT uuid u because %s", reasons[r]));
        expect_state(rig, "a", "KILLED");
        rig_destroy(rig);
    }
    *state = NULL;
}

/* ---- GONE; RECONCILIATION; master: P, whole and with each part of it missing -------------------------- */

static void gone_under_p(void **state)
{
    for (size_t i = 0; i < LONE; i++) {
        struct rig *rig = launched(state, lone[i]);
        in_ask(rig);
        in_update(rig, ABSENT);
        expect_made_again(rig);
        rig_destroy(rig);
        rig = with_launch(state, NULL, lone[i]); /* its 202 did not come, a later SUBSCRIBED did */
        in_answer(rig, "o1", CORE_UNANSWERED, "");
        in_down(rig, "fenced");
        in_up(rig);
        in_update(rig, ABSENT);
        expect_made_again(rig);
        rig_destroy(rig);
    }
    *state = NULL;
}

static void no_checkpoint(struct core_config *config)
{
    config->checkpoint = false;
}

static void ten_minutes(struct core_config *config)
{
    config->failover_timeout_ms = 600000;
}

/* What breaks P; each leaves `a` with its one attempt, alive as far as we know, and was asked about. */
static void not_asked(struct rig *rig)
{
    (void)rig;
}

static void away_for_long(struct rig *rig)
{
    in_down(rig, "gone");
    in_wait(rig, 525001);
    in_up(rig);
}

static void was_seen(struct rig *rig)
{
    in_update(rig, "a.1.1 RUNNING by AGENT uuid u");
    in_ask(rig);
}

static void was_seen_in_another_run(struct rig *rig)
{
    in_update(rig, "a.1.1 STARTING by AGENT uuid u");
    rig_restart(rig);
    in_up(rig);
    in_update(rig, "a.1.1 STAGING by MASTER because RECONCILIATION");
    in_ask(rig);
}

static void was_cut_off(struct rig *rig)
{
    in_update(rig, "a.1.1 UNREACHABLE by MASTER");
    in_ask(rig);
}

static void was_unknown(struct rig *rig)
{
    in_update(rig, "a.1.1 UNKNOWN by MASTER because RECONCILIATION");
    in_ask(rig);
}

static void just_asked(struct rig *rig)
{
    in_ask(rig);
}

static const struct {
    void (*change)(struct core_config *config);
    void (*breaks)(struct rig *rig);
} broken[] = {
        {NULL, not_asked}, /* no RECONCILE was sent after the ACCEPT */
        {NULL, was_seen},
        {NULL, was_seen_in_another_run},
        {NULL, was_cut_off},
        {NULL, was_unknown},
        {no_checkpoint, just_asked},
        {ten_minutes, away_for_long},
};
#define BROKEN (sizeof broken / sizeof *broken)

static struct rig *without_p(void **state, size_t i, const char *policy)
{
    struct rig *rig = with_launch(state, broken[i].change, policy);
    in_answer(rig, "o1", CORE_ACCEPTED, "");
    broken[i].breaks(rig);
    in_update(rig, ABSENT);
    return rig;
}

static void gone_without_p_is_over_as_lost(void **state)
{
    static const char *const policies[] = {
            "", "tries 1", "tries 9 on FAILED,FINISHED,KILLED,LAUNCH_TIMEOUT,LOST,UNREACHABLE,UNKNOWN"};
    for (size_t i = 0; i < 3 * BROKEN; i++) {
        struct rig *rig = without_p(state, i / 3, policies[i % 3]);
        expect(look_states(rig, "a"), "GONE | GONE");
        in_wait(rig, 3600000);
        expect(place(rig, "A1", ""), "");
        rig_destroy(rig);
    }
    *state = NULL;
}

static void gone_without_p_by_policy(void **state)
{
    static const char *const policies[] = {"tries 2", "tries 2 on GONE"};
    for (size_t i = 0; i < 2 * BROKEN; i++) {
        struct rig *rig = without_p(state, i / 2, policies[i % 2]);
        expect_counted(rig, "GONE");
        rig_destroy(rig);
    }
    *state = NULL;
}

/* The ACCEPT is on its way still: no answer means anything yet. */
static void gone_before_the_202(void **state)
{
    struct rig *rig = with_launch(state, NULL, "tries 9 on " ALL);
    in_ask(rig);
    in_update(rig, ABSENT);
    expect_state(rig, "a", "LAUNCHING");
}

/* ---- by policy --------------------------------------------------------------------------------------- */

static void dropped_because_of_reconciliation_by_the_agent(void **state)
{
    struct rig *rig = launched(state, "tries 2 on GONE");
    in_update(rig, "a.1.1 DROPPED by AGENT uuid u because RECONCILIATION");
    expect_counted(rig, "GONE");
    rig_destroy(rig);
    rig = launched(state, "tries 2 on FAILED");
    in_update(rig, "a.1.1 DROPPED by AGENT uuid u because RECONCILIATION");
    expect_state(rig, "a", "GONE");
}

static void gone_from_the_agent_and_failed(void **state)
{
    static const char *const news[] = {"GONE", "FAILED"};
    for (size_t i = 0; i < 2; i++) {
        struct rig *rig = launched(state, i ? "tries 2 on FAILED" : "tries 2 on GONE");
        in_update(rig, words(rig, "a.1.1 %s by AGENT uuid u", news[i]));
        expect_state(rig, "a", "QUEUED");
        rig_destroy(rig);
        rig = launched(state, i ? "tries 2 on GONE" : "tries 2 on FAILED");
        in_update(rig, words(rig, "a.1.1 %s by AGENT uuid u", news[i]));
        expect_state(rig, "a", news[i]);
        rig_destroy(rig);
    }
    *state = NULL;
}

static void error(void **state)
{
    struct rig *rig = launched(state, "tries 9 on " ALL);
    in_update(rig, "a.1.1 ERROR by MASTER because TASK_INVALID : Task uses more than offered");
    expect(look_states(rig, "a"), "ERROR | ERROR");
    rig_destroy(rig);
    rig = launched(state, "tries 9 on " ALL);
    in_update(rig, "a.1.1 ERROR by MASTER because TASK_INVALID : Task has duplicate ID: a.1.1");
    expect_state(rig, "a", "LAUNCHING");
    in_wait(rig, 1000);
    in_update(rig, ABSENT); /* its id is in use: that it is absent proves nothing */
    expect(look_states(rig, "a"), "QUEUED | GONE");
    expect_words(rig, "a", "attempt 1", "GONE");
}

/* ---- opt-in, after a delay --------------------------------------------------------------------------- */

static void lost_gone_by_operator_unreachable_unknown(void **state)
{
    static const struct {
        const char *news, *named, *others;
    } cases[] = {{"LOST by MASTER", "tries 2 replace 60000 on LOST",
                         "tries 2 replace 60000 on UNREACHABLE,UNKNOWN"},
            {"GONE_BY_OPERATOR by MASTER", "tries 2 replace 60000 on LOST", "tries 2 replace 60000"},
            {"UNREACHABLE by MASTER because RECONCILIATION", "tries 2 replace 60000 on UNREACHABLE",
                    "tries 2 replace 60000 on LOST,UNKNOWN"},
            {"UNKNOWN by MASTER because RECONCILIATION", "tries 2 replace 60000 on UNKNOWN",
                    "tries 2 replace 60000 on LOST,UNREACHABLE"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig *rig = launched(state, cases[i].named);
        in_update(rig, words(rig, "a.1.1 %s", cases[i].news));
        expect(place_after(rig, 60000, "A2"), "a.1.2");
        rig_destroy(rig);
        rig = launched(state, cases[i].others);
        in_update(rig, words(rig, "a.1.1 %s", cases[i].news));
        in_wait(rig, 3600000);
        expect(place(rig, "A2", ""), "");
        rig_destroy(rig);
    }
    *state = NULL;
}

/* UNKNOWN is never a proof: asked about again, and again. */
static void unknown_is_asked_about(void **state)
{
    struct rig *rig = launched(state, "tries 9 on FAILED,GONE,LOST timeout 0");
    in_update(rig, "a.1.1 UNKNOWN by MASTER because RECONCILIATION");
    size_t asked = rig->CALLS(RECONCILE);
    in_wait(rig, 3600000);
    expect_state(rig, "a", "UNKNOWN");
    assert_true(rig->CALLS(RECONCILE) >= asked + 4);
}

static void no_answer(void **state)
{
    struct rig *rig = launched(state, "tries 9 timeout 0 on " ALL " replace 1000");
    in_ask(rig);
    in_wait(rig, 3600000);
    expect(look_states(rig, "a"), "LAUNCHING | LAUNCHING");
    expect(place(rig, "A1", ""), "");
}

static void staging_for_too_long(void **state)
{
    struct rig *rig = launched(state, "tries 2 timeout 60000");
    in_update(rig, "a.1.1 STAGING by MASTER");
    rig_show(rig, SHOW_CALLS);
    assert_true(has_line(in_wait(rig, 60000), "CALL KILL a.1.1 A1"));
    in_wait(rig, 3600000);
    expect_state(rig, "a", "STAGING"); /* when it is over, not before */
    expect(place(rig, "A2", ""), "");
    in_update(rig, "a.1.1 KILLED by AGENT uuid u");
    expect(place(rig, "A2", ""), "a.1.2");
}

static void staging_to_running(void **state)
{
    struct rig *rig = with_launch(state, NULL, "tries 9 on " ALL);
    rig_restart(rig);
    in_up(rig);
    in_update(rig, "a.1.1 RUNNING by MASTER because RECONCILIATION");
    expect(look_states(rig, "a"), "RUNNING | RUNNING");
}

static void over_is_ignored_and_what_returns_alive_is_killed(void **state)
{
    struct rig *rig = launched(state, "tries 2");
    in_update(rig, "a.1.1 GONE by AGENT uuid u");
    expect(place(rig, "A2", ""), "a.1.2");
    in_update(rig, "a.1.2 RUNNING by AGENT uuid u on A2");
    rig_show(rig, SHOW_RECORDS | SHOW_CALLS);
    expect(in_update(rig, "a.1.1 UNREACHABLE by MASTER"), "");
    expect(in_update(rig, "a.1.1 RUNNING by AGENT uuid v"),
            "CALL KILL a.1.1 A1\nCALL ACKNOWLEDGE a.1.1 A1 v\n");
    expect(look_states(rig, "a"), "RUNNING | GONE | RUNNING");
    assert_true(has_line(in_wait(rig, 5000), "CALL KILL a.1.1 A1"));
    expect(in_update(rig, "a.1.1 FINISHED by AGENT uuid w"), "CALL ACKNOWLEDGE a.1.1 A1 w\n");
    expect(look_states(rig, "a"), "RUNNING | GONE | RUNNING");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(intent_written_accept_certainly_not),
            TEST(dropped_by_the_master),
            TEST(dropped_by_the_agent_before_anything_started),
            TEST(gone_under_p),
            TEST(gone_without_p_is_over_as_lost),
            TEST(gone_without_p_by_policy),
            TEST(gone_before_the_202),
            TEST(dropped_because_of_reconciliation_by_the_agent),
            TEST(gone_from_the_agent_and_failed),
            TEST(error),
            TEST(lost_gone_by_operator_unreachable_unknown),
            TEST(unknown_is_asked_about),
            TEST(no_answer),
            TEST(staging_for_too_long),
            TEST(staging_to_running),
            TEST(over_is_ignored_and_what_returns_alive_is_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
