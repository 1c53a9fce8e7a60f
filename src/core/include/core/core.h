/* The core: every decision of zmesosd, and nothing else. In spirit one function,
 *
 *     core_handle(core, input, now) -> outputs
 *
 * It has no socket, file, clock, thread, random source or log. Time comes in as a value, so a run can be
 * replayed from its inputs. Outputs are in order; each may leave once the records before it are on disk.
 * Recovery gives the rows that were written back to core_recover(), which changes the same memory and starts
 * no effects. */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/record.h"
#include "mesos/v1/scheduler/scheduler.pb-c.h"
#include "zmesos/v1/zmesos.pb-c.h"

#define CORE_TASK_ID_MAX 200
#define CORE_LAUNCH_MAX 1000                    /* tasks in one launch */
#define CORE_GROUP_NAME_MAX 200                 /* bytes */
#define CORE_GROUP_CONSTRAINTS_MAX 32           /* of all members together, equal ones counted once */
#define CORE_SUBMITTER_MAX 128                  /* bytes of a submitter's name */
#define CORE_KILL_MAX 10000                     /* ids in one kill */
#define CORE_GET_MAX 1000                       /* ids in one get or why, tasks on one page */
#define CORE_OPERATE_MAX 1000                   /* operations in one request */
#define CORE_PORTS_MAX 1000                     /* ports of one task */
#define CORE_ACCEPT_MAX 1000                    /* tasks in one ACCEPT */
#define CORE_ACCEPT_BYTES_MAX ((size_t)4 << 20) /* of their specifications; a single one may be longer */
#define CORE_ATTEMPTS_MAX 1000  /* of one task; when the last one never ran either, the task ends as ERROR */
#define CORE_RECONCILE_MAX 1000 /* tasks in one RECONCILE */
#define CORE_RETRIES_MAX 100    /* attempts that a retry policy can ask for */
#define CORE_STRAYS_MAX 100000  /* orphans whose KILL is repeated; past it each sign of life brings one */
#define CORE_FORGET_STEP 256    /* tasks forgotten in one step */
#define CORE_MESSAGE_MAX ((size_t)512 << 10) /* bytes to an executor */
#define CORE_ASKED_MAX                                                                                       \
    1000                     /* calls by request that wait for their answer; resources and operations in one \
                              */
#define CORE_LEASES_MAX 1000 /* what leases_max can be */
#define CORE_LEASE_OFFERS_MAX 1000              /* offers of one lease */
#define CORE_LEASE_BYTES_MAX ((size_t)16 << 20) /* that they take here; one always fits */
#define CORE_LEASE_MIN_MS 100
#define CORE_LEASE_DEFAULT_MS 10000
#define CORE_OPERATIONS_WAITING_MAX 10000 /* QUEUED at once: each looks at each offer, before tasks do */
#define CORE_PLACER_MAX 200               /* bytes of a placer's name */
#define CORE_PLACE_MAX 1000               /* placements, and tasks, in one place */
#define CORE_PLACE_OFFERS_MAX 100         /* offers in one placement */
#define CORE_ROLES_AT_ONCE 64
#define CORE_ROLES_MAX 256                /* in one run, those that left included */
#define CORE_TEARDOWN_MS 60000            /* for how long a teardown can be asked for a second time */
#define CORE_KEYS_JUMP ((int64_t)1 << 32) /* keys left to the history that a restored store does not know */

struct core;

/* Of a submitter, for its fair share. */
struct core_weight {
    const char *submitter;
    int64_t weight; /* thousandths, above 0 */
};

enum core_external {
    CORE_EXTERNAL_NONE,  /* nothing */
    CORE_EXTERNAL_LEASE, /* lease them, place tasks on them, give them back */
    CORE_EXTERNAL_ALL,   /* also decline them, suppress and revive roles */
};

struct core_config {
    const char *version; /* of the program */
    const char *store_id;
    const char *framework_id;
    const char *framework_flags; /* what the flags say of name, webui_url, labels and failover_timeout, in
                                  * any form; NULL: nothing */
    uint64_t run;
    const char *const *roles; /* the first is the default of a task */
    size_t role_count;
    const struct core_weight *weights; /* of those not named: 1 */
    size_t weight_count;
    bool checkpoint;
    int64_t failover_timeout_ms;
    int64_t started_ns;
    uint64_t seed[2]; /* of hash maps */
    size_t tasks_max; /* tasks kept; a launch past it is UNAVAILABLE */

