/* What a master requires of a resource, of all resources of a task, and of limits; with the field at fault.
 * Whatever can be decoded comes here, clients' mistakes included: pointers may be NULL, numbers anything. */
#include "resource.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

typedef Mesos__V1__Resource__ReservationInfo reservation_info;

#define LAYER(name) MESOS__V1__RESOURCE__RESERVATION_INFO__TYPE__##name
#define SOURCE(name) MESOS__V1__RESOURCE__DISK_INFO__SOURCE__TYPE__##name

/* `member` is below `path`. Returns `code`, so that a check can end with it. */
static int at(int code, struct error *err, const char *path, const char *member)
{
    if (err)
        snprintf(err->field, sizeof err->field, "%s.%s", path, member);
    return code;
}

#define REFUSE(member, ...) at(error_set(err, ERR_INVALID, __VA_ARGS__), err, path, member)

/* ---- roles ---- */

bool resource_role_within(const char *role, const char *ancestor)
{
    size_t length = strlen(ancestor);
    return strncmp(role, ancestor, length) == 0 && (role[length] == '\0' || role[length] == '/');
}

static bool part_is_bad(const char *part, size_t length)
{
    return length == 0 || part[0] == '-' || (length == 1 && (part[0] == '.' || part[0] == '*')) ||
           (length == 2 && part[0] == '.' && part[1] == '.');
}

int resource_role_check(const char *role, struct error *err)
{
    if (strcmp(role, "*") == 0)
        return 0;
    bool bad = strpbrk(role, "\t\n\v\f\r \x7f") != NULL;
    for (const char *part = role, *end; part; part = end ? end + 1 : NULL) {
        end = strchr(part, '/');
        bad |= part_is_bad(part, end ? (size_t)(end - part) : strlen(part));
    }
    return bad ? error_set(err, ERR_INVALID, "'%.100s' is not a role's name", role) : 0;
}

/* ---- the value ---- */

static int check_ranges(const Mesos__V1__Value__Ranges *ranges, const char *path, struct error *err)
{
    char member[64];
    for (size_t i = 0; i < ranges->n_range; i++) {
        if (ranges->range[i]->begin <= ranges->range[i]->end)
            continue;
        snprintf(member, sizeof member, "ranges.range[%zu]", i);
        return REFUSE(member, "a range begins after its end");
    }
    return 0;
}

static int check_value(const Mesos__V1__Resource *message, const char *path, struct error *err)
{
    const bool has[] = {message->scalar != NULL, message->ranges != NULL, message->set != NULL};
    const char *const names[] = {"scalar", "ranges", "set"};
    static const int types[] = {RESOURCE_SCALAR, RESOURCE_RANGES, RESOURCE_ITEMS};
    const char *own = NULL;
    for (int i = 0; i < 3; i++) {
        if ((int)message->type == types[i])
            own = names[i];
        else if (has[i])
            return REFUSE(names[i], "a resource has the value of its type alone");
    }
    if (message->scalar && message->scalar->value < 0)
        return REFUSE("scalar", "a scalar must not be negative");
    int rc = message->ranges ? check_ranges(message->ranges, path, err) : 0;
    if (rc)
        return rc;
    struct arena arena;
    arena_init(&arena);
    struct resource_value value;
    rc = resource_value_read(&arena, message, &value, err);
    if (rc)
        rc = at(rc, err, path, own ? own : "type");
    else if (!resource_value_is_apart(&arena, message))
        rc = REFUSE(own, "ranges must not overlap, nor items be there twice");
    arena_clear(&arena);
    return rc;
}

/* ---- reservations ---- */

static int check_layer(const Mesos__V1__Resource *kind, size_t index, const char *path, struct error *err)
{
    const reservation_info *layer = kind->reservations[index];
    char member[64];
    snprintf(member, sizeof member, "reservations[%zu].%s", index, layer->role ? "type" : "role");
    if (!layer->role)
        return REFUSE(member, "a reservation names its role");
    if (!layer->has_type || (layer->type != LAYER(STATIC) && layer->type != LAYER(DYNAMIC)))
        return REFUSE(member, "a reservation is STATIC or DYNAMIC");
    if (index > 0 && layer->type == LAYER(STATIC))
        return REFUSE(member, "a refined reservation is DYNAMIC");
    snprintf(member, sizeof member, "reservations[%zu].role", index);
    if (strcmp(layer->role, "*") == 0)
        return REFUSE(member, "nothing is reserved for '*'");
    int rc = resource_role_check(layer->role, err);
    if (rc)
        return at(rc, err, path, member);
    const char *above = index > 0 ? kind->reservations[index - 1]->role : NULL;
    if (above && (strcmp(above, layer->role) == 0 || !resource_role_within(layer->role, above)))
        return REFUSE(member, "'%.80s' is not below '%.80s', which it refines", layer->role, above);
    return 0;
}

