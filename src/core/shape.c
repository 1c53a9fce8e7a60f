/* Shapes: what a specification asks of an offer, shared by all tasks that ask the same. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/decimal.h"

#define OP(name) ZMESOS__V1__CONSTRAINT__OPERATOR__##name

#define DEMAND_COST 50 /* of a look at an offer, in steps of matching */

const char *const scalar_names[SCALAR_COUNT] = {"cpus", "mem", "disk", "gpus"};

struct role *role_find(const struct core *core, const char *name)
{
    for (size_t i = 0; i < core->role_count; i++) {
        struct role *role = &core->roles[i];
        if (role->state == ROLE_OURS && (!name || strcmp(role->name, name) == 0))
            return role;
    }
    return NULL;
}

static void read_scalars(const Zmesos__V1__TaskSpec *spec, int64_t scalars[SCALAR_COUNT])
{
    const double values[SCALAR_COUNT] = {[SCALAR_CPUS] = spec->cpus, spec->mem, spec->disk, spec->gpus};
    for (int i = 0; i < SCALAR_COUNT; i++) {
        if (milli_from_double(values[i], &scalars[i]) || scalars[i] < 0)
            scalars[i] = MILLI_MAX; /* spec_check() refused it before; were it kept all the same, it fits
                                       nowhere */
    }
}

/* Which constraints make a shape what it is. */
static void read_kinds(const Zmesos__V1__TaskSpec *spec, bool *grouped, bool *unsteady, bool *preferring)
{
    *grouped = *unsteady = *preferring = false;
    for (size_t i = 0; i < spec->n_constraints; i++) {
        Zmesos__V1__Constraint__Operator op = spec->constraints[i]->operator_;
        *preferring |= spec->constraints[i]->preferred != 0;
        *grouped |= op == OP(UNIQUE) || op == OP(MAX_PER) || op == OP(SPREAD) || op == OP(TOGETHER);
        *unsteady |= op == OP(SPREAD) || op == OP(NEAR);
    }
}

/* The buffer of a key has no limit. */
static void key_bytes(struct buf *key, const void *bytes, size_t length)
{
    if (buf_append(key, bytes, length))
        abort();
}

static void key_number(struct buf *key, int64_t number)
{
    key_bytes(key, &number, sizeof number);
}

static void key_text(struct buf *key, const char *text)
{
    size_t length = strlen(text);
    key_number(key, (int64_t)length);
    key_bytes(key, text, length);
}

/* Bytes of all that matching looks at; texts carry their length and lists their count, so that no two shapes
 * share a key. Where tasks of the same name count, the name belongs to it. */
static void write_key(struct buf *key, const struct role *role, const Zmesos__V1__TaskSpec *spec,
        const int64_t scalars[SCALAR_COUNT])
{
    bool grouped, unsteady, preferring;
    read_kinds(spec, &grouped, &unsteady, &preferring);
    key_text(key, role->name);
    key_number(key, spec->priority);
    key_bytes(key, scalars, SCALAR_COUNT * sizeof *scalars);
    key_number(key, spec->ports);
    key_number(key, (int64_t)spec->n_constraints);
    for (size_t i = 0; i < spec->n_constraints; i++) {
        const Zmesos__V1__Constraint *c = spec->constraints[i];
        key_number(key, (int64_t)c->operator_ * 2 + (c->preferred != 0));
        key_text(key, c->attribute);
        key_number(key, (int64_t)c->n_values);
        for (size_t j = 0; j < c->n_values; j++)
            key_text(key, c->values[j]);
    }
    key_text(key, !grouped ? "" : spec->name ? spec->name : spec->id);
    key_number(key, spec->despite_maintenance != 0);
    key_text(key, spec->placer ? spec->placer : "");
    key_number(key, (int64_t)spec->n_resources);
    for (size_t i = 0; i < spec->n_resources; i++)
        message_key(key, spec->resources[i]);
    bool executor = spec->executor && !spec->group; /* a group's is the group's */
    key_number(key, executor);
    if (executor) {
        key_text(key, spec->executor->executor_id->value);
        key_number(key, (int64_t)spec->executor->n_resources);
        for (size_t i = 0; i < spec->executor->n_resources; i++)
            message_key(key, spec->executor->resources[i]);
    }
    key_text(key, spec->submitter ? spec->submitter : "");
}

static bool has_regex(const struct constraint *constraint)
{
    return constraint->op == OP(MATCHES) || constraint->op == OP(NOT_MATCHES);
}

/* spec_check() has seen all of it before: what cannot be read here was kept by a fault of ours. */
static void constraint_compile_values(struct constraint *constraint)
{
    if (has_regex(constraint) && constraint_compile(constraint->values[0], &constraint->regex))
        abort();
    if (constraint->op == OP(GREATER) || constraint->op == OP(LESS)) {
        if (milli_parse(constraint->values[0], &constraint->number))
            abort();
    } else if (constraint->op == OP(MAX_PER) &&
               integer_parse(constraint->values[0], 1, INT64_MAX, &constraint->number)) {
        abort();
    }
}

