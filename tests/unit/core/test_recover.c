/* Restarts in the middle of everything. That the rows of any history make a core that lists the same tasks is
 * checked by the rig after every input; here is what goes on after one, and rows that fit nothing. */
#include "rig.h"

#include <stdio.h>
#include <string.h>

/* A history of one task, restarted after step `at`; each run must end alike. */
static void play(struct rig *rig, int at)
{
    int step = 0;
#define STEP(input)                                                                                          \
    do {                                                                                                     \
        (void)(input);                                                                                       \
        if (step++ == at) {                                                                                  \
            rig_restart(rig);                                                                                \
            in_up(rig);                                                                                      \
        }                                                                                                    \
    } while (0)
    in_up(rig);
    STEP(in_launch(rig, "a ports 1 where rack UNIQUE label k=v"));
    STEP(in_offers(rig, "o1 A1 cpus 1 ports 5-5 @rack=r"));
    STEP(in_update(rig, "a.1.1 DROPPED by AGENT uuid u1 because GC_ERROR"));
    STEP(in_wait(rig, 1000));
    STEP(in_offers(rig, "o2 A2 cpus 1 ports 6-6 @rack=r"));
    STEP(in_update(rig, "a.1.2 STAGING by MASTER on A2"));
    STEP(in_update(rig, "a.1.2 STARTING by AGENT uuid u2 on A2"));
    STEP(in_update(rig, "a.1.2 RUNNING by AGENT uuid u3 on A2"));
    STEP(in_update(rig, "a.1.2 UNREACHABLE by MASTER on A2"));
    STEP(in_update(rig, "a.1.2 RUNNING by MASTER on A2"));
    STEP(in_update(rig, "a.1.2 UNKNOWN by MASTER on A2"));
    STEP(in_update(rig, "a.1.2 LOST by MASTER on A2"));
    STEP(in_update(rig, "a.1.2 RUNNING by MASTER on A2"));
    STEP(in_kill(rig, "a"));
    STEP(in_update(rig, "a.1.2 KILLING by AGENT uuid u4 on A2"));
    STEP(in_update(rig, "a.1.2 KILLED by AGENT uuid u5 on A2"));
    STEP(in_tick(rig));
#undef STEP
    struct rig *found = rig;
    rig_show(found, SHOW_REPLIES);
    expect(in_get(found, "a"), words(rig, "REPLY %d OK a:KILLED\n", 3));
    const Zmesos__V1__Task *task = found->out.items[0].reply.reply->tasks->tasks[0];
    assert_int_equal(task->n_attempts, 2);
    assert_int_equal(task->attempts[0]->state, ZMESOS__V1__TASK_STATE__GONE);
    assert_int_equal(task->attempts[1]->state, ZMESOS__V1__TASK_STATE__KILLED);
    assert_int_equal(task->attempts[1]->ports[0], 6);
    assert_int_equal(task->revision, 15);
    assert_true(task->kill_requested);
}

static void a_restart_after_any_step_changes_nothing(void **state)
{
    for (int at = -1; at < 17; at++) {
        struct rig *rig = *state = rig_create(NULL);
        play(rig, at);
        assert_int_equal(rig->config.run, at < 0 ? 1 : 2);
        rig_destroy(rig);
    }
    *state = NULL;
}

