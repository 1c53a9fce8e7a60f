/* A consumer: it asks for what waits for it, keeps that, and confirms, late and more than once. And what must
 * hold: nothing is acknowledged before it has confirmed or its time has passed. */
#include "consumers.h"

#include <string.h>

#include "peek.h"
#include "sim.h"

#define NAME "keeper"

/* ---- what it does ---- */

static void look(struct sim *sim, void *context, uint64_t number)
{
    (void)context;
    if (number == 0 && sim->calm)
        return; /* this one looks no more */
    struct request *request = client_new_request(sim, REQUEST_UNCONFIRMED);
    request->drop = random_below(&sim->random, 4) == 0; /* of all */
    client_send(sim, request, 0);
    world_after(
            sim, random_spread(&sim->random, 50 * MS, sim->calm ? MINUTE : 20 * SECOND), look, NULL, number);
}

void consumers_start(struct sim *sim)
{
    if (!sim->features[FEATURE_CONSUMERS])
        return;
    sim->consumer_stays = random_below(&sim->random, 3) > 0;
    look(sim, NULL, sim->consumer_stays);
}

void consumers_reply(struct sim *sim, const struct answered *reply)
{
    struct request *request = NULL;
    for (size_t i = 0; i < reply->update_count; i++) {
        if (random_below(&sim->random, 4) == 0)
            continue;
        if (!request || request->update_count == REQUEST_UPDATES_MAX) {
            request = client_new_request(sim, REQUEST_CONFIRM);
            int64_t keeps_us = random_spread(&sim->random, MS, sim->calm ? 10 * SECOND : 2 * MINUTE);
            world_after(sim, keeps_us, client_send, request, 0);
            if (random_below(&sim->random, 5) == 0)
                world_after(sim, keeps_us + SECOND, client_send, request, 0);
        }
        request->updates[request->update_count++] = reply->updates[i];
    }
}

static uint8_t *uuid_bytes(struct sim *sim, uint64_t uuid)
{
    uint8_t *bytes = arena_alloc(&sim->daemon.in, 16);
    memcpy(bytes, &uuid, sizeof uuid);
    return bytes;
}

static void fill_confirm(struct sim *sim, const struct request *request, Zmesos__V1__Confirm *confirm)
{
    struct arena *arena = &sim->daemon.in;
    confirm->consumer = arena_string(arena, NAME);
    confirm->updates = arena_array(arena, request->update_count, sizeof *confirm->updates);
    for (size_t i = 0; i < request->update_count; i++) {
        struct update *kept = request->updates[i];
        if (!kept->confirmed_us)
            kept->confirmed_us = sim->now_us; /* may be acknowledged from now on */
        Zmesos__V1__Confirm__Update *update = arena_alloc(arena, sizeof *update);
        zmesos__v1__confirm__update__init(update);
        update->task_id = arena_string(arena, kept->task_id);
        update->has_attempt = update->has_uuid = true;
        update->attempt = kept->attempt;
        update->uuid = (ProtobufCBinaryData){.len = 16, .data = uuid_bytes(sim, kept->uuid)};
        confirm->updates[confirm->n_updates++] = update;
    }
}

void consumers_fill(struct sim *sim, const struct request *request, Zmesos__V1__Request *message)
{
    struct arena *arena = &sim->daemon.in;
    if (request->kind == REQUEST_CONFIRM) {
        message->operation_case = ZMESOS__V1__REQUEST__OPERATION_CONFIRM;
        message->confirm = arena_alloc(arena, sizeof *message->confirm);
        zmesos__v1__confirm__init(message->confirm);
        fill_confirm(sim, request, message->confirm);
        return;
    }
    message->operation_case = ZMESOS__V1__REQUEST__OPERATION_UNCONFIRMED;
    message->unconfirmed = arena_alloc(arena, sizeof *message->unconfirmed);
    zmesos__v1__unconfirmed__init(message->unconfirmed);
    message->unconfirmed->consumer = request->drop ? NULL : arena_string(arena, NAME);
}

