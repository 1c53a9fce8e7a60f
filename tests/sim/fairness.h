/* Submitters and their shares: fairness.c. */
#ifndef SIM_FAIRNESS_H
#define SIM_FAIRNESS_H

#include "world.h"

#define SUBMITTERS 3
extern const char *const submitters[SUBMITTERS]; /* the first one is NULL */

struct kept_task;
struct wish;

int64_t fairness_weight(const struct sim *sim, int submitter); /* in thousandths */
/* The task is about to be placed: it is its turn. */
void check_turn(struct sim *sim, const struct kept_task *task, const struct wish *wish);

#endif
