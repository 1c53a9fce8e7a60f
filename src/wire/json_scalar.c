/* Numbers, enums, text and bytes out of JSON. */
#include "json_reader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wire/base64.h"
#include "json_text.h"
#include "number.h"

/* Half a step above FLT_MAX: what is less rounds to a float. FLT_MAX itself is written with fewer digits, and
 * then reads as a little more than it. */
#define FLOAT_END 0x1.ffffffp127

int json_fail(struct json_reader *reader, int code, const struct path_step *path, const char *what)
{
    char text[ERROR_FIELD_MAX];
    path_write(path, text);
    return error_set_field(reader->err, code, text, "%s %s", path ? text : "the message", what);
}

void *json_reserve(struct json_reader *reader, size_t size)
{
    void *memory = size <= reader->left ? calloc(1, size ? size : 1) : NULL;
    if (memory)
        reader->left -= size;
    else
        json_fail(reader, ERR_TOO_LARGE, NULL, "would need too many times as much memory as its text");
    return memory;
}

/* ---- numbers ---- */

struct integer {
    bool negative;
    uint64_t magnitude;
};

static bool parse_integer(const char *text, struct integer *integer)
{
    struct integer sum = {.negative = *text == '-'};
    text += sum.negative;
    if (!*text)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        unsigned digit = (unsigned)(*text - '0');
        if (sum.magnitude > (UINT64_MAX - digit) / 10)
            return false;
        sum.magnitude = sum.magnitude * 10 + digit;
    }
    *integer = sum;
    return true;
}

static bool integer_from_real(double real, struct integer *integer)
{
    if (trunc(real) != real || fabs(real) >= 18446744073709551616.0)
        return false;
    *integer = (struct integer){.negative = real < 0, .magnitude = (uint64_t)fabs(real)};
    return true;
}

/* Integers may come as numbers, as reals without a fraction, and as strings. */
static bool integer_from_json(const json_t *json, struct integer *integer)
{
    const char *digits = json_text_long_integer(json);
    if (digits)
        return parse_integer(digits, integer);
    if (json_is_real(json))
        return integer_from_real(json_real_value(json), integer);
    if (json_is_string(json)) {
        const char *text = json_string_value(json);
        return strlen(text) == json_string_length(json) && parse_integer(text, integer);
    }
    if (!json_is_integer(json))
        return false;
    json_int_t value = json_integer_value(json);
    integer->negative = value < 0;
    integer->magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    return true;
}

bool json_natural(const json_t *json, uint64_t *value)
{
    struct integer integer;
    if (!integer_from_json(json, &integer) || (integer.negative && integer.magnitude > 0))
        return false;
    *value = integer.magnitude;
    return true;
}

static int read_signed(struct json_reader *reader, const json_t *json, uint64_t max,
        const struct path_step *path, int64_t *value)
{
    struct integer integer;
    if (!integer_from_json(json, &integer))
        return json_fail(reader, ERR_INVALID, path, "is no integer, or too large for any");
    if (integer.magnitude > max + integer.negative)
        return json_fail(reader, ERR_INVALID, path, "is out of range");
    *value = (int64_t)(integer.negative ? 0 - integer.magnitude : integer.magnitude);
    return 0;
}

static int read_unsigned(struct json_reader *reader, const json_t *json, uint64_t max,
        const struct path_step *path, uint64_t *value)
{
    struct integer integer;
    if (!integer_from_json(json, &integer))
        return json_fail(reader, ERR_INVALID, path, "is no integer, or too large for any");
    if (integer.magnitude > max || (integer.negative && integer.magnitude > 0))
        return json_fail(reader, ERR_INVALID, path, "is out of range");
    *value = integer.magnitude;
    return 0;
}

/* Reals may come as numbers and as strings, "NaN", "Infinity" and "-Infinity" among these. */
static int read_real(
        struct json_reader *reader, const json_t *json, const struct path_step *path, double *value)
{
    const char *digits = json_text_long_integer(json);
    const char *text = digits ? digits : json_string_value(json);
    if (json_is_number(json))
        *value = json_number_value(json);
    else if (!text || (!digits && strlen(text) != json_string_length(json)))
        return json_fail(reader, ERR_INVALID, path, "is no number");
    else if (strcmp(text, "NaN") == 0)
        *value = (double)NAN;
    else if (strcmp(text, "Infinity") == 0)
        *value = (double)INFINITY;
    else if (strcmp(text, "-Infinity") == 0)
        *value = -(double)INFINITY;
    else if (!number_parse(text, value))
        return json_fail(reader, ERR_INVALID, path, "is no number, or out of range");
    return 0;
}

