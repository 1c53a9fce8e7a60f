/* The table of attempt states, cell by cell, against rules that say the same in another way; and what a
 * status update is taken for (PROTOCOL "When may a launch be repeated by itself?"). */
#include "rig.h"

#include <stdio.h>

#include "state.h"

#define S(name) ZMESOS__V1__TASK_STATE__##name
#define M(name) MESOS__V1__TASK_STATE__TASK_##name
#define R(name) MESOS__V1__TASK_STATUS__REASON__REASON_##name

typedef Zmesos__V1__TaskState task_state;

static const task_state all_states[] = {S(QUEUED), S(LAUNCHING), S(STAGING), S(STARTING), S(RUNNING),
        S(KILLING), S(UNREACHABLE), S(UNKNOWN), S(FINISHED), S(FAILED), S(KILLED), S(ERROR), S(GONE),
        S(LOST)};
#define STATES (sizeof all_states / sizeof *all_states)

struct outcome {
    enum step step;
    task_state to; /* of STEP_MOVE */
};

static struct outcome move(task_state to)
{
    return (struct outcome){STEP_MOVE, to};
}

static struct outcome step(enum step step)
{
    return (struct outcome){step, 0};
}

/* How far a living task has come; 0 where that is not known. */
static int progress(task_state state)
{
    switch (state) {
    case S(STAGING):
        return 1;
    case S(STARTING):
        return 2;
    case S(RUNNING):
        return 3;
    case S(KILLING):
        return 4;
    default:
        return 0;
    }
}

/* The state that the news says the task is in, where it says one. */
static task_state told(enum news news)
{
    static const task_state states[NEWS_COUNT] = {[NEWS_STAGING] = S(STAGING),
            [NEWS_STARTING] = S(STARTING),
            [NEWS_RUNNING] = S(RUNNING),
            [NEWS_KILLING] = S(KILLING),
            [NEWS_FINISHED] = S(FINISHED),
            [NEWS_FAILED] = S(FAILED),
            [NEWS_KILLED] = S(KILLED),
            [NEWS_ERROR] = S(ERROR),
            [NEWS_GONE] = S(GONE),
            [NEWS_LOST] = S(LOST),
            [NEWS_UNREACHABLE] = S(UNREACHABLE),
            [NEWS_UNKNOWN] = S(UNKNOWN)};
    return states[news];
}

static bool tells_of_a_run(enum news news)
{
    return news == NEWS_FINISHED || news == NEWS_FAILED || news == NEWS_KILLED;
}

/* Over is over; but ERROR and GONE are our conclusion, and a task that contradicts it is killed. */
static struct outcome rule_over(task_state from, enum news news)
{
    bool alive = news == NEWS_STAGING || news == NEWS_STARTING || news == NEWS_RUNNING;
    return step(alive && (from == S(ERROR) || from == S(GONE)) ? STEP_KILL : STEP_STAY);
}

/* LOST is over only as far as anyone knows: it returns, or its real end is heard of. */
static struct outcome rule_lost(enum news news)
{
    if (news <= NEWS_KILLING || tells_of_a_run(news))
        return move(told(news));
    bool gone = news == NEWS_NEVER_RAN || news == NEWS_ABSENT || news == NEWS_GONE;
    return gone ? move(S(GONE)) : step(STEP_STAY);
}

static struct outcome rule_living(task_state from, enum news news)
{
    bool started = progress(from) >= progress(S(STARTING));
    switch (news) {
    case NEWS_STAGING:
    case NEWS_STARTING:
    case NEWS_RUNNING:
    case NEWS_KILLING: /* never back */
        return progress(told(news)) > progress(from) ? move(told(news)) : step(STEP_STAY);
    case NEWS_UNREACHABLE:
    case NEWS_UNKNOWN:
        return told(news) == from ? step(STEP_STAY) : move(told(news));
    case NEWS_DUPLICATE: /* of another launch: what of this one? */
        return step(STEP_ASK);
    case NEWS_REFUSED:
        return step(started ? STEP_ASK : STEP_PROVE);
    case NEWS_NEVER_RAN:
        return started ? move(S(GONE)) : step(STEP_NEVER_RAN);
    case NEWS_ABSENT:
        return started ? move(S(GONE)) : step(STEP_ABSENT);
    default:
        return move(told(news));
    }
}

