/* What the files of the model share. */
#ifndef TOP_INTERNAL_H
#define TOP_INTERNAL_H

#include "base/map.h"
#include "top/model.h"

#define BUCKETS (MODEL_WINDOW_S + 4) /* one a second; some are ahead of what is asked for */

struct model {
    struct map by_id; /* model_task.id -> model_task */
    struct map hosts; /* texts, by themselves */
    uint64_t seed[2], changes, added, dropped, generation;
    struct list states[MODEL_STATES];

    struct bucket {
        int64_t second; /* since 1970; of another one nothing is in it */
        uint64_t counts[MODEL_KINDS];
    } buckets[BUCKETS];
    int64_t first_second; /* of the first heartbeat; 0: none came */

    struct model_failure failures[MODEL_FAILURES_MAX]; /* the last one first */
    size_t failure_count;

    struct model_agent *agents, *coming;
    size_t agent_count, coming_count, coming_capacity;

    Zmesos__V1__DaemonStatus *status;
};

char *copy_words(const char *text); /* of a message as much as is shown; NULL for none */

void rates_add(struct model *model, enum model_kind kind, int64_t time_ns, uint64_t count);

void failures_add(struct model *model, const char *id, const Zmesos__V1__Attempt *attempt);
void failures_clear(struct model *model);

void agents_clear(struct model *model);

#endif
