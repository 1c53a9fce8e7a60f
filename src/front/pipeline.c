/* pipeline: ROUTER, many requests in flight from each peer, answered in any order.
 *
 * A message is an envelope (the routing id libzmq puts in front, what the peer's sockets add, an empty frame)
 * and a body. The envelope is kept in a slot until the reply; a token names the slot. As with REP, a message
 * whose empty frame is missing or has nothing behind it is dropped: there is nobody who would understand an
 * answer. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "front_private.h"

/* Each frame is kept as two bytes of length, most significant first, and its bytes. */
#define FRAME_HEADER 2

static int append_frame(struct buf *envelope, zmq_msg_t *frame)
{
    size_t size = zmq_msg_size(frame);
    uint8_t header[FRAME_HEADER] = {(uint8_t)(size >> 8), (uint8_t)size};

    if (buf_append(envelope, header, sizeof header) < 0)
        return ERR_TOO_LARGE;
    return buf_append(envelope, zmq_msg_data(frame), size);
}

/* Reads frames up to the empty one into the envelope. Whatever it returns, `more` tells whether frames of
 * this message are left. */
static int receive_envelope(void *socket, zmq_msg_t *frame, struct buf *envelope, bool *more)
{
    size_t frames = 1; /* the routing id is in `frame` */
    size_t bytes = 0;

    for (;;) {
        bool delimiter = frames > 1 && zmq_msg_size(frame) == 0;

        *more = zmq_msg_more(frame);
        bytes += zmq_msg_size(frame);
        if (bytes > FRONT_ENVELOPE_BYTES_MAX || append_frame(envelope, frame) < 0)
            return ERR_TOO_LARGE;
        if (delimiter)
            return *more ? 0 : ERR_MALFORMED;
        if (!*more)
            return ERR_MALFORMED;
        if (frames == FRONT_ENVELOPE_FRAMES_MAX)
            return ERR_TOO_LARGE;
        if (!front_receive(socket, frame)) {
            *more = false;
            return ERR_MALFORMED;
        }
        frames++;
    }
}

/* Sends the reply behind its envelope. libzmq finds the peer by the first frame; once it has taken that it
 * takes the rest, or forgets all of it when the peer goes meanwhile. */
static void send_reply(struct front *front, struct slice envelope, struct slice reply)
{
    const uint8_t *at = envelope.data, *end = at + envelope.length;
    int errnum = 0;

    while (at < end && !errnum) {
        size_t size = (size_t)at[0] << 8 | at[1];

        errnum = front_send_copy(front->pipeline, slice_of(at + FRAME_HEADER, size), true);
        at += FRAME_HEADER + size;
    }
    if (!errnum)
        errnum = front_send_copy(front->pipeline, reply, false);
    if (errnum) {
        front->counts.replies_lost++;
        log_debug("front", "a reply on pipeline found no way to its peer: %s", zmq_strerror(errnum));
    }
}

/* Keeps the envelope in a slot, and returns the token; 0 when too many are waiting. */
static front_token slot_take(struct front *front, const struct buf *envelope, bool json)
{
    uint32_t place;
    struct slot *slot;

    if (front->waiting == FRONT_WAITING_MAX)
        return 0;
    if (front->free_place) {
        place = front->free_place;
        front->free_place = front->slots[place - 1].next_free;
    } else {
        if (front->slot_count == front->slot_capacity) {
            front->slot_capacity = front->slot_capacity ? 2 * front->slot_capacity : 64;
            front->slots = alloc_resize(front->slots, front->slot_capacity, sizeof *front->slots);
        }
        place = ++front->slot_count;
        front->slots[place - 1] = (struct slot){.generation = 0};
    }
    slot = &front->slots[place - 1];
    if (++slot->generation == 0)
        slot->generation = 1;
    slot->envelope = alloc_bytes(envelope->length);
    memcpy(slot->envelope, envelope->data, envelope->length);
    slot->length = envelope->length;
    slot->next_free = 0;
    slot->json = json;
    front->waiting++;
    return front_token_make(slot->generation, place);
}

/* Whether a message was there. */
static bool handle_message(struct front *front)
{
    struct buf *envelope = &front->envelope;
    zmq_msg_t frame;
    bool more = false;
    front_token token;

    zmq_msg_init(&frame);
    if (!front_receive(front->pipeline, &frame)) {
        zmq_msg_close(&frame);
        return false;
    }
    buf_consume(envelope, envelope->length);
    if (receive_envelope(front->pipeline, &frame, envelope, &more) < 0) {
        while (more && front_receive(front->pipeline, &frame))
            more = zmq_msg_more(&frame);
        front->counts.without_envelope++;
        log_debug("front", "a message on pipeline has no envelope that can be answered");
    } else {
        size_t parts = front_receive_body(front->pipeline, &frame);
        struct slice body = slice_of(zmq_msg_data(&frame), zmq_msg_size(&frame));
        bool json = front_is_json(body);

        token = slot_take(front, envelope, json);
        if (token) {
            front_handle_body(front, token, &frame, parts);
        } else {
            struct error err;
            struct buf refusal, text;

            error_set(&err, ERR_UNAVAILABLE, "%d requests are waiting for their replies", FRONT_WAITING_MAX);
            buf_init(&refusal, 0);
            buf_init(&text, 0);
            front_refuse(body, ZMESOS__V1__CODE__UNAVAILABLE, &err, true, &refusal);
            front->counts.refused++;
            if (json)
                front_json_reply(slice_of(refusal.data, refusal.length), &text);
            send_reply(front, slice_of(envelope->data, envelope->length),
                    json ? slice_of(text.data, text.length) : slice_of(refusal.data, refusal.length));
            buf_clear(&text);
            buf_clear(&refusal);
        }
    }
    zmq_msg_close(&frame);
    return true;
}

bool front_handle_pipeline(struct front *front)
{
    int count;

    for (count = 0; count < FRONT_TURN_MAX; count++) {
        if (!handle_message(front))
            return false;
    }
    return true;
}

void front_reply_pipeline(struct front *front, uint32_t generation, uint32_t place, struct slice reply)
{
    struct slot *slot;

    if (place > front->slot_count)
        return;
    slot = &front->slots[place - 1];
    if (generation != slot->generation || !slot->envelope)
        return;
    send_reply(front, slice_of(slot->envelope, slot->length), reply);
    free(slot->envelope);
    slot->envelope = NULL;
    slot->next_free = front->free_place;
    front->free_place = place;
    front->waiting--;
}

void front_init_pipeline(struct front *front)
{
    buf_init(&front->envelope, FRONT_ENVELOPE_BYTES_MAX + FRAME_HEADER * FRONT_ENVELOPE_FRAMES_MAX);
}

void front_clear_pipeline(struct front *front)
{
    uint32_t i;

    for (i = 0; i < front->slot_count; i++)
        free(front->slots[i].envelope);
    free(front->slots);
    front->slots = NULL;
    front->slot_count = front->slot_capacity = 0;
    buf_clear(&front->envelope);
}
