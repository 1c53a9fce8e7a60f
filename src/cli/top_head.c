/* What stands above the parts of the page: the daemon, the master, counts, queues and rates. */
#include "top_page.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "format.h"

#define SILENT_MS 3000 /* without a heartbeat: there is one each second */
#define SHORT_S 10     /* of the two rates */

static bool is_silent(const struct top *top)
{
    int64_t heard = feed_heard_ms(top->feed);
    return heard == INT64_MIN || top->mono_ms - heard > SILENT_MS;
}

static void add_title(const struct top *top, int64_t now_ns, struct lines *lines)
{
    const Zmesos__V1__DaemonStatus *status = model_status(top->model);
    char time[FORMAT_TIME_MAX], right[FORMAT_TIME_MAX + 64];
    struct row row;

    format_time(now_ns, time);
    snprintf(right, sizeof right, "%s%.19s%s", feed_is_paused(top->feed) ? "PAUSED  " : "", time,
            now_ns > 0 ? "Z" : "");
    row_begin(&row, lines);
    row_cellf(&row, (int)lines->width - (int)strlen(right) - 1, "zmesos top: zmesosd %s at %s",
            status && status->version ? status->version : "?", top->endpoint);
    row_cell(&row, -(int)strlen(right), right);
    row_end(&row, lines, LINE_TITLE);
}

static void add_daemon(const struct top *top, int64_t now_ns, struct lines *lines)
{
    const Zmesos__V1__DaemonStatus *status = model_status(top->model);
    char ago[FORMAT_TIME_MAX], count[TOP_COUNT_MAX], again[TOP_COUNT_MAX];
    int64_t heard = feed_heard_ms(top->feed);

    if (heard == INT64_MIN) {
        lines_add(lines, LINE_BAD, "daemon   does not answer: nothing came from it yet");
    } else if (is_silent(top)) {
        lines_add(lines, LINE_BAD, "daemon   is away: no heartbeat for %s; all below is as it was then",
                format_ago(1, 1 + (top->mono_ms - heard) * 1000000, ago));
    } else if (status && *feed_note(top->feed)) {
        lines_add(lines, LINE_WAITS, "daemon   run %" PRIu64 " for %s; %s", status->run,
                format_ago(status->started_ns, now_ns, ago), feed_note(top->feed));
    } else if (status) {
        lines_add(lines, LINE_PLAIN,
                "daemon   run %" PRIu64 " for %s; %s, %s events of tasks, %s asked for again", status->run,
                format_ago(status->started_ns, now_ns, ago),
                feed_is_whole(top->feed) ? "all told" : "being read", top_count(feed_taken(top->feed), count),
                top_count(feed_replayed(top->feed), again));
    }
}

static void add_master(const struct top *top, int64_t now_ns, struct lines *lines)
{
    const Zmesos__V1__DaemonStatus *status = model_status(top->model);
    char ago[FORMAT_TIME_MAX];

    if (!status) {
        lines_add(lines, LINE_PLAIN, "master   not known yet");
        return;
    }
    bool up = status->subscription == ZMESOS__V1__SUBSCRIPTION__SUBSCRIBED;
    const char *state = format_subscription(status->has_subscription, status->subscription);
    if (up)
        lines_add(lines, LINE_PLAIN, "master   %s at %s for %s", state, status->master ? status->master : "?",
                format_ago(status->subscription_since_ns, now_ns, ago));
    else if (status->has_subscription_since_ns)
        lines_add(lines, LINE_BAD, "master   %s for %s: %s", state,
                format_ago(status->subscription_since_ns, now_ns, ago),
                status->message ? status->message : "");
    else
        lines_add(lines, LINE_BAD, "master   %s, never subscribed in this run: %s", state,
                status->message ? status->message : "");
}

/* In a line of its own: its id is long, and to be copied. */
static void add_framework(const struct top *top, struct lines *lines)
{
    const Zmesos__V1__DaemonStatus *status = model_status(top->model);

    lines_add(lines, LINE_PLAIN, "framework %s",
            !status                ? "not known yet"
            : status->framework_id ? status->framework_id
                                   : "none");
}

static void add_counts(const struct top *top, bool over, struct lines *lines)
{
    uint64_t sum = 0;
    char count[TOP_COUNT_MAX];
    struct row row;

    for (int state = 1; state < MODEL_STATES; state++) {
        if (format_state_over((Zmesos__V1__TaskState)state) == over)
            sum += model_count(top->model, state);
    }
    row_begin(&row, lines);
    row_cell(&row, 8, over ? "over" : "open");
    row_cell(&row, 9, top_count(sum, count));
    for (int state = 1; state < MODEL_STATES; state++) {
        if (format_state_over((Zmesos__V1__TaskState)state) != over || model_count(top->model, state) == 0)
            continue;
        char cell[64];
        int length = snprintf(cell, sizeof cell, " %s %s", top_count(model_count(top->model, state), count),
                format_state(true, (Zmesos__V1__TaskState)state));
        row_cell(&row, length, cell);
    }
    row_end(&row, lines, LINE_STRONG);
}

static void add_rates(const struct top *top, int64_t now_ns, struct lines *lines)
{
    static const int seconds[] = {SHORT_S, MODEL_WINDOW_S};

    lines_add(lines, LINE_FAINT, "%-8s %9s %9s %9s %9s", "a second", "launched", "finished", "failed",
            "events");
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
        struct row row;
        row_begin(&row, lines);
        row_cellf(&row, 8, "over %ds", seconds[i]);
        for (int kind = 0; kind < MODEL_KINDS; kind++)
            row_cellf(&row, -9, "%.1f", model_rate(top->model, (enum model_kind)kind, seconds[i], now_ns));
        row_end(&row, lines, LINE_PLAIN);
    }
}

static void add_queues(const struct top *top, struct lines *lines)
{
    const Zmesos__V1__DaemonStatus *status = model_status(top->model);
    char disk[TOP_COUNT_MAX], master[TOP_COUNT_MAX], text[256];
    int used = 0;

    if (!status) {
        lines_add(lines, LINE_PLAIN, "waiting  not known yet");
        return;
    }
    used = snprintf(text, sizeof text,
            "waiting  %s outputs for the disk, %s calls for the master; %" PRIu64 " offers held",
            top_count(status->outputs_waiting, disk), top_count(status->calls_waiting, master),
            status->offers);
    const struct {
        uint64_t count;
        const char *words;
    } others[] = {{status->held, "tasks held"}, {status->operations, "operations"},
            {status->unconfirmed, "unconfirmed"}, {status->strays, "strays"}, {status->leases, "leases"}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (others[i].count > 0 && used > 0 && (size_t)used < sizeof text)
            used += snprintf(text + used, sizeof text - (size_t)used, ", %" PRIu64 " %s", others[i].count,
                    others[i].words);
    }
    lines_add(lines, LINE_PLAIN, "%s%s", text, status->teardown ? ", teardown" : "");
}

void top_head_lines(const struct top *top, int64_t now_ns, struct lines *lines)
{
    add_title(top, now_ns, lines);
    add_daemon(top, now_ns, lines);
    add_master(top, now_ns, lines);
    add_framework(top, lines);
    add_counts(top, false, lines);
    add_counts(top, true, lines);
    add_queues(top, lines);
    add_rates(top, now_ns, lines);
}
