/* The message types that inputs choose from. Append only: the corpora's first bytes are indices. */
#include "fuzz.h"

#include "kinds.pb-c.h"
#include "mesos/v1/scheduler/scheduler.pb-c.h"
#include "zmesos/v1/zmesos.pb-c.h"

const ProtobufCMessageDescriptor *fuzz_type(uint8_t choice)
{
    static const ProtobufCMessageDescriptor *const types[] = {
            &mesos__v1__scheduler__event__descriptor,
            &mesos__v1__scheduler__call__descriptor,
            &zmesos__v1__request__descriptor,
            &kinds__single__descriptor,
            &kinds__many__descriptor,
            &kinds__defaults__descriptor,
            &kinds__needs__descriptor,
            &kinds__one_of__descriptor,
            &kinds__maps__descriptor,
            &kinds__roots__descriptor,
    };
    return types[choice % (sizeof types / sizeof *types)];
}
