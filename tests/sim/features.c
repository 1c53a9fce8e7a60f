/* Each seed has some of the features, one in eight none. */
#include "sim.h"

#define APART ((uint64_t)0x66656174)

void features_init(struct sim *sim, bool basic)
{
    struct random random;
    random_seed(&random, sim->seed ^ APART);
    if (basic || random_below(&random, 8) == 0)
        return;
    for (int i = 0; i < FEATURE_OPERATIONS; i++)
        sim->features[i] = random_below(&random, 3) == 0;
    sim->features[FEATURE_LIMITS] |= sim->features[FEATURE_CONSTRAINTS] && random_below(&random, 3) == 0;
    sim->features[FEATURE_TEARDOWN] &= random_below(&random, 4) == 0;
    sim->features[FEATURE_SHORT_TURNS] &= random_below(&random, 2) == 0;
    sim->features[FEATURE_OPERATIONS] = random_below(&random, 3) == 0;
}
