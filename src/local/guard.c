/* See guard.h. A worker killed by SIGKILL leaves its tasks' processes, whatever groups and sessions they are
 * in, to the guard, which kills them; a guard killed by SIGKILL ends the worker by SIGTERM, which ends them.
 */
#include "guard.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process.h"

static sigset_t waited_for(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    return set;
}

/* Ignored ones, as some parents leave them, would never come. Before the fork, and only there: to set SIG_DFL
 * throws a SIGCHLD away that is pending, and the worker may be over at once. */
static void block(void)
{
    sigset_t set = waited_for();
    signal(SIGCHLD, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

pid_t guard_split(void)
{
    pid_t guard = getpid();
    block();
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
        return -errno;
    pid_t worker = fork();
    if (worker < 0)
        return -errno;
    if (worker > 0)
        return worker;
    /* A terminal's SIGINT is for the guard, which passes it on. */
    setpgid(0, 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != guard)
        raise(SIGTERM); /* blocked: the worker's loop reads it */
    return 0;
}

int guard_wait(pid_t worker)
{
    sigset_t set = waited_for();
    for (;;) {
        int status;
        int number = sigwaitinfo(&set, NULL);
        if (number == SIGTERM || number == SIGINT)
            kill(worker, SIGTERM);
        if (number != SIGCHLD)
            continue;
        if (waitpid(worker, &status, WNOHANG) != worker)
            continue;
        children_end();
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path) != 0 && errno != ENOENT ? -1 : 0;
}

void guard_remove(const char *directory)
{
    nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
