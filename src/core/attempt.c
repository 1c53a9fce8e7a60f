/* Attempts of tasks: found by Mesos id, applied as rows, and what hangs on the current one: its agent, the
 * values that are UNIQUE there, its part in the shares. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/decimal.h"

char *task_mesos_id(struct arena *arena, const struct task *task, uint32_t attempt)
{
    const char *given = attempt <= task->attempt_count ? task->attempts[attempt - 1].mesos_id : NULL;
    return given ? arena_string(arena, given)
                 : arena_format(arena, "%s.%lld.%u", task->id, (long long)task->key, attempt);
}

struct attempt *task_current(const struct task *task)
{
    return task->attempt_count ? &task->attempts[task->attempt_count - 1] : NULL;
}

bool attempt_may_live(const struct attempt *attempt)
{
    return state_may_live(attempt->state) && !(attempt->flags & ATTEMPT_REMOVED);
}

bool mesos_id_split(const char *mesos_id, struct slice *id, int64_t *key, uint32_t *number, bool *restored)
{
    const char *last = strrchr(mesos_id, '.');
    const char *middle = last ? memrchr(mesos_id, '.', (size_t)(last - mesos_id)) : NULL;
    char digits[24];
    if (!middle || last - middle - 1 >= (ptrdiff_t)sizeof digits)
        return false;
    snprintf(digits, sizeof digits, "%.*s", (int)(last - middle - 1), middle + 1);
    char count[24];
    size_t length = (size_t)(strchrnul(last + 1, '-') - (last + 1));
    *restored = last[1 + length] != '\0';
    if (length >= sizeof count || (*restored && last[2 + length] != 'r'))
        return false;
    snprintf(count, sizeof count, "%.*s", (int)length, last + 1);
    int64_t wide;
    if (integer_parse(digits, 1, INT64_MAX, key) || integer_parse(count, 1, UINT32_MAX, &wide))
        return false;
    *id = slice_of(mesos_id, (size_t)(middle - mesos_id));
    *number = (uint32_t)wide;
    return true;
}

static struct attempt *attempt_named(const struct task *task, const char *mesos_id)
{
    for (uint32_t i = 0; i < task->attempt_count; i++) {
        if (task->attempts[i].mesos_id && strcmp(task->attempts[i].mesos_id, mesos_id) == 0)
            return &task->attempts[i];
    }
    return NULL;
}

struct task *task_of_mesos_id(const struct core *core, const char *mesos_id, struct attempt **attempt)
{
    struct task *task = map_get_string(&core->named, mesos_id);
    if (task) {
        *attempt = attempt_named(task, mesos_id);
        return task;
    }
    struct slice id;
    int64_t key;
    uint32_t number;
    bool restored;
    if (!mesos_id_split(mesos_id, &id, &key, &number, &restored) || restored)
        return NULL;
    task = task_by_key(core, key);
    if (!task || number > task->attempt_count || task->attempts[number - 1].mesos_id ||
            !slice_equal(slice_of_string(task->id), id))
        return NULL;
    *attempt = &task->attempts[number - 1];
    return task;
}

struct agent *agent_get(struct core *core, const char *id)
{
    struct agent *agent = map_get_string(&core->agents, id);
    if (!agent) {
        agent = alloc_zeroed(1, sizeof *agent);
        agent->id = alloc_string(id);
        agent->asked_ms = INT64_MIN;
        list_init(&agent->tasks);
        list_init(&agent->strays);
        map_put(&core->agents, slice_of_string(agent->id), agent);
        core->agents_with_site += map_get_string(&core->sites, id) != NULL;
    }
    return agent;
}

void agent_release(struct core *core, struct agent *agent)
{
    if (agent->tasks.count > 0 || agent->strays.count > 0)
        return;
    map_remove(&core->agents, slice_of_string(agent->id));
    core->agents_with_site -= map_get_string(&core->sites, agent->id) != NULL;
    free(agent->id);
    free(agent);
}

/* While the current attempt may be alive and was not given up, the task is in its agent's list and holds its
 * UNIQUE values. */
static void join_agent(struct core *core, struct task *task)
{
    const struct attempt *attempt = task_current(task);
    task->agent = agent_get(core, row_text(attempt->agent_id));
    list_append(&task->agent->tasks, &task->agent_link);
    groups_add(core, task, attempt->unique);
    shares_count(core, task, true);
}

