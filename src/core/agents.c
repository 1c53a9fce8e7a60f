/* list_agents: what is known of agents, which a framework is not told as such. An offer says what it has left
 * over for us, and our own tasks say what they were given of it; what others run there we never hear of. */
#include "internal.h"

#include <string.h>

#include "base/decimal.h"

/* One of core.sites, of core.agents, or of both. */
struct known {
    const char *id;
    const struct site *site;   /* NULL: has made no offer */
    const struct agent *agent; /* NULL: runs nothing of ours */
};

uint64_t agents_known(const struct core *core)
{
    return core->sites.count + core->agents.count - core->agents_with_site;
}

/* ---- views ---- */

static Zmesos__V1__Amounts *view_amounts(struct core *core, const int64_t milli[SCALAR_COUNT])
{
    Zmesos__V1__Amounts *view = arena_alloc(&core->out->arena, sizeof *view);
    zmesos__v1__amounts__init(view);
    view->has_cpus = view->has_mem = view->has_disk = view->has_gpus = true;
    view->cpus = milli_to_double(milli[SCALAR_CPUS]);
    view->mem = milli_to_double(milli[SCALAR_MEM]);
    view->disk = milli_to_double(milli[SCALAR_DISK]);
    view->gpus = milli_to_double(milli[SCALAR_GPUS]);
    return view;
}

/* Sums may be anything: our tasks may ask for more than there is. */
static Zmesos__V1__Amounts *view_sums(struct core *core, const uint64_t sums[SCALAR_COUNT])
{
    int64_t milli[SCALAR_COUNT];
    for (int s = 0; s < SCALAR_COUNT; s++)
        milli[s] = sums[s] < MILLI_MAX ? (int64_t)sums[s] : MILLI_MAX;
    return view_amounts(core, milli);
}

static Mesos__V1__Unavailability *view_window(struct core *core, const struct window *window)
{
    struct arena *arena = &core->out->arena;
    Mesos__V1__Unavailability *view = arena_alloc(arena, sizeof *view);
    mesos__v1__unavailability__init(view);
    view->start = arena_alloc(arena, sizeof *view->start);
    mesos__v1__time_info__init(view->start);
    view->start->nanoseconds = window->start_ns;
    if (window->duration_ns >= 0) {
        view->duration = arena_alloc(arena, sizeof *view->duration);
        mesos__v1__duration_info__init(view->duration);
        view->duration->nanoseconds = window->duration_ns;
    }
    return view;
}

static const char *after(const char *text)
{
    return text + strlen(text) + 1;
}

/* All but the two that are fields of their own. */
static void view_attributes(struct core *core, const struct site *site, Zmesos__V1__Agent *view)
{
    struct arena *arena = &core->out->arena;
    size_t count = 0;
    for (const char *name = site->packed; *name; name = after(after(name)))
        count++;
    view->attributes = arena_array(arena, count, sizeof *view->attributes);
    for (const char *name = site->packed; *name; name = after(after(name))) {
        if (strcmp(name, "agent_id") == 0)
            continue;
        if (strcmp(name, "hostname") == 0) {
            view->hostname = arena_string(arena, after(name));
            continue;
        }
        Mesos__V1__Label *label = arena_alloc(arena, sizeof *label);
        mesos__v1__label__init(label);
        label->key = arena_string(arena, name);
        label->value = arena_string(arena, after(name));
        view->attributes[view->n_attributes++] = label;
    }
}

static void view_site(struct core *core, const struct site *site, Zmesos__V1__Agent *view)
{
    view_attributes(core, site, view);
    if (site->last_ns == 0)
        return;
    view->known = view_sums(core, site->most);
    view->last_offer = view_amounts(core, site->last);
    view->has_last_offer_ns = true;
    view->last_offer_ns = site->last_ns;
    if (*site->url)
        view->url = arena_string(&core->out->arena, site->url);
}

/* Of one that has made no offer we know what its tasks were launched with. */
static void view_agent(struct core *core, const struct agent *agent, Zmesos__V1__Agent *view)
{
    const struct list_link *first = list_first(&agent->tasks);
    const struct attempt *attempt =
            first ? task_current(list_item(first, const struct task, agent_link)) : NULL;
    view->tasks = agent->tasks.count;
    view->strays = agent->strays.count;
    view->used = view_sums(core, agent->used);
    if (!view->hostname && attempt && attempt->hostname)
        view->hostname = arena_string(&core->out->arena, attempt->hostname);
    if (!view->url && attempt && attempt->agent_url)
        view->url = arena_string(&core->out->arena, attempt->agent_url);
}

