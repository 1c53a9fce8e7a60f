/* The way to a field, for errors: steps live on the stack of whoever descends, and text is made only when
 * needed. */
#ifndef WIRE_PATH_H
#define WIRE_PATH_H

#include "base/error.h"

#define PATH_NO_INDEX (-1)

struct path_step {
    const struct path_step *parent; /* NULL for a field of the outermost message */
    const char *name;
    long index; /* of the element of a repeated field, or PATH_NO_INDEX */
};

/* Writes "launch.tasks[3].id", cut where it is too long; NULL gives "". Returns `text`. */
const char *path_write(const struct path_step *step, char text[ERROR_FIELD_MAX]);

#endif
