/* Tasks that run nothing: how long they take and how they end is in their labels. For load: a task without a
 * duration has reported its end before the call that launched it is answered. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#include "parts.h"
#include "run.h"

static const char *label(const struct task *task, const char *key)
{
    const Mesos__V1__Labels *labels = task->info->labels;
    for (size_t i = 0; labels != NULL && i < labels->n_labels; i++)
        if (strcmp(labels->labels[i]->key, key) == 0)
            return labels->labels[i]->value;
    return NULL;
}

struct outcome {
    const char *name;
    TaskState state;
    bool starts; /* says STARTING and RUNNING before */
    bool ends;
    Source source;
    int reason;
    const char *message;
};

static const struct outcome outcomes[] = {
        {"finished", TASK(FINISHED), true, true, SOURCE(EXECUTOR), 0, "Command exited with status 0"},
        {"failed", TASK(FAILED), true, true, SOURCE(EXECUTOR), 0, "Command exited with status 1"},
        {"lost", TASK(LOST), true, true, SOURCE(AGENT), REASON(EXECUTOR_TERMINATED),
                "Abnormal executor termination"},
        {"gone", TASK(GONE), true, true, SOURCE(AGENT), REASON(EXECUTOR_TERMINATED),
                "Abnormal executor termination"},
        {"dropped", TASK(DROPPED), false, true, SOURCE(AGENT), REASON(EXECUTOR_TERMINATED),
                "Executor did not start"},
        {"error", TASK(ERROR), false, true, SOURCE(AGENT), REASON(TASK_INVALID),
                "Task is in error by its label"},
        {"never", TASK(RUNNING), true, false, SOURCE(EXECUTOR), 0, NULL},
};

static const struct outcome *outcome_of(const struct task *task)
{
    const char *name = label(task, "simulate_outcome");
    for (size_t i = 0; name != NULL && i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
        if (strcmp(outcomes[i].name, name) == 0)
            return &outcomes[i];
    return &outcomes[0];
}

static void end(struct task *task, const struct outcome *outcome)
{
    task_ended(task, outcome->state, outcome->source, outcome->reason, outcome->message, -1);
}

static void time_is_up(struct timer *timer)
{
    struct run *run = timer_owner(timer, struct run, limit);
    end(run->task, outcome_of(run->task));
}

void simulate_endless(struct task *task)
{
    task->run = alloc_zeroed(1, sizeof(*task->run));
    task->run->task = task;
    task->run->limit.fire = time_is_up;
}

void simulate_start(struct task *task)
{
    const struct outcome *outcome = outcome_of(task);
    const char *seconds = label(task, "simulate_seconds");
    milli_t ms = 0;
    if (seconds != NULL && (milli_parse(seconds, &ms) != 0 || ms < 0))
        ms = 0;
    if (outcome->starts) {
        update_add(task, TASK(STARTING), 0, NULL, -1);
        update_add(task, TASK(RUNNING), 0, NULL, -1);
    }
    if (ms == 0 && outcome->ends) {
        end(task, outcome);
        return;
    }
    simulate_endless(task);
    if (outcome->ends)
        loop_start_timer(&task->local->loop, &task->run->limit, ms);
}

void simulate_kill(struct task *task)
{
    task_ended(task, TASK(KILLED), SOURCE(EXECUTOR), 0, "Command terminated with signal Terminated", -1);
}
