/* Lengths of time as people write them: 500ms, 1.5s, 10m, 2h, 30d; without a unit, seconds. */
#ifndef CLI_DURATION_H
#define CLI_DURATION_H

#include <stdint.h>

#include "base/error.h"

#define DURATION_SECOND INT64_C(1000000000)
#define DURATION_DAY (86400 * DURATION_SECOND)
#define DURATION_TEXT_MAX 48

/* In nanoseconds, from 0 to `max`. At most three decimals. ERR_INVALID for anything else. */
int duration_parse(const char *text, int64_t max, int64_t *ns) MUST_CHECK;

/* In the largest unit that needs no more than three decimals, rounded to a millisecond where none is left.
 * Returns `out`. */
const char *duration_format(int64_t ns, char out[DURATION_TEXT_MAX]);

#endif
