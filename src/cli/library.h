/* Errors of libzmesos as ours. */
#ifndef CLI_LIBRARY_H
#define CLI_LIBRARY_H

#include "base/error.h"
#include "zmesos.h"

/* Passes `rc` on; where it is negative `err` gets the words, behind `before`. The codes are the same. */
int library_error(struct error *err, int rc, const char *before, const struct zmesos_error *error);

#endif
