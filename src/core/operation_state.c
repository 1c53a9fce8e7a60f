/* The table of operation states. Read a line as: an operation that is <row>, on hearing <column>, does
 * <cell>.
 *
 * One that waits again was sent before and proved not to have been done: a word that it was counts more. */
#include "operation.h"

#include <string.h>

#define TO(name) OPERATION_STATE(name)
#define MESOS(name) MESOS__V1__OPERATION_STATE__OPERATION_##name

/* Cells below 0 are steps, others the state to move to. */
enum { stay = -1, prove = -2, absent = -3 };

enum {
    PEND = TO(PENDING),
    RECO = TO(RECOVERING),
    UNRE = TO(UNREACHABLE),
    UNKN = TO(UNKNOWN),
    FIN = TO(FINISHED),
    FAIL = TO(FAILED),
    ERR = TO(ERROR),
    DROP = TO(DROPPED),
    GONE = TO(GONE),
};

/* clang-format off */
static const signed char table[][1 + OPERATION_NEWS_COUNT] = {
    /*                PENDING RECOVERING UNREACHABLE UNKNOWN ABSENT  FINISHED FAILED ERROR OFFER_GONE DROPPED GONE */
    {TO(QUEUED),      PEND,   stay,      stay,       stay,   stay,   FIN,     FAIL,  stay, stay,      stay,   stay},
    {TO(SENT),        PEND,   RECO,      UNRE,       UNKN,   absent, FIN,     FAIL,  ERR,  prove,     DROP,   GONE},
    {TO(PENDING),     stay,   RECO,      UNRE,       UNKN,   absent, FIN,     FAIL,  ERR,  stay,      DROP,   GONE},
    {TO(RECOVERING),  PEND,   stay,      UNRE,       UNKN,   absent, FIN,     FAIL,  ERR,  prove,     DROP,   GONE},
    {TO(UNREACHABLE), PEND,   RECO,      stay,       UNKN,   absent, FIN,     FAIL,  ERR,  prove,     DROP,   GONE},
    {TO(UNKNOWN),     PEND,   RECO,      UNRE,       stay,   absent, FIN,     FAIL,  ERR,  prove,     DROP,   GONE},
    {TO(FINISHED),    stay,   stay,      stay,       stay,   stay,   stay,    stay,  stay, stay,      stay,   stay},
    {TO(FAILED),      stay,   stay,      stay,       stay,   stay,   stay,    stay,  stay, stay,      stay,   stay},
    {TO(ERROR),       stay,   stay,      stay,       stay,   stay,   stay,    stay,  stay, stay,      stay,   stay},
    {TO(DROPPED),     stay,   stay,      stay,       stay,   stay,   stay,    stay,  stay, stay,      stay,   stay},
    {TO(GONE),        stay,   stay,      stay,       stay,   stay,   stay,    stay,  stay, stay,      stay,   stay},
    {TO(CANCELLED),   stay,   stay,      stay,       stay,   stay,   FIN,     FAIL,  stay, stay,      stay,   stay},
};
/* clang-format on */

enum operation_step operation_step(operation_state from, enum operation_news news, operation_state *to)
{
    static const enum operation_step steps[] = {
            [-stay] = OPERATION_STAY, [-prove] = OPERATION_PROVE, [-absent] = OPERATION_ABSENT};
    for (size_t row = 0; news < OPERATION_NEWS_COUNT && row < sizeof table / sizeof *table; row++) {
        if (table[row][0] != (signed char)from)
            continue;
        signed char cell = table[row][1 + news];
        if (cell < 0)
            return steps[-cell];
        *to = (operation_state)cell;
        return OPERATION_MOVE;
    }
    return OPERATION_IMPOSSIBLE;
}

/* ERROR is said as well where only the offer was gone when the ACCEPT came; the words tell. */
static enum operation_news news_of_error(const Mesos__V1__OperationStatus *status)
{
    bool offer = !status->uuid && status->message && strstr(status->message, "attempted with invalid offers");
    return offer ? OPERATION_NEWS_OFFER_GONE : OPERATION_NEWS_ERROR;
}

/* Not known although its agent is: only then the master ends with these words. Where the agent is not known
 * either, or a provider of it was asked, there are others or none. */
static enum operation_news news_of_unknown(const Mesos__V1__OperationStatus *status)
{
    static const char words[] = ": Operation is unknown";
    size_t length = status->message ? strlen(status->message) : 0;
    bool there = status->agent_id && length >= sizeof words - 1 &&
                 strcmp(status->message + length - (sizeof words - 1), words) == 0;
    return there ? OPERATION_NEWS_ABSENT : OPERATION_NEWS_UNKNOWN;
}

enum operation_news operation_news_of(const Mesos__V1__OperationStatus *status)
{
    switch (status->state) {
    case MESOS(PENDING):
        return OPERATION_NEWS_PENDING;
    case MESOS(RECOVERING):
        return OPERATION_NEWS_RECOVERING;
    case MESOS(UNREACHABLE):
        return OPERATION_NEWS_UNREACHABLE;
    case MESOS(UNKNOWN):
        return news_of_unknown(status);
    case MESOS(FINISHED):
        return OPERATION_NEWS_FINISHED;
    case MESOS(FAILED):
        return OPERATION_NEWS_FAILED;
    case MESOS(ERROR):
        return news_of_error(status);
    case MESOS(DROPPED):
        return OPERATION_NEWS_DROPPED;
    case MESOS(GONE_BY_OPERATOR):
        return OPERATION_NEWS_GONE;
    default:
        return OPERATION_NEWS_NONE;
    }
}

bool operation_is_over(operation_state state)
{
    return state >= TO(FINISHED);
}

bool operation_wants_answer(operation_state state)
{
    return state != TO(QUEUED) && !operation_is_over(state);
}
