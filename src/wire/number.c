/* Numbers without the locale's decimal point: for the time of one conversion the thread is in the "C" locale,
 * which glibc gives without allocating. */
#include "number.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static locale_t enter_c_locale(void)
{
    return uselocale(newlocale(LC_ALL_MASK, "C", (locale_t)0));
}

static void leave_c_locale(locale_t before)
{
    locale_t c = uselocale(before);
    if (c != before && c != LC_GLOBAL_LOCALE)
        freelocale(c);
}

static const char *with_fraction(char text[NUMBER_TEXT_MAX])
{
    if (!strpbrk(text, ".e"))
        strcat(text, ".0");
    return text;
}

const char *number_format_double(double value, char text[NUMBER_TEXT_MAX])
{
    locale_t before = enter_c_locale();
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, NUMBER_TEXT_MAX, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    leave_c_locale(before);
    return with_fraction(text);
}

const char *number_format_float(float value, char text[NUMBER_TEXT_MAX])
{
    locale_t before = enter_c_locale();
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, NUMBER_TEXT_MAX, "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value)
            break;
    }
    leave_c_locale(before);
    return with_fraction(text);
}

static const char *skip_digits(const char *at)
{
    while (*at >= '0' && *at <= '9')
        at++;
    return at;
}

static bool is_number(const char *at)
{
    at += *at == '-';
    const char *start = at;
    at = skip_digits(at);
    if (at == start || (*start == '0' && at - start > 1))
        return false;
    if (*at == '.') {
        start = ++at;
        at = skip_digits(at);
        if (at == start)
            return false;
    }
    if (*at == 'e' || *at == 'E') {
        at++;
        at += *at == '+' || *at == '-';
        start = at;
        at = skip_digits(at);
        if (at == start)
            return false;
    }
    return *at == '\0';
}

bool number_parse(const char *text, double *value)
{
    if (!is_number(text))
        return false;
    locale_t before = enter_c_locale();
    double number = strtod(text, NULL);
    leave_c_locale(before);
    if (!isfinite(number))
        return false;
    *value = number;
    return true;
}
