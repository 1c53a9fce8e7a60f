/* A front on free ports of 127.0.0.1 and real clients around it, all in one thread: rig_wait() turns the
 * front until the clients see what they wait for. */
#ifndef RIG_H
#define RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "front/front.h"

#define RIG_PATIENCE_MS 60000 /* a wait that takes longer fails the test */

struct rig_request {
    front_token token;
    char id[160];
};

struct rig {
    struct front *front;
    void *context; /* of the clients */
    struct rig_request *requests;
    size_t count, capacity;
    bool answer; /* at once, in the callback, with OK */
};

void rig_init(struct rig *rig, int events_hwm);
void rig_init_json(struct rig *rig); /* with events as JSON too */
void rig_clear(struct rig *rig);

/* Client sockets: linger 0, connected. */
void *rig_connect(struct rig *rig, int type, const char *endpoint);

/* One turn of the front: waits a moment for something to come, handles it. Returns what front_handle() did.
 */
bool rig_turn(struct rig *rig, bool reading);

/* Turns the front until `requests` were handed to the callback since the start. */
void rig_wait_requests(struct rig *rig, size_t requests);
void rig_wait_readable(struct rig *rig, void *client);

/* Turns the front a few times without anything to wait for: for what must *not* happen. A request sent on a
 * second path and answered proves that time has passed. */
void rig_answer(struct rig *rig, size_t request);

/* Packs a ping with this id (NULL: none). Returns its length. */
size_t rig_ping(const char *id, uint8_t *out, size_t capacity);
void rig_send_ping(void *client, const char *id);
void rig_send(void *client, const void *data, size_t length, bool more);

/* Receives one frame of a client into a malloc'ed buffer, ended with NUL. */
uint8_t *rig_receive(struct rig *rig, void *client, size_t *length, bool *more);

/* Receives a reply of one frame; checks id (NULL: absent) and code. The caller frees it. */
Zmesos__V1__Reply *rig_receive_reply(struct rig *rig, void *client, const char *id, Zmesos__V1__Code code);
void rig_expect_reply(struct rig *rig, void *client, const char *id, Zmesos__V1__Code code);

/* The monitor of a client socket; rig_wait_event() turns the front until the event came. */
void *rig_monitor(struct rig *rig, void *client, int events);
void rig_wait_event(struct rig *rig, void *monitor, int event);

#endif
