/* Executors of a framework's own: a command that is run as a process, is given tasks over HTTP
 * (executor_api.c) and reports them. One lives from the first task that names it until its process ends, with
 * tasks or without; what it has not ended by then has failed. Default executors are in task.c: they are no
 * processes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"

#include "parts.h"
#include "run.h"

#define REGISTRATION_MS 60000
#define SHUTDOWN_GRACE_MS 5000

static void executor_destroy(struct executor *executor)
{
    struct framework *framework = executor->framework;
    struct loop *loop = &framework->local->loop;
    loop_stop_timer(loop, &executor->patience);
    if (executor->stream != NULL)
        http_stream_end(executor->stream, false);
    for (struct list_link *link; (link = list_first(&executor->tasks)) != NULL;) {
        struct task *task = list_item(link, struct task, in_executor);
        list_remove(&executor->tasks, link);
        task->executor = NULL;
    }
    resources_add(&executor->agent->free, &executor->resources);
    executor_free(executor);
    framework_unref(framework);
}

static struct task **tasks_of(const struct executor *executor, size_t *count)
{
    struct task **tasks = alloc_zeroed(executor->tasks.count + 1, sizeof(*tasks));
    *count = 0;
    for (struct list_link *link = list_first(&executor->tasks); link != NULL;
            link = list_next(&executor->tasks, link))
        tasks[(*count)++] = list_item(link, struct task, in_executor);
    return tasks;
}

/* Its process is no more, or never was: so are its tasks, and then itself. `status` as of waitpid, -1:
 * unknown. */
static void executor_ended(struct executor *executor, int status, int reason, const char *message)
{
    size_t count;
    struct task **tasks = tasks_of(executor, &count);
    log_info("executor", "%s ended with status %d", executor->key, status);
    for (size_t i = 0; i < count; i++)
        task_ended(tasks[i], TASK(FAILED), SOURCE(AGENT), reason, message, -1);
    free(tasks);
    if (executor->agent->state == AGENT_REGISTERED)
        send_executor_failure(executor->framework, executor->agent->id, executor->id, status);
    executor_destroy(executor);
}

static void exited(struct process *process, int status)
{
    struct executor *executor = process->owner;
    executor->process = NULL;
    if (executor->too_late)
        executor_ended(executor, status, REASON(EXECUTOR_REGISTRATION_TIMEOUT),
                "Executor did not register within 1mins; Executor terminated");
    else
        executor_ended(executor, status, REASON(EXECUTOR_TERMINATED), "Executor terminated");
}

/* It has not subscribed, or has not ended. */
static void patience_ends(struct timer *timer)
{
    struct executor *executor = timer_owner(timer, struct executor, patience);
    executor->too_late = !executor->ending;
    process_kill(executor->process, 0);
}

static int64_t grace_ms(const struct executor *executor)
{
    return executor->info->shutdown_grace_period == NULL ? SHUTDOWN_GRACE_MS
                                                         : duration_ms(executor->info->shutdown_grace_period);
}

static int start(struct executor *executor, struct error *err)
{
    struct local *local = executor->agent->local;
    const struct sandbox sandbox = {
            .local = local,
            .agent = executor->agent,
            .framework = executor->framework,
            .key = executor->key,
            .executor_id = executor->id,
    };
    struct arena arena;
    char *directory = NULL;
    executor->begun = true;
    arena_init(&arena);
    int code = sandbox_make(&sandbox, &directory, err);
    if (code == 0) {
        struct process_spec spec = {.directory = directory};
        spec.arguments = sandbox_arguments(executor->info->command, &spec.program, &arena);
        spec.environment =
                sandbox_executor_environment(&sandbox, executor->info->command, grace_ms(executor), &arena);
        spec.out = arena_format(&arena, "%s/stdout", directory);
        spec.err = arena_format(&arena, "%s/stderr", directory);
        code = process_start(local, &spec, exited, executor, &executor->process, err);
    }
    if (code == 0) {
        executor->patience.fire = patience_ends;
        loop_start_timer(&local->loop, &executor->patience, REGISTRATION_MS);
    }
    free(directory);
    arena_clear(&arena);
    return code;
}

void executor_begin(struct executor *executor, struct framework *framework)
{
    executor->custom = true;
    executor->framework = framework;
    framework_ref(framework);
}

