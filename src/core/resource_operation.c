/* Operations on offered resources: what they consume is replaced by what they make of it (docs/reservation.md
 * of Mesos). Those on volumes are in resource_volume.c. */
#include "resource_operation.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DYNAMIC MESOS__V1__RESOURCE__RESERVATION_INFO__TYPE__DYNAMIC

typedef Mesos__V1__Resource message;

/* ---- messages ---- */

message *resource_push_reservation(
        struct arena *arena, const message *from, Mesos__V1__Resource__ReservationInfo *reservation)
{
    message *to = arena_copy(arena, resource_modern(arena, from), sizeof *to);
    size_t count = to->n_reservations;
    Mesos__V1__Resource__ReservationInfo **stack = arena_array(arena, count + 1, sizeof *stack);
    if (count > 0)
        memcpy(stack, to->reservations, count * sizeof *stack);
    stack[count] = reservation;
    to->reservations = stack;
    to->n_reservations = count + 1;
    return to;
}

message *resource_pop_reservation(struct arena *arena, const message *from)
{
    message *to = arena_copy(arena, resource_modern(arena, from), sizeof *to);
    to->n_reservations -= to->n_reservations > 0;
    return to;
}

/* ---- what all operations need ---- */

void operation_at(struct operation_job *job, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(job->field, sizeof job->field, format, arguments);
    va_end(arguments);
}

void operation_path(char path[OPERATION_FIELD_MAX], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(path, OPERATION_FIELD_MAX, format, arguments);
    va_end(arguments);
}

int operation_refuse(struct operation_job *job, const char *why)
{
    return error_set_field(job->err, ERR_INVALID, job->field, "%s", why);
}

/* As the master does with what a framework sends: allocated to the offer's role unless it says otherwise. */
int operation_prepare(struct operation_job *job, const message *from, const message **to)
{
    int rc = resource_check(from, job->field, job->err);
    if (rc)
        return rc;
    message *copy = arena_copy(job->arena, resource_modern(job->arena, from), sizeof *copy);
    if (!copy->allocation_info) {
        copy->allocation_info = arena_alloc(job->arena, sizeof *copy->allocation_info);
        mesos__v1__resource__allocation_info__init(copy->allocation_info);
        copy->allocation_info->role = arena_string(job->arena, job->role);
    }
    *to = copy;
    return 0;
}

static int at_field(struct operation_job *job, int rc)
{
    if (rc && job->err)
        snprintf(job->err->field, sizeof job->err->field, "%s", job->field);
    return rc;
}

int operation_read(struct operation_job *job, const message *from, struct resource_set *set)
{
    struct resource resource;
    int rc = resource_read(job->arena, from, &resource, job->err);
    return at_field(job, rc ? rc : resource_set_add_one(set, &resource, job->err));
}

int operation_convert(
        struct operation_job *job, const struct resource_set *from, const struct resource_set *to)
{
    if (job->check)
        return 0;
    int rc = resource_set_subtract(&job->set, from, job->err);
    return at_field(job, rc ? rc : resource_set_add(&job->set, to, job->err));
}

int operation_convert_one(struct operation_job *job, const message *from, const message *to)
{
    struct resource_set consumed, made;
    resource_set_init(&consumed, job->arena);
    resource_set_init(&made, job->arena);
    int rc = operation_read(job, from, &consumed);
    rc = rc ? rc : operation_read(job, to, &made);
    return rc ? rc : operation_convert(job, &consumed, &made);
}

/* ---- reservations ---- */

static const Mesos__V1__Resource__ReservationInfo *last_layer(const message *what)
{
    return what->n_reservations > 0 ? what->reservations[what->n_reservations - 1] : NULL;
}

static int check_target(struct operation_job *job, const message *to)
{
    const Mesos__V1__Resource__ReservationInfo *layer = last_layer(to);
    if (!layer || layer->type != DYNAMIC)
        return operation_refuse(job, "RESERVE is of resources with a DYNAMIC reservation");
    if (!to->allocation_info->role || strcmp(to->allocation_info->role, layer->role) != 0)
        return operation_refuse(job, "resources are reserved for the role that they are allocated to");
    return 0;
}

static int reserve_one(struct operation_job *job, const message *resource)
{
    const message *to;
    int rc = operation_prepare(job, resource, &to);
    rc = rc ? rc : check_target(job, to);
    return rc ? rc : operation_convert_one(job, resource_pop_reservation(job->arena, to), to);
}

static int unreserve_one(struct operation_job *job, const message *resource)
{
    const message *from;
    int rc = operation_prepare(job, resource, &from);
    if (rc)
        return rc;
    const Mesos__V1__Resource__ReservationInfo *layer = last_layer(from);
    if (!layer || layer->type != DYNAMIC)
        return operation_refuse(job, "UNRESERVE is of resources with a DYNAMIC reservation");
    if (from->disk && from->disk->persistence)
        return operation_refuse(job, "a persistent volume is destroyed before its disk is unreserved");
    return operation_convert_one(job, from, resource_pop_reservation(job->arena, from));
}

/* What a RESERVE with a source lists on either side: all reserved alike. `bare` is the same without
 * reservations. */
