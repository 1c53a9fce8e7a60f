/* The maintenance schedule, as Mesos's master has it: POST /maintenance/schedule with windows of machines.
 * Offers of an agent with a window say so, and frameworks that have tasks or offers there are asked for it by
 * inverse offers: again and again, until the time of the answer's filter has passed. Nothing happens when a
 * window begins. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

#include "parts.h"

#define REFUSE_SECONDS_DEFAULT 5.0
#define REFUSE_SECONDS_MAX (365.0 * 86400)

/* What one framework was asked for. */
struct inverse_offer {
    struct list_link link; /* of agent.inverse_offers */
    char *framework_id;
    char *id;         /* NULL: answered */
    int64_t until_ms; /* not asked again before; monotonic */
};

static void destroy(struct agent *agent, struct inverse_offer *inverse)
{
    list_remove(&agent->inverse_offers, &inverse->link);
    free(inverse->framework_id);
    free(inverse->id);
    free(inverse);
}

void maintenance_clear(struct agent *agent)
{
    for (struct list_link *link; (link = list_first(&agent->inverse_offers)) != NULL;)
        destroy(agent, list_item(link, struct inverse_offer, link));
}

/* ---- asking ---- */

static struct inverse_offer *find(struct agent *agent, const char *framework_id)
{
    for (struct list_link *link = list_first(&agent->inverse_offers); link != NULL;
            link = list_next(&agent->inverse_offers, link)) {
        struct inverse_offer *inverse = list_item(link, struct inverse_offer, link);
        if (strcmp(inverse->framework_id, framework_id) == 0)
            return inverse;
    }
    return NULL;
}

Mesos__V1__Unavailability *maintenance_write(const struct agent *agent, struct arena *arena)
{
    if (!agent->has_window)
        return NULL;
    Mesos__V1__Unavailability *window = arena_alloc(arena, sizeof(*window));
    mesos__v1__unavailability__init(window);
    window->start = arena_alloc(arena, sizeof(*window->start));
    mesos__v1__time_info__init(window->start);
    window->start->nanoseconds = agent->window_start_ns;
    if (agent->window_ns >= 0) {
        window->duration = arena_alloc(arena, sizeof(*window->duration));
        mesos__v1__duration_info__init(window->duration);
        window->duration->nanoseconds = agent->window_ns;
    }
    return window;
}

static void send_inverse_offer(struct framework *framework, struct agent *agent, const char *id)
{
    struct arena arena;
    arena_init(&arena);
    Event event = MESOS__V1__SCHEDULER__EVENT__INIT;
    Mesos__V1__Scheduler__Event__InverseOffers body = MESOS__V1__SCHEDULER__EVENT__INVERSE_OFFERS__INIT;
    Mesos__V1__InverseOffer offer = MESOS__V1__INVERSE_OFFER__INIT;
    Mesos__V1__InverseOffer *offers[] = {&offer};
    Mesos__V1__OfferID offer_id = MESOS__V1__OFFER_ID__INIT;
    Mesos__V1__FrameworkID framework_id = MESOS__V1__FRAMEWORK_ID__INIT;
    Mesos__V1__AgentID agent_id = MESOS__V1__AGENT_ID__INIT;
    offer_id.value = (char *)(uintptr_t)id;
    framework_id.value = framework->id;
    agent_id.value = agent->id;
    offer.id = &offer_id;
    offer.framework_id = &framework_id;
    offer.agent_id = &agent_id;
    offer.url = offer_url(agent, &arena);
    offer.unavailability = maintenance_write(agent, &arena);
    body.inverse_offers = offers;
    body.n_inverse_offers = 1;
    event.has_type = true;
    event.type = EVENT(INVERSE_OFFERS);
    event.inverse_offers = &body;
    events_send(framework, &event);
    arena_clear(&arena);
}

