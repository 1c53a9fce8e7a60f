/* get, list and status. */
#include "rig.h"

#include <string.h>

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

static void by_id(void **state)
{
    struct rig *rig = with_tasks(state);
    expect(in_get(rig, "job2 nosuch job1 job2"),
            "REPLY 2 OK job2:QUEUED job1:RUNNING job2:QUEUED no nosuch\n");
    expect(in_get(rig, ""), "REPLY 3 INVALID \"a get names 1 to 1000 tasks\" get.task_ids\n");
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_GET);
    char id[] = "job1", *ids[CORE_GET_MAX + 1];
    for (size_t i = 0; i <= CORE_GET_MAX; i++)
        ids[i] = id;
    request->get->task_ids = ids;
    request->get->n_task_ids = CORE_GET_MAX + 1;
    expect(in_request(rig, request), "REPLY 4 TOO_LARGE \"a get names 1 to 1000 tasks\" get.task_ids\n");
    request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_GET);
    request->get->task_ids = ids;
    request->get->n_task_ids = CORE_GET_MAX;
    in_request(rig, request);
    assert_int_equal(rig->out.items[0].reply.reply->tasks->n_tasks, CORE_GET_MAX);
}

static void with_specifications(void **state)
{
    struct rig *rig = with_tasks(state);
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_GET);
    char *ids[] = {words(rig, "nosuch"), words(rig, "job10")};
    request->get->task_ids = ids;
    request->get->n_task_ids = 2;
    request->get->has_with_spec = request->get->with_spec = true;
    expect(in_request(rig, request), "REPLY 2 OK job10:LAUNCHING+spec no nosuch\n");
    struct slice expected = pack(rig, &build_spec(rig, "job10 label app=y")->base);
    assert_true(slice_equal(blob_slice(rig->disk.tasks[1].row.spec), expected));
}

/* Of a task that has an executor of the framework's own, it is that executor's. */
static void a_sandbox_is_its_executor_s(void **state)
{
    static const struct {
        const char *spec, *directory;
    } cases[] = {{"a", "/frameworks/framework-1/executors/a.1.1/runs/latest"},
            {"a exec e1", "/frameworks/framework-1/executors/e1/runs/latest"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig *rig = *state = rig_create(NULL);
        in_up(rig);
        in_launch(rig, cases[i].spec);
        in_offers(rig, "o1 A1 cpus 2");
        rig->disk.tasks[0].attempts[0].agent_url = "http://here:5051";
        rig_restart(rig);
        Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_SANDBOX);
        request->sandbox->task_id = words(rig, "a");
        in_request(rig, request);
        const struct core_output *last = rig->out.items;
        while (last->kind != CORE_OUT_REPLY)
            last++;
        assert_int_equal(last->reply.reply->code, ZMESOS__V1__CODE__OK);
        assert_string_equal(last->reply.reply->sandbox->directory, cases[i].directory);
        if (i == 0)
            rig_destroy(rig);
    }
}

#define MEBIBYTE ((size_t)1 << 20)

/* Five tasks of which four fill what a reply may hold of specifications; `more` bytes in the fourth. */
static struct rig *with_large_tasks(void **state, size_t more)
{
    struct rig *rig = *state = rig_create(NULL);
    rig->unchecked = true;
    for (int i = 0; i < 5; i++) {
        Zmesos__V1__TaskSpec *spec =
                build_large_spec(rig, words(rig, "t%d", i), MEBIBYTE + (i == 3 ? more : 0));
        in_launch_specs(rig, &spec, 1);
    }
    rig_show(rig, SHOW_REPLIES);
    return rig;
}

static const char *get_with_spec(struct rig *rig, const char *ids)
{
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_GET);
    request->get->n_task_ids = split(rig, ids, " ", &request->get->task_ids);
    request->get->has_with_spec = request->get->with_spec = true;
    return in_request(rig, request);
}

static void specifications_in_a_get_have_a_limit(void **state)
{
    struct rig *rig = with_large_tasks(state, 0);
    expect(get_with_spec(rig, "t0 t1 t2 t3"),
            "REPLY 6 OK t0:QUEUED+spec t1:QUEUED+spec t2:QUEUED+spec t3:QUEUED+spec\n");
#define TOO_MANY                                                                                             \
    "TOO_LARGE \"these specifications have more than 4194304 bytes; ask for fewer at a time\" "              \
    "get.with_spec\n"
    expect(get_with_spec(rig, "t0 t1 t2 t3 t4"), "REPLY 7 " TOO_MANY);
    expect(get_with_spec(rig, "t0 t0 t0 t0 t0"), "REPLY 8 " TOO_MANY); /* one id many times */
    expect(in_get(rig, "t0 t1 t2 t3 t4"), "REPLY 9 OK t0:QUEUED t1:QUEUED t2:QUEUED t3:QUEUED t4:QUEUED\n");
    rig_destroy(rig);
    rig = with_large_tasks(state, 1);
    expect(get_with_spec(rig, "t0 t1 t2 t3"), "REPLY 6 " TOO_MANY);
}

