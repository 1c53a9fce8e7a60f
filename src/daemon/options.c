/* Flags and the configuration file. One table names everything; a flag beats the file, the file beats the
 * default. */
#include "options.h"

#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <czmq.h>

#include "base/alloc.h"
#include "base/decimal.h"
#include "base/log.h"
#include "base/text.h"
#include "core/core.h"
#include "credential.h"

enum kind { TEXT, LIST, SECONDS, COUNT, BYTES, CHOICE, LEVEL, LOG_LEVEL, NO_CHECKPOINT, FLAG, CONFIG };

struct entry {
    const char *name;
    enum kind kind;
    size_t place; /* in struct options */
    size_t count; /* LIST: place of its count */
    const char *fallback;
    const char *help;
};

#define CONFIG_FILE_MAX 65536
#define AT(member) offsetof(struct options, member)

static const struct entry entries[] = {
        {"master", TEXT, AT(masters), 0, "127.0.0.1:5050", "HOST:PORT[,HOST:PORT...]  masters to try"},
        {"state", TEXT, AT(state), 0, NULL, "DIR  where the state is kept (required)"},
        {"control", TEXT, AT(control), 0, "tcp://127.0.0.1:5560", "ENDPOINT  of the REP socket"},
        {"pipeline", TEXT, AT(pipeline), 0, "tcp://127.0.0.1:5561", "ENDPOINT  of the ROUTER socket"},
        {"events", TEXT, AT(events), 0, "tcp://127.0.0.1:5562", "ENDPOINT  of the XPUB socket"},
        {"events-json", TEXT, AT(events_json), 0, NULL,
                "ENDPOINT  of a second XPUB socket, of the same events as JSON; default: none"},
        {"framework-name", TEXT, AT(framework_name), 0, "zmesos", "NAME  shown in Mesos"},
        {"user", TEXT, AT(user), 0, NULL, "NAME  that tasks run as; default: who runs zmesosd"},
        {"role", LIST, AT(roles), AT(role_count), "*",
                "ROLE  may be given several times; the first is the default"},
        {"weight", LIST, AT(weights), AT(weight_count), NULL,
                "SUBMITTER=WEIGHT  in the fair shares, 0.001 to 1000000; others have 1; several times"},
        {"hostname", TEXT, AT(hostname), 0, NULL, "NAME  of this scheduler; default: the machine's"},
        {"webui-url", TEXT, AT(webui_url), 0, NULL, "URL  shown in Mesos"},
        {"label", LIST, AT(labels), AT(label_count), NULL, "KEY=VALUE  of the framework; several times"},
        {"principal", TEXT, AT(principal), 0, NULL, "NAME  of the framework; default: the credential's"},
        {"credential", TEXT, AT(credential), 0, NULL,
                "FILE  'PRINCIPAL SECRET', or JSON with principal and secret: HTTP basic authentication"},
        {"failover-timeout", SECONDS, AT(failover_timeout_ms), 0, "604800",
                "SECONDS  the master keeps tasks while zmesosd is away"},
        {"no-checkpoint", NO_CHECKPOINT, AT(checkpoint), 0, NULL,
                " tasks do not survive a restart of their agent"},
        {"offer-hold", SECONDS, AT(offer_hold_ms), 0, "2", "SECONDS  an offer without work is held"},
        {"refuse", SECONDS, AT(decline_ms), 0, "3600", "SECONDS  a declined offer is refused"},
        {"revive-interval", SECONDS, AT(revive_ms), 0, "3",
                "SECONDS  between two REVIVEs of a role, at least"},
        {"reconcile-interval", SECONDS, AT(reconcile_ms), 0, "900", "SECONDS  between two reconciliations"},
        {"kill-interval", SECONDS, AT(kill_ms), 0, "5", "SECONDS  before a KILL is repeated, first"},
        {"call-timeout", SECONDS, AT(call_timeout_ms), 0, "15", "SECONDS  for the master's answer to a call"},
        {"launch-timeout", SECONDS, AT(launch_timeout_ms), 0, "900",
                "SECONDS  from a task's launch to STARTING or RUNNING, where it says none itself; 0: for "
                "ever"},
        {"orphans", CHOICE, AT(kill_orphans), 0, "adopt",
                "adopt|kill  tasks of this framework that are found running and are not known"},
        {"on-removed", CHOICE, AT(begin_again), 0, "stop",
                "stop|begin-again  when the master has removed this framework"},
        {"avoid-maintenance", SECONDS, AT(avoid_maintenance_ms), 0, "3600",
                "SECONDS  before maintenance of an agent begins it gets no tasks any more"},
        {"maintenance", CHOICE, AT(decline_maintenance), 0, "accept",
                "accept|decline  the master's inverse offers"},
        {"drain", FLAG, AT(drain), 0, NULL, " kill tasks before maintenance of their agent begins"},
        {"drain-grace", SECONDS, AT(drain_grace_ms), 0, "60", "SECONDS  before, with --drain"},
        {"offer-constraints", CHOICE, AT(no_offer_constraints), 0, "on",
                "on|off  the master makes offers alone of agents that meet constraints of waiting tasks"},
        {"no-teardown", FLAG, AT(no_teardown), 0, NULL, " requests to tear the framework down are refused"},
        {"external", LEVEL, AT(external), 0, "all",
                "none|lease|all  what requests may do with offers: nothing; lease them; and decline them, "
                "suppress "
                "and revive roles"},
        {"leases", COUNT, AT(leases), 0, "100", "N  leases at once, at most 1000"},
        {"lease-max", SECONDS, AT(lease_max_ms), 0, "60", "SECONDS  a lease lasts at most"},
        {"lease-share", COUNT, AT(lease_share), 0, "50",
                "PERCENT  of the agents, in offers leased at once; one always is"},
        {"tasks-max", COUNT, AT(tasks_max), 0, "2000000", "N  tasks kept at most"},
        {"keep-tasks", COUNT, AT(keep_tasks), 0, "100000", "N  tasks kept that are over"},
        {"keep-tasks-for", SECONDS, AT(keep_tasks_ms), 0, "604800",
                "SECONDS  a task is kept after it is over"},
        {"keep-events", COUNT, AT(keep_events), 0, "1000000", "N  events kept of each journaled class"},
        {"keep-events-bytes", BYTES, AT(keep_events_bytes), 0, "1073741824",
                "N  bytes kept of each journaled class"},
        {"keep-events-for", SECONDS, AT(keep_events_ms), 0, "2592000", "SECONDS  an event is kept so long"},
        {"events-hwm", COUNT, AT(events_hwm), 0, "100000", "N  messages kept for one slow subscriber"},
        {"log-level", LOG_LEVEL, 0, 0, "info", "error|warn|info|debug"},
        {"config", CONFIG, 0, 0, NULL,
                "FILE  in ZPL (RFC 4 of ZeroMQ) with the names above, without dashes in front"},
};

