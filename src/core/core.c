/* One input in, outputs out. See core.h. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/decimal.h"

#define ALIVE_MS 60000 /* how often the time of the last contact is written down */
/* What is heard may have been on its way for as long as a stream may be silent: five heartbeats of 15 s. */
#define ON_ITS_WAY_MS 75000
/* After SUBSCRIBED nothing is given up for its silence before the master had this time to speak. */
#define PATIENCE_MS 60000

void core_config_init(struct core_config *config)
{
    *config = (struct core_config){
            .checkpoint = true,
            .failover_timeout_ms = (int64_t)7 * 24 * 3600 * 1000,
            .tasks_max = 2000000,
            .offer_hold_ms = 2000,
            .decline_ms = 3600 * 1000,
            .revive_ms = 3000,
            .reconcile_ms = 15 * 60 * 1000,
            .ask_min_ms = 5000,
            .ask_max_ms = 60000,
            .kill_min_ms = 5000,
            .kill_max_ms = 60000,
            .relaunch_min_ms = 1000,
            .relaunch_max_ms = 60000,
            .heartbeat_ms = 1000,
            .launch_timeout_ms = 15 * 60 * 1000,
            .keep_tasks_ms = (int64_t)7 * 24 * 3600 * 1000,
            .keep_tasks = 100000,
            .unconfirmed_max = 1000000,
            .unconfirmed_bytes_max = (size_t)512 << 20,
            .avoid_maintenance_ms = 3600 * 1000,
            .drain_grace_ms = 60 * 1000,
            .external = CORE_EXTERNAL_ALL,
            .leases_max = 100,
            .lease_max_ms = 60 * 1000,
            .lease_share = 50,
            .turn_steps = 5000000,
    };
}

static void copy_config(struct core *core, const struct core_config *config)
{
    core->config = *config;
    core->config.version = alloc_string(config->version);
    core->config.store_id = alloc_string(config->store_id);
    core->config.framework_id = alloc_string(config->framework_id);
    core->config.framework_flags = alloc_string(config->framework_flags ? config->framework_flags : "");
    core->words = alloc_string("");
    core->roles = alloc_zeroed(CORE_ROLES_MAX, sizeof *core->roles); /* shapes point into it */
    for (size_t i = 0; i < config->role_count; i++)
        (void)role_add(core, config->roles[i]);
    core->configured_roles = roles_configured(config);
    core->config.roles = NULL;
    struct core_weight *weights = alloc_zeroed(config->weight_count, sizeof *weights);
    for (size_t i = 0; i < config->weight_count; i++)
        weights[i] =
                (struct core_weight){alloc_string(config->weights[i].submitter), config->weights[i].weight};
    core->config.weights = weights;
    mesos__v1__framework_id__init(&core->framework_id);
    core->framework_id.value = (char *)(uintptr_t)core->config.framework_id;
}

struct core *core_create(const struct core_config *config)
{
    struct core *core = alloc_zeroed(1, sizeof *core);
    copy_config(core, config);
    struct map *maps[] = {&core->by_id, &core->shapes, &core->offers_by_id, &core->agents, &core->groups,
            &core->named, &core->shared, &core->strays, &core->sites, &core->attributes, &core->submitters,
            &core->levels, &core->lines, &core->task_groups, &core->windows, &core->leases_by_id};
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++)
        map_init(maps[i], config->seed[0], config->seed[1]);
    operations_init(core);
    list_init(&core->offers);
    list_init(&core->unsettled);
    list_init(&core->aside);
    list_init(&core->leases);
    heap_init(&core->lease_timers);
    core->lease_left = 1;
    heap_init(&core->placed);
    list_init(&core->to_ask);
    list_init(&core->asked);
    heap_init(&core->timers);
    heap_init(&core->stray_timers);
    heap_init(&core->over);
    heap_init(&core->lost);
    heap_init(&core->waiting.deadlines);
    core->forget_at_ms = INT64_MIN;
    core->patient_until_ms = INT64_MIN;
    core->next_key = 1;
    core->subscription_state = ZMESOS__V1__SUBSCRIPTION__DISCONNECTED;
    core->heartbeat_at_ms = INT64_MIN;
    core->alive_due_ms = INT64_MIN;
    return core;
}

