/* Requests and replies, when all is well and when not. */
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/blob.h"
#include "client.h"
#include "server.h"

#define PATIENCE_MS 60000 /* for what is to be answered */

/* A thread for which this is set does not sleep: instead the clock of the program jumps. What is left of its
 * time is the other side's, however busy the machine is. */
static _Thread_local bool time_flies;
static atomic_llong ahead_ns;

int nanosleep(const struct timespec *time, struct timespec *left)
{
    if (!time_flies)
        return (int)syscall(SYS_nanosleep, time, left);
    ahead_ns += time->tv_sec * 1000000000LL + time->tv_nsec;
    return 0;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int rc = (int)syscall(SYS_clock_gettime, clock, now);
    long long ns = now->tv_nsec + ahead_ns;

    now->tv_sec += ns / 1000000000;
    now->tv_nsec = ns % 1000000000;
    return rc;
}

static void ping(Zmesos__V1__Request *request)
{
    static Zmesos__V1__Ping nothing = ZMESOS__V1__PING__INIT;

    zmesos__v1__request__init(request);
    request->operation_case = ZMESOS__V1__REQUEST__OPERATION_PING;
    request->ping = &nothing;
}

/* Calls once. Returns the code of client_call(); *code is that of the reply. */
static int call(const struct settings *settings, Zmesos__V1__Code *code, struct error *err)
{
    struct client *client;
    Zmesos__V1__Request request;
    Zmesos__V1__Reply *reply = NULL;
    int rc;

    ping(&request);
    assert_int_equal(client_create(settings, &client, err), 0);
    rc = client_call(client, &request, &reply, err);
    if (rc == 0) {
        *code = reply->code;
        zmesos__v1__reply__free_unpacked(reply, NULL);
    } else {
        assert_null(reply);
    }
    client_destroy(client);
    return rc;
}

/* What the handlers below remember. */
struct memory {
    struct blob *seen[16];
    int count;
    int fail; /* so many requests first */
};

static void remember(struct server *server, struct slice bytes)
{
    struct memory *memory = server->context;

    assert_true(memory->count < 16);
    memory->seen[memory->count++] = blob_create(bytes.data, bytes.length);
}

static void answer_ok(
        struct server *server, front_token token, const Zmesos__V1__Request *request, struct slice bytes)
{
    Zmesos__V1__Reply reply = ZMESOS__V1__REPLY__INIT;

    (void)bytes;
    server_reply(server, token, request, &reply);
}

static void answer_later(
        struct server *server, front_token token, const Zmesos__V1__Request *request, struct slice bytes)
{
    struct memory *memory = server->context;

    remember(server, bytes);
    if (memory->count > memory->fail)
        answer_ok(server, token, request, bytes);
}

static void answer_unavailable(
        struct server *server, front_token token, const Zmesos__V1__Request *request, struct slice bytes)
{
    struct memory *memory = server->context;
    Zmesos__V1__Reply reply = ZMESOS__V1__REPLY__INIT;

    remember(server, bytes);
    if (memory->count > memory->fail) {
        answer_ok(server, token, request, bytes);
        return;
    }
    reply.code = ZMESOS__V1__CODE__UNAVAILABLE;
    reply.has_retry = reply.retry = 1;
    server_reply(server, token, request, &reply);
}

static void answer_garbage(
        struct server *server, front_token token, const Zmesos__V1__Request *request, struct slice bytes)
{
    (void)request;
    (void)bytes;
    front_reply(server->front, token, slice_of("\xff\xff", 2));
}

static void answer_another(
        struct server *server, front_token token, const Zmesos__V1__Request *request, struct slice bytes)
{
    static char id[] = "another";
    Zmesos__V1__Request other = *request;
    Zmesos__V1__Reply reply = ZMESOS__V1__REPLY__INIT;

    (void)bytes;
    other.id = id;
    server_reply(server, token, &other, &reply);
}

static void forget(struct memory *memory)
{
    while (memory->count)
        blob_unref(memory->seen[--memory->count]);
}

