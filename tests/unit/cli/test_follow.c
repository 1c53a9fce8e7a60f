/* Following tasks: nothing is missed, nothing is told twice or backwards, and signals mean the tasks. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "follow.h"
#include "format.h"
#include "server.h"

#define NEVER_MS 3600000 /* asking without a reason is not what the test lives from */
#define AGAIN_MS 1000    /* what was lost with a daemon is asked again */
#define STATE(name) ZMESOS__V1__TASK_STATE__##name

/* What follow told. */
struct told {
    int64_t ask_ms;  /* for struct follow_callbacks */
    int64_t wait_ms; /* for an answer; 0: as long as it takes, so that each question is asked once */
    char text[1024]; /* the states, or -id for a missing one, each with a blank behind it */
    size_t changes;
    int signals, obey; /* so many signals ask the task to end; the next leaves */
};

static void handle_changed(void *context, const Zmesos__V1__Task *task)
{
    struct told *told = context;
    size_t used = strlen(told->text);

    told->changes++;
    snprintf(told->text + used, sizeof told->text - used, "%s ", format_state(true, task->state));
}

static void handle_missing(void *context, const char *id)
{
    struct told *told = context;
    size_t used = strlen(told->text);

    snprintf(told->text + used, sizeof told->text - used, "-%s ", id);
}

static bool handle_interrupt(void *context, int signal)
{
    struct told *told = context;

    assert_int_equal(signal, SIGINT);
    return ++told->signals <= told->obey;
}

static int follow_ids(
        struct server *server, char *const *ids, size_t count, struct told *told, bool with_signals)
{
    struct follow_callbacks callbacks = {.context = told,
            .ask_ms = told->ask_ms,
            .changed = handle_changed,
            .missing = handle_missing,
            .interrupted = handle_interrupt};
    struct settings settings = server_settings(server, told->wait_ms ? told->wait_ms : NEVER_MS);
    struct client *client;
    struct follow *follow;
    struct error err;
    int rc;

    assert_int_equal(client_create(&settings, &client, &err), 0);
    assert_int_equal(follow_create(&settings, client, ids, count, &callbacks, &follow, &err), 0);
    if (with_signals)
        assert_int_equal(follow_signals(follow, &err), 0);
    rc = follow_run(follow, &err);
    if (rc < 0)
        fail_msg("%s", err.text);
    follow_destroy(follow);
    client_destroy(client);
    return rc;
}

static int follow_one(struct server *server, struct told *told, bool with_signals)
{
    char id[] = "one";
    char *ids[] = {id};

    return follow_ids(server, ids, 1, told, with_signals);
}

/* The second question comes once the subscription is in effect: all later events arrive. */
static void tell_by_events(
        struct server *server, front_token token, const Zmesos__V1__Request *request, struct slice bytes)
{
    (void)bytes;
    server_reply_tasks(server, token, request, STATE(QUEUED), 1);
    if (server->requests == 1) {
        server_publish(server, "one", STATE(STAGING), 2);
        server_publish(server, "two", STATE(FAILED), 2);
        server_publish(server, "one", STATE(RUNNING), 3);
        server_publish(server, "one", STATE(RUNNING), 4);
        server_publish(server, "one", STATE(FINISHED), 5);
    }
}

static void test_events_tell(void **state)
{
    struct server server = {.handle = tell_by_events, .heartbeats = true};
    struct told told = {.ask_ms = NEVER_MS};

    (void)state;
    server_start(&server);
    assert_int_equal(follow_one(&server, &told, false), 0);
    server_stop(&server);
    assert_string_equal(told.text, "QUEUED STAGING RUNNING FINISHED ");
    assert_int_equal(server.requests, 2);
}

/* Queued again it is not over; and an attempt is told though the one before was lost in the same state. */
static void tell_attempts(
        struct server *server, front_token token, const Zmesos__V1__Request *request, struct slice bytes)
{
    (void)bytes;
    server_reply_tasks(server, token, request, STATE(QUEUED), 1);
    if (server->requests == 1) {
        server_publish_attempt(server, "one", STATE(RUNNING), 2, 1);
        server_publish_attempt(server, "one", STATE(QUEUED), 3, 1);
        server_publish_attempt(server, "one", STATE(RUNNING), 4, 2);
        server_publish_attempt(server, "one", STATE(RUNNING), 6, 3);
        server_publish_attempt(server, "one", STATE(RUNNING), 7, 3);
        server_publish_attempt(server, "one", STATE(FINISHED), 8, 3);
    }
}

