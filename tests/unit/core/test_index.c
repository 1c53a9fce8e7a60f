/* The offers of a role by what is left of them, against looking at each. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>

#include "internal.h"

#define OFFERS 300

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static struct offer *first_by_looking(struct offer **offers, size_t count, const struct shape *shape,
        uint64_t number, struct skipped *skipped)
{
    *skipped = (struct skipped){0};
    for (size_t i = 0; i < count; i++) {
        if (!offers[i] || offers[i]->number < number)
            continue;
        if (offer_misfit(offers[i], shape) == MISFIT_NONE && offers[i]->placement_count < CORE_ACCEPT_MAX)
            return offers[i];
        skipped->offers++;
        skipped->misfits[MISFIT_TAKEN] += offers[i]->placement_count > 0;
    }
    return NULL;
}

static void measure(struct offer *offer, uint64_t *seed)
{
    for (int s = 0; s < SCALAR_COUNT; s++)
        offer->total[s] = (int64_t)(next_random(seed) % 10);
    offer->total_ports = next_random(seed) % 5;
    offer->placement_count = next_random(seed) % 7 == 0 ? CORE_ACCEPT_MAX : next_random(seed) % 3;
}

static void expect_same(const struct offer_index *index, struct offer **offers, size_t count, uint64_t *seed)
{
    struct shape shape = {.ports = (uint32_t)(next_random(seed) % 5)};
    for (int s = 0; s < SCALAR_COUNT; s++)
        shape.scalars[s] = (int64_t)(next_random(seed) % 9);
    uint64_t number = next_random(seed) % 3 == 0 ? 0 : next_random(seed) % (count + 2);
    struct skipped found, expected;
    struct offer *by_looking = first_by_looking(offers, count, &shape, number, &expected);
    assert_ptr_equal(index_find(index, &shape, number, &found), by_looking);
    assert_int_equal(found.offers, expected.offers);
    assert_int_equal(found.misfits[MISFIT_TAKEN], expected.misfits[MISFIT_TAKEN]);
    uint64_t sum = 0;
    for (int i = 0; i <= MISFIT_TAKEN; i++)
        sum += found.misfits[i];
    assert_int_equal(sum, found.offers);
}

static void it_finds_what_looking_finds(void **state)
{
    (void)state;
    for (uint64_t first = 1; first <= 40; first++) {
        uint64_t seed = first * 0x9e3779b97f4a7c15u;
        struct offer_index index = {0};
        struct offer *offers[OFFERS] = {0};
        size_t count = 0;
        while (count < OFFERS) {
            uint64_t what = next_random(&seed) % 4;
            size_t at = count ? next_random(&seed) % count : 0;
            if (what < 2) {
                struct offer *offer = offers[count++] = test_calloc(1, sizeof *offer);
                offer->number = count;
                measure(offer, &seed);
                index_add(&index, offer);
            } else if (count && offers[at] && what == 2) {
                measure(offers[at], &seed);
                index_update(&index, offers[at]);
            } else if (count && offers[at]) {
                index_remove(&index, offers[at]);
                test_free(offers[at]);
                offers[at] = NULL;
            }
            for (int i = 0; i < 4; i++)
                expect_same(&index, offers, count, &seed);
        }
        for (size_t i = 0; i < count; i++) {
            if (!offers[i])
                continue;
            index_remove(&index, offers[i]);
            test_free(offers[i]);
        }
        index_clear(&index);
    }
}

/* Gaps are closed: it stays small where offers come and go. */
static void offers_that_come_and_go(void **state)
{
    (void)state;
    struct offer_index index = {0};
    struct offer offers[3] = {{.number = 1, .total = {5}}};
    index_add(&index, &offers[0]);
    for (uint64_t number = 2; number < 10000; number++) {
        struct offer *offer = &offers[1 + number % 2];
        *offer = (struct offer){.number = number, .total = {(int64_t)number}};
        index_add(&index, offer);
        index_remove(&index, offer);
    }
    assert_true(index.capacity <= 64);
    struct shape shape = {.scalars = {5}};
    struct skipped skipped;
    assert_ptr_equal(index_find(&index, &shape, 0, &skipped), &offers[0]);
    shape.scalars[0] = 6;
    assert_null(index_find(&index, &shape, 0, &skipped));
    assert_int_equal(skipped.offers, 1);
    index_clear(&index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(it_finds_what_looking_finds),
            cmocka_unit_test(offers_that_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
