/* libcurl inside somebody else's loop: its sockets in one epoll descriptor, its timers as one deadline.
 * Transfers run in pools that share no connection, so that ordered calls have theirs for themselves. */
#ifndef MESOS_REACTOR_H
#define MESOS_REACTOR_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "mesos/master.h"

enum master_pool_name { MASTER_POOL_STREAM, MASTER_POOL_ORDERED, MASTER_POOL_LOOSE, MASTER_POOLS };

struct master_reactor;

struct master_pool {
    struct master_reactor *reactor;
    uint32_t index;
    CURLM *multi;
};

struct master_reactor {
    int epoll_fd;
    struct master_pool pools[MASTER_POOLS];
};

/* Must stay where it is, and be cleared also after a failure. ERR_IO or ERR_UNAVAILABLE. */
int master_reactor_init(struct master_reactor *reactor, struct error *err) MUST_CHECK;
void master_reactor_clear(struct master_reactor *reactor);

/* A handle with everything that all our transfers have in common: plain HTTP/1.1 POST, no redirects, no
 * proxies, no signals, our credentials. NULL without memory. The caller cleans it up. `words` has
 * CURL_ERROR_SIZE bytes. */
CURL *master_reactor_easy(const struct master_config *config, char *words);

/* The same handle with another secret. */
void master_reactor_set_secret(CURL *easy, const char *secret);

void master_reactor_add(struct master_reactor *reactor, enum master_pool_name pool, CURL *easy);

/* Gives a transfer up; its connection is closed. Not from inside a callback of libcurl's. */
void master_reactor_remove(struct master_reactor *reactor, enum master_pool_name pool, CURL *easy);

/* Serves the sockets that are ready, without waiting, and the timers that are due. */
void master_reactor_turn(struct master_reactor *reactor);

/* Serves the timers that are due: a transfer just added begins. */
void master_reactor_kick(struct master_reactor *reactor);

/* The next transfer that has ended, removed already; NULL: none. */
CURL *master_reactor_finished(struct master_reactor *reactor, CURLcode *result);

/* Milliseconds until a timer is due; -1: none. */
int64_t master_reactor_wait_ms(const struct master_reactor *reactor);

/* Adds a line to a list of headers; ends the process without memory, as alloc.h does. */
struct curl_slist *master_headers_append(struct curl_slist *headers, const char *line);

/* Whether this result says that what answers speaks no HTTP. */
bool master_result_is_garbage(CURLcode result);

#endif
