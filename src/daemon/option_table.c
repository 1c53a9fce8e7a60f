/* One table names everything that can be said; a kind says how it is read. */
#include "option_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/decimal.h"
#include "base/log.h"
#include "base/text.h"

#define AT(member) offsetof(struct options, member)

static const struct option_entry entries[] = {
        {"master", OPTION_TEXT, AT(masters), 0, "127.0.0.1:5050", "HOST:PORT[,HOST:PORT...]  masters to try"},
        {"state", OPTION_TEXT, AT(state), 0, NULL, "DIR  where the state is kept (required)"},
        {"control", OPTION_TEXT, AT(control), 0, "tcp://127.0.0.1:5560", "ENDPOINT  of the REP socket"},
        {"pipeline", OPTION_TEXT, AT(pipeline), 0, "tcp://127.0.0.1:5561", "ENDPOINT  of the ROUTER socket"},
        {"events", OPTION_TEXT, AT(events), 0, "tcp://127.0.0.1:5562", "ENDPOINT  of the XPUB socket"},
        {"events-json", OPTION_TEXT, AT(events_json), 0, NULL,
                "ENDPOINT  of a second XPUB socket, of the same events as JSON; default: none"},
        {"framework-name", OPTION_TEXT, AT(framework_name), 0, "zmesos", "NAME  shown in Mesos"},
        {"user", OPTION_TEXT, AT(user), 0, NULL, "NAME  that tasks run as; default: who runs zmesosd"},
        {"role", OPTION_LIST, AT(roles), AT(role_count), "*",
                "ROLE  may be given several times; the first is the default"},
        {"weight", OPTION_LIST, AT(weights), AT(weight_count), NULL,
                "SUBMITTER=WEIGHT  in the fair shares, 0.001 to 1000000; others have 1; several times"},
        {"hostname", OPTION_TEXT, AT(hostname), 0, NULL, "NAME  of this scheduler; default: the machine's"},
        {"webui-url", OPTION_TEXT, AT(webui_url), 0, NULL, "URL  shown in Mesos"},
        {"label", OPTION_LIST, AT(labels), AT(label_count), NULL,
                "KEY=VALUE  of the framework; several times"},
        {"principal", OPTION_TEXT, AT(principal), 0, NULL,
                "NAME  of the framework; default: the credential's"},
        {"credential", OPTION_TEXT, AT(credential), 0, NULL,
                "FILE  'PRINCIPAL SECRET', or JSON with principal and secret: HTTP basic authentication"},
        {"failover-timeout", OPTION_SECONDS, AT(failover_timeout_ms), 0, "604800",
                "SECONDS  the master keeps tasks while zmesosd is away"},
        {"no-checkpoint", OPTION_NO_CHECKPOINT, AT(checkpoint), 0, NULL,
                " tasks do not survive a restart of their agent"},
        {"offer-hold", OPTION_SECONDS, AT(offer_hold_ms), 0, "2", "SECONDS  an offer without work is held"},
        {"refuse", OPTION_SECONDS, AT(decline_ms), 0, "3600", "SECONDS  a declined offer is refused"},
        {"revive-interval", OPTION_SECONDS, AT(revive_ms), 0, "3",
                "SECONDS  between two REVIVEs of a role, at least"},
        {"reconcile-interval", OPTION_SECONDS, AT(reconcile_ms), 0, "900",
                "SECONDS  between two reconciliations"},
        {"kill-interval", OPTION_SECONDS, AT(kill_ms), 0, "5", "SECONDS  before a KILL is repeated, first"},
        {"call-timeout", OPTION_SECONDS, AT(call_timeout_ms), 0, "15",
                "SECONDS  for the master's answer to a call"},
        {"launch-timeout", OPTION_SECONDS, AT(launch_timeout_ms), 0, "900",
                "SECONDS  from a task's launch to STARTING or RUNNING, where it says none itself; 0: for "
                "ever"},
        {"orphans", OPTION_CHOICE, AT(kill_orphans), 0, "adopt",
                "adopt|kill  tasks of this framework that are found running and are not known"},
        {"on-removed", OPTION_CHOICE, AT(begin_again), 0, "stop",
                "stop|begin-again  when the master has removed this framework"},
        {"avoid-maintenance", OPTION_SECONDS, AT(avoid_maintenance_ms), 0, "3600",
                "SECONDS  before maintenance of an agent begins it gets no tasks any more"},
        {"maintenance", OPTION_CHOICE, AT(decline_maintenance), 0, "accept",
                "accept|decline  the master's inverse offers"},
        {"drain", OPTION_FLAG, AT(drain), 0, NULL, " kill tasks before maintenance of their agent begins"},
        {"drain-grace", OPTION_SECONDS, AT(drain_grace_ms), 0, "60", "SECONDS  before, with --drain"},
        {"offer-constraints", OPTION_CHOICE, AT(no_offer_constraints), 0, "on",
                "on|off  the master makes offers alone of agents that meet constraints of waiting tasks"},
        {"no-teardown", OPTION_FLAG, AT(no_teardown), 0, NULL,
                " requests to tear the framework down are refused"},
        {"external", OPTION_LEVEL, AT(external), 0, "all",
                "none|lease|all  what requests may do with offers: nothing; lease them; and decline them, "
                "suppress "
                "and revive roles"},
        {"leases", OPTION_COUNT, AT(leases), 0, "100", "N  leases at once, at most 1000"},
        {"lease-max", OPTION_SECONDS, AT(lease_max_ms), 0, "60", "SECONDS  a lease lasts at most"},
        {"lease-share", OPTION_COUNT, AT(lease_share), 0, "50",
                "PERCENT  of the agents, in offers leased at once; one always is"},
        {"tasks-max", OPTION_COUNT, AT(tasks_max), 0, "2000000", "N  tasks kept at most"},
        {"keep-tasks", OPTION_COUNT, AT(keep_tasks), 0, "100000", "N  tasks kept that are over"},
        {"keep-tasks-for", OPTION_SECONDS, AT(keep_tasks_ms), 0, "604800",
                "SECONDS  a task is kept after it is over"},
        {"keep-events", OPTION_COUNT, AT(keep_events), 0, "1000000",
                "N  events kept of each journaled class"},
        {"keep-events-bytes", OPTION_BYTES, AT(keep_events_bytes), 0, "1073741824",
                "N  bytes kept of each journaled class"},
        {"keep-events-for", OPTION_SECONDS, AT(keep_events_ms), 0, "2592000",
                "SECONDS  an event is kept so long"},
        {"events-hwm", OPTION_COUNT, AT(events_hwm), 0, "100000", "N  messages kept for one slow subscriber"},
        {"log-level", OPTION_LOG_LEVEL, 0, 0, "info", "error|warn|info|debug"},
        {"config", OPTION_CONFIG, 0, 0, NULL,
                "FILE  in ZPL (RFC 4 of ZeroMQ) with the names above, without dashes in front"},
};

