/* What is wrong with a task of an ACCEPT, in Mesos's words and in its order: the texts reach people, and some
 * are compared with Mesos's in tests. */
#include <string.h>

#include "parts.h"
#include "same_message.h"

int validate_id(const char *id, struct error *err)
{
    size_t length = strlen(id);
    if (length == 0)
        return error_set(err, ERR_INVALID, "ID must not be empty");
    if (length > 255)
        return error_set(err, ERR_INVALID, "ID must not be greater than 255 characters");
    if (strcmp(id, ".") == 0 || strcmp(id, "..") == 0)
        return error_set(err, ERR_INVALID, "'%s' is disallowed", id);
    for (const char *at = id; *at != '\0'; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f || *at == '/' || *at == '\\')
            return error_set(err, ERR_INVALID, "'%s' contains invalid characters", id);
    return 0;
}

static int check_command(const CommandInfo *command, const char *what, struct error *err)
{
    if (command->shell && command->value == NULL)
        return error_set(err, ERR_INVALID, "%s's shell command is not set", what);
    if (!command->shell && command->value == NULL)
        return error_set(
                err, ERR_INVALID, "%s's command has no 'value' to run, and zmesos-local has no images", what);
    if (command->n_uris > 0)
        return error_set(err, ERR_INVALID, "zmesos-local fetches no URIs");
    for (size_t i = 0; command->environment != NULL && i < command->environment->n_variables; i++) {
        const Mesos__V1__Environment__Variable *variable = command->environment->variables[i];
        if (variable->secret != NULL)
            return error_set(err, ERR_INVALID, "zmesos-local has no secrets: variable '%s'", variable->name);
        if (variable->value == NULL)
            return error_set(err, ERR_INVALID,
                    "Environment variable '%s' of type 'VALUE' must have a value set", variable->name);
    }
    return 0;
}

static int check_health(const HealthCheck *check, struct error *err)
{
    if (!check->has_type)
        return error_set(err, ERR_INVALID, "Task uses invalid health check: HealthCheck must specify 'type'");
    if (check->type != MESOS__V1__HEALTH_CHECK__TYPE__COMMAND)
        return error_set(err, ERR_INVALID, "zmesos-local checks health by COMMAND only");
    if (check->command == NULL)
        return error_set(err, ERR_INVALID,
                "Task uses invalid health check: Expecting 'command' to be set for COMMAND health check");
    if (!(check->delay_seconds >= 0) || !(check->interval_seconds >= 0) || !(check->timeout_seconds >= 0) ||
            !(check->grace_period_seconds >= 0))
        return error_set(
                err, ERR_INVALID, "Task uses invalid health check: Expecting times to be non-negative");
    return check_command(check->command, "Health check", err);
}

/* What a real agent could do and we cannot: better an error now than a task that does something else. */
static int check_support(const TaskInfo *info, struct error *err)
{
    if (info->container != NULL &&
            (info->container->docker != NULL ||
                    (info->container->mesos != NULL && info->container->mesos->image != NULL)))
        return error_set(err, ERR_INVALID, "zmesos-local runs no images");
    if (info->check != NULL)
        return error_set(err, ERR_INVALID, "zmesos-local has no checks but health checks by COMMAND");
    return volumes_check_paths(info, err);
}

static int check_amounts(const struct resources *needed, const TaskInfo *info, const char *role,
        const struct resources *left, struct error *err)
{
    if (resources_contains(left, needed))
        return 0;
    struct buf text;
    buf_init(&text, 4096);
    int code = buf_append_string(&text, "Total resources ");
    for (size_t i = 0; i < info->n_resources; i++) {
        if (i > 0)
            code |= buf_append_string(&text, "; ");
        resource_message_format(info->resources[i], role, &text);
    }
    code |= buf_append_string(&text, " required by task and its executor is more than available ");
    resources_format(left, role, &text);
    code = error_set(
            err, ERR_INVALID, "%.*s%s", (int)text.length, (const char *)text.data, code == 0 ? "" : "...");
    buf_clear(&text);
    return code;
}

static int check_runnable(struct framework *framework, const TaskInfo *info, struct error *err)
{
    int code = 0;
    if (framework->local->options->simulate)
        return 0;
    if ((code = check_support(info, err)) != 0)
        return code;
    if (info->health_check != NULL && (code = check_health(info->health_check, err)) != 0)
        return code;
    if (info->executor != NULL && info->executor->container != NULL)
        return error_set(err, ERR_INVALID, "zmesos-local runs executors in no containers");
    return info->command != NULL ? check_command(info->command, "Task", err)
                                 : check_command(info->executor->command, "Executor", err);
}

static bool same_info(const ExecutorInfo *info, const struct framework *framework, const ExecutorInfo *known)
{
    ExecutorInfo whole = *info;
    Mesos__V1__FrameworkID id = MESOS__V1__FRAMEWORK_ID__INIT;
    id.value = framework->id;
    whole.framework_id = &id;
    return same_message(&whole.base, &known->base);
}

