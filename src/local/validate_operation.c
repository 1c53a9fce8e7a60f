/* What is wrong with an operation of an ACCEPT that is no launch, in Mesos's words and in its order. */
#include <string.h>

#include "parts.h"
#include "same_message.h"

#define DYNAMIC MESOS__V1__RESOURCE__RESERVATION_INFO__TYPE__DYNAMIC

/* One that an operation names, in the form with a stack, and its text for people. */
struct named {
    Resource *resource;
    const char *text;
    const char *role; /* of its last reservation, or NULL */
};

static struct named name_it(const Resource *message, const char *role, struct arena *arena)
{
    struct named named = {.resource = resource_refined(message, arena)};
    struct buf text;
    buf_init(&text, 4096);
    resource_message_format(named.resource, role, &text);
    named.text = arena_format(arena, "%.*s", (int)text.length, (const char *)text.data);
    buf_clear(&text);
    if (named.resource->n_reservations > 0)
        named.role = named.resource->reservations[named.resource->n_reservations - 1]->role;
    return named;
}

static bool is_dynamic(const struct named *named)
{
    size_t count = named->resource->n_reservations;
    return count > 0 && named->resource->reservations[count - 1]->type == DYNAMIC;
}

static bool is_volume(const Resource *resource)
{
    return resource->disk != NULL && resource->disk->persistence != NULL;
}

static int check_disk(const struct named *named, struct error *err)
{
    const Mesos__V1__Resource__DiskInfo *disk = named->resource->disk;
    struct error why;
    if (disk == NULL)
        return 0;
    if (disk->persistence == NULL)
        return disk->volume != NULL
                       ? error_set(err, ERR_INVALID, "Invalid DiskInfo: Non-persistent volume not supported")
               : disk->source == NULL
                       ? error_set(err, ERR_INVALID, "Invalid DiskInfo: DiskInfo is set but empty")
                       : 0;
    if (named->resource->revocable != NULL)
        return error_set(err, ERR_INVALID,
                "Invalid DiskInfo: Persistent volumes cannot be created from revocable resources");
    if (named->role == NULL)
        return error_set(err, ERR_INVALID,
                "Invalid DiskInfo: Persistent volumes cannot be created from unreserved resources");
    if (disk->volume == NULL)
        return error_set(
                err, ERR_INVALID, "Invalid DiskInfo: Expecting 'volume' to be set for persistent volume");
    if (disk->volume->host_path != NULL)
        return error_set(err, ERR_INVALID,
                "Invalid DiskInfo: Expecting 'host_path' to be unset for persistent volume");
    if (validate_id(disk->persistence->id, &why) != 0)
        return error_set(err, ERR_INVALID,
                "Invalid DiskInfo: Invalid persistence ID for persistent volume: %.300s", why.text);
    return 0;
}

static int check_all(const struct named *named, size_t count, struct error *err)
{
    struct error why;
    for (size_t i = 0; i < count; i++) {
        if (check_disk(&named[i], &why) != 0)
            return error_set(err, ERR_INVALID, "Invalid resources: %.400s", why.text);
        if (is_dynamic(&named[i]) && named[i].resource->revocable != NULL)
            return error_set(err, ERR_INVALID,
                    "Invalid resources: Invalid ReservationInfo: Dynamically reserved resource %.200s cannot "
                    "be "
                    "created from revocable resources",
                    named[i].text);
    }
    return count > 0 ? 0
                     : error_set(err, ERR_INVALID,
                               "Invalid resources: The resources have multiple resource providers: ");
}

static int check_volume(const Resource *resource, const char *text, struct error *err)
{
    if (resource->disk == NULL)
        return error_set(err, ERR_INVALID, "Resource %.300s does not have DiskInfo", text);
    if (resource->disk->persistence == NULL)
        return error_set(err, ERR_INVALID, "'persistence' is not set in DiskInfo");
    if (resource->disk->volume == NULL)
        return error_set(err, ERR_INVALID, "Expecting 'volume' to be set for persistent volume");
    if (resource->disk->volume->mode == MESOS__V1__VOLUME__MODE__RO)
        return error_set(err, ERR_INVALID, "Read-only persistent volume not supported");
    return 0;
}

static int check_reserve(const struct named *named, size_t count, struct framework *framework,
        const char *role, struct error *err)
{
    int code = check_all(named, count, err);
    for (size_t i = 0; code == 0 && i < count; i++) {
        if (!is_dynamic(&named[i]))
            return error_set(err, ERR_INVALID, "Resource %.300s is not dynamically reserved", named[i].text);
        const char *principal = framework->info->principal;
        const ReservationInfo *last = named[i].resource->reservations[named[i].resource->n_reservations - 1];
        if (principal != NULL && last->principal == NULL)
            return error_set(err, ERR_INVALID,
                    "A reserve operation was attempted by principal '%.150s', but there is a reserved "
                    "resource in "
                    "the request with no principal set",
                    principal);
        if (principal != NULL && strcmp(principal, last->principal) != 0)
            return error_set(err, ERR_INVALID,
                    "A reserve operation was attempted by authenticated principal '%.150s', which does not "
                    "match a "
                    "reserved resource in the request with principal '%.150s'",
                    principal, last->principal);
        if (strcmp(role, named[i].role) != 0)
            return error_set(err, ERR_INVALID,
                    "A reserve operation was attempted for a resource with role '%.150s', but the resource "
                    "was "
                    "allocated to role '%.150s'",
                    named[i].role, role);
    }
    return code;
}