static void constraint_set(struct constraint *to, const char *attribute, Zmesos__V1__Constraint__Operator op,
        bool preferred, char *const *values, size_t value_count)
{
    *to = (struct constraint){.attribute = alloc_string(attribute),
            .op = op,
            .preferred = preferred,
            .values = alloc_zeroed(value_count, sizeof *to->values),
            .value_count = value_count};
    for (size_t i = 0; i < value_count; i++)
        to->values[i] = alloc_string(values[i]);
    constraint_compile_values(to);
}

struct constraint *constraints_read(Zmesos__V1__Constraint *const *list, size_t count)
{
    struct constraint *constraints = alloc_zeroed(count, sizeof *constraints);
    for (size_t i = 0; i < count; i++)
        constraint_set(&constraints[i], list[i]->attribute, list[i]->operator_, list[i]->preferred,
                list[i]->values, list[i]->n_values);
    return constraints;
}

static void constraint_clear(struct constraint *constraint)
{
    if (has_regex(constraint))
        regfree(&constraint->regex);
    for (size_t i = 0; i < constraint->value_count; i++)
        free(constraint->values[i]);
    free(constraint->values);
    free(constraint->attribute);
}

void constraints_free(struct constraint *constraints, size_t count)
{
    for (size_t i = 0; i < count; i++)
        constraint_clear(&constraints[i]);
    free(constraints);
}

void shape_init_filter(
        struct shape *shape, struct role *role, Zmesos__V1__Constraint *const *constraints, size_t count)
{
    *shape = (struct shape){.role = role, .constraint_count = count};
    shape->constraints = constraints_read(constraints, count);
    shape->look_cost = constraints_cost(shape);
}

void shape_clear_filter(struct shape *shape)
{
    constraints_free(shape->constraints, shape->constraint_count);
}

/* The shape of that key, for one task more. One that is new has this one alone, and all but its key is still
 * to be filled in. Takes the key's bytes. */
static struct shape *shape_of_key(struct core *core, struct buf *key)
{
    struct shape *shape = map_get(&core->shapes, slice_of(key->data, key->length));
    if (shape) {
        buf_clear(key);
    } else {
        shape = alloc_zeroed(1, sizeof *shape);
        shape->key.length = key->length;
        shape->key.data = buf_release(key);
        heap_init(&shape->queue);
        map_put(&core->shapes, shape->key, shape);
    }
    shape->tasks++;
    return shape;
}

struct shape *shape_get(struct core *core, const Zmesos__V1__TaskSpec *spec)
{
    struct role *role = role_find(core, spec->role);
    if (!role)
        role = role_find(
                core, NULL); /* recovered, and the role is not configured any more: see core_recover() */
    int64_t scalars[SCALAR_COUNT];
    read_scalars(spec, scalars);
    struct buf key;
    buf_init(&key, 0);
    write_key(&key, role, spec, scalars);
    struct shape *shape = shape_of_key(core, &key);
    if (shape->tasks > 1)
        return shape;
    shape->role = role;
    shape->priority = spec->priority;
    shape->line = line_get(core, role, spec->priority, spec->submitter ? spec->submitter : "");
    memcpy(shape->scalars, scalars, sizeof scalars);
    shape->ports = spec->ports;
    shape->despite_maintenance = spec->despite_maintenance;
    shape->placer = spec->placer ? alloc_string(spec->placer) : NULL;
    shape->demand = demand_read(spec, role->name);
    shape->constraint_count = spec->n_constraints;
    shape->constraints = constraints_read(spec->constraints, spec->n_constraints);
    read_kinds(spec, &shape->grouped, &shape->unsteady, &shape->preferring);
    shape->look_cost = constraints_cost(shape) + (shape->demand ? DEMAND_COST : 0);
    if (core->config.offer_constraints)
        limit_read(shape);
    return shape;
}

void shape_release(struct core *core, struct shape *shape)
{
    if (--shape->tasks > 0)
        return;
    map_remove(&core->shapes, shape->key);
    list_remove(&core->aside, &shape->aside);
    constraints_free(shape->constraints, shape->constraint_count);
    for (size_t i = 0; i < shape->avoid_count; i++)
        free(shape->avoid[i]);
    free(shape->avoid);
    free(shape->placer);
    tallies_clear(shape);
    limit_release(shape);
    demand_release(shape->demand);
    shared_drop(core, shape->beaten_by);
    line_release(core, shape->line);
    free((void *)(uintptr_t)shape->key.data);
    free(shape);
}

/* ---- of a group ---- */

static bool same_constraint(const struct constraint *a, const struct constraint *b)
{
    bool same = a->op == b->op && a->preferred == b->preferred && a->value_count == b->value_count &&
                strcmp(a->attribute, b->attribute) == 0;
    for (size_t i = 0; same && i < a->value_count; i++)
        same = strcmp(a->values[i], b->values[i]) == 0;
    return same;
}

