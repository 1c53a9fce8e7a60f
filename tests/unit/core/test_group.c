/* Groups: how they live and end, and when one is launched again. */
#include "rig.h"

#include <stdio.h>
#include <string.h>

/* a, b and c, placed and answered; only calls are shown. */
static struct rig *launched(void **state, void (*change)(struct core_config *config))
{
    struct rig *rig = rig_up(state, change);
    in_launch(rig, "a group g | b group g | c group g");
    in_offers(rig, "o1 A1 cpus 9 mem 999 disk 999");
    in_answer(rig, "o1", CORE_ACCEPTED, "");
    rig_show(rig, SHOW_CALLS);
    return rig;
}

static struct rig *running(void **state, void (*change)(struct core_config *config))
{
    struct rig *rig = launched(state, change);
    in_update(rig, "a.1.1 RUNNING");
    in_update(rig, "b.2.1 RUNNING");
    in_update(rig, "c.3.1 RUNNING");
    return rig;
}

static void expect_states(struct rig *rig, const char *a, const char *b, const char *c)
{
    expect(look_states(rig, "a"), a);
    expect(look_states(rig, "b"), b);
    expect(look_states(rig, "c"), c);
}

static const char *offer_room(struct rig *rig, const char *id, const char *agent)
{
    return in_offers(rig, words(rig, "%s %s cpus 3.1 mem 64 disk 64", id, agent));
}

#define AGAIN(executor)                                                                                      \
    "CALL ACCEPT o2 GROUP 3 (group.a.1." executor " cpus 0.1 mem 64 disk 64) [a.1." executor                 \
    " cpus 1] [b.2." executor " cpus 1] [c.3." executor " cpus 1]\n"

/* ---- each has states of its own ---- */

static void one_that_finishes_leaves_the_others(void **state)
{
    struct rig *rig = running(state, NULL);
    in_update(rig, "b.2.1 FINISHED");
    expect_states(rig, "RUNNING | RUNNING", "FINISHED | FINISHED", "RUNNING | RUNNING");
    assert_null(strstr(in_wait(rig, 60000), "KILL"));
    in_update(rig, "a.1.1 FINISHED");
    in_update(rig, "c.3.1 FINISHED");
    expect_states(rig, "FINISHED | FINISHED", "FINISHED | FINISHED", "FINISHED | FINISHED");
}

static void one_that_fails_ends_the_others(void **state)
{
    struct rig *rig = running(state, NULL);
    in_update(rig, "b.2.1 FAILED");
    in_update(rig, "a.1.1 KILLED"); /* as Mesos's executor does it */
    const char *text = in_wait(rig, 4999);
    assert_null(strstr(text, "KILL "));
    text = in_wait(rig, 1);
    assert_int_equal(count_lines(text, "CALL KILL c.3.1 A1"), 1);
    assert_null(strstr(text, "a.1.1"));
    in_update(rig, "c.3.1 KILLED");
    expect_states(rig, "KILLED | KILLED", "FAILED | FAILED", "KILLED | KILLED");
    assert_null(strstr(in_wait(rig, 600000), "KILL "));
}

/* The wish is no row: it follows from them. */
static void so_it_is_after_a_restart(void **state)
{
    struct rig *rig = running(state, NULL);
    in_update(rig, "b.2.1 FAILED");
    rig_restart(rig);
    const char *text = in_up(rig);
    assert_int_equal(count_lines(text, "CALL KILL a.1.1 A1"), 1);
    assert_int_equal(count_lines(text, "CALL KILL c.3.1 A1"), 1);
    in_update(rig, "a.1.1 KILLED");
    in_update(rig, "c.3.1 KILLED");
    expect_states(rig, "KILLED | KILLED", "FAILED | FAILED", "KILLED | KILLED");
}

static void one_that_is_lost_may_return(void **state)
{
    struct rig *rig = running(state, NULL);
    in_update(rig, "b.2.1 LOST");
    assert_null(strstr(in_wait(rig, 60000), "KILL "));
    in_update(rig, "b.2.1 RUNNING");
    expect_states(rig, "RUNNING | RUNNING", "RUNNING | RUNNING", "RUNNING | RUNNING");
}

