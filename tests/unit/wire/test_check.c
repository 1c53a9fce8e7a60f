/* The checks before protobuf-c: what is refused, with which code and path; the limits; the bombs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "bytes.h"
#include "kinds.pb-c.h"
#include "mesos/v1/scheduler/scheduler.pb-c.h"
#include "wire/check.h"
#include "zmesos/v1/zmesos.pb-c.h"

/* Generous but for the switch, so that a case shows one thing. */
static const struct check_limits strict = {
        .bytes = 1 << 24, .depth = 32, .elements = 1 << 20, .strict = true};
static const struct check_limits lenient = {
        .bytes = 1 << 24, .depth = 32, .elements = 1 << 20, .strict = false};

#define SINGLE &kinds__single__descriptor
#define MANY &kinds__many__descriptor
#define DEFAULTS &kinds__defaults__descriptor
#define NEEDS &kinds__needs__descriptor
#define ONEOF &kinds__one_of__descriptor

#define BYTES(literal)                                                                                       \
    {                                                                                                        \
        (const uint8_t *)(literal), sizeof(literal) - 1                                                      \
    }

/* What a table's row is about: the bytes, what strict and lenient say of them, what unpacking leniently says.
 */
static const struct check_case {
    const ProtobufCMessageDescriptor *type;
    struct slice bytes;
    int strict, lenient, unpacked;
    const char *field; /* of all that fail */
} cases[] = {
        {SINGLE, BYTES(""), 0, 0, 0, ""},
        /* Each kind of number, string, bytes, message. */
        {SINGLE,
                BYTES("\x09\0\0\0\0\0\0\xf0\x3f\x15\0\0\x80\x3f\x18\x01\x20\x01\x28\x01\x30\x01\x38\x01\x40"
                      "\x01"),
                0, 0, 0, ""},
        {SINGLE,
                BYTES("\x4d\1\2\3\4\x51\1\2\3\4\5\6\7\x08\x5d\1\2\3\4\x61\1\2\3\4\5\6\7\x08\x68\x01\x72\x01z"
                      "\x7a\x01\0"),
                0, 0, 0, ""},
        {SINGLE, BYTES("\x80\x01\x01\x8a\x01\x03\x0a\x01x\x92\x01\x00"), 0, 0, 0, ""},
        /* Another wire type than the field's. */
        {SINGLE, BYTES("\x08\x01"), ERR_MALFORMED, ERR_MALFORMED, ERR_MALFORMED, "a_double"},
        {SINGLE, BYTES("\x10\x01"), ERR_MALFORMED, ERR_MALFORMED, ERR_MALFORMED, "a_float"},
        {SINGLE, BYTES("\x1a\x01\x01"), ERR_MALFORMED, ERR_MALFORMED, ERR_MALFORMED, "an_int32"},
        {SINGLE, BYTES("\x1d\1\2\3\4"), ERR_MALFORMED, ERR_MALFORMED, ERR_MALFORMED, "an_int32"},
        {SINGLE, BYTES("\x48\x01"), ERR_MALFORMED, ERR_MALFORMED, ERR_MALFORMED, "a_fixed32"},
        {SINGLE, BYTES("\x6a\x01\x01"), ERR_MALFORMED, ERR_MALFORMED, ERR_MALFORMED, "a_bool"},
        {SINGLE, BYTES("\x70\x01"), ERR_MALFORMED, ERR_MALFORMED, ERR_MALFORMED, "a_string"},
        {SINGLE, BYTES("\x78\x01"), ERR_MALFORMED, ERR_MALFORMED, ERR_MALFORMED, "a_bytes"},
        {SINGLE, BYTES("\x82\x01\x00"), ERR_MALFORMED, ERR_MALFORMED, ERR_MALFORMED, "an_enum"},
        {SINGLE, BYTES("\x88\x01\x00"), ERR_MALFORMED, ERR_MALFORMED, ERR_MALFORMED, "a_leaf"},
        /* Broken, with the message that is broken as the path. */
        {SINGLE, BYTES("\x18"), ERR_MALFORMED, ERR_MALFORMED, ERR_MALFORMED, ""},
        {SINGLE, BYTES("\x8a\x01\x02\x0a\x01"), ERR_MALFORMED, ERR_MALFORMED, ERR_MALFORMED, "a_leaf"},
        {SINGLE, BYTES("\x92\x01\x05\x8a\x01\x02\x0a\x01"), ERR_MALFORMED, ERR_MALFORMED, ERR_MALFORMED,
                "deeper.a_leaf"},
        {SINGLE, BYTES("\x8b\x01\x8c\x01"), ERR_MALFORMED, ERR_MALFORMED, ERR_MALFORMED, ""},
        /* Unknown fields: well formed or not. */
        {SINGLE, BYTES("\xa0\x06\x01\xa2\x06\x01x"), 0, 0, 0, ""},
        {SINGLE, BYTES("\xa0\x06\x01\xa0\x06\x01"), 0, 0, 0, ""},
        {SINGLE, BYTES("\xa3\x06\xa4\x06"), ERR_MALFORMED, ERR_MALFORMED, ERR_MALFORMED, ""},
        /* Twice. */
        {SINGLE, BYTES("\x18\x01\x18\x02"), ERR_INVALID, 0, 0, "an_int32"},
        {SINGLE, BYTES("\x72\x01z\x72\x01z"), ERR_INVALID, 0, 0, "a_string"},
        {SINGLE, BYTES("\x7a\x01z\x7a\x01z"), ERR_INVALID, 0, 0, "a_bytes"},
        {SINGLE, BYTES("\x92\x01\x00\x92\x01\x00"), ERR_INVALID, ERR_INVALID, ERR_INVALID, "deeper"},
        {SINGLE, BYTES("\x92\x01\x06\x92\x01\x00\x92\x01\x00"), ERR_INVALID, ERR_INVALID, ERR_INVALID,
                "deeper.deeper"},
        /* Siblings do not count as twice. */
        {MANY, BYTES("\x8a\x01\x02\x10\x01\x8a\x01\x02\x10\x01"), 0, 0, 0, ""},
        {MANY, BYTES("\x8a\x01\x02\x10\x01\x8a\x01\x04\x10\x01\x10\x01"), ERR_INVALID, 0, 0,
                "leaves[1].number"},
        /* Text. */
        {SINGLE,
                BYTES("\x72\x03"
                      "a\0b"),
                ERR_INVALID, 0, 0, "a_string"},
        {SINGLE, BYTES("\x72\x02\xc3\x28"), ERR_INVALID, 0, 0, "a_string"},
        {SINGLE, BYTES("\x72\x03\xed\xa0\x80"), ERR_INVALID, 0, 0, "a_string"},
        {SINGLE, BYTES("\x72\x04\xf0\x9f\x98\x80"), 0, 0, 0, ""},
        {SINGLE, BYTES("\x7a\x03\xff\0\xff"), 0, 0, 0, ""},
        {MANY, BYTES("\x72\x01x\x08\x00\x72\x02x\xff"), ERR_MALFORMED, ERR_MALFORMED, ERR_MALFORMED,
                "doubles[0]"},
        {MANY, BYTES("\x72\x01x\x20\x00\x72\x02x\xff"), ERR_INVALID, 0, 0, "strings[1]"},
        /* Enums; -7 is known and has ten bytes. */
        {SINGLE, BYTES("\x80\x01\x02"), ERR_INVALID, 0, 0, "an_enum"},
        {SINGLE, BYTES("\x80\x01\xf9\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 0, 0, 0, ""},
        {SINGLE, BYTES("\x80\x01\xfa\xff\xff\xff\xff\xff\xff\xff\xff\x01"), ERR_INVALID, 0, 0, "an_enum"},
        {MANY, BYTES("\x80\x01\x01\x80\x01\x05"), ERR_INVALID, 0, 0, "colors[1]"},
        {MANY, BYTES("\x80\x01\x01\x82\x01\x03\x01\x00\x05"), ERR_INVALID, 0, 0, "colors[3]"},
        {MANY, BYTES("\x82\x01\x02\x01\x00\x80\x01\x05"), ERR_INVALID, 0, 0, "colors[2]"},
        /* Packed or not, for both kinds of declaration. */
        {MANY, BYTES("\x28\x01\x2a\x02\x01\x02"), 0, 0, 0, ""},
        {MANY, BYTES("\x30\x01\x32\x03\x01\x80\x01"), 0, 0, 0, ""},
        {MANY, BYTES("\x0a\x10\1\2\3\4\5\6\7\x08\1\2\3\4\5\6\7\x08\x09\1\2\3\4\5\6\7\x08"), 0, 0, 0, ""},
        {MANY, BYTES("\x12\x08\1\2\3\4\1\2\3\4\x15\1\2\3\4"), 0, 0, 0, ""},
        {MANY, BYTES("\x6a\x03\x01\x00\x01\x68\x01"), 0, 0, 0, ""},
        {MANY, BYTES("\x2a\x00"), 0, 0, 0, ""},
        {MANY, BYTES("\x2a\x02\x01\x80"), ERR_MALFORMED, ERR_MALFORMED, ERR_MALFORMED, "uint32s[1]"},
        {MANY, BYTES("\x0a\x09\1\2\3\4\5\6\7\x08\1"), ERR_MALFORMED, ERR_MALFORMED, ERR_MALFORMED,
                "doubles[1]"},
        {MANY, BYTES("\x12\x03\1\2\3"), ERR_MALFORMED, ERR_MALFORMED, ERR_MALFORMED, "floats[0]"},
        {MANY, BYTES("\x2a\x0b\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"), ERR_MALFORMED, ERR_MALFORMED,
                ERR_MALFORMED, "uint32s[0]"},
        {MANY, BYTES("\x70\x01"), ERR_MALFORMED, ERR_MALFORMED, ERR_MALFORMED, "strings[0]"},
        {MANY, BYTES("\x2d\1\2\3\4"), ERR_MALFORMED, ERR_MALFORMED, ERR_MALFORMED, "uint32s[0]"},
        /* Required. */
        {NEEDS, BYTES("\x0a\x01x\x12\x00\x1a\x00"), 0, 0, 0, ""},
        {NEEDS, BYTES(""), ERR_INVALID, 0, ERR_INVALID, "text"},
        {NEEDS, BYTES("\x0a\x01x\x1a\x00"), ERR_INVALID, 0, ERR_INVALID, "leaf"},
        {NEEDS, BYTES("\x0a\x01x\x12\x00"), ERR_INVALID, 0, ERR_INVALID, "data"},
        {NEEDS, BYTES("\x0a\x01x\x12\x00\x1a\x00\x22\x07\x0a\x01x\x12\x00\x1a\x00\x22\x00"), ERR_INVALID, 0,
                ERR_INVALID, "more[1].text"},
        {DEFAULTS, BYTES("\x30\x01"), 0, 0, 0, ""},
        {DEFAULTS, BYTES(""), ERR_INVALID, 0, 0, "port"}, /* protobuf-c fills the default in */
        /* Choices. */
        {ONEOF, BYTES("\x12\x01x\x50\x01"), 0, 0, 0, ""},
        {ONEOF, BYTES("\x12\x01x\x20\x01"), ERR_INVALID, 0, 0, "number"},
        {ONEOF, BYTES("\x1a\x00\x12\x01x"), ERR_INVALID, 0, 0, "text"},
        {ONEOF, BYTES("\x50\x01\x58\x01"), ERR_INVALID, 0, 0, "two"},
        {ONEOF, BYTES("\x12\x01x\x12\x01y"), ERR_INVALID, 0, 0, "text"},
};

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct check_case *c = &cases[i];
        struct error err = {.text = ""};
        int rc = check_message(c->type, c->bytes, &strict, &err);
        if (rc != c->strict || (rc && strcmp(err.field, c->field) != 0))
            fail_msg("case %zu, strict: %d, field '%s': %s", i, rc, err.field, err.text);
        if (rc && (!*err.text || !strstr(err.text, c->field)))
            fail_msg("case %zu: the words '%s' do not name '%s'", i, err.text, c->field);

        rc = check_message(c->type, c->bytes, &lenient, &err);
        if (rc != c->lenient || (rc && strcmp(err.field, c->field) != 0))
            fail_msg("case %zu, lenient: %d, field '%s': %s", i, rc, err.field, err.text);

        ProtobufCMessage *message = NULL;
        rc = check_unpack(c->type, c->bytes, &lenient, &message, &err);
        if (rc != c->unpacked || (rc && strcmp(err.field, c->field) != 0))
            fail_msg("case %zu, unpacked: %d, field '%s': %s", i, rc, err.field, err.text);
        if ((rc == 0) != (message != NULL))
            fail_msg("case %zu: output and result differ", i);
        if (message)
            protobuf_c_message_free_unpacked(message, NULL);
        assert_int_equal(check_message(c->type, c->bytes, &strict, NULL), c->strict);
    }
}

