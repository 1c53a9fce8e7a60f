/* What an answer means (PROTOCOL "What the master answers"): a pure function from status, headers, body and
 * kind of call to what the caller is told and what becomes of the subscription. */
#ifndef MESOS_ANSWERS_H
#define MESOS_ANSWERS_H

#include <stdbool.h>

#include "base/slice.h"
#include "mesos/master.h"
#include "targets.h"

#define MASTER_STREAM_ID_MAX 128 /* bytes of a Mesos-Stream-Id */
#define MASTER_BODY_MAX 4096     /* bytes of an answer's body that are kept for its words */
#define MASTER_TEXT_MAX 512      /* of the words, with NUL */

enum master_kind {
    MASTER_KIND_SUBSCRIBE,
    MASTER_KIND_ORDERED,
    MASTER_KIND_LOOSE, /* an acknowledgement: nothing stands on its answer */
};

struct master_reply {
    long status;
    const char *content_type; /* this and the next two: NULL where the header is missing */
    const char *stream_id;
    const char *location;
    struct slice body;
};

struct master_verdict {
    bool over;             /* the subscription, or the attempt at one, is over: for `down`, or redirected */
    enum master_down down; /* when it is over */
    bool settled;          /* of a SUBSCRIBE: the master has turned it away, nothing comes of it later */
    bool redirected;       /* and that is the leader */
    struct master_target leader;
    enum master_answer answer;  /* of a call that is no SUBSCRIBE */
    char text[MASTER_TEXT_MAX]; /* UTF-8 without control characters */
};

/* A complete answer. For SUBSCRIBE, a 200 is judged by its headers alone. */
void master_judge(enum master_kind kind, const struct master_reply *reply, struct master_verdict *verdict);

/* No answer, or half of one: `written` says whether a byte of the body may have gone out, `garbage` that what
 * came was no HTTP. */
void master_judge_failure(
        enum master_kind kind, bool written, bool garbage, const char *words, struct master_verdict *verdict);

/* A peer's bytes as one line for people: UTF-8 without control characters, cut at a character to less than
 * `size` bytes. */
void master_write_words(struct slice bytes, char *text, size_t size);

#endif
