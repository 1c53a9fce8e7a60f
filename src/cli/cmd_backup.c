/* zmesos backup: has the daemon write a copy of its state. A copy takes as long as it takes: the request is
 * sent once, since the daemon would take a second one for another backup to a file that exists, and the
 * timeout is for the connection alone. The control socket answers one after the other, so a copy asked for
 * there would keep all clients waiting: the pipeline takes it where we know one. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "client.h"
#include "format.h"

#define LOOK_MS 200 /* between looks at the connection */

static const char help[] =
        "usage: zmesos backup [OPTION...] FILE\n"
        "\n"
        "Has the daemon write a copy of its state into FILE, which must not exist, and goes on working "
        "meanwhile.\n"
        "The file is made on the daemon's machine, by the daemon; a relative path is taken from here. "
        "Started with\n"
        "the copy as its zmesos.db, a daemon knows that it was restored: see zmesos release.\n"
        "--timeout is for the connection; the copy takes as long as it takes.\n"
        "\n"
        "  --pipeline ENDPOINT  the daemon's pipeline socket, where a copy keeps no other client waiting\n"
        "                       ($ZMESOS_PIPELINE; else " SETTINGS_PIPELINE
        " where the control socket is the\n"
        "                       default one, and the control socket where not)\n"
        "\n" SETTINGS_HELP;

enum { OPTION_PIPELINE = OPTION_OWN };

/* The path as the daemon needs it, which the caller frees. NULL when there is no current directory. */
static char *absolute(const char *path)
{
    char *here, *whole;
    size_t size;

    if (*path == '/')
        return alloc_string(path);
    here = getcwd(NULL, 0);
    if (!here)
        return NULL;
    size = strlen(here) + strlen(path) + 2;
    whole = alloc_bytes(size);
    snprintf(whole, size, "%s/%s", here[1] ? here : "", path);
    free(here);
    return whole;
}

/* Waits for the one answer: for ever, while there is a connection. */
static int wait_reply(
        const struct settings *settings, struct client *client, Zmesos__V1__Reply **reply, struct error *err)
{
    int64_t end = clock_read().mono_ms + settings->timeout_ms;
    zmq_pollitem_t item = {.socket = client_socket(client), .events = ZMQ_POLLIN};
    int rc;

    for (;;) {
        enum client_link link = client_link(client);

        /* the answer may have come before the connection went */
        rc = client_receive(client, reply, err);
        if (rc)
            return rc < 0 ? rc : 0;
        if (link == CLIENT_LOST)
            return error_set(err, ERR_UNAVAILABLE,
                    "the connection to %s is lost; whether the backup was made is not known",
                    settings->control);
        if (link == CLIENT_NEVER && clock_read().mono_ms >= end)
            return error_set(err, ERR_UNAVAILABLE, "cannot connect to zmesosd at %s in %g s; is it running?",
                    settings->control, (double)settings->timeout_ms / 1000);
        if (zmq_poll(&item, 1, LOOK_MS) < 0 && errno != EINTR)
            return error_set(err, ERR_IO, "cannot wait for a reply: %s", zmq_strerror(errno));
    }
}

static void print_backup(const struct settings *settings, const Zmesos__V1__BackupDone *done)
{
    char clean[4 * 4096];

    if (settings->json)
        settings_print_json(settings, &done->base);
    else
        printf("%s: %" PRIu64 " bytes, on the daemon's machine\n",
                format_clean(done->path ? done->path : "", clean, sizeof clean), done->bytes);
}

static int make_backup(const struct settings *settings, char *path)
{
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__Backup backup = ZMESOS__V1__BACKUP__INIT;
    struct client *client = NULL;
    Zmesos__V1__Reply *reply = NULL;
    struct error err;
    int rc = client_create(settings, &client, &err);

    backup.path = path;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_BACKUP;
    request.backup = &backup;
    if (rc == 0)
        rc = client_send(client, &request, &err);
    if (rc == 0)
        rc = wait_reply(settings, client, &reply, &err);
    if (rc < 0) {
        rc = settings_fail(settings, rc, &err);
        goto out;
    }
    rc = settings_refused(settings, reply);
    if (rc == CLI_OK && reply->result_case == ZMESOS__V1__REPLY__RESULT_BACKUP) {
        print_backup(settings, reply->backup);
    } else if (rc == CLI_OK) {
        settings_say(settings, "the daemon's answer does not say what it wrote");
        rc = CLI_FAILED;
    }
out:
    if (reply)
        zmesos__v1__reply__free_unpacked(reply, NULL);
    client_destroy(client);
    return rc;
}

static int run(struct settings *settings, int argc, char **argv)
{
    static const struct option options[] = {
            {"pipeline", required_argument, NULL, OPTION_PIPELINE}, SETTINGS_OPTIONS};
    const char *pipeline = getenv("ZMESOS_PIPELINE");
    char *path;
    int option, rc;

    while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (option == OPTION_PIPELINE)
            pipeline = optarg;
        else if ((rc = settings_option(settings, option, argv)) != CLI_GO_ON)
            return rc;
    }
    if (argc - optind != 1 || !*argv[optind])
        return settings_usage(settings, "into which file? one path");
    path = absolute(argv[optind]);
    if (!path)
        return settings_usage(settings, "%s: there is no current directory to begin it", argv[optind]);
    if (pipeline && *pipeline)
        settings->control = pipeline;
    else if (strcmp(settings->control, SETTINGS_CONTROL) == 0)
        settings->control = SETTINGS_PIPELINE;
    rc = make_backup(settings, path);
    free(path);
    return rc;
}

const struct command command_backup = {
        .name = "backup", .summary = "have the daemon copy its state", .help = help, .run = run};