    int64_t offer_hold_ms;                    /* an offer without work is held this long, then declined */
    int64_t decline_ms;                       /* and refused for this long */
    int64_t revive_ms;                        /* not more than one REVIVE a role in this time */
    int64_t reconcile_ms;                     /* between two rounds */
    int64_t ask_min_ms, ask_max_ms;           /* backoff of a RECONCILE that was not answered */
    int64_t kill_min_ms, kill_max_ms;         /* backoff of a KILL until the task is over */
    int64_t relaunch_min_ms, relaunch_max_ms; /* backoff of an attempt that never ran */
    int64_t heartbeat_ms;                     /* of ours, on the events socket */
    int64_t launch_timeout_ms;                /* from the launch to STARTING or RUNNING; 0: none */
    bool kill_orphans;                        /* else they are adopted */
    int64_t keep_tasks_ms;                    /* a task is forgotten so long after it is over */
    size_t keep_tasks;                        /* and earlier when more than these are over */
    size_t unconfirmed_max;                   /* updates that are kept for consumers */
    size_t unconfirmed_bytes_max;             /* and what the master sent of them */
    size_t turn_steps;            /* of matching in one input, about 10 ns each: a longer round goes on
                                   * with the next tick */
    bool no_teardown;             /* it is refused */
    int64_t avoid_maintenance_ms; /* an agent gets no tasks so long before maintenance of it begins */
    bool decline_maintenance;     /* inverse offers are declined, else accepted */
    bool offer_constraints;       /* the master is told of which agents a role wants offers */
    bool drain;                   /* tasks are killed before maintenance of their agent begins: */
    int64_t drain_grace_ms;       /* so long */
    enum core_external external;  /* what requests may do with offers */
    size_t leases_max;            /* leases at once */
    int64_t lease_max_ms;         /* the longest */
    unsigned lease_share;         /* percent of the agents, in offers leased at once; one always is */

    /* Whether two packed TaskSpecs say the same in canonical form. Pure. */
    bool (*same_spec)(struct slice a, struct slice b);
    bool (*same_operation)(struct slice a, struct slice b); /* likewise, OperationSpecs */
};

/* Fills in the defaults; the rest is zero. */
void core_config_init(struct core_config *config);

/* ---- inputs ----------------------------------------------------------------------------------------- */

enum core_answer { CORE_ACCEPTED, CORE_REFUSED, CORE_NOT_DONE, CORE_UNANSWERED }; /* as master_answer */

enum core_input_kind {
    CORE_IN_TICK,       /* core_deadline() has come */
    CORE_IN_CONNECTING, /* the subscription is being tried for */
    CORE_IN_UP,         /* SUBSCRIBED; the event itself follows as CORE_IN_EVENT */
    CORE_IN_DOWN,
    CORE_IN_EVENT,
    CORE_IN_REQUEST,
    CORE_IN_ANSWER,   /* to a call */
    CORE_IN_RESTORED, /* after recovery, before anything else: the rows are those of a backup */
    CORE_IN_REMOVED,  /* the master has removed the framework: begin again as another one. While down. Where
                       * core_is_tearing_down() the tasks are over, and the caller ends after this */
};

struct core_input {
    enum core_input_kind kind;
    union {
        struct {
            uint64_t subscription; /* counts up */
            const char *master;    /* host:port */
        } up;
        struct {
            bool refused; /* the master does not take this framework */
            const char *text;
        } down;
        struct {
            const Mesos__V1__Scheduler__Event *event; /* borrowed */
            struct blob *bytes;                       /* as the master sent it; borrowed */
        } event;
        struct {
            uint64_t token;
            const Zmesos__V1__Request *request; /* borrowed */
            const struct slice *specs; /* of a launch: the bytes of each task as they came; of an operate:
                                        * of each operation; borrowed */
            struct slice kill_policy;  /* of a kill: likewise, or empty */
        } request;
        struct {
            uint64_t call;
            enum core_answer answer;
            const char *text; /* the master's words, or "" */
        } answer;
        struct {
            const char *store_id; /* a new one */
        } restored;
        struct {
            const char *framework_id; /* a new one */
        } removed;
    };
};

/* ---- outputs ---------------------------------------------------------------------------------------- */

enum core_output_kind { CORE_OUT_RECORD, CORE_OUT_CALL, CORE_OUT_REPLY, CORE_OUT_EVENT };

/* The task that `spec` describes, placed: a LAUNCH operation of its own, or part of a LAUNCH_GROUP. */
struct core_launch {
    const char *task_id; /* Mesos's: <id>.<key>.<attempt> */
    const char *agent_id;
    struct blob *spec;
    Mesos__V1__Resource **resources;
    size_t resource_count;
    const uint32_t *ports;
    size_t port_count;

