/* Checks before protobuf-c sees the bytes, by descriptor: protobuf-c has no recursion limit, merges a
 * repeated singular message in quadratic time, and lets empty messages grow to 84 times their size. */
#ifndef WIRE_CHECK_H
#define WIRE_CHECK_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/slice.h"

#define CHECK_DEPTH_MAX 64   /* check_limits.depth above it counts as it */
#define CHECK_FIELDS_MAX 256 /* fields a message type may have; ERR_INVALID for a type with more */

struct check_limits {
    size_t bytes;    /* of the whole message */
    unsigned depth;  /* of nested messages; the outermost is 1 */
    size_t elements; /* fields present, each element of a repeated one counted, at all depths */
    size_t memory;   /* bytes of the decoded message; 0: 16 x input + 1 MiB */
    bool strict; /* refuse a singular field given twice, two members of one oneof, strings with NUL or broken
                  * UTF-8, a missing required field, an enum value we do not know. Lenient: from a master
                  * newer than us; only what is unsafe is refused, and a singular *message* field given twice
                  * is unsafe. A string with NUL then ends there */
};

/* 1 MiB, depth 32, 100,000 elements, strict: what clients send. */
extern const struct check_limits check_limits_request;
/* 64 MiB, depth 64, 4,000,000 elements, lenient: what a master sends. */
extern const struct check_limits check_limits_event;
/* Parts of requests that were taken, read again by themselves. Whatever was decoded as part of a request can
 * be decoded alone, for the memory is that of the largest request. Lenient: it was checked when it came. */
extern const struct check_limits check_limits_kept;

/* 0, or
 * ERR_MALFORMED: cut short, a varint of more than ten bytes or 64 bits, a field of another wire type than its
 * own, a group, the field number 0; ERR_INVALID:   what only `strict` refuses, and a singular message given
 * twice; ERR_TOO_LARGE: past one of the limits. err->field is the path at fault, as
 * launch.tasks[3].command.value, or "" where there is none. Unknown fields are allowed (and counted) when
 * they are well formed. Time is linear in the bytes, and nothing is allocated. */
int check_message(const ProtobufCMessageDescriptor *type, struct slice bytes,
        const struct check_limits *limits, struct error *err) MUST_CHECK;

/* Checks, then unpacks with an allocator limited to limits->memory (ERR_TOO_LARGE past that). Needs
 * required fields also when lenient: ERR_INVALID with the path of the missing one. The caller frees *out with
 * protobuf_c_message_free_unpacked(*out, NULL). */
int check_unpack(const ProtobufCMessageDescriptor *type, struct slice bytes,
        const struct check_limits *limits, ProtobufCMessage **out, struct error *err) MUST_CHECK;

/* Steps over the fields of one message level without decoding: for slices of embedded messages as they came.
 */
struct field_cursor {
    struct slice rest;
};

struct field {
    uint32_t number;
    uint32_t wire_type; /* 0 varint, 1 fixed64, 2 bytes, 5 fixed32 */
    struct slice
            bytes; /* the payload of wire type 2; else the raw value: a varint as it came, or 8 or 4 bytes */
};

/* 1 with a field, 0 at the end, ERR_MALFORMED. Groups (wire types 3 and 4) are malformed. After an error the
 * cursor stays where it was. */
int field_next(struct field_cursor *cursor, struct field *field) MUST_CHECK;

/* The value of a field of wire type 0 that field_next() gave. */
uint64_t field_varint(const struct field *field);

#endif
