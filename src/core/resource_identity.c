/* What a resource is apart from its amount: reading it, comparing it, writing it with another amount. */
#include "resource.h"

#include <string.h>

typedef Mesos__V1__Resource__ReservationInfo reservation_info;
typedef Mesos__V1__Resource__DiskInfo disk_info;
typedef Mesos__V1__Resource__DiskInfo__Source disk_source;

#define SOURCE(name) MESOS__V1__RESOURCE__DISK_INFO__SOURCE__TYPE__##name

/* ---- comparing ---- */

/* An absent field is not an empty one. */
static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_unknown(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
    if (a->n_unknown_fields != b->n_unknown_fields)
        return false;
    for (unsigned i = 0; i < a->n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *x = &a->unknown_fields[i], *y = &b->unknown_fields[i];
        if (x->tag != y->tag || x->wire_type != y->wire_type || x->len != y->len ||
                (x->len > 0 && memcmp(x->data, y->data, x->len) != 0))
            return false;
    }
    return true;
}

/* Whether one is there without the other; where both are, their unknown fields are compared. */
#define DIFFERENT(a, b) (!(a) != !(b) || ((a) && !same_unknown(&(a)->base, &(b)->base)))

static bool same_label(const Mesos__V1__Label *a, const Mesos__V1__Label *b)
{
    return same_text(a->key, b->key) && same_text(a->value ? a->value : "", b->value ? b->value : "") &&
           same_unknown(&a->base, &b->base);
}

static size_t count_label(const Mesos__V1__Labels *labels, const Mesos__V1__Label *label)
{
    size_t count = 0;
    for (size_t i = 0; i < labels->n_labels; i++)
        count += same_label(labels->labels[i], label);
    return count;
}

/* In any order, each as often. Mostly they are in the same one. */
static bool same_labels(const Mesos__V1__Labels *a, const Mesos__V1__Labels *b)
{
    if (DIFFERENT(a, b))
        return false;
    if (!a || a == b)
        return true;
    if (a->n_labels != b->n_labels)
        return false;
    size_t same = 0;
    while (same < a->n_labels && same_label(a->labels[same], b->labels[same]))
        same++;
    for (size_t i = same; i < a->n_labels; i++) {
        if (count_label(a, a->labels[i]) != count_label(b, a->labels[i]))
            return false;
    }
    return true;
}

static int layer_type(const reservation_info *layer)
{
    return layer->has_type ? (int)layer->type : 0;
}

static bool same_layer(const reservation_info *a, const reservation_info *b)
{
    return layer_type(a) == layer_type(b) && same_text(a->role, b->role) &&
           same_text(a->principal, b->principal) && same_labels(a->labels, b->labels) &&
           same_unknown(&a->base, &b->base);
}

bool resource_same_reservations(const Mesos__V1__Resource *a, const Mesos__V1__Resource *b)
{
    if (a->n_reservations != b->n_reservations)
        return false;
    for (size_t i = 0; i < a->n_reservations; i++) {
        if (!same_layer(a->reservations[i], b->reservations[i]))
            return false;
    }
    return true;
}

static bool same_source(const disk_source *a, const disk_source *b)
{
    if (DIFFERENT(a, b))
        return false;
    if (!a)
        return true;
    if (DIFFERENT(a->path, b->path) || DIFFERENT(a->mount, b->mount))
        return false;
    return a->type == b->type && (!a->path || same_text(a->path->root, b->path->root)) &&
           (!a->mount || same_text(a->mount->root, b->mount->root)) && same_text(a->vendor, b->vendor) &&
           same_text(a->id, b->id) && same_text(a->profile, b->profile) &&
           same_labels(a->metadata, b->metadata);
}

static bool same_disk(const disk_info *a, const disk_info *b)
{
    if (DIFFERENT(a, b))
        return false;
    if (!a)
        return true;
    return !DIFFERENT(a->persistence, b->persistence) &&
           (!a->persistence || same_text(a->persistence->id, b->persistence->id)) &&
           same_source(a->source, b->source);
}

static bool same_ids(const Mesos__V1__Resource *a, const Mesos__V1__Resource *b)
{
    if (DIFFERENT(a->provider_id, b->provider_id) || DIFFERENT(a->allocation_info, b->allocation_info))
        return false;
    return (!a->provider_id || same_text(a->provider_id->value, b->provider_id->value)) &&
           (!a->allocation_info || same_text(a->allocation_info->role, b->allocation_info->role));
}

bool resource_same_kind(const struct resource *a, const struct resource *b)
{
    const Mesos__V1__Resource *x = a->kind, *y = b->kind;
    if (x == y)
        return true;
    return x->type == y->type && same_text(x->name, y->name) && !DIFFERENT(x->revocable, y->revocable) &&
           !DIFFERENT(x->shared, y->shared) && resource_same_reservations(x, y) &&
           same_disk(x->disk, y->disk) && same_ids(x, y) && same_unknown(&x->base, &y->base);
}

bool resource_same(const struct resource *a, const struct resource *b)
{
    return resource_same_kind(a, b) && (!a->whole || resource_value_equal(&a->value, &b->value));
}

/* ---- the two forms of reservation ---- */

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

