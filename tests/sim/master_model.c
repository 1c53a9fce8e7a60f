/* The master: what it knows of agents and tasks, whom it offers what, and what it tells our framework.
 * Semantics by PROTOCOL "Offers", "Subscribing", "Reconciling". What calls do is in master_calls.c. */
#include "sim.h"

#include <string.h>

static void allocate(struct sim *sim, void *context, uint64_t epoch);

/* ---- words ------------------------------------------------------------------------------------------------
 */

void master_tell(struct sim *sim, struct word *word)
{
    struct master *master = &sim->master;
    if (!master->connected)
        return;
    word->stream = master->stream_id;
    net_send(sim, master->stream, CLIENT_SIDE, mesos_handle_word, word);
    if ((word->type == EVENT(UPDATE) || word->type == EVENT(UPDATE_OPERATION_STATUS)) &&
            weather_chance(sim, sim->weather.doubled))
        net_send(sim, master->stream, CLIENT_SIDE, mesos_handle_word, word);
}

void master_tell_status(struct sim *sim, const struct life *life, mesos_state state, int reason,
        struct update *update, const char *message)
{
    struct word *word = NEW(sim, struct word);
    *word = (struct word){.type = EVENT(UPDATE),
            .id = life->id,
            .agent = life->agent->id,
            .state = state,
            .reason = reason,
            .source = update ? (int)SOURCE(AGENT) : (int)SOURCE(MASTER),
            .update = update,
            .healthy = update ? update->healthy : life->healthy,
            .message = message};
    /* What an executor says has its own source. */
    if (update && reason < 0)
        word->source = (int)SOURCE(EXECUTOR);
    trace(sim, "master", "tells %s %s", life->id, state_name(state));
    master_tell(sim, word);
}

void master_tell_absent(struct sim *sim, const char *id, const char *agent_id, mesos_state state, int reason,
        const char *message)
{
    struct word *word = NEW(sim, struct word);
    *word = (struct word){.type = EVENT(UPDATE),
            .id = id,
            .agent = agent_id,
            .state = state,
            .reason = reason,
            .source = (int)SOURCE(MASTER),
            .message = message};
    trace(sim, "master", "tells %s %s", id, state_name(state));
    master_tell(sim, word);
}

static void tell_failure(struct sim *sim, const struct agent *agent)
{
    struct word *word = NEW(sim, struct word);
    *word = (struct word){.type = EVENT(FAILURE), .text = agent->id};
    master_tell(sim, word);
}

void master_say_odd(struct sim *sim)
{
    static const Mesos__V1__Scheduler__Event__Type types[] = {EVENT(MESSAGE), EVENT(INVERSE_OFFERS),
            EVENT(RESCIND), EVENT(FAILURE), EVENT(UNKNOWN), (Mesos__V1__Scheduler__Event__Type)77};
    struct word *word = NEW(sim, struct word);
    *word = (struct word){
            .type = types[random_below(&sim->random, sizeof types / sizeof *types)], .text = "nothing"};
    master_tell(sim, word);
}

void master_say_message(struct sim *sim)
{
    struct word *word = NEW(sim, struct word);
    word->type = EVENT(MESSAGE);
    master_tell(sim, word);
}

/* ---- offers -----------------------------------------------------------------------------------------------
 */

void master_wake_allocator(struct sim *sim, int64_t delay_us)
{
    if (sim->master.allocating)
        return;
    sim->master.allocating = true;
    world_after(sim, delay_us, allocate, NULL, sim->master.epoch);
}

static struct stuff free_stuff(const struct sim *sim, const struct agent *agent)
{
    struct stuff left = agent->stuff, executors = executors_stuff(sim, agent),
                 crews = crews_stuff(sim, agent);
    stuff_subtract(&left, &crews);
    stuff_subtract(&left, &executors);
    for (size_t i = 0; i < sim->life_count; i++) {
        const struct life *life = sim->lives[i];
        if (life->known && life->agent == agent && !state_is_terminal(life->latest))
            stuff_subtract(&left, &life->stuff);
    }
    for (const struct offer *offer = sim->master.offers; offer; offer = offer->next) {
        if (offer->valid && offer->agent == agent)
            stuff_subtract(&left, &offer->stuff);
    }
    return left;
}

static bool filtered(const struct sim *sim, const struct agent *agent, int role, const struct stuff *stuff)
{
    for (const struct filter *filter = sim->master.filters; filter; filter = filter->next) {
        if (filter->agent == agent && filter->role == role && filter->until_us > sim->now_us &&
                stuff_contains(&filter->stuff, stuff))
            return true;
    }
    return false;
}

