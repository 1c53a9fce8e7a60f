/* zmesos framework: what concerns all of it: its end, its roles, questions and wishes to the master. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "base/alloc.h"
#include "base/decimal.h"
#include "duration.h"
#include "format.h"
#include "spec.h"

static const char help[] =
        "usage: zmesos framework teardown [--token TOKEN]\n"
        "       zmesos framework suppress|revive [ROLE...]\n"
        "       zmesos framework update [--add ROLE]... [--remove ROLE]... [--name NAME]\n"
        "           [--failover-timeout TIME] [--webui-url URL] [--label KEY[=VALUE]]...\n"
        "       zmesos framework operations [ID[@AGENT]...]\n"
        "       zmesos framework wish [--agent AGENT] NAME=AMOUNT...\n"
        "\n"
        "teardown    ends the framework and all its tasks, for good. The first time prints how many tasks, "
        "and a\n"
        "            token; asked again with it within a minute, it is done, and zmesosd ends\n"
        "suppress    no offers for these roles (none named: all), whatever waits, until they are revived\n"
        "revive      takes that back; else asks for all offers once more\n"
        "update      adds roles while it runs, and takes away those whose tasks are all over; changes what "
        "Mesos\n"
        "            shows of it, and how long the master keeps its tasks while zmesosd is away\n"
        "operations  asks the master about operations (none named: all); answers are events\n"
        "wish        tells the master what is wished for, as cpus=4 mem=1024; Mesos's own allocator ignores "
        "it\n"
        "\n"
        "  --token TOKEN        of the first teardown\n"
        "  --add, --remove ROLE    for update; several times\n"
        "  --name NAME, --webui-url URL    for update; an empty URL: none\n"
        "  --failover-timeout TIME    for update\n"
        "  --label KEY[=VALUE]  for update; in place of all there were; several times\n"
        "  --agent AGENT        the wish is for that agent\n"
        "\n" SETTINGS_HELP;

enum {
    OPTION_TOKEN = OPTION_OWN,
    OPTION_AGENT,
    OPTION_ADD,
    OPTION_REMOVE,
    OPTION_SET_NAME,
    OPTION_SET_FAILOVER,
    OPTION_SET_URL,
    OPTION_SET_LABEL,
};

#define WORDS_MAX 1000
#define ROLES_MAX 64
#define LABELS_MAX 64
#define FAILOVER_MAX (3650 * DURATION_DAY)

struct framework {
    struct settings *settings;
    char *token, *agent;
    char *added[ROLES_MAX], *removed[ROLES_MAX];
    size_t added_count, removed_count;
    char *name, *failover_timeout, *webui_url;
    char *labels[LABELS_MAX];
    size_t label_count;
    char **words; /* behind the verb */
    size_t count;
};

/* ---- teardown ---- */

static void print_teardown(const struct settings *settings, const Zmesos__V1__TeardownReply *teardown)
{
    if (settings->json)
        settings_print_json(settings, &teardown->base);
    else if (teardown->begun)
        printf("begun: %" PRIu64 " tasks end, and zmesosd with them\n", teardown->tasks);
    else
        printf("this ends %" PRIu64 " tasks and the framework, for good; to do it, within %" PRId64 " s:\n"
               "zmesos framework teardown --token %s\n",
                teardown->tasks, teardown->valid_ms / 1000, teardown->token ? teardown->token : "");
}

/* ---- operations, as ID or ID@AGENT ---- */

static void read_operations(struct framework *framework, Zmesos__V1__ReconcileOperations *ask,
        Zmesos__V1__ReconcileOperations__Operation *operations)
{
    size_t i;

    for (i = 0; i < framework->count; i++) {
        char *at = strchr(framework->words[i], '@');

        zmesos__v1__reconcile_operations__operation__init(&operations[i]);
        operations[i].operation_id = framework->words[i];
        if (at) {
            *at = '\0';
            operations[i].agent_id = at + 1;
        }
        ask->operations[ask->n_operations++] = &operations[i];
    }
}

/* ---- a wish ---- */

struct wish {
    Mesos__V1__Request request, *requests[1];
    Mesos__V1__AgentID agent;
    Mesos__V1__Resource *resources, **listed;
    Mesos__V1__Value__Scalar *scalars;
};