_Static_assert(sizeof entries / sizeof *entries == OPTION_ENTRIES, "OPTION_ENTRIES");
const struct option_entry *const option_entries = entries;

/* What OPTION_SECONDS may be. No interval is 0: that would be a question at every turn of the loop. */
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

/* OPTION_CHOICE: the word for false, and the one for true. */
static const struct {
    const char *name, *no, *yes;
} choices[] = {
        {"orphans", "adopt", "kill"},
        {"on-removed", "stop", "begin-again"},
        {"maintenance", "accept", "decline"},
        {"offer-constraints", "on", "off"},
};

/* OPTION_LEVEL: each allows what those before it do; as enum core_external. */
static const char *const levels[] = {"none", "lease", "all"};

static void *place_of(struct options *options, size_t place)
{
    return (char *)options + place;
}

/* Everything told goes to Mesos or into a message sooner or later. */
static int check_text(const struct option_entry *entry, const char *value, struct error *err)
{
    if (!*value)
        return error_set(err, ERR_INVALID, "--%s must not be empty", entry->name);
    if (!text_is_utf8(slice_of_string(value)))
        return error_set(err, ERR_INVALID, "--%s is not UTF-8", entry->name);
    return 0;
}

static int set_list(
        struct options *options, const struct option_entry *entry, const char *value, struct error *err)
{
    char **list = place_of(options, entry->place);
    size_t *count = place_of(options, entry->count);
    if (*count == OPTIONS_LIST_MAX)
        return error_set(err, ERR_INVALID, "--%s: at most %d", entry->name, OPTIONS_LIST_MAX);
    list[(*count)++] = alloc_string(value);
    return 0;
}

