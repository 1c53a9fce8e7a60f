/* Agents are lost and found, by faults. The tasks of an agent that is away go on; what passes between it and
 * the master does not. */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"

#include "parts.h"

/* The agent's tasks as an array of their own: handling them changes the map. */
static struct task **tasks_of(struct agent *agent, size_t *count)
{
    struct task **tasks = alloc_zeroed(agent->tasks.count + 1, sizeof(*tasks));
    struct task *task;
    size_t at = 0;
    *count = 0;
    while ((task = map_next(&agent->tasks, &at)) != NULL)
        tasks[(*count)++] = task;
    return tasks;
}

void agent_drop_tasks(struct agent *agent)
{
    size_t count;
    struct task **tasks = tasks_of(agent, &count);
    for (size_t i = 0; i < count; i++)
        task_drop(tasks[i]);
    free(tasks);
    executors_drop(agent);
    operations_drop(agent);
}

void agent_disconnect(struct agent *agent)
{
    if (agent->state != AGENT_REGISTERED)
        return;
    log_info("agent", "%s disconnected", agent->hostname);
    agent->state = AGENT_DISCONNECTED;
    for (struct list_link *link; (link = list_first(&agent->offers)) != NULL;)
        offer_rescind(list_item(link, struct offer, in_agent));
}

/* Tells everybody who subscribes. */
static void announce_loss(struct agent *agent)
{
    struct framework *framework;
    size_t at = 0;
    while ((framework = map_next(&agent->local->frameworks, &at)) != NULL)
        send_failure(framework, agent->id);
}

static void tell_task_is_lost(
        struct task *task, TaskState state, int reason, const char *message, int64_t unreachable_ns)
{
    struct framework *framework = task->framework;
    if (task_state_is_over(task->master_state))
        return;
    send_master_status(framework, &(struct master_status){
                                          .task_id = task->id,
                                          .agent_id = task->agent->id,
                                          .state = task_partition_state(task, state),
                                          .reason = reason,
                                          .message = message,
                                          .unreachable_ns = unreachable_ns,
                                  });
}

void agent_unreachable(struct agent *agent)
{
    struct task *task;
    size_t at = 0;
    agent_disconnect(agent);
    if (agent->state != AGENT_DISCONNECTED && agent->state != AGENT_RECOVERING)
        return;
    log_info("agent", "%s is unreachable", agent->hostname);
    agent->state = AGENT_UNREACHABLE;
    agent->unreachable_ns = agent->local->loop.now.wall_ns;
    while ((task = map_next(&agent->tasks, &at)) != NULL) {
        if (!task->known)
            continue;
        tell_task_is_lost(task, TASK(UNREACHABLE), REASON(AGENT_REMOVED), "Agent is unreachable",
                agent->unreachable_ns);
        task->unreachable = true;
    }
    operations_lost(agent, OPERATION_STATE(UNREACHABLE), "Agent was marked unreachable");
    announce_loss(agent);
}

void agent_gone(struct agent *agent)
{
    size_t count;
    if (agent->state == AGENT_GONE)
        return;
    agent_disconnect(agent);
    log_info("agent", "%s is gone", agent->hostname);
    loop_stop_timer(&agent->local->loop, &agent->lost);
    agent->state = AGENT_GONE;
    struct task **tasks = tasks_of(agent, &count);
    for (size_t i = 0; i < count; i++) {
        if (tasks[i]->known)
            tell_task_is_lost(tasks[i], TASK(GONE_BY_OPERATOR), REASON(AGENT_REMOVED_BY_OPERATOR),
                    "Agent is gone by an operator's word", 0);
        task_drop(tasks[i]);
    }
    free(tasks);
    operations_lost(agent, OPERATION_STATE(GONE_BY_OPERATOR), "Agent has been marked gone");
    operations_drop(agent);
    executors_drop(agent);
    announce_loss(agent);
}

/* The master takes the agent out of its registry: the words are LOST for everybody, whatever the tasks do. */
static void remove_from_registry(struct agent *agent, const char *why)
{
    char message[512];
    struct task *task;
    size_t at = 0;
    agent_disconnect(agent);
    if (agent->state != AGENT_DISCONNECTED)
        return;
    log_info("agent", "%s is removed", agent->hostname);
    loop_stop_timer(&agent->local->loop, &agent->lost);
    agent->state = AGENT_REMOVED;
    snprintf(message, sizeof(message), "Agent %.200s removed: %s", agent->hostname, why);
    while ((task = map_next(&agent->tasks, &at)) != NULL) {
        if (!task->known)
            continue;
        tell_task_is_lost(task, TASK(LOST), REASON(AGENT_REMOVED), message, 0);
        task_unknow(task);
    }
    operations_lost(agent, 0, NULL);
    announce_loss(agent);
}

