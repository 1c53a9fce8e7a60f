/* What the files of the simulator share.
 *
 * One `struct sim` is one run: a daemon (the real core, and models of the store and of src/mesos around it),
 * a master, agents and clients, in virtual time, driven by one seed. Nothing here reads a clock or a random
 * source but sim->random. All memory of a run is in sim->arena and goes at its end, but for what the core and
 * its blobs own.
 *
 * Beware: an event may find that what it was meant for is gone. Each one carries a number that says which
 * life of its receiver it belongs to (a run of the daemon, a link of an agent, a timer's generation). */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "checks.h"
#include "clients.h"
#include "cluster.h"
#include "consumers.h"
#include "crews.h"
#include "deeds.h"
#include "fairness.h"
#include "features.h"
#include "hand.h"
#include "lessees.h"
#include "limits.h"
#include "net.h"
#include "process.h"
#include "weather.h"

struct sim {
    uint64_t seed;
    enum plant plant;
    bool tracing;
    struct random random;
    struct arena arena;
    int64_t now_us, wall_offset_ns;
    struct heap events;
    struct event *free_events;
    uint64_t sequence, steps;
    bool calm;

    bool features[FEATURE_COUNT];
    int64_t weight;      /* of the last submitter, in thousandths; 0: 1 */
    bool consumer_stays; /* to the end */
    struct weather weather;
    uint64_t conn_count;
    struct store store;
    struct daemon daemon;
    struct mesos mesos;
    struct hand hand;
    struct master master;
    struct agent agents[AGENTS_MAX];
    int agent_count;
    struct life **lives;
    size_t life_count, life_capacity;
    struct update **updates; /* by uuid - 1 */
    size_t update_count, update_capacity;
    struct crew *crews;
    struct lessee lessees[LESSEES];
    struct operation *operations[OPERATIONS_MAX];
    size_t operation_count, operations_found;
    struct deed deeds[DEEDS_MAX];
    size_t deed_count;
    struct wish wishes[WISHES_MAX];
    size_t wish_count, launched_count;
    unsigned restores;         /* starts from a backup */
    struct request **requests; /* by token - 1 */
    size_t request_count, request_capacity;
    uint64_t published[32];
    struct named {
        int64_t key;
        const char *id;
    } * named; /* keys of tasks */
    size_t named_count, named_capacity;

    bool violated;
    char violation[512];
};

struct life *sim_new_life(struct sim *sim, const char *id);
struct life *sim_life(const struct sim *sim, const char *id);
struct agent *sim_agent(struct sim *sim, const char *id);
void sim_run(struct sim *sim, uint64_t seed, enum plant plant, bool basic, bool tracing);
void sim_clear(struct sim *sim);

#endif
