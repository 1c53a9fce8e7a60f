/* Time as values: read once a turn by the loop and handed down. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

struct now {
    int64_t mono_ms; /* monotonic, milliseconds since some start: for timers */
    int64_t wall_ns; /* since 1970-01-01 UTC: for people and for records; may jump */
};

struct now clock_read(void);

#endif
