/* Publications a second, with and without the endpoint of events as JSON, one subscriber that reads on each.
 * The two take turns within one run; the figures are medians of the rounds, of RUNS (default 3), and the
 * ratio is what counts. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "front/front.h"
#include "mesos/v1/scheduler/scheduler.pb-c.h"
#include "wire/json.h"

#define PUBLICATIONS 100000
#define RUNS_MAX 100

static const struct {
    const char *what, *topic, *body;
    const ProtobufCMessageDescriptor *type;
} kinds[] = {
        {"a task's event", "task/bench-12345/RUNNING",
                "{\"id\":\"bench-12345\",\"name\":\"bench-12345\",\"role\":\"*\",\"state\":\"RUNNING\","
                "\"revision\":4,"
                "\"kill_requested\":false,\"created_ns\":1795371802461661753,\"changed_ns\":"
                "1795371802466705504,"
                "\"attempts\":[{\"number\":1,\"mesos_task_id\":\"bench-12345.12345.1\",\"state\":\"RUNNING\","
                "\"agent_id\":\"96039d70-8c3d-456a-b9e0-bd7ec8790372-S0\",\"hostname\":\"agent1\","
                "\"launched_ns\":1795371802462794192,\"changed_ns\":1795371802466705504,"
                "\"agent_url\":\"http://127.0.0.1:35561/slave(1)\"}]}",
                &zmesos__v1__task__descriptor},
        {"an update of Mesos", "mesos/UPDATE/bench-12345/1",
                "{\"type\":\"UPDATE\",\"update\":{\"status\":{\"task_id\":{\"value\":\"bench-12345.12345.1\"}"
                ","
                "\"state\":\"TASK_RUNNING\",\"agent_id\":{\"value\":\"96039d70-8c3d-456a-b9e0-bd7ec8790372-"
                "S0\"},"
                "\"timestamp\":1795371802.465212,\"executor_id\":{\"value\":\"bench-12345.12345.1\"},"
                "\"source\":\"SOURCE_EXECUTOR\",\"uuid\":\"AAECAwQFBgcICQoLDA0ODw==\",\"container_status\":"
                "{\"container_id\":{\"value\":\"8042d29d-8dfb-4869-8948-6e45e39be286\"},\"network_infos\":"
                "[{\"ip_addresses\":[{\"ip_address\":\"10.0.0.7\"}]}]}}}}",
                &mesos__v1__scheduler__event__descriptor},
};

static const char header_text[] =
        "{\"version\":1,\"store\":\"e596b6c1-3eeb-4c5d-a6a6-653365b55b27\",\"run\":1,\"class\":\"TASK\","
        "\"number\":123456,\"revision\":4,\"time_ns\":1795371802466705504}";

struct subscriber {
    pthread_t thread;
    void *context;
    const char *endpoint;
    atomic_bool ready, stop;
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "bench_events: %s\n", what);
    exit(1);
}

static void *read_all(void *data)
{
    struct subscriber *subscriber = data;
    void *socket = zmq_socket(subscriber->context, ZMQ_SUB);
    int patience = 100;
    char bytes[4096];
    if (!socket || zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience, sizeof patience) ||
            zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0) || zmq_connect(socket, subscriber->endpoint))
        die("cannot subscribe");
    while (!atomic_load(&subscriber->stop)) {
        if (zmq_recv(socket, bytes, sizeof bytes, 0) >= 0)
            atomic_store(&subscriber->ready, true);
    }
    zmq_close(socket);
    return NULL;
}

static struct blob *packed(const ProtobufCMessageDescriptor *type, const char *text)
{
    struct buf buf = {0};
    struct error err;
    if (json_to_packed(type, slice_of_string(text), &check_limits_request, &buf, &err))
        die(err.text);
    struct blob *blob = blob_create(buf.data, buf.length);
    buf_clear(&buf);
    return blob;
}

static void publish(struct front *front, size_t kind, struct blob *header, struct blob *body)
{
    front_publish(front, kinds[kind].topic, header, body);
    front_publish_json(front, kinds[kind].topic, header, body, kinds[kind].type);
}

/* Publications a second. */
static double measure(size_t kind, bool json)
{
    struct front_config config;
    struct front_callbacks callbacks = {.context = NULL};
    struct front *front = NULL;
    struct error err;
    front_config_init(&config);
    config.control = config.pipeline = config.events = "tcp://127.0.0.1:*";
    config.events_json = json ? "tcp://127.0.0.1:*" : NULL;
    if (front_create(&config, &callbacks, &front, &err))
        die(err.text);
    struct subscriber subscribers[2] = {{.context = zmq_ctx_new(), .endpoint = front_events_endpoint(front)},
            {.context = zmq_ctx_new(), .endpoint = front_events_json_endpoint(front)}};
    size_t count = json ? 2 : 1;
    for (size_t i = 0; i < count; i++)
        pthread_create(&subscribers[i].thread, NULL, read_all, &subscribers[i]);
    struct blob *header = packed(&zmesos__v1__event_header__descriptor, header_text);
    struct blob *body = packed(kinds[kind].type, kinds[kind].body);
    for (size_t i = 0; i < count; i++) {
        while (!atomic_load(&subscribers[i].ready)) {
            front_handle(front, false);
            publish(front, kind, header, body);
        }
    }
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (int i = 0; i < PUBLICATIONS; i++)
        publish(front, kind, header, body);
    clock_gettime(CLOCK_MONOTONIC, &end);
    for (size_t i = 0; i < count; i++) {
        atomic_store(&subscribers[i].stop, true);
        pthread_join(subscribers[i].thread, NULL);
    }
    blob_unref(header);
    blob_unref(body);
    front_destroy(front);
    for (size_t i = 0; i < 2; i++)
        zmq_ctx_term(subscribers[i].context);
    double seconds = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
    return PUBLICATIONS / seconds;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(void)
{
    const char *wanted = getenv("RUNS");
    int runs = wanted ? atoi(wanted) : 3;
    if (runs < 1 || runs > RUNS_MAX)
        die("RUNS is 1 to 100");
    for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
        double without[RUNS_MAX], with[RUNS_MAX];
        for (int run = 0; run < runs; run++) {
            without[run] = measure(kind, false);
            with[run] = measure(kind, true);
        }
        qsort(without, (size_t)runs, sizeof *without, compare);
        qsort(with, (size_t)runs, sizeof *with, compare);
        printf("events: %s: %.0f publications a second, %.0f (%.0f to %.0f) with JSON too: %.1f us each\n",
                kinds[kind].what, without[runs / 2], with[runs / 2], with[0], with[runs - 1],
                1e6 / with[runs / 2] - 1e6 / without[runs / 2]);
    }
    return 0;
}
