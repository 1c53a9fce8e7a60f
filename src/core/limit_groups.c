/* What a shape's constraints are as groups of Mesos's offer constraints: an agent that meets none of them is
 * of no use to it. Weaker is right and stronger never: what has no counterpart is left out, and a shape of
 * which nothing is left wants offers of all agents. Mesos's predicates pass what is not text, so that all
 * conditions on text are weaker than ours.
 *
 * A group is bytes, by which it is known again: of each condition a selector (HOSTNAME, REGION, ZONE,
 * ATTRIBUTE), a predicate, and two texts with their NULs, the attribute's name and the value. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define OP(name) ZMESOS__V1__CONSTRAINT__OPERATOR__##name
#define CONDITION(name) Mesos__V1__Scheduler__AttributeConstraint##name
#define PSEUDO(name) MESOS__V1__SCHEDULER__ATTRIBUTE_CONSTRAINT__SELECTOR__PSEUDOATTRIBUTE_TYPE__##name

#define VALUES_MOST 32 /* of a NOT_IN; the others are left out */
#define SHAPE_BYTES_MOST ((size_t)16 << 10)

enum selector { ATTRIBUTE = 'a', HOSTNAME = 'h', REGION = 'r', ZONE = 'z' };
enum predicate {
    EXISTS = 'e',
    NOT_EXISTS = 'n',
    EQUALS = '=',
    NOT_EQUALS = '!',
    MATCHES = '~',
    NOT_MATCHES = '^',
};

/* The groups of a shape while they are made. */
struct groups {
    struct buf items[LIMIT_GROUPS_MOST];
    size_t count;
};

/* ---- conditions ---- */

static bool next_text(struct slice *rest, const char **text)
{
    const uint8_t *end = memchr(rest->data, 0, rest->length);
    if (!end)
        return false;
    *text = (const char *)rest->data;
    rest->length -= (size_t)(end + 1 - rest->data);
    rest->data = end + 1;
    return true;
}

/* False: there is no other. */
static bool next_condition(
        struct slice *rest, char *selector, char *predicate, const char **name, const char **value)
{
    if (rest->length < 4)
        return false;
    *selector = (char)rest->data[0];
    *predicate = (char)rest->data[1];
    *rest = slice_of(rest->data + 2, rest->length - 2);
    return next_text(rest, name) && next_text(rest, value);
}

static void append(struct buf *buf, const void *bytes, size_t length)
{
    if (buf_append(buf, bytes, length))
        abort(); /* it has no limit */
}

/* The bytes of the next condition; false: there is no other. */
static bool next_bytes(struct slice *rest, struct slice *condition)
{
    char selector, predicate;
    const char *name, *value;
    const uint8_t *begin = rest->data;
    if (!next_condition(rest, &selector, &predicate, &name, &value))
        return false;
    *condition = slice_of(begin, (size_t)(rest->data - begin));
    return true;
}

static bool has_condition(struct slice group, struct slice condition)
{
    struct slice other;
    while (next_bytes(&group, &other)) {
        if (slice_equal(other, condition))
            return true;
    }
    return false;
}

bool limit_is_within(struct slice group, struct slice other)
{
    struct slice condition;
    while (next_bytes(&other, &condition)) {
        if (!has_condition(group, condition))
            return false;
    }
    return true;
}

static void add_condition(struct buf *group, enum selector selector, enum predicate predicate,
        const char *name, const char *value)
{
    struct buf condition;
    buf_init(&condition, 0);
    append(&condition, (const char[]){(char)selector, (char)predicate}, 2);
    append(&condition, name, strlen(name) + 1);
    append(&condition, value, strlen(value) + 1);
    if (!has_condition(slice_of(group->data, group->length), slice_of(condition.data, condition.length)))
        append(group, condition.data, condition.length);
    buf_clear(&condition);
}

/* ---- a constraint ---- */

static size_t alternatives(const struct constraint *c)
{
    bool each = c->op == OP(EQUALS) || c->op == OP(IN) || c->op == OP(SPREAD);
    return each ? c->value_count : 1;
}

