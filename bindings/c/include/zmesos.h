/* libzmesos: a client of zmesosd in C. Tasks are launched, asked about and killed by requests over one
 * socket; what happens is published on another. Requests and replies are the messages zmesos.v1.Request and
 * zmesos.v1.Reply of docs/protocol.md, as packed protobuf or as JSON; for the plain things there are
 * functions.
 *
 * A client or a subscription belongs to one thread at a time. Functions that can fail return 0 (or what they
 * say) or a negative enum zmesos_code, and then put the words into *error, which may be NULL. Nothing here
 * ends the process but want of memory. Link with `pkg-config --libs libzmesos`. */
#ifndef ZMESOS_H
#define ZMESOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ZMESOS_CONTROL "tcp://127.0.0.1:5560" /* where zmesosd listens unless told otherwise */
#define ZMESOS_EVENTS "tcp://127.0.0.1:5562"
#define ZMESOS_REQUEST_MAX 1048576 /* bytes */
#define ZMESOS_TIMEOUT_MS 10000

enum zmesos_code {
    ZMESOS_OK = 0,
    ZMESOS_INVALID = -1, /* a value that is not allowed; zmesos_error.field names it where zmesosd said so */
    ZMESOS_MALFORMED = -2,   /* an answer or a publication that is none of zmesosd's */
    ZMESOS_TOO_LARGE = -3,   /* past a limit */
    ZMESOS_NOT_FOUND = -4,   /* no such task */
    ZMESOS_CONFLICT = -5,    /* a task with that id and another specification exists */
    ZMESOS_UNAVAILABLE = -6, /* no answer in time, or zmesosd cannot do it now: trying again may help */
    ZMESOS_IO = -7           /* the system said no; the text has its words */
};

struct zmesos_error {
    char text[512];  /* a sentence */
    char field[256]; /* the field of the request at fault, as launch.tasks[0].cpus, or "" */
};

/* The version of this library, as "0.1.0". */
const char *zmesos_version(void);

/* ---- requests ------------------------------------------------------------------------------------------ */

struct zmesos_client;

/* Makes a client of that control or pipeline endpoint; NULL: ZMESOS_CONTROL. Waits for nobody: whether
 * zmesosd is there shows with the first request. ZMESOS_INVALID for an endpoint that libzmq refuses. The
 * caller destroys *out. */
int zmesos_client_create(const char *endpoint, struct zmesos_client **out, struct zmesos_error *error);
void zmesos_client_destroy(struct zmesos_client *client); /* takes NULL */

/* How long a call waits for its reply, in milliseconds; at first ZMESOS_TIMEOUT_MS. At least 1. */
void zmesos_client_set_timeout(struct zmesos_client *client, int64_t timeout_ms);

/* Sends a request and waits for the reply. Until the timeout is over it is sent again when no reply comes and
 * when zmesosd says UNAVAILABLE and that trying again may help. That is safe: zmesosd answers the same bytes
 * with what it did already. A request that is not to be done twice (a message to an executor, say) goes by
 * zmesos_call_once(). *reply is the reply as it came and lives until the next call; a refusal is a reply.
 * ZMESOS_UNAVAILABLE when none came, ZMESOS_TOO_LARGE for a request above ZMESOS_REQUEST_MAX. */
int zmesos_call(struct zmesos_client *client, const void *request, size_t size, const void **reply,
        size_t *reply_size, struct zmesos_error *error);
int zmesos_call_once(struct zmesos_client *client, const void *request, size_t size, const void **reply,
        size_t *reply_size, struct zmesos_error *error);

/* The same in steps, for those who wait for other things too. A new send forgets the reply to the one before.
 * zmesos_receive() returns 1 with a reply, and 0 when none is there. The socket is libzmq's, to be polled for
 * reading and nothing else. */
int zmesos_send(struct zmesos_client *client, const void *request, size_t size, struct zmesos_error *error);
int zmesos_resend(struct zmesos_client *client, struct zmesos_error *error);
int zmesos_receive(
        struct zmesos_client *client, const void **reply, size_t *reply_size, struct zmesos_error *error);
void *zmesos_client_socket(struct zmesos_client *client);

enum zmesos_link {
    ZMESOS_LINK_NEVER, /* there was no connection since the start */
    ZMESOS_LINK_UP,
    ZMESOS_LINK_LOST /* there was one; the next one does not make up for what was lost with it */
};
enum zmesos_link zmesos_client_link(struct zmesos_client *client);

