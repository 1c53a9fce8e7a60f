/* The journal's limit. Numbers have no holes, so the first and the last one tell how many rows there are;
 * should there be holes all the same, a class keeps fewer rows and no more work is done. */
#include "journal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "database.h"
#include "store/store.h"

#define COUNT_STEP 1000

void journal_init(struct journal *journal)
{
    *journal = (struct journal){.limit = STORE_EVENTS_MAX};
}

void journal_clear(struct journal *journal)
{
    free(journal->classes);
    *journal = (struct journal){0};
}

static struct journal_class *add_class(struct journal *journal, int32_t class, uint64_t first, uint64_t last)
{
    journal->classes = alloc_resize(journal->classes, journal->count + 1, sizeof *journal->classes);
    struct journal_class *added = &journal->classes[journal->count++];
    *added = (struct journal_class){.class = class, .first = first, .last = last, .counted = last + 1};
    return added;
}

static struct journal_class *find(struct journal *journal, int32_t class)
{
    for (size_t i = 0; i < journal->count; i++) {
        if (journal->classes[i].class == class)
            return &journal->classes[i];
    }
    return NULL;
}

const struct journal_class *journal_find(const struct journal *journal, int32_t class)
{
    return find((struct journal *)(uintptr_t)journal, class);
}

void journal_note(struct journal *journal, const struct event_row *row)
{
    struct journal_class *class = find(journal, row->class);
    if (!class) {
        class = add_class(journal, row->class, row->number, row->number);
        class->first_ns = row->time_ns;
        class->counted = row->number;
    }
    if (row->number < class->first)
        class->first = row->number;
    if (row->number > class->last)
        class->last = row->number;
    class->bytes += strlen(row->topic) + blob_slice(row->header).length + blob_slice(row->body).length;
}

bool journal_size(const struct journal *journal, uint64_t *rows, uint64_t *bytes)
{
    bool known = true;
    *rows = *bytes = 0;
    for (size_t i = 0; i < journal->count; i++) {
        const struct journal_class *class = &journal->classes[i];
        *rows += class->last - class->first + 1;
        *bytes += class->bytes;
        known = known && class->counted <= class->first;
    }
    return known;
}

/* Each step is a look into the index: a GROUP BY would walk through all of it. */
int journal_read(struct database *database, struct error *err)
{
    sqlite3_stmt *statement = NULL;
    int code = database_prepare(database,
            "SELECT c, (SELECT min(number) FROM event WHERE class=c), (SELECT max(number) FROM event WHERE "
            "class=c), (SELECT time_ns FROM event WHERE class=c ORDER BY number LIMIT 1)"
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
        struct journal_class *added = add_class(&database->journal, (int32_t) class,
                (uint64_t)sqlite3_column_int64(statement, 1), (uint64_t)sqlite3_column_int64(statement, 2));
        added->first_ns = sqlite3_column_int64(statement, 3);
        sqlite3_reset(statement);
    }
    sqlite3_finalize(statement);
    return code;
}

/* Whether so many bytes are too many, or a row of that number or time goes: never the last one. */
static bool is_excessive(const struct journal *journal, const struct journal_class *class, uint64_t number,
        int64_t time_ns, uint64_t bytes, int64_t now_ns)
{
    if (number >= class->last)
        return false;
    if (class->last - number >= journal->limit)
        return true;
    if (journal->bytes_limit && bytes > journal->bytes_limit)
        return true;
    return journal->age_limit_ns && time_ns < now_ns - journal->age_limit_ns;
}

bool journal_excessive(const struct journal *journal)
{
    int64_t now_ns = clock_read().wall_ns;
    for (size_t i = 0; i < journal->count; i++) {
        const struct journal_class *class = &journal->classes[i];
        if (is_excessive(journal, class, class->first, class->first_ns, class->bytes, now_ns))
            return true;
    }
    return false;
}

/* Goes through the oldest rows up to the first that stays: *stays, with its time. Returns how many do not, or
 * an error's code. */
