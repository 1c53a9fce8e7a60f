/* Databases of earlier versions: opened, migrated, all rows there; also when the machine fails while that is
 * done. The text of a version's schema is kept here as it was released: it is never changed. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "../../crash/crash_vfs.h"
#include "support.h"

static const char version_1[] =
        "PRAGMA auto_vacuum=NONE; PRAGMA journal_mode=WAL;"
        "CREATE TABLE meta(name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID;"
        "CREATE TABLE task(key INTEGER PRIMARY KEY, id TEXT NOT NULL, state INTEGER NOT NULL,"
        " revision INTEGER NOT NULL, attempts INTEGER NOT NULL, kill_requested INTEGER NOT NULL,"
        " kill_policy BLOB, created_ns INTEGER NOT NULL, changed_ns INTEGER NOT NULL,"
        " not_before_ns INTEGER NOT NULL, message TEXT NOT NULL, reason TEXT NOT NULL);"
        "CREATE TABLE spec(task_key INTEGER PRIMARY KEY, spec BLOB NOT NULL);"
        "CREATE TABLE attempt(task_key INTEGER NOT NULL, number INTEGER NOT NULL, state INTEGER NOT NULL,"
        " flags INTEGER NOT NULL, agent_id TEXT NOT NULL, hostname TEXT NOT NULL, ports TEXT NOT NULL,"
        " unique_values TEXT NOT NULL, launched_ns INTEGER NOT NULL, changed_ns INTEGER NOT NULL,"
        " message TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY(task_key, number)) WITHOUT ROWID;"
        "CREATE TABLE event(class INTEGER NOT NULL, number INTEGER NOT NULL, time_ns INTEGER NOT NULL,"
        " topic TEXT NOT NULL, header BLOB, body BLOB, PRIMARY KEY(class, number));"
        "PRAGMA application_id=2053989747; PRAGMA user_version=1;"; /* "zmes" */

/* What version 2 added. */
static const char version_2[] = "ALTER TABLE task ADD COLUMN flags INTEGER NOT NULL DEFAULT 0;"
                                "ALTER TABLE attempt ADD COLUMN mesos_id TEXT NOT NULL DEFAULT '';"
                                "ALTER TABLE attempt ADD COLUMN agent_url TEXT NOT NULL DEFAULT '';"
                                "ALTER TABLE attempt ADD COLUMN healthy INTEGER NOT NULL DEFAULT 0;"
                                "ALTER TABLE attempt ADD COLUMN check_status INTEGER NOT NULL DEFAULT 0;"
                                "PRAGMA user_version=2;";

/* Each kind of row, in the order of loading. */
static const char version_1_rows[] =
        "BEGIN;"
        "INSERT INTO meta VALUES('framework_id', 'f-1'), ('run', '7'), ('store_id', 's');"
        "INSERT INTO task VALUES(1, 'job', 5, -1, 2, 1, x'0102', 11, -12, 13, 'm', 'r'),"
        " (4294967296, 'other', 1, 1, 0, 0, NULL, 21, 22, 0, '', '');"
        "INSERT INTO spec VALUES(1, x'0a036a6f62'), (4294967296, x'');"
        "INSERT INTO attempt VALUES(1, 1, 3, 4294967295, 'S0', 'host', '31000 31005', 'rack=r1', 31, 32, "
        "'m', 'r'),"
        " (1, 2, 1, 0, 'S1', '', '', '', 41, 42, '', '');"
        "INSERT INTO event VALUES(1, 1, 51, 'task/job/QUEUED', x'08', x'09'), (1, 2, 52, 'task/job/RUNNING', "
        "x'', "
        "NULL),"
        " (3, 9, 53, 'mesos/UPDATE/job/1', x'01', x'02');"
        "COMMIT;";

