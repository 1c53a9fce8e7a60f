/* Launching a group: all of its members are taken, or none (docs/protocol.md "Groups"). */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The members in a launch. */
struct candidates {
    const struct core_input *input;
    const char *name;
    size_t *places; /* in launch.tasks */
    size_t count;
    int code;       /* why all of it is refused; 0: is not */
    size_t culprit; /* the first member at fault */
};

static const Zmesos__V1__TaskSpec *spec_of(const struct candidates *all, size_t i)
{
    return all->input->request.request->launch->tasks[all->places[i]];
}

static struct slice bytes_of(const struct candidates *all, size_t i)
{
    return all->input->request.specs[all->places[i]];
}

static struct candidates find_all(struct core *core, const struct core_input *input, size_t first, bool *done)
{
    const Zmesos__V1__Launch *launch = input->request.request->launch;
    struct candidates all = {.input = input, .name = launch->tasks[first]->group};
    all.places = arena_array(&core->out->arena, launch->n_tasks, sizeof *all.places);
    for (size_t i = first; i < launch->n_tasks; i++) {
        if (launch->tasks[i]->group && strcmp(launch->tasks[i]->group, all.name) == 0) {
            all.places[all.count++] = i;
            done[i] = true;
        }
    }
    return all;
}

static void field_of(const struct candidates *all, size_t i, const char *field, struct error *err)
{
    snprintf(
            err->field, sizeof err->field, "launch.tasks[%zu]%s%s", all->places[i], *field ? "." : "", field);
}

static bool is_there_before(const struct candidates *all, size_t i)
{
    const char *id = spec_of(all, i)->id;
    bool before = false;
    for (size_t j = 0; id && j < i && !before; j++)
        before = spec_of(all, j)->id && strcmp(spec_of(all, j)->id, id) == 0;
    return before;
}

/* ---- a group that is kept ---- */

static int check_kept(const struct core *core, const struct task_group *group, const struct candidates *all,
        size_t i, struct error *err)
{
    const char *id = spec_of(all, i)->id;
    const struct task *task = id ? task_find(core, id) : NULL;
    int code = 0;
    if (!task || task->task_group != group || is_there_before(all, i))
        code = error_set(err, ERR_CONFLICT, "the group %s exists, with other members", all->name);
    else if (!launch_is_same(core, task, bytes_of(all, i)))
        code = error_set(err, ERR_CONFLICT, "a task with this id and another specification exists");
    if (code)
        field_of(all, i, task && task->task_group == group ? "id" : "group", err);
    return code;
}

/* ---- a new one ---- */

static const char *text_of(const char *text)
{
    return text ? text : "";
}

static bool same_message(const void *a, const void *b)
{
    struct buf left, right;
    if (!a || !b)
        return a == b;
    buf_init(&left, 0);
    buf_init(&right, 0);
    message_key(&left, a);
    message_key(&right, b);
    bool same = slice_equal(slice_of(left.data, left.length), slice_of(right.data, right.length));
    buf_clear(&left);
    buf_clear(&right);
    return same;
}

/* What belongs to the group; NULL: nothing differs. */
static const char *difference(const Zmesos__V1__TaskSpec *a, const Zmesos__V1__TaskSpec *b)
{
    if (strcmp(text_of(a->role), text_of(b->role)) != 0)
        return "role";
    if (a->priority != b->priority)
        return "priority";
    if (strcmp(text_of(a->submitter), text_of(b->submitter)) != 0)
        return "submitter";
    if (!a->despite_maintenance != !b->despite_maintenance)
        return "despite_maintenance";
    return same_message(a->executor, b->executor) ? NULL : "executor";
}

static bool looks_at_its_name(const Zmesos__V1__TaskSpec *spec)
{
    for (size_t i = 0; i < spec->n_constraints; i++) {
        switch (spec->constraints[i]->operator_) {
        case ZMESOS__V1__CONSTRAINT__OPERATOR__UNIQUE:
        case ZMESOS__V1__CONSTRAINT__OPERATOR__MAX_PER:
        case ZMESOS__V1__CONSTRAINT__OPERATOR__SPREAD:
        case ZMESOS__V1__CONSTRAINT__OPERATOR__TOGETHER:
            return true;
        default:
            break;
        }
    }
    return false;
}

/* What the members' constraints are together; equal ones count once. */
struct rules {
    const Zmesos__V1__Constraint *list[CORE_GROUP_CONSTRAINTS_MAX];
    size_t count;
    bool look_at_names; /* of one member */
};

static bool is_known_rule(const struct rules *rules, const Zmesos__V1__Constraint *rule)
{
    bool known = false;
    for (size_t i = 0; i < rules->count && !known; i++)
        known = same_message(rules->list[i], rule);
    return known;
}

