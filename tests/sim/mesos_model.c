/* What src/mesos does, by its header: one subscription at a time, numbered; and the fence: an ordered call
 * without an answer closes everything. What an old connection still brings is never delivered. Calls are in
 * mesos_calls.c. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#define SUBSCRIBE_TIMEOUT (20 * SECOND)
#define SILENCE_MAX (75 * SECOND)
#define BACKOFF_MIN (100 * MS)
#define BACKOFF_MAX (15 * SECOND)
#define REDIRECTS_MAX 5
#define AT_ONCE 32
#define FAILED_OVER_PAUSE (5 * SECOND)
#define LATE (15 * MINUTE) /* past it no SUBSCRIBE comes */

static void begin_attempt(struct sim *sim, void *context, uint64_t number);

static bool ours(const struct sim *sim)
{
    return sim->daemon.up;
}

void mesos_answer_core(struct sim *sim, const struct call *call, enum core_answer answer, const char *text)
{
    static const char *const names[] = {"accepted", "refused", "not done", "unanswered"};
    trace(sim, "mesos", "call %llu %s: %s %s", (unsigned long long)call->number, call_name(call->type),
            names[answer], text);
    struct core_input input = {
            .kind = CORE_IN_ANSWER, .answer = {.call = call->number, .answer = answer, .text = text}};
    hand_answered(sim, call, answer);
    sim->daemon.answering = call;
    sim->daemon.answer = answer;
    if (call->asker && answer == CORE_REFUSED && sim->plant == PLANT_NO_REFUSAL)
        input.answer.answer = CORE_ACCEPTED;
    daemon_input(sim, &input);
    sim->daemon.answering = NULL;
}

void mesos_end(struct sim *sim, const char *text, enum link_end why)
{
    struct mesos *mesos = &sim->mesos;
    if (mesos->ending)
        return;
    mesos->ending = true;
    mesos->ending_text = text;
    mesos->ending_why = why;
}

static void wait_for(struct sim *sim, int64_t us)
{
    sim->mesos.state = LINK_WAITING;
    world_after(sim, us, begin_attempt, NULL, ++sim->mesos.attempt);
}

static void close_stream(struct sim *sim)
{
    struct mesos *mesos = &sim->mesos;
    if (mesos->stream && mesos->stream->epoch != 0 && !mesos->answered)
        mesos->unaccounted++;
    net_close(sim, mesos->stream, CLIENT_SIDE);
    mesos->stream = NULL;
    mesos->held = NULL;
}

/* daemon_on_down() of src/daemon, with what it decides about ERROR. */
static void tell_down(struct sim *sim, const char *text, enum link_end why)
{
    struct mesos *mesos = &sim->mesos;
    bool error = why == END_ERROR, begins = error && strstr(text, "has been removed");
    if (error && strstr(text, "failed over") && mesos->unaccounted > 0) {
        mesos->unaccounted--;
        mesos->wish_us = FAILED_OVER_PAUSE;
    } else if (begins && core_is_tearing_down(sim->daemon.core)) {
        daemon_torn_down(sim);
        return;
    } else if (error && !(begins && sim->daemon.begins_again)) {
        daemon_stop(sim, begins);
        return;
    }
    hand_clear(sim);
    struct core_input input = {
            .kind = CORE_IN_DOWN, .down = {.refused = error || why == END_UNAUTHORIZED, .text = text}};
    daemon_input(sim, &input);
    if (begins && ours(sim)) {
        daemon_begin_again(sim);
        mesos->unaccounted = 0;
    }
}

/* A redirect is part of the attempt, a few times. There is only one address here. */
static bool follow(struct sim *sim, enum link_end why)
{
    struct mesos *mesos = &sim->mesos;
    if (why != END_REDIRECTED || mesos->state != LINK_SUBSCRIBING || mesos->redirects == REDIRECTS_MAX) {
        mesos->redirects = 0;
        return false;
    }
    mesos->redirects++;
    close_stream(sim);
    wait_for(sim, 0);
    return true;
}

