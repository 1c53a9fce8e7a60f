/* launch and kill: batches, each item taken or refused by itself. */
#include "internal.h"

#include <stdio.h>
#include <string.h>

Zmesos__V1__Items *items_new(struct core *core, Zmesos__V1__Reply *reply, size_t room)
{
    Zmesos__V1__Items *items = arena_alloc(&core->out->arena, sizeof *items);
    zmesos__v1__items__init(items);
    items->items = arena_array(&core->out->arena, room, sizeof *items->items);
    reply->result_case = ZMESOS__V1__REPLY__RESULT_ITEMS;
    reply->items = items;
    return items;
}

Zmesos__V1__Item *item_add(struct core *core, Zmesos__V1__Items *items, const char *task_id)
{
    Zmesos__V1__Item *item = arena_alloc(&core->out->arena, sizeof *item);
    zmesos__v1__item__init(item);
    item->task_id = arena_string(&core->out->arena, task_id);
    item->has_code = true;
    items->items[items->n_items++] = item;
    return item;
}

void item_refuse(struct core *core, Zmesos__V1__Item *item, int code, const struct error *err)
{
    item->code = code_of(code);
    item->message = arena_string(&core->out->arena, err->text);
    item->field = err->field[0] ? arena_string(&core->out->arena, err->field) : NULL;
    item->has_retry = true;
    item->retry = code == ERR_UNAVAILABLE;
}

void item_not_found(
        struct core *core, Zmesos__V1__Item *item, const char *request, const char *what, size_t i)
{
    struct error err;
    char field[64];
    snprintf(field, sizeof field, "%s.%s_ids[%zu]", request, what, i);
    item_refuse(core, item, error_set_field(&err, ERR_NOT_FOUND, field, "no such %s", what), &err);
}

void item_missing(
        struct core *core, Zmesos__V1__Items *items, const char *operation, const char *id, size_t i)
{
    item_not_found(core, item_add(core, items, id), operation, "task", i);
}

void item_state(Zmesos__V1__Item *item, const struct task *task)
{
    item->has_state = item->has_revision = true;
    item->state = task->state;
    item->revision = task->revision;
}

/* The reply's own code tells whether to look at the items. */
void reply_items(struct core *core, const struct core_input *input, Zmesos__V1__Reply *reply)
{
    size_t refused = 0;
    for (size_t i = 0; i < reply->items->n_items; i++)
        refused += reply->items->items[i]->code != CODE(OK);
    if (refused > 0) {
        reply->code = CODE(SOME_REFUSED);
        reply->message =
                arena_format(&core->out->arena, "%zu of %zu were refused", refused, reply->items->n_items);
    }
    reply_send(core, input->request.token, reply, NULL);
}

void launch_add(
        struct core *core, const Zmesos__V1__TaskSpec *spec, struct slice bytes, Zmesos__V1__Item *item)
{
    struct blob *blob = blob_create(bytes.data, bytes.length);
    struct task_row row = {
            .key = core->next_key,
            .id = spec->id,
            .spec = blob,
            .state = (int32_t)STATE(QUEUED),
            .created_ns = core->now.wall_ns,
            .message = "",
            .reason = "",
    };
    task_write(core, &row, spec);
    blob_unref(blob); /* the task keeps its own */
    queue_add(core, task_find(core, spec->id));
    item_state(item, task_find(core, spec->id));
}

bool launch_is_same(const struct core *core, const struct task *task, struct slice bytes)
{
    return slice_equal(blob_slice(task->spec), bytes) ||
           core->config.same_spec(blob_slice(task->spec), bytes);
}

int launch_may(const struct core *core, size_t count, struct error *err)
{
    if (count > core->config.tasks_max || core->task_count > core->config.tasks_max - count)
        return error_set(err, ERR_UNAVAILABLE, "zmesosd keeps %zu tasks, and its limit is %zu",
                core->task_count, core->config.tasks_max);
    return core->teardown.wanted ? error_set(err, ERR_UNAVAILABLE, "the framework is being torn down") : 0;
}

/* An id that is known is answered with what is known of it, also where today's configuration would refuse the
 * task. */
static void launch_again(struct core *core, const struct task *task, struct slice bytes, const char *path,
        Zmesos__V1__Item *item)
{
    if (!launch_is_same(core, task, bytes)) {
        struct error err;
        int code = error_set(&err, ERR_CONFLICT, "a task with this id and another specification exists");
        snprintf(err.field, sizeof err.field, "%s.id", path);
        item_refuse(core, item, code, &err);
    }
    item->has_known = item->known = item->code == CODE(OK);
    item_state(item, task);
}

