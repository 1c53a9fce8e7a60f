/* What the files of the core share. One struct a noun; who changes what is said at each function. */
#ifndef CORE_INTERNAL_H
#define CORE_INTERNAL_H

#include <regex.h>

#include "base/buf.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "core/core.h"
#include "operation.h"
#include "resource.h"
#include "state.h"

typedef Zmesos__V1__TaskState task_state;
#define STATE(name) ZMESOS__V1__TASK_STATE__##name
#define STATE_MAX STATE(LOST)
#define CODE(name) ZMESOS__V1__CODE__##name
#define CLASS(name) ZMESOS__V1__EVENT_CLASS__##name

/* ---- what a task needs ---- */

enum scalar { SCALAR_CPUS, SCALAR_MEM, SCALAR_DISK, SCALAR_GPUS, SCALAR_COUNT };
extern const char *const scalar_names[SCALAR_COUNT];

struct constraint {
    char *attribute;
    Zmesos__V1__Constraint__Operator op;
    char **values;
    size_t value_count;
    bool preferred;
    int64_t number; /* GREATER, LESS: thousandths; MAX_PER: tasks */
    regex_t regex;  /* compiled for MATCHES and NOT_MATCHES */

    /* In a round: */
    struct group *group; /* of the task that is looked at; NULL: none */
    size_t least;        /* SPREAD over named values: the smallest count of them, as of the group's change */
    uint64_t least_change;
};

/* Why an offer is not for a task. Amounts come first, by enum scalar; after MISFIT_CONSTRAINT the
 * constraint's index is added. */
enum misfit {
    MISFIT_NONE = -1,
    MISFIT_PORTS = SCALAR_COUNT,
    MISFIT_RESOURCES, /* of a demand */
    MISFIT_TAKEN,     /* fits, but the ACCEPT is full, or something came first */
    MISFIT_AVOIDED,
    MISFIT_MAINTENANCE,
    MISFIT_ROLE,
    MISFIT_CONSTRAINT
};

/* What offers lacked, since all were asked for. */
struct tally {
    uint64_t epoch;  /* of the role */
    uint64_t offers; /* looked at and not taken */
    uint64_t misfits[MISFIT_ROLE];
    uint64_t *constraints; /* one for each of the shape's; owned */
    int64_t best[SCALAR_COUNT];
    uint64_t best_ports;
};

/* What is asked for besides plain amounts; of one shape and those that avoid agents besides. */
struct demand {
    struct arena arena;
    size_t users;
    struct resource_want *wants;
    size_t want_count;
    struct resource_disk_want *disks;
    size_t disk_count;
    struct resource_set named;    /* numbers and items that are named */
    const char *executor_id;      /* NULL: a command */
    struct resource_set executor; /* what it takes when it is not up */
};

/* Everything of a specification that matching looks at. Tasks that ask for the same share one shape, so that
 * one of them finding no place answers for all. Counted by its tasks. */
struct shape {
    struct slice key; /* what it is found by; owned */
    size_t tasks;
    struct role *role;
    int32_t priority;
    int64_t scalars[SCALAR_COUNT]; /* thousandths */
    uint32_t ports;
    struct demand *demand; /* NULL: amounts alone */
    struct constraint *constraints;
    size_t constraint_count;
    bool particular; /* of a group: the sums above do not tell whether there is all that it wants */
    bool grouped;    /* has constraints that look at tasks of the same name */
    bool unsteady;   /* an offer that does not fit may fit later in the same round: SPREAD, NEAR */
    bool preferring;
    bool despite_maintenance;
    char *placer; /* somebody else says where it goes: it is in no role's queue. NULL: we do */
    char **avoid; /* agents on which it must not go */
    size_t avoid_count;

    struct tally tally, before; /* why.c; of this epoch of the role, and the last one with offers */
    int told;                   /* the first reason that was published; 0: none */

    struct heap queue;     /* of task.queue_node; the key is the task's, so the oldest is first */
    struct heap_node node; /* in its line's heap while the queue is not empty; the key is the oldest task's */
    struct line *line;
    bool beaten;           /* in the last round another submitter's tasks were placed before: */
    const char *beaten_by; /* shared.c; NULL: those without one */
    uint64_t cursor;       /* in a round: offers of a smaller number have no room for this shape */
    uint64_t cursor_round;
    uint64_t opened;        /* constraints_opened() when the cursor was last at the beginning */
    size_t look_cost;       /* of a look at an offer, in steps of matching */
    uint64_t narrow_round;  /* in that round offers are found by the values of this constraint: values.c */
    int narrow;             /* its index; -1: of none */
    size_t waiting;         /* tasks counted in its role's limits */
    struct slice *limits;   /* groups of offer constraints that it can be told by; owned, as each is */
    size_t limit_count;     /* 0: it wants offers of all agents */
    struct list_link aside; /* in a round: found no place */
};

/* Offers of one role by what is left of them: index.c. */
struct offer_index {
    struct offer **slots; /* in the order they came; NULL: gone */
    uint64_t *numbers;    /* of the offers in the slots, also of those that are gone */
    struct offer_node *nodes;
    size_t used, capacity, count; /* slots ever given, a power of two, offers */
    struct value_index *values;   /* by attributes that tasks have asked for: values.c */
    size_t value_count;
};

enum role_state {
    ROLE_OURS,
    ROLE_COMING,  /* the master was asked for it */
    ROLE_LEAVING, /* the master was asked to take it away */
    ROLE_GONE,
};

/* Whose tasks there are. Freed with its last line. */
struct submitter {
    char *name; /* "" for tasks that name none */
    size_t lines;
    int64_t weight;              /* thousandths */
    uint64_t used[SCALAR_COUNT]; /* by attempts that may live */
};

/* What waits in a role with one priority: its lines, by their shares. */
struct level {
    struct level_id {
        struct role *role;
        int64_t priority;
    } id;
    size_t line_count;
    struct list lines;     /* line.link, of those in which something waits; and by their shares: */
    struct heap waiting;   /* line.node */
    struct heap_node node; /* in role.queue while something waits */
    uint64_t round;        /* in which the shares were last looked at */
    const char *served;    /* shared.c: the submitter of the last task placed, in: */
    uint64_t served_round;
};

/* The shapes of one submitter in a level. Freed with its last shape. */
struct line {
    struct line_id {
        struct level *level;
        struct submitter *submitter;
    } id;
    size_t shapes;
    struct heap waiting; /* shape.node */
    struct heap_node node;
    struct list_link link;
    int64_t share; /* as it stands in its level */
};

/* Of which agents the master is to make offers: limits.c. A text is groups, each with its length in front,
 * in the order of their bytes; empty: all agents. */
struct limits {
    struct map groups;  /* limit.text -> limit: what shapes that wait can be told by */
    size_t shapes_open; /* shapes that wait and want offers of all agents */
    uint64_t tasks;     /* that wait, as far as they are counted here */
    uint64_t waiting;   /* role.waiting, when the wish was made */
    bool changed;       /* one of these, since the wish was made */
    bool opened;        /* by request, offers of all agents are wanted once */
    bool refused;       /* the wish, by the master */
    struct slice wish;
    int64_t wish_ms;      /* monotonic; since when it stands */
    struct slice told;    /* what the master goes by */
    struct slice said;    /* in our call that is on its way, or the SUBSCRIBE */
    struct slice carried; /* in the call by request that is on its way */
    struct slice next;    /* what is to be told, at: */
    int64_t next_ms;      /* INT64_MAX: nothing; INT64_MIN: as soon as another call may leave */
};

