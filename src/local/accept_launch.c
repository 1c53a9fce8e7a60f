/* LAUNCH: tasks with a command, and tasks with an executor of the framework's own. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#include "accept.h"

/* What a task takes of its offer: with an executor that has to be started for it. */
static void read_task(struct accepted *accepted, const TaskInfo *info, struct resources *used)
{
    struct resources own;
    accept_read(accepted, info->resources, info->n_resources, used);
    if (info->executor == NULL || resources_is_empty(used) ||
            executor_find(accepted->agent, accepted->framework->id, info->executor->executor_id->value) !=
                    NULL)
        return;
    resources_init(&own);
    accept_read(accepted, info->executor->resources, info->executor->n_resources, &own);
    resources_add(used, &own);
    resources_clear(&own);
}

struct task *accept_task(
        struct accepted *accepted, TaskInfo *info, const char *executor_id, struct resources *resources)
{
    struct task *task = task_create(accepted->framework, accepted->agent, info, executor_id);
    task->resources = *resources;
    task->holds_resources = true;
    resources_init(resources);
    resources_subtract(&accepted->left, &task->resources);
    task_know(task);
    return task;
}

struct executor *accept_executor(struct accepted *accepted, ExecutorInfo **info, struct resources *resources)
{
    struct framework *framework = accepted->framework;
    if ((*info)->framework_id == NULL) {
        (*info)->framework_id = alloc_zeroed(1, sizeof(*(*info)->framework_id));
        mesos__v1__framework_id__init((*info)->framework_id);
        (*info)->framework_id->value = alloc_string(framework->id);
    }
    struct executor *executor = executor_create(framework, accepted->agent, *info);
    *info = NULL;
    executor->resources = *resources;
    resources_init(resources);
    resources_subtract(&accepted->left, &executor->resources);
    return executor;
}

void accept_join(struct task *task, struct executor *executor)
{
    task->executor = executor;
    list_append(&executor->tasks, &task->in_executor);
}

/* A task with an executor of the framework's own: starts one of that id if there is none. */
static struct task *admit_with_executor(struct accepted *accepted, TaskInfo *info, struct resources *used)
{
    const char *id = info->executor->executor_id->value;
    struct executor *executor = executor_find(accepted->agent, accepted->framework->id, id);
    struct resources own;
    resources_init(&own);
    accept_read(accepted, info->executor->resources, info->executor->n_resources, &own);
    ExecutorInfo *copy = NULL;
    if (executor == NULL) {
        size_t length = protobuf_c_message_get_packed_size(&info->executor->base);
        uint8_t *bytes = alloc_bytes(length + 1);
        protobuf_c_message_pack(&info->executor->base, bytes);
        copy = mesos__v1__executor_info__unpack(NULL, length, bytes);
        free(bytes);
        executor = accept_executor(accepted, &copy, &own);
        executor_begin(executor, accepted->framework);
    }
    struct task *task = accept_task(accepted, info, id, used);
    accept_join(task, executor);
    memcpy(task->container_id, executor->container_id, TEXT_UUID_SIZE);
    resources_clear(&own);
    return task;
}

void accept_begin(struct task *task)
{
    if (!faults_stage_task(task))
        run_start(task);
}

void accept_launch(struct accepted *accepted, Operation *operation)
{
    struct framework *framework = accepted->framework;
    struct resources used;
    struct error err;
    int code = validate_operation_resources(operation, accepted->role, &err);
    if (code == 0 && operation->id != NULL)
        code = error_set(&err, ERR_INVALID, "The `id` field cannot be set on LAUNCH operations");
    if (code != 0) {
        accept_refuse(framework, operation, TASK(ERROR), REASON(TASK_INVALID), err.text);
        return;
    }
    resources_init(&used);
    for (size_t i = 0; i < operation->launch->n_task_infos; i++) {
        TaskInfo *info = operation->launch->task_infos[i];
        read_task(accepted, info, &used);
        if (validate_task(framework, accepted->agent, info, accepted->role, &accepted->left, &used, &err) !=
                0) {
            accept_refuse_task(framework, info, TASK(ERROR), REASON(TASK_INVALID), err.text);
            continue;
        }
        operation->launch->task_infos[i] = NULL;
        if (info->executor == NULL || framework->local->options->simulate) {
            accept_begin(accept_task(accepted, info, info->task_id->value, &used));
            continue;
        }
        accept_read(accepted, info->resources, info->n_resources, &used);
        accept_begin(admit_with_executor(accepted, info, &used));
    }
    resources_clear(&used);
}
