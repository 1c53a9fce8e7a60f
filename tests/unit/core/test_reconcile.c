/* When the master is asked, about what, and how often (PROTOCOL "Reconciling"). */
#include "rig.h"

#include <stdio.h>
#include <string.h>

#define RECONCILES call_counts[MESOS__V1__SCHEDULER__CALL__TYPE__RECONCILE]

/* Tasks RUNNING on agents: "a A1 | b A2" */
static struct rig *with_tasks(const char *where)
{
    struct rig *rig = rig_create(NULL);
    char **parts, *word[32];
    size_t count = split(rig, where, " |", &parts);
    assert_in_range(count, 1, 32);
    for (size_t i = 0; i < count; i++)
        word[i] = words(rig, "%s", parts[i]);
    in_up(rig);
    for (size_t i = 0; i < count; i += 2) {
        const char *id = words(rig, "%s.%zu.1", word[i], i / 2 + 1);
        in_launch(rig, word[i]);
        in_offers(rig, words(rig, "o-%s %s cpus 1", word[i], word[i + 1]));
        in_answer(rig, words(rig, "o-%s", word[i]), CORE_ACCEPTED, "");
        in_update(rig, words(rig, "%s RUNNING by AGENT uuid u on %s", id, word[i + 1]));
    }
    in_wait(rig, 3000); /* both roles are suppressed */
    rig_show(rig, SHOW_CALLS);
    return rig;
}

static const char *ask(struct rig *rig)
{
    return in_request(rig, build_request(rig, ZMESOS__V1__REQUEST__OPERATION_RECONCILE));
}

#define SAYS(state) state " by MASTER because RECONCILIATION"

static void without_tasks_only_the_implicit_question(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    rig_show(rig, SHOW_CALLS);
    expect(in_up(rig), "CALL RECONCILE implicit\n");
}

static void after_subscribing_all_with_their_agents_then_implicit(void **state)
{
    struct rig *rig = *state = with_tasks("a A1 | b A2 | c A1");
    in_update(rig, "c.3.1 FINISHED by AGENT uuid v");
    in_launch(rig, "waits cpus 99");
    in_down(rig, "gone");
    expect(in_up(rig), "CALL RECONCILE a.1.1@A1 b.2.1@A2\n");
    expect(in_update(rig, "a.1.1 " SAYS("RUNNING")), "");
    expect(in_update(rig, "b.2.1 " SAYS("RUNNING")), "CALL RECONCILE implicit\n");
}

static void the_unanswered_with_backoff(void **state)
{
    struct rig *rig = *state = with_tasks("a A1 | b A2");
    in_down(rig, "gone");
    in_up(rig);
    in_update(rig, "a.1.1 " SAYS("RUNNING")); /* answered: not asked again */
    expect(in_wait(rig, 200000), "+5000 CALL RECONCILE b.2.1@A2\n"
                                 "+15000 CALL RECONCILE b.2.1@A2\n"
                                 "+35000 CALL RECONCILE b.2.1@A2\n"
                                 "+60000 CALL RECONCILE implicit\n" /* not held up for ever */
                                 "+75000 CALL RECONCILE b.2.1@A2\n"
                                 "+135000 CALL RECONCILE b.2.1@A2\n"
                                 "+195000 CALL RECONCILE b.2.1@A2\n");
    in_update(rig, "b.2.1 " SAYS("UNKNOWN"));
    expect(in_wait(rig, 200000), "");
}

/* An update of another kind is an answer as well. */
static void any_update_is_an_answer(void **state)
{
    struct rig *rig = *state = with_tasks("a A1");
    in_down(rig, "gone");
    in_up(rig);
    expect(in_update(rig, "a.1.1 RUNNING by AGENT uuid u2"),
            "CALL ACKNOWLEDGE a.1.1 A1 u2\nCALL RECONCILE implicit\n");
}

static void an_update_in_a_state_that_nobody_knows_is_none(void **state)
{
    struct rig *rig = *state = with_tasks("a A1");
    in_down(rig, "gone");
    in_up(rig);
    Mesos__V1__Scheduler__Event event = MESOS__V1__SCHEDULER__EVENT__INIT;
    Mesos__V1__Scheduler__Event__Update update = MESOS__V1__SCHEDULER__EVENT__UPDATE__INIT;
    update.status = build_status(rig, "a.1.1 RUNNING by AGENT uuid u2");
    update.status->state = (Mesos__V1__TaskState)77;
    event.has_type = true;
    event.type = MESOS__V1__SCHEDULER__EVENT__TYPE__UPDATE;
    event.update = &update;
    rig_show(rig, SHOW_ALL); /* published and acknowledged all the same */
    expect(in_event(rig, &event), "EVENT mesos/UPDATE/a/1 #2 rev 3\nCALL ACKNOWLEDGE a.1.1 A1 u2\n");
    rig_show(rig, SHOW_CALLS);
    expect(in_wait(rig, 5000), "+5000 CALL RECONCILE a.1.1@A1\n");
}

