/* What an operation of an ACCEPT does to resources: some are consumed, others are there instead. All of an
 * operation is done or nothing; it is done where the offer's resources are counted and, the same, in the
 * agent's total. */
#include <string.h>

#include "base/alloc.h"

#include "parts.h"

struct conversion {
    Resource *consumed[2], *converted[2];
    size_t consumed_count, converted_count;
};

static Resource *copy_of(const Resource *message, struct arena *arena)
{
    return resource_refined(message, arena);
}

static Resource *without_last_reservation(const Resource *message, struct arena *arena)
{
    Resource *popped = copy_of(message, arena);
    if (popped->n_reservations > 0)
        popped->n_reservations--;
    return popped;
}

/* The disk that a volume is made of. */
static Resource *without_volume(const Resource *message, struct arena *arena)
{
    Resource *stripped = copy_of(message, arena);
    stripped->shared = NULL;
    if (stripped->disk == NULL || stripped->disk->source == NULL) {
        stripped->disk = NULL;
        return stripped;
    }
    stripped->disk = arena_copy(arena, stripped->disk, sizeof(*stripped->disk));
    stripped->disk->persistence = NULL;
    stripped->disk->volume = NULL;
    return stripped;
}

static Resource *of_size(const Resource *message, double size, struct arena *arena)
{
    Resource *sized = copy_of(message, arena);
    milli_t exact;
    sized->scalar = arena_alloc(arena, sizeof(*sized->scalar));
    mesos__v1__value__scalar__init(sized->scalar);
    if (milli_from_double(size, &exact) == 0) /* sums of doubles are not what was added */
        sized->scalar->value = milli_to_double(exact);
    return sized;
}

static struct conversion from_to(Resource *consumed, Resource *converted)
{
    return (struct conversion){{consumed}, {converted}, 1, 1};
}

/* Of a checked operation; the array is in the arena. */
static size_t conversions_of(const Operation *operation, struct arena *arena, struct conversion **conversions)
{
    size_t count = 0;
    Resource **resources = NULL;
    if (operation->type == OPERATION(RESERVE)) {
        count = operation->reserve->n_resources;
        resources = operation->reserve->resources;
    } else if (operation->type == OPERATION(UNRESERVE)) {
        count = operation->unreserve->n_resources;
        resources = operation->unreserve->resources;
    } else if (operation->type == OPERATION(CREATE)) {
        count = operation->create->n_volumes;
        resources = operation->create->volumes;
    } else if (operation->type == OPERATION(DESTROY)) {
        count = operation->destroy->n_volumes;
        resources = operation->destroy->volumes;
    }
    struct conversion *made = arena_array(arena, count + 1, sizeof(*made));
    *conversions = made;
    for (size_t i = 0; i < count; i++) {
        Resource *whole = copy_of(resources[i], arena);
        if (operation->type == OPERATION(RESERVE))
            made[i] = from_to(without_last_reservation(whole, arena), whole);
        else if (operation->type == OPERATION(UNRESERVE))
            made[i] = from_to(whole, without_last_reservation(whole, arena));
        else if (operation->type == OPERATION(CREATE))
            made[i] = from_to(without_volume(whole, arena), whole);
        else
            made[i] = from_to(whole, without_volume(whole, arena));
    }
    if (operation->type == OPERATION(GROW_VOLUME)) {
        Resource *volume = operation->grow_volume->volume, *addition = operation->grow_volume->addition;
        made[count] =
                from_to(volume, of_size(volume, volume->scalar->value + addition->scalar->value, arena));
        made[count].consumed[made[count].consumed_count++] = addition;
        count++;
    }
    if (operation->type == OPERATION(SHRINK_VOLUME)) {
        Resource *volume = operation->shrink_volume->volume;
        double less = operation->shrink_volume->subtract->value;
        made[count] = from_to(volume, of_size(volume, volume->scalar->value - less, arena));
        made[count].converted[made[count].converted_count++] =
                of_size(without_volume(volume, arena), less, arena);
        count++;
    }
    return count;
}

static void read_all(struct resource_kinds *kinds, Resource **messages, size_t count, bool create,
        struct resources *resources)
{
    resources_clear(resources);
    for (size_t i = 0; i < count; i++)
        resources_read(kinds, messages[i], create, resources);
}

/* Takes away and puts there, in a place that holds what is consumed. */
static void convert(
        struct resources *place, const struct resources *consumed, const struct resources *converted)
{
    for (size_t i = 0; i < consumed->count; i++) {
        struct resources one = {.items = &consumed->items[i], .count = 1, .capacity = 1};
        if (one.items->kind->shared)
            resources_discard(place, &one);
        else
            resources_subtract(place, &one);
    }
    resources_add(place, converted);
}

static int not_there(const struct resources *left, const struct conversion *conversion, const char *role,
        const char *prefix, struct error *err)
{
    struct buf text;
    buf_init(&text, 4096);
    resources_format(left, role, &text);
    int code = buf_append_string(&text, text.length == 0 ? "{} does not contain " : " does not contain ");
    for (size_t i = 0; i < conversion->consumed_count; i++) {
        if (i > 0)
            code |= buf_append_string(&text, "; ");
        resource_message_format(conversion->consumed[i], role, &text);
    }
    code = error_set(err, ERR_INVALID, "%s%.*s%s", prefix, (int)text.length, (const char *)text.data,
            code == 0 ? "" : "...");
    buf_clear(&text);
    return code;
}

int operation_apply(const Operation *operation, struct agent *agent, const char *role, struct resources *left,
        struct error *err)
{
    struct resource_kinds *kinds = &agent->local->kinds;
    struct resources after, total, consumed, converted;
    struct conversion *conversions;
    struct arena arena;
    const char *prefix = operation->type == OPERATION(GROW_VOLUME)     ? "Invalid GROW_VOLUME operation: "
                         : operation->type == OPERATION(SHRINK_VOLUME) ? "Invalid SHRINK_VOLUME operation: "
                                                                       : "";
    int code = 0;
    arena_init(&arena);
    resources_init(&after);
    resources_init(&total);
    resources_init(&consumed);
    resources_init(&converted);
    resources_copy(&after, left);
    resources_copy(&total, &agent->total);
    size_t count = conversions_of(operation, &arena, &conversions);
    for (size_t i = 0; i < count; i++) {
        read_all(kinds, conversions[i].consumed, conversions[i].consumed_count, false, &consumed);
        if (!resources_contains(&after, &consumed)) {
            code = not_there(&after, &conversions[i], role, prefix, err);
            goto out;
        }
        read_all(kinds, conversions[i].converted, conversions[i].converted_count, true, &converted);
        convert(&after, &consumed, &converted);
        convert(&total, &consumed, &converted);
        if (operation->type == OPERATION(DESTROY))
            resources_discard(&agent->free, &consumed); /* a shared one is there although it is offered */
    }
    resources_copy(left, &after);
    resources_copy(&agent->total, &total);
out:
    resources_clear(&after);
    resources_clear(&total);
    resources_clear(&consumed);
    resources_clear(&converted);
    arena_clear(&arena);
    return code;
}
