/* zmesos kill: asks tasks to end, by id or by label. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "base/alloc.h"
#include "batch.h"
#include "follow.h"
#include "format.h"
#include "spec.h"
#include "table.h"

static const char help[] = "usage: zmesos kill [OPTION...] ID...\n"
                           "       zmesos kill [OPTION...] --label KEY[=VALUE]\n"
                           "\n"
                           "Asks tasks to end: those named, or all that are not over and carry the label. A "
                           "task that was not launched\n"
                           "yet is cancelled at once; for others the wish is on the daemon's disk, and "
                           "repeated until they are over.\n"
                           "\n"
                           "  --label KEY[=VALUE]  instead of ids\n"
                           "  --wait               until all of them are over\n"
                           "\n" SETTINGS_HELP;

enum { OPTION_WAIT = OPTION_AFTER_SPEC };

static const char *const headers[] = {"TASK", "RESULT", "STATE", "MESSAGE"};
static const char *const ended_headers[] = {"TASK", "ENDED", "MESSAGE"};

struct killing {
    const struct settings *settings;
    Mesos__V1__Label *label;
    bool wait;
    char **ids; /* of those that were asked to end; owned */
    size_t count, capacity;
    size_t refused;
    struct table table, ended;
};

static void take_item(struct killing *killing, const Zmesos__V1__Item *item)
{
    bool taken = item->has_code && item->code == ZMESOS__V1__CODE__OK;
    const char *cells[] = {item->task_id, taken ? "asked" : format_code(item->has_code, item->code),
            format_state(item->has_state, item->state), item->message};

    killing->refused += !taken;
    if (taken && item->has_state && format_state_over(item->state))
        cells[1] = "over";
    if (taken && item->task_id) {
        if (killing->count == killing->capacity) {
            killing->capacity = killing->capacity ? 2 * killing->capacity : 64;
            killing->ids = alloc_resize(killing->ids, killing->capacity, sizeof *killing->ids);
        }
        killing->ids[killing->count++] = alloc_string(item->task_id);
    }
    if (killing->settings->json)
        settings_print_json(killing->settings, &item->base);
    else
        table_row(&killing->table, cells);
}

static int send_kill(struct killing *killing, struct client *client, char **ids, size_t count)
{
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__Kill kill = ZMESOS__V1__KILL__INIT;
    Zmesos__V1__Reply *reply;
    size_t i;
    int rc;

    kill.n_task_ids = count;
    kill.task_ids = ids;
    kill.label = killing->label;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_KILL;
    request.kill = &kill;
    rc = ask(killing->settings, client, ASK_REPEAT, &request, ZMESOS__V1__REPLY__RESULT_ITEMS, &reply);
    if (rc != CLI_OK)
        return rc;
    for (i = 0; i < reply->items->n_items; i++)
        take_item(killing, reply->items->items[i]);
    if (killing->label && !reply->items->n_items)
        settings_say(killing->settings, "no task that is not over carries the label");
    ask_free(reply);
    return CLI_OK;
}

static int send_kills(struct killing *killing, struct client *client, char **ids, size_t count)
{
    size_t first = 0;
    int rc = CLI_OK;

    if (killing->label)
        return send_kill(killing, client, NULL, 0);
    while (rc == CLI_OK && first < count) {
        size_t portion = batch_ids(ids + first, count - first);

        rc = send_kill(killing, client, ids + first, portion);
        first += portion;
    }
    return rc;
}

static void handle_changed(void *context, const Zmesos__V1__Task *task)
{
    struct killing *killing = context;
    const char *cells[] = {task->id, format_state(task->has_state, task->state), task->message};

    if (!format_state_over(task->state))
        return;
    if (killing->settings->json)
        settings_print_json(killing->settings, &task->base);
    else
        table_row(&killing->ended, cells);
}

static void handle_missing(void *context, const char *id)
{
    struct killing *killing = context;

    settings_say(killing->settings, "the daemon does not know %s any more", id);
}

static int wait_for_ends(struct killing *killing, struct client *client)
{
    struct follow_callbacks callbacks = {
            .context = killing, .changed = handle_changed, .missing = handle_missing};
    struct follow *follow = NULL;
    struct error err;
    int rc =
            follow_create(killing->settings, client, killing->ids, killing->count, &callbacks, &follow, &err);

    if (rc == 0)
        rc = follow_run(follow, &err);
    follow_destroy(follow);
    return rc < 0 ? settings_fail(killing->settings, rc, &err) : CLI_OK;
}

static int kill_tasks(struct killing *killing, char **ids, size_t count)
{
    struct client *client = NULL;
    struct error err;
    int rc = client_create(killing->settings, &client, &err);

    if (rc < 0)
        return settings_fail(killing->settings, rc, &err);
    rc = send_kills(killing, client, ids, count);
    table_print(&killing->table, stdout);
    fflush(stdout);
    if (rc == CLI_OK && killing->wait && killing->count) {
        rc = wait_for_ends(killing, client);
        table_print(&killing->ended, stdout);
    }
    if (rc == CLI_OK && killing->refused)
        rc = CLI_FAILED;
    client_destroy(client);
    return rc;
}

static int read_flags(
        struct killing *killing, struct settings *settings, struct arena *arena, int argc, char **argv)
{
    static const struct option options[] = {{"label", required_argument, NULL, OPTION_LABEL},
            {"wait", no_argument, NULL, OPTION_WAIT}, SETTINGS_OPTIONS};
    struct error err;
    int option, rc;

    while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (option == OPTION_WAIT) {
            killing->wait = true;
        } else if (option == OPTION_LABEL) {
            if (killing->label)
                return settings_usage(settings, "--label can be given once");
            if (spec_label(arena, optarg, &killing->label, &err) < 0)
                return settings_usage(settings, "%s", err.text);
        } else if ((rc = settings_option(settings, option, argv)) != CLI_GO_ON) {
            return rc;
        }
    }
    if ((killing->label != NULL) == (optind < argc))
        return settings_usage(settings, "which tasks? ids, or --label");
    return CLI_GO_ON;
}

static int run(struct settings *settings, int argc, char **argv)
{
    struct killing killing = {.settings = settings};
    struct arena arena;
    size_t i;
    int rc;

    arena_init(&arena);
    table_init(&killing.table, headers, sizeof headers / sizeof *headers);
    table_init(&killing.ended, ended_headers, sizeof ended_headers / sizeof *ended_headers);
    rc = read_flags(&killing, settings, &arena, argc, argv);
    if (rc == CLI_GO_ON)
        rc = kill_tasks(&killing, argv + optind, (size_t)(argc - optind));
    for (i = 0; i < killing.count; i++)
        free(killing.ids[i]);
    free(killing.ids);
    table_clear(&killing.table);
    table_clear(&killing.ended);
    arena_clear(&arena);
    return rc;
}

const struct command command_kill = {
        .name = "kill", .summary = "ask tasks to end, by id or label", .help = help, .run = run};
