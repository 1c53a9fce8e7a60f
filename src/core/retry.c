/* Attempts and retries (docs/protocol.md "Retries"): what a task's policy says, and what follows when an
 * attempt ends, does not start in time or is out of sight for too long. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define OUTCOME(name) ZMESOS__V1__RETRY_POLICY__OUTCOME__##name
#define BIT(outcome) (1u << (unsigned)(outcome))
#define DAY_MS ((int64_t)24 * 3600 * 1000)
#define BACKOFF_MS 1000
#define BACKOFF_MAX_MS (5 * 60 * 1000)
#define REPLACE_AFTER_MS (10 * 60 * 1000)

/* ---- what a specification says ---- */

int64_t duration_ms(const Mesos__V1__DurationInfo *duration, int64_t otherwise)
{
    if (!duration)
        return otherwise;
    return duration->nanoseconds / 1000000 + (duration->nanoseconds % 1000000 > 0);
}

struct policy *policy_read(const Zmesos__V1__TaskSpec *spec)
{
    const Zmesos__V1__RetryPolicy *retry = spec->retry;
    if (!retry && !spec->launch_timeout)
        return NULL;
    struct policy *policy = alloc_zeroed(1, sizeof *policy);
    policy->launch_timeout_ms = duration_ms(spec->launch_timeout, -1);
    policy->max_attempts = 1;
    if (!retry)
        return policy;
    policy->max_attempts = retry->max_attempts;
    for (size_t i = 0; i < retry->n_on; i++)
        policy->on |= BIT(retry->on[i]);
    if (retry->n_on == 0)
        policy->on = BIT(OUTCOME(FAILED)) | BIT(OUTCOME(LAUNCH_TIMEOUT)) | BIT(OUTCOME(GONE));
    policy->elsewhere = retry->elsewhere;
    policy->backoff_ms = duration_ms(retry->backoff, BACKOFF_MS);
    policy->backoff_max_ms = duration_ms(retry->backoff_max, BACKOFF_MAX_MS);
    policy->replace_after_ms = duration_ms(retry->replace_after, REPLACE_AFTER_MS);
    return policy;
}

static int check_duration(const Mesos__V1__DurationInfo *duration, int64_t days, const char *path,
        const char *field, struct error *err)
{
    if (!duration || (duration->nanoseconds >= 0 && duration->nanoseconds <= days * DAY_MS * 1000000))
        return 0;
    char where[96];
    snprintf(where, sizeof where, "%s.%s", path, field);
    return error_set_field(
            err, ERR_INVALID, where, "it is from 0 to %lld day%s", (long long)days, days == 1 ? "" : "s");
}

int policy_check(const Zmesos__V1__TaskSpec *spec, const char *path, struct error *err)
{
    const Zmesos__V1__RetryPolicy *retry = spec->retry;
    char where[96];
    int rc = check_duration(spec->launch_timeout, 30, path, "launch_timeout", err);
    if (rc || !retry)
        return rc;
    if (retry->max_attempts < 1 || retry->max_attempts > CORE_RETRIES_MAX) {
        snprintf(where, sizeof where, "%s.retry.max_attempts", path);
        return error_set_field(err, ERR_INVALID, where, "a task has from 1 to %d attempts", CORE_RETRIES_MAX);
    }
    for (size_t i = 0; i < retry->n_on; i++) {
        if (*enum_name(&zmesos__v1__retry_policy__outcome__descriptor, (int)retry->on[i]))
            continue;
        snprintf(where, sizeof where, "%s.retry.on[%zu]", path, i);
        return error_set_field(err, ERR_INVALID, where, "outcome %d is not known", (int)retry->on[i]);
    }
    rc = check_duration(retry->backoff, 1, path, "retry.backoff", err);
    rc = rc ? rc : check_duration(retry->backoff_max, 1, path, "retry.backoff_max", err);
    return rc ? rc : check_duration(retry->replace_after, 30, path, "retry.replace_after", err);
}

int64_t launch_timeout_ms(const struct core *core, const struct task *task)
{
    return task->policy && task->policy->launch_timeout_ms >= 0 ? task->policy->launch_timeout_ms
                                                                : core->config.launch_timeout_ms;
}

/* ---- what follows ---- */

uint32_t attempts_never_ran(const struct task *task)
{
    uint32_t count = 0;
    while (count < task->attempt_count &&
            task->attempts[task->attempt_count - 1 - count].flags & ATTEMPT_NEVER_RAN)
        count++;
    return count;
}

static uint32_t attempts_that_count(const struct task *task)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < task->attempt_count; i++)
        count += !(task->attempts[i].flags & ATTEMPT_NEVER_RAN);
    return count;
}

