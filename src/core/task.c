/* Tasks: rows in memory, found by id and key. A row changes only by being applied, here and in recovery
 * alike; task_write.c applies it and hands it out. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

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

int task_apply(
        struct core *core, const struct task_row *row, const Zmesos__V1__TaskSpec *spec, struct error *err)
{
    struct task *task = task_by_key(core, row->key);
    if (!row_state_is_known(row->state))
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

void task_free(struct core *core, struct task *task)
{
    attempts_free(core, task);
    queue_remove(task);
    task_group_leave(core, task);
    task_timer_clear(task);
    shape_release(core, task->shape);
    blob_unref(task->spec);
    blob_unref(task->kill_policy);
    free(task->policy);
    consumer_free(core, task->consumer);
    free(task->id);
    free(task->name);
    free(task->message);
    free(task->reason);
    free(task->labels);
    free(task);
}
