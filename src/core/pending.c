/* Updates that are kept for a task's consumer (docs/architecture.md "Updates that a consumer keeps"): one an
 * attempt, for an agent sends the next one when it was acknowledged. What became of it is in the attempt's
 * row, with the bytes of the event while it waits; here are the lists over all that wait.
 *
 * Beware: an update that waits holds back what the agent has to say next of that attempt, and its task is not
 * forgotten before. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define BEFORE_MAX 4 /* uuids of an attempt that are known to be done with, besides its last update's */
/* After a start nothing is given up at once: nobody could confirm meanwhile. */
#define GRACE_MS 10000
#define COMPACT_MIN 64

static bool step_waits(int step)
{
    return step == PENDING_WAITS || step == PENDING_LATE;
}

bool pending_waits(const struct pending *pending)
{
    return pending && step_waits(pending->step);
}

/* ---- all that wait, in the order of their publications ---- */

/* The slots that are in use, to the front. */
static void compact(struct waiting *waiting)
{
    size_t used = 0;
    for (size_t i = 0; i < waiting->used; i++) {
        if (!waiting->slots[i].pending)
            continue;
        waiting->slots[used] = waiting->slots[i];
        waiting->slots[used].pending->slot = used + 1;
        used++;
    }
    waiting->used = used;
}

static void list_pending(struct core *core, struct pending *pending)
{
    struct waiting *waiting = &core->waiting;
    if (waiting->used == waiting->capacity) {
        waiting->capacity = waiting->capacity ? 2 * waiting->capacity : COMPACT_MIN;
        waiting->slots = alloc_resize(waiting->slots, waiting->capacity, sizeof *waiting->slots);
    }
    if (waiting->used > 0 && waiting->slots[waiting->used - 1].number >= pending->number)
        waiting->unsorted = true; /* in recovery, which goes by tasks */
    waiting->slots[waiting->used++] = (struct waiting_slot){
            .number = pending->number, .consumer = pending->task->consumer->name, .pending = pending};
    pending->slot = waiting->used;
    waiting->count++;
    waiting->bytes += blob_slice(pending->event).length;
    pending->task->pendings++;
}

static void unlist_pending(struct core *core, struct pending *pending)
{
    struct waiting *waiting = &core->waiting;
    waiting->slots[pending->slot - 1].pending = NULL;
    pending->slot = 0;
    waiting->count--;
    waiting->bytes -= blob_slice(pending->event).length;
    pending->task->pendings--;
    heap_remove(&waiting->deadlines, &pending->deadline);
    if (waiting->used >= COMPACT_MIN && waiting->count < waiting->used / 2)
        compact(waiting);
}

/* Merges runs of doubling length, from one table into the other and back. */
static void sort(struct waiting *waiting)
{
    compact(waiting);
    size_t used = waiting->used;
    struct waiting_slot *from = waiting->slots, *to = alloc_zeroed(waiting->capacity, sizeof *to);
    for (size_t run = 1; run < used; run *= 2) {
        for (size_t begin = 0; begin < used; begin += 2 * run) {
            size_t middle = begin + run < used ? begin + run : used;
            size_t end = begin + 2 * run < used ? begin + 2 * run : used;
            for (size_t left = begin, right = middle, at = begin; at < end; at++) {
                bool take = left < middle && (right == end || from[left].number <= from[right].number);
                to[at] = from[take ? left++ : right++];
            }
        }
        struct waiting_slot *other = from;
        from = to;
        to = other;
    }
    waiting->slots = from;
    free(to);
    for (size_t i = 0; i < used; i++)
        waiting->slots[i].pending->slot = i + 1;
    waiting->unsorted = false;
}

