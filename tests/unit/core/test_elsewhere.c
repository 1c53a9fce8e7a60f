/* A task that is to be tried elsewhere: never on an agent on which an attempt of it has ended. Such tasks
 * share their shape with others, which they must not hold up, nor be held up by. */
#include "rig.h"

#include <string.h>

#define POLICY "tries 9 backoff 0 on FAILED,FINISHED,KILLED,GONE elsewhere yes"

/* Says how the attempt ended there. */
static void ends(struct rig *rig, const char *mesos_id, const char *agent, const char *how)
{
    in_update(rig, words(rig, "%s RUNNING by AGENT uuid u on %s", mesos_id, agent));
    in_update(rig, words(rig, "%s %s by AGENT uuid u on %s", mesos_id, how, agent));
}

static void not_where_one_has_ended(void **state)
{
    static const char *const how[] = {"FAILED", "FINISHED", "KILLED", "GONE"};
    for (size_t i = 0; i < 4; i++) {
        struct rig *rig = rig_up(state, NULL);
        in_launch(rig, "a " POLICY);
        expect(place(rig, "A1", ""), "a.1.1");
        ends(rig, "a.1.1", "A1", how[i]);
        expect(place(rig, "A1", ""), "");
        rig_restart(rig); /* the rows know where it was */
        in_up(rig);
        expect(place(rig, "A1", ""), "");
        expect_state(rig, "a", "QUEUED");
        expect(place(rig, "A2", ""), "a.1.2");
        ends(rig, "a.1.2", "A2", how[i]);
        expect(place(rig, "A1", ""), "");
        expect(place(rig, "A2", ""), "");
        expect(place(rig, "A3", ""), "a.1.3");
        rig_destroy(rig);
    }
    *state = NULL;
}

static void without_it_the_same_agent_will_do(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "a tries 9 backoff 0 elsewhere no");
    expect(place(rig, "A1", ""), "a.1.1");
    ends(rig, "a.1.1", "A1", "FAILED");
    expect(place(rig, "A1", ""), "a.1.2");
}

/* Of a round with several agents it gets one that is new to it, wherever that stands. */
static void among_several_agents(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    rig_show(rig, SHOW_CALLS);
    in_launch(rig, "a " POLICY);
    expect(place(rig, "A1", ""), "a.1.1");
    ends(rig, "a.1.1", "A1", "FAILED");
    const char *text = in_offers(rig, "o1 A1 cpus 1 | o2 A2 cpus 1 | o3 A3 cpus 1");
    assert_true(has_line(text, "CALL ACCEPT o2 [a.1.2 cpus 1]"));
    assert_int_equal(rig->CALLS(ACCEPT), 2);
}

/* `a` is older than `b` and of the same shape; A1 is no place for it. */
static void it_holds_up_no_other_of_its_shape(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "a " POLICY);
    expect(place(rig, "A1", ""), "a.1.1");
    in_launch(rig, "b " POLICY " | c | d prio -5");
    ends(rig, "a.1.1", "A1", "FAILED");
    expect(place(rig, "A1", ""), "b.2.1 c.3.1 d.4.1");
    expect_state(rig, "a", "QUEUED");
    expect(place(rig, "A2", ""), "a.1.2");
}

static void each_gets_what_the_other_may_not(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "a " POLICY);
    expect(place(rig, "A1", ""), "a.1.1");
    in_launch(rig, "b " POLICY);
    expect(place(rig, "A2", ""), "b.2.1");
    in_update(rig, "a.1.1 RUNNING by AGENT uuid u on A1");
    in_update(rig, "b.2.1 RUNNING by AGENT uuid u on A2");
    in_down(rig, "gone");
    in_up(rig);
    in_update(rig, "a.1.1 FAILED by AGENT uuid u on A1");
    in_update(rig, "b.2.1 FAILED by AGENT uuid u on A2");
    rig_show(rig, SHOW_CALLS);
    const char *text = in_offers(rig, "o1 A1 cpus 1 | o2 A2 cpus 1");
    assert_true(has_line(text, "CALL ACCEPT o1 [b.2.2 cpus 1]"));
    assert_true(has_line(text, "CALL ACCEPT o2 [a.1.2 cpus 1]"));
}

/* Many of one shape that may not go there, one that may: found all the same, also the other way round. */
static void one_among_many(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    for (int i = 0; i < 30; i++)
        in_launch(rig, words(rig, "t%d cpus 0.1 " POLICY, i));
    place(rig, "A1", "");
    for (int i = 0; i < 30; i++)
        ends(rig, words(rig, "t%d.%d.1", i, i + 1), "A1", "FAILED");
    in_launch(rig, "free cpus 0.1 " POLICY);
    expect(place(rig, "A1", ""), "free.31.1");
    rig_show(rig, SHOW_CALLS);
    in_offers(rig, "o1 A1 cpus 9 | o2 A2 cpus 1 | o3 A3 cpus 2");
    size_t placed[2] = {0};
    for (size_t i = 0; i < rig->out.count; i++) {
        const struct core_output *output = &rig->out.items[i];
        for (size_t j = 0; output->kind == CORE_OUT_CALL && j < output->call.launch_count; j++) {
            assert_string_not_equal(output->call.launches[j].agent_id, "A1");
            placed[output->call.launches[j].agent_id[1] == '3']++;
        }
    }
    assert_int_equal(placed[0], 10); /* both offers are full */
    assert_int_equal(placed[1], 20);
}

/* It waits for as long as it takes, and a killed one does not wait any more. */
static void it_waits(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "a " POLICY " | b " POLICY);
    place(rig, "A1", "");
    ends(rig, "a.1.1", "A1", "FAILED");
    ends(rig, "b.2.1", "A1", "FAILED");
    for (int i = 0; i < 20; i++) {
        in_wait(rig, 3600000);
        expect(place(rig, "A1", ""), "");
    }
    in_kill(rig, "a");
    expect(place(rig, "A2", ""), "b.2.2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(not_where_one_has_ended),
            TEST(without_it_the_same_agent_will_do),
            TEST(among_several_agents),
            TEST(it_holds_up_no_other_of_its_shape),
            TEST(each_gets_what_the_other_may_not),
            TEST(one_among_many),
            TEST(it_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
