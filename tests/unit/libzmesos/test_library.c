/* libzmesos, when all is well and when the other side is not what it should be. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server.h"
#include "zmesos.h"

#define TIMEOUT_MS 60000 /* of what is to come */

static struct zmesos_client *client_of(const struct server *server, int64_t timeout_ms)
{
    struct zmesos_client *client = NULL;
    struct zmesos_error error;

    if (zmesos_client_create(server->pipeline, &client, &error) < 0)
        fail_msg("%s", error.text);
    zmesos_client_set_timeout(client, timeout_ms);
    return client;
}

static bool is(const Zmesos__V1__Request *request, Zmesos__V1__Request__OperationCase operation)
{
    return request->operation_case == operation;
}

#define LAUNCH ZMESOS__V1__REQUEST__OPERATION_LAUNCH
#define KILL ZMESOS__V1__REQUEST__OPERATION_KILL
#define GET ZMESOS__V1__REQUEST__OPERATION_GET

/* ---- tasks ---- */

/* Answers a launch, a kill and a get of "known" as the daemon would, and refuses all others. */
static void answer(
        struct server *server, front_token token, const Zmesos__V1__Request *request, struct slice bytes)
{
    Zmesos__V1__Reply reply = ZMESOS__V1__REPLY__INIT;
    Zmesos__V1__Items items = ZMESOS__V1__ITEMS__INIT;
    Zmesos__V1__Item item = ZMESOS__V1__ITEM__INIT, *all[] = {&item};
    Zmesos__V1__Tasks none = ZMESOS__V1__TASKS__INIT;
    const char *id = is(request, LAUNCH) ? request->launch->tasks[0]->id
                     : is(request, KILL) ? request->kill->task_ids[0]
                                         : request->get->task_ids[0];
    bool known = strcmp(id, "known") == 0;

    (void)bytes;
    if (is(request, GET) && known) {
        server_reply_tasks(server, token, request, ZMESOS__V1__TASK_STATE__RUNNING, 7);
        return;
    }
    if (is(request, GET)) {
        reply.result_case = ZMESOS__V1__REPLY__RESULT_TASKS;
        reply.tasks = &none;
        server_reply(server, token, request, &reply);
        return;
    }
    item.has_code = 1;
    item.code = known ? ZMESOS__V1__CODE__OK : ZMESOS__V1__CODE__CONFLICT;
    item.message = known ? NULL : (char *)(uintptr_t) "another one";
    item.field = known ? NULL : (char *)(uintptr_t) "launch.tasks[0].id";
    items.n_items = 1;
    items.items = all;
    reply.result_case = ZMESOS__V1__REPLY__RESULT_ITEMS;
    reply.items = &items;
    server_reply(server, token, request, &reply);
}

static void a_task(void **state)
{
    struct server server = {.handle = answer};
    struct zmesos_task task;
    struct zmesos_error error;
    struct zmesos_client *client;

    (void)state;
    server_start(&server);
    client = client_of(&server, TIMEOUT_MS);
    assert_int_equal(zmesos_launch(client, "known", "true", 0.1, 32, &error), ZMESOS_OK);
    assert_int_equal(zmesos_kill(client, "known", &error), ZMESOS_OK);
    assert_int_equal(zmesos_get(client, "known", &task, &error), ZMESOS_OK);
    assert_string_equal(task.id, "known");
    assert_int_equal(task.state, ZMESOS_RUNNING);
    assert_int_equal(task.revision, 7);
    assert_string_equal(task.message, "");
    assert_int_equal(zmesos_launch(client, "other", "true", 0.1, 32, &error), ZMESOS_CONFLICT);
    assert_string_equal(error.text, "another one");
    assert_string_equal(error.field, "launch.tasks[0].id");
    assert_int_equal(zmesos_kill(client, "other", NULL), ZMESOS_CONFLICT);
    assert_int_equal(zmesos_get(client, "other", &task, &error), ZMESOS_NOT_FOUND);
    assert_string_equal(error.text, "there is no task other");
    zmesos_client_destroy(client);
    server_stop(&server);
}

static void answer_nothing_of_use(
        struct server *server, front_token token, const Zmesos__V1__Request *request, struct slice bytes)
{
    Zmesos__V1__Reply reply = ZMESOS__V1__REPLY__INIT;
    Zmesos__V1__Items items = ZMESOS__V1__ITEMS__INIT;

