/* Offer constraints: of which agents a role wants offers, as our daemon tells the master, which goes by them.
 * They are read into a bit for each agent, whose attributes stay. */
#include "limits.h"

#include <regex.h>
#include <string.h>

#include "peek.h"
#include "sim.h"

#define PSEUDO(name) MESOS__V1__SCHEDULER__ATTRIBUTE_CONSTRAINT__SELECTOR__PSEUDOATTRIBUTE_TYPE__##name

/* What the core says to RE2 reads alike to POSIX, but for any byte, which is \C. */
static bool matches(const char *pattern, const char *value)
{
    char plain[256], *end = plain;
    regex_t regex;
    regmatch_t found;
    for (; *pattern && end < plain + sizeof plain - 1; pattern++) {
        bool any = pattern[0] == '\\' && pattern[1] == 'C';
        *end++ = any ? '.' : *pattern;
        pattern += any;
    }
    *end = '\0';
    if (regcomp(&regex, plain, REG_EXTENDED))
        return false;
    bool whole = regexec(&regex, value, 1, &found, 0) == 0 && found.rm_so == 0 && !value[found.rm_eo];
    regfree(&regex);
    return whole;
}

static bool holds(const struct agent *agent, const Mesos__V1__Scheduler__AttributeConstraint *constraint)
{
    const Mesos__V1__Scheduler__AttributeConstraint__Selector *selector = constraint->selector;
    const Mesos__V1__Scheduler__AttributeConstraint__Predicate *predicate = constraint->predicate;
    const char *name = selector->attribute_name                             ? selector->attribute_name
                       : selector->pseudoattribute_type == PSEUDO(HOSTNAME) ? "hostname"
                                                                            : "zone";
    bool known = strcmp(name, "rack") == 0 || strcmp(name, "zone") == 0 || strcmp(name, "generation") == 0 ||
                 strcmp(name, "hostname") == 0;
    const char *value = known ? rules_value(agent, name) : NULL;
    if (predicate->exists)
        return value;
    if (predicate->not_exists)
        return !value;
    if (value && strcmp(name, "generation") == 0)
        return true; /* not text */
    if (predicate->text_equals)
        return value && strcmp(value, predicate->text_equals->value) == 0;
    if (predicate->text_not_equals)
        return !value || strcmp(value, predicate->text_not_equals->value) != 0;
    if (predicate->text_matches)
        return value && matches(predicate->text_matches->regex, value);
    return !value || !matches(predicate->text_not_matches->regex, value);
}

static bool may_have(
        const struct agent *agent, const Mesos__V1__Scheduler__OfferConstraints__RoleConstraints *constraints)
{
    for (size_t i = 0; i < constraints->n_groups; i++) {
        const Mesos__V1__Scheduler__OfferConstraints__RoleConstraints__Group *group = constraints->groups[i];
        bool all = true;
        for (size_t j = 0; j < group->n_attribute_constraints; j++)
            all &= holds(agent, group->attribute_constraints[j]);
        if (all)
            return true;
    }
    return false;
}

/* Whatever waits has offers of each agent on which it could go. */
static void check_covered(struct sim *sim, const uint32_t agents[ROLES])
{
    const struct disk *ahead = &sim->store.ahead;
    for (size_t i = 0; i < ahead->task_count; i++) {
        const struct task_row *row = &ahead->tasks[i].row;
        const struct wish *wish = client_wish(sim, row->id, strlen(row->id));
        if (!wish || wish->found || wish->placer || row->state != (int)VIEW(QUEUED) ||
                row->flags & (peek_held | peek_adopted) || decided_stopped(sim, wish->role) ||
                !decided_role(sim, wish->role))
            continue;
        for (int j = 0; j < sim->agent_count; j++) {
            if (!(agents[wish->role] >> j & 1) && rules_hold(sim, wish, &sim->agents[j]) == HOLDS)
                violation(sim, "%s waits, and offers of %s are not wanted, where it could go", row->id,
                        sim->agents[j].id);
        }
    }
}

void limits_read(struct sim *sim, const Mesos__V1__Scheduler__OfferConstraints *message,
        uint32_t agents[ROLES], bool carried)
{
    for (int role = 0; role < ROLES; role++)
        agents[role] = UINT32_MAX;
    for (size_t i = 0; message && i < message->n_role_constraints; i++) {
        int role = role_of(message->role_constraints[i]->key);
        agents[role] = 0;
        for (int j = 0; j < sim->agent_count; j++)
            agents[role] |= (uint32_t)may_have(&sim->agents[j], message->role_constraints[i]->value) << j;
        trace(sim, "daemon", "wants offers to %s of %x", role_name(role), agents[role]);
    }
    if (!carried)
        check_covered(sim, agents);
    for (int role = 0; role < ROLES && sim->plant == PLANT_TOO_STRICT; role++)
        agents[role] &= agents[role] == UINT32_MAX ? UINT32_MAX : agents[role] - 1;
}