static int read_wish(struct framework *framework, struct wish *wish)
{
    size_t i;

    mesos__v1__request__init(&wish->request);
    mesos__v1__agent_id__init(&wish->agent);
    wish->requests[0] = &wish->request;
    wish->agent.value = framework->agent;
    wish->request.agent_id = framework->agent ? &wish->agent : NULL;
    wish->request.resources = wish->listed;
    for (i = 0; i < framework->count; i++) {
        char *equals = strchr(framework->words[i], '=');
        milli_t amount;

        if (!equals || equals == framework->words[i] || milli_parse(equals + 1, &amount) < 0 || amount < 0)
            return settings_usage(
                    framework->settings, "%s: a wish is NAME=AMOUNT, as cpus=0.5", framework->words[i]);
        *equals = '\0';
        mesos__v1__resource__init(&wish->resources[i]);
        mesos__v1__value__scalar__init(&wish->scalars[i]);
        wish->scalars[i].value = milli_to_double(amount);
        wish->resources[i].name = framework->words[i];
        wish->resources[i].type = MESOS__V1__VALUE__TYPE__SCALAR;
        wish->resources[i].scalar = &wish->scalars[i];
        wish->listed[wish->request.n_resources++] = &wish->resources[i];
    }
    return CLI_GO_ON;
}

/* ---- asking ---- */

static int teardown(struct framework *framework)
{
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__Teardown body = ZMESOS__V1__TEARDOWN__INIT;
    Zmesos__V1__Reply *reply;
    int rc;

    if (framework->count)
        return settings_usage(framework->settings, "'%s' is too much", framework->words[0]);
    body.token = framework->token;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_TEARDOWN;
    request.teardown = &body;
    rc = ask(framework->settings, NULL, ASK_REPEAT, &request, ZMESOS__V1__REPLY__RESULT_TEARDOWN, &reply);
    if (rc == CLI_OK)
        print_teardown(framework->settings, reply->teardown);
    ask_free(reply);
    return rc;
}

static int suppress(struct framework *framework)
{
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__Suppress body = ZMESOS__V1__SUPPRESS__INIT;

    body.roles = framework->words;
    body.n_roles = framework->count;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_SUPPRESS;
    request.suppress = &body;
    return ask_done(framework->settings, ASK_REPEAT, &request);
}

static int revive(struct framework *framework)
{
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__Revive body = ZMESOS__V1__REVIVE__INIT;

    body.roles = framework->words;
    body.n_roles = framework->count;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_REVIVE;
    request.revive = &body;
    return ask_done(framework->settings, ASK_REPEAT, &request);
}

static int read_labels(struct framework *framework, struct arena *arena, Mesos__V1__Labels *labels)
{
    struct error err;
    size_t i;

    mesos__v1__labels__init(labels);
    labels->labels = arena_array(arena, LABELS_MAX, sizeof *labels->labels);
    for (i = 0; i < framework->label_count; i++)
        if (spec_label(arena, framework->labels[i], &labels->labels[labels->n_labels++], &err))
            return settings_usage(framework->settings, "%s", err.text);
    return CLI_GO_ON;
}

static int update_with(struct framework *framework, struct arena *arena)
{
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__UpdateFramework body = ZMESOS__V1__UPDATE_FRAMEWORK__INIT;
    Mesos__V1__DurationInfo timeout = MESOS__V1__DURATION_INFO__INIT;
    Mesos__V1__Labels labels;
    int rc = read_labels(framework, arena, &labels);

    if (rc != CLI_GO_ON)
        return rc;
    if (framework->count)
        return settings_usage(framework->settings, "'%s' is too much", framework->words[0]);
    if (framework->failover_timeout &&
            duration_parse(framework->failover_timeout, FAILOVER_MAX, &timeout.nanoseconds))
        return settings_usage(framework->settings, "--failover-timeout %s: expected 0 to 3650d",
                framework->failover_timeout);
    body.name = framework->name;
    body.failover_timeout = framework->failover_timeout ? &timeout : NULL;
    body.webui_url = framework->webui_url;
    body.labels = framework->label_count ? &labels : NULL;
    body.add_roles = framework->added;
    body.n_add_roles = framework->added_count;
    body.remove_roles = framework->removed;
    body.n_remove_roles = framework->removed_count;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_UPDATE_FRAMEWORK;
    request.update_framework = &body;
    return ask_done(framework->settings, ASK_ONCE, &request);
}

static int update(struct framework *framework)
{
    struct arena arena;
    int rc;

    arena_init(&arena);
    rc = update_with(framework, &arena);
    arena_clear(&arena);
    return rc;
}

