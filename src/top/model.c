/* Tasks by id and by state. See model.h. */
#include "top/model.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "internal.h"

#define WORDS_MAX 200 /* bytes of a message that are kept */
#define STATE(name) ((int)ZMESOS__V1__TASK_STATE__##name)

struct model *model_create(const uint64_t seed[2])
{
    struct model *model = alloc_zeroed(1, sizeof *model);
    memcpy(model->seed, seed, sizeof model->seed);
    map_init(&model->by_id, seed[0], seed[1]);
    map_init(&model->hosts, seed[0], seed[1]);
    for (int state = 0; state < MODEL_STATES; state++)
        list_init(&model->states[state]);
    return model;
}

static void free_task(struct model_task *task)
{
    free(task->id);
    free(task->words);
    free(task);
}

static void drop_task(struct model *model, struct model_task *task)
{
    list_remove(&model->states[task->state], &task->link);
    map_remove(&model->by_id, slice_of_string(task->id));
    free_task(task);
    model->dropped++;
}

static void clear_texts(struct map *texts)
{
    size_t at = 0;
    char *text;
    while ((text = map_next(texts, &at)))
        free(text);
    map_clear(texts);
}

void model_clear(struct model *model)
{
    size_t at = 0;
    struct model_task *task;
    while ((task = map_next(&model->by_id, &at)))
        free_task(task);
    map_clear(&model->by_id);
    clear_texts(&model->hosts);
    for (int state = 0; state < MODEL_STATES; state++)
        list_init(&model->states[state]);
    failures_clear(model);
    agents_clear(model);
    if (model->status)
        zmesos__v1__daemon_status__free_unpacked(model->status, NULL);
    model->status = NULL;
    memset(model->buckets, 0, sizeof model->buckets);
    model->first_second = 0;
    map_init(&model->by_id, model->seed[0], model->seed[1]);
    map_init(&model->hosts, model->seed[0], model->seed[1]);
    model->changes++;
    model->dropped++;
}

void model_destroy(struct model *model)
{
    if (!model)
        return;
    model_clear(model);
    map_clear(&model->by_id);
    map_clear(&model->hosts);
    free(model);
}

uint64_t model_changes(const struct model *model)
{
    return model->changes;
}

/* ---- one task ---- */

