/* Constraints by docs/protocol.md "Constraints", told apart from how src/core does it: what is looked at is
 * the agents themselves, and the rows that the core has decided on. */
#include "rules.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "peek.h"
#include "sim.h"

/* ---- agents ---- */

void rules_describe(struct sim *sim, struct agent *agent)
{
    static const char *const racks[] = {"a", "b", "c", NULL};
    static const char *const zones[] = {"z1", "z2", NULL};
    agent->host = arena_format(&sim->arena, "host-%s", agent->id);
    if (!sim->features[FEATURE_CONSTRAINTS])
        return;
    agent->rack = racks[random_below(&sim->random, 4)];
    agent->zone = zones[random_below(&sim->random, 3)];
    agent->generation = arena_format(&sim->arena, "%d", (int)random_between(&sim->random, 1, 5));
}

const char *rules_value(const struct agent *agent, const char *attribute)
{
    if (strcmp(attribute, "rack") == 0)
        return agent->rack;
    if (strcmp(attribute, "zone") == 0)
        return agent->zone;
    if (strcmp(attribute, "generation") == 0)
        return agent->generation;
    return strcmp(attribute, "hostname") == 0 ? agent->host : agent->id;
}

static Mesos__V1__Attribute *add_attribute(struct arena *arena, Mesos__V1__Offer *offer, const char *name)
{
    Mesos__V1__Attribute *attribute = arena_alloc(arena, sizeof *attribute);
    mesos__v1__attribute__init(attribute);
    attribute->name = arena_string(arena, name);
    offer->attributes[offer->n_attributes++] = attribute;
    return attribute;
}

static void show_zone(struct arena *arena, const char *name, Mesos__V1__Offer *offer)
{
    Mesos__V1__DomainInfo__FaultDomain *domain = arena_alloc(arena, sizeof *domain);
    mesos__v1__domain_info__fault_domain__init(domain);
    domain->region = arena_alloc(arena, sizeof *domain->region);
    mesos__v1__domain_info__fault_domain__region_info__init(domain->region);
    domain->region->name = arena_string(arena, "here");
    domain->zone = arena_alloc(arena, sizeof *domain->zone);
    mesos__v1__domain_info__fault_domain__zone_info__init(domain->zone);
    domain->zone->name = arena_string(arena, name);
    offer->domain = arena_alloc(arena, sizeof *offer->domain);
    mesos__v1__domain_info__init(offer->domain);
    offer->domain->fault_domain = domain;
}

void rules_show(struct arena *arena, const struct agent *agent, Mesos__V1__Offer *offer)
{
    offer->attributes = arena_array(arena, 2, sizeof *offer->attributes);
    if (agent->rack) {
        Mesos__V1__Attribute *rack = add_attribute(arena, offer, "rack");
        rack->type = MESOS__V1__VALUE__TYPE__TEXT;
        rack->text = arena_alloc(arena, sizeof *rack->text);
        mesos__v1__value__text__init(rack->text);
        rack->text->value = arena_string(arena, agent->rack);
    }
    if (agent->generation) {
        Mesos__V1__Attribute *generation = add_attribute(arena, offer, "generation");
        generation->type = MESOS__V1__VALUE__TYPE__SCALAR;
        generation->scalar = arena_alloc(arena, sizeof *generation->scalar);
        mesos__v1__value__scalar__init(generation->scalar);
        generation->scalar->value = (double)atoi(agent->generation);
    }
    if (agent->zone)
        show_zone(arena, agent->zone, offer);
}

/* ---- what tasks ask for ---- */

static const char *any_value(struct sim *sim, const char *attribute)
{
    struct arena *arena = &sim->arena;
    int number = (int)random_between(&sim->random, 1, 3);
    if (strcmp(attribute, "rack") == 0)
        return arena_format(arena, "%c", 'a' + number - 1);
    if (strcmp(attribute, "zone") == 0)
        return arena_format(arena, "z%d", number);
    if (strcmp(attribute, "generation") == 0)
        return arena_format(arena, "%d", number + 1);
    return arena_format(arena, strcmp(attribute, "hostname") == 0 ? "host-A%d" : "A%d", number);
}

