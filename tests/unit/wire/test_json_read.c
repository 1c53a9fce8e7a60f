/* JSON in: each type, each error with its code and path. What was read is shown by writing it again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "kinds.pb-c.h"
#include "wire/json.h"

#define SINGLE &kinds__single__descriptor
#define MANY &kinds__many__descriptor
#define DEFAULTS &kinds__defaults__descriptor
#define NEEDS &kinds__needs__descriptor
#define ONEOF &kinds__one_of__descriptor
#define MAPS &kinds__maps__descriptor
#define NAMES &kinds__names__descriptor

/* Reads from memory of exactly the text's size. */
static int read_text(const ProtobufCMessageDescriptor *type, const char *text, size_t length,
        bool ignore_unknown, ProtobufCMessage **out, struct error *err)
{
    char *exact = alloc_bytes(length);
    memcpy(exact, text, length);
    int rc = json_read(type, exact, length, ignore_unknown, out, err);
    free(exact);
    return rc;
}

static void assert_reads(
        const ProtobufCMessageDescriptor *type, const char *text, const char *again, bool ignore)
{
    ProtobufCMessage *message = NULL;
    struct error err = {.text = ""};
    if (read_text(type, text, strlen(text), ignore, &message, &err))
        fail_msg("%s: %s", text, err.text);
    struct buf out = {0};
    assert_int_equal(json_write(message, &out, &err), 0);
    assert_int_equal(buf_append(&out, "", 1), 0);
    if (strcmp((char *)out.data, again) != 0)
        fail_msg("%s became %s and not %s", text, (char *)out.data, again);
    buf_clear(&out);

    /* What the struct holds is what protobuf-c packs. */
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *packed = alloc_bytes(size);
    assert_int_equal(protobuf_c_message_pack(message, packed), size);
    protobuf_c_message_free_unpacked(message, NULL);
    message = protobuf_c_message_unpack(type, NULL, size, packed);
    assert_non_null(message);
    assert_int_equal(json_write(message, &out, &err), 0);
    assert_int_equal(buf_append(&out, "", 1), 0);
    assert_string_equal(out.data, again);
    buf_clear(&out);
    protobuf_c_message_free_unpacked(message, NULL);
    free(packed);
}

