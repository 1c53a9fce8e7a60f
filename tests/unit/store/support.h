/* What the store's tests share. Everything here fails the test that calls it, so it is called from the test's
 * process and thread alone; children use the store itself. */
#ifndef TEST_STORE_SUPPORT_H
#define TEST_STORE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "store/store.h"

/* No wait in these tests is longer; when one is, something hangs. */
#define TEST_WAIT_MS 60000

/* Tests that visit every operation visit one of so many. A process under the thread sanitizer takes most of a
 * second to fork, and the other builds visit them all. */
#ifdef __SANITIZE_THREAD__
#define POINT_STRIDE 8
#else
#define POINT_STRIDE 1
#endif

struct fixture {
    char top[64];        /* a directory of the test's own, removed at the end */
    char directory[128]; /* top/state, which is not there at first */
    char file[160];      /* the database in it */
    char log[176];       /* and its write-ahead log */
    struct arena arena;
};

int fixture_setup(void **state);
int fixture_teardown(void **state);

struct store *open_store(const struct fixture *fixture); /* must succeed */

/* All rows as one text, a line a row with every field, blobs in hex: two states are equal when their texts
 * are. */
const char *load_text(struct fixture *fixture, struct store *store);

/* One record as such a line. */
const char *record_text(struct fixture *fixture, const struct record *record);

/* Waits, by the store's descriptor alone, until the group is committed. */
void wait_for_group(struct store *store, uint64_t group);

/* Hands over what was added and waits for it. */
void commit_group(struct store *store);

/* Runs SQL on the database of a stopped store; the value of the first column of the last row. */
int64_t run_sql(const struct fixture *fixture, const char *sql);

void write_file(const char *path, const void *data, size_t length);
struct slice read_whole_file(struct fixture *fixture, const char *path);
size_t file_size(const char *path);
size_t count_entries(const char *directory); /* without "." and ".." */

/* Waits for a child and gives its exit status; fails when it was ended by a signal. */
int exit_status(int pid);

struct record meta_record(const char *name, const char *value);
struct record event_record(int32_t class, uint64_t number, const char *topic);

#endif
