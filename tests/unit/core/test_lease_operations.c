/* Operations on leased offers: whoever holds the lease says of which offer one is had, and the tasks that are
 * placed with it may use what it makes. */
#include "rig.h"

#include <string.h>

/* Leases may have all offers. */
static void all(struct core_config *config)
{
    config->lease_share = 100;
}

static const char *obstacle(struct rig *rig, const char *id)
{
    const Zmesos__V1__Operation *operation = look_operation(rig, id);
    return operation->obstacle ? operation->obstacle : "";
}

/* The client's own alone: it waits, and wants no offers of itself. */
static void one_with_a_placer_waits_for_it(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    rig_show(rig, SHOW_CALLS | SHOW_RECORDS);
    expect(in_operate(rig, "a RESERVE cpus/r1+dynamic 2 as placer p"),
            "RECORD operation a QUEUED rev 1 spec\n");
    assert_null(strstr(in_offers(rig, "o1 A1 cpus 4"), "ACCEPT"));
    expect(obstacle(rig, "a"), "waits for placer p");
    rig_restart(rig);
    in_up(rig);
    assert_null(strstr(in_offers(rig, "o2 A1 cpus 4"), "ACCEPT"));
    rig_show(rig, SHOW_REPLIES);
    assert_non_null(strstr(in_operate(rig, "a RESERVE cpus/r1+dynamic 2"), "a CONFLICT"));
}

static void it_is_placed_with_a_task_of_what_it_makes(void **state)
{
    struct rig *rig = rig_up(state, all);
    in_operate(rig, "a RESERVE cpus/r1+dynamic 2 as placer p");
    in_launch(rig, "t cpus 2 placer p");
    in_lease(rig, "l1 max 2");
    in_offers(rig, "o1 A1 cpus 4 mem 64 | o2 A2 cpus 1");
    rig_show(rig, SHOW_CALLS | SHOW_REPLIES);
    const char *text = in_place(rig, "l1 o2:+a o1:t+a");
    assert_non_null(strstr(text, "SOME_REFUSED \"1 of 3 were refused\""));
    assert_non_null(strstr(text, "place.placements[0].operation_ids[0]"));
    assert_true(has_line(text, "CALL ACCEPT o1 {a.1.1} [t.2.1 cpus/r1 2]")); /* of what is reserved then */
    expect(look_operation(rig, "a")->agent_id, "A1");
    expect_state(rig, "t", "LAUNCHING");
    in_answer(rig, "o1", CORE_ACCEPTED, "");
    rig_restart(rig); /* the rig compares what the rows make */
    expect(look_operation(rig, "a")->agent_id, "A1");
}

/* Its ACCEPT was not written: it waits for its placer again, not for zmesosd's own matching. */
static void one_that_was_not_sent_waits_again(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_operate(rig, "a RESERVE cpus/r1+dynamic 2 as placer p");
    in_lease(rig, "l1 max 1");
    in_offers(rig, "o1 A1 cpus 4");
    in_place(rig, "l1 o1:+a");
    assert_int_equal(look_operation(rig, "a")->state, ZMESOS__V1__OPERATION__STATE__SENT);
    in_answer(rig, "o1", CORE_NOT_DONE, "the connection was closed");
    assert_int_equal(look_operation(rig, "a")->state, ZMESOS__V1__OPERATION__STATE__QUEUED);
    rig_show(rig, SHOW_CALLS);
    in_give_back(rig, "l1", -1);
    assert_null(strstr(in_offers(rig, "o2 A1 cpus 4"), "ACCEPT"));
}

/* A lease can have those without a placer too, where it comes first. */
static void what_is_refused(void **state)
{
    struct rig *rig = rig_up(state, all);
    in_lease(rig, "l1 max 4");
    in_offers(rig, "o1 A1 cpus 4 @rack=a | o2 A2 cpus 4 @rack=b");
    in_operate(rig, "a RESERVE cpus/r1+dynamic 2 as placer p where rack EQUALS b | b RESERVE cpus/r1+dynamic "
                    "8 as placer p"
                    " | c RESERVE cpus/r2+dynamic 1 as role r2 placer p");
    rig_show(rig, SHOW_CALLS | SHOW_REPLIES);
    const char *text = in_place(rig, "l1 o1:+a,b,c,nobody");
    assert_non_null(strstr(text, "constraints[0]"));
    assert_non_null(strstr(text, "a CONFLICT"));
    assert_non_null(strstr(text, "b CONFLICT"));
    assert_non_null(strstr(text, "c INVALID"));
    assert_non_null(
            strstr(text, "nobody NOT_FOUND \"no such operation\" place.placements[0].operation_ids[3]"));
    assert_null(strstr(text, "ACCEPT")); /* nothing went: the offer is still the lease's */
    assert_true(has_line(in_place(rig, "l1 o2:+a"), "CALL ACCEPT o2 {a.1.1}"));
    assert_non_null(strstr(in_place(rig, "l1 o1:+a"), "\"it is SENT\""));
    assert_non_null(strstr(in_place(rig, "l2 o1:+b"), "NOT_FOUND"));
    assert_non_null(strstr(in_place(rig, "l1 o1:"), "INVALID"));
}

static void names_at_the_limit(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    char name[CORE_PLACER_MAX + 2];
    memset(name, 'p', sizeof name);
    name[CORE_PLACER_MAX] = '\0';
    rig_show(rig, SHOW_REPLIES);
    assert_non_null(
            strstr(in_operate(rig, words(rig, "a RESERVE cpus/r1+dynamic 2 as placer %s", name)), " OK "));
    name[CORE_PLACER_MAX] = 'p';
    name[CORE_PLACER_MAX + 1] = '\0';
    assert_non_null(strstr(in_operate(rig, words(rig, "b RESERVE cpus/r1+dynamic 2 as placer %s", name)),
            "operate.operations[0].placer"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(one_with_a_placer_waits_for_it),
            TEST(it_is_placed_with_a_task_of_what_it_makes),
            TEST(one_that_was_not_sent_waits_again),
            TEST(what_is_refused),
            TEST(names_at_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
