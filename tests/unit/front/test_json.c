/* Requests and events as JSON: what is JSON and what is not, refusals from a table of texts, both request
 * sockets, and the endpoint of events. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "front_private.h"
#include "rig.h"
#include "wire/check.h"
#include "wire/json.h"

#define BYTES(text) slice_of(text, sizeof(text) - 1)

/* ---- what is JSON ---- */

static void test_what_is_json(void **state)
{
    (void)state;
    assert_true(front_is_json(BYTES("{")));
    assert_true(front_is_json(BYTES(" \t\r\n{\xff")));
    assert_false(front_is_json(BYTES("")));
    assert_false(front_is_json(BYTES(" \n")));
    assert_false(front_is_json(BYTES("[{}]")));
    assert_false(front_is_json(BYTES("\xef\xbb\xbf{}")));
    assert_false(front_is_json(BYTES("\0{}")));
    assert_false(front_is_json(BYTES("\x08\x01\x82\x01\x00")));
}

/* Whatever follows, bytes that would be taken for JSON are no packed request: this holds for each first byte
 * by its field and wire type alone. A blank is field 4, that no version may use: see the proto. */
static void test_no_packed_request_begins_as_json(void **state)
{
    static const uint8_t firsts[] = {'{', '\n', '\t', '\r', ' '};
    size_t i, after;

    (void)state;
    for (i = 0; i < sizeof firsts; i++) {
        const ProtobufCFieldDescriptor *field =
                protobuf_c_message_descriptor_get_field(&zmesos__v1__request__descriptor, firsts[i] >> 3);

        assert_true(firsts[i] < 0x80); /* the whole tag */
        if (firsts[i] == '{')
            assert_int_equal(firsts[i] & 7, 3); /* begins a group */
        else if (firsts[i] == ' ')
            assert_null(field);
        else
            assert_true(field && field->type == PROTOBUF_C_TYPE_UINT32 && (firsts[i] & 7) != 0);
        /* And by trying, with what makes each a whole field, where that is possible. */
        for (after = 0; after < 256; after++) {
            uint8_t bytes[16] = {firsts[i], (uint8_t)after};

            if (front_is_json(slice_of(bytes, sizeof bytes)) && firsts[i] != ' ')
                assert_true(check_message(&zmesos__v1__request__descriptor, slice_of(bytes, sizeof bytes),
                                    &check_limits_request, NULL) < 0);
        }
    }
}

/* ---- refusals ---- */

#define CASE(text, code, id, field)                                                                          \
    {                                                                                                        \
        text, sizeof(text) - 1, ZMESOS__V1__CODE__##code, id, field                                          \
    }

