#include "peek.h"

#include "internal.h"

const uint32_t peek_may_have_run = ATTEMPT_SEEN | ATTEMPT_OUTLIVED | ATTEMPT_DOUBTED;
const uint32_t peek_never_ran = ATTEMPT_NEVER_RAN, peek_timed_out = ATTEMPT_TIMED_OUT,
               peek_replaced = ATTEMPT_REPLACED, peek_found = ATTEMPT_FOUND, peek_drained = ATTEMPT_DRAINED,
               peek_removed = ATTEMPT_REMOVED;
const uint32_t peek_operation_held = OPERATION_HELD,
               peek_operation_doubts = OPERATION_SEEN | OPERATION_OUTLIVED | OPERATION_DOUBTED;
const uint32_t peek_held = TASK_HELD, peek_adopted = TASK_ADOPTED;

void peek_core(const struct core *core, struct now now, struct peek *peek)
{
    const struct list_link *oldest = list_first(&core->offers);
    *peek = (struct peek){.offers = core->offers.count,
            .calls = core->call_count,
            .asked = core->asked.count + core->to_ask.count,
            .agents = core->agents.count,
            .timers = core->timers.count + core->stray_timers.count,
            .tasks = core->task_count,
            .strays = core->strays.count,
            .held = core->held,
            .oldest_offer_ms = oldest ? now.mono_ms - list_item(oldest, struct offer, link)->received_ms : 0,
            .subscribed = core->subscription != 0};
}
