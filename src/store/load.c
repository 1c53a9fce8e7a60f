/* Reads all rows back as records, in the order that the header promises. Rows that contradict each other, or
 * have values of another kind than was written, are refused: SQLite's own checks do not look at that. */
#include "load.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "database.h"

/* One reading. */
struct loading {
    struct database *database;
    store_row_fn *row;
    void *context;
    sqlite3_stmt *specs; /* goes along with the tasks */
    int64_t *keys;       /* of the tasks, as they were read */
    size_t key_count, key_space;
    size_t key_at; /* goes along with the attempts */
};

/* What a query gives, one record a row. */
struct query {
    const char *table, *sql;
    const char *kinds; /* of its columns: i an integer, t text, b bytes, B bytes or NULL */
    void (*read)(sqlite3_stmt *row, struct record *record);
    int (*relate)(struct loading *loading, struct record *record, struct error *err); /* or NULL */
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
            .state = sqlite3_column_int(row, 2),
            .revision = (uint64_t)sqlite3_column_int64(row, 3),
            .attempts = (uint32_t)sqlite3_column_int64(row, 4),
            .kill_requested = sqlite3_column_int(row, 5) != 0,
            .kill_policy = blob_of(row, 6),
            .created_ns = sqlite3_column_int64(row, 7),
            .changed_ns = sqlite3_column_int64(row, 8),
            .not_before_ns = sqlite3_column_int64(row, 9),
            .message = text_of(row, 10),
            .reason = text_of(row, 11),
            .flags = (uint32_t)sqlite3_column_int64(row, 12),
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
            .agent_url = text_of(row, 13),
            .healthy = sqlite3_column_int(row, 14),
            .check_status = sqlite3_column_int64(row, 15),
            .pending = sqlite3_column_int(row, 16),
            .pending_uuid = text_of(row, 17),
            .pending_before = text_of(row, 18),
            .pending_state = sqlite3_column_int(row, 19),
            .pending_ns = sqlite3_column_int64(row, 20),
            .pending_number = (uint64_t)sqlite3_column_int64(row, 21),
            .pending_event = blob_of(row, 22),
    };
}

