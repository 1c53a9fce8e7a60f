/* The tables, and how a database of an older version becomes one of today's. */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include "base/error.h"

struct database;

/* Checks that the file is ours and not newer than us and not damaged, and migrates it.
 * ERR_MALFORMED, ERR_VERSION, ERR_CONFLICT, ERR_IO; nothing is written to a file that is refused. */
int schema_open(struct database *database, struct error *err) MUST_CHECK;

#endif
