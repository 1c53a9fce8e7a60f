/* Scalars in thousandths, ranges up to 2^64-1, sets. */
#include "resource_words.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* "8" or "[1-2]" or "{a}" */
static struct resource_value value_from(struct arena *arena, const char *text)
{
    return one_of(arena, NULL, arena_format(arena, "x:%s", text)).value;
}

static void expect_number(struct arena *arena, const struct resource_value *value, const char *words)
{
    struct resource one = one_of(arena, NULL, arena_format(arena, "x:%s", words));
    one.value = *value;
    struct resource_set set;
    resource_set_init(&set, arena);
    assert_int_equal(resource_set_append(&set, &one, NULL), 0);
    const char *all = words_of(arena, &set);
    assert_string_equal(*all ? all + 2 : "", resource_value_amount(value) ? words : "");
}

static void expect_sum(struct arena *arena, const char *a, const char *b, const char *sum)
{
    struct resource_value value = value_from(arena, a), other = value_from(arena, b);
    resource_value_add(arena, &value, &other);
    expect_number(arena, &value, sum);
    value = value_from(arena, b);
    other = value_from(arena, a);
    resource_value_add(arena, &value, &other);
    expect_number(arena, &value, sum);
}

static void expect_rest(struct arena *arena, const char *a, const char *b, const char *rest)
{
    struct resource_value value = value_from(arena, a), other = value_from(arena, b);
    resource_value_subtract(arena, &value, &other);
    expect_number(arena, &value, rest);
}

static bool contains(struct arena *arena, const char *all, const char *part)
{
    struct resource_value a = value_from(arena, all), b = value_from(arena, part);
    return resource_value_contains(&a, &b);
}

static uint64_t amount(struct arena *arena, const char *text)
{
    struct resource_value value = value_from(arena, text);
    return resource_value_amount(&value);
}

/* ---- scalars ---- */

static void scalars_are_rounded_to_thousandths(void **state)
{
    assert_int_equal(amount(*state, "1.5123"), 1512);
    assert_int_equal(amount(*state, "1.5125"), 1513); /* halves away from zero */
    assert_int_equal(amount(*state, "0.0004"), 0);
    assert_int_equal(amount(*state, "0.0005"), 1);
    assert_int_equal(amount(*state, "-0.0004"), 0);
    expect_sum(*state, "0.1", "0.2", "0.3");
    expect_rest(*state, "1", "0.9", "0.1");
    expect_rest(*state, "1", "2", "0");
    assert_true(contains(*state, "0.3", "0.30000000000000004"));
    assert_false(contains(*state, "0.3", "0.301"));
}

static int read_scalar(struct arena *arena, double number)
{
    message *from = message_of(arena, NULL, "cpus:1");
    struct resource_value value;
    from->scalar->value = number;
    return resource_value_read(arena, from, &value, NULL);
}

static void scalars_are_numbers_within_bounds(void **state)
{
    assert_int_equal(read_scalar(*state, 1e12), 0);
    assert_int_equal(read_scalar(*state, nextafter(1e12, (double)INFINITY)), ERR_INVALID);
    assert_int_equal(read_scalar(*state, 0), 0);
    assert_int_equal(read_scalar(*state, -0.0), 0);
    assert_int_equal(read_scalar(*state, -0.001), ERR_INVALID);
    assert_int_equal(read_scalar(*state, (double)NAN), ERR_INVALID);
    assert_int_equal(read_scalar(*state, (double)INFINITY), ERR_INVALID);
    assert_int_equal(read_scalar(*state, -(double)INFINITY), ERR_INVALID);
    assert_int_equal(read_scalar(*state, 1e300), ERR_INVALID);
}

static void a_value_must_be_there(void **state)
{
    struct resource_value value;
    static const char *const words[] = {"a:1", "a:[1-2]", "a:{x}"};
    for (int i = 0; i < 3; i++) {
        message *from = message_of(*state, NULL, words[i]);
        from->scalar = NULL;
        from->ranges = NULL;
        from->set = NULL;
        assert_int_equal(resource_value_read(*state, from, &value, NULL), ERR_INVALID);
    }
    message *text = message_of(*state, NULL, "a:1");
    text->type = MESOS__V1__VALUE__TYPE__TEXT;
    assert_int_equal(resource_value_read(*state, text, &value, NULL), ERR_INVALID);
    text->type = (Mesos__V1__Value__Type)77;
    assert_int_equal(resource_value_read(*state, text, &value, NULL), ERR_INVALID);
}

