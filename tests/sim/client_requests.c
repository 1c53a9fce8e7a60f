/* Requests: packed, sent, and repeated until they are answered. */
#include "sim.h"

#include <string.h>

#define AT_ONCE 64 /* requests in a turn */

static char *text_of(struct sim *sim, const char *text)
{
    return arena_string(&sim->arena, text);
}

static Mesos__V1__DurationInfo *duration(struct sim *sim, int64_t ms)
{
    Mesos__V1__DurationInfo *info = NEW(sim, Mesos__V1__DurationInfo);
    mesos__v1__duration_info__init(info);
    info->nanoseconds = ms * 1000000;
    return info;
}

static Mesos__V1__Label *label(struct sim *sim, const char *value)
{
    Mesos__V1__Label *made = NEW(sim, Mesos__V1__Label);
    mesos__v1__label__init(made);
    made->key = text_of(sim, "group");
    made->value = value ? text_of(sim, value) : NULL;
    return made;
}

static Mesos__V1__KillPolicy *kill_policy(struct sim *sim, int64_t grace_s)
{
    Mesos__V1__KillPolicy *policy = NEW(sim, Mesos__V1__KillPolicy);
    mesos__v1__kill_policy__init(policy);
    policy->grace_period = duration(sim, grace_s * 1000);
    return policy;
}

static Zmesos__V1__RetryPolicy *retry_policy(struct sim *sim, const struct policy *policy)
{
    Zmesos__V1__RetryPolicy *retry = NEW(sim, Zmesos__V1__RetryPolicy);
    zmesos__v1__retry_policy__init(retry);
    retry->has_max_attempts = true;
    retry->max_attempts = policy->max_attempts;
    retry->on = arena_array(&sim->arena, OUTCOME_MAX + 1, sizeof *retry->on);
    if (policy->on & OUTCOME(DRAINED))
        retry->on[retry->n_on++] = ZMESOS__V1__RETRY_POLICY__OUTCOME__DRAINED;
    for (unsigned outcome = 1; outcome <= OUTCOME_MAX; outcome++) {
        if (policy->on & (1u << outcome))
            retry->on[retry->n_on++] = (Zmesos__V1__RetryPolicy__Outcome)outcome;
    }
    retry->backoff = duration(sim, policy->backoff_ms);
    retry->backoff_max = duration(sim, policy->backoff_max_ms);
    retry->replace_after = duration(sim, policy->replace_after_ms);
    retry->has_elsewhere = true;
    retry->elsewhere = policy->elsewhere;
    return retry;
}

static Mesos__V1__ExecutorInfo *executor_info(struct sim *sim, int executor, Mesos__V1__CommandInfo *command)
{
    Mesos__V1__ExecutorInfo *info = NEW(sim, Mesos__V1__ExecutorInfo);
    struct stuff stuff = executor_stuff(sim);
    mesos__v1__executor_info__init(info);
    info->executor_id = NEW(sim, Mesos__V1__ExecutorID);
    mesos__v1__executor_id__init(info->executor_id);
    info->executor_id->value = text_of(sim, executor_name(executor));
    info->command = command;
    info->n_resources = stuff_write(&sim->arena, &stuff, NULL, &info->resources);
    for (size_t i = 0; i < info->n_resources; i++)
        info->resources[i]->allocation_info = NULL;
    return info;
}

