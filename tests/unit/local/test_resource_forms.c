/* The two forms of reservations on the wire, and what is refused in messages. */
#include "resource_fixture.h"

#include <math.h>

typedef Mesos__V1__Value__Scalar Scalar;

static char web[] = "web";
static char web_db[] = "web/db";
static char ann[] = "ann";
static char cpus[] = "cpus";

static Resource scalar_of(Scalar *scalar, double value)
{
    Resource resource;
    mesos__v1__resource__init(&resource);
    mesos__v1__value__scalar__init(scalar);
    scalar->value = value;
    resource.name = cpus;
    resource.type = VALUE(SCALAR);
    resource.scalar = scalar;
    return resource;
}

static void expect_refused(const Resource *resource, const char *word)
{
    struct error err = {0};
    assert_int_equal(resource_check(resource, &err), ERR_INVALID);
    if (strstr(err.text, word) == NULL)
        fail_msg("'%s' without '%s'", err.text, word);
}

static void test_bad_amounts(void **state)
{
    (void)state;
    Scalar scalar;
    static const double bad[] = {-0.001, -1, (double)NAN, (double)INFINITY, -(double)INFINITY, 1e300};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        Resource resource = scalar_of(&scalar, bad[i]);
        expect_refused(&resource, "Invalid scalar resource");
    }
    Resource resource = scalar_of(&scalar, 1);
    assert_int_equal(resource_check(&resource, NULL), 0);
    resource.type = VALUE(RANGES);
    expect_refused(&resource, "Invalid ranges resource");
    resource.type = VALUE(SET);
    expect_refused(&resource, "Invalid set resource");
    resource.type = VALUE(TEXT);
    expect_refused(&resource, "type");
    resource = scalar_of(&scalar, 1);
    resource.name = (char[]){""};
    expect_refused(&resource, "name");
}

static void test_ranges_at_their_limit(void **state)
{
    (void)state;
    static Mesos__V1__Value__Range one = MESOS__V1__VALUE__RANGE__INIT;
    static Mesos__V1__Value__Range *list[RESOURCE_RANGES_MAX + 1];
    Mesos__V1__Value__Ranges ranges = MESOS__V1__VALUE__RANGES__INIT;
    Resource resource;
    mesos__v1__resource__init(&resource);
    for (size_t i = 0; i < RESOURCE_RANGES_MAX + 1; i++)
        list[i] = &one;
    resource.name = cpus;
    resource.type = VALUE(RANGES);
    resource.ranges = &ranges;
    ranges.range = list;
    ranges.n_range = RESOURCE_RANGES_MAX;
    assert_int_equal(resource_check(&resource, NULL), 0);
    ranges.n_range++;
    expect_refused(&resource, "more than");
    ranges.n_range = 1;
    one.begin = 2;
    one.end = 1;
    expect_refused(&resource, "begin > end");
    one.begin = 0;
}

static void test_one_form_at_a_time(void **state)
{
    (void)state;
    Scalar scalar;
    Resource resource = scalar_of(&scalar, 1);
    ReservationInfo layer = MESOS__V1__RESOURCE__RESERVATION_INFO__INIT;
    ReservationInfo *stack[] = {&layer};
    resource.reservation = &layer;
    expect_refused(&resource, "role \"*\"");
    types_set_resource_role(&resource, web);
    assert_int_equal(resource_check(&resource, NULL), 0);
    resource.reservations = stack;
    resource.n_reservations = 1;
    expect_refused(&resource, "must not be set");
    types_set_resource_role(&resource, NULL);
    resource.reservation = NULL;
    expect_refused(&resource, "'type' and 'role'");
}