/* What the next subscription begins with, for a task in each state. */
static void each_state_goes_on(void **state)
{
    static const struct {
        const char *news, *calls;
    } cases[] = {{NULL, "CALL RECONCILE a.1.1@A1\n"}, {"STAGING by MASTER", "CALL RECONCILE a.1.1@A1\n"},
            {"STARTING by AGENT", "CALL RECONCILE a.1.1@A1\n"},
            {"RUNNING by AGENT", "CALL RECONCILE a.1.1@A1\n"},
            {"KILLING by AGENT", "CALL RECONCILE a.1.1@A1\n"},
            {"UNREACHABLE by MASTER", "CALL RECONCILE a.1.1@A1\n"},
            {"UNKNOWN by MASTER", "CALL RECONCILE a.1.1@A1\n"},
            {"LOST by MASTER", "CALL RECONCILE a.1.1@A1\n"},
            {"DROPPED by MASTER because INVALID_OFFERS", "CALL RECONCILE a.1.1@A1\n"},
            {"FINISHED by AGENT", "CALL RECONCILE implicit\n"},
            {"FAILED by AGENT", "CALL RECONCILE implicit\n"},
            {"KILLED by AGENT", "CALL RECONCILE implicit\n"},
            {"ERROR by MASTER", "CALL RECONCILE implicit\n"}, {"GONE by AGENT", "CALL RECONCILE implicit\n"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig *rig = *state = rig_create(NULL);
        in_up(rig);
        in_launch(rig, "a");
        in_offers(rig, "o1 A1 cpus 1");
        if (cases[i].news)
            in_update(rig, words(rig, "a.1.1 %s", cases[i].news));
        rig_restart(rig);
        rig_show(rig, SHOW_CALLS);
        expect(in_up(rig), cases[i].calls);
        rig_destroy(rig);
    }
    *state = NULL;
}

static void keys_are_never_used_again(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_launch(rig, "a | b");
    in_kill(rig, "b");
    rig_restart(rig);
    in_launch(rig, "c");
    in_up(rig);
    rig_show(rig, SHOW_CALLS);
    expect(in_offers(rig, "o1 A1 cpus 2"), "CALL ACCEPT o1 [a.1.1 cpus 1] [c.3.1 cpus 1]\n");
}

static void a_relaunch_goes_on_counting_attempts(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_up(rig);
    in_launch(rig, "a");
    in_offers(rig, "o1 A1 cpus 1");
    in_answer(rig, "o1", CORE_NOT_DONE, "");
    rig_restart(rig);
    in_up(rig);
    rig_show(rig, SHOW_CALLS);
    expect(in_offers(rig, "o2 A1 cpus 1"), "CALL ACCEPT o2 [a.1.2 cpus 1]\n");
    in_answer(rig, "o2", CORE_NOT_DONE, "");
    expect(in_offers(rig, "o3 A1 cpus 1"), "CALL ACCEPT o3 [a.1.3 cpus 1]\n");
}

/* ---- rows that fit nothing --------------------------------------------------------------------------- */

static int recover(struct rig *rig, const struct record *record, bool with_spec, struct error *err)
{
    Zmesos__V1__TaskSpec *spec = with_spec ? build_spec(rig, "a") : NULL;
    return core_recover(rig->core, record, spec, rig->now, err);
}

static struct record task_record(struct blob *spec)
{
    return (struct record){.kind = RECORD_TASK,
            .task = {.key = 5,
                    .id = "a",
                    .spec = spec,
                    .state = 1,
                    .revision = 1,
                    .message = "",
                    .reason = ""}};
}

static struct record attempt_record(void)
{
    return (struct record){.kind = RECORD_ATTEMPT,
            .attempt = {.task_key = 5,
                    .number = 1,
                    .state = 5,
                    .agent_id = "A1",
                    .hostname = "h",
                    .ports = "",
                    .unique = "",
                    .message = "",
                    .reason = ""}};
}

#define MALFORMED(record, with_spec, words)                                                                  \
    do {                                                                                                     \
        assert_int_equal(recover(rig, &(record), with_spec, &err), ERR_MALFORMED);                           \
        assert_string_equal(err.text, words);                                                                \
    } while (0)

static void rows_that_fit_nothing_are_refused(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    struct error err;
    struct blob *spec = blob_create("", 0);
    struct record row = task_record(NULL);
    MALFORMED(row, true, "task a has no specification");
    row = task_record(spec);
    MALFORMED(row, false, "task a has no specification");
    static const int32_t no_states[] = {-1, 0, 9, 15, 22, 1000};
    for (size_t i = 0; i < sizeof no_states / sizeof *no_states; i++) {
        char words[64];
        row = task_record(spec);
        row.task.state = no_states[i];
        snprintf(words, sizeof words, "task a is in state %d, which is none", (int)no_states[i]);
        MALFORMED(row, true, words);
    }
    row = attempt_record();
    MALFORMED(row, false, "attempt 1 of task key 5 fits nothing");
    row = task_record(spec);
    assert_int_equal(recover(rig, &row, true, &err), 0);
    row.task.key = 4;
    row.task.id = "b";
    MALFORMED(row, true, "task b comes out of order");
    row.task.key = 6;
    row.task.id = "a";
    MALFORMED(row, true, "task a is there twice");
    row = attempt_record();
    row.attempt.number = 2;
    MALFORMED(row, false, "attempt 2 of task key 5 fits nothing");
    row.attempt.number = 0;
    MALFORMED(row, false, "attempt 0 of task key 5 fits nothing");
    static const int32_t no_attempt_states[] = {-1, 0, 1, 9, 22};
    for (size_t i = 0; i < sizeof no_attempt_states / sizeof *no_attempt_states; i++) {
        char words[64];
        row = attempt_record();
        row.attempt.state = no_attempt_states[i];
        snprintf(words, sizeof words, "attempt 1 of task a is in state %d, which is none",
                (int)no_attempt_states[i]);
        MALFORMED(row, false, words);
    }
    row = (struct record){.kind = RECORD_META, .meta = {.name = META_ALIVE_NS, .value = "soon"}};
    MALFORMED(row, false, "the store's alive_ns is not a number: soon");
    row = (struct record){.kind = RECORD_EVENT, .event = {.class = 16, .number = 1, .topic = ""}};
    MALFORMED(row, false, "the journal has events of class 16, which is none");
    row.event.class = 0;
    MALFORMED(row, false, "the journal has events of class 0, which is none");
    row.kind = (enum record_kind)9;
    MALFORMED(row, false, "record kind 9 is none");
    blob_unref(spec);
}

/* What keys and restores go by is never guessed. */
static void metas_that_cannot_be_read(void **state)
{
    static const struct meta_row rows[] = {{META_NEXT_KEY, ""}, {META_NEXT_KEY, "soon"}, {META_NEXT_KEY, "0"},
            {META_NEXT_KEY, "-1"}, {META_NEXT_KEY, "9223372036854775808"}, {META_RESTORES, "-1"},
            {META_RESTORES, "x"}, {META_RESTORED_NS, "x"}, {META_FOREIGN_KEYS, "5"},
            {META_FOREIGN_KEYS, "5-"}, {META_FOREIGN_KEYS, "-5"}, {META_FOREIGN_KEYS, "7-3"},
            {META_FOREIGN_KEYS, "0-1"}, {META_FOREIGN_KEYS, "1-2 x"}, {META_FOREIGN_KEYS, "1-2,3-4"}};
    struct rig *rig = *state = rig_create(NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct error err;
        struct record row = {.kind = RECORD_META, .meta = rows[i]};
        assert_int_equal(recover(rig, &row, false, &err), ERR_MALFORMED);
        assert_non_null(strstr(err.text, rows[i].name));
    }
    struct error err;
    struct record row = {.kind = RECORD_META, .meta = {META_FOREIGN_KEYS, ""}}; /* none */
    assert_int_equal(recover(rig, &row, false, &err), 0);
    row.meta = (struct meta_row){META_NEXT_KEY, "77"};
    assert_int_equal(recover(rig, &row, false, &err), 0);
    in_up(rig);
    rig->unchecked = true; /* the rows of the rig do not have it */
    in_launch(rig, "a");
    expect(place(rig, "A1", ""), "a.77.1");
}

static void meta_values_of_others_are_passed_over(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    struct error err;
    struct record row = {.kind = RECORD_META, .meta = {.name = META_STORE_ID, .value = "whatever"}};
    assert_int_equal(recover(rig, &row, false, &err), 0);
}

static void only_r2(struct core_config *config)
{
    static const char *const roles[] = {"r2"};
    config->roles = roles;
    config->role_count = 1;
}

/* A role that is not configured any more: its tasks are kept, and wait in the default role. */
static void tasks_of_a_role_that_is_gone(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_launch(rig, "a role r1");
    only_r2(&rig->config);
    rig_restart(rig);
    in_up(rig);
    rig_show(rig, SHOW_CALLS);
    expect(in_offers(rig, "o1 A1 role r2 cpus 1"), "CALL ACCEPT o1 [a.1.1 cpus 1]\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(a_restart_after_any_step_changes_nothing),
            TEST(each_state_goes_on),
            TEST(keys_are_never_used_again),
            TEST(a_relaunch_goes_on_counting_attempts),
            TEST(rows_that_fit_nothing_are_refused),
            TEST(metas_that_cannot_be_read),
            TEST(meta_values_of_others_are_passed_over),
            TEST(tasks_of_a_role_that_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
