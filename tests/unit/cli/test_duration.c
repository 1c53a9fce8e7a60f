/* Lengths of time: what is read, what is not, and how they read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "duration.h"

static void test_good(void **state)
{
    static const struct {
        const char *text;
        int64_t ns;
    } cases[] = {{"0", 0}, {"0s", 0}, {"1", DURATION_SECOND}, {"1.5", 3 * DURATION_SECOND / 2},
            {"500ms", DURATION_SECOND / 2}, {"0.001ms", 1000}, {"0.001", DURATION_SECOND / 1000},
            {"10m", 600 * DURATION_SECOND}, {"1.5h", 5400 * DURATION_SECOND}, {"30d", 30 * DURATION_DAY}};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ns = -1;

        if (duration_parse(cases[i].text, INT64_MAX, &ns) < 0 || ns != cases[i].ns)
            fail_msg("%s: %lld", cases[i].text, (long long)ns);
    }
}

static void test_bad(void **state)
{
    static const char *const cases[] = {"", "s", "m10", "-1", "-1s", "+1", " 1", "1 s", "1s ", "1sec", "1S",
            "1w", "1.0001s", "1e3", ".", "1.2.3", "1ms1", "nan", "99999999999999999999999999999999999s",
            "1000000000000d"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ns = -1;

        if (duration_parse(cases[i], INT64_MAX, &ns) != ERR_INVALID || ns != -1)
            fail_msg("'%s' was taken for %lld", cases[i], (long long)ns);
    }
}

static void test_the_limit(void **state)
{
    int64_t ns = -1;

    (void)state;
    assert_int_equal(duration_parse("1d", DURATION_DAY, &ns), 0);
    assert_int_equal(ns, DURATION_DAY);
    assert_int_equal(duration_parse("86400", DURATION_DAY, &ns), 0);
    assert_int_equal(duration_parse("86400.001", DURATION_DAY, &ns), ERR_INVALID);
    assert_int_equal(duration_parse("1.001d", DURATION_DAY, &ns), ERR_INVALID);
    assert_int_equal(ns, DURATION_DAY);
}

static void test_how_they_read(void **state)
{
    static const struct {
        int64_t ns;
        const char *text;
    } cases[] = {{0, "0s"}, {DURATION_SECOND, "1s"}, {DURATION_SECOND / 2, "500ms"}, {1000, "0.001ms"},
            {999, "0ms"}, {90 * DURATION_SECOND, "1.5m"}, {600 * DURATION_SECOND, "10m"},
            {7200 * DURATION_SECOND, "2h"}, {DURATION_DAY, "1d"}, {400 * DURATION_DAY, "400d"},
            {61 * DURATION_SECOND, "61s"}, {1500 * DURATION_SECOND / 1000, "1.5s"}};
    char out[DURATION_TEXT_MAX];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(duration_format(cases[i].ns, out), cases[i].text);
    duration_format(INT64_MAX, out); /* has room */
    duration_format(INT64_MIN, out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_good), cmocka_unit_test(test_bad),
            cmocka_unit_test(test_the_limit), cmocka_unit_test(test_how_they_read)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