static struct offer *make_offer(struct sim *sim, struct agent *agent)
{
    struct master *master = &sim->master;
    struct stuff left = free_stuff(sim, agent);
    int role = (int)random_below(&sim->random, master->roles[ROLE_ADDED] ? ROLES : ROLES_CONFIGURED);
    if (agent->standing != STANDING_REGISTERED || !agent->connected || stuff_is_empty(&left))
        return NULL;
    for (int i = 0; i < ROLES; i++, role = (role + 1) % ROLES) {
        struct stuff stuff = stuff_for(&left, role);
        if (!(master->wanted_agents[role] >> (agent - sim->agents) & 1) || !master->roles[role] ||
                master->suppressed[role] || stuff_is_empty(&stuff) || filtered(sim, agent, role, &stuff))
            continue;
        struct offer *offer = NEW(sim, struct offer);
        *offer = (struct offer){
                .id = arena_format(&sim->arena, "o%llu-%llu", (unsigned long long)master->epoch,
                        (unsigned long long)++master->offer_count),
                .agent = agent,
                .role = role,
                .stuff = stuff,
                .window = agent->window,
                .valid = true,
                .next = master->offers};
        master->offers = offer;
        return offer;
    }
    return NULL;
}

static void forget_old_offers(struct master *master)
{
    for (struct offer **at = &master->offers; *at;) {
        if ((*at)->valid)
            at = &(*at)->next;
        else
            *at = (*at)->next;
    }
}

static bool all_suppressed(const struct master *master)
{
    bool all = true;
    for (int role = 0; role < ROLES; role++)
        all &= !master->roles[role] || master->suppressed[role];
    return all;
}

static void allocate(struct sim *sim, void *context, uint64_t epoch)
{
    (void)context;
    struct master *master = &sim->master;
    if (master->epoch != epoch)
        return;
    master->allocating = false;
    if (!master->up || !master->connected)
        return;
    windows_ask(sim);
    if (all_suppressed(master)) {
        if (sim->features[FEATURE_MAINTENANCE])
            master_wake_allocator(sim, SECOND);
        return;
    }
    forget_old_offers(master);
    struct word *word = NEW(sim, struct word);
    word->type = EVENT(OFFERS);
    word->offers = arena_array(&sim->arena, AGENTS_MAX, sizeof(struct offer *));
    for (int i = 0; i < sim->agent_count; i++) {
        struct offer *offer = make_offer(sim, &sim->agents[i]);
        if (!offer)
            continue;
        word->offers[word->offer_count++] = offer;
        trace(sim, "master", "offers %s of %s to %s:%s", offer->id, offer->agent->id, role_name(offer->role),
                stuff_text(sim, &offer->stuff));
    }
    if (word->offer_count > 0)
        master_tell(sim, word);
    master_wake_allocator(sim, SECOND);
}

static void rescind(struct sim *sim, struct offer *offer, bool tell)
{
    offer->valid = false;
    if (!tell)
        return;
    struct word *word = NEW(sim, struct word);
    *word = (struct word){.type = EVENT(RESCIND), .text = offer->id};
    master_tell(sim, word);
}

void master_rescind_offer(struct sim *sim, struct offer *offer)
{
    rescind(sim, offer, true);
}

void master_drop_offers(struct sim *sim, const struct agent *agent, bool tell)
{
    for (struct offer *offer = sim->master.offers; offer; offer = offer->next) {
        if (offer->valid && (!agent || offer->agent == agent))
            rescind(sim, offer, tell);
    }
}

void master_rescind(struct sim *sim)
{
    for (struct offer *offer = sim->master.offers; offer; offer = offer->next) {
        if (offer->valid && random_below(&sim->random, 2))
            rescind(sim, offer, true);
    }
    master_wake_allocator(sim, SECOND);
}

/* ---- agents -----------------------------------------------------------------------------------------------
 */

static void forget_executors(struct sim *sim, struct agent *agent)
{
    for (struct crew *crew = sim->crews; crew; crew = crew->next)
        crew->known &= crew->agent != agent;
    for (int i = 1; i <= EXECUTORS; i++)
        agent->executors[i].known = false;
}

static void lose_agent(struct sim *sim, struct agent *agent, mesos_state say, int reason)
{
    agent->standing = STANDING_UNREACHABLE;
    agent->connected = false;
    forget_executors(sim, agent);
    master_drop_offers(sim, agent, true);
    for (size_t i = 0; i < sim->life_count; i++) {
        struct life *life = sim->lives[i];
        if (!life->known || life->agent != agent)
            continue;
        life->known = false;
        if (state_is_terminal(life->latest))
            continue;
        life->unreachable = true;
        master_tell_status(sim, life, say, reason, NULL, "the agent is cut off");
    }
    operations_lost(sim, agent, OPERATION(UNREACHABLE));
    tell_failure(sim, agent);
}

