/* Orders and filters of tasks. */
#include "make.h"

#include <stdio.h>

static const char *ids(struct task_list *list)
{
    static char text[256];
    size_t used = 0;
    task_list_update(list);
    text[0] = '\0';
    for (size_t i = 0; i < list->count; i++)
        used += (size_t)snprintf(
                text + used, sizeof text - used, "%s%s", i ? " " : "", list->rows[i].task->id);
    return text;
}

static struct model *with_tasks(struct task_list *list)
{
    struct model *model = make_model();
    task_list_init(list, model);
    static const struct {
        const char *id;
        int state, created, changed;
    } tasks[] = {{"b1", STATE(FINISHED), 10, 50}, {"a1", STATE(RUNNING), 20, 60},
            {"a2", STATE(QUEUED), 30, 30}, {"c", STATE(RUNNING), 5, 70}, {"b2", STATE(FINISHED), 10, 50}};
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++) {
        Zmesos__V1__Task *task = make_task(tasks[i].id, tasks[i].state, 1, tasks[i].changed);
        task->created_ns = S(tasks[i].created);
        model_take_task(model, task);
    }
    return model;
}

static void orders(void **state)
{
    struct task_list list;
    struct model *model = with_tasks(&list);
    (void)state;
    assert_string_equal(ids(&list), "c a1 b1 b2 a2");
    task_list_sort(&list, LIST_CREATED);
    assert_string_equal(ids(&list), "a2 a1 b1 b2 c");
    task_list_sort(&list, LIST_ID);
    assert_string_equal(ids(&list), "a1 a2 b1 b2 c");
    task_list_sort(&list, LIST_STATE);
    assert_string_equal(ids(&list), "a2 c a1 b1 b2");
    model_take_task(model, make_task("a2", STATE(FAILED), 2, 90)); /* seen by itself */
    assert_string_equal(ids(&list), "c a1 b1 b2 a2");
    task_list_clear(&list);
    model_destroy(model);
}

static void filters(void **state)
{
    struct task_list list;
    struct model *model = with_tasks(&list);
    (void)state;
    task_list_sort(&list, LIST_ID);
    task_list_filter(&list, "b", false);
    assert_string_equal(ids(&list), "b1 b2");
    assert_int_equal(task_list_find(&list, "b2", 99), 1);
    assert_int_equal(task_list_find(&list, "a1", 99), 99);
    assert_int_equal(task_list_find(&list, "nosuch", 99), 99);
    task_list_filter(&list, "nosuch", false);
    assert_string_equal(ids(&list), "");
    task_list_filter(&list, "", true);
    assert_string_equal(ids(&list), "");
    model_mark(model, make_task("b2", STATE(FINISHED), 1, 50));
    model_mark(model, make_task("d", STATE(QUEUED), 1, 99)); /* not known before */
    assert_string_equal(ids(&list), "b2 d");
    model_unmark(model);
    assert_string_equal(ids(&list), "");
    task_list_filter(&list, "", false);
    assert_string_equal(ids(&list), "a1 a2 b1 b2 c d");
    task_list_clear(&list);
    model_destroy(model);
}

static void names(void **state)
{
    (void)state;
    for (int order = 0; order < LIST_ORDERS; order++)
        assert_int_equal(list_order_of(list_order_name((enum list_order)order)), order);
    assert_int_equal(list_order_of("nosuch"), LIST_ORDERS);
    assert_int_equal(list_order_of(""), LIST_ORDERS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(orders, make_clear),
            cmocka_unit_test_teardown(filters, make_clear), cmocka_unit_test(names)};
    arena_init(&made);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
