/* What is made of tasks: counts, rates, failures; and what a daemon has forgotten. */
#include "make.h"

#include <stdio.h>
#include <stdlib.h>

static void tasks_are_counted_by_state(void **state)
{
    struct model *model = make_model();
    (void)state;
    assert_true(model_take_task(model, make_task("a", STATE(QUEUED), 1, CREATED)));
    assert_true(model_take_task(model, make_task("b", STATE(QUEUED), 1, CREATED)));
    assert_int_equal(model_count(model, STATE(QUEUED)), 2);
    assert_true(model_take_task(model, make_task("a", STATE(RUNNING), 2, CREATED + 1)));
    assert_int_equal(model_count(model, STATE(QUEUED)), 1);
    assert_int_equal(model_count(model, STATE(RUNNING)), 1);
    assert_int_equal(model_tasks(model), 2);
    /* What is not newer changes nothing: it came by a snapshot before. */
    uint64_t changes = model_changes(model);
    assert_false(model_take_task(model, make_task("a", STATE(QUEUED), 1, CREATED)));
    assert_false(model_take_task(model, make_task("a", STATE(FINISHED), 2, CREATED + 9)));
    assert_int_equal(model_changes(model), changes);
    assert_int_equal(model_find(model, "a")->state, STATE(RUNNING));
    assert_null(model_find(model, "c"));
    model_clear(model);
    assert_int_equal(model_tasks(model), 0);
    assert_int_equal(model_count(model, STATE(RUNNING)), 0);
    assert_true(model_take_task(model, make_task("a", STATE(QUEUED), 1, CREATED)));
    model_destroy(model);
}

static void what_is_no_task_is_left(void **state)
{
    struct model *model = make_model();
    Zmesos__V1__Task *task = make_task("a", STATE(QUEUED), 1, CREATED);
    (void)state;
    task->id = NULL;
    assert_false(model_take_task(model, task));
    task = make_task("a", 0, 1, CREATED);
    assert_false(model_take_task(model, task));
    task->state = (Zmesos__V1__TaskState)MODEL_STATES;
    assert_false(model_take_task(model, task));
    task->has_state = false;
    assert_false(model_take_task(model, task));
    assert_int_equal(model_tasks(model), 0);
    assert_int_equal(model_count(model, -1), 0);
    assert_int_equal(model_count(model, MODEL_STATES), 0);
    model_destroy(model);
}

static void an_id_that_was_forgotten_begins_anew(void **state)
{
    struct model *model = make_model();
    Zmesos__V1__Task *task = make_task("a", STATE(FAILED), 6, 2000);
    (void)state;
    make_attempt(task, STATE(FAILED), 1999, 2000, "h1", "once", NULL);
    model_take_task(model, task);
    task = make_task("a", STATE(QUEUED), 1, 3000);
    task->created_ns = S(3000);
    assert_true(model_take_task(model, task));
    assert_int_equal(model_count(model, STATE(FAILED)), 0);
    task = make_task("a", STATE(FAILED), 4, 3002);
    task->created_ns = S(3000);
    make_attempt(task, STATE(FAILED), 3001, 3002, "h1", "twice", NULL);
    assert_true(model_take_task(model, task));
    assert_int_equal(model_failures(model), 2);
    assert_string_equal(model_failure(model, 0)->words, "twice");
    model_destroy(model);
}

static void rates_are_of_whole_seconds_before_now(void **state)
{
    struct model *model = make_model();
    (void)state;
    for (int i = 0; i < 100; i++) {
        char id[16];
        snprintf(id, sizeof id, "t%d", i);
        Zmesos__V1__Task *task = make_task(id, STATE(FINISHED), 5, 2000 + i % 10);
        make_attempt(task, STATE(FINISHED), 1990 + i % 10, 2000 + i % 10, "h1", NULL, NULL);
        model_take_task(model, task);
    }
    assert_true(model_rate(model, MODEL_FINISHED, 10, S(2010)) == 10);
    assert_true(model_rate(model, MODEL_FINISHED, 5, S(2010)) == 10);
    assert_true(model_rate(model, MODEL_FINISHED, 10, S(2005)) == 5);
    assert_true(
            model_rate(model, MODEL_FINISHED, 10, S(2009) + 999999999) == 9); /* the second that goes on */
    assert_true(model_rate(model, MODEL_FINISHED, 60, S(2010)) == 100.0 / 60);
    assert_true(model_rate(model, MODEL_LAUNCHED, 10, S(2000)) == 10);
    assert_true(model_rate(model, MODEL_LAUNCHED, 60, S(2059)) == 10.0 / 60); /* 1999 alone */
    assert_true(model_rate(model, MODEL_FINISHED, 10, S(3000)) == 0);
    assert_true(model_rate(model, MODEL_FAILED, 10, S(2010)) == 0);
    /* A bucket serves another second; what is older than that is let go by. */
    Zmesos__V1__Task *task = make_task("late", STATE(FINISHED), 1, 5000);
    model_take_task(model, task);
    task = make_task("old", STATE(FINISHED), 1, 5000 - 64);
    model_take_task(model, task);
    assert_true(model_rate(model, MODEL_FINISHED, 1, S(5001)) == 1);
    assert_true(model_rate(model, MODEL_FINISHED, 0, S(5001)) == 0);
    model_destroy(model);
}

