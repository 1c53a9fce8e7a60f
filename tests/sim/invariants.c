/* What must hold. Each check is called where the thing happens, so that a trace ends with its cause. */
#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peek.h"

#define PARCELS_MAX 10000

void violation(struct sim *sim, const char *format, ...)
{
    if (sim->violated)
        return;
    sim->violated = true;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sim->violation, sizeof sim->violation, format, arguments);
    va_end(arguments);
    trace(sim, "CHECK", "%s", sim->violation);
}

static bool is_over(int state)
{
    return state >= (int)VIEW(FINISHED);
}

/* Over stays over; LOST alone may return. */
static bool may_follow(int from, int to)
{
    return !is_over(from) || from == (int)VIEW(LOST) || from == to;
}

static const struct attempt_row *kept_attempt(const struct sim *sim, const struct life *life)
{
    const struct kept_task *kept = life->wish ? store_task(sim, life->wish->id) : NULL;
    return kept && life->attempt <= kept->attempt_count ? &kept->attempts[life->attempt - 1] : NULL;
}

/* ---- what leaves ------------------------------------------------------------------------------------------
 */

static void check_accept(struct sim *sim, const struct call *call)
{
    for (size_t i = 0; i < call->launch_count; i++) {
        struct life *life = call->launches[i].life;
        const struct attempt_row *row = kept_attempt(sim, life);
        if (++life->written > 1)
            violation(sim, "%s was written in an ACCEPT twice", life->id);
        if (!row)
            violation(sim, "%s is launched, and its intent is not on disk", life->id);
        else if (strcmp(row->agent_id, life->agent->id) != 0)
            violation(sim, "%s goes to %s, the disk says %s", life->id, life->agent->id, row->agent_id);
    }
}

static void check_acknowledge(struct sim *sim, const struct call *call)
{
    const struct update *update = call->uuid <= sim->update_count ? sim->updates[call->uuid - 1] : NULL;
    const struct life *life = update ? update->life : NULL;
    if (!update) {
        violation(sim, "an acknowledgement of a uuid that is none");
        return;
    }
    const struct attempt_row *row = kept_attempt(sim, life);
    if (!update->durable)
        violation(sim, "%s %s is acknowledged and not on disk", life->id, state_name(update->state));
    else if (row && state_is_terminal(update->state) && !is_over(row->state))
        violation(sim, "%s %s is acknowledged, on disk it is %s", life->id, state_name(update->state),
                view_name(row->state));
}

static void check_kill(struct sim *sim, const struct call *call)
{
    const char *id = call->tasks[0].id;
    const struct wish *wish = client_wish(sim, id, (size_t)(strchr(id, '.') - id));
    const struct kept_task *kept = wish ? store_task(sim, wish->id) : NULL;
    size_t attempt = (size_t)atoi(strrchr(id, '.') + 1);
    if (!kept || attempt > kept->attempt_count)
        violation(sim, "a KILL of %s, which is not on disk", id);
    else if (!kept->row.kill_requested && !is_over(kept->attempts[attempt - 1].state))
        violation(sim, "a KILL of %s, which nobody asked for", id);
}

void check_call_leaves(struct sim *sim, const struct call *call)
{
    if (call->type == CALL(ACCEPT))
        check_accept(sim, call);
    else if (call->type == CALL(ACKNOWLEDGE))
        check_acknowledge(sim, call);
    else if (call->type == CALL(KILL))
        check_kill(sim, call);
}

