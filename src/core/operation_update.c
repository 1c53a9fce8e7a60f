/* What the master says of operations, and asking it (PROTOCOL "Updates and acknowledgements"; Mesos's
 * docs/operations.md and Master::reconcileOperations).
 *
 * A master does not know an operation whose ACCEPT it never saw, one that was done and acknowledged, and one
 * whose agent has come back and not told of it yet. We acknowledge only what is on disk, so the second is
 * excluded but for other histories of this store, and for long absence, after which the master acknowledges
 * for us. The third lasts a moment: an agent tells right after it has registered. So when the master does
 * not know the operation twice, PROOF_MS apart, in one subscription, with its agent registered, and never
 * said a word that it did, then nobody has it: it was not done, and is sent again. In all other cases it is
 * UNKNOWN: a reservation or volume is never made twice by guess. */
#include "internal.h"

#include <string.h>

#define PROOF_MS 60000
#define STATUS_BYTES_MAX ((size_t)256 << 10) /* of a status that is kept for what it made */

#define WORDS_DOUBTED "the master does not know it; it may have been done, see what the agent offers"

/* ---- asking ---- */

static struct operations *all_of(struct core *core)
{
    return &core->operations;
}

void operations_ask(struct core *core, struct operation *operation, int64_t in_ms)
{
    struct operations *all = all_of(core);
    if (all->asked.count == 0)
        all->ask_backoff_ms = core->config.ask_min_ms;
    if (all->asked.count == 0 || core->now.mono_ms + in_ms < all->ask_at_ms)
        all->ask_at_ms = core->now.mono_ms + in_ms;
    if (!list_linked(&operation->ask_link))
        list_append(&all->asked, &operation->ask_link);
}

void operations_ask_all(struct core *core)
{
    struct operations *all = all_of(core);
    all->ask_backoff_ms = core->config.ask_min_ms;
    for (struct list_link *link = list_first(&all->open); link; link = list_next(&all->open, link))
        operations_ask(core, list_item(link, struct operation, open_link), 0);
}

/* Its agent was not there when the master was asked last. */
static bool is_out_of_sight(const struct operation *operation)
{
    return operation->state == OPERATION_STATE(RECOVERING) ||
           operation->state == OPERATION_STATE(UNREACHABLE) ||
           (operation->state == OPERATION_STATE(UNKNOWN) && !operation->given_up);
}

void operations_ask_agent(struct core *core, const char *agent_id, bool out_of_sight)
{
    struct operations *all = all_of(core);
    if (out_of_sight && all->counts[OPERATION_STATE(RECOVERING)] == 0 &&
            all->counts[OPERATION_STATE(UNREACHABLE)] == 0 && all->counts[OPERATION_STATE(UNKNOWN)] == 0)
        return;
    for (struct list_link *link = list_first(&all->open); link; link = list_next(&all->open, link)) {
        struct operation *operation = list_item(link, struct operation, open_link);
        if ((!out_of_sight || is_out_of_sight(operation)) && !list_linked(&operation->ask_link) &&
                operation->agent_id && strcmp(operation->agent_id, agent_id) == 0)
            operations_ask(core, operation, core->config.ask_min_ms);
    }
}

static Mesos__V1__Scheduler__Call__ReconcileOperations *send_reconcile(struct core *core)
{
    struct arena *arena = &core->out->arena;
    Mesos__V1__Scheduler__Call__ReconcileOperations *ask = arena_alloc(arena, sizeof *ask);
    mesos__v1__scheduler__call__reconcile_operations__init(ask);
    ask->operations = arena_array(arena, CORE_RECONCILE_MAX, sizeof *ask->operations);
    output_call(core, MESOS__V1__SCHEDULER__CALL__TYPE__RECONCILE_OPERATIONS, true)
            ->call->reconcile_operations = ask;
    return ask;
}

static void ask_about_all(struct core *core)
{
    struct operations *all = all_of(core);
    Mesos__V1__Scheduler__Call__ReconcileOperations *ask = NULL;
    for (struct list_link *link = list_first(&all->asked); link; link = list_next(&all->asked, link)) {
        struct operation *operation = list_item(link, struct operation, ask_link);
        if (!ask || ask->n_operations == CORE_RECONCILE_MAX)
            ask = send_reconcile(core);
        ask->operations[ask->n_operations++] =
                reconcile_operation(core, operation->mesos_id, operation->agent_id, operation->provider_id);
        operation->asked = core->subscription;
    }
    all->ask_at_ms = core->now.mono_ms + backoff_take(&all->ask_backoff_ms, core->config.ask_max_ms);
}

void operations_tick(struct core *core)
{
    const struct operations *all = all_of(core);
    if (core->subscription != 0 && all->asked.count > 0 && core->now.mono_ms >= all->ask_at_ms)
        ask_about_all(core);
}

int64_t operations_deadline(const struct core *core)
{
    return core->subscription != 0 && core->operations.asked.count > 0 ? core->operations.ask_at_ms
                                                                       : INT64_MAX;
}

/* ---- a new subscription ---- */

void operations_up(struct core *core, bool outlived)
{
    struct operations *all = all_of(core);
    for (struct list_link *link = list_first(&all->open); link; link = list_next(&all->open, link)) {
        struct operation *operation = list_item(link, struct operation, open_link);
        operation->unknown_ms = INT64_MIN;
        operation->given_up = false;
        if (outlived && !(operation->flags & OPERATION_OUTLIVED))
            operation_move(core, operation, operation->state, operation->flags | OPERATION_OUTLIVED,
                    operation->message ? arena_string(&core->out->arena, operation->message) : "");
    }
    operations_ask_all(core);
}

