/* What an operator allows of leases, and what is refused. */
#include "rig.h"

#include <string.h>

static struct rig *with(void **state, void (*change)(struct core_config *config))
{
    struct rig *rig = *state = rig_create(change);
    in_up(rig);
    rig_show(rig, SHOW_REPLIES);
    return rig;
}

#define FOUR "o1 A1 cpus 1 | o2 A2 cpus 1 | o3 A3 cpus 1 | o4 A4 cpus 1"

static void not_more_than_the_part_of_the_agents(void **state)
{
    struct rig *rig = with(state, NULL);
    in_offers(rig, FOUR);
    expect(in_lease(rig, "l1"), "REPLY 1 OK l1 of r1 for 10000: o1 o2\n");
    expect(in_lease(rig, "l2"), "REPLY 2 OK l2 of r1 for 10000\n");
    in_offers(rig, "o5 A5 cpus 1"); /* half of five is three, rounded up */
    expect(in_renew(rig, "l2"), "REPLY 3 OK l2 of r1 for 10000: o3\n");
    expect(in_renew(rig, "l1"), "REPLY 4 OK l1 of r1 for 10000: o1 o2\n");
    /* Agents count that make no offer now: theirs are in use. */
    in_rescind(rig, "o4");
    in_rescind(rig, "o5");
    expect(in_renew(rig, "l1"), "REPLY 5 OK l1 of r1 for 10000: o1 o2\n");
}

static void one_is_always_allowed(void **state)
{
    struct rig *rig = with(state, NULL);
    in_offers(rig, "o1 A1 cpus 1");
    expect(in_lease(rig, "l1"), "REPLY 1 OK l1 of r1 for 10000: o1\n");
    expect(in_lease(rig, "l2"), "REPLY 2 OK l2 of r1 for 10000\n");
}

static void all_of_them(struct core_config *config)
{
    config->lease_share = 100;
}

static void a_part_may_be_all(void **state)
{
    struct rig *rig = with(state, all_of_them);
    in_offers(rig, FOUR);
    expect(in_lease(rig, "l1"), "REPLY 1 OK l1 of r1 for 10000: o1 o2 o3 o4\n");
}

/* Whoever has fewest is first: the one that came first does not take all that comes. */
static void they_share(void **state)
{
    struct rig *rig = with(state, NULL);
    in_lease(rig, "l1");
    in_lease(rig, "l2");
    in_offers(rig, FOUR " | o5 A5 cpus 1 | o6 A6 cpus 1 | o7 A7 cpus 1 | o8 A8 cpus 1");
    expect(in_renew(rig, "l1"), "REPLY 3 OK l1 of r1 for 10000: o1 o3\n");
    expect(in_renew(rig, "l2"), "REPLY 4 OK l2 of r1 for 10000: o2 o4\n");
    in_give_back(rig, "l1 o1 o3", -1);
    expect(in_renew(rig, "l1"), "REPLY 6 OK l1 of r1 for 10000: o5 o6\n");
}

static void two(struct core_config *config)
{
    config->leases_max = 2;
}

static void not_more_leases_than_the_limit(void **state)
{
    struct rig *rig = with(state, two);
    in_lease(rig, "l1");
    in_lease(rig, "l2 for 1000");
    expect(in_lease(rig, "l3"),
            "REPLY 3 UNAVAILABLE retry \"2 leases are held, which is the limit (--leases)\"\n");
    expect(in_lease(rig, "l2 for 1000"), "REPLY 4 OK l2 of r1 for 1000\n"); /* is no other */
    in_wait(rig, 1000);
    expect(in_lease(rig, "l3"), "REPLY 5 OK l3 of r1 for 10000\n");
}

static void a_lease_is_not_longer_than_the_longest(void **state)
{
    struct rig *rig = with(state, NULL);
    const char *words = "\"a lease lasts from 100 ms to 60000 ms (--lease-max)\"";
    expect(in_lease(rig, "l1 for 60000"), "REPLY 1 OK l1 of r1 for 60000\n");
    expect(in_lease(rig, "l2 for 60001"), words(rig, "REPLY 2 INVALID %s lease.duration\n", words));
    expect(in_renew(rig, "l1 for 60001"), words(rig, "REPLY 3 INVALID %s renew_lease.duration\n", words));
    expect(in_lease(rig, "l2 for 100"), "REPLY 4 OK l2 of r1 for 100\n");
    expect(in_lease(rig, "l3 for 99"), words(rig, "REPLY 5 INVALID %s lease.duration\n", words));
}