/* Also where another member stands between the two. */
static void test_message_of_oneof_twice(void **state)
{
    (void)state;
    static const struct slice bytes = BYTES("\x1a\x00\x20\x01\x1a\x00");
    struct error err = {.text = ""};
    assert_int_equal(check_message(ONEOF, bytes, &lenient, &err), ERR_INVALID);
    assert_string_equal(err.field, "leaf");
    assert_int_equal(check_message(ONEOF, bytes, &strict, &err), ERR_INVALID);
    assert_string_equal(err.field, "number");
}

/* protobuf-c does without the first, which has a default. */
static void test_missing_is_what_protobuf_c_misses(void **state)
{
    (void)state;
    const ProtobufCMessageDescriptor *type = &kinds__needs_and_defaults__descriptor;
    ProtobufCMessage *message = NULL;
    struct error err = {.text = ""};
    assert_int_equal(check_unpack(type, slice_of(NULL, 0), &lenient, &message, &err), ERR_INVALID);
    assert_string_equal(err.field, "text");
    assert_int_equal(check_message(type, slice_of(NULL, 0), &strict, &err), ERR_INVALID);
    assert_string_equal(err.field, "port");
}

static void test_values_arrive(void **state)
{
    (void)state;
    static const struct slice bytes = BYTES("\x80\x01\x01\x82\x01\x02\x00\x01\x72\x02hi");
    ProtobufCMessage *message = NULL;
    assert_int_equal(check_unpack(MANY, bytes, &strict, &message, NULL), 0);
    const Kinds__Many *many = (const Kinds__Many *)message;
    assert_int_equal(many->n_colors, 3);
    assert_int_equal(many->colors[0], KINDS__COLOR__GREEN);
    assert_int_equal(many->colors[1], KINDS__COLOR__RED);
    assert_int_equal(many->colors[2], KINDS__COLOR__GREEN);
    assert_string_equal(many->strings[0], "hi");
    protobuf_c_message_free_unpacked(message, NULL);
}

