/* What `launch` and `run` share: tasks from flags or a file, and their way to the daemon. */
#ifndef CLI_LAUNCH_H
#define CLI_LAUNCH_H

#include "client.h"
#include "spec.h"

#define LAUNCH_ITEMS_MAX 1000 /* of one request */

struct launch {
    struct spec spec;              /* from flags, or */
    Zmesos__V1__Launch *from_file; /* owned, or NULL */
    Zmesos__V1__TaskSpec **tasks;  /* borrowed from either */
    size_t count;
    Zmesos__V1__TaskSpec *single; /* what `tasks` points to for one from flags */
};

/* Reads the command's flags. CLI_GO_ON, or the exit code. The caller clears *launch in any case. */
int launch_read(struct launch *launch, struct settings *settings, int argc, char **argv);
void launch_clear(struct launch *launch);

/* Sends all tasks in as many requests as it takes. `item` is called for each, in order; `task` is what it was
 * about. CLI_GO_ON when all were answered (each may still be refused), or the exit code after saying why. */
int launch_send(const struct launch *launch, const struct settings *settings, struct client *client,
        void (*item)(void *context, const Zmesos__V1__TaskSpec *task, const Zmesos__V1__Item *item),
        void *context);

bool launch_taken(const Zmesos__V1__Item *item);

#endif
