/* Processes of tasks: each leads a session, and so a process group, of its own. When it ends, what is left of
 * its group is killed before it is reaped. A child dies with us (PR_SET_PDEATHSIG); what escaped from its
 * group is ours as subreaper, and children_end() ends it. */
#ifndef LOCAL_PROCESS_H
#define LOCAL_PROCESS_H

#include <sys/types.h>

#include "local.h"

struct process {
    struct local *local;
    pid_t pid;
    void (*exited)(
            struct process *process, int status); /* status as of waitpid; the process is freed after */
    void *owner;
    struct timer kill;
};

struct process_spec {
    const char *program;      /* looked up in PATH of `environment` where it has no slash */
    char *const *arguments;   /* ends with NULL */
    char *const *environment; /* likewise */
    const char *directory;
    const char *out, *err; /* files to append to; NULL: /dev/null */
};

/* ERR_IO when a file cannot be opened or the program cannot be started. Local owns the process; `exited`
 * comes once. */
int process_start(struct local *local, const struct process_spec *spec,
        void (*exited)(struct process *process, int status), void *owner, struct process **process,
        struct error *err) MUST_CHECK;

/* SIGTERM to the group now, SIGKILL after the time (0: SIGKILL now). Again: a new time. */
void process_kill(struct process *process, int64_t grace_ms);

/* Nobody wants to know any more. */
void process_abandon(struct process *process);

void processes_reap(struct local *local);    /* after SIGCHLD */
void processes_destroy(struct local *local); /* kills all, waits, frees */

/* Kills every child of this process, adopted ones included, and theirs, until there are none. */
void children_end(void);

#endif
