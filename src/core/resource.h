/* Mesos's resources as things that can be added, subtracted, compared, changed by operations and found for a
 * task.
 *
 * A resource is a kind and a value. The value is a scalar in thousandths, ranges of numbers, or a set of
 * words. The kind is everything else, and what two resources must have in common to be added together:
 *   - name and type;
 *   - the stack of reservations: of each layer its type, role, principal and labels, in any order;
 *   - the disk: the persistence id, and all of its source;
 *   - whether it is shared, whether it is revocable;
 *   - the provider's id, and the role it is allocated to;
 *   - fields that this version does not know.
 * A disk's `volume` and persistence.principal are no part of it: they say how it is used and who made it.
 *
 * Some are whole: a persistent volume, a disk of source MOUNT or BLOCK, a RAW one with an id (also a source
 * of a type that is not known). They are never divided, never merged, and two of them are the same only with
 * the same amount. A shared one (always a volume) counts its copies instead.
 *
 * Both forms of reservation are read, `role` with `reservation` and the stack; inside and in what is written
 * there is only the stack, as RESERVATION_REFINEMENT has it.
 *
 * Nothing here frees: memory is the arena's. Sets borrow the messages that they were read from, and what is
 * written borrows them too: whoever outlives them makes a message_copy(). */
#ifndef CORE_RESOURCE_H
#define CORE_RESOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/decimal.h"
#include "mesos/v1/mesos.pb-c.h"

#define RESOURCE_SET_MAX 1024     /* entries of a set; copies of a shared one in it */
#define RESOURCE_VALUES_MAX 65536 /* ranges, or items, of one resource */
#define RESOURCE_LAYERS_MAX 64    /* reservations of one resource */
#define RESOURCE_LABELS_MAX 64    /* labels of one reservation, or of a disk's metadata */
#define RESOURCE_PERSISTENCE_ID_MAX 255

#define RESOURCE_SCALAR MESOS__V1__VALUE__TYPE__SCALAR
#define RESOURCE_RANGES MESOS__V1__VALUE__TYPE__RANGES
#define RESOURCE_ITEMS MESOS__V1__VALUE__TYPE__SET

/* ---- values: resource_value_read.c, resource_value.c ---- */

struct resource_range {
    uint64_t begin, end; /* both included */
};

struct resource_value {
    Mesos__V1__Value__Type type;   /* the one of the three that says which of the rest counts */
    milli_t scalar;                /* never negative */
    struct resource_range *ranges; /* sorted; they neither overlap nor touch */
    const char **items;            /* sorted by bytes, each once; the words are borrowed */
    size_t count;                  /* of ranges or items */
};

/* Reads what is there: inverted ranges hold nothing, overlapping ones are joined, an item counts once.
 * ERR_INVALID for another type, a missing or negative value, NaN, infinity, more than MILLI_MAX;
 * ERR_TOO_LARGE past RESOURCE_VALUES_MAX. */
int resource_value_read(struct arena *arena, const Mesos__V1__Resource *message, struct resource_value *value,
        struct error *err) MUST_CHECK;

/* Whether no ranges overlap (they may touch) and no item is there twice, as a master requires. */
bool resource_value_is_apart(struct arena *arena, const Mesos__V1__Resource *message);

/* Ranges or items in any order, in an array that is the caller's: sorts and joins them, in n log n. */
void resource_value_tidy(struct arena *arena, struct resource_value *value);

/* Thousandths of a scalar, numbers in ranges, items in a set; UINT64_MAX for more. */
uint64_t resource_value_amount(const struct resource_value *value);

/* The two are of one type. Ranges and sets are joined: what is in both counts once, as with Mesos. */
void resource_value_add(struct arena *arena, struct resource_value *to, const struct resource_value *what);
void resource_value_subtract(struct arena *arena, struct resource_value *from,
        const struct resource_value *what); /* not below nothing */
bool resource_value_contains(const struct resource_value *all, const struct resource_value *part);
bool resource_value_equal(const struct resource_value *a, const struct resource_value *b);

/* Takes the amount, or all where there is less, out of `from`: the lowest numbers, the first items. */
struct resource_value resource_value_take(struct arena *arena, struct resource_value *from, uint64_t amount);
struct resource_value resource_value_copy(struct arena *arena, const struct resource_value *value);

/* ---- one resource: resource_identity.c, resource_check.c, resource_check_task.c ---- */

