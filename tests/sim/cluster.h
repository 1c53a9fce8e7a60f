/* The models of the master (master_model.c, master_calls.c) and of the agents (agent_model.c). */
#ifndef SIM_CLUSTER_H
#define SIM_CLUSTER_H

#include "crews.h"
#include "net.h"
#include "rules.h"

/* ---- the master ---- */

struct offer {
    const char *id;
    struct agent *agent;
    int role;
    struct stuff stuff;
    struct window window;
    bool valid;
    struct offer *next;
};

struct filter {
    struct agent *agent;
    int role;
    struct stuff stuff;
    int64_t until_us;
    struct filter *next;
};

struct master {
    bool up;
    uint64_t epoch;
    bool known, connected, removed; /* our framework */
    uint64_t framework;             /* which one that is */
    uint64_t removed_upto;          /* those before it, when we began again */
    struct conn *stream;
    uint64_t stream_id, streams;
    uint64_t timer; /* generation of the failover timer */
    bool roles[ROLES], suppressed[ROLES];
    uint32_t wanted_agents[ROLES]; /* offer constraints */
    struct offer *offers;
    struct filter *filters;
    uint64_t offer_count;
    bool allocating;
};

void master_start(struct sim *sim);
void master_failover(struct sim *sim);
void master_rescind(struct sim *sim);
void master_say_odd(struct sim *sim);
void master_say_message(struct sim *sim);
void master_rescind_offer(struct sim *sim, struct offer *offer);
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
/* `executors`: those that are up, a bit each. */
void master_handle_register(
        struct sim *sim, struct agent *agent, struct life **lives, size_t count, uint32_t executors);
void master_handle_crew_exited(struct sim *sim, struct crew *crew);
void master_handle_exited(struct sim *sim, struct agent *agent, int executor);
void master_handle_update(struct sim *sim, struct update *update, mesos_state latest);
void master_handle_agent_link(struct sim *sim, struct agent *agent); /* its connection broke */
void master_mark_gone(struct sim *sim, struct agent *agent);
void master_calm(struct sim *sim);

/* ---- agents ---- */

enum place { PLACE_NONE, PLACE_PENDING, PLACE_ALIVE, PLACE_OVER };

/* One attempt as the world has it: what the agent has, and what the master thinks. */
struct life {
    const char *id;    /* Mesos's */
    struct wish *wish; /* NULL: no client asked for it */
    int64_t key;       /* of its task */
    unsigned history;  /* as of a wish */
    uint32_t attempt;
    uint64_t framework;
    int64_t written_us; /* when its ACCEPT went out; 0: it did not */
    struct agent *agent;
    struct stuff stuff;
    int executor;      /* that it shares; 0: none */
    struct crew *crew; /* of its group; NULL: none */
    int written;       /* ACCEPTs that went out with it */
    bool launched;     /* the master took one */

    enum place place;
    bool started;
    mesos_state state;
    int healthy;                          /* 1, -1, or 0: nobody checks */
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
    struct stuff stuff;
    const char *host, *rack, *zone, *generation; /* NULL: it lacks that */
    struct window window, told;                  /* told: to our daemon */
    const char *told_inverse;                    /* by which question */
    struct {
        const char *id; /* of the question that is not answered; NULL: none */
        int64_t until_us;
    } inverse;
    bool offered; /* since our daemon subscribed, and no FAILURE since */
    struct executor {
        bool up;    /* on the agent */
        bool known; /* to the master */
    } executors[EXECUTORS + 1];
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
    ORDER_KILL_REMOVED, /* those of frameworks up to this one */
    ORDER_FLUSH,
    ORDER_REGISTERED,
    ORDER_END_EXECUTOR,
    ORDER_RUN_CREW,
    ORDER_OPERATE,
    ORDER_HAVE_OPERATION, /* the master thinks so */
};

/* windows.c */
void windows_start(struct sim *sim);
void windows_ask(struct sim *sim);
void windows_forget_asked(struct sim *sim);
void windows_answer(struct sim *sim, const struct call *call);
void windows_hear(struct sim *sim, const struct word *word);
bool window_is_near(const struct sim *sim, const struct agent *agent);
void check_inverse_decided(struct sim *sim, const struct call *call);
/* executors.c */
struct stuff executor_stuff(const struct sim *sim); /* what each needs for itself */
const char *executor_name(int executor);
int executor_of(const char *name); /* 0: none */
struct stuff executors_stuff(
        const struct sim *sim, const struct agent *agent); /* of those the master knows */
void executor_begin(struct sim *sim, struct agent *agent, int executor);
void executor_task_over(struct sim *sim, struct life *life);
void executor_end_command(struct sim *sim, struct life *life);
void executor_end(struct sim *sim, struct agent *agent, int executor);

/* operations.c */
void operation_begin(struct sim *sim, struct agent *agent);
struct operation *operation_of_uuid(struct sim *sim, uint64_t uuid);      /* NULL: none */
struct operation *operation_named(const struct sim *sim, const char *id); /* NULL: none */
struct operation *operation_new(struct sim *sim, const char *id, struct agent *agent);
/* At the master. */
void operations_accept(struct sim *sim, const struct call *call, bool valid);
void operations_reconcile(struct sim *sim, const struct call *call);
void operations_lost(struct sim *sim, const struct agent *agent, operation_state say); /* NULL: of all */
void operation_acknowledge(struct sim *sim, struct operation *operation);
/* At the agent. */
void operations_registered(struct sim *sim, struct agent *agent);
void operation_run(struct sim *sim, struct operation *operation);
void operation_answer(struct sim *sim, struct operation *operation); /* whether it has it */

void life_plan(struct sim *sim, struct life *life, int64_t us, event_fn *fn);
void life_finish(struct sim *sim, void *life, uint64_t timer);
void life_report(struct sim *sim, struct life *life, mesos_state state, int reason);
void life_send_update(struct sim *sim, struct life *life);
void life_end_silently(struct life *life);
void agent_start(struct sim *sim, struct agent *agent);
void agent_order(struct sim *sim, struct agent *agent, enum order order, struct life *life, uint64_t uuid);
void agent_find_master(struct sim *sim, struct agent *agent, int64_t after_us);
void agent_begin(struct sim *sim, struct life *life, bool dropped);
void agent_tell_crew(struct sim *sim, struct crew *crew);
void agent_tell_exited(struct sim *sim, struct agent *agent, int executor);
void agent_kill_all(struct sim *sim, struct agent *agent, uint64_t framework); /* and those before it */
/* agent_faults.c */
void agent_cut_off(struct sim *sim, struct agent *agent, int64_t us);
void agent_restart(struct sim *sim, struct agent *agent, int64_t us, bool reboot);
void agent_die(struct sim *sim, struct agent *agent);
void agent_vanish(struct sim *sim, struct agent *agent);
void agent_repeat(struct sim *sim, struct agent *agent);
void agent_lose_master(struct sim *sim, struct agent *agent, int64_t back_after_us);
void agent_strange(struct sim *sim, struct agent *agent);
void agent_calm(struct sim *sim, struct agent *agent);
bool state_is_terminal(mesos_state state);

#endif
