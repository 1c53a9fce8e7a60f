/* Kills: of tasks that wait, that are on their way, that run, that are over; and that a KILL is repeated
 * until the task is over (PROTOCOL "Killing"). */
#include "rig.h"

#include <string.h>

/* A core with the task `a` RUNNING on A1. */
static struct rig *with_running_task(void)
{
    struct rig *rig = rig_create(NULL);
    in_up(rig);
    in_launch(rig, "a");
    in_offers(rig, "o1 A1 cpus 1");
    in_answer(rig, "o1", CORE_ACCEPTED, "");
    in_update(rig, "a.1.1 RUNNING by AGENT uuid u1");
    in_wait(rig, 3000); /* nothing waits: both roles are suppressed */
    return rig;
}

static void a_queued_task_is_cancelled_at_once(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_launch(rig, "a");
    expect(in_kill(rig, "a"), "RECORD task a KILLED rev 2 kill \"killed before it was launched\"\n"
                              "EVENT task/a/KILLED #2 rev 2\n"
                              "REPLY 2 OK [a OK KILLED rev 2]\n");
    in_up(rig);
    rig_show(rig, SHOW_CALLS);
    expect(in_offers(rig, "o1 A1 cpus 4"), "");
}

static void a_task_that_waits_out_a_backoff_is_cancelled(void **state)
{
    struct rig *rig = *state = with_running_task();
    in_launch(rig, "b");
    in_offers(rig, "o2 A2 cpus 1");
    in_update(rig, "b.2.1 DROPPED by AGENT uuid u because GC_ERROR on A2");
    expect(in_kill(rig, "b"), "RECORD task b KILLED rev 4 kill \"killed before it was launched again\"\n"
                              "EVENT task/b/KILLED #7 rev 4\n"
                              "REPLY 3 OK [b OK KILLED rev 4]\n");
    rig_show(rig, SHOW_EVENTS | SHOW_RECORDS);
    expect(in_wait(rig, 30000), "");
}

/* It may return: the wish is kept until then. */
static void a_task_that_is_lost_is_killed_when_it_returns(void **state)
{
    struct rig *rig = *state = with_running_task();
    in_update(rig, "a.1.1 LOST by MASTER");
    rig_show(rig, SHOW_RECORDS | SHOW_CALLS);
    expect(in_kill(rig, "a"), "RECORD task a LOST rev 5 kill\nCALL KILL a.1.1 A1\n");
    rig_restart(rig);
    rig_show(rig, SHOW_CALLS);
    in_up(rig);
    const char *text = in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid u9");
    assert_non_null(strstr(text, "CALL KILL a.1.1 A1\n"));
}

/* The wish is on disk before the KILL leaves. */
static void a_running_task_is_killed_until_it_is_over(void **state)
{
    struct rig *rig = *state = with_running_task();
    expect(in_kill(rig, "a"), "RECORD task a RUNNING rev 4 kill\n"
                              "CALL KILL a.1.1 A1\n"
                              "REPLY 2 OK [a OK RUNNING rev 4]\n");
    rig_show(rig, SHOW_CALLS);
    expect(in_wait(rig, 200000), /* after 5, 10, 20, 40 and then each 60 s */
            "+5000 CALL KILL a.1.1 A1\n"
            "+15000 CALL KILL a.1.1 A1\n"
            "+35000 CALL KILL a.1.1 A1\n"
            "+75000 CALL KILL a.1.1 A1\n"
            "+135000 CALL KILL a.1.1 A1\n"
            "+195000 CALL KILL a.1.1 A1\n");
    in_update(rig, "a.1.1 KILLING by AGENT uuid u2");
    expect(in_wait(rig, 56000), "+55000 CALL KILL a.1.1 A1\n");
    in_update(rig, "a.1.1 KILLED by AGENT uuid u3");
    expect(in_wait(rig, 200000), "");
}

static void asked_twice_it_is_written_once(void **state)
{
    struct rig *rig = *state = with_running_task();
    in_kill(rig, "a");
    expect(in_kill(rig, "a a"), "REPLY 3 OK [a OK RUNNING rev 4] [a OK RUNNING rev 4]\n");
}

