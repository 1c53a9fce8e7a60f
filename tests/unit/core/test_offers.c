/* Offers held, declined, rescinded; SUPPRESS and REVIVE (PROTOCOL "Offers"). Times are the defaults: held 2
 * s, refused 1 h, a REVIVE each 3 s at most. */
#include "rig.h"

#include <string.h>

static struct rig *ready(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    rig_show(rig, SHOW_CALLS);
    in_up(rig);
    return rig;
}

/* As above, with both roles suppressed. */
static struct rig *idle(void **state)
{
    struct rig *rig = ready(state);
    expect(in_wait(rig, 10000), "+2000 CALL SUPPRESS r1\n+2000 CALL SUPPRESS r2\n");
    return rig;
}

static void an_offer_without_work_is_held_then_declined_for_long(void **state)
{
    struct rig *rig = ready(state);
    expect(in_offers(rig, "o1 A1 cpus 4 | o2 A2 cpus 4"), "");
    in_wait(rig, 500);
    expect(in_offers(rig, "o3 A1 cpus 4"), "");
    expect(in_wait(rig, 1499), "");
    expect(in_wait(rig, 1), "+1 CALL DECLINE o1 o2 for 3600 s\n+1 CALL SUPPRESS r2\n");
    expect(in_wait(rig, 500), "+500 CALL DECLINE o3 for 3600 s\n+500 CALL SUPPRESS r1\n");
    expect(in_wait(rig, 800000), ""); /* nothing waits: quiet until the next reconciliation */
}

static void an_offer_that_does_not_fit_is_declined_at_once(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a cpus 8");
    expect(in_offers(rig, "o1 A1 cpus 4"), "CALL DECLINE o1 for 3600 s\n");
}

static void work_of_another_role_does_not_hurry(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a cpus 8 role r2");
    expect(in_offers(rig, "o1 A1 cpus 4"), "");
    expect(in_wait(rig, 2000), "+2000 CALL DECLINE o1 for 3600 s\n+2000 CALL SUPPRESS r1\n");
}

static void nor_does_an_offer_that_is_held_slow_down(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a cpus 8");
    expect(in_offers(rig, "o1 A1 cpus 4 role r2 | o2 A1 cpus 4"), "CALL DECLINE o2 for 3600 s\n");
}

static void what_an_accept_leaves_comes_back(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a cpus 1");
    /* Without a filter (the rig looks at each ACCEPT). */
    expect(in_offers(rig, "o1 A1 cpus 4"), "CALL ACCEPT o1 [a.1.1 cpus 1]\n");
    expect(in_offers(rig, "o2 A1 cpus 3"), "");
    expect(in_launch(rig, "b cpus 1"), "CALL ACCEPT o2 [b.2.1 cpus 1]\n");
}

static void an_offer_is_used_once(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a cpus 1");
    in_offers(rig, "o1 A1 cpus 4");
    expect(in_launch(rig, "b cpus 1"), "");
}

static void rescinded_is_gone(void **state)
{
    struct rig *rig = ready(state);
    in_offers(rig, "o1 A1 cpus 4");
    rig_show(rig, SHOW_ALL);
    expect(in_rescind(rig, "o1"), "EVENT mesos/RESCIND #1\n");
    expect(in_rescind(rig, "o1"), "EVENT mesos/RESCIND #2\n");
    rig_show(rig, SHOW_CALLS);
    expect(in_launch(rig, "a cpus 1"), "");
}

static void an_id_offered_twice_is_one_offer(void **state)
{
    struct rig *rig = ready(state);
    in_offers(rig, "o1 A1 cpus 1");
    in_offers(rig, "o1 A1 cpus 1");
    expect(in_launch(rig, "a | b"), "CALL ACCEPT o1 [a.1.1 cpus 1]\n");
}

static void offers_end_with_the_subscription(void **state)
{
    struct rig *rig = ready(state);
    in_offers(rig, "o1 A1 cpus 4");
    in_down(rig, "gone");
    expect(in_launch(rig, "a cpus 1"), "");
    expect(in_up(rig), "CALL RECONCILE implicit\n");
    expect(in_offers(rig, "o2 A1 cpus 4"), "CALL ACCEPT o2 [a.1.1 cpus 1]\n");
}

/* ---- SUPPRESS and REVIVE ----------------------------------------------------------------------------- */

static void new_work_revives_at_once(void **state)
{
    struct rig *rig = idle(state);
    expect(in_launch(rig, "a cpus 1 | b cpus 1 role r2 | c cpus 1"), "CALL REVIVE r1\nCALL REVIVE r2\n");
    expect(in_launch(rig, "d cpus 1"), "");
}

static void no_work_suppresses_after_the_hold(void **state)
{
    struct rig *rig = idle(state);
    in_launch(rig, "a cpus 1");
    in_offers(rig, "o1 A1 cpus 1");
    expect(in_wait(rig, 1999), "");
    expect(in_wait(rig, 1), "+1 CALL SUPPRESS r1\n");
}

static void not_more_than_one_revive_in_three_seconds(void **state)
{
    struct rig *rig = idle(state);
    expect(in_launch(rig, "a cpus 1"), "CALL REVIVE r1\n");
    in_offers(rig, "o1 A1 cpus 1");
    expect(in_wait(rig, 2000), "+2000 CALL SUPPRESS r1\n");
    expect(in_launch(rig, "b cpus 1"), "");
    expect(in_wait(rig, 2000), "+1000 CALL REVIVE r1\n");
}

