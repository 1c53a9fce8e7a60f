/* snapshot: pages of tasks, each with the heads at which it is true. */
#include "rig.h"

#include <stdio.h>

static struct rig *with_tasks(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_up(rig);
    in_launch(rig, "job1 label app=x | job10 label app=y | job2 label app=x | other cpus 9");
    in_offers(rig, "o1 A1 cpus 2");
    in_update(rig, "job1.1.1 RUNNING by AGENT uuid u");
    rig_show(rig, SHOW_REPLIES);
    return rig;
}

static const Zmesos__V1__SnapshotPage *snapshot(struct rig *rig, Zmesos__V1__Snapshot *asked)
{
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_SNAPSHOT);
    request->snapshot = asked;
    in_request(rig, request);
    assert_int_equal(rig->out.count, 1);
    const Zmesos__V1__Reply *reply = rig->out.items[0].reply.reply;
    assert_int_equal(reply->code, ZMESOS__V1__CODE__OK);
    assert_int_equal(reply->result_case, ZMESOS__V1__REPLY__RESULT_SNAPSHOT);
    return reply->snapshot;
}

/* "job1 job2 next 3 task 7 update 1" */
static const char *page(struct rig *rig, Zmesos__V1__Snapshot *asked)
{
    const Zmesos__V1__SnapshotPage *found = snapshot(rig, asked);
    const char *text = "";
    for (size_t i = 0; i < found->n_tasks; i++)
        text = words(rig, "%s%s ", text, found->tasks[i]->id);
    if (found->has_next)
        text = words(rig, "%snext %u ", text, (unsigned)found->next);
    assert_string_equal(found->store, "store-1");
    assert_int_equal(found->run, 1);
    assert_int_equal(found->heads[0]->class_, ZMESOS__V1__EVENT_CLASS__TASK);
    assert_int_equal(found->heads[1]->class_, ZMESOS__V1__EVENT_CLASS__UPDATE);
    return words(rig, "%stask %u update %u", text, (unsigned)found->heads[0]->number,
            (unsigned)found->heads[1]->number);
}

static void filters_are_those_of_a_list(void **state)
{
    struct rig *rig = with_tasks(state);
    Zmesos__V1__Snapshot asked = ZMESOS__V1__SNAPSHOT__INIT;
    Zmesos__V1__TaskState states[] = {ZMESOS__V1__TASK_STATE__QUEUED, ZMESOS__V1__TASK_STATE__RUNNING};
    Mesos__V1__Label label = MESOS__V1__LABEL__INIT;
    char key[] = "app", value[] = "x", prefix[] = "job1";
    expect(page(rig, &asked), "job1 job10 job2 other task 7 update 1");
    asked.states = states;
    asked.n_states = 2;
    expect(page(rig, &asked), "job1 job2 other task 7 update 1");
    label.key = key;
    label.value = value;
    asked.label = &label;
    expect(page(rig, &asked), "job1 job2 task 7 update 1");
    asked.id_prefix = prefix;
    expect(page(rig, &asked), "job1 task 7 update 1");
    assert_int_equal(asked.page_size, 250);
}

static void each_page_is_true_at_its_own_heads(void **state)
{
    struct rig *rig = with_tasks(state);
    Zmesos__V1__Snapshot asked = ZMESOS__V1__SNAPSHOT__INIT;
    asked.has_page_size = asked.has_after = true;
    asked.page_size = 2;
    expect(page(rig, &asked), "job1 job10 next 2 task 7 update 1");
    in_update(rig, "job10.2.1 RUNNING by AGENT uuid u");
    in_launch(rig, "later");
    asked.after = 2;
    expect(page(rig, &asked), "job2 other next 4 task 9 update 2");
    asked.after = 4;
    expect(page(rig, &asked), "later task 9 update 2");
    asked.after = UINT64_MAX;
    expect(page(rig, &asked), "task 9 update 2");
}

static void pages_have_limits(void **state)
{
    struct rig *rig = with_tasks(state);
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_SNAPSHOT);
    Zmesos__V1__Snapshot asked = ZMESOS__V1__SNAPSHOT__INIT;
    request->snapshot = &asked;
    asked.page_size = 0;
    expect(in_request(rig, request), "REPLY 2 INVALID \"a page has 1 to 250 tasks\" snapshot.page_size\n");
    request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_SNAPSHOT);
    request->snapshot = &asked;
    asked.page_size = 251;
    expect(in_request(rig, request), "REPLY 3 TOO_LARGE \"a page has 1 to 250 tasks\" snapshot.page_size\n");
    asked.page_size = 250;
    expect(page(rig, &asked), "job1 job10 job2 other task 7 update 1");
}

static void specifications_come_along(void **state)
{
    struct rig *rig = with_tasks(state);
    Zmesos__V1__Snapshot asked = ZMESOS__V1__SNAPSHOT__INIT;
    snapshot(rig, &asked);
    assert_null(rig->out.items[0].reply.specs);
    asked.with_spec = true;
    assert_int_equal(snapshot(rig, &asked)->n_tasks, 4);
    assert_non_null(rig->out.items[0].reply.specs[3]);
}

/* 10,000 tasks are looked at for a page, and then the next one goes on, also where none of them was wanted.
 */
static void a_page_looks_at_so_many_tasks(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    char prefix[] = "wanted";
    rig_show(rig, SHOW_REPLIES);
    for (int batch = 0; batch < 10; batch++) {
        char specs[16000] = "";
        size_t length = 0;
        for (int i = 0; i < 1000; i++)
            length += (size_t)snprintf(
                    specs + length, sizeof specs - length, "%st%d", i ? " | " : "", batch * 1000 + i);
        in_launch(rig, specs);
    }
    in_launch(rig, "wanted");
    Zmesos__V1__Snapshot asked = ZMESOS__V1__SNAPSHOT__INIT;
    asked.id_prefix = prefix;
    expect(page(rig, &asked), "next 10000 task 10001 update 0");
    asked.after = 10000;
    expect(page(rig, &asked), "wanted task 10001 update 0");
    asked.after = 1;
    expect(page(rig, &asked), "wanted task 10001 update 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(filters_are_those_of_a_list),
            TEST(each_page_is_true_at_its_own_heads),
            TEST(pages_have_limits),
            TEST(specifications_come_along),
            TEST(a_page_looks_at_so_many_tasks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
