/* What clients want and were told (client_model.c, client_requests.c, client_replies.c). */
#ifndef SIM_CLIENTS_H
#define SIM_CLIENTS_H

#include "consumers.h"
#include "rules.h"
#include "stuff.h"

#define REQUEST_PLACES_MAX 3
#define WISHES_MAX 60 /* TASKS_MAX that clients launch, the others were found running */
#define ANSWER_MAX 100
#define OUTCOME_MAX ZMESOS__V1__RETRY_POLICY__OUTCOME__UNKNOWN
#define OUTCOME(name) (1u << ZMESOS__V1__RETRY_POLICY__OUTCOME__##name)
#define OUTCOMES_CUT_OFF (OUTCOME(LOST) | OUTCOME(UNREACHABLE) | OUTCOME(UNKNOWN))

/* When a task is to be tried again, its defaults filled in. */
struct policy {
    uint32_t max_attempts;
    unsigned on; /* OUTCOME() */
    int64_t backoff_ms, backoff_max_ms, replace_after_ms;
    bool elsewhere;
};

/* A task as clients want it. */
struct wish {
    const char *id;
    bool found; /* no client launched it: it was found running, its specification is not known */
    struct slice spec;
    const char *name;  /* NULL: its id */
    bool placer;       /* is placed from outside alone */
    const char *group; /* NULL: none; the members have the same pointer */
    int role;
    struct want want;
    int32_t priority;
    int submitter; /* of submitters[] */
    struct rule rules[RULES_MAX];
    size_t rule_count;
    bool despite;        /* maintenance */
    int64_t consumer_ms; /* its time; 0: there is no consumer */
    bool consumer_waits; /* past it too */
    int64_t runs_us;     /* INT64_MAX: until it is killed */
    unsigned fails;      /* permille of its attempts */
    const char *label;
    struct policy policy;
    int64_t launch_timeout_ms;
    struct request *request; /* that launches it */
    bool promised;           /* a launch of it was answered with success */
    bool kill_promised;
    int64_t grace_promised_s; /* with the kill's policy; 0: none */
    unsigned graces;          /* those that kills brought to the daemon, a bit for each */
    view_state seen;          /* last published */
    uint64_t seen_revision, read_revision;

    unsigned forgets_decided, forgets_kept; /* how often it was forgotten: in memory, and on disk */
    unsigned seen_forgets;
    unsigned history; /* which restore made it unknown; keys repeat from one to the next */
    bool held;        /* since a backup was restored, and until it is released */
    bool released;    /* to run, once or more often */
};

enum request_kind {
    REQUEST_LAUNCH,
    REQUEST_AGAIN, /* the same once more */
    REQUEST_KILL,
    REQUEST_KILL_LABEL,
    REQUEST_GET,
    REQUEST_LIST,
    REQUEST_RECONCILE,
    REQUEST_CONFLICT,
    REQUEST_RELEASE,
    /* client_other.c: */
    REQUEST_SUPPRESS,
    REQUEST_REVIVE,
    REQUEST_ROLES,
    REQUEST_TEARDOWN,
    REQUEST_SHUTDOWN,
    REQUEST_MESSAGE,
    REQUEST_RESOURCES,
    REQUEST_OPERATIONS,
    REQUEST_WHY,
    REQUEST_SANDBOX,
    REQUEST_AGENTS,
    REQUEST_UNCONFIRMED,
    REQUEST_CONFIRM,
    REQUEST_LEASE,
    REQUEST_PLACE,
    REQUEST_RELEASE_LEASE,
    REQUEST_OPERATE,
    REQUEST_CANCEL,
};

struct request {
    enum request_kind kind;
    struct wish *wishes[8];
    size_t count;
    const char *label; /* of a teardown: its token */
    int64_t grace_s;
    bool drop;           /* of a release; of roles: one goes */
    int role;            /* -1: all */
    int executor;        /* 0: that of the task */
    struct agent *agent; /* of a list of agents: those behind it, so many: */
    uint32_t page_size;
    struct update *updates[REQUEST_UPDATES_MAX]; /* to be confirmed */
    size_t update_count;
    struct lessee *lessee;
    struct deed *deed;
    struct {
        const char *offer, *task;
    } places[REQUEST_PLACES_MAX];
    size_t place_count;
    uint64_t token;
    bool answered;
    int tries;
};

/* A reply that waits. */
struct answered {
    uint64_t token;
    Zmesos__V1__Code code;
    bool tasks; /* answers a get or list */
    size_t count, missing;
    uint64_t promised; /* wishes that had been promised when this was decided, a bit for each */
    const char **ids;  /* `count`, then `missing` */
    Zmesos__V1__Code *codes;
    view_state *states;
    uint64_t *revisions;
    unsigned *forgets; /* of each by then */
    bool *adopted;
    Zmesos__V1__Code deed_code;
    struct update **updates; /* that wait for their consumer */
    size_t update_count;
};

struct published {
    int class;
    bool journaled;
    uint64_t number, revision;
    struct wish *wish; /* of a TASK event */
    view_state state;
    unsigned forgets;
    const struct word *word;
    const char *orphan; /* Mesos's id, of an ORPHAN event */
    bool adopted;
};

void client_start(struct sim *sim);
void client_restored(struct sim *sim); /* tasks are held */
void client_found(struct sim *sim, const char *id);
struct wish *client_wish(const struct sim *sim, const char *id, size_t length);
struct wish *client_wish_of_life(const struct sim *sim, const char *mesos_id);
struct request *client_new_request(struct sim *sim, enum request_kind kind);
bool policy_replaces(const struct policy *policy); /* two attempts may be alive at once */
/* client_other.c */
void client_start_other(struct sim *sim);
void client_fill_other(struct sim *sim, const struct request *request, Zmesos__V1__Request *message);
bool client_may_give_up(enum request_kind kind); /* when it is refused for now */
void client_tear_down(struct sim *sim, const char *token);
/* client_requests.c */
struct slice client_pack_spec(struct sim *sim, const struct wish *wish, bool otherwise);
void client_send(struct sim *sim, void *request, uint64_t number);
/* client_replies.c */
struct answered *client_read_reply(struct sim *sim, const struct core_reply *reply);
void client_reply(struct sim *sim, const struct answered *reply);

#endif
