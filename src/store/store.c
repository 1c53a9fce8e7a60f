/* The loop's side of the store: opening, the two groups that take turns, closing. */
#include "store/store.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "database.h"
#include "directory.h"
#include "group.h"
#include "load.h"
#include "writer.h"

struct store {
    int lock_fd;
    int event_fd;
    struct database database;
    bool failed;  /* a write failed before the start: the files are left as they are */
    bool started; /* the thread runs, and has the database */
    struct writer writer;
    struct group groups[2]; /* one fills, the other is the thread's or empty */
    uint64_t handed;        /* groups handed over so far; groups[handed % 2] fills */
    size_t handed_bytes;    /* of the newest of them */
};

int store_open(const char *directory, struct store **out, struct error *err)
{
    struct store *store = alloc_zeroed(1, sizeof *store);
    store->lock_fd = -1;
    store->event_fd = -1;
    int code = directory_lock(directory, &store->lock_fd, err);
    if (code < 0)
        goto out;
    store->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (store->event_fd < 0) {
        code = error_set_errno(err, errno, "cannot make an eventfd");
        goto out;
    }
    code = database_open(&store->database, directory, err);
    if (code < 0)
        goto out;
    group_init(&store->groups[0]);
    group_init(&store->groups[1]);
    *out = store;
out:
    if (code < 0) {
        if (store->event_fd >= 0)
            close(store->event_fd);
        if (store->lock_fd >= 0)
            close(store->lock_fd);
        free(store);
    }
    return code;
}

void store_keep_events(struct store *store, uint64_t rows)
{
    store->database.journal.limit = rows ? rows : 1;
}

void store_keep_events_bytes(struct store *store, uint64_t bytes)
{
    store->database.journal.bytes_limit = bytes;
}

void store_keep_events_for(struct store *store, int64_t ns)
{
    store->database.journal.age_limit_ns = ns;
}

int store_load(struct store *store, store_row_fn *row, void *context, struct error *err)
{
    return load_all(&store->database, row, context, err);
}

int store_write_now(struct store *store, const struct record *record, struct error *err)
{
    const struct group_record only = {.record = *record};
    int code = database_write(&store->database, &only, err);
    store->failed = code < 0;
    return code;
}

int store_start(struct store *store, struct error *err)
{
    int code = writer_start(&store->writer, &store->database, store->event_fd, err);
    store->started = code == 0;
    return code;
}

static struct group *filling(struct store *store)
{
    return &store->groups[store->handed % 2];
}

void store_add(struct store *store, const struct record *record)
{
    group_add(filling(store), record);
}

uint64_t store_group(const struct store *store)
{
    return store->handed + (store->groups[store->handed % 2].first != NULL);
}

void store_flush(struct store *store)
{
    struct group *group = filling(store);
    if (!store->started || !group->first || store_committed(store) != store->handed)
        return;
    store->handed++;
    store->handed_bytes = group->bytes;
    writer_hand_over(&store->writer, group);
}

int store_fd(const struct store *store)
{
    return store->event_fd;
}

void store_handle(struct store *store)
{
    eventfd_t commits;
    (void)!eventfd_read(store->event_fd, &commits); /* fails only when there is nothing to empty */
}

uint64_t store_committed(const struct store *store)
{
    return atomic_load_explicit(&store->writer.committed, memory_order_acquire);
}

int store_backup(struct store *store, const char *path, struct error *err)
{
    struct stat about;
    if (path[0] != '/')
        return error_set(err, ERR_INVALID, "%s is not an absolute path", path);
    if (!store->started)
        return error_set(err, ERR_UNAVAILABLE, "the store has not started");
    if (lstat(path, &about) == 0)
        return error_set(err, ERR_CONFLICT, "%s exists already", path);
    return writer_back_up(&store->writer, path, err);
}

bool store_backup_ended(struct store *store, int *code, uint64_t *bytes, struct error *err)
{
    struct writer_backup_end end;
    if (!store->started || !writer_backup_ended(&store->writer, &end))
        return false;
    *code = end.code;
    if (end.code == 0)
        *bytes = end.bytes;
    else if (err)
        *err = end.err;
    return true;
}

void store_give_up_backup(struct store *store)
{
    if (store->started)
        writer_give_up_backup(&store->writer);
}

void store_read_begin(struct store *store, struct store_read *read)
{
    writer_read(&store->writer, read);
}

struct store_read *store_read_ended(struct store *store)
{
    return store->started ? writer_read_ended(&store->writer) : NULL;
}

void store_figures(struct store *store, struct store_figures *figures)
{
    *figures = (struct store_figures){0};
    if (store->started)
        writer_figures(&store->writer, figures);
    else
        figures->bytes_known =
                journal_size(&store->database.journal, &figures->journal_rows, &figures->journal_bytes);
}

size_t store_waiting_bytes(const struct store *store)
{
    size_t in_flight = store_committed(store) == store->handed ? 0 : store->handed_bytes;
    return in_flight + store->groups[store->handed % 2].bytes;
}

/* Waits until all that was handed over is committed. The thread writes to the eventfd after it counts, so a
 * commit that is still to come makes it readable. */
static void wait_for_commit(struct store *store)
{
    while (store_committed(store) != store->handed) {
        struct pollfd readable = {.fd = store->event_fd, .events = POLLIN};
        poll(&readable, 1, -1);
        store_handle(store);
    }
}

/* Everything into the database file; the log is empty after that. */
static void finish(struct store *store)
{
    struct error err;
    if (store->started) {
        wait_for_commit(store);
        store_flush(store);
        writer_stop(&store->writer);
    } else if (filling(store)->first && database_write(&store->database, filling(store)->first, &err) < 0) {
        writer_die(&err);
    }
    if (database_checkpoint(&store->database, true, &err) < 0)
        writer_die(&err);
}

void store_destroy(struct store *store)
{
    if (!store)
        return;
    if (!store->failed)
        finish(store);
    database_close(&store->database);
    group_clear(&store->groups[0]);
    group_clear(&store->groups[1]);
    close(store->event_fd);
    close(store->lock_fd);
    free(store);
}
