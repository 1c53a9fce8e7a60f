/* ACCEPT (PROTOCOL "Launching"): the offers are used up whatever comes of it; operations take from their
 * resources in order; the rest is declined with the call's filters. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#include "accept.h"

void accept_refuse_task(
        struct framework *framework, const TaskInfo *info, TaskState state, int reason, const char *message)
{
    send_master_status(framework, &(struct master_status){
                                          .task_id = info->task_id->value,
                                          .agent_id = info->agent_id->value,
                                          .state = state,
                                          .reason = reason,
                                          .message = message,
                                  });
}

static bool is_launch(const Operation *operation)
{
    return operation->type == OPERATION(LAUNCH) || operation->type == OPERATION(LAUNCH_GROUP);
}

void accept_refuse(struct framework *framework, const Operation *operation, TaskState state, int reason,
        const char *message)
{
    if (operation->type == OPERATION(LAUNCH) && operation->launch != NULL)
        for (size_t i = 0; i < operation->launch->n_task_infos; i++)
            accept_refuse_task(framework, operation->launch->task_infos[i], state, reason, message);
    else if (operation->type == OPERATION(LAUNCH_GROUP) && operation->launch_group != NULL)
        for (size_t i = 0; i < operation->launch_group->task_group->n_tasks; i++)
            accept_refuse_task(
                    framework, operation->launch_group->task_group->tasks[i], state, reason, message);
    else if (!is_launch(operation) && operation->id != NULL)
        send_operation_status(framework, &(struct operation_status){
                                                 .id = operation->id->value,
                                                 .state = OPERATION_STATE(ERROR),
                                                 .message = message,
                                         });
}

static int check_offers(struct call_context *context, struct error *err)
{
    const Mesos__V1__Scheduler__Call__Accept *accept = context->call->accept;
    struct offer *first = NULL;
    if (accept->n_offer_ids == 0)
        return error_set(err, ERR_INVALID, "No offers specified");
    for (size_t i = 0; i < accept->n_offer_ids; i++) {
        const char *id = accept->offer_ids[i]->value;
        struct offer *offer = offer_find(context->local, id);
        if (offer == NULL || offer->framework != context->framework)
            return error_set(err, ERR_INVALID, "Offer %s is no longer valid", id);
        for (size_t j = 0; j < i; j++)
            if (strcmp(accept->offer_ids[j]->value, id) == 0)
                return error_set(err, ERR_INVALID, "Duplicate offer %s in offer list", id);
        if (first == NULL)
            first = offer;
        if (offer->agent != first->agent)
            return error_set(err, ERR_INVALID,
                    "Aggregated offers must belong to one single agent. Offer %s uses agent %s and offer %s "
                    "uses agent "
                    "%s",
                    first->id, first->agent->id, offer->id, offer->agent->id);
        if (strcmp(offer->role, first->role) != 0)
            return error_set(err, ERR_INVALID,
                    "Aggregated offers must be allocated to the same role. Offer %s uses role %s but another "
                    "is using "
                    "role %s",
                    offer->id, offer->role, first->role);
    }
    return 0;
}

/* Gives up the valid ones among the offers, and drops all tasks. */
static void drop_all(struct call_context *context, const char *why)
{
    const Mesos__V1__Scheduler__Call__Accept *accept = context->call->accept;
    struct framework *framework = context->framework;
    struct error err;
    for (size_t i = 0; i < accept->n_offer_ids; i++) {
        struct offer *offer = offer_find(context->local, accept->offer_ids[i]->value);
        if (offer != NULL && offer->framework == framework)
            offer_destroy(offer, true);
    }
    TaskState state = framework_can(framework, CAPABILITY(PARTITION_AWARE)) ? TASK(DROPPED) : TASK(LOST);
    for (size_t i = 0; i < accept->n_operations; i++) {
        error_set(&err, ERR_INVALID, "%s with invalid offers: %s",
                is_launch(accept->operations[i]) ? "Task launched" : "Operation attempted", why);
        accept_refuse(framework, accept->operations[i], state, REASON(INVALID_OFFERS), err.text);
    }
}

