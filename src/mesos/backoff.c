/* Delays between attempts. Pure: no clock, no random source of the system. */
#include "backoff.h"

void master_backoff_init(struct master_backoff *backoff, int64_t min_ms, int64_t max_ms, uint64_t seed)
{
    *backoff = (struct master_backoff){.min_ms = min_ms, .max_ms = max_ms, .random = seed};
}

int64_t master_backoff_ceiling(const struct master_backoff *backoff)
{
    int64_t ceiling = backoff->min_ms;

    for (unsigned step = 0; step < backoff->steps && ceiling < backoff->max_ms; ++step) {
        ceiling = ceiling > backoff->max_ms / 2 ? backoff->max_ms : ceiling * 2;
    }
    return ceiling;
}

/* SplitMix64: a counter in golden-ratio strides, scrambled. Plenty for jitter. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t mixed = *state += UINT64_C(0x9e3779b97f4a7c15);

    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

int64_t master_backoff_next(struct master_backoff *backoff)
{
    int64_t ceiling = master_backoff_ceiling(backoff);

    if (ceiling < backoff->max_ms) {
        backoff->steps++;
    }
    return 1 + (int64_t)(next_random(&backoff->random) % (uint64_t)ceiling);
}

void master_backoff_reset(struct master_backoff *backoff)
{
    backoff->steps = 0;
}
