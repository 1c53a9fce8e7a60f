/* Tasks and attempts: rows in memory, found by id, key and Mesos id. A row changes only by being applied,
 * here and in recovery alike; writing is applying and an output. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/decimal.h"

struct task *task_find(const struct core *core, const char *id)
{
    return map_get_string(&core->by_id, id);
}

struct task *task_by_key(const struct core *core, int64_t key)
{
    size_t low = 0, high = core->task_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (core->tasks[middle]->key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low < core->task_count && core->tasks[low]->key == key ? core->tasks[low] : NULL;
}

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

char *labels_pack(const Mesos__V1__Labels *labels)
{
    size_t size = 1;
    for (size_t i = 0; labels && i < labels->n_labels; i++)
        size += strlen(labels->labels[i]->key) +
                (labels->labels[i]->value ? strlen(labels->labels[i]->value) : 0) + 2;
    char *packed = size > 1 ? alloc_bytes(size) : NULL, *at = packed;
    for (size_t i = 0; packed && i < labels->n_labels; i++) {
        at = stpcpy(at, labels->labels[i]->key) + 1;
        at = stpcpy(at, labels->labels[i]->value ? labels->labels[i]->value : "") + 1;
    }
    if (packed)
        *at = '\0';
    return packed;
}

bool labels_have(const char *packed, const Mesos__V1__Label *label)
{
    for (const char *key = packed; key && *key;) {
        const char *value = key + strlen(key) + 1;
        if (strcmp(key, label->key) == 0 && (!label->value || strcmp(value, label->value) == 0))
            return true;
        key = value + strlen(value) + 1;
    }
    return false;
}

static struct task *task_new(struct core *core, const struct task_row *row, const Zmesos__V1__TaskSpec *spec)
{
    struct task *task = alloc_zeroed(1, sizeof *task);
    task->key = row->key;
    task->id = alloc_string(row->id);
    task->name = spec->name && strcmp(spec->name, row->id) != 0 ? alloc_string(spec->name) : NULL;
    task->spec = blob_ref(row->spec);
    task->labels = labels_pack(spec->labels);
    task->shape = shape_get(core, spec);
    task_group_join(core, task, spec);
    task->policy = policy_read(spec);
    task->consumer = consumer_read(core, spec);
    map_put(&core->by_id, slice_of_string(task->id), task);
    if (core->task_count == core->task_capacity) {
        core->task_capacity = core->task_capacity ? core->task_capacity * 2 : 1024;
        core->tasks = alloc_resize(core->tasks, core->task_capacity, sizeof *core->tasks);
    }
    core->tasks[core->task_count++] = task;
    if (core->next_key <= row->key)
        core->next_key = row->key + 1;
    return task;
}

bool task_is_final(const struct task *task)
{
    return state_is_over(task->state) && task->state != STATE(LOST);
}

bool task_is_held(const struct task *task)
{
    return task->flags & TASK_HELD && !task_is_final(task);
}

int64_t task_over_since_ns(const struct task *task)
{
    int64_t since_ns = task->changed_ns;
    for (uint32_t i = 0; task->consumer && i < task->attempt_count; i++) {
        const struct pending *pending = task->attempts[i].pending;
        if (pending && pending->since_ns > since_ns)
            since_ns = pending->since_ns;
    }
    return since_ns;
}

void task_shelve(struct core *core, struct task *task)
{
    if (!state_is_over(task->state))
        return;
    if (task->pendings > 0 || task->task_group) {
        task_timer_clear(task);
        task_group_touch(core, task); /* it grows old with its group */
        return;
    }
    task_timer_set(task, task_is_final(task) ? &core->over : &core->lost, task_over_since_ns(task));
}

/* Keeps the queue, the counts and the role's count of waiting tasks true to the state. */
static void set_state(struct core *core, struct task *task, task_state to, uint32_t flags)
{
    task_state from = task->state;
    core->held -= from && task_is_held(task);
    task->state = to;
    task->flags = flags;
    core->held += task_is_held(task);
    if (from != to) {
        if (from)
            core->counts[from]--;
        core->counts[to]++;
    }
    bool queued = to == STATE(QUEUED) && !(flags & TASK_HELD), waits = queued && !task->shape->placer;
    if (!queued)
        queue_remove(task);
    if (waits != task->counted_waiting) {
        task->shape->role->waiting += waits ? 1 : (uint64_t)-1;
        task->counted_waiting = waits;
        limits_count(core, task->shape, waits);
    }
    task_group_touch(core, task);
    if (state_is_over(to))
        task_shelve(core, task);
    else if (task->timer_heap != &core->timers)
        task_timer_clear(task);
}

static bool is_state(int32_t state)
{
    return *enum_name(&zmesos__v1__task_state__descriptor, state) != '\0';
}

