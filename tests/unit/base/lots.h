/* Pseudo-random numbers for tests that play random operations. The seed is printed; ZMESOS_SEED=N plays that
 * one again. */
#ifndef TEST_BASE_LOTS_H
#define TEST_BASE_LOTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

struct lots {
    uint64_t state;
};

static inline struct lots lots_new(void)
{
    const char *given = getenv("ZMESOS_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    printf("seed %llu\n", (unsigned long long)seed);
    fflush(stdout);
    return (struct lots){seed * 0x9e3779b97f4a7c15u + 1};
}

static inline uint64_t lots_draw(struct lots *lots, uint64_t below)
{
    lots->state ^= lots->state << 13;
    lots->state ^= lots->state >> 7;
    lots->state ^= lots->state << 17;
    return (lots->state >> 16) % below;
}

#endif