static const struct {
    const char *text;
    size_t length;
    Zmesos__V1__Code code;
    const char *id, *field; /* NULL: absent */
} cases[] = {
        CASE("{\"version\":1,\"ping\":{}}", OK, NULL, NULL),
        CASE(" {\"id\":\"hi\",\"version\":\"1\",\"ping\":{},\"kill\":null}\n", OK, NULL, NULL),
        CASE("{\"version\":1,\"updateFramework\":{\"addRoles\":[\"a\"]}}", OK, NULL, NULL),
        CASE("{}", UNSUPPORTED_VERSION, NULL, "version"),
        CASE("{\"id\":\"hi\",\"ping\":{}}", UNSUPPORTED_VERSION, "hi", "version"),
        CASE("{\"version\":2,\"id\":\"hi\",\"ping\":{\"new\":1}}", UNSUPPORTED_VERSION, "hi", "version"),
        CASE("{\"version\":0,\"id\":\"hi\",\"ping\":{}}", UNSUPPORTED_VERSION, "hi", "version"),
        CASE("{\"version\":18446744073709551615,\"id\":\"hi\"}", UNSUPPORTED_VERSION, "hi", "version"),
        CASE("{\"version\":true,\"id\":\"hi\",\"ping\":{}}", INVALID, "hi", "version"),
        CASE("{\"version\":1,\"id\":\"hi\"}", UNKNOWN_OPERATION, "hi", NULL),
        CASE("{\"version\":1,\"id\":\"hi\",\"ping\":null}", UNKNOWN_OPERATION, "hi", NULL),
        CASE("{\"version\":1,\"id\":\"hi\",\"brew\":{}}", UNKNOWN_OPERATION, "hi", "brew"),
        CASE("{\"version\":1,\"id\":\"hi\",\"brew\":{},\"ping\":{}}", INVALID, "hi", "brew"),
        CASE("{\"version\":1,\"id\":\"hi\",\"ping\":{},\"status\":{}}", INVALID, "hi", "status"),
        CASE("{\"version\":1,\"id\":\"hi\",\"ping\":[]}", INVALID, "hi", "ping"),
        CASE("{\"version\":1,\"id\":1,\"ping\":{}}", INVALID, NULL, "id"),
        CASE("{\"version\":1,\"id\":\"h\\u0000i\",\"ping\":{}}", INVALID, NULL, "id"),
        CASE("{\"version\":1,\"id\":\"h\\u00e9\",\"brew\":{}}", UNKNOWN_OPERATION, "h\xc3\xa9", "brew"),
        CASE("{\"version\":1,\"id\":\"hi\",\"id\":\"ho\",\"ping\":{}}", INVALID, "hi", "id"),
        CASE("{\"version\":1,\"id\":\"hi\",\"ping\":{}} {}", MALFORMED, "hi", NULL),
        CASE("{\"version\":1,\"id\":\"hi\",\"ping\":{}", MALFORMED, "hi", "ping"),
        CASE("{\"version\":1,\"id\":\"hi\",\"ping\":{},}", MALFORMED, "hi", NULL),
        CASE("{\"version\":1,\"id\":\"hi", MALFORMED, NULL, "id"),
        CASE("{", MALFORMED, NULL, NULL),
        CASE("{\"version\":1,\"id\":\"hi\",\"ping\":{}\0}", MALFORMED, "hi", NULL),
        CASE("{\"version\":1,\"id\":\"hi\",\"launch\":{\"tasks\":[{\"id\":\"a\"},{\"cpus\":\"many\"}]}}",
                INVALID, "hi", "launch.tasks[1].cpus"),
        CASE("{\"version\":1,\"id\":\"hi\",\"launch\":{\"tasks\":[{\"id\":\"a\"},{\"cpus\":1,\"cpus\":1}]}}",
                INVALID, "hi", "launch.tasks[1].cpus"),
        CASE("{\"version\":1,\"id\":\"hi\",\"launch\":{\"tasks\":[{\"cpu\":1}]}}", INVALID, "hi",
                "launch.tasks[0].cpu"),
        CASE("{\"version\":1,\"id\":\"hi\",\"launch\":{\"tasks\":[{\"ports\":4294967296}]}}", INVALID, "hi",
                "launch.tasks[0].ports"),
        CASE("{\"version\":1,\"id\":\"hi\",\"launch\":{\"tasks\":[{\"ports\":-1}]}}", INVALID, "hi",
                "launch.tasks[0].ports"),
        CASE("{\"version\":1,\"id\":\"hi\",\"launch\":{\"tasks\":[{\"cpus\":1e999}]}}", INVALID, "hi",
                "launch.tasks[0].cpus"),
        CASE("{\"version\":1,\"id\":\"hi\",\"launch\":{\"tasks\":[{\"name\":\"\xff\"}]}}", MALFORMED, "hi",
                "launch.tasks[0].name"),
        CASE("{\"version\":1,\"id\":\"hi\",\"launch\":{\"tasks\":[{\"name\":\"\\ud800\"}]}}", MALFORMED, "hi",
                "launch.tasks[0].name"),
        CASE("{\"version\":1,\"id\":\"hi\",\"launch\":{\"tasks\":[{\"data\":\"*\"}]}}", INVALID, "hi",
                "launch.tasks[0].data"),
        CASE("{\"version\":1,\"id\":\"hi\",\"launch\":{\"tasks\":[{\"retry\":{\"on\":[\"LOST\",\"SLOW\"]}}]}"
             "}",
                INVALID, "hi", "launch.tasks[0].retry.on[1]"),
        CASE("{\"version\":1,\"id\":\"hi\",\"launch\":{\"tasks\":[{\"command\":{\"environment\":{"
             "\"variables\":"
             "[{\"value\":\"\"}]}}}]}}",
                INVALID, "hi", "launch.tasks[0].command.environment.variables[0].name"),
};

