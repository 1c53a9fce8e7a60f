/* Parsing, and the arithmetic that offers and tasks rest on. */
#include "resource_fixture.h"

#include <stdlib.h>

#include "base/alloc.h"

static void test_text_comes_back(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
            {"cpus:4", "cpus:4"},
            {" cpus : 0.25 ; mem:10.5;; ", "cpus:0.25; mem:10.5"},
            {"cpus:4;ports:[31000-32000,1-2]", "ports:[1-2, 31000-32000]; cpus:4"},
            {"disks:{b,a,b}", "disks:{a, b}"},
            {"cpus:1;cpus:2", "cpus:3"},
            {"cpus:0;mem:1", "mem:1"},
            {"cpus(web):2;cpus(*):1", "cpus(reservations: [(STATIC,web)]):2; cpus:1"},
            {"", ""},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct resources resources = read_text(pairs[i][0]);
        expect_text(&resources, NULL, pairs[i][1]);
        resources_clear(&resources);
    }
}

static void test_text_that_is_none(void **state)
{
    (void)state;
    static const char *const texts[] = {"cpus", "cpus:", ":4", "cpus:x", "cpus:-1", "cpus:1e3", "cpus:0.0001",
            "ports:[1-2", "ports:[2-1]", "ports:[1]", "ports:[a-b]", "ports:[]", "disks:{a,}", "disks:{}",
            "cpus(:1", "cpus():1", "cpus(a)b:1", "cpus:1;mem"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct resources resources;
        struct error err = {0};
        resources_init(&resources);
        if (resources_parse(&kinds, texts[i], &resources, &err) != ERR_INVALID)
            fail_msg("'%s' is taken", texts[i]);
        assert_true(err.text[0] != '\0');
        resources_clear(&resources);
    }
}

static void test_text_at_its_limit(void **state)
{
    (void)state;
    struct error err;
    struct resources resources;
    resources_init(&resources);
    char *text = alloc_bytes(65538);
    memset(text, ' ', 65536);
    memcpy(text, "cpus:1;", 7);
    text[65536] = '\0';
    assert_int_equal(resources_parse(&kinds, text, &resources, &err), 0);
    text[65536] = ' ';
    text[65537] = '\0';
    assert_int_equal(resources_parse(&kinds, text, &resources, &err), ERR_TOO_LARGE);
    free(text);
    resources_clear(&resources);
}

static void test_a_task_out_of_an_offer(void **state)
{
    (void)state;
    struct resources offer = read_text("cpus:4;mem:1024;ports:[31000-31009];disks:{a,b}");
    struct resources task = read_text("cpus:0.5;mem:24;ports:[31002-31003];disks:{a}");
    assert_true(resources_contains(&offer, &task));
    resources_subtract(&offer, &task);
    expect_text(&offer, NULL, "ports:[31000-31001, 31004-31009]; disks:{b}; cpus:3.5; mem:1000");
    assert_false(resources_contains(&offer, &task)); /* its ports are taken */
    resources_add(&offer, &task);
    expect_text(&offer, NULL, "ports:[31000-31009]; disks:{a, b}; cpus:4; mem:1024");
    resources_clear(&offer);
    resources_clear(&task);
}

static void test_contains_is_of_each(void **state)
{
    (void)state;
    struct resources all = read_text("cpus:1;mem:10;cpus(web):1;ports:[1-5];disks:{a}");
    static const struct {
        const char *text;
        bool inside;
    } parts[] = {
            {"cpus:1", true},
            {"cpus:1.001", false},
            {"cpus:2", false}, /* the reserved one does not count */
            {"cpus(web):1", true},
            {"cpus(db):0.1", false},
            {"gpus:1", false},
            {"ports:[1-5]", true},
            {"ports:[5-6]", false},
            {"disks:{a}", true},
            {"disks:{a,b}", false},
            {"", true},
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        struct resources part = read_text(parts[i].text);
        if (resources_contains(&all, &part) != parts[i].inside)
            fail_msg("'%s'", parts[i].text);
        resources_clear(&part);
    }
    resources_clear(&all);
}

static void test_nothing_left_is_empty(void **state)
{
    (void)state;
    struct resources all = read_text("cpus:1;ports:[1-5];disks:{a}");
    assert_false(resources_is_empty(&all));
    struct resources copy;
    resources_init(&copy);
    resources_copy(&copy, &all);
    resources_subtract(&all, &copy);
    assert_true(resources_is_empty(&all));
    expect_text(&copy, "*", "ports(allocated: *):[1-5]; disks(allocated: *):{a}; cpus(allocated: *):1");
    resources_clear(&all);
    resources_clear(&copy);
}

static void test_what_a_role_may_have(void **state)
{
    (void)state;
    struct resources all = read_text("cpus:1;cpus(web):2;cpus(web/db):4;cpus(webcam):8");
    struct resources part;
    resources_init(&part);
    resources_for_role(&part, &all, "web", false);
    assert_int_equal(resources_scalar(&part, "cpus"), 3000);
    resources_for_role(&part, &all, "web/db", false); /* also what is reserved above it */
    assert_int_equal(resources_scalar(&part, "cpus"), 7000);
    resources_for_role(&part, &all, "*", false);
    assert_int_equal(resources_scalar(&part, "cpus"), 1000);
    resources_clear(&part);
    resources_clear(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_text_comes_back),
            cmocka_unit_test(test_text_that_is_none),
            cmocka_unit_test(test_text_at_its_limit),
            cmocka_unit_test(test_a_task_out_of_an_offer),
            cmocka_unit_test(test_contains_is_of_each),
            cmocka_unit_test(test_nothing_left_is_empty),
            cmocka_unit_test(test_what_a_role_may_have),
    };
    return cmocka_run_group_tests(tests, setup_kinds, teardown_kinds);
}
