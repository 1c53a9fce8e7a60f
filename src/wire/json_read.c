/* JSON to messages: jansson's tree beside the descriptors. The message under construction can be freed by
 * protobuf-c at any point: counts grow after their elements, a oneof's case is set with its member. */
#include "wire/json.h"

#include "json_reader.h"
#include "json_scan.h"
#include "json_text.h"
#include "member.h"
#include "wire/check.h"

#define GROWTH 16
#define GROWTH_EXTRA ((size_t)1 << 20)

/* ---- values ---- */

static int read_message(struct json_reader *reader, const ProtobufCMessageDescriptor *type, json_t *json,
        const struct path_step *path, unsigned depth, ProtobufCMessage **out) MUST_CHECK;

/* Members are written through descriptors. */
static void *writable(const void *member)
{
    return (void *)(uintptr_t)member;
}

/* One value, or one element, into its member; what the member pointed to is not freed. */
static int read_value(struct json_reader *reader, const ProtobufCFieldDescriptor *field, json_t *json,
        const struct path_step *path, unsigned depth, void *member)
{
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return read_message(reader, field->descriptor, json, path, depth + 1, member);
    return json_read_scalar(reader, field, json, path, member);
}

static int read_array(struct json_reader *reader, ProtobufCMessage *message,
        const ProtobufCFieldDescriptor *field, json_t *json, struct path_step *path, unsigned depth)
{
    if (!json_is_array(json))
        return json_fail(reader, ERR_INVALID, path, "is no array");
    size_t size = member_size(field->type), *count = writable(quantifier_of(message, field));
    char **elements = writable(member_of(message, field));
    int rc = 0;
    *elements = json_reserve(reader, json_array_size(json) * size);
    if (!*elements)
        return ERR_TOO_LARGE;
    for (size_t i = 0; rc == 0 && i < json_array_size(json); i++) {
        path->index = (long)i;
        rc = read_value(reader, field, json_array_get(json, i), path, depth, *elements + *count * size);
        if (rc == 0)
            ++*count;
        else if (rc == JSON_IGNORED)
            rc = 0;
    }
    return rc;
}

/* ---- maps ---- */

static int read_entry(struct json_reader *reader, const ProtobufCMessageDescriptor *type, const char *key,
        json_t *json, const struct path_step *path, unsigned depth, ProtobufCMessage **out)
{
    const ProtobufCFieldDescriptor *key_field = &type->fields[0], *value_field = &type->fields[1];
    struct path_step step = {path, value_field->name, PATH_NO_INDEX};
    if (depth > JSON_DEPTH_MAX)
        return json_fail(reader, ERR_TOO_LARGE, NULL, "is nested too deep");
    if (json_is_null(json))
        return json_fail(reader, ERR_INVALID, &step, "is null");

    ProtobufCMessage *entry = json_reserve(reader, type->sizeof_message);
    if (!entry)
        return ERR_TOO_LARGE;
    protobuf_c_message_init(type, entry);
    int rc = json_copy_text(reader, key, writable(member_of(entry, key_field)));
    if (rc == 0) {
        void *value = writable(member_of(entry, value_field));
        rc = read_value(reader, value_field, json, &step, depth, value);
        bool pointer =
                value_field->type == PROTOBUF_C_TYPE_STRING || value_field->type == PROTOBUF_C_TYPE_MESSAGE;
        if (rc == 0 && !pointer)
            *(protobuf_c_boolean *)writable(quantifier_of(entry, value_field)) = 1;
    }
    if (rc < 0)
        protobuf_c_message_free_unpacked(entry, NULL);
    else
        *out = entry;
    return rc < 0 ? rc : 0;
}

static int read_map(struct json_reader *reader, ProtobufCMessage *message,
        const ProtobufCFieldDescriptor *field, json_t *json, struct path_step *path, unsigned depth)
{
    size_t *count = writable(quantifier_of(message, field));
    ProtobufCMessage ***entries = writable(member_of(message, field));
    int rc = 0;
    *entries = json_reserve(reader, json_object_size(json) * sizeof **entries);
    if (!*entries)
        return ERR_TOO_LARGE;
    const char *key;
    json_t *value;
    json_object_foreach(json, key, value)
    {
        if (rc)
            break;
        path->index = (long)*count;
        rc = read_entry(reader, field->descriptor, key, value, path, depth + 1, &(*entries)[*count]);
        *count += rc == 0;
    }
    return rc;
}

/* ---- messages ---- */

/* "two_words" is read from "twoWords" as well, as protobuf's own JSON has it. */
static bool is_camel_case_of(const char *name, const char *key)
{
    bool raise = false;
    for (; *name; name++) {
        if (*name == '_') {
            raise = true;
            continue;
        }
        char expected = raise && *name >= 'a' && *name <= 'z' ? (char)(*name - 'a' + 'A') : *name;
        if (*key++ != expected)
            return false;
        raise = false;
    }
    return *key == '\0';
}

const ProtobufCFieldDescriptor *json_find_field(const ProtobufCMessageDescriptor *type, const char *key)
{
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(type, key);
    for (unsigned i = 0; !field && i < type->n_fields; i++) {
        if (is_camel_case_of(type->fields[i].name, key))
            field = &type->fields[i];
    }
    return field;
}

