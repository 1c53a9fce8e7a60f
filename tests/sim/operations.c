/* Operations at agents and at the master. One that an agent has done it keeps, and repeats its status, until
 * that is acknowledged; what the master knows of it goes with the master. Some are found that an earlier life
 * of this framework started. */
#include "sim.h"

#include <string.h>

#define REPEAT_MIN (10 * SECOND)

struct operation *operation_new(struct sim *sim, const char *id, struct agent *agent)
{
    struct operation *operation = NEW(sim, struct operation);
    if (sim->operation_count == OPERATIONS_MAX) {
        violation(sim, "more than %d operations", OPERATIONS_MAX);
        sim->operation_count--;
    }
    sim->operations[sim->operation_count++] = operation;
    *operation = (struct operation){.number = sim->operation_count,
            .id = id,
            .agent = agent,
            .framework = sim->master.framework,
            .retry_us = REPEAT_MIN};
    return operation;
}

struct operation *operation_named(const struct sim *sim, const char *id)
{
    for (size_t i = 0; i < sim->operation_count; i++) {
        if (strcmp(sim->operations[i]->id, id) == 0)
            return sim->operations[i];
    }
    return NULL;
}

struct operation *operation_of_uuid(struct sim *sim, uint64_t uuid)
{
    return uuid > OPERATION_UUID && uuid <= OPERATION_UUID + sim->operation_count
                   ? sim->operations[uuid - OPERATION_UUID - 1]
                   : NULL;
}

static void tell(struct sim *sim, const char *id, const char *agent, struct operation *with_uuid,
        operation_state state, const char *message)
{
    struct word *word = NEW(sim, struct word);
    *word = (struct word){.type = EVENT(UPDATE_OPERATION_STATUS),
            .id = id,
            .agent = agent,
            .operation = with_uuid,
            .operation_state = state,
            .message = message};
    trace(sim, "master", "tells %s operation state %d%s", id, (int)state, with_uuid ? ", done with" : "");
    master_tell(sim, word);
}

/* ---- at the agent ---- */

static bool is_of_removed(const struct sim *sim, const struct operation *operation)
{
    return sim->master.removed || operation->framework <= sim->master.removed_upto;
}

static void report(struct sim *sim, void *context, uint64_t number)
{
    (void)number;
    struct operation *operation = context;
    struct agent *agent = operation->agent;
    if (operation->acknowledged || agent->dead)
        return;
    if (agent->registered && agent->up && !agent->cut_off && agent->connected && sim->master.up) {
        if (operation->deed && is_of_removed(sim, operation)) {
            operation->acknowledged = true; /* by the master, for nobody else does */
            return;
        }
        operation->known = true;
        operation->latest = operation->state;
        tell(sim, operation->id, agent->id, operation, operation->state, NULL);
    }
    if (operation->uuid)
        world_after(sim, operation->retry_us, report, operation, 0);
    operation->retry_us *= 2;
    if (operation->retry_us > sim->weather.retry_max_us)
        operation->retry_us = sim->weather.retry_max_us;
}

void operation_begin(struct sim *sim, struct agent *agent)
{
    if (sim->operations_found == OPERATIONS_FOUND_MAX)
        return;
    sim->operations_found++;
    struct operation *operation =
            operation_new(sim, arena_format(&sim->arena, "operation-%zu", sim->operations_found), agent);
    operation->uuid = random_below(&sim->random, 4) ? OPERATION_UUID + operation->number : 0;
    operation->held = true;
    operation->state = OPERATION(FINISHED);
    report(sim, operation, 0);
}

static void end(struct sim *sim, struct operation *operation, operation_state state)
{
    operation->held = true;
    operation->state = state;
    operation->uuid = OPERATION_UUID + operation->number;
    report(sim, operation, 0);
}

static void carry_out(struct sim *sim, void *context, uint64_t number)
{
    (void)number;
    struct operation *operation = context;
    if (operation->agent->dead)
        return;
    bool fails = random_below(&sim->random, 10) == 0;
    trace(sim, "agent", "%s does %s%s", operation->agent->id, operation->id, fails ? ", in vain" : "");
    weather_aim(sim);
    if (!fails)
        check_deed_done(sim, operation);
    end(sim, operation, fails ? OPERATION(FAILED) : OPERATION(FINISHED));
}

/* At once, or as slowly as a provider of storage. */
void operation_run(struct sim *sim, struct operation *operation)
{
    if (operation->held)
        return;
    operation->held = true;
    operation->state = OPERATION(PENDING);
    if (random_below(&sim->random, 2))
        carry_out(sim, operation, 0);
    else
        world_after(sim, random_spread(&sim->random, MS, 10 * MINUTE), carry_out, operation, 0);
}

