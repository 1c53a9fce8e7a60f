/* Operations on resources that clients ask for, each to be done once. Each reserves an acre, of which every
 * offer has more than anybody can take: so they change nothing for tasks. */
#include "deeds.h"

#include <string.h>

#include "peek.h"
#include "sim.h"

#define STATE(name) ZMESOS__V1__OPERATION__STATE__##name
#define ACRES 1000000

/* ---- what clients ask for ---- */

static Mesos__V1__Resource *make_acres(struct arena *arena, const char *role, double acres)
{
    Mesos__V1__Resource *resource = arena_alloc(arena, sizeof *resource);
    mesos__v1__resource__init(resource);
    resource->name = arena_string(arena, "acres");
    resource->type = MESOS__V1__VALUE__TYPE__SCALAR;
    resource->scalar = arena_alloc(arena, sizeof *resource->scalar);
    mesos__v1__value__scalar__init(resource->scalar);
    resource->scalar->value = acres;
    resource->allocation_info = arena_alloc(arena, sizeof *resource->allocation_info);
    mesos__v1__resource__allocation_info__init(resource->allocation_info);
    resource->allocation_info->role = arena_string(arena, role);
    return resource;
}

void deeds_offer(struct arena *arena, Mesos__V1__Offer *offer)
{
    Mesos__V1__Resource **resources = arena_array(arena, offer->n_resources + 1, sizeof *resources);
    if (offer->n_resources)
        memcpy(resources, offer->resources, offer->n_resources * sizeof *resources);
    resources[offer->n_resources++] = make_acres(arena, offer->allocation_info->role, ACRES);
    offer->resources = resources;
}

static struct slice pack(struct sim *sim, const struct deed *deed)
{
    struct arena *arena = &sim->arena;
    Mesos__V1__Offer__Operation operation = MESOS__V1__OFFER__OPERATION__INIT;
    Mesos__V1__Offer__Operation__Reserve reserve = MESOS__V1__OFFER__OPERATION__RESERVE__INIT;
    Mesos__V1__Resource__ReservationInfo reservation = MESOS__V1__RESOURCE__RESERVATION_INFO__INIT;
    Mesos__V1__Resource__ReservationInfo *reservations[] = {&reservation};
    Mesos__V1__Resource *resource = make_acres(arena, role_name(deed->role), 1);
    Zmesos__V1__OperationSpec spec = ZMESOS__V1__OPERATION_SPEC__INIT;
    reservation.has_type = true;
    reservation.type = MESOS__V1__RESOURCE__RESERVATION_INFO__TYPE__DYNAMIC;
    reservation.role = arena_string(arena, role_name(deed->role));
    resource->allocation_info = NULL;
    resource->reservations = reservations;
    resource->n_reservations = 1;
    reserve.resources = &resource;
    reserve.n_resources = 1;
    operation.has_type = true;
    operation.type = MESOS__V1__OFFER__OPERATION__TYPE__RESERVE;
    operation.reserve = &reserve;
    spec.id = arena_string(arena, deed->id);
    spec.role = reservation.role;
    spec.operation = &operation;
    size_t size = zmesos__v1__operation_spec__get_packed_size(&spec);
    uint8_t *bytes = arena_alloc(arena, size);
    zmesos__v1__operation_spec__pack(&spec, bytes);
    return slice_of(bytes, size);
}

static struct deed *new_deed(struct sim *sim)
{
    struct deed *deed = &sim->deeds[sim->deed_count++];
    *deed = (struct deed){.id = arena_format(&sim->arena, "op%zu", sim->deed_count),
            .role = (int)random_below(&sim->random, ROLES)};
    deed->spec = pack(sim, deed);
    return deed;
}

static void next_deed(struct sim *sim, void *context, uint64_t number)
{
    (void)context;
    (void)number;
    if (sim->calm)
        return;
    struct random *random = &sim->random;
    bool fresh = sim->deed_count == 0 || (sim->deed_count < DEEDS_MAX && random_below(random, 2));
    struct deed *deed = fresh ? new_deed(sim) : &sim->deeds[random_below(random, sim->deed_count)];
    struct request *request =
            client_new_request(sim, fresh || random_below(random, 2) ? REQUEST_OPERATE : REQUEST_CANCEL);
    request->deed = deed;
    client_send(sim, request, 0);
    world_after(sim, random_spread(random, 10 * MS, 40 * SECOND), next_deed, NULL, 0);
}

void deeds_start(struct sim *sim)
{
    if (sim->features[FEATURE_OPERATIONS])
        next_deed(sim, NULL, 0);
}

struct deed *deed_find(struct sim *sim, const char *id, size_t length)
{
    for (size_t i = 0; i < sim->deed_count; i++) {
        if (strlen(sim->deeds[i].id) == length && memcmp(sim->deeds[i].id, id, length) == 0)
            return &sim->deeds[i];
    }
    return NULL;
}

