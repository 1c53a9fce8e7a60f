/* Constraints as people write them, from a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "constraint.h"

enum {
    EQUALS = 1,
    IN,
    MATCHES,
    UNIQUE,
    NOT_EQUALS,
    NOT_IN,
    NOT_MATCHES,
    GREATER,
    LESS,
    EXISTS,
    NOT_EXISTS,
    MAX_PER,
    SPREAD,
    TOGETHER,
    NEAR,
    FAR
};

static const struct {
    const char *text;
    int operator;
    const char *attribute;
    const char *values[4];
} good[] = {
        {"rack=r1", EQUALS, "rack", {"r1"}},
        {"  rack =  r1 ", EQUALS, "rack", {"r1"}},
        {"rack=a=b", EQUALS, "rack", {"a=b"}},
        {"rack=a,b", EQUALS, "rack", {"a,b"}},
        {"rack=a b", EQUALS, "rack", {"a b"}},
        {"rack=~a", EQUALS, "rack", {"~a"}},
        {"rack in r1", IN, "rack", {"r1"}},
        {"rack in r1,r2,r3", IN, "rack", {"r1", "r2", "r3"}},
        {"rack\tin\tr1 , r 2", IN, "rack", {"r1", "r 2"}},
        {"rack~r[0-9]+", MATCHES, "rack", {"r[0-9]+"}},
        {"rack ~ ^a|b$", MATCHES, "rack", {"^a|b$"}},
        {"unique rack", UNIQUE, "rack", {NULL}},
        {" unique  rack ", UNIQUE, "rack", {NULL}},
        {"unique=yes", EQUALS, "unique", {"yes"}},
        {"unique in a,b", IN, "unique", {"a", "b"}},
        {"in in in", IN, "in", {"in"}},
        {"unique in", UNIQUE, "in", {NULL}},
        {"hostname=agent-1.example", EQUALS, "hostname", {"agent-1.example"}},
        {"rack!=r1", NOT_EQUALS, "rack", {"r1"}},
        {"rack != a", NOT_EQUALS, "rack", {"a"}},
        {"rack not in r1, r2", NOT_IN, "rack", {"r1", "r2"}},
        {"rack!~r[0-9]", NOT_MATCHES, "rack", {"r[0-9]"}},
        {"level>3", GREATER, "level", {"3"}},
        {"level < 0.5", LESS, "level", {"0.5"}},
        {"has rack", EXISTS, "rack", {NULL}},
        {"no rack", NOT_EXISTS, "rack", {NULL}},
        {"max 2 per rack", MAX_PER, "rack", {"2"}},
        {"spread rack", SPREAD, "rack", {NULL}},
        {"spread rack over r1,r2", SPREAD, "rack", {"r1", "r2"}},
        {"together zone", TOGETHER, "zone", {NULL}},
        {"rack near a,b", NEAR, "rack", {"a", "b"}},
        {"agent_id far a", FAR, "agent_id", {"a"}},
        {"has=1", EQUALS, "has", {"1"}},
        {"prefer=1", EQUALS, "prefer", {"1"}},
        {"prefer in a", IN, "prefer", {"a"}},
};

static const char *const bad[] = {"", " ", "rack", "=r1", "~r1", "rack=", "rack= ", "rack~", "rack in",
        "rack in ", "rack in a,", "rack in ,a", "rack in a,,b", "rack inside", "rack r1", "unique", "unique ",
        "unique a b", "unique a=b", "rack!=", "rack not", "rack not in", "max rack", "max 2 rack",
        "max per rack", "max 2 per", "spread", "spread a over", "spread a b", "together", "has", "no",
        "rack near", "rack far ,", "prefer", "prefer rack", "prefer prefer rack=1"};

static void test_good(void **state)
{
    struct arena arena;
    struct error err;
    size_t i, j;

    (void)state;
    arena_init(&arena);
    for (i = 0; i < sizeof good / sizeof *good; i++) {
        Zmesos__V1__Constraint *constraint = NULL;

        if (constraint_parse(&arena, good[i].text, &constraint, &err) < 0)
            fail_msg("%s", err.text);
        assert_true(constraint->has_operator_);
        assert_int_equal(constraint->operator_, good[i].operator);
        assert_string_equal(constraint->attribute, good[i].attribute);
        for (j = 0; j < constraint->n_values; j++) {
            assert_non_null(good[i].values[j]);
            assert_string_equal(constraint->values[j], good[i].values[j]);
        }
        assert_null(good[i].values[j]);
    }
    arena_clear(&arena);
}

static void test_preferred(void **state)
{
    struct arena arena;
    struct error err;
    Zmesos__V1__Constraint *constraint = NULL;

    (void)state;
    arena_init(&arena);
    assert_int_equal(constraint_parse(&arena, " prefer rack != r1", &constraint, &err), 0);
    assert_true(constraint->preferred);
    assert_int_equal(constraint->operator_, NOT_EQUALS);
    assert_int_equal(constraint_parse(&arena, "rack=r1", &constraint, &err), 0);
    assert_false(constraint->preferred);
    arena_clear(&arena);
}

static void test_bad(void **state)
{
    struct arena arena;
    struct error err;
    size_t i;

    (void)state;
    arena_init(&arena);
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        Zmesos__V1__Constraint *constraint = NULL;

        if (constraint_parse(&arena, bad[i], &constraint, &err) != ERR_INVALID)
            fail_msg("'%s' was taken", bad[i]);
        assert_null(constraint);
        assert_non_null(strstr(err.text, bad[i]));
    }
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_good), cmocka_unit_test(test_preferred), cmocka_unit_test(test_bad)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