static void add_value(struct rule *rule, const char *value)
{
    if (rule->value_count < RULE_VALUES_MAX)
        rule->values[rule->value_count++] = value;
}

static void any_values(struct sim *sim, struct rule *rule)
{
    static const char *const patterns[] = {"a|b", "[bc].*", ".*1", "host-A(1|3)", "x*", "z[12]"};
    struct random *random = &sim->random;
    switch (rule->op) {
    case OPERATOR(IN):
    case OPERATOR(NOT_IN):
        add_value(rule, any_value(sim, rule->attribute));
        add_value(rule, any_value(sim, rule->attribute));
        break;
    case OPERATOR(MATCHES):
    case OPERATOR(NOT_MATCHES):
        add_value(rule, patterns[random_below(random, sizeof patterns / sizeof *patterns)]);
        break;
    case OPERATOR(MAX_PER):
        add_value(rule, random_below(random, 2) ? "1" : "2");
        break;
    case OPERATOR(SPREAD):
        for (uint64_t left = random_below(random, 2) ? 0 : random_below(random, 3); left > 0; left--)
            add_value(rule, any_value(sim, rule->attribute));
        break;
    case OPERATOR(NEAR):
    case OPERATOR(FAR):
        add_value(
                rule, arena_format(&sim->arena, "t%d", (int)random_between(random, 1, (int)sim->wish_count)));
        break;
    case OPERATOR(UNIQUE):
    case OPERATOR(TOGETHER):
    case OPERATOR(EXISTS):
    case OPERATOR(NOT_EXISTS):
        break;
    default:
        add_value(rule, any_value(sim, rule->attribute));
        break;
    }
}

void rules_any(struct sim *sim, struct wish *wish)
{
    static const char *const attributes[] = {"rack", "zone", "generation", "hostname", "agent_id"};
    static const char *const names[] = {NULL, "web", "db"};
    struct random *random = &sim->random;
    if (!sim->features[FEATURE_CONSTRAINTS])
        return;
    wish->name = names[random_below(random, 3)];
    for (uint64_t left = random_below(random, RULES_MAX + 1); left > 0; left--) {
        struct rule *rule = &wish->rules[wish->rule_count++];
        rule->op = (Zmesos__V1__Constraint__Operator)random_between(random, OPERATOR(EQUALS), OPERATOR(FAR));
        rule->attribute = attributes[random_below(random, sizeof attributes / sizeof *attributes)];
        if (rule->op == OPERATOR(GREATER) || rule->op == OPERATOR(LESS))
            rule->attribute = "generation";
        rule->preferred = random_below(random, 3) == 0;
        any_values(sim, rule);
    }
}

void rules_pack(struct sim *sim, const struct wish *wish, Zmesos__V1__TaskSpec *spec)
{
    spec->name = arena_string(&sim->arena, wish->name);
    spec->constraints = arena_array(&sim->arena, RULES_MAX, sizeof *spec->constraints);
    for (size_t i = 0; i < wish->rule_count; i++) {
        const struct rule *rule = &wish->rules[i];
        Zmesos__V1__Constraint *constraint = NEW(sim, Zmesos__V1__Constraint);
        zmesos__v1__constraint__init(constraint);
        constraint->attribute = arena_string(&sim->arena, rule->attribute);
        constraint->has_operator_ = true;
        constraint->operator_ = rule->op;
        constraint->has_preferred = true;
        constraint->preferred = rule->preferred;
        constraint->values = arena_array(&sim->arena, RULE_VALUES_MAX, sizeof *constraint->values);
        for (size_t v = 0; v < rule->value_count; v++)
            constraint->values[constraint->n_values++] = arena_string(&sim->arena, rule->values[v]);
        spec->constraints[spec->n_constraints++] = constraint;
    }
}

/* ---- other tasks ---- */

static bool groups(const struct rule *rule)
{
    return rule->op == OPERATOR(UNIQUE) || rule->op == OPERATOR(MAX_PER) || rule->op == OPERATOR(SPREAD) ||
           rule->op == OPERATOR(TOGETHER);
}

