/* What a specification asks for besides plain amounts (docs/tasks.md "Resources"): TaskSpec.resources, and
 * what its executor needs, which is taken once for all tasks of it that an agent runs. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/decimal.h"
#include "base/text.h"

#define RESOURCES_MAX 64
#define EXECUTOR_ID_MAX 255
#define GROUP_CPUS_MIN 10 /* thousandths */
#define GROUP_MEM_MIN 32000
#define NAME_MAX_BYTES 255
#define VALUE(name) ZMESOS__V1__RESOURCE_REQUEST__VALUE_##name

typedef Zmesos__V1__ResourceRequest asked_for;

/* ---- reading ---- */

static enum resource_reserved reserved_of(const asked_for *asked)
{
    static const enum resource_reserved from[] = {[ZMESOS__V1__RESOURCE_REQUEST__FROM__ANY] = RESOURCE_ANY,
            [ZMESOS__V1__RESOURCE_REQUEST__FROM__RESERVED] = RESOURCE_RESERVED,
            [ZMESOS__V1__RESOURCE_REQUEST__FROM__UNRESERVED] = RESOURCE_UNRESERVED};
    return from[asked->from];
}

static enum resource_revocable revocable_of(const asked_for *asked)
{
    static const enum resource_revocable revocable[] = {
            [ZMESOS__V1__RESOURCE_REQUEST__REVOCABLE__NO] = RESOURCE_NOT_REVOCABLE,
            [ZMESOS__V1__RESOURCE_REQUEST__REVOCABLE__ONLY] = RESOURCE_REVOCABLE,
            [ZMESOS__V1__RESOURCE_REQUEST__REVOCABLE__FIRST] = RESOURCE_REVOCABLE_FIRST};
    return revocable[asked->revocable];
}

/* The numbers or items that are named, as a resource of Mesos. */
static Mesos__V1__Resource *named_values(struct arena *arena, const asked_for *asked)
{
    Mesos__V1__Resource *message = arena_alloc(arena, sizeof *message);
    mesos__v1__resource__init(message);
    message->name = asked->name;
    if (asked->value_case == VALUE(RANGES)) {
        message->type = RESOURCE_RANGES;
        message->ranges = asked->ranges;
    } else {
        message->type = RESOURCE_ITEMS;
        message->set = asked->set;
    }
    return message;
}

static uint64_t amount_of(const asked_for *asked)
{
    milli_t milli;
    switch (asked->value_case) {
    case VALUE(SCALAR): /* demand_check() refused what cannot be read: were it kept, it fits nowhere */
        return milli_from_double(asked->scalar, &milli) || milli < 0 ? (uint64_t)MILLI_MAX : (uint64_t)milli;
    case VALUE(NUMBERS):
        return asked->numbers;
    default:
        return asked->items;
    }
}

static struct resource_want want_of(const asked_for *asked)
{
    return (struct resource_want){.name = asked->name,
            .type = asked->value_case == VALUE(SCALAR)    ? RESOURCE_SCALAR
                    : asked->value_case == VALUE(NUMBERS) ? RESOURCE_RANGES
                                                          : RESOURCE_ITEMS,
            .amount = amount_of(asked),
            .reserved = reserved_of(asked),
            .revocable = revocable_of(asked)};
}

static struct resource_disk_want disk_of(const asked_for *asked)
{
    const Zmesos__V1__DiskRequest *disk = asked->disk;
    milli_t size;
    return (struct resource_disk_want){.persistence_id = disk->persistence_id,
            .source = disk->source,
            .profile = disk->profile,
            .size = milli_from_double(disk->size, &size) || size < 0 ? MILLI_MAX : size,
            .reserved = reserved_of(asked),
            .volume = disk->volume};
}

/* With the role that an offer's resources have: the master fills it in for those of an executor. */
static void read_executor(struct demand *demand, const Mesos__V1__ExecutorInfo *executor, const char *role)
{
    struct arena *arena = &demand->arena;
    demand->executor_id = arena_string(arena, executor->executor_id->value);
    for (size_t i = 0; i < executor->n_resources; i++) {
        Mesos__V1__Resource *message = message_copy(arena, executor->resources[i]);
        if (!message->allocation_info) {
            message->allocation_info = arena_alloc(arena, sizeof *message->allocation_info);
            mesos__v1__resource__allocation_info__init(message->allocation_info);
            message->allocation_info->role = arena_string(arena, role);
        }
        struct resource resource;
        if (resource_read(arena, message, &resource, NULL) ||
                resource_set_add_one(&demand->executor, &resource, NULL))
            abort(); /* demand_check() has seen it */
    }
}

