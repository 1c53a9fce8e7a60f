/* Leases: offers that one client has for itself for some seconds (docs/protocol.md "Leases"). Meanwhile they
 * are in no index and in no list of ours: neither matched nor declined. A lease is over by time, by request
 * or with the subscription; all but the last give its offers back as if they came now. Leases are in memory
 * alone: offers do not outlive a subscription, and a lease is nothing without them. Which offers a lease gets
 * is lease_offers.c's business, what is placed on them lease_place.c's. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

#define OP(name) ZMESOS__V1__CONSTRAINT__OPERATOR__##name
#define WHY(name) ZMESOS__V1__LEASE_CHANGE__WHY__##name
#define REFUSE_MAX_SECONDS (365.0 * 24 * 3600)

int leases_allowed(const struct core *core, enum core_external least, const char *field, struct error *err)
{
    static const char *const names[] = {"none", "lease", "all"};
    if (core->config.external >= least)
        return 0;
    return error_set_field(
            err, ERR_INVALID, field, "this zmesosd runs with --external %s", names[core->config.external]);
}

struct lease *lease_find(const struct core *core, const char *id, const char *field, struct error *err)
{
    struct lease *lease = id ? map_get_string(&core->leases_by_id, id) : NULL;
    if (!lease)
        (void)error_set_field(err, id ? ERR_NOT_FOUND : ERR_INVALID, field,
                id ? "there is no such lease: it is over, or never was" : "a lease is named");
    return lease;
}

/* ---- the end ---- */

static void forget(struct core *core, struct lease *lease)
{
    struct role *role = lease->wants.role;
    role->leases--;
    role->wanting -= lease->wanting;
    role->active_ms = core->now.mono_ms; /* another one may follow: no SUPPRESS in between */
    map_remove(&core->leases_by_id, slice_of_string(lease->id));
    list_remove(&core->leases, &lease->link);
    heap_remove(&core->lease_timers, &lease->timer);
    shape_clear_filter(&lease->wants);
    free((void *)(uintptr_t)lease->words.data);
    free(lease->id);
    free(lease);
    core->leases_due = true; /* there is room for others */
}

void lease_end(struct core *core, struct lease *lease, Zmesos__V1__LeaseChange__Why why)
{
    size_t count = lease->offers.count;
    struct offer **offers = lease_offers(core, lease);
    lease_tell_gone(core, lease, offers, count, why, true);
    for (size_t i = 0; i < count; i++) {
        if (why == WHY(DISCONNECTED))
            offer_drop(core, offers[i]);
        else
            offer_return(core, offers[i]);
    }
    forget(core, lease);
}

static struct lease *lease_of(const struct list_link *link)
{
    return list_item(link, struct lease, link);
}

void leases_end(struct core *core, const struct role *role, Zmesos__V1__LeaseChange__Why why)
{
    for (struct list_link *link = list_first(&core->leases), *next; link; link = next) {
        struct lease *lease = lease_of(link);
        next = list_next(&core->leases, link);
        if (!role || lease->wants.role == role)
            lease_end(core, lease, why);
    }
}

void leases_clear(struct core *core)
{
    struct list_link *link, *offer;
    while ((link = list_first(&core->leases))) {
        while ((offer = list_first(&lease_of(link)->offers)))
            offer_return(core, list_item(offer, struct offer, link));
        forget(core, lease_of(link));
    }
}

void leases_tick(struct core *core)
{
    struct heap_node *node;
    while ((node = heap_first(&core->lease_timers)) && node->key <= core->now.mono_ms)
        lease_end(core, list_item(node, struct lease, timer), WHY(EXPIRED));
    leases_serve(core);
}

int64_t leases_deadline(const struct core *core)
{
    const struct heap_node *node = heap_first(&core->lease_timers);
    return core->lease_left == 0 && core->leases_due ? INT64_MIN : node ? node->key : INT64_MAX;
}

/* ---- what is asked for ---- */

static int check_duration(const struct core *core, const Mesos__V1__DurationInfo *duration, const char *field,
        struct error *err)
{
    int64_t ms = duration_ms(duration, CORE_LEASE_DEFAULT_MS);
    if (!duration || (ms >= CORE_LEASE_MIN_MS && ms <= core->config.lease_max_ms))
        return 0;
    return error_set_field(err, ERR_INVALID, field, "a lease lasts from %d ms to %lld ms (--lease-max)",
            CORE_LEASE_MIN_MS, (long long)core->config.lease_max_ms);
}

/* The default is for all daemons: one with a shorter --lease-max gives that. */
static int64_t duration_of(
        const struct core *core, const Mesos__V1__DurationInfo *duration, int64_t otherwise)
{
    int64_t ms = duration_ms(duration, otherwise);
    return ms < core->config.lease_max_ms ? ms : core->config.lease_max_ms;
}

