/* How much of the journal is kept. */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/record.h"

struct database;

/* The bytes that count of a row; reading a length does not read what is long. Of text SQLite would count
 * characters. */
#define JOURNAL_ROW_BYTES "length(CAST(topic AS BLOB))+ifnull(length(header),0)+ifnull(length(body),0)"

#define JOURNAL_PRUNE_SQL "DELETE FROM event WHERE class=?1 AND number BETWEEN ?2 AND ?3"
#define JOURNAL_OLDEST_SQL                                                                                   \
    "SELECT number, time_ns, " JOURNAL_ROW_BYTES " FROM event WHERE class=?1 AND number>=?2"                 \
    " ORDER BY number LIMIT ?3"
#define JOURNAL_COUNT_SQL                                                                                    \
    "SELECT sum(" JOURNAL_ROW_BYTES ") FROM event WHERE class=?1 AND number BETWEEN ?2 AND ?3"

/* The numbers of one event class that are in the table. */
struct journal_class {
    int32_t class;
    uint64_t first, last;
    int64_t first_ns; /* when the first one was written */
    uint64_t counted; /* `bytes` are those of this number and all after it */
    uint64_t bytes;
};

struct journal {
    struct journal_class *classes;
    size_t count;
    uint64_t limit;       /* rows kept of each class, at least 1 */
    uint64_t bytes_limit; /* and their bytes; 0: any. One row is kept whatever its size */
    int64_t age_limit_ns; /* 0: any; the last row is kept whatever its age */
};

void journal_init(struct journal *journal);
void journal_clear(struct journal *journal);

/* Finds out what the table holds. */
int journal_read(struct database *database, struct error *err) MUST_CHECK;

/* NULL: the table has none of that class. */
const struct journal_class *journal_find(const struct journal *journal, int32_t class);

/* A row was written. */
void journal_note(struct journal *journal, const struct event_row *row);

/* How many rows there are, and their bytes as far as they were counted. False: not all were. */
bool journal_size(const struct journal *journal, uint64_t *rows, uint64_t *bytes);

/* Whether some class has more rows, more bytes or older rows than are kept. */
bool journal_excessive(const struct journal *journal);

/* Deletes rows beyond the limits, oldest first, at most `budget`, inside the transaction that is open. */
int journal_prune(struct database *database, size_t budget, struct error *err) MUST_CHECK;

/* Whether there are rows from before the start whose bytes would matter and are not known yet. */
bool journal_uncounted(const struct journal *journal);

/* Finds out the bytes of some of them, the newest first: what is older than a full journal need not be known.
 */
int journal_count(struct database *database, struct error *err) MUST_CHECK;

#endif
