/* What src/daemon packs and unpacks: the core's calls as messages to the master, the master's words as events
 * for the core. Some planted bugs are made here. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

/* ---- calls ------------------------------------------------------------------------------------------------
 */

/* PLANT_REUSE_ID: "t1.1.2" goes out as "t1.1.1", and comes in as the attempt that is current. */
static const char *outward_id(struct sim *sim, const char *id)
{
    const char *last = strrchr(id, '.');
    if (sim->plant != PLANT_REUSE_ID || !last)
        return arena_string(&sim->arena, id);
    return arena_format(&sim->arena, "%.*s.1", (int)(last - id), id);
}

static const char *inward_id(struct sim *sim, const char *id)
{
    const char *first = strchr(id, '.'), *last = strrchr(id, '.');
    if (sim->plant != PLANT_REUSE_ID || !last)
        return id;
    const struct wish *wish = client_wish(sim, id, (size_t)(first - id));
    const struct kept_task *kept = wish ? store_task(sim, wish->id) : NULL;
    return kept ? arena_format(&sim->arena, "%.*s.%zu", (int)(last - id), id, kept->attempt_count) : id;
}

static struct life *life_of(struct sim *sim, const struct core_launch *launch)
{
    const char *id = outward_id(sim, launch->task_id);
    struct life *life = sim_life(sim, id);
    if (life && life->written > 0)
        return life;
    if (!life) /* else decided before a crash, and it never left */
        life = sim_new_life(sim, id);
    life->wish = client_wish_of_life(sim, id);
    life->key = strtoll(strchr(id, '.') + 1, NULL, 10);
    life->attempt = (uint32_t)strtoul(strrchr(launch->task_id, '.') + 1, NULL, 10);
    life->agent = sim_agent(sim, launch->agent_id);
    life->executor = life->wish ? life->wish->want.executor : 0;
    life->stuff =
            stuff_read(sim, id, launch->resources, launch->resource_count, life->wish ? life->wish->role : 0);
    life->framework = sim->daemon.framework;
    life->history = life->wish ? life->wish->history : 0;
    return life;
}

static int64_t grace_of(const struct blob *policy)
{
    struct slice bytes = blob_slice(policy);
    Mesos__V1__KillPolicy *read =
            policy ? mesos__v1__kill_policy__unpack(NULL, bytes.length, bytes.data) : NULL;
    int64_t grace_s = read && read->grace_period ? read->grace_period->nanoseconds / 1000000000 : 0;
    mesos__v1__kill_policy__free_unpacked(read, NULL);
    return grace_s;
}

static void fill_offers(struct sim *sim, struct call *call, Mesos__V1__OfferID **ids, size_t count,
        const Mesos__V1__Filters *filters)
{
    call->offers = arena_array(&sim->arena, count, sizeof *call->offers);
    call->offer_count = count;
    for (size_t i = 0; i < count; i++)
        call->offers[i] = arena_string(&sim->arena, ids[i]->value);
    call->refuse_us = filters ? (int64_t)(filters->refuse_seconds * SECOND) : 5 * SECOND;
}

static void add_task(struct sim *sim, struct call *call, const char *id, const Mesos__V1__AgentID *agent)
{
    call->tasks[call->task_count].id = outward_id(sim, id);
    call->tasks[call->task_count].agent = agent ? arena_string(&sim->arena, agent->value) : NULL;
    call->task_count++;
}

static void fill_roles(struct call *call, char **roles, size_t count)
{
    for (size_t i = 0; i < count; i++)
        call->roles[role_of(roles[i])] = true;
    for (int role = 0; role < ROLES && count == 0; role++)
        call->roles[role] = true;
}

static void fill_tasks(struct sim *sim, struct call *call, const Mesos__V1__Scheduler__Call *from)
{
    size_t room = from->reconcile ? from->reconcile->n_tasks : 1;
    call->tasks = arena_array(&sim->arena, room, sizeof *call->tasks);
    if (from->kill)
        add_task(sim, call, from->kill->task_id->value, from->kill->agent_id);
    if (from->acknowledge) {
        add_task(sim, call, from->acknowledge->task_id->value, from->acknowledge->agent_id);
        memcpy(&call->uuid, from->acknowledge->uuid.data, sizeof call->uuid);
    }
    if (from->acknowledge_operation_status) {
        const Mesos__V1__Scheduler__Call__AcknowledgeOperationStatus *acknowledge =
                from->acknowledge_operation_status;
        call->operation = arena_string(&sim->arena, acknowledge->operation_id->value);
        memcpy(&call->uuid, acknowledge->uuid.data, sizeof call->uuid);
    }
    for (size_t i = 0; from->reconcile && i < from->reconcile->n_tasks; i++)
        add_task(sim, call, from->reconcile->tasks[i]->task_id->value, from->reconcile->tasks[i]->agent_id);
}