/* Both forms of one reservation are one kind. */
static void test_forms_are_the_same_inside(void **state)
{
    (void)state;
    Scalar scalar;
    struct resources stacked;
    struct resources flat;
    resources_init(&stacked);
    resources_init(&flat);
    ReservationInfo layer = MESOS__V1__RESOURCE__RESERVATION_INFO__INIT;
    ReservationInfo *stack[] = {&layer};
    Resource resource = scalar_of(&scalar, 2);
    layer.has_type = true;
    layer.type = MESOS__V1__RESOURCE__RESERVATION_INFO__TYPE__DYNAMIC;
    layer.role = web;
    layer.principal = ann;
    resource.reservations = stack;
    resource.n_reservations = 1;
    resources_read(&kinds, &resource, true, &stacked);

    ReservationInfo old = MESOS__V1__RESOURCE__RESERVATION_INFO__INIT;
    old.principal = ann;
    Resource flat_form = scalar_of(&scalar, 2);
    types_set_resource_role(&flat_form, web);
    flat_form.reservation = &old;
    resources_read(&kinds, &flat_form, false, &flat);
    assert_ptr_equal(stacked.items[0].kind, flat.items[0].kind);
    assert_string_equal(flat.items[0].kind->role, "web");

    flat_form.reservation = NULL; /* a static one is another kind, which nobody has */
    resources_read(&kinds, &flat_form, false, &flat);
    assert_int_equal(flat.count, 2);
    assert_null(flat.items[1].kind);
    assert_false(resources_contains(&stacked, &flat));
    resources_clear(&stacked);
    resources_clear(&flat);
}

static void test_written_in_both_forms(void **state)
{
    (void)state;
    struct arena arena;
    Resource **messages;
    struct resources all = read_text("cpus:1;cpus(web):2;ports:[1-2]");
    arena_init(&arena);
    assert_int_equal(resources_write(&all, web, false, &arena, &messages), 3);
    assert_string_equal(messages[0]->name, "ports");
    assert_int_equal(messages[0]->ranges->range[0]->end, 2);
    assert_string_equal(types_resource_role(messages[1]), "*");
    assert_string_equal(types_resource_role(messages[2]), "web");
    assert_null(messages[2]->reservation);
    assert_int_equal(messages[2]->n_reservations, 0);
    assert_string_equal(messages[2]->allocation_info->role, "web");

    assert_int_equal(resources_write(&all, NULL, true, &arena, &messages), 3);
    assert_int_equal(messages[2]->n_reservations, 1);
    assert_string_equal(messages[2]->reservations[0]->role, "web");
    assert_null(messages[2]->allocation_info);
    assert_true(messages[2]->scalar->value == 2.0);
    arena_clear(&arena);
    resources_clear(&all);
}

static void test_refined_ones_are_for_those_who_know(void **state)
{
    (void)state;
    Scalar scalar;
    struct resources all;
    struct resources part;
    resources_init(&all);
    resources_init(&part);
    ReservationInfo layers[2] = {
            MESOS__V1__RESOURCE__RESERVATION_INFO__INIT, MESOS__V1__RESOURCE__RESERVATION_INFO__INIT};
    ReservationInfo *stack[] = {&layers[0], &layers[1]};
    Resource resource = scalar_of(&scalar, 2);
    for (size_t i = 0; i < 2; i++) {
        layers[i].has_type = true;
        layers[i].type = MESOS__V1__RESOURCE__RESERVATION_INFO__TYPE__DYNAMIC;
        layers[i].role = i == 0 ? web : web_db;
    }
    resource.reservations = stack;
    resource.n_reservations = 2;
    resources_read(&kinds, &resource, true, &all);
    resources_for_role(&part, &all, "web/db", false);
    assert_true(resources_is_empty(&part));
    resources_for_role(&part, &all, "web/db", true);
    assert_int_equal(resources_scalar(&part, "cpus"), 2000);
    resources_for_role(&part, &all, "web", true); /* reserved below it */
    assert_true(resources_is_empty(&part));
    resources_clear(&all);
    resources_clear(&part);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_bad_amounts),
            cmocka_unit_test(test_ranges_at_their_limit),
            cmocka_unit_test(test_one_form_at_a_time),
            cmocka_unit_test(test_forms_are_the_same_inside),
            cmocka_unit_test(test_written_in_both_forms),
            cmocka_unit_test(test_refined_ones_are_for_those_who_know),
    };
    return cmocka_run_group_tests(tests, setup_kinds, teardown_kinds);
}
