/* What the core does with offers, judged apart from it: nothing is handed out twice, strict constraints hold
 * at the moment of launch, preferred ones count, and no offer is declined that a waiting task fits. */
#include "hand.h"

#include <stdlib.h>
#include <string.h>

#include "peek.h"
#include "sim.h"

void hand_clear(struct sim *sim)
{
    sim->hand = (struct hand){0};
    for (int i = 0; i < sim->agent_count; i++)
        sim->agents[i].offered = sim->agents[i].told.set = false;
}

static struct in_hand **find(struct sim *sim, const char *id)
{
    struct in_hand **at = &sim->hand.offers;
    while (*at && strcmp((*at)->offer->id, id) != 0)
        at = &(*at)->next;
    return at;
}

struct in_hand *hand_find(struct sim *sim, const char *id)
{
    return *find(sim, id);
}

static void drop(struct sim *sim, struct in_hand **at)
{
    *at = (*at)->next;
    sim->hand.count--;
}

static void take(struct sim *sim, const struct offer *offer)
{
    struct in_hand **end = &sim->hand.offers;
    while (*end)
        end = &(*end)->next;
    *end = NEW(sim, struct in_hand);
    **end = (struct in_hand){.offer = offer, .left = offer->stuff};
    sim->hand.count++;
    offer->agent->offered = true;
    offer->agent->told = offer->window;
}

void hand_hear(struct sim *sim, const struct word *word)
{
    struct in_hand **at;
    struct agent *agent;
    switch (word->type) {
    case EVENT(OFFERS):
        for (size_t i = 0; i < word->offer_count; i++)
            take(sim, word->offers[i]);
        break;
    case EVENT(RESCIND):
        at = find(sim, word->text);
        if (*at)
            drop(sim, at);
        break;
    case EVENT(FAILURE):
        agent = word->executor ? NULL : sim_agent(sim, word->text);
        if (agent)
            agent->offered = agent->told.set = false;
        break;
    case EVENT(INVERSE_OFFERS):
    case EVENT(RESCIND_INVERSE_OFFER):
        windows_hear(sim, word);
        break;
    default:
        break;
    }
}

/* That an ACCEPT was not sent means that the subscription is over, and its offers with it. */
void hand_answered(struct sim *sim, const struct call *call, enum core_answer answer)
{
    if (call->type != CALL(ACCEPT) || call->subscription != sim->mesos.subscription)
        return;
    if (answer == CORE_NOT_DONE) {
        sim->hand.offers = NULL;
        sim->hand.count = 0;
    }
    for (size_t i = 0; i < call->offer_count && answer == CORE_REFUSED; i++) {
        struct returned *returned = NEW(sim, struct returned);
        *returned = (struct returned){.id = call->offers[i], .next = sim->hand.returned};
        sim->hand.returned = returned;
    }
}

/* ---- what is placed ---------------------------------------------------------------------------------------
 */

static void read_launch(struct sim *sim, const char *offer, const struct core_launch *launch)
{
    struct placing *placing = NEW(sim, struct placing);
    const struct in_hand *in_hand = *find(sim, offer);
    const char *number = strchr(launch->task_id, '.');
    if (!in_hand || !number) {
        violation(sim, "%s is launched on %s, which is not in hand", launch->task_id, offer);
        return;
    }
    *placing = (struct placing){.key = strtoll(number + 1, NULL, 10),
            .attempt = (uint32_t)strtoul(strrchr(launch->task_id, '.') + 1, NULL, 10),
            .offer = in_hand->offer->id,
            .stuff = stuff_read(
                    sim, launch->task_id, launch->resources, launch->resource_count, in_hand->offer->role),
            .executor = stuff_read(sim, launch->task_id, launch->executor_resources,
                    launch->executor_resource_count, in_hand->offer->role),
            .next = sim->hand.placings};
    sim->hand.placings = placing;
}

void hand_read_outputs(struct sim *sim, const struct core_outputs *outputs)
{
    sim->hand.placings = NULL;
    for (size_t i = 0; i < outputs->count; i++) {
        const struct core_output *output = &outputs->items[i];
        if (output->kind != CORE_OUT_CALL || !output->call.call->accept)
            continue;
        const char *offer = output->call.call->accept->offer_ids[0]->value;
        plant_launch(sim, output->call.launches, output->call.launch_count);
        for (size_t j = 0; j < output->call.launch_count; j++)
            read_launch(sim, offer, &output->call.launches[j]);
    }
}

static const struct kept_task *decided(const struct sim *sim, int64_t key)
{
    const struct disk *ahead = &sim->store.ahead;
    for (size_t i = 0; i < ahead->task_count; i++) {
        if (ahead->tasks[i].row.key == key)
            return &ahead->tasks[i];
    }
    return NULL;
}

