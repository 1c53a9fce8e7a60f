/* zmesos: a command line for zmesosd. Each command is a file, cmd_NAME.c, and a line of the table below. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "settings.h"

static const struct command *const commands[] = {&command_launch, &command_run, &command_kill, &command_tasks,
        &command_task, &command_events, &command_status, &command_backup, &command_release, &command_why,
        &command_logs, &command_operate, &command_operations, &command_cancel_operation, &command_framework,
        &command_executor, &command_unconfirmed, &command_confirm, &command_lease, &command_agents,
        &command_top};

#define COMMANDS (sizeof commands / sizeof *commands)

static const char help_begin[] = "usage: zmesos [OPTION...] COMMAND [ARGUMENT...]\n\nDrives zmesosd.\n\n";
static const char help_end[] =
        "\nOptions of every command:\n" SETTINGS_HELP
        "\nExit codes: 0 done, 1 refused or failed, 2 called wrongly, 3 no answer in time; run: the task's.\n"
        "See zmesos COMMAND --help, and zmesos(1).\n";

static void print_help(void)
{
    size_t i;

    fputs(help_begin, stdout);
    for (i = 0; i < COMMANDS; i++)
        printf("  %-16s %s\n", commands[i]->name, commands[i]->summary);
    fputs(help_end, stdout);
}

static const struct command *find_command(const char *name)
{
    size_t i;

    for (i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    }
    return NULL;
}

static int run_command(struct settings *settings, int argc, char **argv)
{
    const struct command *command = find_command(argv[0]);
    char name[32];

    if (!command)
        return settings_usage(settings, "there is no command '%s'; see zmesos --help", argv[0]);
    snprintf(name, sizeof name, "zmesos %s", command->name);
    settings->command = name;
    settings->help = command->help;
    optind = 0; /* getopt begins anew */
    return command->run(settings, argc, argv);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {SETTINGS_OPTIONS};
    struct settings settings;
    int option, rc;

    settings_init(&settings);
    while ((option = getopt_long(argc, argv, "+:", options, NULL)) != -1) {
        if (option == OPTION_HELP) {
            print_help();
            return CLI_OK;
        }
        rc = settings_option(&settings, option, argv);
        if (rc != CLI_GO_ON)
            return rc;
    }
    if (optind >= argc)
        rc = settings_usage(&settings, "which command? see zmesos --help");
    else
        rc = run_command(&settings, argc - optind, argv + optind);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        settings.command = "zmesos";
        settings_say(&settings, "cannot write: %s", strerror(errno));
        return rc == CLI_OK ? CLI_FAILED : rc;
    }
    return rc;
}