static int check_max_offers(uint32_t count, uint32_t least, const char *field, struct error *err)
{
    if (count >= least && count <= CORE_LEASE_OFFERS_MAX)
        return 0;
    return error_set_field(err, count < least ? ERR_INVALID : ERR_TOO_LARGE, field,
            "a lease has %u to %d offers at once", least, CORE_LEASE_OFFERS_MAX);
}

/* What an agent is, and not where tasks are. */
static bool looks_at_the_agent(const Zmesos__V1__Constraint *constraint)
{
    switch (constraint->operator_) {
    case OP(UNIQUE):
    case OP(MAX_PER):
    case OP(SPREAD):
    case OP(TOGETHER):
    case OP(NEAR):
    case OP(FAR):
        return false;
    default:
        return !constraint->preferred;
    }
}

static int check_constraints(const Zmesos__V1__Lease *lease, struct error *err)
{
    int code = constraints_check(lease->constraints, lease->n_constraints, "lease", err);
    for (size_t i = 0; i < lease->n_constraints && code == 0; i++) {
        char field[64];
        snprintf(field, sizeof field, "lease.constraints[%zu].operator", i);
        if (!looks_at_the_agent(lease->constraints[i]))
            code = error_set_field(err, ERR_INVALID, field,
                    "a lease's constraints are such that look at an agent alone, and all hold");
    }
    return code;
}

static int read_amounts(
        const Zmesos__V1__Lease *lease, int64_t scalars[SCALAR_COUNT], uint32_t *ports, struct error *err)
{
    const bool has[SCALAR_COUNT] = {
            [SCALAR_CPUS] = lease->has_cpus, lease->has_mem, lease->has_disk, lease->has_gpus};
    const double values[SCALAR_COUNT] = {[SCALAR_CPUS] = lease->cpus, lease->mem, lease->disk, lease->gpus};
    for (int s = 0; s < SCALAR_COUNT; s++) {
        int code = spec_check_scalar(has[s], values[s], "lease", scalar_names[s], &scalars[s], err);
        if (code)
            return code;
    }
    *ports = lease->ports;
    return lease->ports <= CORE_PORTS_MAX ? 0
                                          : error_set_field(err, ERR_TOO_LARGE, "lease.ports",
                                                    "ports is at most %d", CORE_PORTS_MAX);
}

static int check_room(const struct core *core, const struct role *role, struct error *err)
{
    if (!role)
        return error_set_field(err, ERR_INVALID, "lease.role", "this zmesosd does not have that role");
    if (core->subscription == 0)
        return error_set(err, ERR_UNAVAILABLE, "there is no subscription");
    if (core->teardown.wanted)
        return error_set(err, ERR_UNAVAILABLE, "the framework is being torn down");
    if (role->stopped)
        return error_set_field(err, ERR_UNAVAILABLE, "lease.role",
                "the role was suppressed by request, until it is revived");
    if (core->leases.count >= core->config.leases_max)
        return error_set(err, ERR_UNAVAILABLE, "%zu leases are held, which is the limit (--leases)",
                core->leases.count);
    return 0;
}

/* Nothing that is guessed or met by chance, and no secret. Its number keeps it from being another's. */
static char *make_id(struct core *core)
{
    uint64_t mixed = core->config.seed[0] + (core->next_lease + 1) * UINT64_C(0x9e3779b97f4a7c15);
    for (int i = 0; i < 2; i++)
        mixed = ((mixed ^ (mixed >> 31)) * UINT64_C(0xbf58476d1ce4e5b9)) ^ core->config.seed[1];
    return arena_format(&core->out->arena, "lease-%llu-%llu-%08llx", (unsigned long long)core->config.run,
            (unsigned long long)core->next_lease + 1, (unsigned long long)(mixed >> 32));
}

static void renew(struct core *core, struct lease *lease, int64_t duration_ms)
{
    lease->until_ms = core->now.mono_ms + duration_ms;
    heap_set(&core->lease_timers, &lease->timer, lease->until_ms);
}