void accept_read(struct accepted *accepted, Resource **messages, size_t count, struct resources *resources)
{
    resources_clear(resources);
    for (size_t i = 0; i < count; i++)
        resources_read(&accepted->framework->local->kinds, messages[i], false, resources);
}

/* Offers of others that hold a volume: only shared ones can. */
static void rescind_holders(struct accepted *accepted, Resource **volumes, size_t count)
{
    for (struct list_link *link = list_first(&accepted->agent->offers); link != NULL;) {
        struct offer *offer = list_item(link, struct offer, in_agent);
        struct resources volume;
        bool holds = false;
        link = list_next(&accepted->agent->offers, link);
        resources_init(&volume);
        for (size_t i = 0; i < count && !holds; i++) {
            accept_read(accepted, &volumes[i], 1, &volume);
            holds = resources_contains(&offer->resources, &volume);
        }
        resources_clear(&volume);
        if (holds)
            offer_rescind(offer);
    }
}

static void operate(struct accepted *accepted, Operation *operation)
{
    struct framework *framework = accepted->framework;
    struct error err;
    struct error why;
    if (validate_operation_resources(operation, accepted->role, &why) != 0) {
        error_set(&err, ERR_INVALID, "Operation attempted with invalid resources: %.400s", why.text);
        accept_refuse(framework, operation, 0, 0, err.text);
        return;
    }
    int code = validate_operation(framework, accepted->agent, operation, accepted->role, &err);
    bool destroys = operation->type == OPERATION(DESTROY);
    if (code == 0 && destroys)
        rescind_holders(accepted, operation->destroy->volumes, operation->destroy->n_volumes);
    if (code == 0)
        code = operation_apply(operation, accepted->agent, accepted->role, &accepted->left, &err);
    if (code != 0) {
        accept_refuse(framework, operation, 0, 0, err.text);
        return;
    }
    accepted->converted = true;
    if (destroys)
        volumes_remove(accepted->agent, operation->destroy->volumes, operation->destroy->n_volumes);
    if (operation->id != NULL)
        operation_done(framework, accepted->agent, operation->id->value, OPERATION_STATE(FINISHED));
}

static void take_offers(struct call_context *context, struct accepted *accepted)
{
    const Mesos__V1__Scheduler__Call__Accept *accept = context->call->accept;
    for (size_t i = 0; i < accept->n_offer_ids; i++) {
        struct offer *offer = offer_find(context->local, accept->offer_ids[i]->value);
        accepted->agent = offer->agent;
        if (accepted->role == NULL)
            accepted->role = alloc_string(offer->role);
        resources_add(&accepted->left, &offer->resources);
        offer_destroy(offer, false);
    }
    resources_copy(&accepted->offered, &accepted->left);
}

void handle_accept(struct call_context *context)
{
    Mesos__V1__Scheduler__Call__Accept *accept = context->call->accept;
    struct accepted accepted = {.framework = context->framework};
    struct error err;
    if (check_offers(context, &err) != 0) {
        drop_all(context, err.text);
        return;
    }
    resources_init(&accepted.left);
    resources_init(&accepted.offered);
    take_offers(context, &accepted);
    for (size_t i = 0; i < accept->n_operations; i++) {
        Operation *operation = accept->operations[i];
        switch (operation->type) {
        case OPERATION(UNKNOWN):
            break;
        case OPERATION(LAUNCH):
            accept_launch(&accepted, operation);
            break;
        case OPERATION(LAUNCH_GROUP):
            accept_launch_group(&accepted, operation);
            break;
        default:
            operate(&accepted, operation);
            break;
        }
    }
    resources_add(&accepted.agent->free, &accepted.left);
    if (accepted.converted) /* what operations made is offered again at once */
        resources_intersect(&accepted.left, &accepted.offered);
    struct framework_role *role = framework_role(accepted.framework, accepted.role);
    if (role != NULL)
        allocator_filter(role, accepted.agent, &accepted.left, accept->filters);
    resources_clear(&accepted.left);
    resources_clear(&accepted.offered);
    free(accepted.role);
}
