/* Paths of fields. Depth is limited by whoever made the steps. */
#include "path.h"

#include <stdio.h>

static size_t write_step(const struct path_step *step, char *text, size_t used)
{
    if (step->parent)
        used = write_step(step->parent, text, used);
    size_t room = ERROR_FIELD_MAX - used;
    const char *dot = step->parent ? "." : "";
    int wrote = step->index == PATH_NO_INDEX
                        ? snprintf(text + used, room, "%s%s", dot, step->name)
                        : snprintf(text + used, room, "%s%s[%ld]", dot, step->name, step->index);
    used += (size_t)wrote;
    return used < ERROR_FIELD_MAX ? used : ERROR_FIELD_MAX - 1;
}

const char *path_write(const struct path_step *step, char text[ERROR_FIELD_MAX])
{
    text[0] = '\0';
    if (step)
        write_step(step, text, 0);
    return text;
}
