/* Updates that are kept for a consumer: acknowledged when it has confirmed them, or when their time is over.
 */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define U1 "uuid-00000000001"
#define U2 "uuid-00000000002"
#define U3 "uuid-00000000003"
#define HEX1 "757569642d3030303030303030303031"

#define ACK(id, uuid) "CALL ACKNOWLEDGE " id " A1 " uuid "\n"

/* One task, launched, for the consumer `bank`. */
static struct rig *launched_as(void **state, const char *words_of_a, void (*change)(struct core_config *))
{
    struct rig *rig = rig_up(state, change);
    in_launch(rig, words(rig, "a %s", words_of_a));
    expect(place(rig, "A1", ""), "a.1.1");
    rig_show(rig, SHOW_CALLS | SHOW_REPLIES);
    return rig;
}

static struct rig *launched(void **state)
{
    return launched_as(state, "consumer bank 60000 ACKNOWLEDGE", NULL);
}

static const Zmesos__V1__Attempt *shown(struct rig *rig, const char *id, uint32_t attempt)
{
    const Zmesos__V1__Task *task = look(rig, id);
    assert_non_null(task);
    return task->attempts[attempt - 1];
}

/* ---- keeping and confirming ---- */

static void written_published_and_not_acknowledged(void **state)
{
    struct rig *rig = launched(state);
    rig_show(rig, SHOW_ALL);
    expect(in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid " U1),
            "RECORD attempt 1.1 LAUNCHING on A1 pending 1\n"
            "RECORD attempt 1.1 RUNNING on A1 pending 1\n"
            "RECORD task a RUNNING rev 3\n"
            "EVENT task/a/RUNNING #3 rev 3\n"
            "EVENT mesos/UPDATE/a/1 #1 rev 3\n");
    assert_int_equal(shown(rig, "a", 1)->unconfirmed_since_ns, rig->now.wall_ns);
    assert_int_equal(look_status(rig)->unconfirmed, 1);
}

static void confirmed_and_then_acknowledged(void **state)
{
    struct rig *rig = launched(state);
    in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid " U1);
    rig_show(rig, SHOW_ALL);
    const char *text = in_confirm(rig, "bank", "a.1 " U1);
    assert_non_null(strstr(text, "RECORD attempt 1.1 RUNNING on A1 pending 3\n" ACK("a.1.1", U1) "REPLY "));
    assert_non_null(strstr(text, " OK [a OK RUNNING rev 3]\n"));
    assert_false(shown(rig, "a", 1)->has_unconfirmed_since_ns);
    assert_false(look_status(rig)->has_unconfirmed);
    /* Again: nothing more leaves. */
    text = in_confirm(rig, "bank", "a.1 " U1);
    assert_null(strstr(text, "CALL"));
    assert_non_null(strstr(text, "[a OK RUNNING rev 3 known]"));
}

