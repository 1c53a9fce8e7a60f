/* LAUNCH_GROUP: the default executor, and all tasks of the group or none. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#include "accept.h"
#include "same_message.h"

#define GROUP_TASKS_MAX 1000

static int check_group_executor(struct accepted *accepted, const ExecutorInfo *info,
        const struct resources *resources, const struct executor *known, struct error *err)
{
    char amount[MILLI_TEXT_MAX];
    const char *id = info->executor_id->value;
    int code =
            validate_executor(accepted->framework, info, known, MESOS__V1__EXECUTOR_INFO__TYPE__DEFAULT, err);
    if (code != 0)
        return code;
    if (!info->has_type)
        return error_set(err, ERR_INVALID, "'ExecutorInfo.type' must be set");
    if (info->type != MESOS__V1__EXECUTOR_INFO__TYPE__DEFAULT)
        return error_set(err, ERR_INVALID, "zmesos-local runs groups in executors of type DEFAULT only");
    milli_t cpus = resources_scalar(resources, "cpus"), mem = resources_scalar(resources, "mem");
    if (cpus < 10)
        return error_set(err, ERR_INVALID,
                "Executor '%.200s' uses less CPUs (%s) than the minimum required (0.01)", id,
                cpus == 0 ? "None" : milli_format(cpus, amount));
    if (mem < 32000)
        return error_set(err, ERR_INVALID,
                "Executor '%.200s' uses less memory (%s%s) than the minimum required (32MB)", id,
                mem == 0 ? "None" : milli_format(mem, amount), mem == 0 ? "" : "MB");
    if (resources_scalar(resources, "disk") == 0)
        return error_set(err, ERR_INVALID, "Executor '%.200s' uses no disk", id);
    return 0;
}

static int group_wants_more(struct accepted *accepted, const struct resources *total, struct error *err)
{
    struct buf text;
    buf_init(&text, 4096);
    int code = buf_append_string(&text, "Total resources ");
    resources_format(total, accepted->role, &text);
    code |= buf_append_string(&text, " required by task group and its executor are more than available ");
    resources_format(&accepted->left, accepted->role, &text);
    code = error_set(
            err, ERR_INVALID, "%.*s%s", (int)text.length, (const char *)text.data, code == 0 ? "" : "...");
    buf_clear(&text);
    return code;
}

/* A task of a group may name the group's executor too. */
static int check_member(struct accepted *accepted, TaskInfo *info, const ExecutorInfo *executor,
        const struct resources *used, struct error *err)
{
    struct error why;
    ExecutorInfo *own = info->executor;
    if (own != NULL && !same_message(&own->base, &executor->base))
        return error_set(err, ERR_INVALID,
                "The `ExecutorInfo` of task '%.150s' is different from executor '%.150s'",
                info->task_id->value, executor->executor_id->value);
    info->executor = NULL;
    int code = validate_task(
            accepted->framework, accepted->agent, info, accepted->role, &accepted->left, used, &why);
    info->executor = own;
    if (code != 0)
        error_set(err, code, "Task '%.150s' is invalid: %.300s", info->task_id->value, why.text);
    return code;
}

/* Each task, ids unique among them, and all together with the executor. */
static int check_group(struct accepted *accepted, const Mesos__V1__Offer__Operation__LaunchGroup *group,
        struct resources *total, struct error *err)
{
    const Mesos__V1__TaskGroupInfo *tasks = group->task_group;
    struct resources used;
    int code = 0;
    resources_init(&used);
    if (tasks->n_tasks == 0)
        code = error_set(err, ERR_INVALID, "Task group cannot be empty");
    if (tasks->n_tasks > GROUP_TASKS_MAX)
        code = error_set(err, ERR_TOO_LARGE, "Task group has more than %d tasks", GROUP_TASKS_MAX);
    for (size_t i = 0; code == 0 && i < tasks->n_tasks; i++) {
        TaskInfo *info = tasks->tasks[i];
        for (size_t j = 0; code == 0 && j < i; j++)
            if (strcmp(tasks->tasks[j]->task_id->value, info->task_id->value) == 0)
                code = error_set(err, ERR_INVALID, "Task group has duplicate ID: %s", info->task_id->value);
        accept_read(accepted, info->resources, info->n_resources, &used);
        if (code == 0)
            code = check_member(accepted, info, group->executor, &used, err);
        resources_add(total, &used);
    }
    if (code == 0 && !resources_contains(&accepted->left, total))
        code = group_wants_more(accepted, total, err);
    resources_clear(&used);
    return code;
}

void accept_launch_group(struct accepted *accepted, Operation *operation)
{
    struct framework *framework = accepted->framework;
    Mesos__V1__Offer__Operation__LaunchGroup *message = operation->launch_group;
    if (message == NULL)
        return;
    Mesos__V1__TaskGroupInfo *infos = message->task_group;
    const char *id = message->executor->executor_id->value;
    struct executor *executor = executor_find(accepted->agent, framework->id, id);
    struct resources own;
    struct resources total;
    struct error err;
    resources_init(&own);
    resources_init(&total);
    int code = validate_operation_resources(operation, accepted->role, &err);
    if (code == 0 && operation->id != NULL)
        code = error_set(&err, ERR_INVALID, "The `id` field cannot be set on LAUNCH_GROUP operations");
    if (code == 0) {
        accept_read(accepted, message->executor->resources, message->executor->n_resources, &own);
        code = check_group_executor(accepted, message->executor, &own, executor, &err);
    }
    if (executor == NULL)
        resources_copy(&total, &own);
    if (code == 0)
        code = check_group(accepted, message, &total, &err);
    if (code != 0) {
        accept_refuse(framework, operation, TASK(ERROR), REASON(TASK_GROUP_INVALID), err.text);
        goto out;
    }

    if (executor == NULL) {
        executor = accept_executor(accepted, &message->executor, &own);
        id = executor->id;
    }
    struct group *group = alloc_zeroed(1, sizeof(*group));
    struct task **tasks = alloc_zeroed(infos->n_tasks, sizeof(*tasks));
    list_init(&group->tasks);
    for (size_t i = 0; i < infos->n_tasks; i++) {
        TaskInfo *info = infos->tasks[i];
        infos->tasks[i] = NULL;
        accept_read(accepted, info->resources, info->n_resources, &total);
        tasks[i] = accept_task(accepted, info, id, &total);
        accept_join(tasks[i], executor);
        tasks[i]->group = group;
        memcpy(tasks[i]->parent_id, executor->container_id, TEXT_UUID_SIZE);
        list_append(&group->tasks, &tasks[i]->in_group);
    }
    for (size_t i = 0; i < infos->n_tasks; i++)
        accept_begin(tasks[i]);
    free(tasks);
out:
    resources_clear(&own);
    resources_clear(&total);
}