/* What the value, which is there, is to be. `weak`: nothing more is asked. */
static void add_predicate(struct buf *group, const struct constraint *c, size_t which, bool weak,
        enum selector selector, const char *name)
{
    struct buf pattern;
    switch (weak ? OP(EXISTS) : c->op) {
    case OP(EQUALS):
    case OP(IN):
    case OP(SPREAD):
        add_condition(group, selector, EQUALS, name, c->values[which]);
        return;
    case OP(NOT_EQUALS):
    case OP(NOT_IN):
        for (size_t i = 0; i < c->value_count && i < VALUES_MOST; i++)
            add_condition(group, selector, NOT_EQUALS, name, c->values[i]);
        break;
    case OP(MATCHES):
    case OP(NOT_MATCHES):
        buf_init(&pattern, 0);
        weak = !limit_pattern(&pattern, c->values[0]);
        append(&pattern, "", 1);
        if (!weak)
            add_condition(group, selector, c->op == OP(MATCHES) ? MATCHES : NOT_MATCHES, name,
                    (const char *)pattern.data);
        buf_clear(&pattern);
        if (!weak && c->op == OP(MATCHES))
            return;
        break;
    default:
        break;
    }
    if (selector != HOSTNAME)
        add_condition(group, selector, EXISTS, name, "");
}

/* Of a fault domain the agent's own word counts first, and where there is none an attribute of that name. */
static void add_constraint(
        struct buf *group, const struct constraint *c, size_t which, bool weak, bool no_domain)
{
    bool region = strcmp(c->attribute, "region") == 0, zone = strcmp(c->attribute, "zone") == 0;
    enum selector selector = region ? REGION : zone ? ZONE : ATTRIBUTE;
    const char *name = region || zone ? "" : c->attribute;
    if (strcmp(c->attribute, "agent_id") == 0)
        return;
    if (strcmp(c->attribute, "hostname") == 0) {
        if (c->op != OP(NOT_EXISTS))
            add_predicate(group, c, which, weak, HOSTNAME, "");
        return;
    }
    if (c->op == OP(NOT_EXISTS)) {
        add_condition(group, selector, NOT_EXISTS, name, "");
        if (selector != ATTRIBUTE)
            add_condition(group, ATTRIBUTE, NOT_EXISTS, c->attribute, "");
        return;
    }
    if (no_domain) {
        add_condition(group, selector, NOT_EXISTS, "", "");
        selector = ATTRIBUTE;
        name = c->attribute;
    }
    add_predicate(group, c, which, weak, selector, name);
}

static bool is_domain(const struct constraint *c)
{
    return strcmp(c->attribute, "region") == 0 || strcmp(c->attribute, "zone") == 0;
}

/* Every group becomes one for each alternative. False: there is no room, and nothing is done. */
static bool multiply(struct groups *groups, const struct constraint *c, bool weak)
{
    size_t places = is_domain(c) && c->op != OP(NOT_EXISTS) ? 2 : 1;
    size_t ways = (weak ? 1 : alternatives(c)) * places, before = groups->count;
    if (ways > LIMIT_GROUPS_MOST / before)
        return false;
    for (size_t way = ways; way-- > 0;) {
        for (size_t i = 0; i < before; i++) {
            struct buf *group = &groups->items[way * before + i];
            if (way > 0) {
                buf_init(group, 0);
                append(group, groups->items[i].data, groups->items[i].length);
            }
            add_constraint(group, c, way / places, weak, way % places > 0);
        }
    }
    groups->count = before * ways;
    return true;
}

/* What is true of all agents that are known is asked there: those have made offers. */
static bool wants_all(const struct constraint *c)
{
    return c->op == OP(NEAR) || c->op == OP(FAR) || (c->op == OP(SPREAD) && c->value_count == 0);
}

