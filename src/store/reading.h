/* Pages of the journal, read by the store's thread between its groups. */
#ifndef STORE_READING_H
#define STORE_READING_H

#include <stdbool.h>

#include "store/store.h"

struct database;

#define READING_SQL                                                                                          \
    "SELECT number, topic, time_ns, header, body FROM event WHERE class=?1 AND number BETWEEN ?2 AND ?3"     \
    " ORDER BY number"

/* Reads in the order in which they came. */
struct reading_queue {
    struct store_read *first, *last;
};

void reading_put(struct reading_queue *queue, struct store_read *read);
struct store_read *reading_take(struct reading_queue *queue); /* NULL: none */

/* Takes a read that is new or was taken so far before some rows further. True in *done: that is all. */
int reading_step(
        struct database *database, struct store_read *read, bool *done, struct error *err) MUST_CHECK;

#endif
