/* A walk over JSON text, token by token, that neither checks nor allocates: for what has to be known before
 * the text is parsed, and of text that cannot be. On text that is not JSON it still ends, and what it tells
 * is a guess. */
#ifndef WIRE_JSON_SCAN_H
#define WIRE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/slice.h"

/* Whose keys and indices are kept: a message and an array for each level that is read. Deeper ones are only
 * counted, and their keys as values. */
#define JSON_SCAN_LEVELS 128

enum json_token_kind {
    JSON_TOKEN_KEY,
    JSON_TOKEN_SCALAR,
    JSON_TOKEN_OBJECT,
    JSON_TOKEN_ARRAY,
    JSON_TOKEN_END
};

struct json_token {
    enum json_token_kind kind; /* JSON_TOKEN_END: of the innermost object or array */
    struct slice text; /* as it stands there, of a string without its quotes; of the others one byte */
    bool string;       /* a scalar that is one */
};

struct json_scan_level {
    bool object;
    bool wants_key;   /* the next string is a key */
    struct slice key; /* of an object: the last one; data NULL: none yet */
    size_t index;     /* of an array */
};

struct json_scan {
    const uint8_t *at, *end;
    size_t depth; /* objects and arrays that are open */
    struct json_scan_level levels[JSON_SCAN_LEVELS];
};

void json_scan_init(struct json_scan *scan, struct slice text);

/* The next token, after which `levels` are where it stands. False at the end of the text. */
bool json_scan_next(struct json_scan *scan, struct json_token *token);

/* Where the text has been read up to `offset`, as a path: "launch.tasks[3].cpus", or "" for the outermost
 * level. The names are the sender's. */
void json_scan_path(struct slice text, size_t offset, char path[ERROR_FIELD_MAX]);

/* Whether there are more than `max` objects and scalars inside the outermost value, or more than `max`
 * arrays: each costs jansson many times its text. */
bool json_scan_exceeds(struct slice text, size_t max);

/* A name of the sender's, made fit for a path: cut, and other than printable ASCII replaced. */
#define JSON_NAME_MAX 64
void json_scan_name(struct slice name, char out[JSON_NAME_MAX]);

#endif
