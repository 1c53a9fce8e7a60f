/* Finding what a task asks for in what is offered. Entries that were used up stay in their places, empty, so
 * that what was taken can be put back where it was. */
#include "resource.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define SOURCE(name) MESOS__V1__RESOURCE__DISK_INFO__SOURCE__TYPE__##name

/* ---- what is asked for ---- */

static int at(int code, struct error *err, const char *path, const char *list, size_t index)
{
    if (err)
        snprintf(err->field, sizeof err->field, "%s.%s[%zu]", path, list, index);
    return code;
}

static int check_want(const struct resource_request *request, size_t index, struct error *err)
{
    const struct resource_want *want = &request->wants[index];
    if (!want->name || !*want->name)
        return error_set(err, ERR_INVALID, "a resource has a name");
    for (size_t i = 0; i < index; i++) {
        if (strcmp(request->wants[i].name, want->name) == 0)
            return error_set(err, ERR_INVALID, "%.80s is asked for twice", want->name);
    }
    if (want->type != RESOURCE_SCALAR && want->type != RESOURCE_RANGES && want->type != RESOURCE_ITEMS)
        return error_set(err, ERR_INVALID, "%.80s is a scalar, ranges or a set", want->name);
    if (want->type == RESOURCE_SCALAR && want->amount > (uint64_t)MILLI_MAX)
        return error_set(err, ERR_INVALID, "%.80s is at most 10^12", want->name);
    if (strcmp(want->name, "gpus") == 0 && want->type == RESOURCE_SCALAR && want->amount % 1000 != 0)
        return error_set(err, ERR_INVALID, "gpus must be a whole number");
    return 0;
}

static int check_disk(const struct resource_disk_want *disk, struct error *err)
{
    if (disk->persistence_id)
        return text_check_id(disk->persistence_id, RESOURCE_PERSISTENCE_ID_MAX, err);
    if (disk->size <= 0 || disk->size > MILLI_MAX)
        return error_set(err, ERR_INVALID, "a disk has a size, up to 10^12");
    if ((int)disk->source < (int)SOURCE(UNKNOWN) || (int)disk->source > (int)SOURCE(RAW))
        return error_set(err, ERR_INVALID, "a source is PATH, MOUNT, BLOCK or RAW");
    return 0;
}

int resource_request_check(const struct resource_request *request, const char *path, struct error *err)
{
    if (request->want_count > RESOURCE_SET_MAX || request->disk_count > RESOURCE_SET_MAX) {
        bool wants = request->want_count > RESOURCE_SET_MAX;
        int code = error_set(err, ERR_TOO_LARGE, "a request has at most %d of them", RESOURCE_SET_MAX);
        return at(code, err, path, wants ? "wants" : "disks", RESOURCE_SET_MAX);
    }
    for (size_t i = 0; i < request->want_count; i++) {
        int rc = check_want(request, i, err);
        if (rc)
            return at(rc, err, path, "wants", i);
    }
    for (size_t i = 0; i < request->disk_count; i++) {
        int rc = check_disk(&request->disks[i], err);
        if (rc)
            return at(rc, err, path, "disks", i);
    }
    return 0;
}

/* ---- what can be had ---- */

static bool is_for(const struct resource *item, const char *role, enum resource_reserved reserved)
{
    if (!item->role)
        return reserved != RESOURCE_RESERVED;
    return reserved != RESOURCE_UNRESERVED && resource_role_within(role, item->role);
}

static bool meets_want(
        const struct resource *item, const char *role, const struct resource_want *want, bool revocable)
{
    return item->plain && item->value.type == want->type && strcmp(item->kind->name, want->name) == 0 &&
           (item->kind->revocable != NULL) == revocable && is_for(item, role, want->reserved);
}

/* At most as much as is wanted. */
static uint64_t sum_for(const struct resource_set *offered, const char *role,
        const struct resource_want *want, bool revocable)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < offered->count && sum < want->amount; i++) {
        if (!meets_want(&offered->items[i], role, want, revocable))
            continue;
        uint64_t more = resource_value_amount(&offered->items[i].value);
        sum = more < want->amount - sum ? sum + more : want->amount;
    }
    return sum;
}

static bool from_revocable(
        const struct resource_set *offered, const char *role, const struct resource_want *want)
{
    return want->revocable == RESOURCE_REVOCABLE ||
           (want->revocable == RESOURCE_REVOCABLE_FIRST &&
                   sum_for(offered, role, want, true) >= want->amount);
}

uint64_t resource_available(
        const struct resource_set *offered, const char *role, const struct resource_want *want)
{
    return sum_for(offered, role, want, from_revocable(offered, role, want));
}

static bool has_wants(const struct resource_set *offered, const char *role,
        const struct resource_request *request, struct resource_lack *lack)
{
    for (size_t i = 0; i < request->want_count; i++) {
        const struct resource_want *want = &request->wants[i];
        uint64_t found = resource_available(offered, role, want);
        if (found >= want->amount)
            continue;
        *lack = (struct resource_lack){.want = want, .found = found};
        return false;
    }
    return true;
}

/* ---- taking by name ---- */

static bool append(struct resource_set *taken, struct resource part, size_t origin)
{
    part.origin = origin;
    return resource_set_append(taken, &part, NULL) == 0;
}