/* ---- messages ---- */

void deeds_fill(
        struct sim *sim, const struct request *request, Zmesos__V1__Request *message, struct slice *specs)
{
    struct arena *arena = &sim->daemon.in;
    if (request->kind == REQUEST_OPERATE) {
        message->operation_case = ZMESOS__V1__REQUEST__OPERATION_OPERATE;
        message->operate = arena_alloc(arena, sizeof *message->operate);
        zmesos__v1__operate__init(message->operate);
        specs[0] = request->deed->spec;
        message->operate->operations = arena_array(arena, 1, sizeof(Zmesos__V1__OperationSpec *));
        message->operate->operations[0] =
                zmesos__v1__operation_spec__unpack(NULL, specs[0].length, specs[0].data);
        message->operate->n_operations = 1;
    } else {
        message->operation_case = ZMESOS__V1__REQUEST__OPERATION_CANCEL_OPERATIONS;
        message->cancel_operations = arena_alloc(arena, sizeof *message->cancel_operations);
        zmesos__v1__cancel_operations__init(message->cancel_operations);
        message->cancel_operations->operation_ids = arena_array(arena, 1, sizeof(char *));
        message->cancel_operations->operation_ids[0] = arena_string(arena, request->deed->id);
        message->cancel_operations->n_operation_ids = 1;
    }
}

void deeds_clear_message(const struct request *request, Zmesos__V1__Request *message)
{
    if (request->kind == REQUEST_OPERATE)
        zmesos__v1__operation_spec__free_unpacked(message->operate->operations[0], NULL);
}

void deeds_read(struct sim *sim, struct answered *answered, const Zmesos__V1__Reply *reply)
{
    const struct request *request = sim->requests[answered->token - 1];
    if (!request->deed)
        return;
    bool items = reply->result_case == ZMESOS__V1__REPLY__RESULT_ITEMS;
    answered->deed_code = items ? reply->items->items[0]->code : reply->code;
}

void deeds_restored(struct sim *sim)
{
    for (size_t i = 0; i < sim->deed_count; i++) {
        sim->deeds[i].promised &= disk_operation(&sim->store.disk, sim->deeds[i].id) != NULL;
        sim->deeds[i].excused = true;
    }
}

/* ---- what must hold ---- */

const struct operation_row *disk_operation(const struct disk *disk, const char *id)
{
    for (size_t i = 0; i < disk->operation_count; i++) {
        if (strcmp(disk->operations[i].id, id) == 0)
            return &disk->operations[i];
    }
    return NULL;
}

void check_deed_done(struct sim *sim, const struct operation *operation)
{
    struct deed *deed = operation->deed;
    if (++deed->done > 1 && !deed->excused)
        violation(sim, "%s is done %u times, now as %s", deed->id, deed->done, operation->id);
}

void check_deeds_accepted(struct sim *sim, const struct call *call)
{
    for (size_t i = 0; i < call->operation_count; i++) {
        struct operation *operation = call->operations[i];
        const struct operation_row *row =
                operation->deed ? disk_operation(&sim->store.disk, operation->deed->id) : NULL;
        if (++operation->written > 1)
            violation(sim, "%s was written in an ACCEPT twice", operation->id);
        if (!row || row->state != STATE(SENT) || strcmp(row->mesos_id, operation->id) != 0 ||
                strcmp(row->agent_id, operation->agent->id) != 0)
            violation(sim, "%s is sent, and its intent is not on disk", operation->id);
    }
}

void check_deeds_decided(struct sim *sim, const struct call *call)
{
    for (size_t i = 0; i < call->operation_count; i++) {
        const struct deed *deed = call->operations[i]->deed;
        const struct operation_row *row = deed ? disk_operation(&sim->store.ahead, deed->id) : NULL;
        if (!row)
            violation(sim, "%s is sent, which nobody asked for", call->operations[i]->id);
        else if (row->flags & peek_operation_held)
            violation(sim, "%s is sent, and it is held", deed->id);
        else if (decided_teardown(sim) || decided_stopped(sim, deed->role) || !decided_role(sim, deed->role))
            violation(sim, "%s is sent, and its role is suppressed or gone", deed->id);
    }
}

void check_deeds_asked(struct sim *sim, const struct call *call)
{
    const struct disk *ahead = &sim->store.ahead;
    for (size_t i = 0; i < call->operation_count; i++) {
        bool open = false;
        for (size_t j = 0; j < ahead->operation_count; j++)
            open |= strcmp(ahead->operations[j].mesos_id, call->asked[i].id) == 0 &&
                    ahead->operations[j].state != STATE(QUEUED) &&
                    ahead->operations[j].state < (int)STATE(FINISHED);
        if (!open)
            violation(sim, "%s is asked about, and no operation waits for its end", call->asked[i].id);
    }
}

