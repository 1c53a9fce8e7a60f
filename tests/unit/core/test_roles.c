/* SUPPRESS and REVIVE by request. */
#include "rig.h"

#include <string.h>

static const char *ask(
        struct rig *rig, Zmesos__V1__Request__OperationCase operation, char *role, const char *id)
{
    Zmesos__V1__Request *request = build_request(rig, operation);
    static char *roles[1];
    roles[0] = role;
    request->id = (char *)(uintptr_t)id;
    if (operation == ZMESOS__V1__REQUEST__OPERATION_SUPPRESS) {
        request->suppress->roles = roles;
        request->suppress->n_roles = role ? 1 : 0;
    } else {
        request->revive->roles = roles;
        request->revive->n_roles = role ? 1 : 0;
    }
    return in_request(rig, request);
}

static const char *suppress(struct rig *rig, char *role)
{
    return ask(rig, ZMESOS__V1__REQUEST__OPERATION_SUPPRESS, role, NULL);
}

static const char *revive(struct rig *rig, char *role)
{
    return ask(rig, ZMESOS__V1__REQUEST__OPERATION_REVIVE, role, NULL);
}

static char r1[] = "r1", r2[] = "r2", other[] = "r3";

static struct rig *ready(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_up(rig);
    rig_show(rig, SHOW_CALLS);
    return rig;
}

static void a_suppressed_role_gets_nothing_although_a_task_waits(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a cpus 1 role r2");
    rig_show(rig, SHOW_ALL);
    expect(suppress(rig, r2), "RECORD suppressed r2\nREPLY 2 OK\nCALL SUPPRESS r2\n");
    rig_show(rig, SHOW_CALLS);
    expect(in_offers(rig, "o1 A1 cpus 4 role r2"), "CALL DECLINE o1 for 3600 s\n"); /* was on its way */
    expect(in_wait(rig, 200000), "+2000 CALL SUPPRESS r1\n");
    expect(in_launch(rig, "b cpus 1 role r2"), "");
    expect_state(rig, "a", "QUEUED");
}

static void what_is_held_is_given_back(void **state)
{
    struct rig *rig = ready(state);
    in_offers(rig, "o1 A1 cpus 4 | o2 A2 cpus 4 role r2");
    expect(suppress(rig, r1), "CALL DECLINE o1 for 3600 s\nCALL SUPPRESS r1\n");
    expect(in_launch(rig, "b cpus 1 role r2"), "CALL ACCEPT o2 [b.1.1 cpus 1]\n");
}

static void revived_it_gets_offers_again(void **state)
{
    struct rig *rig = ready(state);
    in_launch(rig, "a cpus 1 role r2");
    suppress(rig, r2);
    in_wait(rig, 5000);
    rig_show(rig, SHOW_ALL);
    expect(revive(rig, r2), "RECORD suppressed \nREPLY 3 OK\nCALL REVIVE r2\n");
    rig_show(rig, SHOW_CALLS);
    expect(in_offers(rig, "o1 A1 cpus 4 role r2"), "CALL ACCEPT o1 [a.1.1 cpus 1]\n");
}

/* Not more than one REVIVE of a role in the interval, whoever asks. */
static void reviving_again_and_again_is_no_storm(void **state)
{
    struct rig *rig = ready(state);
    in_wait(rig, 10000);
    expect(revive(rig, r1), "CALL REVIVE r1\n");
    expect(revive(rig, r1), "");
    expect(revive(rig, r1), "");
    expect(in_wait(rig, 20000), "+3000 CALL REVIVE r1\n+5000 CALL SUPPRESS r1\n");
}

static void all_roles_where_none_is_named(void **state)
{
    struct rig *rig = ready(state);
    expect(suppress(rig, NULL), "CALL SUPPRESS r1\nCALL SUPPRESS r2\n");
    assert_int_equal(look_status(rig)->n_suppressed_roles, 2);
    in_wait(rig, 5000);
    expect(revive(rig, NULL), "CALL REVIVE r1\nCALL REVIVE r2\n");
    assert_int_equal(look_status(rig)->n_suppressed_roles, 0);
}

static void a_role_that_is_not_ours_is_refused(void **state)
{
    struct rig *rig = ready(state);
    rig_show(rig, SHOW_ALL);
    expect(suppress(rig, other), "REPLY 1 INVALID \"it is none of this daemon's roles\" suppress.roles[0]\n");
    expect(revive(rig, other), "REPLY 2 INVALID \"it is none of this daemon's roles\" revive.roles[0]\n");
}

static void the_wish_survives_a_restart(void **state)
{
    struct rig *rig = ready(state);
    const char *roles[2];
    in_launch(rig, "a cpus 1 | b cpus 1 role r2");
    suppress(rig, r2);
    rig_restart(rig);
    assert_int_equal(core_suppressed_roles(rig->core, roles), 1);
    assert_string_equal(roles[0], "r2");
    assert_string_equal(look_status(rig)->suppressed_roles[0], "r2");
    in_up(rig);
    expect(in_wait(rig, 59000), "");
    expect(revive(rig, r2), "CALL REVIVE r2\n");
}

/* A wish that comes between the SUBSCRIBE, which did not say so, and SUBSCRIBED. */
static void a_wish_that_overtakes_the_subscription(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    const char *roles[2];
    rig_show(rig, SHOW_CALLS);
    in_launch(rig, "a cpus 1 | b cpus 1 role r2");
    assert_int_equal(core_suppressed_roles(rig->core, roles), 0);
    expect(suppress(rig, r1), "");
    expect(in_up(rig), "CALL SUPPRESS r1\nCALL RECONCILE implicit\n");
    in_down(rig, "gone");
    assert_int_equal(core_suppressed_roles(rig->core, roles), 1);
    expect(revive(rig, r1), "");
    expect(in_up(rig), "CALL REVIVE r1\nCALL RECONCILE implicit\n");
}

/* A role that is configured no more is no fault of the store. */
static void a_role_that_went_is_forgotten(void **state)
{
    struct rig *rig = ready(state);
    static const char *const fewer[] = {"r2", "r4"};
    suppress(rig, NULL);
    rig->config.roles = fewer;
    rig_restart(rig);
    assert_int_equal(look_status(rig)->n_suppressed_roles, 1);
    rig_show(rig, SHOW_RECORDS);
    expect(suppress(rig, r2), "RECORD suppressed r2\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(a_suppressed_role_gets_nothing_although_a_task_waits),
            TEST(what_is_held_is_given_back),
            TEST(revived_it_gets_offers_again),
            TEST(reviving_again_and_again_is_no_storm),
            TEST(all_roles_where_none_is_named),
            TEST(a_role_that_is_not_ours_is_refused),
            TEST(the_wish_survives_a_restart),
            TEST(a_wish_that_overtakes_the_subscription),
            TEST(a_role_that_went_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
