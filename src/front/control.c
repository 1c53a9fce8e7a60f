/* control: REP, one request and its reply at a time.
 *
 * libzmq keeps the envelope. Until the reply is sent the socket is not readable, so a deferred reply needs
 * nothing of us but to leave the socket alone (reading it then is an error). REP drops the reply by itself
 * when the peer has gone. */
#include "base/log.h"
#include "front_private.h"

bool front_handle_control(struct front *front)
{
    zmq_msg_t body;
    int count;

    for (count = 0; count < FRONT_TURN_MAX && !front->control_waiting; count++) {
        size_t parts;

        zmq_msg_init(&body);
        parts = front_receive_body(front->control, &body);
        if (parts) {
            front->control_waiting = true;
            front->control_json = front_is_json(slice_of(zmq_msg_data(&body), zmq_msg_size(&body)));
            if (++front->control_generation == 0)
                front->control_generation = 1;
            front_handle_body(
                    front, front_token_make(front->control_generation, FRONT_PLACE_CONTROL), &body, parts);
        }
        zmq_msg_close(&body);
        if (!parts)
            return false;
    }
    return !front->control_waiting;
}

void front_reply_control(struct front *front, uint32_t generation, struct slice reply)
{
    int errnum;

    if (!front->control_waiting || generation != front->control_generation)
        return;
    front->control_waiting = false;
    errnum = front_send_copy(front->control, reply, false);
    if (errnum) {
        front->counts.replies_lost++;
        log_error("front", "cannot reply on control: %s", zmq_strerror(errnum));
    }
}
