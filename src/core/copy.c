/* Deep copies of messages by their descriptors, into an arena: an offer outlives the event that brought it.
 * Unknown fields are copied too, so that a resource goes back as it came. */
#include "internal.h"

#include <string.h>

size_t message_element_size(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return 4;
    case PROTOBUF_C_TYPE_ENUM:
        return sizeof(int);
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    default:
        return 8;
    }
}

/* Replaces what the element at `place` points to by a copy. A default value of the descriptor is kept as it
 * is. */
static void copy_pointed(struct arena *arena, const ProtobufCFieldDescriptor *field, void *place)
{
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        char **text = place;
        if (*text && *text != field->default_value)
            *text = arena_string(arena, *text);
    } else if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        ProtobufCMessage **message = place;
        if (*message && *message != field->default_value)
            *message = message_copy(arena, *message);
    } else if (field->type == PROTOBUF_C_TYPE_BYTES) {
        ProtobufCBinaryData *bytes = place;
        if (bytes->data)
            bytes->data = arena_copy(arena, bytes->data, bytes->len);
    }
}

void *message_copy(struct arena *arena, const void *from)
{
    const ProtobufCMessageDescriptor *type = ((const ProtobufCMessage *)from)->descriptor;
    char *to = arena_copy(arena, from, type->sizeof_message);
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        if (field->label != PROTOBUF_C_LABEL_REPEATED) {
            bool other_member = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) &&
                                *(int *)(to + field->quantifier_offset) != (int)field->id;
            if (!other_member)
                copy_pointed(arena, field, to + field->offset);
            continue;
        }
        size_t count = *(size_t *)(to + field->quantifier_offset), size = message_element_size(field->type);
        void **elements = (void **)(to + field->offset);
        if (count == 0)
            continue;
        *elements = arena_copy(arena, *elements, count * size);
        for (size_t j = 0; j < count; j++)
            copy_pointed(arena, field, (char *)*elements + j * size);
    }
    ProtobufCMessage *message = (ProtobufCMessage *)to;
    if (message->n_unknown_fields) {
        size_t size = message->n_unknown_fields * sizeof *message->unknown_fields;
        message->unknown_fields = arena_copy(arena, message->unknown_fields, size);
        for (unsigned i = 0; i < message->n_unknown_fields; i++)
            message->unknown_fields[i].data =
                    arena_copy(arena, message->unknown_fields[i].data, message->unknown_fields[i].len);
    }
    return to;
}
