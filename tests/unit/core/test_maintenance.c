/* Maintenance: agents that are avoided, inverse offers answered, tasks drained. */
#include "rig.h"

#include <string.h>

static struct rig *ready(void **state, void (*change)(struct core_config *config))
{
    struct rig *rig = *state = rig_create(change);
    in_up(rig);
    rig_show(rig, SHOW_CALLS);
    return rig;
}

static void drains(struct core_config *config)
{
    config->drain = true;
    config->drain_grace_ms = 30000;
}

static void declines(struct core_config *config)
{
    config->decline_maintenance = true;
}

/* ---- avoiding ---- */

static void an_agent_that_is_maintained_within_the_hour_gets_nothing(void **state)
{
    struct rig *rig = ready(state, NULL);
    in_launch(rig, "a cpus 1");
    expect(in_offers(rig, "o1 A1 cpus 4 down 3600+60"), "CALL DECLINE o1 for 3600 s\n");
    expect(in_offers(rig, "o2 A1 cpus 4 down 3601+60"), "CALL ACCEPT o2 [a.1.1 cpus 1]\n");
    assert_int_equal(look_status(rig)->maintenance, 1);
}

static void nor_while_it_is_maintained(void **state)
{
    struct rig *rig = ready(state, NULL);
    in_launch(rig, "a cpus 1");
    expect(in_offers(rig, "o1 A1 cpus 4 down -59+60"), "CALL DECLINE o1 for 3600 s\n");
    expect(in_offers(rig, "o2 A2 cpus 4 down -1000000"), "CALL DECLINE o2 for 3600 s\n");  /* no end */
    expect(in_offers(rig, "o3 A1 cpus 4 down -60+60"), "CALL ACCEPT o3 [a.1.1 cpus 1]\n"); /* over */
}

static void unless_a_task_does_not_mind(void **state)
{
    struct rig *rig = ready(state, NULL);
    in_launch(rig, "a cpus 1 | b cpus 1 despite yes");
    expect(in_offers(rig, "o1 A1 cpus 4 down 60"), "CALL ACCEPT o1 [b.2.1 cpus 1]\n");
    expect_state(rig, "a", "QUEUED");
    rig_restart(rig); /* what it says is on disk */
    in_launch(rig, "c cpus 1 despite yes");
    in_up(rig);
    expect(in_offers(rig, "o2 A1 cpus 4 down 60"), "CALL ACCEPT o2 [c.3.1 cpus 1]\n");
}

static void a_schedule_that_was_changed(void **state)
{
    struct rig *rig = ready(state, NULL);
    in_launch(rig, "a cpus 1");
    in_offers(rig, "o1 A1 cpus 4 down 60");
    expect(in_offers(rig, "o2 A1 cpus 4"), "CALL ACCEPT o2 [a.1.1 cpus 1]\n");
    assert_false(look_status(rig)->has_maintenance);
}

static void an_inverse_offer_tells_it_too(void **state)
{
    struct rig *rig = ready(state, NULL);
    in_offers(rig, "o1 A1 cpus 4");
    expect(in_inverse_offers(rig, "i1 A1 60 | i2 A2 1000000"),
            "CALL ACCEPT_INVERSE_OFFERS i1 i2 for 3600 s\n");
    expect(in_launch(rig, "a cpus 1"), "CALL DECLINE o1 for 3600 s\n");
    expect(in_rescind_inverse_offer(rig, "i9"), "");
    assert_int_equal(look_status(rig)->maintenance, 2);
    in_rescind_inverse_offer(rig, "i1");
    assert_int_equal(look_status(rig)->maintenance, 1);
    in_down(rig, "gone"); /* the next subscription tells them again */
    assert_int_equal(look_status(rig)->maintenance, 0);
}

static void declined_by_policy(void **state)
{
    struct rig *rig = ready(state, declines);
    expect(in_inverse_offers(rig, "i1 A1 60"), "CALL DECLINE_INVERSE_OFFERS i1 for 3600 s\n");
    in_launch(rig, "a cpus 1");
    expect(in_offers(rig, "o1 A1 cpus 4 down 60"),
            "CALL DECLINE o1 for 3600 s\n"); /* it comes all the same */
}

/* ---- draining ---- */

static struct rig *running(void **state, const char *specs, void (*change)(struct core_config *config))
{
    struct rig *rig = ready(state, change);
    rig_show(rig, 0);
    in_launch(rig, specs);
    in_offers(rig, "o1 A1 cpus 9");
    in_answer(rig, "o1", CORE_ACCEPTED, "");
    in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid u1");
    rig_show(rig, SHOW_CALLS);
    in_wait(rig, 10000);
    return rig;
}

