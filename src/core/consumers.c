/* Consumers (docs/protocol.md "Consumers"): what a specification says of one, and the two requests by which
 * it takes over what is kept for it. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

#define TIMEOUT_MS 60000
#define TIMEOUT_DAYS 30
#define DAY_MS ((int64_t)24 * 3600 * 1000)
#define EVENTS_MAX ((size_t)4 << 20) /* bytes of events in one reply */
#define CONFIRM_MAX 1000
#define AFTER(name) ZMESOS__V1__CONSUMER__AFTER_TIMEOUT__##name

/* ---- in a specification ---- */

struct consumer *consumer_read(struct core *core, const Zmesos__V1__TaskSpec *spec)
{
    if (!spec->consumer)
        return NULL;
    struct consumer *consumer = alloc_zeroed(1, sizeof *consumer);
    shared_set(core, &consumer->name, spec->consumer->name);
    consumer->timeout_ms = duration_ms(spec->consumer->timeout, TIMEOUT_MS);
    consumer->waits = spec->consumer->after_timeout == AFTER(WAIT);
    return consumer;
}

void consumer_free(struct core *core, struct consumer *consumer)
{
    if (!consumer)
        return;
    shared_drop(core, consumer->name);
    free(consumer);
}

static int check_name(const char *name, const char *where, struct error *err)
{
    if (!name)
        return error_set_field(err, ERR_INVALID, where, "a consumer has a name");
    struct error reason;
    if (text_check_id(name, CORE_TASK_ID_MAX, &reason))
        return error_set_field(err, ERR_INVALID, where, "%s", reason.text);
    return 0;
}

int consumer_check(const Zmesos__V1__TaskSpec *spec, const char *path, struct error *err)
{
    const Zmesos__V1__Consumer *consumer = spec->consumer;
    if (!consumer)
        return 0;
    char where[96];
    snprintf(where, sizeof where, "%s.consumer.name", path);
    int code = check_name(consumer->name, where, err);
    if (code)
        return code;
    snprintf(where, sizeof where, "%s.consumer.timeout", path);
    if (consumer->timeout && (consumer->timeout->nanoseconds <= 0 ||
                                     consumer->timeout->nanoseconds > TIMEOUT_DAYS * DAY_MS * 1000000))
        return error_set_field(
                err, ERR_INVALID, where, "it is more than 0 and at most %d days", TIMEOUT_DAYS);
    snprintf(where, sizeof where, "%s.consumer.after_timeout", path);
    if (consumer->after_timeout != AFTER(ACKNOWLEDGE) && consumer->after_timeout != AFTER(WAIT))
        return error_set_field(
                err, ERR_INVALID, where, "policy %d is not known", (int)consumer->after_timeout);
    return 0;
}

/* ---- confirm ---- */

/* One of Confirm.updates. */
struct confirmed {
    const char *consumer;
    const Zmesos__V1__Confirm__Update *update;
    size_t index;
};

static int refuse(
        struct error *err, int code, const struct confirmed *confirmed, const char *field, const char *words)
{
    char path[64];
    snprintf(path, sizeof path, "confirm.updates[%zu].%s", confirmed->index, field);
    return error_set_field(err, code, path, "%s", words);
}

static int find_attempt(struct core *core, const struct confirmed *confirmed, const struct task *task,
        struct attempt **attempt, struct error *err)
{
    const Zmesos__V1__Confirm__Update *update = confirmed->update;
    struct arena *arena = &core->out->arena;
    if (!task)
        return refuse(err, ERR_NOT_FOUND, confirmed, "task_id", "no such task");
    if (!task->consumer)
        return refuse(err, ERR_NOT_FOUND, confirmed, "task_id",
                "it has no consumer: its updates are acknowledged as they come");
    if (strcmp(task->consumer->name, confirmed->consumer) != 0)
        return refuse(err, ERR_CONFLICT, confirmed, "task_id",
                arena_format(arena, "its consumer is %s", task->consumer->name));
    if (!update->has_attempt || update->attempt < 1 || update->attempt > task->attempt_count)
        return refuse(err, ERR_NOT_FOUND, confirmed, "attempt",
                arena_format(arena, "it has %u attempts", task->attempt_count));
    *attempt = &task->attempts[update->attempt - 1];
    return 0;
}