static int find_excess(struct database *database, const struct journal_class *class, size_t budget,
        struct journal_class *stays, int64_t now_ns, struct error *err)
{
    sqlite3_stmt *row = database->statements[STATEMENT_OLDEST_EVENTS];
    int found = 0, result;
    *stays = *class;
    sqlite3_bind_int(row, 1, class->class);
    sqlite3_bind_int64(row, 2, (int64_t) class->first);
    sqlite3_bind_int64(row, 3, (int64_t)budget + 1);
    while ((result = sqlite3_step(row)) == SQLITE_ROW) {
        stays->first = (uint64_t)sqlite3_column_int64(row, 0);
        stays->first_ns = sqlite3_column_int64(row, 1);
        if ((size_t)found == budget ||
                !is_excessive(&database->journal, class, stays->first, stays->first_ns, stays->bytes, now_ns))
            break;
        if (stays->first >= stays->counted)
            stays->bytes -= (uint64_t)sqlite3_column_int64(row, 2);
        found++;
    }
    int code = result == SQLITE_ROW ? found : database_error(database, result, "read", err);
    sqlite3_reset(row);
    if (stays->counted < stays->first)
        stays->counted = stays->first;
    return code; /* the last row always stays, so that there was one */
}

static int prune_class(struct database *database, struct journal_class *class, size_t budget, int64_t now_ns,
        struct error *err)
{
    struct journal_class stays;
    int found = find_excess(database, class, budget, &stays, now_ns, err);
    if (found <= 0)
        return found;
    sqlite3_stmt *prune = database->statements[STATEMENT_PRUNE];
    sqlite3_bind_int(prune, 1, class->class);
    sqlite3_bind_int64(prune, 2, (int64_t) class->first);
    sqlite3_bind_int64(prune, 3, (int64_t)(stays.first - 1));
    int code = database_step(database, prune, err);
    if (code == 0)
        *class = stays;
    return code < 0 ? code : found;
}

int journal_prune(struct database *database, size_t budget, struct error *err)
{
    struct journal *journal = &database->journal;
    int64_t now_ns = clock_read().wall_ns;
    for (size_t i = 0; i < journal->count && budget; i++) {
        struct journal_class *class = &journal->classes[i];
        if (!is_excessive(journal, class, class->first, class->first_ns, class->bytes, now_ns))
            continue;
        int found = prune_class(database, class, budget, now_ns, err);
        if (found < 0)
            return found;
        budget -= (size_t)found;
    }
    return 0;
}

/* ---- bytes of what was there before the start ---- */

static bool is_uncounted(const struct journal *journal, const struct journal_class *class)
{
    return journal->bytes_limit && class->counted > class->first && class->bytes <= journal->bytes_limit;
}

bool journal_uncounted(const struct journal *journal)
{
    for (size_t i = 0; i < journal->count; i++) {
        if (is_uncounted(journal, &journal->classes[i]))
            return true;
    }
    return false;
}

static int count_class(struct database *database, struct journal_class *class, struct error *err)
{
    sqlite3_stmt *row = database->statements[STATEMENT_COUNT_EVENTS];
    uint64_t low = class->counted - class->first > COUNT_STEP ? class->counted - COUNT_STEP : class->first;
    sqlite3_bind_int(row, 1, class->class);
    sqlite3_bind_int64(row, 2, (int64_t)low);
    sqlite3_bind_int64(row, 3, (int64_t)(class->counted - 1));
    int result = sqlite3_step(row), code = 0;
    if (result == SQLITE_ROW) {
        class->bytes += (uint64_t)sqlite3_column_int64(row, 0);
        class->counted = low;
    } else {
        code = database_error(database, result, "read", err);
    }
    sqlite3_reset(row);
    return code;
}

int journal_count(struct database *database, struct error *err)
{
    struct journal *journal = &database->journal;
    for (size_t i = 0; i < journal->count; i++) {
        if (is_uncounted(journal, &journal->classes[i]))
            return count_class(database, &journal->classes[i], err);
    }
    return 0;
}
