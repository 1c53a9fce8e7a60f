/* RecordIO: framing, limits, bad headers, whatever the chunks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/recordio.h"

#define RECORD_MAX 40

/* Feeds one chunk and appends each record as "<bytes>|" to `seen`. The last result, 0 or an error. */
static int feed(struct recordio *recordio, const char *data, size_t length, char *seen, struct error *err)
{
    struct slice input = slice_of(data, length);
    for (;;) {
        uint8_t *record = NULL;
        size_t size = 0;
        int rc = recordio_next(recordio, &input, &record, &size, err);
        if (rc != 1) {
            assert_null(record);
            if (rc == 0)
                assert_int_equal(input.length, 0);
            return rc;
        }
        assert_non_null(record);
        size_t used = strlen(seen);
        memcpy(seen + used, record, size);
        memcpy(seen + used + size, "|", 2);
        free(record);
    }
}

static const char three[] = "5\nhello0\n12\nhello\nworld\n3\n4\n5";
static const char three_seen[] = "hello||hello\nworld\n|4\n5|";

static void test_whole(void **state)
{
    (void)state;
    struct recordio recordio;
    recordio_init(&recordio, RECORD_MAX);
    char seen[100] = "";
    assert_int_equal(feed(&recordio, three, sizeof three - 1, seen, NULL), 0);
    assert_string_equal(seen, three_seen);
    recordio_clear(&recordio);
}

static void test_split_at_every_byte(void **state)
{
    (void)state;
    size_t length = sizeof three - 1;
    for (size_t first = 0; first <= length; first++) {
        for (size_t second = first; second <= length; second++) {
            struct recordio recordio;
            recordio_init(&recordio, RECORD_MAX);
            char seen[100] = "";
            assert_int_equal(feed(&recordio, three, first, seen, NULL), 0);
            assert_int_equal(feed(&recordio, three + first, second - first, seen, NULL), 0);
            assert_int_equal(feed(&recordio, three + second, length - second, seen, NULL), 0);
            assert_string_equal(seen, three_seen);
            recordio_clear(&recordio);
        }
    }
}

static void test_byte_by_byte(void **state)
{
    (void)state;
    struct recordio recordio;
    recordio_init(&recordio, RECORD_MAX);
    char seen[100] = "";
    for (size_t i = 0; i < sizeof three - 1; i++)
        assert_int_equal(feed(&recordio, three + i, 1, seen, NULL), 0);
    assert_string_equal(seen, three_seen);
    recordio_clear(&recordio);
}

static void test_empty_record_needs_no_further_byte(void **state)
{
    (void)state;
    struct recordio recordio;
    recordio_init(&recordio, RECORD_MAX);
    struct slice input = slice_of("0\n", 2);
    uint8_t *record = NULL;
    size_t length = 99;
    assert_int_equal(recordio_next(&recordio, &input, &record, &length, NULL), 1);
    assert_non_null(record);
    assert_int_equal(length, 0);
    assert_int_equal(input.length, 0);
    free(record);
    input = slice_of(NULL, 0);
    assert_int_equal(recordio_next(&recordio, &input, &record, &length, NULL), 0);
    recordio_clear(&recordio);
}

static void test_stops_after_one_record(void **state)
{
    (void)state;
    struct recordio recordio;
    recordio_init(&recordio, RECORD_MAX);
    struct slice input = slice_of("1\na1\nb", 6);
    uint8_t *record;
    size_t length;
    assert_int_equal(recordio_next(&recordio, &input, &record, &length, NULL), 1);
    assert_int_equal(length, 1);
    assert_int_equal(input.length, 3);
    free(record);
    recordio_clear(&recordio);
}