void consumers_pack(struct sim *sim, const struct wish *wish, Zmesos__V1__TaskSpec *spec)
{
    if (!wish->consumer_ms)
        return;
    spec->consumer = NEW(sim, Zmesos__V1__Consumer);
    zmesos__v1__consumer__init(spec->consumer);
    spec->consumer->name = arena_string(&sim->arena, NAME);
    spec->consumer->timeout = NEW(sim, Mesos__V1__DurationInfo);
    mesos__v1__duration_info__init(spec->consumer->timeout);
    spec->consumer->timeout->nanoseconds = wish->consumer_ms * 1000000;
    spec->consumer->has_after_timeout = wish->consumer_waits;
    spec->consumer->after_timeout = wish->consumer_waits ? ZMESOS__V1__CONSUMER__AFTER_TIMEOUT__WAIT
                                                         : ZMESOS__V1__CONSUMER__AFTER_TIMEOUT__ACKNOWLEDGE;
}

/* ---- what must hold ---- */

/* Of a task that our daemon knows with its specification. */
const struct wish *consumers_keep(const struct sim *sim, const struct update *update)
{
    const struct kept_task *task;
    if (!decided_attempt(sim, update->life->id, &task) || task->row.flags & peek_adopted)
        return NULL;
    const struct wish *wish = client_wish(sim, task->row.id, strlen(task->row.id));
    return wish && wish->consumer_ms ? wish : NULL;
}

static bool is_late(const struct sim *sim, const struct update *update)
{
    const struct wish *wish = consumers_keep(sim, update);
    return !wish->consumer_waits && (sim->weather.faults[FAULT_WALL_JUMP] ||
                                            sim->now_us - update->heard_us >= (wish->consumer_ms - 2) * MS);
}

void check_may_acknowledge(struct sim *sim, const struct update *update)
{
    if (!update->confirmed_us && consumers_keep(sim, update) && !is_late(sim, update))
        violation(sim, "%s %s is acknowledged, and its consumer has not confirmed it", update->life->id,
                state_name(update->state));
}

/* How often it is acknowledged when it is heard. */
void check_acknowledged(struct sim *sim, const struct update *update, unsigned times)
{
    bool kept = consumers_keep(sim, update), settled = update->confirm_answered && sim->restores == 0;
    if (times > 1 || (times == 0 && (!kept || settled)))
        violation(sim, "%s %s is acknowledged %u times", update->life->id, state_name(update->state), times);
}

bool consumers_wait(const struct kept_task *task)
{
    for (size_t i = 0; i < task->attempt_count; i++) {
        if (task->attempts[i].pending_event)
            return true;
    }
    return false;
}

static void check_listed(
        struct sim *sim, const struct request *request, const Zmesos__V1__UnconfirmedUpdates *page)
{
    const struct disk *ahead = &sim->store.ahead;
    uint64_t waiting = 0;
    for (size_t i = 0; i < ahead->task_count; i++) {
        for (size_t j = 0; j < ahead->tasks[i].attempt_count; j++)
            waiting += ahead->tasks[i].attempts[j].pending_event != NULL;
    }
    if (page->total != waiting)
        violation(sim, "%llu updates wait, and %llu are counted", (unsigned long long)waiting,
                (unsigned long long)page->total);
    (void)request;
}

/* The reply leaves: from now on it is so. */
void consumers_promise(struct sim *sim, const struct answered *reply)
{
    struct request *request = sim->requests[reply->token - 1];
    for (size_t i = 0; i < reply->count && i < request->update_count; i++)
        request->updates[i]->confirm_answered |= reply->codes[i] == ZMESOS__V1__CODE__OK;
}

void consumers_read(struct sim *sim, struct answered *answered, const Zmesos__V1__Reply *reply)
{
    const struct request *request = sim->requests[answered->token - 1];
    if (reply->result_case != ZMESOS__V1__REPLY__RESULT_UNCONFIRMED)
        return;
    const Zmesos__V1__UnconfirmedUpdates *page = reply->unconfirmed;
    check_listed(sim, request, page);
    answered->updates = arena_array(&sim->arena, page->n_updates, sizeof *answered->updates);
    for (size_t i = 0; i < page->n_updates; i++) {
        uint64_t uuid = 0;
        memcpy(&uuid, page->updates[i]->uuid.data, sizeof uuid);
        struct update *update = uuid && uuid <= sim->update_count ? sim->updates[uuid - 1] : NULL;
        if (!update || !update->heard_us || (update->confirm_answered && sim->restores == 0)) {
            violation(sim, "an update of %s waits, and it does not", page->updates[i]->task_id);
            return;
        }
        update->task_id = arena_string(&sim->arena, page->updates[i]->task_id);
        update->attempt = page->updates[i]->attempt;
        answered->updates[answered->update_count++] = update;
    }
}
