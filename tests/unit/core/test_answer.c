/* What an ACCEPT's answer means for its tasks, and for no others. */
#include "rig.h"

#include <string.h>

/* a and b go with o1, c with o2; d waits. */
static struct rig *two_accepts(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_up(rig);
    in_launch(rig, "a | b | c | d cpus 8");
    in_offers(rig, "o1 A1 cpus 2 | o2 A2 cpus 1");
    return rig;
}

static void accepted_changes_nothing(void **state)
{
    struct rig *rig = two_accepts(state);
    expect(in_answer(rig, "o1", CORE_ACCEPTED, ""), "");
}

static void refused_ends_the_tasks_of_that_accept_with_mesoss_words(void **state)
{
    struct rig *rig = two_accepts(state);
    expect(in_answer(rig, "o1", CORE_REFUSED, "Failed to parse: bad"),
            "RECORD attempt 1.1 ERROR on A1 \"Failed to parse: bad\"\n"
            "RECORD task a ERROR rev 3 \"Failed to parse: bad\"\n"
            "EVENT task/a/ERROR #8 rev 3\n"
            "RECORD attempt 2.1 ERROR on A1 \"Failed to parse: bad\"\n"
            "RECORD task b ERROR rev 3 \"Failed to parse: bad\"\n"
            "EVENT task/b/ERROR #9 rev 3\n"
            "CALL DECLINE o1 for 0 s\n"); /* the offer is still ours */
    expect(in_answer(rig, "o2", CORE_ACCEPTED, ""), "");
    rig_show(rig, SHOW_REPLIES);
    expect(in_get(rig, "c d"), "REPLY 2 OK c:LAUNCHING d:QUEUED\n");
}

/* An answer's body is the master's: it goes to clients as UTF-8 or not at all. */
static void the_words_are_made_utf8(void **state)
{
    struct rig *rig = two_accepts(state);
    rig_show(rig, SHOW_RECORDS);
    expect(in_answer(rig, "o2", CORE_REFUSED, "no \xff\xfe ok"),
            "RECORD attempt 3.1 ERROR on A2 \"no ?? ok\"\nRECORD task c ERROR rev 3 \"no ?? ok\"\n");
    rig_show(rig, SHOW_EVENTS);
    expect(in_down(rig, "gone \xff"), "EVENT zmesos/MASTER #3 DISCONNECTED - \"gone ?\"\n");
}

static void not_done_launches_again_as_another_attempt(void **state)
{
    struct rig *rig = two_accepts(state);
    in_down(rig, "gone");
    rig_show(rig, SHOW_CALLS);
    in_answer(rig, "o1", CORE_NOT_DONE, "");
    in_up(rig);
    expect(in_offers(rig, "o3 A3 cpus 2"), "CALL ACCEPT o3 [a.1.2 cpus 1] [b.2.2 cpus 1]\n");
}

/* A call that was not done says that the subscription is over: its other offers must not cost more attempts.
 */
static void not_done_uses_no_offer_of_a_subscription_that_is_over(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_up(rig);
    in_launch(rig, "a");
    in_offers(rig, "o1 A1 cpus 1 | o2 A2 cpus 4");
    rig_show(rig, SHOW_CALLS);
    expect(in_answer(rig, "o1", CORE_NOT_DONE, ""), "");
    in_down(rig, "gone");
    in_up(rig);
    expect(in_offers(rig, "o3 A3 cpus 2"), "CALL ACCEPT o3 [a.1.2 cpus 1]\n");
}

/* Tries are counted: an agent that drops for ever does not make a task grow for ever. */
static void a_thousand_attempts_that_never_ran_are_enough(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    rig->unchecked = true;
    in_launch(rig, "a");
    rig_show(rig, 0);
    for (int i = 1; i <= CORE_ATTEMPTS_MAX; i++) {
        in_up(rig);
        in_offers(rig, words(rig, "x%d A1 cpus 1", i));
        if (i == CORE_ATTEMPTS_MAX)
            rig_show(rig, SHOW_RECORDS);
        const char *text = in_answer(rig, words(rig, "x%d", i), CORE_NOT_DONE, "");
        if (i == CORE_ATTEMPTS_MAX && !strstr(text, "RECORD task a ERROR"))
            fail_msg("%s", text);
        in_down(rig, "gone");
    }
    rig_show(rig, SHOW_REPLIES);
    assert_non_null(strstr(in_get(rig, "a"), "a:ERROR"));
}