static void a_policy_goes_with_the_kill(void **state)
{
    struct rig *rig = *state = with_running_task();
    in_kill(rig, "a");
    /* A new policy is a new wish: written, and sent at once. */
    expect(in_kill_policy(rig, "a", 5), "RECORD task a RUNNING rev 5 kill policy\n"
                                        "CALL KILL a.1.1 A1 policy\n"
                                        "REPLY 3 OK [a OK RUNNING rev 5]\n");
    in_kill_policy(rig, "a", 6);
    rig_show(rig, SHOW_CALLS);
    expect(in_wait(rig, 5000), "+5000 CALL KILL a.1.1 A1 policy\n");
    rig_restart(rig);
    expect(in_up(rig), "CALL KILL a.1.1 A1 policy\nCALL RECONCILE a.1.1@A1\n");
}

static void a_kill_goes_again_after_a_reconnect(void **state)
{
    struct rig *rig = *state = with_running_task();
    in_kill(rig, "a");
    in_wait(rig, 40000);
    in_down(rig, "gone");
    rig_show(rig, SHOW_CALLS);
    expect(in_wait(rig, 300000), "");
    expect(in_up(rig), "CALL KILL a.1.1 A1\nCALL RECONCILE a.1.1@A1\n");
    in_update(rig, "a.1.1 RUNNING by MASTER because RECONCILIATION");
    /* From the shortest pause again. */
    expect(in_wait(rig, 16000), "+5000 CALL KILL a.1.1 A1\n+15000 CALL KILL a.1.1 A1\n");
}

static void a_kill_asked_for_while_away_goes_with_the_next_subscription(void **state)
{
    struct rig *rig = *state = with_running_task();
    in_down(rig, "gone");
    expect(in_kill(rig, "a"), "RECORD task a RUNNING rev 4 kill\nREPLY 2 OK [a OK RUNNING rev 4]\n");
    rig_restart(rig);
    rig_show(rig, SHOW_CALLS);
    expect(in_up(rig), "CALL KILL a.1.1 A1\nCALL RECONCILE a.1.1@A1\n");
}

/* A KILL while the agent is cut off is forgotten by the master. */
static void a_kill_goes_again_when_the_task_returns(void **state)
{
    struct rig *rig = *state = with_running_task();
    in_update(rig, "a.1.1 UNREACHABLE by MASTER");
    in_kill(rig, "a");
    rig_show(rig, SHOW_CALLS);
    expect(in_update(rig, "a.1.1 RUNNING by MASTER because AGENT_REREGISTERED"), "CALL KILL a.1.1 A1\n");
}

static void on_its_way_it_is_killed_after_the_accept(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_up(rig);
    in_launch(rig, "a");
    in_offers(rig, "o1 A1 cpus 1");
    expect(in_kill(rig, "a"), "RECORD task a LAUNCHING rev 3 kill\n"
                              "CALL KILL a.1.1 A1\n"
                              "REPLY 2 OK [a OK LAUNCHING rev 3]\n");
    expect(in_answer(rig, "o1", CORE_NOT_DONE, ""),
            "RECORD attempt 1.1 GONE on A1 \"the ACCEPT was not sent\"\n"
            "RECORD task a KILLED rev 4 kill \"killed before it started\"\n"
            "EVENT task/a/KILLED #3 rev 4\n");
}

static void the_kill_of_a_launch_that_was_lost_ends_it(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_up(rig);
    in_launch(rig, "a | b");
    in_offers(rig, "o1 A1 cpus 2");
    in_answer(rig, "o1", CORE_ACCEPTED, "");
    in_kill(rig, "a");
    rig_show(rig, SHOW_RECORDS | SHOW_CALLS);
    /* Not launched again after our KILL. */
    expect(in_update(rig, "a.1.1 DROPPED by AGENT uuid u because GC_ERROR : no"),
            "RECORD attempt 1.1 GONE on A1 \"no\" REASON_GC_ERROR\n"
            "RECORD task a KILLED rev 4 kill \"killed before it started\"\n"
            "CALL ACKNOWLEDGE a.1.1 A1 u\n");
    /* The master answers a KILL of a task it does not know as it would a RECONCILE. */
    in_kill(rig, "b");
    expect(in_update(rig, "b.2.1 GONE by MASTER because RECONCILIATION"),
            "RECORD attempt 2.1 GONE on A1 REASON_RECONCILIATION\n"
            "RECORD task b KILLED rev 4 kill \"killed before it started\"\n");
}

