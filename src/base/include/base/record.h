/* What is durable: the rows that the core decides on, the store writes and recovery applies again. A row is
 * written whole, and writing it again replaces it. Pointers are borrowed unless a comment says otherwise. */
#ifndef BASE_RECORD_H
#define BASE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/blob.h"

enum record_kind {
    RECORD_META,             /* a named value of the store */
    RECORD_TASK,             /* a task's row */
    RECORD_ATTEMPT,          /* one attempt's row */
    RECORD_EVENT,            /* a line of the journal */
    RECORD_FORGET,           /* a task, its specification and its attempts are deleted; never read back */
    RECORD_OPERATION,        /* an operation's row */
    RECORD_FORGET_OPERATION, /* it is deleted; never read back */
};

/* The names of META values. */
#define META_STORE_ID "store_id"         /* a UUID; drawn when the directory is made */
#define META_FRAMEWORK_ID "framework_id" /* ours, made before the first SUBSCRIBE */
#define META_RUN "run"                   /* decimal; counts the starts */
#define META_CHECKPOINT "checkpoint"     /* "1" or "0": what this framework was made with */
#define META_FAILOVER_MS "failover_ms"   /* decimal; the failover timeout that the master was last told */
#define META_ALIVE_NS "alive_ns"         /* decimal; the master's last word while subscribed, ns since 1970 */
#define META_NEXT_KEY "next_key" /* decimal; keys below it are never given again; absent: the largest + 1 */
#define META_BACKUP "backup"     /* "1" in a copy that store_backup() made; "" where it was settled */
#define META_STARTS "starts" /* decimal ns since 1970, the last starts of this store, with blanks between */
#define META_RESTORES "restores"       /* decimal; counts the starts from a backup */
#define META_RESTORED_NS "restored_ns" /* decimal; the last of them */
#define META_FOREIGN_KEYS                                                                                    \
    "foreign_keys" /* "low-high ..." both included: keys that another history of this store may              \
                      have given; never given here */

#define META_SUPPRESSED "suppressed" /* "role role ...": by request */
#define META_ROLES "roles" /* the configured ones, a line break, those of now; each "role role ..." */
#define META_FRAMEWORK                                                                                       \
    "framework" /* what was changed of it by request, behind the flags that it was changed from:             \
                 * framework_words.c */
#define META_TEARDOWN "teardown" /* the framework id that is to be torn down; "" for none */

struct meta_row {
    const char *name;
    const char *value;
};

struct task_row {
    int64_t key;       /* from 1; the order of arrival */
    const char *id;    /* never changes for a key */
    struct blob *spec; /* the packed zmesos.v1.TaskSpec as it was received; NULL: unchanged since it was first
                          written */
    int32_t state;     /* zmesos.v1.TaskState */
    uint64_t revision;
    uint32_t attempts; /* made so far */
    bool kill_requested;
    struct blob *kill_policy; /* packed mesos.v1.KillPolicy of the kill request, or NULL */
    int64_t created_ns, changed_ns;
    int64_t not_before_ns; /* a queued task is not launched before; 0: at once */
    uint32_t flags;        /* the core's task flags */
    const char *message;   /* "" for none */
    const char *reason;    /* "" for none */
};

struct attempt_row {
    int64_t task_key;
    uint32_t number; /* from 1 */
    int32_t state;   /* the core's attempt state */
    uint32_t flags;  /* the core's attempt flags */
    const char *agent_id;
    const char *hostname;
    const char *ports;  /* "31000 31005", or "" */
    const char *unique; /* what its UNIQUE constraints hold taken: lines attribute=value, or "" */
    int64_t launched_ns, changed_ns;
    const char *message;
    const char *reason;
    const char *mesos_id;  /* "": <id>.<key>.<number> */
    const char *agent_url; /* as its offer said; "": not known */
    int32_t healthy;       /* what its health check said last: 1 yes, -1 no, 0 nothing yet */
    int64_t check_status;  /* what its check said last, as the core packs it; 0: nothing yet */

    /* Its last update that was kept for a consumer. */
    int32_t pending;            /* what became of it, as the core counts; 0: there was none */
    const char *pending_uuid;   /* in hexadecimal */
    const char *pending_before; /* those before it that are done with: "uuid uuid" */
    int32_t pending_state;      /* mesos.v1.TaskState */
    int64_t pending_ns;         /* since when it waits, or when that ended */
    uint64_t pending_number;    /* of its publication */
    struct blob *pending_event; /* as the master sent it, while it waits; else NULL */
};

/* A publication that is numbered for ever. (class, number) is its key. */
struct event_row {
    int32_t class; /* zmesos.v1.EventClass */
    uint64_t number;
    int64_t time_ns;
    const char *topic;
    struct blob *header; /* packed zmesos.v1.EventHeader */
    struct blob *body;
};

struct forget_row {
    int64_t task_key;
};

struct operation_row {
    int64_t key;       /* one that no task has; the order of arrival */
    const char *id;    /* never changes for a key */
    struct blob *spec; /* the packed zmesos.v1.OperationSpec as it was received; NULL: unchanged since it was
                          first written */
    int32_t state;     /* zmesos.v1.Operation.State */
    uint64_t revision;
    uint32_t flags;       /* the core's operation flags */
    uint32_t sent;        /* how often */
    const char *mesos_id; /* of the last time; "": none yet */
    const char *agent_id;
    const char *hostname;
    const char *provider_id;
    int64_t created_ns, changed_ns;
    const char *message;
    struct blob *status; /* the Event that says what it made, as it came; NULL: none did */
};

struct forget_operation_row {
    int64_t key;
};

struct record {
    enum record_kind kind;
    union {
        struct meta_row meta;
        struct task_row task;
        struct attempt_row attempt;
        struct event_row event;
        struct forget_row forget;
        struct operation_row operation;
        struct forget_operation_row forget_operation;
    };
};

#endif
