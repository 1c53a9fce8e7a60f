/* zmesos task: all that the daemon knows of one task. */
#include <inttypes.h>
#include <stdio.h>

#include "ask.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/decimal.h"
#include "consumer.h"
#include "duration.h"
#include "format.h"
#include "retry.h"
#include "table.h"

static const char help[] =
        "usage: zmesos task [OPTION...] ID\n"
        "\n"
        "Prints what the daemon knows of a task: its state, what it asked for, each attempt.\n"
        "Exits with 1 when there is no such task.\n"
        "\n" SETTINGS_HELP;

static const char *const headers[] = {
        "TRY", "STATE", "HOST", "AGENT", "PORTS", "LAUNCHED", "REASON", "MESSAGE"};

static void print_field(const char *name, const char *text)
{
    char clean[4096];

    if (text && *text)
        printf("%-10s %s\n", name, format_clean(text, clean, sizeof clean));
}

static void print_time(const char *name, int64_t ns, int64_t now_ns)
{
    char time[FORMAT_TIME_MAX], ago[FORMAT_TIME_MAX];

    if (ns > 0)
        printf("%-10s %s (%s ago)\n", name, format_time(ns, time), format_ago(ns, now_ns, ago));
}

static void append_amount(struct buf *line, const char *name, bool has, double value)
{
    char text[MILLI_TEXT_MAX];
    milli_t milli;

    if (!has || milli_from_double(value, &milli) < 0)
        return;
    if (buf_printf(line, "%s%s %s", line->length ? ", " : "", name, milli_format(milli, text)) < 0)
        return; /* there is no limit that could be reached */
}

/* The shell's line, or the words of argv. */
static void print_command(const Mesos__V1__CommandInfo *command)
{
    bool words = command->has_shell && !command->shell && command->n_arguments;
    struct buf line;
    size_t i;
    int rc = 0;

    if (!words) {
        print_field("command", command->value);
        return;
    }
    buf_init(&line, 0);
    for (i = 0; rc == 0 && i < command->n_arguments; i++)
        rc = buf_printf(&line, "%s%s", i ? " " : "", command->arguments[i]);
    if (rc == 0 && buf_append(&line, "", 1) == 0)
        print_field("command", (const char *)line.data);
    buf_clear(&line);
}

static void print_spec(const Zmesos__V1__TaskSpec *spec)
{
    struct buf line;
    size_t i;

    buf_init(&line, 0);
    append_amount(&line, "cpus", spec->has_cpus, spec->cpus);
    append_amount(&line, "mem", spec->has_mem, spec->mem);
    append_amount(&line, "disk", spec->has_disk, spec->disk);
    append_amount(&line, "gpus", spec->has_gpus, spec->gpus);
    append_amount(&line, "ports", spec->has_ports, spec->ports);
    if (line.length)
        printf("%-10s %.*s\n", "asks for", (int)line.length, (const char *)line.data);
    buf_clear(&line);
    if (spec->has_priority)
        printf("%-10s %" PRId32 "\n", "priority", spec->priority);
    if (spec->command)
        print_command(spec->command);
    for (i = 0; spec->labels && i < spec->labels->n_labels; i++) {
        const Mesos__V1__Label *label = spec->labels->labels[i];

        if (buf_printf(&line, "%s%s%s", label->key, label->value ? "=" : "",
                    label->value ? label->value : "") == 0 &&
                buf_append(&line, "", 1) == 0)
            print_field("label", (const char *)line.data);
        buf_clear(&line);
    }
}

static void print_retries(const Zmesos__V1__TaskSpec *spec)
{
    char text[RETRY_TEXT_MAX], consumer[CONSUMER_TEXT_MAX], duration[DURATION_TEXT_MAX];

    if (spec->retry)
        print_field("retries", retry_describe(spec->retry, text));
    if (spec->consumer)
        print_field("consumer", consumer_describe(spec->consumer, consumer));
    if (spec->launch_timeout)
        printf("%-10s %s to start\n", "has", duration_format(spec->launch_timeout->nanoseconds, duration));
}

/* What the last attempt's check said last. */
static void print_check(const Mesos__V1__CheckStatusInfo *status)
{
    if (status && status->command && status->command->has_exit_code)
        printf("%-10s exit code %" PRId32 "\n", "check", status->command->exit_code);
    else if (status && status->http && status->http->has_status_code)
        printf("%-10s HTTP status %" PRIu32 "\n", "check", status->http->status_code);
    else if (status && status->tcp && status->tcp->has_succeeded)
        printf("%-10s the port %s\n", "check", status->tcp->succeeded ? "is open" : "does not answer");
}

