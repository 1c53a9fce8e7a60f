/* Watching tasks until they are over. See follow.h. */
#include "follow.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/text.h"
#include "format.h"

#define ASK_ITEMS_MAX 1000 /* tasks in one request */
#define ASK_INTERVAL_MS 10000
#define PREFIXES_MAX 100 /* above, all task events are taken */
#define TURN_MAX 1000    /* events read before others get their turn */

struct followed {
    char *id;
    Zmesos__V1__TaskState state; /* told last; 0: none */
    uint32_t attempt;            /* the last one then */
    uint64_t revision;
    bool over; /* or missing */
};

struct follow {
    const struct settings *settings;
    struct client *client;
    struct follow_callbacks callbacks;
    struct events events;
    int signal_fd; /* -1: none */
    struct followed *tasks;
    size_t count, open; /* open: not over */
    struct map by_id;

    bool synced;       /* the subscriptions are in effect */
    bool kill_wanted;  /* is to be sent */
    bool waiting;      /* a request is out */
    bool silent;       /* it was told that the daemon does not answer */
    size_t ask_at;     /* next task to ask for */
    int64_t ask_ms;    /* when the next round begins */
    int64_t resend_ms; /* when the request that is out is sent again */
};

int follow_create(const struct settings *settings, struct client *client, char *const *ids, size_t count,
        const struct follow_callbacks *callbacks, struct follow **out, struct error *err)
{
    struct follow *follow = alloc_zeroed(1, sizeof *follow);
    uint64_t seed[2];
    size_t i;
    int rc;

    follow->settings = settings;
    follow->client = client;
    follow->callbacks = *callbacks;
    if (!follow->callbacks.ask_ms)
        follow->callbacks.ask_ms = ASK_INTERVAL_MS;
    follow->signal_fd = -1;
    follow->tasks = alloc_zeroed(count, sizeof *follow->tasks);
    random_bytes(seed, sizeof seed);
    map_init(&follow->by_id, seed[0], seed[1]);
    for (i = 0; i < count; i++) {
        struct followed *task = &follow->tasks[follow->count];

        if (map_get_string(&follow->by_id, ids[i]))
            continue;
        task->id = alloc_string(ids[i]);
        map_put(&follow->by_id, slice_of_string(task->id), task);
        follow->count++;
    }
    follow->open = follow->count;
    rc = events_open(&follow->events, settings, err);
    if (rc < 0)
        goto out;
    if (follow->count > PREFIXES_MAX)
        rc = events_subscribe(&follow->events, "task/", err);
    for (i = 0; rc == 0 && follow->count <= PREFIXES_MAX && i < follow->count; i++) {
        char *prefix = alloc_bytes(strlen(follow->tasks[i].id) + 7);

        stpcpy(stpcpy(stpcpy(prefix, "task/"), follow->tasks[i].id), "/");
        rc = events_subscribe(&follow->events, prefix, err);
        free(prefix);
    }
    if (rc == 0)
        rc = events_subscribe(&follow->events, EVENTS_HEARTBEAT, err);
    if (rc < 0)
        goto out;
    *out = follow;
    follow = NULL;
out:
    follow_destroy(follow);
    return rc;
}

void follow_destroy(struct follow *follow)
{
    size_t i;

    if (!follow)
        return;
    events_close(&follow->events);
    if (follow->signal_fd >= 0)
        close(follow->signal_fd);
    map_clear(&follow->by_id);
    for (i = 0; i < follow->count; i++)
        free(follow->tasks[i].id);
    free(follow->tasks);
    free(follow);
}

static void end_task(struct follow *follow, struct followed *task)
{
    if (!task->over) {
        task->over = true;
        follow->open--;
    }
}

int follow_signals(struct follow *follow, struct error *err)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    follow->signal_fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    if (follow->signal_fd < 0)
        return error_set_errno(err, errno, "cannot wait for signals");
    return 0;
}

/* Events and answers overtake each other: only what is newer counts. */
static void take_task(struct follow *follow, const Zmesos__V1__Task *state)
{
    struct followed *task = state->id ? map_get_string(&follow->by_id, state->id) : NULL;
    uint32_t attempt = state->n_attempts ? state->attempts[state->n_attempts - 1]->number : 0;

    if (!task || task->over || !state->has_state || (task->revision && state->revision <= task->revision))
        return;
    task->revision = state->revision;
    if (task->state != state->state || task->attempt < attempt) {
        task->state = state->state;
        task->attempt = attempt;
        follow->callbacks.changed(follow->callbacks.context, state);
    }
    if (format_state_over(state->state))
        end_task(follow, task);
}

static void take_missing(struct follow *follow, const char *id)
{
    struct followed *task = map_get_string(&follow->by_id, id);

    if (!task || task->over)
        return;
    follow->callbacks.missing(follow->callbacks.context, id);
    end_task(follow, task);
}

static int handle_events(struct follow *follow, struct error *err)
{
    struct event event;
    Zmesos__V1__Task *task;
    int count, rc;

    for (count = 0; count < TURN_MAX; count++) {
        rc = events_receive(&follow->events, &event, err);
        if (rc <= 0)
            return rc;
        task = event_task(&event);
        if (task) {
            take_task(follow, task);
            zmesos__v1__task__free_unpacked(task, NULL);
        } else if (!follow->synced) {
            /* a heartbeat: what comes from now on is not missed; ask for what was before */
            follow->synced = true;
            follow->ask_ms = 0;
            follow->ask_at = 0;
        }
        event_clear(&event);
    }
    return 0;
}

