/* Deep copies: once the original is freed, the copy still packs to the same bytes (sanitizers look). */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* Unpacks, copies, frees the original, and compares what the copy packs to. */
static void expect_copied(const ProtobufCMessageDescriptor *type, const void *bytes, size_t length)
{
    ProtobufCMessage *original = protobuf_c_message_unpack(type, NULL, length, bytes);
    assert_non_null(original);
    size_t size = protobuf_c_message_get_packed_size(original);
    uint8_t *expected = malloc(size + 1), *found = malloc(size + 1);
    assert_true(expected && found);
    protobuf_c_message_pack(original, expected);
    struct arena arena;
    arena_init(&arena);
    ProtobufCMessage *copy = message_copy(&arena, original);
    protobuf_c_message_free_unpacked(original, NULL);
    assert_int_equal(protobuf_c_message_get_packed_size(copy), size);
    protobuf_c_message_pack(copy, found);
    assert_memory_equal(found, expected, size);
    arena_clear(&arena);
    free(expected);
    free(found);
}

static void expect_message_copied(const ProtobufCMessage *message)
{
    uint8_t *bytes = malloc(protobuf_c_message_get_packed_size(message) + 1);
    assert_non_null(bytes);
    size_t length = protobuf_c_message_pack(message, bytes);
    expect_copied(message->descriptor, bytes, length);
    free(bytes);
}

static void strings_bytes_numbers_and_lists(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    Mesos__V1__TaskStatus *status =
            build_status(rig, "a.1.1 RUNNING by AGENT uuid u because GC_ERROR : words");
    status->has_data = true;
    status->data.data = (uint8_t *)words(rig, "data");
    status->data.len = 4;
    status->has_timestamp = true;
    status->timestamp = 1.5;
    status->labels = build_spec(rig, "a label k=v label x=y")->labels;
    expect_message_copied(&status->base);
    expect_message_copied(&build_spec(rig, "a ports 2 where x IN a,b,c where y UNIQUE")->base);
    expect_message_copied(
            &build_offers(rig, "o1 A1 cpus/r1 4 ports 1-2,5-6 @s%a,b @r#1-2 | o2 A2 mem 1 role r2")->base);
}

static void lists_of_numbers_and_one_of_many(void **state)
{
    struct rig *rig = *state = rig_create(NULL);
    Zmesos__V1__Attempt attempt = ZMESOS__V1__ATTEMPT__INIT;
    uint32_t ports[] = {1, 2, 70000};
    attempt.ports = ports;
    attempt.n_ports = 3;
    expect_message_copied(&attempt.base);
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_LIST);
    Zmesos__V1__TaskState states[] = {ZMESOS__V1__TASK_STATE__QUEUED, ZMESOS__V1__TASK_STATE__LOST};
    request->list->states = states;
    request->list->n_states = 2;
    request->id = words(rig, "r");
    expect_message_copied(&request->base);
    request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_KILL);
    char *ids[] = {words(rig, "a"), words(rig, "b")};
    request->kill->task_ids = ids;
    request->kill->n_task_ids = 2;
    expect_message_copied(&request->base);
}

/* What a newer Mesos adds to a resource goes back with it. */
static void unknown_fields(void **state)
{
    (void)state;
    /* Label: key, value, and the fields 100 (bytes), 101 (varint), 102 (fixed64), 103 (fixed32). */
    static const char bytes[] = "\x0a\x01k\x12\x01v\xa2\x06\x03new\xa8\x06\x2a\xb1\x06"
                                "12345678\xbd\x06"
                                "1234";
    expect_copied(&mesos__v1__label__descriptor, bytes, sizeof bytes - 1);
}

static void defaults_and_nothing(void **state)
{
    (void)state;
    expect_copied(&mesos__v1__command_info__descriptor, "", 0);
    expect_copied(&zmesos__v1__ping__descriptor, "", 0);
    expect_copied(&mesos__v1__label__descriptor, "\x0a\x00", 2); /* an empty key */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(strings_bytes_numbers_and_lists),
            TEST(lists_of_numbers_and_one_of_many),
            cmocka_unit_test(unknown_fields),
            cmocka_unit_test(defaults_and_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
