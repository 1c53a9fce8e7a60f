/* See top_keys.h. */
#include "top_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define LABEL "label:"

void top_init(struct top *top, const struct model *model, const struct feed *feed)
{
    *top = (struct top){.model = model, .feed = feed, .endpoint = ""};
    task_list_init(&top->list, model);
}

void top_clear(struct top *top)
{
    task_list_clear(&top->list);
    free(top->chosen_id);
    top->chosen_id = NULL;
}

static void choose(struct top *top, size_t place)
{
    top->chosen = place;
    free(top->chosen_id);
    /* The first row is the first, whatever comes to be there. */
    top->chosen_id =
            place > 0 && place < top->list.count ? alloc_string(top->list.rows[place].task->id) : NULL;
}

bool top_filter(struct top *top, struct feed *feed, const char *words)
{
    char key[TOP_PROMPT_MAX];
    bool labelled = strncmp(words, LABEL, strlen(LABEL)) == 0;
    const char *label = labelled ? words + strlen(LABEL) : "", *value = strchr(label, '=');

    if (labelled && (*label == '\0' || value == label))
        return false;
    if (labelled) {
        snprintf(key, sizeof key, "%.*s", value ? (int)(value - label) : (int)strlen(label), label);
        feed_mark(feed, key, value ? value + 1 : NULL);
    } else {
        feed_mark(feed, NULL, NULL);
    }
    task_list_filter(&top->list, labelled ? "" : words, labelled);
    snprintf(top->filter, sizeof top->filter, "%s%s", *words && !labelled ? "id:" : "", words);
    choose(top, 0);
    top->scrolled = 0;
    return true;
}

/* ---- the prompt ---- */

static void append_character(char *text, unsigned character)
{
    size_t length = strlen(text);
    char bytes[5] = {0};

    if (character < 0x20 || character == 0x7f || character > 0x10ffff)
        return;
    if (character < 0x80) {
        bytes[0] = (char)character;
    } else if (character < 0x800) {
        bytes[0] = (char)(0xc0 | character >> 6);
        bytes[1] = (char)(0x80 | (character & 63));
    } else if (character < 0x10000) {
        bytes[0] = (char)(0xe0 | character >> 12);
        bytes[1] = (char)(0x80 | (character >> 6 & 63));
        bytes[2] = (char)(0x80 | (character & 63));
    } else {
        bytes[0] = (char)(0xf0 | character >> 18);
        bytes[1] = (char)(0x80 | (character >> 12 & 63));
        bytes[2] = (char)(0x80 | (character >> 6 & 63));
        bytes[3] = (char)(0x80 | (character & 63));
    }
    if (length + strlen(bytes) < TOP_PROMPT_MAX - 8) /* "id:" comes before it */
        strcpy(text + length, bytes);
}

static void drop_character(char *text)
{
    size_t length = strlen(text);

    while (length > 0 && ((unsigned char)text[length - 1] & 0xc0) == 0x80)
        length--;
    text[length > 0 ? length - 1 : 0] = '\0';
}

static void press_in_prompt(struct top *top, struct feed *feed, int key)
{
    switch (key) {
    case TOP_KEY_ENTER:
        top->prompting = !top_filter(top, feed, top->prompt);
        break;
    case TOP_KEY_ESCAPE:
        top->prompting = false;
        break;
    case TOP_KEY_BACKSPACE:
        drop_character(top->prompt);
        break;
    default:
        if (key > 0 && key < TOP_KEY_UP)
            append_character(top->prompt, (unsigned)key);
    }
}

/* ---- moving ---- */

static size_t moved(size_t at, int key, size_t page, size_t last)
{
    size_t step = page > 1 ? page : 1;

    switch (key) {
    case TOP_KEY_UP:
        return at > 0 ? at - 1 : 0;
    case TOP_KEY_DOWN:
        return at < last ? at + 1 : last;
    case TOP_KEY_PAGE_UP:
        return at > step ? at - step : 0;
    case TOP_KEY_PAGE_DOWN:
        return last - (at < last ? at : last) > step ? at + step : last;
    case TOP_KEY_HOME:
        return 0;
    default:
        return last;
    }
}

/* A key is for the page that is seen; where tasks of it are gone, for those that there are now. */
static void hold_rows(struct top *top)
{
    if (task_list_hold(&top->list) && top->chosen_id)
        top->chosen = task_list_find(&top->list, top->chosen_id, top->chosen);
}

static void move(struct top *top, int key)
{
    hold_rows(top);
    size_t last = top->list.count > 0 ? top->list.count - 1 : 0;

    if (top->view == TOP_ALL || top->view == TOP_TASKS)
        choose(top, moved(top->chosen, key, top->page_rows, last));
    else /* the page knows where the end is */
        top->scrolled = moved(top->scrolled, key, top->page_rows, SIZE_MAX / 2);
}

static void show(struct top *top, enum top_view view)
{
    top->view = view;
    top->scrolled = 0;
}

static void look(struct top *top, struct feed *feed)
{
    hold_rows(top);
    if (top->chosen >= top->list.count)
        return;
    char *id = alloc_string(top->list.rows[top->chosen].task->id);
    free(top->chosen_id);
    top->chosen_id = id;
    feed_look_at(feed, id);
    top->before = top->view;
    show(top, TOP_TASK);
}

static void go_back(struct top *top, struct feed *feed)
{
    feed_look_at(feed, NULL);
    show(top, top->before);
}

static void press_enter(struct top *top, struct feed *feed)
{
    if (top->view == TOP_TASK || top->view == TOP_HELP)
        go_back(top, feed);
    else if (top->view == TOP_ALL || top->view == TOP_TASKS)
        look(top, feed);
}

static void press_help(struct top *top, struct feed *feed)
{
    if (top->view == TOP_HELP) {
        go_back(top, feed);
        return;
    }
    if (top->view != TOP_TASK)
        top->before = top->view;
    feed_look_at(feed, NULL);
    show(top, TOP_HELP);
}

static void press_view(struct top *top, struct feed *feed, enum top_view view)
{
    feed_look_at(feed, NULL);
    show(top, view);
}

bool top_press(struct top *top, struct feed *feed, int key)
{
    if (top->prompting) {
        press_in_prompt(top, feed, key);
        return true;
    }
    switch (key) {
    case 'q':
    case 'Q':
        return false;
    case 's':
        task_list_sort(&top->list, (enum list_order)((top->list.order + 1) % LIST_ORDERS));
        break;
    case '/':
        top->prompting = true;
        top->prompt[0] = '\0';
        break;
    case 'p':
    case ' ':
        feed_pause(feed, !feed_is_paused(feed));
        break;
    case 'h':
    case '?':
        press_help(top, feed);
        break;
    case '\t':
        press_view(top, feed, top->view < TOP_VIEWS ? (enum top_view)((top->view + 1) % TOP_VIEWS) : TOP_ALL);
        break;
    case '1':
    case '2':
    case '3':
    case '4':
        press_view(top, feed, (enum top_view)(key - '1'));
        break;
    case TOP_KEY_ENTER:
        press_enter(top, feed);
        break;
    case TOP_KEY_ESCAPE:
        if (top->view >= TOP_VIEWS)
            go_back(top, feed);
        break;
    case TOP_KEY_UP:
    case TOP_KEY_DOWN:
    case TOP_KEY_PAGE_UP:
    case TOP_KEY_PAGE_DOWN:
    case TOP_KEY_HOME:
    case TOP_KEY_END:
        move(top, key);
        break;
    default:
        break;
    }
    return true;
}
