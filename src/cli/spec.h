/* One task, described by flags and the words behind them. */
#ifndef CLI_SPEC_H
#define CLI_SPEC_H

#include "base/arena.h"
#include "settings.h"

struct spec {
    struct arena arena; /* everything below lives here */
    Zmesos__V1__TaskSpec task;
    Mesos__V1__CommandInfo command;
    Zmesos__V1__RetryPolicy retry; /* the task's where --retries was given */
    const char *retry_flag;        /* one that needs --retries, or NULL */
    Zmesos__V1__Consumer consumer; /* the task's where --consumer was given */
    const char *consumer_flag;     /* one that needs --consumer, or NULL */
    bool touched;                  /* a flag said something about the task */
    size_t most;                   /* no more than so many values of one flag */
};

enum {
    OPTION_ID = OPTION_OWN,
    OPTION_NAME,
    OPTION_CPUS,
    OPTION_MEM,
    OPTION_DISK,
    OPTION_GPUS,
    OPTION_PORTS,
    OPTION_ROLE,
    OPTION_PRIORITY,
    OPTION_SUBMITTER,
    OPTION_CONSTRAINT,
    OPTION_ENV,
    OPTION_LABEL,
    OPTION_USER,
    OPTION_IMAGE,
    OPTION_DESPITE_MAINTENANCE,
    OPTION_PIN,
    OPTION_PLACER,
    OPTION_CONSUMER, /* consumer.h's */
    OPTION_CONFIRM_TIMEOUT,
    OPTION_CONFIRM_AFTER,
    OPTION_RETRIES, /* from here on retry.h's */
    OPTION_RETRY_ON,
    OPTION_RETRY_BACKOFF,
    OPTION_RETRY_BACKOFF_MAX,
    OPTION_REPLACE_AFTER,
    OPTION_ELSEWHERE,
    OPTION_LAUNCH_TIMEOUT,
    OPTION_AFTER_SPEC,
};

#define SPEC_OPTIONS                                                                                         \
    {"id", required_argument, NULL, OPTION_ID}, {"name", required_argument, NULL, OPTION_NAME},              \
            {"cpus", required_argument, NULL, OPTION_CPUS}, {"mem", required_argument, NULL, OPTION_MEM},    \
            {"disk", required_argument, NULL, OPTION_DISK}, {"gpus", required_argument, NULL, OPTION_GPUS},  \
            {"ports", required_argument, NULL, OPTION_PORTS},                                                \
            {"role", required_argument, NULL, OPTION_ROLE},                                                  \
            {"submitter", required_argument, NULL, OPTION_SUBMITTER},                                        \
            {"priority", required_argument, NULL, OPTION_PRIORITY},                                          \
            {"constraint", required_argument, NULL, OPTION_CONSTRAINT},                                      \
            {"env", required_argument, NULL, OPTION_ENV}, {"label", required_argument, NULL, OPTION_LABEL},  \
            {"user", required_argument, NULL, OPTION_USER},                                                  \
            {"despite-maintenance", no_argument, NULL, OPTION_DESPITE_MAINTENANCE},                          \
            {"agent", required_argument, NULL, OPTION_PIN},                                                  \
            {"placer", required_argument, NULL, OPTION_PLACER},                                              \
            {"image", required_argument, NULL, OPTION_IMAGE},                                                \
            {"consumer", required_argument, NULL, OPTION_CONSUMER},                                          \
            {"confirm-timeout", required_argument, NULL, OPTION_CONFIRM_TIMEOUT},                            \
            {"confirm-after", required_argument, NULL, OPTION_CONFIRM_AFTER},                                \
            {"retries", required_argument, NULL, OPTION_RETRIES},                                            \
            {"retry-on", required_argument, NULL, OPTION_RETRY_ON},                                          \
            {"retry-backoff", required_argument, NULL, OPTION_RETRY_BACKOFF},                                \
            {"retry-backoff-max", required_argument, NULL, OPTION_RETRY_BACKOFF_MAX},                        \
            {"replace-after", required_argument, NULL, OPTION_REPLACE_AFTER},                                \
            {"elsewhere", no_argument, NULL, OPTION_ELSEWHERE},                                              \
    {                                                                                                        \
        "launch-timeout", required_argument, NULL, OPTION_LAUNCH_TIMEOUT                                     \
    }

