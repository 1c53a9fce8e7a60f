/* How protobuf's bytes are built: what the checks share. */
#ifndef WIRE_WIRE_H
#define WIRE_WIRE_H

#include "wire/check.h"

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

#define WIRE_VARINT_MAX 10 /* bytes */
#define WIRE_TAG_MAX 5     /* bytes of a tag or a length, as protobuf-c has it */

/* The size of the varint at the front, at most `max` bytes, or 0 where there is none. */
size_t wire_read_varint(struct slice bytes, size_t max, uint64_t *value);

void wire_skip(struct slice *bytes, size_t length);

/* check_message(); with `need_required`, required fields that protobuf-c cannot do without are needed when
 * lenient too. */
int wire_walk(const ProtobufCMessageDescriptor *type, struct slice bytes, const struct check_limits *limits,
        bool need_required, struct error *err) MUST_CHECK;

#endif
