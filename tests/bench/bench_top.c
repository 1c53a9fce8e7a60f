/* What `zmesos top` costs: a task of its first snapshot, an event, a page after an event in each order, and a
 * page where nothing has changed; with 100 tasks and with more. Processor time; nothing is asserted. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "top_keys.h"

#define EVENTS 100000
#define PAGES 20
#define MS INT64_C(1000000)

struct bench {
    struct model *model;
    struct top top;
    int tasks;
    uint64_t revision;
    int64_t now_ns;
};

static double cpu_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static void take(struct bench *bench, int number, int state)
{
    char id[32], host[] = "agent-12", words[] = "Command exited with status 0";
    Zmesos__V1__Task task = ZMESOS__V1__TASK__INIT;
    Zmesos__V1__Attempt attempt = ZMESOS__V1__ATTEMPT__INIT, *attempts[] = {&attempt};

    snprintf(id, sizeof id, "task-%07d", number);
    bench->now_ns += MS;
    task.id = id;
    task.has_state = true;
    task.state = (Zmesos__V1__TaskState)state;
    task.revision = ++bench->revision;
    task.created_ns = (int64_t)number * MS;
    task.changed_ns = attempt.launched_ns = attempt.changed_ns = bench->now_ns;
    task.message = words;
    task.attempts = attempts;
    task.n_attempts = 1;
    attempt.number = 1;
    attempt.hostname = host;
    attempt.state = task.state;
    model_take_task(bench->model, &task);
}

static void show(struct bench *bench)
{
    struct lines lines;
    lines_init(&lines, 100);
    top_page(&bench->top, 100, 40, &lines);
    lines_clear(&lines);
}

static void measure(int tasks)
{
    static const uint64_t seed[2] = {1, 2};
    struct bench bench = {.model = model_create(seed), .tasks = tasks, .now_ns = INT64_C(1700000000000) * MS};
    struct feed *feed = feed_create(bench.model);
    double begin = cpu_ms();

    top_init(&bench.top, bench.model, feed);
    model_begin_snapshot(bench.model);
    for (int i = 0; i < tasks; i++) /* in no order */
        take(&bench, (int)((int64_t)i * 7919 % tasks), ZMESOS__V1__TASK_STATE__FINISHED);
    model_end_snapshot(bench.model);
    printf("%7d tasks: snapshot %.2f us a task", tasks, (cpu_ms() - begin) * 1e3 / tasks);
    begin = cpu_ms();
    for (int i = 0; i < EVENTS; i++)
        take(&bench, rand() % tasks,
                i % 2 ? ZMESOS__V1__TASK_STATE__RUNNING : ZMESOS__V1__TASK_STATE__FINISHED);
    printf("; an event %.2f us; a page", (cpu_ms() - begin) * 1e3 / EVENTS);
    for (int order = 0; order < LIST_ORDERS; order++) {
        task_list_sort(&bench.top.list, (enum list_order)order);
        begin = cpu_ms();
        for (int i = 0; i < PAGES; i++) {
            take(&bench, i, ZMESOS__V1__TASK_STATE__RUNNING);
            show(&bench);
        }
        printf(" by %s %.2f ms,", list_order_name((enum list_order)order), (cpu_ms() - begin) / PAGES);
    }
    begin = cpu_ms();
    for (int i = 0; i < PAGES; i++)
        show(&bench);
    printf(" unchanged %.2f ms\n", (cpu_ms() - begin) / PAGES);
    top_clear(&bench.top);
    feed_destroy(feed);
    model_destroy(bench.model);
}

int main(void)
{
    static const int counts[] = {100, 10000, 100000, 1000000};
    setlocale(LC_CTYPE, "C.UTF-8");
    srand(1);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        measure(counts[i]);
    return 0;
}
