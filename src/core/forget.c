/* Forgetting: tasks that are over for long, or too many, are dropped, a few at a time. Their keys are never
 * given again, so that a late word about one is told from a word about a task that was never ours.
 *
 * A task that is LOST may return: it goes by age alone. One whose consumer has not confirmed an update stays,
 * and its age counts from then on. */
#include "internal.h"

#include <string.h>

#define PAUSE_MS 1000 /* between steps, unless many are due */

static struct task *oldest(const struct heap *heap)
{
    struct heap_node *node = heap_first(heap);
    return node ? list_item(node, struct task, timer) : NULL;
}

/* A task of a group is as old as the last of its group. */
static bool too_old(const struct core *core, const struct task *task)
{
    return task && (core->now.wall_ns - task->timer.key) / 1000000 >= core->config.keep_tasks_ms;
}

static struct task *next_due(const struct core *core)
{
    struct task *over = oldest(&core->over), *lost = oldest(&core->lost);
    if (over && (core->over.count > core->config.keep_tasks || too_old(core, over)))
        return over;
    return too_old(core, lost) ? lost : NULL;
}

static void drop_strays(struct core *core, const struct task *task)
{
    struct arena *arena = &core->out->arena;
    for (uint32_t i = 1; i <= task->attempt_count; i++) {
        if (task->attempts[i - 1].flags & ATTEMPT_REPLACED)
            stray_remove(core, task_mesos_id(arena, task, i));
    }
}

/* Out of all that finds it but core.tasks, and free. */
static void drop(struct core *core, struct task *task)
{
    output_add(core, CORE_OUT_RECORD)->record =
            (struct record){.kind = RECORD_FORGET, .forget = {.task_key = task->key}};
    drop_strays(core, task);
    core->counts[task->state]--;
    core->held -= task_is_held(task); /* it was LOST, and old */
    map_remove(&core->by_id, slice_of_string(task->id));
    reconcile_answered(core, task);
    task_free(core, task);
}

static void leave_tasks(struct core *core)
{
    size_t kept = 0;
    for (size_t i = 0; i < core->task_count; i++) {
        if (!core->tasks[i]->forgotten)
            core->tasks[kept++] = core->tasks[i];
    }
    core->task_count = kept;
}

void keep_next_key(struct core *core)
{
    if (core->kept_next_key == core->next_key)
        return;
    core->kept_next_key = core->next_key;
    output_meta_number(core, META_NEXT_KEY, core->next_key);
}

static void choose(struct task **batch, size_t *count, struct task *task)
{
    task_timer_clear(task); /* out of its heap: the next one is next */
    task->forgotten = true;
    batch[(*count)++] = task;
}

bool forget_is_due(const struct core *core, const struct heap *over, int64_t *at_ms)
{
    bool many = over->count > core->config.keep_tasks &&
                over->count - core->config.keep_tasks >= CORE_FORGET_STEP;
    if (core->now.mono_ms < *at_ms && !many)
        return false;
    *at_ms = core->now.mono_ms + PAUSE_MS;
    return true;
}

void forget_step(struct core *core)
{
    if (!forget_is_due(core, &core->over, &core->forget_at_ms))
        return;
    struct task **batch = arena_array(&core->out->arena, CORE_FORGET_STEP + CORE_LAUNCH_MAX, sizeof *batch),
                *task;
    size_t count = 0;
    while (count < CORE_FORGET_STEP && (task = next_due(core))) {
        const struct task_group *group = task->task_group; /* goes as a whole */
        for (size_t i = 0; i < (group ? group->count : 1); i++)
            choose(batch, &count, group ? group->members[i] : task);
    }
    if (count == 0)
        return;
    keep_next_key(core);
    leave_tasks(core);
    for (size_t i = 0; i < count; i++)
        drop(core, batch[i]);
    if (count >= CORE_FORGET_STEP)
        core->forget_at_ms = core->now.mono_ms;
}
