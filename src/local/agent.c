/* Agents: made at the start, lost and found by faults. The tasks of an agent that is away go on; what passes
 * between it and the master does not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"

#include "attributes.h"
#include "parts.h"

const char *agent_state_name(enum agent_state state)
{
    static const char *const names[] = {"registered", "disconnected", "unreachable", "recovering", "gone"};
    return names[state];
}

static void lost(struct timer *timer)
{
    agent_unreachable(timer_owner(timer, struct agent, lost));
}

static void back(struct timer *timer)
{
    struct agent *agent = timer_owner(timer, struct agent, back);
    agent_return(agent, agent->back_with_tasks);
}

static void agent_destroy(struct agent *agent)
{
    for (struct list_link *link; (link = list_first(&agent->offers)) != NULL;)
        offer_destroy(list_item(link, struct offer, in_agent), true);
    loop_stop_timer(&agent->local->loop, &agent->lost);
    loop_stop_timer(&agent->local->loop, &agent->back);
    map_clear(&agent->tasks);
    map_clear(&agent->executors);
    resources_clear(&agent->total);
    resources_clear(&agent->free);
    attributes_free(agent->attributes, agent->attribute_count);
    free(agent->hostname);
    free(agent->id);
    free(agent);
}

static int agent_create(struct local *local, size_t number, struct agent **made, struct error *err)
{
    const struct options *options = local->options;
    const struct agent_options none = {0};
    const struct agent_options *own = number < options->agent_count ? &options->agent[number] : &none;
    const char *resources = own->resources != NULL ? own->resources : options->resources;
    const char *attributes = own->attributes != NULL ? own->attributes : options->attributes;
    char text[TEXT_UUID_SIZE + 32];
    struct agent *agent = alloc_zeroed(1, sizeof(*agent));
    agent->local = local;
    agent->number = number;
    agent->lost.fire = lost;
    agent->back.fire = back;
    list_init(&agent->offers);
    map_init(&agent->tasks, 0x61676e74, number);
    map_init(&agent->executors, 0x65786563, number);
    int code = resources_parse(&local->kinds, resources, &agent->total, err);
    if (code == 0)
        code = attributes_parse(attributes, &agent->attributes, &agent->attribute_count, err);
    if (code != 0) {
        agent_destroy(agent);
        return code;
    }
    resources_copy(&agent->free, &agent->total);
    agent->has_gpus = resources_scalar(&agent->total, "gpus") > 0;
    snprintf(text, sizeof(text), "%s-S%llu", local->master_id, (unsigned long long)local->next_agent++);
    agent->id = alloc_string(text);
    snprintf(text, sizeof(text), "agent%zu", number + 1);
    agent->hostname = alloc_string(own->hostname != NULL ? own->hostname : text);
    map_put(&local->agents_by_id, slice_of_string(agent->id), agent);
    *made = agent;
    return 0;
}

int agents_create(struct local *local, struct error *err)
{
    local->agents = alloc_zeroed(local->options->agents + 1, sizeof(*local->agents));
    for (size_t i = 0; i < local->options->agents; i++) {
        int code = agent_create(local, i, &local->agents[i], err);
        if (code != 0)
            return code;
        local->agent_count++;
    }
    return 0;
}

void agents_destroy(struct local *local)
{
    struct agent *agent;
    size_t at = 0;
    while ((agent = map_next(&local->agents_by_id, &at)) != NULL)
        agent_destroy(agent);
    map_clear(&local->agents_by_id);
    free(local->agents);
}

struct agent *agent_find(struct local *local, const char *id)
{
    return map_get_string(&local->agents_by_id, id);
}

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
    send_master_status(framework,
            &(struct master_status){
                    .task_id = task->id,
                    .agent_id = task->agent->id,
                    .state = framework_can(framework, CAPABILITY(PARTITION_AWARE)) ? state : TASK(LOST),
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
    announce_loss(agent);
}

/* One of the agent's tasks as the agent reports it to the master. */
static void report(struct task *task)
{
    struct framework *framework = task->framework;
    if (framework->state == FRAMEWORK_REMOVED) {
        task_drop(task); /* it ended while the agent was away */
        return;
    }
    if (framework->state == FRAMEWORK_FORGOTTEN)
        framework_recover(framework);
    bool returns = task->unreachable;
    task_know(task);
    if (returns)
        send_master_status(framework, &(struct master_status){
                                              .task_id = task->id,
                                              .agent_id = task->agent->id,
                                              .state = task->state,
                                              .reason = REASON(AGENT_REREGISTERED),
                                              .message = "Agent re-registered",
                                              .task = task,
                                      });
    update_forward(task);
}

void agent_return(struct agent *agent, bool with_tasks)
{
    struct local *local = agent->local;
    size_t count;
    struct error err;
    loop_stop_timer(&local->loop, &agent->lost);
    loop_stop_timer(&local->loop, &agent->back);
    if (agent->state == AGENT_REGISTERED)
        return;
    local->allocate_soon = true;
    if (agent->state == AGENT_GONE) { /* only as a new one */
        if (agent_create(local, agent->number, &local->agents[agent->number], &err) != 0)
            log_error("agent", "%s", err.text);
        return;
    }
    log_info("agent", "%s is back %s its tasks", agent->hostname, with_tasks ? "with" : "without");
    agent->state = AGENT_REGISTERED;
    if (!with_tasks) {
        agent_drop_tasks(agent);
        return;
    }
    struct task **tasks = tasks_of(agent, &count);
    for (size_t i = 0; i < count; i++)
        report(tasks[i]);
    free(tasks);
}

void agent_recovering(struct agent *agent)
{
    loop_stop_timer(&agent->local->loop, &agent->lost);
    if (agent->state == AGENT_REGISTERED || agent->state == AGENT_DISCONNECTED)
        agent->state = AGENT_RECOVERING;
}
