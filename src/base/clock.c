/* Reading the clocks. */
#include "base/clock.h"

#include <time.h>

struct now clock_read(void)
{
    struct timespec mono, wall;
    clock_gettime(CLOCK_MONOTONIC, &mono);
    clock_gettime(CLOCK_REALTIME, &wall);
    return (struct now){
            .mono_ms = (int64_t)mono.tv_sec * 1000 + mono.tv_nsec / 1000000,
            .wall_ns = (int64_t)wall.tv_sec * 1000000000 + wall.tv_nsec,
    };
}
