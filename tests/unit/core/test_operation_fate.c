/* What becomes of an operation that was sent: answers to its ACCEPT, statuses, questions to the master, and
 * when it is sent again. */
#include "rig.h"

#include <string.h>

#define NOT_KNOWN "a.1.1 UNKNOWN on A1 : Reconciliation: Operation is unknown"
#define ASKED "CALL RECONCILE_OPERATIONS a.1.1@A1/-\n"

/* a is SENT on A1. */
static struct rig *sent_by(void **state, void (*configure)(struct core_config *config))
{
    struct rig *rig = rig_up(state, configure);
    in_operate(rig, "a RESERVE cpus/r1+dynamic 2");
    in_offers(rig, "o1 A1 cpus 4");
    rig_show(rig, SHOW_CALLS);
    return rig;
}

static struct rig *sent(void **state)
{
    return sent_by(state, NULL);
}

static struct rig *accepted_by(void **state, void (*configure)(struct core_config *config))
{
    struct rig *rig = sent_by(state, configure);
    in_answer(rig, "o1", CORE_ACCEPTED, "");
    return rig;
}

static struct rig *accepted(void **state)
{
    return accepted_by(state, NULL);
}

static void expect_message(struct rig *rig, const char *id, const char *words)
{
    const char *message = look_operation(rig, id)->message;
    expect(message ? message : "", words);
}

/* What is asked in that time; that the role goes to sleep is another matter. */
static const char *wait_for(struct rig *rig, int64_t ms)
{
    const char *text = in_wait(rig, ms), *kept = "";
    for (const char *end; *text; text = end + 1) {
        end = strchr(text, '\n');
        const char *line = words(rig, "%.*s\n", (int)(end - text), text);
        if (!strstr(line, "SUPPRESS"))
            kept = words(rig, "%s%s", kept, line);
    }
    return kept;
}

/* ---- the answer to the ACCEPT ---------------------------------------------------------------------------
 */

static void an_accept_that_was_not_sent_is_made_again_with_another_id(void **state)
{
    struct rig *rig = sent(state);
    in_answer(rig, "o1", CORE_NOT_DONE, "");
    expect_operation(rig, "a", "QUEUED");
    expect_message(rig, "a", "the ACCEPT was not sent");
    expect(in_offers(rig, "o2 A2 cpus 4"), "CALL ACCEPT o2 {a.1.2}\n");
    assert_int_equal(look_operation(rig, "a")->sent, 2);
    expect_message(rig, "a", "");
}

static void an_accept_that_was_refused_is_an_error(void **state)
{
    struct rig *rig = sent(state);
    expect(in_answer(rig, "o1", CORE_REFUSED, "bad request"), "CALL DECLINE o1 for 0 s\n");
    expect_operation(rig, "a", "ERROR");
    expect_message(rig, "a", "bad request");
}

static void a_status_may_overtake_the_answer(void **state)
{
    struct rig *rig = sent(state);
    in_operation_update(rig, "a.1.1 FINISHED uuid u on A1");
    in_answer(rig, "o1", CORE_NOT_DONE, "");
    expect_operation(rig, "a", "FINISHED");
    in_answer(rig, "o1", CORE_REFUSED, "");
    expect_operation(rig, "a", "FINISHED");
}

/* ---- statuses -------------------------------------------------------------------------------------------
 */

static void each_status_has_its_state(void **state)
{
    static const char *const ends[][2] = {{"FINISHED", "FINISHED"}, {"FAILED", "FAILED"}, {"ERROR", "ERROR"},
            {"DROPPED", "DROPPED"}, {"GONE_BY_OPERATOR", "GONE"}};
    struct rig *rig = rig_up(state, NULL);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        in_operate(rig, words(rig, "e%zu RESERVE cpus/r1+dynamic 2", i));
        in_offers(rig, words(rig, "o%zu A1 cpus 4", i));
        in_answer(rig, words(rig, "o%zu", i), CORE_ACCEPTED, "");
        in_operation_update(rig, words(rig, "e%zu.%zu.1 %s on A1 : because", i, i + 1, ends[i][0]));
        expect_operation(rig, words(rig, "e%zu", i), ends[i][1]);
        expect_message(rig, words(rig, "e%zu", i), "because");
    }
}

