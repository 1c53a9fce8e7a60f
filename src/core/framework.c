/* UPDATE_FRAMEWORK by request: roles that come and go while we are subscribed. Nothing is kept before the
 * master has answered that it is done: until then a role that comes has no tasks (its offers may be here
 * first), and one that leaves takes none. A subscription that is lost meanwhile decides against it: the next
 * SUBSCRIBE says what is kept. What was changed holds over restarts for as long as the configuration names
 * the same roles; another configuration counts more. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define ROLE_NAME_MAX 255

/* ---- roles ---- */

struct role *role_slot(const struct core *core, const char *name)
{
    for (size_t i = 0; i < core->role_count; i++) {
        if (strcmp(core->roles[i].name, name) == 0)
            return &core->roles[i];
    }
    return NULL;
}

struct role *role_add(struct core *core, const char *name)
{
    struct role *role = &core->roles[core->role_count++];
    role->name = alloc_string(name);
    heap_init(&role->queue);
    limits_init(core, role);
    list_init(&role->operations);
    role->revived_ms = role->active_ms = INT64_MIN;
    return role;
}

size_t core_roles(const struct core *core, const char **roles)
{
    size_t count = 0;
    for (size_t i = 0; i < core->role_count; i++) {
        if (core->roles[i].state == ROLE_OURS || core->roles[i].state == ROLE_LEAVING)
            roles[count++] = core->roles[i].name;
    }
    return count;
}

/* ---- what is kept: the configured roles, and on the next line those of now ---- */

static const char *join(struct arena *arena, const char *const *names, size_t count)
{
    const char *text = "";
    for (size_t i = 0; i < count; i++)
        text = arena_format(arena, "%s%s%s", text, i ? " " : "", names[i]);
    return text;
}

static void write_roles(struct core *core)
{
    struct arena *arena = &core->out->arena;
    const char *names[CORE_ROLES_MAX];
    size_t count = core_roles(core, names);
    output_meta(core, META_ROLES,
            arena_format(arena, "%s\n%s", core->configured_roles, join(arena, names, count)));
}

char *roles_configured(const struct core_config *config)
{
    struct arena arena;
    arena_init(&arena);
    char *text = alloc_string(join(&arena, config->roles, config->role_count));
    arena_clear(&arena);
    return text;
}

static void recover_role(struct core *core, const char *name)
{
    struct role *role = role_slot(core, name);
    if (!role && core->role_count < CORE_ROLES_MAX)
        role = role_add(core, name);
    if (role)
        role->state = ROLE_OURS;
}

void recover_roles(struct core *core, const char *value)
{
    const char *end = strchrnul(value, '\n');
    size_t length = (size_t)(end - value);
    if (!*end || strlen(core->configured_roles) != length ||
            memcmp(value, core->configured_roles, length) != 0)
        return;
    for (size_t i = 0; i < core->role_count; i++)
        core->roles[i].state = ROLE_GONE;
    char *names = alloc_string(end + 1), *rest = NULL;
    for (char *name = strtok_r(names, " ", &rest); name; name = strtok_r(NULL, " ", &rest))
        recover_role(core, name);
    free(names);
}

/* ---- checking ---- */

static int refuse(struct error *err, int code, const char *list, size_t i, const char *words)
{
    char field[64];
    snprintf(field, sizeof field, "update_framework.%s[%zu]", list, i);
    return error_set_field(err, code, field, "%s", words);
}

static bool named_before(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], names[count]) == 0)
            return true;
    }
    return false;
}

static int check_added(const struct core *core, const Zmesos__V1__UpdateFramework *update, struct error *err)
{
    size_t slots = core->role_count;
    for (size_t i = 0; i < update->n_add_roles; i++) {
        const char *name = update->add_roles[i];
        if (!*name || strlen(name) > ROLE_NAME_MAX || strpbrk(name, " \t\r\n\v\f\\\x7f"))
            return refuse(err, ERR_INVALID, "add_roles", i, "Mesos does not allow that name");
        if (role_find(core, name) || named_before(update->add_roles, i))
            return refuse(err, ERR_INVALID, "add_roles", i, "it is one of the roles already");
        slots += role_slot(core, name) == NULL;
    }
    const char *names[CORE_ROLES_MAX];
    if (slots > CORE_ROLES_MAX || core_roles(core, names) + update->n_add_roles > CORE_ROLES_AT_ONCE)
        return error_set_field(err, ERR_TOO_LARGE, "update_framework.add_roles",
                "there are at most %d roles at a time, and %d in one run", CORE_ROLES_AT_ONCE,
                CORE_ROLES_MAX);
    return 0;
}

static size_t tasks_in(const struct core *core, const struct role *role)
{
    size_t count = 0;
    for (size_t i = 0; i < core->task_count; i++)
        count += core->tasks[i]->shape->role == role && !task_is_final(core->tasks[i]);
    return count;
}

