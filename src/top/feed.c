/* See feed.h. */
#include "feed_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define SNAPSHOT_AGAIN_MS 60000 /* where counts do not fit: not more often */

struct feed *feed_create(struct model *model)
{
    struct feed *feed = alloc_zeroed(1, sizeof *feed);
    feed->model = model;
    feed->beat_ms = feed->not_before_ms = feed->look_ms = feed->mark_ms = feed->agents_ms = INT64_MIN;
    feed->settled_ms = INT64_MIN;
    return feed;
}

void feed_set_text(char **place, const char *text)
{
    char *copy = alloc_string(text);
    free(*place);
    *place = copy;
}

void feed_free_reply(Zmesos__V1__Reply **reply)
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
    feed_free_reply(&feed->looked_at);
    feed_free_reply(&feed->reasons);
    free(feed);
}

/* ---- publications ---- */

void feed_begin_snapshot(struct feed *feed)
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

uint64_t feed_head_of_tasks(Zmesos__V1__Head *const *heads, size_t count)
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
    feed_set_text(&feed->store, status->store);
    model_clear(feed->model);
    feed->done = feed->heard = feed_head_of_tasks(status->heads, status->n_heads);
    feed->ahead = 0;
    feed->agents_known = false;
    feed->agents_ms = feed->look_ms = feed->mark_ms = INT64_MIN;
    feed->mark_after = feed->marked_added = 0;
    feed->mark_stale = feed->out == ASK_MARK;
    feed_begin_snapshot(feed);
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
    feed_begin_snapshot(feed);
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
    uint64_t head = feed_head_of_tasks(status->heads, status->n_heads);
    if (head > feed->heard)
        feed->heard = head;
    model_take_status(feed->model, status, header->time_ns);
    if (head == feed->done && head >= feed->ahead)
        settle(feed, mono_ms);
}

/* ---- what is wanted ---- */

void feed_pause(struct feed *feed, bool paused)
{
    feed->paused = paused;
}

void feed_look_at(struct feed *feed, const char *id)
{
    feed_free_reply(&feed->looked_at);
    feed_free_reply(&feed->reasons);
    feed_set_text(&feed->look, id);
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
    feed_set_text(&feed->key, key);
    feed_set_text(&feed->value, value);
    feed->mark_after = 0;
    feed->marked_added = UINT64_MAX;
    feed->mark_ms = INT64_MIN;
    feed->mark_going = false;
    feed->mark_stale = feed->out == ASK_MARK;
    model_unmark(feed->model);
}

/* ---- how it stands ---- */

bool feed_is_whole(const struct feed *feed)
{
    return feed->store && !feed->snapshot && feed->done == feed->heard;
}

bool feed_marks_left(const struct feed *feed)
{
    return feed->key && (feed->mark_going || feed->out == ASK_MARK || feed->marked_added == UINT64_MAX);
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
