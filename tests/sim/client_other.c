/* What operators and other programs ask for besides tasks: roles, the end of the framework, executors, why a
 * task waits, where its files are. Drawn apart from the requests of client_model.c. */
#include "sim.h"

#include <string.h>

#include "peek.h"

static bool wanted(const struct sim *sim, enum request_kind kind)
{
    switch (kind) {
    case REQUEST_SUPPRESS:
    case REQUEST_REVIVE:
    case REQUEST_ROLES:
        return sim->features[FEATURE_ROLES];
    case REQUEST_TEARDOWN:
        return sim->features[FEATURE_TEARDOWN];
    case REQUEST_SHUTDOWN:
    case REQUEST_MESSAGE:
    case REQUEST_RESOURCES:
    case REQUEST_OPERATIONS:
        return sim->features[FEATURE_ASKED];
    case REQUEST_WHY:
    case REQUEST_SANDBOX:
    case REQUEST_AGENTS:
        return sim->features[FEATURE_WHY];
    default:
        return false;
    }
}

bool client_may_give_up(enum request_kind kind)
{
    return kind >= REQUEST_ROLES;
}

/* By the task, or by both ids. */
static bool choose_executor(struct sim *sim, struct request *request)
{
    struct wish *wish = &sim->wishes[random_below(&sim->random, sim->wish_count)];
    request->wishes[request->count++] = wish;
    request->agent = &sim->agents[random_below(&sim->random, (uint64_t)sim->agent_count)];
    request->executor = wish->want.executor;
    if (request->executor && random_below(&sim->random, 2))
        request->count = 0;
    return !wish->found;
}

static bool choose(struct sim *sim, struct request *request)
{
    struct random *random = &sim->random;
    request->role = -1;
    switch (request->kind) {
    case REQUEST_SUPPRESS:
    case REQUEST_REVIVE:
        request->role = (int)random_below(random, ROLES + 1) - 1;
        return true;
    case REQUEST_ROLES:
        request->drop = random_below(random, 2) == 0;
        return true;
    case REQUEST_TEARDOWN:
        return random_below(random, 8) == 0;
    case REQUEST_SHUTDOWN:
    case REQUEST_MESSAGE:
        return sim->wish_count > 0 && choose_executor(sim, request);
    case REQUEST_WHY:
    case REQUEST_SANDBOX:
        for (uint64_t left = request->kind == REQUEST_WHY ? 5 : 1; left > 0 && sim->wish_count > 0; left--)
            request->wishes[request->count++] = &sim->wishes[random_below(random, sim->wish_count)];
        return request->count > 0;
    case REQUEST_AGENTS:
        request->page_size = (uint32_t)random_between(random, 1, 10);
        if (random_below(random, 2))
            request->agent = &sim->agents[random_below(random, (uint64_t)sim->agent_count)];
        return true;
    default:
        return true;
    }
}

static void next_other(struct sim *sim, void *context, uint64_t number)
{
    (void)context;
    (void)number;
    if (sim->calm)
        return;
    enum request_kind kind =
            (enum request_kind)random_between(&sim->random, REQUEST_SUPPRESS, REQUEST_AGENTS);
    if (wanted(sim, kind)) {
        struct request *request = client_new_request(sim, kind);
        if (choose(sim, request))
            client_send(sim, request, 0);
    }
    world_after(sim, random_spread(&sim->random, 10 * MS, 10 * SECOND), next_other, NULL, 0);
}

/* What was suppressed and nobody remembers is found out, in most seeds. */
static void revive_all(struct sim *sim, void *context, uint64_t number)
{
    (void)context;
    (void)number;
    struct request *request = client_new_request(sim, REQUEST_REVIVE);
    request->role = -1;
    client_send(sim, request, 0);
}

void client_start_other(struct sim *sim)
{
    bool any = false;
    for (int kind = REQUEST_SUPPRESS; kind <= REQUEST_AGENTS; kind++)
        any |= wanted(sim, (enum request_kind)kind);
    if (!any)
        return;
    next_other(sim, NULL, 0);
    if (sim->features[FEATURE_ROLES] && random_below(&sim->random, 4))
        world_after(sim, sim->weather.calm_at_us + MINUTE, revive_all, NULL, 0);
}

/* A teardown is asked for twice. */
void client_tear_down(struct sim *sim, const char *token)
{
    if (random_below(&sim->random, 4) == 0)
        return;
    struct request *request = client_new_request(sim, REQUEST_TEARDOWN);
    request->label = token;
    client_send(sim, request, 0);
}

/* ---- messages ---------------------------------------------------------------------------------------------
 */

static char **roles_of(struct sim *sim, int role, size_t *count)
{
    char **roles = arena_array(&sim->daemon.in, 1, sizeof *roles);
    *count = role >= 0;
    roles[0] = role >= 0 ? arena_string(&sim->daemon.in, role_name(role)) : NULL;
    return roles;
}

static Zmesos__V1__Executor *executor(struct sim *sim, const struct request *request)
{
    struct arena *arena = &sim->daemon.in;
    Zmesos__V1__Executor *made = arena_alloc(arena, sizeof *made);
    zmesos__v1__executor__init(made);
    if (request->count > 0)
        made->task_id = arena_string(arena, request->wishes[0]->id);
    else
        made->agent_id = arena_string(arena, request->agent->id);
    if (request->executor)
        made->executor_id = arena_string(arena, executor_name(request->executor));
    return made;
}

