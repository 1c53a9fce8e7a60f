/* See retry.h. What is out of range by the protocol is refused here, so that the words name the flag. */
#include "retry.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "duration.h"
#include "format.h"

#define RETRIES_MAX 99
#define BACKOFF_MAX DURATION_DAY
#define BACKOFF_MAX_DEFAULT (300 * DURATION_SECOND) /* the daemon's, where nothing is said */
#define REPLACE_AFTER_MAX (30 * DURATION_DAY)
#define LAUNCH_TIMEOUT_MAX (30 * DURATION_DAY)
#define OUTCOMES "failed, finished, killed, launch_timeout, gone, drained, lost, unreachable, unknown"
#define OUTCOMES_MAX 16
#define NAME_MAX_BYTES 32

/* In any case, and with a dash where the name has an underscore. */
static int read_outcome(const char *text, size_t length, Zmesos__V1__RetryPolicy__Outcome *outcome)
{
    const ProtobufCEnumValue *found;
    char name[NAME_MAX_BYTES];
    size_t i;

    if (length >= sizeof name)
        return ERR_INVALID;
    for (i = 0; i < length; i++)
        name[i] = text[i] == '-' ? '_' : (char)toupper((unsigned char)text[i]);
    name[length] = 0;
    found = protobuf_c_enum_descriptor_get_value_by_name(
            &zmesos__v1__retry_policy__outcome__descriptor, name);
    if (!found)
        return ERR_INVALID;
    *outcome = (Zmesos__V1__RetryPolicy__Outcome)found->value;
    return 0;
}

static bool has_outcome(const Zmesos__V1__RetryPolicy *policy, Zmesos__V1__RetryPolicy__Outcome outcome)
{
    size_t i;

    for (i = 0; i < policy->n_on && policy->on[i] != outcome; i++)
        ;
    return i < policy->n_on;
}

static int add_outcomes(struct spec *spec, const char *text, struct error *err)
{
    Zmesos__V1__RetryPolicy *policy = &spec->retry;
    Zmesos__V1__RetryPolicy__Outcome outcome;

    if (!policy->on)
        policy->on = arena_array(&spec->arena, OUTCOMES_MAX, sizeof *policy->on);
    for (;;) {
        size_t length = strcspn(text, ",");

        if (read_outcome(text, length, &outcome) < 0)
            return error_set(
                    err, ERR_INVALID, "--retry-on %.*s: expected some of " OUTCOMES, (int)length, text);
        if (!has_outcome(policy, outcome) && policy->n_on < OUTCOMES_MAX)
            policy->on[policy->n_on++] = outcome;
        if (!text[length])
            return 1;
        text += length + 1;
    }
}

static int set_retries(struct spec *spec, const char *text, struct error *err)
{
    int64_t value;

    if (integer_parse(text, 0, RETRIES_MAX, &value) < 0)
        return error_set(err, ERR_INVALID, "--retries %s: expected a number up to %d", text, RETRIES_MAX);
    spec->retry.has_max_attempts = 1;
    spec->retry.max_attempts = (uint32_t)value + 1;
    return 1;
}

int retry_option(struct spec *spec, int option, const char *value, struct error *err)
{
    Zmesos__V1__RetryPolicy *policy = &spec->retry;

    switch (option) {
    case OPTION_RETRIES:
        return set_retries(spec, value, err);
    case OPTION_LAUNCH_TIMEOUT:
        return spec_duration(
                spec, "launch-timeout", value, LAUNCH_TIMEOUT_MAX, &spec->task.launch_timeout, err);
    case OPTION_RETRY_ON:
        spec->retry_flag = "--retry-on";
        return add_outcomes(spec, value, err);
    case OPTION_RETRY_BACKOFF:
        spec->retry_flag = "--retry-backoff";
        return spec_duration(spec, "retry-backoff", value, BACKOFF_MAX, &policy->backoff, err);
    case OPTION_RETRY_BACKOFF_MAX:
        spec->retry_flag = "--retry-backoff-max";
        return spec_duration(spec, "retry-backoff-max", value, BACKOFF_MAX, &policy->backoff_max, err);
    case OPTION_REPLACE_AFTER:
        spec->retry_flag = "--replace-after";
        return spec_duration(spec, "replace-after", value, REPLACE_AFTER_MAX, &policy->replace_after, err);
    default:
        spec->retry_flag = "--elsewhere";
        policy->has_elsewhere = policy->elsewhere = 1;
        return 1;
    }
}

bool retry_outcome_replaces(Zmesos__V1__RetryPolicy__Outcome outcome)
{
    return outcome == ZMESOS__V1__RETRY_POLICY__OUTCOME__LOST ||
           outcome == ZMESOS__V1__RETRY_POLICY__OUTCOME__UNREACHABLE ||
           outcome == ZMESOS__V1__RETRY_POLICY__OUTCOME__UNKNOWN;
}

int retry_finish(struct spec *spec, struct error *err)
{
    Zmesos__V1__RetryPolicy *policy = &spec->retry;
    size_t i;

    if (!policy->has_max_attempts) {
        if (!spec->retry_flag)
            return 0;
        return error_set(err, ERR_INVALID, "%s means nothing without --retries", spec->retry_flag);
    }
    for (i = 0; i < policy->n_on && !retry_outcome_replaces(policy->on[i]); i++)
        ;
    if (policy->replace_after && i == policy->n_on)
        return error_set(err, ERR_INVALID,
                "--replace-after means nothing without --retry-on lost, unreachable or unknown");
    /* who asks for a long pause does not mean the usual maximum */
    if (policy->backoff && !policy->backoff_max && policy->backoff->nanoseconds > BACKOFF_MAX_DEFAULT)
        policy->backoff_max = policy->backoff;
    spec->task.retry = policy;
    return 0;
}

static void append(char out[RETRY_TEXT_MAX], const char *before, const char *text)
{
    size_t used = strlen(out);

    snprintf(out + used, RETRY_TEXT_MAX - used, "%s%s", before, text);
}

static void append_duration(char out[RETRY_TEXT_MAX], const char *before,
        const Mesos__V1__DurationInfo *duration, const char *otherwise)
{
    char text[DURATION_TEXT_MAX];

    append(out, before, duration ? duration_format(duration->nanoseconds, text) : otherwise);
}

const char *retry_describe(const Zmesos__V1__RetryPolicy *policy, char out[RETRY_TEXT_MAX])
{
    bool replaces = false;
    size_t i;

    snprintf(out, RETRY_TEXT_MAX, "up to %" PRIu32 " attempts, after ", policy->max_attempts);
    for (i = 0; i < policy->n_on && i < OUTCOMES_MAX; i++) {
        append(out, i ? ", " : "", format_outcome(policy->on[i]));
        replaces = replaces || retry_outcome_replaces(policy->on[i]);
    }
    if (!policy->n_on)
        append(out, "", "FAILED, LAUNCH_TIMEOUT, GONE");
    append_duration(out, "; backoff ", policy->backoff, "1s");
    append_duration(out, " to ", policy->backoff_max, "5m");
    if (replaces)
        append_duration(out, "; replaced after ", policy->replace_after, "10m");
    if (policy->elsewhere)
        append(out, "; ", "elsewhere");
    return out;
}
