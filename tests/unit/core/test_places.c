/* Constraints that exclude, compare, look at other tasks, or only prefer. */
#include "rig.h"

#include <string.h>

/* Whether a task with the constraint is launched on an agent with the attributes. */
static bool holds(const char *constraint, const char *attributes)
{
    struct rig *rig = rig_create(NULL);
    in_up(rig);
    in_launch(rig, words(rig, "a where %s", constraint));
    bool launched = *place(rig, "A1", attributes) != '\0';
    rig_destroy(rig);
    return launched;
}

static void what_excludes(void **state)
{
    (void)state;
    assert_true(holds("rack NOT_EQUALS r1", "@rack=r2"));
    assert_false(holds("rack NOT_EQUALS r1", "@rack=r1"));
    assert_false(holds("rack NOT_EQUALS r1", "@row=r2"));
    assert_true(holds("rack NOT_IN r1,r2", "@rack=r3"));
    assert_false(holds("rack NOT_IN r1,r2", "@rack=r2"));
    assert_true(holds("rack NOT_MATCHES r[0-9]", "@rack=r12"));
    assert_false(holds("rack NOT_MATCHES r[0-9]", "@rack=r1"));
    assert_true(holds("rack EXISTS", "@rack=r1"));
    assert_false(holds("rack EXISTS", "@row=r1"));
    assert_true(holds("rack NOT_EXISTS", "@row=r1"));
    assert_false(holds("rack NOT_EXISTS", "@rack=r1"));
}

static void what_compares(void **state)
{
    (void)state;
    assert_true(holds("level GREATER 3", "@level:3.001"));
    assert_false(holds("level GREATER 3", "@level:3"));
    assert_true(holds("level GREATER -1.5", "@level:0"));
    assert_true(holds("level LESS 10", "@level=9"));
    assert_false(holds("level LESS 10", "@level:10"));
    assert_false(holds("level LESS 10", "@level=few"));
    assert_false(holds("level LESS 10", "@row=1"));
}

static void names_of_our_own(void **state)
{
    (void)state;
    assert_true(holds("agent_id EQUALS A1", "host h1"));
    assert_false(holds("agent_id EQUALS A2", "host h1"));
    assert_true(holds("hostname EQUALS h1", "host h1"));
    assert_true(holds("zone EQUALS z1", "@zone=z1"));
    assert_false(holds("zone EQUALS z2", "@zone=z1"));
}

static void at_most_so_many_share_a_value(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig,
            "a name n where rack MAX_PER 2 | b name n where rack MAX_PER 2 | c name n where rack MAX_PER 2");
    expect(place(rig, "A1", "@rack=r1"), "a.1.1 b.2.1");
    expect(place(rig, "A2", "@rack=r1"), "");
    in_update(rig, "a.1.1 FINISHED by AGENT");
    expect(place(rig, "A2", "@rack=r1"), "c.3.1");
}

static void spread_over_what_was_named(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    for (int i = 0; i < 4; i++)
        in_launch(rig, words(rig, "t%d name n where rack SPREAD r1,r2", i));
    expect(place(rig, "A1", "@rack=r1"), "t0.1.1");
    expect(place(rig, "A1", "@rack=r1"), "");
    expect(place(rig, "A3", "@rack=r3"), "");
    expect(place(rig, "A2", "@rack=r2"), "t1.2.1 t2.3.1"); /* the second one of them while both have one */
    expect(place(rig, "A2", "@rack=r2"), "");
    expect(place(rig, "A1", "@rack=r1"), "t3.4.1");
}

static void spread_over_the_agents_that_are_known(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    place(rig, "A1", "@rack=r1");
    place(rig, "A2", "@rack=r2");
    in_launch(rig, "a name n where rack SPREAD - | b name n where rack SPREAD -");
    expect(place(rig, "A1", "@rack=r1"), "a.1.1");
    expect(place(rig, "A1", "@rack=r1"), "");
    Mesos__V1__Scheduler__Event event = MESOS__V1__SCHEDULER__EVENT__INIT;
    Mesos__V1__Scheduler__Event__Failure failure = MESOS__V1__SCHEDULER__EVENT__FAILURE__INIT;
    Mesos__V1__AgentID agent = MESOS__V1__AGENT_ID__INIT;
    agent.value = (char[]){"A2"};
    failure.agent_id = &agent;
    event.has_type = true;
    event.type = MESOS__V1__SCHEDULER__EVENT__TYPE__FAILURE;
    event.failure = &failure;
    in_event(rig, &event); /* with its agent the value is gone */
    expect(place(rig, "A1", "@rack=r1"), "b.2.1");
}

/* What was known of agents before is not waited for: those that are there make offers anew. */
static void spread_after_a_new_subscription(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    place(rig, "A1", "@rack=r1");
    place(rig, "A2", "@rack=r2");
    in_down(rig, "gone");
    in_up(rig);
    in_launch(rig, "a name n where rack SPREAD - | b name n where rack SPREAD -");
    expect(place(rig, "A1", "@rack=r1"), "a.1.1 b.2.1");
}

