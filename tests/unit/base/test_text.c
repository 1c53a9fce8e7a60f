/* UTF-8, ids, UUIDs, slices. */
#include "lots.h"

#include <ctype.h>
#include <string.h>

#include "base/text.h"

static bool utf8(const char *bytes, size_t length)
{
    return text_is_utf8(slice_of(bytes, length));
}

/* Every code point, written the shortest way, is UTF-8, but for surrogates. */
static size_t encode(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3f));
    static const unsigned first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    out[0] = (char)(first[length] | code);
    return length;
}

static void every_code_point(void **state)
{
    (void)state;
    for (uint32_t code = 0; code < 0x120000; code++) {
        char bytes[8];
        size_t length = encode(code, bytes);
        bool surrogate = code >= 0xd800 && code <= 0xdfff;
        if (utf8(bytes, length) != (!surrogate && code <= 0x10ffff))
            fail_msg("U+%04x", code);
        if (length > 1 && utf8(bytes, length - 1))
            fail_msg("U+%04x, cut", code);
    }
}

static void what_is_no_utf8(void **state)
{
    (void)state;
    static const char *const bad[] = {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf",
            "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf4\x90\x80\x80",
            "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80", "\xfe", "\xff", "\xc3", "\xc3\x28", "\xe2\x82",
            "\xe2\x28\xa1", "\xf0\x9f\x98", "ok\xff", "\xc3\xa9\xa9"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (utf8(bad[i], strlen(bad[i])))
            fail_msg("case %zu", i);
    }
    static const char *const good[] = {"", "ascii", "caf\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
            "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf", "\xee\x80\x80"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(utf8(good[i], strlen(good[i])));
    assert_true(utf8("a\0b", 3)); /* NUL is a character; who must not have it looks for it */
    assert_true(text_is_utf8(slice_of(NULL, 0)));
}

static void ids(void **state)
{
    (void)state;
    struct error err;
    static const char *const good[] = {"a", "...", ".a", "a.", "a b", "caf\xc3\xa9", "~", "1234567890"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(text_check_id(good[i], 10, &err), 0);
    static const struct {
        const char *id, *words;
    } bad[] = {{"", "an id must not be empty"}, {"12345678901", "an id has at most 10 bytes, this one 11"},
            {".", "'.' is not allowed as an id"}, {"..", "'..' is not allowed as an id"},
            {"a/b", "an id must not hold '/'"}, {"a\\b", "an id must not hold '\\'"},
            {"a\nb", "an id must not hold control characters"},
            {"\x7f", "an id must not hold control characters"},
            {"\x1f", "an id must not hold control characters"},
            {"a\x01", "an id must not hold control characters"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(text_check_id(bad[i].id, 10, &err), ERR_INVALID);
        assert_string_equal(err.text, bad[i].words);
        assert_int_equal(text_check_id(bad[i].id, 10, NULL), ERR_INVALID);
    }
}

static void uuids(void **state)
{
    (void)state;
    char one[TEXT_UUID_SIZE], two[TEXT_UUID_SIZE];
    text_uuid(one);
    text_uuid(two);
    assert_string_not_equal(one, two);
    for (int i = 0; i < 100; i++) {
        text_uuid(one);
        assert_int_equal(strlen(one), 36);
        for (int j = 0; j < 36; j++) {
            if (j == 8 || j == 13 || j == 18 || j == 23)
                assert_int_equal(one[j], '-');
            else
                assert_true(isdigit((unsigned char)one[j]) || (one[j] >= 'a' && one[j] <= 'f'));
        }
        assert_int_equal(one[14], '4'); /* version 4, of the variant of RFC 4122 */
        assert_non_null(strchr("89ab", one[19]));
    }
}

static void random_bytes_fill_what_they_are_given(void **state)
{
    (void)state;
    unsigned char bytes[1000], seen[1000] = {0};
    for (int i = 0; i < 20; i++) {
        memset(bytes, 0, sizeof bytes);
        random_bytes(bytes, 998);
        assert_int_equal(bytes[998] | bytes[999], 0);
        for (int j = 0; j < 998; j++)
            seen[j] |= bytes[j];
    }
    for (int j = 0; j < 998; j++)
        assert_int_not_equal(seen[j], 0); /* 20 zeros in a row: once in 2^160 */
    random_bytes(bytes, 0);
}

static void slices(void **state)
{
    (void)state;
    assert_true(slice_equal(slice_of("ab", 2), slice_of_string("ab")));
    assert_false(slice_equal(slice_of("ab", 2), slice_of_string("abc")));
    assert_false(slice_equal(slice_of("ab", 2), slice_of_string("ac")));
    assert_true(slice_equal(slice_of(NULL, 0), slice_of_string("")));
    assert_int_equal(slice_of_string(NULL).length, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_code_point),
            cmocka_unit_test(what_is_no_utf8),
            cmocka_unit_test(ids),
            cmocka_unit_test(uuids),
            cmocka_unit_test(random_bytes_fill_what_they_are_given),
            cmocka_unit_test(slices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