static const char version_1_text[] =
        "meta framework_id='f-1'\nmeta run='7'\nmeta store_id='s'\n"
        "task 1 id='job' spec=<0a036a6f62> state=5 revision=18446744073709551615 attempts=2 kill=1 "
        "policy=<0102> "
        "created=11 changed=-12 not_before=13 message='m' reason='r' flags=0\n"
        "task 4294967296 id='other' spec=<> state=1 revision=1 attempts=0 kill=0 policy=NULL created=21 "
        "changed=22 "
        "not_before=0 message='' reason='' flags=0\n"
        "attempt 1/1 state=3 flags=ffffffff agent='S0' host='host' ports='31000 31005' unique='rack=r1' "
        "launched=31 changed=32 message='m' reason='r' mesos=''\n"
        "attempt 1/2 state=1 flags=0 agent='S1' host='' ports='' unique='' launched=41 changed=42 message='' "
        "reason='' mesos=''\n"
        "event 1/2 time=52 topic='task/job/RUNNING' header=<> body=NULL\n"
        "event 3/9 time=53 topic='mesos/UPDATE/job/1' header=<01> body=<02>\n";

/* The columns that version 2 has. */
static const char version_2_values[] =
        "UPDATE task SET flags=7 WHERE key=1;"
        "UPDATE attempt SET mesos_id='job.1.2-r1', agent_url='http://a:5051', healthy=-1, check_status=9"
        " WHERE number=2;";

static const char *text_of_version(struct fixture *fixture, int version)
{
    const char *text = version_1_text, *flags = strstr(text, "flags=0"),
               *mesos = strstr(text, "mesos=''\nevent");
    if (version == 1)
        return text;
    return arena_format(&fixture->arena,
            "%.*sflags=7%.*smesos='job.1.2-r1' url=http://a:5051 healthy=-1 check=9%s", (int)(flags - text),
            text, (int)(mesos - flags - 7), flags + 7, mesos + strlen("mesos=''"));
}

static void execute(sqlite3 *db, const char *sql)
{
    char *words = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &words) != SQLITE_OK)
        fail_msg("%s: %s", sql, words);
}

