/* The table of attempt states. Read a line as: an attempt that is <row>, on hearing <column>, does <cell>. */
#include "state.h"

#include <string.h>

#define TO(name) ZMESOS__V1__TASK_STATE__##name
#define MESOS(name) MESOS__V1__TASK_STATE__TASK_##name
#define REASON(name) MESOS__V1__TASK_STATUS__REASON__REASON_##name
#define SOURCE(name) MESOS__V1__TASK_STATUS__SOURCE__SOURCE_##name

/* Cells below 0 are steps, others the state to move to. */
enum { stay = -1, ask = -2, never = -3, prove = -4, absent = -5, kill = -6, none = -7 };

enum {
    STAG = TO(STAGING),
    STAR = TO(STARTING),
    RUN = TO(RUNNING),
    KLNG = TO(KILLING),
    UNRE = TO(UNREACHABLE),
    UNKN = TO(UNKNOWN),
    FIN = TO(FINISHED),
    FAIL = TO(FAILED),
    KLD = TO(KILLED),
    ERR = TO(ERROR),
    GONE = TO(GONE),
    LOST = TO(LOST),
};

/* clang-format off */
static const signed char table[][1 + NEWS_COUNT] = {
    /*               STAGING STARTING RUNNING KILLING FINISHED FAILED KILLED ERROR DUPLICATE REFUSED NEVER_RAN ABSENT  GONE  LOST  UNREACHABLE UNKNOWN */
    {TO(LAUNCHING),   STAG,   STAR,    RUN,    KLNG,   FIN,     FAIL,  KLD,   ERR,  ask,      prove,  never,    absent, GONE, LOST, UNRE,       UNKN},
    {TO(STAGING),     stay,   STAR,    RUN,    KLNG,   FIN,     FAIL,  KLD,   ERR,  ask,      prove,  never,    absent, GONE, LOST, UNRE,       UNKN},
    {TO(STARTING),    stay,   stay,    RUN,    KLNG,   FIN,     FAIL,  KLD,   ERR,  ask,      ask,    GONE,     GONE,   GONE, LOST, UNRE,       UNKN},
    {TO(RUNNING),     stay,   stay,    stay,   KLNG,   FIN,     FAIL,  KLD,   ERR,  ask,      ask,    GONE,     GONE,   GONE, LOST, UNRE,       UNKN},
    {TO(KILLING),     stay,   stay,    stay,   stay,   FIN,     FAIL,  KLD,   ERR,  ask,      ask,    GONE,     GONE,   GONE, LOST, UNRE,       UNKN},
    {TO(UNREACHABLE), STAG,   STAR,    RUN,    KLNG,   FIN,     FAIL,  KLD,   ERR,  ask,      prove,  never,    absent, GONE, LOST, stay,       UNKN},
    {TO(UNKNOWN),     STAG,   STAR,    RUN,    KLNG,   FIN,     FAIL,  KLD,   ERR,  ask,      prove,  never,    absent, GONE, LOST, UNRE,       stay},
    {TO(LOST),        STAG,   STAR,    RUN,    KLNG,   FIN,     FAIL,  KLD,   stay, stay,     stay,   GONE,     GONE,   GONE, stay, stay,       stay},
    {TO(FINISHED),    stay,   stay,    stay,   stay,   stay,    stay,  stay,  stay, stay,     stay,   stay,     stay,   stay, stay, stay,       stay},
    {TO(FAILED),      stay,   stay,    stay,   stay,   stay,    stay,  stay,  stay, stay,     stay,   stay,     stay,   stay, stay, stay,       stay},
    {TO(KILLED),      stay,   stay,    stay,   stay,   stay,    stay,  stay,  stay, stay,     stay,   stay,     stay,   stay, stay, stay,       stay},
    {TO(ERROR),       kill,   kill,    kill,   stay,   stay,    stay,  stay,  stay, stay,     stay,   stay,     stay,   stay, stay, stay,       stay},
    {TO(GONE),        kill,   kill,    kill,   stay,   stay,    stay,  stay,  stay, stay,     stay,   stay,     stay,   stay, stay, stay,       stay},
};
/* clang-format on */

