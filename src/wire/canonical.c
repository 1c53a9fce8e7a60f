/* Maps have no order, but their bytes have. Whoever unpacked the message has limited its depth. */
#include "wire/canonical.h"

#include <stdlib.h>

#include "member.h"

static void sort_entries(const ProtobufCFieldDescriptor *field, ProtobufCMessage **messages, size_t count)
{
    struct map_entry *entries = member_sort_entries(field, messages, count);
    for (size_t i = 0; i < count; i++)
        messages[i] = entries[i].message;
    free(entries);
}

void canonical_sort_maps(ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        if (field->type != PROTOBUF_C_TYPE_MESSAGE || !member_is_set(message, field))
            continue;
        const void *member = member_of(message, field);
        if (field->label != PROTOBUF_C_LABEL_REPEATED) {
            canonical_sort_maps(*(ProtobufCMessage *const *)member);
            continue;
        }
        size_t count = *(const size_t *)quantifier_of(message, field);
        ProtobufCMessage **messages = *(ProtobufCMessage * *const *)member;
        for (size_t j = 0; j < count; j++)
            canonical_sort_maps(messages[j]);
        if (member_is_map(field))
            sort_entries(field, messages, count);
    }
}