struct role {
    char *name;
    enum role_state state;
    struct limits limits;
    struct offer_index index;
    struct heap queue;      /* level.node */
    struct list operations; /* that wait, in the order of arrival */
    uint64_t waiting; /* tasks QUEUED in it, those with a backoff included, those held or with a placer not;
                       * and operations */
    size_t offers;    /* held, those that are leased not */
    size_t leases, wanting; /* leases of it; those of them that have room for more offers */
    uint64_t epoch;         /* counts how often all offers were asked for */
    bool suppressed;
    bool stopped;       /* by request: no offers are wanted, whatever waits */
    bool revive_asked;  /* by request: although nothing waits, perhaps */
    bool filtered;      /* something was declined since the last REVIVE */
    bool fresh_work;    /* something was queued since the last REVIVE or round with offers */
    int64_t revived_ms; /* monotonic; INT64_MIN: never */
    int64_t active_ms;  /* last time something was queued */
};

/* ---- tasks ---- */

enum attempt_flag {
    ATTEMPT_SEEN = 1,       /* an update other than STAGING came: it may have run */
    ATTEMPT_DROPPED = 2,    /* the master said DROPPED: waits for the proof that it never ran */
    ATTEMPT_NEVER_RAN = 4,  /* proved */
    ATTEMPT_OUTLIVED = 8,   /* we were away longer than failover_timeout since its launch */
    ATTEMPT_DOUBTED = 16,   /* it was cut off, lost or its id in use: its absence proves nothing any more */
    ATTEMPT_TIMED_OUT = 32, /* did not start in time: is killed for it */
    ATTEMPT_REPLACED = 64,  /* given up while it may be alive: is killed when it shows */
    ATTEMPT_DRAINED = 256,  /* is killed because maintenance of its agent begins */
    ATTEMPT_FOUND = 512,    /* another history of this store made it */
    ATTEMPT_REMOVED = 128,  /* its framework was removed: questions about it mean nothing any more */
};

enum task_flag {
    TASK_HELD = 1,     /* restored from a backup: not launched before a release */
    TASK_ADOPTED = 2,  /* was found running */
    TASK_LEFT_OUT = 4, /* another history launched its group: others of that were found, this one was not */
};

/* What became of an update that was kept for a consumer; as in attempt_row.pending. */
enum pending_step {
    PENDING_NONE,
    PENDING_WAITS,
    PENDING_LATE, /* waits, and its time limit has passed */
    PENDING_CONFIRMED,
    PENDING_GIVEN_UP, /* acknowledged after its time limit */
};

#define UUID_BYTES 16
#define PENDING_UUID_SIZE (2 * UUID_BYTES + 1)

/* An attempt's last update that was kept for its task's consumer: pending.c. */
struct pending {
    struct task *task;
    uint32_t attempt;
    int32_t step;
    char uuid[PENDING_UUID_SIZE];
    char *before;              /* uuids that are done with, the last first */
    int32_t state;             /* mesos.v1.TaskState */
    int64_t since_ns;          /* or, where it does not wait any more, when that ended */
    uint64_t number;           /* of its publication */
    struct blob *event;        /* while it waits */
    size_t slot;               /* in core.waiting + 1; 0: it does not wait */
    struct heap_node deadline; /* until it is late */
};

/* Those that wait, of all attempts. */
struct waiting {
    struct waiting_slot {
        uint64_t number;
        const char *consumer;    /* shared.c */
        struct pending *pending; /* NULL: does not wait any more */
    } * slots;                   /* by number, unless unsorted */
    size_t used, capacity, count, bytes;
    bool unsorted;
    struct heap deadlines;
};

/* What a specification says of its consumer. */
struct consumer {
    const char *name; /* shared.c */
    int64_t timeout_ms;
    bool waits; /* for ever, else it is acknowledged then */
};

struct attempt {
    uint32_t number;
    task_state state;
    uint32_t flags;
    const char *agent_id, *hostname, *agent_url, *reason; /* shared.c; NULL: none */
    char *ports, *unique, *message;
    char *mesos_id;       /* NULL: <id>.<key>.<number> */
    int64_t check_status; /* health.c */
    int32_t healthy;
    int64_t launched_ns, changed_ns;

    uint64_t subscription; /* it was launched under; 0: an earlier run's */
    uint64_t asked;        /* the subscription of the last RECONCILE or KILL about it; 0: never */
    uint64_t call;         /* its ACCEPT while that is in flight, else 0 */

    struct pending *pending; /* NULL: nothing was ever kept for a consumer */
};

/* What a specification says of attempts (zmesos.v1.RetryPolicy, launch_timeout). */
struct policy {
    uint32_t max_attempts;
    uint32_t on; /* a bit for each outcome */
    bool elsewhere;
    int64_t backoff_ms, backoff_max_ms, replace_after_ms;
    int64_t launch_timeout_ms; /* -1: the daemon's */
};

/* The tasks of one LAUNCH_GROUP: task_group.c. Freed with its last member. */
struct task_group {
    char *name;
    struct task **members; /* by key */
    size_t count;
    size_t bytes;               /* of their specifications */
    struct shape *shape;        /* what they and their executor want together; NULL: was not wanted yet */
    struct demand *executor;    /* as the client wrote it; NULL: zmesosd's own */
    struct slice executor_key;  /* of shape.key; owned */
    struct list_link unsettled; /* in core.unsettled: something has changed */
    bool apart;                 /* a member has ended and not FINISHED: the others are to end */
    uint64_t killed;            /* core.inputs as of the last kill */
};

struct task {
    int64_t key;
    char *id, *name;               /* name is NULL where it is the id */
    struct task_group *task_group; /* NULL: none */
    struct blob *spec;
    task_state state;
    uint64_t revision;
    bool kill_requested;
    struct blob *kill_policy;
    int64_t created_ns, changed_ns, not_before_ns;
    char *message, *reason;
    char *labels; /* key NUL value NUL ... NUL */
    struct shape *shape;
    uint32_t flags;
    struct policy *policy; /* NULL: one attempt, the daemon's launch timeout */
    struct consumer *consumer;
    uint32_t pendings;    /* of its attempts, that wait for the consumer */
    bool counted_waiting; /* in its role */
    bool forgotten;       /* in forget_step(): goes */

    struct attempt *attempts; /* the last one is current */
    uint32_t attempt_count;

    struct heap_node queue_node; /* in shape.queue while QUEUED and due */
    struct list_link agent_link; /* in agent.tasks while an attempt is not over */
    struct agent *agent;
    struct list_link ask_link; /* in core.asked or core.to_ask while an answer from the master is wanted */
    bool in_to_ask;            /* which of the two */
    struct heap_node timer;    /* end of a backoff or of patience, the next KILL; or when it was over */
    struct heap *timer_heap;   /* where that is: core.timers, or core.over and core.lost; NULL: nowhere */
    int64_t kill_backoff_ms;
};

/* An agent that has tasks of ours, or strays. Freed with its last one. */
struct agent {
    char *id;
    struct list tasks;
    struct list strays;
    int64_t asked_ms;
    uint64_t used[SCALAR_COUNT]; /* by its tasks */
};

/* Something of this framework that is to be dead and may be alive: an attempt that was given up, or an
 * orphan. */
