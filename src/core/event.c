/* Events of the master, one function a type that does more than be published. */
#include "internal.h"

#define EVENT(name) MESOS__V1__SCHEDULER__EVENT__TYPE__##name

/* An agent was removed or an executor ended: the updates come by themselves; ask, should one be lost. */
static void handle_failure(struct core *core, const Mesos__V1__Scheduler__Event__Failure *failure)
{
    if (failure->agent_id && !failure->executor_id) {
        site_forget(core, failure->agent_id->value);
        maintenance_forget(core, failure->agent_id->value);
        operations_ask_agent(core, failure->agent_id->value, false);
    }
    struct agent *agent = failure->agent_id && !failure->executor_id
                                  ? map_get_string(&core->agents, failure->agent_id->value)
                                  : NULL;
    if (!agent)
        return;
    for (struct list_link *link = list_first(&agent->tasks); link; link = list_next(&agent->tasks, link))
        reconcile_task(core, list_item(link, struct task, agent_link));
}

static void publish(struct core *core, Zmesos__V1__EventClass class, int type, struct blob *bytes)
{
    const char *name = enum_name(&mesos__v1__scheduler__event__type__descriptor, type);
    struct arena *arena = &core->out->arena;
    output_event(core, class, 0,
            class == CLASS(UNKNOWN_EVENT) ? arena_format(arena, "mesos/%d", type)
                                          : arena_format(arena, "mesos/%s", name),
            bytes);
}

void handle_event(struct core *core, const Mesos__V1__Scheduler__Event *event, struct blob *bytes)
{
    int type = event->has_type ? (int)event->type : 0;
    switch (type) {
    case EVENT(SUBSCRIBED):
        publish(core, CLASS(MESOS_SUBSCRIBED), type, bytes);
        break;
    case EVENT(OFFERS):
        publish(core, CLASS(OFFERS), type, bytes);
        if (event->offers)
            handle_offers(core, event->offers);
        break;
    case EVENT(INVERSE_OFFERS):
        publish(core, CLASS(INVERSE_OFFERS), type, bytes);
        if (event->inverse_offers)
            handle_inverse_offers(core, event->inverse_offers);
        break;
    case EVENT(RESCIND_INVERSE_OFFER):
        publish(core, CLASS(INVERSE_OFFERS), type, bytes);
        if (event->rescind_inverse_offer)
            handle_rescind_inverse_offer(core, event->rescind_inverse_offer->inverse_offer_id->value);
        break;
    case EVENT(RESCIND):
        publish(core, CLASS(RESCIND), type, bytes);
        if (event->rescind)
            handle_rescind(core, event->rescind->offer_id->value);
        break;
    case EVENT(UPDATE):
        if (event->update)
            handle_update(core, event->update->status, bytes);
        else
            publish(core, CLASS(UNKNOWN_EVENT), type, bytes);
        break;
    case EVENT(UPDATE_OPERATION_STATUS):
        publish(core, CLASS(OPERATION_UPDATE), type, bytes);
        if (event->update_operation_status)
            handle_operation_update(core, event->update_operation_status->status, bytes);
        break;
    case EVENT(MESSAGE):
        publish(core, CLASS(MESSAGE), type, bytes);
        break;
    case EVENT(FAILURE):
        publish(core, CLASS(FAILURE), type, bytes);
        if (event->failure)
            handle_failure(core, event->failure);
        break;
    case EVENT(ERROR):
        publish(core, CLASS(MESOS_ERROR), type, bytes);
        break;
    case EVENT(HEARTBEAT):
        publish(core, CLASS(MESOS_HEARTBEAT), type, bytes);
        break;
    default:
        publish(core, CLASS(UNKNOWN_EVENT), type, bytes);
        break;
    }
}
