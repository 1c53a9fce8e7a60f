/* field_next: one level of a message, without decoding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/check.h"

#define BYTES(literal) slice_of(literal, sizeof(literal) - 1)

static void test_each_wire_type(void **state)
{
    (void)state;
    struct field_cursor cursor = {BYTES("\x08\x96\x01"                         /* 1: varint */
                                        "\x11\x01\x02\x03\x04\x05\x06\x07\x08" /* 2: fixed64 */
                                        "\x1a\x03"
                                        "abc"                  /* 3: bytes */
                                        "\x25\x01\x02\x03\x04" /* 4: fixed32 */
                                        "\xfa\xff\xff\xff\x0f\x00" /* 2^29 - 1: empty bytes */)};
    static const struct {
        uint32_t number, wire_type;
        struct slice bytes;
    } expected[] = {
            {1, 0, {(const uint8_t *)"\x96\x01", 2}},
            {2, 1, {(const uint8_t *)"\x01\x02\x03\x04\x05\x06\x07\x08", 8}},
            {3, 2, {(const uint8_t *)"abc", 3}},
            {4, 5, {(const uint8_t *)"\x01\x02\x03\x04", 4}},
            {(1u << 29) - 1, 2, {(const uint8_t *)"", 0}},
    };
    struct field field;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_int_equal(field_next(&cursor, &field), 1);
        assert_int_equal(field.number, expected[i].number);
        assert_int_equal(field.wire_type, expected[i].wire_type);
        assert_true(slice_equal(field.bytes, expected[i].bytes));
    }
    assert_int_equal(field_next(&cursor, &field), 0);
    assert_int_equal(field_next(&cursor, &field), 0);
}

static void test_empty(void **state)
{
    (void)state;
    struct field_cursor cursor = {slice_of(NULL, 0)};
    struct field field;
    assert_int_equal(field_next(&cursor, &field), 0);
}

static void test_largest_varint(void **state)
{
    (void)state;
    struct field_cursor cursor = {BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")};
    struct field field;
    assert_int_equal(field_next(&cursor, &field), 1);
    assert_int_equal(field.bytes.length, 10);
}

static void test_malformed(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct slice bytes;
    } cases[] = {
#define CASE(what, literal)                                                                                  \
    {                                                                                                        \
        what,                                                                                                \
        {                                                                                                    \
            (const uint8_t *)(literal), sizeof(literal) - 1                                                  \
        }                                                                                                    \
    }
            CASE("a tag alone", "\x08"),
            CASE("a tag cut short", "\x88"),
            CASE("field 0", "\x00\x01"),
            CASE("field 0 of bytes", "\x02\x00"),
            CASE("field 0 in two bytes", "\x80\x00\x01"),
            CASE("a group", "\x0b\x0c"),
            CASE("the end of a group", "\x0c"),
            CASE("wire type 6", "\x0e\x01"),
            CASE("wire type 7", "\x0f\x01"),
            CASE("a tag of more than 32 bits", "\xf8\xff\xff\xff\x1f\x00"),
            CASE("a tag of six bytes", "\x88\x80\x80\x80\x80\x00\x01"),
            CASE("a varint cut short", "\x08\xff"),
            CASE("a varint of eleven bytes", "\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"),
            CASE("a varint of 65 bits", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"),
            CASE("fixed64 cut short", "\x11\x01\x02\x03\x04\x05\x06\x07"),
            CASE("fixed32 cut short", "\x25\x01\x02\x03"),
            CASE("no length", "\x1a"),
            CASE("one byte less than the length", "\x1a\x03"
                                                  "ab"),
            CASE("a length of 2^35 - 1", "\x1a\xff\xff\xff\xff\x7f"
                                         "ab"),
            CASE("a length of six bytes", "\x1a\x82\x80\x80\x80\x80\x00"
                                          "ab"),
#undef CASE
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct field_cursor cursor = {cases[i].bytes};
        struct field field = {.number = 77};
        int rc = field_next(&cursor, &field);
        if (rc != ERR_MALFORMED)
            fail_msg("%s gave %d", cases[i].what, rc);
        assert_int_equal(field.number, 77);
        assert_int_equal(cursor.rest.length, cases[i].bytes.length);
        assert_int_equal(field_next(&cursor, &field), ERR_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_each_wire_type),
            cmocka_unit_test(test_empty),
            cmocka_unit_test(test_largest_varint),
            cmocka_unit_test(test_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
