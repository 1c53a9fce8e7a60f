/* Events for an executor on its stream, as Mesos's agent writes them. */
#include <string.h>

#include "mesos/v1/executor/executor.pb-c.h"

#include "parts.h"

typedef Mesos__V1__Executor__Event ExecutorEvent;

#define EXECUTOR_EVENT(name) MESOS__V1__EXECUTOR__EVENT__TYPE__##name

static ExecutorEvent event_of(Mesos__V1__Executor__Event__Type type)
{
    ExecutorEvent event = MESOS__V1__EXECUTOR__EVENT__INIT;
    event.has_type = true;
    event.type = type;
    return event;
}

static void send_event(struct executor *executor, const ExecutorEvent *event)
{
    if (executor->stream != NULL)
        events_write(executor->stream, executor->encoding, &event->base, &executor->scratch);
}

void send_executor_subscribed(struct executor *executor)
{
    struct framework *framework = executor->framework;
    struct agent *agent = executor->agent;
    struct arena arena;
    arena_init(&arena);
    ExecutorEvent event = event_of(EXECUTOR_EVENT(SUBSCRIBED));
    Mesos__V1__Executor__Event__Subscribed subscribed = MESOS__V1__EXECUTOR__EVENT__SUBSCRIBED__INIT;
    FrameworkInfo info = *framework->info;
    Mesos__V1__FrameworkID framework_id = MESOS__V1__FRAMEWORK_ID__INIT;
    Mesos__V1__AgentInfo agent_info = MESOS__V1__AGENT_INFO__INIT;
    Mesos__V1__AgentID agent_id = MESOS__V1__AGENT_ID__INIT;
    Mesos__V1__ContainerID container_id = MESOS__V1__CONTAINER_ID__INIT;
    framework_id.value = framework->id;
    info.id = &framework_id;
    agent_id.value = agent->id;
    agent_info.id = &agent_id;
    agent_info.hostname = agent->hostname;
    agent_info.has_port = true;
    agent_info.port = agent->local->port;
    agent_info.n_resources = resources_write(&agent->total, NULL, true, &arena, &agent_info.resources);
    agent_info.n_attributes = agent->attribute_count;
    agent_info.attributes = agent->attributes;
    agent_info.domain = agent->domain;
    container_id.value = executor->container_id;
    subscribed.executor_info = executor->info;
    subscribed.framework_info = &info;
    subscribed.agent_info = &agent_info;
    subscribed.container_id = &container_id;
    event.subscribed = &subscribed;
    send_event(executor, &event);
    arena_clear(&arena);
}

void send_executor_launch(struct executor *executor, const struct task *task)
{
    ExecutorEvent event = event_of(EXECUTOR_EVENT(LAUNCH));
    Mesos__V1__Executor__Event__Launch launch = MESOS__V1__EXECUTOR__EVENT__LAUNCH__INIT;
    launch.task = task->info;
    event.launch = &launch;
    send_event(executor, &event);
}

void send_executor_kill(
        struct executor *executor, const struct task *task, const Mesos__V1__KillPolicy *policy)
{
    ExecutorEvent event = event_of(EXECUTOR_EVENT(KILL));
    Mesos__V1__Executor__Event__Kill kill = MESOS__V1__EXECUTOR__EVENT__KILL__INIT;
    Mesos__V1__TaskID task_id = MESOS__V1__TASK_ID__INIT;
    task_id.value = task->id;
    kill.task_id = &task_id;
    kill.kill_policy = (Mesos__V1__KillPolicy *)(uintptr_t)policy;
    event.kill = &kill;
    send_event(executor, &event);
}

void send_executor_acknowledged(struct executor *executor, const char *task_id, ProtobufCBinaryData uuid)
{
    ExecutorEvent event = event_of(EXECUTOR_EVENT(ACKNOWLEDGED));
    Mesos__V1__Executor__Event__Acknowledged acknowledged = MESOS__V1__EXECUTOR__EVENT__ACKNOWLEDGED__INIT;
    Mesos__V1__TaskID id = MESOS__V1__TASK_ID__INIT;
    id.value = (char *)(uintptr_t)task_id;
    acknowledged.task_id = &id;
    acknowledged.uuid = uuid;
    event.acknowledged = &acknowledged;
    send_event(executor, &event);
}

void send_executor_message(struct executor *executor, ProtobufCBinaryData data)
{
    ExecutorEvent event = event_of(EXECUTOR_EVENT(MESSAGE));
    Mesos__V1__Executor__Event__Message message = MESOS__V1__EXECUTOR__EVENT__MESSAGE__INIT;
    message.data = data;
    event.message = &message;
    send_event(executor, &event);
}

void send_executor_shutdown(struct executor *executor)
{
    ExecutorEvent event = event_of(EXECUTOR_EVENT(SHUTDOWN));
    send_event(executor, &event);
}