static void read_operation(sqlite3_stmt *row, struct record *record)
{
    record->kind = RECORD_OPERATION;
    record->operation = (struct operation_row){
            .key = sqlite3_column_int64(row, 0),
            .id = text_of(row, 1),
            .spec = blob_of(row, 2),
            .state = sqlite3_column_int(row, 3),
            .revision = (uint64_t)sqlite3_column_int64(row, 4),
            .flags = (uint32_t)sqlite3_column_int64(row, 5),
            .sent = (uint32_t)sqlite3_column_int64(row, 6),
            .mesos_id = text_of(row, 7),
            .agent_id = text_of(row, 8),
            .hostname = text_of(row, 9),
            .provider_id = text_of(row, 10),
            .created_ns = sqlite3_column_int64(row, 11),
            .changed_ns = sqlite3_column_int64(row, 12),
            .message = text_of(row, 13),
            .status = blob_of(row, 14),
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

/* The next row; *more is false when there is none. */
static int next_row(struct database *database, sqlite3_stmt *statement, bool *more, struct error *err)
{
    int result = sqlite3_step(statement);
    *more = result == SQLITE_ROW;
    return result == SQLITE_ROW || result == SQLITE_DONE ? 0 : database_error(database, result, "read", err);
}

static int check_kinds(const struct loading *loading, sqlite3_stmt *row, const char *table, const char *kinds,
        struct error *err)
{
    for (int i = 0; kinds[i]; i++) {
        int type = sqlite3_column_type(row, i);
        bool good = kinds[i] == 'i'   ? type == SQLITE_INTEGER
                    : kinds[i] == 't' ? type == SQLITE_TEXT
                    : kinds[i] == 'b' ? type == SQLITE_BLOB
                                      : type == SQLITE_BLOB || type == SQLITE_NULL;
        if (good && kinds[i] == 't')
            good = strlen(text_of(row, i)) == (size_t)sqlite3_column_bytes(row, i);
        if (!good)
            return error_set(err, ERR_MALFORMED, "%s is damaged: a row of %s has no proper %s",
                    loading->database->path, table, sqlite3_column_name(row, i));
    }
    return 0;
}

/* Each task has a specification; both are read by key. */
static int relate_task(struct loading *loading, struct record *record, struct error *err)
{
    struct task_row *task = &record->task;
    bool more;
    int code = next_row(loading->database, loading->specs, &more, err);
    if (code < 0)
        return code;
    if (!more || sqlite3_column_int64(loading->specs, 0) > task->key)
        return error_set(err, ERR_MALFORMED, "%s is damaged: task %lld has no specification",
                loading->database->path, (long long)task->key);
    if (sqlite3_column_int64(loading->specs, 0) < task->key)
        return error_set(err, ERR_MALFORMED, "%s is damaged: the specification of task %lld has no task",
                loading->database->path, (long long)sqlite3_column_int64(loading->specs, 0));
    code = check_kinds(loading, loading->specs, "spec", "ib", err);
    if (code < 0)
        return code;
    task->spec = blob_of(loading->specs, 1);
    if (loading->key_count == loading->key_space) {
        loading->key_space = loading->key_space ? 2 * loading->key_space : 1024;
        loading->keys = alloc_resize(loading->keys, loading->key_space, sizeof *loading->keys);
    }
    loading->keys[loading->key_count++] = task->key;
    return 0;
}

static int no_more_specs(struct loading *loading, struct error *err)
{
    bool more;
    int code = next_row(loading->database, loading->specs, &more, err);
    if (code == 0 && more)
        return error_set(err, ERR_MALFORMED, "%s is damaged: the specification of task %lld has no task",
                loading->database->path, (long long)sqlite3_column_int64(loading->specs, 0));
    return code;
}

/* Each attempt has a task. */
static int relate_attempt(struct loading *loading, struct record *record, struct error *err)
{
    int64_t key = record->attempt.task_key;
    while (loading->key_at < loading->key_count && loading->keys[loading->key_at] < key)
        loading->key_at++;
    if (loading->key_at < loading->key_count && loading->keys[loading->key_at] == key)
        return 0;
    return error_set(err, ERR_MALFORMED, "%s is damaged: attempt %u of task %lld has no task",
            loading->database->path, record->attempt.number, (long long)key);
}

static const struct query query_meta = {
        "meta", "SELECT name, value FROM meta ORDER BY name", "tt", read_meta, NULL};
static const struct query query_task = {"task",
        "SELECT key, id, state, revision, attempts, kill_requested, kill_policy, created_ns, changed_ns,"
        " not_before_ns, message, reason, flags FROM task ORDER BY key",
        "itiiiiBiiitti", read_task, relate_task};
static const struct query query_attempt = {"attempt",
        "SELECT task_key, number, state, flags, agent_id, hostname, ports, unique_values, launched_ns,"
        " changed_ns, message, reason, mesos_id, agent_url, healthy,"
        " check_status, pending, pending_uuid, pending_before, pending_state, pending_ns, pending_number,"
        " pending_event FROM attempt ORDER BY task_key, number",
        "iiiittttiittttiiittiiiB", read_attempt, relate_attempt};
static const struct query query_operation = {"operation",
        "SELECT key, id, spec, state, revision, flags, sent, mesos_id, agent_id, hostname, provider_id,"
        " created_ns, changed_ns, message, status FROM operation ORDER BY key",
        "itbiiiittttiitB", read_operation, NULL};
/* The recursion looks each class up in the index instead of walking through the journal. */
static const struct query query_event = {"event",
        "WITH RECURSIVE classes(c) AS (SELECT min(class) FROM event UNION ALL"
        " SELECT (SELECT min(class) FROM event WHERE class>c) FROM classes WHERE c IS NOT NULL)"
        " SELECT class, number, time_ns, topic, header, body FROM classes"
        " JOIN event ON class=c AND number=(SELECT max(number) FROM event WHERE class=c) ORDER BY c",
        "iiitBB", read_event, NULL};

static int load_row(
        struct loading *loading, const struct query *query, sqlite3_stmt *statement, struct error *err)
{
    int code = check_kinds(loading, statement, query->table, query->kinds, err);
    if (code < 0)
        return code;
    struct record record;
    query->read(statement, &record);
    if (query->relate)
        code = query->relate(loading, &record, err);
    if (code == 0)
        code = loading->row(loading->context, &record, err);
    record_drop_blobs(&record);
    return code < 0 ? code : 0;
}

static int load_rows(struct loading *loading, const struct query *query, struct error *err)
{
    sqlite3_stmt *statement = NULL;
    bool more = true;
    int code = database_prepare(loading->database, query->sql, &statement, err);
    while (code == 0 && more) {
        code = next_row(loading->database, statement, &more, err);
        if (code == 0 && more)
            code = load_row(loading, query, statement, err);
    }
    sqlite3_finalize(statement);
    return code;
}

int load_all(struct database *database, store_row_fn *row, void *context, struct error *err)
{
    struct loading loading = {.database = database, .row = row, .context = context};
    int code = database_prepare(
            database, "SELECT task_key, spec FROM spec ORDER BY task_key", &loading.specs, err);
    if (code == 0)
        code = load_rows(&loading, &query_meta, err);
    if (code == 0)
        code = load_rows(&loading, &query_task, err);
    if (code == 0)
        code = no_more_specs(&loading, err);
    if (code == 0)
        code = load_rows(&loading, &query_attempt, err);
    if (code == 0)
        code = load_rows(&loading, &query_operation, err);
    if (code == 0)
        code = load_rows(&loading, &query_event, err);
    sqlite3_finalize(loading.specs);
    free(loading.keys);
    return code;
}
