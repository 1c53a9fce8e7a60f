/* What the files of the simulator share.
 *
 * One `struct sim` is one run: a daemon (the real core, and models of the store and of src/mesos around it),
 * a master, agents and clients, in virtual time, driven by one seed. Nothing here reads a clock or a random
 * source but sim->random. All memory of a run is in sim->arena and goes at its end, but for what the core and
 * its blobs own.
 *
 * Beware: an event may find that what it was meant for is gone. Each one carries a number that says which
 * life of its receiver it belongs to (a run of the daemon, a link of an agent, a timer's generation). */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "base/arena.h"
#include "base/heap.h"
#include "base/list.h"
#include "core/core.h"
#include "random.h"

#define MS ((int64_t)1000) /* virtual time is in microseconds */
#define SECOND (1000 * MS)
#define MINUTE (60 * SECOND)

#define ROLES 2
#define AGENTS_MAX 8
#define TASKS_MAX 24
#define LANES 5 /* one ordered, the others for acknowledgements */

typedef Mesos__V1__TaskState mesos_state;
typedef Zmesos__V1__TaskState view_state;
#define TASK(name) MESOS__V1__TASK_STATE__TASK_##name
#define VIEW(name) ZMESOS__V1__TASK_STATE__##name
#define REASON(name) MESOS__V1__TASK_STATUS__REASON__REASON_##name
#define SOURCE(name) MESOS__V1__TASK_STATUS__SOURCE__SOURCE_##name
#define CALL(name) MESOS__V1__SCHEDULER__CALL__TYPE__##name
#define EVENT(name) MESOS__V1__SCHEDULER__EVENT__TYPE__##name
#define EVENT_CLASS(name) ZMESOS__V1__EVENT_CLASS__##name

struct sim;

/* ---- world.c: virtual time ------------------------------------------------------------------------------
 */

typedef void event_fn(struct sim *sim, void *context, uint64_t number);

struct event {
    struct heap_node node;
    event_fn *fn;
    void *context;
    uint64_t number;
    struct event *next_free;
};

void world_after(struct sim *sim, int64_t delay_us, event_fn *fn, void *context, uint64_t number);
bool world_step(struct sim *sim); /* the next event; false: none is left */
struct now world_now(const struct sim *sim);
void *sim_alloc(struct sim *sim, size_t size);
#define NEW(sim, type) ((type *)sim_alloc(sim, sizeof(type)))

/* ---- weather.c: which faults a seed has, and when they strike --------------------------------------------
 */

enum fault {
    FAULT_BREAK_STREAM,
    FAULT_BREAK_CALLS,
    FAULT_SILENCE, /* a connection on which nothing arrives any more, and nobody is told */
    FAULT_STALL,   /* a connection on which everything comes late */
    FAULT_CRASH,   /* of our daemon */
    FAULT_FAILOVER,
    FAULT_PARTITION, /* an agent cut off from the master */
    FAULT_AGENT_RESTART,
    FAULT_AGENT_REBOOT,
    FAULT_AGENT_DIES,
    FAULT_AGENT_GONE, /* by an operator's word */
    FAULT_VANISH,     /* a task disappears from an agent without a word */
    FAULT_RESCIND,
    FAULT_LOST_WORD, /* the master says LOST of tasks that live, and they return */
    FAULT_WALL_JUMP,
    FAULT_BUSY,     /* the master answers 503 */
    FAULT_REPEAT,   /* an update comes twice */
    FAULT_FREEZE,   /* our daemon does nothing for a while, and its connections stay */
    FAULT_ODD_WORD, /* events of other types, an unknown one too */
    FAULT_STRANGER, /* a task of this framework that we do not know */
    FAULT_ABSENCE,  /* our daemon is away for longer than the failover timeout */
    FAULT_COUNT
};

