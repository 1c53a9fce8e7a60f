/* What every command takes: where the daemon is, how long to wait, how to print. */
#ifndef CLI_SETTINGS_H
#define CLI_SETTINGS_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "zmesos/v1/zmesos.pb-c.h"

/* Exit codes; docs/man/zmesos.1 documents them. */
enum {
    CLI_OK = 0,
    CLI_FAILED = 1,    /* refused, or failed */
    CLI_USAGE = 2,     /* called wrongly */
    CLI_NO_ANSWER = 3, /* nobody answers in time */
};

#define CLI_GO_ON (-1) /* no exit code: parsing goes on */

#define SETTINGS_CONTROL "tcp://127.0.0.1:5560"
#define SETTINGS_PIPELINE "tcp://127.0.0.1:5561" /* of the same daemon */
#define SETTINGS_EVENTS "tcp://127.0.0.1:5562"

struct settings {
    const char *command;          /* for messages: "zmesos", or "zmesos launch" */
    const char *help;             /* of that command */
    const char *control, *events; /* endpoints */
    int64_t timeout_ms;
    bool json;
};

struct command {
    const char *name;
    const char *summary;
    const char *help;
    int (*run)(struct settings *settings, int argc, char **argv); /* returns the exit code */
};

extern const struct command command_launch, command_run, command_kill, command_tasks, command_task,
        command_events, command_status, command_backup, command_release, command_why, command_logs,
        command_framework, command_operate, command_operations, command_cancel_operation, command_executor,
        command_unconfirmed, command_confirm, command_lease, command_agents, command_top;

/* Values of long options without a letter; a command's own begin at OPTION_OWN. */
enum {
    OPTION_CONTROL = 1000,
    OPTION_EVENTS,
    OPTION_TIMEOUT,
    OPTION_JSON,
    OPTION_HELP,
    OPTION_VERSION,
    OPTION_OWN
};

#define SETTINGS_OPTIONS                                                                                     \
    {"control", required_argument, NULL, OPTION_CONTROL},                                                    \
            {"events", required_argument, NULL, OPTION_EVENTS},                                              \
            {"timeout", required_argument, NULL, OPTION_TIMEOUT}, {"json", no_argument, NULL, OPTION_JSON},  \
            {"help", no_argument, NULL, OPTION_HELP}, {"version", no_argument, NULL, OPTION_VERSION},        \
    {                                                                                                        \
        NULL, 0, NULL, 0                                                                                     \
    }

#define SETTINGS_HELP                                                                                        \
    "  --control ENDPOINT   the daemon's control socket ($ZMESOS_CONTROL, else " SETTINGS_CONTROL ")\n"      \
    "  --events ENDPOINT    its events socket ($ZMESOS_EVENTS, else " SETTINGS_EVENTS ")\n"                  \
    "  --timeout SECONDS    how long to wait for an answer (10)\n"                                           \
    "  --json               one JSON object a line\n"                                                        \
    "  --help, --version\n"

/* Defaults, and the environment. */
void settings_init(struct settings *settings);

/* Handles what getopt_long() returned where the command does not know it: CLI_GO_ON, or an exit code.
 * `getopt`'s option string begins with ":" (or "+:"), so that the words of an error are ours. */
int settings_option(struct settings *settings, int option, char **argv);

/* One line on standard error, behind the command's name. The second returns CLI_USAGE. */
void settings_say(const struct settings *settings, const char *format, ...) PRINTF_LIKE(2, 3);
int settings_usage(const struct settings *settings, const char *format, ...) PRINTF_LIKE(2, 3);

/* Says what went wrong in `err` and returns the exit code for `rc`. */
int settings_fail(const struct settings *settings, int rc, const struct error *err);

/* Says why a reply is a refusal and returns CLI_FAILED; CLI_OK when it is none (SOME_REFUSED is none: see its
 * items). */
int settings_refused(const struct settings *settings, const Zmesos__V1__Reply *reply);

/* One message as a line of JSON on standard output. */
void settings_print_json(const struct settings *settings, const ProtobufCMessage *message);

#endif
