/* What the files of the daemon share. */
#ifndef DAEMON_INTERNAL_H
#define DAEMON_INTERNAL_H

#include "base/clock.h"
#include "core/core.h"
#include "daemon.h"
#include "front/front.h"
#include "mesos/master.h"
#include "outbox.h"
#include "recent.h"
#include "store/store.h"

#define DAEMON_EXIT_REFUSED 3
#define DAEMON_DOWNS_MAX 16

/* The request for a backup that is being made. */
struct daemon_backup {
    bool running;
    front_token token;
    char *id, *path; /* id may be NULL */
};

struct daemon {
    const struct options *options;
    struct store *store;
    struct core *core;
    struct master *master;
    struct front *front;
    struct outbox outbox;
    struct recent recent;
    struct replay **replays; /* that wait for the store's thread */
    size_t replay_count;
    struct core_outputs outputs;
    struct now now; /* of this turn */
    int signals;    /* signalfd */
    bool stopping;
    int exit_status;
    char *framework_id, *store_id;
    char *downs[DAEMON_DOWNS_MAX]; /* why there is no subscription: what was logged since one stood long */
    size_t down_next;
    int64_t up_ms; /* monotonic; when the last subscription came; INT64_MAX: none yet */
    uint64_t run;
    int64_t started_ns;
    uint64_t subscribe_group; /* on disk before the next SUBSCRIBE */
    char *starts;             /* META_STARTS as it was read */
    unsigned recent_starts;   /* runs that may have left a SUBSCRIBE on its way */
    bool restored;            /* the store is a backup that was not started before */
    int64_t newest_ns;        /* of what was read of it */
    struct daemon_backup backup;
    bool paused;                       /* back-pressure */
    bool checkpoint_known, checkpoint; /* what this framework was made with */
    int64_t shortest_failover_ms;      /* of the last run's and this one's; -1: none yet */
};

/* recover.c: the store's meta values, made where they are missing, and its rows, applied to a new core. */
int daemon_recover(struct daemon *daemon, struct error *err) MUST_CHECK;

/* recover.c: the store was a backup: from now on it is a history of its own. After store_start(), before any
 * other input. */
void daemon_restored(struct daemon *daemon);

/* subscribe.c: the packed SUBSCRIBE call, malloc'ed; ERR_UNAVAILABLE until the store has subscribe_group. */
int daemon_subscribe_call(void *context, uint8_t **call, size_t *length);

/* subscribe.c: that call, packed: the core knows what changes, and the rest of the framework is told here. */
struct blob *daemon_update_framework(struct daemon *daemon, const struct core_call *call);

/* inputs.c: callbacks that turn what comes in into inputs of the core. */
void daemon_input(struct daemon *daemon, const struct core_input *input);
/* The bytes of each task of a launch, or operation of an operate, as they came: specifications are kept so.
 * NULL for other requests. The caller frees the array. */
struct slice *daemon_find_specs(struct slice bytes, const Zmesos__V1__Request *request);
void daemon_on_request(
        void *context, front_token token, const Zmesos__V1__Request *request, struct slice bytes);
void daemon_on_up(void *context, uint64_t subscription, const char *master);
void daemon_on_record(void *context, uint64_t subscription, struct blob *record);
void daemon_on_down(void *context, uint64_t subscription, enum master_down why, const char *text);
void daemon_on_answered(void *context, uint64_t call, enum master_answer answer, const char *text);

/* refusals.c: what is said and done when there is no subscription (any more). `text` is the master's or the
 * client's words. */
void daemon_log_down(struct daemon *daemon, uint64_t subscription, enum master_down why, const char *text);
void daemon_forget_downs(struct daemon *daemon);
void daemon_read_secret(struct daemon *daemon);
void daemon_judge_error(struct daemon *daemon, const char *text); /* after the core knows that it is down */

/* replies.c */
void daemon_reply(struct daemon *daemon, front_token token, const char *id, Zmesos__V1__Reply *reply);
Zmesos__V1__Code daemon_code_of(int code);
void daemon_refuse(
        struct daemon *daemon, front_token token, const char *id, int code, const struct error *err);

/* replay.c: the requests replay and tail; those that the store has read for; replies where we are stopping;
 * and what is left of them once the store is gone. */
void daemon_handle_replay(struct daemon *daemon, front_token token, const Zmesos__V1__Request *request);
void daemon_handle_tail(struct daemon *daemon, front_token token, const Zmesos__V1__Request *request);
void daemon_finish_replays(struct daemon *daemon);
void daemon_abandon_replays(struct daemon *daemon);
void daemon_clear_replays(struct daemon *daemon);

/* backup.c: the request backup; its end, where the store tells it, which is soon where we are stopping. */
void daemon_handle_backup(struct daemon *daemon, front_token token, const Zmesos__V1__Request *request);
void daemon_finish_backup(struct daemon *daemon);
void daemon_abandon_backup(struct daemon *daemon);

/* outputs.c: writes records, packs the rest and puts it into the outbox; releases what may leave. */
void daemon_outputs(struct daemon *daemon);
void daemon_add_reply(
        struct daemon *daemon, front_token token, struct blob *reply); /* takes the packed reply */
void daemon_release(struct daemon *daemon);

#endif
