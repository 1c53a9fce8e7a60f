/* The durable state: one SQLite database in the state directory, written by one thread of its own.
 *
 * The loop adds records to the group that is filling and hands it over when the store is idle; all that
 * arrives while one sync runs goes into the next group. A group is one transaction: once store_committed()
 * has reached its number, everything in it and before it is on disk. After store_start() any error of the
 * store ends the process at once, with a line in the log and exit status STORE_EXIT_STATUS, without a
 * rollback or a close: after a failed sync nothing that SQLite says can be believed, and closing could throw
 * away the log that has the truth.
 *
 * All functions are called from the loop's thread. After store_start() none of them waits for the disk but
 * store_destroy(). */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/record.h"

#define STORE_SCHEMA_VERSION 3
#define STORE_FILE "zmesos.db" /* with STORE_FILE "-wal" beside it while it is open, or after a crash */
#define STORE_EXIT_STATUS 74   /* EX_IOERR of sysexits.h */
#define STORE_EVENTS_MAX                                                                                     \
    1000000 /* journal rows kept of each event class, unless store_keep_events() says otherwise */

struct store;

/* Opens or makes the database in `directory` (the last part of the path is made too where it is missing, mode
 * 0700) and locks the directory for this process. ERR_CONFLICT when another process has it, ERR_VERSION when
 * a newer zmesos wrote it, ERR_MALFORMED when it is not our database or is damaged, ERR_IO when it cannot be
 * read or written; a file that is refused is left as it was. On success the caller owns *out. */
int store_open(const char *directory, struct store **out, struct error *err) MUST_CHECK;

/* How many of the newest journal rows of each event class are kept, at least 1. Older ones are deleted in
 * small steps as groups are written and while the store is idle, so there may be more for a while. Only
 * before store_start(). */
void store_keep_events(struct store *store, uint64_t rows);

/* Likewise, how many bytes of each class (topics, headers and bodies), and for how long after it was written;
 * 0: any. The last row of a class is kept in any case. Bytes from before the start are counted while the
 * store is idle. */
void store_keep_events_bytes(struct store *store, uint64_t bytes);
void store_keep_events_for(struct store *store, int64_t ns);

/* Called for each row that is kept, in this order: meta values by name, tasks by key, attempts by (task key,
 * number), operations by key, then for each event class, by class, its last journal row alone. Everything in
 * the record is borrowed for the call: text is copied, blobs are referenced, by who wants to keep them. Text
 * that was written as NULL comes back as "". Must not call the store. A negative return value stops the
 * reading and is passed on. */
typedef int store_row_fn(void *context, const struct record *record, struct error *err);

/* Reads all back. Only before store_start(). ERR_MALFORMED when the file turns out to be damaged. */
int store_load(struct store *store, store_row_fn *row, void *context, struct error *err) MUST_CHECK;

/* Writes one record durably before it returns. Only before store_start(). After a failure nothing but
 * store_destroy() may be called; whether the record is on disk is then unknown. */
int store_write_now(struct store *store, const struct record *record, struct error *err) MUST_CHECK;

/* Starts the thread. It takes no signals. */
int store_start(struct store *store, struct error *err) MUST_CHECK;

/* Adds a record to the filling group; copies text, takes references on blobs. A row that was written before
 * is replaced, but for the id of a task or operation, which never changes, and its specification where `spec`
 * is NULL. 64-bit values keep their bits; event numbers stay below 2^63. */
void store_add(struct store *store, const struct record *record);

/* The number of the group that an output made now has to wait for. Groups count from 1 in each run, in the
 * order in which they are handed over. When records were added since the last hand-over it is the filling
 * group's number: the newest one handed over + 1. When none were it is the newest one handed over (0: none
 * yet): the output follows from nothing that is newer. An output may leave when store_committed() has reached
 * its number; numbers never decrease from one output to the next, so that outputs leave in the order in which
 * they were made. */
uint64_t store_group(const struct store *store);

/* Hands the filling group over if it has records and the thread is idle; never waits. Call at the end of each
 * turn, when the records of an input are all there, and after store_handle(). */
void store_flush(struct store *store);

/* An eventfd, readable when a group was committed since the last store_handle(). Owned by the store. */
int store_fd(const struct store *store);

/* Call when store_fd() is readable: empties it. Harmless when it is not. */
void store_handle(struct store *store);

/* The last committed group's number; 0: none in this run. May grow before store_fd() is readable. */
uint64_t store_committed(const struct store *store);

/* Begins to copy the database into the file `path`, which must not exist, in steps between the groups: groups
 * do not wait for it for longer than a step. The copy holds all that was handed over before, perhaps more,
 * always whole groups, and its meta value META_BACKUP is "1". It appears under its name only when it is
 * complete and synced. One at a time: ERR_UNAVAILABLE while one is under way. ERR_CONFLICT when the file
 * exists, ERR_INVALID for a path that is not absolute. The end is told by store_backup_ended(). Errors of the
 * copy never end the process. */
int store_backup(struct store *store, const char *path, struct error *err) MUST_CHECK;

/* Whether a backup that was begun has ended since the last call. *code is 0 and *bytes its size, or *code is
 * the error and *err its text. store_fd() becomes readable for it. */
bool store_backup_ended(struct store *store, int *code, uint64_t *bytes, struct error *err);

/* For the end of the run: a backup that is under way, or is asked for from now on, ends with ERR_UNAVAILABLE
 * and leaves no file, unless it is complete before it hears of this. */
void store_give_up_backup(struct store *store);

/* A page of the journal, read by the store's thread in steps between the groups: groups do not wait for it
 * for longer than a step. Reads that wait take turns. */
struct store_read {
    /* What is wanted. The store reads these from its thread until it gives the read back. */
    int32_t class;
    uint64_t from, until;                                   /* numbers, both included; from 1 */
    bool (*wanted)(const void *context, const char *topic); /* NULL: every one */
    const void *context;
    bool count_only;
    size_t rows_max, bytes_max; /* of what is found, at least 1; one row always has room */
    size_t look_max;            /* rows that are looked at, at least 1 */

    /* What was found. All before `next` was looked at; it is `from` where that is older than what is kept, or
     * not committed yet. */
    struct event_row *rows; /* texts and blobs are the read's */
    size_t count;
    uint64_t found, last, next; /* rows found, also those only counted; the last one's number, 0: none */
    uint64_t oldest;            /* the first number that is kept; 0: none is */

    struct store_read *later; /* from here on the store's own */
    size_t room, bytes, looked;
};

/* Begins to read; the read is the store's until store_read_ended() gives it back, or the store is destroyed.
 * Only after store_start(). */
void store_read_begin(struct store *store, struct store_read *read);

/* A read that has ended, once; NULL: none. store_fd() becomes readable for it. */
struct store_read *store_read_ended(struct store *store);

void store_read_clear(struct store_read *read); /* gives back what was found */

/* How much the journal holds, and how long the disk has taken, all as of the last commit: kept as it goes, so
 * that asking costs nothing. */
struct store_figures {
    uint64_t journal_rows, journal_bytes;
    bool bytes_known; /* not while rows from before the start are still being counted */
    uint64_t commits; /* of groups, since the start */
    uint64_t commits_us, longest_commit_us;
};

void store_figures(struct store *store, struct store_figures *figures);

/* Bytes of records in groups not yet committed, our own overhead included: for back-pressure. */
size_t store_waiting_bytes(const struct store *store);

/* Commits what is left, checkpoints, ends the thread, closes and unlocks. Waits for the disk; an error of it
 * ends the process as above. Takes NULL. */
void store_destroy(struct store *store);

#endif
