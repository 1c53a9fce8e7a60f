/* Results of functions that can fail: 0, or one of these negative codes, with the words for people in an
 * optional `struct error *` as the last argument. A function that fails leaves its other outputs untouched.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stddef.h>

enum error_code {
    ERR_INVALID = -1,   /* a value that is not allowed */
    ERR_MALFORMED = -2, /* bytes that are not what they should be */
    ERR_TOO_LARGE = -3, /* past a limit of ours */
    ERR_NOT_FOUND = -4,
    ERR_CONFLICT = -5,    /* contradicts what is there already */
    ERR_UNAVAILABLE = -6, /* not now; trying again may help */
    ERR_IO = -7,          /* the system said no; the text has its words */
    ERR_VERSION = -8,     /* of a version we do not know */
};

#define ERROR_TEXT_MAX 512
#define ERROR_FIELD_MAX 256

struct error {
    char text[ERROR_TEXT_MAX];   /* a sentence without a full stop; cut where it is too long */
    char field[ERROR_FIELD_MAX]; /* the path of the field at fault, or "" */
};

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(text_at, first) __attribute__((format(printf, text_at, first)))

/* Writes the text, clears the field, and returns `code`, so that a failing function can end with it. `err`
 * may be NULL. */
int error_set(struct error *err, int code, const char *format, ...) PRINTF_LIKE(3, 4);

/* The same, naming the field at fault. */
int error_set_field(struct error *err, int code, const char *field, const char *format, ...)
        PRINTF_LIKE(4, 5);

/* The same with ": " and the system's words for `errnum` at the end; the code is ERR_IO. */
int error_set_errno(struct error *err, int errnum, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
