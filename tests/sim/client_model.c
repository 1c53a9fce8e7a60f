/* Clients: what they want, and when they ask for it. How requests are packed and repeated is in
 * client_requests.c; what a reply promised is kept by the checks. */
#include "sim.h"

#include <string.h>

struct wish *client_wish(const struct sim *sim, const char *id, size_t length)
{
    for (size_t i = 0; i < sim->wish_count; i++) {
        const struct wish *wish = &sim->wishes[i];
        if (strlen(wish->id) == length && memcmp(wish->id, id, length) == 0)
            return (struct wish *)(uintptr_t)wish;
    }
    return NULL;
}

struct wish *client_wish_of_life(const struct sim *sim, const char *mesos_id)
{
    return client_wish(sim, mesos_id, strcspn(mesos_id, "."));
}

bool policy_replaces(const struct policy *policy)
{
    return policy->max_attempts > 1 && policy->on & OUTCOMES_CUT_OFF;
}

/* ---- what they want ---------------------------------------------------------------------------------------
 */

static struct policy any_policy(struct sim *sim)
{
    struct random *random = &sim->random;
    struct policy policy = {.max_attempts = 1,
            .on = OUTCOME(FAILED) | OUTCOME(LAUNCH_TIMEOUT) | OUTCOME(GONE),
            .backoff_ms = 1000,
            .backoff_max_ms = 300000,
            .replace_after_ms = 600000};
    if (random_below(random, 2))
        return policy;
    policy.max_attempts = (uint32_t)random_between(random, 2, 5);
    if (random_below(random, 2))
        policy.on = (unsigned)random_between(random, 1, (1 << (OUTCOME_MAX + 1)) - 1) & ~1u;
    if (policy.on == 0)
        policy.on = OUTCOME(UNREACHABLE);
    if (random_below(random, 2))
        policy.backoff_ms = random_spread(random, 1, 20000);
    if (random_below(random, 2))
        policy.backoff_max_ms = random_spread(random, policy.backoff_ms, 40000);
    if (random_below(random, 3))
        policy.replace_after_ms = random_spread(random, 1000, 240000);
    policy.elsewhere = random_below(random, 4) == 0;
    return policy;
}

static struct wish *new_wish(struct sim *sim, struct request *request)
{
    static const char *const labels[] = {NULL, "a", "b", ""};
    struct random *random = &sim->random;
    struct wish *wish = &sim->wishes[sim->wish_count++];
    *wish = (struct wish){.id = arena_format(&sim->arena, "t%zu", sim->wish_count),
            .role = (int)random_below(random, sim->features[FEATURE_ROLES] ? ROLES : ROLES_CONFIGURED),
            .want = want_any(sim),
            .runs_us = random_below(random, 3) ? random_spread(random, MS, 60 * SECOND) : INT64_MAX,
            .fails = random_below(random, 4) ? 0 : (unsigned)random_between(random, 300, 1000),
            .label = labels[random_below(random, sizeof labels / sizeof *labels)],
            .policy = any_policy(sim),
            .request = request};
    if (random_below(random, 4) == 0)
        wish->launch_timeout_ms = random_spread(random, 5000, 240000);
    rules_any(sim, wish);
    if (sim->features[FEATURE_MAINTENANCE]) {
        wish->despite = random_below(random, 5) == 0;
        wish->policy.on |= random_below(random, 3) == 0 ? OUTCOME(DRAINED) : 0;
    }
    wish->priority = wish->want.cpus % 3 == 0;
    if (sim->features[FEATURE_SHARES])
        wish->submitter = (int)random_below(random, SUBMITTERS);
    if (sim->features[FEATURE_CONSUMERS] && random_below(random, 2)) {
        wish->consumer_ms = random_spread(random, 500, 300000);
        wish->consumer_waits = random_below(random, 3) == 0;
    }
    wish->placer = sim->features[FEATURE_LEASES] && random_below(random, 4) == 0;
    wish->spec = client_pack_spec(sim, wish, false);
    return wish;
}

/* A list named a task that no client launched: from now on they may kill it. */
void client_found(struct sim *sim, const char *id)
{
    if (sim->wish_count == WISHES_MAX || client_wish(sim, id, strlen(id)))
        return;
    struct wish *wish = &sim->wishes[sim->wish_count++];
    *wish = (struct wish){.id = id, .found = true, .runs_us = INT64_MAX, .policy = {.max_attempts = 1}};
}

/* ---- what they ask ----------------------------------------------------------------------------------------
 */

struct request *client_new_request(struct sim *sim, enum request_kind kind)
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

/* An id that was forgotten may be used again: by who knows what was there before. */
static bool may_name(const struct sim *sim, const struct wish *wish, enum request_kind kind)
{
    bool short_memory = sim->daemon.config.keep_tasks < 1000 || sim->daemon.config.keep_tasks_ms < 3600000 ||
                        sim->weather.faults[FAULT_WALL_JUMP];
    switch (kind) {
    case REQUEST_AGAIN:
        return wish->promised && !wish->found;
    case REQUEST_CONFLICT:
        return wish->promised && !wish->found && !short_memory && sim->restores == 0;
    default:
        return true;
    }
}

