/* What the files of the feed share. */
#ifndef TOP_FEED_STATE_H
#define TOP_FEED_STATE_H

#include "top/feed.h"

enum feed_question { ASK_NOTHING, ASK_LOOK, ASK_WHY, ASK_REPLAY, ASK_SNAPSHOT, ASK_MARK, ASK_AGENTS };

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

    enum feed_question out;
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

void feed_set_text(char **place, const char *text);
void feed_free_reply(Zmesos__V1__Reply **reply); /* and sets it NULL; one that is NULL is left */
void feed_begin_snapshot(struct feed *feed);
uint64_t feed_head_of_tasks(Zmesos__V1__Head *const *heads, size_t count); /* 0: there is none */

#endif