size_t waiting_after(struct waiting *waiting, uint64_t number)
{
    if (waiting->unsorted)
        sort(waiting);
    size_t low = 0, high = waiting->used;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (waiting->slots[middle].number <= number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- rows ---- */

static bool is_uuid(const char *text)
{
    size_t length = 0;
    while (text[length] && strchr("0123456789abcdef", text[length]))
        length++;
    return length == PENDING_UUID_SIZE - 1 && !text[length];
}

static int check_row(const struct task *task, const struct attempt_row *row, struct error *err)
{
    if (task->consumer && row->pending >= PENDING_WAITS && row->pending <= PENDING_GIVEN_UP &&
            is_uuid(row->pending_uuid) && step_waits(row->pending) == (row->pending_event != NULL))
        return 0;
    return error_set(err, ERR_MALFORMED, "attempt %u of task %s has an update that waits for no consumer",
            row->number, task->id);
}

static void set_deadline(struct core *core, struct pending *pending)
{
    int64_t span = pending->task->consumer->timeout_ms;
    int64_t left = span_left_ms(core, pending->since_ns, span);
    int64_t grace = span < GRACE_MS ? span : GRACE_MS;
    heap_set(&core->waiting.deadlines, &pending->deadline, core->now.mono_ms + (left > grace ? left : grace));
}

int pending_apply(struct core *core, struct task *task, struct attempt *attempt,
        const struct attempt_row *row, struct error *err)
{
    if (row->pending == PENDING_NONE)
        return 0;
    int code = check_row(task, row, err);
    if (code)
        return code;
    struct pending *pending = attempt->pending;
    if (!pending) {
        pending = attempt->pending = alloc_zeroed(1, sizeof *pending);
        pending->task = task;
        pending->attempt = row->number;
        pending->before = alloc_string("");
    }
    bool waits = step_waits(row->pending);
    if (pending->slot && (!waits || strcmp(pending->uuid, row->pending_uuid) != 0))
        unlist_pending(core, pending);
    if (pending->event != row->pending_event) {
        retire_blob(core, pending->event);
        pending->event = blob_ref(row->pending_event);
    }
    pending->step = row->pending;
    memcpy(pending->uuid, row->pending_uuid, sizeof pending->uuid);
    if (strcmp(pending->before, row->pending_before) != 0) {
        free(pending->before);
        pending->before = alloc_string(row->pending_before);
    }
    pending->state = row->pending_state;
    pending->since_ns = row->pending_ns;
    pending->number = row->pending_number;
    if (waits && !pending->slot)
        list_pending(core, pending);
    if (row->pending == PENDING_LATE)
        heap_remove(&core->waiting.deadlines, &pending->deadline);
    else if (waits && !pending->deadline.place)
        set_deadline(core, pending);
    task_shelve(core, task);
    return 0;
}

void pending_row_of(const struct attempt *attempt, struct attempt_row *row)
{
    const struct pending *pending = attempt->pending;
    row->pending_uuid = row->pending_before = "";
    if (!pending)
        return;
    row->pending = pending->step;
    row->pending_uuid = pending->uuid;
    row->pending_before = pending->before;
    row->pending_state = pending->state;
    row->pending_ns = pending->since_ns;
    row->pending_number = pending->number;
    row->pending_event = pending->event;
}

void pending_free(struct core *core, struct attempt *attempt)
{
    struct pending *pending = attempt->pending;
    if (!pending)
        return;
    if (pending->slot)
        unlist_pending(core, pending);
    blob_unref(pending->event);
    free(pending->before);
    free(pending);
    attempt->pending = NULL;
}

void pending_clear(struct core *core)
{
    heap_clear(&core->waiting.deadlines);
    free(core->waiting.slots);
}

/* ---- what happens to one ---- */

static struct attempt *attempt_of(const struct pending *pending)
{
    return &pending->task->attempts[pending->attempt - 1];
}

static void tell(
        struct core *core, const struct pending *pending, Zmesos__V1__UnconfirmedUpdate__Outcome outcome)
{
    Zmesos__V1__UnconfirmedUpdate *view = view_pending(core, pending, false);
    view->has_outcome = true;
    view->outcome = outcome;
    output_unconfirmed_event(core, view);
}

static int digit(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

struct slice uuid_bytes(struct arena *arena, const char *text)
{
    uint8_t *bytes = arena_alloc(arena, UUID_BYTES);
    for (size_t i = 0; i < UUID_BYTES; i++)
        bytes[i] = (uint8_t)(digit(text[2 * i]) << 4 | digit(text[2 * i + 1]));
    return slice_of(bytes, UUID_BYTES);
}

void uuid_text(struct slice uuid, char text[PENDING_UUID_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < UUID_BYTES; i++) {
        text[2 * i] = digits[uuid.data[i] >> 4];
        text[2 * i + 1] = digits[uuid.data[i] & 15];
    }
    text[PENDING_UUID_SIZE - 1] = '\0';
}

/* With no subscription the agent repeats it, and is answered then. Those of a framework that was removed
 * nobody waits for. */
static void acknowledge(struct core *core, const struct pending *pending)
{
    struct arena *arena = &core->out->arena;
    const struct attempt *attempt = attempt_of(pending);
    if (core->subscription == 0 || attempt->flags & ATTEMPT_REMOVED || !attempt->agent_id)
        return;
    send_acknowledge(core, task_mesos_id(arena, pending->task, pending->attempt), attempt->agent_id,
            uuid_bytes(arena, pending->uuid));
}

void pending_settle(struct core *core, struct pending *pending, enum pending_step step)
{
    struct attempt_row row = attempt_row_of(pending->task, attempt_of(pending));
    row.pending = (int32_t)step;
    row.pending_event = NULL;
    row.pending_ns = core->now.wall_ns;
    attempt_write_unchanged(core, &row);
    acknowledge(core, pending);
}

bool pending_knows(const struct pending *pending, const char *uuid)
{
    return pending && (strcmp(pending->uuid, uuid) == 0 || strstr(pending->before, uuid));
}

/* Those that are done with, the last first. */
static const char *done_before(struct core *core, const struct pending *pending)
{
    if (!pending || pending_waits(pending))
        return pending ? pending->before : "";
    char *text = arena_format(
            &core->out->arena, "%s%s%s", pending->uuid, *pending->before ? " " : "", pending->before);
    size_t most = BEFORE_MAX * PENDING_UUID_SIZE - 1;
    if (strlen(text) > most)
        text[most] = '\0';
    return text;
}

static bool has_room(const struct core *core, const struct pending *pending, const struct blob *bytes)
{
    const struct waiting *waiting = &core->waiting;
    size_t count = waiting->count - pending_waits(pending);
    return count < core->config.unconfirmed_max &&
           waiting->bytes + blob_slice(bytes).length <= core->config.unconfirmed_bytes_max;
}

bool pending_take(struct core *core, struct task *task, struct attempt *attempt,
        const Mesos__V1__TaskStatus *status, struct blob *bytes)
{
    struct pending *pending = attempt->pending;
    char uuid[PENDING_UUID_SIZE];
    if (!task->consumer || !status->has_uuid || status->uuid.len != UUID_BYTES || !status->agent_id)
        return false;
    uuid_text(slice_of(status->uuid.data, status->uuid.len), uuid);
    if (pending_knows(pending, uuid))
        return pending_waits(pending) && strcmp(pending->uuid, uuid) == 0;
    if (!has_room(core, pending, bytes))
        return true; /* it comes again */
    if (pending_waits(pending))
        tell(core, pending, ZMESOS__V1__UNCONFIRMED_UPDATE__OUTCOME__REPLACED);
    struct attempt_row row = attempt_row_of(task, attempt);
    row.pending = PENDING_WAITS;
    row.pending_before = done_before(core, pending);
    row.pending_uuid = uuid;
    row.pending_state = (int32_t)status->state;
    row.pending_ns = core->now.wall_ns;
    row.pending_number = core->numbers[CLASS(UPDATE)] + 1; /* its publication follows */
    row.pending_event = bytes;
    attempt_write_unchanged(core, &row);
    return true;
}

/* ---- time ---- */

void pending_tick(struct core *core)
{
    struct heap_node *node;
    while ((node = heap_first(&core->waiting.deadlines)) && node->key <= core->now.mono_ms) {
        struct pending *pending = list_item(node, struct pending, deadline);
        if (!pending->task->consumer->waits) {
            tell(core, pending, ZMESOS__V1__UNCONFIRMED_UPDATE__OUTCOME__ACKNOWLEDGED);
            pending_settle(core, pending, PENDING_GIVEN_UP);
            continue;
        }
        struct attempt_row row = attempt_row_of(pending->task, attempt_of(pending));
        row.pending = PENDING_LATE;
        attempt_write_unchanged(core, &row);
        tell(core, pending, ZMESOS__V1__UNCONFIRMED_UPDATE__OUTCOME__LATE);
    }
}

int64_t pending_deadline(const struct core *core)
{
    const struct heap_node *node = heap_first(&core->waiting.deadlines);
    return node ? node->key : INT64_MAX;
}
