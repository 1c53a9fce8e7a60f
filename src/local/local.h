/* The world of one zmesos-local: what the master knows (frameworks, offers, which tasks), what the agents
 * have (tasks, processes), and what is between. One thread, so plain structs; each file says which of them it
 * changes.
 *
 * An agent's tasks are the truth; `known` tasks are those that the master has been told of. After a failover
 * the master knows nothing until the agents come back. */
#ifndef LOCAL_LOCAL_H
#define LOCAL_LOCAL_H

#include "base/list.h"
#include "base/map.h"
#include "base/text.h"

#include "http.h"
#include "options.h"
#include "resources.h"
#include "types.h"

struct local;
struct framework;
struct process;
struct faults;
struct state_log;
struct credentials;

enum encoding { ENCODING_PROTOBUF, ENCODING_JSON };

/* ---- agents ---- */

enum agent_state {
    AGENT_REGISTERED,
    AGENT_DISCONNECTED, /* the master has lost the connection and not given up yet */
    AGENT_UNREACHABLE,
    AGENT_RECOVERING, /* the master has failed over, the agent has not come back yet */
    AGENT_GONE,       /* by the operator's word, for ever */
    AGENT_REMOVED,    /* out of the registry: the master knows nothing of it */
};

/* With what an agent comes back. */
enum agent_tasks {
    AGENT_TASKS_WITH,      /* with all of them: it was only cut off */
    AGENT_TASKS_FORGOTTEN, /* with none */
    AGENT_TASKS_KEPT,      /* restarted: with those that had begun */
    AGENT_TASKS_ENDED,     /* restarted: it knows them, but they have not survived */
    AGENT_TASKS_NEW,       /* as an agent that nobody has seen before */
};

struct agent {
    struct local *local;
    size_t number; /* place in local->agents */
    char *id;
    char *hostname;
    Attribute **attributes;
    size_t attribute_count;
    Mesos__V1__DomainInfo *domain; /* NULL: none */
    struct resources total;
    struct resources free; /* neither offered nor used */
    bool has_gpus;
    enum agent_state state;
    int64_t unreachable_ns; /* wall clock; when the master gave it up */
    struct map tasks;       /* by task->key */
    struct map executors;   /* by executor->key */
    struct list operations; /* that are not acknowledged */
    struct list offers;
    bool has_window;                    /* of maintenance, see maintenance.c */
    int64_t window_start_ns, window_ns; /* wall clock; how long, -1: without an end */
    struct list inverse_offers;
    struct timer lost; /* unreachable then */
    struct timer back; /* registered again then */
    enum agent_tasks back_with;
};

/* ---- tasks ---- */

/* One status on its way from the agent to the framework. */
struct update {
    struct list_link link;
    TaskState state;
    Source source;
    int reason;  /* 0: none */
    int healthy; /* -1: says nothing */
    char *message;
    double timestamp;
    uint8_t uuid[16];
    TaskStatus *own; /* as an executor of the framework sent it; NULL: there is none */
};

/* The default executor of task groups on one agent, which ends with its last task; or one of the framework's
 * own (custom), which is a process and ends with that: see executors.c. */
struct executor {
    struct agent *agent;
    char *key; /* framework id, "/", executor id */
    char *id;  /* inside key */
    ExecutorInfo *info;
    struct resources resources;
    char container_id[TEXT_UUID_SIZE];
    struct list tasks; /* that still run */

    bool custom;
    struct framework *framework;
    struct process *process;
    struct http_stream *stream; /* NULL: not subscribed */
    enum encoding encoding;
    struct buf scratch;
    struct timer patience; /* until it has subscribed; until it has ended */
    bool begun;            /* its process was started, or could not be */
    bool ending;           /* it was told to */
    bool too_late;         /* it has not subscribed in time */
};

/* Tasks of one LAUNCH_GROUP: they live and die together. */
struct group {
    struct list tasks; /* that still run */
    bool dying;        /* one has failed or was killed: the others must not start */
};

