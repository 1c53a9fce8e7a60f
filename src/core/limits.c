/* Offer constraints (PROTOCOL "Offers"): the master makes a role offers of those agents alone on which
 * something that waits in it could go. A role's wish is the groups of all shapes that wait in it, or offers
 * of all agents where one of them cannot be told by groups, or something else waits.
 *
 * What waits may never lack offers for it, so a wish that the master's constraints do not cover is told at
 * once, together with what it goes by already; that is made less only when the wish has stood for some time.
 * One call is on its way at a time, and not more than one in --revive-interval. A role in which nothing waits
 * stays as it is. A lease wants offers of all agents. A wish that the master refuses (its limits of regular
 * expressions are its own) is not told again: offers of all agents are wanted instead. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define STANDS_INTERVALS 3 /* of --revive-interval, before less is wanted */
#define BACKOFF_MOST_MS 600000

struct limit {
    struct slice text;
    size_t shapes;
};

/* ---- what waits ---- */

static uint64_t work(const struct role *role)
{
    return role->waiting + role->leases;
}

void limits_init(struct core *core, struct role *role)
{
    role->limits = (struct limits){.next_ms = INT64_MAX};
    map_init(&role->limits.groups, core->config.seed[0], core->config.seed[1]);
}

static void limit_free(struct limit *limit)
{
    free((void *)(uintptr_t)limit->text.data);
    free(limit);
}

void limits_forget(struct role *role)
{
    struct slice *texts[] = {&role->limits.wish, &role->limits.told, &role->limits.said,
            &role->limits.carried, &role->limits.next};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        limit_text_set(texts[i], slice_of(NULL, 0));
    role->limits.next_ms = INT64_MAX;
    role->limits.changed = true;
}

void limits_clear(struct role *role)
{
    size_t at = 0;
    struct limit *limit;
    while ((limit = map_next(&role->limits.groups, &at)))
        limit_free(limit);
    map_clear(&role->limits.groups);
    limits_forget(role);
}

static void count_group(struct limits *limits, struct slice text, bool waits)
{
    struct limit *limit = map_get(&limits->groups, text);
    if (waits && !limit) {
        limit = alloc_zeroed(1, sizeof *limit);
        limit_text_set(&limit->text, text);
        map_put(&limits->groups, limit->text, limit);
    }
    limit->shapes += waits ? 1 : (size_t)-1;
    if (limit->shapes > 0)
        return;
    map_remove(&limits->groups, limit->text);
    limit_free(limit);
}

void limits_count(struct core *core, struct shape *shape, bool waits)
{
    struct limits *limits = &shape->role->limits;
    if (!core->config.offer_constraints)
        return;
    limits->tasks += waits ? 1 : (uint64_t)-1;
    limits->changed = true;
    shape->waiting += waits ? 1 : (size_t)-1;
    if (shape->waiting != (waits ? 1 : 0))
        return; /* not its first, nor its last */
    if (shape->limit_count == 0)
        limits->shapes_open += waits ? 1 : (size_t)-1;
    for (size_t i = 0; i < shape->limit_count; i++)
        count_group(limits, shape->limits[i], waits);
}

void limits_open(struct role *role)
{
    role->limits.opened = role->limits.changed = true;
}

/* Of all that waits; empty: offers of all agents. */
static size_t wanted(const struct role *role, struct slice groups[LIMIT_GROUPS_MOST])
{
    const struct limits *limits = &role->limits;
    if (limits->shapes_open > 0 || limits->tasks != work(role) || limits->groups.count > LIMIT_GROUPS_MOST)
        return 0;
    size_t at = 0, count = 0;
    const struct limit *limit;
    while ((limit = map_next(&limits->groups, &at)))
        count = limit_insert(groups, count, limit->text);
    return count;
}

static void make_wish(struct core *core, struct role *role)
{
    struct slice groups[LIMIT_GROUPS_MOST], before = role->limits.wish;
    size_t count = wanted(role, groups);
    role->limits.wish = slice_of(NULL, 0);
    limit_text_write(&role->limits.wish, groups, count);
    if (!slice_equal(role->limits.wish, before) || work(role) == 0) {
        role->limits.wish_ms = core->now.mono_ms;
        role->limits.refused = false;
    }
    free((void *)(uintptr_t)before.data);
}

/* ---- what is to be told ---- */

static void plan(struct limits *limits, struct slice text, int64_t at_ms)
{
    limit_text_set(&limits->next, text);
    limits->next_ms = slice_equal(text, limits->told) ? INT64_MAX : at_ms;
}

