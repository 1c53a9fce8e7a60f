/* The store's thread: takes one group at a time, commits it, and uses the time between groups for upkeep. */
#ifndef STORE_WRITER_H
#define STORE_WRITER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/error.h"
#include "database.h"
#include "group.h"

struct writer {
    struct database *database; /* borrowed; the thread's alone while it runs */
    int event_fd;              /* borrowed; gets 1 after each commit */
    _Atomic uint64_t committed;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards the two below; held for moments only */
    pthread_cond_t wake;
    struct group *waiting; /* handed over and not yet taken; belongs to the thread */
    bool stopping;
};

int writer_start(
        struct writer *writer, struct database *database, int event_fd, struct error *err) MUST_CHECK;

/* Gives a group to the thread, which has none: all groups before are committed. It is emptied before its
 * number appears in `committed`, and the caller's again then. */
void writer_hand_over(struct writer *writer, struct group *group);

/* Ends the thread once all is committed. */
void writer_stop(struct writer *writer);

/* Ends the process for an error of the store. */
_Noreturn void writer_die(const struct error *err);

#endif