static struct lease *lease_make(struct core *core, const char *id, struct buf *words,
        const Zmesos__V1__Lease *from, const int64_t scalars[SCALAR_COUNT], uint32_t ports)
{
    struct lease *lease = alloc_zeroed(1, sizeof *lease);
    struct role *role = role_find(core, from->role);
    lease->id = alloc_string(id);
    lease->number = ++core->next_lease;
    lease->words.length = words->length;
    lease->words.data = buf_release(words);
    shape_init_filter(&lease->wants, role, from->constraints, from->n_constraints);
    memcpy(lease->wants.scalars, scalars, sizeof lease->wants.scalars);
    lease->wants.ports = ports;
    lease->wants.despite_maintenance = from->despite_maintenance;
    lease->max_offers = from->max_offers;
    list_init(&lease->offers);
    list_append(&core->leases, &lease->link);
    map_put(&core->leases_by_id, slice_of_string(lease->id), lease);
    role->leases++;
    role->fresh_work = true; /* offers that were declined are wanted once more */
    role->active_ms = core->now.mono_ms;
    lease_settle(core, lease);
    return lease;
}

/* ---- requests ---- */

static Zmesos__V1__LeaseReply *reply_lease(
        struct core *core, Zmesos__V1__Reply *reply, const struct lease *lease)
{
    struct arena *arena = &core->out->arena;
    Zmesos__V1__LeaseReply *view = arena_alloc(arena, sizeof *view);
    zmesos__v1__lease_reply__init(view);
    int64_t valid_ms = lease->until_ms - core->now.mono_ms;
    struct offer **offers = lease_offers(core, lease);
    view->lease_id = arena_string(arena, lease->id);
    view->role = lease->wants.role->name;
    view->has_valid_ms = view->has_until_ns = true;
    view->valid_ms = valid_ms;
    view->until_ns = core->now.wall_ns + valid_ms * 1000000;
    view->offers = arena_array(arena, lease->offers.count, sizeof *view->offers);
    for (size_t i = 0; i < lease->offers.count; i++)
        view->offers[view->n_offers++] = message_copy(arena, offers[i]->offer);
    reply->result_case = ZMESOS__V1__REPLY__RESULT_LEASE;
    reply->lease = view;
    return view;
}

static void answer(struct core *core, const struct core_input *input, const struct lease *lease)
{
    Zmesos__V1__Reply *reply = reply_new(core, input->request.request);
    reply_lease(core, reply, lease);
    reply_send(core, input->request.token, reply, NULL);
}

static int check_lease(struct core *core, const Zmesos__V1__Lease *from, int64_t scalars[SCALAR_COUNT],
        uint32_t *ports, struct error *err)
{
    int code = leases_allowed(core, CORE_EXTERNAL_LEASE, "lease", err);
    if (code == 0 && from->id && text_check_id(from->id, CORE_TASK_ID_MAX, err)) {
        snprintf(err->field, sizeof err->field, "lease.id");
        code = ERR_INVALID;
    }
    code = code ? code : check_constraints(from, err);
    code = code ? code : read_amounts(from, scalars, ports, err);
    code = code ? code : check_max_offers(from->max_offers, 1, "lease.max_offers", err);
    return code ? code : check_duration(core, from->duration, "lease.duration", err);
}

void handle_lease(struct core *core, const struct core_input *input)
{
    const Zmesos__V1__Lease *from = input->request.request->lease;
    int64_t scalars[SCALAR_COUNT];
    uint32_t ports = 0;
    struct error err;
    int code = check_lease(core, from, scalars, &ports, &err);
    struct lease *lease = code == 0 && from->id ? map_get_string(&core->leases_by_id, from->id) : NULL;
    struct buf words;
    buf_init(&words, 0);
    message_key(&words, from);
    if (lease && !slice_equal(lease->words, slice_of(words.data, words.length)))
        code = error_set_field(
                &err, ERR_CONFLICT, "lease.id", "there is a lease of this id that was asked for otherwise");
    else if (code == 0 && !lease)
        code = check_room(core, role_find(core, from->role), &err);
    if (code) {
        buf_clear(&words);
        reply_refuse(core, input, code, &err);
        return;
    }
    bool made = !lease;
    if (made)
        lease = lease_make(core, from->id ? from->id : make_id(core), &words, from, scalars, ports);
    else
        buf_clear(&words);
    lease->duration_ms = duration_of(core, from->duration, CORE_LEASE_DEFAULT_MS);
    renew(core, lease, lease->duration_ms);
    leases_serve(core);
    if (made && lease->offers.count == 0)
        lease_tell_gone(core, lease, NULL, 0, 0, false);
    answer(core, input, lease);
}

