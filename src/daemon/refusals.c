/* When the master says no. Most refusals may pass, and are tried again with the master client's backoff: a
 * credential, a role or a user that it does not take, a leader that is not there yet. Two words of it are
 * about this framework for good: that it was removed, and that another subscription took its place. Beware:
 * two daemons with one framework id must never fight for it. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/text.h"
#include "credential.h"

#define FAILED_OVER_PAUSE_MS 5000
#define STOOD_MS 60000 /* a subscription that lasted as long was a good one */

static bool is_removed(const char *text)
{
    return strcmp(text, "Framework has been removed") == 0;
}

static bool is_failed_over(const char *text)
{
    return strcmp(text, MASTER_FAILED_OVER) == 0;
}

static const char *advice(enum master_down why)
{
    switch (why) {
    case MASTER_DOWN_UNAUTHORIZED:
        return "; the credential does not fit; trying again";
    case MASTER_DOWN_REFUSED:
    case MASTER_DOWN_ERROR:
        return "; the master refuses the framework as it is configured; trying again";
    case MASTER_DOWN_LOST:
    case MASTER_DOWN_NOT_MESOS:
        break;
    }
    return "";
}

/* One line for each reason: several masters may say no in turn, for hours; and one that takes the SUBSCRIBE
 * may refuse the first call. */
void daemon_log_down(struct daemon *daemon, uint64_t subscription, enum master_down why, const char *text)
{
    if (subscription && daemon->now.mono_ms - daemon->up_ms >= STOOD_MS)
        daemon_forget_downs(daemon);
    if (why == MASTER_DOWN_ERROR && (is_removed(text) || is_failed_over(text)))
        return; /* daemon_judge_error() has a line for it */
    for (size_t i = 0; i < DAEMON_DOWNS_MAX; i++) {
        if (daemon->downs[i] && strcmp(daemon->downs[i], text) == 0)
            return;
    }
    free(daemon->downs[daemon->down_next]);
    daemon->downs[daemon->down_next] = alloc_string(text);
    daemon->down_next = (daemon->down_next + 1) % DAEMON_DOWNS_MAX;
    log_warn("mesos", "%s: %s%s", subscription ? "subscription lost" : "no subscription", text, advice(why));
}

void daemon_forget_downs(struct daemon *daemon)
{
    for (size_t i = 0; i < DAEMON_DOWNS_MAX; i++) {
        free(daemon->downs[i]);
        daemon->downs[i] = NULL;
    }
    daemon->down_next = 0;
}

/* Secrets are changed: a new one in the file is taken without a restart. The principal stays. */
void daemon_read_secret(struct daemon *daemon)
{
    char *principal = NULL, *secret = NULL;
    struct error err;
    if (!daemon->options->credential)
        return;
    if (credential_read(daemon->options->credential, &principal, &secret, &err))
        log_debug("mesos", "%s", err.text);
    else if (strcmp(principal, daemon->options->principal) == 0 && master_set_secret(daemon->master, secret))
        log_info("mesos", "%s has another secret now", daemon->options->credential);
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(principal);
    free(secret);
}

static void stop(struct daemon *daemon)
{
    master_stop(daemon->master);
    daemon->exit_status = DAEMON_EXIT_REFUSED;
    daemon->stopping = true;
}

/* The old id is on disk until the core's records are; SUBSCRIBE waits for them. A crash before leaves a
 * framework that is removed, and this happens again. */
static void begin_again(struct daemon *daemon)
{
    char id[TEXT_UUID_SIZE];
    text_uuid(id);
    log_warn("mesos", "the master says 'Framework has been removed' of framework %s: beginning again as %s",
            daemon->framework_id, id);
    free(daemon->framework_id);
    daemon->framework_id = alloc_string(id);
    struct core_input input = {.kind = CORE_IN_REMOVED, .removed = {.framework_id = id}};
    daemon_input(daemon, &input);
    daemon->subscribe_group = store_group(daemon->store);
    master_set_unaccounted(daemon->master, 0);
}

/* Our own wish has come true: the tasks are over, and the next start begins as another framework. */
static void end(struct daemon *daemon)
{
    char id[TEXT_UUID_SIZE];
    text_uuid(id);
    log_info("mesos",
            "stopping: framework %s was torn down by request, and its tasks are over; the next start begins "
            "as "
            "framework %s",
            daemon->framework_id, id);
    struct core_input input = {.kind = CORE_IN_REMOVED, .removed = {.framework_id = id}};
    daemon_input(daemon, &input);
    master_stop(daemon->master);
    daemon->stopping = true;
}

static void judge_removed(struct daemon *daemon)
{
    if (core_is_tearing_down(daemon->core)) {
        end(daemon);
        return;
    }
    if (daemon->options->begin_again) {
        begin_again(daemon);
        return;
    }
    log_error("mesos",
            "stopping: the master says 'Framework has been removed' of framework %s; its tasks are gone; to "
            "go on as a new framework, start with --on-removed begin-again",
            daemon->framework_id);
    stop(daemon);
}

static void judge_failed_over(struct daemon *daemon, const char *text)
{
    if (master_take_unaccounted(daemon->master)) {
        log_warn("mesos",
                "another subscription took our place, perhaps an earlier SUBSCRIBE of our own; trying once "
                "more in %d s",
                FAILED_OVER_PAUSE_MS / 1000);
        master_resubscribe(daemon->master, daemon->now.mono_ms, FAILED_OVER_PAUSE_MS, text);
        return;
    }
    log_error("mesos",
            "stopping: the master says '" MASTER_FAILED_OVER "' of framework %s; something else subscribed "
            "with its id, perhaps a copy of this state directory",
            daemon->framework_id);
    stop(daemon);
}

void daemon_judge_error(struct daemon *daemon, const char *text)
{
    if (is_removed(text))
        judge_removed(daemon);
    else if (is_failed_over(text))
        judge_failed_over(daemon, text);
}