static int operations(struct framework *framework)
{
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__ReconcileOperations body = ZMESOS__V1__RECONCILE_OPERATIONS__INIT;
    Zmesos__V1__ReconcileOperations__Operation *all = alloc_zeroed(framework->count + 1, sizeof *all);
    int rc;

    body.operations = alloc_zeroed(framework->count + 1, sizeof *body.operations);
    read_operations(framework, &body, all);
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_RECONCILE_OPERATIONS;
    request.reconcile_operations = &body;
    rc = ask_done(framework->settings, ASK_REPEAT, &request);
    free(body.operations);
    free(all);
    return rc;
}

static int send_wish(struct framework *framework)
{
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__RequestResources body = ZMESOS__V1__REQUEST_RESOURCES__INIT;
    struct wish wish = {.resources = alloc_zeroed(framework->count + 1, sizeof *wish.resources),
            .listed = alloc_zeroed(framework->count + 1, sizeof(void *)),
            .scalars = alloc_zeroed(framework->count + 1, sizeof *wish.scalars)};
    int rc = framework->count ? read_wish(framework, &wish)
                              : settings_usage(framework->settings, "a wish for what? NAME=AMOUNT");

    if (rc == CLI_GO_ON) {
        body.requests = wish.requests;
        body.n_requests = 1;
        request.operation_case = ZMESOS__V1__REQUEST__OPERATION_REQUEST_RESOURCES;
        request.request_resources = &body;
        rc = ask_done(framework->settings, ASK_REPEAT, &request);
    }
    free(wish.resources);
    free(wish.listed);
    free(wish.scalars);
    return rc;
}

static int run(struct settings *settings, int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(struct framework *framework);
    } verbs[] = {{"teardown", teardown}, {"update", update}, {"suppress", suppress}, {"revive", revive},
            {"operations", operations}, {"wish", send_wish}};
    static const struct option options[] = {{"token", required_argument, NULL, OPTION_TOKEN},
            {"agent", required_argument, NULL, OPTION_AGENT}, {"add", required_argument, NULL, OPTION_ADD},
            {"remove", required_argument, NULL, OPTION_REMOVE},
            {"name", required_argument, NULL, OPTION_SET_NAME},
            {"failover-timeout", required_argument, NULL, OPTION_SET_FAILOVER},
            {"webui-url", required_argument, NULL, OPTION_SET_URL},
            {"label", required_argument, NULL, OPTION_SET_LABEL}, SETTINGS_OPTIONS};
    struct framework framework = {.settings = settings};
    int option, rc;
    size_t i;

    while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (option == OPTION_TOKEN)
            framework.token = optarg;
        else if (option == OPTION_AGENT)
            framework.agent = optarg;
        else if (option == OPTION_ADD && framework.added_count < ROLES_MAX)
            framework.added[framework.added_count++] = optarg;
        else if (option == OPTION_REMOVE && framework.removed_count < ROLES_MAX)
            framework.removed[framework.removed_count++] = optarg;
        else if (option == OPTION_SET_NAME)
            framework.name = optarg;
        else if (option == OPTION_SET_FAILOVER)
            framework.failover_timeout = optarg;
        else if (option == OPTION_SET_URL)
            framework.webui_url = optarg;
        else if (option == OPTION_SET_LABEL && framework.label_count < LABELS_MAX)
            framework.labels[framework.label_count++] = optarg;
        else if (option == OPTION_SET_LABEL)
            return settings_usage(settings, "at most %d labels", LABELS_MAX);
        else if (option == OPTION_ADD || option == OPTION_REMOVE)
            return settings_usage(settings, "at most %d roles", ROLES_MAX);
        else if ((rc = settings_option(settings, option, argv)) != CLI_GO_ON)
            return rc;
    }
    if (optind >= argc)
        return settings_usage(settings, "to do what? see zmesos framework --help");
    if (argc - optind > WORDS_MAX)
        return settings_usage(settings, "at most %d words", WORDS_MAX);
    framework.words = argv + optind + 1;
    framework.count = (size_t)(argc - optind - 1);
    for (i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(argv[optind], verbs[i].name) == 0)
            return verbs[i].run(&framework);
    }
    return settings_usage(settings, "there is no '%s'; see zmesos framework --help", argv[optind]);
}

const struct command command_framework = {
        .name = "framework", .summary = "end it, its roles, wishes to the master", .help = help, .run = run};
