/* Fair shares (docs/protocol.md "Fair shares"): of the tasks that wait in a role with the same priority,
 * those of the submitter go first whose dominant share of the cluster, divided by its weight, is the
 * smallest. What a submitter uses is what its attempts hold that may be alive; the cluster is what was ever
 * offered of the agents that are known, beside what we use there. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define SHARE_UNIT 1e12 /* of the whole cluster, in a share */
#define LINE_COST 10    /* of comparing a line's share, in steps of matching */

static struct submitter *submitter_get(struct core *core, const char *name)
{
    struct submitter *submitter = map_get_string(&core->submitters, name);
    if (submitter)
        return submitter;
    submitter = alloc_zeroed(1, sizeof *submitter);
    submitter->name = alloc_string(name);
    submitter->weight = 1000;
    for (size_t i = 0; i < core->config.weight_count; i++) {
        if (strcmp(core->config.weights[i].submitter, name) == 0)
            submitter->weight = core->config.weights[i].weight;
    }
    map_put(&core->submitters, slice_of_string(submitter->name), submitter);
    return submitter;
}

static struct level *level_get(struct core *core, struct role *role, int32_t priority)
{
    struct level_id id = {role, priority};
    struct level *level = map_get(&core->levels, slice_of(&id, sizeof id));
    if (level)
        return level;
    level = alloc_zeroed(1, sizeof *level);
    level->id = id;
    list_init(&level->lines);
    heap_init(&level->waiting);
    map_put(&core->levels, slice_of(&level->id, sizeof level->id), level);
    return level;
}

struct line *line_get(struct core *core, struct role *role, int32_t priority, const char *name)
{
    struct line_id id = {level_get(core, role, priority), submitter_get(core, name)};
    struct line *line = map_get(&core->lines, slice_of(&id, sizeof id));
    if (!line) {
        line = alloc_zeroed(1, sizeof *line);
        line->id = id;
        heap_init(&line->waiting);
        id.level->line_count++;
        id.submitter->lines++;
        map_put(&core->lines, slice_of(&line->id, sizeof line->id), line);
    }
    line->shapes++;
    return line;
}

void line_release(struct core *core, struct line *line)
{
    if (--line->shapes > 0)
        return;
    struct level *level = line->id.level;
    struct submitter *submitter = line->id.submitter;
    map_remove(&core->lines, slice_of(&line->id, sizeof line->id));
    heap_clear(&line->waiting);
    free(line);
    if (--level->line_count == 0) {
        map_remove(&core->levels, slice_of(&level->id, sizeof level->id));
        shared_drop(core, level->served);
        heap_clear(&level->waiting);
        free(level);
    }
    if (--submitter->lines == 0) {
        map_remove(&core->submitters, slice_of_string(submitter->name));
        free(submitter->name);
        free(submitter);
    }
}

/* Sums go round past 2^64, and come back. */
void shares_count(struct core *core, const struct task *task, bool more)
{
    for (int s = 0; s < SCALAR_COUNT; s++) {
        uint64_t amount =
                (uint64_t)task->shape->scalars[s] + demand_amount(task->shape->demand, scalar_names[s]);
        amount = more ? amount : 0 - amount;
        task->shape->line->id.submitter->used[s] += amount;
        task->agent->used[s] += amount;
        core->used[s] += amount;
    }
}

void shares_learn(struct core *core, const struct offer *offer)
{
    struct site *site = map_get_string(&core->sites, offer->offer->agent_id->value);
    const struct agent *agent = map_get_string(&core->agents, offer->offer->agent_id->value);
    for (int s = 0; site && s < SCALAR_COUNT; s++) {
        uint64_t has = (uint64_t)offer->total[s] + (agent ? agent->used[s] : 0);
        if (has <= site->most[s])
            continue;
        core->cluster[s] += has - site->most[s];
        site->most[s] = has;
    }
}

void shares_forget(struct core *core, const struct site *site)
{
    for (int s = 0; s < SCALAR_COUNT; s++)
        core->cluster[s] -= site->most[s];
}

static void measure(const struct core *core, uint64_t whole[SCALAR_COUNT])
{
    for (int s = 0; s < SCALAR_COUNT; s++)
        whole[s] = core->cluster[s] > core->used[s] ? core->cluster[s] : core->used[s];
}