struct task {
    struct local *local;
    struct framework *framework;
    struct agent *agent;
    char *key; /* framework id, "/", task id */
    char *id;  /* inside key */
    char *executor_id;
    TaskInfo *info; /* owned; NULL when nothing of it is needed any more */
    struct resources resources;
    bool holds_resources;
    bool known;             /* to the master: in framework->tasks */
    bool unreachable;       /* the master gave its agent up */
    TaskState master_state; /* of the last update that the master forwarded */
    int master_healthy;
    TaskState state;     /* the latest of the agent */
    struct list updates; /* not acknowledged; the first is in flight */
    struct timer retry;
    int64_t retry_ms;
    char container_id[TEXT_UUID_SIZE];
    char parent_id[TEXT_UUID_SIZE]; /* of the executor of a group, or "" */
    uint32_t pid;                   /* of its process; 0: never had one */
    struct executor *executor;
    struct list_link in_executor;
    struct group *group;
    struct list_link in_group;
    struct run *run; /* while it runs: see executor.c and simulate.c */
};

/* An operation that its agent has done, until that is acknowledged. */
struct operation {
    struct list_link link; /* of agent->operations */
    struct framework *framework;
    struct agent *agent;
    char *id;
    OperationState state;
    uint8_t uuid[16]; /* of its only status */
    bool known;
    struct timer retry;
    int64_t retry_ms;
};

/* ---- frameworks and offers ---- */

enum framework_state {
    FRAMEWORK_SUBSCRIBED,
    FRAMEWORK_DISCONNECTED, /* until failover_timeout */
    FRAMEWORK_RECOVERED,    /* known from agents only, after a failover */
    FRAMEWORK_FORGOTTEN,    /* the master does not know it; an agent still does */
    FRAMEWORK_REMOVED,      /* torn down or timed out; agents that are away still have tasks of it */
};

struct offer {
    struct framework *framework;
    struct agent *agent;
    char *id;
    char *role;
    struct resources resources;
    struct list_link in_framework, in_agent;
};

/* "No offer of this agent that is no more than these resources, until then." */
struct filter {
    struct list_link link; /* of framework_role.filters' list of the agent */
    struct resources resources;
    int64_t until_ms; /* monotonic */
};

struct framework_role {
    struct list_link in_order; /* of local->roles: the one offered to longest ago is first */
    struct framework *framework;
    char *name;
    bool suppressed;
    struct map filters; /* agent id to struct filter_list */
};

struct framework {
    struct local *local;
    char *id;
    FrameworkInfo *info;
    enum framework_state state;
    uint32_t capabilities; /* a bit for each FrameworkInfo.Capability.Type */
    struct http_stream *stream;
    char stream_id[TEXT_UUID_SIZE];
    enum encoding encoding;
    OfferConstraints *constraints; /* NULL: none */
    struct framework_role **roles;
    size_t role_count;
    struct map tasks;      /* known ones, by id */
    struct map operations; /* likewise */
    /* One for each task, operation and executor of its own on any agent, known or not, and one for
     * framework_remove() while it works: a framework that has gone stays in memory until there are none. */
    size_t references;
    struct list offers;
    struct timer heartbeat;
    struct timer failover;
    bool silent;      /* fault: no heartbeats */
    struct buf event; /* scratch for encoding */
};

#define MASTER_REMOVED_MAX 50 /* frameworks that are remembered as removed */

struct local {
    const struct options *options;
    struct loop loop;
    struct http *http;
    uint16_t port;
    char *work_dir;
    bool stop;

    char master_id[TEXT_UUID_SIZE];
    uint64_t next_framework, next_offer, next_agent;
    struct map frameworks; /* by id, of every state but REMOVED */
    struct list roles;     /* framework_role.in_order of subscribed frameworks */
    struct map offers;     /* by id */
    struct agent **agents;
    size_t agent_count;
    struct map agents_by_id;
    struct resource_kinds kinds;
    char *removed[MASTER_REMOVED_MAX]; /* ids, a ring */
    size_t removed_next;
    struct timer allocation;
    bool allocate_soon; /* at the end of this turn */

    struct map processes; /* by pid */
    struct watch signals;
    struct credentials *credentials;
    struct faults *faults;
    struct state_log *calls;
    uint8_t random[4096]; /* drawn in blocks: three uuids a task */
    size_t random_left;
};

/* Sixteen random bytes that are a UUID (version 4), and one as text. */
void local_uuid_bytes(struct local *local, uint8_t out[16]);
void local_uuid(struct local *local, char out[TEXT_UUID_SIZE]);

bool task_state_is_over(TaskState state);

#endif