static void a_status_of_an_operation_that_is_not_ours_is_acknowledged(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    rig_show(rig, SHOW_ALL);
    expect(in_operation_update(rig, "x.9.1 FINISHED uuid u on A1"),
            "EVENT mesos/UPDATE_OPERATION_STATUS #1\nCALL ACKNOWLEDGE_OPERATION_STATUS x.9.1 u\n");
    expect(in_operation_update(rig, "x.9.1 UNKNOWN on A1"), "EVENT mesos/UPDATE_OPERATION_STATUS #2\n");
}

static void a_state_that_is_not_known_is_published_alone(void **state)
{
    struct rig *rig = accepted(state);
    rig_show(rig, SHOW_ALL);
    expect(in_operation_update(rig, "a.1.1 UNSUPPORTED uuid u on A1"),
            "EVENT mesos/UPDATE_OPERATION_STATUS #1\nCALL ACKNOWLEDGE_OPERATION_STATUS a.1.1 u\n");
    expect_operation(rig, "a", "SENT");
}

/* ---- questions ------------------------------------------------------------------------------------------
 */

static void silence_is_asked_about_with_growing_pauses(void **state)
{
    struct rig *rig = accepted(state);
    expect(wait_for(rig, 100000),
            "+10000 " ASKED "+15000 " ASKED "+25000 " ASKED "+45000 " ASKED "+85000 " ASKED);
    in_operation_update(rig, "a.1.1 PENDING on A1");
    expect_operation(rig, "a", "PENDING");
    expect(wait_for(rig, 600000), "");
}

static void each_subscription_and_each_round_asks(void **state)
{
    struct rig *rig = accepted(state);
    in_operation_update(rig, "a.1.1 PENDING on A1");
    in_down(rig, "lost");
    rig_show(rig, SHOW_CALLS);
    assert_true(has_line(in_up(rig), "CALL RECONCILE_OPERATIONS a.1.1@A1/-"));
    in_operation_update(rig, "a.1.1 PENDING on A1");
    assert_int_equal(count_lines(in_wait(rig, 899999), "CALL RECONCILE_OPERATIONS a.1.1@A1/-"), 0);
    assert_true(has_line(in_wait(rig, 1), "CALL RECONCILE_OPERATIONS a.1.1@A1/-"));
    in_operation_update(rig, "a.1.1 FINISHED uuid u on A1");
    assert_int_equal(count_lines(in_ask(rig), "CALL RECONCILE_OPERATIONS a.1.1@A1/-"), 0);
}

static void a_request_asks_too(void **state)
{
    struct rig *rig = accepted(state);
    assert_true(has_line(in_ask(rig), "CALL RECONCILE_OPERATIONS a.1.1@A1/-"));
}

static void the_provider_is_named_where_there_is_one(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_operate(rig, "a CREATE_DISK disk+raw=d 100");
    in_offers(rig, "o1 A1 disk+raw=d 100");
    in_answer(rig, "o1", CORE_ACCEPTED, "");
    rig_show(rig, SHOW_CALLS);
    expect(wait_for(rig, 10000), "+10000 CALL RECONCILE_OPERATIONS a.1.1@A1/p1\n");
}

static void what_is_out_of_sight_is_asked_about_when_its_agent_is_back(void **state)
{
    static const char *const states[] = {"UNREACHABLE", "RECOVERING", "UNKNOWN"};
    struct rig *rig = accepted(state);
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        in_operation_update(rig, words(rig, "a.1.1 %s on A1 : Both are", states[i]));
        expect_operation(rig, "a", states[i]);
        expect(wait_for(rig, 60000), "");
        expect(in_offers(rig, words(rig, "p%zu A2 cpus 1", i)), "");
        in_rescind(rig, words(rig, "p%zu", i));
        expect(in_offers(rig, words(rig, "q%zu A1 cpus 1", i)), "");
        in_rescind(rig, words(rig, "q%zu", i));
        expect(wait_for(rig, 5000), "+5000 " ASKED);
    }
    in_operation_update(rig, "a.1.1 FINISHED uuid u on A1");
    expect_operation(rig, "a", "FINISHED");
}

