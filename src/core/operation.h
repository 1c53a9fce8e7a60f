/* Operations on resources: reservations, volumes, disks (docs/reservations.md). One struct, and what each
 * file about them gives the others. They are kept as tasks are: a row changes only by being applied, here and
 * in recovery alike; which state follows which is in the one table of operation_state.c. */
#ifndef CORE_OPERATION_H
#define CORE_OPERATION_H

#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "core/core.h"

typedef Zmesos__V1__Operation__State operation_state;
#define OPERATION_STATE(name) ZMESOS__V1__OPERATION__STATE__##name
#define OPERATION_STATE_MAX OPERATION_STATE(CANCELLED)
#define OPERATION_TYPE(name) MESOS__V1__OFFER__OPERATION__TYPE__##name

struct core;
struct offer;
struct role;
struct constraint;

enum operation_flag {
    OPERATION_SEEN = 1, /* the master knew it: it may have been done */
    OPERATION_REFUSED =
            2, /* its offer was gone, the master said: to be proved by a question, then sent again */
    OPERATION_OUTLIVED = 4, /* we were away for so long that its end may have been acknowledged for us */
    OPERATION_DOUBTED = 8,  /* restored: another history may have heard its end */
    OPERATION_HELD = 16,    /* restored from a backup: not sent before a release */
};

struct operation {
    int64_t key;
    char *id;
    struct blob *spec, *status; /* status: the Event that says what it made; NULL: none */
    operation_state state;
    uint64_t revision;
    uint32_t flags, sent;
    int64_t created_ns, changed_ns;
    char *mesos_id;                  /* of the last time; NULL: never sent */
    const char *agent_id, *hostname; /* shared.c; NULL: none */
    char *provider_id, *message;     /* NULL: none */
    char *labels;                    /* as a task's */
    Mesos__V1__Offer__Operation__Type type;
    struct role *role;
    bool forgotten; /* goes */

    /* While it is not over: */
    struct arena arena;
    Mesos__V1__Offer__Operation *operation; /* in the arena */
    struct constraint *constraints;
    size_t constraint_count;

    struct list_link queue_link; /* in role.operations while it waits */
    bool counted_waiting;        /* in its role */
    uint64_t cursor;             /* no offer up to that number does */
    char *obstacle;              /* what the last one lacked; NULL: none was looked at */
    char *placer;                /* somebody else says of which offer it is had; NULL: we do */
    bool near;                   /* and that its constraints hold there */

    struct list_link open_link; /* in operations.open while it is sent and not over */
    struct list_link ask_link;  /* in operations.asked while an answer from the master is wanted */
    uint64_t asked;             /* the subscription of the last question about it; 0: never */
    uint64_t unanswered;        /* the subscription in which its ACCEPT got no answer; 0: none */
    uint64_t call;              /* its ACCEPT while that is in flight, else 0 */
    int64_t unknown_ms; /* since when the master does not know it although its agent is there; INT64_MIN */
    bool given_up;      /* likewise, and that proves nothing: there is nothing more to ask */
    struct heap_node timer; /* when it was over */
};

struct operations {
    struct map by_id, by_mesos_id; /* -> operation */
    struct operation **items;      /* by key, ascending */
    size_t count, capacity;
    uint64_t counts[OPERATION_STATE_MAX + 1];
    uint64_t held;
    struct list open;
    struct list asked; /* asked about at ask_at_ms */
    int64_t ask_at_ms, ask_backoff_ms;
    struct heap over; /* operation.timer of those that are over, by changed_ns */
    int64_t forget_at_ms;
};

/* On its way out in an ACCEPT. */
struct operation_placement {
    struct operation_placement *next;
    struct operation *operation;
};

/* ---- operation_state.c: the table ---- */

/* What a status says. */
enum operation_news {
    OPERATION_NEWS_PENDING,
    OPERATION_NEWS_RECOVERING,
    OPERATION_NEWS_UNREACHABLE,
    OPERATION_NEWS_UNKNOWN, /* the master does not know it, and its agent is not there, or may not have spoken
                             */
    OPERATION_NEWS_ABSENT,  /* the master does not know it, and its agent is there */
    OPERATION_NEWS_FINISHED,
    OPERATION_NEWS_FAILED,
    OPERATION_NEWS_ERROR,
    OPERATION_NEWS_OFFER_GONE, /* ERROR for the sake of its offer, not its own */
    OPERATION_NEWS_DROPPED,
    OPERATION_NEWS_GONE,
    OPERATION_NEWS_COUNT,
    OPERATION_NEWS_NONE = OPERATION_NEWS_COUNT, /* a state that this version does not know */
};

