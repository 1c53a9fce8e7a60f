/* Calls, as src/mesos sends them: ordered ones one after the other, each written once; acknowledgements
 * apart, over connections of their own. */
#include "sim.h"

#define CALL_TIMEOUT (15 * SECOND)

static bool ours(const struct sim *sim)
{
    return sim->daemon.up;
}

static struct call *take_first(struct call_queue *queue)
{
    if (queue->count == 0)
        return NULL;
    queue->count--;
    return queue->items[queue->first++ % queue->capacity];
}

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

size_t mesos_waiting_calls(const struct sim *sim)
{
    size_t waiting = sim->mesos.queues[0].count + sim->mesos.queues[1].count;
    for (int i = 0; i < LANES; i++)
        waiting += sim->mesos.lanes[i].call != NULL;
    return waiting;
}

/* ---- the end of a subscription ----------------------------------------------------------------------------
 */

static void abandon_lane(struct sim *sim, struct lane *lane, const char *text)
{
    struct call *call = lane->call;
    net_close(sim, lane->conn, CLIENT_SIDE);
    lane->conn = NULL;
    lane->call = NULL;
    if (call)
        mesos_answer_core(sim, call, CORE_UNANSWERED, text);
}

void mesos_abandon_calls(struct sim *sim, const char *text)
{
    struct mesos *mesos = &sim->mesos;
    for (int i = 0; i < LANES && ours(sim); i++)
        abandon_lane(sim, &mesos->lanes[i], text);
    for (int i = 0; i < 2 && ours(sim); i++) {
        for (size_t left = mesos->queues[!i].count; left > 0 && ours(sim); left--)
            mesos_answer_core(sim, take_first(&mesos->queues[!i]), CORE_NOT_DONE, text);
    }
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
            mesos_end(sim, "no answer to a call in time", END_LOST);
        abandon_lane(sim, lane, "no answer to a call in time");
        mesos_turn(sim);
        return;
    }
}

/* ---- sending ----------------------------------------------------------------------------------------------
 */

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
        mesos_answer_core(sim, call, CORE_NOT_DONE, "its subscription is over");
    }
    return NULL;
}

/* Nothing was written: the master's host does not take the connection. */
static bool cannot_connect(struct sim *sim, const struct lane *lane, struct call *call)
{
    if (lane->conn || !weather_chance(sim, sim->weather.no_connection))
        return false;
    if (call->ordered)
        mesos_end(sim, "cannot connect", END_LOST);
    mesos_answer_core(sim, call, CORE_NOT_DONE, "cannot connect");
    return true;
}

void mesos_begin_calls(struct sim *sim)
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

/* ---- answers ----------------------------------------------------------------------------------------------
 */

static void judge(struct sim *sim, const struct call *call, const struct answer *answer)
{
    if (answer->status == 202) {
        mesos_answer_core(sim, call, CORE_ACCEPTED, "");
    } else if (answer->status == 400 && !answer->about_stream) {
        mesos_answer_core(sim, call, CORE_REFUSED, "the call is wrong");
    } else if (answer->status >= 500 && answer->status != 503) {
        if (call->ordered)
            mesos_end(sim, "nothing a master says", END_LOST);
        mesos_answer_core(sim, call, CORE_UNANSWERED, "nothing a master says");
    } else {
        mesos_end(sim, "the subscription is over",
                answer->status == 401   ? END_UNAUTHORIZED
                : answer->status == 307 ? END_REDIRECTED
                                        : END_LOST);
        mesos_answer_core(sim, call, CORE_NOT_DONE, "the subscription is over");
    }
}

void mesos_handle_answer(struct sim *sim, struct conn *conn, void *message)
{
    const struct answer *answer = message;
    struct mesos *mesos = &sim->mesos;
    if (!ours(sim) || conn->run != sim->daemon.run)
        return;
    if (conn == mesos->stream && mesos->state == LINK_SUBSCRIBING)
        mesos_handle_subscribe_answer(sim, answer->status);
    for (int i = 0; i < LANES; i++) {
        struct lane *lane = &mesos->lanes[i];
        if (lane->conn != conn || !lane->call || lane->call->number != answer->number)
            continue;
        struct call *call = lane->call;
        lane->call = NULL;
        judge(sim, call, answer);
        break;
    }
    mesos_turn(sim);
}

static void handle_lane_closed(struct sim *sim, struct lane *lane)
{
    struct call *call = lane->call;
    lane->conn = NULL;
    lane->call = NULL;
    if (!call)
        return;
    if (call->type == CALL(ACCEPT) && sim->plant == PLANT_RESEND_ACCEPT) {
        write_call(sim, lane, call);
        return;
    }
    if (call->ordered && sim->plant != PLANT_NO_FENCE)
        mesos_end(sim, "the connection broke", END_LOST);
    mesos_answer_core(sim, call, CORE_UNANSWERED, "the connection broke");
}

void mesos_handle_closed(struct sim *sim, struct conn *conn)
{
    struct mesos *mesos = &sim->mesos;
    if (conn == mesos->stream)
        mesos_handle_stream_closed(sim);
    for (int i = 0; i < LANES && ours(sim); i++) {
        if (mesos->lanes[i].conn == conn)
            handle_lane_closed(sim, &mesos->lanes[i]);
    }
    mesos_turn(sim);
}
