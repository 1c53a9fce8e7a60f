/* Operations in memory: rows, found by id, key and Mesos id. A row changes only by being applied, here and in
 * recovery alike; writing is applying and an output.
 *
 * Keys are out of the same sequence as those of tasks, so that a restored store leaves room for both. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void operations_init(struct core *core)
{
    struct operations *all = &core->operations;
    map_init(&all->by_id, core->config.seed[0], core->config.seed[1]);
    map_init(&all->by_mesos_id, core->config.seed[0], core->config.seed[1]);
    list_init(&all->open);
    list_init(&all->asked);
    heap_init(&all->over);
    all->forget_at_ms = INT64_MIN;
}

struct operation *operation_find(const struct core *core, const char *id)
{
    return map_get_string(&core->operations.by_id, id);
}

size_t operation_place_after(const struct core *core, uint64_t key)
{
    size_t low = 0, high = core->operations.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if ((uint64_t)core->operations.items[middle]->key <= key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct operation *operation_by_key(const struct core *core, int64_t key)
{
    size_t place = operation_place_after(core, (uint64_t)key - 1);
    return place < core->operations.count && core->operations.items[place]->key == key
                   ? core->operations.items[place]
                   : NULL;
}

bool operation_is_held(const struct operation *operation)
{
    return operation->flags & OPERATION_HELD && operation->state == OPERATION_STATE(QUEUED);
}

/* ---- applying ---- */

static struct operation *operation_new(
        struct core *core, const struct operation_row *row, const Zmesos__V1__OperationSpec *spec)
{
    struct operations *all = &core->operations;
    struct operation *operation = alloc_zeroed(1, sizeof *operation);
    struct role *role = role_find(core, spec->role);
    operation->key = row->key;
    operation->id = alloc_string(row->id);
    operation->spec = blob_ref(row->spec);
    operation->labels = labels_pack(spec->labels);
    operation->type = spec->operation->type;
    operation->role = role ? role : role_find(core, NULL); /* recovered, and not configured any more */
    operation->unknown_ms = INT64_MIN;
    arena_init(&operation->arena);
    operation->operation = message_copy(&operation->arena, spec->operation);
    operation->constraints = constraints_read(spec->constraints, spec->n_constraints);
    operation->constraint_count = spec->n_constraints;
    operation->placer = alloc_string(spec->placer);
    map_put(&all->by_id, slice_of_string(operation->id), operation);
    if (all->count == all->capacity) {
        all->capacity = all->capacity ? all->capacity * 2 : 64;
        all->items = alloc_resize(all->items, all->capacity, sizeof(struct operation *));
    }
    all->items[all->count++] = operation;
    if (core->next_key <= row->key)
        core->next_key = row->key + 1;
    return operation;
}

/* What only placing needs. */
static void drop_parts(struct operation *operation)
{
    constraints_free(operation->constraints, operation->constraint_count);
    operation->constraints = NULL;
    operation->constraint_count = 0;
    operation->operation = NULL;
    arena_clear(&operation->arena);
    free(operation->obstacle);
    free(operation->placer);
    operation->obstacle = operation->placer = NULL;
}

/* In the order of arrival: one that waits again has its old place. */
static void join_queue(struct core *core, struct operation *operation)
{
    struct role *role = operation->role;
    struct list_link *place = list_first(&role->operations);
    const struct list_link *last = list_last(&role->operations);
    if (last && list_item(last, struct operation, queue_link)->key < operation->key)
        place = NULL;
    while (place && list_item(place, struct operation, queue_link)->key < operation->key)
        place = list_next(&role->operations, place);
    if (place)
        list_insert_before(&role->operations, place, &operation->queue_link);
    else
        list_append(&role->operations, &operation->queue_link);
    operation->cursor = 0;
    role->fresh_work = true;
    role->active_ms = core->now.mono_ms;
    core->match_wanted = true;
}

static void set_state(struct core *core, struct operation *operation, operation_state to, uint32_t flags)
{
    struct operations *all = &core->operations;
    operation_state from = operation->state;
    all->held -= from && operation_is_held(operation);
    operation->state = to;
    operation->flags = flags;
    all->held += operation_is_held(operation);
    if (from)
        all->counts[from]--;
    all->counts[to]++;
    bool waits = to == OPERATION_STATE(QUEUED) && !(flags & OPERATION_HELD) && !operation->placer;
    if (waits && !operation->counted_waiting)
        join_queue(core, operation);
    if (!waits)
        list_remove(&operation->role->operations, &operation->queue_link);
    if (waits != operation->counted_waiting)
        operation->role->waiting += waits ? 1 : (uint64_t)-1;
    operation->counted_waiting = waits;
    if (!operation_wants_answer(to)) {
        list_remove(&all->open, &operation->open_link);
        list_remove(&all->asked, &operation->ask_link);
    } else if (!list_linked(&operation->open_link)) {
        list_append(&all->open, &operation->open_link);
    }
    if (!operation_is_over(to))
        return;
    drop_parts(operation);
    heap_set(&all->over, &operation->timer, operation->changed_ns);
}

