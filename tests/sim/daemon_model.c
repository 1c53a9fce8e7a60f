/* The process: the core, the outbox and the loop, as src/daemon has them. It may end between any two of its
 * steps; a new one recovers from what the store kept. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static const char *const role_names[ROLES] = {"r1", "r2"};

static Zmesos__V1__TaskSpec *read_spec(struct slice bytes)
{
    return zmesos__v1__task_spec__unpack(NULL, bytes.length, bytes.data);
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

/* ---- outputs ----------------------------------------------------------------------------------------------
 */

static void add_parcel(struct sim *sim, const struct parcel *from)
{
    struct parcel *parcel = NEW(sim, struct parcel);
    *parcel = *from;
    parcel->group = store_group(sim);
    *sim->daemon.end = parcel;
    sim->daemon.end = &parcel->next;
    sim->daemon.waiting++;
}

static void add_event(struct sim *sim, const struct core_event *event)
{
    struct published *published = NEW(sim, struct published);
    *published = (struct published){.class = (int)event->class,
            .journaled = event->journaled,
            .number = event->number,
            .revision = event->revision};
    if (event->task) {
        published->wish = client_wish(sim, event->task->id, strlen(event->task->id));
        published->state = event->task->state;
    }
    if (event->bytes)
        published->word = *(struct word *const *)blob_slice(event->bytes).data;
    if (event->journaled) {
        struct blob *body = blob_create(&published, sizeof published);
        struct record record = {.kind = RECORD_EVENT,
                .event = {.class = (int32_t)event->class,
                        .number = event->number,
                        .topic = event->topic,
                        .body = body}};
        store_add(sim, &record);
        blob_unref(body);
    }
    add_parcel(sim, &(struct parcel){.kind = PARCEL_EVENT, .event = published});
}

static void add_call(struct sim *sim, const struct core_call *out)
{
    struct call *call = daemon_call(sim, out);
    if (sim->plant == PLANT_SKIP_ASKING && call->type == CALL(RECONCILE) && plant_skips(sim, call))
        return;
    if (sim->plant == PLANT_ACK_EARLY && call->type == CALL(ACKNOWLEDGE))
        mesos_send(sim, call);
    else
        add_parcel(sim, &(struct parcel){.kind = PARCEL_CALL, .call = call});
}

static void take_outputs(struct sim *sim)
{
    struct core_outputs *outputs = &sim->daemon.outputs;
    for (size_t i = 0; i < outputs->count; i++) {
        const struct core_output *output = &outputs->items[i];
        switch (output->kind) {
        case CORE_OUT_RECORD:
            store_add(sim, &output->record);
            break;
        case CORE_OUT_CALL:
            add_call(sim, &output->call);
            break;
        case CORE_OUT_REPLY:
            add_parcel(sim,
                    &(struct parcel){.kind = PARCEL_REPLY, .reply = client_read_reply(sim, &output->reply)});
            break;
        case CORE_OUT_EVENT:
            add_event(sim, &output->event);
            break;
        }
    }
    core_outputs_reset(outputs);
}

static void release(struct sim *sim)
{
    struct daemon *daemon = &sim->daemon;
    while (daemon->up && daemon->first && daemon->first->group <= sim->store.committed) {
        if (daemon_point(sim))
            return;
        struct parcel *parcel = daemon->first;
        daemon->first = parcel->next;
        if (!daemon->first)
            daemon->end = &daemon->first;
        daemon->waiting--;
        if (parcel->kind == PARCEL_CALL) {
            mesos_send(sim, parcel->call);
        } else if (parcel->kind == PARCEL_REPLY) {
            check_reply_leaves(sim, parcel->reply);
            client_reply(sim, parcel->reply);
        } else {
            check_event_leaves(sim, parcel->event);
        }
    }
}

/* ---- the loop ---------------------------------------------------------------------------------------------
 */

static void turn(struct sim *sim, void *context, uint64_t run)
{
    (void)context;
    struct daemon *daemon = &sim->daemon;
    if (!daemon->up || daemon->run != run || daemon_put_off(sim, turn, NULL, run))
        return;
    daemon->turning = false;
    store_flush(sim);
    release(sim);
    mesos_turn(sim);
    check_sizes(sim);
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
    int64_t wait_ms = core_deadline(daemon->core) - world_now(sim).mono_ms;
    if (wait_ms > 60000)
        wait_ms = 60000;
    world_after(sim, wait_ms > 0 ? wait_ms * MS : 0, tick, NULL, ++daemon->tick);
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
    take_outputs(sim);
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
    daemon_input(sim, &input);
    blob_unref(input.event.bytes);
}

/* ---- its lives --------------------------------------------------------------------------------------------
 */

static void recover_row(struct sim *sim, const struct record *record)
{
    struct error err;
    struct record row = *record;
    Zmesos__V1__TaskSpec *spec = NULL;
    if (sim->violated)
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
    if (core_recover(sim->daemon.core, &row, spec, world_now(sim), &err))
        violation(sim, "recovery: %s", err.text);
    zmesos__v1__task_spec__free_unpacked(spec, NULL);
}

static void configure(struct sim *sim)
{
    struct core_config *config = &sim->daemon.config;
    if (sim->daemon.run == 0) {
        core_config_init(config);
        config->version = "0";
        config->store_id = "store";
        config->framework_id = "framework";
        config->roles = role_names;
        config->role_count = ROLES;
        config->same_spec = same_spec;
        config->heartbeat_ms = 30000;
        config->failover_timeout_ms = sim->weather.failover_timeout_us / MS;
        if (random_chance(&sim->random, 700))
            config->reconcile_ms = 60000;
    }
    config->run = sim->daemon.run + 1;
    config->started_ns = world_now(sim).wall_ns;
    config->seed[0] = random_next(&sim->random);
    config->seed[1] = random_next(&sim->random);
}

void daemon_start(struct sim *sim, void *context, uint64_t number)
{
    (void)context;
    (void)number;
    struct daemon *daemon = &sim->daemon;
    if (daemon->up)
        return;
    configure(sim);
    daemon->run++;
    daemon->up = true;
    daemon->turning = false;
    daemon->refused = daemon->stopped = false;
    daemon->first = NULL;
    daemon->end = &daemon->first;
    daemon->waiting = 0;
    daemon->points = sim->weather.crash_points
                             ? (unsigned)random_spread(&sim->random, 1, 2 * sim->weather.crash_points)
                             : 0;
    for (int class = EVENT_CLASS(OFFERS); class < 32; class ++)
        sim->published[class] = 0;
    trace(sim, "daemon", "starts: run %llu", (unsigned long long)daemon->run);
    daemon->core = core_create(&daemon->config);
    store_load(sim, recover_row);
    check_recovered(sim);
    if (sim->violated)
        return;
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

/* It ended by its own decision: an operator looks at it and starts it again. */
void daemon_stop(struct sim *sim, bool refused)
{
    trace(sim, "daemon", "stops: %s", refused ? "removed" : "replaced");
    sim->daemon.refused = refused;
    sim->daemon.stopped = true;
    end_process(sim, refused ? -1 : 30 * SECOND);
}

void daemon_clear(struct sim *sim)
{
    core_destroy(sim->daemon.core);
    core_destroy(sim->daemon.dead);
    core_outputs_clear(&sim->daemon.outputs);
    arena_clear(&sim->daemon.in);
}
