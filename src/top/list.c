/* See top/list.h. */
#include "top/list.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static const char *const names[] = {
        [LIST_CHANGED] = "changed", [LIST_CREATED] = "created", [LIST_ID] = "id", [LIST_STATE] = "state"};

void task_list_init(struct task_list *list, const struct model *model)
{
    *list = (struct task_list){.model = model, .prefix = alloc_string(""), .stale = true};
}

void task_list_clear(struct task_list *list)
{
    free(list->prefix);
    free(list->rows);
    *list = (struct task_list){.model = NULL};
}

void task_list_sort(struct task_list *list, enum list_order order)
{
    list->order = order;
    list->stale = true;
}

void task_list_filter(struct task_list *list, const char *prefix, bool marked)
{
    char *copy = alloc_string(prefix);
    free(list->prefix);
    list->prefix = copy;
    list->marked = marked;
    list->stale = true;
}

static int by_numbers(const void *a, const void *b)
{
    const struct list_row *x = a, *y = b;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    if (x->second != y->second)
        return x->second < y->second ? -1 : 1;
    return strcmp(x->task->id, y->task->id);
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct list_row *)a)->task->id, ((const struct list_row *)b)->task->id);
}

static void add(struct task_list *list, struct model_task *task)
{
    struct list_row *row = &list->rows[list->count++];
    *row = (struct list_row){.first = -task->changed_ns, .second = -task->created_ns, .task = task};
    if (list->order == LIST_CREATED) {
        row->first = -task->created_ns;
        row->second = 0;
    } else if (list->order == LIST_STATE) {
        row->second = row->first;
        row->first = task->state;
    }
}

static void collect(struct task_list *list)
{
    size_t length = strlen(list->prefix);
    for (int state = 0; state < MODEL_STATES; state++) {
        const struct list *tasks = model_of_state(list->model, state);
        for (struct list_link *link = list_first(tasks); link; link = list_next(tasks, link)) {
            struct model_task *task = list_item(link, struct model_task, link);
            if ((!list->marked || task->marked) && strncmp(task->id, list->prefix, length) == 0)
                add(list, task);
        }
    }
}

void task_list_update(struct task_list *list)
{
    size_t tasks = model_tasks(list->model);
    if (!list->stale && list->changes == model_changes(list->model))
        return;
    if (list->capacity < tasks) {
        list->capacity = tasks + tasks / 2;
        list->rows = alloc_resize(list->rows, list->capacity, sizeof *list->rows);
    }
    list->count = 0;
    collect(list);
    if (list->count > 0)
        qsort(list->rows, list->count, sizeof *list->rows, list->order == LIST_ID ? by_id : by_numbers);
    list->changes = model_changes(list->model);
    list->dropped = model_dropped(list->model);
    list->stale = false;
}

bool task_list_hold(struct task_list *list)
{
    if (list->dropped == model_dropped(list->model))
        return false;
    task_list_update(list);
    return true;
}

size_t task_list_find(const struct task_list *list, const char *id, size_t otherwise)
{
    const struct model_task *task = model_find(list->model, id);
    for (size_t i = 0; task && i < list->count; i++) {
        if (list->rows[i].task == task)
            return i;
    }
    return otherwise;
}

const char *list_order_name(enum list_order order)
{
    return names[order];
}

enum list_order list_order_of(const char *name)
{
    int order = 0;
    while (order < LIST_ORDERS && strcmp(names[order], name) != 0)
        order++;
    return (enum list_order)order;
}