static void check_item(
        struct sim *sim, const struct request *request, const struct answered *reply, size_t item)
{
    struct wish *wish = request->wishes[item];
    const struct kept_task *kept = store_task(sim, wish->id);
    bool ok = reply->codes[item] == ZMESOS__V1__CODE__OK;
    switch (request->kind) {
    case REQUEST_LAUNCH:
        if (!ok)
            violation(sim, "the launch of %s is refused: %d", wish->id, (int)reply->codes[item]);
        else if (!kept)
            violation(sim, "the launch of %s is answered and not on disk", wish->id);
        wish->promised = true;
        break;
    case REQUEST_KILL:
        if (ok && (!kept || (!kept->row.kill_requested && !is_over(kept->row.state))))
            violation(sim, "the kill of %s is answered and not on disk", wish->id);
        if (!ok && wish->promised)
            violation(sim, "the kill of %s is refused: %d", wish->id, (int)reply->codes[item]);
        wish->kill_promised |= ok;
        break;
    case REQUEST_CONFLICT:
        if (wish->promised && reply->codes[item] != ZMESOS__V1__CODE__CONFLICT)
            violation(sim, "%s was launched otherwise, and that is answered %d", wish->id,
                    (int)reply->codes[item]);
        break;
    default:
        break;
    }
}

/* A read sees what was written before, and nothing that could be lost. */
static void check_read(struct sim *sim, const struct answered *reply)
{
    for (size_t i = 0; i < reply->count; i++) {
        struct wish *wish = client_wish(sim, reply->ids[i], strlen(reply->ids[i]));
        const struct kept_task *kept = store_task(sim, wish->id);
        if (!kept || reply->revisions[i] > kept->row.revision)
            violation(sim, "revision %llu of %s was read and is not on disk",
                    (unsigned long long)reply->revisions[i], wish->id);
        if (reply->revisions[i] < wish->read_revision)
            violation(sim, "revision %llu of %s was read after a later one",
                    (unsigned long long)reply->revisions[i], wish->id);
        wish->read_revision = reply->revisions[i];
    }
    for (size_t i = 0; i < reply->missing; i++) {
        const char *id = reply->ids[reply->count + i];
        if (client_wish(sim, id, strlen(id))->promised)
            violation(sim, "%s was promised and is missing", id);
    }
}

void check_reply_leaves(struct sim *sim, const struct answered *reply)
{
    const struct request *request = sim->requests[reply->token - 1];
    if (reply->tasks) {
        check_read(sim, reply);
        return;
    }
    for (size_t i = 0; i < reply->count; i++)
        check_item(sim, request, reply, i);
}

void check_event_leaves(struct sim *sim, const struct published *event)
{
    uint64_t *last = &sim->published[event->class];
    if (event->journaled && sim->store.numbers[event->class] < event->number)
        violation(sim, "event %d/%llu is published and not on disk", event->class,
                (unsigned long long)event->number);
    /* What was kept and not published before a crash can be replayed: a gap in what is heard is no hole. */
    if (event->journaled ? event->number <= *last : event->number != *last + 1)
        violation(sim, "event %d/%llu is published after %llu", event->class,
                (unsigned long long)event->number, (unsigned long long)*last);
    *last = event->number;
    struct wish *wish = event->wish;
    if (!wish)
        return;
    if (wish->seen && !may_follow(wish->seen, event->state))
        violation(sim, "%s is published as %s after %s", wish->id, view_name(event->state),
                view_name(wish->seen));
    if (event->revision <= wish->seen_revision)
        violation(sim, "revision %llu of %s is published after %llu", (unsigned long long)event->revision,
                wish->id, (unsigned long long)wish->seen_revision);
    wish->seen = event->state;
    wish->seen_revision = event->revision;
}

/* ---- what is kept -----------------------------------------------------------------------------------------
 */

static void check_task_row(struct sim *sim, const struct task_row *row, const struct kept_task *before)
{
    if (!before && !row->spec)
        violation(sim, "%s has no specification", row->id);
    if (!before)
        return;
    if (strcmp(before->row.id, row->id) != 0 || row->revision <= before->row.revision)
        violation(sim, "%s revision %llu replaces %s revision %llu", row->id,
                (unsigned long long)row->revision, before->row.id, (unsigned long long)before->row.revision);
    if (!may_follow(before->row.state, row->state))
        violation(sim, "%s goes from %s to %s", row->id, view_name(before->row.state), view_name(row->state));
    if (before->row.kill_requested && !row->kill_requested)
        violation(sim, "the kill of %s is forgotten", row->id);
}