/* ---- ranges ---- */

static void ranges_are_sorted_and_joined(void **state)
{
    struct resource_value value = value_from(*state, "[20-30,1-2,3-4,25-40,10-10]");
    expect_number(*state, &value, "[1-4,10-10,20-40]");
    value = value_from(*state, "[5-9,1-20,3-4]");
    expect_number(*state, &value, "[1-20]");
    value = value_from(*state, "[9-8,10-10]"); /* the first holds nothing */
    expect_number(*state, &value, "[10-10]");
}

static void ranges_are_added_and_subtracted(void **state)
{
    expect_sum(*state, "[1-5]", "[7-9]", "[1-5,7-9]");
    expect_sum(*state, "[1-5]", "[6-9]", "[1-9]");
    expect_sum(*state, "[1-5,10-12]", "[3-11]", "[1-12]");
    expect_rest(*state, "[1-10]", "[3-4]", "[1-2,5-10]");
    expect_rest(*state, "[1-10]", "[1-1,10-10]", "[2-9]");
    expect_rest(*state, "[1-10]", "[2-2,4-4,6-8]", "[1-1,3-3,5-5,9-10]");
    expect_rest(*state, "[1-3,5-7,9-11]", "[2-10]", "[1-1,11-11]");
    expect_rest(*state, "[5-7]", "[1-20]", "[]");
    expect_rest(*state, "[5-7]", "[1-4,8-9]", "[5-7]");
    expect_rest(*state, "[1-3,5-7]", "[]", "[1-3,5-7]");
}

static void ranges_reach_to_the_last_number(void **state)
{
    const char *all = "[0-18446744073709551615]";
    assert_true(amount(*state, all) == UINT64_MAX);
    assert_true(amount(*state, "[1-18446744073709551615]") == UINT64_MAX);
    assert_true(amount(*state, "[2-18446744073709551615]") == UINT64_MAX - 1);
    assert_true(
            amount(*state, "[0-9223372036854775807,9223372036854775809-18446744073709551615]") == UINT64_MAX);
    expect_sum(*state, "[0-9]", "[10-18446744073709551615]", all);
    expect_sum(*state, all, "[7-8]", all);
    expect_sum(*state, "[18446744073709551615-18446744073709551615]", "[0-0]",
            "[0-0,18446744073709551615-18446744073709551615]");
    expect_rest(*state, all, "[18446744073709551615-18446744073709551615]", "[0-18446744073709551614]");
    expect_rest(*state, all, "[0-0]", "[1-18446744073709551615]");
    expect_rest(*state, all, all, "[]");
    assert_true(contains(*state, all, "[5-18446744073709551615]"));
    assert_false(contains(*state, "[0-18446744073709551614]", all));
}

static void ranges_are_contained(void **state)
{
    assert_true(contains(*state, "[1-10,20-30]", "[1-1,5-6,20-30]"));
    assert_true(contains(*state, "[1-10]", "[]"));
    assert_false(contains(*state, "[1-10,20-30]", "[10-20]"));
    assert_false(contains(*state, "[1-10,20-30]", "[20-31]"));
    assert_false(contains(*state, "[]", "[1-1]"));
}

/* ---- sets ---- */

static void sets_are_sorted_and_hold_an_item_once(void **state)
{
    struct resource_value value = value_from(*state, "{c,a,b,a,c}");
    expect_number(*state, &value, "{a,b,c}");
    expect_sum(*state, "{c,a}", "{b,c}", "{a,b,c}");
    expect_rest(*state, "{a,b,c}", "{b,x}", "{a,c}");
    expect_rest(*state, "{a,b}", "{a,b}", "{}");
    assert_true(contains(*state, "{a,b,c}", "{c,a}"));
    assert_true(contains(*state, "{a}", "{}"));
    assert_false(contains(*state, "{a,c}", "{b}"));
    assert_false(contains(*state, "{a,c}", "{d}"));
}

/* ---- taking ---- */

static void expect_taken(
        struct arena *arena, const char *from, uint64_t wanted, const char *taken, const char *rest)
{
    struct resource_value value = value_from(arena, from), part = resource_value_take(arena, &value, wanted);
    expect_number(arena, &part, taken);
    expect_number(arena, &value, rest);
}

