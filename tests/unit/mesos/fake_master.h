/* A master for the faults that a real one does not make to order: a listening socket of ours that reads HTTP
 * requests and says exactly the bytes that a test gives it. One thread: the test turns it together with the
 * client. */
#ifndef FAKE_MASTER_H
#define FAKE_MASTER_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_CONNECTIONS_MAX 1024
#define FAKE_REQUESTS_MAX 1024

struct fake_request {
    int connection; /* counts from 0 in the order of arrival */
    char *head;     /* request line and headers, with NUL */
    uint8_t *body;
    size_t length;
};

struct fake_master;

struct fake_master *fake_master_create(void); /* on 127.0.0.1, a port of the system's choice */
void fake_master_destroy(struct fake_master *fake);
uint16_t fake_master_port(const struct fake_master *fake);
void fake_master_stop_listening(struct fake_master *fake); /* from now on connections are refused */

/* Fills in what to poll; returns how many. */
size_t fake_master_poll(const struct fake_master *fake, struct pollfd *fds, size_t max);

/* Accepts, reads and writes what can be without waiting. */
void fake_master_turn(struct fake_master *fake);

/* The oldest request not returned yet, NULL: none. Stays until the fake is destroyed. */
const struct fake_request *fake_master_next(struct fake_master *fake);

/* All the complete requests so far with exactly this body. */
size_t fake_master_copies(const struct fake_master *fake, const void *body, size_t length);

void fake_master_send(struct fake_master *fake, int connection, const void *data, size_t length);
void fake_master_say(struct fake_master *fake, int connection, const char *text);
void fake_master_close(struct fake_master *fake, int connection);         /* after what was sent is out */
void fake_master_reset(struct fake_master *fake, int connection);         /* at once, with a TCP reset */
bool fake_master_is_open(const struct fake_master *fake, int connection); /* neither side has closed it */
size_t fake_master_received(
        const struct fake_master *fake, int connection); /* bytes of a request not complete yet */
bool fake_master_sent_all(const struct fake_master *fake, int connection);

/* The value of a header, compared without case, into `value`; how many such headers there are. */
size_t fake_request_header(const struct fake_request *request, const char *name, char *value, size_t size);

#endif
