/* The connection: how it is set up, what an error of SQLite's means to us, transactions and checkpoints.
 *
 * Beware: nothing here rolls back. An error while writing leaves the connection as it is, and closing it does
 * not checkpoint, so the log keeps all that was ever committed for the next start. */
#include "database.h"

#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "reading.h"
#include "rows.h"
#include "schema.h"
#include "store/store.h"

/* Deletions in one transaction of pruning alone: some milliseconds. */
#define PRUNE_STEP 1000

int database_error(struct database *database, int result, const char *what, struct error *err)
{
    int code;
    switch (result & 0xff) {
    case SQLITE_BUSY:
        return error_set(err, ERR_CONFLICT, "%s is in use by another program", database->path);
    case SQLITE_NOTADB:
        return error_set(err, ERR_MALFORMED, "%s is not a database", database->path);
    case SQLITE_CORRUPT:
    case SQLITE_ERROR: /* our own statements fail so only when tables or columns are missing */
        code = ERR_MALFORMED;
        break;
    default:
        code = ERR_IO;
    }
    const char *words = database->db ? sqlite3_errmsg(database->db) : sqlite3_errstr(result);
    int errnum = database->db ? sqlite3_system_errno(database->db) : 0;
    if (code == ERR_IO && errnum)
        return error_set_errno(err, errnum, "cannot %s %s: %s", what, database->path, words);
    return error_set(err, code, "cannot %s %s: %s", what, database->path, words);
}

int database_run(struct database *database, const char *sql, struct error *err)
{
    int result = sqlite3_exec(database->db, sql, NULL, NULL, NULL);
    return result == SQLITE_OK ? 0 : database_error(database, result, "set up", err);
}

