/* What a round of matching costs, in the core alone: one input with an offer of each agent while tasks wait,
 * and the ticks that finish the round. No socket, no disk; what the core puts out is dropped.
 *
 * bench_match [KIND [AGENTS [TASKS]]]: one line for each kind of waiting tasks, number of agents and of
 * tasks; RUNS=N repeats each (default 3). An agent has 16 cpus and 65,536 MB. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/decimal.h"
#include "core/core.h"

#define RUNS_MAX 99
#define TURNS_MAX 1000000

struct bench {
    struct core *core;
    struct core_outputs out;
    struct arena arena;
    struct now now;
    size_t launched;
    double longest;
};

struct kind {
    const char *name, *says;
    void (*make)(Zmesos__V1__TaskSpec *spec, struct arena *arena, size_t number);
    bool elsewhere; /* an attempt of each task has failed on an agent that it avoids */
    bool two_roles; /* half of the offers are for a role in which nothing waits */
};

static double now_s(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* ---- kinds of tasks ---- */

static void equal(Zmesos__V1__TaskSpec *spec, struct arena *arena, size_t number)
{
    (void)spec;
    (void)arena;
    (void)number;
}

static void shapes(Zmesos__V1__TaskSpec *spec, struct arena *arena, size_t number)
{
    (void)arena;
    spec->mem = (double)(32 + number % 1000);
}

/* Nine of ten fit nowhere, in a thousand shapes. */
static void nowhere(Zmesos__V1__TaskSpec *spec, struct arena *arena, size_t number)
{
    (void)arena;
    if (number % 10 != 0)
        spec->cpus = (double)(17 + number % 1000);
}

/* No task is like another, and none fits anywhere. */
static void different(Zmesos__V1__TaskSpec *spec, struct arena *arena, size_t number)
{
    (void)arena;
    spec->mem = (double)(65537 + number);
}

static Zmesos__V1__Constraint *constrain(Zmesos__V1__TaskSpec *spec, struct arena *arena,
        const char *attribute, Zmesos__V1__Constraint__Operator op, const char *value)
{
    Zmesos__V1__Constraint *constraint = arena_alloc(arena, sizeof *constraint);
    zmesos__v1__constraint__init(constraint);
    constraint->attribute = arena_string(arena, attribute);
    constraint->has_operator_ = true;
    constraint->operator_ = op;
    constraint->values = arena_array(arena, 1, sizeof *constraint->values);
    if (value)
        constraint->values[constraint->n_values++] = arena_string(arena, value);
    spec->constraints = arena_array(arena, 1, sizeof *spec->constraints);
    spec->constraints[spec->n_constraints++] = constraint;
    return constraint;
}

static void spread(Zmesos__V1__TaskSpec *spec, struct arena *arena, size_t number)
{
    (void)number;
    spec->name = arena_string(arena, "web");
    constrain(spec, arena, "agent_id", ZMESOS__V1__CONSTRAINT__OPERATOR__SPREAD, NULL);
}

static void preferred(Zmesos__V1__TaskSpec *spec, struct arena *arena, size_t number)
{
    (void)number;
    Zmesos__V1__Constraint *constraint =
            constrain(spec, arena, "rack", ZMESOS__V1__CONSTRAINT__OPERATOR__EQUALS, "r7");
    constraint->has_preferred = constraint->preferred = true;
}

/* A thousand shapes that ask for a rack that no agent is in. */
static void no_rack(Zmesos__V1__TaskSpec *spec, struct arena *arena, size_t number)
{
    constrain(spec, arena, "rack", ZMESOS__V1__CONSTRAINT__OPERATOR__EQUALS,
            arena_format(arena, "none%zu", number % 1000));
}

/* Likewise, of several that would do. */
static void no_racks(Zmesos__V1__TaskSpec *spec, struct arena *arena, size_t number)
{
    Zmesos__V1__Constraint *constraint =
            constrain(spec, arena, "rack", ZMESOS__V1__CONSTRAINT__OPERATOR__IN, NULL);
    constraint->values = arena_array(arena, 4, sizeof *constraint->values);
    constraint->n_values = 4;
    for (size_t i = 0; i < constraint->n_values; i++)
        constraint->values[i] = arena_format(arena, "none%zu-%zu", number % 1000, i);
}

/* A thousand hosts, or all that there are, each with tasks of its own. */
static void hosts(Zmesos__V1__TaskSpec *spec, struct arena *arena, size_t number)
{
    constrain(spec, arena, "hostname", ZMESOS__V1__CONSTRAINT__OPERATOR__EQUALS,
            arena_format(arena, "host%zu", number % 1000));
}

static void avoiding(Zmesos__V1__TaskSpec *spec, struct arena *arena, size_t number)
{
    (void)number;
    Zmesos__V1__RetryPolicy *retry = arena_alloc(arena, sizeof *retry);
    zmesos__v1__retry_policy__init(retry);
    retry->has_max_attempts = retry->has_elsewhere = true;
    retry->max_attempts = 3;
    retry->elsewhere = true;
    spec->retry = retry;
}

static const struct kind kinds[] = {
        {"equal", "all alike", equal, false, false},
        {"shapes", "1,000 shapes", shapes, false, false},
        {"nowhere", "9 of 10 fit nowhere, in 1,000 shapes", nowhere, false, false},
        {"different", "no two alike, all too large", different, false, false},
        {"spread", "SPREAD over agent_id", spread, false, false},
        {"preferred", "a rack is preferred", preferred, false, false},
        {"no-rack", "1,000 racks that are not there", no_rack, false, false},
        {"no-racks", "one of 4 racks, 1,000 times, none there", no_racks, false, false},
        {"hosts", "1,000 hosts that are named", hosts, false, false},
        {"elsewhere", "each avoids an agent", avoiding, true, false},
        {"roles", "half of the offers for another role", equal, false, true},
};

/* ---- inputs ---- */

static void handle(struct bench *bench, const struct core_input *input)
{
    core_outputs_reset(&bench->out);
    double begin = now_s();
    core_handle(bench->core, input, bench->now, &bench->out);
    double took = now_s() - begin;
    bench->longest = took > bench->longest ? took : bench->longest;
    for (size_t i = 0; i < bench->out.count; i++)
        bench->launched +=
                bench->out.items[i].kind == CORE_OUT_CALL ? bench->out.items[i].call.launch_count : 0;
}

static bool same_spec(struct slice a, struct slice b)
{
    return slice_equal(a, b);
}

static void begin(struct bench *bench)
{
    static const char *const roles[] = {"r1", "r2"};
    struct core_config config;
    core_config_init(&config);
    config.version = "bench";
    config.store_id = "s";
    config.framework_id = "f";
    config.roles = roles;
    config.role_count = 2;
    config.seed[0] = 1;
    config.same_spec = same_spec;
    *bench = (struct bench){.core = core_create(&config), .now = {.mono_ms = 1000, .wall_ns = 1000000000}};
    core_outputs_init(&bench->out);
    arena_init(&bench->arena);
}

static void end(struct bench *bench)
{
    core_destroy(bench->core);
    core_outputs_clear(&bench->out);
    arena_clear(&bench->arena);
}

static struct blob *packed(const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = alloc_bytes(size + 1);
    protobuf_c_message_pack(message, bytes);
    struct blob *blob = blob_create(bytes, size);
    free(bytes);
    return blob;
}

static void recover(struct bench *bench, const struct record *record, const Zmesos__V1__TaskSpec *spec)
{
    struct error err;
    if (core_recover(bench->core, record, spec, bench->now, &err)) {
        fprintf(stderr, "bench_match: %s\n", err.text);
        exit(1);
    }
}

/* As a start finds them: queued, with a failed attempt where the kind says so. */
static void add_task(struct bench *bench, const struct kind *kind, size_t number, size_t agents)
{
    Zmesos__V1__TaskSpec spec = ZMESOS__V1__TASK_SPEC__INIT;
    Mesos__V1__CommandInfo command = MESOS__V1__COMMAND_INFO__INIT;
    arena_reset(&bench->arena);
    command.value = (char[]){"true"};
    spec.id = arena_format(&bench->arena, "t%zu", number);
    spec.command = &command;
    spec.has_cpus = spec.has_mem = true;
    spec.cpus = 1;
    spec.mem = 32;
    kind->make(&spec, &bench->arena, number);
    struct blob *blob = packed(&spec.base);
    struct record task = {.kind = RECORD_TASK,
            .task = {.key = (int64_t)number + 1,
                    .id = spec.id,
                    .spec = blob,
                    .state = kind->elsewhere ? ZMESOS__V1__TASK_STATE__RUNNING
                                             : ZMESOS__V1__TASK_STATE__QUEUED,
                    .revision = 1,
                    .message = "",
                    .reason = ""}};
    recover(bench, &task, &spec);
    if (kind->elsewhere) {
        struct record attempt = {.kind = RECORD_ATTEMPT,
                .attempt = {.task_key = task.task.key,
                        .number = 1,
                        .state = ZMESOS__V1__TASK_STATE__FAILED,
                        .agent_id = arena_format(&bench->arena, "A%zu", number % agents),
                        .hostname = "",
                        .ports = "",
                        .unique = "",
                        .message = "",
                        .reason = "",
                        .mesos_id = "",
                        .agent_url = ""}};
        recover(bench, &attempt, NULL);
        task.task.state = ZMESOS__V1__TASK_STATE__QUEUED;
        recover(bench, &task, NULL);
    }
    blob_unref(blob);
}

static Mesos__V1__Resource *scalar(struct arena *arena, const char *name, double value, const char *role)
{
    Mesos__V1__Resource *resource = arena_alloc(arena, sizeof *resource);
    mesos__v1__resource__init(resource);
    resource->name = arena_string(arena, name);
    resource->type = MESOS__V1__VALUE__TYPE__SCALAR;
    resource->scalar = arena_alloc(arena, sizeof *resource->scalar);
    mesos__v1__value__scalar__init(resource->scalar);
    resource->scalar->value = value;
    resource->allocation_info = arena_alloc(arena, sizeof *resource->allocation_info);
    mesos__v1__resource__allocation_info__init(resource->allocation_info);
    resource->allocation_info->role = arena_string(arena, role);
    return resource;
}

static Mesos__V1__Attribute *rack(struct arena *arena, size_t agent)
{
    Mesos__V1__Attribute *attribute = arena_alloc(arena, sizeof *attribute);
    mesos__v1__attribute__init(attribute);
    attribute->name = arena_string(arena, "rack");
    attribute->type = MESOS__V1__VALUE__TYPE__TEXT;
    attribute->text = arena_alloc(arena, sizeof *attribute->text);
    mesos__v1__value__text__init(attribute->text);
    attribute->text->value = arena_format(arena, "r%zu", agent % 40);
    return attribute;
}

static Mesos__V1__Offer *offer(
        struct arena *arena, const char *prefix, size_t agent, const char *role, double cpus)
{
    Mesos__V1__Offer *offer = arena_alloc(arena, sizeof *offer);
    mesos__v1__offer__init(offer);
    offer->id = arena_alloc(arena, sizeof *offer->id);
    mesos__v1__offer_id__init(offer->id);
    offer->id->value = arena_format(arena, "%s%zu", prefix, agent);
    offer->agent_id = arena_alloc(arena, sizeof *offer->agent_id);
    mesos__v1__agent_id__init(offer->agent_id);
    offer->agent_id->value = arena_format(arena, "A%zu", agent);
    offer->framework_id = arena_alloc(arena, sizeof *offer->framework_id);
    mesos__v1__framework_id__init(offer->framework_id);
    offer->framework_id->value = arena_string(arena, "f");
    offer->hostname = arena_format(arena, "host%zu", agent);
    offer->allocation_info = arena_alloc(arena, sizeof *offer->allocation_info);
    mesos__v1__resource__allocation_info__init(offer->allocation_info);
    offer->allocation_info->role = arena_string(arena, role);
    offer->resources = arena_array(arena, 2, sizeof *offer->resources);
    offer->resources[offer->n_resources++] = scalar(arena, "cpus", cpus, role);
    offer->resources[offer->n_resources++] = scalar(arena, "mem", 65536, role);
    offer->attributes = arena_array(arena, 1, sizeof *offer->attributes);
    offer->attributes[offer->n_attributes++] = rack(arena, agent);
    return offer;
}

/* Until the core has nothing more to do at this instant. */
static double give_offers(
        struct bench *bench, const struct kind *kind, const char *prefix, size_t agents, double cpus)
{
    Mesos__V1__Scheduler__Event event = MESOS__V1__SCHEDULER__EVENT__INIT;
    Mesos__V1__Scheduler__Event__Offers offers = MESOS__V1__SCHEDULER__EVENT__OFFERS__INIT;
    arena_reset(&bench->arena);
    offers.offers = arena_array(&bench->arena, agents, sizeof *offers.offers);
    for (size_t i = 0; i < agents; i++)
        offers.offers[offers.n_offers++] =
                offer(&bench->arena, prefix, i, kind->two_roles && i % 2 == 0 ? "r2" : "r1", cpus);
    event.has_type = true;
    event.type = MESOS__V1__SCHEDULER__EVENT__TYPE__OFFERS;
    event.offers = &offers;
    struct blob *blob = blob_create((const uint8_t *)"", 0);
    struct core_input input = {.kind = CORE_IN_EVENT, .event = {.event = &event, .bytes = blob}};
    double begin = now_s();
    handle(bench, &input);
    for (int turn = 0; turn < TURNS_MAX && core_deadline(bench->core) <= bench->now.mono_ms; turn++) {
        struct core_input tick = {.kind = CORE_IN_TICK};
        handle(bench, &tick);
    }
    double took = now_s() - begin;
    blob_unref(blob);
    return took;
}

/* ---- figures ---- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(const struct kind *kind, size_t agents, size_t tasks, int runs)
{
    double took[RUNS_MAX], longest = 0, more[RUNS_MAX];
    size_t launched = 0;
    for (int run = 0; run < runs; run++) {
        struct bench bench;
        begin(&bench);
        for (size_t i = 0; i < tasks; i++)
            add_task(&bench, kind, i, agents);
        struct core_input up = {.kind = CORE_IN_UP, .up = {.subscription = 1, .master = "m:5050"}};
        handle(&bench, &up);
        bench.longest = 0;
        took[run] = give_offers(&bench, kind, "o", agents, 16);
        launched = bench.launched;
        longest = bench.longest > longest ? bench.longest : longest;
        more[run] = give_offers(&bench, kind, "more", 1, 0.1);
        end(&bench);
    }
    qsort(took, (size_t)runs, sizeof *took, compare);
    qsort(more, (size_t)runs, sizeof *more, compare);
    printf("match: %-39s %6zu agents %7zu tasks: %9.2f ms (%.2f to %.2f), longest turn %.2f ms, %zu placed; "
           "one small offer more %.3f ms\n",
            kind->says, agents, tasks, took[runs / 2] * 1e3, took[0] * 1e3, took[runs - 1] * 1e3,
            longest * 1e3, launched, more[runs / 2] * 1e3);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static const size_t agents[] = {100, 1000, 10000}, tasks[] = {1000, 10000, 100000};
    int64_t runs = 3, only_agents = 0, only_tasks = 0;
    if ((getenv("RUNS") && integer_parse(getenv("RUNS"), 1, RUNS_MAX, &runs)) ||
            (argc > 2 && integer_parse(argv[2], 1, 1000000, &only_agents)) ||
            (argc > 3 && integer_parse(argv[3], 1, 1000000, &only_tasks))) {
        fprintf(stderr, "usage: [RUNS=N] bench_match [KIND [AGENTS [TASKS]]]\n");
        return 2;
    }
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        if (argc > 1 && strcmp(argv[1], "all") != 0 && strcmp(argv[1], kinds[k].name) != 0)
            continue;
        for (size_t a = 0; a < (only_agents ? 1 : 3); a++) {
            for (size_t t = 0; t < (only_tasks ? 1 : 3); t++)
                measure(&kinds[k], only_agents ? (size_t)only_agents : agents[a],
                        only_tasks ? (size_t)only_tasks : tasks[t], (int)runs);
        }
    }
    return 0;
}