static Zmesos__V1__Request *decode(struct slice text, size_t parts, struct buf *refusal)
{
    struct buf packed;
    Zmesos__V1__Request *request;

    buf_init(&packed, 0);
    request = front_decode_json(text, parts, &packed, refusal);
    buf_clear(&packed);
    return request;
}

static void check(struct slice text, size_t parts, Zmesos__V1__Code code, const char *id, const char *field)
{
    uint8_t *exact = alloc_bytes(text.length); /* so that reading past it is seen */
    struct buf refusal;
    Zmesos__V1__Request *request;
    Zmesos__V1__Reply *reply;

    memcpy(exact, text.data, text.length);
    buf_init(&refusal, 0);
    request = decode(slice_of(exact, text.length), parts, &refusal);
    free(exact);
    if (code == ZMESOS__V1__CODE__OK) {
        if (!request)
            fail_msg("%.100s: refused: %.300s", (const char *)text.data, (const char *)refusal.data + 8);
        zmesos__v1__request__free_unpacked(request, NULL);
        return;
    }
    if (request)
        fail_msg("%.100s: taken", (const char *)text.data);
    reply = zmesos__v1__reply__unpack(NULL, refusal.length, refusal.data);
    assert_non_null(reply);
    if (reply->code != code || !reply->message || !reply->message[0] || reply->retry)
        fail_msg("%.100s: code %d (%s)", (const char *)text.data, (int)reply->code, reply->message);
    if ((reply->id != NULL) != (id != NULL) || (id && strcmp(id, reply->id) != 0))
        fail_msg("%.100s: id %s", (const char *)text.data, reply->id ? reply->id : "absent");
    if ((reply->field != NULL) != (field != NULL) ||
            (field && strcmp(field, reply->field) != 0 && *field != '*'))
        fail_msg("%.100s: field %s", (const char *)text.data, reply->field ? reply->field : "absent");
    zmesos__v1__reply__free_unpacked(reply, NULL);
    buf_clear(&refusal);
}

static void test_texts(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++)
        check(slice_of(cases[i].text, cases[i].length), 1, cases[i].code, cases[i].id, cases[i].field);
    check(slice_of(cases[0].text, cases[0].length), 2, ZMESOS__V1__CODE__MALFORMED, NULL, NULL);
}

static struct buf repeated(const char *start, const char *element, size_t count, const char *end)
{
    struct buf text;
    size_t i;

    buf_init(&text, 0);
    assert_int_equal(buf_append_string(&text, start), 0);
    for (i = 0; i < count; i++)
        assert_int_equal(buf_printf(&text, "%s%s", i ? "," : "", element), 0);
    assert_int_equal(buf_append_string(&text, end), 0);
    return text;
}

#define HEAD "{\"version\":1,\"id\":\"hi\","

static void test_limits(void **state)
{
    struct buf text;
    size_t more;

    (void)state;
    for (more = 0; more <= 1; more++) {
        Zmesos__V1__Code code = more ? ZMESOS__V1__CODE__TOO_LARGE : ZMESOS__V1__CODE__OK;

        /* bytes: what is missing is blanks */
        text = repeated(HEAD "\"ping\":{", "", 0, "}}");
        while (text.length < FRONT_REQUEST_MAX + more)
            assert_int_equal(buf_append(&text, " ", 1), 0);
        check(slice_of(text.data, text.length), 1, code, "hi", NULL);
        buf_clear(&text);
        /* fields: version, id, get and the ids */
        text = repeated(HEAD "\"get\":{\"task_ids\":[", "\"aaaaaaa\"", 100000 - 3 + more, "]}}");
        check(slice_of(text.data, text.length), 1, code, "hi", NULL);
        buf_clear(&text);
    }
    /* of a request of 4 MiB less a byte, which libzmq lets through */
    text = repeated(HEAD "\"ping\":{\"x\":[", "[]", ((size_t)4 << 20) / 3 - 100, "]}}");
    check(slice_of(text.data, text.length), 1, ZMESOS__V1__CODE__TOO_LARGE, "hi", NULL);
    buf_clear(&text);
}

