/* RECONCILE (PROTOCOL "Reconciling"), and the answer to a KILL of what is unknown. */
#include <string.h>

#include "parts.h"

static bool any_recovering(const struct local *local)
{
    for (size_t i = 0; i < local->agent_count; i++)
        if (local->agents[i]->state == AGENT_RECOVERING)
            return true;
    return false;
}

static void send_latest(struct framework *framework, const struct task *task)
{
    send_master_status(framework, &(struct master_status){
                                          .task_id = task->id,
                                          .agent_id = task->agent->id,
                                          .state = task->master_state,
                                          .reason = REASON(RECONCILIATION),
                                          .message = "Reconciliation: Latest task state",
                                          .task = task,
                                  });
}

void reconcile_task(struct framework *framework, const char *task_id, const char *agent_id)
{
    struct local *local = framework->local;
    struct task *task = task_find(framework, task_id);
    if (task != NULL && !task->unreachable) {
        send_latest(framework, task);
        return;
    }
    struct agent *agent = agent_id == NULL ? NULL : agent_find(local, agent_id);
    struct master_status status = {
            .task_id = task_id,
            .agent_id = agent_id,
            .state = TASK(UNKNOWN),
            .reason = REASON(RECONCILIATION),
            .message = "Reconciliation: Task is unknown",
    };
    if (agent != NULL ? agent->state == AGENT_RECOVERING : agent_id == NULL && any_recovering(local))
        return; /* nobody knows yet: the framework asks again */
    if (agent != NULL && (agent->state == AGENT_REGISTERED || agent->state == AGENT_DISCONNECTED)) {
        status.state = TASK(GONE);
        status.message = "Reconciliation: Task is unknown to the agent";
    } else if (agent != NULL && agent->state == AGENT_UNREACHABLE) {
        status.state = TASK(UNREACHABLE);
        status.message = "Reconciliation: Task is unreachable";
        status.unreachable_ns = agent->unreachable_ns;
    } else if (agent != NULL && agent->state == AGENT_GONE) {
        status.state = TASK(GONE_BY_OPERATOR);
        status.message = "Reconciliation: Task is gone";
    }
    if (!framework_can(framework, CAPABILITY(PARTITION_AWARE)))
        status.state = TASK(LOST);
    send_master_status(framework, &status);
}

void handle_reconcile(struct call_context *context)
{
    const Mesos__V1__Scheduler__Call__Reconcile *reconcile = context->call->reconcile;
    struct framework *framework = context->framework;
    for (size_t i = 0; i < reconcile->n_tasks; i++) {
        const Mesos__V1__AgentID *agent_id = reconcile->tasks[i]->agent_id;
        reconcile_task(
                framework, reconcile->tasks[i]->task_id->value, agent_id == NULL ? NULL : agent_id->value);
    }
    if (reconcile->n_tasks > 0)
        return;
    struct task *task;
    size_t at = 0;
    while ((task = map_next(&framework->tasks, &at)) != NULL)
        if (!task->unreachable)
            send_latest(framework, task);
}
