/* A hash map from byte strings to pointers. Keys are borrowed: they belong to the value they lead to, and
 * must stay while it is in the map. The hash is seeded (SipHash-1-3), for keys that a peer chooses. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/slice.h"

struct map_entry;

struct map {
    struct map_entry *entries;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
    uint64_t seed[2];
};

void map_init(struct map *map, uint64_t seed0, uint64_t seed1);
void map_clear(struct map *map); /* frees the table, not what it leads to */

void *map_get(const struct map *map, struct slice key);        /* NULL when absent */
void *map_put(struct map *map, struct slice key, void *value); /* the value that was there, or NULL */
void *map_remove(struct map *map, struct slice key);           /* likewise */
void *map_get_string(const struct map *map, const char *key);

/* Visits all entries: `size_t at = 0; while ((value = map_next(map, &at)))`. The map must not change
 * meanwhile. */
void *map_next(const struct map *map, size_t *at);

#endif
