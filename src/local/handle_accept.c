/* ACCEPT (PROTOCOL "Launching"): the offers are used up whatever comes of it; operations take from their
 * resources in order; the rest is declined with the call's filters. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#include "parts.h"
#include "same_message.h"

#define GROUP_TASKS_MAX 1000

/* The resources of an ACCEPT's offers on their way to its tasks. */
struct accepted {
    struct framework *framework;
    struct agent *agent;
    char *role;
    struct resources left;
    struct resources offered;
    bool converted; /* by operations: `left` is not a part of `offered` any more */
};

static void refuse_task(
        struct framework *framework, const TaskInfo *info, TaskState state, int reason, const char *message)
{
    send_master_status(framework, &(struct master_status){
                                          .task_id = info->task_id->value,
                                          .agent_id = info->agent_id->value,
                                          .state = state,
                                          .reason = reason,
                                          .message = message,
                                  });
}

static bool is_launch(const Operation *operation)
{
    return operation->type == OPERATION(LAUNCH) || operation->type == OPERATION(LAUNCH_GROUP);
}

/* Every task of an operation; an operation of another kind answers by its status, if it has an id. */
static void refuse_operation(struct framework *framework, const Operation *operation, TaskState state,
        int reason, const char *message)
{
    if (operation->type == OPERATION(LAUNCH) && operation->launch != NULL)
        for (size_t i = 0; i < operation->launch->n_task_infos; i++)
            refuse_task(framework, operation->launch->task_infos[i], state, reason, message);
    else if (operation->type == OPERATION(LAUNCH_GROUP) && operation->launch_group != NULL)
        for (size_t i = 0; i < operation->launch_group->task_group->n_tasks; i++)
            refuse_task(framework, operation->launch_group->task_group->tasks[i], state, reason, message);
    else if (!is_launch(operation) && operation->id != NULL)
        send_operation_status(framework, &(struct operation_status){
                                                 .id = operation->id->value,
                                                 .state = OPERATION_STATE(ERROR),
                                                 .message = message,
                                         });
}

static int check_offers(struct call_context *context, struct error *err)
{
    const Mesos__V1__Scheduler__Call__Accept *accept = context->call->accept;
    struct offer *first = NULL;
    if (accept->n_offer_ids == 0)
        return error_set(err, ERR_INVALID, "No offers specified");
    for (size_t i = 0; i < accept->n_offer_ids; i++) {
        const char *id = accept->offer_ids[i]->value;
        struct offer *offer = offer_find(context->local, id);
        if (offer == NULL || offer->framework != context->framework)
            return error_set(err, ERR_INVALID, "Offer %s is no longer valid", id);
        for (size_t j = 0; j < i; j++)
            if (strcmp(accept->offer_ids[j]->value, id) == 0)
                return error_set(err, ERR_INVALID, "Duplicate offer %s in offer list", id);
        if (first == NULL)
            first = offer;
        if (offer->agent != first->agent)
            return error_set(err, ERR_INVALID,
                    "Aggregated offers must belong to one single agent. Offer %s uses agent %s and offer %s "
                    "uses agent "
                    "%s",
                    first->id, first->agent->id, offer->id, offer->agent->id);
        if (strcmp(offer->role, first->role) != 0)
            return error_set(err, ERR_INVALID,
                    "Aggregated offers must be allocated to the same role. Offer %s uses role %s but another "
                    "is using "
                    "role %s",
                    offer->id, offer->role, first->role);
    }
    return 0;
}