struct demand *demand_read(const Zmesos__V1__TaskSpec *spec, const char *role)
{
    bool executor = spec->executor && !spec->group;
    if (spec->n_resources == 0 && !executor)
        return NULL;
    struct demand *demand = alloc_zeroed(1, sizeof *demand);
    struct arena *arena = &demand->arena;
    arena_init(arena);
    demand->users = 1;
    resource_set_init(&demand->named, arena);
    resource_set_init(&demand->executor, arena);
    demand->wants = arena_array(arena, spec->n_resources, sizeof *demand->wants);
    demand->disks = arena_array(arena, spec->n_resources, sizeof *demand->disks);
    for (size_t i = 0; i < spec->n_resources; i++) {
        const asked_for *asked = message_copy(arena, spec->resources[i]);
        if (asked->value_case == VALUE(DISK)) {
            demand->disks[demand->disk_count++] = disk_of(asked);
        } else if (asked->value_case == VALUE(RANGES) || asked->value_case == VALUE(SET)) {
            struct resource resource;
            if (resource_read(arena, named_values(arena, asked), &resource, NULL) ||
                    resource_set_append(&demand->named, &resource, NULL))
                abort(); /* demand_check() has seen it */
        } else {
            demand->wants[demand->want_count++] = want_of(asked);
        }
    }
    if (executor)
        read_executor(demand, spec->executor, role);
    return demand;
}

uint64_t demand_amount(const struct demand *demand, const char *name)
{
    for (size_t i = 0; demand && i < demand->want_count; i++) {
        const struct resource_want *want = &demand->wants[i];
        if (want->type == RESOURCE_SCALAR && strcmp(want->name, name) == 0)
            return want->amount; /* a name is asked for once */
    }
    return 0;
}

struct demand *demand_of_executor(const Mesos__V1__ExecutorInfo *executor, const char *role)
{
    struct demand *demand = alloc_zeroed(1, sizeof *demand);
    arena_init(&demand->arena);
    demand->users = 1;
    resource_set_init(&demand->named, &demand->arena);
    resource_set_init(&demand->executor, &demand->arena);
    read_executor(demand, executor, role);
    return demand;
}

void demand_release(struct demand *demand)
{
    if (!demand || --demand->users > 0)
        return;
    arena_clear(&demand->arena);
    free(demand);
}

/* ---- checking ---- */

static const char *simple_name(const Zmesos__V1__TaskSpec *spec, const char *name)
{
    const double amounts[SCALAR_COUNT] = {[SCALAR_CPUS] = spec->cpus, spec->mem, spec->disk, spec->gpus};
    for (int i = 0; i < SCALAR_COUNT; i++) {
        if (strcmp(scalar_names[i], name) == 0 && amounts[i] > 0)
            return scalar_names[i];
    }
    return strcmp(name, "ports") == 0 && spec->ports > 0 ? "ports" : NULL;
}

static int check_name(const Zmesos__V1__TaskSpec *spec, size_t index, struct error *err)
{
    const asked_for *asked = spec->resources[index];
    if (asked->value_case == VALUE(DISK))
        return asked->name && strcmp(asked->name, "disk") != 0
                       ? error_set(err, ERR_INVALID, "a disk's name is disk, or is left out")
                       : 0;
    if (!asked->name || !*asked->name)
        return error_set(err, ERR_INVALID, "a resource has a name");
    if (strlen(asked->name) > NAME_MAX_BYTES)
        return error_set(err, ERR_TOO_LARGE, "a name has at most %d bytes", NAME_MAX_BYTES);
    bool twice = simple_name(spec, asked->name);
    for (size_t i = 0; i < index && !twice; i++) {
        const asked_for *other = spec->resources[i];
        twice = other->value_case != VALUE(DISK) && strcmp(other->name, asked->name) == 0;
    }
    return twice ? error_set(err, ERR_INVALID, "%.80s is asked for twice", asked->name) : 0;
}

static int check_named_values(const asked_for *asked, uint64_t *amount, struct error *err)
{
    struct arena arena;
    struct resource_value value;
    arena_init(&arena);
    int rc = resource_value_read(&arena, named_values(&arena, asked), &value, err);
    *amount = rc ? 0 : resource_value_amount(&value);
    arena_clear(&arena);
    if (rc == 0 && (asked->from != ZMESOS__V1__RESOURCE_REQUEST__FROM__ANY ||
                           asked->revocable != ZMESOS__V1__RESOURCE_REQUEST__REVOCABLE__NO))
        return error_set(err, ERR_INVALID, "what is named is had from anywhere, and is not revocable");
    return rc;
}