static void each_attempt_counts_once(void **state)
{
    struct model *model = make_model();
    Zmesos__V1__Task *task = make_task("a", STATE(QUEUED), 4, 2001); /* tried again */
    (void)state;
    make_attempt(task, STATE(FAILED), 2000, 2001, "h1", "Command exited with status 1", "REASON_X");
    model_take_task(model, task);
    task = make_task("a", STATE(LAUNCHING), 5, 2002); /* an event has the last one alone */
    make_attempt(task, STATE(LAUNCHING), 2002, 2002, "h2", NULL, NULL)->number = 2;
    model_take_task(model, task);
    assert_string_equal(model_find(model, "a")->host, "h2");
    task = make_task("a", STATE(RUNNING), 6, 2003); /* and a snapshot all */
    make_attempt(task, STATE(FAILED), 2000, 2001, "h1", "Command exited with status 1", "REASON_X");
    make_attempt(task, STATE(RUNNING), 2002, 2003, "h2", NULL, NULL);
    model_take_task(model, task);
    assert_true(model_rate(model, MODEL_LAUNCHED, 10, S(2010)) == 0.2);
    assert_true(model_rate(model, MODEL_FAILED, 10, S(2010)) == 0.1);
    assert_int_equal(model_failures(model), 1);
    const struct model_failure *failure = model_failure(model, 0);
    assert_string_equal(failure->id, "a");
    assert_int_equal(failure->attempt, 1);
    assert_int_equal(failure->state, STATE(FAILED));
    assert_string_equal(failure->words, "Command exited with status 1");
    assert_string_equal(failure->reason, "REASON_X");
    assert_true(failure->time_ns == S(2001));
    model_destroy(model);
}

static void a_task_that_waits_is_nowhere(void **state)
{
    struct model *model = make_model();
    Zmesos__V1__Task *task = make_task("a", STATE(QUEUED), 4, 2001);
    (void)state;
    make_attempt(task, STATE(FAILED), 2000, 2001, "h1", NULL, NULL);
    model_take_task(model, task);
    assert_string_equal(model_find(model, "a")->host, "");
    assert_int_equal(model_find(model, "a")->attempt, 1);
    model_destroy(model);
}

static void the_last_failures_are_kept_in_order(void **state)
{
    struct model *model = make_model();
    static const int order[] = {3, 1, 2};
    (void)state;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MODEL_FAILURES_MAX; i++) {
            char id[16];
            snprintf(id, sizeof id, "t%d-%d", order[round], i);
            Zmesos__V1__Task *task = make_task(id, STATE(ERROR), 2, 0);
            make_attempt(task, STATE(ERROR), 1, 1000 * order[round] + i, "h", "refused", NULL);
            model_take_task(model, task);
        }
    }
    assert_int_equal(model_failures(model), MODEL_FAILURES_MAX);
    for (size_t i = 0; i < MODEL_FAILURES_MAX; i++)
        assert_true(model_failure(model, i)->time_ns == S(3000 + MODEL_FAILURES_MAX - 1 - (int)i));
    model_destroy(model);
}

static void words_are_cut_between_characters(void **state)
{
    struct model *model = make_model();
    char text[600] = "";
    Zmesos__V1__Task *task = make_task("a", STATE(RUNNING), 1, 1);
    (void)state;
    strcpy(text, "x");
    while (strlen(text) < 500)
        strcat(text, "\xc3\xa4");
    task->message = text;
    model_take_task(model, task);
    const char *words = model_find(model, "a")->words;
    assert_int_equal(strlen(words), 199);
    assert_int_equal((unsigned char)words[198], 0xa4);
    model_destroy(model);
}

static void what_a_snapshot_does_not_have_is_gone(void **state)
{
    struct model *model = make_model();
    (void)state;
    model_take_task(model, make_task("gone", STATE(FINISHED), 3, 50));
    model_take_task(model, make_task("stays", STATE(RUNNING), 3, 60));
    model_begin_snapshot(model);
    assert_false(model_take_task(model, make_task("stays", STATE(RUNNING), 3, 60)));
    model_take_task(model, make_task("late", STATE(FINISHED), 3, 90));
    model_take_task(model, make_task("early", STATE(FINISHED), 3, 70));
    model_take_task(model, make_task("new", STATE(QUEUED), 1, 95)); /* an event meanwhile */
    model_end_snapshot(model);
    assert_null(model_find(model, "gone"));
    assert_non_null(model_find(model, "stays"));
    assert_non_null(model_find(model, "new"));
    const struct list *finished = model_of_state(model, STATE(FINISHED));
    assert_int_equal(finished->count, 2);
    assert_string_equal(list_item(list_first(finished), struct model_task, link)->id, "early");
    model_destroy(model);
}

