/* Opening: who is refused and in what words, and that a file which is refused stays as it was. */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "faults.h"
#include "support.h"

static void assert_refused(const char *directory, int code, const char *text)
{
    struct store *store = NULL;
    struct error err = {0};
    assert_int_equal(store_open(directory, &store, &err), code);
    assert_null(store);
    assert_string_equal(err.text, text);
}

#define assert_refused_as(directory, code, ...)                                                              \
    assert_refused(directory, code, arena_format(&fixture->arena, __VA_ARGS__))

/* A database of ours with a row in it, closed. */
static void make_database(const struct fixture *fixture)
{
    struct store *store = open_store(fixture);
    struct record record = meta_record("name", "value");
    assert_int_equal(store_write_now(store, &record, NULL), 0);
    store_destroy(store);
}

static unsigned mode_of(const char *path)
{
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    return about.st_mode & 07777;
}

static void test_what_is_on_disk_and_who_may_read_it(void **state)
{
    struct fixture *fixture = *state;
    mode_t before = umask(0);
    struct store *store = open_store(fixture);
    struct record record = meta_record("name", "value");
    int code = store_write_now(store, &record, NULL);
    umask(before);
    assert_int_equal(code, 0);
    assert_int_equal(mode_of(fixture->directory), 0700);
    assert_int_equal(mode_of(fixture->file), 0600);
    assert_int_equal(mode_of(fixture->log), 0600);
    assert_int_equal(count_entries(fixture->directory), 2);
    store_destroy(store);
    assert_int_equal(count_entries(fixture->directory), 1);
    assert_int_equal(count_entries(fixture->top), 1);
}

static void test_a_directory_that_is_there_is_used_as_it_is(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(mkdir(fixture->directory, 0750), 0);
    make_database(fixture);
    assert_int_equal(mode_of(fixture->directory), 0750);
    struct store *store = open_store(fixture);
    assert_string_equal(load_text(fixture, store), "meta name='value'\n");
    store_destroy(store);
}

static void test_a_path_like_a_uri_is_a_path(void **state)
{
    struct fixture *fixture = *state;
    char before[4096];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(fixture->top), 0);
    struct store *store = NULL;
    struct error err = {0};
    int code = store_open("file:x?mode=memory", &store, &err);
    store_destroy(store);
    bool there = access("file:x?mode=memory/" STORE_FILE, F_OK) == 0;
    assert_int_equal(chdir(before), 0);
    assert_int_equal(code, 0);
    assert_true(there);
}

static void test_a_second_process_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = open_store(fixture);
    pid_t child = fork();
    if (child == 0) {
        struct store *second = NULL;
        struct error err = {0};
        int code = store_open(fixture->directory, &second, &err);
        char words[256];
        snprintf(words, sizeof words, "%s is in use by another zmesosd", fixture->directory);
        _exit(code == ERR_CONFLICT && !second && strcmp(err.text, words) == 0 ? 0 : 1);
    }
    assert_int_equal(exit_status(child), 0);
    /* In the same process too. */
    assert_refused_as(
            fixture->directory, ERR_CONFLICT, "%s is in use by another zmesosd", fixture->directory);

    /* The first one is not disturbed, and the lock goes with it. */
    struct record record = meta_record("name", "value");
    assert_int_equal(store_write_now(store, &record, NULL), 0);
    store_destroy(store);
    make_database(fixture);
}