/* ---- tasks --------------------------------------------------------------------------------------------- */

/* As zmesos.v1.TaskState. */
enum zmesos_state {
    ZMESOS_QUEUED = 1, /* waits for an offer */
    ZMESOS_LAUNCHING = 2,
    ZMESOS_STAGING = 3,
    ZMESOS_STARTING = 4,
    ZMESOS_RUNNING = 5,
    ZMESOS_KILLING = 6,
    ZMESOS_UNREACHABLE = 7,
    ZMESOS_UNKNOWN = 8,
    ZMESOS_FINISHED = 16, /* from here on: over */
    ZMESOS_FAILED = 17,
    ZMESOS_KILLED = 18,
    ZMESOS_ERROR = 19,
    ZMESOS_GONE = 20,
    ZMESOS_LOST = 21
};

bool zmesos_is_over(enum zmesos_state state);
const char *zmesos_state_name(enum zmesos_state state); /* "RUNNING"; "" for what is none */

struct zmesos_task {
    char id[201];
    enum zmesos_state state;
    uint64_t revision; /* counts the task's changes */
    char message[512]; /* the last words about it, cut where they are longer; or "" */
};

/* Launches a command line of the shell as the task `id`, with so many shares of a core and so many MB of
 * memory. 0 means that zmesosd has it on disk: it will run. Launching the same again does nothing, so a
 * caller that is not sure asks again. ZMESOS_CONFLICT: the id is another task's. */
int zmesos_launch(struct zmesos_client *client, const char *id, const char *command, double cpus, double mem,
        struct zmesos_error *error);

/* What zmesosd knows of a task. ZMESOS_NOT_FOUND: nothing. */
int zmesos_get(
        struct zmesos_client *client, const char *id, struct zmesos_task *task, struct zmesos_error *error);

/* Asks a task to end; 0 means that the wish is on disk, and is repeated until the task is over. */
int zmesos_kill(struct zmesos_client *client, const char *id, struct zmesos_error *error);

/* ---- events -------------------------------------------------------------------------------------------- */

struct zmesos_events;

/* A publication. All of it is borrowed until the next zmesos_events_receive(). */
struct zmesos_event {
    const char *topic; /* as "task/<id>/RUNNING"; ends with NUL */
    const void *header, *body;
    size_t header_size, body_size; /* zmesos.v1.EventHeader, and what docs/protocol.md says for the topic */
    const char *store;             /* names the history that the numbers belong to, or "" */
    uint64_t run;
    int event_class;   /* zmesos.v1.EventClass */
    uint64_t number;   /* within the class, without holes: a hole is a loss */
    uint64_t revision; /* of the task; 0: none */
    int64_t time_ns;   /* since 1970-01-01 UTC */
};

/* Makes a subscription to nothing yet; NULL: ZMESOS_EVENTS. As zmesos_client_create(). */
int zmesos_events_create(const char *endpoint, struct zmesos_events **out, struct zmesos_error *error);
void zmesos_events_destroy(struct zmesos_events *events); /* takes NULL */

/* Topics that begin with `prefix`; "" is all. What is published before zmesosd has heard of it does not come.
 */
int zmesos_events_subscribe(struct zmesos_events *events, const char *prefix, struct zmesos_error *error);

/* 1 with an event; 0 when none came in so many milliseconds (0: looks once; negative: waits for ever).
 * ZMESOS_MALFORMED for what is no publication of zmesosd; the next call goes on behind it. */
int zmesos_events_receive(struct zmesos_events *events, int64_t timeout_ms, struct zmesos_event *event,
        struct zmesos_error *error);

/* The task of a task/... event. ZMESOS_INVALID for another event. */
int zmesos_event_task(const struct zmesos_event *event, struct zmesos_task *task, struct zmesos_error *error);

/* As zmesos_client_link(); a loss is told once. The two sockets of libzmq are to be polled for reading: the
 * second one tells of the connection. */
enum zmesos_link zmesos_events_link(struct zmesos_events *events);
void *zmesos_events_socket(struct zmesos_events *events);
void *zmesos_events_monitor(struct zmesos_events *events);

#ifdef __cplusplus
}
#endif

#endif
