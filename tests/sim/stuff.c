/* Resources: sums, and their messages. */
#include "stuff.h"

#include <stdio.h>
#include <string.h>

#include "sim.h"

#define PORT_FIRST 31000

static const struct kind {
    const char *name;
    int role; /* for which it is reserved; -1: none */
    bool revocable;
} scalar_kinds[SCALAR_KINDS] = {[CPUS] = {"cpus", -1, false},
        [CPUS_R1] = {"cpus", 0, false},
        [CPUS_R2] = {"cpus", 1, false},
        [CPUS_REVOCABLE] = {"cpus", -1, true},
        [MEM] = {"mem", -1, false},
        [BOLTS] = {"bolts", -1, false},
        [BOLTS_R1] = {"bolts", 0, false},
        [DISK] = {"disk", -1, false}},
  item_kinds[ITEM_KINDS] = {[PORTS] = {"ports", -1, false},
          [PORTS_R2] = {"ports", 1, false},
          [NAILS] = {"nails", -1, false},
          [NAILS_R1] = {"nails", 0, false}};

/* ---- sums ---- */

void stuff_add(struct stuff *to, const struct stuff *what)
{
    for (int i = 0; i < SCALAR_KINDS; i++)
        to->scalars[i] += what->scalars[i];
    for (int i = 0; i < ITEM_KINDS; i++)
        to->items[i] |= what->items[i];
}

void stuff_subtract(struct stuff *from, const struct stuff *what)
{
    for (int i = 0; i < SCALAR_KINDS; i++)
        from->scalars[i] -= what->scalars[i];
    for (int i = 0; i < ITEM_KINDS; i++)
        from->items[i] &= ~what->items[i];
}

bool stuff_contains(const struct stuff *all, const struct stuff *part)
{
    for (int i = 0; i < SCALAR_KINDS; i++) {
        if (part->scalars[i] > all->scalars[i])
            return false;
    }
    for (int i = 0; i < ITEM_KINDS; i++) {
        if (part->items[i] & ~all->items[i])
            return false;
    }
    return true;
}

bool stuff_overlaps(const struct stuff *a, const struct stuff *b)
{
    for (int i = 0; i < ITEM_KINDS; i++) {
        if (a->items[i] & b->items[i])
            return true;
    }
    return false;
}

bool stuff_is_empty(const struct stuff *stuff)
{
    for (int i = 0; i < SCALAR_KINDS; i++) {
        if (stuff->scalars[i] > 0)
            return false;
    }
    for (int i = 0; i < ITEM_KINDS; i++) {
        if (stuff->items[i])
            return false;
    }
    return true;
}

static bool is_for(const struct kind *kind, int role)
{
    return kind->role < 0 || kind->role == role;
}

struct stuff stuff_for(const struct stuff *stuff, int role)
{
    struct stuff had = *stuff;
    for (int i = 0; i < SCALAR_KINDS; i++) {
        if (!is_for(&scalar_kinds[i], role) || had.scalars[i] < 0)
            had.scalars[i] = 0;
    }
    for (int i = 0; i < ITEM_KINDS; i++) {
        if (!is_for(&item_kinds[i], role))
            had.items[i] = 0;
    }
    return had;
}

const char *stuff_text(struct sim *sim, const struct stuff *stuff)
{
    const char *text = "";
    if (!sim->tracing)
        return text;
    for (int i = 0; i < SCALAR_KINDS; i++) {
        const struct kind *kind = &scalar_kinds[i];
        if (stuff->scalars[i])
            text = arena_format(&sim->arena, "%s %s%s%s %lld", text, kind->name,
                    kind->role < 0 ? "" : role_name(kind->role), kind->revocable ? "?" : "",
                    (long long)stuff->scalars[i]);
    }
    for (int i = 0; i < ITEM_KINDS; i++) {
        const struct kind *kind = &item_kinds[i];
        if (stuff->items[i])
            text = arena_format(&sim->arena, "%s %s%s %llx", text, kind->name,
                    kind->role < 0 ? "" : role_name(kind->role), (unsigned long long)stuff->items[i]);
    }
    return text;
}

/* ---- messages ---- */

