/* zmesosd: drives an Apache Mesos cluster for clients that speak ZeroMQ. Exit statuses: 0 told to stop, 1
 * cannot start, 2 bad flags, 3 the master refused the framework for good, 65 damaged store, 70 out of memory,
 * 71 no random bytes, 74 the disk failed. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#include <czmq.h>

#include "daemon.h"

#define EXIT_CANNOT_START 1
#define EXIT_BAD_FLAGS 2

static int run(const struct options *options)
{
    struct error err;
    struct daemon *daemon = NULL;
    int rc = daemon_create(options, &daemon, &err);
    if (rc) {
        fprintf(stderr, "zmesosd: %s\n", err.text);
        return rc == ERR_INVALID ? EXIT_BAD_FLAGS : EXIT_CANNOT_START;
    }
    char endpoints[1024];
    printf("zmesosd ready %s\n", daemon_endpoints(daemon, endpoints, sizeof endpoints));
    fflush(stdout);
    int status = daemon_run(daemon);
    daemon_destroy(daemon);
    return status;
}

int main(int argc, char **argv)
{
    zsys_handler_set(NULL); /* signals are ours */
    struct options options;
    enum options_what what;
    struct error err;
    int status = EXIT_SUCCESS;
    if (options_read(argc, argv, &options, &what, &err)) {
        fprintf(stderr, "zmesosd: %s\n", err.text);
        status = EXIT_BAD_FLAGS;
    } else if (what == OPTIONS_HELP) {
        fputs(options_help(), stdout);
    } else if (what == OPTIONS_VERSION) {
        puts("zmesosd " ZMESOS_VERSION);
    } else {
        curl_global_init(CURL_GLOBAL_DEFAULT);
        status = run(&options);
        curl_global_cleanup();
    }
    options_clear(&options);
    return status;
}
