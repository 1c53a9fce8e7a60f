/* A client and up to three fake masters in one loop, and a record of what the client told: lines like "up 1",
 * "record 1 HEARTBEAT", "answered 7 ACCEPTED", "down 1 LOST". The client's clock is the harness's own: it
 * goes on by the milliseconds spent waiting and by what a test adds, so that minutes pass without waiting and
 * a busy machine changes nothing. Every wait gives up after 60 real seconds and fails the test. */
#ifndef MESOS_HARNESS_H
#define MESOS_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "fake_master.h"
#include "mesos/master.h"

#define HARNESS_MASTERS 3
#define HARNESS_LINES_MAX 4096
#define SUBSCRIBE_BODY "the SUBSCRIBE"

struct harness {
    struct master_config config;
    struct master *master;
    struct fake_master *fakes[HARNESS_MASTERS];
    struct fake_master *fake; /* the first */
    int64_t now_ms;           /* the client's clock */
    char *lines[HARNESS_LINES_MAX];
    char texts[HARNESS_LINES_MAX][512]; /* the words that came with a line */
    size_t line_count, line_next;
    char leader[300];      /* of the last `up` */
    uint64_t subscription; /* of the last `up` */
    int stream;            /* the connection that harness_subscribe() answered */
    bool no_subscribe;     /* the callback fails */
    bool tell_subscribe;   /* write a line for each */
    void (*hook)(struct harness *harness, const char *line); /* runs inside each callback; may be NULL */
    size_t hook_count;
};

/* cmocka set-up and tear-down: *state is the harness; short backoff; the masters' list is filled in by
 * harness_open(). */
int harness_setup(void **state);
int harness_teardown(void **state);

/* Creates the client for these masters (a list, in which %1, %2, %3 stand for the fakes) and starts it. */
void harness_open(struct harness *harness, const char *masters);

int64_t harness_now(const struct harness *harness);
void harness_advance(struct harness *harness, int64_t ms); /* the client's clock, then one turn */
void harness_step(struct harness *harness); /* waits for something, not for long, and turns all */

/* Turns all until nothing moves any more. */
void harness_settle(struct harness *harness);

const char *harness_line(struct harness *harness); /* waits for the next line and leaves it there */

/* Waits for the next line and compares it; returns its words. */
const char *harness_expect(struct harness *harness, const char *line);
void harness_expect_nothing(struct harness *harness); /* settles; then there must be no line left */

const struct fake_request *harness_request(struct harness *harness, struct fake_master *fake);
bool harness_wait(struct harness *harness, bool (*condition)(struct harness *harness));

/* Takes the next request of the first fake, answers it with 200 and SUBSCRIBED, expects up and record. */
void harness_subscribe(struct harness *harness);
void harness_subscribe_at(struct harness *harness, struct fake_master *fake);

/* Pieces of the stream. */
void harness_say_ok(
        struct harness *harness, struct fake_master *fake, int connection); /* the head of the 200 */
void harness_chunk(struct fake_master *fake, int connection, const void *data, size_t length);
void harness_record(
        struct fake_master *fake, int connection, struct buf *event); /* one chunk; clears the event */
void harness_frame(struct buf *out, struct buf *event);               /* RecordIO; clears the event */
struct buf event_subscribed(void);
struct buf event_heartbeat(void);
struct buf event_message(const char *data, size_t length);
struct buf event_error(const char *text);

/* A call whose body is this text. */
void harness_send(struct harness *harness, uint64_t number, bool ordered, const char *body);
void harness_answer(struct fake_master *fake, const struct fake_request *request, int status,
        const char *headers, const char *body);

#endif