static int check_unreserve(const struct named *named, size_t count, struct error *err)
{
    int code = check_all(named, count, err);
    for (size_t i = 0; code == 0 && i < count; i++) {
        if (!is_dynamic(&named[i]))
            return error_set(err, ERR_INVALID, "Resource %.300s is not dynamically reserved", named[i].text);
        if (is_volume(named[i].resource))
            return error_set(err, ERR_INVALID,
                    "A dynamically reserved persistent volume %.200s cannot be unreserved directly. Please "
                    "destroy "
                    "the persistent volume first then unreserve the resource",
                    named[i].text);
    }
    return code;
}

static bool has_volume(const struct agent *agent, const struct named *named)
{
    for (size_t i = 0; i < agent->total.count; i++) {
        const struct resource *one = &agent->total.items[i];
        if (one->scalar != 0 && is_volume(one->kind->shape) && strcmp(one->kind->role, named->role) == 0 &&
                strcmp(one->kind->shape->disk->persistence->id, named->resource->disk->persistence->id) == 0)
            return true;
    }
    return false;
}

static int check_create(const struct named *named, size_t count, struct framework *framework,
        const struct agent *agent, struct error *err)
{
    struct error why;
    int code = check_all(named, count, err);
    for (size_t i = 0; code == 0 && i < count; i++)
        if (check_volume(named[i].resource, named[i].text, &why) != 0)
            return error_set(err, ERR_INVALID, "Not a persistent volume: %.400s", why.text);
    for (size_t i = 0; code == 0 && i < count; i++) {
        const char *id = named[i].resource->disk->persistence->id;
        bool again = has_volume(agent, &named[i]);
        for (size_t j = 0; j < i; j++)
            again |= strcmp(named[j].resource->disk->persistence->id, id) == 0 &&
                     strcmp(named[j].role, named[i].role) == 0;
        if (again)
            return error_set(err, ERR_INVALID, "Persistence ID '%.300s' is not unique", id);
    }
    for (size_t i = 0; code == 0 && i < count; i++) {
        const char *principal = framework->info->principal;
        const char *own = named[i].resource->disk->persistence->principal;
        if (named[i].resource->shared != NULL && !framework_can(framework, CAPABILITY(SHARED_RESOURCES)))
            return error_set(err, ERR_INVALID,
                    "Create volume operation for '%.200s' has been attempted by framework '%.100s' with no "
                    "SHARED_RESOURCES capability",
                    named[i].text, framework->id);
        if (principal != NULL && own == NULL)
            return error_set(err, ERR_INVALID,
                    "Create volume operation attempted by principal '%.150s', but there is a volume in the "
                    "operation with no principal set in 'disk.persistence'",
                    principal);
        if (principal != NULL && strcmp(principal, own) != 0)
            return error_set(err, ERR_INVALID,
                    "Create volume operation attempted by authenticated principal '%.150s', which does not "
                    "match a "
                    "volume in the operation with principal '%.100s' set in 'disk.persistence'",
                    principal, own);
    }
    return code;
}

/* Whether a task or an executor has it: only shared ones can be offered and used. */
static bool in_use(struct agent *agent, const struct resources *volume)
{
    struct task *task;
    struct executor *executor;
    for (size_t at = 0; (task = map_next(&agent->tasks, &at)) != NULL;)
        if (task->holds_resources && resources_contains(&task->resources, volume))
            return true;
    for (size_t at = 0; (executor = map_next(&agent->executors, &at)) != NULL;)
        if (resources_contains(&executor->resources, volume))
            return true;
    return false;
}

static int check_destroy(const struct named *named, size_t count, struct agent *agent, struct error *err)
{
    struct error why;
    struct resources volume;
    int code = check_all(named, count, err);
    for (size_t i = 0; code == 0 && i < count; i++)
        if (check_volume(named[i].resource, named[i].text, &why) != 0)
            return error_set(err, ERR_INVALID, "Not a persistent volume: %.400s", why.text);
    resources_init(&volume);
    for (size_t i = 0; code == 0 && i < count; i++) {
        resources_clear(&volume);
        resources_read(&agent->local->kinds, named[i].resource, false, &volume);
        if (!resources_contains(&agent->total, &volume))
            code = error_set(err, ERR_INVALID, "Persistent volumes not found");
        else if (in_use(agent, &volume))
            code = error_set(err, ERR_INVALID, "Persistent volumes in use");
    }
    resources_clear(&volume);
    return code;
}

