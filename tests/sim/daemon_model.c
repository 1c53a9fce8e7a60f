/* The process: the core, the outbox and the loop, as src/daemon has them. It may end between any two of its
 * steps; a new one recovers from what the store kept. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static Zmesos__V1__TaskSpec *read_spec(struct slice bytes)
{
    return zmesos__v1__task_spec__unpack(NULL, bytes.length, bytes.data);
}

static Zmesos__V1__OperationSpec *read_operation(struct slice bytes)
{
    return zmesos__v1__operation_spec__unpack(NULL, bytes.length, bytes.data);
}

/* Those of a client are packed once. */
static bool same_operation(struct slice a, struct slice b)
{
    return slice_equal(a, b);
}

static struct slice pack_spec(struct arena *arena, const Zmesos__V1__TaskSpec *spec)
{
    size_t size = zmesos__v1__task_spec__get_packed_size(spec);
    uint8_t *bytes = arena_alloc(arena, size + 1);
    zmesos__v1__task_spec__pack(spec, bytes);
    return slice_of(bytes, size);
}

/* As encode_same_spec() of src/daemon. */
static bool same_spec(struct slice a, struct slice b)
{
    struct arena arena;
    arena_init(&arena);
    Zmesos__V1__TaskSpec *left = read_spec(a), *right = read_spec(b);
    bool same = left && right && slice_equal(pack_spec(&arena, left), pack_spec(&arena, right));
    zmesos__v1__task_spec__free_unpacked(left, NULL);
    zmesos__v1__task_spec__free_unpacked(right, NULL);
    arena_clear(&arena);
    return same;
}

/* ---- the loop ---------------------------------------------------------------------------------------------
 */

/* As src/daemon: past the bound nothing is read until half of it is left. */
static void judge_pressure(struct sim *sim)
{
    struct daemon *daemon = &sim->daemon;
    size_t most = sim->weather.waiting_max / (daemon->paused ? 2 : 1);
    bool high = daemon->waiting > most || mesos_waiting_calls(sim) > most;
    if (daemon->up && high != daemon->paused) {
        daemon->paused = high;
        if (high)
            daemon->paused_us = sim->now_us;
        else /* what was not read for us is no silence */
            mesos_was_paused(sim, sim->now_us - daemon->paused_us);
        trace(sim, "daemon", "%s", high ? "reads nothing" : "reads again");
    }
    if (daemon->up && !high && sim->mesos.held) {
        mesos_read_held(sim);
        daemon_turn_soon(sim);
    }
}

static void turn(struct sim *sim, void *context, uint64_t run)
{
    (void)context;
    struct daemon *daemon = &sim->daemon;
    if (!daemon->up || daemon->run != run || daemon_put_off(sim, turn, NULL, run))
        return;
    daemon->turning = false;
    sim->mesos.delivered = daemon->requests = 0;
    store_flush(sim);
    daemon_release(sim);
    mesos_turn(sim);
    judge_pressure(sim);
    check_sizes(sim);
    check_leases(sim);
}

void daemon_turn_soon(struct sim *sim)
{
    struct daemon *daemon = &sim->daemon;
    if (!daemon->up || daemon->turning)
        return;
    daemon->turning = true;
    world_after(sim, random_between(&sim->random, 0, 300), turn, NULL, daemon->run);
}

static void tick(struct sim *sim, void *context, uint64_t number)
{
    (void)context;
    if (!sim->daemon.up || sim->daemon.tick != number || daemon_put_off(sim, tick, NULL, number))
        return;
    struct core_input input = {.kind = CORE_IN_TICK};
    daemon_input(sim, &input);
}

static void plan_tick(struct sim *sim)
{
    struct daemon *daemon = &sim->daemon;
    int64_t at_ms = core_deadline(daemon->core), now_ms = world_now(sim).mono_ms;
    int64_t wait_ms = at_ms <= now_ms ? 0 : at_ms - now_ms;
    if (wait_ms > 60000)
        wait_ms = 60000;
    world_after(sim, wait_ms * MS, tick, NULL, ++daemon->tick);
}

