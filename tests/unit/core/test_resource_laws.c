/* What holds for any resources, in thousands of drawn cases. The seed is printed; ZMESOS_SEED=N plays it
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

int main(void)
{
    const struct CMUnitTest tests[] = {
            TEST(adding),
            TEST(subtracting),
            TEST(containing),
            TEST(writing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
