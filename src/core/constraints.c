/* Conditions on where a task goes (docs/protocol.md "Constraints"). */
#include "internal.h"

#include <string.h>

#include "base/decimal.h"

/* In steps of matching, see core_config.turn_steps. */
#define LOOKUP_COST 10
#define REGEX_COST 100

#define OP(name) ZMESOS__V1__CONSTRAINT__OPERATOR__##name

int constraint_compile(const char *pattern, regex_t *regex)
{
    return regcomp(regex, pattern, REG_EXTENDED);
}

/* POSIX finds the leftmost match, and of those the longest: if the whole value matches, it finds that. To
 * wrap the pattern in ^( )$ would not do, for a pattern may hold a lone ')'. */
static bool matches_whole(const regex_t *regex, const char *value)
{
    regmatch_t found;
    return regexec(regex, value, 1, &found, 0) == 0 && found.rm_so == 0 && value[found.rm_eo] == '\0';
}

static bool is_one_of(const struct constraint *c, const char *value)
{
    for (size_t i = 0; i < c->value_count; i++) {
        if (strcmp(c->values[i], value) == 0)
            return true;
    }
    return false;
}

/* -1, 0 or 1; 2 when the value is no number. */
static int compare(const char *value, milli_t number)
{
    milli_t milli;
    if (milli_parse(value, &milli))
        return 2;
    return milli < number ? -1 : milli > number;
}

static void spend(struct core *core, size_t steps)
{
    core->match_left -= core->match_left < steps ? core->match_left : steps;
}

static size_t tasks_at(const struct group *group, const char *value)
{
    const struct counted *counted = group ? counted_get(&group->values, value) : NULL;
    return counted ? counted->count : 0;
}

static size_t fewest_named(struct core *core, struct constraint *c)
{
    if (!c->group)
        return 0;
    if (c->least_change == c->group->change)
        return c->least;
    c->least = SIZE_MAX;
    for (size_t i = 0; i < c->value_count && c->least > 0; i++) {
        size_t count = tasks_at(c->group, c->values[i]);
        c->least = count < c->least ? count : c->least;
    }
    c->least_change = c->group->change;
    spend(core, c->value_count * LOOKUP_COST);
    return c->least;
}

static size_t fewest_known(struct core *core, struct constraint *c)
{
    const struct attribute *attribute = map_get_string(&core->attributes, c->attribute);
    struct group *group = c->group;
    if (!attribute)
        return SIZE_MAX;
    if (!group)
        return 0;
    if (group->at_least > 0 && group->attribute_change == attribute->change)
        return group->least;
    const struct counted *counted;
    size_t at = 0;
    group->least = SIZE_MAX;
    while ((counted = map_next(&attribute->values, &at))) {
        size_t count = tasks_at(group, counted->value);
        if (count < group->least) {
            group->least = count;
            group->at_least = 0;
        }
        group->at_least += count == group->least;
    }
    group->attribute_change = attribute->change;
    spend(core, attribute->values.count * LOOKUP_COST);
    return group->least;
}

/* The smallest count among the values to spread over. A value that no agent known has does not count, unless
 * it was named. */
static size_t fewest(struct core *core, struct constraint *c)
{
    return c->value_count > 0 ? fewest_named(core, c) : fewest_known(core, c);
}

static bool is_spread(struct core *core, struct constraint *c, const char *value)
{
    if (c->value_count > 0 && !is_one_of(c, value))
        return false;
    return tasks_at(c->group, value) <= fewest(core, c);
}

/* Where another task is, by that attribute; NULL: it is nowhere, or that is not known. */
static const char *place_of(struct core *core, const struct task *other, const char *attribute)
{
    const struct attempt *attempt = task_current(other);
    if (!other->agent || !attempt->agent_id)
        return NULL;
    if (strcmp(attribute, "agent_id") == 0)
        return attempt->agent_id;
    if (strcmp(attribute, "hostname") == 0)
        return attempt->hostname;
    return site_value(core, attempt->agent_id, attribute);
}

static bool is_near(struct core *core, const struct constraint *c, const char *value)
{
    for (size_t i = 0; i < c->value_count; i++) {
        const struct task *other = task_find(core, c->values[i]);
        const char *place = other ? place_of(core, other, c->attribute) : NULL;
        if (!place || strcmp(place, value) != 0)
            return false;
    }
    return true;
}

/* Of a task whose place is not known by that attribute (its agent has made no offer since our start) the
 * agent counts. */