/* Gives up the valid ones among the offers, and drops all tasks. */
static void drop_all(struct call_context *context, const char *why)
{
    const Mesos__V1__Scheduler__Call__Accept *accept = context->call->accept;
    struct framework *framework = context->framework;
    struct error err;
    for (size_t i = 0; i < accept->n_offer_ids; i++) {
        struct offer *offer = offer_find(context->local, accept->offer_ids[i]->value);
        if (offer != NULL && offer->framework == framework)
            offer_destroy(offer, true);
    }
    TaskState state = framework_can(framework, CAPABILITY(PARTITION_AWARE)) ? TASK(DROPPED) : TASK(LOST);
    for (size_t i = 0; i < accept->n_operations; i++) {
        error_set(&err, ERR_INVALID, "%s with invalid offers: %s",
                is_launch(accept->operations[i]) ? "Task launched" : "Operation attempted", why);
        refuse_operation(framework, accept->operations[i], state, REASON(INVALID_OFFERS), err.text);
    }
}

static void read_all(
        struct accepted *accepted, Resource **messages, size_t count, struct resources *resources)
{
    resources_clear(resources);
    for (size_t i = 0; i < count; i++)
        resources_read(&accepted->framework->local->kinds, messages[i], false, resources);
}

/* What a task takes of its offer: with an executor that has to be started for it. */
static void read_task(struct accepted *accepted, const TaskInfo *info, struct resources *used)
{
    struct resources own;
    read_all(accepted, info->resources, info->n_resources, used);
    if (info->executor == NULL || resources_is_empty(used) ||
            executor_find(accepted->agent, accepted->framework->id, info->executor->executor_id->value) !=
                    NULL)
        return;
    resources_init(&own);
    read_all(accepted, info->executor->resources, info->executor->n_resources, &own);
    resources_add(used, &own);
    resources_clear(&own);
}

/* Takes the info and, unless it is NULL, the resources. */
static struct task *admit(
        struct accepted *accepted, TaskInfo *info, const char *executor_id, struct resources *resources)
{
    struct task *task = task_create(accepted->framework, accepted->agent, info, executor_id);
    task->resources = *resources;
    task->holds_resources = true;
    resources_init(resources);
    resources_subtract(&accepted->left, &task->resources);
    task_know(task);
    return task;
}

/* A new executor; takes its info and its resources. */
static struct executor *found_executor(
        struct accepted *accepted, ExecutorInfo **info, struct resources *resources)
{
    struct framework *framework = accepted->framework;
    if ((*info)->framework_id == NULL) {
        (*info)->framework_id = alloc_zeroed(1, sizeof(*(*info)->framework_id));
        mesos__v1__framework_id__init((*info)->framework_id);
        (*info)->framework_id->value = alloc_string(framework->id);
    }
    struct executor *executor = executor_create(framework, accepted->agent, *info);
    *info = NULL;
    executor->resources = *resources;
    resources_init(resources);
    resources_subtract(&accepted->left, &executor->resources);
    return executor;
}

static void join(struct task *task, struct executor *executor)
{
    task->executor = executor;
    list_append(&executor->tasks, &task->in_executor);
}

/* A task with an executor of the framework's own: starts one of that id if there is none. */
static struct task *admit_with_executor(struct accepted *accepted, TaskInfo *info, struct resources *used)
{
    const char *id = info->executor->executor_id->value;
    struct executor *executor = executor_find(accepted->agent, accepted->framework->id, id);
    struct resources own;
    resources_init(&own);
    read_all(accepted, info->executor->resources, info->executor->n_resources, &own);
    ExecutorInfo *copy = NULL;
    if (executor == NULL) {
        size_t length = protobuf_c_message_get_packed_size(&info->executor->base);
        uint8_t *bytes = alloc_bytes(length + 1);
        protobuf_c_message_pack(&info->executor->base, bytes);
        copy = mesos__v1__executor_info__unpack(NULL, length, bytes);
        free(bytes);
        executor = found_executor(accepted, &copy, &own);
        executor_begin(executor, accepted->framework);
    }
    struct task *task = admit(accepted, info, id, used);
    join(task, executor);
    memcpy(task->container_id, executor->container_id, TEXT_UUID_SIZE);
    resources_clear(&own);
    return task;
}

static void begin(struct task *task)
{
    if (!faults_stage_task(task))
        run_start(task);
}