struct weather {
    bool faults[FAULT_COUNT];
    int64_t pause_us;       /* mean time between two strikes */
    int64_t calm_at_us;     /* no faults after it */
    int64_t end_at_us;      /* by then everything has settled */
    unsigned aimed;         /* permille of the moments that matter most, at which a fault strikes */
    unsigned late;          /* permille of messages that come late */
    int64_t late_us;        /* and how late at most */
    unsigned lost_ack;      /* permille of acknowledgements that the master drops */
    unsigned drop_launch;   /* permille of launches that an agent drops before they start */
    unsigned refuse;        /* permille of ordered calls answered 400 */
    unsigned no_connection; /* permille of connections for calls that are refused */
    unsigned sync_fails;    /* permille of groups */
    unsigned sync_slow;
    unsigned crash_points; /* one crash in about so many steps of the daemon; 0: none */
    int64_t ping_timeout_us, reregister_us, retry_max_us;
    int64_t failover_timeout_us;
    int64_t busy_until_us;
};

void weather_init(struct sim *sim);
void weather_start(struct sim *sim);
void weather_aim(struct sim *sim);                       /* this is such a moment */
bool weather_chance(struct sim *sim, unsigned permille); /* never when calm */

/* ---- net.c: connections between our daemon and the master ------------------------------------------------
 */

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

/* ---- calls and words: what goes over them ----------------------------------------------------------------
 */

struct launch {
    struct life *life;
    int64_t cpus;
};

struct call {
    uint64_t number, subscription, stream;
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
    bool roles[ROLES];
    int written; /* times it went out */
};

/* An update as an agent keeps it until it is acknowledged. */
struct update {
    uint64_t uuid; /* from 1 */
    struct life *life;
    mesos_state state;
    int reason;
    bool durable; /* one word that carried it is in our journal */
    struct update *next;
};

/* An event of the master. */
struct word {
    Mesos__V1__Scheduler__Event__Type type;
    uint64_t stream;
    struct offer **offers;
    size_t offer_count;
    const char *text; /* of ERROR; the offer's id of RESCIND; the agent's id of FAILURE */
    const char *id, *agent;
    mesos_state state;
    int reason, source;
    const char *message;
    struct update *update; /* NULL: no uuid */
};

/* ---- master_model.c, master_calls.c ----------------------------------------------------------------------
 */

struct offer {
    const char *id;
    struct agent *agent;
    int role;
    int64_t cpus;
    bool valid;
    struct offer *next;
};

struct filter {
    struct agent *agent;
    int role;
    int64_t cpus, until_us;
    struct filter *next;
};

struct master {
    bool up;
    uint64_t epoch;
    bool known, connected, removed; /* our framework */
    struct conn *stream;
    uint64_t stream_id, streams;
    uint64_t timer; /* generation of the failover timer */
    bool suppressed[ROLES];
    struct offer *offers;
    struct filter *filters;
    uint64_t offer_count;
    bool allocating;
};

void master_start(struct sim *sim);
void master_failover(struct sim *sim);
void master_rescind(struct sim *sim);
void master_say_odd(struct sim *sim);
void master_say_lost(struct sim *sim, struct agent *agent);
void master_handle_call(struct sim *sim, struct conn *conn, void *message);
void master_handle_closed(struct sim *sim, struct conn *conn);
void master_act(struct sim *sim, const struct call *call);
void master_tell(struct sim *sim, struct word *word);
void master_tell_status(struct sim *sim, const struct life *life, mesos_state state, int reason,
        struct update *update, const char *message);
void master_tell_absent(struct sim *sim, const char *id, const char *agent_id, mesos_state state, int reason,
        const char *message);
void master_wake_allocator(struct sim *sim, int64_t delay_us);
void master_drop_offers(struct sim *sim, const struct agent *agent, bool tell);
/* What an agent says. */
void master_handle_register(struct sim *sim, struct agent *agent, struct life **lives, size_t count);
void master_handle_update(struct sim *sim, struct update *update, mesos_state latest);
void master_handle_agent_link(struct sim *sim, struct agent *agent); /* its connection broke */
void master_mark_gone(struct sim *sim, struct agent *agent);
void master_calm(struct sim *sim);