/* The highest rank below `above` among what meets the want; false: there is none. */
static bool next_rank(const struct resource_set *offered, const char *role, const struct resource_want *want,
        bool revocable, size_t above, size_t *rank)
{
    bool found = false;
    for (size_t i = 0; i < offered->count; i++) {
        const struct resource *item = &offered->items[i];
        if (item->rank >= above || (found && item->rank <= *rank) || !meets_want(item, role, want, revocable))
            continue;
        *rank = item->rank;
        found = true;
    }
    return found;
}

static bool take_want(struct resource_set *offered, const char *role, const struct resource_want *want,
        struct resource_set *taken)
{
    bool revocable = from_revocable(offered, role, want);
    uint64_t missing = want->amount;
    size_t rank = SIZE_MAX;
    while (missing > 0 && next_rank(offered, role, want, revocable, rank, &rank)) {
        for (size_t i = 0; i < offered->count && missing > 0; i++) {
            struct resource *item = &offered->items[i];
            if (item->rank != rank || !meets_want(item, role, want, revocable) ||
                    resource_value_amount(&item->value) == 0)
                continue;
            struct resource part = *item;
            part.value = resource_value_take(taken->arena, &item->value, missing);
            missing -= resource_value_amount(&part.value);
            if (!append(taken, part, i)) {
                resource_value_add(offered->arena, &item->value, &part.value);
                return false;
            }
        }
    }
    return missing == 0;
}

/* ---- taking disks ---- */

static bool same_text(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

/* But for its size. */
static bool meets_disk(const struct resource *item, const char *role, const struct resource_disk_want *want)
{
    const Mesos__V1__Resource__DiskInfo *disk = item->kind->disk;
    if (!disk || item->copies == 0 || item->value.type != RESOURCE_SCALAR || item->kind->revocable ||
            !is_for(item, role, want->reserved))
        return false;
    if (want->persistence_id || disk->persistence)
        return disk->persistence && same_text(disk->persistence->id, want->persistence_id);
    const Mesos__V1__Resource__DiskInfo__Source *source = disk->source;
    if (!source || (want->profile && !same_text(source->profile, want->profile)))
        return false;
    return want->source == SOURCE(UNKNOWN) ? source->type == SOURCE(PATH) || source->type == SOURCE(MOUNT)
                                           : source->type == want->source;
}

/* How much would go. */
static milli_t size_taken(const struct resource *item, const struct resource_disk_want *want)
{
    return item->whole ? item->value.scalar : want->size;
}

static struct resource *best_disk(struct resource_set *offered, const char *role,
        const struct resource_disk_want *want, uint64_t *found)
{
    struct resource *best = NULL;
    *found = 0;
    for (size_t i = 0; i < offered->count; i++) {
        struct resource *item = &offered->items[i];
        if (!meets_disk(item, role, want))
            continue;
        if (!want->persistence_id && item->value.scalar < want->size) {
            *found = (uint64_t)item->value.scalar > *found ? (uint64_t)item->value.scalar : *found;
            continue;
        }
        if (!best || item->rank > best->rank ||
                (item->rank == best->rank && size_taken(item, want) < size_taken(best, want)))
            best = item;
    }
    return best;
}

static const Mesos__V1__Resource *with_volume(
        struct arena *arena, const Mesos__V1__Resource *kind, Mesos__V1__Volume *volume)
{
    Mesos__V1__Resource *copy = arena_copy(arena, kind, sizeof *kind);
    copy->disk = arena_copy(arena, kind->disk, sizeof *kind->disk);
    copy->disk->volume = volume;
    return copy;
}

static bool take_disk(struct resource_set *offered, const char *role, const struct resource_disk_want *want,
        struct resource_set *taken, uint64_t *found)
{
    struct resource *item = best_disk(offered, role, want, found);
    if (!item)
        return false;
    struct resource part = *item;
    part.copies = 1;
    if (!item->whole)
        part.value.scalar = want->size;
    if (want->volume)
        part.kind = with_volume(taken->arena, item->kind, want->volume);
    if (!append(taken, part, (size_t)(item - offered->items)))
        return false;
    if (!item->whole)
        item->value.scalar -= want->size;
    else if (!item->kind->shared)
        item->copies = 0;
    return true;
}

/* ---- all of it, or nothing ---- */

static void put_back(struct resource_set *offered, struct resource_set *taken, size_t kept)
{
    while (taken->count > kept) {
        struct resource *part = &taken->items[--taken->count], *item = &offered->items[part->origin];
        if (item->whole)
            item->copies = item->kind->shared ? item->copies : 1;
        else
            resource_value_add(offered->arena, &item->value, &part->value);
    }
}

static bool take_all(struct resource_set *offered, const char *role, const struct resource_request *request,
        struct resource_set *taken, struct resource_lack *lack)
{
    for (size_t i = 0; i < request->disk_count; i++) {
        lack->disk = &request->disks[i];
        if (!take_disk(offered, role, lack->disk, taken, &lack->found))
            return false;
    }
    lack->disk = NULL;
    for (size_t i = 0; i < request->want_count; i++) {
        lack->want = &request->wants[i];
        if (lack->want->amount > 0 && !take_want(offered, role, lack->want, taken))
            return false;
    }
    return true;
}

bool resource_find(struct resource_set *offered, const char *role, const struct resource_request *request,
        struct resource_set *taken, struct resource_lack *lack)
{
    struct resource_lack why = {0};
    size_t kept = taken->count;
    bool found = has_wants(offered, role, request, &why);
    if (found && !take_all(offered, role, request, taken, &why)) {
        put_back(offered, taken, kept);
        found = false;
    }
    if (!found && lack)
        *lack = why;
    return found;
}
