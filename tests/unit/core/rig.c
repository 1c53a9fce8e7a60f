/* The rig itself: inputs go in, outputs come out as text, and what must always hold is checked. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static Zmesos__V1__TaskSpec *read_spec(struct slice bytes)
{
    return zmesos__v1__task_spec__unpack(NULL, bytes.length, bytes.data);
}

/* As the daemon's: equal once read and packed again. */
static bool same_spec(struct slice a, struct slice b)
{
    Zmesos__V1__TaskSpec *left = read_spec(a), *right = read_spec(b);
    assert_non_null(left);
    assert_non_null(right);
    struct arena arena;
    arena_init(&arena);
    size_t x = zmesos__v1__task_spec__get_packed_size(left),
           y = zmesos__v1__task_spec__get_packed_size(right);
    uint8_t *bytes = arena_alloc(&arena, x + y);
    zmesos__v1__task_spec__pack(left, bytes);
    zmesos__v1__task_spec__pack(right, bytes + x);
    bool same = x == y && memcmp(bytes, bytes + x, x) == 0;
    arena_clear(&arena);
    zmesos__v1__task_spec__free_unpacked(left, NULL);
    zmesos__v1__task_spec__free_unpacked(right, NULL);
    return same;
}

struct rig *rig_create(void (*change)(struct core_config *config))
{
    static const char *const roles[] = {"r1", "r2"};
    struct rig *rig = alloc_zeroed(1, sizeof *rig);
    rig->show = SHOW_ALL;
    rig->now = (struct now){.mono_ms = 5000000, .wall_ns = 1700000000000000000};
    core_config_init(&rig->config);
    rig->config.version = "1.2.3";
    rig->config.store_id = "store-1";
    rig->config.framework_id = "framework-1";
    rig->config.run = 1;
    rig->config.roles = roles;
    rig->config.role_count = 2;
    rig->config.started_ns = rig->now.wall_ns;
    rig->config.seed[0] = 1;
    rig->config.heartbeat_ms = INT64_MAX / 4;
    rig->config.same_spec = same_spec;
    rig->config.same_operation = slice_equal;
    if (change)
        change(&rig->config);
    core_outputs_init(&rig->out);
    arena_init(&rig->in);
    arena_init(&rig->kept);
    arena_init(&rig->disk.arena);
    arena_init(&rig->backup.arena);
    buf_init(&rig->text, 0);
    buf_init(&rig->story, 0);
    map_init(&rig->launched, 0, 0);
    map_init(&rig->offers, 0, 0);
    rig->core = core_create(&rig->config);
    in_tick(rig); /* the first heartbeat */
    return rig;
}

void rig_destroy(struct rig *rig)
{
    if (!rig)
        return;
    core_destroy(rig->core);
    core_outputs_clear(&rig->out);
    arena_clear(&rig->in);
    arena_clear(&rig->kept);
    buf_clear(&rig->text);
    disk_clear(&rig->backup);
    disk_clear(&rig->disk);
    buf_clear(&rig->story);
    map_clear(&rig->launched);
    map_clear(&rig->offers);
    free(rig->accepts);
    free(rig);
}

int rig_teardown(void **state)
{
    rig_destroy(*state);
    return 0;
}

void rig_show(struct rig *rig, unsigned show)
{
    rig->show = show;
}

/* The process ends; another one has read the rows. */
static void begin_run(struct rig *rig)
{
    core_destroy(rig->core);
    rig->subscription = 0;
    rig->accept_count = 0;
    rig->calls = 0;
    rig->config.run++;
    memset(rig->numbers + ZMESOS__V1__EVENT_CLASS__OFFERS, 0,
            (RIG_CLASSES - ZMESOS__V1__EVENT_CLASS__OFFERS) * sizeof *rig->numbers);
    rig->core = disk_recover(&rig->disk, &rig->config, rig->now);
}