static void launch(struct accepted *accepted, Operation *operation)
{
    struct framework *framework = accepted->framework;
    struct resources used;
    struct error err;
    int code = validate_operation_resources(operation, accepted->role, &err);
    if (code == 0 && operation->id != NULL)
        code = error_set(&err, ERR_INVALID, "The `id` field cannot be set on LAUNCH operations");
    if (code != 0) {
        refuse_operation(framework, operation, TASK(ERROR), REASON(TASK_INVALID), err.text);
        return;
    }
    resources_init(&used);
    for (size_t i = 0; i < operation->launch->n_task_infos; i++) {
        TaskInfo *info = operation->launch->task_infos[i];
        read_task(accepted, info, &used);
        if (validate_task(framework, accepted->agent, info, accepted->role, &accepted->left, &used, &err) !=
                0) {
            refuse_task(framework, info, TASK(ERROR), REASON(TASK_INVALID), err.text);
            continue;
        }
        operation->launch->task_infos[i] = NULL;
        if (info->executor == NULL || framework->local->options->simulate) {
            begin(admit(accepted, info, info->task_id->value, &used));
            continue;
        }
        read_all(accepted, info->resources, info->n_resources, &used);
        begin(admit_with_executor(accepted, info, &used));
    }
    resources_clear(&used);
}

static int check_group_executor(struct accepted *accepted, const ExecutorInfo *info,
        const struct resources *resources, const struct executor *known, struct error *err)
{
    char amount[MILLI_TEXT_MAX];
    const char *id = info->executor_id->value;
    int code =
            validate_executor(accepted->framework, info, known, MESOS__V1__EXECUTOR_INFO__TYPE__DEFAULT, err);
    if (code != 0)
        return code;
    if (!info->has_type)
        return error_set(err, ERR_INVALID, "'ExecutorInfo.type' must be set");
    if (info->type != MESOS__V1__EXECUTOR_INFO__TYPE__DEFAULT)
        return error_set(err, ERR_INVALID, "zmesos-local runs groups in executors of type DEFAULT only");
    milli_t cpus = resources_scalar(resources, "cpus"), mem = resources_scalar(resources, "mem");
    if (cpus < 10)
        return error_set(err, ERR_INVALID,
                "Executor '%.200s' uses less CPUs (%s) than the minimum required (0.01)", id,
                cpus == 0 ? "None" : milli_format(cpus, amount));
    if (mem < 32000)
        return error_set(err, ERR_INVALID,
                "Executor '%.200s' uses less memory (%s%s) than the minimum required (32MB)", id,
                mem == 0 ? "None" : milli_format(mem, amount), mem == 0 ? "" : "MB");
    if (resources_scalar(resources, "disk") == 0)
        return error_set(err, ERR_INVALID, "Executor '%.200s' uses no disk", id);
    return 0;
}

static int group_wants_more(struct accepted *accepted, const struct resources *total, struct error *err)
{
    struct buf text;
    buf_init(&text, 4096);
    int code = buf_append_string(&text, "Total resources ");
    resources_format(total, accepted->role, &text);
    code |= buf_append_string(&text, " required by task group and its executor are more than available ");
    resources_format(&accepted->left, accepted->role, &text);
    code = error_set(
            err, ERR_INVALID, "%.*s%s", (int)text.length, (const char *)text.data, code == 0 ? "" : "...");
    buf_clear(&text);
    return code;
}

/* A task of a group may name the group's executor too. */
static int check_member(struct accepted *accepted, TaskInfo *info, const ExecutorInfo *executor,
        const struct resources *used, struct error *err)
{
    struct error why;
    ExecutorInfo *own = info->executor;
    if (own != NULL && !same_message(&own->base, &executor->base))
        return error_set(err, ERR_INVALID,
                "The `ExecutorInfo` of task '%.150s' is different from executor '%.150s'",
                info->task_id->value, executor->executor_id->value);
    info->executor = NULL;
    int code = validate_task(
            accepted->framework, accepted->agent, info, accepted->role, &accepted->left, used, &why);
    info->executor = own;
    if (code != 0)
        error_set(err, code, "Task '%.150s' is invalid: %.300s", info->task_id->value, why.text);
    return code;
}

