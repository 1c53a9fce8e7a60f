/* Leases: offers set aside for one client, given back, taken away. */
#include "rig.h"

#include <string.h>

/* Calls, replies and what is published of leases; offers come from agents A1 to A4. */
static struct rig *ready(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_up(rig);
    rig_show(rig, SHOW_CALLS | SHOW_REPLIES);
    return rig;
}

#define FOUR                                                                                                 \
    "o1 A1 cpus 1 | o2 A2 cpus 2 @rack=a | o3 A3 cpus 3 @rack=b ports 1-3 | o4 A4 cpus 4 mem 64 @rack=a"

static void an_offer_that_is_leased_is_neither_matched_nor_declined(void **state)
{
    struct rig *rig = ready(state);
    in_offers(rig, "o1 A1 cpus 4 | o2 A2 cpus 4");
    expect(in_lease(rig, "l1 max 1"), "REPLY 1 OK l1 of r1 for 10000: o1\n");
    expect(in_wait(rig, 9000), "+2000 CALL DECLINE o2 for 3600 s\n+2000 CALL SUPPRESS r2\n");
    expect(in_launch(rig, "a cpus 1"), "REPLY 2 OK [a OK QUEUED rev 1]\nCALL REVIVE r1\n");
    expect_state(rig, "a", "QUEUED");
}

static void what_is_asked_for_holds(void **state)
{
    struct rig *rig = ready(state);
    in_offers(rig, FOUR " | o5 A5 cpus 9 @rack=a role r2");
    expect(in_lease(rig, "l1 where rack EQUALS a cpus 3"), "REPLY 1 OK l1 of r1 for 10000: o4\n");
    expect(in_lease(rig, "l2 ports 4"), "REPLY 2 OK l2 of r1 for 10000\n");
    expect(in_lease(rig, "l3 ports 3"), "REPLY 3 OK l3 of r1 for 10000: o3\n");
    expect(in_lease(rig, "l4 role r2"), "REPLY 4 OK l4 of r2 for 10000: o5\n");
    expect(in_lease(rig, "l5 mem 1"), "REPLY 5 OK l5 of r1 for 10000\n");
    expect(in_lease(rig, "l6 where agent_id IN A2,A9"),
            "REPLY 6 OK l6 of r1 for 10000\n"); /* half is leased */
    expect(in_give_back(rig, "l4", -1), "REPLY 7 OK l4 of r2 for 10000 over\n");
    expect(in_renew(rig, "l6"), "REPLY 8 OK l6 of r1 for 10000: o2\n");
}

static void it_is_over_in_time_and_its_offers_are_used_at_once(void **state)
{
    struct rig *rig = ready(state);
    in_offers(rig, "o1 A1 cpus 4");
    in_lease(rig, "l1 for 3000");
    in_launch(rig, "a cpus 1");
    expect(in_wait(rig, 2999), "+2000 CALL SUPPRESS r2\n");
    expect(in_wait(rig, 1), "+1 CALL ACCEPT o1 [a.1.1 cpus 1]\n");
    expect(in_renew(rig, "l1"),
            "REPLY 3 NOT_FOUND \"there is no such lease: it is over, or never was\" renew_lease.lease_id\n");
}

static void without_work_they_are_held_anew(void **state)
{
    struct rig *rig = ready(state);
    in_offers(rig, "o1 A1 cpus 4");
    in_lease(rig, "l1 for 5000");
    in_wait(rig, 4999);
    expect(in_wait(rig, 2000), ""); /* over at the first */
    expect(in_wait(rig, 1), "+1 CALL DECLINE o1 for 3600 s\n+1 CALL SUPPRESS r1\n");
}