/* Beside a stack: of one it may say the same. */
static int check_both_forms(const Mesos__V1__Resource *message, const char *path, struct error *err)
{
    const char *role = resource_old_role(message);
    const reservation_info *reservation = message->reservation, *layer = message->reservations[0];
    if (message->n_reservations > 1 && (role || reservation))
        return REFUSE(role ? "role" : "reservation", "beside several reservations it is not set");
    if (role && strcmp(role, layer->role ? layer->role : "") != 0)
        return REFUSE("role", "it is not the role of the reservation");
    bool dynamic = layer->type == LAYER(DYNAMIC);
    if (dynamic ? !role != !reservation : reservation != NULL)
        return REFUSE("reservation", "it does not go with the reservation in the stack");
    if (reservation && strcmp(reservation->principal ? reservation->principal : "",
                               layer->principal ? layer->principal : "") != 0)
        return REFUSE("reservation.principal", "it is not that of the reservation in the stack");
    return 0;
}

static int check_old_form(const Mesos__V1__Resource *message, const char *path, struct error *err)
{
    if (message->n_reservations > 0)
        return check_both_forms(message, path, err);
    const char *role = resource_old_role(message) ? resource_old_role(message) : "*";
    const reservation_info *reservation = message->reservation;
    int rc = resource_role_check(role, err);
    if (rc)
        return at(rc, err, path, "role");
    if (reservation && strcmp(role, "*") == 0)
        return REFUSE("role", "nothing is reserved for '*'");
    if (reservation && (reservation->has_type || reservation->role))
        return REFUSE("reservation", "type and role are for the stack");
    return 0;
}

/* ---- disks ---- */

static int check_source(
        const Mesos__V1__Resource__DiskInfo__Source *source, const char *path, struct error *err)
{
    switch (source->type) {
    case SOURCE(PATH):
    case SOURCE(MOUNT):
        return 0;
    case SOURCE(BLOCK):
    case SOURCE(RAW):
        if (source->mount)
            return REFUSE("disk.source.mount", "only a MOUNT disk has it");
        return source->path ? REFUSE("disk.source.path", "only a PATH disk has it") : 0;
    default:
        return REFUSE("disk.source.type", "a source is PATH, MOUNT, BLOCK or RAW");
    }
}

static int check_volume(const Mesos__V1__Resource *kind, const char *path, struct error *err)
{
    if (kind->revocable)
        return REFUSE("disk.persistence", "a persistent volume must not be revocable");
    if (kind->n_reservations == 0)
        return REFUSE("disk.persistence", "a persistent volume is of reserved disk");
    if (!kind->disk->volume)
        return REFUSE("disk.volume", "a persistent volume says where it appears");
    if (kind->disk->volume->host_path)
        return REFUSE("disk.volume.host_path", "a persistent volume has no host path");
    const char *id = kind->disk->persistence->id;
    int rc = text_check_id(id ? id : "", RESOURCE_PERSISTENCE_ID_MAX, err);
    return rc ? at(rc, err, path, "disk.persistence.id") : 0;
}

static int check_disk(const Mesos__V1__Resource *kind, const char *path, struct error *err)
{
    const Mesos__V1__Resource__DiskInfo *disk = kind->disk;
    if (kind->shared && !(disk && disk->persistence))
        return REFUSE("shared", "only a persistent volume can be shared");
    if (!disk)
        return 0;
    if (strcmp(kind->name, "disk") != 0)
        return REFUSE("disk", "only the resource 'disk' has it");
    int rc = disk->source ? check_source(disk->source, path, err) : 0;
    if (rc)
        return rc;
    if (disk->persistence)
        return check_volume(kind, path, err);
    if (disk->volume)
        return REFUSE("disk.volume", "only a persistent volume has it");
    return disk->source ? 0 : REFUSE("disk", "it says nothing");
}

/* ---- a resource ---- */

static int check_kind(const Mesos__V1__Resource *kind, const char *path, struct error *err)
{
    if (kind->n_reservations > RESOURCE_LAYERS_MAX)
        return at(
                error_set(err, ERR_TOO_LARGE, "a resource has at most %d reservations", RESOURCE_LAYERS_MAX),
                err, path, "reservations");
    for (size_t i = 0; i < kind->n_reservations; i++) {
        int rc = check_layer(kind, i, path, err);
        if (rc)
            return rc;
    }
    if (kind->n_reservations > 0 && kind->revocable &&
            kind->reservations[kind->n_reservations - 1]->type == LAYER(DYNAMIC))
        return REFUSE("revocable", "what is revocable is not reserved dynamically");
    return check_disk(kind, path, err);
}

int resource_check(const Mesos__V1__Resource *message, const char *path, struct error *err)
{
    if (!message->name || !*message->name)
        return REFUSE("name", "a resource has a name");
    int rc = check_value(message, path, err);
    if (rc == 0)
        rc = check_old_form(message, path, err);
    if (rc)
        return rc;
    struct arena arena;
    arena_init(&arena);
    struct resource resource;
    rc = check_kind(resource_modern(&arena, message), path, err);
    if (rc == 0 && (rc = resource_read(&arena, message, &resource, err)))
        rc = at(rc, err, path, "reservations");
    arena_clear(&arena);
    return rc;
}
