/* What two resources must have in common to be added together, and what is whole. */
#include "resource_words.h"

#include <stdio.h>
#include <string.h>

static bool same(struct arena *arena, const char *a, const char *b)
{
    struct resource x = one_of(arena, "r", a), y = one_of(arena, "r", b);
    assert_int_equal(resource_same(&x, &y), resource_same(&y, &x));
    return resource_same(&x, &y);
}

static void the_amount_is_no_part_of_it(void **state)
{
    static const char *const kinds[] = {"cpus", "cpus(a)", "cpus(a,a/b=me~x)", "cpus(a!)", "cpus+revocable",
            "disk(a)+path./p", "disk+pool+profile.p+by.P"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        assert_true(
                same(*state, arena_format(*state, "%s:1", kinds[i]), arena_format(*state, "%s:2", kinds[i])));
    assert_true(same(*state, "ports:[1-2]", "ports:[7-9]"));
    assert_true(same(*state, "bugs(a):{x}", "bugs(a):{y}"));
}

static void all_else_is(void **state)
{
    static const char *const apart[][2] = {{"cpus:1", "mem:1"}, {"cpus:1", "cpus:[1-1]"},
            {"x:{1}", "x:[1-1]"}, {"cpus:1", "cpus(a):1"}, {"cpus(a):1", "cpus(b):1"},
            {"cpus(a):1", "cpus(a!):1"}, {"cpus(a/b):1", "cpus(a,a/b):1"}, {"cpus(a,a/b):1", "cpus(a,a/c):1"},
            {"cpus(a):1", "cpus(a=me):1"}, {"cpus(a=me):1", "cpus(a=you):1"}, {"cpus(a):1", "cpus(a~x):1"},
            {"cpus(a~x):1", "cpus(a~y):1"}, {"cpus:1", "cpus+revocable:1"}, {"cpus:1", "cpus+by.P:1"},
            {"cpus+by.P:1", "cpus+by.Q:1"}, {"disk:1", "disk+path./p:1"},
            {"disk+path./p:1", "disk+path./q:1"}, {"disk+path./p:1", "disk+mount./p:1"},
            {"disk+pool:1", "disk+pool+profile.p:1"}, {"disk+pool+profile.p:1", "disk+pool+profile.q:1"},
            {"disk+raw.x:1", "disk+pool:1"}, {"disk+raw.x:1", "disk+raw.y:1"},
            {"disk+raw.x:1", "disk+block.x:1"}, {"disk(a):1", "disk(a)+volume.v:1"},
            {"disk(a)+volume.v:1", "disk(a)+volume.w:1"}, {"disk(a)+volume.v:1", "disk(a)+volume.v+shared:1"},
            {"disk(a)+volume.v:1", "disk(a)+volume.v+path./p:1"}};
    for (size_t i = 0; i < sizeof apart / sizeof *apart; i++) {
        if (same(*state, apart[i][0], apart[i][1]))
            fail_msg("%s is %s", apart[i][0], apart[i][1]);
    }
}

static void what_is_whole_is_the_same_with_its_amount_alone(void **state)
{
    static const char *const whole[] = {"disk+mount./m", "disk+block.b", "disk+raw.x", "disk(a)+volume.v",
            "disk(a)+volume.v+path./p", "disk(a)+volume.v+shared"};
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        char *one = arena_format(*state, "%s:1", whole[i]), *two = arena_format(*state, "%s:2", whole[i]);
        assert_true(same(*state, one, one));
        assert_false(same(*state, one, two));
        assert_true(one_of(*state, NULL, one).whole);
        assert_false(one_of(*state, NULL, one).plain);
    }
    static const char *const divisible[] = {
            "cpus:1", "disk:1", "disk+path./p:1", "disk+pool:1", "ports:[1-2]"};
    for (size_t i = 0; i < sizeof divisible / sizeof *divisible; i++)
        assert_false(one_of(*state, NULL, divisible[i]).whole);
}

static void a_source_of_no_known_type_is_whole(void **state)
{
    message *from = message_of(*state, NULL, "disk+path./p:1");
    from->disk->source->type = (Mesos__V1__Resource__DiskInfo__Source__Type)9;
    struct resource one;
    assert_int_equal(resource_read(*state, from, &one, NULL), 0);
    assert_true(one.whole);
}

static void the_role_it_is_allocated_to(void **state)
{
    struct resource a = one_of(*state, "a", "cpus:1"), b = one_of(*state, "b", "cpus:1"),
                    none = one_of(*state, NULL, "cpus:1"), again = one_of(*state, "a", "cpus:1");
    assert_true(resource_same(&a, &again));
    assert_false(resource_same(&a, &b));
    assert_false(resource_same(&a, &none));
    assert_false(resource_same(&none, &a));
}

