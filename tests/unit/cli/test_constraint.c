/* Constraints as people write them, from a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "constraint.h"

enum { EQUALS = 1, IN, MATCHES, UNIQUE };

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
};

static const char *const bad[] = {"", " ", "rack", "=r1", "~r1", "rack=", "rack= ", "rack~", "rack in",
        "rack in ", "rack in a,", "rack in ,a", "rack in a,,b", "rack inside", "rack r1", "unique", "unique ",
        "unique a b", "unique a=b", "rack != a"};

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
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_good), cmocka_unit_test(test_bad)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
