/* Protobuf messages as JSON and back, by descriptor, as Mesos does it: proto field names (lowerCamelCase is
 * read too), enum values by name (numbers are read too), bytes in base64, 64-bit integers as numbers (strings
 * are read too), doubles with no more digits than it takes to read back equal (4.0, not 4), absent left out,
 * defaults not filled in. Map fields, which are repeated entry messages with a text `key` and a `value` whose
 * type's name ends in "Entry", are objects (an array of entries is read too). Nothing here looks at the
 * locale. */
#ifndef WIRE_JSON_H
#define WIRE_JSON_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "wire/check.h"

#define JSON_DEPTH_MAX 64 /* of nested messages; the outermost is 1, an entry of a map counts */

/* Appends compact JSON: fields in the order of their numbers, maps in the order of their keys. NaN and the
 * infinities are the strings "NaN", "Infinity", "-Infinity"; enum values without a name are numbers; unknown
 * fields are left out. ERR_TOO_LARGE when the buffer's limit is reached or past JSON_DEPTH_MAX; ERR_INVALID
 * for text that is not UTF-8 and for a required text or message that is NULL. */
int json_write(const ProtobufCMessage *message, struct buf *out, struct error *err) MUST_CHECK;

/* The same of a message that others made: enum values without a name are left out, as every reader of
 * protobuf leaves them out, and in text what is not UTF-8 becomes U+FFFD. */
int json_write_foreign(const ProtobufCMessage *message, struct buf *out, struct error *err) MUST_CHECK;

/* Reads one JSON object; null is the same as absent. ERR_MALFORMED when it is not JSON; ERR_INVALID
 * (err->field is the path) for a key given twice, two members of one oneof, a wrong type, an unknown field, a
 * number out of range, text with NUL, an unknown enum value, bad base64, a missing required field;
 * ERR_TOO_LARGE past JSON_DEPTH_MAX, past the 2,048 levels that jansson reads, and when the message would
 * take more than 16 x length + 1 MiB. The caller limits `length`: jansson's tree takes up to 60 times as
 * much while it is read. `ignore_unknown` skips unknown fields, and unknown enum names of fields that are not
 * required, as Mesos does. The caller frees *out with protobuf_c_message_free_unpacked(*out, NULL). */
int json_read(const ProtobufCMessageDescriptor *type, const char *text, size_t length, bool ignore_unknown,
        ProtobufCMessage **out, struct error *err) MUST_CHECK;

/* ---- packed messages ---- */

/* Appends what json_read() reads, packed; it passes check_message() under the same limits, of which `bytes`
 * is for the text too. Text with more objects and scalars than `elements`, or more arrays, is ERR_TOO_LARGE
 * before jansson sees it. Unknown fields are refused. */
int json_to_packed(const ProtobufCMessageDescriptor *type, struct slice text,
        const struct check_limits *limits, struct buf *packed, struct error *err) MUST_CHECK;

/* Appends what json_write_foreign() writes of a packed message that passes the limits. */
int json_from_packed(const ProtobufCMessageDescriptor *type, struct slice packed,
        const struct check_limits *limits, struct buf *text, struct error *err) MUST_CHECK;

/* ---- one member of the outermost object, also where the text is broken further on ---- */

/* Whether there is a member of one of the type's oneofs. */
bool json_has_choice(struct slice text, const ProtobufCMessageDescriptor *type);

/* Its text as it stands there, borrowed; a string with its quotes. False for objects and arrays. */
bool json_find_scalar(struct slice text, const char *name, struct slice *value);

/* The member as malloc'ed text; NULL where it is no text, or holds a NUL. */
char *json_find_text(struct slice text, const char *name);

/* False for what is no integer from 0 to UINT64_MAX. */
bool json_find_integer(struct slice text, const char *name, uint64_t *value);

#endif
