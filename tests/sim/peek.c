#include "peek.h"

#include "internal.h"

void peek_core(const struct core *core, struct now now, struct peek *peek)
{
    const struct list_link *oldest = list_first(&core->offers);
    *peek = (struct peek){.offers = core->offers.count,
            .calls = core->call_count,
            .asked = core->asked.count + core->to_ask.count,
            .agents = core->agents.count,
            .timers = core->timers.count,
            .tasks = core->task_count,
            .oldest_offer_ms = oldest ? now.mono_ms - list_item(oldest, struct offer, link)->received_ms : 0,
            .subscribed = core->subscription != 0};
}