struct stray {
    char *mesos_id;
    struct agent *agent;
    struct list_link agent_link;
    struct heap_node timer; /* the next KILL; in no heap while it is only waited for */
    int64_t backoff_ms;
};

/* Keys that another history of this store may have given. */
struct key_range {
    int64_t low, high; /* both included */
};

/* What was last heard of an agent in an offer. */
struct site {
    char *agent_id;
    char *packed; /* name NUL value NUL ... NUL */
    size_t size;
    char *url;
    uint64_t most[SCALAR_COUNT]; /* of what an offer had and our tasks used together */
    int64_t last[SCALAR_COUNT];  /* of what its last offer had, which came at: */
    int64_t last_ns;             /* since 1970; 0: it had none for a role of ours */
};

/* The values that the agents known have of an attribute, each with how many have it. */
struct attribute {
    char *name;
    struct map values; /* -> counted */
    uint64_t change;   /* core.changes when a value came or went */
};

struct counted {
    char *value;
    size_t count;
};

/* Where the tasks of one name are, by one attribute. */
struct group {
    struct slice key;  /* owned */
    struct map values; /* -> counted */
    uint64_t change;   /* core.changes when it last changed */
    /* Over the values of the attribute that agents have: the smallest count, and how many have it; as of the
     * attribute's change. 0 of them: to be counted anew. */
    size_t least, at_least;
    uint64_t attribute_change;
};

struct offer {
    struct arena arena; /* holds the copy */
    Mesos__V1__Offer *offer;
    struct resource_set left; /* of its resources; in its arena */
    struct role *role;
    uint64_t number;             /* of all that came, from 1 */
    size_t slot;                 /* in its role's index */
    uint64_t round;              /* the first one that looks at it with everything that waits */
    struct heap_node placed;     /* in core.placed while something was placed on it, by number */
    int64_t received_ms;         /* or when its lease was over */
    int64_t total[SCALAR_COUNT]; /* left; an upper bound used to skip quickly */
    uint64_t total_ports;
    struct list_link link;                   /* in core.offers, oldest first; or in lease.offers */
    struct lease *lease;                     /* whose it is: it is not in the index. NULL: everybody's */
    size_t leased_bytes;                     /* as its lease counts it */
    uint64_t released_by;                    /* number of the lease that gave it back; 0: none */
    uint64_t named;                          /* the last place request that named it */
    struct placement *placements;            /* in a round; newest first */
    size_t placement_count, placement_bytes; /* bytes of specifications */
    struct operation_placement *operations, **operations_end; /* likewise; in their order */
    size_t operation_count;
};

struct placement {
    struct placement *next;
    struct task *task;
    struct core_launch launch;
    char *unique;
};

/* Offers that a client has for itself for a while: lease.c. */
struct lease {
    char *id;
    uint64_t number;    /* of all that were made, from 1 */
    struct slice words; /* what it was asked for with, by which it is known again; owned */
    struct shape wants; /* role, amounts, constraints: a shape that no task has */
    bool wanting;       /* counted in its role */
    size_t max_offers;
    int64_t duration_ms, until_ms; /* default of a renewal; monotonic */
    struct heap_node timer;        /* in core.lease_timers, by until_ms */
    struct list offers;            /* offer.link, oldest first */
    size_t bytes;                  /* that they take here */
    uint64_t seen;                 /* offers up to that number were looked at for it */
    size_t told;                   /* of its offers, the first ones, that were published */
    struct list_link link;         /* in core.leases, oldest first */
};

/* An ACCEPT that is in flight: the attempts it launches, the operations it has. */
struct accept_call {
    uint64_t number, subscription;
    int64_t *operations;   /* keys; in the same memory, after the tasks */
    const char *offer_ids; /* after them, each with its NUL */
    size_t offer_count, operation_count, count;
    struct accept_task {
        int64_t key;
        uint32_t attempt;
    } tasks[];
};

/* A call that a request asked for; its reply waits for the master's answer. */
struct asked_call {
    uint64_t number, token;
    bool update;      /* UPDATE_FRAMEWORK */
    char *request_id; /* NULL: none */
};

/* When an agent is to be maintained. */
struct window {
    char *agent_id;
    char *inverse_offer_id;        /* the last one; NULL: none came */
    int64_t start_ns, duration_ns; /* since 1970; -1: without an end */
};

/* The end of the framework. */
struct teardown {
    bool wanted;    /* on disk */
    uint64_t token; /* 0: was not asked for */
    int64_t token_until_ms;
    int64_t at_ms, backoff_ms; /* the next TEARDOWN */
};

struct core {
    struct core_config config;
    struct role *roles;
    size_t role_count;
    char *configured_roles; /* "role role ..." */
    Mesos__V1__FrameworkID framework_id;

    struct operations operations;

    struct map by_id;    /* task.id -> task */
    struct task **tasks; /* by key, ascending */
    size_t task_count, task_capacity;
    int64_t next_key;
    uint64_t counts[STATE_MAX + 1];

    struct map shapes;                                  /* shape.key -> shape */
    struct map task_groups;                             /* task_group.name -> task_group */
    struct list unsettled;                              /* task_group.unsettled */
    uint64_t inputs;                                    /* counts core_handle() */
    struct map submitters, levels, lines;               /* by name, by their ids */
    uint64_t used[SCALAR_COUNT], cluster[SCALAR_COUNT]; /* by all tasks; known of all agents */
    uint64_t whole[SCALAR_COUNT]; /* of both the larger, as a round began: else shares would shrink in it */
    bool match_wanted;            /* a round is to begin */
    bool match_going;             /* one was begun and is not over: it goes on with the next tick */
    bool match_at_once;           /* something came while it went on: the next one follows it */
    uint64_t round, rounds_done;
    size_t match_role;                 /* whose turn it is */
    bool match_placed, match_unsteady; /* in that role, in this round */
    size_t match_left;                 /* steps that this turn may still take */
    struct list aside;                 /* shape.aside */
    struct heap placed;                /* offer.placed */
    uint64_t next_offer;
    uint64_t changes; /* counts changes of groups and attributes */
    uint64_t placements;

    struct map offers_by_id;
    struct list offers;
    struct map agents;     /* agent.id -> agent */
    struct map groups;     /* "name NUL attribute" -> group */
    struct map sites;      /* site.agent_id -> site */
    size_t agents_with_site;
    struct map attributes; /* attribute.name -> attribute */

    struct map leases_by_id;
    struct list leases; /* lease.link */
    struct heap lease_timers;
    bool leases_due;   /* an offer or room for one has come: offers are to be given out */
    size_t lease_left; /* steps that this may still take in this turn; 0: it goes on with the next tick */
    size_t leased;     /* offers */
    uint64_t next_lease, next_place;

    uint64_t subscription; /* current; 0: none */
    Zmesos__V1__Subscription subscription_state;
    int64_t subscription_since_ns; /* since when there is one, or none; 0: there was none yet */
    char *master, *down_text;
    int64_t heard_ns; /* wall time of the master's last word */
    int64_t alive_ns; /* the same as it was last written down; 0: never */
    int64_t alive_due_ms;

    struct list to_ask; /* task.ask_link; asked about for the first time at to_ask_at_ms */
    struct list asked;  /* task.ask_link; not answered yet, asked about again at ask_at_ms */
    int64_t to_ask_at_ms, ask_at_ms, ask_backoff_ms, round_at_ms;
    bool implicit_due;
    int64_t implicit_at_ms;