static void test_a_database_that_another_program_holds(void **state)
{
    struct fixture *fixture = *state;
    make_database(fixture);
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(fixture->file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN; SELECT * FROM meta", NULL, NULL, NULL), SQLITE_OK);
    assert_refused_as(fixture->directory, ERR_CONFLICT, "%s is in use by another program", fixture->file);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    make_database(fixture);
}

/* Refused, and not a byte of it changed. */
static void assert_refused_untouched(struct fixture *fixture, int code, const char *text)
{
    struct slice before = read_whole_file(fixture, fixture->file);
    size_t entries = count_entries(fixture->directory);
    assert_refused(fixture->directory, code, text);
    assert_true(slice_equal(read_whole_file(fixture, fixture->file), before));
    assert_int_equal(count_entries(fixture->directory), entries);
    assert_refused(fixture->directory, code, text); /* the lock was let go */
}

static void test_a_newer_version_is_refused(void **state)
{
    struct fixture *fixture = *state;
    make_database(fixture);
    run_sql(fixture, "PRAGMA user_version=4");
    assert_refused_untouched(fixture, ERR_VERSION,
            arena_format(&fixture->arena, "%s was written by a newer zmesos: schema version 4, known is 3",
                    fixture->file));
    run_sql(fixture, "PRAGMA user_version=3");
    struct store *store = open_store(fixture);
    assert_string_equal(load_text(fixture, store), "meta name='value'\n");
    store_destroy(store);
}

/* Its last writes are in the log alone, as after a crash. */
static void test_a_newer_version_keeps_its_log(void **state)
{
    struct fixture *fixture = *state;
    make_database(fixture);
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(fixture->file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version=4", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    struct slice file = read_whole_file(fixture, fixture->file), log = read_whole_file(fixture, fixture->log);
    assert_true(log.length > 0);
    assert_refused_as(fixture->directory, ERR_VERSION,
            "%s was written by a newer zmesos: schema version 4, known is 3", fixture->file);
    assert_true(slice_equal(read_whole_file(fixture, fixture->file), file));
    assert_true(slice_equal(read_whole_file(fixture, fixture->log), log));
}

static void test_what_is_no_database_is_refused(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(mkdir(fixture->directory, 0700), 0);
    static const char *const texts[] = {"xy", "not a database", "SQLite format 3", NULL};
    const char *words = arena_format(&fixture->arena, "%s is not a database", fixture->file);
    for (size_t i = 0; texts[i]; i++) {
        write_file(fixture->file, texts[i], strlen(texts[i]));
        assert_refused_untouched(fixture, ERR_MALFORMED, words);
    }
    char page[8192];
    memset(page, 'x', sizeof page);
    write_file(fixture->file, page, sizeof page);
    assert_refused_untouched(fixture, ERR_MALFORMED, words);
}

static void test_an_empty_file_is_a_new_database(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(mkdir(fixture->directory, 0700), 0);
    write_file(fixture->file, "", 0);
    make_database(fixture);
}

static void test_a_database_of_another_program_is_refused(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(mkdir(fixture->directory, 0700), 0);
    const char *words = arena_format(&fixture->arena, "%s is not a database of zmesos", fixture->file);
    static const char *const others[] = {
            "CREATE TABLE song(title)",
            "PRAGMA application_id=7",
            "PRAGMA user_version=1",
            "PRAGMA application_id=2053989747", /* ours, but never set up */
            "PRAGMA journal_mode=WAL; CREATE TABLE song(title); PRAGMA application_id=7",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        write_file(fixture->file, "", 0);
        run_sql(fixture, others[i]);
        assert_refused_untouched(fixture, ERR_MALFORMED, words);
    }
}

static void test_a_damaged_page_is_found(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = open_store(fixture);
    assert_int_equal(store_start(store, NULL), 0);
    for (uint64_t number = 1; number <= 2000; number++) {
        struct record event = event_record(1, number, "t");
        store_add(store, &event);
    }
    store_destroy(store);
    struct slice bytes = read_whole_file(fixture, fixture->file);
    uint8_t *copy = arena_copy(&fixture->arena, bytes.data, bytes.length);
    memset(copy + bytes.length - 4096, 0x5a, 4096);
    write_file(fixture->file, copy, bytes.length);
    struct error err;
    assert_int_equal(store_open(fixture->directory, &store, &err), ERR_MALFORMED);
    const char *words = arena_format(&fixture->arena, "%s is damaged: ", fixture->file);
    assert_memory_equal(err.text, words, strlen(words));
}

static void test_a_table_that_is_missing_is_found(void **state)
{
    struct fixture *fixture = *state;
    make_database(fixture);
    run_sql(fixture, "DROP TABLE attempt");
    assert_refused_as(
            fixture->directory, ERR_MALFORMED, "cannot read %s: no such table: attempt", fixture->file);
}

static void test_paths_that_cannot_be_a_state_directory(void **state)
{
    struct fixture *fixture = *state;
    struct arena *arena = &fixture->arena;
    write_file(fixture->directory, "", 0);
    assert_refused_as(fixture->directory, ERR_IO, "cannot open the directory %s: %s", fixture->directory,
            strerror(ENOTDIR));
    const char *deep = arena_format(arena, "%s/a/b", fixture->top);
    assert_refused_as(deep, ERR_IO, "cannot make the directory %s: %s", deep, strerror(ENOENT));
    const char *other = arena_format(arena, "%s/c", fixture->top);
    const char *file = arena_format(arena, "%s/" STORE_FILE, other);
    assert_int_equal(mkdir(other, 0700), 0);
    assert_int_equal(mkdir(file, 0700), 0);
    assert_refused_as(other, ERR_IO, "cannot write %s: %s", file, strerror(EISDIR));
    assert_int_equal(rmdir(file), 0);
    assert_int_equal(mkfifo(file, 0600), 0);
    assert_refused_as(other, ERR_MALFORMED, "%s is not an ordinary file", file);
}

/* Root may write everywhere, so a child that is root becomes nobody first. */
static int open_as_nobody(const char *directory, const char *words)
{
    pid_t child = fork();
    if (child == 0) {
        if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setgid(65534) < 0 || setuid(65534) < 0))
            _exit(99);
        struct store *store = NULL;
        struct error err = {0};
        int code = store_open(directory, &store, &err);
        if (code != ERR_IO || strcmp(err.text, words) != 0)
            fprintf(stderr, "%d: %s\n", code, err.text);
        _exit(code == ERR_IO && !store && strcmp(err.text, words) == 0 ? 0 : 1);
    }
    return exit_status(child);
}

