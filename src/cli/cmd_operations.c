/* zmesos operations: lists operations on resources, all or those named. */
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "base/arena.h"
#include "base/clock.h"
#include "format.h"
#include "spec.h"
#include "table.h"

#define PAGE 1000
#define STATES_MAX 16

static const char help[] =
        "usage: zmesos operations [OPTION...] [ID...]\n"
        "\n"
        "Lists operations on resources, oldest first: those named, or all under the conditions given.\n"
        "\n"
        "  --state STATE        in this state; queued, pending, finished ...; repeatable\n"
        "  --label KEY[=VALUE]  that carry the label\n"
        "  --prefix TEXT        whose ids begin so\n"
        "\n"
        "MESSAGE of one that waits: what the last offer lacked.\n"
        "\n" SETTINGS_HELP;

enum { OPTION_STATE = OPTION_AFTER_SPEC, OPTION_PREFIX };

static const char *const headers[] = {
        "OPERATION", "TYPE", "STATE", "SINCE", "AGE", "HOST", "NOTE", "MESSAGE"};

struct listing {
    const struct settings *settings;
    Zmesos__V1__ListOperations list;
    Zmesos__V1__Operation__State states[STATES_MAX];
    struct table table;
    char **ids; /* those named that are still to be asked about */
    size_t count;
    bool missing;
};

static int read_flags(
        struct listing *listing, struct settings *settings, struct arena *arena, int argc, char **argv)
{
    static const struct option options[] = {{"state", required_argument, NULL, OPTION_STATE},
            {"label", required_argument, NULL, OPTION_LABEL},
            {"prefix", required_argument, NULL, OPTION_PREFIX}, SETTINGS_OPTIONS};
    struct error err;
    int option, rc = CLI_GO_ON;

    while (rc == CLI_GO_ON && (option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        switch (option) {
        case OPTION_STATE:
            if (listing->list.n_states == STATES_MAX ||
                    format_read_operation_state(optarg, &listing->states[listing->list.n_states]) < 0)
                return settings_usage(settings, "--state %s: there is no such state", optarg);
            listing->list.n_states++;
            break;
        case OPTION_LABEL:
            if (spec_label(arena, optarg, &listing->list.label, &err) < 0)
                rc = settings_usage(settings, "%s", err.text);
            break;
        case OPTION_PREFIX:
            listing->list.id_prefix = optarg;
            break;
        default:
            rc = settings_option(settings, option, argv);
        }
    }
    if (rc == CLI_GO_ON && optind < argc &&
            (listing->list.n_states || listing->list.label || listing->list.id_prefix))
        rc = settings_usage(settings, "either ids or conditions");
    return rc;
}

static void print_operation(struct listing *listing, const Zmesos__V1__Operation *operation)
{
    int64_t now_ns = clock_read().wall_ns;
    char since[FORMAT_TIME_MAX], age[FORMAT_TIME_MAX];
    const char *cells[] = {operation->id, format_operation_type(operation->has_type, operation->type),
            format_operation_state(operation->has_state, operation->state),
            format_ago(operation->changed_ns, now_ns, since), format_ago(operation->created_ns, now_ns, age),
            operation->hostname, operation->held ? "held" : "",
            operation->obstacle ? operation->obstacle : operation->message};

    if (listing->settings->json)
        settings_print_json(listing->settings, &operation->base);
    else
        table_row(&listing->table, cells);
}

/* Prints the reply. CLI_GO_ON when there is another page. */
static int print_reply(struct listing *listing, struct client *client, Zmesos__V1__Request *request)
{
    Zmesos__V1__Reply *reply;
    size_t i;
    int rc =
            ask(listing->settings, client, ASK_REPEAT, request, ZMESOS__V1__REPLY__RESULT_OPERATIONS, &reply);

    if (rc != CLI_OK)
        return rc;
    for (i = 0; i < reply->operations->n_operations; i++)
        print_operation(listing, reply->operations->operations[i]);
    table_print(&listing->table, stdout);
    for (i = 0; i < reply->operations->n_missing; i++)
        settings_say(listing->settings, "there is no operation %s", reply->operations->missing[i]);
    listing->missing |= reply->operations->n_missing > 0;
    listing->list.has_after = 1;
    listing->list.after = reply->operations->next;
    if (reply->operations->has_next)
        rc = CLI_GO_ON;
    ask_free(reply);
    return rc;
}

/* Those named, so many at a time. */
static int print_named(void *context, struct client *client)
{
    struct listing *listing = context;
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__GetOperations get = ZMESOS__V1__GET_OPERATIONS__INIT;
    int rc;

    get.operation_ids = listing->ids;
    get.n_operation_ids = listing->count < PAGE ? listing->count : PAGE;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_GET_OPERATIONS;
    request.get_operations = &get;
    rc = print_reply(listing, client, &request);
    listing->ids += get.n_operation_ids;
    listing->count -= get.n_operation_ids;
    if (rc == CLI_OK && listing->count)
        return CLI_GO_ON;
    return rc == CLI_OK && listing->missing ? CLI_FAILED : rc;
}

static int print_page(void *context, struct client *client)
{
    struct listing *listing = context;
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;

    listing->list.has_page_size = 1;
    listing->list.page_size = PAGE;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_LIST_OPERATIONS;
    request.list_operations = &listing->list;
    return print_reply(listing, client, &request);
}

static int run(struct settings *settings, int argc, char **argv)
{
    struct listing listing = {.settings = settings, .list = ZMESOS__V1__LIST_OPERATIONS__INIT};
    struct arena arena;
    int rc;

    arena_init(&arena);
    table_init(&listing.table, headers, sizeof headers / sizeof *headers);
    listing.list.states = listing.states;
    rc = read_flags(&listing, settings, &arena, argc, argv);
    listing.ids = argv + optind;
    listing.count = (size_t)(argc - optind);
    if (rc == CLI_GO_ON)
        rc = ask_pages(settings, listing.count ? print_named : print_page, &listing);
    table_clear(&listing.table);
    arena_clear(&arena);
    return rc;
}

const struct command command_operations = {
        .name = "operations", .summary = "list operations on resources", .help = help, .run = run};
