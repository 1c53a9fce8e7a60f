/* What tasks need: shapes of equal ones, constraints, roles and their turns, offer constraints. */
#ifndef CORE_SHAPE_H
#define CORE_SHAPE_H

#include <regex.h>

#include "base/buf.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "core/core.h"
#include "resource.h"
#include "state.h"

struct offer;
struct site;
struct task;
struct task_group;
struct group;
struct accept_call;

/* ---- what a task needs ---- */

enum scalar { SCALAR_CPUS, SCALAR_MEM, SCALAR_DISK, SCALAR_GPUS, SCALAR_COUNT };
extern const char *const scalar_names[SCALAR_COUNT];

struct constraint {
    char *attribute;
    Zmesos__V1__Constraint__Operator op;
    char **values;
    size_t value_count;
    bool preferred;
    int64_t number; /* GREATER, LESS: thousandths; MAX_PER: tasks */
    regex_t regex;  /* compiled for MATCHES and NOT_MATCHES */

    /* In a round: */
    struct group *group; /* of the task that is looked at; NULL: none */
    size_t least;        /* SPREAD over named values: the smallest count of them, as of the group's change */
    uint64_t least_change;
};

/* Why an offer is not for a task. Amounts come first, by enum scalar; after MISFIT_CONSTRAINT the
 * constraint's index is added. */
enum misfit {
    MISFIT_NONE = -1,
    MISFIT_PORTS = SCALAR_COUNT,
    MISFIT_RESOURCES, /* of a demand */
    MISFIT_TAKEN,     /* fits, but the ACCEPT is full, or something came first */
    MISFIT_AVOIDED,
    MISFIT_MAINTENANCE,
    MISFIT_ROLE,
    MISFIT_CONSTRAINT
};

/* What offers lacked, since all were asked for. */
struct tally {
    uint64_t epoch;  /* of the role */
    uint64_t offers; /* looked at and not taken */
    uint64_t misfits[MISFIT_ROLE];
    uint64_t *constraints; /* one for each of the shape's; owned */
    int64_t best[SCALAR_COUNT];
    uint64_t best_ports;
};

/* What is asked for besides plain amounts; of one shape and those that avoid agents besides. */
struct demand {
    struct arena arena;
    size_t users;
    struct resource_want *wants;
    size_t want_count;
    struct resource_disk_want *disks;
    size_t disk_count;
    struct resource_set named;    /* numbers and items that are named */
    const char *executor_id;      /* NULL: a command */
    struct resource_set executor; /* what it takes when it is not up */
};

/* Everything of a specification that matching looks at. Tasks that ask for the same share one shape, so that
 * one of them finding no place answers for all. Counted by its tasks. */
struct shape {
    struct slice key; /* what it is found by; owned */
    size_t tasks;
    struct role *role;
    int32_t priority;
    int64_t scalars[SCALAR_COUNT]; /* thousandths */
    uint32_t ports;
    struct demand *demand; /* NULL: amounts alone */
    struct constraint *constraints;
    size_t constraint_count;
    bool particular; /* of a group: the sums above do not tell whether there is all that it wants */
    bool grouped;    /* has constraints that look at tasks of the same name */
    bool unsteady;   /* an offer that does not fit may fit later in the same round: SPREAD, NEAR */
    bool preferring;
    bool despite_maintenance;
    char *placer; /* somebody else says where it goes: it is in no role's queue. NULL: we do */
    char **avoid; /* agents on which it must not go */
    size_t avoid_count;

    struct tally tally, before; /* why.c; of this epoch of the role, and the last one with offers */
    int told;                   /* the first reason that was published; 0: none */

    struct heap queue;     /* of task.queue_node; the key is the task's, so the oldest is first */
    struct heap_node node; /* in its line's heap while the queue is not empty; the key is the oldest task's */
    struct line *line;
    bool beaten;           /* in the last round another submitter's tasks were placed before: */
    const char *beaten_by; /* shared.c; NULL: those without one */
    uint64_t cursor;       /* in a round: offers of a smaller number have no room for this shape */
    uint64_t cursor_round;
    uint64_t opened;        /* constraints_opened() when the cursor was last at the beginning */
    size_t look_cost;       /* of a look at an offer, in steps of matching */
    uint64_t narrow_round;  /* in that round offers are found by the values of this constraint: values.c */
    int narrow;             /* its index; -1: of none */
    size_t waiting;         /* tasks counted in its role's limits */
    struct slice *limits;   /* groups of offer constraints that it can be told by; owned, as each is */
    size_t limit_count;     /* 0: it wants offers of all agents */
    struct list_link aside; /* in a round: found no place */
};

