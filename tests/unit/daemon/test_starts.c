/* Which earlier runs may have left a SUBSCRIBE on its way. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "starts.h"

#define MINUTE INT64_C(60000000000)
#define NOW (INT64_C(1800000000) * 1000000000)

static void test_the_first(void **state)
{
    char after[STARTS_TEXT_MAX];
    (void)state;
    assert_int_equal(starts_add(NULL, NOW, after), 0);
    assert_string_equal(after, "1800000000000000000");
}

static void test_those_of_the_last_quarter_of_an_hour_count(void **state)
{
    char before[STARTS_TEXT_MAX], after[STARTS_TEXT_MAX], expected[STARTS_TEXT_MAX];
    (void)state;
    snprintf(before, sizeof before, "%" PRId64 " %" PRId64 " %" PRId64, NOW - 16 * MINUTE, NOW - 15 * MINUTE,
            NOW - MINUTE);
    assert_int_equal(starts_add(before, NOW, after), 2);
    snprintf(expected, sizeof expected, "%" PRId64 " %" PRId64 " %" PRId64, NOW - 15 * MINUTE, NOW - MINUTE,
            NOW);
    assert_string_equal(after, expected);
}

static void test_no_more_than_are_remembered(void **state)
{
    char before[STARTS_TEXT_MAX] = "", after[STARTS_TEXT_MAX];
    (void)state;
    for (unsigned i = 0; i < 3 * STARTS_MAX; i++) {
        assert_int_equal(starts_add(before, NOW + i, after), i < STARTS_MAX ? i : STARTS_MAX);
        memcpy(before, after, sizeof before);
    }
    assert_null(strstr(after, "1800000000000000000"));
}

static void test_clocks_and_nonsense(void **state)
{
    char after[STARTS_TEXT_MAX];
    (void)state;
    assert_int_equal(starts_add("1900000000000000000", NOW, after), 1);
    assert_int_equal(starts_add("x -1 99999999999999999999 ", NOW, after), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_the_first),
            cmocka_unit_test(test_those_of_the_last_quarter_of_an_hour_count),
            cmocka_unit_test(test_no_more_than_are_remembered),
            cmocka_unit_test(test_clocks_and_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