/* Starting has no effects of its own; what has become too old meanwhile may be forgotten. */
void rig_restart(struct rig *rig)
{
    begin_run(rig);
    unsigned show = rig->show;
    rig->show = SHOW_EVENTS | SHOW_CALLS | SHOW_REPLIES;
    const char *text = in_tick(rig);
    rig->show = show;
    assert_string_equal(text, "EVENT zmesos/HEARTBEAT #1 DISCONNECTED -\n");
    for (size_t i = 0; i < rig->out.count; i++) {
        const struct core_output *output = &rig->out.items[i];
        if (output->kind == CORE_OUT_RECORD && output->record.kind != RECORD_FORGET &&
                output->record.kind != RECORD_FORGET_OPERATION)
            assert_string_equal(output->record.meta.name, META_NEXT_KEY);
    }
}

/* ---- what must always hold -------------------------------------------------------------------------------
 */

static void note_accept(struct rig *rig, const struct core_call *call)
{
    rig->accepts = alloc_resize(rig->accepts, rig->accept_count + 1, sizeof *rig->accepts);
    struct rig_accept *accept = &rig->accepts[rig->accept_count++];
    accept->number = call->number;
    assert_true(call->call->accept->n_offer_ids >= 1);
    snprintf(accept->offer, sizeof accept->offer, "%s", call->call->accept->offer_ids[0]->value);
}

/* The master has made that offer under this subscription, and it was not answered yet. */
static void use_offers(struct rig *rig, Mesos__V1__OfferID **ids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!map_remove(&rig->offers, slice_of_string(ids[i]->value)))
            fail_msg("offer %s is none, or was answered before", ids[i]->value);
    }
}

static void check_offers(
        struct rig *rig, const Mesos__V1__Scheduler__Call *call, const struct core_input *input)
{
    if (call->accept)
        use_offers(rig, call->accept->offer_ids, call->accept->n_offer_ids);
    bool again = input->kind == CORE_IN_ANSWER && input->answer.answer == CORE_REFUSED;
    if (call->decline && !(again && call->decline->filters->refuse_seconds == 0))
        use_offers(rig, call->decline->offer_ids, call->decline->n_offer_ids);
}

static void note_offers(struct rig *rig, const struct core_input *input)
{
    const Mesos__V1__Scheduler__Event *event = input->kind == CORE_IN_EVENT ? input->event.event : NULL;
    for (size_t i = 0; event && event->offers && i < event->offers->n_offers; i++) {
        const char *id = words(rig, "%s", event->offers->offers[i]->id->value);
        map_put(&rig->offers, slice_of_string(id), rig);
    }
    if (event && event->rescind)
        map_remove(&rig->offers, slice_of_string(event->rescind->offer_id->value));
    if (input->kind == CORE_IN_DOWN || input->kind == CORE_IN_UP) {
        map_clear(&rig->offers);
        map_init(&rig->offers, 0, 0);
    }
}

static void check_call(struct rig *rig, const struct core_call *call, const struct core_input *input)
{
    int type = (int)call->call->type;
    assert_true(call->call->has_type && call->call->framework_id);
    assert_string_equal(call->call->framework_id->value, rig->config.framework_id);
    assert_int_not_equal(rig->subscription, 0);
    assert_int_equal(call->subscription, rig->subscription);
    assert_true(call->number > rig->calls);
    rig->calls = call->number;
    bool independent = type == MESOS__V1__SCHEDULER__CALL__TYPE__ACKNOWLEDGE ||
                       type == MESOS__V1__SCHEDULER__CALL__TYPE__ACKNOWLEDGE_OPERATION_STATUS;
    assert_int_equal(call->ordered, !independent);
    assert_in_range(call->launch_count, 0, CORE_ACCEPT_MAX);
    rig->call_counts[type]++;
    rig->last_call = call->number;
    if (call->call->update_framework)
        rig->last_update = call->number;
    check_offers(rig, call->call, input);
    if (call->call->accept)
        note_accept(rig, call);
    for (size_t i = 0; i < call->operation_count; i++) {
        const char *id = words(rig, "%s", call->operations[i].operation_id);
        assert_in_range(strlen(id), 1, 255);
        assert_non_null(call->operations[i].spec);
        if (map_put(&rig->launched, slice_of_string(id), rig))
            fail_msg("%s is sent twice", id);
    }
    for (size_t i = 0; i < call->launch_count; i++) {
        const char *id = words(rig, "%s", call->launches[i].task_id);
        assert_in_range(strlen(id), 1, 255);
        if (map_put(&rig->launched, slice_of_string(id), rig))
            fail_msg("%s is launched twice", id);
    }
}

