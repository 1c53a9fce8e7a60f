/* What a screen shows of a cluster: tasks, counts, rates, failures, agents, the daemon. Fed with what the
 * daemon says, and pure: it reads no clock and does no input or output. All counts are kept as tasks change,
 * so that what is shown costs the same with a hundred tasks and with a hundred thousand. */
#ifndef TOP_MODEL_H
#define TOP_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "zmesos/v1/zmesos.pb-c.h"

#define MODEL_STATES ((int)ZMESOS__V1__TASK_STATE__LOST + 1)
#define MODEL_FAILURES_MAX 100
#define MODEL_WINDOW_S 60 /* the longest of a rate */

struct model_task {
    char *id;
    int state; /* zmesos.v1.TaskState */
    uint64_t revision;
    int64_t created_ns, changed_ns; /* since 1970, the daemon's clock; likewise below */
    uint32_t attempt;               /* the last one; 0: none */
    uint32_t failed;                /* the last one of those that were told as failures */
    const char *host;               /* of the last attempt, and "" while the task waits; the model's */
    char *words;                    /* the last message, perhaps cut; NULL: none */
    bool marked;                    /* carries the label that is looked for */
    uint64_t generation;            /* of the last snapshot that had it, or event */
    struct list_link link;          /* in its state, the last one that was heard of at the end */
};

enum model_kind { MODEL_LAUNCHED, MODEL_FINISHED, MODEL_FAILED, MODEL_EVENTS, MODEL_KINDS };

/* An attempt that came to a bad end. */
struct model_failure {
    int64_t time_ns;
    char *id;
    uint32_t attempt;
    int state;
    char *reason, *words; /* NULL: none */
};

enum model_amount { MODEL_CPUS, MODEL_MEM, MODEL_DISK, MODEL_GPUS, MODEL_AMOUNTS };

struct model_agent {
    char *id, *host; /* host may be "" */
    uint64_t tasks, offers, strays;
    double used[MODEL_AMOUNTS], known[MODEL_AMOUNTS];
    bool is_known;          /* has made an offer: `known` says something */
    int64_t maintenance_ns; /* begins then; 0: none is announced */
};

struct model;

struct model *model_create(const uint64_t seed[2]); /* the caller destroys it */
void model_destroy(struct model *model);            /* takes NULL */
void model_clear(struct model *model);              /* as new; the store is another one */

/* Counts changes of tasks: a list that was made of them holds while this is the same. */
uint64_t model_changes(const struct model *model);

/* ---- tasks ---- */

/* What the daemon says of a task, in a snapshot or an event. False: it is not newer than what is known. */
bool model_take_task(struct model *model, const Zmesos__V1__Task *task);

/* All tasks are told anew between the two; those that were not are dropped. */
void model_begin_snapshot(struct model *model);
void model_end_snapshot(struct model *model);

struct model_task *model_find(const struct model *model, const char *id); /* NULL: not known */
size_t model_tasks(const struct model *model);
uint64_t model_count(const struct model *model, int state);
uint64_t model_dropped(const struct model *model); /* grows when tasks are dropped */
uint64_t model_added(const struct model *model);   /* tasks that were ever taken */

/* Those of one state, in the order in which they came to it: struct model_task.link. */
const struct list *model_of_state(const struct model *model, int state);

void model_unmark(struct model *model); /* no task is marked */
void model_mark(struct model *model, const Zmesos__V1__Task *task);

/* ---- rates ---- */

/* So many a second, over so many whole seconds (1 to 60) before that time. */
double model_rate(const struct model *model, enum model_kind kind, int seconds, int64_t now_ns);

/* ---- failures ---- */

size_t model_failures(const struct model *model);
const struct model_failure *model_failure(const struct model *model, size_t index); /* 0: the last one */

/* ---- the daemon ---- */

/* A heartbeat, made at that time; takes the status over. */
void model_take_status(struct model *model, Zmesos__V1__DaemonStatus *status, int64_t time_ns);
const Zmesos__V1__DaemonStatus *model_status(const struct model *model); /* NULL: none came */

/* The daemon forgets tasks that are over for long, and says so by its counts alone: drops those, the oldest
 * first. For a status whose head is the last event that was taken. False: the counts are not to be had so,
 * something was missed. */
bool model_settle(struct model *model);

/* ---- agents ---- */

void model_begin_agents(struct model *model);
void model_take_agent(struct model *model, const Zmesos__V1__Agent *agent);
void model_end_agents(struct model *model);
size_t model_agents(const struct model *model);
const struct model_agent *model_agent(const struct model *model, size_t index); /* those in use first */

#endif