static void print_attempts(const Zmesos__V1__Task *task)
{
    struct table table;
    size_t i, j;

    table_init(&table, headers, sizeof headers / sizeof *headers);
    for (i = 0; i < task->n_attempts; i++) {
        const Zmesos__V1__Attempt *attempt = task->attempts[i];
        char number[16], time[FORMAT_TIME_MAX], status[64];
        struct buf ports;
        int rc = 0;

        buf_init(&ports, 0);
        for (j = 0; rc == 0 && j < attempt->n_ports; j++)
            rc = buf_printf(&ports, "%s%" PRIu32, j ? " " : "", attempt->ports[j]);
        if (rc == 0 && buf_append(&ports, "", 1) == 0) {
            const char *cells[] = {number, status, attempt->hostname, attempt->agent_id,
                    (const char *)ports.data, format_time(attempt->launched_ns, time), attempt->reason,
                    attempt->message};

            snprintf(number, sizeof number, "%" PRIu32, attempt->number);
            snprintf(status, sizeof status, "%s%s%s%s", format_state(attempt->has_state, attempt->state),
                    attempt->replaced ? ", replaced" : "",
                    attempt->has_unconfirmed_since_ns ? ", unconfirmed" : "",
                    !attempt->has_healthy ? ""
                    : attempt->healthy    ? ", healthy"
                                          : ", unhealthy");
            table_row(&table, cells);
        }
        buf_clear(&ports);
    }
    if (table.rows)
        putchar('\n');
    table_print(&table, stdout);
    table_clear(&table);
}

static void print_task(const struct settings *settings, const Zmesos__V1__Task *task)
{
    int64_t now_ns = clock_read().wall_ns;
    char time[FORMAT_TIME_MAX], until[FORMAT_TIME_MAX];

    if (settings->json) {
        settings_print_json(settings, &task->base);
        return;
    }
    print_field("task", task->id);
    print_field("name", task->name);
    if (task->adopted)
        print_field("adopted", "was found running in Mesos; what it asked for is not known");
    print_field("role", task->role);
    print_field("submitter", task->submitter);
    print_field("group", task->group);
    print_field("state", format_state(task->has_state, task->state));
    if (task->held)
        print_field("held", "since a backup was restored; see zmesos release");
    if (task->state == ZMESOS__V1__TASK_STATE__QUEUED && task->retry_ns > 0)
        printf("%-10s %s (%s)\n", "next try", format_time(task->retry_ns, time),
                format_until(task->retry_ns, now_ns, until));
    print_field("message", task->message);
    print_field("reason", task->reason);
    if (task->kill_requested)
        print_field("kill", "requested");
    print_time("created", task->created_ns, now_ns);
    print_time("changed", task->changed_ns, now_ns);
    if (task->spec) {
        print_spec(task->spec);
        print_retries(task->spec);
    }
    if (task->n_attempts > 0)
        print_check(task->attempts[task->n_attempts - 1]->check_status);
    print_attempts(task);
}

static int get_task(const struct settings *settings, char *id)
{
    Zmesos__V1__Request request = ZMESOS__V1__REQUEST__INIT;
    Zmesos__V1__Get get = ZMESOS__V1__GET__INIT;
    Zmesos__V1__Reply *reply;
    int rc;

    get.n_task_ids = 1;
    get.task_ids = &id;
    get.has_with_spec = get.with_spec = 1;
    request.operation_case = ZMESOS__V1__REQUEST__OPERATION_GET;
    request.get = &get;
    rc = ask(settings, NULL, ASK_REPEAT, &request, ZMESOS__V1__REPLY__RESULT_TASKS, &reply);
    if (rc != CLI_OK)
        return rc;
    if (reply->tasks->n_tasks) {
        print_task(settings, reply->tasks->tasks[0]);
    } else {
        settings_say(settings, "there is no task %s", id);
        rc = CLI_FAILED;
    }
    ask_free(reply);
    return rc;
}

static int run(struct settings *settings, int argc, char **argv)
{
    static const struct option options[] = {SETTINGS_OPTIONS};
    int option, rc;

    while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if ((rc = settings_option(settings, option, argv)) != CLI_GO_ON)
            return rc;
    }
    if (argc - optind != 1)
        return settings_usage(settings, "which task? one id");
    return get_task(settings, argv[optind]);
}

const struct command command_task = {.name = "task", .summary = "show one task", .help = help, .run = run};
