/* The ZeroMQ side: its sockets, and the way from bytes to a decoded request and back.
 *
 * control (REP) and pipeline (ROUTER) take requests, events (XPUB) publishes, and a second one the same as
 * JSON. The caller polls the sockets that front_poll_items() lists and calls front_handle() when any is
 * ready; it reads at most 64 messages a socket. A message that is not a request is answered by the front
 * itself, with the code and field docs/protocol.md names; a good one goes to the request callback with a
 * token, and is answered once with front_reply(). */
#ifndef FRONT_FRONT_H
#define FRONT_FRONT_H

#include <stdint.h>
#include <zmq.h>

#include "base/blob.h"
#include "base/error.h"
#include "zmesos/v1/zmesos.pb-c.h"

#define FRONT_REQUEST_MAX ((size_t)1 << 20)  /* a request: TOO_LARGE above */
#define FRONT_MESSAGE_MAX ((int64_t)4 << 20) /* ZMQ_MAXMSGSIZE: libzmq cuts the connection above */
#define FRONT_POLL_ITEMS 4

/* Bytes of an event as JSON; the body of a larger one is an empty object. */
#define FRONT_JSON_EVENT_MAX ((size_t)256 << 20)

/* On pipeline: frames of an envelope, routing id and empty frame included, and their bytes together. A
 * message whose envelope is longer, or has no empty frame with a body behind it, cannot be answered and is
 * dropped. */
#define FRONT_ENVELOPE_FRAMES_MAX 8
#define FRONT_ENVELOPE_BYTES_MAX 4096
#define FRONT_WAITING_MAX 100000 /* unanswered requests on pipeline: UNAVAILABLE above, with retry */
#define FRONT_REPLIES_HWM 10000  /* replies kept for a peer on pipeline that does not read; dropped above */

/* Bytes of a message *to* events, that is of a subscription: libzmq cuts the connection above. */
#define FRONT_SUBSCRIPTION_MAX ((int64_t)4096)

struct front;

/* Who waits for a reply. Zero is nobody. */
typedef uint64_t front_token;

struct front_config {
    const char *control; /* endpoints to bind, as libzmq writes them; a port may be "*" */
    const char *pipeline;
    const char *events;
    const char *events_json; /* NULL, the default: none */
    int events_hwm;          /* messages kept for one slow subscriber; default 100,000 */
};

struct front_callbacks {
    void *context;
    /* `request` is borrowed for the call, and so is `bytes`, the message it was decoded from: as it came, or,
     * of a request in JSON, packed by us. */
    void (*request)(void *context, front_token token, const Zmesos__V1__Request *request, struct slice bytes);
};

/* What happened since the start. */
struct front_counts {
    uint64_t requests;         /* handed to the callback */
    uint64_t refused;          /* answered by the front itself */
    uint64_t without_envelope; /* dropped on pipeline: nobody to answer */
    uint64_t replies_lost;     /* the peer had gone or does not read */
};

void front_config_init(struct front_config *config); /* the defaults of docs/protocol.md */

/* Binds them all. ERR_CONFLICT for an address in use, ERR_INVALID for an endpoint libzmq refuses; the text
 * names it. */
int front_create(const struct front_config *config, const struct front_callbacks *callbacks,
        struct front **out, struct error *err) MUST_CHECK;

/* The endpoint really bound (with its port). Borrowed. */
const char *front_control_endpoint(const struct front *front);
const char *front_pipeline_endpoint(const struct front *front);
const char *front_events_endpoint(const struct front *front);
const char *front_events_json_endpoint(const struct front *front); /* NULL where there is none */

/* Fills the items to poll. With `reading` false only the events sockets are listed: requests stay in their
 * queues. Returns how many. */
int front_poll_items(struct front *front, bool reading, zmq_pollitem_t items[FRONT_POLL_ITEMS]);

/* Reads what is there, at most 64 messages a socket. Returns true when something may be left. With `reading`
 * false requests are left alone. */
bool front_handle(struct front *front, bool reading);

/* Sends a packed Reply to whom the token names, as JSON if the request was; a peer that has gone is
 * forgotten. */
void front_reply(struct front *front, front_token token, struct slice reply);

/* Publishes topic, header, body. The blobs are referenced, not copied, until libzmq is done with them. */
void front_publish(struct front *front, const char *topic, struct blob *header, struct blob *body);

/* Publishes the same as JSON where there is an endpoint for it: a packed EventHeader, and a packed message of
 * that type. */
void front_publish_json(struct front *front, const char *topic, struct blob *header, struct blob *body,
        const ProtobufCMessageDescriptor *type);

struct front_counts front_counts(const struct front *front);

/* Waits at most a second for peers to take their replies, and a tenth for publications. Takes NULL. */
void front_destroy(struct front *front);

#endif