static void specifications_on_a_page_have_a_limit(void **state)
{
    struct rig *rig = with_large_tasks(state, 0);
    Zmesos__V1__List wanted = ZMESOS__V1__LIST__INIT;
    wanted.has_with_spec = wanted.with_spec = true;
    in_list(rig, &wanted);
    const Zmesos__V1__Tasks *tasks = rig->out.items[0].reply.reply->tasks;
    assert_int_equal(tasks->n_tasks, 4);
    assert_true(tasks->has_next && tasks->next == 4);
    wanted.after = tasks->next;
    expect(in_list(rig, &wanted), "REPLY 7 OK t4:QUEUED+spec\n");
    rig_destroy(rig);
    rig = with_large_tasks(state, 1);
    wanted.after = 0;
    expect(in_list(rig, &wanted), "REPLY 6 OK t0:QUEUED+spec t1:QUEUED+spec t2:QUEUED+spec next 3\n");
}

static size_t reply_bytes(const struct rig *rig)
{
    return protobuf_c_message_get_packed_size(&rig->out.items[0].reply.reply->base);
}

/* Each of a hundred attempts may have words of four kilobytes, and each task be asked for many times. */
static void attempts_have_a_limit(void **state)
{
    enum { TASKS = 85, ATTEMPTS = 100 };
    struct rig *rig = *state = rig_create(NULL);
    in_up(rig);
    rig->unchecked = true;
    rig_show(rig, 0);
    Zmesos__V1__TaskSpec *specs[TASKS];
    for (int i = 0; i < TASKS; i++)
        specs[i] = build_spec(rig, words(rig, "t%d tries %d backoff 0", i, ATTEMPTS));
    in_launch_specs(rig, specs, TASKS);
    for (int number = 1; number <= ATTEMPTS; number++) {
        in_offers(rig, words(rig, "o%d A1 cpus %d", number, TASKS));
        in_answer(rig, words(rig, "o%d", number), CORE_ACCEPTED, "");
        for (int i = 0; i < TASKS; i++)
            in_update(rig, words(rig, "t%d.%d.%d FAILED by AGENT : %04000d", i, i + 1, number, 0));
        in_rescind(rig, words(rig, "o%d", number));
    }
    Zmesos__V1__List wanted = ZMESOS__V1__LIST__INIT;
    in_list(rig, &wanted);
    const Zmesos__V1__Tasks *tasks = rig->out.items[0].reply.reply->tasks;
    assert_in_range(tasks->n_tasks, 70, TASKS - 1);
    assert_int_equal(tasks->tasks[0]->n_attempts, ATTEMPTS);
    assert_true(tasks->has_next && tasks->next == tasks->n_tasks);
    assert_in_range(reply_bytes(rig), 30 << 20, 32 << 20);
    size_t some = tasks->n_tasks;
    wanted.after = tasks->next;
    in_list(rig, &wanted);
    assert_int_equal(rig->out.items[0].reply.reply->tasks->n_tasks, TASKS - some);

    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_GET);
    char id[] = "t7", *ids[TASKS];
    for (size_t i = 0; i < TASKS; i++)
        ids[i] = id;
    request->get->task_ids = ids;
    request->get->n_task_ids = TASKS;
    in_request(rig, request);
    const Zmesos__V1__Reply *reply = rig->out.items[0].reply.reply;
    assert_int_equal(reply->code, ZMESOS__V1__CODE__TOO_LARGE);
    assert_string_equal(reply->field, "get.task_ids");
    request->get->n_task_ids = some;
    in_request(rig, request);
    assert_int_equal(rig->out.items[0].reply.reply->tasks->n_tasks, some);
}

static void a_view_has_it_all(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_up(rig);
    in_launch(rig, "a name n role r2 ports 2");
    rig->now.wall_ns += 1;
    in_offers(rig, "o1 A1 role r2 host h1 ports 7-8");
    rig->now.wall_ns += 1;
    in_update(rig, "a.1.1 RUNNING by AGENT uuid u because TASK_CHECK_STATUS_UPDATED : hello");
    in_kill(rig, "a");
    struct buf text;
    buf_init(&text, 0);
    in_get(rig, "a");
    text_task(&text, rig->out.items[0].reply.reply->tasks->tasks[0]);
    text_add(&text, "%c", 0);
    expect((const char *)text.data,
            "a name n role r2 RUNNING rev 4 created 1700000000000000000 changed 1700000000000000002 kill "
            "\"hello\" REASON_TASK_CHECK_STATUS_UPDATED (1 a.1.1 RUNNING on A1 h1 launched "
            "1700000000000000001 changed 1700000000000000002 :7 :8 \"hello\" "
            "REASON_TASK_CHECK_STATUS_UPDATED)");
    buf_clear(&text);
}

