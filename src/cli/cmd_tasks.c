/* zmesos tasks: lists tasks, oldest first, a page after the other. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/decimal.h"
#include "format.h"
#include "spec.h"
#include "table.h"

#define PAGE 1000
#define STATES_MAX 64

static const char help[] =
        "usage: zmesos tasks [OPTION...]\n"
        "\n"
        "Lists tasks, oldest first. All conditions given must hold.\n"
        "\n"
        "  --state STATE,...    in one of these states; running, queued, failed ...; repeatable\n"
        "  --label KEY[=VALUE]  that carry the label\n"
        "  --prefix TEXT        whose ids begin so\n"
        "  --placer NAME        that this placer places\n"
        "  --limit N            not more than so many\n"
        "\n"
        "AGE is how long the task is known, SINCE how long it is in its state, TRY the number of its last "
        "attempt.\n"
        "NOTE: held (see zmesos release), adopted (found running in Mesos), or when it is tried again.\n"
        "\n" SETTINGS_HELP;

enum { OPTION_STATE = OPTION_AFTER_SPEC, OPTION_PREFIX, OPTION_LIMIT, OPTION_PLACED_BY };

static const char *const headers[] = {"TASK", "STATE", "SINCE", "AGE", "TRY", "HOST", "NOTE", "MESSAGE"};

struct listing {
    const struct settings *settings;
    Zmesos__V1__List list;
    Zmesos__V1__TaskState states[STATES_MAX];
    int64_t limit; /* tasks still to be printed */
    struct table table;
};

static int read_states(struct listing *listing, struct settings *settings, const char *text)
{
    for (;;) {
        size_t length = strcspn(text, ",");
        char name[32];

        snprintf(name, sizeof name, "%.*s", (int)length, text);
        if (length >= sizeof name || listing->list.n_states == STATES_MAX ||
                format_read_state(name, &listing->states[listing->list.n_states]) < 0)
            return settings_usage(settings, "--state %.*s: there is no such state", (int)length, text);
        listing->list.n_states++;
        if (!text[length])
            return CLI_GO_ON;
        text += length + 1;
    }
}

static int read_flags(
        struct listing *listing, struct settings *settings, struct arena *arena, int argc, char **argv)
{
    static const struct option options[] = {{"state", required_argument, NULL, OPTION_STATE},
            {"label", required_argument, NULL, OPTION_LABEL},
            {"prefix", required_argument, NULL, OPTION_PREFIX},
            {"placer", required_argument, NULL, OPTION_PLACED_BY},
            {"limit", required_argument, NULL, OPTION_LIMIT}, SETTINGS_OPTIONS};
    struct error err;
    int option, rc = CLI_GO_ON;

    while (rc == CLI_GO_ON && (option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        switch (option) {
        case OPTION_STATE:
            rc = read_states(listing, settings, optarg);
            break;
        case OPTION_LABEL:
            if (listing->list.label)
                rc = settings_usage(settings, "--label can be given once");
            else if (spec_label(arena, optarg, &listing->list.label, &err) < 0)
                rc = settings_usage(settings, "%s", err.text);
            break;
        case OPTION_PREFIX:
            listing->list.id_prefix = optarg;
            break;
        case OPTION_PLACED_BY:
            listing->list.placer = optarg;
            break;
        case OPTION_LIMIT:
            if (integer_parse(optarg, 1, INT64_MAX, &listing->limit) < 0)
                rc = settings_usage(settings, "--limit %s: expected a number from 1", optarg);
            break;
        default:
            rc = settings_option(settings, option, argv);
        }
    }
    if (rc == CLI_GO_ON && optind < argc)
        rc = settings_usage(settings, "'%s' is too much; for one task see zmesos task", argv[optind]);
    return rc;
}

static void print_task(struct listing *listing, const Zmesos__V1__Task *task, int64_t now_ns)
{
    const Zmesos__V1__Attempt *attempt = task->n_attempts ? task->attempts[task->n_attempts - 1] : NULL;
    char since[FORMAT_TIME_MAX], age[FORMAT_TIME_MAX], tries[16], note[FORMAT_NOTE_MAX];
    const char *cells[] = {task->id, format_state(task->has_state, task->state),
            format_ago(task->changed_ns, now_ns, since), format_ago(task->created_ns, now_ns, age), tries,
            format_host(task), format_note(task, now_ns, note), task->message};

    snprintf(tries, sizeof tries, "%" PRIu32, attempt ? attempt->number : 0);
    if (listing->settings->json)
        settings_print_json(listing->settings, &task->base);
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

    listing->list.has_page_size = 1;
    listing->list.page_size = listing->limit < PAGE ? (uint32_t)listing->limit : PAGE;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_LIST;
    request.list = &listing->list;
    rc = ask(listing->settings, client, ASK_REPEAT, &request, ZMESOS__V1__REPLY__RESULT_TASKS, &reply);
    if (rc != CLI_OK)
        return rc;
    for (i = 0; i < reply->tasks->n_tasks && listing->limit > 0; i++, listing->limit--)
        print_task(listing, reply->tasks->tasks[i], clock_read().wall_ns);
    table_print(&listing->table, stdout);
    if (reply->tasks->has_next && listing->limit > 0)
        rc = CLI_GO_ON;
    listing->list.has_after = 1;
    listing->list.after = reply->tasks->next;
    ask_free(reply);
    return rc;
}

static int run(struct settings *settings, int argc, char **argv)
{
    struct listing listing = {.settings = settings, .list = ZMESOS__V1__LIST__INIT, .limit = INT64_MAX};
    struct arena arena;
    int rc;

    arena_init(&arena);
    table_init(&listing.table, headers, sizeof headers / sizeof *headers);
    listing.list.states = listing.states;
    rc = read_flags(&listing, settings, &arena, argc, argv);
    if (rc == CLI_GO_ON)
        rc = ask_pages(settings, print_page, &listing);
    table_clear(&listing.table);
    arena_clear(&arena);
    return rc;
}

const struct command command_tasks = {.name = "tasks", .summary = "list tasks", .help = help, .run = run};