char *copy_words(const char *text)
{
    if (!text || !*text)
        return NULL;
    size_t length = strnlen(text, WORDS_MAX);
    while (length < strlen(text) && length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
        length--; /* not inside a character */
    return alloc_string_n(text, length);
}

/* There are few hosts, and many tasks on each. */
static const char *host_of(struct model *model, const Zmesos__V1__Task *task)
{
    const Zmesos__V1__Attempt *last = task->n_attempts ? task->attempts[task->n_attempts - 1] : NULL;
    if (!last || !last->hostname || (int)task->state == STATE(QUEUED))
        return "";
    char *host = map_get_string(&model->hosts, last->hostname);
    if (!host) {
        host = alloc_string(last->hostname);
        map_put(&model->hosts, slice_of_string(host), host);
    }
    return host;
}

static bool is_failure(int state)
{
    return state == STATE(FAILED) || state == STATE(ERROR) || state == STATE(GONE) || state == STATE(LOST);
}

/* What each attempt adds: an event has the last one alone, a snapshot has all. */
static void take_attempts(struct model *model, struct model_task *task, const Zmesos__V1__Task *from)
{
    for (size_t i = 0; i < from->n_attempts; i++) {
        const Zmesos__V1__Attempt *attempt = from->attempts[i];
        if (attempt->number > task->attempt) {
            task->attempt = attempt->number;
            rates_add(model, MODEL_LAUNCHED, attempt->launched_ns, 1);
        }
        if (attempt->number > task->failed && is_failure((int)attempt->state)) {
            task->failed = attempt->number;
            rates_add(model, MODEL_FAILED, attempt->changed_ns, 1);
            failures_add(model, from->id, attempt);
        }
    }
}

static struct model_task *get_task(struct model *model, const char *id)
{
    struct model_task *task = map_get_string(&model->by_id, id);
    if (!task) {
        task = alloc_zeroed(1, sizeof *task);
        task->id = alloc_string(id);
        map_put(&model->by_id, slice_of_string(task->id), task);
        model->added++;
    }
    return task;
}

bool model_take_task(struct model *model, const Zmesos__V1__Task *from)
{
    if (!from->id || !from->has_state || (int)from->state <= 0 || (int)from->state >= MODEL_STATES)
        return false;
    struct model_task *task = get_task(model, from->id);
    task->generation = model->generation;
    if (from->created_ns > task->created_ns) /* its id was forgotten, and launched again */
        task->revision = task->attempt = task->failed = 0;
    if (task->revision > 0 && from->revision <= task->revision)
        return false;
    bool finished = (int)from->state == STATE(FINISHED) && task->state != STATE(FINISHED);
    if (list_linked(&task->link))
        list_remove(&model->states[task->state], &task->link);
    task->state = (int)from->state;
    task->revision = from->revision;
    task->created_ns = from->created_ns;
    task->changed_ns = from->changed_ns;
    task->host = host_of(model, from);
    free(task->words);
    task->words = copy_words(from->message);
    take_attempts(model, task, from);
    list_append(&model->states[task->state], &task->link); /* a clock that is set back changes no order */
    if (finished)
        rates_add(model, MODEL_FINISHED, task->changed_ns, 1);
    model->changes++;
    return true;
}

/* ---- snapshots ---- */

static int by_change(const void *a, const void *b)
{
    const struct model_task *first = *(struct model_task *const *)a, *second = *(struct model_task *const *)b;
    return (first->changed_ns > second->changed_ns) - (first->changed_ns < second->changed_ns);
}

/* Pages come in another order than that of changes: put right once, at the end. */
static void sort_state(struct list *list)
{
    struct model_task **tasks = alloc_zeroed(list->count + 1, sizeof(struct model_task *));
    struct list_link *link;
    size_t count = 0;
    while ((link = list_first(list))) {
        tasks[count++] = list_item(link, struct model_task, link);
        list_remove(list, link);
    }
    qsort(tasks, count, sizeof(struct model_task *), by_change);
    for (size_t i = 0; i < count; i++)
        list_append(list, &tasks[i]->link);
    free(tasks);
}

void model_begin_snapshot(struct model *model)
{
    model->generation++;
}

void model_end_snapshot(struct model *model)
{
    for (int state = 0; state < MODEL_STATES; state++) {
        struct list *list = &model->states[state];
        for (struct list_link *link = list_first(list), *next; link; link = next) {
            struct model_task *task = list_item(link, struct model_task, link);
            next = list_next(list, link);
            if (task->generation != model->generation)
                drop_task(model, task);
        }
        sort_state(list);
    }
    model->changes++;
}

/* ---- looking ---- */

struct model_task *model_find(const struct model *model, const char *id)
{
    return map_get_string(&model->by_id, id);
}

size_t model_tasks(const struct model *model)
{
    return model->by_id.count;
}

uint64_t model_count(const struct model *model, int state)
{
    return state >= 0 && state < MODEL_STATES ? model->states[state].count : 0;
}

uint64_t model_added(const struct model *model)
{
    return model->added;
}

uint64_t model_dropped(const struct model *model)
{
    return model->dropped;
}

const struct list *model_of_state(const struct model *model, int state)
{
    return &model->states[state];
}

void model_unmark(struct model *model)
{
    size_t at = 0;
    struct model_task *task;
    while ((task = map_next(&model->by_id, &at)))
        task->marked = false;
    model->changes++;
}

void model_mark(struct model *model, const Zmesos__V1__Task *from)
{
    model_take_task(model, from);
    struct model_task *task = from->id ? model_find(model, from->id) : NULL;
    if (task)
        task->marked = true;
    model->changes++;
}

/* ---- what the daemon has forgotten ---- */

static uint64_t count_of(const Zmesos__V1__DaemonStatus *status, int state)
{
    for (size_t i = 0; i < status->n_counts; i++) {
        if ((int)status->counts[i]->state == state)
            return status->counts[i]->tasks;
    }
    return 0;
}

bool model_settle(struct model *model)
{
    const Zmesos__V1__DaemonStatus *status = model->status;
    bool fits = true;
    for (int state = 1; status && state < MODEL_STATES; state++) {
        uint64_t count = count_of(status, state);
        while (model->states[state].count > count && state >= STATE(FINISHED)) {
            drop_task(model, list_item(list_first(&model->states[state]), struct model_task, link));
            model->changes++;
        }
        fits = fits && model->states[state].count == count;
    }
    return fits;
}
