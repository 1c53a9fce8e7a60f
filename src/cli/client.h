/* Requests and their replies over the control socket: a REQ with RELAXED and CORRELATE, so that a request can
 * be repeated when no reply comes. Repeating is safe: it is the same bytes, and the daemon answers what it
 * did already. */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include "settings.h"

struct client;

/* Connects, which waits for nobody. ERR_INVALID for an endpoint libzmq refuses. */
int client_create(const struct settings *settings, struct client **out, struct error *err) MUST_CHECK;
void client_destroy(struct client *client); /* takes NULL */

/* Sends the request with version and an id of its own, waits for the reply, sends it again now and then, also
 * when the daemon asks to try again, until the timeout is over. ERR_UNAVAILABLE when there was no reply (the
 * text tells whether anybody was there), ERR_TOO_LARGE, ERR_MALFORMED for an answer that is none. The caller
 * frees *reply with zmesos__v1__reply__free_unpacked(). A refusal is a reply. */
int client_call(struct client *client, Zmesos__V1__Request *request, Zmesos__V1__Reply **reply,
        struct error *err) MUST_CHECK;

/* The same for what is not to be done twice: sent once, and the first reply is the last. */
int client_call_once(struct client *client, Zmesos__V1__Request *request, Zmesos__V1__Reply **reply,
        struct error *err) MUST_CHECK;

/* The same in two steps, for those who wait for other things too. A new send forgets the reply to the one
 * before. */
int client_send(struct client *client, Zmesos__V1__Request *request, struct error *err) MUST_CHECK;
int client_resend(struct client *client, struct error *err) MUST_CHECK;
void *client_socket(struct client *client); /* to poll for reading */
/* 1 with a reply, 0 when none is there, or a negative code. */
int client_receive(struct client *client, Zmesos__V1__Reply **reply, struct error *err) MUST_CHECK;

enum client_link {
    CLIENT_NEVER, /* there was no connection since the start */
    CLIENT_UP,
    CLIENT_LOST, /* there was one; the next one does not make up for it */
};

/* What is known of the connection. */
enum client_link client_link(struct client *client);

#endif