static void refused_by_the_master(void **state)
{
    struct rig *rig = launched(state, NULL);
    for (const char *const *id = (const char *const[]){"a.1.1", "b.2.1", "c.3.1", NULL}; *id; id++)
        expect(in_update(rig, words(rig, "%s ERROR by MASTER because TASK_GROUP_INVALID : no", *id)), "");
    expect_states(rig, "ERROR | ERROR", "ERROR | ERROR", "ERROR | ERROR");
    assert_null(strstr(in_wait(rig, 600000), "KILL "));
}

/* ---- killed ---- */

static void a_kill_of_one_that_waits(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "a group g | b group g | c group g | x");
    rig_show(rig, SHOW_REPLIES);
    expect(in_kill(rig, "b"), "REPLY 2 OK [b OK KILLED rev 2]\n");
    expect_states(rig, "KILLED kill", "KILLED kill", "KILLED kill");
    expect_state(rig, "x", "QUEUED");
    rig_show(rig, SHOW_CALLS);
    expect(offer_room(rig, "o1", "A1"), "CALL ACCEPT o1 [x.4.1 cpus 1]\n");
}

static void a_kill_of_one_that_runs(void **state)
{
    struct rig *rig = running(state, NULL);
    expect(in_kill(rig, "b"), "CALL KILL a.1.1 A1\nCALL KILL b.2.1 A1\nCALL KILL c.3.1 A1\n");
    in_update(rig, "b.2.1 KILLED");
    in_update(rig, "a.1.1 GONE");
    assert_int_equal(count_lines(in_wait(rig, 5000), "CALL KILL c.3.1 A1"), 1);
    in_update(rig, "c.3.1 FINISHED");
    expect_states(rig, "KILLED kill | GONE", "KILLED kill | KILLED", "FINISHED kill | FINISHED");
}

static void a_kill_of_all_by_name(void **state)
{
    struct rig *rig = running(state, NULL);
    in_kill_policy(rig, "c a b a", 7000000000);
    assert_int_equal(rig->CALLS(KILL), 3);
}

static void a_kill_by_label(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "a group g | b group g label k=v | c group g");
    in_kill_label(rig, "k", "v");
    expect_states(rig, "KILLED kill", "KILLED kill", "KILLED kill");
}

/* ---- launched again ---- */

static void an_accept_that_was_not_sent(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "a group g | b group g | c group g");
    offer_room(rig, "o1", "A1");
    in_answer(rig, "o1", CORE_NOT_DONE, "gone");
    expect_states(rig, "QUEUED | GONE", "QUEUED | GONE", "QUEUED | GONE");
    rig_show(rig, SHOW_CALLS);
    expect(offer_room(rig, "o2", "A2"), AGAIN("2"));
}

static void an_accept_that_was_refused(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "a group g | b group g | c group g");
    offer_room(rig, "o1", "A1");
    rig_show(rig, SHOW_CALLS);
    assert_null(strstr(in_answer(rig, "o1", CORE_REFUSED, "bad"), "KILL "));
    expect_states(rig, "ERROR | ERROR", "ERROR | ERROR", "ERROR | ERROR");
}

#define DROPPED " DROPPED by AGENT uuid u1 because AGENT_RESTARTED"

