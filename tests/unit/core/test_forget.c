/* Tasks that are over are forgotten after a time, or earlier when they are many; their keys are not. */
#include "rig.h"

#include <stdio.h>
#include <string.h>

#define HOUR 3600000

/* A heartbeat each second, so that there are ticks. */
static void an_hour(struct core_config *config)
{
    config->keep_tasks_ms = HOUR;
    config->heartbeat_ms = 1000;
}

static void ten_tasks(struct core_config *config)
{
    config->keep_tasks = 10;
    config->keep_tasks_ms = HOUR;
    config->heartbeat_ms = 1000;
}

/* Launches the task, whose key is that, and lets it run. */
static void runs(struct rig *rig, const char *id, int key)
{
    in_launch(rig, id);
    expect(place(rig, "A1", ""), words(rig, "%s.%d.1", id, key));
    in_update(rig, words(rig, "%s.%d.1 RUNNING by AGENT uuid u", id, key));
}

static struct rig *ready(void **state, void (*change)(struct core_config *config))
{
    struct rig *rig = rig_up(state, change);
    rig_show(rig, SHOW_RECORDS | SHOW_CALLS);
    return rig;
}

static size_t count_of(struct rig *rig, const char *state)
{
    const Zmesos__V1__DaemonStatus *status = look_status(rig);
    for (size_t i = 0; i < status->n_counts; i++) {
        if (strcmp(state_name((int)status->counts[i]->state), state) == 0)
            return status->counts[i]->tasks;
    }
    return 0;
}

/* ---- by age ------------------------------------------------------------------------------------------ */

static void after_its_time(void **state)
{
    static const char *const ends[] = {"FINISHED", "FAILED", "KILLED", "ERROR", "GONE", "LOST"};
    struct rig *rig = ready(state, an_hour);
    for (int i = 0; i < 6; i++) {
        const char *id = words(rig, "t%d", i);
        runs(rig, id, i + 1);
        in_update(rig, words(rig, "%s.%d.1 %s by AGENT uuid v", id, i + 1, ends[i]));
    }
    in_launch(rig, "cancelled");
    in_kill(rig, "cancelled");
    in_wait(rig, HOUR - 1);
    for (int i = 0; i < 6; i++)
        expect_state(rig, words(rig, "t%d", i), ends[i]);
    in_wait(rig, 2001);
    for (int i = 0; i < 6; i++)
        expect_state(rig, words(rig, "t%d", i), "none");
    expect_state(rig, "cancelled", "none");
    assert_int_equal(rig->disk.task_count, 0);
    assert_int_equal(look_status(rig)->n_counts, 0);
}

static void what_is_not_over_is_kept(void **state)
{
    struct rig *rig = ready(state, an_hour);
    runs(rig, "running", 1);
    runs(rig, "cut-off", 2);
    in_update(rig, "cut-off.2.1 UNREACHABLE by MASTER");
    in_launch(rig, "again tries 3 backoff 86400000 most 86400000");
    expect(place(rig, "A1", ""), "again.3.1");
    in_update(rig, "again.3.1 FAILED by AGENT uuid v");
    in_launch(rig, "waits cpus 99");
    in_launch(rig, "returns tries 3 on LOST replace 86400000");
    expect(place(rig, "A1", ""), "returns.5.1");
    in_update(rig, "returns.5.1 LOST by MASTER");
    in_wait(rig, 3 * HOUR);
    expect_state(rig, "running", "RUNNING");
    expect_state(rig, "cut-off", "UNREACHABLE");
    expect_state(rig, "again", "QUEUED");
    expect_state(rig, "waits", "QUEUED");
    expect_state(rig, "returns", "UNKNOWN");
    assert_int_equal(rig->forgotten, 0);
}

static void counted_from_its_end(void **state)
{
    struct rig *rig = ready(state, an_hour);
    runs(rig, "a", 1);
    in_wait(rig, 2 * HOUR);
    in_update(rig, "a.1.1 FINISHED by AGENT uuid v");
    in_wait(rig, HOUR / 2);
    rig_restart(rig);
    in_up(rig);
    in_wait(rig, HOUR / 2 - 1);
    expect_state(rig, "a", "FINISHED");
    in_wait(rig, 2001);
    expect_state(rig, "a", "none");
}