/* What SECONDS may be. No interval is 0: that would be a question at every turn of the loop. */
static const struct {
    const char *name, *least, *most;
} ranges[] = {
        {"failover-timeout", "0", "315360000"},
        {"offer-hold", "0", "3600"},
        {"refuse", "0", "31536000"},
        {"revive-interval", "0.1", "3600"},
        {"reconcile-interval", "1", "86400"},
        {"kill-interval", "0.1", "60"},
        {"call-timeout", "0.1", "3600"},
        {"launch-timeout", "0", "2592000"},
        {"keep-tasks-for", "1", "315360000"},
        {"keep-events-for", "1", "315360000"},
        {"avoid-maintenance", "0", "2592000"},
        {"drain-grace", "0", "86400"},
        {"lease-max", "0.1", "3600"},
};

/* CHOICE: the word for false, and the one for true. */
static const struct {
    const char *name, *no, *yes;
} choices[] = {
        {"orphans", "adopt", "kill"},
        {"on-removed", "stop", "begin-again"},
        {"maintenance", "accept", "decline"},
        {"offer-constraints", "on", "off"},
};

/* LEVEL: each allows what those before it do; as enum core_external. */
static const char *const levels[] = {"none", "lease", "all"};

#define ENTRIES (sizeof entries / sizeof *entries)