static int read_list(struct operation_job *job, const char *path, message *const *list, size_t count,
        bool target, struct resource_set *set, struct resource_set *bare)
{
    const message *first = NULL;
    for (size_t i = 0; i < count; i++) {
        const message *one;
        operation_at(job, "%s[%zu]", path, i);
        int rc = operation_prepare(job, list[i], &one);
        rc = rc || !target ? rc : check_target(job, one);
        if (rc)
            return rc;
        first = first ? first : one;
        if (!resource_same_reservations(first, one))
            return operation_refuse(job, "the resources are not all reserved alike");
        message *stripped = arena_copy(job->arena, one, sizeof *stripped);
        stripped->n_reservations = 0;
        rc = operation_read(job, one, set);
        rc = rc ? rc : operation_read(job, stripped, bare);
        if (rc)
            return rc;
    }
    return 0;
}

static int rereserve(
        struct operation_job *job, const Mesos__V1__Offer__Operation__Reserve *reserve, const char *path)
{
    struct resource_set source, target, source_bare, target_bare;
    struct resource_set *sets[] = {&source, &target, &source_bare, &target_bare};
    char list[OPERATION_FIELD_MAX];
    for (size_t i = 0; i < 4; i++)
        resource_set_init(sets[i], job->arena);
    operation_path(list, "%s.reserve.source", path);
    int rc = read_list(job, list, reserve->source, reserve->n_source, false, &source, &source_bare);
    operation_path(list, "%s.reserve.resources", path);
    if (rc == 0)
        rc = read_list(job, list, reserve->resources, reserve->n_resources, true, &target, &target_bare);
    if (rc)
        return rc;
    operation_at(job, "%s", list);
    if (!resource_set_equal(&source_bare, &target_bare))
        return operation_refuse(job, "they are not as much as the source");
    return operation_convert(job, &source, &target);
}

/* ---- operations ---- */

#define OPERATION(name) MESOS__V1__OFFER__OPERATION__TYPE__##name
#define LIST(message, list) ((message) ? (message)->list : NULL), ((message) ? (message)->n_##list : 0)

static int each(struct operation_job *job, const char *path, message *const *list, size_t count,
        int (*apply)(struct operation_job *job, const message *resource))
{
    for (size_t i = 0; i < count; i++) {
        operation_at(job, "%s[%zu]", path, i);
        int rc = apply(job, list[i]);
        if (rc)
            return rc;
    }
    operation_at(job, "%s", path);
    return count > 0 ? 0 : operation_refuse(job, "there is no resource");
}

/* What is made of a disk is told when it is done: until then it is gone from the offer. */
static int use_disk(struct operation_job *job, const message *source)
{
    const message *from;
    struct resource_set consumed, made;
    resource_set_init(&consumed, job->arena);
    resource_set_init(&made, job->arena);
    if (!source)
        return operation_refuse(job, "there is no source");
    int rc = operation_prepare(job, source, &from);
    if (rc)
        return rc;
    if (!from->disk || !from->disk->source)
        return operation_refuse(job, "it is no disk with a source");
    if (!from->provider_id)
        return operation_refuse(job, "it is not a resource provider's");
    rc = operation_read(job, from, &consumed);
    return rc ? rc : operation_convert(job, &consumed, &made);
}

static int apply(struct operation_job *job, const Mesos__V1__Offer__Operation *operation, const char *path)
{
    char list[OPERATION_FIELD_MAX];
    switch (operation->type) {
    case OPERATION(RESERVE):
        if (operation->reserve && operation->reserve->n_source > 0)
            return rereserve(job, operation->reserve, path);
        operation_path(list, "%s.reserve.resources", path);
        return each(job, list, LIST(operation->reserve, resources), reserve_one);
    case OPERATION(UNRESERVE):
        operation_path(list, "%s.unreserve.resources", path);
        return each(job, list, LIST(operation->unreserve, resources), unreserve_one);
    case OPERATION(CREATE):
        operation_path(list, "%s.create.volumes", path);
        return each(job, list, LIST(operation->create, volumes), operation_create);
    case OPERATION(DESTROY):
        operation_path(list, "%s.destroy.volumes", path);
        return each(job, list, LIST(operation->destroy, volumes), operation_destroy);
    case OPERATION(GROW_VOLUME):
        return operation_grow(job, operation->grow_volume, path);
    case OPERATION(SHRINK_VOLUME):
        return operation_shrink(job, operation->shrink_volume, path);
    case OPERATION(CREATE_DISK):
        operation_at(job, "%s.create_disk.source", path);
        return use_disk(job, operation->create_disk ? operation->create_disk->source : NULL);
    case OPERATION(DESTROY_DISK):
        operation_at(job, "%s.destroy_disk.source", path);
        return use_disk(job, operation->destroy_disk ? operation->destroy_disk->source : NULL);
    default:
        operation_at(job, "%s.type", path);
        return operation_refuse(job, "it is none of the operations on resources");
    }
}

int resource_operation_check(
        const char *role, const Mesos__V1__Offer__Operation *operation, const char *path, struct error *err)
{
    struct arena arena;
    arena_init(&arena);
    struct operation_job job = {.arena = &arena, .role = role, .check = true, .err = err};
    resource_set_init(&job.set, &arena);
    int rc = apply(&job, operation, path);
    arena_clear(&arena);
    return rc;
}

int resource_set_apply(struct resource_set *set, const char *role,
        const Mesos__V1__Offer__Operation *operation, const char *path, struct error *err)
{
    struct operation_job job = {.arena = set->arena, .role = role, .err = err};
    resource_set_init(&job.set, set->arena);
    resource_set_copy(&job.set, set);
    int rc = apply(&job, operation, path);
    if (rc == 0)
        *set = job.set;
    return rc;
}