const char *resource_old_role(const Mesos__V1__Resource *message)
{
    Mesos__V1__Resource fresh;
    mesos__v1__resource__init(&fresh);
    return message->role == fresh.role ? NULL : message->role;
}

static void clear_old_role(Mesos__V1__Resource *message)
{
    message->role = NULL;
}

#pragma GCC diagnostic pop

const Mesos__V1__Resource *resource_modern(struct arena *arena, const Mesos__V1__Resource *message)
{
    const char *role = resource_old_role(message);
    if (!role && !message->reservation)
        return message;
    Mesos__V1__Resource *modern = arena_copy(arena, message, sizeof *message);
    modern->reservation = NULL;
    clear_old_role(modern);
    if (message->n_reservations > 0 || !role || strcmp(role, "*") == 0)
        return modern;
    reservation_info *layer = arena_alloc(arena, sizeof *layer);
    mesos__v1__resource__reservation_info__init(layer);
    if (message->reservation)
        *layer = *message->reservation;
    layer->has_type = true;
    layer->type = message->reservation ? MESOS__V1__RESOURCE__RESERVATION_INFO__TYPE__DYNAMIC
                                       : MESOS__V1__RESOURCE__RESERVATION_INFO__TYPE__STATIC;
    layer->role = arena_string(arena, role);
    modern->reservations = arena_array(arena, 1, sizeof *modern->reservations);
    modern->reservations[0] = layer;
    modern->n_reservations = 1;
    return modern;
}

/* ---- reading and writing ---- */

static bool is_whole(const Mesos__V1__Resource *kind)
{
    const disk_source *source = kind->disk ? kind->disk->source : NULL;
    return kind->shared || (kind->disk && kind->disk->persistence) ||
           (source && source->type != SOURCE(PATH) && (source->type != SOURCE(RAW) || source->id));
}

static int check_sizes(const Mesos__V1__Resource *kind, struct error *err)
{
    if (kind->n_reservations > RESOURCE_LAYERS_MAX)
        return error_set(err, ERR_TOO_LARGE, "a resource has at most %d reservations", RESOURCE_LAYERS_MAX);
    bool many = kind->disk && kind->disk->source && kind->disk->source->metadata &&
                kind->disk->source->metadata->n_labels > RESOURCE_LABELS_MAX;
    for (size_t i = 0; i < kind->n_reservations; i++) {
        const Mesos__V1__Labels *labels = kind->reservations[i]->labels;
        many |= labels && labels->n_labels > RESOURCE_LABELS_MAX;
    }
    return many ? error_set(err, ERR_TOO_LARGE, "there are at most %d labels", RESOURCE_LABELS_MAX) : 0;
}

int resource_read(
        struct arena *arena, const Mesos__V1__Resource *message, struct resource *resource, struct error *err)
{
    struct resource read = {.kind = resource_modern(arena, message), .copies = 1};
    const Mesos__V1__Resource *kind = read.kind;
    if (!kind->name || !*kind->name)
        return error_set(err, ERR_INVALID, "a resource has a name");
    if (message->reservation && kind->n_reservations == 0)
        return error_set(err, ERR_INVALID, "it is reserved, and for no role");
    int rc = check_sizes(kind, err);
    if (rc == 0)
        rc = resource_value_read(arena, message, &read.value, err);
    if (rc)
        return rc;
    read.whole = is_whole(kind);
    read.plain = !kind->disk && !kind->shared && !kind->provider_id;
    if (kind->n_reservations > 0) {
        read.role = kind->reservations[kind->n_reservations - 1]->role;
        read.role = read.role ? read.role : "";
        read.rank = strlen(read.role) + 1;
    }
    *resource = read;
    return 0;
}

/* The messages of the value are copied, not made: what else they hold goes along. */
Mesos__V1__Resource *resource_write(struct arena *arena, const struct resource *resource)
{
    const struct resource_value *value = &resource->value;
    Mesos__V1__Resource *message = arena_copy(arena, resource->kind, sizeof *message);
    if (value->type == RESOURCE_SCALAR) {
        message->scalar = arena_copy(arena, message->scalar, sizeof *message->scalar);
        message->scalar->value = milli_to_double(value->scalar);
    } else if (value->type == RESOURCE_RANGES) {
        message->ranges = arena_copy(arena, message->ranges, sizeof *message->ranges);
        message->ranges->n_range = value->count;
        message->ranges->range = arena_array(arena, value->count, sizeof *message->ranges->range);
        Mesos__V1__Value__Range *ranges = arena_array(arena, value->count, sizeof *ranges);
        for (size_t i = 0; i < value->count; i++) {
            mesos__v1__value__range__init(&ranges[i]);
            ranges[i].begin = value->ranges[i].begin;
            ranges[i].end = value->ranges[i].end;
            message->ranges->range[i] = &ranges[i];
        }
    } else {
        message->set = arena_copy(arena, message->set, sizeof *message->set);
        message->set->n_item = value->count;
        message->set->item = arena_array(arena, value->count, sizeof *message->set->item);
        if (value->count > 0)
            memcpy(message->set->item, value->items, value->count * sizeof *value->items);
    }
    return message;
}