static void *place_of(struct options *options, size_t place)
{
    return (char *)options + place;
}

/* Everything told goes to Mesos or into a message sooner or later. */
static int check_text(const struct entry *entry, const char *value, struct error *err)
{
    if (!*value)
        return error_set(err, ERR_INVALID, "--%s must not be empty", entry->name);
    if (!text_is_utf8(slice_of_string(value)))
        return error_set(err, ERR_INVALID, "--%s is not UTF-8", entry->name);
    return 0;
}

static int set_list(struct options *options, const struct entry *entry, const char *value, struct error *err)
{
    char **list = place_of(options, entry->place);
    size_t *count = place_of(options, entry->count);
    if (*count == OPTIONS_LIST_MAX)
        return error_set(err, ERR_INVALID, "--%s: at most %d", entry->name, OPTIONS_LIST_MAX);
    list[(*count)++] = alloc_string(value);
    return 0;
}

static int set_seconds(
        struct options *options, const struct entry *entry, const char *value, struct error *err)
{
    milli_t least, most, number;
    size_t i = 0;
    while (strcmp(ranges[i].name, entry->name) != 0)
        i++;
    if (milli_parse(ranges[i].least, &least) || milli_parse(ranges[i].most, &most))
        abort(); /* the table is wrong */
    if (milli_parse(value, &number) || number < least || number > most)
        return error_set(err, ERR_INVALID, "--%s: not a number of seconds from %s to %s: %s", entry->name,
                ranges[i].least, ranges[i].most, value);
    *(int64_t *)place_of(options, entry->place) = number;
    return 0;
}

/* A flag has no value; in a file it needs one, and may be denied. */
static int set_flag(struct options *options, const struct entry *entry, const char *value, struct error *err)
{
    bool yes = !value || strcmp(value, "1") == 0 || strcmp(value, "true") == 0;
    if (!yes && strcmp(value, "0") != 0 && strcmp(value, "false") != 0)
        return error_set(err, ERR_INVALID, "--%s: 1 or 0 in a file, not %s", entry->name, value);
    *(bool *)place_of(options, entry->place) = entry->kind == FLAG ? yes : !yes;
    return 0;
}

static int set_choice(
        struct options *options, const struct entry *entry, const char *value, struct error *err)
{
    size_t i = 0;
    while (strcmp(choices[i].name, entry->name) != 0)
        i++;
    bool yes = strcmp(value, choices[i].yes) == 0;
    if (!yes && strcmp(value, choices[i].no) != 0)
        return error_set(err, ERR_INVALID, "--%s: %s or %s, not %s", entry->name, choices[i].no,
                choices[i].yes, value);
    *(bool *)place_of(options, entry->place) = yes;
    return 0;
}

static int set_level(struct options *options, const struct entry *entry, const char *value, struct error *err)
{
    size_t i = 0, count = sizeof levels / sizeof *levels;
    while (i < count && strcmp(levels[i], value) != 0)
        i++;
    if (i == count)
        return error_set(err, ERR_INVALID, "--%s: none, lease or all, not %s", entry->name, value);
    *(int64_t *)place_of(options, entry->place) = (int64_t)i;
    return 0;
}

