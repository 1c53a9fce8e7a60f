/* Launches that stay STAGING, by the fault stage_tasks. The master has counted the task in; its agent is slow
 * about it, or has never heard of it (PROTOCOL "When may a launch be repeated by itself?"). */
#include "base/alloc.h"

#include "parts.h"
#include "run.h"

enum staging staging_of(const struct task *task)
{
    return task->run == NULL ? STAGING_NOT : task->run->staging;
}

static void time_is_up(struct timer *timer)
{
    struct task *task = timer_owner(timer, struct run, limit)->task;
    if (staging_of(task) ==
            STAGING_LOST) { /* the agent is told what it should have, and knows nothing of it */
        task_unknown_to_agent(task);
        return;
    }
    run_drop(task);
    run_start(task);
}

void staging_start(struct task *task, enum staging how, int64_t ms)
{
    struct run *run = alloc_zeroed(1, sizeof(*run));
    run->task = task;
    run->staging = how;
    run->limit.fire = time_is_up;
    task->run = run;
    if (ms > 0)
        loop_start_timer(&task->local->loop, &run->limit, ms);
}

void staging_hurry(struct task *task)
{
    if (staging_of(task) != STAGING_NOT)
        loop_hurry_timer(&task->local->loop, &task->run->limit);
}

void staging_kill(struct task *task)
{
    switch (staging_of(task)) {
    case STAGING_SLOW:
        task_ended(task, TASK(KILLED), SOURCE(AGENT), REASON(TASK_KILLED_DURING_LAUNCH),
                "Killed before delivery to the executor", -1);
        break;
    case STAGING_LOST:
        task_ended(task, task_partition_state(task, TASK(DROPPED)), SOURCE(AGENT),
                REASON(EXECUTOR_TERMINATED), "Cannot find executor", -1);
        break;
    default:
        break;
    }
}
