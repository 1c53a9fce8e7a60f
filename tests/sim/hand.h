/* The offers that our daemon has in hand, as the models see it: what came, less what was answered, rescinded
 * or lost with its subscription. An independent account of what the core hands out. */
#ifndef SIM_HAND_H
#define SIM_HAND_H

#include "stuff.h"

struct call;
struct kept_task;
struct offer;
struct wish;
struct word;

/* What the outputs of one input place, in the order of the attempts' rows. */
struct placing {
    int64_t key;
    uint32_t attempt;
    const char *offer;
    struct stuff stuff;
    struct stuff executor; /* of its group, with the first one */
    struct placing *next;
};

struct in_hand {
    const struct offer *offer;
    struct stuff left;
    uint32_t executors;    /* that were given to it, a bit each */
    struct lessee *lessee; /* NULL: it is free */
    struct in_hand *next;
};

struct hand {
    struct in_hand *offers;
    size_t count;
    struct returned { /* of ACCEPTs that were refused: to be declined once */
        const char *id;
        struct returned *next;
    } * returned;
    struct placing *placings;
};

void hand_clear(struct sim *sim);
void hand_hear(struct sim *sim, const struct word *word);
void hand_answered(struct sim *sim, const struct call *call, enum core_answer answer);
void hand_read_outputs(struct sim *sim, const struct core_outputs *outputs); /* before any of them */
/* Whether it is in a queue, surely. */
bool hand_waits(const struct sim *sim, const struct kept_task *task);
struct in_hand *hand_find(struct sim *sim, const char *id); /* NULL: none */
/* An offer in hand that it surely fits; NULL: none. */
const struct offer *hand_fits(struct sim *sim, const struct kept_task *task, const struct wish *wish);
/* The row of an attempt that is made, before it counts. */
void check_placed(struct sim *sim, const struct attempt_row *row);
void check_accept_decided(struct sim *sim, const struct call *call);
void check_decline_decided(struct sim *sim, const struct call *call);

#endif
