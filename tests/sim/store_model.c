/* The store as src/store promises it: one group fills while one is being synced, which is on disk whole or
 * not at all; an error ends the process at once. Beware: what a crash finds in flight may be on disk in part;
 * that the store then opens without it is its own promise, tested against the real one in tests/unit/store.
 */
#include "sim.h"

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

static void keep_texts(struct sim *sim, struct record *kept)
{
    switch (kept->kind) {
    case RECORD_META:
        kept->meta.name = keep_text(sim, kept->meta.name);
        kept->meta.value = keep_text(sim, kept->meta.value);
        break;
    case RECORD_TASK:
        kept->task.id = keep_text(sim, kept->task.id);
        kept->task.message = keep_text(sim, kept->task.message);
        kept->task.reason = keep_text(sim, kept->task.reason);
        check_task_decided(sim, &kept->task);
        blob_ref(kept->task.spec);
        blob_ref(kept->task.kill_policy);
        break;
    case RECORD_ATTEMPT:
        kept->attempt.agent_id = keep_text(sim, kept->attempt.agent_id);
        kept->attempt.hostname = keep_text(sim, kept->attempt.hostname);
        kept->attempt.ports = keep_text(sim, kept->attempt.ports);
        kept->attempt.unique = keep_text(sim, kept->attempt.unique);
        kept->attempt.message = keep_text(sim, kept->attempt.message);
        kept->attempt.reason = keep_text(sim, kept->attempt.reason);
        kept->attempt.mesos_id = keep_text(sim, kept->attempt.mesos_id);
        kept->attempt.agent_url = keep_text(sim, kept->attempt.agent_url);
        kept->attempt.pending_uuid = keep_text(sim, kept->attempt.pending_uuid);
        kept->attempt.pending_before = keep_text(sim, kept->attempt.pending_before);
        blob_ref(kept->attempt.pending_event);
        break;
    case RECORD_EVENT:
        kept->event.topic = keep_text(sim, kept->event.topic);
        blob_ref(kept->event.body);
        break;
    case RECORD_OPERATION:
        kept->operation.id = keep_text(sim, kept->operation.id);
        kept->operation.mesos_id = keep_text(sim, kept->operation.mesos_id);
        kept->operation.agent_id = keep_text(sim, kept->operation.agent_id);
        kept->operation.hostname = keep_text(sim, kept->operation.hostname);
        kept->operation.provider_id = keep_text(sim, kept->operation.provider_id);
        kept->operation.message = keep_text(sim, kept->operation.message);
        blob_ref(kept->operation.spec);
        blob_ref(kept->operation.status);
        break;
    case RECORD_FORGET_OPERATION:
        check_deed_forgotten(sim, kept->forget_operation.key);
        break;
    case RECORD_FORGET:
        check_forget_decided(sim, &kept->forget);
        break;
    }
}

void store_add(struct sim *sim, const struct record *record)
{
    struct store *store = &sim->store;
    struct store_row *row = NEW(sim, struct store_row);
    row->record = *record;
    keep_texts(sim, &row->record);
    disk_decide(sim, &row->record);
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
    } else if (record->kind == RECORD_ATTEMPT) {
        blob_unref(record->attempt.pending_event);
    } else if (record->kind == RECORD_OPERATION) {
        blob_unref(record->operation.spec);
        blob_unref(record->operation.status);
    } else if (record->kind == RECORD_EVENT) {
        blob_unref(record->event.body);
    }
}

static void end_group(struct sim *sim, size_t which, bool kept)
{
    for (const struct store_row *row = sim->store.groups[which]; row; row = row->next) {
        if (kept)
            disk_keep(sim, &row->record);
        drop_blobs(&row->record);
    }
    sim->store.groups[which] = NULL;
}

/* ---- syncing ----------------------------------------------------------------------------------------------
 */

static void commit(struct sim *sim, bool kept)
{
    struct store *store = &sim->store;
    end_group(sim, (store->handed + 1) % 2, kept);
    store->in_flight = false;
    store->committed = store->handed;
}

