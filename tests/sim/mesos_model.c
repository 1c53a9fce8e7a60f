/* What src/mesos does, by its header: one subscription at a time, numbered; ordered calls one after the
 * other, each written once; acknowledgements apart; and the fence: an ordered call without an answer closes
 * everything. What an old connection still brings is never delivered. */
#include "sim.h"

#include <string.h>

#define CALL_TIMEOUT (15 * SECOND)
#define SUBSCRIBE_TIMEOUT (20 * SECOND)
#define SILENCE_MAX (75 * SECOND)
#define BACKOFF_MIN (100 * MS)
#define BACKOFF_MAX (15 * SECOND)
#define FAILED_OVER_PAUSE (5 * SECOND)
#define FAILED_OVER_AGAIN (60 * SECOND)

static void begin_attempt(struct sim *sim, void *context, uint64_t number);

static bool ours(const struct sim *sim)
{
    return sim->daemon.up;
}

static void answer_core(struct sim *sim, const struct call *call, enum core_answer answer, const char *text)
{
    static const char *const names[] = {"accepted", "refused", "not done", "unanswered"};
    trace(sim, "mesos", "call %llu %s: %s %s", (unsigned long long)call->number, call_name(call->type),
            names[answer], text);
    struct core_input input = {
            .kind = CORE_IN_ANSWER, .answer = {.call = call->number, .answer = answer, .text = text}};
    daemon_input(sim, &input);
}

static void end(struct sim *sim, const char *text, bool error)
{
    struct mesos *mesos = &sim->mesos;
    if (mesos->ending)
        return;
    mesos->ending = true;
    mesos->ending_text = text;
    mesos->ending_error = error;
}

static void wait_for(struct sim *sim, int64_t us)
{
    sim->mesos.state = LINK_WAITING;
    world_after(sim, us, begin_attempt, NULL, ++sim->mesos.attempt);
}

static void abandon_lane(struct sim *sim, struct lane *lane, const char *text)
{
    struct call *call = lane->call;
    net_close(sim, lane->conn, CLIENT_SIDE);
    lane->conn = NULL;
    lane->call = NULL;
    if (call)
        answer_core(sim, call, CORE_UNANSWERED, text);
}

static struct call *take_first(struct call_queue *queue)
{
    if (queue->count == 0)
        return NULL;
    queue->count--;
    return queue->items[queue->first++ % queue->capacity];
}

/* daemon_on_down() of src/daemon, with what it decides about ERROR. */
static void tell_down(struct sim *sim, const char *text, bool error)
{
    struct mesos *mesos = &sim->mesos;
    if (error && strstr(text, "failed over") &&
            (mesos->failed_over_us < 0 || sim->now_us - mesos->failed_over_us >= FAILED_OVER_AGAIN)) {
        mesos->failed_over_us = sim->now_us;
        mesos->wish_us = FAILED_OVER_PAUSE;
    } else if (error) {
        daemon_stop(sim, strstr(text, "has been removed") != NULL);
        return;
    }
    struct core_input input = {.kind = CORE_IN_DOWN, .down = {.refused = error, .text = text}};
    daemon_input(sim, &input);
}

/* Everything is closed and answered before the core hears of it. */
static void leave(struct sim *sim)
{
    struct mesos *mesos = &sim->mesos;
    const char *text = mesos->ending_text;
    bool error = mesos->ending_error;
    mesos->ending = false;
    if (mesos->state == LINK_STOPPED)
        return;
    net_close(sim, mesos->stream, CLIENT_SIDE);
    mesos->stream = NULL;
    wait_for(sim, random_between(&sim->random, mesos->backoff_us / 2, mesos->backoff_us));
    mesos->backoff_us = mesos->backoff_us * 2 < BACKOFF_MAX ? mesos->backoff_us * 2 : BACKOFF_MAX;
    for (int i = 0; i < LANES && ours(sim); i++)
        abandon_lane(sim, &mesos->lanes[i], text);
    for (int i = 0; i < 2 && ours(sim); i++) {
        for (size_t left = mesos->queues[!i].count; left > 0 && ours(sim); left--)
            answer_core(sim, take_first(&mesos->queues[!i]), CORE_NOT_DONE, text);
    }
    if (ours(sim)) {
        trace(sim, "mesos", "down: %s", text);
        tell_down(sim, text, error);
    }
    if (ours(sim) && mesos->wish_us >= 0)
        wait_for(sim, mesos->wish_us);
    mesos->wish_us = -1;
}

/* ---- subscribing -----------------------------------------------------------------------------------------
 */

static void subscribe_late(struct sim *sim, void *context, uint64_t attempt)
{
    (void)context;
    if (!ours(sim) || sim->mesos.attempt != attempt || sim->mesos.state != LINK_SUBSCRIBING ||
            daemon_put_off(sim, subscribe_late, NULL, attempt))
        return;
    end(sim, "no SUBSCRIBED in time", false);
    mesos_turn(sim);
}

