/* Offer constraints of a SUBSCRIBE or an UPDATE_FRAMEWORK: which agents a role wants offers of. One of a
 * role's groups must hold, in it every constraint. Regular expressions are POSIX's, extended, where Mesos has
 * RE2: alike in what is common. */
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#include "parts.h"

typedef Mesos__V1__Scheduler__AttributeConstraint Constraint;
typedef Mesos__V1__Scheduler__AttributeConstraint__Predicate Predicate;

#define PSEUDO(name) MESOS__V1__SCHEDULER__ATTRIBUTE_CONSTRAINT__SELECTOR__PSEUDOATTRIBUTE_TYPE__##name

/* The whole text. A pattern that is none matches nothing. */
static bool matches(const char *pattern, const char *text)
{
    regex_t regex;
    size_t length = strlen(pattern) + sizeof("^()$");
    char *whole = alloc_bytes(length);
    bool found = false;
    whole[0] = '\0';
    strcat(strcat(strcat(whole, "^("), pattern), ")$");
    if (regcomp(&regex, whole, REG_EXTENDED | REG_NOSUB) == 0) {
        found = regexec(&regex, text, 0, NULL, 0) == 0;
        regfree(&regex);
    }
    free(whole);
    return found;
}

/* `there`: has it at all. `text` is NULL where that is no text. */
static bool holds(const Predicate *predicate, bool there, const char *text)
{
    if (predicate->exists != NULL)
        return there;
    if (predicate->not_exists != NULL)
        return !there;
    if (there && text == NULL) /* numbers and ranges pass */
        return true;
    if (predicate->text_equals != NULL)
        return there && strcmp(text, predicate->text_equals->value) == 0;
    if (predicate->text_not_equals != NULL)
        return !there || strcmp(text, predicate->text_not_equals->value) != 0;
    if (predicate->text_matches != NULL)
        return there && matches(predicate->text_matches->regex, text);
    if (predicate->text_not_matches != NULL)
        return !there || !matches(predicate->text_not_matches->regex, text);
    return true;
}

static bool constraint_holds(const Constraint *constraint, const struct agent *agent)
{
    const char *name = constraint->selector->attribute_name;
    if (name == NULL) /* of the others, region and zone, our agents have none */
        return constraint->selector->pseudoattribute_type == PSEUDO(HOSTNAME)
                       ? holds(constraint->predicate, true, agent->hostname)
                       : holds(constraint->predicate, false, NULL);
    for (size_t i = 0; i < agent->attribute_count; i++)
        if (strcmp(agent->attributes[i]->name, name) == 0)
            return holds(constraint->predicate, true,
                    agent->attributes[i]->text == NULL ? NULL : agent->attributes[i]->text->value);
    return holds(constraint->predicate, false, NULL);
}

bool constraints_hold(const OfferConstraints *constraints, const char *role, const struct agent *agent)
{
    for (size_t i = 0; constraints != NULL && i < constraints->n_role_constraints; i++) {
        if (strcmp(constraints->role_constraints[i]->key, role) != 0)
            continue;
        const Mesos__V1__Scheduler__OfferConstraints__RoleConstraints *mine =
                constraints->role_constraints[i]->value;
        for (size_t j = 0; j < mine->n_groups; j++) {
            bool all = true;
            for (size_t k = 0; k < mine->groups[j]->n_attribute_constraints && all; k++)
                all = constraint_holds(mine->groups[j]->attribute_constraints[k], agent);
            if (all)
                return true;
        }
        return mine->n_groups == 0;
    }
    return true;
}

void framework_set_constraints(struct framework *framework, OfferConstraints *constraints)
{
    mesos__v1__scheduler__offer_constraints__free_unpacked(framework->constraints, NULL);
    framework->constraints = constraints;
}