static struct outcome rule(task_state from, enum news news)
{
    if (from == S(QUEUED) || news == NEWS_NONE)
        return step(STEP_IMPOSSIBLE); /* a task that waits has no attempt */
    if (from == S(LOST))
        return rule_lost(news);
    return state_is_over(from) ? rule_over(from, news) : rule_living(from, news);
}

static void every_cell_follows_the_rules(void **state)
{
    (void)state;
    size_t cells = 0;
    for (size_t i = 0; i < STATES; i++) {
        for (int news = 0; news <= (int)NEWS_COUNT; news++, cells++) {
            task_state untouched = S(QUEUED), to = untouched;
            struct outcome expected = rule(all_states[i], (enum news)news);
            enum step found = state_step(all_states[i], (enum news)news, &to);
            if (found != expected.step || (found == STEP_MOVE ? to != expected.to : to != untouched))
                fail_msg("state %d, news %d: step %d to %d, expected step %d to %d", (int)all_states[i], news,
                        (int)found, (int)to, (int)expected.step, (int)expected.to);
        }
    }
    assert_int_equal(cells, STATES * (NEWS_COUNT + 1));
}

static void a_state_that_is_none_has_no_cells(void **state)
{
    (void)state;
    for (int from = -1; from <= 30; from++) {
        bool known = from >= 1 && from <= 8;
        known |= from >= 16 && from <= 21;
        task_state to = 0;
        if (!known)
            assert_int_equal(state_step((task_state)from, NEWS_RUNNING, &to), STEP_IMPOSSIBLE);
    }
}

/* What is over stays over, but for LOST; and nothing leads back into the queue without a proof. */
static void over_and_alive_do_not_mix(void **state)
{
    (void)state;
    for (size_t i = 0; i < STATES; i++) {
        task_state from = all_states[i];
        assert_int_equal(state_is_over(from), from >= S(FINISHED));
        assert_int_equal(state_wants_answer(from), from != S(QUEUED) && from < S(FINISHED));
        assert_int_equal(state_may_live(from), (from != S(QUEUED) && from < S(FINISHED)) || from == S(LOST));
        for (int news = 0; news < (int)NEWS_COUNT; news++) {
            task_state to = 0;
            enum step found = state_step(from, (enum news)news, &to);
            if (state_is_over(from) && from != S(LOST))
                assert_int_not_equal(found, STEP_MOVE);
            if (found == STEP_MOVE)
                assert_true(to != S(QUEUED) && to != S(LAUNCHING) && to != from);
        }
    }
}

/* ---- what an update is taken for --------------------------------------------------------------------- */

enum { NO_SOURCE = -1, NO_REASON = -1 };

static enum news news(Mesos__V1__TaskState state, int source, int reason, bool uuid, const char *message)
{
    Mesos__V1__TaskStatus status = MESOS__V1__TASK_STATUS__INIT;
    status.state = state;
    status.has_source = source != NO_SOURCE;
    status.source = (Mesos__V1__TaskStatus__Source)source;
    status.has_reason = reason != NO_REASON;
    status.reason = (Mesos__V1__TaskStatus__Reason)reason;
    status.has_uuid = uuid;
    status.message = (char *)(uintptr_t)message;
    return news_of(&status);
}

enum {
    MASTER = MESOS__V1__TASK_STATUS__SOURCE__SOURCE_MASTER,
    AGENT = MESOS__V1__TASK_STATUS__SOURCE__SOURCE_AGENT,
    EXECUTOR = MESOS__V1__TASK_STATUS__SOURCE__SOURCE_EXECUTOR
};

static void states_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        Mesos__V1__TaskState state;
        enum news news;
    } cases[] = {{M(STAGING), NEWS_STAGING}, {M(STARTING), NEWS_STARTING}, {M(RUNNING), NEWS_RUNNING},
            {M(KILLING), NEWS_KILLING}, {M(FINISHED), NEWS_FINISHED}, {M(FAILED), NEWS_FAILED},
            {M(KILLED), NEWS_KILLED}, {M(ERROR), NEWS_ERROR}, {M(LOST), NEWS_LOST},
            {M(GONE_BY_OPERATOR), NEWS_LOST}, {M(UNREACHABLE), NEWS_UNREACHABLE}, {M(UNKNOWN), NEWS_UNKNOWN},
            {M(GONE), NEWS_GONE}, {M(DROPPED), NEWS_GONE}};
    assert_int_equal(sizeof cases / sizeof *cases, mesos__v1__task_state__descriptor.n_values);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(news(cases[i].state, EXECUTOR, NO_REASON, true, NULL), cases[i].news);
    assert_int_equal(news((Mesos__V1__TaskState)99, MASTER, NO_REASON, false, NULL), NEWS_NONE);
}