static int check_removed(struct core *core, const Zmesos__V1__UpdateFramework *update, struct error *err)
{
    for (size_t i = 0; i < update->n_remove_roles; i++) {
        const struct role *role = role_find(core, update->remove_roles[i]);
        if (!role || named_before(update->remove_roles, i))
            return refuse(err, ERR_INVALID, "remove_roles", i, "it is none of the roles");
        size_t tasks = tasks_in(core, role);
        if (tasks > 0)
            return refuse(err, ERR_UNAVAILABLE, "remove_roles", i,
                    arena_format(&core->out->arena, "%zu of its tasks are not over, or may return", tasks));
        uint64_t operations = operations_not_over(core, role);
        if (operations > 0)
            return refuse(err, ERR_UNAVAILABLE, "remove_roles", i,
                    arena_format(&core->out->arena, "%llu of its operations are not over",
                            (unsigned long long)operations));
    }
    const char *names[CORE_ROLES_MAX];
    if (core_roles(core, names) + update->n_add_roles == update->n_remove_roles)
        return error_set_field(err, ERR_INVALID, "update_framework.remove_roles", "no role would be left");
    return 0;
}

static int check(struct core *core, const Zmesos__V1__UpdateFramework *update, struct error *err)
{
    if (update->n_add_roles + update->n_remove_roles == 0 && !framework_words_any(update))
        return error_set_field(err, ERR_INVALID, "update_framework", "nothing is to be changed");
    if (core->update_asked)
        return error_set(err, ERR_UNAVAILABLE, "the master has not answered another change yet");
    int code = framework_words_check(update, err);
    code = code ? code : check_added(core, update, err);
    return code ? code : check_removed(core, update, err);
}

/* ---- changing ---- */

static void begin(struct core *core, const Zmesos__V1__UpdateFramework *update)
{
    for (size_t i = 0; i < update->n_remove_roles; i++) {
        struct role *role = role_find(core, update->remove_roles[i]);
        leases_end(core, role, ZMESOS__V1__LEASE_CHANGE__WHY__ROLE_REMOVED);
        role->state = ROLE_LEAVING;
    }
    for (size_t i = 0; i < update->n_add_roles; i++) {
        struct role *role = role_slot(core, update->add_roles[i]);
        role = role ? role : role_add(core, update->add_roles[i]);
        role->state = ROLE_COMING;
        role->suppressed = true; /* nothing waits in it yet */
        role->stopped = false;
    }
}

/* All that stay and come; those without work want no offers, as before. */
Mesos__V1__Scheduler__Call__UpdateFramework *framework_message(struct core *core)
{
    struct arena *arena = &core->out->arena;
    Mesos__V1__Scheduler__Call__UpdateFramework *update = arena_alloc(arena, sizeof *update);
    mesos__v1__scheduler__call__update_framework__init(update);
    update->framework_info = arena_alloc(arena, sizeof *update->framework_info);
    mesos__v1__framework_info__init(update->framework_info);
    update->framework_info->roles = arena_array(arena, core->role_count, sizeof(char *));
    update->suppressed_roles = arena_array(arena, core->role_count, sizeof(char *));
    framework_words_tell(core, update->framework_info);
    for (size_t i = 0; i < core->role_count; i++) {
        const struct role *role = &core->roles[i];
        if (role->state != ROLE_OURS && role->state != ROLE_COMING)
            continue;
        update->framework_info->roles[update->framework_info->n_roles++] = role->name;
        if (role->suppressed)
            update->suppressed_roles[update->n_suppressed_roles++] = role->name;
    }
    return update;
}

void handle_update_framework(struct core *core, const struct core_input *input)
{
    const Zmesos__V1__UpdateFramework *update = input->request.request->update_framework;
    struct error err;
    int code = check(core, update, &err);
    code = code ? code : asked_may(core, &err);
    if (code) {
        reply_refuse(core, input, code, &err);
        return;
    }
    begin(core, update);
    framework_words_change(core, update);
    Mesos__V1__Scheduler__Call__UpdateFramework *call = framework_message(core);
    call->offer_constraints = limits_carried(core);
    asked_send(core, input, MESOS__V1__SCHEDULER__CALL__TYPE__UPDATE_FRAMEWORK)->update_framework = call;
    core->update_asked = true;
}

void framework_updated(struct core *core, bool done)
{
    bool forgets = false; /* that one is suppressed, which is not ours any more */
    core->update_asked = false;
    framework_words_answered(core, done);
    limits_carried_answered(core, done);
    for (size_t i = 0; i < core->role_count; i++) {
        struct role *role = &core->roles[i];
        if (role->state == ROLE_COMING) {
            role->state = done ? ROLE_OURS : ROLE_GONE;
        } else if (role->state == ROLE_LEAVING) {
            role->state = done ? ROLE_GONE : ROLE_OURS;
            forgets |= done && role->stopped;
        }
        if (role->state == ROLE_GONE)
            limits_forget(role);
    }
    if (done)
        write_roles(core);
    if (forgets)
        write_suppressed(core);
}
