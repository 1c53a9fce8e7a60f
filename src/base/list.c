/* A circular list around its head. */
#include "base/list.h"

void list_init(struct list *list)
{
    list->head.next = list->head.prev = &list->head;
    list->count = 0;
}

void list_insert_before(struct list *list, struct list_link *place, struct list_link *link)
{
    link->next = place;
    link->prev = place->prev;
    place->prev->next = link;
    place->prev = link;
    list->count++;
}

void list_append(struct list *list, struct list_link *link)
{
    list_insert_before(list, &list->head, link);
}

void list_remove(struct list *list, struct list_link *link)
{
    if (!link->next)
        return;
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link->next = link->prev = NULL;
    list->count--;
}

struct list_link *list_first(const struct list *list)
{
    return list->head.next == &list->head ? NULL : list->head.next;
}

struct list_link *list_next(const struct list *list, const struct list_link *link)
{
    return link->next == &list->head ? NULL : link->next;
}

struct list_link *list_last(const struct list *list)
{
    return list->head.prev == &list->head ? NULL : list->head.prev;
}

bool list_linked(const struct list_link *link)
{
    return link->next != NULL;
}
