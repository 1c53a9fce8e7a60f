/* Ranges against a set of bits: whatever is added and taken away, both say the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../seed.h"
#include "resources.h"

struct list {
    struct range *ranges;
    size_t count;
};

static void expect(const struct list *list, const char *text)
{
    char found[256] = "";
    for (size_t i = 0; i < list->count; i++)
        snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s%llu-%llu", i == 0 ? "" : " ",
                (unsigned long long)list->ranges[i].begin, (unsigned long long)list->ranges[i].end);
    assert_string_equal(found, text);
}

static void add(struct list *list, uint64_t begin, uint64_t end)
{
    ranges_add(&list->ranges, &list->count, (struct range){begin, end});
}

static void subtract(struct list *list, uint64_t begin, uint64_t end)
{
    ranges_subtract(&list->ranges, &list->count, (struct range){begin, end});
}

static bool contains(const struct list *list, uint64_t begin, uint64_t end)
{
    return ranges_contain(list->ranges, list->count, (struct range){begin, end});
}

static void test_neighbours_join(void **state)
{
    (void)state;
    struct list list = {0};
    add(&list, 10, 20);
    add(&list, 30, 40);
    expect(&list, "10-20 30-40");
    add(&list, 22, 28);
    expect(&list, "10-20 22-28 30-40");
    add(&list, 21, 21);
    expect(&list, "10-28 30-40");
    add(&list, 29, 29);
    expect(&list, "10-40");
    add(&list, 0, 100);
    expect(&list, "0-100");
    free(list.ranges);
}

static void test_pieces_are_cut_out(void **state)
{
    (void)state;
    struct list list = {0};
    subtract(&list, 1, 2);
    expect(&list, "");
    add(&list, 10, 20);
    subtract(&list, 14, 15);
    expect(&list, "10-13 16-20");
    subtract(&list, 0, 10);
    expect(&list, "11-13 16-20");
    subtract(&list, 20, 99);
    expect(&list, "11-13 16-19");
    subtract(&list, 13, 16);
    expect(&list, "11-12 17-19");
    subtract(&list, 0, UINT64_MAX);
    expect(&list, "");
    free(list.ranges);
}

static void test_the_ends_of_all_numbers(void **state)
{
    (void)state;
    struct list list = {0};
    add(&list, 0, 0);
    add(&list, UINT64_MAX, UINT64_MAX);
    expect(&list, "0-0 18446744073709551615-18446744073709551615");
    assert_true(contains(&list, UINT64_MAX, UINT64_MAX));
    assert_false(contains(&list, 0, UINT64_MAX));
    add(&list, 1, UINT64_MAX - 1);
    expect(&list, "0-18446744073709551615");
    subtract(&list, UINT64_MAX, UINT64_MAX);
    subtract(&list, 0, 0);
    expect(&list, "1-18446744073709551614");
    free(list.ranges);
}

#define BITS 64

/* Whether the list says of each number what the bits say, and is in order with gaps between. */
static void compare(const struct list *list, const bool bits[BITS])
{
    for (uint64_t i = 0; i < BITS; i++)
        assert_int_equal(contains(list, i, i), bits[i]);
    for (size_t i = 0; i < list->count; i++) {
        assert_true(list->ranges[i].begin <= list->ranges[i].end);
        if (i > 0)
            assert_true(list->ranges[i - 1].end + 1 < list->ranges[i].begin);
    }
}

static void test_against_bits(void **state)
{
    (void)state;
    unsigned seed = seed_of("test_against_bits");
    for (int round = 0; round < 200; round++) {
        struct list list = {0};
        bool bits[BITS] = {false};
        for (int step = 0; step < 60; step++) {
            uint64_t begin = (uint64_t)rand_r(&seed) % BITS;
            uint64_t end = begin + (uint64_t)rand_r(&seed) % (BITS - begin);
            bool adds = rand_r(&seed) % 2 == 0;
            bool all = true;
            for (uint64_t i = begin; i <= end; i++)
                all = all && bits[i];
            assert_int_equal(contains(&list, begin, end), all);
            if (adds)
                add(&list, begin, end);
            else
                subtract(&list, begin, end);
            for (uint64_t i = begin; i <= end; i++)
                bits[i] = adds;
            compare(&list, bits);
        }
        free(list.ranges);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_neighbours_join),
            cmocka_unit_test(test_pieces_are_cut_out),
            cmocka_unit_test(test_the_ends_of_all_numbers),
            cmocka_unit_test(test_against_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
