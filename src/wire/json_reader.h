/* What the readers of JSON share. */
#ifndef WIRE_JSON_READER_H
#define WIRE_JSON_READER_H

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

#include "path.h"

struct json_reader {
    bool ignore_unknown;
    size_t left; /* bytes that may still be allocated */
    struct error *err;
};

/* A result of reading a value besides 0 and errors: it is as if it were not there. */
#define JSON_IGNORED 1

/* Says "<path> <what>", and returns the code. */
int json_fail(struct json_reader *reader, int code, const struct path_step *path, const char *what);

/* Zeroed memory from malloc, or NULL with the error set to ERR_TOO_LARGE. */
void *json_reserve(struct json_reader *reader, size_t size);

/* A copy of the text; 0 or ERR_TOO_LARGE. */
int json_copy_text(struct json_reader *reader, const char *text, char **copy) MUST_CHECK;

/* Reads one value of any type but a message into its member, which takes what was allocated. 0, JSON_IGNORED
 * or an error. */
int json_read_scalar(struct json_reader *reader, const ProtobufCFieldDescriptor *field, const json_t *json,
        const struct path_step *path, void *member) MUST_CHECK;

/* The field of either spelling, or NULL. */
const ProtobufCFieldDescriptor *json_find_field(const ProtobufCMessageDescriptor *type, const char *key);

/* The integer that a value is, in any of the forms that fields of 64 bits are read from. */
bool json_natural(const json_t *json, uint64_t *value);

#endif