static const struct {
    const ProtobufCMessageDescriptor *type;
    const char *text, *again; /* again NULL: the text itself */
} good[] = {
        {SINGLE, "{}", NULL},
        {SINGLE, " {\n\t} ", "{}"},
        {SINGLE, "{\"a_double\":0.5}", NULL},
        {SINGLE, "{\"a_double\":4}", "{\"a_double\":4.0}"},
        {SINGLE, "{\"a_double\":1e3}", "{\"a_double\":1000.0}"},
        {SINGLE, "{\"a_double\":-0.0}", NULL},
        {SINGLE, "{\"a_double\":\"0.25\"}", "{\"a_double\":0.25}"},
        {SINGLE, "{\"a_double\":\"-1E-2\"}", "{\"a_double\":-0.01}"},
        {SINGLE, "{\"a_double\":\"NaN\"}", NULL},
        {SINGLE, "{\"a_double\":\"Infinity\"}", NULL},
        {SINGLE, "{\"a_double\":\"-Infinity\"}", NULL},
        {SINGLE, "{\"a_double\":100000000000000000000000}", "{\"a_double\":1e+23}"},
        {SINGLE, "{\"a_double\":9007199254740993}", "{\"a_double\":9007199254740992.0}"},
        {SINGLE, "{\"a_double\":1.7976931348623157e308}", "{\"a_double\":1.7976931348623157e+308}"},
        {SINGLE, "{\"a_float\":0.1}", NULL},
        {SINGLE, "{\"a_float\":3.4028234663852886e38}", "{\"a_float\":3.4028235e+38}"},
        {SINGLE, "{\"a_float\":3.4028235e+38}", NULL},
        {SINGLE, "{\"a_float\":-3.4028235677973362e38}", "{\"a_float\":-3.4028235e+38}"},
        {SINGLE, "{\"a_float\":\"Infinity\"}", NULL},
        {SINGLE, "{\"an_int32\":-2147483648,\"an_int64\":-9223372036854775808}", NULL},
        {SINGLE, "{\"an_int32\":2147483647,\"an_int64\":9223372036854775807}", NULL},
        {SINGLE, "{\"a_uint32\":4294967295,\"a_uint64\":18446744073709551615}", NULL},
        {SINGLE, "{\"a_sint32\":-1,\"a_sint64\":-1,\"a_fixed32\":1,\"a_fixed64\":9223372036854775808}", NULL},
        {SINGLE, "{\"an_sfixed32\":-1,\"an_sfixed64\":-9223372036854775807}", NULL},
        {SINGLE, "{\"an_int64\":\"-9223372036854775808\",\"a_uint64\":\"18446744073709551615\"}",
                "{\"an_int64\":-9223372036854775808,\"a_uint64\":18446744073709551615}"},
        {SINGLE, "{\"an_int32\":\"7\",\"a_uint32\":\"007\"}", "{\"an_int32\":7,\"a_uint32\":7}"},
        {SINGLE, "{\"an_int32\":7.0,\"an_int64\":-1e3,\"a_uint64\":1e19}",
                "{\"an_int32\":7,\"an_int64\":-1000,\"a_uint64\":10000000000000000000}"},
        {SINGLE, "{\"a_uint32\":-0}", "{\"a_uint32\":0}"},
        {SINGLE, "{\"a_bool\":true}", NULL},
        {SINGLE, "{\"a_bool\":false}", NULL},
        {SINGLE, "{\"a_string\":\"\"}", NULL},
        {SINGLE, "{\"a_string\":\"\\u00e4\\ud83d\\ude00\\u2028\\/\"}",
                "{\"a_string\":\"\xc3\xa4\xf0\x9f\x98\x80\xe2\x80\xa8/\"}"},
        {SINGLE, "{\"a_string\":\"\\\"\\\\\\n\\r\\t\\u0001\\u001f\"}", NULL},
        {SINGLE, "{\"a_string\":\"18446744073709551615 in \\\"text\\\" [12345678901234567890]\"}", NULL},
        {SINGLE, "{\"a_string\":\"12345678901234567890\"}", NULL},
        {SINGLE, "{\"a_bytes\":\"AP8=\"}", NULL},
        {SINGLE, "{\"a_bytes\":\"-_8\"}", "{\"a_bytes\":\"+/8=\"}"},
        {SINGLE, "{\"a_bytes\":\"\"}", NULL},
        {SINGLE, "{\"an_enum\":\"BLUE\"}", NULL},
        {SINGLE, "{\"an_enum\":-7}", "{\"an_enum\":\"BLUE\"}"},
        {SINGLE, "{\"an_enum\":\"RED\"}", NULL},
        {SINGLE, "{\"a_leaf\":{}}", NULL},
        {SINGLE, "{\"deeper\":{\"a_leaf\":{\"number\":3}}}", NULL},
        /* Absent. */
        {SINGLE, "{\"a_double\":null,\"a_string\":null,\"a_leaf\":null,\"an_enum\":null}", "{}"},
        {MANY, "{\"doubles\":null,\"leaves\":[]}", "{}"},
        {NEEDS, "{\"text\":\"\",\"leaf\":{},\"data\":\"\",\"more\":null}",
                "{\"text\":\"\",\"leaf\":{},\"data\":\"\"}"},
        {DEFAULTS, "{\"port\":1}", NULL},
        {DEFAULTS,
                "{\"name\":\"nobody\",\"data\":\"AQI=\",\"count\":4,\"color\":\"GREEN\",\"yes\":true,"
                "\"port\":5050}",
                NULL},
        /* Repeated. */
        {MANY, "{\"doubles\":[1.0,2.5],\"floats\":[1.0],\"int32s\":[1,-1],\"int64s\":[1,2,3]}", NULL},
        {MANY, "{\"uint32s\":[1,2],\"uint64s\":[18446744073709551615,1],\"sint32s\":[-5],\"sint64s\":[-6]}",
                NULL},
        {MANY,
                "{\"fixed32s\":[1],\"fixed64s\":[2],\"sfixed32s\":[-3],\"sfixed64s\":[-4],\"bools\":[true,"
                "false]}",
                NULL},
        {MANY,
                "{\"strings\":[\"a\",\"\"],\"blobs\":[\"QQ==\",\"\"],\"colors\":[\"RED\",\"BLUE\"],"
                "\"leaves\":[{},{\"number\":1}]}",
                NULL},
        /* Choices. */
        {ONEOF, "{\"text\":\"\"}", NULL},
        {ONEOF, "{\"leaf\":{}}", NULL},
        {ONEOF, "{\"number\":0,\"one\":0}", NULL},
        {ONEOF, "{\"data\":\"QQ==\"}", NULL},
        {ONEOF, "{\"color\":\"RED\"}", NULL},
        {ONEOF, "{\"real\":0.0}", NULL},
        {ONEOF, "{\"flag\":false}", NULL},
        {ONEOF, "{\"text\":null,\"leaf\":{},\"number\":null}", "{\"leaf\":{}}"},
        /* Names. */
        {NAMES, "{\"twoWords\":\"a\",\"simple\":\"b\"}", "{\"simple\":\"b\",\"two_words\":\"a\"}"},
        {NAMES, "{\"InReceives\":\"a\",\"trailing\":\"b\",\"with2Digits\":\"c\",\"aB\":\"d\"}",
                "{\"InReceives\":\"a\",\"trailing_\":\"b\",\"with_2_digits\":\"c\",\"a__b\":\"d\"}"},
        {NAMES, "{\"two_words\":null,\"twoWords\":\"a\"}", "{\"two_words\":\"a\"}"},
        /* Maps: objects and arrays of entries; only repeated entries with a text key are maps. */
        {MAPS, "{\"texts\":{\"b\":\"1\",\"a\":\"2\",\"\":\"\"}}",
                "{\"texts\":{\"\":\"\",\"a\":\"2\",\"b\":\"1\"}}"},
        {MAPS, "{\"leaves\":{\"a\":{},\"b\":{\"number\":4}},\"numbers\":{\"x\":-5}}", NULL},
        {MAPS,
                "{\"colors\":{\"x\":\"BLUE\"},\"reals\":{\"x\":4.0},\"blobs\":{\"x\":\"QQ==\"},\"flags\":{"
                "\"x\":true}}",
                NULL},
        {MAPS, "{\"texts\":[{\"key\":\"k\",\"value\":\"v\"}]}", "{\"texts\":{\"k\":\"v\"}}"},
        {MAPS,
                "{\"texts\":[{\"key\":\"k\",\"value\":\"v\"},{\"key\":\"j\"},{\"key\":\"k\",\"value\":\"w\"}]"
                "}",
                "{\"texts\":{\"j\":\"\",\"k\":\"w\"}}"},
        {MAPS, "{\"texts\":{},\"numbers\":[]}", "{}"},
        {MAPS,
                "{\"log\":[{\"key\":\"a\",\"value\":\"b\",\"more\":\"c\"}],\"by_number\":[{\"key\":1,"
                "\"value\":\"x\"}]}",
                NULL},
        {MAPS, "{\"only\":{\"key\":\"a\",\"value\":\"b\"}}", NULL},
};

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_reads(good[i].type, good[i].text, good[i].again ? good[i].again : good[i].text, false);
        assert_reads(good[i].type, good[i].text, good[i].again ? good[i].again : good[i].text, true);
    }
}