/* A task that was told to be LOST is over for those who waited for it: it may return, and is not launched
 * anew. */
static bool allowed(const struct task *task, Zmesos__V1__RetryPolicy__Outcome outcome)
{
    return task->policy && !task->kill_requested && !state_is_over(task->state) &&
           task->policy->on & BIT(outcome) && attempts_that_count(task) < task->policy->max_attempts &&
           task->attempt_count < CORE_ATTEMPTS_MAX;
}

static int64_t backoff_ms(const struct task *task)
{
    int64_t backoff = task->policy->backoff_ms, most = task->policy->backoff_max_ms;
    for (uint32_t i = attempts_that_count(task); i > 1 && backoff < most; i--)
        backoff *= 2;
    return backoff < most ? backoff : most;
}

/* The task waits again, and says which attempt ended how. */
static void again(
        struct core *core, struct task *task, const char *ended, const char *message, const char *reason)
{
    int64_t backoff = backoff_ms(task);
    const char *words = arena_format(&core->out->arena, "attempt %u %s%s%s; again after %lld.%03lld s",
            task->attempt_count, ended, message && *message ? ": " : "", message ? message : "",
            (long long)(backoff / 1000), (long long)(backoff % 1000));
    task_requeue(core, task, backoff, words, reason);
}

bool retry_replaces(const struct task *task, task_state state)
{
    return (state == STATE(LOST) && allowed(task, OUTCOME(LOST))) ||
           (state == STATE(UNREACHABLE) && allowed(task, OUTCOME(UNREACHABLE))) ||
           (state == STATE(UNKNOWN) && allowed(task, OUTCOME(UNKNOWN)));
}

bool retry_after_end(
        struct core *core, struct task *task, task_state ended, const char *message, const char *reason)
{
    bool timed_out = task_current(task)->flags & ATTEMPT_TIMED_OUT;
    bool drained = !timed_out && ended != STATE(FINISHED) && task_current(task)->flags & ATTEMPT_DRAINED;
    Zmesos__V1__RetryPolicy__Outcome outcome;
    switch (ended) {
    case STATE(FINISHED):
        outcome = OUTCOME(FINISHED);
        break;
    case STATE(FAILED):
        outcome = timed_out                                                   ? OUTCOME(LAUNCH_TIMEOUT)
                  : strcmp(reason, "REASON_MAX_COMPLETION_TIME_REACHED") == 0 ? OUTCOME(MAX_COMPLETION_TIME)
                                                                              : OUTCOME(FAILED);
        break;
    case STATE(KILLED):
        outcome = timed_out ? OUTCOME(LAUNCH_TIMEOUT) : OUTCOME(KILLED);
        break;
    case STATE(GONE):
        outcome = timed_out ? OUTCOME(LAUNCH_TIMEOUT) : OUTCOME(GONE);
        break;
    default: /* ERROR: it would be refused again. LOST: see retry_replaces() */
        return false;
    }
    if (drained)
        outcome = allowed(task, OUTCOME(DRAINED)) ? OUTCOME(DRAINED) : OUTCOME(KILLED);
    if (!allowed(task, outcome))
        return false;
    const char *name = outcome == OUTCOME(LAUNCH_TIMEOUT) ? "did not start in time"
                       : drained                          ? "was killed for maintenance"
                                 : enum_name(&zmesos__v1__task_state__descriptor, (int)ended);
    again(core, task, name, message, reason);
    return true;
}

void retry_replace(struct core *core, struct task *task)
{
    struct attempt *attempt = task_current(task);
    if (attempt->call != 0) { /* its ACCEPT is not answered yet; soon it is */
        task_timer_set(task, &core->timers, core->now.mono_ms + 1000);
        return;
    }
    const char *name = enum_name(&zmesos__v1__task_state__descriptor, (int)attempt->state);
    struct attempt_row row = attempt_row_of(task, attempt);
    row.flags |= ATTEMPT_REPLACED;
    attempt_write(core, &row);
    again(core, task, arena_format(&core->out->arena, "%s for too long and given up", name), "", "");
    stray_kill(core, task_mesos_id(&core->out->arena, task, task->attempt_count));
}

void retry_launch_timeout(struct core *core, struct task *task)
{
    struct attempt_row row = attempt_row_of(task, task_current(task));
    row.flags |= ATTEMPT_TIMED_OUT;
    row.message = arena_format(&core->out->arena, "not running %lld s after its launch: killed",
            (long long)(launch_timeout_ms(core, task) / 1000));
    row.reason = "";
    attempt_write(core, &row);
    task->kill_backoff_ms = core->config.kill_min_ms;
    kill_send(core, task);
}
