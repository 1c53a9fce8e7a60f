/* A task while it runs on its agent: as a process, or simulated. */
#ifndef LOCAL_RUN_H
#define LOCAL_RUN_H

#include "parts.h"
#include "process.h"

struct health {
    struct timer next;    /* the next check */
    struct timer timeout; /* of the one that runs */
    struct process *process;
    bool timed_out;
    uint32_t failures; /* in a row */
    int last;          /* -1: none yet */
    int64_t started_ms;
};

struct run {
    struct task *task;
    struct process *process; /* NULL: simulated */
    struct timer limit;      /* max_completion_time; the end of a simulated task */
    struct health health;
    enum staging staging; /* not begun; `limit` is when it will be */
    bool killing;
    bool unhealthy; /* killed by its health check */
    bool too_long;  /* killed by max_completion_time */
};

#define KILL_GRACE_MS 3000

int64_t duration_ms(const Mesos__V1__DurationInfo *duration);
int64_t seconds_ms(double seconds); /* 0 for what is not positive; at most some years */

/* The sandbox of a task, made if it is not there: an allocated path. */
int sandbox_create(const struct task *task, char **path, struct error *err) MUST_CHECK;
char *sandbox_path(const struct task *task);

/* The environment for a command of the task: ours, Mesos's variables, the command's own. In the arena. */
char **sandbox_environment(const struct task *task, const CommandInfo *command, struct arena *arena);
/* The arguments of a command. In the arena, or borrowed. */
char **sandbox_arguments(const CommandInfo *command, const char **program, struct arena *arena);

void health_start(struct run *run);
void health_stop(struct run *run);

#endif
