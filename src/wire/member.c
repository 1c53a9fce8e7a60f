/* What protobuf-c's structs mean. */
#include "member.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

size_t member_size(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    default:
        return 4;
    }
}

bool member_is_set(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    const void *quantifier = quantifier_of(message, field);
    bool is_pointer = field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;
    if (field->label == PROTOBUF_C_LABEL_REQUIRED)
        return true;
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return *(const size_t *)quantifier > 0;
    if (member_in_oneof(field) && *(const uint32_t *)quantifier != field->id)
        return false;
    if (is_pointer) {
        /* A default is shown by pointing to it. */
        const void *pointer = *(const void *const *)member_of(message, field);
        return pointer && pointer != field->default_value;
    }
    return member_in_oneof(field) || *(const protobuf_c_boolean *)quantifier;
}

bool member_is_map(const ProtobufCFieldDescriptor *field)
{
    if (field->label != PROTOBUF_C_LABEL_REPEATED || field->type != PROTOBUF_C_TYPE_MESSAGE)
        return false;
    const ProtobufCMessageDescriptor *entry = field->descriptor;
    static const char suffix[] = "Entry";
    size_t length = strlen(entry->short_name), end = sizeof suffix - 1;
    if (entry->n_fields != 2 || length <= end || strcmp(entry->short_name + length - end, suffix) != 0)
        return false;
    const ProtobufCFieldDescriptor *key = &entry->fields[0], *value = &entry->fields[1];
    return key->id == 1 && key->type == PROTOBUF_C_TYPE_STRING && key->label == PROTOBUF_C_LABEL_OPTIONAL &&
           strcmp(key->name, "key") == 0 && value->id == 2 && value->label == PROTOBUF_C_LABEL_OPTIONAL &&
           strcmp(value->name, "value") == 0;
}

static int compare_entries(const void *a, const void *b)
{
    const struct map_entry *left = a, *right = b;
    int order = strcmp(left->key, right->key);
    return order ? order : (left->index > right->index) - (left->index < right->index);
}

struct map_entry *member_sort_entries(
        const ProtobufCFieldDescriptor *map, ProtobufCMessage *const *messages, size_t count)
{
    const ProtobufCMessageDescriptor *type = map->descriptor;
    struct map_entry *entries = alloc_zeroed(count, sizeof *entries);
    for (size_t i = 0; i < count; i++) {
        const char *key = *(const char *const *)member_of(messages[i], &type->fields[0]);
        entries[i] = (struct map_entry){key ? key : "", i, messages[i]};
    }
    qsort(entries, count, sizeof *entries, compare_entries);
    return entries;
}
