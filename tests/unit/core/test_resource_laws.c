/* What holds for any resources, in thousands of drawn cases. The seed is printed; ZMESOS_TEST_SEED=N plays it
 * again. */
#include "resource_words.h"

#include <stdio.h>
#include <string.h>

#define CASES 3000

static const char *const kinds[] = {"cpus", "cpus(a)", "cpus(a!,a/b)", "cpus(a/b)", "cpus(a=me)", "cpus(a~x)",
        "cpus+revocable", "mem", "mem(a/b)", "gpus", "disk", "disk(a)", "disk(a)+path./p",
        "disk+pool+profile.p+by.P", "ports", "ports(a)", "bugs", "bugs(a/b/c)", "x"};
static const char *const whole[] = {"disk+mount./m:100", "disk(a)+mount./m:100", "disk+mount./n:50",
        "disk(a)+volume.v:10", "disk(a)+volume.v:20", "disk(a/b)+volume.w+path./p:10",
        "disk(a)+volume.s+shared:5", "disk+raw.x:7", "disk+block.y+by.P:9"};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static char *some_ranges(struct arena *arena, uint64_t *state)
{
    static const uint64_t bases[] = {0, 1000, UINT64_MAX - 60};
    char *text = arena_string(arena, "");
    for (uint64_t i = 0, n = draw(state, 5); i < n; i++) {
        uint64_t begin = bases[draw(state, 3)] + draw(state, 50), end = begin + draw(state, 11);
        text = arena_format(arena, "%s%s%llu-%llu", text, *text ? "," : "", (unsigned long long)begin,
                (unsigned long long)end);
    }
    return arena_format(arena, "[%s]", text);
}

static char *some_items(struct arena *arena, uint64_t *state)
{
    char *text = arena_string(arena, "");
    for (uint64_t i = 0, n = draw(state, 6); i < n; i++)
        text = arena_format(arena, "%s%s%c", text, *text ? "," : "", (char)('a' + draw(state, 8)));
    return arena_format(arena, "{%s}", text);
}

static const char *some_resource(struct arena *arena, uint64_t *state)
{
    if (draw(state, 4) == 0)
        return whole[draw(state, COUNT(whole))];
    const char *kind = kinds[draw(state, COUNT(kinds))];
    const char *value = strncmp(kind, "ports", 5) == 0 ? some_ranges(arena, state)
                        : *kind == 'b'
                                ? some_items(arena, state)
                                : arena_format(arena, "%llu.%03llu", (unsigned long long)draw(state, 9),
                                          (unsigned long long)draw(state, 1000));
    return arena_format(arena, "%s:%s", kind, value);
}

static const char *some_words(struct arena *arena, uint64_t *state, uint64_t most)
{
    char *words = arena_string(arena, "");
    for (uint64_t i = 0, n = draw(state, most + 1); i < n; i++)
        words = arena_format(arena, "%s %s", words, some_resource(arena, state));
    return words;
}

static struct resource_set plus(struct resource_set a, const struct resource_set *b)
{
    struct resource_set sum;
    resource_set_init(&sum, a.arena);
    resource_set_copy(&sum, &a);
    assert_int_equal(resource_set_add(&sum, b, NULL), 0);
    return sum;
}

