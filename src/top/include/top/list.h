/* Tasks of a model in an order, those of a filter alone. */
#ifndef TOP_LIST_H
#define TOP_LIST_H

#include "top/model.h"

enum list_order {
    LIST_CHANGED, /* what changed last first */
    LIST_CREATED, /* what was launched last first */
    LIST_ID,
    LIST_STATE, /* by state: what waits first, what is over last; then as LIST_CHANGED */
    LIST_ORDERS
};

struct task_list {
    const struct model *model; /* borrowed */
    enum list_order order;
    char *prefix; /* of the ids; "" for all */
    bool marked;  /* those alone that are marked */
    struct list_row {
        int64_t first, second; /* by which it is sorted */
        struct model_task *task;
    } * rows;
    size_t count, capacity;
    uint64_t changes, dropped; /* of the model, as the rows were made */
    bool stale;                /* the order or the filter is another one */
};

void task_list_init(struct task_list *list, const struct model *model);
void task_list_clear(struct task_list *list);

void task_list_sort(struct task_list *list, enum list_order order);
void task_list_filter(struct task_list *list, const char *prefix, bool marked);

/* Makes the rows anew where anything has changed. They hold until the model drops a task. */
void task_list_update(struct task_list *list);

/* Makes the rows of the last update anew where they do not hold any more; whether it did. */
bool task_list_hold(struct task_list *list);

/* The place of a task; `otherwise` where it is not among them. */
size_t task_list_find(const struct task_list *list, const char *id, size_t otherwise);

const char *list_order_name(enum list_order order);
/* By its name; LIST_ORDERS for none. */
enum list_order list_order_of(const char *name);

#endif
