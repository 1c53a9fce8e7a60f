/* From the store to a core: names of this history, then the rows. */
#include "internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/decimal.h"
#include "base/log.h"
#include "base/text.h"
#include "encode.h"
#include "starts.h"

#define NAMES_READ (-1000) /* not an error code: the first reading is over */

#ifndef ZMESOS_VERSION
#error "ZMESOS_VERSION comes from CMake"
#endif

static int write_meta(struct daemon *daemon, const char *name, const char *value, struct error *err)
{
    struct record record = {.kind = RECORD_META, .meta = {.name = name, .value = value}};
    return store_write_now(daemon->store, &record, err);
}

/* They were checked when they were read. The names are the caller's. */
static size_t read_weights(const struct options *options, struct core_weight weights[])
{
    size_t count = 0;
    for (size_t i = 0; i < options->weight_count; i++) {
        size_t length;
        if (options_weight(options->weights[i], &length, &weights[count].weight, NULL) == 0)
            weights[count++].submitter = alloc_string_n(options->weights[i], length);
    }
    return count;
}

/* Whatever it is, as long as other flags make another text. */
static char *framework_flags(const struct options *options)
{
    struct arena arena;
    arena_init(&arena);
    const char *text = arena_format(&arena, "%s\n%s\n%" PRId64, options->framework_name,
            options->webui_url ? options->webui_url : "", options->failover_timeout_ms);
    for (size_t i = 0; i < options->label_count; i++)
        text = arena_format(&arena, "%s\n%s", text, options->labels[i]);
    char *flags = alloc_string(text);
    arena_clear(&arena);
    return flags;
}

static struct core *new_core(struct daemon *daemon)
{
    const struct options *options = daemon->options;
    struct core_config config;
    core_config_init(&config);
    config.version = ZMESOS_VERSION;
    config.store_id = daemon->store_id;
    config.framework_id = daemon->framework_id;
    config.run = daemon->run;
    char *flags = framework_flags(options);
    config.framework_flags = flags;
    config.roles = (const char *const *)options->roles;
    config.role_count = options->role_count;
    config.checkpoint = options->checkpoint;
    config.failover_timeout_ms = daemon->shortest_failover_ms;
    config.started_ns = daemon->started_ns;
    random_bytes(config.seed, sizeof config.seed);
    config.tasks_max = (size_t)options->tasks_max;
    config.offer_hold_ms = options->offer_hold_ms;
    config.decline_ms = options->decline_ms;
    config.revive_ms = options->revive_ms;
    config.reconcile_ms = options->reconcile_ms;
    config.kill_min_ms = options->kill_ms;
    config.launch_timeout_ms = options->launch_timeout_ms;
    config.kill_orphans = options->kill_orphans;
    config.no_teardown = options->no_teardown;
    config.external = (enum core_external)options->external;
    config.leases_max = (size_t)options->leases;
    config.lease_max_ms = options->lease_max_ms;
    config.lease_share = (unsigned)options->lease_share;
    config.avoid_maintenance_ms = options->avoid_maintenance_ms;
    config.decline_maintenance = options->decline_maintenance;
    config.offer_constraints = !options->no_offer_constraints;
    config.drain = options->drain;
    config.drain_grace_ms = options->drain_grace_ms;
    config.keep_tasks = (size_t)options->keep_tasks;
    config.keep_tasks_ms = options->keep_tasks_ms;
    config.same_spec = encode_same_spec;
    config.same_operation = encode_same_operation;
    struct core_weight weights[OPTIONS_LIST_MAX];
    config.weights = weights;
    config.weight_count = read_weights(options, weights);
    struct core *core = core_create(&config);
    for (size_t i = 0; i < config.weight_count; i++)
        free((void *)(uintptr_t)weights[i].submitter);
    free(flags);
    return core;
}

/* What was promised about tasks that were launched before. Mesos never changes `checkpoint` of a framework;
 * while we were away the earlier failover timeout held, so the shorter one counts until this run's is known
 * to the master. */
static int settle_promises(struct daemon *daemon, struct error *err)
{
    const struct options *options = daemon->options;
    if (daemon->checkpoint_known && daemon->checkpoint != options->checkpoint)
        return error_set(err, ERR_CONFLICT,
                "%s was made %s --no-checkpoint, and Mesos does not change that of a framework",
                options->state, options->checkpoint ? "with" : "without");
    int rc = write_meta(daemon, META_CHECKPOINT, options->checkpoint ? "1" : "0", err);
    if (daemon->shortest_failover_ms < 0 || options->failover_timeout_ms < daemon->shortest_failover_ms)
        daemon->shortest_failover_ms = options->failover_timeout_ms;
    return rc;
}

/* The meta values come first; what is missing then is made, on disk, before anything else happens. */
static int settle_names(struct daemon *daemon, struct error *err)
{
    char uuid[TEXT_UUID_SIZE], number[24];
    int rc = 0;
    if (!daemon->store_id) {
        text_uuid(uuid);
        daemon->store_id = alloc_string(uuid);
        rc = write_meta(daemon, META_STORE_ID, uuid, err);
    }
    if (rc == 0 && !daemon->framework_id) {
        text_uuid(uuid);
        daemon->framework_id = alloc_string(uuid);
        rc = write_meta(daemon, META_FRAMEWORK_ID, uuid, err);
    }
    if (rc == 0) {
        snprintf(number, sizeof number, "%" PRIu64, ++daemon->run);
        rc = write_meta(daemon, META_RUN, number, err);
    }
    if (rc == 0) {
        char starts[STARTS_TEXT_MAX];
        daemon->recent_starts = starts_add(daemon->starts, daemon->started_ns, starts);
        if (daemon->run > 1 && daemon->recent_starts == 0)
            daemon->recent_starts = 1; /* the run before, however old, may have been subscribing again */
        rc = write_meta(daemon, META_STARTS, starts, err);
    }
    return rc ? rc : settle_promises(daemon, err);
}

