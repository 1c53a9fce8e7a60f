/* operate, get_operations, list_operations, cancel_operations; and what becomes of operations when a store is
 * restored or the framework removed. */
#include "internal.h"

#include <stdio.h>
#include <string.h>

/* Bytes of specifications, and of statuses, in one reply. */
#define SPECS_MAX ((size_t)4 << 20)

/* ---- operate ---- */

Zmesos__V1__Item *item_add_operation(struct core *core, Zmesos__V1__Items *items, const char *operation_id)
{
    Zmesos__V1__Item *item = item_add(core, items, NULL);
    item->operation_id = arena_string(&core->out->arena, operation_id);
    return item;
}

void item_operation_state(Zmesos__V1__Item *item, const struct operation *operation)
{
    item->has_operation_state = item->has_revision = true;
    item->operation_state = operation->state;
    item->revision = operation->revision;
}

static void item_no_operation(
        struct core *core, Zmesos__V1__Items *items, const char *request, const char *id, size_t i)
{
    item_not_found(core, item_add_operation(core, items, id), request, "operation", i);
}

static void add_operation(struct core *core, const Zmesos__V1__OperationSpec *spec, struct slice bytes)
{
    struct blob *blob = blob_create(bytes.data, bytes.length);
    struct operation_row row = {
            .key = core->next_key,
            .id = spec->id,
            .spec = blob,
            .state = (int32_t)OPERATION_STATE(QUEUED),
            .mesos_id = "",
            .created_ns = core->now.wall_ns,
    };
    operation_write(core, &row, spec);
    blob_unref(blob); /* the operation keeps its own */
}

/* An id that is known is answered with what is known of it. */
static void operate_again(struct core *core, const struct operation *operation, struct slice bytes,
        const char *path, Zmesos__V1__Item *item)
{
    if (!slice_equal(blob_slice(operation->spec), bytes) &&
            !core->config.same_operation(blob_slice(operation->spec), bytes)) {
        struct error err;
        char field[ERROR_FIELD_MAX];
        snprintf(field, sizeof field, "%s.id", path);
        int code = error_set_field(
                &err, ERR_CONFLICT, field, "an operation with this id and another specification exists");
        item_refuse(core, item, code, &err);
    }
    item->has_known = item->known = item->code == CODE(OK);
    item_operation_state(item, operation);
}

static void operate_one(struct core *core, const Zmesos__V1__OperationSpec *spec, struct slice bytes,
        const char *path, Zmesos__V1__Item *item)
{
    struct error err = {0};
    const struct operation *known = spec->id ? operation_find(core, spec->id) : NULL;
    if (known) {
        operate_again(core, known, bytes, path, item);
        return;
    }
    int code = operation_check(core, spec, path, &err);
    if (code == 0 && core->operations.count >= core->config.tasks_max)
        code = error_set(&err, ERR_UNAVAILABLE, "zmesosd keeps %zu operations, which is its limit",
                core->operations.count);
    if (code == 0 && core->operations.counts[OPERATION_STATE(QUEUED)] >= CORE_OPERATIONS_WAITING_MAX)
        code = error_set(&err, ERR_UNAVAILABLE, "%d operations wait already", CORE_OPERATIONS_WAITING_MAX);
    if (code == 0 && core->teardown.wanted)
        code = error_set(&err, ERR_UNAVAILABLE, "the framework is being torn down");
    if (code) {
        item_refuse(core, item, code, &err);
        return;
    }
    add_operation(core, spec, bytes);
    item_operation_state(item, operation_find(core, spec->id));
}

/* Whether there are 1 to `most` of them; refuses the request otherwise. */
static bool count_is_good(struct core *core, const struct core_input *input, size_t count, size_t most,
        const char *field, const char *what)
{
    if (count > 0 && count <= most)
        return true;
    struct error err;
    int code = error_set_field(
            &err, count ? ERR_TOO_LARGE : ERR_INVALID, field, "%s 1 to %zu operations", what, most);
    reply_refuse(core, input, code, &err);
    return false;
}

void handle_operate(struct core *core, const struct core_input *input)
{
    const Zmesos__V1__Operate *operate = input->request.request->operate;
    if (!count_is_good(
                core, input, operate->n_operations, CORE_OPERATE_MAX, "operate.operations", "an operate has"))
        return;
    Zmesos__V1__Reply *reply = reply_new(core, input->request.request);
    Zmesos__V1__Items *items = items_new(core, reply, operate->n_operations);
    items->has_kept_ms = true;
    items->kept_ms = core->config.keep_tasks_ms;
    for (size_t i = 0; i < operate->n_operations; i++) {
        char path[48];
        snprintf(path, sizeof path, "operate.operations[%zu]", i);
        Zmesos__V1__Item *item = item_add_operation(core, items, operate->operations[i]->id);
        operate_one(core, operate->operations[i], input->request.specs[i], path, item);
    }
    reply_items(core, input, reply);
}

