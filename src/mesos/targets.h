/* Whom to ask next: the configured masters in turn, and a leader that one of them named. */
#ifndef MESOS_TARGETS_H
#define MESOS_TARGETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define MASTER_HOST_MAX 255   /* bytes of a host's name or address */
#define MASTER_TARGETS_MAX 64 /* masters in a list */
#define MASTER_PORT_DEFAULT 5050
#define MASTER_TARGET_TEXT_MAX (MASTER_HOST_MAX + 8)
#define MASTER_LOCATION_MAX 2048 /* bytes of a Location header we read */

struct master_target {
    char host[MASTER_HOST_MAX + 1]; /* an IPv6 address stands in its brackets */
    uint16_t port;
};

struct master_targets {
    struct master_target *list;
    size_t count;
    size_t next;                  /* index of the one whose turn is next */
    struct master_target current; /* the last one given out */
    struct master_target named;   /* goes before the list, once */
    bool has_named;
};

/* Reads "host[:port],...". ERR_INVALID, naming the part at fault. The caller clears. */
int master_targets_init(struct master_targets *targets, const char *text, struct error *err) MUST_CHECK;
void master_targets_clear(struct master_targets *targets);

/* Chooses the next one to ask and keeps it in `current`. */
void master_targets_advance(struct master_targets *targets);

/* The next one to ask is this leader, once. */
void master_targets_redirect(struct master_targets *targets, const struct master_target *leader);

/* The next one to ask is the current one again, once. */
void master_targets_again(struct master_targets *targets);

/* "host:port". Returns `text`. */
const char *master_target_format(const struct master_target *target, char text[MASTER_TARGET_TEXT_MAX]);

/* Reads the Location of a 307: `//HOST:PORT/...` as Mesos writes it, or the same behind "http:". The path
 * does not matter. ERR_INVALID for anything else, https included. */
int master_location_parse(const char *location, struct master_target *target, struct error *err) MUST_CHECK;

#endif