static bool is_far(
        struct core *core, const struct constraint *c, const char *value, const Mesos__V1__Offer *offer)
{
    for (size_t i = 0; i < c->value_count; i++) {
        const struct task *other = task_find(core, c->values[i]);
        if (!other || !other->agent)
            continue;
        const char *place = place_of(core, other, c->attribute);
        if (place && value ? strcmp(place, value) == 0
                           : strcmp(other->agent->id, offer->agent_id->value) == 0)
            return false;
    }
    return true;
}

static bool holds(struct core *core, struct constraint *c, const Mesos__V1__Offer *offer)
{
    const char *value = attribute_value(&core->out->arena, offer, c->attribute);
    if (c->op == OP(FAR))
        return is_far(core, c, value, offer);
    if (!value || c->op == OP(NOT_EXISTS))
        return !value && c->op == OP(NOT_EXISTS);
    switch (c->op) {
    case OP(EQUALS):
    case OP(IN):
        return is_one_of(c, value);
    case OP(NOT_EQUALS):
    case OP(NOT_IN):
        return !is_one_of(c, value);
    case OP(MATCHES):
        return matches_whole(&c->regex, value);
    case OP(NOT_MATCHES):
        return !matches_whole(&c->regex, value);
    case OP(GREATER):
        return compare(value, c->number) == 1;
    case OP(LESS):
        return compare(value, c->number) == -1;
    case OP(EXISTS):
        return true;
    case OP(UNIQUE):
        return tasks_at(c->group, value) == 0;
    case OP(MAX_PER):
        return tasks_at(c->group, value) < (size_t)c->number;
    case OP(SPREAD):
        return is_spread(core, c, value);
    case OP(TOGETHER):
        return !c->group || tasks_at(c->group, value) > 0;
    case OP(NEAR):
        return is_near(core, c, value);
    default:
        return false;
    }
}

int constraints_unmet(
        struct core *core, struct constraint *constraints, size_t count, const Mesos__V1__Offer *offer)
{
    for (size_t i = 0; i < count; i++) {
        if (!constraints[i].preferred && !holds(core, &constraints[i], offer))
            return (int)i;
    }
    return -1;
}

int constraints_misfit(struct core *core, const struct shape *shape, const Mesos__V1__Offer *offer)
{
    for (size_t i = 0; i < shape->avoid_count; i++) {
        if (strcmp(shape->avoid[i], offer->agent_id->value) == 0)
            return MISFIT_AVOIDED;
    }
    int unmet = constraints_unmet(core, shape->constraints, shape->constraint_count, offer);
    return unmet < 0 ? MISFIT_NONE : MISFIT_CONSTRAINT + unmet;
}

unsigned constraints_preferred(struct core *core, const struct shape *shape, const Mesos__V1__Offer *offer)
{
    unsigned count = 0;
    for (size_t i = 0; i < shape->constraint_count; i++)
        count += shape->constraints[i].preferred && holds(core, &shape->constraints[i], offer);
    return count;
}

void constraints_begin(struct core *core, const struct shape *shape, const struct task *task)
{
    for (size_t i = 0; shape->grouped && i < shape->constraint_count; i++)
        shape->constraints[i].group = group_find(core, task, shape->constraints[i].attribute);
}

/* In a round counts only grow: while the smallest one stays, what had more has too many. Near which task is
 * anyone's guess. */
uint64_t constraints_opened(struct core *core, const struct shape *shape)
{
    uint64_t opened = 0;
    for (size_t i = 0; shape->unsteady && i < shape->constraint_count; i++) {
        struct constraint *c = &shape->constraints[i];
        if (c->op == OP(SPREAD) && !c->preferred)
            opened += fewest(core, c);
        else if (c->op == OP(NEAR) && !c->preferred)
            opened += core->placements;
    }
    return opened;
}

size_t constraints_cost(const struct shape *shape)
{
    size_t cost = 2 + shape->avoid_count;
    for (size_t i = 0; i < shape->constraint_count; i++) {
        const struct constraint *c = &shape->constraints[i];
        bool regex = c->op == OP(MATCHES) || c->op == OP(NOT_MATCHES);
        bool others = c->op == OP(NEAR) || c->op == OP(FAR);
        cost += regex ? REGEX_COST : LOOKUP_COST + c->value_count * (others ? LOOKUP_COST : 1);
    }
    return cost;
}
