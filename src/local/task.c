/* Tasks as objects, and the default executors that groups run in. A task lives at its agent until its last
 * update is acknowledged; the master's index of it is framework->tasks. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#include "parts.h"

bool task_state_is_over(TaskState state)
{
    switch (state) {
    case TASK(FINISHED):
    case TASK(FAILED):
    case TASK(KILLED):
    case TASK(ERROR):
    case TASK(LOST):
    case TASK(DROPPED):
    case TASK(GONE):
    case TASK(GONE_BY_OPERATOR):
        return true;
    default:
        return false;
    }
}

TaskState task_partition_state(const struct task *task, TaskState state)
{
    return framework_can(task->framework, CAPABILITY(PARTITION_AWARE)) ? state : TASK(LOST);
}

static char *key_of(const char *framework_id, const char *id)
{
    size_t first = strlen(framework_id);
    size_t second = strlen(id);
    char *key = alloc_bytes(first + second + 2);
    memcpy(key, framework_id, first);
    key[first] = '/';
    memcpy(key + first + 1, id, second + 1);
    return key;
}

static void retry(struct timer *timer)
{
    update_forward(timer_owner(timer, struct task, retry));
}

struct task *task_create(
        struct framework *framework, struct agent *agent, TaskInfo *info, const char *executor_id)
{
    struct task *task = alloc_zeroed(1, sizeof(*task));
    task->local = framework->local;
    task->framework = framework;
    framework_ref(framework);
    task->agent = agent;
    task->key = key_of(framework->id, info->task_id->value);
    task->id = task->key + strlen(framework->id) + 1;
    task->executor_id = alloc_string(executor_id);
    task->info = info;
    task->master_state = TASK(STAGING);
    task->master_healthy = -1;
    task->state = TASK(STAGING);
    list_init(&task->updates);
    task->retry.fire = retry;
    local_uuid(task->local, task->container_id);
    /* A framework that came again under an id of the past may meet that one's tasks. */
    struct task *old = map_get_string(&agent->tasks, task->key);
    if (old != NULL)
        task_drop(old);
    map_put(&agent->tasks, slice_of_string(task->key), task);
    return task;
}

void task_free_resources(struct task *task)
{
    if (task->holds_resources)
        resources_add(&task->agent->free, &task->resources);
    task->holds_resources = false;
}

void task_destroy(struct task *task)
{
    struct framework *framework = task->framework;
    task_unknow(task);
    map_remove(&task->agent->tasks, slice_of_string(task->key));
    updates_clear(task);
    executor_leave(task);
    task_free_resources(task);
    resources_clear(&task->resources);
    mesos__v1__task_info__free_unpacked(task->info, NULL);
    free(task->executor_id);
    free(task->key);
    free(task);
    framework_unref(framework);
}

void task_know(struct task *task)
{
    struct task *old = task_find(task->framework, task->id);
    if (old != NULL) /* an id that is used twice names the one that came last */
        old->known = false;
    map_put(&task->framework->tasks, slice_of_string(task->id), task);
    task->known = true;
    task->unreachable = false;
}

void task_unknow(struct task *task)
{
    if (task->known && map_get_string(&task->framework->tasks, task->id) == task)
        map_remove(&task->framework->tasks, slice_of_string(task->id));
    task->known = false;
}

struct task *task_find(struct framework *framework, const char *id)
{
    return map_get_string(&framework->tasks, id);
}

struct task *task_on_agent(struct agent *agent, const char *framework_id, const char *task_id)
{
    char *key = key_of(framework_id, task_id);
    struct task *task = map_get_string(&agent->tasks, key);
    free(key);
    return task;
}

void task_drop(struct task *task)
{
    run_drop(task);
    task_destroy(task);
}

struct executor *executor_find(struct agent *agent, const char *framework_id, const char *executor_id)
{
    char *key = key_of(framework_id, executor_id);
    struct executor *executor = map_get_string(&agent->executors, key);
    free(key);
    return executor;
}

struct executor *executor_create(struct framework *framework, struct agent *agent, ExecutorInfo *info)
{
    struct executor *executor = alloc_zeroed(1, sizeof(*executor));
    executor->agent = agent;
    executor->key = key_of(framework->id, info->executor_id->value);
    executor->id = executor->key + strlen(framework->id) + 1;
    executor->info = info;
    list_init(&executor->tasks);
    buf_init(&executor->scratch, 0);
    local_uuid(framework->local, executor->container_id);
    map_put(&agent->executors, slice_of_string(executor->key), executor);
    return executor;
}

void executor_free(struct executor *executor)
{
    map_remove(&executor->agent->executors, slice_of_string(executor->key));
    resources_clear(&executor->resources);
    mesos__v1__executor_info__free_unpacked(executor->info, NULL);
    buf_clear(&executor->scratch);
    free(executor->key);
    free(executor);
}

bool executor_leave(struct task *task)
{
    struct executor *executor = task->executor;
    struct group *group = task->group;
    task->executor = NULL;
    task->group = NULL;
    if (group != NULL) {
        list_remove(&group->tasks, &task->in_group);
        if (list_first(&group->tasks) == NULL)
            free(group);
    }
    if (executor == NULL)
        return false;
    list_remove(&executor->tasks, &task->in_executor);
    if (list_first(&executor->tasks) != NULL)
        return false;
    if (executor->custom) {
        executor_idle(executor);
        return false;
    }
    resources_add(&executor->agent->free, &executor->resources);
    executor_free(executor);
    return true;
}
