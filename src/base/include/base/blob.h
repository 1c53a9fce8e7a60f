/* Immutable bytes with a count of owners: an event or a specification on its way through the core, the store
 * thread and libzmq's threads without a copy. Counting is atomic; the bytes never change. */
#ifndef BASE_BLOB_H
#define BASE_BLOB_H

#include "base/slice.h"

struct blob;

/* A copy of the bytes, owned once. The caller unrefs it. */
struct blob *blob_create(const void *data, size_t length);

/* Takes `data`, which malloc gave, without a copy; it is freed with the blob. */
struct blob *blob_take(void *data, size_t length);

struct blob *blob_ref(struct blob *blob);         /* one owner more; returns blob; NULL gives NULL */
void blob_unref(struct blob *blob);               /* one owner less; the last one frees; takes NULL */
struct slice blob_slice(const struct blob *blob); /* borrowed; NULL gives an empty slice */

#endif