static const struct {
    const ProtobufCMessageDescriptor *type;
    const char *text;
    int code;
    const char *field;
} bad[] = {
        /* No JSON. */
        {SINGLE, "", ERR_MALFORMED, ""},
        {SINGLE, "{", ERR_MALFORMED, ""},
        {SINGLE, "{} {}", ERR_MALFORMED, ""},
        {SINGLE, "{nonsense", ERR_MALFORMED, ""},
        {SINGLE, "{\"a_double\":NaN}", ERR_MALFORMED, "a_double"},
        {SINGLE, "{\"a_double\":01}", ERR_MALFORMED, "a_double"},
        {SINGLE, "{\"a_uint64\":012345678901234567890}", ERR_MALFORMED, "a_uint64"},
        {SINGLE, "{\"a_uint64\":--1234567890123456789}", ERR_MALFORMED, "a_uint64"},
        {SINGLE, "{12345678901234567890:1}", ERR_MALFORMED, "12345678901234567890"},
        {SINGLE, "{\"a_uint64\":1 12345678901234567890}", ERR_MALFORMED, "a_uint64"},
        {SINGLE, "12345678901234567890", ERR_INVALID, ""},
        {SINGLE, "{\"a_string\":\"\xff\"}", ERR_MALFORMED, "a_string"},
        {SINGLE, "{\"a_string\":\"\\ud800\"}", ERR_MALFORMED, "a_string"},
        {SINGLE, "{\"a_string\":\"", ERR_MALFORMED, "a_string"},
        {SINGLE, "{\"a_string\":\"\\", ERR_MALFORMED, "a_string"},
        {SINGLE, "{\"a_string\":12345678901234567890", ERR_MALFORMED, "a_string"},
        /* The path to where it stops. */
        {SINGLE, "{\"a_leaf\":{\"text\":\"a\" \"number\":1}}", ERR_MALFORMED, "a_leaf.text"},
        {SINGLE, "{\"a_leaf\":{\"text\":\"a\"}} x", ERR_MALFORMED, ""},
        {MANY, "{\"leaves\":[{\"text\":\"a,]}\"},{\"number\":1,\"text\":\"\\ud800x\"}]}", ERR_MALFORMED,
                "leaves[1].text"},
        {MANY, "{\"leaves\":[{\"text\":\"a\"},{\"number\":1,\"text\":\"\xc3\"}]}", ERR_MALFORMED,
                "leaves[1].text"},
        {MANY, "{\"leaves\":[{},{\"number\":1,\"text\":\"a\",\"number\":1}]}", ERR_INVALID,
                "leaves[1].number"},
        {MANY, "{\"doubles\":[0,1,1e999]}", ERR_INVALID, "doubles[2]"},
        {SINGLE, "{\"a\xff\":1}", ERR_MALFORMED, "a"},
        /* JSON of another shape. */
        {SINGLE, "[]", ERR_INVALID, ""},
        {SINGLE, "null", ERR_INVALID, ""},
        {SINGLE, "\"x\"", ERR_INVALID, ""},
        {SINGLE, "1", ERR_INVALID, ""},
        {SINGLE, "{\"a_leaf\":[]}", ERR_INVALID, "a_leaf"},
        {SINGLE, "{\"a_leaf\":\"x\"}", ERR_INVALID, "a_leaf"},
        {SINGLE, "{\"an_int32\":[1]}", ERR_INVALID, "an_int32"},
        {SINGLE, "{\"an_int32\":{}}", ERR_INVALID, "an_int32"},
        {MANY, "{\"int32s\":1}", ERR_INVALID, "int32s"},
        {MANY, "{\"int32s\":{}}", ERR_INVALID, "int32s"},
        {MANY, "{\"leaves\":{\"a\":{}}}", ERR_INVALID, "leaves"},
        {MANY, "{\"int32s\":[1,null]}", ERR_INVALID, "int32s[1]"},
        {MANY, "{\"strings\":[\"\",null]}", ERR_INVALID, "strings[1]"},
        {MANY, "{\"leaves\":[{},{},null]}", ERR_INVALID, "leaves[2]"},
        {MANY, "{\"leaves\":[{},{\"number\":\"x\"}]}", ERR_INVALID, "leaves[1].number"},
        /* Keys. */
        {SINGLE, "{\"an_int32\":1,\"an_int32\":1}", ERR_INVALID, "an_int32"},
        {SINGLE, "{\"nope\":{\"a\":1,\"a\":2}}", ERR_INVALID, "nope.a"},
        {SINGLE, "{\"a_uint64\":12345678901234567890,\"a_uint64\":1}", ERR_INVALID, "a_uint64"},
        {NAMES, "{\"two_words\":\"a\",\"twoWords\":\"b\"}", ERR_INVALID, "two_words"},
        {SINGLE, "{\"nope\":1}", ERR_INVALID, "nope"},
        {SINGLE, "{\"nope\":null}", ERR_INVALID, "nope"},
        {SINGLE, "{\"a_leaf\":{\"a b\xc3\xa4\":1}}", ERR_INVALID, "a_leaf.a?b??"},
        {SINGLE, "{\"ADouble\":1}", ERR_INVALID, "ADouble"},
        {SINGLE, "{\"A_double\":1}", ERR_INVALID, "A_double"},
        /* Numbers. */
        {SINGLE, "{\"an_int32\":2147483648}", ERR_INVALID, "an_int32"},
        {SINGLE, "{\"an_int32\":-2147483649}", ERR_INVALID, "an_int32"},
        {SINGLE, "{\"an_int32\":12345678901234567890}", ERR_INVALID, "an_int32"},
        {SINGLE, "{\"an_int64\":9223372036854775808}", ERR_INVALID, "an_int64"},
        {SINGLE, "{\"an_int64\":-9223372036854775809}", ERR_INVALID, "an_int64"},
        {SINGLE, "{\"an_int64\":\"9223372036854775808\"}", ERR_INVALID, "an_int64"},
        {SINGLE, "{\"an_int64\":1e19}", ERR_INVALID, "an_int64"},
        {SINGLE, "{\"a_uint32\":4294967296}", ERR_INVALID, "a_uint32"},
        {SINGLE, "{\"a_uint32\":-1}", ERR_INVALID, "a_uint32"},
        {SINGLE, "{\"a_uint64\":18446744073709551616}", ERR_INVALID, "a_uint64"},
        {SINGLE, "{\"a_uint64\":\"18446744073709551616\"}", ERR_INVALID, "a_uint64"},
        {SINGLE, "{\"a_uint64\":18446744073709551616.0}", ERR_INVALID, "a_uint64"},
        {SINGLE, "{\"a_uint64\":99999999999999999999}", ERR_INVALID, "a_uint64"},
        {SINGLE, "{\"a_uint64\":-1}", ERR_INVALID, "a_uint64"},
        {SINGLE, "{\"a_uint64\":-12345678901234567890}", ERR_INVALID, "a_uint64"},
        {SINGLE, "{\"an_int32\":1.5}", ERR_INVALID, "an_int32"},
        {SINGLE, "{\"an_int32\":\"1.0\"}", ERR_INVALID, "an_int32"},
        {SINGLE, "{\"an_int32\":\"\"}", ERR_INVALID, "an_int32"},
        {SINGLE, "{\"an_int32\":\"-\"}", ERR_INVALID, "an_int32"},
        {SINGLE, "{\"an_int32\":\"+1\"}", ERR_INVALID, "an_int32"},
        {SINGLE, "{\"an_int32\":\" 1\"}", ERR_INVALID, "an_int32"},
        {SINGLE, "{\"an_int32\":\"1x\"}", ERR_INVALID, "an_int32"},
        {SINGLE, "{\"an_int32\":\"1\\u0000\"}", ERR_INVALID, "an_int32"},
        {SINGLE, "{\"an_int32\":true}", ERR_INVALID, "an_int32"},
        {SINGLE, "{\"a_double\":1e400}", ERR_INVALID, "a_double"},
        {SINGLE, "{\"a_double\":\"1e400\"}", ERR_INVALID, "a_double"},
        {SINGLE, "{\"a_double\":\"\"}", ERR_INVALID, "a_double"},
        {SINGLE, "{\"a_double\":\"nan\"}", ERR_INVALID, "a_double"},
        {SINGLE, "{\"a_double\":\"0x10\"}", ERR_INVALID, "a_double"},
        {SINGLE, "{\"a_double\":\"1,5\"}", ERR_INVALID, "a_double"},
        {SINGLE, "{\"a_double\":\".5\"}", ERR_INVALID, "a_double"},
        {SINGLE, "{\"a_double\":\"1.\"}", ERR_INVALID, "a_double"},
        {SINGLE, "{\"a_double\":\"1e\"}", ERR_INVALID, "a_double"},
        {SINGLE, "{\"a_double\":\"1\\u00002\"}", ERR_INVALID, "a_double"},
        {SINGLE, "{\"a_double\":true}", ERR_INVALID, "a_double"},
        {SINGLE, "{\"a_float\":3.5e38}", ERR_INVALID, "a_float"},
        {SINGLE, "{\"a_float\":-3.4028235677973366e38}", ERR_INVALID, "a_float"},
        {SINGLE, "{\"a_bool\":1}", ERR_INVALID, "a_bool"},
        {SINGLE, "{\"a_bool\":\"true\"}", ERR_INVALID, "a_bool"},
        /* Text and bytes. */
        {SINGLE, "{\"a_string\":1}", ERR_INVALID, "a_string"},
        {SINGLE, "{\"a_string\":12345678901234567890}", ERR_INVALID, "a_string"},
        {SINGLE, "{\"a_string\":\"a\\u0000b\"}", ERR_INVALID, "a_string"},
        {SINGLE, "{\"a_string\":\"\\u0000b\"}", ERR_INVALID, "a_string"},
        {SINGLE, "{\"a_uint64\":\"\\u000018446744073709551615\"}", ERR_INVALID, "a_uint64"},
        {SINGLE, "{\"a_bytes\":\"A\"}", ERR_INVALID, "a_bytes"},
        {SINGLE, "{\"a_bytes\":\"A*==\"}", ERR_INVALID, "a_bytes"},
        {SINGLE, "{\"a_bytes\":12345678901234567890}", ERR_INVALID, "a_bytes"},
        {SINGLE, "{\"a_bytes\":1}", ERR_INVALID, "a_bytes"},
        /* Enums. */
        {SINGLE, "{\"an_enum\":\"PINK\"}", ERR_INVALID, "an_enum"},
        {SINGLE, "{\"an_enum\":\"red\"}", ERR_INVALID, "an_enum"},
        {SINGLE, "{\"an_enum\":\"0\"}", ERR_INVALID, "an_enum"},
        {SINGLE, "{\"an_enum\":2}", ERR_INVALID, "an_enum"},
        {SINGLE, "{\"an_enum\":4294967296}", ERR_INVALID, "an_enum"},
        {SINGLE, "{\"an_enum\":12345678901234567890}", ERR_INVALID, "an_enum"},
        {SINGLE, "{\"an_enum\":true}", ERR_INVALID, "an_enum"},
        /* Required. */
        {NEEDS, "{}", ERR_INVALID, "text"},
        {NEEDS, "{\"text\":null,\"leaf\":{},\"data\":\"\"}", ERR_INVALID, "text"},
        {NEEDS, "{\"text\":\"\",\"data\":\"\"}", ERR_INVALID, "leaf"},
        {NEEDS, "{\"text\":\"\",\"leaf\":{},\"data\":\"\",\"more\":[{}]}", ERR_INVALID, "more[0].text"},
        {DEFAULTS, "{}", ERR_INVALID, "port"},
        /* Choices. */
        {ONEOF, "{\"text\":\"a\",\"number\":1}", ERR_INVALID, "number"},
        {ONEOF, "{\"leaf\":{},\"text\":\"a\"}", ERR_INVALID, "text"},
        {ONEOF, "{\"one\":1,\"two\":1}", ERR_INVALID, "two"},
        /* Maps. */
        {MAPS, "{\"texts\":{\"a\":1}}", ERR_INVALID, "texts[0].value"},
        {MAPS, "{\"texts\":{\"a\":\"\",\"b\":null}}", ERR_INVALID, "texts[1].value"},
        {MAPS, "{\"texts\":{\"a\":\"\",\"a\":\"\"}}", ERR_INVALID, "texts.a"},
        {MAPS, "{\"texts\":1}", ERR_INVALID, "texts"},
        {MAPS, "{\"by_number\":{\"1\":\"x\"}}", ERR_INVALID, "by_number"},
        {MAPS, "{\"leaves\":{\"x\":{\"number\":{}}}}", ERR_INVALID, "leaves[0].value.number"},
};

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ProtobufCMessage *message = NULL;
        struct error err = {.text = ""};
        int rc = read_text(bad[i].type, bad[i].text, strlen(bad[i].text), false, &message, &err);
        if (rc != bad[i].code || strcmp(err.field, bad[i].field) != 0 || !strstr(err.text, bad[i].field))
            fail_msg("%s: %d, field '%s': %s", bad[i].text, rc, err.field, err.text);
        if (!*err.text || message)
            fail_msg("%s: no words, or a message all the same", bad[i].text);
        assert_int_equal(read_text(bad[i].type, bad[i].text, strlen(bad[i].text), false, &message, NULL), rc);
    }
}

