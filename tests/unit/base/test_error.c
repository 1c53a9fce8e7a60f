/* Error texts: whole, cut, with a field, with the system's words. */
#include "lots.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

static void texts_and_fields(void **state)
{
    (void)state;
    struct error err;
    memset(&err, 'x', sizeof err);
    assert_int_equal(error_set(&err, ERR_CONFLICT, "task %s is there", "a"), ERR_CONFLICT);
    assert_string_equal(err.text, "task a is there");
    assert_string_equal(err.field, "");
    assert_int_equal(
            error_set_field(&err, ERR_INVALID, "launch.tasks[3].cpus", "%d is too many", 7), ERR_INVALID);
    assert_string_equal(err.text, "7 is too many");
    assert_string_equal(err.field, "launch.tasks[3].cpus");
    assert_int_equal(error_set(&err, ERR_NOT_FOUND, "no"), ERR_NOT_FOUND);
    assert_string_equal(err.field, ""); /* not the one of before */
}

static void the_systems_words(void **state)
{
    (void)state;
    struct error err;
    char expected[ERROR_TEXT_MAX];
    snprintf(expected, sizeof expected, "cannot open %s: %s", "f", strerror(ENOENT));
    assert_int_equal(error_set_errno(&err, ENOENT, "cannot open %s", "f"), ERR_IO);
    assert_string_equal(err.text, expected);
    assert_string_equal(err.field, "");
}

static void without_anybody_to_tell(void **state)
{
    (void)state;
    assert_int_equal(error_set(NULL, ERR_IO, "x"), ERR_IO);
    assert_int_equal(error_set_field(NULL, ERR_INVALID, "f", "x"), ERR_INVALID);
    assert_int_equal(error_set_errno(NULL, ENOENT, "x"), ERR_IO);
}

static void cut_where_too_long(void **state)
{
    (void)state;
    struct error err;
    char text[2000];
    memset(text, 'y', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    error_set(&err, ERR_IO, "%s", text);
    assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
    error_set_field(&err, ERR_IO, text, "%s", text);
    assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
    assert_int_equal(strlen(err.field), ERROR_FIELD_MAX - 1);
    error_set_errno(&err, ENOENT, "%s", text);
    assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
    text[ERROR_TEXT_MAX - 3] = '\0'; /* room for ": " alone */
    error_set_errno(&err, ENOENT, "%s", text);
    assert_string_equal(err.text + ERROR_TEXT_MAX - 3, ": ");
    text[ERROR_TEXT_MAX - 1] = '\0'; /* at the limit: whole */
    error_set(&err, ERR_IO, "%s", text);
    assert_string_equal(err.text, text);
}

/* A reply must be UTF-8 wherever its text was cut. */
static void cut_between_characters(void **state)
{
    (void)state;
    const char *const characters[] = {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    for (size_t i = 0; i < sizeof characters / sizeof *characters; i++) {
        for (size_t before = 0; before < 4; before++) {
            char text[2 * ERROR_TEXT_MAX] = "abcd";
            text[before] = '\0';
            while (strlen(text) < ERROR_TEXT_MAX + 8)
                strcat(text, characters[i]);
            struct error err;
            error_set_field(&err, ERR_INVALID, text, "%s", text);
            assert_true(text_is_utf8(slice_of_string(err.text)));
            assert_true(text_is_utf8(slice_of_string(err.field)));
            assert_true(strlen(err.text) > ERROR_TEXT_MAX - 5);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(texts_and_fields),
            cmocka_unit_test(the_systems_words),
            cmocka_unit_test(without_anybody_to_tell),
            cmocka_unit_test(cut_where_too_long),
            cmocka_unit_test(cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