static void every_fifteen_minutes(void **state)
{
    struct rig *rig = *state = with_tasks("a A1");
    expect(in_wait(rig, 896999), "");
    expect(in_wait(rig, 1), "+1 CALL RECONCILE a.1.1@A1\n"); /* 15 min since the subscription */
    expect(in_update(rig, "a.1.1 " SAYS("RUNNING")), "CALL RECONCILE implicit\n");
    expect(in_wait(rig, 899999), "");
    expect(in_wait(rig, 1), "+1 CALL RECONCILE a.1.1@A1\n");
}

static void nothing_without_a_subscription(void **state)
{
    struct rig *rig = *state = with_tasks("a A1");
    in_down(rig, "gone");
    rig_show(rig, SHOW_CALLS | SHOW_REPLIES);
    expect(in_wait(rig, 3600000), "");
    expect(ask(rig), "REPLY 2 UNAVAILABLE retry \"there is no subscription; the next one begins with a "
                     "reconciliation\"\n");
}

static void on_request(void **state)
{
    struct rig *rig = *state = with_tasks("a A1 | b A2");
    rig_show(rig, SHOW_CALLS | SHOW_REPLIES);
    expect(ask(rig), "REPLY 3 OK asks about 2\nCALL RECONCILE a.1.1@A1 b.2.1@A2\n");
}

static void in_batches(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    rig->unchecked = true;
    rig_show(rig, 0);
    in_up(rig);
    for (int batch = 0; batch < 3; batch++) {
        Zmesos__V1__TaskSpec *specs[900];
        for (int i = 0; i < 900; i++) {
            char id[24];
            snprintf(id, sizeof id, "t%d", batch * 900 + i);
            specs[i] = build_spec(rig, id);
        }
        in_launch_specs(rig, specs, 900);
        in_offers(rig, words(rig, "o%d A%d cpus 900", batch, batch));
    }
    in_down(rig, "gone");
    rig->RECONCILES = 0;
    in_up(rig);
    size_t asked = 0;
    for (size_t i = 0; i < rig->out.count; i++) {
        const Mesos__V1__Scheduler__Call *call = rig->out.items[i].call.call;
        if (rig->out.items[i].kind != CORE_OUT_CALL || !call->reconcile)
            continue;
        assert_in_range(call->reconcile->n_tasks, 1, CORE_RECONCILE_MAX);
        asked += call->reconcile->n_tasks;
    }
    assert_int_equal(asked, 2700);
    assert_int_equal(rig->RECONCILES, 3);
    rig_check(rig);
}

/* One rescinded offer can drop a thousand tasks at once. What is new is asked about once. */
static void a_thousand_drops_are_one_question(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    rig->unchecked = true;
    rig_show(rig, 0);
    in_up(rig);
    Zmesos__V1__TaskSpec *specs[1000];
    for (int i = 0; i < 1000; i++) {
        char id[24];
        snprintf(id, sizeof id, "t%d", i);
        specs[i] = build_spec(rig, id);
    }
    in_launch_specs(rig, specs, 1000);
    in_offers(rig, "o1 A1 cpus 1000");
    in_answer(rig, "o1", CORE_ACCEPTED, "");
    in_wait(rig, 3000);
    rig->RECONCILES = 0;
    for (int i = 0; i < 1000; i++)
        in_update(rig, words(rig, "t%d.%d.1 DROPPED by MASTER because INVALID_OFFERS", i, i + 1));
    assert_int_equal(rig->RECONCILES, 0);
    in_wait(rig, 4999);
    assert_int_equal(rig->RECONCILES, 1);
    rig_check(rig);
}

/* What is new does not make the others be asked again. */
static void a_new_question_is_about_the_new_task_alone(void **state)
{
    struct rig *rig = *state = with_tasks("a A1 | b A2");
    in_down(rig, "gone");
    in_up(rig);
    in_update(rig, "a.1.1 " SAYS("RUNNING"));
    in_wait(rig, 16000); /* b was asked about at 0, 5 and 15 s */
    in_update(rig, "a.1.1 DROPPED by MASTER because INVALID_OFFERS");
    expect(in_wait(rig, 19000), "+100 CALL RECONCILE a.1.1@A1\n+19000 CALL RECONCILE b.2.1@A2 a.1.1@A1\n");
}

static void the_first_of_new_questions_begins_the_backoff(void **state)
{
    struct rig *rig = *state = with_tasks("a A1");
    in_update(rig, "a.1.1 DROPPED by MASTER because INVALID_OFFERS");
    expect(in_wait(rig, 20000),
            "+100 CALL RECONCILE a.1.1@A1\n+5100 CALL RECONCILE a.1.1@A1\n+15100 CALL RECONCILE a.1.1@A1\n");
}

