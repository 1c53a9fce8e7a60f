/* A task's retries and its launch timeout, described by flags. The policy is a part of struct spec. */
#ifndef CLI_RETRY_H
#define CLI_RETRY_H

#include "spec.h"

#define RETRY_TEXT_MAX 512

/* Takes one of the options from OPTION_RETRIES to OPTION_LAUNCH_TIMEOUT: 1, or ERR_INVALID. */
int retry_option(struct spec *spec, int option, const char *value, struct error *err) MUST_CHECK;

/* Puts the policy into the task, if flags gave one. ERR_INVALID for flags that say nothing without another.
 */
int retry_finish(struct spec *spec, struct error *err) MUST_CHECK;

/* Whether attempts with this outcome may still be alive while the next one runs. */
bool retry_outcome_replaces(Zmesos__V1__RetryPolicy__Outcome outcome);

/* The policy in words, with what it leaves to the defaults. Returns `out`. */
const char *retry_describe(const Zmesos__V1__RetryPolicy *policy, char out[RETRY_TEXT_MAX]);

#endif