    struct map shared;        /* texts of shared.c, by themselves */
    struct map named;         /* attempt.mesos_id, where it has one -> task */
    struct map strays;        /* stray.mesos_id -> stray */
    struct heap stray_timers; /* stray.timer */

    struct key_range *foreign;
    size_t foreign_count;
    uint64_t restores;
    int64_t restored_ns;
    int64_t kept_next_key; /* as it was last written down; 0: never */
    uint64_t held;

    struct heap timers; /* task.timer, monotonic ms */
    struct heap over;   /* task.timer of those that are over for good, by changed_ns */
    struct heap lost;   /* likewise of those that are LOST */
    struct waiting waiting;
    int64_t forget_at_ms;
    int64_t patient_until_ms; /* nothing is given up for its silence before */
    int64_t heartbeat_at_ms;
    struct accept_call **calls;
    size_t call_count, call_capacity;
    uint64_t next_call;
    struct asked_call asked_calls[CORE_ASKED_MAX];
    size_t asked_call_count;
    char *words, *words_asked;             /* framework_words.c; of the call by request: NULL: none */
    bool update_asked;                     /* an UPDATE_FRAMEWORK by request is on its way */
    uint64_t limit_call;                   /* ours; 0: none */
    int64_t limit_at_ms, limit_backoff_ms; /* no other before; the pause after one that is refused */
    bool limits_unsaid;                    /* in the next SUBSCRIBE: the last one was refused */
    struct teardown teardown;
    struct map windows;                 /* window.agent_id -> window */
    int64_t maintenance_at_ms;          /* when windows are looked at */
    uint64_t numbers[CLASS(LEASE) + 1]; /* last of each class */

    struct blob **retired; /* referenced by outputs; released at the next input */
    size_t retired_count, retired_capacity;

    /* For the time of one core_handle(). */
    struct now now;
    struct core_outputs *out;
};

/* core.c */
void retire_blob(
        struct core *core, struct blob *blob); /* unrefs it once the outputs are done with; takes NULL */

/* names.c */
const char *enum_name(const ProtobufCEnumDescriptor *descriptor, int value); /* "" for none */

/* output.c */
struct core_output *output_add(struct core *core, enum core_output_kind kind);
void output_meta(struct core *core, const char *name, const char *value);
void output_meta_number(struct core *core, const char *name, int64_t number);
void output_event(struct core *core, Zmesos__V1__EventClass class, uint64_t revision, const char *topic,
        struct blob *bytes);
void output_task_event(struct core *core, const struct task *task);
void output_status_event(struct core *core, const char *topic);
void output_why_event(struct core *core, const Zmesos__V1__Explanation *explanation);
void output_orphan_event(struct core *core, const Zmesos__V1__Orphan *orphan);
void output_unconfirmed_event(struct core *core, const Zmesos__V1__UnconfirmedUpdate *update);
void output_operation_event(struct core *core, const struct operation *operation);
void output_lease_event(struct core *core, const Zmesos__V1__LeaseChange *change);
struct core_call *output_call(struct core *core, Mesos__V1__Scheduler__Call__Type type, bool ordered);

/* rows.c: a text that is "" in a row is NULL in memory */
const char *row_text(const char *text); /* "" for NULL */
void row_text_set(char **place, const char *text);

/* view.c */
char *view_text(struct core *core, const char *text); /* a copy; NULL for "" and NULL */
/* Without all_attempts the last one alone: an event must not grow with each try. */
Zmesos__V1__Task *view_task(struct core *core, const struct task *task, bool all_attempts);
Zmesos__V1__DaemonStatus *view_status(struct core *core);
size_t view_heads(struct core *core, Zmesos__V1__Head ***heads); /* how many */

/* shape.c */
struct shape *shape_get(
        struct core *core, const Zmesos__V1__TaskSpec *spec); /* one task more; the spec was checked */
void shape_release(struct core *core, struct shape *shape);
struct role *role_find(const struct core *core, const char *name); /* NULL name: the default role */

/* What a group and its executor ask together, for one group more. All members are there. */
struct shape *shape_of_group(struct core *core, const struct task_group *group);

/* Never again on that agent: the task gets a shape that avoids it too. */
void shape_avoid(struct core *core, struct task *task, const char *agent_id);

/* Constraints that were checked, compiled; malloc'ed. */
struct constraint *constraints_read(Zmesos__V1__Constraint *const *list, size_t count);
void constraints_free(struct constraint *constraints, size_t count);
/* A shape that no task has: its role and constraints; the rest of it is zero. */
void shape_init_filter(
        struct shape *shape, struct role *role, Zmesos__V1__Constraint *const *constraints, size_t count);
void shape_clear_filter(struct shape *shape);

/* spec.c: `path` is launch.tasks[i] */
int constraints_check(
        Zmesos__V1__Constraint *const *list, size_t count, const char *path, struct error *err) MUST_CHECK;
int labels_check(const Mesos__V1__Labels *labels, const char *path, struct error *err) MUST_CHECK;
int spec_check(const struct core *core, const Zmesos__V1__TaskSpec *spec, const char *path,
        struct error *err) MUST_CHECK;
int spec_check_scalar(bool has, double value, const char *path, const char *name, milli_t *milli,
        struct error *err) MUST_CHECK;

/* pattern.c: whether a MATCHES takes this expression; `where` is the field */
int pattern_check(const char *pattern, const char *where, struct error *err) MUST_CHECK;

/* shared.c */
void shared_set(struct core *core, const char **place, const char *text); /* "" and NULL: none */
void shared_drop(struct core *core, const char *text);                    /* takes NULL */
const char *shared_find(const struct core *core, const char *text);       /* NULL: nobody has that text */

/* task.c */
struct task *task_find(const struct core *core, const char *id);
struct task *task_by_key(const struct core *core, int64_t key);
struct task *task_of_mesos_id(const struct core *core, const char *mesos_id, struct attempt **attempt);
struct attempt *task_current(const struct task *task); /* NULL: none */
char *task_mesos_id(struct arena *arena, const struct task *task, uint32_t attempt);
/* The parts of <id>.<key>.<number>, or of that with a suffix -r... of a restored store; false when the text
 * is not of that form. */
bool mesos_id_split(const char *mesos_id, struct slice *id, int64_t *key, uint32_t *number, bool *restored);
bool attempt_may_live(const struct attempt *attempt); /* LOST included */
bool task_is_final(const struct task *task);          /* over, and does not return */
bool task_is_held(const struct task *task); /* waits for a release, or will when it is tried again */
int task_apply(struct core *core, const struct task_row *row, const Zmesos__V1__TaskSpec *spec,
        struct error *err) MUST_CHECK;
int attempt_apply(struct core *core, const struct attempt_row *row, struct error *err) MUST_CHECK;
struct task_row task_row_of(const struct task *task);
struct attempt_row attempt_row_of(const struct task *task, const struct attempt *attempt);
void task_write(struct core *core, const struct task_row *row, const Zmesos__V1__TaskSpec *spec);
/* Without an event for a new state: another write follows. */
struct task *task_write_quietly(
        struct core *core, const struct task_row *row, const Zmesos__V1__TaskSpec *spec);
