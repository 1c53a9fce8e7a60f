/* See top_page.h. */
#include "top_page.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "format.h"

#define SILENT_MS 3000 /* without a heartbeat: there is one each second */
#define SHORT_S 10     /* of the two rates */
#define SOME_ROWS 3    /* of agents and failures on the page of all */
#define PLAIN_ROWS 20  /* of each on a page for a pipe */

const char *top_count(uint64_t count, char out[TOP_COUNT_MAX])
{
    char digits[24];
    size_t length = (size_t)snprintf(digits, sizeof digits, "%" PRIu64, count), used = 0;

    for (size_t i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            out[used++] = ',';
        out[used++] = digits[i];
    }
    out[used] = '\0';
    return out;
}

enum line_style top_style(int state)
{
    switch (state) {
    case ZMESOS__V1__TASK_STATE__RUNNING:
        return LINE_GOOD;
    case ZMESOS__V1__TASK_STATE__FINISHED:
    case ZMESOS__V1__TASK_STATE__KILLED:
        return LINE_FAINT;
    case ZMESOS__V1__TASK_STATE__FAILED:
    case ZMESOS__V1__TASK_STATE__ERROR:
    case ZMESOS__V1__TASK_STATE__GONE:
    case ZMESOS__V1__TASK_STATE__LOST:
    case ZMESOS__V1__TASK_STATE__UNREACHABLE:
    case ZMESOS__V1__TASK_STATE__UNKNOWN:
        return LINE_BAD;
    default:
        return LINE_WAITS;
    }
}

static const char *state_name(int state)
{
    return format_state(true, (Zmesos__V1__TaskState)state);
}

/* ---- the head of the page ---- */

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
                state_name(state));
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

static void add_head(const struct top *top, int64_t now_ns, struct lines *lines)
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

/* ---- agents ---- */

static int extra_columns(const struct lines *lines, int part)
{
    int extra = (int)lines->width - TOP_WIDTH_MIN;
    return extra > 0 ? extra / part : 0;
}

static void add_agent(const struct model_agent *agent, int64_t now_ns, struct lines *lines)
{
    static const int columns[MODEL_AMOUNTS] = {11, 13, 13, 5};
    char use[FORMAT_USE_MAX], until[FORMAT_TIME_MAX];
    struct row row;

    row_begin(&row, lines);
    row_cell(&row, 20 + extra_columns(lines, 3), *agent->host ? agent->host : agent->id);
    row_cellf(&row, -5, "%" PRIu64, agent->tasks);
    for (int i = 0; i < MODEL_AMOUNTS; i++)
        row_cell(&row, -columns[i],
                format_use(agent->used[i], agent->is_known ? &agent->known[i] : NULL, use));
    row_cellf(&row, 0, "%s%s%s", agent->maintenance_ns ? "maintenance " : "",
            agent->maintenance_ns ? format_until(agent->maintenance_ns, now_ns, until) : "",
            agent->strays ? " strays" : "");
    row_end(&row, lines, agent->tasks ? LINE_PLAIN : LINE_FAINT);
}

/* In the line of the head: of what all agents that are known have. */
static void add_agents_head(const struct top *top, struct lines *lines)
{
    static const char *const heads[MODEL_AMOUNTS] = {"CPUS", "MEM", "DISK", "GPUS"};
    static const int columns[MODEL_AMOUNTS] = {11, 13, 13, 5};
    struct row row;

    row_begin(&row, lines);
    row_cellf(&row, 20 + extra_columns(lines, 3), "AGENTS %zu", model_agents(top->model));
    row_cell(&row, -5, "TASKS");
    for (int i = 0; i < MODEL_AMOUNTS; i++)
        row_cell(&row, -columns[i], heads[i]);
    row_cell(&row, 0, lines->width > 100 ? "used by our tasks / known by offers" : "");
    row_end(&row, lines, LINE_TITLE);
}

/* ---- failures ---- */

static void add_failure(const struct model_failure *failure, int64_t now_ns, struct lines *lines)
{
    char ago[FORMAT_TIME_MAX];
    struct row row;

    row_begin(&row, lines);
    row_cell(&row, -5, format_ago(failure->time_ns, now_ns, ago));
    row_cell(&row, 6, state_name(failure->state));
    row_cellf(&row, 24 + extra_columns(lines, 3), "%s/%" PRIu32, failure->id, failure->attempt);
    row_cellf(&row, 0, "%s%s%s%s", failure->words ? failure->words : "", failure->reason ? " (" : "",
            failure->reason ? failure->reason : "", failure->reason ? ")" : "");
    row_end(&row, lines, LINE_BAD);
}

