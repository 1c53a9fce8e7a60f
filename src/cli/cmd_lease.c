/* zmesos lease: offers for one alone, and what is placed on them, by hand. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "base/arena.h"
#include "base/decimal.h"
#include "constraint.h"
#include "duration.h"
#include "format.h"

static const char help[] =
        "usage: zmesos lease take [--id ID] [--max N] [--for TIME] [--role ROLE] [--constraint TEXT]...\n"
        "                         [--cpus N] [--mem MB] [--disk MB] [--gpus N] [--ports N]\n"
        "       zmesos lease renew [--for TIME] [--max N] LEASE\n"
        "       zmesos lease release [--refuse SECONDS] LEASE [OFFER...]\n"
        "       zmesos lease place LEASE OFFER[,OFFER...] TASK...\n"
        "\n"
        "take     sets offers aside that fit: meanwhile zmesosd's own matching leaves them alone. Prints the "
        "lease and\n"
        "         its offers; while it has fewer than --max, others are added as they come\n"
        "renew    it lasts so long from now on; prints it, with all offers that it holds\n"
        "release  gives offers back, or all, and with them the lease\n"
        "place    launches tasks that wait on offers of one agent\n"
        "\n"
        "  --id ID              of the lease; without it one is made up\n"
        "  --max N              offers at once, up to 1000 (100)\n"
        "  --for TIME           how long it lasts (10s); the daemon has a limit\n"
        "  --role ROLE          one of the daemon's\n"
        "  --constraint TEXT    on the agent, as for a task; repeatable\n"
        "  --cpus N, --mem MB, --disk MB, --gpus N, --ports N  that an offer has at least\n"
        "  --despite-maintenance  also of agents that are to be maintained soon\n"
        "  --refuse SECONDS     what is given back is offered to others, and not to this role for so long\n"
        "\n" SETTINGS_HELP;

enum {
    OPTION_LEASE_ID = OPTION_OWN,
    OPTION_MAX,
    OPTION_FOR,
    OPTION_LEASE_ROLE,
    OPTION_WHERE,
    OPTION_LEASE_CPUS,
    OPTION_LEASE_MEM,
    OPTION_LEASE_DISK,
    OPTION_LEASE_GPUS,
    OPTION_LEASE_PORTS,
    OPTION_DESPITE,
    OPTION_REFUSE,
};

struct leasing {
    struct settings *settings;
    struct arena arena;
    Zmesos__V1__Lease lease; /* what the flags say, for all verbs */
    Mesos__V1__DurationInfo duration;
    bool refuse;
    double refuse_seconds;
    char **words; /* behind the verb */
    size_t count;
};

/* ---- printing ---- */

static double scalar_of(const Mesos__V1__Offer *offer, const char *name)
{
    double sum = 0;
    size_t i;

    for (i = 0; i < offer->n_resources; i++) {
        if (offer->resources[i]->scalar && strcmp(offer->resources[i]->name, name) == 0)
            sum += offer->resources[i]->scalar->value;
    }
    return sum;
}

static int print_lease(const struct settings *settings, const Zmesos__V1__LeaseReply *lease)
{
    char clean[512], host[512];
    size_t i;

    if (settings->json) {
        settings_print_json(settings, &lease->base);
        return lease->n_missing ? CLI_FAILED : CLI_OK;
    }
    if (lease->over)
        printf("%s is over\n", format_clean(lease->lease_id, clean, sizeof clean));
    else
        printf("%s of role %s for %.1f s: %zu offers\n", format_clean(lease->lease_id, clean, sizeof clean),
                format_clean(lease->role, host, sizeof host), (double)lease->valid_ms / 1000,
                lease->n_offers);
    for (i = 0; i < lease->n_offers; i++) {
        const Mesos__V1__Offer *offer = lease->offers[i];

        printf("%s  %s  cpus %g mem %g disk %g\n", format_clean(offer->id->value, clean, sizeof clean),
                format_clean(offer->hostname, host, sizeof host), scalar_of(offer, "cpus"),
                scalar_of(offer, "mem"), scalar_of(offer, "disk"));
    }
    for (i = 0; i < lease->n_missing; i++)
        settings_say(settings, "%s is not held", lease->missing[i]);
    return lease->n_missing ? CLI_FAILED : CLI_OK;
}

static int print_items(const struct settings *settings, const Zmesos__V1__Items *items)
{
    char clean[512];
    size_t i;
    int rc = CLI_OK;

    for (i = 0; i < items->n_items; i++) {
        const Zmesos__V1__Item *item = items->items[i];
        bool taken = item->has_code && item->code == ZMESOS__V1__CODE__OK;

        if (settings->json)
            settings_print_json(settings, &item->base);
        else if (taken)
            printf("%s\n", format_clean(item->task_id, clean, sizeof clean));
        if (!taken) {
            rc = CLI_FAILED;
            settings_say(settings, "%s: %s: %s", item->task_id, format_code(item->has_code, item->code),
                    item->message ? item->message : "");
        }
    }
    return rc;
}

