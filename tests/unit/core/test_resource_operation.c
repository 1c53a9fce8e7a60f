/* Operations on an offer's resources. The cases of Mesos's own pages are in test_resource_documents.c. */
#include "resource_words.h"

#include <stdio.h>
#include <string.h>

#define OPERATION(name) MESOS__V1__OFFER__OPERATION__TYPE__##name

/* What is not for the type is ignored. */
static Mesos__V1__Offer__Operation *operation_of(
        struct arena *arena, Mesos__V1__Offer__Operation__Type type, const char *role, const char *words)
{
    struct all {
        Mesos__V1__Offer__Operation operation;
        Mesos__V1__Offer__Operation__Reserve reserve;
        Mesos__V1__Offer__Operation__Unreserve unreserve;
        Mesos__V1__Offer__Operation__Create create;
        Mesos__V1__Offer__Operation__Destroy destroy;
        Mesos__V1__Offer__Operation__GrowVolume grow;
    } *all = arena_alloc(arena, sizeof *all);
    message **messages;
    size_t count = messages_of(arena, role, words, &messages);
    mesos__v1__offer__operation__init(&all->operation);
    mesos__v1__offer__operation__reserve__init(&all->reserve);
    mesos__v1__offer__operation__unreserve__init(&all->unreserve);
    mesos__v1__offer__operation__create__init(&all->create);
    mesos__v1__offer__operation__destroy__init(&all->destroy);
    mesos__v1__offer__operation__grow_volume__init(&all->grow);
    all->operation.has_type = true;
    all->operation.type = type;
    all->operation.reserve = &all->reserve;
    all->operation.unreserve = &all->unreserve;
    all->operation.create = &all->create;
    all->operation.destroy = &all->destroy;
    all->operation.grow_volume = &all->grow;
    all->reserve.resources = all->unreserve.resources = all->create.volumes = all->destroy.volumes = messages;
    all->reserve.n_resources = all->unreserve.n_resources = all->create.n_volumes = all->destroy.n_volumes =
            count;
    if (count == 2) {
        all->grow.volume = messages[0];
        all->grow.addition = messages[1];
    }
    return &all->operation;
}

static void expect_applied(struct arena *arena, const char *offer,
        const Mesos__V1__Offer__Operation *operation, const char *after)
{
    struct resource_set set = offer_of(arena, "a/b", offer);
    struct error err = {0};
    if (resource_set_apply(&set, "a/b", operation, "op", &err))
        fail_msg("%s: %s", err.field, err.text);
    expect_words(arena, &set, after);
}

static void expect_not_applied(struct arena *arena, const char *offer,
        const Mesos__V1__Offer__Operation *operation, int code, const char *field)
{
    struct resource_set set = offer_of(arena, "a/b", offer), before = offer_of(arena, "a/b", offer);
    struct error err = {0};
    int rc = resource_set_apply(&set, "a/b", operation, "op", &err);
    if (rc != code)
        print_message("%s: %s\n", err.field, err.text);
    assert_int_equal(rc, code);
    assert_string_equal(err.field, field);
    assert_true(strlen(err.text) > 0);
    assert_string_equal(words_of(arena, &set), words_of(arena, &before));
}

#define OF(type, words) operation_of(*state, OPERATION(type), "a/b", words)

/* ---- reservations ---- */

static void reserving_pushes_a_layer(void **state)
{
    expect_applied(*state, "cpus:4 mem:100", OF(RESERVE, "cpus(a/b):1 mem(a/b=me~x):60"),
            "cpus:3 mem:40 cpus(a/b):1 mem(a/b=me~x):60");
    expect_applied(*state, "cpus(a!):4", OF(RESERVE, "cpus(a!,a/b):1"), "cpus(a!):3 cpus(a!,a/b):1");
    expect_applied(*state, "ports:[1-9] cpus(a/b):1 cpus:1", OF(RESERVE, "ports(a/b):[3-4] cpus(a/b):1"),
            "ports:[1-2,5-9] cpus(a/b):2 ports(a/b):[3-4]");
    expect_applied(*state, "disk+mount./m:9", OF(RESERVE, "disk(a/b)+mount./m:9"), "disk(a/b)+mount./m:9");
}

