/* Watching tasks until they are over, without missing a change: events tell what happens, and asking for the
 * tasks tells what happened before the subscription was in effect, while the connection was lost, or when an
 * event was.
 *
 * The daemon's heartbeat comes over the same connection, subscribed to after the tasks: when one arrives, the
 * subscriptions before it are in effect. The tasks are asked for at the start, then, and every ten seconds.
 */
#ifndef CLI_FOLLOW_H
#define CLI_FOLLOW_H

#include "client.h"
#include "events.h"

struct follow;

struct follow_callbacks {
    void *context;
    int64_t ask_ms; /* between two rounds of asking without a reason; 0: ten seconds */
    /* A task's state is another than the one told before, or that of another attempt; called once at least
     * for each task. `task` is borrowed. */
    void (*changed)(void *context, const Zmesos__V1__Task *task);
    /* The daemon does not know this task, or no longer. */
    void (*missing)(void *context, const char *id);
    /* A signal came: the tasks (the first 1,000) are asked to end when it returns true, else following ends.
     * Needed with follow_signals() only. */
    bool (*interrupted)(void *context, int signal);
};

/* Subscribes. The ids are copied. Settings, client and callbacks are borrowed. */
int follow_create(const struct settings *settings, struct client *client, char *const *ids, size_t count,
        const struct follow_callbacks *callbacks, struct follow **out, struct error *err) MUST_CHECK;
void follow_destroy(struct follow *follow); /* takes NULL */

/* Looks for SIGINT and SIGTERM from now on. The caller blocks them in its threads; libzmq does in its own. */
int follow_signals(struct follow *follow, struct error *err) MUST_CHECK;

/* Until all are over: 0. 1 when `interrupted` ended it. A negative code when it cannot go on. A daemon that
 * does not answer is waited for, and standard error tells. */
int follow_run(struct follow *follow, struct error *err) MUST_CHECK;

#endif
