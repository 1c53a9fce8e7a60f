/* What a seed uses of what zmesos can do besides running tasks that ask for cpus. */
#ifndef SIM_FEATURES_H
#define SIM_FEATURES_H

#include "world.h"

enum feature {
    FEATURE_RESOURCES,   /* by name, reserved, revocable; numbers and items */
    FEATURE_EXECUTORS,   /* of the framework's own, shared by the tasks of an agent */
    FEATURE_CONSTRAINTS, /* on where a task goes */
    FEATURE_ROLES,       /* suppressed and revived by request; one comes and goes */
    FEATURE_TEARDOWN,    /* by request */
    FEATURE_ASKED,       /* MESSAGE, SHUTDOWN and such by request */
    FEATURE_MAINTENANCE, /* windows, inverse offers, draining */
    FEATURE_WHY,         /* requests that ask why, and where */
    FEATURE_HEALTH,      /* of tasks, as it changes */
    FEATURE_SHARES,      /* submitters, with weights */
    FEATURE_CONSUMERS,   /* that confirm updates before Mesos may forget them */
    FEATURE_LIMITS,      /* offer constraints */
    FEATURE_GROUPS,      /* of tasks, launched together */
    FEATURE_LEASES,      /* placement from outside */
    FEATURE_SHORT_TURNS, /* a round of matching takes many turns */
    FEATURE_OPERATIONS,  /* on resources, by request */
    FEATURE_COUNT
};

/* Drawn apart from all else: a seed without features is the run that it was before there were any. */
void features_init(struct sim *sim, bool basic);

#endif