static void test_paths(void **state)
{
    (void)state;
    struct buf request = {0}, launch = {0}, task = {0}, command = {0};
    for (int i = 0; i < 4; i++) {
        put_bytes(&task, 1, "id", 2);
        if (i == 3) {
            put_bytes(&command, 3, "tr\0ue", 5);
            put_message(&task, 11, &command);
        }
        put_message(&launch, 1, &task);
    }
    put_message(&request, 10, &launch);
    struct error err = {.text = ""};
    int rc = check_message(&zmesos__v1__request__descriptor, bytes_of(&request), &check_limits_request, &err);
    assert_int_equal(rc, ERR_INVALID);
    assert_string_equal(err.field, "launch.tasks[3].command.value");
    assert_string_equal(err.text, "launch.tasks[3].command.value holds a NUL");
    buf_clear(&request);

    /* A path longer than the field of struct error is cut. */
    struct buf inner = {0}, outer = {0};
    put_number(&inner, 16, 99);
    for (int i = 0; i < 60; i++) {
        put_message(&outer, 18, &inner);
        inner = outer;
        outer = (struct buf){0};
    }
    struct check_limits deep = strict;
    deep.depth = 64;
    assert_int_equal(check_message(SINGLE, bytes_of(&inner), &deep, &err), ERR_INVALID);
    assert_int_equal(strlen(err.field), ERROR_FIELD_MAX - 1);
    assert_memory_equal(err.field, "deeper.deeper.", 14);
    buf_clear(&inner);
}

