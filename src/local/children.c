/* The end of all children. A child that is killed leaves its own children to us, the subreaper; so again,
 * until the system says that there are none. */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

#include "process.h"

#define ROUNDS_MAX                                                                                           \
    2000 /* of 5 ms: only a process in an uninterruptible call outlives its SIGKILL for long                 \
          */

/* The parent of a process by /proc, or -1. */
static pid_t parent_of(pid_t pid)
{
    char path[64];
    char text[512];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return -1;
    size_t length = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[length] = '\0';
    /* "pid (name) state parent": the name may hold anything, so from its last parenthesis on. */
    const char *name_end = strrchr(text, ')');
    int parent = -1;
    if (name_end == NULL || strlen(name_end) < 4)
        return -1;
    parent = (int)strtol(name_end + 4, NULL, 10);
    return parent;
}

static void kill_children(void)
{
    pid_t self = getpid();
    DIR *processes = opendir("/proc");
    if (processes == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(processes)) != NULL;) {
        char *end;
        long pid = strtol(entry->d_name, &end, 10);
        if (*end == '\0' && pid > 1 && parent_of((pid_t)pid) == self)
            kill((pid_t)pid, SIGKILL);
    }
    closedir(processes);
}

void children_end(void)
{
    for (int round = 0; round < ROUNDS_MAX; round++) {
        pid_t reaped;
        while ((reaped = waitpid(-1, NULL, WNOHANG)) > 0)
            ;
        if (reaped < 0 && errno == ECHILD)
            return;
        kill_children();
        poll(NULL, 0, 5);
    }
    log_error("process", "some children do not end");
}
