/* Names of enum values, from the descriptors. */
#include "internal.h"

const char *enum_name(const ProtobufCEnumDescriptor *descriptor, int value)
{
    for (unsigned i = 0; i < descriptor->n_values; i++) {
        if (descriptor->values[i].value == value)
            return descriptor->values[i].name;
    }
    return "";
}
