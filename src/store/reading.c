/* Reading the journal in steps short enough for the group that arrives meanwhile. Each step begins again at a
 * number: no statement stays open while a group is written. */
#include "reading.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "database.h"

/* In one step: about half a millisecond. */
#define STEP_ROWS 256
#define STEP_BYTES ((size_t)256 << 10)

void reading_put(struct reading_queue *queue, struct store_read *read)
{
    read->later = NULL;
    if (queue->last)
        queue->last->later = read;
    else
        queue->first = read;
    queue->last = read;
}

struct store_read *reading_take(struct reading_queue *queue)
{
    struct store_read *read = queue->first;
    if (!read)
        return NULL;
    queue->first = read->later;
    if (!queue->first)
        queue->last = NULL;
    read->later = NULL;
    return read;
}

static struct blob *blob_of(sqlite3_stmt *row, int column)
{
    const void *data = sqlite3_column_blob(row, column);
    return blob_create(data, (size_t)sqlite3_column_bytes(row, column));
}

/* False when there is no room for it on this page. */
static bool keep(struct store_read *read, sqlite3_stmt *row, uint64_t number, const char *topic)
{
    size_t bytes = (size_t)sqlite3_column_bytes(row, 1) + (size_t)sqlite3_column_bytes(row, 3) +
                   (size_t)sqlite3_column_bytes(row, 4);
    if (read->count > 0 && read->bytes + bytes > read->bytes_max)
        return false;
    if (read->count == read->room) {
        read->room = read->room ? read->room * 2 : 64;
        read->rows = alloc_resize(read->rows, read->room, sizeof *read->rows);
    }
    read->rows[read->count++] = (struct event_row){.class = read->class,
            .number = number,
            .time_ns = sqlite3_column_int64(row, 2),
            .topic = alloc_string(topic),
            .header = blob_of(row, 3),
            .body = blob_of(row, 4)};
    read->bytes += bytes;
    return true;
}

/* False when the page is full. */
static bool take(struct store_read *read, sqlite3_stmt *row)
{
    uint64_t number = (uint64_t)sqlite3_column_int64(row, 0);
    const char *topic = (const char *)sqlite3_column_text(row, 1);
    if (!read->wanted || read->wanted(read->context, topic ? topic : "")) {
        if (!read->count_only && !keep(read, row, number, topic))
            return false;
        read->found++;
        read->last = number;
    }
    read->next = number + 1;
    read->looked++;
    return read->looked < read->look_max && (read->count_only || read->count < read->rows_max);
}

static int read_rows(
        struct database *database, struct store_read *read, uint64_t until, bool *done, struct error *err)
{
    sqlite3_stmt *row = database->statements[STATEMENT_READ_EVENTS];
    size_t rows_before = read->looked, bytes_before = read->bytes;
    int result;
    sqlite3_bind_int(row, 1, read->class);
    sqlite3_bind_int64(row, 2, (int64_t)read->next);
    sqlite3_bind_int64(row, 3, (int64_t)until);
    while ((result = sqlite3_step(row)) == SQLITE_ROW) {
        *done = !take(read, row);
        if (*done || read->looked - rows_before >= STEP_ROWS || read->bytes - bytes_before >= STEP_BYTES)
            break;
    }
    int code =
            result == SQLITE_ROW || result == SQLITE_DONE ? 0 : database_error(database, result, "read", err);
    sqlite3_reset(row);
    if (result == SQLITE_DONE) {
        read->next = until + 1;
        *done = true;
    }
    return code;
}

int reading_step(struct database *database, struct store_read *read, bool *done, struct error *err)
{
    const struct journal_class *class = journal_find(&database->journal, read->class);
    if (read->next == 0)
        read->next = read->from;
    read->oldest = class ? class->first : 0;
    if (!class || read->next < class->first || read->next > class->last || read->next > read->until) {
        /* Also where what is left of it was deleted between two steps. */
        *done = true;
        return 0;
    }
    uint64_t until = read->until < class->last ? read->until : class->last;
    if (read->count_only && !read->wanted) { /* numbers have no holes */
        read->found = until - read->next + 1;
        read->last = until;
        read->next = until + 1;
        *done = true;
        return 0;
    }
    return read_rows(database, read, until, done, err);
}

void store_read_clear(struct store_read *read)
{
    for (size_t i = 0; i < read->count; i++) {
        free((char *)(uintptr_t)read->rows[i].topic);
        blob_unref(read->rows[i].header);
        blob_unref(read->rows[i].body);
    }
    free(read->rows);
    *read = (struct store_read){0};
}
