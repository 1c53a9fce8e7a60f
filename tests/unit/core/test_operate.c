/* Operations from the request to the ACCEPT: what is refused, where they go, what is written and published.
 */
#include "rig.h"

#include <string.h>

#define TYPE(name) MESOS__V1__OFFER__OPERATION__TYPE__##name

static void an_operation_is_sent_finished_and_acknowledged(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    rig_show(rig, SHOW_ALL);
    expect(in_operate(rig, "a RESERVE cpus/r1+dynamic 2"), "RECORD operation a QUEUED rev 1 spec\n"
                                                           "EVENT operation/a/QUEUED #1 rev 1\n"
                                                           "REPLY 1 OK [a OK QUEUED rev 1]\n"
                                                           "CALL REVIVE r1\n");
    expect(in_offers(rig, "o1 A1 cpus 4"), "EVENT mesos/OFFERS #1\n"
                                           "RECORD operation a SENT rev 2 as a.1.1 on A1\n"
                                           "EVENT operation/a/SENT #2 rev 2\n"
                                           "CALL ACCEPT o1 {a.1.1}\n");
    expect(in_answer(rig, "o1", CORE_ACCEPTED, ""), "");
    expect(in_operation_update(rig, "a.1.1 FINISHED uuid u1 on A1"),
            "EVENT mesos/UPDATE_OPERATION_STATUS #1\n"
            "CALL ACKNOWLEDGE_OPERATION_STATUS a.1.1 u1\n"
            "RECORD operation a FINISHED rev 3 as a.1.1 on A1\n"
            "EVENT operation/a/FINISHED #3 rev 3\n");
    expect(in_operation_update(rig, "a.1.1 FINISHED uuid u1 on A1"),
            "EVENT mesos/UPDATE_OPERATION_STATUS #2\n"
            "CALL ACKNOWLEDGE_OPERATION_STATUS a.1.1 u1\n");
    const Zmesos__V1__Operation *operation = look_operation(rig, "a");
    expect(operation->operation_id, "a.1.1");
    expect(operation->agent_id, "A1");
    expect(operation->hostname, "host-A1");
    assert_int_equal(operation->type, TYPE(RESERVE));
    assert_int_equal(operation->sent, 1);
}

/* ---- what is refused ---------------------------------------------------------------------------------- */

/* The item of one operation alone. */
static void expect_refused(struct rig *rig, Zmesos__V1__OperationSpec *spec, const char *item)
{
    Zmesos__V1__OperationSpec **specs = arena_array(&rig->in, 1, sizeof *specs);
    specs[0] = spec;
    unsigned show = rig->show;
    rig->show = SHOW_RECORDS | SHOW_EVENTS | SHOW_REPLIES;
    expect(in_operate_specs(rig, specs, 1),
            words(rig, "REPLY %llu SOME_REFUSED \"1 of 1 were refused\" [%s]\n",
                    (unsigned long long)rig->token + 1, item));
    rig->show = show;
}

static void expect_wrong(struct rig *rig, const char *text, const char *item)
{
    expect_refused(rig, build_operation(rig, text), item);
}

