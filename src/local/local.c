/* The world's beginning, its turns and its end. */
#include "run_local.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"

#include "parts.h"
#include "process.h"

void local_uuid_bytes(struct local *local, uint8_t out[16])
{
    if (local->random_left < 16) {
        random_bytes(local->random, sizeof(local->random));
        local->random_left = sizeof(local->random);
    }
    local->random_left -= 16;
    memcpy(out, local->random + local->random_left, 16);
    out[6] = (uint8_t)((out[6] & 0x0f) | 0x40);
    out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
}

void local_uuid(struct local *local, char out[TEXT_UUID_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[16];
    char *at = out;
    local_uuid_bytes(local, bytes);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = digits[bytes[i] >> 4];
        *at++ = digits[bytes[i] & 15];
    }
    *at = '\0';
}

static void signalled(struct watch *watch, uint32_t events)
{
    struct local *local = (struct local *)(void *)((char *)watch - offsetof(struct local, signals));
    struct signalfd_siginfo info;
    (void)events;
    while (read(watch->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGCHLD)
            processes_reap(local);
        else
            local->stop = true;
    }
}

static int watch_signals(struct local *local, struct error *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return error_set_errno(err, errno, "signalfd");
    local->signals.ready = signalled;
    int code = loop_watch(&local->loop, &local->signals, fd, EPOLLIN, err);
    if (code != 0)
        close(fd);
    return code;
}

/* All the empty containers, so that local_clear can be called however far the rest got. */
static void init_empty(struct local *local, const struct options *options, const char *work_dir)
{
    *local = (struct local){.options = options, .signals = {.fd = -1}};
    local->work_dir = alloc_string(work_dir);
    map_init(&local->frameworks, 0x6672616d, 0x65);
    map_init(&local->offers, 0x6f666665, 0x72);
    map_init(&local->agents_by_id, 0x6167656e, 0x74);
    map_init(&local->processes, 0x70726f63, 0x65);
    list_init(&local->roles);
    resource_kinds_init(&local->kinds);
    local_uuid(local, local->master_id);
    local->calls = state_log_create();
    local->faults = faults_create(local);
}

/* Tasks go first, while the processes that they point to are there. */
static void drop_all(struct local *local)
{
    struct framework *framework;
    size_t at = 0;
    while ((framework = map_next(&local->frameworks, &at)) != NULL)
        framework->stream = NULL; /* http_destroy has freed it */
    executors_forget_streams(local);
    for (size_t i = 0; i < local->agent_count; i++)
        agent_drop_tasks(local->agents[i]);
    for (at = 0; (framework = map_next(&local->frameworks, &at)) != NULL; at = 0)
        framework_remove(framework);
}

static void local_clear(struct local *local)
{
    http_destroy(local->http);
    drop_all(local);
    processes_destroy(local);
    faults_destroy(local->faults);
    agents_destroy(local);
    for (size_t i = 0; i < MASTER_REMOVED_MAX; i++)
        free(local->removed[i]);
    credentials_destroy(local->credentials);
    state_log_destroy(local->calls);
    map_clear(&local->frameworks);
    map_clear(&local->offers);
    resource_kinds_clear(&local->kinds);
    if (local->signals.fd >= 0) {
        int fd = local->signals.fd;
        loop_unwatch(&local->loop, &local->signals);
        close(fd);
    }
    loop_clear(&local->loop);
    free(local->work_dir);
}

static int turn(struct local *local, struct error *err)
{
    http_run(local->http);
    if (local->allocate_soon)
        allocator_run(local);
    return loop_turn(&local->loop, http_wait_ms(local->http), err);
}

/* What may be wrong in what the user gave: told before anybody is listened to. */
static int start(struct local *local, struct error *err)
{
    int code = 0;
    if (local->options->credentials != NULL)
        code = credentials_read(local->options->credentials, &local->credentials, err);
    return code != 0 ? code : agents_create(local, err);
}

int run_local(const struct options *options, const char *work_dir)
{
    struct local local;
    struct error err;
    int exit_code = 1;
    struct loop loop;
    if (loop_init(&loop, &err) != 0) {
        fprintf(stderr, "zmesos-local: %s\n", err.text);
        return 1;
    }
    init_empty(&local, options, work_dir);
    local.loop = loop;
    if (start(&local, &err) != 0) {
        exit_code = 2;
        goto out;
    }
    int code = watch_signals(&local, &err);
    if (code == 0)
        code = http_create(
                &local.loop, options->ip, options->port, api_handle, &local, &local.http, &local.port, &err);
    if (code != 0) {
        exit_code = code == ERR_INVALID ? 2 : 1;
        goto out;
    }
    printf("listening on %s:%u\n", options->ip, local.port);
    fflush(stdout);
    allocator_start(&local);
    while (code == 0 && !local.stop)
        code = turn(&local, &err);
    exit_code = code == 0 ? 0 : 1;
out:
    if (exit_code != 0)
        fprintf(stderr, "zmesos-local: %s\n", err.text);
    local_clear(&local);
    return exit_code;
}
