/* Agents as offers show them: attributes as text, and which values of an attribute there are at all. Kept in
 * memory alone, and anew with each subscription: an agent is known once it has made an offer. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/decimal.h"

static char *print_ranges(struct arena *arena, const Mesos__V1__Value__Ranges *ranges)
{
    char *text = arena_string(arena, "[");
    for (size_t i = 0; ranges && i < ranges->n_range; i++)
        text = arena_format(arena, "%s%s%llu-%llu", text, i ? ", " : "",
                (unsigned long long)ranges->range[i]->begin, (unsigned long long)ranges->range[i]->end);
    return arena_format(arena, "%s]", text);
}

static char *print_set(struct arena *arena, const Mesos__V1__Value__Set *set)
{
    char *text = arena_string(arena, "{");
    for (size_t i = 0; set && i < set->n_item; i++)
        text = arena_format(arena, "%s%s%s", text, i ? ", " : "", set->item[i]);
    return arena_format(arena, "%s}", text);
}

static const char *print_scalar(struct arena *arena, const Mesos__V1__Value__Scalar *scalar)
{
    milli_t milli;
    char text[MILLI_TEXT_MAX];
    return scalar && milli_from_double(scalar->value, &milli) == 0
                   ? arena_string(arena, milli_format(milli, text))
                   : "";
}

/* The fault domain's word, where the agent has one. */
static const char *domain_value(const Mesos__V1__Offer *offer, const char *name)
{
    const Mesos__V1__DomainInfo__FaultDomain *domain = offer->domain ? offer->domain->fault_domain : NULL;
    if (!domain)
        return NULL;
    if (strcmp(name, "region") == 0)
        return domain->region->name;
    return strcmp(name, "zone") == 0 ? domain->zone->name : NULL;
}

static const char *text_of(struct arena *arena, const Mesos__V1__Attribute *attribute)
{
    switch (attribute->type) {
    case MESOS__V1__VALUE__TYPE__TEXT:
        return attribute->text ? attribute->text->value : "";
    case MESOS__V1__VALUE__TYPE__SCALAR:
        return print_scalar(arena, attribute->scalar);
    case MESOS__V1__VALUE__TYPE__RANGES:
        return print_ranges(arena, attribute->ranges);
    case MESOS__V1__VALUE__TYPE__SET:
        return print_set(arena, attribute->set);
    default:
        return NULL;
    }
}

const char *attribute_value(struct arena *arena, const Mesos__V1__Offer *offer, const char *name)
{
    if (strcmp(name, "hostname") == 0)
        return offer->hostname;
    if (strcmp(name, "agent_id") == 0)
        return offer->agent_id->value;
    const char *value = domain_value(offer, name);
    for (size_t i = 0; !value && i < offer->n_attributes; i++) {
        if (strcmp(offer->attributes[i]->name, name) == 0)
            return text_of(arena, offer->attributes[i]);
    }
    return value;
}

/* ---- counted values ---- */

struct counted *counted_get(const struct map *values, const char *value)
{
    return map_get_string(values, value);
}

void counted_add(struct map *values, const char *value)
{
    struct counted *counted = counted_get(values, value);
    if (!counted) {
        counted = alloc_zeroed(1, sizeof *counted);
        counted->value = alloc_string(value);
        map_put(values, slice_of_string(counted->value), counted);
    }
    counted->count++;
}

bool counted_remove(struct map *values, const char *value)
{
    struct counted *counted = counted_get(values, value);
    if (!counted || --counted->count > 0)
        return false;
    map_remove(values, slice_of_string(counted->value));
    free(counted->value);
    free(counted);
    return true;
}

void counted_clear(struct map *values)
{
    size_t at = 0;
    struct counted *counted;
    while ((counted = map_next(values, &at))) {
        free(counted->value);
        free(counted);
    }
    map_clear(values);
}

/* ---- sites ---- */

static struct attribute *attribute_get(struct core *core, const char *name)
{
    struct attribute *attribute = map_get_string(&core->attributes, name);
    if (!attribute) {
        attribute = alloc_zeroed(1, sizeof *attribute);
        attribute->name = alloc_string(name);
        map_init(&attribute->values, core->config.seed[0], core->config.seed[1]);
        map_put(&core->attributes, slice_of_string(attribute->name), attribute);
    }
    return attribute;
}

static void attribute_release(struct core *core, struct attribute *attribute)
{
    if (attribute->values.count > 0)
        return;
    map_remove(&core->attributes, slice_of_string(attribute->name));
    counted_clear(&attribute->values);
    free(attribute->name);
    free(attribute);
}