/* ---- agent_model.c ---------------------------------------------------------------------------------------
 */

enum place { PLACE_NONE, PLACE_PENDING, PLACE_ALIVE, PLACE_OVER };

/* One attempt as the world has it: what the agent has, and what the master thinks. */
struct life {
    const char *id;    /* Mesos's */
    struct wish *wish; /* NULL: no client asked for it */
    uint32_t attempt;
    struct agent *agent;
    int64_t cpus;
    int written;   /* ACCEPTs that went out with it */
    bool launched; /* the master took one */

    enum place place;
    bool started;
    mesos_state state;
    struct update *updates, *last_update; /* not acknowledged; the first one is repeated */
    int64_t retry_us;
    uint64_t timer;

    uint64_t repeat;
    uint64_t asked; /* for PLANT_SKIP_ASKING: run and subscription of a question not answered */

    bool known, unreachable; /* by the master; both false: it never heard or forgot */
    mesos_state latest;
    struct update *latest_update;
};

enum standing {
    STANDING_NONE,
    STANDING_RECOVERING,
    STANDING_REGISTERED,
    STANDING_UNREACHABLE,
    STANDING_GONE
};

struct agent {
    const char *id;
    int number;
    int64_t cpus;
    bool dead, up, cut_off; /* dead: for ever */
    uint64_t link;          /* generation: what was sent over an older one is lost */
    bool registered;        /* as it thinks */
    uint64_t registering;
    int64_t to_agent_us, to_master_us;

    enum standing standing; /* as the master has it */
    bool connected;
    uint64_t watch; /* generation of the master's patience */
};

enum order {
    ORDER_RUN,
    ORDER_KILL,
    ORDER_ACK,
    ORDER_DO_YOU_HAVE,
    ORDER_SHUTDOWN,
    ORDER_KILL_ALL,
    ORDER_FLUSH,
    ORDER_REGISTERED
};

void agent_start(struct sim *sim, struct agent *agent);
void agent_order(struct sim *sim, struct agent *agent, enum order order, struct life *life, uint64_t uuid);
void agent_cut_off(struct sim *sim, struct agent *agent, int64_t us);
void agent_restart(struct sim *sim, struct agent *agent, int64_t us, bool reboot);
void agent_die(struct sim *sim, struct agent *agent);
void agent_vanish(struct sim *sim, struct agent *agent);
void agent_repeat(struct sim *sim, struct agent *agent);
void agent_lose_master(struct sim *sim, struct agent *agent, int64_t back_after_us);
void agent_strange(struct sim *sim, struct agent *agent);
void agent_calm(struct sim *sim, struct agent *agent);
bool state_is_terminal(mesos_state state);

/* ---- store_model.c ---------------------------------------------------------------------------------------
 */

struct store_row {
    struct record record;
    struct store_row *next;
};

struct kept_task {
    struct task_row row;
    struct attempt_row *attempts;
    size_t attempt_count, capacity;
};

struct store {
    struct store_row *groups[2], **ends[2];
    uint64_t handed, committed;
    bool in_flight;
    /* on disk */
    struct kept_task *tasks;
    size_t task_count, task_capacity;
    char *alive;
    uint64_t run;
    uint64_t numbers[32];
};

void store_add(struct sim *sim, const struct record *record);
uint64_t store_group(const struct sim *sim);
void store_flush(struct sim *sim);
void store_crash(struct sim *sim); /* what was not synced is lost; what was being synced perhaps */
void store_load(struct sim *sim, void (*row)(struct sim *sim, const struct record *record));
void store_clear(struct sim *sim); /* drops blobs */
const struct kept_task *store_task(const struct sim *sim, const char *id);

