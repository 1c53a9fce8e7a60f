/* Maintenance (PROTOCOL "Offers"): when which agent is to be worked on, as its offers and inverse offers say.
 * Such an agent gets no more tasks from some time before; the master's question whether it may have its
 * resources is answered by policy; and where zmesosd drains, what runs there is killed before it begins.
 * Windows are known for the time of a subscription: the next one tells them again. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define CALL(name) MESOS__V1__SCHEDULER__CALL__TYPE__##name
#define LOOK_MS 60000      /* the wall clock may be set meanwhile */
#define LOOK_AGAIN_MS 5000 /* tasks may have come back to an agent that is drained */

static int64_t clamp_add(int64_t a, int64_t b)
{
    return a > INT64_MAX - b ? INT64_MAX : a + b;
}

static bool is_over(const struct core *core, const struct window *window)
{
    return window->duration_ns >= 0 && core->now.wall_ns >= clamp_add(window->start_ns, window->duration_ns);
}

static int64_t drain_at_ns(const struct core *core, const struct window *window)
{
    return window->start_ns - core->config.drain_grace_ms * 1000000;
}

/* What is drained must not be filled again. */
static int64_t avoided_from_ns(const struct core *core, const struct window *window)
{
    int64_t before_ms = core->config.avoid_maintenance_ms;
    if (core->config.drain && before_ms < core->config.drain_grace_ms)
        before_ms = core->config.drain_grace_ms;
    return window->start_ns - before_ms * 1000000;
}

bool maintenance_is_near(const struct core *core, const char *agent_id)
{
    if (core->windows.count == 0)
        return false;
    const struct window *window = map_get_string(&core->windows, agent_id);
    return window && !is_over(core, window) && core->now.wall_ns >= avoided_from_ns(core, window);
}

/* ---- what is known ---- */

static void free_window(struct window *window)
{
    free(window->agent_id);
    free(window->inverse_offer_id);
    free(window);
}

static void forget(struct core *core, struct window *window)
{
    map_remove(&core->windows, slice_of_string(window->agent_id));
    free_window(window);
    core->match_wanted = true;
}

void maintenance_clear(struct core *core)
{
    size_t at = 0;
    struct window *window;
    while ((window = map_next(&core->windows, &at)))
        free_window(window);
    map_clear(&core->windows);
    map_init(&core->windows, core->config.seed[0], core->config.seed[1]);
}

/* Times before 1970 and past what fits begin then, or never end. */
static struct window *learn(
        struct core *core, const char *agent_id, const Mesos__V1__Unavailability *unavailability)
{
    struct window *window = map_get_string(&core->windows, agent_id);
    if (!window) {
        window = alloc_zeroed(1, sizeof *window);
        window->agent_id = alloc_string(agent_id);
        map_put(&core->windows, slice_of_string(window->agent_id), window);
    }
    int64_t start_ns = unavailability->start->nanoseconds;
    window->start_ns = start_ns < 0 ? 0 : start_ns;
    window->duration_ns = unavailability->duration ? unavailability->duration->nanoseconds : -1;
    core->maintenance_at_ms = core->now.mono_ms;
    return window;
}

void maintenance_learn(struct core *core, const Mesos__V1__Offer *offer)
{
    struct window *window = map_get_string(&core->windows, offer->agent_id->value);
    if (offer->unavailability)
        (void)learn(core, offer->agent_id->value, offer->unavailability);
    else if (window)
        forget(core, window); /* the schedule was changed */
}

void maintenance_forget(struct core *core, const char *agent_id)
{
    struct window *window = map_get_string(&core->windows, agent_id);
    if (window)
        forget(core, window);
}

/* ---- inverse offers ---- */

static Mesos__V1__Filters *filters(struct core *core)
{
    Mesos__V1__Filters *filters = arena_alloc(&core->out->arena, sizeof *filters);
    mesos__v1__filters__init(filters);
    filters->has_refuse_seconds = true;
    filters->refuse_seconds = (double)core->config.decline_ms / 1000;
    return filters;
}