static void test_a_call_is_answered(void **state)
{
    struct server server = {.handle = answer_ok};
    struct settings settings;
    Zmesos__V1__Code code = ZMESOS__V1__CODE__INVALID;
    struct error err;

    (void)state;
    server_start(&server);
    settings = server_settings(&server, PATIENCE_MS);
    assert_int_equal(call(&settings, &code, &err), 0);
    assert_int_equal(code, ZMESOS__V1__CODE__OK);
    settings.control = server.control;
    assert_int_equal(call(&settings, &code, &err), 0);
    server_stop(&server);
}

static void test_one_client_calls_often(void **state)
{
    struct server server = {.handle = answer_ok};
    struct settings settings;
    struct client *client;
    Zmesos__V1__Request request;
    Zmesos__V1__Reply *reply;
    struct error err;
    int i;

    (void)state;
    server_start(&server);
    settings = server_settings(&server, PATIENCE_MS);
    assert_int_equal(client_create(&settings, &client, &err), 0);
    for (i = 0; i < 100; i++) {
        ping(&request);
        assert_int_equal(client_call(client, &request, &reply, &err), 0);
        zmesos__v1__reply__free_unpacked(reply, NULL);
    }
    client_destroy(client);
    server_stop(&server);
    assert_int_equal(server.requests, 100);
}

/* The first is never answered: the second is the same, byte for byte, and comes when a quarter of the time
 * has passed; so do the third and the fourth where it is late. */
static void test_a_lost_reply_is_asked_for_again(void **state)
{
    struct memory memory = {.fail = 1};
    struct server server = {.handle = answer_later, .context = &memory};
    struct settings settings;
    Zmesos__V1__Code code = ZMESOS__V1__CODE__INVALID;
    struct error err;

    (void)state;
    server_start(&server);
    settings = server_settings(&server, 32000);
    assert_int_equal(call(&settings, &code, &err), 0);
    assert_int_equal(code, ZMESOS__V1__CODE__OK);
    server_stop(&server);
    assert_in_range(memory.count, 2, 4);
    for (int i = 1; i < memory.count; i++)
        assert_true(slice_equal(blob_slice(memory.seen[0]), blob_slice(memory.seen[i])));
    forget(&memory);
}

static void test_unavailable_is_tried_again(void **state)
{
    struct memory memory = {.fail = 2};
    struct server server = {.handle = answer_unavailable, .context = &memory};
    struct settings settings;
    Zmesos__V1__Code code = ZMESOS__V1__CODE__INVALID;
    struct error err;

    (void)state;
    server_start(&server);
    settings = server_settings(&server, PATIENCE_MS);
    assert_int_equal(call(&settings, &code, &err), 0);
    assert_int_equal(code, ZMESOS__V1__CODE__OK);
    assert_int_equal(memory.count, 3);
    forget(&memory);

    /* The pause doubles: the last request goes out after 25.4 seconds. */
    memory.fail = 16;
    settings.timeout_ms = 50000;
    time_flies = true;
    assert_int_equal(call(&settings, &code, &err), 0);
    time_flies = false;
    assert_int_equal(code, ZMESOS__V1__CODE__UNAVAILABLE);
    server_stop(&server);
    assert_true(memory.count > 1);
    forget(&memory);
}

static void test_nobody_is_there(void **state)
{
    struct server server = {.handle = answer_ok};
    struct settings settings;
    Zmesos__V1__Code code;
    struct error err;

    (void)state;
    server_keep_ports(&server);
    settings = server_settings(&server, 300);
    assert_int_equal(call(&settings, &code, &err), ERR_UNAVAILABLE);
    assert_non_null(strstr(err.text, "cannot connect"));
    assert_non_null(strstr(err.text, server.pipeline));
    server_release_ports(&server);
}

/* The answer may overtake the word of the connection. ctest has a limit. */
static void wait_connected(struct client *client)
{
    while (client_link(client) == CLIENT_NEVER)
        usleep(1000);
}

static void test_somebody_is_there_and_silent(void **state)
{
    struct memory memory = {.fail = 16};
    struct server server = {.handle = answer_later, .context = &memory};
    struct settings settings;
    struct client *client;
    Zmesos__V1__Request request;
    Zmesos__V1__Reply *reply = NULL;
    struct error err;

    (void)state;
    server_start(&server);
    settings = server_settings(&server, 1000);
    assert_int_equal(client_create(&settings, &client, &err), 0);
    wait_connected(client);
    ping(&request);
    assert_int_equal(client_call(client, &request, &reply, &err), ERR_UNAVAILABLE);
    assert_null(reply);
    assert_non_null(strstr(err.text, "no answer"));
    client_destroy(client);
    server_stop(&server);
    forget(&memory);
}

