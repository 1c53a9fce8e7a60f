/* A binary heap in an array. */
#include "base/heap.h"

#include <stdlib.h>

#include "base/alloc.h"

void heap_init(struct heap *heap)
{
    *heap = (struct heap){0};
}

void heap_clear(struct heap *heap)
{
    for (size_t i = 0; i < heap->count; i++)
        heap->nodes[i]->place = 0;
    free(heap->nodes);
    heap_init(heap);
}

static bool comes_before(const struct heap_node *a, const struct heap_node *b)
{
    return a->key != b->key ? a->key < b->key : a->tie < b->tie;
}

static void put(struct heap *heap, size_t index, struct heap_node *node)
{
    heap->nodes[index] = node;
    node->place = index + 1;
}

static void sift_up(struct heap *heap, size_t index)
{
    struct heap_node *node = heap->nodes[index];
    while (index > 0 && comes_before(node, heap->nodes[(index - 1) / 2])) {
        put(heap, index, heap->nodes[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    put(heap, index, node);
}

static void sift_down(struct heap *heap, size_t index)
{
    struct heap_node *node = heap->nodes[index];
    for (;;) {
        size_t child = 2 * index + 1;
        if (child >= heap->count)
            break;
        if (child + 1 < heap->count && comes_before(heap->nodes[child + 1], heap->nodes[child]))
            child++;
        if (!comes_before(heap->nodes[child], node))
            break;
        put(heap, index, heap->nodes[child]);
        index = child;
    }
    put(heap, index, node);
}

void heap_set(struct heap *heap, struct heap_node *node, int64_t key)
{
    heap_set_pair(heap, node, key, 0);
}

void heap_set_pair(struct heap *heap, struct heap_node *node, int64_t key, int64_t tie)
{
    node->key = key;
    node->tie = tie;
    if (node->place == 0) {
        if (heap->count == heap->capacity) {
            heap->capacity = heap->capacity ? heap->capacity * 2 : 8;
            heap->nodes = alloc_resize(heap->nodes, heap->capacity, sizeof *heap->nodes);
        }
        put(heap, heap->count++, node);
    }
    sift_up(heap, node->place - 1);
    sift_down(heap, node->place - 1);
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
    if (node->place == 0)
        return;
    size_t index = node->place - 1;
    struct heap_node *last = heap->nodes[--heap->count];
    node->place = 0;
    if (last != node) {
        put(heap, index, last);
        sift_up(heap, index);
        sift_down(heap, last->place - 1);
    }
}

struct heap_node *heap_first(const struct heap *heap)
{
    return heap->count ? heap->nodes[0] : NULL;
}
