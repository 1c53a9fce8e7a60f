/* Open addressing with linear probing; removal shifts the followers back, so there are no tombstones. The
 * hash is SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF"). */
#include "base/map.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct map_entry {
    struct slice key;
    uint64_t hash;
    void *value; /* NULL: free */
};

static uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

static uint64_t hash_bytes(const uint64_t seed[2], struct slice key)
{
    uint64_t v[4] = {seed[0] ^ 0x736f6d6570736575u, seed[1] ^ 0x646f72616e646f6du,
            seed[0] ^ 0x6c7967656e657261u, seed[1] ^ 0x7465646279746573u};
    size_t whole = key.length & ~(size_t)7;
    for (size_t i = 0; i <= whole; i += 8) {
        uint64_t word = 0;
        if (i < whole)
            memcpy(&word, key.data + i, 8);
        else if (key.length > whole)
            memcpy(&word, key.data + i, key.length - whole);
        word = le64toh(word);
        if (i == whole)
            word |= (uint64_t)key.length << 56;
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void map_init(struct map *map, uint64_t seed0, uint64_t seed1)
{
    *map = (struct map){.seed = {seed0, seed1}};
}

void map_clear(struct map *map)
{
    free(map->entries);
    map_init(map, map->seed[0], map->seed[1]);
}

/* The place of the key, or the free place where it would go. The table has room. */
static size_t find(const struct map *map, struct slice key, uint64_t hash)
{
    size_t mask = map->capacity - 1;
    size_t at = hash & mask;
    while (map->entries[at].value &&
            (map->entries[at].hash != hash || !slice_equal(map->entries[at].key, key)))
        at = (at + 1) & mask;
    return at;
}

static void grow(struct map *map)
{
    struct map_entry *old = map->entries;
    size_t old_capacity = map->capacity;
    map->capacity = old_capacity ? old_capacity * 2 : 16;
    map->entries = alloc_zeroed(map->capacity, sizeof *map->entries);
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i].value)
            map->entries[find(map, old[i].key, old[i].hash)] = old[i];
    }
    free(old);
}

void *map_get(const struct map *map, struct slice key)
{
    return map->count ? map->entries[find(map, key, hash_bytes(map->seed, key))].value : NULL;
}

void *map_get_string(const struct map *map, const char *key)
{
    return map_get(map, slice_of_string(key));
}

void *map_put(struct map *map, struct slice key, void *value)
{
    if ((map->count + 1) * 4 > map->capacity * 3)
        grow(map);
    uint64_t hash = hash_bytes(map->seed, key);
    struct map_entry *entry = &map->entries[find(map, key, hash)];
    void *before = entry->value;
    *entry = (struct map_entry){.key = key, .hash = hash, .value = value};
    map->count += before ? 0 : 1;
    return before;
}

void *map_remove(struct map *map, struct slice key)
{
    if (map->count == 0)
        return NULL;
    size_t mask = map->capacity - 1;
    size_t hole = find(map, key, hash_bytes(map->seed, key));
    void *before = map->entries[hole].value;
    if (!before)
        return NULL;
    for (size_t at = (hole + 1) & mask; map->entries[at].value; at = (at + 1) & mask) {
        size_t home = map->entries[at].hash & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            map->entries[hole] = map->entries[at];
            hole = at;
        }
    }
    map->entries[hole] = (struct map_entry){0};
    map->count--;
    return before;
}

void *map_next(const struct map *map, size_t *at)
{
    while (*at < map->capacity) {
        void *value = map->entries[(*at)++].value;
        if (value)
            return value;
    }
    return NULL;
}
