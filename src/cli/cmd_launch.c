/* zmesos launch: hands tasks to the daemon and says what became of each. */
#include "launch.h"
#include "format.h"
#include "table.h"

static const char help[] =
        "usage: zmesos launch [OPTION...] [--] LINE\n"
        "       zmesos launch [OPTION...] [--] PROGRAM ARGUMENT...\n"
        "       zmesos launch [OPTION...] --file FILE\n"
        "\n"
        "Hands a task to the daemon: a line for the shell, or a program with its arguments. What it took is "
        "on its\n"
        "disk. Launching the same task with the same id again is no error, and does nothing.\n"
        "\n" SPEC_HELP
        "  --file FILE          tasks as JSON: one, an array, or {\"tasks\": [...]}; - is standard input\n"
        "\n" SETTINGS_HELP;

static const char *const headers[] = {"TASK", "RESULT", "STATE", "MESSAGE"};

struct output {
    const struct settings *settings;
    struct table table;
    size_t refused;
};

static void print_item(void *context, const Zmesos__V1__TaskSpec *task, const Zmesos__V1__Item *item)
{
    struct output *output = context;
    char message[ERROR_TEXT_MAX + ERROR_FIELD_MAX];
    bool taken = launch_taken(item);
    const char *cells[] = {item->task_id ? item->task_id : task->id,
            taken ? (item->known ? "known" : "taken") : format_code(item->has_code, item->code),
            format_state(item->has_state, item->state), item->message};

    output->refused += !taken;
    if (output->settings->json) {
        settings_print_json(output->settings, &item->base);
        return;
    }
    if (item->field && *item->field) {
        snprintf(message, sizeof message, "%s: %s", item->field, item->message ? item->message : "");
        cells[3] = message;
    }
    table_row(&output->table, cells);
    if (output->table.rows == LAUNCH_ITEMS_MAX)
        table_print(&output->table, stdout);
}

static int run(struct settings *settings, int argc, char **argv)
{
    struct launch launch;
    struct output output = {.settings = settings};
    struct client *client = NULL;
    struct error err;
    int rc = launch_read(&launch, settings, argc, argv);

    table_init(&output.table, headers, sizeof headers / sizeof *headers);
    if (rc != CLI_GO_ON)
        goto out;
    rc = client_create(settings, &client, &err);
    if (rc < 0) {
        rc = settings_fail(settings, rc, &err);
        goto out;
    }
    rc = launch_send(&launch, settings, client, print_item, &output);
    table_print(&output.table, stdout);
    if (rc == CLI_GO_ON)
        rc = output.refused ? CLI_FAILED : CLI_OK;
out:
    table_clear(&output.table);
    client_destroy(client);
    launch_clear(&launch);
    return rc;
}

const struct command command_launch = {
        .name = "launch", .summary = "hand tasks to the daemon", .help = help, .run = run};
