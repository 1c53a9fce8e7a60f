/* Operations that an earlier life of this framework started, and that still report: an agent repeats the
 * status until it is acknowledged. */
#include "sim.h"

#define REPEAT_MIN (10 * SECOND)

static void report(struct sim *sim, void *context, uint64_t number)
{
    (void)number;
    struct operation *operation = context;
    struct agent *agent = operation->agent;
    if (operation->acknowledged || agent->dead)
        return;
    if (agent->registered && agent->up && !agent->cut_off && agent->connected && sim->master.up) {
        struct word *word = NEW(sim, struct word);
        *word = (struct word){
                .type = EVENT(UPDATE_OPERATION_STATUS), .agent = agent->id, .operation = operation};
        master_tell(sim, word);
    }
    if (operation->uuid)
        world_after(sim, operation->retry_us, report, operation, 0);
    operation->retry_us *= 2;
    if (operation->retry_us > sim->weather.retry_max_us)
        operation->retry_us = sim->weather.retry_max_us;
}

void operation_begin(struct sim *sim, struct agent *agent)
{
    if (sim->operation_count == OPERATIONS_MAX)
        return;
    struct operation *operation = &sim->operations[sim->operation_count++];
    *operation = (struct operation){.id = arena_format(&sim->arena, "operation-%zu", sim->operation_count),
            .agent = agent,
            .uuid = random_below(&sim->random, 4) ? OPERATION_UUID + sim->operation_count : 0,
            .retry_us = REPEAT_MIN};
    report(sim, operation, 0);
}

struct operation *operation_of_uuid(struct sim *sim, uint64_t uuid)
{
    return uuid > OPERATION_UUID && uuid <= OPERATION_UUID + sim->operation_count
                   ? &sim->operations[uuid - OPERATION_UUID - 1]
                   : NULL;
}
