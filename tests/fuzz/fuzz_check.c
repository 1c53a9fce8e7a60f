/* Protobuf bytes: what passes the check, protobuf-c takes, packs again, and the result passes again; what
 * passes strictly is also good JSON, which is read back. The first byte chooses the type, the second the
 * strictness. */
#include <string.h>

#include "fuzz.h"
#include "wire/check.h"
#include "wire/json.h"

static const struct check_limits limits_of[2] = {
        {.bytes = 1 << 16, .depth = 20, .elements = 5000, .strict = false},
        {.bytes = 1 << 16, .depth = 20, .elements = 5000, .strict = true},
};

static void step_over(struct slice bytes)
{
    struct field_cursor cursor = {bytes};
    struct field field;
    size_t seen = 0;
    while (field_next(&cursor, &field) == 1) {
        FUZZ_EXPECT(field.bytes.data >= bytes.data);
        FUZZ_EXPECT(field.bytes.data + field.bytes.length <= bytes.data + bytes.length);
        FUZZ_EXPECT(field.number > 0 && ++seen <= bytes.length / 2);
    }
}

static void expect_json(const ProtobufCMessage *message)
{
    struct buf json = {0};
    struct error err = {.text = ""};
    FUZZ_EXPECT(json_write(message, &json, &err) == 0);
    ProtobufCMessage *again = NULL;
    int rc = json_read(message->descriptor, (const char *)json.data, json.length, false, &again, &err);
    /* A map's entry may come without its value; the empty value written for it may lack required fields. */
    if (rc)
        FUZZ_EXPECT(rc == ERR_INVALID && strstr(err.field, "].value.") && strstr(err.text, "is missing"));
    else
        protobuf_c_message_free_unpacked(again, NULL);
    buf_clear(&json);
}

static void expect_packs(const ProtobufCMessage *message, const struct check_limits *limits)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *packed = malloc(size + 1);
    FUZZ_EXPECT(packed && protobuf_c_message_pack(message, packed) == size);
    struct error err = {.text = ""};
    int rc = check_message(message->descriptor, slice_of(packed, size), limits, &err);
    /* Lengths that were given in fewer bytes than needed, never; but a tight size limit may be passed. */
    FUZZ_EXPECT(rc == 0 || (rc == ERR_TOO_LARGE && size > limits->bytes));
    free(packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const ProtobufCMessageDescriptor *type = fuzz_type(data[0]);
    const struct check_limits *limits = &limits_of[data[1] & 1];
    struct slice bytes = slice_of(data + 2, size - 2);
    step_over(bytes);

    struct error err = {.text = ""};
    ProtobufCMessage *message = NULL;
    int checked = check_message(type, bytes, limits, &err);
    FUZZ_EXPECT(checked == 0 || *err.text);
    int rc = check_unpack(type, bytes, limits, &message, &err);
    if (checked) {
        FUZZ_EXPECT(rc == checked && !message);
        return 0;
    }
    /* Only memory may still run out, and required fields be missing where the check is lenient. */
    FUZZ_EXPECT(rc == 0 || rc == ERR_TOO_LARGE || (rc == ERR_INVALID && !limits->strict));
    if (rc)
        return 0;
    expect_packs(message, limits);
    if (limits->strict)
        expect_json(message);
    protobuf_c_message_free_unpacked(message, NULL);
    return 0;
}