/* Each task, ids unique among them, and all together with the executor. */
static int check_group(struct accepted *accepted, const Mesos__V1__Offer__Operation__LaunchGroup *group,
        struct resources *total, struct error *err)
{
    const Mesos__V1__TaskGroupInfo *tasks = group->task_group;
    struct resources used;
    int code = 0;
    resources_init(&used);
    if (tasks->n_tasks == 0)
        code = error_set(err, ERR_INVALID, "Task group cannot be empty");
    if (tasks->n_tasks > GROUP_TASKS_MAX)
        code = error_set(err, ERR_TOO_LARGE, "Task group has more than %d tasks", GROUP_TASKS_MAX);
    for (size_t i = 0; code == 0 && i < tasks->n_tasks; i++) {
        TaskInfo *info = tasks->tasks[i];
        for (size_t j = 0; code == 0 && j < i; j++)
            if (strcmp(tasks->tasks[j]->task_id->value, info->task_id->value) == 0)
                code = error_set(err, ERR_INVALID, "Task group has duplicate ID: %s", info->task_id->value);
        read_all(accepted, info->resources, info->n_resources, &used);
        if (code == 0)
            code = check_member(accepted, info, group->executor, &used, err);
        resources_add(total, &used);
    }
    if (code == 0 && !resources_contains(&accepted->left, total))
        code = group_wants_more(accepted, total, err);
    resources_clear(&used);
    return code;
}

static void launch_group(struct accepted *accepted, Operation *operation)
{
    struct framework *framework = accepted->framework;
    Mesos__V1__Offer__Operation__LaunchGroup *message = operation->launch_group;
    if (message == NULL)
        return;
    Mesos__V1__TaskGroupInfo *infos = message->task_group;
    const char *id = message->executor->executor_id->value;
    struct executor *executor = executor_find(accepted->agent, framework->id, id);
    struct resources own;
    struct resources total;
    struct error err;
    resources_init(&own);
    resources_init(&total);
    int code = validate_operation_resources(operation, accepted->role, &err);
    if (code == 0 && operation->id != NULL)
        code = error_set(&err, ERR_INVALID, "The `id` field cannot be set on LAUNCH_GROUP operations");
    if (code == 0) {
        read_all(accepted, message->executor->resources, message->executor->n_resources, &own);
        code = check_group_executor(accepted, message->executor, &own, executor, &err);
    }
    if (executor == NULL)
        resources_copy(&total, &own);
    if (code == 0)
        code = check_group(accepted, message, &total, &err);
    if (code != 0) {
        refuse_operation(framework, operation, TASK(ERROR), REASON(TASK_GROUP_INVALID), err.text);
        goto out;
    }

    if (executor == NULL) {
        executor = found_executor(accepted, &message->executor, &own);
        id = executor->id;
    }
    struct group *group = alloc_zeroed(1, sizeof(*group));
    struct task **tasks = alloc_zeroed(infos->n_tasks, sizeof(*tasks));
    list_init(&group->tasks);
    for (size_t i = 0; i < infos->n_tasks; i++) {
        TaskInfo *info = infos->tasks[i];
        infos->tasks[i] = NULL;
        read_all(accepted, info->resources, info->n_resources, &total);
        tasks[i] = admit(accepted, info, id, &total);
        join(tasks[i], executor);
        tasks[i]->group = group;
        memcpy(tasks[i]->parent_id, executor->container_id, TEXT_UUID_SIZE);
        list_append(&group->tasks, &tasks[i]->in_group);
    }
    for (size_t i = 0; i < infos->n_tasks; i++)
        begin(tasks[i]);
    free(tasks);
out:
    resources_clear(&own);
    resources_clear(&total);
}

