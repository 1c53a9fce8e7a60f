/* Which faults a seed has, and when they strike. */
#ifndef SIM_WEATHER_H
#define SIM_WEATHER_H

#include "world.h"

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
    FAULT_BUSY,         /* the master answers 503 */
    FAULT_UNAUTHORIZED, /* and 401 */
    FAULT_NOT_LEADING,  /* and 307 */
    FAULT_REPEAT,       /* an update comes twice */
    FAULT_FREEZE,       /* our daemon does nothing for a while, and its connections stay */
    FAULT_ODD_WORD,     /* events of other types, an unknown one too */
    FAULT_STRANGER,     /* a task of this framework that we do not know */
    FAULT_ABSENCE,      /* our daemon is away for longer than the failover timeout */
    FAULT_OPERATION,    /* an operation that an earlier life of this framework started reports */
    FAULT_FULL_DISK,
    FAULT_RESTORE, /* a backup is made, or our daemon goes on from the last one */
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
    unsigned doubled;       /* permille of events and of calls but ACCEPT that come twice */
    unsigned lost_ack;      /* permille of acknowledgements that the master drops */
    unsigned drop_launch;   /* permille of launches that an agent drops before they start */
    unsigned stuck;         /* permille of launches that stay STAGING for long, or for ever */
    unsigned refuse;        /* permille of ordered calls answered 400 */
    unsigned turned_away;   /* permille of calls answered 307, 401, 403 or 503 */
    unsigned odd_answer;    /* permille of calls answered 502: acted on or not, nobody knows */
    unsigned no_connection; /* permille of connections for calls that are refused */
    unsigned sync_fails;    /* permille of groups */
    unsigned sync_slow;
    unsigned crash_points; /* one crash in about so many steps of the daemon; 0: none */
    int64_t ping_timeout_us, reregister_us, retry_max_us;
    int64_t failover_timeout_us;
    int64_t busy_until_us;
    int busy_status;
    int64_t full_until_us; /* the disk */
    size_t waiting_max;    /* outputs that wait: past them our daemon reads nothing */
};

void weather_init(struct sim *sim);
void weather_start(struct sim *sim);
void weather_aim(struct sim *sim);                       /* this is such a moment */
bool weather_chance(struct sim *sim, unsigned permille); /* never when calm */
int weather_status(struct sim *sim);                     /* with which a call is turned away; 0: it is not */

#endif
