/* Maintenance: the schedule that an operator gives the master, and what it asks the framework about it. */
#include "sim.h"

#include <string.h>

/* When and for how long: soon or much later, short or without an end. */
static void schedule(struct sim *sim, struct agent *agent)
{
    struct random *random = &sim->random;
    struct window *window = &agent->window;
    *window = (struct window){.set = random_below(random, 4) > 0};
    if (window->set) {
        int64_t in_us = random_below(random, 4) ? random_spread(random, SECOND, 10 * MINUTE) : -SECOND;
        window->start_ns = world_now(sim).wall_ns + in_us * 1000;
        window->duration_ns =
                random_below(random, 3) ? random_spread(random, SECOND, 20 * MINUTE) * 1000 : -1;
    }
    trace(sim, "master", "%s is to be maintained: %s", agent->id, window->set ? "yes" : "no");
    if (agent->inverse.id) {
        struct word *word = NEW(sim, struct word);
        *word = (struct word){
                .type = EVENT(RESCIND_INVERSE_OFFER), .agent = agent->id, .text = agent->inverse.id};
        master_tell(sim, word);
    }
    agent->inverse.id = NULL;
    agent->inverse.until_us = 0;
    master_drop_offers(sim, agent, true);
    master_wake_allocator(sim, SECOND);
}

static void change(struct sim *sim, void *context, uint64_t number)
{
    (void)context;
    (void)number;
    if (sim->calm)
        return;
    if (sim->master.up)
        schedule(sim, &sim->agents[random_below(&sim->random, (uint64_t)sim->agent_count)]);
    world_after(sim, random_spread(&sim->random, SECOND, 2 * MINUTE), change, NULL, 0);
}

void windows_start(struct sim *sim)
{
    if (sim->features[FEATURE_MAINTENANCE])
        world_after(sim, random_spread(&sim->random, 100 * MS, MINUTE), change, NULL, 0);
}

static bool uses(const struct sim *sim, const struct agent *agent)
{
    for (size_t i = 0; i < sim->life_count; i++) {
        const struct life *life = sim->lives[i];
        if (life->known && life->agent == agent && !state_is_terminal(life->latest))
            return true;
    }
    return false;
}

/* Of agents whose resources the framework uses, until it has answered. */
void windows_ask(struct sim *sim)
{
    for (int i = 0; i < sim->agent_count; i++) {
        struct agent *agent = &sim->agents[i];
        if (!agent->window.set || agent->inverse.id || agent->inverse.until_us > sim->now_us ||
                agent->standing != STANDING_REGISTERED || !uses(sim, agent))
            continue;
        agent->inverse.id = arena_format(&sim->arena, "i%llu-%llu", (unsigned long long)sim->master.epoch,
                (unsigned long long)++sim->master.offer_count);
        trace(sim, "master", "asks for %s by %s", agent->id, agent->inverse.id);
        struct word *word = NEW(sim, struct word);
        *word = (struct word){.type = EVENT(INVERSE_OFFERS),
                .agent = agent->id,
                .text = agent->inverse.id,
                .window = agent->window};
        master_tell(sim, word);
    }
}

/* A new subscription, or a new master: all is asked again. */
void windows_forget_asked(struct sim *sim)
{
    for (int i = 0; i < sim->agent_count; i++) {
        sim->agents[i].inverse.id = NULL;
        sim->agents[i].inverse.until_us = 0;
    }
}

void windows_answer(struct sim *sim, const struct call *call)
{
    for (size_t i = 0; i < call->offer_count; i++) {
        for (int j = 0; j < sim->agent_count; j++) {
            struct agent *agent = &sim->agents[j];
            if (!agent->inverse.id || strcmp(agent->inverse.id, call->offers[i]) != 0)
                continue;
            agent->inverse.id = NULL;
            agent->inverse.until_us = sim->now_us + call->refuse_us;
        }
    }
}

/* What our daemon is told. */
void windows_hear(struct sim *sim, const struct word *word)
{
    struct agent *agent = word->agent ? sim_agent(sim, word->agent) : NULL;
    if (!agent)
        return;
    if (word->type == EVENT(INVERSE_OFFERS)) {
        agent->told = word->window;
        sim->daemon.inverse_heard = agent->told_inverse = word->text;
    } else if (agent->told_inverse && strcmp(agent->told_inverse, word->text) == 0) {
        agent->told.set = false;
    }
}

/* As it has been told, no task is to go there any more. */
bool window_is_near(const struct sim *sim, const struct agent *agent)
{
    const struct core_config *config = &sim->daemon.config;
    const struct window *told = &agent->told;
    int64_t before_ms = config->avoid_maintenance_ms, now_ns = world_now(sim).wall_ns;
    if (config->drain && before_ms < config->drain_grace_ms)
        before_ms = config->drain_grace_ms;
    return told->set && now_ns >= told->start_ns - before_ms * 1000000 &&
           (told->duration_ns < 0 || now_ns < told->start_ns + told->duration_ns);
}

/* Each question is answered at once, by policy. */
void check_inverse_decided(struct sim *sim, const struct call *call)
{
    bool declines = call->type == CALL(DECLINE_INVERSE_OFFERS);
    const char *heard = sim->daemon.inverse_heard;
    if (call->offer_count != 1 || !heard || strcmp(call->offers[0], heard) != 0)
        violation(sim, "%s is answered, which was not asked now", call->offer_count ? call->offers[0] : "?");
    if (declines != sim->daemon.config.decline_maintenance)
        violation(sim, "%s is answered against the policy", call->offers[0]);
    sim->daemon.inverse_heard = NULL;
}