void core_destroy(struct core *core)
{
    if (!core)
        return;
    leases_clear(core);
    offers_drop_all(core);
    for (size_t i = 0; i < core->task_count; i++)
        task_free(core, core->tasks[i]);
    strays_clear(core);
    operations_clear(core);
    for (size_t i = 0; i < core->call_count; i++)
        free(core->calls[i]);
    for (size_t i = 0; i < core->role_count; i++) {
        limits_clear(&core->roles[i]);
        heap_clear(&core->roles[i].queue);
        index_clear(&core->roles[i].index);
        free(core->roles[i].name);
    }
    for (size_t i = 0; i < core->retired_count; i++)
        blob_unref(core->retired[i]);
    map_clear(&core->by_id);
    map_clear(&core->shapes);
    map_clear(&core->submitters);
    map_clear(&core->levels);
    map_clear(&core->lines);
    map_clear(&core->task_groups);
    map_clear(&core->offers_by_id);
    map_clear(&core->leases_by_id);
    heap_clear(&core->lease_timers);
    map_clear(&core->agents);
    groups_clear(core);
    sites_clear(core);
    map_clear(&core->named);
    map_clear(&core->shared);
    map_clear(&core->strays);
    heap_clear(&core->placed);
    heap_clear(&core->timers);
    heap_clear(&core->stray_timers);
    heap_clear(&core->over);
    heap_clear(&core->lost);
    pending_clear(core);
    asked_clear(core);
    maintenance_clear(core);
    map_clear(&core->windows);
    free(core->foreign);
    free(core->retired);
    free(core->roles);
    free(core->configured_roles);
    free((void *)(uintptr_t)core->config.framework_flags);
    free(core->words);
    free(core->words_asked);
    free(core->tasks);
    free(core->calls);
    free(core->master);
    free(core->down_text);
    for (size_t i = 0; i < core->config.weight_count; i++)
        free((void *)(uintptr_t)core->config.weights[i].submitter);
    free((void *)(uintptr_t)core->config.weights);
    free((void *)(uintptr_t)core->config.version);
    free((void *)(uintptr_t)core->config.store_id);
    free((void *)(uintptr_t)core->config.framework_id);
    free(core);
}

void retire_blob(struct core *core, struct blob *blob)
{
    if (!blob)
        return;
    if (core->retired_count == core->retired_capacity) {
        core->retired_capacity = core->retired_capacity ? core->retired_capacity * 2 : 16;
        core->retired = alloc_resize(core->retired, core->retired_capacity, sizeof *core->retired);
    }
    core->retired[core->retired_count++] = blob;
}

static int recover_meta(struct core *core, const struct meta_row *row, struct error *err)
{
    if (strcmp(row->name, META_ALIVE_NS) == 0 && integer_parse(row->value, 0, INT64_MAX, &core->alive_ns))
        return error_set(err, ERR_MALFORMED, "the store's %s is not a number: %s", row->name, row->value);
    if (strcmp(row->name, META_ROLES) == 0)
        recover_roles(core, row->value);
    if (strcmp(row->name, META_FRAMEWORK) == 0)
        recover_framework_words(core, row->value);
    if (strcmp(row->name, META_SUPPRESSED) == 0)
        recover_suppressed(core, row->value);
    if (strcmp(row->name, META_TEARDOWN) == 0)
        core->teardown.wanted = strcmp(row->value, core->config.framework_id) == 0;
    return recover_keys(core, row, err);
}

static int recover_event(struct core *core, const struct event_row *row, struct error *err)
{
    if (row->class < 1 || row->class >= (int32_t)CLASS(OFFERS))
        return error_set(
                err, ERR_MALFORMED, "the journal has events of class %d, which is none", (int)row->class);
    core->numbers[row->class] = row->number;
    return 0;
}

/* One that waits goes into the queue, or gets the timer that ends its backoff; the others get theirs when
 * there is a subscription. */
static void recover_task(struct core *core, struct task *task)
{
    if (task->state == STATE(QUEUED))
        task_arm(core, task);
}