/* Whether a task of that executor runs there as far as the core knows: then it takes nothing for it. */
static bool is_up(const struct sim *sim, int executor, const struct agent *agent)
{
    const struct disk *ahead = &sim->store.ahead;
    for (size_t i = 0; i < ahead->task_count; i++) {
        const struct kept_task *task = &ahead->tasks[i];
        const struct wish *wish = client_wish(sim, task->row.id, strlen(task->row.id));
        const struct attempt_row *last =
                task->attempt_count ? &task->attempts[task->attempt_count - 1] : NULL;
        if (wish && !(task->row.flags & peek_adopted) && wish->want.executor == executor && last &&
                last->state == (int)VIEW(RUNNING) && strcmp(last->agent_id, agent->id) == 0)
            return true;
    }
    return false;
}

static bool was_elsewhere(const struct kept_task *task, const struct agent *agent)
{
    for (size_t i = 0; i < task->attempt_count; i++) {
        if (strcmp(task->attempts[i].agent_id, agent->id) == 0)
            return true;
    }
    return false;
}

/* Whether the task surely could go there. Its executor counts in any case. */
static bool surely_fits(
        struct sim *sim, const struct kept_task *task, const struct wish *wish, const struct in_hand *in_hand)
{
    struct stuff left = in_hand->left, executor = executor_stuff(sim);
    struct agent *agent = in_hand->offer->agent;
    if (wish->placer || in_hand->lessee || wish->role != in_hand->offer->role ||
            !decided_role(sim, wish->role) || decided_stopped(sim, wish->role) || decided_teardown(sim) ||
            (!wish->despite && window_is_near(sim, agent)) ||
            (wish->policy.elsewhere && was_elsewhere(task, agent)))
        return false;
    if (wish->group)
        return crew_waits(sim, wish) && crew_fits(sim, wish, &left) && crew_rules(sim, wish, agent) == HOLDS;
    if (wish->want.executor) {
        if (!stuff_contains(&left, &executor))
            return false;
        stuff_subtract(&left, &executor);
    }
    return want_fits(&wish->want, wish->role, &left) && rules_hold(sim, wish, agent) == HOLDS;
}

/* Among all that would do, none has more of what is preferred. */
static void check_preferred(
        struct sim *sim, const struct kept_task *task, const struct wish *wish, const struct in_hand *chosen)
{
    bool sure = !sim->features[FEATURE_SHORT_TURNS];
    unsigned most = rules_preferred(sim, wish, chosen->offer->agent, &sure);
    for (const struct in_hand *other = sim->hand.offers; other && sure; other = other->next) {
        bool known = true;
        unsigned count = other == chosen ? 0 : rules_preferred(sim, wish, other->offer->agent, &known);
        if (count > most && known && surely_fits(sim, task, wish, other))
            violation(sim, "%s goes to %s, and prefers %s", wish->id, chosen->offer->agent->id,
                    other->offer->agent->id);
    }
}

static void check_allowed(struct sim *sim, const struct wish *wish, const struct agent *agent)
{
    if (decided_teardown(sim))
        violation(sim, "%s is launched, and the framework is to end", wish->id);
    if (decided_stopped(sim, wish->role) || !decided_role(sim, wish->role))
        violation(sim, "%s is launched in %s, which is suppressed or gone", wish->id, role_name(wish->role));
    if (!wish->despite && window_is_near(sim, agent))
        violation(sim, "%s goes to %s, which is to be maintained", wish->id, agent->id);
}

static void check_strict(struct sim *sim, const struct wish *wish, const struct agent *agent)
{
    for (size_t i = 0; i < wish->rule_count; i++) {
        const struct rule *rule = &wish->rules[i];
        if (!rule->preferred && rule_holds(sim, wish, rule, agent) == HOLDS_NOT)
            violation(sim, "%s goes to %s against its constraint %zu (%s)", wish->id, agent->id, i,
                    rule->attribute);
    }
}

