/* The offers we hold, and what is told to the allocator: DECLINE, SUPPRESS, REVIVE (PROTOCOL "Offers"). An
 * offer without work for it is held a moment, in case work comes, then declined for long. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static struct offer *offer_of(const struct list_link *link)
{
    return list_item(link, struct offer, link);
}

/* It is where matching looks for it. */
static void make_free(struct core *core, struct offer *offer)
{
    offer->received_ms = core->now.mono_ms;
    offer->number = ++core->next_offer;
    offer->round = core->round + 1;
    offer->role->offers++;
    index_add(&offer->role->index, offer);
    list_append(&core->offers, &offer->link);
    core->leases_due = true;
}

static void take_out(struct core *core, struct offer *offer)
{
    struct lease *lease = offer->lease;
    if (lease) {
        list_remove(&lease->offers, &offer->link);
        lease->bytes -= offer->leased_bytes;
        core->leased--;
        lease_settle(core, lease);
        return;
    }
    offer->role->offers--;
    index_remove(&offer->role->index, offer);
    heap_remove(&core->placed, &offer->placed);
    list_remove(&core->offers, &offer->link);
}

void offer_lease(struct core *core, struct offer *offer, struct lease *lease)
{
    take_out(core, offer);
    offer->lease = lease;
    list_append(&lease->offers, &offer->link);
    offer->leased_bytes = offer->arena.used; /* which grows when something is taken of it */
    lease->bytes += offer->leased_bytes;
    core->leased++;
    lease_settle(core, lease);
}

void offer_return(struct core *core, struct offer *offer)
{
    take_out(core, offer);
    offer->lease = NULL;
    make_free(core, offer);
    core->match_wanted = true;
}

/* Forgets an offer: it was answered or is no longer valid. */
void offer_drop(struct core *core, struct offer *offer)
{
    take_out(core, offer);
    map_remove(&core->offers_by_id, slice_of_string(offer->offer->id->value));
    arena_clear(&offer->arena);
    free(offer);
}

void offers_drop_all(struct core *core)
{
    struct list_link *link;
    leases_end(core, NULL, ZMESOS__V1__LEASE_CHANGE__WHY__DISCONNECTED);
    while ((link = list_first(&core->offers)))
        offer_drop(core, offer_of(link));
}

static Mesos__V1__OfferID **offer_ids(struct core *core, size_t room)
{
    return arena_array(&core->out->arena, room, sizeof(Mesos__V1__OfferID *));
}

static Mesos__V1__Filters *filters(struct core *core, int64_t refuse_ms)
{
    Mesos__V1__Filters *filters = arena_alloc(&core->out->arena, sizeof *filters);
    mesos__v1__filters__init(filters);
    filters->has_refuse_seconds = true;
    filters->refuse_seconds = (double)refuse_ms / 1000;
    return filters;
}

static void send_decline(struct core *core, Mesos__V1__OfferID **ids, size_t count, int64_t refuse_ms)
{
    struct core_call *out = output_call(core, MESOS__V1__SCHEDULER__CALL__TYPE__DECLINE, true);
    Mesos__V1__Scheduler__Call__Decline *decline = arena_alloc(&core->out->arena, sizeof *decline);
    mesos__v1__scheduler__call__decline__init(decline);
    decline->offer_ids = ids;
    decline->n_offer_ids = count;
    decline->filters = filters(core, refuse_ms);
    out->call->decline = decline;
}

/* One DECLINE for all offers that `wanted` picks, which are dropped. */
static void decline_where(
        struct core *core, bool (*wanted)(const struct core *core, const struct offer *offer))
{
    Mesos__V1__OfferID **ids = NULL;
    size_t count = 0;
    for (struct list_link *link = list_first(&core->offers), *next; link; link = next) {
        struct offer *offer = offer_of(link);
        next = list_next(&core->offers, link);
        if (!wanted(core, offer))
            continue;
        if (!ids)
            ids = offer_ids(core, core->offers.count);
        ids[count++] = message_copy(&core->out->arena, offer->offer->id);
        offer->role->filtered = true;
        offer_drop(core, offer);
    }
    if (count > 0)
        send_decline(core, ids, count, core->config.decline_ms);
}

