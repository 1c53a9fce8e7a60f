/* zmesos confirm: lets Mesos forget updates, in a consumer's name. */
#include <inttypes.h>
#include <stdio.h>

#include "ask.h"
#include "base/arena.h"
#include "consumer.h"
#include "format.h"
#include "table.h"

#define AT_ONCE 1000 /* updates in one request */

static const char help[] =
        "usage: zmesos confirm [OPTION...] CONSUMER TASK/ATTEMPT/UUID...\n"
        "       zmesos confirm [OPTION...] --all CONSUMER\n"
        "\n"
        "Says in the name of a consumer that these updates are kept, so that Mesos may forget them: as\n"
        "zmesos unconfirmed prints them, or all that wait now. For a consumer that will not come any more.\n"
        "Exits with 0 when all were acknowledged, now or before.\n"
        "\n"
        "  --all                what waits for the consumer when it is asked for\n"
        "\n" SETTINGS_HELP;

enum { OPTION_ALL = OPTION_OWN };

static const char *const headers[] = {"UPDATE", "RESULT", "STATE", "MESSAGE"};

struct confirming {
    const struct settings *settings;
    struct client *client;
    char *consumer;
    uint64_t refused, done;
    struct table table;
};

static void take_item(struct confirming *confirming, const Zmesos__V1__Confirm__Update *update,
        const Zmesos__V1__Item *item)
{
    bool taken = item->has_code && item->code == ZMESOS__V1__CODE__OK;
    char name[512], uuid[CONSUMER_UUID_TEXT_MAX];
    const char *done = item->known ? "was before" : "acknowledged";
    const char *cells[] = {name, taken ? done : format_code(item->has_code, item->code),
            format_state(item->has_state, item->state), item->message};

    confirming->refused += !taken;
    confirming->done++;
    snprintf(name, sizeof name, "%s/%" PRIu32 "/%s", update->task_id, update->attempt,
            consumer_format_uuid(update->uuid, uuid));
    if (confirming->settings->json)
        settings_print_json(confirming->settings, &item->base);
    else
        table_row(&confirming->table, cells);
}

static int send_confirm(struct confirming *confirming, Zmesos__V1__Confirm__Update **updates, size_t count)
{
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__Confirm confirm = ZMESOS__V1__CONFIRM__INIT;
    Zmesos__V1__Reply *reply;
    size_t i;
    int rc;

    confirm.consumer = confirming->consumer;
    confirm.n_updates = count;
    confirm.updates = updates;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_CONFIRM;
    request.confirm = &confirm;
    rc = ask(confirming->settings, confirming->client, ASK_REPEAT, &request, ZMESOS__V1__REPLY__RESULT_ITEMS,
            &reply);
    if (rc == CLI_OK && reply->items->n_items != count) {
        settings_say(confirming->settings, "the daemon's answer has not one item for each update");
        rc = CLI_FAILED;
    }
    for (i = 0; rc == CLI_OK && i < count; i++)
        take_item(confirming, updates[i], reply->items->items[i]);
    table_print(&confirming->table, stdout);
    ask_free(reply);
    return rc;
}

static int confirm_named(struct confirming *confirming, Zmesos__V1__Confirm__Update **updates, size_t count)
{
    size_t portion;
    int rc = CLI_OK;

    for (; rc == CLI_OK && count; updates += portion, count -= portion) {
        portion = count < AT_ONCE ? count : AT_ONCE;
        rc = send_confirm(confirming, updates, portion);
    }
    return rc;
}

/* One page of what waits. CLI_GO_ON when there is another behind *after. */
static int confirm_page(struct confirming *confirming, uint64_t *after)
{
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__Unconfirmed unconfirmed = ZMESOS__V1__UNCONFIRMED__INIT;
    Zmesos__V1__Confirm__Update updates[AT_ONCE], *pointers[AT_ONCE];
    Zmesos__V1__Reply *reply;
    size_t i;
    int rc;

    unconfirmed.consumer = confirming->consumer;
    unconfirmed.has_page_size = unconfirmed.has_after = 1;
    unconfirmed.page_size = AT_ONCE;
    unconfirmed.after = *after;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_UNCONFIRMED;
    request.unconfirmed = &unconfirmed;
    rc = ask(confirming->settings, confirming->client, ASK_REPEAT, &request,
            ZMESOS__V1__REPLY__RESULT_UNCONFIRMED, &reply);
    if (rc != CLI_OK)
        return rc;
    for (i = 0; i < reply->unconfirmed->n_updates && i < AT_ONCE; i++) {
        const Zmesos__V1__UnconfirmedUpdate *update = reply->unconfirmed->updates[i];

        zmesos__v1__confirm__update__init(&updates[i]);
        updates[i].task_id = update->task_id;
        updates[i].has_attempt = updates[i].has_uuid = 1;
        updates[i].attempt = update->attempt;
        updates[i].uuid = update->uuid;
        pointers[i] = &updates[i];
    }
    rc = i ? send_confirm(confirming, pointers, i) : CLI_OK;
    *after = reply->unconfirmed->next;
    if (rc == CLI_OK && reply->unconfirmed->has_next)
        rc = CLI_GO_ON;
    ask_free(reply);
    return rc;
}

static int confirm_all(struct confirming *confirming)
{
    uint64_t after = 0;
    int rc;

    do {
        rc = confirm_page(confirming, &after);
    } while (rc == CLI_GO_ON);
    if (rc == CLI_OK && !confirming->done)
        settings_say(confirming->settings, "nothing waits for %s", confirming->consumer);
    return rc;
}

/* `words` are the consumer and the updates. */
static int confirm(struct confirming *confirming, struct arena *arena, char **words, size_t count, bool all)
{
    Zmesos__V1__Confirm__Update *updates = arena_array(arena, count, sizeof *updates),
                                **pointers = arena_array(arena, count, sizeof *pointers);
    struct error err;
    size_t i;
    int rc;

    for (i = 1; i < count; i++) {
        if (consumer_read_update(arena, words[i], &updates[i], &err) < 0)
            return settings_usage(confirming->settings, "%s", err.text);
        pointers[i] = &updates[i];
    }
    confirming->consumer = words[0];
    rc = client_create(confirming->settings, &confirming->client, &err);
    if (rc < 0)
        return settings_fail(confirming->settings, rc, &err);
    rc = all ? confirm_all(confirming) : confirm_named(confirming, pointers + 1, count - 1);
    client_destroy(confirming->client);
    return rc == CLI_OK && confirming->refused ? CLI_FAILED : rc;
}

static int run(struct settings *settings, int argc, char **argv)
{
    static const struct option options[] = {{"all", no_argument, NULL, OPTION_ALL}, SETTINGS_OPTIONS};
    struct confirming confirming = {.settings = settings};
    struct arena arena;
    bool all = false;
    int option, rc;

    while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (option == OPTION_ALL)
            all = true;
        else if ((rc = settings_option(settings, option, argv)) != CLI_GO_ON)
            return rc;
    }
    if (optind >= argc)
        return settings_usage(settings, "in whose name? name a consumer");
    if (all != (optind + 1 == argc))
        return settings_usage(settings, "which updates? name them, or --all");
    arena_init(&arena);
    table_init(&confirming.table, headers, sizeof headers / sizeof *headers);
    rc = confirm(&confirming, &arena, argv + optind, (size_t)(argc - optind), all);
    table_clear(&confirming.table);
    arena_clear(&arena);
    return rc;
}

const struct command command_confirm = {
        .name = "confirm", .summary = "let Mesos forget updates, as a consumer", .help = help, .run = run};
