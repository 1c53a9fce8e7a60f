/* KILL, SHUTDOWN, ACKNOWLEDGE (PROTOCOL "Killing", "Updates and acknowledgements"). What is for an agent that
 * is away is lost without a word. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#include "parts.h"

void handle_kill(struct call_context *context)
{
    const Mesos__V1__Scheduler__Call__Kill *kill = context->call->kill;
    const char *agent_id = kill->agent_id == NULL ? NULL : kill->agent_id->value;
    struct task *task = task_find(context->framework, kill->task_id->value);
    if (task == NULL || task->unreachable) {
        reconcile_task(context->framework, kill->task_id->value, agent_id);
        return;
    }
    if (agent_id != NULL && strcmp(agent_id, task->agent->id) != 0)
        return;
    if (task->agent->state == AGENT_REGISTERED)
        run_kill(task, kill->kill_policy);
}

void handle_shutdown(struct call_context *context)
{
    const Mesos__V1__Scheduler__Call__Shutdown *shutdown = context->call->shutdown;
    const char *id = shutdown->executor_id->value;
    struct agent *agent = agent_find(context->local, shutdown->agent_id->value);
    if (agent == NULL || agent->state != AGENT_REGISTERED)
        return;
    struct task *task = task_on_agent(agent, context->framework->id, id);
    if (task != NULL && task->parent_id[0] == '\0') {
        run_kill(task, NULL);
        return;
    }
    struct executor *executor = executor_find(agent, context->framework->id, id);
    if (executor == NULL)
        return;
    if (executor->custom) {
        executor_shutdown(executor);
        return;
    }
    size_t count = 0;
    struct task **tasks = alloc_zeroed(executor->tasks.count + 1, sizeof(struct task *));
    for (struct list_link *link = list_first(&executor->tasks); link != NULL;
            link = list_next(&executor->tasks, link))
        tasks[count++] = list_item(link, struct task, in_executor);
    for (size_t i = 0; i < count; i++)
        run_kill(tasks[i], NULL);
    free(tasks);
}

void handle_acknowledge(struct call_context *context)
{
    const Mesos__V1__Scheduler__Call__Acknowledge *acknowledge = context->call->acknowledge;
    struct task *task = task_find(context->framework, acknowledge->task_id->value);
    if (task == NULL || task->agent->state != AGENT_REGISTERED ||
            strcmp(task->agent->id, acknowledge->agent_id->value) != 0)
        return;
    update_acknowledge(task, acknowledge->uuid.data);
}
