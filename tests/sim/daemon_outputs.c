/* What the core puts out: records to the store, all else to the outbox, which it leaves in order once its
 * group is on disk. Some planted bugs are made here. */
#include "sim.h"

#include <string.h>

static void add_parcel(struct sim *sim, const struct parcel *from)
{
    struct parcel *parcel = NEW(sim, struct parcel);
    *parcel = *from;
    parcel->group = store_group(sim);
    *sim->daemon.end = parcel;
    sim->daemon.end = &parcel->next;
    sim->daemon.waiting++;
}

static void add_event(struct sim *sim, const struct core_event *event)
{
    struct published *published = NEW(sim, struct published);
    *published = (struct published){.class = (int)event->class,
            .journaled = event->journaled,
            .number = event->number,
            .revision = event->revision};
    if (event->task) {
        published->wish = client_wish(sim, event->task->id, strlen(event->task->id));
        published->state = event->task->state;
        published->forgets = published->wish ? published->wish->forgets_decided : 0;
    }
    if (event->orphan) {
        published->orphan = arena_string(&sim->arena, event->orphan->mesos_task_id);
        published->adopted = event->orphan->action == ZMESOS__V1__ORPHAN__ACTION__ADOPTED;
    }
    if (event->lease)
        lessees_change(sim, event->lease);
    if (event->bytes)
        published->word = *(struct word *const *)blob_slice(event->bytes).data;
    check_event_decided(sim, published);
    if (event->journaled) {
        struct blob *body = blob_create(&published, sizeof published);
        struct record record = {.kind = RECORD_EVENT,
                .event = {.class = (int32_t)event->class,
                        .number = event->number,
                        .topic = event->topic,
                        .body = body}};
        store_add(sim, &record);
        blob_unref(body);
    }
    add_parcel(sim, &(struct parcel){.kind = PARCEL_EVENT, .event = published});
}

static void add_call(struct sim *sim, const struct core_call *out)
{
    struct call *call = daemon_call(sim, out);
    check_call_decided(sim, call);
    if (sim->plant == PLANT_KILL_IS_END && call->type == CALL(KILL))
        plant_kill_ends(sim, call->tasks[0].id);
    if (sim->plant == PLANT_SKIP_ASKING && call->type == CALL(RECONCILE) && plant_skips(sim, call))
        return;
    if (sim->plant == PLANT_ACK_EARLY && call->type == CALL(ACKNOWLEDGE))
        mesos_send(sim, call);
    else
        add_parcel(sim, &(struct parcel){.kind = PARCEL_CALL, .call = call});
}

void daemon_take_outputs(struct sim *sim)
{
    struct core_outputs *outputs = &sim->daemon.outputs;
    hand_read_outputs(sim, outputs);
    for (size_t i = 0; i < outputs->count; i++) {
        const struct core_output *output = &outputs->items[i];
        switch (output->kind) {
        case CORE_OUT_RECORD:
            store_add(sim, &output->record);
            break;
        case CORE_OUT_CALL:
            add_call(sim, &output->call);
            break;
        case CORE_OUT_REPLY:
            add_parcel(sim,
                    &(struct parcel){.kind = PARCEL_REPLY, .reply = client_read_reply(sim, &output->reply)});
            break;
        case CORE_OUT_EVENT:
            add_event(sim, &output->event);
            break;
        }
    }
    core_outputs_reset(outputs);
}

void daemon_release(struct sim *sim)
{
    struct daemon *daemon = &sim->daemon;
    while (daemon->up && daemon->first && daemon->first->group <= sim->store.committed) {
        if (daemon_point(sim))
            return;
        struct parcel *parcel = daemon->first;
        daemon->first = parcel->next;
        if (!daemon->first)
            daemon->end = &daemon->first;
        daemon->waiting--;
        if (parcel->kind == PARCEL_CALL) {
            mesos_send(sim, parcel->call);
        } else if (parcel->kind == PARCEL_REPLY) {
            check_reply_leaves(sim, parcel->reply);
            client_reply(sim, parcel->reply);
        } else {
            check_event_leaves(sim, parcel->event);
        }
    }
}