/* ---- tasks ---- */

static void add_task(const struct model_task *task, bool chosen, int64_t now_ns, struct lines *lines)
{
    char since[FORMAT_TIME_MAX];
    struct row row;

    row_begin(&row, lines);
    row_cell(&row, 28 + extra_columns(lines, 4), task->id);
    row_cell(&row, 11, state_name(task->state));
    row_cell(&row, -5, format_ago(task->changed_ns, now_ns, since));
    row_cellf(&row, -3, "%" PRIu32, task->attempt);
    row_cell(&row, 12 + extra_columns(lines, 6), *task->host ? task->host : "-");
    row_cell(&row, 0, task->words ? task->words : "");
    row_end(&row, lines, chosen ? LINE_CHOSEN : top_style(task->state));
}

static void add_tasks_head(const struct top *top, struct lines *lines)
{
    char count[TOP_COUNT_MAX];
    struct row row;

    row_begin(&row, lines);
    row_cellf(&row, 28 + extra_columns(lines, 4), "TASKS %s%s%s", top_count(top->list.count, count),
            *top->filter ? " of " : "", top->filter);
    row_cell(&row, 11, "STATE");
    row_cell(&row, -5, "SINCE");
    row_cell(&row, -3, "TRY");
    row_cell(&row, 12 + extra_columns(lines, 6), "HOST");
    row_cellf(&row, 0, "by %s", list_order_name(top->list.order));
    row_end(&row, lines, LINE_TITLE);
}

/* ---- the parts ---- */

static size_t clamp(size_t value, size_t most)
{
    return value < most ? value : most;
}

/* Rows from `scrolled` on, where there are more than fit. */
static void scroll_to(struct top *top, size_t rows, size_t count)
{
    top->page_rows = rows;
    top->scrolled = clamp(top->scrolled, count > rows ? count - rows : 0);
}

static void add_agents(struct top *top, size_t rows, bool whole, int64_t now_ns, struct lines *lines)
{
    size_t count = model_agents(top->model), first = 0;

    add_agents_head(top, lines);
    if (whole) {
        scroll_to(top, rows, count);
        first = top->scrolled;
    }
    for (size_t i = first; i < count && i < first + rows; i++)
        add_agent(model_agent(top->model, i), now_ns, lines);
    if (count == 0)
        lines_add(lines, LINE_FAINT, "%s", feed_knows_agents(top->feed) ? "none is known" : "not known yet");
}

static void add_failures(struct top *top, size_t rows, bool whole, int64_t now_ns, struct lines *lines)
{
    size_t count = model_failures(top->model), first = 0;

    lines_add(lines, LINE_TITLE, "FAILURES, the last first");
    if (whole) {
        scroll_to(top, rows, count);
        first = top->scrolled;
    }
    for (size_t i = first; i < count && i < first + rows; i++)
        add_failure(model_failure(top->model, i), now_ns, lines);
    if (count == 0)
        lines_add(lines, LINE_FAINT, "none");
}

/* The chosen row stays with its task, and on the page. */
static void follow_chosen(struct top *top, size_t rows)
{
    size_t last = top->list.count > 0 ? top->list.count - 1 : 0;

    if (top->chosen_id)
        top->chosen = task_list_find(&top->list, top->chosen_id, clamp(top->chosen, last));
    else
        top->chosen = clamp(top->chosen, last);
    if (top->chosen < top->scrolled)
        top->scrolled = top->chosen;
    if (rows > 0 && top->chosen >= top->scrolled + rows)
        top->scrolled = top->chosen - rows + 1;
    scroll_to(top, rows, top->list.count);
}

static void add_tasks(struct top *top, size_t rows, int64_t now_ns, struct lines *lines)
{
    follow_chosen(top, rows);
    add_tasks_head(top, lines);
    for (size_t i = top->scrolled; i < top->list.count && i < top->scrolled + rows; i++)
        add_task(top->list.rows[i].task, i == top->chosen && !top->plain, now_ns, lines);
    if (top->list.count == 0)
        lines_add(lines, LINE_FAINT, "%s", *top->filter ? "none of that filter" : "none");
}

