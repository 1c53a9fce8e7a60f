/* See feed.h. */
#include "top/feed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/slice.h"
#include "wire/check.h"

#define PAGE 1000               /* events, agents */
#define SNAPSHOT_PAGE 250       /* what the daemon gives at most */
#define ASK_AGAIN_MS 500        /* where the daemon could not answer */
#define SNAPSHOT_AGAIN_MS 60000 /* where counts do not fit: not more often */
#define LOOK_SHARE 20           /* looking at agents takes no more than this part of the time */

enum question { NOTHING, LOOK, WHY, REPLAY, SNAPSHOT, MARK, AGENTS };

struct feed {
    struct model *model;
    char *store;          /* whose numbers these are; NULL: no heartbeat came */
    uint64_t done, heard; /* all up to here was taken; so much was published */
    uint64_t replayed, taken;
    bool paused;
    char note[160];
    uint64_t ahead;             /* the head of a page that was taken: tasks are as after it */
    int64_t beat_ms;            /* monotonic; of the last heartbeat */
    int64_t clock_ms, clock_ns; /* monotonic, and what the daemon's clock said then */

    enum question out;
    int64_t asked_ms;
    int64_t not_before_ms; /* replay and snapshot: the daemon could not */

    bool snapshot; /* is wanted, or going on */
    uint64_t snapshot_after;
    int64_t settled_ms; /* when one was begun because counts did not fit */

    char *look;
    Zmesos__V1__Reply *looked_at, *reasons;
    bool missing, why_next;
    int64_t look_ms; /* when to look again */

    char *key, *value;                 /* of the label */
    uint64_t mark_after, marked_added; /* tasks that there were when all were looked at */
    bool mark_going, mark_stale;       /* mark_stale: a page is of another label */
    int64_t mark_ms;

    char *agents_after;
    bool agents_going, agents_known;
    int64_t agents_ms, agents_begun_ms;

    /* The request that is out: */
    Zmesos__V1__Get get;
    Zmesos__V1__Why why;
    Zmesos__V1__Replay replay;
    Zmesos__V1__Snapshot pages;
    Zmesos__V1__ListAgents agents;
    Mesos__V1__Label label;
};

struct feed *feed_create(struct model *model)
{
    struct feed *feed = alloc_zeroed(1, sizeof *feed);
    feed->model = model;
    feed->beat_ms = feed->not_before_ms = feed->look_ms = feed->mark_ms = feed->agents_ms = INT64_MIN;
    feed->settled_ms = INT64_MIN;
    return feed;
}

static void set_text(char **place, const char *text)
{
    char *copy = alloc_string(text);
    free(*place);
    *place = copy;
}

static void free_reply(Zmesos__V1__Reply **reply)
{
    if (*reply)
        zmesos__v1__reply__free_unpacked(*reply, NULL);
    *reply = NULL;
}

void feed_destroy(struct feed *feed)
{
    if (!feed)
        return;
    free(feed->store);
    free(feed->look);
    free(feed->key);
    free(feed->value);
    free(feed->agents_after);
    free_reply(&feed->looked_at);
    free_reply(&feed->reasons);
    free(feed);
}

/* ---- publications ---- */

static void begin_snapshot(struct feed *feed)
{
    feed->snapshot = true;
    feed->snapshot_after = 0;
    model_begin_snapshot(feed->model);
}

void feed_event(struct feed *feed, const Zmesos__V1__EventHeader *header, const Zmesos__V1__Task *task)
{
    bool ours = feed->store && header->store && strcmp(header->store, feed->store) == 0;
    if (feed->paused || !ours || header->number <= feed->done)
        return;
    if (header->number > feed->heard)
        feed->heard = header->number;
    if (header->number > feed->done + 1)
        return; /* what is before it is asked for, and it with that */
    feed->done = header->number;
    feed->taken++;
    model_take_task(feed->model, task);
}

static uint64_t head_of_tasks(Zmesos__V1__Head *const *heads, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (heads[i]->class_ == ZMESOS__V1__EVENT_CLASS__TASK)
            return heads[i]->number;
    }
    return 0;
}