/* The process ends here: nothing leaves that waits for this group. */
static bool fails(struct sim *sim)
{
    bool full = sim->now_us < sim->weather.full_until_us;
    if (!full && !weather_chance(sim, sim->weather.sync_fails))
        return false;
    trace(sim, "store", "%s", full ? "the disk is full" : "the sync fails");
    if (sim->plant == PLANT_BELIEVE_SYNC) {
        commit(sim, false);
        return false;
    }
    daemon_crash(sim);
    return true;
}

static void synced(struct sim *sim, void *context, uint64_t run)
{
    (void)context;
    struct store *store = &sim->store;
    if (!sim->daemon.up || sim->daemon.run != run || !store->in_flight ||
            daemon_put_off(sim, synced, NULL, run) || fails(sim))
        return;
    if (store->in_flight)
        commit(sim, true);
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

void store_finish(struct sim *sim)
{
    struct store *store = &sim->store;
    if (store->in_flight)
        commit(sim, true);
    if (*filling(store)) {
        store->handed++;
        commit(sim, true);
    }
}

/* How many of the group's rows reached the disk, before its end did: all, or what was torn is not opened. A
 * disk that is full took no end. */
static bool reached_disk(struct sim *sim, const struct store_row *group)
{
    uint64_t rows = 0;
    for (; group; group = group->next)
        rows++;
    uint64_t reached = random_below(&sim->random, 2) ? rows + 1 : random_below(&sim->random, rows + 1);
    bool whole = reached > rows && sim->now_us >= sim->weather.full_until_us;
    trace(sim, "store", "%llu of %llu rows in flight reached the disk: %s", (unsigned long long)reached,
            (unsigned long long)rows + 1, whole ? "all are there" : "none is");
    return whole;
}

void store_crash(struct sim *sim)
{
    struct store *store = &sim->store;
    size_t in_flight = (store->handed + 1) % 2;
    if (store->in_flight)
        end_group(sim, in_flight, reached_disk(sim, store->groups[in_flight]));
    end_group(sim, store->handed % 2, false);
    store->in_flight = false;
    store->handed = store->committed = 0;
}

bool store_write_now(struct sim *sim)
{
    return sim->now_us >= sim->weather.full_until_us;
}

/* ---- reading ----------------------------------------------------------------------------------------------
 */

static void load_metas(struct sim *sim, void (*row)(struct sim *sim, const struct record *record))
{
    const struct disk *disk = &sim->store.disk;
    for (size_t i = 0; i < disk->meta_count; i++) {
        struct record record = {.kind = RECORD_META, .meta = disk->metas[i]};
        row(sim, &record);
    }
}

/* In the order of store_load() in src/store. */
void store_load(struct sim *sim, void (*row)(struct sim *sim, const struct record *record))
{
    const struct disk *disk = &sim->store.disk;
    struct record record;
    load_metas(sim, row);
    for (size_t i = 0; i < disk->task_count; i++) {
        record = (struct record){.kind = RECORD_TASK, .task = disk->tasks[i].row};
        row(sim, &record);
    }
    for (size_t i = 0; i < disk->task_count; i++) {
        for (size_t j = 0; j < disk->tasks[i].attempt_count; j++) {
            record = (struct record){.kind = RECORD_ATTEMPT, .attempt = disk->tasks[i].attempts[j]};
            row(sim, &record);
        }
    }
    for (size_t i = 0; i < disk->operation_count; i++) {
        record = (struct record){.kind = RECORD_OPERATION, .operation = disk->operations[i]};
        row(sim, &record);
    }
    for (int class = 1; class < EVENT_CLASS(OFFERS); class ++) {
        record = (struct record){
                .kind = RECORD_EVENT, .event = {.class = class, .number = disk->numbers[class], .topic = ""}};
        if (disk->numbers[class])
            row(sim, &record);
    }
}

void store_clear(struct sim *sim)
{
    struct store *store = &sim->store;
    end_group(sim, 0, false);
    end_group(sim, 1, false);
    disk_clear(&store->disk);
    disk_clear(&store->backup);
    disk_clear(&store->ahead);
}
