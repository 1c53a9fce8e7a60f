/* Persistent volumes on disk: WORK/volumes/AGENT/ROLE/ID, and in the sandbox of a task that has one a link to
 * it. They outlive tasks and frameworks, and go with DESTROY. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"

#include "guard.h"
#include "parts.h"

/* Malloc'ed. A role's slashes become spaces: roles have none. The id was checked to make a name. */
static char *volume_path(const struct agent *agent, const struct resource_kind *kind)
{
    char *path = NULL;
    char *role = alloc_string(kind->role);
    for (char *at = role; *at != '\0'; at++)
        *at = *at == '/' ? ' ' : *at;
    if (asprintf(&path, "%s/volumes/%s/%s/%s", agent->local->work_dir, agent->id, role,
                kind->shape->disk->persistence->id) < 0)
        abort();
    free(role);
    return path;
}

static int make_directories(const char *path, size_t from, struct error *err)
{
    char *copy = alloc_string(path);
    int code = 0;
    for (char *slash = copy + from; code == 0 && slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(copy, 0755) != 0 && errno != EEXIST)
            code = error_set_errno(err, errno, "cannot make %s", copy);
        *slash = '/';
    }
    if (code == 0 && mkdir(copy, 0755) != 0 && errno != EEXIST)
        code = error_set_errno(err, errno, "cannot make %s", copy);
    free(copy);
    return code;
}

int volumes_check_paths(const TaskInfo *info, struct error *err)
{
    for (size_t i = 0; i < info->n_resources; i++) {
        const Mesos__V1__Resource__DiskInfo *disk = info->resources[i]->disk;
        if (disk == NULL || disk->persistence == NULL || disk->volume == NULL)
            continue;
        const char *path = disk->volume->container_path;
        if (path[0] == '\0' || strchr(path, '/') != NULL || strcmp(path, ".") == 0 || strcmp(path, "..") == 0)
            return error_set(err, ERR_INVALID,
                    "zmesos-local puts a volume at a name within the sandbox, not at '%.200s'", path);
    }
    return 0;
}

int volumes_link(const struct task *task, const char *sandbox, struct error *err)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < task->info->n_resources; i++) {
        const Resource *message = task->info->resources[i];
        struct resources one;
        if (message->disk == NULL || message->disk->persistence == NULL || message->disk->volume == NULL)
            continue;
        resources_init(&one);
        resources_read(&task->local->kinds, message, false, &one);
        if (one.count == 1 && one.items[0].kind != NULL) {
            char *target = volume_path(task->agent, one.items[0].kind), *link = NULL;
            if (asprintf(&link, "%s/%s", sandbox, message->disk->volume->container_path) < 0)
                abort();
            code = make_directories(target, strlen(task->local->work_dir), err);
            if (code == 0 && symlink(target, link) != 0 && errno != EEXIST)
                code = error_set_errno(err, errno, "cannot link %s", link);
            free(target);
            free(link);
        }
        resources_clear(&one);
    }
    return code;
}

void volumes_remove(const struct agent *agent, Resource **volumes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct resources one;
        resources_init(&one);
        resources_read(&agent->local->kinds, volumes[i], false, &one);
        if (one.count == 1 && one.items[0].kind != NULL) {
            char *path = volume_path(agent, one.items[0].kind);
            guard_remove(path);
            free(path);
        }
        resources_clear(&one);
    }
}
