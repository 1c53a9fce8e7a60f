/* Constraints as people write them:
 *
 *     rack=r1              the attribute has this value; rack!=r1: another one
 *     rack in r1,r2        one of these values; rack not in r1,r2: none of them
 *     rack~r[0-9]+         the whole value matches the POSIX extended regular expression; rack!~r9: does not
 *     level>3              a number greater than that; level<3: less
 *     has rack             the agent has the attribute; no rack: has it not
 *     unique rack          no two tasks of the same name share a value
 *     max 2 per rack       at most so many of them share a value
 *     spread rack          they are spread evenly; spread rack over r1,r2: over these values
 *     together rack        they all share one value
 *     rack near ID,ID      the value that these tasks have; rack far ID,ID: none that they have
 *     prefer ...           any of these: places where it holds come first
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
