/* What a status update says of an attempt, and where that moves it. The table in state.c is the only place
 * that says which state follows which. */
#ifndef CORE_STATE_H
#define CORE_STATE_H

#include "core/core.h"

typedef Zmesos__V1__TaskState task_state;
#define STATE(name) ZMESOS__V1__TASK_STATE__##name
#define STATE_MAX STATE(LOST)
#define CODE(name) ZMESOS__V1__CODE__##name
#define CLASS(name) ZMESOS__V1__EVENT_CLASS__##name

/* A status update, told apart by state, reason, source and uuid as PROTOCOL.md's table "When may a launch be
 * repeated by itself?" does. */
enum news {
    NEWS_STAGING,
    NEWS_STARTING,
    NEWS_RUNNING,
    NEWS_KILLING,
    NEWS_FINISHED,
    NEWS_FAILED,
    NEWS_KILLED,
    NEWS_ERROR,
    NEWS_DUPLICATE, /* ERROR about an id that is in use: says nothing of the task that uses it */
    NEWS_REFUSED,   /* DROPPED by the master: never ran if its ACCEPT was sent once, to be proved */
    NEWS_NEVER_RAN, /* DROPPED by the agent before anything started */
    NEWS_ABSENT,    /* GONE as the answer to a RECONCILE: not on that agent now */
    NEWS_GONE,      /* it does not run any more, and may have run */
    NEWS_LOST,      /* LOST, GONE_BY_OPERATOR: over as far as anyone knows */
    NEWS_UNREACHABLE,
    NEWS_UNKNOWN,
    NEWS_COUNT,
    NEWS_NONE = NEWS_COUNT, /* a task state that this version does not know */
};

enum news news_of(const Mesos__V1__TaskStatus *status);

/* What to do with the news. */
enum step {
    STEP_STAY,      /* nothing new, or old news */
    STEP_MOVE,      /* to the state in the table */
    STEP_ASK,       /* RECONCILE; the state stays */
    STEP_NEVER_RAN, /* certain: it waits again */
    STEP_PROVE,     /* wait for the proof that it never ran; RECONCILE */
    STEP_ABSENT,    /* not there: never ran if that can be proved, else gone */
    STEP_KILL,      /* a task we gave up is back: kill it */
    STEP_IMPOSSIBLE /* the table has no such pair */
};

/* `to` is set for STEP_MOVE. */
enum step state_step(Zmesos__V1__TaskState from, enum news news, Zmesos__V1__TaskState *to);

bool state_is_over(Zmesos__V1__TaskState state);      /* FINISHED and after */
bool state_may_live(Zmesos__V1__TaskState state);     /* launched, and perhaps on an agent: LOST included */
bool state_wants_answer(Zmesos__V1__TaskState state); /* launched and not over: RECONCILE asks about it */

#endif