static void begin_store(struct feed *feed, const Zmesos__V1__DaemonStatus *status)
{
    if (feed->store)
        snprintf(feed->note, sizeof feed->note, "zmesosd was restored from a backup: all was read anew");
    set_text(&feed->store, status->store);
    model_clear(feed->model);
    feed->done = feed->heard = head_of_tasks(status->heads, status->n_heads);
    feed->ahead = 0;
    feed->agents_known = false;
    feed->agents_ms = feed->look_ms = feed->mark_ms = INT64_MIN;
    feed->mark_after = feed->marked_added = 0;
    feed->mark_stale = feed->out == MARK;
    begin_snapshot(feed);
}

/* The counts of a heartbeat are those after its head: where that is what we have they must fit. */
static void settle(struct feed *feed, int64_t mono_ms)
{
    if (feed->snapshot || model_settle(feed->model))
        return;
    if (feed->settled_ms != INT64_MIN && mono_ms - feed->settled_ms < SNAPSHOT_AGAIN_MS)
        return;
    feed->settled_ms = mono_ms;
    snprintf(feed->note, sizeof feed->note, "the counts did not fit: all tasks were read anew");
    begin_snapshot(feed);
}

void feed_status(struct feed *feed, const Zmesos__V1__EventHeader *header, Zmesos__V1__DaemonStatus *status,
        int64_t mono_ms)
{
    feed->beat_ms = feed->clock_ms = mono_ms;
    feed->clock_ns = header->time_ns;
    if (feed->paused || !status->store) {
        zmesos__v1__daemon_status__free_unpacked(status, NULL);
        return;
    }
    if (!feed->store || strcmp(feed->store, status->store) != 0)
        begin_store(feed, status);
    uint64_t head = head_of_tasks(status->heads, status->n_heads);
    if (head > feed->heard)
        feed->heard = head;
    model_take_status(feed->model, status, header->time_ns);
    if (head == feed->done && head >= feed->ahead)
        settle(feed, mono_ms);
}

/* ---- replies ---- */

static void take_replayed(struct feed *feed, const Zmesos__V1__Publication *publication)
{
    ProtobufCMessage *task;
    if (!publication->header || publication->header->number != feed->done + 1 ||
            check_unpack(&zmesos__v1__task__descriptor,
                    slice_of(publication->body.data, publication->body.len), &check_limits_event, &task,
                    NULL))
        return;
    feed->done = publication->header->number;
    feed->taken++;
    feed->replayed++;
    model_take_task(feed->model, (const Zmesos__V1__Task *)task);
    protobuf_c_message_free_unpacked(task, NULL);
}

static void take_replay(struct feed *feed, const Zmesos__V1__Reply *reply, int64_t mono_ms)
{
    const Zmesos__V1__ReplayPage *page =
            reply->result_case == ZMESOS__V1__REPLY__RESULT_REPLAY ? reply->replay : NULL;
    uint64_t before = feed->done;
    if (reply->code == ZMESOS__V1__CODE__TRUNCATED && page && page->oldest > feed->done + 1) {
        snprintf(feed->note, sizeof feed->note,
                "events %" PRIu64 " to %" PRIu64 " are not kept any more: all tasks were read anew",
                feed->done + 1, page->oldest - 1);
        feed->done = page->oldest - 1;
        begin_snapshot(feed);
        return;
    }
    if (reply->code == ZMESOS__V1__CODE__OK && page) {
        for (size_t i = 0; i < page->n_events; i++)
            take_replayed(feed, page->events[i]);
        if (page->next > feed->done + 1)
            feed->done = page->next - 1;
    }
    /* Not yet on disk, or refused: a heartbeat of another store says more. */
    if (feed->done == before)
        feed->not_before_ms = mono_ms + ASK_AGAIN_MS;
}

/* Its tasks are as after its heads; events up to there may still be on their way. */
static void note_heads(struct feed *feed, const Zmesos__V1__SnapshotPage *page)
{
    uint64_t head = head_of_tasks(page->heads, page->n_heads);
    if (head > feed->ahead)
        feed->ahead = head;
}

