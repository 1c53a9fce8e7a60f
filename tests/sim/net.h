/* Connections between our daemon and the master, and what goes over them. */
#ifndef SIM_NET_H
#define SIM_NET_H

#include "stuff.h"

enum side { MASTER_SIDE, CLIENT_SIDE };

/* Each direction keeps its order. A side that closed or broke hears nothing more. */
struct conn {
    uint64_t id;
    int64_t last_us[2];  /* when the latest message to that side arrives */
    int64_t until_us[2]; /* what would arrive at that side after it is lost */
    int64_t stalled_until_us;
    bool closed[2];
    uint64_t run;   /* of the daemon that made it */
    uint64_t epoch; /* of the master it leads to; 0: there was none */
};

typedef void deliver_fn(struct sim *sim, struct conn *conn, void *message);

struct conn *net_open(struct sim *sim);
void net_send(struct sim *sim, struct conn *conn, enum side to, deliver_fn *fn, void *message);
void net_close(struct sim *sim, struct conn *conn, enum side by); /* takes NULL; the other side learns last */
void net_break(
        struct sim *sim, struct conn *conn); /* takes NULL; each side learns in its own time, or never */
void net_silence(struct sim *sim, struct conn *conn); /* takes NULL */
void net_stall(struct sim *sim, struct conn *conn);   /* takes NULL */
int64_t net_latency(struct sim *sim);

/* ---- calls and words ---- */

/* When an agent is to be maintained. */
struct window {
    bool set;
    int64_t start_ns, duration_ns; /* since 1970; -1: without an end */
};

struct launch {
    struct life *life;
    struct stuff stuff;
};

struct call {
    uint64_t number, subscription, stream, framework;
    Mesos__V1__Scheduler__Call__Type type;
    bool ordered;
    const char **offers;
    size_t offer_count;
    int64_t refuse_us;
    struct launch *launches;
    size_t launch_count;
    struct {
        const char *id, *agent;
    } * tasks; /* of RECONCILE, KILL, ACKNOWLEDGE */
    size_t task_count;
    uint64_t uuid;
    const char *operation;
    struct operation **operations; /* of an ACCEPT; of RECONCILE_OPERATIONS: */
    struct {
        const char *id, *agent;
    } * asked;
    size_t operation_count;
    int64_t grace_s, grace_due_s; /* of a KILL's policy, and of that it must have; 0: none */
    bool roles[ROLES], framework_roles[ROLES];
    uint32_t wanted_agents[ROLES]; /* of which offers are, a bit each */
    const char *executor;          /* of SHUTDOWN and MESSAGE; its agent is tasks[0].agent */
    uint64_t asker;                /* the request that asked for it; 0: none */
    int written;                   /* times it went out */
};

/* An update as an agent keeps it until it is acknowledged. */
struct update {
    uint64_t uuid; /* from 1 */
    struct life *life;
    mesos_state state;
    int reason, healthy;
    int64_t durable_us;  /* since when one word that carried it is in our journal; 0: it is not */
    int64_t heard_us;    /* by our daemon for the first time; 0: not yet */
    const char *task_id; /* as our daemon says */
    uint32_t attempt;
    bool confirm_answered;
    int64_t confirmed_us; /* by its consumer; 0: not yet */
    struct update *next;
};

typedef Mesos__V1__OperationState operation_state;
#define OPERATION(name) MESOS__V1__OPERATION_STATE__OPERATION_##name

/* An operation of the framework, whose status its agent repeats until it is acknowledged. */
struct operation {
    size_t number; /* from 1 */
    const char *id;
    struct deed *deed; /* NULL: nobody asked for it */
    struct agent *agent;
    uint64_t framework;
    int written;           /* ACCEPTs that went out with it */
    bool held;             /* by its agent */
    operation_state state; /* there; 0: not held */
    bool known;            /* to the master: */
    operation_state latest;
    uint64_t uuid; /* 0: none */
    int64_t retry_us;
    int64_t durable_us; /* as of an update */
    bool acknowledged;
};

/* An event of the master. */
struct word {
    Mesos__V1__Scheduler__Event__Type type;
    uint64_t stream;
    struct offer **offers;
    size_t offer_count;
    const char *text;     /* of ERROR; the offer's id of RESCIND; the agent's id of FAILURE */
    const char *executor; /* of FAILURE; NULL: the agent's */
    const char *id, *agent;
    mesos_state state;
    int reason, source, healthy;
    struct window window; /* of INVERSE_OFFERS, with the id in text */
    const char *message;
    struct update *update;           /* NULL: no uuid */
    struct operation *operation;     /* NULL: no uuid */
    operation_state operation_state; /* of UPDATE_OPERATION_STATUS, with id, agent, message */
};

#endif
