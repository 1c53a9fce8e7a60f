/* The loop. One thread decides; the store's thread waits for the disk (docs/architecture.md "The two paths").
 */
#include "daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/text.h"
#include "internal.h"

/* Past these no requests and no records are read until the disk has caught up to half. */
#define WAITING_BYTES_MAX ((size_t)16 << 20)
#define WAITING_PARCELS_MAX ((size_t)10000)
#define WAITING_CALLS_MAX ((size_t)10000)

enum { POLL_STORE, POLL_SIGNALS, POLL_MASTER, POLL_FRONT, POLL_COUNT = POLL_FRONT + FRONT_POLL_ITEMS };

static int open_signals(struct daemon *daemon, struct error *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    /* SIGXFSZ: a file that may not grow is an error of the store, with its line and exit status. */
    if (sigprocmask(SIG_BLOCK, &set, NULL) || signal(SIGPIPE, SIG_IGN) == SIG_ERR ||
            signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
        return error_set_errno(err, errno, "cannot set up signals");
    daemon->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return daemon->signals < 0 ? error_set_errno(err, errno, "cannot set up signals") : 0;
}

static int create_master(struct daemon *daemon, struct error *err)
{
    struct master_config config;
    master_config_init(&config);
    config.masters = daemon->options->masters;
    config.principal = daemon->options->secret ? daemon->options->principal : NULL;
    config.secret = daemon->options->secret;
    config.call_timeout_ms = daemon->options->call_timeout_ms;
    random_bytes(&config.jitter_seed, sizeof config.jitter_seed);
    struct master_callbacks callbacks = {.context = daemon,
            .subscribe = daemon_subscribe_call,
            .up = daemon_on_up,
            .record = daemon_on_record,
            .down = daemon_on_down,
            .answered = daemon_on_answered};
    return master_create(&config, &callbacks, &daemon->master, err);
}

static int create_front(struct daemon *daemon, struct error *err)
{
    struct front_config config;
    front_config_init(&config);
    config.control = daemon->options->control;
    config.pipeline = daemon->options->pipeline;
    config.events = daemon->options->events;
    config.events_json = daemon->options->events_json;
    config.events_hwm = (int)daemon->options->events_hwm;
    struct front_callbacks callbacks = {.context = daemon, .request = daemon_on_request};
    return front_create(&config, &callbacks, &daemon->front, err);
}

int daemon_create(const struct options *options, struct daemon **out, struct error *err)
{
    struct daemon *daemon = alloc_zeroed(1, sizeof *daemon);
    daemon->options = options;
    daemon->signals = -1;
    daemon->shortest_failover_ms = -1;
    daemon->up_ms = INT64_MAX;
    daemon->now = clock_read();
    daemon->started_ns = daemon->now.wall_ns;
    outbox_init(&daemon->outbox);
    recent_init(&daemon->recent, RECENT_BYTES_MAX);
    core_outputs_init(&daemon->outputs);
    int rc = open_signals(daemon, err);
    rc = rc ? rc
            : create_master(
                      daemon, err); /* what can be refused for its form comes before the state is touched */
    rc = rc ? rc : create_front(daemon, err);
    rc = rc ? rc : store_open(options->state, &daemon->store, err);
    rc = rc ? rc : daemon_recover(daemon, err);
    if (rc == 0) {
        store_keep_events(daemon->store, (uint64_t)options->keep_events);
        store_keep_events_bytes(daemon->store, (uint64_t)options->keep_events_bytes);
        store_keep_events_for(daemon->store, options->keep_events_ms * 1000000);
        rc = store_start(daemon->store, err);
    }
    if (rc) {
        daemon_destroy(daemon);
        return rc;
    }
    daemon->now = clock_read(); /* to read a large store takes its time */
    if (daemon->restored)
        daemon_restored(daemon);
    master_set_unaccounted(daemon->master, daemon->recent_starts);
    *out = daemon;
    return 0;
}

static void handle_signals(struct daemon *daemon)
{
    struct signalfd_siginfo info;
    while (read(daemon->signals, &info, sizeof info) == sizeof info) {
        log_info("daemon", "%s: stopping", strsignal((int)info.ssi_signo));
        daemon->stopping = true;
    }
}

static void judge_pressure(struct daemon *daemon)
{
    size_t parts = daemon->paused ? 2 : 1;
    bool disk = daemon->outbox.count > WAITING_PARCELS_MAX / parts ||
                daemon->outbox.bytes > WAITING_BYTES_MAX / parts ||
                store_waiting_bytes(daemon->store) > WAITING_BYTES_MAX / parts;
    bool high = disk || master_waiting_calls(daemon->master) > WAITING_CALLS_MAX / parts;
    if (high == daemon->paused)
        return;
    daemon->paused = high;
    if (high)
        log_debug("daemon", "waiting for %s: reading nothing", disk ? "the disk" : "the master's answers");
    else
        log_debug("daemon", "reading again");
    master_pause(daemon->master, high, daemon->now.mono_ms);
}

static long timeout_ms(const struct daemon *daemon, bool more)
{
    if (more)
        return 0;
    int64_t core = core_deadline(daemon->core), master = master_deadline(daemon->master);
    int64_t at = core < master ? core : master;
    if (at <= daemon->now.mono_ms)
        return 0;
    return at - daemon->now.mono_ms < 60000 ? (long)(at - daemon->now.mono_ms) : 60000;
}

/* One turn: wait, then everything that is ready, then hand over to the disk and release what it has. */
static bool turn(struct daemon *daemon, bool more)
{
    zmq_pollitem_t items[POLL_COUNT] = {
            [POLL_STORE] = {.fd = store_fd(daemon->store), .events = ZMQ_POLLIN},
            [POLL_SIGNALS] = {.fd = daemon->signals, .events = ZMQ_POLLIN},
            [POLL_MASTER] = {.fd = master_fd(daemon->master), .events = ZMQ_POLLIN},
    };
    int count = POLL_FRONT + front_poll_items(daemon->front, !daemon->paused, items + POLL_FRONT);
    daemon->now = clock_read();
    if (zmq_poll(items, count, timeout_ms(daemon, more)) < 0 && errno != EINTR)
        log_error("daemon", "zmq_poll: %s", zmq_strerror(errno));
    daemon->now = clock_read();
    if (items[POLL_SIGNALS].revents)
        handle_signals(daemon);
    if (items[POLL_STORE].revents) {
        store_handle(daemon->store);
        store_flush(
                daemon->store); /* groups are whole here: the disk need not wait for the rest of this turn */
        daemon_finish_backup(daemon);
        daemon_finish_replays(daemon);
    }
    daemon_release(daemon);
    bool left = front_handle(daemon->front, !daemon->paused);
    if (items[POLL_MASTER].revents || daemon->now.mono_ms >= master_deadline(daemon->master))
        master_handle(daemon->master, daemon->now.mono_ms);
    if (daemon->now.mono_ms >= core_deadline(daemon->core)) {
        struct core_input tick = {.kind = CORE_IN_TICK};
        daemon_input(daemon, &tick);
    }
    store_flush(daemon->store);
    daemon_release(daemon);
    judge_pressure(daemon);
    return left && !daemon->paused;
}

/* Whether the store has yet to do what somebody waits for. */
static bool is_owing(const struct daemon *daemon)
{
    return daemon->outbox.count > 0 || daemon->backup.running;
}

/* What was decided is committed and answered; tasks go on running without us. */
static void finish(struct daemon *daemon)
{
    daemon_abandon_backup(daemon);
    daemon_abandon_replays(daemon);
    while (is_owing(daemon)) {
        daemon_finish_backup(daemon);
        store_flush(daemon->store);
        daemon_release(daemon);
        zmq_pollitem_t item = {.fd = store_fd(daemon->store), .events = ZMQ_POLLIN};
        if (is_owing(daemon) && zmq_poll(&item, 1, 1000) > 0)
            store_handle(daemon->store);
    }
}

int daemon_run(struct daemon *daemon)
{
    char endpoints[1024];
    log_info("daemon", "%s", daemon_endpoints(daemon, endpoints, sizeof endpoints));
    struct core_input connecting = {.kind = CORE_IN_CONNECTING};
    daemon_input(daemon, &connecting);
    master_start(daemon->master, daemon->now.mono_ms);
    for (bool more = false; !daemon->stopping;)
        more = turn(daemon, more);
    finish(daemon);
    return daemon->exit_status;
}

const char *daemon_endpoints(const struct daemon *daemon, char *text, size_t size)
{
    const char *json = front_events_json_endpoint(daemon->front);
    snprintf(text, size, "control=%s pipeline=%s events=%s%s%s", front_control_endpoint(daemon->front),
            front_pipeline_endpoint(daemon->front), front_events_endpoint(daemon->front),
            json ? " events-json=" : "", json ? json : "");
    return text;
}

void daemon_destroy(struct daemon *daemon)
{
    if (!daemon)
        return;
    master_destroy(daemon->master);
    front_destroy(daemon->front);
    store_destroy(daemon->store);
    daemon_clear_replays(daemon);
    recent_clear(&daemon->recent);
    core_destroy(daemon->core);
    outbox_clear(&daemon->outbox);
    core_outputs_clear(&daemon->outputs);
    if (daemon->signals >= 0)
        close(daemon->signals);
    free(daemon->framework_id);
    free(daemon->starts);
    free(daemon->store_id);
    free(daemon->backup.id);
    free(daemon->backup.path);
    daemon_forget_downs(daemon);
    free(daemon);
}
