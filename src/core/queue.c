/* What waits in a role: a heap of shapes, each with its queue. The next task is the oldest of the highest
 * priority. */
#include "internal.h"

static struct task *oldest(const struct shape *shape)
{
    return list_item(list_first(&shape->queue), struct task, queue_link);
}

/* Puts the shape where its priority and its oldest task say, or out when nothing of it waits. One that was
 * set aside stays so. */
static void settle_shape(struct shape *shape)
{
    if (list_linked(&shape->aside))
        return;
    if (shape->queue.count > 0)
        heap_set_pair(&shape->role->queue, &shape->node, -(int64_t)shape->priority, oldest(shape)->key);
    else
        heap_remove(&shape->role->queue, &shape->node);
}

/* A task that waits again is older than those that came since, and stands near the front. */
static struct list_link *place_of_older(const struct shape *shape, const struct task *task)
{
    struct list_link *place = list_first(&shape->queue);
    while (list_item(place, struct task, queue_link)->key < task->key)
        place = list_next(&shape->queue, place);
    return place;
}

void queue_add(struct core *core, struct task *task)
{
    struct shape *shape = task->shape;
    const struct list_link *last = list_last(&shape->queue);
    if (!last || list_item(last, struct task, queue_link)->key < task->key)
        list_append(&shape->queue, &task->queue_link);
    else
        list_insert_before(&shape->queue, place_of_older(shape, task), &task->queue_link);
    settle_shape(shape);
    shape->role->fresh_work = true;
    shape->role->active_ms = core->now.mono_ms;
    core->match_wanted = true;
}

void queue_remove(struct task *task)
{
    if (!list_linked(&task->queue_link))
        return;
    list_remove(&task->shape->queue, &task->queue_link);
    settle_shape(task->shape);
}

struct shape *queue_first(const struct role *role)
{
    struct heap_node *node = heap_first(&role->queue);
    return node ? list_item(node, struct shape, node) : NULL;
}

void queue_set_aside(struct core *core, struct shape *shape)
{
    heap_remove(&shape->role->queue, &shape->node);
    list_append(&core->aside, &shape->aside);
}

void queue_restore(struct core *core)
{
    struct list_link *link;
    while ((link = list_first(&core->aside))) {
        struct shape *shape = list_item(link, struct shape, aside);
        list_remove(&core->aside, link);
        settle_shape(shape);
    }
}
