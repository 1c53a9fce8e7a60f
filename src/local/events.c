/* Events as Mesos's master writes them, in the encoding that the framework asked for. Small ones are packed
 * on the stack: three updates and no allocation a task. */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "wire/json.h"
#include "wire/recordio.h"

#include "parts.h"

#define SMALL_EVENT 4096

static void write_record(struct http_stream *stream, const void *data, size_t length)
{
    char header[RECORDIO_HEADER_MAX + 1];
    http_stream_write(stream, header, recordio_header(length, header));
    http_stream_write(stream, data, length);
}

void events_write(struct http_stream *stream, enum encoding encoding, const ProtobufCMessage *event,
        struct buf *scratch)
{
    if (encoding == ENCODING_JSON) {
        struct error err;
        buf_consume(scratch, scratch->length);
        if (json_write(event, scratch, &err) != 0)
            log_error("events", "an event does not fit JSON: %s", err.text);
        else
            write_record(stream, scratch->data, scratch->length);
        return;
    }
    uint8_t small[SMALL_EVENT];
    size_t length = protobuf_c_message_get_packed_size(event);
    uint8_t *bytes = length <= sizeof(small) ? small : alloc_bytes(length);
    protobuf_c_message_pack(event, bytes);
    write_record(stream, bytes, length);
    if (bytes != small)
        free(bytes);
}

void events_send(struct framework *framework, const Event *event)
{
    if (framework->stream == NULL)
        return;
    state_log_event(framework->local, (int)event->type);
    events_write(framework->stream, framework->encoding, &event->base, &framework->event);
}

void events_send_raw(struct framework *framework, const void *record, size_t length)
{
    if (framework->stream != NULL)
        write_record(framework->stream, record, length);
}

static Event event_of(Mesos__V1__Scheduler__Event__Type type)
{
    Event event = MESOS__V1__SCHEDULER__EVENT__INIT;
    event.has_type = true;
    event.type = type;
    return event;
}

/* The four bytes of an address as a number, lowest first: the deprecated form of MasterInfo. */
static uint32_t old_address(const char *ip)
{
    uint32_t sum = 0;
    for (unsigned i = 0; i < 4; i++) {
        sum |= (uint32_t)(strtoul(ip, NULL, 10) & 0xff) << (8 * i);
        ip = strchr(ip, '.');
        if (ip == NULL)
            break;
        ip++;
    }
    return sum;
}

void send_subscribed(struct framework *framework)
{
    struct local *local = framework->local;
    char pid[96];
    char ip[64];
    Event event = event_of(EVENT(SUBSCRIBED));
    Mesos__V1__Scheduler__Event__Subscribed subscribed = MESOS__V1__SCHEDULER__EVENT__SUBSCRIBED__INIT;
    Mesos__V1__FrameworkID id = MESOS__V1__FRAMEWORK_ID__INIT;
    Mesos__V1__MasterInfo info = MESOS__V1__MASTER_INFO__INIT;
    Mesos__V1__Address address = MESOS__V1__ADDRESS__INIT;
    Mesos__V1__MasterInfo__Capability capability = MESOS__V1__MASTER_INFO__CAPABILITY__INIT;
    Mesos__V1__MasterInfo__Capability *capabilities[] = {&capability};
    char version[] = "1.12.0"; /* whose behaviour this is */

    snprintf(ip, sizeof(ip), "%s", local->options->ip);
    snprintf(pid, sizeof(pid), "master@%s:%u", ip, local->port);
    id.value = framework->id;
    address.hostname = ip;
    address.ip = ip;
    address.port = local->port;
    capability.has_type = true;
    capability.type = MESOS__V1__MASTER_INFO__CAPABILITY__TYPE__AGENT_UPDATE;
    info.id = local->master_id;
    info.ip = old_address(ip);
    info.port = local->port;
    info.pid = pid;
    info.hostname = ip;
    info.version = version;
    info.address = &address;
    info.n_capabilities = 1;
    info.capabilities = capabilities;
    subscribed.framework_id = &id;
    subscribed.has_heartbeat_interval_seconds = true;
    subscribed.heartbeat_interval_seconds = (double)local->options->heartbeat_ms / 1000;
    subscribed.master_info = &info;
    event.subscribed = &subscribed;
    events_send(framework, &event);
}

void send_heartbeat(struct framework *framework)
{
    Event event = event_of(EVENT(HEARTBEAT));
    events_send(framework, &event);
}

void send_error(struct framework *framework, const char *message)
{
    Event event = event_of(EVENT(ERROR));
    Mesos__V1__Scheduler__Event__Error error = MESOS__V1__SCHEDULER__EVENT__ERROR__INIT;
    error.message = (char *)(uintptr_t)message;
    event.error = &error;
    events_send(framework, &event);
}