static void test_size_limit(void **state)
{
    (void)state;
    struct check_limits limits = strict;
    limits.bytes = 3;
    static const struct slice at = BYTES("\x72\x01z"), past = BYTES("\x72\x02zz");
    assert_int_equal(check_message(SINGLE, at, &limits, NULL), 0);
    struct error err = {.text = ""};
    assert_int_equal(check_message(SINGLE, past, &limits, &err), ERR_TOO_LARGE);
    assert_string_equal(err.field, "");
}

static struct buf nested(unsigned depth)
{
    struct buf inner = {0};
    for (unsigned i = 1; i < depth; i++) {
        struct buf outer = {0};
        put_message(&outer, 18, &inner);
        inner = outer;
    }
    return inner;
}

static void test_depth_limit(void **state)
{
    (void)state;
    static const struct check_limits one = {.bytes = 1000, .depth = 1, .elements = 100};
    static const struct check_limits endless = {.bytes = 1000, .depth = 10000, .elements = 100};
    static const struct {
        const struct check_limits *limits;
        unsigned depth;
    } limits[] = {
            {&check_limits_request, 32}, {&check_limits_event, 64}, {&one, 1}, {&endless, CHECK_DEPTH_MAX}};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct buf at = nested(limits[i].depth), past = nested(limits[i].depth + 1);
        ProtobufCMessage *message = NULL;
        struct error err = {.text = ""};
        assert_int_equal(check_unpack(SINGLE, bytes_of(&at), limits[i].limits, &message, &err), 0);
        protobuf_c_message_free_unpacked(message, NULL);
        message = NULL;
        assert_int_equal(
                check_unpack(SINGLE, bytes_of(&past), limits[i].limits, &message, &err), ERR_TOO_LARGE);
        assert_null(message);
        buf_clear(&at);
        buf_clear(&past);
    }
}

