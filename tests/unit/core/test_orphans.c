/* Tasks of this framework that are not known here, found alive: adopted or killed, as configured, and told of
 * once. What becomes of one that was adopted is in test_adopted.c. */
#include "rig.h"

#include <stdio.h>
#include <string.h>

static void kills(struct core_config *config)
{
    config->kill_orphans = true;
}

#define RUNNING " RUNNING by AGENT uuid u on A7"

/* The id under which it is adopted; "" where it is not, "killed" for that. It must be told of just once. */
static const char *found(struct rig *rig, const char *update)
{
    unsigned show = rig->show;
    rig->show = SHOW_ALL;
    in_update(rig, update);
    rig->show = show;
    const char *id = "";
    for (size_t i = 0; i < rig->out.count; i++) {
        const struct core_output *output = &rig->out.items[i];
        if (output->kind != CORE_OUT_EVENT || !output->event.orphan)
            continue;
        const Zmesos__V1__Orphan *orphan = output->event.orphan;
        assert_string_equal(id, "");
        assert_int_equal(output->event.class, ZMESOS__V1__EVENT_CLASS__ORPHAN);
        assert_string_equal(output->event.topic, words(rig, "zmesos/ORPHAN/%s", orphan->mesos_task_id));
        assert_int_equal(strncmp(update, orphan->mesos_task_id, strlen(orphan->mesos_task_id)), 0);
        assert_true(orphan->message && *orphan->message);
        id = words(rig, "%s", orphan->task_id ? orphan->task_id : "killed");
    }
    return id;
}

/* ---- adopt ------------------------------------------------------------------------------------------- */

static void the_id_it_had(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    expect(found(rig, "job.7.1" RUNNING), "job");
    expect(look_states(rig, "job"), "RUNNING adopted | RUNNING");
    const Zmesos__V1__Task *task = look(rig, "job");
    assert_string_equal(task->attempts[0]->mesos_task_id, "job.7.1");
    assert_string_equal(task->attempts[0]->agent_id, "A7");
    assert_int_equal(task->attempts[0]->number, 1);
    assert_string_equal(task->role, "r1");
    expect(found(rig, "with.dots.9.12" RUNNING), "with.dots");
    expect(found(rig, "of-another-making" RUNNING), "of-another-making");
    expect(found(rig, "no-key.1" RUNNING), "no-key.1");
    expect(found(rig, ".8.1" RUNNING), ".8.1"); /* nothing is before the key */
}

/* What clients see of it: one event of the task, in the state that it is in, and the update as one of the
 * task. */
static void how_it_is_told(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    rig_show(rig, SHOW_EVENTS | SHOW_CALLS);
    story_begin(rig);
    const char *text = in_update(rig, "job.7.1" RUNNING);
    expect_story(rig, "job:RUNNING/1 ");
    assert_int_equal(count_lines(text, "EVENT zmesos/ORPHAN/job.7.1 #1 job.7.1 on A7 ADOPTED as job"), 1);
    assert_non_null(strstr(text, "EVENT mesos/UPDATE/job/1 #1 rev "));
    assert_true(has_line(text, "CALL ACKNOWLEDGE job.7.1 A7 u"));
}

static void all_that_live(void **state)
{
    static const char *const states[] = {"STAGING", "STARTING", "RUNNING", "KILLING"};
    struct rig *rig = rig_up(state, NULL);
    for (size_t i = 0; i < 4; i++) {
        const char *id = words(rig, "t%zu", i);
        expect(found(rig, words(rig, "%s.%zu.1 %s by AGENT uuid u", id, 100 + i, states[i])), id);
        expect(look_states(rig, id), words(rig, "%s adopted | %s", states[i], states[i]));
    }
}

/* The answers to the implicit question, without uuid, count as well. */
static void by_reconciliation(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    expect(found(rig, "a.1.1 RUNNING by MASTER because RECONCILIATION"), "a");
    expect(found(rig, "a.1.1 RUNNING by MASTER because RECONCILIATION"), "");
    rig_restart(rig);
    in_up(rig);
    expect(found(rig, "a.1.1 RUNNING by MASTER because RECONCILIATION"), "");
}

static void an_id_that_is_taken(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "a | b.9.1");
    expect(place(rig, "A1", ""), "a.1.1 b.9.1.2.1");
    in_kill(rig, "b.9.1");
    expect(found(rig, "a.7.1" RUNNING), "a.7.1");
    expect_state(rig, "a", "LAUNCHING");
    expect(found(rig, "b.9.1" RUNNING), "b");
    /* Neither is free: it is adopted all the same, as something that is. */
    in_launch(rig, "c | c.9.1");
    const char *id = found(rig, "c.9.1" RUNNING);
    assert_string_not_equal(id, "");
    assert_string_not_equal(id, "c");
    assert_string_not_equal(id, "c.9.1");
    assert_true(look(rig, id)->adopted);
    assert_string_equal(look(rig, id)->attempts[0]->mesos_task_id, "c.9.1");
}

static const char *long_id(struct rig *rig, size_t length)
{
    char *id = words(rig, "%0*d", (int)length, 0);
    memset(id, 'x', length);
    return id;
}

