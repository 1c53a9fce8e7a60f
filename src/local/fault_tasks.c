/* Faults of tasks and their updates. */
#include "fault_handlers.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#include "fault_fields.h"
#include "faults.h"
#include "parts.h"

int fault_stage_tasks(struct local *local, json_t *body, struct error *err)
{
    static const char *const hows[] = {"slow", "deaf", "lost"};
    static const enum staging stagings[] = {STAGING_SLOW, STAGING_DEAF, STAGING_LOST};
    struct agent *agent = NULL;
    size_t how = 0;
    int64_t count = 0;
    int64_t ms = 0;
    int code = field_word(body, "how", hows, 3, &how, err);
    if (code == 0)
        code = field_integer(body, "count", 0, 1, &count, err);
    if (code == 0)
        code = field_integer(body, "ms", 0, 0, &ms, err);
    if (code == 0 && json_object_get(body, "agent") != NULL)
        code = field_agent(local, body, &agent, err);
    if (code != 0)
        return code;
    local->faults->stage = (struct stage_rule){
            .how = stagings[how],
            .left = count == 0 ? INT64_MAX : count,
            .ms = ms,
            .agent = agent == NULL ? 0 : agent->number + 1,
    };
    return 0;
}

int fault_repeat_updates(struct local *local, json_t *body, struct error *err)
{
    struct framework **frameworks = NULL;
    size_t count = 0;
    int64_t times = 1;
    int code = field_integer(body, "times", 1, 1, &times, err);
    if (code == 0 && times > 1000)
        code = error_set(err, ERR_INVALID, "'times' wants a number from 1 to 1000");
    if (code == 0)
        code = field_frameworks(local, body, &frameworks, &count, err);
    for (size_t i = 0; code == 0 && i < count * (size_t)times; i++) {
        struct task *task;
        size_t at = 0;
        while ((task = map_next(&frameworks[i % count]->tasks, &at)) != NULL)
            update_repeat(task);
    }
    free(frameworks);
    return code;
}

int fault_double_updates(struct local *local, json_t *body, struct error *err)
{
    return field_flag(body, "on", true, &local->faults->twice, err);
}

/* ---- orphans ---- */

/* The states that an agent can report, and who speaks then. */
static const struct {
    const char *name;
    TaskState state;
    Source source;
} states[] = {
        {"TASK_RUNNING", TASK(RUNNING), SOURCE(EXECUTOR)},
        {"TASK_STAGING", TASK(STAGING), SOURCE(AGENT)},
        {"TASK_STARTING", TASK(STARTING), SOURCE(EXECUTOR)},
        {"TASK_KILLING", TASK(KILLING), SOURCE(EXECUTOR)},
        {"TASK_FINISHED", TASK(FINISHED), SOURCE(EXECUTOR)},
        {"TASK_FAILED", TASK(FAILED), SOURCE(EXECUTOR)},
        {"TASK_KILLED", TASK(KILLED), SOURCE(EXECUTOR)},
        {"TASK_ERROR", TASK(ERROR), SOURCE(AGENT)},
        {"TASK_DROPPED", TASK(DROPPED), SOURCE(AGENT)},
        {"TASK_GONE", TASK(GONE), SOURCE(AGENT)},
        {"TASK_LOST", TASK(LOST), SOURCE(AGENT)},
};
#define STATES (sizeof(states) / sizeof(states[0]))

struct orphan {
    struct framework *framework;
    struct agent *agent;
    const char *id, *command;
    size_t state; /* place in states */
    bool quiet;
};

static int read_orphan(struct local *local, json_t *body, struct orphan *orphan, struct error *err)
{
    const char *names[STATES];
    struct framework **frameworks = NULL;
    struct error why;
    size_t count = 0;
    for (size_t i = 0; i < STATES; i++)
        names[i] = states[i].name;
    orphan->agent = local->agent_count > 0 ? local->agents[0] : NULL;
    int code = field_text(body, "task", "", &orphan->id, err);
    if (code == 0 && text_check_id(orphan->id, 255, &why) != 0)
        code = error_set(err, ERR_INVALID, "'task': %.300s", why.text);
    if (code == 0)
        code = field_word(body, "state", names, STATES, &orphan->state, err);
    if (code == 0)
        code = field_text(body, "command", NULL, &orphan->command, err);
    if (code == 0)
        code = field_flag(body, "quiet", false, &orphan->quiet, err);
    if (code == 0 && (json_object_get(body, "agent") != NULL || orphan->agent == NULL))
        code = field_agent(local, body, &orphan->agent, err);
    if (code == 0)
        code = field_frameworks(local, body, &frameworks, &count, err);
    if (code == 0 && count != 1)
        code = error_set(err, ERR_INVALID, "'framework' is wanted: there are %zu", count);
    if (code == 0)
        orphan->framework = frameworks[0];
    free(frameworks);
    return code;
}

static int check_orphan(const struct orphan *orphan, struct error *err)
{
    TaskState state = states[orphan->state].state;
    bool over = task_state_is_over(state);
    if (orphan->quiet && over)
        return error_set(err, ERR_INVALID, "'quiet' is for a task that lives");
    if (orphan->command != NULL && (over || state == TASK(STAGING)))
        return error_set(err, ERR_INVALID, "'command' is for a task that runs");
    if (task_find(orphan->framework, orphan->id) != NULL)
        return error_set(err, ERR_INVALID, "there is a task '%.255s'", orphan->id);
    return 0;
}

static TaskInfo *make_info(const struct orphan *orphan)
{
    TaskInfo *info = alloc_bytes(sizeof(*info));
    mesos__v1__task_info__init(info);
    info->name = alloc_string(orphan->id);
    info->task_id = alloc_bytes(sizeof(*info->task_id));
    mesos__v1__task_id__init(info->task_id);
    info->task_id->value = alloc_string(orphan->id);
    info->agent_id = alloc_bytes(sizeof(*info->agent_id));
    mesos__v1__agent_id__init(info->agent_id);
    info->agent_id->value = alloc_string(orphan->agent->id);
    if (orphan->command == NULL)
        return info;
    info->command = alloc_bytes(sizeof(*info->command));
    mesos__v1__command_info__init(info->command);
    info->command->value = alloc_string(orphan->command);
    return info;
}

/* The task as it would be if an ACCEPT had made it some time ago, all updates but the last acknowledged. */
int fault_orphan(struct local *local, json_t *body, struct error *err)
{
    struct orphan orphan = {0};
    int code = read_orphan(local, body, &orphan, err);
    if (code == 0)
        code = check_orphan(&orphan, err);
    if (code != 0)
        return code;
    TaskState state = states[orphan.state].state;
    struct task *task = task_create(orphan.framework, orphan.agent, make_info(&orphan), orphan.id);
    if (orphan.agent->state == AGENT_REGISTERED) {
        if (orphan.framework->state == FRAMEWORK_FORGOTTEN)
            framework_recover(orphan.framework);
        task_know(task);
    }
    if (task_state_is_over(state)) {
        task_ended(task, state, states[orphan.state].source, 0, NULL, -1);
        return 0;
    }
    if (state == TASK(STAGING)) {
        staging_start(task, STAGING_SLOW, 0);
        return 0;
    }
    if (orphan.command == NULL || local->options->simulate)
        simulate_endless(task);
    else if (run_process(task, err) != 0) {
        task_drop(task);
        return ERR_IO;
    }
    if (orphan.quiet) {
        task->state = state;
        task->master_state = state;
    } else {
        update_add_from(task, state, states[orphan.state].source, 0, NULL, -1);
    }
    return 0;
}
