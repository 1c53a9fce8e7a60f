/* Memory that is handed out: aligned, zeroed, apart from all else, and freed at once (sanitizers look). */
#include "lots.h"

#include <malloc.h>
#include <string.h>

#include "base/arena.h"

static void aligned_and_zeroed(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    for (int round = 0; round < 3; round++) {
        for (size_t size = 0; size < 300; size++) {
            unsigned char *memory = arena_alloc(&arena, size);
            assert_non_null(memory);
            assert_int_equal((uintptr_t)memory % _Alignof(max_align_t), 0);
            for (size_t i = 0; i < size; i++)
                assert_int_equal(memory[i], 0);
            memset(memory, 0xff, size);
        }
        arena_reset(&arena); /* what is handed out again is zeroed again */
        assert_int_equal(arena.used, 0);
    }
    arena_clear(&arena);
}

static void pieces_stay_apart(void **state)
{
    (void)state;
    struct lots lots = lots_new();
    struct arena arena;
    static unsigned char *pieces[500];
    static size_t sizes[500];
    arena_init(&arena);
    for (size_t i = 0; i < 500; i++) {
        /* Some larger than a block. */
        sizes[i] = lots_draw(&lots, lots_draw(&lots, 20) ? 900 : 60000);
        pieces[i] = arena_alloc(&arena, sizes[i]);
        memset(pieces[i], (int)(i % 251), sizes[i]);
    }
    for (size_t i = 0; i < 500; i++) {
        for (size_t j = 0; j < sizes[i]; j++)
            assert_int_equal(pieces[i][j], i % 251);
    }
    arena_clear(&arena);
}

/* Just below a block, a block, and past it, also as the first thing and after others. */
static void large_ones(void **state)
{
    (void)state;
    static const size_t sizes[] = {900, 1000, 1024, 1025, 16383, 16384, 16385, 1 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct arena arena;
        arena_init(&arena);
        char *first = arena_alloc(&arena, sizes[i]), *small = arena_alloc(&arena, 1);
        first[sizes[i] - 1] = 'x';
        *small = 'y';
        char *again = arena_alloc(&arena, sizes[i]);
        again[sizes[i] - 1] = 'z';
        assert_int_equal(first[sizes[i] - 1], 'x');
        assert_int_equal(*small, 'y');
        arena_reset(&arena);
        arena_alloc(&arena, 10);
        arena_reset(&arena);
        arena_clear(&arena);
        arena_clear(&arena);
    }
}

/* What clients make by the million, with an arena each, takes little; later blocks are as large as ever. */
static void small_at_first(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    arena_alloc(&arena, 100);
    assert_in_range(malloc_usable_size(arena.blocks), 100, 1100);
    for (int i = 0; i < 1000; i++)
        arena_alloc(&arena, 100);
    assert_in_range(malloc_usable_size(arena.blocks), 16384, 17000);
    arena_reset(&arena);
    arena_alloc(&arena, 100); /* of the block that is kept */
    assert_in_range(malloc_usable_size(arena.blocks), 16384, 17000);
    arena_clear(&arena);
}

static void copies_and_texts(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    char text[] = "hello";
    char *copy = arena_string(&arena, text);
    text[0] = 'j';
    assert_string_equal(copy, "hello");
    assert_null(arena_string(&arena, NULL));
    assert_string_equal(arena_string(&arena, ""), "");
    assert_memory_equal(arena_copy(&arena, "a\0b", 3), "a\0b", 3);
    assert_non_null(arena_copy(&arena, NULL, 0));
    assert_string_equal(arena_format(&arena, "%d-%s", 7, "x"), "7-x");
    assert_string_equal(arena_format(&arena, "%s", ""), "");
    char *longest = arena_format(&arena, "%050000d", 1);
    assert_int_equal(strlen(longest), 50000);
    assert_int_equal(longest[49999], '1');
    int *numbers = arena_array(&arena, 1000, sizeof *numbers);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(numbers[i], 0);
    assert_non_null(arena_array(&arena, 0, 8));
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(aligned_and_zeroed),
            cmocka_unit_test(pieces_stay_apart),
            cmocka_unit_test(large_ones),
            cmocka_unit_test(small_at_first),
            cmocka_unit_test(copies_and_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
