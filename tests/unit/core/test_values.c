/* The offers of a role by values of attributes, against looking at each; and what is said of those that were
 * not looked at. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define OFFERS 300
#define OP(name) ZMESOS__V1__CONSTRAINT__OPERATOR__##name

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static const char *const names[] = {"rack", "row", "hostname", "size", "none"};

static Mesos__V1__Attribute *attribute(struct arena *arena, const char *name, uint64_t number)
{
    Mesos__V1__Attribute *made = arena_alloc(arena, sizeof *made);
    mesos__v1__attribute__init(made);
    made->name = arena_string(arena, name);
    if (strcmp(name, "size") == 0) {
        made->type = MESOS__V1__VALUE__TYPE__SCALAR;
        made->scalar = arena_alloc(arena, sizeof *made->scalar);
        mesos__v1__value__scalar__init(made->scalar);
        made->scalar->value = (double)number;
    } else {
        made->type = MESOS__V1__VALUE__TYPE__TEXT;
        made->text = arena_alloc(arena, sizeof *made->text);
        mesos__v1__value__text__init(made->text);
        made->text->value = arena_format(arena, "%llu", (unsigned long long)number);
    }
    return made;
}

static struct offer *offer_new(uint64_t number, uint64_t *seed)
{
    struct offer *offer = test_calloc(1, sizeof *offer);
    arena_init(&offer->arena);
    offer->offer = arena_alloc(&offer->arena, sizeof *offer->offer);
    mesos__v1__offer__init(offer->offer);
    offer->offer->hostname = arena_format(&offer->arena, "%llu", (unsigned long long)(number % 200));
    offer->offer->attributes = arena_array(&offer->arena, 3, sizeof *offer->offer->attributes);
    offer->offer->attributes[offer->offer->n_attributes++] =
            attribute(&offer->arena, "rack", next_random(seed) % 40);
    if (number % 9 != 0)
        offer->offer->attributes[offer->offer->n_attributes++] =
                attribute(&offer->arena, "size", next_random(seed) % 60);
    if (number % 3 == 0)
        offer->offer->attributes[offer->offer->n_attributes++] =
                attribute(&offer->arena, "row", next_random(seed) % 20);
    offer->number = number;
    for (int s = 0; s < SCALAR_COUNT; s++)
        offer->total[s] = (int64_t)(next_random(seed) % 10);
    return offer;
}

static void offer_free(struct offer *offer)
{
    arena_clear(&offer->arena);
    test_free(offer);
}

static bool has_one(struct offer *offer, const struct constraint *c)
{
    const char *value = attribute_value(&offer->arena, offer->offer, c->attribute);
    for (size_t i = 0; value && i < c->value_count; i++) {
        if (strcmp(c->values[i], value) == 0)
            return true;
    }
    return false;
}

static bool fits(struct offer *offer, const struct shape *shape)
{
    for (size_t i = 0; i < shape->constraint_count; i++) {
        if (!has_one(offer, &shape->constraints[i]))
            return false;
    }
    return offer_misfit(offer, shape) == MISFIT_NONE;
}

/* From offer to offer, as a round does it: finds the same one, and every offer before it is counted once. */
static bool expect_same(
        struct core *core, struct shape *shape, struct offer **offers, size_t count, uint64_t number)
{
    uint64_t passed = 0, expected_passed = 0;
    struct offer *expected = NULL, *found;
    for (size_t i = 0; i < count && !expected; i++) {
        if (!offers[i] || offers[i]->number < number)
            continue;
        if (fits(offers[i], shape))
            expected = offers[i];
        else
            expected_passed++;
    }
    struct skipped skipped;
    while ((found = values_find(core, shape, number, &skipped)) && !fits(found, shape)) {
        passed += skipped.offers + skipped.unmet + 1;
        number = found->number + 1;
    }
    passed += skipped.offers + skipped.unmet;
    assert_ptr_equal(found, expected);
    assert_int_equal(passed, expected_passed);
    return shape->narrow >= 0;
}

