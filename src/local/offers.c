/* Offers: what of an agent's free resources one framework may use now. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#include "parts.h"

struct offer *offer_create(
        struct framework_role *role, struct agent *agent, const struct resources *resources)
{
    struct framework *framework = role->framework;
    struct local *local = framework->local;
    char id[TEXT_UUID_SIZE + 32];
    struct offer *offer = alloc_zeroed(1, sizeof(*offer));
    snprintf(id, sizeof(id), "%s-O%llu", local->master_id, (unsigned long long)local->next_offer++);
    offer->framework = framework;
    offer->agent = agent;
    offer->id = alloc_string(id);
    offer->role = alloc_string(role->name);
    resources_copy(&offer->resources, resources);
    resources_subtract(&agent->free, resources);
    list_append(&framework->offers, &offer->in_framework);
    list_append(&agent->offers, &offer->in_agent);
    map_put(&local->offers, slice_of_string(offer->id), offer);
    return offer;
}

struct offer *offer_find(struct local *local, const char *id)
{
    return map_get_string(&local->offers, id);
}

void offer_destroy(struct offer *offer, bool give_back)
{
    if (give_back)
        resources_add(&offer->agent->free, &offer->resources);
    map_remove(&offer->framework->local->offers, slice_of_string(offer->id));
    list_remove(&offer->framework->offers, &offer->in_framework);
    list_remove(&offer->agent->offers, &offer->in_agent);
    resources_clear(&offer->resources);
    free(offer->id);
    free(offer->role);
    free(offer);
}

void offer_rescind(struct offer *offer)
{
    send_rescind(offer->framework, offer->id);
    offer_destroy(offer, true);
}

Mesos__V1__URL *offer_url(const struct agent *agent, struct arena *arena)
{
    Mesos__V1__URL *url = arena_alloc(arena, sizeof(*url));
    Mesos__V1__Address *address = arena_alloc(arena, sizeof(*address));
    mesos__v1__url__init(url);
    mesos__v1__address__init(address);
    address->hostname = agent->hostname;
    address->ip = arena_string(arena, agent->local->options->ip);
    address->port = agent->local->port;
    url->scheme = arena_string(arena, "http");
    url->address = address;
    url->path = arena_format(arena, "/slave(%zu)", agent->number + 1);
    return url;
}

static Mesos__V1__Offer *write_offer(const struct offer *offer, struct arena *arena)
{
    struct framework *framework = offer->framework;
    struct agent *agent = offer->agent;
    Mesos__V1__Offer *message = arena_alloc(arena, sizeof(*message));
    mesos__v1__offer__init(message);
    message->id = arena_alloc(arena, sizeof(*message->id));
    mesos__v1__offer_id__init(message->id);
    message->id->value = offer->id;
    message->framework_id = arena_alloc(arena, sizeof(*message->framework_id));
    mesos__v1__framework_id__init(message->framework_id);
    message->framework_id->value = framework->id;
    message->agent_id = arena_alloc(arena, sizeof(*message->agent_id));
    mesos__v1__agent_id__init(message->agent_id);
    message->agent_id->value = agent->id;
    message->hostname = agent->hostname;
    message->url = offer_url(agent, arena);
    message->n_resources = resources_write(&offer->resources, offer->role,
            framework_can(framework, CAPABILITY(RESERVATION_REFINEMENT)), arena, &message->resources);
    message->unavailability = maintenance_write(agent, arena);
    message->n_attributes = agent->attribute_count;
    message->attributes = agent->attributes;
    message->domain = agent->domain;
    message->allocation_info = arena_alloc(arena, sizeof(*message->allocation_info));
    mesos__v1__resource__allocation_info__init(message->allocation_info);
    message->allocation_info->role = offer->role;
    return message;
}

void send_offers(struct framework *framework, struct offer **offers, size_t count)
{
    struct arena arena;
    arena_init(&arena);
    Event event = MESOS__V1__SCHEDULER__EVENT__INIT;
    Mesos__V1__Scheduler__Event__Offers body = MESOS__V1__SCHEDULER__EVENT__OFFERS__INIT;
    event.has_type = true;
    event.type = EVENT(OFFERS);
    event.offers = &body;
    body.offers = arena_array(&arena, count, sizeof(*body.offers));
    for (size_t i = 0; i < count; i++)
        body.offers[body.n_offers++] = write_offer(offers[i], &arena);
    events_send(framework, &event);
    arena_clear(&arena);
}