void offers_refuse(struct core *core, struct offer *const *offers, size_t count, int64_t refuse_ms)
{
    Mesos__V1__OfferID **ids = offer_ids(core, count);
    for (size_t i = 0; i < count; i++) {
        ids[i] = message_copy(&core->out->arena, offers[i]->offer->id);
        offers[i]->role->filtered = true;
        offer_drop(core, offers[i]);
    }
    if (count > 0)
        send_decline(core, ids, count, refuse_ms);
}

void offer_give_back(struct core *core, const char *offer_id)
{
    Mesos__V1__OfferID **ids = offer_ids(core, 1);
    ids[0] = arena_alloc(&core->out->arena, sizeof *ids[0]);
    mesos__v1__offer_id__init(ids[0]);
    ids[0]->value = arena_string(&core->out->arena, offer_id);
    send_decline(core, ids, 1, 0);
}

/* Nothing waits for it and it was held long enough; or something waits in its role, and did not fit; or the
 * role is to have none. */
static bool due_for_decline(const struct core *core, const struct offer *offer)
{
    enum role_state state = offer->role->state;
    if (offer->role->stopped || core->teardown.wanted || state == ROLE_LEAVING || state == ROLE_GONE)
        return true;
    return core->rounds_done >= offer->round &&
           (offer->role->waiting > 0 || core->now.mono_ms - offer->received_ms >= core->config.offer_hold_ms);
}

/* Whether any may be due; cheap, for it is asked at every input. Offers are in the order they came. */
static bool any_due(const struct core *core)
{
    for (size_t i = 0; i < core->role_count; i++) {
        if (core->roles[i].offers > 0 &&
                (core->roles[i].waiting > 0 || core->roles[i].stopped || core->roles[i].state != ROLE_OURS))
            return true;
    }
    const struct list_link *oldest = list_first(&core->offers);
    return oldest && due_for_decline(core, offer_of(oldest));
}

static const struct offer *offer_add(struct core *core, const Mesos__V1__Offer *from, struct role *role)
{
    struct offer *offer = alloc_zeroed(1, sizeof *offer);
    arena_init(&offer->arena);
    offer->offer = message_copy(&offer->arena, from);
    offer->role = role;
    offer_measure(offer);
    offer->operations_end = &offer->operations;
    make_free(core, offer);
    map_put(&core->offers_by_id, slice_of_string(offer->offer->id->value), offer);
    return offer;
}

void handle_offers(struct core *core, const Mesos__V1__Scheduler__Event__Offers *offers)
{
    if (core->subscription == 0)
        return;
    for (size_t i = 0; i < offers->n_offers; i++) {
        const Mesos__V1__Offer *offer = offers->offers[i];
        const char *name =
                offer->allocation_info && offer->allocation_info->role ? offer->allocation_info->role : "*";
        struct role *role = role_slot(core, name);
        reconcile_agent(core, offer->agent_id->value);
        operations_ask_agent(core, offer->agent_id->value, true);
        site_learn(core, offer);
        maintenance_learn(core, offer);
        /* An offer of a role that is not ours any more is not ours to answer; an id that came before is the
         * master's repetition. */
        if (role && !map_get_string(&core->offers_by_id, offer->id->value)) {
            const struct offer *added = offer_add(core, offer, role);
            shares_learn(core, added);
            site_offered(core, added);
        }
    }
    core->match_wanted = true;
}

void handle_rescind(struct core *core, const char *offer_id)
{
    struct offer *offer = map_get_string(&core->offers_by_id, offer_id);
    if (offer && offer->lease)
        lease_tell_gone(core, offer->lease, &offer, 1, ZMESOS__V1__LEASE_CHANGE__WHY__RESCINDED, false);
    if (offer)
        offer_drop(core, offer);
}

