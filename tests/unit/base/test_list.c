/* The list, forwards, backwards and while it changes. */
#include "lots.h"

#include <string.h>

#include "base/list.h"

struct item {
    int before; /* so that the link is not first */
    struct list_link link;
    char name;
};

static void expect_names(const struct list *list, const char *names)
{
    size_t count = 0;
    for (struct list_link *link = list_first(list); link; link = list_next(list, link), count++) {
        assert_int_equal(list_item(link, struct item, link)->name, names[count]);
        assert_true(list_linked(link));
        assert_ptr_equal(link->next->prev, link);
        assert_ptr_equal(link->prev->next, link);
    }
    assert_int_equal(count, strlen(names));
    assert_int_equal(list->count, count);
    const struct list_link *last = list_last(list);
    assert_int_equal(last != NULL, count > 0);
    if (last)
        assert_int_equal(list_item(last, struct item, link)->name, names[count - 1]);
}

static void everything_in_order(void **state)
{
    (void)state;
    struct list list;
    struct item a = {.name = 'a'}, b = {.name = 'b'}, c = {.name = 'c'}, d = {.name = 'd'};
    list_init(&list);
    expect_names(&list, "");
    assert_false(list_linked(&a.link));
    list_append(&list, &a.link);
    expect_names(&list, "a");
    list_append(&list, &c.link);
    list_insert_before(&list, &c.link, &b.link);
    list_insert_before(&list, &a.link, &d.link);
    expect_names(&list, "dabc");
    list_remove(&list, &a.link);
    expect_names(&list, "dbc");
    assert_false(list_linked(&a.link));
    list_remove(&list, &a.link); /* outside any list: nothing */
    expect_names(&list, "dbc");
    list_append(&list, &a.link);
    list_remove(&list, &d.link);
    list_remove(&list, &b.link);
    expect_names(&list, "ca");
    list_insert_before(&list, &list.head, &b.link); /* before the head: at the end */
    expect_names(&list, "cab");
    list_remove(&list, &c.link);
    list_remove(&list, &a.link);
    list_remove(&list, &b.link);
    expect_names(&list, "");
}

static void removing_while_walking(void **state)
{
    (void)state;
    struct list list;
    struct item items[26];
    list_init(&list);
    for (int i = 0; i < 26; i++) {
        items[i] = (struct item){.name = (char)('a' + i)};
        list_append(&list, &items[i].link);
    }
    for (struct list_link *link = list_first(&list), *next; link; link = next) {
        next = list_next(&list, link);
        if (!strchr("aeiouz", list_item(link, struct item, link)->name))
            list_remove(&list, link);
    }
    expect_names(&list, "aeiouz");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(everything_in_order),
            cmocka_unit_test(removing_while_walking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
