/* The store's thread: takes one group at a time, commits it, and uses the time between groups for upkeep. */
#ifndef STORE_WRITER_H
#define STORE_WRITER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/error.h"
#include "database.h"
#include "group.h"
#include "reading.h"
#include "store/store.h"

struct writer {
    struct database *database; /* borrowed; the thread's alone while it runs */
    int event_fd;              /* borrowed; gets 1 after each commit */
    _Atomic uint64_t committed;
    pthread_t thread;
    struct backup *backup; /* under way; the thread's alone */
    pthread_mutex_t mutex; /* guards what is below; held for moments only */
    pthread_cond_t wake;
    struct group *waiting; /* handed over and not yet taken; belongs to the thread */
    bool stopping;
    struct reading_queue reads, reads_ended;
    char *backup_path; /* asked for and not yet begun; the thread takes it */
    bool backing_up;   /* from the asking until its end was told */
    bool giving_up;    /* none is made any more */
    struct store_figures figures;
    bool backup_ended;
    struct writer_backup_end {
        int code;
        uint64_t bytes;
        struct error err;
    } backup_end;
};

int writer_start(
        struct writer *writer, struct database *database, int event_fd, struct error *err) MUST_CHECK;

/* Gives a group to the thread, which has none: all groups before are committed. It is emptied before its
 * number appears in `committed`, and the caller's again then. */
void writer_hand_over(struct writer *writer, struct group *group);

/* Asks for a copy; everything handed over before is in it. ERR_UNAVAILABLE until the end of the one before
 * was told. */
int writer_back_up(struct writer *writer, const char *path, struct error *err) MUST_CHECK;

/* Whether it has ended; true once. event_fd gets 1 when it has. */
bool writer_backup_ended(struct writer *writer, struct writer_backup_end *end);

/* No step of one is begun any more. */
void writer_give_up_backup(struct writer *writer);

/* Asks for a page of the journal; the thread's until it is given back. */
void writer_read(struct writer *writer, struct store_read *read);

/* The next one that has ended, or NULL. event_fd gets 1 when one has. */
struct store_read *writer_read_ended(struct writer *writer);

/* As of the last commit, or step between commits. */
void writer_figures(struct writer *writer, struct store_figures *figures);

/* Ends the thread once all is committed. Reads that have not ended are left as they are. */
void writer_stop(struct writer *writer);

/* Ends the process for an error of the store. */
_Noreturn void writer_die(const struct error *err);

#endif