static void set_mesos_id(struct core *core, struct operation *operation, const char *mesos_id)
{
    struct map *map = &core->operations.by_mesos_id;
    if (operation->mesos_id && strcmp(operation->mesos_id, mesos_id) == 0)
        return;
    if (operation->mesos_id)
        map_remove(map, slice_of_string(operation->mesos_id));
    row_text_set(&operation->mesos_id, mesos_id);
    if (operation->mesos_id)
        map_put(map, slice_of_string(operation->mesos_id), operation);
}

static int check_new(const struct core *core, const struct operation_row *row,
        const Zmesos__V1__OperationSpec *spec, struct error *err)
{
    const struct operations *all = &core->operations;
    if (!row->spec || !spec || !spec->operation)
        return error_set(err, ERR_MALFORMED, "operation %s has no specification", row->id);
    if (all->count && all->items[all->count - 1]->key >= row->key)
        return error_set(err, ERR_MALFORMED, "operation %s comes out of order", row->id);
    if (operation_find(core, row->id))
        return error_set(err, ERR_MALFORMED, "operation %s is there twice", row->id);
    return 0;
}

int operation_row_apply(struct core *core, const struct operation_row *row,
        const Zmesos__V1__OperationSpec *spec, struct error *err)
{
    struct operation *operation = operation_by_key(core, row->key);
    if (*enum_name(&zmesos__v1__operation__state__descriptor, row->state) == '\0')
        return error_set(
                err, ERR_MALFORMED, "operation %s is in state %d, which is none", row->id, (int)row->state);
    if (!operation) {
        int rc = check_new(core, row, spec, err);
        if (rc)
            return rc;
        operation = operation_new(core, row, spec);
    }
    if (operation->status != row->status) {
        retire_blob(core, operation->status);
        operation->status = blob_ref(row->status);
    }
    operation->revision = row->revision;
    operation->sent = row->sent;
    operation->created_ns = row->created_ns;
    operation->changed_ns = row->changed_ns;
    shared_set(core, &operation->agent_id, row->agent_id);
    shared_set(core, &operation->hostname, row->hostname);
    row_text_set(&operation->provider_id, row->provider_id);
    row_text_set(&operation->message, row->message);
    set_mesos_id(core, operation, row->mesos_id);
    set_state(core, operation, (operation_state)row->state, row->flags);
    return 0;
}

struct operation_row operation_row_of(const struct operation *operation)
{
    return (struct operation_row){
            .key = operation->key,
            .id = operation->id,
            .state = (int32_t)operation->state,
            .revision = operation->revision,
            .flags = operation->flags,
            .sent = operation->sent,
            .mesos_id = row_text(operation->mesos_id),
            .agent_id = row_text(operation->agent_id),
            .hostname = row_text(operation->hostname),
            .provider_id = row_text(operation->provider_id),
            .created_ns = operation->created_ns,
            .changed_ns = operation->changed_ns,
            .message = row_text(operation->message),
            .status = operation->status,
    };
}

/* ---- writing ---- */

void operation_write(
        struct core *core, const struct operation_row *row, const Zmesos__V1__OperationSpec *spec)
{
    struct arena *arena = &core->out->arena;
    const struct operation *operation = operation_by_key(core, row->key);
    operation_state from = operation ? operation->state : 0;
    struct core_output *item = output_add(core, CORE_OUT_RECORD);
    item->record.kind = RECORD_OPERATION;
    item->record.operation = *row;
    struct operation_row *copy = &item->record.operation;
    copy->id = arena_string(arena, row->id);
    copy->mesos_id = arena_string(arena, row_text(row->mesos_id));
    copy->agent_id = arena_string(arena, row_text(row->agent_id));
    copy->hostname = arena_string(arena, row_text(row->hostname));
    copy->provider_id = arena_string(arena, row_text(row->provider_id));
    copy->message = arena_string(arena, row_text(row->message));
    copy->changed_ns = core->now.wall_ns;
    copy->revision++;
    struct operation_row applied = *copy;
    if (operation_row_apply(core, &applied, spec, NULL))
        abort(); /* a row of ours always fits */
    operation = operation_by_key(core, row->key);
    if (operation->state != from)
        output_operation_event(core, operation);
}

