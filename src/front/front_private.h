/* What the files of this folder share. */
#ifndef FRONT_PRIVATE_H
#define FRONT_PRIVATE_H

#include "base/buf.h"
#include "front/front.h"

#define FRONT_TURN_MAX 64 /* messages read from one socket before the others get their turn */

/* A token is a generation (upper half, never 0) and a place (lower half): place 0 is control, others are
 * slots of the pipeline. A token that is answered twice finds another generation and is dropped. */
#define FRONT_PLACE_CONTROL 0u

struct slot {
    uint32_t generation;
    uint32_t next_free; /* place, or 0; of a free slot */
    bool json;          /* the request is */
    uint8_t *envelope;  /* each frame: two bytes of length, then the bytes; NULL in a free slot */
    size_t length;
};

struct front {
    void *context;
    struct front_callbacks callbacks;
    struct front_counts counts;

    void *control;
    char *control_endpoint;
    uint32_t control_generation;
    bool control_json;    /* the request that waits is, and so will be its reply */
    bool control_waiting; /* a request was handed on and not answered: REP has nothing to read until then */

    void *pipeline;
    char *pipeline_endpoint;
    struct slot *slots; /* place 1 is slots[0] */
    uint32_t slot_count, slot_capacity;
    uint32_t free_place; /* first of the free slots, or 0 */
    uint32_t waiting;
    struct buf envelope; /* of the message being read */

    void *events;
    char *events_endpoint;
    void *events_json; /* NULL: there is none */
    char *events_json_endpoint;
};

static inline front_token front_token_make(uint32_t generation, uint32_t place)
{
    return (front_token)generation << 32 | place;
}

/* Reads a frame that is there. Never waits: REP wakes the poll for messages it then throws away. */
bool front_receive(void *socket, zmq_msg_t *frame) MUST_CHECK;

/* Reads the frames behind an envelope: keeps the first one in `body` (initialised), throws away others and
 * returns how many there were. */
size_t front_receive_body(void *socket, zmq_msg_t *body);

/* Sends a frame of ours. Returns 0 or errno; the message is closed either way. */
int front_send(void *socket, zmq_msg_t *frame, bool more) MUST_CHECK;
int front_send_copy(void *socket, struct slice bytes, bool more) MUST_CHECK;

/* Decodes and hands on, or answers at once. */
void front_handle_body(struct front *front, front_token token, zmq_msg_t *body, size_t parts);

/* Each returns whether something may be left. */
bool front_handle_control(struct front *front);
bool front_handle_pipeline(struct front *front);
bool front_handle_events(void *socket); /* either of the two */

void front_reply_control(struct front *front, uint32_t generation, struct slice reply);
void front_reply_pipeline(struct front *front, uint32_t generation, uint32_t place, struct slice reply);
void front_init_pipeline(struct front *front);
void front_clear_pipeline(struct front *front); /* frees the slots */

void front_publish_on(void *socket, const char *topic, struct blob *header, struct blob *body);

/* Whether a body is to be read as JSON. */
bool front_is_json(struct slice bytes);

/* Of text that may be broken: the id, malloc'ed, or NULL, and the version where there is one. */
char *front_json_id(struct slice text);
bool front_json_version(struct slice text, uint64_t *version);

/* The request, packed. ERR_NOT_FOUND: it has no operation that is known; else what json_to_packed() returns.
 */
int front_json_request(struct slice text, struct buf *packed, struct error *err) MUST_CHECK;

/* A packed Reply as JSON. */
void front_json_reply(struct slice reply, struct buf *text);

/* Turns the body of a message of `parts` body frames into a request. Returns NULL when it is none, and then
 * `refusal` (initialised) holds the packed Reply. Freed with zmesos__v1__request__free_unpacked(). */
Zmesos__V1__Request *front_decode(struct slice bytes, size_t parts, struct buf *refusal) MUST_CHECK;

/* The same for a body that is JSON; appends the request packed, as it was then decoded, to `packed`. */
Zmesos__V1__Request *front_decode_json(
        struct slice text, size_t parts, struct buf *packed, struct buf *refusal) MUST_CHECK;

/* A packed Reply that says no to `bytes`, packed or JSON, with the request id as far as it can be read. */
void front_refuse(
        struct slice bytes, Zmesos__V1__Code code, const struct error *err, bool retry, struct buf *refusal);

#endif
