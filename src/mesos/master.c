/* The object: its life, its state, and its turns. All that ends a subscription passes through settle_ending()
 * or settle_wish(); all that changes the state passes through master_set_state(). */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"

#define ROUNDS_A_TURN 4 /* of beginning calls and looking what became of them */

static const char *const state_names[] = {
        [MASTER_STOPPED] = "stopped",
        [MASTER_WAITING] = "waiting",
        [MASTER_SUBSCRIBING] = "subscribing",
        [MASTER_OPENED] = "opened",
        [MASTER_UP] = "up",
};

/* From each state, where it may go. */
static const bool state_allowed[][5] = {
        [MASTER_STOPPED] = {[MASTER_WAITING] = true},
        [MASTER_WAITING] = {[MASTER_SUBSCRIBING] = true, [MASTER_STOPPED] = true},
        [MASTER_SUBSCRIBING] = {[MASTER_OPENED] = true, [MASTER_WAITING] = true, [MASTER_STOPPED] = true},
        [MASTER_OPENED] = {[MASTER_UP] = true, [MASTER_WAITING] = true, [MASTER_STOPPED] = true},
        [MASTER_UP] = {[MASTER_WAITING] = true, [MASTER_STOPPED] = true},
};

void master_set_state(struct master *master, enum master_state state, const char *why)
{
    if (!state_allowed[master->state][state]) {
        log_error("mesos", "impossible: from %s to %s (%s)", state_names[master->state], state_names[state],
                why);
        abort();
    }
    log_debug("mesos", "%s -> %s: %s", state_names[master->state], state_names[state], why);
    master->state = state;
}

void master_config_init(struct master_config *config)
{
    *config = (struct master_config){
            .connect_timeout_ms = 5000,
            .call_timeout_ms = 15000,
            .subscribe_timeout_ms = 20000,
            .backoff_min_ms = 100,
            .backoff_max_ms = 15000,
            .missed_heartbeats = 5,
            .record_max = (size_t)64 * 1024 * 1024,
    };
}

static int check_config(const struct master_config *config, struct error *err)
{
    static const int64_t longest_ms = INT64_C(24) * 3600 * 1000;
    const int64_t times[] = {config->connect_timeout_ms, config->call_timeout_ms,
            config->subscribe_timeout_ms, config->backoff_min_ms, config->backoff_max_ms};

    if (config->masters == NULL) {
        return error_set(err, ERR_INVALID, "no master is named");
    }
    for (size_t i = 0; i < sizeof times / sizeof *times; ++i) {
        if (times[i] < 1 || times[i] > longest_ms) {
            return error_set(err, ERR_INVALID, "a time limit must be from 1 ms to a day");
        }
    }
    if (config->backoff_min_ms > config->backoff_max_ms) {
        return error_set(err, ERR_INVALID, "the shortest backoff is longer than the longest");
    }
    if (config->missed_heartbeats == 0 || config->record_max == 0) {
        return error_set(err, ERR_INVALID, "missed_heartbeats and record_max must not be 0");
    }
    if (config->principal != NULL && config->secret != NULL && strchr(config->principal, ':') != NULL) {
        return error_set(err, ERR_INVALID, "HTTP basic authentication allows no ':' in a principal");
    }
    return 0;
}

int master_create(const struct master_config *config, const struct master_callbacks *callbacks,
        struct master **out, struct error *err)
{
    struct master *master;
    struct master_targets targets;
    int result = check_config(config, err);

    if (result < 0) {
        return result;
    }
    result = master_targets_init(&targets, config->masters, err);
    if (result < 0) {
        return result;
    }
    master = alloc_zeroed(1, sizeof *master);
    master->targets = targets;
    master->callbacks = *callbacks;
    master->config = *config;
    master->config.masters = NULL;
    master->config.principal = alloc_string(config->principal);
    master->config.secret = alloc_string(config->secret);
    master->heartbeat_ms = MASTER_HEARTBEAT_DEFAULT_MS;
    master_backoff_init(
            &master->backoff, config->backoff_min_ms, config->backoff_max_ms, config->jitter_seed);
    result = master_reactor_init(&master->reactor, err);
    if (result < 0) {
        goto out;
    }
    if (master_stream_init(master) < 0 || master_calls_init(master) < 0) {
        result = error_set(err, ERR_UNAVAILABLE, "libcurl gives no handles");
        goto out;
    }
    *out = master;
    master = NULL;
out:
    master_destroy(master);
    return result;
}

