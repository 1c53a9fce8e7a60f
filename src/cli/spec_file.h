/* Tasks from a file of JSON: one TaskSpec, an array of them, or an object {"tasks": [...]}. */
#ifndef CLI_SPEC_FILE_H
#define CLI_SPEC_FILE_H

#include "base/error.h"
#include "base/slice.h"
#include "zmesos/v1/zmesos.pb-c.h"

#define SPEC_FILE_MAX ((size_t)256 << 20)

/* Reads `path`, or standard input for "-". The caller frees *out with zmesos__v1__launch__free_unpacked().
 * ERR_IO, ERR_TOO_LARGE, ERR_MALFORMED, ERR_INVALID; the text names the file. */
int spec_file_read(const char *path, Zmesos__V1__Launch **out, struct error *err) MUST_CHECK;

/* Operations likewise, or {"operations": [...]}; freed with zmesos__v1__operate__free_unpacked(). */
int spec_file_read_operations(const char *path, Zmesos__V1__Operate **out, struct error *err) MUST_CHECK;

/* The same from text, of tasks. */
int spec_file_parse(struct slice text, Zmesos__V1__Launch **out, struct error *err) MUST_CHECK;

#endif
