/* What the core decides, looked at when it puts it out. */
#include "sim.h"

#include <string.h>

#include "peek.h"

/* The kill policy that clients asked for last goes with each KILL from now on. */
static void note_grace(struct sim *sim, struct call *call)
{
    const struct kept_task *task;
    const struct attempt_row *row = store_attempt(sim, call->tasks[0].id, &task);
    const struct wish *wish = row ? client_wish(sim, task->row.id, strlen(task->row.id)) : NULL;
    if (wish && wish->graces == 1u << wish->grace_promised_s)
        call->grace_due_s = wish->grace_promised_s;
}

void check_call_decided(struct sim *sim, struct call *call)
{
    struct heard *heard = &sim->daemon.heard;
    const struct word *word = heard->word;
    bool acknowledges = call->type == CALL(ACKNOWLEDGE) || call->type == CALL(ACKNOWLEDGE_OPERATION_STATUS);
    if (call->type == CALL(ACKNOWLEDGE) && call->uuid && call->uuid <= sim->update_count)
        check_may_acknowledge(sim, sim->updates[call->uuid - 1]);
    bool kept = call->type == CALL(ACKNOWLEDGE) && call->uuid && call->uuid <= sim->update_count &&
                consumers_keep(sim, sim->updates[call->uuid - 1]);
    if (acknowledges && word &&
            ((word->update && word->update->uuid == call->uuid) ||
                    (word->operation && word->operation->uuid == call->uuid)))
        heard->acknowledged++;
    else if (acknowledges && !kept)
        violation(sim, "an acknowledgement of what was not heard now");
    for (size_t i = 0; i < call->launch_count; i++) {
        const struct wish *wish = call->launches[i].life->wish;
        const struct kept_task *task = wish ? store_task(sim, wish->id) : NULL;
        if (task && task->row.not_before_ns > world_now(sim).wall_ns + 3 * 1000000 &&
                !sim->weather.faults[FAULT_WALL_JUMP])
            violation(sim, "%s is launched %lld ms before its backoff is over", call->launches[i].life->id,
                    (long long)((task->row.not_before_ns - world_now(sim).wall_ns) / 1000000));
        if (!wish || wish->found)
            violation(sim, "%s is launched, and no client asked for it", call->launches[i].life->id);
        else if (wish->kill_promised && wish->forgets_decided == wish->forgets_kept)
            violation(sim, "%s is launched after its kill was promised", call->launches[i].life->id);
        else if (wish->held && wish->forgets_decided == wish->forgets_kept)
            violation(sim, "%s is launched and was not released", call->launches[i].life->id);
    }
    check_asked_call(sim, call);
    if (call->type == CALL(ACCEPT_INVERSE_OFFERS) || call->type == CALL(DECLINE_INVERSE_OFFERS))
        check_inverse_decided(sim, call);
    if (call->type == CALL(ACCEPT))
        check_accept_decided(sim, call);
    else if (call->type == CALL(DECLINE))
        check_decline_decided(sim, call);
    if (call->type == CALL(KILL))
        note_grace(sim, call);
}

void check_event_decided(struct sim *sim, const struct published *event)
{
    struct heard *heard = &sim->daemon.heard;
    if (event->word && event->word == heard->word)
        heard->published++;
    if (!event->orphan || !event->adopted)
        return;
    if (!heard->word || !heard->word->id || strcmp(heard->word->id, event->orphan) != 0)
        violation(sim, "%s is adopted, and nothing was heard of it", event->orphan);
    else if (state_is_terminal(heard->word->state))
        violation(sim, "%s is adopted, and it is %s", event->orphan, state_name(heard->word->state));
}

/* Every word is published once, and each uuid acknowledged each time it is seen. */
void check_heard(struct sim *sim, const struct heard *heard)
{
    const struct word *word = heard->word;
    bool uuid = word->update || (word->operation && word->operation->uuid);
    if (heard->published != 1)
        violation(sim, "an event of type %d is published %u times", (int)word->type, heard->published);
    if (word->update)
        check_acknowledged(sim, word->update, heard->acknowledged);
    else if (heard->acknowledged != (uuid ? 1u : 0u))
        violation(sim, "%s is acknowledged %u times", "an event", heard->acknowledged);
}

/* ---- forgetting and releasing -----------------------------------------------------------------------------
 */

/* Which id a key was given for. */
void check_task_decided(struct sim *sim, const struct task_row *row)
{
    for (size_t i = sim->named_count; i-- > 0;) {
        if (sim->named[i].key != row->key)
            continue;
        sim->named[i].id = row->id; /* the one before was lost in a crash */
        return;
    }
    if (sim->named_count == sim->named_capacity) {
        size_t capacity = sim->named_capacity ? 2 * sim->named_capacity : 32;
        struct named *named = arena_array(&sim->arena, capacity, sizeof *named);
        if (sim->named_count)
            memcpy(named, sim->named, sim->named_count * sizeof *named);
        sim->named = named;
        sim->named_capacity = capacity;
    }
    sim->named[sim->named_count++] = (struct named){.key = row->key, .id = row->id};
}

void check_forget_decided(struct sim *sim, const struct forget_row *row)
{
    for (size_t i = sim->named_count; i-- > 0;) {
        if (sim->named[i].key != row->task_key)
            continue;
        struct wish *wish = client_wish(sim, sim->named[i].id, strlen(sim->named[i].id));
        if (wish)
            wish->forgets_decided++;
        return;
    }
    violation(sim, "key %lld is forgotten, and there was none", (long long)row->task_key);
}

static void release(struct wish *wish, bool run)
{
    if (!wish->held || !run)
        return;
    wish->held = false;
    wish->released = true;
}

/* It arrives: from now on its tasks may be launched. */
void check_releases(struct sim *sim, const struct request *request)
{
    for (size_t i = 0; i < sim->wish_count && request->count > 0; i++) {
        struct wish *wish = &sim->wishes[i];
        if (wish == request->wishes[0] || (wish->group && wish->group == request->wishes[0]->group))
            release(wish, !request->drop);
    }
    for (size_t i = 0; i < sim->wish_count && request->count == 0; i++)
        release(&sim->wishes[i], !request->drop);
}