static void fill_crews(struct sim *sim, const struct call *call, const struct core_call *out)
{
    for (size_t i = 0; i < out->launch_count; i++) {
        struct life *lives[CREW_MAX];
        check_crew(sim, out->launches, out->launch_count, i);
        for (size_t j = 0; j < out->launches[i].group && j < CREW_MAX && !sim->violated; j++)
            lives[j] = call->launches[i + j].life;
        if (out->launches[i].group && !sim->violated)
            (void)crew_of_call(sim, &out->launches[i], lives);
    }
}

static void fill_executor(struct sim *sim, struct call *call, const Mesos__V1__ExecutorID *executor,
        const Mesos__V1__AgentID *agent)
{
    call->tasks = arena_array(&sim->arena, 1, sizeof *call->tasks);
    call->tasks[0].agent = arena_string(&sim->arena, agent->value);
    call->executor = arena_string(&sim->arena, executor->value);
}

static void fill_update(
        struct sim *sim, struct call *call, const Mesos__V1__Scheduler__Call__UpdateFramework *update)
{
    for (size_t i = 0; i < update->framework_info->n_roles; i++)
        call->framework_roles[role_of(update->framework_info->roles[i])] = true;
    for (size_t i = 0; i < update->n_suppressed_roles; i++)
        call->roles[role_of(update->suppressed_roles[i])] = true;
    limits_read(sim, update->offer_constraints, call->wanted_agents, sim->daemon.asking != NULL);
}

static void fill_operations(struct sim *sim, struct call *call, const struct core_call *out)
{
    const char *offer_id = call->offer_count ? call->offers[0] : "";
    const struct in_hand *in_hand = hand_find(sim, offer_id);
    call->operations = arena_array(&sim->arena, out->operation_count, sizeof *call->operations);
    for (size_t i = 0; in_hand && i < out->operation_count; i++) {
        const char *id = arena_string(&sim->arena, out->operations[i].operation_id);
        struct operation *operation = operation_named(sim, id);
        if (!operation || operation->written == 0) { /* else decided before a crash, and it never left */
            operation = operation ? operation : operation_new(sim, id, NULL);
            operation->agent = in_hand->offer->agent;
            operation->framework = sim->daemon.framework;
            operation->deed = deed_find(sim, id, strcspn(id, "."));
        }
        call->operations[call->operation_count++] = operation;
    }
}

static void fill_asked_operations(
        struct sim *sim, struct call *call, const Mesos__V1__Scheduler__Call__ReconcileOperations *from)
{
    call->asked = arena_array(&sim->arena, from->n_operations, sizeof *call->asked);
    for (size_t i = 0; i < from->n_operations; i++) {
        call->asked[i].id = arena_string(&sim->arena, from->operations[i]->operation_id->value);
        call->asked[i].agent = from->operations[i]->agent_id
                                       ? arena_string(&sim->arena, from->operations[i]->agent_id->value)
                                       : NULL;
    }
    call->operation_count = from->n_operations;
}

/* False: it is another one. */
static bool fill_other(struct sim *sim, struct call *call, const Mesos__V1__Scheduler__Call *from)
{
    if (from->shutdown)
        fill_executor(sim, call, from->shutdown->executor_id, from->shutdown->agent_id);
    else if (from->message)
        fill_executor(sim, call, from->message->executor_id, from->message->agent_id);
    else if (from->reconcile_operations)
        fill_asked_operations(sim, call, from->reconcile_operations);
    else if (from->update_framework)
        fill_update(sim, call, from->update_framework);
    else if (from->accept_inverse_offers)
        fill_offers(sim, call, from->accept_inverse_offers->inverse_offer_ids,
                from->accept_inverse_offers->n_inverse_offer_ids, from->accept_inverse_offers->filters);
    else if (from->decline_inverse_offers)
        fill_offers(sim, call, from->decline_inverse_offers->inverse_offer_ids,
                from->decline_inverse_offers->n_inverse_offer_ids, from->decline_inverse_offers->filters);
    else
        return from->request || from->type == CALL(TEARDOWN);
    return true;
}

