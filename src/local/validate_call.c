/* What a call must have before anything is looked up, in Mesos's words: they reach people through the
 * schedulers. */
#include <math.h>
#include <string.h>

#include "base/text.h"

#include "parts.h"

static const char *missing(const Call *call)
{
    switch (call->type) {
    case CALL(SUBSCRIBE):
        return call->subscribe == NULL ? "subscribe" : NULL;
    case CALL(ACCEPT):
        return call->accept == NULL ? "accept" : NULL;
    case CALL(DECLINE):
        return call->decline == NULL ? "decline" : NULL;
    case CALL(ACCEPT_INVERSE_OFFERS):
        return call->accept_inverse_offers == NULL ? "accept_inverse_offers" : NULL;
    case CALL(DECLINE_INVERSE_OFFERS):
        return call->decline_inverse_offers == NULL ? "decline_inverse_offers" : NULL;
    case CALL(KILL):
        return call->kill == NULL ? "kill" : NULL;
    case CALL(SHUTDOWN):
        return call->shutdown == NULL ? "shutdown" : NULL;
    case CALL(ACKNOWLEDGE):
        return call->acknowledge == NULL ? "acknowledge" : NULL;
    case CALL(ACKNOWLEDGE_OPERATION_STATUS):
        return call->acknowledge_operation_status == NULL ? "acknowledge_operation_status" : NULL;
    case CALL(RECONCILE):
        return call->reconcile == NULL ? "reconcile" : NULL;
    case CALL(RECONCILE_OPERATIONS):
        return call->reconcile_operations == NULL ? "reconcile_operations" : NULL;
    case CALL(MESSAGE):
        return call->message == NULL ? "message" : NULL;
    case CALL(REQUEST):
        return call->request == NULL ? "request" : NULL;
    case CALL(UPDATE_FRAMEWORK):
        return call->update_framework == NULL ? "update_framework" : NULL;
    default:
        return NULL;
    }
}

static bool same_id(const Mesos__V1__FrameworkID *a, const Mesos__V1__FrameworkID *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return strcmp(a->value, b->value) == 0;
}

static int check_principal(const FrameworkInfo *info, const char *principal, struct error *err)
{
    if (principal != NULL && info->principal != NULL && strcmp(principal, info->principal) != 0)
        return error_set(err, ERR_INVALID,
                "Authenticated principal '%s' does not match principal '%s' set in 'FrameworkInfo'",
                principal, info->principal);
    return 0;
}

/* Lists of roles are looked through for each role: short ones only. */
static bool too_many_roles(const Call *call)
{
    size_t count = 0;
    if (call->subscribe != NULL)
        count = call->subscribe->n_suppressed_roles + call->subscribe->framework_info->n_roles;
    if (call->update_framework != NULL)
        count += call->update_framework->n_suppressed_roles + call->update_framework->framework_info->n_roles;
    if (call->revive != NULL)
        count += call->revive->n_roles;
    if (call->suppress != NULL)
        count += call->suppress->n_roles;
    return count > FRAMEWORK_ROLES_MAX;
}

int validate_call(const Call *call, const char *principal, struct error *err)
{
    if (!call->has_type || call->type == CALL(UNKNOWN))
        return error_set(err, ERR_INVALID, "Expecting 'type' to be present");
    const char *name = missing(call);
    if (name != NULL)
        return error_set(err, ERR_INVALID, "Expecting '%s' to be present", name);
    if (too_many_roles(call))
        return error_set(err, ERR_TOO_LARGE, "More than %d roles", FRAMEWORK_ROLES_MAX);
    if (call->type == CALL(SUBSCRIBE)) {
        const FrameworkInfo *info = call->subscribe->framework_info;
        if (!same_id(call->framework_id, info->id))
            return error_set(err, ERR_INVALID, "'framework_id' differs from 'subscribe.framework_info.id'");
        return check_principal(info, principal, err);
    }
    if (call->framework_id == NULL)
        return error_set(err, ERR_INVALID, "Expecting 'framework_id' to be present");
    if (call->type == CALL(UPDATE_FRAMEWORK)) {
        const FrameworkInfo *info = call->update_framework->framework_info;
        if (!same_id(call->framework_id, info->id))
            return error_set(
                    err, ERR_INVALID, "'framework_id' differs from 'update_framework.framework_info.id'");
        return check_principal(info, principal, err);
    }
    if (call->type == CALL(ACKNOWLEDGE) && call->acknowledge->uuid.len != 16)
        return error_set(err, ERR_INVALID, "Not a valid UUID");
    if (call->type == CALL(ACKNOWLEDGE_OPERATION_STATUS) &&
            call->acknowledge_operation_status->uuid.len != 16)
        return error_set(err, ERR_INVALID, "Not a valid UUID");
    return 0;
}

static bool is_multi_role(const FrameworkInfo *info)
{
    for (size_t i = 0; i < info->n_capabilities; i++)
        if (info->capabilities[i]->has_type && info->capabilities[i]->type == CAPABILITY(MULTI_ROLE))
            return true;
    return false;
}

static int check_role(const char *role, struct error *err)
{
    if (strcmp(role, "*") == 0)
        return 0;
    if (role[0] == '\0')
        return error_set(err, ERR_INVALID, "Empty role name is invalid");
    if (role[0] == '/' || role[strlen(role) - 1] == '/')
        return error_set(err, ERR_INVALID, "Role '%s' cannot start or end with a slash", role);
    for (const char *part = role; part != NULL; part = strchr(part, '/')) {
        part += part[0] == '/' ? 1 : 0;
        size_t length = strcspn(part, "/");
        if (length == 0 || part[0] == '-' || (length == 1 && (part[0] == '.' || part[0] == '*')) ||
                (length == 2 && strncmp(part, "..", 2) == 0))
            return error_set(err, ERR_INVALID, "Role '%s' has an invalid part", role);
    }
    for (const char *at = role; *at != '\0'; at++)
        if ((unsigned char)*at <= ' ' || *at == '\\' || *at == 0x7f)
            return error_set(err, ERR_INVALID, "Role '%s' contains invalid characters", role);
    return 0;
}

int validate_framework(const FrameworkInfo *info, struct error *err)
{
    const char *role = types_framework_role(info);
    struct error why;
    if (is_multi_role(info) && role != NULL)
        return error_set(err, ERR_INVALID,
                "'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable");
    if (!is_multi_role(info) && info->n_roles > 0)
        return error_set(err, ERR_INVALID,
                "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable");
    int code = role == NULL ? 0 : check_role(role, err);
    for (size_t i = 0; code == 0 && i < info->n_roles; i++) {
        code = check_role(info->roles[i], err);
        for (size_t j = 0; code == 0 && j < i; j++)
            if (strcmp(info->roles[i], info->roles[j]) == 0)
                code = error_set(err, ERR_INVALID, "'FrameworkInfo.roles' contains duplicate items: %s",
                        info->roles[i]);
    }
    if (code == 0 && (isnan(info->failover_timeout) || info->failover_timeout < 0))
        code = error_set(
                err, ERR_INVALID, "The framework failover_timeout (%f) is invalid", info->failover_timeout);
    if (code == 0 && info->id != NULL && text_check_id(info->id->value, 255, &why) != 0)
        code = error_set(
                err, ERR_INVALID, "Framework ID '%.200s' is invalid: %.200s", info->id->value, why.text);
    return code;
}