static bool waits(const struct operation_row *row)
{
    return row->state == STATE(QUEUED) && !(row->flags & peek_operation_held);
}

/* An operation that waits could have been had of any offer of its role. */
void check_deeds_unwanted(struct sim *sim, const struct in_hand *in_hand)
{
    const struct disk *ahead = &sim->store.ahead;
    int role = in_hand->offer->role;
    for (size_t i = 0; i < ahead->operation_count; i++) {
        const struct operation_row *row = &ahead->operations[i];
        const struct deed *deed = deed_find(sim, row->id, strlen(row->id));
        if (deed && deed->role == role && waits(row) && decided_role(sim, role) &&
                !decided_stopped(sim, role) && !decided_teardown(sim))
            violation(sim, "%s waits, and %s is declined", row->id, in_hand->offer->id);
    }
}

void check_deed_reply(struct sim *sim, const struct request *request, const struct answered *reply)
{
    struct deed *deed = request->deed;
    const struct operation_row *row = disk_operation(&sim->store.disk, deed->id);
    bool ok = reply->deed_code == ZMESOS__V1__CODE__OK;
    bool may_be_refused =
            (reply->deed_code == ZMESOS__V1__CODE__INVALID && deed->role == ROLE_ADDED) ||
            (reply->deed_code == ZMESOS__V1__CODE__UNAVAILABLE && sim->features[FEATURE_TEARDOWN]);
    if (request->kind == REQUEST_OPERATE && !ok && !may_be_refused)
        violation(sim, "%s is refused: %d", deed->id, (int)reply->deed_code);
    if (request->kind == REQUEST_OPERATE && ok && !row && !deed->excused)
        violation(sim, "%s is answered and not on disk", deed->id);
    if (request->kind == REQUEST_CANCEL && ok && row && row->state < (int)STATE(FINISHED) && !deed->excused)
        violation(sim, "%s is cancelled, and on disk it is in state %d", deed->id, (int)row->state);
    deed->promised |= request->kind == REQUEST_OPERATE && ok;
}

/* Its id may be used again then. */
void check_deed_forgotten(struct sim *sim, int64_t key)
{
    const struct disk *ahead = &sim->store.ahead;
    for (size_t i = 0; i < ahead->operation_count; i++) {
        const struct operation_row *row = &ahead->operations[i];
        struct deed *deed = row->key == key ? deed_find(sim, row->id, strlen(row->id)) : NULL;
        if (!deed)
            continue;
        if (row->state < (int)STATE(FINISHED))
            violation(sim, "%s is forgotten, and it is not over", deed->id);
        deed->excused = true;
        return;
    }
    violation(sim, "key %lld is forgotten, and no operation has it", (long long)key);
}

static void check_settled_one(struct sim *sim, const struct operation_row *row)
{
    const struct deed *deed = deed_find(sim, row->id, strlen(row->id));
    const struct operation *sent = *row->mesos_id ? operation_named(sim, row->mesos_id) : NULL;
    const struct agent *agent = sim_agent(sim, row->agent_id);
    bool is_there = agent && reachable(agent);
    if (!deed) {
        violation(sim, "%s is on disk, and nobody asked for it", row->id);
        return;
    }
    switch (row->state) {
    case STATE(QUEUED):
        for (const struct in_hand *in_hand = sim->hand.offers; in_hand && waits(row);
                in_hand = in_hand->next) {
            if (in_hand->offer->role == deed->role && !in_hand->lessee)
                violation(sim, "%s waits, and %s is in hand", row->id, in_hand->offer->id);
        }
        break;
    case STATE(SENT):
    case STATE(PENDING):
    case STATE(RECOVERING):
    case STATE(UNREACHABLE):
        if (is_there)
            violation(sim, "%s is in state %d, and its agent is there", row->id, (int)row->state);
        break;
    case STATE(UNKNOWN):
        if (is_there && !(row->flags & peek_operation_doubts) && sent && !sent->held && !deed->excused)
            violation(sim, "%s is UNKNOWN, and it was not done", row->id);
        break;
    case STATE(FINISHED):
        if (!sent || !sent->held || sent->state != OPERATION(FINISHED))
            violation(sim, "%s is said to be done as %s, and it was not", row->id, row->mesos_id);
        break;
    default:
        break;
    }
}

void check_deeds_settled(struct sim *sim)
{
    const struct disk *disk = &sim->store.disk;
    for (size_t i = 0; i < disk->operation_count && !sim->violated; i++)
        check_settled_one(sim, &disk->operations[i]);
    for (size_t i = 0; i < sim->deed_count; i++) {
        const struct deed *deed = &sim->deeds[i];
        if (deed->promised && !deed->excused && !disk_operation(disk, deed->id))
            violation(sim, "%s was promised, and is not kept", deed->id);
    }
}