/* Not before the last is proved. */
static void dropped_by_the_agent(void **state)
{
    struct rig *rig = launched(state, NULL);
    in_update(rig, "a.1.1" DROPPED);
    in_update(rig, "c.3.1" DROPPED);
    expect_states(rig, "LAUNCHING | GONE", "LAUNCHING | LAUNCHING", "LAUNCHING | GONE");
    expect_words(rig, "a", "never ran", "waits");
    rig_restart(rig);
    const char *text = in_up(rig);
    assert_null(strstr(text, "a.1.1"));
    rig_show(rig, SHOW_CALLS);
    expect(in_offers(rig, "o9 A1 cpus 3.1 mem 64 disk 64"), "");
    in_wait(rig, 600000);
    in_update(rig, "b.2.1" DROPPED);
    expect_states(rig, "QUEUED | GONE", "QUEUED | GONE", "QUEUED | GONE");
    assert_true(look(rig, "a")->has_retry_ns);
    in_wait(rig, 1000);
    expect(offer_room(rig, "o2", "A2"), AGAIN("2"));
    in_update(rig, "a.1.2 RUNNING");
    expect_states(
            rig, "RUNNING | GONE | RUNNING", "LAUNCHING | GONE | LAUNCHING", "LAUNCHING | GONE | LAUNCHING");
}

#define ABSENT " GONE by MASTER because RECONCILIATION"

static void absent_after_a_reconciliation(void **state)
{
    struct rig *rig = launched(state, NULL);
    in_down(rig, "away");
    in_up(rig);
    in_update(rig, "a.1.1" ABSENT);
    in_update(rig, "b.2.1" ABSENT);
    expect_states(rig, "LAUNCHING | GONE", "LAUNCHING | GONE", "LAUNCHING | LAUNCHING");
    in_update(rig, "c.3.1" ABSENT);
    expect_states(rig, "QUEUED | GONE", "QUEUED | GONE", "QUEUED | GONE");
    in_wait(rig, 1000);
    expect(offer_room(rig, "o2", "A2"), AGAIN("2"));
}

/* One of them has run, so all may have: nothing is launched again, and what lives is ended. */
static void absent_beside_one_that_runs(void **state)
{
    struct rig *rig = launched(state, NULL);
    in_down(rig, "away");
    in_up(rig);
    in_update(rig, "a.1.1" ABSENT);
    in_update(rig, "b.2.1 RUNNING");
    expect_states(rig, "GONE | GONE", "RUNNING | RUNNING", "LAUNCHING | LAUNCHING");
    expect_words(rig, "a", "never ran", "others");
    in_update(rig, "c.3.1" ABSENT);
    expect_state(rig, "c", "GONE");
    assert_int_equal(count_lines(in_wait(rig, 5000), "CALL KILL b.2.1 A1"), 1);
    in_update(rig, "b.2.1 KILLED");
    expect(offer_room(rig, "o2", "A2"), "");
}

/* The other way round. */
static void one_that_ran_beside_those_absent(void **state)
{
    struct rig *rig = launched(state, NULL);
    in_down(rig, "away");
    in_up(rig);
    in_update(rig, "b.2.1 STARTING");
    in_update(rig, "b.2.1" ABSENT);
    expect_state(rig, "b", "GONE");
    in_update(rig, "a.1.1" ABSENT);
    in_update(rig, "c.3.1" ABSENT);
    expect_states(rig, "GONE | GONE", "GONE | GONE", "GONE | GONE");
    assert_null(strstr(in_wait(rig, 60000), "KILL "));
}

/* What is out of sight may run: those that never did wait for it. */
static void absent_beside_one_out_of_sight(void **state)
{
    struct rig *rig = launched(state, NULL);
    in_down(rig, "away");
    in_up(rig);
    in_update(rig, "a.1.1" ABSENT);
    in_update(rig, "b.2.1 UNREACHABLE");
    in_update(rig, "c.3.1" ABSENT);
    assert_null(strstr(in_wait(rig, 3600000), "KILL ")); /* of those that wait nothing is late */
    expect_states(rig, "LAUNCHING | GONE", "UNREACHABLE | UNREACHABLE", "LAUNCHING | GONE");
    in_update(rig, "b.2.1" ABSENT); /* it was cut off: its absence proves nothing */
    expect_states(rig, "GONE | GONE", "GONE | GONE", "GONE | GONE");
}

