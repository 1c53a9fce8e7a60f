/* What waits: shapes with their queues, in levels of one priority. The next task is the oldest of the highest
 * level. */
#include "internal.h"

#include <stdlib.h>

#include "base/alloc.h"

static struct level *level_of(const struct list_link *link)
{
    return list_item(link, struct level, link);
}

static struct task *oldest(const struct shape *shape)
{
    return list_item(list_first(&shape->queue), struct task, queue_link);
}

static struct level *level_get(struct core *core, int32_t priority)
{
    struct list_link *place = list_first(&core->levels);
    while (place && level_of(place)->priority > priority)
        place = list_next(&core->levels, place);
    if (place && level_of(place)->priority == priority)
        return level_of(place);
    struct level *level = alloc_zeroed(1, sizeof *level);
    level->priority = priority;
    heap_init(&level->shapes);
    list_insert_before(&core->levels, place ? place : &core->levels.head, &level->link);
    return level;
}

static void level_release(struct core *core, struct level *level)
{
    if (level->shapes.count > 0)
        return;
    list_remove(&core->levels, &level->link);
    heap_clear(&level->shapes);
    free(level);
}

/* Puts the shape where its oldest task says, or out when nothing of it waits. A shape that was set aside
 * stays so. */
static void settle_shape(struct core *core, struct shape *shape)
{
    if (list_linked(&shape->aside))
        return;
    struct level *level = level_get(core, shape->priority);
    if (shape->queue.count > 0)
        heap_set(&level->shapes, &shape->node, oldest(shape)->key);
    else
        heap_remove(&level->shapes, &shape->node);
    level_release(core, level);
}

void queue_add(struct core *core, struct task *task)
{
    struct shape *shape = task->shape;
    struct list_link *place = list_last(&shape->queue);
    /* A task that waits again is older than those that came since: it goes before them. */
    while (place && list_item(place, struct task, queue_link)->key > task->key)
        place = place->prev == &shape->queue.head ? NULL : place->prev;
    struct list_link *before = place ? place->next : shape->queue.head.next;
    list_insert_before(&shape->queue, before, &task->queue_link);
    settle_shape(core, shape);
    shape->role->fresh_work = true;
    shape->role->active_ms = core->now.mono_ms;
    core->match_wanted = true;
}

void queue_remove(struct core *core, struct task *task)
{
    if (!list_linked(&task->queue_link))
        return;
    list_remove(&task->shape->queue, &task->queue_link);
    settle_shape(core, task->shape);
}

struct shape *queue_first(const struct core *core)
{
    struct list_link *link = list_first(&core->levels);
    return link ? list_item(heap_first(&level_of(link)->shapes), struct shape, node) : NULL;
}

void queue_set_aside(struct core *core, struct shape *shape, struct list *aside)
{
    struct level *level = level_get(core, shape->priority);
    heap_remove(&level->shapes, &shape->node);
    level_release(core, level);
    list_append(aside, &shape->aside);
}

void queue_restore(struct core *core, struct list *aside)
{
    struct list_link *link;
    while ((link = list_first(aside))) {
        struct shape *shape = list_item(link, struct shape, aside);
        list_remove(aside, link);
        settle_shape(core, shape);
    }
}