static void test_long_integer_is_no_text(void **state)
{
    (void)state;
    static const char text[] = "{\"a_string\":12345678901234567890}";
    ProtobufCMessage *message = NULL;
    struct error err = {.text = ""};
    assert_int_equal(read_text(SINGLE, text, sizeof text - 1, false, &message, &err), ERR_INVALID);
    assert_string_equal(err.text, "a_string is no text");
}

/* jansson alone takes the first of these. */
static void test_nul_bytes(void **state)
{
    (void)state;
    static const char texts[][40] = {"{\"an_int32\":1\0}", "{\"an_int32\":\0001}", "{\"a_string\":\"\0\"}",
            "{\"a_uint64\":1234567890123456789\0}", "{}\0"};
    static const size_t lengths[] = {15, 15, 16, 33, 3};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        ProtobufCMessage *message = NULL;
        assert_non_null(memchr(texts[i], 0, lengths[i]));
        assert_int_equal(read_text(SINGLE, texts[i], lengths[i], true, &message, NULL), ERR_MALFORMED);
    }
}

static void test_ignore_unknown(void **state)
{
    (void)state;
    assert_reads(SINGLE, "{\"nope\":[{\"a\":[null]}],\"an_int32\":1}", "{\"an_int32\":1}", true);
    assert_reads(SINGLE, "{\"a_leaf\":{\"nope\":12345678901234567890}}", "{\"a_leaf\":{}}", true);
    assert_reads(SINGLE, "{\"an_enum\":\"PINK\"}", "{}", true);
    assert_reads(MANY, "{\"colors\":[\"PINK\",\"BLUE\",\"PINK\",\"RED\"]}", "{\"colors\":[\"BLUE\",\"RED\"]}",
            true);
    assert_reads(ONEOF, "{\"color\":\"PINK\"}", "{}", true);
    assert_reads(MAPS, "{\"colors\":{\"a\":\"PINK\"}}", "{\"colors\":{\"a\":\"RED\"}}", true);
    ProtobufCMessage *message = NULL;
    struct error err = {.text = ""};
    static const char number[] = "{\"an_enum\":99}", twice[] = "{\"nope\":1,\"nope\":2}";
    assert_int_equal(read_text(SINGLE, number, sizeof number - 1, true, &message, &err), ERR_INVALID);
    assert_int_equal(read_text(SINGLE, twice, sizeof twice - 1, true, &message, &err), ERR_INVALID);
}