static void an_agent_that_was_removed_is_asked_about(void **state)
{
    struct rig *rig = accepted(state);
    in_operation_update(rig, "a.1.1 PENDING on A1");
    Mesos__V1__Scheduler__Event event = MESOS__V1__SCHEDULER__EVENT__INIT;
    Mesos__V1__Scheduler__Event__Failure failure = MESOS__V1__SCHEDULER__EVENT__FAILURE__INIT;
    Mesos__V1__AgentID id = MESOS__V1__AGENT_ID__INIT;
    id.value = words(rig, "A1");
    failure.agent_id = &id;
    event.has_type = true;
    event.type = MESOS__V1__SCHEDULER__EVENT__TYPE__FAILURE;
    event.failure = &failure;
    expect(in_event(rig, &event), "");
    expect(wait_for(rig, 5000), "+5000 " ASKED);
}

/* ---- sent again, or not ---------------------------------------------------------------------------------
 */

static void an_offer_that_was_gone_is_proved_and_another_one_taken(void **state)
{
    struct rig *rig = accepted(state);
    expect(in_operation_update(rig, "a.1.1 ERROR : Operation attempted with invalid offers: Offer o1 is no "
                                    "longer valid"),
            ASKED);
    expect_operation(rig, "a", "SENT");
    in_operation_update(rig, NOT_KNOWN);
    expect_operation(rig, "a", "QUEUED");
    expect_message(rig, "a", "the master never had it");
    expect(in_offers(rig, "o2 A1 cpus 4"), "CALL ACCEPT o2 {a.1.2}\n");
}

/* Were the ACCEPT written twice, against all care, the second would be refused although the first was done.
 */
static void an_offer_that_was_gone_is_not_taken_at_its_word(void **state)
{
    struct rig *rig = accepted(state);
    in_operation_update(rig, "a.1.1 ERROR : Operation attempted with invalid offers: Offer o1 is gone");
    in_operation_update(rig, "a.1.1 PENDING on A1");
    expect_operation(rig, "a", "PENDING");
    in_operation_update(rig, "a.1.1 FINISHED uuid u on A1");
    expect_operation(rig, "a", "FINISHED");
}

static void the_proof_survives_a_restart(void **state)
{
    struct rig *rig = accepted(state);
    in_operation_update(rig, "a.1.1 ERROR : Operation attempted with invalid offers: Offer o1 is gone");
    rig_restart(rig);
    in_up(rig);
    in_operation_update(rig, NOT_KNOWN);
    expect_operation(rig, "a", "QUEUED");
}

static void what_the_master_does_not_know_for_a_minute_was_not_done(void **state)
{
    struct rig *rig = accepted(state);
    in_wait(rig, 10000);
    expect(in_operation_update(rig, NOT_KNOWN), "");
    expect_operation(rig, "a", "UNKNOWN");
    expect(wait_for(rig, 59999), "");
    expect(wait_for(rig, 1), "+1 " ASKED);
    in_operation_update(rig, NOT_KNOWN);
    expect_operation(rig, "a", "QUEUED");
    expect(in_offers(rig, "o2 A1 cpus 4"), "CALL ACCEPT o2 {a.1.2}\n");
}

/* An agent tells of its operations a moment after it has registered. */
static void the_minute_begins_anew_when_something_is_heard(void **state)
{
    struct rig *rig = accepted(state);
    in_wait(rig, 10000);
    in_operation_update(rig, NOT_KNOWN);
    in_wait(rig, 30000);
    in_operation_update(rig, "a.1.1 RECOVERING on A1");
    in_wait(rig, 30000);
    in_operation_update(rig, NOT_KNOWN);
    expect_operation(rig, "a", "UNKNOWN");
    expect(wait_for(rig, 60000), "+60000 " ASKED);
    in_operation_update(rig, NOT_KNOWN);
    expect_operation(rig, "a", "QUEUED");
}

