/* Replies: read when they are decided, given to the client when they leave. */
#include "sim.h"

#include <string.h>

static void make_room(struct sim *sim, struct answered *answered)
{
    struct arena *arena = &sim->arena;
    size_t room = answered->count + answered->missing;
    answered->ids = arena_array(arena, room, sizeof *answered->ids);
    answered->codes = arena_array(arena, room, sizeof *answered->codes);
    answered->states = arena_array(arena, room, sizeof *answered->states);
    answered->revisions = arena_array(arena, room, sizeof *answered->revisions);
    answered->forgets = arena_array(arena, room, sizeof *answered->forgets);
    answered->adopted = arena_array(arena, room, sizeof *answered->adopted);
}

static void read_id(struct sim *sim, struct answered *answered, size_t at, const char *id)
{
    const struct wish *wish = client_wish(sim, id, strlen(id));
    answered->ids[at] = arena_string(&sim->arena, id);
    answered->forgets[at] = wish ? wish->forgets_decided : 0;
}

static void read_items(struct sim *sim, struct answered *answered, const Zmesos__V1__Items *items)
{
    answered->count = items->n_items;
    make_room(sim, answered);
    answered->count = 0;
    for (size_t i = 0; i < items->n_items; i++) {
        size_t at = answered->count;
        if (!items->items[i]->task_id)
            continue; /* an operation */
        answered->count++;
        read_id(sim, answered, at, items->items[i]->task_id);
        answered->codes[at] = items->items[i]->code;
        answered->states[at] = items->items[i]->state;
        answered->revisions[at] = items->items[i]->revision;
    }
}

static void read_tasks(struct sim *sim, struct answered *answered, const Zmesos__V1__Tasks *tasks)
{
    answered->tasks = true;
    answered->count = tasks->n_tasks;
    answered->missing = tasks->n_missing;
    make_room(sim, answered);
    for (size_t i = 0; i < answered->count; i++) {
        read_id(sim, answered, i, tasks->tasks[i]->id);
        answered->states[i] = tasks->tasks[i]->state;
        answered->revisions[i] = tasks->tasks[i]->revision;
        answered->adopted[i] = tasks->tasks[i]->adopted;
    }
    for (size_t i = 0; i < answered->missing; i++)
        read_id(sim, answered, answered->count + i, tasks->missing[i]);
}

struct answered *client_read_reply(struct sim *sim, const struct core_reply *reply)
{
    struct answered *answered = NEW(sim, struct answered);
    const Zmesos__V1__Reply *from = reply->reply;
    answered->token = reply->token;
    consumers_read(sim, answered, from);
    lessees_read(sim, sim->requests[reply->token - 1], from);
    deeds_read(sim, answered, from);
    check_other_reply(sim, sim->requests[reply->token - 1], from);
    answered->code = from->code;
    for (size_t i = 0; i < sim->wish_count; i++) {
        const struct wish *wish = &sim->wishes[i];
        bool promised = wish->promised && wish->forgets_decided == wish->forgets_kept;
        answered->promised |= (uint64_t)promised << i;
    }
    if (from->result_case == ZMESOS__V1__REPLY__RESULT_ITEMS)
        read_items(sim, answered, from->items);
    else if (from->result_case == ZMESOS__V1__REPLY__RESULT_TASKS)
        read_tasks(sim, answered, from->tasks);
    return answered;
}

/* A reply that is lost makes the client ask again. */
void client_reply(struct sim *sim, const struct answered *reply)
{
    struct request *request = sim->requests[reply->token - 1];
    if (weather_chance(sim, 50) || reply->code == ZMESOS__V1__CODE__UNAVAILABLE)
        return;
    request->answered = true;
    if (request->kind == REQUEST_UNCONFIRMED)
        consumers_reply(sim, reply);
    for (size_t i = 0; i < reply->count && request->kind == REQUEST_LIST; i++) {
        if (reply->adopted[i])
            client_found(sim, reply->ids[i]);
    }
}