void attempt_write(struct core *core, const struct attempt_row *row);
/* What Mesos says of the attempt has not changed: nor has the time of that. */
void attempt_write_unchanged(struct core *core, const struct attempt_row *row);
/* Where one that is over waits to be forgotten: nowhere while a consumer has not confirmed its updates. */
void task_shelve(struct core *core, struct task *task);
int64_t task_over_since_ns(const struct task *task); /* of one that is over, and of which nothing waits */
void task_free(struct core *core, struct task *task);
/* key NUL value NUL ... NUL, malloc'ed; NULL: none */
char *labels_pack(const Mesos__V1__Labels *labels);
bool labels_have(const char *packed, const Mesos__V1__Label *label);
struct agent *agent_get(struct core *core, const char *id); /* made where it is not there */
void agent_release(struct core *core, struct agent *agent); /* frees it when nothing is left in it */

/* task_group.c */
void task_group_join(struct core *core, struct task *task, const Zmesos__V1__TaskSpec *spec);
void task_group_leave(struct core *core, struct task *task);
void task_group_touch(struct core *core, struct task *task); /* it is looked at by task_groups_settle() */
/* Does what follows for a group as a whole from what has become of its members. */
void task_groups_settle(struct core *core);
bool task_group_never_ran(const struct task_group *group); /* none of it, in the last attempt */
/* Its attempt certainly never ran, and what became of the others of its group is not known yet. */
bool task_waits_for_group(const struct task *task);
/* What matching looks at: the shape of its group, or its own. */
struct shape *task_placed_shape(const struct task *task);
const char *task_group_executor_id(struct arena *arena, const struct task_group *group, uint32_t attempt);

/* group_launch.c: all of the launch's tasks of the group of tasks[first]; `done` is set for each */
void launch_group(struct core *core, const struct core_input *input, size_t first, Zmesos__V1__Items *items,
        bool *done);

/* timers.c */
int64_t backoff_take(int64_t *backoff_ms, int64_t most_ms); /* this pause; the next one is twice as long */
void task_timer_set(struct task *task, struct heap *heap, int64_t key);
void task_timer_clear(struct task *task);
/* What the task waits for by itself, from its state: the end of a backoff (or the queue at once), of a launch
 * timeout, of the time after which it is replaced. Not for one that is to be killed: kill_send() does that.
 */
void task_arm(struct core *core, struct task *task);
/* What is left of a span that began at a wall time. The wall clock may have jumped: never more than the span.
 */
int64_t span_left_ms(const struct core *core, int64_t since_ns, int64_t span_ms);
void timers_run(struct core *core);
int64_t timers_deadline(const struct core *core);

/* retry.c */
struct policy *policy_read(const Zmesos__V1__TaskSpec *spec); /* malloc'ed, or NULL */
int policy_check(const Zmesos__V1__TaskSpec *spec, const char *path, struct error *err) MUST_CHECK;
/* Rounded up: a nanosecond is not nothing. `otherwise` for NULL. */
int64_t duration_ms(const Mesos__V1__DurationInfo *duration, int64_t otherwise);
/* Whether the policy replaces the attempt that is in this state: LOST, UNREACHABLE, UNKNOWN. */
bool retry_replaces(const struct task *task, task_state state);
/* The attempt is over with that state: the task waits again where its policy says so. False: it does not. */
bool retry_after_end(
        struct core *core, struct task *task, task_state ended, const char *message, const char *reason);
void retry_replace(struct core *core, struct task *task); /* gives the current attempt up */
void retry_launch_timeout(
        struct core *core, struct task *task); /* kills the current attempt for its silence */
int64_t launch_timeout_ms(const struct core *core, const struct task *task);
uint32_t attempts_never_ran(const struct task *task); /* at the end of the list */

/* stray.c */
void stray_add(struct core *core, const char *mesos_id, const char *agent_id); /* nothing when it is one */
void stray_remove(struct core *core, const char *mesos_id);                    /* nothing when it is none */
void stray_kill(struct core *core, const char *mesos_id); /* KILL now, repeated until it is over */
/* What an update says of it. */
void stray_heard(struct core *core, const char *mesos_id, enum news news);
void strays_ask(struct core *core, struct agent *agent); /* a KILL is a question too; NULL: of all agents */
void strays_clear(struct core *core);
void strays_tick(struct core *core);

/* orphan.c: an update of an id that is no attempt of ours */
void handle_orphan(struct core *core, const Mesos__V1__TaskStatus *status, enum news news);

/* forget.c */
void forget_step(struct core *core); /* drops some of the tasks that are over for long */
/* Whether those that are over are looked at now, by their number or since it is time; then *at_ms is the next
 * time. */
bool forget_is_due(const struct core *core, const struct heap *over, int64_t *at_ms);
void keep_next_key(struct core *core); /* writes it down, before anything that has a key goes */

/* restore.c */
void handle_restored(struct core *core, const char *store_id);
void handle_removed(struct core *core, const char *framework_id);
int recover_keys(struct core *core, const struct meta_row *row, struct error *err) MUST_CHECK;
bool key_is_foreign(const struct core *core, int64_t key);
void keys_pass(
        struct core *core, int64_t key); /* leaves all keys up to that one to others, and writes that down */
/* The Mesos id of an attempt that is about to be made; NULL: the usual one. */
char *restored_mesos_id(struct core *core, const struct task *task, uint32_t number);
void handle_release(struct core *core, const struct core_input *input);

/* queue.c */
void queue_add(struct core *core, struct task *task);
void queue_remove(struct task *task);
void queue_place(struct shape *shape, struct task *task); /* queue_add() does it for tasks without a group */
struct task *queue_oldest(const struct shape *shape); /* of one in which something waits; a group's first */
struct shape *queue_first(
        struct core *core, const struct role *role); /* the shape whose oldest task is next, or NULL */
void queue_set_aside(struct core *core, struct shape *shape);
void queue_restore(struct core *core); /* all that were set aside */

/* shares.c */
struct line *line_get(
        struct core *core, struct role *role, int32_t priority, const char *name); /* one shape more */
void line_release(struct core *core, struct line *line);
void line_set(struct line *line, struct heap_node *shape, int64_t key); /* it waits; its oldest task's key */
void line_unset(struct line *line, struct heap_node *shape);
struct line *line_next(struct core *core, const struct role *role);       /* whose turn it is, or NULL */
void shares_count(struct core *core, const struct task *task, bool more); /* while it has its agent */
void shares_learn(struct core *core, const struct offer *offer);
void shares_forget(struct core *core, const struct site *site);
void shares_begin(struct core *core);                                               /* a round */
double shares_dominant(const struct core *core, const struct submitter *submitter); /* 0 to 1 */
void shares_served(struct core *core, const struct shape *shape); /* a task of it was placed */
void shares_refused(struct core *core, struct shape *shape);      /* none of it was: by whose turn? */
const char *shares_words(struct core *core, const struct shape *shape);

/* index.c */
/* What a search passed over. */
struct skipped {
    size_t steps;
    uint64_t offers, misfits[MISFIT_TAKEN + 1];
    int constraint; /* of that index: so many offers besides have none of its values */
    uint64_t unmet;
    int64_t best[SCALAR_COUNT];
    uint64_t best_ports;
};
void index_add(struct offer_index *index, struct offer *offer); /* with a number above all before */
void index_remove(struct offer_index *index, struct offer *offer);
void index_update(struct offer_index *index, const struct offer *offer); /* something was taken of it */
void index_clear(struct offer_index *index);
/* The first offer of that number or a later one that has enough of each amount, and room in its ACCEPT; NULL:
 * none. */
