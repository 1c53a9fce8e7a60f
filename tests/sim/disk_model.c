/* What is on disk: rows, each written whole in place of the one before. A backup is a copy of them. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static struct kept_task *task_of_key(struct disk *disk, int64_t key)
{
    for (size_t i = 0; i < disk->task_count; i++) {
        if (disk->tasks[i].row.key == key)
            return &disk->tasks[i];
    }
    return NULL;
}

const struct kept_task *store_task(const struct sim *sim, const char *id)
{
    const struct disk *disk = &sim->store.disk;
    for (size_t i = 0; i < disk->task_count; i++) {
        if (strcmp(disk->tasks[i].row.id, id) == 0)
            return &disk->tasks[i];
    }
    return NULL;
}

static bool is_id(const struct kept_task *task, const struct attempt_row *attempt, const char *mesos_id)
{
    char made[300];
    if (*attempt->mesos_id)
        return strcmp(attempt->mesos_id, mesos_id) == 0;
    snprintf(made, sizeof made, "%s.%lld.%u", task->row.id, (long long)task->row.key, attempt->number);
    return strcmp(made, mesos_id) == 0;
}

static const struct attempt_row *find_attempt(
        const struct disk *disk, const char *mesos_id, const struct kept_task **task)
{
    for (size_t i = 0; i < disk->task_count; i++) {
        for (size_t j = 0; j < disk->tasks[i].attempt_count; j++) {
            if (!is_id(&disk->tasks[i], &disk->tasks[i].attempts[j], mesos_id))
                continue;
            *task = &disk->tasks[i];
            return &disk->tasks[i].attempts[j];
        }
    }
    return NULL;
}

const char *store_meta(const struct sim *sim, const char *name)
{
    const struct disk *disk = &sim->store.disk;
    for (size_t i = 0; i < disk->meta_count; i++) {
        if (strcmp(disk->metas[i].name, name) == 0)
            return disk->metas[i].value;
    }
    return NULL;
}

const struct attempt_row *store_attempt(
        const struct sim *sim, const char *mesos_id, const struct kept_task **task)
{
    return find_attempt(&sim->store.disk, mesos_id, task);
}

const struct attempt_row *decided_attempt(
        const struct sim *sim, const char *mesos_id, const struct kept_task **task)
{
    return find_attempt(&sim->store.ahead, mesos_id, task);
}

/* ---- writing ----------------------------------------------------------------------------------------------
 */

/* By name, as they are read. */
static void keep_meta(struct sim *sim, struct disk *disk, const struct meta_row *row)
{
    size_t at = 0;
    while (at < disk->meta_count && strcmp(disk->metas[at].name, row->name) < 0)
        at++;
    if (at == disk->meta_count || strcmp(disk->metas[at].name, row->name) != 0) {
        if (disk->meta_count == METAS_MAX) {
            violation(sim, "more than %d meta values", METAS_MAX);
            return;
        }
        memmove(disk->metas + at + 1, disk->metas + at, (disk->meta_count - at) * sizeof *disk->metas);
        disk->meta_count++;
    }
    disk->metas[at] = *row;
}

static struct kept_task *add_task(struct disk *disk)
{
    if (disk->task_count == disk->task_capacity) {
        disk->task_capacity = disk->task_capacity ? 2 * disk->task_capacity : 16;
        disk->tasks = alloc_resize(disk->tasks, disk->task_capacity, sizeof *disk->tasks);
    }
    struct kept_task *kept = &disk->tasks[disk->task_count++];
    *kept = (struct kept_task){0};
    return kept;
}

static void keep_task(struct disk *disk, const struct task_row *row)
{
    struct kept_task *kept = task_of_key(disk, row->key);
    if (!kept)
        kept = add_task(disk);
    struct blob *spec = kept->row.spec, *policy = kept->row.kill_policy;
    kept->row = *row;
    kept->row.spec = row->spec ? blob_ref(row->spec) : blob_ref(spec);
    kept->row.kill_policy = blob_ref(row->kill_policy);
    blob_unref(spec);
    blob_unref(policy);
}

