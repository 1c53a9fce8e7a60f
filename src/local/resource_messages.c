/* Resources from messages and into messages: the two forms of reservations, and kinds. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "resources.h"

void resource_kinds_init(struct resource_kinds *kinds)
{
    map_init(&kinds->by_key, 0x6b696e64, 0x73);
}

void resource_kinds_clear(struct resource_kinds *kinds)
{
    size_t at = 0;
    struct resource_kind *kind;
    while ((kind = map_next(&kinds->by_key, &at)) != NULL) {
        mesos__v1__resource__free_unpacked(kind->shape, NULL);
        free(kind->key);
        free(kind);
    }
    map_clear(&kinds->by_key);
}

static bool has_role(const Resource *message)
{
    const char *role = types_resource_role(message);
    return role != NULL && strcmp(role, "*") != 0;
}

static int check_amount(const Resource *message, struct error *err)
{
    milli_t amount;
    switch (message->type) {
    case VALUE(SCALAR):
        if (message->scalar == NULL || message->ranges != NULL || message->set != NULL)
            return error_set(err, ERR_INVALID, "Invalid scalar resource");
        if (milli_from_double(message->scalar->value, &amount) != 0 || message->scalar->value < 0)
            return error_set(err, ERR_INVALID, "Invalid scalar resource: value < 0 or not a number");
        return 0;
    case VALUE(RANGES):
        if (message->ranges == NULL || message->scalar != NULL || message->set != NULL)
            return error_set(err, ERR_INVALID, "Invalid ranges resource");
        if (message->ranges->n_range > RESOURCE_RANGES_MAX)
            return error_set(
                    err, ERR_INVALID, "Invalid ranges resource: more than %d ranges", RESOURCE_RANGES_MAX);
        for (size_t i = 0; i < message->ranges->n_range; i++)
            if (message->ranges->range[i]->begin > message->ranges->range[i]->end)
                return error_set(err, ERR_INVALID, "Invalid ranges resource: begin > end");
        return 0;
    case VALUE(SET):
        if (message->set == NULL || message->scalar != NULL || message->ranges != NULL)
            return error_set(err, ERR_INVALID, "Invalid set resource");
        if (message->set->n_item > RESOURCE_RANGES_MAX)
            return error_set(
                    err, ERR_INVALID, "Invalid set resource: more than %d items", RESOURCE_RANGES_MAX);
        return 0;
    default:
        return error_set(err, ERR_INVALID, "Unsupported resource type");
    }
}

int resource_check(const Resource *message, struct error *err)
{
    if (message->name == NULL || message->name[0] == '\0')
        return error_set(err, ERR_INVALID, "Empty resource name");
    int code = check_amount(message, err);
    if (code != 0)
        return code;
    if (message->disk != NULL && strcmp(message->name, "disk") != 0)
        return error_set(err, ERR_INVALID, "DiskInfo should not be set for %.200s resource", message->name);
    if (message->n_reservations > 0 && (has_role(message) || message->reservation != NULL))
        return error_set(err, ERR_INVALID,
                "'Resource.role' and 'Resource.reservation' must not be set with 'Resource.reservations'");
    if (message->reservation != NULL && !has_role(message))
        return error_set(err, ERR_INVALID, "Invalid reservation: role \"*\" cannot be dynamically reserved");
    for (size_t i = 0; i < message->n_reservations; i++)
        if (!message->reservations[i]->has_type || message->reservations[i]->role == NULL)
            return error_set(err, ERR_INVALID, "Invalid reservation: 'type' and 'role' must be set");
    return 0;
}

Resource *resource_refined(const Resource *message, struct arena *arena)
{
    Resource *refined = arena_copy(arena, message, sizeof(*message));
    refined->reservation = NULL;
    types_set_resource_role(refined, NULL);
    if (!has_role(message))
        return refined;
    ReservationInfo *reservation = arena_alloc(arena, sizeof(*reservation));
    mesos__v1__resource__reservation_info__init(reservation);
    if (message->reservation != NULL)
        *reservation = *message->reservation;
    reservation->has_type = true;
    reservation->type = message->reservation != NULL ? MESOS__V1__RESOURCE__RESERVATION_INFO__TYPE__DYNAMIC
                                                     : MESOS__V1__RESOURCE__RESERVATION_INFO__TYPE__STATIC;
    reservation->role = types_resource_role(message);
    refined->n_reservations = 1;
    refined->reservations = arena_copy(arena, &reservation, sizeof(ReservationInfo *));
    return refined;
}

static struct resource_kind *kind_create(const Resource *shape, const uint8_t *key, size_t key_length)
{
    struct resource_kind *kind = alloc_zeroed(1, sizeof(*kind));
    size_t length = protobuf_c_message_get_packed_size(&shape->base);
    uint8_t *bytes = alloc_bytes(length + 1);
    protobuf_c_message_pack(&shape->base, bytes);
    kind->shape = mesos__v1__resource__unpack(NULL, length, bytes);
    free(bytes);
    kind->key = (uint8_t *)alloc_string_n((const char *)key, key_length);
    kind->key_length = key_length;
    if (kind->shape->n_reservations > 0)
        kind->role = kind->shape->reservations[kind->shape->n_reservations - 1]->role;
    kind->whole = kind->shape->disk != NULL && kind->shape->disk->persistence != NULL;
    kind->shared = kind->shape->shared != NULL;
    return kind;
}

/* The kind of a message: known, made, or NULL. How a volume is mounted, and who made it, is no part of the
 * key: it is the same volume. */
