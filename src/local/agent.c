/* Agents as objects: made at the start, and when one comes as a new one. agent_states.c loses and finds them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"

#include "attributes.h"
#include "parts.h"

const char *agent_state_name(enum agent_state state)
{
    static const char *const names[] = {
            "registered", "disconnected", "unreachable", "recovering", "gone", "removed"};
    return names[state];
}

static void lost(struct timer *timer)
{
    agent_unreachable(timer_owner(timer, struct agent, lost));
}

static void back(struct timer *timer)
{
    struct agent *agent = timer_owner(timer, struct agent, back);
    agent_return(agent, agent->back_with);
}

static void agent_destroy(struct agent *agent)
{
    for (struct list_link *link; (link = list_first(&agent->offers)) != NULL;)
        offer_destroy(list_item(link, struct offer, in_agent), true);
    maintenance_clear(agent);
    loop_stop_timer(&agent->local->loop, &agent->lost);
    loop_stop_timer(&agent->local->loop, &agent->back);
    map_clear(&agent->tasks);
    map_clear(&agent->executors);
    resources_clear(&agent->total);
    resources_clear(&agent->free);
    attributes_free(agent->attributes, agent->attribute_count);
    if (agent->domain != NULL)
        mesos__v1__domain_info__free_unpacked(agent->domain, NULL);
    free(agent->hostname);
    free(agent->id);
    free(agent);
}

static int agent_create(struct local *local, size_t number, struct agent **made, struct error *err)
{
    const struct options *options = local->options;
    const struct agent_options none = {0};
    const struct agent_options *own = number < options->agent_count ? &options->agent[number] : &none;
    const char *resources = own->resources != NULL ? own->resources : options->resources;
    const char *attributes = own->attributes != NULL ? own->attributes : options->attributes;
    char text[TEXT_UUID_SIZE + 32];
    struct agent *agent = alloc_zeroed(1, sizeof(*agent));
    agent->local = local;
    agent->number = number;
    agent->lost.fire = lost;
    agent->back.fire = back;
    list_init(&agent->offers);
    list_init(&agent->operations);
    list_init(&agent->inverse_offers);
    map_init(&agent->tasks, 0x61676e74, number);
    map_init(&agent->executors, 0x65786563, number);
    int code = resources_parse(&local->kinds, resources, &agent->total, err);
    if (code == 0)
        code = attributes_parse(attributes, &agent->attributes, &agent->attribute_count, err);
    if (code == 0)
        code = domain_parse(own->domain != NULL ? own->domain : options->domain, &agent->domain, err);
    if (code != 0) {
        agent_destroy(agent);
        return code;
    }
    resources_copy(&agent->free, &agent->total);
    agent->has_gpus = resources_scalar(&agent->total, "gpus") > 0;
    snprintf(text, sizeof(text), "%s-S%llu", local->master_id, (unsigned long long)local->next_agent++);
    agent->id = alloc_string(text);
    snprintf(text, sizeof(text), "agent%zu", number + 1);
    agent->hostname = alloc_string(own->hostname != NULL ? own->hostname : text);
    map_put(&local->agents_by_id, slice_of_string(agent->id), agent);
    *made = agent;
    return 0;
}

int agents_create(struct local *local, struct error *err)
{
    local->agents = alloc_zeroed(local->options->agents + 1, sizeof(*local->agents));
    for (size_t i = 0; i < local->options->agents; i++) {
        int code = agent_create(local, i, &local->agents[i], err);
        if (code != 0)
            return code;
        local->agent_count++;
    }
    return 0;
}

void agents_destroy(struct local *local)
{
    struct agent *agent;
    size_t at = 0;
    while ((agent = map_next(&local->agents_by_id, &at)) != NULL)
        agent_destroy(agent);
    map_clear(&local->agents_by_id);
    free(local->agents);
}

struct agent *agent_find(struct local *local, const char *id)
{
    return map_get_string(&local->agents_by_id, id);
}

void agent_replace(struct agent *agent)
{
    struct error err;
    if (agent_create(agent->local, agent->number, &agent->local->agents[agent->number], &err) != 0)
        log_error("agent", "%s", err.text);
}
