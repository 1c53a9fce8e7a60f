/* Counted bytes. A copied blob is one allocation: the count, then the bytes. */
#include "base/blob.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct blob {
    atomic_uint owners;
    size_t length;
    uint8_t *data; /* `inside`, or memory that was taken */
    uint8_t inside[];
};

struct blob *blob_create(const void *data, size_t length)
{
    struct blob *blob = alloc_bytes(sizeof *blob + length);
    atomic_init(&blob->owners, 1);
    blob->length = length;
    blob->data = blob->inside;
    if (length)
        memcpy(blob->inside, data, length);
    return blob;
}

struct blob *blob_take(void *data, size_t length)
{
    struct blob *blob = alloc_bytes(sizeof *blob);
    atomic_init(&blob->owners, 1);
    blob->length = length;
    blob->data = data;
    return blob;
}

struct blob *blob_ref(struct blob *blob)
{
    if (blob)
        atomic_fetch_add_explicit(&blob->owners, 1, memory_order_relaxed);
    return blob;
}

void blob_unref(struct blob *blob)
{
    if (!blob || atomic_fetch_sub_explicit(&blob->owners, 1, memory_order_acq_rel) != 1)
        return;
    if (blob->data != blob->inside)
        free(blob->data);
    free(blob);
}

struct slice blob_slice(const struct blob *blob)
{
    return blob ? slice_of(blob->data, blob->length) : slice_of(NULL, 0);
}
