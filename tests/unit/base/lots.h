/* Pseudo-random numbers for tests that play random operations, from the seed of the run (seed.h). */
#ifndef TEST_BASE_LOTS_H
#define TEST_BASE_LOTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../seed.h"

struct lots {
    uint64_t state;
};

static inline struct lots lots_new(void)
{
    return (struct lots){seed_of("lots") * 0x9e3779b97f4a7c15u + 1};
}

static inline uint64_t lots_draw(struct lots *lots, uint64_t below)
{
    lots->state ^= lots->state << 13;
    lots->state ^= lots->state >> 7;
    lots->state ^= lots->state << 17;
    return (lots->state >> 16) % below;
}

#endif