static void keep_attempt(struct disk *disk, const struct attempt_row *row)
{
    struct kept_task *task = task_of_key(disk, row->task_key);
    if (!task || row->number == 0 || row->number > task->attempt_count + 1)
        return;
    if (row->number > task->attempt_count) {
        if (task->attempt_count == task->capacity) {
            task->capacity = task->capacity ? 2 * task->capacity : 4;
            task->attempts = alloc_resize(task->attempts, task->capacity, sizeof *task->attempts);
        }
        task->attempts[task->attempt_count++] = (struct attempt_row){0};
    }
    struct attempt_row *kept = &task->attempts[row->number - 1];
    blob_ref(row->pending_event);
    blob_unref(kept->pending_event);
    *kept = *row;
}

static void keep_event(struct sim *sim, const struct record *record)
{
    sim->store.disk.numbers[record->event.class] = record->event.number;
    const struct published *event = *(struct published *const *)blob_slice(record->event.body).data;
    if (event->word && event->word->update && !event->word->update->durable_us)
        event->word->update->durable_us = sim->now_us;
    if (event->word && event->word->operation && !event->word->operation->durable_us)
        event->word->operation->durable_us = sim->now_us;
}

static void clear_task(struct kept_task *task)
{
    blob_unref(task->row.spec);
    blob_unref(task->row.kill_policy);
    for (size_t i = 0; i < task->attempt_count; i++)
        blob_unref(task->attempts[i].pending_event);
    free(task->attempts);
}

static void forget_task(struct disk *disk, int64_t key)
{
    struct kept_task *task = task_of_key(disk, key);
    if (!task)
        return;
    clear_task(task);
    size_t after = (size_t)(disk->tasks + disk->task_count - (task + 1));
    memmove(task, task + 1, after * sizeof *task);
    disk->task_count--;
}

static void clear_operation(const struct operation_row *row)
{
    blob_unref(row->spec);
    blob_unref(row->status);
}

static struct operation_row *operation_of_key(struct disk *disk, int64_t key)
{
    for (size_t i = 0; i < disk->operation_count; i++) {
        if (disk->operations[i].key == key)
            return &disk->operations[i];
    }
    return NULL;
}

static void keep_operation(struct disk *disk, const struct operation_row *row)
{
    struct operation_row *kept = operation_of_key(disk, row->key), before = {0};
    if (!kept && disk->operation_count == disk->operation_capacity) {
        disk->operation_capacity = disk->operation_capacity ? 2 * disk->operation_capacity : 16;
        disk->operations = alloc_resize(disk->operations, disk->operation_capacity, sizeof *disk->operations);
    }
    if (kept)
        before = *kept;
    else
        kept = &disk->operations[disk->operation_count++];
    *kept = *row;
    kept->spec = row->spec ? blob_ref(row->spec) : blob_ref(before.spec);
    kept->status = blob_ref(row->status);
    clear_operation(&before);
}

static void forget_operation(struct disk *disk, int64_t key)
{
    struct operation_row *row = operation_of_key(disk, key);
    if (!row)
        return;
    clear_operation(row);
    size_t after = (size_t)(disk->operations + disk->operation_count - (row + 1));
    memmove(row, row + 1, after * sizeof *row);
    disk->operation_count--;
}

static void put(struct sim *sim, struct disk *disk, const struct record *record)
{
    switch (record->kind) {
    case RECORD_META:
        keep_meta(sim, disk, &record->meta);
        break;
    case RECORD_TASK:
        keep_task(disk, &record->task);
        break;
    case RECORD_ATTEMPT:
        keep_attempt(disk, &record->attempt);
        break;
    case RECORD_EVENT:
        if (disk == &sim->store.disk)
            keep_event(sim, record);
        break;
    case RECORD_OPERATION:
        keep_operation(disk, &record->operation);
        break;
    case RECORD_FORGET_OPERATION:
        forget_operation(disk, record->forget_operation.key);
        break;
    case RECORD_FORGET:
        forget_task(disk, record->forget.task_key);
        break;
    }
}