static Zmesos__V1__Agent *view_known(struct core *core, const struct known *known)
{
    static const uint64_t nothing[SCALAR_COUNT];
    Zmesos__V1__Agent *view = arena_alloc(&core->out->arena, sizeof *view);
    zmesos__v1__agent__init(view);
    view->id = arena_string(&core->out->arena, known->id);
    view->has_tasks = view->has_strays = view->has_offers = true;
    if (known->site)
        view_site(core, known->site, view);
    if (known->agent)
        view_agent(core, known->agent, view);
    else
        view->used = view_sums(core, nothing);
    const struct window *window = map_get_string(&core->windows, known->id);
    if (window)
        view->maintenance = view_window(core, window);
    return view;
}

/* ---- a page ---- */

/* The smallest ids of all that are shown to it, as a heap with the largest in front once it is full. */
struct smallest {
    struct known *items;
    size_t count, room, seen;
};

static void sift(struct known *items, size_t count, size_t at)
{
    struct known moved = items[at];
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        child += child + 1 < count && strcmp(items[child].id, items[child + 1].id) < 0;
        if (strcmp(items[child].id, moved.id) <= 0)
            break;
        items[at] = items[child];
    }
    items[at] = moved;
}

static void heapify(struct smallest *found)
{
    for (size_t i = found->count / 2; i > 0; i--)
        sift(found->items, found->count, i - 1);
}

static void show(struct smallest *found, const char *from, struct known known)
{
    if (from && strcmp(known.id, from) <= 0)
        return;
    found->seen++;
    if (found->count < found->room) {
        found->items[found->count++] = known;
        if (found->count == found->room)
            heapify(found);
    } else if (strcmp(known.id, found->items[0].id) < 0) {
        found->items[0] = known;
        sift(found->items, found->count, 0);
    }
}

static void sort(struct smallest *found)
{
    if (found->count < found->room)
        heapify(found);
    for (size_t left = found->count; left > 1; left--) {
        struct known largest = found->items[0];
        found->items[0] = found->items[left - 1];
        found->items[left - 1] = largest;
        sift(found->items, left - 1, 0);
    }
}

/* Those behind `from`, in order; NULL: from the first. */
static void find_known(struct core *core, const char *from, struct smallest *found)
{
    const struct site *site;
    const struct agent *agent;
    size_t at = 0;
    while ((site = map_next(&core->sites, &at)))
        show(found, from,
                (struct known){site->agent_id, site, map_get_string(&core->agents, site->agent_id)});
    at = 0;
    while ((agent = map_next(&core->agents, &at))) {
        if (!map_get_string(&core->sites, agent->id))
            show(found, from, (struct known){agent->id, NULL, agent});
    }
    sort(found);
}

/* Offers do not know the entry of their agent; there are few of them for each. */
static void count_offers(struct core *core, const Zmesos__V1__Agents *page)
{
    const struct offer *offer;
    size_t at = 0;
    while ((offer = map_next(&core->offers_by_id, &at))) {
        const char *id = offer->offer->agent_id->value;
        size_t low = 0, high = page->n_agents;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (strcmp(page->agents[middle]->id, id) < 0)
                low = middle + 1;
            else
                high = middle;
        }
        if (low < page->n_agents && strcmp(page->agents[low]->id, id) == 0)
            page->agents[low]->offers++;
    }
}

void handle_list_agents(struct core *core, const struct core_input *input)
{
    const Zmesos__V1__ListAgents *asked = input->request.request->list_agents;
    struct arena *arena = &core->out->arena;
    struct error err;
    if (asked->page_size == 0 || asked->page_size > CORE_GET_MAX) {
        int code = error_set_field(&err, asked->page_size ? ERR_TOO_LARGE : ERR_INVALID,
                "list_agents.page_size", "a page has 1 to %d agents", CORE_GET_MAX);
        reply_refuse(core, input, code, &err);
        return;
    }
    struct smallest found = {.room = asked->page_size};
    found.items = arena_array(arena, found.room, sizeof *found.items);
    find_known(core, asked->after, &found);
    Zmesos__V1__Agents *page = arena_alloc(arena, sizeof *page);
    zmesos__v1__agents__init(page);
    page->agents = arena_array(arena, found.count, sizeof(Zmesos__V1__Agent *));
    for (; page->n_agents < found.count; page->n_agents++)
        page->agents[page->n_agents] = view_known(core, &found.items[page->n_agents]);
    if (found.seen > found.count)
        page->next = page->agents[page->n_agents - 1]->id;
    page->has_total = true;
    page->total = agents_known(core);
    count_offers(core, page);
    Zmesos__V1__Reply *reply = reply_new(core, input->request.request);
    reply->result_case = ZMESOS__V1__REPLY__RESULT_AGENTS;
    reply->agents = page;
    reply_send(core, input->request.token, reply, NULL);
}
