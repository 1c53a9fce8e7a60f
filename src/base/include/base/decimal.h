/* Amounts of resources in thousandths, as Mesos counts them: a double on the wire is rounded to three
 * decimals. No function here looks at the locale. */
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef int64_t milli_t;

#define MILLI_MAX                                                                                            \
    ((milli_t)1000000000000000) /* 10^12 units: more than any cluster has, and exact as a double */
#define MILLI_TEXT_MAX 32

/* Rounds to the nearest thousandth, halves away from zero. ERR_INVALID for NaN, infinities and beyond
 * +-MILLI_MAX. */
int milli_from_double(double value, milli_t *milli) MUST_CHECK;
double milli_to_double(milli_t milli);

/* Reads digits with an optional sign and fraction ("4", "0.25", "-1.5"); ERR_INVALID for anything else,
 * exponents and more than three decimals included. */
int milli_parse(const char *text, milli_t *milli) MUST_CHECK;

/* Writes without needless zeros: "4", "0.25". Returns `text`. */
const char *milli_format(milli_t milli, char text[MILLI_TEXT_MAX]);

/* Reads a decimal integer that fills the whole text and is between min and max. */
int integer_parse(const char *text, int64_t min, int64_t max, int64_t *value) MUST_CHECK;

#endif
