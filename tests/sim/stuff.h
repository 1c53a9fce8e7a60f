/* Resources as the models count them, apart from how the core does: each kind that there can be has its
 * place. Amounts are in thousandths; items (ports and such) are bits. */
#ifndef SIM_STUFF_H
#define SIM_STUFF_H

#include "world.h"

enum scalar_kind { CPUS, CPUS_R1, CPUS_R2, CPUS_REVOCABLE, MEM, BOLTS, BOLTS_R1, DISK, SCALAR_KINDS };
enum item_kind { PORTS, PORTS_R2, NAILS, NAILS_R1, ITEM_KINDS };

struct stuff {
    int64_t scalars[SCALAR_KINDS];
    uint64_t items[ITEM_KINDS];
};

typedef Zmesos__V1__ResourceRequest__From want_from;
typedef Zmesos__V1__ResourceRequest__Revocable want_revocable;
#define FROM(name) ZMESOS__V1__RESOURCE_REQUEST__FROM__##name
#define REVOCABLE(name) ZMESOS__V1__RESOURCE_REQUEST__REVOCABLE__##name

/* What a task asks for. */
struct want {
    int64_t cpus;
    want_from cpus_from; /* ANY, and not revocable: as TaskSpec.cpus */
    want_revocable cpus_revocable;
    int64_t mem, bolts;
    want_from bolts_from;
    unsigned ports, nails;
    uint64_t named_nails;
    int executor; /* from 1; 0: a command */
};

void stuff_add(struct stuff *to, const struct stuff *what);
void stuff_subtract(struct stuff *from, const struct stuff *what); /* may go below zero */
bool stuff_contains(const struct stuff *all, const struct stuff *part);
bool stuff_is_empty(const struct stuff *stuff);                    /* nothing is above zero */
struct stuff stuff_for(const struct stuff *stuff, int role);       /* that a role may have */
bool stuff_overlaps(const struct stuff *a, const struct stuff *b); /* an item is in both */
const char *stuff_text(struct sim *sim, const struct stuff *stuff);

size_t stuff_write(
        struct arena *arena, const struct stuff *stuff, char *role, Mesos__V1__Resource ***resources);
/* A violation for what was never offered, or is there twice. */
struct stuff stuff_read(
        struct sim *sim, const char *whose, Mesos__V1__Resource *const *resources, size_t count, int role);

bool want_fits(const struct want *want, int role, const struct stuff *left); /* apart from its executor */
bool want_is_met(const struct want *want, int role, const struct stuff *got);
struct want want_any(struct sim *sim);
void want_pack(struct sim *sim, const struct want *want, Zmesos__V1__TaskSpec *spec);

#endif