static void the_first_are_taken(void **state)
{
    expect_taken(*state, "2.5", 1200, "1.2", "1.3");
    expect_taken(*state, "2.5", 2500, "2.5", "0");
    expect_taken(*state, "2.5", 9999, "2.5", "0");
    expect_taken(*state, "[5-6,9-9,20-30]", 4, "[5-6,9-9,20-20]", "[21-30]");
    expect_taken(*state, "[5-6,9-9]", 2, "[5-6]", "[9-9]");
    expect_taken(*state, "[5-6,9-9]", 3, "[5-6,9-9]", "[]");
    expect_taken(*state, "[5-6,9-9]", 9, "[5-6,9-9]", "[]");
    expect_taken(*state, "[5-6]", 0, "[]", "[5-6]");
    expect_taken(*state, "[18446744073709551614-18446744073709551615]", 1,
            "[18446744073709551614-18446744073709551614]", "[18446744073709551615-18446744073709551615]");
    expect_taken(*state, "[18446744073709551614-18446744073709551615]", 2,
            "[18446744073709551614-18446744073709551615]", "[]");
    expect_taken(*state, "[0-18446744073709551615]", UINT64_MAX, "[0-18446744073709551614]",
            "[18446744073709551615-18446744073709551615]");
    expect_taken(*state, "{c,b,a}", 2, "{a,b}", "{c}");
    expect_taken(*state, "{c,b,a}", 5, "{a,b,c}", "{}");
}

/* ---- limits ---- */

static void there_are_so_many_ranges_and_items(void **state)
{
    struct arena *arena = *state;
    struct resource_value value;
    message *ranges = message_of(arena, NULL, "ports:[1-1]"), *set = message_of(arena, NULL, "bugs:{a}");
    size_t most = RESOURCE_VALUES_MAX;
    Mesos__V1__Value__Range *numbers = arena_array(arena, most + 1, sizeof *numbers);
    ranges->ranges->range = arena_array(arena, most + 1, sizeof *ranges->ranges->range);
    set->set->item = arena_array(arena, most + 1, sizeof *set->set->item);
    for (size_t i = 0; i <= most; i++) { /* in the worst order */
        mesos__v1__value__range__init(&numbers[i]);
        numbers[i].begin = numbers[i].end = 2 * (most - i);
        ranges->ranges->range[i] = &numbers[i];
        set->set->item[i] = arena_format(arena, "%08zu", most - i);
    }
    ranges->ranges->n_range = set->set->n_item = most;
    assert_int_equal(resource_value_read(arena, ranges, &value, NULL), 0);
    assert_int_equal(value.count, most);
    assert_int_equal(value.ranges[0].begin, 2);
    assert_true(resource_value_is_apart(arena, ranges));
    assert_int_equal(resource_value_read(arena, set, &value, NULL), 0);
    assert_int_equal(value.count, most);
    assert_string_equal(value.items[0], "00000001");
    ranges->ranges->n_range = set->set->n_item = most + 1;
    assert_int_equal(resource_value_read(arena, ranges, &value, NULL), ERR_TOO_LARGE);
    assert_int_equal(resource_value_read(arena, set, &value, NULL), ERR_TOO_LARGE);
}

static void what_is_not_apart(void **state)
{
    static const char *const apart[] = {"p:1", "p:[1-2,3-4]", "p:[3-4,1-2]", "p:{b,a}", "p:[]"};
    static const char *const not [] = {"p:[1-3,3-4]", "p:[3-4,1-9]", "p:[5-5,1-1,5-5]", "p:{b,a,b}"};
    for (size_t i = 0; i < sizeof apart / sizeof *apart; i++)
        assert_true(resource_value_is_apart(*state, message_of(*state, NULL, apart[i])));
    for (size_t i = 0; i < sizeof not / sizeof *not ; i++)
        assert_false(resource_value_is_apart(*state, message_of(*state, NULL, not [i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(scalars_are_rounded_to_thousandths),
            TEST(scalars_are_numbers_within_bounds),
            TEST(a_value_must_be_there),
            TEST(ranges_are_sorted_and_joined),
            TEST(ranges_are_added_and_subtracted),
            TEST(ranges_reach_to_the_last_number),
            TEST(ranges_are_contained),
            TEST(sets_are_sorted_and_hold_an_item_once),
            TEST(the_first_are_taken),
            TEST(there_are_so_many_ranges_and_items),
            TEST(what_is_not_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