/* ---- get and list ---- */

struct page {
    Zmesos__V1__Operations *operations;
    struct blob **specs, **statuses; /* specs NULL: not asked for */
    size_t bytes;
};

static struct page page_new(struct core *core, Zmesos__V1__Reply *reply, size_t room, bool with_spec)
{
    struct arena *arena = &core->out->arena;
    struct page page = {.operations = arena_alloc(arena, sizeof *page.operations)};
    zmesos__v1__operations__init(page.operations);
    page.operations->operations = arena_array(arena, room, sizeof *page.operations->operations);
    page.specs = with_spec ? arena_array(arena, room, sizeof *page.specs) : NULL;
    page.statuses = arena_array(arena, room, sizeof *page.statuses);
    reply->result_case = ZMESOS__V1__REPLY__RESULT_OPERATIONS;
    reply->operations = page.operations;
    return page;
}

/* False when there is no room for one more; a first one always has room. */
static bool page_add(struct core *core, struct page *page, const struct operation *operation)
{
    Zmesos__V1__Operations *list = page->operations;
    size_t size = (page->specs ? blob_slice(operation->spec).length : 0) +
                  (operation->status ? blob_slice(operation->status).length : 0);
    if (list->n_operations > 0 && page->bytes + size > SPECS_MAX)
        return false;
    page->bytes += size;
    if (page->specs)
        page->specs[list->n_operations] = operation->spec;
    page->statuses[list->n_operations] = operation->status;
    list->operations[list->n_operations++] = operation_view(core, operation);
    return true;
}

static void page_send(
        struct core *core, const struct core_input *input, Zmesos__V1__Reply *reply, const struct page *page)
{
    struct core_output *item = output_add(core, CORE_OUT_REPLY);
    item->reply = (struct core_reply){
            .token = input->request.token, .reply = reply, .specs = page->specs, .statuses = page->statuses};
}

void handle_get_operations(struct core *core, const struct core_input *input)
{
    const Zmesos__V1__GetOperations *get = input->request.request->get_operations;
    if (!count_is_good(core, input, get->n_operation_ids, CORE_GET_MAX, "get_operations.operation_ids",
                "a get_operations names"))
        return;
    Zmesos__V1__Reply *reply = reply_new(core, input->request.request);
    struct page page = page_new(core, reply, get->n_operation_ids, get->with_spec);
    Zmesos__V1__Operations *list = page.operations;
    list->missing = arena_array(&core->out->arena, get->n_operation_ids, sizeof *list->missing);
    for (size_t i = 0; i < get->n_operation_ids; i++) {
        const struct operation *operation = operation_find(core, get->operation_ids[i]);
        if (!operation) {
            list->missing[list->n_missing++] = arena_string(&core->out->arena, get->operation_ids[i]);
        } else if (!page_add(core, &page, operation)) {
            struct error err;
            int code = error_set_field(&err, ERR_TOO_LARGE, "get_operations.operation_ids",
                    "what is known of these has more than %zu bytes; ask for fewer at a time", SPECS_MAX);
            reply_refuse(core, input, code, &err);
            return;
        }
    }
    page_send(core, input, reply, &page);
}

static bool wanted(const struct operation *operation, const Zmesos__V1__ListOperations *list)
{
    bool in_state = list->n_states == 0;
    for (size_t i = 0; i < list->n_states && !in_state; i++)
        in_state = operation->state == list->states[i];
    return in_state && (!list->label || labels_have(operation->labels, list->label)) &&
           (!list->id_prefix || strncmp(operation->id, list->id_prefix, strlen(list->id_prefix)) == 0);
}

void handle_list_operations(struct core *core, const struct core_input *input)
{
    const Zmesos__V1__ListOperations *list = input->request.request->list_operations;
    const struct operations *all = &core->operations;
    if (!count_is_good(core, input, list->page_size, CORE_GET_MAX, "list_operations.page_size", "a page has"))
        return;
    Zmesos__V1__Reply *reply = reply_new(core, input->request.request);
    struct page page = page_new(core, reply, list->page_size, list->with_spec);
    int64_t last = 0;
    for (size_t i = operation_place_after(core, list->after); i < all->count; i++) {
        if (!wanted(all->items[i], list))
            continue;
        if (page.operations->n_operations == list->page_size || !page_add(core, &page, all->items[i])) {
            page.operations->has_next = true;
            page.operations->next = (uint64_t)last;
            break;
        }
        last = all->items[i]->key;
    }
    page_send(core, input, reply, &page);
}

/* ---- cancel ---- */

static bool may_cancel(operation_state state)
{
    return state == OPERATION_STATE(QUEUED) || state == OPERATION_STATE(UNKNOWN) ||
           state == OPERATION_STATE(UNREACHABLE);
}