static int fail_unknown(struct json_reader *reader, const char *key, const struct path_step *path)
{
    char name[JSON_NAME_MAX];
    json_scan_name(slice_of_string(key), name);
    struct path_step step = {path, name, PATH_NO_INDEX};
    return json_fail(reader, ERR_INVALID, &step, "is not a field");
}

static int read_single(struct json_reader *reader, ProtobufCMessage *message,
        const ProtobufCFieldDescriptor *field, json_t *json, const struct path_step *path, unsigned depth)
{
    uint32_t *quantifier = writable(quantifier_of(message, field));
    bool in_oneof = member_in_oneof(field);
    if (in_oneof && *quantifier != 0)
        return json_fail(reader, ERR_INVALID, path, "excludes another field that is given too");
    int rc = read_value(reader, field, json, path, depth, writable(member_of(message, field)));
    if (rc)
        return rc == JSON_IGNORED ? 0 : rc;
    if (in_oneof)
        *quantifier = field->id;
    else if (field->label == PROTOBUF_C_LABEL_OPTIONAL && field->type != PROTOBUF_C_TYPE_STRING &&
             field->type != PROTOBUF_C_TYPE_MESSAGE)
        *(protobuf_c_boolean *)quantifier = 1;
    return 0;
}

static int read_field(struct json_reader *reader, ProtobufCMessage *message,
        const ProtobufCFieldDescriptor *field, json_t *json, const struct path_step *path, unsigned depth)
{
    struct path_step step = {path, field->name, PATH_NO_INDEX};
    if (field->label != PROTOBUF_C_LABEL_REPEATED)
        return read_single(reader, message, field, json, &step, depth);
    if (member_is_map(field) && json_is_object(json))
        return read_map(reader, message, field, json, &step, depth);
    return read_array(reader, message, field, json, &step, depth);
}

/* `seen` has a bit for each field that was given. */
static int check_required(struct json_reader *reader, const ProtobufCMessageDescriptor *type,
        const uint64_t *seen, const struct path_step *path)
{
    for (unsigned i = 0; i < type->n_fields; i++) {
        struct path_step step = {path, type->fields[i].name, PATH_NO_INDEX};
        if (type->fields[i].label == PROTOBUF_C_LABEL_REQUIRED && !(seen[i / 64] >> (i % 64) & 1))
            return json_fail(reader, ERR_INVALID, &step, "is missing");
    }
    return 0;
}

static int read_fields(struct json_reader *reader, ProtobufCMessage *message, json_t *json,
        const struct path_step *path, unsigned depth)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;
    uint64_t seen[CHECK_FIELDS_MAX / 64] = {0};
    const char *key;
    json_t *value;
    int rc = 0;
    json_object_foreach(json, key, value)
    {
        const ProtobufCFieldDescriptor *field = json_find_field(type, key);
        if (!field && reader->ignore_unknown)
            continue;
        if (!field)
            return fail_unknown(reader, key, path);
        if (json_is_null(value))
            continue;
        size_t index = (size_t)(field - type->fields);
        uint64_t bit = (uint64_t)1 << (index % 64);
        struct path_step step = {path, field->name, PATH_NO_INDEX};
        if (seen[index / 64] & bit)
            return json_fail(reader, ERR_INVALID, &step, "is given twice, under both its names");
        seen[index / 64] |= bit;
        rc = read_field(reader, message, field, value, path, depth);
        if (rc)
            return rc;
    }
    return check_required(reader, type, seen, path);
}

static int read_message(struct json_reader *reader, const ProtobufCMessageDescriptor *type, json_t *json,
        const struct path_step *path, unsigned depth, ProtobufCMessage **out)
{
    if (!json_is_object(json))
        return json_fail(reader, ERR_INVALID, path, "is no object");
    if (depth > JSON_DEPTH_MAX)
        return json_fail(reader, ERR_TOO_LARGE, NULL, "is nested too deep");
    if (type->n_fields > CHECK_FIELDS_MAX)
        return json_fail(reader, ERR_INVALID, path, "is of a type with too many fields");

    ProtobufCMessage *message = json_reserve(reader, type->sizeof_message);
    if (!message)
        return ERR_TOO_LARGE;
    protobuf_c_message_init(type, message);
    int rc = read_fields(reader, message, json, path, depth);
    if (rc)
        protobuf_c_message_free_unpacked(message, NULL);
    else
        *out = message;
    return rc;
}

int json_read(const ProtobufCMessageDescriptor *type, const char *text, size_t length, bool ignore_unknown,
        ProtobufCMessage **out, struct error *err)
{
    json_t *tree;
    int rc = json_text_parse(text, length, &tree, err);
    if (rc)
        return rc;
    struct json_reader reader = {
            .ignore_unknown = ignore_unknown, .left = GROWTH * length + GROWTH_EXTRA, .err = err};
    rc = read_message(&reader, type, tree, NULL, 1, out);
    json_decref(tree);
    return rc;
}
