/* What waits for its commit group: replies, calls and publications, packed, in the order the core made them.
 */
#ifndef DAEMON_OUTBOX_H
#define DAEMON_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "base/blob.h"

enum parcel_kind { PARCEL_REPLY, PARCEL_CALL, PARCEL_EVENT };

struct parcel {
    enum parcel_kind kind;
    uint64_t group;        /* leaves once this is committed */
    uint64_t id;           /* PARCEL_REPLY: the token; PARCEL_CALL: the number */
    uint64_t subscription; /* PARCEL_CALL */
    bool ordered;          /* PARCEL_CALL */
    char *topic;           /* PARCEL_EVENT */
    struct blob *header;   /* PARCEL_EVENT */
    struct blob *body;
    const ProtobufCMessageDescriptor *type; /* PARCEL_EVENT: of the body */
};

struct outbox {
    struct parcel *parcels; /* a ring */
    size_t first, count, capacity;
    size_t bytes; /* of topics, headers and bodies */
};

void outbox_init(struct outbox *outbox);
void outbox_clear(struct outbox *outbox);

/* Takes over topic, header and body. */
void outbox_add(struct outbox *outbox, const struct parcel *parcel);

/* The first parcel if its group is committed; it stays until outbox_drop_first(). NULL otherwise. */
struct parcel *outbox_ready(struct outbox *outbox, uint64_t committed);
void outbox_drop_first(struct outbox *outbox);

#endif
