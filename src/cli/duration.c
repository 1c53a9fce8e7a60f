/* See duration.h. */
#include "duration.h"

#include <stdio.h>
#include <string.h>

#include "base/decimal.h"

#define NUMBER_MAX 32

/* Largest first. */
static const struct {
    const char *name;
    int64_t milli_ns; /* a thousandth of it */
} units[] = {{"d", DURATION_DAY / 1000}, {"h", 3600 * DURATION_SECOND / 1000},
        {"m", 60 * DURATION_SECOND / 1000}, {"s", DURATION_SECOND / 1000}, {"ms", 1000}};

#define UNITS (sizeof units / sizeof *units)

int duration_parse(const char *text, int64_t max, int64_t *ns)
{
    size_t length = strspn(text, "0123456789."), i;
    int64_t milli_ns = DURATION_SECOND / 1000;
    char number[NUMBER_MAX];
    milli_t milli;

    if (!length || length >= sizeof number)
        return ERR_INVALID;
    memcpy(number, text, length);
    number[length] = 0;
    for (i = 0; text[length] && i < UNITS && strcmp(text + length, units[i].name) != 0; i++)
        ;
    if (i == UNITS)
        return ERR_INVALID;
    if (text[length])
        milli_ns = units[i].milli_ns;
    if (milli_parse(number, &milli) < 0 || milli > max / milli_ns)
        return ERR_INVALID;
    *ns = milli * milli_ns;
    return 0;
}

const char *duration_format(int64_t ns, char out[DURATION_TEXT_MAX])
{
    char number[MILLI_TEXT_MAX];
    size_t i = 0;

    /* at least one of it, and told exactly */
    while (i + 1 < UNITS && (ns < 1000 * units[i].milli_ns || ns % units[i].milli_ns))
        i++;
    if (ns == 0)
        return strcpy(out, "0s");
    snprintf(out, DURATION_TEXT_MAX, "%s%s", milli_format(ns / units[i].milli_ns, number), units[i].name);
    return out;
}
