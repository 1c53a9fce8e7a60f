/* zmesos run: launches one task, follows it, and ends as it ended. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "base/clock.h"
#include "follow.h"
#include "format.h"
#include "launch.h"

static const char help[] = "usage: zmesos run [OPTION...] [--] LINE\n"
                           "       zmesos run [OPTION...] [--] PROGRAM ARGUMENT...\n"
                           "       zmesos run [OPTION...] --file FILE\n"
                           "\n"
                           "Launches a task, prints its states to standard error until it is over, and exits "
                           "with its exit code where\n"
                           "Mesos tells it (128 and the signal's number for a signal), else with 0 if it "
                           "finished and 1 if not.\n"
                           "A task that has attempts left is not over: it is followed through all of them.\n"
                           "Ctrl-C asks to end the task and waits for that; a second Ctrl-C leaves it.\n"
                           "\n" SPEC_HELP "  --file FILE          the task as JSON; - is standard input\n"
                           "\n" SETTINGS_HELP;

struct running {
    const struct settings *settings;
    const char *id;
    bool refused, missing, killing;
    int code; /* to exit with */
};

static void take_item(void *context, const Zmesos__V1__TaskSpec *task, const Zmesos__V1__Item *item)
{
    struct running *running = context;
    const char *field = item->field ? item->field : "";

    (void)task;
    if (launch_taken(item)) {
        if (item->known)
            settings_say(running->settings, "%s was launched before; following it", running->id);
        return;
    }
    running->refused = true;
    settings_say(running->settings, "%s: %s%s%s", format_code(item->has_code, item->code), field,
            *field ? ": " : "", item->message ? item->message : "refused");
}

static void print_task(const struct settings *settings, const Zmesos__V1__Task *task)
{
    uint32_t number = task->n_attempts ? task->attempts[task->n_attempts - 1]->number : 0;
    const char *host = format_host(task);
    const char *message = task->message ? task->message : "";
    char time[FORMAT_TIME_MAX], note[FORMAT_NOTE_MAX], attempt[32] = "";

    if (settings->json) {
        settings_print_json(settings, &task->base);
        fflush(stdout);
        return;
    }
    /* the daemon's words tell of the next try by themselves */
    format_note(task, clock_read().wall_ns, note);
    if (*message && !task->held)
        *note = 0;
    if (number > 1 && *host)
        snprintf(attempt, sizeof attempt, ", attempt %" PRIu32, number);
    settings_say(settings, "%s %s %s%s%s%s%s%s%s%s", format_time(task->changed_ns, time), task->id,
            format_state(task->has_state, task->state), *host ? " on " : "", host, attempt, *note ? ", " : "",
            note, *message ? ": " : "", message);
}

static void handle_changed(void *context, const Zmesos__V1__Task *task)
{
    struct running *running = context;

    print_task(running->settings, task);
    if (!format_state_over(task->state) || format_exit_code(task->message, &running->code))
        return;
    running->code = task->state == ZMESOS__V1__TASK_STATE__FINISHED ? CLI_OK : CLI_FAILED;
}

static void handle_missing(void *context, const char *id)
{
    struct running *running = context;

    settings_say(running->settings, "the daemon does not know %s any more", id);
    running->code = CLI_FAILED;
}

static bool handle_interrupt(void *context, int signal)
{
    struct running *running = context;

    if (running->killing) {
        running->code = 128 + signal;
        settings_say(running->settings, "leaving; %s was asked to end", running->id);
        return false;
    }
    running->killing = true;
    settings_say(running->settings, "asking %s to end; again to leave it", running->id);
    return true;
}

/* libzmq blocks them in its own threads. */
static void block_signals(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
}

static int launch_and_follow(const struct launch *launch, struct running *running)
{
    const struct settings *settings = running->settings;
    struct follow_callbacks callbacks = {.context = running,
            .changed = handle_changed,
            .missing = handle_missing,
            .interrupted = handle_interrupt};
    struct client *client = NULL;
    struct follow *follow = NULL;
    struct error err;
    int rc;

    rc = client_create(settings, &client, &err);
    if (rc == 0)
        rc = follow_create(settings, client, &launch->tasks[0]->id, 1, &callbacks, &follow, &err);
    if (rc < 0) {
        rc = settings_fail(settings, rc, &err);
        goto out;
    }
    rc = launch_send(launch, settings, client, take_item, running);
    if (rc != CLI_GO_ON)
        goto out;
    if (running->refused) {
        rc = CLI_FAILED;
        goto out;
    }
    /* from here on a signal means the task; before, it ends the program */
    block_signals();
    rc = follow_signals(follow, &err);
    if (rc == 0)
        rc = follow_run(follow, &err);
    rc = rc < 0 ? settings_fail(settings, rc, &err) : running->code;
out:
    follow_destroy(follow);
    client_destroy(client);
    return rc;
}

static int run(struct settings *settings, int argc, char **argv)
{
    struct launch launch;
    struct running running = {.settings = settings, .code = CLI_FAILED};
    int rc = launch_read(&launch, settings, argc, argv);

    if (rc != CLI_GO_ON)
        goto out;
    if (launch.count != 1 || !launch.tasks[0]->id) {
        rc = settings_usage(settings, "the file must hold one task, with an id");
        goto out;
    }
    running.id = launch.tasks[0]->id;
    rc = launch_and_follow(&launch, &running);
out:
    launch_clear(&launch);
    return rc;
}

const struct command command_run = {
        .name = "run", .summary = "launch one task and follow it to its end", .help = help, .run = run};
