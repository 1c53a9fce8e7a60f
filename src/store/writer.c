/* The store's thread. It sleeps until a group comes. When none has come for a moment it moves the log into
 * the database and deletes old journal rows, in steps short enough for the group that arrives meanwhile. A
 * backup goes on in such steps too, and so do reads of the journal: by one after each group however busy it
 * is. */
#include "writer.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backup.h"
#include "base/alloc.h"
#include "base/log.h"
#include "store/store.h"

/* No group for this long: idle. */
#define IDLE_NS (20 * 1000 * 1000)

/* Pages of the log from which a checkpoint pays when idle, and from which it is made under load too: a log
 * without end would fill the disk and make the next start slow. */
#define WAL_PAGES_IDLE 1024
#define WAL_PAGES_MAX 8192

_Noreturn void writer_die(const struct error *err)
{
    log_error("store", "%s; ending at once", err->text);
    _exit(STORE_EXIT_STATUS);
}

static bool upkeep_due(const struct database *database)
{
    return database->wal_pages >= WAL_PAGES_IDLE || journal_excessive(&database->journal) ||
           journal_uncounted(&database->journal);
}

static void upkeep_step(struct database *database)
{
    struct error err;
    int code;
    if (database->wal_pages >= WAL_PAGES_IDLE)
        code = database_checkpoint(database, false, &err);
    else if (journal_excessive(&database->journal))
        code = database_prune(database, &err);
    else
        code = journal_count(database, &err);
    if (code < 0)
        writer_die(&err);
}

static void tell(struct writer *writer)
{
    uint64_t one = 1;
    if (write(writer->event_fd, &one, sizeof one) != sizeof one) {
        struct error err;
        error_set_errno(&err, errno, "cannot tell of a commit");
        writer_die(&err);
    }
}

static int64_t monotonic_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* With the mutex held, or before there is a thread. */
static void note_journal(struct writer *writer)
{
    struct store_figures *figures = &writer->figures;
    figures->bytes_known =
            journal_size(&writer->database->journal, &figures->journal_rows, &figures->journal_bytes);
}

static void note_commit(struct writer *writer, uint64_t took_us)
{
    struct store_figures *figures = &writer->figures;
    pthread_mutex_lock(&writer->mutex);
    figures->commits++;
    figures->commits_us += took_us;
    if (took_us > figures->longest_commit_us)
        figures->longest_commit_us = took_us;
    note_journal(writer);
    pthread_mutex_unlock(&writer->mutex);
}

static void commit(struct writer *writer, struct group *group)
{
    struct error err;
    int64_t began = monotonic_us();
    if (database_write(writer->database, group->first, &err) < 0)
        writer_die(&err);
    note_commit(writer, (uint64_t)(monotonic_us() - began));
    group_reset(group);
    atomic_fetch_add_explicit(&writer->committed, 1, memory_order_release);
    tell(writer);
    if (writer->database->wal_pages >= WAL_PAGES_MAX &&
            database_checkpoint(writer->database, false, &err) < 0)
        writer_die(&err);
}

/* Begins the backup that was asked for, or takes it a step further, or ends it. */
static void advance_backup(struct writer *writer)
{
    struct writer_backup_end end = {0};
    bool done = false;
    pthread_mutex_lock(&writer->mutex);
    char *path = writer->backup_path;
    writer->backup_path = NULL;
    bool given_up = writer->giving_up && (path || writer->backup);
    pthread_mutex_unlock(&writer->mutex);
    if (given_up)
        end.code = error_set(&end.err, ERR_UNAVAILABLE, "zmesosd is stopping, the backup is not made");
    else if (path)
        end.code = backup_begin(writer->database, path, &writer->backup, &end.err);
    else if (writer->backup)
        end.code = backup_step(writer->backup, &done, &end.bytes, &end.err);
    free(path);
    if (!done && end.code == 0)
        return;
    backup_destroy(writer->backup);
    writer->backup = NULL;
    pthread_mutex_lock(&writer->mutex);
    writer->backup_end = end;
    writer->backup_ended = true;
    pthread_mutex_unlock(&writer->mutex);
    tell(writer);
}

/* Takes the read that came first a step further, and puts it behind the others. */
static void advance_read(struct writer *writer)
{
    pthread_mutex_lock(&writer->mutex);
    struct store_read *read = reading_take(&writer->reads);
    pthread_mutex_unlock(&writer->mutex);
    if (!read)
        return;
    struct error err;
    bool done = false;
    if (reading_step(writer->database, read, &done, &err) < 0)
        writer_die(&err);
    pthread_mutex_lock(&writer->mutex);
    reading_put(done ? &writer->reads_ended : &writer->reads, read);
    pthread_mutex_unlock(&writer->mutex);
    if (done)
        tell(writer);
}

