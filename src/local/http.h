/* HTTP by libmicrohttpd, run from our loop: requests with their bodies, replies, and response bodies that go
 * on for ever (streams). Nothing here knows of Mesos. */
#ifndef LOCAL_HTTP_H
#define LOCAL_HTTP_H

#include <microhttpd.h>

#include "base/buf.h"
#include "base/list.h"

#include "loop.h"

#define HTTP_BODY_MAX ((size_t)8 << 20) /* bytes of a request's body; 413 past it */
/* Bytes that are kept for a slow reader of a stream, who is cut off past it: those that wait, and at most as
 * many of those that it has taken. */
#define HTTP_BACKLOG_MAX ((size_t)512 << 20)

struct http;
struct http_stream;

struct http_request {
    struct http *http;
    struct list_link link;             /* of http's requests */
    struct MHD_Connection *connection; /* NULL: the client has gone */
    const char *method, *path;         /* borrowed from MHD; copied by http_hold */
    const char *content_type, *accept, *stream_id, *authorization; /* headers, NULL where absent; likewise */
    struct buf body;
    bool too_large; /* the body was, and was thrown away */
    bool held, suspended, copied;
    bool faulted;    /* a fault has had it: it is handled as usual now */
    bool unheard;    /* nor is what comes of it sent */
    bool open;       /* it has no answer, and its connection stays */
    unsigned claims; /* each of those who hold it calls http_release, also when the client has gone */
    struct watch watch;
    struct timer timer; /* for whoever holds it */
    void *context;      /* likewise */
    struct MHD_Response *response;
    unsigned status;
    struct http_stream *stream; /* the response is this one */
};

/* Called once a request is complete: answers it by http_reply or http_stream_open, or holds it. */
typedef void http_handler(void *context, struct http_request *request);

struct http_header {
    const char *name, *value;
};

/* Listens on ip:port (0: a free one; *bound has it). ERR_INVALID for a bad address, ERR_IO. The caller
 * destroys it. */
int http_create(struct loop *loop, const char *ip, uint16_t port, http_handler *handler, void *context,
        struct http **http, uint16_t *bound, struct error *err) MUST_CHECK;
void http_destroy(struct http *http); /* closes every connection; streams' owners are not told */

/* What MHD has to do now; call it in every turn of the loop, and wait at most http_wait_ms() (-1: for ever)
 * then. */
void http_run(struct http *http);
int64_t http_wait_ms(struct http *http);

/* Answers a request. `body` is copied. `headers` ends with an entry without name; may be NULL. */
void http_reply(struct http_request *request, unsigned status, const char *content_type, const void *body,
        size_t length, const struct http_header *headers);
void http_reply_empty(struct http_request *request, unsigned status); /* cheap */

/* Leaves the request without an answer for now. With `claim` the holder keeps it, also when the client goes
 * away, and ends that with http_release, having replied or not; after the last one's a request without a
 * reply has its connection closed. Without `claim` the connection is left open, unless the client closes it.
 */
void http_hold(struct http_request *request, bool claim);
void http_release(struct http_request *request);
struct http_request *http_copy(const struct http_request *request); /* held, claimed, its client gone */
void http_forget_reply(struct http_request *request); /* it was answered, but that will not be sent */

/* Answers 200 with a body that the owner writes. The owner gives the stream up by http_stream_end; or
 * `closed` tells it that the client has gone, and the stream is not the owner's any more. */
struct http_stream *http_stream_open(struct http_request *request, const struct http_header *headers,
        void (*closed)(void *owner), void *owner);
void http_stream_write(struct http_stream *stream, const void *data, size_t length);
void http_stream_set_owner(struct http_stream *stream, void *owner);

/* No more writes. What was written still goes out; with `cut` it does not, and the connection breaks. */
void http_stream_end(struct http_stream *stream, bool cut);

/* Misbehaviour: every byte in a chunk of its own; nothing goes out on any stream. */
void http_stream_split(struct http_stream *stream, bool split);
void http_stall_streams(struct http *http, bool stalled);

/* For stream.c. */
void http_stream_wake(struct http_stream *stream);
void http_stream_completed(struct http_stream *stream);
struct list *http_streams(struct http *http);
struct loop *http_loop(struct http *http);
bool http_stalled(const struct http *http);
void http_resume(struct http *http, struct MHD_Connection *connection); /* and runs it without delay */

#endif