static bool ask(struct core *core, struct role *role, struct offer **offers, size_t count, uint64_t *seed)
{
    char texts[2][4][24], *values[2][4];
    struct constraint constraints[2] = {0};
    struct shape shape = {.role = role, .constraints = constraints};
    shape.constraint_count = 1 + next_random(seed) % 2;
    for (size_t i = 0; i < shape.constraint_count; i++) {
        struct constraint *c = &constraints[i];
        c->attribute = (char *)(uintptr_t)names[next_random(seed) % 5];
        c->op = next_random(seed) % 2 ? OP(IN) : OP(EQUALS);
        c->values = values[i];
        c->value_count = c->op == OP(EQUALS) ? 1 : 1 + next_random(seed) % 4;
        for (size_t v = 0; v < c->value_count; v++) {
            snprintf(texts[i][v], sizeof texts[i][v], "%llu",
                    (unsigned long long)(next_random(seed) % 60 + v * 60));
            values[i][v] = texts[i][v];
        }
    }
    shape.scalars[0] = (int64_t)(next_random(seed) % 9);
    core->round++;
    uint64_t number = next_random(seed) % 3 == 0 ? 0 : next_random(seed) % (count + 2);
    bool narrow = expect_same(core, &shape, offers, count, number);
    if (shape.narrow >= 0) /* the rest of the round, after some was taken */
        (void)expect_same(core, &shape, offers, count, next_random(seed) % (count + 2));
    return narrow;
}

static void it_finds_what_looking_finds(void **state)
{
    (void)state;
    size_t narrow = 0, broad = 0;
    for (uint64_t first = 1; first <= 20; first++) {
        uint64_t seed = first * 0x9e3779b97f4a7c15u;
        struct core core = {0};
        struct role role = {0};
        struct offer *offers[OFFERS] = {0};
        size_t count = 0;
        while (count < OFFERS) {
            uint64_t what = next_random(&seed) % 4;
            size_t at = count ? next_random(&seed) % count : 0;
            if (what < 2 || count < 40) {
                offers[count] = offer_new(count + 1, &seed);
                index_add(&role.index, offers[count++]);
            } else if (offers[at] && what == 2) {
                offers[at]->total[0] = (int64_t)(next_random(&seed) % 10);
                offers[at]->placement_count = 1;
                index_update(&role.index, offers[at]);
            } else if (offers[at]) {
                index_remove(&role.index, offers[at]);
                offer_free(offers[at]);
                offers[at] = NULL;
            }
            for (int i = 0; i < 4; i++) {
                bool was_narrow = ask(&core, &role, offers, count, &seed);
                narrow += was_narrow;
                broad += !was_narrow;
            }
        }
        for (size_t i = 0; i < count; i++) {
            if (!offers[i])
                continue;
            index_remove(&role.index, offers[i]);
            offer_free(offers[i]);
        }
        assert_null(role.index.values); /* the last one takes it along */
        index_clear(&role.index);
    }
    assert_true(narrow > 1000);
    assert_true(broad > 1000);
}

/* An attribute more than there is room for is looked at in each offer, as before. */
static void more_attributes_than_are_kept(void **state)
{
    (void)state;
    uint64_t seed = 7;
    struct core core = {0};
    struct role role = {0};
    struct offer *offers[40];
    for (size_t i = 0; i < 40; i++) {
        offers[i] = offer_new(i + 1, &seed);
        index_add(&role.index, offers[i]);
    }
    char name[24], *value = name;
    for (int i = 0; i < 17; i++) {
        snprintf(name, sizeof name, "none%d", i);
        struct constraint c = {.attribute = name, .op = OP(EQUALS), .values = &value, .value_count = 1};
        struct shape shape = {.role = &role, .constraints = &c, .constraint_count = 1};
        struct skipped skipped;
        core.round++;
        struct offer *found = values_find(&core, &shape, 0, &skipped);
        if (i < 16) {
            assert_null(found);
            assert_int_equal(skipped.unmet, 40);
        } else {
            assert_ptr_equal(found, offers[0]);
            assert_int_equal(skipped.unmet, 0);
        }
    }
    assert_int_equal(role.index.value_count, 16);
    for (size_t i = 0; i < 40; i++) {
        index_remove(&role.index, offers[i]);
        offer_free(offers[i]);
    }
    index_clear(&role.index);
}