static void test_depth(void **state)
{
    static const char hold[] = "{\"container\":{\"type\":\"MESOS\",\"rlimit_info\":";
    struct buf text;
    int i;

    (void)state;
    buf_init(&text, 0);
    assert_int_equal(buf_printf(&text, HEAD "\"launch\":{\"tasks\":[%s", hold), 0);
    for (i = 0; i < 3000; i++)
        assert_int_equal(buf_append_string(&text, "{\"rlimits\":["), 0);
    check(slice_of(text.data, text.length), 1, ZMESOS__V1__CODE__TOO_LARGE, "hi", "*");
    buf_clear(&text);
}

/* Every prefix is refused, and nothing else happens (the sanitizers look). */
static void test_cut_everywhere(void **state)
{
    static const char whole[] =
            " {\"version\":1,\"id\":\"h\\u00e9\\ud83d\\ude00\",\"launch\":{\"tasks\":[{\"id\":\"a\",\"cpus\":"
            "1.5e-3,"
            "\"command\":{\"value\":\"\\\"\"},\"data\":\"AA==\",\"max_completion_time\":{\"nanoseconds\":"
            "9223372036854775807}}]}}";
    size_t length;

    (void)state;
    for (length = 0; length < sizeof whole; length++) {
        uint8_t *copy = alloc_bytes(length);
        struct buf refusal;
        Zmesos__V1__Request *request;

        memcpy(copy, whole, length);
        buf_init(&refusal, 0);
        request = decode(slice_of(copy, length), 1, &refusal);
        assert_true((request != NULL) == (length == sizeof whole - 1));
        assert_true((request != NULL) == (refusal.length == 0));
        if (request)
            zmesos__v1__request__free_unpacked(request, NULL);
        buf_clear(&refusal);
        free(copy);
    }
}

/* ---- replies ---- */

static void expect_text(struct rig *rig, void *client, const char *expected)
{
    size_t length;
    bool more;
    char *text = (char *)rig_receive(rig, client, &length, &more);

    assert_false(more);
    assert_string_equal(text, expected);
    free(text);
}

static void send_text(void *client, const char *text)
{
    rig_send(client, text, strlen(text), false);
}

/* In turn with packed ones, on the same connection. */
static void test_a_reply_is_as_its_request(void **state)
{
    struct rig rig;
    int round;

    (void)state;
    rig_init(&rig, 0);
    rig.answer = true;
    for (round = 0; round < 2; round++) {
        void *client = rig_connect(&rig, ZMQ_REQ,
                round ? front_pipeline_endpoint(rig.front) : front_control_endpoint(rig.front));

        send_text(client, "{\"version\":1,\"id\":\"a\",\"ping\":{}}");
        expect_text(&rig, client, "{\"id\":\"a\",\"code\":\"OK\"}");
        rig_send_ping(client, "b");
        rig_expect_reply(&rig, client, "b", ZMESOS__V1__CODE__OK);
        send_text(client, "{\"version\":1,\"id\":\"c\",\"ping\":1}");
        expect_text(&rig, client,
                "{\"version\":1,\"id\":\"c\",\"code\":\"INVALID\",\"message\":\"ping is no object\","
                "\"field\":\"ping\",\"retry\":false}");
        send_text(client, "nonsense");
        rig_expect_reply(&rig, client, NULL, ZMESOS__V1__CODE__MALFORMED);
        zmq_close(client);
    }
    assert_int_equal(front_counts(rig.front).requests, 4);
    assert_int_equal(front_counts(rig.front).refused, 4);
    rig_clear(&rig);
}

