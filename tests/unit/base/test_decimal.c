/* Amounts in thousandths, and integers, at their limits. */
#include "lots.h"

#include <locale.h>
#include <math.h>

#include "base/decimal.h"

#define UNTOUCHED ((milli_t)-77)

static void from_double(void **state)
{
    (void)state;
    static const struct {
        double value;
        milli_t milli;
    } cases[] = {{0, 0}, {-0.0, 0}, {1, 1000}, {0.1, 100}, {0.001, 1}, {0.0005, 1}, {0.00049, 0},
            {-0.0005, -1}, {-0.00049, 0}, {1.0005, 1001}, {2.6664, 2666}, {2.6666, 2667},
            {0.30000000000000004, 300}, {0.29999999999999999, 300}, {1e12, MILLI_MAX}, {-1e12, -MILLI_MAX},
            {999999999999.999, 999999999999999}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        milli_t milli = UNTOUCHED;
        assert_int_equal(milli_from_double(cases[i].value, &milli), 0);
        assert_int_equal(milli, cases[i].milli);
    }
    static const double bad[] = {
            (double)NAN, HUGE_VAL, -HUGE_VAL, 1000000000000.01, -1000000000000.01, 1e300, -1e300};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        milli_t milli = UNTOUCHED;
        assert_int_equal(milli_from_double(bad[i], &milli), ERR_INVALID);
        assert_int_equal(milli, UNTOUCHED);
    }
}

static void parse(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        milli_t milli;
    } cases[] = {{"0", 0}, {"4", 4000}, {"+4", 4000}, {"-4", -4000}, {"0.25", 250}, {"-1.5", -1500},
            {"0.001", 1}, {"00.100", 100}, {"-0", 0}, {"1000000000000", MILLI_MAX},
            {"1000000000000.000", MILLI_MAX}, {"-1000000000000", -MILLI_MAX},
            {"999999999999.999", 999999999999999}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        milli_t milli = UNTOUCHED;
        if (milli_parse(cases[i].text, &milli) || milli != cases[i].milli)
            fail_msg("%s is %lld", cases[i].text, (long long)milli);
    }
    static const char *const bad[] = {"", "+", "-", ".", "4.", ".5", "1.2345", "1e3", "0x10", "inf", "nan",
            " 1", "1 ", "1,5", "--1", "+-1", "1.2.3", "1000000000000.001", "1000000000001",
            "-1000000000000.001", "99999999999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        milli_t milli = UNTOUCHED;
        if (milli_parse(bad[i], &milli) != ERR_INVALID || milli != UNTOUCHED)
            fail_msg("'%s' is %lld", bad[i], (long long)milli);
    }
}

static void format(void **state)
{
    (void)state;
    static const struct {
        milli_t milli;
        const char *text;
    } cases[] = {{0, "0"}, {4000, "4"}, {250, "0.25"}, {-1500, "-1.5"}, {1, "0.001"}, {-1, "-0.001"},
            {10, "0.01"}, {100000, "100"}, {MILLI_MAX, "1000000000000"}, {-MILLI_MAX, "-1000000000000"},
            {INT64_MAX, "9223372036854775.807"}, {INT64_MIN, "-9223372036854775.808"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[MILLI_TEXT_MAX];
        assert_ptr_equal(milli_format(cases[i].milli, text), text);
        assert_string_equal(text, cases[i].text);
    }
}

static void there_and_back(void **state)
{
    (void)state;
    struct lots lots = lots_new();
    for (int i = 0; i < 100000; i++) {
        milli_t milli = (milli_t)lots_draw(&lots, 2 * (uint64_t)MILLI_MAX + 1) - MILLI_MAX, back;
        if (i % 2)
            milli %= 100000;
        char text[MILLI_TEXT_MAX];
        assert_int_equal(milli_parse(milli_format(milli, text), &back), 0);
        assert_int_equal(back, milli);
        assert_int_equal(milli_from_double(milli_to_double(milli), &back), 0);
        assert_int_equal(back, milli);
    }
}

static void integers(void **state)
{
    (void)state;
    int64_t value;
    assert_int_equal(integer_parse("5", 5, 5, &value), 0);
    assert_int_equal(value, 5);
    assert_int_equal(integer_parse("-5", -5, 5, &value), 0);
    assert_int_equal(value, -5);
    assert_int_equal(integer_parse("0007", 0, 9, &value), 0);
    assert_int_equal(value, 7);
    assert_int_equal(integer_parse("9223372036854775807", INT64_MIN, INT64_MAX, &value), 0);
    assert_true(value == INT64_MAX);
    assert_int_equal(integer_parse("-9223372036854775808", INT64_MIN, INT64_MAX, &value), 0);
    assert_true(value == INT64_MIN);
    static const char *const bad[] = {"", "-", "+5", "5 ", " 5", "5x", "1.0", "--5", "9223372036854775808",
            "-9223372036854775809", "99999999999999999999", "0x5"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        value = UNTOUCHED;
        if (integer_parse(bad[i], INT64_MIN, INT64_MAX, &value) != ERR_INVALID || value != UNTOUCHED)
            fail_msg("'%s' is %lld", bad[i], (long long)value);
    }
    value = UNTOUCHED;
    assert_int_equal(integer_parse("4", 5, 9, &value), ERR_INVALID);
    assert_int_equal(integer_parse("10", 5, 9, &value), ERR_INVALID);
    assert_int_equal(value, UNTOUCHED);
}

/* Where a comma separates the fraction, numbers are read and written as ever. */
static void the_locale_does_not_matter(void **state)
{
    (void)state;
    static const char *const locales[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"};
    size_t set = 0;
    for (size_t i = 0; i < sizeof locales / sizeof *locales; i++)
        set += setlocale(LC_ALL, locales[i]) != NULL;
    if (set == 0)
        print_message("no locale with a decimal comma on this machine\n");
    milli_t milli;
    char text[MILLI_TEXT_MAX];
    assert_int_equal(milli_parse("0.25", &milli), 0);
    assert_string_equal(milli_format(milli, text), "0.25");
    assert_int_equal(milli_parse("0,25", &milli), ERR_INVALID);
    setlocale(LC_ALL, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(from_double),
            cmocka_unit_test(parse),
            cmocka_unit_test(format),
            cmocka_unit_test(there_and_back),
            cmocka_unit_test(integers),
            cmocka_unit_test(the_locale_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
