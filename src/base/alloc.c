/* Memory that must be there. See the header for why running out ends the process. */
#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#define EXIT_OUT_OF_MEMORY 70

static void *or_exit(void *memory, size_t size)
{
    if (!memory) {
        log_error("base", "out of memory: %zu bytes wanted", size);
        _exit(EXIT_OUT_OF_MEMORY);
    }
    return memory;
}

void *alloc_bytes(size_t size)
{
    return or_exit(malloc(size ? size : 1), size);
}

void *alloc_zeroed(size_t count, size_t size)
{
    return or_exit(calloc(count ? count : 1, size ? size : 1), count);
}

void *alloc_resize(void *memory, size_t count, size_t size)
{
    return or_exit(reallocarray(memory, count ? count : 1, size ? size : 1), count);
}

char *alloc_string(const char *text)
{
    return text ? alloc_string_n(text, strlen(text)) : NULL;
}

char *alloc_string_n(const char *text, size_t length)
{
    char *copy = alloc_bytes(length + 1);
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}