/* It was over for long when the process began. */
static void at_the_start(void **state)
{
    struct rig *rig = ready(state, an_hour);
    runs(rig, "a", 1);
    in_update(rig, "a.1.1 FINISHED by AGENT uuid v");
    rig->now.wall_ns += (int64_t)HOUR * 1000000;
    rig_restart(rig);
    in_wait(rig, 2000);
    expect_state(rig, "a", "none");
}

/* ---- by count ---------------------------------------------------------------------------------------- */

static void the_oldest_when_they_are_too_many(void **state)
{
    struct rig *rig = ready(state, ten_tasks);
    for (int i = 0; i < 12; i++)
        runs(rig, words(rig, "t%d", i), i + 1);
    for (int i = 11; i >= 2; i--) { /* the youngest is over first */
        in_update(rig, words(rig, "t%d.%d.1 FINISHED by AGENT uuid v", i, i + 1));
        in_wait(rig, 1500);
    }
    for (int i = 2; i < 12; i++)
        expect_state(rig, words(rig, "t%d", i), "FINISHED"); /* ten */
    in_update(rig, "t0.1.1 FAILED by AGENT uuid v");
    in_wait(rig, 2000);
    expect_state(rig, "t11", "none");
    expect_state(rig, "t10", "FINISHED");
    expect_state(rig, "t0", "FAILED");
    expect_state(rig, "t1", "RUNNING");
    assert_int_equal(count_of(rig, "FINISHED"), 9);
    assert_int_equal(count_of(rig, "FAILED"), 1);
}

static void one_that_is_lost_goes_by_age_alone(void **state)
{
    struct rig *rig = ready(state, ten_tasks);
    runs(rig, "lost", 1);
    in_update(rig, "lost.1.1 LOST by MASTER");
    for (int i = 0; i < 15; i++) {
        runs(rig, words(rig, "t%d", i), i + 2);
        in_update(rig, words(rig, "t%d.%d.1 FINISHED by AGENT uuid v", i, i + 2));
    }
    in_wait(rig, 5000);
    assert_int_equal(count_of(rig, "FINISHED"), 10);
    expect_state(rig, "lost", "LOST");
    in_update(rig, "lost.1.1 RUNNING by MASTER"); /* it may return until then */
    expect_state(rig, "lost", "RUNNING");
    in_update(rig, "lost.1.1 LOST by MASTER");
    in_wait(rig, HOUR + 2000);
    expect_state(rig, "lost", "none");
}

static void in_small_steps(void **state)
{
    struct rig *rig = *state = rig_create(ten_tasks);
    rig->unchecked = true;
    rig_show(rig, 0);
    const char *ids = "";
    for (int batch = 0; batch < 2; batch++) {
        ids = "";
        for (int i = 0; i < 500; i++)
            ids = words(rig, "%s%st%d-%d", ids, i ? " | " : "", batch, i);
        in_launch(rig, ids);
    }
    for (int i = 0; i < 1000; i++)
        in_kill(rig, words(rig, "t%d-%d", i / 500, i % 500));
    in_wait(rig, 60000);
    assert_int_equal(rig->disk.task_count, 10);
    assert_int_equal(rig->forgotten, 990);
    assert_in_range(rig->forgotten_once, 1, CORE_FORGET_STEP);
    rig_check(rig);
}

/* All at once by age: as many steps as it takes, none larger. */
static void many_at_once_by_age(void **state)
{
    struct rig *rig = *state = rig_create(an_hour);
    rig->unchecked = true;
    rig_show(rig, 0);
    const char *ids = "t0";
    for (int i = 1; i < 700; i++)
        ids = words(rig, "%s | t%d", ids, i);
    in_launch(rig, ids);
    ids = "t0";
    for (int i = 1; i < 700; i++)
        ids = words(rig, "%s t%d", ids, i);
    in_kill(rig, ids);
    in_wait(rig, HOUR + 10000);
    assert_int_equal(rig->disk.task_count, 0);
    assert_int_equal(rig->forgotten_once, CORE_FORGET_STEP);
}

/* ---- keys, ids --------------------------------------------------------------------------------------- */