void agent_removed(struct agent *agent)
{
    remove_from_registry(agent, "the agent unregistered");
}

/* An agent that comes back is told which tasks the master believes it has (PROTOCOL "Reconciling"). */
void task_unknown_to_agent(struct task *task)
{
    run_drop(task);
    updates_clear(task);
    task_ended(task, task_partition_state(task, TASK(DROPPED)), SOURCE(AGENT), REASON(RECONCILIATION),
            "Reconciliation: task unknown to the agent", -1);
}

void agent_forget_task(struct task *task)
{
    if (task->known && task->agent->state == AGENT_DISCONNECTED)
        task_unknown_to_agent(task);
    else
        task_drop(task); /* nobody asks for it */
}

/* The agent's process starts anew: what had not reached an executor is given up; and the executors are, too,
 * unless they are `kept`. */
static void restart_task(struct task *task, bool kept)
{
    enum staging staging = staging_of(task);
    if (task_state_is_over(task->state) || staging == STAGING_LOST || (kept && staging == STAGING_NOT))
        return;
    run_drop(task);
    if (staging != STAGING_NOT)
        task_ended(task, task_partition_state(task, TASK(DROPPED)), SOURCE(AGENT), REASON(AGENT_RESTARTED),
                "Task launched during agent restart", -1);
    else
        task_ended(task, task_partition_state(task, TASK(GONE)), SOURCE(AGENT),
                REASON(EXECUTOR_REREGISTRATION_TIMEOUT), "Executor did not reregister within 2secs", -1);
}

/* One of the agent's tasks as the agent reports it to the master. `was`: what the agent was to that. */
static void report(struct task *task, enum agent_state was)
{
    struct framework *framework = task->framework;
    if (framework->state == FRAMEWORK_REMOVED) {
        task_drop(task); /* it ended while the agent was away */
        return;
    }
    if (framework->state == FRAMEWORK_FORGOTTEN)
        framework_recover(framework);
    task_know(task);
    if (was == AGENT_UNREACHABLE || was == AGENT_REMOVED) {
        send_master_status(
                framework, &(struct master_status){
                                   .task_id = task->id,
                                   .agent_id = task->agent->id,
                                   .state = task->state,
                                   .reason = REASON(AGENT_REREGISTERED),
                                   .message = was == AGENT_UNREACHABLE ? "Unreachable agent re-reregistered"
                                                                       : "Unknown agent reregistered",
                                   .task = task,
                           });
    }
    update_forward(task);
}

static void come_as_new(struct agent *agent)
{
    remove_from_registry(agent, "a new agent registered at the same address");
    agent_drop_tasks(agent);
    agent_replace(agent);
}

void agent_return(struct agent *agent, enum agent_tasks with)
{
    struct local *local = agent->local;
    enum agent_state was = agent->state;
    size_t count;
    loop_stop_timer(&local->loop, &agent->back);
    if (was == AGENT_REGISTERED)
        return;
    local->allocate_soon = true;
    if (was == AGENT_GONE || with == AGENT_TASKS_NEW) {
        come_as_new(agent);
        return;
    }
    loop_stop_timer(&local->loop, &agent->lost);
    log_info("agent", "%s is back", agent->hostname);
    struct task **tasks = tasks_of(agent, &count);
    for (size_t i = 0; i < count; i++) {
        if (with == AGENT_TASKS_FORGOTTEN || staging_of(tasks[i]) == STAGING_LOST)
            agent_forget_task(tasks[i]);
        else if (with != AGENT_TASKS_WITH)
            restart_task(tasks[i], with == AGENT_TASKS_KEPT);
    }
    free(tasks);
    if (with == AGENT_TASKS_FORGOTTEN || with == AGENT_TASKS_ENDED)
        executors_drop(agent);
    agent->state = AGENT_REGISTERED;
    tasks = tasks_of(agent, &count);
    for (size_t i = 0; i < count; i++)
        report(tasks[i], was);
    free(tasks);
    operations_report(agent);
    executors_report(agent);
}

void agent_recovering(struct agent *agent)
{
    loop_stop_timer(&agent->local->loop, &agent->lost);
    if (agent->state == AGENT_REGISTERED || agent->state == AGENT_DISCONNECTED)
        agent->state = AGENT_RECOVERING;
}