/* Fields given one by one, packed, unknown, and in submessages all count. */
static void test_element_limit(void **state)
{
    (void)state;
    static const struct {
        const ProtobufCMessageDescriptor *type;
        struct slice bytes;
        size_t elements;
    } counted[] = {
            {MANY, BYTES("\x28\x01\x28\x01\x28\x01"), 3},
            {MANY, BYTES("\x2a\x03\x01\x01\x01"), 3},
            {MANY, BYTES("\x0a\x10\1\2\3\4\5\6\7\x08\1\2\3\4\5\6\7\x08"), 2},
            {MANY, BYTES("\x8a\x01\x02\x10\x01\x8a\x01\x00"), 3},
            {SINGLE, BYTES("\xa0\x06\x01\xa0\x06\x01"), 2},
    };
    for (size_t i = 0; i < sizeof counted / sizeof *counted; i++) {
        struct check_limits limits = strict;
        limits.elements = counted[i].elements;
        assert_int_equal(check_message(counted[i].type, counted[i].bytes, &limits, NULL), 0);
        limits.elements--;
        struct error err = {.text = ""};
        assert_int_equal(check_message(counted[i].type, counted[i].bytes, &limits, &err), ERR_TOO_LARGE);
    }

    struct buf many = {0};
    for (size_t i = 0; i < check_limits_request.elements; i++)
        put_number(&many, 5, 1);
    assert_int_equal(check_message(MANY, bytes_of(&many), &check_limits_request, NULL), 0);
    put_number(&many, 5, 1);
    assert_int_equal(check_message(MANY, bytes_of(&many), &check_limits_request, NULL), ERR_TOO_LARGE);
    buf_clear(&many);
}

/* 109 KB of nested messages, which overflow protobuf-c's stack: written from the inside out. */
static void test_nesting_bomb(void **state)
{
    (void)state;
    enum { LEVELS = 30000, ROOM = 200000 };
    uint8_t *bytes = alloc_bytes(ROOM);
    size_t at = ROOM;
    for (int i = 0; i < LEVELS; i++) {
        size_t length = ROOM - at;
        uint8_t header[8];
        size_t size = 0;
        header[size++] = 0x22; /* Needs.more */
        for (; length > 0x7f; length >>= 7)
            header[size++] = (uint8_t)(length | 0x80);
        header[size++] = (uint8_t)length;
        at -= size;
        memcpy(bytes + at, header, size);
    }
    struct slice bomb = slice_of(bytes + at, ROOM - at);
    assert_true(bomb.length > 109000);
    ProtobufCMessage *message = NULL;
    assert_int_equal(check_unpack(NEEDS, bomb, &check_limits_request, &message, NULL), ERR_TOO_LARGE);
    assert_int_equal(check_unpack(NEEDS, bomb, &check_limits_event, &message, NULL), ERR_TOO_LARGE);
    assert_null(message);
    free(bytes);
}

/* One singular message, given again and again, each time merged with all that came before. */
static void test_merge_bomb(void **state)
{
    (void)state;
    struct buf bomb = {0}, tasks = {0};
    for (int i = 0; i < 100; i++)
        put_bytes(&tasks, 1, "", 0);
    while (bomb.length < 1000000)
        put_bytes(&bomb, 10, tasks.data, tasks.length);
    ProtobufCMessage *message = NULL;
    struct error err = {.text = ""};
    int rc = check_unpack(
            &zmesos__v1__request__descriptor, bytes_of(&bomb), &check_limits_request, &message, &err);
    assert_int_equal(rc, ERR_INVALID);
    assert_string_equal(err.field, "launch");
    rc = check_unpack(&zmesos__v1__request__descriptor, bytes_of(&bomb), &check_limits_event, &message, &err);
    assert_int_equal(rc, ERR_INVALID);
    buf_clear(&bomb);
    buf_clear(&tasks);
}