static void ids_at_the_limit_and_past_it(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    const char *id = long_id(rig, 200);
    expect(found(rig, words(rig, "%s.7.1" RUNNING, id)), id);
    /* It is not free any more, and the whole is too long. */
    const char *other = found(rig, words(rig, "%s.8.1" RUNNING, id));
    assert_in_range(strlen(other), 1, 200);
    assert_string_not_equal(other, id);
    assert_string_equal(look(rig, other)->attempts[0]->mesos_task_id, words(rig, "%s.8.1", id));
    other = found(rig, words(rig, "%s.7.1" RUNNING, long_id(rig, 251)));
    assert_in_range(strlen(other), 1, 200);
    assert_true(look(rig, other)->adopted);
    id = long_id(rig, 196); /* the whole has just 200 bytes */
    in_launch(rig, id);
    expect(found(rig, words(rig, "%s.9.1" RUNNING, id)), words(rig, "%s.9.1", id));
}

/* The parts are those of a task we know, and yet it is no attempt of ours. */
static void what_is_nearly_ours(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "a");
    expect(place(rig, "A1", ""), "a.1.1");
    in_update(rig, "a.1.1 RUNNING by AGENT uuid u");
    expect(found(rig, "a.1.2" RUNNING), "a.1.2"); /* an attempt that was never made */
    expect(found(rig, "b.1.1" RUNNING), "b");     /* a key of another task */
    expect(look_states(rig, "a"), "RUNNING | RUNNING");
    assert_int_equal(look(rig, "a")->n_attempts, 1);
    in_update(rig, "a.1.2 FINISHED by AGENT uuid u on A7");
    expect_state(rig, "a", "RUNNING");
    expect_state(rig, "a.1.2", "FINISHED");
}

/* Tasks of another history come in any order, above all keys of ours: what is kept of their keys stays small.
 */
static void many_of_another_history(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    rig->unchecked = true;
    rig_show(rig, 0);
    for (int i = 0; i < 1000; i++)
        in_update(rig, words(rig, "t%d.%d.1 RUNNING by MASTER", i, 5000 + 10 * i));
    assert_in_range(strlen(disk_meta(&rig->disk, META_FOREIGN_KEYS)), 1, 1000);
    rig_check(rig);
    in_launch(rig, "t7 cpus 1 | x");
    place(rig, "A1", "");
    expect_state(rig, "x", "LAUNCHING");
}

/* ---- kill -------------------------------------------------------------------------------------------- */

static void killed_until_it_is_over(void **state)
{
    struct rig *rig = rig_up(state, kills);
    rig_show(rig, SHOW_CALLS);
    const char *text = in_update(rig, "job.7.1" RUNNING);
    expect(text, "CALL KILL job.7.1 A7\nCALL ACKNOWLEDGE job.7.1 A7 u\n");
    expect_state(rig, "job", "none");
    assert_int_equal(look_status(rig)->strays, 1);
    assert_int_equal(count_lines(in_wait(rig, 200000), "CALL KILL job.7.1 A7"), 6);
    expect(found(rig, "job.7.1" RUNNING), ""); /* told of once */
    in_down(rig, "gone");
    expect(in_wait(rig, 600000), "");
    assert_true(has_line(in_up(rig), "CALL KILL job.7.1 A7"));
    expect(in_update(rig, "job.7.1 KILLED by AGENT uuid v on A7"), "CALL ACKNOWLEDGE job.7.1 A7 v\n");
    assert_int_equal(look_status(rig)->strays, 0);
    assert_int_equal(count_lines(in_wait(rig, 600000), "CALL KILL job.7.1 A7"), 0);
}

static void each_sign_of_life(void **state)
{
    static const char *const states[] = {"STAGING", "STARTING", "RUNNING", "KILLING"};
    struct rig *rig = rig_up(state, kills);
    for (size_t i = 0; i < 4; i++)
        expect(found(rig, words(rig, "t%zu.7.1 %s by AGENT uuid u", i, states[i])), "killed");
    assert_int_equal(look_status(rig)->strays, 4);
}

static void an_agent_that_makes_an_offer(void **state)
{
    struct rig *rig = rig_up(state, kills);
    found(rig, "job.7.1" RUNNING);
    in_update(rig, "job.7.1 UNREACHABLE by MASTER on A7");
    rig_show(rig, SHOW_CALLS);
    assert_int_equal(count_lines(in_wait(rig, 60000), "CALL KILL job.7.1 A7"), 0);
    const char *text = words(rig, "%s", in_offers(rig, "o1 A7 cpus 1"));
    text = words(rig, "%s%s", text, in_wait(rig, 1000));
    assert_true(has_line(text, "CALL KILL job.7.1 A7"));
}

/* Our next task may have its id, and must not have its Mesos id: it would be killed in its place. */
static void a_key_of_an_orphan_that_is_killed(void **state)
{
    struct rig *rig = rig_up(state, kills);
    expect(found(rig, "b.1.1" RUNNING), "killed");
    in_launch(rig, "b");
    const char *id = place(rig, "A1", "");
    assert_string_not_equal(id, "");
    assert_string_not_equal(id, "b.1.1");
    rig_restart(rig);
    in_up(rig);
    expect(look_states(rig, "b"), "LAUNCHING | LAUNCHING");
}

