/* The offers of a role by the values of attributes, for what asks for few of them: EQUALS and IN. An
 * attribute is looked up in all offers when a task first asks for it, and kept as offers come and go, until
 * none is left. Where many offers are wanted or few are held, looking at each costs less. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define OP(name) ZMESOS__V1__CONSTRAINT__OPERATOR__##name

#define VALUES_MAX ((size_t)16) /* attributes of a role; what asks for others looks at each offer */
#define FEW_OFFERS ((size_t)32) /* are looked at one by one */
#define FEW_PART ((size_t)8)    /* at most one of so many offers is wanted, else the amounts decide first */
/* In steps of matching, see core_config.turn_steps. */
#define LOOKUP_COST 10
#define READ_COST 20

/* The offers that have a value, by number. */
struct value_list {
    char *value;
    uint64_t *numbers; /* ascending, those that are gone included */
    size_t used, capacity, count;
};

struct value_index {
    char *attribute;
    struct map lists; /* value_list.value -> value_list */
};

/* ---- keeping ---- */

static void list_free(struct value_list *list)
{
    free(list->numbers);
    free(list->value);
    free(list);
}

static void list_make_room(const struct offer_index *index, struct value_list *list)
{
    size_t used = 0;
    for (size_t i = 0; i < list->used; i++) {
        if (index_get(index, list->numbers[i]))
            list->numbers[used++] = list->numbers[i];
    }
    list->used = used;
    if (used > list->capacity / 2 || list->capacity == 0) {
        list->capacity = list->capacity ? list->capacity * 2 : 4;
        list->numbers = alloc_resize(list->numbers, list->capacity, sizeof *list->numbers);
    }
}

static void add(const struct offer_index *index, struct value_index *values, struct offer *offer)
{
    const char *value = attribute_value(&offer->arena, offer->offer, values->attribute);
    if (!value)
        return;
    struct value_list *list = map_get_string(&values->lists, value);
    if (!list) {
        list = alloc_zeroed(1, sizeof *list);
        list->value = alloc_string(value);
        map_put(&values->lists, slice_of_string(list->value), list);
    }
    if (list->used == list->capacity)
        list_make_room(index, list);
    list->numbers[list->used++] = offer->number;
    list->count++;
}

void values_add(struct offer_index *index, struct offer *offer)
{
    for (size_t i = 0; i < index->value_count; i++)
        add(index, &index->values[i], offer);
}

void values_remove(struct offer_index *index, struct offer *offer)
{
    for (size_t i = 0; i < index->value_count; i++) {
        struct value_index *values = &index->values[i];
        const char *value = attribute_value(&offer->arena, offer->offer, values->attribute);
        struct value_list *list = value ? map_get_string(&values->lists, value) : NULL;
        if (!list || --list->count > 0)
            continue;
        map_remove(&values->lists, slice_of_string(list->value));
        list_free(list);
    }
}

void values_clear(struct offer_index *index)
{
    for (size_t i = 0; i < index->value_count; i++) {
        size_t at = 0;
        struct value_list *list;
        while ((list = map_next(&index->values[i].lists, &at)))
            list_free(list);
        map_clear(&index->values[i].lists);
        free(index->values[i].attribute);
    }
    free(index->values);
    index->values = NULL;
    index->value_count = 0;
}

static struct value_index *values_of(const struct offer_index *index, const char *attribute)
{
    for (size_t i = 0; i < index->value_count; i++) {
        if (strcmp(index->values[i].attribute, attribute) == 0)
            return &index->values[i];
    }
    return NULL;
}

/* NULL: there are enough. */
static struct value_index *values_get(
        struct core *core, struct offer_index *index, const char *attribute, struct skipped *skipped)
{
    struct value_index *values = values_of(index, attribute);
    if (values || index->value_count == VALUES_MAX)
        return values;
    if (!index->values)
        index->values = alloc_zeroed(VALUES_MAX, sizeof *index->values);
    values = &index->values[index->value_count++];
    values->attribute = alloc_string(attribute);
    map_init(&values->lists, core->config.seed[0], core->config.seed[1]);
    for (size_t slot = 0; slot < index->used; slot++) {
        if (index->slots[slot])
            add(index, values, index->slots[slot]);
    }
    skipped->steps += index->used * READ_COST;
    return values;
}