void send_rescind(struct framework *framework, const char *offer_id)
{
    Event event = event_of(EVENT(RESCIND));
    Mesos__V1__Scheduler__Event__Rescind rescind = MESOS__V1__SCHEDULER__EVENT__RESCIND__INIT;
    Mesos__V1__OfferID id = MESOS__V1__OFFER_ID__INIT;
    id.value = (char *)(uintptr_t)offer_id;
    rescind.offer_id = &id;
    event.rescind = &rescind;
    events_send(framework, &event);
}

void send_rescind_inverse(struct framework *framework, const char *id)
{
    Event event = event_of(EVENT(RESCIND_INVERSE_OFFER));
    Mesos__V1__Scheduler__Event__RescindInverseOffer rescind =
            MESOS__V1__SCHEDULER__EVENT__RESCIND_INVERSE_OFFER__INIT;
    Mesos__V1__OfferID offer_id = MESOS__V1__OFFER_ID__INIT;
    offer_id.value = (char *)(uintptr_t)id;
    rescind.inverse_offer_id = &offer_id;
    event.rescind_inverse_offer = &rescind;
    events_send(framework, &event);
}

void send_failure(struct framework *framework, const char *agent_id)
{
    Event event = event_of(EVENT(FAILURE));
    Mesos__V1__Scheduler__Event__Failure failure = MESOS__V1__SCHEDULER__EVENT__FAILURE__INIT;
    Mesos__V1__AgentID id = MESOS__V1__AGENT_ID__INIT;
    id.value = (char *)(uintptr_t)agent_id;
    failure.agent_id = &id;
    event.failure = &failure;
    events_send(framework, &event);
}

void send_executor_failure(
        struct framework *framework, const char *agent_id, const char *executor_id, int status)
{
    Event event = event_of(EVENT(FAILURE));
    Mesos__V1__Scheduler__Event__Failure failure = MESOS__V1__SCHEDULER__EVENT__FAILURE__INIT;
    Mesos__V1__AgentID agent = MESOS__V1__AGENT_ID__INIT;
    Mesos__V1__ExecutorID executor = MESOS__V1__EXECUTOR_ID__INIT;
    agent.value = (char *)(uintptr_t)agent_id;
    executor.value = (char *)(uintptr_t)executor_id;
    failure.agent_id = &agent;
    failure.executor_id = &executor;
    failure.has_status = true;
    failure.status = status;
    event.failure = &failure;
    events_send(framework, &event);
}

void send_message(
        struct framework *framework, const char *agent_id, const char *executor_id, ProtobufCBinaryData data)
{
    Event event = event_of(EVENT(MESSAGE));
    Mesos__V1__Scheduler__Event__Message message = MESOS__V1__SCHEDULER__EVENT__MESSAGE__INIT;
    Mesos__V1__AgentID agent = MESOS__V1__AGENT_ID__INIT;
    Mesos__V1__ExecutorID executor = MESOS__V1__EXECUTOR_ID__INIT;
    agent.value = (char *)(uintptr_t)agent_id;
    executor.value = (char *)(uintptr_t)executor_id;
    message.agent_id = &agent;
    message.executor_id = &executor;
    message.data = data;
    event.message = &message;
    events_send(framework, &event);
}

void send_operation_status(struct framework *framework, const struct operation_status *what)
{
    Event event = event_of(EVENT(UPDATE_OPERATION_STATUS));
    Mesos__V1__Scheduler__Event__UpdateOperationStatus update =
            MESOS__V1__SCHEDULER__EVENT__UPDATE_OPERATION_STATUS__INIT;
    Mesos__V1__OperationStatus status = MESOS__V1__OPERATION_STATUS__INIT;
    Mesos__V1__OperationID id = MESOS__V1__OPERATION_ID__INIT;
    Mesos__V1__AgentID agent_id = MESOS__V1__AGENT_ID__INIT;
    Mesos__V1__UUID uuid = MESOS__V1__UUID__INIT;
    id.value = (char *)(uintptr_t)what->id;
    agent_id.value = (char *)(uintptr_t)what->agent_id;
    uuid.value = (ProtobufCBinaryData){.len = 16, .data = (uint8_t *)(uintptr_t)what->uuid};
    status.operation_id = &id;
    status.agent_id = what->agent_id == NULL ? NULL : &agent_id;
    status.uuid = what->uuid == NULL ? NULL : &uuid;
    status.state = what->state;
    status.message = (char *)(uintptr_t)what->message;
    update.status = &status;
    event.update_operation_status = &update;
    events_send(framework, &event);
}

/* A status and what hangs below it, in one piece. */
struct status_parts {
    TaskStatus status;
    Mesos__V1__TaskID task_id;
    Mesos__V1__AgentID agent_id;
    Mesos__V1__ExecutorID executor_id;
    Mesos__V1__ContainerStatus container;
    Mesos__V1__ContainerID container_id, parent_id;
    Mesos__V1__NetworkInfo network;
    Mesos__V1__NetworkInfo *networks[1];
    Mesos__V1__NetworkInfo__IPAddress address;
    Mesos__V1__NetworkInfo__IPAddress *addresses[1];
    Mesos__V1__TimeInfo unreachable;
};