/* Everything is closed and answered before the core hears of it. */
static void leave(struct sim *sim)
{
    struct mesos *mesos = &sim->mesos;
    const char *text = mesos->ending_text;
    enum link_end why = mesos->ending_why;
    mesos->ending = false;
    if (mesos->state == LINK_STOPPED || follow(sim, why))
        return;
    if (mesos->state == LINK_UP && sim->now_us - mesos->up_us >= LATE)
        mesos->unaccounted = 0;
    close_stream(sim);
    wait_for(sim, random_between(&sim->random, mesos->backoff_us / 2, mesos->backoff_us));
    mesos->backoff_us = mesos->backoff_us * 2 < BACKOFF_MAX ? mesos->backoff_us * 2 : BACKOFF_MAX;
    mesos_abandon_calls(sim, text);
    if (ours(sim)) {
        trace(sim, "mesos", "down: %s", text);
        tell_down(sim, text, why);
    }
    if (ours(sim) && mesos->wish_us >= 0)
        wait_for(sim, mesos->wish_us);
    mesos->wish_us = -1;
}

void mesos_turn(struct sim *sim)
{
    struct mesos *mesos = &sim->mesos;
    if (mesos->inside || !ours(sim))
        return;
    mesos->inside = true;
    while (ours(sim) && mesos->ending)
        leave(sim);
    if (ours(sim))
        mesos_begin_calls(sim);
    while (ours(sim) && mesos->ending)
        leave(sim);
    mesos->inside = false;
}

/* ---- subscribing -----------------------------------------------------------------------------------------
 */

/* Silence does not count while nothing is read. */
static void watch(struct sim *sim, void *context, uint64_t attempt)
{
    (void)context;
    struct mesos *mesos = &sim->mesos;
    if (!ours(sim) || mesos->attempt != attempt || daemon_put_off(sim, watch, NULL, attempt) ||
            (mesos->state != LINK_UP && mesos->state != LINK_SUBSCRIBING))
        return;
    bool up = mesos->state == LINK_UP;
    int64_t limit_us = up ? SILENCE_MAX : SUBSCRIBE_TIMEOUT;
    int64_t left_us = sim->daemon.paused ? SECOND : mesos->heard_us + limit_us - sim->now_us;
    if (left_us > 0) {
        world_after(sim, left_us, watch, NULL, attempt);
        return;
    }
    mesos_end(sim, up ? "silent for too long" : "no SUBSCRIBED in time", END_LOST);
    mesos_turn(sim);
}

static void begin_attempt(struct sim *sim, void *context, uint64_t attempt)
{
    (void)context;
    struct mesos *mesos = &sim->mesos;
    if (!ours(sim) || mesos->attempt != attempt || mesos->state != LINK_WAITING ||
            daemon_put_off(sim, begin_attempt, NULL, attempt))
        return;
    const char *suppressed[CORE_ROLES_MAX], *roles[CORE_ROLES_MAX],
            *framework = store_meta(sim, META_FRAMEWORK_ID);
    if (strtoull(strchr(framework, '-') + 1, NULL, 10) != sim->daemon.framework) {
        wait_for(sim, 50 * MS); /* its id is not on disk yet */
        return;
    }
    struct call *call = NEW(sim, struct call);
    call->type = CALL(SUBSCRIBE);
    call->framework = sim->daemon.framework;
    size_t count = core_suppressed_roles(sim->daemon.core, suppressed);
    for (size_t i = 0; i < count; i++)
        call->roles[role_of(suppressed[i])] = true;
    count = core_roles(sim->daemon.core, roles);
    for (size_t i = 0; i < count; i++)
        call->framework_roles[role_of(roles[i])] = true;
    check_subscribes(sim, call);
    limits_read(sim, core_offer_constraints(sim->daemon.core, &sim->arena), call->wanted_agents, false);
    mesos->state = LINK_SUBSCRIBING;
    mesos->stream = net_open(sim);
    mesos->held = NULL;
    mesos->answered = false;
    mesos->heard_us = sim->now_us;
    trace(sim, "mesos", "SUBSCRIBE on connection %llu", (unsigned long long)mesos->stream->id);
    net_send(sim, mesos->stream, MASTER_SIDE, master_handle_call, call);
    watch(sim, NULL, attempt);
}