static void check_event(struct rig *rig, const struct core_event *event, const struct core_input *input)
{
    assert_int_equal(event->number, ++rig->numbers[event->class]);
    assert_int_equal(event->journaled, event->class < ZMESOS__V1__EVENT_CLASS__OFFERS);
    assert_int_equal((event->bytes != NULL) + (event->task != NULL) + (event->status != NULL) +
                             (event->orphan != NULL) + (event->explanation != NULL) +
                             (event->unconfirmed != NULL) + (event->operation != NULL) +
                             (event->lease != NULL),
            1);
    if (event->task && !rig->unchecked) {
        const Zmesos__V1__Task *task = event->task;
        text_add(&rig->story, "%s:%s/", task->id, state_name((int)task->state));
        assert_in_range(task->n_attempts, 0, 1);
        if (task->n_attempts)
            text_add(&rig->story, "%u ", task->attempts[0]->number);
        else
            text_add(&rig->story, "- ");
    }
    if (event->bytes) /* the master's own bytes, untouched */
        assert_true(input->kind == CORE_IN_EVENT && event->bytes == input->event.bytes);
}

static void give(struct rig *rig, const struct core_input *input)
{
    size_t forgotten = rig->forgotten;
    core_outputs_reset(&rig->out);
    note_offers(rig, input);
    core_handle(rig->core, input, rig->now, &rig->out);
    for (size_t i = 0; i < rig->out.count; i++) {
        const struct core_output *output = &rig->out.items[i];
        if (output->kind == CORE_OUT_RECORD)
            disk_write(&rig->disk, &output->record);
        if (output->kind == CORE_OUT_RECORD && output->record.kind == RECORD_FORGET)
            rig->forgotten++;
        if (output->kind == CORE_OUT_CALL)
            check_call(rig, &output->call, input);
        if (output->kind == CORE_OUT_EVENT) {
            check_event(rig, &output->event, input);
            disk_event(&rig->disk, &output->event);
        }
        text_output(rig, output);
    }
    if (rig->forgotten - forgotten > rig->forgotten_once)
        rig->forgotten_once = rig->forgotten - forgotten;
}

static const Zmesos__V1__Reply *find_reply(const struct core_outputs *out)
{
    for (size_t i = 0; i < out->count; i++) {
        if (out->items[i].kind == CORE_OUT_REPLY)
            return out->items[i].reply.reply;
    }
    fail_msg("no reply");
    return NULL;
}

/* Updates that wait for consumers, of which there are not more than a page has. */
static void list_unconfirmed(struct core *core, struct now now, bool at_rest, struct buf *text)
{
    struct core_outputs out;
    core_outputs_init(&out);
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__Unconfirmed unconfirmed = ZMESOS__V1__UNCONFIRMED__INIT;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_UNCONFIRMED;
    request.unconfirmed = &unconfirmed;
    unconfirmed.page_size = CORE_GET_MAX;
    struct core_input input = {.kind = CORE_IN_REQUEST, .request = {.token = 1, .request = &request}};
    core_handle(core, &input, now, &out);
    if (at_rest)
        assert_int_equal(out.count, 1);
    const Zmesos__V1__UnconfirmedUpdates *page = find_reply(&out)->unconfirmed;
    assert_true(page->has_next || page->total == page->n_updates);
    for (size_t i = 0; i < page->n_updates; i++) {
        text_unconfirmed(text, page->updates[i]);
        text_add(text, " since %lld until %lld %zu bytes\n", (long long)page->updates[i]->since_ns,
                (long long)page->updates[i]->deadline_ns, page->updates[i]->event.len);
    }
    core_outputs_clear(&out);
}

