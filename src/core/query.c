/* get, list, snapshot and sandbox: answered from memory, in order with what was written before. */
#include "internal.h"

#include <string.h>

/* Bytes of specifications, and of attempts, in one reply: a request of a few bytes must not cost more. */
#define SPECS_MAX ((size_t)4 << 20)
#define ATTEMPTS_MAX ((size_t)32 << 20)
#define ATTEMPT_BYTES ((size_t)128)

/* Tasks on one page of a snapshot, and those looked at for it, each some tenths of a millisecond: a hundred
 * snapshots at once must not hold up what else there is. */
#define SNAPSHOT_MAX 250
#define SNAPSHOT_LOOK_MAX 10000

/* A page of tasks being filled. */
struct page {
    Zmesos__V1__Tasks *tasks;
    struct blob **specs; /* NULL: not asked for */
    size_t specs_bytes, attempts_bytes;
};

static struct page page_new(struct core *core, Zmesos__V1__Reply *reply, size_t room, bool with_spec)
{
    struct arena *arena = &core->out->arena;
    struct page page = {.tasks = arena_alloc(arena, sizeof *page.tasks)};
    zmesos__v1__tasks__init(page.tasks);
    page.tasks->tasks = arena_array(arena, room, sizeof *page.tasks->tasks);
    page.specs = with_spec ? arena_array(arena, room, sizeof *page.specs) : NULL;
    if (reply) {
        reply->result_case = ZMESOS__V1__REPLY__RESULT_TASKS;
        reply->tasks = page.tasks;
    }
    return page;
}

static size_t length_of(const char *text)
{
    return text ? strlen(text) : 0;
}

/* What they take when packed, and no less than that: ATTEMPT_BYTES is for all but the texts. */
static size_t attempts_bytes(const struct task *task)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < task->attempt_count; i++) {
        const struct attempt *attempt = &task->attempts[i];
        bytes += ATTEMPT_BYTES + length_of(attempt->mesos_id ? attempt->mesos_id : task->id) +
                 length_of(attempt->agent_id) + length_of(attempt->hostname) + length_of(attempt->ports) +
                 length_of(attempt->message) + length_of(attempt->reason) + length_of(attempt->agent_url);
    }
    return bytes;
}

/* False when there is no room for one more, with its specification if that is wanted; a first one always has
 * room. */
static bool page_add(struct core *core, struct page *page, const struct task *task)
{
    page->attempts_bytes += attempts_bytes(task);
    if (page->tasks->n_tasks > 0 && page->attempts_bytes > ATTEMPTS_MAX)
        return false;
    if (page->specs) {
        size_t size = blob_slice(task->spec).length;
        if (page->tasks->n_tasks > 0 && page->specs_bytes + size > SPECS_MAX)
            return false;
        page->specs_bytes += size;
        page->specs[page->tasks->n_tasks] = task->spec;
    }
    page->tasks->tasks[page->tasks->n_tasks++] = view_task(core, task, true);
    return true;
}

void handle_get(struct core *core, const struct core_input *input)
{
    const Zmesos__V1__Get *get = input->request.request->get;
    struct error err;
    if (get->n_task_ids == 0 || get->n_task_ids > CORE_GET_MAX) {
        int code = error_set_field(&err, get->n_task_ids ? ERR_TOO_LARGE : ERR_INVALID, "get.task_ids",
                "a get names 1 to %d tasks", CORE_GET_MAX);
        reply_refuse(core, input, code, &err);
        return;
    }
    Zmesos__V1__Reply *reply = reply_new(core, input->request.request);
    struct page page = page_new(core, reply, get->n_task_ids, get->with_spec);
    page.tasks->missing = arena_array(&core->out->arena, get->n_task_ids, sizeof *page.tasks->missing);
    for (size_t i = 0; i < get->n_task_ids; i++) {
        const struct task *task = task_find(core, get->task_ids[i]);
        if (!task) {
            page.tasks->missing[page.tasks->n_missing++] = arena_string(&core->out->arena, get->task_ids[i]);
        } else if (!page_add(core, &page, task)) {
            int code =
                    page.attempts_bytes > ATTEMPTS_MAX
                            ? error_set_field(&err, ERR_TOO_LARGE, "get.task_ids",
                                      "the attempts of these tasks have more than %zu bytes; ask for fewer "
                                      "at a time",
                                      ATTEMPTS_MAX)
                            : error_set_field(&err, ERR_TOO_LARGE, "get.with_spec",
                                      "these specifications have more than %zu bytes; ask for fewer at a "
                                      "time",
                                      SPECS_MAX);
            reply_refuse(core, input, code, &err);
            return;
        }
    }
    reply_send(core, input->request.token, reply, page.specs);
}