static void cancel(struct core *core, struct operation *operation)
{
    bool sent = operation->state != OPERATION_STATE(QUEUED);
    operation_move(core, operation, OPERATION_STATE(CANCELLED), operation->flags,
            sent ? "given up by request; it may have been done" : "cancelled before it was sent");
}

static void cancel_one(struct core *core, struct operation *operation, size_t i, Zmesos__V1__Items *items)
{
    Zmesos__V1__Item *item = item_add_operation(core, items, operation->id);
    bool over = operation_is_over(operation->state);
    if (!over && may_cancel(operation->state)) {
        cancel(core, operation);
    } else if (!over) {
        struct error err;
        char field[64];
        snprintf(field, sizeof field, "cancel_operations.operation_ids[%zu]", i);
        int code = error_set_field(
                &err, ERR_CONFLICT, field, "it was sent to the master, which may have done it");
        item_refuse(core, item, code, &err);
    }
    item_operation_state(item, operation);
}

void handle_cancel_operations(struct core *core, const struct core_input *input)
{
    const Zmesos__V1__CancelOperations *request = input->request.request->cancel_operations;
    if (!count_is_good(core, input, request->n_operation_ids, CORE_KILL_MAX,
                "cancel_operations.operation_ids", "a cancel_operations names"))
        return;
    Zmesos__V1__Reply *reply = reply_new(core, input->request.request);
    Zmesos__V1__Items *items = items_new(core, reply, request->n_operation_ids);
    for (size_t i = 0; i < request->n_operation_ids; i++) {
        struct operation *operation = operation_find(core, request->operation_ids[i]);
        if (operation)
            cancel_one(core, operation, i, items);
        else
            item_no_operation(core, items, "cancel_operations", request->operation_ids[i], i);
    }
    reply_items(core, input, reply);
}

/* ---- beginnings that are not the ordinary one ---- */

static const char *words_of(struct core *core, const struct operation *operation)
{
    return operation->message ? arena_string(&core->out->arena, operation->message) : "";
}

void operations_hold(struct core *core)
{
    struct operations *all = &core->operations;
    for (size_t i = 0; i < all->count; i++) {
        struct operation *operation = all->items[i];
        uint32_t flag = operation->state == OPERATION_STATE(QUEUED) ? OPERATION_HELD : OPERATION_DOUBTED;
        if (!operation_is_over(operation->state))
            operation_move(
                    core, operation, operation->state, operation->flags | flag, words_of(core, operation));
    }
}

static void release_one(struct core *core, struct operation *operation, bool run, Zmesos__V1__Items *items)
{
    bool held = operation_is_held(operation);
    if (held && run)
        operation_move(core, operation, operation->state, operation->flags & ~(uint32_t)OPERATION_HELD,
                words_of(core, operation));
    else if (held)
        cancel(core, operation);
    if (items->has_total && items->n_items >= CORE_KILL_MAX)
        return; /* of all that are held; each that is named has an item */
    Zmesos__V1__Item *item = item_add_operation(core, items, operation->id);
    item->has_known = item->known = !held;
    item_operation_state(item, operation);
}

void operations_release(
        struct core *core, const Zmesos__V1__Release *release, bool run, Zmesos__V1__Items *items)
{
    for (size_t i = 0; i < release->n_operation_ids; i++) {
        struct operation *operation = operation_find(core, release->operation_ids[i]);
        if (operation)
            release_one(core, operation, run, items);
        else
            item_no_operation(core, items, "release", release->operation_ids[i], i);
    }
}

void operations_release_all(struct core *core, bool run, Zmesos__V1__Items *items)
{
    struct operations *all = &core->operations;
    items->total += all->held;
    for (size_t i = 0; i < all->count; i++) {
        if (operation_is_held(all->items[i]))
            release_one(core, all->items[i], run, items);
    }
}

/* Nobody tells the end of a removed framework's operations; what they made stays. Where that was asked for,
 * those that wait end too. */
void operations_removed(struct core *core, bool ended)
{
    struct operations *all = &core->operations;
    for (size_t i = 0; i < all->count; i++) {
        struct operation *operation = all->items[i];
        if (operation_wants_answer(operation->state))
            operation_move(core, operation, OPERATION_STATE(CANCELLED), operation->flags,
                    "its framework was removed before its end was told; it may have been done");
        else if (ended && operation->state == OPERATION_STATE(QUEUED))
            operation_move(core, operation, OPERATION_STATE(CANCELLED), operation->flags,
                    "ended with its framework, which was torn down by request");
    }
}

uint64_t operations_not_over(const struct core *core, const struct role *role)
{
    const struct operations *all = &core->operations;
    uint64_t count = 0;
    for (size_t i = 0; role && i < all->count; i++)
        count += all->items[i]->role == role && !operation_is_over(all->items[i]->state);
    return role ? count : all->count - all->over.count;
}