static void take_snapshot(struct feed *feed, const Zmesos__V1__Reply *reply, int64_t mono_ms)
{
    if (reply->code != ZMESOS__V1__CODE__OK || reply->result_case != ZMESOS__V1__REPLY__RESULT_SNAPSHOT) {
        feed->not_before_ms = mono_ms + ASK_AGAIN_MS;
        return;
    }
    const Zmesos__V1__SnapshotPage *page = reply->snapshot;
    if (!feed->snapshot || !page->store || strcmp(page->store, feed->store) != 0)
        return; /* it was asked for before the store was another one */
    note_heads(feed, page);
    for (size_t i = 0; i < page->n_tasks; i++)
        model_take_task(feed->model, page->tasks[i]);
    if (page->has_next && page->next > feed->snapshot_after) {
        feed->snapshot_after = page->next;
        return;
    }
    feed->snapshot = false;
    model_end_snapshot(feed->model);
}

static void take_marks(struct feed *feed, const Zmesos__V1__Reply *reply, int64_t mono_ms)
{
    bool stale = feed->mark_stale;
    feed->mark_stale = feed->mark_going = false;
    feed->mark_ms = mono_ms + FEED_AGENTS_MS;
    if (stale) {
        feed->mark_ms = mono_ms;
        return;
    }
    if (reply->code != ZMESOS__V1__CODE__OK || reply->result_case != ZMESOS__V1__REPLY__RESULT_SNAPSHOT)
        return;
    if (!reply->snapshot->store || strcmp(reply->snapshot->store, feed->store) != 0)
        return;
    note_heads(feed, reply->snapshot);
    for (size_t i = 0; i < reply->snapshot->n_tasks; i++)
        model_mark(feed->model, reply->snapshot->tasks[i]);
    if (reply->snapshot->has_next && reply->snapshot->next > feed->mark_after) {
        feed->mark_after = reply->snapshot->next;
        feed->mark_ms = mono_ms;
        feed->mark_going = true;
    }
}

static void take_agents(struct feed *feed, const Zmesos__V1__Reply *reply, int64_t mono_ms)
{
    bool ok = reply->code == ZMESOS__V1__CODE__OK && reply->result_case == ZMESOS__V1__REPLY__RESULT_AGENTS;
    for (size_t i = 0; ok && i < reply->agents->n_agents; i++)
        model_take_agent(feed->model, reply->agents->agents[i]);
    if (ok && reply->agents->next &&
            (!feed->agents_after || strcmp(reply->agents->next, feed->agents_after) > 0)) {
        set_text(&feed->agents_after, reply->agents->next);
        return;
    }
    feed->agents_going = false;
    int64_t pause = (mono_ms - feed->agents_begun_ms) * LOOK_SHARE;
    feed->agents_ms = mono_ms + (pause > FEED_AGENTS_MS ? pause : FEED_AGENTS_MS);
    if (!ok)
        return;
    feed->agents_known = true;
    model_end_agents(feed->model);
}

/* False: the reply is of a task that is looked at no more. */
static bool is_of_look(const struct feed *feed, const Zmesos__V1__Reply *reply)
{
    const char *id = NULL;
    if (reply->result_case == ZMESOS__V1__REPLY__RESULT_TASKS)
        id = reply->tasks->n_tasks     ? reply->tasks->tasks[0]->id
             : reply->tasks->n_missing ? reply->tasks->missing[0]
                                       : NULL;
    if (reply->result_case == ZMESOS__V1__REPLY__RESULT_EXPLANATIONS)
        id = reply->explanations->n_explanations ? reply->explanations->explanations[0]->task_id
             : reply->explanations->n_missing    ? reply->explanations->missing[0]
                                                 : NULL;
    return feed->look && id && strcmp(feed->look, id) == 0;
}

/* Returns whether the reply is kept. */
static bool take_look(struct feed *feed, enum question asked, Zmesos__V1__Reply *reply, int64_t mono_ms)
{
    feed->why_next = asked == LOOK;
    feed->look_ms = asked == LOOK ? mono_ms : mono_ms + FEED_AGENTS_MS;
    if (!is_of_look(feed, reply))
        return false;
    if (asked == LOOK)
        feed->missing = reply->tasks->n_tasks == 0;
    Zmesos__V1__Reply **place = asked == LOOK ? &feed->looked_at : &feed->reasons;
    free_reply(place);
    *place = reply;
    return true;
}