void master_destroy(struct master *master)
{
    if (master == NULL) {
        return;
    }
    if (master->stream.easy != NULL) {
        master_stream_clear(master);
        master_calls_clear(master);
    }
    master_reactor_clear(&master->reactor);
    master_targets_clear(&master->targets);
    if (master->config.secret != NULL) {
        explicit_bzero((void *)(uintptr_t)master->config.secret, strlen(master->config.secret));
    }
    free((void *)(uintptr_t)master->config.principal);
    free((void *)(uintptr_t)master->config.secret);
    free(master);
}

bool master_set_secret(struct master *master, const char *secret)
{
    char *old = (char *)(uintptr_t)master->config.secret;

    if (old == NULL || master->config.principal == NULL || strcmp(old, secret) == 0) {
        return false;
    }
    master->config.secret = alloc_string(secret);
    explicit_bzero(old, strlen(old));
    free(old);
    master_reactor_set_secret(master->stream.easy, secret);
    for (size_t i = 0; i < 1 + MASTER_LOOSE_LANES; ++i) {
        master_reactor_set_secret(master->calls.lanes[i].easy, secret);
    }
    return true;
}

bool master_is_ending(const struct master *master)
{
    return master->ending.set || master->wish.kind != MASTER_WISH_NONE;
}

void master_end(struct master *master, enum master_down why, const char *text)
{
    if (master->ending.set) {
        return;
    }
    master->ending = (struct master_ending){.set = true, .why = why};
    master_write_words(slice_of_string(text), master->ending.text, sizeof master->ending.text);
}

void master_end_by(struct master *master, const struct master_verdict *verdict)
{
    if (master->ending.set) {
        return;
    }
    master_end(master, verdict->down, verdict->text);
    master->ending.redirected = verdict->redirected;
    master->ending.leader = verdict->leader;
}

/* The subscription or the attempt is over: close everything, answer the calls, tell the caller. */
static void leave(struct master *master, enum master_down why, const char *text, enum master_state state,
        int64_t retry_at_ms)
{
    uint64_t subscription = master->state == MASTER_UP ? master->subscription : 0;

    if (subscription != 0 && master->now_ms - master->up_since_ms >= MASTER_LATE_MS) {
        master->unaccounted = 0;
    }
    master_stream_close(master);
    master->retry_at_ms = retry_at_ms;
    master_set_state(master, state, text);
    master_calls_abandon(master, text);
    master->callbacks.down(master->callbacks.context, subscription, why, text);
}

/* A subscription that falls at once, again and again, must not bring the pace back to the fastest. */
static int64_t next_attempt(struct master *master)
{
    if (master->state == MASTER_UP &&
            master->now_ms - master->up_since_ms >= master_backoff_ceiling(&master->backoff)) {
        master_backoff_reset(&master->backoff);
    }
    return master->now_ms + master_backoff_next(&master->backoff);
}

static void settle_ending(struct master *master)
{
    struct master_ending ending = master->ending;
    char target[MASTER_TARGET_TEXT_MAX];
    char text[MASTER_TEXT_MAX];

    master->ending.set = false;
    if (ending.redirected && master->state != MASTER_UP) {
        if (master->redirects < MASTER_REDIRECTS_MAX) {
            master->redirects++;
            master_stream_close(master);
            master_targets_redirect(&master->targets, &ending.leader);
            master->retry_at_ms = master->now_ms;
            master_set_state(master, MASTER_WAITING, ending.text);
            return;
        }
        snprintf(ending.text, sizeof ending.text, "redirected more than %d times in a row",
                MASTER_REDIRECTS_MAX);
    } else if (ending.redirected) {
        master_targets_redirect(&master->targets, &ending.leader);
    }
    master->redirects = 0;
    if (ending.why == MASTER_DOWN_ERROR || ending.why == MASTER_DOWN_REFUSED) {
        snprintf(text, sizeof text, "%s", ending.text); /* the master's own words */
    } else {
        int length =
                snprintf(text, sizeof text, "%s: ", master_target_format(&master->targets.current, target));

        master_write_words(slice_of_string(ending.text), text + length, sizeof text - (size_t)length);
    }
    leave(master, ending.why, text, MASTER_WAITING, next_attempt(master));
}

static void settle_wish(struct master *master)
{
    struct master_wish wish = master->wish;

    master->wish.kind = MASTER_WISH_NONE;
    if (wish.kind == MASTER_WISH_STOP) {
        if (master->state == MASTER_WAITING) {
            master_set_state(master, MASTER_STOPPED, wish.text);
        } else if (master->state != MASTER_STOPPED) {
            leave(master, MASTER_DOWN_LOST, wish.text, MASTER_STOPPED, INT64_MAX);
        }
        return;
    }
    if (master->state == MASTER_WAITING) {
        master->retry_at_ms = wish.at_ms;
    } else if (master->state != MASTER_STOPPED) {
        master_targets_again(&master->targets);
        leave(master, MASTER_DOWN_LOST, wish.text, MASTER_WAITING, wish.at_ms);
    }
}

