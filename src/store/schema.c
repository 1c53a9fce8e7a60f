/* The schema. PRAGMA user_version has its version, PRAGMA application_id tells our files from others. A new
 * database is one of version 0 and takes all steps. A step is never changed once it was released: add the
 * next one.
 *
 * On the tables of version 1:
 * - A specification has a row of its own, so that a task's many changes of state do not rewrite it.
 * - task.id has no index: the core keeps ids unique and nothing here looks for one, while an index over ids
 * in no order doubled the pages that launching writes.
 * - event is an ordinary table with an index. As WITHOUT ROWID it was no faster with bodies of 250 bytes and
 * half as fast with 1,500, which no longer fit into an index page. */
#include "schema.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "database.h"
#include "integrity.h"
#include "store/store.h"

#define APPLICATION_ID 0x7a6d6573 /* "zmes" */

/* Element i leads from version i to i + 1. */
static const char *const migrations[] = {
        "CREATE TABLE meta("
        "  name TEXT PRIMARY KEY NOT NULL,"
        "  value TEXT NOT NULL"
        ") WITHOUT ROWID;"
        "CREATE TABLE task("
        "  key INTEGER PRIMARY KEY,"
        "  id TEXT NOT NULL,"
        "  state INTEGER NOT NULL,"
        "  revision INTEGER NOT NULL,"
        "  attempts INTEGER NOT NULL,"
        "  kill_requested INTEGER NOT NULL,"
        "  kill_policy BLOB,"
        "  created_ns INTEGER NOT NULL,"
        "  changed_ns INTEGER NOT NULL,"
        "  not_before_ns INTEGER NOT NULL,"
        "  message TEXT NOT NULL,"
        "  reason TEXT NOT NULL"
        ");"
        "CREATE TABLE spec("
        "  task_key INTEGER PRIMARY KEY,"
        "  spec BLOB NOT NULL"
        ");"
        "CREATE TABLE attempt("
        "  task_key INTEGER NOT NULL,"
        "  number INTEGER NOT NULL,"
        "  state INTEGER NOT NULL,"
        "  flags INTEGER NOT NULL,"
        "  agent_id TEXT NOT NULL,"
        "  hostname TEXT NOT NULL,"
        "  ports TEXT NOT NULL,"
        "  unique_values TEXT NOT NULL,"
        "  launched_ns INTEGER NOT NULL,"
        "  changed_ns INTEGER NOT NULL,"
        "  message TEXT NOT NULL,"
        "  reason TEXT NOT NULL,"
        "  PRIMARY KEY(task_key, number)"
        ") WITHOUT ROWID;"
        "CREATE TABLE event("
        "  class INTEGER NOT NULL,"
        "  number INTEGER NOT NULL,"
        "  time_ns INTEGER NOT NULL,"
        "  topic TEXT NOT NULL,"
        "  header BLOB,"
        "  body BLOB,"
        "  PRIMARY KEY(class, number)"
        ");",
        "ALTER TABLE task ADD COLUMN flags INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE attempt ADD COLUMN mesos_id TEXT NOT NULL DEFAULT '';"
        "ALTER TABLE attempt ADD COLUMN agent_url TEXT NOT NULL DEFAULT '';"
        "ALTER TABLE attempt ADD COLUMN healthy INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE attempt ADD COLUMN check_status INTEGER NOT NULL DEFAULT 0;",
        "ALTER TABLE attempt ADD COLUMN pending INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE attempt ADD COLUMN pending_uuid TEXT NOT NULL DEFAULT '';"
        "ALTER TABLE attempt ADD COLUMN pending_before TEXT NOT NULL DEFAULT '';"
        "ALTER TABLE attempt ADD COLUMN pending_state INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE attempt ADD COLUMN pending_ns INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE attempt ADD COLUMN pending_number INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE attempt ADD COLUMN pending_event BLOB;"
        "CREATE TABLE operation("
        "  key INTEGER PRIMARY KEY,"
        "  id TEXT NOT NULL,"
        "  spec BLOB NOT NULL,"
        "  state INTEGER NOT NULL,"
        "  revision INTEGER NOT NULL,"
        "  flags INTEGER NOT NULL,"
        "  sent INTEGER NOT NULL,"
        "  mesos_id TEXT NOT NULL,"
        "  agent_id TEXT NOT NULL,"
        "  hostname TEXT NOT NULL,"
        "  provider_id TEXT NOT NULL,"
        "  created_ns INTEGER NOT NULL,"
        "  changed_ns INTEGER NOT NULL,"
        "  message TEXT NOT NULL,"
        "  status BLOB"
        ");",
};
_Static_assert(sizeof migrations / sizeof *migrations == STORE_SCHEMA_VERSION, "one migration a version");

/* Whether the file is ours, and its version; an empty one is ours, of version 0. */
static int identify(struct database *database, int64_t *version, struct error *err)
{
    int64_t application = 0, found = 0, objects = 0;
    int code = database_integer(database, "PRAGMA application_id", &application, err);
    if (code == 0)
        code = database_integer(database, "PRAGMA user_version", &found, err);
    if (code == 0)
        code = database_integer(database, "SELECT count(*) FROM sqlite_schema", &objects, err);
    if (code < 0)
        return code;
    bool empty = application == 0 && found == 0 && objects == 0;
    if (!empty && (application != APPLICATION_ID || found < 1))
        return error_set(err, ERR_MALFORMED, "%s is not a database of zmesos", database->path);
    if (found > STORE_SCHEMA_VERSION)
        return error_set(err, ERR_VERSION,
                "%s was written by a newer zmesos: schema version %lld, known is %d", database->path,
                (long long)found, STORE_SCHEMA_VERSION);
    *version = found;
    return 0;
}

static int use_wal(struct database *database, struct error *err)
{
    sqlite3_stmt *statement = NULL;
    int code = database_prepare(database, "PRAGMA journal_mode=WAL", &statement, err);
    if (code < 0)
        return code;
    int result = sqlite3_step(statement);
    const char *mode = result == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    if (result != SQLITE_ROW)
        code = database_error(database, result, "write", err);
    else if (!mode || strcmp(mode, "wal") != 0)
        code = error_set(err, ERR_IO, "cannot write %s: no write-ahead log here", database->path);
    sqlite3_finalize(statement);
    return code;
}

static int migrate(struct database *database, int64_t version, struct error *err)
{
    char stamp[128];
    snprintf(stamp, sizeof stamp, "PRAGMA application_id=%d; PRAGMA user_version=%d", APPLICATION_ID,
            STORE_SCHEMA_VERSION);
    int code = database_run(database, "BEGIN EXCLUSIVE", err);
    for (int64_t i = version; i < STORE_SCHEMA_VERSION && code == 0; i++)
        code = database_run(database, migrations[i], err);
    if (code == 0)
        code = database_run(database, stamp, err);
    if (code == 0)
        code = database_run(database, "COMMIT", err);
    return code;
}

int schema_open(struct database *database, struct error *err)
{
    int64_t version = 0;
    int code = identify(database, &version, err);
    if (code == 0 && version > 0)
        code = integrity_check(database, err);
    if (code == 0 && version == 0)
        code = database_run(database, "PRAGMA auto_vacuum=NONE", err);
    if (code == 0)
        code = use_wal(database, err);
    if (code == 0 && version < STORE_SCHEMA_VERSION)
        code = migrate(database, version, err);
    return code;
}