int validate_executor(struct framework *framework, const ExecutorInfo *info, const struct executor *known,
        Mesos__V1__ExecutorInfo__Type type, struct error *err)
{
    bool is_default = info->has_type && info->type == MESOS__V1__EXECUTOR_INFO__TYPE__DEFAULT;
    bool is_custom = info->has_type && info->type == MESOS__V1__EXECUTOR_INFO__TYPE__CUSTOM;
    if (is_default && info->command != NULL)
        return error_set(err, ERR_INVALID, "'ExecutorInfo.command' must not be set for 'DEFAULT' executor");
    if (is_custom && info->command == NULL)
        return error_set(err, ERR_INVALID, "'ExecutorInfo.command' must be set for 'CUSTOM' executor");
    int code = validate_id(info->executor_id->value, err);
    if (code != 0)
        return code;
    if (info->shutdown_grace_period != NULL && info->shutdown_grace_period->nanoseconds < 0)
        return error_set(err, ERR_INVALID, "ExecutorInfo's 'shutdown_grace_period' must be non-negative");
    /* The master fills it in for an executor of a task. */
    if (info->framework_id == NULL && type == MESOS__V1__EXECUTOR_INFO__TYPE__DEFAULT)
        return error_set(err, ERR_INVALID, "'ExecutorInfo.framework_id' must be set");
    if (info->framework_id != NULL && strcmp(info->framework_id->value, framework->id) != 0)
        return error_set(err, ERR_INVALID,
                "ExecutorInfo has an invalid FrameworkID (Actual: %.150s vs Expected: %.150s)",
                info->framework_id->value, framework->id);
    if (known != NULL && !same_info(info, framework, known->info))
        return error_set(err, ERR_INVALID,
                "ExecutorInfo is not compatible with existing ExecutorInfo with same ExecutorID.");
    if (type == MESOS__V1__EXECUTOR_INFO__TYPE__CUSTOM && info->has_type && !is_custom)
        return error_set(err, ERR_INVALID, "'ExecutorInfo.type' must be 'CUSTOM'");
    if (type == MESOS__V1__EXECUTOR_INFO__TYPE__CUSTOM && info->command == NULL)
        return error_set(err, ERR_INVALID, "'ExecutorInfo.command' must be set");
    return 0;
}

int validate_task(struct framework *framework, struct agent *agent, const TaskInfo *info, const char *role,
        const struct resources *left, const struct resources *used, struct error *err)
{
    int code = validate_id(info->task_id->value, err);
    if (code != 0)
        return code;
    if (task_find(framework, info->task_id->value) != NULL ||
            task_on_agent(agent, framework->id, info->task_id->value) != NULL)
        return error_set(err, ERR_INVALID, "Task has duplicate ID: %s", info->task_id->value);
    if (strcmp(info->agent_id->value, agent->id) != 0)
        return error_set(err, ERR_INVALID, "Task uses invalid agent %s while agent %s is expected",
                info->agent_id->value, agent->id);
    if (info->kill_policy != NULL && info->kill_policy->grace_period != NULL &&
            info->kill_policy->grace_period->nanoseconds < 0)
        return error_set(err, ERR_INVALID, "Task's 'kill_policy.grace_period' must be non-negative");
    if (info->max_completion_time != NULL && info->max_completion_time->nanoseconds < 0)
        return error_set(err, ERR_INVALID, "Task's 'max_completion_time' must be non-negative");
    if (resources_is_empty(used))
        return error_set(err, ERR_INVALID, "Task uses no resources");
    if ((info->executor != NULL) == (info->command != NULL))
        return error_set(err, ERR_INVALID,
                "Task should have at least one (but not both) of CommandInfo or ExecutorInfo present");
    if (info->executor != NULL)
        code = validate_executor(framework, info->executor,
                executor_find(agent, framework->id, info->executor->executor_id->value),
                MESOS__V1__EXECUTOR_INFO__TYPE__CUSTOM, err);
    if (code != 0)
        return code;
    code = check_amounts(used, info, role, left, err);
    return code != 0 ? code : check_runnable(framework, info, err);
}

static int invalid_resource(const Resource *resource, const char *why, struct error *err)
{
    struct buf text;
    buf_init(&text, 4096);
    resource_message_format(
            resource, resource->allocation_info == NULL ? NULL : resource->allocation_info->role, &text);
    int code = error_set(err, ERR_INVALID, "Resource '%.*s' is invalid: %s",
            text.length < 300 ? (int)text.length : 300, (const char *)text.data, why);
    buf_clear(&text);
    return code;
}