static int set_entry(struct options *options, const struct entry *entry, const char *value, struct error *err)
{
    int64_t number;
    enum log_level level;
    int rc = entry->kind == TEXT || entry->kind == LIST ? check_text(entry, value, err) : 0;
    if (rc)
        return rc;
    switch (entry->kind) {
    case TEXT:
        free(*(char **)place_of(options, entry->place));
        *(char **)place_of(options, entry->place) = alloc_string(value);
        return 0;
    case LIST:
        return set_list(options, entry, value, err);
    case SECONDS:
        return set_seconds(options, entry, value, err);
    case COUNT:
        if (integer_parse(value, 1, 1000000000, &number))
            return error_set(err, ERR_INVALID, "--%s: not a number from 1 to 10^9: %s", entry->name, value);
        *(int64_t *)place_of(options, entry->place) = number;
        return 0;
    case BYTES:
        if (integer_parse(value, 1000000, 1000000000000000, &number))
            return error_set(
                    err, ERR_INVALID, "--%s: not a number from 10^6 to 10^15: %s", entry->name, value);
        *(int64_t *)place_of(options, entry->place) = number;
        return 0;
    case CHOICE:
        return set_choice(options, entry, value, err);
    case LEVEL:
        return set_level(options, entry, value, err);
    case LOG_LEVEL:
        if (log_level_parse(value, &level))
            return error_set(
                    err, ERR_INVALID, "--%s: error, warn, info or debug, not %s", entry->name, value);
        log_set_level(level);
        return 0;
    case NO_CHECKPOINT:
    case FLAG:
        return set_flag(options, entry, value, err);
    case CONFIG:
        break;
    }
    return error_set(err, ERR_INVALID, "%s cannot be said here", entry->name);
}

static int read_flags(int argc, char **argv, struct options *options, bool said[], const char **config,
        enum options_what *what, struct error *err)
{
    struct option flags[ENTRIES + 3] = {0};
    for (size_t i = 0; i < ENTRIES; i++)
        flags[i] = (struct option){.name = entries[i].name,
                .has_arg = entries[i].kind == NO_CHECKPOINT || entries[i].kind == FLAG ? no_argument
                                                                                       : required_argument,
                .val = (int)i + 1};
    flags[ENTRIES] = (struct option){.name = "help", .val = 'h' + 1000};
    flags[ENTRIES + 1] = (struct option){.name = "version", .val = 'v' + 1000};
    opterr = 0;
    optind = 1;
    int found;
    while ((found = getopt_long(argc, argv, ":", flags, NULL)) != -1) {
        if (found == ':')
            return error_set(err, ERR_INVALID, "%s needs a value", argv[optind - 1]);
        if (found == '?')
            return error_set(err, ERR_INVALID, "unknown flag %s (see --help)", argv[optind - 1]);
        if (found > 1000) {
            *what = found == 'h' + 1000 ? OPTIONS_HELP : OPTIONS_VERSION;
            return 0;
        }
        const struct entry *entry = &entries[found - 1];
        said[found - 1] = true;
        if (entry->kind == CONFIG) {
            *config = optarg;
            continue;
        }
        int rc = set_entry(options, entry, optarg, err);
        if (rc)
            return rc;
    }
    if (optind < argc)
        return error_set(err, ERR_INVALID, "what is '%s'? Only flags are taken (see --help)", argv[optind]);
    return 0;
}

/* The whole file as a string that the caller frees. */
static int read_text(const char *path, char **text, struct error *err)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return error_set(err, ERR_INVALID, "--config: cannot read %s", path);
    char *bytes = alloc_zeroed(CONFIG_FILE_MAX + 2, 1);
    size_t length = fread(bytes, 1, CONFIG_FILE_MAX + 1, file);
    int rc = 0;
    if (ferror(file))
        rc = error_set(err, ERR_INVALID, "--config: cannot read %s", path);
    else if (length > CONFIG_FILE_MAX || memchr(bytes, '\0', length))
        rc = error_set(err, ERR_INVALID, "--config: %s is not a ZPL file of at most %d bytes", path,
                CONFIG_FILE_MAX);
    fclose(file);
    if (rc)
        free(bytes);
    else
        *text = bytes;
    return rc;
}

static int read_file(const char *path, struct options *options, bool said[], struct error *err)
{
    char *text = NULL;
    if (read_text(path, &text, err))
        return ERR_INVALID;
    zconfig_t *root = zconfig_str_load(text); /* says on standard output in which line a mistake is */
    free(text);
    if (!root)
        return error_set(err, ERR_INVALID, "--config: %s is not a ZPL file", path);
    int rc = 0;
    bool in_file[ENTRIES] = {0};
    for (zconfig_t *item = zconfig_child(root); item && rc == 0; item = zconfig_next(item)) {
        size_t i = 0;
        while (i < ENTRIES && strcmp(entries[i].name, zconfig_name(item)) != 0)
            i++;
        if (i == ENTRIES || entries[i].kind == CONFIG)
            rc = error_set(err, ERR_INVALID, "--config: %s: unknown name %s", path, zconfig_name(item));
        else if (!said[i])
            rc = set_entry(options, &entries[i], zconfig_value(item), err);
        if (i < ENTRIES)
            in_file[i] = true;
    }
    for (size_t i = 0; i < ENTRIES; i++)
        said[i] |= in_file[i];
    zconfig_destroy(&root);
    return rc;
}

