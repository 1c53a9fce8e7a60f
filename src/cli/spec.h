/* One task, described by flags and the words behind them. */
#ifndef CLI_SPEC_H
#define CLI_SPEC_H

#include "base/arena.h"
#include "settings.h"

struct spec {
    struct arena arena; /* everything below lives here */
    Zmesos__V1__TaskSpec task;
    Mesos__V1__CommandInfo command;
    bool touched; /* a flag said something about the task */
    size_t most;  /* no more than so many values of one flag */
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
    OPTION_CONSTRAINT,
    OPTION_ENV,
    OPTION_LABEL,
    OPTION_USER,
    OPTION_IMAGE,
    OPTION_AFTER_SPEC,
};

#define SPEC_OPTIONS                                                                                         \
    {"id", required_argument, NULL, OPTION_ID}, {"name", required_argument, NULL, OPTION_NAME},              \
            {"cpus", required_argument, NULL, OPTION_CPUS}, {"mem", required_argument, NULL, OPTION_MEM},    \
            {"disk", required_argument, NULL, OPTION_DISK}, {"gpus", required_argument, NULL, OPTION_GPUS},  \
            {"ports", required_argument, NULL, OPTION_PORTS},                                                \
            {"role", required_argument, NULL, OPTION_ROLE},                                                  \
            {"priority", required_argument, NULL, OPTION_PRIORITY},                                          \
            {"constraint", required_argument, NULL, OPTION_CONSTRAINT},                                      \
            {"env", required_argument, NULL, OPTION_ENV}, {"label", required_argument, NULL, OPTION_LABEL},  \
            {"user", required_argument, NULL, OPTION_USER},                                                  \
    {                                                                                                        \
        "image", required_argument, NULL, OPTION_IMAGE                                                       \
    }

#define SPEC_HELP                                                                                            \
    "  --id ID              unique; without it one is made up\n"                                             \
    "  --name NAME          shown in Mesos\n"                                                                \
    "  --cpus N             cores, three decimals (1)\n"                                                     \
    "  --mem MB             memory (128)\n"                                                                  \
    "  --disk MB, --gpus N, --ports N\n"                                                                     \
    "  --role ROLE          one of the daemon's\n"                                                           \
    "  --priority N         higher goes first (0)\n"                                                         \
    "  --constraint TEXT    'rack=r1', 'rack in r1,r2', 'rack~r[0-9]+' or 'unique rack'; repeatable\n"       \
    "  --env NAME=VALUE     repeatable\n"                                                                    \
    "  --label KEY[=VALUE]  repeatable\n"                                                                    \
    "  --user NAME          to run as\n"                                                                     \
    "  --image IMAGE        run in this Docker image, by Mesos's own containerizer\n"

/* `most`: argc will do. */
void spec_init(struct spec *spec, size_t most);
void spec_clear(struct spec *spec);

/* Takes an option of SPEC_OPTIONS: 1; 0 for one that is not of them; ERR_INVALID. The value is copied where
 * it is not used as it is: argv stays. */
int spec_option(struct spec *spec, int option, char *value, struct error *err) MUST_CHECK;

/* The words behind the flags: one is a line for the shell, several are a program and its arguments. Fills in
 * what no flag said: id, cpus, mem. ERR_INVALID when there is no command. */
int spec_finish(struct spec *spec, int argc, char **argv, struct error *err) MUST_CHECK;

/* KEY or KEY=VALUE as a label in the arena. ERR_INVALID for an empty key. */
int spec_label(struct arena *arena, const char *text, Mesos__V1__Label **out, struct error *err) MUST_CHECK;

#endif