struct resource {
    const Mesos__V1__Resource *kind; /* borrowed, with the stack; its amount is not looked at */
    struct resource_value value;
    uint32_t copies;  /* of a shared one; else 1 */
    bool whole;       /* see above */
    bool plain;       /* no disk, not shared, of the agent itself */
    const char *role; /* of the last reservation; NULL: not reserved, "" where a reservation names none */
    size_t rank;      /* 0: not reserved; of roles above one another the one below has the higher */
    size_t origin;    /* what find took: from which entry */
};

/* The field `role`, of the form without a stack; NULL where it was not written. */
const char *resource_old_role(const Mesos__V1__Resource *message);

/* The stack in place of `role` and `reservation`: the message itself where it is so already, else a copy in
 * the arena. */
const Mesos__V1__Resource *resource_modern(struct arena *arena, const Mesos__V1__Resource *message);

/* ERR_INVALID and ERR_TOO_LARGE as for its value, and past the limits above. More is not asked: what a master
 * offers is used as far as it makes sense. */
int resource_read(struct arena *arena, const Mesos__V1__Resource *message, struct resource *resource,
        struct error *err) MUST_CHECK;

bool resource_same_reservations(const Mesos__V1__Resource *a, const Mesos__V1__Resource *b); /* of stacks */
bool resource_same_kind(const struct resource *a, const struct resource *b);
bool resource_same(
        const struct resource *a, const struct resource *b); /* and the amount, where it is whole */

/* As a message, of that amount. */
Mesos__V1__Resource *resource_write(struct arena *arena, const struct resource *resource);

/* Whether `role` is that role or below it: "a/b" is below "a". */
bool resource_role_within(const char *role, const char *ancestor);

/* What Mesos requires of a role's name (docs/roles.md of Mesos); "*" is taken. ERR_INVALID. */
int resource_role_check(const char *role, struct error *err) MUST_CHECK;

/* Whether a master would take the resource, with the field at fault below `path`. ERR_INVALID, ERR_TOO_LARGE.
 */
int resource_check(const Mesos__V1__Resource *message, const char *path, struct error *err) MUST_CHECK;

/* The same for all resources of a task, and what they must be together: gpus a whole number, no name both
 * revocable and not, no persistence id twice in a role, allocated to one role. Fields are path[i]. */
int resource_check_task(
        Mesos__V1__Resource *const *messages, size_t count, const char *path, struct error *err) MUST_CHECK;

/* Limits beside the requests: of cpus and mem alone, where those are asked for, and not below; infinity is a
 * limit. */
int resource_check_limits(Mesos__V1__TaskInfo__LimitsEntry *const *limits, size_t count,
        Mesos__V1__Resource *const *requests, size_t request_count, const char *path,
        struct error *err) MUST_CHECK;

/* ---- sets of them: resource_set.c ---- */

struct resource_set {
    struct arena *arena;
    struct resource *items; /* some may be empty, and two may be of one kind (append) */
    size_t count, capacity;
};

void resource_set_init(struct resource_set *set, struct arena *arena);
void resource_set_copy(struct resource_set *to, const struct resource_set *from); /* `to` is initialised */

/* Adds to the entry of the same kind where there is one. Append keeps it apart, as it was offered.
 * ERR_TOO_LARGE past RESOURCE_SET_MAX or MILLI_MAX. */
int resource_set_add_one(
        struct resource_set *set, const struct resource *resource, struct error *err) MUST_CHECK;
int resource_set_append(
        struct resource_set *set, const struct resource *resource, struct error *err) MUST_CHECK;

/* All or none of them. */
int resource_set_add(struct resource_set *to, const struct resource_set *what, struct error *err) MUST_CHECK;
int resource_set_add_messages(struct resource_set *set, Mesos__V1__Resource *const *messages, size_t count,
        const char *path, struct error *err) MUST_CHECK;

/* ERR_NOT_FOUND unless `what` is contained. A shared one goes with as many copies as `what` has. */
int resource_set_subtract(
        struct resource_set *from, const struct resource_set *what, struct error *err) MUST_CHECK;
bool resource_set_contains(const struct resource_set *all, const struct resource_set *part);
bool resource_set_equal(const struct resource_set *a, const struct resource_set *b);
bool resource_set_is_empty(const struct resource_set *set);

/* Over all kinds of that name; a shared one counts once. */
milli_t resource_set_scalar(const struct resource_set *set, const char *name);
uint64_t resource_set_values(
        const struct resource_set *set, const char *name); /* numbers and items; or UINT64_MAX */

