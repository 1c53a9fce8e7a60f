/* The core itself; with it, all that its files share. Who changes what is said at each function. */
#ifndef CORE_INTERNAL_H
#define CORE_INTERNAL_H

#include "request.h"

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
    struct map agents; /* agent.id -> agent */
    struct map groups; /* "name NUL attribute" -> group */
    struct map sites;  /* site.agent_id -> site */
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

/* event.c */
void handle_event(struct core *core, const Mesos__V1__Scheduler__Event *event, struct blob *bytes);

#endif
