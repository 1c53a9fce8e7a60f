/* What the files of the master client share. One turn of the client runs: pending wishes, libcurl, what
 * ended, time limits, what can begin. Callbacks of the caller may call back into the client at any point of
 * it, and libcurl's own callbacks may not remove transfers; so whatever ends something only notes it down
 * (`ending`, `wish`), and master_settle() in master.c acts on the note when nothing else is going on. */
#ifndef MESOS_CLIENT_H
#define MESOS_CLIENT_H

#include <curl/curl.h>

#include "answers.h"
#include "backoff.h"
#include "base/buf.h"
#include "base/list.h"
#include "mesos/master.h"
#include "reactor.h"
#include "targets.h"
#include "wire/recordio.h"

#define MASTER_LOOSE_LANES 4
#define MASTER_REDIRECTS_MAX 5 /* followed in a row */
#define MASTER_HEARTBEAT_DEFAULT_MS 15000
#define MASTER_HEARTBEAT_MAX_MS (INT64_C(24) * 3600 * 1000)

enum master_state {
    MASTER_STOPPED,
    MASTER_WAITING,     /* until retry_at_ms */
    MASTER_SUBSCRIBING, /* SUBSCRIBE is on its way */
    MASTER_OPENED,      /* 200 has come, the first record has not */
    MASTER_UP,
};

/* A subscription or an attempt that must end: why. */
struct master_ending {
    bool set;
    enum master_down why;
    bool redirected;
    struct master_target leader;
    char text[MASTER_TEXT_MAX];
};

enum master_wish_kind { MASTER_WISH_NONE, MASTER_WISH_RESUBSCRIBE, MASTER_WISH_STOP };

/* What the caller asked for while it could not be done. */
struct master_wish {
    enum master_wish_kind kind;
    int64_t at_ms; /* when to subscribe again */
    char text[MASTER_TEXT_MAX];
};

struct master_stream {
    CURL *easy;
    bool active;   /* the transfer is with libcurl */
    bool answered; /* this SUBSCRIBE has done what it does */
    struct curl_slist *headers;
    uint8_t *call; /* the SUBSCRIBE on its way; malloc'ed */
    struct recordio recordio;
    struct buf rest;   /* bytes taken from libcurl that a pause left undelivered */
    bool held;         /* libcurl holds bytes back for us */
    bool finished;     /* the transfer has ended, but `rest` is not delivered yet */
    struct buf answer; /* the body of an answer that is no stream */
    char id[MASTER_STREAM_ID_MAX + 1];
    int64_t deadline_ms; /* for the first record */
    int64_t heard_ms;    /* when bytes came last */
    char words[CURL_ERROR_SIZE];
};

struct master_call {
    struct list_link link;
    uint64_t number, subscription;
    struct blob *body;
    size_t offset; /* what libcurl has read of the body */
};

/* A handle for one call at a time. */
struct master_lane {
    struct master *master;
    CURL *easy;
    enum master_kind kind;
    struct master_call *call; /* in flight, or NULL */
    struct buf answer;
    int64_t deadline_ms;
    char words[CURL_ERROR_SIZE];
};

struct master_calls {
    struct list queues[2];                            /* of master_call: loose, ordered */
    struct master_lane lanes[1 + MASTER_LOOSE_LANES]; /* the first is the ordered one */
    struct curl_slist *headers;                       /* of the current subscription */
    size_t count;                                     /* queued and in flight */
};

struct master {
    struct master_config config; /* its strings are our own */
    struct master_callbacks callbacks;
    enum master_state state;
    uint64_t subscription; /* the latest */
    int64_t now_ms;
    int64_t retry_at_ms;
    int64_t up_since_ms;
    int64_t heartbeat_ms;
    bool inside; /* a turn is running */
    bool due;    /* there is something to do at once */
    bool paused;
    int64_t paused_ms;    /* since when */
    unsigned redirects;   /* followed in a row */
    unsigned unaccounted; /* SUBSCRIBEs given up that may still come; see master.h */
    struct master_ending ending;
    struct master_wish wish;
    struct master_targets targets;
    struct master_backoff backoff;
    struct master_reactor reactor;
    struct master_stream stream;
    struct master_calls calls;
};

/* master.c */
void master_set_state(struct master *master, enum master_state state, const char *why);
void master_end(struct master *master, enum master_down why, const char *text); /* the first one counts */
void master_end_by(struct master *master, const struct master_verdict *verdict);
bool master_is_ending(
        const struct master *master); /* nothing more of this subscription may be delivered or begun */

/* subscription.c */
int master_stream_init(struct master *master) MUST_CHECK;
void master_stream_clear(struct master *master);
void master_stream_begin(struct master *master, uint8_t *call, size_t length); /* takes `call` */
bool master_stream_has_more(const struct master *master); /* bytes that a pause kept back and may go on now */
void master_stream_resume(struct master *master);         /* delivers them */
void master_stream_finished(struct master *master, CURLcode result);
void master_stream_close(struct master *master);
int64_t master_stream_deadline(const struct master *master);
void master_stream_expire(struct master *master);

/* calls.c */
int master_calls_init(struct master *master) MUST_CHECK;
void master_calls_clear(struct master *master);
void master_calls_open(struct master *master, const char *stream_id);
bool master_calls_begin(struct master *master); /* whether anything was begun */
void master_calls_finished(struct master *master, CURL *easy, CURLcode result);
void master_calls_abandon(struct master *master, const char *text); /* answers them all */
int64_t master_calls_deadline(const struct master *master);
void master_calls_expire(struct master *master);

#endif