/* ---- asking ---- */

static int ask_and_print(const struct leasing *leasing, enum ask_how how, Zmesos__V1__Request *request,
        Zmesos__V1__Reply__ResultCase result)
{
    Zmesos__V1__Reply *reply;
    int rc = ask(leasing->settings, NULL, how, request, result, &reply);

    if (rc == CLI_OK && result == ZMESOS__V1__REPLY__RESULT_ITEMS)
        rc = print_items(leasing->settings, reply->items);
    else if (rc == CLI_OK)
        rc = print_lease(leasing->settings, reply->lease);
    ask_free(reply);
    return rc;
}

static int take(struct leasing *leasing)
{
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;

    if (leasing->count)
        return settings_usage(leasing->settings, "'%s' is too much", leasing->words[0]);
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_LEASE;
    request.lease = &leasing->lease;
    /* without an id, each time another one */
    return ask_and_print(
            leasing, leasing->lease.id ? ASK_REPEAT : ASK_ONCE, &request, ZMESOS__V1__REPLY__RESULT_LEASE);
}

static int renew(struct leasing *leasing)
{
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__RenewLease body = ZMESOS__V1__RENEW_LEASE__INIT;

    if (leasing->count != 1)
        return settings_usage(leasing->settings, "which lease? its id, and nothing else");
    body.lease_id = leasing->words[0];
    body.duration = leasing->lease.duration;
    body.has_max_offers = leasing->lease.has_max_offers;
    body.max_offers = leasing->lease.max_offers;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_RENEW_LEASE;
    request.renew_lease = &body;
    return ask_and_print(leasing, ASK_REPEAT, &request, ZMESOS__V1__REPLY__RESULT_LEASE);
}

static int release(struct leasing *leasing)
{
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__ReleaseLease body = ZMESOS__V1__RELEASE_LEASE__INIT;

    if (!leasing->count)
        return settings_usage(leasing->settings, "which lease? its id, and offers where not all of it");
    body.lease_id = leasing->words[0];
    body.offer_ids = leasing->words + 1;
    body.n_offer_ids = leasing->count - 1;
    body.has_refuse_seconds = leasing->refuse;
    body.refuse_seconds = leasing->refuse_seconds;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_RELEASE_LEASE;
    request.release_lease = &body;
    return ask_and_print(leasing, ASK_ONCE, &request, ZMESOS__V1__REPLY__RESULT_LEASE);
}

static int place(struct leasing *leasing)
{
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__Place body = ZMESOS__V1__PLACE__INIT;
    Zmesos__V1__Place__Placement placement = ZMESOS__V1__PLACE__PLACEMENT__INIT, *placements[] = {&placement};
    char *rest = NULL, *offer;

    if (leasing->count < 3)
        return settings_usage(leasing->settings, "what is placed where? LEASE OFFER[,OFFER...] TASK...");
    body.lease_id = leasing->words[0];
    body.placements = placements;
    body.n_placements = 1;
    placement.offer_ids = arena_array(&leasing->arena, strlen(leasing->words[1]) + 1, sizeof(char *));
    for (offer = strtok_r(leasing->words[1], ",", &rest); offer; offer = strtok_r(NULL, ",", &rest))
        placement.offer_ids[placement.n_offer_ids++] = offer;
    placement.task_ids = leasing->words + 2;
    placement.n_task_ids = leasing->count - 2;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_PLACE;
    request.place = &body;
    return ask_and_print(leasing, ASK_ONCE, &request, ZMESOS__V1__REPLY__RESULT_ITEMS);
}

/* ---- flags ---- */

static int read_amount(
        const struct leasing *leasing, const char *text, protobuf_c_boolean *has, double *value)
{
    milli_t milli;

    if (milli_parse(text, &milli) < 0 || milli < 0)
        return settings_usage(leasing->settings, "%s: a number of at most three decimals, not below 0", text);
    *value = milli_to_double(milli);
    *has = 1;
    return CLI_GO_ON;
}

static int read_count(
        const struct leasing *leasing, const char *text, protobuf_c_boolean *has, uint32_t *value)
{
    int64_t number;

    if (integer_parse(text, 0, 1000, &number) < 0)
        return settings_usage(leasing->settings, "%s: a number from 0 to 1000", text);
    *value = (uint32_t)number;
    *has = 1;
    return CLI_GO_ON;
}