/* Offers of one role by what is left of them: index.c. */
struct offer_index {
    struct offer **slots; /* in the order they came; NULL: gone */
    uint64_t *numbers;    /* of the offers in the slots, also of those that are gone */
    struct offer_node *nodes;
    size_t used, capacity, count; /* slots ever given, a power of two, offers */
    struct value_index *values;   /* by attributes that tasks have asked for: values.c */
    size_t value_count;
};

enum role_state {
    ROLE_OURS,
    ROLE_COMING,  /* the master was asked for it */
    ROLE_LEAVING, /* the master was asked to take it away */
    ROLE_GONE,
};

/* Whose tasks there are. Freed with its last line. */
struct submitter {
    char *name; /* "" for tasks that name none */
    size_t lines;
    int64_t weight;              /* thousandths */
    uint64_t used[SCALAR_COUNT]; /* by attempts that may live */
};

/* What waits in a role with one priority: its lines, by their shares. */
struct level {
    struct level_id {
        struct role *role;
        int64_t priority;
    } id;
    size_t line_count;
    struct list lines;     /* line.link, of those in which something waits; and by their shares: */
    struct heap waiting;   /* line.node */
    struct heap_node node; /* in role.queue while something waits */
    uint64_t round;        /* in which the shares were last looked at */
    const char *served;    /* shared.c: the submitter of the last task placed, in: */
    uint64_t served_round;
};

/* The shapes of one submitter in a level. Freed with its last shape. */
struct line {
    struct line_id {
        struct level *level;
        struct submitter *submitter;
    } id;
    size_t shapes;
    struct heap waiting; /* shape.node */
    struct heap_node node;
    struct list_link link;
    int64_t share; /* as it stands in its level */
};

/* Of which agents the master is to make offers: limits.c. A text is groups, each with its length in front,
 * in the order of their bytes; empty: all agents. */
struct limits {
    struct map groups;  /* limit.text -> limit: what shapes that wait can be told by */
    size_t shapes_open; /* shapes that wait and want offers of all agents */
    uint64_t tasks;     /* that wait, as far as they are counted here */
    uint64_t waiting;   /* role.waiting, when the wish was made */
    bool changed;       /* one of these, since the wish was made */
    bool opened;        /* by request, offers of all agents are wanted once */
    bool refused;       /* the wish, by the master */
    struct slice wish;
    int64_t wish_ms;      /* monotonic; since when it stands */
    struct slice told;    /* what the master goes by */
    struct slice said;    /* in our call that is on its way, or the SUBSCRIBE */
    struct slice carried; /* in the call by request that is on its way */
    struct slice next;    /* what is to be told, at: */
    int64_t next_ms;      /* INT64_MAX: nothing; INT64_MIN: as soon as another call may leave */
};

struct role {
    char *name;
    enum role_state state;
    struct limits limits;
    struct offer_index index;
    struct heap queue;      /* level.node */
    struct list operations; /* that wait, in the order of arrival */
    uint64_t waiting; /* tasks QUEUED in it, those with a backoff included, those held or with a placer not;
                       * and operations */
    size_t offers;    /* held, those that are leased not */
    size_t leases, wanting; /* leases of it; those of them that have room for more offers */
    uint64_t epoch;         /* counts how often all offers were asked for */
    bool suppressed;
    bool stopped;       /* by request: no offers are wanted, whatever waits */
    bool revive_asked;  /* by request: although nothing waits, perhaps */
    bool filtered;      /* something was declined since the last REVIVE */
    bool fresh_work;    /* something was queued since the last REVIVE or round with offers */
    int64_t revived_ms; /* monotonic; INT64_MIN: never */
    int64_t active_ms;  /* last time something was queued */
};

