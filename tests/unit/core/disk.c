/* What a store keeps: the last row of each task, attempt and event class; and a core made from it, in the
 * order in which the real store loads. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#include "base/alloc.h"

struct disk_task *disk_task(const struct disk *disk, int64_t key)
{
    size_t low = 0, high = disk->task_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (disk->tasks[middle].row.key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low < disk->task_count && disk->tasks[low].row.key == key ? &disk->tasks[low] : NULL;
}

static void write_task(struct disk *disk, const struct task_row *row)
{
    struct disk_task *task = disk_task(disk, row->key);
    if (!task) {
        assert_non_null(row->spec);
        assert_true(row->key > disk->last_key); /* keys come in order, none ever again */
        disk->last_key = row->key;
        if ((disk->task_count & (disk->task_count - 1)) == 0) /* twice as many, each time */
            disk->tasks = alloc_resize(
                    disk->tasks, disk->task_count ? 2 * disk->task_count : 1, sizeof *disk->tasks);
        task = &disk->tasks[disk->task_count++];
        *task = (struct disk_task){0};
    }
    struct task_row *kept = &task->row;
    struct blob *spec = kept->spec, *policy = kept->kill_policy;
    assert_true(row->revision > kept->revision);
    *kept = *row;
    kept->spec = row->spec ? blob_ref(row->spec) : blob_ref(spec);
    kept->kill_policy = blob_ref(row->kill_policy);
    kept->id = arena_string(&disk->arena, row->id);
    kept->message = arena_string(&disk->arena, row->message);
    kept->reason = arena_string(&disk->arena, row->reason);
    blob_unref(spec);
    blob_unref(policy);
}

static void write_attempt(struct disk *disk, const struct attempt_row *row)
{
    struct disk_task *task = disk_task(disk, row->task_key);
    assert_non_null(task);
    assert_in_range(row->number, 1, task->attempt_count + 1);
    if (row->number > task->attempt_count) {
        task->attempts = alloc_resize(task->attempts, ++task->attempt_count, sizeof *task->attempts);
    } else {
        blob_unref(task->attempts[row->number - 1].pending_event);
        assert_string_equal(row->mesos_id, task->attempts[row->number - 1].mesos_id);
    }
    struct attempt_row *kept = &task->attempts[row->number - 1];
    *kept = *row;
    kept->agent_id = arena_string(&disk->arena, row->agent_id);
    kept->hostname = arena_string(&disk->arena, row->hostname);
    kept->ports = arena_string(&disk->arena, row->ports);
    kept->unique = arena_string(&disk->arena, row->unique);
    kept->message = arena_string(&disk->arena, row->message);
    kept->reason = arena_string(&disk->arena, row->reason);
    kept->mesos_id = arena_string(&disk->arena, row->mesos_id);
    kept->agent_url = arena_string(&disk->arena, row->agent_url);
    kept->pending_uuid = arena_string(&disk->arena, row->pending_uuid);
    kept->pending_before = arena_string(&disk->arena, row->pending_before);
    kept->pending_event = blob_ref(row->pending_event);
}

static void write_meta(struct disk *disk, const struct meta_row *row)
{
    size_t at = 0;
    while (at < disk->meta_count && strcmp(disk->metas[at].name, row->name) != 0)
        at++;
    assert_in_range(at, 0, sizeof disk->metas / sizeof *disk->metas - 1);
    disk->meta_count += at == disk->meta_count;
    disk->metas[at] =
            (struct disk_meta){arena_string(&disk->arena, row->name), arena_string(&disk->arena, row->value)};
}

const char *disk_meta(const struct disk *disk, const char *name)
{
    for (size_t i = 0; i < disk->meta_count; i++) {
        if (strcmp(disk->metas[i].name, name) == 0)
            return disk->metas[i].value;
    }
    return "";
}

static void drop_task(struct disk_task *task)
{
    blob_unref(task->row.spec);
    blob_unref(task->row.kill_policy);
    for (size_t i = 0; i < task->attempt_count; i++)
        blob_unref(task->attempts[i].pending_event);
    free(task->attempts);
}

static void forget_task(struct disk *disk, int64_t key)
{
    struct disk_task *task = disk_task(disk, key);
    assert_non_null(task);
    drop_task(task);
    size_t after = disk->task_count - (size_t)(task - disk->tasks) - 1;
    memmove(task, task + 1, after * sizeof *task);
    disk->task_count--;
}

struct operation_row *disk_operation(const struct disk *disk, int64_t key)
{
    for (size_t i = 0; i < disk->operation_count; i++) {
        if (disk->operations[i].key == key)
            return &disk->operations[i];
    }
    return NULL;
}

static void write_operation(struct disk *disk, const struct operation_row *row)
{
    struct operation_row *kept = disk_operation(disk, row->key);
    if (!kept) {
        assert_non_null(row->spec);
        assert_true(row->key > disk->last_key); /* of the same sequence as tasks */
        disk->last_key = row->key;
        disk->operations =
                alloc_resize(disk->operations, disk->operation_count + 1, sizeof *disk->operations);
        kept = &disk->operations[disk->operation_count++];
        *kept = (struct operation_row){0};
    }
    struct blob *spec = kept->spec, *status = kept->status;
    assert_true(row->revision > kept->revision);
    *kept = *row;
    kept->spec = blob_ref(row->spec ? row->spec : spec);
    kept->status = blob_ref(row->status);
    kept->id = arena_string(&disk->arena, row->id);
    kept->mesos_id = arena_string(&disk->arena, row->mesos_id);
    kept->agent_id = arena_string(&disk->arena, row->agent_id);
    kept->hostname = arena_string(&disk->arena, row->hostname);
    kept->provider_id = arena_string(&disk->arena, row->provider_id);
    kept->message = arena_string(&disk->arena, row->message);
    blob_unref(spec);
    blob_unref(status);
}