static int add_constraint(struct leasing *leasing, const char *text)
{
    Zmesos__V1__Lease *lease = &leasing->lease;
    struct error err;

    if (constraint_parse(&leasing->arena, text, &lease->constraints[lease->n_constraints], &err) < 0)
        return settings_usage(leasing->settings, "%s", err.text);
    lease->n_constraints++;
    return CLI_GO_ON;
}

static int read_option(struct leasing *leasing, int option, char **argv)
{
    Zmesos__V1__Lease *lease = &leasing->lease;

    switch (option) {
    case OPTION_LEASE_ID:
        lease->id = optarg;
        return CLI_GO_ON;
    case OPTION_LEASE_ROLE:
        lease->role = optarg;
        return CLI_GO_ON;
    case OPTION_MAX:
        return read_count(leasing, optarg, &lease->has_max_offers, &lease->max_offers);
    case OPTION_LEASE_PORTS:
        return read_count(leasing, optarg, &lease->has_ports, &lease->ports);
    case OPTION_LEASE_CPUS:
        return read_amount(leasing, optarg, &lease->has_cpus, &lease->cpus);
    case OPTION_LEASE_MEM:
        return read_amount(leasing, optarg, &lease->has_mem, &lease->mem);
    case OPTION_LEASE_DISK:
        return read_amount(leasing, optarg, &lease->has_disk, &lease->disk);
    case OPTION_LEASE_GPUS:
        return read_amount(leasing, optarg, &lease->has_gpus, &lease->gpus);
    case OPTION_WHERE:
        return add_constraint(leasing, optarg);
    case OPTION_DESPITE:
        lease->has_despite_maintenance = lease->despite_maintenance = 1;
        return CLI_GO_ON;
    case OPTION_FOR:
        lease->duration = &leasing->duration;
        return duration_parse(optarg, DURATION_DAY, &leasing->duration.nanoseconds) < 0
                       ? settings_usage(leasing->settings, "--for %s: a time as 500ms, 10s or 1m", optarg)
                       : CLI_GO_ON;
    case OPTION_REFUSE: {
        protobuf_c_boolean has = 0;
        int rc = read_amount(leasing, optarg, &has, &leasing->refuse_seconds);
        leasing->refuse = has;
        return rc;
    }
    default:
        return settings_option(leasing->settings, option, argv);
    }
}

static int run_verb(struct leasing *leasing, int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(struct leasing *leasing);
    } verbs[] = {{"take", take}, {"renew", renew}, {"release", release}, {"place", place}};
    static const struct option options[] = {{"id", required_argument, NULL, OPTION_LEASE_ID},
            {"max", required_argument, NULL, OPTION_MAX}, {"for", required_argument, NULL, OPTION_FOR},
            {"role", required_argument, NULL, OPTION_LEASE_ROLE},
            {"constraint", required_argument, NULL, OPTION_WHERE},
            {"cpus", required_argument, NULL, OPTION_LEASE_CPUS},
            {"mem", required_argument, NULL, OPTION_LEASE_MEM},
            {"disk", required_argument, NULL, OPTION_LEASE_DISK},
            {"gpus", required_argument, NULL, OPTION_LEASE_GPUS},
            {"ports", required_argument, NULL, OPTION_LEASE_PORTS},
            {"despite-maintenance", no_argument, NULL, OPTION_DESPITE},
            {"refuse", required_argument, NULL, OPTION_REFUSE}, SETTINGS_OPTIONS};
    int option, rc;
    size_t i;

    while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if ((rc = read_option(leasing, option, argv)) != CLI_GO_ON)
            return rc;
    }
    if (optind >= argc)
        return settings_usage(leasing->settings, "to do what? see zmesos lease --help");
    leasing->words = argv + optind + 1;
    leasing->count = (size_t)(argc - optind - 1);
    for (i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(argv[optind], verbs[i].name) == 0)
            return verbs[i].run(leasing);
    }
    return settings_usage(leasing->settings, "there is no '%s'; see zmesos lease --help", argv[optind]);
}

static int run(struct settings *settings, int argc, char **argv)
{
    struct leasing leasing = {.settings = settings};
    int rc;

    arena_init(&leasing.arena);
    zmesos__v1__lease__init(&leasing.lease);
    mesos__v1__duration_info__init(&leasing.duration);
    leasing.lease.constraints = arena_array(&leasing.arena, (size_t)argc, sizeof *leasing.lease.constraints);
    rc = run_verb(&leasing, argc, argv);
    arena_clear(&leasing.arena);
    return rc;
}

const struct command command_lease = {
        .name = "lease", .summary = "offers set aside, tasks placed on them", .help = help, .run = run};