static char **one_role(struct core *core, struct role *role)
{
    char **roles = arena_array(&core->out->arena, 1, sizeof *roles);
    roles[0] = role->name;
    return roles;
}

static void send_suppress(struct core *core, struct role *role)
{
    struct core_call *out = output_call(core, MESOS__V1__SCHEDULER__CALL__TYPE__SUPPRESS, true);
    Mesos__V1__Scheduler__Call__Suppress *suppress = arena_alloc(&core->out->arena, sizeof *suppress);
    mesos__v1__scheduler__call__suppress__init(suppress);
    suppress->roles = one_role(core, role);
    suppress->n_roles = 1;
    out->call->suppress = suppress;
    role->suppressed = true;
}

static void send_revive(struct core *core, struct role *role)
{
    struct core_call *out = output_call(core, MESOS__V1__SCHEDULER__CALL__TYPE__REVIVE, true);
    Mesos__V1__Scheduler__Call__Revive *revive = arena_alloc(&core->out->arena, sizeof *revive);
    mesos__v1__scheduler__call__revive__init(revive);
    revive->roles = one_role(core, role);
    revive->n_roles = 1;
    out->call->revive = revive;
    if (role->revive_asked)
        role->active_ms = core->now.mono_ms; /* offers are wanted for a moment, although nothing waits */
    role->suppressed = role->filtered = role->fresh_work = role->revive_asked = false;
    role->epoch++;
    role->revived_ms = core->now.mono_ms;
}

/* When the role is to be revived, INT64_MAX for not. New work is shown to all agents once more; work that
 * waits for long asks again every twenty intervals, should the master have forgotten. */
static int64_t revive_at(const struct core *core, const struct role *role)
{
    if (role->state != ROLE_OURS || core->teardown.wanted || role->stopped ||
            (role->waiting == 0 && role->wanting == 0 && !role->revive_asked))
        return INT64_MAX;
    int64_t pause = role->revive_asked || role->suppressed || (role->filtered && role->fresh_work)
                            ? core->config.revive_ms
                            : 20 * core->config.revive_ms;
    return role->revived_ms == INT64_MIN ? (pause == core->config.revive_ms ? INT64_MIN : INT64_MAX)
                                         : role->revived_ms + pause;
}

/* When the role is to be suppressed, INT64_MAX for not. */
static int64_t suppress_at(const struct core *core, const struct role *role)
{
    if (role->suppressed || role->state != ROLE_OURS)
        return INT64_MAX;
    if (role->stopped)
        return INT64_MIN;
    if (role->waiting > 0 || role->offers > 0 || role->leases > 0 || role->revive_asked)
        return INT64_MAX;
    return role->active_ms == INT64_MIN ? INT64_MIN : role->active_ms + core->config.offer_hold_ms;
}

void offers_tick(struct core *core)
{
    if (core->subscription == 0)
        return;
    if (any_due(core))
        decline_where(core, due_for_decline);
    for (size_t i = 0; i < core->role_count; i++) {
        struct role *role = &core->roles[i];
        if (core->now.mono_ms >= suppress_at(core, role))
            send_suppress(core, role);
        else if (core->now.mono_ms >= revive_at(core, role))
            send_revive(core, role);
    }
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t offers_deadline(const struct core *core)
{
    int64_t at = INT64_MAX;
    if (core->subscription == 0)
        return at;
    const struct list_link *oldest = list_first(&core->offers);
    if (oldest)
        at = offer_of(oldest)->received_ms + core->config.offer_hold_ms;
    for (size_t i = 0; i < core->role_count; i++)
        at = smaller(at, smaller(revive_at(core, &core->roles[i]), suppress_at(core, &core->roles[i])));
    return at;
}
