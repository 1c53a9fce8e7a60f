/* A growing array of bytes with a limit. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/error.h"
#include "base/slice.h"

struct buf {
    uint8_t *data;
    size_t length;
    size_t capacity;
    size_t limit; /* length never exceeds it; 0: none */
};

void buf_init(struct buf *buf, size_t limit);
void buf_clear(struct buf *buf); /* frees; the limit stays */

/* ERR_TOO_LARGE past the limit, and then nothing was added. */
int buf_append(struct buf *buf, const void *data, size_t length) MUST_CHECK;
int buf_append_string(struct buf *buf, const char *text) MUST_CHECK;
int buf_printf(struct buf *buf, const char *format, ...) MUST_CHECK PRINTF_LIKE(2, 3);

void buf_consume(struct buf *buf, size_t length); /* drops the first bytes; length <= buf->length */
uint8_t *buf_release(
        struct buf *buf); /* the malloc'ed bytes, which the caller frees; the buf is empty then */

#endif