/* ---- finding ---- */

static size_t offers_with(const struct value_index *values, const struct constraint *c)
{
    size_t count = 0;
    for (size_t i = 0; i < c->value_count; i++) {
        const struct value_list *list = map_get_string(&values->lists, c->values[i]);
        count += list ? list->count : 0;
    }
    return count;
}

/* Whether that is less work than to look at each offer. */
static bool pays(const struct offer_index *index, const struct constraint *c, size_t offers)
{
    return offers <= index->count / FEW_PART &&
           offers * c->value_count * LOOKUP_COST <= index->count * (c->value_count + LOOKUP_COST);
}

/* The constraint that the fewest offers meet, where they are few; -1: none. It holds for the round: whatever
 * comes and goes meanwhile, it finds the same offers as looking at each. */
static int narrowest(struct core *core, struct shape *shape, struct skipped *skipped)
{
    struct offer_index *index = &shape->role->index;
    if (shape->narrow_round == core->round)
        return shape->narrow;
    size_t fewest = SIZE_MAX;
    shape->narrow = -1;
    shape->narrow_round = core->round;
    for (size_t i = 0; i < shape->constraint_count && index->count > FEW_OFFERS && fewest > 0; i++) {
        const struct constraint *c = &shape->constraints[i];
        if (c->preferred || (c->op != OP(EQUALS) && c->op != OP(IN)))
            continue;
        const struct value_index *values = values_get(core, index, c->attribute, skipped);
        size_t offers = values ? offers_with(values, c) : SIZE_MAX;
        skipped->steps += c->value_count * LOOKUP_COST;
        if (offers < fewest && pays(index, c, offers)) {
            fewest = offers;
            shape->narrow = (int)i;
        }
    }
    return shape->narrow;
}

/* The first number from that one on; UINT64_MAX: none. */
static uint64_t list_from(const struct value_list *list, uint64_t number)
{
    size_t low = 0, high = list->used;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list->numbers[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < list->used ? list->numbers[low] : UINT64_MAX;
}

static struct offer *next_with(const struct offer_index *index, const struct value_index *values,
        const struct constraint *c, uint64_t number, struct skipped *skipped)
{
    for (;;) {
        uint64_t first = UINT64_MAX;
        for (size_t i = 0; i < c->value_count; i++) {
            const struct value_list *list = map_get_string(&values->lists, c->values[i]);
            uint64_t at = list ? list_from(list, number) : UINT64_MAX;
            first = at < first ? at : first;
        }
        skipped->steps += c->value_count * LOOKUP_COST;
        if (first == UINT64_MAX)
            return NULL;
        struct offer *offer = index_get(index, first);
        if (offer)
            return offer;
        number = first + 1;
    }
}

struct offer *values_find(struct core *core, struct shape *shape, uint64_t number, struct skipped *skipped)
{
    struct offer_index *index = &shape->role->index;
    struct skipped begun = {0};
    int narrow = narrowest(core, shape, &begun);
    const struct value_index *values =
            narrow < 0 ? NULL : values_of(index, shape->constraints[narrow].attribute);
    if (!values) { /* or the last offer has gone meanwhile */
        struct offer *found = index_find(index, shape, number, skipped);
        skipped->steps += begun.steps;
        return found;
    }
    *skipped = begun;
    const struct constraint *c = &shape->constraints[narrow];
    struct offer *offer;
    uint64_t at = number;
    while ((offer = next_with(index, values, c, at, skipped)) && index_lacks(index, offer, shape, skipped))
        at = offer->number + 1;
    skipped->constraint = narrow;
    skipped->unmet = index_count(index, number, offer ? offer->number : UINT64_MAX) - skipped->offers;
    return offer;
}
