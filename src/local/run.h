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
    bool queued;          /* for an executor of the framework's own: not delivered yet */
    bool killing;
    bool unhealthy; /* killed by its health check */
    bool too_long;  /* killed by max_completion_time */
};

#define KILL_GRACE_MS 3000

int64_t duration_ms(const Mesos__V1__DurationInfo *duration);
int64_t seconds_ms(double seconds); /* 0 for what is not positive; at most some years */

/* Whose sandbox. */
struct sandbox {
    struct local *local;
    const struct agent *agent;
    const struct framework *framework;
    const char *key; /* framework id, "/", what it is called */
    const char *executor_id;
    const char *task_id; /* NULL: an executor's */
};
struct sandbox sandbox_of(const struct task *task);

/* The directory, made if it is not there: an allocated path. */
int sandbox_make(const struct sandbox *sandbox, char **path, struct error *err) MUST_CHECK;
char *sandbox_path(const struct task *task);
int sandbox_create(const struct task *task, char **path, struct error *err) MUST_CHECK;

/* The environment for a command of the task: ours, Mesos's variables, the command's own. In the arena. */
char **sandbox_environment(const struct task *task, const CommandInfo *command, struct arena *arena);
char **sandbox_executor_environment(const struct sandbox *sandbox, const CommandInfo *command,
        int64_t shutdown_grace_ms, struct arena *arena);
/* The arguments of a command. In the arena, or borrowed. */
char **sandbox_arguments(const CommandInfo *command, const char **program, struct arena *arena);

void health_start(struct run *run);
void health_stop(struct run *run);

#endif
