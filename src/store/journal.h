/* How much of the journal is kept. */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct database;

#define JOURNAL_PRUNE_SQL "DELETE FROM event WHERE class=?1 AND number BETWEEN ?2 AND ?3"
#define JOURNAL_FIRST_SQL "SELECT min(number) FROM event WHERE class=?1 AND number>=?2"

/* The numbers of one event class that are in the table. */
struct journal_class {
    int32_t class;
    uint64_t first, last;
};

struct journal {
    struct journal_class *classes;
    size_t count;
    uint64_t limit; /* rows kept of each class, at least 1 */
};

void journal_init(struct journal *journal);
void journal_clear(struct journal *journal);

/* Finds out what the table holds. */
int journal_read(struct database *database, struct error *err) MUST_CHECK;

/* NULL: the table has none of that class. */
const struct journal_class *journal_find(const struct journal *journal, int32_t class);

/* A row was written. */
void journal_note(struct journal *journal, int32_t class, uint64_t number);

/* Whether some class has more rows than are kept. */
bool journal_excessive(const struct journal *journal);

/* Deletes rows beyond the limit, oldest first, at most `budget`, inside the transaction that is open. */
int journal_prune(struct database *database, size_t budget, struct error *err) MUST_CHECK;

#endif
