/* Events that are kept, once more: what a subscriber missed, or what was before it came. */
#ifndef CLI_REPLAY_H
#define CLI_REPLAY_H

#include <stdbool.h>

#include "client.h"
#include "events.h"

#define REPLAY_CLASSES 16 /* journaled ones have smaller numbers */

/* Handles an event that was asked for. CLI_GO_ON while more is wanted, else an exit code. */
typedef int replay_event_fn(void *context, struct event *event);

struct replay {
    const struct settings *settings;
    struct client *client; /* NULL: nothing is asked for */
    replay_event_fn *handle;
    void *context;
    char **prefixes; /* borrowed, as the caller subscribed to them */
    size_t prefix_count;
    char *store; /* whose numbers these are; NULL: not known yet */
    struct replay_class {
        bool wanted;   /* the prefixes take some of it */
        bool oldest;   /* from whatever is kept */
        uint64_t done; /* all up to here was handled, or is not wanted */
    } classes[REPLAY_CLASSES];
};

/* From that number on, of the one class that the prefixes are of, or with 0 of all that is kept. CLI_GO_ON,
 * or the exit code of what was said. The caller closes it in any case. */
int replay_open(struct replay *replay, uint64_t from);
void replay_close(struct replay *replay);

/* An event came. True: it is new, and all before it was handled. *rc is CLI_GO_ON or the exit code of what
 * was said or handled meanwhile. */
bool replay_is_new(struct replay *replay, const Zmesos__V1__EventHeader *header, int *rc);

/* A heartbeat came: handles what its heads count and did not come. CLI_GO_ON or an exit code. */
int replay_heads(struct replay *replay, const Zmesos__V1__DaemonStatus *status);

#endif