static void tasks_are_killed_before_and_go_elsewhere(void **state)
{
    struct rig *rig = running(state, "a cpus 1 tries 3 on DRAINED backoff 0", drains);
    expect(in_inverse_offers(rig, "i1 A1 100+60"), "CALL ACCEPT_INVERSE_OFFERS i1 for 3600 s\n");
    expect(in_wait(rig, 69000), "");
    expect(in_wait(rig, 1001), "+1000 CALL KILL a.1.1 A1\n");
    expect(in_wait(rig, 6000), "+4999 CALL KILL a.1.1 A1\n");
    assert_true(has_line(in_update(rig, "a.1.1 KILLED by EXECUTOR uuid u2"), "CALL REVIVE r1"));
    expect_state(rig, "a", "QUEUED");
    expect_words(rig, "a", "attempt 1", "maintenance");
    expect(in_offers(rig, "o2 A1 cpus 4 down 20"), "CALL DECLINE o2 for 3600 s\n");
    expect(in_offers(rig, "o3 A2 cpus 4"), "CALL ACCEPT o3 [a.1.2 cpus 1]\n");
}

static void killed_counts_where_drained_is_not_named(void **state)
{
    struct rig *rig = running(state, "a cpus 1 tries 3 on KILLED backoff 0", drains);
    in_inverse_offers(rig, "i1 A1 0");
    in_update(rig, "a.1.1 FAILED by EXECUTOR uuid u2");
    expect_state(rig, "a", "QUEUED");
}

static void without_a_policy_it_is_killed(void **state)
{
    struct rig *rig = running(state, "a cpus 1 tries 3 on FAILED,GONE", drains);
    assert_true(has_line(in_inverse_offers(rig, "i1 A1 29"), "CALL KILL a.1.1 A1"));
    in_update(rig, "a.1.1 FAILED by EXECUTOR uuid u2 : oh");
    expect_state(rig, "a", "KILLED");
    expect_words(rig, "a", "maintenance", "oh");
}

static void what_ends_by_itself_meanwhile_has_finished(void **state)
{
    struct rig *rig = running(state, "a cpus 1 tries 3 on DRAINED", drains);
    in_inverse_offers(rig, "i1 A1 29");
    in_update(rig, "a.1.1 FINISHED by EXECUTOR uuid u2");
    expect_state(rig, "a", "FINISHED");
}

static void the_kill_survives_a_restart(void **state)
{
    struct rig *rig = running(state, "a cpus 1 tries 3 on DRAINED backoff 0", drains);
    in_inverse_offers(rig, "i1 A1 29");
    rig_restart(rig);
    assert_true(has_line(in_up(rig), "CALL KILL a.1.1 A1"));
    in_update(rig, "a.1.1 KILLED by EXECUTOR uuid u2");
    expect_state(rig, "a", "QUEUED");
}

static void those_that_do_not_mind_stay(void **state)
{
    struct rig *rig = running(state, "a cpus 1 despite yes | b cpus 1", drains);
    in_inverse_offers(rig, "i1 A1 29");
    assert_int_equal(rig->CALLS(KILL), 1); /* b */
}

static void nothing_is_drained_without_the_flag(void **state)
{
    struct rig *rig = running(state, "a cpus 1", NULL);
    in_inverse_offers(rig, "i1 A1 0");
    in_wait(rig, 100000);
    assert_int_equal(rig->CALLS(KILL), 0);
}

static void nor_once_it_is_over(void **state)
{
    struct rig *rig = running(state, "a cpus 1", drains);
    in_inverse_offers(rig, "i1 A1 -60+60");
    in_wait(rig, 100000);
    assert_int_equal(rig->CALLS(KILL), 0);
}

/* Cut off when the others were killed, and back before maintenance begins. */
static void what_comes_back_is_drained_too(void **state)
{
    struct rig *rig = running(state, "a cpus 1", drains);
    in_update(rig, "a.1.1 UNREACHABLE by MASTER");
    in_inverse_offers(rig, "i1 A1 29");
    size_t before = rig->CALLS(KILL);
    in_update(rig, "a.1.1 RUNNING by MASTER because RECONCILIATION");
    in_wait(rig, 5000);
    assert_true(rig->CALLS(KILL) > before);
}

/* An avoidance shorter than the grace would fill what was emptied. */
static void no_avoidance(struct core_config *config)
{
    drains(config);
    config->avoid_maintenance_ms = 0;
}

static void what_is_drained_is_not_filled_again(void **state)
{
    struct rig *rig = ready(state, no_avoidance);
    in_launch(rig, "a cpus 1");
    expect(in_offers(rig, "o1 A1 cpus 4 down 30"), "CALL DECLINE o1 for 3600 s\n");
    expect(in_offers(rig, "o2 A1 cpus 4 down 31"), "CALL ACCEPT o2 [a.1.1 cpus 1]\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(an_agent_that_is_maintained_within_the_hour_gets_nothing),
            TEST(nor_while_it_is_maintained),
            TEST(unless_a_task_does_not_mind),
            TEST(a_schedule_that_was_changed),
            TEST(an_inverse_offer_tells_it_too),
            TEST(declined_by_policy),
            TEST(tasks_are_killed_before_and_go_elsewhere),
            TEST(killed_counts_where_drained_is_not_named),
            TEST(without_a_policy_it_is_killed),
            TEST(what_ends_by_itself_meanwhile_has_finished),
            TEST(the_kill_survives_a_restart),
            TEST(those_that_do_not_mind_stay),
            TEST(nothing_is_drained_without_the_flag),
            TEST(nor_once_it_is_over),
            TEST(what_comes_back_is_drained_too),
            TEST(what_is_drained_is_not_filled_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