static void what_cannot_be_reserved(void **state)
{
    const char *first = "op.reserve.resources[0]";
    expect_not_applied(*state, "cpus:4", OF(RESERVE, "cpus(a/b):5"), ERR_NOT_FOUND, first);
    expect_not_applied(*state, "cpus:4", OF(RESERVE, "cpus:1"), ERR_INVALID, first);
    expect_not_applied(*state, "cpus:4", OF(RESERVE, "cpus(a/b!):1"), ERR_INVALID, first);
    expect_not_applied(
            *state, "cpus:4", OF(RESERVE, "cpus(a):1"), ERR_INVALID, first); /* is allocated to a/b */
    expect_not_applied(*state, "cpus(c):4", OF(RESERVE, "cpus(a,a/b):1"), ERR_NOT_FOUND, first);
    expect_not_applied(*state, "cpus+revocable:4", OF(RESERVE, "cpus(a/b)+revocable:1"), ERR_INVALID,
            "op.reserve.resources[0].revocable");
    expect_not_applied(*state, "disk+mount./m:9", OF(RESERVE, "disk(a/b)+mount./m:8"), ERR_NOT_FOUND, first);
    /* all or nothing */
    expect_not_applied(*state, "cpus:4", OF(RESERVE, "cpus(a/b):3 cpus(a/b):2"), ERR_NOT_FOUND,
            "op.reserve.resources[1]");
    expect_not_applied(*state, "cpus:4", OF(RESERVE, ""), ERR_INVALID, "op.reserve.resources");
    Mesos__V1__Offer__Operation *empty = OF(RESERVE, "");
    empty->reserve = NULL;
    expect_not_applied(*state, "cpus:4", empty, ERR_INVALID, "op.reserve.resources");
}

static void unreserving_pops_a_layer(void **state)
{
    expect_applied(*state, "cpus(a/b):4 cpus:1", OF(UNRESERVE, "cpus(a/b):1"), "cpus(a/b):3 cpus:2");
    expect_applied(*state, "cpus(a,a/b):4", OF(UNRESERVE, "cpus(a,a/b):4"), "cpus(a):4");
    expect_applied(
            *state, "cpus(a/b~x):1 cpus(a/b~y):1", OF(UNRESERVE, "cpus(a/b~y):1"), "cpus(a/b~x):1 cpus:1");
    const char *first = "op.unreserve.resources[0]";
    expect_not_applied(*state, "cpus(a/b):4", OF(UNRESERVE, "cpus(a/b):4.001"), ERR_NOT_FOUND, first);
    expect_not_applied(*state, "cpus(a/b!):4", OF(UNRESERVE, "cpus(a/b!):4"), ERR_INVALID, first);
    expect_not_applied(*state, "cpus:4", OF(UNRESERVE, "cpus:4"), ERR_INVALID, first);
    expect_not_applied(
            *state, "disk(a/b)+volume.v:4", OF(UNRESERVE, "disk(a/b)+volume.v:4"), ERR_INVALID, first);
}

