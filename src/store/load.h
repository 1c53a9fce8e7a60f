/* Reading everything back. */
#ifndef STORE_LOAD_H
#define STORE_LOAD_H

#include "store/store.h"

struct database;

/* What store_load() promises. */
int load_all(struct database *database, store_row_fn *row, void *context, struct error *err) MUST_CHECK;

#endif