static void the_minute_is_of_one_subscription(void **state)
{
    struct rig *rig = accepted(state);
    in_wait(rig, 10000);
    in_operation_update(rig, NOT_KNOWN);
    in_wait(rig, 59999);
    in_down(rig, "lost");
    in_up(rig);
    in_operation_update(rig, NOT_KNOWN);
    expect_operation(rig, "a", "UNKNOWN");
    assert_true(has_line(in_wait(rig, 60000), "CALL RECONCILE_OPERATIONS a.1.1@A1/-"));
    in_operation_update(rig, NOT_KNOWN);
    expect_operation(rig, "a", "QUEUED");
}

/* The fence: until the next SUBSCRIBED the ACCEPT may still arrive. */
static void without_an_answer_nothing_is_proved_in_that_subscription(void **state)
{
    struct rig *rig = sent(state);
    in_wait(rig, 10000);
    in_operation_update(rig, NOT_KNOWN); /* still in flight */
    in_answer(rig, "o1", CORE_UNANSWERED, "timed out");
    in_ask(rig);
    in_operation_update(rig, NOT_KNOWN);
    in_wait(rig, 70000);
    in_ask(rig);
    in_operation_update(rig, NOT_KNOWN);
    expect_operation(rig, "a", "UNKNOWN");
    in_down(rig, "lost");
    in_up(rig);
    in_operation_update(rig, NOT_KNOWN);
    in_wait(rig, 60000);
    in_operation_update(rig, NOT_KNOWN);
    expect_operation(rig, "a", "QUEUED");
}

static void a_crash_after_the_intent_is_settled_by_the_master(void **state)
{
    struct rig *rig = sent(state);
    rig_restart(rig);
    assert_true(has_line(in_up(rig), "CALL RECONCILE_OPERATIONS a.1.1@A1/-"));
    in_operation_update(rig, "a.1.1 FINISHED on A1");
    expect_operation(rig, "a", "FINISHED");
}

static void a_crash_before_the_call_is_made_again(void **state)
{
    struct rig *rig = sent(state);
    rig_restart(rig);
    in_up(rig);
    in_operation_update(rig, NOT_KNOWN);
    in_wait(rig, 60000);
    in_operation_update(rig, NOT_KNOWN);
    expect_operation(rig, "a", "QUEUED");
    expect(in_offers(rig, "o2 A1 cpus 4"), "CALL ACCEPT o2 {a.1.2}\n");
}

static void where_the_agent_is_not_known_nothing_is_proved(void **state)
{
    struct rig *rig = accepted(state);
    for (int i = 0; i < 5; i++) {
        in_wait(rig, 70000);
        in_ask(rig);
        in_operation_update(
                rig, "a.1.1 UNKNOWN on A1 : Reconciliation: Both operation and agent are unknown");
        expect_operation(rig, "a", "UNKNOWN");
    }
}

/* Nor what the master once had: it may have been done, and its end acknowledged in another life. */
static void what_the_master_knew_is_never_sent_again(void **state)
{
    struct rig *rig = accepted(state);
    in_operation_update(rig, "a.1.1 PENDING on A1");
    for (int i = 0; i < 3; i++) {
        in_ask(rig);
        in_operation_update(rig, NOT_KNOWN);
        expect_operation(rig, "a", "UNKNOWN");
        expect_message(
                rig, "a", "the master does not know it; it may have been done, see what the agent offers");
        expect(wait_for(rig, 70000), "");
    }
    expect(in_offers(rig, "o2 A1 cpus 4"), "");
}

static void keep_for_five_minutes(struct core_config *config)
{
    config->failover_timeout_ms = 300000;
}

/* A master that has waited for us for ten minutes acknowledges for us, and forgets; sooner where it has
 * removed the framework. 75 s of both may be over when it begins to wait. */
