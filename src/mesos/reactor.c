/* curl_multi_socket_action with epoll. Timers are asked for after each turn (curl_multi_timeout) instead of
 * being told by a callback: libcurl tells a timer once, and forgets that it did when it is served too early.
 */
#include "reactor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

#define EVENTS_A_TURN 64

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *known)
{
    struct master_pool *pool = context;
    struct epoll_event event = {.data.u64 = (uint64_t)pool->index << 32 | (uint32_t)fd};
    int epoll_fd = pool->reactor->epoll_fd;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        /* It may be closed already, and has left the set with that. */
        (void)epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, &event);
        return 0;
    }
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT) {
        event.events |= EPOLLIN;
    }
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT) {
        event.events |= EPOLLOUT;
    }
    if (epoll_ctl(epoll_fd, known != NULL ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) < 0) {
        int other = errno == EEXIST ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

        if ((errno != EEXIST && errno != ENOENT) || epoll_ctl(epoll_fd, other, fd, &event) < 0) {
            /* The transfer will run into its time limit. */
            log_error("mesos", "cannot watch a socket: %s", strerror(errno));
        }
    }
    curl_multi_assign(pool->multi, fd, pool);
    return 0;
}

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)context;
    (void)purpose;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

int master_reactor_init(struct master_reactor *reactor, struct error *err)
{
    static const long connections_kept[MASTER_POOLS] = {1, 1, 4};

    *reactor = (struct master_reactor){.epoll_fd = -1};
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return error_set(err, ERR_UNAVAILABLE, "libcurl cannot be initialised");
    }
    reactor->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (reactor->epoll_fd < 0) {
        return error_set_errno(err, errno, "cannot make an epoll descriptor");
    }
    for (uint32_t i = 0; i < MASTER_POOLS; ++i) {
        struct master_pool *pool = &reactor->pools[i];

        *pool = (struct master_pool){.reactor = reactor, .index = i, .multi = curl_multi_init()};
        if (pool->multi == NULL) {
            return error_set(err, ERR_UNAVAILABLE, "libcurl has no memory");
        }
        curl_multi_setopt(pool->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
        curl_multi_setopt(pool->multi, CURLMOPT_SOCKETDATA, pool);
        curl_multi_setopt(pool->multi, CURLMOPT_MAXCONNECTS, connections_kept[i]);
    }
    return 0;
}

void master_reactor_clear(struct master_reactor *reactor)
{
    for (size_t i = 0; i < MASTER_POOLS; ++i) {
        if (reactor->pools[i].multi != NULL) {
            curl_multi_cleanup(reactor->pools[i].multi);
        }
    }
    if (reactor->epoll_fd >= 0) {
        close(reactor->epoll_fd);
    }
    *reactor = (struct master_reactor){.epoll_fd = -1};
    curl_global_cleanup();
}

CURL *master_reactor_easy(const struct master_config *config, char *words)
{
    CURL *easy = curl_easy_init();
    int failed = 0;

    if (easy == NULL) {
        return NULL;
    }
    failed |= (int)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, words);
    failed |= (int)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    failed |= (int)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
    failed |= (int)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    failed |= (int)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    failed |= (int)curl_easy_setopt(easy, CURLOPT_POST, 1L);
    /* An empty proxy is none; unset would mean the environment's. */
    failed |= (int)curl_easy_setopt(easy, CURLOPT_PROXY, "");
    failed |= (int)curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    failed |= (int)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    /* A thread that still looks up a name when its time is over goes on alone and cleans up behind itself;
     * else libcurl would wait for it, and we for libcurl, for as long as a name server is silent. */
    failed |= (int)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    failed |= (int)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)config->connect_timeout_ms);
    if (config->principal != NULL && config->secret != NULL) {
        /* Basic alone: sent at once, without asking first what the master would like. */
        failed |= (int)curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        failed |= (int)curl_easy_setopt(easy, CURLOPT_USERNAME, config->principal);
        failed |= (int)curl_easy_setopt(easy, CURLOPT_PASSWORD, config->secret);
    }
    if (failed != 0) {
        curl_easy_cleanup(easy);
        return NULL;
    }
    return easy;
}