/* The moment of gathering is not put off by what comes in it. */
static void news_without_end_does_not_put_the_question_off(void **state)
{
    struct rig *rig = *state = with_tasks("a A1 | b A2 | c A1");
    in_update(rig, "a.1.1 DROPPED by MASTER because INVALID_OFFERS");
    expect(in_wait(rig, 60), "");
    in_update(rig, "b.2.1 DROPPED by MASTER because INVALID_OFFERS");
    expect(in_wait(rig, 60), "+40 CALL RECONCILE a.1.1@A1 b.2.1@A2\n");
    in_update(rig, "c.3.1 DROPPED by MASTER because INVALID_OFFERS");
    expect(in_wait(rig, 200), "+100 CALL RECONCILE c.3.1@A1\n");
}

static void the_implicit_question_comes_last(void **state)
{
    struct rig *rig = *state = with_tasks("a A1");
    in_down(rig, "gone");
    in_up(rig);
    expect(in_update(rig, "a.1.1 DROPPED by MASTER because INVALID_OFFERS"), "");
    expect(in_wait(rig, 100), "+100 CALL RECONCILE a.1.1@A1\n");
    expect(in_update(rig, "a.1.1 " SAYS("RUNNING")), "CALL RECONCILE implicit\n");
}

/* ---- agents ------------------------------------------------------------------------------------------ */

static void an_agent_that_makes_an_offer_is_asked_about(void **state)
{
    static const char *const news[] = {"UNREACHABLE", "UNKNOWN", "LOST"};
    for (size_t i = 0; i < 3; i++) {
        struct rig *rig = *state = with_tasks("a A1 | b A2 | c A1");
        in_update(rig, words(rig, "a.1.1 %s by MASTER", news[i]));
        expect(in_offers(rig, "o1 A2 cpus 1"), ""); /* another one */
        in_offers(rig, "o2 A1 cpus 1");
        assert_non_null(strstr(in_wait(rig, 1000), "+100 CALL RECONCILE a.1.1@A1\n"));
        rig_destroy(rig);
    }
    *state = NULL;
}

/* Offers come each second: the question goes each five. */
static void but_not_with_each_offer(void **state)
{
    struct rig *rig = *state = with_tasks("a A1");
    in_update(rig, "a.1.1 UNREACHABLE by MASTER");
    for (int i = 0; i < 10; i++) {
        in_offers(rig, words(rig, "o%d A1 cpus 1", i));
        in_update(rig, "a.1.1 " SAYS("UNREACHABLE"));
        in_wait(rig, 1000);
    }
    expect(in_wait(rig, 10), "");
    in_offers(rig, "o10 A1 cpus 1");
    in_wait(rig, 1000);
    size_t asked = rig->RECONCILES;
    in_offers(rig, "o11 A1 cpus 1");
    in_wait(rig, 1000);
    assert_int_equal(rig->RECONCILES, asked);
}

static void the_failure_of_an_agent_asks_about_its_tasks(void **state)
{
    struct rig *rig = *state = with_tasks("a A1 | b A2 | c A1");
    Mesos__V1__Scheduler__Event event = MESOS__V1__SCHEDULER__EVENT__INIT;
    Mesos__V1__Scheduler__Event__Failure failure = MESOS__V1__SCHEDULER__EVENT__FAILURE__INIT;
    Mesos__V1__AgentID agent = MESOS__V1__AGENT_ID__INIT;
    Mesos__V1__ExecutorID executor = MESOS__V1__EXECUTOR_ID__INIT;
    char agent_id[] = "A1", executor_id[] = "e";
    agent.value = agent_id;
    executor.value = executor_id;
    failure.agent_id = &agent;
    event.has_type = true;
    event.type = MESOS__V1__SCHEDULER__EVENT__TYPE__FAILURE;
    event.failure = &failure;
    in_event(rig, &event);
    expect(in_wait(rig, 1000), "+100 CALL RECONCILE a.1.1@A1 c.3.1@A1\n");
    in_update(rig, "a.1.1 " SAYS("RUNNING"));
    in_update(rig, "c.3.1 " SAYS("RUNNING"));
    failure.executor_id = &executor; /* the end of an executor is told by the tasks themselves */
    in_event(rig, &event);
    expect(in_wait(rig, 1000), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(without_tasks_only_the_implicit_question),
            TEST(after_subscribing_all_with_their_agents_then_implicit),
            TEST(the_unanswered_with_backoff),
            TEST(any_update_is_an_answer),
            TEST(an_update_in_a_state_that_nobody_knows_is_none),
            TEST(every_fifteen_minutes),
            TEST(nothing_without_a_subscription),
            TEST(on_request),
            TEST(in_batches),
            TEST(a_thousand_drops_are_one_question),
            TEST(a_new_question_is_about_the_new_task_alone),
            TEST(the_first_of_new_questions_begins_the_backoff),
            TEST(news_without_end_does_not_put_the_question_off),
            TEST(the_implicit_question_comes_last),
            TEST(an_agent_that_makes_an_offer_is_asked_about),
            TEST(but_not_with_each_offer),
            TEST(the_failure_of_an_agent_asks_about_its_tasks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