/* Waits for a group, a backup, a read or the end; false when none came for a moment. Called with the mutex
 * held. */
static bool wait_a_moment(struct writer *writer)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += IDLE_NS;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    while (!writer->waiting && !writer->stopping && !writer->backup_path && !writer->reads.first)
        if (pthread_cond_timedwait(&writer->wake, &writer->mutex, &until) == ETIMEDOUT)
            return writer->waiting || writer->stopping;
    return true;
}

/* The next group, or NULL for the end. A backup, reads and upkeep go on step by step while nothing comes. */
static struct group *next_group(struct writer *writer)
{
    bool idle = false;
    pthread_mutex_lock(&writer->mutex);
    while (!writer->waiting && !writer->stopping) {
        if (writer->backup || writer->backup_path || writer->reads.first) {
            pthread_mutex_unlock(&writer->mutex);
            advance_backup(writer);
            advance_read(writer);
            pthread_mutex_lock(&writer->mutex);
        } else if (!upkeep_due(writer->database)) {
            pthread_cond_wait(&writer->wake, &writer->mutex);
        } else if (idle || !wait_a_moment(writer)) {
            idle = true;
            pthread_mutex_unlock(&writer->mutex);
            upkeep_step(writer->database);
            pthread_mutex_lock(&writer->mutex);
            note_journal(writer);
        }
    }
    struct group *group = writer->waiting;
    writer->waiting = NULL;
    pthread_mutex_unlock(&writer->mutex);
    return group;
}

static void *run(void *context)
{
    struct writer *writer = context;
    struct group *group;
    while ((group = next_group(writer))) {
        commit(writer, group);
        advance_backup(writer);
        advance_read(writer);
    }
    backup_destroy(writer->backup);
    return NULL;
}

int writer_start(struct writer *writer, struct database *database, int event_fd, struct error *err)
{
    *writer = (struct writer){.database = database, .event_fd = event_fd};
    note_journal(writer);
    pthread_mutex_init(&writer->mutex, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&writer->wake, &attributes);
    pthread_condattr_destroy(&attributes);

    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = pthread_create(&writer->thread, NULL, run, writer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (result != 0) {
        pthread_cond_destroy(&writer->wake);
        pthread_mutex_destroy(&writer->mutex);
        return error_set_errno(err, result, "cannot start the store's thread");
    }
    return 0;
}

void writer_hand_over(struct writer *writer, struct group *group)
{
    pthread_mutex_lock(&writer->mutex);
    writer->waiting = group;
    pthread_cond_signal(&writer->wake);
    pthread_mutex_unlock(&writer->mutex);
}

int writer_back_up(struct writer *writer, const char *path, struct error *err)
{
    int code = 0;
    pthread_mutex_lock(&writer->mutex);
    if (writer->backing_up) {
        code = error_set(err, ERR_UNAVAILABLE, "a backup is under way already");
    } else {
        writer->backing_up = true;
        writer->backup_path = alloc_string(path);
        pthread_cond_signal(&writer->wake);
    }
    pthread_mutex_unlock(&writer->mutex);
    return code;
}

void writer_give_up_backup(struct writer *writer)
{
    pthread_mutex_lock(&writer->mutex);
    writer->giving_up = true;
    pthread_mutex_unlock(&writer->mutex);
}

void writer_read(struct writer *writer, struct store_read *read)
{
    pthread_mutex_lock(&writer->mutex);
    reading_put(&writer->reads, read);
    pthread_cond_signal(&writer->wake);
    pthread_mutex_unlock(&writer->mutex);
}

struct store_read *writer_read_ended(struct writer *writer)
{
    pthread_mutex_lock(&writer->mutex);
    struct store_read *read = reading_take(&writer->reads_ended);
    pthread_mutex_unlock(&writer->mutex);
    return read;
}

void writer_figures(struct writer *writer, struct store_figures *figures)
{
    pthread_mutex_lock(&writer->mutex);
    *figures = writer->figures;
    pthread_mutex_unlock(&writer->mutex);
}

bool writer_backup_ended(struct writer *writer, struct writer_backup_end *end)
{
    pthread_mutex_lock(&writer->mutex);
    bool ended = writer->backup_ended;
    if (ended) {
        *end = writer->backup_end;
        writer->backup_ended = false;
        writer->backing_up = false;
    }
    pthread_mutex_unlock(&writer->mutex);
    return ended;
}

void writer_stop(struct writer *writer)
{
    pthread_mutex_lock(&writer->mutex);
    writer->stopping = true;
    pthread_cond_signal(&writer->wake);
    pthread_mutex_unlock(&writer->mutex);
    pthread_join(writer->thread, NULL);
    free(writer->backup_path);
    pthread_cond_destroy(&writer->wake);
    pthread_mutex_destroy(&writer->mutex);
}
