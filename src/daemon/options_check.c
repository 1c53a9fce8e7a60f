/* What must hold of the options: forms that Mesos and ZeroMQ want, limits, nothing said twice. */
#include "option_table.h"

#include <string.h>

#include "base/decimal.h"
#include "core/core.h"

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

int options_check(const struct options *options, struct error *err)
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