/* The consumer hears of each once, however often the agent says it. */
static void a_repetition_is_not_asked_for_anew(void **state)
{
    struct rig *rig = launched(state);
    in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid " U1);
    int64_t since_ns = rig->now.wall_ns;
    in_wait(rig, 10000);
    rig_show(rig, SHOW_ALL);
    expect(in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid " U1), "EVENT mesos/UPDATE/a/1 #2 rev 3\n");
    assert_int_equal(shown(rig, "a", 1)->unconfirmed_since_ns, since_ns);
    in_confirm(rig, "bank", "a.1 " U1);
    expect(in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid " U1),
            "EVENT mesos/UPDATE/a/1 #3 rev 3\n" ACK("a.1.1", U1));
}

/* Old ones that come late are known: they do not take the place of the one that waits. */
static void a_late_repetition_of_an_older_one(void **state)
{
    struct rig *rig = launched(state);
    char id[32];
    for (int i = 1; i <= 6; i++) {
        snprintf(id, sizeof id, "uuid-0000000000%d", i);
        in_update(rig, words(rig, "a.1.1 RUNNING by EXECUTOR uuid %s", id));
        if (i < 6)
            in_confirm(rig, "bank", words(rig, "a.1 %s", id));
    }
    for (int restart = 0; restart < 2; restart++) {
        for (int i = 2; i <= 5; i++) { /* four of them */
            snprintf(id, sizeof id, "uuid-0000000000%d", i);
            expect(in_update(rig, words(rig, "a.1.1 RUNNING by EXECUTOR uuid %s", id)),
                    words(rig, "CALL ACKNOWLEDGE a.1.1 A1 %s\n%s", id,
                            restart && i == 2 ? "CALL RECONCILE implicit\n" : ""));
            assert_non_null(strstr(in_confirm(rig, "bank", words(rig, "a.1 %s", id)), "known"));
        }
        assert_non_null(strstr(in_unconfirmed(rig, "bank", 0, 10), "uuid-00000000006 by bank of 1\n"));
        rig_restart(rig);
        in_up(rig);
    }
}

/* What an agent sends instead of what was not acknowledged: it does not know that any more. */
static void another_update_takes_its_place(void **state)
{
    struct rig *rig = launched(state);
    in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid " U1);
    rig_show(rig, SHOW_EVENTS);
    expect(in_update(rig, "a.1.1 FAILED by AGENT uuid " U2),
            "EVENT zmesos/UNCONFIRMED/a/1 #1 a.1 RUNNING #1 " U1 " by bank REPLACED\n"
            "EVENT task/a/FAILED #4 rev 4\n"
            "EVENT mesos/UPDATE/a/1 #2 rev 4\n");
    rig_show(rig, SHOW_CALLS | SHOW_REPLIES);
    assert_non_null(strstr(in_confirm(rig, "bank", "a.1 " U1),
            "[a NOT_FOUND \"what waits of this attempt is TASK_FAILED, uuid "));
    assert_non_null(strstr(in_confirm(rig, "bank", "a.1 " U2), ACK("a.1.1", U2)));
}

static void without_uuid_or_consumer(void **state)
{
    struct rig *rig = launched(state);
    expect(in_update(rig, "a.1.1 RUNNING by MASTER because RECONCILIATION"), "");
    assert_false(shown(rig, "a", 1)->has_unconfirmed_since_ns);
    /* A state that overtakes it changes the task; the update comes all the same, and is kept. */
    in_update(rig, "a.1.1 FINISHED by MASTER because RECONCILIATION");
    expect_state(rig, "a", "FINISHED");
    expect(in_update(rig, "a.1.1 FINISHED by EXECUTOR uuid " U1), "");
    assert_true(shown(rig, "a", 1)->has_unconfirmed_since_ns);
    in_launch(rig, "b");
    place(rig, "A1", "");
    expect(in_update(rig, "b.2.1 RUNNING by EXECUTOR uuid " U1), ACK("b.2.1", U1));
}

/* Of no task of ours, or one of a state we do not know. */
static void orphans_have_no_consumer(void **state)
{
    struct rig *rig = launched(state);
    expect(in_update(rig, "x.7.1 FINISHED by EXECUTOR uuid " U1), ACK("x.7.1", U1));
    assert_non_null(strstr(in_update(rig, "y RUNNING by EXECUTOR uuid " U1), ACK("y", U1)));
}

/* ---- the time limit ---- */

static void acknowledged_after_its_time(void **state)
{
    struct rig *rig = launched(state);
    in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid " U1);
    rig_show(rig, SHOW_CALLS | SHOW_EVENTS);
    assert_false(has_line(in_wait(rig, 59999), "CALL ACKNOWLEDGE a.1.1 A1 " U1));
    expect(in_wait(rig, 1), "+1 EVENT zmesos/UNCONFIRMED/a/1 #1 a.1 RUNNING #1 " U1 " by bank ACKNOWLEDGED\n"
                            "+1 " ACK("a.1.1", U1));
    rig_show(rig, SHOW_CALLS | SHOW_REPLIES);
    const char *text = in_confirm(rig, "bank", "a.1 " U1);
    assert_non_null(strstr(text, "[a OK RUNNING rev 3 known \"its time limit had passed"));
    assert_null(strstr(text, "CALL"));
    expect(in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid " U1), ACK("a.1.1", U1));
}

static void a_minute_by_default(void **state)
{
    struct rig *rig = launched_as(state, "consumer bank - -", NULL);
    in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid " U1);
    rig_show(rig, SHOW_CALLS);
    assert_null(strstr(in_wait(rig, 59999), "ACKNOWLEDGE"));
    assert_non_null(strstr(in_wait(rig, 1), "ACKNOWLEDGE"));
}

/* For ever: told once, also over restarts. */
static void or_it_waits_on(void **state)
{
    struct rig *rig = launched_as(state, "consumer bank 60000 WAIT", NULL);
    in_update(rig, "a.1.1 FINISHED by EXECUTOR uuid " U1);
    rig_show(rig, SHOW_CALLS | SHOW_EVENTS);
    assert_null(strstr(in_wait(rig, 59999), "UNCONFIRMED"));
    expect(in_wait(rig, 1), "+1 EVENT zmesos/UNCONFIRMED/a/1 #1 a.1 FINISHED #1 " U1 " by bank late LATE\n");
    rig_restart(rig);
    in_up(rig);
    rig_show(rig, SHOW_CALLS | SHOW_EVENTS);
    const char *text = in_wait(rig, (int64_t)30 * 24 * 3600 * 1000);
    assert_null(strstr(text, "ACKNOWLEDGE"));
    assert_null(strstr(text, "UNCONFIRMED"));
    rig_show(rig, SHOW_CALLS | SHOW_REPLIES);
    assert_non_null(strstr(in_unconfirmed(rig, NULL, 0, 10), U1 " by bank late of 1"));
    assert_non_null(strstr(in_confirm(rig, "bank", "a.1 " U1), ACK("a.1.1", U1)));
}

/* The wall's time counts; but nobody can confirm while there is no zmesosd. */
static void the_limit_over_restarts(void **state)
{
    struct rig *rig = launched(state);
    in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid " U1);
    in_wait(rig, 20000);
    rig->now.wall_ns += (int64_t)15000 * 1000000; /* away */
    rig_restart(rig);
    in_up(rig);
    rig_show(rig, SHOW_CALLS);
    assert_null(strstr(in_wait(rig, 24999), "ACKNOWLEDGE"));
    assert_non_null(strstr(in_wait(rig, 1), "ACKNOWLEDGE"));

    in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid " U2);
    rig->now.wall_ns += (int64_t)3600 * 1000 * 1000000;
    rig_restart(rig);
    in_up(rig);
    assert_null(strstr(in_wait(rig, 9999), "ACKNOWLEDGE"));
    assert_non_null(strstr(in_wait(rig, 1), "ACKNOWLEDGE"));
}

/* ---- subscriptions and restarts ---- */

static void confirmed_while_there_is_no_subscription(void **state)
{
    struct rig *rig = launched(state);
    in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid " U1);
    in_down(rig, "gone");
    const char *text = in_confirm(rig, "bank", "a.1 " U1);
    assert_null(strstr(text, "CALL"));
    assert_non_null(strstr(text, "OK [a OK RUNNING rev 3]\n"));
    in_up(rig);
    assert_true(
            has_line(in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid " U1), "CALL ACKNOWLEDGE a.1.1 A1 " U1));
    /* Its time ends there as well. */
    in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid " U2);
    in_down(rig, "gone");
    rig_show(rig, SHOW_CALLS);
    expect(in_wait(rig, 70000), "");
    in_up(rig);
    assert_true(
            has_line(in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid " U2), "CALL ACKNOWLEDGE a.1.1 A1 " U2));
}

static void confirmed_after_a_restart(void **state)
{
    struct rig *rig = launched(state);
    in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid " U1);
    rig_restart(rig);
    in_up(rig);
    assert_non_null(strstr(in_unconfirmed(rig, "bank", 0, 10), " a.1 RUNNING #1 " U1 " by bank of 1\n"));
    assert_non_null(
            strstr(in_confirm(rig, "bank", "a.1 " U1), ACK("a.1.1", U1))); /* not waiting for the agent */
    rig_restart(rig);
    in_up(rig);
    assert_true(
            has_line(in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid " U1), "CALL ACKNOWLEDGE a.1.1 A1 " U1));
    assert_non_null(strstr(in_confirm(rig, "bank", "a.1 " U1), "known"));
}

/* The bytes too are there after a restart, for a consumer that was not listening. */
static void the_event_is_kept(void **state)
{
    struct rig *rig = launched(state);
    in_update(rig, "a.1.1 FAILED by EXECUTOR uuid " U1 " : because of that");
    rig_restart(rig);
    in_unconfirmed(rig, "bank", 0, 10);
    const Zmesos__V1__UnconfirmedUpdates *page = rig->out.items[0].reply.reply->unconfirmed;
    assert_int_equal(page->n_updates, 1);
    ProtobufCBinaryData bytes = page->updates[0]->event;
    Mesos__V1__Scheduler__Event *event = mesos__v1__scheduler__event__unpack(NULL, bytes.len, bytes.data);
    assert_non_null(event);
    assert_string_equal(event->update->status->message, "because of that");
    mesos__v1__scheduler__event__free_unpacked(event, NULL);
}

static void a_restored_backup(void **state)
{
    struct rig *rig = launched(state);
    in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid " U1);
    rig_backup(rig);
    in_confirm(rig, "bank", "a.1 " U1);
    in_down(rig, "");
    rig_load_backup(rig);
    rig_restore(rig, "another");
    in_up(rig);
    assert_non_null(strstr(in_unconfirmed(rig, "bank", 0, 10), U1)); /* confirmed, and forgotten */
    in_update(rig, "a.1.1 FINISHED by EXECUTOR uuid " U2);
    assert_non_null(strstr(in_confirm(rig, "bank", "a.1 " U2), ACK("a.1.1", U2)));
}

/* Its tasks are nobody's business any more: nothing is sent, and the consumer still has its due. */
/* What the original of a restored store launched meanwhile is that task's attempt, its consumer's too. */
static void an_attempt_that_is_found(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "a consumer bank 60000 ACKNOWLEDGE");
    rig_restore(rig, "another");
    in_up(rig);
    rig_show(rig, SHOW_CALLS);
    expect(in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid " U1), "");
    assert_true(shown(rig, "a", 1)->has_unconfirmed_since_ns);
    rig_show(rig, SHOW_CALLS);
    expect(in_confirm(rig, "bank", "a.1 " U1), ACK("a.1.1", U1));
}

static void a_framework_that_was_removed(void **state)
{
    struct rig *rig = launched(state);
    in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid " U1);
    in_down(rig, "");
    in_removed(rig, "framework-2");
    in_up(rig);
    const char *text = in_confirm(rig, "bank", "a.1 " U1);
    assert_null(strstr(text, "CALL"));
    assert_non_null(strstr(text, "[a OK"));
}

/* ---- tasks ---- */

/* The state is known: what follows from it does not wait. */
static void a_retry_does_not_wait(void **state)
{
    struct rig *rig = launched_as(state, "consumer bank 60000 WAIT tries 2 backoff 0", NULL);
    in_update(rig, "a.1.1 FAILED by EXECUTOR uuid " U1);
    expect(place(rig, "A1", ""), "a.1.2");
    in_update(rig, "a.1.2 RUNNING by EXECUTOR uuid " U2);
    assert_true(shown(rig, "a", 1)->has_unconfirmed_since_ns);
    assert_true(shown(rig, "a", 2)->has_unconfirmed_since_ns);
    assert_non_null(strstr(in_unconfirmed(rig, "bank", 0, 10),
            " a.1 FAILED #1 " U1 " by bank, a.2 RUNNING #2 " U2 " by bank of 2\n"));
    const char *text = in_confirm(rig, "bank", "a.2 " U2 " | a.1 " U1);
    assert_non_null(strstr(text, ACK("a.1.2", U2) ACK("a.1.1", U1)));
    expect_state(rig, "a", "RUNNING");
}

static void one_that_was_given_up(void **state)
{
    struct rig *rig = launched_as(
            state, "consumer bank 3600000 WAIT tries 2 on UNREACHABLE replace 60000 backoff 0", NULL);
    in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid " U1);
    in_update(rig, "a.1.1 UNREACHABLE by MASTER");
    /* Confirming is no word of Mesos: how long it is unreachable does not begin anew. */
    in_wait(rig, 50000);
    in_confirm(rig, "bank", "a.1 " U1);
    in_wait(rig, 10000);
    expect(place(rig, "A2", ""), "a.1.2");
    assert_null(strstr(in_update(rig, "a.1.1 KILLED by EXECUTOR uuid " U2), ACK("a.1.1", U2)));
    assert_true(shown(rig, "a", 1)->has_unconfirmed_since_ns);
    assert_non_null(strstr(in_confirm(rig, "bank", "a.1 " U2), ACK("a.1.1", U2)));
}

/* The agent is gone, and nobody waits for the word; the consumer is to have it all the same. */
static void an_agent_that_is_gone(void **state)
{
    struct rig *rig = launched(state);
    in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid " U1);
    in_update(rig, "a.1.1 GONE by MASTER");
    expect_state(rig, "a", "GONE");
    assert_non_null(strstr(in_unconfirmed(rig, "bank", 0, 10), U1));
    assert_non_null(strstr(in_confirm(rig, "bank", "a.1 " U1), "[a OK GONE"));
}

static void forget_soon(struct core_config *config)
{
    config->keep_tasks_ms = 100000;
}

static void not_forgotten_before(void **state)
{
    struct rig *rig = launched_as(state, "consumer bank 1000 WAIT", forget_soon);
    in_update(rig, "a.1.1 FINISHED by EXECUTOR uuid " U1);
    in_wait(rig, 1000000);
    rig_restart(rig);
    in_up(rig);
    in_wait(rig, 1000000);
    expect_state(rig, "a", "FINISHED");
    in_confirm(rig, "bank", "a.1 " U1);
    /* A consumer that did not get the reply can ask again, for as long as any task that is over is known. */
    in_wait(rig, 50000);
    rig_restart(rig);
    in_up(rig);
    in_wait(rig, 49000);
    assert_non_null(strstr(in_confirm(rig, "bank", "a.1 " U1), "known"));
    in_wait(rig, 3000);
    assert_null(look(rig, "a"));
    assert_int_equal(rig->forgotten, 1);
    assert_non_null(strstr(
            in_confirm(rig, "bank", "a.1 " U1), "NOT_FOUND \"no such task\" confirm.updates[0].task_id"));
}

static void keep_none(struct core_config *config)
{
    config->keep_tasks = 0;
}

/* Nor does it count among those that are over; one that was lost goes the same way. */
static void not_forgotten_for_their_number(void **state)
{
    struct rig *rig = launched_as(state, "consumer bank 1000 WAIT", keep_none);
    in_update(rig, "a.1.1 FINISHED by EXECUTOR uuid " U1);
    in_launch(rig, "b");
    place(rig, "A1", "");
    in_update(rig, "b.2.1 FINISHED by EXECUTOR uuid " U2);
    in_wait(rig, 2000);
    assert_null(look(rig, "b"));
    expect_state(rig, "a", "FINISHED");
    in_confirm(rig, "bank", "a.1 " U1);
    in_wait(rig, 2000);
    assert_null(look(rig, "a"));
}

static void killed_meanwhile(void **state)
{
    struct rig *rig = launched(state);
    in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid " U1);
    assert_non_null(strstr(in_kill(rig, "a"), "CALL KILL a.1.1 A1\n"));
    in_confirm(rig, "bank", "a.1 " U1);
    expect(in_update(rig, "a.1.1 KILLED by EXECUTOR uuid " U2), "");
    expect_state(rig, "a", "KILLED");
    assert_non_null(strstr(in_confirm(rig, "bank", "a.1 " U2), ACK("a.1.1", U2)));
}

/* ---- what is refused ---- */

static void what_a_confirm_can_get_wrong(void **state)
{
    struct rig *rig = launched(state);
    in_launch(rig, "b | c consumer other 60000 WAIT");
    static const struct {
        const char *consumer, *updates, *words;
    } cases[] = {
            {"bank", "a.1 " U1, "[a NOT_FOUND \"nothing of this attempt waits\" confirm.updates[0].uuid]"},
            {"bank", "z.1 " U1, "[z NOT_FOUND \"no such task\" confirm.updates[0].task_id]"},
            {"bank", "b.1 " U1, "[b NOT_FOUND \"it has no consumer"},
            {"bank", "c.1 " U1, "[c CONFLICT \"its consumer is other\" confirm.updates[0].task_id]"},
            {"bank", "a.2 " U1, "[a NOT_FOUND \"it has 1 attempts\" confirm.updates[0].attempt]"},
            {"bank", "a.0 " U1, "confirm.updates[0].attempt]"},
            {"bank", "a.4294967295 " U1, "confirm.updates[0].attempt]"},
            {"bank", "a.1 short", "[a INVALID \"a uuid has 16 bytes\" confirm.updates[0].uuid]"},
            {"bank", "a.1 " U1 "x", "confirm.updates[0].uuid]"},
            {"bank", "", "INVALID \"a confirm has 1 to 1000 updates\" confirm.updates"},
            {"", "a.1 " U1, " confirm.consumer\n"},
            {"with/slash", "a.1 " U1, " confirm.consumer\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *text = in_confirm(rig, cases[i].consumer, cases[i].updates);
        if (!strstr(text, cases[i].words) || strstr(text, "CALL"))
            fail_msg("%s: %s", cases[i].words, text);
    }
    /* Each by itself. */
    in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid " U1);
    const char *text = in_confirm(rig, "bank", "z.1 " U1 " | a.1 " U1 " | a.1 " U1);
    assert_non_null(strstr(text, ACK("a.1.1", U1)));
    assert_non_null(strstr(text, "SOME_REFUSED \"1 of 3 were refused\" [z NOT_FOUND"));
    assert_non_null(strstr(text, "[a OK RUNNING rev 3] [a OK RUNNING rev 3 known]"));
}

static void how_many_at_once(void **state)
{
    struct rig *rig = launched(state);
    struct buf many;
    buf_init(&many, 0);
    for (int i = 0; i < 1000; i++)
        text_add(&many, "%sa.1 " U1, i ? " | " : "");
    text_add(&many, "%c", 0);
    const char *text = in_confirm(rig, "bank", (const char *)many.data);
    assert_non_null(strstr(text, "1000 of 1000 were refused"));
    text = in_confirm(rig, "bank", words(rig, "%s | a.1 " U1, (const char *)many.data));
    assert_non_null(strstr(text, " TOO_LARGE \"a confirm has 1 to 1000 updates\" confirm.updates\n"));
    buf_clear(&many);
}

static void what_a_specification_can_get_wrong(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    const char *long_name = words(rig, "%0200d", 1);
    const struct {
        const char *words, *then;
    } cases[] = {
            {"- - -", "INVALID \"a consumer has a name\" launch.tasks[0].consumer.name]"},
            {"a/b - -", "launch.tasks[0].consumer.name]"},
            {words(rig, "%s0 - -", long_name), "launch.tasks[0].consumer.name]"},
            {words(rig, "%s - -", long_name), "OK QUEUED"},
            {"n 0 -", "INVALID \"it is more than 0 and at most 30 days\" launch.tasks[0].consumer.timeout]"},
            {"n -1 -", "launch.tasks[0].consumer.timeout]"},
            {"n 2592000001 -", "launch.tasks[0].consumer.timeout]"},
            {"n 2592000000 WAIT", "OK QUEUED"},
    };
    rig_show(rig, SHOW_REPLIES);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *text = in_launch(rig, words(rig, "t%zu consumer %s", i, cases[i].words));
        if (!strstr(text, cases[i].then))
            fail_msg("%s: %s", cases[i].words, text);
    }
}

/* ---- many ---- */

static void in_pages(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    rig->unchecked = true;
    in_launch(rig, "a consumer bank - WAIT | b consumer other - WAIT | c consumer bank - WAIT | d consumer "
                   "bank - WAIT");
    place(rig, "A1", "");
    static const char *const ids[] = {"d.4", "b.2", "a.1", "c.3"};
    for (int i = 0; i < 4; i++)
        in_update(rig, words(rig, "%s.1 RUNNING by EXECUTOR uuid uuid-0000000000%d", ids[i], i));
    rig_show(rig, SHOW_REPLIES);
    for (int restart = 0; restart < 2;
            restart++) { /* recovered by tasks, told in the order in which they came */
        const char *text = in_unconfirmed(rig, "bank", 0, 2);
        assert_non_null(strstr(text, " d.1 RUNNING #1 uuid-00000000000 by bank, a.1 RUNNING #3 "));
        assert_non_null(strstr(text, " of 3 next 3\n"));
        text = in_unconfirmed(rig, "bank", 3, 2);
        assert_non_null(strstr(text, " c.1 RUNNING #4 uuid-00000000003 by bank of 3\n"));
        assert_non_null(strstr(
                in_unconfirmed(rig, NULL, 1, 1), " b.1 RUNNING #2 uuid-00000000001 by other of 4 next 2"));
        assert_non_null(strstr(in_unconfirmed(rig, "nobody", 0, 2), " OK of 0\n"));
        assert_non_null(
                strstr(in_unconfirmed(rig, "A1", 0, 2), " OK of 0\n")); /* the name of something else */
        rig_restart(rig);
    }
    assert_non_null(strstr(in_unconfirmed(rig, NULL, 0, 0), " INVALID "));
    assert_non_null(strstr(in_unconfirmed(rig, NULL, 0, 1000), " OK "));
    assert_non_null(strstr(in_unconfirmed(rig, NULL, 0, 1001), " TOO_LARGE "));
    assert_non_null(strstr(in_unconfirmed(rig, "", 0, 10), " unconfirmed.consumer\n"));
}

/* Against a list kept by hand: random updates and confirms, restarts. */
static void as_many_as_come(void **state)
{
    enum { TASKS = 300, STEPS = 3000 };
    struct rig *rig = rig_up(state, NULL);
    rig->unchecked = true;
    struct buf text;
    buf_init(&text, 0);
    for (int i = 0; i < TASKS; i++)
        text_add(&text, "%st%d cpus 0.001 consumer %s - WAIT", i ? " | " : "", i, i % 3 ? "bank" : "other");
    text_add(&text, "%c", 0);
    in_launch(rig, (const char *)text.data);
    buf_clear(&text);
    place(rig, "A1", "");
    int waits[TASKS] = {0}, count = 0; /* the number of its update; 0: none */
    uint32_t random = 12345;
    for (int step = 1; step <= STEPS; step++) {
        random = random * 1664525 + 1013904223;
        int i = (int)(random >> 8) % TASKS;
        if (waits[i] == 0) {
            in_update(rig, words(rig, "t%d.%d.1 RUNNING by EXECUTOR uuid uuid-%011d", i, i + 1, step));
            count++;
            waits[i] = step;
        } else {
            const char *said =
                    in_confirm(rig, i % 3 ? "bank" : "other", words(rig, "t%d.1 uuid-%011d", i, waits[i]));
            assert_non_null(strstr(
                    said, words(rig, "CALL ACKNOWLEDGE t%d.%d.1 A1 uuid-%011d\n", i, i + 1, waits[i])));
            count--;
            waits[i] = 0;
        }
        if (step % 500 == 0) {
            rig_restart(rig);
            in_up(rig);
        }
        if (step % 100 != 0)
            continue;
        in_unconfirmed(rig, NULL, 0, 1000);
        const Zmesos__V1__UnconfirmedUpdates *page = NULL;
        for (size_t o = 0; o < rig->out.count; o++) {
            if (rig->out.items[o].kind == CORE_OUT_REPLY)
                page = rig->out.items[o].reply.reply->unconfirmed;
        }
        assert_non_null(page);
        assert_int_equal(page->n_updates, count);
        assert_int_equal(page->total, count);
        for (size_t u = 0; u < page->n_updates; u++) {
            int t = atoi(page->updates[u]->task_id + 1);
            assert_memory_equal(page->updates[u]->uuid.data, words(rig, "uuid-%011d", waits[t]), 16);
            assert_true(u == 0 || page->updates[u]->number > page->updates[u - 1]->number);
        }
    }
}

static void room_for_two(struct core_config *config)
{
    config->unconfirmed_max = 2;
}

static void room_for_bytes(struct core_config *config)
{
    config->unconfirmed_bytes_max = 120;
}

/* What there is no room for is not acknowledged either: it comes again. */
static void no_more_than_there_is_room_for(void **state)
{
    void (*const changes[])(struct core_config *) = {room_for_two, room_for_bytes};
    for (size_t i = 0; i < 2; i++) {
        struct rig *rig = rig_up(state, changes[i]);
        in_launch(rig, "a consumer bank - WAIT | b consumer bank - WAIT | c consumer bank - WAIT");
        place(rig, "A1", "");
        rig_show(rig, SHOW_CALLS | SHOW_REPLIES);
        in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid " U1);
        in_update(rig, "b.2.1 RUNNING by EXECUTOR uuid " U2);
        expect(in_update(rig, "c.3.1 RUNNING by EXECUTOR uuid " U3), "");
        expect_state(rig, "c", "RUNNING");
        assert_int_equal(look_status(rig)->unconfirmed, 2);
        assert_non_null(strstr(in_confirm(rig, "bank", "c.1 " U3), "nothing of this attempt waits"));
        if (i == 0) /* in the place of its own */
            in_update(rig, "b.2.1 FINISHED by EXECUTOR uuid " U3);
        in_confirm(rig, "bank", "a.1 " U1);
        expect(in_update(rig, "c.3.1 RUNNING by EXECUTOR uuid " U3), "");
        assert_non_null(strstr(in_confirm(rig, "bank", "c.1 " U3), ACK("c.3.1", U3)));
        if (i == 0) {
            rig_destroy(rig);
            *state = NULL;
        }
    }
}

/* ---- rows that cannot be ---- */

static void rows_that_fit_nothing(void **state)
{
    struct rig *rig = launched(state);
    in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid " U1);
    in_launch(rig, "b");
    place(rig, "A1", "");
    const struct attempt_row good = rig->disk.tasks[0].attempts[0];
    assert_string_equal(good.pending_uuid, HEX1);
    for (int i = 0; i < 8; i++) {
        struct attempt_row row = good;
        struct error err;
        if (i == 1)
            row.pending_uuid = "";
        else if (i == 2)
            row.pending_uuid = HEX1 "0";
        else if (i == 3)
            row.pending_uuid = "X57569642d3030303030303030303031";
        else if (i == 4)
            row.pending_event = NULL;
        else if (i == 5)
            row.pending = 5;
        else if (i == 6)
            row.pending = -1;
        else if (i == 7)
            row.task_key = 2;
        struct record record = {.kind = RECORD_ATTEMPT, .attempt = row};
        int code = core_recover(rig->core, &record, NULL, rig->now, &err);
        assert_int_equal(code, i == 0 ? 0 : ERR_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(written_published_and_not_acknowledged),
            TEST(confirmed_and_then_acknowledged),
            TEST(a_repetition_is_not_asked_for_anew),
            TEST(a_late_repetition_of_an_older_one),
            TEST(another_update_takes_its_place),
            TEST(without_uuid_or_consumer),
            TEST(orphans_have_no_consumer),
            TEST(acknowledged_after_its_time),
            TEST(a_minute_by_default),
            TEST(or_it_waits_on),
            TEST(the_limit_over_restarts),
            TEST(confirmed_while_there_is_no_subscription),
            TEST(confirmed_after_a_restart),
            TEST(the_event_is_kept),
            TEST(a_restored_backup),
            TEST(an_attempt_that_is_found),
            TEST(a_framework_that_was_removed),
            TEST(a_retry_does_not_wait),
            TEST(one_that_was_given_up),
            TEST(an_agent_that_is_gone),
            TEST(not_forgotten_before),
            TEST(not_forgotten_for_their_number),
            TEST(killed_meanwhile),
            TEST(what_a_confirm_can_get_wrong),
            TEST(how_many_at_once),
            TEST(what_a_specification_can_get_wrong),
            TEST(in_pages),
            TEST(as_many_as_come),
            TEST(no_more_than_there_is_room_for),
            TEST(rows_that_fit_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
