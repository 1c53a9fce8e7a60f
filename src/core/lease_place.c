/* place: a client says which operations and tasks go to which of its leased offers. Each is checked as
 * matching would check it, and takes the same way to the master; what would make an invalid ACCEPT is refused
 * here. */
#include "internal.h"

#include <stdio.h>
#include <string.h>

typedef Zmesos__V1__Place__Placement placement_view;

/* ---- what is named ---- */

static int at(struct error *err, size_t placement, const char *list, size_t i, int code)
{
    snprintf(err->field, sizeof err->field, "place.placements[%zu].%s[%zu]", placement, list, i);
    return code;
}

/* What makes the request none. */
static int check_place(struct core *core, const Zmesos__V1__Place *place, size_t *items, struct error *err)
{
    if (place->n_placements == 0 || place->n_placements > CORE_PLACE_MAX)
        return error_set_field(err, place->n_placements ? ERR_TOO_LARGE : ERR_INVALID, "place.placements",
                "there are 1 to %d of them", CORE_PLACE_MAX);
    core->next_place++;
    for (size_t i = 0; i < place->n_placements; i++) {
        const placement_view *from = place->placements[i];
        char field[64];
        snprintf(field, sizeof field, "place.placements[%zu].offer_ids", i);
        if (from->n_offer_ids == 0 || from->n_offer_ids > CORE_PLACE_OFFERS_MAX)
            return error_set_field(err, from->n_offer_ids ? ERR_TOO_LARGE : ERR_INVALID, field,
                    "a placement names 1 to %d offers", CORE_PLACE_OFFERS_MAX);
        snprintf(field, sizeof field, "place.placements[%zu].%s", i,
                from->n_operation_ids > from->n_task_ids ? "operation_ids" : "task_ids");
        size_t named = from->n_task_ids + from->n_operation_ids;
        *items += named;
        if (named == 0 || *items > CORE_PLACE_MAX)
            return error_set_field(err, named ? ERR_TOO_LARGE : ERR_INVALID, field,
                    "a placement names at least one task or operation, and a place at most %d",
                    CORE_PLACE_MAX);
        for (size_t j = 0; j < from->n_offer_ids; j++) {
            struct offer *offer = map_get_string(&core->offers_by_id, from->offer_ids[j]);
            if (offer && offer->named == core->next_place)
                return at(err, i, "offer_ids", j,
                        error_set(err, ERR_INVALID,
                                "an offer is named once: all that goes to it goes into one placement"));
            if (offer)
                offer->named = core->next_place;
        }
    }
    return 0;
}

/* The offers of one placement, in `offers`; or why they cannot be used. */
static int find_offers(struct core *core, const struct lease *lease, const placement_view *from,
        size_t placement, struct offer **offers, struct error *err)
{
    for (size_t j = 0; j < from->n_offer_ids; j++) {
        struct offer *offer = map_get_string(&core->offers_by_id, from->offer_ids[j]);
        int code = 0;
        if (!offer)
            code = error_set(
                    err, ERR_NOT_FOUND, "there is no such offer: it was rescinded, used, or never was");
        else if (offer->lease != lease)
            code = error_set(err, ERR_CONFLICT,
                    offer->lease ? "it is another lease's offer"
                                 : "the lease does not hold that offer any more");
        else if (j > 0 && strcmp(offer->offer->agent_id->value, offers[0]->offer->agent_id->value) != 0)
            code = error_set(err, ERR_INVALID, "the offers of a placement are of one agent");
        if (code)
            return at(err, placement, "offer_ids", j, code);
        offers[j] = offer;
    }
    return 0;
}

/* ---- one task ---- */

static int refuse_state(const struct task *task, struct error *err)
{
    if (task->state != STATE(QUEUED))
        return error_set(err, ERR_CONFLICT, "it is %s",
                enum_name(&zmesos__v1__task_state__descriptor, (int)task->state));
    if (task->flags & TASK_HELD)
        return error_set(err, ERR_CONFLICT, "it was restored from a backup, and waits for a release");
    return error_set(err, ERR_UNAVAILABLE, "its backoff is not over");
}

static int find_misfit(struct core *core, const struct task *task, const struct offer *offer)
{
    int misfit = offer_misfit(offer, task->shape);
    if (misfit != MISFIT_NONE)
        return misfit;
    constraints_begin(core, task->shape, task);
    return match_misfit(core, task, offer);
}

static int place_one(
        struct core *core, struct task *task, struct offer *offer, Zmesos__V1__Item *item, struct error *err)
{
    if (task->task_group)
        return error_set(err, ERR_INVALID, "it is one of a group, which zmesosd places itself");
    if (task->queue_node.place == 0)
        return refuse_state(task, err);
    if (task->shape->role != offer->role)
        return error_set(err, ERR_INVALID, "its role is %s, and the lease's %s", task->shape->role->name,
                offer->role->name);
    int misfit = find_misfit(core, task, offer);
    if (misfit == MISFIT_NONE && match_place(core, task, offer))
        return 0;
    item->reason = why_misfit(core, task->shape, offer, misfit == MISFIT_NONE ? MISFIT_RESOURCES : misfit);
    return error_set(err, ERR_CONFLICT, "%s", item->reason->message);
}

