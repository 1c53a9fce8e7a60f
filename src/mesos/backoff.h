/* How long to wait before the next attempt: doubling ceilings, and below them a uniformly random delay, so
 * that many schedulers do not come back to a restarted master all at once. */
#ifndef MESOS_BACKOFF_H
#define MESOS_BACKOFF_H

#include <stdint.h>

struct master_backoff {
    int64_t min_ms, max_ms;
    uint64_t random; /* state of a generator of our own: the same seed gives the same delays */
    unsigned steps;  /* delays taken since the last reset */
};

/* 1 <= min_ms <= max_ms. */
void master_backoff_init(struct master_backoff *backoff, int64_t min_ms, int64_t max_ms, uint64_t seed);

/* The most that the next delay can be. */
int64_t master_backoff_ceiling(const struct master_backoff *backoff);

/* A delay of 1 ms to the ceiling, which doubles with it. */
int64_t master_backoff_next(struct master_backoff *backoff);

void master_backoff_reset(struct master_backoff *backoff);

#endif