static bool has_offer_of(const struct framework *framework, const struct agent *agent)
{
    for (struct list_link *link = list_first(&framework->offers); link != NULL;
            link = list_next(&framework->offers, link))
        if (list_item(link, struct offer, in_framework)->agent == agent)
            return true;
    return false;
}

static bool has_task_on(struct framework *framework, const struct agent *agent)
{
    size_t at = 0;
    struct task *task;
    while ((task = map_next(&framework->tasks, &at)) != NULL)
        if (task->agent == agent && task->holds_resources)
            return true;
    return false;
}

static void ask(struct framework *framework, struct agent *agent)
{
    struct local *local = agent->local;
    struct inverse_offer *inverse = find(agent, framework->id);
    if (inverse != NULL && (inverse->id != NULL || local->loop.now.mono_ms < inverse->until_ms))
        return;
    if (!has_task_on(framework, agent) && !has_offer_of(framework, agent))
        return;
    if (inverse == NULL) {
        inverse = alloc_zeroed(1, sizeof(*inverse));
        inverse->framework_id = alloc_string(framework->id);
        list_append(&agent->inverse_offers, &inverse->link);
    }
    char id[TEXT_UUID_SIZE + 32];
    snprintf(id, sizeof(id), "%s-O%llu", local->master_id, (unsigned long long)local->next_offer++);
    inverse->id = alloc_string(id);
    send_inverse_offer(framework, agent, id);
}

void maintenance_run(struct local *local)
{
    for (size_t i = 0; i < local->agent_count; i++) {
        struct agent *agent = local->agents[i];
        if (!agent->has_window || agent->state != AGENT_REGISTERED)
            continue;
        size_t at = 0;
        struct framework *framework;
        while ((framework = map_next(&local->frameworks, &at)) != NULL)
            if (framework->state == FRAMEWORK_SUBSCRIBED)
                ask(framework, agent);
    }
}

void maintenance_resubscribed(struct framework *framework)
{
    struct local *local = framework->local;
    for (size_t i = 0; i < local->agent_count; i++) {
        struct inverse_offer *inverse = find(local->agents[i], framework->id);
        if (inverse != NULL)
            destroy(local->agents[i], inverse);
    }
}

/* ---- answers ---- */

static void answer(struct framework *framework, const char *id, const Filters *filters)
{
    double seconds = filters == NULL ? REFUSE_SECONDS_DEFAULT : filters->refuse_seconds;
    if (isnan(seconds) || seconds < 0)
        seconds = REFUSE_SECONDS_DEFAULT;
    if (seconds > REFUSE_SECONDS_MAX)
        seconds = REFUSE_SECONDS_MAX;
    struct local *local = framework->local;
    for (size_t i = 0; i < local->agent_count; i++) {
        struct inverse_offer *inverse = find(local->agents[i], framework->id);
        if (inverse == NULL || inverse->id == NULL || strcmp(inverse->id, id) != 0)
            continue;
        free(inverse->id);
        inverse->id = NULL;
        inverse->until_ms = local->loop.now.mono_ms + (int64_t)(seconds * 1000);
    }
}

void handle_accept_inverse_offers(struct call_context *context)
{
    const Mesos__V1__Scheduler__Call__AcceptInverseOffers *accept = context->call->accept_inverse_offers;
    for (size_t i = 0; i < accept->n_inverse_offer_ids; i++)
        answer(context->framework, accept->inverse_offer_ids[i]->value, accept->filters);
}

void handle_decline_inverse_offers(struct call_context *context)
{
    const Mesos__V1__Scheduler__Call__DeclineInverseOffers *decline = context->call->decline_inverse_offers;
    for (size_t i = 0; i < decline->n_inverse_offer_ids; i++)
        answer(context->framework, decline->inverse_offer_ids[i]->value, decline->filters);
}

/* ---- the schedule ---- */

struct window {
    bool found;
    int64_t start_ns, window_ns;
};