    (void)bytes;
    if (is(request, KILL)) {
        front_reply(server->front, token, slice_of_string("\xff\xff"));
        return;
    }
    if (is(request, LAUNCH)) {
        reply.result_case = ZMESOS__V1__REPLY__RESULT_ITEMS;
        reply.items = &items;
    }
    server_reply(server, token, request, &reply);
}

static void answers_that_are_none(void **state)
{
    struct server server = {.handle = answer_nothing_of_use};
    struct zmesos_task task;
    struct zmesos_error error;
    struct zmesos_client *client;

    (void)state;
    server_start(&server);
    client = client_of(&server, TIMEOUT_MS);
    assert_int_equal(zmesos_launch(client, "a", "true", 0.1, 32, &error), ZMESOS_MALFORMED);
    assert_int_equal(zmesos_kill(client, "a", &error), ZMESOS_MALFORMED);
    assert_int_equal(zmesos_get(client, "a", &task, &error), ZMESOS_MALFORMED);
    assert_string_equal(error.text, "the answer is one to something else");
    zmesos_client_destroy(client);
    server_stop(&server);
}

/* ---- requests ---- */

static void never_answer(
        struct server *server, front_token token, const Zmesos__V1__Request *request, struct slice bytes)
{
    (void)server, (void)token, (void)request, (void)bytes;
}

/* ctest has a limit. */
static void wait_connected(struct zmesos_client *client)
{
    while (zmesos_client_link(client) == ZMESOS_LINK_NEVER)
        usleep(1000);
}

static void nobody_answers(void **state)
{
    struct server server = {.handle = never_answer};
    struct zmesos_task task;
    struct zmesos_error error;
    struct zmesos_client *client;

    (void)state;
    server_start(&server);
    client = client_of(&server, 1500);
    wait_connected(client);
    assert_int_equal(zmesos_get(client, "a", &task, &error), ZMESOS_UNAVAILABLE);
    assert_non_null(strstr(error.text, " is there, and gave no answer in 1.5 s"));
    assert_int_equal(zmesos_client_link(client), ZMESOS_LINK_UP);
    zmesos_client_destroy(client);
    server_stop(&server);
}

static void nobody_is_there(void **state)
{
    struct zmesos_client *client = NULL;
    struct zmesos_task task;
    struct zmesos_error error;

    (void)state;
    assert_int_equal(zmesos_client_create("ipc:///nonexistent/zmesos", &client, &error), ZMESOS_OK);
    zmesos_client_set_timeout(client, 100);
    assert_int_equal(zmesos_get(client, "a", &task, &error), ZMESOS_UNAVAILABLE);
    assert_non_null(strstr(error.text, "is it running?"));
    assert_int_equal(zmesos_client_link(client), ZMESOS_LINK_NEVER);
    zmesos_client_destroy(client);
    client = NULL;
    assert_int_equal(zmesos_client_create("nowhere", &client, &error), ZMESOS_INVALID);
    assert_null(client);
    assert_int_equal(zmesos_client_create("nowhere", &client, NULL), ZMESOS_INVALID);
    zmesos_client_destroy(NULL);
    zmesos_events_destroy(NULL);
}

static void at_the_limit_and_past_it(void **state)
{
    struct server server = {.handle = never_answer};
    uint8_t *bytes = calloc(1, ZMESOS_REQUEST_MAX + 1);
    const void *reply = NULL;
    size_t size = 0;
    struct zmesos_error error;
    struct zmesos_client *client;

    (void)state;
    server_start(&server);
    client = client_of(&server, TIMEOUT_MS);
    assert_int_equal(
            zmesos_call(client, bytes, ZMESOS_REQUEST_MAX + 1, &reply, &size, &error), ZMESOS_TOO_LARGE);
    assert_int_equal(zmesos_send(client, bytes, ZMESOS_REQUEST_MAX + 1, &error), ZMESOS_TOO_LARGE);
    assert_int_equal(zmesos_call(client, bytes, ZMESOS_REQUEST_MAX, &reply, &size, &error), ZMESOS_OK);
    assert_true(size > 0); /* the daemon's own refusal of what is no request */
    zmesos_client_destroy(client);
    free(bytes);
    server_stop(&server);
}

/* ---- events ---- */