static void short_ones(struct core_config *config)
{
    config->lease_max_ms = 500;
}

static void the_default_is_not_longer_either(void **state)
{
    struct rig *rig = with(state, short_ones);
    expect(in_lease(rig, "l1"), "REPLY 1 OK l1 of r1 for 500\n");
    expect(in_renew(rig, "l1"), "REPLY 2 OK l1 of r1 for 500\n");
}

static void how_many_offers_has_a_limit(void **state)
{
    struct rig *rig = with(state, NULL);
    expect(in_lease(rig, "l1 max 1000"), "REPLY 1 OK l1 of r1 for 10000\n");
    expect(in_lease(rig, "l2 max 1001"),
            "REPLY 2 TOO_LARGE \"a lease has 1 to 1000 offers at once\" lease.max_offers\n");
    expect(in_lease(rig, "l2 max 0"),
            "REPLY 3 INVALID \"a lease has 1 to 1000 offers at once\" lease.max_offers\n");
    expect(in_renew(rig, "l1 max 0"), "REPLY 4 OK l1 of r1 for 10000\n"); /* wants no more */
    in_offers(rig, "o1 A1 cpus 1");
    expect(in_renew(rig, "l1 max 1"), "REPLY 5 OK l1 of r1 for 10000: o1\n");
    expect(in_renew(rig, "l1 max 1001"),
            "REPLY 6 TOO_LARGE \"a lease has 0 to 1000 offers at once\" renew_lease.max_offers\n");
}

static void what_cannot_be_is_refused_with_its_field(void **state)
{
    struct rig *rig = with(state, NULL);
    expect(in_lease(rig, "l1 role r9"),
            "REPLY 1 INVALID \"this zmesosd does not have that role\" lease.role\n");
    expect(in_lease(rig, "l/1"), "REPLY 2 INVALID \"an id must not hold '/'\" lease.id\n");
    expect(in_lease(rig, "l1 cpus -1"), "REPLY 3 INVALID \"cpus must not be negative\" lease.cpus\n");
    expect(in_lease(rig, "l1 ports 1001"), "REPLY 4 TOO_LARGE \"ports is at most 1000\" lease.ports\n");
    expect(in_lease(rig, "l1 where rack EXISTS where rack EQUALS -"),
            "REPLY 5 INVALID \"this operator takes one value\" lease.constraints[1].values\n");
    static const char *const others[] = {"where rack UNIQUE", "where rack MAX_PER 2", "where rack SPREAD a",
            "where rack TOGETHER", "where rack NEAR a", "where rack FAR a", "prefer rack EQUALS a"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        expect(in_lease(rig, words(rig, "l1 %s", others[i])),
                words(rig,
                        "REPLY %zu INVALID \"a lease's constraints are such that look at an agent alone, and "
                        "all "
                        "hold\" lease.constraints[0].operator\n",
                        i + 6));
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_RENEW_LEASE);
    expect(in_request(rig, request), "REPLY 13 INVALID \"a lease is named\" renew_lease.lease_id\n");
    expect(in_give_back(rig, "l1", -1), "REPLY 14 NOT_FOUND \"there is no such lease: it is over, or never "
                                        "was\" release_lease.lease_id\n");
}

static void how_long_an_offer_is_refused_has_a_limit(void **state)
{
    struct rig *rig = with(state, NULL);
    in_lease(rig, "l1");
    const char *refused =
            "INVALID \"it is a number of seconds from 0 to a year\" release_lease.refuse_seconds\n";
    expect(in_give_back(rig, "l1", 31536000.5), words(rig, "REPLY 2 %s", refused));
    expect(in_give_back(rig, "l1", 31536000), "REPLY 3 OK l1 of r1 for 10000 over\n");
}

