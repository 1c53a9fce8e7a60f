/* Operations over starts of the process, restored stores and removed frameworks; how they are forgotten. */
#include "rig.h"

#include <string.h>

#define NOT_KNOWN "a.1.1 UNKNOWN on A1 : Reconciliation: Operation is unknown"

static const char *release(struct rig *rig, const char *action, const char *ids)
{
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_RELEASE);
    request->release->has_action = true;
    request->release->action =
            strcmp(action, "RUN") == 0 ? ZMESOS__V1__RELEASE__ACTION__RUN : ZMESOS__V1__RELEASE__ACTION__DROP;
    request->release->n_operation_ids = split(rig, ids, " ", &request->release->operation_ids);
    return in_request(rig, request);
}

/* The rows made the same core after each input already (rig.h): here is what only a start shows. */
static void what_waits_goes_on_waiting_in_its_order(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_operate(rig, "a RESERVE cpus/r1+dynamic 2 as where rack EQUALS x | b RESERVE cpus/r1+dynamic 1");
    rig_restart(rig);
    in_up(rig);
    rig_show(rig, SHOW_CALLS);
    expect(in_offers(rig, "o1 A1 cpus 4 @rack=x | o2 A2 cpus 4"),
            "CALL ACCEPT o1 {a.1.1}\nCALL ACCEPT o2 {b.2.1}\n");
}

static void keys_are_shared_with_tasks_and_never_used_again(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "t");
    in_operate(rig, "a RESERVE cpus/r1+dynamic 2");
    rig_restart(rig);
    in_launch(rig, "u");
    in_operate(rig, "b RESERVE cpus/r1+dynamic 2");
    in_up(rig);
    rig_show(rig, SHOW_CALLS);
    expect(in_offers(rig, "o1 A1 cpus 2 | o2 A1 cpus 2 | o3 A1 cpus 2"),
            "CALL ACCEPT o1 {a.2.1}\nCALL ACCEPT o2 {b.4.1}\nCALL ACCEPT o3 [t.1.1 cpus 1] [u.3.1 cpus 1]\n");
}

/* ---- forgetting -----------------------------------------------------------------------------------------
 */

static void keep_one(struct core_config *config)
{
    config->keep_tasks = 1;
}

static void finish(struct rig *rig, const char *id, int64_t key)
{
    in_operate(rig, words(rig, "%s RESERVE cpus/r1+dynamic 2", id));
    in_offers(rig, words(rig, "o-%s A1 cpus 4", id));
    in_answer(rig, words(rig, "o-%s", id), CORE_ACCEPTED, "");
    in_operation_update(rig, words(rig, "%s.%lld.1 FINISHED uuid u on A1", id, (long long)key));
}

static void what_is_over_is_forgotten_oldest_first(void **state)
{
    struct rig *rig = rig_up(state, keep_one);
    finish(rig, "a", 1);
    in_wait(rig, 2000);
    finish(rig, "b", 2);
    in_operate(rig, "c RESERVE cpus/r1+dynamic 2");
    rig_show(rig, SHOW_RECORDS);
    expect(in_wait(rig, 1000), "+1000 RECORD next_key 4\n+1000 RECORD forget operation 1\n");
    expect_operation(rig, "a", "none");
    expect_operation(rig, "b", "FINISHED");
    rig_restart(rig);
    expect_operation(rig, "a", "none");
    in_operate(rig, "a RESERVE cpus/r1+dynamic 9");
    expect_operation(rig, "a", "QUEUED");
}

static void keep_ten_seconds(struct core_config *config)
{
    config->keep_tasks_ms = 10000;
}

static void age_counts_too(void **state)
{
    struct rig *rig = rig_up(state, keep_ten_seconds);
    finish(rig, "a", 1);
    in_wait(rig, 9000);
    expect_operation(rig, "a", "FINISHED");
    in_wait(rig, 2000);
    expect_operation(rig, "a", "none");
    rig_show(rig, SHOW_ALL);
    expect(in_operation_update(rig, "a.1.1 FINISHED uuid u on A1"),
            "EVENT mesos/UPDATE_OPERATION_STATUS #2\nCALL ACKNOWLEDGE_OPERATION_STATUS a.1.1 u\n");
}