/* ---- statuses ---- */

/* A status with uuid is acknowledged each time it is seen, also of an operation of an earlier life of this
 * framework. */
static void acknowledge(struct core *core, const Mesos__V1__OperationStatus *status)
{
    if (!status->uuid || !status->operation_id)
        return;
    struct arena *arena = &core->out->arena;
    struct core_call *out =
            output_call(core, MESOS__V1__SCHEDULER__CALL__TYPE__ACKNOWLEDGE_OPERATION_STATUS, false);
    Mesos__V1__Scheduler__Call__AcknowledgeOperationStatus *call = arena_alloc(arena, sizeof *call);
    mesos__v1__scheduler__call__acknowledge_operation_status__init(call);
    call->agent_id = status->agent_id;
    call->resource_provider_id = status->resource_provider_id;
    call->uuid = status->uuid->value;
    call->operation_id = status->operation_id;
    out->call->acknowledge_operation_status = call;
}

/* Whether not being known proves that it was not done. */
static bool was_not_done(struct core *core, struct operation *operation)
{
    const uint32_t doubts = OPERATION_SEEN | OPERATION_OUTLIVED | OPERATION_DOUBTED;
    if (operation->flags & doubts || operation->call != 0 || operation->asked != core->subscription ||
            operation->unanswered == core->subscription)
        return false;
    if (operation->flags & OPERATION_REFUSED)
        return true;
    if (operation->unknown_ms == INT64_MIN)
        operation->unknown_ms = core->now.mono_ms;
    return core->now.mono_ms - operation->unknown_ms >= PROOF_MS;
}

static void handle_absent(struct core *core, struct operation *operation)
{
    if (was_not_done(core, operation)) {
        operation_requeue(core, operation, "the master never had it");
        return;
    }
    bool may_prove = operation->unknown_ms != INT64_MIN;
    operation->given_up = !may_prove;
    if (operation->state != OPERATION_STATE(UNKNOWN))
        operation_move(core, operation, OPERATION_STATE(UNKNOWN), operation->flags,
                may_prove ? "the master does not know it; it is asked once more" : WORDS_DOUBTED);
    if (may_prove)
        operations_ask(core, operation, PROOF_MS);
}

/* A word about an operation that waits here, under an id that it does not have now: it was proved not to have
 * been done, or it was sent by what went on after the backup that this store is from. */
static struct operation *operation_of(struct core *core, const char *mesos_id)
{
    struct operation *operation = map_get_string(&core->operations.by_mesos_id, mesos_id);
    struct slice id;
    int64_t key;
    uint32_t number;
    bool restored;
    if (operation || !mesos_id_split(mesos_id, &id, &key, &number, &restored))
        return operation;
    operation = operation_by_key(core, key);
    return operation && operation->state == OPERATION_STATE(QUEUED) &&
                           slice_equal(slice_of_string(operation->id), id)
                   ? operation
                   : NULL;
}

static void follow(struct core *core, struct operation *operation, const Mesos__V1__OperationStatus *status,
        operation_state to, struct blob *bytes)
{
    struct operation_row row = operation_row_of(operation);
    row.state = (int32_t)to;
    row.mesos_id = status->operation_id->value;
    if (status->agent_id)
        row.agent_id = status->agent_id->value;
    row.message = clean_words(core, status->message);
    if (to == OPERATION_STATE(UNKNOWN) && !*row.message)
        row.message = WORDS_DOUBTED;
    if (to == OPERATION_STATE(PENDING))
        row.flags |= OPERATION_SEEN;
    if (to == OPERATION_STATE(FINISHED) && status->n_converted_resources > 0 &&
            blob_slice(bytes).length <= STATUS_BYTES_MAX)
        row.status = bytes;
    operation->unknown_ms = INT64_MIN;
    operation->given_up = false;
    operation_write(core, &row, NULL);
}

void handle_operation_update(struct core *core, const Mesos__V1__OperationStatus *status, struct blob *bytes)
{
    acknowledge(core, status);
    struct operation *operation =
            status->operation_id ? operation_of(core, status->operation_id->value) : NULL;
    operation_state to = 0;
    if (!operation)
        return;
    enum operation_news news = operation_news_of(status);
    enum operation_step step = operation_step(operation->state, news, &to);
    if (step == OPERATION_IMPOSSIBLE)
        return; /* a state that this version does not know: it was published, and is asked about again */
    if (operation->flags & OPERATION_REFUSED && news == OPERATION_NEWS_GONE &&
            operation_wants_answer(operation->state)) {
        operation_requeue(core, operation, "its offer was gone");
        return;
    }
    list_remove(&core->operations.asked, &operation->ask_link);
    switch (step) {
    case OPERATION_MOVE:
        follow(core, operation, status, to, bytes);
        break;
    case OPERATION_PROVE:
        operation_move(core, operation, operation->state, operation->flags | OPERATION_REFUSED,
                clean_words(core, status->message));
        operations_ask(core, operation, 0);
        break;
    case OPERATION_ABSENT:
        handle_absent(core, operation);
        break;
    case OPERATION_STAY:
    case OPERATION_IMPOSSIBLE:
        break;
    }
}