bool daemon_put_off(struct sim *sim, event_fn *fn, void *context, uint64_t number)
{
    int64_t left_us = sim->daemon.frozen_until_us - sim->now_us;
    if (left_us <= 0)
        return false;
    world_after(sim, left_us, fn, context, number);
    return true;
}

bool daemon_point(struct sim *sim)
{
    struct daemon *daemon = &sim->daemon;
    if (daemon->up && daemon->points > 0 && !sim->calm && --daemon->points == 0)
        daemon_crash(sim);
    return !daemon->up;
}

void daemon_input(struct sim *sim, const struct core_input *input)
{
    struct daemon *daemon = &sim->daemon;
    if (daemon_point(sim))
        return;
    core_handle(daemon->core, input, world_now(sim), &daemon->outputs);
    daemon->heard.handled = daemon->heard.word != NULL;
    daemon_take_outputs(sim);
    plan_tick(sim);
    daemon_turn_soon(sim);
}

void daemon_word(struct sim *sim, const struct word *word)
{
    struct daemon *daemon = &sim->daemon;
    struct core_input input = {.kind = CORE_IN_EVENT};
    Mesos__V1__Scheduler__Event event;
    arena_reset(&daemon->in);
    daemon_event(sim, word, &input, &event);
    daemon->heard = (struct heard){.word = word};
    hand_hear(sim, word);
    if (word->update && !word->update->heard_us)
        word->update->heard_us = sim->now_us;
    daemon_input(sim, &input);
    if (daemon->heard.handled)
        check_heard(sim, &daemon->heard);
    daemon->heard = (struct heard){0};
    blob_unref(input.event.bytes);
}

/* ---- its lives --------------------------------------------------------------------------------------------
 */

static void recover_row(struct sim *sim, const struct record *record)
{
    struct error err;
    struct record row = *record;
    Zmesos__V1__TaskSpec *spec = NULL;
    Zmesos__V1__OperationSpec *operation = NULL;
    if (sim->violated || (row.kind == RECORD_META && plant_forgets(sim, row.meta.name)))
        return;
    if (row.kind == RECORD_TASK) {
        spec = read_spec(blob_slice(row.task.spec));
        if (!spec) {
            violation(sim, "the specification of %s cannot be read", row.task.id);
            return;
        }
        if (sim->plant == PLANT_FORGET_LAUNCH && row.task.state == (int32_t)VIEW(LAUNCHING))
            row.task.state = (int32_t)VIEW(QUEUED);
    }
    if (row.kind == RECORD_OPERATION) {
        operation = read_operation(blob_slice(row.operation.spec));
        if (sim->plant == PLANT_FORGET_OPERATION && row.operation.state == ZMESOS__V1__OPERATION__STATE__SENT)
            row.operation.state = ZMESOS__V1__OPERATION__STATE__QUEUED;
    }
    if (core_recover(
                sim->daemon.core, &row, operation ? (const void *)operation : spec, world_now(sim), &err))
        violation(sim, "recovery: %s", err.text);
    zmesos__v1__task_spec__free_unpacked(spec, NULL);
    zmesos__v1__operation_spec__free_unpacked(operation, NULL);
}

