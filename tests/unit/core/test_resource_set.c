/* Sets of resources: adding, subtracting, containing, amounts by name, messages. */
#include "resource_words.h"

#include <stdio.h>
#include <string.h>

static void expect_sum(struct arena *arena, const char *a, const char *b, const char *sum)
{
    struct resource_set x = set_of(arena, "r", a), y = set_of(arena, "r", b);
    assert_int_equal(resource_set_add(&x, &y, NULL), 0);
    expect_words(arena, &x, sum);
    struct resource_set as_before = set_of(arena, "r", b);
    assert_true(resource_set_equal(&y, &as_before));
}

static void expect_rest(struct arena *arena, const char *a, const char *b, const char *rest)
{
    struct resource_set x = offer_of(arena, "r", a), y = offer_of(arena, "r", b);
    struct error err = {0};
    if (!rest) {
        assert_false(resource_set_contains(&x, &y));
        assert_int_equal(resource_set_subtract(&x, &y, &err), ERR_NOT_FOUND);
        assert_true(strlen(err.text) > 0);
        struct resource_set before = offer_of(arena, "r", a);
        assert_true(resource_set_equal(&x, &before));
        return;
    }
    assert_true(resource_set_contains(&x, &y));
    assert_int_equal(resource_set_subtract(&x, &y, &err), 0);
    expect_words(arena, &x, rest);
}

static void what_is_of_a_kind_is_added_together(void **state)
{
    expect_sum(*state, "cpus:1 mem:5", "cpus:0.5 cpus(a):1", "cpus:1.5 mem:5 cpus(a):1");
    expect_sum(*state, "ports:[1-5]", "ports:[6-9] ports(a):[20-21]", "ports:[1-9] ports(a):[20-21]");
    expect_sum(*state, "bugs:{a,b}", "bugs:{c}", "bugs:{a,b,c}");
    expect_sum(*state, "cpus(a~x):1", "cpus(a~y):1", "cpus(a~x):1 cpus(a~y):1");
    expect_sum(*state, "", "cpus:1", "cpus:1");
}

static void what_is_whole_stays_apart(void **state)
{
    expect_sum(*state, "disk+mount./m:5", "disk+mount./m:5", "disk+mount./m:5 disk+mount./m:5");
    expect_sum(*state, "disk+block.b:5", "disk+block.c:5", "disk+block.b:5 disk+block.c:5");
    expect_sum(*state, "disk+raw.x:5", "disk+raw.x:5", "disk+raw.x:5 disk+raw.x:5");
    expect_sum(*state, "disk(a)+volume.v:5", "disk(a)+volume.v:5", "disk(a)+volume.v:5 disk(a)+volume.v:5");
    expect_sum(*state, "disk+path./p:5", "disk+path./p:5", "disk+path./p:10");
    expect_sum(*state, "disk+pool+profile.x:5", "disk+pool+profile.x:5", "disk+pool+profile.x:10");
}

static void shared_ones_are_counted(void **state)
{
    struct resource_set set = set_of(
            *state, "r", "disk(a)+volume.v+shared:5 disk(a)+volume.v+shared:5 disk(a)+volume.v+shared:6");
    expect_words(*state, &set, "2*disk(a)+volume.v+shared:5 disk(a)+volume.v+shared:6");
    assert_int_equal(resource_set_scalar(&set, "disk"), 11000); /* each once */
    expect_rest(*state, "disk(a)+volume.v+shared:5 disk(a)+volume.v+shared:5", "disk(a)+volume.v+shared:5",
            "disk(a)+volume.v+shared:5");
    expect_rest(*state, "disk(a)+volume.v+shared:5", "disk(a)+volume.v+shared:5", "");
    expect_rest(
            *state, "disk(a)+volume.v+shared:5", "disk(a)+volume.v+shared:5 disk(a)+volume.v+shared:5", NULL);
    expect_rest(*state, "disk(a)+volume.v+shared:5", "disk(a)+volume.v+shared:4", NULL);
    expect_rest(*state, "disk(a)+volume.v+shared:5", "disk(a)+volume.v:5", NULL);
}

static void nothing_is_left_out(void **state)
{
    expect_sum(*state, "cpus:1", "mem:0 ports:[] bugs:{}", "cpus:1");
    struct resource_set none = offer_of(*state, "r", "cpus:0 ports:[] bugs:{} disk+mount./m:0");
    assert_true(resource_set_is_empty(&none));
    struct resource_set nothing = set_of(*state, "r", ""), some = set_of(*state, "r", "ports:[1-1]");
    assert_true(resource_set_is_empty(&nothing));
    assert_false(resource_set_is_empty(&some));
    assert_true(resource_set_equal(&none, &nothing));
    assert_true(resource_set_contains(&nothing, &none));
    message **messages;
    assert_int_equal(resource_set_write(&none, *state, &messages), 0);
}