static Mesos__V1__Resource *make_resource(struct arena *arena, const struct kind *kind, char *role)
{
    Mesos__V1__Resource *resource = arena_alloc(arena, sizeof *resource);
    mesos__v1__resource__init(resource);
    resource->name = arena_string(arena, kind->name);
    resource->allocation_info = arena_alloc(arena, sizeof *resource->allocation_info);
    mesos__v1__resource__allocation_info__init(resource->allocation_info);
    resource->allocation_info->role = role;
    if (kind->revocable) {
        resource->revocable = arena_alloc(arena, sizeof *resource->revocable);
        mesos__v1__resource__revocable_info__init(resource->revocable);
    }
    if (kind->role >= 0) {
        Mesos__V1__Resource__ReservationInfo *reservation = arena_alloc(arena, sizeof *reservation);
        mesos__v1__resource__reservation_info__init(reservation);
        reservation->has_type = true;
        reservation->type = MESOS__V1__RESOURCE__RESERVATION_INFO__TYPE__STATIC;
        reservation->role = arena_string(arena, role_name(kind->role));
        resource->reservations = arena_array(arena, 1, sizeof *resource->reservations);
        resource->reservations[resource->n_reservations++] = reservation;
    }
    return resource;
}

static void write_scalar(struct arena *arena, Mesos__V1__Resource *resource, int64_t milli)
{
    resource->type = MESOS__V1__VALUE__TYPE__SCALAR;
    resource->scalar = arena_alloc(arena, sizeof *resource->scalar);
    mesos__v1__value__scalar__init(resource->scalar);
    resource->scalar->value = (double)milli / 1000;
}

static void write_ranges(struct arena *arena, Mesos__V1__Resource *resource, uint64_t bits)
{
    resource->type = MESOS__V1__VALUE__TYPE__RANGES;
    resource->ranges = arena_alloc(arena, sizeof *resource->ranges);
    mesos__v1__value__ranges__init(resource->ranges);
    resource->ranges->range = arena_array(arena, 64, sizeof *resource->ranges->range);
    for (unsigned i = 0; i < 64; i++) {
        if (!(bits >> i & 1))
            continue;
        Mesos__V1__Value__Range *range = arena_alloc(arena, sizeof *range);
        mesos__v1__value__range__init(range);
        range->begin = PORT_FIRST + i;
        while (i + 1 < 64 && bits >> (i + 1) & 1)
            i++;
        range->end = PORT_FIRST + i;
        resource->ranges->range[resource->ranges->n_range++] = range;
    }
}

static Mesos__V1__Value__Set *make_set(struct arena *arena, uint64_t bits)
{
    Mesos__V1__Value__Set *set = arena_alloc(arena, sizeof *set);
    mesos__v1__value__set__init(set);
    set->item = arena_array(arena, 64, sizeof *set->item);
    for (unsigned i = 0; i < 64; i++) {
        if (bits >> i & 1)
            set->item[set->n_item++] = arena_format(arena, "n%u", i);
    }
    return set;
}

size_t stuff_write(
        struct arena *arena, const struct stuff *stuff, char *role, Mesos__V1__Resource ***resources)
{
    size_t count = 0;
    *resources = arena_array(arena, SCALAR_KINDS + ITEM_KINDS, sizeof **resources);
    for (int i = 0; i < SCALAR_KINDS; i++) {
        if (stuff->scalars[i] <= 0)
            continue;
        Mesos__V1__Resource *resource = make_resource(arena, &scalar_kinds[i], role);
        write_scalar(arena, resource, stuff->scalars[i]);
        (*resources)[count++] = resource;
    }
    for (int i = 0; i < ITEM_KINDS; i++) {
        if (!stuff->items[i])
            continue;
        Mesos__V1__Resource *resource = make_resource(arena, &item_kinds[i], role);
        if (i == PORTS || i == PORTS_R2) {
            write_ranges(arena, resource, stuff->items[i]);
        } else {
            resource->type = MESOS__V1__VALUE__TYPE__SET;
            resource->set = make_set(arena, stuff->items[i]);
        }
        (*resources)[count++] = resource;
    }
    return count;
}

static int find_kind(const struct kind *kinds, int count, const Mesos__V1__Resource *resource)
{
    const char *reserved =
            resource->n_reservations ? resource->reservations[resource->n_reservations - 1]->role : NULL;
    for (int i = 0; i < count; i++) {
        if (strcmp(kinds[i].name, resource->name) == 0 &&
                kinds[i].revocable == (resource->revocable != NULL) && resource->n_reservations <= 1 &&
                (reserved ? kinds[i].role >= 0 && strcmp(reserved, role_name(kinds[i].role)) == 0
                          : kinds[i].role < 0))
            return i;
    }
    return -1;
}

