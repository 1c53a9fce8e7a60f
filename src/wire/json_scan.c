/* The walk over JSON text, and what is asked of it. */
#include "json_scan.h"

#include <string.h>

#include "json_reader.h"
#include "member.h"
#include "path.h"
#include "wire/json.h"

void json_scan_init(struct json_scan *scan, struct slice text)
{
    scan->at = text.data;
    scan->end = text.data + text.length;
    scan->depth = 0;
}

/* NULL outside of everything, and deeper than levels are kept. */
static struct json_scan_level *innermost(struct json_scan *scan)
{
    return scan->depth > 0 && scan->depth <= JSON_SCAN_LEVELS ? &scan->levels[scan->depth - 1] : NULL;
}

static void handle_comma(struct json_scan *scan)
{
    struct json_scan_level *level = innermost(scan);
    if (!level)
        return;
    level->wants_key = level->object;
    level->key = (struct slice){0};
    level->index += !level->object;
}

static void open_level(struct json_scan *scan, bool object)
{
    scan->depth++;
    struct json_scan_level *level = innermost(scan);
    if (level)
        *level = (struct json_scan_level){.object = object, .wants_key = object};
}

static void read_string(struct json_scan *scan, struct json_token *token)
{
    const uint8_t *start = ++scan->at;
    while (scan->at < scan->end && *scan->at != '"')
        scan->at += *scan->at == '\\' && scan->end - scan->at > 1 ? 2 : 1;
    token->text = slice_of(start, (size_t)(scan->at - start));
    scan->at += scan->at < scan->end;
    struct json_scan_level *level = innermost(scan);
    token->string = true;
    token->kind = level && level->wants_key ? JSON_TOKEN_KEY : JSON_TOKEN_SCALAR;
    if (token->kind == JSON_TOKEN_KEY) {
        level->wants_key = false;
        level->key = token->text;
    }
}

static bool ends_word(uint8_t c)
{
    return c <= ' ' || strchr(",:[]{}\"", c);
}

static void read_word(struct json_scan *scan, struct json_token *token)
{
    const uint8_t *start = scan->at++;
    while (scan->at < scan->end && !ends_word(*scan->at))
        scan->at++;
    token->kind = JSON_TOKEN_SCALAR;
    token->text = slice_of(start, (size_t)(scan->at - start));
}

bool json_scan_next(struct json_scan *scan, struct json_token *token)
{
    for (; scan->at < scan->end; scan->at++) {
        uint8_t c = *scan->at;
        if (c == ',')
            handle_comma(scan);
        else if (c > ' ' && c != ':')
            break;
    }
    if (scan->at == scan->end)
        return false;
    *token = (struct json_token){.text = slice_of(scan->at, 1)};
    switch (*scan->at) {
    case '{':
    case '[':
        token->kind = *scan->at == '{' ? JSON_TOKEN_OBJECT : JSON_TOKEN_ARRAY;
        open_level(scan, *scan->at++ == '{');
        break;
    case '}':
    case ']':
        token->kind = JSON_TOKEN_END;
        scan->depth -= scan->depth > 0;
        scan->at++;
        break;
    case '"':
        read_string(scan, token);
        break;
    default:
        read_word(scan, token);
    }
    return true;
}

/* ---- limits ---- */

bool json_scan_exceeds(struct slice text, size_t max)
{
    struct json_scan scan;
    struct json_token token;
    size_t values = 0, arrays = 0;
    json_scan_init(&scan, text);
    while (json_scan_next(&scan, &token)) {
        bool outermost = token.kind == JSON_TOKEN_OBJECT && scan.depth == 1;
        values += (token.kind == JSON_TOKEN_OBJECT && !outermost) || token.kind == JSON_TOKEN_SCALAR;
        arrays += token.kind == JSON_TOKEN_ARRAY;
        if (values > max || arrays > max)
            return true;
    }
    return false;
}

/* ---- paths ---- */

void json_scan_name(struct slice name, char out[JSON_NAME_MAX])
{
    /* What json_text.c puts in front of long integers, where one is in place of a key. */
    static const char mark[] = "\\u0000";
    size_t skipped = sizeof mark - 1;
    if (name.length >= skipped && memcmp(name.data, mark, skipped) == 0)
        name = slice_of(name.data + skipped, name.length - skipped);
    size_t length = name.length < JSON_NAME_MAX - 1 ? name.length : JSON_NAME_MAX - 1;
    for (size_t i = 0; i < length; i++)
        out[i] = name.data[i] > 0x20 && name.data[i] < 0x7f ? (char)name.data[i] : '?';
    out[length] = '\0';
}

void json_scan_path(struct slice text, size_t offset, char path[ERROR_FIELD_MAX])
{
    struct json_scan scan;
    struct json_token token;
    json_scan_init(&scan, slice_of(text.data, offset < text.length ? offset : text.length));
    while (json_scan_next(&scan, &token))
        ;

    /* An object in an array is a step together with the array's key. */
    struct path_step steps[JSON_SCAN_LEVELS];
    char names[JSON_SCAN_LEVELS][JSON_NAME_MAX];
    const struct path_step *last = NULL;
    size_t depth = scan.depth < JSON_SCAN_LEVELS ? scan.depth : JSON_SCAN_LEVELS, count = 0;
    for (size_t i = 0; i < depth; i++) {
        const struct json_scan_level *level = &scan.levels[i];
        if (!level->object && count > 0 && steps[count - 1].index == PATH_NO_INDEX) {
            steps[count - 1].index = (long)level->index;
        } else if (level->object && level->key.data) {
            json_scan_name(level->key, names[count]);
            steps[count] = (struct path_step){last, names[count], PATH_NO_INDEX};
            last = &steps[count++];
        }
    }
    path_write(last, path);
}

/* ---- one member ---- */

/* The value's text, with the quotes of a string. */
static bool find_member(struct slice text, const char *name, struct json_token *value)
{
    struct json_scan scan;
    struct json_token token;
    json_scan_init(&scan, text);
    while (json_scan_next(&scan, &token)) {
        if (scan.depth == 1 && token.kind == JSON_TOKEN_KEY && slice_equal(token.text, slice_of_string(name)))
            return json_scan_next(&scan, value);
    }
    return false;
}

bool json_has_choice(struct slice text, const ProtobufCMessageDescriptor *type)
{
    struct json_scan scan;
    struct json_token token;
    json_scan_init(&scan, text);
    while (json_scan_next(&scan, &token)) {
        char name[JSON_NAME_MAX];
        if (scan.depth != 1 || token.kind != JSON_TOKEN_KEY)
            continue;
        json_scan_name(token.text, name);
        const ProtobufCFieldDescriptor *field = json_find_field(type, name);
        if (field && member_in_oneof(field))
            return true;
    }
    return false;
}

bool json_find_scalar(struct slice text, const char *name, struct slice *value)
{
    struct json_token token;
    if (!find_member(text, name, &token) || token.kind != JSON_TOKEN_SCALAR)
        return false;
    if (!token.string) {
        *value = token.text;
        return true;
    }
    /* Its closing quote may be what is missing. */
    size_t before = (size_t)(token.text.data - text.data);
    if (before + token.text.length == text.length)
        return false;
    *value = slice_of(token.text.data - 1, token.text.length + 2);
    return true;
}
