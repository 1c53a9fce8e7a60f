/* The command line. Values are looked at here only as far as their form goes; resources and attributes are
 * read where the agents are made. */
#include "options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/decimal.h"

const char options_help[] =
        "usage: zmesos-local [option]...\n"
        "\n"
        "A local Mesos: one master with agents in one process, which speaks the v1 scheduler API and runs "
        "the tasks\n"
        "as processes of this machine. For trying zmesos and for tests; a real cluster is Apache Mesos.\n"
        "\n"
        "  --ip ADDRESS             listen here (127.0.0.1); tasks are commands of whoever can connect\n"
        "  --port PORT              listen here (5050); 0: a free port\n"
        "  --agents N               how many agents (2)\n"
        "  --resources TEXT         of each agent ('cpus:4;mem:4096;disk:10240;ports:[31000-32000]')\n"
        "  --attributes TEXT        of each agent, such as 'rack:r1;zone:a'\n"
        "  --domain REGION/ZONE     of each agent: its fault domain\n"
        "  --agent 'KEY=VALUE ...'  other values for one agent, the first --agent for the first agent and so "
        "on:\n"
        "                           hostname=, resources=, attributes=, domain=, apart by spaces\n"
        "  --work-dir DIR           sandboxes are DIR/AGENT/FRAMEWORK/TASK (a new directory in /tmp, removed "
        "at the\n"
        "                           end)\n"
        "  --simulate               run nothing; tasks end as their labels say\n"
        "  --allocation-interval S  seconds between allocations (1)\n"
        "  --heartbeat S            seconds between heartbeats (15)\n"
        "  --credentials FILE       frameworks authenticate; FILE has lines of a principal and a secret\n"
        "  --log LEVEL              error, warn, info or debug (warn)\n"
        "  --help, --version\n"
        "\n"
        "Prints 'listening on ADDRESS:PORT' when it is ready. POST /local/faults makes it misbehave, GET "
        "/local/state\n"
        "tells what it knows.\n";

enum {
    OPTION_IP = 256,
    OPTION_PORT,
    OPTION_AGENTS,
    OPTION_RESOURCES,
    OPTION_ATTRIBUTES,
    OPTION_DOMAIN,
    OPTION_AGENT,
    OPTION_WORK_DIR,
    OPTION_SIMULATE,
    OPTION_ALLOCATION,
    OPTION_HEARTBEAT,
    OPTION_CREDENTIALS,
    OPTION_LOG,
    OPTION_HELP,
    OPTION_VERSION,
};

static const struct option long_options[] = {
        {"ip", required_argument, NULL, OPTION_IP},
        {"port", required_argument, NULL, OPTION_PORT},
        {"agents", required_argument, NULL, OPTION_AGENTS},
        {"resources", required_argument, NULL, OPTION_RESOURCES},
        {"attributes", required_argument, NULL, OPTION_ATTRIBUTES},
        {"domain", required_argument, NULL, OPTION_DOMAIN},
        {"agent", required_argument, NULL, OPTION_AGENT},
        {"work-dir", required_argument, NULL, OPTION_WORK_DIR},
        {"simulate", no_argument, NULL, OPTION_SIMULATE},
        {"allocation-interval", required_argument, NULL, OPTION_ALLOCATION},
        {"heartbeat", required_argument, NULL, OPTION_HEARTBEAT},
        {"credentials", required_argument, NULL, OPTION_CREDENTIALS},
        {"log", required_argument, NULL, OPTION_LOG},
        {"help", no_argument, NULL, OPTION_HELP},
        {"version", no_argument, NULL, OPTION_VERSION},
        {NULL, 0, NULL, 0},
};

static void agent_options_clear(struct agent_options *agent)
{
    free(agent->hostname);
    free(agent->resources);
    free(agent->attributes);
    free(agent->domain);
}

static int parse_agent(struct options *options, const char *text, struct error *err)
{
    struct agent_options agent = {0};
    int code = 0;
    char *copy = alloc_string(text);
    char *rest = copy;
    for (char *part; (part = strsep(&rest, " ")) != NULL;) {
        if (part[0] == '\0')
            continue;
        char *value = strchr(part, '=');
        char **place = NULL;
        if (value != NULL)
            *value++ = '\0';
        if (strcmp(part, "hostname") == 0)
            place = &agent.hostname;
        else if (strcmp(part, "resources") == 0)
            place = &agent.resources;
        else if (strcmp(part, "attributes") == 0)
            place = &agent.attributes;
        else if (strcmp(part, "domain") == 0)
            place = &agent.domain;
        if (place == NULL || value == NULL || *value == '\0') {
            code = error_set(err, ERR_INVALID,
                    "--agent wants hostname=, resources=, attributes= or domain=, not '%s'", part);
            goto out;
        }
        free(*place);
        *place = alloc_string(value);
    }
    options->agent = alloc_resize(options->agent, options->agent_count + 1, sizeof(agent));
    options->agent[options->agent_count++] = agent;
    agent = (struct agent_options){0};
out:
    agent_options_clear(&agent);
    free(copy);
    return code;
}