static int check_want(const asked_for *asked, uint64_t *amount, struct error *err)
{
    struct resource_want want = want_of(asked);
    *amount = want.amount;
    return resource_request_check(
            &(struct resource_request){.wants = &want, .want_count = 1}, "resources", err);
}

static int check_value(const asked_for *asked, struct error *err)
{
    uint64_t amount = 0;
    milli_t milli;
    int rc = 0;
    struct resource_disk_want disk;
    switch (asked->value_case) {
    case VALUE(DISK):
        if (asked->revocable != ZMESOS__V1__RESOURCE_REQUEST__REVOCABLE__NO)
            return error_set(err, ERR_INVALID, "a disk of its own is not revocable");
        disk = disk_of(asked);
        return resource_request_check(
                &(struct resource_request){.disks = &disk, .disk_count = 1}, "resources", err);
    case VALUE(RANGES):
    case VALUE(SET):
        rc = check_named_values(asked, &amount, err);
        break;
    case VALUE(SCALAR):
        if (milli_from_double(asked->scalar, &milli) || milli < 0)
            return error_set(err, ERR_INVALID, "an amount is a number up to 10^12, and not negative");
        rc = check_want(asked, &amount, err);
        break;
    case VALUE(NUMBERS):
    case VALUE(ITEMS):
        rc = check_want(asked, &amount, err);
        break;
    default:
        return error_set(err, ERR_INVALID,
                "a resource is asked for by one of scalar, numbers, items, ranges, set and disk");
    }
    if (rc == 0 && amount == 0)
        rc = error_set(err, ERR_INVALID, "nothing is asked for");
    if (rc == 0 && strcmp(asked->name, "ports") == 0 && amount > CORE_PORTS_MAX)
        rc = error_set(err, ERR_TOO_LARGE, "ports is at most %d", CORE_PORTS_MAX);
    return rc;
}

static bool is_default(const Mesos__V1__ExecutorInfo *executor)
{
    return executor->has_type && executor->type == MESOS__V1__EXECUTOR_INFO__TYPE__DEFAULT;
}

static int check_kind(const Zmesos__V1__TaskSpec *spec, const char *where, struct error *err)
{
    const Mesos__V1__ExecutorInfo *executor = spec->executor;
    if (spec->group && !is_default(executor))
        return error_set_field(err, ERR_INVALID, where, "the executor of a group is one of type DEFAULT");
    if (spec->group && executor->command)
        return error_set_field(err, ERR_INVALID, where, "the executor of a group has no command");
    if (spec->group && executor->container &&
            executor->container->type == MESOS__V1__CONTAINER_INFO__TYPE__DOCKER)
        return error_set_field(err, ERR_INVALID, where, "the executor of a group has no Docker container");
    if (spec->group)
        return 0;
    if (spec->command)
        return error_set_field(err, ERR_INVALID, where, "a task has a command or an executor, not both");
    if (is_default(executor))
        return error_set_field(err, ERR_INVALID, where, "the default executor is for groups of tasks");
    if (!executor->command)
        return error_set_field(err, ERR_INVALID, where, "an executor needs a command");
    return 0;
}

/* What Mesos asks of the executor of a group. Its resources were checked. */
static int check_minimum(const Mesos__V1__ExecutorInfo *executor, const char *where, struct error *err)
{
    struct arena arena;
    struct resource_set set;
    arena_init(&arena);
    resource_set_init(&set, &arena);
    int rc = resource_set_add_messages(&set, executor->resources, executor->n_resources, where, err);
    if (rc == 0 && (resource_set_scalar(&set, "cpus") < GROUP_CPUS_MIN ||
                           resource_set_scalar(&set, "mem") < GROUP_MEM_MIN ||
                           resource_set_scalar(&set, "disk") == 0))
        rc = error_set_field(err, ERR_INVALID, where,
                "the executor of a group needs cpus of at least 0.01, mem of at least 32 and some disk");
    arena_clear(&arena);
    return rc;
}

