/* What waits in a role: a heap of shapes, each with its queue, a heap too. The next task is the oldest of
 * the highest priority; one that waits again stands before those that came since, however many they are. */
#include "internal.h"

struct task *queue_oldest(const struct shape *shape)
{
    return list_item(heap_first(&shape->queue), struct task, queue_node);
}

/* Puts the shape where its priority and its oldest task say, or out when nothing of it waits. One that was
 * set aside stays so. */
static void settle_shape(struct shape *shape)
{
    if (list_linked(&shape->aside))
        return;
    if (shape->queue.count > 0)
        heap_set_pair(&shape->role->queue, &shape->node, -(int64_t)shape->priority, queue_oldest(shape)->key);
    else
        heap_remove(&shape->role->queue, &shape->node);
}

void queue_add(struct core *core, struct task *task)
{
    struct shape *shape = task->shape;
    heap_set(&shape->queue, &task->queue_node, task->key);
    settle_shape(shape);
    shape->role->fresh_work = true;
    shape->role->active_ms = core->now.mono_ms;
    core->match_wanted = true;
}

void queue_remove(struct task *task)
{
    struct heap *queue = &task->shape->queue;
    if (task->queue_node.place == 0)
        return;
    heap_remove(queue, &task->queue_node);
    if (queue->count == 0)
        heap_clear(queue); /* many shapes have one task */
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
