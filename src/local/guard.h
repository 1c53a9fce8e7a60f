/* Two processes, so that nothing is left behind whichever is killed: the guard, which the user started and
 * signals, and its child, which does the work. */
#ifndef LOCAL_GUARD_H
#define LOCAL_GUARD_H

#include <sys/types.h>

/* Splits the process. Returns 0 in the worker, which gets SIGTERM when the guard dies; in the guard, the
 * worker's pid (> 0); or a negative errno. Both are subreapers, and have SIGCHLD, SIGTERM and SIGINT blocked.
 */
pid_t guard_split(void);

/* In the guard: passes SIGTERM and SIGINT on, waits for the worker's end, ends what it has left. Returns the
 * worker's exit code, or 128 + the signal that killed it. */
int guard_wait(pid_t worker);

/* Removes a directory and all in it. */
void guard_remove(const char *directory);

#endif
