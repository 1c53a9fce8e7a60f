/* Bodies that go on: MHD asks for bytes, and we suspend its connection while there are none. The stream is
 * freed by MHD's reader-is-done callback, which comes when neither the connection nor the response needs it.
 */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/log.h"
#include "http.h"

struct http_stream {
    struct list_link link; /* first: http_destroy walks the list */
    struct http *http;
    struct MHD_Connection *connection; /* NULL: over */
    struct buf out;
    size_t taken; /* of out, by MHD */
    bool suspended;
    bool split;
    bool end;
    bool cut;
    struct watch watch;
    void (*closed)(void *owner); /* NULL: the owner has given it up, or knows */
    void *owner;
};

static void wake(struct http_stream *stream)
{
    if (stream->suspended && stream->connection != NULL) {
        stream->suspended = false;
        http_resume(stream->http, stream->connection);
    }
}

/* Breaks the connection, also one that is full because nobody reads it: the watch and MHD see that. */
static void cut_off(struct http_stream *stream)
{
    stream->cut = true;
    if (stream->connection == NULL)
        return;
    const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(stream->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    shutdown(info->connect_fd, SHUT_RDWR);
}

static void tell_owner(struct http_stream *stream)
{
    void (*closed)(void *) = stream->closed;
    stream->closed = NULL;
    if (closed != NULL)
        closed(stream->owner);
}

static ssize_t read_stream(void *context, uint64_t position, char *out, size_t max)
{
    (void)position;
    struct http_stream *stream = context;
    size_t have = stream->out.length - stream->taken;
    if (stream->cut)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (have == 0 && stream->end)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (have == 0 || http_stalled(stream->http)) {
        stream->suspended = true;
        MHD_suspend_connection(stream->connection);
        return 0;
    }
    if (stream->split)
        max = 1;
    if (have > max)
        have = max;
    memcpy(out, stream->out.data + stream->taken, have);
    stream->taken += have;
    if (stream->taken >= stream->out.length - stream->taken) { /* seldom: the rest is moved */
        buf_consume(&stream->out, stream->taken);
        stream->taken = 0;
    }
    return (ssize_t)have;
}

static void free_stream(void *context)
{
    struct http_stream *stream = context;
    tell_owner(stream); /* an answer that was never sent */
    list_remove(http_streams(stream->http), &stream->link);
    loop_unwatch(http_loop(stream->http), &stream->watch);
    buf_clear(&stream->out);
    free(stream);
}

static void client_left(struct watch *watch, uint32_t events)
{
    struct http_stream *stream =
            (struct http_stream *)(void *)((char *)watch - offsetof(struct http_stream, watch));
    (void)events;
    loop_unwatch(http_loop(stream->http), &stream->watch);
    stream->cut = true;
    wake(stream);
    tell_owner(stream);
}

struct http_stream *http_stream_open(struct http_request *request, const struct http_header *headers,
        void (*closed)(void *owner), void *owner)
{
    struct http_stream *stream = alloc_zeroed(1, sizeof(*stream));
    stream->http = request->http;
    stream->connection = request->connection;
    stream->closed = closed;
    stream->owner = owner;
    buf_init(&stream->out, HTTP_BACKLOG_MAX);
    list_append(http_streams(stream->http), &stream->link);
    stream->watch.fd = -1;
    stream->watch.ready = client_left;
    request->status = MHD_HTTP_OK;
    request->response =
            MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 65536, read_stream, stream, free_stream);
    for (; headers->name != NULL; headers++)
        MHD_add_response_header(request->response, headers->name, headers->value);
    if (request->connection == NULL) { /* held, and the client has gone meanwhile */
        stream->cut = true;
        return stream;
    }
    request->stream = stream;
    loop_unwatch(http_loop(stream->http), &request->watch);
    const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct error err;
    if (loop_watch(http_loop(stream->http), &stream->watch, info->connect_fd, EPOLLRDHUP, &err) != 0)
        log_warn("http", "%s", err.text);
    return stream;
}

void http_stream_set_owner(struct http_stream *stream, void *owner)
{
    stream->owner = owner;
}

void http_stream_write(struct http_stream *stream, const void *data, size_t length)
{
    if (stream->cut || stream->end)
        return;
    if (buf_append(&stream->out, data, length) != 0) {
        log_warn(
                "http", "a stream's reader is %zu bytes behind: cut off", stream->out.length - stream->taken);
        cut_off(stream);
    }
    wake(stream);
}

void http_stream_end(struct http_stream *stream, bool cut)
{
    stream->closed = NULL;
    stream->end = true;
    if (cut)
        cut_off(stream);
    wake(stream);
}

void http_stream_split(struct http_stream *stream, bool split)
{
    stream->split = split;
}

void http_stream_wake(struct http_stream *stream)
{
    wake(stream);
}

void http_stream_completed(struct http_stream *stream)
{
    loop_unwatch(http_loop(stream->http), &stream->watch);
    stream->connection = NULL;
    tell_owner(stream);
}
