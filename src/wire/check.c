/* Checks by descriptor. One pass with a frame for each open message, so that a peer's nesting costs no stack
 * of ours; the way to a field at fault is found again only after the error. What is accepted here must be
 * accepted by protobuf-c too, except where memory runs out: its rules (five bytes for tags and lengths,
 * packed or not packed for every repeated number) are followed. */
#include "wire.h"

#include <string.h>

#include "base/text.h"
#include "path.h"

const struct check_limits check_limits_request = {
        .bytes = (size_t)1 << 20, .depth = 32, .elements = 100000, .strict = true};
const struct check_limits check_limits_event = {
        .bytes = (size_t)64 << 20, .depth = 64, .elements = 4000000, .strict = false};

/* 17 MiB: 16 x the largest request + 1 MiB. */
const struct check_limits check_limits_kept = {.bytes = (size_t)1 << 20,
        .depth = 32,
        .elements = 100000,
        .memory = (size_t)17 << 20,
        .strict = false};

/* One open message. */
struct frame {
    const ProtobufCMessageDescriptor *type;
    const uint8_t *start;
    struct field_cursor cursor;
    const ProtobufCFieldDescriptor *field; /* being looked at; NULL: an unknown one */
    const uint8_t *field_start;
    size_t packed; /* elements of that field before the one being looked at, where it is packed */
    uint64_t seen[CHECK_FIELDS_MAX / 64]; /* by index of the descriptor's fields */
};

struct walk {
    const struct check_limits *limits;
    bool need_required; /* those that protobuf-c cannot do without, also when lenient */
    size_t elements;
    unsigned depth; /* frames in use */
    struct frame frames[CHECK_DEPTH_MAX];
    struct error *err;
};

/* ---- types ---- */

static unsigned wire_type_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return WIRE_FIXED32;
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return WIRE_FIXED64;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return WIRE_BYTES;
    default:
        return WIRE_VARINT;
    }
}

static bool is_repeated(const ProtobufCFieldDescriptor *field)
{
    return field->label == PROTOBUF_C_LABEL_REPEATED;
}

/* ---- errors ---- */

static size_t packed_count(const ProtobufCFieldDescriptor *field, struct slice bytes)
{
    unsigned wire_type = wire_type_of(field->type);
    if (wire_type != WIRE_VARINT)
        return bytes.length / (wire_type == WIRE_FIXED64 ? 8 : 4);
    size_t ends = 0;
    for (size_t i = 0; i < bytes.length; i++)
        ends += !(bytes.data[i] & 0x80);
    return ends;
}

/* Which element of its repeated field is being looked at: found by going through the message again. */
static long element_index(const struct frame *frame)
{
    struct field_cursor cursor = {slice_of(frame->start, (size_t)(frame->field_start - frame->start))};
    struct field field;
    size_t index = frame->packed;
    while (field_next(&cursor, &field) == 1) {
        if (field.number == frame->field->id) {
            bool packed = field.wire_type == WIRE_BYTES && wire_type_of(frame->field->type) != WIRE_BYTES;
            index += packed ? packed_count(frame->field, field.bytes) : 1;
        }
    }
    return (long)index;
}

/* The field being looked at, or `missing` of the innermost message. */
static int fail(struct walk *walk, int code, const char *missing, const char *what)
{
    struct path_step steps[CHECK_DEPTH_MAX + 1];
    const struct path_step *last = NULL;
    for (unsigned i = 0; i < walk->depth; i++) {
        const struct frame *frame = &walk->frames[i];
        const ProtobufCFieldDescriptor *field = frame->field;
        if (i + 1 == walk->depth && missing)
            steps[i] = (struct path_step){last, missing, PATH_NO_INDEX};
        else if (field)
            steps[i] = (struct path_step){
                    last, field->name, is_repeated(field) ? element_index(frame) : PATH_NO_INDEX};
        else
            break;
        last = &steps[i];
    }
    char path[ERROR_FIELD_MAX];
    path_write(last, path);
    return error_set_field(walk->err, code, path, "%s %s", last ? path : "the message", what);
}

/* ---- one field ---- */

static int count(struct walk *walk)
{
    if (walk->elements == walk->limits->elements) {
        return error_set(
                walk->err, ERR_TOO_LARGE, "the message has more than %zu fields", walk->limits->elements);
    }
    walk->elements++;
    return 0;
}

static int check_enum(struct walk *walk, const ProtobufCFieldDescriptor *field, uint64_t value)
{
    if (walk->limits->strict &&
            !protobuf_c_enum_descriptor_get_value(field->descriptor, (int)(uint32_t)value))
        return fail(walk, ERR_INVALID, NULL, "has a value that is not known");
    return 0;
}

static int check_packed(struct walk *walk, struct frame *frame, struct slice bytes)
{
    const ProtobufCFieldDescriptor *field = frame->field;
    unsigned wire_type = wire_type_of(field->type);
    size_t fixed = wire_type == WIRE_FIXED64 ? 8 : 4;
    int rc = 0;
    while (rc == 0 && bytes.length > 0) {
        uint64_t value = 0;
        size_t size = wire_type == WIRE_VARINT ? wire_read_varint(bytes, WIRE_VARINT_MAX, &value) : fixed;
        if (size == 0 || size > bytes.length)
            return fail(walk, ERR_MALFORMED, NULL, "is cut short or holds a number of more than 64 bits");
        wire_skip(&bytes, size);
        rc = count(walk);
        if (rc == 0 && field->type == PROTOBUF_C_TYPE_ENUM)
            rc = check_enum(walk, field, value);
        if (rc == 0)
            frame->packed++;
    }
    return rc;
}

