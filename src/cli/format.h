/* How things read on a terminal: states, times, texts of others, and what a task's message says of its exit.
 */
#ifndef CLI_FORMAT_H
#define CLI_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "zmesos/v1/zmesos.pb-c.h"

#define FORMAT_TIME_MAX 40

/* Names as in the protocol; for a number we do not know, the number. Static, valid until the next eight
 * calls. */
const char *format_state(bool known, Zmesos__V1__TaskState state);
const char *format_code(bool known, Zmesos__V1__Code code);
const char *format_class(bool known, Zmesos__V1__EventClass class);
const char *format_subscription(bool known, Zmesos__V1__Subscription subscription);
const char *format_orphan(bool known, Zmesos__V1__Orphan__Action action);
const char *format_mesos_state(bool known, Mesos__V1__TaskState state); /* TASK_RUNNING */
const char *format_unconfirmed(bool known, Zmesos__V1__UnconfirmedUpdate__Outcome outcome);
const char *format_lease_why(bool known, Zmesos__V1__LeaseChange__Why why);
const char *format_outcome(Zmesos__V1__RetryPolicy__Outcome outcome);

const char *format_operation_state(bool known, Zmesos__V1__Operation__State state);
const char *format_operation_type(bool known, Mesos__V1__Offer__Operation__Type type);

bool format_state_over(Zmesos__V1__TaskState state);

/* Reads a state's name in any case. ERR_INVALID. */
int format_read_state(const char *text, Zmesos__V1__TaskState *state) MUST_CHECK;
int format_read_operation_state(const char *text, Zmesos__V1__Operation__State *state) MUST_CHECK;

/* 2026-11-22T11:40:00.123Z; "-" for a time that is not there (0). Returns `out`. */
const char *format_time(int64_t ns, char out[FORMAT_TIME_MAX]);

/* "12s", "5m", "3h", "12d": how long ago; "-" for 0, "0s" for the future. */
const char *format_ago(int64_t ns, int64_t now_ns, char out[FORMAT_TIME_MAX]);

/* "in 12s", "in 5m": until then; "now" for the past. */
const char *format_until(int64_t ns, int64_t now_ns, char out[FORMAT_TIME_MAX]);

#define FORMAT_NOTE_MAX 96

/* What is unusual about a task: "adopted, held", "next try in 12s"; mostly "". Returns `out`. */
const char *format_note(const Zmesos__V1__Task *task, int64_t now_ns, char out[FORMAT_NOTE_MAX]);

#define FORMAT_USE_MAX 64

/* "1.5/4": so much of so much; "1.5/?" where that is not known. Up to three decimals. Returns `out`. */
const char *format_use(double used, const double *of, char out[FORMAT_USE_MAX]);

/* Where the task is, or where it ended; "" for nowhere. Borrowed from the task. */
const char *format_host(const Zmesos__V1__Task *task);

/* Copies text with control characters as \xNN, so that nobody's message moves the cursor. Cut where it is too
 * long. Returns `out`. */
const char *format_clean(const char *text, char *out, size_t capacity);

/* How many columns the text takes: code points. */
size_t format_width(const char *text);

/* The exit code that "Command exited with status N" or "Command terminated with signal NAME" stand for (NAME
 * in the system's words, or as SIGKILL, KILL or 9: 128 + 9). Returns false when the message says neither. */
bool format_exit_code(const char *message, int *code) MUST_CHECK;

#endif
