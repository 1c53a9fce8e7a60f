/* From the core's outputs to bytes. */
#ifndef DAEMON_ENCODE_H
#define DAEMON_ENCODE_H

#include "base/blob.h"
#include "core/core.h"

/* Any message, packed. The caller unrefs it. */
struct blob *encode_message(const ProtobufCMessage *message);

/* The call with its operations and launches, packed. NULL with a line in the log when a specification that
 * was kept cannot be read any more, which is a damaged store. */
struct blob *encode_call(const struct core_call *call);

/* The reply with its specifications and what operations made, packed. NULL likewise. */
struct blob *encode_reply(const struct core_reply *reply);

/* The operation of an event with what it made, packed. NULL likewise. */
struct blob *encode_operation(const struct core_event *event);

/* Whether two packed TaskSpecs say the same: equal once read, their maps put in order, and packed again. */
bool encode_same_spec(struct slice a, struct slice b);
bool encode_same_operation(struct slice a, struct slice b); /* likewise, OperationSpecs */

/* A kept specification, decoded; NULL when it cannot be read. The caller frees it with
 * zmesos__v1__task_spec__free_unpacked(). */
Zmesos__V1__TaskSpec *encode_read_spec(struct slice bytes);
Zmesos__V1__OperationSpec *encode_read_operation(struct slice bytes); /* likewise */

#endif