static void begin_attempt(struct sim *sim, void *context, uint64_t attempt)
{
    (void)context;
    struct mesos *mesos = &sim->mesos;
    if (!ours(sim) || mesos->attempt != attempt || mesos->state != LINK_WAITING ||
            daemon_put_off(sim, begin_attempt, NULL, attempt))
        return;
    const char *suppressed[ROLES];
    struct call *call = NEW(sim, struct call);
    call->type = CALL(SUBSCRIBE);
    size_t count = core_suppressed_roles(sim->daemon.core, suppressed);
    for (size_t i = 0; i < count; i++)
        call->roles[strcmp(suppressed[i], "r2") == 0] = true;
    mesos->state = LINK_SUBSCRIBING;
    mesos->stream = net_open(sim);
    mesos->heard_us = sim->now_us;
    trace(sim, "mesos", "SUBSCRIBE on connection %llu", (unsigned long long)mesos->stream->id);
    net_send(sim, mesos->stream, MASTER_SIDE, master_handle_call, call);
    world_after(sim, SUBSCRIBE_TIMEOUT, subscribe_late, NULL, attempt);
}

static void watch(struct sim *sim, void *context, uint64_t attempt)
{
    (void)context;
    struct mesos *mesos = &sim->mesos;
    if (!ours(sim) || mesos->attempt != attempt || mesos->state != LINK_UP ||
            daemon_put_off(sim, watch, NULL, attempt))
        return;
    int64_t left_us = mesos->heard_us + SILENCE_MAX - sim->now_us;
    if (left_us > 0) {
        world_after(sim, left_us, watch, NULL, attempt);
        return;
    }
    end(sim, "silent for too long", false);
    mesos_turn(sim);
}

static void handle_first(struct sim *sim, const struct word *word)
{
    struct mesos *mesos = &sim->mesos;
    mesos->state = LINK_UP;
    mesos->stream_id = word->stream;
    mesos->subscription++;
    mesos->backoff_us = BACKOFF_MIN;
    trace(sim, "mesos", "up: subscription %llu", (unsigned long long)mesos->subscription);
    watch(sim, NULL, mesos->attempt);
    struct core_input input = {
            .kind = CORE_IN_UP, .up = {.subscription = mesos->subscription, .master = "m1:5050"}};
    daemon_input(sim, &input);
    if (ours(sim) && !mesos->ending)
        daemon_word(sim, word);
}

void mesos_handle_word(struct sim *sim, struct conn *conn, void *message)
{
    struct mesos *mesos = &sim->mesos;
    const struct word *word = message;
    if (!ours(sim) || conn != mesos->stream || mesos->ending)
        return;
    mesos->heard_us = sim->now_us;
    if (word->type == EVENT(ERROR)) {
        daemon_word(sim, word);
        end(sim, word->text, true);
    } else if (mesos->state == LINK_SUBSCRIBING) {
        handle_first(sim, word);
    } else {
        daemon_word(sim, word);
    }
    mesos_turn(sim);
}

/* ---- calls ------------------------------------------------------------------------------------------------
 */

void mesos_send(struct sim *sim, struct call *call)
{
    struct call_queue *queue = &sim->mesos.queues[call->ordered];
    if (queue->count == queue->capacity) {
        size_t capacity = queue->capacity ? queue->capacity * 2 : 16;
        struct call **items = arena_array(&sim->arena, capacity, sizeof(struct call *));
        for (size_t i = 0; i < queue->count; i++)
            items[i] = queue->items[(queue->first + i) % queue->capacity];
        queue->items = items;
        queue->first = 0;
        queue->capacity = capacity;
    }
    queue->items[(queue->first + queue->count++) % queue->capacity] = call;
}

static void call_late(struct sim *sim, void *context, uint64_t run)
{
    struct call *call = context;
    if (!ours(sim) || sim->daemon.run != run || daemon_put_off(sim, call_late, call, run))
        return;
    for (int i = 0; i < LANES; i++) {
        struct lane *lane = &sim->mesos.lanes[i];
        if (lane->call != call)
            continue;
        if (call->ordered && sim->plant != PLANT_NO_FENCE)
            end(sim, "no answer to a call in time", false);
        abandon_lane(sim, lane, "no answer to a call in time");
        mesos_turn(sim);
        return;
    }
}

static void write_call(struct sim *sim, struct lane *lane, struct call *call)
{
    if (!lane->conn)
        lane->conn = net_open(sim);
    lane->call = call;
    call->stream = sim->mesos.stream_id;
    call->written++;
    trace(sim, "mesos", "call %llu %s on connection %llu", (unsigned long long)call->number,
            call_name(call->type), (unsigned long long)lane->conn->id);
    check_call_leaves(sim, call);
    net_send(sim, lane->conn, MASTER_SIDE, master_handle_call, call);
    world_after(sim, CALL_TIMEOUT, call_late, call, sim->daemon.run);
    if (call->type == CALL(ACCEPT))
        weather_aim(sim);
}

