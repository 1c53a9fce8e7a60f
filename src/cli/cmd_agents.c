/* zmesos agents: what is known of agents, a page after the other. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "format.h"
#include "table.h"

#define PAGE 1000
#define NOTE_MAX 2048

static const char help[] =
        "usage: zmesos agents [OPTION...]\n"
        "\n"
        "Lists the agents that are known: those that made an offer in this subscription, and those that run\n"
        "tasks of this framework.\n"
        "\n"
        "TASKS are ours that may be alive there. CPUS, MEM, DISK (MB) and GPUS are what these ask for, and\n"
        "what the agent has as far as its offers show: what other frameworks hold there nobody tells us.\n"
        "'?': it has made no offer in this subscription. NOTE: its attributes, and maintenance.\n"
        "\n" SETTINGS_HELP;

static const char *const headers[] = {"AGENT", "HOST", "TASKS", "CPUS", "MEM", "DISK", "GPUS", "NOTE"};

struct listing {
    const struct settings *settings;
    Zmesos__V1__ListAgents request;
    char *after; /* what request.after borrows */
    struct table table;
};

static const char *note(const Zmesos__V1__Agent *agent, int64_t now_ns, char out[NOTE_MAX])
{
    char until[FORMAT_TIME_MAX];
    size_t length = 0;

    out[0] = '\0';
    if (agent->maintenance)
        length += (size_t)snprintf(out, NOTE_MAX, "maintenance %s%s",
                format_until(agent->maintenance->start->nanoseconds, now_ns, until),
                agent->n_attributes ? " " : "");
    for (size_t i = 0; i < agent->n_attributes && length < NOTE_MAX; i++) {
        const Mesos__V1__Label *label = agent->attributes[i];
        int added = snprintf(out + length, NOTE_MAX - length, "%s%s=%s", i ? " " : "", label->key,
                label->value ? label->value : "");
        length += added > 0 ? (size_t)added : 0;
    }
    return out;
}

static void print_agent(struct listing *listing, const Zmesos__V1__Agent *agent, int64_t now_ns)
{
    static const Zmesos__V1__Amounts nothing = ZMESOS__V1__AMOUNTS__INIT;
    const Zmesos__V1__Amounts *used = agent->used ? agent->used : &nothing, *known = agent->known;
    char tasks[24], amounts[4][FORMAT_USE_MAX], words[NOTE_MAX];
    const char *cells[] = {agent->id, agent->hostname, tasks,
            format_use(used->cpus, known ? &known->cpus : NULL, amounts[0]),
            format_use(used->mem, known ? &known->mem : NULL, amounts[1]),
            format_use(used->disk, known ? &known->disk : NULL, amounts[2]),
            format_use(used->gpus, known ? &known->gpus : NULL, amounts[3]), note(agent, now_ns, words)};

    snprintf(tasks, sizeof tasks, "%" PRIu64, agent->tasks);
    if (listing->settings->json)
        settings_print_json(listing->settings, &agent->base);
    else
        table_row(&listing->table, cells);
}

/* Prints one page. CLI_GO_ON when there is another. */
static int print_page(void *context, struct client *client)
{
    struct listing *listing = context;
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__Reply *reply;
    int rc;

    listing->request.has_page_size = 1;
    listing->request.page_size = PAGE;
    listing->request.after = listing->after;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_LIST_AGENTS;
    request.list_agents = &listing->request;
    rc = ask(listing->settings, client, ASK_REPEAT, &request, ZMESOS__V1__REPLY__RESULT_AGENTS, &reply);
    if (rc != CLI_OK)
        return rc;
    for (size_t i = 0; i < reply->agents->n_agents; i++)
        print_agent(listing, reply->agents->agents[i], clock_read().wall_ns);
    table_print(&listing->table, stdout);
    if (reply->agents->next)
        rc = CLI_GO_ON;
    free(listing->after);
    listing->after = reply->agents->next ? alloc_string(reply->agents->next) : NULL;
    ask_free(reply);
    return rc;
}

static int run(struct settings *settings, int argc, char **argv)
{
    static const struct option options[] = {SETTINGS_OPTIONS};
    struct listing listing = {.settings = settings, .request = ZMESOS__V1__LIST_AGENTS__INIT};
    int option, rc;

    while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if ((rc = settings_option(settings, option, argv)) != CLI_GO_ON)
            return rc;
    }
    if (optind < argc)
        return settings_usage(settings, "'%s' is too much", argv[optind]);
    table_init(&listing.table, headers, sizeof headers / sizeof *headers);
    rc = ask_pages(settings, print_page, &listing);
    table_clear(&listing.table);
    free(listing.after);
    return rc;
}

const struct command command_agents = {
        .name = "agents", .summary = "what is known of agents", .help = help, .run = run};
