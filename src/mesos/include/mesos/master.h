/* The master client: finds the leading master, keeps one subscription, sends calls.
 *
 * It moves bytes and knows the HTTP side of the v1 scheduler API (PROTOCOL "Transport", "What the master
 * answers"); what is inside an event or a call is the caller's, but for the first record of a stream, which
 * decides whether the subscription stands, and ERROR, which ends it. It works on one thread, inside the
 * caller's loop: poll master_fd() for reading, call master_handle() when it is readable or master_deadline()
 * has passed.
 *
 * Callbacks run inside master_handle() and master_start() alone. They may call every function here but
 * master_destroy(); master_handle() does nothing there. What master_stop(), master_resubscribe() and
 * master_pause() ask for is done at the end of the turn, or in the next one when they are called from
 * outside: the deadline is then now.
 *
 * Calls. Ordered ones go one at a time over one connection, in the order they were given. Each is written at
 * most once: the body comes from a read callback without a seek function, so that libcurl fails rather than
 * repeat it. ACKNOWLEDGEs are independent and go over several connections. A call carries the number of the
 * subscription it was decided under; when that one is over it is not written and is answered MASTER_NOT_DONE.
 *
 * The fence. An ordered call that was or may have been written and got no answer is answered
 * MASTER_UNANSWERED, and the subscription is closed with it: it may still act until the next SUBSCRIBED. An
 * acknowledgement without an answer ends nothing, since the agent repeats the update.
 *
 * SUBSCRIBEs that are unaccounted for. MASTER_FAILED_OVER on the current stream says that another
 * SUBSCRIBE of this framework took its place: a rival's, or one of ours that was given up and came late. So
 * those of ours that may still come are counted: a SUBSCRIBE counts from the moment in which it is given up,
 * unless no byte of it was written (no connection was made), it was answered (307, 401, 503 or any other 4xx;
 * what else a proxy may say tells nothing about the master), or its stream had a first record. One that is
 * held to have come is taken off by master_take_unaccounted(). Once a subscription has stood for
 * MASTER_LATE_MS no earlier SUBSCRIBE can come any more.
 *
 * Every `text` is one line of UTF-8 without control characters, shorter than 512 bytes, borrowed for the
 * callback. */
#ifndef MESOS_MASTER_H
#define MESOS_MASTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/blob.h"
#include "base/error.h"

/* Longer than a closed connection goes on repeating what it still had to send. */
#define MASTER_LATE_MS (INT64_C(15) * 60 * 1000)

/* Another SUBSCRIBE took our place: the message of the ERROR event that says so, and what the client itself
 * says for the 400 to a call that means the same. */
#define MASTER_FAILED_OVER "Framework failed over"

struct master;

enum master_answer {
    MASTER_ACCEPTED,   /* 202 (or 200): the master has it */
    MASTER_REFUSED,    /* 400 and other refusals of this very call; the text has the master's words */
    MASTER_NOT_DONE,   /* certainly not acted upon: never written, or turned away with its subscription
                        * (307, 401, 403, 503, 400 about stream or framework) */
    MASTER_UNANSWERED, /* written, perhaps acted upon */
};

enum master_down {
    MASTER_DOWN_LOST,  /* connection lost, refused, silent for too long, fenced, ended by us, or the leader
                        * changed */
    MASTER_DOWN_ERROR, /* the master sent ERROR on the current stream; the text is its message. For
                        * MASTER_FAILED_OVER, which a 400 to a call may say first in its own words, see
                        * master_take_unaccounted() */
    MASTER_DOWN_UNAUTHORIZED, /* 401 */
    MASTER_DOWN_REFUSED,      /* 400 and other refusals of the SUBSCRIBE itself, or of a call because this
                               * framework is another principal's; the text has the words */
    MASTER_DOWN_NOT_MESOS,    /* what answers there is not a Mesos master */
};

struct master_callbacks {
    void *context;

    /* The SUBSCRIBE call to send now, packed: *call is malloc'ed, and the client frees it. Negative: there is
     * none, ask again after a backoff. */
    int (*subscribe)(void *context, uint8_t **call, size_t *length);

    /* A stream is open (200) and its first record has come and is SUBSCRIBED. Calls may be sent.
     * `subscription` counts from 1 and only grows; `master` is host:port. The record itself comes next
     * through `record`. */
    void (*up)(void *context, uint64_t subscription, const char *master);

    /* One record of the current stream, the first one included. The callee takes the reference. An ERROR is
     * the last record of its stream, and `down` follows; as the first one it comes with subscription 0. Only
     * the first record has been checked and decoded: others may be anything. */
    void (*record)(void *context, uint64_t subscription, struct blob *record);

