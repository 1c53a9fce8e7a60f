/* Offer constraints: limits.c. */
#ifndef SIM_LIMITS_H
#define SIM_LIMITS_H

#include "world.h"

/* Of which agents each role wants offers, a bit each. `carried`: they are what was told before. */
void limits_read(struct sim *sim, const Mesos__V1__Scheduler__OfferConstraints *message,
        uint32_t agents[ROLES], bool carried);

#endif
