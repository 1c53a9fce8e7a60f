/* The event streams of a real master, through RecordIO and the decoders: whole, cut in two at every byte,
 * byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mesos/v1/scheduler/scheduler.pb-c.h"
#include "recordings.h"
#include "wire/check.h"
#include "wire/json.h"
#include "wire/recordio.h"

typedef Mesos__V1__Scheduler__Event Event;

#define RECORD_MAX (1 << 20)
#define TYPES 16
#define EVENTS_MAX 64

/* What a stream held. */
struct seen {
    unsigned events, types[TYPES];
    size_t sizes[EVENTS_MAX];
    uint64_t hash; /* of all records, to compare one way of cutting with another */
};

typedef int (*decode_fn)(const uint8_t *record, size_t length, ProtobufCMessage **out, struct error *err);

static int decode_protobuf(const uint8_t *record, size_t length, ProtobufCMessage **out, struct error *err)
{
    return check_unpack(&mesos__v1__scheduler__event__descriptor, slice_of(record, length),
            &check_limits_event, out, err);
}

static int decode_json(const uint8_t *record, size_t length, ProtobufCMessage **out, struct error *err)
{
    return json_read(&mesos__v1__scheduler__event__descriptor, (const char *)record, length, false, out, err);
}

static void see(struct seen *seen, const uint8_t *record, size_t length, decode_fn decode)
{
    assert_true(seen->events < EVENTS_MAX);
    seen->sizes[seen->events++] = length;
    for (size_t i = 0; i < length; i++)
        seen->hash = (seen->hash ^ record[i]) * 1099511628211u;
    if (!decode)
        return;
    ProtobufCMessage *message = NULL;
    struct error err = {.text = ""};
    if (decode(record, length, &message, &err))
        fail_msg("event %u: %s", seen->events, err.text);
    const Event *event = (const Event *)message;
    assert_true(event->has_type && event->type < TYPES);
    seen->types[event->type]++;
    protobuf_c_message_free_unpacked(message, NULL);
}

static void feed(
        struct recordio *recordio, const uint8_t *data, size_t length, decode_fn decode, struct seen *seen)
{
    struct slice input = slice_of(data, length);
    uint8_t *record;
    size_t size;
    int rc;
    struct error err = {.text = ""};
    while ((rc = recordio_next(recordio, &input, &record, &size, &err)) == 1) {
        see(seen, record, size, decode);
        free(record);
    }
    if (rc)
        fail_msg("%s", err.text);
}

static void assert_same(const struct seen *a, const struct seen *b)
{
    assert_int_equal(a->events, b->events);
    assert_memory_equal(a->sizes, b->sizes, sizeof a->sizes);
    assert_true(a->hash == b->hash);
}

static void check_recording(const char *name, decode_fn decode, const unsigned types[TYPES], unsigned events)
{
    uint8_t *data = NULL;
    size_t length = 0;
    if (!recording_load(name, &data, &length))
        skip();

    struct recordio recordio;
    recordio_init(&recordio, RECORD_MAX);
    struct seen whole = {0};
    feed(&recordio, data, length, decode, &whole);
    assert_int_equal(whole.events, events);
    assert_memory_equal(whole.types, types, sizeof whole.types);

    struct seen bytes = {0};
    for (size_t i = 0; i < length; i++)
        feed(&recordio, data + i, 1, decode, &bytes);
    assert_same(&bytes, &whole);
    assert_memory_equal(bytes.types, types, sizeof bytes.types);

    for (size_t cut = 0; cut <= length; cut++) {
        struct seen halves = {0};
        feed(&recordio, data, cut, NULL, &halves);
        feed(&recordio, data + cut, length - cut, NULL, &halves);
        assert_same(&halves, &whole);
    }
    recordio_clear(&recordio);
    free(data);
}

#define TYPE(name) MESOS__V1__SCHEDULER__EVENT__TYPE__##name

static const unsigned lifecycle[TYPES] = {[TYPE(SUBSCRIBED)] = 1,
        [TYPE(HEARTBEAT)] = 2,
        [TYPE(OFFERS)] = 6,
        [TYPE(UPDATE)] = 14,
        [TYPE(ERROR)] = 1};
static const unsigned operations[TYPES] = {[TYPE(SUBSCRIBED)] = 4,
        [TYPE(HEARTBEAT)] = 4,
        [TYPE(OFFERS)] = 8,
        [TYPE(UPDATE_OPERATION_STATUS)] = 7,
        [TYPE(UPDATE)] = 3,
        [TYPE(RESCIND)] = 1,
        [TYPE(INVERSE_OFFERS)] = 1};

static void test_lifecycle_protobuf(void **state)
{
    (void)state;
    check_recording("lifecycle.protobuf.recordio", decode_protobuf, lifecycle, 24);
}

static void test_operations_protobuf(void **state)
{
    (void)state;
    check_recording("operations.protobuf.recordio", decode_protobuf, operations, 28);
}

static void test_lifecycle_json(void **state)
{
    (void)state;
    check_recording("lifecycle.json.recordio", decode_json, lifecycle, 24);
}

static void test_operations_json(void **state)
{
    (void)state;
    check_recording("operations.json.recordio", decode_json, operations, 28);
}

/* An event cut short anywhere is refused or taken, never read past its end. */
static void test_every_prefix_of_every_event(void **state)
{
    (void)state;
    uint8_t *data = NULL;
    size_t length = 0;
    if (!recording_load("operations.protobuf.recordio", &data, &length))
        skip();
    struct recordio recordio;
    recordio_init(&recordio, RECORD_MAX);
    struct slice input = slice_of(data, length);
    uint8_t *record;
    size_t size;
    unsigned refused = 0;
    while (recordio_next(&recordio, &input, &record, &size, NULL) == 1) {
        for (size_t cut = 0; cut < size; cut++) {
            uint8_t *exact = alloc_bytes(cut);
            memcpy(exact, record, cut);
            ProtobufCMessage *message = NULL;
            struct error err = {.text = ""};
            int rc = decode_protobuf(exact, cut, &message, &err);
            if (strstr(err.text, "protobuf-c"))
                fail_msg("protobuf-c refused what passed the check: %s", err.text);
            refused += rc != 0;
            if (rc == 0)
                protobuf_c_message_free_unpacked(message, NULL);
            free(exact);
        }
        free(record);
    }
    assert_true(refused > 1000);
    recordio_clear(&recordio);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_lifecycle_protobuf),
            cmocka_unit_test(test_operations_protobuf),
            cmocka_unit_test(test_lifecycle_json),
            cmocka_unit_test(test_operations_json),
            cmocka_unit_test(test_every_prefix_of_every_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
