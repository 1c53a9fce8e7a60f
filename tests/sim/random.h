/* The one source of chance: xoshiro256** seeded with one number. The same seed gives the same run. */
#ifndef SIM_RANDOM_H
#define SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
    uint64_t state[4];
};

void random_seed(struct random *random, uint64_t seed);
uint64_t random_next(struct random *random);
uint64_t random_below(struct random *random, uint64_t limit);             /* 0 to limit - 1; limit > 0 */
int64_t random_between(struct random *random, int64_t low, int64_t high); /* both included */
bool random_chance(struct random *random, unsigned permille);

/* From low to high, each order of magnitude as likely as the next: short most often, long now and then. */
int64_t random_spread(struct random *random, int64_t low, int64_t high);

#endif
