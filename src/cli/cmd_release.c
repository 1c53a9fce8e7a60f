/* zmesos release: says what to do with tasks that are held because the daemon's state was restored. */
#include <inttypes.h>
#include <stdio.h>

#include "ask.h"
#include "batch.h"
#include "format.h"
#include "table.h"

static const char help[] = "usage: zmesos release --run|--drop [OPTION...] [ID...]\n"
                           "\n"
                           "After a start from a backup, tasks that were not over are held: they are not "
                           "launched, since another "
                           "daemon\n"
                           "may have run them meanwhile. Releases those named, or all; asks nothing.\n"
                           "\n"
                           "  --run                to run as any other task\n"
                           "  --drop               to end, as by zmesos kill\n"
                           "\n" SETTINGS_HELP;

enum { OPTION_RUN = OPTION_OWN, OPTION_DROP };

static const char *const headers[] = {"TASK", "RESULT", "STATE", "MESSAGE"};

struct releasing {
    const struct settings *settings;
    Zmesos__V1__Release__Action action;
    bool chosen;
    size_t refused;
    struct table table;
};

static void take_item(struct releasing *releasing, const Zmesos__V1__Item *item)
{
    const char *action = releasing->action == ZMESOS__V1__RELEASE__ACTION__RUN ? "released" : "dropped";
    const char *done = item->known ? "not held" : action;
    bool taken = item->has_code && item->code == ZMESOS__V1__CODE__OK;
    const char *cells[] = {item->task_id, taken ? done : format_code(item->has_code, item->code),
            format_state(item->has_state, item->state), item->message};

    releasing->refused += !taken;
    if (releasing->settings->json)
        settings_print_json(releasing->settings, &item->base);
    else
        table_row(&releasing->table, cells);
}

static void take_items(struct releasing *releasing, const Zmesos__V1__Items *items)
{
    size_t i;

    for (i = 0; i < items->n_items; i++)
        take_item(releasing, items->items[i]);
    table_print(&releasing->table, stdout);
    if (items->has_total && items->total > items->n_items)
        settings_say(releasing->settings, "and %" PRIu64 " more", items->total - items->n_items);
}

/* Without ids: all. */
static int send_release(struct releasing *releasing, struct client *client, char **ids, size_t count)
{
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__Release release = ZMESOS__V1__RELEASE__INIT;
    Zmesos__V1__Reply *reply;
    int rc;

    release.has_action = 1;
    release.action = releasing->action;
    release.n_task_ids = count;
    release.task_ids = ids;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_RELEASE;
    request.release = &release;
    rc = ask(releasing->settings, client, ASK_REPEAT, &request, ZMESOS__V1__REPLY__RESULT_ITEMS, &reply);
    if (rc != CLI_OK)
        return rc;
    take_items(releasing, reply->items);
    if (!count && !reply->items->n_items)
        settings_say(releasing->settings, "no task is held");
    ask_free(reply);
    return CLI_OK;
}

static int release_tasks(struct releasing *releasing, char **ids, size_t count)
{
    struct client *client = NULL;
    struct error err;
    size_t portion;
    int rc = client_create(releasing->settings, &client, &err);

    if (rc < 0)
        return settings_fail(releasing->settings, rc, &err);
    do {
        portion = batch_ids(ids, count);
        rc = send_release(releasing, client, ids, portion);
        ids += portion;
        count -= portion;
    } while (rc == CLI_OK && count);
    if (rc == CLI_OK && releasing->refused)
        rc = CLI_FAILED;
    client_destroy(client);
    return rc;
}

static int read_flags(struct releasing *releasing, struct settings *settings, int argc, char **argv)
{
    static const struct option options[] = {{"run", no_argument, NULL, OPTION_RUN},
            {"drop", no_argument, NULL, OPTION_DROP}, SETTINGS_OPTIONS};
    Zmesos__V1__Release__Action action;
    int option, rc;

    while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (option != OPTION_RUN && option != OPTION_DROP) {
            if ((rc = settings_option(settings, option, argv)) != CLI_GO_ON)
                return rc;
            continue;
        }
        action = option == OPTION_RUN ? ZMESOS__V1__RELEASE__ACTION__RUN : ZMESOS__V1__RELEASE__ACTION__DROP;
        if (releasing->chosen && releasing->action != action)
            return settings_usage(settings, "--run or --drop, not both");
        releasing->chosen = true;
        releasing->action = action;
    }
    if (!releasing->chosen)
        return settings_usage(settings, "to do what? --run or --drop");
    return CLI_GO_ON;
}

static int run(struct settings *settings, int argc, char **argv)
{
    struct releasing releasing = {.settings = settings};
    int rc;

    table_init(&releasing.table, headers, sizeof headers / sizeof *headers);
    rc = read_flags(&releasing, settings, argc, argv);
    if (rc == CLI_GO_ON)
        rc = release_tasks(&releasing, argv + optind, (size_t)(argc - optind));
    table_clear(&releasing.table);
    return rc;
}

const struct command command_release = {.name = "release",
        .summary = "run or drop tasks that a restored daemon holds",
        .help = help,
        .run = run};