static bool same_labels(struct arena *arena, const char *a, const char *b)
{
    message *x = message_of(arena, NULL, "cpus(r):1"), *y = message_of(arena, NULL, "cpus(r):1");
    struct resource one, other;
    x->reservations[0]->labels = a ? labels_of(arena, a) : NULL;
    y->reservations[0]->labels = b ? labels_of(arena, b) : NULL;
    assert_int_equal(resource_read(arena, x, &one, NULL), 0);
    assert_int_equal(resource_read(arena, y, &other, NULL), 0);
    assert_int_equal(resource_same(&one, &other), resource_same(&other, &one));
    return resource_same(&one, &other);
}

static void labels_are_in_any_order(void **state)
{
    assert_true(same_labels(*state, "a=1 b=2 c=3", "c=3 a=1 b=2"));
    assert_true(same_labels(*state, "a=1 a=1 b=2", "a=1 b=2 a=1"));
    assert_true(same_labels(*state, "a", "a="));
    assert_false(same_labels(*state, "a=1 a=1 b=2", "a=1 b=2 b=2"));
    assert_false(same_labels(*state, "a=1", "a=2"));
    assert_false(same_labels(*state, "a=1", "a=1 b=2"));
    assert_false(same_labels(*state, NULL, "a=1"));
    assert_false(same_labels(*state, NULL, ""));
}

/* How a volume is used, and who made it, does not make it another. */
static void the_use_of_a_volume_is_no_part_of_it(void **state)
{
    message *x = message_of(*state, "r", "disk(r)+volume.v:5"),
            *y = message_of(*state, "r", "disk(r)+volume.v:5");
    y->disk->volume->container_path = arena_string(*state, "elsewhere");
    y->disk->volume->mode = MESOS__V1__VOLUME__MODE__RO;
    y->disk->persistence->principal = arena_string(*state, "me");
    struct resource one, other;
    assert_int_equal(resource_read(*state, x, &one, NULL), 0);
    assert_int_equal(resource_read(*state, y, &other, NULL), 0);
    assert_true(resource_same(&one, &other));
}

static void the_metadata_and_vendor_of_a_source(void **state)
{
    struct resource one, other;
    for (int i = 0; i < 3; i++) {
        message *x = message_of(*state, NULL, "disk+pool:1"), *y = message_of(*state, NULL, "disk+pool:1");
        y->disk->source->vendor = i == 1 ? arena_string(*state, "v") : NULL;
        y->disk->source->metadata = i == 2 ? labels_of(*state, "k=v") : NULL;
        assert_int_equal(resource_read(*state, x, &one, NULL), 0);
        assert_int_equal(resource_read(*state, y, &other, NULL), 0);
        assert_int_equal(resource_same(&one, &other), i == 0);
    }
}

/* ---- the two forms ---- */

/* What comes from a master that does not know of stacks: the same bytes but for `role` and `reservation`. */
static message *old_form(struct arena *arena, const char *role, bool dynamic)
{
    message *plain = message_of(arena, NULL, "cpus:4");
    size_t size = protobuf_c_message_get_packed_size(&plain->base);
    uint8_t *bytes = arena_alloc(arena, size + 100);
    size = protobuf_c_message_pack(&plain->base, bytes);
    bytes[size++] = 6 << 3 | 2;
    bytes[size++] = (uint8_t)strlen(role);
    memcpy(bytes + size, role, strlen(role));
    size += strlen(role);
    if (dynamic) {
        static const uint8_t reservation[] = {8 << 3 | 2, 4, 1 << 3 | 2, 2, 'm', 'e'};
        memcpy(bytes + size, reservation, sizeof reservation);
        size += sizeof reservation;
    }
    message *unpacked = mesos__v1__resource__unpack(NULL, size, bytes);
    assert_non_null(unpacked);
    message *copy = message_copy(arena, unpacked);
    mesos__v1__resource__free_unpacked(unpacked, NULL);
    return copy;
}

static void both_forms_of_reservation_are_read(void **state)
{
    static const struct {
        const char *role;
        bool dynamic;
        const char *words;
    } forms[] = {{"*", false, "cpus:4"}, {"a", false, "cpus(a!):4"}, {"a/b", true, "cpus(a/b=me):4"}};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct resource one, expected = one_of(*state, NULL, forms[i].words);
        message *old = old_form(*state, forms[i].role, forms[i].dynamic);
        assert_int_equal(resource_check(old, "x", NULL), 0);
        assert_int_equal(resource_read(*state, old, &one, NULL), 0);
        assert_true(resource_same(&one, &expected));
        message *written = resource_write(*state, &one), *wanted = message_of(*state, NULL, forms[i].words);
        size_t size = protobuf_c_message_get_packed_size(&wanted->base);
        assert_int_equal(protobuf_c_message_get_packed_size(&written->base), size);
        uint8_t *a = arena_alloc(*state, size), *b = arena_alloc(*state, size);
        protobuf_c_message_pack(&written->base, a);
        protobuf_c_message_pack(&wanted->base, b);
        assert_memory_equal(a, b, size);
    }
    struct error err;
    assert_int_equal(resource_check(old_form(*state, "*", true), "x", &err), ERR_INVALID);
    assert_string_equal(err.field, "x.role");
    struct resource one;
    assert_int_equal(resource_read(*state, old_form(*state, "*", true), &one, NULL), ERR_INVALID);
}