static void dropped_by_the_master_is_to_be_proved(void **state)
{
    (void)state;
    assert_int_equal(news(M(DROPPED), MASTER, R(INVALID_OFFERS), false, NULL), NEWS_REFUSED);
    assert_int_equal(news(M(DROPPED), MASTER, R(AGENT_REMOVED), false, NULL), NEWS_REFUSED);
    assert_int_equal(news(M(DROPPED), MASTER, R(AGENT_DISCONNECTED), false, NULL), NEWS_REFUSED);
}

static void dropped_by_the_agent_never_ran_for_six_reasons_alone(void **state)
{
    (void)state;
    static const int never[] = {R(INVALID_OFFERS), R(RESOURCES_UNKNOWN), R(GC_ERROR), R(AGENT_DRAINING),
            R(AGENT_RESTARTED), R(EXECUTOR_TERMINATED)};
    const ProtobufCEnumDescriptor *reasons = &mesos__v1__task_status__reason__descriptor;
    size_t found = 0;
    for (unsigned i = 0; i < reasons->n_values; i++) {
        bool expected = false;
        for (size_t j = 0; j < sizeof never / sizeof *never; j++)
            expected |= reasons->values[i].value == never[j];
        found += expected;
        assert_int_equal(news(M(DROPPED), AGENT, reasons->values[i].value, true, NULL),
                expected ? NEWS_NEVER_RAN : NEWS_GONE);
        /* Anything less than the agent's own word, to be acknowledged, is no proof. */
        assert_int_equal(news(M(DROPPED), AGENT, reasons->values[i].value, false, NULL), NEWS_GONE);
        assert_int_equal(news(M(DROPPED), EXECUTOR, reasons->values[i].value, true, NULL), NEWS_GONE);
        assert_int_equal(news(M(DROPPED), NO_SOURCE, reasons->values[i].value, true, NULL), NEWS_GONE);
    }
    assert_int_equal(found, 6);
    assert_int_equal(news(M(DROPPED), AGENT, NO_REASON, true, NULL), NEWS_GONE);
}

static void gone_is_an_answer_from_the_master_alone(void **state)
{
    (void)state;
    assert_int_equal(news(M(GONE), MASTER, R(RECONCILIATION), false, NULL), NEWS_ABSENT);
    assert_int_equal(news(M(GONE), MASTER, R(RECONCILIATION), true, NULL), NEWS_GONE);
    assert_int_equal(news(M(GONE), AGENT, R(RECONCILIATION), false, NULL), NEWS_GONE);
    assert_int_equal(news(M(GONE), MASTER, R(AGENT_REMOVED), false, NULL), NEWS_GONE);
    assert_int_equal(news(M(GONE), MASTER, NO_REASON, false, NULL), NEWS_GONE);
    assert_int_equal(news(M(GONE), AGENT, R(COMMAND_EXECUTOR_FAILED), true, NULL), NEWS_GONE);
}

static void an_error_about_an_id_in_use_says_nothing_of_who_uses_it(void **state)
{
    (void)state;
    assert_int_equal(
            news(M(ERROR), MASTER, R(TASK_INVALID), false, "Task has duplicate ID: a.1.1"), NEWS_DUPLICATE);
    assert_int_equal(
            news(M(ERROR), MASTER, R(TASK_INVALID), false, "Task reuses the ID of another"), NEWS_DUPLICATE);
    assert_int_equal(
            news(M(ERROR), MASTER, R(TASK_INVALID), false, "Task uses more than offered"), NEWS_ERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_cell_follows_the_rules),
            cmocka_unit_test(a_state_that_is_none_has_no_cells),
            cmocka_unit_test(over_and_alive_do_not_mix),
            cmocka_unit_test(states_are_told_apart),
            cmocka_unit_test(dropped_by_the_master_is_to_be_proved),
            cmocka_unit_test(dropped_by_the_agent_never_ran_for_six_reasons_alone),
            cmocka_unit_test(gone_is_an_answer_from_the_master_alone),
            cmocka_unit_test(an_error_about_an_id_in_use_says_nothing_of_who_uses_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