/* Where a task is as the core has it. HOLDS: on *at. */
static enum judged placed(struct sim *sim, const struct kept_task *task, const struct agent **at)
{
    const struct attempt_row *last = task->attempt_count ? &task->attempts[task->attempt_count - 1] : NULL;
    *at = last ? sim_agent(sim, last->agent_id) : NULL;
    if (!last || is_final(last->state))
        return HOLDS_NOT;
    if (last->flags & peek_replaced || last->state == (int)VIEW(LOST) || is_over(task->row.state))
        return NOT_SURE;
    return task->row.state == (int)VIEW(QUEUED) ? HOLDS_NOT : HOLDS;
}

static bool in_group(const struct wish *wish, const struct wish *other, const char *attribute)
{
    const char *name = wish->name ? wish->name : wish->id, *its = other->name ? other->name : other->id;
    if (strcmp(name, its) != 0)
        return false;
    for (size_t i = 0; i < other->rule_count; i++) {
        if (groups(&other->rules[i]) && strcmp(other->rules[i].attribute, attribute) == 0)
            return true;
    }
    return false;
}

/* How many of its group have that value (NULL: any); false: that cannot be told. */
static bool count_at(
        struct sim *sim, const struct wish *wish, const struct rule *rule, const char *value, size_t *count)
{
    const struct disk *ahead = &sim->store.ahead;
    *count = 0;
    for (size_t i = 0; i < ahead->task_count; i++) {
        const struct kept_task *task = &ahead->tasks[i];
        const struct wish *other = client_wish(sim, task->row.id, strlen(task->row.id));
        const struct agent *at;
        if (!other || other == wish || task->row.flags & peek_adopted ||
                !in_group(wish, other, rule->attribute))
            continue;
        enum judged there = placed(sim, task, &at);
        const char *its = at ? rules_value(at, rule->attribute) : NULL;
        if (there == NOT_SURE)
            return false;
        *count += there == HOLDS && its && (!value || strcmp(its, value) == 0);
    }
    return true;
}

static bool is_named(const struct rule *rule, const char *value)
{
    for (size_t i = 0; i < rule->value_count; i++) {
        if (strcmp(rule->values[i], value) == 0)
            return true;
    }
    return false;
}

static enum judged is_spread(
        struct sim *sim, const struct wish *wish, const struct rule *rule, const char *value)
{
    size_t here, there;
    if (rule->value_count > 0 && !is_named(rule, value))
        return HOLDS_NOT;
    if (!count_at(sim, wish, rule, value, &here))
        return NOT_SURE;
    for (size_t i = 0; i < rule->value_count; i++) {
        if (count_at(sim, wish, rule, rule->values[i], &there) && there < here)
            return HOLDS_NOT;
    }
    for (int i = 0; i < sim->agent_count && rule->value_count == 0; i++) {
        const char *other = sim->agents[i].offered ? rules_value(&sim->agents[i], rule->attribute) : NULL;
        if (other && count_at(sim, wish, rule, other, &there) && there < here)
            return HOLDS_NOT;
    }
    return HOLDS;
}

/* Whose agent was not offered in this subscription, of that is known by id and host name alone. */
static bool is_known(const struct agent *agent, const char *attribute)
{
    return agent->offered || strcmp(attribute, "hostname") == 0 || strcmp(attribute, "agent_id") == 0;
}

static enum judged is_near(
        struct sim *sim, const struct rule *rule, const struct agent *agent, const char *value)
{
    const struct kept_task *other = decided_task(sim, rule->values[0]);
    const struct agent *at = NULL;
    enum judged there = other ? placed(sim, other, &at) : HOLDS_NOT;
    if (there != HOLDS || !at)
        return there == HOLDS ? NOT_SURE : there;
    const char *its = rules_value(at, rule->attribute);
    if (!is_known(at, rule->attribute))
        return HOLDS_NOT;
    (void)agent;
    return its && strcmp(its, value) == 0 ? HOLDS : HOLDS_NOT;
}