struct offer *index_find(
        const struct offer_index *index, const struct shape *shape, uint64_t number, struct skipped *skipped);
struct offer *index_next(const struct offer_index *index, uint64_t number); /* likewise, whatever it has */
struct offer *index_get(const struct offer_index *index, uint64_t number);  /* NULL: it is gone */
/* How many offers there are of the numbers from `from` on, below `to`. */
size_t index_count(const struct offer_index *index, uint64_t from, uint64_t to);
/* True, and counted, where that one offer has not enough of some amount. */
bool index_lacks(const struct offer_index *index, const struct offer *offer, const struct shape *shape,
        struct skipped *skipped);

/* values.c */
void values_add(struct offer_index *index, struct offer *offer); /* with a number above all before */
void values_remove(struct offer_index *index, struct offer *offer);
void values_clear(struct offer_index *index);
/* As index_find() in the shape's role; but offers that have none of the values which a constraint asks for
 * are passed over where few have one. */
struct offer *values_find(struct core *core, struct shape *shape, uint64_t number, struct skipped *skipped);

/* agents.c: what is known of agents, for clients */
uint64_t agents_known(const struct core *core);
void handle_list_agents(struct core *core, const struct core_input *input);

/* resources.c */
void *message_copy(struct arena *arena, const void *message); /* copy.c */
size_t message_element_size(ProtobufCType type);              /* of one value in a generated struct; copy.c */
void offer_measure(struct offer *offer);
void offer_changed(
        struct offer *offer); /* something else than a task took of what is left; not told to an index */
/* Which amount it lacks first for the shape; the rest is another question. */
int offer_misfit(const struct offer *offer, const struct shape *shape); /* MISFIT_NONE: there is room */
/* Whether all that the shape wants can be had together, where it wants more than amounts. */
bool offer_has_demand(const struct core *core, const struct offer *offer, const struct shape *shape);
/* Takes what the shape needs out of the offer. On success resources and ports are in `arena`. False: nothing
 * taken. */
bool offer_take(const struct core *core, struct offer *offer, const struct shape *shape, struct arena *arena,
        struct core_launch *launch);
/* What is left of all of them, which are of one agent and one role, as one offer; for the time until they
 * change, in `arena`. */
int offer_merge(struct offer *merged, struct offer *const *members, size_t count, struct arena *arena,
        struct error *err) MUST_CHECK;

/* The same of all members of a group and its executor, or of none. `launches` has room for each. */
bool offer_has_group(const struct core *core, const struct offer *offer, const struct task_group *group);
bool offer_take_group(const struct core *core, struct offer *offer, const struct task_group *group,
        struct arena *arena, struct core_launch *launches);
void own_executor_amounts(int64_t amounts[SCALAR_COUNT]); /* of the executor that zmesosd makes for a group */

/* demand.c */
struct demand *demand_read(const Zmesos__V1__TaskSpec *spec, const char *role); /* malloc'ed; NULL: none */
struct demand *demand_of_executor(const Mesos__V1__ExecutorInfo *executor, const char *role);
void demand_release(struct demand *demand);                            /* takes NULL */
uint64_t demand_amount(const struct demand *demand, const char *name); /* of a scalar; takes NULL */
int demand_check(const struct core *core, const Zmesos__V1__TaskSpec *spec, const char *path,
        struct error *err) MUST_CHECK;
/* Takes what its executor needs, where that is not up, and what is named out of `left`. False: there is not
 * all of it, and `left` is no use any more. */
bool demand_take(const struct core *core, const struct offer *offer, const struct demand *demand,
        struct resource_set *left, struct resource_set *taken) MUST_CHECK;

/* message_key.c */
void message_key(struct buf *key, const void *message);

/* sites.c: agents and their attributes */
const char *attribute_value(
        struct arena *arena, const Mesos__V1__Offer *offer, const char *name); /* NULL: the agent lacks it */
void site_learn(struct core *core, const Mesos__V1__Offer *offer);
void site_forget(struct core *core, const char *agent_id);
void sites_clear(struct core *core);
void site_offered(struct core *core, const struct offer *offer); /* before anything was taken of it */
const char *site_value(const struct core *core, const char *agent_id, const char *name); /* NULL: not known */
struct counted *counted_get(const struct map *values, const char *value);
void counted_add(struct map *values, const char *value);
bool counted_remove(struct map *values, const char *value); /* true: none is left of that value */
void counted_clear(struct map *values);

/* groups.c: where tasks of one name are */
/* Of a task's current attempt: lines attribute=value. */
char *group_lines(struct arena *arena, const struct shape *shape, const Mesos__V1__Offer *offer);
void groups_add(struct core *core, const struct task *task, const char *lines);
void groups_remove(struct core *core, const struct task *task, const char *lines);
struct group *group_find(struct core *core, const struct task *task, const char *attribute);
void groups_clear(struct core *core);

/* constraints.c */
/* Before constraints_misfit() and constraints_preferred() of that task, and again after anything was placed.
 */
void constraints_begin(struct core *core, const struct shape *shape, const struct task *task);
/* A number that changes when offers that were passed over may do after all, in the same round. */
uint64_t constraints_opened(struct core *core, const struct shape *shape);
size_t constraints_cost(const struct shape *shape);          /* of a look at an offer, in steps of matching */
int constraint_compile(const char *pattern, regex_t *regex); /* 0, or a code of regcomp() */
/* The index of the first that does not hold, those preferred left out; -1: all hold. */
int constraints_unmet(
        struct core *core, struct constraint *constraints, size_t count, const Mesos__V1__Offer *offer);
/* MISFIT_NONE, MISFIT_AVOIDED, or MISFIT_CONSTRAINT and the index of the first that does not hold. */
int constraints_misfit(struct core *core, const struct shape *shape, const Mesos__V1__Offer *offer);
/* How many of those preferred hold. */
unsigned constraints_preferred(struct core *core, const struct shape *shape, const Mesos__V1__Offer *offer);

/* offers.c */
void handle_offers(struct core *core, const Mesos__V1__Scheduler__Event__Offers *offers);
void handle_rescind(struct core *core, const char *offer_id);
void offer_drop(struct core *core, struct offer *offer);
void offers_drop_all(struct core *core);                       /* and all leases end */
void offer_give_back(struct core *core, const char *offer_id); /* DECLINE without a filter */
void offer_lease(struct core *core, struct offer *offer, struct lease *lease);
void offer_return(struct core *core, struct offer *offer); /* of a lease: to matching, as if it came now */
void offers_refuse(struct core *core, struct offer *const *offers, size_t count, int64_t refuse_ms);
void offers_tick(struct core *core); /* declines, suppresses, revives what is due */
int64_t offers_deadline(const struct core *core);

/* match.c */
const char *agent_url(struct arena *arena, const Mesos__V1__URL *url); /* "" for none */
/* Why an offer that has enough of each amount is not for the task; MISFIT_NONE: it is. After
 * constraints_begin(). */
int match_misfit(struct core *core, const struct task *task, const struct offer *offer);
/* Takes what the task needs out of the offer and writes the intent; an ACCEPT is to follow. False: nothing
 * was done. */
bool match_place(struct core *core, struct task *task, struct offer *offer);
void match_run(struct core *core);          /* what is to be done in one turn */
bool match_is_due(const struct core *core); /* another turn is wanted at once */

