/* What the rows of tasks and of operations have in common. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

const char *row_text(const char *text)
{
    return text ? text : "";
}

void row_text_set(char **place, const char *text)
{
    if (*place && text && strcmp(*place, text) == 0)
        return;
    free(*place);
    *place = text && *text ? alloc_string(text) : NULL;
}

bool row_state_is_known(int32_t state)
{
    return *enum_name(&zmesos__v1__task_state__descriptor, state) != '\0';
}
