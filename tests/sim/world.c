/* Virtual time: a heap of events. Two at the same instant come in the order in which they were made. */
#include "sim.h"

#include <string.h>

#define SEQUENCE_BITS 24
#define LATEST_US (24 * 60 * MINUTE)
#define MONO_START_MS 5000000
#define WALL_START_NS ((int64_t)1700000000 * 1000000000)

void *sim_alloc(struct sim *sim, size_t size)
{
    return arena_alloc(&sim->arena, size);
}

void world_after(struct sim *sim, int64_t delay_us, event_fn *fn, void *context, uint64_t number)
{
    if (delay_us > LATEST_US)
        return; /* past the end of any run, and past what the key holds */
    struct event *event = sim->free_events;
    if (event)
        sim->free_events = event->next_free;
    else
        event = NEW(sim, struct event);
    event->fn = fn;
    event->context = context;
    event->number = number;
    int64_t at_us = sim->now_us + (delay_us > 0 ? delay_us : 0);
    int64_t order = (int64_t)(sim->sequence++ & (((uint64_t)1 << SEQUENCE_BITS) - 1));
    heap_set(&sim->events, &event->node, at_us << SEQUENCE_BITS | order);
}

bool world_step(struct sim *sim)
{
    struct heap_node *node = heap_first(&sim->events);
    if (!node)
        return false;
    struct event *event = list_item(node, struct event, node);
    sim->now_us = node->key >> SEQUENCE_BITS;
    heap_remove(&sim->events, node);
    event_fn *fn = event->fn;
    void *context = event->context;
    uint64_t number = event->number;
    event->next_free = sim->free_events;
    sim->free_events = event;
    sim->steps++;
    fn(sim, context, number);
    return true;
}

struct now world_now(const struct sim *sim)
{
    return (struct now){.mono_ms = MONO_START_MS + sim->now_us / MS,
            .wall_ns = WALL_START_NS + sim->now_us * 1000 + sim->wall_offset_ns};
}

static const char *const role_names[ROLES] = {"r1", "r2", "r3"};

const char *role_name(int role)
{
    return role_names[role];
}

int role_of(const char *name)
{
    for (int i = 0; i < ROLES; i++) {
        if (strcmp(role_names[i], name) == 0)
            return i;
    }
    return -1;
}

struct life *sim_life(const struct sim *sim, const char *id)
{
    for (size_t i = sim->life_count; i-- > 0;) {
        if (strcmp(sim->lives[i]->id, id) == 0)
            return sim->lives[i];
    }
    return NULL;
}

struct agent *sim_agent(struct sim *sim, const char *id)
{
    for (int i = 0; id && i < sim->agent_count; i++) {
        if (strcmp(sim->agents[i].id, id) == 0)
            return &sim->agents[i];
    }
    return NULL;
}

struct life *sim_new_life(struct sim *sim, const char *id)
{
    if (sim->life_count == sim->life_capacity) {
        size_t capacity = sim->life_capacity ? 2 * sim->life_capacity : 32;
        struct life **lives = arena_array(&sim->arena, capacity, sizeof(struct life *));
        if (sim->life_count)
            memcpy(lives, sim->lives, sim->life_count * sizeof(struct life *));
        sim->lives = lives;
        sim->life_capacity = capacity;
    }
    struct life *life = NEW(sim, struct life);
    sim->lives[sim->life_count++] = life;
    life->id = id;
    return life;
}
