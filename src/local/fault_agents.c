/* Faults of agents and of the master that they are registered with. */
#include "fault_handlers.h"

#include "fault_fields.h"
#include "parts.h"

static void come_back(struct agent *agent, enum agent_tasks with, int64_t after_ms)
{
    agent->back_with = with;
    if (after_ms == 0)
        agent_return(agent, with);
    else
        loop_start_timer(&agent->local->loop, &agent->back, after_ms);
}

int fault_lose_agent(struct local *local, json_t *body, struct error *err)
{
    static const char *const hows[] = {"unreachable", "gone", "removed"};
    struct agent *agent = NULL;
    size_t how = 0;
    int64_t after_ms = 0;
    int code = field_agent(local, body, &agent, err);
    if (code == 0)
        code = field_word(body, "how", hows, 3, &how, err);
    if (code == 0)
        code = field_integer(body, "after_ms", 0, 0, &after_ms, err);
    if (code != 0)
        return code;
    if (how == 1) {
        agent_gone(agent);
    } else if (how == 2) {
        agent_removed(agent);
    } else if (after_ms == 0) {
        agent_unreachable(agent);
    } else {
        agent_disconnect(agent);
        loop_start_timer(&local->loop, &agent->lost, after_ms);
    }
    return 0;
}

/* "without": the ids of tasks that the agent has forgotten. */
static int check_without(json_t *ids, struct error *err)
{
    size_t i;
    json_t *id;
    if (ids != NULL && !json_is_array(ids))
        return error_set(err, ERR_INVALID, "'without' wants an array of task ids");
    json_array_foreach(ids, i, id) if (!json_is_string(id)) return error_set(
            err, ERR_INVALID, "'without' wants an array of task ids");
    return 0;
}

static void forget(struct agent *agent, json_t *ids)
{
    size_t i;
    json_t *id;
    json_array_foreach(ids, i, id)
    {
        struct framework *framework;
        size_t at = 0;
        while ((framework = map_next(&agent->local->frameworks, &at)) != NULL) {
            struct task *task = task_on_agent(agent, framework->id, json_string_value(id));
            if (task == NULL)
                continue;
            agent_forget_task(task);
            break; /* the framework may have gone with it */
        }
    }
}

int fault_return_agent(struct local *local, json_t *body, struct error *err)
{
    struct agent *agent = NULL;
    json_t *without = json_object_get(body, "without");
    bool with_tasks = true;
    int64_t after_ms = 0;
    int code = field_agent(local, body, &agent, err);
    if (code == 0)
        code = field_flag(body, "with_tasks", true, &with_tasks, err);
    if (code == 0)
        code = check_without(without, err);
    if (code == 0)
        code = field_integer(body, "after_ms", 0, 0, &after_ms, err);
    if (code == 0 && without != NULL && agent->state == AGENT_REGISTERED)
        code = error_set(err, ERR_INVALID, "'agent' is not away");
    if (code != 0)
        return code;
    forget(agent, without);
    come_back(agent, with_tasks ? AGENT_TASKS_WITH : AGENT_TASKS_FORGOTTEN, after_ms);
    return 0;
}

int fault_restart_agent(struct local *local, json_t *body, struct error *err)
{
    static const char *const words[] = {"kept", "ended", "forgotten", "new"};
    static const enum agent_tasks tasks[] = {
            AGENT_TASKS_KEPT, AGENT_TASKS_ENDED, AGENT_TASKS_FORGOTTEN, AGENT_TASKS_NEW};
    struct agent *agent = NULL;
    int64_t after_ms = 0;
    size_t which = 0;
    int code = field_agent(local, body, &agent, err);
    if (code == 0)
        code = field_word(body, "tasks", words, 4, &which, err);
    if (code == 0)
        code = field_integer(body, "after_ms", 0, 0, &after_ms, err);
    if (code != 0)
        return code;
    agent_disconnect(agent);
    come_back(agent, tasks[which], after_ms);
    return 0;
}

/* What "agents_return_ms" and "with_tasks" say of one agent: the value itself, or the agent's in an array. */
static json_t *for_agent(json_t *value, size_t agent)
{
    return json_is_array(value) ? json_array_get(value, agent) : value;
}

static int check_failover(json_t *times, json_t *with, struct error *err)
{
    for (size_t i = 0; i < (json_is_array(times) ? json_array_size(times) : 1); i++) {
        json_t *time = for_agent(times, i);
        if (time != NULL && (!json_is_integer(time) || json_integer_value(time) < 0 ||
                                    json_integer_value(time) > 1000000000))
            return error_set(err, ERR_INVALID, "'agents_return_ms' wants milliseconds, or an array of them");
    }
    for (size_t i = 0; i < (json_is_array(with) ? json_array_size(with) : 1); i++) {
        json_t *one = for_agent(with, i);
        if (one != NULL && !json_is_boolean(one))
            return error_set(err, ERR_INVALID, "'with_tasks' wants true, false, or an array of them");
    }
    return 0;
}

int fault_failover(struct local *local, json_t *body, struct error *err)
{
    json_t *times = json_object_get(body, "agents_return_ms");
    json_t *with = json_object_get(body, "with_tasks");
    int64_t give_up_ms = 0;
    int code = check_failover(times, with, err);
    if (code == 0)
        code = field_integer(body, "give_up_ms", 0, 0, &give_up_ms, err);
    if (code != 0)
        return code;
    failover(local);
    for (size_t i = 0; i < local->agent_count; i++) {
        struct agent *agent = local->agents[i];
        json_t *time = for_agent(times, i);
        if (agent->state != AGENT_RECOVERING)
            continue;
        if (give_up_ms > 0)
            loop_start_timer(&local->loop, &agent->lost, give_up_ms);
        if (time == NULL)
            continue;
        agent->back_with = json_is_false(for_agent(with, i)) ? AGENT_TASKS_FORGOTTEN : AGENT_TASKS_WITH;
        loop_start_timer(&local->loop, &agent->back, json_integer_value(time));
    }
    return 0;
}