/* ---- restored -------------------------------------------------------------------------------------------
 */

static void what_waited_in_a_backup_is_held(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_operate(
            rig, "a RESERVE cpus/r1+dynamic 2 | b RESERVE cpus/r1+dynamic 2 | c RESERVE cpus/r1+dynamic 2");
    rig_restore(rig, "store-2x");
    assert_int_equal(look_status(rig)->held_operations, 3);
    assert_true(look_operation(rig, "a")->held);
    in_up(rig);
    rig_show(rig, SHOW_CALLS);
    expect(in_offers(rig, "o1 A1 cpus 2"), "");
    rig_show(rig, SHOW_REPLIES);
    expect(release(rig, "RUN", "a x"),
            "REPLY 2 SOME_REFUSED \"1 of 2 were refused\" [a OK QUEUED rev 3] [x NOT_FOUND \"no such "
            "operation\" release.operation_ids[1]]\n");
    expect(release(rig, "DROP", "b"), "REPLY 3 OK [b OK CANCELLED rev 3]\n");
    assert_int_equal(look_status(rig)->held_operations, 1);
    expect(release(rig, "RUN", ""), "REPLY 4 OK [c OK QUEUED rev 3] of 1\n");
    assert_false(look_operation(rig, "c")->held);
    rig_show(rig, SHOW_CALLS);
    expect(in_offers(rig, "o2 A1 cpus 2"), "CALL ACCEPT o2 {c.3.1-rstore-2x}\n");
    expect_operation(rig, "a", "SENT"); /* o1 was still held */
    expect(look_operation(rig, "a")->operation_id, "a.1.1-rstore-2x");
}

/* Beside as many tasks as can be named. */
static void each_that_is_named_has_an_item(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_operate(rig, "a RESERVE cpus/r1+dynamic 2");
    rig_restore(rig, "store-2x");
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_RELEASE);
    Zmesos__V1__Release *asked = request->release;
    asked->has_action = true;
    asked->action = ZMESOS__V1__RELEASE__ACTION__RUN;
    asked->n_task_ids = CORE_KILL_MAX;
    asked->task_ids = arena_array(&rig->kept, CORE_KILL_MAX, sizeof *asked->task_ids);
    for (size_t i = 0; i < CORE_KILL_MAX; i++)
        asked->task_ids[i] = words(rig, "t");
    asked->n_operation_ids = split(rig, "a x", " ", &asked->operation_ids);
    rig_show(rig, SHOW_REPLIES);
    const char *text = in_request(rig, request);
    assert_non_null(strstr(text, "10001 of 10002 were refused"));
    assert_non_null(strstr(text, "[a OK QUEUED rev 3]"));
    assert_non_null(strstr(text, "[x NOT_FOUND"));
}

static void a_held_one_can_be_cancelled(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_operate(rig, "a RESERVE cpus/r1+dynamic 2");
    rig_restore(rig, "store-2x");
    in_cancel_operations(rig, "a");
    expect_operation(rig, "a", "CANCELLED");
    assert_int_equal(look_status(rig)->held_operations, 0);
}

/* The history that went on after the backup may have heard its end. */
static void what_was_sent_before_a_backup_is_asked_about_and_never_sent_again(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_operate(rig, "a RESERVE cpus/r1+dynamic 2");
    in_offers(rig, "o1 A1 cpus 4");
    rig_restore(rig, "store-2x");
    assert_true(has_line(in_up(rig), "CALL RECONCILE_OPERATIONS a.1.1@A1/-"));
    for (int i = 0; i < 3; i++) {
        in_operation_update(rig, NOT_KNOWN);
        expect_operation(rig, "a", "UNKNOWN");
        in_wait(rig, 70000);
        in_ask(rig);
    }
    in_cancel_operations(rig, "a");
    expect_operation(rig, "a", "CANCELLED");
}