/* ---- mesos_model.c: what src/mesos does -------------------------------------------------------------------
 */

enum link_state { LINK_STOPPED, LINK_WAITING, LINK_SUBSCRIBING, LINK_UP };

struct lane {
    struct conn *conn;
    struct call *call;
};

struct mesos {
    enum link_state state;
    uint64_t subscription, stream_id;
    struct conn *stream;
    struct lane lanes[LANES]; /* the first one is ordered */
    struct call_queue {
        struct call **items;
        size_t first, count, capacity;
    } queues[2];
    int64_t backoff_us, heard_us;
    uint64_t attempt; /* generation */
    bool ending;
    const char *ending_text;
    bool ending_error;
    int64_t wish_us; /* resubscribe after; -1: none */
    bool inside;
    int64_t failed_over_us;
};

void mesos_start(struct sim *sim);
void mesos_crash(struct sim *sim);
void mesos_send(struct sim *sim, struct call *call);
void mesos_turn(struct sim *sim);
void mesos_handle_word(struct sim *sim, struct conn *conn, void *message);
void mesos_handle_answer(struct sim *sim, struct conn *conn, void *message);
void mesos_handle_closed(struct sim *sim, struct conn *conn);

struct answer {
    uint64_t number;
    int status;
    bool about_stream; /* of a 400 */
};

/* ---- daemon_model.c: the process --------------------------------------------------------------------------
 */

enum parcel_kind { PARCEL_CALL, PARCEL_REPLY, PARCEL_EVENT };

struct parcel {
    enum parcel_kind kind;
    uint64_t group;
    struct call *call;
    struct answered *reply;
    struct published *event;
    struct parcel *next;
};

struct daemon {
    bool up;
    uint64_t run; /* also the generation of its events */
    struct core *core, *dead;
    struct core_config config;
    struct core_outputs outputs;
    struct arena in; /* of one input */
    struct parcel *first, **end;
    size_t waiting;
    bool turning;
    uint64_t tick;
    int64_t frozen_until_us;
    unsigned points; /* until the next crash; 0: none is planned */
    bool refused;    /* ended by itself: the master does not want this framework */
    bool stopped;    /* an operator must start it again */
};

void daemon_start(struct sim *sim, void *context, uint64_t number);
void daemon_crash(struct sim *sim);
void daemon_end(struct sim *sim, int64_t again_us); /* as a crash; starts again after that time */
/* While the process is frozen its events come later: true: this one was put off. */
bool daemon_put_off(struct sim *sim, event_fn *fn, void *context, uint64_t number);
bool daemon_point(struct sim *sim); /* a place where it may crash: true: it did */
void daemon_input(struct sim *sim, const struct core_input *input);
void daemon_turn_soon(struct sim *sim);
void daemon_stop(struct sim *sim, bool refused);
void daemon_word(struct sim *sim, const struct word *word);
void daemon_clear(struct sim *sim);
struct call *daemon_call(struct sim *sim, const struct core_call *out); /* daemon_encode.c */
void daemon_event(struct sim *sim, const struct word *word, struct core_input *input,
        Mesos__V1__Scheduler__Event *event);

/* ---- client_model.c ---------------------------------------------------------------------------------------
 */

/* A task as clients want it. */
struct wish {
    const char *id;
    struct slice spec;
    int role;
    int64_t cpus;
    int64_t runs_us; /* INT64_MAX: until it is killed */
    bool fails;
    struct request *request; /* that launches it */
    bool promised;           /* a launch of it was answered with success */
    bool kill_promised;
    int starts;      /* of any attempt */
    view_state seen; /* last published */
    uint64_t seen_revision, read_revision;
};

enum request_kind { REQUEST_LAUNCH, REQUEST_KILL, REQUEST_GET, REQUEST_RECONCILE, REQUEST_CONFLICT };