/* ---- unknown fields ---- */

static message *with_unknown(struct arena *arena, const char *word, const char *bytes, size_t length)
{
    message *known = message_of(arena, "r", word);
    size_t size = protobuf_c_message_get_packed_size(&known->base);
    uint8_t *all = arena_alloc(arena, size + length);
    protobuf_c_message_pack(&known->base, all);
    memcpy(all + size, bytes, length);
    message *unpacked = mesos__v1__resource__unpack(NULL, size + length, all);
    assert_non_null(unpacked);
    message *copy = message_copy(arena, unpacked);
    mesos__v1__resource__free_unpacked(unpacked, NULL);
    return copy;
}

static void unknown_fields_stay_and_tell_apart(void **state)
{
    message *a = with_unknown(*state, "cpus:4", "\xa0\x06\x07", 3), /* field 100 */
            *b = with_unknown(*state, "cpus:1", "\xa0\x06\x07", 3),
            *c = with_unknown(*state, "cpus:1", "\xa0\x06\x08", 3);
    struct resource x, y, z, none = one_of(*state, "r", "cpus:1");
    assert_int_equal(resource_read(*state, a, &x, NULL), 0);
    assert_int_equal(resource_read(*state, b, &y, NULL), 0);
    assert_int_equal(resource_read(*state, c, &z, NULL), 0);
    assert_true(resource_same(&x, &y));
    assert_false(resource_same(&x, &z));
    assert_false(resource_same(&x, &none));
    x.value.scalar = 1500;
    message *written = resource_write(*state, &x);
    assert_int_equal(written->base.n_unknown_fields, 1);
    assert_int_equal(written->base.unknown_fields[0].tag, 100);
    assert_float_equal(written->scalar->value, 1.5, 0);
    assert_float_equal(a->scalar->value, 4, 0); /* what it was read from is as it was */
}

static void unknown_fields_within(void **state)
{
    for (int i = 0; i < 2; i++) {
        message *a = message_of(*state, "r", "cpus(r):4"), *b = message_of(*state, "r", "cpus(r):4");
        static uint8_t data[] = {7};
        ProtobufCMessageUnknownField unknown = {
                .tag = 100, .wire_type = PROTOBUF_C_WIRE_TYPE_VARINT, .len = 1, .data = data};
        ProtobufCMessage *within = i == 0 ? &a->reservations[0]->base : &a->allocation_info->base;
        within->n_unknown_fields = 1;
        within->unknown_fields = &unknown;
        struct resource x, y;
        assert_int_equal(resource_read(*state, a, &x, NULL), 0);
        assert_int_equal(resource_read(*state, b, &y, NULL), 0);
        assert_false(resource_same(&x, &y));
    }
}

/* ---- limits ---- */

static void there_are_so_many_reservations_and_labels(void **state)
{
    struct resource one;
    message *from = message_of(*state, NULL, "disk(a)+pool:1");
    Mesos__V1__Resource__ReservationInfo *layer = from->reservations[0];
    from->reservations = arena_array(*state, RESOURCE_LAYERS_MAX + 1, sizeof *from->reservations);
    for (size_t i = 0; i <= RESOURCE_LAYERS_MAX; i++)
        from->reservations[i] = layer;
    from->n_reservations = RESOURCE_LAYERS_MAX;
    assert_int_equal(resource_read(*state, from, &one, NULL), 0);
    from->n_reservations++;
    assert_int_equal(resource_read(*state, from, &one, NULL), ERR_TOO_LARGE);
    from->n_reservations = 1;

    Mesos__V1__Labels *labels = labels_of(*state, "a=1");
    Mesos__V1__Label *label = labels->labels[0];
    labels->labels = arena_array(*state, RESOURCE_LABELS_MAX + 1, sizeof *labels->labels);
    for (size_t i = 0; i <= RESOURCE_LABELS_MAX; i++)
        labels->labels[i] = label;
    for (int i = 0; i < 2; i++) {
        layer->labels = i == 0 ? labels : NULL;
        from->disk->source->metadata = i == 1 ? labels : NULL;
        labels->n_labels = RESOURCE_LABELS_MAX;
        assert_int_equal(resource_read(*state, from, &one, NULL), 0);
        labels->n_labels++;
        assert_int_equal(resource_read(*state, from, &one, NULL), ERR_TOO_LARGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(the_amount_is_no_part_of_it),
            TEST(all_else_is),
            TEST(what_is_whole_is_the_same_with_its_amount_alone),
            TEST(a_source_of_no_known_type_is_whole),
            TEST(the_role_it_is_allocated_to),
            TEST(labels_are_in_any_order),
            TEST(the_use_of_a_volume_is_no_part_of_it),
            TEST(the_metadata_and_vendor_of_a_source),
            TEST(both_forms_of_reservation_are_read),
            TEST(unknown_fields_stay_and_tell_apart),
            TEST(unknown_fields_within),
            TEST(there_are_so_many_reservations_and_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
