/* Clients: they launch, kill and ask, and repeat a request until it is answered. What a reply promised is
 * kept by invariants.c. */
#include "sim.h"

#include <string.h>

static void send(struct sim *sim, void *context, uint64_t number);

struct wish *client_wish(const struct sim *sim, const char *id, size_t length)
{
    for (size_t i = 0; i < sim->wish_count; i++) {
        const struct wish *wish = &sim->wishes[i];
        if (strlen(wish->id) == length && memcmp(wish->id, id, length) == 0)
            return (struct wish *)(uintptr_t)wish;
    }
    return NULL;
}

/* ---- what they want ---------------------------------------------------------------------------------------
 */

static struct slice pack_spec(struct sim *sim, const struct wish *wish, double cpus)
{
    Zmesos__V1__TaskSpec spec;
    zmesos__v1__task_spec__init(&spec);
    spec.id = (char *)(uintptr_t)wish->id;
    spec.role = arena_string(&sim->arena, wish->role ? "r2" : "r1");
    spec.has_cpus = true;
    spec.cpus = cpus;
    spec.has_priority = wish->cpus % 3 == 0;
    spec.priority = 1;
    Mesos__V1__CommandInfo command;
    mesos__v1__command_info__init(&command);
    command.value = arena_string(&sim->arena, "true");
    spec.command = &command;
    size_t size = zmesos__v1__task_spec__get_packed_size(&spec);
    uint8_t *bytes = sim_alloc(sim, size);
    zmesos__v1__task_spec__pack(&spec, bytes);
    return slice_of(bytes, size);
}

static struct wish *new_wish(struct sim *sim, struct request *request)
{
    struct random *random = &sim->random;
    struct wish *wish = &sim->wishes[sim->wish_count++];
    *wish = (struct wish){.id = arena_format(&sim->arena, "t%zu", sim->wish_count),
            .role = (int)random_below(random, ROLES),
            .cpus = random_between(random, 1, 20) * 100,
            .runs_us = random_below(random, 3) ? random_spread(random, MS, 60 * SECOND) : INT64_MAX,
            .fails = random_below(random, 4) == 0,
            .request = request};
    wish->spec = pack_spec(sim, wish, (double)wish->cpus / 1000);
    return wish;
}

static struct request *new_request(struct sim *sim, enum request_kind kind)
{
    if (sim->request_count == sim->request_capacity) {
        size_t capacity = sim->request_capacity ? 2 * sim->request_capacity : 64;
        struct request **requests = arena_array(&sim->arena, capacity, sizeof(struct request *));
        if (sim->request_count)
            memcpy(requests, sim->requests, sim->request_count * sizeof(struct request *));
        sim->requests = requests;
        sim->request_capacity = capacity;
    }
    struct request *request = NEW(sim, struct request);
    sim->requests[sim->request_count++] = request;
    *request = (struct request){.kind = kind, .token = sim->request_count};
    return request;
}

static void choose(struct sim *sim, struct request *request)
{
    size_t wanted = 1 + random_below(&sim->random, 5);
    if (request->kind == REQUEST_LAUNCH) {
        while (request->count < wanted && sim->wish_count < TASKS_MAX)
            request->wishes[request->count++] = new_wish(sim, request);
        return;
    }
    if (request->kind != REQUEST_GET)
        wanted = 1;
    for (size_t i = 0; i < wanted && sim->wish_count > 0; i++) {
        struct wish *wish = &sim->wishes[random_below(&sim->random, sim->wish_count)];
        if (request->kind != REQUEST_CONFLICT || wish->promised)
            request->wishes[request->count++] = wish;
    }
}

/* ---- sending ----------------------------------------------------------------------------------------------
 */

static void fill_launch(
        struct sim *sim, const struct request *request, Zmesos__V1__Request *message, struct slice *specs)
{
    struct arena *arena = &sim->daemon.in;
    message->operation_case = ZMESOS__V1__REQUEST__OPERATION_LAUNCH;
    message->launch = arena_alloc(arena, sizeof *message->launch);
    zmesos__v1__launch__init(message->launch);
    message->launch->tasks = arena_array(arena, request->count, sizeof(Zmesos__V1__TaskSpec *));
    for (size_t i = 0; i < request->count; i++) {
        const struct wish *wish = request->wishes[i];
        bool other = request->kind == REQUEST_CONFLICT;
        specs[i] = other ? pack_spec(sim, wish, (double)wish->cpus / 1000 + 1) : wish->spec;
        message->launch->tasks[message->launch->n_tasks++] =
                zmesos__v1__task_spec__unpack(NULL, specs[i].length, specs[i].data);
    }
}

static char **ids_of(struct sim *sim, const struct request *request)
{
    char **ids = arena_array(&sim->daemon.in, request->count, sizeof *ids);
    for (size_t i = 0; i < request->count; i++)
        ids[i] = (char *)(uintptr_t)request->wishes[i]->id;
    return ids;
}

