/* The state directory: made, checked and locked. */
#ifndef STORE_DIRECTORY_H
#define STORE_DIRECTORY_H

#include "base/error.h"

/* Makes the directory (0700) and an empty STORE_FILE (0600) in it where they are missing, durably, and locks
 * the directory. Gives a descriptor that holds the lock until the caller closes it. ERR_CONFLICT when another
 * process has the lock, ERR_MALFORMED when STORE_FILE is no ordinary file, else ERR_IO. */
int directory_lock(const char *directory, int *lock_fd, struct error *err) MUST_CHECK;

#endif
