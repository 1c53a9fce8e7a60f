/* Members of generated structs by descriptor, for proto2. */
#ifndef WIRE_MEMBER_H
#define WIRE_MEMBER_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline const void *member_of(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    return (const char *)message + field->offset;
}

/* has_x, n_x, or the case of a oneof. */
static inline const void *quantifier_of(
        const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    return (const char *)message + field->quantifier_offset;
}

static inline bool member_in_oneof(const ProtobufCFieldDescriptor *field)
{
    return field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF;
}

/* Bytes of one value, of an element if the field is repeated. */
size_t member_size(ProtobufCType type);

/* Whether the field is to be written: a repeated one that has elements, an optional one that is set and does
 * not only show its default, a required one always. */
bool member_is_set(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);

/* Whether the field is a map, written as what maps are encoded to: a repeated message of a text `key` and a
 * `value` whose type's name ends in "Entry". */
bool member_is_map(const ProtobufCFieldDescriptor *field);

struct map_entry {
    const char *key; /* "" where it is absent */
    size_t index;    /* where it was */
    ProtobufCMessage *message;
};

/* The entries of a map in the order of their keys, malloc'ed; those with the same key stay in their order. */
struct map_entry *member_sort_entries(
        const ProtobufCFieldDescriptor *map, ProtobufCMessage *const *messages, size_t count);

#endif