static void what_is_wrong_is_refused_with_its_field(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    Zmesos__V1__OperationSpec *spec = build_operation(rig, "a RESERVE cpus/r1+dynamic 1");
    spec->id = NULL;
    expect_refused(rig, spec, "- INVALID \"an operation needs an id\" operate.operations[0].id");
    expect_wrong(rig, "a/b RESERVE cpus/r1+dynamic 1",
            "a/b INVALID \"an id must not hold '/'\" operate.operations[0].id");
    expect_wrong(rig, "a RESERVE cpus/r1+dynamic 1 as role r3",
            "a INVALID \"this zmesosd does not have that role\" operate.operations[0].role");
    spec = build_operation(rig, "a RESERVE cpus/r1+dynamic 1");
    spec->operation = NULL;
    expect_refused(rig, spec, "a INVALID \"there is no operation\" operate.operations[0].operation");
    spec = build_operation(rig, "a RESERVE cpus/r1+dynamic 1");
    spec->operation->has_type = false;
    expect_refused(rig, spec, "a INVALID \"an operation has a type\" operate.operations[0].operation.type");
    spec = build_operation(rig, "a RESERVE cpus/r1+dynamic 1");
    spec->operation->id = build_new(rig, &mesos__v1__operation_id__descriptor);
    expect_refused(rig, spec,
            "a INVALID \"the operation's id for Mesos is made here\" operate.operations[0].operation.id");
    spec = build_operation(rig, "a RESERVE cpus/r1+dynamic 1");
    spec->operation->type = TYPE(LAUNCH);
    expect_refused(
            rig, spec, "a INVALID \"tasks are launched by a launch\" operate.operations[0].operation.type");
    spec = build_operation(rig, "a RESERVE cpus/r1+dynamic 1");
    spec->operation->type = TYPE(LAUNCH_GROUP);
    expect_refused(
            rig, spec, "a INVALID \"tasks are launched by a launch\" operate.operations[0].operation.type");
    spec = build_operation(rig, "a RESERVE cpus/r1+dynamic 1");
    spec->operation->type = (Mesos__V1__Offer__Operation__Type)99;
    expect_refused(rig, spec,
            "a INVALID \"it is none of the operations on resources\" operate.operations[0].operation.type");
    expect(look_operation(rig, "a") ? "there" : "not there", "not there");
}

static void a_body_that_no_master_takes_is_refused(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    Zmesos__V1__OperationSpec *spec = build_operation(rig, "a RESERVE cpus/r1+dynamic 1");
    spec->operation->type = TYPE(CREATE);
    expect_refused(
            rig, spec, "a INVALID \"there is no resource\" operate.operations[0].operation.create.volumes");
    expect_wrong(rig, "a RESERVE cpus 1",
            "a INVALID \"RESERVE is of resources with a DYNAMIC reservation\" "
            "operate.operations[0].operation.reserve.resources[0]");
    expect_wrong(rig, "a RESERVE cpus/r1+dynamic 1 mem/r1+dynamic -1",
            "a INVALID \"a scalar must not be negative\" "
            "operate.operations[0].operation.reserve.resources[1].scalar");
    expect_wrong(rig, "a RESERVE cpus/r1+dynamic 1 as role r2",
            "a INVALID \"resources are reserved for the role that they are allocated to\" "
            "operate.operations[0].operation.reserve.resources[0]");
    expect_wrong(rig, "a UNRESERVE cpus/r1 1",
            "a INVALID \"UNRESERVE is of resources with a DYNAMIC reservation\" "
            "operate.operations[0].operation.unreserve.resources[0]");
    expect_wrong(rig, "a SHRINK_VOLUME disk/r1+dynamic=v 10 by 10",
            "a INVALID \"it is more than nothing and less than the volume\" "
            "operate.operations[0].operation.shrink_volume.subtract");
    expect_wrong(rig, "a CREATE_DISK disk 10",
            "a INVALID \"it is no disk with a source\" operate.operations[0].operation.create_disk.source");
    spec = build_operation(rig, "a DESTROY_DISK disk+raw=d 10");
    spec->operation->destroy_disk->source->provider_id = NULL;
    expect_refused(rig, spec,
            "a INVALID \"it is not a resource provider's\" "
            "operate.operations[0].operation.destroy_disk.source");
}

static void constraints_are_of_the_agent_alone(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    const char *const of_tasks[] = {"UNIQUE", "MAX_PER 1", "SPREAD -", "TOGETHER", "NEAR b", "FAR b"};
    for (size_t i = 0; i < sizeof of_tasks / sizeof *of_tasks; i++)
        expect_wrong(rig, words(rig, "a RESERVE cpus/r1+dynamic 1 as where rack %s", of_tasks[i]),
                "a INVALID \"of an operation it does not look at tasks\" "
                "operate.operations[0].constraints[0].operator");
    expect_wrong(rig, "a RESERVE cpus/r1+dynamic 1 as where rack EXISTS prefer rack EQUALS a",
            "a INVALID \"an operation has no preferences\" operate.operations[0].constraints[1].preferred");
    const char *many = "a RESERVE cpus/r1+dynamic 1 as";
    for (int i = 0; i < 32; i++)
        many = words(rig, "%s where rack EXISTS", many);
    expect_wrong(rig, words(rig, "%s where rack EXISTS", many),
            "a TOO_LARGE \"there are at most 32 constraints\" operate.operations[0].constraints");
    rig_show(rig, SHOW_REPLIES);
    assert_non_null(strstr(in_operate(rig, many), "[a OK QUEUED rev 1]"));
}