static void lose_patience(struct sim *sim, void *context, uint64_t watch)
{
    struct agent *agent = context;
    if (!sim->master.up || agent->watch != watch || agent->connected ||
            agent->standing != STANDING_REGISTERED)
        return;
    trace(sim, "master", "%s is unreachable", agent->id);
    lose_agent(sim, agent, TASK(UNREACHABLE), (int)REASON(AGENT_REMOVED));
}

void master_handle_agent_link(struct sim *sim, struct agent *agent)
{
    if (!sim->master.up || agent->standing != STANDING_REGISTERED)
        return;
    agent->connected = false;
    master_drop_offers(sim, agent, true);
    world_after(sim, sim->weather.ping_timeout_us, lose_patience, agent, ++agent->watch);
}

/* LOST of tasks that live: the agent was shut down as far as the master knows, and returns. */
void master_say_lost(struct sim *sim, struct agent *agent)
{
    if (!sim->master.up || agent->standing != STANDING_REGISTERED || agent->dead)
        return;
    trace(sim, "master", "says LOST of %s", agent->id);
    lose_agent(sim, agent, TASK(LOST), (int)REASON(AGENT_REMOVED));
    agent_cut_off(sim, agent, random_spread(&sim->random, 100 * MS, 60 * SECOND));
}

void master_mark_gone(struct sim *sim, struct agent *agent)
{
    if (!sim->master.up || agent->standing == STANDING_GONE || agent->standing == STANDING_NONE)
        return;
    trace(sim, "master", "%s is gone by an operator's word", agent->id);
    bool connected = agent->connected;
    agent->standing = STANDING_GONE;
    forget_executors(sim, agent);
    master_drop_offers(sim, agent, true);
    for (size_t i = 0; i < sim->life_count; i++) {
        struct life *life = sim->lives[i];
        if (life->agent != agent || (!life->known && !life->unreachable))
            continue;
        life->known = life->unreachable = false;
        master_tell_status(sim, life, TASK(GONE_BY_OPERATOR), (int)REASON(AGENT_REMOVED_BY_OPERATOR), NULL,
                "the agent is gone");
    }
    operations_lost(sim, agent, OPERATION(GONE_BY_OPERATOR));
    if (connected)
        agent_order(sim, agent, ORDER_SHUTDOWN, NULL, 0);
    agent->connected = false;
}

static bool listed(const struct life *life, struct life *const *lives, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (lives[i] == life)
            return true;
    }
    return false;
}

static void admit(struct sim *sim, struct life *life, bool returned)
{
    if (life->known)
        return;
    life->known = true;
    life->unreachable = false;
    life->latest = life->state;
    if (returned && !state_is_terminal(life->state) && random_below(&sim->random, 2))
        master_tell_status(
                sim, life, life->state, (int)REASON(AGENT_REREGISTERED), NULL, "the agent is back");
}

void master_handle_register(
        struct sim *sim, struct agent *agent, struct life **lives, size_t count, uint32_t executors)
{
    struct master *master = &sim->master;
    if (!master->up)
        return;
    if (agent->standing == STANDING_GONE) {
        agent_order(sim, agent, ORDER_SHUTDOWN, NULL, 0);
        return;
    }
    trace(sim, "master", "%s registers with %zu tasks", agent->id, count);
    bool returned = agent->standing == STANDING_UNREACHABLE;
    agent->standing = STANDING_REGISTERED;
    agent->connected = true;
    agent->watch++;
    master_drop_offers(sim, agent, true);
    agent_order(sim, agent, ORDER_REGISTERED, NULL, 0);
    for (int i = 1; i <= EXECUTORS; i++)
        agent->executors[i].known = !master->removed && executors >> i & 1;
    for (struct crew *crew = sim->crews; crew; crew = crew->next)
        crew->known = crew->agent == agent ? crew->up && !master->removed : crew->known;
    if (master->removed)
        agent_order(sim, agent, ORDER_KILL_ALL, NULL, 0);
    else if (master->removed_upto > 0)
        agent_order(sim, agent, ORDER_KILL_REMOVED, NULL, master->removed_upto);
    for (size_t i = 0; i < count && !master->removed; i++) {
        if (lives[i]->framework > master->removed_upto)
            admit(sim, lives[i], returned);
    }
    for (size_t i = 0; i < sim->life_count; i++) {
        struct life *life = sim->lives[i];
        if (life->agent != agent || listed(life, lives, count))
            continue;
        life->unreachable = false; /* forgotten without a word */
        if (life->known)
            agent_order(sim, agent, ORDER_DO_YOU_HAVE, life, 0);
    }
    master_wake_allocator(sim, MS);
}

