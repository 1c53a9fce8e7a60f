/* Faults that end others: those that last, and the waiting for what comes late. */
#include "fault_handlers.h"

#include "faults.h"
#include "parts.h"

int fault_clear(struct local *local, json_t *body, struct error *err)
{
    json_t *off = json_pack("{s:b}", "on", 0);
    (void)body;
    faults_clear_rules(local->faults);
    local->faults->silent = false;
    local->faults->twice = false;
    local->faults->stage.left = 0;
    int code = fault_split_streams(local, off, err);
    json_decref(off);
    return code;
}

static void hurry(struct agent *agent)
{
    struct loop *loop = &agent->local->loop;
    struct task *task;
    size_t at = 0;
    loop_hurry_timer(loop, &agent->lost);
    loop_hurry_timer(loop, &agent->back);
    while ((task = map_next(&agent->tasks, &at)) != NULL)
        staging_hurry(task);
}

int fault_release(struct local *local, json_t *body, struct error *err)
{
    (void)body;
    (void)err;
    faults_release(local->faults);
    for (size_t i = 0; i < local->agent_count; i++)
        hurry(local->agents[i]);
    return 0;
}