static void requests_have_limits(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    rig_show(rig, SHOW_REPLIES);
    rig->unchecked = true;
    Zmesos__V1__OperationSpec **specs = arena_array(&rig->kept, 1001, sizeof *specs);
    expect(in_operate_specs(rig, specs, 0), "REPLY 1 INVALID \"an operate has 1 to 1000 operations\" "
                                            "operate.operations\n");
    for (int i = 0; i < 1001; i++) {
        specs[i] = arena_alloc(&rig->kept, sizeof *specs[i]);
        *specs[i] = *build_operation(rig, words(rig, "o%d RESERVE cpus/r1+dynamic 1", i));
    }
    expect(in_operate_specs(rig, specs, 1001), "REPLY 2 TOO_LARGE \"an operate has 1 to 1000 operations\" "
                                               "operate.operations\n");
    for (int i = 0; i < 1000; i++)
        *specs[i] = *build_operation(rig, words(rig, "o%d RESERVE cpus/r1+dynamic 1", i));
    assert_int_equal(strncmp(in_operate_specs(rig, specs, 1000), "REPLY 3 OK [o0 OK", 17), 0);
    assert_int_equal(look_status(rig)->operations, 1000);
}

static void keep_two(struct core_config *config)
{
    config->tasks_max = 2;
}

static void no_more_are_kept_than_the_limit(void **state)
{
    struct rig *rig = rig_up(state, keep_two);
    in_operate(rig, "a RESERVE cpus/r1+dynamic 1 | b RESERVE cpus/r1+dynamic 1");
    expect_wrong(rig, "c RESERVE cpus/r1+dynamic 1",
            "c UNAVAILABLE retry \"zmesosd keeps 2 operations, which is its limit\"");
}

/* ---- the same again -------------------------------------------------------------------------------------
 */

static void an_id_that_is_known_is_answered_with_what_is_known(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_operate(rig, "a RESERVE cpus/r1+dynamic 2");
    in_offers(rig, "o1 A1 cpus 4");
    rig_show(rig, SHOW_ALL);
    expect(in_operate(rig, "a RESERVE cpus/r1+dynamic 2"), "REPLY 2 OK [a OK SENT rev 2 known]\n");
    expect(in_operate(rig, "a RESERVE cpus/r1+dynamic 3"),
            "REPLY 3 SOME_REFUSED \"1 of 1 were refused\" [a CONFLICT SENT rev 2 \"an operation with this id "
            "and another specification exists\" operate.operations[0].id]\n");
    expect(in_launch(rig, "a cpus 1"), "RECORD task a QUEUED rev 1 spec\n"
                                       "EVENT task/a/QUEUED #1 rev 1\n"
                                       "REPLY 4 OK [a OK QUEUED rev 1]\n");
}

/* ---- where they go --------------------------------------------------------------------------------------
 */

static void the_oldest_goes_first_and_before_tasks(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "t cpus 3 prio 9");
    in_operate(
            rig, "a RESERVE cpus/r1+dynamic 3 | b RESERVE cpus/r1+dynamic 1 | c RESERVE cpus/r1+dynamic 3");
    rig_show(rig, SHOW_CALLS);
    expect(in_offers(rig, "o1 A1 cpus 2 | o2 A2 cpus 4 | o3 A3 cpus 4 | o4 A4 cpus 4"),
            "CALL ACCEPT o2 {a.2.1}\n"
            "CALL ACCEPT o1 {b.3.1}\n"
            "CALL ACCEPT o3 {c.4.1}\n"
            "CALL ACCEPT o4 [t.1.1 cpus 3]\n");
}

