/* Tasks, or operations, from JSON. All three forms are read as the message that has a list of them: an array
 * and a single one are put into one. */
#include "spec_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "wire/json.h"

static int read_all(FILE *file, const char *path, struct buf *out, struct error *err)
{
    char piece[65536];
    size_t got;

    while ((got = fread(piece, 1, sizeof piece, file)) > 0) {
        if (buf_append(out, piece, got) < 0)
            return error_set(err, ERR_TOO_LARGE, "%s has more than %zu bytes", path, SPEC_FILE_MAX);
    }
    if (ferror(file))
        return error_set_errno(err, errno, "cannot read %s", path);
    return 0;
}

/* How many there are in the message's first field, its list. */
static size_t count_of(const ProtobufCMessage *message)
{
    const ProtobufCFieldDescriptor *field = &message->descriptor->fields[0];

    return *(const size_t *)((const char *)message + field->quantifier_offset);
}

static int parse_message(const ProtobufCMessageDescriptor *type, struct slice text, bool ignore_unknown,
        ProtobufCMessage **out, struct error *err)
{
    return json_read(type, (const char *)text.data, text.length, ignore_unknown, out, err);
}

/* Whether the object has the list in it, and is not one of its items itself. */
static bool has_list(const ProtobufCMessageDescriptor *type, struct slice text)
{
    const char *list = type->fields[0].name;
    ProtobufCMessage *message;
    struct error err;
    bool found;

    if (parse_message(type, text, true, &message, &err) < 0)
        return strncmp(err.field, list, strlen(list)) == 0;
    found = count_of(message) > 0;
    protobuf_c_message_free_unpacked(message, NULL);
    return found;
}

static int parse_wrapped(const ProtobufCMessageDescriptor *type, const char *before, struct slice text,
        const char *after, ProtobufCMessage **out, struct error *err)
{
    struct buf wrapped;
    int rc;

    buf_init(&wrapped, 0);
    if ((rc = buf_append_string(&wrapped, "{\"")) == 0 &&
            (rc = buf_append_string(&wrapped, type->fields[0].name)) == 0 &&
            (rc = buf_append_string(&wrapped, before)) == 0 &&
            (rc = buf_append(&wrapped, text.data, text.length)) == 0)
        rc = buf_append_string(&wrapped, after);
    if (rc == 0)
        rc = parse_message(type, slice_of(wrapped.data, wrapped.length), false, out, err);
    buf_clear(&wrapped);
    return rc;
}

static int parse(
        const ProtobufCMessageDescriptor *type, struct slice text, ProtobufCMessage **out, struct error *err)
{
    const char *list = type->fields[0].name;
    ProtobufCMessage *message;
    size_t at = 0;
    int rc;

    while (at < text.length && strchr(" \t\r\n", text.data[at]))
        at++;
    if (at == text.length)
        return error_set(err, ERR_MALFORMED, "there is no JSON in it");
    if (text.data[at] == '[')
        rc = parse_wrapped(type, "\":", text, "}", &message, err);
    else if (text.data[at] != '{')
        return error_set(err, ERR_MALFORMED, "expected %s %.*s, an array of %s, or an object with %s",
                strchr("aeiou", *list) ? "an" : "a", (int)strlen(list) - 1, list, list, list);
    else if (has_list(type, text))
        rc = parse_message(type, text, false, &message, err);
    else
        rc = parse_wrapped(type, "\":[", text, "]}", &message, err);
    if (rc < 0)
        return rc;
    if (count_of(message) == 0) {
        protobuf_c_message_free_unpacked(message, NULL);
        return error_set(err, ERR_INVALID, "there are no %s in it", list);
    }
    *out = message;
    return 0;
}

static int read_file(
        const ProtobufCMessageDescriptor *type, const char *path, ProtobufCMessage **out, struct error *err)
{
    bool from_stdin = strcmp(path, "-") == 0;
    const char *name = from_stdin ? "standard input" : path;
    FILE *file = from_stdin ? stdin : fopen(path, "re");
    struct error inner;
    struct buf text;
    int rc;

    if (!file)
        return error_set_errno(err, errno, "cannot open %s", path);
    buf_init(&text, SPEC_FILE_MAX);
    rc = read_all(file, name, &text, err);
    if (rc == 0) {
        rc = parse(type, slice_of(text.data, text.length), out, &inner);
        if (rc < 0)
            error_set(err, rc, "%s: %s", name, inner.text);
    }
    if (!from_stdin)
        fclose(file);
    buf_clear(&text);
    return rc;
}

int spec_file_parse(struct slice text, Zmesos__V1__Launch **out, struct error *err)
{
    ProtobufCMessage *message;
    int rc = parse(&zmesos__v1__launch__descriptor, text, &message, err);

    if (rc == 0)
        *out = (Zmesos__V1__Launch *)message;
    return rc;
}

int spec_file_read(const char *path, Zmesos__V1__Launch **out, struct error *err)
{
    ProtobufCMessage *message;
    int rc = read_file(&zmesos__v1__launch__descriptor, path, &message, err);

    if (rc == 0)
        *out = (Zmesos__V1__Launch *)message;
    return rc;
}

int spec_file_read_operations(const char *path, Zmesos__V1__Operate **out, struct error *err)
{
    ProtobufCMessage *message;
    int rc = read_file(&zmesos__v1__operate__descriptor, path, &message, err);

    if (rc == 0)
        *out = (Zmesos__V1__Operate *)message;
    return rc;
}
