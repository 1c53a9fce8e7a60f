/* Messages are the same where their bytes are. See same_message.h. */
#include "same_message.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

bool same_message(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
    size_t length = protobuf_c_message_get_packed_size(a);
    if (length != protobuf_c_message_get_packed_size(b))
        return false;
    uint8_t *bytes = alloc_bytes(2 * length + 1);
    protobuf_c_message_pack(a, bytes);
    protobuf_c_message_pack(b, bytes + length);
    bool same = memcmp(bytes, bytes + length, length) == 0;
    free(bytes);
    return same;
}