/* What has gone does not count: a value is rare once its offers are. */
static void a_value_that_becomes_rare(void **state)
{
    (void)state;
    uint64_t seed = 11;
    struct core core = {0};
    struct role role = {0};
    struct offer *offers[60];
    for (size_t i = 0; i < 60; i++) {
        offers[i] = offer_new(i + 1, &seed);
        if (i % 5 == 0)
            offers[i]->offer->hostname = arena_string(&offers[i]->arena, "h");
        index_add(&role.index, offers[i]);
    }
    char name[] = "hostname", host[] = "h", *value = host;
    struct constraint c = {.attribute = name, .op = OP(EQUALS), .values = &value, .value_count = 1};
    struct shape shape = {.role = &role, .constraints = &c, .constraint_count = 1};
    struct skipped skipped;
    core.round++;
    assert_ptr_equal(values_find(&core, &shape, 0, &skipped), offers[0]);
    assert_int_equal(shape.narrow, -1);
    for (size_t i = 5; i < 60; i += 5) {
        index_remove(&role.index, offers[i]);
        offer_free(offers[i]);
    }
    core.round++;
    assert_null(values_find(&core, &shape, 2, &skipped));
    assert_int_equal(shape.narrow, 0);
    assert_int_equal(skipped.unmet, 48);
    for (size_t i = 0; i < 60; i++) {
        if (i > 0 && i % 5 == 0)
            continue;
        index_remove(&role.index, offers[i]);
        offer_free(offers[i]);
    }
    index_clear(&role.index);
}

/* ---- in the core ---- */

static void offers_of_racks(struct rig *rig, char prefix, int count)
{
    const char *text = "";
    for (int i = 0; i < count; i++)
        text = words(rig, "%s%s%c%d A%d cpus 2 @rack=r%d", text, i ? " | " : "", prefix, i, i, i % 20);
    in_offers(rig, text);
}

static const Zmesos__V1__Explanation *why(struct rig *rig, const char *id)
{
    Zmesos__V1__Request *request = build_request(rig, ZMESOS__V1__REQUEST__OPERATION_WHY);
    char *ids[] = {(char *)(uintptr_t)id};
    request->why->task_ids = ids;
    request->why->n_task_ids = 1;
    in_request(rig, request);
    for (size_t i = 0; i < rig->out.count; i++) {
        if (rig->out.items[i].kind == CORE_OUT_REPLY)
            return rig->out.items[i].reply.reply->explanations->explanations[0];
    }
    fail();
    return NULL;
}

static void a_value_that_is_nowhere(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "a cpus 4 where rack EQUALS r99 | b cpus 1 where rack IN r98,r7");
    offers_of_racks(rig, 'o', 100);
    const Zmesos__V1__Explanation *view = why(rig, "a");
    assert_int_equal(view->offers, 100);
    assert_int_equal(view->n_reasons, 1);
    assert_int_equal(view->reasons[0]->kind, ZMESOS__V1__REASON__KIND__CONSTRAINT);
    assert_int_equal(view->reasons[0]->offers, 100);
    assert_int_equal(why(rig, "b")->state, ZMESOS__V1__TASK_STATE__LAUNCHING);
}

/* What found no place costs nothing before another offer comes: neither time nor other work does it. */
static void it_is_not_looked_at_again(void **state)
{
    struct rig *rig = rig_up(state, NULL);
    in_launch(rig, "a cpus 1 where rack EQUALS r99 | b cpus 9");
    offers_of_racks(rig, 'o', 50);
    assert_int_equal(why(rig, "a")->offers, 50);
    assert_int_equal(why(rig, "b")->offers, 50);
    in_wait(rig, 2000);
    in_launch(rig, "c cpus 9");
    assert_int_equal(why(rig, "a")->offers, 50);
    assert_int_equal(why(rig, "b")->offers, 50);
    in_offers(rig, "p1 A1 cpus 2");
    assert_int_equal(why(rig, "a")->offers, 51);
    assert_int_equal(why(rig, "b")->offers, 51);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(it_finds_what_looking_finds),
            cmocka_unit_test(a_value_that_becomes_rare),
            cmocka_unit_test(more_attributes_than_are_kept),
            TEST(a_value_that_is_nowhere),
            TEST(it_is_not_looked_at_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