static void choose_wishes(struct sim *sim, struct request *request)
{
    size_t wanted = 1 + random_below(&sim->random, 5);
    if (request->kind == REQUEST_LAUNCH) {
        while (request->count < wanted && sim->launched_count < TASKS_MAX) {
            sim->launched_count++;
            request->wishes[request->count++] = new_wish(sim, request);
        }
        crews_group(sim, request);
        return;
    }
    if (request->kind != REQUEST_GET)
        wanted = 1;
    for (size_t i = 0; i < wanted && sim->wish_count > 0; i++) {
        struct wish *wish = &sim->wishes[random_below(&sim->random, sim->wish_count)];
        if (!may_name(sim, wish, request->kind))
            continue;
        request->wishes[request->count++] = wish;
        for (size_t j = 0; j < sim->wish_count && request->kind == REQUEST_AGAIN && wish->group; j++) {
            if (&sim->wishes[j] != wish && sim->wishes[j].group == wish->group && request->count < 8)
                request->wishes[request->count++] = &sim->wishes[j];
        }
    }
}

/* Whether there is something to send. */
static bool choose(struct sim *sim, struct request *request)
{
    switch (request->kind) {
    case REQUEST_LIST:
    case REQUEST_RECONCILE:
        return true;
    case REQUEST_KILL_LABEL:
        request->label = random_below(&sim->random, 3) ? "a" : NULL;
        return random_below(&sim->random, 3) == 0;
    case REQUEST_KILL:
        if (random_below(&sim->random, 3) == 0)
            request->grace_s = random_between(&sim->random, 1, 9);
        break;
    default:
        break;
    }
    choose_wishes(sim, request);
    return request->count > 0;
}

static void next_request(struct sim *sim, void *context, uint64_t number)
{
    (void)context;
    (void)number;
    static const enum request_kind kinds[] = {REQUEST_LAUNCH, REQUEST_LAUNCH, REQUEST_LAUNCH, REQUEST_KILL,
            REQUEST_KILL, REQUEST_KILL_LABEL, REQUEST_GET, REQUEST_LIST, REQUEST_RECONCILE, REQUEST_CONFLICT,
            REQUEST_AGAIN};
    if (sim->calm)
        return;
    struct request *request = client_new_request(
            sim, kinds[random_below(&sim->random, sim->wish_count ? sizeof kinds / sizeof *kinds : 1)]);
    if (choose(sim, request))
        client_send(sim, request, 0);
    world_after(sim, random_spread(&sim->random, 10 * MS, 40 * SECOND), next_request, NULL, 0);
}

/* In half of the seeds every task is killed at last. */
static void kill_all(struct sim *sim, void *context, uint64_t number)
{
    (void)context;
    client_send(sim, client_new_request(sim, REQUEST_LIST), 0);
    for (size_t i = 0; i < sim->wish_count; i++) {
        if (number > 0 && !sim->wishes[i].found)
            continue;
        struct request *request = client_new_request(sim, REQUEST_KILL);
        request->wishes[request->count++] = &sim->wishes[i];
        client_send(sim, request, 0);
    }
    if (number < 3)
        world_after(sim, 3 * MINUTE, kill_all, NULL, number + 1);
}

/* Somebody looks at what is held: all of it, or task by task, or not at all. */
static void release_held(struct sim *sim, void *context, uint64_t number)
{
    (void)context;
    (void)number;
    bool drop = random_below(&sim->random, 3) == 0;
    if (random_below(&sim->random, 2)) {
        struct request *request = client_new_request(sim, REQUEST_RELEASE);
        request->drop = drop;
        client_send(sim, request, 0);
        return;
    }
    for (size_t i = 0; i < sim->wish_count; i++) {
        if (!sim->wishes[i].held || random_below(&sim->random, 4) == 0)
            continue;
        struct request *request = client_new_request(sim, REQUEST_RELEASE);
        request->drop = random_below(&sim->random, 3) == 0;
        request->wishes[request->count++] = &sim->wishes[i];
        client_send(sim, request, 0);
    }
}

void client_restored(struct sim *sim)
{
    if (random_below(&sim->random, 4))
        world_after(sim, random_spread(&sim->random, SECOND, 5 * MINUTE), release_held, NULL, 0);
}

void client_start(struct sim *sim)
{
    next_request(sim, NULL, 0);
    client_start_other(sim);
    consumers_start(sim);
    lessees_start(sim);
    deeds_start(sim);
    if (random_below(&sim->random, 2))
        world_after(sim, sim->weather.calm_at_us + SECOND, kill_all, NULL, 0);
}
