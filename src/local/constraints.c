/* Offer constraints of a SUBSCRIBE or an UPDATE_FRAMEWORK: which agents a role wants offers of. One of a
 * role's groups must hold, in it every constraint. Regular expressions are POSIX's, extended, where Mesos has
 * RE2: alike in what is common, and \C, any byte, is known. */
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#include "parts.h"

typedef Mesos__V1__Scheduler__AttributeConstraint Constraint;
typedef Mesos__V1__Scheduler__AttributeConstraint__Predicate Predicate;
typedef Mesos__V1__Scheduler__AttributeConstraint__Selector__PseudoattributeType PseudoType;

#define PSEUDO(name) MESOS__V1__SCHEDULER__ATTRIBUTE_CONSTRAINT__SELECTOR__PSEUDOATTRIBUTE_TYPE__##name

/* For the whole text; 0, or a code of regcomp(). */
static int compile(regex_t *regex, const char *pattern)
{
    char *whole = alloc_bytes(strlen(pattern) + sizeof("^()$")), *to = stpcpy(whole, "^(");
    for (const char *c = pattern; *c != '\0'; c++) {
        if (c[0] == '\\' && c[1] == 'C')
            *to++ = '.';
        else
            *to++ = *c;
        if (c[0] == '\\' && c[1] != '\0') {
            if (c[1] != 'C')
                *to++ = c[1];
            c++;
        }
    }
    strcpy(to, ")$");
    int code = regcomp(regex, whole, REG_EXTENDED | REG_NOSUB);
    free(whole);
    return code;
}

static bool matches(const char *pattern, const char *text)
{
    regex_t regex;
    if (compile(&regex, pattern) != 0)
        return false; /* it was checked */
    bool found = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
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

/* NULL: the agent has none. */
static const char *pseudo_value(const struct agent *agent, PseudoType type)
{
    if (type == PSEUDO(HOSTNAME))
        return agent->hostname;
    if (agent->domain == NULL)
        return NULL;
    return type == PSEUDO(REGION) ? agent->domain->fault_domain->region->name
                                  : agent->domain->fault_domain->zone->name;
}

static bool constraint_holds(const Constraint *constraint, const struct agent *agent)
{
    const char *name = constraint->selector->attribute_name;
    if (name == NULL) {
        const char *value = pseudo_value(agent, constraint->selector->pseudoattribute_type);
        return holds(constraint->predicate, value != NULL, value);
    }
    for (size_t i = 0; i < agent->attribute_count; i++)
        if (strcmp(agent->attributes[i]->name, name) == 0)
            return holds(constraint->predicate, true,
                    agent->attributes[i]->text == NULL ? NULL : agent->attributes[i]->text->value);
    return holds(constraint->predicate, false, NULL);
}

bool constraints_hold(const OfferConstraints *constraints, const char *role, const struct agent *agent)
{
    for (size_t i = 0; constraints != NULL && i < constraints->n_role_constraints; i++) {
        const char *key = constraints->role_constraints[i]->key;
        if (key == NULL || strcmp(key, role) != 0)
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
        return false;
    }
    return true;
}

/* ---- checking, in the words of Mesos ---- */

static int check_pattern(const char *pattern, struct error *err)
{
    regex_t regex;
    int code = compile(&regex, pattern);
    if (code != 0) {
        char words[100];
        regerror(code, &regex, words, sizeof(words));
        return error_set(
                err, ERR_INVALID, "Failed to construct regex from pattern '%.100s': %s", pattern, words);
    }
    regfree(&regex);
    return 0;
}

static int check_constraint(const Constraint *constraint, struct error *err)
{
    const Predicate *predicate = constraint->predicate;
    const Mesos__V1__Scheduler__AttributeConstraint__Selector *selector = constraint->selector;
    if (selector->attribute_name == NULL && !selector->has_pseudoattribute_type)
        return error_set(err, ERR_INVALID,
                "Exactly one of 'AttributeConstraint::Selector::name' or "
                "'AttributeConstraint::Selector::pseudoattribute_type' must be set");
    if (selector->attribute_name == NULL && selector->pseudoattribute_type == PSEUDO(UNKNOWN))
        return error_set(err, ERR_INVALID, "Unknown pseudoattribute type");
    if (predicate->text_matches != NULL)
        return check_pattern(predicate->text_matches->regex, err);
    if (predicate->text_not_matches != NULL)
        return check_pattern(predicate->text_not_matches->regex, err);
    if (predicate->exists == NULL && predicate->not_exists == NULL && predicate->text_equals == NULL &&
            predicate->text_not_equals == NULL)
        return error_set(err, ERR_INVALID, "Unknown predicate type");
    return 0;
}

static int check_group(const char *role,
        const Mesos__V1__Scheduler__OfferConstraints__RoleConstraints__Group *group, struct error *err)
{
    if (group->n_attribute_constraints == 0)
        return error_set(err, ERR_INVALID,
                "Offer constraints are not valid: 'OfferConstraints::RoleConstraints::groups' for role %s"
                "contains an empty RoleConstraints::Group",
                role);
    for (size_t i = 0; i < group->n_attribute_constraints; i++) {
        struct error why;
        int code = check_constraint(group->attribute_constraints[i], &why);
        if (code != 0)
            return error_set(err, code,
                    "Offer constraints are not valid: A role %s has an invalid 'AttributeConstraint': %s",
                    role, why.text);
    }
    return 0;
}

int constraints_check(const OfferConstraints *constraints, char **roles, size_t role_count, struct error *err)
{
    int code = 0;
    for (size_t i = 0; constraints != NULL && i < constraints->n_role_constraints && code == 0; i++) {
        const char *key = constraints->role_constraints[i]->key, *role = key == NULL ? "" : key;
        const Mesos__V1__Scheduler__OfferConstraints__RoleConstraints *mine =
                constraints->role_constraints[i]->value;
        bool known = false;
        for (size_t j = 0; j < role_count; j++)
            known |= strcmp(roles[j], role) == 0;
        if (!known)
            return error_set(err, ERR_INVALID,
                    "Offer constraints specify `role_constraints` for a role '%.200s'not contained in the "
                    "set of roles",
                    role);
        if (mine == NULL || mine->n_groups == 0)
            return error_set(err, ERR_INVALID,
                    "Offer constraints are not valid: 'OfferConstraints::role_constraints' has an empty "
                    "'RoleConstraints::groups' for role %s",
                    role);
        for (size_t j = 0; j < mine->n_groups && code == 0; j++)
            code = check_group(role, mine->groups[j], err);
    }
    return code;
}

void framework_set_constraints(struct framework *framework, OfferConstraints *constraints)
{
    mesos__v1__scheduler__offer_constraints__free_unpacked(framework->constraints, NULL);
    framework->constraints = constraints;
}
