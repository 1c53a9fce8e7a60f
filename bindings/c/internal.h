/* What the files of libzmesos share. */
#ifndef LIBZMESOS_INTERNAL_H
#define LIBZMESOS_INTERNAL_H

#include <protobuf-c/protobuf-c.h>
#include <zmq.h>

#include "base/error.h"
#include "base/slice.h"
#include "zmesos.h"
#include "zmesos/v1/zmesos.pb-c.h"

/* Hands the words out; returns `code`, which is a public one too. */
int fail(struct zmesos_error *error, int code, const struct error *why);
int fail_with(struct zmesos_error *error, int code, const char *format, ...) PRINTF_LIKE(3, 4);

/* The message in those bytes, checked; NULL: there is none. The caller frees it with
 * protobuf_c_message_free_unpacked(). */
ProtobufCMessage *unpack(const ProtobufCMessageDescriptor *type, struct slice bytes, struct error *err);

void task_copy(const Zmesos__V1__Task *from, struct zmesos_task *to);

#endif