void feed_reply(struct feed *feed, Zmesos__V1__Reply *reply, int64_t mono_ms)
{
    enum question asked = feed->out;
    feed->out = NOTHING;
    switch (asked) {
    case LOOK:
    case WHY:
        if (take_look(feed, asked, reply, mono_ms))
            return;
        break;
    case REPLAY:
        if (feed->store && !feed->paused)
            take_replay(feed, reply, mono_ms);
        break;
    case SNAPSHOT:
        if (!feed->paused)
            take_snapshot(feed, reply, mono_ms);
        break;
    case MARK:
        feed->mark_stale |= feed->paused;
        take_marks(feed, reply, mono_ms);
        break;
    case AGENTS:
        if (feed->paused)
            feed->agents_going = false;
        else
            take_agents(feed, reply, mono_ms);
        break;
    case NOTHING:
        break;
    }
    free_reply(&reply);
}

/* ---- questions ---- */

/* What is asked next; its turn is not before *at. */
static enum question next_question(const struct feed *feed, int64_t mono_ms, int64_t *at)
{
    const struct {
        enum question question;
        bool wanted;
        int64_t at_ms;
    } questions[] = {
            {feed->why_next ? WHY : LOOK, feed->look != NULL, feed->look_ms},
            {REPLAY, feed->store && !feed->paused && feed->done < feed->heard, feed->not_before_ms},
            {SNAPSHOT, feed->snapshot && !feed->paused, feed->not_before_ms},
            {MARK,
                    feed->key && feed->store && !feed->snapshot && !feed->paused &&
                            (feed->mark_going || feed->marked_added != model_added(feed->model)),
                    feed->mark_ms},
            {AGENTS, feed->store && !feed->paused, feed->agents_ms},
    };
    *at = INT64_MAX;
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        if (!questions[i].wanted)
            continue;
        if (questions[i].at_ms <= mono_ms)
            return questions[i].question;
        if (questions[i].at_ms < *at)
            *at = questions[i].at_ms;
    }
    return NOTHING;
}

static void ask_look(struct feed *feed, Zmesos__V1__Request *request)
{
    zmesos__v1__get__init(&feed->get);
    feed->get.task_ids = &feed->look;
    feed->get.n_task_ids = 1;
    feed->get.has_with_spec = feed->get.with_spec = true;
    request->operation_case = ZMESOS__V1__REQUEST__OPERATION_GET;
    request->get = &feed->get;
}

static void ask_why(struct feed *feed, Zmesos__V1__Request *request)
{
    zmesos__v1__why__init(&feed->why);
    feed->why.task_ids = &feed->look;
    feed->why.n_task_ids = 1;
    request->operation_case = ZMESOS__V1__REQUEST__OPERATION_WHY;
    request->why = &feed->why;
}

static void ask_replay(struct feed *feed, Zmesos__V1__Request *request)
{
    zmesos__v1__replay__init(&feed->replay);
    feed->replay.has_class_ = feed->replay.has_from = feed->replay.has_page_size = true;
    feed->replay.class_ = ZMESOS__V1__EVENT_CLASS__TASK;
    feed->replay.from = feed->done + 1;
    feed->replay.page_size = PAGE;
    feed->replay.store = feed->store;
    request->operation_case = ZMESOS__V1__REQUEST__OPERATION_REPLAY;
    request->replay = &feed->replay;
}

static void ask_snapshot(struct feed *feed, Zmesos__V1__Request *request, uint64_t after, bool labelled)
{
    zmesos__v1__snapshot__init(&feed->pages);
    feed->pages.has_after = feed->pages.has_page_size = true;
    feed->pages.after = after;
    feed->pages.page_size = SNAPSHOT_PAGE;
    if (labelled) {
        mesos__v1__label__init(&feed->label);
        feed->label.key = feed->key;
        feed->label.value = feed->value;
        feed->pages.label = &feed->label;
    }
    request->operation_case = ZMESOS__V1__REQUEST__OPERATION_SNAPSHOT;
    request->snapshot = &feed->pages;
}

