/* Memory that lives together and is freed at once. Pointers stay valid until the arena is reset or cleared.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/error.h"
#include "base/slice.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    size_t used;                /* bytes handed out since the last reset */
};

void arena_init(struct arena *arena);
void arena_reset(struct arena *arena); /* frees everything but one block */
void arena_clear(struct arena *arena); /* frees everything */

void *arena_alloc(struct arena *arena, size_t size); /* zeroed, aligned for anything */
void *arena_array(struct arena *arena, size_t count, size_t size);
char *arena_string(struct arena *arena, const char *text); /* a copy; NULL gives NULL */
char *arena_format(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);
void *arena_copy(struct arena *arena, const void *data, size_t size);

#endif