void check_placed(struct sim *sim, const struct attempt_row *row)
{
    const struct kept_task *task = decided(sim, row->task_key);
    const struct wish *wish = task ? client_wish(sim, task->row.id, strlen(task->row.id)) : NULL;
    struct placing *placing = sim->hand.placings;
    if (!wish || (task->row.flags & peek_adopted) || (row->flags & peek_found) ||
            row->state != (int)VIEW(LAUNCHING) || row->number <= task->attempt_count)
        return;
    while (placing && (placing->key != row->task_key || placing->attempt != row->number))
        placing = placing->next;
    struct in_hand *in_hand = placing ? *find(sim, placing->offer) : NULL;
    if (!in_hand) {
        violation(sim, "%s is placed, and no ACCEPT launches it", wish->id);
        return;
    }
    struct agent *agent = in_hand->offer->agent;
    struct stuff executor = executor_stuff(sim);
    if (strcmp(agent->id, row->agent_id) != 0 || in_hand->offer->role != wish->role)
        violation(sim, "%s goes to %s of %s by an offer of %s", wish->id, row->agent_id,
                role_name(wish->role), agent->id);
    if (!want_is_met(&wish->want, wish->role, &placing->stuff))
        violation(sim, "%s is not given what it asks for:%s", wish->id, stuff_text(sim, &placing->stuff));
    if (!stuff_contains(&in_hand->left, &placing->stuff))
        violation(sim, "%s is given what was given before:%s of%s", wish->id,
                stuff_text(sim, &placing->stuff), stuff_text(sim, &in_hand->left));
    bool asked = sim->daemon.asking && sim->daemon.asking->kind == REQUEST_PLACE;
    check_leased_use(sim, in_hand, REQUEST_PLACE);
    if (wish->placer && !asked)
        violation(sim, "%s is placed, which is its placer's to do", wish->id);
    if (!asked)
        check_turn(sim, task, wish);
    check_allowed(sim, wish, agent);
    check_strict(sim, wish, agent);
    if (!wish->group && !asked)
        check_preferred(sim, task, wish, in_hand);
    stuff_subtract(&in_hand->left, &placing->stuff);
    stuff_subtract(&in_hand->left, &placing->executor);
    uint32_t bit = wish->want.executor ? 1u << wish->want.executor : 0;
    if (bit && !(in_hand->executors & bit) && !is_up(sim, wish->want.executor, agent))
        stuff_subtract(&in_hand->left, &executor);
    in_hand->executors |= bit;
}

/* ---- calls ------------------------------------------------------------------------------------------------
 */

void check_accept_decided(struct sim *sim, const struct call *call)
{
    for (size_t i = 0; i < call->offer_count; i++) {
        struct in_hand **at = find(sim, call->offers[i]);
        if (!*at) {
            violation(sim, "an ACCEPT of %s, which is not in hand", call->offers[i]);
            return;
        }
        for (int s = 0; s < SCALAR_KINDS; s++) {
            if ((*at)->left.scalars[s] < 0)
                violation(sim, "more is taken of %s than it has", call->offers[i]);
        }
        check_leased_use(sim, *at, REQUEST_PLACE);
        drop(sim, at);
    }
    check_deeds_decided(sim, call);
}

bool hand_waits(const struct sim *sim, const struct kept_task *task)
{
    return task->row.state == (int)VIEW(QUEUED) && !(task->row.flags & peek_held) &&
           !task->row.kill_requested &&
           (task->row.not_before_ns == 0 ||
                   (!sim->weather.faults[FAULT_WALL_JUMP] &&
                           task->row.not_before_ns + 1000000000 < world_now(sim).wall_ns &&
                           sim->daemon.frozen_until_us + SECOND < sim->now_us));
}

const struct offer *hand_fits(struct sim *sim, const struct kept_task *task, const struct wish *wish)
{
    for (const struct in_hand *in_hand = sim->hand.offers; in_hand; in_hand = in_hand->next) {
        if (surely_fits(sim, task, wish, in_hand))
            return in_hand->offer;
    }
    return NULL;
}

/* It would be in vain to wait for it: unless a placement opened the way after it was looked at. */
static void check_unwanted(struct sim *sim, const struct in_hand *in_hand)
{
    const struct disk *ahead = &sim->store.ahead;
    for (size_t i = 0; i < ahead->task_count; i++) {
        const struct kept_task *task = &ahead->tasks[i];
        const struct wish *wish = client_wish(sim, task->row.id, strlen(task->row.id));
        if (hand_waits(sim, task) && wish && !wish->found && !rules_may_open(wish) &&
                surely_fits(sim, task, wish, in_hand))
            violation(sim, "%s waits, and %s is declined, which it fits", wish->id, in_hand->offer->id);
    }
}

void check_decline_decided(struct sim *sim, const struct call *call)
{
    for (size_t i = 0; i < call->offer_count; i++) {
        struct in_hand **at = find(sim, call->offers[i]);
        struct returned **returned = &sim->hand.returned;
        while (*returned && strcmp((*returned)->id, call->offers[i]) != 0)
            returned = &(*returned)->next;
        if (*at) {
            check_leased_use(sim, *at, REQUEST_RELEASE_LEASE);
            if (!sim->features[FEATURE_SHORT_TURNS] && !sim->features[FEATURE_LEASES]) {
                check_unwanted(sim, *at);
                check_deeds_unwanted(sim, *at);
            }
            drop(sim, at);
        } else if (*returned) {
            *returned = (*returned)->next;
        } else {
            violation(sim, "a DECLINE of %s, which is not in hand", call->offers[i]);
        }
    }
}