static void send_status(struct framework *framework, struct status_parts *parts)
{
    Event event = event_of(EVENT(UPDATE));
    Mesos__V1__Scheduler__Event__Update update = MESOS__V1__SCHEDULER__EVENT__UPDATE__INIT;
    update.status = &parts->status;
    event.update = &update;
    events_send(framework, &event);
}

static void fill_ids(struct status_parts *parts, const char *task_id, const char *agent_id)
{
    mesos__v1__task_status__init(&parts->status);
    mesos__v1__task_id__init(&parts->task_id);
    parts->task_id.value = (char *)(uintptr_t)task_id;
    parts->status.task_id = &parts->task_id;
    if (agent_id == NULL)
        return;
    mesos__v1__agent_id__init(&parts->agent_id);
    parts->agent_id.value = (char *)(uintptr_t)agent_id;
    parts->status.agent_id = &parts->agent_id;
}

static void fill_container(struct status_parts *parts, const struct task *task)
{
    static char loopback[] = "127.0.0.1";
    mesos__v1__container_status__init(&parts->container);
    mesos__v1__container_id__init(&parts->container_id);
    parts->container_id.value = (char *)(uintptr_t)task->container_id;
    if (task->parent_id[0] != '\0') {
        mesos__v1__container_id__init(&parts->parent_id);
        parts->parent_id.value = (char *)(uintptr_t)task->parent_id;
        parts->container_id.parent = &parts->parent_id;
    }
    mesos__v1__network_info__init(&parts->network);
    mesos__v1__network_info__ipaddress__init(&parts->address);
    parts->address.has_protocol = true;
    parts->address.protocol = MESOS__V1__NETWORK_INFO__PROTOCOL__IPv4;
    parts->address.ip_address = loopback;
    parts->addresses[0] = &parts->address;
    parts->network.n_ip_addresses = 1;
    parts->network.ip_addresses = parts->addresses;
    parts->networks[0] = &parts->network;
    parts->container.container_id = &parts->container_id;
    parts->container.n_network_infos = 1;
    parts->container.network_infos = parts->networks;
    parts->container.has_executor_pid = task->pid != 0;
    parts->container.executor_pid = task->pid;
    parts->status.container_status = &parts->container;
}

void send_master_status(struct framework *framework, const struct master_status *what)
{
    struct status_parts parts;
    fill_ids(&parts, what->task_id, what->agent_id);
    parts.status.state = what->state;
    parts.status.message = (char *)(uintptr_t)what->message;
    parts.status.has_source = true;
    parts.status.source = SOURCE(MASTER);
    parts.status.has_reason = what->reason != 0;
    parts.status.reason = (Reason)what->reason;
    parts.status.has_timestamp = true;
    parts.status.timestamp = (double)framework->local->loop.now.wall_ns / 1e9;
    if (what->task != NULL) {
        /* A command's executor is the agent's, and the master knows of none. */
        if (strcmp(what->task->executor_id, what->task->id) != 0) {
            mesos__v1__executor_id__init(&parts.executor_id);
            parts.executor_id.value = what->task->executor_id;
            parts.status.executor_id = &parts.executor_id;
        }
        if (what->task->master_state != TASK(STAGING))
            fill_container(&parts, what->task);
        parts.status.has_healthy = what->task->master_healthy >= 0;
        parts.status.healthy = what->task->master_healthy > 0;
    }
    if (what->unreachable_ns != 0) {
        mesos__v1__time_info__init(&parts.unreachable);
        parts.unreachable.nanoseconds = what->unreachable_ns;
        parts.status.unreachable_time = &parts.unreachable;
    }
    send_status(framework, &parts);
}

void send_update(const struct task *task, const struct update *update)
{
    struct status_parts parts;
    fill_ids(&parts, task->id, task->agent->id);
    if (update->own != NULL) { /* what it says beside: data, labels, checks */
        parts.status = *update->own;
        parts.status.task_id = &parts.task_id;
        parts.status.agent_id = &parts.agent_id;
    }
    parts.status.state = update->state;
    parts.status.message = update->message;
    parts.status.has_source = true;
    parts.status.source = update->source;
    parts.status.has_reason = update->reason != 0;
    parts.status.reason = (Reason)update->reason;
    parts.status.has_timestamp = true;
    parts.status.timestamp = update->timestamp;
    parts.status.has_uuid = true;
    parts.status.uuid = (ProtobufCBinaryData){.len = 16, .data = (uint8_t *)(uintptr_t)update->uuid};
    parts.status.has_healthy = update->healthy >= 0;
    parts.status.healthy = update->healthy > 0;
    if (update->source == SOURCE(EXECUTOR)) {
        mesos__v1__executor_id__init(&parts.executor_id);
        parts.executor_id.value = task->executor_id;
        parts.status.executor_id = &parts.executor_id;
        fill_container(&parts, task);
    }
    send_status(task->framework, &parts);
}