/* As messages, without the empty ones, a shared one as often as it has copies. Returns their number. */
size_t resource_set_write(
        const struct resource_set *set, struct arena *arena, Mesos__V1__Resource ***messages);

/* ---- finding: resource_find.c ---- */

enum resource_reserved { RESOURCE_ANY, RESOURCE_RESERVED, RESOURCE_UNRESERVED };

/* Mesos refuses a task that has both of one name, so a want is met by one of them alone. */
enum resource_revocable {
    RESOURCE_NOT_REVOCABLE,
    RESOURCE_REVOCABLE,
    RESOURCE_REVOCABLE_FIRST, /* else not */
};

/* An amount by name, out of what is plain. `disk` is the root disk. */
struct resource_want {
    const char *name; /* each once in a request */
    Mesos__V1__Value__Type type;
    uint64_t amount; /* thousandths; of ranges and sets how many, whichever they are */
    enum resource_reserved reserved;
    enum resource_revocable revocable;
};

/* A persistent volume, or a disk with a source. */
struct resource_disk_want {
    const char *persistence_id; /* that volume, of whatever size and source; NULL: no volume */
    Mesos__V1__Resource__DiskInfo__Source__Type source; /* UNKNOWN: PATH or MOUNT, those that hold files */
    const char *profile;                                /* NULL: any or none */
    milli_t size; /* what can be divided is taken to the thousandth, else the smallest that suffices */
    enum resource_reserved reserved;
    Mesos__V1__Volume *volume; /* where it appears in the container; NULL: as offered. Borrowed */
};

struct resource_request {
    const struct resource_want *wants;
    size_t want_count;
    const struct resource_disk_want *disks; /* met in this order: the most particular first */
    size_t disk_count;
};

/* What there was not enough of. */
struct resource_lack {
    const struct resource_want *want;      /* or */
    const struct resource_disk_want *disk; /* NULL: a want */
    uint64_t found;                        /* of the amount, at most as much as is wanted */
};

/* ERR_INVALID: a name twice or empty, a type that is no resource's, a part of a gpu, a disk of no size. */
int resource_request_check(
        const struct resource_request *request, const char *path, struct error *err) MUST_CHECK;

/* How much of it there is, at most as much as is wanted. */
uint64_t resource_available(
        const struct resource_set *offered, const char *role, const struct resource_want *want);

/* Takes what the request wants out of what is offered to `role`, and appends it to `taken`, in whose arena it
 * is. First what is reserved for the role itself, then for its ancestors, the nearest first, then what is not
 * reserved; among equals in the order of the offer. What is reserved for any other role is left alone. A
 * shared volume stays in the offer: many tasks may use it. False: nothing was taken, and `lack` (or NULL)
 * says why. */
bool resource_find(struct resource_set *offered, const char *role, const struct resource_request *request,
        struct resource_set *taken, struct resource_lack *lack);

/* ---- operations: resource_operation.c, resource_volume.c ---- */

/* Copies in the arena. A reservation is pushed on the stack, or the last one popped; a volume becomes disk
 * again. */
Mesos__V1__Resource *resource_push_reservation(struct arena *arena, const Mesos__V1__Resource *message,
        Mesos__V1__Resource__ReservationInfo *reservation);
Mesos__V1__Resource *resource_pop_reservation(struct arena *arena, const Mesos__V1__Resource *message);
Mesos__V1__Resource *resource_strip_volume(struct arena *arena, const Mesos__V1__Resource *message);

/* RESERVE, UNRESERVE, CREATE, DESTROY, GROW_VOLUME, SHRINK_VOLUME as a master applies them to an offer of
 * that role; CREATE_DISK and DESTROY_DISK take their source out of it; others are ERR_INVALID here. The
 * allocation is filled in where a resource has none. ERR_INVALID for what a master refuses, ERR_NOT_FOUND for
 * what is not in the offer; then the set is as it was. Who may do it (principals, capabilities of the agent)
 * is not looked at. */
/* What is wrong with it wherever it goes; as above, never ERR_NOT_FOUND. */
int resource_operation_check(const char *role, const Mesos__V1__Offer__Operation *operation, const char *path,
        struct error *err) MUST_CHECK;
int resource_set_apply(struct resource_set *set, const char *role,
        const Mesos__V1__Offer__Operation *operation, const char *path, struct error *err) MUST_CHECK;

#endif
