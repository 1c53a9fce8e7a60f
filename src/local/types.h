/* Short names for the generated structs that this folder uses much, and access to the fields that Mesos
 * deprecates but still wants from frameworks without newer capabilities. */
#ifndef LOCAL_TYPES_H
#define LOCAL_TYPES_H

#include <stdbool.h>

#include "mesos/v1/mesos.pb-c.h"
#include "mesos/v1/scheduler/scheduler.pb-c.h"

typedef Mesos__V1__Scheduler__Call Call;
typedef Mesos__V1__Scheduler__Call__Type CallType;
typedef Mesos__V1__Scheduler__Event Event;
typedef Mesos__V1__FrameworkInfo FrameworkInfo;
typedef Mesos__V1__TaskInfo TaskInfo;
typedef Mesos__V1__ExecutorInfo ExecutorInfo;
typedef Mesos__V1__CommandInfo CommandInfo;
typedef Mesos__V1__HealthCheck HealthCheck;
typedef Mesos__V1__Resource Resource;
typedef Mesos__V1__Resource__ReservationInfo ReservationInfo;
typedef Mesos__V1__Attribute Attribute;
typedef Mesos__V1__Offer__Operation Operation;
typedef Mesos__V1__OperationState OperationState;
typedef Mesos__V1__Scheduler__OfferConstraints OfferConstraints;
typedef Mesos__V1__Filters Filters;
typedef Mesos__V1__TaskStatus TaskStatus;
typedef Mesos__V1__TaskState TaskState;
typedef Mesos__V1__TaskStatus__Reason Reason;
typedef Mesos__V1__TaskStatus__Source Source;

#define CALL(name) MESOS__V1__SCHEDULER__CALL__TYPE__##name
#define EVENT(name) MESOS__V1__SCHEDULER__EVENT__TYPE__##name
#define TASK(name) MESOS__V1__TASK_STATE__TASK_##name
#define REASON(name) MESOS__V1__TASK_STATUS__REASON__REASON_##name
#define SOURCE(name) MESOS__V1__TASK_STATUS__SOURCE__SOURCE_##name
#define VALUE(name) MESOS__V1__VALUE__TYPE__##name
#define CAPABILITY(name) MESOS__V1__FRAMEWORK_INFO__CAPABILITY__TYPE__##name
#define OPERATION_STATE(name) MESOS__V1__OPERATION_STATE__OPERATION_##name
#define OPERATION(name) MESOS__V1__OFFER__OPERATION__TYPE__##name

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

static inline char *types_resource_role(const Resource *resource)
{
    return resource->role;
}

static inline void types_set_resource_role(Resource *resource, char *role)
{
    resource->role = role;
}

/* The role where the sender wrote one, else NULL (protobuf-c has the default there). */
static inline char *types_framework_role(const FrameworkInfo *info)
{
    const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field_by_name(info->base.descriptor, "role");
    return info->role == field->default_value ? NULL : info->role;
}

#pragma GCC diagnostic pop

#endif
