/* What the files of ACCEPT share: handle_accept.c (offers, operations), accept_launch.c (tasks, and executors
 * of the framework's own), accept_group.c (task groups). */
#ifndef LOCAL_ACCEPT_H
#define LOCAL_ACCEPT_H

#include "parts.h"

/* The resources of an ACCEPT's offers on their way to its tasks. */
struct accepted {
    struct framework *framework;
    struct agent *agent;
    char *role;
    struct resources left;
    struct resources offered;
    bool converted; /* by operations: `left` is not a part of `offered` any more */
};

void accept_refuse_task(
        struct framework *framework, const TaskInfo *info, TaskState state, int reason, const char *message);

/* Every task of an operation; an operation of another kind answers by its status, if it has an id. */
void accept_refuse(struct framework *framework, const Operation *operation, TaskState state, int reason,
        const char *message);

/* Replaces what is in `resources`. */
void accept_read(struct accepted *accepted, Resource **messages, size_t count, struct resources *resources);

/* A new task; takes the info and the resources. */
struct task *accept_task(
        struct accepted *accepted, TaskInfo *info, const char *executor_id, struct resources *resources);

/* A new executor; takes its info and its resources. */
struct executor *accept_executor(struct accepted *accepted, ExecutorInfo **info, struct resources *resources);

void accept_join(struct task *task, struct executor *executor);
void accept_begin(struct task *task);

void accept_launch(struct accepted *accepted, Operation *operation);
void accept_launch_group(struct accepted *accepted, Operation *operation);

#endif