/* All tasks, and how many there are of each kind, as text. A core at rest must answer and do nothing else;
 * one that was just made may have begun to do what is due. */
static char *list_all(struct core *core, struct now now, bool at_rest)
{
    struct core_outputs out;
    struct buf text;
    core_outputs_init(&out);
    buf_init(&text, 0);
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__List list = ZMESOS__V1__LIST__INIT;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_LIST;
    request.list = &list;
    list.page_size = CORE_GET_MAX;
    for (bool more = true; more;) {
        struct core_input input = {.kind = CORE_IN_REQUEST, .request = {.token = 1, .request = &request}};
        core_outputs_reset(&out);
        core_handle(core, &input, now, &out);
        if (at_rest)
            assert_int_equal(out.count, 1);
        const Zmesos__V1__Tasks *tasks = find_reply(&out)->tasks;
        for (size_t i = 0; i < tasks->n_tasks; i++) {
            text_task(&text, tasks->tasks[i]);
            text_add(&text, "\n");
        }
        more = tasks->has_next;
        list.after = tasks->next;
    }
    core_outputs_clear(&out);
    list_unconfirmed(core, now, at_rest, &text);
    text_add(&text, "%c", 0);
    return (char *)buf_release(&text);
}

/* The same of operations. */
static char *list_operations(struct core *core, struct now now, bool at_rest)
{
    struct core_outputs out;
    struct buf text;
    core_outputs_init(&out);
    buf_init(&text, 0);
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__ListOperations list = ZMESOS__V1__LIST_OPERATIONS__INIT;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_LIST_OPERATIONS;
    request.list_operations = &list;
    list.page_size = CORE_GET_MAX;
    for (bool more = true; more;) {
        struct core_input input = {.kind = CORE_IN_REQUEST, .request = {.token = 1, .request = &request}};
        core_outputs_reset(&out);
        core_handle(core, &input, now, &out);
        if (at_rest)
            assert_int_equal(out.count, 1);
        const Zmesos__V1__Operations *operations = find_reply(&out)->operations;
        for (size_t i = 0; i < operations->n_operations; i++) {
            text_operation(&text, operations->operations[i]);
            text_add(&text, "\n");
        }
        more = operations->has_next;
        list.after = operations->next;
    }
    core_outputs_clear(&out);
    text_add(&text, "%c", 0);
    return (char *)buf_release(&text);
}

/* The counts, before anything that is due was done. */
static char *count_all(struct core *core, struct now now)
{
    struct core_outputs out;
    struct buf text;
    core_outputs_init(&out);
    buf_init(&text, 0);
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__Status status = ZMESOS__V1__STATUS__INIT;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_STATUS;
    request.status = &status;
    struct core_input input = {.kind = CORE_IN_REQUEST, .request = {.token = 1, .request = &request}};
    core_handle(core, &input, now, &out);
    text_counts(&text, find_reply(&out)->status);
    core_outputs_clear(&out);
    text_add(&text, "%c", 0);
    return (char *)buf_release(&text);
}

/* Another core with these rows, that forgets nothing: what is due the one under test may do a moment later.
 */
static struct core *recover_all(struct rig *rig)
{
    struct core_config config = rig->config;
    config.keep_tasks_ms = INT64_MAX;
    config.keep_tasks = SIZE_MAX;
    return disk_recover(&rig->disk, &config, rig->now);
}

void rig_check(struct rig *rig)
{
    assert_true(core_deadline(rig->core) > rig->now.mono_ms);
    struct core *other = recover_all(rig), *third = recover_all(rig);
    char *texts[] = {list_all(rig->core, rig->now, true), list_all(other, rig->now, false),
            count_all(rig->core, rig->now), count_all(third, rig->now),
            list_operations(rig->core, rig->now, true), list_operations(other, rig->now, false)};
    assert_string_equal(texts[1], texts[0]);
    assert_string_equal(texts[3], texts[2]);
    assert_string_equal(texts[5], texts[4]);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(texts[i]);
    core_destroy(other);
    core_destroy(third);
}

