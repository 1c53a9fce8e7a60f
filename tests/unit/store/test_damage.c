/* Damage: bytes flipped in pages of each table and of each index, and rows that contradict each other. Either
 * it is refused in a clear sentence, or what comes back is what was written. A letter that changed inside a
 * text is seen by nobody: SQLite keeps no checksums. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "../seed.h"
#include "base/alloc.h"
#include "support.h"

#define PAGE 4096

/* Rows of all tables; with more events of `event_bytes` each the database is as large as one likes. */
static void fill(const struct fixture *fixture, int events, size_t event_bytes)
{
    struct store *store = open_store(fixture);
    assert_int_equal(store_start(store, NULL), 0);
    struct blob *body = blob_take(alloc_zeroed(1, event_bytes), event_bytes);
    char text[600], name[32];
    memset(text, 't', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (int i = 1; i <= 300; i++) {
        snprintf(name, sizeof name, "name-%03d", i);
        struct record meta = meta_record(name, text + i);
        store_add(store, &meta);
    }
    for (int i = 1; i <= 600; i++) {
        snprintf(name, sizeof name, "job-%d", i);
        struct blob *spec = blob_create(text, (size_t)(100 + i % 400 + (i % 50 == 0 ? 0 : 1)));
        struct record task = {.kind = RECORD_TASK,
                .task = {.key = 3 * i,
                        .id = name,
                        .spec = spec,
                        .revision = (uint64_t)i,
                        .message = text + 400}};
        struct record attempt = {.kind = RECORD_ATTEMPT,
                .attempt = {.task_key = 3 * i, .number = 1, .agent_id = text + 560, .hostname = text + 580}};
        store_add(store, &task);
        struct record operation = {.kind = RECORD_OPERATION,
                .operation = {.key = 3 * i + 1, .id = name, .spec = spec, .message = text + 500}};
        store_add(store, &attempt);
        store_add(store, &operation);
        blob_unref(spec);
    }
    for (int i = 1; i <= events; i++) {
        struct record event = event_record(1 + i % 3, 1 + (uint64_t)i / 3, text + 500);
        event.event.body = body;
        store_add(store, &event);
        if (i % 256 == 0)
            commit_group(store);
    }
    commit_group(store);
    store_destroy(store);
    blob_unref(body);
}

struct pages {
    const char *table; /* or index */
    int numbers[40000];
    int count;
};

static int add_page(void *context, int columns, char **values, char **names)
{
    (void)columns;
    (void)names;
    struct pages *pages = context;
    assert_true(pages->count < (int)(sizeof pages->numbers / sizeof *pages->numbers));
    pages->numbers[pages->count++] = (int)strtol(values[0], NULL, 10);
    return 0;
}

static void find_pages(const struct fixture *fixture, const char *table, struct pages *pages)
{
    sqlite3 *db = NULL;
    char sql[128];
    *pages = (struct pages){.table = table};
    snprintf(sql, sizeof sql, "SELECT pageno FROM dbstat WHERE name='%s' ORDER BY pageno", table);
    assert_int_equal(sqlite3_open_v2(fixture->file, &db, SQLITE_OPEN_READONLY, "unix"), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, add_page, pages, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_true(pages->count > 0);
}

/* What SQLite itself says of the file. */
static bool is_sound(const struct fixture *fixture)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open_v2(fixture->file, &db, SQLITE_OPEN_READONLY, "unix"), SQLITE_OK);
    bool sound = sqlite3_prepare_v2(db, "PRAGMA integrity_check(1)", -1, &statement, NULL) == SQLITE_OK &&
                 sqlite3_step(statement) == SQLITE_ROW &&
                 strcmp((const char *)sqlite3_column_text(statement, 0), "ok") == 0;
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return sound;
}

struct comparison {
    struct fixture *fixture;
    const char *left; /* of the text that is expected */
    bool same;
};

static int compare_row(void *context, const struct record *record, struct error *err)
{
    (void)err;
    struct comparison *comparison = context;
    const char *text = record_text(comparison->fixture, record);
    size_t length = strlen(text);
    if (comparison->same && strncmp(comparison->left, text, length) == 0)
        comparison->left += length;
    else
        comparison->same = false;
    return 0;
}

enum outcome { REFUSED, SAME, UNSEEN };