static int64_t key_of(const struct record *record)
{
    return record->kind == RECORD_TASK      ? record->task.key
           : record->kind == RECORD_ATTEMPT ? record->attempt.task_key
           : record->kind == RECORD_FORGET  ? record->forget.task_key
                                            : 0;
}

void disk_keep(struct sim *sim, const struct record *record)
{
    if (sim->violated)
        return;
    check_row_kept(sim, record, task_of_key(&sim->store.disk, key_of(record)));
    if (!sim->violated)
        put(sim, &sim->store.disk, record);
}

void disk_decide(struct sim *sim, const struct record *record)
{
    const struct kept_task *task = task_of_key(&sim->store.ahead, key_of(record));
    uint32_t number = record->kind == RECORD_ATTEMPT ? record->attempt.number : 0, flags = 0;
    if (task && number > 0 && number <= task->attempt_count)
        flags = task->attempts[number - 1].flags;
    if (number > 0)
        check_placed(sim, &record->attempt);
    put(sim, &sim->store.ahead, record);
    check_decided(sim, record, flags);
}

/* ---- copies -----------------------------------------------------------------------------------------------
 */

void disk_clear(struct disk *disk)
{
    for (size_t i = 0; i < disk->task_count; i++)
        clear_task(&disk->tasks[i]);
    free(disk->tasks);
    for (size_t i = 0; i < disk->operation_count; i++)
        clear_operation(&disk->operations[i]);
    free(disk->operations);
    *disk = (struct disk){0};
}

void disk_copy(struct disk *to, const struct disk *from)
{
    disk_clear(to);
    *to = *from;
    to->tasks = alloc_zeroed(from->task_count + 1, sizeof *to->tasks);
    to->task_capacity = from->task_count + 1;
    for (size_t i = 0; i < from->task_count; i++) {
        struct kept_task *task = &to->tasks[i];
        *task = from->tasks[i];
        blob_ref(task->row.spec);
        blob_ref(task->row.kill_policy);
        task->capacity = task->attempt_count + 1;
        task->attempts = alloc_zeroed(task->capacity, sizeof *task->attempts);
        if (task->attempt_count)
            memcpy(task->attempts, from->tasks[i].attempts, task->attempt_count * sizeof *task->attempts);
        for (size_t j = 0; j < task->attempt_count; j++)
            blob_ref(task->attempts[j].pending_event);
    }
    to->operations = alloc_zeroed(from->operation_count + 1, sizeof *to->operations);
    to->operation_capacity = from->operation_count + 1;
    for (size_t i = 0; i < from->operation_count; i++) {
        to->operations[i] = from->operations[i];
        blob_ref(to->operations[i].spec);
        blob_ref(to->operations[i].status);
    }
}

/* As store_backup() does: whole groups, marked. */
void store_take_backup(struct sim *sim)
{
    struct store *store = &sim->store;
    disk_copy(&store->backup, &store->disk);
    store->backup.taken_us = sim->now_us;
    trace(sim, "store", "backup: %zu tasks", store->backup.task_count);
    for (size_t i = 0; i < store->backup.task_count; i++) {
        const struct task_row *row = &store->backup.tasks[i].row;
        trace(sim, "store", "in it %s is %s, flags %u%s", row->id, view_name(row->state), row->flags,
                row->kill_requested ? ", to be killed" : "");
    }
}

bool store_restore(struct sim *sim)
{
    struct store *store = &sim->store;
    if (!store->backup.taken_us)
        return false;
    disk_copy(&store->disk, &store->backup);
    keep_meta(sim, &store->disk, &(struct meta_row){.name = META_BACKUP, .value = "1"});
    return true;
}
