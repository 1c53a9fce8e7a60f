/* A doubly linked list whose links are inside the items. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct list_link {
    struct list_link *next, *prev; /* both NULL outside any list */
};

struct list {
    struct list_link head; /* next: first, prev: last; points to itself when empty */
    size_t count;
};

#define list_item(link, type, member) ((type *)((uintptr_t)(link)-offsetof(type, member)))

void list_init(struct list *list);
void list_append(struct list *list, struct list_link *link);
void list_insert_before(struct list *list, struct list_link *place, struct list_link *link);
void list_remove(struct list *list, struct list_link *link); /* does nothing for a link outside any list */
struct list_link *list_first(const struct list *list);       /* NULL when empty */
struct list_link *list_next(const struct list *list, const struct list_link *link); /* NULL at the end */
struct list_link *list_last(const struct list *list);
bool list_linked(const struct list_link *link);

#endif
