/* A growing array of bytes. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void buf_init(struct buf *buf, size_t limit)
{
    *buf = (struct buf){.limit = limit};
}

void buf_clear(struct buf *buf)
{
    free(buf->data);
    buf_init(buf, buf->limit);
}

static int make_room(struct buf *buf, size_t length)
{
    if (length > SIZE_MAX / 2 - buf->length || (buf->limit && length > buf->limit - buf->length))
        return ERR_TOO_LARGE;
    size_t wanted = buf->length + length;
    if (wanted <= buf->capacity)
        return 0;
    size_t capacity = buf->capacity ? buf->capacity : 256;
    while (capacity < wanted)
        capacity *= 2;
    buf->data = alloc_resize(buf->data, capacity, 1);
    buf->capacity = capacity;
    return 0;
}

int buf_append(struct buf *buf, const void *data, size_t length)
{
    int rc = make_room(buf, length);
    if (rc)
        return rc;
    if (length)
        memcpy(buf->data + buf->length, data, length);
    buf->length += length;
    return 0;
}

int buf_append_string(struct buf *buf, const char *text)
{
    return buf_append(buf, text, strlen(text));
}

int buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    int rc = length < 0 ? ERR_INVALID : make_room(buf, (size_t)length);
    if (rc == 0) {
        /* vsnprintf ends with a NUL that is not part of the text. */
        char *text = alloc_bytes((size_t)length + 1);
        vsnprintf(text, (size_t)length + 1, format, again);
        memcpy(buf->data + buf->length, text, (size_t)length);
        buf->length += (size_t)length;
        free(text);
    }
    va_end(again);
    return rc;
}

void buf_consume(struct buf *buf, size_t length)
{
    buf->length -= length;
    if (buf->length)
        memmove(buf->data, buf->data + length, buf->length);
}

uint8_t *buf_release(struct buf *buf)
{
    uint8_t *data = buf->data ? buf->data : alloc_bytes(1);
    buf_init(buf, buf->limit);
    return data;
}
