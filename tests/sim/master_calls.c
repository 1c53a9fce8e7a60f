/* What calls do at the master (PROTOCOL "What the master answers" and after it). A 202 says that the call was
 * received; what comes of it goes over the stream, or nowhere. */
#include "sim.h"

#include <string.h>

/* ---- subscribing ------------------------------------------------------------------------------------------
 */

static void remove_framework(struct sim *sim)
{
    struct master *master = &sim->master;
    master->removed = true;
    master->known = false;
    if (sim->daemon.begins_again)
        master->removed_upto = master->framework;
    for (size_t i = 0; i < sim->life_count; i++)
        sim->lives[i]->known = sim->lives[i]->unreachable = false;
    operations_lost(sim, NULL, OPERATION(UNSUPPORTED));
    for (int i = 0; i < sim->agent_count; i++) {
        for (int j = 1; j <= EXECUTORS; j++)
            sim->agents[i].executors[j].known = false;
        for (struct crew *crew = sim->crews; crew; crew = crew->next)
            crew->known = false;
        if (sim->agents[i].standing == STANDING_REGISTERED)
            agent_order(sim, &sim->agents[i], ORDER_KILL_ALL, NULL, 0);
    }
}

static void lose_patience(struct sim *sim, void *context, uint64_t timer)
{
    (void)context;
    struct master *master = &sim->master;
    if (master->timer != timer || !master->up || master->connected || !master->known)
        return;
    trace(sim, "master", "the failover timeout has passed: the framework is removed");
    remove_framework(sim);
}

static void disconnect(struct sim *sim)
{
    struct master *master = &sim->master;
    master->connected = false;
    master->stream = NULL;
    master_drop_offers(sim, NULL, false);
    world_after(sim, sim->weather.failover_timeout_us, lose_patience, NULL, ++master->timer);
}

void master_handle_closed(struct sim *sim, struct conn *conn)
{
    if (sim->master.connected && sim->master.stream == conn) {
        trace(sim, "master", "the framework is disconnected");
        disconnect(sim);
    }
}

static void send_error(struct sim *sim, struct conn *conn, const char *text)
{
    struct word *word = NEW(sim, struct word);
    *word = (struct word){.type = EVENT(ERROR), .text = text};
    net_send(sim, conn, CLIENT_SIDE, mesos_handle_word, word);
    net_close(sim, conn, MASTER_SIDE);
}

static void heartbeat(struct sim *sim, void *context, uint64_t stream_id)
{
    (void)context;
    struct master *master = &sim->master;
    if (!master->connected || master->stream_id != stream_id)
        return;
    struct word *word = NEW(sim, struct word);
    word->type = EVENT(HEARTBEAT);
    master_tell(sim, word);
    world_after(sim, 15 * SECOND, heartbeat, NULL, stream_id);
}

struct subscribing {
    struct conn *conn;
    const struct call *call;
};

static void subscribe(struct sim *sim, void *context, uint64_t epoch)
{
    const struct subscribing *subscribing = context;
    struct master *master = &sim->master;
    struct conn *conn = subscribing->conn;
    if (!master->up || master->epoch != epoch)
        return;
    if (master->removed && subscribing->call->framework > master->framework) { /* that was another one */
        master->removed = false;
        master->removed_upto = master->framework;
    }
    if (master->removed || subscribing->call->framework <= master->removed_upto) {
        send_error(sim, conn, "Framework has been removed");
        return;
    }
    if (master->connected)
        send_error(sim, master->stream, "Framework failed over");
    master_drop_offers(sim, NULL, false);
    sim->daemon.late_before += conn->run < sim->daemon.run;
    master->known = master->connected = true;
    master->framework = subscribing->call->framework;
    master->stream = conn;
    master->stream_id = ++master->streams;
    master->timer++;
    master->filters = NULL;
    memcpy(master->suppressed, subscribing->call->roles, sizeof master->suppressed);
    memcpy(master->roles, subscribing->call->framework_roles, sizeof master->roles);
    memcpy(master->wanted_agents, subscribing->call->wanted_agents, sizeof master->wanted_agents);
    windows_forget_asked(sim);
    trace(sim, "master", "stream %llu on connection %llu", (unsigned long long)master->stream_id,
            (unsigned long long)conn->id);
    struct word *word = NEW(sim, struct word);
    word->type = EVENT(SUBSCRIBED);
    master_tell(sim, word);
    heartbeat(sim, NULL, master->stream_id);
    for (int i = 0; i < sim->agent_count; i++) {
        if (sim->agents[i].standing == STANDING_REGISTERED)
            agent_order(sim, &sim->agents[i], ORDER_FLUSH, NULL, 0);
    }
    master_wake_allocator(sim, random_between(&sim->random, 0, SECOND));
    if (conn->closed[MASTER_SIDE])
        disconnect(sim); /* who asked for it has gone; the older stream is over all the same */
}