static void renewed_it_lasts_from_now_on(void **state)
{
    struct rig *rig = ready(state);
    in_offers(rig, "o1 A1 cpus 4");
    in_lease(rig, "l1 for 3000");
    in_wait(rig, 2000);
    expect(in_renew(rig, "l1"), "REPLY 2 OK l1 of r1 for 3000: o1\n");
    in_wait(rig, 2000);
    expect(in_renew(rig, "l1 for 100"), "REPLY 3 OK l1 of r1 for 100: o1\n");
    in_launch(rig, "a cpus 1");
    expect(in_wait(rig, 100), "+100 CALL ACCEPT o1 [a.1.1 cpus 1]\n");
}

/* A role without work is suppressed: a lease is work for as long as it is. */
static void a_lease_is_work(void **state)
{
    struct rig *rig = ready(state);
    in_wait(rig, 10000);
    expect(in_lease(rig, "l1 for 5000"), "REPLY 1 OK l1 of r1 for 5000\nCALL REVIVE r1\n");
    expect(in_offers(rig, "o1 A1 cpus 4"), "");
    expect(in_wait(rig, 4000), "");
    expect(in_renew(rig, "l1"), "REPLY 2 OK l1 of r1 for 5000: o1\n");
    expect(in_wait(rig, 8000), "+7000 CALL DECLINE o1 for 3600 s\n+7000 CALL SUPPRESS r1\n");
    /* What was declined is wanted for the next one. */
    expect(in_lease(rig, "l2"), "REPLY 3 OK l2 of r1 for 10000\nCALL REVIVE r1\n");
}

static void offers_are_set_aside_as_they_come(void **state)
{
    struct rig *rig = ready(state);
    in_lease(rig, "l1 max 2 where rack EQUALS a");
    rig_show(rig, SHOW_EVENTS | SHOW_CALLS);
    expect(in_offers(rig, FOUR), "EVENT mesos/OFFERS #1\nEVENT zmesos/LEASE/l1 #2 came o2 o4 has 2\n");
    rig_show(rig, SHOW_CALLS | SHOW_REPLIES);
    in_offers(rig, "o5 A5 cpus 1 @rack=a | o6 A6 cpus 1 | o7 A7 cpus 1");
    expect(in_renew(rig, "l1"), "REPLY 2 OK l1 of r1 for 10000: o2 o4\n"); /* not more than it asked for */
    expect(in_renew(rig, "l1 max 3"), "REPLY 3 OK l1 of r1 for 10000: o2 o4 o5\n");
}

static void what_is_given_back_is_matched_at_once_and_not_leased_again(void **state)
{
    struct rig *rig = ready(state);
    in_offers(rig, FOUR);
    in_lease(rig, "l1 max 2 where rack EQUALS a");
    in_launch(rig, "a cpus 4");
    expect(in_give_back(rig, "l1 o2 o4", -1),
            "REPLY 3 OK l1 of r1 for 10000\nCALL ACCEPT o4 [a.1.1 cpus 4]\n");
}

static void given_back_with_a_filter_it_is_declined(void **state)
{
    struct rig *rig = ready(state);
    in_offers(rig, FOUR);
    in_lease(rig, "l1 max 2");
    expect(in_give_back(rig, "l1 o1", 600.5),
            "CALL DECLINE o1 for 600 s\nREPLY 2 OK l1 of r1 for 10000: o2\n");
}

static void what_it_does_not_hold_is_told(void **state)
{
    struct rig *rig = ready(state);
    in_offers(rig, FOUR);
    in_lease(rig, "l1 max 1 where agent_id EQUALS A1");
    in_lease(rig, "l2 max 1 where agent_id EQUALS A2");
    expect(in_give_back(rig, "l1 o2 o1 o9 o1", -1), "REPLY 3 SOME_REFUSED \"the lease does not hold 2 of the "
                                                    "offers: rescinded, used, released before, "
                                                    "or another's\" l1 of r1 for 10000 not o2 o9\n");
    expect(in_renew(rig, "l2"), "REPLY 4 OK l2 of r1 for 10000: o2\n");
}

