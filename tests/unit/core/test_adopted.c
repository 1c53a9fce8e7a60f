/* A task that was adopted: one like any other, save that it cannot be launched. */
#include "rig.h"

#include <string.h>

/* job.7.1 is found on A7 in that state. */
static struct rig *adopted(void **state, const char *news)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "mine");
    expect(place(rig, "A1", ""), "mine.1.1");
    in_update(rig, "mine.1.1 RUNNING by AGENT uuid u");
    in_update(rig, words(rig, "job.7.1 %s by AGENT uuid u on A7", news));
    assert_true(look(rig, "job")->adopted);
    return rig;
}

static void it_ends_as_others_do(void **state)
{
    static const char *const ends[] = {"FINISHED", "FAILED", "KILLED", "GONE", "LOST"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct rig *rig = adopted(state, "RUNNING");
        rig_show(rig, SHOW_CALLS | SHOW_EVENTS);
        const char *text = in_update(rig, words(rig, "job.7.1 %s by AGENT uuid v on A7", ends[i]));
        assert_non_null(strstr(text, words(rig, "EVENT task/job/%s ", ends[i])));
        assert_non_null(strstr(text, "EVENT mesos/UPDATE/job/1 "));
        assert_true(has_line(text, "CALL ACKNOWLEDGE job.7.1 A7 v"));
        expect(look_states(rig, "job"), words(rig, "%s adopted | %s", ends[i], ends[i]));
        rig_destroy(rig);
    }
    *state = NULL;
}

static void it_can_be_killed(void **state)
{
    struct rig *rig = adopted(state, "RUNNING");
    rig_show(rig, SHOW_CALLS);
    expect(in_kill(rig, "job"), "CALL KILL job.7.1 A7\n");
    rig_restart(rig);
    assert_true(has_line(in_up(rig), "CALL KILL job.7.1 A7"));
    in_update(rig, "job.7.1 KILLED by AGENT uuid v on A7");
    expect_state(rig, "job", "KILLED");
}

static void it_is_known_after_a_restart(void **state)
{
    struct rig *rig = adopted(state, "RUNNING");
    rig_restart(rig);
    expect(look_states(rig, "job"), "RUNNING adopted | RUNNING");
    assert_string_equal(look(rig, "job")->attempts[0]->mesos_task_id, "job.7.1");
    rig_show(rig, SHOW_CALLS);
    expect(in_up(rig), "CALL RECONCILE mine.1.1@A1 job.7.1@A7\n");
    in_update(rig, "job.7.1 UNREACHABLE by MASTER on A7");
    expect_state(rig, "job", "UNREACHABLE");
    in_update(rig, "job.7.1 RUNNING by MASTER on A7");
    in_update(rig, "job.7.1 FINISHED by AGENT uuid v on A7");
    rig_restart(rig);
    expect_state(rig, "job", "FINISHED");
}

static void its_id_is_taken(void **state)
{
    struct rig *rig = adopted(state, "RUNNING");
    rig_show(rig, SHOW_REPLIES | SHOW_RECORDS);
    const char *text = in_launch(rig, "job cpus 2");
    assert_non_null(strstr(text, "[job CONFLICT "));
    assert_null(strstr(text, "RECORD"));
    in_update(rig, "job.7.1 FINISHED by AGENT uuid v on A7");
    assert_non_null(strstr(in_launch(rig, "job"), "[job CONFLICT "));
}

/* Nobody knows how it is launched: whatever is proved, it is not. */
static void it_is_never_launched(void **state)
{
    static const char *const ends[] = {"GONE by MASTER because RECONCILIATION",
            "DROPPED by AGENT uuid v because GC_ERROR", "DROPPED by AGENT uuid v because AGENT_RESTARTED",
            "DROPPED by AGENT uuid v because RECONCILIATION", "FAILED by AGENT uuid v"};
    static const char *const begins[] = {"STAGING", "RUNNING"};
    for (size_t i = 0; i < 2 * sizeof ends / sizeof *ends; i++) {
        struct rig *rig = adopted(state, begins[i % 2]);
        in_ask(rig);
        in_update(rig, words(rig, "job.7.1 %s on A7", ends[i / 2]));
        expect_state(rig, "job", i / 2 == 4 ? "FAILED" : "GONE");
        in_wait(rig, 600000);
        expect(place(rig, "A7", ""), "");
        rig_destroy(rig);
    }
    *state = NULL;
}

static void dropped_by_the_master_and_then_absent(void **state)
{
    struct rig *rig = adopted(state, "STAGING");
    in_update(rig, "job.7.1 DROPPED by MASTER because INVALID_OFFERS on A7");
    in_wait(rig, 1000);
    in_update(rig, "job.7.1 GONE by MASTER because RECONCILIATION on A7");
    expect_state(rig, "job", "GONE");
}

/* New tasks go on getting keys, and none of them the Mesos id of what was found. */
static void keys_go_on(void **state)
{
    struct rig *rig = adopted(state, "RUNNING");
    in_launch(rig, "x | y");
    const char *ids = place(rig, "A1", "");
    assert_non_null(strstr(ids, "x."));
    rig_restart(rig);
    in_up(rig);
    in_launch(rig, "z");
    place(rig, "A1", "");
    assert_string_equal(look(rig, "z")->id, "z"); /* the rig sees that no Mesos id and no key comes twice */
}

static void a_day(struct core_config *config)
{
    config->keep_tasks_ms = 86400000;
    config->heartbeat_ms = 1000;
}

/* A Mesos id is launched once at most, also where another life of this framework launched it. */
static void its_mesos_id_is_not_launched_again(void **state)
{
    struct rig *rig = *state = rig_create(a_day);
    rig->unchecked = true;
    in_up(rig);
    in_update(rig, "b.2.1 RUNNING by AGENT uuid u");
    in_update(rig, "b.2.1 FINISHED by AGENT uuid v");
    rig->now.wall_ns += (int64_t)86400000 * 1000000;
    in_wait(rig, 5000);
    expect_state(rig, "b", "none");
    in_launch(rig, "b");
    const char *id = place(rig, "A1", "");
    assert_string_not_equal(id, "");
    assert_string_not_equal(id, "b.2.1");
}

static void it_is_listed_and_counted(void **state)
{
    struct rig *rig = adopted(state, "RUNNING");
    Zmesos__V1__List list = ZMESOS__V1__LIST__INIT;
    rig_show(rig, SHOW_REPLIES);
    assert_non_null(strstr(in_list(rig, &list), " mine:RUNNING job:RUNNING\n"));
    const Zmesos__V1__DaemonStatus *status = look_status(rig);
    assert_int_equal(status->n_counts, 1);
    assert_int_equal(status->counts[0]->tasks, 2);
    assert_int_equal(status->strays, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(it_ends_as_others_do),
            TEST(it_can_be_killed),
            TEST(it_is_known_after_a_restart),
            TEST(its_id_is_taken),
            TEST(it_is_never_launched),
            TEST(dropped_by_the_master_and_then_absent),
            TEST(keys_go_on),
            TEST(its_mesos_id_is_not_launched_again),
            TEST(it_is_listed_and_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