/* A round that places one may open a place that was refused before in the same round. */
static void spread_in_one_round(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "a name n where rack SPREAD r1,r2 | b name n where rack SPREAD r1,r2 | "
                   "c name n where rack SPREAD r1,r2 | d name n where rack SPREAD r1,r2");
    rig_show(rig, SHOW_CALLS);
    expect(in_offers(rig, "o1 A1 cpus 9 @rack=r1 | o2 A2 cpus 9 @rack=r2"),
            "CALL ACCEPT o1 [a.1.1 cpus 1] [c.3.1 cpus 1]\nCALL ACCEPT o2 [b.2.1 cpus 1] [d.4.1 cpus 1]\n");
}

static void all_in_one_place(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "a name n cpus 9 where rack TOGETHER | b name n where rack TOGETHER");
    expect(place(rig, "A1", "@rack=r1"), "a.1.1");
    expect(place(rig, "A2", "@rack=r2"), "");
    expect(place(rig, "A3", "@rack=r1"), "b.2.1");
    in_update(rig, "a.1.1 FINISHED by AGENT");
    in_update(rig, "b.2.1 FINISHED by AGENT");
    in_launch(rig, "c name n where rack TOGETHER");
    expect(place(rig, "A2", "@rack=r2"), "c.3.1");
}

static void near_and_far(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "near where rack NEAR a | far where rack FAR a");
    expect(place(rig, "A9", "@rack=r1"), "far.2.1"); /* a is nowhere */
    in_launch(rig, "a | far2 where rack FAR a | host where agent_id NEAR a");
    expect(place(rig, "A1", "@rack=r1"), "a.3.1 host.5.1"); /* near was older, and had nobody to stand near */
    expect(place(rig, "A2", "@rack=r1"), "near.1.1");
    expect(place(rig, "A3", "@rack=r2"), "far2.4.1");
}

/* After a start the attributes of an agent are not known before it makes an offer; the agent itself is. */
static void far_after_a_start(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "a");
    place(rig, "A1", "@rack=r1");
    in_update(rig, "a.1.1 RUNNING by AGENT");
    in_launch(rig, "far where rack FAR a | near where rack NEAR a");
    rig_restart(rig);
    in_up(rig);
    expect(place(rig, "A2", "@rack=r9"), "far.2.1");
    expect(place(rig, "A3", "@rack=r1"), "");
    expect(place(rig, "A1", "@rack=r1"), "near.3.1");
}

static void what_is_preferred(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    rig_show(rig, SHOW_CALLS);
    in_launch(rig, "a prefer rack EQUALS r2 | b prefer rack EQUALS r9 | c where rack EQUALS r1 prefer level "
                   "GREATER 1");
    expect(in_offers(rig, "o1 A1 cpus 9 @rack=r1 | o2 A2 cpus 9 @rack=r2 | o3 A3 cpus 9 @rack=r1 @level:2"),
            "CALL ACCEPT o1 [b.2.1 cpus 1]\nCALL ACCEPT o2 [a.1.1 cpus 1]\nCALL ACCEPT o3 [c.3.1 cpus 1]\n");
}

static void where_tasks_are_is_known_after_a_start(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "a name n where rack MAX_PER 1 where rack TOGETHER | b name n where rack MAX_PER 1");
    expect(place(rig, "A1", "@rack=r1"), "a.1.1");
    rig_restart(rig);
    in_up(rig);
    expect(place(rig, "A2", "@rack=r1"), "");
    expect(place(rig, "A2", "@rack=r2"), "b.2.1");
}

static void refuses(struct rig *rig, const char *constraint, const char *field)
{
    rig_show(rig, SHOW_REPLIES);
    const char *text = in_launch(rig, words(rig, "x where %s", constraint));
    if (!strstr(text, words(rig, "launch.tasks[0].constraints[0].%s", field)) || !strstr(text, "INVALID"))
        fail_msg("'%s' gave %s", constraint, text);
}

static void what_is_refused(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    refuses(rig, "level GREATER x", "values");
    refuses(rig, "level LESS 1.2345", "values");
    refuses(rig, "rack MAX_PER 0", "values");
    refuses(rig, "rack MAX_PER 1000001", "values");
    refuses(rig, "rack MAX_PER some", "values");
    refuses(rig, "rack NOT_MATCHES (", "values");
    refuses(rig, "rack NEAR -", "values");
    refuses(rig, "rack FAR -", "values");
    refuses(rig, "rack NOT_IN -", "values");
    refuses(rig, "rack NOT_EQUALS -", "values");
    expect(words(rig, "%d", holds("rack MAX_PER 1000000", "@rack=r1")), "1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(what_excludes),
            TEST(what_compares),
            TEST(names_of_our_own),
            TEST(at_most_so_many_share_a_value),
            TEST(spread_over_what_was_named),
            TEST(spread_over_the_agents_that_are_known),
            TEST(spread_after_a_new_subscription),
            TEST(spread_in_one_round),
            TEST(all_in_one_place),
            TEST(near_and_far),
            TEST(far_after_a_start),
            TEST(what_is_preferred),
            TEST(where_tasks_are_is_known_after_a_start),
            TEST(what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