int core_recover(
        struct core *core, const struct record *record, const void *spec, struct now now, struct error *err)
{
    core->now = now;
    int rc;
    switch (record->kind) {
    case RECORD_META:
        return recover_meta(core, &record->meta, err);
    case RECORD_TASK:
        rc = task_apply(core, &record->task, spec, err);
        if (rc == 0)
            recover_task(core, task_by_key(core, record->task.key));
        return rc;
    case RECORD_ATTEMPT:
        return attempt_apply(core, &record->attempt, err);
    case RECORD_EVENT:
        return recover_event(core, &record->event, err);
    case RECORD_OPERATION:
        return operation_row_apply(core, &record->operation, spec, err);
    case RECORD_FORGET:
    case RECORD_FORGET_OPERATION:
        break; /* are never read back */
    }
    return error_set(err, ERR_MALFORMED, "record kind %d is none", (int)record->kind);
}

/* ---- the subscription ---- */

static void set_text(char **place, const char *text)
{
    free(*place);
    *place = text && *text ? alloc_string(text) : NULL;
}

static void write_alive(struct core *core)
{
    core->alive_ns = core->heard_ns;
    core->alive_due_ms = core->now.mono_ms + ALIVE_MS;
    output_meta_number(core, META_ALIVE_NS, core->alive_ns);
}

/* Away for longer than that, or nobody knows for how long: the clock was set back. */
static bool was_away(const struct core *core, int64_t span_ms)
{
    int64_t away_ms = (core->now.wall_ns - core->alive_ns) / 1000000;
    return core->alive_ns != 0 && (away_ms < 0 || away_ms > span_ms - ON_ITS_WAY_MS);
}

/* For longer than failover_timeout: the master may have ended every task, so a task that is not there
 * proves nothing about whether it ran (PROTOCOL, P). */
static void mark_outlived(struct core *core)
{
    if (!was_away(core, core->config.failover_timeout_ms))
        return;
    for (size_t i = 0; i < core->task_count; i++) {
        struct task *task = core->tasks[i];
        struct attempt *attempt = task_current(task);
        if (!attempt || !state_may_live(attempt->state) || attempt->flags & ATTEMPT_OUTLIVED)
            continue;
        struct attempt_row row = attempt_row_of(task, attempt);
        row.flags |= ATTEMPT_OUTLIVED;
        attempt_write(core, &row);
    }
}

/* KILLs go again, and what is waited for begins anew. */
static void arm_all(struct core *core)
{
    core->patient_until_ms = core->now.mono_ms +
                             (core->config.ask_max_ms > PATIENCE_MS ? core->config.ask_max_ms : PATIENCE_MS);
    for (size_t i = 0; i < core->task_count; i++) {
        struct task *task = core->tasks[i];
        if (!state_wants_answer(task->state))
            continue;
        if (!kill_wanted(task) || task_current(task)->flags & ATTEMPT_REMOVED) {
            task_arm(core, task);
            continue;
        }
        task->kill_backoff_ms = core->config.kill_min_ms;
        kill_send(core, task);
    }
}

static void handle_up(struct core *core, uint64_t subscription, const char *master)
{
    mark_outlived(core);
    bool outlived = was_away(core, core->config.failover_timeout_ms) || was_away(core, OPERATIONS_ADOPTED_MS);
    core->heard_ns = core->now.wall_ns;
    core->subscription = subscription;
    core->subscription_state = ZMESOS__V1__SUBSCRIPTION__SUBSCRIBED;
    core->subscription_since_ns = core->now.wall_ns;
    set_text(&core->master, master);
    set_text(&core->down_text, NULL);
    for (size_t i = 0; i < core->role_count; i++) {
        /* Subscribing clears filters; `suppressed` is what that SUBSCRIBE said. */
        struct role *role = &core->roles[i];
        role->filtered = role->fresh_work = role->revive_asked = false;
        role->epoch++;
        role->revived_ms = role->suppressed ? INT64_MIN : core->now.mono_ms;
        role->active_ms = core->now.mono_ms;
    }
    core->teardown.at_ms = core->now.mono_ms;
    core->teardown.backoff_ms = core->config.kill_min_ms;
    sites_clear(core); /* every agent that is there makes an offer anew */
    limits_up(core);
    write_alive(core);
    output_status_event(core, "zmesos/MASTER");
    operations_up(core, outlived);
    reconcile_all(core);
    arm_all(core);
}

