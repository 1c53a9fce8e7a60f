/* What zmesosd is told: flags, and a file with the same names. docs/operations.md lists them. */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define OPTIONS_LIST_MAX 64

struct options {
    char *masters, *state, *control, *pipeline, *events;
    char *events_json; /* NULL: none */
    char *framework_name, *user, *hostname, *webui_url, *credential;
    char *principal, *secret; /* the secret comes from the credential file */
    char *roles[OPTIONS_LIST_MAX];
    size_t role_count;
    char *labels[OPTIONS_LIST_MAX]; /* key=value */
    size_t label_count;
    char *weights[OPTIONS_LIST_MAX]; /* submitter=weight */
    size_t weight_count;
    bool checkpoint;
    bool kill_orphans; /* else they are adopted */
    bool no_teardown;  /* by request */
    bool no_offer_constraints;
    int64_t external; /* enum core_external */
    int64_t leases, lease_max_ms, lease_share;
    bool decline_maintenance; /* inverse offers; else they are accepted */
    bool drain;               /* tasks are killed before maintenance, so long: */
    int64_t drain_grace_ms, avoid_maintenance_ms;
    bool begin_again; /* as another framework, where the master has removed this one; else stop */
    int64_t failover_timeout_ms, offer_hold_ms, decline_ms, revive_ms, reconcile_ms, kill_ms, call_timeout_ms;
    int64_t launch_timeout_ms; /* 0: none */
    int64_t tasks_max, keep_tasks, keep_tasks_ms, keep_events, keep_events_bytes, keep_events_ms, events_hwm;
};

enum options_what { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_VERSION };

/* Reads flags, then --config's file for what no flag said, then fills in defaults, and checks all. The text
 * of an error is one line that names the flag. The caller clears *options with options_clear() in any case.
 */
int options_read(int argc, char **argv, struct options *options, enum options_what *what,
        struct error *err) MUST_CHECK;
/* The parts of SUBMITTER=WEIGHT: how long the name is, and thousandths. */
int options_weight(const char *text, size_t *name_length, int64_t *weight, struct error *err) MUST_CHECK;
void options_clear(struct options *options);

/* The text of --help; static. */
const char *options_help(void);

#endif
