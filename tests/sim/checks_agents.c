/* What a list_agents is answered: those that made an offer and those on which our tasks may live, in order,
 * each with what these want. */
#include "sim.h"

#include <string.h>

#include "peek.h"

struct expected {
    uint64_t tasks;
    int64_t cpus, mem;
};

static bool may_live_on(const struct kept_task *task, const char *agent)
{
    const struct attempt_row *last = task->attempt_count ? &task->attempts[task->attempt_count - 1] : NULL;
    return last && strcmp(last->agent_id, agent) == 0 &&
           (!is_over(last->state) || last->state == (int)VIEW(LOST)) &&
           !(last->flags & (peek_replaced | peek_removed));
}

static struct expected expected_of(struct sim *sim, const char *agent)
{
    const struct disk *ahead = &sim->store.ahead;
    struct expected expected = {0};
    for (size_t i = 0; i < ahead->task_count; i++) {
        const struct kept_task *task = &ahead->tasks[i];
        const struct wish *wish = client_wish(sim, task->row.id, strlen(task->row.id));
        if (!may_live_on(task, agent))
            continue;
        expected.tasks++;
        if (wish && !wish->found && !(task->row.flags & peek_adopted)) {
            expected.cpus += wish->want.cpus;
            expected.mem += wish->want.mem;
        }
    }
    return expected;
}

static bool is_wanted(const struct request *request, const char *agent)
{
    return !request->agent || strcmp(agent, request->agent->id) > 0;
}

static const Zmesos__V1__Agent *find(const Zmesos__V1__Agents *page, const char *id)
{
    for (size_t i = 0; i < page->n_agents; i++) {
        if (strcmp(page->agents[i]->id, id) == 0)
            return page->agents[i];
    }
    return NULL;
}

/* Between two subscriptions agents are known as in the last one. */
static void check_agent(
        struct sim *sim, bool subscribed, const struct agent *agent, const Zmesos__V1__Agent *said)
{
    struct expected expected = expected_of(sim, agent->id);
    if (said->tasks != expected.tasks || said->used->cpus != (double)expected.cpus / 1000 ||
            said->used->mem != (double)expected.mem / 1000)
        violation(sim, "%llu tasks use %f cpus on %s: it is %llu and %f", (unsigned long long)said->tasks,
                said->used->cpus, agent->id, (unsigned long long)expected.tasks,
                (double)expected.cpus / 1000);
    if (agent->offered && strcmp(said->hostname, agent->host) != 0)
        violation(sim, "%s is said to be on %s, and is on %s", agent->id, said->hostname, agent->host);
    if (said->known && !agent->offered && subscribed)
        violation(sim, "%s has made no offer, and is known by one", agent->id);
}

void check_agents(struct sim *sim, const struct request *request, const Zmesos__V1__Agents *page)
{
    struct peek peek;
    peek_core(sim->daemon.core, world_now(sim), &peek);
    if (sim->plant == PLANT_NO_AGENT && page->n_agents > 1)
        page->agents[0] = page->agents[1];
    for (size_t i = 0; i < page->n_agents; i++) {
        if (!is_wanted(request, page->agents[i]->id) ||
                (i > 0 && strcmp(page->agents[i - 1]->id, page->agents[i]->id) >= 0))
            violation(sim, "%s is not where it belongs", page->agents[i]->id);
    }
    if (page->n_agents > request->page_size || (page->next && page->n_agents < request->page_size) ||
            (page->next && strcmp(page->next, page->agents[page->n_agents - 1]->id) != 0))
        violation(sim, "a page of %zu agents of %u ends with %s", page->n_agents, request->page_size,
                page->next ? page->next : "nothing");
    if (!request->agent && !page->next && page->total != page->n_agents)
        violation(sim, "%zu agents are known, and %llu are counted", page->n_agents,
                (unsigned long long)page->total);
    for (int i = 0; i < sim->agent_count && !sim->violated; i++) {
        const struct agent *agent = &sim->agents[i];
        const Zmesos__V1__Agent *said = find(page, agent->id);
        bool known = (agent->offered && peek.subscribed) || expected_of(sim, agent->id).tasks > 0;
        if (said)
            check_agent(sim, peek.subscribed, agent, said);
        else if (known && is_wanted(request, agent->id) && (!page->next || strcmp(agent->id, page->next) < 0))
            violation(sim, "%s is left out", agent->id);
    }
}
