/* Offers, the agents that they are of, leases, and how tasks come to them. */
#ifndef CORE_OFFER_H
#define CORE_OFFER_H

#include "operation.h"
#include "task.h"

/* What was last heard of an agent in an offer. */
struct site {
    char *agent_id;
    char *packed; /* name NUL value NUL ... NUL */
    size_t size;
    char *url;
    uint64_t most[SCALAR_COUNT]; /* of what an offer had and our tasks used together */
    int64_t last[SCALAR_COUNT];  /* of what its last offer had, which came at: */
    int64_t last_ns;             /* since 1970; 0: it had none for a role of ours */
};

/* The values that the agents known have of an attribute, each with how many have it. */
struct attribute {
    char *name;
    struct map values; /* -> counted */
    uint64_t change;   /* core.changes when a value came or went */
};

struct counted {
    char *value;
    size_t count;
};

/* Where the tasks of one name are, by one attribute. */
struct group {
    struct slice key;  /* owned */
    struct map values; /* -> counted */
    uint64_t change;   /* core.changes when it last changed */
    /* Over the values of the attribute that agents have: the smallest count, and how many have it; as of the
     * attribute's change. 0 of them: to be counted anew. */
    size_t least, at_least;
    uint64_t attribute_change;
};

struct offer {
    struct arena arena; /* holds the copy */
    Mesos__V1__Offer *offer;
    struct resource_set left; /* of its resources; in its arena */
    struct role *role;
    uint64_t number;             /* of all that came, from 1 */
    size_t slot;                 /* in its role's index */
    uint64_t round;              /* the first one that looks at it with everything that waits */
    struct heap_node placed;     /* in core.placed while something was placed on it, by number */
    int64_t received_ms;         /* or when its lease was over */
    int64_t total[SCALAR_COUNT]; /* left; an upper bound used to skip quickly */
    uint64_t total_ports;
    struct list_link link;                   /* in core.offers, oldest first; or in lease.offers */
    struct lease *lease;                     /* whose it is: it is not in the index. NULL: everybody's */
    size_t leased_bytes;                     /* as its lease counts it */
    uint64_t released_by;                    /* number of the lease that gave it back; 0: none */
    uint64_t named;                          /* the last place request that named it */
    struct placement *placements;            /* in a round; newest first */
    size_t placement_count, placement_bytes; /* bytes of specifications */
    struct operation_placement *operations, **operations_end; /* likewise; in their order */
    size_t operation_count;
};

struct placement {
    struct placement *next;
    struct task *task;
    struct core_launch launch;
    char *unique;
};

/* Offers that a client has for itself for a while: lease.c. */
struct lease {
    char *id;
    uint64_t number;    /* of all that were made, from 1 */
    struct slice words; /* what it was asked for with, by which it is known again; owned */
    struct shape wants; /* role, amounts, constraints: a shape that no task has */
    bool wanting;       /* counted in its role */
    size_t max_offers;
    int64_t duration_ms, until_ms; /* default of a renewal; monotonic */
    struct heap_node timer;        /* in core.lease_timers, by until_ms */
    struct list offers;            /* offer.link, oldest first */
    size_t bytes;                  /* that they take here */
    uint64_t seen;                 /* offers up to that number were looked at for it */
    size_t told;                   /* of its offers, the first ones, that were published */
    struct list_link link;         /* in core.leases, oldest first */
};

/* An ACCEPT that is in flight: the attempts it launches, the operations it has. */
struct accept_call {
    uint64_t number, subscription;
    int64_t *operations;   /* keys; in the same memory, after the tasks */
    const char *offer_ids; /* after them, each with its NUL */
    size_t offer_count, operation_count, count;
    struct accept_task {
        int64_t key;
        uint32_t attempt;
    } tasks[];
};

/* When an agent is to be maintained. */
struct window {
    char *agent_id;
    char *inverse_offer_id;        /* the last one; NULL: none came */
    int64_t start_ns, duration_ns; /* since 1970; -1: without an end */
};