static void text_begin(struct rig *rig)
{
    rig->text.length = 0;
}

static const char *text_end(struct rig *rig)
{
    text_add(&rig->text, "%c", 0);
    arena_reset(&rig->in);
    if (!rig->unchecked)
        rig_check(rig);
    return (const char *)rig->text.data;
}

static const char *handle(struct rig *rig, const struct core_input *input)
{
    text_begin(rig);
    give(rig, input);
    return text_end(rig);
}

/* ---- inputs ----------------------------------------------------------------------------------------------
 */

const char *in_tick(struct rig *rig)
{
    return handle(rig, &(struct core_input){.kind = CORE_IN_TICK});
}

/* Puts the time in front of the lines that were added since `from`. */
static void stamp_lines(struct rig *rig, size_t from, int64_t ms)
{
    char *added = alloc_string_n((const char *)rig->text.data + from, rig->text.length - from), *rest = NULL;
    rig->text.length = from;
    for (char *line = strtok_r(added, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        text_add(&rig->text, "+%lld %s\n", (long long)ms, line);
    free(added);
}

const char *in_wait(struct rig *rig, int64_t ms)
{
    int64_t start = rig->now.mono_ms, end = start + ms;
    text_begin(rig);
    while (rig->now.mono_ms < end) {
        int64_t at = core_deadline(rig->core);
        assert_true(at > rig->now.mono_ms); /* never two ticks at one instant */
        at = at < end ? at : end;
        rig->now.wall_ns += (at - rig->now.mono_ms) * 1000000;
        rig->now.mono_ms = at;
        size_t from = rig->text.length;
        give(rig, &(struct core_input){.kind = CORE_IN_TICK});
        if (rig->text.length > from)
            stamp_lines(rig, from, at - start);
    }
    return text_end(rig);
}

const char *in_connecting(struct rig *rig)
{
    return handle(rig, &(struct core_input){.kind = CORE_IN_CONNECTING});
}

const char *in_up(struct rig *rig)
{
    rig->subscription = ++rig->subscriptions;
    return handle(rig, &(struct core_input){.kind = CORE_IN_UP,
                               .up = {.subscription = rig->subscription, .master = "m:5050"}});
}

static const char *go_down(struct rig *rig, bool refused, const char *text)
{
    rig->subscription = 0;
    return handle(
            rig, &(struct core_input){.kind = CORE_IN_DOWN, .down = {.refused = refused, .text = text}});
}

const char *in_down(struct rig *rig, const char *text)
{
    return go_down(rig, false, text);
}

const char *in_refused(struct rig *rig, const char *text)
{
    return go_down(rig, true, text);
}

const char *in_removed(struct rig *rig, const char *framework_id)
{
    assert_int_equal(rig->subscription, 0);
    rig->config.framework_id = words(rig, "%s", framework_id);
    return handle(rig, &(struct core_input){.kind = CORE_IN_REMOVED,
                               .removed = {.framework_id = rig->config.framework_id}});
}

const char *rig_restore(struct rig *rig, const char *store_id)
{
    disk_write(
            &rig->disk, &(struct record){.kind = RECORD_META, .meta = {.name = META_BACKUP, .value = "1"}});
    begin_run(rig);
    rig->config.store_id = words(rig, "%s", store_id);
    return handle(rig,
            &(struct core_input){.kind = CORE_IN_RESTORED, .restored = {.store_id = rig->config.store_id}});
}

void rig_backup(struct rig *rig)
{
    disk_copy(&rig->backup, &rig->disk);
}

/* Events are numbered on from there: the store has another name. */
void rig_load_backup(struct rig *rig)
{
    disk_copy(&rig->disk, &rig->backup);
    memcpy(rig->numbers, rig->disk.numbers, sizeof rig->numbers);
    const char *framework_id = disk_meta(&rig->disk, META_FRAMEWORK_ID);
    rig->config.framework_id = *framework_id ? framework_id : "framework-1";
}

const char *in_event(struct rig *rig, const Mesos__V1__Scheduler__Event *event)
{
    struct slice bytes = pack(rig, &event->base);
    struct blob *blob = blob_create(bytes.data, bytes.length);
    const char *text = handle(
            rig, &(struct core_input){.kind = CORE_IN_EVENT, .event = {.event = event, .bytes = blob}});
    blob_unref(blob);
    return text;
}

const char *in_offers(struct rig *rig, const char *offers)
{
    return in_event(rig, build_offers(rig, offers));
}

const char *in_rescind(struct rig *rig, const char *offer_id)
{
    Mesos__V1__Scheduler__Event event = MESOS__V1__SCHEDULER__EVENT__INIT;
    Mesos__V1__Scheduler__Event__Rescind rescind = MESOS__V1__SCHEDULER__EVENT__RESCIND__INIT;
    Mesos__V1__OfferID id = MESOS__V1__OFFER_ID__INIT;
    id.value = arena_string(&rig->in, offer_id);
    rescind.offer_id = &id;
    event.has_type = true;
    event.type = MESOS__V1__SCHEDULER__EVENT__TYPE__RESCIND;
    event.rescind = &rescind;
    return in_event(rig, &event);
}

const char *in_update(struct rig *rig, const char *text)
{
    Mesos__V1__Scheduler__Event event = MESOS__V1__SCHEDULER__EVENT__INIT;
    Mesos__V1__Scheduler__Event__Update update = MESOS__V1__SCHEDULER__EVENT__UPDATE__INIT;
    update.status = build_status(rig, text);
    event.has_type = true;
    event.type = MESOS__V1__SCHEDULER__EVENT__TYPE__UPDATE;
    event.update = &update;
    return in_event(rig, &event);
}

const char *in_answer(struct rig *rig, const char *offer_id, enum core_answer answer, const char *text)
{
    for (size_t i = 0; i < rig->accept_count; i++) {
        if (strcmp(rig->accepts[i].offer, offer_id) == 0)
            return handle(rig, &(struct core_input){.kind = CORE_IN_ANSWER,
                                       .answer = {rig->accepts[i].number, answer, text}});
    }
    fail_msg("no ACCEPT of %s", offer_id);
    return NULL;
}

const char *in_answer_last(struct rig *rig, enum core_answer answer, const char *text)
{
    return handle(
            rig, &(struct core_input){.kind = CORE_IN_ANSWER, .answer = {rig->last_call, answer, text}});
}

const char *in_request(struct rig *rig, Zmesos__V1__Request *request)
{
    struct core_input input = {
            .kind = CORE_IN_REQUEST, .request = {.token = ++rig->token, .request = request}};
    if (request->operation_case == ZMESOS__V1__REQUEST__OPERATION_LAUNCH) {
        const Zmesos__V1__Launch *launch = request->launch;
        struct slice *specs = arena_array(&rig->in, launch->n_tasks, sizeof *specs);
        for (size_t i = 0; i < launch->n_tasks; i++)
            specs[i] = pack(rig, &launch->tasks[i]->base);
        input.request.specs = rig->specs ? rig->specs : specs;
    }
    if (request->operation_case == ZMESOS__V1__REQUEST__OPERATION_OPERATE) {
        const Zmesos__V1__Operate *operate = request->operate;
        struct slice *specs = arena_array(&rig->in, operate->n_operations, sizeof *specs);
        for (size_t i = 0; i < operate->n_operations; i++)
            specs[i] = pack(rig, &operate->operations[i]->base);
        input.request.specs = specs;
    }
    if (request->operation_case == ZMESOS__V1__REQUEST__OPERATION_KILL && request->kill->kill_policy)
        input.request.kill_policy = pack(rig, &request->kill->kill_policy->base);
    return handle(rig, &input);
}