#define HOLDS(what, ...)                                                                                     \
    do {                                                                                                     \
        if (!(what)) {                                                                                       \
            print_message(__VA_ARGS__);                                                                      \
            fail_msg("%s", #what);                                                                           \
        }                                                                                                    \
    } while (0)

static void adding(void **state)
{
    struct arena *arena = *state;
    uint64_t seed = seed_draw("adding");
    for (int i = 0; i < CASES; i++, arena_reset(arena)) {
        const char *x = some_words(arena, &seed, 6), *y = some_words(arena, &seed, 6),
                   *z = some_words(arena, &seed, 6);
        struct resource_set a = set_of(arena, "r", x), b = set_of(arena, "r", y), c = set_of(arena, "r", z);
        struct resource_set ab = plus(a, &b), ba = plus(b, &a), bc = plus(b, &c);
        struct resource_set left = plus(ab, &c), right = plus(a, &bc);
        HOLDS(resource_set_equal(&ab, &ba), "a%s\nb%s\n", x, y);
        HOLDS(resource_set_equal(&left, &right), "a%s\nb%s\nc%s\n", x, y, z);
        HOLDS(resource_set_contains(&ab, &a) && resource_set_contains(&ab, &b), "a%s\nb%s\n", x, y);
        HOLDS(resource_set_contains(&a, &ab) == resource_set_equal(&a, &ab), "a%s\nb%s\n", x, y);
        HOLDS(resource_set_scalar(&ab, "cpus") ==
                        resource_set_scalar(&a, "cpus") + resource_set_scalar(&b, "cpus"),
                "a%s\nb%s\n", x, y);
    }
}

/* A part: of most entries some of the amount. */
static struct resource_set some_part(struct arena *arena, uint64_t *state, const struct resource_set *all)
{
    struct resource_set copy, part;
    resource_set_init(&copy, arena);
    resource_set_copy(&copy, all);
    resource_set_init(&part, arena);
    for (size_t i = 0; i < copy.count; i++) {
        struct resource one = copy.items[i];
        uint64_t amount = resource_value_amount(&one.value);
        if (draw(state, 3) == 0)
            continue;
        if (one.kind->shared)
            one.copies = 1 + (uint32_t)draw(state, one.copies);
        else if (!one.whole)
            one.value = resource_value_take(arena, &copy.items[i].value, draw(state, amount + 1));
        assert_int_equal(resource_set_add_one(&part, &one, NULL), 0);
    }
    return part;
}

static void subtracting(void **state)
{
    struct arena *arena = *state;
    uint64_t seed = seed_draw("subtracting");
    for (int i = 0; i < CASES; i++, arena_reset(arena)) {
        const char *x = some_words(arena, &seed, 10);
        /* In one entry a kind, or as they come. */
        struct resource_set a = set_of(arena, "r", x), part = some_part(arena, &seed, &a);
        struct resource_set rest =
                draw(&seed, 2) ? plus(a, &(struct resource_set){0}) : offer_of(arena, "r", x);
        HOLDS(resource_set_contains(&rest, &part), "a%s\npart %s\n", x, words_of(arena, &part));
        HOLDS(resource_set_subtract(&rest, &part, NULL) == 0, "a%s\npart %s\n", x, words_of(arena, &part));
        bool nothing = resource_set_is_empty(&part);
        HOLDS(resource_set_contains(&rest, &a) == nothing, "a%s\npart %s\n", x, words_of(arena, &part));
        struct resource_set again = plus(rest, &part);
        HOLDS(resource_set_equal(&again, &a), "a%s\npart %s\nagain %s\n", x, words_of(arena, &part),
                words_of(arena, &again));
        HOLDS(resource_set_subtract(&part, &rest, NULL) == 0 || !resource_set_contains(&part, &rest), "a%s\n",
                x);
    }
}

/* Subtracting works when and only when it is contained, and changes nothing otherwise. */
static void containing(void **state)
{
    struct arena *arena = *state;
    uint64_t seed = seed_draw("containing");
    int contained = 0;
    for (int i = 0; i < CASES; i++, arena_reset(arena)) {
        const char *x = some_words(arena, &seed, 8), *y = some_words(arena, &seed, 2);
        struct resource_set a = offer_of(arena, "r", x), b = offer_of(arena, "r", y), before;
        resource_set_init(&before, arena);
        resource_set_copy(&before, &a);
        bool contains = resource_set_contains(&a, &b);
        contained += contains && !resource_set_is_empty(&b);
        HOLDS((resource_set_subtract(&a, &b, NULL) == 0) == contains, "a%s\nb%s\n", x, y);
        if (!contains) {
            HOLDS(resource_set_equal(&a, &before), "a%s\nb%s\n", x, y);
            continue;
        }
        HOLDS(resource_set_contains(&before, &a), "a%s\nb%s\n", x, y);
        struct resource_set again = plus(a, &b);
        HOLDS(resource_set_equal(&again, &before), "a%s\nb%s\n", x, y);
    }
    assert_true(contained > 10);
}

static void writing(void **state)
{
    struct arena *arena = *state;
    uint64_t seed = seed_draw("writing");
    for (int i = 0; i < CASES; i++, arena_reset(arena)) {
        const char *x = some_words(arena, &seed, 10);
        struct resource_set a = set_of(arena, "r", x), offer = offer_of(arena, "r", x);
        struct resource_set read = packed_and_read(arena, &a), read_offer = packed_and_read(arena, &offer);
        HOLDS(resource_set_equal(&a, &read), "a%s\n", x);
        HOLDS(resource_set_equal(&offer, &read_offer), "a%s\n", x);
        struct resource_set merged = plus((struct resource_set){.arena = arena}, &read);
        HOLDS(strcmp(words_of(arena, &merged), words_of(arena, &a)) == 0, "a%s\n", x);
    }
}

/* ---- finding ---- */

static struct resource_want some_want(uint64_t *state)
{
    static const char *const names[] = {"cpus", "mem", "cpus", "disk", "x", "ports", "bugs"};
    size_t name = draw(state, COUNT(names));
    return (struct resource_want){.name = names[name],
            .type = name < 5    ? RESOURCE_SCALAR
                    : name == 5 ? RESOURCE_RANGES
                                : RESOURCE_ITEMS,
            .amount = name < 5 ? draw(state, 4000) : draw(state, 8),
            .reserved = (enum resource_reserved)draw(state, 3),
            .revocable = (enum resource_revocable)draw(state, 3)};
}

static struct resource_disk_want some_disk(uint64_t *state)
{
    static const char *const ids[] = {"v", "w", "s", "none"};
    if (draw(state, 2))
        return (struct resource_disk_want){.persistence_id = ids[draw(state, COUNT(ids))]};
    return (struct resource_disk_want){.size = 1 + (milli_t)draw(state, 120000),
            .source = (Mesos__V1__Resource__DiskInfo__Source__Type)draw(state, 5),
            .profile = draw(state, 4) ? NULL : "p",
            .reserved = (enum resource_reserved)draw(state, 3)};
}

static bool may_be_used(const struct resource *item, const char *role, enum resource_reserved reserved)
{
    if (item->kind->n_reservations == 0)
        return reserved != RESOURCE_RESERVED;
    const char *owner = item->kind->reservations[item->kind->n_reservations - 1]->role;
    size_t length = strlen(owner);
    return reserved != RESOURCE_UNRESERVED && strncmp(role, owner, length) == 0 &&
           (role[length] == '/' || !role[length]);
}

/* How much there is for the want, by looking at each entry; saturating is not needed with these amounts. */
static uint64_t there_is(
        const struct resource_set *set, const char *role, const struct resource_want *want, bool revocable)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < set->count; i++) {
        const message *kind = set->items[i].kind;
        if (strcmp(kind->name, want->name) == 0 && !kind->disk && !kind->provider_id &&
                (kind->revocable != NULL) == revocable && may_be_used(&set->items[i], role, want->reserved))
            sum += resource_value_amount(&set->items[i].value);
    }
    return sum;
}