static void launch_one(struct core *core, const Zmesos__V1__TaskSpec *spec, struct slice bytes,
        const char *path, Zmesos__V1__Item *item)
{
    struct error err = {0};
    const struct task *known = spec->id ? task_find(core, spec->id) : NULL;
    if (known) {
        launch_again(core, known, bytes, path, item);
        return;
    }
    int code = spec_check(core, spec, path, &err);
    code = code ? code : launch_may(core, 1, &err);
    if (code)
        item_refuse(core, item, code, &err);
    else
        launch_add(core, spec, bytes, item);
}

void handle_launch(struct core *core, const struct core_input *input)
{
    const Zmesos__V1__Launch *launch = input->request.request->launch;
    struct error err;
    if (launch->n_tasks == 0) {
        int code = error_set_field(&err, ERR_INVALID, "launch.tasks", "a launch has at least one task");
        reply_refuse(core, input, code, &err);
        return;
    }
    if (launch->n_tasks > CORE_LAUNCH_MAX) {
        int code = error_set_field(
                &err, ERR_TOO_LARGE, "launch.tasks", "a launch has at most %d tasks", CORE_LAUNCH_MAX);
        reply_refuse(core, input, code, &err);
        return;
    }
    Zmesos__V1__Reply *reply = reply_new(core, input->request.request);
    Zmesos__V1__Items *items = items_new(core, reply, launch->n_tasks);
    items->has_kept_ms = true;
    items->kept_ms = core->config.keep_tasks_ms;
    for (size_t i = 0; i < launch->n_tasks; i++)
        item_add(core, items, launch->tasks[i]->id);
    bool *done = arena_array(&core->out->arena, launch->n_tasks, sizeof *done);
    for (size_t i = 0; i < launch->n_tasks; i++) {
        const Zmesos__V1__TaskSpec *spec = launch->tasks[i];
        char path[48];
        snprintf(path, sizeof path, "launch.tasks[%zu]", i);
        if (spec->group && *spec->group)
            launch_group(core, input, i, items, done);
        else
            launch_one(core, spec, input->request.specs[i], path, items->items[i]);
    }
    reply_items(core, input, reply);
}

/* A task that is LOST may return: the wish is kept until then. */
static void kill_one(struct core *core, struct task *task, struct blob *policy, Zmesos__V1__Items *items)
{
    if (!task_is_final(task))
        kill_task(core, task, policy);
    item_state(item_add(core, items, task->id), task);
}

static void kill_ids(
        struct core *core, const Zmesos__V1__Kill *kill, struct blob *policy, Zmesos__V1__Items *items)
{
    for (size_t i = 0; i < kill->n_task_ids; i++) {
        struct task *task = task_find(core, kill->task_ids[i]);
        if (task) {
            kill_one(core, task, policy, items);
            continue;
        }
        item_missing(core, items, "kill", kill->task_ids[i], i);
    }
}

/* All that carry the label are killed; the first of them are listed. */
static void kill_labelled(
        struct core *core, const Mesos__V1__Label *label, struct blob *policy, Zmesos__V1__Items *items)
{
    items->has_total = true;
    for (size_t i = 0; i < core->task_count; i++) {
        struct task *task = core->tasks[i];
        if (task_is_final(task) || !labels_have(task->labels, label))
            continue;
        kill_task(core, task, policy);
        if (items->total++ < CORE_KILL_MAX)
            item_state(item_add(core, items, task->id), task);
    }
}

static int check_kill(const Zmesos__V1__Kill *kill, struct error *err)
{
    if ((kill->n_task_ids > 0) == (kill->label != NULL))
        return error_set_field(err, ERR_INVALID, "kill.task_ids", "a kill names either tasks or a label");
    if (kill->label && !*kill->label->key)
        return error_set_field(err, ERR_INVALID, "kill.label.key", "a label needs a key");
    if (kill->n_task_ids > CORE_KILL_MAX)
        return error_set_field(
                err, ERR_TOO_LARGE, "kill.task_ids", "a kill names at most %d tasks", CORE_KILL_MAX);
    return 0;
}

void handle_kill(struct core *core, const struct core_input *input)
{
    const Zmesos__V1__Kill *kill = input->request.request->kill;
    struct error err;
    int code = check_kill(kill, &err);
    if (code) {
        reply_refuse(core, input, code, &err);
        return;
    }
    struct slice bytes = input->request.kill_policy;
    struct blob *policy = kill->kill_policy ? blob_create(bytes.data, bytes.length) : NULL;
    Zmesos__V1__Reply *reply = reply_new(core, input->request.request);
    Zmesos__V1__Items *items = items_new(core, reply, kill->label ? CORE_KILL_MAX : kill->n_task_ids);
    if (kill->label)
        kill_labelled(core, kill->label, policy, items);
    else
        kill_ids(core, kill, policy, items);
    retire_blob(core, policy);
    reply_items(core, input, reply);
}
