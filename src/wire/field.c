/* The fields of one message level, as bytes. */
#include "wire.h"

/* A tenth byte has room for one bit only. */
size_t wire_read_varint(struct slice bytes, size_t max, uint64_t *value)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < bytes.length && i < max; i++) {
        uint64_t part = bytes.data[i] & 0x7f;
        if (i == WIRE_VARINT_MAX - 1 && part > 1)
            return 0;
        sum |= part << (7 * i);
        if (!(bytes.data[i] & 0x80)) {
            *value = sum;
            return i + 1;
        }
    }
    return 0;
}

void wire_skip(struct slice *bytes, size_t length)
{
    *bytes = slice_of(bytes->data + length, bytes->length - length);
}

int field_next(struct field_cursor *cursor, struct field *field)
{
    struct slice rest = cursor->rest;
    if (rest.length == 0)
        return 0;
    uint64_t tag, value;
    size_t size = wire_read_varint(rest, WIRE_TAG_MAX, &tag);
    if (size == 0 || tag > UINT32_MAX || tag >> 3 == 0)
        return ERR_MALFORMED;
    wire_skip(&rest, size);

    switch (tag & 7) {
    case WIRE_VARINT:
        size = wire_read_varint(rest, WIRE_VARINT_MAX, &value);
        if (size == 0)
            return ERR_MALFORMED;
        break;
    case WIRE_FIXED64:
        size = 8;
        break;
    case WIRE_FIXED32:
        size = 4;
        break;
    case WIRE_BYTES:
        size = wire_read_varint(rest, WIRE_TAG_MAX, &value);
        if (size == 0)
            return ERR_MALFORMED;
        wire_skip(&rest, size);
        size = (size_t)value;
        break;
    default:
        return ERR_MALFORMED;
    }
    if (size > rest.length)
        return ERR_MALFORMED;

    field->number = (uint32_t)(tag >> 3);
    field->wire_type = (uint32_t)(tag & 7);
    field->bytes = slice_of(rest.data, size);
    wire_skip(&rest, size);
    cursor->rest = rest;
    return 1;
}

uint64_t field_varint(const struct field *field)
{
    uint64_t value = 0;
    wire_read_varint(field->bytes, WIRE_VARINT_MAX, &value);
    return value;
}