static void check_attempt_row(struct sim *sim, const struct attempt_row *row, const struct kept_task *task)
{
    if (!task || row->number == 0 || row->number > task->attempt_count + 1) {
        violation(sim, "attempt %u of key %lld fits nothing", row->number, (long long)row->task_key);
        return;
    }
    if (row->number > task->attempt_count)
        return;
    const struct attempt_row *before = &task->attempts[row->number - 1];
    if (!may_follow(before->state, row->state))
        violation(sim, "attempt %u of %s goes from %s to %s", row->number, task->row.id,
                view_name(before->state), view_name(row->state));
    if (before->flags & ~row->flags)
        violation(sim, "attempt %u of %s forgets what it had seen", row->number, task->row.id);
}

void check_row_kept(struct sim *sim, const struct record *record, const struct kept_task *before)
{
    if (record->kind == RECORD_TASK) {
        check_task_row(sim, &record->task, before);
    } else if (record->kind == RECORD_ATTEMPT) {
        check_attempt_row(sim, &record->attempt, before);
    } else if (record->kind == RECORD_EVENT) {
        uint64_t last = sim->store.numbers[record->event.class];
        if (record->event.number != last + 1)
            violation(sim, "event %d/%llu is kept after %llu", (int)record->event.class,
                    (unsigned long long)record->event.number, (unsigned long long)last);
    }
}

/* What was promised is there; a request that was not answered is there whole, or not at all. */
void check_recovered(struct sim *sim)
{
    for (size_t i = 0; i < sim->wish_count; i++) {
        const struct wish *wish = &sim->wishes[i];
        const struct kept_task *kept = store_task(sim, wish->id), *first;
        first = store_task(sim, wish->request->wishes[0]->id);
        if (wish->promised && !kept)
            violation(sim, "%s was promised and is lost", wish->id);
        if (kept && !slice_equal(blob_slice(kept->row.spec), wish->spec))
            violation(sim, "%s is kept with another specification", wish->id);
        if (wish->kill_promised && (!kept || (!kept->row.kill_requested && !is_over(kept->row.state))))
            violation(sim, "the kill of %s was promised and is lost", wish->id);
        if (!kept != !first)
            violation(sim, "of a launch %s is kept and %s is not", kept ? wish->id : first->row.id,
                    kept ? first->row.id : wish->id);
    }
}

/* ---- what runs --------------------------------------------------------------------------------------------
 */

void check_started(struct sim *sim, const struct life *started)
{
    if (started->wish->starts > 1)
        violation(sim, "%s is started twice, now as %s", started->wish->id, started->id);
    for (size_t i = 0; i < sim->life_count; i++) {
        const struct life *life = sim->lives[i];
        if (life != started && life->wish == started->wish && life->place == PLACE_ALIVE)
            violation(sim, "%s and %s are alive at once", life->id, started->id);
    }
}

void check_sizes(struct sim *sim)
{
    struct peek peek;
    if (!sim->daemon.up)
        return;
    peek_core(sim->daemon.core, world_now(sim), &peek);
    /* Offers that were rescinded or answered may be on their way, once for each allocation. */
    if (peek.offers > (size_t)sim->agent_count * 64)
        violation(sim, "%zu offers are held", peek.offers);
    bool was_frozen = sim->now_us < sim->daemon.frozen_until_us + SECOND;
    if (peek.oldest_offer_ms > sim->daemon.config.offer_hold_ms + 1000 && !was_frozen)
        violation(sim, "an offer is held for %lld ms", (long long)peek.oldest_offer_ms);
    if (peek.asked > sim->wish_count || peek.agents > (size_t)sim->agent_count ||
            peek.timers > sim->wish_count || peek.tasks > sim->wish_count)
        violation(sim, "%zu tasks are asked about, %zu agents, %zu timers, %zu tasks", peek.asked,
                peek.agents, peek.timers, peek.tasks);
    if (peek.calls > sim->life_count)
        violation(sim, "%zu ACCEPTs are in flight", peek.calls);
    if (sim->daemon.waiting > PARCELS_MAX)
        violation(sim, "%zu outputs wait", sim->daemon.waiting);
}

