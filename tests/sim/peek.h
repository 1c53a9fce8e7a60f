/* What the core holds, for bounds, and what the flags of its rows mean. Apart from sim.h, since both have an
 * offer and an agent. */
#ifndef SIM_PEEK_H
#define SIM_PEEK_H

#include "core/core.h"

struct peek {
    size_t offers, calls, asked, agents, timers, tasks, strays, held;
    int64_t oldest_offer_ms; /* for how long it is held */
    bool subscribed;
};

void peek_core(const struct core *core, struct now now, struct peek *peek);

extern const uint32_t peek_may_have_run; /* attempt_row.flags */
extern const uint32_t peek_never_ran, peek_timed_out, peek_replaced, peek_found, peek_drained, peek_removed;
extern const uint32_t peek_operation_held, peek_operation_doubts; /* operation_row.flags */
extern const uint32_t peek_held, peek_adopted;                    /* task_row.flags */

#endif
