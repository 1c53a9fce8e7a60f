/* Groups of tasks (docs/protocol.md "Groups"). Which tasks are one is in their specifications: the members
 * were launched at once, so they are on disk together or not at all, and are forgotten together. A group
 * waits, is placed, is killed and is launched again as one; each member has states and updates of its own.
 *
 * What follows for a group from what became of its members is done once an input has been handled, in
 * task_groups_settle(). */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define FOUND_MS 60000 /* between two looks whether more of a group was found */

/* ---- membership ---- */

static struct slice executor_key(const Mesos__V1__ExecutorInfo *executor)
{
    struct buf key;
    buf_init(&key, 0);
    message_key(&key, executor);
    size_t length = key.length;
    return slice_of(buf_release(&key), length);
}

static struct task_group *make(struct core *core, const Zmesos__V1__TaskSpec *spec, const struct task *task)
{
    struct task_group *group = alloc_zeroed(1, sizeof *group);
    group->name = alloc_string(spec->group);
    if (spec->executor) {
        group->executor = demand_of_executor(spec->executor, task->shape->role->name);
        group->executor_key = executor_key(spec->executor);
    }
    map_put(&core->task_groups, slice_of_string(group->name), group);
    return group;
}

static void drop_shape(struct core *core, struct task_group *group)
{
    if (!group->shape)
        return;
    queue_remove(group->members[0]);
    shape_release(core, group->shape);
    group->shape = NULL;
}

void task_group_join(struct core *core, struct task *task, const Zmesos__V1__TaskSpec *spec)
{
    if (!spec->group)
        return;
    struct task_group *group = map_get_string(&core->task_groups, spec->group);
    if (!group)
        group = make(core, spec, task);
    drop_shape(core, group);
    if ((group->count & (group->count - 1)) == 0) /* twice as many, each time */
        group->members =
                alloc_resize(group->members, group->count ? 2 * group->count : 1, sizeof(struct task *));
    group->members[group->count++] = task;
    group->bytes += blob_slice(task->spec).length;
    task->task_group = group;
    task_group_touch(core, task);
}

void task_group_leave(struct core *core, struct task *task)
{
    struct task_group *group = task->task_group;
    if (!group)
        return;
    drop_shape(core, group);
    size_t at = 0;
    while (group->members[at] != task)
        at++;
    memmove(group->members + at, group->members + at + 1, (group->count - at - 1) * sizeof(struct task *));
    group->count--;
    group->bytes -= blob_slice(task->spec).length;
    task->task_group = NULL;
    if (group->count > 0)
        return;
    map_remove(&core->task_groups, slice_of_string(group->name));
    list_remove(&core->unsettled, &group->unsettled);
    demand_release(group->executor);
    free((void *)(uintptr_t)group->executor_key.data);
    free(group->members);
    free(group->name);
    free(group);
}

void task_group_touch(struct core *core, struct task *task)
{
    struct task_group *group = task->task_group;
    if (group && !list_linked(&group->unsettled))
        list_append(&core->unsettled, &group->unsettled);
}

struct shape *task_placed_shape(const struct task *task)
{
    return task->task_group && task->task_group->shape ? task->task_group->shape : task->shape;
}

/* Of zmesosd's own executor: one for each attempt, named after the first member's. */
const char *task_group_executor_id(struct arena *arena, const struct task_group *group, uint32_t attempt)
{
    if (group->executor)
        return group->executor->executor_id;
    return arena_format(arena, "group.%s", task_mesos_id(arena, group->members[0], attempt));
}

/* ---- what has become of it ---- */

static bool never_ran(const struct task *task)
{
    const struct attempt *attempt = task_current(task);
    return attempt && attempt->flags & ATTEMPT_NEVER_RAN;
}

bool task_waits_for_group(const struct task *task)
{
    return task->task_group && state_wants_answer(task->state) && never_ran(task);
}

bool task_group_never_ran(const struct task_group *group)
{
    for (size_t i = 0; i < group->count; i++) {
        if (!task_waits_for_group(group->members[i]))
            return false;
    }
    return true;
}

/* Waits for an offer, and for nothing else. */
static bool is_due(const struct core *core, const struct task *task)
{
    return task->state == STATE(QUEUED) && !(task->flags & TASK_HELD) && task->timer_heap != &core->timers;
}

