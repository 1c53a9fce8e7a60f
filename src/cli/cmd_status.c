/* zmesos status: how the daemon is. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "ask.h"
#include "format.h"

static const char help[] = "usage: zmesos status [OPTION...]\n"
                           "\n"
                           "Prints how the daemon is: its master, its subscription, its tasks by state.\n"
                           "Exits with 0 also when it has no master; see the subscription.\n"
                           "\n" SETTINGS_HELP;

static void print_field(const char *name, const char *text)
{
    char clean[4096];

    if (text && *text)
        printf("%-13s %s\n", name, format_clean(text, clean, sizeof clean));
}

static void print_status(const Zmesos__V1__DaemonStatus *status)
{
    char time[FORMAT_TIME_MAX], ago[FORMAT_TIME_MAX];
    size_t i;

    print_field("version", status->version);
    print_field("subscription", format_subscription(status->has_subscription, status->subscription));
    if (status->has_subscription_since_ns)
        printf("%-13s %s (%s ago)\n", "since", format_time(status->subscription_since_ns, time),
                format_ago(status->subscription_since_ns, clock_read().wall_ns, ago));
    print_field("message", status->message);
    print_field("master", status->master);
    print_field("framework", status->framework_id);
    for (i = 0; i < status->n_roles; i++)
        print_field(i ? "" : "roles", status->roles[i]);
    for (i = 0; i < status->n_suppressed_roles; i++)
        print_field(i ? "" : "suppressed", status->suppressed_roles[i]);
    for (i = 0; i < status->n_offer_constraints; i++)
        print_field(i ? "" : "constrained", status->offer_constraints[i]);
    for (i = 0; i < status->n_weights; i++)
        printf("%-13s %s%s%g, has %.1f%% of the cluster\n", i ? "" : "weights", status->weights[i]->submitter,
                *status->weights[i]->submitter ? " " : "", status->weights[i]->weight,
                status->weights[i]->share * 100);
    if (status->teardown)
        print_field("teardown", "asked for, not done yet");
    print_field("store", status->store);
    printf("%-13s %" PRIu64 ", begun %s (%s ago)\n", "run", status->run,
            format_time(status->started_ns, time), format_ago(status->started_ns, clock_read().wall_ns, ago));
    if (status->restored_ns > 0)
        printf("%-13s %s (%s ago), from a backup\n", "restored", format_time(status->restored_ns, time),
                format_ago(status->restored_ns, clock_read().wall_ns, ago));
    if (status->held)
        printf("%-13s %" PRIu64 " tasks wait for zmesos release\n", "held", status->held);
    if (status->strays)
        printf("%-13s %" PRIu64 " given up or unknown, killed where they live\n", "strays", status->strays);
    if (status->unconfirmed)
        printf("%-13s %" PRIu64 " updates wait for consumers, see zmesos unconfirmed\n", "unconfirmed",
                status->unconfirmed);
    if (status->maintenance)
        printf("%-13s %" PRIu64 " agents have a window\n", "maintenance", status->maintenance);
    if (status->has_agents)
        printf("%-13s %" PRIu64 " known, see zmesos agents\n", "agents", status->agents);
    if (status->has_outputs_waiting && status->has_calls_waiting)
        printf("%-13s %" PRIu64 " outputs for the disk, %" PRIu64 " calls for the master\n", "waiting",
                status->outputs_waiting, status->calls_waiting);
    if (status->has_journal_events) {
        printf("%-13s %" PRIu64 " events", "journal", status->journal_events);
        if (status->has_journal_bytes)
            printf(", %" PRIu64 " bytes", status->journal_bytes);
        printf("\n");
    }
    if (status->has_commits)
        printf("%-13s %" PRIu64 " commits in this run, %.1f ms each, the longest %.1f ms\n", "disk",
                status->commits,
                status->commits ? (double)status->commits_us / (double)status->commits / 1000 : 0.0,
                (double)status->longest_commit_us / 1000);
    printf("%-13s %" PRIu64 " held", "offers", status->offers);
    if (status->leases)
        printf(", %" PRIu64 " of them by %" PRIu64 " leases", status->leased_offers, status->leases);
    printf("\n");
    for (i = 0; i < status->n_counts; i++)
        printf("%-13s %" PRIu64 " %s\n", i ? "" : "tasks", status->counts[i]->tasks,
                format_state(status->counts[i]->has_state, status->counts[i]->state));
    if (!status->n_counts)
        print_field("tasks", "none");
    for (i = 0; i < status->n_heads; i++)
        printf("%-13s %" PRIu64 " %s\n", i ? "" : "events", status->heads[i]->number,
                format_class(status->heads[i]->has_class_, status->heads[i]->class_));
}

static int get_status(const struct settings *settings)
{
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__Status status = ZMESOS__V1__STATUS__INIT;
    Zmesos__V1__Reply *reply;
    int rc;

    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_STATUS;
    request.status = &status;
    rc = ask(settings, NULL, ASK_REPEAT, &request, ZMESOS__V1__REPLY__RESULT_STATUS, &reply);
    if (rc != CLI_OK)
        return rc;
    if (settings->json)
        settings_print_json(settings, &reply->status->base);
    else
        print_status(reply->status);
    ask_free(reply);
    return CLI_OK;
}

static int run(struct settings *settings, int argc, char **argv)
{
    static const struct option options[] = {SETTINGS_OPTIONS};
    int option, rc;

    while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if ((rc = settings_option(settings, option, argv)) != CLI_GO_ON)
            return rc;
    }
    if (optind < argc)
        return settings_usage(settings, "'%s' is too much", argv[optind]);
    return get_status(settings);
}

const struct command command_status = {
        .name = "status", .summary = "how the daemon is", .help = help, .run = run};
