/* Who gets what is free: every allocation interval, and at once when a role begins to want offers or an agent
 * comes. Fair enough: of the roles that may have an agent's resources, the one offered to longest ago. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#include "parts.h"

#define REFUSE_SECONDS_DEFAULT 5.0
#define REFUSE_SECONDS_MAX (365.0 * 86400)
#define CPUS_MIN 10 /* thousandths; agents with less of both are not offered */
#define MEM_MIN 32000

/* The filters of one role for one agent. */
struct filter_list {
    const char *agent_id; /* borrowed */
    struct list filters;
};

static void filter_destroy(struct filter_list *list, struct filter *filter)
{
    list_remove(&list->filters, &filter->link);
    resources_clear(&filter->resources);
    free(filter);
}

void allocator_forget_filters(struct framework_role *role)
{
    size_t at = 0;
    struct filter_list *list;
    while ((list = map_next(&role->filters, &at)) != NULL) {
        for (struct list_link *link; (link = list_first(&list->filters)) != NULL;)
            filter_destroy(list, list_item(link, struct filter, link));
        free(list);
    }
    map_clear(&role->filters);
    map_init(&role->filters, 0x66696c74, 0x6572);
}

void allocator_filter(struct framework_role *role, struct agent *agent, const struct resources *resources,
        const Filters *filters)
{
    struct local *local = agent->local;
    double seconds = filters == NULL ? REFUSE_SECONDS_DEFAULT : filters->refuse_seconds;
    if (isnan(seconds) || seconds < 0)
        seconds = REFUSE_SECONDS_DEFAULT;
    if (seconds > REFUSE_SECONDS_MAX)
        seconds = REFUSE_SECONDS_MAX;
    if (seconds == 0 || resources_is_empty(resources)) /* exactly zero: no filter */
        return;
    /* A filter lasts for one allocation at least. */
    int64_t ms = (int64_t)(seconds * 1000);
    if (ms < local->options->allocation_ms)
        ms = local->options->allocation_ms;
    int64_t until_ms = local->loop.now.mono_ms + ms;

    struct filter_list *list = map_get_string(&role->filters, agent->id);
    if (list == NULL) {
        list = alloc_zeroed(1, sizeof(*list));
        list->agent_id = agent->id;
        list_init(&list->filters);
        map_put(&role->filters, slice_of_string(agent->id), list);
    }
    for (struct list_link *link = list_first(&list->filters); link != NULL;) {
        struct filter *filter = list_item(link, struct filter, link);
        link = list_next(&list->filters, link);
        if (filter->until_ms <= until_ms && resources_contains(resources, &filter->resources))
            filter_destroy(list, filter); /* the new one refuses all that it does */
    }
    struct filter *filter = alloc_zeroed(1, sizeof(*filter));
    resources_copy(&filter->resources, resources);
    filter->until_ms = until_ms;
    list_append(&list->filters, &filter->link);
}

static bool is_filtered(
        struct framework_role *role, const struct agent *agent, const struct resources *resources)
{
    struct filter_list *list = map_get_string(&role->filters, agent->id);
    if (list == NULL)
        return false;
    for (struct list_link *link = list_first(&list->filters); link != NULL;) {
        struct filter *filter = list_item(link, struct filter, link);
        link = list_next(&list->filters, link);
        if (filter->until_ms <= agent->local->loop.now.mono_ms)
            filter_destroy(list, filter);
        else if (resources_contains(&filter->resources, resources))
            return true;
    }
    return false;
}

/* Offers made in one run, before they are sent. */
struct offer_batch {
    struct offer **offers;
    size_t count, capacity;
};

static void batch_add(struct offer_batch *batch, struct offer *offer)
{
    if (batch->count == batch->capacity) {
        batch->capacity = batch->capacity == 0 ? 16 : batch->capacity * 2;
        batch->offers = alloc_resize(batch->offers, batch->capacity, sizeof(*batch->offers));
    }
    batch->offers[batch->count++] = offer;
}

static bool worth_offering(const struct resources *resources)
{
    return resources_scalar(resources, "cpus") >= CPUS_MIN || resources_scalar(resources, "mem") >= MEM_MIN;
}

static void allocate_agent(struct agent *agent, struct offer_batch *batch)
{
    struct list *roles = &agent->local->roles;
    struct resources part;
    resources_init(&part);
    struct list_link *link = list_first(roles);
    for (size_t left = roles->count; left > 0; left--) {
        struct framework_role *role = list_item(link, struct framework_role, in_order);
        struct framework *framework = role->framework;
        link = list_next(roles, link);
        if (role->suppressed || (agent->has_gpus && !framework_can(framework, CAPABILITY(GPU_RESOURCES))))
            continue;
        if (!constraints_hold(framework->constraints, role->name, agent))
            continue;
        resources_for_role(&part, &agent->free, role->name,
                framework_can(framework, CAPABILITY(RESERVATION_REFINEMENT)));
        if (!framework_can(framework, CAPABILITY(SHARED_RESOURCES)))
            resources_discard_shared(&part);
        if (!worth_offering(&part) || is_filtered(role, agent, &part))
            continue;
        batch_add(batch, offer_create(role, agent, &part));
        list_remove(roles, &role->in_order);
        list_append(roles, &role->in_order);
    }
    resources_clear(&part);
}

/* One OFFERS event for each framework. */
static void send_batch(struct offer_batch *batch)
{
    struct offer **mine = alloc_zeroed(batch->count + 1, sizeof(*mine));
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->offers[i] == NULL)
            continue;
        struct framework *framework = batch->offers[i]->framework;
        size_t count = 0;
        for (size_t j = i; j < batch->count; j++) {
            if (batch->offers[j] == NULL || batch->offers[j]->framework != framework)
                continue;
            mine[count++] = batch->offers[j];
            batch->offers[j] = NULL;
        }
        send_offers(framework, mine, count);
    }
    free(mine);
}

void allocator_run(struct local *local)
{
    struct offer_batch batch = {0};
    local->allocate_soon = false;
    for (size_t i = 0; i < local->agent_count; i++) {
        struct agent *agent = local->agents[i];
        if (agent->state == AGENT_REGISTERED && !resources_is_empty(&agent->free))
            allocate_agent(agent, &batch);
    }
    send_batch(&batch);
    maintenance_run(local);
    free(batch.offers);
}

static void tick(struct timer *timer)
{
    struct local *local = timer_owner(timer, struct local, allocation);
    loop_start_timer(&local->loop, timer, local->options->allocation_ms);
    allocator_run(local);
}

void allocator_start(struct local *local)
{
    local->allocation.fire = tick;
    loop_start_timer(&local->loop, &local->allocation, local->options->allocation_ms);
}
