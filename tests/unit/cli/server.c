/* See server.h. */
#include "server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"

#define TURN_MS 20 /* also between two heartbeats */

static void handle_request(
        void *context, front_token token, const Zmesos__V1__Request *request, struct slice bytes)
{
    struct server *server = context;

    server->handle(server, token, request, bytes);
    server->requests++;
}

static void publish_message(
        struct server *server, const char *topic, Zmesos__V1__EventClass class, const ProtobufCMessage *body)
{
    static uint64_t number;
    Zmesos__V1__EventHeader header = ZMESOS__V1__EVENT_HEADER__INIT;
    uint8_t packed[4096];
    struct blob *header_blob, *body_blob;

    header.has_class_ = header.has_number = 1;
    header.class_ = class;
    header.number = ++number;
    assert_true(protobuf_c_message_get_packed_size(body) <= sizeof packed);
    body_blob = blob_create(packed, protobuf_c_message_pack(body, packed));
    header_blob = blob_create(packed, zmesos__v1__event_header__pack(&header, packed));
    front_publish(server->front, topic, header_blob, body_blob);
    blob_unref(header_blob);
    blob_unref(body_blob);
}

static void *serve(void *context)
{
    struct server *server = context;

    while (!server->stop) {
        zmq_pollitem_t items[FRONT_POLL_ITEMS];
        int count = front_poll_items(server->front, true, items);
        Zmesos__V1__DaemonStatus status = ZMESOS__V1__DAEMON_STATUS__INIT;

        zmq_poll(items, count, TURN_MS);
        front_handle(server->front, true);
        if (server->heartbeats)
            publish_message(server, "zmesos/HEARTBEAT", ZMESOS__V1__EVENT_CLASS__DAEMON, &status.base);
    }
    return NULL;
}

/* A bound socket that does not listen: ZeroMQ's may have the address too, as both allow it to be reused. */
static int keep_port(char *endpoint, size_t size)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    snprintf(endpoint, size, "tcp://127.0.0.1:%u", ntohs(address.sin_port));
    return fd;
}

void server_keep_ports(struct server *server)
{
    server->ports[0] = keep_port(server->control, sizeof server->control);
    server->ports[1] = keep_port(server->pipeline, sizeof server->pipeline);
    server->ports[2] = keep_port(server->events, sizeof server->events);
}

void server_release_ports(struct server *server)
{
    for (int i = 0; i < 3; i++)
        close(server->ports[i]);
}

void server_start(struct server *server)
{
    struct front_callbacks callbacks = {.context = server, .request = handle_request};
    struct front_config config;
    struct error err;
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    front_config_init(&config);
    config.control = server->control[0] ? server->control : "tcp://127.0.0.1:*";
    config.pipeline = server->pipeline[0] ? server->pipeline : "tcp://127.0.0.1:*";
    config.events = server->events[0] ? server->events : "tcp://127.0.0.1:*";
    if (front_create(&config, &callbacks, &server->front, &err) < 0)
        fail_msg("%s", err.text);
    snprintf(server->control, sizeof server->control, "%s", front_control_endpoint(server->front));
    snprintf(server->pipeline, sizeof server->pipeline, "%s", front_pipeline_endpoint(server->front));
    snprintf(server->events, sizeof server->events, "%s", front_events_endpoint(server->front));
    server->stop = false;
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

void server_stop(struct server *server)
{
    server->stop = true;
    pthread_join(server->thread, NULL);
    front_destroy(server->front);
    server->front = NULL;
}

struct settings server_settings(const struct server *server, int64_t timeout_ms)
{
    struct settings settings;

    settings_init(&settings);
    settings.command = "test";
    settings.control = server->pipeline;
    settings.events = server->events;
    settings.timeout_ms = timeout_ms;
    return settings;
}

void server_reply(struct server *server, front_token token, const Zmesos__V1__Request *request,
        Zmesos__V1__Reply *reply)
{
    size_t size;
    uint8_t *packed;

    reply->id = request->id;
    reply->has_code = 1;
    size = zmesos__v1__reply__get_packed_size(reply);
    packed = alloc_bytes(size);
    zmesos__v1__reply__pack(reply, packed);
    front_reply(server->front, token, slice_of(packed, size));
    free(packed);
}

static Zmesos__V1__Task make_task(char *id, Zmesos__V1__TaskState state, uint64_t revision)
{
    Zmesos__V1__Task task = ZMESOS__V1__TASK__INIT;

    task.id = id;
    task.has_state = task.has_revision = 1;
    task.state = state;
    task.revision = revision;
    return task;
}

void server_reply_tasks(struct server *server, front_token token, const Zmesos__V1__Request *request,
        Zmesos__V1__TaskState state, uint64_t revision)
{
    Zmesos__V1__Reply reply = ZMESOS__V1__REPLY__INIT;
    Zmesos__V1__Tasks tasks = ZMESOS__V1__TASKS__INIT;
    size_t i, count = request->get->n_task_ids;
    Zmesos__V1__Task *all = alloc_zeroed(count, sizeof *all),
                     **pointers = alloc_zeroed(count, sizeof *pointers);

    for (i = 0; i < count; i++) {
        all[i] = make_task(request->get->task_ids[i], state, revision);
        pointers[i] = &all[i];
    }
    tasks.n_tasks = count;
    tasks.tasks = pointers;
    reply.result_case = ZMESOS__V1__REPLY__RESULT_TASKS;
    reply.tasks = &tasks;
    server_reply(server, token, request, &reply);
    free(all);
    free(pointers);
}

void server_publish(struct server *server, const char *id, Zmesos__V1__TaskState state, uint64_t revision)
{
    server_publish_attempt(server, id, state, revision, 0);
}

void server_publish_attempt(struct server *server, const char *id, Zmesos__V1__TaskState state,
        uint64_t revision, uint32_t number)
{
    Zmesos__V1__Attempt attempt = ZMESOS__V1__ATTEMPT__INIT, *attempts[] = {&attempt};
    char copy[256], topic[512];
    Zmesos__V1__Task task;
    const ProtobufCEnumValue *name =
            protobuf_c_enum_descriptor_get_value(&zmesos__v1__task_state__descriptor, (int)state);

    snprintf(copy, sizeof copy, "%s", id);
    snprintf(topic, sizeof topic, "task/%s/%s", id, name->name);
    task = make_task(copy, state, revision);
    attempt.has_number = 1;
    attempt.number = number;
    task.n_attempts = number ? 1 : 0;
    task.attempts = attempts;
    publish_message(server, topic, ZMESOS__V1__EVENT_CLASS__TASK, &task.base);
}
