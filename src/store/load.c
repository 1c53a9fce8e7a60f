/* Reads all rows back as records, in the order that the header promises. */
#include "load.h"

#include "database.h"

/* What a query gives, one record a row. */
struct query {
    const char *sql;
    void (*read)(sqlite3_stmt *row, struct record *record);
};

static const char *text_of(sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    return text ? text : "";
}

/* The caller unrefs it. */
static struct blob *blob_of(sqlite3_stmt *row, int column)
{
    if (sqlite3_column_type(row, column) == SQLITE_NULL)
        return NULL;
    const void *data = sqlite3_column_blob(row, column);
    return blob_create(data, (size_t)sqlite3_column_bytes(row, column));
}

static void read_meta(sqlite3_stmt *row, struct record *record)
{
    record->kind = RECORD_META;
    record->meta = (struct meta_row){.name = text_of(row, 0), .value = text_of(row, 1)};
}

static void read_task(sqlite3_stmt *row, struct record *record)
{
    record->kind = RECORD_TASK;
    record->task = (struct task_row){
            .key = sqlite3_column_int64(row, 0),
            .id = text_of(row, 1),
            .spec = blob_of(row, 2),
            .state = sqlite3_column_int(row, 3),
            .revision = (uint64_t)sqlite3_column_int64(row, 4),
            .attempts = (uint32_t)sqlite3_column_int64(row, 5),
            .kill_requested = sqlite3_column_int(row, 6) != 0,
            .kill_policy = blob_of(row, 7),
            .created_ns = sqlite3_column_int64(row, 8),
            .changed_ns = sqlite3_column_int64(row, 9),
            .not_before_ns = sqlite3_column_int64(row, 10),
            .message = text_of(row, 11),
            .reason = text_of(row, 12),
            .flags = (uint32_t)sqlite3_column_int64(row, 13),
    };
}

static void read_attempt(sqlite3_stmt *row, struct record *record)
{
    record->kind = RECORD_ATTEMPT;
    record->attempt = (struct attempt_row){
            .task_key = sqlite3_column_int64(row, 0),
            .number = (uint32_t)sqlite3_column_int64(row, 1),
            .state = sqlite3_column_int(row, 2),
            .flags = (uint32_t)sqlite3_column_int64(row, 3),
            .agent_id = text_of(row, 4),
            .hostname = text_of(row, 5),
            .ports = text_of(row, 6),
            .unique = text_of(row, 7),
            .launched_ns = sqlite3_column_int64(row, 8),
            .changed_ns = sqlite3_column_int64(row, 9),
            .message = text_of(row, 10),
            .reason = text_of(row, 11),
            .mesos_id = text_of(row, 12),
    };
}

static void read_event(sqlite3_stmt *row, struct record *record)
{
    record->kind = RECORD_EVENT;
    record->event = (struct event_row){
            .class = sqlite3_column_int(row, 0),
            .number = (uint64_t)sqlite3_column_int64(row, 1),
            .time_ns = sqlite3_column_int64(row, 2),
            .topic = text_of(row, 3),
            .header = blob_of(row, 4),
            .body = blob_of(row, 5),
    };
}

static const struct query queries[] = {
        {"SELECT name, value FROM meta ORDER BY name", read_meta},
        {"SELECT key, id, spec, state, revision, attempts, kill_requested, kill_policy, created_ns,"
         " changed_ns, not_before_ns, message, reason, flags FROM task"
         " LEFT JOIN spec ON spec.task_key=task.key ORDER BY key",
                read_task},
        {"SELECT task_key, number, state, flags, agent_id, hostname, ports, unique_values, launched_ns,"
         " changed_ns, message, reason, mesos_id FROM attempt ORDER BY task_key, number",
                read_attempt},
        /* The recursion looks each class up in the index instead of walking through the journal. */
        {"WITH RECURSIVE classes(c) AS (SELECT min(class) FROM event UNION ALL"
         " SELECT (SELECT min(class) FROM event WHERE class>c) FROM classes WHERE c IS NOT NULL)"
         " SELECT class, number, time_ns, topic, header, body FROM classes"
         " JOIN event ON class=c AND number=(SELECT max(number) FROM event WHERE class=c) ORDER BY c",
                read_event},
};

static int load_rows(struct database *database, const struct query *query, store_row_fn *row, void *context,
        struct error *err)
{
    sqlite3_stmt *statement = NULL;
    int code = database_prepare(database, query->sql, &statement, err);
    while (code == 0) {
        int result = sqlite3_step(statement);
        if (result == SQLITE_DONE)
            break;
        if (result != SQLITE_ROW) {
            code = database_error(database, result, "read", err);
            break;
        }
        struct record record;
        query->read(statement, &record);
        code = row(context, &record, err);
        record_drop_blobs(&record);
    }
    sqlite3_finalize(statement);
    return code < 0 ? code : 0;
}

int load_all(struct database *database, store_row_fn *row, void *context, struct error *err)
{
    int code = 0;
    for (size_t i = 0; i < sizeof queries / sizeof *queries && code == 0; i++)
        code = load_rows(database, &queries[i], row, context, err);
    return code;
}
