/* Blocks of memory handed out from the front. A request larger than a block gets one of its own. The first
 * block is small, and each further one twice as large: much that clients make by the million has an arena. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define FIRST_SIZE ((size_t)1024 - sizeof(struct arena_block))
#define BLOCK_SIZE ((size_t)16384)
#define ALIGNMENT _Alignof(max_align_t)

struct arena_block {
    struct arena_block *older;
    size_t size, used;
    _Alignas(max_align_t) unsigned char memory[];
};

void arena_init(struct arena *arena)
{
    *arena = (struct arena){0};
}

static void free_blocks(struct arena_block *block)
{
    while (block) {
        struct arena_block *older = block->older;
        free(block);
        block = older;
    }
}

void arena_reset(struct arena *arena)
{
    struct arena_block *keep = arena->blocks;
    arena->used = 0;
    if (!keep)
        return;
    free_blocks(keep->older);
    keep->older = NULL;
    keep->used = 0;
    if (keep->size > BLOCK_SIZE)
        arena_clear(arena);
}

void arena_clear(struct arena *arena)
{
    free_blocks(arena->blocks);
    arena_init(arena);
}

static size_t next_size(const struct arena_block *block)
{
    size_t size = block ? 2 * block->size : FIRST_SIZE;
    return size < BLOCK_SIZE ? size : BLOCK_SIZE;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    struct arena_block *block = arena->blocks;
    if (!block || block->size - block->used < size) {
        size_t room = next_size(block);
        room = size > room ? size : room;
        block = alloc_bytes(sizeof *block + room);
        block->older = arena->blocks;
        block->size = room;
        block->used = 0;
        arena->blocks = block;
    }
    void *memory = block->memory + block->used;
    block->used += size;
    arena->used += size;
    return memset(memory, 0, size);
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    return arena_alloc(arena, count * size);
}

void *arena_copy(struct arena *arena, const void *data, size_t size)
{
    void *copy = arena_alloc(arena, size);
    if (size)
        memcpy(copy, data, size);
    return copy;
}

char *arena_string(struct arena *arena, const char *text)
{
    return text ? arena_copy(arena, text, strlen(text) + 1) : NULL;
}

char *arena_format(struct arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = arena_alloc(arena, (size_t)(length > 0 ? length : 0) + 1);
    vsnprintf(text, (size_t)(length > 0 ? length : 0) + 1, format, again);
    va_end(again);
    return text;
}
