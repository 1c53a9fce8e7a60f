/* The daemon's own sockets in a thread, answering as a test says: for faults the daemon does not have. */
#ifndef SERVER_H
#define SERVER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "front/front.h"
#include "settings.h"

struct server {
    struct front *front; /* the thread's, once it runs */
    pthread_t thread;
    atomic_bool stop;
    bool heartbeats;
    char control[64], pipeline[64], events[64];
    int ports[3]; /* of server_keep_ports() */

    /* Called in the thread for each request. */
    void (*handle)(
            struct server *server, front_token token, const Zmesos__V1__Request *request, struct slice bytes);
    atomic_int requests; /* handled so far */
    void *context;       /* of the test */
};

/* Chooses the ports and keeps them for the server until server_release_ports(): nobody else takes one while
 * it is not there. Connections are refused meanwhile. */
void server_keep_ports(struct server *server);
void server_release_ports(struct server *server);

/* On free ports, or on those that were kept, or where the server was before it stopped. Blocks SIGINT in the
 * calling thread, and so in all later ones. */
void server_start(struct server *server);
void server_stop(struct server *server);

/* Settings of a client of the pipeline socket, which takes a request also while another is unanswered. */
struct settings server_settings(const struct server *server, int64_t timeout_ms);

/* In the thread only. */
void server_reply(struct server *server, front_token token, const Zmesos__V1__Request *request,
        Zmesos__V1__Reply *reply);
void server_reply_tasks(struct server *server, front_token token, const Zmesos__V1__Request *request,
        Zmesos__V1__TaskState state, uint64_t revision); /* all tasks asked for */
void server_publish(struct server *server, const char *id, Zmesos__V1__TaskState state, uint64_t revision);
/* With an attempt of this number; 0: none. */
void server_publish_attempt(struct server *server, const char *id, Zmesos__V1__TaskState state,
        uint64_t revision, uint32_t number);

#endif