static char *nested(unsigned depth, size_t *length)
{
    struct buf text = {0};
    for (unsigned i = 1; i < depth; i++)
        assert_int_equal(buf_append_string(&text, "{\"deeper\":"), 0);
    assert_int_equal(buf_append_string(&text, "{"), 0);
    for (unsigned i = 0; i < depth; i++)
        assert_int_equal(buf_append_string(&text, "}"), 0);
    *length = text.length;
    return (char *)buf_release(&text);
}

static void test_depth(void **state)
{
    (void)state;
    static const struct {
        unsigned depth;
        int code;
    } cases[] = {{JSON_DEPTH_MAX, 0}, {JSON_DEPTH_MAX + 1, ERR_TOO_LARGE}, {100000, ERR_TOO_LARGE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t length;
        char *text = nested(cases[i].depth, &length);
        ProtobufCMessage *message = NULL;
        int rc = read_text(SINGLE, text, length, false, &message, NULL);
        assert_int_equal(rc, cases[i].code);
        if (message)
            protobuf_c_message_free_unpacked(message, NULL);
        free(text);
    }

    /* Unknown fields nest as deep as jansson reads. */
    struct buf text = {0};
    assert_int_equal(buf_append_string(&text, "{\"nope\":"), 0);
    for (int i = 0; i < 3000; i++)
        assert_int_equal(buf_append_string(&text, "["), 0);
    ProtobufCMessage *message = NULL;
    assert_int_equal(read_text(SINGLE, (char *)text.data, text.length, true, &message, NULL), ERR_TOO_LARGE);
    buf_clear(&text);
}

/* An entry is one level, the message in it another. */
static void test_entries_of_maps_count_as_depth(void **state)
{
    (void)state;
    static const struct {
        const ProtobufCMessageDescriptor *type;
        const char *start, *inside, *end;
        unsigned maps;
        int code;
    } cases[] = {
            {MAPS, "", "{}", "", JSON_DEPTH_MAX / 2 - 1, 0},
            {MAPS, "", "{}", "", JSON_DEPTH_MAX / 2, ERR_TOO_LARGE},
            {MAPS, "", "{\"texts\":{\"a\":\"\"}}", "", JSON_DEPTH_MAX / 2 - 1, 0},
            {&kinds__maps__deeper_entry__descriptor, "{\"value\":", "{}", "}", JSON_DEPTH_MAX / 2 - 1, 0},
            {&kinds__maps__deeper_entry__descriptor, "{\"value\":", "{\"texts\":{\"a\":\"\"}}", "}",
                    JSON_DEPTH_MAX / 2 - 1, ERR_TOO_LARGE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf text = {0};
        assert_int_equal(buf_append_string(&text, cases[i].start), 0);
        for (unsigned n = 0; n < cases[i].maps; n++)
            assert_int_equal(buf_append_string(&text, "{\"deeper\":{\"k\":"), 0);
        assert_int_equal(buf_append_string(&text, cases[i].inside), 0);
        for (unsigned n = 0; n < cases[i].maps; n++)
            assert_int_equal(buf_append_string(&text, "}}"), 0);
        assert_int_equal(buf_append_string(&text, cases[i].end), 0);
        assert_int_equal(buf_append(&text, "", 1), 0);
        ProtobufCMessage *message = NULL;
        int rc = read_text(cases[i].type, (char *)text.data, text.length - 1, false, &message, NULL);
        assert_int_equal(rc, cases[i].code);
        if (message) {
            protobuf_c_message_free_unpacked(message, NULL);
            assert_reads(cases[i].type, (char *)text.data, (char *)text.data, false);
        }
        buf_clear(&text);
    }
}

static void test_memory_limit(void **state)
{
    (void)state;
    struct buf text = {0};
    ProtobufCMessage *message = NULL;
    struct error err = {.text = ""};
    for (int i = 0; i < 2; i++) {
        int elements = i == 0 ? 1000 : 10000;
        assert_int_equal(buf_append_string(&text, "{\"singles\":["), 0);
        for (int n = 0; n < elements; n++)
            assert_int_equal(buf_append_string(&text, n ? ",{}" : "{}"), 0);
        assert_int_equal(buf_append_string(&text, "]}"), 0);
        int rc = read_text(&kinds__roots__descriptor, (char *)text.data, text.length, false, &message, &err);
        assert_int_equal(rc, i == 0 ? 0 : ERR_TOO_LARGE);
        if (rc == 0)
            protobuf_c_message_free_unpacked(message, NULL);
        buf_clear(&text);
    }
    assert_non_null(strstr(err.text, "memory"));
}

/* Nothing is read past the end, and nothing is left behind. */
static void test_every_prefix(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        size_t whole = strlen(good[i].text);
        for (size_t length = 0; length < whole; length++) {
            ProtobufCMessage *message = NULL;
            if (read_text(good[i].type, good[i].text, length, false, &message, NULL) == 0)
                protobuf_c_message_free_unpacked(message, NULL);
            else
                assert_null(message);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_good),
            cmocka_unit_test(test_bad),
            cmocka_unit_test(test_long_integer_is_no_text),
            cmocka_unit_test(test_nul_bytes),
            cmocka_unit_test(test_ignore_unknown),
            cmocka_unit_test(test_depth),
            cmocka_unit_test(test_entries_of_maps_count_as_depth),
            cmocka_unit_test(test_memory_limit),
            cmocka_unit_test(test_every_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
