/* Whether the database's structure is sound. */
#ifndef STORE_INTEGRITY_H
#define STORE_INTEGRITY_H

#include "base/error.h"

struct database;

/* Checks all of a small database, and of a large one what a start reads: all but the journal. ERR_MALFORMED
 * with what is wrong. */
int integrity_check(struct database *database, struct error *err) MUST_CHECK;

#endif
