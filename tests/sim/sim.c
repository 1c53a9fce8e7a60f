/* zmesos-sim: the core in virtual time. Runs seeds until one violates an invariant; that one is played again
 * with a trace.
 *
 *   zmesos-sim --seeds N [--first S] [--jobs J]    N seeds from S (default 1)
 *   zmesos-sim --seed S [--trace]                  one seed
 *   zmesos-sim --plant NAME [--seeds N]            with a bug put in: succeeds when it is found
 *   --basic                                        without the features of features.h
 *
 * Exit status: 0, 1 for a violation (with --plant: for none), 2 for a wrong argument. */
#include "sim.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/decimal.h"

#define STEPS_MAX 3000000
#define JOBS_MAX 64

struct options {
    int64_t first, seeds, jobs, seed;
    bool trace, basic;
    enum plant plant;
};

/* What a job tells its parent, in shared memory: so that a seed on which the core dies is known too. */
struct job {
    volatile uint64_t done, seed;
    volatile bool violated;
};

/* ---- one run ----------------------------------------------------------------------------------------------
 */

/* What an agent has besides cpus. */
static void furnish(struct sim *sim, struct agent *agent)
{
    struct random *random = &sim->random;
    struct stuff *stuff = &agent->stuff;
    if (sim->features[FEATURE_GROUPS])
        stuff->scalars[DISK] = random_between(random, 0, 5) * 64000;
    if (sim->features[FEATURE_GROUPS] && !sim->features[FEATURE_RESOURCES])
        stuff->scalars[MEM] = random_between(random, 20, 200) * 10000;
    if (!sim->features[FEATURE_RESOURCES])
        return;
    stuff->scalars[MEM] = random_between(random, 20, 200) * 10000;
    for (int i = CPUS_R1; i <= CPUS_REVOCABLE; i++)
        stuff->scalars[i] = random_below(random, 2) ? random_between(random, 1, 20) * 100 : 0;
    for (int i = BOLTS; i <= BOLTS_R1; i++)
        stuff->scalars[i] = random_below(random, 2) ? random_between(random, 1, 5000) : 0;
    stuff->items[PORTS] = random_next(random) | random_next(random);
    stuff->items[PORTS_R2] = ~stuff->items[PORTS] & random_next(random);
    stuff->items[NAILS] = random_next(random) & random_next(random) & 0xfff;
    stuff->items[NAILS_R1] = ~stuff->items[NAILS] & random_next(random) & 0xfff;
}

void sim_run(struct sim *sim, uint64_t seed, enum plant plant, bool basic, bool tracing)
{
    *sim = (struct sim){.seed = seed, .plant = plant, .tracing = tracing};
    arena_init(&sim->arena);
    arena_init(&sim->daemon.in);
    core_outputs_init(&sim->daemon.outputs);
    heap_init(&sim->events);
    random_seed(&sim->random, seed);
    features_init(sim, basic);
    weather_init(sim);
    master_start(sim);
    sim->agent_count = (int)random_between(&sim->random, 1, 5);
    for (int i = 0; i < sim->agent_count; i++) {
        struct agent *agent = &sim->agents[i];
        agent->id = arena_format(&sim->arena, "A%d", i + 1);
        agent->stuff.scalars[CPUS] = random_between(&sim->random, 5, 60) * 100;
        furnish(sim, agent);
        rules_describe(sim, agent);
        agent_start(sim, agent);
    }
    daemon_start(sim, NULL, 0);
    weather_start(sim);
    client_start(sim);
    while (!sim->violated && sim->now_us < sim->weather.end_at_us && world_step(sim)) {
        if (sim->steps > STEPS_MAX)
            violation(sim, "it does not come to rest");
    }
    if (!sim->violated)
        check_settled(sim);
}

void sim_clear(struct sim *sim)
{
    daemon_clear(sim);
    store_clear(sim);
    heap_clear(&sim->events);
    arena_clear(&sim->arena);
}

static bool play(const struct options *options, uint64_t seed, enum plant plant, bool tracing)
{
    struct sim *sim = alloc_zeroed(1, sizeof *sim);
    sim_run(sim, seed, plant, options->basic, tracing);
    bool violated = sim->violated;
    if (violated && !tracing)
        printf("seed %llu: %s (after %.3f s)\n", (unsigned long long)seed, sim->violation,
                (double)sim->now_us / 1e6);
    sim_clear(sim);
    free(sim);
    return violated;
}

