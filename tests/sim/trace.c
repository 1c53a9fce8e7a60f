/* What happened, a line an event, when a seed is played again. */
#include "sim.h"

#include <stdarg.h>
#include <stdio.h>

void trace(struct sim *sim, const char *who, const char *format, ...)
{
    if (!sim->tracing)
        return;
    va_list arguments;
    printf("%11.6f %-7s ", (double)sim->now_us / 1e6, who);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
}

static const char *name_of(const ProtobufCEnumDescriptor *descriptor, int value)
{
    for (unsigned i = 0; i < descriptor->n_values; i++) {
        if (descriptor->values[i].value == value)
            return descriptor->values[i].name;
    }
    return "?";
}

const char *call_name(int type)
{
    return name_of(&mesos__v1__scheduler__call__type__descriptor, type);
}

const char *state_name(int state)
{
    return name_of(&mesos__v1__task_state__descriptor, state);
}

const char *view_name(int state)
{
    return name_of(&zmesos__v1__task_state__descriptor, state);
}