void operation_move(
        struct core *core, struct operation *operation, operation_state to, uint32_t flags, const char *words)
{
    struct operation_row row = operation_row_of(operation);
    row.state = (int32_t)to;
    row.flags = flags;
    row.message = words;
    operation_write(core, &row, NULL);
}

void operation_requeue(struct core *core, struct operation *operation, const char *words)
{
    operation->call = 0;
    operation->unknown_ms = INT64_MIN;
    operation_move(
            core, operation, OPERATION_STATE(QUEUED), operation->flags & ~(uint32_t)OPERATION_REFUSED, words);
}

/* ---- forgetting ---- */

static void operation_free(struct core *core, struct operation *operation)
{
    struct operations *all = &core->operations;
    list_remove(&operation->role->operations, &operation->queue_link);
    list_remove(&all->open, &operation->open_link);
    list_remove(&all->asked, &operation->ask_link);
    heap_remove(&all->over, &operation->timer);
    drop_parts(operation);
    shared_drop(core, operation->agent_id);
    shared_drop(core, operation->hostname);
    blob_unref(operation->spec);
    blob_unref(operation->status);
    free(operation->id);
    free(operation->mesos_id);
    free(operation->provider_id);
    free(operation->message);
    free(operation->labels);
    free(operation);
}

static struct operation *oldest_due(const struct core *core)
{
    const struct operations *all = &core->operations;
    struct heap_node *node = heap_first(&all->over);
    struct operation *operation = node ? list_item(node, struct operation, timer) : NULL;
    bool old =
            operation && (core->now.wall_ns - operation->changed_ns) / 1000000 >= core->config.keep_tasks_ms;
    return operation && (old || all->over.count > core->config.keep_tasks) ? operation : NULL;
}

static void forget(struct core *core, struct operation *operation)
{
    struct operations *all = &core->operations;
    output_add(core, CORE_OUT_RECORD)->record =
            (struct record){.kind = RECORD_FORGET_OPERATION, .forget_operation = {.key = operation->key}};
    all->counts[operation->state]--;
    map_remove(&all->by_id, slice_of_string(operation->id));
    if (operation->mesos_id)
        map_remove(&all->by_mesos_id, slice_of_string(operation->mesos_id));
    operation_free(core, operation);
}

static void leave_items(struct operations *all)
{
    size_t kept = 0;
    for (size_t i = 0; i < all->count; i++) {
        if (!all->items[i]->forgotten)
            all->items[kept++] = all->items[i];
    }
    all->count = kept;
}

void operations_forget_step(struct core *core)
{
    struct operations *all = &core->operations;
    if (!forget_is_due(core, &all->over, &all->forget_at_ms))
        return;
    struct operation *batch[CORE_FORGET_STEP], *operation;
    size_t count = 0;
    while (count < CORE_FORGET_STEP && (operation = oldest_due(core))) {
        heap_remove(&all->over, &operation->timer); /* the next one is next */
        operation->forgotten = true;
        batch[count++] = operation;
    }
    if (count == 0)
        return;
    keep_next_key(core);
    leave_items(all);
    for (size_t i = 0; i < count; i++)
        forget(core, batch[i]);
    if (count == CORE_FORGET_STEP)
        all->forget_at_ms = core->now.mono_ms;
}

void operations_clear(struct core *core)
{
    struct operations *all = &core->operations;
    for (size_t i = 0; i < all->count; i++)
        operation_free(core, all->items[i]);
    map_clear(&all->by_id);
    map_clear(&all->by_mesos_id);
    heap_clear(&all->over);
    free(all->items);
}

/* ---- what clients see ---- */

Zmesos__V1__Operation *operation_view(struct core *core, const struct operation *operation)
{
    Zmesos__V1__Operation *view = arena_alloc(&core->out->arena, sizeof *view);
    zmesos__v1__operation__init(view);
    view->has_state = view->has_revision = view->has_created_ns = view->has_changed_ns = true;
    view->has_type = view->has_sent = true;
    view->id = operation->id;
    view->role = operation->role->name;
    view->state = operation->state;
    view->revision = operation->revision;
    view->operation_id = view_text(core, operation->mesos_id);
    view->agent_id = view_text(core, operation->agent_id);
    view->hostname = view_text(core, operation->hostname);
    view->resource_provider_id = view_text(core, operation->provider_id);
    view->message = view_text(core, operation->message);
    view->created_ns = operation->created_ns;
    view->changed_ns = operation->changed_ns;
    view->type = operation->type;
    view->sent = operation->sent;
    view->has_held = view->held = operation_is_held(operation);
    if (operation->state == OPERATION_STATE(QUEUED))
        view->obstacle = operation->placer
                                 ? arena_format(&core->out->arena, "waits for placer %s", operation->placer)
                                 : view_text(core, operation->obstacle);
    return view;
}
