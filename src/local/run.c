/* A task as a process: STARTING and RUNNING, then how it ended (PROTOCOL "Updates and acknowledgements"). The
 * words of the messages are those of Mesos's command executor, because there is no exit code but in them. */
#include "run.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/alloc.h"

#include "parts.h"

int64_t duration_ms(const Mesos__V1__DurationInfo *duration)
{
    return duration->nanoseconds <= 0 ? 0 : duration->nanoseconds / 1000000;
}

int64_t seconds_ms(double seconds)
{
    if (!(seconds > 0))
        return 0;
    return seconds > 1e9 ? (int64_t)1e12 : (int64_t)(seconds * 1000);
}

static int64_t grace_ms(const struct task *task, const Mesos__V1__KillPolicy *policy)
{
    if (policy == NULL || policy->grace_period == NULL)
        policy = task->info->kill_policy;
    if (policy == NULL || policy->grace_period == NULL)
        return KILL_GRACE_MS;
    return duration_ms(policy->grace_period);
}

static void run_free(struct run *run)
{
    loop_stop_timer(&run->task->local->loop, &run->limit);
    health_stop(run);
    run->task->run = NULL;
    free(run);
}

/* The others of the group die with the one that did not finish. They are counted first: killing a simulated
 * task ends it at once. */
static void group_dies(struct group *group, const struct task *first)
{
    size_t count = 0;
    struct task **others = alloc_zeroed(group->tasks.count + 1, sizeof(*others));
    group->dying = true;
    for (struct list_link *link = list_first(&group->tasks); link != NULL;
            link = list_next(&group->tasks, link))
        others[count++] = list_item(link, struct task, in_group);
    for (size_t i = 0; i < count; i++)
        if (others[i] != first)
            run_kill(others[i], NULL);
    free(others);
}

void task_ended(
        struct task *task, TaskState state, Source source, int reason, const char *message, int healthy)
{
    if (task->run != NULL)
        run_free(task->run);
    mesos__v1__task_info__free_unpacked(task->info, NULL);
    task->info = NULL;
    if (task->group != NULL && !task->group->dying && state != TASK(FINISHED))
        group_dies(task->group, task);
    bool last = executor_leave(task);
    update_add_from(task, state, source, reason, message, healthy);
    if (last && task->agent->state == AGENT_REGISTERED)
        send_executor_failure(task->framework, task->agent->id, task->executor_id, 0);
}

void task_reported(struct task *task, TaskStatus *status)
{
    if (task_state_is_over(status->state)) {
        if (task->run != NULL)
            run_free(task->run);
        mesos__v1__task_info__free_unpacked(task->info, NULL);
        task->info = NULL;
        executor_leave(task);
    }
    update_add_own(task, status);
}

static void exited(struct process *process, int status)
{
    struct run *run = process->owner;
    struct task *task = run->task;
    char message[128];
    TaskState state = TASK(FAILED);
    int reason = 0;
    run->process = NULL;
    if (WIFSIGNALED(status))
        snprintf(message, sizeof(message), "Command terminated with signal %s%s", strsignal(WTERMSIG(status)),
                WCOREDUMP(status) ? " (core dumped)" : "");
    else
        snprintf(message, sizeof(message), "Command exited with status %d", WEXITSTATUS(status));
    if (run->too_long)
        reason = REASON(MAX_COMPLETION_TIME_REACHED);
    else if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        state = TASK(FINISHED);
    else if (run->killing)
        state = TASK(KILLED);
    task_ended(task, state, SOURCE(EXECUTOR), reason, message, run->unhealthy ? 0 : -1);
}

static void too_long(struct timer *timer)
{
    struct run *run = timer_owner(timer, struct run, limit);
    run->too_long = true;
    health_stop(run);
    process_kill(run->process, grace_ms(run->task, NULL));
}

static int start_process(struct run *run, struct error *err)
{
    struct task *task = run->task;
    struct arena arena;
    char *directory = NULL;
    arena_init(&arena);
    int code = sandbox_create(task, &directory, err);
    if (code != 0)
        goto out;
    code = volumes_link(task, directory, err);
    if (code != 0)
        goto out;
    struct process_spec spec = {.directory = directory};
    spec.arguments = sandbox_arguments(task->info->command, &spec.program, &arena);
    spec.environment = sandbox_environment(task, task->info->command, &arena);
    spec.out = arena_format(&arena, "%s/stdout", directory);
    spec.err = arena_format(&arena, "%s/stderr", directory);
    code = process_start(task->local, &spec, exited, run, &run->process, err);
    if (code == 0)
        task->pid = (uint32_t)run->process->pid;
out:
    free(directory);
    arena_clear(&arena);
    return code;
}

int run_process(struct task *task, struct error *err)
{
    struct run *run = alloc_zeroed(1, sizeof(*run));
    run->task = task;
    run->limit.fire = too_long;
    task->run = run;
    return start_process(run, err);
}

void run_start(struct task *task)
{
    struct error err;
    if (task->group != NULL && task->group->dying) {
        task_ended(task, TASK(KILLED), SOURCE(EXECUTOR), REASON(TASK_KILLED_DURING_LAUNCH),
                "Another task of the group has ended", -1);
        return;
    }
    if (task->local->options->simulate) {
        simulate_start(task);
        return;
    }
    if (task->executor != NULL && task->executor->custom) {
        executor_launch(task);
        return;
    }
    int code = run_process(task, &err);
    update_add(task, TASK(STARTING), 0, NULL, -1);
    if (code != 0) {
        task_ended(task, TASK(FAILED), SOURCE(AGENT), REASON(CONTAINER_LAUNCH_FAILED), err.text, -1);
        return;
    }
    update_add(task, TASK(RUNNING), 0, NULL, -1);
    if (task->info->max_completion_time != NULL && task->info->max_completion_time->nanoseconds > 0)
        loop_start_timer(&task->local->loop, &task->run->limit, duration_ms(task->info->max_completion_time));
    if (task->info->health_check != NULL)
        health_start(task->run);
}

void run_kill(struct task *task, const Mesos__V1__KillPolicy *policy)
{
    struct run *run = task->run;
    if (run == NULL) /* over already */
        return;
    if (run->staging != STAGING_NOT) {
        staging_kill(task);
        return;
    }
    if (task->executor != NULL && task->executor->custom) {
        executor_kill_task(task, policy);
        return;
    }
    if (run->killing) {
        if (policy != NULL && policy->grace_period != NULL && run->process != NULL)
            process_kill(run->process, grace_ms(task, policy));
        return;
    }
    run->killing = true;
    loop_stop_timer(&task->local->loop, &run->limit);
    health_stop(run);
    if (framework_can(task->framework, CAPABILITY(TASK_KILLING_STATE)))
        update_add(task, TASK(KILLING), 0, NULL, run->unhealthy ? 0 : -1);
    if (run->process == NULL)
        simulate_kill(task);
    else
        process_kill(run->process, grace_ms(task, policy));
}

void run_drop(struct task *task)
{
    struct run *run = task->run;
    if (run == NULL)
        return;
    if (run->process != NULL) {
        process_abandon(run->process);
        process_kill(run->process, KILL_GRACE_MS);
    }
    run_free(run);
}