static uint64_t read_items(struct sim *sim, const char *whose, const Mesos__V1__Resource *resource)
{
    uint64_t bits = 0;
    for (size_t i = 0; resource->ranges && i < resource->ranges->n_range; i++) {
        const Mesos__V1__Value__Range *range = resource->ranges->range[i];
        for (uint64_t port = range->begin; port <= range->end; port++) {
            if (port < PORT_FIRST || port >= PORT_FIRST + 64 || bits >> (port - PORT_FIRST) & 1)
                violation(sim, "%s has port %llu, twice or never offered", whose, (unsigned long long)port);
            bits |= (uint64_t)1 << (port - PORT_FIRST) % 64;
        }
    }
    for (size_t i = 0; resource->set && i < resource->set->n_item; i++) {
        unsigned item = 64;
        if (sscanf(resource->set->item[i], "n%u", &item) != 1 || item > 63 || bits >> item & 1)
            violation(sim, "%s has %s, twice or never offered", whose, resource->set->item[i]);
        bits |= (uint64_t)1 << item % 64;
    }
    return bits;
}

struct stuff stuff_read(
        struct sim *sim, const char *whose, Mesos__V1__Resource *const *resources, size_t count, int role)
{
    struct stuff stuff = {0};
    for (size_t i = 0; i < count; i++) {
        const Mesos__V1__Resource *resource = resources[i];
        const char *allocated = resource->allocation_info ? resource->allocation_info->role : NULL;
        bool scalar = resource->type == MESOS__V1__VALUE__TYPE__SCALAR;
        int kind = find_kind(
                scalar ? scalar_kinds : item_kinds, scalar ? (int)SCALAR_KINDS : (int)ITEM_KINDS, resource);
        if (kind < 0) {
            violation(sim, "%s has %s as nobody offered it", whose, resource->name);
            continue;
        }
        if (!allocated || strcmp(allocated, role_name(role)) != 0)
            violation(sim, "%s has %s that is allocated to %s", whose, resource->name,
                    allocated ? allocated : "nobody");
        if (scalar) {
            stuff.scalars[kind] += (int64_t)(resource->scalar->value * 1000 + 0.5);
        } else {
            uint64_t items = read_items(sim, whose, resource);
            if (stuff.items[kind] & items)
                violation(sim, "%s has an item of %s twice", whose, resource->name);
            stuff.items[kind] |= items;
        }
    }
    return stuff;
}

/* ---- what tasks ask for ---- */

static unsigned bits_of(uint64_t items)
{
    return (unsigned)__builtin_popcountll(items);
}

static bool meets(const struct kind *kind, const char *name, int role, want_from from, bool revocable)
{
    return strcmp(kind->name, name) == 0 && kind->revocable == revocable && is_for(kind, role) &&
           !(from == FROM(RESERVED) && kind->role < 0) && !(from == FROM(UNRESERVED) && kind->role >= 0);
}

static int64_t scalar_sum(
        const struct stuff *stuff, const char *name, int role, want_from from, bool revocable)
{
    int64_t sum = 0;
    for (int i = 0; i < SCALAR_KINDS; i++)
        sum += meets(&scalar_kinds[i], name, role, from, revocable) ? stuff->scalars[i] : 0;
    return sum;
}

static uint64_t item_union(const struct stuff *stuff, const char *name, int role)
{
    uint64_t items = 0;
    for (int i = 0; i < ITEM_KINDS; i++)
        items |= meets(&item_kinds[i], name, role, FROM(ANY), false) ? stuff->items[i] : 0;
    return items;
}

bool want_fits(const struct want *want, int role, const struct stuff *left)
{
    bool firm = want->cpus_revocable != REVOCABLE(ONLY) &&
                scalar_sum(left, "cpus", role, want->cpus_from, false) >= want->cpus;
    bool revocable = want->cpus_revocable != REVOCABLE(NO) &&
                     scalar_sum(left, "cpus", role, want->cpus_from, true) >= want->cpus;
    uint64_t nails = item_union(left, "nails", role);
    return (firm || revocable) && left->scalars[MEM] >= want->mem &&
           scalar_sum(left, "bolts", role, want->bolts_from, false) >= want->bolts &&
           bits_of(item_union(left, "ports", role)) >= want->ports && bits_of(nails) >= want->nails &&
           (nails & want->named_nails) == want->named_nails;
}

static int64_t all_of(const struct stuff *stuff, const char *name)
{
    int64_t sum = 0;
    for (int i = 0; i < SCALAR_KINDS; i++)
        sum += strcmp(scalar_kinds[i].name, name) == 0 ? stuff->scalars[i] : 0;
    return sum;
}