/* Another reservation in place of the one there is. */
static void reserving_from_a_source(void **state)
{
    struct arena *arena = *state;
    static const struct {
        const char *offer, *source, *target, *after;
    } cases[] = {{"cpus(a/b~x):4", "cpus(a/b~x):1", "cpus(a/b~y):1", "cpus(a/b~x):3 cpus(a/b~y):1"},
            {"cpus(a,a/b):4 mem(a,a/b):4", "cpus(a,a/b):4 mem(a,a/b):1", "mem(a/b):1 cpus(a/b):4",
                    "mem(a,a/b):3 mem(a/b):1 cpus(a/b):4"},
            {"cpus(a/b):4", "cpus(a/b):1", "cpus(a/b~y):2", NULL}, {"cpus(a/b):4", "cpus(a/b):1", "", NULL},
            {"cpus(a/b):4 cpus:1", "cpus(a/b):1 cpus:1", "cpus(a/b~y):2", NULL},
            {"cpus(a/b):4", "cpus(a/b):1", "cpus(a/b!):1", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Mesos__V1__Offer__Operation *operation = OF(RESERVE, cases[i].target);
        operation->reserve->n_source =
                messages_of(arena, "a/b", cases[i].source, &operation->reserve->source);
        if (cases[i].after)
            expect_applied(arena, cases[i].offer, operation, cases[i].after);
        else
            assert_int_equal(
                    resource_set_apply(&(struct resource_set){.arena = arena}, "a/b", operation, "op", NULL),
                    ERR_INVALID);
    }
    Mesos__V1__Offer__Operation *absent = OF(RESERVE, "cpus(a/b~y):1");
    absent->reserve->n_source = messages_of(arena, "a/b", "cpus(a/b~x):1", &absent->reserve->source);
    expect_not_applied(arena, "cpus(a/b):4", absent, ERR_NOT_FOUND, "op.reserve.resources");
}

/* ---- volumes ---- */

static void creating_and_destroying(void **state)
{
    expect_applied(*state, "disk(a/b):9 cpus:1", OF(CREATE, "disk(a/b)+volume.v:4 disk(a/b)+volume.w:5"),
            "cpus:1 disk(a/b)+volume.v:4 disk(a/b)+volume.w:5");
    expect_applied(*state, "disk(a!)+path./p:9", OF(CREATE, "disk(a!)+volume.v+path./p:4"),
            "disk(a!)+path./p:5 disk(a!)+volume.v+path./p:4");
    expect_applied(*state, "disk(a)+mount./m:9", OF(CREATE, "disk(a)+volume.v+mount./m:9"),
            "disk(a)+volume.v+mount./m:9");
    expect_applied(*state, "disk(a):9", OF(CREATE, "disk(a)+volume.v+shared:9"), "disk(a)+volume.v+shared:9");
    expect_applied(*state, "disk(a)+volume.v:4 disk(a):1", OF(DESTROY, "disk(a)+volume.v:4"), "disk(a):5");
    expect_applied(*state, "disk(a)+volume.v+mount./m:9", OF(DESTROY, "disk(a)+volume.v+mount./m:9"),
            "disk(a)+mount./m:9");
    expect_applied(
            *state, "disk(a)+volume.v+shared:9", OF(DESTROY, "disk(a)+volume.v+shared:9"), "disk(a):9");
}

static void what_cannot_be_created(void **state)
{
    const char *first = "op.create.volumes[0]";
    expect_not_applied(*state, "disk(a):9", OF(CREATE, "disk(a)+volume.v:10"), ERR_NOT_FOUND, first);
    expect_not_applied(*state, "disk(a):9", OF(CREATE, "disk(a/b)+volume.v:1"), ERR_NOT_FOUND, first);
    expect_not_applied(*state, "disk(a):9", OF(CREATE, "disk(a):1"), ERR_INVALID, first);
    expect_not_applied(
            *state, "disk(a)+mount./m:9", OF(CREATE, "disk(a)+volume.v+mount./m:8"), ERR_NOT_FOUND, first);
    expect_not_applied(*state, "disk:9", OF(CREATE, "disk+volume.v:1"), ERR_INVALID,
            "op.create.volumes[0].disk.persistence");
    expect_not_applied(
            *state, "disk(a):9 disk(a)+volume.v:1", OF(CREATE, "disk(a)+volume.v:1"), ERR_INVALID, first);
    expect_not_applied(*state, "disk(a):9", OF(CREATE, "disk(a)+volume.v:1 disk(a)+volume.v:1"), ERR_INVALID,
            "op.create.volumes[1]");
    expect_applied(*state, "disk(a/b):9 disk(a)+volume.v:1", OF(CREATE, "disk(a/b)+volume.v:9"),
            "disk(a)+volume.v:1 disk(a/b)+volume.v:9"); /* another role's */
    Mesos__V1__Offer__Operation *read_only = OF(CREATE, "disk(a)+volume.v:1");
    read_only->create->volumes[0]->disk->volume->mode = MESOS__V1__VOLUME__MODE__RO;
    expect_not_applied(*state, "disk(a):9", read_only, ERR_INVALID, first);
}

static void what_cannot_be_destroyed(void **state)
{
    const char *first = "op.destroy.volumes[0]";
    expect_not_applied(*state, "disk(a)+volume.v:4", OF(DESTROY, "disk(a)+volume.v:3"), ERR_NOT_FOUND, first);
    expect_not_applied(*state, "disk(a)+volume.v:4", OF(DESTROY, "disk(a)+volume.w:4"), ERR_NOT_FOUND, first);
    expect_not_applied(*state, "disk(a):4", OF(DESTROY, "disk(a):4"), ERR_INVALID, first);
    expect_not_applied(*state, "disk(a)+volume.v+shared:4 disk(a)+volume.v+shared:4",
            OF(DESTROY, "disk(a)+volume.v+shared:4"), ERR_INVALID, first);
}

static void growing(void **state)
{
    expect_applied(*state, "disk(a):5 disk(a)+volume.v:4", OF(GROW_VOLUME, "disk(a)+volume.v:4 disk(a):2"),
            "disk(a):3 disk(a)+volume.v:6");
    expect_applied(*state, "disk(a)+path./p:5 disk(a)+volume.v+path./p:4",
            OF(GROW_VOLUME, "disk(a)+volume.v+path./p:4 disk(a)+path./p:5"), "disk(a)+volume.v+path./p:9");
    static const struct {
        const char *offer, *words, *field;
        int code;
    } wrong[] = {{"disk(a):5 disk(a)+volume.v:4", "disk(a)+volume.v:4 disk(a):6", "op.grow_volume.addition",
                         ERR_NOT_FOUND},
            {"disk(a):5 disk(a)+volume.v:4", "disk(a)+volume.v:3 disk(a):1", "op.grow_volume.addition",
                    ERR_NOT_FOUND},
            {"disk(a):5 disk(a)+volume.v:4", "disk(a)+volume.v:4 disk(a):0", "op.grow_volume.addition",
                    ERR_INVALID},
            {"disk:5 disk(a)+volume.v:4", "disk(a)+volume.v:4 disk:1", "op.grow_volume.addition",
                    ERR_INVALID},
            {"disk(a)+volume.v:4 disk(a)+path./p:9", "disk(a)+volume.v:4 disk(a)+path./p:1",
                    "op.grow_volume.addition", ERR_INVALID},
            {"disk(a):5 disk(a)+volume.v+shared:4", "disk(a)+volume.v+shared:4 disk(a):1",
                    "op.grow_volume.volume", ERR_INVALID},
            {"disk(a):5 disk(a)+volume.v+by.P:4", "disk(a)+volume.v+by.P:4 disk(a)+by.P:1",
                    "op.grow_volume.volume", ERR_INVALID},
            {"disk(a)+volume.v+mount./m:4 disk(a)+mount./m:4",
                    "disk(a)+volume.v+mount./m:4 disk(a)+mount./m:4", "op.grow_volume.volume", ERR_INVALID},
            {"disk(a):1000000000000 disk(a)+volume.v:4", "disk(a)+volume.v:4 disk(a):1000000000000",
                    "op.grow_volume.addition", ERR_INVALID},
            {"disk(a):5", "disk(a):4 disk(a):1", "op.grow_volume.volume", ERR_INVALID},
            {"disk(a):5", "", "op.grow_volume.volume", ERR_INVALID}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        expect_not_applied(
                *state, wrong[i].offer, OF(GROW_VOLUME, wrong[i].words), wrong[i].code, wrong[i].field);
}

static Mesos__V1__Offer__Operation *shrink(struct arena *arena, const char *word, double less)
{
    struct all {
        Mesos__V1__Offer__Operation operation;
        Mesos__V1__Offer__Operation__ShrinkVolume shrink;
        Mesos__V1__Value__Scalar less;
    } *all = arena_alloc(arena, sizeof *all);
    mesos__v1__offer__operation__init(&all->operation);
    mesos__v1__offer__operation__shrink_volume__init(&all->shrink);
    mesos__v1__value__scalar__init(&all->less);
    all->operation.has_type = true;
    all->operation.type = OPERATION(SHRINK_VOLUME);
    all->operation.shrink_volume = &all->shrink;
    all->shrink.volume = message_of(arena, "a/b", word);
    all->shrink.subtract = &all->less;
    all->less.value = less;
    return &all->operation;
}

static void shrinking(void **state)
{
    expect_applied(*state, "disk(a)+volume.v:4", shrink(*state, "disk(a)+volume.v:4", 1.5),
            "disk(a)+volume.v:2.5 disk(a):1.5");
    expect_applied(*state, "disk(a)+path./p:1 disk(a)+volume.v+path./p:4",
            shrink(*state, "disk(a)+volume.v+path./p:4", 3), "disk(a)+path./p:4 disk(a)+volume.v+path./p:1");
    const char *volume = "op.shrink_volume.volume", *less = "op.shrink_volume.subtract";
    expect_not_applied(
            *state, "disk(a)+volume.v:4", shrink(*state, "disk(a)+volume.v:4", 4), ERR_INVALID, less);
    expect_not_applied(
            *state, "disk(a)+volume.v:4", shrink(*state, "disk(a)+volume.v:4", 0), ERR_INVALID, less);
    expect_not_applied(
            *state, "disk(a)+volume.v:4", shrink(*state, "disk(a)+volume.v:4", -1), ERR_INVALID, less);
    expect_not_applied(
            *state, "disk(a)+volume.v:4", shrink(*state, "disk(a)+volume.v:4", 0.0001), ERR_INVALID, less);
    expect_not_applied(
            *state, "disk(a)+volume.v:4", shrink(*state, "disk(a)+volume.v:5", 1), ERR_NOT_FOUND, volume);
    expect_not_applied(*state, "disk(a)+volume.v+mount./m:4",
            shrink(*state, "disk(a)+volume.v+mount./m:4", 1), ERR_INVALID, volume);
    expect_not_applied(*state, "disk(a)+volume.v+shared:4", shrink(*state, "disk(a)+volume.v+shared:4", 1),
            ERR_INVALID, volume);
    Mesos__V1__Offer__Operation *none = shrink(*state, "disk(a)+volume.v:4", 1);
    none->shrink_volume->subtract = NULL;
    expect_not_applied(*state, "disk(a)+volume.v:4", none, ERR_INVALID, less);
    none->shrink_volume = NULL;
    expect_not_applied(*state, "disk(a)+volume.v:4", none, ERR_INVALID, volume);
}

/* ---- all of them ---- */

static void the_allocation_is_filled_in(void **state)
{
    expect_applied(*state, "cpus:4", operation_of(*state, OPERATION(RESERVE), NULL, "cpus(a/b):1"),
            "cpus:3 cpus(a/b):1");
    expect_not_applied(*state, "cpus(a/b):4", operation_of(*state, OPERATION(UNRESERVE), "a", "cpus(a/b):1"),
            ERR_NOT_FOUND, "op.unreserve.resources[0]");
    struct resource_set set = offer_of(*state, "a/b", "cpus:1");
    assert_int_equal(resource_set_apply(&set, "a/b",
                             operation_of(*state, OPERATION(RESERVE), NULL, "cpus(a/b):1"), "op", NULL),
            0);
    assert_string_equal(set.items[0].kind->allocation_info->role, "a/b");
}

static void other_operations_are_not_applied(void **state)
{
    expect_not_applied(*state, "cpus:4", OF(LAUNCH, ""), ERR_INVALID, "op.type");
    expect_not_applied(*state, "cpus:4", OF(LAUNCH_GROUP, ""), ERR_INVALID, "op.type");
    expect_not_applied(*state, "cpus:4", OF(UNKNOWN, ""), ERR_INVALID, "op.type");
}

/* Amounts by name stay; undone, all is as before. */
static void there_and_back(void **state)
{
    struct resource_set set = offer_of(*state, "a/b", "cpus:4 disk(a!):9 ports:[1-9]"),
                        before = offer_of(*state, "a/b", "cpus:4 disk(a!):9 ports:[1-9]");
    Mesos__V1__Offer__Operation *steps[] = {OF(RESERVE, "cpus(a/b):2 ports(a/b):[4-5] disk(a!,a/b):6"),
            OF(CREATE, "disk(a!,a/b)+volume.v:6"), shrink(*state, "disk(a!,a/b)+volume.v:6", 2),
            OF(GROW_VOLUME, "disk(a!,a/b)+volume.v:4 disk(a!,a/b):1"), OF(DESTROY, "disk(a!,a/b)+volume.v:5"),
            OF(UNRESERVE, "ports(a/b):[4-5] disk(a!,a/b):6 cpus(a/b):2")};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct error err;
        if (resource_set_apply(&set, "a/b", steps[i], "op", &err))
            fail_msg("step %zu: %s %s", i, err.field, err.text);
        assert_int_equal(resource_set_scalar(&set, "cpus"), 4000);
        assert_int_equal(resource_set_scalar(&set, "disk"), 9000);
        assert_int_equal(resource_set_values(&set, "ports"), 9);
        assert_int_equal(resource_set_equal(&set, &before), i == 5);
    }
}

static void layers_by_themselves(void **state)
{
    message *from = message_of(*state, "a", "cpus(a):1");
    Mesos__V1__Resource__ReservationInfo layer = MESOS__V1__RESOURCE__RESERVATION_INFO__INIT;
    layer.role = arena_string(*state, "a/b");
    message *pushed = resource_push_reservation(*state, from, &layer);
    assert_int_equal(pushed->n_reservations, 2);
    assert_ptr_equal(pushed->reservations[1], &layer);
    assert_int_equal(from->n_reservations, 1);
    message *popped = resource_pop_reservation(*state, resource_pop_reservation(*state, pushed));
    assert_int_equal(popped->n_reservations, 0);
    assert_int_equal(resource_pop_reservation(*state, popped)->n_reservations, 0);
    message *volume = message_of(*state, "a", "disk(a)+volume.v+mount./m+shared:1"),
            *stripped = resource_strip_volume(*state, volume);
    assert_null(stripped->disk->persistence);
    assert_null(stripped->disk->volume);
    assert_non_null(stripped->disk->source);
    assert_null(stripped->shared);
    assert_non_null(volume->disk->persistence);
    assert_null(resource_strip_volume(*state, message_of(*state, "a", "disk(a)+volume.v:1"))->disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(reserving_pushes_a_layer),
            TEST(what_cannot_be_reserved),
            TEST(unreserving_pops_a_layer),
            TEST(reserving_from_a_source),
            TEST(creating_and_destroying),
            TEST(what_cannot_be_created),
            TEST(what_cannot_be_destroyed),
            TEST(growing),
            TEST(shrinking),
            TEST(the_allocation_is_filled_in),
            TEST(other_operations_are_not_applied),
            TEST(there_and_back),
            TEST(layers_by_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