static void unanswered_waits_for_reconciliation(void **state)
{
    struct rig *rig = two_accepts(state);
    expect(in_answer(rig, "o1", CORE_UNANSWERED, ""), "");
    in_answer(rig, "o2", CORE_ACCEPTED, "");
    in_down(rig, "fenced");
    rig_show(rig, SHOW_CALLS);
    expect(in_up(rig), "CALL RECONCILE a.1.1@A1 b.2.1@A1 c.3.1@A2\n");
    in_update(rig, "a.1.1 GONE by MASTER because RECONCILIATION");
    in_update(rig, "b.2.1 STAGING by MASTER because RECONCILIATION");
    in_update(rig, "c.3.1 RUNNING by MASTER because RECONCILIATION");
    rig_show(rig, SHOW_REPLIES);
    expect(in_get(rig, "a b c"), "REPLY 2 OK a:QUEUED b:STAGING c:RUNNING\n");
}

/* The master was asked about them meanwhile: what is over or waits is not asked about again. */
static void an_answer_ends_the_questions(void **state)
{
    struct rig *rig = two_accepts(state);
    in_request(rig, build_request(rig, ZMESOS__V1__REQUEST__OPERATION_RECONCILE));
    in_answer(rig, "o1", CORE_REFUSED, "no");
    in_answer(rig, "o2", CORE_NOT_DONE, "");
    rig_show(rig, SHOW_CALLS);
    expect(in_wait(rig, 20000), "+2000 CALL SUPPRESS r2\n");
}

static void an_answer_that_comes_after_the_news_changes_nothing(void **state)
{
    struct rig *rig = two_accepts(state);
    in_update(rig, "a.1.1 RUNNING by AGENT uuid u");
    rig_show(rig, SHOW_RECORDS);
    expect(in_answer(rig, "o1", CORE_REFUSED, "no"),
            "RECORD attempt 2.1 ERROR on A1 \"no\"\nRECORD task b ERROR rev 3 \"no\"\n");
}

/* The task has another attempt by now. */
static void an_answer_about_an_older_attempt_changes_nothing(void **state)
{
    struct rig *rig = two_accepts(state);
    in_update(rig, "a.1.1 DROPPED by AGENT uuid u because GC_ERROR");
    in_wait(rig, 1000);
    in_offers(rig, "o3 A3 cpus 1");
    rig_show(rig, SHOW_RECORDS);
    expect(in_answer(rig, "o1", CORE_REFUSED, "no"),
            "RECORD attempt 2.1 ERROR on A1 \"no\"\nRECORD task b ERROR rev 3 \"no\"\n");
    expect(in_answer(rig, "o3", CORE_REFUSED, "never"),
            "RECORD attempt 1.2 ERROR on A3 \"never\"\nRECORD task a ERROR rev 5 \"never\"\n");
}

static void answers_to_other_calls_are_no_news(void **state)
{
    struct rig *rig = two_accepts(state);
    rig->accepts[0].number += 100; /* a number that no ACCEPT has */
    expect(in_answer(rig, "o1", CORE_REFUSED, "no"), "");
    expect(in_answer(rig, "o2", CORE_ACCEPTED, ""), "");
    expect(in_answer(rig, "o2", CORE_REFUSED, "twice"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(accepted_changes_nothing),
            TEST(not_done_uses_no_offer_of_a_subscription_that_is_over),
            TEST(a_thousand_attempts_that_never_ran_are_enough),
            TEST(refused_ends_the_tasks_of_that_accept_with_mesoss_words),
            TEST(the_words_are_made_utf8),
            TEST(not_done_launches_again_as_another_attempt),
            TEST(unanswered_waits_for_reconciliation),
            TEST(an_answer_ends_the_questions),
            TEST(an_answer_that_comes_after_the_news_changes_nothing),
            TEST(an_answer_about_an_older_attempt_changes_nothing),
            TEST(answers_to_other_calls_are_no_news),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
