/* See http.h. MHD calls handle_part() several times for a request: for its head, for parts of its body, at
 * its end, and again after each resume. A suspended connection is not polled by MHD, so that a client's
 * leaving is seen by a watch of ours on the same socket. */
#include "http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"

#define CONNECTION_MEMORY ((size_t)32 << 10) /* MHD clears all of it after each request */
#define CONNECTIONS_MAX 10000u

struct http {
    struct loop *loop;
    struct MHD_Daemon *daemon;
    struct MHD_Response *empty;
    http_handler *handler;
    void *context;
    struct list requests;
    struct list streams;
    struct watch watch; /* MHD's own epoll descriptor */
    bool stalled;
    bool closing;
    bool resumed; /* a connection goes on, and MHD, which has no thread here, wakes nobody for it */
};

struct list *http_streams(struct http *http)
{
    return &http->streams;
}

struct loop *http_loop(struct http *http)
{
    return http->loop;
}

void http_stall_streams(struct http *http, bool stalled)
{
    http->stalled = stalled;
    for (struct list_link *link = list_first(&http->streams); link != NULL;
            link = list_next(&http->streams, link))
        if (!stalled)
            http_stream_wake((struct http_stream *)(void *)link);
}

bool http_stalled(const struct http *http)
{
    return http->stalled;
}

static void request_destroy(struct http_request *request)
{
    loop_unwatch(request->http->loop, &request->watch);
    loop_stop_timer(request->http->loop, &request->timer);
    list_remove(&request->http->requests, &request->link);
    if (request->copied) {
        const char *texts[] = {request->method, request->path, request->content_type, request->accept,
                request->stream_id, request->authorization};
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
            free((void *)(uintptr_t)texts[i]);
    }
    if (request->response != NULL && request->response != request->http->empty)
        MHD_destroy_response(request->response);
    buf_clear(&request->body);
    free(request);
}

static void completed(
        void *context, struct MHD_Connection *connection, void **place, enum MHD_RequestTerminationCode why)
{
    (void)context;
    (void)connection;
    (void)why;
    struct http_request *request = *place;
    if (request == NULL)
        return;
    *place = NULL;
    loop_unwatch(request->http->loop, &request->watch);
    request->connection = NULL;
    if (request->stream != NULL)
        http_stream_completed(request->stream);
    request->stream = NULL;
    if (request->claims == 0)
        request_destroy(request);
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static struct http_request *request_create(
        struct http *http, struct MHD_Connection *connection, const char *path, const char *method)
{
    struct http_request *request = alloc_zeroed(1, sizeof(*request));
    request->http = http;
    request->connection = connection;
    request->method = method;
    request->path = path;
    request->content_type = header(connection, "Content-Type");
    request->accept = header(connection, "Accept");
    request->stream_id = header(connection, "Mesos-Stream-Id");
    request->authorization = header(connection, "Authorization");
    request->watch.fd = -1;
    buf_init(&request->body, HTTP_BODY_MAX);
    list_append(&http->requests, &request->link);
    return request;
}

static enum MHD_Result queue_answer(struct http_request *request)
{
    if (request->response == NULL)
        return MHD_NO; /* held without an answer: the connection ends */
    return MHD_queue_response(request->connection, request->status, request->response);
}

static enum MHD_Result handle_part(void *context, struct MHD_Connection *connection, const char *path,
        const char *method, const char *version, const char *data, size_t *length, void **place)
{
    (void)version;
    struct http *http = context;
    struct http_request *request = *place;
    if (request == NULL) {
        *place = request_create(http, connection, path, method);
        return MHD_YES;
    }
    if (*length > 0) {
        if (!request->too_large && buf_append(&request->body, data, *length) != 0) {
            request->too_large = true;
            buf_clear(&request->body);
        }
        *length = 0;
        return MHD_YES;
    }
    if (http->closing)
        return MHD_NO;
    if (!request->held && request->response == NULL) {
        http->handler(http->context, request);
        if (request->held)
            return MHD_YES;
    }
    return queue_answer(request);
}

static void logger(void *context, const char *format, va_list arguments)
{
    char line[512];
    (void)context;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    vsnprintf(line, sizeof(line), format, arguments);
#pragma GCC diagnostic pop
    log_debug("http", "%s", line);
}

static int listen_on(const char *ip, uint16_t port, int *listener, uint16_t *bound, struct error *err)
{
    int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t length = sizeof(address);
    if (inet_pton(AF_INET, ip, &address.sin_addr) != 1)
        return error_set(err, ERR_INVALID, "'%s' is no IPv4 address", ip);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return error_set_errno(err, errno, "socket");
    /* Accepted sockets inherit the second one. */
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 1024) != 0 ||
            getsockname(fd, (struct sockaddr *)&address, &length) != 0) {
        int code = error_set_errno(err, errno, "cannot listen on %s:%u", ip, port);
        close(fd);
        return code;
    }
    *listener = fd;
    *bound = ntohs(address.sin_port);
    return 0;
}