void master_handle_crew_exited(struct sim *sim, struct crew *crew)
{
    if (!sim->master.up || crew->agent->standing != STANDING_REGISTERED || !crew->known)
        return;
    crew->known = false;
    struct word *word = NEW(sim, struct word);
    *word = (struct word){.type = EVENT(FAILURE), .text = crew->agent->id, .executor = crew->id};
    master_tell(sim, word);
    master_wake_allocator(sim, random_between(&sim->random, 0, SECOND));
}

void master_handle_exited(struct sim *sim, struct agent *agent, int executor)
{
    if (!sim->master.up || agent->standing != STANDING_REGISTERED || !agent->executors[executor].known)
        return;
    agent->executors[executor].known = false;
    struct word *word = NEW(sim, struct word);
    *word = (struct word){.type = EVENT(FAILURE), .text = agent->id, .executor = executor_name(executor)};
    master_tell(sim, word);
    master_wake_allocator(sim, random_between(&sim->random, 0, SECOND));
}

void master_handle_update(struct sim *sim, struct update *update, mesos_state latest)
{
    struct life *life = update->life;
    if (!sim->master.up || life->agent->standing != STANDING_REGISTERED ||
            life->framework <= sim->master.removed_upto)
        return;
    if (life->known) {
        life->latest = latest;
        life->latest_update = update;
        if (state_is_terminal(latest))
            master_wake_allocator(sim, random_between(&sim->random, 0, SECOND));
    }
    master_tell_status(sim, life, update->state, update->reason, update, "from the agent");
}

/* ---- its own lives ----------------------------------------------------------------------------------------
 */

static void give_up_recovering(struct sim *sim, void *context, uint64_t epoch)
{
    (void)context;
    for (int i = 0; i < sim->agent_count && sim->master.epoch == epoch; i++) {
        if (sim->agents[i].standing == STANDING_RECOVERING)
            sim->agents[i].standing = STANDING_UNREACHABLE;
    }
}

static void lead(struct sim *sim, void *context, uint64_t epoch)
{
    (void)context;
    struct master *master = &sim->master;
    if (master->epoch != epoch)
        return;
    master->up = true;
    trace(sim, "master", "epoch %llu leads", (unsigned long long)epoch);
    world_after(sim, sim->weather.reregister_us, give_up_recovering, NULL, epoch);
}

void master_start(struct sim *sim)
{
    sim->master.epoch = sim->master.framework = 1;
    lead(sim, NULL, 1);
}

/* The new one knows the agents by the registry, and no task. */
void master_failover(struct sim *sim)
{
    struct master *master = &sim->master;
    trace(sim, "master", "dies");
    struct conn *stream = master->stream;
    bool late = random_below(&sim->random, 3) == 0;
    *master = (struct master){.epoch = master->epoch + 1,
            .streams = master->streams,
            .timer = master->timer + 1,
            .framework = master->framework,
            .removed_upto = master->removed_upto};
    net_close(sim, stream, MASTER_SIDE);
    windows_forget_asked(sim);
    for (int i = 0; i < LANES; i++)
        net_close(sim, sim->mesos.lanes[i].conn, MASTER_SIDE);
    if (sim->mesos.stream != stream)
        net_close(sim, sim->mesos.stream, MASTER_SIDE);
    for (size_t i = 0; i < sim->life_count; i++)
        sim->lives[i]->known = sim->lives[i]->unreachable = false;
    operations_lost(sim, NULL, OPERATION(UNSUPPORTED));
    for (int i = 0; i < sim->agent_count; i++) {
        struct agent *agent = &sim->agents[i];
        if (agent->standing == STANDING_REGISTERED || agent->standing == STANDING_RECOVERING)
            agent->standing = random_below(&sim->random, 8) ? STANDING_RECOVERING : STANDING_NONE;
        agent->connected = false;
        forget_executors(sim, agent);
        agent->watch++;
        agent_lose_master(sim, agent,
                random_spread(&sim->random, 10 * MS, late ? 2 * sim->weather.reregister_us : 10 * SECOND));
    }
    world_after(sim, random_spread(&sim->random, 100 * MS, 20 * SECOND), lead, NULL, master->epoch);
}