    /* Of the first one of a group: */
    size_t group;            /* how many it has: this one and those behind it; else 0 */
    const char *executor_id; /* of zmesosd's own executor; NULL: the executor is in `spec` */
    Mesos__V1__Resource **executor_resources;
    size_t executor_resource_count;
};

/* One operation of an ACCEPT: what the OperationSpec in `spec` has, with that id. */
struct core_operation {
    const char *operation_id; /* Mesos's */
    struct blob *spec;
};

struct core_call {
    uint64_t number;
    uint64_t subscription;
    bool ordered;
    Mesos__V1__Scheduler__Call
            *call; /* framework_id is filled in; an ACCEPT lacks `operations`, and after them `launches` */
    struct core_operation *operations;
    size_t operation_count;
    struct core_launch *launches;
    size_t launch_count;
    struct blob *kill_policy; /* of a KILL, packed, to be put in; or NULL */
};

struct core_reply {
    uint64_t token;
    Zmesos__V1__Reply *reply;
    struct blob **specs;    /* of each of reply->tasks, or reply->operations, to be put in; or NULL */
    struct blob **statuses; /* of each of reply->operations: the Event whose converted_resources are to be put
                             * in; or NULL, as a whole or one by one */
};

/* A publication. One of those at its end is the body. */
struct core_event {
    Zmesos__V1__EventClass class;
    bool journaled;
    uint64_t number;
    uint64_t revision; /* 0: none */
    const char *topic;
    struct blob *bytes;
    const Zmesos__V1__Task *task;
    Zmesos__V1__DaemonStatus *status; /* who sends it may add what the core does not know */
    const Zmesos__V1__Orphan *orphan;
    const Zmesos__V1__Explanation *explanation;
    const Zmesos__V1__UnconfirmedUpdate *unconfirmed;
    const Zmesos__V1__Operation *operation;
    struct blob *status_bytes; /* of the operation: the Event whose converted_resources are to be put in; or
                                * NULL */
    const Zmesos__V1__LeaseChange *lease;
};

struct core_output {
    enum core_output_kind kind;
    union {
        struct record record;
        struct core_call call;
        struct core_reply reply;
        struct core_event event;
    };
};

/* Everything in it lives until the next reset; blobs and strings of tasks are borrowed from the core and live
 * until the next core_handle(). */
struct core_outputs {
    struct core_output *items;
    size_t count, capacity;
    struct arena arena;
};

void core_outputs_init(struct core_outputs *outputs);
void core_outputs_reset(struct core_outputs *outputs);
void core_outputs_clear(struct core_outputs *outputs);

/* ---- the core --------------------------------------------------------------------------------------- */

struct core *core_create(const struct core_config *config); /* copies the configuration */
void core_destroy(struct core *core);                       /* takes NULL */

/* Applies a row that was kept. `spec` is the decoded specification of a RECORD_TASK (a zmesos.v1.TaskSpec) or
 * a RECORD_OPERATION (an OperationSpec), borrowed, else NULL. ERR_MALFORMED for a row that fits nothing
 * before it. */
int core_recover(struct core *core, const struct record *record, const void *spec, struct now now,
        struct error *err) MUST_CHECK;

/* Adds outputs. */
void core_handle(
        struct core *core, const struct core_input *input, struct now now, struct core_outputs *outputs);

/* Monotonic ms of the next CORE_IN_TICK wanted. */
int64_t core_deadline(const struct core *core);

/* The framework's roles, for the next SUBSCRIBE; into `roles`, which has room for CORE_ROLES_MAX. Borrowed
 * strings. */
size_t core_roles(const struct core *core, const char **roles);

/* Whether a request has asked for the end of the framework, and the master has not done it yet. */
bool core_is_tearing_down(const struct core *core);

/* The roles in which nothing waits or that a request has suppressed, for the next SUBSCRIBE; into `roles`,
 * which has room for CORE_ROLES_MAX. Borrowed strings. */
size_t core_suppressed_roles(struct core *core, const char **roles);

/* What was changed by request, into what the flags say of the framework. In `arena`. */
void core_framework_info(const struct core *core, struct arena *arena, Mesos__V1__FrameworkInfo *info);
int64_t core_failover_ms(const struct core *core, int64_t configured_ms);

/* Of which agents roles want offers, for the next SUBSCRIBE; NULL: of all. In `arena`. */
Mesos__V1__Scheduler__OfferConstraints *core_offer_constraints(struct core *core, struct arena *arena);

#endif