/* index.c */
/* What a search passed over. */
struct skipped {
    size_t steps;
    uint64_t offers, misfits[MISFIT_TAKEN + 1];
    int constraint; /* of that index: so many offers besides have none of its values */
    uint64_t unmet;
    int64_t best[SCALAR_COUNT];
    uint64_t best_ports;
};
void index_add(struct offer_index *index, struct offer *offer); /* with a number above all before */
void index_remove(struct offer_index *index, struct offer *offer);
void index_update(struct offer_index *index, const struct offer *offer); /* something was taken of it */
void index_clear(struct offer_index *index);
/* The first offer of that number or a later one that has enough of each amount, and room in its ACCEPT; NULL:
 * none. */
struct offer *index_find(
        const struct offer_index *index, const struct shape *shape, uint64_t number, struct skipped *skipped);
struct offer *index_next(const struct offer_index *index, uint64_t number); /* likewise, whatever it has */
struct offer *index_get(const struct offer_index *index, uint64_t number);  /* NULL: it is gone */
/* How many offers there are of the numbers from `from` on, below `to`. */
size_t index_count(const struct offer_index *index, uint64_t from, uint64_t to);
/* True, and counted, where that one offer has not enough of some amount. */
bool index_lacks(const struct offer_index *index, const struct offer *offer, const struct shape *shape,
        struct skipped *skipped);

/* values.c */
void values_add(struct offer_index *index, struct offer *offer); /* with a number above all before */
void values_remove(struct offer_index *index, struct offer *offer);
void values_clear(struct offer_index *index);
/* As index_find() in the shape's role; but offers that have none of the values which a constraint asks for
 * are passed over where few have one. */
struct offer *values_find(struct core *core, struct shape *shape, uint64_t number, struct skipped *skipped);

/* agents.c: what is known of agents, for clients */
uint64_t agents_known(const struct core *core);
void handle_list_agents(struct core *core, const struct core_input *input);

/* resources.c */
void *message_copy(struct arena *arena, const void *message); /* copy.c */
size_t message_element_size(ProtobufCType type);              /* of one value in a generated struct; copy.c */
void offer_measure(struct offer *offer);
void offer_changed(
        struct offer *offer); /* something else than a task took of what is left; not told to an index */
/* Which amount it lacks first for the shape; the rest is another question. */
int offer_misfit(const struct offer *offer, const struct shape *shape); /* MISFIT_NONE: there is room */
/* Whether all that the shape wants can be had together, where it wants more than amounts. */
bool offer_has_demand(const struct core *core, const struct offer *offer, const struct shape *shape);
/* Takes what the shape needs out of the offer. On success resources and ports are in `arena`. False: nothing
 * taken. */
bool offer_take(const struct core *core, struct offer *offer, const struct shape *shape, struct arena *arena,
        struct core_launch *launch);
/* What is left of all of them, which are of one agent and one role, as one offer; for the time until they
 * change, in `arena`. */
int offer_merge(struct offer *merged, struct offer *const *members, size_t count, struct arena *arena,
        struct error *err) MUST_CHECK;

/* The same of all members of a group and its executor, or of none. `launches` has room for each. */
bool offer_has_group(const struct core *core, const struct offer *offer, const struct task_group *group);
bool offer_take_group(const struct core *core, struct offer *offer, const struct task_group *group,
        struct arena *arena, struct core_launch *launches);
void own_executor_amounts(int64_t amounts[SCALAR_COUNT]); /* of the executor that zmesosd makes for a group */

/* sites.c: agents and their attributes */
const char *attribute_value(
        struct arena *arena, const Mesos__V1__Offer *offer, const char *name); /* NULL: the agent lacks it */
void site_learn(struct core *core, const Mesos__V1__Offer *offer);
void site_forget(struct core *core, const char *agent_id);
void sites_clear(struct core *core);
void site_offered(struct core *core, const struct offer *offer); /* before anything was taken of it */
const char *site_value(const struct core *core, const char *agent_id, const char *name); /* NULL: not known */
struct counted *counted_get(const struct map *values, const char *value);
void counted_add(struct map *values, const char *value);
bool counted_remove(struct map *values, const char *value); /* true: none is left of that value */
void counted_clear(struct map *values);

