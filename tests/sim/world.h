/* Virtual time, and the names that all models use. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "base/arena.h"
#include "base/heap.h"
#include "base/list.h"
#include "core/core.h"
#include "random.h"

#define MS ((int64_t)1000) /* virtual time is in microseconds */
#define SECOND (1000 * MS)
#define MINUTE (60 * SECOND)

#define ROLES 3
#define ROLES_CONFIGURED 2
#define ROLE_ADDED 2 /* comes and goes by UPDATE_FRAMEWORK */
#define EXECUTORS 2  /* of tasks that share one: from 1 */
#define AGENTS_MAX 8
#define TASKS_MAX 24
#define OPERATIONS_MAX 1024
#define OPERATIONS_FOUND_MAX 16 /* of those, that nobody asked for */
#define METAS_MAX 16
#define OPERATION_UUID ((uint64_t)1 << 40) /* theirs are greater, those of tasks smaller */
#define LANES 5                            /* one ordered, the others for acknowledgements */

typedef Mesos__V1__TaskState mesos_state;
typedef Zmesos__V1__TaskState view_state;
#define TASK(name) MESOS__V1__TASK_STATE__TASK_##name
#define VIEW(name) ZMESOS__V1__TASK_STATE__##name
#define REASON(name) MESOS__V1__TASK_STATUS__REASON__REASON_##name
#define SOURCE(name) MESOS__V1__TASK_STATUS__SOURCE__SOURCE_##name
#define CALL(name) MESOS__V1__SCHEDULER__CALL__TYPE__##name
#define EVENT(name) MESOS__V1__SCHEDULER__EVENT__TYPE__##name
#define EVENT_CLASS(name) ZMESOS__V1__EVENT_CLASS__##name

struct sim;

typedef void event_fn(struct sim *sim, void *context, uint64_t number);

struct event {
    struct heap_node node;
    event_fn *fn;
    void *context;
    uint64_t number;
    struct event *next_free;
};

void world_after(struct sim *sim, int64_t delay_us, event_fn *fn, void *context, uint64_t number);
bool world_step(struct sim *sim); /* the next event; false: none is left */
struct now world_now(const struct sim *sim);
const char *role_name(int role);
int role_of(const char *name); /* -1: none */
void *sim_alloc(struct sim *sim, size_t size);
#define NEW(sim, type) ((type *)sim_alloc(sim, sizeof(type)))

/* trace.c */
void trace(struct sim *sim, const char *who, const char *format, ...) PRINTF_LIKE(3, 4);
const char *call_name(int type);
const char *state_name(int state);
const char *view_name(int state);

#endif
