/* SUPPRESS and REVIVE as requests: an operator's wish about roles, on disk. The calls themselves leave with
 * the next tick, by the rules of offers.c. */
#include "internal.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

static void write_suppressed(struct core *core)
{
    struct arena *arena = &core->out->arena;
    const char *text = "";
    for (size_t i = 0; i < core->role_count; i++) {
        if (core->roles[i].stopped)
            text = arena_format(arena, "%s%s%s", text, *text ? " " : "", core->roles[i].name);
    }
    output_meta(core, META_SUPPRESSED, text);
}

/* A role that is not configured any more is left out, and forgotten with the next such wish. */
void recover_suppressed(struct core *core, const char *value)
{
    for (size_t i = 0; i < core->role_count; i++)
        core->roles[i].stopped = false;
    while (*value) {
        size_t length = (size_t)(strchrnul(value, ' ') - value);
        for (size_t i = 0; i < core->role_count; i++) {
            const char *name = core->roles[i].name;
            if (strlen(name) == length && memcmp(name, value, length) == 0)
                core->roles[i].stopped = true;
        }
        value += length + (value[length] == ' ');
    }
}

/* Those that wait in it are told. */
static void tell_why(struct core *core, const struct role *role)
{
    size_t at = 0;
    struct shape *shape;
    while ((shape = map_next(&core->shapes, &at))) {
        if (shape->role == role && list_first(&shape->queue))
            why_tell(core, shape);
    }
}

static void stop(struct core *core, struct role *role)
{
    role->stopped = true;
    role->revive_asked = false;
    tell_why(core, role);
}

static void go_on(struct core *core, struct role *role)
{
    role->stopped = false;
    role->revive_asked = core->subscription != 0; /* SUBSCRIBE asks for all offers anyway */
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
    if (!all_known(core, input, name, roles, count))
        return;
    for (size_t i = 0; i < (count ? count : core->role_count); i++)
        each(core, count ? role_find(core, roles[i]) : &core->roles[i]);
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