/* accepts.c */
/* What was placed on the offer. Drops `members`: the offer itself, or those that were merged in it. */
void accept_send(struct core *core, struct offer *offer, struct offer *const *members, size_t member_count);
void handle_answer(struct core *core, uint64_t call, enum core_answer answer, const char *text);

/* update.c */
/* The words of a master or a task, as text that clients can read: at most 4,096 bytes, '?' for what is not
 * UTF-8. */
const char *clean_words(struct core *core, const char *text);
void handle_update(struct core *core, const Mesos__V1__TaskStatus *status, struct blob *bytes);
/* Moves the current attempt and with it the task; writes, publishes, starts what follows: a retry as well. */
void attempt_move(struct core *core, struct task *task, task_state to, uint32_t flags, const char *message,
        const char *reason);
/* The attempt certainly never ran: the task waits again (after a backoff), or is over if it was to be killed.
 */
void attempt_never_ran(
        struct core *core, struct task *task, const char *message, const char *reason, bool at_once);
/* The task goes to that state, whatever its attempt is. */
void task_follow(
        struct core *core, struct task *task, task_state to, const char *message, const char *reason);
/* The task waits again: QUEUED, after a backoff. */
void task_requeue(
        struct core *core, struct task *task, int64_t backoff_ms, const char *message, const char *reason);

/* health.c: what checks say of an attempt that runs */
/* Writes what is new in the attempt's row; false: nothing is. */
bool health_note(struct core *core, const struct task *task, const struct attempt *attempt,
        const Mesos__V1__TaskStatus *status);
Mesos__V1__CheckStatusInfo *check_status_view(struct arena *arena, int64_t packed); /* NULL for 0 */

void send_acknowledge(struct core *core, const char *mesos_id, const char *agent_id, struct slice uuid);

/* pending.c: updates that are kept for a consumer */
/* Whether this one is not to be acknowledged now. A new one is written into the attempt's row, before its
 * publication. */
bool pending_take(struct core *core, struct task *task, struct attempt *attempt,
        const Mesos__V1__TaskStatus *status, struct blob *bytes);
bool pending_waits(const struct pending *pending); /* takes NULL */
bool pending_knows(
        const struct pending *pending, const char *uuid); /* it waits, or is done with; takes NULL */
/* CONFIRMED or GIVEN_UP: written, acknowledged where there is a subscription. */
void pending_settle(struct core *core, struct pending *pending, enum pending_step step);
int pending_apply(struct core *core, struct task *task, struct attempt *attempt,
        const struct attempt_row *row, struct error *err) MUST_CHECK;
void pending_row_of(const struct attempt *attempt, struct attempt_row *row); /* its part of the row */
void pending_free(struct core *core, struct attempt *attempt);
void pending_clear(struct core *core);
size_t waiting_after(struct waiting *waiting, uint64_t number); /* the first slot of a later number */
struct slice uuid_bytes(struct arena *arena, const char *text); /* of one that uuid_text() made */
void uuid_text(struct slice uuid, char text[PENDING_UUID_SIZE]);
void pending_tick(struct core *core);
int64_t pending_deadline(const struct core *core);

/* consumers.c */
struct consumer *consumer_read(struct core *core, const Zmesos__V1__TaskSpec *spec); /* malloc'ed, or NULL */
void consumer_free(struct core *core, struct consumer *consumer);                    /* takes NULL */
int consumer_check(const Zmesos__V1__TaskSpec *spec, const char *path, struct error *err) MUST_CHECK;
void handle_confirm(struct core *core, const struct core_input *input);
void handle_unconfirmed(struct core *core, const struct core_input *input);
/* The event is borrowed, until the next input. */
Zmesos__V1__UnconfirmedUpdate *view_pending(
        struct core *core, const struct pending *pending, bool with_event);

/* kill.c */
/* A KILL call of that Mesos id; `agent_id` may be NULL. */
struct core_call *kill_call(struct core *core, const char *mesos_id, const char *agent_id);
/* The pause after a KILL; the next one is longer. `backoff_ms` 0: the first. */
int64_t kill_pause_ms(const struct core *core, int64_t *backoff_ms);
bool kill_wanted(const struct task *task); /* asked for, or its attempt did not start in time */
void kill_task(struct core *core, struct task *task, struct blob *policy);
void kill_send(struct core *core, struct task *task);

/* reconcile.c */
void reconcile_all(struct core *core);                     /* asks about every task that may live */
void reconcile_task(struct core *core, struct task *task); /* asks about one, soon */
void reconcile_agent(struct core *core, const char *agent_id);
void reconcile_answered(struct core *core, struct task *task); /* no answer is wanted any more */
void reconcile_tick(struct core *core);
int64_t reconcile_deadline(const struct core *core);

/* request.c */
void handle_request(struct core *core, const struct core_input *input);
Zmesos__V1__Reply *reply_new(struct core *core, const Zmesos__V1__Request *request);
void reply_send(struct core *core, uint64_t token, Zmesos__V1__Reply *reply, struct blob **specs);
Zmesos__V1__Code code_of(int error_code); /* the one table from our errors to what clients see */
void reply_refuse(struct core *core, const struct core_input *input, int code, const struct error *err);
/* launch.c, query.c */
/* Of a task that spec_check() took. */
void launch_add(
        struct core *core, const Zmesos__V1__TaskSpec *spec, struct slice bytes, Zmesos__V1__Item *item);
/* ERR_UNAVAILABLE unless so many tasks more may be launched. */
int launch_may(const struct core *core, size_t count, struct error *err) MUST_CHECK;
bool launch_is_same(const struct core *core, const struct task *task, struct slice bytes);
void handle_launch(struct core *core, const struct core_input *input);
void handle_kill(struct core *core, const struct core_input *input);
Zmesos__V1__Items *items_new(struct core *core, Zmesos__V1__Reply *reply, size_t room);
Zmesos__V1__Item *item_add(struct core *core, Zmesos__V1__Items *items, const char *task_id);
void item_refuse(struct core *core, Zmesos__V1__Item *item, int code, const struct error *err);
/* The item of request.what_ids[i]: there is no such `what`, a task or an operation. */
void item_not_found(
        struct core *core, Zmesos__V1__Item *item, const char *request, const char *what, size_t i);
/* The same of operation.task_ids[i], added. */
void item_missing(
        struct core *core, Zmesos__V1__Items *items, const char *operation, const char *id, size_t i);
Zmesos__V1__Item *item_add_operation(struct core *core, Zmesos__V1__Items *items, const char *operation_id);
void item_operation_state(Zmesos__V1__Item *item, const struct operation *operation);
void item_state(Zmesos__V1__Item *item, const struct task *task);
void reply_items(struct core *core, const struct core_input *input, Zmesos__V1__Reply *reply);
void handle_get(struct core *core, const struct core_input *input);
/* why.c */
void tally_add(struct shape *shape, const struct offer *offer, int misfit);
void tally_skipped(struct shape *shape, const struct skipped *skipped);
void tallies_clear(struct shape *shape);
void why_tell(struct core *core, struct shape *shape); /* publishes where the first reason has changed */
/* What one offer lacks for it: not MISFIT_NONE. */
Zmesos__V1__Reason *why_misfit(
        struct core *core, const struct shape *shape, const struct offer *offer, int misfit);
void handle_why(struct core *core, const struct core_input *input);
void handle_sandbox(struct core *core, const struct core_input *input);
void handle_list(struct core *core, const struct core_input *input);
void handle_snapshot(struct core *core, const struct core_input *input);