static int read_float(
        struct json_reader *reader, const json_t *json, const struct path_step *path, float *value)
{
    double real;
    int rc = read_real(reader, json, path, &real);
    if (rc)
        return rc;
    if (isfinite(real) && fabs(real) >= FLOAT_END)
        return json_fail(reader, ERR_INVALID, path, "is out of range");
    *value = (float)real;
    return 0;
}

static int read_enum(struct json_reader *reader, const ProtobufCFieldDescriptor *field, const json_t *json,
        const struct path_step *path, int *value)
{
    const ProtobufCEnumDescriptor *type = field->descriptor;
    const ProtobufCEnumValue *known = NULL;
    if (json_is_string(json) && !json_text_long_integer(json)) {
        known = protobuf_c_enum_descriptor_get_value_by_name(type, json_string_value(json));
        if (!known && reader->ignore_unknown && field->label != PROTOBUF_C_LABEL_REQUIRED)
            return JSON_IGNORED;
    } else {
        int64_t number = 0;
        int rc = read_signed(reader, json, INT32_MAX, path, &number);
        if (rc)
            return rc;
        known = protobuf_c_enum_descriptor_get_value(type, (int)number);
    }
    if (!known)
        return json_fail(reader, ERR_INVALID, path, "has a value that is not known");
    *value = known->value;
    return 0;
}

/* ---- text and bytes ---- */

static int read_text(
        struct json_reader *reader, const json_t *json, const struct path_step *path, const char **text)
{
    if (!json_is_string(json) || json_text_long_integer(json))
        return json_fail(reader, ERR_INVALID, path, "is no text");
    if (strlen(json_string_value(json)) != json_string_length(json))
        return json_fail(reader, ERR_INVALID, path, "holds a NUL");
    *text = json_string_value(json);
    return 0;
}

int json_copy_text(struct json_reader *reader, const char *text, char **copy)
{
    size_t size = strlen(text) + 1;
    char *memory = json_reserve(reader, size);
    if (!memory)
        return ERR_TOO_LARGE;
    *copy = memcpy(memory, text, size);
    return 0;
}

static int read_bytes(struct json_reader *reader, const json_t *json, const struct path_step *path,
        ProtobufCBinaryData *bytes)
{
    const char *text;
    int rc = read_text(reader, json, path, &text);
    if (rc)
        return rc;
    size_t length = strlen(text), size;
    uint8_t *memory = json_reserve(reader, base64_decoded_max(length));
    if (!memory)
        return ERR_TOO_LARGE;
    if (!base64_decode(text, length, memory, &size)) {
        free(memory);
        return json_fail(reader, ERR_INVALID, path, "is not base64");
    }
    *bytes = (ProtobufCBinaryData){.data = memory, .len = size};
    return 0;
}

/* ---- all ---- */

int json_read_scalar(struct json_reader *reader, const ProtobufCFieldDescriptor *field, const json_t *json,
        const struct path_step *path, void *member)
{
    int rc = 0;
    int64_t integer = 0;
    uint64_t natural = 0;
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        rc = read_signed(reader, json, INT32_MAX, path, &integer);
        if (rc == 0)
            *(int32_t *)member = (int32_t)integer;
        return rc;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return read_signed(reader, json, INT64_MAX, path, member);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        rc = read_unsigned(reader, json, UINT32_MAX, path, &natural);
        if (rc == 0)
            *(uint32_t *)member = (uint32_t)natural;
        return rc;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return read_unsigned(reader, json, UINT64_MAX, path, member);
    case PROTOBUF_C_TYPE_FLOAT:
        return read_float(reader, json, path, member);
    case PROTOBUF_C_TYPE_DOUBLE:
        return read_real(reader, json, path, member);
    case PROTOBUF_C_TYPE_BOOL:
        if (!json_is_boolean(json))
            return json_fail(reader, ERR_INVALID, path, "is neither true nor false");
        *(protobuf_c_boolean *)member = json_is_true(json);
        return 0;
    case PROTOBUF_C_TYPE_ENUM:
        return read_enum(reader, field, json, path, member);
    case PROTOBUF_C_TYPE_STRING: {
        const char *text;
        rc = read_text(reader, json, path, &text);
        return rc ? rc : json_copy_text(reader, text, member);
    }
    case PROTOBUF_C_TYPE_BYTES:
        return read_bytes(reader, json, path, member);
    case PROTOBUF_C_TYPE_MESSAGE:
        break;
    }
    return json_fail(reader, ERR_INVALID, path, "is not a scalar");
}
