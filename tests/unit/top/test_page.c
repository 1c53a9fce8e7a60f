/* What a page shows and what keys do: lines, widths, the sizes of a terminal. */
#include "make.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

#include "top_keys.h"

static struct model *model;
static struct feed *feed;
static struct top top;
static struct lines page;

static int set_up(void **state)
{
    (void)state;
    model = make_model();
    feed = feed_create(model);
    top_init(&top, model, feed);
    top.endpoint = "tcp://127.0.0.1:5560";
    top.interval_ms = 1000;
    lines_init(&page, 80);
    return 0;
}

static int tear_down(void **state)
{
    lines_clear(&page);
    top_clear(&top);
    feed_destroy(feed);
    model_destroy(model);
    return make_clear(state);
}

static void show(size_t width, size_t height)
{
    lines_clear(&page);
    top_page(&top, width, height, &page);
}

static void press(const char *keys)
{
    for (; *keys; keys++)
        assert_true(top_press(&top, feed, *keys));
}

static size_t columns(const char *text)
{
    size_t count = mbstowcs(NULL, text, 0);
    assert_true(count != (size_t)-1);
    return count;
}

static const char *line_with(const char *words)
{
    for (size_t i = 0; i < page.count; i++) {
        if (strstr(page.items[i].text, words))
            return page.items[i].text;
    }
    return NULL;
}

/* Tasks t000 ..., of which the last one changed last. */
static void add_tasks(int count, int state)
{
    char id[16];
    for (int i = 0; i < count; i++) {
        snprintf(id, sizeof id, "t%03d", i);
        Zmesos__V1__Task *task = make_task(id, state, 1, 1000 + i);
        make_attempt(task, state, 1000, 1000 + i, "h1", NULL, NULL);
        model_take_task(model, task);
    }
}

static void beat(void)
{
    Zmesos__V1__DaemonStatus *status = make_status("s", 3, 0, 0);
    status->has_subscription = true;
    status->subscription = ZMESOS__V1__SUBSCRIPTION__SUBSCRIBED;
    status->has_subscription_since_ns = true;
    status->subscription_since_ns = S(2000 - 720);
    status->master = strdup("m1:5050");
    status->framework_id = strdup("framework-1");
    status->version = strdup("9.9");
    feed_status(feed, make_header("s", 1, 2000), status, 0);
}

static void it_is_as_large_as_the_screen(void **state)
{
    static const size_t sizes[][2] = {{80, 24}, {81, 25}, {100, 30}, {132, 43}, {250, 100}};
    (void)state;
    beat();
    add_tasks(50, STATE(RUNNING));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (int view = 0; view <= TOP_HELP; view++) {
            top.view = (enum top_view)view;
            show(sizes[i][0], sizes[i][1]);
            assert_int_equal(page.count, sizes[i][1]);
            for (size_t n = 0; n < page.count; n++)
                assert_true(columns(page.items[n].text) <= sizes[i][0]);
        }
    }
}