static void an_operation_waits_for_what_it_needs(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_operate(rig, "v CREATE disk/r1+dynamic=v1 10");
    rig_show(rig, SHOW_CALLS);
    expect(in_offers(rig, "o1 A1 cpus 4 disk 100"), "CALL DECLINE o1 for 3600 s\n");
    const Zmesos__V1__Operation *operation = look_operation(rig, "v");
    assert_non_null(strstr(operation->obstacle, "agent A1 (host-A1): operation.create.volumes[0]: "));
    expect(in_offers(rig, "o2 A1 disk 90 disk/r1 10"), "CALL DECLINE o2 for 3600 s\n"); /* a static one */
    expect(in_offers(rig, "o3 A1 disk 90 disk/r1+dynamic 10"), "CALL ACCEPT o3 {v.1.1}\n");
    operation = look_operation(rig, "v");
    assert_null(operation->obstacle);
}

static void each_kind_goes_where_it_can_be_done(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    static const struct {
        const char *spec, *lacks, *has;
    } kinds[] = {
            {"RESERVE cpus/r1+dynamic 2", "cpus 1 cpus/r1+dynamic 5", "cpus 2"},
            {"UNRESERVE cpus/r1+dynamic 2", "cpus 5 cpus/r1 5", "cpus/r1+dynamic 2"},
            {"CREATE disk/r1+dynamic=v 9", "disk 20 disk/r1+dynamic 8", "disk/r1+dynamic 9"},
            {"DESTROY disk/r1+dynamic=v 9", "disk/r1+dynamic=w 9", "disk/r1+dynamic=v 9"},
            {"GROW_VOLUME disk/r1+dynamic=v 9 disk/r1+dynamic 1", "disk/r1+dynamic=v 9 disk 9",
                    "disk/r1+dynamic=v 9 disk/r1+dynamic 1"},
            {"SHRINK_VOLUME disk/r1+dynamic=v 9 by 8", "disk/r1+dynamic=v 8", "disk/r1+dynamic=v 9"},
            {"CREATE_DISK disk+raw=d 100", "disk+raw=e 100 disk 100", "disk+raw=d 100"},
            {"DESTROY_DISK disk+raw=d 100", "disk+raw=d 99", "disk+raw=d 100"},
    };
    rig_show(rig, SHOW_CALLS);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        in_operate(rig, words(rig, "k%zu %s", i, kinds[i].spec));
        expect(in_offers(rig, words(rig, "l%zu A1 %s", i, kinds[i].lacks)),
                words(rig, "CALL DECLINE l%zu for 3600 s\n", i));
        expect(in_offers(rig, words(rig, "h%zu A1 %s", i, kinds[i].has)),
                words(rig, "CALL ACCEPT h%zu {k%zu.%zu.1}\n", i, i, i + 1));
        in_answer(rig, words(rig, "h%zu", i), CORE_ACCEPTED, "");
    }
    expect(look_operation(rig, "k6")->resource_provider_id, "p1");
    assert_null(look_operation(rig, "k5")->resource_provider_id);
}

static void constraints_say_on_which_agent(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_operate(rig, "a RESERVE cpus/r1+dynamic 1 as where rack EXISTS where agent_id EQUALS A3");
    rig_show(rig, SHOW_CALLS);
    expect(in_offers(rig, "o1 A1 cpus 4 | o2 A2 cpus 4 @rack=a"), "CALL DECLINE o1 o2 for 3600 s\n");
    expect(look_operation(rig, "a")->obstacle,
            "agent A2 (host-A2): constraints[1]: the constraint does not hold");
    expect(in_offers(rig, "o3 A3 cpus 4 @rack=b"), "CALL ACCEPT o3 {a.1.1}\n");
}

static void each_role_has_its_own(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_operate(rig, "a RESERVE cpus/r2+dynamic 1 as role r2 | b RESERVE cpus/r1+dynamic 1");
    rig_show(rig, SHOW_CALLS);
    expect(in_offers(rig, "o1 A1 cpus 4 role r2"), "CALL ACCEPT o1 {a.1.1}\n");
    expect(in_offers(rig, "o2 A1 cpus 4"), "CALL ACCEPT o2 {b.2.1}\n");
    expect(look_operation(rig, "a")->role, "r2");
}

