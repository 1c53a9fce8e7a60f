/* jansson knows integers up to INT64_MAX only and refuses greater ones, but uint64 fields hold them. So
 * before it sees the text, integers of 19 digits and more become strings that start with a NUL, "\u0000" +
 * digits. No string of the sender's starts like that: those are refused here, in the same pass. */
#include "json_text.h"

#include <string.h>

#include "base/buf.h"
#include "json_scan.h"

#define MARK "\\u0000"
#define LONG_DIGITS 19

/* Where the string that starts at `at`, after its quote, ends: at its closing quote or the end of the text.
 */
static const char *string_end(const char *at, const char *end)
{
    while (at < end && *at != '"')
        at += *at == '\\' && end - at > 1 ? 2 : 1;
    return at;
}

static const char *number_end(const char *at, const char *end)
{
    while (at < end && ((*at >= '0' && *at <= '9') || *at == '-' || *at == '+' || *at == '.' || *at == 'e' ||
                               *at == 'E'))
        at++;
    return at;
}

static bool is_long_integer(const char *at, const char *end)
{
    at += at < end && *at == '-';
    if (end - at < LONG_DIGITS || *at == '0')
        return false;
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at == end;
}

/* Appends the text with marked numbers; leaves `out` empty when there are none. */
static int mark_long_integers(const char *text, size_t length, struct buf *out, struct error *err)
{
    const char *end = text + length, *copied = text, *at = text;
    int rc = 0;
    while (rc == 0 && at < end) {
        if (*at == '"') {
            size_t mark = strlen(MARK);
            if ((size_t)(end - at) > mark && memcmp(at + 1, MARK, mark) == 0) {
                char path[ERROR_FIELD_MAX];
                json_scan_path(slice_of(text, length), (size_t)(at + 1 - text), path);
                return error_set_field(
                        err, ERR_INVALID, path, "%s holds a NUL", *path ? path : "the message");
            }
            at = string_end(at + 1, end);
            at += at < end;
        } else if (*at == '-' || (*at >= '0' && *at <= '9')) {
            const char *after = number_end(at, end);
            if (is_long_integer(at, after)) {
                rc = buf_append(out, copied, (size_t)(at - copied));
                rc = rc ? rc : buf_append_string(out, "\"" MARK);
                rc = rc ? rc : buf_append(out, at, (size_t)(after - at));
                rc = rc ? rc : buf_append_string(out, "\"");
                copied = after;
            }
            at = after;
        } else {
            at++;
        }
    }
    if (rc == 0 && copied != text)
        rc = buf_append(out, copied, (size_t)(end - copied));
    return rc ? error_set(err, rc, "the JSON text is too large") : 0;
}

/* jansson says where it stopped; the path to there is found by going through the text again. */
static int fail(struct slice text, const json_error_t *error, struct error *err)
{
    char path[ERROR_FIELD_MAX];
    json_scan_path(text, error->position > 0 ? (size_t)error->position : 0, path);
    const char *where = *path ? path : "the message";
    switch (json_error_code(error)) {
    case json_error_duplicate_key:
        return error_set_field(err, ERR_INVALID, path, "%s is given twice", where);
    case json_error_numeric_overflow:
        return error_set_field(err, ERR_INVALID, path, "%s is out of range", where);
    default:
        break;
    }
    int code = json_error_code(error) == json_error_stack_overflow ? ERR_TOO_LARGE : ERR_MALFORMED;
    return error_set_field(
            err, code, path, "%s%snot JSON, line %d: %s", path, *path ? ": " : "", error->line, error->text);
}

int json_text_parse(const char *text, size_t length, json_t **tree, struct error *err)
{
    /* jansson skips a NUL that follows a number. */
    if (length && memchr(text, 0, length))
        return error_set(err, ERR_MALFORMED, "not JSON: the text holds a NUL byte");
    struct buf marked;
    buf_init(&marked, 0);
    int rc = mark_long_integers(text, length, &marked, err);
    if (rc)
        goto out;

    bool any_marked = marked.length > 0;
    struct slice whole = any_marked ? slice_of(marked.data, marked.length) : slice_of(text, length);
    json_error_t error;
    json_t *value = json_loadb((const char *)whole.data, whole.length,
            JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);
    if (!value) {
        rc = fail(whole, &error, err);
        goto out;
    }
    *tree = value;

out:
    buf_clear(&marked);
    return rc;
}

const char *json_text_long_integer(const json_t *value)
{
    if (!json_is_string(value) || json_string_length(value) < LONG_DIGITS || *json_string_value(value))
        return NULL;
    return json_string_value(value) + 1;
}