struct request {
    enum request_kind kind;
    struct wish *wishes[8];
    size_t count;
    uint64_t token;
    bool answered;
    int tries;
};

/* A reply that waits. */
struct answered {
    uint64_t token;
    Zmesos__V1__Code code, codes[8];
    size_t count;
    view_state states[8];
    uint64_t revisions[8];
    size_t missing;
    bool tasks; /* answers a get */
    const char *ids[8];
};

struct published {
    int class;
    bool journaled;
    uint64_t number, revision;
    struct wish *wish; /* of a TASK event */
    view_state state;
    const struct word *word;
};

void client_start(struct sim *sim);
void client_reply(struct sim *sim, const struct answered *reply);
struct answered *client_read_reply(struct sim *sim, const struct core_reply *reply);
struct wish *client_wish(const struct sim *sim, const char *id, size_t length);

/* ---- invariants.c
 * ------------------------------------------------------------------------------------------ */

void violation(struct sim *sim, const char *format, ...) PRINTF_LIKE(2, 3);
void check_call_leaves(struct sim *sim, const struct call *call);
void check_reply_leaves(struct sim *sim, const struct answered *reply);
void check_event_leaves(struct sim *sim, const struct published *event);
void check_row_kept(struct sim *sim, const struct record *record, const struct kept_task *before);
void check_recovered(struct sim *sim);
void check_started(struct sim *sim, const struct life *life);
void check_sizes(struct sim *sim);
void check_settled(struct sim *sim);

/* ---- plants.c
 * ------------------------------------------------------------------------------------------------ */

/* A mistake put in on purpose, to see that it is found. All are made in the models around the core. */
enum plant {
    PLANT_NONE,
    PLANT_ACK_EARLY,     /* acknowledge before commit */
    PLANT_FORGET_LAUNCH, /* forget an in-flight launch on restart */
    PLANT_REUSE_ID,      /* reuse an attempt's id */
    PLANT_SKIP_ASKING,   /* take an unanswered reconciliation for answered */
    PLANT_RESEND_ACCEPT,
    PLANT_NO_FENCE, /* reconcile in the subscription in which a call was not answered */
    PLANT_UNKNOWN_GONE,
    PLANT_COUNT
};
extern const char *const plant_names[PLANT_COUNT];
bool plant_skips(struct sim *sim, struct call *call); /* nothing of this RECONCILE is left to send */
void plant_heard(struct sim *sim, const char *id);

/* ---- trace.c
 * ------------------------------------------------------------------------------------------------- */

void trace(struct sim *sim, const char *who, const char *format, ...) PRINTF_LIKE(3, 4);
const char *call_name(int type);
const char *state_name(int state);
const char *view_name(int state);

/* ---- one run
 * -------------------------------------------------------------------------------------------------- */

struct sim {
    uint64_t seed;
    enum plant plant;
    bool tracing;
    struct random random;
    struct arena arena;
    int64_t now_us, wall_offset_ns;
    struct heap events;
    struct event *free_events;
    uint64_t sequence, steps;
    bool calm;

    struct weather weather;
    uint64_t conn_count;
    struct store store;
    struct daemon daemon;
    struct mesos mesos;
    struct master master;
    struct agent agents[AGENTS_MAX];
    int agent_count;
    struct life **lives;
    size_t life_count, life_capacity;
    struct update **updates; /* by uuid - 1 */
    size_t update_count, update_capacity;
    struct wish wishes[TASKS_MAX];
    size_t wish_count;
    struct request **requests; /* by token - 1 */
    size_t request_count, request_capacity;
    uint64_t published[32];

    bool violated;
    char violation[512];
};

struct life *sim_new_life(struct sim *sim, const char *id);
struct life *sim_life(const struct sim *sim, const char *id);
struct agent *sim_agent(struct sim *sim, const char *id);
void sim_run(struct sim *sim, uint64_t seed, enum plant plant, bool tracing);
void sim_clear(struct sim *sim);

#endif
