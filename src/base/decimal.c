/* Fixed-point amounts. Mesos multiplies by 1,000 and rounds (PROTOCOL "Defaults"; mesos.v1.Value.Scalar). */
#include "base/decimal.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int milli_from_double(double value, milli_t *milli)
{
    if (!isfinite(value) || fabs(value) > (double)(MILLI_MAX / 1000))
        return ERR_INVALID;
    *milli = (milli_t)llround(value * 1000);
    return 0;
}

double milli_to_double(milli_t milli)
{
    return (double)milli / 1000;
}

int milli_parse(const char *text, milli_t *milli)
{
    bool negative = *text == '-';
    if (*text == '-' || *text == '+')
        text++;
    const char *digits = text;
    milli_t value = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        value = value * 10 + (*text - '0');
        if (value > MILLI_MAX / 1000)
            return ERR_INVALID;
    }
    if (text == digits)
        return ERR_INVALID;
    value *= 1000;
    if (*text == '.') {
        const char *fraction = ++text;
        for (milli_t unit = 100; *text >= '0' && *text <= '9'; text++, unit /= 10) {
            if (unit == 0)
                return ERR_INVALID;
            value += unit * (*text - '0');
        }
        if (text == fraction)
            return ERR_INVALID;
    }
    if (*text != '\0' || value > MILLI_MAX)
        return ERR_INVALID;
    *milli = negative ? -value : value;
    return 0;
}

const char *milli_format(milli_t milli, char text[MILLI_TEXT_MAX])
{
    uint64_t size = milli < 0 ? -(uint64_t)milli : (uint64_t)milli;
    int used = snprintf(text, MILLI_TEXT_MAX, "%s%llu.%03llu", milli < 0 ? "-" : "",
            (unsigned long long)(size / 1000), (unsigned long long)(size % 1000));
    while (text[used - 1] == '0')
        text[--used] = '\0';
    if (text[used - 1] == '.')
        text[--used] = '\0';
    return text;
}

int integer_parse(const char *text, int64_t min, int64_t max, int64_t *value)
{
    bool negative = *text == '-';
    if (negative)
        text++;
    if (*text == '\0')
        return ERR_INVALID;
    int64_t sum = 0; /* kept negative, whose range is the larger one */
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || __builtin_mul_overflow(sum, 10, &sum) ||
                __builtin_sub_overflow(sum, *text - '0', &sum))
            return ERR_INVALID;
    }
    if (!negative && __builtin_mul_overflow(sum, -1, &sum))
        return ERR_INVALID;
    if (sum < min || sum > max)
        return ERR_INVALID;
    *value = sum;
    return 0;
}
