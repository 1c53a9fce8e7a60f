/* Nonblocking sockets, turned by the test. Beware: what it cannot cope with ends the test program, since a
 * fault of the fake must not pass for one of the client. */
#include "fake_master.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"

struct connection {
    int fd; /* -1: closed */
    bool closing;
    struct buf in, out;
};

struct fake_master {
    int fd;
    uint16_t port;
    struct connection connections[FAKE_CONNECTIONS_MAX];
    int connection_count;
    struct fake_request requests[FAKE_REQUESTS_MAX];
    size_t request_count, request_next;
};

static void die(const char *what)
{
    perror(what);
    abort();
}

struct fake_master *fake_master_create(void)
{
    struct fake_master *fake = alloc_zeroed(1, sizeof *fake);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;

    fake->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fake->fd < 0 || bind(fake->fd, (struct sockaddr *)&address, length) < 0 || listen(fake->fd, 64) < 0 ||
            getsockname(fake->fd, (struct sockaddr *)&address, &length) < 0) {
        die("fake master");
    }
    fake->port = ntohs(address.sin_port);
    return fake;
}

static void drop(struct connection *connection)
{
    if (connection->fd >= 0) {
        close(connection->fd);
    }
    connection->fd = -1;
    buf_clear(&connection->in);
    buf_clear(&connection->out);
}

void fake_master_destroy(struct fake_master *fake)
{
    if (fake == NULL) {
        return;
    }
    fake_master_stop_listening(fake);
    for (int i = 0; i < fake->connection_count; ++i) {
        drop(&fake->connections[i]);
    }
    for (size_t i = 0; i < fake->request_count; ++i) {
        free(fake->requests[i].head);
        free(fake->requests[i].body);
    }
    free(fake);
}

uint16_t fake_master_port(const struct fake_master *fake)
{
    return fake->port;
}

void fake_master_stop_listening(struct fake_master *fake)
{
    if (fake->fd >= 0) {
        close(fake->fd);
    }
    fake->fd = -1;
}

size_t fake_master_poll(const struct fake_master *fake, struct pollfd *fds, size_t max)
{
    size_t count = 0;

    if (fake->fd >= 0 && count < max) {
        fds[count++] = (struct pollfd){.fd = fake->fd, .events = POLLIN};
    }
    for (int i = 0; i < fake->connection_count && count < max; ++i) {
        const struct connection *connection = &fake->connections[i];

        if (connection->fd >= 0) {
            short events = connection->out.length > 0 ? POLLIN | POLLOUT : POLLIN;

            fds[count++] = (struct pollfd){.fd = connection->fd, .events = events};
        }
    }
    return count;
}

static void append(struct buf *buf, const void *data, size_t length)
{
    if (buf_append(buf, data, length) < 0) {
        abort();
    }
}

size_t fake_request_header(const struct fake_request *request, const char *name, char *value, size_t size)
{
    size_t count = 0;
    const char *line = strstr(request->head, "\r\n");

    for (; line != NULL; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':') {
            const char *at = line + strlen(name) + 1;

            at += strspn(at, " ");
            if (++count == 1 && value != NULL) {
                snprintf(value, size, "%.*s", (int)strcspn(at, "\r"), at);
            }
        }
    }
    return count;
}

static void take_requests(struct fake_master *fake, int number)
{
    struct connection *connection = &fake->connections[number];

    for (;;) {
        struct fake_request request = {.connection = number};
        char *end = memmem(connection->in.data, connection->in.length, "\r\n\r\n", 4);
        char length[32] = "";
        size_t head;

        if (end == NULL) {
            return;
        }
        head = (size_t)((uint8_t *)end + 2 - connection->in.data);
        request.head = alloc_string_n((char *)connection->in.data, head);
        fake_request_header(&request, "Content-Length", length, sizeof length);
        request.length = strtoul(length, NULL, 10);
        if (connection->in.length < head + 2 + request.length) {
            free(request.head);
            return;
        }
        request.body = alloc_bytes(request.length);
        memcpy(request.body, connection->in.data + head + 2, request.length);
        buf_consume(&connection->in, head + 2 + request.length);
        if (fake->request_count == FAKE_REQUESTS_MAX) {
            abort();
        }
        fake->requests[fake->request_count++] = request;
    }
}

static void turn_connection(struct fake_master *fake, int number)
{
    struct connection *connection = &fake->connections[number];
    static uint8_t bytes[65536];
    ssize_t count = 0;

    while (connection->fd >= 0 && connection->out.length > 0) {
        count = send(connection->fd, connection->out.data, connection->out.length, MSG_NOSIGNAL);
        if (count < 0) {
            break;
        }
        buf_consume(&connection->out, (size_t)count);
    }
    if (count < 0 && errno != EAGAIN) {
        drop(connection);
        return;
    }
    if (connection->closing && connection->out.length == 0) {
        drop(connection);
        return;
    }
    while ((count = recv(connection->fd, bytes, sizeof bytes, 0)) > 0) {
        append(&connection->in, bytes, (size_t)count);
        take_requests(fake, number);
    }
    if (count == 0 || errno != EAGAIN) {
        drop(connection);
    }
}

void fake_master_turn(struct fake_master *fake)
{
    int fd;

    while (fake->fd >= 0 && (fd = accept4(fake->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (fake->connection_count == FAKE_CONNECTIONS_MAX) {
            abort();
        }
        fake->connections[fake->connection_count++].fd = fd;
    }
    for (int i = 0; i < fake->connection_count; ++i) {
        if (fake->connections[i].fd >= 0) {
            turn_connection(fake, i);
        }
    }
}

const struct fake_request *fake_master_next(struct fake_master *fake)
{
    return fake->request_next < fake->request_count ? &fake->requests[fake->request_next++] : NULL;
}

size_t fake_master_copies(const struct fake_master *fake, const void *body, size_t length)
{
    size_t count = 0;

    for (size_t i = 0; i < fake->request_count; ++i) {
        if (fake->requests[i].length == length && memcmp(fake->requests[i].body, body, length) == 0) {
            ++count;
        }
    }
    return count;
}

void fake_master_send(struct fake_master *fake, int number, const void *data, size_t length)
{
    struct connection *connection = &fake->connections[number];

    if (connection->fd >= 0) {
        append(&connection->out, data, length);
        turn_connection(fake, number);
    }
}

void fake_master_say(struct fake_master *fake, int number, const char *text)
{
    fake_master_send(fake, number, text, strlen(text));
}

void fake_master_close(struct fake_master *fake, int number)
{
    struct connection *connection = &fake->connections[number];

    connection->closing = true;
    if (connection->fd >= 0) {
        turn_connection(fake, number);
    }
}

void fake_master_reset(struct fake_master *fake, int number)
{
    struct linger at_once = {.l_onoff = 1};

    setsockopt(fake->connections[number].fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    drop(&fake->connections[number]);
}

bool fake_master_is_open(const struct fake_master *fake, int number)
{
    return number < fake->connection_count && fake->connections[number].fd >= 0;
}

size_t fake_master_received(const struct fake_master *fake, int number)
{
    return number < fake->connection_count ? fake->connections[number].in.length : 0;
}

bool fake_master_sent_all(const struct fake_master *fake, int number)
{
    return fake->connections[number].out.length == 0;
}