/* Many in flight, answered in another order. */
static void test_replies_of_one_dealer_are_told_apart(void **state)
{
    struct rig rig;
    void *dealer;
    size_t i, seen = 0;

    (void)state;
    rig_init(&rig, 0);
    dealer = rig_connect(&rig, ZMQ_DEALER, front_pipeline_endpoint(rig.front));
    for (i = 0; i < 20; i++) {
        char text[100];

        rig_send(dealer, "", 0, true);
        snprintf(text, sizeof text, "{\"version\":1,\"id\":\"%zu\",\"ping\":{}}", i);
        if (i % 2)
            send_text(dealer, text);
        else
            rig_send_ping(dealer, "packed");
    }
    rig_wait_requests(&rig, 20);
    for (i = 20; i-- > 0;)
        rig_answer(&rig, i);
    for (i = 20; i-- > 0;) {
        size_t length;
        bool more;
        char expected[60];
        char *reply;

        free(rig_receive(&rig, dealer, &length, &more));
        assert_int_equal(length, 0);
        reply = (char *)rig_receive(&rig, dealer, &length, &more);
        snprintf(expected, sizeof expected, "{\"id\":\"%zu\",\"code\":\"OK\"}", i);
        assert_int_equal(strcmp(reply, expected) == 0, i % 2);
        seen += i % 2;
        free(reply);
    }
    assert_int_equal(seen, 10);
    zmq_close(dealer);
    rig_clear(&rig);
}

/* What Mesos said may be anything. */
static void test_a_reply_that_is_not_utf8(void **state)
{
    Zmesos__V1__Reply reply = ZMESOS__V1__REPLY__INIT;
    uint8_t packed[100];
    char broken[] = "a\xff";
    struct buf text;

    (void)state;
    reply.message = broken;
    buf_init(&text, 0);
    front_json_reply(slice_of(packed, zmesos__v1__reply__pack(&reply, packed)), &text);
    assert_int_equal(buf_append(&text, "", 1), 0);
    assert_string_equal((char *)text.data, "{\"message\":\"a\xef\xbf\xbd\"}");
    buf_clear(&text);
}

/* A packed message as the body of an event of that class. */
static void add_event(Zmesos__V1__Publication *event, Zmesos__V1__EventHeader *header,
        Zmesos__V1__EventClass class, uint8_t *packed, size_t length)
{
    static char topic[] = "t";

    zmesos__v1__publication__init(event);
    zmesos__v1__event_header__init(header);
    header->has_class_ = true;
    header->class_ = class;
    event->topic = topic;
    event->header = header;
    event->has_body = true;
    event->body = (ProtobufCBinaryData){.data = packed, .len = length};
}

static void test_bodies_of_a_replay(void **state)
{
    static uint8_t task[] = {0x0a, 1, 'a', 0x20, 5}, event[] = {0x08, 3}, broken[] = {0xff};
    Zmesos__V1__Reply reply = ZMESOS__V1__REPLY__INIT;
    Zmesos__V1__ReplayPage page = ZMESOS__V1__REPLAY_PAGE__INIT;
    Zmesos__V1__Publication events[5], *pointers[5];
    Zmesos__V1__EventHeader headers[5];
    uint8_t packed[400];
    struct buf text;
    size_t i;

    (void)state;
    add_event(&events[0], &headers[0], ZMESOS__V1__EVENT_CLASS__TASK, task, sizeof task);
    add_event(&events[1], &headers[1], ZMESOS__V1__EVENT_CLASS__UPDATE, event, sizeof event);
    add_event(&events[2], &headers[2], ZMESOS__V1__EVENT_CLASS__TASK, broken, sizeof broken);
    add_event(&events[3], &headers[3], (Zmesos__V1__EventClass)99, task, sizeof task);
    add_event(&events[4], &headers[4], ZMESOS__V1__EVENT_CLASS__TASK, task, sizeof task);
    events[4].has_body = false;
    for (i = 0; i < 5; i++)
        pointers[i] = &events[i];
    page.events = pointers;
    page.n_events = 5;
    reply.result_case = ZMESOS__V1__REPLY__RESULT_REPLAY;
    reply.replay = &page;
    buf_init(&text, 0);
    front_json_reply(slice_of(packed, zmesos__v1__reply__pack(&reply, packed)), &text);
    assert_int_equal(buf_append(&text, "", 1), 0);
    assert_string_equal((char *)text.data,
            "{\"replay\":{\"events\":["
            "{\"topic\":\"t\",\"header\":{\"class\":\"TASK\"},\"json\":\"{\\\"id\\\":\\\"a\\\",\\\"state\\\":"
            "\\\"RUNNING\\\"}\"},"
            "{\"topic\":\"t\",\"header\":{\"class\":\"UPDATE\"},\"json\":\"{\\\"type\\\":\\\"RESCIND\\\"}\"},"
            "{\"topic\":\"t\",\"header\":{\"class\":\"TASK\"},\"json\":\"{}\"},"
            "{\"topic\":\"t\",\"header\":{},\"body\":\"CgFhIAU=\"},"
            "{\"topic\":\"t\",\"header\":{\"class\":\"TASK\"}}]}}");
    buf_clear(&text);
}

