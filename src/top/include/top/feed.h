/* What keeps a model true: the subscriber's algorithm of docs/protocol.md ("Nothing missed") for the events
 * of tasks, and the questions that a screen has besides. Pure: publications, replies and the time are handed
 * in, requests are handed out. One question is out at a time; whoever sends it sends the same bytes again
 * when no reply comes. */
#ifndef TOP_FEED_H
#define TOP_FEED_H

#include "top/model.h"

#define FEED_AGENTS_MS 2000 /* between two looks at the agents, and at a task; longer where one took long */

struct feed;

/* Borrows the model, which nobody else feeds. The caller destroys it. */
struct feed *feed_create(struct model *model);
void feed_destroy(struct feed *feed); /* takes NULL */

/* ---- what comes ---- */

/* An event of a task. Borrows both. */
void feed_event(struct feed *feed, const Zmesos__V1__EventHeader *header, const Zmesos__V1__Task *task);

/* A heartbeat, or another word about the daemon, at the caller's monotonic time. Takes the status over. */
void feed_status(struct feed *feed, const Zmesos__V1__EventHeader *header, Zmesos__V1__DaemonStatus *status,
        int64_t mono_ms);

/* The reply to the question that is out. Takes it over. */
void feed_reply(struct feed *feed, Zmesos__V1__Reply *reply, int64_t mono_ms);

/* ---- what is asked ---- */

/* Fills the next request, which borrows from the feed until its reply is handed in. False: nothing is to be
 * asked now. Not while a question is out. */
bool feed_ask(struct feed *feed, Zmesos__V1__Request *request, int64_t mono_ms);

/* When feed_ask() may have something although nothing came; INT64_MAX: never. */
int64_t feed_deadline(const struct feed *feed);

/* ---- what is wanted ---- */

/* Events and heartbeats are let go by, so that the model stands still; what was missed is replayed when that
 * ends. */
void feed_pause(struct feed *feed, bool paused);

/* The task whose history and reasons are asked for, now and then; NULL: none. Copied. */
void feed_look_at(struct feed *feed, const char *id);
const Zmesos__V1__Task *feed_looked_at(const struct feed *feed); /* NULL: no answer yet, or it is not known */
const Zmesos__V1__Explanation *feed_reasons(const struct feed *feed); /* likewise */
bool feed_look_missing(const struct feed *feed); /* the daemon does not know it (any more) */

/* Tasks that carry the label are marked; value NULL: whatever it is; key NULL: none is marked. Copied. */
void feed_mark(struct feed *feed, const char *key, const char *value);

/* ---- how it stands ---- */

/* All tasks are told, and no event before the last heartbeat is missing. */
bool feed_is_whole(const struct feed *feed);
bool feed_marks_left(
        const struct feed *feed); /* whether all that carry the label are marked is not known yet */
bool feed_knows_agents(const struct feed *feed); /* they were told once, since the last clear */
bool feed_is_paused(const struct feed *feed);
int64_t feed_heard_ms(const struct feed *feed); /* monotonic: of the last heartbeat; INT64_MIN: none came */
int64_t feed_now_ns(
        const struct feed *feed, int64_t mono_ms); /* what the daemon's clock says; 0: not known */
uint64_t feed_replayed(const struct feed *feed);   /* events that were asked for once more */
uint64_t feed_taken(const struct feed *feed);      /* events of tasks that were taken, in order */
/* What was lost for good, or is strange, last; "" for nothing. A sentence. */
const char *feed_note(const struct feed *feed);

#endif
