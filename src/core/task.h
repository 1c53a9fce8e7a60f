/* Tasks, their attempts and groups, and what becomes of them. */
#ifndef CORE_TASK_H
#define CORE_TASK_H

#include "shape.h"

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

/* rows.c: a text that is "" in a row is NULL in memory */
const char *row_text(const char *text); /* "" for NULL */
void row_text_set(char **place, const char *text);
bool row_state_is_known(int32_t state); /* there is such a TaskState */

/* task.c */
struct task *task_find(const struct core *core, const char *id);
struct task *task_by_key(const struct core *core, int64_t key);
bool task_is_final(const struct task *task); /* over, and does not return */
bool task_is_held(const struct task *task);  /* waits for a release, or will when it is tried again */
int task_apply(struct core *core, const struct task_row *row, const Zmesos__V1__TaskSpec *spec,
        struct error *err) MUST_CHECK;
/* Where one that is over waits to be forgotten: nowhere while a consumer has not confirmed its updates. */
void task_shelve(struct core *core, struct task *task);
int64_t task_over_since_ns(const struct task *task); /* of one that is over, and of which nothing waits */
void task_free(struct core *core, struct task *task);
/* key NUL value NUL ... NUL, malloc'ed; NULL: none */
char *labels_pack(const Mesos__V1__Labels *labels);
bool labels_have(const char *packed, const Mesos__V1__Label *label);

/* attempt.c */
struct attempt *task_current(const struct task *task); /* NULL: none */
struct task *task_of_mesos_id(const struct core *core, const char *mesos_id, struct attempt **attempt);
char *task_mesos_id(struct arena *arena, const struct task *task, uint32_t attempt);
/* The parts of <id>.<key>.<number>, or of that with a suffix -r... of a restored store; false when the text
 * is not of that form. */
bool mesos_id_split(const char *mesos_id, struct slice *id, int64_t *key, uint32_t *number, bool *restored);
bool attempt_may_live(const struct attempt *attempt); /* LOST included */
int attempt_apply(struct core *core, const struct attempt_row *row, struct error *err) MUST_CHECK;
void attempts_free(struct core *core, struct task *task);
struct agent *agent_get(struct core *core, const char *id); /* made where it is not there */
void agent_release(struct core *core, struct agent *agent); /* frees it when nothing is left in it */

/* task_write.c */
struct task_row task_row_of(const struct task *task);
struct attempt_row attempt_row_of(const struct task *task, const struct attempt *attempt);
void task_write(struct core *core, const struct task_row *row, const Zmesos__V1__TaskSpec *spec);
/* Without an event for a new state: another write follows. */
struct task *task_write_quietly(
        struct core *core, const struct task_row *row, const Zmesos__V1__TaskSpec *spec);
void attempt_write(struct core *core, const struct attempt_row *row);
/* What Mesos says of the attempt has not changed: nor has the time of that. */
void attempt_write_unchanged(struct core *core, const struct attempt_row *row);

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

#endif
