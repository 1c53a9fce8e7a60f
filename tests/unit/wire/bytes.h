/* Protobuf by hand, for tests: what a library would never write too. */
#ifndef TESTS_WIRE_BYTES_H
#define TESTS_WIRE_BYTES_H

#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"

static inline void put(struct buf *out, const void *data, size_t length)
{
    if (buf_append(out, data, length))
        abort();
}

static inline void put_varint(struct buf *out, uint64_t value)
{
    do {
        uint8_t byte = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        put(out, &byte, 1);
        value >>= 7;
    } while (value);
}

static inline void put_number(struct buf *out, uint32_t field, uint64_t value)
{
    put_varint(out, (uint64_t)field << 3);
    put_varint(out, value);
}

static inline void put_bytes(struct buf *out, uint32_t field, const void *data, size_t length)
{
    put_varint(out, (uint64_t)field << 3 | 2);
    put_varint(out, length);
    put(out, data, length);
}

/* Empties `inner`, after writing what it held as an embedded message. */
static inline void put_message(struct buf *out, uint32_t field, struct buf *inner)
{
    put_bytes(out, field, inner->data, inner->length);
    buf_clear(inner);
}

static inline struct slice bytes_of(const struct buf *buf)
{
    return slice_of(buf->data, buf->length);
}

#endif