struct call *daemon_call(struct sim *sim, const struct core_call *out)
{
    const Mesos__V1__Scheduler__Call *from = out->call;
    struct call *call = NEW(sim, struct call);
    call->number = out->number;
    call->subscription = out->subscription;
    call->type = from->type;
    call->ordered = out->ordered;
    call->framework = strtoull(strchr(from->framework_id->value, '-') + 1, NULL, 10);
    if (call->framework != sim->daemon.framework)
        violation(sim, "a call for framework %s", from->framework_id->value);
    if (out->ordered == (from->acknowledge || from->acknowledge_operation_status))
        violation(sim, "%s is in the wrong queue", call_name(from->type));
    if (from->accept) {
        fill_offers(sim, call, from->accept->offer_ids, from->accept->n_offer_ids, from->accept->filters);
        call->launches = arena_array(&sim->arena, out->launch_count, sizeof *call->launches);
        call->launch_count = out->launch_count;
        for (size_t i = 0; i < out->launch_count; i++) {
            call->launches[i].life = life_of(sim, &out->launches[i]);
            call->launches[i].stuff = call->launches[i].life->stuff;
        }
        fill_crews(sim, call, out);
        fill_operations(sim, call, out);
    } else if (from->decline) {
        fill_offers(sim, call, from->decline->offer_ids, from->decline->n_offer_ids, from->decline->filters);
    } else if (from->suppress) {
        fill_roles(call, from->suppress->roles, from->suppress->n_roles);
    } else if (from->revive) {
        fill_roles(call, from->revive->roles, from->revive->n_roles);
    } else if (!fill_other(sim, call, from)) {
        fill_tasks(sim, call, from);
        call->grace_s = grace_of(out->kill_policy);
    }
    return call;
}

/* ---- events -----------------------------------------------------------------------------------------------
 */

static Mesos__V1__AgentID *make_agent_id(struct arena *arena, const char *id)
{
    Mesos__V1__AgentID *agent = arena_alloc(arena, sizeof *agent);
    mesos__v1__agent_id__init(agent);
    agent->value = arena_string(arena, id);
    return agent;
}

static Mesos__V1__OfferID *make_offer_id(struct arena *arena, const char *id)
{
    Mesos__V1__OfferID *offer = arena_alloc(arena, sizeof *offer);
    mesos__v1__offer_id__init(offer);
    offer->value = arena_string(arena, id);
    return offer;
}

static Mesos__V1__FrameworkID *make_framework_id(struct sim *sim, struct arena *arena)
{
    Mesos__V1__FrameworkID *id = arena_alloc(arena, sizeof *id);
    mesos__v1__framework_id__init(id);
    id->value = arena_format(arena, "framework-%llu", (unsigned long long)sim->daemon.framework);
    return id;
}

static Mesos__V1__Unavailability *make_unavailability(struct arena *arena, const struct window *window)
{
    Mesos__V1__Unavailability *unavailability = arena_alloc(arena, sizeof *unavailability);
    mesos__v1__unavailability__init(unavailability);
    unavailability->start = arena_alloc(arena, sizeof *unavailability->start);
    mesos__v1__time_info__init(unavailability->start);
    unavailability->start->nanoseconds = window->start_ns;
    if (window->duration_ns >= 0) {
        unavailability->duration = arena_alloc(arena, sizeof *unavailability->duration);
        mesos__v1__duration_info__init(unavailability->duration);
        unavailability->duration->nanoseconds = window->duration_ns;
    }
    return unavailability;
}

static Mesos__V1__URL *make_url(struct arena *arena, const struct agent *agent)
{
    Mesos__V1__URL *url = arena_alloc(arena, sizeof *url);
    mesos__v1__url__init(url);
    url->scheme = arena_string(arena, "http");
    url->address = arena_alloc(arena, sizeof *url->address);
    mesos__v1__address__init(url->address);
    url->address->hostname = arena_string(arena, agent->host);
    url->address->port = 5051;
    return url;
}

static Mesos__V1__InverseOffer *make_inverse_offer(
        struct sim *sim, struct arena *arena, const struct word *word)
{
    Mesos__V1__InverseOffer *offer = arena_alloc(arena, sizeof *offer);
    mesos__v1__inverse_offer__init(offer);
    offer->id = make_offer_id(arena, word->text);
    offer->framework_id = make_framework_id(sim, arena);
    offer->agent_id = make_agent_id(arena, word->agent);
    offer->unavailability = make_unavailability(arena, &word->window);
    return offer;
}