enum step state_step(Zmesos__V1__TaskState from, enum news news, Zmesos__V1__TaskState *to)
{
    static const enum step steps[] = {[-stay] = STEP_STAY,
            [-ask] = STEP_ASK,
            [-never] = STEP_NEVER_RAN,
            [-prove] = STEP_PROVE,
            [-absent] = STEP_ABSENT,
            [-kill] = STEP_KILL,
            [-none] = STEP_IMPOSSIBLE};
    for (size_t row = 0; news < NEWS_COUNT && row < sizeof table / sizeof *table; row++) {
        if (table[row][0] != (signed char)from)
            continue;
        signed char cell = table[row][1 + news];
        if (cell < 0)
            return steps[-cell];
        *to = (Zmesos__V1__TaskState)cell;
        return STEP_MOVE;
    }
    return STEP_IMPOSSIBLE;
}

/* Whether the agent's reason says that nothing had been started. */
static bool nothing_started(Mesos__V1__TaskStatus__Reason reason)
{
    switch (reason) {
    case REASON(INVALID_OFFERS):
    case REASON(RESOURCES_UNKNOWN):
    case REASON(GC_ERROR):
    case REASON(AGENT_DRAINING):
    case REASON(AGENT_RESTARTED):
    case REASON(EXECUTOR_TERMINATED):
        return true;
    default:
        return false;
    }
}

static bool has_reason(const Mesos__V1__TaskStatus *status, Mesos__V1__TaskStatus__Reason reason)
{
    return status->has_reason && status->reason == reason;
}

static bool has_source(const Mesos__V1__TaskStatus *status, Mesos__V1__TaskStatus__Source source)
{
    return status->has_source && status->source == source;
}

static enum news news_of_dropped(const Mesos__V1__TaskStatus *status)
{
    if (has_source(status, SOURCE(MASTER)))
        return NEWS_REFUSED;
    bool proof = has_source(status, SOURCE(AGENT)) && status->has_uuid && status->has_reason;
    return proof && nothing_started(status->reason) ? NEWS_NEVER_RAN : NEWS_GONE;
}

/* A RECONCILE is answered GONE of a task that the master does not know, and of one that it knows to be gone
 * (an agent that rebooted says so of what it ran). Only the words tell the two apart. */
static enum news news_of_gone(const Mesos__V1__TaskStatus *status)
{
    bool answer = has_source(status, SOURCE(MASTER)) && !status->has_uuid &&
                  has_reason(status, REASON(RECONCILIATION));
    bool known = status->message && strstr(status->message, "Latest task state");
    return answer && !known ? NEWS_ABSENT : NEWS_GONE;
}

static enum news news_of_error(const Mesos__V1__TaskStatus *status)
{
    const char *message = status->message ? status->message : "";
    return strstr(message, "duplicate ID") || strstr(message, "reuses the ID") ? NEWS_DUPLICATE : NEWS_ERROR;
}

enum news news_of(const Mesos__V1__TaskStatus *status)
{
    switch (status->state) {
    case MESOS(STAGING):
        return NEWS_STAGING;
    case MESOS(STARTING):
        return NEWS_STARTING;
    case MESOS(RUNNING):
        return NEWS_RUNNING;
    case MESOS(KILLING):
        return NEWS_KILLING;
    case MESOS(FINISHED):
        return NEWS_FINISHED;
    case MESOS(FAILED):
        return NEWS_FAILED;
    case MESOS(KILLED):
        return NEWS_KILLED;
    case MESOS(ERROR):
        return news_of_error(status);
    case MESOS(DROPPED):
        return news_of_dropped(status);
    case MESOS(GONE):
        return news_of_gone(status);
    case MESOS(LOST):
    case MESOS(GONE_BY_OPERATOR):
        return NEWS_LOST;
    case MESOS(UNREACHABLE):
        return NEWS_UNREACHABLE;
    case MESOS(UNKNOWN):
        return NEWS_UNKNOWN;
    default:
        return NEWS_NONE;
    }
}

bool state_is_over(Zmesos__V1__TaskState state)
{
    return state >= TO(FINISHED);
}

bool state_may_live(Zmesos__V1__TaskState state)
{
    return (state != TO(QUEUED) && !state_is_over(state)) || state == TO(LOST);
}

bool state_wants_answer(Zmesos__V1__TaskState state)
{
    return state != TO(QUEUED) && !state_is_over(state);
}
