/* zmesosd itself: the store, the core, the master client and the sockets, wired together around one loop. */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include "options.h"

struct daemon;

/* Opens the state, recovers, binds the sockets. Errors are one line for the person who started it. */
int daemon_create(const struct options *options, struct daemon **out, struct error *err) MUST_CHECK;

/* Runs until a signal or until the master refuses the framework for good. Returns the exit status. */
int daemon_run(struct daemon *daemon);

/* The endpoints really bound, as "control=... pipeline=... events=..." and, where there is one, "
 * events-json=..."; returns `text`. */
const char *daemon_endpoints(const struct daemon *daemon, char *text, size_t size);

void daemon_destroy(struct daemon *daemon); /* takes NULL */

#endif