enum operation_step {
    OPERATION_STAY,
    OPERATION_MOVE,   /* to the state in the table */
    OPERATION_PROVE,  /* its offer was gone: ask, and send it again when the master does not know it */
    OPERATION_ABSENT, /* not known: sent again where it is certain that it was not done, else UNKNOWN */
    OPERATION_IMPOSSIBLE,
};

enum operation_news operation_news_of(const Mesos__V1__OperationStatus *status);
/* `to` is set for OPERATION_MOVE. */
enum operation_step operation_step(operation_state from, enum operation_news news, operation_state *to);
bool operation_is_over(operation_state state);
bool operation_wants_answer(operation_state state); /* sent and not over */

/* ---- operation.c: rows in memory ---- */

void operations_init(struct core *core);
void operations_clear(struct core *core);
struct operation *operation_find(const struct core *core, const char *id);
struct operation *operation_by_key(const struct core *core, int64_t key);
size_t operation_place_after(const struct core *core, uint64_t key); /* the first one after that key */
bool operation_is_held(const struct operation *operation);
int operation_row_apply(struct core *core, const struct operation_row *row,
        const Zmesos__V1__OperationSpec *spec, struct error *err) MUST_CHECK;
struct operation_row operation_row_of(const struct operation *operation);
/* Applies and puts out; an event where the state is another. */
void operation_write(
        struct core *core, const struct operation_row *row, const Zmesos__V1__OperationSpec *spec);
/* To that state, with these words. */
void operation_move(struct core *core, struct operation *operation, operation_state to, uint32_t flags,
        const char *words);
/* It certainly was not done: it waits again. */
void operation_requeue(struct core *core, struct operation *operation, const char *words);
void operations_forget_step(struct core *core);
Zmesos__V1__Operation *operation_view(struct core *core, const struct operation *operation);

/* ---- operation_match.c: to the master ---- */

/* What is wrong with it wherever it goes; the fields are below `path`. */
int operation_check(const struct core *core, const Zmesos__V1__OperationSpec *spec, const char *path,
        struct error *err) MUST_CHECK;
/* Whether it can be had of what is left of the offer; then it is part of that offer's ACCEPT, which
 * accept_send() sends next, in the same input (the offer is not looked at before: its place in an index is as
 * it was): its intent is written, and `left` is as the operation makes it. Else `err` says what is lacking:
 * ERR_NOT_FOUND or ERR_INVALID, at a field of the operation, and nothing was done. The operation is QUEUED
 * and not held. */
int operation_place(
        struct core *core, struct operation *operation, struct offer *offer, struct error *err) MUST_CHECK;
/* Sends what waits in the role and can be had, an ACCEPT each. False: the turn is over before. */
bool operations_match(struct core *core, struct role *role);
/* The master's answer to its ACCEPT. */
void operation_answered(struct core *core, struct operation *operation, uint64_t call,
        enum core_answer answer, const char *text);

/* ---- operation_update.c: from the master ---- */

void handle_operation_update(struct core *core, const Mesos__V1__OperationStatus *status, struct blob *bytes);
/* So long after an agent came back a master waits for the framework, then it acknowledges for it. One that
 * has removed the framework does so at once. */
#define OPERATIONS_ADOPTED_MS 600000
void operations_up(struct core *core, bool outlived); /* we were away for as long as either */
void operations_ask_all(struct core *core);           /* about those that were sent and are not over */
void operations_ask(struct core *core, struct operation *operation, int64_t in_ms);
/* About those on that agent: all, or those of which the master did not know because it was away. */
void operations_ask_agent(struct core *core, const char *agent_id, bool out_of_sight);
void operations_tick(struct core *core);
int64_t operations_deadline(const struct core *core);

/* ---- operation_request.c ---- */

void handle_operate(struct core *core, const struct core_input *input);
void handle_get_operations(struct core *core, const struct core_input *input);
void handle_list_operations(struct core *core, const struct core_input *input);
void handle_cancel_operations(struct core *core, const struct core_input *input);
void operations_hold(struct core *core); /* the store was restored */
void operations_release(                 /* those that are named */
        struct core *core, const Zmesos__V1__Release *release, bool run, Zmesos__V1__Items *items);
void operations_release_all(struct core *core, bool run, Zmesos__V1__Items *items); /* adds to the total */
void operations_removed(struct core *core, bool ended); /* the framework is not ours any more; by request */
uint64_t operations_not_over(const struct core *core, const struct role *role); /* NULL: of all roles */

#endif