static void its_key_is_never_given_again(void **state)
{
    struct rig *rig = ready(state, an_hour);
    runs(rig, "a", 1);
    runs(rig, "b", 2);
    in_update(rig, "a.1.1 FINISHED by AGENT uuid v");
    in_update(rig, "b.2.1 FINISHED by AGENT uuid v");
    in_wait(rig, HOUR + 2000);
    assert_int_equal(rig->disk.task_count, 0);
    assert_string_equal(disk_meta(&rig->disk, META_NEXT_KEY), "3");
    rig_restart(rig); /* with nothing but that to go by */
    in_up(rig);
    in_launch(rig, "a"); /* the id can be used again */
    expect(place(rig, "A1", ""), "a.3.1");
    in_update(rig, "a.3.1 RUNNING by AGENT uuid u");
    in_update(rig, "a.3.1 FINISHED by AGENT uuid v");
    in_wait(rig, HOUR + 2000);
    rig_restart(rig);
    in_up(rig);
    runs(rig, "a", 4);
}

static void another_task_under_its_id(void **state)
{
    struct rig *rig = ready(state, an_hour);
    runs(rig, "a", 1);
    in_update(rig, "a.1.1 FINISHED by AGENT uuid v");
    rig_show(rig, SHOW_REPLIES);
    assert_non_null(strstr(in_launch(rig, "a cpus 2"), "CONFLICT"));
    in_wait(rig, HOUR + 2000);
    assert_non_null(strstr(in_launch(rig, "a cpus 2"), "[a OK QUEUED rev 1]\n"));
    expect(place(rig, "A1", ""), "a.2.1");
    /* What is told of the first is not taken for the second. */
    rig_show(rig, SHOW_CALLS);
    expect(in_update(rig, "a.1.1 FINISHED by AGENT uuid w"), "CALL ACKNOWLEDGE a.1.1 A1 w\n");
    expect_state(rig, "a", "LAUNCHING");
}

static void two_tasks(struct core_config *config)
{
    an_hour(config);
    config->tasks_max = 2;
}

static void there_is_room_for_others(void **state)
{
    struct rig *rig = *state = rig_create(two_tasks);
    rig_show(rig, SHOW_REPLIES);
    in_launch(rig, "a | b");
    in_kill(rig, "a");
    assert_non_null(strstr(in_launch(rig, "c"), "[c UNAVAILABLE retry"));
    in_wait(rig, HOUR + 2000);
    assert_non_null(strstr(in_launch(rig, "c"), "[c OK QUEUED"));
    assert_non_null(strstr(in_launch(rig, "d"), "[d UNAVAILABLE retry"));
}

static void how_long_is_told_with_a_launch(void **state)
{
    struct rig *rig = *state = rig_create(an_hour);
    in_launch(rig, "a");
    const struct core_output *last = &rig->out.items[rig->out.count - 1];
    for (size_t i = 0; i < rig->out.count; i++)
        last = rig->out.items[i].kind == CORE_OUT_REPLY ? &rig->out.items[i] : last;
    assert_true(last->reply.reply->items->has_kept_ms);
    assert_int_equal(last->reply.reply->items->kept_ms, HOUR);
}

/* ---- late words -------------------------------------------------------------------------------------- */

static void kills(struct core_config *config)
{
    an_hour(config);
    config->kill_orphans = true;
}

static void its_end_is_acknowledged(void **state)
{
    struct rig *rig = ready(state, an_hour);
    runs(rig, "a", 1);
    in_update(rig, "a.1.1 FINISHED by AGENT uuid v");
    in_wait(rig, HOUR + 2000);
    rig_show(rig, SHOW_ALL);
    const char *text = in_update(rig, "a.1.1 FINISHED by AGENT uuid w");
    assert_true(has_line(text, "CALL ACKNOWLEDGE a.1.1 A1 w"));
    assert_non_null(strstr(text, "EVENT mesos/UPDATE//a.1.1 #"));
    assert_null(strstr(text, "RECORD"));
    assert_null(strstr(text, "ORPHAN"));
}

