/* The ring of the newest publications: what it holds, and what it lets go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "recent.h"

static void add(struct recent *recent, int class, uint64_t number, size_t size)
{
    static const uint8_t bytes[1000];
    char topic[32];
    snprintf(topic, sizeof topic, "t/%u", (unsigned)number);
    struct blob *header = blob_create("h", 1), *body = blob_create(bytes, size);
    recent_add(recent, class, number, topic, header, body);
    blob_unref(header);
    blob_unref(body);
}

static void expect_from(const struct recent *recent, int class, uint64_t first, uint64_t head)
{
    char topic[32];
    assert_int_equal(recent_first(recent, class), first);
    assert_int_equal(recent_head(recent, class), head);
    for (uint64_t number = first; number <= head; number++) {
        snprintf(topic, sizeof topic, "t/%u", (unsigned)number);
        assert_string_equal(recent_get(recent, class, number)->topic, topic);
    }
}

static void classes_are_apart_and_go_on_where_they_were(void **state)
{
    struct recent recent;
    (void)state;
    recent_init(&recent, 1 << 20);
    expect_from(&recent, 1, 1, 0);
    recent_begin(&recent, 1, 41);
    expect_from(&recent, 1, 42, 41);
    add(&recent, 1, 42, 10);
    add(&recent, 2, 1, 10);
    add(&recent, 1, 43, 10);
    expect_from(&recent, 1, 42, 43);
    expect_from(&recent, 2, 1, 1);
    recent_clear(&recent);
}

static void the_oldest_go_when_there_are_too_many_bytes(void **state)
{
    struct recent recent;
    (void)state;
    recent_init(&recent, 100000);
    for (uint64_t number = 1; number <= 1000; number++) {
        add(&recent, 1, number, 800);
        assert_true(recent.classes[1].bytes <= 100000);
    }
    assert_true(recent_first(&recent, 1) > 800 && recent_first(&recent, 1) < 950);
    expect_from(&recent, 1, recent_first(&recent, 1), 1000);
    recent_clear(&recent);
}

static void an_event_above_the_limit_is_the_only_one(void **state)
{
    struct recent recent;
    (void)state;
    recent_init(&recent, 500);
    add(&recent, 1, 1, 10);
    add(&recent, 1, 2, 900);
    expect_from(&recent, 1, 2, 2);
    add(&recent, 1, 3, 10);
    expect_from(&recent, 1, 3, 3);
    recent_clear(&recent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(classes_are_apart_and_go_on_where_they_were),
            cmocka_unit_test(the_oldest_go_when_there_are_too_many_bytes),
            cmocka_unit_test(an_event_above_the_limit_is_the_only_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