static void test_bad_headers(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        int code;
        const char *words;
    } cases[] = {
            {"\n", ERR_MALFORMED, "empty"},
            {"1\na\n", ERR_MALFORMED, "empty"},
            {"x", ERR_MALFORMED, "0x78"},
            {"12x", ERR_MALFORMED, "0x78"},
            {"-1\n", ERR_MALFORMED, "0x2d"},
            {"+1\n", ERR_MALFORMED, "0x2b"},
            {" 1\n", ERR_MALFORMED, "0x20"},
            {"1 \n", ERR_MALFORMED, "0x20"},
            {"1\r\n", ERR_MALFORMED, "0x0d"},
            {"0x5\n", ERR_MALFORMED, "0x78"},
            {"{\"type\":\"HEARTBEAT\"}", ERR_MALFORMED, "0x7b"},
            {"\xff", ERR_MALFORMED, "0xff"},
            {"3abc", ERR_MALFORMED, "0x61"},                      /* the newline is missing */
            {"00000000000000000001", ERR_MALFORMED, "19 digits"}, /* 20 digits */
            {"41", ERR_TOO_LARGE, "40 bytes"},
            {"50", ERR_TOO_LARGE, "40 bytes"},
            {"400", ERR_TOO_LARGE, "40 bytes"},
            {"18446744073709551616\n", ERR_TOO_LARGE, "40 bytes"}, /* 2^64, which must not wrap to 0 */
            {"99999999999999999999999999\n", ERR_TOO_LARGE, "40 bytes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct recordio recordio;
        recordio_init(&recordio, RECORD_MAX);
        struct error err = {.text = ""};
        char seen[100] = "";
        int rc = feed(&recordio, cases[i].bytes, strlen(cases[i].bytes), seen, &err);
        if (rc != cases[i].code || !strstr(err.text, cases[i].words))
            fail_msg("'%s' gave %d, '%s'", cases[i].bytes, rc, err.text);

        /* It stays so, with the same words, and takes nothing. */
        struct error again = {.text = ""};
        struct slice input = slice_of("1\na", 3);
        uint8_t *record = NULL;
        size_t length;
        assert_int_equal(recordio_next(&recordio, &input, &record, &length, &again), rc);
        assert_string_equal(again.text, err.text);
        assert_int_equal(input.length, 3);

        recordio_clear(&recordio);
        seen[0] = '\0';
        assert_int_equal(feed(&recordio, "1\na", 3, seen, NULL), 0);
        assert_string_equal(seen, "a|");
        recordio_clear(&recordio);
    }
}

static void test_largest_limit_does_not_wrap(void **state)
{
    (void)state;
    struct recordio recordio;
    recordio_init(&recordio, SIZE_MAX);
    char seen[10] = "";
    assert_int_equal(feed(&recordio, "18446744073709551616", 20, seen, NULL), ERR_MALFORMED);
    recordio_clear(&recordio);
    assert_int_equal(feed(&recordio, "1844674407370955161", 19, seen, NULL), 0);
    recordio_clear(&recordio);
}

static void test_limit(void **state)
{
    (void)state;
    struct recordio recordio;
    recordio_init(&recordio, 10);
    char seen[100] = "";
    assert_int_equal(feed(&recordio, "10\n0123456789", 13, seen, NULL), 0);
    assert_string_equal(seen, "0123456789|");
    assert_int_equal(feed(&recordio, "11", 2, seen, NULL), ERR_TOO_LARGE);
    recordio_clear(&recordio);
    recordio_init(&recordio, 0);
    seen[0] = '\0';
    assert_int_equal(feed(&recordio, "0\n", 2, seen, NULL), 0);
    assert_string_equal(seen, "|");
    assert_int_equal(feed(&recordio, "1", 1, seen, NULL), ERR_TOO_LARGE);
    recordio_clear(&recordio);
}

static void test_leading_zeros(void **state)
{
    (void)state;
    struct recordio recordio;
    recordio_init(&recordio, 10);
    char seen[100] = "";
    assert_int_equal(feed(&recordio, "003\nabc0000000000000000010\n0123456789", 37, seen, NULL), 0);
    assert_string_equal(seen, "abc|0123456789|");
    recordio_clear(&recordio);
}

static void test_clear_forgets_a_part(void **state)
{
    (void)state;
    struct recordio recordio;
    recordio_init(&recordio, 10);
    char seen[100] = "";
    assert_int_equal(feed(&recordio, "9\nabc", 5, seen, NULL), 0);
    recordio_clear(&recordio);
    assert_int_equal(feed(&recordio, "1\nx", 3, seen, NULL), 0);
    assert_string_equal(seen, "x|");
    recordio_clear(&recordio);
}

static void test_header(void **state)
{
    (void)state;
    static const struct {
        size_t length;
        const char *text;
    } cases[] = {{0, "0\n"}, {7, "7\n"}, {1048576, "1048576\n"}, {INT64_MAX, "9223372036854775807\n"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char header[RECORDIO_HEADER_MAX + 1];
        size_t size = recordio_header(cases[i].length, header);
        assert_int_equal(size, strlen(cases[i].text));
        assert_memory_equal(header, cases[i].text, size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_whole),
            cmocka_unit_test(test_split_at_every_byte),
            cmocka_unit_test(test_byte_by_byte),
            cmocka_unit_test(test_empty_record_needs_no_further_byte),
            cmocka_unit_test(test_stops_after_one_record),
            cmocka_unit_test(test_bad_headers),
            cmocka_unit_test(test_largest_limit_does_not_wrap),
            cmocka_unit_test(test_limit),
            cmocka_unit_test(test_leading_zeros),
            cmocka_unit_test(test_clear_forgets_a_part),
            cmocka_unit_test(test_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
