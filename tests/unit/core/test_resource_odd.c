/* Resources that nobody would send: whatever can be decoded is refused, or handled like any other. The seed
 * is printed; ZMESOS_TEST_SEED=N plays it again. Sanitizers look on. */
#include "resource_words.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "wire/check.h"

#define CASES 4000

/* ---- any message ---- */

static double odd_double(uint64_t *state)
{
    const double odd[] = {0, -0.0, 1, 0.0004, 0.0005, -1, (double)NAN, (double)INFINITY, -(double)INFINITY,
            1e12, 1e300, -1e300, 9223372036854775807.0, 5e-324, 1.5, 3};
    return odd[draw(state, sizeof odd / sizeof *odd)];
}

static uint64_t odd_number(uint64_t *state)
{
    static const uint64_t odd[] = {0, 1, 2, 3, 100, UINT64_MAX, UINT64_MAX - 1, 1ULL << 63, (1ULL << 63) - 1};
    return odd[draw(state, sizeof odd / sizeof *odd)];
}

static char *odd_text(struct arena *arena, uint64_t *state)
{
    static const char *const odd[] = {"", "cpus", "disk", "disk", "ports", "gpus", "a", "a/b", "a/b/c", "*",
            ".", "..", "/", "a//b", "-", "a b", "\x01", "\xff\xfe", "v"};
    return arena_string(arena, odd[draw(state, sizeof odd / sizeof *odd)]);
}

static void fill(struct arena *arena, uint64_t *state, ProtobufCMessage *to, int depth);

static void fill_element(
        struct arena *arena, uint64_t *state, const ProtobufCFieldDescriptor *field, void *place, int depth)
{
    const ProtobufCMessageDescriptor *type = field->descriptor;
    switch (field->type) {
    case PROTOBUF_C_TYPE_DOUBLE:
        *(double *)place = odd_double(state);
        break;
    case PROTOBUF_C_TYPE_UINT64:
        *(uint64_t *)place = odd_number(state);
        break;
    case PROTOBUF_C_TYPE_ENUM:
        *(int *)place = draw(state, 20) == 0 ? -1 : (int)draw(state, 6);
        break;
    case PROTOBUF_C_TYPE_STRING:
        *(char **)place = odd_text(arena, state);
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        *(ProtobufCMessage **)place = arena_alloc(arena, type->sizeof_message);
        type->message_init(*(void **)place);
        fill(arena, state, *(ProtobufCMessage **)place, depth + 1);
        break;
    default: /* of numbers, zero */
        break;
    }
}

