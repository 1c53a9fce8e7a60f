/* The page that `zmesos top` shows, as lines: made from the model, the list and what the person at the keys
 * has chosen. */
#ifndef CLI_TOP_PAGE_H
#define CLI_TOP_PAGE_H

#include "lines.h"
#include "top/feed.h"
#include "top/list.h"

#define TOP_WIDTH_MIN 80
#define TOP_HEIGHT_MIN 24
#define TOP_PROMPT_MAX 256

enum top_view { TOP_ALL, TOP_TASKS, TOP_AGENTS, TOP_FAILURES, TOP_VIEWS, TOP_TASK = TOP_VIEWS, TOP_HELP };

struct top {
    const struct model *model;
    const struct feed *feed;
    struct task_list list;
    const char *endpoint; /* of the daemon's control socket */
    int64_t interval_ms, mono_ms;
    enum top_view view, before;  /* before: the one that a task or the help came from */
    size_t chosen;               /* in the list, as of its last update */
    char *chosen_id;             /* it stays with that task; NULL: with the first row */
    size_t scrolled;             /* first row of the list, of agents, failures, or lines of a task */
    size_t page_rows;            /* how many of them the last page had */
    char filter[TOP_PROMPT_MAX]; /* in words; "" for none */
    bool prompting;
    char prompt[TOP_PROMPT_MAX];
    bool plain; /* for a pipe: no keys, no more rows than there are */
};

/* Fills a page of that size; the list is brought up to date. Moves `scrolled` to where there is something. */
void top_page(struct top *top, size_t width, size_t height, struct lines *lines);

/* top_head.c: what stands above the parts of the page. */
void top_head_lines(const struct top *top, int64_t now_ns, struct lines *lines);

/* top_task.c: the task that is looked at, all of it. */
void top_task_lines(const struct top *top, int64_t now_ns, struct lines *lines);

/* "104,233"; returns `out`. */
#define TOP_COUNT_MAX 32
const char *top_count(uint64_t count, char out[TOP_COUNT_MAX]);

enum line_style top_style(int state);

#endif