/* Empty submessages, 2 bytes each, of a type of more than 100 bytes. */
static void test_growth_bomb(void **state)
{
    (void)state;
    const ProtobufCMessageDescriptor *roots = &kinds__roots__descriptor;
    assert_true(sizeof(Kinds__Single) + sizeof(void *) > 2 * 84);
    struct buf bomb = {0};
    for (int i = 0; i < 10000; i++)
        put_bytes(&bomb, 1, "", 0);
    ProtobufCMessage *message = NULL;
    struct error err = {.text = ""};
    assert_int_equal(check_message(roots, bytes_of(&bomb), &strict, NULL), 0);
    assert_int_equal(check_unpack(roots, bytes_of(&bomb), &strict, &message, &err), ERR_TOO_LARGE);
    assert_non_null(strstr(err.text, "memory"));
    assert_null(message);
    buf_clear(&bomb);

    /* A few fit into what is always allowed. */
    for (int i = 0; i < 1000; i++)
        put_bytes(&bomb, 1, "", 0);
    assert_int_equal(check_unpack(roots, bytes_of(&bomb), &strict, &message, &err), 0);
    assert_int_equal(((Kinds__Roots *)message)->n_singles, 1000);
    protobuf_c_message_free_unpacked(message, NULL);
    buf_clear(&bomb);

    /* With required fields missing as well, memory is what is said to be short: it runs out first. */
    message = NULL;
    for (int i = 0; i < 100000; i++)
        put_bytes(&bomb, 2, "", 0);
    assert_int_equal(check_unpack(roots, bytes_of(&bomb), &lenient, &message, &err), ERR_TOO_LARGE);
    assert_null(message);
    buf_clear(&bomb);
}

/* Where memory ends is decided by the input's size: the same submessages pass behind enough bytes. */
static void test_growth_limit_follows_the_size(void **state)
{
    (void)state;
    const ProtobufCMessageDescriptor *roots = &kinds__roots__descriptor;
    struct buf bytes = {0}, many = {0};
    for (int i = 0; i < 10000; i++)
        put_bytes(&bytes, 1, "", 0);
    char *padding = alloc_zeroed(1, 600000);
    put_bytes(&many, 15, padding, 600000);
    put_message(&bytes, 3, &many);
    ProtobufCMessage *message = NULL;
    assert_int_equal(check_unpack(roots, bytes_of(&bytes), &strict, &message, NULL), 0);
    protobuf_c_message_free_unpacked(message, NULL);
    free(padding);
    buf_clear(&bytes);
}

/* Every prefix of every valid case of the table, in memory of exactly its size: nothing is read past the end,
 * and what the check lets through, protobuf-c takes. */
static void test_every_prefix(void **state)
{
    (void)state;
    size_t accepted = 0, refused = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct check_case *c = &cases[i];
        for (size_t length = 0; length <= c->bytes.length; length++) {
            uint8_t *exact = alloc_bytes(length);
            memcpy(exact, c->bytes.data, length);
            ProtobufCMessage *message = NULL;
            struct error err = {.text = ""};
            int checked = check_message(c->type, slice_of(exact, length), &strict, NULL);
            int rc = check_unpack(c->type, slice_of(exact, length), &lenient, &message, &err);
            if (checked == 0 && rc != 0)
                fail_msg("case %zu, %zu bytes: checked, but not unpacked: %s", i, length, err.text);
            if (strstr(err.text, "protobuf-c"))
                fail_msg("case %zu, %zu bytes: protobuf-c refused what passed the check", i, length);
            if (rc == 0)
                protobuf_c_message_free_unpacked(message, NULL);
            accepted += rc == 0;
            refused += rc != 0;
            free(exact);
        }
    }
    assert_true(accepted > 50 && refused > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_table),
            cmocka_unit_test(test_message_of_oneof_twice),
            cmocka_unit_test(test_missing_is_what_protobuf_c_misses),
            cmocka_unit_test(test_values_arrive),
            cmocka_unit_test(test_paths),
            cmocka_unit_test(test_size_limit),
            cmocka_unit_test(test_depth_limit),
            cmocka_unit_test(test_element_limit),
            cmocka_unit_test(test_nesting_bomb),
            cmocka_unit_test(test_merge_bomb),
            cmocka_unit_test(test_growth_bomb),
            cmocka_unit_test(test_growth_limit_follows_the_size),
            cmocka_unit_test(test_every_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