static void fill(
        struct sim *sim, const struct request *request, Zmesos__V1__Request *message, struct slice *specs)
{
    struct arena *arena = &sim->daemon.in;
    switch (request->kind) {
    case REQUEST_LAUNCH:
    case REQUEST_CONFLICT:
        fill_launch(sim, request, message, specs);
        break;
    case REQUEST_KILL:
        message->operation_case = ZMESOS__V1__REQUEST__OPERATION_KILL;
        message->kill = arena_alloc(arena, sizeof *message->kill);
        zmesos__v1__kill__init(message->kill);
        message->kill->task_ids = ids_of(sim, request);
        message->kill->n_task_ids = request->count;
        break;
    case REQUEST_GET:
        message->operation_case = ZMESOS__V1__REQUEST__OPERATION_GET;
        message->get = arena_alloc(arena, sizeof *message->get);
        zmesos__v1__get__init(message->get);
        message->get->task_ids = ids_of(sim, request);
        message->get->n_task_ids = request->count;
        break;
    case REQUEST_RECONCILE:
        message->operation_case = ZMESOS__V1__REQUEST__OPERATION_RECONCILE;
        message->reconcile = arena_alloc(arena, sizeof *message->reconcile);
        zmesos__v1__reconcile__init(message->reconcile);
        break;
    }
}

static void arrive(struct sim *sim, void *context, uint64_t number)
{
    struct request *request = context;
    if (!sim->daemon.up || daemon_put_off(sim, arrive, request, number))
        return;
    Zmesos__V1__Request message;
    struct slice specs[8];
    arena_reset(&sim->daemon.in);
    zmesos__v1__request__init(&message);
    fill(sim, request, &message, specs);
    struct core_input input = {.kind = CORE_IN_REQUEST,
            .request = {.token = request->token, .request = &message, .specs = specs}};
    daemon_input(sim, &input);
    for (size_t i = 0; message.operation_case == ZMESOS__V1__REQUEST__OPERATION_LAUNCH && i < request->count;
            i++)
        zmesos__v1__task_spec__free_unpacked(message.launch->tasks[i], NULL);
}

static void send(struct sim *sim, void *context, uint64_t number)
{
    (void)number;
    struct request *request = context;
    if (request->answered)
        return;
    static const char *const kinds[] = {"launches", "kills", "gets", "reconciles", "launches otherwise"};
    trace(sim, "client", "%s %s, %zu in all", kinds[request->kind],
            request->count ? request->wishes[0]->id : "", request->count);
    request->tries++;
    world_after(sim, random_between(&sim->random, 50, 2 * MS), arrive, request, 0);
    world_after(sim, random_between(&sim->random, SECOND, 10 * SECOND), send, request, 0);
}

static void next_request(struct sim *sim, void *context, uint64_t number)
{
    (void)context;
    (void)number;
    static const enum request_kind kinds[] = {REQUEST_LAUNCH, REQUEST_LAUNCH, REQUEST_LAUNCH, REQUEST_KILL,
            REQUEST_KILL, REQUEST_GET, REQUEST_RECONCILE, REQUEST_CONFLICT};
    if (sim->calm)
        return;
    struct request *request = new_request(
            sim, kinds[random_below(&sim->random, sim->wish_count ? sizeof kinds / sizeof *kinds : 1)]);
    choose(sim, request);
    if (request->count > 0 || request->kind == REQUEST_RECONCILE)
        send(sim, request, 0);
    world_after(sim, random_spread(&sim->random, 10 * MS, 40 * SECOND), next_request, NULL, 0);
}

/* In half of the seeds every task is killed at last. */
static void kill_all(struct sim *sim, void *context, uint64_t number)
{
    (void)context;
    (void)number;
    for (size_t i = 0; i < sim->wish_count; i++) {
        struct request *request = new_request(sim, REQUEST_KILL);
        request->wishes[request->count++] = &sim->wishes[i];
        send(sim, request, 0);
    }
}

void client_start(struct sim *sim)
{
    next_request(sim, NULL, 0);
    if (random_below(&sim->random, 2))
        world_after(sim, sim->weather.calm_at_us + SECOND, kill_all, NULL, 0);
}

/* ---- replies ----------------------------------------------------------------------------------------------
 */

struct answered *client_read_reply(struct sim *sim, const struct core_reply *reply)
{
    struct answered *answered = NEW(sim, struct answered);
    const Zmesos__V1__Reply *from = reply->reply;
    answered->token = reply->token;
    answered->code = from->code;
    if (from->result_case == ZMESOS__V1__REPLY__RESULT_ITEMS) {
        answered->count = from->items->n_items;
        for (size_t i = 0; i < answered->count; i++) {
            answered->ids[i] = arena_string(&sim->arena, from->items->items[i]->task_id);
            answered->codes[i] = from->items->items[i]->code;
            answered->states[i] = from->items->items[i]->state;
            answered->revisions[i] = from->items->items[i]->revision;
        }
    } else if (from->result_case == ZMESOS__V1__REPLY__RESULT_TASKS) {
        answered->tasks = true;
        answered->count = from->tasks->n_tasks;
        for (size_t i = 0; i < answered->count; i++) {
            answered->ids[i] = arena_string(&sim->arena, from->tasks->tasks[i]->id);
            answered->states[i] = from->tasks->tasks[i]->state;
            answered->revisions[i] = from->tasks->tasks[i]->revision;
        }
        answered->missing = from->tasks->n_missing;
        for (size_t i = 0; i < answered->missing; i++)
            answered->ids[answered->count + i] = arena_string(&sim->arena, from->tasks->missing[i]);
    }
    return answered;
}

/* A reply that is lost makes the client ask again. */
void client_reply(struct sim *sim, const struct answered *reply)
{
    struct request *request = sim->requests[reply->token - 1];
    if (!weather_chance(sim, 50) && reply->code != ZMESOS__V1__CODE__UNAVAILABLE)
        request->answered = true;
}