static void test_attempts_are_followed(void **state)
{
    struct server server = {.handle = tell_attempts, .heartbeats = true};
    struct told told = {.ask_ms = NEVER_MS};

    (void)state;
    server_start(&server);
    assert_int_equal(follow_one(&server, &told, false), 0);
    server_stop(&server);
    assert_string_equal(told.text, "QUEUED RUNNING QUEUED RUNNING RUNNING FINISHED ");
}

/* What happened before the subscription is told by the answer to the second question. */
static void tell_by_answers(
        struct server *server, front_token token, const Zmesos__V1__Request *request, struct slice bytes)
{
    (void)bytes;
    if (server->requests == 0)
        server_reply_tasks(server, token, request, STATE(RUNNING), 3);
    else
        server_reply_tasks(server, token, request, STATE(FAILED), 4);
}

static void test_answers_tell(void **state)
{
    struct server server = {.handle = tell_by_answers, .heartbeats = true};
    struct told told = {.ask_ms = NEVER_MS};

    (void)state;
    server_start(&server);
    assert_int_equal(follow_one(&server, &told, false), 0);
    server_stop(&server);
    assert_string_equal(told.text, "RUNNING FAILED ");
}

/* Without any event, asking now and then is what is left. */
static void test_asking_again_tells(void **state)
{
    struct server server = {.handle = tell_by_answers};
    struct told told = {.ask_ms = 10};

    (void)state;
    server_start(&server);
    assert_int_equal(follow_one(&server, &told, false), 0);
    server_stop(&server);
    assert_string_equal(told.text, "RUNNING FAILED ");
}

/* Events that an answer has overtaken. */
static void tell_backwards(
        struct server *server, front_token token, const Zmesos__V1__Request *request, struct slice bytes)
{
    (void)bytes;
    if (server->requests == 0) {
        server_reply_tasks(server, token, request, STATE(RUNNING), 5);
    } else {
        server_publish(server, "one", STATE(STAGING), 3);
        server_publish(server, "one", STATE(STARTING), 4);
        server_publish(server, "one", STATE(RUNNING), 5);
        server_reply_tasks(server, token, request, STATE(RUNNING), 5);
        server_publish(server, "one", STATE(KILLED), 6);
    }
}

static void test_old_news_are_none(void **state)
{
    struct server server = {.handle = tell_backwards, .heartbeats = true};
    struct told told = {.ask_ms = NEVER_MS};

    (void)state;
    server_start(&server);
    assert_int_equal(follow_one(&server, &told, false), 0);
    server_stop(&server);
    assert_string_equal(told.text, "RUNNING KILLED ");
}

static void tell_missing(
        struct server *server, front_token token, const Zmesos__V1__Request *request, struct slice bytes)
{
    Zmesos__V1__Reply reply = ZMESOS__V1__REPLY__INIT;
    Zmesos__V1__Tasks tasks = ZMESOS__V1__TASKS__INIT;

    (void)bytes;
    tasks.n_missing = request->get->n_task_ids;
    tasks.missing = request->get->task_ids;
    reply.result_case = ZMESOS__V1__REPLY__RESULT_TASKS;
    reply.tasks = &tasks;
    server_reply(server, token, request, &reply);
}

static void test_a_missing_task_is_told(void **state)
{
    struct server server = {.handle = tell_missing};
    struct told told = {.ask_ms = NEVER_MS};

    (void)state;
    server_start(&server);
    assert_int_equal(follow_one(&server, &told, false), 0);
    server_stop(&server);
    assert_string_equal(told.text, "-one ");
}

static void tell_all_over(
        struct server *server, front_token token, const Zmesos__V1__Request *request, struct slice bytes)
{
    (void)bytes;
    assert_true(request->get->n_task_ids <= 1000);
    server_reply_tasks(server, token, request, STATE(KILLED), 7);
}

static void test_many_are_asked_for_in_portions(void **state)
{
    enum { COUNT = 2500 };
    struct server server = {.handle = tell_all_over, .heartbeats = true};
    struct told told = {.ask_ms = NEVER_MS};
    char **ids = alloc_zeroed(COUNT + 1, sizeof *ids);
    int i;

    (void)state;
    for (i = 0; i < COUNT; i++) {
        ids[i] = alloc_bytes(16);
        snprintf(ids[i], 16, "task%d", i);
    }
    ids[COUNT] = ids[0]; /* twice in the list, once in the count */
    server_start(&server);
    assert_int_equal(follow_ids(&server, ids, COUNT + 1, &told, false), 0);
    server_stop(&server);
    assert_int_equal(told.changes, COUNT);
    assert_true(server.requests >= 3);
    for (i = 0; i < COUNT; i++)
        free(ids[i]);
    free(ids);
}