static void one_of_the_same_words_is_the_same(void **state)
{
    struct rig *rig = ready(state);
    in_offers(rig, FOUR);
    in_lease(rig, "l1 max 2 cpus 2 where rack EXISTS");
    in_wait(rig, 1000);
    expect(in_lease(rig, "l1 max 2 cpus 2 where rack EXISTS"), "REPLY 2 OK l1 of r1 for 10000: o2 o3\n");
    expect(in_lease(rig, "l1 max 2 cpus 3 where rack EXISTS"),
            "REPLY 3 CONFLICT \"there is a lease of this id that was asked for otherwise\" lease.id\n");
    in_give_back(rig, "l1", -1);
    expect(in_lease(rig, "l1 max 1 cpus 4"), "REPLY 5 OK l1 of r1 for 10000: o4\n");
}

static void without_an_id_each_is_another(void **state)
{
    struct rig *rig = ready(state);
    in_offers(rig, FOUR);
    const char *first = words(rig, "%s", in_lease(rig, "- max 1")), *id = strstr(first, "lease-");
    assert_non_null(id);
    const char *second = in_lease(rig, "- max 1");
    assert_null(strstr(second, words(rig, "%.*s ", (int)strcspn(id, " "), id)));
    assert_non_null(strstr(first, ": o1\n"));
    assert_non_null(strstr(second, ": o2\n"));
}

static void what_is_rescinded_is_gone(void **state)
{
    struct rig *rig = ready(state);
    in_offers(rig, FOUR);
    in_lease(rig, "l1 max 2");
    rig_show(rig, SHOW_ALL);
    /* Another one takes its place: it has two at once. */
    expect(in_rescind(rig, "o1"), "EVENT mesos/RESCIND #1\nEVENT zmesos/LEASE/l1 #2 gone o1 RESCINDED has 1\n"
                                  "EVENT zmesos/LEASE/l1 #3 came o3 has 2\n");
    rig_show(rig, SHOW_REPLIES);
    expect(in_renew(rig, "l1"), "REPLY 2 OK l1 of r1 for 10000: o2 o3\n");
}

static void a_lease_ends_with_the_subscription(void **state)
{
    struct rig *rig = ready(state);
    in_offers(rig, FOUR);
    in_lease(rig, "l1 max 2");
    in_lease(rig, "l2 role r2");
    rig_show(rig, SHOW_EVENTS);
    expect(in_down(rig, "gone"), "EVENT zmesos/LEASE/l1 #3 gone o1 o2 DISCONNECTED over has 0\n"
                                 "EVENT zmesos/LEASE/l2 #4 DISCONNECTED over has 0\n"
                                 "EVENT zmesos/MASTER #3 DISCONNECTED - \"gone\"\n");
    rig_show(rig, SHOW_REPLIES | SHOW_CALLS);
    expect(in_lease(rig, "l1"), "REPLY 3 UNAVAILABLE retry \"there is no subscription\"\n");
    in_up(rig);
    expect(in_renew(rig, "l1"),
            "REPLY 4 NOT_FOUND \"there is no such lease: it is over, or never was\" renew_lease.lease_id\n");
    in_launch(rig, "a cpus 1");
    expect(in_offers(rig, "o5 A1 cpus 4"), "CALL ACCEPT o5 [a.1.1 cpus 1]\n");
}

static void it_is_told_how_it_ends(void **state)
{
    struct rig *rig = ready(state);
    rig_show(rig, SHOW_EVENTS);
    in_offers(rig, FOUR);
    expect(in_lease(rig, "l1 max 1 for 1000"), "EVENT zmesos/LEASE/l1 #1 came o1 has 1\n");
    expect(in_lease(rig, "l2 mem 99"), "EVENT zmesos/LEASE/l2 #2 has 0\n");
    expect(in_give_back(rig, "l2", -1), "EVENT zmesos/LEASE/l2 #3 RELEASED over has 0\n");
    expect(in_wait(rig, 1000), "+1000 EVENT zmesos/LEASE/l1 #4 gone o1 EXPIRED over has 0\n");
}

static const char *suppress(struct rig *rig)
{
    return in_request(rig, build_request(rig, ZMESOS__V1__REQUEST__OPERATION_SUPPRESS));
}

