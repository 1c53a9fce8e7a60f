/* The table of classes and topics. */
#include "wire/topics.h"

#include <string.h>

#include "zmesos/v1/zmesos.pb-c.h"

#define CLASS(name) ZMESOS__V1__EVENT_CLASS__##name

const char *topics_root(int class)
{
    switch (class) {
    case CLASS(TASK):
        return "task/";
    case CLASS(UPDATE):
        return "mesos/UPDATE/";
    case CLASS(OPERATION_UPDATE):
        return "mesos/UPDATE_OPERATION_STATUS";
    case CLASS(MESSAGE):
        return "mesos/MESSAGE";
    case CLASS(FAILURE):
        return "mesos/FAILURE";
    case CLASS(MESOS_ERROR):
        return "mesos/ERROR";
    case CLASS(ORPHAN):
        return "zmesos/ORPHAN/";
    case CLASS(OPERATION):
        return "operation/";
    case CLASS(UNCONFIRMED):
        return "zmesos/UNCONFIRMED/";
    case CLASS(WHY):
        return "zmesos/WHY/";
    case CLASS(LEASE):
        return "zmesos/LEASE/";
    case CLASS(OFFERS):
        return "mesos/OFFERS";
    case CLASS(RESCIND):
        return "mesos/RESCIND";
    case CLASS(UNKNOWN_EVENT):
    case CLASS(INVERSE_OFFERS):
    case CLASS(MESOS_HEARTBEAT):
    case CLASS(MESOS_SUBSCRIBED):
        return "mesos/";
    case CLASS(DAEMON):
        return "zmesos/";
    default:
        return "";
    }
}

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool topics_can_match(const char *prefix, const char *root)
{
    return begins_with(root, prefix) || begins_with(prefix, root);
}
