/* zmesos operate, zmesos cancel-operation: operations on resources, to the daemon and back. */
#include <stdio.h>

#include "ask.h"
#include "batch.h"
#include "format.h"
#include "spec_file.h"
#include "table.h"

#define OPERATIONS_MAX 1000 /* of one request */

static const char operate_help[] =
        "usage: zmesos operate [OPTION...] FILE\n"
        "\n"
        "Hands operations on resources (reservations, volumes, disks) to the daemon: as JSON in FILE, one, "
        "an "
        "array, or\n"
        "{\"operations\": [...]}; - is standard input. What it took is on its disk. The same operation with "
        "the same id\n"
        "again is no error, and does nothing. See docs/reservations.md.\n"
        "\n" SETTINGS_HELP;

static const char cancel_help[] =
        "usage: zmesos cancel-operation [OPTION...] ID...\n"
        "\n"
        "Gives operations up: those that wait, and those that are out of sight, which may have been done.\n"
        "\n" SETTINGS_HELP;

static const char *const headers[] = {"OPERATION", "RESULT", "STATE", "MESSAGE"};

struct answering {
    const struct settings *settings;
    const char *done; /* a word for what was taken */
    size_t refused;
    struct table table;
};

static void take_item(struct answering *answering, const Zmesos__V1__Item *item)
{
    char message[ERROR_TEXT_MAX + ERROR_FIELD_MAX];
    bool taken = item->has_code && item->code == ZMESOS__V1__CODE__OK;
    const char *cells[] = {item->operation_id,
            taken ? (item->known ? "known" : answering->done) : format_code(item->has_code, item->code),
            format_operation_state(item->has_operation_state, item->operation_state), item->message};

    answering->refused += !taken;
    if (answering->settings->json) {
        settings_print_json(answering->settings, &item->base);
        return;
    }
    if (item->field && *item->field) {
        snprintf(message, sizeof message, "%s: %s", item->field, item->message ? item->message : "");
        cells[3] = message;
    }
    table_row(&answering->table, cells);
}

static int send_request(struct answering *answering, struct client *client, Zmesos__V1__Request *request)
{
    Zmesos__V1__Reply *reply;
    size_t i;
    int rc = ask(answering->settings, client, ASK_REPEAT, request, ZMESOS__V1__REPLY__RESULT_ITEMS, &reply);

    if (rc != CLI_OK)
        return rc;
    for (i = 0; i < reply->items->n_items; i++)
        take_item(answering, reply->items->items[i]);
    table_print(&answering->table, stdout);
    ask_free(reply);
    return CLI_OK;
}

static int read_flags(struct settings *settings, int argc, char **argv)
{
    static const struct option options[] = {SETTINGS_OPTIONS};
    int option, rc;

    while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if ((rc = settings_option(settings, option, argv)) != CLI_GO_ON)
            return rc;
    }
    return CLI_GO_ON;
}

/* ---- operate ---- */

static int send_operations(struct answering *answering, struct client *client, const Zmesos__V1__Operate *all)
{
    size_t first, rest;
    int rc = CLI_OK;

    for (first = 0; first < all->n_operations && rc == CLI_OK; first += OPERATIONS_MAX) {
        Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
        Zmesos__V1__Operate part = ZMESOS__V1__OPERATE__INIT;

        rest = all->n_operations - first;
        part.operations = all->operations + first;
        part.n_operations = rest < OPERATIONS_MAX ? rest : OPERATIONS_MAX;
        request.operation_case = ZMESOS__V1__REQUEST__OPERATION_OPERATE;
        request.operate = &part;
        rc = send_request(answering, client, &request);
    }
    return rc;
}

static int run_operate(struct settings *settings, int argc, char **argv)
{
    struct answering answering = {.settings = settings, .done = "taken"};
    Zmesos__V1__Operate *operate = NULL;
    struct client *client = NULL;
    struct error err;
    int rc = read_flags(settings, argc, argv);

    if (rc != CLI_GO_ON)
        return rc;
    if (argc - optind != 1)
        return settings_usage(settings, "one file with operations is named, or - for standard input");
    if (spec_file_read_operations(argv[optind], &operate, &err) < 0)
        return settings_usage(settings, "%s", err.text);
    table_init(&answering.table, headers, sizeof headers / sizeof *headers);
    rc = client_create(settings, &client, &err);
    rc = rc < 0 ? settings_fail(settings, rc, &err) : send_operations(&answering, client, operate);
    if (rc == CLI_OK && answering.refused)
        rc = CLI_FAILED;
    client_destroy(client);
    table_clear(&answering.table);
    zmesos__v1__operate__free_unpacked(operate, NULL);
    return rc;
}

/* ---- cancel-operation ---- */

static int send_cancels(struct answering *answering, struct client *client, char **ids, size_t count)
{
    int rc = CLI_OK;

    while (count && rc == CLI_OK) {
        Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
        Zmesos__V1__CancelOperations cancel = ZMESOS__V1__CANCEL_OPERATIONS__INIT;

        cancel.operation_ids = ids;
        cancel.n_operation_ids = batch_ids(ids, count);
        request.operation_case = ZMESOS__V1__REQUEST__OPERATION_CANCEL_OPERATIONS;
        request.cancel_operations = &cancel;
        rc = send_request(answering, client, &request);
        ids += cancel.n_operation_ids;
        count -= cancel.n_operation_ids;
    }
    return rc;
}

static int run_cancel(struct settings *settings, int argc, char **argv)
{
    struct answering answering = {.settings = settings, .done = "over"};
    struct client *client = NULL;
    struct error err;
    int rc = read_flags(settings, argc, argv);

    if (rc != CLI_GO_ON)
        return rc;
    if (optind == argc)
        return settings_usage(settings, "which operation? give at least one id");
    table_init(&answering.table, headers, sizeof headers / sizeof *headers);
    rc = client_create(settings, &client, &err);
    rc = rc < 0 ? settings_fail(settings, rc, &err)
                : send_cancels(&answering, client, argv + optind, (size_t)(argc - optind));
    if (rc == CLI_OK && answering.refused)
        rc = CLI_FAILED;
    client_destroy(client);
    table_clear(&answering.table);
    return rc;
}

const struct command command_operate = {.name = "operate",
        .summary = "hand operations on resources to the daemon",
        .help = operate_help,
        .run = run_operate};
const struct command command_cancel_operation = {
        .name = "cancel-operation", .summary = "give operations up", .help = cancel_help, .run = run_cancel};