/* Calls for each name and value of a packed text. */
static void count_site(struct core *core, const struct site *site, bool add)
{
    for (const char *name = site->packed; *name;) {
        const char *value = name + strlen(name) + 1;
        struct attribute *attribute = attribute_get(core, name);
        size_t values = attribute->values.count;
        if (add)
            counted_add(&attribute->values, value);
        else
            counted_remove(&attribute->values, value);
        if (attribute->values.count != values)
            attribute->change = ++core->changes;
        attribute_release(core, attribute);
        name = value + strlen(value) + 1;
    }
}

static char *put(char *at, const char *name, const char *value)
{
    return stpcpy(stpcpy(at, name) + 1, value) + 1;
}

/* All that attribute_value() would say of the agent; each name once, as the first one of a name counts. */
static char *pack(struct arena *arena, const Mesos__V1__Offer *offer, size_t *size)
{
    static const char *const own[] = {"hostname", "agent_id", "region", "zone"};
    size_t owns = sizeof own / sizeof *own, count = owns + offer->n_attributes, bytes = 1;
    const char **names = arena_array(arena, count, sizeof *names);
    const char **values = arena_array(arena, count, sizeof *values);
    for (size_t i = 0; i < count; i++) {
        names[i] = i < owns ? own[i] : offer->attributes[i - owns]->name;
        values[i] = *names[i] ? attribute_value(arena, offer, names[i]) : NULL;
        for (size_t j = 0; j < i && values[i]; j++) {
            if (values[j] && strcmp(names[i], names[j]) == 0)
                values[i] = NULL;
        }
        bytes += values[i] ? strlen(names[i]) + strlen(values[i]) + 2 : 0;
    }
    char *packed = arena_alloc(arena, bytes), *at = packed;
    for (size_t i = 0; i < count; i++)
        at = values[i] ? put(at, names[i], values[i]) : at;
    *at = '\0';
    *size = bytes;
    return packed;
}

void site_learn(struct core *core, const Mesos__V1__Offer *offer)
{
    size_t size;
    const char *packed = pack(&core->out->arena, offer, &size);
    struct site *site = map_get_string(&core->sites, offer->agent_id->value);
    if (site && site->size == size && memcmp(site->packed, packed, size) == 0)
        return;
    if (site)
        site_forget(core, offer->agent_id->value);
    site = alloc_zeroed(1, sizeof *site);
    site->agent_id = alloc_string(offer->agent_id->value);
    site->packed = memcpy(alloc_bytes(size), packed, size);
    site->size = size;
    map_put(&core->sites, slice_of_string(site->agent_id), site);
    core->agents_with_site += map_get_string(&core->agents, site->agent_id) != NULL;
    count_site(core, site, true);
}

static void free_site(struct site *site)
{
    free(site->packed);
    free(site->agent_id);
    free(site->url);
    free(site);
}

void site_forget(struct core *core, const char *agent_id)
{
    struct site *site = map_get_string(&core->sites, agent_id);
    if (!site)
        return;
    map_remove(&core->sites, slice_of_string(site->agent_id));
    core->agents_with_site -= map_get_string(&core->agents, agent_id) != NULL;
    count_site(core, site, false);
    shares_forget(core, site);
    free_site(site);
}

void sites_clear(struct core *core)
{
    size_t at = 0;
    struct site *site;
    while ((site = map_next(&core->sites, &at))) {
        count_site(core, site, false);
        shares_forget(core, site);
        free_site(site);
    }
    map_clear(&core->sites);
    core->agents_with_site = 0;
    map_clear(&core->attributes);
}

void site_offered(struct core *core, const struct offer *offer)
{
    struct site *site = map_get_string(&core->sites, offer->offer->agent_id->value);
    if (!site)
        return;
    const char *url = agent_url(&core->out->arena, offer->offer->url);
    if (!site->url || strcmp(site->url, url) != 0) {
        free(site->url);
        site->url = alloc_string(url);
    }
    memcpy(site->last, offer->total, sizeof site->last);
    site->last_ns = core->now.wall_ns;
}

const char *site_value(const struct core *core, const char *agent_id, const char *name)
{
    const struct site *site = map_get_string(&core->sites, agent_id);
    for (const char *at = site ? site->packed : ""; *at;) {
        const char *value = at + strlen(at) + 1;
        if (strcmp(at, name) == 0)
            return value;
        at = value + strlen(value) + 1;
    }
    return NULL;
}