/* What does wait of it, for a consumer that has lost its way. */
static int not_waiting(struct core *core, const struct confirmed *confirmed, const struct pending *pending,
        struct error *err)
{
    const char *words = "nothing of this attempt waits";
    if (pending_waits(pending))
        words = arena_format(&core->out->arena, "what waits of this attempt is %s, uuid %s",
                enum_name(&mesos__v1__task_state__descriptor, pending->state), pending->uuid);
    return refuse(err, ERR_NOT_FOUND, confirmed, "uuid", words);
}

static int confirm_one(
        struct core *core, const struct confirmed *confirmed, Zmesos__V1__Item *item, struct error *err)
{
    const Zmesos__V1__Confirm__Update *update = confirmed->update;
    if (!update->task_id)
        return refuse(err, ERR_INVALID, confirmed, "task_id", "a task is named");
    if (update->uuid.len != UUID_BYTES)
        return refuse(err, ERR_INVALID, confirmed, "uuid", "a uuid has 16 bytes");
    const struct task *task = task_find(core, update->task_id);
    struct attempt *attempt = NULL;
    int code = find_attempt(core, confirmed, task, &attempt, err);
    if (code)
        return code;
    char uuid[PENDING_UUID_SIZE];
    uuid_text(slice_of(update->uuid.data, update->uuid.len), uuid);
    struct pending *pending = attempt->pending;
    if (!pending_knows(pending, uuid))
        return not_waiting(core, confirmed, pending, err);
    bool last = strcmp(pending->uuid, uuid) == 0;
    item->has_known = true;
    item->known = !last || !pending_waits(pending);
    if (last && pending->step == PENDING_GIVEN_UP)
        item->message =
                arena_string(&core->out->arena, "its time limit had passed: it was acknowledged then");
    if (!item->known)
        pending_settle(core, pending, PENDING_CONFIRMED);
    item_state(item, task);
    return 0;
}

static int check_confirm(const Zmesos__V1__Confirm *confirm, struct error *err)
{
    int code = check_name(confirm->consumer, "confirm.consumer", err);
    if (code)
        return code;
    if (confirm->n_updates == 0 || confirm->n_updates > CONFIRM_MAX)
        return error_set_field(err, confirm->n_updates ? ERR_TOO_LARGE : ERR_INVALID, "confirm.updates",
                "a confirm has 1 to %d updates", CONFIRM_MAX);
    return 0;
}

void handle_confirm(struct core *core, const struct core_input *input)
{
    const Zmesos__V1__Confirm *confirm = input->request.request->confirm;
    struct error err;
    int code = check_confirm(confirm, &err);
    if (code) {
        reply_refuse(core, input, code, &err);
        return;
    }
    Zmesos__V1__Reply *reply = reply_new(core, input->request.request);
    Zmesos__V1__Items *items = items_new(core, reply, confirm->n_updates);
    for (size_t i = 0; i < confirm->n_updates; i++) {
        struct confirmed confirmed = {
                .consumer = confirm->consumer, .update = confirm->updates[i], .index = i};
        Zmesos__V1__Item *item = item_add(core, items, confirm->updates[i]->task_id);
        code = confirm_one(core, &confirmed, item, &err);
        if (code)
            item_refuse(core, item, code, &err);
    }
    reply_items(core, input, reply);
}

/* ---- unconfirmed ---- */

