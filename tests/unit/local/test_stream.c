/* Streams of the HTTP server, and who reads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "http.h"

#define PIECE ((size_t)1 << 20)
#define BEHIND ((size_t)16 << 20) /* more than a socket holds */

static struct loop loop;
static struct http *http;
static struct http_stream *stream;
static bool over;

static void closed(void *owner)
{
    (void)owner;
    over = true;
}

static void handle(void *context, struct http_request *request)
{
    static const struct http_header none[] = {{NULL, NULL}};
    (void)context;
    stream = http_stream_open(request, none, closed, NULL);
}

static void turn(void)
{
    struct error err;
    http_run(http);
    assert_int_equal(loop_turn(&loop, 0, &err), 0);
}

static int open_client(uint16_t port)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    struct sockaddr_in address = {
            .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(send(client, request, sizeof(request) - 1, 0), sizeof(request) - 1);
    while (stream == NULL)
        turn();
    return client;
}

/* What counts is how far it is behind, and not for how long. */
static void test_a_reader_that_never_quite_catches_up(void **state)
{
    (void)state;
    struct error err;
    uint16_t port = 0;
    uint8_t *piece = alloc_zeroed(PIECE, 1);
    size_t received = 0;
    assert_int_equal(loop_init(&loop, &err), 0);
    assert_int_equal(http_create(&loop, "127.0.0.1", 0, handle, NULL, &http, &port, &err), 0);
    int client = open_client(port);
    for (size_t written = 0; written < HTTP_BACKLOG_MAX + 2 * BEHIND; written += PIECE) {
        http_stream_write(stream, piece, PIECE);
        while (!over && received + BEHIND < written) {
            turn();
            ssize_t got = recv(client, piece, PIECE, MSG_DONTWAIT);
            assert_true(got > 0 || (got < 0 && errno == EAGAIN));
            received += got > 0 ? (size_t)got : 0;
        }
        assert_false(over);
    }
    http_destroy(http);
    loop_clear(&loop);
    close(client);
    free(piece);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_a_reader_that_never_quite_catches_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