/* launch_group() has seen to it that there is room. */
static void add_constraint(struct shape *shape, const struct constraint *constraint)
{
    for (size_t i = 0; i < shape->constraint_count; i++) {
        if (same_constraint(&shape->constraints[i], constraint))
            return;
    }
    if (shape->constraint_count == CORE_GROUP_CONSTRAINTS_MAX)
        abort();
    constraint_set(&shape->constraints[shape->constraint_count++], constraint->attribute, constraint->op,
            constraint->preferred, constraint->values, constraint->value_count);
}

static void add_amount(int64_t *to, int64_t amount)
{
    *to = amount > MILLI_MAX - *to ? MILLI_MAX : *to + amount;
}

static void add_member(struct shape *shape, const struct shape *member)
{
    for (int s = 0; s < SCALAR_COUNT; s++)
        add_amount(&shape->scalars[s], member->scalars[s]);
    shape->ports += member->ports;
    shape->particular |= member->demand != NULL;
    for (size_t i = 0; i < member->constraint_count; i++)
        add_constraint(shape, &member->constraints[i]);
    shape->grouped |= member->grouped;
    shape->unsteady |= member->unsteady;
    shape->preferring |= member->preferring;
}

/* No task's key begins like that: there it is the length of a name. */
static void write_group_key(struct buf *key, const struct task_group *group)
{
    key_number(key, -1);
    key_number(key, group->executor != NULL);
    key_number(key, (int64_t)group->executor_key.length);
    key_bytes(key, group->executor_key.data, group->executor_key.length);
    for (size_t i = 0; i < group->count; i++) {
        const struct slice member = group->members[i]->shape->key;
        key_number(key, (int64_t)member.length);
        key_bytes(key, member.data, member.length);
    }
}

struct shape *shape_of_group(struct core *core, const struct task_group *group)
{
    const struct shape *first = group->members[0]->shape;
    struct buf key;
    buf_init(&key, 0);
    write_group_key(&key, group);
    struct shape *shape = shape_of_key(core, &key);
    if (shape->tasks > 1)
        return shape;
    shape->role = first->role;
    shape->priority = first->priority;
    shape->line = first->line;
    shape->line->shapes++;
    shape->despite_maintenance = first->despite_maintenance;
    shape->constraints = alloc_zeroed(CORE_GROUP_CONSTRAINTS_MAX, sizeof *shape->constraints);
    shape->particular = group->executor != NULL;
    if (!group->executor)
        own_executor_amounts(shape->scalars);
    for (size_t i = 0; i < group->count; i++)
        add_member(shape, group->members[i]->shape);
    shape->look_cost = constraints_cost(shape) + (shape->particular ? DEMAND_COST * group->count : 0);
    return shape;
}

/* ---- elsewhere ---- */

/* The shape that asks the same and avoids one agent more. */
static struct shape *shape_without(struct core *core, const struct shape *base, const char *agent_id)
{
    struct buf key;
    buf_init(&key, 0);
    key_bytes(&key, base->key.data, base->key.length);
    key_text(&key, agent_id);
    struct shape *shape = shape_of_key(core, &key);
    if (shape->tasks > 1)
        return shape;
    shape->role = base->role;
    shape->priority = base->priority;
    shape->line = base->line;
    shape->line->shapes++;
    memcpy(shape->scalars, base->scalars, sizeof shape->scalars);
    shape->ports = base->ports;
    shape->despite_maintenance = base->despite_maintenance;
    shape->placer = base->placer ? alloc_string(base->placer) : NULL;
    shape->demand = base->demand;
    if (shape->demand)
        shape->demand->users++;
    shape->constraint_count = base->constraint_count;
    shape->constraints = alloc_zeroed(base->constraint_count, sizeof *shape->constraints);
    for (size_t i = 0; i < base->constraint_count; i++)
        constraint_set(&shape->constraints[i], base->constraints[i].attribute, base->constraints[i].op,
                base->constraints[i].preferred, base->constraints[i].values,
                base->constraints[i].value_count);
    shape->grouped = base->grouped;
    shape->unsteady = base->unsteady;
    shape->preferring = base->preferring;
    shape->avoid_count = base->avoid_count + 1;
    shape->avoid = alloc_zeroed(shape->avoid_count, sizeof *shape->avoid);
    for (size_t i = 0; i < base->avoid_count; i++)
        shape->avoid[i] = alloc_string(base->avoid[i]);
    shape->avoid[base->avoid_count] = alloc_string(agent_id);
    shape->look_cost = constraints_cost(shape) + (shape->demand ? DEMAND_COST : 0);
    if (core->config.offer_constraints)
        limit_read(shape);
    return shape;
}

void shape_avoid(struct core *core, struct task *task, const char *agent_id)
{
    struct shape *base = task->shape;
    for (size_t i = 0; i < base->avoid_count; i++) {
        if (strcmp(base->avoid[i], agent_id) == 0)
            return;
    }
    bool queued = task->queue_node.place != 0;
    queue_remove(task);
    task->shape = shape_without(core, base, agent_id);
    if (task->counted_waiting) {
        limits_count(core, task->shape, true);
        limits_count(core, base, false);
    }
    shape_release(core, base);
    if (queued)
        queue_add(core, task);
}