void limit_read(struct shape *shape)
{
    struct groups *groups = alloc_zeroed(1, sizeof *groups);
    bool all = shape->constraint_count == 0;
    size_t bytes = 0;
    groups->count = 1;
    for (size_t i = 0; i < shape->constraint_count && !all; i++) {
        const struct constraint *c = &shape->constraints[i];
        all = wants_all(c);
        if (!all && !c->preferred && !multiply(groups, c, false))
            (void)multiply(groups, c, true); /* else it is left out */
    }
    for (size_t i = 0; i < groups->count; i++) {
        all |= groups->items[i].length == 0;
        bytes += groups->items[i].length;
    }
    all |= bytes > SHAPE_BYTES_MOST;
    shape->limits = all ? NULL : alloc_zeroed(groups->count, sizeof *shape->limits);
    shape->limit_count = all ? 0 : groups->count;
    for (size_t i = 0; i < groups->count; i++) {
        if (!all) {
            shape->limits[i].length = groups->items[i].length;
            shape->limits[i].data = buf_release(&groups->items[i]);
        }
        buf_clear(&groups->items[i]);
    }
    free(groups);
}

void limit_release(struct shape *shape)
{
    for (size_t i = 0; i < shape->limit_count; i++)
        free((void *)(uintptr_t)shape->limits[i].data);
    free(shape->limits);
}

/* ---- as messages ---- */

void limit_without_patterns(struct buf *to, struct slice group)
{
    char selector, predicate;
    const char *name, *value;
    while (next_condition(&group, &selector, &predicate, &name, &value)) {
        if (predicate != MATCHES && predicate != NOT_MATCHES)
            add_condition(to, (enum selector)selector, (enum predicate)predicate, name, value);
    }
}

static CONDITION(__Selector) * make_selector(struct arena *arena, char selector, const char *name)
{
    CONDITION(__Selector) *made = arena_alloc(arena, sizeof *made);
    mesos__v1__scheduler__attribute_constraint__selector__init(made);
    made->has_pseudoattribute_type = selector != ATTRIBUTE;
    switch (selector) {
    case HOSTNAME:
        made->pseudoattribute_type = PSEUDO(HOSTNAME);
        break;
    case REGION:
        made->pseudoattribute_type = PSEUDO(REGION);
        break;
    case ZONE:
        made->pseudoattribute_type = PSEUDO(ZONE);
        break;
    default:
        made->attribute_name = arena_string(arena, name);
        break;
    }
    return made;
}

#define MAKE(member, type)                                                                                   \
    (made->member = arena_alloc(arena, sizeof *made->member),                                                \
            mesos__v1__scheduler__attribute_constraint__predicate__##type##__init(made->member))

static CONDITION(__Predicate) * make_predicate(struct arena *arena, char predicate, const char *value)
{
    CONDITION(__Predicate) *made = arena_alloc(arena, sizeof *made);
    mesos__v1__scheduler__attribute_constraint__predicate__init(made);
    switch (predicate) {
    case EXISTS:
        MAKE(exists, exists);
        break;
    case NOT_EXISTS:
        MAKE(not_exists, not_exists);
        break;
    case EQUALS:
        MAKE(text_equals, text_equals);
        made->text_equals->value = arena_string(arena, value);
        break;
    case NOT_EQUALS:
        MAKE(text_not_equals, text_not_equals);
        made->text_not_equals->value = arena_string(arena, value);
        break;
    case MATCHES:
        MAKE(text_matches, text_matches);
        made->text_matches->regex = arena_string(arena, value);
        break;
    default:
        MAKE(text_not_matches, text_not_matches);
        made->text_not_matches->regex = arena_string(arena, value);
        break;
    }
    return made;
}

Mesos__V1__Scheduler__OfferConstraints__RoleConstraints__Group *limit_message(
        struct arena *arena, struct slice group)
{
    Mesos__V1__Scheduler__OfferConstraints__RoleConstraints__Group *made = arena_alloc(arena, sizeof *made);
    mesos__v1__scheduler__offer_constraints__role_constraints__group__init(made);
    made->attribute_constraints =
            arena_array(arena, group.length / 4 + 1, sizeof *made->attribute_constraints);
    char selector, predicate;
    const char *name, *value;
    while (next_condition(&group, &selector, &predicate, &name, &value)) {
        CONDITION() *condition = arena_alloc(arena, sizeof *condition);
        mesos__v1__scheduler__attribute_constraint__init(condition);
        condition->selector = make_selector(arena, selector, name);
        condition->predicate = make_predicate(arena, predicate, value);
        made->attribute_constraints[made->n_attribute_constraints++] = condition;
    }
    return made;
}