/* The file is damaged: what the store makes of it. */
static enum outcome judge(struct fixture *fixture, const char *expected, const char *where)
{
    struct store *store = NULL;
    struct error err = {0};
    struct comparison comparison = {fixture, expected, true};
    int code = store_open(fixture->directory, &store, &err);
    if (code == 0)
        code = store_load(store, compare_row, &comparison, &err);
    store_destroy(store);
    arena_reset(&fixture->arena);
    if (code < 0) {
        if (code != ERR_MALFORMED || !strstr(err.text, fixture->file))
            fail_msg("%s: refused with %d: %s", where, code, err.text);
        return REFUSED;
    }
    if (comparison.same && *comparison.left == '\0')
        return SAME;
    if (!is_sound(fixture))
        fail_msg("%s: other rows came back than were written, and SQLite can see it", where);
    return UNSEEN;
}

static void flip_bytes(struct fixture *fixture, const char *const *tables, int rounds)
{
    static struct pages pages;
    unsigned seed = seed_of("flip_bytes");
    struct store *store = open_store(fixture);
    char *expected = alloc_string(load_text(fixture, store));
    store_destroy(store);
    int fd = open(fixture->file, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    for (; *tables; tables++) {
        int counts[3] = {0};
        find_pages(fixture, *tables, &pages);
        for (int round = 0; round < rounds; round++) {
            uint8_t page[PAGE], damaged[PAGE];
            int number = pages.numbers[rand_r(&seed) % pages.count];
            off_t at = (off_t)(number - 1) * PAGE;
            assert_int_equal(pread(fd, page, PAGE, at), PAGE);
            memcpy(damaged, page, PAGE);
            /* Half of them where the page's own structure is, one to eight bytes. Not in the file's header.
             */
            int low = number == 1 ? 100 : 0, place = 0;
            for (int left = 1 + rand_r(&seed) % 8; left > 0; left--) {
                place = low + rand_r(&seed) % (rand_r(&seed) % 2 ? 64 : PAGE - low);
                damaged[place] ^= (uint8_t)(1 + rand_r(&seed) % 255);
            }
            assert_int_equal(pwrite(fd, damaged, PAGE, at), PAGE);
            char where[128];
            snprintf(where, sizeof where, "%s, page %d, byte %d", *tables, number, place);
            counts[judge(fixture, expected, where)]++;
            assert_int_equal(pwrite(fd, page, PAGE, at), PAGE);
        }
        print_message("%-26s %5d pages: %3d refused, %3d without effect, %3d changed letters\n", *tables,
                pages.count, counts[REFUSED], counts[SAME], counts[UNSEEN]);
        assert_true(counts[REFUSED] > 0);
    }
    close(fd);
    char *end = expected;
    assert_int_equal(judge(fixture, end, "restored"), SAME);
    free(expected);
}

static void test_flipped_bytes_of_a_small_database(void **state)
{
    struct fixture *fixture = *state;
    static const char *const tables[] = {"sqlite_schema", "meta", "task", "spec", "attempt", "operation",
            "event", "sqlite_autoindex_event_1", NULL};
    fill(fixture, 6000, 200);
    print_message("%zu bytes\n", file_size(fixture->file));
    flip_bytes(fixture, tables, 24);
}

/* Of a large one the journal is not looked at when it starts. */
static void test_flipped_bytes_of_a_large_database(void **state)
{
    struct fixture *fixture = *state;
    static const char *const tables[] = {
            "sqlite_schema", "meta", "task", "spec", "attempt", "operation", NULL};
    fill(fixture, 840, 81000);
    assert_true(file_size(fixture->file) > 64 << 20);
    print_message("%zu bytes\n", file_size(fixture->file));
    flip_bytes(fixture, tables, 16);
}

/* The file's header: versions, sizes, counts. Some of it is of no effect. */
static void test_flipped_bytes_of_the_header(void **state)
{
    struct fixture *fixture = *state;
    fill(fixture, 3, 10);
    struct store *store = open_store(fixture);
    char *expected = alloc_string(load_text(fixture, store));
    store_destroy(store);
    struct slice before = read_whole_file(fixture, fixture->file);
    uint8_t *bytes = memcpy(alloc_bytes(before.length), before.data, before.length);
    size_t length = before.length;
    int refused = 0;
    for (size_t place = 0; place < 100; place++) {
        for (int bit = 0; bit < 8; bit++) {
            struct error err = {0};
            struct comparison comparison = {fixture, expected, true};
            bytes[place] ^= (uint8_t)(1 << bit);
            write_file(fixture->file, bytes, length);
            bytes[place] ^= (uint8_t)(1 << bit);
            int code = store_open(fixture->directory, &store, &err);
            if (code == 0) {
                code = store_load(store, compare_row, &comparison, &err);
                store_destroy(store);
            }
            arena_reset(&fixture->arena);
            if (code == 0 && !(comparison.same && *comparison.left == '\0'))
                fail_msg("byte %zu, bit %d: other rows came back than were written", place, bit);
            if (code < 0 && code != ERR_MALFORMED && code != ERR_VERSION)
                fail_msg("byte %zu, bit %d: refused with %d: %s", place, bit, code, err.text);
            refused += code < 0;
        }
    }
    print_message("%d of 800 refused\n", refused);
    assert_true(refused > 0);
    free(bytes);
    free(expected);
}

static void assert_load_refused(struct fixture *fixture, const char *damage, const char *words)
{
    struct slice before = read_whole_file(fixture, fixture->file);
    run_sql(fixture, damage);
    struct store *store = open_store(fixture);
    struct error err = {0};
    struct comparison ignored = {fixture, "", false};
    assert_int_equal(store_load(store, compare_row, &ignored, &err), ERR_MALFORMED);
    store_destroy(store);
    assert_string_equal(err.text, arena_format(&fixture->arena, "%s is damaged: %s", fixture->file, words));
    write_file(fixture->file, before.data, before.length);
}

static void test_rows_that_contradict_each_other(void **state)
{
    struct fixture *fixture = *state;
    fill(fixture, 3, 10);
    assert_load_refused(fixture, "DELETE FROM spec WHERE task_key=30", "task 30 has no specification");
    assert_load_refused(fixture, "DELETE FROM spec WHERE task_key=1800", "task 1800 has no specification");
    assert_load_refused(fixture, "DELETE FROM spec", "task 3 has no specification");
    assert_load_refused(
            fixture, "INSERT INTO spec VALUES(1, x'')", "the specification of task 1 has no task");
    assert_load_refused(
            fixture, "INSERT INTO spec VALUES(31, x'')", "the specification of task 31 has no task");
    assert_load_refused(
            fixture, "INSERT INTO spec VALUES(9999, x'')", "the specification of task 9999 has no task");
    assert_load_refused(fixture, "DELETE FROM task WHERE key=30", "the specification of task 30 has no task");
    assert_load_refused(fixture, "DELETE FROM task WHERE key=30; DELETE FROM spec WHERE task_key=30",
            "attempt 1 of task 30 has no task");
    assert_load_refused(fixture, "DELETE FROM task WHERE key=1800; DELETE FROM spec WHERE task_key=1800",
            "attempt 1 of task 1800 has no task");
    assert_load_refused(fixture, "DELETE FROM task; DELETE FROM spec", "attempt 1 of task 3 has no task");
}

static void test_values_of_another_kind(void **state)
{
    struct fixture *fixture = *state;
    fill(fixture, 3, 10);
    assert_load_refused(fixture, "UPDATE meta SET value=x'00' WHERE name='name-001'",
            "a row of meta has no proper value");
    assert_load_refused(
            fixture, "UPDATE task SET state='x' WHERE key=30", "a row of task has no proper state");
    assert_load_refused(
            fixture, "UPDATE task SET flags=0.5 WHERE key=30", "a row of task has no proper flags");
    assert_load_refused(fixture, "UPDATE task SET id=CAST(x'610062' AS TEXT) WHERE key=30",
            "a row of task has no proper id");
    assert_load_refused(fixture, "UPDATE task SET kill_policy='x' WHERE key=30",
            "a row of task has no proper kill_policy");
    assert_load_refused(
            fixture, "UPDATE spec SET spec='x' WHERE task_key=30", "a row of spec has no proper spec");
    assert_load_refused(fixture, "UPDATE attempt SET mesos_id=x'' WHERE task_key=30",
            "a row of attempt has no proper mesos_id");
    assert_load_refused(fixture, "UPDATE attempt SET check_status='x' WHERE task_key=30",
            "a row of attempt has no proper check_status");
    assert_load_refused(
            fixture, "UPDATE operation SET spec='x' WHERE key=31", "a row of operation has no proper spec");
    assert_load_refused(
            fixture, "UPDATE operation SET status=1 WHERE key=31", "a row of operation has no proper status");
    assert_load_refused(fixture, "UPDATE event SET body='x'", "a row of event has no proper body");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(test_flipped_bytes_of_a_small_database),
            TEST(test_flipped_bytes_of_a_large_database),
            TEST(test_flipped_bytes_of_the_header),
            TEST(test_rows_that_contradict_each_other),
            TEST(test_values_of_another_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