void mesos_handle_subscribe_answer(struct sim *sim, int status)
{
    sim->mesos.answered = status != 200;
    switch (status) {
    case 200:
        return;
    case 307:
        mesos_end(sim, "the leader is another", END_REDIRECTED);
        return;
    case 401:
        mesos_end(sim, "status 401", END_UNAUTHORIZED);
        return;
    default:
        mesos_end(sim, "the master is not ready", END_LOST);
        return;
    }
}

static void handle_first(struct sim *sim, const struct word *word)
{
    struct mesos *mesos = &sim->mesos;
    mesos->state = LINK_UP;
    mesos->stream_id = word->stream;
    mesos->subscription++;
    mesos->up_us = sim->now_us;
    mesos->backoff_us = BACKOFF_MIN;
    mesos->redirects = 0;
    trace(sim, "mesos", "up: subscription %llu", (unsigned long long)mesos->subscription);
    struct core_input input = {
            .kind = CORE_IN_UP, .up = {.subscription = mesos->subscription, .master = "m1:5050"}};
    daemon_input(sim, &input);
    if (ours(sim) && !mesos->ending)
        daemon_word(sim, word);
}

/* ---- the stream ------------------------------------------------------------------------------------------
 */

static void hold(struct sim *sim, const struct word *word)
{
    struct mesos *mesos = &sim->mesos;
    struct held *held = NEW(sim, struct held);
    held->word = word;
    if (!mesos->held)
        mesos->held_end = &mesos->held;
    *mesos->held_end = held;
    mesos->held_end = &held->next;
}

static void deliver(struct sim *sim, const struct word *word)
{
    struct mesos *mesos = &sim->mesos;
    mesos->heard_us = sim->now_us;
    mesos->answered = true;
    if (word->type == EVENT(ERROR)) {
        daemon_word(sim, word);
        mesos_end(sim, word->text, END_ERROR);
    } else if (mesos->state == LINK_SUBSCRIBING) {
        handle_first(sim, word);
    } else {
        daemon_word(sim, word);
    }
}

void mesos_handle_word(struct sim *sim, struct conn *conn, void *message)
{
    struct mesos *mesos = &sim->mesos;
    if (!ours(sim) || conn != mesos->stream || mesos->ending)
        return;
    if (sim->daemon.paused || mesos->held || mesos->delivered == AT_ONCE) {
        hold(sim, message);
        return;
    }
    mesos->delivered++;
    deliver(sim, message);
    mesos_turn(sim);
}

void mesos_handle_stream_closed(struct sim *sim)
{
    if (sim->mesos.held)
        hold(sim, NULL);
    else
        mesos_end(sim, "the master closed the event stream", END_LOST);
}

void mesos_was_paused(struct sim *sim, int64_t us)
{
    struct mesos *mesos = &sim->mesos;
    mesos->heard_us = mesos->heard_us + us < sim->now_us ? mesos->heard_us + us : sim->now_us;
}

/* What a turn reads is bounded; then it is looked again whether too much waits. */
void mesos_read_held(struct sim *sim)
{
    struct mesos *mesos = &sim->mesos;
    for (int i = 0; i < AT_ONCE && ours(sim) && !mesos->ending && mesos->held; i++) {
        const struct word *word = mesos->held->word;
        mesos->held = mesos->held->next;
        if (word)
            deliver(sim, word);
        else
            mesos_end(sim, "the master closed the event stream", END_LOST);
    }
    mesos_turn(sim);
}

void mesos_start(struct sim *sim)
{
    sim->mesos = (struct mesos){.backoff_us = BACKOFF_MIN,
            .wish_us = -1,
            .unaccounted = sim->daemon.run > 1,
            .attempt = sim->mesos.attempt};
    wait_for(sim, 0);
}

/* The system closes what the process had open; what it wrote may still arrive. */
void mesos_crash(struct sim *sim)
{
    struct mesos *mesos = &sim->mesos;
    close_stream(sim);
    for (int i = 0; i < LANES; i++)
        net_close(sim, mesos->lanes[i].conn, CLIENT_SIDE);
    memset(mesos->lanes, 0, sizeof mesos->lanes);
    mesos->state = LINK_STOPPED;
    mesos->attempt++;
    mesos->ending = mesos->inside = false;
}