static int set_seconds(
        struct options *options, const struct option_entry *entry, const char *value, struct error *err)
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
static int set_flag(
        struct options *options, const struct option_entry *entry, const char *value, struct error *err)
{
    bool yes = !value || strcmp(value, "1") == 0 || strcmp(value, "true") == 0;
    if (!yes && strcmp(value, "0") != 0 && strcmp(value, "false") != 0)
        return error_set(err, ERR_INVALID, "--%s: 1 or 0 in a file, not %s", entry->name, value);
    *(bool *)place_of(options, entry->place) = entry->kind == OPTION_FLAG ? yes : !yes;
    return 0;
}

static int set_choice(
        struct options *options, const struct option_entry *entry, const char *value, struct error *err)
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

static int set_level(
        struct options *options, const struct option_entry *entry, const char *value, struct error *err)
{
    size_t i = 0, count = sizeof levels / sizeof *levels;
    while (i < count && strcmp(levels[i], value) != 0)
        i++;
    if (i == count)
        return error_set(err, ERR_INVALID, "--%s: none, lease or all, not %s", entry->name, value);
    *(int64_t *)place_of(options, entry->place) = (int64_t)i;
    return 0;
}

int option_set(
        struct options *options, const struct option_entry *entry, const char *value, struct error *err)
{
    int64_t number;
    enum log_level level;
    int rc = entry->kind == OPTION_TEXT || entry->kind == OPTION_LIST ? check_text(entry, value, err) : 0;
    if (rc)
        return rc;
    switch (entry->kind) {
    case OPTION_TEXT:
        free(*(char **)place_of(options, entry->place));
        *(char **)place_of(options, entry->place) = alloc_string(value);
        return 0;
    case OPTION_LIST:
        return set_list(options, entry, value, err);
    case OPTION_SECONDS:
        return set_seconds(options, entry, value, err);
    case OPTION_COUNT:
        if (integer_parse(value, 1, 1000000000, &number))
            return error_set(err, ERR_INVALID, "--%s: not a number from 1 to 10^9: %s", entry->name, value);
        *(int64_t *)place_of(options, entry->place) = number;
        return 0;
    case OPTION_BYTES:
        if (integer_parse(value, 1000000, 1000000000000000, &number))
            return error_set(
                    err, ERR_INVALID, "--%s: not a number from 10^6 to 10^15: %s", entry->name, value);
        *(int64_t *)place_of(options, entry->place) = number;
        return 0;
    case OPTION_CHOICE:
        return set_choice(options, entry, value, err);
    case OPTION_LEVEL:
        return set_level(options, entry, value, err);
    case OPTION_LOG_LEVEL:
        if (log_level_parse(value, &level))
            return error_set(
                    err, ERR_INVALID, "--%s: error, warn, info or debug, not %s", entry->name, value);
        log_set_level(level);
        return 0;
    case OPTION_NO_CHECKPOINT:
    case OPTION_FLAG:
        return set_flag(options, entry, value, err);
    case OPTION_CONFIG:
        break;
    }
    return error_set(err, ERR_INVALID, "%s cannot be said here", entry->name);
}

bool option_has_value(const struct option_entry *entry)
{
    return entry->kind != OPTION_NO_CHECKPOINT && entry->kind != OPTION_FLAG;
}

void option_free(struct options *options, const struct option_entry *entry)
{
    if (entry->kind == OPTION_TEXT) {
        free(*(char **)place_of(options, entry->place));
    } else if (entry->kind == OPTION_LIST) {
        char **list = place_of(options, entry->place);
        for (size_t i = 0; i < *(size_t *)place_of(options, entry->count); i++)
            free(list[i]);
    }
}