    /* The subscription, or the attempt to get one (subscription 0), is over. Calls of it are answered before
     * this. Each attempt ends in `up` or `down`, each `up` in `down`, after master_stop() and
     * master_resubscribe() too; redirects are part of the attempt. The client tries again by itself after a
     * backoff, unless the callee calls master_stop(). The text begins with "host:port: " where it is about a
     * master and not the master's words. */
    void (*down)(void *context, uint64_t subscription, enum master_down why, const char *text);

    /* Exactly once for each call given to master_send(). `text` is "" where there is none. */
    void (*answered)(void *context, uint64_t call, enum master_answer answer, const char *text);
};

/* Times are from 1 ms to a day. The backoff begins anew after a subscription that lasted as long as the delay
 * had become, so that a master that drops us at once is not asked ever faster. */
struct master_config {
    const char *masters;   /* "host:port[,host:port...]", at most 64; a missing port is 5050. Asked in turn */
    const char *principal; /* with secret: HTTP basic authentication; NULL: none. No ':' */
    const char *secret;
    int64_t connect_timeout_ms;   /* default 5,000 */
    int64_t call_timeout_ms;      /* a call's answer; default 15,000 */
    int64_t subscribe_timeout_ms; /* from SUBSCRIBE to its first record; default 20,000 */
    int64_t backoff_min_ms;       /* default 100; doubles with jitter */
    int64_t backoff_max_ms;       /* default 15,000; never longer */
    uint32_t missed_heartbeats;   /* silent intervals before the stream is dropped; default 5 */
    size_t record_max;            /* bytes of one record; past it the stream is dropped; default 64 MiB */
    uint64_t jitter_seed;
};

/* Fills in the defaults. */
void master_config_init(struct master_config *config);

/* Copies the configuration and callbacks. ERR_INVALID for a list of masters that cannot be read or a value
 * out of its range, ERR_IO, ERR_UNAVAILABLE. The caller destroys. */
int master_create(const struct master_config *config, const struct master_callbacks *callbacks,
        struct master **out, struct error *err) MUST_CHECK;

/* Begins to subscribe; does nothing when it has begun. `now_ms` is monotonic, here and below. */
void master_start(struct master *master, int64_t now_ms);

int master_fd(const struct master *master); /* an epoll descriptor; owned by the client */

/* Monotonic ms of the next thing to do, now or past: at once; INT64_MAX: none. */
int64_t master_deadline(const struct master *master);
void master_handle(struct master *master, int64_t now_ms);

/* Queues a call. `number` comes back in `answered`. Takes a reference of its own on `body` (a packed Call).
 * `ordered`: false for ACKNOWLEDGE and ACKNOWLEDGE_OPERATION_STATUS alone. */
void master_send(
        struct master *master, uint64_t number, uint64_t subscription, bool ordered, struct blob *body);

/* Closes the current subscription or attempt (MASTER_DOWN_LOST with `why`) and subscribes again with the same
 * master, at once (`after_ms` 0) or after a pause; between attempts it only moves the next one. Nothing when
 * stopped. */
void master_resubscribe(struct master *master, int64_t now_ms, int64_t after_ms, const char *why);

/* Drops the subscription (MASTER_DOWN_LOST, "stopped") and tries no more until master_start(). */
void master_stop(struct master *master);

/* Whether a SUBSCRIBE of ours is unaccounted for (see above); if so there is one less from now on. For `down`
 * after MASTER_FAILED_OVER. */
bool master_take_unaccounted(struct master *master);

/* How many there are now: 1 before the first subscription of a run that follows another, whose last SUBSCRIBE
 * may be on its way; 0 for a framework id that was never used. */
void master_set_unaccounted(struct master *master, unsigned count);

/* The secret of the configuration's principal from the next request on; whether it is another one than
 * before. For `down` after 401, when nothing is under way; nothing where there are no credentials. */
bool master_set_secret(struct master *master, const char *secret);

/* Back-pressure: while paused no records are delivered, the first one of a stream included, and silence does
 * not count. The record in whose callback it was called is the last. */
void master_pause(struct master *master, bool paused, int64_t now_ms);

/* The heartbeat interval that SUBSCRIBED told, for the watch of this subscription: 1 ms to a day; 0 or less
 * is the usual 15 s, with which each subscription begins. */
void master_set_heartbeat(struct master *master, int64_t interval_ms);

size_t master_waiting_calls(const struct master *master); /* queued and in flight */

/* Takes NULL; not from inside a callback. Calls not answered yet are dropped without one. */
void master_destroy(struct master *master);

#endif