/* How this daemon is run, the same from start to start. */
static void configure_once(struct sim *sim)
{
    struct core_config *config = &sim->daemon.config;
    struct random *random = &sim->random;
    core_config_init(config);
    config->version = "0";
    static const char *roles[ROLES];
    for (int i = 0; i < ROLES_CONFIGURED; i++)
        roles[i] = role_name(i);
    config->roles = roles;
    config->role_count = ROLES_CONFIGURED;
    config->same_spec = same_spec;
    config->same_operation = same_operation;
    config->heartbeat_ms = 30000;
    config->failover_timeout_ms = sim->weather.failover_timeout_us / MS;
    config->launch_timeout_ms = random_spread(random, 10000, 300000);
    config->kill_orphans = random_below(random, 2) == 0;
    sim->daemon.begins_again = random_below(random, 2) == 0;
    if (random_chance(random, 700))
        config->reconcile_ms = 60000;
    if (random_below(random, 3) == 0)
        config->keep_tasks = random_below(random, 8);
    if (random_below(random, 4) == 0)
        config->keep_tasks_ms = random_spread(random, 1000, 600000);
    if (sim->features[FEATURE_MAINTENANCE]) {
        config->avoid_maintenance_ms = random_spread(random, 1, 600000);
        config->decline_maintenance = random_below(random, 2) == 0;
        config->drain = random_below(random, 2) == 0;
        config->drain_grace_ms = random_spread(random, 1000, 300000);
    }
    if (sim->features[FEATURE_SHARES] && random_below(random, 2)) {
        static struct core_weight weight;
        sim->weight = random_spread(random, 100, 10000);
        weight = (struct core_weight){.submitter = submitters[SUBMITTERS - 1], .weight = sim->weight};
        config->weights = &weight;
        config->weight_count = sim->plant != PLANT_NO_WEIGHT;
    }
    config->offer_constraints = sim->features[FEATURE_LIMITS];
    if (sim->features[FEATURE_SHORT_TURNS])
        config->turn_steps = (size_t)random_spread(random, 1, 3000);
    disk_keep(sim, &(struct record){
                           .kind = RECORD_META, .meta = {.name = META_FRAMEWORK_ID, .value = "framework-1"}});
    sim->daemon.framework = 1;
}

static void configure(struct sim *sim)
{
    struct core_config *config = &sim->daemon.config;
    if (sim->daemon.run == 0)
        configure_once(sim);
    config->store_id = arena_format(&sim->arena, "%08u-store", sim->restores);
    config->framework_id = store_meta(sim, META_FRAMEWORK_ID);
    sim->daemon.framework = strtoull(strchr(config->framework_id, '-') + 1, NULL, 10);
    config->run = sim->daemon.run + 1;
    config->started_ns = world_now(sim).wall_ns;
    config->seed[0] = random_next(&sim->random);
    config->seed[1] = random_next(&sim->random);
}

static void init_process(struct sim *sim)
{
    struct daemon *daemon = &sim->daemon;
    daemon->run++;
    daemon->up = true;
    daemon->turning = daemon->paused = false;
    daemon->refused = false;
    daemon->late_before = 0;
    daemon->first = NULL;
    daemon->end = &daemon->first;
    daemon->waiting = 0;
    daemon->requests = 0;
    daemon->asking = NULL;
    daemon->answering = NULL;
    daemon->inverse_heard = NULL;
    daemon->points = sim->weather.crash_points
                             ? (unsigned)random_spread(&sim->random, 1, 2 * sim->weather.crash_points)
                             : 0;
    for (int class = EVENT_CLASS(OFFERS); class < 32; class ++)
        sim->published[class] = 0;
    trace(sim, "daemon", "starts: run %llu", (unsigned long long)daemon->run);
    daemon->core = core_create(&daemon->config);
}

/* A copy that a backup made is known by its mark. */
static void settle_restored(struct sim *sim)
{
    const char *mark = store_meta(sim, META_BACKUP);
    if (!mark || strcmp(mark, "1") != 0 || sim->plant == PLANT_NOT_RESTORED)
        return;
    const char *store_id = arena_format(&sim->arena, "%08u-store", sim->restores);
    struct core_input input = {.kind = CORE_IN_RESTORED, .restored = {.store_id = store_id}};
    daemon_input(sim, &input);
}

void daemon_start(struct sim *sim, void *context, uint64_t number)
{
    (void)context;
    (void)number;
    struct daemon *daemon = &sim->daemon;
    if (daemon->up)
        return;
    if (!store_write_now(sim)) {
        trace(sim, "daemon", "cannot start: the disk is full");
        world_after(sim, random_between(&sim->random, SECOND, 5 * SECOND), daemon_start, NULL, 0);
        return;
    }
    configure(sim);
    init_process(sim);
    disk_copy(&sim->store.ahead, &sim->store.disk);
    hand_clear(sim);
    store_load(sim, recover_row);
    check_recovered(sim);
    if (sim->violated)
        return;
    settle_restored(sim);
    struct core_input input = {.kind = CORE_IN_CONNECTING};
    daemon_input(sim, &input);
    if (daemon->up)
        mesos_start(sim);
}