/* ---- reconciling ------------------------------------------------------------------------------------------
 */

static mesos_state reported(struct sim *sim, const struct life *life)
{
    bool newest = !life->latest_update || random_below(&sim->random, 2);
    return newest ? life->latest : life->latest_update->state;
}

static bool any_recovering(const struct sim *sim)
{
    for (int i = 0; i < sim->agent_count; i++) {
        if (sim->agents[i].standing == STANDING_RECOVERING)
            return true;
    }
    return false;
}

static void answer_about(struct sim *sim, const char *id, const char *agent_id)
{
    static const mesos_state states[] = {[STANDING_NONE] = TASK(UNKNOWN),
            [STANDING_REGISTERED] = TASK(GONE),
            [STANDING_UNREACHABLE] = TASK(UNREACHABLE),
            [STANDING_GONE] = TASK(GONE_BY_OPERATOR)};
    const struct life *life = sim_life(sim, id);
    const struct agent *agent = sim_agent(sim, agent_id);
    if (life && life->known) {
        master_tell_status(sim, life, reported(sim, life), (int)REASON(RECONCILIATION), NULL,
                "Reconciliation: Latest task state");
        return;
    }
    enum standing standing = agent ? agent->standing : STANDING_NONE;
    if (standing == STANDING_RECOVERING || (!agent_id && any_recovering(sim)))
        return;
    if (life && life->unreachable)
        standing = STANDING_UNREACHABLE;
    master_tell_absent(sim, id, agent_id, states[standing], (int)REASON(RECONCILIATION),
            "Reconciliation: Task is unknown to the agent");
}

static void reconcile(struct sim *sim, const struct call *call)
{
    for (size_t i = 0; i < call->task_count; i++)
        answer_about(sim, call->tasks[i].id, call->tasks[i].agent);
    for (size_t i = 0; call->task_count == 0 && i < sim->life_count; i++) {
        const struct life *life = sim->lives[i];
        if (life->known)
            master_tell_status(sim, life, reported(sim, life), (int)REASON(RECONCILIATION), NULL,
                    "Reconciliation: Latest task state");
    }
}

/* ---- launching --------------------------------------------------------------------------------------------
 */

static struct offer *find_offer(const struct sim *sim, const char *id)
{
    for (struct offer *offer = sim->master.offers; offer; offer = offer->next) {
        if (offer->valid && strcmp(offer->id, id) == 0)
            return offer;
    }
    return NULL;
}

/* What it needs besides for its executor, where that is not there. */
static bool needs_executor(const struct life *life)
{
    return life->executor > 0 && !life->agent->executors[life->executor].known;
}

