/* The one loop: descriptors by epoll, timers by a heap, signals by signalfd. Everything runs on one thread,
 * so nothing here locks, and nothing that it calls may block. */
#ifndef LOCAL_LOOP_H
#define LOCAL_LOOP_H

#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/heap.h"

/* Something to do once, later. Inside its owner, who removes it before going away. */
struct timer {
    struct heap_node node;
    void (*fire)(struct timer *timer); /* the timer is stopped before; it may start itself again */
};

#define timer_owner(timer, type, member) ((type *)((char *)(timer)-offsetof(type, member)))

/* Interest in a descriptor. Inside its owner. */
struct watch {
    int fd; /* -1: not watched */
    void (*ready)(struct watch *watch, uint32_t events);
};

struct loop {
    int epoll;
    struct heap timers;
    int64_t started; /* timers, ever: those that are due together fire as they were started */
    struct now now;  /* of this turn */
};

int loop_init(struct loop *loop, struct error *err) MUST_CHECK;
void loop_clear(struct loop *loop);

/* When `ms` have passed from this moment on, in milliseconds of now.mono_ms: never earlier. */
int64_t loop_in(const struct loop *loop, int64_t ms);
void loop_start_timer(struct loop *loop, struct timer *timer, int64_t ms); /* again: moves it */
void loop_hurry_timer(struct loop *loop, struct timer *timer);             /* one that runs is due now */
void loop_stop_timer(struct loop *loop, struct timer *timer); /* nothing for one that does not run */

/* Calls watch->ready with epoll's events. A watch is removed before its descriptor is closed. */
int loop_watch(struct loop *loop, struct watch *watch, int fd, uint32_t events, struct error *err) MUST_CHECK;
void loop_unwatch(struct loop *loop, struct watch *watch);

/* One turn: waits for descriptors and timers at most `max_ms` (-1: no limit), handles what came. */
int loop_turn(struct loop *loop, int64_t max_ms, struct error *err) MUST_CHECK;

#endif