/* Those decided under a subscription that is over are answered on the way. */
static struct call *take_next(struct sim *sim, bool ordered)
{
    struct mesos *mesos = &sim->mesos;
    struct call_queue *queue = &mesos->queues[ordered];
    for (size_t left = queue->count; left > 0 && ours(sim); left--) {
        bool current = mesos->state == LINK_UP &&
                       queue->items[queue->first % queue->capacity]->subscription == mesos->subscription;
        if (current && mesos->ending)
            return NULL;
        struct call *call = take_first(queue);
        if (current)
            return call;
        answer_core(sim, call, CORE_NOT_DONE, "its subscription is over");
    }
    return NULL;
}

/* Nothing was written: the master's host does not take the connection. */
static bool cannot_connect(struct sim *sim, const struct lane *lane, struct call *call)
{
    if (lane->conn || !weather_chance(sim, sim->weather.no_connection))
        return false;
    if (call->ordered)
        end(sim, "cannot connect", false);
    answer_core(sim, call, CORE_NOT_DONE, "cannot connect");
    return true;
}

static void begin_calls(struct sim *sim)
{
    for (int i = 0; i < LANES && ours(sim); i++) {
        struct lane *lane = &sim->mesos.lanes[i];
        struct call *call = lane->call ? NULL : take_next(sim, i == 0);
        if (!call || !ours(sim) || daemon_point(sim) || cannot_connect(sim, lane, call))
            continue;
        write_call(sim, lane, call);
        if (daemon_point(sim))
            return;
    }
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
        begin_calls(sim);
    while (ours(sim) && mesos->ending)
        leave(sim);
    mesos->inside = false;
}

void mesos_handle_answer(struct sim *sim, struct conn *conn, void *message)
{
    const struct answer *answer = message;
    struct mesos *mesos = &sim->mesos;
    if (!ours(sim) || conn->run != sim->daemon.run)
        return;
    if (conn == mesos->stream && mesos->state == LINK_SUBSCRIBING && answer->status != 200)
        end(sim, "the master is not ready", false);
    for (int i = 0; i < LANES; i++) {
        struct lane *lane = &mesos->lanes[i];
        if (lane->conn != conn || !lane->call || lane->call->number != answer->number)
            continue;
        struct call *call = lane->call;
        lane->call = NULL;
        if (answer->status == 202) {
            answer_core(sim, call, CORE_ACCEPTED, "");
        } else if (answer->status == 400 && !answer->about_stream) {
            answer_core(sim, call, CORE_REFUSED, "the call is wrong");
        } else {
            end(sim, "the subscription is over", false);
            answer_core(sim, call, CORE_NOT_DONE, "the subscription is over");
        }
        break;
    }
    mesos_turn(sim);
}

void mesos_handle_closed(struct sim *sim, struct conn *conn)
{
    struct mesos *mesos = &sim->mesos;
    if (conn == mesos->stream) {
        end(sim, "the master closed the event stream", false);
    }
    for (int i = 0; i < LANES; i++) {
        struct lane *lane = &mesos->lanes[i];
        if (lane->conn != conn)
            continue;
        struct call *call = lane->call;
        lane->conn = NULL;
        lane->call = NULL;
        if (call && call->type == CALL(ACCEPT) && sim->plant == PLANT_RESEND_ACCEPT) {
            write_call(sim, lane, call);
            continue;
        }
        if (call && call->ordered && sim->plant != PLANT_NO_FENCE)
            end(sim, "the connection broke", false);
        if (call)
            answer_core(sim, call, CORE_UNANSWERED, "the connection broke");
        if (!ours(sim))
            return;
    }
    mesos_turn(sim);
}

void mesos_start(struct sim *sim)
{
    sim->mesos = (struct mesos){
            .backoff_us = BACKOFF_MIN, .wish_us = -1, .failed_over_us = -1, .attempt = sim->mesos.attempt};
    wait_for(sim, 0);
}

/* The system closes what the process had open; what it wrote may still arrive. */
void mesos_crash(struct sim *sim)
{
    struct mesos *mesos = &sim->mesos;
    net_close(sim, mesos->stream, CLIENT_SIDE);
    for (int i = 0; i < LANES; i++)
        net_close(sim, mesos->lanes[i].conn, CLIENT_SIDE);
    mesos->stream = NULL;
    memset(mesos->lanes, 0, sizeof mesos->lanes);
    mesos->state = LINK_STOPPED;
    mesos->attempt++;
    mesos->ending = mesos->inside = false;
}
