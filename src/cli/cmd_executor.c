/* zmesos executor: bytes for an executor, and its end. Both are sent once: a message twice is another one. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "base/buf.h"

static const char help[] = "usage: zmesos executor message (--task ID | --executor ID --agent ID) TEXT\n"
                           "       zmesos executor shutdown (--task ID | --executor ID --agent ID)\n"
                           "\n"
                           "message   sends bytes to a custom executor (TEXT -: standard input, at most 512 "
                           "KiB). It answers with\n"
                           "          MESSAGE events, if at all; the master has the message when this "
                           "returns, the executor may not\n"
                           "shutdown  ends the executor and with it its tasks\n"
                           "\n"
                           "  --task ID            the executor of that task\n"
                           "  --executor ID        the executor of that id, on the task's agent or on:\n"
                           "  --agent ID\n"
                           "\n" SETTINGS_HELP;

enum { OPTION_TASK = OPTION_OWN, OPTION_EXECUTOR, OPTION_AGENT };

#define DATA_MAX ((size_t)512 << 10)

static int read_input(const struct settings *settings, struct buf *data)
{
    char piece[65536];
    ssize_t length;

    while ((length = read(STDIN_FILENO, piece, sizeof piece)) > 0) {
        if (buf_append(data, piece, (size_t)length) < 0)
            return settings_usage(settings, "a message has at most %zu bytes", DATA_MAX);
    }
    return length < 0 ? settings_usage(settings, "cannot read standard input") : CLI_GO_ON;
}

static int send_message(
        const struct settings *settings, Zmesos__V1__Executor *executor, char **words, int count)
{
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__SendMessage message = ZMESOS__V1__SEND_MESSAGE__INIT;
    struct buf data;
    int rc = CLI_GO_ON;

    if (count != 1)
        return settings_usage(settings, "which message? one text, or - for standard input");
    buf_init(&data, DATA_MAX);
    if (strcmp(words[0], "-") == 0)
        rc = read_input(settings, &data);
    else if (buf_append(&data, words[0], strlen(words[0])) < 0)
        rc = settings_usage(settings, "a message has at most %zu bytes", DATA_MAX);
    if (rc == CLI_GO_ON) {
        message.executor = executor;
        message.has_data = 1;
        message.data.data = (uint8_t *)data.data;
        message.data.len = data.length;
        request.operation_case = ZMESOS__V1__REQUEST__OPERATION_MESSAGE;
        request.message = &message;
        rc = ask_done(settings, ASK_ONCE, &request);
    }
    buf_clear(&data);
    return rc;
}

static int shut_down(const struct settings *settings, Zmesos__V1__Executor *executor, char **words, int count)
{
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__ShutdownExecutor body = ZMESOS__V1__SHUTDOWN_EXECUTOR__INIT;

    if (count)
        return settings_usage(settings, "'%s' is too much", words[0]);
    body.executor = executor;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_SHUTDOWN_EXECUTOR;
    request.shutdown_executor = &body;
    return ask_done(settings, ASK_ONCE, &request);
}

static int run(struct settings *settings, int argc, char **argv)
{
    static const struct option options[] = {{"task", required_argument, NULL, OPTION_TASK},
            {"executor", required_argument, NULL, OPTION_EXECUTOR},
            {"agent", required_argument, NULL, OPTION_AGENT}, SETTINGS_OPTIONS};
    Zmesos__V1__Executor executor = ZMESOS__V1__EXECUTOR__INIT;
    int option, rc;

    while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (option == OPTION_TASK)
            executor.task_id = optarg;
        else if (option == OPTION_EXECUTOR)
            executor.executor_id = optarg;
        else if (option == OPTION_AGENT)
            executor.agent_id = optarg;
        else if ((rc = settings_option(settings, option, argv)) != CLI_GO_ON)
            return rc;
    }
    if (optind < argc && strcmp(argv[optind], "message") == 0)
        return send_message(settings, &executor, argv + optind + 1, argc - optind - 1);
    if (optind < argc && strcmp(argv[optind], "shutdown") == 0)
        return shut_down(settings, &executor, argv + optind + 1, argc - optind - 1);
    return settings_usage(settings, "message or shutdown? see zmesos executor --help");
}

const struct command command_executor = {
        .name = "executor", .summary = "send it a message, or end it", .help = help, .run = run};
