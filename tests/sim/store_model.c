/* The store as src/store promises it: one group fills while one is being synced; a group is on disk whole or
 * not at all; a row replaces the one before. A crash loses the group that fills; the one in flight may have
 * reached the disk. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static const char *keep_text(struct sim *sim, const char *text)
{
    return arena_string(&sim->arena, text ? text : "");
}

static struct store_row **filling(struct store *store)
{
    return &store->groups[store->handed % 2];
}

void store_add(struct sim *sim, const struct record *record)
{
    struct store *store = &sim->store;
    struct store_row *row = NEW(sim, struct store_row);
    row->record = *record;
    struct record *kept = &row->record;
    if (kept->kind == RECORD_META) {
        kept->meta.name = keep_text(sim, kept->meta.name);
        kept->meta.value = keep_text(sim, kept->meta.value);
    } else if (kept->kind == RECORD_TASK) {
        kept->task.id = keep_text(sim, kept->task.id);
        kept->task.message = keep_text(sim, kept->task.message);
        kept->task.reason = keep_text(sim, kept->task.reason);
        blob_ref(kept->task.spec);
        blob_ref(kept->task.kill_policy);
    } else if (kept->kind == RECORD_ATTEMPT) {
        kept->attempt.agent_id = keep_text(sim, kept->attempt.agent_id);
        kept->attempt.hostname = keep_text(sim, kept->attempt.hostname);
        kept->attempt.ports = keep_text(sim, kept->attempt.ports);
        kept->attempt.unique = keep_text(sim, kept->attempt.unique);
        kept->attempt.message = keep_text(sim, kept->attempt.message);
        kept->attempt.reason = keep_text(sim, kept->attempt.reason);
    } else {
        kept->event.topic = keep_text(sim, kept->event.topic);
        blob_ref(kept->event.body);
    }
    struct store_row ***end = &store->ends[store->handed % 2];
    if (!*filling(store))
        *end = filling(store);
    **end = row;
    *end = &row->next;
}

uint64_t store_group(const struct sim *sim)
{
    const struct store *store = &sim->store;
    return store->handed + (store->groups[store->handed % 2] != NULL);
}

static void drop_blobs(const struct record *record)
{
    if (record->kind == RECORD_TASK) {
        blob_unref(record->task.spec);
        blob_unref(record->task.kill_policy);
    } else if (record->kind == RECORD_EVENT) {
        blob_unref(record->event.body);
    }
}

/* ---- the disk -------------------------------------------------------------------------------------------
 */

static struct kept_task *task_of_key(struct store *store, int64_t key)
{
    for (size_t i = 0; i < store->task_count; i++) {
        if (store->tasks[i].row.key == key)
            return &store->tasks[i];
    }
    return NULL;
}

const struct kept_task *store_task(const struct sim *sim, const char *id)
{
    for (size_t i = 0; i < sim->store.task_count; i++) {
        if (strcmp(sim->store.tasks[i].row.id, id) == 0)
            return &sim->store.tasks[i];
    }
    return NULL;
}

static void keep_task(struct sim *sim, const struct record *record)
{
    struct store *store = &sim->store;
    const struct task_row *row = &record->task;
    struct kept_task *kept = task_of_key(store, row->key);
    check_row_kept(sim, record, kept);
    if (!kept) {
        if (store->task_count == store->task_capacity) {
            store->task_capacity = store->task_capacity ? 2 * store->task_capacity : 16;
            store->tasks = alloc_resize(store->tasks, store->task_capacity, sizeof *store->tasks);
        }
        kept = &store->tasks[store->task_count++];
        *kept = (struct kept_task){0};
    }
    struct blob *spec = kept->row.spec, *policy = kept->row.kill_policy;
    kept->row = *row;
    kept->row.spec = row->spec ? blob_ref(row->spec) : blob_ref(spec);
    kept->row.kill_policy = blob_ref(row->kill_policy);
    blob_unref(spec);
    blob_unref(policy);
}

static void keep_attempt(struct sim *sim, const struct record *record)
{
    const struct attempt_row *row = &record->attempt;
    struct kept_task *task = task_of_key(&sim->store, row->task_key);
    check_row_kept(sim, record, task);
    if (sim->violated)
        return;
    if (row->number > task->attempt_count) {
        if (task->attempt_count == task->capacity) {
            task->capacity = task->capacity ? 2 * task->capacity : 4;
            task->attempts = alloc_resize(task->attempts, task->capacity, sizeof *task->attempts);
        }
        task->attempt_count++;
    }
    task->attempts[row->number - 1] = *row;
}