/* Each specification came in a request of its own, and took as much memory as one may beside its bytes. */
static void test_a_reply_of_many_that_grow(void **state)
{
    enum { NETWORKS = 7000, TASKS = 8 };
    static const uint8_t network[] = {0x3a, 0};
    static const char head[] = "{\"tasks\":{\"tasks\":[{\"spec\":{";
    Zmesos__V1__Reply reply = ZMESOS__V1__REPLY__INIT;
    Zmesos__V1__Tasks list = ZMESOS__V1__TASKS__INIT;
    Zmesos__V1__Task tasks[TASKS], *pointers[TASKS];
    ProtobufCMessage *container = NULL;
    Zmesos__V1__TaskSpec spec = ZMESOS__V1__TASK_SPEC__INIT;
    struct buf bytes, text;
    uint8_t *packed;
    size_t i, length;

    (void)state;
    buf_init(&bytes, 0);
    assert_int_equal(buf_append(&bytes, "\x08\x02", 2), 0); /* the type */
    for (i = 0; i < NETWORKS; i++)
        assert_int_equal(buf_append(&bytes, network, sizeof network), 0);
    assert_int_equal(check_unpack(&mesos__v1__container_info__descriptor, slice_of(bytes.data, bytes.length),
                             &check_limits_request, &container, NULL),
            0);
    spec.container = (Mesos__V1__ContainerInfo *)container;
    for (i = 0; i < TASKS; i++) {
        zmesos__v1__task__init(&tasks[i]);
        tasks[i].spec = &spec;
        pointers[i] = &tasks[i];
    }
    list.tasks = pointers;
    list.n_tasks = TASKS;
    reply.result_case = ZMESOS__V1__REPLY__RESULT_TASKS;
    reply.tasks = &list;
    length = zmesos__v1__reply__get_packed_size(&reply);
    packed = alloc_bytes(length);
    zmesos__v1__reply__pack(&reply, packed);
    buf_init(&text, 0);
    front_json_reply(slice_of(packed, length), &text);
    assert_memory_equal(text.data, head, sizeof head - 1);
    assert_true(text.length > (size_t)2 * NETWORKS * TASKS);
    free(packed);
    buf_clear(&text);
    buf_clear(&bytes);
    protobuf_c_message_free_unpacked(container, NULL);
}

static void test_a_reply_that_cannot_be_written(void **state)
{
    struct buf text;

    (void)state;
    buf_init(&text, 0);
    front_json_reply(BYTES("\xff"), &text);
    assert_true(text.length > 0 && text.data[0] == '{' && text.data[text.length - 1] == '}');
    assert_non_null(strstr((char *)text.data, "\"code\":\"UNAVAILABLE\""));
    buf_clear(&text);
}

/* ---- events ---- */

static void publish(struct rig *rig, struct blob *body)
{
    Zmesos__V1__EventHeader header = ZMESOS__V1__EVENT_HEADER__INIT;
    uint8_t packed[100];
    struct blob *blob;

    header.has_number = true;
    header.number = 7;
    blob = blob_create(packed, zmesos__v1__event_header__pack(&header, packed));
    front_publish(rig->front, "task/a/RUNNING", blob, body);
    front_publish_json(rig->front, "task/a/RUNNING", blob, body, &zmesos__v1__task__descriptor);
    blob_unref(blob);
}

