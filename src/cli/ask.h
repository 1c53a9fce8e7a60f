/* What most commands do with a request: send it, and say why when there is no answer to print. */
#ifndef CLI_ASK_H
#define CLI_ASK_H

#include "client.h"

enum ask_how {
    ASK_REPEAT, /* again while no reply comes: client_call() */
    ASK_ONCE,   /* what is not to be done twice: client_call_once() */
};

/* Sends the request over `client`, or over a connection of its own where that is NULL. CLI_OK: *reply is an
 * answer whose result is `result` (RESULT__NOT_SET: whichever), and the caller's to free with ask_free(). Any
 * other exit code was said to the user, and *reply is NULL. */
int ask(const struct settings *settings, struct client *client, enum ask_how how,
        Zmesos__V1__Request *request, Zmesos__V1__Reply__ResultCase result,
        Zmesos__V1__Reply **reply) MUST_CHECK;

/* The same for a request whose answer says nothing but that it was done. */
int ask_done(const struct settings *settings, enum ask_how how, Zmesos__V1__Request *request) MUST_CHECK;

/* Over a connection of its own, one page after the other while `page` returns CLI_GO_ON. */
int ask_pages(const struct settings *settings, int (*page)(void *context, struct client *client),
        void *context) MUST_CHECK;

void ask_free(Zmesos__V1__Reply *reply); /* takes NULL */

#endif