void operation_answer(struct sim *sim, struct operation *operation)
{
    if (!operation->held)
        end(sim, operation, OPERATION(DROPPED));
}

/* ---- at the master ---- */

void operations_accept(struct sim *sim, const struct call *call, bool valid)
{
    for (size_t i = 0; i < call->operation_count; i++) {
        struct operation *operation = call->operations[i];
        if (!valid) {
            tell(sim, operation->id, NULL, NULL, OPERATION(ERROR),
                    "Operation attempted with invalid offers: Offer is no longer valid");
            continue;
        }
        operation->known = true;
        operation->latest = OPERATION(PENDING);
        agent_order(sim, operation->agent, ORDER_OPERATE, NULL, operation->number);
    }
}

static void answer_about(struct sim *sim, const char *id, const char *agent_id)
{
    static const char *const words[] = {
            [STANDING_NONE] = "Reconciliation: Both operation and agent are unknown",
            [STANDING_RECOVERING] = "Reconciliation: Agent is recovered but has not re-registered",
            [STANDING_REGISTERED] = "Reconciliation: Operation is unknown",
            [STANDING_UNREACHABLE] = "Reconciliation: Agent is unreachable",
            [STANDING_GONE] = "Reconciliation: Agent marked gone by operator"};
    static const operation_state states[] = {[STANDING_NONE] = OPERATION(UNKNOWN),
            [STANDING_RECOVERING] = OPERATION(RECOVERING),
            [STANDING_REGISTERED] = OPERATION(UNKNOWN),
            [STANDING_UNREACHABLE] = OPERATION(UNREACHABLE),
            [STANDING_GONE] = OPERATION(GONE_BY_OPERATOR)};
    const struct operation *operation = operation_named(sim, id);
    const struct agent *agent = sim_agent(sim, agent_id);
    enum standing standing = agent ? agent->standing : STANDING_NONE;
    if (operation && operation->known)
        tell(sim, id, operation->agent->id, NULL, operation->latest, NULL);
    else if (!agent_id)
        tell(sim, id, NULL, NULL, OPERATION(UNKNOWN),
                "Reconciliation: Operation is unknown and no 'agent_id' was provided");
    else
        tell(sim, id, agent_id, NULL, states[standing], words[standing]);
}

void operations_reconcile(struct sim *sim, const struct call *call)
{
    for (size_t i = 0; i < call->operation_count; i++)
        answer_about(sim, call->asked[i].id, call->asked[i].agent);
    for (size_t i = 0; call->operation_count == 0 && i < sim->operation_count; i++) {
        const struct operation *operation = sim->operations[i];
        if (operation->known)
            tell(sim, operation->id, operation->agent->id, NULL, operation->latest, NULL);
    }
}

void operations_lost(struct sim *sim, const struct agent *agent, operation_state say)
{
    for (size_t i = 0; i < sim->operation_count; i++) {
        struct operation *operation = sim->operations[i];
        if (!operation->known || (agent && operation->agent != agent))
            continue;
        operation->known = false;
        if (operation->deed && say != OPERATION(UNSUPPORTED))
            tell(sim, operation->id, operation->agent->id, NULL, say, NULL);
    }
}

/* It tells what it has a moment after it has registered; the master asks it about the others. */
static void tell_all(struct sim *sim, void *context, uint64_t link)
{
    struct agent *agent = context;
    if (agent->link != link || !agent->registered || !agent->connected || !sim->master.up)
        return;
    for (size_t i = 0; i < sim->operation_count; i++) {
        struct operation *operation = sim->operations[i];
        if (operation->agent != agent || operation->acknowledged || !operation->deed ||
                is_of_removed(sim, operation))
            continue;
        if (!operation->held && operation->known) {
            agent_order(sim, agent, ORDER_HAVE_OPERATION, NULL, operation->number);
        } else if (operation->held) {
            operation->known = true;
            operation->latest = operation->state;
        }
    }
}

void operations_registered(struct sim *sim, struct agent *agent)
{
    if (sim->features[FEATURE_OPERATIONS])
        world_after(sim, random_spread(&sim->random, MS, 5 * SECOND), tell_all, agent, agent->link);
}

void operation_acknowledge(struct sim *sim, struct operation *operation)
{
    if (!operation->agent->connected || weather_chance(sim, sim->weather.lost_ack))
        return;
    operation->acknowledged = true;
    operation->known = false;
}