/* Optional fields now and then, required ones always. */
static void fill(struct arena *arena, uint64_t *state, ProtobufCMessage *to, int depth)
{
    char *base = (char *)to;
    for (unsigned i = 0; i < to->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &to->descriptor->fields[i];
        bool is_text = field->type == PROTOBUF_C_TYPE_STRING,
             is_message = field->type == PROTOBUF_C_TYPE_MESSAGE;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            size_t count = depth < 5 ? draw(state, 4) : 0;
            void **list = arena_array(arena, count, sizeof *list);
            for (size_t j = 0; j < count && (is_text || is_message); j++)
                fill_element(arena, state, field, &list[j], depth);
            *(size_t *)(base + field->quantifier_offset) = is_text || is_message ? count : 0;
            *(void **)(base + field->offset) = list;
            continue;
        }
        bool required = field->label == PROTOBUF_C_LABEL_REQUIRED;
        if (!required && (depth >= 5 || draw(state, 3) != 0))
            continue;
        fill_element(arena, state, field, base + field->offset, depth);
        if (!required && !is_text && !is_message && !(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
            *(protobuf_c_boolean *)(base + field->quantifier_offset) = true;
    }
}

static message *odd_resource(struct arena *arena, uint64_t *state)
{
    message *odd = arena_alloc(arena, sizeof *odd);
    mesos__v1__resource__init(odd);
    fill(arena, state, &odd->base, 0);
    if (draw(state, 2)) { /* or it would be refused at once nearly always */
        odd->type = (Mesos__V1__Value__Type)draw(state, 3);
        odd->scalar = odd->type == RESOURCE_SCALAR ? message_of(arena, NULL, "x:5")->scalar : NULL;
        odd->ranges = odd->type == RESOURCE_RANGES ? message_of(arena, NULL, "x:[3-5]")->ranges : NULL;
        odd->set = odd->type == RESOURCE_ITEMS ? message_of(arena, NULL, "x:{a,b}")->set : NULL;
        if (odd->scalar && draw(state, 2))
            odd->scalar->value = odd_double(state);
        if (odd->ranges && draw(state, 2))
            odd->ranges->range[0]->end = odd_number(state);
    }
    return odd;
}

/* ---- everything is tried with it ---- */

static void try_operations(
        struct arena *arena, uint64_t *state, message *odd, const struct resource_set *with)
{
    Mesos__V1__Offer__Operation operation = MESOS__V1__OFFER__OPERATION__INIT;
    Mesos__V1__Offer__Operation__Reserve reserve = MESOS__V1__OFFER__OPERATION__RESERVE__INIT;
    Mesos__V1__Offer__Operation__Unreserve unreserve = MESOS__V1__OFFER__OPERATION__UNRESERVE__INIT;
    Mesos__V1__Offer__Operation__Create create = MESOS__V1__OFFER__OPERATION__CREATE__INIT;
    Mesos__V1__Offer__Operation__Destroy destroy = MESOS__V1__OFFER__OPERATION__DESTROY__INIT;
    Mesos__V1__Offer__Operation__GrowVolume grow = MESOS__V1__OFFER__OPERATION__GROW_VOLUME__INIT;
    Mesos__V1__Offer__Operation__ShrinkVolume shrink = MESOS__V1__OFFER__OPERATION__SHRINK_VOLUME__INIT;
    Mesos__V1__Value__Scalar less = MESOS__V1__VALUE__SCALAR__INIT;
    message *one[] = {odd}, *source[] = {odd_resource(arena, state)};
    less.value = odd_double(state);
    operation.reserve = &reserve;
    operation.unreserve = &unreserve;
    operation.create = &create;
    operation.destroy = &destroy;
    operation.grow_volume = &grow;
    operation.shrink_volume = &shrink;
    reserve.resources = unreserve.resources = create.volumes = destroy.volumes = one;
    reserve.n_resources = unreserve.n_resources = create.n_volumes = destroy.n_volumes = 1;
    reserve.source = source;
    reserve.n_source = draw(state, 2);
    grow.volume = odd;
    grow.addition = draw(state, 2) ? odd_resource(arena, state) : resource_strip_volume(arena, odd);
    shrink.volume = odd;
    shrink.subtract = &less;
    for (int type = -1; type < 20; type++) {
        struct resource_set set;
        struct error err;
        resource_set_init(&set, arena);
        resource_set_copy(&set, with);
        operation.type = (Mesos__V1__Offer__Operation__Type)type;
        if (resource_set_apply(&set, "a/b", &operation, "operation", &err))
            assert_true(resource_set_equal(&set, with));
    }
}

static void try_finding(struct arena *arena, const struct resource *odd, const struct resource_set *with)
{
    const Mesos__V1__Resource__DiskInfo *disk = odd->kind->disk;
    struct resource_want want = {.name = odd->kind->name,
            .type = odd->value.type,
            .amount = 2,
            .revocable = RESOURCE_REVOCABLE_FIRST};
    struct resource_disk_want disk_want = {.size = 1,
            .persistence_id = disk && disk->persistence ? disk->persistence->id : NULL,
            .source = disk && disk->source ? disk->source->type : 0};
    struct resource_request request = {.wants = &want, .want_count = 1},
                            disks = {.disks = &disk_want, .disk_count = 1};
    for (int i = 0; i < 2; i++) {
        struct resource_set offered, taken;
        resource_set_init(&offered, arena);
        resource_set_copy(&offered, with);
        resource_set_init(&taken, arena);
        if (!resource_find(&offered, "a/b", i ? &disks : &request, &taken, NULL)) {
            assert_true(resource_set_equal(&offered, with));
            continue;
        }
        assert_true(resource_set_contains(with, &taken));
        for (size_t j = 0; j < taken.count; j++) { /* what is shared stayed */
            if (!taken.items[j].kind->shared)
                assert_int_equal(resource_set_add_one(&offered, &taken.items[j], NULL), 0);
        }
        assert_true(resource_set_equal(&offered, with));
    }
}

/* Whether it was taken. */
static bool try_all(struct arena *arena, uint64_t *state, message *odd)
{
    struct error err = {0};
    struct resource one;
    int rc = resource_check(odd, "r", &err);
    assert_true(rc == 0 || (rc < 0 && strlen(err.text) > 0 && strncmp(err.field, "r.", 2) == 0));
    if (resource_read(arena, odd, &one, &err)) {
        assert_int_not_equal(rc, 0);
        return false;
    }
    struct resource_set set = set_of(arena, "a/b", "cpus:3 disk(a/b):5 ports:[1-9]"), before = set, sum;
    resource_set_init(&sum, arena);
    resource_set_copy(&sum, &set);
    assert_int_equal(resource_set_append(&sum, &one, NULL), 0);
    resource_set_init(&before, arena);
    resource_set_copy(&before, &sum);
    try_finding(arena, &one, &before);
    try_operations(arena, state, odd, &before);
    struct resource_set alone, read = packed_and_read(arena, &before);
    assert_true(resource_set_equal(&read, &before));
    resource_set_init(&alone, arena);
    assert_int_equal(resource_set_append(&alone, &one, NULL), 0);
    assert_true(resource_set_contains(&sum, &alone));
    assert_int_equal(resource_set_subtract(&sum, &alone, NULL), 0);
    assert_true(resource_set_contains(&set, &sum));
    return rc == 0;
}

static void messages_of_any_content(void **state)
{
    uint64_t seed = seed_draw("messages_of_any_content");
    unsigned taken = 0;
    for (int i = 0; i < CASES; i++, arena_reset(*state))
        taken += try_all(*state, &seed, odd_resource(*state, &seed));
    print_message("%u of %d taken\n", taken, CASES);
    assert_in_range(taken, CASES / 200, CASES / 2);
}

/* ---- any bytes ---- */

static size_t spoil(uint64_t *state, uint8_t *bytes, size_t size, size_t room)
{
    for (uint64_t i = 0, n = 1 + draw(state, 2); i < n && size > 1; i++) {
        size_t at = draw(state, size);
        switch (draw(state, 10)) {
        default:
            bytes[at] = (uint8_t)draw(state, 256);
            break;
        case 0:
            memmove(bytes + at, bytes + at + 1, size - at - 1);
            size--;
            break;
        case 1:
            if (size < room) {
                memmove(bytes + at + 1, bytes + at, size - at);
                bytes[at] = (uint8_t)draw(state, 256);
                size++;
            }
        }
    }
    return size;
}

static void bytes_that_were_spoilt(void **state)
{
    static const char *const words[] = {"cpus(a,a/b=me~x):1.5", "ports(a!):[1-5,9-18446744073709551615]",
            "bugs+revocable:{a,b}", "disk(a/b)+volume.v+path./p+shared:5", "disk+mount./m+by.P:7",
            "disk+pool+profile.p:9"};
    struct arena *arena = *state;
    uint64_t seed = seed_draw("bytes_that_were_spoilt");
    unsigned decoded = 0, taken = 0;
    for (int i = 0; i < CASES; i++, arena_reset(arena)) {
        message *good = message_of(arena, "a/b", words[draw(&seed, sizeof words / sizeof *words)]);
        size_t size = protobuf_c_message_get_packed_size(&good->base);
        uint8_t *bytes = arena_alloc(arena, size + 8);
        protobuf_c_message_pack(&good->base, bytes);
        size = spoil(&seed, bytes, size, size + 8);
        ProtobufCMessage *odd; /* decoded as zmesosd decodes events: protobuf-c alone takes what it cannot
                                * read again, as the field number 0 in two bytes */
        if (check_unpack(
                    &mesos__v1__resource__descriptor, slice_of(bytes, size), &check_limits_event, &odd, NULL))
            continue;
        decoded++;
        taken += try_all(arena, &seed, (message *)odd);
        protobuf_c_message_free_unpacked(odd, NULL);
    }
    print_message("%u decoded, %u taken\n", decoded, taken);
    assert_in_range(decoded, CASES / 50, CASES);
    assert_in_range(taken, CASES / 200, CASES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(messages_of_any_content),
            TEST(bytes_that_were_spoilt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
