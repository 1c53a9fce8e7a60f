/* What is wrong with a specification, by field (docs/protocol.md "Launch"). */
#include "internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "base/text.h"

#define NAME_MAX_BYTES 255
#define CONSTRAINTS_MAX 32
#define VALUES_MAX 1000
#define OP(name) ZMESOS__V1__CONSTRAINT__OPERATOR__##name

static int at_field(struct error *err, int code, const char *path, const char *field)
{
    if (err)
        snprintf(err->field, sizeof err->field, "%s.%s", path, field);
    return code;
}

int spec_check_scalar(
        bool has, double value, const char *path, const char *name, milli_t *milli, struct error *err)
{
    *milli = 0;
    if (!has)
        return 0;
    if (milli_from_double(value, milli))
        return at_field(
                err, error_set(err, ERR_INVALID, "%s must be a number up to 10^12", name), path, name);
    if (*milli < 0 || signbit(value))
        return at_field(err, error_set(err, ERR_INVALID, "%s must not be negative", name), path, name);
    return 0;
}

static int check_amounts(const Zmesos__V1__TaskSpec *spec, const char *path, struct error *err)
{
    milli_t cpus, mem, disk, gpus;
    int rc = spec_check_scalar(spec->has_cpus, spec->cpus, path, "cpus", &cpus, err);
    rc = rc ? rc : spec_check_scalar(spec->has_mem, spec->mem, path, "mem", &mem, err);
    rc = rc ? rc : spec_check_scalar(spec->has_disk, spec->disk, path, "disk", &disk, err);
    rc = rc ? rc : spec_check_scalar(spec->has_gpus, spec->gpus, path, "gpus", &gpus, err);
    if (rc)
        return rc;
    if (gpus % 1000 != 0)
        return at_field(err, error_set(err, ERR_INVALID, "gpus must be a whole number"), path, "gpus");
    if (spec->ports > CORE_PORTS_MAX)
        return at_field(
                err, error_set(err, ERR_TOO_LARGE, "ports is at most %d", CORE_PORTS_MAX), path, "ports");
    if (cpus == 0 && mem == 0 && disk == 0 && gpus == 0 && spec->ports == 0 && spec->n_resources == 0)
        return at_field(err, error_set(err, ERR_INVALID, "a task needs some resource: set cpus and mem"),
                path, "cpus");
    return 0;
}

static int check_constraint(
        const Zmesos__V1__Constraint *constraint, const char *path, size_t index, struct error *err)
{
    char where[ERROR_FIELD_MAX];
    snprintf(where, sizeof where, "%s.constraints[%zu].attribute", path, index);
    if (!constraint->attribute || !*constraint->attribute)
        return error_set_field(err, ERR_INVALID, where, "a constraint names an attribute");
    if (strlen(constraint->attribute) > NAME_MAX_BYTES)
        return error_set_field(
                err, ERR_TOO_LARGE, where, "an attribute's name has at most %d bytes", NAME_MAX_BYTES);
    if (strpbrk(constraint->attribute, "=\n"))
        return error_set_field(err, ERR_INVALID, where, "an attribute's name holds no '=' and no line break");
    snprintf(where, sizeof where, "%s.constraints[%zu].operator", path, index);
    if (!constraint->has_operator_)
        return error_set_field(err, ERR_INVALID, where, "a constraint needs an operator");
    snprintf(where, sizeof where, "%s.constraints[%zu].values", path, index);
    if (constraint->n_values > VALUES_MAX)
        return error_set_field(err, ERR_TOO_LARGE, where, "a constraint has at most %d values", VALUES_MAX);
    size_t count = constraint->n_values;
    milli_t milli;
    int64_t number;
    switch (constraint->operator_) {
    case OP(MATCHES):
    case OP(NOT_MATCHES):
        return count == 1 ? pattern_check(constraint->values[0], where, err)
                          : error_set_field(err, ERR_INVALID, where, "this operator takes one value");
    case OP(EQUALS):
    case OP(NOT_EQUALS):
        return count == 1 ? 0 : error_set_field(err, ERR_INVALID, where, "this operator takes one value");
    case OP(GREATER):
    case OP(LESS):
        return count == 1 && milli_parse(constraint->values[0], &milli) == 0
                       ? 0
                       : error_set_field(err, ERR_INVALID, where,
                                 "this operator takes one number, with up to three decimals");
    case OP(MAX_PER):
        return count == 1 && integer_parse(constraint->values[0], 1, 1000000, &number) == 0
                       ? 0
                       : error_set_field(err, ERR_INVALID, where, "MAX_PER takes a number from 1 to 1000000");
    case OP(IN):
    case OP(NOT_IN):
    case OP(NEAR):
    case OP(FAR):
        return count > 0 ? 0
                         : error_set_field(err, ERR_INVALID, where, "this operator takes at least one value");
    case OP(UNIQUE):
    case OP(EXISTS):
    case OP(NOT_EXISTS):
    case OP(TOGETHER):
        return count == 0 ? 0 : error_set_field(err, ERR_INVALID, where, "this operator takes no value");
    case OP(SPREAD):
        return 0;
    default:
        snprintf(where, sizeof where, "%s.constraints[%zu].operator", path, index);
        return error_set_field(
                err, ERR_INVALID, where, "operator %d is not known", (int)constraint->operator_);
    }
}

