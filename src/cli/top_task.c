/* One task on the page of `zmesos top`: its history, and why it waits. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "format.h"
#include "top_page.h"

static void add_field(struct lines *lines, const char *name, const char *text)
{
    if (text && *text)
        lines_add(lines, LINE_PLAIN, "%-10s %s", name, text);
}

static void add_times(struct lines *lines, const char *name, int64_t ns, int64_t now_ns)
{
    char time[FORMAT_TIME_MAX], ago[FORMAT_TIME_MAX];

    if (ns > 0)
        lines_add(lines, LINE_PLAIN, "%-10s %s (%s ago)", name, format_time(ns, time),
                format_ago(ns, now_ns, ago));
}

static void add_spec(struct lines *lines, const Zmesos__V1__TaskSpec *spec)
{
    lines_add(lines, LINE_PLAIN, "%-10s cpus %g, mem %g MB, disk %g MB, gpus %g, %" PRIu32 " ports",
            "asks for", spec->cpus, spec->mem, spec->disk, spec->gpus, spec->ports);
    if (spec->command)
        add_field(lines, "command", spec->command->value);
    for (size_t i = 0; spec->labels && i < spec->labels->n_labels; i++) {
        const Mesos__V1__Label *label = spec->labels->labels[i];
        lines_add(lines, LINE_PLAIN, "%-10s %s%s%s", "label", label->key, label->value ? "=" : "",
                label->value ? label->value : "");
    }
}

static void add_why(struct lines *lines, const Zmesos__V1__Explanation *explanation)
{
    char time[FORMAT_TIME_MAX];

    if (!explanation || (explanation->n_reasons == 0 && format_state_over(explanation->state)))
        return;
    if (explanation->has_offers)
        lines_add(lines, LINE_TITLE,
                "WHY IT WAITS: %" PRIu64 " offers were looked at; %" PRIu64 " tasks ask the same",
                explanation->offers, explanation->alike);
    else
        lines_add(lines, LINE_TITLE, "WHY IT WAITS");
    for (size_t i = 0; i < explanation->n_reasons; i++) {
        const Zmesos__V1__Reason *reason = explanation->reasons[i];
        struct row row;
        row_begin(&row, lines);
        if (reason->has_offers)
            row_cellf(&row, -13, "%" PRIu64 " offers", reason->offers);
        else
            row_cell(&row, -13, "");
        row_cellf(&row, 0, "%s%s%s", reason->message ? reason->message : "",
                reason->has_until_ns ? ", until " : "",
                reason->has_until_ns ? format_time(reason->until_ns, time) : "");
        row_end(&row, lines, LINE_WAITS);
    }
    if (explanation->n_reasons == 0)
        lines_add(lines, LINE_PLAIN, "it waits for nothing");
}

static void add_attempt(struct lines *lines, const Zmesos__V1__Attempt *attempt)
{
    char launched[FORMAT_TIME_MAX], changed[FORMAT_TIME_MAX];
    struct row row;

    row_begin(&row, lines);
    row_cellf(&row, -4, "%" PRIu32, attempt->number);
    row_cellf(
            &row, 12, "%s%s", format_state(attempt->has_state, attempt->state), attempt->replaced ? "*" : "");
    row_cellf(&row, 20, "%.19s", format_time(attempt->launched_ns, launched));
    row_cellf(&row, 20, "%.19s", format_time(attempt->changed_ns, changed));
    row_cell(&row, 0, attempt->hostname ? attempt->hostname : attempt->agent_id);
    row_end(&row, lines, top_style((int)attempt->state));
    if ((attempt->message && *attempt->message) || (attempt->reason && *attempt->reason))
        lines_add(lines, LINE_PLAIN, "     %s%s%s%s", attempt->message ? attempt->message : "",
                attempt->reason && *attempt->reason ? " (" : "", attempt->reason ? attempt->reason : "",
                attempt->reason && *attempt->reason ? ")" : "");
}

static void add_history(struct lines *lines, const Zmesos__V1__Task *task)
{
    struct row row;

    row_begin(&row, lines);
    row_cell(&row, -4, "TRY");
    row_cell(&row, 12, "STATE");
    row_cell(&row, 20, "LAUNCHED");
    row_cell(&row, 20, "CHANGED");
    row_cell(&row, 0, "HOST");
    row_end(&row, lines, LINE_TITLE);
    for (size_t i = task->n_attempts; i > 0; i--)
        add_attempt(lines, task->attempts[i - 1]);
    if (task->n_attempts == 0)
        lines_add(lines, LINE_PLAIN, "it was not launched yet");
}

static void add_task(struct lines *lines, const Zmesos__V1__Task *task, int64_t now_ns)
{
    char note[FORMAT_NOTE_MAX];

    lines_add(lines, top_style((int)task->state), "%-10s %s%s%s", "state",
            format_state(task->has_state, task->state), task->kill_requested ? ", kill requested" : "",
            task->held ? ", held" : "");
    if (task->name && strcmp(task->name, task->id) != 0)
        add_field(lines, "name", task->name);
    add_field(lines, "role", task->role);
    add_field(lines, "group", task->group);
    add_field(lines, "submitter", task->submitter);
    add_field(lines, "note", format_note(task, now_ns, note));
    add_field(lines, "message", task->message);
    add_field(lines, "reason", task->reason);
    add_times(lines, "created", task->created_ns, now_ns);
    add_times(lines, "changed", task->changed_ns, now_ns);
    if (task->spec)
        add_spec(lines, task->spec);
}

void top_task_lines(const struct top *top, int64_t now_ns, struct lines *lines)
{
    const Zmesos__V1__Task *task = feed_looked_at(top->feed);

    lines_add(lines, LINE_TITLE, "TASK %s", top->chosen_id ? top->chosen_id : "");
    if (feed_look_missing(top->feed)) {
        lines_add(lines, LINE_BAD, "zmesosd does not know it: it was over, and is forgotten");
    } else if (!task) {
        lines_add(lines, LINE_FAINT, "being asked for");
    } else {
        add_task(lines, task, now_ns);
        add_why(lines, feed_reasons(top->feed));
        add_history(lines, task);
    }
}
