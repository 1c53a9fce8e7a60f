/* Resources as numbers that can be added, subtracted and compared: scalars in thousandths, ranges, sets. What
 * a resource is apart from its amount (name, reservations, disk ...) is its kind; kinds are interned, so that
 * two resources are of one kind when the pointers are equal. Both of Mesos's forms are read: `role` and
 * `reservation`, and the stack `reservations` of RESERVATION_REFINEMENT; inside there is only the stack. */
#ifndef LOCAL_RESOURCES_H
#define LOCAL_RESOURCES_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/decimal.h"
#include "base/map.h"

#include "types.h"

#define RESOURCE_RANGES_MAX 1000 /* ranges and items of the resources of one task */
/* Of one task, executor or operation, so that what they are together is a number as well. */
#define RESOURCES_MAX 1000

struct resource_kind {
    Resource *shape; /* with the stack of reservations; no amount, no allocation */
    uint8_t *key;    /* the packed shape */
    size_t key_length;
    const char *role; /* of the last reservation; NULL: not reserved; borrowed from `shape` */
    bool whole;       /* a persistent volume: it is one thing, taken whole or not at all */
    bool shared; /* any number may have it at once: adding it again changes nothing, nor does subtracting */
};

/* The kinds there are: those of the agents, and what operations made of them (kept for ever). A task's
 * resource of any other kind is in no offer. */
struct resource_kinds {
    struct map by_key;
};

struct range {
    uint64_t begin, end; /* both included */
};

struct resource {
    const struct resource_kind *kind; /* NULL: of a kind that no agent has */
    milli_t scalar;
    struct range *ranges; /* sorted, apart */
    size_t range_count;
    char **items; /* of a set: sorted, each once */
    size_t item_count;
};

/* One entry a kind. Amounts may be zero; resources_is_empty looks at the amounts. */
struct resources {
    struct resource *items;
    size_t count, capacity;
};

void resource_kinds_init(struct resource_kinds *kinds);
void resource_kinds_clear(struct resource_kinds *kinds);

/* Checks one resource of a message: amounts that are there and not negative, one form of reservation.
 * ERR_INVALID. */
int resource_check(const Resource *message, struct error *err) MUST_CHECK;

/* Adds a checked message to `resources`. With `create` an unknown kind is made; else such a resource is added
 * with the kind NULL, which nothing contains. Amounts of zero are left out. */
void resources_read(
        struct resource_kinds *kinds, const Resource *message, bool create, struct resources *resources);

void resources_init(struct resources *resources);
void resources_clear(struct resources *resources);
void resources_copy(struct resources *to, const struct resources *from); /* `to` is cleared first */
void resources_add(struct resources *to, const struct resources *what);
void resources_subtract(
        struct resources *from, const struct resources *what); /* `from` must contain `what` */
void resources_discard(
        struct resources *from, const struct resources *what); /* all of these kinds, shared too */
void resources_intersect(struct resources *of, const struct resources *with); /* leaves what both have */
void resources_discard_shared(struct resources *from);
bool resources_contains(const struct resources *all, const struct resources *part);
bool resources_is_empty(const struct resources *resources);
milli_t resources_scalar(
        const struct resources *resources, const char *name); /* over all kinds of that name */

/* The part that is not reserved, or reserved for `role` or for one above it ("a" is above "a/b"); `refined`:
 * also what has more than one reservation on its stack. `to` is cleared first. */
void resources_for_role(struct resources *to, const struct resources *from, const char *role, bool refined);

/* A copy in the arena with the stack of reservations instead of a role and a reservation; parts are borrowed.
 */
Resource *resource_refined(const Resource *message, struct arena *arena);

/* As messages in the arena, allocated to `role` (NULL: to nobody), in the form that `refined` says. Entries
 * without an amount are left out. Returns their number. */
size_t resources_write(const struct resources *resources, char *role, bool refined, struct arena *arena,
        Resource ***messages);

/* Reads "cpus:4;mem:4096;ports:[31000-32000,33000-33000];disks(role):{a,b}" and adds it. Ranges and sets come
 * first, as they do in Mesos's offers. ERR_INVALID with a sentence. */
int resources_parse(struct resource_kinds *kinds, const char *text, struct resources *resources,
        struct error *err) MUST_CHECK;

/* Appends Mesos's text: "cpus(allocated: *):4; ports(allocated: *):[31000-32000]"; role NULL: without the
 * allocation. */
void resources_format(const struct resources *resources, const char *role, struct buf *out);

/* The same of one message, whatever its kind. */
void resource_message_format(const Resource *message, const char *role, struct buf *out);

/* Ranges of one resource, sorted and apart. For resources.c and its tests. */
void ranges_add(struct range **ranges, size_t *count, struct range what);
void ranges_subtract(struct range **ranges, size_t *count, struct range what);
bool ranges_contain(const struct range *ranges, size_t count, struct range what);

#endif
