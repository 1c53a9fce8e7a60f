/* JSON text to a tree, with jansson; and what its numbers lack. */
#ifndef WIRE_JSON_TEXT_H
#define WIRE_JSON_TEXT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"

/* Parses text that holds one value. The caller json_decref()s *tree. ERR_MALFORMED, ERR_INVALID for a key
 * given twice or a number that no double holds, ERR_TOO_LARGE for deep nesting. Strings may hold NUL, though
 * not at their start. */
int json_text_parse(const char *text, size_t length, json_t **tree, struct error *err) MUST_CHECK;

/* The digits of an integer of 19 digits or more, perhaps after a minus sign, or NULL. jansson reads no
 * integer above INT64_MAX, so these are strings in the tree, told from others by a NUL in front;
 * json_is_string() is true for them. */
const char *json_text_long_integer(const json_t *value);

#endif
