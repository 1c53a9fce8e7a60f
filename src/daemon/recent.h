/* The newest journaled publications of each class, in memory: most replays never come to the disk. */
#ifndef DAEMON_RECENT_H
#define DAEMON_RECENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/blob.h"

#define RECENT_CLASSES 64                   /* classes have smaller numbers */
#define RECENT_BYTES_MAX ((size_t)32 << 20) /* of one class, unless recent_init() says otherwise */

struct recent_event {
    char *topic;
    struct blob *header, *body;
    size_t bytes;
};

/* A ring: the events up to the head, without a hole. */
struct recent_class {
    struct recent_event *events;
    size_t first, count, capacity, bytes;
    uint64_t head; /* the last number given; 0: none */
};

struct recent {
    size_t bytes_max;
    struct recent_class classes[RECENT_CLASSES];
};

void recent_init(struct recent *recent, size_t bytes_max);
void recent_clear(struct recent *recent);

/* The number at which a class went on; no event is known. */
void recent_begin(struct recent *recent, int class, uint64_t head);

/* The next event of a class; takes references. */
void recent_add(struct recent *recent, int class, uint64_t number, const char *topic, struct blob *header,
        struct blob *body);

uint64_t recent_head(const struct recent *recent, int class);
uint64_t recent_first(const struct recent *recent, int class); /* head + 1: none is here */

/* One that is between both. Borrowed until the next recent_add(). */
const struct recent_event *recent_get(const struct recent *recent, int class, uint64_t number);

#endif