void master_reactor_set_secret(CURL *easy, const char *secret)
{
    if (curl_easy_setopt(easy, CURLOPT_PASSWORD, secret) != CURLE_OK) {
        abort(); /* there is no memory */
    }
}

void master_reactor_add(struct master_reactor *reactor, enum master_pool_name pool, CURL *easy)
{
    CURLMcode result = curl_multi_add_handle(reactor->pools[pool].multi, easy);

    if (result != CURLM_OK) {
        /* Only memory or a misuse of ours can be the cause; neither can be waited out. */
        log_error("mesos", "libcurl takes no transfer: %s", curl_multi_strerror(result));
        abort();
    }
}

void master_reactor_remove(struct master_reactor *reactor, enum master_pool_name pool, CURL *easy)
{
    curl_multi_remove_handle(reactor->pools[pool].multi, easy);
}

void master_reactor_turn(struct master_reactor *reactor)
{
    struct epoll_event events[EVENTS_A_TURN];
    int count = epoll_wait(reactor->epoll_fd, events, EVENTS_A_TURN, 0);
    int running;

    for (int i = 0; i < count; ++i) {
        struct master_pool *pool = &reactor->pools[events[i].data.u64 >> 32];
        int ready = 0;

        /* After an error, reading and writing both tell it better than CURL_CSELECT_ERR does. */
        if (events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP)) {
            ready |= CURL_CSELECT_IN;
        }
        if (events[i].events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) {
            ready |= CURL_CSELECT_OUT;
        }
        curl_multi_socket_action(
                pool->multi, (curl_socket_t)(events[i].data.u64 & UINT32_MAX), ready, &running);
    }
    master_reactor_kick(reactor);
}

void master_reactor_kick(struct master_reactor *reactor)
{
    for (size_t i = 0; i < MASTER_POOLS; ++i) {
        long wait_ms = -1;
        int running;

        curl_multi_timeout(reactor->pools[i].multi, &wait_ms);
        if (wait_ms == 0) {
            curl_multi_socket_action(reactor->pools[i].multi, CURL_SOCKET_TIMEOUT, 0, &running);
        }
    }
}

CURL *master_reactor_finished(struct master_reactor *reactor, CURLcode *result)
{
    for (size_t i = 0; i < MASTER_POOLS; ++i) {
        CURLMsg *message;
        int left;

        while ((message = curl_multi_info_read(reactor->pools[i].multi, &left)) != NULL) {
            CURL *easy = message->easy_handle;

            if (message->msg == CURLMSG_DONE) {
                *result = message->data.result;
                curl_multi_remove_handle(reactor->pools[i].multi, easy);
                return easy;
            }
        }
    }
    return NULL;
}

int64_t master_reactor_wait_ms(const struct master_reactor *reactor)
{
    int64_t soonest = -1;

    for (size_t i = 0; i < MASTER_POOLS; ++i) {
        long wait_ms = -1;

        curl_multi_timeout(reactor->pools[i].multi, &wait_ms);
        if (wait_ms >= 0 && (soonest < 0 || wait_ms < soonest)) {
            soonest = wait_ms;
        }
    }
    return soonest;
}

struct curl_slist *master_headers_append(struct curl_slist *headers, const char *line)
{
    struct curl_slist *longer = curl_slist_append(headers, line);

    if (longer == NULL) {
        log_error("mesos", "out of memory");
        _exit(70);
    }
    return longer;
}

bool master_result_is_garbage(CURLcode result)
{
    return result == CURLE_WEIRD_SERVER_REPLY || result == CURLE_UNSUPPORTED_PROTOCOL ||
           result == CURLE_BAD_CONTENT_ENCODING;
}
