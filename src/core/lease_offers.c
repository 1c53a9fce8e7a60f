/* Which offers a lease gets: those that are free and fit, the lease that has fewest first, so that no client
 * starves another; no more in all than the operator's part of the agents. What a lease was shown once and did
 * not fit is not looked at for it again. */
#include "internal.h"

struct offer **lease_offers(struct core *core, const struct lease *lease)
{
    struct offer **offers = arena_array(&core->out->arena, lease->offers.count, sizeof *offers);
    size_t count = 0;
    for (struct list_link *link = list_first(&lease->offers); link; link = list_next(&lease->offers, link))
        offers[count++] = list_item(link, struct offer, link);
    return offers;
}

void lease_settle(struct core *core, struct lease *lease)
{
    bool wanting = lease->offers.count < lease->max_offers && lease->bytes < CORE_LEASE_BYTES_MAX;
    lease->wants.role->wanting += wanting;
    lease->wants.role->wanting -= lease->wanting;
    lease->wanting = wanting;
    core->leases_due |= wanting;
}

/* ---- what is published ---- */

static char **ids_of(struct core *core, struct offer *const *offers, size_t count)
{
    char **ids = arena_array(&core->out->arena, count, sizeof *ids);
    for (size_t i = 0; i < count; i++)
        ids[i] = arena_string(&core->out->arena, offers[i]->offer->id->value);
    return ids;
}

static Zmesos__V1__LeaseChange *change_of(struct core *core, const struct lease *lease)
{
    struct arena *arena = &core->out->arena;
    Zmesos__V1__LeaseChange *change = arena_alloc(arena, sizeof *change);
    zmesos__v1__lease_change__init(change);
    change->lease_id = arena_string(arena, lease->id);
    change->role = lease->wants.role->name;
    change->has_until_ns = change->has_offers = true;
    change->until_ns = core->now.wall_ns + (lease->until_ms - core->now.mono_ms) * 1000000;
    return change;
}

static void tell_came(struct core *core, struct lease *lease)
{
    if (lease->offers.count <= lease->told)
        return;
    Zmesos__V1__LeaseChange *change = change_of(core, lease);
    change->n_came = lease->offers.count - lease->told;
    change->came = ids_of(core, lease_offers(core, lease) + lease->told, change->n_came);
    change->offers = lease->offers.count;
    lease->told = lease->offers.count;
    output_lease_event(core, change);
}

void lease_tell_gone(struct core *core, struct lease *lease, struct offer *const *offers, size_t count,
        Zmesos__V1__LeaseChange__Why why, bool over)
{
    Zmesos__V1__LeaseChange *change = change_of(core, lease);
    change->n_gone = count;
    change->gone = ids_of(core, offers, count);
    change->has_why = why != 0;
    change->why = why;
    change->has_over = change->over = over;
    change->offers = lease->offers.count - count;
    lease->told = change->offers;
    output_lease_event(core, change);
}

/* ---- giving out ---- */

/* Of the agents known, or of the offers held where those are more: several may be of one agent. */
static size_t limit(const struct core *core)
{
    size_t held = core->offers.count + core->leased, all = core->sites.count;
    all = held > all ? held : all;
    size_t part = (all * core->config.lease_share + 99) / 100;
    return part > 1 ? part : 1;
}

static bool fits(struct core *core, const struct lease *lease, const struct offer *offer)
{
    const struct shape *wants = &lease->wants;
    return offer->released_by != lease->number &&
           (wants->despite_maintenance || !maintenance_is_near(core, offer->offer->agent_id->value)) &&
           constraints_misfit(core, wants, offer->offer) == MISFIT_NONE;
}

/* The next one that it was not shown; NULL: none is left, or the turn is over. */
static struct offer *next_for(struct core *core, struct lease *lease)
{
    struct skipped skipped;
    struct offer *offer;
    do {
        offer = index_find(&lease->wants.role->index, &lease->wants, lease->seen + 1, &skipped);
        size_t steps = skipped.steps + lease->wants.look_cost;
        core->lease_left -= core->lease_left < steps ? core->lease_left : steps;
        lease->seen = offer ? offer->number : core->next_offer;
        if (offer && fits(core, lease, offer))
            return offer;
    } while (offer && core->lease_left > 0);
    return NULL;
}

static struct lease *neediest(struct core *core)
{
    struct lease *found = NULL;
    for (struct list_link *link = list_first(&core->leases); link; link = list_next(&core->leases, link)) {
        struct lease *lease = list_item(link, struct lease, link);
        if (lease->wanting && lease->seen < core->next_offer &&
                (!found || lease->offers.count < found->offers.count))
            found = lease;
    }
    return found;
}

void leases_serve(struct core *core)
{
    if (!core->leases_due)
        return;
    struct lease *lease;
    size_t most = core->leases.count > 0 ? limit(core) : 0;
    core->lease_left = core->config.turn_steps > 0 ? core->config.turn_steps : 1;
    while (core->leased < most && core->lease_left > 0 && (lease = neediest(core))) {
        struct offer *offer = next_for(core, lease);
        if (offer)
            offer_lease(core, offer, lease);
    }
    for (struct list_link *link = list_first(&core->leases); link; link = list_next(&core->leases, link))
        tell_came(core, list_item(link, struct lease, link));
    core->leases_due = core->lease_left == 0;
}
