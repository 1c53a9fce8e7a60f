/* A ring of parcels. */
#include "outbox.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void outbox_init(struct outbox *outbox)
{
    *outbox = (struct outbox){0};
}

void outbox_clear(struct outbox *outbox)
{
    while (outbox->count > 0)
        outbox_drop_first(outbox);
    free(outbox->parcels);
    outbox_init(outbox);
}

static size_t size_of(const struct parcel *parcel)
{
    return (parcel->topic ? strlen(parcel->topic) : 0) + blob_slice(parcel->header).length +
           blob_slice(parcel->body).length;
}

static void grow(struct outbox *outbox)
{
    size_t capacity = outbox->capacity ? outbox->capacity * 2 : 256;
    struct parcel *parcels = alloc_zeroed(capacity, sizeof *parcels);
    for (size_t i = 0; i < outbox->count; i++)
        parcels[i] = outbox->parcels[(outbox->first + i) % outbox->capacity];
    free(outbox->parcels);
    outbox->parcels = parcels;
    outbox->capacity = capacity;
    outbox->first = 0;
}

void outbox_add(struct outbox *outbox, const struct parcel *parcel)
{
    if (outbox->count == outbox->capacity)
        grow(outbox);
    outbox->parcels[(outbox->first + outbox->count++) % outbox->capacity] = *parcel;
    outbox->bytes += size_of(parcel);
}

struct parcel *outbox_ready(struct outbox *outbox, uint64_t committed)
{
    if (outbox->count == 0 || outbox->parcels[outbox->first].group > committed)
        return NULL;
    return &outbox->parcels[outbox->first];
}

void outbox_drop_first(struct outbox *outbox)
{
    struct parcel *parcel = &outbox->parcels[outbox->first];
    outbox->bytes -= size_of(parcel);
    free(parcel->topic);
    blob_unref(parcel->header);
    blob_unref(parcel->body);
    outbox->first = (outbox->first + 1) % outbox->capacity;
    outbox->count--;
}