#define SPEC_HELP                                                                                            \
    "  --id ID              unique; without it one is made up\n"                                             \
    "  --name NAME          shown in Mesos\n"                                                                \
    "  --cpus N             cores, three decimals (1)\n"                                                     \
    "  --mem MB             memory (128)\n"                                                                  \
    "  --disk MB, --gpus N, --ports N\n"                                                                     \
    "  --role ROLE          one of the daemon's\n"                                                           \
    "  --priority N         higher goes first (0)\n"                                                         \
    "  --submitter NAME     whose share of the cluster it takes\n"                                           \
    "  --constraint TEXT    'rack=r1', 'rack in r1,r2', 'rack~r[0-9]+' or 'unique rack'; repeatable\n"       \
    "  --agent ID           on that agent and no other\n"                                                    \
    "  --placer NAME        waits until somebody places it on a leased offer\n"                              \
    "  --env NAME=VALUE     repeatable\n"                                                                    \
    "  --label KEY[=VALUE]  repeatable\n"                                                                    \
    "  --user NAME          to run as\n"                                                                     \
    "  --image IMAGE        run in this Docker image, by Mesos's own containerizer\n"                        \
    "  --despite-maintenance  also on agents that are to be maintained soon; it is not drained\n"            \
    "  --consumer NAME      confirms each update before Mesos may forget it; see zmesos unconfirmed\n"       \
    "  --confirm-timeout TIME  for that (1m)\n"                                                              \
    "  --confirm-after acknowledge|wait  then it is acknowledged without, or waits on (acknowledge)\n"       \
    "  --retries N          more attempts after the first, up to 99 (0)\n"                                   \
    "  --retry-on OUTCOME,...  failed, finished, killed, launch_timeout, gone, drained; and lost, "          \
    "unreachable, "                                                                                          \
    "unknown,\n"                                                                                             \
    "                       which may run twice at once (failed,launch_timeout,gone)\n"                      \
    "  --retry-backoff TIME before the second attempt, doubled for each further one (1s)\n"                  \
    "  --retry-backoff-max TIME  but not more (5m, or the backoff)\n"                                        \
    "  --replace-after TIME how long one is lost, unreachable or unknown before it is given up (10m)\n"      \
    "  --elsewhere          never again on an agent where an attempt has ended\n"                            \
    "  --launch-timeout TIME  to be STARTING or RUNNING, before it is killed (the daemon's; 0: none)\n"      \
    "                       TIME: 500ms, 1.5s, 10m, 2h, 1d; without a unit, seconds\n"

/* `most`: argc will do. */
void spec_init(struct spec *spec, size_t most);
void spec_clear(struct spec *spec);

/* Takes an option of SPEC_OPTIONS: 1; 0 for one that is not of them; ERR_INVALID. The value is copied where
 * it is not used as it is: argv stays. */
int spec_option(struct spec *spec, int option, char *value, struct error *err) MUST_CHECK;

/* The words behind the flags: one is a line for the shell, several are a program and its arguments. Fills in
 * what no flag said: id, cpus, mem. ERR_INVALID when there is no command. */
int spec_finish(struct spec *spec, int argc, char **argv, struct error *err) MUST_CHECK;

/* A time of at most `max` as a message in the arena: 1; ERR_INVALID, with words that name the flag. */
int spec_duration(struct spec *spec, const char *flag, const char *text, int64_t max,
        Mesos__V1__DurationInfo **out, struct error *err) MUST_CHECK;

/* KEY or KEY=VALUE as a label in the arena. ERR_INVALID for an empty key. */
int spec_label(struct arena *arena, const char *text, Mesos__V1__Label **out, struct error *err) MUST_CHECK;

#endif
