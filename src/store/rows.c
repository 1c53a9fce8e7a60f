/* Writes records as rows. Bound bytes are borrowed for one step alone. */
#include "rows.h"

#include "database.h"

/* The binding of one row: counts its parameters, keeps the first error. */
struct binding {
    sqlite3_stmt *statement;
    int place;
    int result;
};

static void note(struct binding *binding, int result)
{
    if (binding->result == SQLITE_OK)
        binding->result = result;
}

static void bind_integer(struct binding *binding, int64_t value)
{
    note(binding, sqlite3_bind_int64(binding->statement, ++binding->place, value));
}

static void bind_text(struct binding *binding, const char *text)
{
    note(binding,
            sqlite3_bind_text(binding->statement, ++binding->place, text ? text : "", -1, SQLITE_STATIC));
}

/* NULL stays NULL, no bytes stay no bytes. */
static void bind_blob(struct binding *binding, const struct blob *blob)
{
    int place = ++binding->place;
    if (!blob) {
        note(binding, sqlite3_bind_null(binding->statement, place));
        return;
    }
    struct slice bytes = blob_slice(blob);
    const void *data = bytes.length ? (const void *)bytes.data : "";
    note(binding, sqlite3_bind_blob64(binding->statement, place, data, bytes.length, SQLITE_STATIC));
}

static int run(struct database *database, const struct binding *binding, struct error *err)
{
    if (binding->result != SQLITE_OK)
        return database_error(database, binding->result, "write", err);
    return database_step(database, binding->statement, err);
}

static int write_meta(struct database *database, const struct meta_row *row, struct error *err)
{
    struct binding binding = {.statement = database->statements[STATEMENT_META]};
    bind_text(&binding, row->name);
    bind_text(&binding, row->value);
    return run(database, &binding, err);
}

static int write_spec(struct database *database, const struct task_row *row, struct error *err)
{
    struct binding binding = {.statement = database->statements[STATEMENT_SPEC]};
    bind_integer(&binding, row->key);
    bind_blob(&binding, row->spec);
    return run(database, &binding, err);
}

static int write_task(struct database *database, const struct task_row *row, struct error *err)
{
    struct binding binding = {.statement = database->statements[STATEMENT_TASK]};
    bind_integer(&binding, row->key);
    bind_text(&binding, row->id);
    bind_integer(&binding, row->state);
    bind_integer(&binding, (int64_t)row->revision);
    bind_integer(&binding, row->attempts);
    bind_integer(&binding, row->kill_requested);
    bind_blob(&binding, row->kill_policy);
    bind_integer(&binding, row->created_ns);
    bind_integer(&binding, row->changed_ns);
    bind_integer(&binding, row->not_before_ns);
    bind_text(&binding, row->message);
    bind_text(&binding, row->reason);
    bind_integer(&binding, row->flags);
    int code = run(database, &binding, err);
    if (code == 0 && row->spec)
        code = write_spec(database, row, err);
    return code;
}

static int write_attempt(struct database *database, const struct attempt_row *row, struct error *err)
{
    struct binding binding = {.statement = database->statements[STATEMENT_ATTEMPT]};
    bind_integer(&binding, row->task_key);
    bind_integer(&binding, row->number);
    bind_integer(&binding, row->state);
    bind_integer(&binding, row->flags);
    bind_text(&binding, row->agent_id);
    bind_text(&binding, row->hostname);
    bind_text(&binding, row->ports);
    bind_text(&binding, row->unique);
    bind_integer(&binding, row->launched_ns);
    bind_integer(&binding, row->changed_ns);
    bind_text(&binding, row->message);
    bind_text(&binding, row->reason);
    bind_text(&binding, row->mesos_id);
    bind_text(&binding, row->agent_url);
    bind_integer(&binding, row->healthy);
    bind_integer(&binding, row->check_status);
    bind_integer(&binding, row->pending);
    bind_text(&binding, row->pending_uuid);
    bind_text(&binding, row->pending_before);
    bind_integer(&binding, row->pending_state);
    bind_integer(&binding, row->pending_ns);
    bind_integer(&binding, (int64_t)row->pending_number);
    bind_blob(&binding, row->pending_event);
    return run(database, &binding, err);
}

static int write_event(struct database *database, const struct event_row *row, struct error *err)
{
    struct binding binding = {.statement = database->statements[STATEMENT_EVENT]};
    bind_integer(&binding, row->class);
    bind_integer(&binding, (int64_t)row->number);
    bind_integer(&binding, row->time_ns);
    bind_text(&binding, row->topic);
    bind_blob(&binding, row->header);
    bind_blob(&binding, row->body);
    journal_note(&database->journal, row);
    return run(database, &binding, err);
}

static int write_operation(struct database *database, const struct operation_row *row, struct error *err)
{
    struct binding binding = {
            .statement = database->statements[row->spec ? STATEMENT_OPERATION : STATEMENT_OPERATION_AGAIN]};
    bind_integer(&binding, row->key);
    bind_integer(&binding, row->state);
    bind_integer(&binding, (int64_t)row->revision);
    bind_integer(&binding, row->flags);
    bind_integer(&binding, row->sent);
    bind_text(&binding, row->mesos_id);
    bind_text(&binding, row->agent_id);
    bind_text(&binding, row->hostname);
    bind_text(&binding, row->provider_id);
    bind_integer(&binding, row->created_ns);
    bind_integer(&binding, row->changed_ns);
    bind_text(&binding, row->message);
    bind_blob(&binding, row->status);
    if (row->spec) {
        bind_text(&binding, row->id);
        bind_blob(&binding, row->spec);
    }
    return run(database, &binding, err);
}

static int forget_operation(
        struct database *database, const struct forget_operation_row *row, struct error *err)
{
    struct binding binding = {.statement = database->statements[STATEMENT_FORGET_OPERATION]};
    bind_integer(&binding, row->key);
    return run(database, &binding, err);
}

static int forget(struct database *database, const struct forget_row *row, struct error *err)
{
    int code = 0;
    for (int i = STATEMENT_FORGET_TASK; i <= STATEMENT_FORGET_ATTEMPTS && code == 0; i++) {
        struct binding binding = {.statement = database->statements[i]};
        bind_integer(&binding, row->task_key);
        code = run(database, &binding, err);
    }
    return code;
}

int rows_write(struct database *database, const struct record *record, struct error *err)
{
    switch (record->kind) {
    case RECORD_META:
        return write_meta(database, &record->meta, err);
    case RECORD_TASK:
        return write_task(database, &record->task, err);
    case RECORD_ATTEMPT:
        return write_attempt(database, &record->attempt, err);
    case RECORD_EVENT:
        return write_event(database, &record->event, err);
    case RECORD_FORGET:
        return forget(database, &record->forget, err);
    case RECORD_OPERATION:
        return write_operation(database, &record->operation, err);
    case RECORD_FORGET_OPERATION:
        return forget_operation(database, &record->forget_operation, err);
    }
    return error_set(err, ERR_INVALID, "a record of unknown kind %d", (int)record->kind);
}