void executor_launch(struct task *task)
{
    struct executor *executor = task->executor;
    struct error err;
    task->run = alloc_zeroed(1, sizeof(*task->run));
    task->run->task = task;
    task->run->queued = true;
    if (executor->process == NULL && start(executor, &err) != 0) {
        executor_ended(executor, -1, REASON(CONTAINER_LAUNCH_FAILED), err.text);
        return;
    }
    if (executor->stream != NULL)
        executor_deliver(executor);
}

void executor_idle(struct executor *executor)
{
    if (!executor->begun)
        executor_destroy(executor);
}

void executor_deliver(struct executor *executor)
{
    size_t count;
    struct task **tasks = tasks_of(executor, &count);
    for (size_t i = 0; i < count; i++) {
        if (tasks[i]->run == NULL || !tasks[i]->run->queued)
            continue;
        tasks[i]->run->queued = false;
        send_executor_launch(executor, tasks[i]);
    }
    free(tasks);
}

void executor_kill_task(struct task *task, const Mesos__V1__KillPolicy *policy)
{
    struct executor *executor = task->executor;
    if (!task->run->queued) {
        send_executor_kill(executor, task, policy);
        return;
    }
    task_ended(task, TASK(KILLED), SOURCE(AGENT), REASON(TASK_KILLED_DURING_LAUNCH),
            "Killed before delivery to the executor", -1);
    if (list_first(&executor->tasks) == NULL)
        executor_shutdown(executor);
}

void executor_shutdown(struct executor *executor)
{
    if (executor->ending)
        return;
    executor->ending = true;
    if (executor->process == NULL)
        return;
    if (executor->stream != NULL && grace_ms(executor) > 0) {
        send_executor_shutdown(executor);
        loop_start_timer(&executor->agent->local->loop, &executor->patience, grace_ms(executor));
    } else {
        process_kill(executor->process, 0);
    }
}

/* ---- what happens to agents and frameworks ---- */

static void each(struct agent *agent, void (*handle)(struct executor *executor))
{
    struct executor **all = alloc_zeroed(agent->executors.count + 1, sizeof(struct executor *));
    struct executor *executor;
    size_t count = 0;
    for (size_t at = 0; (executor = map_next(&agent->executors, &at)) != NULL;)
        if (executor->custom)
            all[count++] = executor;
    for (size_t i = 0; i < count; i++)
        handle(all[i]);
    free(all);
}

static void drop(struct executor *executor)
{
    if (executor->process != NULL) {
        process_abandon(executor->process);
        process_kill(executor->process, 0);
    }
    executor_destroy(executor);
}

void executors_drop(struct agent *agent)
{
    each(agent, drop);
}

static void report(struct executor *executor)
{
    if (executor->framework->state == FRAMEWORK_REMOVED)
        executor_shutdown(executor);
    else if (executor->framework->state == FRAMEWORK_FORGOTTEN)
        framework_recover(executor->framework);
}

void executors_report(struct agent *agent)
{
    each(agent, report);
}

void executors_of_framework_end(struct framework *framework)
{
    for (size_t i = 0; i < framework->local->agent_count; i++) {
        struct agent *agent = framework->local->agents[i];
        struct executor *executor;
        if (agent->state != AGENT_REGISTERED)
            continue;
        for (size_t at = 0; (executor = map_next(&agent->executors, &at)) != NULL;)
            if (executor->custom && executor->framework == framework)
                executor_shutdown(executor);
    }
}

void executors_forget_streams(struct local *local)
{
    struct executor *executor;
    for (size_t i = 0; i < local->agent_count; i++)
        for (size_t at = 0; (executor = map_next(&local->agents[i]->executors, &at)) != NULL;)
            executor->stream = NULL;
}

/* ---- MESSAGE ---- */

void handle_message(struct call_context *context)
{
    const Mesos__V1__Scheduler__Call__Message *message = context->call->message;
    struct agent *agent = agent_find(context->local, message->agent_id->value);
    if (agent == NULL || agent->state != AGENT_REGISTERED)
        return;
    struct executor *executor = executor_find(agent, context->framework->id, message->executor_id->value);
    if (executor != NULL && executor->stream != NULL)
        send_executor_message(executor, message->data);
}