static void ask_agents(struct feed *feed, Zmesos__V1__Request *request, int64_t mono_ms)
{
    if (!feed->agents_going) {
        feed->agents_going = true;
        feed->agents_begun_ms = mono_ms;
        set_text(&feed->agents_after, NULL);
        model_begin_agents(feed->model);
    }
    zmesos__v1__list_agents__init(&feed->agents);
    feed->agents.has_page_size = true;
    feed->agents.page_size = PAGE;
    feed->agents.after = feed->agents_after;
    request->operation_case = ZMESOS__V1__REQUEST__OPERATION_LIST_AGENTS;
    request->list_agents = &feed->agents;
}

bool feed_ask(struct feed *feed, Zmesos__V1__Request *request, int64_t mono_ms)
{
    int64_t at;
    if (feed->out != NOTHING)
        return false;
    feed->out = next_question(feed, mono_ms, &at);
    feed->asked_ms = mono_ms;
    zmesos__v1__request__init(request);
    switch (feed->out) {
    case NOTHING:
        return false;
    case LOOK:
        ask_look(feed, request);
        break;
    case WHY:
        ask_why(feed, request);
        break;
    case REPLAY:
        ask_replay(feed, request);
        break;
    case SNAPSHOT:
        ask_snapshot(feed, request, feed->snapshot_after, false);
        break;
    case MARK:
        if (!feed->mark_going)
            feed->marked_added = model_added(feed->model);
        ask_snapshot(feed, request, feed->mark_after, true);
        break;
    case AGENTS:
        ask_agents(feed, request, mono_ms);
        break;
    }
    return true;
}

int64_t feed_deadline(const struct feed *feed)
{
    int64_t at;
    if (feed->out != NOTHING)
        return INT64_MAX;
    return next_question(feed, INT64_MIN, &at) == NOTHING ? at : INT64_MIN;
}

/* ---- what is wanted ---- */

void feed_pause(struct feed *feed, bool paused)
{
    feed->paused = paused;
}

void feed_look_at(struct feed *feed, const char *id)
{
    free_reply(&feed->looked_at);
    free_reply(&feed->reasons);
    set_text(&feed->look, id);
    feed->missing = feed->why_next = false;
    feed->look_ms = INT64_MIN;
}

const Zmesos__V1__Task *feed_looked_at(const struct feed *feed)
{
    return feed->looked_at && feed->looked_at->tasks->n_tasks ? feed->looked_at->tasks->tasks[0] : NULL;
}

const Zmesos__V1__Explanation *feed_reasons(const struct feed *feed)
{
    return feed->reasons && feed->reasons->explanations->n_explanations
                   ? feed->reasons->explanations->explanations[0]
                   : NULL;
}

bool feed_look_missing(const struct feed *feed)
{
    return feed->missing;
}

void feed_mark(struct feed *feed, const char *key, const char *value)
{
    set_text(&feed->key, key);
    set_text(&feed->value, value);
    feed->mark_after = 0;
    feed->marked_added = UINT64_MAX;
    feed->mark_ms = INT64_MIN;
    feed->mark_going = false;
    feed->mark_stale = feed->out == MARK;
    model_unmark(feed->model);
}

/* ---- how it stands ---- */

bool feed_is_whole(const struct feed *feed)
{
    return feed->store && !feed->snapshot && feed->done == feed->heard;
}

bool feed_marks_left(const struct feed *feed)
{
    return feed->key && (feed->mark_going || feed->out == MARK || feed->marked_added == UINT64_MAX);
}

bool feed_knows_agents(const struct feed *feed)
{
    return feed->agents_known;
}

bool feed_is_paused(const struct feed *feed)
{
    return feed->paused;
}

int64_t feed_heard_ms(const struct feed *feed)
{
    return feed->beat_ms;
}

int64_t feed_now_ns(const struct feed *feed, int64_t mono_ms)
{
    return feed->clock_ns == 0 ? 0 : feed->clock_ns + (mono_ms - feed->clock_ms) * 1000000;
}

uint64_t feed_replayed(const struct feed *feed)
{
    return feed->replayed;
}

uint64_t feed_taken(const struct feed *feed)
{
    return feed->taken;
}

const char *feed_note(const struct feed *feed)
{
    return feed->note;
}