static void what_is_contained_can_be_subtracted(void **state)
{
    expect_rest(*state, "cpus:2 mem:5", "cpus:0.5", "cpus:1.5 mem:5");
    expect_rest(*state, "cpus:2 mem:5", "mem:5 cpus:2", "");
    expect_rest(*state, "ports:[1-9] bugs:{a,b}", "bugs:{a} ports:[2-3,9-9]", "ports:[1-1,4-8] bugs:{b}");
    expect_rest(*state, "cpus:2", "cpus:2.001", NULL);
    expect_rest(*state, "cpus:2", "cpus:1 cpus:1.001", NULL);
    expect_rest(*state, "cpus:2", "mem:1", NULL);
    expect_rest(*state, "cpus:2", "cpus(a):1", NULL);
    expect_rest(*state, "cpus:2 ports:[1-9]", "cpus:1 ports:[9-10]", NULL); /* all or nothing */
    expect_rest(*state, "bugs:{a}", "bugs:{b}", NULL);
}

static void what_is_whole_goes_whole(void **state)
{
    expect_rest(*state, "disk+mount./m:5", "disk+mount./m:5", "");
    expect_rest(*state, "disk+mount./m:5", "disk+mount./m:4", NULL);
    expect_rest(*state, "disk+raw.x:5", "disk+raw.x:4", NULL);
    expect_rest(*state, "disk(a)+volume.v:5", "disk(a)+volume.v:4", NULL);
    expect_rest(*state, "disk(a)+volume.v:5", "disk(a):4", NULL);
    expect_rest(*state, "disk+mount./m:5", "disk+mount./m:5 disk+mount./m:5", NULL);
    expect_rest(*state, "disk+mount./m:5 disk+mount./m:5", "disk+mount./m:5", "disk+mount./m:5");
    expect_rest(*state, "disk+path./p:5", "disk+path./p:4", "disk+path./p:1");
}

/* As an offer may have it: two entries of one kind. */
static void what_is_in_several_entries(void **state)
{
    expect_rest(*state, "cpus:1 cpus:2 mem:1", "cpus:2.5", "cpus:0.5 mem:1");
    expect_rest(*state, "cpus:1 cpus:2", "cpus:3", "");
    expect_rest(*state, "cpus:1 cpus:2", "cpus:3.001", NULL);
    expect_rest(*state, "ports:[1-3] ports:[4-9]", "ports:[2-8]", "ports:[1-1] ports:[9-9]");
    expect_rest(*state, "ports:[1-3] ports:[5-9]", "ports:[2-8]", NULL);
    expect_rest(*state, "bugs:{a} bugs:{b,c}", "bugs:{c,a}", "bugs:{b}");
    struct resource_set apart = offer_of(*state, "r", "cpus:1 cpus:2 ports:[1-3] ports:[4-9]"),
                        together = set_of(*state, "r", "ports:[1-9] cpus:3");
    assert_true(resource_set_equal(&apart, &together));
}

static void two_are_equal_in_any_order(void **state)
{
    struct resource_set a = set_of(*state, "r", "cpus:1 cpus(a):2 disk+mount./m:5 ports:[1-2]"),
                        b = set_of(*state, "r", "ports:[1-2] disk+mount./m:5 cpus(a):2 cpus:1"),
                        c = set_of(*state, "r", "ports:[1-2] disk+mount./m:5 cpus(a):2 cpus:1.001"),
                        other_role = set_of(*state, "s", "cpus:1 cpus(a):2 disk+mount./m:5 ports:[1-2]");
    assert_true(resource_set_equal(&a, &b));
    assert_false(resource_set_equal(&a, &c));
    assert_false(resource_set_equal(&c, &a));
    assert_false(resource_set_equal(&a, &other_role));
}

static void amounts_by_name(void **state)
{
    struct resource_set set = offer_of(*state, "r",
            "cpus:1 cpus(a):2.5 cpus+revocable:4 mem:7 ports:[1-5] ports(a):[10-10] bugs:{a,b} "
            "disk+mount./m:9");
    assert_int_equal(resource_set_scalar(&set, "cpus"), 7500);
    assert_int_equal(resource_set_scalar(&set, "mem"), 7000);
    assert_int_equal(resource_set_scalar(&set, "disk"), 9000);
    assert_int_equal(resource_set_scalar(&set, "gpus"), 0);
    assert_int_equal(resource_set_scalar(&set, "ports"), 0);
    assert_int_equal(resource_set_values(&set, "ports"), 6);
    assert_int_equal(resource_set_values(&set, "bugs"), 2);
    assert_int_equal(resource_set_values(&set, "cpus"), 0);
    struct resource_set all = offer_of(*state, "r", "n:[0-18446744073709551615] n(a):[3-4]");
    assert_true(resource_set_values(&all, "n") == UINT64_MAX);
}

