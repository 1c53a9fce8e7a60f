/* Lessees: programs that lease offers and place tasks on them, or forget about it. And what must hold: nobody
 * else uses an offer that is leased, and nobody keeps one for longer than it asked for. */
#include "lessees.h"

#include <string.h>

#include "sim.h"

/* ---- what they do ---- */

static struct request *new_request(struct sim *sim, enum request_kind kind, struct lessee *lessee)
{
    struct request *request = client_new_request(sim, kind);
    request->lessee = lessee;
    return request;
}

static void lease(struct sim *sim, void *context, uint64_t number)
{
    struct lessee *lessee = context;
    if (sim->calm)
        return; /* they are dead: what they have goes back by itself */
    client_send(sim, new_request(sim, REQUEST_LEASE, lessee), 0);
    world_after(sim, random_spread(&sim->random, 200 * MS, 40 * SECOND), lease, lessee, number);
}

void lessees_start(struct sim *sim)
{
    static const char *const names[LESSEES] = {"L1", "L2"};
    for (int i = 0; i < LESSEES && sim->features[FEATURE_LEASES]; i++) {
        struct lessee *lessee = &sim->lessees[i];
        *lessee = (struct lessee){.id = names[i],
                .role = (int)random_below(&sim->random, ROLES_CONFIGURED),
                .duration_ms = random_spread(&sim->random, 100, 30000)};
        lease(sim, lessee, 0);
    }
}

static const char *any_task(struct sim *sim, int role)
{
    for (int tries = 0; tries < 8 && sim->wish_count > 0; tries++) {
        const struct wish *wish = &sim->wishes[random_below(&sim->random, sim->wish_count)];
        if (wish->role == role && !wish->found && (wish->placer || random_below(&sim->random, 3) == 0))
            return wish->id;
    }
    return NULL;
}

/* It has these offers: places tasks on some, or gives them back. */
static void use(struct sim *sim, struct lessee *lessee, const Zmesos__V1__LeaseReply *reply)
{
    enum request_kind kind = random_below(&sim->random, 5) ? REQUEST_PLACE : REQUEST_RELEASE_LEASE;
    struct request *request = new_request(sim, kind, lessee);
    request->drop = random_below(&sim->random, 2) == 0; /* of a release: all of it */
    for (size_t i = 0; i < reply->n_offers && request->place_count < REQUEST_PLACES_MAX; i++) {
        const char *task = kind == REQUEST_PLACE ? any_task(sim, lessee->role) : NULL;
        if (kind == REQUEST_PLACE && !task)
            continue;
        request->places[request->place_count].offer = arena_string(&sim->arena, reply->offers[i]->id->value);
        request->places[request->place_count++].task = task;
    }
    if (request->place_count > 0)
        world_after(sim, random_spread(&sim->random, MS, 20 * SECOND), client_send, request, 0);
}

void lessees_read(struct sim *sim, const struct request *request, const Zmesos__V1__Reply *reply)
{
    if (reply->result_case != ZMESOS__V1__REPLY__RESULT_LEASE || !request->lessee)
        return;
    for (size_t i = 0; i < reply->lease->n_offers; i++) {
        const struct in_hand *in_hand = hand_find(sim, reply->lease->offers[i]->id->value);
        if (!in_hand || in_hand->lessee != request->lessee)
            violation(sim, "%s is said to have %s, and has not", request->lessee->id,
                    reply->lease->offers[i]->id->value);
    }
    if (request->kind == REQUEST_LEASE && reply->lease->n_offers > 0 && random_below(&sim->random, 4))
        use(sim, request->lessee, reply->lease);
}

static Mesos__V1__DurationInfo *duration(struct arena *arena, int64_t ms)
{
    Mesos__V1__DurationInfo *made = arena_alloc(arena, sizeof *made);
    mesos__v1__duration_info__init(made);
    made->nanoseconds = ms * 1000000;
    return made;
}

static void fill_place(struct arena *arena, const struct request *request, Zmesos__V1__Place *place)
{
    place->lease_id = arena_string(arena, request->lessee->id);
    place->placements = arena_array(arena, request->place_count, sizeof *place->placements);
    for (size_t i = 0; i < request->place_count; i++) {
        Zmesos__V1__Place__Placement *placement = arena_alloc(arena, sizeof *placement);
        zmesos__v1__place__placement__init(placement);
        placement->offer_ids = arena_array(arena, 1, sizeof(char *));
        placement->offer_ids[placement->n_offer_ids++] = arena_string(arena, request->places[i].offer);
        placement->task_ids = arena_array(arena, 1, sizeof(char *));
        placement->task_ids[placement->n_task_ids++] = arena_string(arena, request->places[i].task);
        place->placements[place->n_placements++] = placement;
    }
}