static Mesos__V1__Offer *make_offer(struct sim *sim, struct arena *arena, const struct offer *from)
{
    Mesos__V1__Offer *offer = arena_alloc(arena, sizeof *offer);
    mesos__v1__offer__init(offer);
    offer->id = make_offer_id(arena, from->id);
    offer->framework_id = make_framework_id(sim, arena);
    offer->agent_id = make_agent_id(arena, from->agent->id);
    offer->hostname = arena_string(arena, from->agent->host);
    offer->allocation_info = arena_alloc(arena, sizeof *offer->allocation_info);
    mesos__v1__resource__allocation_info__init(offer->allocation_info);
    offer->allocation_info->role = arena_string(arena, role_name(from->role));
    offer->n_resources = stuff_write(arena, &from->stuff, offer->allocation_info->role, &offer->resources);
    rules_show(arena, from->agent, offer);
    if (sim->features[FEATURE_OPERATIONS])
        deeds_offer(arena, offer);
    if (from->window.set && sim->plant != PLANT_NO_WINDOW)
        offer->unavailability = make_unavailability(arena, &from->window);
    if (sim->features[FEATURE_WHY])
        offer->url = make_url(arena, from->agent);
    return offer;
}

static ProtobufCBinaryData make_uuid(struct arena *arena, uint64_t uuid)
{
    ProtobufCBinaryData data = {.len = 16, .data = arena_alloc(arena, 16)};
    memset(data.data, 0, 16);
    memcpy(data.data, &uuid, sizeof uuid);
    return data;
}

static Mesos__V1__OperationStatus *make_operation_status(
        struct sim *sim, struct arena *arena, const struct word *word)
{
    const struct operation *operation = word->operation;
    Mesos__V1__OperationStatus *status = arena_alloc(arena, sizeof *status);
    mesos__v1__operation_status__init(status);
    status->state = word->operation_state;
    status->operation_id = arena_alloc(arena, sizeof *status->operation_id);
    mesos__v1__operation_id__init(status->operation_id);
    status->operation_id->value = arena_string(arena, word->id);
    status->agent_id = word->agent ? make_agent_id(arena, word->agent) : NULL;
    status->message = word->message ? arena_string(arena, word->message) : NULL;
    bool under_way = status->state == OPERATION(PENDING) || status->state == OPERATION(UNREACHABLE) ||
                     status->state == OPERATION(RECOVERING);
    if (sim->plant == PLANT_PENDING_NOT_DONE && status->agent_id && under_way) {
        status->state = OPERATION(UNKNOWN);
        status->message = arena_string(arena, "Reconciliation: Operation is unknown");
    }
    if (operation && operation->uuid) {
        status->uuid = arena_alloc(arena, sizeof *status->uuid);
        mesos__v1__uuid__init(status->uuid);
        status->uuid->value = make_uuid(arena, operation->uuid);
    }
    return status;
}

static Mesos__V1__TaskStatus *make_status(struct sim *sim, struct arena *arena, const struct word *word)
{
    Mesos__V1__TaskStatus *status = arena_alloc(arena, sizeof *status);
    mesos__v1__task_status__init(status);
    status->task_id = arena_alloc(arena, sizeof *status->task_id);
    mesos__v1__task_id__init(status->task_id);
    status->task_id->value = arena_string(arena, inward_id(sim, word->id));
    status->state = word->state;
    plant_heard(sim, word->id);
    status->message = word->message ? arena_string(arena, word->message) : NULL;
    status->has_source = status->has_reason = true;
    status->source = (Mesos__V1__TaskStatus__Source)word->source;
    status->reason = (Mesos__V1__TaskStatus__Reason)word->reason;
    status->has_reason = word->reason >= 0;
    status->has_healthy = word->healthy != 0 && sim->plant != PLANT_NO_HEALTH;
    status->healthy = word->healthy > 0;
    status->agent_id = word->agent ? make_agent_id(arena, word->agent) : NULL;
    if (word->update) {
        status->has_uuid = true;
        status->uuid = make_uuid(arena, word->update->uuid);
    }
    if (sim->plant == PLANT_UNKNOWN_GONE && status->state == TASK(UNKNOWN))
        status->state = TASK(GONE);
    const struct kept_task *task;
    if (sim->plant == PLANT_ADOPT_OVER && state_is_terminal(status->state) &&
            !store_attempt(sim, word->id, &task))
        status->state = TASK(RUNNING);
    return status;
}

