/* Attributes from their text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "attributes.h"

static void test_types(void **state)
{
    (void)state;
    Attribute **list;
    size_t count;
    struct error err;
    assert_int_equal(attributes_parse("rack:r1; size:3.5;ids:[1-2,7-7];url:a:b", &list, &count, &err), 0);
    assert_int_equal(count, 4);
    assert_string_equal(list[0]->name, "rack");
    assert_int_equal(list[0]->type, VALUE(TEXT));
    assert_string_equal(list[0]->text->value, "r1");
    assert_int_equal(list[1]->type, VALUE(SCALAR));
    assert_true(list[1]->scalar->value == 3.5);
    assert_int_equal(list[2]->type, VALUE(RANGES));
    assert_int_equal(list[2]->ranges->n_range, 2);
    assert_int_equal(list[2]->ranges->range[1]->begin, 7);
    assert_string_equal(list[3]->text->value, "a:b");
    attributes_free(list, count);
}

static void test_none(void **state)
{
    (void)state;
    Attribute **list;
    size_t count;
    struct error err;
    assert_int_equal(attributes_parse("", &list, &count, &err), 0);
    assert_int_equal(count, 0);
    attributes_free(list, count);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
            "rack", "rack:", ":r1", "a:b;c", "ids:[1]", "ids:[2-1]", "ids:[x-y]", "ids:[]"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        Attribute **list = NULL;
        size_t count = 7;
        struct error err = {0};
        if (attributes_parse(texts[i], &list, &count, &err) != ERR_INVALID)
            fail_msg("'%s' is taken", texts[i]);
        assert_null(list); /* untouched */
        assert_int_equal(count, 7);
        assert_true(err.text[0] != '\0');
    }
}

static void test_domain(void **state)
{
    (void)state;
    Mesos__V1__DomainInfo *domain;
    struct error err;
    assert_int_equal(domain_parse("eu west/a", &domain, &err), 0);
    assert_string_equal(domain->fault_domain->region->name, "eu west");
    assert_string_equal(domain->fault_domain->zone->name, "a");
    mesos__v1__domain_info__free_unpacked(domain, NULL);
    assert_int_equal(domain_parse("", &domain, &err), 0);
    assert_null(domain);
    static const char *const wrong[] = {"eu", "eu/", "/a", "/", "eu/a/b"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (domain_parse(wrong[i], &domain, &err) != ERR_INVALID)
            fail_msg("'%s' is taken", wrong[i]);
        assert_non_null(strstr(err.text, wrong[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_types),
            cmocka_unit_test(test_none),
            cmocka_unit_test(test_refused),
            cmocka_unit_test(test_domain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