static const char *list(struct rig *rig, const Zmesos__V1__List *wanted)
{
    Zmesos__V1__List copy = *wanted;
    return in_list(rig, &copy);
}

static void by_filter(void **state)
{
    struct rig *rig = with_tasks(state);
    Zmesos__V1__TaskState states[] = {ZMESOS__V1__TASK_STATE__QUEUED, ZMESOS__V1__TASK_STATE__RUNNING};
    Mesos__V1__Label label = MESOS__V1__LABEL__INIT;
    char key[] = "app", value[] = "x", prefix[] = "job1";
    Zmesos__V1__List wanted = ZMESOS__V1__LIST__INIT;
    expect(list(rig, &wanted), "REPLY 2 OK job1:RUNNING job10:LAUNCHING job2:QUEUED other:QUEUED\n");
    wanted.states = states;
    wanted.n_states = 2;
    expect(list(rig, &wanted), "REPLY 3 OK job1:RUNNING job2:QUEUED other:QUEUED\n");
    label.key = key;
    wanted.label = &label;
    expect(list(rig, &wanted), "REPLY 4 OK job1:RUNNING job2:QUEUED\n");
    wanted.n_states = 0;
    label.value = value;
    expect(list(rig, &wanted), "REPLY 5 OK job1:RUNNING job2:QUEUED\n");
    wanted.id_prefix = prefix;
    expect(list(rig, &wanted), "REPLY 6 OK job1:RUNNING\n");
    wanted.label = NULL;
    expect(list(rig, &wanted), "REPLY 7 OK job1:RUNNING job10:LAUNCHING\n");
}

static void in_pages(void **state)
{
    struct rig *rig = with_tasks(state);
    Zmesos__V1__List wanted = ZMESOS__V1__LIST__INIT;
    char prefix[] = "job";
    wanted.has_page_size = true;
    wanted.page_size = 2;
    expect(list(rig, &wanted), "REPLY 2 OK job1:RUNNING job10:LAUNCHING next 2\n");
    wanted.after = 2;
    expect(list(rig, &wanted), "REPLY 3 OK job2:QUEUED other:QUEUED\n");
    wanted.after = 4;
    expect(list(rig, &wanted), "REPLY 4 OK\n");
    wanted.after = UINT64_MAX;
    expect(list(rig, &wanted), "REPLY 5 OK\n");
    /* No next page when nothing of the rest is wanted. */
    wanted.after = 0;
    wanted.page_size = 3;
    wanted.id_prefix = prefix;
    expect(list(rig, &wanted), "REPLY 6 OK job1:RUNNING job10:LAUNCHING job2:QUEUED\n");
    /* A task that came meanwhile is on the last page; one that changed is where it was. */
    wanted.page_size = 2;
    list(rig, &wanted);
    in_launch(rig, "job3");
    wanted.after = 2;
    expect(list(rig, &wanted), "REPLY 9 OK job2:QUEUED job3:QUEUED\n");
}

static void pages_have_limits(void **state)
{
    struct rig *rig = with_tasks(state);
    Zmesos__V1__List wanted = ZMESOS__V1__LIST__INIT;
    wanted.page_size = 0;
    expect(list(rig, &wanted), "REPLY 2 INVALID \"a page has 1 to 1000 tasks\" list.page_size\n");
    wanted.page_size = 1001;
    expect(list(rig, &wanted), "REPLY 3 TOO_LARGE \"a page has 1 to 1000 tasks\" list.page_size\n");
    wanted.page_size = 1000;
    expect(list(rig, &wanted), "REPLY 4 OK job1:RUNNING job10:LAUNCHING job2:QUEUED other:QUEUED\n");
    Zmesos__V1__List unset = ZMESOS__V1__LIST__INIT;
    assert_int_equal(unset.page_size, 100);
}

/* ---- status ------------------------------------------------------------------------------------------ */

static const Zmesos__V1__DaemonStatus *status(struct rig *rig)
{
    in_status(rig);
    assert_int_equal(rig->out.count, 1);
    return rig->out.items[0].reply.reply->status;
}