/* Nothing to do at once: http_run comes in every turn. */
static void mhd_ready(struct watch *watch, uint32_t events)
{
    (void)watch;
    (void)events;
}

int http_create(struct loop *loop, const char *ip, uint16_t port, http_handler *handler, void *context,
        struct http **made, uint16_t *bound, struct error *err)
{
    int listener = -1;
    uint16_t bound_port = 0;
    int code = listen_on(ip, port, &listener, &bound_port, err);
    if (code != 0)
        return code;
    struct http *http = alloc_zeroed(1, sizeof(*http));
    http->loop = loop;
    http->handler = handler;
    http->context = context;
    http->watch = (struct watch){.fd = -1, .ready = mhd_ready};
    list_init(&http->requests);
    list_init(&http->streams);
    http->empty = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    http->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL,
            NULL, handle_part, http, MHD_OPTION_EXTERNAL_LOGGER, logger, NULL, MHD_OPTION_LISTEN_SOCKET,
            listener, MHD_OPTION_NOTIFY_COMPLETED, completed, http, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
            CONNECTION_MEMORY, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, MHD_OPTION_END);
    if (http->empty == NULL || http->daemon == NULL) {
        code = error_set(err, ERR_IO, "the HTTP server does not start");
        if (http->daemon == NULL)
            close(listener);
        http_destroy(http);
        return code;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    code = loop_watch(loop, &http->watch, info->epoll_fd, EPOLLIN, err);
    if (code != 0) {
        http_destroy(http);
        return code;
    }
    *made = http;
    *bound = bound_port;
    return 0;
}

void http_destroy(struct http *http)
{
    if (http == NULL)
        return;
    loop_unwatch(http->loop, &http->watch);
    http->closing = true;
    for (struct list_link *link = list_first(&http->streams); link != NULL;) {
        struct list_link *next = list_next(&http->streams, link);
        http_stream_end((struct http_stream *)(void *)link, true);
        link = next;
    }
    for (struct list_link *link = list_first(&http->requests); link != NULL;
            link = list_next(&http->requests, link)) {
        struct http_request *request = list_item(link, struct http_request, link);
        if (request->suspended)
            http_resume(http, request->connection);
        request->suspended = false;
    }
    if (http->daemon != NULL)
        MHD_stop_daemon(http->daemon);
    for (struct list_link *link; (link = list_first(&http->requests)) != NULL;)
        request_destroy(list_item(link, struct http_request, link));
    if (http->empty != NULL)
        MHD_destroy_response(http->empty);
    free(http);
}

void http_resume(struct http *http, struct MHD_Connection *connection)
{
    http->resumed = true;
    MHD_resume_connection(connection);
}

void http_run(struct http *http)
{
    http->resumed = false;
    MHD_run(http->daemon);
}