static void add_help(struct lines *lines)
{
    static const char *const help[] = {
            "KEYS",
            "  q            quit",
            "  s            sort tasks by their last change, by their launch, by id, by state",
            "  /            filter tasks: the beginning of their ids, or label:KEY[=VALUE];",
            "               Enter takes it, Escape leaves it, an empty one shows all",
            "  arrows, PageUp, PageDown, Home, End   move among tasks, or scroll",
            "  Enter        the chosen task: its attempts, and why it waits; again: back",
            "  Tab, 1 to 4  all, tasks, agents, failures",
            "  p            pause: the page stands still; what was missed is made up for",
            "  h, ?         this page",
            "Agents: what our tasks there ask for / what the agent has as far as its offers show.",
            "What other frameworks hold there nobody tells a framework; ?: no offer came yet.",
            "Rates are of whole seconds of the daemon's clock.",
    };
    for (size_t i = 0; i < sizeof help / sizeof *help; i++)
        lines_add(lines, i == 0 ? LINE_TITLE : LINE_PLAIN, "%s", help[i]);
}

/* The last line. */
static void add_foot(const struct top *top, struct lines *lines)
{
    if (top->prompting)
        lines_add(lines, LINE_STRONG, "beginning of ids, or label:KEY[=VALUE] / %s_", top->prompt);
    else if (top->view == TOP_TASK || top->view == TOP_HELP)
        lines_add(lines, LINE_FAINT, "Enter back  q quit");
    else
        lines_add(lines, LINE_FAINT, "q quit  s sort  / filter  Enter task  Tab view  p %s  h help",
                feed_is_paused(top->feed) ? "go on" : "pause");
}

static void add_scrolled(struct top *top, size_t height, int64_t now_ns, struct lines *lines)
{
    struct lines all;

    lines_init(&all, lines->width);
    top_task_lines(top, now_ns, &all);
    scroll_to(top, height, all.count);
    for (size_t i = top->scrolled; i < all.count && i < top->scrolled + height; i++)
        lines_add(lines, all.items[i].style, "%s", all.items[i].text);
    lines_clear(&all);
}

static size_t some_rows(const struct top *top, size_t count)
{
    return clamp(count > 0 ? count : 1, top->plain ? PLAIN_ROWS : SOME_ROWS);
}

static void add_all(struct top *top, size_t height, int64_t now_ns, struct lines *lines)
{
    size_t agents = some_rows(top, model_agents(top->model));
    size_t failures = some_rows(top, model_failures(top->model));

    add_agents(top, agents, false, now_ns, lines);
    add_failures(top, failures, false, now_ns, lines);
    add_tasks(top, top->plain ? PLAIN_ROWS : height - lines->count - 2, now_ns, lines);
}

void top_page(struct top *top, size_t width, size_t height, struct lines *lines)
{
    int64_t now_ns = feed_now_ns(top->feed, top->mono_ms);

    lines->width = width;
    if (!top->plain && (width < TOP_WIDTH_MIN || height < TOP_HEIGHT_MIN)) {
        lines_add(lines, LINE_STRONG,
                "too small: it has %zu columns and %zu lines, zmesos top needs %d and %d", width, height,
                TOP_WIDTH_MIN, TOP_HEIGHT_MIN);
        return;
    }
    task_list_update(&top->list);
    add_head(top, now_ns, lines);
    size_t rows = height - lines->count - 2; /* below a title, above the last line */
    switch (top->view) {
    case TOP_TASKS:
        add_tasks(top, rows, now_ns, lines);
        break;
    case TOP_AGENTS:
        add_agents(top, rows, true, now_ns, lines);
        break;
    case TOP_FAILURES:
        add_failures(top, rows, true, now_ns, lines);
        break;
    case TOP_TASK:
        add_scrolled(top, rows + 1, now_ns, lines);
        break;
    case TOP_HELP:
        add_help(lines);
        break;
    default:
        add_all(top, height, now_ns, lines);
        break;
    }
    while (!top->plain && lines->count + 1 < height)
        lines_add(lines, LINE_PLAIN, "%s", "");
    if (!top->plain)
        add_foot(top, lines);
}
