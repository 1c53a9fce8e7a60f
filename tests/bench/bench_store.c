/* Group commits a second of the store against bare append and fdatasync of the same logical bytes, in batches
 * of 16 small records. The two take turns within one run, since disks and machines have moods; the figures
 * are medians of the rounds, and the ratio is what counts.
 *
 * bench_store [DIRECTORY [ROUNDS]]: works in a new directory below DIRECTORY (default /tmp; choose one on the
 * disk that is meant, not one in memory) and removes it. A round is a second of each. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/decimal.h"
#include "base/text.h"
#include "store/store.h"

#define BATCH 16
#define ROUNDS_MAX 100
#define ROUND_NS 1000000000

/* What one batch holds. */
enum mix {
    MIX_JOURNAL,  /* sixteen events */
    MIX_LAUNCHES, /* four new tasks: task, specification, attempt, two events each */
    MIX_UPDATES,  /* four tasks of before: task, attempt, two events each */
    MIX_COUNT
};

static const char *const mix_names[MIX_COUNT] = {
        "16 journal rows", "4 launches, 16 rows", "4 updates, 16 rows"};

struct bench {
    enum mix mix;
    uint64_t number[2]; /* of the last event of each of two classes */
    int64_t task;
    struct blob *header, *body, *spec;
    char topic[64], id[64];
    size_t bytes; /* logical ones of a batch: text, blobs, eight for each number */
};

static _Noreturn void die(const char *what)
{
    perror(what);
    exit(1);
}

static int64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static void add(struct bench *bench, struct store *store, const struct record *record)
{
    switch (record->kind) {
    case RECORD_TASK:
        bench->bytes += 8 * 8 + strlen(record->task.id) + blob_slice(record->task.spec).length +
                        strlen(record->task.message) + strlen(record->task.reason);
        break;
    case RECORD_ATTEMPT:
        bench->bytes += 6 * 8 + strlen(record->attempt.agent_id) + strlen(record->attempt.hostname) +
                        strlen(record->attempt.ports) + strlen(record->attempt.message) +
                        strlen(record->attempt.reason);
        break;
    case RECORD_EVENT:
        bench->bytes += 3 * 8 + strlen(record->event.topic) + blob_slice(record->event.header).length +
                        blob_slice(record->event.body).length;
        break;
    case RECORD_META:
    case RECORD_FORGET:
    case RECORD_OPERATION:
    case RECORD_FORGET_OPERATION:
        break;
    }
    store_add(store, record);
}

static void add_event(struct bench *bench, struct store *store, int32_t class)
{
    snprintf(bench->topic, sizeof bench->topic, "mesos/UPDATE/job-%lld/1", (long long)bench->task);
    struct record record = {.kind = RECORD_EVENT,
            .event = {.class = class,
                    .number = ++bench->number[class - 1],
                    .time_ns = now_ns(),
                    .topic = bench->topic,
                    .header = bench->header,
                    .body = bench->body}};
    add(bench, store, &record);
}

static void add_task(struct bench *bench, struct store *store, int64_t key, struct blob *spec)
{
    /* Ids in no order, as clients choose them. */
    snprintf(bench->id, sizeof bench->id, "%016llx-job-%lld", (unsigned long long)key * 0x9e3779b97f4a7c15u,
            (long long)key);
    struct record task = {.kind = RECORD_TASK,
            .task = {.key = key,
                    .id = bench->id,
                    .spec = spec,
                    .state = spec ? 2 : 5,
                    .revision = 2,
                    .attempts = 1,
                    .created_ns = now_ns(),
                    .changed_ns = now_ns(),
                    .message = "",
                    .reason = spec ? "" : "REASON_COMMAND_EXECUTOR_FAILED"}};
    struct record attempt = {.kind = RECORD_ATTEMPT,
            .attempt = {.task_key = key,
                    .number = 1,
                    .state = spec ? 2 : 5,
                    .agent_id = "6ec2b2a5-9f3c-4f0e-8e0a-2f0d3c5a1b11-S12",
                    .hostname = "agent-12.example.net",
                    .ports = "31000 31005",
                    .launched_ns = now_ns(),
                    .changed_ns = now_ns(),
                    .message = "",
                    .reason = ""}};
    add(bench, store, &task);
    add(bench, store, &attempt);
    add_event(bench, store, 1);
    add_event(bench, store, 2);
}