int64_t http_wait_ms(struct http *http)
{
    MHD_UNSIGNED_LONG_LONG wait;
    if (http->resumed)
        return 0;
    if (MHD_get_timeout(http->daemon, &wait) != MHD_YES)
        return -1;
    return wait > 1000 ? 1000 : (int64_t)wait;
}

static void resume(struct http_request *request)
{
    loop_unwatch(request->http->loop, &request->watch);
    if (request->suspended && request->connection != NULL)
        http_resume(request->http, request->connection);
    request->suspended = false;
}

static void answer(struct http_request *request, unsigned status, struct MHD_Response *response)
{
    if (request->response != NULL) { /* answered already: nothing may be said twice */
        if (response != request->http->empty)
            MHD_destroy_response(response);
        return;
    }
    request->status = status;
    request->response = response;
}

void http_reply(struct http_request *request, unsigned status, const char *content_type, const void *body,
        size_t length, const struct http_header *headers)
{
    struct MHD_Response *response =
            MHD_create_response_from_buffer(length, (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);
    if (content_type != NULL)
        MHD_add_response_header(response, "Content-Type", content_type);
    for (; headers != NULL && headers->name != NULL; headers++)
        MHD_add_response_header(response, headers->name, headers->value);
    answer(request, status, response);
}

void http_reply_empty(struct http_request *request, unsigned status)
{
    answer(request, status, request->http->empty);
}

void http_forget_reply(struct http_request *request)
{
    if (request->response != NULL && request->response != request->http->empty)
        MHD_destroy_response(request->response);
    request->stream = NULL;
    request->response = NULL;
    request->status = 0;
}

static void client_left(struct watch *watch, uint32_t events)
{
    (void)events;
    resume((struct http_request *)(void *)((char *)watch - offsetof(struct http_request, watch)));
}

/* NULL stays NULL. */
static const char *copied(const char *text)
{
    return alloc_string(text);
}

/* The texts are ours then, and stay when MHD frees its own. */
static void copy_texts(struct http_request *request)
{
    if (request->copied)
        return;
    request->method = copied(request->method);
    request->path = copied(request->path);
    request->content_type = copied(request->content_type);
    request->accept = copied(request->accept);
    request->stream_id = copied(request->stream_id);
    request->authorization = copied(request->authorization);
    request->copied = true;
}

struct http_request *http_copy(const struct http_request *request)
{
    struct http_request *copy = alloc_zeroed(1, sizeof(*copy));
    copy->http = request->http;
    copy->method = request->method;
    copy->path = request->path;
    copy->content_type = request->content_type;
    copy->accept = request->accept;
    copy->stream_id = request->stream_id;
    copy->authorization = request->authorization;
    copy_texts(copy);
    copy->too_large = request->too_large;
    copy->held = true;
    copy->claims = 1;
    copy->watch.fd = -1;
    buf_init(&copy->body, 0); /* it fitted once */
    if (buf_append(&copy->body, request->body.data, request->body.length) != 0)
        buf_clear(&copy->body);
    list_append(&copy->http->requests, &copy->link);
    return copy;
}

void http_hold(struct http_request *request, bool claim)
{
    request->held = true;
    if (claim)
        request->claims++;
    else
        request->open = true;
    copy_texts(request);
    if (request->connection == NULL || request->suspended)
        return;
    const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    request->watch.ready = client_left;
    struct error err;
    if (request->stream == NULL && /* which watches that socket itself */
            loop_watch(request->http->loop, &request->watch, info->connect_fd, EPOLLRDHUP, &err) != 0)
        log_warn("http", "%s", err.text);
    MHD_suspend_connection(request->connection);
    request->suspended = true;
}

void http_release(struct http_request *request)
{
    if (--request->claims > 0)
        return;
    if (request->connection == NULL)
        request_destroy(request);
    else if (!request->open)
        resume(request);
}
