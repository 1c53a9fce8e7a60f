/* One order for what has none. */
#ifndef WIRE_CANONICAL_H
#define WIRE_CANONICAL_H

#include <protobuf-c/protobuf-c.h>

/* Puts the entries of each map, at all depths, into the order of their keys: messages that say the same then
 * pack to the same bytes. Entries with the same key stay in their order. */
void canonical_sort_maps(ProtobufCMessage *message);

#endif