/* shape.c */
struct shape *shape_get(
        struct core *core, const Zmesos__V1__TaskSpec *spec); /* one task more; the spec was checked */
void shape_release(struct core *core, struct shape *shape);
struct role *role_find(const struct core *core, const char *name); /* NULL name: the default role */

/* What a group and its executor ask together, for one group more. All members are there. */
struct shape *shape_of_group(struct core *core, const struct task_group *group);

/* Never again on that agent: the task gets a shape that avoids it too. */
void shape_avoid(struct core *core, struct task *task, const char *agent_id);

/* Constraints that were checked, compiled; malloc'ed. */
struct constraint *constraints_read(Zmesos__V1__Constraint *const *list, size_t count);
void constraints_free(struct constraint *constraints, size_t count);
/* A shape that no task has: its role and constraints; the rest of it is zero. */
void shape_init_filter(
        struct shape *shape, struct role *role, Zmesos__V1__Constraint *const *constraints, size_t count);
void shape_clear_filter(struct shape *shape);

/* spec.c: `path` is launch.tasks[i] */
int constraints_check(
        Zmesos__V1__Constraint *const *list, size_t count, const char *path, struct error *err) MUST_CHECK;
int labels_check(const Mesos__V1__Labels *labels, const char *path, struct error *err) MUST_CHECK;
int spec_check(const struct core *core, const Zmesos__V1__TaskSpec *spec, const char *path,
        struct error *err) MUST_CHECK;
int spec_check_scalar(bool has, double value, const char *path, const char *name, milli_t *milli,
        struct error *err) MUST_CHECK;

/* pattern.c: whether a MATCHES takes this expression; `where` is the field */
int pattern_check(const char *pattern, const char *where, struct error *err) MUST_CHECK;

/* shared.c */
void shared_set(struct core *core, const char **place, const char *text); /* "" and NULL: none */
void shared_drop(struct core *core, const char *text);                    /* takes NULL */
const char *shared_find(const struct core *core, const char *text);       /* NULL: nobody has that text */

/* queue.c */
void queue_add(struct core *core, struct task *task);
void queue_remove(struct task *task);
void queue_place(struct shape *shape, struct task *task); /* queue_add() does it for tasks without a group */
struct task *queue_oldest(const struct shape *shape); /* of one in which something waits; a group's first */
struct shape *queue_first(
        struct core *core, const struct role *role); /* the shape whose oldest task is next, or NULL */
void queue_set_aside(struct core *core, struct shape *shape);
void queue_restore(struct core *core); /* all that were set aside */

/* shares.c */
struct line *line_get(
        struct core *core, struct role *role, int32_t priority, const char *name); /* one shape more */
void line_release(struct core *core, struct line *line);
void line_set(struct line *line, struct heap_node *shape, int64_t key); /* it waits; its oldest task's key */
void line_unset(struct line *line, struct heap_node *shape);
struct line *line_next(struct core *core, const struct role *role);       /* whose turn it is, or NULL */
void shares_count(struct core *core, const struct task *task, bool more); /* while it has its agent */
void shares_learn(struct core *core, const struct offer *offer);
void shares_forget(struct core *core, const struct site *site);
void shares_begin(struct core *core);                                               /* a round */
double shares_dominant(const struct core *core, const struct submitter *submitter); /* 0 to 1 */
void shares_served(struct core *core, const struct shape *shape); /* a task of it was placed */
void shares_refused(struct core *core, struct shape *shape);      /* none of it was: by whose turn? */
const char *shares_words(struct core *core, const struct shape *shape);

/* demand.c */
struct demand *demand_read(const Zmesos__V1__TaskSpec *spec, const char *role); /* malloc'ed; NULL: none */
struct demand *demand_of_executor(const Mesos__V1__ExecutorInfo *executor, const char *role);
void demand_release(struct demand *demand);                            /* takes NULL */
uint64_t demand_amount(const struct demand *demand, const char *name); /* of a scalar; takes NULL */
int demand_check(const struct core *core, const Zmesos__V1__TaskSpec *spec, const char *path,
        struct error *err) MUST_CHECK;