/* offers.c */
void handle_offers(struct core *core, const Mesos__V1__Scheduler__Event__Offers *offers);
void handle_rescind(struct core *core, const char *offer_id);
void offer_drop(struct core *core, struct offer *offer);
void offers_drop_all(struct core *core);                       /* and all leases end */
void offer_give_back(struct core *core, const char *offer_id); /* DECLINE without a filter */
void offer_lease(struct core *core, struct offer *offer, struct lease *lease);
void offer_return(struct core *core, struct offer *offer); /* of a lease: to matching, as if it came now */
void offers_refuse(struct core *core, struct offer *const *offers, size_t count, int64_t refuse_ms);
void offers_tick(struct core *core); /* declines, suppresses, revives what is due */
int64_t offers_deadline(const struct core *core);

/* match.c */
const char *agent_url(struct arena *arena, const Mesos__V1__URL *url); /* "" for none */
/* Why an offer that has enough of each amount is not for the task; MISFIT_NONE: it is. After
 * constraints_begin(). */
int match_misfit(struct core *core, const struct task *task, const struct offer *offer);
/* Takes what the task needs out of the offer and writes the intent; an ACCEPT is to follow. False: nothing
 * was done. */
bool match_place(struct core *core, struct task *task, struct offer *offer);
void match_run(struct core *core);          /* what is to be done in one turn */
bool match_is_due(const struct core *core); /* another turn is wanted at once */

/* accepts.c */
/* What was placed on the offer. Drops `members`: the offer itself, or those that were merged in it. */
void accept_send(struct core *core, struct offer *offer, struct offer *const *members, size_t member_count);
void handle_answer(struct core *core, uint64_t call, enum core_answer answer, const char *text);

/* lease.c: offers for one client; lease_offers.c: which; lease_place.c: what it makes of them */
void handle_lease(struct core *core, const struct core_input *input);
void handle_renew_lease(struct core *core, const struct core_input *input);
void handle_release_lease(struct core *core, const struct core_input *input);
void handle_place(struct core *core, const struct core_input *input);
struct lease *lease_find(
        const struct core *core, const char *id, const char *field, struct error *err); /* NULL:
                                                                                          none */
/* Its offers are free again, but for DISCONNECTED: then they are dropped. */
void lease_end(struct core *core, struct lease *lease, Zmesos__V1__LeaseChange__Why why);
/* All of a role; NULL: of all roles. */
void leases_end(struct core *core, const struct role *role, Zmesos__V1__LeaseChange__Why why);
void leases_clear(struct core *core); /* at the end of the core */
void leases_tick(struct core *core);
int64_t leases_deadline(const struct core *core);
int leases_allowed(
        const struct core *core, enum core_external least, const char *field, struct error *err) MUST_CHECK;
void lease_settle(struct core *core, struct lease *lease); /* its offers or its limit have changed */
void leases_serve(struct core *core);                      /* gives out offers that are free */
/* Tells which offers it has no more. */
void lease_tell_gone(struct core *core, struct lease *lease, struct offer *const *offers, size_t count,
        Zmesos__V1__LeaseChange__Why why, bool over);
struct offer **lease_offers(struct core *core, const struct lease *lease); /* lease.offers.count of them */

/* maintenance.c */
bool maintenance_is_near(const struct core *core, const char *agent_id);
void maintenance_learn(struct core *core, const Mesos__V1__Offer *offer);
void maintenance_forget(struct core *core, const char *agent_id);
void maintenance_clear(struct core *core);
void handle_inverse_offers(struct core *core, const Mesos__V1__Scheduler__Event__InverseOffers *event);
void handle_rescind_inverse_offer(struct core *core, const char *id);
void maintenance_tick(struct core *core);
int64_t maintenance_deadline(const struct core *core);

#endif
