/* What must hold (checks_*.c), and the mistakes put in on purpose (plants.c). Each check is called where the
 * thing happens, so that a trace ends with its cause. */
#ifndef SIM_CHECKS_H
#define SIM_CHECKS_H

#include "clients.h"
#include "cluster.h"
#include "process.h"

void violation(struct sim *sim, const char *format, ...) PRINTF_LIKE(2, 3);
bool is_over(int state);
bool is_final(int state);          /* over, and does not return as LOST may */
bool may_follow(int from, int to); /* over stays over; LOST alone may return */

bool reachable(const struct agent *agent); /* by the master, at last; checks_settled.c */

/* checks_decided.c: what the core puts out */
void check_call_decided(struct sim *sim, struct call *call);
void check_event_decided(struct sim *sim, const struct published *event);
void check_heard(struct sim *sim, const struct heard *heard);
void check_task_decided(struct sim *sim, const struct task_row *row);
void check_forget_decided(struct sim *sim, const struct forget_row *row);
void check_releases(struct sim *sim, const struct request *request);
/* checks_other.c */
void check_decided(struct sim *sim, const struct record *record, uint32_t flags_before);
/* checks_agents.c */
void check_agents(struct sim *sim, const struct request *request, const Zmesos__V1__Agents *page);
void check_other_reply(struct sim *sim, const struct request *request, const Zmesos__V1__Reply *reply);
void check_subscribes(struct sim *sim, const struct call *call);
void check_asked_call(struct sim *sim, struct call *call);
/* As the core has decided, whether that is on disk or not. */
bool decided_stopped(const struct sim *sim, int role);
bool decided_role(const struct sim *sim, int role);
bool decided_teardown(const struct sim *sim);
const struct kept_task *decided_task(const struct sim *sim, const char *id);
/* checks_leave.c: what leaves */
void check_call_leaves(struct sim *sim, const struct call *call);
void check_reply_leaves(struct sim *sim, const struct answered *reply);
void check_event_leaves(struct sim *sim, const struct published *event);
/* checks_kept.c: what is on disk */
void check_row_kept(struct sim *sim, const struct record *record, const struct kept_task *before);
void check_recovered(struct sim *sim);
void check_restored(struct sim *sim); /* what was promised after the backup is not asked for any more */
/* checks_run.c: what runs, and how much is held */
void check_started(struct sim *sim, const struct life *life);
void check_sizes(struct sim *sim);
/* checks_settled.c: when all is quiet */
void check_settled(struct sim *sim);

/* ---- plants.c ---- */

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
    PLANT_BELIEVE_SYNC,     /* go on after a sync that failed */
    PLANT_KILL_IS_END,      /* take the KILL of an attempt that did not start in time for its end */
    PLANT_ADOPT_OVER,       /* adopt a task that is over */
    PLANT_FORGET_KEYS,      /* forget which keys were given */
    PLANT_NOT_RESTORED,     /* take a restored backup for one's own state */
    PLANT_HAND_TWICE,       /* give the second task of an ACCEPT what the first was given */
    PLANT_NO_STRICT,        /* overlook strict constraints */
    PLANT_NO_PREFERRED,     /* and preferred ones */
    PLANT_NO_ROOM,          /* find no place for a task that has one */
    PLANT_NO_HEALTH,        /* overlook what a health check says */
    PLANT_FORGET_ROLES,     /* forget on restart which roles are suppressed by request */
    PLANT_FORGET_END,       /* and that the framework is to end */
    PLANT_NO_WINDOW,        /* overlook that an agent is to be maintained */
    PLANT_NO_REFUSAL,       /* take the refusal of a call that a request asked for as its success */
    PLANT_NO_REASON,        /* say nothing of why a task waits */
    PLANT_NO_AGENT,         /* and leave an agent out */
    PLANT_NO_WEIGHT,        /* overlook the weight of a submitter */
    PLANT_NO_SUBMITTER,     /* and who submitted a task */
    PLANT_NO_CONSUMER,      /* overlook that a task has a consumer */
    PLANT_TOO_STRICT,       /* tell the master of less than what is wanted */
    PLANT_NO_GROUP,         /* take a member of a group for a task of its own */
    PLANT_NO_PLACER,        /* overlook that a task is placed from outside */
    PLANT_NO_LEASE,         /* let a lease last for ten times as long */
    PLANT_FORGET_OPERATION, /* forget on restart that an operation was sent */
    PLANT_PENDING_NOT_DONE, /* take what is under way or out of sight for not done */
    PLANT_COUNT
};
extern const char *const plant_names[PLANT_COUNT];
bool plant_skips(struct sim *sim, struct call *call);        /* nothing of this RECONCILE is left to send */
bool plant_forgets(const struct sim *sim, const char *meta); /* on restart */
void plant_heard(struct sim *sim, const char *id);
void plant_launch(struct sim *sim, struct core_launch *launches, size_t count);
void plant_spec(struct sim *sim, Zmesos__V1__TaskSpec *spec);
void plant_kill_ends(struct sim *sim, const char *id);

#endif
