/* zmesos why: why tasks wait. */
#include <inttypes.h>
#include <stdio.h>

#include "ask.h"
#include "base/clock.h"
#include "format.h"

#define IDS_MAX 1000 /* of one request */

static const char help[] =
        "usage: zmesos why [OPTION...] ID...\n"
        "\n"
        "Prints why tasks wait: what stands above all else first, then what the offers of the\n"
        "cluster lacked, in order of the offers that it cost.\n"
        "Exits with 0 when all tasks are known.\n"
        "\n" SETTINGS_HELP;

static void print_reason(const Zmesos__V1__Reason *reason)
{
    char text[4096], time[FORMAT_TIME_MAX];

    if (reason->has_offers)
        printf("  %6" PRIu64 " offers  ", reason->offers);
    else
        printf("  %14s  ", "");
    fputs(format_clean(reason->message ? reason->message : "", text, sizeof text), stdout);
    if (reason->has_until_ns)
        printf(", until %s", format_time(reason->until_ns, time));
    putchar('\n');
}

static void print_explanation(const Zmesos__V1__Explanation *explanation)
{
    char id[1024];
    size_t i;

    printf("%s %s", format_clean(explanation->task_id ? explanation->task_id : "", id, sizeof id),
            format_state(explanation->has_state, explanation->state));
    if (explanation->has_offers)
        printf(", %" PRIu64 " offers looked at", explanation->offers);
    if (explanation->alike > 1)
        printf(", %" PRIu64 " tasks ask the same", explanation->alike);
    putchar('\n');
    for (i = 0; i < explanation->n_reasons; i++)
        print_reason(explanation->reasons[i]);
    if (!explanation->n_reasons)
        puts("                  it waits for nothing");
}

static int print_reply(const struct settings *settings, const Zmesos__V1__Explanations *all)
{
    char id[1024];
    size_t i;

    for (i = 0; i < all->n_explanations; i++) {
        if (settings->json)
            settings_print_json(settings, &all->explanations[i]->base);
        else
            print_explanation(all->explanations[i]);
    }
    for (i = 0; i < all->n_missing; i++)
        settings_say(settings, "there is no task %s", format_clean(all->missing[i], id, sizeof id));
    return all->n_missing ? CLI_FAILED : CLI_OK;
}

static int explain(const struct settings *settings, char **ids, size_t count)
{
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__Why why = ZMESOS__V1__WHY__INIT;
    Zmesos__V1__Reply *reply;
    int rc;

    why.n_task_ids = count;
    why.task_ids = ids;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_WHY;
    request.why = &why;
    rc = ask(settings, NULL, ASK_REPEAT, &request, ZMESOS__V1__REPLY__RESULT_EXPLANATIONS, &reply);
    if (rc == CLI_OK)
        rc = print_reply(settings, reply->explanations);
    ask_free(reply);
    return rc;
}

static int run(struct settings *settings, int argc, char **argv)
{
    static const struct option options[] = {SETTINGS_OPTIONS};
    int option, rc;

    while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if ((rc = settings_option(settings, option, argv)) != CLI_GO_ON)
            return rc;
    }
    if (optind >= argc)
        return settings_usage(settings, "why what? name a task");
    if (argc - optind > IDS_MAX)
        return settings_usage(settings, "at most %d tasks at a time", IDS_MAX);
    return explain(settings, argv + optind, (size_t)(argc - optind));
}

const struct command command_why = {.name = "why", .summary = "why tasks wait", .help = help, .run = run};