static void the_oldest_that_are_over_are_what_was_forgotten(void **state)
{
    struct model *model = make_model();
    char id[16];
    (void)state;
    model_begin_snapshot(model);
    for (int i = 0; i < 10; i++) {
        snprintf(id, sizeof id, "t%d", i);
        model_take_task(model, make_task(id, STATE(FINISHED), 1, 100 - i)); /* t9 changed first */
    }
    model_end_snapshot(model);
    model_take_task(model, make_task("r", STATE(RUNNING), 1, 1));
    assert_true(model_settle(model)); /* no status came */
    model_take_status(model, make_status("s", 1, 5, STATE(FINISHED), 8, STATE(RUNNING), 1, 0), S(100));
    assert_true(model_settle(model));
    assert_null(model_find(model, "t9"));
    assert_null(model_find(model, "t8"));
    assert_non_null(model_find(model, "t7"));
    assert_int_equal(model_count(model, STATE(FINISHED)), 8);
    /* What is not over is not forgotten: the counts cannot be had so. */
    model_take_status(model, make_status("s", 1, 6, STATE(FINISHED), 8, 0), S(101));
    assert_false(model_settle(model));
    assert_non_null(model_find(model, "r"));
    model_take_status(model, make_status("s", 1, 6, STATE(FINISHED), 9, STATE(RUNNING), 1, 0), S(102));
    assert_false(model_settle(model));
    model_destroy(model);
}

static void events_are_counted_from_heartbeat_to_heartbeat(void **state)
{
    struct model *model = make_model();
    (void)state;
    model_take_status(model, make_status("s", 1, 1000000, 0), S(2000)); /* all that were before count not */
    assert_true(model_rate(model, MODEL_EVENTS, 10, S(2000)) == 0);
    model_take_status(model, make_status("s", 1, 1000030, 0), S(2001));
    model_take_status(model, make_status("s", 2, 1000060, 0), S(2002)); /* journaled: go on over a restart */
    assert_true(model_rate(model, MODEL_EVENTS, 10, S(2003)) == 20);    /* of three seconds that are known */
    assert_true(model_rate(model, MODEL_EVENTS, 2, S(2003)) == 30);
    model_destroy(model);
}

static void agents_in_use_come_first(void **state)
{
    struct model *model = make_model();
    Zmesos__V1__Amounts used = ZMESOS__V1__AMOUNTS__INIT, known = ZMESOS__V1__AMOUNTS__INIT;
    Zmesos__V1__Agent agent = ZMESOS__V1__AGENT__INIT;
    char ids[3][4] = {"A1", "A2", "A3"}, hosts[3][4] = {"h3", "h2", "h1"};
    (void)state;
    for (int round = 0; round < 2; round++) { /* the second replaces the first */
        model_begin_agents(model);
        for (int i = 0; i < 3; i++) {
            agent.id = ids[i];
            agent.hostname = hosts[i];
            agent.tasks = i == 1;
            used.cpus = i;
            known.cpus = 4;
            agent.used = &used;
            agent.known = i == 2 ? NULL : &known;
            model_take_agent(model, &agent);
        }
        agent.id = NULL;
        model_take_agent(model, &agent);
        assert_int_equal(model_agents(model), round == 0 ? 0 : 3);
        model_end_agents(model);
        assert_int_equal(model_agents(model), 3);
    }
    assert_string_equal(model_agent(model, 0)->host, "h2");
    assert_string_equal(model_agent(model, 1)->host, "h1");
    assert_false(model_agent(model, 1)->is_known);
    assert_true(model_agent(model, 0)->is_known && model_agent(model, 0)->known[MODEL_CPUS] == 4);
    assert_true(model_agent(model, 0)->used[MODEL_CPUS] == 1);
    model_begin_agents(model); /* a round that is not ended */
    agent.id = ids[0];
    model_take_agent(model, &agent);
    model_destroy(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(tasks_are_counted_by_state, make_clear),
            cmocka_unit_test_teardown(what_is_no_task_is_left, make_clear),
            cmocka_unit_test_teardown(an_id_that_was_forgotten_begins_anew, make_clear),
            cmocka_unit_test_teardown(rates_are_of_whole_seconds_before_now, make_clear),
            cmocka_unit_test_teardown(each_attempt_counts_once, make_clear),
            cmocka_unit_test_teardown(a_task_that_waits_is_nowhere, make_clear),
            cmocka_unit_test_teardown(the_last_failures_are_kept_in_order, make_clear),
            cmocka_unit_test_teardown(words_are_cut_between_characters, make_clear),
            cmocka_unit_test_teardown(what_a_snapshot_does_not_have_is_gone, make_clear),
            cmocka_unit_test_teardown(the_oldest_that_are_over_are_what_was_forgotten, make_clear),
            cmocka_unit_test_teardown(events_are_counted_from_heartbeat_to_heartbeat, make_clear),
            cmocka_unit_test_teardown(agents_in_use_come_first, make_clear)};
    arena_init(&made);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
