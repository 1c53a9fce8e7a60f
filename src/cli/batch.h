/* Cutting lists of ids into requests that the daemon takes. */
#ifndef CLI_BATCH_H
#define CLI_BATCH_H

#include <stddef.h>

#define BATCH_IDS_MAX 10000 /* of one request that ends or releases tasks */

/* How many of the ids, from the first on, fit into one request: at least one where there is one. */
size_t batch_ids(char *const *ids, size_t count);

#endif