void lessees_fill(struct sim *sim, const struct request *request, Zmesos__V1__Request *message)
{
    struct arena *arena = &sim->daemon.in;
    if (request->kind == REQUEST_LEASE) {
        request->lessee->asked_us = sim->now_us;
        message->operation_case = ZMESOS__V1__REQUEST__OPERATION_LEASE;
        message->lease = arena_alloc(arena, sizeof *message->lease);
        zmesos__v1__lease__init(message->lease);
        message->lease->id = arena_string(arena, request->lessee->id);
        message->lease->role = arena_string(arena, role_name(request->lessee->role));
        message->lease->has_max_offers = true;
        message->lease->max_offers = 3;
        message->lease->duration =
                duration(arena, request->lessee->duration_ms * (sim->plant == PLANT_NO_LEASE ? 10 : 1));
    } else if (request->kind == REQUEST_PLACE) {
        message->operation_case = ZMESOS__V1__REQUEST__OPERATION_PLACE;
        message->place = arena_alloc(arena, sizeof *message->place);
        zmesos__v1__place__init(message->place);
        fill_place(arena, request, message->place);
    } else {
        message->operation_case = ZMESOS__V1__REQUEST__OPERATION_RELEASE_LEASE;
        message->release_lease = arena_alloc(arena, sizeof *message->release_lease);
        zmesos__v1__release_lease__init(message->release_lease);
        message->release_lease->lease_id = arena_string(arena, request->lessee->id);
        message->release_lease->has_refuse_seconds = request->token % 2;
        message->release_lease->refuse_seconds = 5;
        message->release_lease->offer_ids = arena_array(arena, request->place_count, sizeof(char *));
        for (size_t i = 0; i < request->place_count && !request->drop; i++)
            message->release_lease->offer_ids[message->release_lease->n_offer_ids++] =
                    arena_string(arena, request->places[i].offer);
    }
}

/* ---- what must hold ---- */

static struct lessee *find(struct sim *sim, const char *id)
{
    for (int i = 0; i < LESSEES; i++) {
        if (sim->lessees[i].id && strcmp(sim->lessees[i].id, id) == 0)
            return &sim->lessees[i];
    }
    return NULL;
}

/* As it is published. */
void lessees_change(struct sim *sim, const Zmesos__V1__LeaseChange *change)
{
    struct lessee *lessee = find(sim, change->lease_id);
    for (size_t i = 0; i < change->n_came; i++) {
        struct in_hand *in_hand = hand_find(sim, change->came[i]);
        if (!in_hand || in_hand->lessee || !lessee || in_hand->offer->role != lessee->role)
            violation(sim, "%s comes to lease %s, and it is not free for it", change->came[i],
                    change->lease_id);
        else
            in_hand->lessee = lessee;
    }
    for (size_t i = 0; i < change->n_gone; i++) {
        struct in_hand *in_hand = hand_find(sim, change->gone[i]);
        if (in_hand && in_hand->lessee != lessee)
            violation(sim, "%s goes from lease %s, which had it not", change->gone[i], change->lease_id);
        if (in_hand)
            in_hand->lessee = NULL;
    }
}

/* By a request of the one who has it, or after it was given back. */
void check_leased_use(struct sim *sim, const struct in_hand *in_hand, enum request_kind kind)
{
    const struct request *asking = sim->daemon.asking;
    if (in_hand->lessee && !(asking && asking->kind == kind && asking->lessee == in_hand->lessee))
        violation(sim, "%s is used, which %s has leased", in_hand->offer->id, in_hand->lessee->id);
}

void check_leases(struct sim *sim)
{
    for (const struct in_hand *in_hand = sim->hand.offers; in_hand; in_hand = in_hand->next) {
        const struct lessee *lessee = in_hand->lessee;
        if (lessee && sim->now_us - lessee->asked_us > lessee->duration_ms * MS + 2 * SECOND &&
                sim->daemon.frozen_until_us + 2 * SECOND < sim->now_us)
            violation(sim, "%s has %s for longer than it asked for", lessee->id, in_hand->offer->id);
    }
}