int database_prepare(struct database *database, const char *sql, sqlite3_stmt **statement, struct error *err)
{
    int result = sqlite3_prepare_v3(database->db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
    return result == SQLITE_OK ? 0 : database_error(database, result, "read", err);
}

int database_integer(struct database *database, const char *sql, int64_t *value, struct error *err)
{
    sqlite3_stmt *statement = NULL;
    int code = database_prepare(database, sql, &statement, err);
    if (code < 0)
        return code;
    int result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        *value = sqlite3_column_int64(statement, 0);
    else
        code = database_error(database, result, "read", err);
    sqlite3_finalize(statement);
    return code;
}

int database_step(struct database *database, sqlite3_stmt *statement, struct error *err)
{
    int result = sqlite3_step(statement);
    int code = result == SQLITE_DONE ? 0 : database_error(database, result, "write", err);
    sqlite3_reset(statement);
    return code;
}

static int prepare_statements(struct database *database, struct error *err)
{
    static const char *const texts[STATEMENT_COUNT] = {
            [STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
            [STATEMENT_COMMIT] = "COMMIT",
            [STATEMENT_META] = ROWS_META_SQL,
            [STATEMENT_TASK] = ROWS_TASK_SQL,
            [STATEMENT_SPEC] = ROWS_SPEC_SQL,
            [STATEMENT_ATTEMPT] = ROWS_ATTEMPT_SQL,
            [STATEMENT_EVENT] = ROWS_EVENT_SQL,
            [STATEMENT_FORGET_TASK] = ROWS_FORGET_TASK_SQL,
            [STATEMENT_FORGET_SPEC] = ROWS_FORGET_SPEC_SQL,
            [STATEMENT_FORGET_ATTEMPTS] = ROWS_FORGET_ATTEMPTS_SQL,
            [STATEMENT_OPERATION] = ROWS_OPERATION_SQL,
            [STATEMENT_OPERATION_AGAIN] = ROWS_OPERATION_AGAIN_SQL,
            [STATEMENT_FORGET_OPERATION] = ROWS_FORGET_OPERATION_SQL,
            [STATEMENT_PRUNE] = JOURNAL_PRUNE_SQL,
            [STATEMENT_OLDEST_EVENTS] = JOURNAL_OLDEST_SQL,
            [STATEMENT_COUNT_EVENTS] = JOURNAL_COUNT_SQL,
            [STATEMENT_READ_EVENTS] = READING_SQL,
    };
    int code = 0;
    for (int i = 0; i < STATEMENT_COUNT && code == 0; i++)
        code = database_prepare(database, texts[i], &database->statements[i], err);
    return code;
}

static int note_wal_pages(void *context, sqlite3 *db, const char *name, int pages)
{
    (void)db;
    (void)name;
    struct database *database = context;
    database->wal_pages = pages;
    return SQLITE_OK;
}

int database_open(struct database *database, const char *directory, struct error *err)
{
    *database = (struct database){0};
    journal_init(&database->journal);
    /* A path that starts with "file:" would be taken for a URI. */
    const char *prefix = directory[0] == '/' ? "" : "./";
    database->path = sqlite3_mprintf("%s%s/%s", prefix, directory, STORE_FILE);
    if (!database->path)
        return error_set(err, ERR_IO, "cannot open %s: out of memory", directory);

    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int result = sqlite3_open_v2(database->path, &database->db, flags, NULL);
    int code = result == SQLITE_OK ? 0 : database_error(database, result, "open", err);
    if (code == 0)
        result = sqlite3_db_config(database->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if (code == 0 && result != SQLITE_OK)
        code = database_error(database, result, "open", err);
    /* EXCLUSIVE before the first read keeps the log's index in memory. Debian's SQLite overwrites deleted
     * bytes with zeros unless told not to, which writes each pruned page's content once more. */
    if (code == 0)
        code = database_run(database,
                "PRAGMA locking_mode=EXCLUSIVE; PRAGMA temp_store=MEMORY; PRAGMA secure_delete=OFF;"
                "PRAGMA synchronous=FULL; PRAGMA cell_size_check=ON; PRAGMA wal_autocheckpoint=0; PRAGMA "
                "cache_size=-16384",
                err);
    if (code == 0)
        code = schema_open(database, err);
    if (code == 0)
        code = prepare_statements(database, err);
    if (code == 0)
        code = journal_read(database, err);
    if (code < 0) {
        database_close(database);
        return code;
    }
    sqlite3_wal_hook(database->db, note_wal_pages, database);
    return 0;
}

/* Closing checkpoints and then deletes the log, unless told not to. With an empty log it is told to go on:
 * there is nothing to lose, and no empty file stays behind. */
static void let_empty_log_go(struct database *database)
{
    const char *name = sqlite3_db_filename(database->db, NULL);
    struct stat log;
    if (name && stat(sqlite3_filename_wal(name), &log) == 0 && log.st_size == 0)
        sqlite3_db_config(database->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
}

void database_close(struct database *database)
{
    if (database->db)
        let_empty_log_go(database);
    for (int i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(database->statements[i]);
    sqlite3_close(database->db);
    sqlite3_free(database->path);
    journal_clear(&database->journal);
    *database = (struct database){0};
}

int database_write(struct database *database, const struct group_record *first, struct error *err)
{
    int code = database_step(database, database->statements[STATEMENT_BEGIN], err);
    size_t events = 0;
    for (const struct group_record *node = first; node && code == 0; node = node->next) {
        code = rows_write(database, &node->record, err);
        events += node->record.kind == RECORD_EVENT;
    }
    /* Two rows go for each that came: what is above the limit shrinks under any load, in proportion to it. */
    if (code == 0)
        code = journal_prune(database, 2 * events, err);
    if (code == 0)
        code = database_step(database, database->statements[STATEMENT_COMMIT], err);
    return code;
}

int database_prune(struct database *database, struct error *err)
{
    int code = database_step(database, database->statements[STATEMENT_BEGIN], err);
    if (code == 0)
        code = journal_prune(database, PRUNE_STEP, err);
    if (code == 0)
        code = database_step(database, database->statements[STATEMENT_COMMIT], err);
    return code;
}

int database_checkpoint(struct database *database, bool empty_log, struct error *err)
{
    int mode = empty_log ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
    int result = sqlite3_wal_checkpoint_v2(database->db, NULL, mode, NULL, NULL);
    if (result != SQLITE_OK)
        return database_error(database, result, "checkpoint", err);
    database->wal_pages = 0;
    return 0;
}
