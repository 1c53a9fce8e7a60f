/* Connections between our daemon and the master. Each direction keeps its order; between connections there is
 * none. A break loses what was last sent; what one side sent before it closed may still arrive, however late:
 * so a call acts after it was abandoned. */
#include "sim.h"

struct message {
    struct conn *conn;
    enum side to;
    deliver_fn *fn;
    void *message;
};

int64_t net_latency(struct sim *sim)
{
    if (weather_chance(sim, sim->weather.late))
        return random_spread(&sim->random, 10 * MS, sim->weather.late_us);
    return random_between(&sim->random, 100, 2 * MS);
}

/* Only the newest connections are wanted again, for faults. */
struct conn *net_open(struct sim *sim)
{
    struct conn *conn = NEW(sim, struct conn);
    conn->id = ++sim->conn_count;
    conn->until_us[MASTER_SIDE] = conn->until_us[CLIENT_SIDE] = INT64_MAX;
    conn->run = sim->daemon.run;
    if (sim->master.up)
        conn->epoch = sim->master.epoch;
    else
        net_close(sim, conn, MASTER_SIDE);
    return conn;
}

static void deliver(struct sim *sim, void *context, uint64_t number)
{
    struct message *message = context;
    struct conn *conn = message->conn;
    bool arrived = number > 0; /* while the process was frozen */
    if (conn->closed[message->to] || (!arrived && sim->now_us > conn->until_us[message->to]))
        return;
    if (message->to == CLIENT_SIDE && conn->run == sim->daemon.run &&
            daemon_put_off(sim, deliver, message, 1))
        return;
    message->fn(sim, conn, message->message);
}

void net_send(struct sim *sim, struct conn *conn, enum side to, deliver_fn *fn, void *message)
{
    struct message *sent = NEW(sim, struct message);
    *sent = (struct message){.conn = conn, .to = to, .fn = fn, .message = message};
    int64_t at_us = sim->now_us + net_latency(sim);
    if (at_us < conn->stalled_until_us)
        at_us = conn->stalled_until_us;
    if (at_us <= conn->last_us[to])
        at_us = conn->last_us[to] + 1;
    conn->last_us[to] = at_us;
    world_after(sim, at_us - sim->now_us, deliver, sent, 0);
}

static void handle_end(struct sim *sim, struct conn *conn, void *message)
{
    enum side side = *(enum side *)message;
    conn->closed[side] = true;
    if (side == MASTER_SIDE)
        master_handle_closed(sim, conn);
    else if (conn->run == sim->daemon.run && sim->daemon.up)
        mesos_handle_closed(sim, conn);
}

static void send_end(struct sim *sim, struct conn *conn, enum side to)
{
    enum side *side = NEW(sim, enum side);
    *side = to;
    net_send(sim, conn, to, handle_end, side);
}

void net_close(struct sim *sim, struct conn *conn, enum side by)
{
    if (!conn || conn->closed[by])
        return;
    conn->closed[by] = true;
    send_end(sim, conn, by == MASTER_SIDE ? CLIENT_SIDE : MASTER_SIDE);
}

/* The news of the break is not held up by what was lost. A side that is not told finds out by silence. */
void net_break(struct sim *sim, struct conn *conn)
{
    for (int side = 0; conn && side < 2; side++) {
        int64_t at_us = sim->now_us + random_spread(&sim->random, 100, 3 * SECOND);
        if (conn->closed[side] || conn->until_us[side] != INT64_MAX)
            continue;
        if (random_below(&sim->random, 4) == 0) {
            conn->until_us[side] = at_us;
            continue;
        }
        conn->last_us[side] = at_us - 1;
        send_end(sim, conn, (enum side)side);
        conn->until_us[side] = conn->last_us[side];
    }
}

void net_silence(struct sim *sim, struct conn *conn)
{
    for (int side = 0; conn && side < 2; side++) {
        int64_t at_us = sim->now_us + random_between(&sim->random, 0, 2 * MS);
        if (conn->until_us[side] > at_us)
            conn->until_us[side] = at_us;
    }
}

void net_stall(struct sim *sim, struct conn *conn)
{
    if (conn)
        conn->stalled_until_us = sim->now_us + random_spread(&sim->random, SECOND, 60 * SECOND);
}