static uint64_t count_of(const Zmesos__V1__DaemonStatus *found, Zmesos__V1__TaskState state)
{
    for (size_t i = 0; i < found->n_counts; i++) {
        assert_true(found->counts[i]->tasks > 0); /* states without tasks are left out */
        if (found->counts[i]->state == state)
            return found->counts[i]->tasks;
    }
    return 0;
}

static uint64_t head_of(const Zmesos__V1__DaemonStatus *found, Zmesos__V1__EventClass class)
{
    for (size_t i = 0; i < found->n_heads; i++) {
        if (found->heads[i]->class_ == class)
            return found->heads[i]->number;
    }
    fail_msg("no head of class %d", (int)class);
    return 0;
}

static void status_says_who_and_where(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    const Zmesos__V1__DaemonStatus *found = status(rig);
    assert_string_equal(found->version, "1.2.3");
    assert_string_equal(found->store, "store-1");
    assert_string_equal(found->framework_id, "framework-1");
    assert_int_equal(found->run, 1);
    assert_int_equal(found->subscription, ZMESOS__V1__SUBSCRIPTION__DISCONNECTED);
    assert_null(found->master);
    assert_int_equal(found->n_roles, 2);
    assert_string_equal(found->roles[0], "r1");
    assert_int_equal(found->started_ns, rig->now.wall_ns);
    in_connecting(rig);
    assert_int_equal(status(rig)->subscription, ZMESOS__V1__SUBSCRIPTION__CONNECTING);
    in_up(rig);
    found = status(rig);
    assert_int_equal(found->subscription, ZMESOS__V1__SUBSCRIPTION__SUBSCRIBED);
    assert_string_equal(found->master, "m:5050");
    in_down(rig, "it went");
    found = status(rig);
    assert_int_equal(found->subscription, ZMESOS__V1__SUBSCRIPTION__DISCONNECTED);
    assert_string_equal(found->message, "it went");
    assert_null(found->master);
    in_refused(rig, "not you");
    found = status(rig);
    assert_int_equal(found->subscription, ZMESOS__V1__SUBSCRIPTION__REFUSED);
    assert_string_equal(found->message, "not you");
    in_up(rig);
    assert_null(status(rig)->message);
    rig_restart(rig);
    assert_int_equal(status(rig)->run, 2);
}

static void status_counts_tasks_and_offers(void **state)
{
    struct rig *rig = with_tasks(state);
    in_kill(rig, "job2");
    in_offers(rig, "o7 A7 role r2 cpus 1");
    for (int run = 0; run < 2; run++) {
        const Zmesos__V1__DaemonStatus *found = status(rig);
        assert_int_equal(found->n_counts, 4);
        assert_int_equal(count_of(found, ZMESOS__V1__TASK_STATE__QUEUED), 1);
        assert_int_equal(count_of(found, ZMESOS__V1__TASK_STATE__LAUNCHING), 1);
        assert_int_equal(count_of(found, ZMESOS__V1__TASK_STATE__RUNNING), 1);
        assert_int_equal(count_of(found, ZMESOS__V1__TASK_STATE__KILLED), 1);
        assert_int_equal(found->offers, run == 0 ? 1 : 0);
        rig_restart(rig);
    }
}

static void status_has_the_head_of_every_class(void **state)
{
    struct rig *rig = with_tasks(state);
    const Zmesos__V1__DaemonStatus *found = status(rig);
    assert_int_equal(found->n_heads, zmesos__v1__event_class__descriptor.n_values);
    assert_int_equal(head_of(found, ZMESOS__V1__EVENT_CLASS__TASK), 7);
    assert_int_equal(head_of(found, ZMESOS__V1__EVENT_CLASS__UPDATE), 1);
    assert_int_equal(head_of(found, ZMESOS__V1__EVENT_CLASS__OFFERS), 1);
    assert_int_equal(head_of(found, ZMESOS__V1__EVENT_CLASS__RESCIND), 0);
    rig_restart(rig);
    found = status(rig);
    assert_int_equal(head_of(found, ZMESOS__V1__EVENT_CLASS__TASK), 7);
    assert_int_equal(head_of(found, ZMESOS__V1__EVENT_CLASS__UPDATE), 1);
    assert_int_equal(head_of(found, ZMESOS__V1__EVENT_CLASS__OFFERS), 0); /* within the run */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(by_id),
            TEST(with_specifications),
            TEST(a_sandbox_is_its_executor_s),
            TEST(specifications_in_a_get_have_a_limit),
            TEST(specifications_on_a_page_have_a_limit),
            TEST(attempts_have_a_limit),
            TEST(a_view_has_it_all),
            TEST(by_filter),
            TEST(in_pages),
            TEST(pages_have_limits),
            TEST(status_says_who_and_where),
            TEST(status_counts_tasks_and_offers),
            TEST(status_has_the_head_of_every_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