void daemon_event(struct sim *sim, const struct word *word, struct core_input *input,
        Mesos__V1__Scheduler__Event *event)
{
    struct arena *arena = &sim->daemon.in;
    mesos__v1__scheduler__event__init(event);
    event->has_type = true;
    event->type = word->type;
    switch (word->type) {
    case EVENT(SUBSCRIBED):
        event->subscribed = arena_alloc(arena, sizeof *event->subscribed);
        mesos__v1__scheduler__event__subscribed__init(event->subscribed);
        event->subscribed->framework_id = make_framework_id(sim, arena);
        break;
    case EVENT(OFFERS):
        event->offers = arena_alloc(arena, sizeof *event->offers);
        mesos__v1__scheduler__event__offers__init(event->offers);
        event->offers->n_offers = word->offer_count;
        event->offers->offers = arena_array(arena, word->offer_count, sizeof(Mesos__V1__Offer *));
        for (size_t i = 0; i < word->offer_count; i++)
            event->offers->offers[i] = make_offer(sim, arena, word->offers[i]);
        break;
    case EVENT(RESCIND):
        event->rescind = arena_alloc(arena, sizeof *event->rescind);
        mesos__v1__scheduler__event__rescind__init(event->rescind);
        event->rescind->offer_id = make_offer_id(arena, word->text);
        break;
    case EVENT(INVERSE_OFFERS):
        if (!word->agent)
            break; /* an odd one */
        event->inverse_offers = arena_alloc(arena, sizeof *event->inverse_offers);
        mesos__v1__scheduler__event__inverse_offers__init(event->inverse_offers);
        event->inverse_offers->inverse_offers = arena_array(arena, 1, sizeof(Mesos__V1__InverseOffer *));
        event->inverse_offers->inverse_offers[0] = make_inverse_offer(sim, arena, word);
        event->inverse_offers->n_inverse_offers = 1;
        break;
    case EVENT(RESCIND_INVERSE_OFFER):
        event->rescind_inverse_offer = arena_alloc(arena, sizeof *event->rescind_inverse_offer);
        mesos__v1__scheduler__event__rescind_inverse_offer__init(event->rescind_inverse_offer);
        event->rescind_inverse_offer->inverse_offer_id = make_offer_id(arena, word->text);
        break;
    case EVENT(UPDATE):
        event->update = arena_alloc(arena, sizeof *event->update);
        mesos__v1__scheduler__event__update__init(event->update);
        event->update->status = make_status(sim, arena, word);
        trace(sim, "daemon", "hears %s %s%s", word->id, state_name(word->state),
                word->update ? " with uuid" : "");
        break;
    case EVENT(UPDATE_OPERATION_STATUS):
        event->update_operation_status = arena_alloc(arena, sizeof *event->update_operation_status);
        mesos__v1__scheduler__event__update_operation_status__init(event->update_operation_status);
        event->update_operation_status->status = make_operation_status(sim, arena, word);
        break;
    case EVENT(MESSAGE):
        event->message = arena_alloc(arena, sizeof *event->message);
        mesos__v1__scheduler__event__message__init(event->message);
        event->message->agent_id = make_agent_id(arena, "A1");
        event->message->executor_id = arena_alloc(arena, sizeof *event->message->executor_id);
        mesos__v1__executor_id__init(event->message->executor_id);
        event->message->executor_id->value = arena_string(arena, "executor");
        event->message->data = make_uuid(arena, 1);
        break;
    case EVENT(FAILURE):
        event->failure = arena_alloc(arena, sizeof *event->failure);
        mesos__v1__scheduler__event__failure__init(event->failure);
        event->failure->agent_id = make_agent_id(arena, word->text);
        if (word->executor) {
            event->failure->executor_id = arena_alloc(arena, sizeof *event->failure->executor_id);
            mesos__v1__executor_id__init(event->failure->executor_id);
            event->failure->executor_id->value = arena_string(arena, word->executor);
        }
        break;
    case EVENT(ERROR):
        event->error = arena_alloc(arena, sizeof *event->error);
        mesos__v1__scheduler__event__error__init(event->error);
        event->error->message = arena_string(arena, word->text);
        break;
    default:
        break;
    }
    input->event.event = event;
    input->event.bytes = blob_create(&word, sizeof word);
}
