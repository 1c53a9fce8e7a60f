/* The bridge to NATS: what its files share. Two threads, one a direction, each with connections of its own. A
 * session runs until anything goes wrong with the server or with zmesosd, says so and returns; main.c begins
 * another one, which finds on the server how far the last one came. */
#ifndef ZMESOS_EXAMPLES_NATS_BRIDGE_H
#define ZMESOS_EXAMPLES_NATS_BRIDGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>
#include <nats/nats.h>
#include <zmesos.h>

#define NAME_MAX_BYTES 128 /* of a name on the server, its end included */
#define WAIT_MS 5000       /* for an answer of either side */

struct options {
    const char *broker, *control, *events, *root, *start;
    char *allow[16]; /* operations that are passed on; the last one is NULL */
    int64_t keep;    /* messages of a stream */
};

/* A connection to the server, and the stream that a session writes to. */
struct server {
    natsConnection *connection;
    jsCtx *js;
    atomic_bool refused; /* a message that was published was not taken */
    int64_t payload_max;
};

extern atomic_bool stopping;

/* "nats_bridge: " and a line on standard error. */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

/* -1, having said what NATS refused, if it did; else 0. */
int nats_check(const char *what, natsStatus status, jsErrCode code);

/* server_open() leaves *server as it is to be closed, also on failure; -1 then, having said why. */
int server_open(struct server *server, const struct options *options);
void server_close(struct server *server);

/* Makes a stream of these subjects where there is none of that name; one that is there stays as it is. */
int server_stream(struct server *server, const struct options *options, const char *name,
        const char **subjects, int subjects_count);

/* zmesosd's reply to a request in JSON; NULL, having said why. The caller gives it back (json_decref). */
json_t *ask(struct zmesos_client *client, const char *request);

/* Each returns when it is to stop, or has failed. */
void run_events(const struct options *options);
void run_requests(const struct options *options);

#endif
