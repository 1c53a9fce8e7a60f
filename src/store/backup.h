/* A copy of the database, made in steps while it is in use. Used by who has the connection: the store's
 * thread. No error here is one of the store's. */
#ifndef STORE_BACKUP_H
#define STORE_BACKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct database;
struct backup;

/* Makes the temporary file `path`.part-XXXXXX (six letters or digits), mode 0600. Borrows the database,
 * copies the path. ERR_CONFLICT when `path` exists. The caller destroys *out. */
int backup_begin(
        struct database *database, const char *path, struct backup **out, struct error *err) MUST_CHECK;

/* One step, of a MiB; no transaction is open. When it was the last one *done is true: the copy is under its
 * name, synced, and *bytes is its size. After an error only backup_destroy() is of use. */
int backup_step(struct backup *backup, bool *done, uint64_t *bytes, struct error *err) MUST_CHECK;

/* Removes the temporary file when the copy is not complete. Takes NULL. Before the database is closed. */
void backup_destroy(struct backup *backup);

#endif