static void plan_more(struct limits *limits)
{
    struct slice groups[2 * LIMIT_GROUPS_MOST];
    size_t count = limit_text_read(groups, limit_text_read(groups, 0, limits->told), limits->wish);
    limit_text_write(&limits->next, groups, count);
    if (limits->next.length == 0)
        limit_text_set(&limits->next, limits->wish);
    limits->next_ms = INT64_MIN;
}

static void make_plan(struct core *core, struct role *role)
{
    struct limits *limits = &role->limits;
    make_wish(core, role);
    limits->waiting = work(role);
    limits->changed = false;
    if (limits->opened && limits->told.length == 0) {
        limits->opened = false;
        limits->wish_ms = core->now.mono_ms;
    }
    if (limits->opened || (work(role) > 0 && (limits->wish.length == 0 || limits->refused)))
        plan(limits, slice_of(NULL, 0), INT64_MIN);
    else if (work(role) == 0 || role->stopped)
        plan(limits, limits->told, INT64_MAX);
    else if (limit_text_covers(limits->told, limits->wish))
        plan(limits, limits->wish, limits->wish_ms + STANDS_INTERVALS * core->config.revive_ms);
    else
        plan_more(limits);
}

/* ---- telling ---- */

static Mesos__V1__Scheduler__OfferConstraints *message_new(struct arena *arena)
{
    Mesos__V1__Scheduler__OfferConstraints *message = arena_alloc(arena, sizeof *message);
    mesos__v1__scheduler__offer_constraints__init(message);
    message->role_constraints = arena_array(arena, CORE_ROLES_MAX, sizeof *message->role_constraints);
    return message;
}

static void message_add(struct arena *arena, Mesos__V1__Scheduler__OfferConstraints *message,
        const struct role *role, struct slice text)
{
    if (text.length == 0)
        return;
    Mesos__V1__Scheduler__OfferConstraints__RoleConstraintsEntry *entry = arena_alloc(arena, sizeof *entry);
    mesos__v1__scheduler__offer_constraints__role_constraints_entry__init(entry);
    entry->key = arena_string(arena, role->name);
    entry->value = arena_alloc(arena, sizeof *entry->value);
    mesos__v1__scheduler__offer_constraints__role_constraints__init(entry->value);
    entry->value->groups = arena_array(arena, 2 * LIMIT_GROUPS_MOST, sizeof *entry->value->groups);
    struct slice group;
    while (limit_text_next(&text, &group))
        entry->value->groups[entry->value->n_groups++] = limit_message(arena, group);
    message->role_constraints[message->n_role_constraints++] = entry;
}

static bool is_due(const struct core *core, const struct role *role)
{
    return role->state == ROLE_OURS && role->limits.next_ms <= core->now.mono_ms;
}

static void send(struct core *core)
{
    struct arena *arena = &core->out->arena;
    Mesos__V1__Scheduler__Call__UpdateFramework *update = framework_message(core);
    update->offer_constraints = message_new(arena);
    for (size_t i = 0; i < core->role_count; i++) {
        struct role *role = &core->roles[i];
        bool due = is_due(core, role);
        limit_text_set(&role->limits.said, due ? role->limits.next : role->limits.told);
        if (role->state == ROLE_OURS)
            message_add(arena, update->offer_constraints, role, role->limits.said);
    }
    struct core_call *out = output_call(core, MESOS__V1__SCHEDULER__CALL__TYPE__UPDATE_FRAMEWORK, true);
    out->call->update_framework = update;
    core->limit_call = out->number;
    core->limit_at_ms = core->now.mono_ms + core->config.revive_ms;
}

static bool may_send(const struct core *core)
{
    return core->config.offer_constraints && core->subscription != 0 && core->limit_call == 0 &&
           !core->update_asked && !core->teardown.wanted;
}

void limits_tick(struct core *core)
{
    bool due = false;
    if (!may_send(core))
        return;
    for (size_t i = 0; i < core->role_count; i++) {
        struct role *role = &core->roles[i];
        if (role->limits.changed || role->limits.waiting != work(role))
            make_plan(core, role);
        due |= is_due(core, role);
    }
    if (due && core->now.mono_ms >= core->limit_at_ms)
        send(core);
}

int64_t limits_deadline(const struct core *core)
{
    int64_t at = INT64_MAX;
    if (!may_send(core))
        return at;
    for (size_t i = 0; i < core->role_count; i++) {
        const struct role *role = &core->roles[i];
        if (role->state == ROLE_OURS && role->limits.next_ms < at)
            at = role->limits.next_ms;
    }
    return at < core->limit_at_ms ? core->limit_at_ms : at;
}

