/* The seed of a test that draws: ZMESOS_TEST_SEED, which plays a run again, or the clock and the process. It
 * is printed first, so that a test that dies has told it. Below 2^32, so that rand_r() can take all of it. */
#ifndef TEST_SEED_H
#define TEST_SEED_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static inline uint32_t seed_of(const char *test)
{
    const char *given = getenv("ZMESOS_TEST_SEED");
    uint32_t seed = given ? (uint32_t)strtoul(given, NULL, 10) : (uint32_t)time(NULL) ^ (uint32_t)getpid();
    printf("%s: ZMESOS_TEST_SEED=%u\n", test, seed);
    fflush(stdout);
    return seed;
}

#endif
