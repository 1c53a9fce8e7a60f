/* Operations of an ACCEPT after the master took them (PROTOCOL "Launching", "Updates and acknowledgements"):
 * the agent has done them at once, and those with an id report that until it is acknowledged: again after 10
 * s, 20 s ... 10 min. As with tasks, the agent's list is the truth; `known` ones are in framework->operations
 * too. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#include "parts.h"

#define RETRY_FIRST_MS 10000
#define RETRY_MAX_MS 600000

static void forward(struct operation *operation)
{
    loop_start_timer(&operation->framework->local->loop, &operation->retry, operation->retry_ms);
    operation->retry_ms = operation->retry_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : operation->retry_ms * 2;
    if (operation->agent->state == AGENT_REGISTERED && operation->framework->state == FRAMEWORK_SUBSCRIBED)
        send_operation_status(operation->framework, &(struct operation_status){
                                                            .id = operation->id,
                                                            .agent_id = operation->agent->id,
                                                            .state = operation->state,
                                                            .uuid = operation->uuid,
                                                    });
}

static void retry(struct timer *timer)
{
    forward(timer_owner(timer, struct operation, retry));
}

static struct operation *find(struct framework *framework, const char *id)
{
    return map_get_string(&framework->operations, id);
}

static void unknow(struct operation *operation)
{
    if (operation->known && find(operation->framework, operation->id) == operation)
        map_remove(&operation->framework->operations, slice_of_string(operation->id));
    operation->known = false;
}

/* An id that is used again names the newer operation; the older one still reports. */
static void know(struct operation *operation)
{
    struct operation *old = find(operation->framework, operation->id);
    if (old != NULL)
        unknow(old);
    map_put(&operation->framework->operations, slice_of_string(operation->id), operation);
    operation->known = true;
}

static void destroy(struct operation *operation)
{
    struct framework *framework = operation->framework;
    unknow(operation);
    loop_stop_timer(&framework->local->loop, &operation->retry);
    list_remove(&operation->agent->operations, &operation->link);
    free(operation->id);
    free(operation);
    framework_unref(framework);
}

void operation_done(struct framework *framework, struct agent *agent, const char *id, OperationState state)
{
    struct operation *operation = alloc_zeroed(1, sizeof(*operation));
    operation->framework = framework;
    framework_ref(framework);
    operation->agent = agent;
    operation->id = alloc_string(id);
    operation->state = state;
    operation->retry.fire = retry;
    operation->retry_ms = RETRY_FIRST_MS;
    local_uuid_bytes(framework->local, operation->uuid);
    list_append(&agent->operations, &operation->link);
    know(operation);
    forward(operation);
}

/* ---- what happens to agents and frameworks ---- */

/* Calls `handle` for each, which may destroy it. */
static void each(struct agent *agent, void (*handle)(struct operation *operation))
{
    for (struct list_link *link = list_first(&agent->operations); link != NULL;) {
        struct operation *operation = list_item(link, struct operation, link);
        link = list_next(&agent->operations, link);
        handle(operation);
    }
}

void operations_drop(struct agent *agent)
{
    each(agent, destroy);
}

void operations_lost(struct agent *agent, OperationState state, const char *message)
{
    for (struct list_link *link = list_first(&agent->operations); link != NULL;
            link = list_next(&agent->operations, link)) {
        struct operation *operation = list_item(link, struct operation, link);
        if (operation->known && state != 0)
            send_operation_status(operation->framework, &(struct operation_status){
                                                                .id = operation->id,
                                                                .agent_id = agent->id,
                                                                .state = state,
                                                                .message = message,
                                                        });
        unknow(operation);
    }
}

static void report(struct operation *operation)
{
    if (operation->framework->state == FRAMEWORK_REMOVED) {
        destroy(operation);
        return;
    }
    if (operation->framework->state == FRAMEWORK_FORGOTTEN)
        framework_recover(operation->framework);
    know(operation);
    operation->retry_ms = RETRY_FIRST_MS;
    forward(operation);
}

void operations_report(struct agent *agent)
{
    each(agent, report);
}

void operations_of_framework(struct framework *framework, bool drop)
{
    struct operation *operation;
    for (size_t at = 0; (operation = map_next(&framework->operations, &at)) != NULL; at = 0) {
        /* Agents that are away are told when they come back. */
        if (drop && operation->agent->state == AGENT_REGISTERED)
            destroy(operation);
        else
            unknow(operation);
    }
}

/* ---- calls ---- */

void handle_acknowledge_operation_status(struct call_context *context)
{
    const Mesos__V1__Scheduler__Call__AcknowledgeOperationStatus *acknowledge =
            context->call->acknowledge_operation_status;
    const char *agent_id = acknowledge->agent_id == NULL ? "" : acknowledge->agent_id->value;
    struct operation *operation = find(context->framework, acknowledge->operation_id->value);
    if (operation != NULL && operation->agent->state == AGENT_REGISTERED &&
            strcmp(operation->agent->id, agent_id) == 0 &&
            memcmp(operation->uuid, acknowledge->uuid.data, sizeof(operation->uuid)) == 0)
        destroy(operation);
}

static void reconcile_one(struct framework *framework, const char *id, const char *agent_id)
{
    struct agent *agent = agent_id == NULL ? NULL : agent_find(framework->local, agent_id);
    struct operation *operation = find(framework, id);
    struct operation_status status = {
            .id = id,
            .agent_id = agent_id,
            .state = OPERATION_STATE(UNKNOWN),
            .message = "Reconciliation: Operation is unknown",
    };
    if (operation != NULL) {
        status.agent_id = operation->agent->id;
        status.state = operation->state;
        status.message = NULL;
    } else if (agent_id == NULL) {
        status.message = "Reconciliation: Operation is unknown and no 'agent_id' was provided";
    } else if (agent == NULL || agent->state == AGENT_REMOVED) {
        status.message = "Reconciliation: Both operation and agent are unknown";
    } else if (agent->state == AGENT_RECOVERING) {
        status.state = OPERATION_STATE(RECOVERING);
        status.message = "Reconciliation: Agent is recovered but has not re-registered";
    } else if (agent->state == AGENT_UNREACHABLE) {
        status.state = OPERATION_STATE(UNREACHABLE);
        status.message = "Reconciliation: Agent is unreachable";
    } else if (agent->state == AGENT_GONE) {
        status.state = OPERATION_STATE(GONE_BY_OPERATOR);
        status.message = "Reconciliation: Agent marked gone by operator";
    }
    send_operation_status(framework, &status);
}

void handle_reconcile_operations(struct call_context *context)
{
    const Mesos__V1__Scheduler__Call__ReconcileOperations *reconcile = context->call->reconcile_operations;
    struct operation *operation;
    for (size_t i = 0; i < reconcile->n_operations; i++) {
        const Mesos__V1__AgentID *agent_id = reconcile->operations[i]->agent_id;
        reconcile_one(context->framework, reconcile->operations[i]->operation_id->value,
                agent_id == NULL ? NULL : agent_id->value);
    }
    if (reconcile->n_operations > 0)
        return;
    for (size_t at = 0; (operation = map_next(&context->framework->operations, &at)) != NULL;)
        reconcile_one(context->framework, operation->id, NULL);
}
