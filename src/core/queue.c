/* What waits: shapes, each with its queue, a heap too, in the lines of shares.c. The next task is of the
 * highest priority, there of the submitter whose turn it is, and of its tasks the oldest; one that waits
 * again stands before those that came since, however many they are. What waits for a placer has its shape's
 * queue, and no place in a line. */
#include "internal.h"

struct task *queue_oldest(const struct shape *shape)
{
    return list_item(heap_first(&shape->queue), struct task, queue_node);
}

/* Puts the shape where its priority and its oldest task say, or out when nothing of it waits. One that was
 * set aside stays so. */
static void settle_shape(struct shape *shape)
{
    if (list_linked(&shape->aside) || shape->placer)
        return;
    if (shape->queue.count > 0)
        line_set(shape->line, &shape->node, queue_oldest(shape)->key);
    else
        line_unset(shape->line, &shape->node);
}

void queue_place(struct shape *shape, struct task *task)
{
    heap_set(&shape->queue, &task->queue_node, task->key);
    settle_shape(shape);
}

/* A group waits once all of it does. */
void queue_add(struct core *core, struct task *task)
{
    struct role *role = task->shape->role;
    if (task->task_group)
        task_group_touch(core, task);
    else
        queue_place(task->shape, task);
    if (task->shape->placer)
        return;
    role->fresh_work = true;
    role->active_ms = core->now.mono_ms;
    core->match_wanted = true;
}

void queue_remove(struct task *task)
{
    struct shape *shape = task_placed_shape(task);
    if (task->task_group)
        task = task->task_group->members[0]; /* in whose place all of it waits */
    if (task->queue_node.place == 0)
        return;
    heap_remove(&shape->queue, &task->queue_node);
    if (shape->queue.count == 0)
        heap_clear(&shape->queue); /* many shapes have one task */
    settle_shape(shape);
}

struct shape *queue_first(struct core *core, const struct role *role)
{
    const struct line *line = line_next(core, role);
    return line ? list_item(heap_first(&line->waiting), struct shape, node) : NULL;
}

void queue_set_aside(struct core *core, struct shape *shape)
{
    line_unset(shape->line, &shape->node);
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
