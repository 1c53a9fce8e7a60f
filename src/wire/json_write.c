/* Messages to JSON. The first error sticks in the writer, and later writes do nothing, so that the code reads
 * like the text it makes; the buffer is cut back at the end. */
#include "wire/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "wire/base64.h"
#include "member.h"
#include "number.h"
#include "path.h"

struct writer {
    bool foreign; /* what nobody could read is left out or replaced */
    struct buf *out;
    struct error *err;
    int rc;
};

static void write_message(
        struct writer *writer, const ProtobufCMessage *message, const struct path_step *path, unsigned depth);

static void fail(struct writer *writer, int code, const struct path_step *path, const char *what)
{
    if (writer->rc)
        return;
    char text[ERROR_FIELD_MAX];
    path_write(path, text);
    writer->rc = error_set_field(writer->err, code, text, "%s %s", path ? text : "the message", what);
}

/* ---- text ---- */

static void put(struct writer *writer, const void *data, size_t length)
{
    if (writer->rc == 0 && buf_append(writer->out, data, length)) {
        writer->rc = error_set(
                writer->err, ERR_TOO_LARGE, "the JSON text has more than %zu bytes", writer->out->limit);
    }
}

static void put_text(struct writer *writer, const char *text)
{
    put(writer, text, strlen(text));
}

static void put_escaped(struct writer *writer, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    switch (c) {
    case '"':
        put_text(writer, "\\\"");
        break;
    case '\\':
        put_text(writer, "\\\\");
        break;
    case '\n':
        put_text(writer, "\\n");
        break;
    case '\r':
        put_text(writer, "\\r");
        break;
    case '\t':
        put_text(writer, "\\t");
        break;
    default: {
        char text[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
        put(writer, text, sizeof text);
    }
    }
}

/* Bytes of the character at the front, or 0 where none is. */
static size_t character_size(const char *text)
{
    size_t rest = strnlen(text, 4);
    for (size_t size = 1; size <= rest; size++) {
        if (text_is_utf8(slice_of(text, size)))
            return size;
    }
    return 0;
}

/* U+FFFD for each byte that is of no character. */
static char *replace_broken(const char *text)
{
    char *fit = alloc_bytes(3 * strlen(text) + 1), *at = fit;
    while (*text) {
        size_t size = character_size(text);
        at = mempcpy(at, size ? text : "\xef\xbf\xbd", size ? size : 3);
        text += size ? size : 1;
    }
    *at = '\0';
    return fit;
}

static void put_characters(struct writer *writer, const char *text)
{
    put_text(writer, "\"");
    const char *start = text;
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        put(writer, start, (size_t)(text - start));
        put_escaped(writer, c);
        start = text + 1;
    }
    put(writer, start, (size_t)(text - start));
    put_text(writer, "\"");
}

static void put_string(struct writer *writer, const char *text, const struct path_step *path)
{
    if (text_is_utf8(slice_of_string(text))) {
        put_characters(writer, text);
    } else if (writer->foreign) {
        char *fit = replace_broken(text);
        put_characters(writer, fit);
        free(fit);
    } else {
        fail(writer, ERR_INVALID, path, "is not UTF-8");
    }
}

static void put_bytes(struct writer *writer, const ProtobufCBinaryData *bytes)
{
    size_t size = base64_encoded_size(bytes->len);
    char *text = alloc_bytes(size);
    base64_encode(slice_of(bytes->data, bytes->len), text);
    put_text(writer, "\"");
    put(writer, text, size);
    put_text(writer, "\"");
    free(text);
}

static void put_integer(struct writer *writer, int64_t value)
{
    char text[32];
    put(writer, text, (size_t)snprintf(text, sizeof text, "%" PRId64, value));
}

static void put_unsigned(struct writer *writer, uint64_t value)
{
    char text[32];
    put(writer, text, (size_t)snprintf(text, sizeof text, "%" PRIu64, value));
}

/* JSON has no numbers for these three; protobuf's JSON has names. */
static bool put_not_finite(struct writer *writer, double value)
{
    if (isfinite(value))
        return false;
    put_text(writer, isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
    return true;
}

static void put_double(struct writer *writer, double value)
{
    char text[NUMBER_TEXT_MAX];
    if (!put_not_finite(writer, value))
        put_text(writer, number_format_double(value, text));
}

static void put_float(struct writer *writer, float value)
{
    char text[NUMBER_TEXT_MAX];
    if (!put_not_finite(writer, (double)value))
        put_text(writer, number_format_float(value, text));
}

static void put_enum(struct writer *writer, const ProtobufCEnumDescriptor *type, int value)
{
    const ProtobufCEnumValue *known = protobuf_c_enum_descriptor_get_value(type, value);
    if (!known) {
        put_integer(writer, value);
        return;
    }
    put_text(writer, "\"");
    put_text(writer, known->name);
    put_text(writer, "\"");
}

/* Whether a value is not written at all. */
static bool is_left_out(
        const struct writer *writer, const ProtobufCFieldDescriptor *field, const void *member)
{
    return writer->foreign && field->type == PROTOBUF_C_TYPE_ENUM &&
           !protobuf_c_enum_descriptor_get_value(field->descriptor, *(const int *)member);
}

/* ---- values ---- */

/* One value, or one element of a repeated field. */
static void write_value(struct writer *writer, const ProtobufCFieldDescriptor *field, const void *member,
        const struct path_step *path, unsigned depth)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        put_integer(writer, *(const int32_t *)member);
        break;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        put_integer(writer, *(const int64_t *)member);
        break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        put_unsigned(writer, *(const uint32_t *)member);
        break;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        put_unsigned(writer, *(const uint64_t *)member);
        break;
    case PROTOBUF_C_TYPE_FLOAT:
        put_float(writer, *(const float *)member);
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        put_double(writer, *(const double *)member);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        put_text(writer, *(const protobuf_c_boolean *)member ? "true" : "false");
        break;
    case PROTOBUF_C_TYPE_ENUM:
        put_enum(writer, field->descriptor, *(const int *)member);
        break;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE: {
        const void *pointer = *(const void *const *)member;
        if (!pointer)
            fail(writer, ERR_INVALID, path, "is missing");
        else if (field->type == PROTOBUF_C_TYPE_STRING)
            put_string(writer, pointer, path);
        else
            write_message(writer, pointer, path, depth + 1);
        break;
    }
    case PROTOBUF_C_TYPE_BYTES:
        put_bytes(writer, member);
        break;
    }
}

