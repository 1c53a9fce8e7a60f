/* An attempt that was given up for another one, and returns: it is killed until it is over, and its task goes
 * on as if nothing had been. A KILL is a question too: of a task that the master does not know it is answered
 * as a RECONCILE (PROTOCOL "Killing"). */
#include "rig.h"

#include <string.h>

#define KILL_1 "CALL KILL a.1.1 A1"

/* a.1.1 on A1 is given up after `news`, a.1.2 runs on A2. Shows calls; nothing is due in the next seconds. */
static struct rig *given_up(void **state, const char *news)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "a tries 2 backoff 0 on LOST,UNREACHABLE,UNKNOWN replace 60000");
    expect(place(rig, "A1", ""), "a.1.1");
    in_update(rig, "a.1.1 RUNNING by AGENT uuid u");
    in_update(rig, words(rig, "a.1.1 %s by MASTER", news));
    in_wait(rig, 60000);
    in_update(rig, words(rig, "a.1.1 %s by MASTER", news)); /* the answer to what was asked meanwhile */
    expect(place(rig, "A2", ""), "a.1.2");
    in_update(rig, "a.1.2 RUNNING by AGENT uuid u on A2");
    in_wait(rig, 10000);
    rig_show(rig, SHOW_CALLS);
    return rig;
}

static const char *const ways[] = {"LOST", "UNREACHABLE", "UNKNOWN"};

static bool asks(const char *text)
{
    return has_line(text, KILL_1) || strstr(text, "a.1.1@A1");
}

static void it_returns_and_is_killed_until_it_is_over(void **state)
{
    static const char *const signs[] = {"STAGING by MASTER", "STARTING by AGENT uuid s",
            "RUNNING by AGENT uuid s", "RUNNING by MASTER because RECONCILIATION"};
    for (size_t i = 0; i < 12; i++) {
        struct rig *rig = given_up(state, ways[i % 3]);
        assert_int_equal(look_status(rig)->strays, 1);
        assert_false(asks(in_wait(rig, 2000)));
        assert_true(has_line(in_update(rig, words(rig, "a.1.1 %s", signs[i / 3])), KILL_1));
        /* After 5, 10, 20, 40 and then each 60 s. */
        assert_int_equal(count_lines(in_wait(rig, 200000), KILL_1), 6);
        in_update(rig, "a.1.1 KILLING by AGENT uuid k");
        expect_state(rig, "a", "RUNNING");
        assert_true(has_line(in_wait(rig, 60000), KILL_1));
        in_update(rig, "a.1.1 KILLED by AGENT uuid v");
        assert_int_equal(look_status(rig)->strays, 0);
        expect(look_states(rig, "a"), "RUNNING | KILLED replaced | RUNNING");
        assert_false(asks(in_wait(rig, 60000)));
        rig_destroy(rig);
    }
    *state = NULL;
}

static void its_end_is_told_and_changes_nothing(void **state)
{
    static const char *const ends[] = {"FINISHED", "FAILED", "KILLED", "GONE", "ERROR"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct rig *rig = given_up(state, ways[i % 3]);
        uint64_t revision = look(rig, "a")->revision;
        story_begin(rig);
        rig_show(rig, SHOW_EVENTS | SHOW_CALLS);
        const char *text = in_update(rig, words(rig, "a.1.1 %s by AGENT uuid v : its end", ends[i]));
        assert_non_null(strstr(text, "EVENT mesos/UPDATE/a/1 "));
        assert_true(has_line(text, "CALL ACKNOWLEDGE a.1.1 A1 v"));
        expect_story(rig, "");
        assert_int_equal(look(rig, "a")->revision, revision);
        expect(look_states(rig, "a"), words(rig, "RUNNING | %s replaced | RUNNING", ends[i]));
        assert_string_equal(look(rig, "a")->attempts[0]->message, "its end");
        assert_int_equal(look_status(rig)->strays, 0);
        rig_destroy(rig);
    }
    *state = NULL;
}

/* Also when it ends before the next attempt was placed. */
static void it_ends_while_the_task_waits(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "a tries 2 backoff 0 on LOST replace 60000");
    place(rig, "A1", "");
    in_update(rig, "a.1.1 LOST by MASTER");
    in_wait(rig, 60000);
    story_begin(rig);
    rig_show(rig, SHOW_CALLS);
    assert_true(has_line(in_update(rig, "a.1.1 FINISHED by AGENT uuid v"), "CALL ACKNOWLEDGE a.1.1 A1 v"));
    expect_story(rig, "");
    expect(look_states(rig, "a"), "QUEUED | FINISHED replaced");
    expect(place(rig, "A2", ""), "a.1.2");
}

static void it_returns_while_the_task_waits(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "a tries 2 backoff 0 on LOST replace 60000");
    place(rig, "A1", "");
    in_update(rig, "a.1.1 LOST by MASTER");
    in_wait(rig, 60000);
    in_update(rig, "a.1.1 LOST by MASTER");
    rig_show(rig, SHOW_CALLS);
    assert_true(has_line(in_update(rig, "a.1.1 RUNNING by AGENT uuid v"), KILL_1));
    expect_state(rig, "a", "QUEUED");
    expect(place(rig, "A2", ""), "a.1.2");
}

