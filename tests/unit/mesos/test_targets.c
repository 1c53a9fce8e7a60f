/* Lists of masters and Locations: what is read, what is refused, whose turn it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "targets.h"

static const char *advance(struct master_targets *targets)
{
    static char text[MASTER_TARGET_TEXT_MAX];

    master_targets_advance(targets);
    return master_target_format(&targets->current, text);
}

static void test_turns(void **state)
{
    struct master_targets targets;
    struct master_target leader = {.host = "leader", .port = 9};
    struct error err;

    (void)state;
    assert_int_equal(master_targets_init(&targets, "a,b.example:1,[::1]:65535", &err), 0);
    assert_string_equal(advance(&targets), "a:5050");
    assert_string_equal(advance(&targets), "b.example:1");
    master_targets_redirect(&targets, &leader);
    assert_string_equal(advance(&targets), "leader:9");
    assert_string_equal(advance(&targets), "[::1]:65535");
    assert_string_equal(advance(&targets), "a:5050");
    master_targets_again(&targets);
    assert_string_equal(advance(&targets), "a:5050");
    assert_string_equal(advance(&targets), "b.example:1");
    master_targets_clear(&targets);
}

static void test_refused_lists(void **state)
{
    static const char *const lists[] = {"", ",", "a,", ",a", "a,,b", "a:", "a:0", "a:65536", "a:-1", "a:1x",
            "a: 1", "a b", "a@b", "a:1:2", "::1", "[::1", "[]", "[::1]x", "zk://a:1/mesos", "http://a:1",
            "a:000000000001", "a\r\nX: y", "a?b", "a#b", "a%2f"};

    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; ++i) {
        struct master_targets targets = {.count = 77};
        struct error err = {0};

        if (master_targets_init(&targets, lists[i], &err) != ERR_INVALID) {
            fail_msg("'%s' was taken", lists[i]);
        }
        assert_string_not_equal(err.text, "");
        assert_int_equal(targets.count, 77);
    }
}

static void test_limits(void **state)
{
    struct master_targets targets;
    struct error err;
    char list[4 * MASTER_TARGETS_MAX + 8] = "a";
    char host[MASTER_HOST_MAX + 2];
    char location[MASTER_LOCATION_MAX + 2];
    struct master_target target = {.port = 0};

    (void)state;
    for (size_t i = 1; i < MASTER_TARGETS_MAX; ++i) {
        strcat(list, ",a");
    }
    assert_int_equal(master_targets_init(&targets, list, &err), 0);
    assert_int_equal(targets.count, MASTER_TARGETS_MAX);
    master_targets_clear(&targets);
    strcat(list, ",a");
    assert_int_equal(master_targets_init(&targets, list, &err), ERR_INVALID);

    memset(host, 'h', sizeof host);
    host[MASTER_HOST_MAX] = '\0';
    assert_int_equal(master_targets_init(&targets, host, &err), 0);
    master_targets_clear(&targets);
    host[MASTER_HOST_MAX] = 'h';
    host[MASTER_HOST_MAX + 1] = '\0';
    assert_int_equal(master_targets_init(&targets, host, &err), ERR_INVALID);

    memset(location, 'p', sizeof location);
    memcpy(location, "//a:1/", 6);
    location[MASTER_LOCATION_MAX] = '\0';
    assert_int_equal(master_location_parse(location, &target, &err), 0);
    location[MASTER_LOCATION_MAX] = 'p';
    location[MASTER_LOCATION_MAX + 1] = '\0';
    assert_int_equal(master_location_parse(location, &target, &err), ERR_INVALID);
}

static void test_locations(void **state)
{
    static const struct {
        const char *location;
        const char *target; /* NULL: refused */
    } rows[] = {
            {"//10.0.0.1:5051/api/v1/scheduler", "10.0.0.1:5051"},
            {"//leader.example:5050", "leader.example:5050"},
            {"http://leader:5052/api/v1/scheduler", "leader:5052"},
            {"HTTP://leader:5052", "leader:5052"},
            {"//[fe80::1]:5050/x", "[fe80::1]:5050"},
            {"//leader/api/v1/scheduler", "leader:80"},
            {"//leader:1?x", "leader:1"},
            {"", NULL},
            {"/api/v1/scheduler", NULL},
            {"leader:5050", NULL},
            {"https://leader:5050/", NULL},
            {"file:///etc/passwd", NULL},
            {"//", NULL},
            {"///", NULL},
            {"//user@leader:5050/", NULL},
            {"//leader:5050 x/", NULL},
            {"//leader:0/", NULL},
            {"//leader:99999/", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        struct master_target target = {.port = 7};
        struct error err = {0};
        char text[MASTER_TARGET_TEXT_MAX];
        int result = master_location_parse(rows[i].location, &target, &err);

        if (result != (rows[i].target == NULL ? ERR_INVALID : 0)) {
            fail_msg("'%s': %d", rows[i].location, result);
        }
        if (rows[i].target == NULL) {
            assert_int_equal(target.port, 7);
        } else {
            assert_string_equal(master_target_format(&target, text), rows[i].target);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_turns),
            cmocka_unit_test(test_refused_lists),
            cmocka_unit_test(test_limits),
            cmocka_unit_test(test_locations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
