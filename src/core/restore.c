/* Beginnings that are not the ordinary one: a store that was restored from a backup, a framework that the
 * master has removed.
 *
 * After the backup was made its daemon went on: it gave keys, launched, told clients. All that is unknown
 * here. So nothing that may live is believed to be absent for good, tasks that were not over are held until
 * somebody says what is to become of them, and no Mesos id can be one that was used meanwhile: new tasks get
 * keys far above, new attempts of older tasks get ids with a suffix of their own. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/decimal.h"

/* ---- keys ---- */

bool key_is_foreign(const struct core *core, int64_t key)
{
    for (size_t i = 0; i < core->foreign_count; i++) {
        if (key >= core->foreign[i].low && key <= core->foreign[i].high)
            return true;
    }
    return false;
}

static void add_foreign(struct core *core, int64_t low, int64_t high)
{
    if (core->next_key <= high)
        core->next_key = high + 1;
    struct key_range *last = core->foreign_count ? &core->foreign[core->foreign_count - 1] : NULL;
    if (last && last->high + 1 == low) {
        last->high = high;
        return;
    }
    core->foreign = alloc_resize(core->foreign, core->foreign_count + 1, sizeof *core->foreign);
    core->foreign[core->foreign_count++] = (struct key_range){.low = low, .high = high};
}

/* "low-high low-high"; false when it is not. */
static bool read_ranges(struct core *core, const char *value)
{
    char *text = alloc_string(value), *rest = NULL;
    bool well = true;
    for (char *word = strtok_r(text, " ", &rest); word && well; word = strtok_r(NULL, " ", &rest)) {
        char *dash = strchr(word, '-');
        int64_t low, high;
        if (dash)
            *dash = '\0';
        well = dash && integer_parse(word, 1, INT64_MAX - 1, &low) == 0 &&
               integer_parse(dash + 1, low, INT64_MAX - 1, &high) == 0;
        if (well)
            add_foreign(core, low, high);
    }
    free(text);
    return well;
}

int recover_keys(struct core *core, const struct meta_row *row, struct error *err)
{
    int64_t number = 0;
    bool well = true;
    if (strcmp(row->name, META_FOREIGN_KEYS) == 0) {
        well = read_ranges(core, row->value);
    } else if (strcmp(row->name, META_NEXT_KEY) == 0) {
        well = integer_parse(row->value, 1, INT64_MAX, &number) == 0;
        if (well && core->next_key < number)
            core->next_key = number;
        core->kept_next_key = number;
    } else if (strcmp(row->name, META_RESTORES) == 0) {
        well = integer_parse(row->value, 0, INT64_MAX, &number) == 0;
        core->restores = (uint64_t)number;
    } else if (strcmp(row->name, META_RESTORED_NS) == 0) {
        well = integer_parse(row->value, 0, INT64_MAX, &core->restored_ns) == 0;
    }
    return well ? 0
                : error_set(err, ERR_MALFORMED, "the store's %s cannot be read: %s", row->name, row->value);
}

/* The store id makes it one that no other history of this framework has: a backup may be started twice. */
char *restored_mesos_id(struct core *core, const struct task *task, uint32_t number)
{
    if (core->restores == 0)
        return NULL;
    return arena_format(&core->out->arena, "%s.%lld.%u-r%.8s", task->id, (long long)task->key, number,
            core->config.store_id);
}

/* ---- restored ---- */

static void write_keys(struct core *core)
{
    struct arena *arena = &core->out->arena;
    char *text = arena_string(arena, "");
    for (size_t i = 0; i < core->foreign_count; i++)
        text = arena_format(arena, "%s%s%lld-%lld", text, i ? " " : "", (long long)core->foreign[i].low,
                (long long)core->foreign[i].high);
    output_meta(core, META_FOREIGN_KEYS, text);
    core->kept_next_key = core->next_key;
    output_meta_number(core, META_NEXT_KEY, core->next_key);
}

static void hold(struct core *core, struct task *task)
{
    struct attempt *attempt = task_current(task);
    if (attempt && state_may_live(attempt->state)) {
        struct attempt_row row = attempt_row_of(task, attempt);
        row.flags |= ATTEMPT_DOUBTED;
        attempt_write(core, &row);
    }
    if (task_is_final(task))
        return;
    struct task_row row = task_row_of(task);
    row.flags |= TASK_HELD;
    task_write(core, &row, NULL);
    if (task->state == STATE(QUEUED))
        task_arm(core, task);
}

void keys_pass(struct core *core, int64_t key)
{
    add_foreign(core, core->next_key, key);
    write_keys(core);
}

void handle_restored(struct core *core, const char *store_id)
{
    struct arena *arena = &core->out->arena;
    free((void *)(uintptr_t)core->config.store_id);
    core->config.store_id = alloc_string(store_id);
    core->restores++;
    core->restored_ns = core->now.wall_ns;
    add_foreign(core, core->next_key, core->next_key + CORE_KEYS_JUMP - 1);
    output_meta(core, META_STORE_ID, arena_string(arena, store_id));
    output_meta(core, META_BACKUP, "");
    if (core->teardown.wanted) /* who restores it wants to go on */
        teardown_forget(core);
    output_meta_number(core, META_RESTORES, (int64_t)core->restores);
    output_meta_number(core, META_RESTORED_NS, core->restored_ns);
    write_keys(core);
    for (size_t i = 0; i < core->task_count; i++)
        hold(core, core->tasks[i]);
    operations_hold(core);
}