static void a_kill_while_some_wait(void **state)
{
    struct rig *rig = launched(state, NULL);
    in_update(rig, "a.1.1" DROPPED);
    expect(in_kill(rig, "c"), "CALL KILL b.2.1 A1\nCALL KILL c.3.1 A1\n");
    expect(look_states(rig, "a"), "KILLED kill | GONE");
    in_update(rig, "b.2.1" DROPPED);
    in_update(rig, "c.3.1" DROPPED);
    expect_states(rig, "KILLED kill | GONE", "KILLED kill | GONE", "KILLED kill | GONE");
}

static void a_group_that_does_not_start_in_time(void **state)
{
    struct rig *rig = launched(state, NULL);
    in_update(rig, "a.1.1 RUNNING");
    in_update(rig, "b.2.1 STARTING");
    in_wait(rig, 15 * 60000 - 1);
    assert_int_equal(rig->CALLS(KILL), 0);
    const char *text = in_wait(rig, 1);
    assert_int_equal(count_lines(text, "CALL KILL c.3.1 A1"), 1);
    in_update(rig, "c.3.1 KILLED");
    in_update(rig, "a.1.1 KILLED");
    in_update(rig, "b.2.1 KILLED");
    expect_states(rig, "KILLED | KILLED", "KILLED | KILLED", "FAILED | KILLED");
}

/* ---- what happens to all ---- */

static void it_waits_over_a_restart(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_launch(rig, "a group g | b group g | c group g");
    rig_restart(rig);
    in_up(rig);
    rig_show(rig, SHOW_CALLS);
    expect(in_offers(rig, "o1 A1 cpus 3 mem 64 disk 64"), "CALL DECLINE o1 for 3600 s\n");
    assert_non_null(strstr(offer_room(rig, "o2", "A1"), "GROUP 3"));
}

static void restored_and_released(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_launch(rig, "a group g | b group g | c group g | d group h | e group h | f group i | h group i");
    rig_restore(rig, "store-2");
    in_up(rig);
    rig_show(rig, SHOW_REPLIES);
    expect(in_release(rig, "RUN", "b x c"),
            "REPLY 2 SOME_REFUSED \"1 of 3 were refused\" [b OK QUEUED rev 3] "
            "[x NOT_FOUND \"no such task\" release.task_ids[1]] [c OK QUEUED rev 3]\n");
    expect(in_release(rig, "DROP", "e"), "REPLY 3 OK [e OK KILLED rev 4]\n");
    expect_states(rig, "QUEUED", "QUEUED", "QUEUED");
    expect(look_states(rig, "d"), "KILLED kill");
    expect(in_release(rig, "RUN", ""), "REPLY 4 OK [f OK QUEUED rev 3] [h OK QUEUED rev 3] of 2\n");
    assert_int_equal(look_status(rig)->held, 0);
    rig_show(rig, SHOW_CALLS);
    expect(offer_room(rig, "o1", "A1"),
            "CALL ACCEPT o1 GROUP 3 (group.a.1.1-rstore-2 cpus 0.1 mem 64 disk 64) [a.1.1-rstore-2 cpus 1] "
            "[b.2.1-rstore-2 cpus 1] [c.3.1-rstore-2 cpus 1]\n");
}

static void a_group_is_held_with_one_of_it(void **state)
{
    struct rig *rig = launched(state, NULL);
    in_update(rig, "a.1.1 RUNNING");
    rig_restore(rig, "store-2");
    in_up(rig);
    in_update(rig, "b.2.1" ABSENT);
    in_update(rig, "c.3.1" ABSENT);
    expect_states(rig, "RUNNING held | RUNNING", "GONE | GONE", "GONE | GONE");
    in_release(rig, "DROP", "");
    expect(look_states(rig, "a"), "RUNNING kill | RUNNING");
}

