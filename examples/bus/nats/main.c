/* nats_bridge: zmesos's events onto NATS JetStream, and requests from there: ../README.md tells what is
 * promised.
 *
 *     nats_bridge [--broker URL] [--root NAME] [--start oldest|now] [--allow OPERATIONS] [--keep N]
 *                 [--control ENDPOINT --events ENDPOINT]
 *
 * Ends with SIGTERM or Ctrl-C. */
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bridge.h"

#define PAUSE_MIN_MS 100
#define PAUSE_MAX_MS 5000
#define STEP_MS 100

atomic_bool stopping;

void say(const char *format, ...)
{
    char line[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    fprintf(stderr, "nats_bridge: %s\n", line);
}

struct direction {
    const struct options *options;
    void (*run)(const struct options *options);
};

static void pause_ms(int64_t ms)
{
    for (; ms > 0 && !stopping; ms -= STEP_MS)
        nanosleep(&(struct timespec){.tv_nsec = STEP_MS * 1000000L}, NULL);
}

/* One session after another; the pause between them grows unless the last one has lasted. */
static void *keep(void *arg)
{
    const struct direction *direction = arg;
    int64_t pause = PAUSE_MIN_MS;

    while (!stopping) {
        time_t began = time(NULL);

        direction->run(direction->options);
        pause = time(NULL) - began > PAUSE_MAX_MS / 1000 ? PAUSE_MIN_MS : pause * 2;
        pause = pause > PAUSE_MAX_MS ? PAUSE_MAX_MS : pause;
        pause_ms(pause);
    }
    return NULL;
}

static int usage(const char *name)
{
    fprintf(stderr,
            "usage: %s [--broker URL] [--root NAME] [--start oldest|now] [--allow OPERATIONS] [--keep N]\n"
            "          [--control ENDPOINT --events ENDPOINT]\n",
            name);
    return 2;
}

/* A name on the server is made of it: no dot, blank or wildcard. */
static bool good_root(const char *root)
{
    return *root && strlen(root) <= 32 &&
           strspn(root, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == strlen(root);
}

static bool read_allow(char *list, char **allow, size_t size)
{
    size_t count = 0;

    for (char *rest = NULL, *word = strtok_r(list, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
        if (count + 1 == size)
            return false;
        allow[count++] = word;
    }
    return true;
}

int main(int argc, char **argv)
{
    static const struct option known[] = {{"broker", required_argument, NULL, 'b'},
            {"root", required_argument, NULL, 'r'}, {"start", required_argument, NULL, 's'},
            {"allow", required_argument, NULL, 'a'}, {"keep", required_argument, NULL, 'k'},
            {"control", required_argument, NULL, 'c'}, {"events", required_argument, NULL, 'e'}, {0}};
    static char allow[1024] = "launch,kill";
    struct options options = {
            .broker = "nats://127.0.0.1:4222", .root = "zmesos", .start = "oldest", .keep = 1000000};
    struct direction directions[] = {{&options, run_events}, {&options, run_requests}};
    pthread_t threads[2];
    sigset_t ending;
    int letter, number;

    while ((letter = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (letter) {
        case 'b':
            options.broker = optarg;
            break;
        case 'r':
            options.root = optarg;
            break;
        case 's':
            options.start = optarg;
            break;
        case 'a':
            snprintf(allow, sizeof allow, "%s", optarg);
            break;
        case 'k':
            options.keep = atoll(optarg);
            break;
        case 'c':
            options.control = optarg;
            break;
        case 'e':
            options.events = optarg;
            break;
        default:
            return usage(argv[0]);
        }
    }
    if (optind < argc || !good_root(options.root) || options.keep < 1 ||
            (strcmp(options.start, "oldest") != 0 && strcmp(options.start, "now") != 0) ||
            !read_allow(allow, options.allow, sizeof options.allow / sizeof *options.allow))
        return usage(argv[0]);
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ending, NULL); /* before any other thread: they are to wait for it as well */
    for (size_t n = 0; n < 2; n++) {
        if (pthread_create(&threads[n], NULL, keep, &directions[n]) != 0) {
            say("cannot start a thread");
            return 1;
        }
    }
    sigwait(&ending, &number);
    stopping = true;
    for (size_t n = 0; n < 2; n++)
        pthread_join(threads[n], NULL);
    nats_CloseAndWait(WAIT_MS);
    return 0;
}