static void write_array(struct writer *writer, const ProtobufCFieldDescriptor *field, const char *elements,
        size_t count, struct path_step *path, unsigned depth)
{
    const char *comma = "";
    put_text(writer, "[");
    for (size_t i = 0; i < count && writer->rc == 0; i++) {
        const void *element = elements + i * member_size(field->type);
        if (is_left_out(writer, field, element))
            continue;
        path->index = (long)i;
        put_text(writer, comma);
        write_value(writer, field, element, path, depth);
        comma = ",";
    }
    put_text(writer, "]");
}

/* ---- maps ---- */

/* A map's value that is absent means the type's default, which the struct shows where it is not a message. */
static void write_map_value(struct writer *writer, const ProtobufCMessage *entry,
        const ProtobufCFieldDescriptor *value, const struct path_step *path, unsigned depth)
{
    const void *member = member_of(entry, value);
    bool is_pointer = value->type == PROTOBUF_C_TYPE_STRING || value->type == PROTOBUF_C_TYPE_MESSAGE;
    if (is_pointer && !*(const void *const *)member)
        put_text(writer, value->type == PROTOBUF_C_TYPE_STRING ? "\"\"" : "{}");
    else
        write_value(writer, value, member, path, depth);
}

/* In the order of keys; of entries with the same key the last counts, as for every reader of protobuf. */
static void write_map(struct writer *writer, const ProtobufCFieldDescriptor *field,
        ProtobufCMessage *const *messages, size_t count, struct path_step *path, unsigned depth)
{
    const ProtobufCMessageDescriptor *type = field->descriptor;
    const ProtobufCFieldDescriptor *key = &type->fields[0], *value = &type->fields[1];
    if (depth + 1 > JSON_DEPTH_MAX)
        fail(writer, ERR_TOO_LARGE, NULL, "is nested too deep");
    struct map_entry *entries = member_sort_entries(field, messages, count);

    put_text(writer, "{");
    const char *comma = "";
    for (size_t i = 0; i < count && writer->rc == 0; i++) {
        if (i + 1 < count && strcmp(entries[i].key, entries[i + 1].key) == 0)
            continue;
        if (is_left_out(writer, value, member_of(entries[i].message, value)))
            continue;
        path->index = (long)entries[i].index;
        struct path_step key_step = {path, key->name, PATH_NO_INDEX};
        struct path_step value_step = {path, value->name, PATH_NO_INDEX};
        put_text(writer, comma);
        put_string(writer, entries[i].key, &key_step);
        put_text(writer, ":");
        write_map_value(writer, entries[i].message, value, &value_step, depth + 1);
        comma = ",";
    }
    put_text(writer, "}");
    free(entries);
}

/* ---- messages ---- */

static void write_message(
        struct writer *writer, const ProtobufCMessage *message, const struct path_step *path, unsigned depth)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;
    if (depth > JSON_DEPTH_MAX)
        fail(writer, ERR_TOO_LARGE, NULL, "is nested too deep");
    put_text(writer, "{");
    const char *comma = "";
    for (unsigned i = 0; i < type->n_fields && writer->rc == 0; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        const void *member = member_of(message, field);
        bool single = field->label != PROTOBUF_C_LABEL_REPEATED;
        if (!member_is_set(message, field) || (single && is_left_out(writer, field, member)))
            continue;
        struct path_step step = {path, field->name, PATH_NO_INDEX};
        put_text(writer, comma);
        put_text(writer, "\"");
        put_text(writer, field->name);
        put_text(writer, "\":");
        if (single) {
            write_value(writer, field, member, &step, depth);
        } else {
            size_t count = *(const size_t *)quantifier_of(message, field);
            if (member_is_map(field))
                write_map(writer, field, *(ProtobufCMessage *const *const *)member, count, &step, depth);
            else
                write_array(writer, field, *(const char *const *)member, count, &step, depth);
        }
        comma = ",";
    }
    put_text(writer, "}");
}

static int write_whole(const ProtobufCMessage *message, bool foreign, struct buf *out, struct error *err)
{
    size_t before = out->length;
    struct writer writer = {.foreign = foreign, .out = out, .err = err};
    write_message(&writer, message, NULL, 1);
    if (writer.rc)
        out->length = before;
    return writer.rc;
}

int json_write(const ProtobufCMessage *message, struct buf *out, struct error *err)
{
    return write_whole(message, false, out, err);
}

int json_write_foreign(const ProtobufCMessage *message, struct buf *out, struct error *err)
{
    return write_whole(message, true, out, err);
}
