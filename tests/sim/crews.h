/* Groups of tasks, and the executors that run them: crews.c. */
#ifndef SIM_CREWS_H
#define SIM_CREWS_H

#include "stuff.h"

#define CREW_MAX 5

struct agent;
struct life;
struct offer;
struct request;
struct wish;

/* One launch of a group: its executor, and what that runs. */
struct crew {
    const char *id; /* of the executor */
    struct agent *agent;
    struct stuff stuff; /* of the executor itself */
    struct life *lives[CREW_MAX];
    size_t count;
    bool up, known; /* on the agent; to the master */
    bool ending;
    struct crew *next;
};

void crews_group(struct sim *sim, struct request *request); /* makes one of its wishes, perhaps */
struct crew *crew_of_call(struct sim *sim, const struct core_launch *launches, struct life **lives);
struct stuff crews_stuff(const struct sim *sim, const struct agent *agent);
struct crew *crew_of(struct sim *sim, const char *executor_id); /* NULL: none */
void crew_run(struct sim *sim, struct crew *crew);              /* as its agent hears of it */
void crew_task_over(struct sim *sim, struct life *life);
void crew_end(struct sim *sim, struct crew *crew);
bool crew_has_started(const struct crew *crew);
size_t crews_members(const struct sim *sim, const struct wish *wish); /* of its group, itself included */
void check_crew(struct sim *sim, const struct core_launch *launches, size_t count, size_t at);
bool crew_waits(const struct sim *sim, const struct wish *wish);                     /* all of the group */
int crew_rules(struct sim *sim, const struct wish *wish, const struct agent *agent); /* enum judged */
/* All of the group's members have room. */
bool crew_fits(const struct sim *sim, const struct wish *wish, const struct stuff *left);

#endif
