/* Whether two messages of one type say the same, field for field, unknown ones included. */
#ifndef LOCAL_SAME_MESSAGE_H
#define LOCAL_SAME_MESSAGE_H

#include <stdbool.h>

#include <protobuf-c/protobuf-c.h>

bool same_message(const ProtobufCMessage *a, const ProtobufCMessage *b);

#endif
