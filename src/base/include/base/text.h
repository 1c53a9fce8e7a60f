/* Checks and forms of text that several folders need. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

/* Whether the bytes are UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
 */
bool text_is_utf8(struct slice bytes);

/* Whether Mesos takes the text as an id of at most `max` bytes (PROTOCOL "Launching"): not empty, no '/',
 * '\\' or control character, not "." or "..". ERR_INVALID with the reason otherwise. */
int text_check_id(const char *id, size_t max, struct error *err) MUST_CHECK;

#define TEXT_UUID_SIZE 37

/* A random UUID (version 4) in its usual form. Reads the system's random source; ends the process where there
 * is none. */
void text_uuid(char out[TEXT_UUID_SIZE]);

/* Fills bytes from the system's random source. */
void random_bytes(void *out, size_t length);

#endif
