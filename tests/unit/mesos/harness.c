/* One loop for the client and the fakes, with bounded waits, and the pieces of HTTP and events that tests
 * say. */
#include "harness.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "mesos/v1/scheduler/scheduler.pb-c.h"
#include "wire/recordio.h"

#define PATIENCE_MS 60000

static const char *const down_names[] = {
        [MASTER_DOWN_LOST] = "LOST",
        [MASTER_DOWN_ERROR] = "ERROR",
        [MASTER_DOWN_UNAUTHORIZED] = "UNAUTHORIZED",
        [MASTER_DOWN_REFUSED] = "REFUSED",
        [MASTER_DOWN_NOT_MESOS] = "NOT_MESOS",
};
static const char *const answer_names[] = {
        [MASTER_ACCEPTED] = "ACCEPTED",
        [MASTER_REFUSED] = "REFUSED",
        [MASTER_NOT_DONE] = "NOT_DONE",
        [MASTER_UNANSWERED] = "UNANSWERED",
};

static void PRINTF_LIKE(3, 4) tell(struct harness *harness, const char *text, const char *format, ...)
{
    char line[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    assert_true(harness->line_count < HARNESS_LINES_MAX);
    snprintf(harness->texts[harness->line_count], sizeof harness->texts[0], "%s", text);
    harness->lines[harness->line_count++] = alloc_string(line);
    if (harness->hook != NULL) {
        harness->hook(harness, line);
    }
}

static int on_subscribe(void *context, uint8_t **call, size_t *length)
{
    struct harness *harness = context;

    if (harness->no_subscribe) {
        tell(harness, "", "no subscribe");
        return ERR_UNAVAILABLE;
    }
    if (harness->tell_subscribe) {
        tell(harness, "", "subscribe");
    }
    *call = (uint8_t *)alloc_string(SUBSCRIBE_BODY);
    *length = strlen(SUBSCRIBE_BODY);
    return 0;
}

static void on_up(void *context, uint64_t subscription, const char *master)
{
    struct harness *harness = context;

    snprintf(harness->leader, sizeof harness->leader, "%s", master);
    harness->subscription = subscription;
    tell(harness, "", "up %llu", (unsigned long long)subscription);
}

static void on_record(void *context, uint64_t subscription, struct blob *record)
{
    struct slice bytes = blob_slice(record);
    Mesos__V1__Scheduler__Event *event = mesos__v1__scheduler__event__unpack(NULL, bytes.length, bytes.data);
    char name[128] = "that is no event";

    if (event != NULL && event->message != NULL) {
        snprintf(name, sizeof name, "MESSAGE %.*s (%zu)",
                (int)(event->message->data.len > 8 ? 8 : event->message->data.len),
                (const char *)event->message->data.data, event->message->data.len);
    } else if (event != NULL) {
        const ProtobufCEnumValue *type = protobuf_c_enum_descriptor_get_value(
                &mesos__v1__scheduler__event__type__descriptor, (int)event->type);

        snprintf(name, sizeof name, "%s", type == NULL ? "?" : type->name);
    }
    if (event != NULL) {
        mesos__v1__scheduler__event__free_unpacked(event, NULL);
    }
    blob_unref(record);
    tell(context, "", "record %llu %s", (unsigned long long)subscription, name);
}

static void on_down(void *context, uint64_t subscription, enum master_down why, const char *text)
{
    tell(context, text, "down %llu %s", (unsigned long long)subscription, down_names[why]);
}

static void on_answered(void *context, uint64_t call, enum master_answer answer, const char *text)
{
    tell(context, text, "answered %llu %s", (unsigned long long)call, answer_names[answer]);
}

int harness_setup(void **state)
{
    struct harness *harness = alloc_zeroed(1, sizeof *harness);

    for (size_t i = 0; i < HARNESS_MASTERS; ++i) {
        harness->fakes[i] = fake_master_create();
    }
    harness->fake = harness->fakes[0];
    master_config_init(&harness->config);
    harness->config.backoff_min_ms = 1;
    harness->config.backoff_max_ms = 8;
    harness->config.connect_timeout_ms = PATIENCE_MS; /* by libcurl's own clock */
    harness->config.jitter_seed = 42;
    harness->now_ms = 1000000;
    *state = harness;
    return 0;
}

int harness_teardown(void **state)
{
    struct harness *harness = *state;

    master_destroy(harness->master);
    for (size_t i = 0; i < HARNESS_MASTERS; ++i) {
        fake_master_destroy(harness->fakes[i]);
    }
    for (size_t i = 0; i < harness->line_count; ++i) {
        free(harness->lines[i]);
    }
    free(harness);
    return 0;
}

void harness_open(struct harness *harness, const char *masters)
{
    struct master_callbacks callbacks = {
            .context = harness,
            .subscribe = on_subscribe,
            .up = on_up,
            .record = on_record,
            .down = on_down,
            .answered = on_answered,
    };
    char list[512] = "";
    struct error err;

    for (; *masters != '\0'; ++masters) {
        size_t length = strlen(list);

        if (*masters == '%') {
            snprintf(list + length, sizeof list - length, "127.0.0.1:%u",
                    fake_master_port(harness->fakes[*++masters - '1']));
        } else {
            snprintf(list + length, sizeof list - length, "%c", *masters);
        }
    }
    harness->config.masters = list;
    if (master_create(&harness->config, &callbacks, &harness->master, &err) < 0) {
        fail_msg("%s", err.text);
    }
    master_start(harness->master, harness_now(harness));
}

int64_t harness_now(const struct harness *harness)
{
    return harness->now_ms;
}

static size_t turn_all(struct harness *harness, int wait_ms)
{
    struct pollfd fds[256] = {{.fd = master_fd(harness->master), .events = POLLIN}};
    size_t count = 1;
    size_t ready;
    int64_t started, waited;

    for (size_t i = 0; i < HARNESS_MASTERS; ++i) {
        count += fake_master_poll(harness->fakes[i], fds + count, 256 - count);
    }
    started = clock_read().mono_ms;
    ready = (size_t)poll(fds, count, wait_ms);
    waited = clock_read().mono_ms - started;
    harness->now_ms += waited < wait_ms ? waited : wait_ms;
    if (fds[0].revents != 0 || master_deadline(harness->master) <= harness_now(harness)) {
        master_handle(harness->master, harness_now(harness));
    }
    for (size_t i = 0; i < HARNESS_MASTERS; ++i) {
        fake_master_turn(harness->fakes[i]);
    }
    return ready;
}

void harness_step(struct harness *harness)
{
    int64_t wait_ms = master_deadline(harness->master) - harness_now(harness);

    turn_all(harness, wait_ms < 0 ? 0 : wait_ms > 10 ? 10 : (int)wait_ms);
}

void harness_advance(struct harness *harness, int64_t ms)
{
    harness->now_ms += ms;
    turn_all(harness, 0);
}

/* Loopback sockets hand over at once what was written, so rounds in which nothing is ready mean that all is
 * done. */
void harness_settle(struct harness *harness)
{
    for (int idle = 0; idle < 5;) {
        bool due = master_deadline(harness->master) <= harness_now(harness);

        idle = turn_all(harness, 1) > 0 || due ? 0 : idle + 1;
    }
}

bool harness_wait(struct harness *harness, bool (*condition)(struct harness *harness))
{
    int64_t start = clock_read().mono_ms;

    while (!condition(harness)) {
        if (clock_read().mono_ms - start > PATIENCE_MS) {
            for (size_t i = 0; i < harness->line_count; ++i) {
                print_message("told: %s (%s)\n", harness->lines[i], harness->texts[i]);
            }
            return false;
        }
        harness_step(harness);
    }
    return true;
}

static bool has_line(struct harness *harness)
{
    return harness->line_next < harness->line_count;
}

const char *harness_line(struct harness *harness)
{
    if (!harness_wait(harness, has_line)) {
        fail_msg("waited in vain for any line");
    }
    return harness->lines[harness->line_next];
}

const char *harness_expect(struct harness *harness, const char *line)
{
    if (!harness_wait(harness, has_line)) {
        fail_msg("waited in vain for: %s", line);
    }
    if (strcmp(harness->lines[harness->line_next], line) != 0) {
        print_message("its words: %s\n", harness->texts[harness->line_next]);
    }
    assert_string_equal(harness->lines[harness->line_next], line);
    return harness->texts[harness->line_next++];
}

void harness_expect_nothing(struct harness *harness)
{
    harness_settle(harness);
    if (has_line(harness)) {
        fail_msg("there should be nothing, and there is: %s", harness->lines[harness->line_next]);
    }
}

const struct fake_request *harness_request(struct harness *harness, struct fake_master *fake)
{
    int64_t start = clock_read().mono_ms;
    const struct fake_request *request;

    while ((request = fake_master_next(fake)) == NULL) {
        if (clock_read().mono_ms - start > PATIENCE_MS) {
            fail_msg("waited in vain for a request");
        }
        harness_step(harness);
    }
    return request;
}

void harness_say_ok(struct harness *harness, struct fake_master *fake, int connection)
{
    (void)harness;
    fake_master_say(fake, connection,
            "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\n"
            "Mesos-Stream-Id: 2c9fc9a6-0b1e-4a55-8d2e-5f7e0e1b1111\r\nTransfer-Encoding: chunked\r\n\r\n");
}

void harness_chunk(struct fake_master *fake, int connection, const void *data, size_t length)
{
    char size[32];

    snprintf(size, sizeof size, "%zx\r\n", length);
    fake_master_say(fake, connection, size);
    fake_master_send(fake, connection, data, length);
    fake_master_say(fake, connection, "\r\n");
}

void harness_frame(struct buf *out, struct buf *event)
{
    char header[RECORDIO_HEADER_MAX + 1];
    size_t length = recordio_header(event->length, header);

    assert_int_equal(buf_append(out, header, length), 0);
    assert_int_equal(buf_append(out, event->data, event->length), 0);
    buf_clear(event);
}

void harness_record(struct fake_master *fake, int connection, struct buf *event)
{
    struct buf framed;

    buf_init(&framed, 0);
    harness_frame(&framed, event);
    harness_chunk(fake, connection, framed.data, framed.length);
    buf_clear(&framed);
}

static struct buf pack(Mesos__V1__Scheduler__Event *event, Mesos__V1__Scheduler__Event__Type type)
{
    struct buf buf;

    event->has_type = 1;
    event->type = type;
    buf_init(&buf, 0);
    buf.length = buf.capacity = mesos__v1__scheduler__event__get_packed_size(event);
    buf.data = alloc_bytes(buf.length);
    mesos__v1__scheduler__event__pack(event, buf.data);
    return buf;
}

struct buf event_subscribed(void)
{
    Mesos__V1__Scheduler__Event event = MESOS__V1__SCHEDULER__EVENT__INIT;
    Mesos__V1__Scheduler__Event__Subscribed subscribed = MESOS__V1__SCHEDULER__EVENT__SUBSCRIBED__INIT;
    Mesos__V1__FrameworkID id = MESOS__V1__FRAMEWORK_ID__INIT;
    char value[] = "framework-1";

    id.value = value;
    subscribed.framework_id = &id;
    event.subscribed = &subscribed;
    return pack(&event, MESOS__V1__SCHEDULER__EVENT__TYPE__SUBSCRIBED);
}

struct buf event_heartbeat(void)
{
    Mesos__V1__Scheduler__Event event = MESOS__V1__SCHEDULER__EVENT__INIT;

    return pack(&event, MESOS__V1__SCHEDULER__EVENT__TYPE__HEARTBEAT);
}

struct buf event_message(const char *data, size_t length)
{
    Mesos__V1__Scheduler__Event event = MESOS__V1__SCHEDULER__EVENT__INIT;
    Mesos__V1__Scheduler__Event__Message message = MESOS__V1__SCHEDULER__EVENT__MESSAGE__INIT;
    Mesos__V1__AgentID agent = MESOS__V1__AGENT_ID__INIT;
    Mesos__V1__ExecutorID executor = MESOS__V1__EXECUTOR_ID__INIT;
    char value[] = "a";
    char *copy = alloc_string_n(data, length);
    struct buf buf;

    agent.value = value;
    executor.value = value;
    message.agent_id = &agent;
    message.executor_id = &executor;
    message.data.data = (uint8_t *)copy;
    message.data.len = length;
    event.message = &message;
    buf = pack(&event, MESOS__V1__SCHEDULER__EVENT__TYPE__MESSAGE);
    free(copy);
    return buf;
}

struct buf event_error(const char *text)
{
    Mesos__V1__Scheduler__Event event = MESOS__V1__SCHEDULER__EVENT__INIT;
    Mesos__V1__Scheduler__Event__Error error = MESOS__V1__SCHEDULER__EVENT__ERROR__INIT;
    char *copy = alloc_string(text);
    struct buf buf;

    error.message = copy;
    event.error = &error;
    buf = pack(&event, MESOS__V1__SCHEDULER__EVENT__TYPE__ERROR);
    free(copy);
    return buf;
}

void harness_subscribe_at(struct harness *harness, struct fake_master *fake)
{
    const struct fake_request *request = harness_request(harness, fake);
    struct buf event = event_subscribed();
    char line[64];

    assert_int_equal(request->length, strlen(SUBSCRIBE_BODY));
    assert_memory_equal(request->body, SUBSCRIBE_BODY, request->length);
    harness->stream = request->connection;
    harness_say_ok(harness, fake, request->connection);
    harness_record(fake, request->connection, &event);
    snprintf(line, sizeof line, "up %llu", (unsigned long long)harness->subscription + 1);
    harness_expect(harness, line);
    snprintf(line, sizeof line, "record %llu SUBSCRIBED", (unsigned long long)harness->subscription);
    harness_expect(harness, line);
}

void harness_subscribe(struct harness *harness)
{
    harness_subscribe_at(harness, harness->fake);
}

void harness_send(struct harness *harness, uint64_t number, bool ordered, const char *body)
{
    struct blob *blob = blob_create(body, strlen(body));

    master_send(harness->master, number, harness->subscription, ordered, blob);
    blob_unref(blob);
}

void harness_answer(struct fake_master *fake, const struct fake_request *request, int status,
        const char *headers, const char *body)
{
    char head[512];

    snprintf(head, sizeof head, "HTTP/1.1 %d Words\r\n%sContent-Length: %zu\r\n\r\n", status, headers,
            strlen(body));
    fake_master_say(fake, request->connection, head);
    fake_master_say(fake, request->connection, body);
}