int constraints_check(Zmesos__V1__Constraint *const *list, size_t count, const char *path, struct error *err)
{
    if (count > CONSTRAINTS_MAX)
        return at_field(err,
                error_set(err, ERR_TOO_LARGE, "there are at most %d constraints", CONSTRAINTS_MAX), path,
                "constraints");
    for (size_t i = 0; i < count; i++) {
        int rc = check_constraint(list[i], path, i, err);
        if (rc)
            return rc;
    }
    return 0;
}

static int check_placer(const Zmesos__V1__TaskSpec *spec, const char *path, struct error *err)
{
    const char *placer = spec->placer;
    if (placer && spec->group)
        return at_field(
                err, error_set(err, ERR_INVALID, "a group is placed by zmesosd itself"), path, "placer");
    if (!placer || (*placer && strlen(placer) <= CORE_PLACER_MAX))
        return 0;
    return at_field(err,
            error_set(err, *placer ? ERR_TOO_LARGE : ERR_INVALID, "a placer's name has 1 to %d bytes",
                    CORE_PLACER_MAX),
            path, "placer");
}

int labels_check(const Mesos__V1__Labels *labels, const char *path, struct error *err)
{
    for (size_t i = 0; labels && i < labels->n_labels; i++) {
        if (!*labels->labels[i]->key)
            return at_field(err, error_set(err, ERR_INVALID, "a label needs a key"), path, "labels");
    }
    return 0;
}

int spec_check(const struct core *core, const Zmesos__V1__TaskSpec *spec, const char *path, struct error *err)
{
    if (!spec->id)
        return at_field(err, error_set(err, ERR_INVALID, "a task needs an id"), path, "id");
    if (text_check_id(spec->id, CORE_TASK_ID_MAX, err))
        return at_field(err, ERR_INVALID, path, "id");
    if (spec->name && strlen(spec->name) > NAME_MAX_BYTES)
        return at_field(err, error_set(err, ERR_TOO_LARGE, "a name has at most %d bytes", NAME_MAX_BYTES),
                path, "name");
    if (spec->submitter && strlen(spec->submitter) > CORE_SUBMITTER_MAX)
        return at_field(err,
                error_set(err, ERR_TOO_LARGE, "a submitter's name has at most %d bytes", CORE_SUBMITTER_MAX),
                path, "submitter");
    if (spec->group && text_check_id(spec->group, CORE_GROUP_NAME_MAX, err))
        return at_field(err, ERR_INVALID, path, "group");
    if (!role_find(core, spec->role))
        return at_field(
                err, error_set(err, ERR_INVALID, "this zmesosd does not have that role"), path, "role");
    int rc = check_amounts(spec, path, err);
    if (rc)
        return rc;
    rc = constraints_check(spec->constraints, spec->n_constraints, path, err);
    rc = rc ? rc : check_placer(spec, path, err);
    if (rc)
        return rc;
    if (!spec->command && (!spec->executor || spec->group))
        return at_field(err, error_set(err, ERR_INVALID, "a task needs a command"), path, "command");
    rc = demand_check(core, spec, path, err);
    if (rc)
        return rc;
    rc = policy_check(spec, path, err);
    rc = rc ? rc : consumer_check(spec, path, err);
    if (rc)
        return rc;
    return labels_check(spec->labels, path, err);
}
