/* Tasks on their way to the daemon. See launch.h. */
#include "launch.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"

#include "ask.h"
#include "spec_file.h"

enum { OPTION_FILE = OPTION_AFTER_SPEC };

#define REQUEST_ROOM ((size_t)1000000) /* bytes of tasks in one request; its limit is a bit higher */

static int read_flags(
        struct launch *launch, struct settings *settings, int argc, char **argv, const char **file)
{
    static const struct option options[] = {
            SPEC_OPTIONS, {"file", required_argument, NULL, OPTION_FILE}, SETTINGS_OPTIONS};
    struct error err;
    int option, rc;

    while ((option = getopt_long(argc, argv, "+:", options, NULL)) != -1) {
        if (option == OPTION_FILE) {
            *file = optarg;
            continue;
        }
        rc = spec_option(&launch->spec, option, optarg, &err);
        if (rc < 0)
            return settings_usage(settings, "%s", err.text);
        if (rc == 0 && (rc = settings_option(settings, option, argv)) != CLI_GO_ON)
            return rc;
    }
    return CLI_GO_ON;
}

/* The members of a group behind its first one, for they go in one request; else the order stays. */
static void gather_groups(Zmesos__V1__TaskSpec **tasks, size_t count)
{
    Zmesos__V1__TaskSpec **ordered = alloc_zeroed(count, sizeof(Zmesos__V1__TaskSpec *));
    size_t *next = alloc_zeroed(count, sizeof *next), used = 0; /* index + 1 of the next member */
    bool *follows = alloc_zeroed(count, sizeof *follows);
    struct map last; /* of each group: its place in `next` */

    map_init(&last, 0, 0);
    for (size_t i = 0; i < count; i++) {
        size_t *before = tasks[i]->group ? map_put(&last, slice_of_string(tasks[i]->group), &next[i]) : NULL;
        if (before) {
            *before = i + 1;
            follows[i] = true;
        }
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t at = follows[i] ? 0 : i + 1; at > 0; at = next[at - 1])
            ordered[used++] = tasks[at - 1];
    }
    memcpy(tasks, ordered, count * sizeof *tasks);
    map_clear(&last);
    free(ordered);
    free(next);
    free(follows);
}

int launch_read(struct launch *launch, struct settings *settings, int argc, char **argv)
{
    const char *file = NULL;
    struct error err;
    int rc;

    *launch = (struct launch){.count = 0};
    spec_init(&launch->spec, (size_t)argc);
    rc = read_flags(launch, settings, argc, argv, &file);
    if (rc != CLI_GO_ON)
        return rc;
    if (!file) {
        if (spec_finish(&launch->spec, argc - optind, argv + optind, &err) < 0)
            return settings_usage(settings, "%s", err.text);
        launch->single = &launch->spec.task;
        launch->tasks = &launch->single;
        launch->count = 1;
        return CLI_GO_ON;
    }
    if (launch->spec.touched || optind < argc)
        return settings_usage(
                settings, "with --file the tasks are in the file, and no other flag or word describes one");
    if (spec_file_read(file, &launch->from_file, &err) < 0)
        return settings_usage(settings, "%s", err.text);
    launch->tasks = launch->from_file->tasks;
    launch->count = launch->from_file->n_tasks;
    gather_groups(launch->tasks, launch->count);
    return CLI_GO_ON;
}

void launch_clear(struct launch *launch)
{
    if (launch->from_file)
        zmesos__v1__launch__free_unpacked(launch->from_file, NULL);
    spec_clear(&launch->spec);
}

/* A task, or all of a group: how many from there on. */
static size_t unit(const struct launch *launch, size_t first, size_t *bytes)
{
    const char *group = launch->tasks[first]->group;
    size_t count = 0;

    do {
        *bytes += zmesos__v1__task_spec__get_packed_size(launch->tasks[first + count]) + 8;
        count++;
    } while (group && first + count < launch->count && launch->tasks[first + count]->group &&
             strcmp(launch->tasks[first + count]->group, group) == 0);
    return count;
}

/* How many tasks from `first` on fit into one request; at least one, or one group, which the daemon refuses
 * where it is too large. */
static size_t portion(const struct launch *launch, size_t first)
{
    size_t count = 0, bytes = 0;

    while (first + count < launch->count) {
        size_t more = unit(launch, first + count, &bytes);
        if (count && (count + more > LAUNCH_ITEMS_MAX || bytes > REQUEST_ROOM))
            break;
        count += more;
    }
    return count;
}

int launch_send(const struct launch *launch, const struct settings *settings, struct client *client,
        void (*item)(void *context, const Zmesos__V1__TaskSpec *task, const Zmesos__V1__Item *item),
        void *context)
{
    size_t first, count, i;

    for (first = 0; first < launch->count; first += count) {
        Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
        Zmesos__V1__Launch batch = ZMESOS__V1__LAUNCH__INIT;
        Zmesos__V1__Reply *reply;
        int rc;

        count = portion(launch, first);
        batch.n_tasks = count;
        batch.tasks = launch->tasks + first;
        request.operation_case = ZMESOS__V1__REQUEST__OPERATION_LAUNCH;
        request.launch = &batch;
        rc = ask(settings, client, ASK_REPEAT, &request, ZMESOS__V1__REPLY__RESULT_ITEMS, &reply);
        if (rc == CLI_OK && reply->items->n_items != count) {
            settings_say(settings, "the daemon's answer has not one item for each task");
            rc = CLI_FAILED;
        }
        for (i = 0; rc == CLI_OK && i < count; i++)
            item(context, batch.tasks[i], reply->items->items[i]);
        ask_free(reply);
        if (rc != CLI_OK)
            return rc;
    }
    return CLI_GO_ON;
}

bool launch_taken(const Zmesos__V1__Item *item)
{
    return item->has_code && item->code == ZMESOS__V1__CODE__OK;
}
