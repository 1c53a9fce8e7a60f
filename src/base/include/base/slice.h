/* Bytes that somebody else owns. */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slice {
    const uint8_t *data;
    size_t length;
};

static inline struct slice slice_of(const void *data, size_t length)
{
    return (struct slice){.data = data, .length = length};
}

bool slice_equal(struct slice a, struct slice b);

/* The bytes of a C string without its NUL; NULL gives an empty slice. */
struct slice slice_of_string(const char *text);

#endif