static void a_role_that_is_suppressed_has_no_leases(void **state)
{
    struct rig *rig = ready(state);
    in_offers(rig, FOUR);
    in_lease(rig, "l1 max 1");
    rig_show(rig, SHOW_EVENTS | SHOW_CALLS);
    expect(suppress(rig), "EVENT zmesos/LEASE/l1 #2 gone o1 SUPPRESSED over has 0\n"
                          "CALL DECLINE o2 o3 o4 o1 for 3600 s\nCALL SUPPRESS r1\nCALL SUPPRESS r2\n");
    rig_show(rig, SHOW_REPLIES);
    expect(in_lease(rig, "l1"), "REPLY 3 UNAVAILABLE retry \"the role was suppressed by request, until it is "
                                "revived\" lease.role\n");
}

static void a_framework_that_ends_has_none(void **state)
{
    struct rig *rig = ready(state);
    in_offers(rig, FOUR);
    in_lease(rig, "l1 max 1");
    Zmesos__V1__Request *ask = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_TEARDOWN);
    in_request(rig, ask);
    char *token = NULL;
    for (size_t i = 0; i < rig->out.count; i++) {
        if (rig->out.items[i].kind == CORE_OUT_REPLY)
            token = words(rig, "%s", rig->out.items[i].reply.reply->teardown->token);
    }
    ask = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_TEARDOWN);
    ask->teardown->token = token;
    rig_show(rig, SHOW_EVENTS);
    assert_non_null(strstr(in_request(rig, ask), "EVENT zmesos/LEASE/l1 #2 gone o1 TEARDOWN over has 0\n"));
    rig_show(rig, SHOW_REPLIES);
    expect(in_lease(rig, "l1"), "REPLY 4 UNAVAILABLE retry \"the framework is being torn down\"\n");
}

static void agents_to_be_maintained_are_left_out_unless_asked_for(void **state)
{
    struct rig *rig = ready(state);
    in_offers(rig, "o1 A1 cpus 1 down 600+60 | o2 A2 cpus 1 | o3 A3 cpus 1 | o4 A4 cpus 1");
    expect(in_lease(rig, "l1 max 1"), "REPLY 1 OK l1 of r1 for 10000: o2\n");
    expect(in_lease(rig, "l2 max 1 despite yes"), "REPLY 2 OK l2 of r1 for 10000: o1\n");
}

/* An ACCEPT of ours that was not sent means that the subscription is over. */
static void a_call_that_was_not_sent_ends_them(void **state)
{
    struct rig *rig = ready(state);
    in_offers(rig, FOUR);
    in_lease(rig, "l1 max 1");
    in_launch(rig, "a cpus 4");
    rig_show(rig, SHOW_EVENTS);
    assert_non_null(strstr(in_answer(rig, "o4", CORE_NOT_DONE, ""), "gone o1 DISCONNECTED over has 0\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(an_offer_that_is_leased_is_neither_matched_nor_declined),
            TEST(what_is_asked_for_holds),
            TEST(it_is_over_in_time_and_its_offers_are_used_at_once),
            TEST(without_work_they_are_held_anew),
            TEST(renewed_it_lasts_from_now_on),
            TEST(a_lease_is_work),
            TEST(offers_are_set_aside_as_they_come),
            TEST(what_is_given_back_is_matched_at_once_and_not_leased_again),
            TEST(given_back_with_a_filter_it_is_declined),
            TEST(what_it_does_not_hold_is_told),
            TEST(one_of_the_same_words_is_the_same),
            TEST(without_an_id_each_is_another),
            TEST(what_is_rescinded_is_gone),
            TEST(a_lease_ends_with_the_subscription),
            TEST(it_is_told_how_it_ends),
            TEST(a_role_that_is_suppressed_has_no_leases),
            TEST(a_framework_that_ends_has_none),
            TEST(agents_to_be_maintained_are_left_out_unless_asked_for),
            TEST(a_call_that_was_not_sent_ends_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
