/* The map against a naive model, and keys that are bytes. */
#include "lots.h"

#include <string.h>

#include "base/map.h"

#define KEYS 700

struct item {
    char key[24];
    size_t length;
    bool there;
    int value;
};

static struct slice key_of(const struct item *item)
{
    return slice_of(item->key, item->length);
}

static void check_all(const struct map *map, struct item *items, size_t count)
{
    size_t there = 0, visited = 0, at = 0;
    for (size_t i = 0; i < count; i++) {
        there += items[i].there;
        assert_ptr_equal(map_get(map, key_of(&items[i])), items[i].there ? &items[i].value : NULL);
    }
    assert_int_equal(map->count, there);
    for (int *value; (value = map_next(map, &at));) {
        struct item *item = (struct item *)(void *)((char *)value - offsetof(struct item, value));
        assert_true(item->there);
        assert_int_equal(*value, 0);
        *value = 1; /* each is visited once */
        visited++;
    }
    assert_int_equal(visited, there);
    for (size_t i = 0; i < count; i++)
        items[i].value = 0;
}

static void like_a_naive_model(void **state)
{
    (void)state;
    struct lots lots = lots_new();
    static struct item items[KEYS];
    memset(items, 0, sizeof items);
    for (size_t i = 0; i < KEYS;
            i++) /* of all lengths around the hash's words of eight bytes, NULs included */
        items[i].length = (size_t)snprintf(items[i].key, sizeof items[i].key, "%zu", i) + i % 17;
    struct map map;
    map_init(&map, lots_draw(&lots, UINT64_MAX), lots_draw(&lots, UINT64_MAX));
    for (int i = 0; i < 60000; i++) {
        /* Few keys, then many, then few: tables grow and clusters form and dissolve. */
        size_t room = i / 10000 % 2 ? KEYS : 20;
        struct item *item = &items[lots_draw(&lots, room)];
        void *before = item->there ? &item->value : NULL;
        switch (lots_draw(&lots, 3)) {
        case 0:
            assert_ptr_equal(map_put(&map, key_of(item), &item->value), before);
            item->there = true;
            break;
        case 1:
            assert_ptr_equal(map_remove(&map, key_of(item)), before);
            item->there = false;
            break;
        default:
            assert_ptr_equal(map_get(&map, key_of(item)), before);
        }
        assert_true(map.capacity == 0 || map.count * 4 <= map.capacity * 3);
        if (i % 2000 == 0)
            check_all(&map, items, KEYS);
    }
    check_all(&map, items, KEYS);
    map_clear(&map);
    assert_int_equal(map.count, 0);
    assert_null(map_get(&map, key_of(&items[0])));
}

static void an_empty_map(void **state)
{
    (void)state;
    struct map map;
    size_t at = 0;
    map_init(&map, 1, 2);
    assert_null(map_get_string(&map, "x"));
    assert_null(map_remove(&map, slice_of_string("x")));
    assert_null(map_next(&map, &at));
    map_clear(&map);
    map_clear(&map);
}

static void keys_are_bytes(void **state)
{
    (void)state;
    struct map map;
    int one, two, three, four;
    map_init(&map, 1, 2);
    assert_null(map_put(&map, slice_of("a\0b", 3), &one));
    assert_null(map_put(&map, slice_of("a\0c", 3), &two));
    assert_null(map_put(&map, slice_of("a", 1), &three));
    assert_null(map_put(&map, slice_of(NULL, 0), &four)); /* the empty key is one */
    assert_ptr_equal(map_get(&map, slice_of("a\0b", 3)), &one);
    assert_ptr_equal(map_get(&map, slice_of("a\0c", 3)), &two);
    assert_ptr_equal(map_get_string(&map, "a"), &three);
    assert_ptr_equal(map_get_string(&map, ""), &four);
    assert_ptr_equal(map_remove(&map, slice_of("", 0)), &four);
    assert_null(map_get_string(&map, ""));
    map_clear(&map);
}

/* A value that is put again brings its own key: the old one's memory may go. */
static void putting_again_takes_the_new_key(void **state)
{
    (void)state;
    struct map map;
    int one, two;
    char first[] = "key", second[] = "key";
    map_init(&map, 1, 2);
    map_put(&map, slice_of_string(first), &one);
    assert_ptr_equal(map_put(&map, slice_of_string(second), &two), &one);
    memset(first, 'x', sizeof first - 1);
    assert_ptr_equal(map_get_string(&map, "key"), &two);
    map_clear(&map);
}

/* Keys that a peer chooses: other seeds give other places. */
static void seeds_matter(void **state)
{
    (void)state;
    static int values[64];
    int order[2][64];
    for (int run = 0; run < 2; run++) {
        struct map map;
        char keys[64][4];
        map_init(&map, (uint64_t)run, 0);
        for (int i = 0; i < 64; i++) {
            snprintf(keys[i], sizeof keys[i], "%d", i);
            map_put(&map, slice_of_string(keys[i]), &values[i]);
        }
        size_t at = 0;
        for (int i = 0; i < 64; i++)
            order[run][i] = (int)((int *)map_next(&map, &at) - values);
        map_clear(&map);
    }
    assert_memory_not_equal(order[0], order[1], sizeof order[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(like_a_naive_model),
            cmocka_unit_test(an_empty_map),
            cmocka_unit_test(keys_are_bytes),
            cmocka_unit_test(putting_again_takes_the_new_key),
            cmocka_unit_test(seeds_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