/* ---- one operation ---- */

static int place_operation(
        struct core *core, struct operation *operation, struct offer *offer, struct error *err)
{
    if (operation->state != OPERATION_STATE(QUEUED))
        return error_set(err, ERR_CONFLICT, "it is %s",
                enum_name(&zmesos__v1__operation__state__descriptor, (int)operation->state));
    if (operation_is_held(operation))
        return error_set(err, ERR_CONFLICT, "it was restored from a backup, and waits for a release");
    if (operation->role != offer->role)
        return error_set(err, ERR_INVALID, "its role is %s, and the lease's %s", operation->role->name,
                offer->role->name);
    struct error why;
    if (operation_place(core, operation, offer, &why) == 0)
        return 0;
    return error_set(err, ERR_CONFLICT, "%s%s%s", why.field, why.field[0] ? ": " : "", why.text);
}

/* ---- one placement ---- */

/* They come first in the ACCEPT: what they make is there for the tasks. */
static void place_operations(struct core *core, const placement_view *from, size_t placement,
        struct offer *offer, Zmesos__V1__Items *items)
{
    for (size_t j = 0; j < from->n_operation_ids; j++) {
        struct operation *operation = operation_find(core, from->operation_ids[j]);
        Zmesos__V1__Item *item = item_add_operation(core, items, from->operation_ids[j]);
        struct error err = {0};
        int code = operation ? place_operation(core, operation, offer, &err)
                             : error_set(&err, ERR_NOT_FOUND, "no such operation");
        if (code) {
            (void)at(&err, placement, "operation_ids", j, code);
            item_refuse(core, item, code, &err);
        }
        if (operation)
            item_operation_state(item, operation);
    }
}

static void place_tasks(struct core *core, const placement_view *from, size_t placement, struct offer *offer,
        Zmesos__V1__Items *items)
{
    for (size_t j = 0; j < from->n_task_ids; j++) {
        struct task *task = task_find(core, from->task_ids[j]);
        Zmesos__V1__Item *item = item_add(core, items, from->task_ids[j]);
        struct error err = {0};
        int code = task ? place_one(core, task, offer, item, &err)
                        : error_set(&err, ERR_NOT_FOUND, "no such task");
        if (code) {
            (void)at(&err, placement, "task_ids", j, code);
            item_refuse(core, item, code, &err);
        }
        if (task)
            item_state(item, task);
    }
}

static void refuse_all(struct core *core, const placement_view *from, int code, const struct error *err,
        Zmesos__V1__Items *items)
{
    for (size_t j = 0; j < from->n_operation_ids; j++) {
        const struct operation *operation = operation_find(core, from->operation_ids[j]);
        Zmesos__V1__Item *item = item_add_operation(core, items, from->operation_ids[j]);
        item_refuse(core, item, code, err);
        if (operation)
            item_operation_state(item, operation);
    }
    for (size_t j = 0; j < from->n_task_ids; j++) {
        const struct task *task = task_find(core, from->task_ids[j]);
        Zmesos__V1__Item *item = item_add(core, items, from->task_ids[j]);
        item_refuse(core, item, code, err);
        if (task)
            item_state(item, task);
    }
}

static void place_all(struct core *core, struct lease *lease, const placement_view *from, size_t placement,
        Zmesos__V1__Items *items)
{
    struct arena *arena = &core->out->arena;
    struct offer **members = arena_array(arena, from->n_offer_ids, sizeof *members);
    struct offer merged, *offer = &merged;
    struct error err = {0};
    int code = find_offers(core, lease, from, placement, members, &err);
    if (code == 0 && from->n_offer_ids == 1)
        offer = members[0];
    else if (code == 0 && (code = offer_merge(&merged, members, from->n_offer_ids, arena, &err)))
        (void)at(&err, placement, "offer_ids", 0, code);
    if (code) {
        refuse_all(core, from, code, &err, items);
        return;
    }
    place_operations(core, from, placement, offer, items);
    place_tasks(core, from, placement, offer, items);
    if (offer->placement_count == 0 && offer->operation_count == 0)
        return;
    lease_tell_gone(core, lease, members, from->n_offer_ids, ZMESOS__V1__LEASE_CHANGE__WHY__USED, false);
    accept_send(core, offer, members, from->n_offer_ids);
}

void handle_place(struct core *core, const struct core_input *input)
{
    const Zmesos__V1__Place *place = input->request.request->place;
    struct error err = {0};
    size_t count = 0;
    int code = leases_allowed(core, CORE_EXTERNAL_LEASE, "place", &err);
    code = code ? code : check_place(core, place, &count, &err);
    struct lease *lease = code ? NULL : lease_find(core, place->lease_id, "place.lease_id", &err);
    if (code == 0 && !lease)
        code = place->lease_id ? ERR_NOT_FOUND : ERR_INVALID;
    if (code) {
        reply_refuse(core, input, code, &err);
        return;
    }
    Zmesos__V1__Reply *reply = reply_new(core, input->request.request);
    Zmesos__V1__Items *items = items_new(core, reply, count);
    for (size_t i = 0; i < place->n_placements; i++)
        place_all(core, lease, place->placements[i], i, items);
    core->match_wanted = true; /* where some went, others may want to be */
    reply_items(core, input, reply);
}
