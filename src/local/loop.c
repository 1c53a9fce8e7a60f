/* See loop.h. A watch that is removed while its event waits in the same batch is found by its descriptor:
 * events carry the watch, and loop_unwatch clears the ones not handled yet. */
#include "loop.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <unistd.h>

#define LOOP_BATCH 128

static struct epoll_event batch[LOOP_BATCH];
static int batch_count;

int loop_init(struct loop *loop, struct error *err)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0)
        return error_set_errno(err, errno, "epoll_create1");
    heap_init(&loop->timers);
    loop->started = 0;
    loop->epoll = epoll;
    loop->now = clock_read();
    return 0;
}

void loop_clear(struct loop *loop)
{
    heap_clear(&loop->timers);
    close(loop->epoll);
}

int64_t loop_in(const struct loop *loop, int64_t ms)
{
    /* The turn may have begun long ago, and a part of this millisecond has passed. */
    return ms <= 0 ? loop->now.mono_ms : clock_read().mono_ms + ms + 1;
}

void loop_start_timer(struct loop *loop, struct timer *timer, int64_t ms)
{
    heap_set_pair(&loop->timers, &timer->node, loop_in(loop, ms), loop->started++);
}

void loop_hurry_timer(struct loop *loop, struct timer *timer)
{
    if (timer->node.place != 0)
        loop_start_timer(loop, timer, 0);
}

void loop_stop_timer(struct loop *loop, struct timer *timer)
{
    heap_remove(&loop->timers, &timer->node);
}

int loop_watch(struct loop *loop, struct watch *watch, int fd, uint32_t events, struct error *err)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        return error_set_errno(err, errno, "epoll_ctl");
    watch->fd = fd;
    return 0;
}

void loop_unwatch(struct loop *loop, struct watch *watch)
{
    if (watch->fd < 0)
        return;
    epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
    watch->fd = -1;
    for (int i = 0; i < batch_count; i++)
        if (batch[i].data.ptr == watch)
            batch[i].data.ptr = NULL;
}

static int wait_ms(const struct loop *loop, int64_t max_ms)
{
    const struct heap_node *first = heap_first(&loop->timers);
    int64_t wait = max_ms;
    if (first != NULL) {
        int64_t due = first->key - clock_read().mono_ms;
        if (due < 0)
            due = 0;
        if (wait < 0 || due < wait)
            wait = due;
    }
    return wait > INT_MAX ? INT_MAX : (int)wait;
}

int loop_turn(struct loop *loop, int64_t max_ms, struct error *err)
{
    int count = epoll_wait(loop->epoll, batch, LOOP_BATCH, wait_ms(loop, max_ms));
    if (count < 0 && errno != EINTR)
        return error_set_errno(err, errno, "epoll_wait");
    loop->now = clock_read();
    batch_count = count < 0 ? 0 : count;
    for (int i = 0; i < batch_count; i++) {
        struct watch *watch = batch[i].data.ptr;
        if (watch != NULL)
            watch->ready(watch, batch[i].events);
    }
    batch_count = 0;
    for (struct heap_node *node;
            (node = heap_first(&loop->timers)) != NULL && node->key <= loop->now.mono_ms;) {
        struct timer *timer = timer_owner(node, struct timer, node);
        heap_remove(&loop->timers, node);
        timer->fire(timer);
    }
    return 0;
}