/* As tasks do: declined offers come back while it waits. */
static void waiting_keeps_the_role_awake(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    rig_show(rig, SHOW_CALLS);
    expect(in_operate(rig, "a UNRESERVE cpus/r1+dynamic 1"), "CALL REVIVE r1\n");
    expect(in_offers(rig, "o1 A1 cpus 4"), "CALL DECLINE o1 for 3600 s\n");
    expect(in_wait(rig, 130000), "+60000 CALL REVIVE r1\n+120000 CALL REVIVE r1\n");
    expect(in_cancel_operations(rig, "a"), "CALL SUPPRESS r1\n");
}

static void one_turn(struct core_config *config)
{
    config->turn_steps = 1;
}

static void a_long_look_is_split_over_turns(void **state)
{
    struct rig *rig = rig_up(state, one_turn);
    rig->unchecked = true;
    in_operate(rig, "a RESERVE cpus/r1+dynamic 3 | b RESERVE cpus/r1+dynamic 2");
    rig_show(rig, SHOW_CALLS);
    size_t sent = strlen(in_offers(rig, "o1 A1 cpus 1 | o2 A2 cpus 1 | o3 A3 cpus 2 | o4 A4 cpus 3"));
    assert_int_equal(sent, 0);
    const char *text = "";
    for (int i = 0; i < 30; i++)
        text = words(rig, "%s%s", text, in_tick(rig));
    expect(text, "CALL ACCEPT o4 {a.1.1}\nCALL ACCEPT o3 {b.2.1}\n");
}

/* ---- asking ---------------------------------------------------------------------------------------------
 */

static void what_clients_read(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_operate(rig, "a RESERVE cpus/r1+dynamic 1 as label k=v | b RESERVE cpus/r1+dynamic 9 | ab RESERVE "
                    "cpus/r1+dynamic 1 as label k=w");
    in_offers(rig, "o1 A1 cpus 1");
    rig_show(rig, SHOW_REPLIES);
    expect(in_get_operations(rig, "b x a"), "REPLY 2 OK b:QUEUED a:SENT no x\n");
    expect(in_get_operations(rig, ""), "REPLY 3 INVALID \"a get_operations names 1 to 1000 operations\" "
                                       "get_operations.operation_ids\n");
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_LIST_OPERATIONS);
    Zmesos__V1__ListOperations *list = request->list_operations;
    list->id_prefix = words(rig, "a");
    list->page_size = 1;
    expect(in_request(rig, request), "REPLY 4 OK a:SENT next 1\n");
    request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_LIST_OPERATIONS);
    list = request->list_operations;
    list->id_prefix = words(rig, "a");
    list->after = 1;
    list->with_spec = list->has_with_spec = true;
    expect(in_request(rig, request), "REPLY 5 OK ab:QUEUED+spec\n");
    request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_LIST_OPERATIONS);
    Zmesos__V1__Operation__State queued[] = {ZMESOS__V1__OPERATION__STATE__QUEUED};
    request->list_operations->states = queued;
    request->list_operations->n_states = 1;
    expect(in_request(rig, request), "REPLY 6 OK b:QUEUED ab:QUEUED\n");
    request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_LIST_OPERATIONS);
    Mesos__V1__Label label = MESOS__V1__LABEL__INIT;
    label.key = words(rig, "k");
    label.value = words(rig, "w");
    request->list_operations->label = &label;
    expect(in_request(rig, request), "REPLY 7 OK ab:QUEUED\n");
    request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_LIST_OPERATIONS);
    request->list_operations->page_size = 1001;
    expect(in_request(rig, request),
            "REPLY 8 TOO_LARGE \"a page has 1 to 1000 operations\" list_operations.page_size\n");
}

