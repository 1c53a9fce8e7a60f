/* Conditions on an agent's attributes, and the values that UNIQUE holds taken. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/decimal.h"

/* Tasks of one name that hold a value of an attribute. */
struct unique_entry {
    struct slice key; /* owned */
    size_t tasks;
};

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

static char *print_ranges(struct arena *arena, const Mesos__V1__Value__Ranges *ranges)
{
    char *text = arena_string(arena, "[");
    for (size_t i = 0; ranges && i < ranges->n_range; i++)
        text = arena_format(arena, "%s%s%llu-%llu", text, i ? ", " : "",
                (unsigned long long)ranges->range[i]->begin, (unsigned long long)ranges->range[i]->end);
    return arena_format(arena, "%s]", text);
}

static char *print_set(struct arena *arena, const Mesos__V1__Value__Set *set)
{
    char *text = arena_string(arena, "{");
    for (size_t i = 0; set && i < set->n_item; i++)
        text = arena_format(arena, "%s%s%s", text, i ? ", " : "", set->item[i]);
    return arena_format(arena, "%s}", text);
}

static const char *print_scalar(struct arena *arena, const Mesos__V1__Value__Scalar *scalar)
{
    milli_t milli;
    char text[MILLI_TEXT_MAX];
    return scalar && milli_from_double(scalar->value, &milli) == 0
                   ? arena_string(arena, milli_format(milli, text))
                   : "";
}

/* An attribute's value as text, or NULL when the agent lacks it. */
static const char *attribute_value(struct arena *arena, const Mesos__V1__Offer *offer, const char *name)
{
    if (strcmp(name, "hostname") == 0)
        return offer->hostname;
    for (size_t i = 0; i < offer->n_attributes; i++) {
        const Mesos__V1__Attribute *attribute = offer->attributes[i];
        if (strcmp(attribute->name, name) != 0)
            continue;
        switch (attribute->type) {
        case MESOS__V1__VALUE__TYPE__TEXT:
            return attribute->text ? attribute->text->value : "";
        case MESOS__V1__VALUE__TYPE__SCALAR:
            return print_scalar(arena, attribute->scalar);
        case MESOS__V1__VALUE__TYPE__RANGES:
            return print_ranges(arena, attribute->ranges);
        case MESOS__V1__VALUE__TYPE__SET:
            return print_set(arena, attribute->set);
        default:
            return NULL;
        }
    }
    return NULL;
}

static struct slice unique_key(
        struct arena *arena, const struct task *task, const char *attribute, const char *value)
{
    const char *name = task->name ? task->name : task->id;
    size_t n = strlen(name) + 1, a = strlen(attribute) + 1, v = strlen(value);
    char *key = arena_alloc(arena, n + a + v);
    memcpy(key, name, n);
    memcpy(key + n, attribute, a);
    memcpy(key + n + a, value, v);
    return slice_of(key, n + a + v);
}

bool constraints_hold(
        struct core *core, const struct shape *shape, const struct task *task, const Mesos__V1__Offer *offer)
{
    struct arena *arena = &core->out->arena;
    for (size_t i = 0; i < shape->avoid_count; i++) {
        if (strcmp(shape->avoid[i], offer->agent_id->value) == 0)
            return false;
    }
    for (size_t i = 0; i < shape->constraint_count; i++) {
        const struct constraint *c = &shape->constraints[i];
        const char *value = attribute_value(arena, offer, c->attribute);
        bool holds = false;
        if (!value)
            return false;
        switch (c->op) {
        case ZMESOS__V1__CONSTRAINT__OPERATOR__EQUALS:
        case ZMESOS__V1__CONSTRAINT__OPERATOR__IN:
            for (size_t j = 0; j < c->value_count && !holds; j++)
                holds = strcmp(c->values[j], value) == 0;
            break;
        case ZMESOS__V1__CONSTRAINT__OPERATOR__MATCHES:
            holds = matches_whole(&c->regex, value);
            break;
        case ZMESOS__V1__CONSTRAINT__OPERATOR__UNIQUE:
            holds = !map_get(&core->unique, unique_key(arena, task, c->attribute, value));
            break;
        default:
            break;
        }
        if (!holds)
            return false;
    }
    return true;
}

char *unique_values(struct arena *arena, const struct shape *shape, const Mesos__V1__Offer *offer)
{
    char *values = arena_string(arena, "");
    for (size_t i = 0; shape->has_unique && i < shape->constraint_count; i++) {
        const struct constraint *c = &shape->constraints[i];
        if (c->op == ZMESOS__V1__CONSTRAINT__OPERATOR__UNIQUE)
            values = arena_format(
                    arena, "%s%s=%s\n", values, c->attribute, attribute_value(arena, offer, c->attribute));
    }
    return values;
}

/* Calls `each` with the key of every line attribute=value. */
static void each_value(struct core *core, const struct task *task, const char *values,
        void (*each)(struct core *core, struct slice key))
{
    struct arena arena;
    arena_init(&arena);
    for (const char *line = values; line && *line;) {
        const char *end = strchrnul(line, '\n');
        char *attribute = arena_copy(&arena, line, (size_t)(end - line) + 1);
        attribute[end - line] = '\0';
        char *value = strchr(attribute, '=');
        if (value) {
            *value++ = '\0';
            each(core, unique_key(&arena, task, attribute, value));
        }
        line = *end ? end + 1 : end;
    }
    arena_clear(&arena);
}

static void add_one(struct core *core, struct slice key)
{
    struct unique_entry *entry = map_get(&core->unique, key);
    if (!entry) {
        entry = alloc_zeroed(1, sizeof *entry);
        entry->key = slice_of(alloc_string_n((const char *)key.data, key.length), key.length);
        map_put(&core->unique, entry->key, entry);
    }
    entry->tasks++;
}

static void remove_one(struct core *core, struct slice key)
{
    struct unique_entry *entry = map_get(&core->unique, key);
    if (!entry || --entry->tasks > 0)
        return;
    map_remove(&core->unique, key);
    free((void *)(uintptr_t)entry->key.data);
    free(entry);
    core->match_wanted = true;
}

void unique_add(struct core *core, const struct task *task, const char *values)
{
    each_value(core, task, values, add_one);
}

void unique_remove(struct core *core, const struct task *task, const char *values)
{
    each_value(core, task, values, remove_one);
}
