/* Strays: attempts that were given up while they may live, and orphans that are to be killed. A KILL ends one
 * that is there and is answered as a RECONCILE would be where it is not (PROTOCOL "Killing"), so it is
 * question and order in one. It is repeated with backoff while the master says that the stray lives, or
 * nothing; one that is out of sight is asked for again with each subscription and round, and when its agent
 * makes an offer.
 *
 * Strays are in memory. After a restart those of our attempts are made again from their rows, and orphans are
 * found again by the implicit reconciliation. */
#include "internal.h"

#include <stdlib.h>

#include "base/alloc.h"

void stray_add(struct core *core, const char *mesos_id, const char *agent_id)
{
    if (map_get_string(&core->strays, mesos_id))
        return;
    struct stray *stray = alloc_zeroed(1, sizeof *stray);
    stray->mesos_id = alloc_string(mesos_id);
    stray->agent = agent_get(core, agent_id ? agent_id : "");
    list_append(&stray->agent->strays, &stray->agent_link);
    map_put(&core->strays, slice_of_string(stray->mesos_id), stray);
}

static void stray_free(struct core *core, struct stray *stray)
{
    map_remove(&core->strays, slice_of_string(stray->mesos_id));
    heap_remove(&core->stray_timers, &stray->timer);
    list_remove(&stray->agent->strays, &stray->agent_link);
    agent_release(core, stray->agent);
    free(stray->mesos_id);
    free(stray);
}

void stray_remove(struct core *core, const char *mesos_id)
{
    struct stray *stray = map_get_string(&core->strays, mesos_id);
    if (stray)
        stray_free(core, stray);
}

static void send_kill(struct core *core, struct stray *stray)
{
    if (core->subscription == 0)
        return; /* it goes with the next subscription */
    (void)kill_call(core, stray->mesos_id, stray->agent->id);
    heap_set(&core->stray_timers, &stray->timer, core->now.mono_ms + kill_pause_ms(core, &stray->backoff_ms));
}

void stray_kill(struct core *core, const char *mesos_id)
{
    struct stray *stray = map_get_string(&core->strays, mesos_id);
    if (stray && !stray->timer.place) {
        stray->backoff_ms = 0;
        send_kill(core, stray);
    }
}

void stray_heard(struct core *core, const char *mesos_id, enum news news)
{
    struct stray *stray = map_get_string(&core->strays, mesos_id);
    if (!stray)
        return;
    switch (news) {
    case NEWS_STAGING:
    case NEWS_STARTING:
    case NEWS_RUNNING:
        stray_kill(core, mesos_id);
        break;
    case NEWS_LOST:
    case NEWS_UNREACHABLE:
    case NEWS_UNKNOWN:
        heap_remove(&core->stray_timers, &stray->timer); /* out of sight: nobody can kill it now */
        break;
    case NEWS_KILLING: /* the KILL has come; should it be forgotten, the timer repeats it */
    case NEWS_DUPLICATE:
    case NEWS_REFUSED: /* of the master: it may know less than the agent */
    case NEWS_NONE:
        break;
    default:
        stray_free(core, stray);
    }
}

void strays_ask(struct core *core, struct agent *agent)
{
    if (agent) {
        for (struct list_link *link = list_first(&agent->strays); link;
                link = list_next(&agent->strays, link))
            stray_kill(core, list_item(link, struct stray, agent_link)->mesos_id);
        return;
    }
    size_t at = 0;
    struct stray *stray;
    while ((stray = map_next(&core->strays, &at))) {
        stray->backoff_ms = 0;
        send_kill(core, stray);
    }
}

void strays_clear(struct core *core)
{
    size_t total = core->strays.count, at = 0;
    struct stray **all = alloc_zeroed(total, sizeof(struct stray *));
    for (size_t i = 0; i < total; i++)
        all[i] = map_next(&core->strays, &at);
    for (size_t i = 0; i < total; i++)
        stray_free(core, all[i]);
    free(all);
}

void strays_tick(struct core *core)
{
    struct heap_node *node;
    while (core->subscription != 0 && (node = heap_first(&core->stray_timers)) &&
            node->key <= core->now.mono_ms)
        send_kill(core, list_item(node, struct stray, timer));
}
