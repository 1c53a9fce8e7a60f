/* xoshiro256** (Blackman and Vigna), seeded by splitmix64. */
#include "random.h"

static uint64_t rotate(uint64_t value, int by)
{
    return (value << by) | (value >> (64 - by));
}

void random_seed(struct random *random, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        uint64_t mixed = (seed += 0x9e3779b97f4a7c15u);
        mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
        mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
        random->state[i] = mixed ^ (mixed >> 31);
    }
}

uint64_t random_next(struct random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9, shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 45);
    return result;
}

uint64_t random_below(struct random *random, uint64_t limit)
{
    return random_next(random) % limit;
}

int64_t random_between(struct random *random, int64_t low, int64_t high)
{
    return low + (int64_t)random_below(random, (uint64_t)(high - low) + 1);
}

bool random_chance(struct random *random, unsigned permille)
{
    return permille > 0 && random_below(random, 1000) < permille;
}

int64_t random_spread(struct random *random, int64_t low, int64_t high)
{
    unsigned doublings = 0;
    while ((low << (doublings + 1)) <= high && doublings < 40)
        doublings++;
    int64_t base = low << random_below(random, doublings + 1);
    int64_t value = base + (int64_t)random_below(random, (uint64_t)base + 1);
    return value > high ? high : value;
}
