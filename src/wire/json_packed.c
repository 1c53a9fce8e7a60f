/* JSON to packed messages and back: whoever takes both takes packed ones, and needs one set of rules. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "json_reader.h"
#include "json_scan.h"
#include "json_text.h"
#include "wire/json.h"

static int append_packed(const ProtobufCMessage *message, struct buf *packed, struct error *err)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = alloc_bytes(size);
    protobuf_c_message_pack(message, bytes);
    int rc = buf_append(packed, bytes, size);
    free(bytes);
    return rc ? error_set(err, rc, "the packed message has more than %zu bytes", packed->limit) : 0;
}

int json_to_packed(const ProtobufCMessageDescriptor *type, struct slice text,
        const struct check_limits *limits, struct buf *packed, struct error *err)
{
    if (text.length > limits->bytes)
        return error_set(
                err, ERR_TOO_LARGE, "the message has %zu bytes, %zu are allowed", text.length, limits->bytes);
    if (json_scan_exceeds(text, limits->elements))
        return error_set(err, ERR_TOO_LARGE, "the message has more than %zu fields", limits->elements);
    ProtobufCMessage *message = NULL;
    size_t before = packed->length;
    int rc = json_read(type, (const char *)text.data, text.length, false, &message, err);
    if (rc)
        return rc;
    rc = append_packed(message, packed, err);
    protobuf_c_message_free_unpacked(message, NULL);
    /* An empty buf has no bytes to point to. */
    if (rc == 0 && packed->length > before)
        rc = check_message(type, slice_of(packed->data + before, packed->length - before), limits, err);
    if (rc)
        packed->length = before;
    return rc;
}

int json_from_packed(const ProtobufCMessageDescriptor *type, struct slice packed,
        const struct check_limits *limits, struct buf *text, struct error *err)
{
    ProtobufCMessage *message = NULL;
    int rc = check_unpack(type, packed, limits, &message, err);
    if (rc)
        return rc;
    rc = json_write_foreign(message, text, err);
    protobuf_c_message_free_unpacked(message, NULL);
    return rc;
}

/* ---- one member ---- */

static json_t *parse_member(struct slice text, const char *name)
{
    struct slice value;
    struct error err;
    json_t *tree = NULL;
    if (!json_find_scalar(text, name, &value) ||
            json_text_parse((const char *)value.data, value.length, &tree, &err))
        return NULL;
    return tree;
}

char *json_find_text(struct slice text, const char *name)
{
    json_t *value = parse_member(text, name);
    const char *found = json_is_string(value) ? json_string_value(value) : NULL;
    char *copy = found && strlen(found) == json_string_length(value) ? alloc_string(found) : NULL;
    json_decref(value);
    return copy;
}

bool json_find_integer(struct slice text, const char *name, uint64_t *value)
{
    json_t *found = parse_member(text, name);
    bool is_one = found && json_natural(found, value);
    json_decref(found);
    return is_one;
}