/* What went on after the backup has sent it: it is not sent a second time. */
static void what_waited_in_a_backup_and_was_done_meanwhile_is_done(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_operate(
            rig, "a RESERVE cpus/r1+dynamic 2 | b RESERVE cpus/r1+dynamic 2 | c RESERVE cpus/r1+dynamic 2");
    rig_restore(rig, "store-2x");
    in_up(rig);
    in_operation_update(rig, "a.1.1 FINISHED uuid u on A7");
    expect_operation(rig, "a", "FINISHED");
    expect(look_operation(rig, "a")->operation_id, "a.1.1");
    expect(look_operation(rig, "a")->agent_id, "A7");
    in_operation_update(rig, "b.2.1 PENDING on A7");
    expect_operation(rig, "b", "PENDING");
    in_operation_update(rig, "c.3.1 ERROR on A7 : not allowed");
    in_operation_update(rig, "x.3.1 FINISHED on A7");
    in_operation_update(rig, "c.9.1 FINISHED on A7");
    expect_operation(rig, "c", "QUEUED");
    assert_int_equal(look_status(rig)->held_operations, 1);
    in_operation_update(rig, "b.2.1 FINISHED uuid u on A7");
    expect_operation(rig, "b", "FINISHED");
}

/* ---- the framework --------------------------------------------------------------------------------------
 */

static void a_removed_framework_leaves_what_waits(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_operate(rig, "a RESERVE cpus/r1+dynamic 2 | b RESERVE cpus/r1+dynamic 9");
    in_offers(rig, "o1 A1 cpus 4");
    in_down(rig, "removed");
    in_removed(rig, "framework-2");
    expect_operation(rig, "a", "CANCELLED");
    assert_non_null(strstr(look_operation(rig, "a")->message, "may have been done"));
    expect_operation(rig, "b", "QUEUED");
}

static void a_torn_down_one_nothing(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_operate(rig, "a RESERVE cpus/r1+dynamic 2 | b RESERVE cpus/r1+dynamic 9");
    in_offers(rig, "o1 A1 cpus 4");
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_TEARDOWN);
    in_request(rig, request);
    char *token = words(rig, "%s", rig->out.items[0].reply.reply->teardown->token);
    request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_TEARDOWN);
    request->teardown->token = token;
    in_request(rig, request);
    rig_show(rig, SHOW_REPLIES);
    expect(in_operate(rig, "c RESERVE cpus/r1+dynamic 1"),
            "REPLY 4 SOME_REFUSED \"1 of 1 were refused\" [c UNAVAILABLE retry \"the framework is being torn "
            "down\"]\n");
    rig_show(rig, SHOW_CALLS);
    expect(in_offers(rig, "o2 A1 cpus 9"), "CALL DECLINE o2 for 3600 s\n");
    in_down(rig, "removed");
    in_removed(rig, "framework-2");
    expect_operation(rig, "a", "CANCELLED");
    expect_operation(rig, "b", "CANCELLED");
    assert_int_equal(look_status(rig)->operations, 0);
}

static void a_role_with_operations_stays(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_operate(rig, "a RESERVE cpus/r2+dynamic 2 as role r2");
    rig_show(rig, SHOW_REPLIES);
    char *roles[] = {words(rig, "r2")};
    for (int i = 0; i < 2; i++) {
        Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_UPDATE_FRAMEWORK);
        request->update_framework->remove_roles = roles;
        request->update_framework->n_remove_roles = 1;
        const char *text = in_request(rig, request);
        if (i == 0)
            expect(text, "REPLY 2 UNAVAILABLE retry \"1 of its operations are not over\" "
                         "update_framework.remove_roles[0]\n");
        else
            expect(text, "");
        in_cancel_operations(rig, "a");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(what_waits_goes_on_waiting_in_its_order),
            TEST(keys_are_shared_with_tasks_and_never_used_again),
            TEST(what_is_over_is_forgotten_oldest_first),
            TEST(age_counts_too),
            TEST(what_waited_in_a_backup_is_held),
            TEST(each_that_is_named_has_an_item),
            TEST(a_held_one_can_be_cancelled),
            TEST(what_waited_in_a_backup_and_was_done_meanwhile_is_done),
            TEST(what_was_sent_before_a_backup_is_asked_about_and_never_sent_again),
            TEST(a_removed_framework_leaves_what_waits),
            TEST(a_torn_down_one_nothing),
            TEST(a_role_with_operations_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
