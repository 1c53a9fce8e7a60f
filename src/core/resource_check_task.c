/* What a master requires of the resources of one task together. */
#include "resource.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static int at(int code, struct error *err, const char *path, size_t index, const char *member)
{
    if (err)
        snprintf(err->field, sizeof err->field, "%s[%zu]%s", path, index, member);
    return code;
}

#define REFUSE(index, member, ...) at(error_set(err, ERR_INVALID, __VA_ARGS__), err, path, index, member)

static const char *allocated_to(const Mesos__V1__Resource *message)
{
    return message->allocation_info && message->allocation_info->role ? message->allocation_info->role : "";
}

/* A shared volume may be there twice: it is the same one. */
static bool is_other_volume(const struct resource *a, const struct resource *b)
{
    const Mesos__V1__Resource__DiskInfo *x = a->kind->disk, *y = b->kind->disk;
    return x && x->persistence && y && y->persistence &&
           strcmp(x->persistence->id, y->persistence->id) == 0 && strcmp(a->role, b->role) == 0 &&
           !(a->kind->shared && resource_same(a, b));
}

static int check_pair(const struct resource *one, size_t index, const struct resource *other,
        const char *path, struct error *err)
{
    if (strcmp(allocated_to(one->kind), allocated_to(other->kind)) != 0)
        return REFUSE(index, ".allocation_info", "a task's resources are allocated to one role");
    if (strcmp(one->kind->name, other->kind->name) != 0)
        return 0;
    if (!one->kind->revocable != !other->kind->revocable)
        return REFUSE(index, ".revocable", "'%.80s' is all revocable or not at all", one->kind->name);
    if (is_other_volume(one, other))
        return REFUSE(index, ".disk.persistence.id", "the volume '%.80s' is there twice",
                one->kind->disk->persistence->id);
    return 0;
}

static int check_gpus(const struct resource *resources, size_t count, const char *path, struct error *err)
{
    milli_t gpus = 0;
    size_t last = 0;
    for (size_t i = 0; i < count; i++) {
        if (resources[i].value.type != RESOURCE_SCALAR || strcmp(resources[i].kind->name, "gpus") != 0)
            continue;
        gpus += resources[i].value.scalar;
        last = i;
    }
    return gpus % 1000 == 0 ? 0 : REFUSE(last, ".scalar", "gpus must be a whole number");
}

int resource_check_task(
        Mesos__V1__Resource *const *messages, size_t count, const char *path, struct error *err)
{
    if (count > RESOURCE_SET_MAX) {
        int code = error_set(err, ERR_TOO_LARGE, "a task has at most %d resources", RESOURCE_SET_MAX);
        return at(code, err, path, RESOURCE_SET_MAX, "");
    }
    struct arena arena;
    arena_init(&arena);
    struct resource *resources = arena_array(&arena, count, sizeof *resources);
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        char where[ERROR_FIELD_MAX];
        snprintf(where, sizeof where, "%s[%zu]", path, i);
        rc = resource_check(messages[i], where, err);
        if (rc == 0)
            rc = resource_read(&arena, messages[i], &resources[i], err);
        for (size_t j = 0; j < i && rc == 0; j++)
            rc = check_pair(&resources[i], i, &resources[j], path, err);
    }
    if (rc == 0)
        rc = check_gpus(resources, count, path, err);
    arena_clear(&arena);
    return rc;
}

/* ---- limits ---- */

/* What is asked for under that name; -1 for nothing. */
static milli_t requested(Mesos__V1__Resource *const *requests, size_t count, const char *name)
{
    milli_t sum = -1, milli;
    for (size_t i = 0; i < count; i++) {
        const Mesos__V1__Resource *request = requests[i];
        if (request->type == RESOURCE_SCALAR && request->scalar && request->name &&
                strcmp(request->name, name) == 0 && milli_from_double(request->scalar->value, &milli) == 0 &&
                milli >= 0 && sum <= MILLI_MAX)
            sum = (sum < 0 ? 0 : sum) + milli;
    }
    return sum;
}

int resource_check_limits(Mesos__V1__TaskInfo__LimitsEntry *const *limits, size_t count,
        Mesos__V1__Resource *const *requests, size_t request_count, const char *path, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        const char *name = limits[i]->key ? limits[i]->key : "";
        if (strcmp(name, "cpus") != 0 && strcmp(name, "mem") != 0)
            return REFUSE(i, ".key", "there are limits of cpus and mem alone");
        for (size_t j = 0; j < i; j++) {
            if (strcmp(limits[j]->key, name) == 0)
                return REFUSE(i, ".key", "%s has a limit already", name);
        }
        milli_t wanted = requested(requests, request_count, name), limit = 0;
        if (wanted < 0)
            return REFUSE(i, ".key", "a limit of %s goes with a request of it", name);
        double value = limits[i]->value ? limits[i]->value->value : 0;
        bool unlimited = isinf(value) && value > 0;
        if (!unlimited && (milli_from_double(value, &limit) || limit < wanted))
            return REFUSE(i, ".value", "a limit of %s is a number, and not below the request", name);
    }
    return 0;
}