static int check_endpoint(const char *name, const char *endpoint, struct error *err)
{
    if (!strstr(endpoint, "://"))
        return error_set(err, ERR_INVALID, "--%s: an endpoint looks like tcp://127.0.0.1:5560, not %s", name,
                endpoint);
    const char *port = strncmp(endpoint, "tcp://", 6) == 0 ? strrchr(endpoint, ':') + 1 : "*";
    int64_t number;
    if (strcmp(port, "*") != 0 && integer_parse(port, 0, 65535, &number))
        return error_set(err, ERR_INVALID, "--%s: a port is 0 to 65535 or *: %s", name, endpoint);
    return 0;
}

static bool bad_part(const char *part, size_t length)
{
    bool dots = (length == 1 && part[0] == '.') || (length == 2 && part[0] == '.' && part[1] == '.');
    return length == 0 || dots || part[0] == '-' || (length == 1 && part[0] == '*');
}

/* Mesos's rules for roles: "*", or parts between '/', none of them empty, ".", "..", "*" or with '-' first;
 * no whitespace, backslash or DEL anywhere. */
static int check_role(const char *role, struct error *err)
{
    bool bad = strpbrk(role, " \t\n\v\f\r\x7f\\") != NULL;
    for (const char *part = role; part && strcmp(role, "*") != 0;) {
        const char *end = strchrnul(part, '/');
        bad |= bad_part(part, (size_t)(end - part));
        part = *end ? end + 1 : NULL;
    }
    return bad ? error_set(err, ERR_INVALID, "--role: Mesos does not allow '%s'", role) : 0;
}

int options_weight(const char *text, size_t *name_length, int64_t *weight, struct error *err)
{
    const char *equals = strrchr(text, '=');
    milli_t milli;
    if (!equals || milli_parse(equals + 1, &milli) || milli < 1 || milli > (milli_t)1000000 * 1000)
        return error_set(err, ERR_INVALID, "--weight: SUBMITTER=WEIGHT, 0.001 to 1000000, not %s", text);
    *name_length = (size_t)(equals - text);
    *weight = milli;
    return 0;
}

static int check_weights(const struct options *options, struct error *err)
{
    for (size_t i = 0; i < options->weight_count; i++) {
        size_t length, other;
        int64_t weight;
        int rc = options_weight(options->weights[i], &length, &weight, err);
        if (rc)
            return rc;
        if (length > CORE_SUBMITTER_MAX)
            return error_set(
                    err, ERR_INVALID, "--weight: a submitter has at most %d bytes", CORE_SUBMITTER_MAX);
        for (size_t j = 0; j < i; j++) {
            if (options_weight(options->weights[j], &other, &weight, err) == 0 && other == length &&
                    memcmp(options->weights[i], options->weights[j], length) == 0)
                return error_set(
                        err, ERR_INVALID, "--weight: %.*s is there twice", (int)length, options->weights[i]);
        }
    }
    return 0;
}

