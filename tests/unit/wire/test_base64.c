/* Base64: all lengths, both alphabets, padding, and what is refused. Private to src/wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "wire/base64.h"

static const struct {
    const char *bytes;
    size_t length;
    const char *text;
} pairs[] = {
        /* The vectors of RFC 4648. */
        {"", 0, ""},
        {"f", 1, "Zg=="},
        {"fo", 2, "Zm8="},
        {"foo", 3, "Zm9v"},
        {"foob", 4, "Zm9vYg=="},
        {"fooba", 5, "Zm9vYmE="},
        {"foobar", 6, "Zm9vYmFy"},
        {"\0\0\0", 3, "AAAA"},
        {"\xff\xff\xff", 3, "////"},
        {"\xfb\xef\xbe", 3, "++++"},
};

static void test_pairs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        size_t wanted = strlen(pairs[i].text), size;
        assert_int_equal(base64_encoded_size(pairs[i].length), wanted);
        char text[16];
        base64_encode(slice_of(pairs[i].bytes, pairs[i].length), text);
        assert_memory_equal(text, pairs[i].text, wanted);

        uint8_t bytes[16];
        for (size_t padding = 0; padding < 2; padding++) {
            size_t length = padding ? wanted : strcspn(pairs[i].text, "=");
            assert_true(base64_decode(pairs[i].text, length, bytes, &size));
            assert_int_equal(size, pairs[i].length);
            assert_memory_equal(bytes, pairs[i].bytes, size);
        }
    }
}

static void test_url_safe(void **state)
{
    (void)state;
    uint8_t bytes[8];
    size_t size;
    assert_true(base64_decode("-_-_", 4, bytes, &size));
    assert_memory_equal(bytes, "\xfb\xff\xbf", 3);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"Z", "Zg=", "Zg===", "Zm9v=", "Zm9v==", "Zm9vY", "Zg==Zg==", "=",
            "==", "====", "Zm 9v", "Zm9v\n", "Zm9*", "Z=m9", "\xc3\xa4\xc3\xa4", "Zm9v,"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        uint8_t bytes[32];
        size_t size;
        if (base64_decode(texts[i], strlen(texts[i]), bytes, &size))
            fail_msg("'%s' was taken", texts[i]);
    }
}

/* Rooms of exactly the promised size, for the sanitizers to guard. */
static void test_every_length(void **state)
{
    (void)state;
    for (size_t length = 0; length < 70; length++) {
        uint8_t *bytes = alloc_bytes(length), *again = NULL;
        for (size_t i = 0; i < length; i++)
            bytes[i] = (uint8_t)(i * 37 + length);
        size_t encoded = base64_encoded_size(length), size = 0;
        char *text = alloc_bytes(encoded);
        base64_encode(slice_of(bytes, length), text);
        for (size_t padding = 0; padding < 3; padding++) {
            if (encoded < padding || (padding && text[encoded - padding] != '='))
                continue;
            again = alloc_bytes(base64_decoded_max(encoded - padding));
            if (padding == 1 && encoded > 1 && text[encoded - 2] == '=') {
                assert_false(base64_decode(text, encoded - padding, again, &size));
            } else {
                assert_true(base64_decode(text, encoded - padding, again, &size));
                assert_int_equal(size, length);
                assert_memory_equal(again, bytes, length);
            }
            free(again);
        }
        free(text);
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_pairs),
            cmocka_unit_test(test_url_safe),
            cmocka_unit_test(test_refused),
            cmocka_unit_test(test_every_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
