/* Rounds of matching that are too long for one input go on with the next tick; and what is spread over many.
 */
#include "rig.h"

#include <stdio.h>
#include <string.h>

static void one_step_a_turn(struct core_config *config)
{
    config->turn_steps = 1;
}

static struct rig *ready(void **state, void (*change)(struct core_config *config))
{
    struct rig *rig = *state = rig_create(change);
    rig->unchecked = true;
    in_up(rig);
    rig_show(rig, SHOW_CALLS);
    return rig;
}

static bool wants_a_tick(const struct rig *rig)
{
    return core_deadline(rig->core) <= rig->now.mono_ms;
}

static void one_placement_a_turn(void **state)
{
    struct rig *rig = ready(state, one_step_a_turn);
    in_launch(rig, "a | b cpus 64 | c | d prio 1");
    expect(in_offers(rig, "o1 A1 cpus 1 | o2 A2 cpus 1 | o3 A3 cpus 1 | o4 A4 cpus 1"),
            "CALL ACCEPT o1 [d.4.1 cpus 1]\n");
    assert_true(wants_a_tick(rig));
    expect(in_tick(rig), "CALL ACCEPT o2 [a.1.1 cpus 1]\n");
    expect(in_tick(rig), ""); /* b */
    expect(in_tick(rig), "CALL ACCEPT o3 [c.3.1 cpus 1]\nCALL DECLINE o4 for 3600 s\n");
    assert_false(wants_a_tick(rig));
    rig_check(rig);
}

/* What was set aside before looks at what came since, before that is declined. */
static void offers_that_come_meanwhile(void **state)
{
    struct rig *rig = ready(state, one_step_a_turn);
    in_launch(rig, "a cpus 4 | b | c");
    expect(in_offers(rig, "o1 A1 cpus 1"), "");
    assert_true(wants_a_tick(rig));
    expect(in_offers(rig, "o2 A2 cpus 4"), "CALL ACCEPT o1 [b.2.1 cpus 1]\n");
    const char *last = "";
    for (int turn = 0; turn < 20 && wants_a_tick(rig); turn++) {
        const char *text = in_tick(rig);
        last = *text ? words(rig, "%s%s", last, text) : last;
    }
    assert_false(wants_a_tick(rig));
    expect(last, "CALL ACCEPT o2 [c.3.1 cpus 1]\n");
    expect(in_offers(rig, "o3 A3 cpus 4"), "CALL ACCEPT o3 [a.1.1 cpus 4]\n");
    rig_check(rig);
}

/* As above, with nothing else that takes the new offer: it is a's in the round that follows. */
static void the_next_round_follows_at_once(void **state)
{
    struct rig *rig = ready(state, one_step_a_turn);
    in_launch(rig, "a cpus 4 | b cpus 5");
    expect(in_offers(rig, "o1 A1 cpus 1"), "");
    assert_true(wants_a_tick(rig));
    expect(in_offers(rig, "o2 A2 cpus 4"), "CALL DECLINE o1 for 3600 s\n");
    assert_true(wants_a_tick(rig));
    expect(in_tick(rig), "CALL ACCEPT o2 [a.1.1 cpus 4]\n");
    while (wants_a_tick(rig))
        in_tick(rig);
    rig_check(rig);
}

static void a_round_that_is_cut_off(void **state)
{
    struct rig *rig = ready(state, one_step_a_turn);
    in_launch(rig, "a cpus 4 | b");
    in_offers(rig, "o1 A1 cpus 1 | o2 A2 cpus 1");
    assert_true(wants_a_tick(rig));
    in_kill(rig, "a"); /* it was set aside */
    in_down(rig, "gone");
    assert_false(wants_a_tick(rig));
    in_launch(rig, "c cpus 4");
    in_up(rig);
    in_offers(rig, "o3 A3 cpus 5");
    while (wants_a_tick(rig))
        in_tick(rig);
    expect(look_states(rig, "a"), "KILLED kill");
    expect(look_states(rig, "c"), "LAUNCHING | LAUNCHING");
    rig_check(rig);
}

/* ---- spread over many ---- */

#define AGENTS 40

static const char *offers_of_all(struct rig *rig, const char *prefix, int cpus)
{
    const char *text = "";
    for (int i = 0; i < AGENTS; i++)
        text = words(rig, "%s%s%s%d A%d cpus %d", text, i ? " | " : "", prefix, i, i, cpus);
    return text;
}

static void launch_spread(struct rig *rig, int first, int count)
{
    for (int i = first; i < first + count; i++)
        in_launch(rig, words(rig, "t%d name web where agent_id SPREAD -", i));
}

/* How many of it each agent was given by this input. */
static void count_places(const struct rig *rig, int counts[AGENTS])
{
    for (size_t i = 0; i < rig->out.count; i++) {
        const struct core_output *output = &rig->out.items[i];
        for (size_t j = 0; output->kind == CORE_OUT_CALL && j < output->call.launch_count; j++) {
            int agent;
            assert_int_equal(sscanf(output->call.launches[j].agent_id, "A%d", &agent), 1);
            counts[agent]++;
        }
    }
}

static void evenly_over_many(void **state)
{
    struct rig *rig = ready(state, NULL);
    int counts[AGENTS] = {0};
    launch_spread(rig, 0, 100);
    in_offers(rig, offers_of_all(rig, "o", 9));
    count_places(rig, counts);
    int twos = 0, threes = 0;
    for (int i = 0; i < AGENTS; i++) {
        twos += counts[i] == 2;
        threes += counts[i] == 3;
    }
    assert_int_equal(twos, 20);
    assert_int_equal(threes, 20);
    /* Two agents lose all theirs: what comes next goes there, then evenly to all with two. */
    for (int key = 1; key <= 100; key++) {
        const Zmesos__V1__Task *task = look(rig, words(rig, "t%d", key - 1));
        const char *agent = task->attempts[0]->agent_id;
        if (strcmp(agent, "A3") == 0 || strcmp(agent, "A25") == 0)
            in_update(rig, words(rig, "t%d.%d.1 FINISHED", key - 1, key));
    }
    int lost = counts[3] + counts[25];
    counts[3] = counts[25] = 0;
    launch_spread(rig, 100, lost + 15);
    in_offers(rig, offers_of_all(rig, "p", 9));
    count_places(rig, counts);
    int sum = 0;
    for (int i = 0; i < AGENTS; i++) {
        assert_in_range(counts[i], 2, 3);
        sum += counts[i];
    }
    assert_int_equal(sum, 115);
    rig_check(rig);
}

/* A value that is new has fewest; one that is gone does not hold the others back. */
static void values_that_come(void **state)
{
    struct rig *rig = ready(state, NULL);
    launch_spread(rig, 0, 3);
    in_offers(rig, "o1 A1 cpus 9 | o2 A2 cpus 9");
    launch_spread(rig, 3, 3);
    expect(in_offers(rig, "o3 A1 cpus 9 | o4 A2 cpus 9 | o5 A3 cpus 9"),
            "CALL ACCEPT o4 [t4.5.1 cpus 1]\n"
            "CALL ACCEPT o5 [t3.4.1 cpus 1] [t5.6.1 cpus 1]\n");
    rig_check(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(one_placement_a_turn),
            TEST(offers_that_come_meanwhile),
            TEST(the_next_round_follows_at_once),
            TEST(a_round_that_is_cut_off),
            TEST(evenly_over_many),
            TEST(values_that_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