static void its_task_is_over_first(void **state)
{
    struct rig *rig = given_up(state, "LOST");
    in_update(rig, "a.1.2 FINISHED by AGENT uuid u on A2");
    assert_int_equal(look_status(rig)->strays, 1);
    rig_restart(rig);
    assert_int_equal(look_status(rig)->strays, 1);
    assert_true(asks(in_up(rig)));
    in_update(rig, "a.1.1 LOST by MASTER");
    assert_true(has_line(in_update(rig, "a.1.1 RUNNING by AGENT uuid v"), KILL_1));
    in_update(rig, "a.1.1 FAILED by AGENT uuid v");
    expect(look_states(rig, "a"), "FINISHED | FAILED replaced | FINISHED");
}

/* ---- the questions ----------------------------------------------------------------------------------- */

static void asked_about_with_each_subscription(void **state)
{
    for (size_t i = 0; i < 3; i++) {
        struct rig *rig = given_up(state, ways[i]);
        for (int round = 0; round < 2; round++) {
            in_down(rig, "gone");
            assert_true(asks(in_up(rig)));
            in_update(rig, words(rig, "a.1.1 %s by MASTER", ways[i]));
            rig_restart(rig);
            assert_int_equal(look_status(rig)->strays, 1);
            assert_true(asks(in_up(rig)));
            in_update(rig, words(rig, "a.1.1 %s by MASTER", ways[i]));
        }
        rig_destroy(rig);
    }
    *state = NULL;
}

static void asked_about_in_each_round(void **state)
{
    struct rig *rig = given_up(state, "LOST");
    assert_true(asks(in_wait(rig, 900000)));
    in_update(rig, "a.1.1 LOST by MASTER");
    assert_false(asks(in_wait(rig, 60000)));
    assert_true(asks(in_ask(rig)));
    in_update(rig, "a.1.1 LOST by MASTER");
    assert_true(asks(in_wait(rig, 900000)));
}

static void asked_about_when_its_agent_makes_an_offer(void **state)
{
    for (size_t i = 0; i < 3; i++) {
        struct rig *rig = given_up(state, ways[i]);
        assert_false(asks(in_offers(rig, "o1 A2 cpus 1")));
        assert_false(asks(in_wait(rig, 1000)));
        const char *text = words(rig, "%s", in_offers(rig, "o2 A1 cpus 1"));
        text = words(rig, "%s%s", text, in_wait(rig, 1000));
        assert_true(asks(text));
        in_update(rig, "a.1.1 GONE by MASTER because RECONCILIATION"); /* it came back without it */
        assert_int_equal(look_status(rig)->strays, 0);
        in_offers(rig, "o3 A1 cpus 1");
        assert_false(asks(in_wait(rig, 30000)));
        rig_destroy(rig);
    }
    *state = NULL;
}

/* No answer: asked again. */
static void asked_about_until_it_is_answered(void **state)
{
    struct rig *rig = given_up(state, "LOST");
    in_down(rig, "gone");
    in_up(rig);
    for (int i = 0; i < 5; i++)
        assert_true(asks(in_wait(rig, 60000)));
    in_update(rig, "a.1.1 UNREACHABLE by MASTER");
    assert_false(asks(in_wait(rig, 60000)));
}

static void nothing_goes_while_disconnected(void **state)
{
    struct rig *rig = given_up(state, "LOST");
    in_update(rig, "a.1.1 RUNNING by AGENT uuid v");
    in_down(rig, "gone");
    expect(in_wait(rig, 3600000), "");
    assert_true(has_line(in_up(rig), KILL_1));
}

/* ---- two of them ------------------------------------------------------------------------------------- */

static void two_strays_of_one_task(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "a tries 3 backoff 0 on LOST replace 60000");
    for (int i = 1; i <= 3; i++) {
        expect(place(rig, words(rig, "A%d", i), ""), words(rig, "a.1.%d", i));
        in_update(rig, words(rig, "a.1.%d RUNNING by AGENT uuid u on A%d", i, i));
        if (i < 3) {
            in_update(rig, words(rig, "a.1.%d LOST by MASTER on A%d", i, i));
            in_wait(rig, 60000);
            in_update(rig, words(rig, "a.1.%d LOST by MASTER on A%d", i, i));
        }
    }
    assert_int_equal(look_status(rig)->strays, 2);
    rig_restart(rig);
    in_up(rig);
    assert_int_equal(look_status(rig)->strays, 2);
    in_update(rig, "a.1.1 RUNNING by MASTER on A1");
    in_update(rig, "a.1.2 GONE by MASTER because RECONCILIATION on A2");
    rig_show(rig, SHOW_CALLS);
    const char *text = in_wait(rig, 60000);
    assert_true(has_line(text, KILL_1));
    assert_false(has_line(text, "CALL KILL a.1.2 A2"));
    assert_false(has_line(text, "CALL KILL a.1.3 A3"));
    expect_state(rig, "a", "RUNNING");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(it_returns_and_is_killed_until_it_is_over),
            TEST(its_end_is_told_and_changes_nothing),
            TEST(it_ends_while_the_task_waits),
            TEST(it_returns_while_the_task_waits),
            TEST(its_task_is_over_first),
            TEST(asked_about_with_each_subscription),
            TEST(asked_about_in_each_round),
            TEST(asked_about_when_its_agent_makes_an_offer),
            TEST(asked_about_until_it_is_answered),
            TEST(nothing_goes_while_disconnected),
            TEST(two_strays_of_one_task),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