static bool test_and_set(uint64_t *bits, size_t index)
{
    uint64_t bit = (uint64_t)1 << (index % 64);
    bool was = bits[index / 64] & bit;
    bits[index / 64] |= bit;
    return was;
}

/* Singular fields: neither twice, nor with another member of their oneof. */
static int check_single(struct walk *walk, struct frame *frame)
{
    const ProtobufCFieldDescriptor *field = frame->field;
    bool twice = test_and_set(frame->seen, (size_t)(field - frame->type->fields));
    if (twice && (walk->limits->strict || field->type == PROTOBUF_C_TYPE_MESSAGE))
        return fail(walk, ERR_INVALID, NULL, "is given twice");
    if (twice || !walk->limits->strict || !(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
        return 0;
    /* Members of a oneof share the member that tells them apart. */
    for (unsigned i = 0; i < frame->type->n_fields; i++) {
        const ProtobufCFieldDescriptor *other = &frame->type->fields[i];
        if (other != field && (other->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) &&
                other->quantifier_offset == field->quantifier_offset && (frame->seen[i / 64] >> (i % 64) & 1))
            return fail(walk, ERR_INVALID, NULL, "excludes another field that is given too");
    }
    return 0;
}

static int push(struct walk *walk, const ProtobufCMessageDescriptor *type, struct slice bytes)
{
    unsigned limit = walk->limits->depth < CHECK_DEPTH_MAX ? walk->limits->depth : CHECK_DEPTH_MAX;
    if (walk->depth >= limit)
        return error_set(walk->err, ERR_TOO_LARGE, "messages are nested more than %u deep", limit);
    if (type->n_fields > CHECK_FIELDS_MAX)
        return error_set(walk->err, ERR_INVALID, "%s has more than %d fields", type->name, CHECK_FIELDS_MAX);
    walk->frames[walk->depth++] = (struct frame){.type = type, .start = bytes.data, .cursor = {bytes}};
    return 0;
}

static int check_field(struct walk *walk, struct frame *frame, const struct field *given)
{
    const ProtobufCFieldDescriptor *field = frame->field;
    if (!field)
        return count(walk);

    unsigned expected = wire_type_of(field->type);
    if (is_repeated(field) && given->wire_type == WIRE_BYTES && expected != WIRE_BYTES)
        return check_packed(walk, frame, given->bytes);
    int rc = count(walk);
    if (rc)
        return rc;
    if (given->wire_type != expected)
        return fail(walk, ERR_MALFORMED, NULL, "is encoded as another type");
    if (!is_repeated(field)) {
        rc = check_single(walk, frame);
        if (rc)
            return rc;
    }

    uint64_t value = 0;
    switch (field->type) {
    case PROTOBUF_C_TYPE_ENUM:
        wire_read_varint(given->bytes, WIRE_VARINT_MAX, &value);
        return check_enum(walk, field, value);
    case PROTOBUF_C_TYPE_STRING:
        if (!walk->limits->strict)
            return 0;
        if (memchr(given->bytes.data, 0, given->bytes.length))
            return fail(walk, ERR_INVALID, NULL, "holds a NUL");
        return text_is_utf8(given->bytes) ? 0 : fail(walk, ERR_INVALID, NULL, "is not UTF-8");
    case PROTOBUF_C_TYPE_MESSAGE:
        return push(walk, field->descriptor, given->bytes);
    default:
        return 0;
    }
}

/* protobuf-c does without a required field that has a default; strict senders do not. */
static int check_required(struct walk *walk, const struct frame *frame)
{
    for (unsigned i = 0; i < frame->type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &frame->type->fields[i];
        if (field->label == PROTOBUF_C_LABEL_REQUIRED && !(frame->seen[i / 64] >> (i % 64) & 1) &&
                (walk->limits->strict || !field->default_value))
            return fail(walk, ERR_INVALID, field->name, "is missing");
    }
    return 0;
}

int wire_walk(const ProtobufCMessageDescriptor *type, struct slice bytes, const struct check_limits *limits,
        bool need_required, struct error *err)
{
    if (bytes.length > limits->bytes) {
        return error_set(err, ERR_TOO_LARGE, "the message has %zu bytes, %zu are allowed", bytes.length,
                limits->bytes);
    }
    /* The frames are filled as they are pushed. */
    struct walk walk;
    walk.limits = limits;
    walk.need_required = need_required || limits->strict;
    walk.elements = 0;
    walk.depth = 0;
    walk.err = err;

    int rc = push(&walk, type, bytes);
    while (rc == 0 && walk.depth > 0) {
        struct frame *frame = &walk.frames[walk.depth - 1];
        struct field given;
        frame->field_start = frame->cursor.rest.data;
        frame->field = NULL;
        frame->packed = 0;
        int got = field_next(&frame->cursor, &given);
        if (got < 0) {
            rc = fail(&walk, got, NULL, "is malformed or cut short");
        } else if (got == 0) {
            if (walk.need_required)
                rc = check_required(&walk, frame);
            walk.depth--;
        } else {
            frame->field = protobuf_c_message_descriptor_get_field(frame->type, given.number);
            rc = check_field(&walk, frame, &given);
        }
    }
    return rc;
}

int check_message(const ProtobufCMessageDescriptor *type, struct slice bytes,
        const struct check_limits *limits, struct error *err)
{
    return wire_walk(type, bytes, limits, false, err);
}