static void gone_after_a_kill_reads_killed(void **state)
{
    struct rig *rig = *state = with_running_task();
    in_kill(rig, "a");
    rig_show(rig, SHOW_RECORDS);
    expect(in_update(rig, "a.1.1 GONE by MASTER because RECONCILIATION : gone"),
            "RECORD attempt 1.1 GONE on A1 \"gone\" REASON_RECONCILIATION\n"
            "RECORD task a KILLED rev 5 kill \"gone\" REASON_RECONCILIATION\n");
}

static void over_stays_over(void **state)
{
    struct rig *rig = *state = with_running_task();
    in_update(rig, "a.1.1 FINISHED by AGENT uuid u2");
    expect(in_kill(rig, "a"), "REPLY 2 OK [a OK FINISHED rev 4]\n");
}

static void unknown_tasks_are_not_found(void **state)
{
    struct rig *rig = *state = with_running_task();
    expect(in_kill(rig, "b a"),
            "RECORD task a RUNNING rev 4 kill\n"
            "CALL KILL a.1.1 A1\n"
            "REPLY 2 SOME_REFUSED \"1 of 2 were refused\" [b NOT_FOUND \"no such task\" kill.task_ids[0]] "
            "[a OK RUNNING rev 4]\n");
}

static void by_label(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_launch(rig, "a label job=x | b label job=y | c label job=x label other=1 | d | e label job=x");
    in_kill(rig, "e");
    rig_show(rig, SHOW_REPLIES);
    expect(in_kill_label(rig, "job", "x"), "REPLY 3 OK [a OK KILLED rev 2] [c OK KILLED rev 2] of 2\n");
    expect(in_kill_label(rig, "job", NULL), "REPLY 4 OK [b OK KILLED rev 2] of 1\n");
    expect(in_kill_label(rig, "job", NULL), "REPLY 5 OK of 0\n");
    expect(in_kill_label(rig, "", NULL), "REPLY 6 INVALID \"a label needs a key\" kill.label.key\n");
}

static void labels_are_known_after_a_restart(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_launch(rig, "a label job=x label empty");
    rig_restart(rig);
    rig_show(rig, SHOW_REPLIES);
    expect(in_kill_label(rig, "empty", "x"), "REPLY 2 OK of 0\n");
    expect(in_kill_label(rig, "empty", NULL), "REPLY 3 OK [a OK KILLED rev 2] of 1\n");
}

static void it_names_tasks_or_a_label(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    expect(in_kill(rig, ""), "REPLY 1 INVALID \"a kill names either tasks or a label\" kill.task_ids\n");
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_KILL);
    Mesos__V1__Label label = MESOS__V1__LABEL__INIT;
    char id[] = "a", *ids[CORE_KILL_MAX + 1];
    for (size_t i = 0; i <= CORE_KILL_MAX; i++)
        ids[i] = id;
    label.key = id;
    request->kill->label = &label;
    request->kill->task_ids = ids;
    request->kill->n_task_ids = 1;
    expect(in_request(rig, request),
            "REPLY 2 INVALID \"a kill names either tasks or a label\" kill.task_ids\n");
    request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_KILL);
    request->kill->task_ids = ids;
    request->kill->n_task_ids = CORE_KILL_MAX + 1;
    expect(in_request(rig, request),
            "REPLY 3 TOO_LARGE \"a kill names at most 10000 tasks\" kill.task_ids\n");
    request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_KILL);
    request->kill->task_ids = ids;
    request->kill->n_task_ids = CORE_KILL_MAX;
    rig_show(rig, 0);
    in_request(rig, request);
    assert_int_equal(rig->out.items[0].reply.reply->items->n_items, CORE_KILL_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(a_queued_task_is_cancelled_at_once),
            TEST(a_task_that_waits_out_a_backoff_is_cancelled),
            TEST(a_task_that_is_lost_is_killed_when_it_returns),
            TEST(a_running_task_is_killed_until_it_is_over),
            TEST(asked_twice_it_is_written_once),
            TEST(a_policy_goes_with_the_kill),
            TEST(a_kill_goes_again_after_a_reconnect),
            TEST(a_kill_asked_for_while_away_goes_with_the_next_subscription),
            TEST(a_kill_goes_again_when_the_task_returns),
            TEST(on_its_way_it_is_killed_after_the_accept),
            TEST(the_kill_of_a_launch_that_was_lost_ends_it),
            TEST(gone_after_a_kill_reads_killed),
            TEST(over_stays_over),
            TEST(unknown_tasks_are_not_found),
            TEST(by_label),
            TEST(labels_are_known_after_a_restart),
            TEST(it_names_tasks_or_a_label),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
