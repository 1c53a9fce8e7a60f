/* Shapes: what a specification asks of an offer, shared by all tasks that ask the same. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/decimal.h"

const char *const scalar_names[SCALAR_COUNT] = {"cpus", "mem", "disk", "gpus"};

struct role *role_find(const struct core *core, const char *name)
{
    if (!name)
        return &core->roles[0];
    for (size_t i = 0; i < core->role_count; i++) {
        if (strcmp(core->roles[i].name, name) == 0)
            return &core->roles[i];
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

static bool wants_unique(const Zmesos__V1__TaskSpec *spec)
{
    for (size_t i = 0; i < spec->n_constraints; i++) {
        if (spec->constraints[i]->operator_ == ZMESOS__V1__CONSTRAINT__OPERATOR__UNIQUE)
            return true;
    }
    return false;
}

/* One text for all that matching looks at; strings carry their length, so that no two shapes share a text.
 * UNIQUE looks at the task's name too. */
static void write_key(struct buf *key, const struct role *role, const Zmesos__V1__TaskSpec *spec,
        const int64_t scalars[SCALAR_COUNT])
{
    int rc = buf_printf(key, "%s\n%d", role->name, spec->priority);
    for (int i = 0; i < SCALAR_COUNT; i++)
        rc |= buf_printf(key, " %lld", (long long)scalars[i]);
    rc |= buf_printf(key, " %u", spec->ports);
    for (size_t i = 0; i < spec->n_constraints; i++) {
        const Zmesos__V1__Constraint *c = spec->constraints[i];
        rc |= buf_printf(key, "\n%d %zu %s", (int)c->operator_, strlen(c->attribute), c->attribute);
        for (size_t j = 0; j < c->n_values; j++)
            rc |= buf_printf(key, " %zu %s", strlen(c->values[j]), c->values[j]);
    }
    if (wants_unique(spec))
        rc |= buf_printf(key, "\n%s", spec->name ? spec->name : spec->id);
    if (rc)
        abort(); /* the buffer has no limit */
}

static void constraint_init(struct constraint *to, const Zmesos__V1__Constraint *from)
{
    to->attribute = alloc_string(from->attribute);
    to->op = from->operator_;
    to->value_count = from->n_values;
    to->values = alloc_zeroed(from->n_values, sizeof *to->values);
    for (size_t i = 0; i < from->n_values; i++)
        to->values[i] = alloc_string(from->values[i]);
    if (to->op == ZMESOS__V1__CONSTRAINT__OPERATOR__MATCHES &&
            constraint_compile(from->values[0], &to->regex))
        abort(); /* spec_check() compiled it before */
}

static void constraint_copy(struct constraint *to, const struct constraint *from)
{
    *to = (struct constraint){.attribute = alloc_string(from->attribute),
            .op = from->op,
            .values = alloc_zeroed(from->value_count, sizeof *to->values),
            .value_count = from->value_count};
    for (size_t i = 0; i < from->value_count; i++)
        to->values[i] = alloc_string(from->values[i]);
    if (to->op == ZMESOS__V1__CONSTRAINT__OPERATOR__MATCHES &&
            constraint_compile(from->values[0], &to->regex))
        abort(); /* it was compiled before */
}

static void constraint_clear(struct constraint *constraint)
{
    if (constraint->op == ZMESOS__V1__CONSTRAINT__OPERATOR__MATCHES)
        regfree(&constraint->regex);
    for (size_t i = 0; i < constraint->value_count; i++)
        free(constraint->values[i]);
    free(constraint->values);
    free(constraint->attribute);
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
    struct shape *shape = map_get(&core->shapes, slice_of(key.data, key.length));
    if (shape) {
        buf_clear(&key);
        shape->tasks++;
        return shape;
    }
    shape = alloc_zeroed(1, sizeof *shape);
    shape->tasks = 1;
    shape->key.length = key.length;
    shape->key.data = buf_release(&key);
    shape->role = role;
    shape->priority = spec->priority;
    memcpy(shape->scalars, scalars, sizeof scalars);
    shape->ports = spec->ports;
    shape->constraint_count = spec->n_constraints;
    shape->constraints = alloc_zeroed(spec->n_constraints, sizeof *shape->constraints);
    for (size_t i = 0; i < spec->n_constraints; i++)
        constraint_init(&shape->constraints[i], spec->constraints[i]);
    shape->has_unique = wants_unique(spec);
    list_init(&shape->queue);
    map_put(&core->shapes, shape->key, shape);
    return shape;
}

void shape_release(struct core *core, struct shape *shape)
{
    if (--shape->tasks > 0)
        return;
    map_remove(&core->shapes, shape->key);
    for (size_t i = 0; i < shape->constraint_count; i++)
        constraint_clear(&shape->constraints[i]);
    for (size_t i = 0; i < shape->avoid_count; i++)
        free(shape->avoid[i]);
    free(shape->avoid);
    free(shape->constraints);
    free((void *)(uintptr_t)shape->key.data);
    free(shape);
}

/* The shape that asks the same and avoids one agent more. */
static struct shape *shape_without(struct core *core, const struct shape *base, const char *agent_id)
{
    struct buf key;
    buf_init(&key, 0);
    if (buf_append(&key, base->key.data, base->key.length) ||
            buf_printf(&key, "\nnot on %zu %s", strlen(agent_id), agent_id))
        abort(); /* the buffer has no limit */
    struct shape *shape = map_get(&core->shapes, slice_of(key.data, key.length));
    if (shape) {
        buf_clear(&key);
        shape->tasks++;
        return shape;
    }
    shape = alloc_zeroed(1, sizeof *shape);
    shape->tasks = 1;
    shape->key.length = key.length;
    shape->key.data = buf_release(&key);
    shape->role = base->role;
    shape->priority = base->priority;
    memcpy(shape->scalars, base->scalars, sizeof shape->scalars);
    shape->ports = base->ports;
    shape->constraint_count = base->constraint_count;
    shape->constraints = alloc_zeroed(base->constraint_count, sizeof *shape->constraints);
    for (size_t i = 0; i < base->constraint_count; i++)
        constraint_copy(&shape->constraints[i], &base->constraints[i]);
    shape->has_unique = base->has_unique;
    shape->avoid_count = base->avoid_count + 1;
    shape->avoid = alloc_zeroed(shape->avoid_count, sizeof *shape->avoid);
    for (size_t i = 0; i < base->avoid_count; i++)
        shape->avoid[i] = alloc_string(base->avoid[i]);
    shape->avoid[base->avoid_count] = alloc_string(agent_id);
    list_init(&shape->queue);
    map_put(&core->shapes, shape->key, shape);
    return shape;
}

void shape_avoid(struct core *core, struct task *task, const char *agent_id)
{
    struct shape *base = task->shape;
    for (size_t i = 0; i < base->avoid_count; i++) {
        if (strcmp(base->avoid[i], agent_id) == 0)
            return;
    }
    bool queued = list_linked(&task->queue_link);
    queue_remove(task);
    task->shape = shape_without(core, base, agent_id);
    shape_release(core, base);
    if (queued)
        queue_add(core, task);
}