static void forget_operation(struct disk *disk, int64_t key)
{
    struct operation_row *row = disk_operation(disk, key);
    assert_non_null(row);
    blob_unref(row->spec);
    blob_unref(row->status);
    size_t after = disk->operation_count - (size_t)(row - disk->operations) - 1;
    memmove(row, row + 1, after * sizeof *row);
    disk->operation_count--;
}

void disk_write(struct disk *disk, const struct record *record)
{
    switch (record->kind) {
    case RECORD_META:
        write_meta(disk, &record->meta);
        break;
    case RECORD_TASK:
        write_task(disk, &record->task);
        break;
    case RECORD_ATTEMPT:
        write_attempt(disk, &record->attempt);
        break;
    case RECORD_EVENT:
        fail_msg("the core writes no journal rows itself");
        break;
    case RECORD_FORGET:
        forget_task(disk, record->forget.task_key);
        break;
    case RECORD_OPERATION:
        write_operation(disk, &record->operation);
        break;
    case RECORD_FORGET_OPERATION:
        forget_operation(disk, record->forget_operation.key);
        break;
    }
}

void disk_event(struct disk *disk, const struct core_event *event)
{
    if (event->journaled)
        disk->numbers[event->class] = event->number;
}

static void recover(struct core *core, const struct record *record, struct now now)
{
    ProtobufCMessage *spec = NULL;
    struct error err;
    if (record->kind == RECORD_TASK || record->kind == RECORD_OPERATION) {
        bool task = record->kind == RECORD_TASK;
        struct slice bytes = blob_slice(task ? record->task.spec : record->operation.spec);
        spec = protobuf_c_message_unpack(
                task ? &zmesos__v1__task_spec__descriptor : &zmesos__v1__operation_spec__descriptor, NULL,
                bytes.length, bytes.data);
        assert_non_null(spec);
    }
    if (core_recover(core, record, spec, now, &err))
        fail_msg("recovery: %s", err.text);
    if (spec)
        protobuf_c_message_free_unpacked(spec, NULL);
}

struct core *disk_recover(const struct disk *disk, const struct core_config *config, struct now now)
{
    struct core *core = core_create(config);
    struct record record;
    for (size_t i = 0; i < disk->meta_count; i++) {
        record = (struct record){
                .kind = RECORD_META, .meta = {.name = disk->metas[i].name, .value = disk->metas[i].value}};
        recover(core, &record, now);
    }
    for (size_t i = 0; i < disk->task_count; i++) {
        record = (struct record){.kind = RECORD_TASK, .task = disk->tasks[i].row};
        recover(core, &record, now);
    }
    for (size_t i = 0; i < disk->task_count; i++) {
        for (size_t j = 0; j < disk->tasks[i].attempt_count; j++) {
            record = (struct record){.kind = RECORD_ATTEMPT, .attempt = disk->tasks[i].attempts[j]};
            recover(core, &record, now);
        }
    }
    for (size_t i = 0; i < disk->operation_count; i++) {
        record = (struct record){.kind = RECORD_OPERATION, .operation = disk->operations[i]};
        recover(core, &record, now);
    }
    for (int32_t class = 0; class < RIG_CLASSES; class ++) {
        record = (struct record){
                .kind = RECORD_EVENT, .event = {.class = class, .number = disk->numbers[class], .topic = ""}};
        if (disk->numbers[class])
            recover(core, &record, now);
    }
    return core;
}

static void drop_tasks(struct disk *disk)
{
    for (size_t i = 0; i < disk->task_count; i++)
        drop_task(&disk->tasks[i]);
    free(disk->tasks);
    disk->tasks = NULL;
    disk->task_count = 0;
    while (disk->operation_count > 0)
        forget_operation(disk, disk->operations[disk->operation_count - 1].key);
    free(disk->operations);
    disk->operations = NULL;
}

void disk_copy(struct disk *to, const struct disk *from)
{
    drop_tasks(to);
    struct arena arena = to->arena;
    *to = *from;
    to->arena = arena;
    size_t room = 1; /* as write_task() makes it */
    while (room < from->task_count)
        room *= 2;
    to->tasks = alloc_zeroed(room, sizeof *to->tasks);
    for (size_t i = 0; i < from->task_count; i++) {
        struct disk_task *copy = &to->tasks[i];
        *copy = from->tasks[i];
        blob_ref(copy->row.spec);
        blob_ref(copy->row.kill_policy);
        copy->attempts = alloc_zeroed(copy->attempt_count, sizeof *copy->attempts);
        for (size_t j = 0; j < copy->attempt_count; j++) {
            copy->attempts[j] = from->tasks[i].attempts[j];
            blob_ref(copy->attempts[j].pending_event);
        }
    }
    to->operations = alloc_zeroed(from->operation_count, sizeof *to->operations);
    for (size_t i = 0; i < from->operation_count; i++) {
        to->operations[i] = from->operations[i];
        blob_ref(to->operations[i].spec);
        blob_ref(to->operations[i].status);
    }
}

void disk_clear(struct disk *disk)
{
    drop_tasks(disk);
    arena_clear(&disk->arena);
}
