/* Calls that a request asks for as they are: what is checked, what is sent, how each answer is told. */
#include "rig.h"

#include <string.h>

#define OP(name) ZMESOS__V1__REQUEST__OPERATION_##name

static struct rig *ready(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    in_up(rig);
    rig_show(rig, SHOW_CALLS | SHOW_REPLIES);
    return rig;
}

static Zmesos__V1__Executor named(char *task, char *executor, char *agent)
{
    Zmesos__V1__Executor e = ZMESOS__V1__EXECUTOR__INIT;
    e.task_id = task;
    e.executor_id = executor;
    e.agent_id = agent;
    return e;
}

static const char *message(struct rig *rig, Zmesos__V1__Executor *executor, uint8_t *data, size_t size)
{
    Zmesos__V1__Request *request = build_request(rig, OP(MESSAGE));
    request->message->executor = executor;
    request->message->has_data = data != NULL;
    request->message->data.data = data;
    request->message->data.len = size;
    return in_request(rig, request);
}

static const char *shut_down(struct rig *rig, Zmesos__V1__Executor *executor)
{
    Zmesos__V1__Request *request = build_request(rig, OP(SHUTDOWN_EXECUTOR));
    request->shutdown_executor->executor = executor;
    return in_request(rig, request);
}

static char task[] = "a", exec[] = "e", agent[] = "A7", none[] = "nobody";

static void running(struct rig *rig)
{
    unsigned show = rig->show;
    rig->show = 0;
    in_launch(rig, "a cpus 1");
    in_offers(rig, "o1 A7 cpus 1");
    in_answer(rig, "o1", CORE_ACCEPTED, "");
    in_update(rig, "a.1.1 RUNNING by EXECUTOR uuid u1 on A7");
    rig->show = show;
}

static void a_message_is_sent_and_its_answer_is_the_reply(void **state)
{
    struct rig *rig = ready(state);
    Zmesos__V1__Executor to = named(NULL, exec, agent);
    uint8_t data[3] = {0, 1, 2};
    expect(message(rig, &to, data, 3), "CALL MESSAGE e@A7 3 bytes\n");
    expect(in_answer_last(rig, CORE_ACCEPTED, ""), "REPLY 1 OK\n");
    expect(in_answer_last(rig, CORE_ACCEPTED, ""), ""); /* not twice */
    expect(message(rig, &to, data, 0), "CALL MESSAGE e@A7 0 bytes\n");
    expect(in_answer_last(rig, CORE_REFUSED, "no such thing"),
            "REPLY 2 INVALID \"the master refused it: no such thing\"\n");
    message(rig, &to, data, 1);
    expect(in_answer_last(rig, CORE_NOT_DONE, "its subscription is over"),
            "REPLY 3 UNAVAILABLE retry \"it was not sent: its subscription is over\"\n");
    message(rig, &to, data, 1);
    expect(in_answer_last(rig, CORE_UNANSWERED, "cut"),
            "REPLY 4 UNAVAILABLE \"it was sent, and the master did not answer: cut\"\n");
}

static void the_executor_of_a_task(void **state)
{
    struct rig *rig = ready(state);
    running(rig);
    Zmesos__V1__Executor own = named(task, NULL, NULL), other = named(task, exec, NULL);
    expect(shut_down(rig, &own), "CALL SHUTDOWN a.1.1@A7\n");
    expect(in_answer_last(rig, CORE_ACCEPTED, ""), "REPLY 2 OK\n");
    expect(shut_down(rig, &other), "CALL SHUTDOWN e@A7\n");
    in_update(rig, "a.1.1 FAILED by AGENT uuid u2 on A7");
    expect(shut_down(rig, &own),
            "REPLY 4 UNAVAILABLE retry \"it runs nowhere now\" shutdown_executor.executor.task_id\n");
}

/* One of the framework's own has an id of its own, also where the task avoids an agent, and after a restart.
 */