/* *surprise: an executor that our daemon thought to be there had ended, and took room of the others. */
static void launch(struct sim *sim, struct life *life, struct stuff *left, bool *surprise)
{
    struct agent *agent = life->agent;
    struct stuff needs = life->stuff, executor = executor_stuff(sim);
    if (needs_executor(life)) {
        stuff_add(&needs, &executor);
        *surprise = true;
    }
    if (life->known || life->unreachable) {
        master_tell_status(sim, life, TASK(ERROR), (int)REASON(TASK_INVALID), NULL, "Task has duplicate ID");
    } else if (agent->standing != STANDING_REGISTERED) {
        master_tell_status(sim, life, TASK(DROPPED), (int)REASON(AGENT_REMOVED), NULL, "the agent is gone");
    } else if (!agent->connected) {
        master_tell_status(
                sim, life, TASK(DROPPED), (int)REASON(AGENT_DISCONNECTED), NULL, "the agent is away");
    } else if (!stuff_contains(left, &life->stuff) && !*surprise) {
        violation(sim, "%s asks for more than was offered:%s of%s", life->id, stuff_text(sim, &needs),
                stuff_text(sim, left));
    } else if (!stuff_contains(left, &needs)) { /* its executor has just ended */
        master_tell_status(
                sim, life, TASK(ERROR), (int)REASON(TASK_INVALID), NULL, "it uses more than was offered");
    } else {
        stuff_subtract(left, &needs);
        agent->executors[life->executor].known = true;
        life->launched = life->known = true;
        life->latest = TASK(STAGING);
        life->latest_update = NULL;
        agent_order(sim, agent, ORDER_RUN, life, 0);
    }
}

/* All of a group, or none. */
static void launch_crew(struct sim *sim, struct crew *crew, struct stuff *left, bool surprise)
{
    struct agent *agent = crew->agent;
    struct stuff needs = crew->stuff;
    bool twice = false;
    mesos_state state = TASK(DROPPED);
    int reason = (int)REASON(AGENT_REMOVED);
    for (size_t i = 0; i < crew->count; i++) {
        stuff_add(&needs, &crew->lives[i]->stuff);
        twice |= crew->lives[i]->known || crew->lives[i]->unreachable;
    }
    bool room = stuff_contains(left, &needs);
    if (!twice && agent->standing == STANDING_REGISTERED && agent->connected && room) {
        stuff_subtract(left, &needs);
        crew->known = true;
        for (size_t i = 0; i < crew->count; i++) {
            struct life *life = crew->lives[i];
            life->launched = life->known = true;
            life->latest = TASK(STAGING);
            life->latest_update = NULL;
        }
        agent_order(sim, agent, ORDER_RUN_CREW, crew->lives[0], 0);
        return;
    }
    if (!room && !surprise && !twice && agent->standing == STANDING_REGISTERED)
        violation(sim, "%s asks for more than was offered", crew->id);
    if (twice || !room) {
        state = TASK(ERROR);
        reason = (int)REASON(TASK_GROUP_INVALID);
    } else if (agent->standing == STANDING_REGISTERED) {
        reason = (int)REASON(AGENT_DISCONNECTED);
    }
    for (size_t i = 0; i < crew->count; i++)
        master_tell_status(sim, crew->lives[i], state, reason, NULL,
                twice ? "Task has duplicate ID" : "the group is not launched");
}

static void accept(struct sim *sim, const struct call *call)
{
    bool valid = true, surprise = false;
    struct stuff left = {0};
    for (size_t i = 0; i < call->offer_count; i++) {
        struct offer *offer = find_offer(sim, call->offers[i]);
        valid &= offer != NULL;
        if (offer) {
            stuff_add(&left, &offer->stuff);
            offer->valid = false;
        }
    }
    operations_accept(sim, call, valid);
    for (size_t i = 0; i < call->launch_count; i++) {
        struct life *life = call->launches[i].life;
        if (valid && life->crew && life == life->crew->lives[0])
            launch_crew(sim, life->crew, &left, surprise);
        else if (valid && !life->crew)
            launch(sim, life, &left, &surprise);
        else if (valid)
            continue;
        else
            master_tell_status(sim, call->launches[i].life, TASK(DROPPED), (int)REASON(INVALID_OFFERS), NULL,
                    "an offer is not valid");
    }
    master_wake_allocator(sim, SECOND);
}

static void decline(struct sim *sim, const struct call *call)
{
    for (size_t i = 0; i < call->offer_count; i++) {
        struct offer *offer = find_offer(sim, call->offers[i]);
        if (!offer)
            continue;
        offer->valid = false;
        struct filter *filter = NEW(sim, struct filter);
        *filter = (struct filter){.agent = offer->agent,
                .role = offer->role,
                .stuff = offer->stuff,
                .until_us = sim->now_us + call->refuse_us,
                .next = sim->master.filters};
        sim->master.filters = filter;
    }
}