static void test_a_directory_that_is_not_writable(void **state)
{
    struct fixture *fixture = *state;
    struct arena *arena = &fixture->arena;
    assert_int_equal(chmod(fixture->top, 0555), 0);
    const char *words =
            arena_format(arena, "cannot make the directory %s: %s", fixture->directory, strerror(EACCES));
    int status = open_as_nobody(fixture->directory, words);
    assert_int_equal(chmod(fixture->top, 0755), 0);
    if (status == 99)
        skip(); /* no other user to become */
    assert_int_equal(status, 0);

    assert_int_equal(mkdir(fixture->directory, 0555), 0);
    words = arena_format(arena, "cannot write %s: %s", fixture->file, strerror(EACCES));
    assert_int_equal(open_as_nobody(fixture->directory, words), 0);

    /* A file that may be read alone would be opened so by SQLite. */
    assert_int_equal(chmod(fixture->directory, 0755), 0);
    make_database(fixture);
    assert_int_equal(chmod(fixture->file, 0444), 0);
    assert_int_equal(open_as_nobody(fixture->directory, words), 0);
}

static void test_a_read_that_fails_is_an_error_of_the_system(void **state)
{
    struct fixture *fixture = *state;
    make_database(fixture);
    faults_install();
    faults_arm(FAULT_DATABASE_READ);
    struct store *store = NULL;
    struct error err = {0};
    int code = store_open(fixture->directory, &store, &err);
    faults_remove();
    assert_int_equal(code, ERR_IO);
    assert_null(store);
    const char *words = arena_format(&fixture->arena, "cannot open %s: disk I/O error", fixture->file);
    assert_memory_equal(err.text, words, strlen(words));
    make_database(fixture);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(test_what_is_on_disk_and_who_may_read_it),
            TEST(test_a_directory_that_is_there_is_used_as_it_is),
            TEST(test_a_path_like_a_uri_is_a_path),
            TEST(test_a_second_process_is_refused),
            TEST(test_a_database_that_another_program_holds),
            TEST(test_a_newer_version_is_refused),
            TEST(test_a_newer_version_keeps_its_log),
            TEST(test_what_is_no_database_is_refused),
            TEST(test_an_empty_file_is_a_new_database),
            TEST(test_a_database_of_another_program_is_refused),
            TEST(test_a_damaged_page_is_found),
            TEST(test_a_table_that_is_missing_is_found),
            TEST(test_paths_that_cannot_be_a_state_directory),
            TEST(test_a_directory_that_is_not_writable),
            TEST(test_a_read_that_fails_is_an_error_of_the_system),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