static enum judged is_far(
        struct sim *sim, const struct rule *rule, const struct agent *agent, const char *value)
{
    const struct kept_task *other = decided_task(sim, rule->values[0]);
    const struct agent *at = NULL;
    enum judged there = other ? placed(sim, other, &at) : HOLDS_NOT;
    if (there != HOLDS || !at)
        return there == HOLDS_NOT ? HOLDS : NOT_SURE;
    const char *its = is_known(at, rule->attribute) ? rules_value(at, rule->attribute) : NULL;
    bool same = its && value ? strcmp(its, value) == 0 : at == agent;
    return same ? HOLDS_NOT : HOLDS;
}

/* ---- judging ---- */

static bool matches(const char *pattern, const char *value)
{
    char whole[64];
    regex_t regex;
    stpcpy(stpcpy(stpcpy(whole, "^("), pattern), ")$");
    if (regcomp(&regex, whole, REG_EXTENDED | REG_NOSUB))
        return false;
    bool found = regexec(&regex, value, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

static enum judged judged(bool holds)
{
    return holds ? HOLDS : HOLDS_NOT;
}

enum judged rule_holds(
        struct sim *sim, const struct wish *wish, const struct rule *rule, const struct agent *agent)
{
    const char *value = rules_value(agent, rule->attribute);
    size_t here, all;
    if (rule->op == OPERATOR(NOT_EXISTS))
        return judged(!value);
    if (rule->op == OPERATOR(FAR))
        return is_far(sim, rule, agent, value);
    if (!value)
        return HOLDS_NOT;
    switch (rule->op) {
    case OPERATOR(EQUALS):
    case OPERATOR(IN):
        return judged(is_named(rule, value));
    case OPERATOR(NOT_EQUALS):
    case OPERATOR(NOT_IN):
        return judged(!is_named(rule, value));
    case OPERATOR(MATCHES):
        return judged(matches(rule->values[0], value));
    case OPERATOR(NOT_MATCHES):
        return judged(!matches(rule->values[0], value));
    case OPERATOR(GREATER):
        return judged(atoi(value) > atoi(rule->values[0]));
    case OPERATOR(LESS):
        return judged(atoi(value) < atoi(rule->values[0]));
    case OPERATOR(EXISTS):
        return HOLDS;
    case OPERATOR(UNIQUE):
        return count_at(sim, wish, rule, value, &here) ? judged(here == 0) : NOT_SURE;
    case OPERATOR(MAX_PER):
        return count_at(sim, wish, rule, value, &here) ? judged(here < (size_t)atoi(rule->values[0]))
                                                       : NOT_SURE;
    case OPERATOR(TOGETHER):
        if (!count_at(sim, wish, rule, value, &here) || !count_at(sim, wish, rule, NULL, &all))
            return NOT_SURE;
        return judged(all == 0 || here > 0);
    case OPERATOR(SPREAD):
        return is_spread(sim, wish, rule, value);
    case OPERATOR(NEAR):
        return is_near(sim, rule, agent, value);
    default:
        return NOT_SURE;
    }
}

enum judged rules_hold(struct sim *sim, const struct wish *wish, const struct agent *agent)
{
    enum judged all = HOLDS;
    for (size_t i = 0; i < wish->rule_count; i++) {
        if (wish->rules[i].preferred)
            continue;
        enum judged one = rule_holds(sim, wish, &wish->rules[i], agent);
        if (one == HOLDS_NOT)
            return HOLDS_NOT;
        all = one == NOT_SURE ? NOT_SURE : all;
    }
    return all;
}

unsigned rules_preferred(struct sim *sim, const struct wish *wish, const struct agent *agent, bool *sure)
{
    unsigned count = 0;
    for (size_t i = 0; i < wish->rule_count; i++) {
        if (!wish->rules[i].preferred)
            continue;
        enum judged one = rule_holds(sim, wish, &wish->rules[i], agent);
        count += one == HOLDS;
        *sure &= one != NOT_SURE;
    }
    return count;
}

bool rules_may_open(const struct wish *wish)
{
    for (size_t i = 0; i < wish->rule_count; i++) {
        if (wish->rules[i].op == OPERATOR(SPREAD) || wish->rules[i].op == OPERATOR(NEAR))
            return true;
    }
    return false;
}
