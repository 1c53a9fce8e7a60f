/* The whole program but its command line and its guard. */
#ifndef LOCAL_RUN_LOCAL_H
#define LOCAL_RUN_LOCAL_H

#include "options.h"

/* Runs until SIGTERM or SIGINT, and ends every process that it started. Returns the exit code; says on stderr
 * what went wrong: 2 for what the user gave, 1 for the rest. */
int run_local(const struct options *options, const char *work_dir);

#endif
