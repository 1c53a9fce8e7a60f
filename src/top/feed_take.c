/* What a feed does with replies. */
#include "feed_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/slice.h"
#include "wire/check.h"

#define ASK_AGAIN_MS 500 /* where the daemon could not answer */
#define LOOK_SHARE 20    /* looking at agents takes no more than this part of the time */

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
        feed_begin_snapshot(feed);
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
    uint64_t head = feed_head_of_tasks(page->heads, page->n_heads);
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
        feed_set_text(&feed->agents_after, reply->agents->next);
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
static bool take_look(struct feed *feed, enum feed_question asked, Zmesos__V1__Reply *reply, int64_t mono_ms)
{
    feed->why_next = asked == ASK_LOOK;
    feed->look_ms = asked == ASK_LOOK ? mono_ms : mono_ms + FEED_AGENTS_MS;
    if (!is_of_look(feed, reply))
        return false;
    if (asked == ASK_LOOK)
        feed->missing = reply->tasks->n_tasks == 0;
    Zmesos__V1__Reply **place = asked == ASK_LOOK ? &feed->looked_at : &feed->reasons;
    feed_free_reply(place);
    *place = reply;
    return true;
}

void feed_reply(struct feed *feed, Zmesos__V1__Reply *reply, int64_t mono_ms)
{
    enum feed_question asked = feed->out;
    feed->out = ASK_NOTHING;
    switch (asked) {
    case ASK_LOOK:
    case ASK_WHY:
        if (take_look(feed, asked, reply, mono_ms))
            return;
        break;
    case ASK_REPLAY:
        if (feed->store && !feed->paused)
            take_replay(feed, reply, mono_ms);
        break;
    case ASK_SNAPSHOT:
        if (!feed->paused)
            take_snapshot(feed, reply, mono_ms);
        break;
    case ASK_MARK:
        feed->mark_stale |= feed->paused;
        take_marks(feed, reply, mono_ms);
        break;
    case ASK_AGENTS:
        if (feed->paused)
            feed->agents_going = false;
        else
            take_agents(feed, reply, mono_ms);
        break;
    case ASK_NOTHING:
        break;
    }
    feed_free_reply(&reply);
}
