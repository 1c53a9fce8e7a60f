/* The core's outputs: records go to the store, all else is packed and waits in the outbox for the group that
 * was current when it was made. */
#include "internal.h"

#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "encode.h"

#define EXIT_DAMAGED 65

/* Packing fails only where something kept cannot be read again. Nothing sensible can follow. */
static struct blob *must_encode(struct blob *blob)
{
    if (!blob) {
        log_error("daemon", "stopping: the store is damaged");
        _exit(EXIT_DAMAGED);
    }
    return blob;
}

static struct blob *event_header(struct daemon *daemon, const struct core_event *event)
{
    Zmesos__V1__EventHeader header;
    zmesos__v1__event_header__init(&header);
    header.has_version = header.has_run = header.has_class_ = header.has_number = header.has_time_ns = true;
    header.version = 1;
    header.store = daemon->store_id;
    header.run = daemon->run;
    header.class_ = event->class;
    header.number = event->number;
    header.has_revision = event->revision != 0;
    header.revision = event->revision;
    header.time_ns = daemon->now.wall_ns;
    return encode_message(&header.base);
}

/* The message that is the body; NULL where it is the master's own bytes. */
static const ProtobufCMessage *event_message(const struct core_event *event)
{
    if (event->bytes)
        return NULL;
    if (event->task)
        return &event->task->base;
    if (event->explanation)
        return &event->explanation->base;
    if (event->unconfirmed)
        return &event->unconfirmed->base;
    if (event->operation)
        return &event->operation->base;
    if (event->lease)
        return &event->lease->base;
    return event->orphan ? &event->orphan->base : &event->status->base;
}

static struct blob *event_body(const struct core_event *event)
{
    const ProtobufCMessage *message = event_message(event);
    if (event->operation)
        return must_encode(encode_operation(event)); /* with what it made */
    return message ? encode_message(message) : blob_ref(event->bytes);
}

static void add_event(struct daemon *daemon, const struct core_event *event)
{
    const ProtobufCMessage *message = event_message(event);
    struct parcel parcel = {.kind = PARCEL_EVENT,
            .topic = alloc_string(event->topic),
            .header = event_header(daemon, event),
            .body = event_body(event),
            .type = message ? message->descriptor : &mesos__v1__scheduler__event__descriptor};
    if (event->journaled) {
        struct record record = {.kind = RECORD_EVENT,
                .event = {.class = (int32_t)event->class,
                        .number = event->number,
                        .time_ns = daemon->now.wall_ns,
                        .topic = parcel.topic,
                        .header = parcel.header,
                        .body = parcel.body}};
        store_add(daemon->store, &record);
        recent_add(
                &daemon->recent, (int)event->class, event->number, parcel.topic, parcel.header, parcel.body);
    } else {
        recent_begin(&daemon->recent, (int)event->class, event->number);
    }
    parcel.group = store_group(daemon->store);
    outbox_add(&daemon->outbox, &parcel);
}

static void add_call(struct daemon *daemon, const struct core_call *call)
{
    struct parcel parcel = {.kind = PARCEL_CALL,
            .group = store_group(daemon->store),
            .id = call->number,
            .subscription = call->subscription,
            .ordered = call->ordered,
            .body = call->call->update_framework ? daemon_update_framework(daemon, call)
                                                 : must_encode(encode_call(call))};
    outbox_add(&daemon->outbox, &parcel);
}

void daemon_add_reply(struct daemon *daemon, front_token token, struct blob *reply)
{
    struct parcel parcel = {
            .kind = PARCEL_REPLY, .group = store_group(daemon->store), .id = token, .body = reply};
    outbox_add(&daemon->outbox, &parcel);
}

/* What the core does not know of. */
static void complete_status(const struct daemon *daemon, Zmesos__V1__DaemonStatus *status)
{
    status->has_outputs_waiting = status->has_calls_waiting = true;
    status->outputs_waiting = daemon->outbox.count;
    status->calls_waiting =
            daemon->master ? master_waiting_calls(daemon->master) : 0; /* NULL: as it begins */
    struct store_figures figures;
    store_figures(daemon->store, &figures);
    status->has_journal_events = true;
    status->journal_events = figures.journal_rows;
    status->has_journal_bytes = figures.bytes_known;
    status->journal_bytes = figures.journal_bytes;
    status->has_commits = status->has_commits_us = status->has_longest_commit_us = true;
    status->commits = figures.commits;
    status->commits_us = figures.commits_us;
    status->longest_commit_us = figures.longest_commit_us;
}

void daemon_outputs(struct daemon *daemon)
{
    for (size_t i = 0; i < daemon->outputs.count; i++) {
        const struct core_output *output = &daemon->outputs.items[i];
        switch (output->kind) {
        case CORE_OUT_RECORD:
            store_add(daemon->store, &output->record);
            break;
        case CORE_OUT_CALL:
            add_call(daemon, &output->call);
            break;
        case CORE_OUT_REPLY:
            if (output->reply.reply->result_case == ZMESOS__V1__REPLY__RESULT_STATUS)
                complete_status(daemon, output->reply.reply->status);
            daemon_add_reply(daemon, output->reply.token, must_encode(encode_reply(&output->reply)));
            break;
        case CORE_OUT_EVENT:
            if (output->event.status)
                complete_status(daemon, output->event.status);
            add_event(daemon, &output->event);
            break;
        }
    }
    core_outputs_reset(&daemon->outputs);
}

void daemon_release(struct daemon *daemon)
{
    struct parcel *parcel;
    uint64_t committed = store_committed(daemon->store);
    while ((parcel = outbox_ready(&daemon->outbox, committed))) {
        switch (parcel->kind) {
        case PARCEL_REPLY:
            front_reply(daemon->front, parcel->id, blob_slice(parcel->body));
            break;
        case PARCEL_CALL:
            master_send(daemon->master, parcel->id, parcel->subscription, parcel->ordered, parcel->body);
            break;
        case PARCEL_EVENT:
            front_publish(daemon->front, parcel->topic, parcel->header, parcel->body);
            front_publish_json(daemon->front, parcel->topic, parcel->header, parcel->body, parcel->type);
            break;
        }
        outbox_drop_first(&daemon->outbox);
    }
}