static void acknowledge(struct sim *sim, const struct call *call)
{
    struct agent *agent = sim_agent(sim, call->tasks[0].agent);
    struct life *life = sim_life(sim, call->tasks[0].id);
    if (!agent || agent->standing != STANDING_REGISTERED || !agent->connected ||
            weather_chance(sim, sim->weather.lost_ack))
        return;
    if (life && life->known && life->latest_update && life->latest_update->uuid == call->uuid &&
            state_is_terminal(life->latest_update->state))
        life->known = false;
    agent_order(sim, agent, ORDER_ACK, life, call->uuid);
}

static void acknowledge_operation(struct sim *sim, const struct call *call)
{
    struct operation *operation = operation_of_uuid(sim, call->uuid);
    if (operation)
        operation_acknowledge(sim, operation);
}

static void kill(struct sim *sim, const struct call *call)
{
    struct life *life = sim_life(sim, call->tasks[0].id);
    if (!life || !life->known)
        answer_about(sim, call->tasks[0].id, call->tasks[0].agent);
    else if (life->agent->connected)
        agent_order(sim, life->agent, ORDER_KILL, life, (uint64_t)call->grace_s);
}

static void set_roles(struct sim *sim, const struct call *call, bool suppress)
{
    struct master *master = &sim->master;
    for (int role = 0; role < ROLES; role++) {
        if (!call->roles[role])
            continue;
        master->suppressed[role] = suppress;
        for (struct filter *filter = master->filters; filter && !suppress; filter = filter->next)
            filter->until_us = filter->role == role ? 0 : filter->until_us;
    }
    if (!suppress)
        master_wake_allocator(sim, MS);
}

static void update_framework(struct sim *sim, const struct call *call)
{
    struct master *master = &sim->master;
    memcpy(master->roles, call->framework_roles, sizeof master->roles);
    memcpy(master->wanted_agents, call->wanted_agents, sizeof master->wanted_agents);
    memcpy(master->suppressed, call->roles, sizeof master->suppressed);
    for (struct offer *offer = master->offers; offer; offer = offer->next) {
        if (offer->valid && !master->roles[offer->role])
            master_rescind_offer(sim, offer);
    }
    master_wake_allocator(sim, MS);
}

static void tear_down(struct sim *sim)
{
    struct master *master = &sim->master;
    struct conn *stream = master->stream;
    trace(sim, "master", "the framework is torn down");
    master->removed_upto = master->framework;
    remove_framework(sim);
    disconnect(sim);
    net_close(sim, stream, MASTER_SIDE);
}

static void shut_down(struct sim *sim, const struct call *call)
{
    struct agent *agent = sim_agent(sim, call->tasks[0].agent);
    int executor = executor_of(call->executor);
    struct crew *crew = crew_of(sim, call->executor);
    struct life *life = sim_life(sim, call->executor);
    if (agent && agent->connected && executor)
        agent_order(sim, agent, ORDER_END_EXECUTOR, NULL, (uint64_t)executor);
    else if (crew && crew->agent == agent && agent->connected)
        agent_order(sim, agent, ORDER_END_EXECUTOR, crew->lives[0], 0);
    else if (life && life->agent == agent && agent->connected)
        agent_order(sim, agent, ORDER_END_EXECUTOR, life, 0);
}

void master_act(struct sim *sim, const struct call *call)
{
    switch (call->type) {
    case CALL(ACCEPT):
        accept(sim, call);
        break;
    case CALL(DECLINE):
        decline(sim, call);
        break;
    case CALL(RECONCILE):
        reconcile(sim, call);
        break;
    case CALL(ACKNOWLEDGE):
        acknowledge(sim, call);
        break;
    case CALL(ACKNOWLEDGE_OPERATION_STATUS):
        acknowledge_operation(sim, call);
        break;
    case CALL(KILL):
        kill(sim, call);
        break;
    case CALL(SUPPRESS):
    case CALL(REVIVE):
        set_roles(sim, call, call->type == CALL(SUPPRESS));
        break;
    case CALL(ACCEPT_INVERSE_OFFERS):
    case CALL(DECLINE_INVERSE_OFFERS):
        windows_answer(sim, call);
        break;
    case CALL(UPDATE_FRAMEWORK):
        update_framework(sim, call);
        break;
    case CALL(TEARDOWN):
        tear_down(sim);
        break;
    case CALL(SHUTDOWN):
        shut_down(sim, call);
        break;
    case CALL(MESSAGE):
        if (random_below(&sim->random, 2))
            master_say_message(sim);
        break;
    case CALL(RECONCILE_OPERATIONS):
        operations_reconcile(sim, call);
        break;
    case CALL(REQUEST):
        break;
    default:
        violation(sim, "a call %s", call_name(call->type));
        break;
    }
}

