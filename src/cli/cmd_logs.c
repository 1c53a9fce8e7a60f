/* zmesos logs: what a task wrote, from its sandbox on the agent. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent_files.h"
#include "ask.h"
#include "base/alloc.h"
#include "base/decimal.h"
#include "format.h"

#define PAUSE_MS 500 /* between two looks at a file that does not grow */

static const char help[] =
        "usage: zmesos logs [OPTION...] ID\n"
        "\n"
        "Prints a task's standard output, from its sandbox, through the agent's HTTP API.\n"
        "\n"
        "  --stderr             its standard error\n"
        "  --follow             go on until the attempt is over\n"
        "  --attempt N          of the N-th attempt, not the last\n"
        "  --tail BYTES         begin so many bytes before the end\n"
        "\n" SETTINGS_HELP;

enum { OPTION_STDERR = OPTION_OWN, OPTION_FOLLOW, OPTION_ATTEMPT, OPTION_TAIL };

struct logs {
    const struct settings *settings;
    const char *id, *file;
    bool follow;
    int64_t attempt; /* 0: the last */
    int64_t tail;    /* -1: all */
    struct client *client;
    struct agent_files *files;
    Zmesos__V1__SandboxPlace *place; /* in `reply` */
    Zmesos__V1__Reply *reply;
    char *path;
};

static bool is_over(const struct logs *logs)
{
    return logs->place->has_state && logs->place->state >= ZMESOS__V1__TASK_STATE__FINISHED;
}

static void rest(void)
{
    nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
}

/* Asks where the attempt's sandbox is; `place` is the answer of the last time. An exit code. */
static int find_place(struct logs *logs)
{
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__Sandbox sandbox = ZMESOS__V1__SANDBOX__INIT;
    Zmesos__V1__Reply *reply;
    int rc;

    sandbox.task_id = (char *)(uintptr_t)logs->id;
    sandbox.has_attempt = logs->attempt > 0;
    sandbox.attempt = (uint32_t)logs->attempt;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_SANDBOX;
    request.sandbox = &sandbox;
    rc = ask(logs->settings, logs->client, ASK_REPEAT, &request, ZMESOS__V1__REPLY__RESULT_SANDBOX, &reply);
    if (rc != CLI_OK)
        return rc;
    ask_free(logs->reply);
    logs->reply = reply;
    logs->place = reply->sandbox;
    logs->attempt = logs->place->attempt; /* the same one from now on */
    return CLI_OK;
}

static int open_files(struct logs *logs)
{
    struct error err;
    const char *directory = logs->place->directory ? logs->place->directory : "";
    size_t size = strlen(directory) + strlen(logs->file) + 2;
    int rc = agent_files_create(logs->place->agent_url ? logs->place->agent_url : "",
            logs->settings->timeout_ms, &logs->files, &err);

    if (rc < 0)
        return settings_fail(logs->settings, rc, &err);
    logs->path = alloc_bytes(size);
    snprintf(logs->path, size, "%s/%s", directory, logs->file);
    return CLI_OK;
}

/* Prints what is there from `offset` on. 0, or a code of agent_files_read(), or 1 when standard output fails.
 */
static int print_rest(struct logs *logs, uint64_t *offset, struct error *err)
{
    struct buf piece;
    uint64_t size = 0;
    int rc = 0;

    buf_init(&piece, 2 * AGENT_FILES_PIECE);
    while (rc == 0) {
        rc = agent_files_read(logs->files, logs->path, *offset, &piece, &size, err);
        if (rc < 0 || piece.length == 0)
            break;
        *offset += piece.length;
        if (fwrite(piece.data, 1, piece.length, stdout) != piece.length || fflush(stdout) != 0)
            rc = 1;
        buf_consume(&piece, piece.length);
    }
    buf_clear(&piece);
    return rc;
}

static int first_offset(struct logs *logs, uint64_t *offset, struct error *err)
{
    struct buf piece;
    uint64_t size = 0;
    int rc = 0;

    *offset = 0;
    if (logs->tail < 0)
        return 0;
    buf_init(&piece, 2 * AGENT_FILES_PIECE);
    rc = agent_files_read(logs->files, logs->path, 0, &piece, &size, err);
    if (rc == 0 && size > (uint64_t)logs->tail)
        *offset = size - (uint64_t)logs->tail;
    buf_clear(&piece);
    return rc;
}

/* To the end of the file, or of the attempt. A file that is not there yet may come while the attempt lives.
 */
static int print_file(struct logs *logs)
{
    struct error err;
    uint64_t offset = 0;
    bool begun = false;

    for (;;) {
        bool over = is_over(logs);
        int rc = begun ? 0 : first_offset(logs, &offset, &err);

        begun |= rc == 0;
        if (rc == 0)
            rc = print_rest(logs, &offset, &err);
        if (rc > 0) {
            settings_say(logs->settings, "cannot write: %s", strerror(errno));
            return CLI_FAILED;
        }
        if (rc < 0 && !(rc == ERR_NOT_FOUND && logs->follow && !over))
            return settings_fail(logs->settings, rc, &err);
        if (!logs->follow || over)
            return CLI_OK;
        rest();
        if ((rc = find_place(logs)) != CLI_OK)
            return rc;
    }
}

static int run_logs(struct logs *logs)
{
    struct error err;
    int rc = client_create(logs->settings, &logs->client, &err);

    if (rc < 0)
        return settings_fail(logs->settings, rc, &err);
    rc = find_place(logs);
    if (rc == CLI_OK && logs->settings->json)
        settings_print_json(logs->settings, &logs->place->base);
    else if (rc == CLI_OK && (rc = open_files(logs)) == CLI_OK)
        rc = print_file(logs);
    ask_free(logs->reply);
    agent_files_destroy(logs->files);
    client_destroy(logs->client);
    free(logs->path);
    return rc;
}

static int run(struct settings *settings, int argc, char **argv)
{
    static const struct option options[] = {{"stderr", no_argument, NULL, OPTION_STDERR},
            {"follow", no_argument, NULL, OPTION_FOLLOW},
            {"attempt", required_argument, NULL, OPTION_ATTEMPT},
            {"tail", required_argument, NULL, OPTION_TAIL}, SETTINGS_OPTIONS};
    struct logs logs = {.settings = settings, .file = "stdout", .tail = -1};
    int option, rc;

    while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (option == OPTION_STDERR)
            logs.file = "stderr";
        else if (option == OPTION_FOLLOW)
            logs.follow = true;
        else if (option == OPTION_ATTEMPT) {
            if (integer_parse(optarg, 1, UINT32_MAX, &logs.attempt))
                return settings_usage(settings, "--attempt '%s': expected a number from 1", optarg);
        } else if (option == OPTION_TAIL) {
            if (integer_parse(optarg, 0, INT64_MAX, &logs.tail))
                return settings_usage(settings, "--tail '%s': expected a number of bytes", optarg);
        } else if ((rc = settings_option(settings, option, argv)) != CLI_GO_ON)
            return rc;
    }
    if (optind + 1 != argc)
        return settings_usage(settings, optind < argc ? "one task at a time" : "whose logs? name a task");
    logs.id = argv[optind];
    return run_logs(&logs);
}

const struct command command_logs = {
        .name = "logs", .summary = "what a task wrote", .help = help, .run = run};