static int check_resources(Resource **resources, size_t count, const char *role, struct error *err)
{
    struct error why;
    size_t pieces = 0;
    if (count > RESOURCES_MAX)
        return error_set(err, ERR_TOO_LARGE, "Invalid resources: more than %d", RESOURCES_MAX);
    for (size_t i = 0; i < count; i++) {
        const Mesos__V1__Resource__AllocationInfo *allocation = resources[i]->allocation_info;
        if (resource_check(resources[i], &why) != 0)
            return invalid_resource(resources[i], why.text, err);
        pieces += resources[i]->ranges == NULL ? 0 : resources[i]->ranges->n_range;
        pieces += resources[i]->set == NULL ? 0 : resources[i]->set->n_item;
        if (pieces > RESOURCE_RANGES_MAX)
            return error_set(err, ERR_TOO_LARGE, "Invalid resources: more than %d ranges and items",
                    RESOURCE_RANGES_MAX);
        if (allocation != NULL && allocation->role != NULL && strcmp(allocation->role, role) != 0)
            return error_set(err, ERR_INVALID,
                    "Invalid resources: allocated to role '%.200s' and not to '%.200s'", allocation->role,
                    role);
    }
    return 0;
}

static int check_task_resources(const TaskInfo *info, const char *role, struct error *err)
{
    int code = check_resources(info->resources, info->n_resources, role, err);
    if (code == 0 && info->executor != NULL)
        code = check_resources(info->executor->resources, info->executor->n_resources, role, err);
    return code;
}

static const char *part_missing(const Operation *operation)
{
    switch (operation->type) {
    case OPERATION(RESERVE):
        return operation->reserve == NULL ? "reserve" : NULL;
    case OPERATION(UNRESERVE):
        return operation->unreserve == NULL ? "unreserve" : NULL;
    case OPERATION(CREATE):
        return operation->create == NULL ? "create" : NULL;
    case OPERATION(DESTROY):
        return operation->destroy == NULL ? "destroy" : NULL;
    case OPERATION(GROW_VOLUME):
        return operation->grow_volume == NULL ? "grow_volume" : NULL;
    case OPERATION(SHRINK_VOLUME):
        return operation->shrink_volume == NULL ? "shrink_volume" : NULL;
    case OPERATION(CREATE_DISK):
        return operation->create_disk == NULL ? "create_disk" : NULL;
    case OPERATION(DESTROY_DISK):
        return operation->destroy_disk == NULL ? "destroy_disk" : NULL;
    case OPERATION(LAUNCH):
        return operation->launch == NULL ? "launch" : NULL;
    case OPERATION(LAUNCH_GROUP):
        return operation->launch_group == NULL ? "launch_group" : NULL;
    default:
        return NULL;
    }
}

int validate_operation_resources(const Operation *operation, const char *role, struct error *err)
{
    const char *missing = part_missing(operation);
    int code = 0;
    if (missing != NULL)
        return error_set(err, ERR_INVALID, "A %s offer operation must have the Offer.Operation.%s field set.",
                protobuf_c_enum_descriptor_get_value(
                        &mesos__v1__offer__operation__type__descriptor, (int)operation->type)
                        ->name,
                missing);
    switch (operation->type) {
    case OPERATION(LAUNCH):
        for (size_t i = 0; code == 0 && i < operation->launch->n_task_infos; i++)
            code = check_task_resources(operation->launch->task_infos[i], role, err);
        break;
    case OPERATION(LAUNCH_GROUP):
        code = check_resources(operation->launch_group->executor->resources,
                operation->launch_group->executor->n_resources, role, err);
        for (size_t i = 0; code == 0 && i < operation->launch_group->task_group->n_tasks; i++)
            code = check_task_resources(operation->launch_group->task_group->tasks[i], role, err);
        break;
    case OPERATION(RESERVE):
        code = check_resources(operation->reserve->resources, operation->reserve->n_resources, role, err);
        if (code == 0 && operation->reserve->n_source > 0)
            code = error_set(
                    err, ERR_INVALID, "Reservation updates are not yet implemented for the scheduler API.");
        break;
    case OPERATION(UNRESERVE):
        code = check_resources(operation->unreserve->resources, operation->unreserve->n_resources, role, err);
        break;
    case OPERATION(CREATE):
        code = check_resources(operation->create->volumes, operation->create->n_volumes, role, err);
        break;
    case OPERATION(DESTROY):
        code = check_resources(operation->destroy->volumes, operation->destroy->n_volumes, role, err);
        break;
    case OPERATION(GROW_VOLUME):
        code = check_resources(&operation->grow_volume->volume, 1, role, err);
        if (code == 0)
            code = check_resources(&operation->grow_volume->addition, 1, role, err);
        break;
    case OPERATION(SHRINK_VOLUME):
        code = check_resources(&operation->shrink_volume->volume, 1, role, err);
        break;
    case OPERATION(CREATE_DISK):
        code = check_resources(&operation->create_disk->source, 1, role, err);
        break;
    case OPERATION(DESTROY_DISK):
        code = check_resources(&operation->destroy_disk->source, 1, role, err);
        break;
    default:
        break;
    }
    return code;
}