static int parse_integer(
        const char *name, const char *text, int64_t min, int64_t max, int64_t *value, struct error *err)
{
    if (integer_parse(text, min, max, value) != 0)
        return error_set(err, ERR_INVALID, "--%s wants a number from %lld to %lld, not '%s'", name,
                (long long)min, (long long)max, text);
    return 0;
}

/* Seconds with up to three decimals, at least one thousandth. */
static int parse_seconds(const char *name, const char *text, int64_t *ms, struct error *err)
{
    milli_t value;
    if (milli_parse(text, &value) != 0 || value <= 0 || value > 86400000)
        return error_set(err, ERR_INVALID, "--%s wants seconds from 0.001 to 86400, not '%s'", name, text);
    *ms = value;
    return 0;
}

static int parse_one(struct options *options, int option, char *value, struct error *err)
{
    int64_t number = 0;
    int code = 0;
    switch (option) {
    case OPTION_IP:
        options->ip = value;
        return 0;
    case OPTION_PORT:
        if ((code = parse_integer("port", value, 0, 65535, &number, err)) == 0)
            options->port = (uint16_t)number;
        return code;
    case OPTION_AGENTS:
        if ((code = parse_integer("agents", value, 0, OPTIONS_AGENTS_MAX, &number, err)) == 0)
            options->agents = (size_t)number;
        return code;
    case OPTION_RESOURCES:
        options->resources = value;
        return 0;
    case OPTION_ATTRIBUTES:
        options->attributes = value;
        return 0;
    case OPTION_DOMAIN:
        options->domain = value;
        return 0;
    case OPTION_AGENT:
        return parse_agent(options, value, err);
    case OPTION_WORK_DIR:
        options->work_dir = value;
        return 0;
    case OPTION_SIMULATE:
        options->simulate = true;
        return 0;
    case OPTION_ALLOCATION:
        return parse_seconds("allocation-interval", value, &options->allocation_ms, err);
    case OPTION_HEARTBEAT:
        return parse_seconds("heartbeat", value, &options->heartbeat_ms, err);
    case OPTION_CREDENTIALS:
        options->credentials = value;
        return 0;
    case OPTION_LOG:
        if (log_level_parse(value, &options->log) != 0)
            return error_set(err, ERR_INVALID, "--log wants error, warn, info or debug, not '%s'", value);
        return 0;
    case OPTION_HELP:
        options->help = true;
        return 0;
    default:
        options->version = true;
        return 0;
    }
}

int options_parse(struct options *options, int argc, char **argv, struct error *err)
{
    *options = (struct options){
            .ip = "127.0.0.1",
            .port = 5050,
            .agents = 2,
            .resources = "cpus:4;mem:4096;disk:10240;ports:[31000-32000]",
            .attributes = "",
            .domain = "",
            .allocation_ms = 1000,
            .heartbeat_ms = 15000,
            .log = LOG_LEVEL_WARN,
    };
    opterr = 0;
    optind = 0;
    for (int option; (option = getopt_long(argc, argv, ":", long_options, NULL)) != -1;) {
        if (option == ':')
            return error_set(err, ERR_INVALID, "%s wants a value", argv[optind - 1]);
        if (option == '?')
            return error_set(err, ERR_INVALID, "unknown option %s", argv[optind - 1]);
        int code = parse_one(options, option, optarg, err);
        if (code != 0)
            return code;
    }
    if (optind < argc)
        return error_set(err, ERR_INVALID, "unexpected argument '%s'", argv[optind]);
    if (options->agent_count > OPTIONS_AGENTS_MAX)
        return error_set(err, ERR_INVALID, "more than %d agents", OPTIONS_AGENTS_MAX);
    if (options->agents < options->agent_count)
        options->agents = options->agent_count;
    return 0;
}

void options_clear(struct options *options)
{
    for (size_t i = 0; i < options->agent_count; i++)
        agent_options_clear(&options->agent[i]);
    free(options->agent);
    options->agent = NULL;
    options->agent_count = 0;
}
