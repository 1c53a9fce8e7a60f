/* Constraints as people write them:
 *
 *     rack=r1           the attribute has this value
 *     rack in r1,r2     one of these values
 *     rack~r[0-9]+      the whole value matches the POSIX extended regular expression
 *     unique rack       no two tasks of the same name share a value
 *
 * Blanks around names, operators and values do not count. */
#ifndef CLI_CONSTRAINT_H
#define CLI_CONSTRAINT_H

#include "base/arena.h"
#include "zmesos/v1/zmesos.pb-c.h"

/* The constraint lives in the arena. ERR_INVALID. */
int constraint_parse(
        struct arena *arena, const char *text, Zmesos__V1__Constraint **out, struct error *err) MUST_CHECK;

#endif