static void go_down(struct sim *sim)
{
    struct daemon *daemon = &sim->daemon;
    daemon->up = false;
    daemon->frozen_until_us = 0;
    daemon->tick++;
    mesos_crash(sim);
    store_crash(sim);
}

/* The core may be running further up the stack: its memory goes when it is safe. */
static void bury(struct sim *sim, void *context, uint64_t number)
{
    (void)context;
    (void)number;
    core_destroy(sim->daemon.dead);
    sim->daemon.dead = NULL;
}

static void end_process(struct sim *sim, int64_t again_us)
{
    go_down(sim);
    world_after(sim, 0, bury, NULL, 0);
    sim->daemon.dead = sim->daemon.core;
    sim->daemon.core = NULL;
    core_outputs_reset(&sim->daemon.outputs);
    if (again_us >= 0)
        world_after(sim, again_us, daemon_start, NULL, 0);
}

void daemon_end(struct sim *sim, int64_t again_us)
{
    if (!sim->daemon.up)
        return;
    trace(sim, "daemon", "ends");
    end_process(sim, again_us);
}

void daemon_crash(struct sim *sim)
{
    daemon_end(sim, random_spread(&sim->random, 10 * MS, 20 * SECOND));
}

/* It ended by its own decision: an operator looks at it and starts it again, or the weather does. */
void daemon_stop(struct sim *sim, bool refused)
{
    trace(sim, "daemon", "stops: %s", refused ? "removed" : "replaced");
    if (!refused && sim->daemon.late_before < 2) /* it counts one of those that earlier runs left behind */
        violation(sim, "our daemon stops for a rival, and there is none");
    sim->daemon.refused = refused;
    end_process(sim, refused ? -1 : 30 * SECOND);
}

/* The master removed this framework, and we are to go on as another one. */
void daemon_begin_again(struct sim *sim)
{
    struct daemon *daemon = &sim->daemon;
    daemon->framework++;
    const char *id = arena_format(&sim->arena, "framework-%llu", (unsigned long long)daemon->framework);
    trace(sim, "daemon", "begins again as %s", id);
    struct core_input input = {.kind = CORE_IN_REMOVED, .removed = {.framework_id = id}};
    daemon_input(sim, &input);
}

/* Our own wish has come true: the process ends when that is on disk, and is started again as another one. */
void daemon_torn_down(struct sim *sim)
{
    struct daemon *daemon = &sim->daemon;
    daemon_begin_again(sim);
    if (!daemon->up)
        return;
    store_finish(sim);
    for (size_t i = 0; i < sim->store.disk.task_count; i++) {
        const struct task_row *row = &sim->store.disk.tasks[i].row;
        if (!is_over(row->state))
            violation(sim, "the framework has ended, and %s is %s", row->id, view_name(row->state));
    }
    daemon_release(sim);
    if (daemon->up)
        daemon_end(sim, random_spread(&sim->random, SECOND, 30 * SECOND));
}

/* The state directory is lost, and an operator starts with the last backup. */
void daemon_restore(struct sim *sim)
{
    const char *then = NULL, *now = store_meta(sim, META_FRAMEWORK_ID);
    for (size_t i = 0; i < sim->store.backup.meta_count; i++) {
        if (strcmp(sim->store.backup.metas[i].name, META_FRAMEWORK_ID) == 0)
            then = sim->store.backup.metas[i].value;
    }
    if (!then || strcmp(then, now) != 0)
        return;
    daemon_end(sim, random_spread(&sim->random, 100 * MS, MINUTE));
    if (!store_restore(sim))
        return;
    sim->restores++;
    trace(sim, "daemon", "its store is set back to the backup of %.3f s",
            (double)sim->store.backup.taken_us / 1e6);
    check_restored(sim);
    client_restored(sim);
}

void daemon_clear(struct sim *sim)
{
    core_destroy(sim->daemon.core);
    core_destroy(sim->daemon.dead);
    core_outputs_clear(&sim->daemon.outputs);
    arena_clear(&sim->daemon.in);
}
