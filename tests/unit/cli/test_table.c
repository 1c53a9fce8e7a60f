/* Aligned columns, compared with what they should look like. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "table.h"

static const char *const headers[] = {"TASK", "N", "MESSAGE"};

static void expect_print(struct table *table, const char *text)
{
    char *got = NULL;
    size_t size;
    FILE *out = open_memstream(&got, &size);

    assert_non_null(out);
    table_print(table, out);
    fclose(out);
    assert_string_equal(got, text);
    free(got);
}

static void add(struct table *table, const char *a, const char *b, const char *c)
{
    const char *cells[] = {a, b, c};

    table_row(table, cells);
}

static void test_columns_are_aligned(void **state)
{
    struct table table;

    (void)state;
    table_init(&table, headers, 3);
    add(&table, "a", "1", "first");
    add(&table, "a-longer-one", "12345", "");
    add(&table, "\xc3\xa9t\xc3\xa9", NULL, NULL);
    expect_print(&table, "TASK          N      MESSAGE\n"
                         "a             1      first\n"
                         "a-longer-one  12345  \n"
                         "\xc3\xa9t\xc3\xa9           -      \n");
    table_clear(&table);
}

static void test_nothing_is_printed_without_rows(void **state)
{
    struct table table;

    (void)state;
    table_init(&table, headers, 3);
    expect_print(&table, "");
    table_clear(&table);
}

/* The header comes once, and columns do not become narrower. */
static void test_pieces(void **state)
{
    struct table table;

    (void)state;
    table_init(&table, headers, 3);
    add(&table, "longest", "1", "x");
    expect_print(&table, "TASK     N  MESSAGE\nlongest  1  x\n");
    add(&table, "a", "2", "y");
    expect_print(&table, "a        2  y\n");
    expect_print(&table, "");
    table_clear(&table);
}

static void test_cells_stay_on_their_line(void **state)
{
    struct table table;

    (void)state;
    table_init(&table, headers, 3);
    add(&table, "a\nb", "1", "c\rd");
    expect_print(&table, "TASK    N  MESSAGE\na\\x0ab  1  c\\x0dd\n");
    table_clear(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_columns_are_aligned),
            cmocka_unit_test(test_nothing_is_printed_without_rows),
            cmocka_unit_test(test_pieces),
            cmocka_unit_test(test_cells_stay_on_their_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
