/* Health checks of type COMMAND: run in the task's sandbox with its environment, healthy when they exit with
 * 0. */
#include <stdlib.h>
#include <sys/wait.h>

#include "base/log.h"

#include "parts.h"
#include "run.h"

static const HealthCheck *check_of(const struct run *run)
{
    return run->task->info->health_check;
}

static void report(struct run *run, bool healthy)
{
    update_add(run->task, TASK(RUNNING), REASON(TASK_HEALTH_CHECK_STATUS_UPDATED), NULL, healthy ? 1 : 0);
}

/* The result of one check; the run may be dying afterwards. */
static void checked(struct run *run, bool healthy)
{
    const HealthCheck *check = check_of(run);
    struct health *health = &run->health;
    struct loop *loop = &run->task->local->loop;
    loop_start_timer(loop, &health->next, seconds_ms(check->interval_seconds) + 1);
    if (healthy) {
        health->failures = 0;
        if (health->last != 1)
            report(run, true);
        health->last = 1;
        return;
    }
    if (health->last != 1 && loop->now.mono_ms - health->started_ms < seconds_ms(check->grace_period_seconds))
        return;
    health->failures++;
    health->last = 0;
    report(run, false);
    if (health->failures >= check->consecutive_failures) {
        run->unhealthy = true;
        run_kill(run->task, NULL);
    }
}

static void exited(struct process *process, int status)
{
    struct run *run = process->owner;
    bool healthy = !run->health.timed_out && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    run->health.process = NULL;
    loop_stop_timer(&run->task->local->loop, &run->health.timeout);
    checked(run, healthy);
}

static void timed_out(struct timer *timer)
{
    struct run *run = timer_owner(timer, struct run, health.timeout);
    run->health.timed_out = true;
    process_kill(run->health.process, 0);
}

static void check(struct timer *timer)
{
    struct run *run = timer_owner(timer, struct run, health.next);
    struct task *task = run->task;
    const CommandInfo *command = check_of(run)->command;
    struct error err;
    struct arena arena;
    arena_init(&arena);
    char *directory = sandbox_path(task);
    struct process_spec spec = {.directory = directory};
    spec.arguments = sandbox_arguments(command, &spec.program, &arena);
    spec.environment = sandbox_environment(task, command, &arena);
    run->health.timed_out = false;
    if (process_start(task->local, &spec, exited, run, &run->health.process, &err) == 0) {
        loop_start_timer(
                &task->local->loop, &run->health.timeout, seconds_ms(check_of(run)->timeout_seconds) + 1);
    } else {
        log_warn("health", "%s: %s", task->id, err.text);
        checked(run, false);
    }
    free(directory);
    arena_clear(&arena);
}

void health_start(struct run *run)
{
    struct loop *loop = &run->task->local->loop;
    run->health.last = -1;
    run->health.started_ms = loop->now.mono_ms;
    run->health.next.fire = check;
    run->health.timeout.fire = timed_out;
    loop_start_timer(loop, &run->health.next, seconds_ms(check_of(run)->delay_seconds));
}

void health_stop(struct run *run)
{
    struct loop *loop = &run->task->local->loop;
    loop_stop_timer(loop, &run->health.next);
    loop_stop_timer(loop, &run->health.timeout);
    if (run->health.process != NULL) {
        process_abandon(run->health.process);
        process_kill(run->health.process, 0);
    }
    run->health.process = NULL;
}