static void settle_queue(struct core *core, struct task_group *group)
{
    bool some = false, all = true;
    for (size_t i = 0; i < group->count; i++) {
        some |= group->members[i]->state == STATE(QUEUED);
        all &= is_due(core, group->members[i]);
    }
    if (some && !group->shape)
        group->shape = shape_of_group(core, group);
    if (all)
        queue_place(group->shape, group->members[0]);
}

/* A group grows old as one, when all of it is over and no consumer has anything to confirm. */
static void settle_age(struct core *core, struct task_group *group)
{
    bool all = true, lost = false;
    int64_t last_ns = INT64_MIN;
    for (size_t i = 0; i < group->count; i++) {
        const struct task *task = group->members[i];
        int64_t since_ns = task_over_since_ns(task);
        all &= state_is_over(task->state) && task->pendings == 0;
        lost |= task->state == STATE(LOST);
        last_ns = since_ns > last_ns ? since_ns : last_ns;
    }
    for (size_t i = 0; i < group->count; i++) {
        struct task *task = group->members[i];
        if (all)
            task_timer_set(task, lost ? &core->lost : &core->over, last_ns);
        else if (task->timer_heap != &core->timers)
            task_timer_clear(task);
    }
}

/* Whether what one member did says that the group was launched. */
static bool shows_a_launch(const struct task *task)
{
    const struct attempt *attempt = task_current(task);
    return attempt && !(attempt->flags & ATTEMPT_NEVER_RAN) &&
           (attempt->flags & ATTEMPT_SEEN || state_is_over(attempt->state));
}

/* Members that never ran beside others that may have: the group is not launched again. */
static void settle_launch(struct core *core, struct task_group *group)
{
    bool launched = false;
    for (size_t i = 0; i < group->count; i++)
        launched |= shows_a_launch(group->members[i]);
    for (size_t i = 0; launched && i < group->count; i++) {
        struct task *task = group->members[i];
        if (task_waits_for_group(task))
            task_follow(core, task, STATE(GONE), "it never ran, and others of its group may have", "");
    }
}

/* In a restored store some of a group are found and others are not: those may have run, and ended. Alone they
 * are not launched, and nothing is known of their end that would end the others. The master has time to tell
 * of all of them: one that is over would be killed when it is found. */
static void settle_found(struct core *core, struct task_group *group)
{
    bool launched = false;
    for (size_t i = 0; i < group->count; i++)
        launched |= group->members[i]->state != STATE(QUEUED);
    for (size_t i = 0; launched && i < group->count; i++) {
        struct task *task = group->members[i];
        if (task->state != STATE(QUEUED) || task->flags & TASK_HELD)
            continue;
        if (core->subscription == 0 || core->now.mono_ms < core->patient_until_ms) {
            if (task->timer_heap != &core->timers)
                task_timer_set(task, &core->timers, core->now.mono_ms + FOUND_MS);
            continue;
        }
        task_timer_clear(task);
        struct task_row row = task_row_of(task);
        row.state = (int32_t)STATE(GONE);
        row.flags |= TASK_LEFT_OUT;
        row.not_before_ns = 0;
        row.message = "others of its group were found launched, and it was not: it may have run";
        row.reason = "";
        task_write(core, &row, NULL);
    }
}

/* Mesos's executor ends the others when one has failed or was killed. Should it not, or know nothing of them,
 * they are killed after a moment. */
static void settle_end(struct core *core, struct task_group *group)
{
    bool apart = false;
    for (size_t i = 0; i < group->count; i++) {
        const struct task *task = group->members[i];
        apart |= task_is_final(task) && task->state != STATE(FINISHED) && !(task->flags & TASK_LEFT_OUT);
    }
    bool begins = apart && !group->apart;
    group->apart = apart;
    for (size_t i = 0; begins && i < group->count; i++) {
        struct task *task = group->members[i];
        if (!state_wants_answer(task->state) || task->kill_requested)
            continue;
        task->kill_backoff_ms = core->config.kill_min_ms;
        task_timer_set(task, &core->timers, core->now.mono_ms + core->config.kill_min_ms);
    }
}

void task_groups_settle(struct core *core)
{
    struct list_link *link;
    while ((link = list_first(&core->unsettled))) {
        struct task_group *group = list_item(link, struct task_group, unsettled);
        settle_launch(core, group);
        settle_found(core, group);
        settle_end(core, group);
        settle_queue(core, group);
        settle_age(core, group);
        list_remove(&core->unsettled, link); /* last: what was done above is seen by it */
    }
}