/* ---- release ---- */

static void let_go(struct core *core, struct task *task, bool run)
{
    struct task_row row = task_row_of(task);
    if (!task_is_held(task))
        return;
    row.flags &= ~(uint32_t)TASK_HELD;
    task_write(core, &row, NULL);
    if (run && task->state == STATE(QUEUED))
        task_arm(core, task);
}

/* With one of a group goes all of it. */
static void release_task(struct core *core, struct task *task, bool run)
{
    const struct task_group *group = task->task_group;
    if (!task_is_held(task))
        return;
    for (size_t i = 0; i < (group ? group->count : 1); i++)
        let_go(core, group ? group->members[i] : task, run);
    if (!run)
        kill_task(core, task, NULL);
}

static void add_released(struct core *core, Zmesos__V1__Items *items, const struct task *task, bool held)
{
    Zmesos__V1__Item *item = item_add(core, items, task->id);
    item->has_known = item->known = !held;
    item_state(item, task);
}

/* Which ones is known before the first is released: one of a group is released with another. */
static void release_all(struct core *core, bool run, Zmesos__V1__Items *items)
{
    struct task **held = arena_array(&core->out->arena, core->held, sizeof *held);
    items->has_total = true;
    for (size_t i = 0; i < core->task_count; i++) {
        if (task_is_held(core->tasks[i]))
            held[items->total++] = core->tasks[i];
    }
    for (uint64_t i = 0; i < items->total; i++) {
        release_task(core, held[i], run);
        if (items->n_items < CORE_KILL_MAX)
            add_released(core, items, held[i], true);
    }
    operations_release_all(core, run, items);
}

static void release_ids(
        struct core *core, const Zmesos__V1__Release *release, bool run, Zmesos__V1__Items *items)
{
    bool *held = arena_array(&core->out->arena, release->n_task_ids, sizeof *held);
    for (size_t i = 0; i < release->n_task_ids; i++) {
        const struct task *task = task_find(core, release->task_ids[i]);
        held[i] = task && task_is_held(task);
    }
    for (size_t i = 0; i < release->n_task_ids; i++) {
        struct task *task = task_find(core, release->task_ids[i]);
        if (task) {
            release_task(core, task, run);
            add_released(core, items, task, held[i]);
            continue;
        }
        item_missing(core, items, "release", release->task_ids[i], i);
    }
    operations_release(core, release, run, items);
}

void handle_release(struct core *core, const struct core_input *input)
{
    const Zmesos__V1__Release *release = input->request.request->release;
    struct error err;
    int code = 0;
    if (!release->has_action || (release->action != ZMESOS__V1__RELEASE__ACTION__RUN &&
                                        release->action != ZMESOS__V1__RELEASE__ACTION__DROP))
        code = error_set_field(&err, ERR_INVALID, "release.action", "a release says RUN or DROP");
    else if (release->n_task_ids > CORE_KILL_MAX)
        code = error_set_field(
                &err, ERR_TOO_LARGE, "release.task_ids", "a release names at most %d tasks", CORE_KILL_MAX);
    else if (release->n_operation_ids > CORE_KILL_MAX)
        code = error_set_field(&err, ERR_TOO_LARGE, "release.operation_ids",
                "a release names at most %d operations", CORE_KILL_MAX);
    if (code) {
        reply_refuse(core, input, code, &err);
        return;
    }
    bool run = release->action == ZMESOS__V1__RELEASE__ACTION__RUN;
    Zmesos__V1__Reply *reply = reply_new(core, input->request.request);
    size_t named = release->n_task_ids + release->n_operation_ids;
    Zmesos__V1__Items *items = items_new(core, reply, named ? named : CORE_KILL_MAX);
    if (named > 0)
        release_ids(core, release, run, items);
    else
        release_all(core, run, items);
    reply_items(core, input, reply);
}

/* ---- removed ---- */

/* The master ends the tasks of a framework that it removes, those of unreachable agents when they return;
 * when they have ended nobody tells. */
static void lose(struct core *core, struct task *task)
{
    const char *words = "the master removed the framework";
    for (uint32_t i = 0; i < task->attempt_count; i++) {
        struct attempt *attempt = &task->attempts[i];
        if (!state_may_live(attempt->state) || attempt->flags & ATTEMPT_REMOVED)
            continue;
        struct attempt_row row = attempt_row_of(task, attempt);
        row.flags |= ATTEMPT_REMOVED;
        attempt_write(core, &row);
    }
    reconcile_answered(core, task);
    if (state_wants_answer(task->state) && task_current(task)->state != STATE(LOST))
        attempt_move(core, task, STATE(LOST), ATTEMPT_DOUBTED, words, "");
}

void handle_removed(struct core *core, const char *framework_id)
{
    free((void *)(uintptr_t)core->config.framework_id);
    core->config.framework_id = alloc_string(framework_id);
    core->framework_id.value = (char *)(uintptr_t)core->config.framework_id;
    bool ended = core->teardown.wanted;
    if (ended)
        teardown_forget(core);
    core->alive_ns = 0;
    output_meta(core, META_FRAMEWORK_ID, arena_string(&core->out->arena, framework_id));
    output_meta_number(core, META_ALIVE_NS, 0);
    for (size_t i = 0; i < core->task_count; i++) {
        if (ended)
            teardown_end(core, core->tasks[i]);
        lose(core, core->tasks[i]);
    }
    operations_removed(core, ended);
    strays_clear(core);
    output_status_event(core, "zmesos/MASTER");
}