/* With `in_log` the rows are in the write-ahead log, as a crash leaves them. */
static void make_version(const struct fixture *fixture, int version, bool in_log)
{
    sqlite3 *db = NULL;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    mkdir(fixture->directory, 0700);
    unlink(fixture->file);
    unlink(fixture->log);
    assert_int_equal(sqlite3_open_v2(fixture->file, &db, flags, "unix"), SQLITE_OK);
    execute(db, version_1);
    execute(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    execute(db, version_1_rows);
    if (version == 2) {
        execute(db, version_2);
        execute(db, version_2_values);
    }
    if (in_log)
        assert_int_equal(sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void assert_migrated(struct fixture *fixture, int version)
{
    struct store *store = open_store(fixture);
    assert_string_equal(load_text(fixture, store), text_of_version(fixture, version));
    store_destroy(store);
    assert_int_equal(run_sql(fixture, "PRAGMA user_version"), STORE_SCHEMA_VERSION);
}

static void test_earlier_versions_are_migrated(void **state)
{
    struct fixture *fixture = *state;
    for (int version = 1; version < STORE_SCHEMA_VERSION; version++) {
        make_version(fixture, version, false);
        assert_migrated(fixture, version);
        assert_migrated(fixture, version); /* nothing to do the second time */
        make_version(fixture, version, true);
        assert_true(file_size(fixture->log) > 0);
        assert_migrated(fixture, version);
    }
}

static const char *schema_of(struct fixture *fixture)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    const char *text = "";
    assert_int_equal(sqlite3_open_v2(fixture->file, &db, SQLITE_OPEN_READWRITE, "unix"), SQLITE_OK);
    const char *sql =
            "SELECT m.name, c.name, c.type, c.\"notnull\", c.dflt_value, c.pk FROM sqlite_schema AS m,"
            " pragma_table_info(m.name) AS c ORDER BY m.name, c.cid";
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        for (int i = 0; i < 6; i++) {
            const char *value = (const char *)sqlite3_column_text(statement, i);
            text = arena_format(&fixture->arena, "%s%s ", text, value ? value : "-");
        }
        text = arena_format(&fixture->arena, "%s\n", text);
    }
    sqlite3_finalize(statement);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return text;
}

static void test_a_migrated_database_has_the_tables_of_a_new_one(void **state)
{
    struct fixture *fixture = *state;
    store_destroy(open_store(fixture));
    const char *made = schema_of(fixture);
    assert_non_null(strstr(made, "task flags INTEGER 1 0 0"));
    for (int version = 1; version < STORE_SCHEMA_VERSION; version++) {
        make_version(fixture, version, false);
        store_destroy(open_store(fixture));
        assert_string_equal(schema_of(fixture), made);
    }
}

/* What the migrated database is for: rows with the new columns. */
static void test_a_migrated_database_takes_rows(void **state)
{
    struct fixture *fixture = *state;
    make_version(fixture, 1, false);
    struct store *store = open_store(fixture);
    struct record records[] = {{.kind = RECORD_TASK, .task = {.key = 1, .id = "job", .flags = 5}},
            {.kind = RECORD_ATTEMPT,
                    .attempt = {.task_key = 1,
                            .number = 2,
                            .mesos_id = "job.1.2-r1",
                            .agent_url = "http://a:5051",
                            .healthy = 1,
                            .check_status = 7,
                            .pending = 1,
                            .pending_uuid = "u",
                            .pending_before = "b",
                            .pending_number = 3}}};
    struct blob *spec = blob_create("xy", 2);
    struct record operation = {
            .kind = RECORD_OPERATION, .operation = {.key = 2, .id = "r", .spec = spec, .sent = 3}};
    assert_int_equal(store_write_now(store, &operation, NULL), 0);
    blob_unref(spec);
    assert_int_equal(store_write_now(store, &records[0], NULL), 0);
    assert_int_equal(store_write_now(store, &records[1], NULL), 0);
    const char *text = load_text(fixture, store);
    assert_non_null(strstr(text, "flags=5"));
    assert_non_null(strstr(text, "mesos='job.1.2-r1' url=http://a:5051 healthy=1 check=7"
                                 " pending=1 u 'b' state=0 ns=0 number=3 event=NULL\n"));
    assert_non_null(strstr(text, "spec=<0a036a6f62>"));
    assert_non_null(strstr(text, "operation 2 id='r' spec=<7879> state=0 revision=0 flags=0 sent=3 "));
    store_destroy(store);
}

/* Opens, and exits 0, or CRASH_STATUS as planned. */
static int open_in_child(const struct fixture *fixture, const struct crash_plan *plan)
{
    pid_t child = fork();
    if (child == 0) {
        crash_vfs_install(plan);
        struct store *store = NULL;
        struct error err = {0};
        if (store_open(fixture->directory, &store, &err) < 0) {
            fprintf(stderr, "%s\n", err.text);
            _exit(97);
        }
        store_destroy(store);
        _exit(0);
    }
    return exit_status(child);
}

/* The machine fails at each operation of the migration, in each way. */
static void test_a_crash_while_migrating(void **state)
{
    struct fixture *fixture = *state;
    int points = 0;
    for (int how = CRASH_KEEP; how <= CRASH_TORN; how++) {
        for (uint64_t at = 1;; at++) {
            int version = 1 + (int)(at / 2 % 2);
            make_version(fixture, version, at % 2);
            struct crash_plan plan = {.at = at, .how = (enum crash_how)how, .seed = at, .fast_syncs = true};
            int status = open_in_child(fixture, &plan);
            if (status != CRASH_STATUS && status != 0)
                fail_msg("operation %d, %d: status %d", (int)at, how, status);
            assert_migrated(fixture, version);
            if (status == 0)
                break;
            points++;
        }
    }
    print_message("%d points\n", points);
    assert_true(points >= 4 * 10);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(test_earlier_versions_are_migrated),
            TEST(test_a_migrated_database_has_the_tables_of_a_new_one),
            TEST(test_a_migrated_database_takes_rows),
            TEST(test_a_crash_while_migrating),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