Zmesos__V1__UnconfirmedUpdate *view_pending(struct core *core, const struct pending *pending, bool with_event)
{
    struct arena *arena = &core->out->arena;
    const struct consumer *consumer = pending->task->consumer;
    Zmesos__V1__UnconfirmedUpdate *view = arena_alloc(arena, sizeof *view);
    zmesos__v1__unconfirmed_update__init(view);
    view->has_attempt = view->has_uuid = view->has_state = view->has_number = true;
    view->has_since_ns = view->has_deadline_ns = true;
    view->task_id = pending->task->id;
    view->attempt = pending->attempt;
    view->consumer = arena_string(arena, consumer->name);
    struct slice uuid = uuid_bytes(arena, pending->uuid), event = blob_slice(pending->event);
    view->uuid.len = uuid.length;
    view->uuid.data = (uint8_t *)(uintptr_t)uuid.data;
    view->state = (Mesos__V1__TaskState)pending->state;
    view->has_event = with_event;
    if (with_event) {
        view->event.len = event.length;
        view->event.data = (uint8_t *)(uintptr_t)event.data; /* lives until the next input */
    }
    view->number = pending->number;
    view->since_ns = pending->since_ns;
    view->deadline_ns = pending->since_ns + consumer->timeout_ms * 1000000;
    view->has_late = view->late = pending->step == PENDING_LATE;
    return view;
}

static uint64_t count_of(const struct waiting *waiting, const char *consumer)
{
    uint64_t count = 0;
    for (size_t i = 0; i < waiting->used; i++)
        count += waiting->slots[i].pending && waiting->slots[i].consumer == consumer;
    return count;
}

/* A first one always has room. */
static void fill_page(struct core *core, const Zmesos__V1__Unconfirmed *request, const char *consumer,
        Zmesos__V1__UnconfirmedUpdates *page)
{
    struct waiting *waiting = &core->waiting;
    size_t bytes = 0;
    for (size_t i = waiting_after(waiting, request->after); i < waiting->used; i++) {
        const struct waiting_slot *slot = &waiting->slots[i];
        if (!slot->pending || (consumer && slot->consumer != consumer))
            continue;
        bytes += blob_slice(slot->pending->event).length;
        if (page->n_updates == request->page_size || (page->n_updates > 0 && bytes > EVENTS_MAX)) {
            page->has_next = true;
            page->next = page->updates[page->n_updates - 1]->number;
            break;
        }
        page->updates[page->n_updates++] = view_pending(core, slot->pending, true);
    }
}

void handle_unconfirmed(struct core *core, const struct core_input *input)
{
    const Zmesos__V1__Unconfirmed *request = input->request.request->unconfirmed;
    struct arena *arena = &core->out->arena;
    struct error err;
    int code = request->consumer ? check_name(request->consumer, "unconfirmed.consumer", &err) : 0;
    if (code == 0 && (request->page_size == 0 || request->page_size > CORE_GET_MAX))
        code = error_set_field(&err, request->page_size ? ERR_TOO_LARGE : ERR_INVALID,
                "unconfirmed.page_size", "a page has 1 to %d updates", CORE_GET_MAX);
    if (code) {
        reply_refuse(core, input, code, &err);
        return;
    }
    Zmesos__V1__Reply *reply = reply_new(core, input->request.request);
    Zmesos__V1__UnconfirmedUpdates *page = arena_alloc(arena, sizeof *page);
    zmesos__v1__unconfirmed_updates__init(page);
    page->updates = arena_array(arena, request->page_size, sizeof *page->updates);
    /* Texts that are shared are the same where they are equal; one that no task has is no consumer's. */
    const char *consumer = request->consumer ? shared_find(core, request->consumer) : NULL;
    page->has_total = true;
    if (!request->consumer || consumer) {
        page->total = consumer ? count_of(&core->waiting, consumer) : core->waiting.count;
        fill_page(core, request, consumer, page);
    }
    reply->result_case = ZMESOS__V1__REPLY__RESULT_UNCONFIRMED;
    reply->unconfirmed = page;
    reply_send(core, input->request.token, reply, NULL);
}
