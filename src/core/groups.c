/* Where the tasks of one name are, by attribute: what UNIQUE, MAX_PER, SPREAD and TOGETHER look at. A task is
 * in its groups from its intent on, for as long as its attempt may live and was not given up. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static bool groups(const struct constraint *constraint)
{
    return constraint->op == ZMESOS__V1__CONSTRAINT__OPERATOR__UNIQUE ||
           constraint->op == ZMESOS__V1__CONSTRAINT__OPERATOR__MAX_PER ||
           constraint->op == ZMESOS__V1__CONSTRAINT__OPERATOR__SPREAD ||
           constraint->op == ZMESOS__V1__CONSTRAINT__OPERATOR__TOGETHER;
}

static bool has_line(const char *lines, const char *line)
{
    const char *found = strstr(lines, line);
    return found && (found == lines || found[-1] == '\n');
}

/* An attribute that two constraints name counts once. */
char *group_lines(struct arena *arena, const struct shape *shape, const Mesos__V1__Offer *offer)
{
    char *lines = arena_string(arena, "");
    for (size_t i = 0; shape->grouped && i < shape->constraint_count; i++) {
        const struct constraint *c = &shape->constraints[i];
        const char *value = groups(c) ? attribute_value(arena, offer, c->attribute) : NULL;
        const char *line = value ? arena_format(arena, "%s=%s\n", c->attribute, value) : NULL;
        if (line && !has_line(lines, line))
            lines = arena_format(arena, "%s%s", lines, line);
    }
    return lines;
}

static struct slice group_key(struct arena *arena, const struct task *task, const char *attribute)
{
    const char *name = task->name ? task->name : task->id;
    size_t n = strlen(name) + 1, a = strlen(attribute);
    char *key = arena_alloc(arena, n + a);
    memcpy(key, name, n);
    memcpy(key + n, attribute, a);
    return slice_of(key, n + a);
}

struct group *group_find(struct core *core, const struct task *task, const char *attribute)
{
    return map_get(&core->groups, group_key(&core->out->arena, task, attribute));
}

/* Before one of its tasks comes or goes: keeps the smallest count true, where it can be told. */
static void change(struct core *core, struct group *group, struct slice key, const char *value, int by)
{
    group->change = ++core->changes;
    size_t name = strnlen((const char *)key.data, key.length) + 1;
    const struct attribute *attribute =
            map_get(&core->attributes, slice_of(key.data + name, key.length - name));
    const struct counted *counted = counted_get(&group->values, value);
    size_t count = counted ? counted->count : 0;
    if (!attribute || group->at_least == 0 || attribute->change != group->attribute_change ||
            !counted_get(&attribute->values, value))
        return;
    if (by > 0) {
        group->at_least -= count == group->least;
    } else if (count == group->least) {
        group->least--;
        group->at_least = 1;
    } else {
        group->at_least += count == group->least + 1;
    }
}

static void add_one(struct core *core, struct slice key, const char *value)
{
    struct group *group = map_get(&core->groups, key);
    if (!group) {
        group = alloc_zeroed(1, sizeof *group);
        group->key = slice_of(alloc_string_n((const char *)key.data, key.length), key.length);
        map_init(&group->values, core->config.seed[0], core->config.seed[1]);
        map_put(&core->groups, group->key, group);
    }
    change(core, group, key, value, 1);
    counted_add(&group->values, value);
}

static void free_group(struct group *group)
{
    counted_clear(&group->values);
    free((void *)(uintptr_t)group->key.data);
    free(group);
}

static void remove_one(struct core *core, struct slice key, const char *value)
{
    struct group *group = map_get(&core->groups, key);
    if (!group)
        return;
    change(core, group, key, value, -1);
    counted_remove(&group->values, value);
    core->match_wanted = true;
    if (group->values.count == 0) {
        map_remove(&core->groups, group->key);
        free_group(group);
    }
}

/* The end of attribute=value. A line break in a value is the value's: a line without '=' goes on with the
 * value before. */
static const char *line_end(const char *line)
{
    const char *end = strchrnul(line, '\n');
    while (end[0] && end[1]) {
        const char *next = strchrnul(end + 1, '\n');
        if (memchr(end + 1, '=', (size_t)(next - end - 1)))
            break;
        end = next;
    }
    return end;
}

/* Calls `each` for every attribute=value. */
static void each_line(struct core *core, const struct task *task, const char *lines,
        void (*each)(struct core *core, struct slice key, const char *value))
{
    struct arena arena;
    arena_init(&arena);
    for (const char *line = lines; line && *line;) {
        const char *end = line_end(line);
        char *attribute = arena_copy(&arena, line, (size_t)(end - line) + 1);
        attribute[end - line] = '\0';
        char *value = strchr(attribute, '=');
        if (value) {
            *value++ = '\0';
            each(core, group_key(&arena, task, attribute), value);
        }
        line = *end ? end + 1 : end;
    }
    arena_clear(&arena);
}

void groups_add(struct core *core, const struct task *task, const char *lines)
{
    each_line(core, task, lines, add_one);
}

void groups_remove(struct core *core, const struct task *task, const char *lines)
{
    each_line(core, task, lines, remove_one);
}

void groups_clear(struct core *core)
{
    size_t at = 0;
    struct group *group;
    while ((group = map_next(&core->groups, &at)))
        free_group(group);
    map_clear(&core->groups);
}