/* ---- answers ----------------------------------------------------------------------------------------------
 */

static void send_answer(
        struct sim *sim, struct conn *conn, const struct call *call, int status, bool about_stream)
{
    struct answer *answer = NEW(sim, struct answer);
    *answer = (struct answer){.number = call->number, .status = status, .about_stream = about_stream};
    net_send(sim, conn, CLIENT_SIDE, mesos_handle_answer, answer);
}

/* What carries a client's words may have something in it that the master refuses. */
static bool may_be_wrong(const struct call *call)
{
    return call->type == CALL(ACCEPT) || call->type == CALL(KILL) || call->asker > 0 ||
           call->type == CALL(UPDATE_FRAMEWORK);
}

struct second {
    const struct call *call;
    uint64_t epoch;
};

static void act_again(struct sim *sim, void *context, uint64_t stream_id)
{
    const struct second *second = context;
    const struct master *master = &sim->master;
    if (master->epoch == second->epoch && master->up && master->connected && master->stream_id == stream_id)
        master_act(sim, second->call);
}

/* A library may send a call twice when its connection breaks. Our client does not let it do so with an
 * ACCEPT. */
static void double_call(struct sim *sim, const struct call *call)
{
    if (call->type == CALL(ACCEPT) || !weather_chance(sim, sim->weather.doubled))
        return;
    struct second *second = NEW(sim, struct second);
    *second = (struct second){.call = call, .epoch = sim->master.epoch};
    world_after(sim, call->ordered ? 0 : net_latency(sim), act_again, second, sim->master.stream_id);
}

/* Something between us may answer in the master's place, whether it passed the call on or not. */
static void receive(struct sim *sim, struct conn *conn, const struct call *call)
{
    bool odd = weather_chance(sim, sim->weather.odd_answer);
    trace(sim, "master", "call %llu %s%s%s%s", (unsigned long long)call->number, call_name(call->type),
            call->task_count ? " of " : "", call->task_count ? call->tasks[0].id : "", odd ? ", 502" : "");
    send_answer(sim, conn, call, odd ? 502 : 202, false);
    if (odd && random_below(&sim->random, 2))
        return;
    master_act(sim, call);
    if (call->type != CALL(TEARDOWN))
        double_call(sim, call);
    if (call->type == CALL(ACCEPT) || call->type == CALL(KILL))
        weather_aim(sim);
}

void master_handle_call(struct sim *sim, struct conn *conn, void *message)
{
    struct master *master = &sim->master;
    struct call *call = message;
    if (!master->up || conn->epoch != master->epoch)
        return; /* this connection led to one that is no more */
    int turned_away = weather_status(sim);
    if (turned_away) {
        send_answer(sim, conn, call, turned_away, false);
    } else if (call->type == CALL(SUBSCRIBE)) {
        struct subscribing *subscribing = NEW(sim, struct subscribing);
        *subscribing = (struct subscribing){.conn = conn, .call = call};
        send_answer(sim, conn, call, 200, false);
        world_after(sim, net_latency(sim), subscribe, subscribing, master->epoch);
    } else if (!master->known || call->stream != master->stream_id) {
        send_answer(sim, conn, call, 400, true);
    } else if (!master->connected) {
        send_answer(sim, conn, call, 403, false);
    } else if (may_be_wrong(call) && weather_chance(sim, sim->weather.refuse)) {
        send_answer(sim, conn, call, 400, false);
    } else {
        receive(sim, conn, call);
    }
}