static void send_accept(struct core *core, Mesos__V1__OfferID **ids, size_t count)
{
    Mesos__V1__Scheduler__Call__AcceptInverseOffers *accept = arena_alloc(&core->out->arena, sizeof *accept);
    mesos__v1__scheduler__call__accept_inverse_offers__init(accept);
    accept->inverse_offer_ids = ids;
    accept->n_inverse_offer_ids = count;
    accept->filters = filters(core);
    output_call(core, CALL(ACCEPT_INVERSE_OFFERS), true)->call->accept_inverse_offers = accept;
}

static void send_decline(struct core *core, Mesos__V1__OfferID **ids, size_t count)
{
    Mesos__V1__Scheduler__Call__DeclineInverseOffers *decline =
            arena_alloc(&core->out->arena, sizeof *decline);
    mesos__v1__scheduler__call__decline_inverse_offers__init(decline);
    decline->inverse_offer_ids = ids;
    decline->n_inverse_offer_ids = count;
    decline->filters = filters(core);
    output_call(core, CALL(DECLINE_INVERSE_OFFERS), true)->call->decline_inverse_offers = decline;
}

void handle_inverse_offers(struct core *core, const Mesos__V1__Scheduler__Event__InverseOffers *event)
{
    if (core->subscription == 0 || event->n_inverse_offers == 0)
        return;
    struct arena *arena = &core->out->arena;
    Mesos__V1__OfferID **ids = arena_array(arena, event->n_inverse_offers, sizeof *ids);
    for (size_t i = 0; i < event->n_inverse_offers; i++) {
        const Mesos__V1__InverseOffer *offer = event->inverse_offers[i];
        ids[i] = message_copy(arena, offer->id);
        if (!offer->agent_id)
            continue;
        struct window *window = learn(core, offer->agent_id->value, offer->unavailability);
        free(window->inverse_offer_id);
        window->inverse_offer_id = alloc_string(offer->id->value);
    }
    if (core->config.decline_maintenance)
        send_decline(core, ids, event->n_inverse_offers);
    else
        send_accept(core, ids, event->n_inverse_offers);
}

void handle_rescind_inverse_offer(struct core *core, const char *id)
{
    size_t at = 0;
    struct window *window;
    while ((window = map_next(&core->windows, &at))) {
        if (window->inverse_offer_id && strcmp(window->inverse_offer_id, id) == 0) {
            forget(core, window);
            return;
        }
    }
}

/* ---- draining ---- */

static void drain_task(struct core *core, struct task *task)
{
    struct attempt *attempt = task_current(task);
    if (!state_wants_answer(task->state) || kill_wanted(task) || task->shape->despite_maintenance)
        return;
    struct attempt_row row = attempt_row_of(task, attempt);
    row.flags |= ATTEMPT_DRAINED;
    row.message = "maintenance of its agent begins: killed";
    row.reason = "";
    attempt_write(core, &row);
    task->kill_backoff_ms = core->config.kill_min_ms;
    kill_send(core, task);
}

static void drain(struct core *core, const char *agent_id)
{
    struct agent *agent = map_get_string(&core->agents, agent_id);
    for (struct list_link *link = agent ? list_first(&agent->tasks) : NULL, *next; link; link = next) {
        next = list_next(&agent->tasks, link);
        drain_task(core, list_item(link, struct task, agent_link));
    }
}

void maintenance_tick(struct core *core)
{
    if (core->subscription == 0 || core->windows.count == 0 || core->now.mono_ms < core->maintenance_at_ms)
        return;
    int64_t next_ms = core->now.mono_ms + LOOK_MS;
    size_t at = 0;
    struct window *window;
    while (core->config.drain && (window = map_next(&core->windows, &at))) {
        int64_t left_ns = drain_at_ns(core, window) - core->now.wall_ns;
        if (is_over(core, window))
            continue;
        if (left_ns <= 0)
            drain(core, window->agent_id);
        int64_t look_ms = left_ns <= 0 ? LOOK_AGAIN_MS : (left_ns + 999999) / 1000000;
        if (look_ms < next_ms - core->now.mono_ms)
            next_ms = core->now.mono_ms + look_ms;
    }
    core->maintenance_at_ms = next_ms;
}

int64_t maintenance_deadline(const struct core *core)
{
    bool waits = core->config.drain && core->subscription != 0 && core->windows.count > 0;
    return waits ? core->maintenance_at_ms : INT64_MAX;
}