static void fill_roles(struct sim *sim, const struct request *request, Zmesos__V1__Request *message)
{
    struct arena *arena = &sim->daemon.in;
    if (request->kind == REQUEST_SUPPRESS) {
        message->operation_case = ZMESOS__V1__REQUEST__OPERATION_SUPPRESS;
        message->suppress = arena_alloc(arena, sizeof *message->suppress);
        zmesos__v1__suppress__init(message->suppress);
        message->suppress->roles = roles_of(sim, request->role, &message->suppress->n_roles);
    } else if (request->kind == REQUEST_REVIVE) {
        message->operation_case = ZMESOS__V1__REQUEST__OPERATION_REVIVE;
        message->revive = arena_alloc(arena, sizeof *message->revive);
        zmesos__v1__revive__init(message->revive);
        message->revive->roles = roles_of(sim, request->role, &message->revive->n_roles);
    } else {
        message->operation_case = ZMESOS__V1__REQUEST__OPERATION_UPDATE_FRAMEWORK;
        message->update_framework = arena_alloc(arena, sizeof *message->update_framework);
        zmesos__v1__update_framework__init(message->update_framework);
        char **roles = roles_of(sim, ROLE_ADDED, &message->update_framework->n_remove_roles);
        message->update_framework->add_roles = message->update_framework->remove_roles = roles;
        message->update_framework->n_add_roles = !request->drop;
        message->update_framework->n_remove_roles = request->drop;
    }
}

static void fill_asked(struct sim *sim, const struct request *request, Zmesos__V1__Request *message)
{
    struct arena *arena = &sim->daemon.in;
    switch (request->kind) {
    case REQUEST_SHUTDOWN:
        message->operation_case = ZMESOS__V1__REQUEST__OPERATION_SHUTDOWN_EXECUTOR;
        message->shutdown_executor = arena_alloc(arena, sizeof *message->shutdown_executor);
        zmesos__v1__shutdown_executor__init(message->shutdown_executor);
        message->shutdown_executor->executor = executor(sim, request);
        break;
    case REQUEST_MESSAGE:
        message->operation_case = ZMESOS__V1__REQUEST__OPERATION_MESSAGE;
        message->message = arena_alloc(arena, sizeof *message->message);
        zmesos__v1__send_message__init(message->message);
        message->message->executor = executor(sim, request);
        message->message->has_data = true;
        message->message->data = (ProtobufCBinaryData){.len = 5, .data = arena_copy(arena, "hello", 5)};
        break;
    case REQUEST_RESOURCES:
        message->operation_case = ZMESOS__V1__REQUEST__OPERATION_REQUEST_RESOURCES;
        message->request_resources = arena_alloc(arena, sizeof *message->request_resources);
        zmesos__v1__request_resources__init(message->request_resources);
        message->request_resources->requests = arena_array(arena, 1, sizeof(Mesos__V1__Request *));
        message->request_resources->requests[0] = arena_alloc(arena, sizeof(Mesos__V1__Request));
        mesos__v1__request__init(message->request_resources->requests[0]);
        message->request_resources->n_requests = 1;
        break;
    default:
        message->operation_case = ZMESOS__V1__REQUEST__OPERATION_RECONCILE_OPERATIONS;
        message->reconcile_operations = arena_alloc(arena, sizeof *message->reconcile_operations);
        zmesos__v1__reconcile_operations__init(message->reconcile_operations);
        break;
    }
}

void client_fill_other(struct sim *sim, const struct request *request, Zmesos__V1__Request *message)
{
    struct arena *arena = &sim->daemon.in;
    switch (request->kind) {
    case REQUEST_SUPPRESS:
    case REQUEST_REVIVE:
    case REQUEST_ROLES:
        fill_roles(sim, request, message);
        break;
    case REQUEST_TEARDOWN:
        message->operation_case = ZMESOS__V1__REQUEST__OPERATION_TEARDOWN;
        message->teardown = arena_alloc(arena, sizeof *message->teardown);
        zmesos__v1__teardown__init(message->teardown);
        message->teardown->token = arena_string(arena, request->label);
        break;
    case REQUEST_WHY:
        message->operation_case = ZMESOS__V1__REQUEST__OPERATION_WHY;
        message->why = arena_alloc(arena, sizeof *message->why);
        zmesos__v1__why__init(message->why);
        message->why->task_ids = arena_array(arena, request->count, sizeof(char *));
        for (size_t i = 0; i < request->count; i++)
            message->why->task_ids[message->why->n_task_ids++] = arena_string(arena, request->wishes[i]->id);
        break;
    case REQUEST_SANDBOX:
        message->operation_case = ZMESOS__V1__REQUEST__OPERATION_SANDBOX;
        message->sandbox = arena_alloc(arena, sizeof *message->sandbox);
        zmesos__v1__sandbox__init(message->sandbox);
        message->sandbox->task_id = arena_string(arena, request->wishes[0]->id);
        break;
    case REQUEST_AGENTS:
        message->operation_case = ZMESOS__V1__REQUEST__OPERATION_LIST_AGENTS;
        message->list_agents = arena_alloc(arena, sizeof *message->list_agents);
        zmesos__v1__list_agents__init(message->list_agents);
        message->list_agents->after = request->agent ? arena_string(arena, request->agent->id) : NULL;
        message->list_agents->has_page_size = true;
        message->list_agents->page_size = request->page_size;
        break;
    default:
        fill_asked(sim, request, message);
        break;
    }
}
