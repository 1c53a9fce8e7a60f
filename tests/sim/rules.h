/* Constraints on where tasks go: drawn, packed, and judged by what the models know. */
#ifndef SIM_RULES_H
#define SIM_RULES_H

#include "world.h"

#define RULES_MAX 3
#define RULE_VALUES_MAX 3
#define OPERATOR(name) ZMESOS__V1__CONSTRAINT__OPERATOR__##name

struct rule {
    const char *attribute;
    Zmesos__V1__Constraint__Operator op;
    const char *values[RULE_VALUES_MAX];
    size_t value_count;
    bool preferred;
};

struct agent;
struct wish;

enum judged { HOLDS_NOT, HOLDS, NOT_SURE };

void rules_describe(struct sim *sim, struct agent *agent);                 /* draws its attributes */
const char *rules_value(const struct agent *agent, const char *attribute); /* NULL: it lacks it */
void rules_any(struct sim *sim, struct wish *wish);
void rules_pack(struct sim *sim, const struct wish *wish, Zmesos__V1__TaskSpec *spec);
void rules_show(struct arena *arena, const struct agent *agent, Mesos__V1__Offer *offer);

/* As the core has decided so far, before the task is placed. */
enum judged rule_holds(
        struct sim *sim, const struct wish *wish, const struct rule *rule, const struct agent *agent);
/* All that are strict. */
enum judged rules_hold(struct sim *sim, const struct wish *wish, const struct agent *agent);
/* How many of those preferred hold; *sure: whether that can be told. */
unsigned rules_preferred(struct sim *sim, const struct wish *wish, const struct agent *agent, bool *sure);
bool rules_may_open(const struct wish *wish); /* a placement elsewhere may make room */

#endif
