/* What a start costs with many tasks: reading the database alone, and reading it into a core. Both open the
 * same file anew and take turns within one run; the figures are medians, and the ratio is what counts. Also
 * the memory that a live task takes beside the bytes of its specification.
 *
 * bench_restart [DIRECTORY [TASKS [ROUNDS]]]: works in a new directory below DIRECTORY (default /tmp) and
 * removes it. */
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/decimal.h"
#include "core/core.h"
#include "encode.h"
#include "store/store.h"

#define ROUNDS_MAX 99
#define GROUP 2000

static _Noreturn void die(const char *what, const struct error *err)
{
    fprintf(stderr, "bench_restart: %s%s%s\n", what, err ? ": " : "", err ? err->text : "");
    exit(1);
}

static double now_s(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* About 300 bytes, each task with a label and a command of its own. */
static struct blob *make_spec(int64_t key, char *id, size_t size)
{
    Zmesos__V1__TaskSpec spec = ZMESOS__V1__TASK_SPEC__INIT;
    Mesos__V1__CommandInfo command = MESOS__V1__COMMAND_INFO__INIT;
    Mesos__V1__Labels labels = MESOS__V1__LABELS__INIT;
    Mesos__V1__Label label = MESOS__V1__LABEL__INIT, *label_of = &label;
    char line[256], value[32];
    snprintf(id, size, "%016llx-job-%lld", (unsigned long long)key * 0x9e3779b97f4a7c15u, (long long)key);
    snprintf(line, sizeof line,
            "exec /usr/local/bin/simulate --input /data/%lld --steps 100000 --output /results/%lld.out "
            "--log-level info --tag nightly --tolerance 0.000001 --workers 4 --checkpoint 600",
            (long long)key, (long long)key);
    snprintf(value, sizeof value, "batch-%lld", (long long)key / 1000);
    spec.id = id;
    spec.has_cpus = spec.has_mem = true;
    spec.cpus = 1;
    spec.mem = (double)(128 << key % 4);
    command.value = line;
    spec.command = &command;
    label.key = (char[]){"batch"};
    label.value = value;
    labels.labels = &label_of;
    labels.n_labels = 1;
    spec.labels = &labels;
    return encode_message(&spec.base);
}

static void add_task(struct store *store, int64_t key, size_t *bytes)
{
    char id[64];
    struct blob *spec = make_spec(key, id, sizeof id);
    *bytes += blob_slice(spec).length + strlen(id) + 8 * 8;
    struct record task = {.kind = RECORD_TASK,
            .task = {.key = key,
                    .id = id,
                    .spec = spec,
                    .state = ZMESOS__V1__TASK_STATE__RUNNING,
                    .revision = 4,
                    .attempts = 1,
                    .created_ns = key,
                    .changed_ns = key,
                    .message = "",
                    .reason = ""}};
    struct record attempt = {.kind = RECORD_ATTEMPT,
            .attempt = {.task_key = key,
                    .number = 1,
                    .state = ZMESOS__V1__TASK_STATE__RUNNING,
                    .flags = 1,
                    .agent_id = "6ec2b2a5-9f3c-4f0e-8e0a-2f0d3c5a1b11-S12",
                    .hostname = "agent-12.example.net",
                    .ports = "",
                    .unique = "",
                    .launched_ns = key,
                    .changed_ns = key,
                    .message = "",
                    .reason = "",
                    .mesos_id = "",
                    .agent_url = "http://10.0.0.12:5051/slave(1)"}};
    store_add(store, &task);
    *bytes += strlen(attempt.attempt.agent_id) + strlen(attempt.attempt.hostname) +
              strlen(attempt.attempt.agent_url) + 6 * 8;
    store_add(store, &attempt);
    blob_unref(spec);
}

static size_t fill(const char *directory, int64_t tasks)
{
    struct store *store;
    struct error err;
    size_t bytes = 0;
    if (store_open(directory, &store, &err) || store_start(store, &err))
        die("cannot make the store", &err);
    for (int64_t key = 1; key <= tasks; key++) {
        add_task(store, key, &bytes);
        if (key % GROUP != 0 && key != tasks)
            continue;
        store_flush(store);
        while (store_committed(store) < store_group(store)) {
            struct pollfd readable = {.fd = store_fd(store), .events = POLLIN};
            poll(&readable, 1, 60000);
            store_handle(store);
            store_flush(store);
        }
    }
    store_destroy(store);
    return bytes;
}

static int read_only(void *context, const struct record *record, struct error *err)
{
    (void)err;
    *(uint64_t *)context += (uint64_t)record->kind;
    return 0;
}

static int into_core(void *context, const struct record *record, struct error *err)
{
    struct core *core = context;
    Zmesos__V1__TaskSpec *spec = NULL;
    if (record->kind == RECORD_TASK && !(spec = encode_read_spec(blob_slice(record->task.spec))))
        return error_set(err, ERR_MALFORMED, "a specification cannot be read");
    int rc = core_recover(core, record, spec, (struct now){.mono_ms = 1, .wall_ns = 1}, err);
    zmesos__v1__task_spec__free_unpacked(spec, NULL);
    return rc;
}

static struct core *new_core(void)
{
    static const char *const roles[] = {"*"};
    struct core_config config;
    core_config_init(&config);
    config.version = "bench";
    config.store_id = "s";
    config.framework_id = "f";
    config.roles = roles;
    config.role_count = 1;
    config.seed[0] = 1;
    config.same_spec = encode_same_spec;
    return core_create(&config);
}

static double read_file(const char *directory, struct core *core)
{
    struct store *store;
    struct error err;
    uint64_t sum = 0;
    double begin = now_s();
    if (store_open(directory, &store, &err) ||
            store_load(store, core ? into_core : read_only, core ? (void *)core : &sum, &err))
        die("cannot read the store", &err);
    double took = now_s() - begin;
    store_destroy(store);
    return took;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, compare);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

int main(int argc, char **argv)
{
    int64_t tasks = 1000000, rounds = 3;
    char directory[4096];
    double bare[ROUNDS_MAX], full[ROUNDS_MAX], ratio[ROUNDS_MAX];
    size_t memory = 0;
    if ((argc > 2 && integer_parse(argv[2], 1, 10000000, &tasks)) ||
            (argc > 3 && integer_parse(argv[3], 1, ROUNDS_MAX, &rounds)))
        die("usage: bench_restart [DIRECTORY [TASKS [ROUNDS]]]", NULL);
    snprintf(directory, sizeof directory, "%s/zmesos-restart-XXXXXX", argc > 1 ? argv[1] : "/tmp");
    if (!mkdtemp(directory))
        die("cannot make a directory", NULL);
    size_t bytes = fill(directory, tasks);
    for (int i = 0; i < rounds; i++) {
        bare[i] = read_file(directory, NULL);
        size_t before = mallinfo2().uordblks;
        struct core *core = new_core();
        full[i] = read_file(directory, core);
        ratio[i] = full[i] / bare[i];
        memory = mallinfo2().uordblks - before;
        core_destroy(core);
    }
    char file[4200];
    snprintf(file, sizeof file, "%s/%s", directory, STORE_FILE);
    unlink(file);
    rmdir(directory);
    double low = ratio[0], high = ratio[0];
    for (int i = 1; i < rounds; i++) {
        low = ratio[i] < low ? ratio[i] : low;
        high = ratio[i] > high ? ratio[i] : high;
    }
    printf("restart: %lld running tasks: read alone %.2f s, into the core %.2f s: ratio %.2f (%.2f to "
           "%.2f)\n",
            (long long)tasks, median(bare, (int)rounds), median(full, (int)rounds),
            median(ratio, (int)rounds), low, high);
    printf("restart: memory of a live task %.0f bytes, its rows have %.0f: ratio %.2f\n",
            (double)memory / (double)tasks, (double)bytes / (double)tasks, (double)memory / (double)bytes);
    return 0;
}
