/* What leaves: nothing that could be lost, nothing twice. */
#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "peek.h"

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

bool is_over(int state)
{
    return state >= (int)VIEW(FINISHED);
}

bool is_final(int state)
{
    return is_over(state) && state != (int)VIEW(LOST);
}

bool may_follow(int from, int to)
{
    return !is_over(from) || from == (int)VIEW(LOST) || from == to;
}

/* ---- calls ------------------------------------------------------------------------------------------------
 */

/* Never where an attempt of it has ended. */
static void check_elsewhere(struct sim *sim, const struct kept_task *task, const struct attempt_row *row)
{
    const struct wish *wish = client_wish(sim, task->row.id, strlen(task->row.id));
    for (uint32_t i = 0; wish && wish->policy.elsewhere && i + 1 < row->number; i++) {
        const struct attempt_row *before = &task->attempts[i];
        if (is_over(before->state) && !(before->flags & peek_never_ran) &&
                strcmp(before->agent_id, row->agent_id) == 0)
            violation(sim, "attempt %u of %s goes to %s as attempt %u did", row->number, wish->id,
                    row->agent_id, before->number);
    }
}

static void check_accept(struct sim *sim, const struct call *call)
{
    check_deeds_accepted(sim, call);
    for (size_t i = 0; i < call->launch_count; i++) {
        struct life *life = call->launches[i].life;
        const struct kept_task *task;
        const struct attempt_row *row = store_attempt(sim, life->id, &task);
        life->written_us = sim->now_us;
        if (++life->written > 1)
            violation(sim, "%s was written in an ACCEPT twice", life->id);
        if (!row) {
            violation(sim, "%s is launched, and its intent is not on disk", life->id);
        } else {
            if (strcmp(row->agent_id, life->agent->id) != 0)
                violation(sim, "%s goes to %s, the disk says %s", life->id, life->agent->id, row->agent_id);
            check_elsewhere(sim, task, row);
        }
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
    const struct kept_task *task;
    const struct attempt_row *row = store_attempt(sim, life->id, &task);
    if (!update->durable_us)
        violation(sim, "%s %s is acknowledged and not on disk", life->id, state_name(update->state));
    else if (row && state_is_terminal(update->state) && !is_over(row->state) && !(row->flags & peek_replaced))
        violation(sim, "%s %s is acknowledged, on disk it is %s", life->id, state_name(update->state),
                view_name(row->state));
}

static void check_acknowledge_operation(struct sim *sim, const struct call *call)
{
    const struct operation *operation = operation_of_uuid(sim, call->uuid);
    if (!operation || strcmp(operation->id, call->operation) != 0)
        violation(sim, "an acknowledgement of %s, which has another uuid", call->operation);
    else if (!operation->durable_us)
        violation(sim, "%s is acknowledged and not on disk", operation->id);
}

/* By the wall clock, which may jump, to a millisecond. */
static bool is_late(const struct sim *sim, const struct kept_task *task, const struct attempt_row *row)
{
    const struct wish *wish = client_wish(sim, task->row.id, strlen(task->row.id));
    int64_t own_ms = wish && !(task->row.flags & peek_adopted) ? wish->launch_timeout_ms : 0;
    int64_t timeout_ms = own_ms ? own_ms : sim->daemon.config.launch_timeout_ms;
    return sim->weather.faults[FAULT_WALL_JUMP] ||
           world_now(sim).wall_ns - row->launched_ns >= (timeout_ms - 1) * 1000000;
}

/* A member of its group has failed or was killed. */
static bool ends_apart(const struct sim *sim, const struct wish *wish)
{
    for (size_t i = 0; i < sim->wish_count; i++) {
        const struct kept_task *task =
                sim->wishes[i].group == wish->group ? store_task(sim, sim->wishes[i].id) : NULL;
        if (task && is_final(task->row.state) && task->row.state != (int)VIEW(FINISHED))
            return true;
    }
    return false;
}

/* Of a task that clients want dead, of an attempt that was given up or did not start in time, of an orphan.
 */
static void check_kill(struct sim *sim, const struct call *call)
{
    const char *id = call->tasks[0].id;
    const struct life *life = sim_life(sim, id);
    const struct kept_task *task;
    const struct attempt_row *row = store_attempt(sim, id, &task);
    if (!row) {
        bool forgotten = life && life->wish && (life->wish->forgets_kept > 0 || sim->restores > 0);
        if (life && life->written > 0 && !forgotten)
            violation(sim, "a KILL of %s, which is not on disk", id);
        return;
    }
    if (is_over(row->state) || row->flags & peek_replaced)
        return;
    const struct wish *wish = client_wish(sim, task->row.id, strlen(task->row.id));
    if (call->grace_s && !(wish && wish->graces & (1u << call->grace_s)))
        violation(sim, "a KILL of %s with a grace of %lld s", id, (long long)call->grace_s);
    if (call->grace_due_s && call->grace_s != call->grace_due_s)
        violation(sim, "a KILL of %s without the grace that was asked for", id);
    if (task->row.kill_requested || row->flags & peek_drained ||
            (wish && wish->group && ends_apart(sim, wish)))
        return;
    if (!(row->flags & peek_timed_out))
        violation(sim, "a KILL of %s, which nobody asked for", id);
    else if (!is_late(sim, task, row))
        violation(sim, "a KILL of %s before its launch timeout", id);
}

void check_call_leaves(struct sim *sim, const struct call *call)
{
    if (!sim->daemon.up)
        violation(sim, "%s leaves a daemon that ended", call_name(call->type));
    if (call->type == CALL(ACCEPT))
        check_accept(sim, call);
    else if (call->type == CALL(ACKNOWLEDGE))
        check_acknowledge(sim, call);
    else if (call->type == CALL(ACKNOWLEDGE_OPERATION_STATUS))
        check_acknowledge_operation(sim, call);
    else if (call->type == CALL(KILL))
        check_kill(sim, call);
}

/* ---- replies ----------------------------------------------------------------------------------------------
 */

/* Of its group: then all of it is refused. */
static bool one_is_adopted(const struct sim *sim, const struct wish *wish)
{
    for (size_t i = 0; i < sim->wish_count; i++) {
        const struct kept_task *task =
                sim->wishes[i].group == wish->group ? store_task(sim, sim->wishes[i].id) : NULL;
        if (task && task->row.flags & peek_adopted)
            return true;
    }
    return false;
}

static void check_launched(struct sim *sim, struct wish *wish, const struct kept_task *kept, int code)
{
    bool adopted = kept && kept->row.flags & peek_adopted;
    if (code == ZMESOS__V1__CODE__CONFLICT && wish->group && one_is_adopted(sim, wish))
        return;
    if ((code == ZMESOS__V1__CODE__INVALID && wish->role == ROLE_ADDED) ||
            (code == ZMESOS__V1__CODE__UNAVAILABLE && sim->features[FEATURE_TEARDOWN]))
        return; /* there is no such role now, or the framework is to end */
    if (code != ZMESOS__V1__CODE__OK && !adopted)
        violation(sim, "the launch of %s is refused: %d", wish->id, code);
    else if (!kept)
        violation(sim, "the launch of %s is answered and not on disk", wish->id);
    wish->promised |= !adopted;
}

static void check_killed(struct sim *sim, const struct request *request, struct wish *wish,
        const struct kept_task *kept, bool promised, int code)
{
    bool ok = code == ZMESOS__V1__CODE__OK;
    if (ok && (!kept || (!kept->row.kill_requested && !is_final(kept->row.state))))
        violation(sim, "the kill of %s is answered and not on disk", wish->id);
    for (size_t i = 0; ok && wish->group && i < sim->wish_count; i++) {
        const struct wish *other = &sim->wishes[i];
        const struct kept_task *its = other->group == wish->group ? store_task(sim, other->id) : NULL;
        if (its && !(its->row.flags & peek_adopted) && !(kept->row.flags & peek_adopted) &&
                !its->row.kill_requested && !is_final(its->row.state) && !is_final(kept->row.state))
            violation(
                    sim, "the kill of %s is answered, and its group's %s is not killed", wish->id, other->id);
    }
    if (!ok && promised)
        violation(sim, "the kill of %s is refused: %d", wish->id, code);
    if (ok && !is_over(kept->row.state))
        wish->grace_promised_s = request->grace_s;
    wish->kill_promised |= ok;
}

static void check_item(
        struct sim *sim, const struct request *request, const struct answered *reply, size_t item)
{
    struct wish *wish = client_wish(sim, reply->ids[item], strlen(reply->ids[item]));
    const struct kept_task *kept = store_task(sim, reply->ids[item]);
    int code = (int)reply->codes[item];
    if (!wish || wish->forgets_kept > reply->forgets[item])
        return; /* forgotten since */
    bool promised = reply->promised >> (wish - sim->wishes) & 1;
    switch (request->kind) {
    case REQUEST_LAUNCH:
    case REQUEST_AGAIN:
        check_launched(sim, wish, kept, code);
        break;
    case REQUEST_KILL:
    case REQUEST_KILL_LABEL:
        check_killed(sim, request, wish, kept, promised, code);
        break;
    case REQUEST_CONFLICT:
        if (promised && code != ZMESOS__V1__CODE__CONFLICT)
            violation(sim, "%s was launched otherwise, and that is answered %d", wish->id, code);
        break;
    case REQUEST_RELEASE:
        if (code == ZMESOS__V1__CODE__OK &&
                (!kept || (kept->row.flags & peek_held && !is_over(kept->row.state))))
            violation(sim, "the release of %s is answered and not on disk", wish->id);
        break;
    default:
        break;
    }
}

/* A kill by label was for every task that carries it. */
static void check_labelled(struct sim *sim, const struct request *request, const struct answered *reply)
{
    for (size_t i = 0; i < sim->wish_count; i++) {
        const struct wish *wish = &sim->wishes[i];
        const struct kept_task *kept = store_task(sim, wish->id);
        bool meant = wish->label && (!request->label || strcmp(wish->label, request->label) == 0);
        if (meant && reply->promised >> i & 1 && wish->promised && kept && !kept->row.kill_requested &&
                !is_over(kept->row.state) && !(kept->row.flags & peek_adopted))
            violation(sim, "a kill by label is answered, and on disk %s is not killed", wish->id);
    }
}

/* A read sees what was written before, and nothing that could be lost. */
static void check_read(struct sim *sim, const struct answered *reply)
{
    for (size_t i = 0; i < reply->count; i++) {
        struct wish *wish = client_wish(sim, reply->ids[i], strlen(reply->ids[i]));
        const struct kept_task *kept = store_task(sim, reply->ids[i]);
        bool counted = wish && !wish->found;
        if (counted ? wish->forgets_kept > reply->forgets[i] : !kept)
            continue; /* forgotten since */
        if (!kept || reply->revisions[i] > kept->row.revision)
            violation(sim, "revision %llu of %s was read and is not on disk",
                    (unsigned long long)reply->revisions[i], reply->ids[i]);
        if (!wish)
            continue;
        if (reply->revisions[i] < wish->read_revision)
            violation(sim, "revision %llu of %s was read after a later one",
                    (unsigned long long)reply->revisions[i], wish->id);
        wish->read_revision = reply->revisions[i];
    }
    for (size_t i = 0; i < reply->missing; i++) {
        const char *id = reply->ids[reply->count + i];
        const struct wish *wish = client_wish(sim, id, strlen(id));
        if (wish->promised && wish->forgets_kept == reply->forgets[reply->count + i])
            violation(sim, "%s was promised and is missing", id);
    }
}

static bool names(const struct answered *reply, const char *id)
{
    for (size_t i = 0; i < reply->count; i++) {
        if (strcmp(reply->ids[i], id) == 0)
            return true;
    }
    return false;
}

static void check_listed(struct sim *sim, const struct answered *reply)
{
    for (size_t i = 0; i < sim->wish_count && reply->count < ANSWER_MAX; i++) {
        const struct wish *wish = &sim->wishes[i];
        if (reply->promised >> i & 1 && wish->promised && !names(reply, wish->id))
            violation(sim, "%s was promised and is not in a list", wish->id);
    }
}

void check_reply_leaves(struct sim *sim, const struct answered *reply)
{
    const struct request *request = sim->requests[reply->token - 1];
    if (!sim->daemon.up)
        violation(sim, "a reply leaves a daemon that ended");
    if (reply->tasks)
        check_read(sim, reply);
    if (request->kind == REQUEST_CONFIRM)
        consumers_promise(sim, reply);
    if (request->kind == REQUEST_OPERATE || request->kind == REQUEST_CANCEL)
        check_deed_reply(sim, request, reply);
    if (request->kind == REQUEST_LIST)
        check_listed(sim, reply);
    if (request->kind == REQUEST_KILL_LABEL)
        check_labelled(sim, request, reply);
    for (size_t i = 0; i < reply->count && !reply->tasks; i++)
        check_item(sim, request, reply, i);
}

/* ---- events -----------------------------------------------------------------------------------------------
 */

static void check_task_event(struct sim *sim, struct wish *wish, const struct published *event)
{
    if (event->forgets != wish->seen_forgets) { /* the id was forgotten, and is another task now */
        wish->seen_forgets = event->forgets;
        wish->seen = 0;
        wish->seen_revision = 0;
    }
    if (wish->seen && !may_follow(wish->seen, event->state))
        violation(sim, "%s is published as %s after %s", wish->id, view_name(event->state),
                view_name(wish->seen));
    if (event->revision <= wish->seen_revision)
        violation(sim, "revision %llu of %s is published after %llu", (unsigned long long)event->revision,
                wish->id, (unsigned long long)wish->seen_revision);
    wish->seen = event->state;
    wish->seen_revision = event->revision;
}

void check_event_leaves(struct sim *sim, const struct published *event)
{
    uint64_t *last = &sim->published[event->class];
    uint64_t kept = sim->store.disk.numbers[event->class];
    if (!sim->daemon.up)
        violation(sim, "an event leaves a daemon that ended");
    if (event->journaled && kept < event->number)
        violation(sim, "event %d/%llu is published and not on disk", event->class,
                (unsigned long long)event->number);
    /* What was kept and not published before a crash can be replayed: a gap in what is heard is no hole. */
    if (event->journaled ? event->number <= *last : event->number != *last + 1)
        violation(sim, "event %d/%llu is published after %llu", event->class,
                (unsigned long long)event->number, (unsigned long long)*last);
    *last = event->number;
    if (event->wish)
        check_task_event(sim, event->wish, event);
}