static void check_part(const struct resource *part, const char *role, const struct resource_want *want)
{
    assert_string_equal(part->kind->name, want->name);
    assert_true(may_be_used(part, role, want->reserved));
    assert_true(!part->kind->disk && !part->kind->provider_id);
    assert_true(want->revocable == RESOURCE_REVOCABLE_FIRST ||
                (part->kind->revocable != NULL) == (want->revocable == RESOURCE_REVOCABLE));
    assert_string_equal(part->kind->allocation_info->role, role);
}

/* Not one more or less than was asked for; of one sort of revocability; the more specific reservation used up
 * first. */
static void check_taken(const struct resource_set *taken, const struct resource_set *rest, const char *role,
        const struct resource_want *want)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < taken->count; i++) {
        check_part(&taken->items[i], role, want);
        sum += resource_value_amount(&taken->items[i].value);
        assert_int_equal(!taken->items[i].kind->revocable, !taken->items[0].kind->revocable);
        for (size_t j = 0; j < rest->count; j++) {
            const struct resource *left = &rest->items[j];
            if (left->plain && strcmp(left->kind->name, want->name) == 0 &&
                    resource_value_amount(&left->value) &&
                    (left->kind->revocable != NULL) == (taken->items[0].kind->revocable != NULL) &&
                    may_be_used(left, role, want->reserved))
                assert_true(left->rank <= taken->items[i].rank || i + 1 == taken->count);
        }
    }
    assert_int_equal(sum, want->amount);
}

static void check_disk(
        const struct resource_set *taken, const char *role, const struct resource_disk_want *want)
{
    assert_int_equal(taken->count, 1);
    const struct resource *part = &taken->items[0];
    assert_true(may_be_used(part, role, want->reserved));
    assert_int_equal(part->kind->disk->persistence != NULL, want->persistence_id != NULL);
    if (want->persistence_id) {
        assert_string_equal(part->kind->disk->persistence->id, want->persistence_id);
        return;
    }
    assert_true(part->whole ? part->value.scalar >= want->size : part->value.scalar == want->size);
    assert_true(!want->profile || strcmp(part->kind->disk->source->profile, want->profile) == 0);
}