/* ---- limits ---- */

static void a_sum_is_within_bounds(void **state)
{
    struct resource_set set = set_of(*state, "r", "mem:999999999999.999"),
                        more = set_of(*state, "r", "mem:0.001"),
                        too_much = set_of(*state, "r", "cpus:1 mem:0.001");
    assert_int_equal(resource_set_add(&set, &more, NULL), 0);
    assert_int_equal(resource_set_scalar(&set, "mem"), MILLI_MAX);
    assert_int_equal(resource_set_add(&set, &too_much, NULL), ERR_TOO_LARGE);
    expect_words(*state, &set, "mem:1000000000000"); /* and no cpus */
}

static void there_are_so_many_entries(void **state)
{
    struct resource_set set = set_of(*state, "r", "");
    for (int i = 0; i < RESOURCE_SET_MAX; i++) {
        struct resource one = one_of(*state, "r", arena_format(*state, "n%d:1", i));
        assert_int_equal(resource_set_add_one(&set, &one, NULL), 0);
    }
    struct resource one = one_of(*state, "r", "more:1"), known = one_of(*state, "r", "n7:1");
    assert_int_equal(resource_set_add_one(&set, &known, NULL), 0);
    assert_int_equal(resource_set_add_one(&set, &one, NULL), ERR_TOO_LARGE);
    assert_int_equal(resource_set_append(&set, &one, NULL), ERR_TOO_LARGE);
    assert_int_equal(set.count, RESOURCE_SET_MAX);
}

static void there_are_so_many_copies(void **state)
{
    struct resource_set set = set_of(*state, "r", "disk(a)+volume.v+shared:5");
    struct resource one = set.items[0];
    for (int i = 1; i < RESOURCE_SET_MAX; i++)
        assert_int_equal(resource_set_add_one(&set, &one, NULL), 0);
    assert_int_equal(resource_set_add_one(&set, &one, NULL), ERR_TOO_LARGE);
    assert_int_equal(set.items[0].copies, RESOURCE_SET_MAX);
}

static void the_message_at_fault_is_named(void **state)
{
    message **messages;
    size_t count = messages_of(*state, "r", "cpus:1 mem:1 mem:2", &messages);
    messages[1]->scalar->value = -1;
    struct resource_set set = set_of(*state, "r", "cpus:5");
    struct error err;
    assert_int_equal(resource_set_add_messages(&set, messages, count, "task.resources", &err), ERR_INVALID);
    assert_string_equal(err.field, "task.resources[1]");
    expect_words(*state, &set, "cpus:5");
}

/* What a set was read from, and what was written of it, do not change with it. */
static void messages_are_left_alone(void **state)
{
    message **messages, **written;
    size_t count = messages_of(*state, "r", "cpus:4 ports:[1-9] bugs:{a,b}", &messages);
    struct resource_set set;
    resource_set_init(&set, *state);
    assert_int_equal(resource_set_add_messages(&set, messages, count, "x", NULL), 0);
    assert_int_equal(resource_set_write(&set, *state, &written), 3);
    struct resource_set part = set_of(*state, "r", "cpus:1 ports:[1-2] bugs:{a}");
    assert_int_equal(resource_set_subtract(&set, &part, NULL), 0);
    expect_words(*state, &set, "cpus:3 ports:[3-9] bugs:{b}");
    for (int i = 0; i < 2; i++) {
        struct resource_set again;
        resource_set_init(&again, *state);
        assert_int_equal(resource_set_add_messages(&again, i ? written : messages, count, "x", NULL), 0);
        expect_words(*state, &again, "cpus:4 ports:[1-9] bugs:{a,b}");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(what_is_of_a_kind_is_added_together),
            TEST(what_is_whole_stays_apart),
            TEST(shared_ones_are_counted),
            TEST(nothing_is_left_out),
            TEST(what_is_contained_can_be_subtracted),
            TEST(what_is_whole_goes_whole),
            TEST(what_is_in_several_entries),
            TEST(two_are_equal_in_any_order),
            TEST(amounts_by_name),
            TEST(a_sum_is_within_bounds),
            TEST(there_are_so_many_entries),
            TEST(there_are_so_many_copies),
            TEST(the_message_at_fault_is_named),
            TEST(messages_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
