/* See top_page.h. */
#include "top_page.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "format.h"

#define SOME_ROWS 3   /* of agents and failures on the page of all */
#define PLAIN_ROWS 20 /* of each on a page for a pipe */

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
    top_head_lines(top, now_ns, lines);
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
