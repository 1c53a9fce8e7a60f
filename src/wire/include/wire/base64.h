/* Base64 (RFC 4648), for bytes in JSON. */
#ifndef WIRE_BASE64_H
#define WIRE_BASE64_H

#include <stdbool.h>

#include "base/slice.h"

/* The size of `length` bytes in base64, with padding. */
size_t base64_encoded_size(size_t length);

/* Writes base64_encoded_size() characters in the standard alphabet, with padding, without NUL. */
void base64_encode(struct slice bytes, char *text);

/* Enough room to decode `length` characters. */
size_t base64_decoded_max(size_t length);

/* Reads the standard or the URL-safe alphabet, with all padding or none. False for anything else; `bytes` may
 * be written to all the same. */
bool base64_decode(const char *text, size_t length, uint8_t *bytes, size_t *size);

#endif
