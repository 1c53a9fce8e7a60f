/* Timers and watches of the loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cmocka.h>

#include "loop.h"

static struct loop loop;
static char order[16];

struct item {
    struct timer timer;
    char name;
};

static void fired(struct timer *timer)
{
    struct item *item = timer_owner(timer, struct item, timer);
    order[strlen(order)] = item->name;
}

static int setup(void **state)
{
    struct error err;
    (void)state;
    memset(order, 0, sizeof(order));
    return loop_init(&loop, &err);
}

static int teardown(void **state)
{
    (void)state;
    loop_clear(&loop);
    return 0;
}

static void turn(int64_t max_ms)
{
    struct error err;
    assert_int_equal(loop_turn(&loop, max_ms, &err), 0);
}

static void test_timers_in_order(void **state)
{
    (void)state;
    struct item a = {{.fire = fired}, 'a'};
    struct item b = {{.fire = fired}, 'b'};
    struct item c = {{.fire = fired}, 'c'};
    loop_start_timer(&loop, &a.timer, 20);
    loop_start_timer(&loop, &b.timer, 5);
    loop_start_timer(&loop, &c.timer, 10);
    loop_start_timer(&loop, &c.timer, 1); /* moved */
    while (strlen(order) < 3)
        turn(-1);
    assert_string_equal(order, "cba");
}

/* A turn may have begun long before one of its timers is started. */
static void test_a_timer_is_never_early(void **state)
{
    (void)state;
    struct item a = {{.fire = fired}, 'a'};
    int64_t begun = clock_read().mono_ms;
    loop.now.mono_ms -= 1000;
    loop_start_timer(&loop, &a.timer, 50);
    while (strlen(order) < 1)
        turn(-1);
    assert_true(clock_read().mono_ms > begun + 50);
}

static void test_timers_that_are_due_together(void **state)
{
    (void)state;
    struct item items[] = {
            {{.fire = fired}, 'd'}, {{.fire = fired}, 'a'}, {{.fire = fired}, 'c'}, {{.fire = fired}, 'b'}};
    for (size_t i = 0; i < 4; i++)
        loop_start_timer(&loop, &items[i].timer, 0);
    turn(-1);
    assert_string_equal(order, "dacb");
}

static void test_a_hurried_timer(void **state)
{
    (void)state;
    struct item a = {{.fire = fired}, 'a'};
    struct item b = {{.fire = fired}, 'b'};
    loop_start_timer(&loop, &a.timer, 1000000);
    loop_hurry_timer(&loop, &a.timer);
    loop_hurry_timer(&loop, &b.timer); /* does not run */
    turn(-1);
    assert_string_equal(order, "a");
}

static void test_a_stopped_timer(void **state)
{
    (void)state;
    struct item a = {{.fire = fired}, 'a'};
    struct item b = {{.fire = fired}, 'b'};
    loop_start_timer(&loop, &a.timer, 1);
    loop_start_timer(&loop, &b.timer, 10);
    loop_stop_timer(&loop, &a.timer);
    loop_stop_timer(&loop, &a.timer);
    while (strlen(order) < 1)
        turn(-1);
    assert_string_equal(order, "b");
}

/* Two watches on ready pipes; the first to come removes the other, which must not be called then. */
static struct watch watches[2];

static void ready(struct watch *watch, uint32_t events)
{
    assert_true((events & EPOLLIN) != 0);
    order[strlen(order)] = watch == &watches[0] ? '0' : '1';
    loop_unwatch(&loop, &watches[0]);
    loop_unwatch(&loop, &watches[1]);
}

static void test_a_watch_removed_while_its_event_waits(void **state)
{
    (void)state;
    int pipes[2][2];
    struct error err;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pipe(pipes[i]), 0);
        assert_int_equal(write(pipes[i][1], "x", 1), 1);
        watches[i].ready = ready;
        assert_int_equal(loop_watch(&loop, &watches[i], pipes[i][0], EPOLLIN, &err), 0);
    }
    turn(0);
    turn(0);
    assert_int_equal(strlen(order), 1);
    for (int i = 0; i < 4; i++)
        close(pipes[i / 2][i % 2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(test_timers_in_order, setup, teardown),
            cmocka_unit_test_setup_teardown(test_a_timer_is_never_early, setup, teardown),
            cmocka_unit_test_setup_teardown(test_timers_that_are_due_together, setup, teardown),
            cmocka_unit_test_setup_teardown(test_a_hurried_timer, setup, teardown),
            cmocka_unit_test_setup_teardown(test_a_stopped_timer, setup, teardown),
            cmocka_unit_test_setup_teardown(test_a_watch_removed_while_its_event_waits, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
