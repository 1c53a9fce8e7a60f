/* zmesos unconfirmed: updates that wait for consumers. */
#include <inttypes.h>
#include <stdio.h>

#include "ask.h"
#include "base/clock.h"
#include "base/decimal.h"
#include "consumer.h"
#include "format.h"
#include "table.h"

#define PAGE 500

static const char help[] =
        "usage: zmesos unconfirmed [OPTION...]\n"
        "\n"
        "Prints the updates that Mesos was not acknowledged because a consumer has not confirmed them,\n"
        "in the order in which they came. UPDATE is what zmesos confirm takes.\n"
        "\n"
        "  --consumer NAME      of this one alone\n"
        "  --limit N            no more than so many\n"
        "\n" SETTINGS_HELP;

enum { OPTION_LIMIT = OPTION_AFTER_SPEC };

static const char *const headers[] = {"UPDATE", "STATE", "CONSUMER", "SINCE", "LIMIT"};

struct listing {
    const struct settings *settings;
    Zmesos__V1__Unconfirmed request;
    int64_t limit;
    struct table table;
};

static void print_update(struct listing *listing, const Zmesos__V1__UnconfirmedUpdate *update, int64_t now_ns)
{
    char name[512], uuid[CONSUMER_UUID_TEXT_MAX], since[FORMAT_TIME_MAX], until[FORMAT_TIME_MAX];
    const char *cells[] = {name, format_mesos_state(update->has_state, update->state), update->consumer,
            format_ago(update->since_ns, now_ns, since),
            update->late ? "has passed" : format_until(update->deadline_ns, now_ns, until)};

    snprintf(name, sizeof name, "%s/%" PRIu32 "/%s", update->task_id ? update->task_id : "", update->attempt,
            consumer_format_uuid(update->uuid, uuid));
    if (listing->settings->json)
        settings_print_json(listing->settings, &update->base);
    else
        table_row(&listing->table, cells);
}

/* Prints one page. CLI_GO_ON when there is another. */
static int print_page(void *context, struct client *client)
{
    struct listing *listing = context;
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__Reply *reply;
    size_t i;
    int rc;

    listing->request.has_page_size = 1;
    listing->request.page_size = listing->limit < PAGE ? (uint32_t)listing->limit : PAGE;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_UNCONFIRMED;
    request.unconfirmed = &listing->request;
    rc = ask(listing->settings, client, ASK_REPEAT, &request, ZMESOS__V1__REPLY__RESULT_UNCONFIRMED, &reply);
    if (rc != CLI_OK)
        return rc;
    for (i = 0; i < reply->unconfirmed->n_updates && listing->limit > 0; i++, listing->limit--)
        print_update(listing, reply->unconfirmed->updates[i], clock_read().wall_ns);
    table_print(&listing->table, stdout);
    if (reply->unconfirmed->has_next && listing->limit > 0)
        rc = CLI_GO_ON;
    listing->request.has_after = 1;
    listing->request.after = reply->unconfirmed->next;
    ask_free(reply);
    return rc;
}

static int run(struct settings *settings, int argc, char **argv)
{
    static const struct option options[] = {{"consumer", required_argument, NULL, OPTION_CONSUMER},
            {"limit", required_argument, NULL, OPTION_LIMIT}, SETTINGS_OPTIONS};
    struct listing listing = {
            .settings = settings, .request = ZMESOS__V1__UNCONFIRMED__INIT, .limit = INT64_MAX};
    int option, rc = CLI_GO_ON;

    while (rc == CLI_GO_ON && (option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (option == OPTION_CONSUMER)
            listing.request.consumer = optarg;
        else if (option != OPTION_LIMIT)
            rc = settings_option(settings, option, argv);
        else if (integer_parse(optarg, 1, INT64_MAX, &listing.limit) < 0)
            rc = settings_usage(settings, "--limit %s: expected a number from 1", optarg);
    }
    if (rc == CLI_GO_ON && optind < argc)
        rc = settings_usage(settings, "'%s' is too much", argv[optind]);
    if (rc != CLI_GO_ON)
        return rc;
    table_init(&listing.table, headers, sizeof headers / sizeof *headers);
    rc = ask_pages(settings, print_page, &listing);
    table_clear(&listing.table);
    return rc;
}

const struct command command_unconfirmed = {
        .name = "unconfirmed", .summary = "updates that wait for consumers", .help = help, .run = run};