static int check_rules(struct rules *rules, const Zmesos__V1__TaskSpec *spec, struct error *err)
{
    bool looks = looks_at_its_name(spec);
    if (looks && rules->look_at_names)
        return error_set(err, ERR_INVALID,
                "one member of a group may have UNIQUE, MAX_PER, SPREAD or TOGETHER: the others go with it");
    rules->look_at_names |= looks;
    for (size_t i = 0; i < spec->n_constraints; i++) {
        if (is_known_rule(rules, spec->constraints[i]))
            continue;
        if (rules->count == CORE_GROUP_CONSTRAINTS_MAX)
            return error_set(err, ERR_TOO_LARGE,
                    "a group has at most %d constraints, equal ones counted once",
                    CORE_GROUP_CONSTRAINTS_MAX);
        rules->list[rules->count++] = spec->constraints[i];
    }
    return 0;
}

/* What spec_check() cannot know. */
static int check_member(
        const struct candidates *all, size_t i, struct rules *rules, const char **field, struct error *err)
{
    const Zmesos__V1__TaskSpec *spec = spec_of(all, i);
    *field = "id";
    if (is_there_before(all, i))
        return error_set(err, ERR_INVALID, "two members of the group have this id");
    *field = difference(spec_of(all, 0), spec);
    if (*field)
        return error_set(err, ERR_INVALID, "%s is the same in all members of a group", *field);
    *field = "retry";
    if (spec->retry)
        return error_set(err, ERR_INVALID,
                "a member of a group has no retry policy: its group would have to be tried again as a whole");
    *field = "container";
    if (spec->container && spec->container->type == MESOS__V1__CONTAINER_INFO__TYPE__DOCKER)
        return error_set(err, ERR_INVALID,
                "a member of a group has no Docker container; one of type MESOS may have an image");
    *field = "constraints";
    return check_rules(rules, spec, err);
}

static int check_new(const struct core *core, const struct candidates *all, size_t i, struct rules *rules,
        struct error *err)
{
    const Zmesos__V1__TaskSpec *spec = spec_of(all, i);
    const char *field;
    char path[48];
    if (spec->id && task_find(core, spec->id)) {
        int code = error_set(err, ERR_CONFLICT, "a task with this id and another specification exists");
        field_of(all, i, "id", err);
        return code;
    }
    snprintf(path, sizeof path, "launch.tasks[%zu]", all->places[i]);
    int code = spec_check(core, spec, path, err);
    if (code)
        return code;
    code = check_member(all, i, rules, &field, err);
    if (code)
        field_of(all, i, field, err);
    return code;
}

/* ---- both ---- */

static void refuse(struct core *core, struct candidates *all, size_t i, int code, const struct error *err,
        Zmesos__V1__Items *items)
{
    item_refuse(core, items->items[all->places[i]], code, err);
    if (all->code == 0)
        all->culprit = i;
    all->code = all->code ? all->code : code;
}

/* Those that nothing is wrong with. */
static void refuse_others(struct core *core, const struct candidates *all, Zmesos__V1__Items *items)
{
    struct error err;
    const char *id = spec_of(all, all->culprit)->id;
    error_set(&err, all->code, "refused with its group, because of %s%.*s", id ? "" : "one without an id",
            CORE_TASK_ID_MAX, id ? id : "");
    for (size_t i = 0; i < all->count; i++) {
        if (items->items[all->places[i]]->code == CODE(OK))
            item_refuse(core, items->items[all->places[i]], all->code, &err);
    }
}

static void refuse_all(struct core *core, struct candidates *all, int code, struct error *err,
        const char *field, Zmesos__V1__Items *items)
{
    for (size_t i = 0; i < all->count; i++) {
        if (*field)
            field_of(all, i, field, err);
        refuse(core, all, i, code, err, items);
    }
}

void launch_group(
        struct core *core, const struct core_input *input, size_t first, Zmesos__V1__Items *items, bool *done)
{
    if (done[first])
        return;
    struct candidates all = find_all(core, input, first, done);
    const struct task_group *kept = map_get_string(&core->task_groups, all.name);
    struct rules rules = {.count = 0};
    struct error err = {.text = ""};
    for (size_t i = 0; i < all.count; i++) {
        int code = kept ? check_kept(core, kept, &all, i, &err) : check_new(core, &all, i, &rules, &err);
        if (code)
            refuse(core, &all, i, code, &err, items);
    }
    err.field[0] = '\0';
    if (all.code == 0 && kept && all.count != kept->count) {
        int code =
                error_set(&err, ERR_CONFLICT, "the group %s exists, with %zu members", all.name, kept->count);
        refuse_all(core, &all, code, &err, "group", items);
    } else if (all.code == 0 && !kept) {
        int code = launch_may(core, all.count, &err);
        if (code)
            refuse_all(core, &all, code, &err, "", items);
    }
    if (all.code) {
        refuse_others(core, &all, items);
        return;
    }
    for (size_t i = 0; i < all.count; i++) {
        Zmesos__V1__Item *item = items->items[all.places[i]];
        if (!kept) {
            launch_add(core, spec_of(&all, i), bytes_of(&all, i), item);
            continue;
        }
        item->has_known = item->known = true;
        item_state(item, task_find(core, spec_of(&all, i)->id));
    }
}