static void leave_agent(struct core *core, struct task *task)
{
    struct agent *agent = task->agent;
    if (!agent)
        return;
    shares_count(core, task, false);
    task->agent = NULL;
    groups_remove(core, task, task_current(task)->unique);
    list_remove(&agent->tasks, &task->agent_link);
    agent_release(core, agent);
}

static void set_mesos_id(struct core *core, struct task *task, struct attempt *attempt, const char *mesos_id)
{
    if (attempt->mesos_id || !mesos_id || !*mesos_id)
        return; /* it never changes */
    attempt->mesos_id = alloc_string(mesos_id);
    map_put(&core->named, slice_of_string(attempt->mesos_id), task);
}

/* What follows from an attempt's end or from having been given up: the agent is avoided, where the task wants
 * that; a replaced one is a stray for as long as it may live. */
static void settle_attempt(struct core *core, struct task *task, const struct attempt *attempt)
{
    bool replaced = attempt->flags & ATTEMPT_REPLACED;
    bool ended = replaced || (state_is_over(attempt->state) && !(attempt->flags & ATTEMPT_NEVER_RAN));
    if (ended && task->policy && task->policy->elsewhere)
        shape_avoid(core, task, row_text(attempt->agent_id));
    if (!replaced)
        return;
    struct arena arena;
    arena_init(&arena);
    const char *mesos_id = task_mesos_id(&arena, task, attempt->number);
    if (attempt_may_live(attempt))
        stray_add(core, mesos_id, row_text(attempt->agent_id));
    else
        stray_remove(core, mesos_id);
    arena_clear(&arena);
}

int attempt_apply(struct core *core, const struct attempt_row *row, struct error *err)
{
    struct task *task = task_by_key(core, row->task_key);
    if (!task || row->number == 0 || row->number > task->attempt_count + 1)
        return error_set(err, ERR_MALFORMED, "attempt %u of task key %lld fits nothing", row->number,
                (long long)row->task_key);
    if (!row_state_is_known(row->state) || row->state == STATE(QUEUED))
        return error_set(err, ERR_MALFORMED, "attempt %u of task %s is in state %d, which is none",
                row->number, task->id, (int)row->state);
    bool current = row->number >= task->attempt_count;
    if (row->number > task->attempt_count) {
        leave_agent(core, task); /* the attempt before may still be thought alive */
        task->attempts = alloc_resize(task->attempts, task->attempt_count + 1, sizeof *task->attempts);
        task->attempts[task->attempt_count++] = (struct attempt){.number = row->number};
    }
    struct attempt *attempt = &task->attempts[row->number - 1];
    shared_set(core, &attempt->agent_id, row->agent_id);
    shared_set(core, &attempt->hostname, row->hostname);
    row_text_set(&attempt->ports, row->ports);
    row_text_set(&attempt->unique, row->unique);
    row_text_set(&attempt->message, row->message);
    shared_set(core, &attempt->reason, row->reason);
    set_mesos_id(core, task, attempt, row->mesos_id);
    shared_set(core, &attempt->agent_url, row->agent_url);
    attempt->healthy = row->healthy;
    attempt->check_status = row->check_status;
    attempt->state = (task_state)row->state;
    attempt->flags = row->flags;
    attempt->launched_ns = row->launched_ns;
    attempt->changed_ns = row->changed_ns;
    bool lives = current && attempt_may_live(attempt) && !(attempt->flags & ATTEMPT_REPLACED);
    if (lives && !task->agent)
        join_agent(core, task);
    else if (current && !lives)
        leave_agent(core, task);
    settle_attempt(core, task, attempt);
    return pending_apply(core, task, attempt, row, err);
}

void attempts_free(struct core *core, struct task *task)
{
    leave_agent(core, task);
    for (uint32_t i = 0; i < task->attempt_count; i++) {
        struct attempt *attempt = &task->attempts[i];
        pending_free(core, attempt);
        shared_drop(core, attempt->agent_id);
        shared_drop(core, attempt->hostname);
        shared_drop(core, attempt->agent_url);
        shared_drop(core, attempt->reason);
        free(attempt->ports);
        free(attempt->unique);
        free(attempt->message);
        if (attempt->mesos_id)
            map_remove(&core->named, slice_of_string(attempt->mesos_id));
        free(attempt->mesos_id);
    }
    free(task->attempts);
}
