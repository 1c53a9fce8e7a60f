/* How many of what there were in each of the last seconds, and the last failures. See model.h. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "internal.h"

#define SECOND_NS INT64_C(1000000000)

/* A bucket serves one second, and then another: what is too old for it is in no rate any more. */
void rates_add(struct model *model, enum model_kind kind, int64_t time_ns, uint64_t count)
{
    int64_t second = time_ns / SECOND_NS;
    if (time_ns <= 0)
        return;
    struct bucket *bucket = &model->buckets[second % BUCKETS];
    if (bucket->second > second)
        return;
    if (bucket->second < second)
        *bucket = (struct bucket){.second = second};
    bucket->counts[kind] += count;
}

double model_rate(const struct model *model, enum model_kind kind, int seconds, int64_t now_ns)
{
    int64_t now = now_ns / SECOND_NS;
    uint64_t sum = 0;
    /* What tasks say of their past counts; events are counted from the second heartbeat on. */
    if (kind == MODEL_EVENTS && now - model->first_second < seconds)
        seconds = model->first_second > 0 ? (int)(now - model->first_second) : 0;
    for (int i = 1; i <= seconds && i <= MODEL_WINDOW_S && now - i > 0; i++) {
        const struct bucket *bucket = &model->buckets[(now - i) % BUCKETS];
        sum += bucket->second == now - i ? bucket->counts[kind] : 0;
    }
    return seconds > 0 ? (double)sum / seconds : 0;
}

/* ---- failures ---- */

static void free_failure(struct model_failure *failure)
{
    free(failure->id);
    free(failure->reason);
    free(failure->words);
}

/* They come in about the order of their times; in a snapshot in that of their tasks. */
void failures_add(struct model *model, const char *id, const Zmesos__V1__Attempt *attempt)
{
    struct model_failure *list = model->failures;
    size_t at = 0;
    while (at < model->failure_count && list[at].time_ns > attempt->changed_ns)
        at++;
    if (at == MODEL_FAILURES_MAX)
        return;
    if (model->failure_count == MODEL_FAILURES_MAX)
        free_failure(&list[--model->failure_count]);
    memmove(&list[at + 1], &list[at], (model->failure_count - at) * sizeof *list);
    list[at] = (struct model_failure){.time_ns = attempt->changed_ns,
            .id = alloc_string(id),
            .attempt = attempt->number,
            .state = (int)attempt->state,
            .reason = copy_words(attempt->reason),
            .words = copy_words(attempt->message)};
    model->failure_count++;
}

void failures_clear(struct model *model)
{
    while (model->failure_count > 0)
        free_failure(&model->failures[--model->failure_count]);
}

size_t model_failures(const struct model *model)
{
    return model->failure_count;
}

const struct model_failure *model_failure(const struct model *model, size_t index)
{
    return &model->failures[index];
}