/* Growing and shrinking have their checks in common but for their words. */
static int check_resized(const struct named *volume, const char *word, const char *field, struct error *err)
{
    struct error why;
    if (volume->resource->provider_id != NULL)
        return error_set(err, ERR_INVALID, "%s a volume from a resource provider is not supported", word);
    if (check_volume(volume->resource, volume->text, &why) != 0)
        return error_set(err, ERR_INVALID, "Invalid persistent volume in the '%s.volume' field: %.300s",
                field, why.text);
    if (volume->resource->shared != NULL)
        return error_set(err, ERR_INVALID, "%s a shared persistent volume is not supported", word);
    return 0;
}

static int check_grow(const struct named *volume, const struct named *addition, struct error *err)
{
    milli_t more;
    if (addition->resource->scalar == NULL ||
            milli_from_double(addition->resource->scalar->value, &more) != 0 || more <= 0)
        return error_set(
                err, ERR_INVALID, "The size of 'GrowVolume.addition' field must be greater than zero");
    int code = check_resized(volume, "Growing", "GrowVolume", err);
    if (code != 0)
        return code;
    Resource stripped = *volume->resource, added = *addition->resource;
    Mesos__V1__Resource__DiskInfo disk = *stripped.disk;
    disk.persistence = NULL;
    disk.volume = NULL;
    stripped.disk = disk.source == NULL ? NULL : &disk;
    stripped.scalar = NULL;
    stripped.allocation_info = NULL;
    added.scalar = NULL;
    added.allocation_info = NULL;
    if (!same_message(&stripped.base, &added.base))
        return error_set(err, ERR_INVALID,
                "Incompatible resources in the 'GrowVolume.volume' and 'GrowVolume.addition' fields");
    return 0;
}

static int check_shrink(
        const struct named *volume, const Mesos__V1__Value__Scalar *subtract, struct error *err)
{
    milli_t less, size;
    if (milli_from_double(subtract->value, &less) != 0 || less <= 0)
        return error_set(err, ERR_INVALID, "Value of 'ShrinkVolume.subtract' must be greater than zero");
    if (volume->resource->scalar == NULL || milli_from_double(volume->resource->scalar->value, &size) != 0 ||
            size <= less)
        return error_set(err, ERR_INVALID,
                "Value of 'ShrinkVolume.subtract' must be smaller than the size of 'ShrinkVolume.volume'");
    if (volume->resource->disk != NULL && volume->resource->disk->source != NULL &&
            volume->resource->disk->source->type == MESOS__V1__RESOURCE__DISK_INFO__SOURCE__TYPE__MOUNT)
        return error_set(err, ERR_INVALID, "Shrinking a volume on a MOUNT disk is not supported");
    return check_resized(volume, "Shrinking", "ShrinkVolume", err);
}

static struct named *name_all(Resource **resources, size_t count, const char *role, struct arena *arena)
{
    struct named *named = arena_array(arena, count + 1, sizeof(*named));
    for (size_t i = 0; i < count; i++)
        named[i] = name_it(resources[i], role, arena);
    return named;
}

int validate_operation(struct framework *framework, struct agent *agent, const Operation *operation,
        const char *role, struct error *err)
{
    struct arena arena;
    struct error why;
    int code = 0;
    arena_init(&arena);
    if (operation->type == OPERATION(RESERVE)) {
        size_t count = operation->reserve->n_resources;
        code = check_reserve(
                name_all(operation->reserve->resources, count, role, &arena), count, framework, role, &why);
    } else if (operation->type == OPERATION(UNRESERVE)) {
        size_t count = operation->unreserve->n_resources;
        code = check_unreserve(name_all(operation->unreserve->resources, count, role, &arena), count, &why);
    } else if (operation->type == OPERATION(CREATE)) {
        size_t count = operation->create->n_volumes;
        code = check_create(
                name_all(operation->create->volumes, count, role, &arena), count, framework, agent, &why);
    } else if (operation->type == OPERATION(DESTROY)) {
        size_t count = operation->destroy->n_volumes;
        code = check_destroy(name_all(operation->destroy->volumes, count, NULL, &arena), count, agent, &why);
    } else if (operation->type == OPERATION(GROW_VOLUME)) {
        struct named volume = name_it(operation->grow_volume->volume, role, &arena);
        struct named addition = name_it(operation->grow_volume->addition, role, &arena);
        code = check_grow(&volume, &addition, &why);
    } else if (operation->type == OPERATION(SHRINK_VOLUME)) {
        struct named volume = name_it(operation->shrink_volume->volume, role, &arena);
        code = check_shrink(&volume, operation->shrink_volume->subtract, &why);
    } else { /* CREATE_DISK, DESTROY_DISK: no agent of ours has a resource provider, so its offers have no
                such disk */
        code = error_set(&why, ERR_INVALID, "'source' is not managed by a resource provider");
    }
    arena_clear(&arena);
    if (code != 0)
        error_set(err, code, "%.380s; on agent %.60s at slave(%zu)@%s:%u (%.60s)", why.text, agent->id,
                agent->number + 1, agent->local->options->ip, agent->local->port, agent->hostname);
    return code;
}
