/* The daemon's status and the agents. See model.h. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "internal.h"

#define FIRST_VOLATILE ((int)ZMESOS__V1__EVENT_CLASS__OFFERS)

/* ---- the daemon ---- */

static const Zmesos__V1__Head *head_of(const Zmesos__V1__DaemonStatus *status, int class)
{
    for (size_t i = 0; i < status->n_heads; i++) {
        if ((int)status->heads[i]->class_ == class)
            return status->heads[i];
    }
    return NULL;
}

/* How many events there were between two heartbeats. Volatile classes begin at 1 with each run. */
static uint64_t events_between(const Zmesos__V1__DaemonStatus *before, const Zmesos__V1__DaemonStatus *after)
{
    uint64_t events = 0;
    for (size_t i = 0; i < after->n_heads; i++) {
        const Zmesos__V1__Head *head = after->heads[i];
        const Zmesos__V1__Head *old = head_of(before, (int)head->class_);
        bool anew = (int)head->class_ >= FIRST_VOLATILE && before->run != after->run;
        uint64_t from = old && !anew ? old->number : 0;
        events += old && head->number > from ? head->number - from : 0;
    }
    return events;
}

void model_take_status(struct model *model, Zmesos__V1__DaemonStatus *status, int64_t time_ns)
{
    if (model->status)
        rates_add(model, MODEL_EVENTS, time_ns, events_between(model->status, status));
    else
        model->first_second = time_ns / INT64_C(1000000000);
    if (model->status)
        zmesos__v1__daemon_status__free_unpacked(model->status, NULL);
    model->status = status;
}

const Zmesos__V1__DaemonStatus *model_status(const struct model *model)
{
    return model->status;
}

/* ---- agents ---- */

static void free_agents(struct model_agent *agents, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(agents[i].id);
        free(agents[i].host);
    }
    free(agents);
}

void agents_clear(struct model *model)
{
    free_agents(model->agents, model->agent_count);
    free_agents(model->coming, model->coming_count);
    model->agents = model->coming = NULL;
    model->agent_count = model->coming_count = model->coming_capacity = 0;
}

void model_begin_agents(struct model *model)
{
    free_agents(model->coming, model->coming_count);
    model->coming = NULL;
    model->coming_count = model->coming_capacity = 0;
}

static void read_amounts(const Zmesos__V1__Amounts *from, double to[MODEL_AMOUNTS])
{
    to[MODEL_CPUS] = from->cpus;
    to[MODEL_MEM] = from->mem;
    to[MODEL_DISK] = from->disk;
    to[MODEL_GPUS] = from->gpus;
}

void model_take_agent(struct model *model, const Zmesos__V1__Agent *agent)
{
    if (!agent->id)
        return;
    if (model->coming_count == model->coming_capacity) {
        model->coming_capacity = model->coming_capacity ? 2 * model->coming_capacity : 16;
        model->coming = alloc_resize(model->coming, model->coming_capacity, sizeof *model->coming);
    }
    struct model_agent *made = &model->coming[model->coming_count++];
    *made = (struct model_agent){.id = alloc_string(agent->id),
            .host = alloc_string(agent->hostname ? agent->hostname : ""),
            .tasks = agent->tasks,
            .offers = agent->offers,
            .strays = agent->strays,
            .is_known = agent->known != NULL};
    if (agent->used)
        read_amounts(agent->used, made->used);
    if (agent->known)
        read_amounts(agent->known, made->known);
    if (agent->maintenance && agent->maintenance->start)
        made->maintenance_ns = agent->maintenance->start->nanoseconds;
}

/* Those with the most tasks first, then by host. */
static int by_use(const void *a, const void *b)
{
    const struct model_agent *first = a, *second = b;
    if (first->tasks != second->tasks)
        return first->tasks < second->tasks ? 1 : -1;
    int hosts = strcmp(first->host, second->host);
    return hosts ? hosts : strcmp(first->id, second->id);
}

void model_end_agents(struct model *model)
{
    if (model->coming_count > 0)
        qsort(model->coming, model->coming_count, sizeof *model->coming, by_use);
    free_agents(model->agents, model->agent_count);
    model->agents = model->coming;
    model->agent_count = model->coming_count;
    model->coming = NULL;
    model->coming_count = model->coming_capacity = 0;
}

size_t model_agents(const struct model *model)
{
    return model->agent_count;
}

const struct model_agent *model_agent(const struct model *model, size_t index)
{
    return &model->agents[index];
}