void shares_begin(struct core *core)
{
    measure(core, core->whole);
}

static double dominant(const uint64_t whole[SCALAR_COUNT], const struct submitter *submitter)
{
    double largest = 0;
    for (int s = 0; s < SCALAR_COUNT; s++) {
        double share = whole[s] > 0 ? (double)submitter->used[s] / (double)whole[s] : 0;
        largest = share > largest ? share : largest;
    }
    return largest;
}

double shares_dominant(const struct core *core, const struct submitter *submitter)
{
    uint64_t whole[SCALAR_COUNT];
    measure(core, whole);
    return dominant(whole, submitter);
}

static int64_t weighted(const struct core *core, const struct submitter *submitter)
{
    double share = dominant(core->whole, submitter) * SHARE_UNIT * 1000 / (double)submitter->weight;
    return share < (double)(INT64_MAX / 2) ? (int64_t)share : INT64_MAX / 2;
}

/* ---- the order ---- */

static void settle_line(struct line *line)
{
    struct level *level = line->id.level;
    if (line->waiting.count > 0) {
        heap_set_pair(&level->waiting, &line->node, line->share, heap_first(&line->waiting)->key);
        if (!list_linked(&line->link))
            list_append(&level->lines, &line->link);
    } else {
        heap_remove(&level->waiting, &line->node);
        list_remove(&level->lines, &line->link);
    }
    if (level->waiting.count == 0)
        heap_clear(&level->waiting);
    if (level->waiting.count > 0)
        heap_set(&level->id.role->queue, &level->node, -level->id.priority);
    else
        heap_remove(&level->id.role->queue, &level->node);
}

void line_set(struct line *line, struct heap_node *shape, int64_t key)
{
    heap_set(&line->waiting, shape, key);
    settle_line(line);
}

void line_unset(struct line *line, struct heap_node *shape)
{
    heap_remove(&line->waiting, shape);
    if (line->waiting.count == 0)
        heap_clear(&line->waiting); /* many have one shape, with one task */
    settle_line(line);
}

/* Shares that became smaller are seen when a level is looked at for the first time in a round, those that
 * grow when they are about to be served. */
static void begin_level(struct core *core, struct level *level)
{
    if (level->round == core->round)
        return;
    level->round = core->round;
    size_t cost = (level->lines.count - 1) * LINE_COST; /* one alone is compared with none */
    core->match_left -= core->match_left < cost ? core->match_left : cost;
    for (struct list_link *link = list_first(&level->lines); link; link = list_next(&level->lines, link)) {
        struct line *line = list_item(link, struct line, link);
        line->share = weighted(core, line->id.submitter);
        settle_line(line);
    }
}

struct line *line_next(struct core *core, const struct role *role)
{
    struct heap_node *node = heap_first(&role->queue);
    if (!node)
        return NULL;
    struct level *level = list_item(node, struct level, node);
    begin_level(core, level);
    for (;;) {
        struct line *line = list_item(heap_first(&level->waiting), struct line, node);
        int64_t share = weighted(core, line->id.submitter);
        if (share <= line->share)
            return line;
        line->share = share;
        settle_line(line);
    }
}

void shares_served(struct core *core, const struct shape *shape)
{
    struct level *level = shape->line->id.level;
    level->served_round = core->round;
    shared_set(core, &level->served, shape->line->id.submitter->name);
}

static const char *named(const char *text)
{
    return text ? text : "";
}

void shares_refused(struct core *core, struct shape *shape)
{
    const struct level *level = shape->line->id.level;
    shape->beaten = level->served_round == core->round &&
                    strcmp(named(level->served), shape->line->id.submitter->name) != 0;
    if (shape->beaten)
        shared_set(core, &shape->beaten_by, level->served);
}

const char *shares_words(struct core *core, const struct shape *shape)
{
    if (!shape->beaten)
        return "the room was taken by tasks that come first";
    return arena_format(&core->out->arena,
            "the room was taken by tasks that come first: it was the turn of %s%s, by the fair shares",
            shape->beaten_by ? "submitter " : "those without a submitter", named(shape->beaten_by));
}