static void what_was_made_is_kept_with_the_status(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_operate(rig, "a CREATE_DISK disk+raw=d 100");
    in_offers(rig, "o1 A1 disk+raw=d 100");
    in_answer(rig, "o1", CORE_ACCEPTED, "");
    rig_show(rig, SHOW_RECORDS | SHOW_REPLIES);
    expect(in_operation_update(rig, "a.1.1 PENDING on A1 by p1"),
            "RECORD operation a PENDING rev 3 as a.1.1 on A1\n");
    expect(in_operation_update(rig, "a.1.1 FINISHED uuid u on A1 by p1 made disk+raw=e 100"),
            "RECORD operation a FINISHED rev 4 as a.1.1 on A1 status\n");
    expect(in_get_operations(rig, "a"), "REPLY 2 OK a:FINISHED+status\n");
    rig_restart(rig);
    expect(in_get_operations(rig, "a"), "REPLY 3 OK a:FINISHED+status\n");
}

/* ---- cancelling -----------------------------------------------------------------------------------------
 */

static void what_waits_can_be_cancelled_and_what_was_sent_not(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_operate(rig, "a RESERVE cpus/r1+dynamic 1 | b RESERVE cpus/r1+dynamic 9");
    in_offers(rig, "o1 A1 cpus 1");
    rig_show(rig, SHOW_RECORDS | SHOW_REPLIES | SHOW_EVENTS);
    expect(in_cancel_operations(rig, "a b x"),
            "RECORD operation b CANCELLED rev 2 \"cancelled before it was sent\"\n"
            "EVENT operation/b/CANCELLED #4 rev 2\n"
            "REPLY 2 SOME_REFUSED \"2 of 3 were refused\" [a CONFLICT SENT rev 2 \"it was sent to the "
            "master, "
            "which may have done it\" cancel_operations.operation_ids[0]] [b OK CANCELLED rev 2] "
            "[x NOT_FOUND \"no such operation\" cancel_operations.operation_ids[2]]\n");
    expect(in_cancel_operations(rig, "b"), "REPLY 3 OK [b OK CANCELLED rev 2]\n");
    expect(in_cancel_operations(rig, ""),
            "REPLY 4 INVALID \"a cancel_operations names 1 to 10000 operations\" "
            "cancel_operations.operation_ids\n");
    rig_show(rig, SHOW_CALLS);
    expect(in_offers(rig, "o2 A1 cpus 9"), "");
}

/* Each that waits looks at each offer before any task does. */
static void so_many_wait_and_no_more(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    rig->unchecked = true;
    rig_show(rig, SHOW_REPLIES);
    Zmesos__V1__OperationSpec *specs[1000];
    for (int i = 0; i < CORE_OPERATIONS_WAITING_MAX; i++) {
        specs[i % 1000] = build_operation(rig, words(rig, "w%d RESERVE cpus/r1+dynamic 8", i));
        if (i % 1000 == 999)
            assert_null(strstr(in_operate_specs(rig, specs, 1000), "UNAVAILABLE"));
    }
    assert_non_null(strstr(in_operate(rig, "more RESERVE cpus/r1+dynamic 8"),
            "[more UNAVAILABLE retry \"10000 operations wait already\""));
    assert_non_null(strstr(in_operate(rig, "w7 RESERVE cpus/r1+dynamic 8"), "w7 OK QUEUED rev 1 known"));
    in_cancel_operations(rig, "w7");
    assert_non_null(strstr(in_operate(rig, "more RESERVE cpus/r1+dynamic 8"), "[more OK"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(an_operation_is_sent_finished_and_acknowledged),
            TEST(so_many_wait_and_no_more),
            TEST(what_is_wrong_is_refused_with_its_field),
            TEST(a_body_that_no_master_takes_is_refused),
            TEST(constraints_are_of_the_agent_alone),
            TEST(requests_have_limits),
            TEST(no_more_are_kept_than_the_limit),
            TEST(an_id_that_is_known_is_answered_with_what_is_known),
            TEST(the_oldest_goes_first_and_before_tasks),
            TEST(an_operation_waits_for_what_it_needs),
            TEST(each_kind_goes_where_it_can_be_done),
            TEST(constraints_say_on_which_agent),
            TEST(each_role_has_its_own),
            TEST(waiting_keeps_the_role_awake),
            TEST(a_long_look_is_split_over_turns),
            TEST(what_clients_read),
            TEST(what_was_made_is_kept_with_the_status),
            TEST(what_waits_can_be_cancelled_and_what_was_sent_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