static int check_executor(
        const struct core *core, const Zmesos__V1__TaskSpec *spec, const char *path, struct error *err)
{
    const Mesos__V1__ExecutorInfo *executor = spec->executor;
    char where[ERROR_FIELD_MAX];
    snprintf(where, sizeof where, "%s.executor", path);
    int rc = check_kind(spec, where, err);
    if (rc)
        return rc;
    if (executor->framework_id && strcmp(executor->framework_id->value, core->framework_id.value) != 0)
        return error_set_field(err, ERR_INVALID, where, "the executor is one of another framework");
    struct error why = {.text = ""};
    if (text_check_id(executor->executor_id->value, EXECUTOR_ID_MAX, &why)) {
        snprintf(where, sizeof where, "%s.executor.executor_id.value", path);
        return error_set_field(err, ERR_INVALID, where, "%s", why.text);
    }
    snprintf(where, sizeof where, "%s.executor.resources", path);
    rc = resource_check_task(executor->resources, executor->n_resources, where, err);
    return rc || !spec->group ? rc : check_minimum(executor, where, err);
}

int demand_check(
        const struct core *core, const Zmesos__V1__TaskSpec *spec, const char *path, struct error *err)
{
    char where[ERROR_FIELD_MAX];
    if (spec->n_resources > RESOURCES_MAX) {
        snprintf(where, sizeof where, "%s.resources", path);
        return error_set_field(
                err, ERR_TOO_LARGE, where, "a task asks for at most %d resources", RESOURCES_MAX);
    }
    for (size_t i = 0; i < spec->n_resources; i++) {
        struct error why = {.text = ""};
        int rc = check_name(spec, i, &why);
        rc = rc ? rc : check_value(spec->resources[i], &why);
        snprintf(where, sizeof where, "%s.resources[%zu]", path, i);
        if (rc)
            return error_set_field(err, rc, where, "%s", why.text);
    }
    return spec->executor ? check_executor(core, spec, path, err) : 0;
}

/* ---- taking ---- */

static const char *executor_id_of(const struct task *task)
{
    const struct demand *demand = task->task_group ? task->task_group->executor : task->shape->demand;
    return demand ? demand->executor_id : NULL;
}

/* Whether the executor is there already, as far as anyone knows: given to this offer, or with a task that
 * runs. Asking for its resources once more than needed costs a wait, once less an ERROR. */
static bool executor_is_up(const struct core *core, const struct offer *offer, const char *id)
{
    for (const struct placement *placement = offer->placements; placement; placement = placement->next) {
        const char *other = executor_id_of(placement->task);
        if (other && strcmp(other, id) == 0)
            return true;
    }
    const struct agent *agent = map_get_string(&core->agents, offer->offer->agent_id->value);
    if (!agent)
        return false;
    for (struct list_link *link = list_first(&agent->tasks); link; link = list_next(&agent->tasks, link)) {
        const struct task *task = list_item(link, struct task, agent_link);
        const char *other = executor_id_of(task);
        if (other && strcmp(other, id) == 0 && task_current(task)->state == STATE(RUNNING))
            return true;
    }
    return false;
}

/* What of `wanted` is in `item`. */
static struct resource_value common(
        struct arena *arena, const struct resource_value *item, const struct resource_value *wanted)
{
    struct resource_value rest = resource_value_copy(arena, item), both = resource_value_copy(arena, item);
    resource_value_subtract(arena, &rest, wanted);
    resource_value_subtract(arena, &both, &rest);
    return both;
}

static bool take_named(
        struct resource_set *left, const char *role, const struct resource *named, struct resource_set *taken)
{
    struct resource_value missing = resource_value_copy(taken->arena, &named->value);
    for (size_t i = 0; i < left->count && resource_value_amount(&missing) > 0; i++) {
        struct resource *item = &left->items[i];
        if (!item->plain || item->kind->revocable || item->value.type != missing.type ||
                strcmp(item->kind->name, named->kind->name) != 0 ||
                (item->role && !resource_role_within(role, item->role)))
            continue;
        struct resource part = *item;
        part.value = common(taken->arena, &item->value, &missing);
        if (resource_value_amount(&part.value) == 0)
            continue;
        if (resource_set_append(taken, &part, NULL))
            return false;
        resource_value_subtract(left->arena, &item->value, &part.value);
        resource_value_subtract(taken->arena, &missing, &part.value);
    }
    return resource_value_amount(&missing) == 0;
}

bool demand_take(const struct core *core, const struct offer *offer, const struct demand *demand,
        struct resource_set *left, struct resource_set *taken)
{
    if (demand->executor_id && !executor_is_up(core, offer, demand->executor_id) &&
            resource_set_subtract(left, &demand->executor, NULL))
        return false;
    for (size_t i = 0; i < demand->named.count; i++) {
        if (!take_named(left, offer->role->name, &demand->named.items[i], taken))
            return false;
    }
    return true;
}