static void events_come(void **state)
{
    struct server server = {.handle = never_answer, .heartbeats = true};
    struct zmesos_events *events = NULL;
    struct zmesos_event event;
    struct zmesos_task task;
    struct zmesos_error error;
    uint64_t last;

    (void)state;
    server_start(&server);
    assert_int_equal(zmesos_events_create(server.events, &events, &error), ZMESOS_OK);
    assert_int_equal(zmesos_events_receive(events, 0, &event, &error), 0); /* of nothing */
    assert_int_equal(zmesos_events_subscribe(events, "zmesos/", &error), ZMESOS_OK);
    assert_int_equal(zmesos_events_receive(events, TIMEOUT_MS, &event, &error), 1);
    assert_string_equal(event.topic, "zmesos/HEARTBEAT");
    assert_int_equal(event.event_class, ZMESOS__V1__EVENT_CLASS__DAEMON);
    assert_int_equal(zmesos_event_task(&event, &task, &error), ZMESOS_INVALID);
    last = event.number;
    assert_int_equal(zmesos_events_receive(events, -1, &event, &error), 1);
    assert_true(event.number > last);
    assert_true(event.header_size > 0);
    assert_string_equal(event.store, "");
    while (zmesos_events_link(events) == ZMESOS_LINK_NEVER) /* the word of the connection may come later */
        usleep(1000);
    assert_int_equal(zmesos_events_link(events), ZMESOS_LINK_UP);
    server_stop(&server);
    while (zmesos_events_link(events) != ZMESOS_LINK_LOST) /* the end of the connection comes when it comes */
        usleep(1000);
    while (zmesos_events_receive(events, 0, &event, &error) == 1)
        ;
    assert_int_equal(zmesos_events_receive(events, 50, &event, &error), 0); /* nobody is there any more */
    assert_int_equal(zmesos_events_link(events), ZMESOS_LINK_UP);           /* told once */
    zmesos_events_destroy(events);
}

/* The server publishes from its own thread, on a request. */
static void publish(
        struct server *server, front_token token, const Zmesos__V1__Request *request, struct slice bytes)
{
    Zmesos__V1__Reply reply = ZMESOS__V1__REPLY__INIT;

    (void)bytes;
    server_publish(server, "t", ZMESOS__V1__TASK_STATE__FINISHED, 3);
    server_reply(server, token, request, &reply);
}

static void a_tasks_events(void **state)
{
    struct server server = {.handle = publish, .heartbeats = true};
    struct zmesos_events *events = NULL;
    struct zmesos_client *client;
    struct zmesos_event event;
    struct zmesos_task task;
    struct zmesos_error error;

    (void)state;
    server_start(&server);
    client = client_of(&server, TIMEOUT_MS);
    assert_int_equal(zmesos_events_create(server.events, &events, &error), ZMESOS_OK);
    assert_int_equal(zmesos_events_subscribe(events, "", &error), ZMESOS_OK);
    assert_int_equal(
            zmesos_events_receive(events, TIMEOUT_MS, &event, &error), 1); /* the subscription is there */
    (void)zmesos_kill(client, "t", NULL);
    do
        assert_int_equal(zmesos_events_receive(events, TIMEOUT_MS, &event, &error), 1);
    while (strncmp(event.topic, "zmesos/", 7) == 0);
    assert_string_equal(event.topic, "task/t/FINISHED");
    assert_int_equal(zmesos_event_task(&event, &task, &error), ZMESOS_OK);
    assert_string_equal(task.id, "t");
    assert_true(zmesos_is_over(task.state));
    assert_string_equal(zmesos_state_name(task.state), "FINISHED");
    assert_int_equal(task.revision, 3);
    zmesos_events_destroy(events);
    zmesos_client_destroy(client);
    server_stop(&server);
}

static void names(void **state)
{
    (void)state;
    assert_string_equal(zmesos_state_name(ZMESOS_QUEUED), "QUEUED");
    assert_string_equal(zmesos_state_name((enum zmesos_state)99), "");
    assert_false(zmesos_is_over(ZMESOS_UNKNOWN));
    assert_true(zmesos_is_over(ZMESOS_LOST));
    assert_string_equal(zmesos_version(), ZMESOS_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_task),
            cmocka_unit_test(answers_that_are_none),
            cmocka_unit_test(nobody_answers),
            cmocka_unit_test(nobody_is_there),
            cmocka_unit_test(at_the_limit_and_past_it),
            cmocka_unit_test(events_come),
            cmocka_unit_test(a_tasks_events),
            cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
