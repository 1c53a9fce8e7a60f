/* A binary heap of items ordered by a 64-bit key, and where keys are equal by a second one; smallest first:
 * deadlines, queues. The node is inside the item. */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
    int64_t key, tie;
    size_t place; /* index + 1; 0: in no heap */
};

struct heap {
    struct heap_node **nodes;
    size_t count, capacity;
};

void heap_init(struct heap *heap);
void heap_clear(struct heap *heap);
void heap_set(struct heap *heap, struct heap_node *node, int64_t key); /* adds it, or moves it; tie 0 */
void heap_set_pair(struct heap *heap, struct heap_node *node, int64_t key, int64_t tie);
void heap_remove(struct heap *heap, struct heap_node *node); /* does nothing for a node in no heap */
struct heap_node *heap_first(const struct heap *heap);       /* NULL when empty */

#endif