static int take_name(struct daemon *daemon, const struct meta_row *row, struct error *err)
{
    int64_t number;
    if (strcmp(row->name, META_STORE_ID) == 0)
        daemon->store_id = alloc_string(row->value);
    else if (strcmp(row->name, META_FRAMEWORK_ID) == 0)
        daemon->framework_id = alloc_string(row->value);
    else if (strcmp(row->name, META_STARTS) == 0)
        daemon->starts = alloc_string(row->value);
    else if (strcmp(row->name, META_BACKUP) == 0)
        daemon->restored = strcmp(row->value, "1") == 0;
    else if (strcmp(row->name, META_RUN) == 0) {
        if (integer_parse(row->value, 1, INT64_MAX - 1, &number))
            return error_set(err, ERR_MALFORMED, "the store's %s is not a number: %s", row->name, row->value);
        daemon->run = (uint64_t)number;
    } else if (strcmp(row->name, META_CHECKPOINT) == 0) {
        daemon->checkpoint_known = true;
        daemon->checkpoint = strcmp(row->value, "1") == 0;
    } else if (strcmp(row->name, META_FAILOVER_MS) == 0) {
        if (integer_parse(row->value, 0, INT64_MAX, &daemon->shortest_failover_ms))
            return error_set(err, ERR_MALFORMED, "the store's %s is not a number: %s", row->name, row->value);
    }
    return 0;
}

/* Meta values are first; the rest is for the second reading. */
static int read_name(void *context, const struct record *record, struct error *err)
{
    return record->kind == RECORD_META ? take_name(context, &record->meta, err) : NAMES_READ;
}

static int read_row(void *context, const struct record *record, struct error *err)
{
    struct daemon *daemon = context;
    int64_t written_ns = record->kind == RECORD_TASK        ? record->task.changed_ns
                         : record->kind == RECORD_OPERATION ? record->operation.changed_ns
                         : record->kind == RECORD_EVENT     ? record->event.time_ns
                                                            : 0;
    if (written_ns > daemon->newest_ns)
        daemon->newest_ns = written_ns;
    if (record->kind == RECORD_EVENT && record->event.class > 0 && record->event.class < RECENT_CLASSES)
        recent_begin(&daemon->recent, record->event.class, record->event.number);
    ProtobufCMessage *spec = NULL;
    if (record->kind == RECORD_TASK)
        spec = (ProtobufCMessage *)encode_read_spec(blob_slice(record->task.spec));
    else if (record->kind == RECORD_OPERATION)
        spec = (ProtobufCMessage *)encode_read_operation(blob_slice(record->operation.spec));
    else
        return core_recover(daemon->core, record, NULL, daemon->now, err);
    if (!spec)
        return error_set(err, ERR_MALFORMED, "the specification of %s cannot be read",
                record->kind == RECORD_TASK ? record->task.id : record->operation.id);
    int rc = core_recover(daemon->core, record, spec, daemon->now, err);
    protobuf_c_message_free_unpacked(spec, NULL);
    return rc;
}

int daemon_recover(struct daemon *daemon, struct error *err)
{
    int rc = store_load(daemon->store, read_name, daemon, err);
    rc = rc == NAMES_READ ? 0 : rc;
    bool fresh = !daemon->framework_id;
    rc = rc ? rc : settle_names(daemon, err);
    if (rc)
        return rc;
    daemon->core = new_core(daemon);
    rc = store_load(daemon->store, read_row, daemon, err);
    if (rc == 0)
        log_info("daemon", "%s framework %s, store %s, run %" PRIu64, fresh ? "new" : "known",
                daemon->framework_id, daemon->store_id, daemon->run);
    return rc;
}

/* ---- a store that is a backup ---- */

/* What the core says of itself in its first output: how many tasks and operations wait for a release. */
static uint64_t count_held(const struct core_outputs *outputs)
{
    for (size_t i = 0; i < outputs->count; i++) {
        const struct core_output *output = &outputs->items[i];
        if (output->kind == CORE_OUT_EVENT && output->event.status && output->event.status->has_held)
            return output->event.status->held + output->event.status->held_operations;
    }
    return 0;
}

static const char *format_time(int64_t ns, char *text, size_t size)
{
    time_t seconds = (time_t)(ns / 1000000000);
    struct tm parts;
    if (ns == 0 || !gmtime_r(&seconds, &parts) || strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        snprintf(text, size, "an unknown time");
    return text;
}

/* All in one group: until it is on disk the store is marked as a backup, and the next start does this again,
 * with another new id that nobody has seen either. */
void daemon_restored(struct daemon *daemon)
{
    char *old = daemon->store_id, uuid[TEXT_UUID_SIZE], time[64];
    text_uuid(uuid);
    daemon->store_id = alloc_string(uuid);
    struct core_input input = {.kind = CORE_IN_RESTORED, .restored = {.store_id = uuid}};
    core_handle(daemon->core, &input, daemon->now, &daemon->outputs);
    uint64_t held = count_held(&daemon->outputs);
    daemon_outputs(daemon);
    daemon->subscribe_group = store_group(daemon->store);
    log_warn("daemon",
            "restored from a backup of %s: store %s is now %s; %" PRIu64
            " tasks and operations are held until a release says run or drop",
            format_time(daemon->newest_ns, time, sizeof time), old, uuid, held);
    free(old);
}
