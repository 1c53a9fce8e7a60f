/* See process.h. vfork, because a fork would copy the page tables of all we know for each task; the child
 * shares our memory until it has started its program, so it does nothing but system calls. */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"

static int open_output(const char *path)
{
    if (path == NULL)
        return open("/dev/null", O_WRONLY | O_CLOEXEC);
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
}

/* In the child. Returns the error; does not return when the program starts. */
static int become(const struct process_spec *spec, pid_t parent, int in, int out, int err)
{
    sigset_t none;
    sigemptyset(&none);
    setsid();
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        return errno;
    if (getppid() != parent)
        return ESRCH;
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (chdir(spec->directory) != 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
        return errno;
    if (close_range(3, ~0u, 0) != 0)
        return errno;
    execvpe(spec->program, spec->arguments, spec->environment);
    return errno;
}

/* The child's pid, or a negative errno. A function of its own, so that vfork's child spoils no caller's
 * variables. */
static __attribute__((noinline)) pid_t spawn(const struct process_spec *spec, int in, int out, int err)
{
    volatile int failed = 0;
    pid_t parent = getpid();
    char **own = environ;
    environ = (char **)(uintptr_t)spec->environment; /* whose PATH execvpe() looks at */
    pid_t pid = vfork();
    if (pid == 0) {
        failed = become(spec, parent, in, out, err);
        _exit(127);
    }
    environ = own;
    if (pid < 0)
        return -errno;
    if (failed != 0) {
        waitpid(pid, NULL, 0);
        return -failed;
    }
    return pid;
}

static void kill_now(struct timer *timer)
{
    struct process *process = timer_owner(timer, struct process, kill);
    killpg(process->pid, SIGKILL);
}

int process_start(struct local *local, const struct process_spec *spec,
        void (*exited)(struct process *process, int status), void *owner, struct process **started,
        struct error *err)
{
    int code = 0;
    int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int out = open_output(spec->out);
    int errors = open_output(spec->err);
    if (in < 0 || out < 0 || errors < 0) {
        code = error_set_errno(err, errno, "cannot open the task's files");
        goto out;
    }
    pid_t pid = spawn(spec, in, out, errors);
    if (pid < 0) {
        code = error_set_errno(err, -pid, "cannot start '%s'", spec->program);
        goto out;
    }
    struct process *process = alloc_zeroed(1, sizeof(*process));
    process->local = local;
    process->pid = pid;
    process->exited = exited;
    process->owner = owner;
    process->kill.fire = kill_now;
    map_put(&local->processes, slice_of(&process->pid, sizeof(process->pid)), process);
    *started = process;
out:
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    if (errors >= 0)
        close(errors);
    return code;
}

void process_kill(struct process *process, int64_t grace_ms)
{
    killpg(process->pid, grace_ms > 0 ? SIGTERM : SIGKILL);
    if (grace_ms > 0)
        loop_start_timer(&process->local->loop, &process->kill, grace_ms);
}

void process_abandon(struct process *process)
{
    process->exited = NULL;
    process->owner = NULL;
}

static void process_free(struct process *process)
{
    loop_stop_timer(&process->local->loop, &process->kill);
    map_remove(&process->local->processes, slice_of(&process->pid, sizeof(process->pid)));
    free(process);
}

void processes_reap(struct local *local)
{
    for (;;) {
        siginfo_t info = {0};
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)
            return;
        pid_t pid = info.si_pid;
        struct process *process = map_get(&local->processes, slice_of(&pid, sizeof(pid)));
        if (process != NULL) /* its zombie still keeps the group's number from being used again */
            killpg(pid, SIGKILL);
        int status = 0;
        if (waitpid(pid, &status, 0) != pid)
            return;
        if (process == NULL)
            continue;
        if (process->exited != NULL)
            process->exited(process, status);
        process_free(process);
    }
}

void processes_destroy(struct local *local)
{
    struct process *process;
    size_t at = 0;
    children_end();
    while ((process = map_next(&local->processes, &at)) != NULL) {
        loop_stop_timer(&local->loop, &process->kill);
        free(process);
    }
    map_clear(&local->processes);
}
