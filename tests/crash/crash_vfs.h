/* A layer between SQLite and the system's files that ends the process at a chosen operation as a failing
 * machine would: what was written and not synced is lost, in whole or in part. It can also make an operation
 * fail. It is the real file system otherwise.
 *
 * Operations are the writes, truncations, syncs and deletions of databases and their logs, counted from 1 in
 * each process. What was not synced is undone in the files themselves, so the next process finds what a
 * restarted machine would. A name counts as durable once its file was synced. A write does not harm bytes
 * beside it (SQLite's "powersafe overwrite"). */
#ifndef TEST_CRASH_VFS_H
#define TEST_CRASH_VFS_H

#include <stdbool.h>
#include <stdint.h>

/* How the process exits at the chosen operation. */
#define CRASH_STATUS 86

enum crash_how {
    CRASH_KEEP, /* only the process ends: all that was written stays */
    CRASH_LOSE, /* nothing that was not synced stays */
    CRASH_SOME, /* of what was not synced, and of the operation itself, any part stays, by sectors of 512
                   bytes */
    CRASH_TORN, /* all stays, and the operation itself up to some byte if it is a write */
};

struct crash_plan {
    uint64_t at; /* the operation; 0: none */
    enum crash_how how;
    uint64_t seed; /* of CRASH_SOME and CRASH_TORN */

    /* The n-th of a kind fails, once; 0: none. After a failed sync what was not synced is lost as `how` says,
     * at once: later syncs do not bring it back. */
    uint64_t fail_write, fail_sync, fail_truncate;
    /* The disk is full from the n-th write on, for ever: what would make a file longer fails. */
    uint64_t full_at_write;

    /* Syncs are not passed on: what is lost is decided here, and most tests need not wait for a disk. */
    bool fast_syncs;

    /* 8 bytes of it are the count, kept up to date; NULL: none. Borrowed for the call. */
    const char *count_file;
};

/* Becomes SQLite's default; once in a process. */
void crash_vfs_install(const struct crash_plan *plan);

void crash_vfs_remove(void);

uint64_t crash_vfs_operations(void);
uint64_t crash_vfs_writes(void);
uint64_t crash_vfs_syncs(void);

#endif
