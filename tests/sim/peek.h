/* What the core holds, for bounds. Apart from sim.h, since both have an offer and an agent. */
#ifndef SIM_PEEK_H
#define SIM_PEEK_H

#include "core/core.h"

struct peek {
    size_t offers, calls, asked, agents, timers, tasks;
    int64_t oldest_offer_ms; /* for how long it is held */
    bool subscribed;
};

void peek_core(const struct core *core, struct now now, struct peek *peek);

#endif