void handle_renew_lease(struct core *core, const struct core_input *input)
{
    const Zmesos__V1__RenewLease *from = input->request.request->renew_lease;
    struct error err = {0};
    int code = leases_allowed(core, CORE_EXTERNAL_LEASE, "renew_lease", &err);
    struct lease *lease = code ? NULL : lease_find(core, from->lease_id, "renew_lease.lease_id", &err);
    if (code == 0 && !lease)
        code = from->lease_id ? ERR_NOT_FOUND : ERR_INVALID;
    code = code ? code : check_duration(core, from->duration, "renew_lease.duration", &err);
    if (code == 0 && from->has_max_offers)
        code = check_max_offers(from->max_offers, 0, "renew_lease.max_offers", &err);
    if (code) {
        reply_refuse(core, input, code, &err);
        return;
    }
    if (from->has_max_offers)
        lease->max_offers = from->max_offers;
    renew(core, lease, duration_of(core, from->duration, lease->duration_ms));
    lease_settle(core, lease);
    leases_serve(core);
    answer(core, input, lease);
}

static int check_release(const struct core *core, const Zmesos__V1__ReleaseLease *from, struct error *err)
{
    int code = leases_allowed(core, CORE_EXTERNAL_LEASE, "release_lease", err);
    if (code == 0 && from->has_refuse_seconds)
        code = leases_allowed(core, CORE_EXTERNAL_ALL, "release_lease.refuse_seconds", err);
    if (code == 0 && from->has_refuse_seconds &&
            !(from->refuse_seconds >= 0 && from->refuse_seconds <= REFUSE_MAX_SECONDS))
        code = error_set_field(err, ERR_INVALID, "release_lease.refuse_seconds",
                "it is a number of seconds from 0 to a year");
    if (code == 0 && from->n_offer_ids > CORE_LEASE_OFFERS_MAX)
        code = error_set_field(err, ERR_TOO_LARGE, "release_lease.offer_ids", "a lease has at most %d offers",
                CORE_LEASE_OFFERS_MAX);
    return code;
}

/* The offers named, each once, in `offers`; what it does not hold in view->missing. */
static size_t find_named(struct core *core, const struct lease *lease, const Zmesos__V1__ReleaseLease *from,
        struct offer **offers, Zmesos__V1__LeaseReply *view)
{
    size_t count = 0;
    core->next_place++;
    for (size_t i = 0; i < from->n_offer_ids; i++) {
        struct offer *offer = map_get_string(&core->offers_by_id, from->offer_ids[i]);
        if (!offer || offer->lease != lease) {
            view->missing[view->n_missing++] = arena_string(&core->out->arena, from->offer_ids[i]);
        } else if (offer->named != core->next_place) {
            offer->named = core->next_place;
            offers[count++] = offer;
        }
    }
    return count;
}

/* To matching at once, or to others, as the request says. */
static void let_go(struct core *core, struct lease *lease, struct offer **offers, size_t count,
        const Zmesos__V1__ReleaseLease *from)
{
    for (size_t i = 0; i < count; i++)
        offers[i]->released_by = lease->number;
    if (from->has_refuse_seconds) {
        offers_refuse(core, offers, count, (int64_t)(from->refuse_seconds * 1000));
        return;
    }
    for (size_t i = 0; i < count; i++)
        offer_return(core, offers[i]);
}

void handle_release_lease(struct core *core, const struct core_input *input)
{
    const Zmesos__V1__ReleaseLease *from = input->request.request->release_lease;
    struct arena *arena = &core->out->arena;
    struct error err = {0};
    int code = check_release(core, from, &err);
    struct lease *lease = code ? NULL : lease_find(core, from->lease_id, "release_lease.lease_id", &err);
    if (code == 0 && !lease)
        code = from->lease_id ? ERR_NOT_FOUND : ERR_INVALID;
    if (code) {
        reply_refuse(core, input, code, &err);
        return;
    }
    bool all = from->n_offer_ids == 0;
    Zmesos__V1__Reply *reply = reply_new(core, input->request.request);
    Zmesos__V1__LeaseReply view = ZMESOS__V1__LEASE_REPLY__INIT;
    view.missing = arena_array(arena, from->n_offer_ids, sizeof *view.missing);
    struct offer **offers =
            all ? lease_offers(core, lease) : arena_array(arena, from->n_offer_ids, sizeof(struct offer *));
    size_t count = all ? lease->offers.count : find_named(core, lease, from, offers, &view);
    if (all || count > 0)
        lease_tell_gone(core, lease, offers, count, WHY(RELEASED), all);
    let_go(core, lease, offers, count, from);
    Zmesos__V1__LeaseReply *now = reply_lease(core, reply, lease);
    now->missing = view.missing;
    now->n_missing = view.n_missing;
    now->has_over = now->over = all;
    if (all)
        forget(core, lease);
    if (now->n_missing > 0) {
        reply->code = CODE(SOME_REFUSED);
        reply->message = arena_format(arena,
                "the lease does not hold %zu of the offers: rescinded, used, released before, or another's",
                now->n_missing);
    }
    reply_send(core, input->request.token, reply, NULL);
}
