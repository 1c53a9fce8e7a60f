/* Consumers, which confirm updates before Mesos may forget them: consumers.c. */
#ifndef SIM_CONSUMERS_H
#define SIM_CONSUMERS_H

#include "world.h"

#define REQUEST_UPDATES_MAX 4

struct answered;
struct kept_task;
struct request;
struct update;
struct wish;

void consumers_start(struct sim *sim);
void consumers_pack(struct sim *sim, const struct wish *wish, Zmesos__V1__TaskSpec *spec);
void consumers_fill(struct sim *sim, const struct request *request, Zmesos__V1__Request *message);
void consumers_read(struct sim *sim, struct answered *answered, const Zmesos__V1__Reply *reply);
void consumers_promise(struct sim *sim, const struct answered *reply);
void consumers_reply(struct sim *sim, const struct answered *reply);
/* As which wish, of a task with a consumer that our daemon knows; NULL: it is none. */
const struct wish *consumers_keep(const struct sim *sim, const struct update *update);
bool consumers_wait(const struct kept_task *task); /* an update of it waits for its consumer */
void check_may_acknowledge(struct sim *sim, const struct update *update);
void check_acknowledged(struct sim *sim, const struct update *update, unsigned times);

#endif