static void one_that_is_too_small_is_told_so(void **state)
{
    static const size_t sizes[][2] = {{79, 24}, {80, 23}, {1, 1}, {0, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        show(sizes[i][0], sizes[i][1]);
        assert_int_equal(page.count, 1);
        assert_true(strlen(page.items[0].text) <= sizes[i][0]);
    }
    show(70, 20);
    assert_string_equal(
            page.items[0].text, "too small: it has 70 columns and 20 lines, zmesos top needs 80 and 24");
}

static void the_head_says_how_it_is(void **state)
{
    (void)state;
    show(80, 24);
    assert_non_null(line_with("daemon   does not answer: nothing came from it yet"));
    assert_non_null(line_with("master   not known yet"));
    assert_non_null(line_with("framework not known yet"));
    beat();
    add_tasks(1500, STATE(FINISHED));
    show(80, 24);
    assert_non_null(line_with("zmesos top: zmesosd 9.9 at tcp://127.0.0.1:5560"));
    assert_non_null(line_with("master   SUBSCRIBED at m1:5050 for 12m"));
    assert_non_null(line_with("framework framework-1"));
    assert_non_null(line_with("over     1,500"));
    assert_non_null(line_with("1,500 FINISHED"));
    top.mono_ms = 3000;
    show(80, 24);
    assert_null(line_with("away"));
    top.mono_ms = 30000;
    show(80, 24);
    assert_non_null(line_with("daemon   is away: no heartbeat for 30s; all below is as it was then"));
}

static void a_master_that_is_away(void **state)
{
    (void)state;
    Zmesos__V1__DaemonStatus *status = make_status("s", 3, 0, 0);
    status->has_subscription = true;
    status->subscription = ZMESOS__V1__SUBSCRIPTION__DISCONNECTED;
    status->message = strdup("connection refused");
    feed_status(feed, make_header("s", 1, 2000), status, 0);
    show(100, 24);
    assert_non_null(line_with("master   DISCONNECTED, never subscribed in this run: connection refused"));
    status = make_status("s", 3, 0, 0);
    status->has_subscription = status->has_subscription_since_ns = true;
    status->subscription = ZMESOS__V1__SUBSCRIPTION__CONNECTING;
    status->subscription_since_ns = S(1966);
    feed_status(feed, make_header("s", 2, 2000), status, 0);
    show(100, 24);
    assert_non_null(line_with("master   CONNECTING for 34s"));
}

/* With all that is said of the master, in the narrowest terminal. */
static void the_id_of_the_framework_is_whole(void **state)
{
    static const char id[] = "849ba5ac-6394-4e2c-9c5d-0f1e2d3c4b5a";
    (void)state;
    for (int up = 0; up <= 1; up++) {
        Zmesos__V1__DaemonStatus *status = make_status("s", 3, 0, 0);
        status->has_subscription = status->has_subscription_since_ns = true;
        status->subscription =
                up ? ZMESOS__V1__SUBSCRIPTION__SUBSCRIBED : ZMESOS__V1__SUBSCRIPTION__DISCONNECTED;
        status->subscription_since_ns = S(1280);
        status->master = strdup("master-1.of-the-cluster.example.com:5050");
        status->message = strdup("the connection was closed by the other side, and nobody answers since");
        status->framework_id = strdup(id);
        feed_status(feed, make_header("s", (uint64_t)up + 1, 2000), status, 0);
        show(TOP_WIDTH_MIN, TOP_HEIGHT_MIN);
        assert_non_null(line_with(id));
    }
}

static void texts_of_others_cannot_move_the_cursor(void **state)
{
    (void)state;
    Zmesos__V1__Task *task = make_task("evil\x1b[2J\xff\xe5\xbc\xa0", STATE(FAILED), 1, 1000);
    make_attempt(task, STATE(FAILED), 1000, 1000, "h\r1", "\x07\n words", NULL);
    task->message = task->attempts[0]->message;
    model_take_task(model, task);
    show(120, 24);
    for (size_t i = 0; i < page.count; i++) {
        for (const char *c = page.items[i].text; *c; c++)
            assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
    }
    assert_non_null(line_with("evil\\x1b[2J?\xe5\xbc\xa0"));
}

/* A wide character takes two columns; one that does not fit whole is left out. */
static void wide_characters(void **state)
{
    struct lines lines;
    struct row row;
    (void)state;
    lines_init(&lines, 10);
    lines_add(&lines, LINE_PLAIN, "%s",
            "\xe5\xbc\xa0\xe5\xbc\xa0\xe5\xbc\xa0\xe5\xbc\xa0\xe5\xbc\xa0\xe5\xbc\xa0");
    assert_string_equal(lines.items[0].text, "\xe5\xbc\xa0\xe5\xbc\xa0\xe5\xbc\xa0\xe5\xbc\xa0~");
    lines_add(&lines, LINE_PLAIN, "%s", "\xe5\xbc\xa0\xe5\xbc\xa0\xe5\xbc\xa0\xe5\xbc\xa0\xe5\xbc\xa0");
    assert_string_equal(lines.items[1].text, "\xe5\xbc\xa0\xe5\xbc\xa0\xe5\xbc\xa0\xe5\xbc\xa0\xe5\xbc\xa0");
    row_begin(&row, &lines);
    row_cell(&row, 3, "\xe5\xbc\xa0\xe5\xbc\xa0");
    row_cell(&row, -4, "12");
    row_cell(&row, 0, "xyz");
    row_end(&row, &lines, LINE_PLAIN);
    assert_string_equal(lines.items[2].text, "\xe5\xbc\xa0~   12 ~");
    row_begin(&row, &lines);
    row_cell(&row, 20, "more than there is");
    row_cell(&row, 5, "nothing");
    row_end(&row, &lines, LINE_PLAIN);
    assert_string_equal(lines.items[3].text, "more than~");
    lines_add(&lines, LINE_PLAIN, "%s", "");
    assert_string_equal(lines.items[4].text, "");
    lines_clear(&lines);
}

static const char *chosen(void)
{
    for (size_t i = 0; i < page.count; i++) {
        if (page.items[i].style == LINE_CHOSEN)
            return page.items[i].text;
    }
    return "";
}

static void the_chosen_task_stays_chosen(void **state)
{
    (void)state;
    add_tasks(100, STATE(RUNNING));
    show(80, 24);
    assert_memory_equal(chosen(), "t099", 4);
    top_press(&top, feed, TOP_KEY_DOWN);
    top_press(&top, feed, TOP_KEY_DOWN);
    show(80, 24);
    assert_memory_equal(chosen(), "t097", 4);
    Zmesos__V1__Task *task = make_task("new", STATE(QUEUED), 1, 5000); /* comes above it */
    model_take_task(model, task);
    show(80, 24);
    assert_memory_equal(chosen(), "t097", 4);
    top_press(&top, feed, TOP_KEY_END);
    show(80, 24);
    assert_memory_equal(chosen(), "t000", 4);
    top_press(&top, feed, TOP_KEY_DOWN); /* no further */
    top_press(&top, feed, TOP_KEY_PAGE_UP);
    show(80, 24);
    assert_true(strncmp(chosen(), "t0", 2) == 0 && strncmp(chosen(), "t000", 4) != 0);
    top_press(&top, feed, TOP_KEY_HOME); /* the first row, whatever it is */
    show(80, 24);
    assert_memory_equal(chosen(), "new", 3);
    top_press(&top, feed, TOP_KEY_UP);
    model_take_task(model, make_task("newer", STATE(QUEUED), 1, 6000));
    show(80, 24);
    assert_memory_equal(chosen(), "newer", 5);
    top_press(&top, feed, TOP_KEY_PAGE_DOWN);
    show(80, 24);
    assert_memory_equal(chosen(), "t0", 2);
}

/* zmesosd forgets tasks between a page and a key. */
static void keys_after_tasks_are_gone(void **state)
{
    (void)state;
    add_tasks(20, STATE(FINISHED));
    show(80, 24);
    top_press(&top, feed, TOP_KEY_DOWN);
    top_press(&top, feed, TOP_KEY_DOWN);
    assert_string_equal(top.chosen_id, "t017");
    model_begin_snapshot(
            model); /* of those that the page shows the chosen one alone is left, and an older one */
    model_take_task(model, make_task("t017", STATE(FINISHED), 1, 1017));
    model_take_task(model, make_task("t000", STATE(FINISHED), 1, 1000));
    model_end_snapshot(model);
    top_press(&top, feed, TOP_KEY_DOWN);
    assert_string_equal(top.chosen_id, "t000");
    show(80, 24);
    assert_memory_equal(chosen(), "t000", 4);
    model_clear(model);
    top_press(&top, feed, TOP_KEY_UP);
    top_press(&top, feed, TOP_KEY_END);
    top_press(&top, feed, TOP_KEY_ENTER); /* there is none to look at */
    assert_int_equal(top.view, TOP_ALL);
    show(80, 24);
    assert_non_null(line_with("TASKS 0 "));
}

static void keys_sort_and_filter(void **state)
{
    (void)state;
    add_tasks(20, STATE(RUNNING));
    show(80, 24);
    assert_non_null(line_with("by changed"));
    press("sss");
    show(80, 24);
    assert_non_null(line_with("by state"));
    press("s/t01x");
    show(80, 24);
    assert_non_null(line_with("/ t01x_"));
    top_press(&top, feed, TOP_KEY_BACKSPACE);
    top_press(&top, feed, TOP_KEY_ENTER);
    show(80, 24);
    assert_non_null(line_with("TASKS 10 "));
    assert_non_null(line_with("TASKS 10 of id:t01 "));
    press("/q"); /* a letter there */
    top_press(&top, feed, TOP_KEY_ESCAPE);
    show(80, 24);
    assert_non_null(line_with("TASKS 10 "));
    press("/label:");
    top_press(&top, feed, TOP_KEY_ENTER); /* is none yet */
    assert_true(top.prompting);
    press("app=web");
    top_press(&top, feed, TOP_KEY_ENTER);
    show(80, 24);
    assert_non_null(line_with("TASKS 0 of label:app=web "));
    assert_non_null(line_with("none of that filter"));
    press("/");
    top_press(&top, feed, TOP_KEY_ENTER);
    show(80, 24);
    assert_non_null(line_with("TASKS 20 "));
    press("/");
    for (int i = 0; i < 1000; i++)
        top_press(&top, feed, 0x5f20); /* a character of three bytes */
    show(80, 24);
    for (int i = 0; i < 2000; i++)
        top_press(&top, feed, TOP_KEY_BACKSPACE);
    assert_string_equal(top.prompt, "");
    press("/");
    assert_string_equal(top.prompt, "/");
}

static void views_and_the_end(void **state)
{
    (void)state;
    add_tasks(3, STATE(FAILED));
    press("2");
    show(80, 24);
    assert_null(line_with("AGENTS"));
    press("\t");
    show(80, 24);
    assert_non_null(line_with("AGENTS 0"));
    assert_null(line_with("TASKS 3"));
    press("4");
    show(80, 24);
    assert_non_null(line_with("FAILURES"));
    assert_non_null(line_with("t002/1"));
    press("h");
    show(80, 24);
    assert_non_null(line_with("PageUp"));
    press("?");
    show(80, 24);
    assert_non_null(line_with("FAILURES"));
    press("1");
    top_press(&top, feed, TOP_KEY_ENTER);
    show(80, 24);
    assert_non_null(line_with("TASK t002"));
    assert_non_null(line_with("being asked for"));
    for (int key = TOP_KEY_UP; key <= TOP_KEY_END; key++) {
        top_press(&top, feed, key);
        show(80, 24);
    }
    top_press(&top, feed, TOP_KEY_ESCAPE);
    show(80, 24);
    assert_non_null(line_with("TASKS 3"));
    press("p");
    show(80, 24);
    assert_non_null(line_with("PAUSED"));
    press("pxyz\t\t\t\t");
    assert_false(top_press(&top, feed, 'q'));
}

static void numbers_have_commas(void **state)
{
    char out[TOP_COUNT_MAX];
    (void)state;
    assert_string_equal(top_count(0, out), "0");
    assert_string_equal(top_count(999, out), "999");
    assert_string_equal(top_count(1000, out), "1,000");
    assert_string_equal(top_count(1234567, out), "1,234,567");
    assert_string_equal(top_count(UINT64_MAX, out), "18,446,744,073,709,551,615");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {TEST(it_is_as_large_as_the_screen),
            TEST(one_that_is_too_small_is_told_so), TEST(the_head_says_how_it_is),
            TEST(a_master_that_is_away), TEST(the_id_of_the_framework_is_whole),
            TEST(texts_of_others_cannot_move_the_cursor), TEST(wide_characters),
            TEST(the_chosen_task_stays_chosen), TEST(keys_after_tasks_are_gone), TEST(keys_sort_and_filter),
            TEST(views_and_the_end), TEST(numbers_have_commas)};
    arena_init(&made);
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
