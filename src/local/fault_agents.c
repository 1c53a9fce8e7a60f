/* Faults of agents and of the master that they are registered with. */
#include "fault_handlers.h"

#include "fault_fields.h"
#include "parts.h"

int fault_lose_agent(struct local *local, json_t *body, struct error *err)
{
    static const char *const hows[] = {"unreachable", "gone"};
    struct agent *agent = NULL;
    size_t how = 0;
    int64_t after_ms = 0;
    int code = field_agent(local, body, &agent, err);
    if (code == 0)
        code = field_word(body, "how", hows, 2, &how, err);
    if (code == 0)
        code = field_integer(body, "after_ms", 0, 0, &after_ms, err);
    if (code != 0)
        return code;
    if (how == 1) {
        agent_gone(agent);
    } else if (after_ms == 0) {
        agent_unreachable(agent);
    } else {
        agent_disconnect(agent);
        loop_start_timer(&local->loop, &agent->lost, after_ms);
    }
    return 0;
}

int fault_return_agent(struct local *local, json_t *body, struct error *err)
{
    struct agent *agent = NULL;
    bool with_tasks = true;
    int64_t after_ms = 0;
    int code = field_agent(local, body, &agent, err);
    if (code == 0)
        code = field_flag(body, "with_tasks", true, &with_tasks, err);
    if (code == 0)
        code = field_integer(body, "after_ms", 0, 0, &after_ms, err);
    if (code != 0)
        return code;
    agent->back_with_tasks = with_tasks;
    if (after_ms == 0)
        agent_return(agent, with_tasks);
    else
        loop_start_timer(&local->loop, &agent->back, after_ms);
    return 0;
}

/* "agents_return_ms": one number for all agents, or one each; those without one stay away. */
int fault_failover(struct local *local, json_t *body, struct error *err)
{
    json_t *times = json_object_get(body, "agents_return_ms");
    for (size_t i = 0; times != NULL && i < (json_is_array(times) ? json_array_size(times) : 1); i++) {
        json_t *time = json_is_array(times) ? json_array_get(times, i) : times;
        if (!json_is_integer(time) || json_integer_value(time) < 0 || json_integer_value(time) > 1000000000)
            return error_set(err, ERR_INVALID, "'agents_return_ms' wants milliseconds, or an array of them");
    }
    failover(local);
    for (size_t i = 0; times != NULL && i < local->agent_count; i++) {
        json_t *time = json_is_array(times) ? json_array_get(times, i) : times;
        struct agent *agent = local->agents[i];
        if (time == NULL || agent->state != AGENT_RECOVERING)
            continue;
        agent->back_with_tasks = true;
        loop_start_timer(&local->loop, &agent->back, json_integer_value(time));
    }
    return 0;
}