/* Takes what its executor needs, where that is not up, and what is named out of `left`. False: there is not
 * all of it, and `left` is no use any more. */
bool demand_take(const struct core *core, const struct offer *offer, const struct demand *demand,
        struct resource_set *left, struct resource_set *taken) MUST_CHECK;

/* message_key.c */
void message_key(struct buf *key, const void *message);

/* groups.c: where tasks of one name are */
/* Of a task's current attempt: lines attribute=value. */
char *group_lines(struct arena *arena, const struct shape *shape, const Mesos__V1__Offer *offer);
void groups_add(struct core *core, const struct task *task, const char *lines);
void groups_remove(struct core *core, const struct task *task, const char *lines);
struct group *group_find(struct core *core, const struct task *task, const char *attribute);
void groups_clear(struct core *core);

/* constraints.c */
/* Before constraints_misfit() and constraints_preferred() of that task, and again after anything was placed.
 */
void constraints_begin(struct core *core, const struct shape *shape, const struct task *task);
/* A number that changes when offers that were passed over may do after all, in the same round. */
uint64_t constraints_opened(struct core *core, const struct shape *shape);
size_t constraints_cost(const struct shape *shape);          /* of a look at an offer, in steps of matching */
int constraint_compile(const char *pattern, regex_t *regex); /* 0, or a code of regcomp() */
/* The index of the first that does not hold, those preferred left out; -1: all hold. */
int constraints_unmet(
        struct core *core, struct constraint *constraints, size_t count, const Mesos__V1__Offer *offer);
/* MISFIT_NONE, MISFIT_AVOIDED, or MISFIT_CONSTRAINT and the index of the first that does not hold. */
int constraints_misfit(struct core *core, const struct shape *shape, const Mesos__V1__Offer *offer);
/* How many of those preferred hold. */
unsigned constraints_preferred(struct core *core, const struct shape *shape, const Mesos__V1__Offer *offer);

/* limit_pattern.c */
#define LIMIT_GROUPS_MOST 64 /* of a role */
/* Appends what means the same in RE2. False: there is nothing, or it is too large. */
bool limit_pattern(struct buf *out, const char *pattern);

/* limit_groups.c */
void limit_read(struct shape *shape); /* its constraints, as groups */
void limit_release(struct shape *shape);
/* Whether every agent of the group is one of the other, by its conditions. */
bool limit_is_within(struct slice group, struct slice other);
void limit_without_patterns(struct buf *to, struct slice group);
Mesos__V1__Scheduler__OfferConstraints__RoleConstraints__Group *limit_message(
        struct arena *arena, struct slice group);

/* limit_text.c */
void limit_text_set(struct slice *place, struct slice text); /* copies; frees what was there */
bool limit_text_next(struct slice *rest, struct slice *group);
/* Into groups that are sorted, where it is not there; the new count. */
size_t limit_insert(struct slice *groups, size_t count, struct slice group);
size_t limit_text_read(struct slice *groups, size_t count, struct slice text); /* likewise each of the text */
void limit_text_write(
        struct slice *place, const struct slice *groups, size_t count); /* empty where they are too many */
/* Whether the master offers all agents of the groups `part` where it goes by those of `text`. */
bool limit_text_covers(struct slice text, struct slice part);
bool limit_text_has(struct slice text, struct slice part); /* all the groups of `part` */

/* limits.c: offer constraints */
void limits_init(struct core *core, struct role *role);
void limits_clear(struct role *role);
/* A task of that shape waits now, or does not any more. */
void limits_count(struct core *core, struct shape *shape, bool waits);
void limits_open(struct role *role); /* offers of all agents are wanted, until that was told */
void limits_up(struct core *core);
void limits_down(struct core *core, bool refused);
void limits_forget(struct role *role); /* it has gone */
/* For the UPDATE_FRAMEWORK by request: what the master goes by. */
Mesos__V1__Scheduler__OfferConstraints *limits_carried(struct core *core);
void limits_carried_answered(struct core *core, bool done);
/* True when that was our call. */
bool limits_answered(struct core *core, uint64_t call, enum core_answer answer);
void limits_tick(struct core *core);
int64_t limits_deadline(const struct core *core);

#endif