/* Offers that do not say so, and questions that say otherwise, are void. */
static void set_window(struct agent *agent, const struct window *window)
{
    if (agent->has_window == window->found &&
            (!window->found ||
                    (agent->window_start_ns == window->start_ns && agent->window_ns == window->window_ns)))
        return;
    agent->has_window = window->found;
    agent->window_start_ns = window->start_ns;
    agent->window_ns = window->window_ns;
    for (struct list_link *link; (link = list_first(&agent->offers)) != NULL;)
        offer_rescind(list_item(link, struct offer, in_agent));
    for (struct list_link *link; (link = list_first(&agent->inverse_offers)) != NULL;) {
        struct inverse_offer *inverse = list_item(link, struct inverse_offer, link);
        struct framework *framework = framework_find(agent->local, inverse->framework_id);
        if (inverse->id != NULL && framework != NULL)
            send_rescind_inverse(framework, inverse->id);
        destroy(agent, inverse);
    }
    agent->local->allocate_soon = true;
}

static bool names(const json_t *machines, const struct agent *agent)
{
    size_t i;
    json_t *machine;
    json_array_foreach(machines, i, machine)
    {
        const char *hostname = json_string_value(json_object_get(machine, "hostname"));
        if (hostname != NULL && strcmp(hostname, agent->hostname) == 0)
            return true;
    }
    return false;
}

static bool nanoseconds(const json_t *time, int64_t *out)
{
    const json_t *value = json_object_get(time, "nanoseconds");
    *out = json_integer_value(value);
    return json_is_integer(value);
}

static bool read_window(const json_t *entry, struct window *window)
{
    const json_t *when = json_object_get(entry, "unavailability");
    const json_t *duration = json_object_get(when, "duration");
    window->found = true;
    window->window_ns = -1;
    return json_is_array(json_object_get(entry, "machine_ids")) &&
           nanoseconds(json_object_get(when, "start"), &window->start_ns) &&
           (duration == NULL || nanoseconds(duration, &window->window_ns));
}

/* False: a window cannot be read. */
static bool find_window(const json_t *windows, const struct agent *agent, struct window *found)
{
    size_t i;
    json_t *entry;
    json_array_foreach(windows, i, entry)
    {
        struct window window = {0};
        if (!read_window(entry, &window))
            return false;
        if (names(json_object_get(entry, "machine_ids"), agent))
            *found = window;
    }
    return true;
}

void handle_schedule(struct local *local, struct http_request *request)
{
    json_error_t why;
    if (strcmp(request->method, "POST") != 0) {
        api_error(request, MHD_HTTP_METHOD_NOT_ALLOWED, "Expecting one of { 'POST' }");
        return;
    }
    json_t *body = json_loadb((const char *)request->body.data, request->body.length, 0, &why);
    const char *type = json_string_value(json_object_get(body, "type"));
    if (strcmp(request->path, "/api/v1") == 0 &&
            (type == NULL || strcmp(type, "UPDATE_MAINTENANCE_SCHEDULE") != 0)) {
        api_error(request, MHD_HTTP_NOT_IMPLEMENTED,
                "Of the operator API there is UPDATE_MAINTENANCE_SCHEDULE alone");
        json_decref(body);
        return;
    }
    const json_t *call = json_object_get(body, "update_maintenance_schedule"); /* of the operator API */
    const json_t *windows =
            json_object_get(call == NULL ? body : json_object_get(call, "schedule"), "windows");
    struct window *found = alloc_zeroed(local->agent_count + 1, sizeof(*found));
    bool well = json_is_object(body) && (windows == NULL || json_is_array(windows));
    for (size_t i = 0; i < local->agent_count && well; i++)
        well = find_window(windows, local->agents[i], &found[i]);
    for (size_t i = 0; i < local->agent_count && well; i++)
        set_window(local->agents[i], &found[i]);
    if (well)
        http_reply_empty(request, MHD_HTTP_OK);
    else
        api_error(request, MHD_HTTP_BAD_REQUEST,
                "The body wants 'windows' with 'machine_ids' and 'unavailability'");
    free(found);
    json_decref(body);
}