/* asked.c: MESSAGE, SHUTDOWN, REQUEST, RECONCILE_OPERATIONS by request */
void handle_shutdown_executor(struct core *core, const struct core_input *input);
void handle_send_message(struct core *core, const struct core_input *input);
void handle_request_resources(struct core *core, const struct core_input *input);
void handle_reconcile_operations(struct core *core, const struct core_input *input);
/* True when that call was asked for by request: its reply is on its way. */
bool asked_answered(struct core *core, uint64_t call, enum core_answer answer, const char *text);
void asked_clear(struct core *core);

/* A line of RECONCILE_OPERATIONS; `agent_id` and `provider_id` may be NULL. */
Mesos__V1__Scheduler__Call__ReconcileOperations__Operation *reconcile_operation(
        struct core *core, const char *mesos_id, const char *agent_id, const char *provider_id);
/* The id of the executor that runs the attempt; in the arena, or of the task's shape. */
const char *task_executor_id(struct core *core, const struct task *task, const struct attempt *attempt);
int asked_may(const struct core *core, struct error *err) MUST_CHECK;
Mesos__V1__Scheduler__Call *asked_send(
        struct core *core, const struct core_input *input, Mesos__V1__Scheduler__Call__Type type);

/* limit_pattern.c */
#define LIMIT_GROUPS_MOST 64 /* of a role */
/* Appends what means the same in RE2. False: there is nothing, or it is too large. */
bool limit_pattern(struct buf *out, const char *pattern);

/* limit_groups.c */
void limit_read(struct shape *shape); /* its constraints, as groups */
void limit_release(struct shape *shape);
/* Whether every agent of the group is one of the other, by its conditions. */
bool limit_is_within(struct slice group, struct slice other);
void limit_without_patterns(struct buf *to, struct slice group);
Mesos__V1__Scheduler__OfferConstraints__RoleConstraints__Group *limit_message(
        struct arena *arena, struct slice group);

/* limit_text.c */
void limit_text_set(struct slice *place, struct slice text); /* copies; frees what was there */
bool limit_text_next(struct slice *rest, struct slice *group);
/* Into groups that are sorted, where it is not there; the new count. */
size_t limit_insert(struct slice *groups, size_t count, struct slice group);
size_t limit_text_read(struct slice *groups, size_t count, struct slice text); /* likewise each of the text */
void limit_text_write(
        struct slice *place, const struct slice *groups, size_t count); /* empty where they are too many */
/* Whether the master offers all agents of the groups `part` where it goes by those of `text`. */
bool limit_text_covers(struct slice text, struct slice part);
bool limit_text_has(struct slice text, struct slice part); /* all the groups of `part` */

/* limits.c: offer constraints */
void limits_init(struct core *core, struct role *role);
void limits_clear(struct role *role);
/* A task of that shape waits now, or does not any more. */
void limits_count(struct core *core, struct shape *shape, bool waits);
void limits_open(struct role *role); /* offers of all agents are wanted, until that was told */
void limits_up(struct core *core);
void limits_down(struct core *core, bool refused);
void limits_forget(struct role *role); /* it has gone */
/* For the UPDATE_FRAMEWORK by request: what the master goes by. */
Mesos__V1__Scheduler__OfferConstraints *limits_carried(struct core *core);
void limits_carried_answered(struct core *core, bool done);
/* True when that was our call. */
bool limits_answered(struct core *core, uint64_t call, enum core_answer answer);
void limits_tick(struct core *core);
int64_t limits_deadline(const struct core *core);

/* framework_words.c: what is not roles */
int framework_words_check(const Zmesos__V1__UpdateFramework *update, struct error *err) MUST_CHECK;
bool framework_words_any(const Zmesos__V1__UpdateFramework *update);
void framework_words_change(struct core *core, const Zmesos__V1__UpdateFramework *update);
void framework_words_answered(struct core *core, bool done);
/* As they are asked for, or else as they are. */
void framework_words_tell(struct core *core, Mesos__V1__FrameworkInfo *info);
void recover_framework_words(struct core *core, const char *value);

/* framework.c: UPDATE_FRAMEWORK by request */
/* All that stays and comes, without offer constraints. */
Mesos__V1__Scheduler__Call__UpdateFramework *framework_message(struct core *core);
struct role *role_slot(const struct core *core, const char *name); /* of any state; NULL: there is none */
struct role *role_add(struct core *core, const char *name); /* there is room; role_find() does not know it */
char *roles_configured(const struct core_config *config);   /* malloc'ed */
void recover_roles(struct core *core, const char *value);
void handle_update_framework(struct core *core, const struct core_input *input);
void framework_updated(struct core *core, bool done); /* the master has answered */

/* lease.c: offers for one client; lease_offers.c: which; lease_place.c: what it makes of them */
void handle_lease(struct core *core, const struct core_input *input);
void handle_renew_lease(struct core *core, const struct core_input *input);
void handle_release_lease(struct core *core, const struct core_input *input);
void handle_place(struct core *core, const struct core_input *input);
struct lease *lease_find(
        const struct core *core, const char *id, const char *field, struct error *err); /* NULL:
                                                                                          none */
/* Its offers are free again, but for DISCONNECTED: then they are dropped. */
void lease_end(struct core *core, struct lease *lease, Zmesos__V1__LeaseChange__Why why);
/* All of a role; NULL: of all roles. */
void leases_end(struct core *core, const struct role *role, Zmesos__V1__LeaseChange__Why why);
void leases_clear(struct core *core); /* at the end of the core */
void leases_tick(struct core *core);
int64_t leases_deadline(const struct core *core);
int leases_allowed(
        const struct core *core, enum core_external least, const char *field, struct error *err) MUST_CHECK;
void lease_settle(struct core *core, struct lease *lease); /* its offers or its limit have changed */
void leases_serve(struct core *core);                      /* gives out offers that are free */
/* Tells which offers it has no more. */
void lease_tell_gone(struct core *core, struct lease *lease, struct offer *const *offers, size_t count,
        Zmesos__V1__LeaseChange__Why why, bool over);
struct offer **lease_offers(struct core *core, const struct lease *lease); /* lease.offers.count of them */

/* roles.c: SUPPRESS and REVIVE by request */
void handle_suppress(struct core *core, const struct core_input *input);
void handle_revive(struct core *core, const struct core_input *input);
void write_suppressed(struct core *core);
void recover_suppressed(struct core *core, const char *value);

/* maintenance.c */
bool maintenance_is_near(const struct core *core, const char *agent_id);
void maintenance_learn(struct core *core, const Mesos__V1__Offer *offer);
void maintenance_forget(struct core *core, const char *agent_id);
void maintenance_clear(struct core *core);
void handle_inverse_offers(struct core *core, const Mesos__V1__Scheduler__Event__InverseOffers *event);
void handle_rescind_inverse_offer(struct core *core, const char *id);
void maintenance_tick(struct core *core);
int64_t maintenance_deadline(const struct core *core);

/* teardown.c */
void handle_teardown(struct core *core, const struct core_input *input);
void teardown_forget(struct core *core); /* the wish was for a framework that is not ours any more */
void teardown_end(struct core *core, struct task *task); /* by our own word */
void teardown_tick(struct core *core);
int64_t teardown_deadline(const struct core *core);

/* event.c */
void handle_event(struct core *core, const Mesos__V1__Scheduler__Event *event, struct blob *bytes);

#endif