static const struct resource_kind *kind_of(struct resource_kinds *kinds, const Resource *message, bool create)
{
    struct arena arena;
    arena_init(&arena);
    Resource *shape = resource_refined(message, &arena);
    shape->base.n_unknown_fields = 0;
    shape->scalar = NULL;
    shape->ranges = NULL;
    shape->set = NULL;
    shape->allocation_info = NULL;

    Resource named = *shape;
    if (named.disk != NULL) {
        named.disk = arena_copy(&arena, named.disk, sizeof(*named.disk));
        named.disk->volume = NULL;
        if (named.disk->persistence != NULL) {
            named.disk->persistence =
                    arena_copy(&arena, named.disk->persistence, sizeof(*named.disk->persistence));
            named.disk->persistence->principal = NULL;
        }
    }
    size_t length = protobuf_c_message_get_packed_size(&named.base);
    uint8_t *key = arena_alloc(&arena, length + 1);
    protobuf_c_message_pack(&named.base, key);
    struct resource_kind *kind = map_get(&kinds->by_key, slice_of(key, length));
    if (kind == NULL && create) {
        kind = kind_create(shape, key, length);
        map_put(&kinds->by_key, slice_of(kind->key, length), kind);
    }
    arena_clear(&arena);
    return kind;
}

void resources_read(
        struct resource_kinds *kinds, const Resource *message, bool create, struct resources *resources)
{
    struct resource one = {.kind = kind_of(kinds, message, create)};
    struct resources part = {.items = &one, .count = 1, .capacity = 1};
    if (message->type == VALUE(SCALAR)) {
        if (milli_from_double(message->scalar->value, &one.scalar) != 0 || one.scalar == 0)
            return;
        resources_add(resources, &part);
    } else if (message->type == VALUE(RANGES)) {
        for (size_t i = 0; i < message->ranges->n_range; i++) {
            struct range range = {message->ranges->range[i]->begin, message->ranges->range[i]->end};
            one.ranges = &range;
            one.range_count = 1;
            resources_add(resources, &part);
        }
    } else {
        one.items = message->set->item;
        one.item_count = message->set->n_item;
        if (one.item_count > 0)
            resources_add(resources, &part);
    }
}

static Mesos__V1__Value__Ranges *write_ranges(const struct resource *resource, struct arena *arena)
{
    Mesos__V1__Value__Ranges *ranges = arena_alloc(arena, sizeof(*ranges));
    mesos__v1__value__ranges__init(ranges);
    ranges->n_range = resource->range_count;
    ranges->range = arena_array(arena, resource->range_count, sizeof(*ranges->range));
    for (size_t i = 0; i < resource->range_count; i++) {
        ranges->range[i] = arena_alloc(arena, sizeof(Mesos__V1__Value__Range));
        mesos__v1__value__range__init(ranges->range[i]);
        ranges->range[i]->begin = resource->ranges[i].begin;
        ranges->range[i]->end = resource->ranges[i].end;
    }
    return ranges;
}

static Resource *write_one(const struct resource *resource, char *role, bool refined, struct arena *arena)
{
    const Resource *shape = resource->kind->shape;
    Resource *message = arena_copy(arena, shape, sizeof(*shape));
    if (!refined) {
        message->n_reservations = 0;
        message->reservations = NULL;
        types_set_resource_role(message, arena_string(arena, "*"));
        if (shape->n_reservations > 0) {
            const ReservationInfo *last = shape->reservations[shape->n_reservations - 1];
            types_set_resource_role(message, last->role);
            if (last->type == MESOS__V1__RESOURCE__RESERVATION_INFO__TYPE__DYNAMIC) {
                message->reservation = arena_copy(arena, last, sizeof(*last));
                message->reservation->has_type = false;
                message->reservation->role = NULL;
            }
        }
    }
    if (role != NULL) {
        message->allocation_info = arena_alloc(arena, sizeof(*message->allocation_info));
        mesos__v1__resource__allocation_info__init(message->allocation_info);
        message->allocation_info->role = role;
    }
    if (shape->type == VALUE(SCALAR)) {
        message->scalar = arena_alloc(arena, sizeof(*message->scalar));
        mesos__v1__value__scalar__init(message->scalar);
        message->scalar->value = milli_to_double(resource->scalar);
    } else if (shape->type == VALUE(RANGES)) {
        message->ranges = write_ranges(resource, arena);
    } else {
        message->set = arena_alloc(arena, sizeof(*message->set));
        mesos__v1__value__set__init(message->set);
        message->set->n_item = resource->item_count;
        message->set->item = resource->items;
    }
    return message;
}

size_t resources_write(const struct resources *resources, char *role, bool refined, struct arena *arena,
        Resource ***messages)
{
    Resource **written = arena_array(arena, resources->count + 1, sizeof(*written));
    size_t count = 0;
    for (size_t i = 0; i < resources->count; i++) {
        const struct resource *one = &resources->items[i];
        if (one->scalar != 0 || one->range_count != 0 || one->item_count != 0)
            written[count++] = write_one(one, role, refined, arena);
    }
    *messages = written;
    return count;
}
