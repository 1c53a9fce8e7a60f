/* SUPPRESS and REVIVE as requests: an operator's wish about roles, on disk. The calls themselves leave with
 * the next tick, by the rules of offers.c. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* One that leaves is ours until the master has answered. */
static bool is_ours(const struct role *role)
{
    return role->state == ROLE_OURS || role->state == ROLE_LEAVING;
}

void write_suppressed(struct core *core)
{
    struct arena *arena = &core->out->arena;
    const char *text = "";
    for (size_t i = 0; i < core->role_count; i++) {
        if (core->roles[i].stopped && is_ours(&core->roles[i]))
            text = arena_format(arena, "%s%s%s", text, *text ? " " : "", core->roles[i].name);
    }
    output_meta(core, META_SUPPRESSED, text);
}

/* The rows of a store are in no order: a role that is not known (yet) gets its place all the same. One that
 * is not ours any more is forgotten with the next such wish. */
void recover_suppressed(struct core *core, const char *value)
{
    for (size_t i = 0; i < core->role_count; i++)
        core->roles[i].stopped = false;
    char *names = alloc_string(value), *rest = NULL;
    for (char *name = strtok_r(names, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
        struct role *role = role_slot(core, name);
        if (!role && core->role_count < CORE_ROLES_MAX) {
            role = role_add(core, name);
            role->state = ROLE_GONE;
        }
        if (role)
            role->stopped = true;
    }
    free(names);
}

/* Those that wait in it are told. */
static void tell_why(struct core *core, const struct role *role)
{
    size_t at = 0;
    struct shape *shape;
    while ((shape = map_next(&core->shapes, &at))) {
        if (shape->role == role && shape->queue.count > 0)
            why_tell(core, shape);
    }
}

static void stop(struct core *core, struct role *role)
{
    role->stopped = true;
    role->revive_asked = false;
    role->limits.changed = true;
    leases_end(core, role, ZMESOS__V1__LEASE_CHANGE__WHY__SUPPRESSED);
    tell_why(core, role);
}

static void go_on(struct core *core, struct role *role)
{
    role->stopped = false;
    role->revive_asked = core->subscription != 0; /* SUBSCRIBE asks for all offers anyway */
    limits_open(role);
}

/* Refuses the whole request where one of the roles is not ours. */
static bool all_known(
        struct core *core, const struct core_input *input, const char *name, char **roles, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (role_find(core, roles[i]))
            continue;
        struct error err;
        char field[64];
        snprintf(field, sizeof field, "%s.roles[%zu]", name, i);
        int code = error_set_field(&err, ERR_INVALID, field, "it is none of this daemon's roles");
        reply_refuse(core, input, code, &err);
        return false;
    }
    return true;
}

static void change(struct core *core, const struct core_input *input, const char *name, char **roles,
        size_t count, void (*each)(struct core *core, struct role *role))
{
    struct error err;
    int code = leases_allowed(core, CORE_EXTERNAL_ALL, name, &err);
    if (code) {
        reply_refuse(core, input, code, &err);
        return;
    }
    if (!all_known(core, input, name, roles, count))
        return;
    for (size_t i = 0; i < (count ? count : core->role_count); i++) {
        struct role *role = count ? role_find(core, roles[i]) : &core->roles[i];
        if (is_ours(role))
            each(core, role);
    }
    write_suppressed(core);
    reply_send(core, input->request.token, reply_new(core, input->request.request), NULL);
}

void handle_suppress(struct core *core, const struct core_input *input)
{
    const Zmesos__V1__Suppress *suppress = input->request.request->suppress;
    change(core, input, "suppress", suppress->roles, suppress->n_roles, stop);
}

void handle_revive(struct core *core, const struct core_input *input)
{
    const Zmesos__V1__Revive *revive = input->request.request->revive;
    change(core, input, "revive", revive->roles, revive->n_roles, go_on);
}