static void expect_event(struct rig *rig, void *subscriber, const char *body)
{
    const char *frames[] = {"task/a/RUNNING", "{\"number\":7}", body};
    int i;

    for (i = 0; i < 3; i++) {
        size_t length;
        bool more;
        char *frame = (char *)rig_receive(rig, subscriber, &length, &more);

        assert_string_equal(frame, frames[i]);
        assert_int_equal(length, strlen(frames[i]));
        assert_int_equal(more, i < 2);
        free(frame);
    }
}

static void test_events(void **state)
{
    static const char *const bodies[] = {"{\"id\":\"a\",\"state\":\"RUNNING\"}", "{}"};
    struct rig rig;
    void *subscriber;
    Zmesos__V1__Task task = ZMESOS__V1__TASK__INIT;
    uint8_t packed[100];
    char id[] = "a";
    struct blob *good, *bad = blob_create("\xff", 1);

    (void)state;
    task.id = id;
    task.has_state = true;
    task.state = ZMESOS__V1__TASK_STATE__RUNNING;
    good = blob_create(packed, zmesos__v1__task__pack(&task, packed));
    rig_init_json(&rig);
    subscriber = rig_connect(&rig, ZMQ_SUB, front_events_json_endpoint(rig.front));
    assert_int_equal(zmq_setsockopt(subscriber, ZMQ_SUBSCRIBE, "task/a/", 7), 0);
    while (zmq_poll(&(zmq_pollitem_t){.socket = subscriber, .events = ZMQ_POLLIN}, 1, 0) == 0) {
        rig_turn(&rig, true);
        publish(&rig, good);
    }
    expect_event(&rig, subscriber, bodies[0]);
    publish(&rig, bad);
    for (;;) {
        size_t length;
        bool more;
        char *frame;
        bool last;

        free(rig_receive(&rig, subscriber, &length, &more));
        free(rig_receive(&rig, subscriber, &length, &more));
        frame = (char *)rig_receive(&rig, subscriber, &length, &more);
        last = strcmp(frame, bodies[1]) == 0;
        assert_true(last || strcmp(frame, bodies[0]) == 0);
        free(frame);
        if (last)
            break;
    }
    zmq_close(subscriber);
    rig_clear(&rig);

    /* Without the endpoint nothing is made of it. */
    rig_init(&rig, 0);
    publish(&rig, bad);
    rig_clear(&rig);
    blob_unref(good);
    blob_unref(bad);
}

static void test_an_address_in_use(void **state)
{
    struct rig rig;
    struct front_config config;
    struct front_callbacks callbacks = {.context = NULL};
    struct front *front = NULL;
    struct error err;

    (void)state;
    rig_init_json(&rig);
    front_config_init(&config);
    config.control = config.pipeline = config.events = "tcp://127.0.0.1:*";
    config.events_json = front_events_json_endpoint(rig.front);
    assert_int_equal(front_create(&config, &callbacks, &front, &err), ERR_CONFLICT);
    assert_string_equal(err.field, "events-json");
    assert_null(front);
    rig_clear(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_what_is_json),
            cmocka_unit_test(test_no_packed_request_begins_as_json),
            cmocka_unit_test(test_texts),
            cmocka_unit_test(test_limits),
            cmocka_unit_test(test_depth),
            cmocka_unit_test(test_cut_everywhere),
            cmocka_unit_test(test_a_reply_is_as_its_request),
            cmocka_unit_test(test_replies_of_one_dealer_are_told_apart),
            cmocka_unit_test(test_a_reply_that_is_not_utf8),
            cmocka_unit_test(test_bodies_of_a_replay),
            cmocka_unit_test(test_a_reply_of_many_that_grow),
            cmocka_unit_test(test_a_reply_that_cannot_be_written),
            cmocka_unit_test(test_events),
            cmocka_unit_test(test_an_address_in_use),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