static int check(struct options *options, struct error *err)
{
    if (!options->state || !*options->state)
        return error_set(err, ERR_INVALID, "--state DIR is required");
    int rc = check_endpoint("control", options->control, err);
    rc = rc ? rc : check_endpoint("pipeline", options->pipeline, err);
    rc = rc ? rc : check_endpoint("events", options->events, err);
    if (rc == 0 && options->events_json)
        rc = check_endpoint("events-json", options->events_json, err);
    if (rc == 0 && options->leases > CORE_LEASES_MAX)
        rc = error_set(err, ERR_INVALID, "--leases: at most %d", CORE_LEASES_MAX);
    if (rc == 0 && options->lease_share > 100)
        rc = error_set(err, ERR_INVALID, "--lease-share: a percentage from 1 to 100");
    for (size_t i = 0; i < options->role_count && rc == 0; i++) {
        rc = check_role(options->roles[i], err);
        for (size_t j = 0; j < i && rc == 0; j++) {
            if (strcmp(options->roles[i], options->roles[j]) == 0)
                rc = error_set(err, ERR_INVALID, "--role: %s is there twice", options->roles[i]);
        }
    }
    for (size_t i = 0; i < options->label_count && rc == 0; i++) {
        if (options->labels[i][0] == '=' || !strchr(options->labels[i], '='))
            rc = error_set(err, ERR_INVALID, "--label: KEY=VALUE, not %s", options->labels[i]);
    }
    return rc ? rc : check_weights(options, err);
}

static int fill_user_and_host(struct options *options, struct error *err)
{
    if (!options->user) {
        const struct passwd *entry = getpwuid(getuid());
        if (!entry)
            return error_set(
                    err, ERR_INVALID, "--user is required: user id %ld has no name here", (long)getuid());
        options->user = alloc_string(entry->pw_name);
    }
    if (!options->hostname) {
        char name[256] = "";
        options->hostname =
                alloc_string(gethostname(name, sizeof name - 1) == 0 && *name ? name : "localhost");
    }
    return 0;
}

static int read_credential(struct options *options, struct error *err)
{
    char *principal = NULL;
    int rc =
            options->credential ? credential_read(options->credential, &principal, &options->secret, err) : 0;
    if (rc == 0 && principal && options->principal && strcmp(principal, options->principal) != 0)
        rc = error_set(err, ERR_INVALID, "--principal: %s, but the credential is %s's", options->principal,
                principal);
    if (rc == 0 && principal && !options->principal)
        options->principal = alloc_string(principal);
    free(principal);
    return rc;
}

int options_read(int argc, char **argv, struct options *options, enum options_what *what, struct error *err)
{
    *options = (struct options){.checkpoint = true};
    *what = OPTIONS_RUN;
    bool said[ENTRIES] = {0};
    const char *config = NULL;
    int rc = read_flags(argc, argv, options, said, &config, what, err);
    if (rc || *what != OPTIONS_RUN)
        return rc;
    if (config)
        rc = read_file(config, options, said, err);
    for (size_t i = 0; i < ENTRIES && rc == 0; i++) {
        if (!said[i] && entries[i].fallback)
            rc = set_entry(options, &entries[i], entries[i].fallback, err);
    }
    rc = rc ? rc : check(options, err);
    rc = rc ? rc : read_credential(options, err);
    return rc ? rc : fill_user_and_host(options, err);
}

void options_clear(struct options *options)
{
    for (size_t i = 0; i < ENTRIES; i++) {
        if (entries[i].kind == TEXT)
            free(*(char **)place_of(options, entries[i].place));
    }
    for (size_t i = 0; i < options->role_count; i++)
        free(options->roles[i]);
    for (size_t i = 0; i < options->label_count; i++)
        free(options->labels[i]);
    for (size_t i = 0; i < options->weight_count; i++)
        free(options->weights[i]);
    free(options->secret);
    *options = (struct options){0};
}

const char *options_help(void)
{
    static char text[8192];
    size_t used = (size_t)snprintf(text, sizeof text,
            "zmesosd --state DIR [FLAGS]\n"
            "Runs tasks on an Apache Mesos cluster for clients that speak ZeroMQ.\n\n");
    for (size_t i = 0; i < ENTRIES; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "  --%-20s %s%s%s%s\n", entries[i].name,
                entries[i].help, entries[i].fallback ? " (" : "",
                entries[i].fallback ? entries[i].fallback : "", entries[i].fallback ? ")" : "");
    }
    snprintf(text + used, sizeof text - used, "  --%-20s this text\n  --%-20s the version\n", "help",
            "version");
    return text;
}