/* ---- when all is quiet ------------------------------------------------------------------------------------
 */

static bool reachable(const struct agent *agent)
{
    return !agent->dead && agent->standing == STANDING_REGISTERED;
}

/* An agent on which it would fit now, all that is offered included. */
static const struct agent *room_for(const struct sim *sim, const struct wish *wish)
{
    for (int i = 0; i < sim->agent_count; i++) {
        const struct agent *agent = &sim->agents[i];
        int64_t left = agent->cpus;
        for (size_t j = 0; j < sim->life_count; j++) {
            const struct life *life = sim->lives[j];
            if (life->agent == agent && life->known && !state_is_terminal(life->latest))
                left -= life->cpus;
        }
        if (reachable(agent) && agent->connected && left >= wish->cpus)
            return agent;
    }
    return NULL;
}

static const struct life *alive(const struct sim *sim, const struct wish *wish)
{
    for (size_t i = 0; i < sim->life_count; i++) {
        const struct life *life = sim->lives[i];
        if (life->wish == wish && reachable(life->agent) &&
                (life->place == PLACE_ALIVE || life->place == PLACE_PENDING))
            return life;
    }
    return NULL;
}

static void check_live(struct sim *sim, const struct kept_task *kept, const struct life *life)
{
    const struct attempt_row *attempt = &kept->attempts[kept->attempt_count - 1];
    struct agent *agent = sim_agent(sim, attempt->agent_id);
    enum standing standing =
            agent->dead && agent->standing == STANDING_REGISTERED ? STANDING_UNREACHABLE : agent->standing;
    const char *state = view_name(kept->row.state);
    if (kept->row.state == (int)VIEW(UNREACHABLE) || kept->row.state == (int)VIEW(UNKNOWN)) {
        enum standing named = kept->row.state == (int)VIEW(UNKNOWN) ? STANDING_NONE : STANDING_UNREACHABLE;
        if (standing != named)
            violation(sim, "%s stays %s though its agent %s is not", kept->row.id, state, agent->id);
    } else if (!life) {
        violation(sim, "%s stays %s and does not run", kept->row.id, state);
    } else if (kept->row.kill_requested) {
        violation(sim, "%s stays %s though it was killed", kept->row.id, state);
    } else if (kept->row.state != (int)VIEW(RUNNING) || life->attempt != attempt->number) {
        violation(sim, "%s is %s, and %s runs", kept->row.id, state, life->id);
    }
}

static void check_wish(struct sim *sim, const struct wish *wish)
{
    const struct kept_task *kept = store_task(sim, wish->id);
    const struct life *life = alive(sim, wish);
    if (!kept)
        return;
    if (is_over(kept->row.state)) {
        if (life)
            violation(sim, "%s is %s, and %s runs", wish->id, view_name(kept->row.state), life->id);
    } else if (kept->row.state != (int)VIEW(QUEUED)) {
        check_live(sim, kept, life);
    } else if (life) {
        violation(sim, "%s waits, and %s runs", wish->id, life->id);
    } else if (room_for(sim, wish)) {
        violation(sim, "%s waits though %s has room", wish->id, room_for(sim, wish)->id);
    }
}

void check_settled(struct sim *sim)
{
    struct peek peek;
    if (!sim->daemon.up) {
        violation(sim, "our daemon is not up");
        return;
    }
    peek_core(sim->daemon.core, world_now(sim), &peek);
    if (!peek.subscribed)
        violation(sim, "there is no subscription");
    check_recovered(sim);
    for (size_t i = 0; i < sim->wish_count && !sim->violated; i++)
        check_wish(sim, &sim->wishes[i]);
    for (size_t i = 0; i < sim->life_count && !sim->violated; i++) {
        const struct life *life = sim->lives[i];
        if (reachable(life->agent) && life->updates)
            violation(sim, "%s %s is not acknowledged", life->id, state_name(life->updates->state));
    }
}