/* Entries of one kind may be two; no number is in both, which no master offers. */
static void some_in_two(struct arena *arena, uint64_t *state, struct resource_set *set)
{
    for (size_t i = 0, count = set->count; i < count; i++) {
        struct resource half = set->items[i];
        if (half.whole || draw(state, 3))
            continue;
        half.value = resource_value_take(
                arena, &set->items[i].value, draw(state, resource_value_amount(&half.value) + 1));
        assert_int_equal(resource_set_append(set, &half, NULL), 0);
    }
}

/* What was taken so far, what is left, and what there was at first: always the same in sum, and nothing is
 * taken twice. */
static void finding(void **state)
{
    static const char *const roles[] = {"a", "a/b", "a/b/c", "b", "*"};
    struct arena *arena = *state;
    uint64_t seed = seed_draw("finding");
    unsigned found = 0, not_found = 0;
    for (int i = 0; i < CASES; i++, arena_reset(arena)) {
        const char *role = roles[draw(&seed, COUNT(roles))];
        const char *words = some_words(arena, &seed, 24);
        struct resource_set offered = set_of(arena, role, words);
        some_in_two(arena, &seed, &offered);
        struct resource_set sum = offered;
        resource_set_init(&sum, arena);
        resource_set_copy(&sum, &offered);
        for (int task = 0; task < 12; task++) {
            struct resource_want want = some_want(&seed);
            struct resource_disk_want disk = some_disk(&seed);
            bool wants_disk = draw(&seed, 3) == 0;
            struct resource_request request = {
                    .wants = &want, .want_count = !wants_disk, .disks = &disk, .disk_count = wants_disk};
            struct resource_set taken, not_shared;
            bool revocable = want.revocable == RESOURCE_REVOCABLE;
            bool enough = there_is(&offered, role, &want, revocable) >= want.amount ||
                          (want.revocable == RESOURCE_REVOCABLE_FIRST &&
                                  there_is(&offered, role, &want, true) >= want.amount);
            resource_set_init(&taken, arena);
            resource_set_init(&not_shared, arena);
            bool got = resource_find(&offered, role, &request, &taken, NULL);
            if (!wants_disk)
                HOLDS(got == enough, "%s offered to %s, %s %llu\n", words, role, want.name,
                        (unsigned long long)want.amount);
            found += got;
            not_found += !got;
            if (got && wants_disk)
                check_disk(&taken, role, &disk);
            else if (got)
                check_taken(&taken, &offered, role, &want);
            for (size_t j = 0; j < taken.count; j++) {
                if (!taken.items[j].kind->shared)
                    assert_int_equal(resource_set_append(&not_shared, &taken.items[j], NULL), 0);
            }
            HOLDS(resource_set_subtract(&sum, &not_shared, NULL) == 0, "%s taken twice\n",
                    words_of(arena, &taken));
            HOLDS(resource_set_equal(&sum, &offered), "%s\nleft %s\nnot %s\n", words,
                    words_of(arena, &offered), words_of(arena, &sum));
        }
    }
    print_message("%u found, %u not\n", found, not_found);
    assert_true(found > CASES && not_found > CASES);
}

/* Several wants and disks at once: all of them, or the offer as it was. */
static void finding_all_or_nothing(void **state)
{
    struct arena *arena = *state;
    uint64_t seed = seed_draw("finding_all_or_nothing");
    for (int i = 0; i < CASES; i++, arena_reset(arena)) {
        const char *words = some_words(arena, &seed, 14);
        struct resource_set offered = set_of(arena, "a/b", words), before = set_of(arena, "a/b", words),
                            taken;
        struct resource_want wants[] = {some_want(&seed), some_want(&seed), some_want(&seed)};
        struct resource_disk_want disks[] = {some_disk(&seed), some_disk(&seed)};
        for (size_t j = 0; j < 3; j++)
            wants[j].amount /= 3;
        struct resource_request request = {
                .wants = wants, .want_count = draw(&seed, 4), .disks = disks, .disk_count = draw(&seed, 3)};
        resource_set_init(&taken, arena);
        if (!resource_find(&offered, "a/b", &request, &taken, NULL)) {
            HOLDS(taken.count == 0 && resource_set_equal(&offered, &before), "%s\n", words);
            continue;
        }
        for (size_t j = 0; j < taken.count; j++) {
            if (!taken.items[j].kind->shared)
                assert_int_equal(resource_set_add_one(&offered, &taken.items[j], NULL), 0);
        }
        HOLDS(resource_set_equal(&offered, &before), "%s\n", words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(adding),
            TEST(subtracting),
            TEST(containing),
            TEST(writing),
            TEST(finding),
            TEST(finding_all_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