/* Otherwise: with the same id, and not the same. */
struct slice client_pack_spec(struct sim *sim, const struct wish *wish, bool otherwise)
{
    Zmesos__V1__TaskSpec spec;
    zmesos__v1__task_spec__init(&spec);
    spec.id = (char *)(uintptr_t)wish->id;
    spec.role = text_of(sim, role_name(wish->role));
    struct want want = wish->want;
    want.cpus += otherwise ? 1000 : 0;
    want_pack(sim, &want, &spec);
    rules_pack(sim, wish, &spec);
    spec.group = text_of(sim, wish->group);
    spec.placer = wish->placer ? text_of(sim, "placer") : NULL;
    consumers_pack(sim, wish, &spec);
    spec.has_despite_maintenance = wish->despite;
    spec.despite_maintenance = wish->despite;
    spec.has_priority = wish->priority != 0;
    spec.priority = wish->priority;
    spec.submitter = text_of(sim, submitters[wish->submitter]);
    Mesos__V1__CommandInfo command;
    mesos__v1__command_info__init(&command);
    command.value = text_of(sim, "true");
    if (wish->want.executor)
        spec.executor = executor_info(sim, wish->want.executor, &command);
    else
        spec.command = &command;
    Mesos__V1__Labels labels;
    mesos__v1__labels__init(&labels);
    Mesos__V1__Label *only[1];
    if (wish->label) {
        only[0] = label(sim, wish->label);
        labels.labels = only;
        labels.n_labels = 1;
        spec.labels = &labels;
        spec.kill_policy = kill_policy(sim, 3);
    }
    if (wish->policy.max_attempts > 1)
        spec.retry = retry_policy(sim, &wish->policy);
    if (wish->launch_timeout_ms)
        spec.launch_timeout = duration(sim, wish->launch_timeout_ms);
    size_t size = zmesos__v1__task_spec__get_packed_size(&spec);
    uint8_t *bytes = sim_alloc(sim, size);
    zmesos__v1__task_spec__pack(&spec, bytes);
    return slice_of(bytes, size);
}

/* ---- messages ---------------------------------------------------------------------------------------------
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
        specs[i] = request->kind == REQUEST_CONFLICT ? client_pack_spec(sim, wish, true) : wish->spec;
        Zmesos__V1__TaskSpec *spec = zmesos__v1__task_spec__unpack(NULL, specs[i].length, specs[i].data);
        plant_spec(sim, spec);
        message->launch->tasks[message->launch->n_tasks++] = spec;
    }
}

static char **ids_of(struct sim *sim, const struct request *request)
{
    char **ids = arena_array(&sim->daemon.in, request->count, sizeof *ids);
    for (size_t i = 0; i < request->count; i++)
        ids[i] = (char *)(uintptr_t)request->wishes[i]->id;
    return ids;
}

/* A kill of one is a kill of its group. */
static void note_grace(struct sim *sim, const struct wish *wish, int64_t grace_s)
{
    for (size_t i = 0; i < sim->wish_count; i++) {
        struct wish *other = &sim->wishes[i];
        if (other == wish || (wish->group && other->group == wish->group))
            other->graces |= 1u << grace_s;
    }
}

/* The policy's bytes as they came, as src/daemon finds them. */
static struct slice fill_kill(struct sim *sim, const struct request *request, Zmesos__V1__Request *message)
{
    message->operation_case = ZMESOS__V1__REQUEST__OPERATION_KILL;
    message->kill = arena_alloc(&sim->daemon.in, sizeof *message->kill);
    zmesos__v1__kill__init(message->kill);
    if (request->kind == REQUEST_KILL_LABEL) {
        message->kill->label = label(sim, request->label);
    } else {
        message->kill->task_ids = ids_of(sim, request);
        message->kill->n_task_ids = request->count;
    }
    if (!request->grace_s)
        return slice_of(NULL, 0);
    for (size_t i = 0; i < request->count; i++)
        note_grace(sim, request->wishes[i], request->grace_s);
    message->kill->kill_policy = kill_policy(sim, request->grace_s);
    size_t size = mesos__v1__kill_policy__get_packed_size(message->kill->kill_policy);
    uint8_t *bytes = arena_alloc(&sim->daemon.in, size);
    mesos__v1__kill_policy__pack(message->kill->kill_policy, bytes);
    return slice_of(bytes, size);
}

static void fill_release(struct sim *sim, const struct request *request, Zmesos__V1__Request *message)
{
    message->operation_case = ZMESOS__V1__REQUEST__OPERATION_RELEASE;
    message->release = arena_alloc(&sim->daemon.in, sizeof *message->release);
    zmesos__v1__release__init(message->release);
    message->release->has_action = true;
    message->release->action =
            request->drop ? ZMESOS__V1__RELEASE__ACTION__DROP : ZMESOS__V1__RELEASE__ACTION__RUN;
    message->release->task_ids = ids_of(sim, request);
    message->release->n_task_ids = request->count;
    check_releases(sim, request);
}