static void keep(struct sim *sim, const struct record *record)
{
    struct store *store = &sim->store;
    if (sim->violated)
        return;
    if (record->kind == RECORD_TASK) {
        keep_task(sim, record);
    } else if (record->kind == RECORD_ATTEMPT) {
        keep_attempt(sim, record);
    } else if (record->kind == RECORD_EVENT) {
        check_row_kept(sim, record, NULL);
        store->numbers[record->event.class] = record->event.number;
        const struct published *event = *(struct published *const *)blob_slice(record->event.body).data;
        if (event->word && event->word->update)
            event->word->update->durable = true;
    } else if (strcmp(record->meta.name, META_ALIVE_NS) == 0) {
        store->alive = (char *)(uintptr_t)record->meta.value;
    }
}

static void end_group(struct sim *sim, size_t which, bool kept)
{
    for (const struct store_row *row = sim->store.groups[which]; row; row = row->next) {
        if (kept)
            keep(sim, &row->record);
        drop_blobs(&row->record);
    }
    sim->store.groups[which] = NULL;
}

static void synced(struct sim *sim, void *context, uint64_t run)
{
    (void)context;
    struct store *store = &sim->store;
    if (!sim->daemon.up || sim->daemon.run != run || !store->in_flight ||
            daemon_put_off(sim, synced, NULL, run))
        return;
    if (weather_chance(sim, sim->weather.sync_fails)) {
        trace(sim, "store", "the sync fails");
        daemon_crash(sim);
        return;
    }
    end_group(sim, (store->handed + 1) % 2, true);
    store->in_flight = false;
    store->committed = store->handed;
    if (daemon_point(sim))
        return;
    store_flush(sim);
    daemon_turn_soon(sim);
}

void store_flush(struct sim *sim)
{
    struct store *store = &sim->store;
    if (store->in_flight || !*filling(store))
        return;
    store->handed++;
    store->in_flight = true;
    int64_t takes_us = weather_chance(sim, sim->weather.sync_slow)
                               ? random_spread(&sim->random, 20 * MS, 10 * SECOND)
                               : random_between(&sim->random, 50, 4 * MS);
    world_after(sim, takes_us, synced, NULL, sim->daemon.run);
}

void store_crash(struct sim *sim)
{
    struct store *store = &sim->store;
    if (store->in_flight)
        end_group(sim, (store->handed + 1) % 2, random_below(&sim->random, 2) == 0);
    end_group(sim, store->handed % 2, false);
    store->in_flight = false;
    store->handed = store->committed = 0;
}

/* In the order of store_load() in src/store. */
void store_load(struct sim *sim, void (*row)(struct sim *sim, const struct record *record))
{
    struct store *store = &sim->store;
    struct record record = {.kind = RECORD_META, .meta = {.name = META_ALIVE_NS, .value = store->alive}};
    if (store->alive)
        row(sim, &record);
    for (size_t i = 0; i < store->task_count; i++) {
        record = (struct record){.kind = RECORD_TASK, .task = store->tasks[i].row};
        row(sim, &record);
    }
    for (size_t i = 0; i < store->task_count; i++) {
        for (size_t j = 0; j < store->tasks[i].attempt_count; j++) {
            record = (struct record){.kind = RECORD_ATTEMPT, .attempt = store->tasks[i].attempts[j]};
            row(sim, &record);
        }
    }
    for (int class = 1; class < EVENT_CLASS(OFFERS); class ++) {
        record = (struct record){.kind = RECORD_EVENT,
                .event = {.class = class, .number = store->numbers[class], .topic = ""}};
        if (store->numbers[class])
            row(sim, &record);
    }
}

void store_clear(struct sim *sim)
{
    struct store *store = &sim->store;
    end_group(sim, 0, false);
    end_group(sim, 1, false);
    for (size_t i = 0; i < store->task_count; i++) {
        blob_unref(store->tasks[i].row.spec);
        blob_unref(store->tasks[i].row.kill_policy);
        free(store->tasks[i].attempts);
    }
    free(store->tasks);
}
