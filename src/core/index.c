/* The offers of a role, in the order they came, so that the first one with enough of everything is found
 * without looking at each: a tree over them in which every node knows the most of each amount that an offer
 * below it has left. What asks for more than a node has need not look below it. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define SLOTS_MIN 64

struct offer_node {
    int64_t most[SCALAR_COUNT];
    uint64_t ports;
    uint32_t offers, placed; /* below it; those on which something was placed */
};

void index_clear(struct offer_index *index)
{
    free(index->slots);
    free(index->numbers);
    free(index->nodes);
    values_clear(index);
    *index = (struct offer_index){0};
}

static void set_leaf(struct offer_index *index, size_t slot)
{
    const struct offer *offer = index->slots[slot];
    struct offer_node *node = &index->nodes[index->capacity + slot];
    *node = (struct offer_node){0};
    for (int s = 0; s < SCALAR_COUNT; s++)
        node->most[s] = -1;
    if (!offer)
        return;
    node->offers = 1;
    node->placed = offer->placement_count > 0;
    if (offer->placement_count == CORE_ACCEPT_MAX)
        return; /* there is room in it and none in its ACCEPT */
    memcpy(node->most, offer->total, sizeof node->most);
    node->ports = offer->total_ports;
}

static void set_inner(struct offer_index *index, size_t at)
{
    const struct offer_node *left = &index->nodes[2 * at], *right = left + 1;
    struct offer_node *node = &index->nodes[at];
    for (int s = 0; s < SCALAR_COUNT; s++)
        node->most[s] = left->most[s] > right->most[s] ? left->most[s] : right->most[s];
    node->ports = left->ports > right->ports ? left->ports : right->ports;
    node->offers = left->offers + right->offers;
    node->placed = left->placed + right->placed;
}

static void rebuild(struct offer_index *index)
{
    for (size_t slot = 0; slot < index->capacity; slot++)
        set_leaf(index, slot);
    for (size_t at = index->capacity - 1; at > 0; at--)
        set_inner(index, at);
}

/* Closes the gaps where that frees half of it, else doubles it. */
static void make_room(struct offer_index *index)
{
    size_t used = 0;
    for (size_t slot = 0; slot < index->used; slot++) {
        struct offer *offer = index->slots[slot];
        if (!offer)
            continue;
        offer->slot = used;
        index->numbers[used] = offer->number;
        index->slots[used++] = offer;
    }
    if (used > index->capacity / 2 || index->capacity == 0) {
        index->capacity = index->capacity ? index->capacity * 2 : SLOTS_MIN;
        index->slots = alloc_resize(index->slots, index->capacity, sizeof *index->slots);
        index->numbers = alloc_resize(index->numbers, index->capacity, sizeof *index->numbers);
        index->nodes = alloc_resize(index->nodes, 2 * index->capacity, sizeof *index->nodes);
    }
    for (size_t slot = used; slot < index->capacity; slot++)
        index->slots[slot] = NULL;
    index->used = used;
    rebuild(index);
}

void index_update(struct offer_index *index, const struct offer *offer)
{
    set_leaf(index, offer->slot);
    for (size_t at = (index->capacity + offer->slot) / 2; at > 0; at /= 2)
        set_inner(index, at);
}

void index_add(struct offer_index *index, struct offer *offer)
{
    if (index->used == index->capacity)
        make_room(index);
    offer->slot = index->used++;
    index->slots[offer->slot] = offer;
    index->numbers[offer->slot] = offer->number;
    index_update(index, offer);
    index->count++;
    values_add(index, offer);
}

void index_remove(struct offer_index *index, struct offer *offer)
{
    index->slots[offer->slot] = NULL;
    for (size_t at = index->capacity + offer->slot; at > 0; at /= 2) {
        if (at >= index->capacity)
            set_leaf(index, offer->slot);
        else
            set_inner(index, at);
    }
    values_remove(index, offer);
    if (--index->count == 0) {
        index->used = 0;
        values_clear(index);
    }
}

/* ---- finding ---- */

static int lacks(const struct offer_node *node, const struct shape *shape)
{
    for (int s = 0; s < SCALAR_COUNT; s++) {
        if (node->most[s] < shape->scalars[s])
            return s;
    }
    return node->ports < shape->ports ? (int)MISFIT_PORTS : MISFIT_NONE;
}

static void skip(const struct offer_node *node, int lack, struct skipped *skipped)
{
    skipped->offers += node->offers;
    skipped->misfits[MISFIT_TAKEN] += node->placed;
    skipped->misfits[lack] += node->offers - node->placed;
    for (int s = 0; s < SCALAR_COUNT; s++)
        skipped->best[s] = node->most[s] > skipped->best[s] ? node->most[s] : skipped->best[s];
    skipped->best_ports = node->ports > skipped->best_ports ? node->ports : skipped->best_ports;
}

struct search {
    const struct offer_index *index;
    const struct shape *shape;
    size_t from; /* the first slot that counts */
    struct skipped *skipped;
};

/* `at` is above the slots from `low` on, `width` of them. */
static struct offer *find(const struct search *search, size_t at, size_t low, size_t width)
{
    const struct offer_node *node = &search->index->nodes[at];
    if (low + width <= search->from || node->offers == 0)
        return NULL;
    search->skipped->steps++;
    int lack = lacks(node, search->shape);
    if (lack != MISFIT_NONE && low >= search->from) {
        skip(node, lack, search->skipped);
        return NULL;
    }
    if (width == 1)
        return search->index->slots[low];
    struct offer *found = find(search, 2 * at, low, width / 2);
    return found ? found : find(search, 2 * at + 1, low + width / 2, width / 2);
}

/* The first slot of that number or a later one: numbers ascend. */
static size_t slot_of(const struct offer_index *index, uint64_t number)
{
    size_t low = 0, high = index->used;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (index->numbers[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct offer *index_next(const struct offer_index *index, uint64_t number)
{
    for (size_t slot = slot_of(index, number); slot < index->used; slot++) {
        if (index->slots[slot])
            return index->slots[slot];
    }
    return NULL;
}

struct offer *index_find(
        const struct offer_index *index, const struct shape *shape, uint64_t number, struct skipped *skipped)
{
    *skipped = (struct skipped){0};
    if (index->count == 0)
        return NULL;
    struct search search = {index, shape, number == 0 ? 0 : slot_of(index, number), skipped};
    return find(&search, 1, 0, index->capacity);
}

struct offer *index_get(const struct offer_index *index, uint64_t number)
{
    size_t slot = slot_of(index, number);
    return slot < index->used && index->numbers[slot] == number ? index->slots[slot] : NULL;
}

/* In the slots below that one. */
static size_t count_below(const struct offer_index *index, size_t slot)
{
    size_t count = 0;
    if (slot == index->capacity)
        return index->count;
    for (size_t at = index->capacity + slot; at > 1; at /= 2)
        count += at % 2 ? index->nodes[at - 1].offers : 0;
    return count;
}

size_t index_count(const struct offer_index *index, uint64_t from, uint64_t to)
{
    if (index->count == 0 || to <= from)
        return 0;
    return count_below(index, slot_of(index, to)) - count_below(index, slot_of(index, from));
}

bool index_lacks(const struct offer_index *index, const struct offer *offer, const struct shape *shape,
        struct skipped *skipped)
{
    const struct offer_node *node = &index->nodes[index->capacity + offer->slot];
    int lack = lacks(node, shape);
    if (lack != MISFIT_NONE)
        skip(node, lack, skipped);
    return lack != MISFIT_NONE;
}
