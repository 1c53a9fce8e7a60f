/* What the files of the daemon share. */
#ifndef DAEMON_INTERNAL_H
#define DAEMON_INTERNAL_H

#include "base/clock.h"
#include "core/core.h"
#include "daemon.h"
#include "front/front.h"
#include "mesos/master.h"
#include "outbox.h"
#include "store/store.h"

struct daemon {
    const struct options *options;
    struct store *store;
    struct core *core;
    struct master *master;
    struct front *front;
    struct outbox outbox;
    struct core_outputs outputs;
    struct now now; /* of this turn */
    int signals;    /* signalfd */
    bool stopping;
    int exit_status;
    char *framework_id, *store_id, *last_down;
    uint64_t run;
    int64_t started_ns;
    int64_t failed_over_ms;            /* monotonic; when another subscription last took our place */
    bool paused;                       /* back-pressure */
    bool checkpoint_known, checkpoint; /* what this framework was made with */
    int64_t shortest_failover_ms;      /* of the last run's and this one's; -1: none yet */
};

/* recover.c: the store's meta values, made where they are missing, and its rows, applied to a new core. */
int daemon_recover(struct daemon *daemon, struct error *err) MUST_CHECK;

/* subscribe.c: the packed SUBSCRIBE call, malloc'ed. */
int daemon_subscribe_call(void *context, uint8_t **call, size_t *length);

/* inputs.c: callbacks that turn what comes in into inputs of the core. */
void daemon_input(struct daemon *daemon, const struct core_input *input);
void daemon_on_request(
        void *context, front_token token, const Zmesos__V1__Request *request, struct slice bytes);
void daemon_on_up(void *context, uint64_t subscription, const char *master);
void daemon_on_record(void *context, uint64_t subscription, struct blob *record);
void daemon_on_down(void *context, uint64_t subscription, enum master_down why, const char *text);
void daemon_on_answered(void *context, uint64_t call, enum master_answer answer, const char *text);

/* outputs.c: writes records, packs the rest and puts it into the outbox; releases what may leave. */
void daemon_outputs(struct daemon *daemon);
void daemon_release(struct daemon *daemon);

#endif