/* Acts on what was noted down. A wish of the caller comes after an ending: it was made with the old state in
 * view. */
static void master_settle(struct master *master)
{
    while (master_is_ending(master)) {
        if (master->ending.set) {
            settle_ending(master);
        } else {
            settle_wish(master);
        }
    }
}

static void collect(struct master *master)
{
    CURLcode result;
    CURL *easy;

    while ((easy = master_reactor_finished(&master->reactor, &result)) != NULL) {
        if (easy == master->stream.easy) {
            master_stream_finished(master, result);
        } else {
            master_calls_finished(master, easy, result);
        }
    }
}

/* Sends SUBSCRIBE when it is time to; whether it did. */
static bool begin_attempt(struct master *master)
{
    uint8_t *call = NULL;
    size_t length = 0;
    int result;

    if (master->state != MASTER_WAITING || master->now_ms < master->retry_at_ms || master_is_ending(master)) {
        return false;
    }
    result = master->callbacks.subscribe(master->callbacks.context, &call, &length);
    if (result < 0) {
        master->retry_at_ms = next_attempt(master);
        log_warn("mesos", "there is no SUBSCRIBE to send; asking again in %lld ms",
                (long long)(master->retry_at_ms - master->now_ms));
        return false;
    }
    if (master_is_ending(master)) {
        free(call);
        return false;
    }
    master_targets_advance(&master->targets);
    master_stream_begin(master, call, length);
    return true;
}

static void turn(struct master *master, int64_t now_ms)
{
    int round;

    master->inside = true;
    master->due = false;
    master->now_ms = now_ms;
    master_settle(master);
    master_stream_resume(master);
    master_settle(master);
    master_reactor_turn(&master->reactor);
    collect(master);
    master_stream_expire(master);
    master_calls_expire(master);
    master_settle(master);
    for (round = 0; round < ROUNDS_A_TURN; ++round) {
        bool begun;

        master->due = false; /* what is sent from here on waits for the next round or the next turn */
        begun = master_calls_begin(master);
        begun = begin_attempt(master) || begun; /* last: no callback may end it before libcurl has it */
        master_settle(master);
        if (!begun) {
            break;
        }
        master_reactor_kick(&master->reactor);
        collect(master);
        master_settle(master);
    }
    if (round == ROUNDS_A_TURN || master_stream_has_more(master)) {
        master->due = true;
    }
    master->inside = false;
}

void master_start(struct master *master, int64_t now_ms)
{
    if (master->wish.kind == MASTER_WISH_STOP) {
        master->wish.kind = MASTER_WISH_RESUBSCRIBE;
        master->wish.at_ms = now_ms;
    } else if (master->state == MASTER_STOPPED) {
        master->retry_at_ms = now_ms;
        master_set_state(master, MASTER_WAITING, "started");
    }
    master->due = true;
    if (!master->inside) {
        turn(master, now_ms);
    }
}

void master_handle(struct master *master, int64_t now_ms)
{
    if (!master->inside) {
        turn(master, now_ms);
    }
}

void master_stop(struct master *master)
{
    if (master->state == MASTER_STOPPED) {
        return;
    }
    master->wish = (struct master_wish){.kind = MASTER_WISH_STOP, .text = "stopped"};
    master->due = true;
}

void master_resubscribe(struct master *master, int64_t now_ms, int64_t after_ms, const char *why)
{
    if (master->state == MASTER_STOPPED || master->wish.kind == MASTER_WISH_STOP) {
        return;
    }
    master->wish = (struct master_wish){.kind = MASTER_WISH_RESUBSCRIBE, .at_ms = now_ms + after_ms};
    master_write_words(slice_of_string(why), master->wish.text, sizeof master->wish.text);
    master->due = true;
}

bool master_take_unaccounted(struct master *master)
{
    if (master->unaccounted == 0) {
        return false;
    }
    master->unaccounted--;
    return true;
}

void master_set_unaccounted(struct master *master, unsigned count)
{
    master->unaccounted = count;
}

int master_fd(const struct master *master)
{
    return master->reactor.epoll_fd;
}

int64_t master_deadline(const struct master *master)
{
    int64_t wait_ms = master_reactor_wait_ms(&master->reactor);
    int64_t deadline = wait_ms < 0 ? INT64_MAX : master->now_ms + wait_ms;
    int64_t other;

    if (master->due) {
        return master->now_ms;
    }
    if (master->state == MASTER_WAITING && master->retry_at_ms < deadline) {
        deadline = master->retry_at_ms;
    }
    other = master_stream_deadline(master);
    deadline = other < deadline ? other : deadline;
    other = master_calls_deadline(master);
    return other < deadline ? other : deadline;
}