int task_apply(
        struct core *core, const struct task_row *row, const Zmesos__V1__TaskSpec *spec, struct error *err)
{
    struct task *task = task_by_key(core, row->key);
    if (!is_state(row->state))
        return error_set(
                err, ERR_MALFORMED, "task %s is in state %d, which is none", row->id, (int)row->state);
    if (!task) {
        if (!row->spec || !spec)
            return error_set(err, ERR_MALFORMED, "task %s has no specification", row->id);
        if (core->task_count && core->tasks[core->task_count - 1]->key >= row->key)
            return error_set(err, ERR_MALFORMED, "task %s comes out of order", row->id);
        if (task_find(core, row->id))
            return error_set(err, ERR_MALFORMED, "task %s is there twice", row->id);
        task = task_new(core, row, spec);
    }
    task->revision = row->revision;
    task->kill_requested = row->kill_requested;
    if (task->kill_policy != row->kill_policy) {
        retire_blob(core, task->kill_policy);
        task->kill_policy = blob_ref(row->kill_policy);
    }
    task->created_ns = row->created_ns;
    task->changed_ns = row->changed_ns;
    task->not_before_ns = row->not_before_ns;
    row_text_set(&task->message, row->message);
    row_text_set(&task->reason, row->reason);
    set_state(core, task, (task_state)row->state, row->flags);
    return 0;
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
    if (!is_state(row->state) || row->state == STATE(QUEUED))
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

struct task_row task_row_of(const struct task *task)
{
    return (struct task_row){
            .key = task->key,
            .id = task->id,
            .state = (int32_t)task->state,
            .revision = task->revision,
            .attempts = task->attempt_count,
            .kill_requested = task->kill_requested,
            .kill_policy = task->kill_policy,
            .created_ns = task->created_ns,
            .changed_ns = task->changed_ns,
            .not_before_ns = task->not_before_ns,
            .flags = task->flags,
            .message = row_text(task->message),
            .reason = row_text(task->reason),
    };
}

struct attempt_row attempt_row_of(const struct task *task, const struct attempt *attempt)
{
    struct attempt_row row = {
            .task_key = task->key,
            .number = attempt->number,
            .state = (int32_t)attempt->state,
            .flags = attempt->flags,
            .agent_id = row_text(attempt->agent_id),
            .hostname = row_text(attempt->hostname),
            .ports = row_text(attempt->ports),
            .unique = row_text(attempt->unique),
            .launched_ns = attempt->launched_ns,
            .changed_ns = attempt->changed_ns,
            .message = row_text(attempt->message),
            .reason = row_text(attempt->reason),
            .mesos_id = row_text(attempt->mesos_id),
            .agent_url = row_text(attempt->agent_url),
            .healthy = attempt->healthy,
            .check_status = attempt->check_status,
    };
    pending_row_of(attempt, &row);
    return row;
}

/* A row of ours always fits: one that does not is a fault in the core, and going on would write nonsense. */
static void must_apply(int rc)
{
    if (rc)
        abort();
}

struct task *task_write_quietly(
        struct core *core, const struct task_row *row, const Zmesos__V1__TaskSpec *spec)
{
    struct arena *arena = &core->out->arena;
    struct core_output *item = output_add(core, CORE_OUT_RECORD);
    item->record.kind = RECORD_TASK;
    item->record.task = *row;
    struct task_row *copy = &item->record.task;
    copy->id = arena_string(arena, row->id);
    copy->message = arena_string(arena, row->message);
    copy->reason = arena_string(arena, row->reason);
    copy->changed_ns = core->now.wall_ns;
    copy->revision++;
    struct task_row applied = *copy;
    must_apply(task_apply(core, &applied, spec, NULL));
    return task_by_key(core, row->key);
}

void task_write(struct core *core, const struct task_row *row, const Zmesos__V1__TaskSpec *spec)
{
    const struct task *before = task_by_key(core, row->key);
    task_state from = before ? before->state : 0;
    const struct task *task = task_write_quietly(core, row, spec);
    if (task->state != from)
        output_task_event(core, task);
}

void attempt_write(struct core *core, const struct attempt_row *row)
{
    struct attempt_row changed = *row;
    changed.changed_ns = core->now.wall_ns;
    attempt_write_unchanged(core, &changed);
}

void attempt_write_unchanged(struct core *core, const struct attempt_row *row)
{
    struct arena *arena = &core->out->arena;
    struct core_output *item = output_add(core, CORE_OUT_RECORD);
    item->record.kind = RECORD_ATTEMPT;
    item->record.attempt = *row;
    struct attempt_row *copy = &item->record.attempt;
    copy->agent_id = arena_string(arena, row->agent_id);
    copy->hostname = arena_string(arena, row->hostname);
    copy->ports = arena_string(arena, row->ports);
    copy->unique = arena_string(arena, row->unique);
    copy->message = arena_string(arena, row->message);
    copy->reason = arena_string(arena, row->reason);
    copy->mesos_id = arena_string(arena, row_text(row->mesos_id));
    copy->agent_url = arena_string(arena, row_text(row->agent_url));
    copy->pending_uuid = arena_string(arena, row_text(row->pending_uuid));
    copy->pending_before = arena_string(arena, row_text(row->pending_before));
    struct attempt_row applied = *copy;
    must_apply(attempt_apply(core, &applied, NULL));
}

void task_free(struct core *core, struct task *task)
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
    queue_remove(task);
    task_group_leave(core, task);
    task_timer_clear(task);
    shape_release(core, task->shape);
    blob_unref(task->spec);
    blob_unref(task->kill_policy);
    free(task->policy);
    consumer_free(core, task->consumer);
    free(task->attempts);
    free(task->id);
    free(task->name);
    free(task->message);
    free(task->reason);
    free(task->labels);
    free(task);
}