/* Offers of others that hold a volume: only shared ones can. */
static void rescind_holders(struct accepted *accepted, Resource **volumes, size_t count)
{
    for (struct list_link *link = list_first(&accepted->agent->offers); link != NULL;) {
        struct offer *offer = list_item(link, struct offer, in_agent);
        struct resources volume;
        bool holds = false;
        link = list_next(&accepted->agent->offers, link);
        resources_init(&volume);
        for (size_t i = 0; i < count && !holds; i++) {
            read_all(accepted, &volumes[i], 1, &volume);
            holds = resources_contains(&offer->resources, &volume);
        }
        resources_clear(&volume);
        if (holds)
            offer_rescind(offer);
    }
}

static void operate(struct accepted *accepted, Operation *operation)
{
    struct framework *framework = accepted->framework;
    struct error err;
    struct error why;
    if (validate_operation_resources(operation, accepted->role, &why) != 0) {
        error_set(&err, ERR_INVALID, "Operation attempted with invalid resources: %.400s", why.text);
        refuse_operation(framework, operation, 0, 0, err.text);
        return;
    }
    int code = validate_operation(framework, accepted->agent, operation, accepted->role, &err);
    bool destroys = operation->type == OPERATION(DESTROY);
    if (code == 0 && destroys)
        rescind_holders(accepted, operation->destroy->volumes, operation->destroy->n_volumes);
    if (code == 0)
        code = operation_apply(operation, accepted->agent, accepted->role, &accepted->left, &err);
    if (code != 0) {
        refuse_operation(framework, operation, 0, 0, err.text);
        return;
    }
    accepted->converted = true;
    if (destroys)
        volumes_remove(accepted->agent, operation->destroy->volumes, operation->destroy->n_volumes);
    if (operation->id != NULL)
        operation_done(framework, accepted->agent, operation->id->value, OPERATION_STATE(FINISHED));
}

static void take_offers(struct call_context *context, struct accepted *accepted)
{
    const Mesos__V1__Scheduler__Call__Accept *accept = context->call->accept;
    for (size_t i = 0; i < accept->n_offer_ids; i++) {
        struct offer *offer = offer_find(context->local, accept->offer_ids[i]->value);
        accepted->agent = offer->agent;
        if (accepted->role == NULL)
            accepted->role = alloc_string(offer->role);
        resources_add(&accepted->left, &offer->resources);
        offer_destroy(offer, false);
    }
    resources_copy(&accepted->offered, &accepted->left);
}

void handle_accept(struct call_context *context)
{
    Mesos__V1__Scheduler__Call__Accept *accept = context->call->accept;
    struct accepted accepted = {.framework = context->framework};
    struct error err;
    if (check_offers(context, &err) != 0) {
        drop_all(context, err.text);
        return;
    }
    resources_init(&accepted.left);
    resources_init(&accepted.offered);
    take_offers(context, &accepted);
    for (size_t i = 0; i < accept->n_operations; i++) {
        Operation *operation = accept->operations[i];
        switch (operation->type) {
        case OPERATION(UNKNOWN):
            break;
        case OPERATION(LAUNCH):
            launch(&accepted, operation);
            break;
        case OPERATION(LAUNCH_GROUP):
            launch_group(&accepted, operation);
            break;
        default:
            operate(&accepted, operation);
            break;
        }
    }
    resources_add(&accepted.agent->free, &accepted.left);
    if (accepted.converted) /* what operations made is offered again at once */
        resources_intersect(&accepted.left, &accepted.offered);
    struct framework_role *role = framework_role(accepted.framework, accepted.role);
    if (role != NULL)
        allocator_filter(role, accepted.agent, &accepted.left, accept->filters);
    resources_clear(&accepted.left);
    resources_clear(&accepted.offered);
    free(accepted.role);
}