/* ---- many -------------------------------------------------------------------------------------------------
 */

static int work(const struct options *options, int64_t number, struct job *job)
{
    for (int64_t i = number; i < options->seeds; i += options->jobs) {
        job->seed = (uint64_t)(options->first + i);
        job->violated = play(options, job->seed, options->plant, false);
        if (job->violated)
            return 1;
        job->done++;
    }
    return 0;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int run_seeds(const struct options *options)
{
    size_t size = (size_t)options->jobs * sizeof(struct job);
    struct job *jobs = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pids[JOBS_MAX];
    if (jobs == MAP_FAILED) {
        perror("zmesos-sim");
        return 2;
    }
    double begun = seconds();
    fflush(stdout);
    for (int64_t i = 0; i < options->jobs; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            exit(work(options, i, &jobs[i]));
    }
    uint64_t done = 0, violations = 0;
    for (int64_t i = 0; i < options->jobs; i++) {
        int status = 0;
        if (pids[i] < 0 || waitpid(pids[i], &status, 0) != pids[i]) {
            perror("zmesos-sim");
            return 2;
        }
        done += jobs[i].done;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
            continue;
        violations++;
        if (!jobs[i].violated)
            printf("seed %llu: the process died\n", (unsigned long long)jobs[i].seed);
        printf("replay: zmesos-sim --seed %llu --trace\n", (unsigned long long)jobs[i].seed);
    }
    printf("%llu seeds, %llu violations, %.0f seeds/s\n", (unsigned long long)(done + violations),
            (unsigned long long)violations, (double)(done + violations) / (seconds() - begun));
    munmap(jobs, size);
    return violations ? 1 : 0;
}

static int run_plant(const struct options *options)
{
    for (int64_t i = 0; i < options->seeds; i++) {
        uint64_t seed = (uint64_t)(options->first + i);
        if (!play(options, seed, options->plant, false))
            continue;
        if (play(options, seed, PLANT_NONE, false))
            return 1; /* a bug that nobody planted */
        printf("%s is found by seed %llu, the %lldth\n", plant_names[options->plant],
                (unsigned long long)seed, (long long)i + 1);
        return 0;
    }
    printf("%s is not found in %lld seeds\n", plant_names[options->plant], (long long)options->seeds);
    return 1;
}

/* ---- arguments --------------------------------------------------------------------------------------------
 */

static enum plant find_plant(const char *name)
{
    for (int i = 1; i < PLANT_COUNT; i++) {
        if (strcmp(plant_names[i], name) == 0)
            return (enum plant)i;
    }
    return PLANT_NONE;
}

static bool read_options(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {{"seeds", required_argument, NULL, 'n'},
            {"first", required_argument, NULL, 'f'}, {"jobs", required_argument, NULL, 'j'},
            {"seed", required_argument, NULL, 's'}, {"trace", no_argument, NULL, 't'},
            {"plant", required_argument, NULL, 'p'}, {"basic", no_argument, NULL, 'b'}, {NULL, 0, NULL, 0}};
    *options = (struct options){.first = 1, .seeds = 2000, .jobs = 1, .seed = -1};
    bool good = true;
    for (int c; good && (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (c) {
        case 'n':
            good = integer_parse(optarg, 1, INT64_MAX / 2, &options->seeds) == 0;
            break;
        case 'f':
            good = integer_parse(optarg, 0, INT64_MAX / 2, &options->first) == 0;
            break;
        case 'j':
            good = integer_parse(optarg, 1, JOBS_MAX, &options->jobs) == 0;
            break;
        case 's':
            good = integer_parse(optarg, 0, INT64_MAX, &options->seed) == 0;
            break;
        case 't':
            options->trace = true;
            break;
        case 'b':
            options->basic = true;
            break;
        case 'p':
            options->plant = find_plant(optarg);
            good = options->plant != PLANT_NONE;
            break;
        default:
            good = false;
            break;
        }
    }
    return good && optind == argc;
}

int main(int argc, char **argv)
{
    struct options options;
    if (!read_options(argc, argv, &options)) {
        fprintf(stderr, "usage: zmesos-sim [--seeds N] [--first S] [--jobs J] [--plant NAME] [--basic]\n"
                        "       zmesos-sim --seed S [--trace] [--plant NAME] [--basic]\n");
        return 2;
    }
    if (options.seed >= 0)
        return play(&options, (uint64_t)options.seed, options.plant, options.trace);
    return options.plant ? run_plant(&options) : run_seeds(&options);
}