static void begin_waiting(struct follow *follow, int64_t now)
{
    follow->waiting = true;
    follow->resend_ms = now + follow->settings->timeout_ms;
}

/* Collects the next ids that are not over. Returns how many. */
static size_t open_ids(struct follow *follow, size_t *at, char **ids, size_t max)
{
    size_t count = 0;

    for (; *at < follow->count && count < max; (*at)++) {
        if (!follow->tasks[*at].over)
            ids[count++] = follow->tasks[*at].id;
    }
    return count;
}

static int send_get(struct follow *follow, int64_t now, struct error *err)
{
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__Get get = ZMESOS__V1__GET__INIT;
    char *ids[ASK_ITEMS_MAX];

    get.n_task_ids = open_ids(follow, &follow->ask_at, ids, ASK_ITEMS_MAX);
    if (follow->ask_at >= follow->count) {
        follow->ask_at = 0;
        follow->ask_ms = now + follow->callbacks.ask_ms;
    }
    if (!get.n_task_ids)
        return 0;
    get.task_ids = ids;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_GET;
    request.get = &get;
    begin_waiting(follow, now);
    return client_send(follow->client, &request, err);
}

static int send_kill(struct follow *follow, int64_t now, struct error *err)
{
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__Kill kill = ZMESOS__V1__KILL__INIT;
    char *ids[ASK_ITEMS_MAX];
    size_t at = 0;

    kill.n_task_ids = open_ids(follow, &at, ids, ASK_ITEMS_MAX);
    kill.task_ids = ids;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_KILL;
    request.kill = &kill;
    follow->kill_wanted = false;
    begin_waiting(follow, now);
    return client_send(follow->client, &request, err);
}

static void take_reply(struct follow *follow, const Zmesos__V1__Reply *reply)
{
    size_t i;

    if (settings_refused(follow->settings, reply) != CLI_OK ||
            reply->result_case != ZMESOS__V1__REPLY__RESULT_TASKS)
        return;
    for (i = 0; i < reply->tasks->n_tasks; i++)
        take_task(follow, reply->tasks->tasks[i]);
    for (i = 0; i < reply->tasks->n_missing; i++)
        take_missing(follow, reply->tasks->missing[i]);
}

static int handle_reply(struct follow *follow, struct error *err)
{
    Zmesos__V1__Reply *reply;
    int rc = client_receive(follow->client, &reply, err);

    if (rc <= 0)
        return rc;
    follow->waiting = false;
    if (follow->silent)
        settings_say(follow->settings, "the daemon answers again");
    follow->silent = false;
    take_reply(follow, reply);
    zmesos__v1__reply__free_unpacked(reply, NULL);
    return 0;
}

/* 1 when following shall end. */
static int handle_signals(struct follow *follow)
{
    struct signalfd_siginfo info;

    while (follow->signal_fd >= 0 && read(follow->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (!follow->callbacks.interrupted(follow->callbacks.context, (int)info.ssi_signo))
            return 1;
        follow->kill_wanted = true;
    }
    return 0;
}

/* Sends what is due. */
static int send_due(struct follow *follow, int64_t now, struct error *err)
{
    /* a question that is out may be forgotten for this */
    if (follow->kill_wanted)
        return send_kill(follow, now, err);
    if (follow->waiting) {
        if (now < follow->resend_ms)
            return 0;
        if (!follow->silent)
            settings_say(follow->settings, "the daemon at %s does not answer; waiting for it",
                    follow->settings->control);
        follow->silent = true;
        begin_waiting(follow, now);
        return client_resend(follow->client, err);
    }
    return now >= follow->ask_ms ? send_get(follow, now, err) : 0;
}

static int wait(struct follow *follow, int64_t now, struct error *err)
{
    zmq_pollitem_t items[4] = {
            {.socket = zmesos_events_socket(follow->events.library), .events = ZMQ_POLLIN},
            {.socket = zmesos_events_monitor(follow->events.library), .events = ZMQ_POLLIN},
            {.socket = client_socket(follow->client), .events = ZMQ_POLLIN},
            {.fd = follow->signal_fd, .events = ZMQ_POLLIN},
    };
    int64_t next = follow->waiting ? follow->resend_ms : follow->ask_ms;

    if (zmq_poll(items, follow->signal_fd >= 0 ? 4 : 3, next > now ? next - now : 0) < 0 && errno != EINTR)
        return error_set(err, ERR_IO, "cannot wait: %s", zmq_strerror(errno));
    return 0;
}

int follow_run(struct follow *follow, struct error *err)
{
    int rc = 0;

    while (rc == 0 && follow->open) {
        int64_t now = clock_read().mono_ms;

        if ((rc = handle_signals(follow)) || (rc = send_due(follow, now, err)) ||
                (rc = wait(follow, now, err)) || (rc = handle_events(follow, err)) ||
                (rc = handle_reply(follow, err)))
            break;
        if (zmesos_events_link(follow->events.library) == ZMESOS_LINK_LOST) {
            follow->synced = false;
        }
    }
    return rc;
}
