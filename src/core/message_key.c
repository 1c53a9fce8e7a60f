/* All that a message says, as bytes to be looked up by: two messages that say the same have the same. What it
 * is decides the length of what follows, so that no two others share them. Its depth was limited when it
 * came. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

static void put(struct buf *key, const void *bytes, size_t length)
{
    if (buf_append(key, bytes, length))
        abort(); /* the buffer has no limit */
}

static void put_sized(struct buf *key, const void *bytes, size_t length)
{
    put(key, &length, sizeof length);
    put(key, bytes, length);
}

static size_t put_element(struct buf *key, const ProtobufCFieldDescriptor *field, const void *place)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING: {
        const char *text = *(char *const *)place;
        put_sized(key, text ? text : "", text ? strlen(text) : 0);
        return sizeof(char *);
    }
    case PROTOBUF_C_TYPE_BYTES: {
        const ProtobufCBinaryData *bytes = place;
        put_sized(key, bytes->data, bytes->len);
        return sizeof *bytes;
    }
    case PROTOBUF_C_TYPE_MESSAGE:
        message_key(key, *(void *const *)place);
        return sizeof(void *);
    default:
        put(key, place, message_element_size(field->type));
        return message_element_size(field->type);
    }
}

static bool is_pointed(const ProtobufCFieldDescriptor *field)
{
    return field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;
}

/* Of a field that may be there once. */
static bool is_there(const ProtobufCFieldDescriptor *field, const char *message)
{
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
        return *(const int *)(const void *)(message + field->quantifier_offset) == (int)field->id;
    const void *place = message + field->offset;
    if (is_pointed(field))
        return *(void *const *)place != NULL;
    return field->label == PROTOBUF_C_LABEL_REQUIRED ||
           *(const protobuf_c_boolean *)(const void *)(message + field->quantifier_offset);
}

void message_key(struct buf *key, const void *from)
{
    const char *message = from;
    const ProtobufCMessage *base = from;
    for (unsigned i = 0; i < base->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &base->descriptor->fields[i];
        bool repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
        size_t count = repeated ? *(const size_t *)(const void *)(message + field->quantifier_offset)
                                : is_there(field, message);
        put(key, &count, sizeof count);
        const char *place = repeated && count ? *(char *const *)(const void *)(message + field->offset)
                                              : message + field->offset;
        for (size_t j = 0; j < count; j++)
            place += put_element(key, field, place);
    }
    size_t unknown = base->n_unknown_fields;
    put(key, &unknown, sizeof unknown);
    for (size_t i = 0; i < unknown; i++) {
        put(key, &base->unknown_fields[i].tag, sizeof base->unknown_fields[i].tag);
        put_sized(key, base->unknown_fields[i].data, base->unknown_fields[i].len);
    }
}
