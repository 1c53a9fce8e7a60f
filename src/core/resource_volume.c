/* Operations on persistent volumes (docs/persistent-volume.md and docs/shared-resources.md of Mesos). */
#include "resource_operation.h"

#include <stdio.h>
#include <string.h>

#define MOUNT MESOS__V1__RESOURCE__DISK_INFO__SOURCE__TYPE__MOUNT
#define READ_ONLY MESOS__V1__VOLUME__MODE__RO

typedef Mesos__V1__Resource message;

message *resource_strip_volume(struct arena *arena, const message *from)
{
    message *to = arena_copy(arena, from, sizeof *to);
    to->shared = NULL;
    if (to->disk && to->disk->source) {
        to->disk = arena_copy(arena, to->disk, sizeof *to->disk);
        to->disk->persistence = NULL;
        to->disk->volume = NULL;
    } else {
        to->disk = NULL;
    }
    return to;
}

/* A persistent volume, which resource_check() took. */
static int check_volume(struct operation_job *job, const message *volume)
{
    if (!volume->disk || !volume->disk->persistence)
        return operation_refuse(job, "it is no persistent volume");
    if (volume->type != RESOURCE_SCALAR)
        return operation_refuse(job, "a volume is a scalar");
    if (volume->disk->volume->mode == READ_ONLY)
        return operation_refuse(job, "a volume is made for reading and writing");
    return 0;
}

static bool has_volume(const struct resource_set *set, const struct resource *volume)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct resource *item = &set->items[i];
        const Mesos__V1__Resource__DiskInfo *disk = item->kind->disk;
        if (item->copies > 0 && disk && disk->persistence && item->role &&
                strcmp(item->role, volume->role) == 0 &&
                strcmp(disk->persistence->id, volume->kind->disk->persistence->id) == 0)
            return true;
    }
    return false;
}

int operation_create(struct operation_job *job, const message *volume)
{
    const message *to;
    struct resource made;
    int rc = operation_prepare(job, volume, &to);
    rc = rc ? rc : check_volume(job, to);
    rc = rc ? rc : resource_read(job->arena, to, &made, job->err);
    if (rc)
        return rc;
    if (has_volume(&job->set, &made))
        return operation_refuse(job, "a volume of this id is there already");
    return operation_convert_one(job, resource_strip_volume(job->arena, to), to);
}

/* Of a shared volume the last copy: while there are others it is in use. */
int operation_destroy(struct operation_job *job, const message *volume)
{
    const message *from;
    struct resource gone;
    int rc = operation_prepare(job, volume, &from);
    rc = rc ? rc : check_volume(job, from);
    rc = rc ? rc : operation_convert_one(job, from, resource_strip_volume(job->arena, from));
    rc = rc ? rc : resource_read(job->arena, from, &gone, job->err);
    if (rc)
        return rc;
    return has_volume(&job->set, &gone) ? operation_refuse(job, "there are other copies of the volume") : 0;
}

/* ---- sizes ---- */

static int prepare_resize(struct operation_job *job, const message *volume, const message **from)
{
    if (!volume)
        return operation_refuse(job, "there is no volume");
    int rc = operation_prepare(job, volume, from);
    rc = rc ? rc : check_volume(job, *from);
    if (rc)
        return rc;
    if ((*from)->provider_id)
        return operation_refuse(job, "a provider's volume keeps its size");
    if ((*from)->shared)
        return operation_refuse(job, "a shared volume keeps its size");
    return (*from)->disk->source && (*from)->disk->source->type == MOUNT
                   ? operation_refuse(job, "a volume on a MOUNT disk keeps its size")
                   : 0;
}

static message *of_size(struct operation_job *job, const message *from, milli_t size)
{
    message *to = arena_copy(job->arena, from, sizeof *to);
    to->scalar = arena_copy(job->arena, from->scalar, sizeof *from->scalar);
    to->scalar->value = milli_to_double(size);
    return to;
}

int operation_grow(
        struct operation_job *job, const Mesos__V1__Offer__Operation__GrowVolume *grow, const char *path)
{
    const message *volume, *more;
    struct resource old, addition, bare;
    struct resource_set consumed, made;
    resource_set_init(&consumed, job->arena);
    resource_set_init(&made, job->arena);
    operation_at(job, "%s.grow_volume.volume", path);
    int rc = prepare_resize(job, grow ? grow->volume : NULL, &volume);
    if (rc)
        return rc;
    operation_at(job, "%s.grow_volume.addition", path);
    if (!grow->addition)
        return operation_refuse(job, "there is no addition");
    rc = operation_prepare(job, grow->addition, &more);
    rc = rc ? rc : resource_read(job->arena, volume, &old, job->err);
    rc = rc ? rc : resource_read(job->arena, more, &addition, job->err);
    rc = rc ? rc : resource_read(job->arena, resource_strip_volume(job->arena, volume), &bare, job->err);
    if (rc)
        return rc;
    if (addition.whole || !resource_same_kind(&bare, &addition))
        return operation_refuse(job, "it is not the disk that the volume is of");
    if (addition.value.scalar == 0)
        return operation_refuse(job, "it is nothing");
    rc = operation_read(job, volume, &consumed);
    rc = rc ? rc : operation_read(job, more, &consumed);
    rc = rc ? rc : operation_read(job, of_size(job, volume, old.value.scalar + addition.value.scalar), &made);
    return rc ? rc : operation_convert(job, &consumed, &made);
}

int operation_shrink(
        struct operation_job *job, const Mesos__V1__Offer__Operation__ShrinkVolume *shrink, const char *path)
{
    const message *volume;
    struct resource old;
    struct resource_set consumed, made;
    milli_t less;
    resource_set_init(&consumed, job->arena);
    resource_set_init(&made, job->arena);
    operation_at(job, "%s.shrink_volume.volume", path);
    int rc = prepare_resize(job, shrink ? shrink->volume : NULL, &volume);
    rc = rc ? rc : resource_read(job->arena, volume, &old, job->err);
    if (rc)
        return rc;
    if (!shrink->subtract || milli_from_double(shrink->subtract->value, &less) || less <= 0 ||
            less >= old.value.scalar) {
        operation_at(job, "%s.shrink_volume.subtract", path);
        return operation_refuse(job, "it is more than nothing and less than the volume");
    }
    rc = operation_read(job, volume, &consumed);
    rc = rc ? rc : operation_read(job, of_size(job, volume, old.value.scalar - less), &made);
    rc = rc ? rc : operation_read(job, of_size(job, resource_strip_volume(job->arena, volume), less), &made);
    return rc ? rc : operation_convert(job, &consumed, &made);
}