static void test_answers_that_are_none(void **state)
{
    struct server server = {.handle = answer_garbage};
    struct settings settings;
    Zmesos__V1__Code code;
    struct error err;

    (void)state;
    server_keep_ports(&server);
    server_start(&server);
    settings = server_settings(&server, PATIENCE_MS);
    assert_int_equal(call(&settings, &code, &err), ERR_MALFORMED);
    assert_non_null(strstr(err.text, server.pipeline));
    server_stop(&server);
    server.handle = answer_another;
    server_start(&server);
    assert_int_equal(call(&settings, &code, &err), ERR_MALFORMED);
    assert_non_null(strstr(err.text, "another"));
    server_stop(&server);
    server_release_ports(&server);
}

static void test_what_cannot_be_sent(void **state)
{
    struct server server = {.handle = answer_ok};
    struct settings settings;
    struct client *client = NULL;
    Zmesos__V1__Request request;
    Zmesos__V1__Get get = ZMESOS__V1__GET__INIT;
    Zmesos__V1__Reply *reply = NULL;
    char *large = alloc_bytes(1 << 20);
    struct error err;

    (void)state;
    memset(large, 'x', 1 << 20);
    large[(1 << 20) - 1] = 0;
    server_start(&server);
    settings = server_settings(&server, PATIENCE_MS);
    assert_int_equal(client_create(&settings, &client, &err), 0);
    zmesos__v1__request__init(&request);
    get.n_task_ids = 1;
    get.task_ids = &large;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_GET;
    request.get = &get;
    assert_int_equal(client_call(client, &request, &reply, &err), ERR_TOO_LARGE);
    large[(1 << 20) - 100] = 0;
    assert_int_equal(client_call(client, &request, &reply, &err), 0);
    zmesos__v1__reply__free_unpacked(reply, NULL);
    client_destroy(client);
    server_stop(&server);
    free(large);

    settings.control = "somewhere";
    client = NULL;
    assert_int_equal(client_create(&settings, &client, &err), ERR_INVALID);
    assert_non_null(strstr(err.text, "--control somewhere"));
    assert_null(client);
}

/* The connection that there was is lost, also when another one takes its place. */
static void test_what_is_known_of_the_connection(void **state)
{
    struct server server = {.handle = answer_ok};
    struct settings settings;
    struct client *client;
    Zmesos__V1__Request request;
    Zmesos__V1__Reply *reply;
    struct error err;

    (void)state;
    server_keep_ports(&server);
    settings = server_settings(&server, PATIENCE_MS);
    assert_int_equal(client_create(&settings, &client, &err), 0);
    assert_int_equal(client_link(client), CLIENT_NEVER);
    server_start(&server);
    ping(&request);
    assert_int_equal(client_call(client, &request, &reply, &err), 0);
    zmesos__v1__reply__free_unpacked(reply, NULL);
    wait_connected(client);
    assert_int_equal(client_link(client), CLIENT_UP);
    server_stop(&server);
    while (client_link(client) == CLIENT_UP)
        usleep(1000);
    server_start(&server);
    assert_int_equal(client_call(client, &request, &reply, &err), 0);
    zmesos__v1__reply__free_unpacked(reply, NULL);
    assert_int_equal(client_link(client), CLIENT_LOST);
    client_destroy(client);
    server_stop(&server);
    server_release_ports(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_a_call_is_answered),
            cmocka_unit_test(test_one_client_calls_often),
            cmocka_unit_test(test_a_lost_reply_is_asked_for_again),
            cmocka_unit_test(test_unavailable_is_tried_again),
            cmocka_unit_test(test_nobody_is_there),
            cmocka_unit_test(test_somebody_is_there_and_silent),
            cmocka_unit_test(test_answers_that_are_none),
            cmocka_unit_test(test_what_cannot_be_sent),
            cmocka_unit_test(test_what_is_known_of_the_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
