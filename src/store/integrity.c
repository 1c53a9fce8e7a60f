/* SQLite keeps no checksums: its checks find damage to the structure, not a changed letter in a text.
 *
 * A check reads pages before loading reads them again. A million tasks of 240 bytes (414 MiB) took 0.7 s
 * beside 1.1 s for loading; with a journal of a million rows (1.1 GiB) it was 2.6 s, for rows that a start
 * does not look at. Hence two ways; up to the limit all is checked in a fifth of a second. quick_check is
 * hardly quicker and does not see whether the rows of meta and attempt are in order. */
#include "integrity.h"

#include <string.h>

#include "database.h"

#define WHOLE_BYTES_MAX (64 << 20)

/* `pragma` gives "ok", or what is wrong first. */
static int run_check(struct database *database, const char *pragma, struct error *err)
{
    sqlite3_stmt *statement = NULL;
    int code = database_prepare(database, pragma, &statement, err);
    if (code < 0)
        return code;
    int result = sqlite3_step(statement);
    const char *words = result == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    if (result != SQLITE_ROW)
        code = database_error(database, result, "check", err);
    else if (!words || strcmp(words, "ok") != 0)
        code = error_set(err, ERR_MALFORMED, "%s is damaged: %s", database->path, words ? words : "");
    sqlite3_finalize(statement);
    return code;
}

int integrity_check(struct database *database, struct error *err)
{
    static const char *const tables[] = {"PRAGMA integrity_check(meta)", "PRAGMA integrity_check(task)",
            "PRAGMA integrity_check(spec)", "PRAGMA integrity_check(attempt)"};
    int64_t pages = 0, page_size = 0, operations = 0; /* older versions have no such table */
    int code = database_integer(database, "PRAGMA page_count", &pages, err);
    if (code == 0)
        code = database_integer(database, "PRAGMA page_size", &page_size, err);
    if (code == 0 && pages * page_size <= WHOLE_BYTES_MAX)
        return run_check(database, "PRAGMA integrity_check(1)", err);
    for (size_t i = 0; i < sizeof tables / sizeof *tables && code == 0; i++)
        code = run_check(database, tables[i], err);
    if (code == 0)
        code = database_integer(
                database, "SELECT count(*) FROM sqlite_schema WHERE name='operation'", &operations, err);
    if (code == 0 && operations > 0)
        code = run_check(database, "PRAGMA integrity_check(operation)", err);
    return code;
}