static void handle_down(struct core *core, bool refused, const char *text)
{
    bool was_up = core->subscription != 0;
    text = clean_words(core, text);
    offers_drop_all(core);
    limits_down(core, refused);
    maintenance_clear(core);
    core->subscription = 0;
    core->subscription_state =
            refused ? ZMESOS__V1__SUBSCRIPTION__REFUSED : ZMESOS__V1__SUBSCRIPTION__DISCONNECTED;
    bool same = core->down_text && strcmp(core->down_text, text) == 0;
    set_text(&core->down_text, text);
    if (was_up) {
        core->subscription_since_ns = core->now.wall_ns;
        set_text(&core->master, NULL);
        write_alive(core);
    }
    if (was_up || !same)
        output_status_event(core, "zmesos/MASTER");
}

/* In one that is to leave nothing waits, and the SUBSCRIBE names it until the master has answered. */
size_t core_suppressed_roles(struct core *core, const char **roles)
{
    size_t count = 0;
    for (size_t i = 0; i < core->role_count; i++) {
        struct role *role = &core->roles[i];
        if (role->state != ROLE_OURS && role->state != ROLE_LEAVING)
            continue;
        role->suppressed = role->waiting == 0 || role->stopped || core->teardown.wanted;
        if (role->suppressed)
            roles[count++] = role->name;
    }
    return count;
}

/* ---- time ---- */

static void tick(struct core *core)
{
    timers_run(core);
    pending_tick(core);
    maintenance_tick(core);
    leases_tick(core); /* first: what is set aside is not matched */
    match_run(core);
    limits_tick(core);
    offers_tick(core);
    teardown_tick(core);
    reconcile_tick(core);
    operations_tick(core);
    if (core->subscription != 0 && core->now.mono_ms >= core->alive_due_ms)
        write_alive(core);
    if (core->now.mono_ms >= core->heartbeat_at_ms) {
        core->heartbeat_at_ms = core->now.mono_ms + core->config.heartbeat_ms;
        output_status_event(core, "zmesos/HEARTBEAT");
    }
}

int64_t core_deadline(const struct core *core)
{
    int64_t at = match_is_due(core) ? INT64_MIN : core->heartbeat_at_ms;
    const int64_t others[] = {offers_deadline(core), limits_deadline(core), reconcile_deadline(core),
            timers_deadline(core), teardown_deadline(core), maintenance_deadline(core),
            pending_deadline(core), operations_deadline(core), leases_deadline(core),
            core->subscription != 0 ? core->alive_due_ms : INT64_MAX};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        at = others[i] < at ? others[i] : at;
    return at;
}

void core_handle(
        struct core *core, const struct core_input *input, struct now now, struct core_outputs *outputs)
{
    core->now = now;
    core->out = outputs;
    for (size_t i = 0; i < core->retired_count; i++)
        blob_unref(core->retired[i]);
    core->retired_count = 0;
    core->inputs++;
    task_groups_settle(core); /* those that were recovered */
    forget_step(core);        /* first: what is dropped is in no output yet */
    operations_forget_step(core);
    switch (input->kind) {
    case CORE_IN_TICK:
        break;
    case CORE_IN_CONNECTING:
        if (core->subscription == 0 && core->subscription_state == ZMESOS__V1__SUBSCRIPTION__DISCONNECTED)
            core->subscription_state = ZMESOS__V1__SUBSCRIPTION__CONNECTING;
        break;
    case CORE_IN_UP:
        handle_up(core, input->up.subscription, input->up.master);
        break;
    case CORE_IN_DOWN:
        handle_down(core, input->down.refused, input->down.text);
        break;
    case CORE_IN_EVENT:
        if (core->subscription != 0)
            core->heard_ns = now.wall_ns;
        handle_event(core, input->event.event, input->event.bytes);
        break;
    case CORE_IN_REQUEST:
        handle_request(core, input);
        break;
    case CORE_IN_ANSWER:
        handle_answer(core, input->answer.call, input->answer.answer, input->answer.text);
        break;
    case CORE_IN_RESTORED:
        handle_restored(core, input->restored.store_id);
        break;
    case CORE_IN_REMOVED:
        handle_removed(core, input->removed.framework_id);
        break;
    }
    tick(core);
    core->out = NULL;
}