/* The history that was lost launched the group, and one of it ended unseen. */
static void found_in_part(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "a group g | b group g | c group g");
    rig_restore(rig, "store-2");
    in_up(rig);
    in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid u1 on A1");
    in_update(rig, "c.3.1 RUNNING by EXECUTOR uuid u2 on A1");
    expect(look_states(rig, "b"), "QUEUED held");
    in_release(rig, "RUN", "b");
    expect_states(rig, "RUNNING | RUNNING", "QUEUED", "RUNNING | RUNNING"); /* it may be found yet */
    in_wait(rig, 120000);
    expect_states(rig, "RUNNING | RUNNING", "GONE", "RUNNING | RUNNING");
    expect_words(rig, "b", "others of its group", "may have run");
    rig_restart(rig);
    in_up(rig);
    rig_show(rig, SHOW_CALLS);
    assert_null(strstr(in_wait(rig, 60000), "KILL "));
    assert_null(strstr(offer_room(rig, "o1", "A1"), "ACCEPT"));
    in_update(rig, "a.1.1 FAILED");
    assert_int_equal(count_lines(in_wait(rig, 5000), "CALL KILL c.3.1 A1"), 1);
}

/* All of it runs, and is told one by one, after a release that came at once. */
static void found_after_the_release(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "a group g | b group g | c group g");
    rig_restore(rig, "store-2");
    in_release(rig, "RUN", "");
    in_up(rig);
    rig_show(rig, SHOW_CALLS);
    static const char *const updates[] = {"a.1.1 RUNNING by EXECUTOR uuid u1 on A1",
            "b.2.1 RUNNING by EXECUTOR uuid u2 on A1", "c.3.1 RUNNING by EXECUTOR uuid u3 on A1"};
    for (size_t i = 0; i < sizeof updates / sizeof *updates; i++)
        assert_null(strstr(in_update(rig, updates[i]), "KILL"));
    expect_states(rig, "RUNNING | RUNNING", "RUNNING | RUNNING", "RUNNING | RUNNING");
    assert_null(strstr(in_wait(rig, 300000), "KILL"));
    expect_states(rig, "RUNNING | RUNNING", "RUNNING | RUNNING", "RUNNING | RUNNING");
}

static void few_are_kept(struct core_config *config)
{
    config->keep_tasks = 1;
    config->keep_tasks_ms = 100000;
}

static void forgotten_together(void **state)
{
    struct rig *rig = running(state, few_are_kept);
    rig_show(rig, SHOW_RECORDS);
    in_update(rig, "a.1.1 FINISHED");
    in_update(rig, "b.2.1 FINISHED");
    in_wait(rig, 200000);
    assert_int_equal(rig->forgotten, 0);
    rig_restart(rig);
    in_up(rig);
    in_wait(rig, 2000);
    assert_int_equal(rig->forgotten, 0);
    in_update(rig, "c.3.1 FINISHED");
    in_wait(rig, 2000);
    assert_int_equal(rig->forgotten, 3); /* three are more than one */
    assert_int_equal(rig->forgotten_once, 3);
    rig_show(rig, SHOW_REPLIES);
    assert_non_null(strstr(in_launch(rig, "a group g"), "[a OK QUEUED rev 1]")); /* the name is free */
}

static void kept_long(struct core_config *config)
{
    config->keep_tasks_ms = 100000;
}

/* As old as its last. */
static void forgotten_by_age(void **state)
{
    struct rig *rig = running(state, kept_long);
    in_update(rig, "a.1.1 FINISHED");
    in_wait(rig, 90000);
    in_update(rig, "b.2.1 FAILED");
    in_update(rig, "c.3.1 KILLED");
    in_wait(rig, 99000);
    assert_int_equal(rig->forgotten, 0);
    rig_restart(rig);
    in_wait(rig, 3000);
    assert_int_equal(rig->forgotten, 3);
    assert_int_equal(rig->forgotten_once, 3);
}

static void with_one_that_is_lost_it_goes_by_age(void **state)
{
    struct rig *rig = running(state, few_are_kept);
    in_update(rig, "a.1.1 FINISHED");
    in_update(rig, "b.2.1 LOST");
    in_update(rig, "c.3.1 FINISHED");
    in_wait(rig, 90000);
    assert_int_equal(rig->forgotten, 0);
    in_update(rig, "b.2.1 RUNNING");
    in_wait(rig, 200000);
    assert_int_equal(rig->forgotten, 0);
    in_update(rig, "b.2.1 LOST");
    in_wait(rig, 102000);
    assert_int_equal(rig->forgotten, 3);
}