static void the_own_executor_of_a_task(void **state)
{
    struct rig *rig = ready(state);
    unsigned show = rig->show;
    rig->show = 0;
    in_launch(rig, "a cpus 1 exec e1 tries 2 elsewhere yes backoff 0");
    in_offers(rig, "o1 A1 cpus 1");
    in_answer(rig, "o1", CORE_ACCEPTED, "");
    in_update(rig, "a.1.1 FAILED by EXECUTOR uuid u1 on A1");
    in_offers(rig, "o2 A7 cpus 1");
    in_answer(rig, "o2", CORE_ACCEPTED, "");
    in_update(rig, "a.1.2 RUNNING by EXECUTOR uuid u2 on A7");
    rig->show = show;
    Zmesos__V1__Executor own = named(task, NULL, NULL), other = named(task, exec, NULL);
    uint8_t data[1] = {0};
    expect(message(rig, &own, data, 1), "CALL MESSAGE e1@A7 1 bytes\n");
    expect(message(rig, &other, data, 1), "CALL MESSAGE e@A7 1 bytes\n");
    rig_restart(rig);
    rig->show = 0;
    in_up(rig);
    rig->show = show;
    expect(shut_down(rig, &own), "CALL SHUTDOWN e1@A7\n");
}

static void what_is_wrong_with_an_executor(void **state)
{
    struct rig *rig = ready(state);
    static char long_id[257];
    memset(long_id, 'x', 256);
    uint8_t data[1] = {0};
    running(rig);
    in_launch(rig, "b cpus 1");
    static char waits[] = "b", empty[] = "";
    struct {
        Zmesos__V1__Executor executor;
        const char *words;
    } cases[] = {
            {named(NULL, NULL, NULL),
                    "INVALID \"a task is named, or an executor and its agent\" message.executor"},
            {named(NULL, exec, NULL), "INVALID \"its agent is named, or a task\" message.executor.agent_id"},
            {named(NULL, exec, empty), "INVALID \"its agent is named, or a task\" message.executor.agent_id"},
            {named(NULL, empty, agent),
                    "INVALID \"an executor's id has 1 to 255 bytes\" message.executor.executor_id"},
            {named(NULL, long_id, agent),
                    "INVALID \"an executor's id has 1 to 255 bytes\" message.executor.executor_id"},
            {named(none, NULL, NULL), "NOT_FOUND \"no such task\" message.executor.task_id"},
            {named(task, NULL, agent), "INVALID \"the task says on which agent\" message.executor.agent_id"},
            {named(waits, NULL, NULL), "UNAVAILABLE retry \"it runs nowhere now\" message.executor.task_id"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect(message(rig, &cases[i].executor, data, 1),
                words(rig, "REPLY %zu %s\n", i + 3, cases[i].words));
    expect(message(rig, NULL, data, 1),
            words(rig, "REPLY %zu INVALID \"an executor is named\" message.executor\n",
                    sizeof cases / sizeof *cases + 3));
    long_id[255] = 0;
    Zmesos__V1__Executor longest = named(NULL, long_id, agent);
    expect(message(rig, &longest, data, 1), words(rig, "CALL MESSAGE %s@A7 1 bytes\n", long_id));
}

static void a_message_has_a_limit(void **state)
{
    struct rig *rig = ready(state);
    Zmesos__V1__Executor to = named(NULL, exec, agent);
    static uint8_t data[CORE_MESSAGE_MAX + 1];
    expect(message(rig, &to, data, CORE_MESSAGE_MAX), "CALL MESSAGE e@A7 524288 bytes\n");
    expect(message(rig, &to, data, CORE_MESSAGE_MAX + 1), "REPLY 2 TOO_LARGE \"a message has at most 524288 "
                                                          "bytes, and this one has 524289\" message.data\n");
    expect(message(rig, &to, NULL, 0), "REPLY 3 INVALID \"a message has data\" message.data\n");
}

static void nothing_is_asked_without_a_subscription(void **state)
{
    struct rig *rig = ready(state);
    Zmesos__V1__Executor to = named(NULL, exec, agent);
    uint8_t data[1] = {0};
    in_down(rig, "gone");
    expect(message(rig, &to, data, 1), "REPLY 1 UNAVAILABLE retry \"there is no subscription\"\n");
    expect(shut_down(rig, &to), "REPLY 2 UNAVAILABLE retry \"there is no subscription\"\n");
    expect(in_request(rig, build_request(rig, OP(RECONCILE_OPERATIONS))),
            "REPLY 3 UNAVAILABLE retry \"there is no subscription\"\n");
}

static void so_many_may_wait_for_their_answer(void **state)
{
    struct rig *rig = ready(state);
    Zmesos__V1__Executor to = named(NULL, exec, agent);
    uint8_t data[1] = {0};
    rig->unchecked = true;
    for (int i = 0; i < CORE_ASKED_MAX; i++)
        expect(message(rig, &to, data, 1), "CALL MESSAGE e@A7 1 bytes\n");
    expect(message(rig, &to, data, 1),
            "REPLY 1001 UNAVAILABLE retry \"1000 such calls wait for the master's answer\"\n");
    expect(in_answer_last(rig, CORE_ACCEPTED, ""), "REPLY 1000 OK\n");
    expect(message(rig, &to, data, 1), "CALL MESSAGE e@A7 1 bytes\n");
}

static void the_reply_has_the_requests_id(void **state)
{
    struct rig *rig = ready(state);
    Zmesos__V1__Request *request = build_request(rig, OP(RECONCILE_OPERATIONS));
    static char id[] = "my-7";
    request->id = id;
    expect(in_request(rig, request), "CALL RECONCILE_OPERATIONS\n");
    in_answer_last(rig, CORE_ACCEPTED, "");
    assert_string_equal(rig->out.items[0].reply.reply->id, "my-7");
}

static void wishes_for_resources(void **state)
{
    struct rig *rig = ready(state);
    Zmesos__V1__Request *request = build_request(rig, OP(REQUEST_RESOURCES));
    expect(in_request(rig, request),
            "REPLY 1 INVALID \"there are 1 to 1000 of them\" request_resources.requests\n");
    static Mesos__V1__Request wish;
    static Mesos__V1__Request *wishes[CORE_ASKED_MAX + 1];
    mesos__v1__request__init(&wish);
    for (size_t i = 0; i <= CORE_ASKED_MAX; i++)
        wishes[i] = &wish;
    request = build_request(rig, OP(REQUEST_RESOURCES));
    request->request_resources->requests = wishes;
    request->request_resources->n_requests = CORE_ASKED_MAX;
    expect(in_request(rig, request), "CALL REQUEST 1000 wishes\n");
    request = build_request(rig, OP(REQUEST_RESOURCES));
    request->request_resources->requests = wishes;
    request->request_resources->n_requests = CORE_ASKED_MAX + 1;
    expect(in_request(rig, request),
            "REPLY 3 TOO_LARGE \"there are 1 to 1000 of them\" request_resources.requests\n");
}

static void operations_are_asked_about(void **state)
{
    struct rig *rig = ready(state);
    Zmesos__V1__ReconcileOperations__Operation first = ZMESOS__V1__RECONCILE_OPERATIONS__OPERATION__INIT,
                                               second = first;
    static char id1[] = "op1", id2[] = "op2", provider[] = "p";
    Zmesos__V1__ReconcileOperations__Operation *both[] = {&first, &second};
    first.operation_id = id1;
    first.agent_id = agent;
    first.resource_provider_id = provider;
    Zmesos__V1__Request *request = build_request(rig, OP(RECONCILE_OPERATIONS));
    request->reconcile_operations->operations = both;
    request->reconcile_operations->n_operations = 2;
    expect(in_request(rig, request),
            "REPLY 1 INVALID \"an operation is named\" reconcile_operations.operations[1].operation_id\n");
    second.operation_id = id2;
    request = build_request(rig, OP(RECONCILE_OPERATIONS));
    request->reconcile_operations->operations = both;
    request->reconcile_operations->n_operations = 2;
    expect(in_request(rig, request), "CALL RECONCILE_OPERATIONS op1@A7/p op2@nowhere/-\n");
    expect(in_answer_last(rig, CORE_ACCEPTED, ""), "REPLY 2 OK\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(a_message_is_sent_and_its_answer_is_the_reply),
            TEST(the_executor_of_a_task),
            TEST(the_own_executor_of_a_task),
            TEST(what_is_wrong_with_an_executor),
            TEST(a_message_has_a_limit),
            TEST(nothing_is_asked_without_a_subscription),
            TEST(so_many_may_wait_for_their_answer),
            TEST(the_reply_has_the_requests_id),
            TEST(wishes_for_resources),
            TEST(operations_are_asked_about),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