static void after_long_absence_nothing_is_proved(void **state)
{
    static const struct {
        void (*configure)(struct core_config *config);
        int64_t ms;
        const char *then;
    } spans[] = {{NULL, 525000, "QUEUED"}, {NULL, 525001, "UNKNOWN"},
            {keep_for_five_minutes, 225000, "QUEUED"}, {keep_for_five_minutes, 225001, "UNKNOWN"}};
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        struct rig *rig = accepted_by(state, spans[i].configure);
        in_down(rig, "lost");
        in_wait(rig, spans[i].ms);
        in_up(rig);
        in_operation_update(rig, NOT_KNOWN);
        in_wait(rig, 60000);
        in_ask(rig);
        in_operation_update(rig, NOT_KNOWN);
        expect_operation(rig, "a", spans[i].then);
        rig_destroy(rig);
        *state = NULL;
    }
}

/* Should a proof be wrong after all, the word that it was done counts. */
static void one_that_waits_again_and_is_told_to_be_done_is_not_sent(void **state)
{
    struct rig *rig = accepted(state);
    in_wait(rig, 10000);
    in_operation_update(rig, NOT_KNOWN);
    in_wait(rig, 60000);
    in_operation_update(rig, NOT_KNOWN);
    expect_operation(rig, "a", "QUEUED");
    in_operation_update(rig, "a.1.1 FINISHED uuid u on A1");
    expect_operation(rig, "a", "FINISHED");
    expect(in_offers(rig, "o2 A1 cpus 4"), "");
}

/* ---- giving up ------------------------------------------------------------------------------------------
 */

static void what_is_out_of_sight_can_be_given_up_and_may_return(void **state)
{
    struct rig *rig = accepted(state);
    in_operation_update(rig, "a.1.1 PENDING on A1");
    in_operation_update(rig, "a.1.1 UNREACHABLE on A1");
    rig_show(rig, SHOW_REPLIES);
    expect(in_cancel_operations(rig, "a"), "REPLY 2 OK [a OK CANCELLED rev 5]\n");
    expect_message(rig, "a", "given up by request; it may have been done");
    in_operation_update(rig, "a.1.1 PENDING on A1");
    expect_operation(rig, "a", "CANCELLED");
    in_operation_update(rig, "a.1.1 FINISHED uuid u on A1");
    expect_operation(rig, "a", "FINISHED");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(an_accept_that_was_not_sent_is_made_again_with_another_id),
            TEST(an_accept_that_was_refused_is_an_error),
            TEST(a_status_may_overtake_the_answer),
            TEST(each_status_has_its_state),
            TEST(a_status_of_an_operation_that_is_not_ours_is_acknowledged),
            TEST(a_state_that_is_not_known_is_published_alone),
            TEST(silence_is_asked_about_with_growing_pauses),
            TEST(each_subscription_and_each_round_asks),
            TEST(a_request_asks_too),
            TEST(the_provider_is_named_where_there_is_one),
            TEST(what_is_out_of_sight_is_asked_about_when_its_agent_is_back),
            TEST(an_agent_that_was_removed_is_asked_about),
            TEST(an_offer_that_was_gone_is_proved_and_another_one_taken),
            TEST(an_offer_that_was_gone_is_not_taken_at_its_word),
            TEST(the_proof_survives_a_restart),
            TEST(what_the_master_does_not_know_for_a_minute_was_not_done),
            TEST(the_minute_begins_anew_when_something_is_heard),
            TEST(the_minute_is_of_one_subscription),
            TEST(without_an_answer_nothing_is_proved_in_that_subscription),
            TEST(a_crash_after_the_intent_is_settled_by_the_master),
            TEST(a_crash_before_the_call_is_made_again),
            TEST(where_the_agent_is_not_known_nothing_is_proved),
            TEST(what_the_master_knew_is_never_sent_again),
            TEST(after_long_absence_nothing_is_proved),
            TEST(one_that_waits_again_and_is_told_to_be_done_is_not_sent),
            TEST(what_is_out_of_sight_can_be_given_up_and_may_return),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
