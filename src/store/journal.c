/* The journal's limit. Numbers have no holes, so the first and the last one tell how many rows there are;
 * should there be holes all the same, a class keeps fewer rows and no more work is done. */
#include "journal.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "database.h"
#include "store/store.h"

void journal_init(struct journal *journal)
{
    *journal = (struct journal){.limit = STORE_EVENTS_MAX};
}

void journal_clear(struct journal *journal)
{
    free(journal->classes);
    *journal = (struct journal){0};
}

static void add_class(struct journal *journal, int32_t class, uint64_t first, uint64_t last)
{
    journal->classes = alloc_resize(journal->classes, journal->count + 1, sizeof *journal->classes);
    journal->classes[journal->count++] = (struct journal_class){class, first, last};
}

const struct journal_class *journal_find(const struct journal *journal, int32_t class)
{
    for (size_t i = 0; i < journal->count; i++) {
        if (journal->classes[i].class == class)
            return &journal->classes[i];
    }
    return NULL;
}

void journal_note(struct journal *journal, int32_t class, uint64_t number)
{
    for (size_t i = 0; i < journal->count; i++) {
        struct journal_class *known = &journal->classes[i];
        if (known->class != class)
            continue;
        if (number < known->first)
            known->first = number;
        if (number > known->last)
            known->last = number;
        return;
    }
    add_class(journal, class, number, number);
}

/* Each step is a look into the index: a GROUP BY would walk through all of it. */
int journal_read(struct database *database, struct error *err)
{
    sqlite3_stmt *statement = NULL;
    int code = database_prepare(database,
            "SELECT c, (SELECT min(number) FROM event WHERE class=c), (SELECT max(number) FROM event WHERE "
            "class=c)"
            " FROM (SELECT min(class) AS c FROM event WHERE class>?1)",
            &statement, err);
    if (code < 0)
        return code;
    for (int64_t class = INT64_MIN;;) {
        sqlite3_bind_int64(statement, 1, class);
        int result = sqlite3_step(statement);
        if (result != SQLITE_ROW) {
            code = database_error(database, result, "read", err);
            break;
        }
        if (sqlite3_column_type(statement, 0) == SQLITE_NULL)
            break;
        class = sqlite3_column_int64(statement, 0);
        add_class(&database->journal, (int32_t) class, (uint64_t)sqlite3_column_int64(statement, 1),
                (uint64_t)sqlite3_column_int64(statement, 2));
        sqlite3_reset(statement);
    }
    sqlite3_finalize(statement);
    return code;
}

static uint64_t excess(const struct journal *journal, const struct journal_class *class)
{
    uint64_t rows = class->last - class->first + 1;
    return rows > journal->limit ? rows - journal->limit : 0;
}

bool journal_excessive(const struct journal *journal)
{
    for (size_t i = 0; i < journal->count; i++)
        if (excess(journal, &journal->classes[i]))
            return true;
    return false;
}

static int prune_class(
        struct database *database, struct journal_class *class, uint64_t rows, struct error *err)
{
    sqlite3_stmt *prune = database->statements[STATEMENT_PRUNE];
    sqlite3_bind_int(prune, 1, class->class);
    sqlite3_bind_int64(prune, 2, (int64_t) class->first);
    sqlite3_bind_int64(prune, 3, (int64_t)(class->first + rows - 1));
    int code = database_step(database, prune, err);
    if (code < 0)
        return code;

    sqlite3_stmt *first = database->statements[STATEMENT_FIRST_EVENT];
    sqlite3_bind_int(first, 1, class->class);
    sqlite3_bind_int64(first, 2, (int64_t)(class->first + rows));
    int result = sqlite3_step(first);
    if (result == SQLITE_ROW)
        class->first = (uint64_t)sqlite3_column_int64(first, 0); /* there is one: the last is never deleted */
    else
        code = database_error(database, result, "read", err);
    sqlite3_reset(first);
    return code;
}

int journal_prune(struct database *database, size_t budget, struct error *err)
{
    struct journal *journal = &database->journal;
    int code = 0;
    for (size_t i = 0; i < journal->count && budget && code == 0; i++) {
        uint64_t rows = excess(journal, &journal->classes[i]);
        if (rows > budget)
            rows = budget;
        budget -= (size_t)rows;
        if (rows)
            code = prune_class(database, &journal->classes[i], rows, err);
    }
    return code;
}