/* A Ctrl-C while the task runs; the request to end it is answered, and the end is an event. */
static void end_when_asked(
        struct server *server, front_token token, const Zmesos__V1__Request *request, struct slice bytes)
{
    Zmesos__V1__Reply reply = ZMESOS__V1__REPLY__INIT;

    (void)bytes;
    if (request->operation_case == ZMESOS__V1__REQUEST__OPERATION_GET) {
        server_reply_tasks(server, token, request, STATE(RUNNING), 2);
        if (server->requests == 1)
            kill(getpid(), SIGINT);
        return;
    }
    assert_int_equal(request->operation_case, ZMESOS__V1__REQUEST__OPERATION_KILL);
    assert_int_equal(request->kill->n_task_ids, 1);
    assert_string_equal(request->kill->task_ids[0], "one");
    server_reply(server, token, request, &reply);
    server_publish(server, "one", STATE(KILLING), 3);
    server_publish(server, "one", STATE(KILLED), 4);
}

static void test_a_signal_asks_the_task_to_end(void **state)
{
    struct server server = {.handle = end_when_asked, .heartbeats = true};
    struct told told = {.ask_ms = NEVER_MS, .obey = 1};

    (void)state;
    server_start(&server);
    assert_int_equal(follow_one(&server, &told, true), 0);
    server_stop(&server);
    assert_string_equal(told.text, "RUNNING KILLING KILLED ");
    assert_int_equal(told.signals, 1);
}

/* The kill is answered, the task goes on: the second signal leaves it. */
static void refuse_to_end(
        struct server *server, front_token token, const Zmesos__V1__Request *request, struct slice bytes)
{
    Zmesos__V1__Reply reply = ZMESOS__V1__REPLY__INIT;

    (void)bytes;
    if (request->operation_case == ZMESOS__V1__REQUEST__OPERATION_GET) {
        server_reply_tasks(server, token, request, STATE(RUNNING), 2);
        if (server->requests == 0)
            kill(getpid(), SIGINT);
        return;
    }
    server_reply(server, token, request, &reply);
    kill(getpid(), SIGINT);
}

static void test_a_second_signal_leaves(void **state)
{
    struct server server = {.handle = refuse_to_end};
    struct told told = {.ask_ms = NEVER_MS, .obey = 1};

    (void)state;
    server_start(&server);
    assert_int_equal(follow_one(&server, &told, true), 1);
    server_stop(&server);
    assert_int_equal(told.signals, 2);
}

/* The daemon goes away and comes back; the task ended in between, and no event tells. */
static void run_for_ever(
        struct server *server, front_token token, const Zmesos__V1__Request *request, struct slice bytes)
{
    (void)bytes;
    server_reply_tasks(server, token, request, STATE(RUNNING), 2);
}

static void *restart(void *context)
{
    struct server *server = context;

    while (server->requests < 2)
        usleep(1000);
    server_stop(server);
    server->handle = tell_all_over;
    server_start(server);
    return NULL;
}

static void test_a_restart_is_survived(void **state)
{
    struct server server = {.handle = run_for_ever, .heartbeats = true};
    struct told told = {.ask_ms = NEVER_MS, .wait_ms = AGAIN_MS};
    pthread_t restarter;

    (void)state;
    server_keep_ports(&server);
    server_start(&server);
    assert_int_equal(pthread_create(&restarter, NULL, restart, &server), 0);
    assert_int_equal(follow_one(&server, &told, false), 0);
    pthread_join(restarter, NULL);
    server_stop(&server);
    server_release_ports(&server);
    assert_string_equal(told.text, "RUNNING KILLED ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_events_tell),
            cmocka_unit_test(test_attempts_are_followed),
            cmocka_unit_test(test_answers_tell),
            cmocka_unit_test(test_asking_again_tells),
            cmocka_unit_test(test_old_news_are_none),
            cmocka_unit_test(test_a_missing_task_is_told),
            cmocka_unit_test(test_many_are_asked_for_in_portions),
            cmocka_unit_test(test_a_signal_asks_the_task_to_end),
            cmocka_unit_test(test_a_second_signal_leaves),
            cmocka_unit_test(test_a_restart_is_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