/* ---- answers ---- */

static void told(struct limits *limits, struct slice text)
{
    limit_text_set(&limits->told, text);
    limits->changed = true;
}

/* Only what the master did not go by before can be what it refuses. */
static void refused(struct limits *limits)
{
    if (!limit_text_has(limits->told, limits->said))
        limits->refused = limit_text_has(limits->said, limits->wish);
    limits->changed = true;
}

bool limits_answered(struct core *core, uint64_t call, enum core_answer answer)
{
    if (core->limit_call == 0 || call != core->limit_call)
        return false;
    core->limit_call = 0;
    if (answer == CORE_ACCEPTED)
        core->limit_backoff_ms = 0;
    else if (answer == CORE_REFUSED) {
        core->limit_backoff_ms = core->limit_backoff_ms > 0 ? core->limit_backoff_ms : core->config.revive_ms;
        core->limit_at_ms = core->now.mono_ms + backoff_take(&core->limit_backoff_ms, BACKOFF_MOST_MS);
    }
    for (size_t i = 0; i < core->role_count; i++) {
        struct role *role = &core->roles[i];
        if (answer == CORE_ACCEPTED)
            told(&role->limits, role->limits.said);
        else if (answer == CORE_REFUSED)
            refused(&role->limits);
    }
    return true;
}

Mesos__V1__Scheduler__OfferConstraints *limits_carried(struct core *core)
{
    struct arena *arena = &core->out->arena;
    Mesos__V1__Scheduler__OfferConstraints *message = message_new(arena);
    for (size_t i = 0; i < core->role_count; i++) {
        struct role *role = &core->roles[i];
        bool stays = role->state == ROLE_OURS;
        limit_text_set(&role->limits.carried, stays ? role->limits.told : slice_of(NULL, 0));
        message_add(arena, message, role, role->limits.carried);
    }
    return message->n_role_constraints > 0 ? message : NULL;
}

void limits_carried_answered(struct core *core, bool done)
{
    for (size_t i = 0; i < core->role_count && done; i++)
        told(&core->roles[i].limits, core->roles[i].limits.carried);
}

/* ---- subscribing ---- */

/* What is refused here would end all: nothing but what no master refuses, and nothing after a refusal. */
static void say_at_first(struct core *core, struct role *role)
{
    struct slice groups[LIMIT_GROUPS_MOST];
    struct buf plain[LIMIT_GROUPS_MOST];
    bool wanted_now = role->state == ROLE_OURS && role->waiting > 0 && !core->limits_unsaid;
    size_t count = wanted_now ? wanted(role, groups) : 0, kept = 0;
    bool all = false;
    struct slice sorted[LIMIT_GROUPS_MOST] = {0};
    for (size_t i = 0; i < count; i++) {
        buf_init(&plain[i], 0);
        limit_without_patterns(&plain[i], groups[i]);
        if (plain[i].length == 0)
            all = true;
        else
            kept = limit_insert(sorted, kept, slice_of(plain[i].data, plain[i].length));
    }
    limit_text_write(&role->limits.said, sorted, all ? 0 : kept);
    for (size_t i = 0; i < count; i++)
        buf_clear(&plain[i]);
}

Mesos__V1__Scheduler__OfferConstraints *core_offer_constraints(struct core *core, struct arena *arena)
{
    Mesos__V1__Scheduler__OfferConstraints *message = message_new(arena);
    for (size_t i = 0; core->config.offer_constraints && i < core->role_count; i++) {
        say_at_first(core, &core->roles[i]);
        message_add(arena, message, &core->roles[i], core->roles[i].limits.said);
    }
    return message->n_role_constraints > 0 ? message : NULL;
}

void limits_up(struct core *core)
{
    core->limit_call = 0;
    core->limit_at_ms = INT64_MIN;
    core->limit_backoff_ms = 0;
    core->limits_unsaid = false;
    for (size_t i = 0; i < core->role_count; i++) {
        struct limits *limits = &core->roles[i].limits;
        limit_text_set(&limits->told, limits->said);
        limits->opened = limits->refused = false;
        limits->changed = true;
        limits->wish_ms = core->now.mono_ms;
    }
}

void limits_down(struct core *core, bool refused)
{
    core->limit_call = 0;
    core->limits_unsaid |= refused;
}