static void fill(struct sim *sim, const struct request *request, Zmesos__V1__Request *message,
        struct core_input *input)
{
    struct arena *arena = &sim->daemon.in;
    struct slice *specs = arena_array(arena, 8, sizeof *specs);
    input->request.specs = specs;
    switch (request->kind) {
    case REQUEST_LAUNCH:
    case REQUEST_AGAIN:
    case REQUEST_CONFLICT:
        fill_launch(sim, request, message, specs);
        break;
    case REQUEST_KILL:
    case REQUEST_KILL_LABEL:
        input->request.kill_policy = fill_kill(sim, request, message);
        break;
    case REQUEST_GET:
        message->operation_case = ZMESOS__V1__REQUEST__OPERATION_GET;
        message->get = arena_alloc(arena, sizeof *message->get);
        zmesos__v1__get__init(message->get);
        message->get->task_ids = ids_of(sim, request);
        message->get->n_task_ids = request->count;
        break;
    case REQUEST_LIST:
        message->operation_case = ZMESOS__V1__REQUEST__OPERATION_LIST;
        message->list = arena_alloc(arena, sizeof *message->list);
        zmesos__v1__list__init(message->list);
        break;
    case REQUEST_RECONCILE:
        message->operation_case = ZMESOS__V1__REQUEST__OPERATION_RECONCILE;
        message->reconcile = arena_alloc(arena, sizeof *message->reconcile);
        zmesos__v1__reconcile__init(message->reconcile);
        break;
    case REQUEST_RELEASE:
        fill_release(sim, request, message);
        break;
    case REQUEST_LEASE:
    case REQUEST_PLACE:
    case REQUEST_RELEASE_LEASE:
        lessees_fill(sim, request, message);
        break;
    case REQUEST_OPERATE:
    case REQUEST_CANCEL:
        deeds_fill(sim, request, message, specs);
        break;
    case REQUEST_UNCONFIRMED:
    case REQUEST_CONFIRM:
        consumers_fill(sim, request, message);
        break;
    default:
        client_fill_other(sim, request, message);
        break;
    }
}

/* ---- sending ----------------------------------------------------------------------------------------------
 */

static void arrive(struct sim *sim, void *context, uint64_t number)
{
    struct request *request = context;
    if (!sim->daemon.up || daemon_put_off(sim, arrive, request, number))
        return;
    if (request->kind == REQUEST_CONFLICT && sim->restores > 0) {
        request->answered = true; /* what the conflict was with may be forgotten */
        return;
    }
    if (sim->daemon.paused || sim->daemon.requests == AT_ONCE) {
        world_after(sim, sim->daemon.paused ? 20 * MS : MS, arrive, request, number);
        return;
    }
    sim->daemon.requests++;
    Zmesos__V1__Request message;
    arena_reset(&sim->daemon.in);
    zmesos__v1__request__init(&message);
    struct core_input input = {
            .kind = CORE_IN_REQUEST, .request = {.token = request->token, .request = &message}};
    fill(sim, request, &message, &input);
    sim->daemon.asking = request;
    daemon_input(sim, &input);
    sim->daemon.asking = NULL;
    for (size_t i = 0; message.operation_case == ZMESOS__V1__REQUEST__OPERATION_LAUNCH && i < request->count;
            i++)
        zmesos__v1__task_spec__free_unpacked(message.launch->tasks[i], NULL);
    deeds_clear_message(request, &message);
}

void client_send(struct sim *sim, void *context, uint64_t number)
{
    (void)number;
    struct request *request = context;
    if (request->answered || (client_may_give_up(request->kind) && request->tries >= 3))
        return;
    static const char *const kinds[] = {"launches", "launches again", "kills", "kills by label", "gets",
            "lists", "reconciles", "launches otherwise", "releases", "suppresses", "revives", "changes roles",
            "tears down", "shuts down", "sends a message to", "requests resources", "reconciles operations",
            "asks why", "asks for the sandbox of", "lists agents", "asks what is not confirmed", "confirms",
            "leases", "places", "releases its lease", "operates", "cancels"};
    trace(sim, "client", "%s %s%s, %zu in all", kinds[request->kind],
            request->count  ? request->wishes[0]->id
            : request->deed ? request->deed->id
                            : "",
            request->drop ? " to drop" : "", request->count);
    request->tries++;
    world_after(sim, random_between(&sim->random, 50, 2 * MS), arrive, request, 0);
    world_after(sim, random_between(&sim->random, SECOND, 10 * SECOND), client_send, request, 0);
}