/* What a list and a snapshot can ask for. */
struct filter {
    const task_state *states;
    size_t state_count;
    const Mesos__V1__Label *label;
    const char *id_prefix, *placer;
};

static bool wanted(const struct task *task, const struct filter *filter)
{
    bool in_state = filter->state_count == 0;
    for (size_t i = 0; i < filter->state_count && !in_state; i++)
        in_state = task->state == filter->states[i];
    return in_state && (!filter->label || labels_have(task->labels, filter->label)) &&
           (!filter->placer || (task->shape->placer && strcmp(task->shape->placer, filter->placer) == 0)) &&
           (!filter->id_prefix || strncmp(task->id, filter->id_prefix, strlen(filter->id_prefix)) == 0);
}

/* The place of the first task after that key. */
static size_t place_after(const struct core *core, uint64_t key)
{
    size_t low = 0, high = core->task_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if ((uint64_t)core->tasks[middle]->key <= key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void handle_list(struct core *core, const struct core_input *input)
{
    const Zmesos__V1__List *list = input->request.request->list;
    struct error err;
    if (list->page_size == 0 || list->page_size > CORE_GET_MAX) {
        int code = error_set_field(&err, list->page_size ? ERR_TOO_LARGE : ERR_INVALID, "list.page_size",
                "a page has 1 to %d tasks", CORE_GET_MAX);
        reply_refuse(core, input, code, &err);
        return;
    }
    const struct filter filter = {list->states, list->n_states, list->label, list->id_prefix, list->placer};
    Zmesos__V1__Reply *reply = reply_new(core, input->request.request);
    struct page page = page_new(core, reply, list->page_size, list->with_spec);
    for (size_t i = place_after(core, list->after); i < core->task_count; i++) {
        if (!wanted(core->tasks[i], &filter))
            continue;
        if (page.tasks->n_tasks == list->page_size || !page_add(core, &page, core->tasks[i])) {
            page.tasks->has_next = true;
            page.tasks->next = (uint64_t)task_find(core, page.tasks->tasks[page.tasks->n_tasks - 1]->id)->key;
            break;
        }
    }
    reply_send(core, input->request.token, reply, page.specs);
}

/* A page is true at the heads that go with it, since all of it is made between two inputs. */
void handle_snapshot(struct core *core, const struct core_input *input)
{
    const Zmesos__V1__Snapshot *asked = input->request.request->snapshot;
    struct error err;
    if (asked->page_size == 0 || asked->page_size > SNAPSHOT_MAX) {
        int code = error_set_field(&err, asked->page_size ? ERR_TOO_LARGE : ERR_INVALID, "snapshot.page_size",
                "a page has 1 to %d tasks", SNAPSHOT_MAX);
        reply_refuse(core, input, code, &err);
        return;
    }
    const struct filter filter = {
            asked->states, asked->n_states, asked->label, asked->id_prefix, asked->placer};
    struct page page = page_new(core, NULL, asked->page_size, asked->with_spec);
    size_t first = place_after(core, asked->after), i = first;
    for (; i < core->task_count && i - first < SNAPSHOT_LOOK_MAX; i++) {
        if (!wanted(core->tasks[i], &filter))
            continue;
        if (page.tasks->n_tasks == asked->page_size || !page_add(core, &page, core->tasks[i]))
            break;
    }
    Zmesos__V1__SnapshotPage *snapshot = arena_alloc(&core->out->arena, sizeof *snapshot);
    zmesos__v1__snapshot_page__init(snapshot);
    snapshot->tasks = page.tasks->tasks;
    snapshot->n_tasks = page.tasks->n_tasks;
    snapshot->has_next = i < core->task_count;
    snapshot->next = snapshot->has_next ? (uint64_t)core->tasks[i - 1]->key : 0;
    snapshot->n_heads = view_heads(core, &snapshot->heads);
    snapshot->store = arena_string(&core->out->arena, core->config.store_id);
    snapshot->has_run = true;
    snapshot->run = core->config.run;
    Zmesos__V1__Reply *reply = reply_new(core, input->request.request);
    reply->result_case = ZMESOS__V1__REPLY__RESULT_SNAPSHOT;
    reply->snapshot = snapshot;
    reply_send(core, input->request.token, reply, page.specs);
}

/* ---- sandbox ---- */

static int find_attempt(const struct core *core, const Zmesos__V1__Sandbox *sandbox, const struct task **task,
        const struct attempt **attempt, struct error *err)
{
    *task = sandbox->task_id ? task_find(core, sandbox->task_id) : NULL;
    if (!sandbox->task_id)
        return error_set_field(err, ERR_INVALID, "sandbox.task_id", "a task is named");
    if (!*task)
        return error_set_field(err, ERR_NOT_FOUND, "sandbox.task_id", "no such task");
    uint32_t number = sandbox->has_attempt ? sandbox->attempt : (*task)->attempt_count;
    if ((*task)->attempt_count == 0)
        return error_set_field(err, ERR_UNAVAILABLE, "sandbox.task_id", "it was not launched yet");
    if (number < 1 || number > (*task)->attempt_count)
        return error_set_field(
                err, ERR_NOT_FOUND, "sandbox.attempt", "it has %u attempts", (*task)->attempt_count);
    *attempt = &(*task)->attempts[number - 1];
    if (!(*attempt)->agent_url)
        return error_set_field(
                err, ERR_NOT_FOUND, "sandbox.attempt", "where the API of its agent is was never told");
    return 0;
}

/* The agent names a sandbox by framework and executor; a command's executor has the attempt's own id, and the
 * executor of a group keeps those of its members in its own. */
void handle_sandbox(struct core *core, const struct core_input *input)
{
    struct arena *arena = &core->out->arena;
    const struct task *task = NULL;
    const struct attempt *attempt = NULL;
    struct error err;
    int code = find_attempt(core, input->request.request->sandbox, &task, &attempt, &err);
    if (code) {
        reply_refuse(core, input, code, &err);
        return;
    }
    Zmesos__V1__Reply *reply = reply_new(core, input->request.request);
    Zmesos__V1__SandboxPlace *place = arena_alloc(arena, sizeof *place);
    zmesos__v1__sandbox_place__init(place);
    place->task_id = arena_string(arena, task->id);
    place->has_attempt = place->has_state = true;
    place->attempt = attempt->number;
    place->state = attempt->state;
    place->agent_id = arena_string(arena, attempt->agent_id);
    place->agent_url = arena_string(arena, attempt->agent_url);
    place->directory = arena_format(arena, "/frameworks/%s/executors/%s/runs/latest",
            core->config.framework_id, task_executor_id(core, task, attempt));
    if (task->task_group)
        place->directory = arena_format(
                arena, "%s/tasks/%s", place->directory, task_mesos_id(arena, task, attempt->number));
    reply->result_case = ZMESOS__V1__REPLY__RESULT_SANDBOX;
    reply->sandbox = place;
    reply_send(core, input->request.token, reply, NULL);
}
