/* The one connection to the database. Used by one thread at a time: the loop's until the store's thread
 * starts, then that one's alone, then the loop's again for closing. */
#ifndef STORE_DATABASE_H
#define STORE_DATABASE_H

#include <sqlite3.h>
#include <stdbool.h>

#include "base/error.h"
#include "group.h"
#include "journal.h"

enum statement {
    STATEMENT_BEGIN,
    STATEMENT_COMMIT,
    STATEMENT_META,
    STATEMENT_TASK,
    STATEMENT_SPEC,
    STATEMENT_ATTEMPT,
    STATEMENT_EVENT,
    STATEMENT_FORGET_TASK,
    STATEMENT_FORGET_SPEC,
    STATEMENT_FORGET_ATTEMPTS,
    STATEMENT_OPERATION,
    STATEMENT_OPERATION_AGAIN,
    STATEMENT_FORGET_OPERATION,
    STATEMENT_PRUNE,
    STATEMENT_OLDEST_EVENTS,
    STATEMENT_COUNT_EVENTS,
    STATEMENT_READ_EVENTS,
    STATEMENT_COUNT
};

struct database {
    sqlite3 *db;
    char *path;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    struct journal journal;
    int wal_pages; /* committed and not yet checkpointed */
};

/* Opens STORE_FILE in `directory`, brings its schema up to date and prepares the statements. */
int database_open(struct database *database, const char *directory, struct error *err) MUST_CHECK;

/* Closes. What is in the log stays there; an empty log is deleted. */
void database_close(struct database *database);

/* One transaction with these records and a share of the pruning; it is on disk when this returns 0. After an
 * error the transaction is left open, and the database is good for database_close() alone. */
int database_write(struct database *database, const struct group_record *first, struct error *err) MUST_CHECK;

/* One transaction of pruning alone. */
int database_prune(struct database *database, struct error *err) MUST_CHECK;

/* Moves the log into the database file; with `empty_log` the log has no bytes after that. */
int database_checkpoint(struct database *database, bool empty_log, struct error *err) MUST_CHECK;

/* Runs statements that give no rows. */
int database_run(struct database *database, const char *sql, struct error *err) MUST_CHECK;

/* The one integer that a query gives; 0 where it gives NULL. */
int database_integer(
        struct database *database, const char *sql, int64_t *value, struct error *err) MUST_CHECK;

int database_prepare(
        struct database *database, const char *sql, sqlite3_stmt **statement, struct error *err) MUST_CHECK;

/* Runs a prepared statement that gives no rows, and makes it ready for the next time. */
int database_step(struct database *database, sqlite3_stmt *statement, struct error *err) MUST_CHECK;

/* Puts SQLite's last error into words of ours, naming what was tried ("write"). */
int database_error(struct database *database, int result, const char *what, struct error *err);

#endif