/* An offer refused for an hour would not show new work to its agent: REVIVE clears the filters. */
static void new_work_is_shown_to_agents_that_were_refused(void **state)
{
    struct rig *rig = ready(state);
    in_wait(rig, 1000);
    in_offers(rig, "o1 A1 cpus 1");
    in_launch(rig, "a cpus 2");
    expect(in_wait(rig, 10000), "+1000 CALL SUPPRESS r2\n+2000 CALL REVIVE r1\n");
    in_offers(rig, "o2 A1 cpus 1"); /* declined again: a has seen it */
    expect(in_wait(rig, 30000), "");
    expect(in_launch(rig, "b cpus 1"), "CALL REVIVE r1\n");
}

static void a_minute(struct core_config *config)
{
    config->relaunch_min_ms = config->relaunch_max_ms = 60000;
}

/* A task that waits out a backoff is no new work until then. */
static void a_backoff_does_not_revive(void **state)
{
    struct rig *rig = *state = rig_create(a_minute);
    in_up(rig);
    in_launch(rig, "a cpus 1");
    in_offers(rig, "o1 A1 cpus 1");
    in_update(rig, "a.1.1 DROPPED by AGENT uuid u because GC_ERROR");
    rig_show(rig, SHOW_CALLS);
    expect(in_offers(rig, "o2 A1 cpus 1"), "CALL DECLINE o2 for 3600 s\n");
    expect(in_wait(rig, 59000), "+2000 CALL SUPPRESS r2\n");
    expect(in_wait(rig, 1000), "+1000 CALL REVIVE r1\n");
}

/* Work that waits for long asks again, should the master have forgotten. */
static void old_work_asks_again_each_minute(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a cpus 2");
    expect(in_wait(rig, 130000), "+2000 CALL SUPPRESS r2\n+60000 CALL REVIVE r1\n+120000 CALL REVIVE r1\n");
}

static void offers_just_after_a_suppress_are_handled(void **state)
{
    struct rig *rig = idle(state);
    expect(in_offers(rig, "o1 A1 cpus 4"), "");
    expect(in_wait(rig, 10000), "+2000 CALL DECLINE o1 for 3600 s\n");
}

/* ---- subscribing ------------------------------------------------------------------------------------- */

static size_t suppressed(struct rig *rig, const char *expected)
{
    const char *roles[2];
    size_t count = core_suppressed_roles(rig->core, roles);
    if (count > 0)
        assert_string_equal(roles[0], expected);
    return count;
}

static void idle_roles_are_suppressed_from_the_start(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    rig_show(rig, SHOW_CALLS);
    assert_int_equal(suppressed(rig, "r1"), 2);
    in_launch(rig, "a cpus 1");
    assert_int_equal(suppressed(rig, "r2"), 1);
    in_up(rig);
    expect(in_wait(rig, 30000), "");
    /* r2 was suppressed by its SUBSCRIBE. */
    expect(in_launch(rig, "b cpus 1 role r2"), "CALL REVIVE r2\n");
}

/* Subscribing clears filters at the master: there is nothing to revive. */
static void subscribing_clears_filters(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a cpus 8");
    in_offers(rig, "o1 A1 cpus 1"); /* declined: a REVIVE is due in 3 s */
    in_down(rig, "gone");
    suppressed(rig, "r2");
    in_up(rig);
    expect(in_wait(rig, 59999), "");
}

/* Work that came between the SUBSCRIBE and SUBSCRIBED. */
static void work_that_overtook_the_subscription_revives(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    rig_show(rig, SHOW_CALLS);
    suppressed(rig, "r1");
    in_launch(rig, "a cpus 1");
    expect(in_up(rig), "CALL REVIVE r1\nCALL RECONCILE implicit\n");
}

static void nothing_is_said_without_a_subscription(void **state)
{
    struct rig *rig = idle(state);
    in_down(rig, "gone");
    expect(in_launch(rig, "a cpus 1"), "");
    expect(in_wait(rig, 3600000), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(an_offer_without_work_is_held_then_declined_for_long),
            TEST(an_offer_that_does_not_fit_is_declined_at_once),
            TEST(work_of_another_role_does_not_hurry),
            TEST(nor_does_an_offer_that_is_held_slow_down),
            TEST(what_an_accept_leaves_comes_back),
            TEST(an_offer_is_used_once),
            TEST(rescinded_is_gone),
            TEST(an_id_offered_twice_is_one_offer),
            TEST(offers_end_with_the_subscription),
            TEST(new_work_revives_at_once),
            TEST(no_work_suppresses_after_the_hold),
            TEST(not_more_than_one_revive_in_three_seconds),
            TEST(new_work_is_shown_to_agents_that_were_refused),
            TEST(a_backoff_does_not_revive),
            TEST(old_work_asks_again_each_minute),
            TEST(offers_just_after_a_suppress_are_handled),
            TEST(idle_roles_are_suppressed_from_the_start),
            TEST(subscribing_clears_filters),
            TEST(work_that_overtook_the_subscription_revives),
            TEST(nothing_is_said_without_a_subscription),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
