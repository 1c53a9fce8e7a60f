/* What a store keeps: the last row of each task, attempt and event class; and a core made from it, in the
 * order in which the real store loads. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#include "base/alloc.h"

static void write_task(struct disk *disk, const struct task_row *row)
{
    size_t at = (size_t)row->key - 1;
    assert_true(at <= disk->task_count); /* keys come in order, without holes */
    if (at == disk->task_count) {
        assert_non_null(row->spec);
        disk->tasks = alloc_resize(disk->tasks, ++disk->task_count, sizeof *disk->tasks);
        disk->tasks[at] = (struct disk_task){0};
    }
    struct task_row *kept = &disk->tasks[at].row;
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
    assert_in_range(row->task_key, 1, disk->task_count);
    struct disk_task *task = &disk->tasks[row->task_key - 1];
    assert_in_range(row->number, 1, task->attempt_count + 1);
    if (row->number > task->attempt_count)
        task->attempts = alloc_resize(task->attempts, ++task->attempt_count, sizeof *task->attempts);
    struct attempt_row *kept = &task->attempts[row->number - 1];
    *kept = *row;
    kept->agent_id = arena_string(&disk->arena, row->agent_id);
    kept->hostname = arena_string(&disk->arena, row->hostname);
    kept->ports = arena_string(&disk->arena, row->ports);
    kept->unique = arena_string(&disk->arena, row->unique);
    kept->message = arena_string(&disk->arena, row->message);
    kept->reason = arena_string(&disk->arena, row->reason);
}

void disk_write(struct disk *disk, const struct record *record)
{
    switch (record->kind) {
    case RECORD_META:
        assert_string_equal(record->meta.name, META_ALIVE_NS);
        snprintf(disk->alive, sizeof disk->alive, "%s", record->meta.value);
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
    }
}

void disk_event(struct disk *disk, const struct core_event *event)
{
    if (event->journaled)
        disk->numbers[event->class] = event->number;
}

static void recover(struct core *core, const struct record *record, struct now now)
{
    Zmesos__V1__TaskSpec *spec = NULL;
    struct error err;
    if (record->kind == RECORD_TASK) {
        struct slice bytes = blob_slice(record->task.spec);
        spec = zmesos__v1__task_spec__unpack(NULL, bytes.length, bytes.data);
        assert_non_null(spec);
    }
    if (core_recover(core, record, spec, now, &err))
        fail_msg("recovery: %s", err.text);
    if (spec)
        zmesos__v1__task_spec__free_unpacked(spec, NULL);
}

struct core *disk_recover(const struct disk *disk, const struct core_config *config, struct now now)
{
    struct core *core = core_create(config);
    struct record record = {.kind = RECORD_META, .meta = {.name = META_ALIVE_NS, .value = disk->alive}};
    if (disk->alive[0])
        recover(core, &record, now);
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
    for (int32_t class = 0; class < RIG_CLASSES; class ++) {
        record = (struct record){
                .kind = RECORD_EVENT, .event = {.class = class, .number = disk->numbers[class], .topic = ""}};
        if (disk->numbers[class])
            recover(core, &record, now);
    }
    return core;
}

void disk_clear(struct disk *disk)
{
    for (size_t i = 0; i < disk->task_count; i++) {
        blob_unref(disk->tasks[i].row.spec);
        blob_unref(disk->tasks[i].row.kill_policy);
        free(disk->tasks[i].attempts);
    }
    free(disk->tasks);
    arena_clear(&disk->arena);
}