/* It was given up, and is killed whatever is done with orphans. */
static void it_returns_and_is_killed(void **state)
{
    for (int kill = 0; kill < 2; kill++) {
        struct rig *rig = ready(state, kill ? kills : an_hour);
        runs(rig, "a", 1);
        in_update(rig, "a.1.1 LOST by MASTER");
        in_wait(rig, HOUR + 2000);
        expect_state(rig, "a", "none");
        rig_restart(rig);
        in_up(rig);
        rig_show(rig, SHOW_CALLS | SHOW_EVENTS);
        const char *text = in_update(rig, "a.1.1 RUNNING by AGENT uuid w");
        assert_true(has_line(text, "CALL KILL a.1.1 A1"));
        assert_true(has_line(text, "CALL ACKNOWLEDGE a.1.1 A1 w"));
        assert_true(has_line(text, "EVENT zmesos/ORPHAN/a.1.1 #1 a.1.1 on A1 KILLED"));
        expect_state(rig, "a", "none");
        assert_true(has_line(in_wait(rig, 5000), "CALL KILL a.1.1 A1"));
        in_update(rig, "a.1.1 KILLED by AGENT uuid x");
        rig_show(rig, SHOW_CALLS);
        assert_false(has_line(in_wait(rig, 120000), "CALL KILL a.1.1 A1"));
        rig_destroy(rig);
    }
    *state = NULL;
}

/* An attempt that was given up, of a task that is forgotten: still to be dead. */
static void a_stray_of_a_forgotten_task(void **state)
{
    struct rig *rig = ready(state, an_hour);
    in_launch(rig, "a tries 2 on LOST replace 60000 backoff 0");
    expect(place(rig, "A1", ""), "a.1.1");
    in_update(rig, "a.1.1 LOST by MASTER");
    in_wait(rig, 60000);
    expect(place(rig, "A2", ""), "a.1.2");
    in_update(rig, "a.1.2 FINISHED by AGENT uuid u on A2");
    in_wait(rig, HOUR + 2000);
    expect_state(rig, "a", "none");
    assert_true(has_line(in_update(rig, "a.1.1 RUNNING by AGENT uuid w"), "CALL KILL a.1.1 A1"));
    in_update(rig, "a.1.1 KILLED by AGENT uuid x");
    assert_int_equal(look_status(rig)->strays, 0);
}

/* ---- pages ------------------------------------------------------------------------------------------- */

static void pages_go_on_where_they_were(void **state)
{
    struct rig *rig = ready(state, an_hour);
    for (int i = 0; i < 9; i++)
        runs(rig, words(rig, "t%d", i), i + 1);
    Zmesos__V1__List list = ZMESOS__V1__LIST__INIT;
    list.page_size = 3;
    rig_show(rig, SHOW_REPLIES);
    assert_non_null(strstr(in_list(rig, &list), " t0:RUNNING t1:RUNNING t2:RUNNING next 3\n"));
    for (int i = 1; i < 6; i++) /* the rest of the page before, and most of the next */
        in_update(rig, words(rig, "t%d.%d.1 FINISHED by AGENT uuid v", i, i + 1));
    in_wait(rig, HOUR + 2000);
    list.after = 3;
    assert_non_null(strstr(in_list(rig, &list), " t6:RUNNING t7:RUNNING t8:RUNNING\n"));
    list.after = 0;
    assert_non_null(strstr(in_list(rig, &list), " t0:RUNNING t6:RUNNING t7:RUNNING next 8\n"));
    rig_show(rig, SHOW_REPLIES);
    assert_non_null(strstr(in_get(rig, "t1 t6 t5"), " t6:RUNNING no t1 no t5\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(after_its_time),
            TEST(what_is_not_over_is_kept),
            TEST(counted_from_its_end),
            TEST(at_the_start),
            TEST(the_oldest_when_they_are_too_many),
            TEST(one_that_is_lost_goes_by_age_alone),
            TEST(in_small_steps),
            TEST(many_at_once_by_age),
            TEST(its_key_is_never_given_again),
            TEST(another_task_under_its_id),
            TEST(there_is_room_for_others),
            TEST(how_long_is_told_with_a_launch),
            TEST(its_end_is_acknowledged),
            TEST(it_returns_and_is_killed),
            TEST(a_stray_of_a_forgotten_task),
            TEST(pages_go_on_where_they_were),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