static void none(struct core_config *config)
{
    config->external = CORE_EXTERNAL_NONE;
}

static void an_operator_may_forbid_all(void **state)
{
    struct rig *rig = with(state, none);
    const char *words = "INVALID \"this zmesosd runs with --external none\"";
    expect(in_lease(rig, "l1"), words(rig, "REPLY 1 %s lease\n", words));
    expect(in_renew(rig, "l1"), words(rig, "REPLY 2 %s renew_lease\n", words));
    expect(in_give_back(rig, "l1", -1), words(rig, "REPLY 3 %s release_lease\n", words));
    expect(in_place(rig, "l1 o1:a"), words(rig, "REPLY 4 %s place\n", words));
    expect(in_request(rig, build_request(rig, ZMESOS__V1__REQUEST__OPERATION_SUPPRESS)),
            words(rig, "REPLY 5 %s suppress\n", words));
    expect(in_request(rig, build_request(rig, ZMESOS__V1__REQUEST__OPERATION_REVIVE)),
            words(rig, "REPLY 6 %s revive\n", words));
}

static void leases_alone(struct core_config *config)
{
    config->external = CORE_EXTERNAL_LEASE;
}

static void or_all_that_touches_others(void **state)
{
    struct rig *rig = with(state, leases_alone);
    in_offers(rig, FOUR);
    expect(in_lease(rig, "l1 max 1"), "REPLY 1 OK l1 of r1 for 10000: o1\n");
    expect(in_give_back(rig, "l1 o1", 5), "REPLY 2 INVALID \"this zmesosd runs with --external lease\" "
                                          "release_lease.refuse_seconds\n");
    expect(in_request(rig, build_request(rig, ZMESOS__V1__REQUEST__OPERATION_SUPPRESS)),
            "REPLY 3 INVALID \"this zmesosd runs with --external lease\" suppress\n");
    expect(in_give_back(rig, "l1", -1), "REPLY 4 OK l1 of r1 for 10000 over\n");
}

static void one_step_a_turn(struct core_config *config)
{
    config->turn_steps = 1;
}

/* Looking at many offers for many leases is cut into turns, as matching is. */
static void a_long_search_goes_on_with_the_next_tick(void **state)
{
    struct rig *rig = with(state, one_step_a_turn);
    rig->unchecked = true;
    in_offers(rig, FOUR " | o5 A5 cpus 1 @rack=a | o6 A6 cpus 1");
    expect(in_lease(rig, "l1 where rack EQUALS a"), "REPLY 1 OK l1 of r1 for 10000\n");
    for (int turn = 0; core_deadline(rig->core) <= rig->now.mono_ms; turn++) {
        assert_in_range(turn, 0, 20);
        in_tick(rig);
    }
    rig_check(rig);
    expect(in_renew(rig, "l1"), "REPLY 2 OK l1 of r1 for 10000: o5\n");
}

static void status_counts_them(void **state)
{
    struct rig *rig = with(state, NULL);
    in_offers(rig, FOUR);
    assert_false(look_status(rig)->has_leases);
    in_lease(rig, "l1 max 1");
    in_lease(rig, "l2 max 1");
    const Zmesos__V1__DaemonStatus *status = look_status(rig);
    assert_int_equal(status->offers, 4);
    assert_int_equal(status->leases, 2);
    assert_int_equal(status->leased_offers, 2);
    in_down(rig, "gone");
    assert_false(look_status(rig)->has_leases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(not_more_than_the_part_of_the_agents),
            TEST(one_is_always_allowed),
            TEST(a_part_may_be_all),
            TEST(they_share),
            TEST(not_more_leases_than_the_limit),
            TEST(a_lease_is_not_longer_than_the_longest),
            TEST(the_default_is_not_longer_either),
            TEST(how_many_offers_has_a_limit),
            TEST(what_cannot_be_is_refused_with_its_field),
            TEST(how_long_an_offer_is_refused_has_a_limit),
            TEST(an_operator_may_forbid_all),
            TEST(or_all_that_touches_others),
            TEST(a_long_search_goes_on_with_the_next_tick),
            TEST(status_counts_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