/* A known task stays known under this configuration as well. */
static void tasks_of_ours_are_no_orphans(void **state)
{
    struct rig *rig = rig_up(state, kills);
    in_launch(rig, "a");
    expect(place(rig, "A1", ""), "a.1.1");
    rig_restart(rig);
    in_up(rig);
    expect(found(rig, "a.1.1 RUNNING by MASTER because RECONCILIATION"), "");
    expect_state(rig, "a", "RUNNING");
    assert_int_equal(rig->CALLS(KILL), 0);
}

/* ---- both -------------------------------------------------------------------------------------------- */

/* Over, or out of sight: published, acknowledged, and nothing else. */
static void what_is_not_alive_is_only_acknowledged(void **state)
{
    static const char *const states[] = {"FINISHED", "FAILED", "KILLED", "ERROR", "LOST", "DROPPED", "GONE",
            "GONE_BY_OPERATOR", "UNREACHABLE", "UNKNOWN"};
    for (int kill = 0; kill < 2; kill++) {
        struct rig *rig = rig_up(state, kill ? kills : NULL);
        for (size_t i = 0; i < sizeof states / sizeof *states; i++)
            expect(in_update(rig, words(rig, "job.7.1 %s by AGENT uuid u on A7", states[i])),
                    words(rig, "EVENT mesos/UPDATE//job.7.1 #%zu\nCALL ACKNOWLEDGE job.7.1 A7 u\n", i + 1));
        assert_int_equal(look_status(rig)->strays, 0);
        rig_destroy(rig);
    }
    *state = NULL;
}

/* An update that names no agent. */
static void without_an_agent(void **state)
{
    for (int kill = 0; kill < 2; kill++) {
        struct rig *rig = rig_up(state, kill ? kills : NULL);
        Mesos__V1__Scheduler__Event event = MESOS__V1__SCHEDULER__EVENT__INIT;
        Mesos__V1__Scheduler__Event__Update update = MESOS__V1__SCHEDULER__EVENT__UPDATE__INIT;
        update.status = build_status(rig, "job.7.1 RUNNING by MASTER");
        update.status->agent_id = NULL;
        event.has_type = true;
        event.type = MESOS__V1__SCHEDULER__EVENT__TYPE__UPDATE;
        event.update = &update;
        rig_show(rig, 0);
        in_event(rig, &event);
        expect_state(rig, "job", kill ? "none" : "RUNNING");
        in_kill(rig, "job");
        in_wait(rig, 60000);
        in_down(rig, "gone");
        in_up(rig);
        assert_true(rig->CALLS(KILL) > 0);
        rig_destroy(rig);
    }
    *state = NULL;
}

/* Past the limit each sign of life brings one KILL, and none by itself. */
static void the_limit_of_strays(void **state)
{
    struct rig *rig = rig_up(state, kills);
    rig->unchecked = true;
    rig_show(rig, 0);
    for (int i = 0; i < CORE_STRAYS_MAX; i++)
        in_update(rig, words(rig, "t.%d.1 RUNNING by MASTER", i + 10));
    assert_int_equal(look_status(rig)->strays, CORE_STRAYS_MAX);
    assert_int_equal(rig->CALLS(KILL), CORE_STRAYS_MAX);
    in_wait(rig, 4999);
    for (int i = 0; i < 3; i++)
        in_update(rig, "one.1.1 RUNNING by MASTER");
    assert_int_equal(rig->CALLS(KILL), CORE_STRAYS_MAX + 3);
    assert_int_equal(look_status(rig)->strays, CORE_STRAYS_MAX);
    in_wait(rig, 9000); /* one repetition of each of the others */
    assert_int_equal(rig->CALLS(KILL), 2 * CORE_STRAYS_MAX + 3);
    in_update(rig, "t.10.1 KILLED by MASTER");
    in_update(rig, "one.1.1 RUNNING by MASTER"); /* there is room for it now */
    assert_int_equal(look_status(rig)->strays, CORE_STRAYS_MAX);
    in_wait(rig, 5000);
    assert_true(rig->CALLS(KILL) >= 2 * CORE_STRAYS_MAX + 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(the_id_it_had),
            TEST(how_it_is_told),
            TEST(all_that_live),
            TEST(by_reconciliation),
            TEST(an_id_that_is_taken),
            TEST(ids_at_the_limit_and_past_it),
            TEST(what_is_nearly_ours),
            TEST(many_of_another_history),
            TEST(killed_until_it_is_over),
            TEST(each_sign_of_life),
            TEST(an_agent_that_makes_an_offer),
            TEST(a_key_of_an_orphan_that_is_killed),
            TEST(tasks_of_ours_are_no_orphans),
            TEST(what_is_not_alive_is_only_acknowledged),
            TEST(without_an_agent),
            TEST(the_limit_of_strays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