static void add_batch(struct bench *bench, struct store *store)
{
    bench->bytes = 0;
    if (bench->mix == MIX_JOURNAL) {
        for (int i = 0; i < BATCH; i++)
            add_event(bench, store, 1 + i % 2);
        return;
    }
    for (int i = 0; i < BATCH / 4; i++) {
        bench->task++;
        if (bench->mix == MIX_LAUNCHES)
            add_task(bench, store, bench->task, bench->spec);
        else
            add_task(bench, store, 1 + bench->task % 10000, NULL);
    }
}

static void commit(struct store *store)
{
    store_flush(store);
    while (store_committed(store) < store_group(store)) {
        struct pollfd readable = {.fd = store_fd(store), .events = POLLIN};
        if (poll(&readable, 1, 60000) != 1)
            die("waiting for a commit");
        store_handle(store);
    }
}

/* Batches a second. */
static double run_store(struct bench *bench, struct store *store)
{
    int64_t begin = now_ns(), end;
    int batches = 0;
    do {
        add_batch(bench, store);
        commit(store);
        batches++;
        end = now_ns();
    } while (end - begin < ROUND_NS);
    return batches / ((double)(end - begin) / 1e9);
}

static double run_bare(const struct bench *bench, int file)
{
    char *bytes = malloc(bench->bytes);
    if (!bytes)
        die("memory");
    random_bytes(bytes, bench->bytes);
    int64_t begin = now_ns(), end;
    int batches = 0;
    do {
        if (write(file, bytes, bench->bytes) != (ssize_t)bench->bytes || fdatasync(file) < 0)
            die("bare file");
        batches++;
        end = now_ns();
    } while (end - begin < ROUND_NS);
    free(bytes);
    return batches / ((double)(end - begin) / 1e9);
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

static void fill_tasks(struct bench *bench, struct store *store)
{
    for (int64_t key = 1; key <= 10000; key++)
        add_task(bench, store, key, bench->spec);
    commit(store);
}

static void run_mix(struct bench *bench, const char *top, int rounds)
{
    char directory[4200], path[4200];
    snprintf(directory, sizeof directory, "%s/%d", top, (int)bench->mix);
    snprintf(path, sizeof path, "%s/bare", top);
    struct store *store = NULL;
    struct error err;
    if (store_open(directory, &store, &err) < 0 || store_start(store, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0)
        die(path);
    if (bench->mix == MIX_UPDATES)
        fill_tasks(bench, store);

    double stored[ROUNDS_MAX], bare[ROUNDS_MAX], ratios[ROUNDS_MAX];
    for (int i = 0; i < rounds; i++) {
        stored[i] = run_store(bench, store);
        bare[i] = run_bare(bench, file);
        ratios[i] = stored[i] / bare[i];
    }
    printf("%-20s %6zu %10.0f %10.0f %8.2f\n", mix_names[bench->mix], bench->bytes, median(stored, rounds),
            median(bare, rounds), median(ratios, rounds));
    fflush(stdout);
    close(file);
    store_destroy(store);
}

static void remove_all(const char *path)
{
    DIR *entries = opendir(path);
    for (const struct dirent *entry; entries && (entry = readdir(entries));) {
        char inner[4600];
        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && unlink(inner) < 0)
            remove_all(inner);
    }
    if (entries)
        closedir(entries);
    rmdir(path);
}

int main(int count, char **args)
{
    int64_t rounds = 5;
    if (count > 3 || (count > 2 && integer_parse(args[2], 1, ROUNDS_MAX, &rounds) < 0)) {
        fprintf(stderr, "usage: bench_store [DIRECTORY [ROUNDS]]\n");
        return 2;
    }
    char top[4096];
    snprintf(top, sizeof top, "%s/zmesos-bench-XXXXXX", count > 1 ? args[1] : "/tmp");
    if (!mkdtemp(top))
        die(top);

    uint8_t bytes[300];
    random_bytes(bytes, sizeof bytes);
    struct blob *header = blob_create(bytes, 60), *body = blob_create(bytes, 250),
                *spec = blob_create(bytes, 300);
    printf("%-20s %6s %10s %10s %8s\n", "a batch", "bytes", "store/s", "bare/s", "ratio");
    for (int mix = 0; mix < MIX_COUNT; mix++) {
        struct bench bench = {.mix = (enum mix)mix, .header = header, .body = body, .spec = spec};
        run_mix(&bench, top, (int)rounds);
    }
    blob_unref(header);
    blob_unref(body);
    blob_unref(spec);
    remove_all(top);
    return 0;
}