/* All that it asks for, of the kinds that it asks for, and no more. */
bool want_is_met(const struct want *want, int role, const struct stuff *got)
{
    uint64_t nails = item_union(got, "nails", role);
    bool named = want->named_nails != 0;
    return want_fits(want, role, got) && all_of(got, "cpus") == want->cpus &&
           all_of(got, "mem") == want->mem && all_of(got, "bolts") == want->bolts &&
           bits_of(got->items[PORTS] | got->items[PORTS_R2]) == want->ports &&
           bits_of(got->items[NAILS] | got->items[NAILS_R1]) == bits_of(nails) &&
           (named ? nails == want->named_nails : bits_of(nails) == want->nails);
}

struct want want_any(struct sim *sim)
{
    struct random *random = &sim->random;
    struct want want = {.cpus = random_between(random, 1, 20) * 100,
            .cpus_from = FROM(ANY),
            .cpus_revocable = REVOCABLE(NO),
            .bolts_from = FROM(ANY)};
    if (sim->features[FEATURE_EXECUTORS] && random_below(random, 2))
        want.executor = 1 + (int)random_below(random, EXECUTORS);
    if (!sim->features[FEATURE_RESOURCES])
        return want;
    if (random_below(random, 3) == 0)
        want.cpus_from = (want_from)random_between(random, FROM(ANY), FROM(UNRESERVED));
    if (random_below(random, 3) == 0)
        want.cpus_revocable = (want_revocable)random_between(random, REVOCABLE(NO), REVOCABLE(FIRST));
    if (want.cpus_revocable != REVOCABLE(NO) && want.cpus_from == FROM(RESERVED))
        want.cpus_from = FROM(ANY); /* there is nothing that is both */
    if (random_below(random, 2))
        want.mem = random_between(random, 1, 40) * 10000;
    if (random_below(random, 2))
        want.ports = (unsigned)random_between(random, 1, 12);
    if (random_below(random, 3) == 0) {
        want.bolts = random_between(random, 1, 3000);
        want.bolts_from = (want_from)random_between(random, FROM(ANY), FROM(UNRESERVED));
    }
    if (random_below(random, 4) == 0)
        want.nails = (unsigned)random_between(random, 1, 4);
    else if (random_below(random, 4) == 0)
        want.named_nails = random_next(random) & random_next(random) & random_next(random) & 0xff;
    return want;
}

static Zmesos__V1__ResourceRequest *add_request(struct sim *sim, Zmesos__V1__TaskSpec *spec, const char *name)
{
    Zmesos__V1__ResourceRequest *request = NEW(sim, Zmesos__V1__ResourceRequest);
    zmesos__v1__resource_request__init(request);
    request->name = arena_string(&sim->arena, name);
    spec->resources[spec->n_resources++] = request;
    return request;
}

static void add_scalar(struct sim *sim, Zmesos__V1__TaskSpec *spec, const char *name, int64_t milli,
        want_from from, want_revocable revocable)
{
    Zmesos__V1__ResourceRequest *request = add_request(sim, spec, name);
    request->value_case = ZMESOS__V1__RESOURCE_REQUEST__VALUE_SCALAR;
    request->scalar = (double)milli / 1000;
    request->has_from = request->has_revocable = true;
    request->from = from;
    request->revocable = revocable;
}

static void pack_nails(struct sim *sim, const struct want *want, Zmesos__V1__TaskSpec *spec)
{
    Zmesos__V1__ResourceRequest *request = add_request(sim, spec, "nails");
    if (want->named_nails) {
        request->value_case = ZMESOS__V1__RESOURCE_REQUEST__VALUE_SET;
        request->set = make_set(&sim->arena, want->named_nails);
    } else {
        request->value_case = ZMESOS__V1__RESOURCE_REQUEST__VALUE_ITEMS;
        request->items = want->nails;
    }
}

void want_pack(struct sim *sim, const struct want *want, Zmesos__V1__TaskSpec *spec)
{
    spec->resources = arena_array(&sim->arena, 4, sizeof *spec->resources);
    if (want->cpus_from == FROM(ANY) && want->cpus_revocable == REVOCABLE(NO)) {
        spec->has_cpus = true;
        spec->cpus = (double)want->cpus / 1000;
    } else {
        add_scalar(sim, spec, "cpus", want->cpus, want->cpus_from, want->cpus_revocable);
    }
    spec->has_mem = want->mem > 0;
    spec->mem = (double)want->mem / 1000;
    spec->has_ports = want->ports > 0;
    spec->ports = want->ports;
    if (want->bolts)
        add_scalar(sim, spec, "bolts", want->bolts, want->bolts_from, REVOCABLE(NO));
    if (want->nails || want->named_nails)
        pack_nails(sim, want, spec);
}
