/* Memory for what we decide to keep. These end the process (exit status 70, one line in the log) when there
 * is none: the state is on disk, a restart goes on, and a daemon that limps without memory helps nobody. What
 * a peer decides the size of is limited before it comes here. */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stddef.h>

void *alloc_bytes(size_t size);                              /* uninitialised; size 0 gives a valid pointer */
void *alloc_zeroed(size_t count, size_t size);               /* checks the multiplication */
void *alloc_resize(void *memory, size_t count, size_t size); /* like reallocarray */
char *alloc_string(const char *text);                        /* a copy; NULL gives NULL */
char *alloc_string_n(
        const char *text, size_t length); /* a copy of the first `length` bytes, ended with NUL */

#endif
