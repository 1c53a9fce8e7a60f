/* A group of records that become one transaction. */
#ifndef STORE_GROUP_H
#define STORE_GROUP_H

#include "base/arena.h"
#include "base/record.h"

struct group_record {
    struct group_record *next;
    struct record record;
};

struct group {
    struct arena arena; /* the records and their text */
    struct group_record *first;
    struct group_record **end; /* where the next one goes */
    size_t bytes;              /* of all records with their blobs */
};

void group_init(struct group *group);
void group_add(struct group *group, const struct record *record); /* copies text, takes references on blobs */
void group_reset(struct group *group);                            /* empties it for use again */
void group_clear(struct group *group);                            /* empties and frees */

/* Gives back the references that a record has on blobs. */
void record_drop_blobs(const struct record *record);

#endif