/* Nobody is forgotten while a consumer has something to confirm of one of them. */
static void kept_for_a_consumer(void **state)
{
    struct rig *rig = rig_up(state, kept_long);
    in_launch(rig, "a group g | b group g consumer bank 1000000000 WAIT");
    in_offers(rig, "o1 A1 cpus 9 mem 999 disk 999");
    in_answer(rig, "o1", CORE_ACCEPTED, "");
    in_update(rig, "a.1.1 FINISHED by EXECUTOR uuid 0123456789abcdef");
    in_update(rig, "b.2.1 FINISHED by EXECUTOR uuid 0123456789abcdeg");
    in_wait(rig, 200000);
    assert_int_equal(rig->forgotten, 0);
    rig_restart(rig);
    in_wait(rig, 2000);
    assert_int_equal(rig->forgotten, 0);
    assert_non_null(strstr(in_confirm(rig, "bank", "b.1 0123456789abcdeg"), "OK"));
    in_wait(rig, 90000);
    assert_int_equal(rig->forgotten, 0);
    in_wait(rig, 12000);
    assert_int_equal(rig->forgotten, 2);
}

static void torn_down(void **state)
{
    struct rig *rig = launched(state, NULL);
    in_launch(rig, "d group h | e group h");
    in_update(rig, "a.1.1" DROPPED);
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_TEARDOWN);
    in_request(rig, request);
    request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_TEARDOWN);
    for (size_t i = 0; i < rig->out.count; i++) {
        if (rig->out.items[i].kind == CORE_OUT_REPLY)
            request->teardown->token = arena_string(&rig->in, rig->out.items[i].reply.reply->teardown->token);
    }
    in_request(rig, request);
    in_down(rig, "removed");
    in_removed(rig, "framework-2");
    expect_state(rig, "a", "KILLED");
    expect_state(rig, "b", "KILLED");
    expect_state(rig, "d", "KILLED");
    expect_state(rig, "e", "KILLED");
}

static void begun_again_as_another_framework(void **state)
{
    struct rig *rig = running(state, NULL);
    in_launch(rig, "d group h | e group h");
    in_down(rig, "removed");
    in_removed(rig, "framework-2");
    rig->config.framework_id = "framework-2";
    expect_states(rig, "LOST | LOST", "LOST | LOST", "LOST | LOST");
    in_up(rig);
    expect(in_offers(rig, "o2 A1 cpus 2.1 mem 64 disk 64"),
            "CALL ACCEPT o2 GROUP 2 (group.d.4.1 cpus 0.1 mem 64 disk 64) [d.4.1 cpus 1] [e.5.1 cpus 1]\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(one_that_finishes_leaves_the_others),
            TEST(one_that_fails_ends_the_others),
            TEST(so_it_is_after_a_restart),
            TEST(one_that_is_lost_may_return),
            TEST(refused_by_the_master),
            TEST(a_kill_of_one_that_waits),
            TEST(a_kill_of_one_that_runs),
            TEST(a_kill_of_all_by_name),
            TEST(a_kill_by_label),
            TEST(an_accept_that_was_not_sent),
            TEST(an_accept_that_was_refused),
            TEST(dropped_by_the_agent),
            TEST(absent_after_a_reconciliation),
            TEST(absent_beside_one_that_runs),
            TEST(one_that_ran_beside_those_absent),
            TEST(absent_beside_one_out_of_sight),
            TEST(a_kill_while_some_wait),
            TEST(a_group_that_does_not_start_in_time),
            TEST(it_waits_over_a_restart),
            TEST(restored_and_released),
            TEST(a_group_is_held_with_one_of_it),
            TEST(found_in_part),
            TEST(found_after_the_release),
            TEST(forgotten_together),
            TEST(forgotten_by_age),
            TEST(with_one_that_is_lost_it_goes_by_age),
            TEST(kept_for_a_consumer),
            TEST(torn_down),
            TEST(begun_again_as_another_framework),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
