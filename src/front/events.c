/* events: XPUB, three frames a publication.
 *
 * A subscriber that does not read loses messages past the high-water mark and finds that out by the numbers
 * in the headers; with XPUB_NODROP it would stop everybody. Subscriptions come up as messages: nobody here
 * needs them, but they are read, or they would pile up. */
#include "base/log.h"
#include "front_private.h"

/* libzmq keeps messages up to this size inside its own structure: copying costs less than counting. */
#define SMALL 33

bool front_handle_events(void *socket)
{
    zmq_msg_t frame;
    int count = 0;

    zmq_msg_init(&frame);
    while (count < FRONT_TURN_MAX && front_receive(socket, &frame))
        count++;
    zmq_msg_close(&frame);
    return count == FRONT_TURN_MAX;
}

/* Called by libzmq's own thread, or by ours, when the last subscriber's copy is gone. */
static void release_blob(void *data, void *hint)
{
    (void)data;
    blob_unref(hint);
}

static int send_blob(void *socket, struct blob *blob, bool more)
{
    struct slice bytes = blob_slice(blob);
    zmq_msg_t frame;

    if (bytes.length <= SMALL)
        return front_send_copy(socket, bytes, more);
    /* libzmq does not write to a message it sends; its interface has no const. */
    if (zmq_msg_init_data(
                &frame, (void *)(uintptr_t)bytes.data, bytes.length, release_blob, blob_ref(blob)) != 0) {
        blob_unref(blob);
        return zmq_errno();
    }
    return front_send(socket, &frame, more);
}

void front_publish(struct front *front, const char *topic, struct blob *header, struct blob *body)
{
    front_publish_on(front->events, topic, header, body);
}

void front_publish_on(void *socket, const char *topic, struct blob *header, struct blob *body)
{
    int errnum = front_send_copy(socket, slice_of_string(topic), true);

    if (!errnum)
        errnum = send_blob(socket, header, true);
    if (!errnum)
        errnum = send_blob(socket, body, false);
    if (errnum)
        log_error("front", "cannot publish %s: %s", topic, zmq_strerror(errnum));
}
